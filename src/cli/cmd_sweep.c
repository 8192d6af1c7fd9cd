#include <errno.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "multidistral/base/log.h"
#include "multidistral/base/memory.h"
#include "multidistral/base/text.h"
#include "multidistral/cli/command.h"
#include "multidistral/cli/inputs.h"
#include "multidistral/run/capacity.h"
#include "multidistral/run/reduce.h"
#include "multidistral/run/sweep.h"

static const char usage[] = "[OPTION...] --SETTING VALUE,VALUE... [settings.ini] TASK... -o FOLDER";
static const char about[] =
    "Trains every combination of the values given, as in --alpha 0.5,0.9 --beta 1,2,5, each into a run file of its own in "
    "FOLDER, and compares them in FOLDER/summary.csv and summary.h5. Under mpirun -np N the combinations are trained side by "
    "side. Called again it goes on: what is finished stays, what was stopped is resumed. Several jobs can have a share each: "
    "--share 1/4 trains every fourth combination, and the last share to be done writes the comparison.";

struct sweep_options {
    const char *program; /* and command, as it was called */
    char *folder;
    char *share_text, *max_time;  /* as given, or NULL */
    int64_t share, shares;        /* which of how many, from 0 */
    double max_seconds;           /* 0: no limit */
};

static bool read_share(struct sweep_options *options, struct fault *why) {
    int64_t part[2] = {1, 1};
    const char *text = options->share_text ? options->share_text : "1/1", *slash = strchr(text, '/');
    char first[24];
    bool fits = slash && snprintf(first, sizeof first, "%.*s", (int)(slash - text), text) < (int)sizeof first &&
                text_to_integer(first, &part[0]) && text_to_integer(slash + 1, &part[1]);
    options->share = part[0] - 1;
    options->shares = part[1];
    return (fits && part[0] >= 1 && part[0] <= part[1]) ||
           fault_set(why, "option: share = \"%.40s\": expected which of how many, as in 1/4 to 4/4", text);
}

/* ---- Plans: made on rank 0, then on all ---- */

/* The command line of one combination. */
static bool plan_of(const struct arguments *arguments, const struct sweep *sweep, int64_t combination, struct plan *plan,
                    struct fault *why) {
    struct arguments one = *arguments;
    struct config_tasks files = {0};
    struct config config;
    struct task *tasks;
    int n_tasks;
    one.setting = memory_zeros((size_t)config_count() + 1, sizeof *one.setting);
    memcpy(one.setting, arguments->setting, (size_t)config_count() * sizeof *one.setting);
    for (int a = 0; a < sweep->n_axes; a++) one.setting[sweep->axis[a].setting] = (char *)sweep_value(sweep, combination, a);
    bool made = inputs_read(&one, &config, &tasks, &n_tasks, &files, why) && plan_create(plan, &config, tasks, n_tasks, why);
    config_tasks_destroy(&files);
    free(one.setting);
    return made;
}

/* *made: it was missing. */
static bool make_folder(const char *folder, bool *made, struct fault *why) {
    *made = false;
    if (!folder || !*folder) return fault_set(why, "no folder is named, expected -o FOLDER");
    struct stat about_it;
    *made = mkdir(folder, 0777) == 0;
    if (*made || (stat(folder, &about_it) == 0 && S_ISDIR(about_it.st_mode))) return true;
    return fault_set(why, "%s: cannot be made: %s", folder, errno == ENOENT ? "the folder that it would be in is missing" : strerror(errno));
}

static bool make_plans(const struct arguments *arguments, const struct sweep *sweep, const struct sweep_options *options,
                       struct plan *plan, enum sweep_state *state, struct fault *why) {
    const char *folder = options->folder;
    int64_t n = 0;
    bool ok = true, made = false;
    while (ok && n < sweep->n) {
        ok = plan_of(arguments, sweep, n, &plan[n], why);
        if (!ok) break;
        char *path = sweep_path(sweep, folder ? folder : "", n);
        ok = sweep_look(path, &plan[n], &state[n], why);
        free(path);
        if (state[n] != SWEEP_DONE && n % options->shares != options->share) state[n] = SWEEP_ELSEWHERE;
        n++;
    }
    ok = ok && make_folder(folder, &made, why) && sweep_check_places(sweep, folder, why);
    if (!ok && made) rmdir(folder);
    while (!ok && n > 0) plan_destroy(&plan[--n]);
    return ok;
}

