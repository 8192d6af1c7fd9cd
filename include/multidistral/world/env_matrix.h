/* Matrix games: two agents choose at once, and the pair of actions says what each of them gets. A game plays it
 * rules.step_limit times; nobody finishes before. The climbing and penalty games are from Claus and Boutilier 1998, The
 * dynamics of reinforcement learning in cooperative multiagent systems. */
#ifndef MULTIDISTRAL_WORLD_ENV_MATRIX_H
#define MULTIDISTRAL_WORLD_ENV_MATRIX_H

#include "multidistral/world/env.h"

struct env_matrix {
    struct env env;
    struct payoff *payoff; /* [n_actions of agent 0][n_actions of agent 1] */
};

/* The world of one task. The caller owns it: env_matrix_destroy. */
void env_matrix_create(struct env_matrix *matrix, const struct task *task, const struct rules *run_rules,
                       const struct cells *cells);
void env_matrix_destroy(struct env_matrix *matrix);

/* One play.
 *   state     in and out: only the previous actions change
 *   action    [2]
 *   chance    [1]  its lowest bit decides between the two outcomes
 *   reward    [2]  out */
static inline void env_matrix_step(const struct env_matrix *matrix, int n_agents, struct env_state *state,
                                   const uint8_t *action, const uint32_t *chance, double *reward) {
    const struct payoff *payoff = &matrix->payoff[action[0] * matrix->env.n_actions + action[1]];
    (void)n_agents;
    for (int j = 0; j < 2; j++) {
        state->previous[j] = action[j];
        reward[j] = payoff->of[chance[0] & 1][j];
    }
}

#endif
