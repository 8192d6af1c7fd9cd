/* The reader of run files on changed run files: a run of two tiny tasks is made once, and the input is a list of changes to a
 * copy of it, made through HDF5 and sealed. So the readers are reached, not HDF5's own checks: damage to single bytes
 * breaks the seal (tools/damage).
 *
 * A change is a line: what it does, to which object, and its values.
 *   integer OBJECT NAME NUMBER      sets an attribute       text OBJECT NAME WORDS      likewise; \n stands for a line end
 *   remove OBJECT                   unlinks it              rename OBJECT OTHER         as another object, a hard link
 *   shape OBJECT TYPE VALUE N...    makes a dataset anew, of int8|int64|float|double|text, filled with VALUE
 *   value OBJECT PLACE NUMBER       sets one number of a dataset
 * What cannot be done is left out. */
#ifndef MULTIDISTRAL_TESTS_FUZZ_READERS_RUNFILE_H
#define MULTIDISTRAL_TESTS_FUZZ_READERS_RUNFILE_H

#include <hdf5.h>
#include <mpi.h>
#include <unistd.h>

#include "multidistral/run/capacity.h"
#include "multidistral/run/runfile.h"
#include "multidistral/run/seal.h"
#include "readers.h"

/* The leak sanitizer's, where it is linked: what MPI leaves behind is not looked at. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static char base_path[64], run_path[64];

static inline void remove_runs(void) {
    unlink(base_path);
    unlink(run_path);
    char *slash = strrchr(base_path, '/');
    *slash = '\0';
    rmdir(base_path);
    MPI_Finalize();
}

static inline void make_base(void) {
    static const char *const text[] = {"map:\nA.B\nb.a\n", "step_limit = 9\nmap:\nAB.\n.ba\n"};
    static const struct provenance nobody = {.command = "fuzz", .started = "", .written = ""};
    char folder[] = "/tmp/multidistral_fuzz_XXXXXX";
    struct config config;
    struct config_tasks none = {0};
    struct task *tasks = memory_zeros(2, sizeof *tasks);
    struct plan plan;
    struct trainer trainer;
    struct fault why = {""};
    if (__lsan_disable) __lsan_disable();
    MPI_Init(NULL, NULL);
    MUST(mkdtemp(folder));
    snprintf(base_path, sizeof base_path, "%s/base.h5", folder);
    snprintf(run_path, sizeof run_path, "%s/run.h5", folder);
    config_defaults(&config);
    MUST(config_parse_ini(&config, &none, "base", "iterations = 3\ngames_e = 2\ngames_m = 2\nstep_limit = 9\n", &why));
    for (int i = 0; i < 2; i++) MUST(task_parse(&tasks[i], "base", i ? "two" : "one", text[i], &why));
    MUST(plan_create(&plan, &config, tasks, 2, &why) && trainer_create(&trainer, &plan, MPI_COMM_SELF, &why));
    trainer_iterate(&trainer);
    MUST(runfile_write(base_path, NULL, &trainer, &nobody, &why));
    trainer_destroy(&trainer);
    plan_destroy(&plan);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    atexit(remove_runs);
    if (__lsan_enable) __lsan_enable();
}

static inline void copy_base(void) {
    static char *bytes;
    static size_t n;
    FILE *from = bytes ? NULL : fopen(base_path, "rb"), *to = fopen(run_path, bytes ? "r+b" : "wb");
    if (from) {
        enum { MOST = 1 << 20 };
        bytes = memory_zeros(MOST, 1);
        n = fread(bytes, 1, MOST, from);
        MUST(n > 0 && n < MOST);
        fclose(from);
    }
    MUST(to && fwrite(bytes, 1, n, to) == n && fclose(to) == 0 && truncate(run_path, (off_t)n) == 0);
}

/* ---- Changes ---- */

