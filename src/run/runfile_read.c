#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/run/reduce.h"
#include "multidistral/run/runfile.h"
#include "multidistral/run/seal.h"
#include "runfile_h5.h"

static struct range all(int64_t n) { return (struct range){0, n}; }

/* Opens a file that is a run file of this version; negative, with a reason that names the path, otherwise. */
static hid_t open_run(const char *path, struct fault *why) {
    hid_t file = h5_open(path, why);
    if (file < 0) return file;
    int64_t version = 0;
    char *format = h5_read_attribute_text(file, "/", "format", why);
    bool ours = format && strcmp(format, "multidistral run") == 0;
    free(format);
    if (!ours) fault_set(why, "%s: is an HDF5 file, but no run file of multidistral", path);
    else if (!h5_read_attribute_integer(file, "/", "format_version", &version, why)) fault_at(why, "%s", path);
    else if (version != RUNFILE_VERSION)
        fault_set(why, "%s: has format version %lld, this program reads version %d", path, (long long)version,
                  RUNFILE_VERSION);
    else return file;
    H5Fclose(file);
    return -1;
}

/* ---- Integrity ---- */

/* Names the youngest file before this one that is whole. */
static void offer_previous(const char *path, struct fault *why) {
    struct fault ignored, damage = *why;
    for (int n = 1; n <= OUTPUT_KEEP_MOST; n++) {
        char *previous = output_previous(path, n);
        bool whole = seal_look(previous, &ignored) == SEAL_WHOLE;
        if (whole) fault_set(why, "%s; the file before it, %s, is whole", damage.text, previous);
        free(previous);
        if (whole) return;
    }
}

bool runfile_check(const char *path, void (*see)(const struct seal_part *part, bool whole), struct fault *why) {
    if (!h5_readable(path, why)) return false;
    enum seal_state state = seal_look_at_parts(path, see, why);
    if (state == SEAL_BROKEN) offer_previous(path, why);
    hid_t file = state == SEAL_BROKEN ? -1 : open_run(path, why);
    if (file < 0) return false;
    H5Fclose(file);
    return state == SEAL_WHOLE ||
           fault_set(why, "%s: has lost its seal, by which damage is seen: expected the file as it was written", path);
}

/* ---- The plan ---- */

static bool read_config(hid_t file, struct config *config, struct fault *why) {
    char *ini = h5_read_attribute_text(file, "settings", "ini", why);
    struct config_tasks names = {0};
    config_defaults(config);
    bool read = ini && config_parse_ini(config, &names, "/settings", ini, why);
    config_tasks_destroy(&names);
    free(ini);
    return read;
}

static bool read_tasks(hid_t file, struct task **tasks, int *n_tasks, struct fault *why) {
    int64_t n;
    size_t bytes;
    char *texts = h5_read_texts(file, "tasks/text", &n, &bytes, why);
    if (!texts) return false;
    if (n == 0) {
        free(texts);
        return fault_set(why, "there is no task, expected at least one");
    }
    *tasks = memory_zeros((size_t)n, sizeof **tasks);
    bool read = true;
    for (*n_tasks = 0; read && *n_tasks < n; *n_tasks += read)
        read = task_parse(&(*tasks)[*n_tasks], "/tasks/text", "task", texts + (size_t)*n_tasks * bytes, why);
    free(texts);
    if (read) return true;
    for (int i = 0; i < *n_tasks; i++) task_destroy(&(*tasks)[i]);
    free(*tasks);
    *tasks = NULL;
    *n_tasks = 0;
    return false;
}

bool runfile_read_plan(const char *path, struct config *config, struct task **tasks, int *n_tasks,
                       int64_t *iterations_done, struct fault *why) {
    if (!runfile_check(path, NULL, why)) return false;
    hid_t file = open_run(path, why);
    if (file < 0) return false;
    bool read = h5_read_attribute_integer(file, "/", "iterations_done", iterations_done, why) &&
                read_config(file, config, why);
    if (read && (*iterations_done < 0 || *iterations_done > config->run.iterations))
        read = fault_set(why, "iterations_done is %lld, expected at most %lld", (long long)*iterations_done,
                         (long long)config->run.iterations);
    read = read && read_tasks(file, tasks, n_tasks, why);
    H5Fclose(file);
    return read || fault_at(why, "%s", path);
}

