/* Hysteretic Q-learning [M07]: Q-learning of each agent by itself that is slower to believe bad news, since a bad
 * outcome may be the doing of a teammate who still explores.
 *
 *   delta = r + gamma max_a' Q(s',a') - Q(s,a),   Q(terminal) = 0
 *   Q(s,a) += learning_rate delta if delta >= 0,   learning_rate_down delta otherwise */
#include "greedy_row.h"

static inline void kernel_back_up(const struct kernel *kernel, int n_agents, uint32_t finished,
                                  struct table_row *const *row, const uint8_t *action, const float *target) {
    UNROLLED
    for (int j = 0; j < n_agents; j++) {
        if (finished >> j & 1) continue;
        float *q = &row[j]->word[Q + action[j]], delta = target[j] - *q;
        *q += (delta >= 0 ? kernel->learning_rate : kernel->learning_rate_down) * delta;
        find_greedy(row[j]);
    }
}

#include "game_loop.h"

LEARNER_KIND(hysteretic) = {
    .name = "hysteretic", .learn = learn, .visit = visit, .policy = greedy_policy, .draw = greedy_draw};
