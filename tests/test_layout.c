/* Which rank owns what: every unit once, whatever the number of ranks. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "multidistral/run/layout.h"

enum { MOST_RANKS = 14, MOST_REPLICAS = 9, MOST_TASKS = 9 };

static int64_t units(const struct layout *layout) { return layout->replicas.n * layout->tasks.n; }

/* Calls a check for every small run. */
static void for_all_runs(void (*check)(int size, int64_t n_replicas, int64_t n_tasks)) {
    for (int size = 1; size <= MOST_RANKS; size++)
        for (int64_t n_replicas = 1; n_replicas <= MOST_REPLICAS; n_replicas++)
            for (int64_t n_tasks = 1; n_tasks <= MOST_TASKS; n_tasks++) check(size, n_replicas, n_tasks);
}

static void parts_follow_one_another(void **state) {
    (void)state;
    for (int64_t n = 0; n < 30; n++) {
        for (int64_t parts = 1; parts < 12; parts++) {
            int64_t next = 0;
            for (int64_t i = 0; i < parts; i++) {
                struct range range = layout_part(n, parts, i);
                assert_int_equal(range.first, next);
                assert_true(range.n == n / parts || range.n == n / parts + (n % parts != 0));
                next += range.n;
            }
            assert_int_equal(next, n);
        }
    }
}

static void check_owners(int size, int64_t n_replicas, int64_t n_tasks) {
    int owners[MOST_REPLICAS][MOST_TASKS] = {{0}};
    for (int rank = 0; rank < size; rank++) {
        struct layout layout = layout_of(rank, size, n_replicas, n_tasks);
        assert_true(layout.replicas.first >= 0 && layout.replicas.first + layout.replicas.n <= n_replicas);
        assert_true(layout.tasks.first >= 0 && layout.tasks.first + layout.tasks.n <= n_tasks);
        for (int64_t r = 0; r < layout.replicas.n; r++)
            for (int64_t i = 0; i < layout.tasks.n; i++)
                owners[layout.replicas.first + r][layout.tasks.first + i]++;
    }
    for (int64_t r = 0; r < n_replicas; r++)
        for (int64_t i = 0; i < n_tasks; i++) assert_int_equal(owners[r][i], 1);
}

static void every_unit_has_one_owner(void **state) {
    (void)state;
    for_all_runs(check_owners);
}

static void check_groups(int size, int64_t n_replicas, int64_t n_tasks) {
    int leaders[MOST_RANKS] = {0};
    struct layout before = {0};
    for (int rank = 0; rank < size; rank++) {
        struct layout layout = layout_of(rank, size, n_replicas, n_tasks);
        assert_true(layout.group >= 0 && layout.group < layout.n_groups && layout.n_groups <= size);
        bool same_group = rank > 0 && layout.group == before.group;
        if (same_group) assert_memory_equal(&layout.replicas, &before.replicas, sizeof layout.replicas);
        assert_int_equal(layout.leads, !same_group);
        if (rank > 0) assert_true(layout.n_groups == before.n_groups && layout.group >= before.group);
        leaders[layout.group] += layout.leads;
        before = layout;
    }
    for (int64_t g = 0; g < before.n_groups; g++) assert_int_equal(leaders[g], 1);
}

static void every_group_has_one_leader_and_its_own_replicas(void **state) {
    (void)state;
    for_all_runs(check_groups);
}

static void check_busiest(int size, int64_t n_replicas, int64_t n_tasks) {
    int64_t most = 0;
    for (int rank = 0; rank < size; rank++) {
        struct layout layout = layout_of(rank, size, n_replicas, n_tasks);
        if (units(&layout) > most) most = units(&layout);
    }
    if (most != layout_most_units(size, n_replicas, n_tasks))
        fail_msg("%d ranks, %d replicas, %d tasks: the busiest rank has %d units, layout_most_units says %d", size,
                 (int)n_replicas, (int)n_tasks, (int)most, (int)layout_most_units(size, n_replicas, n_tasks));
}

static void the_busiest_rank_has_what_most_units_says(void **state) {
    (void)state;
    for_all_runs(check_busiest);
}

/* Units of the busiest rank if ranks, and replicas, were split into so many groups. */
static int64_t busiest_of(int size, int64_t n_groups, int64_t n_replicas, int64_t n_tasks) {
    int64_t most = 0;
    for (int64_t g = 0; g < n_groups; g++) {
        int64_t ranks = layout_part(size, n_groups, g).n, replicas = layout_part(n_replicas, n_groups, g).n;
        for (int64_t i = 0; i < ranks; i++) {
            int64_t own = replicas * layout_part(n_tasks, ranks, i).n;
            if (own > most) most = own;
        }
    }
    return most;
}

