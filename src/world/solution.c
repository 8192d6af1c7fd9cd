#include "multidistral/world/solution.h"

#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"

void solution_destroy(struct solution *solution) {
    free(solution->moves);
    *solution = (struct solution){0};
}

/* There is room for a power of two of steps. */
static void grow(struct solution *solution) {
    int64_t steps = solution->steps;
    if ((steps & (steps - 1)) != 0) return;
    size_t row = (size_t)solution->n_agents, room = steps > 0 ? 2 * (size_t)steps : 1;
    uint8_t *more = memory_zeros(room, row);
    if (steps > 0) memcpy(more, solution->moves, (size_t)steps * row);
    free(solution->moves);
    solution->moves = more;
}

void solution_add_step(struct solution *solution, const uint8_t *action, uint32_t finished) {
    grow(solution);
    for (int j = 0; j < solution->n_agents; j++) {
        bool plays = !(finished >> j & 1);
        solution->moves[solution->steps * solution->n_agents + j] = plays ? action[j] : ACTION_STAY;
        solution->plays[j] += plays;
    }
    solution->steps++;
}
