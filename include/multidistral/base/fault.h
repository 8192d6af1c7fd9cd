/* What went wrong, as one line of text for the person at the terminal.
 *
 * A function that can fail because the world is wrong (a file, an option, the disk) takes a `struct fault *why`,
 * returns false, and leaves a sentence there: `file:line: what is wrong, what was expected`. */
#ifndef MULTIDISTRAL_BASE_FAULT_H
#define MULTIDISTRAL_BASE_FAULT_H

#include <stdbool.h>

#if defined(__GNUC__)
#define FAULT_PRINTF(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))
#else
#define FAULT_PRINTF(format_index, first_argument)
#endif

enum { FAULT_LENGTH = 1024 };

struct fault {
    char text[FAULT_LENGTH];
};

/* Writes the sentence (cut at FAULT_LENGTH) and returns false, so that a caller can `return fault_set(why, ...)`. */
bool fault_set(struct fault *why, const char *format, ...) FAULT_PRINTF(2, 3);

/* Puts `prefix: ` in front of the sentence already there; returns false. */
bool fault_at(struct fault *why, const char *format, ...) FAULT_PRINTF(2, 3);

#endif
