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

static double value_of(double alpha, double beta, int n, const float *q, const float *pi0) {
    double sum = 0;
    for (int a = 0; a < n; a++) sum += pow(pi0[a], alpha) * exp(beta * q[a]);
    return log(sum) / beta;
}

/* V from the form's parts: log-sum-exp of prior + beta Q, over beta, with the offset. */
static void the_offset_makes_up_for_the_scale_of_the_prior(void **state) {
    (void)state;
    const float q[4] = {0.5f, -1, 2, 0}, pi0[4] = {0.1f, 0.2f, 0.3f, 0.4f};
    for (double alpha = 0; alpha <= 1; alpha += 0.25) {
        struct policy_form form = policy_form(alpha, 1.5, 4);
        float prior[POLICY_ACTIONS];
        double sum = 0;
        policy_prior((float)alpha, 4, pi0, prior);
        for (int a = 0; a < 4; a++) sum += exp(prior[a] + 1.5 * q[a]);
        assert_float_equal(log(sum) * form.per_beta + form.offset, value_of(alpha, 1.5, 4, q, pi0), 1e-6);
    }
}

static void row_of(double alpha, double beta, int n, const float *q, const float *pi0, float *pi) {
    float prior[POLICY_ACTIONS];
    policy_prior((float)alpha, n, pi0, prior);
    policy_row(policy_form(alpha, beta, n), n, q, prior, pi);
}

static void rows_of_any_length_by_hand(void **state) {
    (void)state;
    const float q[POLICY_ACTIONS] = {0.3f, -0.7f, 1.1f, 0, 0.9f, -2, 0.2f, 1.3f};
    for (int n = 1; n <= POLICY_ACTIONS; n++) {
        float pi0[POLICY_ACTIONS], pi[POLICY_ACTIONS];
        for (int a = 0; a < n; a++) pi0[a] = 2 * (float)(a + 1) / (float)(n * (n + 1));
        for (double alpha = 0; alpha <= 1; alpha += 0.5) {
            row_of(alpha, 2, n, q, pi0, pi);
            double v = value_of(alpha, 2, n, q, pi0), sum = 0;
            for (int a = 0; a < n; a++) {
                assert_float_equal(pi[a], pow(pi0[a], alpha) * exp(2 * q[a] - 2 * v), 1e-6);
                sum += pi[a];
            }
            assert_float_equal(sum, 1, 1e-6);
        }
    }
}

static void a_tiny_beta_with_alpha_1_gives_the_prior(void **state) {
    (void)state;
    const float q[5] = {3, -4, 1, 0, 7}, pi0[5] = {0.05f, 0.15f, 0.2f, 0.25f, 0.35f};
    float pi[5];
    row_of(1, 1e-6, 5, q, pi0, pi);
    for (int a = 0; a < 5; a++) assert_float_equal(pi[a], pi0[a], 1e-5);
}

static void a_large_beta_gives_the_greedy_action(void **state) {
    (void)state;
    const float q[5] = {3, -4, 3.5f, 0, 1}, pi0[5] = {0.9f, 0.02f, 0.02f, 0.03f, 0.03f};
    float pi[5];
    row_of(0.9, 1000, 5, q, pi0, pi);
    for (int a = 0; a < 5; a++) assert_float_equal(pi[a], a == 2, 1e-9);
}

/* Every combination of extreme Q, beta, alpha and zeros in pi0: probabilities that sum to 1, zeros kept exactly. */
static void extreme_rows_are_policies(void **state) {
    (void)state;
    enum { N = 4 };
    const float extremes[3] = {-1e6f, 0, 1e6f};
    const double betas[4] = {1e-6, 1, 1000, 1e6}, alphas[4] = {0, 1e-3, 0.5, 1};
    for (int choice = 0; choice < 81 * 15; choice++) {
        float q[N], pi0[N], pi[N];
        int zeros = choice % 15, left = 0; /* bit a: pi0(a) = 0; at least one is not */
        for (int a = 0, digits = choice / 15; a < N; a++, digits /= 3) q[a] = extremes[digits % 3];
        for (int a = 0; a < N; a++) left += !(zeros >> a & 1);
        for (int a = 0; a < N; a++) pi0[a] = zeros >> a & 1 ? 0 : 1 / (float)left;
        for (int b = 0; b < 4; b++) {
            for (int c = 0; c < 4; c++) {
                double sum = 0;
                row_of(alphas[c], betas[b], N, q, pi0, pi);
                for (int a = 0; a < N; a++) {
                    assert_true(pi[a] >= 0 && pi[a] <= 1);
                    if (alphas[c] > 0 && pi0[a] == 0) assert_true(pi[a] == 0);
                    sum += pi[a];
                }
                assert_float_equal(sum, 1, 1e-6);
            }
        }
    }
}

