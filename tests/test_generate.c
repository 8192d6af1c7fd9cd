/* world/generate: tasks drawn on a map. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "multidistral/world/generate.h"

enum { MANY = 200 };

static const char corridor[] = "map:\nA.a\n";
static const char two_rooms[] = "name = rooms\nstep_limit = 77\nmap:\n"
                                "#########\n#A.###.B#\n#..###..#\n#.......#\n#..###..#\n#b.###.a#\n#########\n";
/* Two parts that no way joins. */
static const char parted[] = "map:\nA.a#..\n...#..\n";

static void parse(struct task *task, const char *text) {
    struct fault why = {""};
    if (!task_parse(task, "map", "map", text, &why)) fail_msg("%s", why.text);
}

static void next(struct generator *generator, struct task *task) {
    struct fault why = {""};
    if (!generator_next(generator, task, &why)) fail_msg("%s", why.text);
}

static void assert_no_more(struct generator *generator, const char *piece) {
    struct task task;
    struct fault why = {""};
    assert_false(generator_next(generator, &task, &why));
    if (!strstr(why.text, piece)) fail_msg("\"%s\", expected \"%s\"", why.text, piece);
}

static bool same(const struct task *a, const struct task *b) {
    size_t bytes = (size_t)a->n_agents * sizeof *a->start;
    return a->n_agents == b->n_agents && memcmp(a->start, b->start, bytes) == 0 && memcmp(a->goal, b->goal, bytes) == 0;
}

/* task_parse refuses what no task may be, so a task that is read back is one. */
static void assert_is_a_task(const struct task *task, int n_agents, int min_steps) {
    struct task again;
    struct distances distances;
    char *text = task_write(task);
    parse(&again, text);
    assert_int_equal(task->n_agents, n_agents);
    assert_true(same(task, &again));
    distances_create(&distances, &again);
    for (int j = 0; j < n_agents; j++) {
        distances_from(&distances, &again, again.start[j]);
        assert_true(distances.to[again.goal[j]] >= min_steps);
    }
    distances_destroy(&distances);
    task_destroy(&again);
    free(text);
}

static void assert_all_are_tasks(const char *text, int n_agents, int min_steps) {
    struct task map, tasks[MANY];
    struct generator generator;
    parse(&map, text);
    generator_create(&generator, &map, n_agents, min_steps, 5);
    for (int i = 0; i < MANY; i++) {
        next(&generator, &tasks[i]);
        assert_is_a_task(&tasks[i], n_agents, min_steps);
        for (int k = 0; k < i; k++) assert_false(same(&tasks[i], &tasks[k]));
    }
    generator_destroy(&generator);
    task_destroy(&map);
}

static void every_task_is_one_and_no_two_are_the_same(void **unused) {
    (void)unused;
    assert_all_are_tasks(two_rooms, 1, 1);
    assert_all_are_tasks(two_rooms, 2, 1);
    assert_all_are_tasks(two_rooms, 2, 8);
    assert_all_are_tasks(two_rooms, 4, 9);
    assert_all_are_tasks(two_rooms, TASK_AGENTS, 6);
    assert_all_are_tasks(parted, 3, 2);
}

static void tasks_keep_the_name_the_rules_and_the_walls_of_the_map(void **unused) {
    (void)unused;
    struct task map, task;
    struct generator generator;
    parse(&map, two_rooms);
    generator_create(&generator, &map, 3, 1, 1);
    next(&generator, &task);
    assert_string_equal(task.name, "rooms");
    assert_ptr_equal(task.wall, map.wall);
    assert_int_equal(task.own_rules, map.own_rules);
    assert_true(task.rules.step_limit == 77);
    generator_destroy(&generator);
    task_destroy(&map);
}

static void draw(const char *text, uint32_t seed, struct task *tasks, int n) {
    struct task map;
    struct generator generator;
    parse(&map, text);
    generator_create(&generator, &map, 2, 3, seed);
    for (int i = 0; i < n; i++) next(&generator, &tasks[i]);
    generator_destroy(&generator);
    task_destroy(&map);
}

