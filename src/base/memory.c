#include "multidistral/base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *memory_or_abort(void *memory, size_t bytes) {
    if (memory) return memory;
    fprintf(stderr, "multidistral: out of memory: %zu bytes asked for\n", bytes);
    abort();
}

void *memory_zeros(size_t count, size_t size) {
    if (size && count > (SIZE_MAX - MEMORY_ALIGNMENT) / size) return memory_or_abort(NULL, SIZE_MAX);
    size_t bytes = (count * size + MEMORY_ALIGNMENT) / MEMORY_ALIGNMENT * MEMORY_ALIGNMENT;
    return memset(memory_or_abort(aligned_alloc(MEMORY_ALIGNMENT, bytes), bytes), 0, bytes);
}

char *memory_string(const char *text) {
    size_t bytes = strlen(text) + 1;
    return memcpy(memory_zeros(bytes, 1), text, bytes);
}
