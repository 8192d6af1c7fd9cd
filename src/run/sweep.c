#include "multidistral/run/sweep.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "multidistral/base/log.h"
#include "multidistral/base/memory.h"
#include "multidistral/base/text.h"
#include "multidistral/run/output.h"
#include "multidistral/run/reduce.h"
#include "multidistral/run/runfile.h"

/* ---- The combinations ---- */

/* 0.5 and 0.50 are. Both are values that the setting can have. */
static bool same_value(int setting, const char *a, const char *b) {
    struct config config;
    struct fault none;
    char one[SETTING_TEXT], other[SETTING_TEXT];
    config_defaults(&config);
    config_set(&config, setting, a, &none);
    config_write(&config, setting, one);
    config_set(&config, setting, b, &none);
    config_write(&config, setting, other);
    return strcmp(one, other) == 0;
}

static bool append_value(struct sweep_axis *axis, const char *text, size_t length, struct fault *why) {
    const char *name = config_setting(axis->setting)->name;
    struct config scratch;
    char *value = memory_zeros(length + 1, 1);
    memcpy(value, text, length);
    axis->value[axis->n++] = value;
    config_defaults(&scratch);
    if (!config_set(&scratch, axis->setting, value, why)) return false;
    for (int i = 0; i + 1 < axis->n; i++)
        if (same_value(axis->setting, axis->value[i], value))
            return fault_set(why, "%s: the value \"%s\" is given twice", name, value);
    return true;
}

static bool append_axis(struct sweep *sweep, int setting, const char *text, struct fault *why) {
    struct sweep_axis *axis = &sweep->axis[sweep->n_axes++];
    *axis = (struct sweep_axis){.setting = setting, .value = memory_zeros(strlen(text) + 1, sizeof *axis->value)};
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        if (!append_value(axis, at, length, why)) return fault_at(why, "option");
        at += length;
        if (*at == '\0') break;
    }
    sweep->n *= axis->n;
    return sweep->n <= SWEEP_MOST ||
           fault_set(why, "the values given make more than %d combinations, expected at most as many", SWEEP_MOST);
}

bool sweep_create(struct sweep *sweep, char *const *setting, struct fault *why) {
    *sweep = (struct sweep){.n = 1, .axis = memory_zeros((size_t)config_count(), sizeof *sweep->axis)};
    for (int i = 0; i < config_count(); i++)
        if (setting[i] && strchr(setting[i], ',') && !append_axis(sweep, i, setting[i], why)) return false;
    return sweep->n_axes > 0 || fault_set(why, "nothing varies, expected a setting with several values, as in --beta 0.5,2,5");
}

void sweep_destroy(struct sweep *sweep) {
    for (int a = 0; a < sweep->n_axes; a++) {
        for (int i = 0; i < sweep->axis[a].n; i++) free(sweep->axis[a].value[i]);
        free(sweep->axis[a].value);
    }
    free(sweep->axis);
    *sweep = (struct sweep){0};
}

const char *sweep_value(const struct sweep *sweep, int64_t combination, int axis) {
    for (int a = sweep->n_axes - 1; a > axis; a--) combination /= sweep->axis[a].n;
    return sweep->axis[axis].value[combination % sweep->axis[axis].n];
}

char *sweep_path(const struct sweep *sweep, const char *folder, int64_t combination) {
    char *text = NULL;
    size_t length;
    FILE *out = memory_stream(&text, &length);
    fprintf(out, "%s/", folder);
    for (int a = 0; a < sweep->n_axes; a++)
        fprintf(out, "%s%s=%s", a ? "_" : "", config_setting(sweep->axis[a].setting)->name, sweep_value(sweep, combination, a));
    fputs(".h5", out);
    fclose(out);
    for (char *c = text + strlen(folder) + 1; *c; c++)
        if (*c == ':' || *c == '/') *c = '-';
    return text;
}

/* ---- Training them ---- */

static bool same_task(const struct task *a, const struct task *b) {
    char *text[2] = {task_write(a), task_write(b)};
    bool same = strcmp(a->name, b->name) == 0 && strcmp(text[0], text[1]) == 0;
    free(text[0]);
    free(text[1]);
    return same;
}

