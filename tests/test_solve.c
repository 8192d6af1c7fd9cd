/* world/solve: the cooperative optimum against values derived by hand, against exhaustive search, and against games. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/world/solve.h"

static const double tolerance = 1e-9, gamma_99 = 0.99;
static const char *const contested[] = {"contested = none\n", "contested = random\n", "contested = last\n"};

static void assert_close(double a, double b) {
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.12g, expected %.12g", a, b);
}

static void solve_world(struct world *world, const char *map, const char *rules, double gamma, struct solution *out) {
    struct fault why = {""};
    world_create(world, map, rules);
    if (!solve_exact(&world->grid.env, gamma, 0, out, &why)) fail_msg("%s", why.text);
    assert_true(out->exact);
}

static void solve(const char *map, const char *rules, double gamma, struct solution *out) {
    struct world world;
    solve_world(&world, map, rules, gamma, out);
    world_destroy(&world);
}

/* The return of an agent that steps onto its goal in its n-th step: -0.1 for each step before, then 100. */
static double arriving(int n, double gamma) {
    double sum = 0;
    for (int t = 0; t < n - 1; t++) sum -= 0.1 * pow(gamma, t);
    return sum + 100 * pow(gamma, n - 1);
}

static double never_arriving(int limit, double gamma) {
    double sum = 0;
    for (int t = 0; t < limit; t++) sum -= 0.1 * pow(gamma, t);
    return sum;
}

static void assert_moves(const struct solution *s, int agent, const char *letters) {
    assert_int_equal(s->plays[agent], strlen(letters));
    for (int64_t t = 0; letters[t]; t++)
        assert_int_equal("SDULR"[s->moves[t * s->n_agents + agent]], letters[t]);
}

/* ---- By hand ---- */

static void one_agent_in_a_corridor(void **unused) {
    (void)unused;
    struct solution s;
    const double gammas[] = {0.5, 0.9, 0.99, 1};
    for (int i = 0; i < 4; i++) {
        solve("A...a\n", "", gammas[i], &s);
        assert_close(s.sum, arriving(4, gammas[i]));
        assert_close(s.split[0], s.sum);
        assert_int_equal(s.steps, 4);
        assert_moves(&s, 0, "RRRR");
        solution_destroy(&s);
    }
}

static void the_rules_of_the_task_hold(void **unused) {
    (void)unused;
    struct solution s;
    solve("A..a\n", "reward_step = -2\nreward_goal = 7\n", 0.5, &s);
    assert_close(s.sum, -2 - 2 * 0.5 + 7 * 0.25);
    solution_destroy(&s);
}

static void a_step_limit_that_just_suffices_and_one_that_does_not(void **unused) {
    (void)unused;
    struct solution s;
    solve("A...a\n", "step_limit = 4\n", gamma_99, &s);
    assert_close(s.sum, arriving(4, gamma_99));
    solution_destroy(&s);
    solve("A...a\n", "step_limit = 3\n", gamma_99, &s);
    assert_close(s.sum, never_arriving(3, gamma_99));
    assert_int_equal(s.steps, 3);
    solution_destroy(&s);
}

/* Where the step pays as well as the goal, the agent walks about and arrives in the last step: the horizon counts. */
static void the_last_step_is_worth_waiting_for(void **unused) {
    (void)unused;
    struct solution s;
    solve("A.a\n", "step_limit = 50\nreward_step = 1\n", 1, &s);
    assert_close(s.sum, 49 + 100);
    assert_int_equal(s.steps, 50);
    solution_destroy(&s);
    solve("A.a\n", "step_limit = 50\nreward_step = 0\n", 1, &s);
    assert_close(s.sum, 100);
    solution_destroy(&s);
}

/* Where only the goal pays, the news of it comes back one cell in each step, and most values stay as they are. */
static void news_of_a_far_goal_comes_back(void **unused) {
    (void)unused;
    struct solution s;
    solve("A..............................a\n", "reward_step = 0\n", gamma_99, &s);
    assert_close(s.sum, 100 * pow(gamma_99, 30));
    solution_destroy(&s);
    solve("A.............a\n##.############\nb.............B\n", "reward_step = 0\n", gamma_99, &s);
    assert_close(s.sum, 2 * 100 * pow(gamma_99, 13));
    solution_destroy(&s);
}

