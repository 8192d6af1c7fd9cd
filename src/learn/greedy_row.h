/* A row of a Q table that is played epsilon-greedily: Q, and beside it the greedy action, the first of the best, and its
 * value. Private to learners; the first part of a kernel for game_loop.h. */
#ifndef MULTIDISTRAL_LEARN_GREEDY_ROW_H
#define MULTIDISTRAL_LEARN_GREEDY_ROW_H

#include <math.h>

#include "multidistral/learn/learner.h"

/* Words of a row. */
enum { Q = 0, GREEDY = ENV_ACTIONS, BEST };

struct kernel {
    float learning_rate, learning_rate_down;
    uint32_t explore_below; /* of 32 random bits: explore */
    int n_actions;
    float per_epsilon;
};

/* epsilon(game) = end + (start - end) exp(-decay game), over E-step games; end in the M-step. */
static inline struct kernel kernel_of(const struct learner *learner, const struct rng_key *key) {
    const struct learning *learning = learner->learning;
    double game = (double)key->iteration * (double)learner->games_e + key->game;
    double explore = (learning->epsilon_start - learning->epsilon_end) * exp(-learning->epsilon_decay * game);
    double epsilon = learning->epsilon_end + (key->phase == RNG_E_STEP ? explore : 0);
    return (struct kernel){.learning_rate = learner->learning_rate,
                           .learning_rate_down = (float)learning->learning_rate_down,
                           .explore_below = (uint32_t)(epsilon * UINT32_MAX),
                           .n_actions = learner->n_actions,
                           .per_epsilon = (float)(learner->n_actions / fmax(epsilon * 0x1p32, 1))};
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

/* Actions that the world does not have are never the best. */
static inline void close_row(const struct learner *learner, struct table_row *row) {
    for (int a = learner->n_actions; a < ENV_ACTIONS; a++) row->word[Q + a] = POLICY_NEVER;
    find_greedy(row);
}

static inline void kernel_make_ready(struct learner *learner, int agent, uint64_t number, struct table_row *row) {
    learner_reach(learner, agent, number, row);
    close_row(learner, row);
}

/* The bits below the threshold are spread evenly over the actions. */
static inline uint8_t kernel_draw(const struct kernel *kernel, const struct table_row *row, uint32_t bits) {
    const float last = (float)(kernel->n_actions - 1), spread = (float)bits * kernel->per_epsilon;
    int any = (int)(spread < last ? spread : last);
    return (uint8_t)(bits < kernel->explore_below ? any : (int)row->word[GREEDY]);
}

static inline float kernel_value(const struct table_row *row) { return row->word[BEST]; }

/* kernel_draw of the M-step, from a policy alone. */
static inline int greedy_draw(const struct learner *learner, const float *pi, uint32_t bits) {
    const struct rng_key m_step = {.phase = RNG_M_STEP};
    const struct kernel kernel = kernel_of(learner, &m_step);
    struct table_row row = {{0}, 0};
    for (int a = 1; a < learner->n_actions; a++)
        if (pi[a] > pi[(int)row.word[GREEDY]]) row.word[GREEDY] = (float)a;
    return kernel_draw(&kernel, &row, bits);
}

/* Greedy but for the last epsilon: what is left when exploration has ended. */
static inline void greedy_policy(const struct learner *learner, int agent, uint64_t row, float *pi) {
    struct table_row r = {{0}, 0};
    float epsilon = (float)learner->learning->epsilon_end;
    learner_values(learner, agent, row, r.word + Q);
    close_row(learner, &r);
    for (int a = 0; a < learner->n_actions; a++)
        pi[a] = epsilon / (float)learner->n_actions + (float)(a == (int)r.word[GREEDY]) * (1 - epsilon);
}

#endif
