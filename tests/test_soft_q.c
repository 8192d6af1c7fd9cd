/* Soft Q-learning against fixed points: one computed by hand, others by value iteration on the same world. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "multidistral/learn/learner.h"

struct bench {
    struct world world;
    struct distilled distilled;
    struct learner learner;
    struct visits visits;
    struct learning learning;
};

static void create(struct bench *b, const char *map, const char *rules, double alpha, double beta, double rate) {
    memset(b, 0, sizeof *b);
    world_create(&b->world, map, rules);
    setting_defaults(learning_table, learning_count, &b->learning);
    b->learning.alpha = (struct schedule){SCHEDULE_CONSTANT, alpha, alpha, 1};
    b->learning.beta = (struct schedule){SCHEDULE_CONSTANT, beta, beta, 1};
    b->learning.learning_rate = (struct schedule){SCHEDULE_CONSTANT, rate, rate, 1};
    uint64_t rows = b->world.senses.rows.n;
    assert_true(distilled_create(&b->distilled, rows, ENV_ACTIONS));
    assert_true(visits_create(&b->visits, rows, ENV_ACTIONS));
    assert_true(learner_create(&b->learner, LEARNER_soft_q, &b->world.grid.env, &b->world.senses));
    b->learner.games_e = 1;
    for (int j = 0; j < ENV_AGENTS; j++) b->learner.distilled[j] = &b->distilled;
}

static void destroy(struct bench *b) {
    learner_destroy(&b->learner);
    visits_destroy(&b->visits);
    distilled_destroy(&b->distilled);
    world_destroy(&b->world);
}

/* A prior that prefers some actions, different in every row. */
static void skew_prior(struct bench *b) {
    for (uint64_t row = 0; row < b->world.senses.rows.n; row++) {
        float pi0[ENV_ACTIONS];
        float sum = 0;
        for (int a = 0; a < ENV_ACTIONS; a++) sum += pi0[a] = 1.0f + (float)((row * 7 + (uint64_t)a * 3) % 5);
        for (int a = 0; a < ENV_ACTIONS; a++) pi0[a] /= sum;
        distilled_set(&b->distilled, row, pi0);
    }
}

static void play(struct bench *b, uint32_t games) {
    distilled_prepare(&b->distilled, b->learning.alpha.from);
    learner_prepare(&b->learner, &b->learning, 0, false);
    struct rng_key key = {.seed = 5};
    for (; key.game < games; key.game++) {
        struct episode episode;
        b->learner.kind->learn(&b->learner, &key, &episode);
    }
}

/* V of a row in double precision, from equation 3. */
static double soft_value(const struct bench *b, uint64_t row, const double *q) {
    double alpha = b->learning.alpha.from, beta = b->learning.beta.from, most = -HUGE_VAL, sum = 0, x[ENV_ACTIONS];
    for (int a = 0; a < ENV_ACTIONS; a++) {
        x[a] = alpha * log(distilled_row(&b->distilled, row)[a]) + beta * q[a];
        most = fmax(most, x[a]);
    }
    for (int a = 0; a < ENV_ACTIONS; a++) sum += exp(x[a] - most);
    return (most + log(sum)) / beta;
}

/* Sweeps over all rows and actions of a one-agent world until nothing changes; q [n_rows][ENV_ACTIONS]. */
static void solve(const struct bench *b, double (*q)[ENV_ACTIONS]) {
    const struct env_grid *grid = &b->world.grid;
    for (int sweep = 0; sweep < 3000; sweep++) {
        for (int cell = 0; cell < b->world.cells.n; cell++) {
            for (int a = 0; a < ENV_ACTIONS; a++) {
                struct env_state next = {.cell = {grid->move[cell * GRID_STRIDE + a]}, .previous = {(uint8_t)a}};
                uint64_t to = env_observe(&b->world.senses, 1, &next, 0);
                bool arrives = next.cell[0] == grid->goal[0];
                double target = arrives ? grid->env.rules.reward_goal
                                        : grid->env.rules.reward_step + b->learning.gamma * soft_value(b, to, q[to]);
                for (int previous = 0; previous < ENV_ACTIONS; previous++) {
                    struct env_state state = {.cell = {(uint16_t)cell}, .previous = {(uint8_t)previous}};
                    q[env_observe(&b->world.senses, 1, &state, 0)][a] = target;
                }
            }
        }
    }
}

/* Values above all that can be had, so that every action is tried until it is known. */
static void hope(struct bench *b) {
    const float much[ENV_ACTIONS] = {20, 20, 20, 20, 20};
    for (uint64_t row = 0; row < b->world.senses.rows.n; row++) learner_set_values(&b->learner, 0, row, much);
}

/* Visits, undiscounted, of the learned policy. */
static void visit(struct bench *b, uint32_t games) {
    int64_t *discounts = visits_discounts(1, 400);
    struct rng_key key = {.seed = 6, .phase = RNG_M_STEP};
    struct episode episode;
    for (; key.game < games; key.game++) b->learner.kind->visit(&b->learner, &key, discounts, &b->visits, &episode);
    free(discounts);
}

