#include "multidistral/run/layout.h"

struct range layout_part(int64_t n, int64_t parts, int64_t i) {
    int64_t first = i * n / parts;
    return (struct range){.first = first, .n = (i + 1) * n / parts - first};
}

static int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Units of the busiest rank: in the group with most replicas, and if need be in the one with fewest ranks. */
static int64_t most_units(int64_t size, int64_t n_groups, int64_t n_replicas, int64_t n_tasks) {
    return ceil_divide(n_replicas, n_groups) * ceil_divide(n_tasks, size / n_groups);
}

static int64_t choose_groups(int64_t size, int64_t n_replicas, int64_t n_tasks) {
    int64_t best = 1;
    for (int64_t n = 2; n <= size && n <= n_replicas; n++)
        if (most_units(size, n, n_replicas, n_tasks) <= most_units(size, best, n_replicas, n_tasks)) best = n;
    return best;
}

struct layout layout_of(int rank, int size, int64_t n_replicas, int64_t n_tasks) {
    struct layout layout = {.n_groups = choose_groups(size, n_replicas, n_tasks)};
    struct range ranks = layout_part(size, layout.n_groups, 0);
    while (rank >= ranks.first + ranks.n) ranks = layout_part(size, layout.n_groups, ++layout.group);
    layout.replicas = layout_part(n_replicas, layout.n_groups, layout.group);
    layout.tasks = layout_part(n_tasks, ranks.n, rank - ranks.first);
    layout.leads = rank == ranks.first;
    return layout;
}

int64_t layout_most_units(int size, int64_t n_replicas, int64_t n_tasks) {
    return most_units(size, choose_groups(size, n_replicas, n_tasks), n_replicas, n_tasks);
}
