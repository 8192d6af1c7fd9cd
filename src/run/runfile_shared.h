/* A file that all ranks write together. Open MPI 4.1 waits for ever where one rank alone fails, or says success: here all ranks open the
 * file before MPI does, or none does, and whatever fails later ends the job. Private to runfile_*.c. */
#ifndef MULTIDISTRAL_RUN_RUNFILE_SHARED_H
#define MULTIDISTRAL_RUN_RUNFILE_SHARED_H

#include <mpi.h>
#include <stdbool.h>

#include "multidistral/base/fault.h"

struct shared_file {
    int own; /* this rank's descriptor of it */
    char name[4096]; /* by which this rank's MPI is to open it; ranks may have different ones */
};

/* Makes an empty file at path, where none is, and opens it on every rank of comm. Until shared_close it is the one being written: one at
 * a time. Collective. False on all ranks: the lowest that could not, and why; the file is removed then, and there is nothing to close. */
bool shared_create(struct shared_file *file, const char *path, MPI_Comm comm, struct fault *why);

/* After MPI has closed it. Local. */
void shared_close(struct shared_file *file);

/* Says that the file being written cannot be, and why; removes it, and aborts the job. For what one rank alone cannot leave.
 * The functions of MPI that read or write files call it too when they fail. */
void shared_end_job(const char *reason);

#endif
