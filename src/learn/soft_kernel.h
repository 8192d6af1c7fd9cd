/* Soft Q-learning of each agent by itself as a kernel for game_loop.h, but for the backup: how soft rows are made ready,
 * drawn from and valued. Private to learners.
 *
 * A row holds Q, the prior, and what follows from them: V and the cumulative probabilities of the actions. So a step
 * reads its action and V(s') ready-made, and the exponentials of the row that it changes are off its critical path. */
#ifndef MULTIDISTRAL_LEARN_SOFT_KERNEL_H
#define MULTIDISTRAL_LEARN_SOFT_KERNEL_H

#include <string.h>

#include "multidistral/learn/learner.h"
#include "soft_row.h"

struct kernel {
    struct policy_form form;
    float learning_rate, learning_rate_down;
};

static inline struct kernel kernel_of(const struct learner *learner, const struct rng_key *key) {
    (void)key;
    return (struct kernel){learner->form, learner->learning_rate, (float)learner->learning->learning_rate_down};
}

/* A row that was not reached in this iteration so far. */
HOT_FUNCTION SELDOM
static void kernel_make_ready(struct learner *learner, int agent, uint64_t number, struct table_row *row) {
    learner_reach(learner, agent, number, row);
    memcpy(row->word + SOFT_PRIOR, distilled_prior(learner->distilled[agent], number), ENV_ACTIONS * sizeof *row->word);
    for (int a = learner->n_actions; a < ENV_ACTIONS; a++) row->word[SOFT_PRIOR + a] = POLICY_NEVER;
    soft_row_refresh(learner->form, row);
}

static inline uint8_t kernel_draw(const struct kernel *kernel, const struct table_row *row, uint32_t bits) {
    (void)kernel;
    return (uint8_t)soft_row_draw(row, rng_unit(bits));
}

static inline float kernel_value(const struct table_row *row) { return row->word[SOFT_V]; }

/* For kernel_back_up: another rate for targets below Q(s,a). */
static inline void soft_kernel_back_up(const struct kernel *kernel, float rate_down, int n_agents, uint32_t finished,
                                       struct table_row *const *row, const uint8_t *action, const float *target) {
    struct soft_backup backup[ENV_AGENTS];
    int n = 0;
    UNROLLED
    for (int j = 0; j < n_agents; j++)
        if (!(finished >> j & 1)) backup[n++] = (struct soft_backup){row[j], action[j], target[j]};
    soft_back_up(kernel->form, kernel->learning_rate, rate_down, backup, n);
}

/* What entropy and prior are worth at an action belongs to the return of a step, [T17] equation 1; by equation 5
 *
 *   (alpha/beta) log pi0(a|s) - (1/beta) log pi(a|s) = V(s) - Q(s,a) */
static inline float kernel_return(const struct table_row *row, int action, float target) {
    return target + (row->word[SOFT_V] - row->word[SOFT_Q + action]);
}

static inline void soft_policy(const struct learner *learner, int agent, uint64_t row, float *pi) {
    float q[ENV_ACTIONS];
    learner_values(learner, agent, row, q);
    policy_row(learner->form, learner->n_actions, q, distilled_prior(learner->distilled[agent], row), pi);
}

#endif
