/* Where the values of learning curves lie, in memory and in a file. */
#include <math.h>
#include <stdlib.h>

#include "support.h"

#include "multidistral/run/curves.h"

enum { REPLICAS = 2, ITERATIONS = 5, TASKS = 3, AGENTS = 2 };

static void create(struct curves *curves) {
    const struct layout layout = {.replicas = {4, REPLICAS}, .tasks = {1, TASKS}};
    curves_create(curves, &layout, ITERATIONS, AGENTS);
}

static double number(int64_t replica, int64_t iteration, int64_t task, int64_t agent) {
    return (double)(1000 * replica + 100 * iteration + 10 * task + agent);
}

static void fill(struct curves *curves, enum curve curve) {
    for (int64_t r = 0; r < REPLICAS; r++)
        for (int64_t t = 0; t < ITERATIONS; t++)
            for (int64_t i = 0; i < TASKS; i++)
                for (int64_t j = 0; j < curves_width(curves, curve); j++)
                    *curves_at(curves, curve, r, t, i, j) = number(r, t, i, j);
}

static void a_new_curve_knows_nothing(void **state) {
    (void)state;
    struct curves curves;
    create(&curves);
    for (int c = 0; c < CURVE_COUNT; c++)
        for (int64_t r = 0; r < REPLICAS; r++)
            for (int64_t t = 0; t < ITERATIONS; t++) assert_true(isnan(*curves_at(&curves, (enum curve)c, r, t, 2, 0)));
    curves_destroy(&curves);
}

static void width_is_agents_or_1(void **state) {
    (void)state;
    struct curves curves;
    create(&curves);
    assert_int_equal(curves_width(&curves, CURVE_return), AGENTS);
    assert_int_equal(curves_width(&curves, CURVE_divergence), AGENTS);
    assert_int_equal(curves_width(&curves, CURVE_games), 1);
    assert_int_equal(curves_width(&curves, CURVE_steps), 1);
    curves_destroy(&curves);
}

/* [replica][iteration][task][agent], the last running fastest. */
static void places_are_all_different_and_in_order(void **state) {
    (void)state;
    struct curves curves;
    create(&curves);
    for (int c = 0; c < CURVE_COUNT; c++) {
        int64_t at = 0;
        for (int64_t r = 0; r < REPLICAS; r++)
            for (int64_t t = 0; t < ITERATIONS; t++)
                for (int64_t i = 0; i < TASKS; i++)
                    for (int64_t j = 0; j < curves_width(&curves, (enum curve)c); j++)
                        assert_ptr_equal(curves_at(&curves, (enum curve)c, r, t, i, j), curves.value[c] + at++);
        assert_int_equal(at, REPLICAS * ITERATIONS * TASKS * curves_width(&curves, (enum curve)c));
    }
    curves_destroy(&curves);
}

static void the_first_iterations_lie_as_in_a_file(void **state) {
    (void)state;
    struct curves curves;
    create(&curves);
    fill(&curves, CURVE_return);
    for (int64_t n = 0; n <= ITERATIONS; n++) {
        double *first = curves_first(&curves, CURVE_return, n);
        for (int64_t r = 0, at = 0; r < REPLICAS; r++)
            for (int64_t t = 0; t < n; t++)
                for (int64_t i = 0; i < TASKS; i++)
                    for (int64_t j = 0; j < AGENTS; j++) assert_true(first[at++] == number(r, t, i, j));
        free(first);
    }
    curves_destroy(&curves);
}

static void filling_reverses_taking(void **state) {
    (void)state;
    const enum curve both[] = {CURVE_finished, CURVE_steps};
    for (int c = 0; c < 2; c++) {
        struct curves from, to;
        create(&from);
        create(&to);
        fill(&from, both[c]);
        double *first = curves_first(&from, both[c], 3);
        curves_fill(&to, both[c], 3, first);
        for (int64_t r = 0; r < REPLICAS; r++)
            for (int64_t t = 0; t < ITERATIONS; t++) {
                double value = *curves_at(&to, both[c], r, t, 1, 0);
                assert_true(t < 3 ? value == number(r, t, 1, 0) : isnan(value));
            }
        free(first);
        curves_destroy(&from);
        curves_destroy(&to);
    }
}

static void a_rank_without_work_has_curves_without_values(void **state) {
    (void)state;
    const struct layout nothing = {.replicas = {0, 2}, .tasks = {3, 0}};
    struct curves curves;
    curves_create(&curves, &nothing, ITERATIONS, AGENTS);
    double *first = curves_first(&curves, CURVE_return, ITERATIONS);
    curves_fill(&curves, CURVE_return, ITERATIONS, first);
    free(first);
    curves_destroy(&curves);
}

static void every_curve_says_what_it_is(void **state) {
    (void)state;
    for (int c = 0; c < CURVE_COUNT; c++)
        assert_true(curve_about[c].name[0] && curve_about[c].unit[0] && curve_about[c].meaning[0]);
    assert_string_equal(curve_about[CURVE_return_m].name, "return_m");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_curve_knows_nothing),
        cmocka_unit_test(width_is_agents_or_1),
        cmocka_unit_test(places_are_all_different_and_in_order),
        cmocka_unit_test(the_first_iterations_lie_as_in_a_file),
        cmocka_unit_test(filling_reverses_taking),
        cmocka_unit_test(a_rank_without_work_has_curves_without_values),
        cmocka_unit_test(every_curve_says_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
