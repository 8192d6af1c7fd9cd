/* Exact sums over ranks. Only what somebody visited travels. */
#ifndef MULTIDISTRAL_RUN_REDUCE_H
#define MULTIDISTRAL_RUN_REDUCE_H

#include <mpi.h>

#include "multidistral/base/fault.h"
#include "multidistral/learn/distill.h"

/* Sums visit counts over the ranks of comm: afterwards every rank holds the sums, and the same list of visited rows in
 * ascending order. Collective; a rank that visited nothing takes part all the same.
 *   visits  [n]  in and out; of equal n_rows and n_actions, the same n on all ranks
 * Returns the bytes, of counts and of lists of rows, that this rank put into the reduction; 0 for a rank alone. */
int64_t reduce_visits(struct visits *visits, int n, MPI_Comm comm);

/* The union over ranks of lists of rows: afterwards every rank has the same list, in ascending order. Collective.
 *   row  in: n numbers below n_rows, in any order, each any number of times; out: room for n_rows is needed
 * Returns how many there are. */
uint64_t reduce_rows(uint64_t *row, uint64_t n, uint64_t n_rows, MPI_Comm comm);

/* Small news that all ranks must agree on; each is true for all as soon as it is for one. Collective. */
struct verdict {
    int stop, save, full, show; /* leave the loop; write the run file; memory is at its end; show progress */
};
struct verdict reduce_verdict(struct verdict own, MPI_Comm comm);

/* Brings a fault of any rank to all: false everywhere if ok is false anywhere; the lowest such rank's reason. */
bool reduce_fault(bool ok, struct fault *why, MPI_Comm comm);

#endif
