/* Games under known policies: exact returns in corridors, greedy and sampled, and the game that a learner's visit
 * plays. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "multidistral/learn/learner.h"
#include "multidistral/learn/play.h"

static const double discount = 0.9;

/* The same probabilities in every row: [agent][action]. */
struct constant {
    float pi[2][ENV_ACTIONS];
};

static void constant_policy(const void *of, int agent, uint64_t row, float *pi) {
    (void)row;
    memcpy(pi, ((const struct constant *)of)->pi[agent], sizeof((const struct constant *)of)->pi[agent]);
}

static struct play play_of(const struct world *world, const struct constant *constant, bool greedy) {
    return (struct play){.env = &world->grid.env,
                         .senses = &world->senses,
                         .gamma = discount,
                         .n_actions = ENV_ACTIONS,
                         .greedy = greedy,
                         .policy = constant_policy,
                         .of = constant};
}

static const struct constant to_the_right = {{{[ACTION_RIGHT] = 1}, {[ACTION_RIGHT] = 1}}};
static const struct constant right_or_stay = {{{[ACTION_RIGHT] = 0.5f, [ACTION_STAY] = 0.5f}}};

static double steps_unpaid(int steps) { return -0.1 * (1 - pow(discount, steps)) / (1 - discount); }

static void straight_to_the_goal(void **state) {
    (void)state;
    struct world world;
    world_create(&world, "A..a\n", "");
    for (int greedy = 0; greedy < 2; greedy++) {
        struct play play = play_of(&world, &to_the_right, greedy);
        struct episode episode;
        play_game(&play, &(struct rng_key){.seed = 1}, &episode);
        assert_int_equal(episode.steps, 3);
        assert_int_equal(episode.length[0], 3);
        assert_int_equal(episode.finished, 1);
        assert_float_equal(episode.returns[0], -0.1 - 0.1 * 0.9 + 100 * 0.81, 1e-9);
    }
    world_destroy(&world);
}

/* Agent B is there first, and takes no further part; A is one step behind. */
static void two_agents_have_returns_of_their_own(void **state) {
    (void)state;
    struct world world;
    world_create(&world, "A..a\n.B.b\n", "");
    struct play play = play_of(&world, &to_the_right, false);
    struct episode episode;
    play_game(&play, &(struct rng_key){.seed = 1}, &episode);
    assert_int_equal(episode.steps, 3);
    assert_int_equal(episode.length[0], 3);
    assert_int_equal(episode.length[1], 2);
    assert_int_equal(episode.finished, 3);
    assert_float_equal(episode.returns[0], -0.1 - 0.09 + 81, 1e-9);
    assert_float_equal(episode.returns[1], -0.1 + 90, 1e-9);
    world_destroy(&world);
}

static void a_game_is_cut_off_at_the_step_limit(void **state) {
    (void)state;
    struct world world;
    world_create(&world, "A..a\n", "step_limit = 2\n");
    struct play play = play_of(&world, &to_the_right, false);
    struct episode episode;
    play_game(&play, &(struct rng_key){.seed = 1}, &episode);
    assert_int_equal(episode.steps, 2);
    assert_int_equal(episode.length[0], 2);
    assert_int_equal(episode.finished, 0);
    assert_float_equal(episode.returns[0], steps_unpaid(2), 1e-9);
    world_destroy(&world);
}

/* Of two actions with the same probability the lower one: staying, for ever. */
static void greedy_takes_the_lowest_of_equals(void **state) {
    (void)state;
    struct world world;
    world_create(&world, "A..a\n", "step_limit = 50\n");
    struct play play = play_of(&world, &right_or_stay, true);
    struct episode episode;
    play_game(&play, &(struct rng_key){.seed = 1}, &episode);
    assert_int_equal(episode.length[0], 50);
    assert_float_equal(episode.returns[0], steps_unpaid(50), 1e-9);
    world_destroy(&world);
}

static void greedy_takes_the_most_probable(void **state) {
    (void)state;
    struct world world;
    world_create(&world, "A..a\n", "step_limit = 50\n");
    const struct constant mostly = {{{0.24f, 0.24f, 0.01f, 0.24f, 0.27f}}};
    struct play play = play_of(&world, &mostly, true);
    struct episode episode;
    play_game(&play, &(struct rng_key){.seed = 1}, &episode);
    assert_int_equal(episode.length[0], 3);
    world_destroy(&world);
}

/* Three steps to the right, each after a geometric number of stays: the length is 6 on average with variance 6, and 3
 * in 1/8 of games. */
static void sampled_games_have_the_known_distribution(void **state) {
    (void)state;
    enum { GAMES = 4000 };
    struct world world;
    world_create(&world, "A..a\n", "");
    struct play play = play_of(&world, &right_or_stay, false);
    struct rng_key key = {.seed = 3, .phase = RNG_EVALUATE};
    double sum = 0, shortest = 0;
    for (; key.game < GAMES; key.game++) {
        struct episode episode;
        play_game(&play, &key, &episode);
        sum += (double)episode.length[0];
        shortest += episode.length[0] == 3;
        assert_float_equal(episode.returns[0],
                           steps_unpaid((int)episode.length[0] - 1) + 100 * pow(discount, (double)episode.length[0] - 1),
                           1e-9);
    }
    assert_float_equal(sum / GAMES, 6, 4 * sqrt(6.0 / GAMES));
    assert_float_equal(shortest / GAMES, 0.125, 4 * sqrt(0.125 * 0.875 / GAMES));
    world_destroy(&world);
}

