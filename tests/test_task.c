/* world/task: task files, read and written. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/base/rng.h"
#include "multidistral/base/text.h"
#include "multidistral/world/task.h"

enum { PATH_BYTES = 512 };

static void data_path(char path[PATH_BYTES], const char *name) {
    const char *end = strstr(__FILE__, "/tests/test_task.c");
    snprintf(path, PATH_BYTES, "%.*s/data/%s", end ? (int)(end - __FILE__) : 1, end ? __FILE__ : ".", name);
}

static void read_data(struct task *task, const char *name) {
    char path[PATH_BYTES];
    struct fault why;
    data_path(path, name);
    if (!task_read(task, path, &why)) fail_msg("%s", why.text);
}

static void parse(struct task *task, const char *text) {
    struct fault why;
    if (!task_parse(task, "test.task", "test", text, &why)) fail_msg("%s", why.text);
}

/* Calls `with` for every *.task of the data folder. */
static void for_each_data_file(void (*with)(const char *name)) {
    char path[PATH_BYTES];
    data_path(path, "");
    DIR *folder = opendir(path);
    assert_non_null(folder);
    int n = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (!text_ends_with(entry->d_name, ".task")) continue;
        with(entry->d_name);
        n++;
    }
    closedir(folder);
    assert_true(n >= 14);
}

static void assert_place(const struct task *task, int place, int row, int column) {
    assert_int_equal(place / task->columns, row);
    assert_int_equal(place % task->columns, column);
}

static void assert_same_rules(const struct task *a, const struct task *b) {
    assert_int_equal(a->own_rules, b->own_rules);
    for (int i = 0; i < rules_count; i++) {
        char of_a[SETTING_TEXT], of_b[SETTING_TEXT];
        if (!(a->own_rules >> i & 1)) continue;
        setting_write(&rules_table[i], &a->rules, of_a);
        setting_write(&rules_table[i], &b->rules, of_b);
        assert_string_equal(of_a, of_b);
    }
}

static void assert_same_world(const struct task *a, const struct task *b) {
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->columns, b->columns);
    assert_memory_equal(a->wall, b->wall, (size_t)(a->rows * a->columns) * sizeof *a->wall);
    assert_int_equal(a->n_agents, b->n_agents);
    for (int j = 0; j < a->n_agents; j++) {
        assert_int_equal(a->start[j], b->start[j]);
        assert_int_equal(a->goal[j], b->goal[j]);
    }
    assert_same_rules(a, b);
}

/* ---- The tasks of the data folder ---- */

/* Row and column: start and goal of agent 1, start and goal of agent 2. */
static const int two_rooms[5][8] = {{1, 1, 5, 7, 1, 7, 5, 1},
                                    {5, 1, 1, 7, 5, 7, 1, 1},
                                    {5, 1, 5, 7, 1, 7, 1, 1},
                                    {3, 2, 5, 7, 1, 7, 5, 1},
                                    {1, 7, 5, 7, 1, 1, 5, 1}};

static void assert_two_rooms(const struct task *task, const int place[8]) {
    assert_int_equal(task->rows, 7);
    assert_int_equal(task->columns, 9);
    assert_int_equal(task->n_agents, 2);
    for (int j = 0; j < 2; j++) {
        assert_place(task, task->start[j], place[4 * j], place[4 * j + 1]);
        assert_place(task, task->goal[j], place[4 * j + 2], place[4 * j + 3]);
    }
}

static void the_two_room_tasks_have_the_published_starts_and_goals(void **unused) {
    (void)unused;
    for (int i = 0; i < 5; i++) {
        char name[32];
        struct task task;
        snprintf(name, sizeof name, "two_rooms_%d.task", i + 1);
        read_data(&task, name);
        assert_memory_equal(task.name, name, strlen("two_rooms_1"));
        assert_int_equal(task.own_rules, 0);
        assert_two_rooms(&task, two_rooms[i]);
        task_destroy(&task);
    }
}

