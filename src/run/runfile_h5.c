#include "runfile_h5.h"

#include <errno.h>
#include <hdf5_hl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "multidistral/base/memory.h"
#include "multidistral/run/seal.h"

const char *const h5_axis_name[AXIS_COUNT] = {
    [AXIS_REPLICA] = "replica", [AXIS_ITERATION] = "iteration", [AXIS_TASK] = "task",
    [AXIS_AGENT] = "agent",     [AXIS_SHARED] = "shared",       [AXIS_ROW] = "row",
    [AXIS_ACTION] = "action",   [AXIS_PART] = "part",           [AXIS_CELL] = "cell",
    [AXIS_COORDINATE] = "coordinate", [AXIS_GAME] = "game",
};

void h5_box_add(struct h5_box *box, enum h5_axis axis, int64_t length, struct range part) {
    box->axis[box->n_axes] = axis;
    box->length[box->n_axes] = (hsize_t)length;
    box->first[box->n_axes] = (hsize_t)part.first;
    box->n[box->n_axes] = (hsize_t)part.n;
    box->n_axes++;
}

int64_t h5_box_values(const struct h5_box *box) {
    int64_t values = 1;
    for (int i = 0; i < box->n_axes; i++) values *= (int64_t)box->n[i];
    return values;
}

hid_t h5_text_type(size_t bytes) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, bytes > 0 ? bytes : 1);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    return type;
}

/* ---- Errors ---- */

static herr_t keep_deepest(unsigned n, const H5E_error2_t *error, void *out) {
    if (n == 0 && error->desc) snprintf(out, 256, "%s", error->desc);
    return 0;
}

void h5_reason(char *out, size_t size) {
    char deepest[256] = "HDF5 gives no reason";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_deepest, deepest);
    snprintf(out, size, "%s", deepest);
}

int64_t h5_must(int64_t result, const char *what, const char *path) {
    char deepest[256], reason[512];
    if (result >= 0) return result;
    h5_reason(deepest, sizeof deepest);
    snprintf(reason, sizeof reason, "%s %s: %s", what, path, deepest);
    shared_end_job(reason);
    return result;
}

/* HDF5 prints a stack of its own for each error unless told not to. It keeps for ever how texts and references of a file are
 * converted, known by where the file's struct is: where that is given back, and the next file's is elsewhere, each file costs 5 kB.
 * So structs are never given back, and arrays and blocks, whose sizes follow those of the data, always. */
static void prepare(void) {
    enum { NOTHING = 0, ALL = -1 };
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5set_free_list_limits(ALL, ALL, NOTHING, NOTHING, NOTHING, NOTHING);
}

/* ---- Spaces ---- */

static hid_t whole_space(const struct h5_box *box) { return H5Screate_simple(box->n_axes, box->length, NULL); }

static hid_t part_space(const struct h5_box *box) {
    hid_t space = whole_space(box);
    if (h5_box_values(box) == 0) H5Sselect_none(space);
    else H5Sselect_hyperslab(space, H5S_SELECT_SET, box->first, NULL, box->n, NULL);
    return space;
}

static hid_t memory_space(const struct h5_box *box) {
    hid_t space = H5Screate_simple(box->n_axes, box->n, NULL);
    if (h5_box_values(box) == 0) H5Sselect_none(space);
    return space;
}

/* As FNV-1a, but eight bytes at a time. */
static uint64_t checksum(const void *data, size_t bytes) {
    uint64_t sum = UINT64_C(14695981039346656037), word = 0;
    for (size_t at = 0; at < bytes; at += sizeof word) {
        memcpy(&word, (const char *)data + at, bytes - at < sizeof word ? bytes - at : sizeof word);
        sum = (sum ^ word) * UINT64_C(1099511628211);
        sum ^= sum >> 32;
    }
    return sum;
}

/* ---- Writing ---- */

bool h5_create(struct h5_writer *writer, const char *path, MPI_Comm comm, struct fault *why) {
    prepare();
    *writer = (struct h5_writer){0};
    MPI_Comm_rank(comm, &writer->rank);
    if (!shared_create(&writer->shared, path, comm, why)) return false;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_userblock(creation, SEAL_BYTES);
    H5Pset_fapl_mpio(access, comm, MPI_INFO_NULL);
    H5Pset_all_coll_metadata_ops(access, true);
    H5Pset_coll_metadata_write(access, true);
    writer->file = h5_must(H5Fcreate(writer->shared.name, H5F_ACC_TRUNC, creation, access), "creating", path);
    H5Pclose(creation);
    H5Pclose(access);
    return true;
}

void h5_group(struct h5_writer *writer, const char *path) {
    hid_t group = h5_must(H5Gcreate2(writer->file, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), "creating", path);
    H5Gclose(group);
}

