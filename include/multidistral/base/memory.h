/* Memory that is there or ends the program.
 *
 * The large tables of a run are added up and checked against the machine before any is taken (run/trainer), so a
 * failure here is the exception that nobody can mend: it says how much was asked for and aborts. */
#ifndef MULTIDISTRAL_BASE_MEMORY_H
#define MULTIDISTRAL_BASE_MEMORY_H

#include <stddef.h>

enum { MEMORY_ALIGNMENT = 64 }; /* bytes: a cache line, and the widest vector */

/* `count` zeroed items of `size` bytes, aligned to MEMORY_ALIGNMENT. The caller owns them: free().  */
void *memory_zeros(size_t count, size_t size);

/* A copy of a string; the caller owns it: free(). */
char *memory_string(const char *text);

#endif
