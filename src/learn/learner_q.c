/* Epsilon-greedy Q-learning, the baseline of [MD24]: each agent by itself, no prior.
 *
 *   Q(s,a) += learning_rate (r + gamma max_a' Q(s',a') - Q(s,a)),   Q(terminal) = 0 */
#include "greedy_row.h"

static inline void kernel_back_up(const struct kernel *kernel, int n_agents, uint32_t finished,
                                  struct table_row *const *row, const uint8_t *action, const float *target) {
    UNROLLED
    for (int j = 0; j < n_agents; j++) {
        if (finished >> j & 1) continue;
        float *q = &row[j]->word[Q + action[j]];
        *q += kernel->learning_rate * (target[j] - *q);
        find_greedy(row[j]);
    }
}

#include "game_loop.h"

LEARNER_KIND(q) = {.name = "q", .learn = learn, .visit = visit, .policy = greedy_policy,
                                       .draw = greedy_draw};
