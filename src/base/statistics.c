#include "multidistral/base/statistics.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/base/rng.h"

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The caller owns it. */
static double *sorted_copy(const double *x, int64_t n) {
    double *sorted = memory_zeros((size_t)n, sizeof *sorted);
    memcpy(sorted, x, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, compare);
    return sorted;
}

static int64_t trimmed(int64_t n) { return n / 4; }

double statistics_mean(const double *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

/* ---- Bootstrap: a resample is how often each value was drawn, so that the values are sorted only once ---- */

struct means {
    double mean, iqm;
};

static void resample(uint32_t seed, uint32_t number, int64_t n, uint32_t *times) {
    struct rng rng;
    rng_start(&rng, &(struct rng_key){.seed = seed, .game = number, .phase = RNG_BOOTSTRAP});
    memset(times, 0, (size_t)n * sizeof *times);
    for (int64_t i = 0; i < n; i++) times[rng_below(rng_next(&rng), (uint32_t)n)]++;
}

/* How much of the places [first, first + n) is in [from, to). */
static int64_t overlap(int64_t first, int64_t n, int64_t from, int64_t to) {
    int64_t begin = first > from ? first : from, end = first + n < to ? first + n : to;
    return end > begin ? end - begin : 0;
}

/* Sums are of differences from the median: where the values that count are all alike, so are all their means, to the last bit. */
static struct means means_of(const double *sorted, const uint32_t *times, int64_t n) {
    int64_t from = trimmed(n), to = n - trimmed(n), place = 0;
    double median = sorted[n / 2], sum = 0, inner = 0;
    for (int64_t i = 0; i < n; place += times[i++]) {
        sum += times[i] * (sorted[i] - median);
        inner += (double)overlap(place, times[i], from, to) * (sorted[i] - median);
    }
    return (struct means){median + sum / (double)n, median + inner / (double)(to - from)};
}

/* The value below which a part p of the sorted ones lies, between neighbours by a straight line. */
static double quantile(const double *sorted, int n, double p) {
    double place = p * (n - 1);
    int below = (int)place, above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

static struct estimate estimate(double value, double *resampled) {
    const double outside = (1 - STATISTICS_CONFIDENCE) / 2;
    qsort(resampled, STATISTICS_RESAMPLES, sizeof *resampled, compare);
    return (struct estimate){value, quantile(resampled, STATISTICS_RESAMPLES, outside),
                             quantile(resampled, STATISTICS_RESAMPLES, 1 - outside)};
}

struct estimates statistics_bootstrap(const double *x, int64_t n, uint32_t seed) {
    assert(n >= 1 && n <= UINT32_MAX);
    if (n == 1) return (struct estimates){{x[0], NAN, NAN}, {x[0], NAN, NAN}};
    double mean[STATISTICS_RESAMPLES], iqm[STATISTICS_RESAMPLES];
    double *sorted = sorted_copy(x, n);
    uint32_t *times = memory_zeros((size_t)n, sizeof *times);
    for (int64_t i = 0; i < n; i++) times[i] = 1;
    struct means all = means_of(sorted, times, n);
    for (uint32_t i = 0; i < STATISTICS_RESAMPLES; i++) {
        resample(seed, i, n, times);
        struct means means = means_of(sorted, times, n);
        mean[i] = means.mean;
        iqm[i] = means.iqm;
    }
    free(sorted);
    free(times);
    return (struct estimates){estimate(all.mean, mean), estimate(all.iqm, iqm)};
}
