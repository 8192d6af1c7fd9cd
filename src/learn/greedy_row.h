/* A row of a Q table that is played epsilon-greedily: Q, and beside it the greedy action, the first of the best, and its
 * value. Private to learners; the first part of a kernel for game_loop.h. */
#ifndef MULTIDISTRAL_LEARN_GREEDY_ROW_H
#define MULTIDISTRAL_LEARN_GREEDY_ROW_H

#include <math.h>

#include "multidistral/learn/learner.h"

/* Words of a row; that of the greedy action holds an integer. */
enum { Q = 0, BEST = ENV_ACTIONS, GREEDY };

static inline uint32_t greedy_action(const struct table_row *row) {
    uint32_t action;
    memcpy(&action, &row->word[GREEDY], sizeof action);
    return action;
}

/* As fine as n_actions < 8 times it fits into 64 bits: in whole numbers the last action would get too little. */
enum { SPREAD = 61 };
_Static_assert(ENV_ACTIONS < 1 << (64 - SPREAD), "the product of draw and spread fits into 64 bits");

struct kernel {
    float learning_rate, learning_rate_down;
    uint32_t explore_below; /* of 32 random bits: explore */
    uint64_t spread;        /* those bits times this, in units of 2^-SPREAD: spread evenly over the actions */
};

/* epsilon(game) = end + (start - end) exp(-decay game), over E-step games; end in the M-step. */
static inline struct kernel kernel_of(const struct learner *learner, const struct rng_key *key) {
    const struct learning *learning = learner->learning;
    double game = (double)key->iteration * (double)learner->games_e + key->game;
    double explore = (learning->epsilon_start - learning->epsilon_end) * exp(-learning->epsilon_decay * game);
    double epsilon = learning->epsilon_end + (key->phase == RNG_E_STEP ? explore : 0);
    uint32_t explore_below = (uint32_t)(epsilon * UINT32_MAX);
    return (struct kernel){.learning_rate = learner->learning_rate,
                           .learning_rate_down = (float)learning->learning_rate_down,
                           .explore_below = explore_below,
                           .spread = ((uint64_t)learner->n_actions << SPREAD) / (explore_below > 0 ? explore_below : 1)};
}

static inline void find_greedy(struct table_row *row) {
    float best = row->word[Q];
    uint32_t greedy = 0;
    for (uint32_t a = 1; a < ENV_ACTIONS; a++) {
        greedy = row->word[Q + a] > best ? a : greedy;
        best = row->word[Q + a] > best ? row->word[Q + a] : best;
    }
    row->word[BEST] = best;
    memcpy(&row->word[GREEDY], &greedy, sizeof greedy);
}

/* Actions that the world does not have are never the best. */
static inline void close_row(const struct learner *learner, struct table_row *row) {
    for (int a = learner->n_actions; a < ENV_ACTIONS; a++) row->word[Q + a] = POLICY_NEVER;
    find_greedy(row);
}

HOT_FUNCTION SELDOM
static void kernel_make_ready(struct learner *learner, int agent, uint64_t number, struct table_row *row) {
    learner_reach(learner, agent, number, row);
    close_row(learner, row);
}

static inline uint8_t kernel_draw(const struct kernel *kernel, const struct table_row *row, uint32_t bits) {
    uint32_t any = (uint32_t)(bits * kernel->spread >> SPREAD);
    return (uint8_t)(bits < kernel->explore_below ? any : greedy_action(row));
}

static inline float kernel_value(const struct table_row *row) { return row->word[BEST]; }

/* Not corrected for exploration, as is usual: an action at random counts as if it were the best. */
static inline float kernel_return(const struct table_row *row, int action, float target) {
    return (void)row, (void)action, target;
}

/* kernel_draw of the M-step, from a policy alone. */
static inline int greedy_draw(const struct learner *learner, const float *pi, uint32_t bits) {
    const struct rng_key m_step = {.phase = RNG_M_STEP};
    const struct kernel kernel = kernel_of(learner, &m_step);
    struct table_row row = {{0}, 0};
    memcpy(row.word + Q, pi, (size_t)learner->n_actions * sizeof *pi);
    close_row(learner, &row);
    return kernel_draw(&kernel, &row, bits);
}

/* Greedy but for the last epsilon: what is left when exploration has ended. */
static inline void greedy_policy(const struct learner *learner, int agent, uint64_t row, float *pi) {
    struct table_row r = {{0}, 0};
    float epsilon = (float)learner->learning->epsilon_end;
    learner_values(learner, agent, row, r.word + Q);
    close_row(learner, &r);
    for (int a = 0; a < learner->n_actions; a++)
        pi[a] = epsilon / (float)learner->n_actions + (float)(a == (int)greedy_action(&r)) * (1 - epsilon);
}

#endif
