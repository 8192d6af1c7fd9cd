/* Visit counts, and the distilled policy that follows from them: in tables addressed directly and in large ones. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "multidistral/learn/distill.h"

enum { ACTIONS = 5 };

static const int64_t one = INT64_C(1) << 32;
static const uint64_t table_rows[] = {100, SLOTS_DIRECT + 100};

static void discounts_round_to_the_nearest_unit(void **state) {
    (void)state;
    int64_t *half = visits_discounts(0.5, 40), *d = visits_discounts(0.9, 500), *all = visits_discounts(1, 3);
    for (int t = 0; t < 33; t++) assert_true(half[t] == one >> t);
    assert_true(half[33] == 1 && half[34] == 0 && half[39] == 0); /* a half is rounded up, less is nothing */
    for (int t = 0; t < 500; t++) assert_true(llabs(d[t] - llround(pow(0.9, t) * 0x1p32)) <= 1);
    for (int t = 0; t < 3; t++) assert_true(all[t] == one);
    free(half);
    free(d);
    free(all);
}

static void without_discount_only_the_first_step_counts(void **state) {
    (void)state;
    int64_t *d = visits_discounts(0, 3);
    assert_true(d[0] == one && d[1] == 0 && d[2] == 0);
    free(d);
}

/* One game by hand: rows 3, 8, 3 with actions 0, 4, 0, gamma = 1/2. */
static void counts_of_a_game_by_hand(void **state) {
    (void)state;
    const uint64_t row[3] = {3, 8, 3};
    const int action[3] = {0, 4, 0};
    int64_t *d = visits_discounts(0.5, 3);
    for (int large = 0; large < 2; large++) {
        struct visits visits;
        assert_true(visits_create(&visits, table_rows[large], ACTIONS));
        for (int t = 0; t < 3; t++) visits_at(&visits, row[t])[action[t]] += d[t];
        assert_int_equal(visits.slots.n_known, 2);
        assert_true(visits_row(&visits, 0) == 3 && visits_row(&visits, 1) == 8);
        assert_true(visits_count(&visits, 0)[0] == one + one / 4);
        assert_true(visits_count(&visits, 1)[4] == one / 2 && visits_count(&visits, 1)[0] == 0);
        visits_destroy(&visits);
    }
    free(d);
}

/* Visits of game g: some rows, and counts that no double could add exactly. */
static void play(struct visits *visits, int g) {
    for (int i = 0; i < 20; i++)
        visits_at(visits, (uint64_t)(i * 7 + g * 3) % visits->slots.n_rows)[(i + g) % ACTIONS] +=
            (INT64_C(1) << 55) + i * 1001 + g;
}

static int64_t count_of(const struct visits *visits, uint64_t row, int action) {
    for (uint64_t i = 0; i < visits->slots.n_known; i++)
        if (visits_row(visits, i) == row) return visits_count(visits, i)[action];
    return 0;
}

static void sums_are_exact_in_any_order(void **state) {
    (void)state;
    for (int large = 0; large < 2; large++) {
        struct visits game, forth, back, at_once;
        struct visits *all[] = {&game, &forth, &back, &at_once};
        for (int i = 0; i < 4; i++) assert_true(visits_create(all[i], table_rows[large], ACTIONS));
        for (int g = 0; g < 6; g++) {
            visits_clear(&game);
            play(&game, g);
            visits_add(&forth, &game);
            visits_clear(&game);
            play(&game, 5 - g);
            visits_add(&back, &game);
            play(&at_once, g);
        }
        assert_true(forth.slots.n_known == at_once.slots.n_known && back.slots.n_known == at_once.slots.n_known);
        for (uint64_t i = 0; i < at_once.slots.n_known; i++) {
            uint64_t row = visits_row(&at_once, i);
            for (int a = 0; a < ACTIONS; a++) {
                assert_true(count_of(&forth, row, a) == visits_count(&at_once, i)[a]);
                assert_true(count_of(&back, row, a) == visits_count(&at_once, i)[a]);
            }
        }
        for (int i = 0; i < 4; i++) visits_destroy(all[i]);
    }
}

static void adding_nothing_changes_nothing(void **state) {
    (void)state;
    struct visits visits, nothing;
    assert_true(visits_create(&visits, 100, ACTIONS) && visits_create(&nothing, 100, ACTIONS));
    visits_at(&visits, 5)[1] = 9;
    visits_add(&visits, &nothing);
    assert_true(visits.slots.n_known == 1 && count_of(&visits, 5, 1) == 9);
    visits_destroy(&visits);
    visits_destroy(&nothing);
}

