#include "multidistral/learn/slots.h"

#include "multidistral/base/memory.h"

bool slots_create(struct slots *slots, uint64_t n_rows) {
    bool direct = n_rows <= SLOTS_DIRECT;
    *slots = (struct slots){.n_rows = n_rows,
                            .of = direct ? NULL : memory_sparse(n_rows, sizeof *slots->of),
                            .known = memory_sparse(n_rows, sizeof *slots->known)};
    if (slots->known && (direct || slots->of)) return true;
    slots_destroy(slots);
    return false;
}

void slots_destroy(struct slots *slots) {
    memory_sparse_free(slots->of, slots->n_rows, sizeof *slots->of);
    memory_sparse_free(slots->known, slots->n_rows, sizeof *slots->known);
    *slots = (struct slots){0};
}

void slots_clear(struct slots *slots) {
    for (uint64_t i = 0; slots->of && i < slots->n_known; i++) slots->of[slots->known[i]] = 0;
    slots->n_known = 0;
}