/* ---- The state: each rank its own part ---- */

struct reading {
    hid_t file;
    const struct trainer *trainer;
    uint64_t *row; /* [n_rows] */
    int64_t n_rows;
};

/* The known rows of a run with so many observations; the caller owns them, also after a failure. */
static bool read_row_list(hid_t file, uint64_t most, uint64_t **row, int64_t *n_rows, struct fault *why) {
    hsize_t length;
    if (!h5_lengths(file, "row", 1, &length, why)) return false;
    if (length > most) return fault_set(why, "row has more entries than there are observations");
    *n_rows = (int64_t)length;
    *row = memory_zeros(length, sizeof **row);
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_ROW, *n_rows, all(*n_rows));
    if (!h5_read(file, "row", &box, H5T_NATIVE_UINT64, *row, why)) return false;
    for (int64_t i = 0; i < *n_rows; i++)
        if ((*row)[i] >= most || (i > 0 && (*row)[i] <= (*row)[i - 1]))
            return fault_set(why, "row is not a rising list of observations: the file is damaged");
    return true;
}

static bool read_rows(struct reading *r, struct fault *why) {
    return read_row_list(r->file, r->trainer->plan->senses.rows.n, &r->row, &r->n_rows, why);
}

static bool all_zero(const float *q, int n) {
    for (int a = 0; a < n; a++)
        if (q[a] != 0) return false;
    return true;
}

/* The rows of all agents of this rank's units, [unit][agent][row][action]; the caller owns them. NULL: why. */
static float *read_unit_rows(const struct reading *r, const char *path, struct fault *why) {
    const struct trainer *t = r->trainer;
    int64_t n_agents = t->plan->n_agents;
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_REPLICA, t->plan->config.run.replicas, t->layout.replicas);
    h5_box_add(&box, AXIS_TASK, t->plan->n_tasks, t->layout.tasks);
    h5_box_add(&box, AXIS_AGENT, n_agents, all(n_agents));
    h5_box_add(&box, AXIS_ROW, r->n_rows, all(r->n_rows));
    h5_box_add(&box, AXIS_ACTION, plan_n_actions(t->plan), all(plan_n_actions(t->plan)));
    float *values = memory_zeros((size_t)h5_box_values(&box), sizeof *values);
    if (h5_read(r->file, path, &box, H5T_NATIVE_FLOAT, values, why)) return values;
    free(values);
    return NULL;
}

static bool read_q(const struct reading *r, struct fault *why) {
    const struct trainer *t = r->trainer;
    int64_t n_units = t->layout.replicas.n * t->layout.tasks.n, n_agents = t->plan->n_agents;
    int n_actions = plan_n_actions(t->plan);
    float *values = read_unit_rows(r, "values/q", why), *next = values;
    bool read = values;
    for (int64_t u = 0; read && u < n_units; u++)
        for (int j = 0; j < n_agents; j++)
            for (int64_t i = 0; i < r->n_rows; i++, next += n_actions)
                if (j < plan_n_players(t->plan) && !all_zero(next, n_actions))
                    learner_set_values(&t->learner[u], j, r->row[i], next);
    free(values);
    return read;
}

static bool read_distilled(struct reading *r, struct fault *why) {
    const struct trainer *t = r->trainer;
    int64_t per_replica = plan_n_distilled(t->plan), n = t->layout.replicas.n * per_replica;
    int n_actions = plan_n_actions(t->plan);
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_REPLICA, t->plan->config.run.replicas, t->layout.replicas);
    h5_box_add(&box, AXIS_SHARED, per_replica, all(per_replica));
    h5_box_add(&box, AXIS_ROW, r->n_rows, all(r->n_rows));
    h5_box_add(&box, AXIS_ACTION, n_actions, all(n_actions));
    float *values = memory_zeros((size_t)h5_box_values(&box), sizeof *values), *next = values;
    bool read = h5_read(r->file, "policy/distilled", &box, H5T_NATIVE_FLOAT, values, why);
    for (int64_t d = 0; read && d < n; d++)
        for (int64_t i = 0; i < r->n_rows; i++, next += n_actions)
            if (!policy_is_uniform(n_actions, next)) distilled_set(&t->distilled[d], r->row[i], next);
    free(values);
    return read;
}