/* Two chambers of 2 x 5, and a corridor in row 3, columns 3 to 5. */
static void the_two_rooms_have_23_free_cells(void **unused) {
    (void)unused;
    struct task task;
    read_data(&task, "two_rooms_1.task");
    for (int row = 0; row < 7; row++) {
        for (int column = 0; column < 9; column++) {
            bool chamber = row >= 1 && row <= 5 && (column == 1 || column == 2 || column == 6 || column == 7);
            bool corridor = row == 3 && column >= 3 && column <= 5;
            assert_int_equal(task.wall[row * 9 + column], !chamber && !corridor);
        }
    }
    task_destroy(&task);
}

static void the_digit_file_is_the_same_task_as_its_drawing(void **unused) {
    (void)unused;
    struct task digits, drawing;
    read_data(&digits, "two_rooms_4.txt");
    read_data(&drawing, "two_rooms_4.task");
    assert_string_equal(digits.name, "two_rooms_4");
    assert_string_equal(drawing.name, "two_rooms_4");
    assert_same_world(&digits, &drawing);
    task_destroy(&digits);
    task_destroy(&drawing);
}

static void the_digit_file_has_no_last_newline(void **unused) {
    (void)unused;
    char path[PATH_BYTES];
    struct fault why;
    data_path(path, "two_rooms_4.txt");
    char *text = text_read_file(path, TASK_BYTES, &why);
    assert_non_null(text);
    assert_int_equal(text[strlen(text) - 1], '1');
    free(text);
}

static void assert_data_round_trip(const char *name) {
    struct task task, again;
    read_data(&task, name);
    char *text = task_write(&task);
    parse(&again, text);
    assert_string_equal(again.name, task.name);
    assert_same_world(&again, &task);
    char *text_again = task_write(&again);
    assert_string_equal(text_again, text);
    free(text);
    free(text_again);
    task_destroy(&task);
    task_destroy(&again);
}

static void every_data_file_is_written_and_read_back_the_same(void **unused) {
    (void)unused;
    for_each_data_file(assert_data_round_trip);
    assert_data_round_trip("two_rooms_4.txt");
}

static void assert_reads_with_crlf(const char *name) {
    char path[PATH_BYTES];
    struct fault why;
    data_path(path, name);
    char *text = text_read_file(path, TASK_BYTES, &why);
    assert_non_null(text);
    char *crlf = memory_zeros(2 * strlen(text) + 1, 1), *end = crlf;
    for (const char *c = text; *c; c++) {
        if (*c == '\n') *end++ = '\r';
        *end++ = *c;
    }
    struct task task, same;
    parse(&task, text);
    parse(&same, crlf);
    assert_same_world(&task, &same);
    task_destroy(&task);
    task_destroy(&same);
    free(text);
    free(crlf);
}

static void every_data_file_reads_the_same_with_crlf(void **unused) {
    (void)unused;
    for_each_data_file(assert_reads_with_crlf);
    assert_reads_with_crlf("two_rooms_4.txt");
}

/* ---- The own format ---- */

static void a_task_with_all_there_is_is_read(void **unused) {
    (void)unused;
    struct task task;
    parse(&task, "; a comment\n"
                 "\n"
                 "name = all-of_it.2 ; another\n"
                 "  step-limit=7\n"
                 "contested = last\n"
                 "reward_step = -1\n"
                 "reward_goal = 1e2\n"
                 "start_b = 1 3\n"
                 "goal_b = 0 1\n"
                 "goal_a = 1 0\n"
                 "map: ; below\n"
                 "\n"
                 "#.A#\n"
                 "....\n"
                 "  \n");
    assert_string_equal(task.name, "all-of_it.2");
    assert_int_equal(task.rows, 2);
    assert_int_equal(task.columns, 4);
    assert_int_equal(task.n_agents, 2);
    assert_place(&task, task.start[0], 0, 2);
    assert_place(&task, task.goal[0], 1, 0);
    assert_place(&task, task.start[1], 1, 3);
    assert_place(&task, task.goal[1], 0, 1);
    assert_int_equal(task.own_rules, 15);
    assert_true(task.rules.step_limit == 7 && task.rules.contested == CONTESTED_LAST);
    assert_true(task.rules.reward_step == -1 && task.rules.reward_goal == 100);
    task_destroy(&task);
}

