/* What the agents of one task can reach together: the best sum of their returns, and a game that shows how. */
#ifndef MULTIDISTRAL_WORLD_SOLUTION_H
#define MULTIDISTRAL_WORLD_SOLUTION_H

#include "multidistral/world/env_grid.h"

struct solution {
    bool exact;               /* the optimum; otherwise a lower bound that a search found */
    double sum;               /* over agents of sum_t gamma^t r_t */
    double split[ENV_AGENTS]; /* of it, each agent's own return */
    uint64_t work;            /* joint states that were solved; or simulations that were played */

    /* The game. It is certain: no contested cell is left to the lot. */
    int n_agents;
    int64_t steps;
    int64_t plays[ENV_AGENTS]; /* steps until the agent finished, or `steps` */
    uint8_t *moves;            /* [steps][n_agents]  actions; ACTION_STAY from the step after the agent's last */
};

/* A solution belongs to the caller of whoever made it. */
void solution_destroy(struct solution *solution);

/* Appends a step to the game: the joint action [n_agents] that is played while `finished` have finished. For those who
 * make solutions; `moves` grows by itself. */
void solution_add_step(struct solution *solution, const uint8_t *action, uint32_t finished);

#endif
