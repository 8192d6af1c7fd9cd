/* world/cells: the free cells of all tasks, numbered together. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/world/cells.h"

static void read_map(struct task *task, const char *text) {
    struct fault why;
    if (!task_parse(task, "test.task", "test", text, &why)) fail_msg("%s", why.text);
}

static void number(struct cells *cells, const struct task *tasks, int n_tasks) {
    struct fault why;
    if (!cells_create(cells, tasks, n_tasks, &why)) fail_msg("%s", why.text);
}

static void read_data(struct task *task, const char *name) {
    const char *end = strstr(__FILE__, "/tests/test_cells.c");
    char path[512];
    struct fault why;
    snprintf(path, sizeof path, "%.*s/data/%s", end ? (int)(end - __FILE__) : 1, end ? __FILE__ : ".", name);
    if (!task_read(task, path, &why)) fail_msg("%s", why.text);
}

static void free_cells_are_numbered_in_row_major_order(void **unused) {
    (void)unused;
    struct task task;
    struct cells cells;
    read_map(&task, "map:\n#A.\n.#a\n");
    number(&cells, &task, 1);
    const int expected[6] = {-1, 0, 1, 2, -1, 3};
    assert_int_equal(cells.rows, 2);
    assert_int_equal(cells.columns, 3);
    assert_int_equal(cells.n, 4);
    assert_memory_equal(cells.number, expected, sizeof expected);
    cells_destroy(&cells);
    task_destroy(&task);
}

static void a_cell_free_in_any_task_has_a_number_in_all(void **unused) {
    (void)unused;
    struct task tasks[2];
    struct cells cells;
    read_map(&tasks[0], "map:\nA.a#\n####\n");
    read_map(&tasks[1], "map:\n#A.a\n#..#\n");
    number(&cells, tasks, 2);
    const int expected[8] = {0, 1, 2, 3, -1, 4, 5, -1};
    assert_int_equal(cells.n, 6);
    assert_memory_equal(cells.number, expected, sizeof expected);
    for (int place = 0; place < 8; place++)
        assert_int_equal(cells_number(&cells, &tasks[0], place), cells_number(&cells, &tasks[1], place));
    cells_destroy(&cells);
    for (int i = 0; i < 2; i++) task_destroy(&tasks[i]);
}

static void maps_of_other_sizes_share_row_and_column(void **unused) {
    (void)unused;
    struct task tasks[2];
    struct cells cells;
    read_map(&tasks[0], "map:\nA.\n.a\n");
    read_map(&tasks[1], "map:\n#A.a\n");
    number(&cells, tasks, 2);
    assert_int_equal(cells.rows, 2);
    assert_int_equal(cells.columns, 4);
    const int expected[8] = {0, 1, 2, 3, 4, 5, -1, -1};
    assert_memory_equal(cells.number, expected, sizeof expected);
    assert_int_equal(cells_number(&cells, &tasks[0], 2), 4);
    assert_int_equal(cells_number(&cells, &tasks[1], 2), 2);
    assert_int_equal(cells_number(&cells, &tasks[1], 3), 3);
    cells_destroy(&cells);
    for (int i = 0; i < 2; i++) task_destroy(&tasks[i]);
}

static void row_and_column_lead_back_to_the_number(void **unused) {
    (void)unused;
    struct task tasks[2];
    struct cells cells;
    read_data(&tasks[0], "four_rooms.task");
    read_data(&tasks[1], "maze.task");
    number(&cells, tasks, 2);
    for (int i = 0; i < cells.n; i++)
        assert_int_equal(cells.number[cells.row[i] * cells.columns + cells.column[i]], i);
    int numbered = 0;
    for (int place = 0; place < cells.rows * cells.columns; place++) numbered += cells.number[place] >= 0;
    assert_int_equal(numbered, cells.n);
    cells_destroy(&cells);
    for (int i = 0; i < 2; i++) task_destroy(&tasks[i]);
}

static void the_two_room_tasks_share_23_cells(void **unused) {
    (void)unused;
    struct task tasks[5];
    struct cells cells;
    for (int i = 0; i < 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "two_rooms_%d.task", i + 1);
        read_data(&tasks[i], name);
    }
    number(&cells, tasks, 5);
    assert_int_equal(cells.n, 23);
    assert_int_equal(cells.number[1 * 9 + 1], 0);
    assert_int_equal(cells.number[3 * 9 + 1], 8);
    assert_int_equal(cells.number[5 * 9 + 7], 22);
    cells_destroy(&cells);
    for (int i = 0; i < 5; i++) task_destroy(&tasks[i]);
}

/* `count` free cells from the place `first` on, on a map of 400 x 400. */
static struct task block_of(int first, int count) {
    struct task task = {.rows = 400, .columns = 400};
    task.wall = memory_zeros(400 * 400, sizeof *task.wall);
    for (int place = 0; place < 400 * 400; place++) task.wall[place] = place < first || place >= first + count;
    return task;
}

static void as_many_cells_as_can_be_numbered_are_numbered(void **unused) {
    (void)unused;
    struct task tasks[2] = {block_of(0, 40000), block_of(40000, TASK_CELLS - 40000)};
    struct cells cells;
    number(&cells, tasks, 2);
    assert_int_equal(cells.n, TASK_CELLS);
    cells_destroy(&cells);
    for (int i = 0; i < 2; i++) task_destroy(&tasks[i]);
}

static void one_cell_more_than_can_be_numbered_is_refused(void **unused) {
    (void)unused;
    struct task tasks[2] = {block_of(0, 40000), block_of(40000, TASK_CELLS + 1 - 40000)};
    struct cells cells;
    struct fault why = {""};
    assert_false(cells_create(&cells, tasks, 2, &why));
    assert_non_null(strstr(why.text, "65536"));
    assert_non_null(strstr(why.text, "65535"));
    for (int i = 0; i < 2; i++) task_destroy(&tasks[i]);
}

static void a_cell_that_no_task_of_the_run_has_is_named(void **unused) {
    (void)unused;
    struct task own, wider, longer;
    struct cells cells;
    struct fault why = {""};
    read_map(&own, "map:\nA.a\n#..\n");
    read_map(&wider, "map:\nA.a.\n");
    read_map(&longer, "map:\n...\nA.a\n");
    number(&cells, &own, 1);
    assert_true(cells_cover(&cells, &own, &why));
    assert_false(cells_cover(&cells, &wider, &why));
    assert_non_null(strstr(why.text, "row 0, column 3 (counted from 0) is free, expected a wall"));
    assert_false(cells_cover(&cells, &longer, &why));
    assert_non_null(strstr(why.text, "row 1, column 0 (counted from 0) is free, expected a wall"));
    cells_destroy(&cells);
    task_destroy(&own);
    task_destroy(&wider);
    task_destroy(&longer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_cells_are_numbered_in_row_major_order),
        cmocka_unit_test(a_cell_free_in_any_task_has_a_number_in_all),
        cmocka_unit_test(maps_of_other_sizes_share_row_and_column),
        cmocka_unit_test(row_and_column_lead_back_to_the_number),
        cmocka_unit_test(the_two_room_tasks_share_23_cells),
        cmocka_unit_test(as_many_cells_as_can_be_numbered_are_numbered),
        cmocka_unit_test(one_cell_more_than_can_be_numbered_is_refused),
        cmocka_unit_test(a_cell_that_no_task_of_the_run_has_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