static void own_rules_are_marked_and_hold_over_the_runs(void **unused) {
    (void)unused;
    struct task task;
    struct rules run;
    setting_defaults(rules_table, rules_count, &run);
    run.reward_goal = 5;
    parse(&task, "step_limit = 7\ncontested = none\nmap:\nA.a\n");
    struct rules rules = task_rules(&task, &run);
    assert_int_equal(task.own_rules, 3);
    assert_true(rules.step_limit == 7);
    assert_int_equal(rules.contested, CONTESTED_NONE);
    assert_true(rules.reward_step == run.reward_step);
    assert_true(rules.reward_goal == 5);
    task_destroy(&task);
}

static void assert_round_trip(const char *text) {
    struct task task, again;
    parse(&task, text);
    char *written = task_write(&task);
    parse(&again, written);
    assert_string_equal(again.name, task.name);
    assert_same_world(&again, &task);
    free(written);
    task_destroy(&task);
    task_destroy(&again);
}

static void own_tasks_are_written_and_read_back_the_same(void **unused) {
    (void)unused;
    assert_round_trip("map:\nA.a\n");
    assert_round_trip("name = x\nstep_limit = 1\ncontested = none\nreward_step = 0\nreward_goal = -1e6\nmap:\nAa");
    assert_round_trip("reward_step = 0.1234567890123456\nreward_goal = 1e-300\nmap:\nA\n.\na\n");
    assert_round_trip("contested = last\nmap:\n#####\n#A.a#\n#b.B#\n#####\n");
    assert_round_trip("goal_a = 0 2\ngoal_b = 0 0\nmap:\nA.B\n");
    assert_round_trip("goal_a = 0 1\ngoal_b = 0 2\ngoal_c = 0 0\nmap:\nABC\n");
    assert_round_trip("start_a = 0 2\nmap:\na..\n");
    assert_round_trip("map:\nABCDEFGH\n........\nabcdefgh\n");
    assert_round_trip("402\n000\n503");
}

static void letters_of_the_map_say_starts_and_goals(void **unused) {
    (void)unused;
    struct task task;
    parse(&task, "map:\nB.a\nb.A\n");
    assert_int_equal(task.n_agents, 2);
    assert_place(&task, task.start[0], 1, 2);
    assert_place(&task, task.goal[0], 0, 2);
    assert_place(&task, task.start[1], 0, 0);
    assert_place(&task, task.goal[1], 1, 0);
    task_destroy(&task);
}

static void the_name_of_the_file_is_the_default(void **unused) {
    (void)unused;
    struct task task;
    parse(&task, "map:\nA.a\n");
    assert_string_equal(task.name, "test");
    task_destroy(&task);
    parse(&task, "name = other\nmap:\nA.a\n");
    assert_string_equal(task.name, "other");
    task_destroy(&task);
}

static void a_start_on_the_goal_of_another_is_allowed(void **unused) {
    (void)unused;
    struct task task;
    parse(&task, "goal_a = 0 2\nmap:\nA.B\n..b\n");
    assert_int_equal(task.goal[0], task.start[1]);
    task_destroy(&task);
}

static void digits_stand_for_walls_goals_and_starts(void **unused) {
    (void)unused;
    struct task task;
    parse(&task, "\n4012\n5003\n");
    assert_int_equal(task.rows, 2);
    assert_place(&task, task.start[0], 0, 0);
    assert_place(&task, task.goal[0], 0, 3);
    assert_place(&task, task.start[1], 1, 0);
    assert_place(&task, task.goal[1], 1, 3);
    for (int place = 0; place < 8; place++) assert_int_equal(task.wall[place], place == 2);
    task_destroy(&task);
}

