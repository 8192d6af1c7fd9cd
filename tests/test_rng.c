/* base/rng: counter-based draws, keyed by the game. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "multidistral/base/rng.h"

enum { SEVERAL_BLOCKS = 5 * RNG_BLOCK };

static const struct rng_key some_key = {
    .seed = 11, .replica = 22, .task = 3, .iteration = 44, .game = 55, .phase = RNG_M_STEP};

static void draw(const struct rng_key *key, int n, uint32_t *out) {
    struct rng rng;
    rng_start(&rng, key);
    for (int i = 0; i < n; i++) out[i] = rng_next(&rng);
}

static void the_zero_key_gives_the_known_answer(void **unused) {
    (void)unused;
    const uint32_t known[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    uint32_t draws[4];
    draw(&(struct rng_key){.phase = RNG_E_STEP}, 4, draws);
    assert_memory_equal(draws, known, sizeof known);
}

/* Random123's kat_vectors, philox4x32 with 10 rounds. */
static void philox_gives_the_published_known_answers(void **unused) {
    (void)unused;
    static const struct {
        uint32_t counter[4], key[2], known[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct rng rng = {0};
        memcpy(rng.counter, vectors[i].counter, sizeof rng.counter);
        memcpy(rng.key, vectors[i].key, sizeof rng.key);
        rng_refill(&rng);
        assert_memory_equal(rng.block, vectors[i].known, sizeof vectors[i].known);
    }
}

static void the_same_key_gives_the_same_draws(void **unused) {
    (void)unused;
    uint32_t a[SEVERAL_BLOCKS], b[SEVERAL_BLOCKS];
    draw(&some_key, SEVERAL_BLOCKS, a);
    draw(&some_key, SEVERAL_BLOCKS, b);
    assert_memory_equal(a, b, sizeof a);
}

/* Two unrelated streams of 64 draws agree somewhere with probability 64 * 2^-32. */
static void assert_unrelated(const struct rng_key *a, const struct rng_key *b) {
    uint32_t of_a[RNG_BLOCK], of_b[RNG_BLOCK];
    draw(a, RNG_BLOCK, of_a);
    draw(b, RNG_BLOCK, of_b);
    for (int i = 0; i < RNG_BLOCK; i++) assert_int_not_equal(of_a[i], of_b[i]);
}

static void each_field_of_the_key_changes_the_draws(void **unused) {
    (void)unused;
    struct rng_key other[6] = {some_key, some_key, some_key, some_key, some_key, some_key};
    other[0].seed++;
    other[1].replica++;
    other[2].task++;
    other[3].iteration++;
    other[4].game++;
    other[5].phase = RNG_E_STEP;
    for (int i = 0; i < 6; i++) {
        assert_unrelated(&some_key, &other[i]);
        for (int j = 0; j < i; j++) assert_unrelated(&other[i], &other[j]);
    }
}

static void the_highest_bit_of_each_field_changes_the_draws(void **unused) {
    (void)unused;
    struct rng_key other[5] = {some_key, some_key, some_key, some_key, some_key};
    other[0].seed |= UINT32_C(1) << 31;
    other[1].replica |= UINT32_C(1) << 31;
    other[2].task |= UINT32_C(1) << 31;
    other[3].iteration |= UINT32_C(1) << 31;
    other[4].game |= RNG_GAMES >> 1;
    for (int i = 0; i < 5; i++) assert_unrelated(&some_key, &other[i]);
}

static void fields_of_the_key_do_not_stand_for_each_other(void **unused) {
    (void)unused;
    const struct rng_key one[6] = {{.seed = 1}, {.replica = 1}, {.task = 1}, {.iteration = 1}, {.game = 1},
                                   {.phase = RNG_M_STEP}};
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < i; j++) assert_unrelated(&one[i], &one[j]);
}

static void draws_go_on_past_a_block(void **unused) {
    (void)unused;
    uint32_t draws[SEVERAL_BLOCKS];
    draw(&some_key, SEVERAL_BLOCKS, draws);
    for (uint32_t at = 0; at + RNG_BLOCK <= SEVERAL_BLOCKS; at += 4) {
        struct rng there;
        rng_start(&there, &some_key);
        there.counter[0] = at / 4;
        rng_refill(&there);
        assert_memory_equal(draws + at, there.block, sizeof there.block);
    }
}

static void blocks_differ(void **unused) {
    (void)unused;
    uint32_t draws[SEVERAL_BLOCKS];
    draw(&some_key, SEVERAL_BLOCKS, draws);
    for (int i = 0; i < SEVERAL_BLOCKS; i++)
        for (int j = 0; j < i; j++) assert_int_not_equal(draws[i], draws[j]);
}

static void taking_several_gives_the_same_draws_in_order(void **unused) {
    (void)unused;
    uint32_t draws[2 * RNG_BLOCK];
    draw(&some_key, 2 * RNG_BLOCK, draws);
    struct rng rng;
    rng_start(&rng, &some_key);
    for (int at = 0; at < 2 * RNG_BLOCK; at += 4) assert_memory_equal(rng_take(&rng, 4), draws + at, 4 * sizeof *draws);
}

static void what_does_not_come_whole_out_of_a_block_is_left_out(void **unused) {
    (void)unused;
    uint32_t draws[2 * RNG_BLOCK];
    draw(&some_key, 2 * RNG_BLOCK, draws);
    struct rng rng;
    rng_start(&rng, &some_key);
    rng_take(&rng, RNG_BLOCK - 1);
    assert_memory_equal(rng_take(&rng, 3), draws + RNG_BLOCK, 3 * sizeof *draws);
    assert_int_equal(rng_next(&rng), draws[RNG_BLOCK + 3]);
}