static hid_t create_dataset(struct h5_writer *writer, const char *path, const struct h5_box *box, hid_t type) {
    hid_t space = whole_space(box), how = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(how, false);
    H5Pset_fill_time(how, H5D_FILL_TIME_NEVER);
    hid_t dataset =
        h5_must(H5Dcreate2(writer->file, path, type, space, H5P_DEFAULT, how, H5P_DEFAULT), "creating", path);
    H5Pclose(how);
    H5Sclose(space);
    return dataset;
}

/* Does the dataset hold nothing at all? HDF5 has no place in the file for it then, and refuses access. */
static bool is_empty(const struct h5_box *box) {
    for (int i = 0; i < box->n_axes; i++)
        if (box->length[i] == 0) return true;
    return false;
}

static void write_part(hid_t dataset, const char *path, const struct h5_box *box, hid_t type, const void *values) {
    if (is_empty(box)) return;
    hid_t memory = memory_space(box), part = part_space(box), how = H5Pcreate(H5P_DATASET_XFER);
    H5Pset_dxpl_mpio(how, H5FD_MPIO_COLLECTIVE);
    h5_must(H5Dwrite(dataset, type, memory, part, how, values), "writing", path);
    H5Pclose(how);
    H5Sclose(part);
    H5Sclose(memory);
}

static void remember(struct h5_writer *writer, const char *path, const struct h5_box *box, hid_t type,
                     const void *values) {
    writer->written = memory_resized(writer->written, (size_t)writer->n_written + 1, sizeof *writer->written);
    struct h5_written *w = &writer->written[writer->n_written++];
    *w = (struct h5_written){.box = *box, .type = H5Tcopy(type)};
    snprintf(w->path, sizeof w->path, "%s", path);
    w->checksum = checksum(values, (size_t)h5_box_values(box) * H5Tget_size(type));
}

/* Makes the scale appear in the group of the dataset too, where xarray looks for coordinates. */
static void link_scale(struct h5_writer *writer, const char *path, const char *scale) {
    char link[128];
    const char *slash = strchr(path, '/');
    snprintf(link, sizeof link, "%.*s/%s", slash ? (int)(slash - path) : 0, path, scale);
    if (!slash || H5Lexists(writer->file, link, H5P_DEFAULT) > 0) return;
    h5_must(H5Lcreate_hard(writer->file, scale, writer->file, link, H5P_DEFAULT, H5P_DEFAULT), "linking", link);
}

static void attach_scales(struct h5_writer *writer, hid_t dataset, const char *path, const struct h5_box *box) {
    for (int i = 0; i < box->n_axes; i++) {
        hid_t scale = h5_must(H5Dopen2(writer->file, h5_axis_name[box->axis[i]], H5P_DEFAULT), "opening the scale of", path);
        h5_must(H5DSattach_scale(dataset, scale, (unsigned)i), "attaching scales to", path);
        H5Dclose(scale);
        link_scale(writer, path, h5_axis_name[box->axis[i]]);
    }
}

static hid_t write_dataset(struct h5_writer *writer, const char *path, const struct h5_box *box, hid_t type,
                           const void *values) {
    hid_t dataset = create_dataset(writer, path, box, type);
    write_part(dataset, path, box, type, values);
    remember(writer, path, box, type, values);
    return dataset;
}

static void describe(struct h5_writer *writer, const char *path, const char *unit, const char *meaning) {
    if (unit) h5_attribute_text(writer, path, "units", unit);
    if (meaning) h5_attribute_text(writer, path, "long_name", meaning);
}

void h5_scale(struct h5_writer *writer, enum h5_axis axis, int64_t length, hid_t type, const void *values,
              const char *meaning) {
    const char *name = h5_axis_name[axis];
    struct h5_box box = {0};
    h5_box_add(&box, axis, length, (struct range){0, writer->rank == 0 ? length : 0});
    hid_t dataset = write_dataset(writer, name, &box, type, values);
    h5_must(H5DSset_scale(dataset, name), "making a scale of", name);
    H5Dclose(dataset);
    describe(writer, name, NULL, meaning);
}

void h5_dataset(struct h5_writer *writer, const char *path, const struct h5_box *box, hid_t type, const void *values,
                const char *unit, const char *meaning) {
    hid_t dataset = write_dataset(writer, path, box, type, values);
    attach_scales(writer, dataset, path, box);
    H5Dclose(dataset);
    describe(writer, path, unit, meaning);
}

void h5_dataset_apart(struct h5_writer *writer, const char *path, const struct h5_box *box, hid_t type,
                      const void *values, const char *unit, const char *meaning) {
    H5Dclose(write_dataset(writer, path, box, type, values));
    describe(writer, path, unit, meaning);
}