/* ---- What is said ---- */

static void say_combination(const struct sweep *sweep, int64_t combination, FILE *out) {
    for (int a = 0; a < sweep->n_axes; a++)
        fprintf(out, "%s%s = %s", a ? ", " : "", config_setting(sweep->axis[a].setting)->name, sweep_value(sweep, combination, a));
}

static void say_start(const struct sweep_job *job, int size) {
    int64_t todo = 0;
    uint64_t most = 0;
    char bytes[TEXT_BYTES];
    for (int64_t c = 0; c < job->sweep->n; c++) todo += sweep_is_to_do(job->state[c]);
    if (todo == 0) return;
    int64_t n_groups = todo < size ? todo : size;
    for (int64_t c = 0; c < job->sweep->n; c++) {
        uint64_t own = sweep_is_to_do(job->state[c]) ? capacity_bytes(&job->plan[c], size / (int)n_groups) : 0;
        if (own > most) most = own;
    }
    text_bytes((double)most, bytes);
    log_line("%lld combination%s, %lld to train, on %d rank%s in %lld group%s; at most %s in a rank", (long long)job->sweep->n,
             job->sweep->n > 1 ? "s" : "", (long long)todo, size, size > 1 ? "s" : "", (long long)n_groups, n_groups > 1 ? "s" : "", bytes);
}

/* By the first rank of each group, so whole lines at once. */
static void say_done(const struct sweep_job *job, int64_t combination, double mean_return) {
    char *line = NULL;
    size_t length;
    FILE *out = memory_stream(&line, &length);
    say_combination(job->sweep, combination, out);
    fprintf(out, ": return %.2f\n", mean_return);
    fclose(out);
    fputs(line, stderr);
    free(line);
}

static void print_table(const struct sweep *sweep, const struct sweep_table *table) {
    int64_t best = 0;
    puts("mean return of the last iteration's E-step games [95 % interval over replicas]");
    for (int64_t c = 0; c < sweep->n; c++) {
        const struct estimate *e = &table->row[c][SWEEP_RETURN];
        if (e->value > table->row[best][SWEEP_RETURN].value) best = c;
        if (isfinite(e->low)) printf("%9.2f  [%8.2f, %8.2f]  ", e->value, e->low, e->high);
        else printf("%9.2f  [unknown: under five replicas]  ", e->value);
        say_combination(sweep, c, stdout);
        putchar('\n');
    }
    printf("best: ");
    say_combination(sweep, best, stdout);
    putchar('\n');
}

/* Combinations of other shares that are not done yet, when this share is. */
static bool count_left(const struct sweep_job *job, int64_t *left, struct fault *why) {
    bool ok = true;
    *left = 0;
    for (int64_t c = 0; ok && c < job->sweep->n; c++) {
        enum sweep_state state = SWEEP_DONE;
        char *path = sweep_path(job->sweep, job->folder, c);
        if (job->state[c] == SWEEP_ELSEWHERE) ok = sweep_look(path, &job->plan[c], &state, why);
        *left += state != SWEEP_DONE;
        free(path);
    }
    return ok;
}

/* On rank 0. */
static bool summarize(const struct sweep_job *job, const struct sweep_options *options, struct fault *why) {
    struct sweep_table table = {0};
    int64_t left;
    bool ok = count_left(job, &left, why);
    if (ok && left > 0) {
        printf("share %s is done; %lld of %lld combinations are left to other shares, the last of which writes the summary\n",
               options->share_text, (long long)left, (long long)job->sweep->n);
        return true;
    }
    ok = ok && sweep_summarize(job->sweep, job->folder, &table, why);
    if (ok) {
        print_table(job->sweep, &table);
        printf("summary: %s/summary.csv, %s/summary.h5\n", job->folder, job->folder);
        if (table.replaces) printf("the one that was there is %s/summary.csv.prev, and .h5.prev\n", job->folder);
    }
    free(table.row);
    return ok;
}

