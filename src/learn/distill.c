#include "multidistral/learn/distill.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"

void visits_create(struct visits *visits, uint64_t n_rows, int n_actions) {
    *visits = (struct visits){
        .n_rows = n_rows,
        .n_actions = n_actions,
        .count = memory_zeros(n_rows * (uint64_t)n_actions, sizeof *visits->count),
        .seen = memory_zeros(n_rows, sizeof *visits->seen),
        .row = memory_zeros(n_rows, sizeof *visits->row),
    };
}

void visits_clear(struct visits *visits) {
    for (uint64_t i = 0; i < visits->n_visited; i++) {
        uint64_t row = visits->row[i];
        visits->seen[row] = false;
        memset(visits->count + row * (uint64_t)visits->n_actions, 0, (size_t)visits->n_actions * sizeof *visits->count);
    }
    visits->n_visited = 0;
}

void visits_destroy(struct visits *visits) {
    free(visits->count);
    free(visits->seen);
    free(visits->row);
    *visits = (struct visits){0};
}

void visits_add(struct visits *visits, const struct visits *from) {
    assert(visits->n_rows == from->n_rows && visits->n_actions == from->n_actions);
    for (uint64_t i = 0; i < from->n_visited; i++) {
        int64_t *sum = visits_at(visits, from->row[i]);
        const int64_t *count = from->count + from->row[i] * (uint64_t)from->n_actions;
        for (int a = 0; a < from->n_actions; a++) sum[a] += count[a];
    }
}

static int compare_rows(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void visits_sort(struct visits *visits) {
    qsort(visits->row, visits->n_visited, sizeof *visits->row, compare_rows);
}

int64_t *visits_discounts(double gamma, int64_t steps) {
    int64_t *discounts = memory_zeros((size_t)steps, sizeof *discounts);
    double discount = 1;
    for (int64_t t = 0; t < steps; t++, discount *= gamma) discounts[t] = llround(discount * VISITS_UNIT);
    return discounts;
}

static void set_uniform(struct distilled *d, uint64_t row) {
    float *pi0 = d->pi0 + row * (uint64_t)d->n_actions;
    for (int a = 0; a < d->n_actions; a++) pi0[a] = 1.0f / (float)d->n_actions;
}

void distilled_create(struct distilled *distilled, uint64_t n_rows, int n_actions) {
    *distilled = (struct distilled){
        .n_rows = n_rows,
        .n_actions = n_actions,
        .pi0 = memory_zeros(n_rows * (uint64_t)n_actions, sizeof *distilled->pi0),
        .row = memory_zeros(n_rows, sizeof *distilled->row),
        .prior_row = memory_zeros(n_rows, sizeof *distilled->prior_row),
    };
    table_create(&distilled->prior, n_rows);
    for (uint64_t row = 0; row < n_rows; row++) set_uniform(distilled, row);
}

void distilled_destroy(struct distilled *distilled) {
    free(distilled->pi0);
    free(distilled->row);
    free(distilled->prior_row);
    table_destroy(&distilled->prior);
    *distilled = (struct distilled){0};
}

/* pi0(a|s) = (c(s,a) + k) / sum_a' (c(s,a') + k) */
static void maximum_likelihood(int n, const int64_t *count, double k, float *pi0) {
    double sum = 0;
    for (int a = 0; a < n; a++) sum += (double)count[a] / VISITS_UNIT + k;
    for (int a = 0; a < n; a++) pi0[a] = sum > 0 ? (float)(((double)count[a] / VISITS_UNIT + k) / sum) : 1.0f / (float)n;
}

void distilled_set(struct distilled *distilled, uint64_t row, const float *pi0) {
    assert(row < distilled->n_rows && distilled->n_known < distilled->n_rows);
    memcpy(distilled->pi0 + row * (uint64_t)distilled->n_actions, pi0, (size_t)distilled->n_actions * sizeof *pi0);
    distilled->row[distilled->n_known++] = row;
}

void distilled_update(struct distilled *distilled, const struct visits *visits, double pseudo_count) {
    int n = distilled->n_actions;
    for (uint64_t i = 0; i < distilled->n_known; i++) set_uniform(distilled, distilled->row[i]);
    distilled->n_known = 0;
    for (uint64_t i = 0; i < visits->n_visited; i++) {
        uint64_t row = visits->row[i];
        float pi0[POLICY_ACTIONS];
        maximum_likelihood(n, visits->count + row * (uint64_t)n, pseudo_count, pi0);
        distilled_set(distilled, row, pi0);
    }
}

void distilled_prepare(struct distilled *distilled, double alpha) {
    int n = distilled->n_actions;
    for (uint64_t i = 0; i < distilled->n_prior; i++)
        memset(table_row(&distilled->prior, distilled->prior_row[i]), 0, TABLE_STRIDE * sizeof(float));
    distilled->n_prior = distilled->n_known;
    for (uint64_t i = 0; i < distilled->n_known; i++) {
        uint64_t row = distilled->prior_row[i] = distilled->row[i];
        const float *pi0 = distilled->pi0 + row * (uint64_t)n;
        float *prior = table_row(&distilled->prior, row);
        for (int a = 0; a < n; a++) prior[a] = policy_prior(alpha, n, pi0[a]);
    }
}

uint64_t distilled_bytes(uint64_t n_rows, int n_actions) {
    return n_rows * ((uint64_t)n_actions * sizeof(float) + 2 * sizeof(uint64_t)) + table_bytes(n_rows);
}

uint64_t visits_bytes(uint64_t n_rows, int n_actions) {
    return n_rows * ((uint64_t)n_actions * sizeof(int64_t) + sizeof(uint64_t) + sizeof(bool));
}
