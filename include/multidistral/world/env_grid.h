/* The grid world of [MD24] for 1 to 8 agents on any map (method: section 3).
 *
 * All agents move at once. A move into a wall, off the map, or into a cell where another agent stood at the start of
 * the step is refused, and the agent stays. Where several agents enter the same free cell, rules.contested decides.
 * An agent that reaches its goal stays there, still blocks the cell, and takes no further part. A game ends when all
 * have finished, or at rules.step_limit. */
#ifndef MULTIDISTRAL_WORLD_ENV_GRID_H
#define MULTIDISTRAL_WORLD_ENV_GRID_H

#include "multidistral/base/rng.h"
#include "multidistral/base/vector.h"
#include "multidistral/world/env.h"

enum { GRID_STRIDE = 8 }; /* moves per cell, padded to a power of two */

struct env_grid {
    struct env env;
    uint16_t goal[ENV_AGENTS];
    uint16_t *move; /* [n_cells][GRID_STRIDE]: the cell that an action leads to if no other agent is in the way */
};

/* The world of one task. The caller owns it: env_grid_destroy. */
void env_grid_create(struct env_grid *grid, const struct task *task, const struct rules *run_rules,
                     const struct cells *cells);
void env_grid_destroy(struct env_grid *grid);

/* The agents of `contenders` (bits) that may enter the cell they all want. */
static inline uint32_t env_grid_winner(enum contested contested, int n_agents, uint32_t contenders, uint32_t draw) {
    if (contested == CONTESTED_NONE) return 0;
    uint32_t n = 0;
    UNROLLED
    for (int j = 0; j < n_agents; j++) n += contenders >> j & 1;
    uint32_t wanted = contested == CONTESTED_LAST ? n - 1 : rng_below(draw, n);
    UNROLLED
    for (int j = 0; j < n_agents; j++)
        if ((contenders >> j & 1) && wanted-- == 0) return UINT32_C(1) << j;
    return 0;
}

/* Where each agent goes if every contested cell lets all of them in: target [n_agents], out. */
static inline void env_grid_targets(const struct env_grid *grid, int n_agents, const struct env_state *state,
                                    const uint8_t *action, uint16_t *target) {
    UNROLLED
    for (int j = 0; j < n_agents; j++) {
        uint8_t a = state->finished >> j & 1 ? ACTION_STAY : action[j];
        target[j] = grid->move[state->cell[j] * GRID_STRIDE + a];
        UNROLLED
        for (int k = 0; k < n_agents; k++)
            if (k != j && target[j] == state->cell[k]) target[j] = state->cell[j];
    }
}

/* How many agents contend for each contested cell of a step, whatever the rule: contenders [n_agents / 2] out, in the
 * order of the step's draws. Returns the number of contested cells. */
int env_grid_contests(const struct env_grid *grid, const struct env_state *state, const uint8_t *action,
                      uint32_t *contenders);

/* One step of all agents.
 *   state     in and out
 *   action    [n_agents]  that of a finished agent is not looked at
 *   contest   [n_agents / 2]  draws for contested cells, in the order of their lowest agent (the step's chances)
 *   reward    [n_agents]  out: reward_step or reward_goal; 0 for an agent that had finished before */
static inline void env_grid_step(const struct env_grid *grid, int n_agents, struct env_state *state,
                                 const uint8_t *action, const uint32_t *contest, double *reward) {
    const struct env_state old = *state;
    uint16_t target[ENV_AGENTS] = {0};
    env_grid_targets(grid, n_agents, &old, action, target);
    UNROLLED
    for (int j = 0; j < n_agents; j++) state->previous[j] = old.finished >> j & 1 ? ACTION_STAY : action[j];
    UNROLLED
    for (int j = 0; j + 1 < n_agents; j++) {
        uint32_t contenders = 0;
        UNROLLED
        for (int k = j; k < n_agents; k++) contenders |= (uint32_t)(target[k] == target[j]) << k;
        if (contenders == UINT32_C(1) << j) continue;
        uint32_t winner = env_grid_winner((enum contested)grid->env.rules.contested, n_agents, contenders, *contest++);
        UNROLLED
        for (int k = j; k < n_agents; k++)
            if ((contenders & ~winner) >> k & 1) target[k] = old.cell[k];
    }
    UNROLLED
    for (int j = 0; j < n_agents; j++) {
        bool playing = !(old.finished >> j & 1), arrives = playing && target[j] == grid->goal[j];
        state->cell[j] = target[j];
        state->finished |= (uint32_t)arrives << j;
        reward[j] = arrives ? grid->env.rules.reward_goal : playing ? grid->env.rules.reward_step : 0.0;
    }
}

#endif