static void attribute(struct h5_writer *writer, const char *path, const char *name, hid_t type, const void *value) {
    hid_t object = h5_must(H5Oopen(writer->file, path, H5P_DEFAULT), "opening", path), space = H5Screate(H5S_SCALAR);
    hid_t a = h5_must(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT), "creating an attribute of", path);
    h5_must(H5Awrite(a, type, value), "writing an attribute of", path);
    H5Aclose(a);
    H5Sclose(space);
    H5Oclose(object);
}

void h5_attribute_text(struct h5_writer *writer, const char *path, const char *name, const char *value) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    attribute(writer, path, name, type, &value);
    H5Tclose(type);
}

void h5_attribute_real(struct h5_writer *writer, const char *path, const char *name, double value) {
    attribute(writer, path, name, H5T_NATIVE_DOUBLE, &value);
}

void h5_attribute_integer(struct h5_writer *writer, const char *path, const char *name, int64_t value) {
    attribute(writer, path, name, H5T_NATIVE_INT64, &value);
}

void h5_close(struct h5_writer *writer) {
    h5_must(H5Fclose(writer->file), "closing", "it");
    shared_close(&writer->shared);
}

static bool same_as_written(hid_t file, const struct h5_written *w, struct fault *why) {
    size_t bytes = (size_t)h5_box_values(&w->box) * H5Tget_size(w->type);
    void *values = memory_zeros(bytes, 1);
    bool same = h5_read(file, w->path, &w->box, w->type, values, why);
    if (same && checksum(values, bytes) != w->checksum)
        same = fault_set(why, "%s reads back other than it was written; is the disk full?", w->path);
    free(values);
    return same;
}

bool h5_verify(const struct h5_writer *writer, const char *path, struct fault *why) {
    hid_t file = h5_open(path, why);
    bool same = file >= 0;
    for (int i = 0; same && i < writer->n_written; i++) same = same_as_written(file, &writer->written[i], why);
    if (file >= 0) H5Fclose(file);
    return same;
}

/* Where a dataset's values are in the file; false: nowhere, there are none. */
static bool find_part(hid_t file, const char *path, struct seal_part *part) {
    hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
    if (dataset < 0) return false;
    haddr_t first = H5Dget_offset(dataset);
    *part = (struct seal_part){.first = first, .bytes = H5Dget_storage_size(dataset)};
    snprintf(part->name, sizeof part->name, "%s", path);
    H5Dclose(dataset);
    return first != HADDR_UNDEF && part->bytes > 0;
}

bool h5_seal(const struct h5_writer *writer, const char *path, struct fault *why) {
    hid_t file = h5_open(path, why);
    if (file < 0) return false;
    struct seal_part *part = memory_zeros((size_t)writer->n_written, sizeof *part);
    int n_parts = 0;
    for (int i = 0; i < writer->n_written; i++) n_parts += find_part(file, writer->written[i].path, &part[n_parts]);
    H5Fclose(file);
    bool sealed = seal_put(path, part, n_parts, why);
    free(part);
    return sealed;
}

void h5_forget(struct h5_writer *writer) {
    for (int i = 0; i < writer->n_written; i++) H5Tclose(writer->written[i].type);
    free(writer->written);
    *writer = (struct h5_writer){.shared.own = -1};
}

/* ---- Reading ---- */

bool h5_readable(const char *path, struct fault *why) {
    struct stat about;
    if (stat(path, &about) != 0 || access(path, R_OK) != 0)
        return fault_set(why, "%s: cannot be read: %s", path, strerror(errno));
    return S_ISREG(about.st_mode) || fault_set(why, "%s: is no regular file, expected a run file", path);
}

/* Run files never change, so that nobody need be locked out; and some file systems have no locks. */
static hid_t without_locks(void) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
#if H5_VERSION_GE(1, 10, 7) && !(H5_VERS_MAJOR == 1 && H5_VERS_MINOR == 12 && H5_VERS_RELEASE == 0)
    H5Pset_file_locking(access, false, true);
#endif
    return access;
}

