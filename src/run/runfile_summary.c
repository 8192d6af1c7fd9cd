#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "multidistral/base/memory.h"
#include "multidistral/run/output.h"
#include "multidistral/run/runfile.h"
#include "multidistral/run/sweep.h"
#include "runfile_h5.h"

/* The texts of one axis, by combination. */
static void write_axis(struct h5_writer *writer, const struct sweep *sweep, int axis, const struct h5_box *box) {
    size_t bytes = 1;
    for (int i = 0; i < sweep->axis[axis].n; i++)
        if (strlen(sweep->axis[axis].value[i]) > bytes) bytes = strlen(sweep->axis[axis].value[i]);
    char *texts = memory_zeros((size_t)sweep->n, bytes), path[64];
    for (int64_t c = 0; c < sweep->n; c++) {
        const char *value = sweep_value(sweep, c, axis);
        memcpy(texts + (size_t)c * bytes, value, strlen(value));
    }
    const struct setting *setting = config_setting(sweep->axis[axis].setting);
    snprintf(path, sizeof path, "settings/%s", setting->name);
    hid_t type = h5_text_type(bytes);
    h5_dataset_apart(writer, path, box, type, texts, NULL, setting->help);
    H5Tclose(type);
    free(texts);
}

static void write_measure(struct h5_writer *writer, const struct sweep *sweep, const struct sweep_table *table,
                          enum sweep_measure measure, const struct h5_box *box) {
    static const char *const ending[] = {"", "_low", "_high"};
    double *values = memory_zeros((size_t)sweep->n, sizeof *values);
    for (int part = 0; part < 3; part++) {
        char path[64];
        for (int64_t c = 0; c < sweep->n; c++) {
            const struct estimate *e = &table->row[c][measure];
            values[c] = part == 0 ? e->value : part == 1 ? e->low : e->high;
        }
        snprintf(path, sizeof path, "%s%s", sweep_measure_about[measure].name, ending[part]);
        h5_dataset_apart(writer, path, box, H5T_NATIVE_DOUBLE, values, sweep_measure_about[measure].unit,
                         sweep_measure_about[measure].meaning);
    }
    free(values);
}

/* Written, read back and sealed. */
static bool write_part(const char *part, const struct sweep *sweep, const struct sweep_table *table, struct fault *why) {
    struct h5_writer writer;
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_ITERATION, sweep->n, (struct range){0, sweep->n}); /* its name is not written */
    if (!h5_create(&writer, part, MPI_COMM_SELF, why)) return false;
    h5_attribute_text(&writer, "/", "format", "multidistral summary");
    h5_group(&writer, "settings");
    for (int a = 0; a < sweep->n_axes; a++) write_axis(&writer, sweep, a, &box);
    for (int m = 0; m < SWEEP_MEASURES; m++) write_measure(&writer, sweep, table, (enum sweep_measure)m, &box);
    h5_close(&writer);
    bool ok = h5_verify(&writer, part, why) && h5_seal(&writer, part, why);
    h5_forget(&writer);
    return ok;
}

bool runfile_write_summary(const char *path, const struct sweep *sweep, const struct sweep_table *table, struct fault *why) {
    char *part = output_beside(path, ".part");
    unlink(part); /* of a sweep that died */
    bool ok = write_part(part, sweep, table, why) && output_place(part, path, why);
    if (!ok) unlink(part);
    free(part);
    return ok;
}
