/* A row of a soft Q table, as one cache line: Q, the prior, and what follows from them, the cumulative probabilities of
 * the actions and V. One log-sum-exp serves both:
 *
 *   V(s)    = (1/beta) log sum_a pi0(a|s)^alpha exp(beta Q(s,a))                  [T17] equation 3
 *   pi(a|s) = pi0(a|s)^alpha exp(beta Q(s,a) - beta V(s))                         [T17] equation 5
 *
 * Rows are worked on two at a time, side by side in vectors: so the exponentials of both are one call into the
 * compiler's vector maths, and their logarithms another. Private to learners. */
#ifndef MULTIDISTRAL_LEARN_SOFT_ROW_H
#define MULTIDISTRAL_LEARN_SOFT_ROW_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "multidistral/base/vector.h"
#include "multidistral/learn/policy.h"
#include "multidistral/learn/table.h"
#include "multidistral/world/env.h"

/* Words of a row. */
enum { SOFT_Q = 0, SOFT_PRIOR = ENV_ACTIONS, SOFT_CUMULATIVE = 2 * ENV_ACTIONS, SOFT_V = TABLE_WORDS - 1 };
enum { FOUR = 4, FIFTH = 4, LANES = 2 * FOUR };
_Static_assert(ENV_ACTIONS == FOUR + 1, "the vectors below hold four actions and a fifth");
_Static_assert(SOFT_CUMULATIVE + FOUR == SOFT_V, "a row is one cache line; the last cumulative probability is 1");

/* Two rows, each with half of the lanes: one value for each of the first four actions, or the same in all four lanes. */
typedef float quad __attribute__((vector_size(FOUR * sizeof(float))));
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t lane_mask __attribute__((vector_size(LANES * sizeof(int32_t))));

/* One value for each action of two rows. */
struct actions {
    lanes four, fifth;
};

/* Weights below exp of this, relative to the largest, are 0; vector exponentials are slow for smaller ones. */
static const float least_exponent = -80;

/* Slightly more than 1: a cumulative probability that should be 1 comes out as at least 1, whatever the rounding, so
 * that a last action of probability 0 is never drawn. It is four steps of u: a last action rarer than that is not either. */
static const float whole = 1 + 0x1p-21f;

/* ---- Lanes ---- */

static inline lanes side_by_side(quad a, quad b) { return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7); }
static inline lanes each(float a, float b) { return (lanes){a, a, a, a, b, b, b, b}; }
static inline lane_mask each_whole(int32_t a, int32_t b) { return (lane_mask){a, a, a, a, b, b, b, b}; }
static inline lanes where(lane_mask mask, lanes x) { return (lanes)(mask & (lane_mask)x); }

static inline quad load_quad(const float *from) {
    quad x;
    memcpy(&x, from, sizeof x);
    return x;
}

static inline struct actions load_actions(const float *a, const float *b) {
    return (struct actions){side_by_side(load_quad(a), load_quad(b)), each(a[FIFTH], b[FIFTH])};
}

static inline void store_fours(float *a, float *b, lanes x) {
    quad first = __builtin_shufflevector(x, x, 0, 1, 2, 3), second = __builtin_shufflevector(x, x, 4, 5, 6, 7);
    memcpy(a, &first, sizeof first);
    memcpy(b, &second, sizeof second);
}

static inline lanes larger(lanes x, lanes y) {
    float a[LANES], b[LANES];
    memcpy(a, &x, sizeof x);
    memcpy(b, &y, sizeof y);
    _Pragma("omp simd")
    for (int i = 0; i < LANES; i++) a[i] = a[i] > b[i] ? a[i] : b[i];
    memcpy(&x, a, sizeof x);
    return x;
}

/* The largest of all actions. */
static inline lanes largest(struct actions x) {
    lanes most = larger(x.four, __builtin_shufflevector(x.four, x.four, 2, 3, 0, 1, 6, 7, 4, 5));
    most = larger(most, __builtin_shufflevector(most, most, 1, 0, 3, 2, 5, 4, 7, 6));
    return larger(most, x.fifth);
}

/* exp(x), x <= 0; 0 for exponents that are not above the least. */
static inline struct actions exponentials(struct actions x) {
    float lane[2 * LANES];
    memcpy(lane, &x, sizeof x);
    _Pragma("omp simd")
    for (int i = 0; i < 2 * LANES; i++) {
        float e = expf(lane[i] > least_exponent ? lane[i] : least_exponent);
        lane[i] = lane[i] > least_exponent ? e : 0;
    }
    memcpy(&x, lane, sizeof x);
    return x;
}

static inline lanes logarithms(lanes x) {
    float lane[LANES];
    memcpy(lane, &x, sizeof x);
    _Pragma("omp simd")
    for (int i = 0; i < LANES; i++) lane[i] = logf(lane[i]);
    memcpy(&x, lane, sizeof x);
    return x;
}

