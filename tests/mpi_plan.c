/* A plan is the same on every rank, or refused by all of them. */
#include "support_run.h"

#include "multidistral/run/reduce.h"

static uint64_t hash_text(uint64_t hash, const char *text) {
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash;
}

static uint64_t hash_plan(const struct plan *plan) {
    char *ini = plan_ini(plan);
    uint64_t hash = hash_text(UINT64_C(14695981039346656037), ini);
    free(ini);
    for (int i = 0; i < plan->n_tasks; i++) {
        char *text = task_write(&plan->task[i]);
        hash = hash_text(hash, text);
        free(text);
    }
    return hash;
}

static void all_ranks_get_the_plan_of_rank_0(void **state) {
    (void)state;
    struct plan plan, expected;
    struct fault why = {""};
    const char ini[] = "alpha = linear:0.1:0.30000000000000004:7\nbeta = geometric:0.5:12:9\nseed = 4294967295\n"
                       "sharing = team\nframe = fixed\ngamma = 0.1\nobserve_finished = no\n";
    plan_from(&expected, ini, maps_of_two);
    if (rank_of(MPI_COMM_WORLD) == 0) plan_from(&plan, ini, maps_of_two);
    assert_true(plan_broadcast(&plan, true, MPI_COMM_WORLD, &why));
    assert_int_equal(plan.n_tasks, 3);
    assert_int_equal(plan.n_agents, 2);
    assert_true(hash_plan(&plan) == hash_plan(&expected));
    assert_memory_equal(&plan.senses, &expected.senses, sizeof plan.senses);
    assert_int_equal(plan.cells.n, expected.cells.n);
    for (int i = 0; i < plan.n_tasks; i++) {
        assert_int_equal(plan.env[i]->rules.step_limit, 40);
        assert_memory_equal(((const struct env_grid *)plan.env[i])->goal, ((const struct env_grid *)expected.env[i])->goal, 2 * sizeof *((const struct env_grid *)plan.env[i])->goal);
        assert_memory_equal(plan.env[i]->start.cell, expected.env[i]->start.cell, 2 * sizeof *plan.env[i]->start.cell);
    }
    plan_destroy(&plan);
    plan_destroy(&expected);
}

static void all_ranks_see_that_rank_0_has_none(void **state) {
    (void)state;
    struct plan plan = {0};
    struct fault why = {"as it was"};
    assert_false(plan_broadcast(&plan, false, MPI_COMM_WORLD, &why));
    assert_int_equal(rank_of(MPI_COMM_WORLD) == 0, strcmp(why.text, "as it was") == 0);
    assert_true(why.text[0]);
}

static void a_task_given_twice_gets_a_name_of_its_own(void **state) {
    (void)state;
    struct plan plan;
    plan_from(&plan, "", "A.a\n|A..a\n|A...a\n");
    assert_string_equal(plan.task[0].name, "world");
    assert_string_equal(plan.task[1].name, "world-2");
    assert_string_equal(plan.task[2].name, "world-3");
    plan_destroy(&plan);
}

static void a_name_made_up_is_not_one_that_is_taken(void **state) {
    (void)state;
    const char *const names[] = {"x", "x-2", "x", "x-2"};
    struct task *tasks = calloc(4, sizeof *tasks);
    struct config config;
    struct plan plan;
    struct fault why = {""};
    config_defaults(&config);
    for (int i = 0; i < 4; i++) assert_true(task_parse(&tasks[i], "map", names[i], "map:\nAa\n", &why));
    assert_true(plan_create(&plan, &config, tasks, 4, &why));
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++) assert_string_not_equal(plan.task[i].name, plan.task[k].name);
    plan_destroy(&plan);
}

static void long_names_are_told_apart(void **state) {
    (void)state;
    char name[TASK_NAME];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct task *tasks = calloc(3, sizeof *tasks);
    struct config config;
    struct plan plan;
    struct fault why = {""};
    config_defaults(&config);
    for (int i = 0; i < 3; i++) assert_true(task_parse(&tasks[i], "map", name, "map:\nAa\n", &why));
    assert_true(plan_create(&plan, &config, tasks, 3, &why));
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < i; k++) assert_string_not_equal(plan.task[i].name, plan.task[k].name);
    plan_destroy(&plan);
}

static void assert_refused(const char *ini, const char *maps, const char *says) {
    struct config config;
    struct plan plan;
    struct fault why = {""};
    int n_tasks;
    struct task *tasks = tasks_from(maps, &n_tasks);
    config_from(&config, ini);
    assert_false(plan_create(&plan, &config, tasks, n_tasks, &why));
    assert_non_null(strstr(why.text, says));
}

static void other_numbers_of_agents_are_refused(void **state) {
    (void)state;
    assert_refused("", "A.B\na.b\n|A.a\n", "agents");
}

static void no_task_is_refused(void **state) {
    (void)state;
    assert_refused("", "", "no task");
}

/* 2^30 visits at most: 40 steps, one agent, one task. */
static void more_visits_than_a_count_holds_are_refused(void **state) {
    (void)state;
    struct plan plan;
    assert_refused("gamma = 1\ngames_m = 26843546\n", "A.a\n", "games_m");
    plan_from(&plan, "gamma = 1\ngames_m = 26843545\n", "A.a\n");
    plan_destroy(&plan);
    assert_refused("gamma = 1\ngames_m = 13421773\n", "A.a\n|A..a\n", "games_m");
    plan_from(&plan, "gamma = 0\ngames_m = 26843546\n", "A.a\n");
    plan_destroy(&plan);
}

static void sharing_says_which_distilled_policy(void **state) {
    (void)state;
    const struct {
        const char *ini;
        int n, of_last;
    } expected[] = {{"sharing = agent\n", 3, 2}, {"sharing = team\n", 1, 0}, {"sharing = none\n", 1, 0}};
    for (int i = 0; i < 3; i++) {
        struct plan plan;
        plan_from(&plan, expected[i].ini, maps_of_three);
        assert_int_equal(plan_n_distilled(&plan), expected[i].n);
        assert_int_equal(plan_distilled_of(&plan, 2), expected[i].of_last);
        assert_int_equal(plan_distilled_of(&plan, 0), 0);
        plan_destroy(&plan);
    }
}

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_ranks_get_the_plan_of_rank_0),
        cmocka_unit_test(all_ranks_see_that_rank_0_has_none),
        cmocka_unit_test(a_task_given_twice_gets_a_name_of_its_own),
        cmocka_unit_test(a_name_made_up_is_not_one_that_is_taken),
        cmocka_unit_test(long_names_are_told_apart),
        cmocka_unit_test(other_numbers_of_agents_are_refused),
        cmocka_unit_test(no_task_is_refused),
        cmocka_unit_test(more_visits_than_a_count_holds_are_refused),
        cmocka_unit_test(sharing_says_which_distilled_policy),
    };
    return run_on_all_ranks(tests, sizeof tests / sizeof *tests, NULL);
}
