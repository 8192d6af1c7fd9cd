/* Every file of tests/fuzz/corpus, the seeds and what the fuzzers found, and the files of data and jobs, through the readers:
 * as it is, and changed at random places, the same ones each time. */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/readers_runfile.h"
#include "multidistral/base/rng.h"
#include "multidistral/base/text.h"
#include "multidistral/run/seal.h"

enum { PATH_BYTES = 512, FILE_BYTES = 1 << 20 };

static void source_path(char path[PATH_BYTES], const char *name) {
    const char *end = strstr(__FILE__, "/tests/test_corpus.c");
    snprintf(path, PATH_BYTES, "%.*s/%s", end ? (int)(end - __FILE__) : 1, end ? __FILE__ : ".", name);
}

/* ---- Changes ---- */

enum { WORDS = 100, WORD_BYTES = 80 };

/* tests/fuzz/words.dict, the fuzzers' dictionary. */
static struct {
    char word[WORDS][WORD_BYTES];
    size_t n;
} words;

/* A line of it: "word", in which \xHH, \" and \\ stand for a byte. Others are comments. */
static void read_word(const char *line) {
    const char *end = strrchr(line, '"');
    char *out = words.word[words.n];
    if (line[0] != '"') return;
    assert_true(words.n < WORDS && end > line + 1 && end - line < WORD_BYTES);
    for (const char *c = line + 1; c < end; c++) {
        unsigned byte = (unsigned char)*c;
        if (*c == '\\' && sscanf(c, "\\x%2x", &byte) == 1) c += 3;
        else if (*c == '\\') byte = (unsigned char)*++c;
        *out++ = (char)byte;
    }
    words.n++;
}

static int read_words(void **unused) {
    char path[PATH_BYTES], line[2 * WORD_BYTES];
    (void)unused;
    source_path(path, "tests/fuzz/words.dict");
    FILE *file = fopen(path, "r");
    if (!file) fail_msg("%s cannot be opened", path);
    while (fgets(line, sizeof line, file)) read_word(line);
    fclose(file);
    assert_true(words.n >= 30);
    return 0;
}

/* Bytes of a changed file; what does not fit is not put into it. */
struct input {
    uint8_t byte[FILE_BYTES];
    size_t n;
};

static struct input in_hand; /* what the reader reads */

static size_t draw(struct rng *rng, size_t n) { return rng_below(rng_next(rng), (uint32_t)n); }

static void erase(struct input *input, size_t at, size_t n) {
    memmove(input->byte + at, input->byte + at + n, input->n - at - n);
    input->n -= n;
}

static void insert(struct input *input, size_t at, const void *bytes, size_t n) {
    if (input->n + n > FILE_BYTES) return;
    memmove(input->byte + at + n, input->byte + at, input->n - at);
    memcpy(input->byte + at, bytes, n);
    input->n += n;
}

/* A bit turned, a piece lost, or a piece of the file or a word put somewhere. */
static void change_once(struct input *input, struct rng *rng) {
    enum { PIECE = 32 };
    uint8_t piece[PIECE];
    size_t at = draw(rng, input->n + 1), from = draw(rng, input->n + 1), n = 1 + draw(rng, PIECE);
    if (n > input->n - from) n = input->n - from;
    const char *word = words.word[draw(rng, words.n)];
    switch (draw(rng, 4)) {
    case 0:
        if (at < input->n) input->byte[at] ^= (uint8_t)(1U << draw(rng, 8));
        return;
    case 1: erase(input, from, n); return;
    case 2:
        memcpy(piece, input->byte + from, n);
        insert(input, at, piece, n);
        return;
    default: insert(input, at, word, strlen(word));
    }
}