/* x0, x0 + x1, x0 + x1 + x2, x0 + x1 + x2 + x3. All lanes add the same numbers in the same order: so they ascend, and a
 * lane that adds 0 is exactly the one before, whatever the rounding. */
static inline lanes cumulated(lanes x) {
    const lanes zero = {0};
    lanes sum = __builtin_shufflevector(x, x, 0, 0, 0, 0, 4, 4, 4, 4) + __builtin_shufflevector(zero, x, 0, 9, 9, 9, 0, 13, 13, 13);
    sum += __builtin_shufflevector(zero, x, 0, 0, 10, 10, 0, 0, 14, 14);
    return sum + __builtin_shufflevector(zero, x, 0, 0, 0, 11, 0, 0, 0, 15);
}

/* ---- What is done to rows ---- */

/* The cumulative probabilities and V that follow from the weights' logarithms, prior(a) + beta Q(s,a), of two rows. They
 * may be the same row. */
static inline void soft_rows_follow(struct policy_form form, struct table_row *a, struct table_row *b,
                                    struct actions logit) {
    lanes most = largest(logit);
    struct actions weight = exponentials((struct actions){logit.four - most, logit.fifth - most});
    lanes cumulative = cumulated(weight.four);
    lanes sum = __builtin_shufflevector(cumulative, cumulative, 3, 3, 3, 3, 7, 7, 7, 7) + weight.fifth;
    store_fours(a->word + SOFT_CUMULATIVE, b->word + SOFT_CUMULATIVE, cumulative * (whole / sum));
    lanes value = (most + logarithms(sum)) * form.per_beta + form.offset;
    a->word[SOFT_V] = value[0];
    b->word[SOFT_V] = value[FOUR];
}

/* Makes all of a row from Q and the prior. */
HOT_FUNCTION SELDOM
static void soft_row_refresh(struct policy_form form, struct table_row *row) {
    struct actions q = load_actions(row->word + SOFT_Q, row->word + SOFT_Q);
    struct actions prior = load_actions(row->word + SOFT_PRIOR, row->word + SOFT_PRIOR);
    soft_rows_follow(form, row, row, (struct actions){prior.four + form.beta * q.four, prior.fifth + form.beta * q.fifth});
}

/* A value on its way: Q(s,a) += rate (target - Q(s,a)). */
struct soft_backup {
    struct table_row *row;
    int action;
    float target;
};

static inline lanes backed_up(lanes q, lane_mask taken, lanes target, float rate, float rate_down) {
    lanes delta = target - q;
    lane_mask up = delta >= 0;
    return q + where(taken, where(up, rate * delta) + where(~up, rate_down * delta));
}

/* Of two rows, with another rate where the target is below Q(s,a). They may be the same row if the backups are the same. All
 * of a row is read before any of it is written: a vector read around a value just stored would have to wait for it. */
static inline void soft_rows_back_up(struct policy_form form, float rate, float rate_down, struct soft_backup a,
                                     struct soft_backup b) {
    const lane_mask number = {0, 1, 2, 3, 0, 1, 2, 3}, action = each_whole(a.action, b.action);
    const lanes target = each(a.target, b.target);
    const struct actions prior = load_actions(a.row->word + SOFT_PRIOR, b.row->word + SOFT_PRIOR);
    struct actions q = load_actions(a.row->word + SOFT_Q, b.row->word + SOFT_Q);
    q.four = backed_up(q.four, action == number, target, rate, rate_down);
    q.fifth = backed_up(q.fifth, action == FIFTH, target, rate, rate_down);
    store_fours(a.row->word + SOFT_Q, b.row->word + SOFT_Q, q.four);
    a.row->word[SOFT_Q + FIFTH] = q.fifth[0];
    b.row->word[SOFT_Q + FIFTH] = q.fifth[FOUR];
    soft_rows_follow(form, a.row, b.row,
                     (struct actions){prior.four + form.beta * q.four, prior.fifth + form.beta * q.fifth});
}

/* Of any number of rows. */
static inline void soft_back_up(struct policy_form form, float rate, float rate_down, const struct soft_backup *backup,
                                int n) {
    UNROLLED
    for (int i = 0; i < n; i += 2)
        soft_rows_back_up(form, rate, rate_down, backup[i], backup[i + 1 < n ? i + 1 : i]);
}

/* The action that u in [0, 1) draws: the first whose cumulative probability passes u. */
static inline int soft_row_draw(const struct table_row *row, float u) {
#if defined(__SSE__)
    quad passed = (quad)(load_quad(row->word + SOFT_CUMULATIVE) <= (quad){u, u, u, u});
    return __builtin_ctz(~(unsigned)__builtin_ia32_movmskps(passed)); /* they ascend */
#else
    return policy_draw(ENV_ACTIONS, row->word + SOFT_CUMULATIVE, u);
#endif
}

#endif
