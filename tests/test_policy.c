/* Rows of policies, visit counts, and the distilled policy, against numbers computed by hand. */
#include <math.h>
#include <stdlib.h>

#include "support.h"

#include "multidistral/learn/distill.h"

static void a_row_by_hand(void **state) {
    (void)state;
    const float q[3] = {1, 2, 0}, pi0[3] = {0.5f, 0.25f, 0.25f};
    float prior[POLICY_ACTIONS], pi[3];
    double alpha = 0.5, beta = 2, weight[3], sum = 0;
    policy_prior((float)alpha, 3, pi0, prior);
    policy_row(policy_form(alpha, beta, 3), 3, q, prior, pi);
    for (int a = 0; a < 3; a++) sum += weight[a] = pow(pi0[a], alpha) * exp(beta * q[a]);
    for (int a = 0; a < 3; a++) assert_float_equal(pi[a], weight[a] / sum, 1e-6);
}

static void alpha_0_ignores_the_prior_and_alpha_1_keeps_zeros(void **state) {
    (void)state;
    const float q[3] = {0, 0, 0}, pi0[3] = {0, 1, 0};
    float prior[POLICY_ACTIONS], pi[3];
    policy_prior(0, 3, pi0, prior);
    policy_row(policy_form(0, 1, 3), 3, q, prior, pi);
    for (int a = 0; a < 3; a++) assert_float_equal(pi[a], 1.0 / 3, 1e-7);
    policy_prior(1, 3, pi0, prior);
    policy_row(policy_form(1, 1, 3), 3, q, prior, pi);
    assert_true(pi[0] == 0 && pi[1] == 1 && pi[2] == 0);
}

static void the_prior_of_a_uniform_row_is_exactly_0(void **state) {
    (void)state;
    const float pi0[5] = {0.2f, 0.2f, 0.2f, 0.2f, 0.2f};
    float prior[POLICY_ACTIONS];
    policy_prior(0.9f, 5, pi0, prior);
    for (int a = 0; a < 5; a++) assert_true(prior[a] == 0);
}

static void no_action_of_probability_0_is_drawn(void **state) {
    (void)state;
    const float first_never[4] = {0, 0.5f, 1, 1}, u[4] = {0, 0.49f, 0.51f, 1 - 0x1p-23f};
    const int drawn[4] = {1, 1, 2, 2};
    for (int i = 0; i < 4; i++) assert_int_equal(policy_draw(5, first_never, u[i]), drawn[i]);
}

static void entropy_and_divergence_by_hand(void **state) {
    (void)state;
    const float pi[3] = {0.5f, 0.5f, 0}, pi0[3] = {0.25f, 0.5f, 0.25f}, other[3] = {1, 0, 0};
    assert_float_equal(policy_entropy(3, pi), log(2), 1e-7);
    assert_float_equal(policy_divergence(3, pi, pi0), 0.5 * log(2), 1e-7);
    assert_true(isinf(policy_divergence(3, pi, other)));
}

static void discounts_are_rounded_units(void **state) {
    (void)state;
    int64_t *discounts = visits_discounts(0.99, 3);
    assert_true(discounts[0] == INT64_C(1) << 32);
    assert_true(discounts[1] == llround(0.99 * 0x1p32));
    assert_true(discounts[2] == llround(0.99 * 0.99 * 0x1p32));
    free(discounts);
}

/* The same steps for tables addressed directly and for large ones. */
static void distil(uint64_t n_rows) {
    const int64_t one = INT64_C(1) << 32;
    struct visits visits, more;
    struct distilled d;
    assert_true(visits_create(&visits, n_rows, 5) && visits_create(&more, n_rows, 5) && distilled_create(&d, n_rows, 5));
    visits_at(&visits, 7)[2] += 3 * one;
    visits_at(&more, 7)[0] += one;
    visits_at(&more, n_rows - 1)[4] += 2 * one;
    visits_add(&visits, &more);
    distilled_update(&d, &visits, 0);
    assert_float_equal(distilled_row(&d, 7)[2], 0.75, 1e-7);
    assert_float_equal(distilled_row(&d, 7)[0], 0.25, 1e-7);
    assert_true(distilled_row(&d, n_rows - 1)[4] == 1);
    assert_float_equal(distilled_row(&d, 8)[3], 0.2, 1e-7);
    distilled_update(&d, &visits, 1);
    assert_float_equal(distilled_row(&d, 7)[2], 4.0 / 9, 1e-7);
    distilled_prepare(&d, 0.5);
    assert_float_equal(distilled_prior(&d, 7)[2], 0.5 * log(4.0 / 9 * 5), 1e-6);
    visits_clear(&visits);
    distilled_update(&d, &visits, 1);
    assert_float_equal(distilled_row(&d, 7)[2], 0.2, 1e-7);
    assert_float_equal(distilled_prior(&d, 7)[2], 0.5 * log(4.0 / 9 * 5), 1e-6); /* until the next prepare */
    distilled_prepare(&d, 0.5);
    assert_true(distilled_prior(&d, 7)[2] == 0);
    visits_destroy(&visits);
    visits_destroy(&more);
    distilled_destroy(&d);
}

static void counts_become_the_distilled_policy(void **state) {
    (void)state;
    distil(100);
    distil(SLOTS_DIRECT + 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_by_hand),
        cmocka_unit_test(alpha_0_ignores_the_prior_and_alpha_1_keeps_zeros),
        cmocka_unit_test(the_prior_of_a_uniform_row_is_exactly_0),
        cmocka_unit_test(no_action_of_probability_0_is_drawn),
        cmocka_unit_test(entropy_and_divergence_by_hand),
        cmocka_unit_test(discounts_are_rounded_units),
        cmocka_unit_test(counts_become_the_distilled_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