static void cleared_rows_start_at_zero(void **state) {
    (void)state;
    for (int large = 0; large < 2; large++) {
        struct visits visits;
        assert_true(visits_create(&visits, table_rows[large], ACTIONS));
        for (uint64_t row = 0; row < 100; row += 3) visits_at(&visits, row)[2] += 7;
        visits_clear(&visits);
        assert_int_equal(visits.slots.n_known, 0);
        for (uint64_t row = 99; row > 0; row--)
            for (int a = 0; a < ACTIONS; a++) assert_true(visits_at(&visits, row)[a] == 0);
        assert_int_equal(visits.slots.n_known, 99);
        visits_destroy(&visits);
    }
}

/* ---- pi0 ---- */

struct bench {
    struct visits visits;
    struct distilled distilled;
};

static void create(struct bench *b, int large) {
    assert_true(visits_create(&b->visits, table_rows[large], ACTIONS));
    assert_true(distilled_create(&b->distilled, table_rows[large], ACTIONS));
}

static void destroy(struct bench *b) {
    visits_destroy(&b->visits);
    distilled_destroy(&b->distilled);
}

static void assert_row(const struct distilled *d, uint64_t row, const double *expected) {
    double sum = 0;
    for (int a = 0; a < ACTIONS; a++) {
        assert_float_equal(distilled_row(d, row)[a], expected[a], 1e-7);
        sum += distilled_row(d, row)[a];
    }
    assert_float_equal(sum, 1, 1e-6);
}

static const double uniform[ACTIONS] = {0.2, 0.2, 0.2, 0.2, 0.2};

static void a_new_policy_is_uniform_and_has_no_prior(void **state) {
    (void)state;
    for (int large = 0; large < 2; large++) {
        struct bench b;
        create(&b, large);
        distilled_prepare(&b.distilled, 1);
        for (uint64_t row = 0; row < 100; row++) {
            assert_row(&b.distilled, row, uniform);
            for (int a = 0; a < ACTIONS; a++) assert_true(distilled_prior(&b.distilled, row)[a] == 0);
        }
        destroy(&b);
    }
}

static void maximum_likelihood_by_hand(void **state) {
    (void)state;
    for (int large = 0; large < 2; large++) {
        struct bench b;
        create(&b, large);
        visits_at(&b.visits, 7)[0] = one;
        visits_at(&b.visits, 7)[3] = 2 * one + one / 2;
        distilled_update(&b.distilled, &b.visits, 0);
        assert_row(&b.distilled, 7, (const double[]){1 / 3.5, 0, 0, 2.5 / 3.5, 0});
        distilled_update(&b.distilled, &b.visits, 0.5);
        assert_row(&b.distilled, 7, (const double[]){1.5 / 6, 0.5 / 6, 0.5 / 6, 3.0 / 6, 0.5 / 6});
        distilled_update(&b.distilled, &b.visits, 1e9);
        assert_row(&b.distilled, 7, uniform);
        assert_row(&b.distilled, 8, uniform);
        destroy(&b);
    }
}

/* One unit, 2^-32 of a visit, is all that is known; and counts near their largest. */
static void the_smallest_and_the_largest_counts(void **state) {
    (void)state;
    struct bench b;
    create(&b, 0);
    visits_at(&b.visits, 1)[2] = 1;
    visits_at(&b.visits, 2)[2] = INT64_C(1) << 62;
    visits_at(&b.visits, 2)[4] = INT64_C(1) << 60;
    distilled_update(&b.distilled, &b.visits, 0);
    assert_row(&b.distilled, 1, (const double[]){0, 0, 1, 0, 0});
    assert_row(&b.distilled, 2, (const double[]){0, 0, 0.8, 0, 0.2});
    destroy(&b);
}

/* All discounts of a row may have been rounded to 0. */
static void a_listed_row_without_counts_is_uniform(void **state) {
    (void)state;
    for (int large = 0; large < 2; large++) {
        struct bench b;
        create(&b, large);
        visits_at(&b.visits, 4);
        distilled_update(&b.distilled, &b.visits, 0);
        assert_row(&b.distilled, 4, uniform);
        distilled_prepare(&b.distilled, 1);
        for (int a = 0; a < ACTIONS; a++) assert_true(distilled_prior(&b.distilled, 4)[a] == 0);
        destroy(&b);
    }
}

static void rows_no_longer_visited_become_uniform(void **state) {
    (void)state;
    for (int large = 0; large < 2; large++) {
        struct bench b;
        create(&b, large);
        for (uint64_t row = 0; row < 50; row++) visits_at(&b.visits, row)[1] = one;
        distilled_update(&b.distilled, &b.visits, 0);
        visits_clear(&b.visits);
        for (uint64_t row = 60; row > 40; row--) visits_at(&b.visits, row)[3] = one;
        distilled_update(&b.distilled, &b.visits, 0);
        for (uint64_t row = 0; row < 80; row++)
            assert_row(&b.distilled, row, row > 40 && row <= 60 ? (const double[]){0, 0, 0, 1, 0} : uniform);
        destroy(&b);
    }
}