/* Of the run that is there, and the one that is wanted in its place. */
static bool goes_on(const struct plan *there, const struct plan *wanted, struct fault *why) {
    const struct config *old = &there->config, *new = &wanted->config;
    if (!config_goes_on(old, new, why)) return false;
    if (old->run.iterations > new->run.iterations)
        return fault_set(why, "iterations = %lld: the run that is there has %lld, expected at least as many",
                         (long long)new->run.iterations, (long long)old->run.iterations);
    if (there->n_tasks != wanted->n_tasks)
        return fault_set(why, "%d task%s: the run that is there has %d", wanted->n_tasks, wanted->n_tasks > 1 ? "s" : "", there->n_tasks);
    for (int i = 0; i < wanted->n_tasks; i++)
        if (!same_task(&there->task[i], &wanted->task[i]))
            return fault_set(why, "task %s: the run that is there has another in its place, %s", wanted->task[i].name, there->task[i].name);
    return true;
}

/* A run that has lost its file is not begun anew unasked: the next save but one would take the file before it too. */
static bool nothing_before(const char *path, struct fault *why) {
    char *previous = output_previous(path, 1);
    bool none = access(previous, F_OK) != 0 ||
                fault_set(why, "%s: is not there, but %s is, from before: rename it to go on with that run, or remove it", path, previous);
    free(previous);
    return none;
}

bool sweep_look(const char *path, const struct plan *plan, enum sweep_state *state, struct fault *why) {
    struct config config;
    struct plan there;
    struct task *tasks;
    int n_tasks;
    int64_t done;
    *state = SWEEP_NEW;
    if (access(path, F_OK) != 0) return nothing_before(path, why);
    if (!runfile_read_plan(path, &config, &tasks, &n_tasks, &done, why)) return false;
    if (!plan_create(&there, &config, tasks, n_tasks, why)) return fault_at(why, "%s", path);
    bool same = goes_on(&there, plan, why) || fault_at(why, "%s", path);
    plan_destroy(&there);
    *state = done < plan->config.run.iterations ? SWEEP_BEGUN : SWEEP_DONE;
    return same;
}

bool sweep_is_to_do(enum sweep_state state) { return state == SWEEP_NEW || state == SWEEP_BEGUN; }

/* Of the combinations that a group has trained; known to its first rank. */
struct outcome {
    double mean_return;   /* of the last one */
    double least_seconds; /* to set one up, train an iteration and save it: the most that one took; 0: none is done */
};

static double least_seconds(const struct trainer *t, double set_up_seconds) {
    double iterations = (double)(t->iteration - t->resumed);
    return set_up_seconds + (t->run_seconds - t->file_seconds) / iterations + t->save_seconds;
}

/* One combination by one group of ranks. */
static enum training_end train_one(const struct sweep_job *job, int64_t c, const struct output *place, MPI_Comm group,
                                   struct outcome *out, struct fault *why) {
    struct trainer trainer;
    int rank;
    double entered = log_seconds();
    char *path = sweep_path(job->sweep, job->folder, c);
    const struct training training = {
        .path = path, .place = place, .command = job->command, .checkpoint_seconds = job->checkpoint_seconds,
        .stop_after = INT64_MAX, .began = job->began, .max_seconds = job->max_seconds};
    MPI_Comm_rank(group, &rank);
    enum training_end end = TRAINING_FAILED;
    if (trainer_create(&trainer, &job->plan[c], group, why)) {
        bool ready = job->state[c] == SWEEP_NEW || runfile_read_state(path, &trainer, why);
        if (ready && job->state[c] == SWEEP_NEW) trainer_solve(&trainer);
        double set_up = log_seconds() - entered;
        if (ready) end = training_run(&trainer, &training, why);
        double *last = ready && end == TRAINING_DONE ? trainer_last(&trainer, CURVE_return) : NULL;
        if (last) out->mean_return = statistics_mean(last, (int64_t)job->plan[c].n_tasks * job->plan[c].n_agents);
        if (last) out->least_seconds = fmax(out->least_seconds, least_seconds(&trainer, set_up));
        free(last);
        trainer_destroy(&trainer);
    }
    free(path);
    return end;
}

/* The same with the run file's place held by the group's first rank. */
static enum training_end hold_and_train(const struct sweep_job *job, int64_t c, MPI_Comm group, struct outcome *out,
                                        struct fault *why) {
    struct output output = {.lock = -1};
    int rank;
    MPI_Comm_rank(group, &rank);
    char *path = sweep_path(job->sweep, job->folder, c);
    bool held = reduce_fault(rank != 0 || output_open(&output, path, job->state[c] == SWEEP_BEGUN, why), why, group);
    enum training_end end = held ? train_one(job, c, rank == 0 ? &output : NULL, group, out, why) : TRAINING_FAILED;
    if (rank == 0 && output.path) output_close(&output);
    free(path);
    return end;
}

/* Is there time for the least that another combination takes, if that is half as long again as the most so far? For the
 * first there always is, so that each call gets on. One answer for the group. */