/* What a broken promise of a reader was about stays in a file. */
static void keep_finding(int number) {
    static const char said[] = "what the reader was given is in corpus_finding\n";
    int file = open("corpus_finding", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    bool kept = file >= 0 && write(file, in_hand.byte, in_hand.n) == (ssize_t)in_hand.n && write(2, said, sizeof said - 1) > 0;
    (void)kept;
    signal(number, SIG_DFL); /* and abort() goes on */
}

static void replay_changed(const struct input *file, uint32_t seed, int n, void (*reader)(const uint8_t *, size_t)) {
    for (int i = 0; i < n; i++) {
        struct rng rng;
        rng_start(&rng, &(struct rng_key){.seed = seed, .game = (uint32_t)i});
        memcpy(in_hand.byte, file->byte, file->n);
        in_hand.n = file->n;
        for (size_t left = 1 + draw(&rng, 4); left > 0; left--) change_once(&in_hand, &rng);
        reader(in_hand.byte, in_hand.n);
    }
}

/* ---- Replay ---- */

static void replay(const char *path, int n_changed, void (*reader)(const uint8_t *, size_t)) {
    static struct input whole;
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s cannot be opened", path);
    whole.n = fread(whole.byte, 1, FILE_BYTES, file);
    fclose(file);
    fprintf(stderr, "%s\n", path); /* the last one named is the one that a crash is about */
    in_hand = whole;
    signal(SIGABRT, keep_finding);
    reader(in_hand.byte, in_hand.n);
    replay_changed(&whole, (uint32_t)whole.n, n_changed, reader);
}

/* The files of a folder with an ending through a reader, each also with n_changed changes; at least so many must be there. */
static void replay_folder(const char *folder, const char *ending, int least, int n_changed,
                          void (*reader)(const uint8_t *, size_t)) {
    char path[PATH_BYTES], name[2 * PATH_BYTES];
    int n = 0;
    source_path(path, folder);
    DIR *all = opendir(path);
    if (!all) fail_msg("%s is missing", path);
    for (struct dirent *file; (file = readdir(all));) {
        if (file->d_name[0] == '.' || !text_ends_with(file->d_name, ending)) continue;
        snprintf(name, sizeof name, "%s/%s", path, file->d_name);
        replay(name, n_changed, reader);
        n++;
    }
    closedir(all);
    assert_true(n >= least);
}

enum { CHANGES = 2000 }; /* of each file; a moment each, for a run file is slow to open */

static void tasks(void **unused) {
    (void)unused;
    replay_folder("data", ".task", 14, CHANGES, read_task);
    replay_folder("data", ".txt", 1, CHANGES, read_task);
    replay_folder("tests/fuzz/corpus/task", "", 10, CHANGES, read_task);
}

static void settings(void **unused) {
    (void)unused;
    replay_folder("jobs", ".ini", 10, CHANGES, read_settings);
    replay_folder("tests/fuzz/corpus/settings", "", 5, CHANGES, read_settings);
}

static void values(void **unused) {
    (void)unused;
    replay_folder("tests/fuzz/corpus/value", "", 5, CHANGES, read_value);
}

static void maps(void **unused) {
    (void)unused;
    replay_folder("data", ".map", 1, CHANGES, read_map);
    replay_folder("tests/fuzz/corpus/map", "", 5, CHANGES, read_map);
}

static void scenarios(void **unused) {
    (void)unused;
    replay_folder("data", ".scen", 1, CHANGES, read_scen);
    replay_folder("tests/fuzz/corpus/scen", "", 5, CHANGES, read_scen);
}

static void seals(void **unused) {
    (void)unused;
    replay_folder("tests/fuzz/corpus/seal", "", 5, CHANGES, read_seal);
}

static void run_files(void **unused) {
    (void)unused;
    replay_folder("tests/fuzz/corpus/runfile", "", 10, 20, read_runfile);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(tasks), cmocka_unit_test(settings), cmocka_unit_test(values),
                                       cmocka_unit_test(maps), cmocka_unit_test(scenarios), cmocka_unit_test(seals), cmocka_unit_test(run_files)};
    return cmocka_run_group_tests(tests, read_words, NULL);
}
