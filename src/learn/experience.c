#include "multidistral/learn/experience.h"

#include <stdlib.h>

#include "multidistral/base/memory.h"

bool experience_create(struct experience *e, int64_t n_games, int64_t step_limit) {
    struct transition *step = memory_sparse((uint64_t)(n_games * step_limit), sizeof *step);
    *e = (struct experience){0};
    if (!step) return false;
    *e = (struct experience){.n_games = n_games,
                             .step_limit = step_limit,
                             .length = memory_zeros((size_t)n_games, sizeof *e->length),
                             .step = step};
    return true;
}

void experience_destroy(struct experience *e) {
    memory_sparse_free(e->step, (uint64_t)(e->n_games * e->step_limit), sizeof *e->step);
    free(e->length);
    *e = (struct experience){0};
}

uint64_t experience_bytes(int64_t n_games, int64_t step_limit) {
    return (uint64_t)(n_games * step_limit) * sizeof(struct transition);
}
