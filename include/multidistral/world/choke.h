/* The choke points of a map: its free cells without which some others would be cut off from each other (the articulation
 * points of the graph of free cells). The corridor between two rooms is made of them. */
#ifndef MULTIDISTRAL_WORLD_CHOKE_H
#define MULTIDISTRAL_WORLD_CHOKE_H

#include "multidistral/world/task.h"

/* Fills choke [rows][columns] for a map, of which only rows, columns and wall are looked at. Time and memory follow the
 * size of the map; no recursion. */
void choke_find(const struct task *task, bool *choke);

/* The parts that the free cells fall into without the choke points, numbered from 0 in row-major order: part [rows][columns],
 * -1 of walls. A choke point belongs to the nearest part, to the first of several. */
void choke_parts(const struct task *task, const bool *choke, int *part);

#endif
