#include "multidistral/world/env_grid.h"

#include <stdlib.h>

#include "multidistral/base/memory.h"

/* Row and column change of each action. */
static const int action_rows[ENV_ACTIONS] = {[ACTION_DOWN] = 1, [ACTION_UP] = -1};
static const int action_columns[ENV_ACTIONS] = {[ACTION_LEFT] = -1, [ACTION_RIGHT] = 1};

static int neighbour(const struct task *task, int place, int action) {
    int row = place / task->columns + action_rows[action];
    int column = place % task->columns + action_columns[action];
    bool on_map = row >= 0 && row < task->rows && column >= 0 && column < task->columns;
    if (!on_map || task->wall[row * task->columns + column]) return place;
    return row * task->columns + column;
}

void env_grid_create(struct env_grid *grid, const struct task *task, const struct rules *run_rules,
                     const struct cells *cells) {
    *grid = (struct env_grid){.env = {.kind = ENV_grid,
                                      .n_agents = task->n_agents,
                                      .n_actions = ENV_ACTIONS,
                                      .rules = task_rules(task, run_rules)}};
    grid->move = memory_zeros((size_t)cells->n * GRID_STRIDE, sizeof *grid->move);
    for (int place = 0; place < task->rows * task->columns; place++) {
        if (task->wall[place]) continue;
        uint16_t *move = &grid->move[cells_number(cells, task, place) * GRID_STRIDE];
        for (int a = 0; a < ENV_ACTIONS; a++)
            move[a] = (uint16_t)cells_number(cells, task, neighbour(task, place, a));
    }
    for (int j = 0; j < task->n_agents; j++) {
        grid->env.start.cell[j] = (uint16_t)cells_number(cells, task, task->start[j]);
        grid->goal[j] = (uint16_t)cells_number(cells, task, task->goal[j]);
    }
}

void env_grid_destroy(struct env_grid *grid) {
    free(grid->move);
    *grid = (struct env_grid){0};
}

int env_grid_contests(const struct env_grid *grid, const struct env_state *state, const uint8_t *action,
                      uint32_t *contenders) {
    uint16_t target[ENV_AGENTS];
    uint32_t counted = 0;
    int n = 0;
    env_grid_targets(grid, grid->env.n_agents, state, action, target);
    for (int j = 0; j + 1 < grid->env.n_agents; j++) {
        uint32_t here = 0;
        for (int k = j; k < grid->env.n_agents; k++) here |= (uint32_t)(target[k] == target[j]) << k;
        if ((counted >> j & 1) || here == UINT32_C(1) << j) continue;
        counted |= here;
        contenders[n] = 0;
        for (; here; here &= here - 1) contenders[n]++;
        n++;
    }
    return n;
}