static void uniform_rows_of_any_length_have_no_prior(void **state) {
    (void)state;
    for (int n = 1; n <= POLICY_ACTIONS; n++) {
        float pi0[POLICY_ACTIONS], prior[POLICY_ACTIONS];
        for (int a = 0; a < n; a++) pi0[a] = 1.0f / (float)n;
        for (float alpha = 0; alpha <= 1; alpha += 0.1f) {
            policy_prior(alpha, n, pi0, prior);
            for (int a = 0; a < n; a++) assert_true(prior[a] == 0);
        }
    }
}

/* At the first and the last u that there is, with zeros before, between and behind the actions that are taken. */
static void the_ends_of_the_draw_miss_zeros_too(void **state) {
    (void)state;
    const float pi[4][4] = {{0, 0, 1, 0}, {0.5f, 0, 0.5f, 0}, {0, 0.25f, 0, 0.75f}, {1, 0, 0, 0}};
    const int first[4] = {2, 0, 1, 0}, last[4] = {2, 2, 3, 0};
    for (int i = 0; i < 4; i++) {
        float cumulative[3] = {pi[i][0], pi[i][0] + pi[i][1], pi[i][0] + pi[i][1] + pi[i][2]};
        assert_int_equal(policy_draw(4, cumulative, 0), first[i]);
        assert_int_equal(policy_draw(4, cumulative, nextafterf(1, 0)), last[i]);
    }
}

/* u in equal steps: each action gets its share of them. */
static void draws_are_as_frequent_as_they_are_probable(void **state) {
    (void)state;
    enum { STEPS = 1 << 16 };
    const float pi[5] = {0.125f, 0.5f, 0, 0.25f, 0.125f}, cumulative[4] = {0.125f, 0.625f, 0.625f, 0.875f};
    int drawn[5] = {0};
    for (int i = 0; i < STEPS; i++) drawn[policy_draw(5, cumulative, (float)i / STEPS)]++;
    for (int a = 0; a < 5; a++) assert_int_equal(drawn[a], (int)(pi[a] * STEPS));
}

static void one_action_is_always_drawn(void **state) {
    (void)state;
    assert_int_equal(policy_draw(1, NULL, 0.7f), 0);
}

static void a_certain_policy_has_no_entropy(void **state) {
    (void)state;
    const float pi[3] = {0, 1, 0}, uniform[3] = {1.0f / 3, 1.0f / 3, 1.0f / 3};
    assert_true(policy_entropy(3, pi) == 0);
    assert_float_equal(policy_entropy(3, uniform), log(3), 1e-6);
    assert_float_equal(policy_divergence(3, pi, uniform), log(3), 1e-6);
    assert_float_equal(policy_divergence(3, uniform, uniform), 0, 1e-9);
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
    assert_true(visits_create(&visits, n_rows, 5) && visits_create(&more, n_rows, 5));
    assert_true(distilled_create(&d, n_rows, 5));
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

static void more_rows_than_the_address_space_holds_are_refused(void **state) {
    (void)state;
    struct visits visits;
    struct distilled d;
    assert_false(visits_create(&visits, UINT64_C(1) << 50, 5));
    assert_false(distilled_create(&d, UINT64_C(1) << 50, 5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_by_hand),
        cmocka_unit_test(alpha_0_ignores_the_prior_and_alpha_1_keeps_zeros),
        cmocka_unit_test(the_prior_of_a_uniform_row_is_exactly_0),
        cmocka_unit_test(no_action_of_probability_0_is_drawn),
        cmocka_unit_test(entropy_and_divergence_by_hand),
        cmocka_unit_test(the_offset_makes_up_for_the_scale_of_the_prior),
        cmocka_unit_test(rows_of_any_length_by_hand),
        cmocka_unit_test(a_tiny_beta_with_alpha_1_gives_the_prior),
        cmocka_unit_test(a_large_beta_gives_the_greedy_action),
        cmocka_unit_test(extreme_rows_are_policies),
        cmocka_unit_test(uniform_rows_of_any_length_have_no_prior),
        cmocka_unit_test(the_ends_of_the_draw_miss_zeros_too),
        cmocka_unit_test(draws_are_as_frequent_as_they_are_probable),
        cmocka_unit_test(one_action_is_always_drawn),
        cmocka_unit_test(a_certain_policy_has_no_entropy),
        cmocka_unit_test(discounts_are_rounded_units),
        cmocka_unit_test(counts_become_the_distilled_policy),
        cmocka_unit_test(more_rows_than_the_address_space_holds_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
