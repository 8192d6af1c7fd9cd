/* Memory that is there or ends the program.
 *
 * The large tables of a run are added up and checked against the machine before any is taken (run/capacity), so a
 * failure here is the exception that nobody can mend: it says how much was asked for and aborts. */
#ifndef MULTIDISTRAL_BASE_MEMORY_H
#define MULTIDISTRAL_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { MEMORY_ALIGNMENT = 64 }; /* bytes: a cache line, and the widest vector */

/* `count` zeroed items of `size` bytes, aligned to MEMORY_ALIGNMENT. The caller owns them: free().  */
void *memory_zeros(size_t count, size_t size);

/* `memory` of memory_zeros or of this function, or NULL, with room for `count` items: the old ones first, the others
 * anything. The caller owns them: free(). */
void *memory_resized(void *memory, size_t count, size_t size);

/* The same for large tables of which only a part may ever be used: address space now, memory page by page as it is
 * written. The caller owns them: memory_sparse_free with the same count and size. NULL when the address space does not
 * suffice. */
void *memory_sparse(uint64_t count, size_t size);
void memory_sparse_free(void *memory, uint64_t count, size_t size);

/* Gives the system what was freed, as far as the C library knows how: for after work that took much for a short time. */
void memory_give_back(void);

/* A copy of a string; the caller owns it: free(). */
char *memory_string(const char *text);

/* A stream into memory: when it is closed, *text is what was written and *length its bytes; the caller owns it. Never NULL. */
FILE *memory_stream(char **text, size_t *length);

#endif
