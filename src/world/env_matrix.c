#include "multidistral/world/env_matrix.h"

#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"

void env_matrix_create(struct env_matrix *matrix, const struct task *task, const struct rules *run_rules,
                       const struct cells *cells) {
    (void)cells;
    size_t pairs = (size_t)task->n_actions * (size_t)task->n_actions;
    *matrix = (struct env_matrix){.env = {.kind = ENV_matrix,
                                          .n_agents = task->n_agents,
                                          .n_actions = task->n_actions,
                                          .rules = task_rules(task, run_rules)}};
    matrix->payoff = memory_zeros(pairs, sizeof *matrix->payoff);
    memcpy(matrix->payoff, task->payoff, pairs * sizeof *matrix->payoff);
}

void env_matrix_destroy(struct env_matrix *matrix) {
    free(matrix->payoff);
    *matrix = (struct env_matrix){0};
}
