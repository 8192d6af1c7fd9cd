/* The free cells of all tasks of a run, numbered together: the union over the tasks, in row-major order.
 *
 * One numbering for all tasks makes a row of a table mean the same place in each of them, and keeps tables small: 23
 * cells for the two-room tasks, not 63. */
#ifndef MULTIDISTRAL_WORLD_CELLS_H
#define MULTIDISTRAL_WORLD_CELLS_H

#include "multidistral/base/fault.h"
#include "multidistral/world/task.h"

struct cells {
    int rows, columns; /* of the largest map */
    int n;             /* cells that are free in at least one task */
    int *number;       /* [rows][columns]; -1: a wall everywhere */
    int *row, *column; /* [n] */
};

/* False when there are more than TASK_CELLS. */
bool cells_create(struct cells *cells, const struct task *tasks, int n_tasks, struct fault *why);
void cells_destroy(struct cells *cells);

/* The number of the cell at `place` (row * columns + column) of a task's own map. */
int cells_number(const struct cells *cells, const struct task *task, int place);

/* Has every free cell of a task a number? For a task that the cells were not made of. False, with a reason that names
 * the task and its first free cell without one. */
bool cells_cover(const struct cells *cells, const struct task *task, struct fault *why);

#endif