static inline void set_attribute(hid_t file, const char *object, const char *name, hid_t type, const void *value) {
    hid_t space = H5Screate(H5S_SCALAR);
    if (H5Aexists_by_name(file, object, name, H5P_DEFAULT) > 0) H5Adelete_by_name(file, object, name, H5P_DEFAULT);
    hid_t a = H5Acreate_by_name(file, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (a >= 0) H5Awrite(a, type, value), H5Aclose(a);
    H5Sclose(space);
}

static inline void set_text(hid_t file, const char *object, const char *name, char *words) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    for (char *mark; (mark = strstr(words, "\\n"));) mark[0] = ' ', mark[1] = '\n';
    set_attribute(file, object, name, type, &words);
    H5Tclose(type);
}

static inline hid_t type_called(const char *name) {
    if (strcmp(name, "int8") == 0) return H5Tcopy(H5T_NATIVE_INT8);
    if (strcmp(name, "int64") == 0) return H5Tcopy(H5T_NATIVE_INT64);
    if (strcmp(name, "float") == 0) return H5Tcopy(H5T_NATIVE_FLOAT);
    if (strcmp(name, "double") == 0) return H5Tcopy(H5T_NATIVE_DOUBLE);
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 40);
    return type;
}

static inline void fill_dataset(hid_t dataset, hid_t type, hsize_t values, const char *value) {
    size_t size = H5Tget_size(type);
    char *all = memory_zeros((size_t)values + 1, size), one[64] = "";
    double number = strtod(value, NULL);
    if (H5Tget_class(type) == H5T_STRING) snprintf(one, sizeof one, "%s", value);
    else memcpy(one, &number, sizeof number), H5Tconvert(H5T_NATIVE_DOUBLE, type, 1, one, NULL, H5P_DEFAULT);
    for (hsize_t i = 0; i < values; i++) memcpy(all + i * size, one, size);
    H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all);
    free(all);
}

