#include "multidistral/run/training.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "multidistral/base/log.h"
#include "multidistral/base/memory.h"
#include "multidistral/run/capacity.h"
#include "multidistral/run/reduce.h"
#include "multidistral/run/runfile.h"

/* ---- Signals ---- */

static volatile sig_atomic_t asked_to_stop, at_work;

static void say_so(void) {
    log_from_handler("will stop: the iteration in hand is finished and saved first; a second signal ends at once\n");
}

static void ask_to_stop(void) {
    asked_to_stop = 1;
    if (at_work) say_so();
}

/* Only now: mpirun also ends with SIGTERM what another rank has refused. */
static void begin_work(void) {
    at_work = 1;
    if (asked_to_stop) say_so();
}

static void on_signal(int number) {
    int error = errno;
    if (!asked_to_stop) ask_to_stop();
    else signal(number, SIG_DFL), raise(number);
    errno = error;
}

/* What is ignored stays ignored: nohup and shells that start jobs in the background want it so. */
static void catch_signal(int number) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, before;
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(number, &action, NULL);
}

void training_catch_signals(void) {
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) catch_signal(numbers[i]);
    signal(SIGPIPE, SIG_IGN);
}

/* ---- Progress and saving ---- */

/* Progress of the whole run: sums over ranks, for the eye alone. */
struct progress {
    double returns[ENV_AGENTS], units, steps;
};

static struct progress own_progress(const struct trainer *t) {
    struct progress p = {.steps = (double)t->steps};
    for (int64_t r = 0; r < t->layout.replicas.n; r++)
        for (int64_t i = 0; i < t->layout.tasks.n; i++, p.units++)
            for (int j = 0; j < t->plan->n_agents; j++)
                p.returns[j] += *curves_at(&t->curves, CURVE_return, r, t->iteration - 1, i, j);
    return p;
}

static void time_left(char *out, size_t size, double seconds) {
    if (seconds < 100) snprintf(out, size, "%.0f s", seconds);
    else if (seconds < 6000) snprintf(out, size, "%.0f min", seconds / 60);
    else snprintf(out, size, "%.1f h", seconds / 3600);
}

/* Collective: as rarely as it is shown, since a sum over very many ranks takes a noticeable part of a short iteration. */
static void show_progress(const struct trainer *t, double seconds, int64_t first_iteration, bool last) {
    struct progress p = own_progress(t), all;
    MPI_Reduce(&p, &all, sizeof p / sizeof(double), MPI_DOUBLE, MPI_SUM, 0, t->world);
    int rank, at = 0;
    MPI_Comm_rank(t->world, &rank);
    if (rank != 0) return;
    char returns[16 * ENV_AGENTS] = "", left[32];
    for (int j = 0; j < t->plan->n_agents; j++)
        at += snprintf(returns + at, sizeof returns - (size_t)at, " %.2f", all.returns[j] / all.units);
    int64_t total = t->plan->config.run.iterations;
    time_left(left, sizeof left, seconds / (double)(t->iteration - first_iteration) * (double)(total - t->iteration));
    log_progress(last, "iteration %lld/%lld  return%s  %s left  %.3g million steps/s", (long long)t->iteration,
                 (long long)total, returns, left, all.steps / seconds * 1e-6);
}

static void date_now(char out[32]) {
    time_t now = time(NULL);
    struct tm utc;
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
}

static bool save(const struct trainer *t, const struct training *training, struct provenance *provenance,
                 double seconds, struct fault *why) {
    double steps = (double)t->steps, all;
    MPI_Allreduce(&steps, &all, 1, MPI_DOUBLE, MPI_SUM, t->world);
    provenance->seconds = seconds;
    provenance->steps_per_second = all / seconds;
    date_now(provenance->written);
    MPI_Bcast(provenance, sizeof *provenance, MPI_BYTE, 0, t->world); /* one clock, one file */
    return runfile_write(training->path, training->place, t, provenance, why);
}

/* ---- When to save, and when to stop ---- */

/* When things happened in this process, in seconds; nothing here changes the numbers of a run. */
struct times {
    double began, now;    /* the iteration in hand; its end */
    double saved, saving; /* when, and how long it took */
    double looked;        /* for a stop file */
};

/* A long iteration is saved at once, so that a kill costs no more than the next one; but saving takes at most this
 * part of the time. */
static const double long_iteration = 1 /* second */, most_saving = 0.05;

static bool save_is_due(const struct times *times, const struct training *training) {
    bool unknown = training->max_seconds > 0 && times->saving == 0; /* how long saving takes, which must be known in time */
    return unknown || times->now - times->saved >= training->checkpoint_seconds ||
           times->now - times->began > fmax(long_iteration, times->saving / most_saving);
}

