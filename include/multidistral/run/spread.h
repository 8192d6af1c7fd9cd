/* Tasks move between the ranks of a group, so that all play about as long.
 *
 * Games of one task may take many times as long as those of another, and nobody knows it before they are played. So the
 * processor seconds of each task are measured, and the group's tasks are cut anew after 1, 2, 4, 8 ... iterations where that pays.
 * What a run computes does not depend on who owns which task. */
#ifndef MULTIDISTRAL_RUN_SPREAD_H
#define MULTIDISTRAL_RUN_SPREAD_H

#include "multidistral/run/trainer.h"

/* Cuts the tasks of this group by their cost, and moves those that get another owner.
 *   cost  [n_tasks]  at least 0, in any unit; the same on all ranks of the group
 * Collective over the group, between two iterations: what only the last iteration left (returns of single games, steps in
 * cells) is gone until the next one. */
void spread_by_cost(struct trainer *trainer, const double *cost);

/* The same by the seconds that each task took since it was last asked, if it is time to ask and the rank that plays longest
 * would play a tenth less. Collective over the group, between two iterations. */
void spread_when_due(struct trainer *trainer);

#endif