static int finish(const struct sweep_job *job, const struct sweep_options *options, enum training_end end, int rank,
                  struct fault *why) {
    bool ok = end != TRAINING_FAILED;
    if (end == TRAINING_DONE) ok = reduce_fault(rank != 0 || summarize(job, options, why), why, MPI_COMM_WORLD);
    if (!ok) log_line("multidistral sweep: %s", why->text);
    else if (end == TRAINING_STOPPED) log_line("stopped, everything saved; the same command goes on");
    return !ok ? STATUS_FAILED : end == TRAINING_STOPPED ? STATUS_STOPPED : STATUS_DONE;
}

/* ---- The command ---- */

static int sweep(const struct arguments *arguments, const struct sweep *sweep, const struct sweep_options *options, int rank,
                 const char *command) {
    struct fault why;
    struct plan *plan = memory_zeros((size_t)sweep->n, sizeof *plan);
    enum sweep_state *state = memory_zeros((size_t)sweep->n, sizeof *state);
    bool ok = reduce_fault(rank != 0 || make_plans(arguments, sweep, options, plan, state, &why), &why, MPI_COMM_WORLD);
    int status = STATUS_USAGE;
    if (!ok) log_line("multidistral sweep: %s", why.text);
    for (int64_t c = 0; ok && c < sweep->n; c++) plan_broadcast(&plan[c], true, MPI_COMM_WORLD, &why);
    if (ok) {
        const struct sweep_job job = {.sweep = sweep,
                                      .plan = plan,
                                      .state = state,
                                      .folder = options->folder,
                                      .command = command,
                                      .checkpoint_seconds = 60,
                                      .began = command_began,
                                      .max_seconds = options->max_seconds};
        MPI_Bcast(state, (int)(sweep->n * (int64_t)sizeof *state), MPI_BYTE, 0, MPI_COMM_WORLD);
        int size;
        MPI_Comm_size(MPI_COMM_WORLD, &size);
        log_open(rank == 0, LOG_NONE);
        say_start(&job, size);
        enum training_end end = sweep_train(&job, MPI_COMM_WORLD, say_done, &why);
        status = finish(&job, options, end, rank, &why);
    }
    for (int64_t c = 0; ok && c < sweep->n; c++) plan_destroy(&plan[c]);
    free(plan);
    free(state);
    return status;
}

int cmd_sweep(int argc, const char **argv) {
    struct sweep_options options = {.program = argv[0]};
    struct poptOption table[] = {
        {"output", 'o', POPT_ARG_STRING, &options.folder, 0, "where run files and summary go; made if missing", "FOLDER"},
        {"share", '\0', POPT_ARG_STRING, &options.share_text, 0, "train this share of the combinations alone, as in 2/4", "I/N"},
        {"max-time", '\0', POPT_ARG_STRING, &options.max_time, 0, INPUTS_LIMIT_HELP, "TIME"},
        {"help", 'h', POPT_ARG_NONE, NULL, 'h', "show this help", NULL},
        POPT_TABLEEND};
    struct arguments arguments;
    struct sweep combinations = {0};
    struct fault why;
    int rank, status = STATUS_DONE;
    char command[1024];
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    arguments_join(argc, argv, command, sizeof command);
    log_open(rank == 0, LOG_NONE);
    training_catch_signals();
    bool ok = arguments_read(&arguments, argc, argv, table, true, usage, about, rank == 0, &why);
    ok = ok && read_share(&options, &why) && inputs_read_limit(options.max_time, &options.max_seconds, &why);
    if (ok && !arguments.help) ok = sweep_create(&combinations, arguments.setting, &why);
    if (!ok) {
        log_line("multidistral sweep: %s", why.text);
        status = STATUS_USAGE;
    } else if (!arguments.help) {
        status = sweep(&arguments, &combinations, &options, rank, command);
    }
    sweep_destroy(&combinations);
    arguments_destroy(&arguments);
    free(options.folder);
    free(options.share_text);
    free(options.max_time);
    return status;
}
