#include "multidistral/run/seal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"

static const char signature[8] = "\x89HDF\r\n\x1a\n";
static const char head_format[] = "MultiDistral, HDF5 behind byte 16384; bytes %016" PRIx64 " digest %016" PRIx64 "\n";
static const char line_format[] = "%016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %s\n";
static const char own[] = "HDF5's own: groups, names, attributes";

enum { HEAD_BYTES = 85, LINE_LEAST = 3 * 17 + 2, LINE_MOST = 3 * 17 + SEAL_NAME, WORDS = 1 << 13 };
enum { PARTS_MOST = (SEAL_BYTES - HEAD_BYTES) / LINE_LEAST }; /* so many lines fit */

/* ---- Digests ---- */

struct digest {
    uint64_t sum, words;
};

static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void add_words(struct digest *digest, const uint64_t *word, size_t n) {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += mix(word[i] + (digest->words + i + 1) * UINT64_C(0x9e3779b97f4a7c15));
    digest->sum += sum;
    digest->words += n;
}

/* A stretch of the file, up to its end at most: how many bytes there were is added to *seen. */
static bool add_stretch(struct digest *digest, FILE *file, uint64_t first, uint64_t bytes, uint64_t *seen) {
    uint64_t *words = memory_zeros(WORDS, sizeof *words);
    size_t n = 1;
    bool read = first <= INT64_MAX && fseeko(file, (off_t)first, SEEK_SET) == 0;
    while (read && bytes > 0 && n > 0) {
        n = fread(words, 1, bytes < WORDS * sizeof *words ? bytes : WORDS * sizeof *words, file);
        if (n % sizeof *words) memset((char *)words + n, 0, sizeof *words - n % sizeof *words);
        add_words(digest, words, (n + sizeof *words - 1) / sizeof *words);
        bytes -= n;
        *seen += n;
    }
    free(words);
    return read && !ferror(file);
}

static bool digest_of_part(FILE *file, const struct seal_part *part, uint64_t *sum) {
    struct digest digest = {0};
    uint64_t seen = 0;
    bool read = add_stretch(&digest, file, part->first, part->bytes, &seen);
    *sum = digest.sum;
    return read;
}

/* What is behind the seal and in none of the parts, which are in order. */
static bool digest_of_gaps(FILE *file, const struct seal_part *part, int n_parts, struct seal_part *gaps, uint64_t *sum) {
    struct digest digest = {0};
    uint64_t at = SEAL_BYTES, seen = 0;
    bool read = true;
    for (int i = 0; read && i <= n_parts; i++) {
        uint64_t end = i < n_parts ? part[i].first : UINT64_MAX;
        if (end > at) read = add_stretch(&digest, file, at, end - at, &seen);
        if (i < n_parts && part[i].first + part[i].bytes > at) at = part[i].first + part[i].bytes;
    }
    *gaps = (struct seal_part){.first = SEAL_BYTES, .bytes = seen};
    snprintf(gaps->name, sizeof gaps->name, "%s", own);
    *sum = digest.sum;
    return read;
}

/* ---- Sealing ---- */

static int by_place(const void *a, const void *b) {
    const struct seal_part *one = a, *other = b;
    return (one->first > other->first) - (one->first < other->first);
}

static bool write_parts(FILE *file, const struct seal_part *part, int n_parts, char *text) {
    uint64_t sum;
    struct seal_part gaps;
    bool read = true;
    for (int i = 0; read && i < n_parts; i++) {
        read = digest_of_part(file, &part[i], &sum);
        text += sprintf(text, line_format, part[i].first, part[i].bytes, sum, part[i].name);
    }
    read = read && digest_of_gaps(file, part, n_parts, &gaps, &sum);
    if (read) sprintf(text, line_format, gaps.first, gaps.bytes, sum, gaps.name);
    return read;
}

static bool put_at(FILE *file, int64_t first, const char *bytes, size_t n) {
    return fseeko(file, first, SEEK_SET) == 0 && fwrite(bytes, 1, n, file) == n && fflush(file) == 0;
}

/* The lines of the parts first, then the line that is in front of them and vouches for them. */
static bool put_lines(FILE *file, const struct seal_part *part, int n_parts) {
    struct digest digest = {0};
    uint64_t bytes = HEAD_BYTES;
    char *seal = memory_zeros(SEAL_BYTES, 1);
    bool put = write_parts(file, part, n_parts, seal + HEAD_BYTES) &&
               put_at(file, HEAD_BYTES, seal + HEAD_BYTES, SEAL_BYTES - HEAD_BYTES) &&
               add_stretch(&digest, file, HEAD_BYTES, UINT64_MAX, &bytes);
    if (put) put = sprintf(seal, head_format, bytes, digest.sum) == HEAD_BYTES && put_at(file, 0, seal, HEAD_BYTES);
    free(seal);
    return put;
}

bool seal_put(const char *path, struct seal_part *part, int n_parts, struct fault *why) {
    const int most = (SEAL_BYTES - HEAD_BYTES) / LINE_MOST - 1;
    FILE *file = fopen(path, "r+b");
    if (n_parts > 0) qsort(part, (size_t)n_parts, sizeof *part, by_place);
    bool put = file && put_lines(file, part, n_parts < most ? n_parts : most);
    int error = errno;
    if (file && fclose(file) != 0) put = false, error = errno;
    return put || fault_set(why, "%s: cannot be sealed: %s", path, strerror(error));
}