static void curve_box(struct h5_box *box, const struct plan *plan, enum curve curve, int64_t n_iterations,
                      struct range replicas, struct range tasks) {
    *box = (struct h5_box){0};
    h5_box_add(box, AXIS_REPLICA, plan->config.run.replicas, replicas);
    h5_box_add(box, AXIS_ITERATION, n_iterations, all(n_iterations));
    h5_box_add(box, AXIS_TASK, plan->n_tasks, tasks);
    if (curve_about[curve].per_agent) h5_box_add(box, AXIS_AGENT, plan->n_agents, all(plan->n_agents));
}

static bool read_values(hid_t file, enum curve curve, const struct h5_box *box, double *values, struct fault *why) {
    char path[64];
    snprintf(path, sizeof path, "curves/%s", curve_about[curve].name);
    return h5_read(file, path, box, H5T_NATIVE_DOUBLE, values, why);
}

static bool read_curves(const struct reading *r, struct trainer *t, struct fault *why) {
    bool read = true;
    for (int c = 0; read && c < CURVE_COUNT; c++) {
        struct h5_box box;
        if (curve_about[c].behaviour && !t->plan->config.run.behaviour) continue;
        curve_box(&box, t->plan, (enum curve)c, t->iteration, t->layout.replicas, t->layout.tasks);
        double *values = memory_zeros((size_t)h5_box_values(&box), sizeof *values);
        read = read_values(r->file, (enum curve)c, &box, values, why);
        if (read) curves_fill(&t->curves, (enum curve)c, t->iteration, values);
        free(values);
    }
    return read;
}

static bool read_optima(const struct reading *r, struct fault *why) {
    const struct trainer *t = r->trainer;
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_TASK, t->plan->n_tasks, t->layout.tasks);
    return h5_read(r->file, "tasks/optimum", &box, H5T_NATIVE_DOUBLE, t->optimum, why);
}

static bool read_prior(const struct reading *r, struct trainer_prior *prior, struct fault *why) {
    if (H5Lexists(r->file, "prior", H5P_DEFAULT) <= 0) return true;
    prior->path = h5_read_attribute_text(r->file, "prior", "path", why);
    prior->ini = prior->path ? h5_read_attribute_text(r->file, "prior", "ini", why) : NULL;
    return prior->ini && h5_read_attribute_integer(r->file, "prior", "iterations_done", &prior->iterations, why);
}

static bool read_costs(struct reading *r, struct fault *why) {
    bool read = true;
    for (int c = 0; read && c < COST_COUNT; c++) {
        char path[64];
        struct h5_box box = {0};
        snprintf(path, sizeof path, "provenance/%s", cost_about[c].name);
        h5_box_add(&box, AXIS_ITERATION, r->trainer->iteration, all(r->trainer->iteration));
        read = h5_read(r->file, path, &box, H5T_NATIVE_DOUBLE, r->trainer->curves.cost[c], why);
    }
    return read;
}

#define REPLACED "was replaced while it was read, by a run that goes on; try again"

/* More iterations than the plan has are those of a file that took the place of the plan's. */
static bool is_of_plan(const struct trainer *t, struct fault *why) {
    return (t->iteration >= 0 && t->iteration <= t->plan->config.run.iterations) || fault_set(why, REPLACED);
}

static bool read_own_part(const char *path, struct trainer *trainer, struct fault *why) {
    struct reading r = {.trainer = trainer};
    r.file = open_run(path, why);
    if (r.file < 0) return false;
    bool read = h5_read_attribute_integer(r.file, "/", "iterations_done", &trainer->iteration, why) && is_of_plan(trainer, why) &&
                read_rows(&r, why) && read_q(&r, why) && read_distilled(&r, why) && read_curves(&r, trainer, why) &&
                read_optima(&r, why) && read_prior(&r, &trainer->prior, why) && read_costs(&r, why);
    H5Fclose(r.file);
    free(r.row);
    return read || fault_at(why, "%s", path);
}

bool runfile_is_same(const char *path, int64_t iterations, int64_t before, struct fault *why) {
    return iterations == before || fault_set(why, "%s: " REPLACED, path);
}

/* Did all ranks read the same file? */
static bool all_read_the_same(const char *path, const struct trainer *trainer, struct fault *why) {
    int64_t most[] = {trainer->iteration, -trainer->iteration};
    MPI_Allreduce(MPI_IN_PLACE, most, 2, MPI_INT64_T, MPI_MAX, trainer->world);
    return runfile_is_same(path, most[0], -most[1], why);
}

