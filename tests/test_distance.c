/* world/distance: moves from cell to cell. */
#include "support.h"

#include "multidistral/world/distance.h"

static void parse(struct task *task, const char *map) {
    struct fault why = {""};
    if (!task_parse(task, "map", "map", map, &why)) fail_msg("%s", why.text);
}

static void distances_go_around_walls(void **unused) {
    (void)unused;
    static const int known[12] = {0, 1, DISTANCE_NONE, 7, 1, DISTANCE_NONE, 5, 6, 2, 3, 4, DISTANCE_NONE};
    struct task task;
    struct distances distances;
    parse(&task, "map:\nAa#.\n.#..\n...#\n");
    distances_create(&distances, &task);
    distances_from(&distances, &task, task.start[0]);
    assert_memory_equal(distances.to, known, sizeof known);
    assert_int_equal(distances.n, 9);
    distances_destroy(&distances);
    task_destroy(&task);
}

/* The last cell of a row and the first of the next are no neighbours, nor are two that only touch at a corner. */
static void no_way_leads_around_the_edge_or_a_corner(void **unused) {
    (void)unused;
    struct task task;
    struct distances distances;
    parse(&task, "map:\n##A\n##a\n.##\n#.#\n");
    distances_create(&distances, &task);
    distances_from(&distances, &task, task.goal[0]);
    assert_int_equal(distances.n, 2);
    assert_int_equal(distances.to[6], DISTANCE_NONE);
    assert_int_equal(distances.to[10], DISTANCE_NONE);
    distances_from(&distances, &task, 6);
    assert_int_equal(distances.n, 1);
    distances_destroy(&distances);
    task_destroy(&task);
}

static void the_order_is_nearest_first(void **unused) {
    (void)unused;
    struct task task;
    struct distances distances;
    parse(&task, "map:\n......\n.####.\n.A....\n...#a.\n");
    distances_create(&distances, &task);
    for (int place = 0; place < task.rows * task.columns; place++) {
        if (task.wall[place]) continue;
        distances_from(&distances, &task, place);
        assert_int_equal(distances.n, 19);
        assert_int_equal(distances.order[0], place);
        for (int i = 1; i < distances.n; i++)
            assert_true(distances.to[distances.order[i]] - distances.to[distances.order[i - 1]] <= 1 &&
                        distances.to[distances.order[i]] >= distances.to[distances.order[i - 1]]);
    }
    distances_destroy(&distances);
    task_destroy(&task);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_go_around_walls),
        cmocka_unit_test(no_way_leads_around_the_edge_or_a_corner),
        cmocka_unit_test(the_order_is_nearest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