/* Would one more iteration, and saving, end too late? Both may take half as long again as the last ones. */
static bool time_is_up(const struct times *times, const struct training *training) {
    double next = 1.5 * (times->now - times->began), saving = 1.5 * times->saving;
    return training->max_seconds > 0 && times->now - training->began + next + saving > training->max_seconds;
}

static bool remove_stop_file(const char *path) {
    char name[4096];
    return snprintf(name, sizeof name, "%s.stop", path) < (int)sizeof name && unlink(name) == 0;
}

/* Between looks for a stop file: on a file server one may take as long as an iteration. */
static const double look_seconds = 0.2;

/* On rank 0. */
static bool stop_file_is_there(const struct training *training, struct times *times, bool last) {
    if (!last && times->now - times->looked < look_seconds) return false;
    times->looked = times->now;
    return remove_stop_file(training->path) || (training->name && remove_stop_file(training->name));
}

static struct verdict verdict_after(const struct trainer *t, const struct training *training, struct times *times) {
    int rank;
    MPI_Comm_rank(t->world, &rank);
    bool last = t->iteration == t->plan->config.run.iterations;
    struct verdict own = {.stop = asked_to_stop || t->iteration == training->stop_after || time_is_up(times, training) ||
                                  (rank == 0 && stop_file_is_there(training, times, last)),
                          .save = last || save_is_due(times, training),
                          .full = capacity_is_used_up(t->plan, t->node, t->ranks_here),
                          .show = log_progress_is_due(last)};
    return reduce_verdict(own, t->world);
}

/* ---- The loop ---- */

static enum training_end train(struct trainer *t, const struct training *training, double started, struct fault *why) {
    int64_t total = t->plan->config.run.iterations, first = t->iteration;
    struct times times = {.now = started, .saved = started, .looked = started - look_seconds};
    struct provenance provenance = {0};
    struct verdict verdict = {0};
    snprintf(provenance.command, sizeof provenance.command, "%s", training->command);
    date_now(provenance.started);
    while (t->iteration < total && !verdict.stop) {
        times.began = times.now;
        trainer_iterate(t);
        times.now = log_seconds();
        verdict = verdict_after(t, training, &times);
        bool last = t->iteration == total;
        if (verdict.show || verdict.stop) show_progress(t, times.now - started, first, last || verdict.stop);
        if (!verdict.save && !verdict.stop && !verdict.full) continue;
        if (!save(t, training, &provenance, times.now - started, why)) return TRAINING_FAILED;
        times.saved = log_seconds();
        times.saving = times.saved - times.now;
        t->file_seconds += times.saving;
        t->save_seconds = times.saving;
        times.now = times.saved;
        if (verdict.full && !last)
            return fault_set(why, "the tables fill the memory of a machine after iteration %lld, which is saved; observe "
                                  "less, or use more machines", (long long)t->iteration), TRAINING_FAILED;
    }
    return t->iteration < total ? TRAINING_STOPPED : TRAINING_DONE;
}

enum training_end training_run(struct trainer *t, const struct training *training, struct fault *why) {
    double started = log_seconds();
    begin_work();
    t->resumed = t->iteration;
    t->file_seconds = t->save_seconds = 0;
    enum training_end end = train(t, training, started, why);
    t->run_seconds = log_seconds() - started;
    return end;
}

struct training_times training_times(const struct trainer *t) {
    int size;
    int64_t n = t->iteration - t->resumed;
    const double *whole = t->curves.cost[COST_iteration_seconds] + t->resumed;
    const double *reduce = t->curves.cost[COST_reduce_seconds] + t->resumed;
    double *least = memory_zeros((size_t)n, sizeof *least), sum[3] = {0}, last = 0;
    MPI_Comm_size(t->world, &size);
    MPI_Allreduce(reduce, least, (int)n, MPI_DOUBLE, MPI_MIN, t->world);
    for (int64_t i = 0; i < n; i++) {
        sum[0] += (whole[i] - reduce[i]) / size;
        sum[1] += (reduce[i] - least[i]) / size;
        last += least[i];
    }
    sum[2] = t->file_seconds / size;
    MPI_Allreduce(MPI_IN_PLACE, sum, 3, MPI_DOUBLE, MPI_SUM, t->world);
    free(least);
    return (struct training_times){.games = sum[0], .waiting = sum[1], .reduce = last, .file = sum[2],
                                  .rest = t->run_seconds - sum[0] - sum[1] - last - sum[2]};
}
