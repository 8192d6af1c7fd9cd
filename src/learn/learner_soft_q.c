/* Soft Q-learning with the distilled policy as prior.
 *
 *   Q(s,a) += learning_rate (r + gamma V(s') - Q(s,a)),   V(terminal) = 0        [T17] equations 3 to 5
 *
 * A game that is cut off at the step limit has not ended for the learner: its last step backs up V(s') too.
 *
 * A row holds Q, the prior, and what follows from them: V and the cumulative probabilities of the actions. So a step
 * reads its action and V(s') ready-made, and the exponentials of the row that it changes are off its critical path. */
#include <string.h>

#include "multidistral/learn/learner.h"
#include "soft_row.h"

struct kernel {
    struct policy_form form;
    float learning_rate;
};

static inline struct kernel kernel_of(const struct learner *learner, const struct rng_key *key) {
    (void)key;
    return (struct kernel){learner->form, learner->learning_rate};
}

/* A row that was not reached in this iteration so far. */
static inline void kernel_make_ready(struct learner *learner, int agent, uint64_t number, struct table_row *row) {
    learner_reach(learner, agent, number, row);
    memcpy(row->word + SOFT_PRIOR, distilled_prior(learner->distilled[agent], number), ENV_ACTIONS * sizeof *row->word);
    soft_row_refresh(learner->form, row);
}

static inline uint8_t kernel_draw(const struct kernel *kernel, const struct table_row *row, uint32_t bits) {
    (void)kernel;
    return (uint8_t)policy_draw(ENV_ACTIONS, row->word + SOFT_CUMULATIVE, rng_unit(bits));
}

static inline float kernel_value(const struct table_row *row) { return row->word[SOFT_V]; }

static inline void kernel_back_up(const struct kernel *kernel, int n_agents, struct table_row *const *row,
                                  const uint8_t *action, const float *target) {
    struct soft_batch batch;
    UNROLLED
    for (int j = 0; j < n_agents; j++)
        soft_batch_back_up(&batch, j, kernel->form, kernel->learning_rate, row[j], action[j], target[j]);
    soft_batch_weigh(&batch, n_agents, kernel->form);
    soft_batch_mend(&batch, n_agents, kernel->form);
}

#include "game_loop.h"

static void policy(const struct learner *learner, int agent, uint64_t row, float *pi) {
    float q[ENV_ACTIONS];
    learner_values(learner, agent, row, q);
    policy_row(learner->form, learner->n_actions, q, distilled_prior(learner->distilled[agent], row), pi);
}

extern const struct learner_kind learner_soft_q;
const struct learner_kind learner_soft_q = {.name = "soft_q", .learn = learn, .visit = visit, .policy = policy};
