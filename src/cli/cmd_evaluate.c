#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/log.h"
#include "multidistral/base/memory.h"
#include "multidistral/base/text.h"
#include "multidistral/cli/command.h"
#include "multidistral/cli/inputs.h"
#include "multidistral/run/evaluate.h"
#include "multidistral/run/runfile.h"

static const char usage[] = "[OPTION...] run.h5 [TASK...]";
static const char about[] =
    "Plays fresh games with the policies of a run file, and says how good they are, with 95 % intervals over replicas.\n"
    "TASK files are new tasks, never trained, inside the free cells of the run's: its distilled policy plays them.\n"
    "Under mpirun -np N the games are spread over N ranks; the numbers are the same for any N.";

struct wishes {
    int policy;
    int64_t games, seed;
};

enum { WISH_POLICY, WISH_GAMES, WISH_SEED, WISH_COUNT };

static const struct setting wishes_table[WISH_COUNT] = {
    [WISH_POLICY] = {"policy", SETTING_CHOICE, "task", 0, 0, "task|greedy|distilled", "", offsetof(struct wishes, policy)},
    [WISH_GAMES] = {"games", SETTING_INTEGER, "1000", 1, 1e6, "", "", offsetof(struct wishes, games)},
    [WISH_SEED] = {"seed", SETTING_INTEGER, "0", 0, UINT32_MAX, "", "", offsetof(struct wishes, seed)},
};

struct evaluate_options {
    char *wish[WISH_COUNT]; /* as given, or NULL */
    int csv;
};

/* A run, and what to play with it. */
struct job {
    char *path;
    struct plan plan;
    struct task *new_task; /* [evaluation.n_new_tasks] */
    struct evaluation evaluation;
};

/* ---- What to play: on rank 0 ---- */

static void tasks_free(struct task *tasks, int n) {
    for (int i = 0; i < n; i++) task_destroy(&tasks[i]);
    free(tasks);
}

static bool read_run(const char *path, struct plan *plan, struct fault *why) {
    struct config config;
    struct task *tasks;
    int n_tasks;
    int64_t done;
    if (!runfile_read_plan(path, &config, &tasks, &n_tasks, &done, why)) return false;
    if (!plan_create(plan, &config, tasks, n_tasks, why)) return fault_at(why, "%s", path);
    if (done > 0) return true;
    plan_destroy(plan);
    return fault_set(why, "%s: has no iteration done, expected policies to play with", path);
}

static bool read_new_tasks(struct job *job, char *const *path, int n, struct fault *why) {
    job->new_task = memory_zeros((size_t)n + 1, sizeof *job->new_task);
    for (int *read = &job->evaluation.n_new_tasks; *read < n; ++*read)
        if (!task_read(&job->new_task[*read], path[*read], why)) return false;
    plan_name_apart(job->new_task, n);
    return true;
}

/* Does the run have the policies asked for? */
static bool policy_exists(const struct job *job, struct fault *why) {
    bool distilled = job->evaluation.policy == EVALUATE_DISTILLED;
    if (job->evaluation.n_new_tasks && !distilled)
        return fault_set(why, "--policy %s: new tasks such as %s have no policies of their own, expected --policy distilled",
                         job->evaluation.policy == EVALUATE_TASK ? "task" : "greedy", job->new_task[0].name);
    bool has = true;
    if (distilled && !runfile_has_distilled(job->path, &job->plan, &has, why)) return false;
    return has || fault_set(why, "%s: never distilled a policy: pi_0 is uniform; expected another run, or its own tasks and "
                                 "--policy task or greedy", job->path);
}

static void job_destroy(struct job *job) {
    tasks_free(job->new_task, job->evaluation.n_new_tasks);
    plan_destroy(&job->plan);
    free(job->path);
    *job = (struct job){0};
}

static bool job_create(struct job *job, const struct arguments *arguments, const struct evaluate_options *options,
                       struct fault *why) {
    struct wishes wishes;
    int n = arguments->n_positional;
    if (n == 0) return fault_set(why, "no run file is named, expected one, as in multidistral evaluate run.h5");
    if (!inputs_read_options(wishes_table, WISH_COUNT, options->wish, &wishes, why) || !read_run(arguments->positional[0], &job->plan, why)) return false;
    bool policy_given = options->wish[WISH_POLICY], seed_given = options->wish[WISH_SEED];
    job->path = memory_string(arguments->positional[0]);
    job->evaluation.policy = policy_given || n == 1 ? (enum evaluate_policy)wishes.policy : EVALUATE_DISTILLED;
    job->evaluation.games = wishes.games;
    job->evaluation.seed = (uint32_t)(seed_given ? wishes.seed : job->plan.config.run.seed);
    if (read_new_tasks(job, arguments->positional + 1, n - 1, why)) {
        job->evaluation.new_task = job->new_task;
        if (policy_exists(job, why) && evaluate_accepts(&job->plan, &job->evaluation, why)) return true;
    }
    job_destroy(job);
    return false;
}