/* ---- What is refused ---- */

/* Nothing may be left behind, and the message starts with the file and the line. */
static void assert_refused(const char *name, const char *text, int line, const char *piece) {
    struct task task;
    struct fault why = {""};
    char start[64];
    snprintf(start, sizeof start, "test.task:%d: ", line);
    if (task_parse(&task, "test.task", name, text, &why)) fail_msg("accepted, expected \"%s\": %s", piece, text);
    if (strncmp(why.text, start, strlen(start)) != 0)
        fail_msg("\"%s\", expected line %d, of: %s", why.text, line, text);
    if (!strstr(why.text, piece)) fail_msg("\"%s\", expected \"%s\", of: %s", why.text, piece, text);
    assert_null(task.wall);
}

struct malformed {
    const char *text;
    int line;
    const char *piece;
};

static void assert_all_refused(const struct malformed *malformed, size_t n) {
    for (size_t i = 0; i < n; i++) assert_refused("test", malformed[i].text, malformed[i].line, malformed[i].piece);
}

#define ALL_REFUSED(table) assert_all_refused(table, sizeof table / sizeof *table)

static void malformed_settings_are_refused(void **unused) {
    (void)unused;
    static const struct malformed table[] = {
        {"step_limt = 5\nmap:\nA.a\n", 1, "did you mean step_limit?"},
        {"\nnaem = x\nmap:\nA.a\n", 2, "did you mean name?"},
        {"contestd = last\nmap:\nA.a\n", 1, "did you mean contested?"},
        {"; c\n\ncolour_of_walls = red\nmap:\nA.a\n", 3, "unknown setting \"colour_of_walls\""},
        {"Map:\nA.a\n", 1, "\"Map:\""},
        {"= 5\nmap:\nA.a\n", 1, "unknown setting \"\""},
        {"goal_i = 0 0\nmap:\nA.a\n", 1, "unknown setting \"goal_i\""},
        {"goal_A = 0 0\nmap:\nA.a\n", 1, "unknown setting \"goal_A\""},
        {"step_limit = 5\nstep_limit = 5\nmap:\nA.a\n", 2, "step_limit is given a second time"},
        {"step_limit = 5\n\nstep-limit = 6\nmap:\nA.a\n", 3, "step_limit is given a second time"},
        {"name = x\nname = y\nmap:\nA.a\n", 2, "name is given a second time"},
        {"goal_a = 0 1\ngoal_a = 0 1\nmap:\nA.\n", 2, "goal_a is given a second time"},
        {"start_a = 0 1\nstart_a = 0 2\nmap:\na..\n", 2, "start_a is given a second time"},
        {"step_limit = 0\nmap:\nA.a\n", 1, "expected a whole number from 1 to 1000000"},
        {"\nstep_limit = 1000001\nmap:\nA.a\n", 2, "step_limit = \"1000001\""},
        {"step_limit = 5.5\nmap:\nA.a\n", 1, "step_limit = \"5.5\""},
        {"step_limit =\nmap:\nA.a\n", 1, "step_limit = \"\""},
        {"reward_goal = 2e6\nmap:\nA.a\n", 1, "expected a number from"},
        {"reward_step = nan\nmap:\nA.a\n", 1, "reward_step = \"nan\""},
        {"contested = first\nmap:\nA.a\n", 1, "none|random|last"},
        {"step_limit 5\nmap:\nA.a\n", 1, "\"step_limit 5\": expected `setting = value`"},
        {"name = x\n#A.a#\n", 2, "\"#A.a#\""},
    };
    ALL_REFUSED(table);
}