/* The values of all actions that the learned policy takes now and then. */
static void compare_with_fixed_point(double alpha, double beta, bool skewed) {
    struct bench b;
    static double q[512][ENV_ACTIONS];
    int compared = 0;
    create(&b, "A..\n.#.\n..a\n", "step_limit = 400\nreward_goal = 10\nreward_step = -1\n", alpha, beta, 1);
    b.learning.gamma = 0.9;
    memset(q, 0, sizeof q);
    if (skewed) skew_prior(&b);
    solve(&b, q);
    hope(&b);
    play(&b, 20000);
    visit(&b, 2000);
    for (uint64_t i = 0; i < b.visits.slots.n_known; i++) {
        float learned[ENV_ACTIONS];
        uint64_t row = visits_row(&b.visits, i);
        learner_values(&b.learner, 0, row, learned);
        for (int a = 0; a < ENV_ACTIONS; a++) {
            if ((double)visits_count(&b.visits, i)[a] < 20 * VISITS_UNIT) continue;
            assert_float_equal(learned[a], q[row][a], 0.01);
            compared++;
        }
    }
    assert_true(compared >= 5);
    destroy(&b);
}

static void converges_to_value_iteration(void **state) {
    (void)state;
    compare_with_fixed_point(0, 1, false);
    compare_with_fixed_point(0.5, 0.5, false);
    compare_with_fixed_point(0.7, 1, true);
    compare_with_fixed_point(1, 0.3, true);
    compare_with_fixed_point(0.9, 5, true);
}

/* Two cells, A next to its goal. With pi0 uniform, alpha = 1, beta = 1: pi(right) = e^10 / (e^10 + 4 e^-1), and going
 * there is worth the goal's reward, since V(terminal) = 0. */
static void two_cells_by_hand(void **state) {
    (void)state;
    struct bench b;
    const float known[ENV_ACTIONS] = {-1, -1, -1, -1, 10};
    float q[ENV_ACTIONS], pi[ENV_ACTIONS];
    create(&b, "Aa\n", "reward_goal = 12\nreward_step = -1\n", 1, 1, 1);
    uint64_t row = env_observe(&b.world.senses, 1, &b.world.grid.env.start, 0);
    learner_set_values(&b.learner, 0, row, known);
    distilled_prepare(&b.distilled, 1);
    learner_prepare(&b.learner, &b.learning, 0, false);
    b.learner.kind->policy(&b.learner, 0, row, pi);
    double whole = exp(10) + 4 * exp(-1);
    assert_float_equal(pi[ACTION_RIGHT], exp(10) / whole, 1e-6);
    assert_float_equal(pi[ACTION_STAY], exp(-1) / whole, 1e-9);
    play(&b, 1);
    learner_values(&b.learner, 0, row, q);
    assert_float_equal(q[ACTION_RIGHT], 12, 1e-6);
    destroy(&b);
}

static void extreme_numbers_stay_finite(void **state) {
    (void)state;
    struct bench b;
    create(&b, "A...\n....\n...a\n", "step_limit = 50\nreward_goal = 1000000\nreward_step = -1000000\n", 1, 1000, 1);
    const float one_way[ENV_ACTIONS] = {0, 0.5f, 0, 0, 0.5f};
    for (uint64_t row = 0; row < b.world.senses.rows.n; row++) distilled_set(&b.distilled, row, one_way);
    play(&b, 200);
    for (uint64_t i = 0; i < b.learner.table[0].slots.n_known; i++) {
        float q[ENV_ACTIONS], pi[ENV_ACTIONS];
        learner_values(&b.learner, 0, b.learner.table[0].slots.known[i], q);
        b.learner.kind->policy(&b.learner, 0, b.learner.table[0].slots.known[i], pi);
        for (int a = 0; a < ENV_ACTIONS; a++) assert_true(isfinite(q[a]) && isfinite(pi[a]));
        for (int a = 0; a < ENV_ACTIONS; a++)
            if (one_way[a] == 0) assert_true(pi[a] == 0 && q[a] == 0);
    }
    destroy(&b);
}

