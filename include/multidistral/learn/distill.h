/* The M-step: discounted visit counts, and the distilled policy pi0 that follows from them.
 *
 *   c(s,a)   = sum over games, t of gamma^t 1[s_t = s, a_t = a]
 *   pi0(a|s) = (c(s,a) + k) / sum_a' (c(s,a') + k)            [T17] section 2, tabular; k: pseudo-count
 *
 * Counts are integers in units of 2^-32, so that their sum over games, tasks and ranks is exact and the same in any
 * order. */
#ifndef MULTIDISTRAL_LEARN_DISTILL_H
#define MULTIDISTRAL_LEARN_DISTILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "multidistral/learn/table.h"

#define VISITS_UNIT 0x1p32 /* counts per visit */

/* Discounted visits. What costs memory is n_rows; what costs time is the rows visited. */
struct visits {
    uint64_t n_rows;
    int n_actions;
    int64_t *count; /* [n_rows][n_actions] in units of 1 / VISITS_UNIT */
    bool *seen;     /* [n_rows]: in the list below? */
    uint64_t *row;  /* [n_visited] the rows visited, in the order of their first visit */
    uint64_t n_visited;
};

void visits_create(struct visits *visits, uint64_t n_rows, int n_actions);
void visits_clear(struct visits *visits);
void visits_destroy(struct visits *visits);

/* The counts [n_actions] of a row, from now on in the list of visited rows. */
static inline int64_t *visits_at(struct visits *visits, uint64_t row) {
    if (!visits->seen[row]) {
        visits->seen[row] = true;
        visits->row[visits->n_visited++] = row;
    }
    return visits->count + row * (uint64_t)visits->n_actions;
}

/* Adds all counts of `from`. */
void visits_add(struct visits *visits, const struct visits *from);

/* The list of visited rows in ascending order. */
void visits_sort(struct visits *visits);

/* gamma^t for t < steps in units of 1 / VISITS_UNIT, rounded to nearest; the caller owns it: free(). */
int64_t *visits_discounts(double gamma, int64_t steps);

/* A distilled policy, and the prior that learners make of it. */
struct distilled {
    uint64_t n_rows;
    int n_actions;
    float *pi0;         /* [n_rows][n_actions], rows sum to 1; uniform where nobody was */
    uint64_t *row;      /* [n_known] the rows where pi0 may differ from uniform */
    uint64_t n_known;
    struct table prior; /* alpha log(n_actions pi0) of the pi0 that distilled_prepare found; 0 where uniform */
    uint64_t *prior_row; /* [n_prior] the rows where the prior may differ from 0 */
    uint64_t n_prior;
};

void distilled_create(struct distilled *distilled, uint64_t n_rows, int n_actions); /* uniform */
void distilled_destroy(struct distilled *distilled);

/* pi0 from the visits of all tasks, already summed over ranks: local, and the same on every rank. */
void distilled_update(struct distilled *distilled, const struct visits *visits, double pseudo_count);

/* Sets one row, as read from a run file. */
void distilled_set(struct distilled *distilled, uint64_t row, const float *pi0);

/* Makes the prior of an iteration from pi0. It stays as it is when pi0 changes, until the next call. */
void distilled_prepare(struct distilled *distilled, double alpha);

/* Bytes that such a policy, and such visits, take. */
uint64_t distilled_bytes(uint64_t n_rows, int n_actions);
uint64_t visits_bytes(uint64_t n_rows, int n_actions);

#endif