static void malformed_names_are_refused(void **unused) {
    (void)unused;
    static const struct malformed table[] = {
        {"name = two words\nmap:\nA.a\n", 1, "name = \"two words\""},
        {"\nname = a/b\nmap:\nA.a\n", 2, "name = \"a/b\""},
        {"name =\nmap:\nA.a\n", 1, "name = \"\""},
        {"name = .hidden\nmap:\nA.a\n", 1, "name = \".hidden\""},
        {"name = -x\nmap:\nA.a\n", 1, "name = \"-x\""},
        {"name = 1234567890123456789012345678901234567890123456789012345678901234\nmap:\nA.a\n", 1, "expected 1 to 63"},
    };
    ALL_REFUSED(table);
    assert_refused("two words", "; unnamed\nmap:\nA.a\n", 1, "\"two words\" is no name");
    assert_refused("", "map:\nA.a\n", 1, "\"\" is no name");
    assert_refused("a b", "402\n503\n", 1, "\"a b\" is no name");
}

static void malformed_places_are_refused(void **unused) {
    (void)unused;
    static const struct malformed table[] = {
        {"goal_a = 1\nmap:\nA.\n", 1, "expected a row and a column"},
        {"goal_a = 0 1 2\nmap:\nA.\n", 1, "expected a row and a column"},
        {"goal_a = 0 x\nmap:\nA.\n", 1, "expected a row and a column"},
        {"goal_a = 0,1\nmap:\nA.\n", 1, "expected a row and a column"},
        {"goal_a =\nmap:\nA.\n", 1, "expected a row and a column"},
        {"goal_a = 0 -1\nmap:\nA.\n", 1, "expected a row and a column"},
        {"start_a = -1 0\nmap:\na.\n", 1, "start_a = \"-1 0\""},
        {"goal_a = 0 2\nmap:\nA.\n", 1, "row 0, column 2, outside the map of 1 x 2"},
        {"\ngoal_a = 1 0\nmap:\nA.\n", 2, "outside the map"},
        {"; wall\ngoal_a = 0 1\nmap:\nA#.\n", 2, "the goal of agent A is inside a wall"},
        {"start_b = 1 1\nmap:\nA.a\n.#b\n", 1, "the start of agent B is inside a wall"},
        {"goal_a = 0 1\nmap:\nA.a\n", 3, "the goal of agent A is here and in line 1"},
        {"start_a = 0 1\nmap:\n.a.\nA..\n", 4, "the start of agent A is here and in line 1"},
    };
    ALL_REFUSED(table);
}

/* A column must not be torn off a row. */
static void one_number_is_no_row_and_column(void **unused) {
    (void)unused;
    assert_refused("test", "goal_a = 00001\nmap:\nA.\n", 1, "expected a row and a column");
    assert_refused("test", "goal_a = 12345\nmap:\nA.\n", 1, "expected a row and a column");
}

static void malformed_maps_are_refused(void **unused) {
    (void)unused;
    static const struct malformed table[] = {
        {"", 1, "there is no map"},
        {"\n\n", 2, "there is no map"},
        {"name = x\nstep_limit = 5\n", 2, "there is no map"},
        {"; only a comment", 1, "there is no map"},
        {"map:", 2, "there is no map"},
        {"name = x\nmap:\n", 3, "there is no map"},
        {"map:\n\n  \n", 2, "there is no map"},
        {"map:\n####\n#A.a#\n####\n", 3, "has 5 cells, expected 4"},
        {"map:\n####\n#Aa#\n###\n", 4, "has 3 cells, expected 4"},
        {"map:\n\n#A.a#\n#....#\n", 4, "has 6 cells, expected 5"},
        {"map:\nA.a \n..\n", 3, "has 2 cells, expected 3"},
        {"map:\nA.a\n.\xc3\xa9.\n", 3, "character \\xc3 in column 2 of the map is no ASCII"},
        {"map:\nA.a\n\n...\n", 4, "behind the empty line 3"},
        {"map:\nA.a\n...\n  \n\t\nA..\n", 6, "expected no gap"},
        {"map:\nA.a\n...\nstep_limit = 5\n", 4, "expected 3 as in its first row"},
        {"map:\nA.a\n.x.\n", 3, "'x' in column 2"},
        {"map:\n\n\nA.a\n.x.\n", 5, "'x' in column 2"},
        {"map:\nA.a\n..I\n", 3, "'I' in column 3"},
        {"map:\nA a\n", 2, "' ' in column 2"},
        {"map:\nA.a\n.\x01.\n", 3, "character \\x01 in column 2"},
        {"map:\nA.a\n.\xc3\xa9\n", 3, "character \\xc3 in column 2"},
        {"map:\nA\t.a\n", 2, "character \\x09 in column 2"},
        {"map:\nA.A\n..a\n", 2, "the start of agent A is here and in line 2"},
        {"map:\nA.a\n...\n..A\n", 4, "the start of agent A is here and in line 2"},
        {"map:\nA.a\na..\n", 3, "the goal of agent A is here and in line 2"},
    };
    ALL_REFUSED(table);
}

