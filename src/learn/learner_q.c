/* Epsilon-greedy Q-learning, the baseline of [MD24]: each agent by itself, no prior.
 *
 *   Q(s,a) += learning_rate (r + gamma max_a' Q(s',a') - Q(s,a)),   Q(terminal) = 0
 *   epsilon(game) = end + (start - end) exp(-decay game)
 *
 * The greedy action is the first of the best. A row keeps it, and its value, beside Q. */
#include <math.h>

#include "multidistral/learn/learner.h"

/* Words of a row. */
enum { Q = 0, GREEDY = ENV_ACTIONS, BEST };

struct kernel {
    float learning_rate;
    uint32_t explore_below; /* of 32 random bits: explore */
    float per_epsilon;
};

static inline struct kernel kernel_of(const struct learner *learner, const struct rng_key *key) {
    double game = (double)key->iteration * (double)learner->games_e + key->game;
    double explore = (learner->epsilon_start - learner->epsilon_end) * exp(-learner->epsilon_decay * game);
    double epsilon = learner->epsilon_end + (key->phase == RNG_E_STEP ? explore : 0);
    return (struct kernel){.learning_rate = learner->learning_rate,
                           .explore_below = (uint32_t)(epsilon * UINT32_MAX),
                           .per_epsilon = (float)(ENV_ACTIONS / fmax(epsilon * 0x1p32, 1))};
}

static inline void find_greedy(struct table_row *row) {
    float best = row->word[Q], greedy = 0;
    for (int a = 1; a < ENV_ACTIONS; a++) {
        greedy = row->word[Q + a] > best ? (float)a : greedy;
        best = row->word[Q + a] > best ? row->word[Q + a] : best;
    }
    row->word[GREEDY] = greedy;
    row->word[BEST] = best;
}

static inline void kernel_make_ready(struct learner *learner, int agent, uint64_t number, struct table_row *row) {
    learner_reach(learner, agent, number, row);
    find_greedy(row);
}

/* The bits below the threshold are spread evenly over the actions. */
static inline uint8_t kernel_draw(const struct kernel *kernel, const struct table_row *row, uint32_t bits) {
    int any = (int)((float)bits * kernel->per_epsilon);
    any = any < ENV_ACTIONS ? any : ENV_ACTIONS - 1;
    return (uint8_t)(bits < kernel->explore_below ? any : (int)row->word[GREEDY]);
}

static inline float kernel_value(const struct table_row *row) { return row->word[BEST]; }

static inline void kernel_back_up(const struct kernel *kernel, int n_agents, struct table_row *const *row,
                                  const uint8_t *action, const float *target) {
    UNROLLED
    for (int j = 0; j < n_agents; j++) {
        float *q = &row[j]->word[Q + action[j]];
        *q += kernel->learning_rate * (target[j] - *q);
        find_greedy(row[j]);
    }
}

#include "game_loop.h"

/* Greedy but for the last epsilon: what is left when exploration has ended. */
static void policy(const struct learner *learner, int agent, uint64_t row, float *pi) {
    struct table_row r = {{0}, 0};
    learner_values(learner, agent, row, r.word + Q);
    find_greedy(&r);
    for (int a = 0; a < learner->n_actions; a++)
        pi[a] = (float)(learner->epsilon_end / learner->n_actions + (a == (int)r.word[GREEDY]) * (1 - learner->epsilon_end));
}

extern const struct learner_kind learner_q;
const struct learner_kind learner_q = {.name = "q", .learn = learn, .visit = visit, .policy = policy};