/* Not the last action either, where the probabilities do not sum to 1. */
static void what_has_no_probability_is_never_drawn(void **state) {
    (void)state;
    struct world world;
    world_create(&world, "A..a\n", "");
    const struct constant low = {{{[ACTION_LEFT] = 0.4f, [ACTION_DOWN] = 0.4f}}};
    struct play play = play_of(&world, &low, false);
    struct episode episode;
    for (struct rng_key key = {.seed = 3}; key.game < 100; key.game++) {
        play_game(&play, &key, &episode);
        assert_int_equal(episode.steps, 1000);
    }
    world_destroy(&world);
}

static void the_same_key_gives_the_same_game(void **state) {
    (void)state;
    struct world world;
    world_create(&world, "A.b\n.#.\n..a\nB..\n", "");
    const struct constant any = {{{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}}};
    struct play play = play_of(&world, &any, false);
    struct episode a, b, other;
    play_game(&play, &(struct rng_key){.seed = 1, .phase = RNG_EVALUATE}, &a);
    play_game(&play, &(struct rng_key){.seed = 1, .phase = RNG_EVALUATE}, &b);
    play_game(&play, &(struct rng_key){.seed = 1, .phase = RNG_M_STEP}, &other);
    assert_true(a.steps == b.steps && a.returns[0] == b.returns[0] && a.returns[1] == b.returns[1]);
    assert_true(a.returns[0] != other.returns[0]);
    world_destroy(&world);
}

/* ---- Against a learner ---- */

static void learned_policy(const void *of, int agent, uint64_t row, float *pi) {
    const struct learner *learner = of;
    learner->kind->policy(learner, agent, row, pi);
}

/* Learns a little, then compares 100 games. */
static void compare_with(enum learner_name name, const char *map) {
    struct world world;
    struct learning learning;
    struct distilled distilled;
    struct learner learner;
    struct visits visits[ENV_AGENTS];
    world_create(&world, map, "step_limit = 60\n");
    setting_defaults(learning_table, learning_count, &learning);
    learning.epsilon_end = 0.3;
    uint64_t rows = world.senses.rows.n;
    int n_agents = world.task.n_agents, n_actions = learner_actions(name, n_agents, ENV_ACTIONS);
    assert_true(distilled_create(&distilled, rows, n_actions));
    assert_true(learner_create(&learner, name, &world.grid.env, &world.senses));
    learner.games_e = 1;
    for (int p = 0; p < learner.n_players; p++) {
        assert_true(visits_create(&visits[p], rows, n_actions));
        learner.distilled[p] = &distilled;
    }
    learner_prepare(&learner, &learning, 0, false);
    struct episode played, visited;
    for (struct rng_key key = {.seed = 2}; key.game < 30; key.game++) learner.kind->learn(&learner, &key, &played);
    int64_t *discounts = visits_discounts(learning.gamma, 60);
    struct play play = {.env = &world.grid.env, .senses = &world.senses, .gamma = learning.gamma, .n_actions = n_actions,
                        .deciders = learner.kind->deciders, .policy = learned_policy, .of = &learner, .learner = &learner};
    for (struct rng_key key = {.seed = 2, .phase = RNG_M_STEP}; key.game < 100; key.game++) {
        play_game(&play, &key, &played);
        learner.kind->visit(&learner, &key, discounts, visits, &visited);
        assert_int_equal(played.steps, visited.steps);
        assert_int_equal(played.finished, visited.finished);
        for (int j = 0; j < n_agents; j++) {
            assert_int_equal(played.length[j], visited.length[j]);
            assert_float_equal(played.returns[j], visited.returns[j], 1e-9);
        }
    }
    free(discounts);
    for (int p = 0; p < learner.n_players; p++) visits_destroy(&visits[p]);
    learner_destroy(&learner);
    distilled_destroy(&distilled);
    world_destroy(&world);
}

static void it_plays_the_games_of_every_learner(void **state) {
    (void)state;
    for (int name = 0; name < LEARNER_COUNT; name++) {
        compare_with((enum learner_name)name, "A.b\n.#.\n..a\nB..\n");
        compare_with((enum learner_name)name, "A.bC\n.#..\n..ac\nB...\n");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(straight_to_the_goal),
        cmocka_unit_test(two_agents_have_returns_of_their_own),
        cmocka_unit_test(a_game_is_cut_off_at_the_step_limit),
        cmocka_unit_test(greedy_takes_the_lowest_of_equals),
        cmocka_unit_test(greedy_takes_the_most_probable),
        cmocka_unit_test(sampled_games_have_the_known_distribution),
        cmocka_unit_test(what_has_no_probability_is_never_drawn),
        cmocka_unit_test(the_same_key_gives_the_same_game),
        cmocka_unit_test(it_plays_the_games_of_every_learner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
