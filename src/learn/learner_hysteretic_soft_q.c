/* Soft Q-learning with the distilled policy as prior, slower to believe bad news: [T17] with the two learning rates of
 * [M07]. With alpha = 0 it is hysteretic Q-learning under Boltzmann exploration of temperature 1 / beta.
 *
 *   delta = r + gamma V(s') - Q(s,a),   V(terminal) = 0
 *   Q(s,a) += learning_rate delta if delta >= 0,   learning_rate_down delta otherwise */
#include "soft_kernel.h"

static inline void kernel_back_up(const struct kernel *kernel, int n_agents, struct table_row *const *row,
                                  const uint8_t *action, const float *target) {
    struct soft_batch batch;
    UNROLLED
    for (int j = 0; j < n_agents; j++) {
        bool good = target[j] >= row[j]->word[SOFT_Q + action[j]];
        float rate = good ? kernel->learning_rate : kernel->learning_rate_down;
        soft_batch_back_up(&batch, j, kernel->form, rate, row[j], action[j], target[j]);
    }
    soft_batch_weigh(&batch, n_agents, kernel->form);
    soft_batch_mend(&batch, n_agents, kernel->form);
}

#include "game_loop.h"

extern const struct learner_kind learner_hysteretic_soft_q;
const struct learner_kind learner_hysteretic_soft_q = {
    .name = "hysteretic_soft_q", .learn = learn, .visit = visit, .policy = soft_policy};
