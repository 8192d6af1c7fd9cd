/* Matrix games: what the file says is what the agents get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "multidistral/base/rng.h"
#include "multidistral/world/cells.h"
#include "multidistral/world/payoff.h"
#include "multidistral/world/solve.h"
#include "multidistral/world/worlds.h"

static struct env *game_of(const char *text, struct task *task) {
    struct fault why;
    struct rules rules;
    struct cells cells;
    setting_defaults(rules_table, rules_count, &rules);
    if (!task_parse(task, "text", "game", text, &why)) fail_msg("%s", why.text);
    assert_true(cells_create(&cells, task, 1, &why));
    struct env *env = env_create(task, &rules, &cells);
    cells_destroy(&cells);
    return env;
}

static void each_pair_of_actions_gets_its_payoff(void **state) {
    (void)state;
    struct task task;
    struct env *env = game_of("step_limit = 3\npayoff:\n1/2 3/4 5/6\n7 8 9\n10|20 11/12|13/14 15\n", &task);
    const double expected[2][3][3][2] = {{{{1, 2}, {3, 4}, {5, 6}}, {{7, 7}, {8, 8}, {9, 9}}, {{10, 10}, {11, 12}, {15, 15}}},
                                         {{{1, 2}, {3, 4}, {5, 6}}, {{7, 7}, {8, 8}, {9, 9}}, {{20, 20}, {13, 14}, {15, 15}}}};
    assert_int_equal(env->kind, ENV_matrix);
    assert_int_equal(env->n_agents, 2);
    assert_int_equal(env->n_actions, 3);
    assert_int_equal(env->rules.step_limit, 3);
    for (uint32_t chance = 0; chance < 2; chance++)
        for (uint8_t a = 0; a < 3; a++)
            for (uint8_t b = 0; b < 3; b++) {
                struct env_state now = env->start;
                const uint32_t draw = 0xfffffffe + chance;
                double reward[2];
                env_step(env, env->kind, 2, &now, (const uint8_t[]){a, b}, &draw, reward);
                assert_memory_equal(reward, expected[chance][a][b], sizeof reward);
                assert_int_equal(now.previous[0], a);
                assert_int_equal(now.previous[1], b);
                assert_int_equal(now.finished, 0);
                assert_int_equal(now.cell[0], 0);
            }
    env_destroy(env);
    task_destroy(&task);
}

static void written_games_read_the_same(void **state) {
    (void)state;
    struct task first, again;
    struct fault why;
    assert_true(task_parse(&first, "text", "game", "step_limit = 7\npayoff: ; A down, B across\n\n 0.1 -2e5/3 ; row 1\n1/2|3/4 1|-0\n", &why));
    char *text = task_write(&first);
    assert_true(task_parse(&again, "text", "other", text, &why));
    assert_string_equal(again.name, "game");
    assert_int_equal(again.n_actions, 2);
    assert_memory_equal(again.payoff, first.payoff, 4 * sizeof *first.payoff);
    assert_true(first.payoff[1].of[0][0] == -2e5 && first.payoff[1].of[1][1] == 3);
    assert_int_equal(again.rules.step_limit, 7);
    free(text);
    task_destroy(&first);
    task_destroy(&again);
}

static void broken_games_are_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"payoff:\n", "text:2: there are 0 rows"},
        {"payoff:\n1\n", "text:2: there are 1 row of 1"},
        {"payoff:\n1 2\n", "text:2: there are 1 row of 2"},
        {"payoff:\n1 2\n3 4\n5 6\n", "text:2: there are 3 rows of 2"},
        {"payoff:\n1 2\n3\n", "text:3: this row has 1 payoff, expected 2"},
        {"payoff:\n1 2 3 4 5 6\n", "text:2: this row has more than 5"},
        {"payoff:\n1 2\n3 4x\n", "text:3: payoff \"4x\": expected a number"},
        {"payoff:\n1 2\n3 nan\n", "text:3: payoff \"nan\""},
        {"payoff:\n1 2\n3 1e7\n", "text:3: payoff \"1e7\""},
        {"payoff:\n1 2\n3 1|2|3\n", "text:3: payoff \"1|2|3\""},
        {"payoff:\n1 2\n3 1/2/3\n", "text:3: payoff \"1/2/3\""},
        {"payoff:\n1 2\n3 |\n", "text:3: payoff \"|\""},
        {"goal_a = 0 0\npayoff:\n1 2\n3 4\n", "text:1: a matrix game has no places"},
        {"payof:\n1 2\n3 4\n", "text:1: \"payof:\": expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct task task;
        struct fault why = {""};
        assert_false(task_parse(&task, "text", "game", cases[i][0], &why));
        if (strncmp(why.text, cases[i][1], strlen(cases[i][1])) != 0) fail_msg("%s: %s", cases[i][0], why.text);
    }
}

static void the_optimum_is_the_best_pair_played_to_the_end(void **state) {
    (void)state;
    struct task task;
    struct solution best;
    struct fault why;
    struct env *env = game_of("step_limit = 3\npayoff:\n1 2/9\n-4|16 3/1\n", &task); /* sums 2, 11, 12 on average, 4 */
    assert_true(solve_exact(env, 0.5, 0, &best, &why));
    assert_true(best.exact);
    assert_true(best.sum == 12 * 1.75);
    assert_true(best.split[0] == 6 * 1.75);
    assert_int_equal(best.steps, 3);
    for (int t = 0; t < 3; t++) assert_true(best.moves[2 * t] == 1 && best.moves[2 * t + 1] == 0);
    solution_destroy(&best);
    env_destroy(env);
    task_destroy(&task);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_of_actions_gets_its_payoff),
        cmocka_unit_test(written_games_read_the_same),
        cmocka_unit_test(broken_games_are_refused),
        cmocka_unit_test(the_optimum_is_the_best_pair_played_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
