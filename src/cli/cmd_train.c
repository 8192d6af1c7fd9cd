#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "multidistral/base/log.h"
#include "multidistral/base/memory.h"
#include "multidistral/base/text.h"
#include "multidistral/cli/command.h"
#include "multidistral/cli/inputs.h"
#include "multidistral/run/capacity.h"
#include "multidistral/run/output.h"
#include "multidistral/run/prior.h"
#include "multidistral/run/runfile.h"
#include "multidistral/run/sweep.h"
#include "multidistral/run/training.h"

static const char usage[] = "[OPTION...] [settings.ini] TASK...";
static const char about[] =
    "Trains the task policies of all given tasks, tied together by a distilled policy, and writes one HDF5 run file.\n"
    "Under mpirun -np N the tasks (and replicas) are spread over N ranks; the numbers are the same for any N.";

/* Options that are no settings of the run: they change none of its numbers. */
struct pace {
    int progress;
    double checkpoint_seconds;
    int64_t stop_after, keep;
    double max_seconds; /* of --max-time, which is no number alone */
};

enum { PACE_PROGRESS, PACE_CHECKPOINT, PACE_STOP, PACE_KEEP, PACE_COUNT };

static const struct setting pace_table[PACE_COUNT] = {
    [PACE_PROGRESS] = {"progress", SETTING_CHOICE, "auto", 0, 0, "auto|live|plain|none", "", offsetof(struct pace, progress)},
    [PACE_CHECKPOINT] = {"checkpoint-seconds", SETTING_REAL, "60", 0, 1e9, "", "",
                         offsetof(struct pace, checkpoint_seconds)},
    [PACE_STOP] = {"stop-after", SETTING_INTEGER, "1000000000", 1, 1e9, "", "", offsetof(struct pace, stop_after)},
    [PACE_KEEP] = {"keep", SETTING_INTEGER, "1", 0, OUTPUT_KEEP_MOST, "", "", offsetof(struct pace, keep)},
};

struct train_options {
    const char *program;                      /* and command, as it was called */
    char *output, *resume, *prior, *max_time, *pace[PACE_COUNT]; /* as given, or NULL */
    int overwrite, go_on;
};

/* ---- What to train: on rank 0 ---- */

/* `files` are those that the plan was made of. */
static bool plan_new(const struct arguments *arguments, struct plan *plan, struct config_tasks *files,
                     struct fault *why) {
    struct config config;
    struct task *tasks;
    int n_tasks;
    return inputs_read(arguments, &config, &tasks, &n_tasks, files, why) &&
           plan_create(plan, &config, tasks, n_tasks, why);
}

static bool plan_resumed(const struct arguments *arguments, const char *path, const char *prior, struct plan *plan,
                         struct fault *why) {
    struct config old, config;
    struct task *tasks;
    int n_tasks;
    int64_t done;
    if (prior) return fault_set(why, "--prior: a resumed run has its distilled policy in the run file, expected no other");
    if (arguments->n_positional > 0)
        return fault_set(why, "%s: a resumed run has its settings and tasks in the run file, expected no other file",
                         arguments->positional[0]);
    if (!runfile_read_plan(path, &old, &tasks, &n_tasks, &done, why)) return false;
    config = old;
    bool ok = inputs_apply_settings(&config, arguments, why) && config_goes_on(&old, &config, why);
    if (ok && config.run.iterations <= done)
        ok = fault_set(why, "%s: has %lld iterations, expected iterations to be larger, as in --iterations %lld", path,
                       (long long)done, (long long)(2 * done));
    if (ok) return plan_create(plan, &config, tasks, n_tasks, why);
    for (int i = 0; i < n_tasks; i++) task_destroy(&tasks[i]);
    free(tasks);
    return false;
}

/* Takes the place of the run file; it must not be one that the run was read from. */
static bool take_output(const struct train_options *options, const struct config_tasks *files, struct output *output,
                        struct fault *why) {
    if (!options->output) return fault_set(why, "no run file is named, expected -o run.h5");
    bool own = options->go_on || (options->resume && strcmp(options->resume, options->output) == 0);
    if (!output_open(output, options->output, own || options->overwrite, why)) return false;
    for (int i = 0; i < files->n; i++) {
        if (!output_is(output, files->path[i])) continue;
        output_close(output);
        return fault_set(why, "%s: is read by this run, expected another name for the run file", options->output);
    }
    return true;
}

/* ---- What comes out ---- */

/* finished: NULL where nobody can. */
static void print_row(const char *name, int width, const double *returns, const double *finished, int n) {
    printf("%-*s", width, name);
    for (int j = 0; j < n; j++) {
        printf("  %8.2f", returns[j]);
        if (finished) printf(" %4.0f %%", 100 * finished[j]);
        else printf(" %6s", "-");
    }
    putchar('\n');
}

