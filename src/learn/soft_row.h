/* A row of a soft Q table, as one cache line: Q, the prior, and what follows from them, V and the cumulative
 * probabilities of the actions. One log-sum-exp serves both:
 *
 *   V(s)    = (1/beta) log sum_a pi0(a|s)^alpha exp(beta Q(s,a))                  [T17] equation 3
 *   pi(a|s) = pi0(a|s)^alpha exp(beta Q(s,a) - beta V(s))                         [T17] equation 5
 *
 * The actions are lanes of a vector; the rows of all agents of a step are changed together, so that their exponentials
 * and logarithms are one call each into the compiler's vector maths. Private to learners. */
#ifndef MULTIDISTRAL_LEARN_SOFT_ROW_H
#define MULTIDISTRAL_LEARN_SOFT_ROW_H

#include <stdint.h>
#include <string.h>

#include "multidistral/base/vector.h"
#include "multidistral/learn/policy.h"
#include "multidistral/learn/table.h"
#include "multidistral/world/env.h"

/* Words of a row. */
enum { SOFT_Q = 0, SOFT_PRIOR = ENV_ACTIONS, SOFT_CUMULATIVE = 2 * ENV_ACTIONS, SOFT_V = TABLE_WORDS - 1 };
_Static_assert(SOFT_CUMULATIVE + ENV_ACTIONS - 1 == SOFT_V, "a row is one cache line");
_Static_assert(SOFT_PRIOR + POLICY_ACTIONS <= TABLE_WORDS, "the words of a row can be read as whole vectors");

enum { LANES = POLICY_ACTIONS };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef float half_lanes __attribute__((vector_size(LANES / 2 * sizeof(float))));
typedef float two_lanes __attribute__((vector_size(2 * LANES * sizeof(float))));
typedef int32_t lane_mask __attribute__((vector_size(LANES * sizeof(int32_t))));

/* Weights below exp of this, relative to the largest, are 0; vector exponentials are slow for smaller ones. */
static const float least_exponent = -80;

/* Slightly more than 1: a cumulative probability that should be 1 comes out as at least 1, whatever the rounding, so
 * that an action of probability 0 is never drawn. It is less than rounding u to its steps does. */
static const float whole = 1 + 0x1p-21f;

static inline lanes all_lanes(float x) { return (lanes){x, x, x, x, x, x, x, x}; }

static inline lanes load(const float *from) {
    lanes x;
    memcpy(&x, from, sizeof x);
    return x;
}

static inline lanes choose(lane_mask mask, lanes yes, lanes no) {
    return (lanes)((mask & (lane_mask)yes) | (~mask & (lane_mask)no));
}

/* The rows of several agents on their way to new weights. */
struct soft_batch {
    struct table_row *row[ENV_AGENTS];
    lanes logit[ENV_AGENTS];  /* prior(a) + beta Q(s,a) in the lanes of the actions, anything behind them */
    float shift[ENV_AGENTS];  /* about the largest of them */
    float sum[ENV_AGENTS];    /* of the weights */
};

/* exp(x) of each lane, one call for both; 0 for exponents that are not above the least. They stay one vector in memory,
 * since one that is read in another width than it was written in would have to wait for the store. */
static inline void exponentials(lanes first, lanes second, float *weight) {
    float x[2 * LANES];
    two_lanes both = __builtin_shufflevector(first, second, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    memcpy(x, &both, sizeof both);
    _Pragma("omp simd")
    for (int i = 0; i < 2 * LANES; i++) {
        float within = x[i] > least_exponent ? x[i] : least_exponent;
        within = within < 1 ? within : 1; /* the lanes behind the actions may hold anything */
        float e = expf(within);
        weight[i] = x[i] > least_exponent ? e : 0;
    }
}

/* Stores the cumulative probabilities that follow from the weights; returns the sum of the weights. */
static inline float store_cumulative(struct table_row *row, const float *weight) {
    const half_lanes zero = {0};
    half_lanes part;
    memcpy(&part, weight, sizeof part);
    part += __builtin_shufflevector(zero, part, 0, 4, 5, 6);
    part += __builtin_shufflevector(zero, part, 0, 1, 4, 5);
    float sum = part[3] + weight[4];
    part *= whole / sum;
    memcpy(row->word + SOFT_CUMULATIVE, &part, sizeof part);
    return sum;
}

static inline void soft_batch_weigh(struct soft_batch *batch, int n, struct policy_form form) {
    UNROLLED
    for (int j = 0; j < n; j += 2) {
        int k = j + 1 < n ? j + 1 : j;
        float weight[2 * LANES];
        exponentials(batch->logit[j] - batch->shift[j], batch->logit[k] - batch->shift[k], weight);
        batch->sum[j] = store_cumulative(batch->row[j], weight);
        if (k > j) batch->sum[k] = store_cumulative(batch->row[k], weight + LANES);
    }
    UNROLLED
    for (int j = 0; j < n; j++)
        batch->row[j]->word[SOFT_V] = (batch->shift[j] + logf(batch->sum[j])) * form.per_beta + form.offset;
}

/* Makes V and the cumulative probabilities of one row from Q and the prior. */
static inline void soft_row_refresh(struct policy_form form, struct table_row *row) {
    struct soft_batch batch;
    float most = row->word[SOFT_PRIOR] + form.beta * row->word[SOFT_Q];
    for (int a = 1; a < ENV_ACTIONS; a++) {
        float logit = row->word[SOFT_PRIOR + a] + form.beta * row->word[SOFT_Q + a];
        most = logit > most ? logit : most;
    }
    batch.row[0] = row;
    batch.shift[0] = most;
    batch.logit[0] = load(row->word + SOFT_PRIOR) + form.beta * load(row->word + SOFT_Q);
    soft_batch_weigh(&batch, 1, form);
}

/* Q(s,a) += learning_rate (target - Q(s,a)) of agent j; its weights follow with soft_batch_weigh.
 *
 * The exponents are taken relative to the larger of beta V(s), as it was, and the changed one: no other is larger. All
 * of Q goes through registers, since a vector read around a value just stored would have to wait for the store. */
static inline void soft_batch_back_up(struct soft_batch *batch, int j, struct policy_form form, float learning_rate,
                                      struct table_row *row, int action, float target) {
    const lane_mask number = {0, 1, 2, 3, 4, 5, 6, 7};
    float old = row->word[SOFT_Q + action], new = old + learning_rate * (target - old);
    float changed = row->word[SOFT_PRIOR + action] + form.beta * new;
    float before = (row->word[SOFT_V] - form.offset) * form.beta;
    lanes q = choose(number == action, all_lanes(new), load(row->word + SOFT_Q));
    batch->row[j] = row;
    batch->shift[j] = changed > before ? changed : before;
    batch->logit[j] = load(row->word + SOFT_PRIOR) + form.beta * q;
    memcpy(row->word + SOFT_Q, &q, sizeof q);
}

/* When the leading action lost its lead by far, all exponents may have been too small: those rows once more. */
static inline void soft_batch_mend(const struct soft_batch *batch, int n, struct policy_form form) {
    UNROLLED
    for (int j = 0; j < n; j++)
        if (batch->sum[j] < 0x1p-40f) soft_row_refresh(form, batch->row[j]);
}

#endif
