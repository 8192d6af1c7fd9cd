#include "multidistral/base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "multidistral/base/memory.h"

/* The byte-order mark that some editors put in front of UTF-8 is no text. */
static char *without_mark(char *text) {
    static const char mark[] = "\xEF\xBB\xBF";
    size_t length = strlen(mark);
    if (strncmp(text, mark, length) == 0) memmove(text, text + length, strlen(text + length) + 1);
    return text;
}

static char *text_read_stream(FILE *file, const char *path, size_t max_bytes, struct fault *why) {
    char *text = memory_zeros(max_bytes + 2, 1);
    size_t length = fread(text, 1, max_bytes + 1, file);
    if (ferror(file)) {
        fault_set(why, "%s: cannot be read: %s", path, strerror(errno));
    } else if (length > max_bytes) {
        fault_set(why, "%s: longer than %zu bytes, which no such file needs", path, max_bytes);
    } else if (memchr(text, '\0', length)) {
        fault_set(why, "%s: is no text file (it holds a NUL byte)", path);
    } else {
        return without_mark(text);
    }
    free(text);
    return NULL;
}

char *text_read_file(const char *path, size_t max_bytes, struct fault *why) {
    struct stat about;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode)) {
        fault_set(why, "%s: is a folder, expected a file", path);
        return NULL;
    }
    FILE *file = fopen(path, "rb");
    if (!file) {
        fault_set(why, "%s: cannot be read: %s", path, strerror(errno));
        return NULL;
    }
    char *text = text_read_stream(file, path, max_bytes, why);
    fclose(file);
    return text;
}

bool text_next_line(const char *text, struct text_line *line) {
    const char *start = text;
    if (line->start) {
        start = line->start + line->length;
        if (*start == '\r') start++;
        if (*start == '\n') start++;
    } else {
        line->number = 0;
    }
    if (*start == '\0') return false;
    line->start = start;
    line->length = strcspn(start, "\n");
    if (line->length > 0 && start[line->length - 1] == '\r') line->length--;
    line->number++;
    return true;
}

bool text_to_real(const char *text, double *out) {
    if (*text == '\0' || strspn(text, "0123456789+-.eE") != strlen(text)) return false;
    char *end;
    double value = strtod(text, &end);
    if (*end != '\0' || !isfinite(value)) return false;
    *out = value;
    return true;
}

bool text_to_integer(const char *text, int64_t *out) {
    if (*text == '\0' || strspn(text, "0123456789+-") != strlen(text)) return false;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*end != '\0' || errno == ERANGE) return false;
    *out = value;
    return true;
}

/* Digits, with a point or without. */
static bool read_part(const char *text, double *out) {
    return strspn(text, "0123456789.") == strlen(text) && text_to_real(text, out);
}

/* a, a:b or a:b:c; the number of parts, 0 when it is anything else. Colons in text become its ends. */
static int read_parts(char *text, double part[3]) {
    int n = 0;
    for (bool more = true; more; n++) {
        size_t length = strcspn(text, ":");
        more = text[length] == ':';
        text[length] = '\0';
        if (n == 3 || !read_part(text, &part[n])) return 0;
        text += length + 1;
    }
    return n;
}

bool text_to_seconds(const char *text, double *out) {
    static const double unit[] = {3600, 60, 1};
    char copy[32], *dash;
    double part[3] = {0}, days = 0;
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy) return false;
    if ((dash = strchr(copy, '-'))) *dash = '\0';
    if (dash && !read_part(copy, &days)) return false;
    int n = read_parts(dash ? dash + 1 : copy, part);
    int first = dash ? 0 : 3 - n; /* behind days come hours; otherwise the last part is seconds */
    double seconds = 86400 * days;
    for (int i = 0; i < n; i++) seconds += part[i] * unit[first + i];
    if (n == 0 || !(seconds > 0 && seconds < 1e9)) return false;
    *out = seconds;
    return true;
}

void text_from_real(char *out, size_t size, double value) {
    enum { ENOUGH_DIGITS = 17 };
    int whole_digits = fabs(value) >= 1 && fabs(value) < 1e15 ? (int)log10(fabs(value)) + 1 : 1; /* 100, not 1e+02 */
    for (int digits = whole_digits; digits <= ENOUGH_DIGITS; digits++) {
        snprintf(out, size, "%.*g", digits, value);
        if (strtod(out, NULL) == value) return;
    }
}

static int smaller(int a, int b) { return a < b ? a : b; }

int text_distance(const char *a, const char *b) {
    enum { LONGEST = 63 };
    int rows = (int)strnlen(a, LONGEST), columns = (int)strnlen(b, LONGEST);
    int d[LONGEST + 1][LONGEST + 1];
    for (int i = 0; i <= rows; i++) d[i][0] = i;
    for (int j = 0; j <= columns; j++) d[0][j] = j;
    for (int i = 1; i <= rows; i++) {
        for (int j = 1; j <= columns; j++) {
            int change = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            d[i][j] = smaller(change, 1 + smaller(d[i - 1][j], d[i][j - 1]));
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) d[i][j] = smaller(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[rows][columns];
}

void text_nearest_offer(struct text_nearest *nearest, const char *candidate) {
    int distance = text_distance(nearest->wanted, candidate);
    int near_enough = (int)strlen(nearest->wanted) / 3 + 1;
    if (distance > near_enough || (nearest->best && distance >= nearest->distance)) return;
    nearest->best = candidate;
    nearest->distance = distance;
}

bool text_ends_with(const char *path, const char *ending) {
    size_t length = strlen(path), tail = strlen(ending);
    return length >= tail && strcmp(path + length - tail, ending) == 0;
}

void text_bytes(double bytes, char out[TEXT_BYTES]) {
    double mebibytes = bytes / 0x1p20;
    if (mebibytes < 1000) snprintf(out, TEXT_BYTES, "%.3g MiB", mebibytes);
    else snprintf(out, TEXT_BYTES, "%.1f GiB", mebibytes / 1024);
}
