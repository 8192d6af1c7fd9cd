/* Text from people: whole files, lines, strict numbers, and the nearest known word to a misspelt one. */
#ifndef MULTIDISTRAL_BASE_TEXT_H
#define MULTIDISTRAL_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "multidistral/base/fault.h"

/* The whole file, NUL-terminated, without a byte-order mark; the caller owns it: free(). NULL, with a reason that names the path, when it cannot
 * be read, is longer than max_bytes, or holds a NUL byte (is no text). */
char *text_read_file(const char *path, size_t max_bytes, struct fault *why);

/* One line of a text, without its end ("\n" or "\r\n"). */
struct text_line {
    const char *start;
    size_t length;
    int number; /* from 1 */
};

/* Steps to the next line; start with line->start = NULL. False at the end of the text. An empty piece after the last
 * newline is no line. */
bool text_next_line(const char *text, struct text_line *line);

/* The whole of `text` as a number, with no space around it. False when it is anything else, or out of the type's
 * range; text_to_real refuses infinities, NaN and hexadecimal, and takes numbers too
 * small for the type as 0. */
bool text_to_real(const char *text, double *out);
bool text_to_integer(const char *text, int64_t *out);

/* A span of time, above 0 and below 1e9 seconds, as schedulers write limits: minutes:seconds, hours:minutes:seconds,
 * days-hours, days-hours:minutes or days-hours:minutes:seconds; or seconds alone. Each part is digits, with a point or without.
 * False, as above, when it is anything else. */
bool text_to_seconds(const char *text, double *out);

/* A number in the fewest decimal digits that read back as the same double. */
void text_from_real(char *out, size_t size, double value);

/* Edits (insert, delete, change a character, swap two neighbours) that turn a into b; of the first 63 characters. */
int text_distance(const char *a, const char *b);

/* The word nearest to a misspelt one, fed one candidate at a time; best stays NULL if none is near enough to suggest. */
struct text_nearest {
    const char *wanted;
    const char *best;
    int distance;
};
void text_nearest_offer(struct text_nearest *nearest, const char *candidate);

/* True when path ends with the given ending, as ".ini". */
bool text_ends_with(const char *path, const char *ending);

/* A number of bytes for people: "3.2 MiB", "1.5 GiB". */
enum { TEXT_BYTES = 32 };
void text_bytes(double bytes, char out[TEXT_BYTES]);

#endif
