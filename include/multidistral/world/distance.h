/* How many moves (down, up, left, right) lead from a cell of a map to each other cell, other agents left out. */
#ifndef MULTIDISTRAL_WORLD_DISTANCE_H
#define MULTIDISTRAL_WORLD_DISTANCE_H

#include "multidistral/world/task.h"

enum { DISTANCE_NONE = -1 }; /* of a wall, and of a cell that no way leads to */

struct distances {
    int *to;    /* [rows][columns] moves to each cell, or DISTANCE_NONE */
    int *order; /* [n] the cells that a way leads to, nearest first; order[0] is the cell itself */
    int n;
};

/* Room for distances on the map of a task, of which only rows, columns and wall are looked at. The caller owns it:
 * distances_destroy. */
void distances_create(struct distances *distances, const struct task *task);
void distances_destroy(struct distances *distances);

/* All distances from `place` (row * columns + column), a free cell of the same map. */
void distances_from(struct distances *distances, const struct task *task, int place);

#endif
