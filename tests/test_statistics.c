/* Means and their bootstrap intervals: by hand, by known distributions, and the same every time. */
#include <math.h>

#include "support.h"

#include "multidistral/base/rng.h"
#include "multidistral/base/statistics.h"

static double iqm(const double *x, int64_t n) { return statistics_bootstrap(x, n, 1).iqm.value; }

static void means_by_hand(void **state) {
    (void)state;
    const double x[] = {100, 1, 4, 2, -50, 3, 6, 5}, one[] = {7}, three[] = {1, 2, 9};
    assert_float_equal(statistics_mean(x, 8), 71.0 / 8, 1e-12);
    assert_float_equal(iqm(x, 8), (2 + 3 + 4 + 5) / 4.0, 1e-12);     /* two off each end */
    assert_float_equal(iqm(x, 7), (1 + 2 + 3 + 4 + 6) / 5.0, 1e-12); /* one off each end: floor(7 / 4) */
    assert_float_equal(iqm(x, 4), (2 + 4) / 2.0, 1e-12);
    assert_float_equal(iqm(three, 3), 4, 1e-12);
    assert_float_equal(iqm(one, 1), 7, 0);
}

static void of_one_value_nothing_is_known(void **state) {
    (void)state;
    struct estimates found = statistics_bootstrap((const double[]){3}, 1, 1);
    assert_true(found.mean.value == 3 && found.iqm.value == 3);
    assert_true(isnan(found.mean.low) && isnan(found.mean.high) && isnan(found.iqm.low) && isnan(found.iqm.high));
}

static void equal_values_have_no_width(void **state) {
    (void)state;
    struct estimates found = statistics_bootstrap((const double[]){2, 2, 2, 2, 2}, 5, 1);
    assert_true(found.mean.low == 2 && found.mean.high == 2 && found.iqm.low == 2 && found.iqm.high == 2);
    double x[20]; /* sums of such values are rounded, each in its own way */
    for (int i = 0; i < 20; i++) x[i] = 88.1 / 3;
    found = statistics_bootstrap(x, 20, 1);
    assert_true(found.mean.value == x[0] && found.mean.low == x[0] && found.mean.high == x[0]);
    x[3] = -1, x[5] = 1000; /* trimmed in nearly every resample */
    found = statistics_bootstrap(x, 20, 1);
    assert_true(found.iqm.value == x[0] && found.iqm.low == x[0] && found.iqm.high == x[0]);
}

/* Of {0, 1} a resample has the mean 0, 1/2, 1 with probability 1/4, 1/2, 1/4: the interval is all of [0, 1]. Of 99
 * zeros and a one the number of ones is nearly Poisson(1): 0 is below 2.5 %, 3 is at 97.5 %. */
static void intervals_by_hand(void **state) {
    (void)state;
    struct estimates two = statistics_bootstrap((const double[]){1, 0}, 2, 1);
    assert_true(two.mean.value == 0.5 && two.mean.low == 0 && two.mean.high == 1);
    double rare[100] = {[17] = 1};
    struct estimates found = statistics_bootstrap(rare, 100, 1);
    assert_float_equal(found.mean.low, 0, 1e-12);
    assert_float_equal(found.mean.high, 0.03, 1e-12);
    assert_true(found.iqm.value == 0 && found.iqm.high == 0); /* the rare one is always trimmed */
}

static void the_order_of_values_makes_no_difference(void **state) {
    (void)state;
    struct estimates a = statistics_bootstrap((const double[]){1, 2, 4, 8, 16}, 5, 1);
    struct estimates b = statistics_bootstrap((const double[]){16, 4, 1, 8, 2}, 5, 1);
    assert_memory_equal(&a, &b, sizeof a);
}

static void the_same_seed_gives_the_same_interval(void **state) {
    (void)state;
    double x[50];
    for (int i = 0; i < 50; i++) x[i] = sqrt(i);
    struct estimates a = statistics_bootstrap(x, 50, 1), b = statistics_bootstrap(x, 50, 1);
    struct estimates other = statistics_bootstrap(x, 50, 2);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(other.mean.low != a.mean.low && other.mean.high != a.mean.high);
    assert_float_equal(other.mean.low, a.mean.low, 0.1);
}

static void shifted_values_shift_the_interval(void **state) {
    (void)state;
    double x[20], y[20];
    for (int i = 0; i < 20; i++) x[i] = i * i, y[i] = 3 * x[i] + 1000;
    struct estimates a = statistics_bootstrap(x, 20, 1), b = statistics_bootstrap(y, 20, 1);
    assert_float_equal(b.mean.low, 3 * a.mean.low + 1000, 1e-9);
    assert_float_equal(b.iqm.high, 3 * a.iqm.high + 1000, 1e-9);
}

static bool holds(struct estimate found, double truth) { return found.low <= truth && truth <= found.high; }

/* How often the interval of n uniform values holds their true mean, which is also the mean of their middle half. */
static void coverage(int n, double *mean, double *iqm) {
    enum { TRIALS = 1000, MOST = 50 };
    int by_mean = 0, by_iqm = 0;
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        double x[MOST];
        struct rng rng;
        rng_start(&rng, &(struct rng_key){.seed = 5, .game = trial});
        for (int i = 0; i < n; i++) x[i] = rng_next(&rng) * 0x1p-32;
        struct estimates found = statistics_bootstrap(x, n, trial);
        by_mean += holds(found.mean, 0.5);
        by_iqm += holds(found.iqm, 0.5);
    }
    *mean = by_mean / (double)TRIALS;
    *iqm = by_iqm / (double)TRIALS;
}

/* The standard error of a coverage is 0.7 %; percentile intervals of so few values are known to be narrow. */
static void intervals_hold_the_truth_as_often_as_they_say(void **state) {
    (void)state;
    double mean, inner;
    coverage(20, &mean, &inner);
    assert_true(0.90 < mean && mean < 0.96);
    assert_true(0.89 < inner && inner < 0.97);
    coverage(50, &mean, &inner);
    assert_true(0.92 < mean && mean < 0.97);
    assert_true(0.91 < inner && inner < 0.97);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_by_hand),
        cmocka_unit_test(of_one_value_nothing_is_known),
        cmocka_unit_test(equal_values_have_no_width),
        cmocka_unit_test(intervals_by_hand),
        cmocka_unit_test(the_order_of_values_makes_no_difference),
        cmocka_unit_test(the_same_seed_gives_the_same_interval),
        cmocka_unit_test(shifted_values_shift_the_interval),
        cmocka_unit_test(intervals_hold_the_truth_as_often_as_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