static void check_best(int size, int64_t n_replicas, int64_t n_tasks) {
    int64_t best = INT64_MAX, groups = 0;
    for (int64_t n = 1; n <= size && n <= n_replicas; n++) {
        int64_t busiest = busiest_of(size, n, n_replicas, n_tasks);
        if (busiest > best) continue;
        best = busiest;
        groups = n;
    }
    struct layout layout = layout_of(0, size, n_replicas, n_tasks);
    if (layout.n_groups != groups)
        fail_msg("%d ranks, %d replicas, %d tasks: %d groups, where %d leave the busiest rank %d units", size,
                 (int)n_replicas, (int)n_tasks, (int)layout.n_groups, (int)groups, (int)best);
}

static void no_other_number_of_groups_is_better(void **state) {
    (void)state;
    for_all_runs(check_best);
}

static void one_rank_per_task_in_the_natural_case(void **state) {
    (void)state;
    for (int size = 1; size <= 64; size++) {
        for (int rank = 0; rank < size; rank++) {
            struct layout layout = layout_of(rank, size, 1, size);
            assert_int_equal(layout.n_groups, 1);
            assert_int_equal(layout.tasks.first, rank);
            assert_int_equal(layout.tasks.n, 1);
        }
    }
}

static void one_rank_owns_all(void **state) {
    (void)state;
    struct layout layout = layout_of(0, 1, 7, 5);
    assert_int_equal(units(&layout), 35);
    assert_true(layout.leads);
}

static void more_ranks_than_units_leave_some_without_work(void **state) {
    (void)state;
    int idle = 0;
    for (int rank = 0; rank < 20; rank++) {
        struct layout layout = layout_of(rank, 20, 2, 3);
        assert_true(units(&layout) <= 1);
        idle += units(&layout) == 0;
    }
    assert_int_equal(idle, 14);
}

/* ---- Cuts by cost ---- */

static double part_cost(const double *cost, int64_t from, int64_t to) {
    double sum = 0;
    for (int64_t i = from; i < to; i++) sum += cost[i];
    return sum;
}

/* The largest part of the best cut of tasks from..n; by trying all. */
static double best_cut(const double *cost, int64_t from, int64_t n, int64_t parts, int64_t most) {
    if (parts == 1) return n - from <= most ? part_cost(cost, from, n) : INFINITY;
    double best = INFINITY;
    for (int64_t to = from; to <= n && to - from <= most; to++) {
        double rest = best_cut(cost, to, n, parts - 1, most), own = part_cost(cost, from, to);
        best = fmin(best, fmax(own, rest));
    }
    return best;
}

static void check_cut(int64_t n, int64_t parts, const double *cost) {
    enum { PARTS = 8 };
    int64_t first[PARTS + 1], most = layout_most_tasks(n, parts);
    double largest = 0, best = best_cut(cost, 0, n, parts, most);
    layout_cut(n, parts, cost, first);
    assert_true(first[0] == 0 && first[parts] == n);
    for (int64_t i = 0; i < parts; i++) {
        assert_true(first[i] <= first[i + 1] && first[i + 1] - first[i] <= most);
        largest = fmax(largest, part_cost(cost, first[i], first[i + 1]));
    }
    if (largest > best * (1 + 1e-9)) fail_msg("%d tasks in %d parts: the largest is %g, and could be %g", (int)n, (int)parts, largest, best);
}

static void no_cut_has_a_smaller_largest_part(void **state) {
    (void)state;
    uint64_t draw = 1;
    for (int64_t n = 1; n <= 9; n++)
        for (int64_t parts = 1; parts <= 5; parts++)
            for (int drawn = 0; drawn < 8; drawn++) {
                double cost[9];
                for (int64_t i = 0; i < n; i++) {
                    draw = draw * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                    cost[i] = drawn == 0 ? 0 : ldexp((double)(draw >> 40), drawn % 3 == 0 ? -(int)(draw >> 60) * 8 : 0);
                }
                check_cut(n, parts, cost);
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_follow_one_another),
        cmocka_unit_test(every_unit_has_one_owner),
        cmocka_unit_test(every_group_has_one_leader_and_its_own_replicas),
        cmocka_unit_test(one_rank_per_task_in_the_natural_case),
        cmocka_unit_test(one_rank_owns_all),
        cmocka_unit_test(more_ranks_than_units_leave_some_without_work),
        cmocka_unit_test(the_busiest_rank_has_what_most_units_says),
        cmocka_unit_test(no_other_number_of_groups_is_better),
        cmocka_unit_test(no_cut_has_a_smaller_largest_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
