/* Transfer: a run that begins under the distilled policies of another one, the T of Distral [T17]. */
#ifndef MULTIDISTRAL_RUN_PRIOR_H
#define MULTIDISTRAL_RUN_PRIOR_H

#include "multidistral/run/trainer.h"

/* Gives a trainer just created the distilled policies of a run file. Rows travel by what they say: a cell of one run is
 * the cell at the same row and column of the other, and rows about cells that are free in no task here are left out.
 * Replica r takes that of replica r, counted round where the file has fewer. Collective. False when the file cannot be
 * read, or its run differs in the number of agents, in what agents observe, or in how they share. */
bool prior_read(const char *path, struct trainer *trainer, struct fault *why);

#endif
