#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, madvise */
#include "multidistral/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

static void *memory_or_abort(void *memory, size_t bytes) {
    if (memory) return memory;
    fprintf(stderr, "multidistral: out of memory: %zu bytes asked for\n", bytes);
    abort();
}

/* As many bytes as asked for, where aligned_alloc wants a multiple: sanitizers see a byte too far. NULL: out of memory. */
static void *aligned(size_t bytes) {
    void *memory;
    return posix_memalign(&memory, MEMORY_ALIGNMENT, bytes > 0 ? bytes : 1) == 0 ? memory : NULL;
}

void *memory_zeros(size_t count, size_t size) {
    if (size && count > SIZE_MAX / size) return memory_or_abort(NULL, SIZE_MAX);
    size_t bytes = count * size;
    return memset(memory_or_abort(aligned(bytes), bytes), 0, bytes);
}

void *memory_sparse(uint64_t count, size_t size) {
    if (size && count > SIZE_MAX / size) return NULL;
    size_t bytes = count * size;
    void *memory = mmap(NULL, bytes > 0 ? bytes : 1, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void memory_sparse_free(void *memory, uint64_t count, size_t size) {
    size_t bytes = count * size;
    if (memory) munmap(memory, bytes > 0 ? bytes : 1);
}

void memory_give_back(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

char *memory_string(const char *text) { return memory_or_abort(strdup(text), strlen(text) + 1); }

void *memory_resized(void *memory, size_t count, size_t size) {
    if (size && count > SIZE_MAX / size) return memory_or_abort(NULL, SIZE_MAX);
    return memory_or_abort(realloc(memory, count * size + 1), count * size);
}

FILE *memory_stream(char **text, size_t *length) { return memory_or_abort(open_memstream(text, length), sizeof(FILE)); }
