/* Every file of tests/fuzz/corpus, the seeds and what the fuzzers found, and the files of data and jobs, through the readers. */
#include "support.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/readers_runfile.h"
#include "multidistral/base/text.h"
#include "multidistral/run/seal.h"

enum { PATH_BYTES = 512, FILE_BYTES = 1 << 20 };

static void source_path(char path[PATH_BYTES], const char *name) {
    const char *end = strstr(__FILE__, "/tests/test_corpus.c");
    snprintf(path, PATH_BYTES, "%.*s/%s", end ? (int)(end - __FILE__) : 1, end ? __FILE__ : ".", name);
}

static void replay(const char *path, void (*reader)(const uint8_t *, size_t)) {
    uint8_t *data = memory_zeros(FILE_BYTES, 1);
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s cannot be opened", path);
    size_t n = fread(data, 1, FILE_BYTES, file);
    fclose(file);
    fprintf(stderr, "%s\n", path); /* the last one named is the one that a crash is about */
    reader(data, n);
    free(data);
}

/* The files of a folder with an ending through a reader; at least so many must be there. */
static void replay_folder(const char *folder, const char *ending, int least, void (*reader)(const uint8_t *, size_t)) {
    char path[PATH_BYTES], name[2 * PATH_BYTES];
    int n = 0;
    source_path(path, folder);
    DIR *all = opendir(path);
    if (!all) fail_msg("%s is missing", path);
    for (struct dirent *file; (file = readdir(all));) {
        if (file->d_name[0] == '.' || !text_ends_with(file->d_name, ending)) continue;
        snprintf(name, sizeof name, "%s/%s", path, file->d_name);
        replay(name, reader);
        n++;
    }
    closedir(all);
    assert_true(n >= least);
}

static void tasks(void **unused) {
    (void)unused;
    replay_folder("data", ".task", 14, read_task);
    replay_folder("data", ".txt", 1, read_task);
    replay_folder("tests/fuzz/corpus/task", "", 10, read_task);
}

static void settings(void **unused) {
    (void)unused;
    replay_folder("jobs", ".ini", 10, read_settings);
    replay_folder("tests/fuzz/corpus/settings", "", 5, read_settings);
}

static void values(void **unused) {
    (void)unused;
    replay_folder("tests/fuzz/corpus/value", "", 5, read_value);
}

static void maps(void **unused) {
    (void)unused;
    replay_folder("data", ".map", 1, read_map);
    replay_folder("tests/fuzz/corpus/map", "", 5, read_map);
}

static void scenarios(void **unused) {
    (void)unused;
    replay_folder("data", ".scen", 1, read_scen);
    replay_folder("tests/fuzz/corpus/scen", "", 5, read_scen);
}

static void seals(void **unused) {
    (void)unused;
    replay_folder("tests/fuzz/corpus/seal", "", 5, read_seal);
}

static void run_files(void **unused) {
    (void)unused;
    replay_folder("tests/fuzz/corpus/runfile", "", 10, read_runfile);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(tasks), cmocka_unit_test(settings), cmocka_unit_test(values),
                                       cmocka_unit_test(maps), cmocka_unit_test(scenarios), cmocka_unit_test(seals), cmocka_unit_test(run_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
