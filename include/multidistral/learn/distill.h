/* The M-step: discounted visit counts, and the distilled policy pi0 that follows from them.
 *
 *   c(s,a)   = sum over games, t of gamma^t 1[s_t = s, a_t = a]
 *   pi0(a|s) = (c(s,a) + k) / sum_a' (c(s,a') + k)            [T17] section 2, tabular; k: pseudo-count
 *
 * Counts are integers in units of 2^-32, so that their sum over games, tasks and ranks is exact and the same in any
 * order. Time and memory follow the rows visited, not those there could be. */
#ifndef MULTIDISTRAL_LEARN_DISTILL_H
#define MULTIDISTRAL_LEARN_DISTILL_H

#include <stdbool.h>
#include <stdint.h>

#include "multidistral/learn/policy.h"
#include "multidistral/learn/slots.h"

#define VISITS_UNIT 0x1p32 /* counts per visit */

/* Discounted visits. */
struct visits {
    struct slots slots; /* slots.known: the rows visited */
    int n_actions;
    uint64_t stride;    /* above n_actions: whole cache lines; the last word of a row says that it is listed */
    int64_t *count;     /* [slot][stride] in units of 1 / VISITS_UNIT */
};

/* No visits. False when there is not that much address space; then there is nothing to destroy. */
bool visits_create(struct visits *visits, uint64_t n_rows, int n_actions);
void visits_clear(struct visits *visits);
void visits_destroy(struct visits *visits);

/* The counts [n_actions] of a row, from now on in the list of visited rows. */
static inline int64_t *visits_at(struct visits *visits, uint64_t row) {
    int64_t *count = visits->count + slots_reach(&visits->slots, row) * visits->stride;
    if (!count[visits->stride - 1]) {
        count[visits->stride - 1] = 1;
        slots_know(&visits->slots, row);
    }
    return count;
}

/* The row, and the counts [n_actions], of the i-th visited row. */
static inline uint64_t visits_row(const struct visits *visits, uint64_t i) { return visits->slots.known[i]; }
static inline const int64_t *visits_count(const struct visits *visits, uint64_t i) {
    return visits->count + slots_of_known(&visits->slots, i) * visits->stride;
}

/* Adds all counts of `from`. */
void visits_add(struct visits *visits, const struct visits *from);

/* gamma^t for t < steps in units of 1 / VISITS_UNIT, rounded to nearest; the caller owns it: free(). */
int64_t *visits_discounts(double gamma, int64_t steps);

/* A policy by rows: rows that are not known are uniform. */
struct policy_rows {
    struct slots slots;
    uint64_t stride; /* policy_stride */
    float *word;     /* [slot][stride] */
};

/* A distilled policy, and the prior that learners make of it. */
struct distilled {
    uint64_t n_rows;
    int n_actions;
    struct policy_rows pi0;
    struct policy_rows prior; /* policy_prior of the pi0 that distilled_prepare found */
    float uniform[POLICY_MOST];
};

/* Uniform everywhere. False when there is not that much address space; then there is nothing to destroy. */
bool distilled_create(struct distilled *distilled, uint64_t n_rows, int n_actions);
void distilled_destroy(struct distilled *distilled);

/* pi0 [n_actions] of a row; sums to 1. */
const float *distilled_row(const struct distilled *distilled, uint64_t row);

/* The prior [n_actions, up to whole vectors] of a row; all 0 where pi0 is uniform. */
const float *distilled_prior(const struct distilled *distilled, uint64_t row);

/* pi0 from the visits of all tasks, already summed over ranks: local, and the same on every rank. */
void distilled_update(struct distilled *distilled, const struct visits *visits, double pseudo_count);

/* Sets one row that is not known so far, as read from a run file. */
void distilled_set(struct distilled *distilled, uint64_t row, const float *pi0);

/* Makes the prior of an iteration from pi0. It stays as it is when pi0 changes, until the next call. */
void distilled_prepare(struct distilled *distilled, double alpha);

#endif