static void print_returns(const struct trainer *trainer) {
    const struct plan *plan = trainer->plan;
    double *returns = trainer_last(trainer, CURVE_return), *finished = trainer_last(trainer, CURVE_finished);
    if (!returns) return;
    double mean_return[ENV_AGENTS] = {0}, mean_finished[ENV_AGENTS] = {0};
    const int width = inputs_name_width(plan->task, plan->n_tasks);
    bool goals = env_has_goals(plan->task[0].world);
    printf("%-*s", width, "return, finished");
    for (int j = 0; j < plan->n_agents; j++) printf("         agent %d", j + 1);
    putchar('\n');
    for (int i = 0; i < plan->n_tasks; i++) {
        print_row(plan->task[i].name, width, returns + i * plan->n_agents, goals ? finished + i * plan->n_agents : NULL, plan->n_agents);
        for (int j = 0; j < plan->n_agents; j++) {
            mean_return[j] += returns[i * plan->n_agents + j] / plan->n_tasks;
            mean_finished[j] += finished[i * plan->n_agents + j] / plan->n_tasks;
        }
    }
    print_row("mean over tasks", width, mean_return, goals ? mean_finished : NULL, plan->n_agents);
    free(returns);
    free(finished);
}

static void say_start(const struct plan *plan, int size) {
    const struct config *config = &plan->config;
    int64_t units = config->run.replicas * plan->n_tasks;
    char bytes[TEXT_BYTES];
    text_bytes((double)capacity_bytes(plan, size), bytes);
    log_line("%d task%s, %d agent%s, %lld replica%s on %d rank%s%s; %llu observations, at most %s in a rank",
             plan->n_tasks, plan->n_tasks > 1 ? "s" : "", plan->n_agents, plan->n_agents > 1 ? "s" : "",
             (long long)config->run.replicas, config->run.replicas > 1 ? "s" : "", size, size > 1 ? "s" : "",
             size > units ? " (more than there is work for)" : "", (unsigned long long)plan->senses.rows.n,
             bytes);
}

static void say_times(const struct trainer *trainer) {
    struct training_times times = training_times(trainer);
    log_line("%.4g s: games %.4g, waiting %.3g, reduction %.3g, run file %.3g, rest %.3g", trainer->run_seconds, times.games,
             times.waiting, times.reduce, times.file, times.rest);
}

static int finish(const struct trainer *trainer, enum training_end end, const struct train_options *options,
                  const struct fault *why) {
    if (end == TRAINING_FAILED) {
        log_line("multidistral train: %s", why->text);
        return STATUS_FAILED;
    }
    say_times(trainer);
    print_returns(trainer);
    int rank;
    MPI_Comm_rank(trainer->world, &rank);
    if (rank == 0) printf("run file: %s\n", options->output);
    if (end == TRAINING_DONE) return STATUS_DONE;
    log_line("stopped after iteration %lld of %lld; go on with: %s --resume %s", (long long)trainer->iteration,
             (long long)trainer->plan->config.run.iterations, options->program, options->output);
    return STATUS_STOPPED;
}

/* ---- The command ---- */

static int train_plan(const struct plan *plan, const struct train_options *options, const struct training *training,
                      struct fault *why) {
    struct trainer trainer;
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    say_start(plan, size);
    bool created = trainer_create(&trainer, plan, MPI_COMM_WORLD, why), ready = created;
    if (ready && options->resume) ready = runfile_read_state(options->resume, &trainer, why);
    if (ready && options->prior) ready = prior_read(options->prior, &trainer, why);
    if (!ready) {
        log_line("multidistral train: %s", why->text);
        if (created) trainer_destroy(&trainer);
        return STATUS_USAGE;
    }
    if (!options->resume) trainer_solve(&trainer);
    enum training_end end = training_run(&trainer, training, why);
    int status = finish(&trainer, end, options, why);
    trainer_destroy(&trainer);
    return status;
}

/* What --continue finds in the run file's place; without it nothing. */
static bool look(const struct train_options *options, const struct plan *plan, enum sweep_state *state, struct fault *why) {
    *state = SWEEP_NEW;
    return !options->go_on || !options->output || sweep_look(options->output, plan, state, why);
}

/* On rank 0. */
static bool prepare(const struct arguments *arguments, const struct train_options *options, struct plan *plan,
                    struct output *output, enum sweep_state *state, struct fault *why) {
    struct config_tasks files = {0};
    bool planned = options->resume ? plan_resumed(arguments, options->resume, options->prior, plan, why)
                                   : plan_new(arguments, plan, &files, why);
    if (options->prior) config_tasks_add(&files, "", options->prior, 0);
    bool taken = planned && take_output(options, &files, output, why);
    if (taken && !look(options, plan, state, why)) {
        output_close(output);
        taken = false;
    }
    if (planned && !taken) plan_destroy(plan);
    config_tasks_destroy(&files);
    return taken;
}

/* Rank 0's path for all, who give NULL; the caller owns it. Collective. */
static char *share_path(const char *path) {
    int bytes = path ? (int)strlen(path) + 1 : 0;
    MPI_Bcast(&bytes, 1, MPI_INT, 0, MPI_COMM_WORLD);
    char *shared = path ? memory_string(path) : memory_zeros((size_t)bytes, 1);
    MPI_Bcast(shared, bytes, MPI_CHAR, 0, MPI_COMM_WORLD);
    return shared;
}

