/* Which rank owns which (replica, task) units.
 *
 * Ranks split into groups; a group owns some replicas, and its ranks split the tasks of those replicas. So every rank
 * owns a box: a range of replicas times a range of tasks, which may be empty. */
#ifndef MULTIDISTRAL_RUN_LAYOUT_H
#define MULTIDISTRAL_RUN_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

struct range {
    int64_t first, n;
};

struct layout {
    int64_t n_groups, group;
    struct range replicas; /* of this rank's group */
    struct range tasks;    /* of this rank; n = 0 for a rank without work */
    bool leads;            /* is this the first rank of its group? */
};

/* Part `i` of `n` things cut into `parts` parts, as equal as can be. */
struct range layout_part(int64_t n, int64_t parts, int64_t i);

/* How many groups leave the busiest rank the fewest units; the most of them, if several do. */
int64_t layout_groups(int size, int64_t n_replicas, int64_t n_tasks);

/* The layout of a rank in so many groups. */
struct layout layout_in_groups(int64_t n_groups, int rank, int size, int64_t n_replicas, int64_t n_tasks);

/* The layout that gives the busiest rank the fewest units; among those, the one with the most groups, which has the
 * least to communicate. Local: a function of its arguments. */
struct layout layout_of(int rank, int size, int64_t n_replicas, int64_t n_tasks);

/* Most tasks that a rank may get by their cost, of n_tasks for n_ranks: twice as many as in equal parts. */
int64_t layout_most_tasks(int64_t n_tasks, int64_t n_ranks);

/* Cuts tasks in a row into parts, so that the largest cost of a part is as small as can be with at most layout_most_tasks
 * in each.
 *   cost   [n_tasks]      at least 0
 *   first  [n_parts + 1]  out: the first task of each part, and n_tasks behind the last; a part may be empty */
void layout_cut(int64_t n_tasks, int64_t n_parts, const double *cost, int64_t *first);

/* Units of the busiest rank of equal parts. */
int64_t layout_most_units(int size, int64_t n_replicas, int64_t n_tasks);

#endif
