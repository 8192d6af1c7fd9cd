/* Soft Q-learning with the distilled policy as prior.
 *
 *   Q(s,a) += learning_rate (r + gamma V(s') - Q(s,a)),   V(terminal) = 0        [T17] equations 3 to 5
 *
 * A game that is cut off at the step limit has not ended for the learner: its last step backs up V(s') too. */
#include "soft_kernel.h"

static inline void kernel_back_up(const struct kernel *kernel, int n_agents, uint32_t finished,
                                  struct table_row *const *row, const uint8_t *action, const float *target) {
    soft_kernel_back_up(kernel, kernel->learning_rate, n_agents, finished, row, action, target);
}

#include "game_loop.h"

LEARNER_KIND(soft_q) = {.name = "soft_q", .learn = learn, .visit = visit, .policy = soft_policy};