static void agents_that_do_not_fit_together_are_refused(void **unused) {
    (void)unused;
    static const struct malformed table[] = {
        {"map:\n...\n", 2, "there is no agent"},
        {"; c\nmap:\n\n#.#\n", 3, "there is no agent"},
        {"map:\nA.a\nC.c\n", 2, "there is an agent C but no agent B"},
        {"map:\nB.b\n", 2, "there is an agent B but no agent A"},
        {"map:\nA.a\n..B\n", 3, "agent B has no goal, expected b"},
        {"map:\nA..\n", 2, "agent A has no goal, expected a"},
        {"map:\nA.a\n...\n..b\n", 4, "goal b has no agent, expected B"},
        {"start_b = 0 1\nmap:\nA.a\n", 1, "agent B has no goal"},
        {"; c\ngoal_b = 0 1\nmap:\nA.a\n", 2, "goal b has no agent"},
        {"goal_a = 0 0\nmap:\nA..\n", 1, "agent A starts on its own goal"},
        {"\nstart_a = 1 2\nmap:\n...\n..a\n", 5, "agent A starts on its own goal"},
        {"goal_b = 0 2\nmap:\nA.a\nB..\n", 1, "agents A and B have the same goal"},
        {"goal_a = 1 1\ngoal_c = 1 1\nmap:\nABC\n..b\n", 2, "agents A and C have the same goal"},
    };
    ALL_REFUSED(table);
}

/* The line to mend is that of the start. */
static void starts_in_the_same_cell_are_refused_at_the_start(void **unused) {
    (void)unused;
    assert_refused("test", "start_b = 0 0\nmap:\nA.a\n..b\n", 1, "agents A and B start in the same cell");
}

static void goals_behind_walls_are_refused(void **unused) {
    (void)unused;
    static const struct malformed table[] = {
        {"map:\nA#a\n", 2, "goal a cannot be reached from A"},
        {"map:\nA.a\n###\nB#b\n", 4, "goal b cannot be reached from B"},
        {"map:\nA#.\n#..\n..a\n", 4, "goal a cannot be reached from A"},
        {"; c\ngoal_a = 2 0\nmap:\nA..\n###\n...\n", 2, "goal a cannot be reached from A"},
        {"map:\n..A\n##.\na#.\n", 4, "goal a cannot be reached from A"},
        {"map:\nA.#\n#.a\n##.\n#b#\nB##\n", 5, "goal b cannot be reached from B"},
    };
    ALL_REFUSED(table);
}

/* The last cell of a row and the first of the next are no neighbours. */
static void goals_cannot_be_reached_around_the_edge(void **unused) {
    (void)unused;
    assert_refused("test", "map:\n##A\na##\n", 3, "goal a cannot be reached from A");
    assert_refused("test", "map:\n##a\nA##\n", 2, "goal a cannot be reached from A");
}