bool runfile_read_state(const char *path, struct trainer *trainer, struct fault *why) {
    return reduce_fault(read_own_part(path, trainer, why), why, trainer->world) && all_read_the_same(path, trainer, why);
}

static bool read_own_policies(const char *path, const struct trainer *trainer, struct distilled *policy,
                              struct fault *why) {
    struct reading r = {.file = open_run(path, why), .trainer = trainer};
    if (r.file < 0) return false;
    int64_t done, n_policies = trainer->layout.replicas.n * trainer->layout.tasks.n * trainer->plan->n_agents;
    float *values = read_rows(&r, why) ? read_unit_rows(&r, "policy/learned", why) : NULL, *next = values;
    bool read = values && h5_read_attribute_integer(r.file, "/", "iterations_done", &done, why);
    for (int64_t p = 0; read && p < n_policies; p++)
        for (int64_t i = 0; i < r.n_rows; i++, next += plan_n_actions(trainer->plan)) distilled_set(&policy[p], r.row[i], next);
    H5Fclose(r.file);
    free(values);
    free(r.row);
    return read ? runfile_is_same(path, done, trainer->iteration, why) : fault_at(why, "%s", path);
}

bool runfile_read_policies(const char *path, const struct trainer *trainer, struct distilled *policy,
                           struct fault *why) {
    return reduce_fault(read_own_policies(path, trainer, policy, why), why, trainer->world);
}

/* ---- One replica of another run ---- */

static bool read_pi0(hid_t file, const struct plan *plan, int64_t replica, struct runfile_distilled *out,
                     struct fault *why) {
    int64_t n_shared = plan_n_distilled(plan);
    if (!h5_read_attribute_integer(file, "/", "iterations_done", &out->iterations, why) ||
        !read_row_list(file, plan->senses.rows.n, &out->row, &out->n_rows, why))
        return false;
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_REPLICA, plan->config.run.replicas, (struct range){replica, 1});
    h5_box_add(&box, AXIS_SHARED, n_shared, all(n_shared));
    h5_box_add(&box, AXIS_ROW, out->n_rows, all(out->n_rows));
    h5_box_add(&box, AXIS_ACTION, out->n_actions, all(out->n_actions));
    out->pi0 = memory_zeros((size_t)h5_box_values(&box), sizeof *out->pi0);
    return h5_read(file, "policy/distilled", &box, H5T_NATIVE_FLOAT, out->pi0, why);
}

bool runfile_read_distilled(const char *path, const struct plan *plan, int64_t replica, struct runfile_distilled *out,
                            struct fault *why) {
    *out = (struct runfile_distilled){.n_actions = plan_n_actions(plan)};
    hid_t file = open_run(path, why);
    if (file < 0) return false;
    bool read = read_pi0(file, plan, replica, out, why);
    H5Fclose(file);
    if (read) return true;
    free(out->row);
    free(out->pi0);
    return fault_at(why, "%s", path);
}

bool runfile_has_distilled(const char *path, const struct plan *plan, bool *has, struct fault *why) {
    struct runfile_distilled of;
    *has = false;
    if (!runfile_read_distilled(path, plan, 0, &of, why)) return false;
    for (int64_t i = 0; !*has && i < of.n_rows * plan_n_distilled(plan); i++)
        *has = !policy_is_uniform((int)of.n_actions, of.pi0 + i * of.n_actions);
    free(of.row);
    free(of.pi0);
    return true;
}

static bool read_learned(hid_t file, const struct plan *plan, int64_t replica, int64_t task, struct runfile_distilled *out,
                         struct fault *why) {
    if (!h5_read_attribute_integer(file, "/", "iterations_done", &out->iterations, why) ||
        !read_row_list(file, plan->senses.rows.n, &out->row, &out->n_rows, why))
        return false;
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_REPLICA, plan->config.run.replicas, (struct range){replica, 1});
    h5_box_add(&box, AXIS_TASK, plan->n_tasks, (struct range){task, 1});
    h5_box_add(&box, AXIS_AGENT, plan->n_agents, all(plan->n_agents));
    h5_box_add(&box, AXIS_ROW, out->n_rows, all(out->n_rows));
    h5_box_add(&box, AXIS_ACTION, out->n_actions, all(out->n_actions));
    out->pi0 = memory_zeros((size_t)h5_box_values(&box), sizeof *out->pi0);
    return h5_read(file, "policy/learned", &box, H5T_NATIVE_FLOAT, out->pi0, why);
}