static void agents_apart_do_not_matter_to_each_other(void **unused) {
    (void)unused;
    struct solution s;
    solve("A..a.\n#####\nB...b\n", "", gamma_99, &s);
    assert_close(s.split[0], arriving(3, gamma_99));
    assert_close(s.split[1], arriving(4, gamma_99));
    assert_close(s.sum, arriving(3, gamma_99) + arriving(4, gamma_99));
    assert_int_equal(s.steps, 4);
    assert_moves(&s, 0, "RRR");
    assert_moves(&s, 1, "RRRR");
    solution_destroy(&s);
}

/* Both need the middle: one goes through in 2 steps; the other may not follow into it as it is left, and takes 4. The
 * first waits, since they are alike. */
static void a_crossing_holds_one_at_a_time(void **unused) {
    (void)unused;
    struct solution s;
    for (int c = 0; c < 3; c++) {
        solve("#A#\nB.b\n#a#\n", contested[c], gamma_99, &s);
        assert_close(s.sum, arriving(2, gamma_99) + arriving(4, gamma_99));
        assert_close(s.split[0], arriving(4, gamma_99));
        assert_moves(&s, 0, "SSDD");
        assert_moves(&s, 1, "RR");
        solution_destroy(&s);
    }
}

/* One bay, over the middle of three cells. Agent 1 or 2 goes to the middle (step 1) and up (2); the other may enter the
 * middle only now (3) and arrives (4); only then may the first come down (5), and arrives (6). */
static void one_steps_aside_for_the_other(void **unused) {
    (void)unused;
    struct solution s;
    solve("#.#\nA.B\n", "goal_a = 1 2\ngoal_b = 1 0\n", gamma_99, &s);
    assert_close(s.sum, arriving(6, gamma_99) + arriving(4, gamma_99));
    solution_destroy(&s);
}

/* b lies on agent 1's only way: whoever goes first, agent 1 cannot pass. */
static void a_finished_agent_blocks(void **unused) {
    (void)unused;
    struct solution s;
    solve("AbB..a\n", "step_limit = 60\n", gamma_99, &s);
    assert_close(s.sum, arriving(1, gamma_99) + never_arriving(60, gamma_99));
    assert_int_equal(s.steps, 60);
    solution_destroy(&s);
}

/* [MD24] task 5 needs no corridor: 4 steps each. */
static void each_in_its_own_room(void **unused) {
    (void)unused;
    struct solution s;
    solve("#########\n#B.###.A#\n#..###..#\n#.......#\n#..###..#\n#b.###.a#\n#########\n", "", gamma_99, &s);
    for (int j = 0; j < 2; j++) assert_close(s.split[j], arriving(4, gamma_99));
    assert_int_equal(s.work, 23 * 22);
    solution_destroy(&s);
}

/* [MD24] task 1: agent 2 arrives in 10 steps, and leaves the near mouth of the corridor, (3, 2), in step 8. Agent 1 may
 * enter it in step 9, and has 7 more steps to go. */
static void one_after_the_other_through_the_corridor(void **unused) {
    (void)unused;
    struct solution s;
    for (int c = 0; c < 3; c++) {
        solve("#########\n#A.###.B#\n#..###..#\n#.......#\n#..###..#\n#b.###.a#\n#########\n", contested[c], gamma_99, &s);
        assert_close(s.split[1], arriving(10, gamma_99));
        assert_close(s.split[0], arriving(16, gamma_99));
        assert_int_equal(s.steps, 16);
        solution_destroy(&s);
    }
}

/* ---- By exhaustive search ---- */

static void action_of(int index, int n_agents, uint8_t *action) {
    for (int j = n_agents - 1; j >= 0; j--) {
        action[j] = (uint8_t)(index % ENV_ACTIONS);
        index /= ENV_ACTIONS;
    }
}

