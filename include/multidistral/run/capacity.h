/* The memory that a run takes, and whether a machine holds it, or the part of one that the run may take (base/machine). Local,
 * but for what takes a communicator. */
#ifndef MULTIDISTRAL_RUN_CAPACITY_H
#define MULTIDISTRAL_RUN_CAPACITY_H

#include <mpi.h>

#include "multidistral/run/layout.h"
#include "multidistral/run/plan.h"

/* Bytes that the busiest of `size` ranks takes at most, if it reaches every row that it can, and gets as many tasks as it can. */
uint64_t capacity_bytes(const struct plan *plan, int size);

/* Does a machine with `ranks_here` of `size` ranks hold their tables, `own` being one rank's share? Those that are addressed directly
 * may come to be used to the last row; of larger ones nobody knows how much will be reached, and capacity_is_used_up watches them. */
bool capacity_suffices(const struct plan *plan, const struct layout *own, int size, int ranks_here, struct fault *why);

/* May tasks move between ranks, which can leave a rank twice as many? */
bool capacity_allows_spreading(const struct plan *plan, int size, int ranks_here);

/* Do the tables fill the machine now? Never with tables that are addressed directly, which capacity_suffices has answered for: asking
 * takes as long as a game. Collective over node: the ranks of the run that share this machine; there may be those of other runs. */
bool capacity_is_used_up(const struct plan *plan, MPI_Comm node, int ranks_here);

/* The question itself, for tests: do ranks that hold `own` bytes each fill a machine of so many? Those that are not asked, being of
 * other runs, are taken to hold as much as those that are. Collective over node. */
bool capacity_fills(double own, MPI_Comm node, int ranks_here, double machine);

#endif