bool runfile_read_learned(const char *path, const struct plan *plan, int64_t replica, int64_t task,
                          struct runfile_distilled *out, struct fault *why) {
    *out = (struct runfile_distilled){.n_actions = plan_n_actions(plan)};
    hid_t file = open_run(path, why);
    if (file < 0) return false;
    bool read = read_learned(file, plan, replica, task, out, why);
    H5Fclose(file);
    if (read) return true;
    free(out->row);
    free(out->pi0);
    return fault_at(why, "%s", path);
}

/* ---- For info and tools ---- */

bool runfile_read_curve(const char *path, enum curve curve, struct runfile_curve *out, struct fault *why) {
    char name[64];
    hsize_t length[4];
    int n_axes = curve_about[curve].per_agent ? 4 : 3;
    hid_t file = open_run(path, why);
    if (file < 0) return false;
    snprintf(name, sizeof name, "curves/%s", curve_about[curve].name);
    bool read = h5_lengths(file, name, n_axes, length, why);
    if (read) {
        *out = (struct runfile_curve){.n_replicas = (int64_t)length[0],
                                      .n_iterations = (int64_t)length[1],
                                      .n_tasks = (int64_t)length[2],
                                      .width = n_axes == 4 ? (int64_t)length[3] : 1};
        static const enum h5_axis axis[] = {AXIS_REPLICA, AXIS_ITERATION, AXIS_TASK, AXIS_AGENT};
        struct h5_box box = {0};
        for (int i = 0; i < n_axes; i++) h5_box_add(&box, axis[i], (int64_t)length[i], all((int64_t)length[i]));
        out->values = memory_zeros((size_t)h5_box_values(&box), sizeof *out->values);
        read = read_values(file, curve, &box, out->values, why);
        if (!read) free(out->values), out->values = NULL;
    }
    H5Fclose(file);
    return read || fault_at(why, "%s", path);
}

bool runfile_read_optima(const char *path, int n_tasks, double *optimum, struct fault *why) {
    struct h5_box box = {0};
    hid_t file = open_run(path, why);
    if (file < 0) return false;
    h5_box_add(&box, AXIS_TASK, n_tasks, all(n_tasks));
    bool read = h5_read(file, "tasks/optimum", &box, H5T_NATIVE_DOUBLE, optimum, why);
    H5Fclose(file);
    return read || fault_at(why, "%s", path);
}

static herr_t see_attribute(hid_t group, const char *name, const H5A_info_t *about, void *see_as_text) {
    (void)about;
    void (*see)(const char *, const char *) = *(void (**)(const char *, const char *))see_as_text;
    hid_t attribute = H5Aopen(group, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    char text[64] = "";
    double number;
    struct fault ignored;
    hid_t space = H5Aget_space(attribute);
    bool single = H5Sget_simple_extent_npoints(space) == 1;
    H5T_class_t class = H5Tget_class(type);
    H5Sclose(space);
    if (class == H5T_STRING) {
        char *whole = h5_read_attribute_text(group, ".", name, &ignored);
        see(name, whole ? whole : "");
        free(whole);
    } else if ((class == H5T_INTEGER || class == H5T_FLOAT) && single && H5Aread(attribute, H5T_NATIVE_DOUBLE, &number) >= 0) {
        snprintf(text, sizeof text, "%.6g", number);
        see(name, text);
    }
    H5Tclose(type);
    H5Aclose(attribute);
    return 0;
}

bool runfile_read_provenance(const char *path, void (*see)(const char *name, const char *value), struct fault *why) {
    hid_t file = open_run(path, why);
    if (file < 0) return false;
    hid_t group = H5Gopen2(file, "provenance", H5P_DEFAULT);
    bool there = group >= 0;
    if (there) {
        H5Aiterate2(group, H5_INDEX_NAME, H5_ITER_INC, NULL, see_attribute, &see);
        H5Gclose(group);
    }
    H5Fclose(file);
    return there || fault_set(why, "%s: the group provenance is missing", path);
}
