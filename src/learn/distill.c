#include "multidistral/learn/distill.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "multidistral/base/memory.h"

/* ---- Visits ---- */

static size_t count_bytes(const struct visits *visits) { return visits->stride * sizeof(int64_t); }

bool visits_create(struct visits *visits, uint64_t n_rows, int n_actions) {
    enum { LINE = MEMORY_ALIGNMENT / sizeof(int64_t) };
    *visits = (struct visits){.n_actions = n_actions, .stride = (uint64_t)(n_actions / LINE + 1) * LINE};
    if (!slots_create(&visits->slots, n_rows)) return false;
    visits->count = memory_sparse(slots_most(&visits->slots), count_bytes(visits));
    if (!visits->count) visits_destroy(visits);
    return visits->count;
}

void visits_clear(struct visits *visits) {
    for (uint64_t i = 0; i < visits->slots.n_known; i++)
        memset(visits->count + slots_of_known(&visits->slots, i) * visits->stride, 0, count_bytes(visits));
    slots_clear(&visits->slots);
}

void visits_destroy(struct visits *visits) {
    memory_sparse_free(visits->count, slots_most(&visits->slots), count_bytes(visits));
    slots_destroy(&visits->slots);
    *visits = (struct visits){0};
}

void visits_add(struct visits *visits, const struct visits *from) {
    assert(visits->slots.n_rows == from->slots.n_rows && visits->n_actions == from->n_actions);
    for (uint64_t i = 0; i < from->slots.n_known; i++) {
        int64_t *sum = visits_at(visits, visits_row(from, i));
        const int64_t *count = visits_count(from, i);
        for (int a = 0; a < visits->n_actions; a++) sum[a] += count[a];
    }
}

int64_t *visits_discounts(double gamma, int64_t steps) {
    int64_t *discounts = memory_zeros((size_t)steps, sizeof *discounts);
    double discount = 1;
    for (int64_t t = 0; t < steps; t++, discount *= gamma) discounts[t] = llround(discount * VISITS_UNIT);
    return discounts;
}

/* ---- Policies by rows ---- */

static size_t row_bytes(const struct policy_rows *rows) { return rows->stride * sizeof(float); }

static bool policy_rows_create(struct policy_rows *rows, uint64_t n_rows, int n_actions) {
    rows->stride = (uint64_t)policy_stride(n_actions);
    if (!slots_create(&rows->slots, n_rows)) return false;
    rows->word = memory_sparse(slots_most(&rows->slots), row_bytes(rows));
    return rows->word;
}

static void policy_rows_destroy(struct policy_rows *rows) {
    memory_sparse_free(rows->word, slots_most(&rows->slots), row_bytes(rows));
    slots_destroy(&rows->slots);
}

static void policy_rows_clear(struct policy_rows *rows) {
    for (uint64_t i = 0; i < rows->slots.n_known; i++)
        memset(rows->word + slots_of_known(&rows->slots, i) * rows->stride, 0, row_bytes(rows));
    slots_clear(&rows->slots);
}

/* A new row, to be filled. */
static float *policy_rows_add(struct policy_rows *rows, uint64_t row) {
    float *word = rows->word + slots_reach(&rows->slots, row) * rows->stride;
    slots_know(&rows->slots, row);
    return word;
}

/* ---- The distilled policy ---- */

bool distilled_create(struct distilled *d, uint64_t n_rows, int n_actions) {
    assert(n_actions <= POLICY_MOST);
    *d = (struct distilled){.n_rows = n_rows, .n_actions = n_actions};
    for (int a = 0; a < n_actions; a++) d->uniform[a] = 1.0f / (float)n_actions;
    if (policy_rows_create(&d->pi0, n_rows, n_actions) && policy_rows_create(&d->prior, n_rows, n_actions)) return true;
    distilled_destroy(d);
    return false;
}

void distilled_destroy(struct distilled *d) {
    policy_rows_destroy(&d->pi0);
    policy_rows_destroy(&d->prior);
    *d = (struct distilled){0};
}

const float *distilled_row(const struct distilled *distilled, uint64_t row) {
    uint64_t slot = slots_find(&distilled->pi0.slots, row);
    if (slot == SLOTS_NONE) return distilled->uniform;
    const float *pi0 = distilled->pi0.word + slot * distilled->pi0.stride;
    float sum = 0; /* 0 in a row that is not known, where rows are addressed directly */
    for (int a = 0; a < distilled->n_actions; a++) sum += pi0[a];
    return sum > 0 ? pi0 : distilled->uniform;
}

const float *distilled_prior(const struct distilled *distilled, uint64_t row) {
    static const float none[POLICY_MOST];
    uint64_t slot = slots_find(&distilled->prior.slots, row);
    return slot == SLOTS_NONE ? none : distilled->prior.word + slot * distilled->prior.stride;
}

/* pi0(a|s) = (c(s,a) + k) / sum_a' (c(s,a') + k) */
static void maximum_likelihood(int n, const int64_t *count, double k, float *pi0) {
    double sum = 0;
    for (int a = 0; a < n; a++) sum += (double)count[a] / VISITS_UNIT + k;
    for (int a = 0; a < n; a++) pi0[a] = sum > 0 ? (float)(((double)count[a] / VISITS_UNIT + k) / sum) : 1.0f / (float)n;
}

void distilled_set(struct distilled *distilled, uint64_t row, const float *pi0) {
    assert(row < distilled->n_rows);
    memcpy(policy_rows_add(&distilled->pi0, row), pi0, (size_t)distilled->n_actions * sizeof *pi0);
}

void distilled_update(struct distilled *distilled, const struct visits *visits, double pseudo_count) {
    policy_rows_clear(&distilled->pi0);
    for (uint64_t i = 0; i < visits->slots.n_known; i++)
        maximum_likelihood(distilled->n_actions, visits_count(visits, i), pseudo_count,
                           policy_rows_add(&distilled->pi0, visits_row(visits, i)));
}

void distilled_prepare(struct distilled *distilled, double alpha) {
    const struct policy_rows *pi0 = &distilled->pi0;
    policy_rows_clear(&distilled->prior);
    for (uint64_t i = 0; i < pi0->slots.n_known; i++)
        policy_prior((float)alpha, distilled->n_actions, pi0->word + slots_of_known(&pi0->slots, i) * pi0->stride,
                     policy_rows_add(&distilled->prior, pi0->slots.known[i]));
}
