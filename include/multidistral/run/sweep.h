/* Many runs that differ in some settings: every combination of the values given, each a run file of its own in one
 * folder. The ranks split into groups, which train different combinations at the same time; a run's numbers depend on
 * neither. */
#ifndef MULTIDISTRAL_RUN_SWEEP_H
#define MULTIDISTRAL_RUN_SWEEP_H

#include "multidistral/base/statistics.h"
#include "multidistral/run/plan.h"
#include "multidistral/run/training.h"

/* ---- The combinations ---- */

struct sweep_axis {
    int setting;  /* of config.h */
    int n;
    char **value; /* [n] texts */
};

struct sweep {
    int n_axes;
    struct sweep_axis *axis; /* [n_axes] in the order of settings; the last changes fastest */
    int64_t n;               /* combinations */
};

enum { SWEEP_MOST = 100000 }; /* combinations */

/* From the texts of settings [config_count()], NULL where not given: those with commas in them are axes. The caller owns
 * the sweep: sweep_destroy, also after a failure. Local. */
bool sweep_create(struct sweep *sweep, char *const *setting, struct fault *why);
void sweep_destroy(struct sweep *sweep);

/* The text of an axis in a combination. */
const char *sweep_value(const struct sweep *sweep, int64_t combination, int axis);

/* The run file of a combination, FOLDER/alpha=0.5_beta=2.h5; the caller owns it: free(). */
char *sweep_path(const struct sweep *sweep, const char *folder, int64_t combination);

/* ---- Training them ---- */

/* No run file; one to go on with; one that is complete; not to be trained here, being of another share. */
enum sweep_state { SWEEP_NEW, SWEEP_BEGUN, SWEEP_DONE, SWEEP_ELSEWHERE };
bool sweep_is_to_do(enum sweep_state state);

/* Can run files and summaries be written in this folder, which is there: are their names short enough, and their places no
 * folders or devices? Local. */
bool sweep_check_places(const struct sweep *sweep, const char *folder, struct fault *why);

/* What the place of a run file holds for a plan, which may have more iterations than the file's. False when there is a file
 * of another run, or none but the one before it. Local. */
bool sweep_look(const char *path, const struct plan *plan, enum sweep_state *state, struct fault *why);

struct sweep_job {
    const struct sweep *sweep;
    const struct plan *plan;   /* [sweep->n] */
    const enum sweep_state *state; /* [sweep->n] */
    const char *folder, *command;
    double checkpoint_seconds, began, max_seconds; /* as in struct training; the limit is that of the whole sweep */
};

/* Trains what is not done. Collective over world, with the same job on all ranks and one outcome for all. The first rank of
 * a group says what it finished, with `say`. A signal stops it as it stops training_run, and so does the limit; calling it
 * again goes on. A group begins a combination if there is time for the most that one of its others took to be set up, for an
 * iteration and for saving, and half of it: combinations that differ much in size may take longer. */
enum training_end sweep_train(const struct sweep_job *job, MPI_Comm world,
                              void (*say)(const struct sweep_job *job, int64_t combination, double mean_return),
                              struct fault *why);

/* ---- What came out ---- */

enum { SWEEP_REPLICAS = 5 }; /* with less there are no intervals: of so few values a bootstrap is too certain */

enum sweep_measure { SWEEP_RETURN, SWEEP_RETURN_M, SWEEP_RETURN_ALL, SWEEP_FINISHED, SWEEP_MEASURES };
extern const struct curve_about sweep_measure_about[SWEEP_MEASURES];

/* Of each combination, over replicas: mean over tasks and agents, with its interval. */
struct sweep_table {
    struct estimate (*row)[SWEEP_MEASURES]; /* [sweep->n] */
    bool replaces; /* does it take the place of another one, which stays as summary.csv.prev and summary.h5.prev? */
};

/* Reads the run files, writes FOLDER/summary.csv and FOLDER/summary.h5. Local; by one rank, when all are done. The caller
 * owns the table's rows: free(), also after a failure. */
bool sweep_summarize(const struct sweep *sweep, const char *folder, struct sweep_table *table, struct fault *why);

#endif