/* ---- The prior ---- */

static void the_prior_by_hand(void **state) {
    (void)state;
    for (int large = 0; large < 2; large++) {
        struct bench b;
        create(&b, large);
        visits_at(&b.visits, 7)[0] = one;
        visits_at(&b.visits, 7)[3] = 3 * one;
        distilled_update(&b.distilled, &b.visits, 0);
        distilled_prepare(&b.distilled, 0.7);
        const float *prior = distilled_prior(&b.distilled, 7);
        assert_float_equal(prior[0], 0.7 * log(0.25 * 5), 1e-6);
        assert_float_equal(prior[3], 0.7 * log(0.75 * 5), 1e-6);
        assert_true(prior[1] == POLICY_NEVER && prior[2] == POLICY_NEVER && prior[4] == POLICY_NEVER);
        distilled_prepare(&b.distilled, 0);
        for (int a = 0; a < ACTIONS; a++) assert_true(distilled_prior(&b.distilled, 7)[a] == 0);
        destroy(&b);
    }
}

static void the_prior_stays_until_it_is_prepared(void **state) {
    (void)state;
    for (int large = 0; large < 2; large++) {
        struct bench b;
        float before[ACTIONS];
        create(&b, large);
        visits_at(&b.visits, 7)[0] = one;
        distilled_update(&b.distilled, &b.visits, 1);
        distilled_prepare(&b.distilled, 1);
        memcpy(before, distilled_prior(&b.distilled, 7), sizeof before);
        visits_clear(&b.visits);
        visits_at(&b.visits, 7)[2] = one;
        visits_at(&b.visits, 9)[2] = one;
        distilled_update(&b.distilled, &b.visits, 1);
        assert_memory_equal(distilled_prior(&b.distilled, 7), before, sizeof before);
        for (int a = 0; a < ACTIONS; a++) assert_true(distilled_prior(&b.distilled, 9)[a] == 0);
        distilled_prepare(&b.distilled, 1);
        assert_float_equal(distilled_prior(&b.distilled, 7)[2], log(2.0 / 6 * 5), 1e-6);
        assert_float_equal(distilled_prior(&b.distilled, 9)[2], log(2.0 / 6 * 5), 1e-6);
        destroy(&b);
    }
}

/* The same visits to each action: exactly uniform, whatever their number and k. */
static void the_prior_of_equal_counts_is_exactly_0(void **state) {
    (void)state;
    struct bench b;
    create(&b, 0);
    for (int64_t count = 1; count < INT64_C(1) << 60; count = 3 * count + 1) {
        for (int a = 0; a < ACTIONS; a++) visits_at(&b.visits, 7)[a] = count;
        for (double k = 0; k < 1; k += 0.1) {
            distilled_update(&b.distilled, &b.visits, k);
            distilled_prepare(&b.distilled, 0.9);
            for (int a = 0; a < ACTIONS; a++) assert_true(distilled_prior(&b.distilled, 7)[a] == 0);
        }
    }
    destroy(&b);
}

static void a_row_set_is_the_row_read(void **state) {
    (void)state;
    const float pi0[ACTIONS] = {0.5f, 0.25f, 0.125f, 0.125f, 0};
    for (int large = 0; large < 2; large++) {
        struct bench b;
        create(&b, large);
        distilled_set(&b.distilled, 99, pi0);
        assert_memory_equal(distilled_row(&b.distilled, 99), pi0, sizeof pi0);
        assert_row(&b.distilled, 98, uniform);
        distilled_prepare(&b.distilled, 1);
        assert_float_equal(distilled_prior(&b.distilled, 99)[0], log(2.5), 1e-6);
        assert_true(distilled_prior(&b.distilled, 99)[4] == POLICY_NEVER);
        destroy(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discounts_round_to_the_nearest_unit),
        cmocka_unit_test(without_discount_only_the_first_step_counts),
        cmocka_unit_test(counts_of_a_game_by_hand),
        cmocka_unit_test(sums_are_exact_in_any_order),
        cmocka_unit_test(adding_nothing_changes_nothing),
        cmocka_unit_test(cleared_rows_start_at_zero),
        cmocka_unit_test(a_new_policy_is_uniform_and_has_no_prior),
        cmocka_unit_test(maximum_likelihood_by_hand),
        cmocka_unit_test(the_smallest_and_the_largest_counts),
        cmocka_unit_test(a_listed_row_without_counts_is_uniform),
        cmocka_unit_test(rows_no_longer_visited_become_uniform),
        cmocka_unit_test(the_prior_by_hand),
        cmocka_unit_test(the_prior_stays_until_it_is_prepared),
        cmocka_unit_test(the_prior_of_equal_counts_is_exactly_0),
        cmocka_unit_test(a_row_set_is_the_row_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