/* A 1 x 4 corridor, three steps to the goal, and Q that leaves no doubt: visits gamma^0, gamma^1, gamma^2. */
static void visits_of_a_forced_path(void **state) {
    (void)state;
    struct bench b;
    create(&b, "A..a\n", "", 0, 1000, 1);
    const float go[ENV_ACTIONS] = {[ACTION_RIGHT] = 10};
    for (uint64_t row = 0; row < b.world.senses.rows.n; row++) learner_set_values(&b.learner, 0, row, go);
    distilled_prepare(&b.distilled, 0);
    learner_prepare(&b.learner, &b.learning, 0, false);
    int64_t *discounts = visits_discounts(0.5, 1000);
    struct rng_key key = {.phase = RNG_M_STEP};
    struct episode episode;
    b.learner.kind->visit(&b.learner, &key, discounts, &b.visits, &episode);
    b.learner.kind->visit(&b.learner, &key, discounts, &b.visits, &episode);
    assert_int_equal(episode.steps, 3);
    assert_int_equal(episode.finished, 1);
    assert_float_equal(episode.returns[0], -0.1 - 0.99 * 0.1 + 0.99 * 0.99 * 100, 1e-9);
    assert_int_equal(b.visits.slots.n_known, 3);
    for (uint64_t i = 0; i < 3; i++) {
        assert_true(visits_count(&b.visits, i)[ACTION_RIGHT] == INT64_C(2) << (32 - i));
        assert_true(visits_count(&b.visits, i)[ACTION_STAY] == 0);
    }
    free(discounts);
    destroy(&b);
}

/* The step limit cuts the game after one step, whose backup looks ahead all the same. */
static void a_cut_game_backs_up_what_comes_next(void **state) {
    (void)state;
    struct bench b;
    create(&b, "A..a\n", "step_limit = 1\n", 0, 1, 1);
    const float ahead[ENV_ACTIONS] = {7, 7, 7, 7, 7};
    struct env_state next = {.cell = {1}, .previous = {ACTION_RIGHT}};
    learner_set_values(&b.learner, 0, env_observe(&b.world.senses, 1, &next, 0), ahead);
    play(&b, 60);
    float q[ENV_ACTIONS];
    learner_values(&b.learner, 0, env_observe(&b.world.senses, 1, &b.world.grid.env.start, 0), q);
    assert_float_equal(q[ACTION_RIGHT], -0.1 + 0.99 * (7 + log(5)), 1e-4);
    destroy(&b);
}

static void the_same_key_plays_the_same_game(void **state) {
    (void)state;
    struct bench b;
    create(&b, "A..B\n....\nb..a\n", "", 0.5, 2, 0.5);
    distilled_prepare(&b.distilled, 0.5);
    learner_prepare(&b.learner, &b.learning, 0, false);
    int64_t *discounts = visits_discounts(0.99, 1000);
    struct visits visits[2];
    for (int j = 0; j < 2; j++) assert_true(visits_create(&visits[j], b.world.senses.rows.n, ENV_ACTIONS));
    struct rng_key key = {.seed = 3, .game = 4, .phase = RNG_M_STEP};
    struct episode one, two, other;
    b.learner.kind->visit(&b.learner, &key, discounts, visits, &one);
    b.learner.kind->visit(&b.learner, &key, discounts, visits, &two);
    key.game = 5;
    b.learner.kind->visit(&b.learner, &key, discounts, visits, &other);
    assert_memory_equal(&one, &two, sizeof one);
    assert_true(memcmp(&one, &other, sizeof one) != 0);
    for (int j = 0; j < 2; j++) visits_destroy(&visits[j]);
    free(discounts);
    destroy(&b);
}

/* In the words of a row (soft_row.h): an action of probability 0 has no room between the cumulative probabilities of
 * itself and of the one before, to the last bit, in hundreds of rows with all kinds of values. */
static void cumulative_probabilities_ascend_and_leave_out_what_is_never_taken(void **state) {
    (void)state;
    for (int never = 0; never < ENV_ACTIONS - 1; never++) {
        struct bench b;
        uint64_t rows = 0;
        create(&b, "AB.....\n.......\n.....ba\n", "step_limit = 1000\n", 0.7, 0.5, 0.3);
        for (uint64_t row = 0; row < b.world.senses.rows.n; row++) {
            float pi0[ENV_ACTIONS], sum = 0;
            for (int a = 0; a < ENV_ACTIONS; a++) sum += pi0[a] = a == never ? 0 : 1 + (float)((row * 7 + (uint64_t)a * 3) % 11);
            for (int a = 0; a < ENV_ACTIONS; a++) pi0[a] /= sum;
            distilled_set(&b.distilled, row, pi0);
        }
        play(&b, 40);
        for (uint64_t row = 0; row < b.world.senses.rows.n; row++) {
            const struct table_row *known = table_find(&b.learner.table[0], row);
            if (!known) continue;
            const float *threshold = known->word + 2 * ENV_ACTIONS;
            for (int a = 0; a < ENV_ACTIONS - 1; a++) assert_true(threshold[a] >= (a > 0 ? threshold[a - 1] : 0));
            assert_true(threshold[never] == (never > 0 ? threshold[never - 1] : 0));
            rows++;
        }
        assert_true(rows > 50);
        destroy(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(converges_to_value_iteration), cmocka_unit_test(two_cells_by_hand),
        cmocka_unit_test(extreme_numbers_stay_finite),  cmocka_unit_test(visits_of_a_forced_path),
        cmocka_unit_test(a_cut_game_backs_up_what_comes_next), cmocka_unit_test(the_same_key_plays_the_same_game),
        cmocka_unit_test(cumulative_probabilities_ascend_and_leave_out_what_is_never_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