static void malformed_digit_files_are_refused(void **unused) {
    (void)unused;
    static const struct malformed table[] = {
        {"402\n573\n", 2, "'7' in column 2, expected a digit from 0 to 5"},
        {"712\n503\n", 1, "'7' in column 1"},
        {"402\n5a3\n", 2, "'a' in column 2"},
        {"402\n5\x02"
         "3\n",
         2, "character \\x02 in column 2"},
        {"402\n5003\n", 2, "has 4 cells, expected 3"},
        {"402\n\n503\n", 3, "behind the empty line 2"},
        {"402\n543\n", 2, "the start of agent A is here and in line 1"},
        {"402\n523\n", 2, "the goal of agent A is here and in line 1"},
        {"402\n500\n", 2, "agent B has no goal"},
        {"402\n003\n", 2, "goal b has no agent"},
        {"500\n003\n", 1, "there is an agent B but no agent A"},
        {"000\n111\n", 1, "there is no agent"},
        {"402\n503\n1", 3, "has 1 cells, expected 3"},
        {"412\n111\n503\n", 1, "goal a cannot be reached from A"},
    };
    ALL_REFUSED(table);
}

static void a_map_wider_than_allowed_is_refused(void **unused) {
    (void)unused;
    char text[TASK_SIDE + 64] = "map:\nA.a";
    size_t used = strlen(text);
    memset(text + used, '.', TASK_SIDE - 3);
    struct task task;
    parse(&task, text);
    assert_int_equal(task.columns, TASK_SIDE);
    task_destroy(&task);
    text[used + TASK_SIDE - 3] = '.';
    assert_refused("test", text, 2, "wider than 1024");
}

static void a_map_higher_than_allowed_is_refused(void **unused) {
    (void)unused;
    char text[2 * TASK_SIDE + 64] = "map:\nA\n.\na\n";
    for (int row = 3; row < TASK_SIDE; row++) strcat(text, "#\n");
    struct task task;
    parse(&task, text);
    assert_int_equal(task.rows, TASK_SIDE);
    task_destroy(&task);
    strcat(text, "#\n");
    assert_refused("test", text, 1 + TASK_SIDE + 1, "higher than 1024");
}

/* 256 x 256 cells are one too many; a wall makes them fit. */
static void a_map_with_more_free_cells_than_allowed_is_refused(void **unused) {
    (void)unused;
    enum { SIDE = 256, HEAD = 5, LINE = SIDE + 1 };
    char *text = memory_zeros(HEAD + SIDE * LINE + 1, 1);
    memcpy(text, "map:\n", HEAD);
    memset(text + HEAD, '.', SIDE * LINE);
    for (int row = 0; row < SIDE; row++) text[HEAD + row * LINE + SIDE] = '\n';
    memcpy(text + HEAD, "A.a", 3);
    assert_refused("test", text, 2, "has 65536 free cells, expected at most 65535");
    text[HEAD + 3] = '#';
    struct task task;
    parse(&task, text);
    task_destroy(&task);
    free(text);
}

static void a_line_longer_than_allowed_is_refused(void **unused) {
    (void)unused;
    char text[400] = "; ";
    memset(text + 2, 'x', 300);
    strcat(text, "\nmap:\nA.a\n");
    assert_refused("test", text, 1, "longer than 255 characters");
}

static void a_missing_file_is_refused_by_its_path(void **unused) {
    (void)unused;
    struct task task;
    struct fault why = {""};
    assert_false(task_read(&task, "no/such.task", &why));
    assert_memory_equal(why.text, "no/such.task: ", strlen("no/such.task: "));
}

static void messages_of_a_file_start_with_its_path(void **unused) {
    (void)unused;
    struct task task;
    struct fault why = {""};
    char path[PATH_BYTES];
    data_path(path, "README.md");
    assert_false(task_read(&task, path, &why));
    assert_memory_equal(why.text, path, strlen(path));
    assert_memory_equal(why.text + strlen(path), ":1: ", 4);
}

/* ---- Damaged files ---- */