static int train(const struct arguments *arguments, struct train_options *options, int rank, const char *command) {
    struct fault why;
    struct plan plan;
    struct pace pace;
    struct output output = {.lock = -1};
    enum sweep_state state = SWEEP_NEW;
    bool ok = inputs_read_options(pace_table, PACE_COUNT, options->pace, &pace, &why);
    ok = ok && inputs_read_limit(options->max_time, &pace.max_seconds, &why);
    if (ok && options->go_on && (options->resume || options->overwrite))
        ok = fault_set(&why, "--continue: goes on with the file of -o if it is there, expected no %s beside it",
                       options->resume ? "--resume" : "--overwrite");
    if (ok) log_open(rank == 0, (enum log_progress)pace.progress);
    if (!options->output && options->resume) options->output = memory_string(options->resume);
    bool ready = ok && rank == 0 && prepare(arguments, options, &plan, &output, &state, &why);
    if (!ok || !plan_broadcast(&plan, ready, MPI_COMM_WORLD, &why)) {
        log_line("multidistral train: %s", why.text);
        return STATUS_USAGE;
    }
    output.keep = (int)pace.keep;
    char *path = share_path(output.path);
    struct training training = {.path = path,
                                .name = options->output,
                                .place = rank == 0 ? &output : NULL,
                                .command = command,
                                .checkpoint_seconds = pace.checkpoint_seconds,
                                .stop_after = pace.stop_after,
                                .began = command_began,
                                .max_seconds = pace.max_seconds};
    MPI_Bcast(&state, sizeof state, MPI_BYTE, 0, MPI_COMM_WORLD);
    if (state == SWEEP_BEGUN) options->resume = memory_string(path);
    if (state == SWEEP_DONE) log_line("%s: is done, nothing is left to train", path);
    int status = state == SWEEP_DONE ? STATUS_DONE : train_plan(&plan, options, &training, &why);
    output_close(&output);
    free(path);
    plan_destroy(&plan);
    return status;
}

int cmd_train(int argc, const char **argv) {
    struct train_options options = {.program = argv[0]};
    struct poptOption table[] = {
        {"output", 'o', POPT_ARG_STRING, &options.output, 0, "the run file to write", "FILE.h5"},
        {"resume", '\0', POPT_ARG_STRING, &options.resume, 0,
         "go on with this run, into the same file unless -o names another; --iterations may be raised", "FILE.h5"},
        {"continue", '\0', POPT_ARG_NONE, &options.go_on, 0,
         "go on with the run file if it is there, so that the same command can be given until the run is done", NULL},
        {"prior", '\0', POPT_ARG_STRING, &options.prior, 0,
         "begin under the distilled policy of this run, learned on other tasks; see --update-prior", "FILE.h5"},
        {"overwrite", '\0', POPT_ARG_NONE, &options.overwrite, 0, "replace an output file that is there already", NULL},
        {"stop-after", '\0', POPT_ARG_STRING, &options.pace[PACE_STOP], 0, "save and stop when so many iterations are done",
         "ITERATION"},
        {"max-time", '\0', POPT_ARG_STRING, &options.max_time, 0, INPUTS_LIMIT_HELP, "TIME"},
        {"checkpoint-seconds", '\0', POPT_ARG_STRING, &options.pace[PACE_CHECKPOINT], 0,
         "time between checkpoints; 0: after each iteration (60)", "SECONDS"},
        {"keep", '\0', POPT_ARG_STRING, &options.pace[PACE_KEEP], 0,
         "how many of the files before the last one stay, as FILE.h5.prev, FILE.h5.prev2, ... (1)", "FILES"},
        {"progress", '\0', POPT_ARG_STRING, &options.pace[PACE_PROGRESS], 0,
         "auto, live (one line, redrawn), plain (a line every ten seconds) or none (auto)", "HOW"},
        {"help", 'h', POPT_ARG_NONE, NULL, 'h', "show this help", NULL},
        POPT_TABLEEND};
    struct arguments arguments;
    struct fault why;
    int rank, status = STATUS_DONE;
    char command[1024];
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    arguments_join(argc, argv, command, sizeof command);
    log_open(rank == 0, LOG_PLAIN);
    training_catch_signals(); /* now: reading a large run to resume may take as long as a scheduler warns ahead */
    if (!arguments_read(&arguments, argc, argv, table, true, usage, about, rank == 0, &why)) {
        log_line("multidistral train: %s", why.text);
        status = STATUS_USAGE;
    } else if (!arguments.help) {
        status = train(&arguments, &options, rank, command);
    }
    arguments_destroy(&arguments);
    free(options.output);
    free(options.resume);
    free(options.prior);
    free(options.max_time);
    for (int i = 0; i < PACE_COUNT; i++) free(options.pace[i]);
    return status;
}