static void a_whole_block_can_be_taken(void **unused) {
    (void)unused;
    uint32_t draws[RNG_BLOCK];
    draw(&some_key, RNG_BLOCK, draws);
    struct rng rng;
    rng_start(&rng, &some_key);
    assert_memory_equal(rng_take(&rng, RNG_BLOCK), draws, sizeof draws);
}

static void unit_is_from_0_to_below_1_in_steps_of_2_to_the_minus_23(void **unused) {
    (void)unused;
    assert_true(rng_unit(0) == 0.0f);
    assert_true(rng_unit(UINT32_MAX) == 1.0f - 0x1p-23f);
    assert_true(rng_unit(UINT32_C(1) << 31) == 0.5f);
    assert_true(rng_unit(UINT32_C(1) << 9) == 0x1p-23f);
    struct rng rng;
    rng_start(&rng, &some_key);
    for (int i = 0; i < 100000; i++) {
        float u = rng_unit(rng_next(&rng));
        assert_true(u >= 0.0f && u < 1.0f);
    }
}

static void unit_times_x_is_below_x(void **unused) {
    (void)unused;
    volatile float most = rng_unit(UINT32_MAX);
    struct rng rng;
    rng_start(&rng, &some_key);
    const float edges[] = {FLT_MIN, FLT_MAX, 1.0f, 0x1.fffffep0f, 0x1.000002p0f, 3.0f};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        volatile float product = most * edges[i];
        assert_true(product < edges[i]);
    }
    for (int i = 0; i < 100000; i++) {
        uint32_t bits = rng_next(&rng) & 0x7fffffff;
        float x;
        memcpy(&x, &bits, sizeof x);
        if (!isnormal(x)) continue;
        volatile float product = most * x;
        assert_true(product < x);
    }
}

static void unit_has_the_mean_and_variance_of_a_uniform_number(void **unused) {
    (void)unused;
    enum { N = 200000 };
    struct rng rng;
    rng_start(&rng, &some_key);
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        double u = rng_unit(rng_next(&rng));
        sum += u;
        squares += u * u;
    }
    double five_errors = 5 * sqrt(1.0 / 12 / N);
    assert_true(fabs(sum / N - 0.5) < five_errors);
    /* Var(u^2) = 1/5 - 1/9 */
    assert_true(fabs(squares / N - 1.0 / 3) < 5 * sqrt((1.0 / 5 - 1.0 / 9) / N));
}

static void below_covers_its_range_from_end_to_end(void **unused) {
    (void)unused;
    for (uint32_t n = 1; n < 30; n++) {
        assert_int_equal(rng_below(0, n), 0);
        assert_int_equal(rng_below(UINT32_MAX, n), n - 1);
    }
    assert_int_equal(rng_below(UINT32_MAX, UINT32_MAX), UINT32_MAX - 1);
}

/* Pearson's chi square; about normal with mean n - 1 and variance 2 (n - 1). The bound is five deviations up. */
static void assert_uniform_below(uint32_t n) {
    enum { PER_VALUE = 10000, MOST = 32 };
    int64_t count[MOST] = {0};
    struct rng rng;
    rng_start(&rng, &(struct rng_key){.seed = 2024, .task = n});
    for (uint32_t i = 0; i < n * PER_VALUE; i++) count[rng_below(rng_next(&rng), n)]++;
    double chi_square = 0;
    for (uint32_t v = 0; v < n; v++) chi_square += pow((double)(count[v] - PER_VALUE), 2) / PER_VALUE;
    assert_true(chi_square < (n - 1) + 5 * sqrt(2.0 * (n - 1)));
}

static void below_is_uniform(void **unused) {
    (void)unused;
    const uint32_t sizes[] = {2, 3, 4, 5, 7, 23, 32};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) assert_uniform_below(sizes[i]);
}

static void first_draws_of_successive_games_are_uniform(void **unused) {
    (void)unused;
    enum { GAMES = 20000, VALUES = 5 };
    double expected = (double)GAMES / VALUES, chi_square = 0;
    int64_t count[VALUES] = {0};
    struct rng_key key = some_key;
    for (key.game = 0; key.game < GAMES; key.game++) {
        uint32_t first;
        draw(&key, 1, &first);
        count[rng_below(first, VALUES)]++;
    }
    for (int v = 0; v < VALUES; v++) chi_square += pow((double)count[v] - expected, 2) / expected;
    assert_true(chi_square < VALUES - 1 + 5 * sqrt(2.0 * (VALUES - 1)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_zero_key_gives_the_known_answer),
        cmocka_unit_test(philox_gives_the_published_known_answers),
        cmocka_unit_test(the_same_key_gives_the_same_draws),
        cmocka_unit_test(each_field_of_the_key_changes_the_draws),
        cmocka_unit_test(the_highest_bit_of_each_field_changes_the_draws),
        cmocka_unit_test(fields_of_the_key_do_not_stand_for_each_other),
        cmocka_unit_test(draws_go_on_past_a_block),
        cmocka_unit_test(blocks_differ),
        cmocka_unit_test(taking_several_gives_the_same_draws_in_order),
        cmocka_unit_test(what_does_not_come_whole_out_of_a_block_is_left_out),
        cmocka_unit_test(a_whole_block_can_be_taken),
        cmocka_unit_test(unit_is_from_0_to_below_1_in_steps_of_2_to_the_minus_23),
        cmocka_unit_test(unit_times_x_is_below_x),
        cmocka_unit_test(unit_has_the_mean_and_variance_of_a_uniform_number),
        cmocka_unit_test(below_covers_its_range_from_end_to_end),
        cmocka_unit_test(below_is_uniform),
        cmocka_unit_test(first_draws_of_successive_games_are_uniform),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