static inline void make_dataset(hid_t file, const char *object, char *rest) {
    char *word[2], *save;
    hsize_t length[6], values = 1;
    int n = 0;
    for (int i = 0; i < 2; i++, rest = NULL)
        if (!(word[i] = strtok_r(rest, " ", &save))) return;
    for (char *axis; n < 6 && (axis = strtok_r(NULL, " ", &save)); n++) {
        length[n] = strtoull(axis, NULL, 10) % 100000;
        values *= length[n];
        if (values > 100000) return;
    }
    hid_t type = type_called(word[0]), space = n ? H5Screate_simple(n, length, NULL) : H5Screate(H5S_SCALAR);
    H5Ldelete(file, object, H5P_DEFAULT);
    hid_t dataset = H5Dcreate2(file, object, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (dataset >= 0) fill_dataset(dataset, type, values, word[1]), H5Dclose(dataset);
    H5Sclose(space);
    H5Tclose(type);
}

static inline void set_value(hid_t file, const char *object, const char *place, const char *value) {
    hid_t dataset = H5Dopen2(file, object, H5P_DEFAULT);
    if (dataset < 0) return;
    hid_t space = H5Dget_space(dataset), one = H5Screate(H5S_SCALAR);
    hsize_t length[H5S_MAX_RANK], at[H5S_MAX_RANK];
    int n = H5Sget_simple_extent_dims(space, length, NULL);
    uint64_t index = strtoull(place, NULL, 10);
    double number = strtod(value, NULL);
    for (int i = n - 1; i >= 0 && length[i] > 0; i--) at[i] = index % length[i], index /= length[i];
    if (n > 0 && H5Sget_simple_extent_npoints(space) > 0 &&
        H5Sselect_elements(space, H5S_SELECT_SET, 1, at) >= 0)
        H5Dwrite(dataset, H5T_NATIVE_DOUBLE, one, space, H5P_DEFAULT, &number);
    H5Sclose(one);
    H5Sclose(space);
    H5Dclose(dataset);
}

static inline void change(hid_t file, char *line) {
    char *save, *what = strtok_r(line, " ", &save), *object = strtok_r(NULL, " ", &save);
    if (!object || object[0] == '.') return;
    if (strcmp(what, "remove") == 0) H5Ldelete(file, object, H5P_DEFAULT);
    if (strcmp(what, "shape") == 0) make_dataset(file, object, save);
    char *name = strcmp(what, "shape") ? strtok_r(NULL, " ", &save) : NULL;
    if (!name) return;
    if (strcmp(what, "rename") == 0) H5Lcreate_hard(file, object, file, name, H5P_DEFAULT, H5P_DEFAULT);
    int64_t integer = strtoll(save, NULL, 10);
    if (strcmp(what, "integer") == 0) set_attribute(file, object, name, H5T_NATIVE_INT64, &integer);
    if (strcmp(what, "text") == 0) set_text(file, object, name, save);
    if (strcmp(what, "value") == 0) set_value(file, object, name, save);
}

/* ---- What reads run files ---- */

static inline void see_pair(const char *name, const char *value) { MUST(name[0] != '\0' && value); }

static inline void read_parts(const struct plan *plan) {
    struct runfile_distilled of;
    struct fault why = {""};
    bool has;
    if (runfile_read_distilled(run_path, plan, 0, &of, &why)) free(of.row), free(of.pi0);
    else MUST(names(&why, run_path));
    if (runfile_read_learned(run_path, plan, 0, plan->n_tasks - 1, &of, &why)) free(of.row), free(of.pi0);
    else MUST(names(&why, run_path));
    if (!runfile_has_distilled(run_path, plan, &has, &why)) MUST(names(&why, run_path));
}

/* Is one iteration a matter of milliseconds? */
static inline bool is_small(const struct plan *plan) {
    double games = (double)plan->config.run.games_e * (double)plan->config.learning.replay_sweeps + (double)plan->config.run.games_m;
    double steps = 0;
    for (int i = 0; i < plan->n_tasks; i++)
        steps += (double)task_rules(&plan->task[i], &plan->config.rules).step_limit * (1 + (double)plan->config.learning.replay_games);
    return games * steps * (double)plan->config.run.replicas < 20000 && plan->config.run.iterations < 1000 && capacity_bytes(plan, 1) < 104 << 20;
}

static inline void go_on(const struct plan *plan) {
    struct trainer trainer;
    struct fault why = {""};
    if (!is_small(plan) || !trainer_create(&trainer, plan, MPI_COMM_SELF, &why)) return;
    if (!runfile_read_state(run_path, &trainer, &why)) MUST(names(&why, run_path));
    else if (trainer.iteration < plan->config.run.iterations) trainer_iterate(&trainer);
    trainer_destroy(&trainer);
}

static inline void read_all_parts(void) {
    struct config config;
    struct task *tasks = NULL;
    struct plan plan;
    struct runfile_curve curve = {0};
    struct fault why = {""};
    int n_tasks = 0;
    int64_t done;
    if (!runfile_read_plan(run_path, &config, &tasks, &n_tasks, &done, &why)) {
        MUST(names(&why, run_path) && !tasks && n_tasks == 0);
        return;
    }
    MUST(n_tasks >= 1 && done >= 0 && done <= config.run.iterations);
    double *optimum = memory_zeros((size_t)n_tasks, sizeof *optimum);
    if (!runfile_read_optima(run_path, n_tasks, optimum, &why)) MUST(names(&why, run_path));
    free(optimum);
    if (runfile_read_curve(run_path, CURVE_return, &curve, &why)) free(curve.values);
    else MUST(names(&why, run_path) && !curve.values);
    if (!runfile_read_provenance(run_path, see_pair, &why)) MUST(names(&why, run_path));
    if (!plan_create(&plan, &config, tasks, n_tasks, &why)) return;
    read_parts(&plan);
    go_on(&plan);
    plan_destroy(&plan);
}

static inline void read_runfile(const uint8_t *data, size_t size) {
    if (!base_path[0]) make_base();
    char *text = text_of(data, size), *save;
    struct fault why = {""};
    copy_base();
    hid_t file = H5Fopen(run_path, H5F_ACC_RDWR, H5P_DEFAULT);
    MUST(file >= 0);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) change(file, line);
    H5Fclose(file);
    free(text);
    MUST(seal_put(run_path, NULL, 0, &why));
    read_all_parts();
}

#endif
