/* Means of few values, and how far to trust them: percentile bootstrap (Efron and Tibshirani 1993, chapter 13) of the
 * mean and of the interquartile mean (Agarwal et al. 2021, *Deep RL at the edge of the statistical precipice*).
 *
 * Deterministic: the resamples follow from the seed and the number of values alone. */
#ifndef MULTIDISTRAL_BASE_STATISTICS_H
#define MULTIDISTRAL_BASE_STATISTICS_H

#include <stdint.h>

enum { STATISTICS_RESAMPLES = 2000 };

#define STATISTICS_CONFIDENCE 0.95 /* of every interval */

/* An interval has low = high = NaN where it cannot be known: of a single value. */
struct estimate {
    double value, low, high;
};

struct estimates {
    struct estimate mean, iqm;
};

/* The mean of x [n], n >= 1. */
double statistics_mean(const double *x, int64_t n);

/* The mean of x [n], n >= 1, and its interquartile mean, which leaves out the floor(n / 4) smallest and the floor(n / 4) largest
 * values, with intervals from STATISTICS_RESAMPLES resamples of independent draws from one distribution.
 * With few values percentile intervals are too narrow: of 20 values they hold the true mean in about 93 % of cases.
 * Time is proportional to n times the resamples. */
struct estimates statistics_bootstrap(const double *x, int64_t n, uint32_t seed);

#endif