/* The best expected sum of rewards over all joint plans of `left` steps: no table, no order, no early end. */
static double exhaustive(const struct env_grid *grid, const struct env_state *state, double gamma, int left) {
    enum { STRATA = 6 }; /* decide evenly between 2 or 3 */
    int n = grid->env.n_agents, all = (int)pow(ENV_ACTIONS, n);
    double best = -INFINITY;
    if (left == 0 || state->finished == (UINT32_C(1) << n) - 1) return 0;
    for (int i = 0; i < all; i++) {
        uint8_t action[ENV_AGENTS];
        uint32_t contenders[ENV_AGENTS / 2];
        action_of(i, n, action);
        double sum = 0;
        int strata = env_grid_contests(grid, state, action, contenders) > 0 ? STRATA : 1;
        for (int d = 0; d < strata; d++) {
            const uint32_t draw[ENV_AGENTS / 2] = {(uint32_t)(((2 * (uint64_t)d + 1) << 31) / STRATA)};
            struct env_state next = *state;
            double reward[ENV_AGENTS];
            env_grid_step(grid, n, &next, action, draw, reward);
            for (int j = 0; j < n; j++) sum += reward[j];
            sum += gamma * exhaustive(grid, &next, gamma, left - 1);
        }
        if (sum / strata > best) best = sum / strata;
    }
    return best;
}

static void assert_exhaustive(const char *map, double gamma, int most) {
    for (int c = 0; c < 3; c++)
        for (int limit = 1; limit <= most; limit++) {
            struct world world;
            struct solution s;
            char rules[128];
            snprintf(rules, sizeof rules, "step_limit = %d\nreward_goal = 3\nreward_step = -1\n%s", limit, contested[c]);
            solve_world(&world, map, rules, gamma, &s);
            assert_close(s.sum, exhaustive(&world.grid, &world.grid.env.start, gamma, limit));
            solution_destroy(&s);
            world_destroy(&world);
        }
}

static void the_optimum_is_that_of_exhaustive_search(void **unused) {
    (void)unused;
    assert_exhaustive("A.\n.a\n", 0.9, 5);
    assert_exhaustive("AB\nba\n", 0.9, 3);
    assert_exhaustive("#A#\nB.b\n#a#\n", gamma_99, 4);
    assert_exhaustive("A.b\n.#.\na.B\n", 1, 3);
    assert_exhaustive("A.B\n#.#\na.b\n", 0.5, 3);
    assert_exhaustive("#Ac\nB.C\n#ba\n", 0.9, 2);
}

/* ---- Against games ---- */

static double replay(const struct env_grid *grid, const struct solution *s, double gamma, double *split) {
    struct env_state state = grid->env.start;
    double discount = 1, sum = 0;
    for (int j = 0; j < grid->env.n_agents; j++) split[j] = 0;
    for (int64_t t = 0; t < s->steps; t++) {
        static const uint32_t draw[ENV_AGENTS / 2] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
        double reward[ENV_AGENTS];
        env_grid_step(grid, grid->env.n_agents, &state, s->moves + t * grid->env.n_agents, draw, reward);
        for (int j = 0; j < grid->env.n_agents; j++) {
            split[j] += discount * reward[j];
            sum += discount * reward[j];
        }
        discount *= gamma;
    }
    return sum;
}

static double random_game(const struct env_grid *grid, double gamma, uint32_t game) {
    struct env_state state = grid->env.start;
    struct rng rng;
    double discount = 1, sum = 0;
    rng_start(&rng, &(struct rng_key){.seed = 5, .game = game});
    for (int t = 0; t < grid->env.rules.step_limit && state.finished != (UINT32_C(1) << grid->env.n_agents) - 1; t++) {
        const uint32_t *bits = rng_take(&rng, (uint32_t)env_draws(grid->env.n_agents));
        uint8_t action[ENV_AGENTS];
        double reward[ENV_AGENTS];
        for (int j = 0; j < grid->env.n_agents; j++) action[j] = (uint8_t)rng_below(bits[j], ENV_ACTIONS);
        env_grid_step(grid, grid->env.n_agents, &state, action, bits + grid->env.n_agents, reward);
        for (int j = 0; j < grid->env.n_agents; j++) sum += discount * reward[j];
        discount *= gamma;
    }
    return sum;
}

