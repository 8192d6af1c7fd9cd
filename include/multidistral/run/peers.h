/* The other ranks: how many share this machine, and hosts that are lost. MPI waits for ever for a rank whose host no longer answers: a cut link, a machine without power. */
#ifndef MULTIDISTRAL_RUN_PEERS_H
#define MULTIDISTRAL_RUN_PEERS_H

#include <mpi.h>

enum { PEERS_SILENCE = 18 /* seconds without a sign of life after which a host counts as lost */ };

/* From now on a thread watches this process's TCP connections, those that MPI opens later too. When the machine at
 * the other end has not answered for PEERS_SILENCE, though asked, the process says so, ends its mpirun where that is its
 * parent, and itself with status 1: on each side of the cut, without the help of the other. It is the machines'
 * kernels that ask and answer: a rank that computes for hours is not silent, nor is one that is stopped. Collective;
 * once, after MPI_Init; connects all ranks (of very many, some on each host) to rank 0.
 * The watch needs Linux, and MPI over TCP; elsewhere lost hosts are left to the launcher. */
void peers_watch(void);

/* Ranks of the job that share this machine: those of MPI_COMM_WORLD once peers_watch was called, before it those of comm alone,
 * which may be some of many groups. Collective over comm. */
int peers_here(MPI_Comm comm);

/* The ranks of comm that share this machine, in the order of comm. The caller frees it: MPI_Comm_free. Collective over comm. */
MPI_Comm peers_node(MPI_Comm comm);

#endif