/* Gives rank 0's job to all ranks. Collective. */
static bool job_broadcast(struct job *job, bool ok, int rank, struct fault *why) {
    if (!plan_broadcast(&job->plan, ok, MPI_COMM_WORLD, why)) return false;
    int bytes = rank == 0 ? (int)strlen(job->path) + 1 : 0;
    MPI_Bcast(&bytes, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (rank != 0) job->path = memory_zeros((size_t)bytes, 1);
    MPI_Bcast(job->path, bytes, MPI_CHAR, 0, MPI_COMM_WORLD);
    MPI_Bcast(&job->evaluation, sizeof job->evaluation, MPI_BYTE, 0, MPI_COMM_WORLD);
    plan_broadcast_tasks(&job->new_task, &job->evaluation.n_new_tasks, MPI_COMM_WORLD);
    job->evaluation.new_task = job->new_task;
    return true;
}

/* ---- What comes out ---- */

static const struct task *tasks_played(const struct job *job) { return job->evaluation.n_new_tasks ? job->new_task : job->plan.task; }

static const char *task_name(const struct job *job, int task) { return tasks_played(job)[task].name; }

static const char *const policy_about[] = {
    [EVALUATE_TASK] = "task policies",
    [EVALUATE_GREEDY] = "most probable actions of the task policies",
    [EVALUATE_DISTILLED] = "distilled policy",
};

/* The mean over all agents, or tasks, is shown where there are several. */
static int columns(const struct scores *scores) { return scores->n_agents > 1 ? scores->n_agents + 1 : 1; }
static int lines(const struct scores *scores) { return scores->n_tasks > 1 ? scores->n_tasks + 1 : 1; }
static int or_all(int i, int n) { return i < n ? i : SCORES_ALL; }

static void print_estimate(struct estimate e, double unit) {
    printf("  %8.2f", e.value * unit);
    if (isnan(e.low)) printf("%20s", "[unknown]");
    else printf("  [%7.2f, %7.2f]", e.low * unit, e.high * unit);
}

enum { VALUE_WIDTH = 10, ESTIMATE_WIDTH = 30 }; /* of what print_estimate prints, without and with the interval */

static void print_table(const struct job *job, const struct scores *scores, const char *title, enum score score, bool iqm,
                        double unit) {
    const int width = inputs_name_width(tasks_played(job), scores->n_tasks);
    printf("\n%-*s", width, title);
    for (int j = 0; j < columns(scores); j++) {
        char head[32] = "all agents";
        if (j < scores->n_agents) snprintf(head, sizeof head, "agent %d", j + 1);
        printf("%*s", j == 0 ? VALUE_WIDTH : ESTIMATE_WIDTH, head);
    }
    putchar('\n');
    for (int i = 0; i < lines(scores); i++) {
        printf("%-*s", width, i < scores->n_tasks ? task_name(job, i) : "all tasks");
        for (int j = 0; j < columns(scores); j++) {
            struct estimates e = scores_estimate(scores, score, or_all(i, scores->n_tasks), or_all(j, scores->n_agents),
                                                 job->evaluation.seed);
            print_estimate(iqm ? e.iqm : e.mean, unit);
        }
        putchar('\n');
    }
}

static void print_text(const struct job *job, const struct scores *scores) {
    const struct evaluation *evaluation = &job->evaluation;
    bool one = scores->n_replicas == 1;
    printf("%s: %s%s, %lld game%s per task%s, seed %lu\n", job->path, policy_about[evaluation->policy],
           evaluation->n_new_tasks ? " on new tasks" : "", (long long)evaluation->games,
           evaluation->games == 1 ? "" : "s", one ? "" : " and replica", (unsigned long)evaluation->seed);
    if (one) puts("[95 % intervals] over the games of the only replica: they say nothing of other runs with these settings");
    else printf("[95 %% intervals] over %lld replicas\n", (long long)scores->n_replicas);
    print_table(job, scores, "mean return", SCORE_RETURN, false, 1);
    print_table(job, scores, "interquartile return", SCORE_RETURN, true, 1);
    if (env_has_goals(job->plan.task[0].world)) print_table(job, scores, "finished, %", SCORE_FINISHED, false, 100);
    print_table(job, scores, "length, steps", SCORE_LENGTH, false, 1);
}

static void print_place(const struct job *job, int task, int agent) {
    printf("%s,", task == SCORES_ALL ? "*" : task_name(job, task));
    if (agent == SCORES_ALL) printf("*,");
    else printf("%d,", agent + 1);
}

/* A number in full; nothing where it is unknown. */
static void print_number(double value, bool last) {
    char text[SETTING_TEXT] = "";
    if (!isnan(value)) text_from_real(text, sizeof text, value);
    printf("%s%c", text, last ? '\n' : ',');
}

static void print_replicas(const struct job *job, const struct scores *scores) {
    for (int64_t r = 0; r < scores->n_replicas; r++) {
        for (int i = 0; i < scores->n_tasks; i++) {
            for (int j = 0; j < scores->n_agents; j++) {
                printf("%lld,", (long long)r + 1);
                print_place(job, i, j);
                printf("value,");
                for (int s = 0; s < SCORE_COUNT; s++)
                    print_number(scores_of_replica(scores, (enum score)s, r, i, j), s == SCORE_COUNT - 1);
            }
        }
    }
}

/* One line per statistic. */
static void print_summary(const struct job *job, const struct scores *scores, int task, int agent) {
    static const char *const name[] = {"mean", "mean_low", "mean_high", "iqm", "iqm_low", "iqm_high"};
    enum { N_NAMES = sizeof name / sizeof *name };
    double value[SCORE_COUNT][N_NAMES];
    for (int s = 0; s < SCORE_COUNT; s++) {
        struct estimates e = scores_estimate(scores, (enum score)s, task, agent, job->evaluation.seed);
        memcpy(value[s], (double[]){e.mean.value, e.mean.low, e.mean.high, e.iqm.value, e.iqm.low, e.iqm.high},
               sizeof value[s]);
    }
    for (int k = 0; k < N_NAMES; k++) {
        printf("*,");
        print_place(job, task, agent);
        printf("%s,", name[k]);
        for (int s = 0; s < SCORE_COUNT; s++) print_number(value[s][k], s == SCORE_COUNT - 1);
    }
}

/* `*` stands for all: no task can have that name. */
static void print_csv(const struct job *job, const struct scores *scores) {
    puts("replica,task,agent,statistic,return,finished,length");
    print_replicas(job, scores);
    for (int i = 0; i < lines(scores); i++)
        for (int j = 0; j < columns(scores); j++)
            print_summary(job, scores, or_all(i, scores->n_tasks), or_all(j, scores->n_agents));
}

/* ---- The command ---- */

static bool evaluate(const struct arguments *arguments, const struct evaluate_options *options, int rank,
                     struct fault *why) {
    struct job job = {0};
    struct scores scores;
    bool ok = rank == 0 && job_create(&job, arguments, options, why);
    if (!job_broadcast(&job, ok, rank, why)) return false;
    ok = evaluate_run(job.path, &job.plan, &job.evaluation, MPI_COMM_WORLD, &scores, why);
    if (ok && rank == 0) (options->csv ? print_csv : print_text)(&job, &scores);
    scores_destroy(&scores);
    job_destroy(&job);
    return ok;
}

int cmd_evaluate(int argc, const char **argv) {
    struct evaluate_options options = {0};
    struct poptOption table[] = {
        {"policy", '\0', POPT_ARG_STRING, &options.wish[WISH_POLICY], 0,
         "task (drawn from the task policies), greedy (their most probable actions) or distilled (pi_0 alone); new tasks: "
         "distilled (task)", "WHICH"},
        {"games", '\0', POPT_ARG_STRING, &options.wish[WISH_GAMES], 0, "games per replica and task (1000)", "GAMES"},
        {"seed", '\0', POPT_ARG_STRING, &options.wish[WISH_SEED], 0, "of the games' draws (the run's)", "SEED"},
        {"csv", '\0', POPT_ARG_NONE, &options.csv, 0, "lines for programs: each replica's values, then summaries", NULL},
        {"help", 'h', POPT_ARG_NONE, NULL, 'h', "show this help", NULL},
        POPT_TABLEEND};
    struct arguments arguments;
    struct fault why;
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    log_open(rank == 0, LOG_PLAIN);
    bool ok = arguments_read(&arguments, argc, argv, table, false, usage, about, rank == 0, &why);
    if (ok && !arguments.help) ok = evaluate(&arguments, &options, rank, &why);
    if (!ok) log_line("multidistral evaluate: %s", why.text);
    arguments_destroy(&arguments);
    for (int i = 0; i < WISH_COUNT; i++) free(options.wish[i]);
    return ok ? STATUS_DONE : STATUS_USAGE;
}