static const char *const maps[] = {"A..\n.a.\n", "A.b\n.#.\na.B\n", "#A#\nB.b\n#a#\n", "A.B\n#.#\nb.a\n", "#Ac\nB.C\n#ba\n",
                                   "#A##\nB.C.\n#D#.\nabcd\n"};
enum { N_MAPS = sizeof maps / sizeof *maps };

/* Even the luckiest: whoever loses a contested cell could have stayed by choice. */
static void no_game_is_worth_more_and_the_best_is_reached(void **unused) {
    enum { GAMES = 3000 };
    (void)unused;
    for (int m = 0; m < N_MAPS; m++)
        for (int c = 0; c < 3; c++) {
            struct world world;
            struct solution s;
            char rules[64];
            double highest = -INFINITY;
            snprintf(rules, sizeof rules, "step_limit = 12\n%s", contested[c]);
            solve_world(&world, maps[m], rules, 0.9, &s);
            for (uint32_t game = 0; game < GAMES; game++) highest = fmax(highest, random_game(&world.grid, 0.9, game));
            assert_true(highest <= s.sum + tolerance);
            if (m < 4) assert_true(highest > s.sum / 2); /* and so the bound is not just far away */
            solution_destroy(&s);
            world_destroy(&world);
        }
}

static void the_game_shown_is_worth_the_optimum(void **unused) {
    (void)unused;
    for (int m = 0; m < N_MAPS; m++)
        for (int c = 0; c < 3; c++) {
            struct world world;
            struct solution s;
            double split[ENV_AGENTS];
            solve_world(&world, maps[m], contested[c], gamma_99, &s);
            assert_close(replay(&world.grid, &s, gamma_99, split), s.sum);
            for (int j = 0; j < world.grid.env.n_agents; j++) assert_close(split[j], s.split[j]);
            solution_destroy(&s);
            world_destroy(&world);
        }
}

/* Long after nothing changes any more, and while much still does. */
static void a_longer_limit_changes_nothing_where_the_goal_is_near(void **unused) {
    (void)unused;
    struct solution near, far;
    solve("A.b\n.#.\na.B\n", "step_limit = 30\n", gamma_99, &near);
    solve("A.b\n.#.\na.B\n", "step_limit = 1000000\n", gamma_99, &far);
    assert_close(near.sum, far.sum);
    assert_int_equal(near.steps, far.steps);
    solution_destroy(&near);
    solution_destroy(&far);
    solve("AbB..a\n", "step_limit = 5000\n", gamma_99, &far);
    assert_close(far.sum, arriving(1, gamma_99) + never_arriving(5000, gamma_99));
    solution_destroy(&far);
}

static void a_refusal_says_why(void **unused) {
    (void)unused;
    struct world world;
    struct solution s;
    struct fault why = {""};
    world_create(&world, "A..a\n", "");
    assert_false(solve_exact(&world.grid.env, gamma_99, 3, &s, &why));
    assert_non_null(strstr(why.text, "4 joint states"));
    world_destroy(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_agent_in_a_corridor),
        cmocka_unit_test(the_rules_of_the_task_hold),
        cmocka_unit_test(a_step_limit_that_just_suffices_and_one_that_does_not),
        cmocka_unit_test(the_last_step_is_worth_waiting_for),
        cmocka_unit_test(news_of_a_far_goal_comes_back),
        cmocka_unit_test(agents_apart_do_not_matter_to_each_other),
        cmocka_unit_test(a_crossing_holds_one_at_a_time),
        cmocka_unit_test(one_steps_aside_for_the_other),
        cmocka_unit_test(a_finished_agent_blocks),
        cmocka_unit_test(each_in_its_own_room),
        cmocka_unit_test(one_after_the_other_through_the_corridor),
        cmocka_unit_test(the_optimum_is_that_of_exhaustive_search),
        cmocka_unit_test(no_game_is_worth_more_and_the_best_is_reached),
        cmocka_unit_test(the_game_shown_is_worth_the_optimum),
        cmocka_unit_test(a_longer_limit_changes_nothing_where_the_goal_is_near),
        cmocka_unit_test(a_refusal_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
