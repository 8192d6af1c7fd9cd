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

void fault_write(struct fault *why, const char *format, ...) FAULT_PRINTF(2, 3);
void fault_write_at(struct fault *why, const char *format, ...) FAULT_PRINTF(2, 3);
static inline bool fault_false(void) { return false; }

/* bool fault_set(struct fault *why, const char *format, ...): writes the sentence (cut at FAULT_LENGTH) and returns false, so that a
 * caller can `return fault_set(why, ...)`. A macro, so that compilers and analysers see what it returns. */
#define fault_set(...) (fault_write(__VA_ARGS__), fault_false())

/* The same with `prefix: ` put in front of the sentence already there. */
#define fault_at(...) (fault_write_at(__VA_ARGS__), fault_false())

#endif
