/* world/search: a lower bound that small worlds reach, and that no world exceeds. */
#include "support.h"

#include <math.h>
#include <string.h>

#include "multidistral/world/search.h"
#include "multidistral/world/solve.h"

static const double tolerance = 1e-9, gamma_99 = 0.99;
static const char *const contested[] = {"contested = none\n", "contested = random\n", "contested = last\n"};
static const char two_rooms[] = "#########\n#A.###.B#\n#..###..#\n#.......#\n#..###..#\n#b.###.a#\n#########\n";
static const char *const maps[] = {"A..\n.a.\n", "A.b\n.#.\na.B\n", "#A#\nB.b\n#a#\n", "#.#\nA.B\na.b\n", "#Ac\nB.C\n#ba\n",
                                   two_rooms};
enum { N_MAPS = sizeof maps / sizeof *maps };

static double optimum(const struct world *world, double gamma) {
    struct solution s;
    struct fault why = {""};
    if (!solve_exact(&world->grid.env, gamma, 0, &s, &why)) fail_msg("%s", why.text);
    double sum = s.sum;
    solution_destroy(&s);
    return sum;
}

static void small_worlds_are_solved(void **unused) {
    enum { BUDGET = 5000 };
    (void)unused;
    for (int m = 0; m < N_MAPS; m++)
        for (int c = 0; c < 3; c++) {
            struct world world;
            struct solution s;
            world_create(&world, maps[m], contested[c]);
            search_game(&world.grid, gamma_99, BUDGET, 1, &s);
            assert_false(s.exact);
            assert_int_equal(s.work, BUDGET);
            assert_true(fabs(s.sum - optimum(&world, gamma_99)) <= tolerance);
            solution_destroy(&s);
            world_destroy(&world);
        }
}

/* The goal costs 60; not to arrive at all costs nearly 100, but less than 60 until a simulation is cut off. */
static void what_comes_after_a_simulation_counts(void **unused) {
    (void)unused;
    struct world world;
    struct solution s;
    world_create(&world, "A.a\n", "reward_step = -1\nreward_goal = -60\n");
    search_game(&world.grid, gamma_99, 1000, 1, &s);
    assert_true(fabs(s.sum - (-1 - gamma_99 * 60)) <= tolerance);
    solution_destroy(&s);
    world_destroy(&world);
}

static void no_budget_and_no_seed_exceeds_the_optimum(void **unused) {
    (void)unused;
    const uint32_t budgets[] = {1, 2, 3, 10, 100};
    const char *const limits[] = {"", "step_limit = 1\n", "step_limit = 7\n"};
    for (int m = 0; m < N_MAPS; m++)
        for (uint32_t seed = 0; seed < 45; seed++) {
            struct world world;
            struct solution s;
            char rules[64];
            snprintf(rules, sizeof rules, "%s%s", contested[seed % 3], limits[seed / 3 % 3]);
            world_create(&world, maps[m], rules);
            search_game(&world.grid, gamma_99, budgets[seed / 9], seed, &s);
            assert_true(s.sum <= optimum(&world, gamma_99) + tolerance);
            assert_true(s.steps <= world.grid.env.rules.step_limit);
            solution_destroy(&s);
            world_destroy(&world);
        }
}

/* Whatever is drawn for contested cells: the game shown has none. */
static void the_game_is_certain(void **unused) {
    (void)unused;
    for (int m = 0; m < N_MAPS; m++)
        for (uint32_t draw = 0; draw < 2; draw++) {
            struct world world;
            struct solution s;
            world_create(&world, maps[m], contested[1]);
            search_game(&world.grid, gamma_99, 50, 3, &s);
            const uint32_t draws[ENV_AGENTS / 2] = {draw ? UINT32_MAX : 0};
            struct env_state state = world.grid.env.start;
            double sum = 0, discount = 1;
            for (int64_t t = 0; t < s.steps; t++) {
                double reward[ENV_AGENTS];
                env_grid_step(&world.grid, world.grid.env.n_agents, &state, s.moves + t * s.n_agents, draws, reward);
                for (int j = 0; j < s.n_agents; j++) sum += discount * reward[j];
                discount *= gamma_99;
            }
            assert_true(fabs(sum - s.sum) <= tolerance);
            solution_destroy(&s);
            world_destroy(&world);
        }
}

static void the_same_seed_plays_the_same_game(void **unused) {
    (void)unused;
    struct world world;
    struct solution first, again;
    bool another = false;
    world_create(&world, two_rooms, "");
    search_game(&world.grid, gamma_99, 60, 1, &first);
    search_game(&world.grid, gamma_99, 60, 1, &again);
    assert_true(first.sum == again.sum);
    assert_int_equal(first.steps, again.steps);
    assert_memory_equal(first.moves, again.moves, (size_t)first.steps * 2);
    for (uint32_t seed = 2; seed < 7; seed++) {
        struct solution other;
        search_game(&world.grid, gamma_99, 60, seed, &other);
        another |= first.sum != other.sum;
        solution_destroy(&other);
    }
    assert_true(another);
    solution_destroy(&first);
    solution_destroy(&again);
    world_destroy(&world);
}

/* A step is played while its node has all its children: the first simulation from there has no child to add, and
 * chooses among values of which it has seen only one. */
static void a_step_may_be_played_from_a_node_that_is_full(void **unused) {
    (void)unused;
    for (uint32_t seed = 1; seed < 4; seed++) {
        struct world world;
        struct solution s;
        world_create(&world, two_rooms, contested[1]);
        search_game(&world.grid, gamma_99, 1200, seed, &s);
        assert_true(s.sum > 0.9 * optimum(&world, gamma_99));
        solution_destroy(&s);
        world_destroy(&world);
    }
}

/* Eight agents, 390625 joint actions: each swaps places with the one below, in a room with a gap of two rows. */
static void many_agents_find_their_way(void **unused) {
    (void)unused;
    struct world world;
    struct solution s;
    world_create(&world, "ABCDEFGH\n........\n........\nbadcfehg\n", "");
    search_game(&world.grid, gamma_99, 3000, 1, &s);
    assert_true(s.sum > 8 * 90);
    solution_destroy(&s);
    world_destroy(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_worlds_are_solved),           cmocka_unit_test(what_comes_after_a_simulation_counts),
        cmocka_unit_test(no_budget_and_no_seed_exceeds_the_optimum),
        cmocka_unit_test(the_game_is_certain),               cmocka_unit_test(the_same_seed_plays_the_same_game),
        cmocka_unit_test(a_step_may_be_played_from_a_node_that_is_full),
        cmocka_unit_test(many_agents_find_their_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
