#include "multidistral/run/layout.h"

struct range layout_part(int64_t n, int64_t parts, int64_t i) {
    int64_t first = i * n / parts;
    return (struct range){.first = first, .n = (i + 1) * n / parts - first};
}

static int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Units of the busiest rank, if there are so many groups. */
static int64_t most_units(int64_t size, int64_t n_groups, int64_t n_replicas, int64_t n_tasks) {
    int64_t most = 0;
    for (int64_t g = 0; g < n_groups; g++) {
        int64_t tasks = ceil_divide(n_tasks, layout_part(size, n_groups, g).n);
        int64_t units = layout_part(n_replicas, n_groups, g).n * tasks;
        if (units > most) most = units;
    }
    return most;
}

int64_t layout_groups(int size, int64_t n_replicas, int64_t n_tasks) {
    int64_t best = 1, least = most_units(size, 1, n_replicas, n_tasks);
    for (int64_t n = 2; n <= size && n <= n_replicas; n++) {
        int64_t units = most_units(size, n, n_replicas, n_tasks);
        if (units > least) continue;
        best = n;
        least = units;
    }
    return best;
}

struct layout layout_in_groups(int64_t n_groups, int rank, int size, int64_t n_replicas, int64_t n_tasks) {
    struct layout layout = {.n_groups = n_groups};
    struct range ranks = layout_part(size, n_groups, 0);
    while (rank >= ranks.first + ranks.n) ranks = layout_part(size, n_groups, ++layout.group);
    layout.replicas = layout_part(n_replicas, n_groups, layout.group);
    layout.tasks = layout_part(n_tasks, ranks.n, rank - ranks.first);
    layout.leads = rank == ranks.first;
    return layout;
}

struct layout layout_of(int rank, int size, int64_t n_replicas, int64_t n_tasks) {
    return layout_in_groups(layout_groups(size, n_replicas, n_tasks), rank, size, n_replicas, n_tasks);
}

int64_t layout_most_units(int size, int64_t n_replicas, int64_t n_tasks) {
    return most_units(size, layout_groups(size, n_replicas, n_tasks), n_replicas, n_tasks);
}

int64_t layout_most_tasks(int64_t n_tasks, int64_t n_ranks) {
    int64_t most = 2 * ceil_divide(n_tasks, n_ranks);
    return most < n_tasks ? most : n_tasks;
}

/* Fills part after part up to `limit`. Do all tasks fit? */
static bool cut_below(double limit, int64_t n_tasks, int64_t n_parts, const double *cost, int64_t *first) {
    int64_t most = layout_most_tasks(n_tasks, n_parts), at = 0;
    for (int64_t part = 0; part < n_parts; part++) {
        double sum = 0;
        first[part] = at;
        while (at < n_tasks && at - first[part] < most && sum + cost[at] <= limit) sum += cost[at++];
    }
    first[n_parts] = n_tasks;
    return at == n_tasks;
}

void layout_cut(int64_t n_tasks, int64_t n_parts, const double *cost, int64_t *first) {
    enum { HALVINGS = 60 };
    double low = 0, high = 0;
    for (int64_t i = 0; i < n_tasks; i++) high += cost[i];
    high = high > 0 ? 2 * high : 1; /* beyond what rounding can do */
    for (int i = 0; i < HALVINGS; i++) {
        double middle = low + (high - low) / 2;
        if (cut_below(middle, n_tasks, n_parts, cost, first)) high = middle;
        else low = middle;
    }
    cut_below(high, n_tasks, n_parts, cost, first);
}
