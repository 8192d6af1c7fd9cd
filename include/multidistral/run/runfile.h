/* The run file: one HDF5 file with everything that a run knows, and all that resuming needs (data/README.md has the
 * layout).
 *
 * It is written whole beside the old one, closed, read back and compared, sealed, flushed to disk, and renamed over the old
 * one, which stays as PATH.prev: at every instant there is one complete file. More old ones may stay (output.h): PATH.prev2, ... */
#ifndef MULTIDISTRAL_RUN_RUNFILE_H
#define MULTIDISTRAL_RUN_RUNFILE_H

#include <mpi.h>

#include "multidistral/run/output.h"
#include "multidistral/run/trainer.h"

enum { RUNFILE_VERSION = 3 }; /* of the layout; another number is refused */

/* What may differ between two runs of the same plan: /provenance. */
struct provenance {
    char command[1024];
    char started[32], written[32]; /* UTC, ISO 8601 */
    double seconds;                /* of training, in this process */
    double steps_per_second;       /* environment steps of all ranks */
};

/* Writes the trainer's state. Collective. When a rank cannot open the new file or has no memory for it, the data cannot be read back as
 * written, or the place is held no more, no file is replaced and all ranks return false. A call into HDF5, or of HDF5 into MPI's files, that fails ends
 * the job from the rank where it failed: the others wait in a collective call that cannot be left.
 *   place  what holds the path, on rank 0; NULL: nobody else can be there */
bool runfile_write(const char *path, const struct output *place, const struct trainer *trainer,
                   const struct provenance *provenance, struct fault *why);

/* Reads settings and tasks, and how many iterations are done: what plan_create needs. The first to be called on a file: it
 * looks at the seal (seal.h), which the others do not look at again. Of a damaged file the fault names the damaged parts, and
 * the last of the files before it that is whole. Local; by one rank.
 * The tasks are an array that the caller hands to plan_create; after a failure there is none, and *tasks is NULL if it was. */
bool runfile_read_plan(const char *path, struct config *config, struct task **tasks, int *n_tasks,
                       int64_t *iterations_done, struct fault *why);

/* Calls `see` with each part of the file (seal.h) and whether it is as it was written. False when one is not, or the file is no
 * sealed run file of this version. Local. */
struct seal_part;
bool runfile_check(const char *path, void (*see)(const struct seal_part *part, bool whole), struct fault *why);

/* Fills a trainer just created from the file's plan: values, distilled policies, curves, iteration. Each rank reads
 * its own part. Collective. After a failure the trainer may only be destroyed. A file that another run replaces meanwhile is
 * refused where ranks would have parts of two, or where it has more iterations than the plan, here and below. */
bool runfile_read_state(const char *path, struct trainer *trainer, struct fault *why);

/* Policies of one replica, by the rows that the file knows. */
struct runfile_distilled {
    int64_t iterations; /* done in this file, which another run may have replaced since its plan was read */
    uint64_t *row; /* [n_rows], rising */
    int64_t n_rows, n_actions;
    float *pi0; /* [plan_n_distilled][n_rows][n_actions] */
};

/* A run that goes on puts a new file in the place of its old one. Does the file read now have the iterations of the one read before? */
bool runfile_is_same(const char *path, int64_t iterations, int64_t before, struct fault *why);

/* Reads those of a run file whose plan this is; the caller owns row and pi0: free(). Local. After a failure there is
 * nothing to free. */
bool runfile_read_distilled(const char *path, const struct plan *plan, int64_t replica, struct runfile_distilled *out,
                            struct fault *why);

/* Does the run have a distilled policy: is pi_0 of its first replica other than uniform anywhere? Local. */
bool runfile_has_distilled(const char *path, const struct plan *plan, bool *has, struct fault *why);

/* Reads the task policies of one replica and task: pi0 [agent][n_rows][n_actions] of `out`, likewise. */
bool runfile_read_learned(const char *path, const struct plan *plan, int64_t replica, int64_t task,
                          struct runfile_distilled *out, struct fault *why);

/* Reads the task policies of the last M-step, each rank those of its own units, into policies just created (uniform):
 *   policy  [own replicas][own tasks][agent]  out; a row that the file does not have stays unknown
 * Collective. After a failure they may only be destroyed. */
bool runfile_read_policies(const char *path, const struct trainer *trainer, struct distilled *policy,
                           struct fault *why);

/* A curve of the whole run, [replica][iteration][task][width], and its size; the caller owns values: free(). After a failure
 * there are none. Local. */
struct runfile_curve {
    int64_t n_replicas, n_iterations, n_tasks, width;
    double *values;
};
bool runfile_read_curve(const char *path, enum curve curve, struct runfile_curve *out, struct fault *why);

/* The optima of all tasks, [n_tasks]; NaN where unknown. Local. */
bool runfile_read_optima(const char *path, int n_tasks, double *optimum, struct fault *why);

/* Writes the summary of a sweep (sweep.h): /settings/NAME texts and measures with intervals, [combination] each; read back
 * and put in place as run files are. Local. */
struct sweep;
struct sweep_table;
bool runfile_write_summary(const char *path, const struct sweep *sweep, const struct sweep_table *table,
                           struct fault *why);

/* Calls `see` with each attribute of /provenance as text. Local. */
bool runfile_read_provenance(const char *path, void (*see)(const char *name, const char *value), struct fault *why);

#endif