/* Changes, drops or doubles a few bytes. */
static void damage(char *text, struct rng *rng) {
    static const char bytes[] = "#.ABCabc0123457=:;\n\r \x01\xff";
    for (uint32_t n = rng_below(rng_next(rng), 4) + 1; n > 0; n--) {
        size_t length = strlen(text), at = rng_below(rng_next(rng), (uint32_t)length);
        uint32_t kind = rng_below(rng_next(rng), 3);
        if (kind == 0) text[at] = bytes[rng_below(rng_next(rng), sizeof bytes - 1)];
        if (kind == 1) memmove(text + at, text + at + 1, length - at);
        if (kind == 2) memmove(text + at + 1, text + at, length - at + 1);
    }
}

static void assert_read_or_refused(const char *text) {
    struct task task;
    struct fault why = {""};
    if (!task_parse(&task, "test.task", "test", text, &why)) {
        int line = 0;
        assert_int_equal(sscanf(why.text, "test.task:%d: ", &line), 1);
        assert_true(line >= 1);
        return;
    }
    task_destroy(&task);
    assert_round_trip(text);
}

static void damaged_files_are_refused_with_a_line_or_round_trip(void **unused) {
    (void)unused;
    static const char *const names[] = {"two_rooms_4.txt", "two_rooms_1.task", "passing_bay.task", "maze.task"};
    struct rng rng;
    rng_start(&rng, &(struct rng_key){.seed = 3});
    for (int i = 0; i < 4; i++) {
        char path[PATH_BYTES], damaged[2048];
        struct fault why;
        data_path(path, names[i]);
        char *text = text_read_file(path, sizeof damaged - 16, &why);
        assert_non_null(text);
        for (int t = 0; t < 3000; t++) {
            strcpy(damaged, text);
            damage(damaged, &rng);
            assert_read_or_refused(damaged);
        }
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_two_room_tasks_have_the_published_starts_and_goals),
        cmocka_unit_test(the_two_rooms_have_23_free_cells),
        cmocka_unit_test(the_digit_file_is_the_same_task_as_its_drawing),
        cmocka_unit_test(the_digit_file_has_no_last_newline),
        cmocka_unit_test(every_data_file_is_written_and_read_back_the_same),
        cmocka_unit_test(every_data_file_reads_the_same_with_crlf),
        cmocka_unit_test(a_task_with_all_there_is_is_read),
        cmocka_unit_test(own_rules_are_marked_and_hold_over_the_runs),
        cmocka_unit_test(own_tasks_are_written_and_read_back_the_same),
        cmocka_unit_test(letters_of_the_map_say_starts_and_goals),
        cmocka_unit_test(the_name_of_the_file_is_the_default),
        cmocka_unit_test(a_start_on_the_goal_of_another_is_allowed),
        cmocka_unit_test(digits_stand_for_walls_goals_and_starts),
        cmocka_unit_test(malformed_settings_are_refused),
        cmocka_unit_test(malformed_names_are_refused),
        cmocka_unit_test(malformed_places_are_refused),
        cmocka_unit_test(one_number_is_no_row_and_column),
        cmocka_unit_test(malformed_maps_are_refused),
        cmocka_unit_test(agents_that_do_not_fit_together_are_refused),
        cmocka_unit_test(starts_in_the_same_cell_are_refused_at_the_start),
        cmocka_unit_test(goals_behind_walls_are_refused),
        cmocka_unit_test(goals_cannot_be_reached_around_the_edge),
        cmocka_unit_test(malformed_digit_files_are_refused),
        cmocka_unit_test(a_map_wider_than_allowed_is_refused),
        cmocka_unit_test(a_map_higher_than_allowed_is_refused),
        cmocka_unit_test(a_map_with_more_free_cells_than_allowed_is_refused),
        cmocka_unit_test(a_line_longer_than_allowed_is_refused),
        cmocka_unit_test(a_missing_file_is_refused_by_its_path),
        cmocka_unit_test(messages_of_a_file_start_with_its_path),
        cmocka_unit_test(damaged_files_are_refused_with_a_line_or_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