static bool is_time_left(const struct sweep_job *job, const struct outcome *so_far, MPI_Comm group) {
    int left = job->max_seconds <= 0 || so_far->least_seconds == 0 ||
               log_seconds() - job->began + 1.5 * so_far->least_seconds < job->max_seconds;
    MPI_Bcast(&left, 1, MPI_INT, 0, group);
    return left;
}

enum training_end sweep_train(const struct sweep_job *job, MPI_Comm world,
                              void (*say)(const struct sweep_job *job, int64_t combination, double mean_return),
                              struct fault *why) {
    int rank, size, group_rank;
    MPI_Comm group;
    MPI_Comm_rank(world, &rank);
    MPI_Comm_size(world, &size);
    int64_t todo = 0, place = 0;
    for (int64_t c = 0; c < job->sweep->n; c++) todo += sweep_is_to_do(job->state[c]);
    int64_t n_groups = todo < size ? todo : size, own = n_groups > 0 ? rank % n_groups : 0;
    MPI_Comm_split(world, (int)own, rank, &group);
    MPI_Comm_rank(group, &group_rank);
    enum training_end end = TRAINING_DONE;
    struct outcome so_far = {NAN, 0};
    for (int64_t c = 0; end == TRAINING_DONE && c < job->sweep->n; c++) {
        if (!sweep_is_to_do(job->state[c]) || place++ % n_groups != own) continue;
        end = is_time_left(job, &so_far, group) ? hold_and_train(job, c, group, &so_far, why) : TRAINING_STOPPED;
        if (end == TRAINING_DONE && group_rank == 0) say(job, c, so_far.mean_return);
        if (end == TRAINING_FAILED && group_rank == 0 && n_groups > 1) /* now: the others may train for days */
            fprintf(stderr, "multidistral sweep: %s; other groups finish theirs\n", why->text);
    }
    MPI_Comm_free(&group);
    reduce_fault(end != TRAINING_FAILED, why, world);
    int worst = (int)end;
    MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPI_INT, MPI_MAX, world);
    return (enum training_end)worst;
}

/* ---- What came out ---- */

const struct curve_about sweep_measure_about[SWEEP_MEASURES] = {
    [SWEEP_RETURN] = {"return", "1", "mean return of the last iteration's E-step games", false, false},
    [SWEEP_RETURN_M] = {"return_m", "1", "mean return of the last iteration's M-step games", false, false},
    [SWEEP_RETURN_ALL] = {"return_all", "1", "mean return of all iterations' E-step games", false, false},
    [SWEEP_FINISHED] = {"finished", "1", "fraction of the last iteration's E-step games in which an agent finished", false, false},
};

/* A replica's mean over tasks and agents, of the last iteration or of all. */
static double replica_mean(const struct runfile_curve *curve, int64_t replica, bool all) {
    int64_t per_iteration = curve->n_tasks * curve->width, first = all ? 0 : curve->n_iterations - 1;
    const double *values = curve->values + (replica * curve->n_iterations + first) * per_iteration;
    return statistics_mean(values, (curve->n_iterations - first) * per_iteration);
}

static bool measure(const char *path, enum sweep_measure measure, struct estimate *out, struct fault *why) {
    static const enum curve of[SWEEP_MEASURES] = {CURVE_return, CURVE_return_m, CURVE_return, CURVE_finished};
    struct runfile_curve curve;
    if (!runfile_read_curve(path, of[measure], &curve, why)) return false;
    double *mean = memory_zeros((size_t)curve.n_replicas, sizeof *mean);
    for (int64_t r = 0; r < curve.n_replicas; r++) mean[r] = replica_mean(&curve, r, measure == SWEEP_RETURN_ALL);
    *out = statistics_bootstrap(mean, curve.n_replicas, 1).mean;
    if (curve.n_replicas < SWEEP_REPLICAS) out->low = out->high = NAN;
    free(mean);
    free(curve.values);
    return true;
}

static void write_csv_header(FILE *out, const struct sweep *sweep) {
    for (int a = 0; a < sweep->n_axes; a++) fprintf(out, "%s,", config_setting(sweep->axis[a].setting)->name);
    for (int m = 0; m < SWEEP_MEASURES; m++) {
        const char *name = sweep_measure_about[m].name;
        fprintf(out, "%s,%s_low,%s_high%s", name, name, name, m + 1 < SWEEP_MEASURES ? "," : "\n");
    }
}

static void write_number(FILE *out, double x, const char *behind) {
    if (isfinite(x)) fprintf(out, "%.9g", x);
    fputs(behind, out);
}

