/* Soft Q-learning with the distilled policy as prior.
 *
 *   Q(s,a) += learning_rate (r + gamma V(s') - Q(s,a)),   V(terminal) = 0        [T17] equations 3 to 5
 *
 * A game that is cut off at the step limit has not ended for the learner: its last step backs up V(s') too. */
#include "soft_kernel.h"

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

extern const struct learner_kind learner_soft_q;
const struct learner_kind learner_soft_q = {.name = "soft_q", .learn = learn, .visit = visit, .policy = soft_policy};