hid_t h5_open(const char *path, struct fault *why) {
    prepare();
    if (!h5_readable(path, why)) return -1;
    hid_t access = without_locks(), file = H5Fopen(path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    if (file >= 0) return file;
    char reason[256];
    h5_reason(reason, sizeof reason);
    return fault_set(why, "%s: is no complete HDF5 file, expected a run file of multidistral: %s", path, reason) - 1;
}

/* A value takes a byte of the file at least: what says more of itself must not size an allocation. */
static bool are_in_file(hid_t file, int n_axes, const hsize_t *length) {
    hsize_t bytes = 0, values = 1;
    if (H5Fget_filesize(file, &bytes) < 0) return false;
    for (int i = 0; i < n_axes; i++) {
        if (length[i] > 0 && values > bytes / length[i]) return false;
        values *= length[i];
    }
    return true;
}

bool h5_lengths(hid_t file, const char *path, int n_axes, hsize_t *length, struct fault *why) {
    hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
    if (dataset < 0) return fault_set(why, "the dataset %s is missing", path);
    hid_t space = H5Dget_space(dataset);
    bool fits = H5Sget_simple_extent_ndims(space) == n_axes && H5Sget_simple_extent_dims(space, length, NULL) >= 0;
    H5Sclose(space);
    H5Dclose(dataset);
    if (!fits) return fault_set(why, "the dataset %s has not the expected %d axes", path, n_axes);
    return are_in_file(file, n_axes, length) || fault_set(why, "the dataset %s has more values than the file has bytes", path);
}

static bool lengths_match(hid_t file, const char *path, const struct h5_box *box, struct fault *why) {
    hsize_t length[H5_AXES];
    if (!h5_lengths(file, path, box->n_axes, length, why)) return false;
    for (int i = 0; i < box->n_axes; i++)
        if (length[i] != box->length[i])
            return fault_set(why, "%s has length %llu along %s, expected %llu", path, (unsigned long long)length[i],
                             h5_axis_name[box->axis[i]], (unsigned long long)box->length[i]);
    return true;
}

bool h5_read(hid_t file, const char *path, const struct h5_box *box, hid_t type, void *values, struct fault *why) {
    if (!lengths_match(file, path, box, why)) return false;
    if (is_empty(box)) return true;
    hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT), memory = memory_space(box), part = part_space(box);
    bool read = H5Dread(dataset, type, memory, part, H5P_DEFAULT, values) >= 0;
    H5Sclose(part);
    H5Sclose(memory);
    H5Dclose(dataset);
    return read || fault_set(why, "the dataset %s cannot be read: the file is damaged", path);
}

/* The bytes of a fixed-length text dataset's items; 0 if it is none. */
static size_t text_bytes(hid_t file, const char *path) {
    hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT), type = H5Dget_type(dataset);
    bool fixed = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0;
    size_t bytes = fixed ? H5Tget_size(type) : 0;
    H5Tclose(type);
    H5Dclose(dataset);
    return bytes;
}

char *h5_read_texts(hid_t file, const char *path, int64_t *n, size_t *bytes, struct fault *why) {
    enum { LARGEST_TEXT = 1 << 23 };
    hsize_t length;
    if (!h5_lengths(file, path, 1, &length, why)) return NULL;
    size_t size = text_bytes(file, path);
    if (size == 0 || size > LARGEST_TEXT || length > (hsize_t)(1 << 30) / size) {
        fault_set(why, "the dataset %s holds no texts of a usual length", path);
        return NULL;
    }
    *n = (int64_t)length;
    *bytes = size + 1;
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_TASK, *n, (struct range){0, *n});
    hid_t type = h5_text_type(*bytes);
    H5Tset_strpad(type, H5T_STR_NULLTERM);
    char *texts = memory_zeros((size_t)*n + 1, *bytes);
    bool read = h5_read(file, path, &box, type, texts, why);
    H5Tclose(type);
    if (read) return texts;
    free(texts);
    return NULL;
}

static hid_t open_attribute(hid_t file, const char *path, const char *name, struct fault *why) {
    hid_t a = H5Aopen_by_name(file, path, name, H5P_DEFAULT, H5P_DEFAULT);
    if (a < 0) fault_set(why, "the attribute %s of %s is missing", name, path);
    return a;
}

bool h5_read_attribute_integer(hid_t file, const char *path, const char *name, int64_t *value, struct fault *why) {
    hid_t a = open_attribute(file, path, name, why);
    if (a < 0) return false;
    hid_t space = H5Aget_space(a), type = H5Aget_type(a);
    bool read = H5Tget_class(type) == H5T_INTEGER && H5Sget_simple_extent_npoints(space) == 1 &&
                H5Aread(a, H5T_NATIVE_INT64, value) >= 0;
    H5Tclose(type);
    H5Sclose(space);
    H5Aclose(a);
    return read || fault_set(why, "the attribute %s of %s is no whole number", name, path);
}

char *h5_read_attribute_text(hid_t file, const char *path, const char *name, struct fault *why) {
    hid_t a = open_attribute(file, path, name, why);
    if (a < 0) return NULL;
    hid_t space = H5Aget_space(a), type = H5Aget_type(a);
    char *inside = NULL, *text = NULL;
    bool one_text = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0 &&
                    H5Sget_simple_extent_npoints(space) == 1;
    if (one_text && H5Aread(a, type, &inside) >= 0 && inside) text = memory_string(inside);
    else fault_set(why, "the attribute %s of %s is no text", name, path);
    H5free_memory(inside);
    H5Tclose(type);
    H5Sclose(space);
    H5Aclose(a);
    return text;
}