/* The caller owns it. */
static char *csv_text(const struct sweep *sweep, const struct sweep_table *table) {
    char *text = NULL;
    size_t length;
    FILE *out = memory_stream(&text, &length);
    write_csv_header(out, sweep);
    for (int64_t c = 0; c < sweep->n; c++) {
        for (int a = 0; a < sweep->n_axes; a++) fprintf(out, "%s,", sweep_value(sweep, c, a));
        for (int m = 0; m < SWEEP_MEASURES; m++) {
            write_number(out, table->row[c][m].value, ",");
            write_number(out, table->row[c][m].low, ",");
            write_number(out, table->row[c][m].high, m + 1 < SWEEP_MEASURES ? "," : "\n");
        }
    }
    fclose(out);
    return text;
}

static bool write_text(const char *path, const char *text) {
    FILE *out = fopen(path, "w");
    if (!out) return false;
    bool written = fputs(text, out) >= 0;
    return fclose(out) == 0 && written;
}

static bool write_csv(const char *path, const char *text, struct fault *why) {
    char *part = output_beside(path, ".part");
    bool written = write_text(part, text) || fault_set(why, "%s: cannot be written: %s", path, strerror(errno));
    bool placed = written && output_place(part, path, why);
    if (!placed) unlink(part);
    free(part);
    return placed;
}

/* Is there a file of another text? */
static bool is_other(const char *path, const char *text) {
    struct fault why;
    enum { MOST = 1 << 28 };
    char *old = text_read_file(path, MOST, &why);
    bool other = old ? strcmp(old, text) != 0 : access(path, F_OK) == 0;
    free(old);
    return other;
}

static bool keep_previous(const char *path, struct fault *why) {
    char *previous = output_previous(path, 1);
    bool kept = access(path, F_OK) != 0 || ((unlink(previous) == 0 || errno == ENOENT) && link(path, previous) == 0) || rename(path, previous) == 0;
    if (!kept) fault_set(why, "%s: cannot be kept as %s: %s", path, previous, strerror(errno));
    free(previous);
    return kept;
}

static char *in_folder(const char *folder, const char *name) {
    char *path = memory_zeros(strlen(folder) + strlen(name) + 2, 1);
    sprintf(path, "%s/%s", folder, name);
    return path;
}

bool sweep_check_places(const struct sweep *sweep, const char *folder, struct fault *why) {
    static const char longest_ending[] = ".prev";
    long most = pathconf(folder, _PC_NAME_MAX);
    bool ok = true;
    for (int64_t c = 0; ok && most > 0 && c < sweep->n; c++) {
        char *path = sweep_path(sweep, folder, c);
        ok = strlen(path) - strlen(folder) - 1 + strlen(longest_ending) <= (size_t)most ||
             fault_set(why, "%s: is longer than the %ld bytes of a name here; vary less settings, or write values shorter", path, most);
        free(path);
    }
    char *csv = in_folder(folder, "summary.csv"), *h5 = in_folder(folder, "summary.h5");
    ok = ok && output_check(csv, true, why) && output_check(h5, true, why);
    free(csv);
    free(h5);
    return ok;
}

/* Shares that end together write the same summary, one after the other. */
static bool take_turn(struct output *place, const char *path, struct fault *why) {
    const struct timespec pause = {.tv_nsec = 100000000};
    for (int i = 0; i < 100; i++, nanosleep(&pause, NULL))
        if (output_open(place, path, true, why)) return true;
    return false;
}

bool sweep_summarize(const struct sweep *sweep, const char *folder, struct sweep_table *table, struct fault *why) {
    bool ok = true;
    table->row = memory_zeros((size_t)sweep->n, sizeof *table->row);
    for (int64_t c = 0; ok && c < sweep->n; c++) {
        char *path = sweep_path(sweep, folder, c);
        for (int m = 0; ok && m < SWEEP_MEASURES; m++) ok = measure(path, (enum sweep_measure)m, &table->row[c][m], why);
        free(path);
    }
    char *csv = in_folder(folder, "summary.csv"), *h5 = in_folder(folder, "summary.h5");
    char *text = csv_text(sweep, table);
    struct output place = {.lock = -1};
    ok = ok && sweep_check_places(sweep, folder, why) && take_turn(&place, h5, why);
    table->replaces = ok && is_other(csv, text);
    if (table->replaces) ok = keep_previous(csv, why) && keep_previous(h5, why);
    ok = ok && write_csv(csv, text, why) && runfile_write_summary(h5, sweep, table, why);
    if (place.path) output_close(&place);
    free(text);
    free(csv);
    free(h5);
    return ok;
}
