/* The parts of a run file, each written by all ranks into a file that is open. Private to runfile_write*.c. */
#ifndef MULTIDISTRAL_RUN_RUNFILE_WRITE_H
#define MULTIDISTRAL_RUN_RUNFILE_WRITE_H

#include "multidistral/run/runfile.h"
#include "runfile_h5.h"

/* What is written, and what it is written from. */
struct writing {
    struct h5_writer h5;
    const struct trainer *trainer;
    const struct plan *plan;
    uint64_t *row; /* [n_rows]: the observations that anyone knows anything about */
    int64_t n_rows;
    uint64_t row_room;
};

static inline struct range all(int64_t n) { return (struct range){0, n}; }

/* The whole of something that all ranks know: rank 0 writes it. */
static inline struct range by_first(const struct writing *w, int64_t n) {
    return (struct range){0, w->h5.rank == 0 ? n : 0};
}

/* Axes, settings, tasks, and how a row index maps to an observation. The axes come first: datasets are on them. Collective. */
void write_plan(struct writing *w);

/* Curves, policies and values: each rank its own part. Collective. */
void write_state(struct writing *w);

/* What differs from run to run. Collective. */
void write_provenance(struct writing *w, const struct provenance *provenance);

#endif
