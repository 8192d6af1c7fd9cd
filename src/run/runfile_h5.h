/* HDF5 as the run file uses it: named axes, boxes of datasets, and errors in one sentence. Private to runfile_*.c. */
#ifndef MULTIDISTRAL_RUN_RUNFILE_H5_H
#define MULTIDISTRAL_RUN_RUNFILE_H5_H

#include <hdf5.h>
#include <mpi.h>
#include <stdbool.h>

#include "multidistral/base/fault.h"
#include "multidistral/run/layout.h"
#include "runfile_shared.h"

/* The axes of datasets: each is a dimension scale in the root group. */
enum h5_axis {
    AXIS_REPLICA, AXIS_ITERATION, AXIS_TASK, AXIS_AGENT, AXIS_SHARED, AXIS_ROW, AXIS_ACTION, AXIS_PART, AXIS_CELL,
    AXIS_COORDINATE, AXIS_GAME, AXIS_COUNT
};
extern const char *const h5_axis_name[AXIS_COUNT];

enum { H5_AXES = 5 };

/* A box of a dataset: along each axis its length, and this rank's part. */
struct h5_box {
    int n_axes;
    enum h5_axis axis[H5_AXES];
    hsize_t length[H5_AXES], first[H5_AXES], n[H5_AXES];
};

/* Appends an axis, slowest first. */
void h5_box_add(struct h5_box *box, enum h5_axis axis, int64_t length, struct range part);

/* Number of values in this rank's part. */
int64_t h5_box_values(const struct h5_box *box);

/* A fixed-length string type; the caller closes it. */
hid_t h5_text_type(size_t bytes);

/* What HDF5 says of its last error. */
void h5_reason(char *out, size_t size);

/* The id or status of a call that must not fail: a failure ends the job (shared_end_job). For collective writing. */
int64_t h5_must(int64_t result, const char *what, const char *path);

/* ---- Writing: collective ---- */

/* A dataset just written, to be read back. */
struct h5_written {
    char path[64];
    struct h5_box box;
    hid_t type; /* owned */
    uint64_t checksum;
};

struct h5_writer {
    struct shared_file shared;
    hid_t file;
    int rank;
    struct h5_written *written; /* [n_written] */
    int n_written;
};

/* The file begins with room for a seal. False on all ranks: one of them cannot open it, and why; there is nothing to close then. */
bool h5_create(struct h5_writer *writer, const char *path, MPI_Comm comm, struct fault *why);
void h5_group(struct h5_writer *writer, const char *path);

/* The scale of an axis: [length] values, the same on all ranks; written by rank 0. `meaning` may be NULL. */
void h5_scale(struct h5_writer *writer, enum h5_axis axis, int64_t length, hid_t type, const void *values,
              const char *meaning);

/* A dataset on scales already there, which are linked into its group; `values` is this rank's part. unit and meaning may be NULL. */
void h5_dataset(struct h5_writer *writer, const char *path, const struct h5_box *box, hid_t type, const void *values,
                const char *unit, const char *meaning);

/* The same without scales: for what differs from run to run. A scale refers to its datasets, and h5diff would compare
 * them through it. */
void h5_dataset_apart(struct h5_writer *writer, const char *path, const struct h5_box *box, hid_t type,
                      const void *values, const char *unit, const char *meaning);

void h5_attribute_text(struct h5_writer *writer, const char *path, const char *name, const char *value);
void h5_attribute_real(struct h5_writer *writer, const char *path, const char *name, double value);
void h5_attribute_integer(struct h5_writer *writer, const char *path, const char *name, int64_t value);

void h5_close(struct h5_writer *writer);

/* Does this rank's part of each dataset, read with the POSIX driver, equal what was written? Local. */
bool h5_verify(const struct h5_writer *writer, const char *path, struct fault *why);

/* Seals the closed file, with a part for each dataset. Local; on one rank. */
bool h5_seal(const struct h5_writer *writer, const char *path, struct fault *why);

void h5_forget(struct h5_writer *writer);

/* ---- Reading: local ---- */

bool h5_readable(const char *path, struct fault *why); /* a regular file that may be read? */
hid_t h5_open(const char *path, struct fault *why); /* negative: not there, or no HDF5 file */

/* The length of each axis of a dataset; false if it is missing, has not n_axes axes, or more values than the file bytes. */
bool h5_lengths(hid_t file, const char *path, int n_axes, hsize_t *length, struct fault *why);

/* Reads a box; false when the dataset is missing or its axes have not the box's lengths. */
bool h5_read(hid_t file, const char *path, const struct h5_box *box, hid_t type, void *values, struct fault *why);

/* The n strings of a one-dimensional text dataset, NUL-terminated, *bytes apart; the caller owns them. NULL: why. */
char *h5_read_texts(hid_t file, const char *path, int64_t *n, size_t *bytes, struct fault *why);

bool h5_read_attribute_integer(hid_t file, const char *path, const char *name, int64_t *value, struct fault *why);
char *h5_read_attribute_text(hid_t file, const char *path, const char *name, struct fault *why); /* owned; NULL: why */

#endif
