/* Soft Q-learning with the distilled policy as prior, slower to believe bad news: [T17] with the two learning rates of
 * [M07]. With alpha = 0 it is hysteretic Q-learning under Boltzmann exploration of temperature 1 / beta.
 *
 *   delta = r + gamma V(s') - Q(s,a),   V(terminal) = 0
 *   Q(s,a) += learning_rate delta if delta >= 0,   learning_rate_down delta otherwise */
#include "soft_kernel.h"

static inline void kernel_back_up(const struct kernel *kernel, int n_agents, uint32_t finished,
                                  struct table_row *const *row, const uint8_t *action, const float *target) {
    soft_kernel_back_up(kernel, kernel->learning_rate_down, n_agents, finished, row, action, target);
}

#include "game_loop.h"

LEARNER_KIND(hysteretic_soft_q) = {
    .name = "hysteretic_soft_q", .learn = learn, .visit = visit, .policy = soft_policy};
