#include "multidistral/learn/distill.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "multidistral/base/memory.h"

static const size_t count_bytes = VISITS_STRIDE * sizeof(int64_t), row_bytes = POLICY_ACTIONS * sizeof(float);

bool visits_create(struct visits *visits, uint64_t n_rows, int n_actions) {
    assert(n_actions < VISITS_STRIDE);
    *visits = (struct visits){.n_rows = n_rows,
                              .n_actions = n_actions,
                              .count = memory_sparse(n_rows, count_bytes),
                              .row = memory_sparse(n_rows, sizeof *visits->row)};
    if (visits->count && visits->row) return true;
    visits_destroy(visits);
    return false;
}

void visits_clear(struct visits *visits) {
    for (uint64_t i = 0; i < visits->n_visited; i++)
        memset(visits->count + visits->row[i] * VISITS_STRIDE, 0, count_bytes);
    visits->n_visited = 0;
}

void visits_destroy(struct visits *visits) {
    memory_sparse_free(visits->count, visits->n_rows, count_bytes);
    memory_sparse_free(visits->row, visits->n_rows, sizeof *visits->row);
    *visits = (struct visits){0};
}

void visits_add(struct visits *visits, const struct visits *from) {
    assert(visits->n_rows == from->n_rows && visits->n_actions == from->n_actions);
    for (uint64_t i = 0; i < from->n_visited; i++) {
        int64_t *sum = visits_at(visits, from->row[i]);
        const int64_t *count = visits_of(from, from->row[i]);
        for (int a = 0; a < VISITS_SEEN; a++) sum[a] += count[a];
    }
}

int64_t *visits_discounts(double gamma, int64_t steps) {
    int64_t *discounts = memory_zeros((size_t)steps, sizeof *discounts);
    double discount = 1;
    for (int64_t t = 0; t < steps; t++, discount *= gamma) discounts[t] = llround(discount * VISITS_UNIT);
    return discounts;
}

bool distilled_create(struct distilled *d, uint64_t n_rows, int n_actions) {
    *d = (struct distilled){.n_rows = n_rows,
                            .n_actions = n_actions,
                            .pi0 = memory_sparse(n_rows, row_bytes),
                            .row = memory_sparse(n_rows, sizeof *d->row),
                            .prior = memory_sparse(n_rows, row_bytes),
                            .prior_row = memory_sparse(n_rows, sizeof *d->prior_row)};
    for (int a = 0; a < n_actions; a++) d->uniform[a] = 1.0f / (float)n_actions;
    if (d->pi0 && d->row && d->prior && d->prior_row) return true;
    distilled_destroy(d);
    return false;
}

void distilled_destroy(struct distilled *d) {
    memory_sparse_free(d->pi0, d->n_rows, row_bytes);
    memory_sparse_free(d->row, d->n_rows, sizeof *d->row);
    memory_sparse_free(d->prior, d->n_rows, row_bytes);
    memory_sparse_free(d->prior_row, d->n_rows, sizeof *d->prior_row);
    *d = (struct distilled){0};
}

static float *pi0_at(const struct distilled *d, uint64_t row) { return d->pi0 + row * POLICY_ACTIONS; }

const float *distilled_row(const struct distilled *distilled, uint64_t row) {
    const float *pi0 = pi0_at(distilled, row);
    float sum = 0;
    for (int a = 0; a < distilled->n_actions; a++) sum += pi0[a];
    return sum > 0 ? pi0 : distilled->uniform;
}

/* pi0(a|s) = (c(s,a) + k) / sum_a' (c(s,a') + k) */
static void maximum_likelihood(int n, const int64_t *count, double k, float *pi0) {
    double sum = 0;
    for (int a = 0; a < n; a++) sum += (double)count[a] / VISITS_UNIT + k;
    for (int a = 0; a < n; a++) pi0[a] = sum > 0 ? (float)(((double)count[a] / VISITS_UNIT + k) / sum) : 1.0f / (float)n;
}

void distilled_set(struct distilled *distilled, uint64_t row, const float *pi0) {
    assert(row < distilled->n_rows && distilled->n_known < distilled->n_rows);
    memcpy(pi0_at(distilled, row), pi0, (size_t)distilled->n_actions * sizeof *pi0);
    distilled->row[distilled->n_known++] = row;
}

void distilled_update(struct distilled *distilled, const struct visits *visits, double pseudo_count) {
    for (uint64_t i = 0; i < distilled->n_known; i++) memset(pi0_at(distilled, distilled->row[i]), 0, row_bytes);
    distilled->n_known = 0;
    for (uint64_t i = 0; i < visits->n_visited; i++) {
        float pi0[POLICY_ACTIONS];
        maximum_likelihood(distilled->n_actions, visits_of(visits, visits->row[i]), pseudo_count, pi0);
        distilled_set(distilled, visits->row[i], pi0);
    }
}

void distilled_prepare(struct distilled *distilled, double alpha) {
    for (uint64_t i = 0; i < distilled->n_prior; i++)
        memset(distilled->prior + distilled->prior_row[i] * POLICY_ACTIONS, 0, row_bytes);
    distilled->n_prior = distilled->n_known;
    for (uint64_t i = 0; i < distilled->n_known; i++) {
        uint64_t row = distilled->prior_row[i] = distilled->row[i];
        policy_prior((float)alpha, distilled->n_actions, pi0_at(distilled, row), distilled->prior + row * POLICY_ACTIONS);
    }
}