/* ---- Looking ---- */

struct look {
    FILE *file;
    const char *path;
    void (*see)(const struct seal_part *, bool whole);
    struct seal_part part[PARTS_MOST];
    int n_parts, n_damaged;
    char damaged[512]; /* their names, as far as there is room */
};

static void note(struct look *look, const struct seal_part *part, bool whole) {
    size_t used = strlen(look->damaged);
    if (look->see) look->see(part, whole);
    if (whole) return;
    if (used + sizeof part->name + 8 < sizeof look->damaged)
        sprintf(look->damaged + used, "%s%s", look->n_damaged > 0 ? "; " : "", part->name);
    else if (strcmp(look->damaged + used - 3, "...") != 0) strcat(look->damaged, "; ...");
    look->n_damaged++;
}

static bool is_plain(const char *text) {
    for (; *text; text++)
        if (*text < ' ' || *text > '~') return false;
    return true;
}

/* A line of a part, as write_parts makes it; false: it is none. */
static bool read_line(const char *line, struct seal_part *part, uint64_t *sum) {
    char again[LINE_MOST + 1];
    if (sscanf(line, "%16" SCNx64 " %16" SCNx64 " %16" SCNx64 " %63[^\n]", &part->first, &part->bytes, sum, part->name) != 4) return false;
    int length = snprintf(again, sizeof again, line_format, part->first, part->bytes, *sum, part->name);
    return strncmp(line, again, (size_t)length) == 0 && part->bytes <= INT64_MAX && part->first <= INT64_MAX && is_plain(part->name);
}

/* Is it behind the part before it? Those that overlap would be read again and again. */
static bool is_next(const struct look *look, const struct seal_part *part) {
    const struct seal_part *before = look->n_parts > 0 ? &look->part[look->n_parts - 1] : NULL;
    return part->first >= (before ? before->first + before->bytes : SEAL_BYTES);
}

/* Each part that the seal names; false: its lines are no lines, or the file cannot be read. */
static bool look_at_parts(struct look *look, const char *line) {
    uint64_t given, is;
    struct seal_part part, gaps;
    for (; *line; line = strchr(line, '\n') + 1) {
        if (!read_line(line, &part, &given)) return false;
        if (strcmp(part.name, own) == 0) break;
        if (!is_next(look, &part) || !digest_of_part(look->file, &part, &is)) return false;
        note(look, &part, is == given);
        look->part[look->n_parts++] = part;
    }
    if (!*line || !digest_of_gaps(look->file, look->part, look->n_parts, &gaps, &is)) return false;
    note(look, &part, is == given && part.bytes == gaps.bytes);
    return true;
}

/* Says what is damaged of a file whose first line does not hold. */
static void say_damage(struct look *look, char *seal, struct fault *why) {
    seal[SEAL_BYTES] = '\0';
    bool named = look_at_parts(look, seal + HEAD_BYTES) && look->n_damaged > 0;
    fault_set(why, "%s: is damaged: its bytes are not those that were written, in %s", look->path, named ? look->damaged : "the seal");
}

static bool head_holds(FILE *file, const char *given) {
    struct digest digest = {0};
    uint64_t bytes = HEAD_BYTES;
    char head[HEAD_BYTES + 1];
    return add_stretch(&digest, file, HEAD_BYTES, UINT64_MAX, &bytes) && sprintf(head, head_format, bytes, digest.sum) > 0 &&
           memcmp(given, head, HEAD_BYTES) == 0;
}

static enum seal_state look_at(struct look *look, char *seal, struct fault *why) {
    size_t n = fread(seal, 1, SEAL_BYTES, look->file);
    if (n >= sizeof signature && memcmp(seal, signature, sizeof signature) == 0) return SEAL_NONE;
    bool sealed = n == SEAL_BYTES && strncmp(seal, head_format, strcspn(head_format, "%")) == 0;
    if (!sealed) fault_set(why, "%s: is no complete HDF5 file, expected a run file of multidistral", look->path);
    else if (!head_holds(look->file, seal)) say_damage(look, seal, why);
    else if (look->see) look_at_parts(look, seal + HEAD_BYTES);
    if (ferror(look->file)) fault_set(why, "%s: cannot be read: %s", look->path, strerror(errno));
    return sealed && why->text[0] == '\0' ? SEAL_WHOLE : SEAL_BROKEN;
}

enum seal_state seal_look_at_parts(const char *path, void (*see)(const struct seal_part *part, bool whole), struct fault *why) {
    struct look *look = memory_zeros(1, sizeof *look);
    char *seal = memory_zeros(SEAL_BYTES + 1, 1);
    *look = (struct look){.file = fopen(path, "rb"), .path = path, .see = see};
    enum seal_state state = SEAL_BROKEN;
    why->text[0] = '\0';
    if (!look->file) fault_set(why, "%s: cannot be read: %s", path, strerror(errno));
    else state = look_at(look, seal, why);
    if (look->file) fclose(look->file);
    free(seal);
    free(look);
    return state;
}

enum seal_state seal_look(const char *path, struct fault *why) { return seal_look_at_parts(path, NULL, why); }