static void the_same_seed_draws_the_same_and_fewer_are_the_first_of_more(void **unused) {
    (void)unused;
    struct task more[MANY], fewer[MANY / 2], others[MANY];
    int n_same = 0;
    draw(two_rooms, 3, more, MANY);
    draw(two_rooms, 3, fewer, MANY / 2);
    draw(two_rooms, 4, others, MANY);
    for (int i = 0; i < MANY / 2; i++) assert_true(same(&more[i], &fewer[i]));
    for (int i = 0; i < MANY; i++) n_same += same(&more[i], &others[i]);
    assert_true(n_same < MANY / 10);
}

/* Known numbers, so that a seed draws the same in every version. */
static void seed_1_draws_these(void **unused) {
    (void)unused;
    struct task task;
    draw(two_rooms, 1, &task, 1);
    assert_int_equal(task.start[0], 47);
    assert_int_equal(task.goal[0], 28);
    assert_int_equal(task.start[1], 10);
    assert_int_equal(task.goal[1], 31);
}

static void assert_exactly(const char *text, int n_agents, int min_steps, int n) {
    struct task map, task;
    struct generator generator;
    parse(&map, text);
    generator_create(&generator, &map, n_agents, min_steps, 9);
    for (int i = 0; i < n; i++) {
        next(&generator, &task);
        assert_is_a_task(&task, n_agents, min_steps);
    }
    assert_no_more(&generator, "no task unlike the first");
    generator_destroy(&generator);
    task_destroy(&map);
}

/* Three cells: 3 * 2 ways for one agent; for three, 3! orders of starts and the 2 ways to move all of them. In two
 * parts of 6 and 4 cells: 6 * 5 + 4 * 3. From corner to corner of the two rooms: 4! starts, 2 ways from left to right,
 * and 2 back. */
static void as_many_are_found_as_there_are(void **unused) {
    (void)unused;
    assert_exactly(corridor, 1, 1, 6);
    assert_exactly(corridor, 1, 2, 2);
    assert_exactly(corridor, 3, 1, 12);
    assert_exactly(parted, 1, 1, 42);
    assert_exactly(two_rooms, 4, 10, 96);
}

static void every_task_is_drawn_alike(void **unused) {
    (void)unused;
    enum { SEEDS = 6000, LEAST = 850, MOST = 1150 };
    int n[9] = {0};
    struct task map, task;
    parse(&map, corridor);
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        struct generator generator;
        generator_create(&generator, &map, 1, 1, seed);
        next(&generator, &task);
        n[3 * task.start[0] + task.goal[0]]++;
        generator_destroy(&generator);
    }
    for (int i = 0; i < 9; i++) {
        if (i % 4 == 0) assert_int_equal(n[i], 0);
        else assert_in_range(n[i], LEAST, MOST);
    }
    task_destroy(&map);
}

static void assert_none(const char *text, int n_agents, int min_steps, const char *piece) {
    struct task map;
    struct generator generator;
    parse(&map, text);
    generator_create(&generator, &map, n_agents, min_steps, 1);
    assert_no_more(&generator, piece);
    generator_destroy(&generator);
    task_destroy(&map);
}

static void what_cannot_be_is_said(void **unused) {
    (void)unused;
    assert_none(corridor, 1, 3, "no two cells are 3 steps apart, expected at most 2");
    assert_none(two_rooms, 2, 11, "no two cells are 11 steps apart, expected at most 10");
    assert_none(two_rooms, 8, 10, "only 4 cells are 10 steps or more from another, expected one for each of 8 agents");
    assert_none(corridor, 4, 1, "only 3 cells");
    /* Three ends that are far from one cell alone, which is the goal of one agent only. */
    assert_none("map:\n#A###\n....a\n#.###\n", 3, 4, "no such task was found");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_is_one_and_no_two_are_the_same),
        cmocka_unit_test(tasks_keep_the_name_the_rules_and_the_walls_of_the_map),
        cmocka_unit_test(the_same_seed_draws_the_same_and_fewer_are_the_first_of_more),
        cmocka_unit_test(seed_1_draws_these),
        cmocka_unit_test(as_many_are_found_as_there_are),
        cmocka_unit_test(every_task_is_drawn_alike),
        cmocka_unit_test(what_cannot_be_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
