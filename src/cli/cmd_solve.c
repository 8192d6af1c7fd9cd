#include <stdio.h>
#include <stdlib.h>

#include "multidistral/cli/command.h"
#include "multidistral/cli/inputs.h"
#include "multidistral/world/search.h"
#include "multidistral/world/solve.h"

static const char usage[] = "[OPTION...] [settings.ini] TASK...";
static const char about[] =
    "Says what the agents of each task can reach together: the best expected sum of their discounted returns under the "
    "rules of the task, how it splits between them, and a game that shows it. Of the settings only gamma, the rules and "
    "the seed count. Worlds too large to solve are searched instead, for a lower bound.";

struct limits {
    int64_t max_states, budget;
};

enum { LIMIT_STATES, LIMIT_BUDGET, LIMIT_COUNT };

static const struct setting limit_table[LIMIT_COUNT] = {
    [LIMIT_STATES] = {"max-states", SETTING_INTEGER, "0", 0, 2e9, "", "", offsetof(struct limits, max_states)},
    [LIMIT_BUDGET] = {"budget", SETTING_INTEGER, "100000", 1, 1e7, "", "", offsetof(struct limits, budget)},
};

struct solve_options {
    char *limit[LIMIT_COUNT]; /* as given, or NULL */
    int csv;
};

/* ---- For people ---- */

static void print_sum(const struct solution *s, const char *name, const struct fault *why, int64_t seed) {
    printf("%s: %s %.4f", name, s->exact ? "optimum" : "at least", s->sum);
    for (int j = 0; j < s->n_agents; j++) printf("%s agent %d %.4f", j == 0 ? " =" : " +", j + 1, s->split[j]);
    printf(" in %lld step%s", (long long)s->steps, s->steps == 1 ? "" : "s");
    if (s->exact) printf("; exact, %llu joint state%s\n", (unsigned long long)s->work, s->work == 1 ? "" : "s");
    else printf("\n  A lower bound found by search, %llu simulations with seed %lld; not solved: %s.\n",
                (unsigned long long)s->work, (long long)seed, why->text);
}

static void print_moves(const struct solution *s, enum env_kind world, int agent) {
    enum { MOST = 100 };
    int64_t n = s->plays[agent];
    printf("  agent %d:", agent + 1);
    for (int64_t t = 0; t < n && t < MOST; t++) printf(" %s", env_action_name(world, s->moves[t * s->n_agents + agent]));
    if (n > MOST) printf(" ... and %lld more", (long long)(n - MOST));
    putchar('\n');
}

static void print_solution(const struct solution *s, const struct task *task, const struct fault *why, int64_t seed) {
    print_sum(s, task->name, why, seed);
    for (int j = 0; j < s->n_agents; j++) print_moves(s, task->world, j);
    fflush(stdout);
}

/* ---- For programs ---- */

static int most_agents(const struct task *tasks, int n_tasks) {
    int most = 0;
    for (int i = 0; i < n_tasks; i++)
        if (tasks[i].n_agents > most) most = tasks[i].n_agents;
    return most;
}

static void print_csv_header(int columns) {
    printf("task,agents,sum");
    for (int j = 0; j < columns; j++) printf(",agent_%d", j + 1);
    puts(",length,method");
}

static void print_csv(const struct solution *s, const char *name, int columns) {
    printf("%s,%d,%.12g", name, s->n_agents, s->sum);
    for (int j = 0; j < columns; j++) {
        putchar(',');
        if (j < s->n_agents) printf("%.12g", s->split[j]);
    }
    printf(",%lld,%s\n", (long long)s->steps, s->exact ? "exact" : "search");
    fflush(stdout);
}

/* ---- The command ---- */

static bool solve_task(const struct task *task, const struct config *config, const struct limits *limits,
                       struct solution *out, struct fault *why) {
    struct cells cells;
    double gamma = config->learning.gamma;
    if (!cells_create(&cells, task, 1, why)) return false;
    struct env *env = env_create(task, &config->rules, &cells);
    if (!solve_exact(env, gamma, (uint64_t)limits->max_states, out, why))
        search_game((const struct env_grid *)env, gamma, (uint32_t)limits->budget, (uint32_t)config->run.seed, out);
    env_destroy(env);
    cells_destroy(&cells);
    return true;
}

static bool solve_all(const struct task *tasks, int n_tasks, const struct config *config, const struct limits *limits,
                      bool csv, struct fault *why) {
    int columns = most_agents(tasks, n_tasks);
    if (csv) print_csv_header(columns);
    for (int i = 0; i < n_tasks; i++) {
        struct solution solution;
        if (!solve_task(&tasks[i], config, limits, &solution, why)) return false;
        if (csv) print_csv(&solution, tasks[i].name, columns);
        else print_solution(&solution, &tasks[i], why, config->run.seed);
        solution_destroy(&solution);
    }
    return true;
}

static bool solve(const struct arguments *arguments, const struct solve_options *options, struct fault *why) {
    struct limits limits;
    struct config config;
    struct task *tasks;
    int n_tasks;
    struct config_tasks files = {0};
    bool read = inputs_read_options(limit_table, LIMIT_COUNT, options->limit, &limits, why) &&
                inputs_read(arguments, &config, &tasks, &n_tasks, &files, why);
    config_tasks_destroy(&files);
    if (!read) return false;
    bool ok = n_tasks > 0 || fault_set(why, "no task is given, expected at least one task file");
    ok = ok && solve_all(tasks, n_tasks, &config, &limits, options->csv, why);
    for (int i = 0; i < n_tasks; i++) task_destroy(&tasks[i]);
    free(tasks);
    return ok;
}

int cmd_solve(int argc, const char **argv) {
    struct solve_options options = {0};
    struct poptOption table[] = {
        {"csv", '\0', POPT_ARG_NONE, &options.csv, 0, "print a table for programs: a line for each task", NULL},
        {"max-states", '\0', POPT_ARG_STRING, &options.limit[LIMIT_STATES], 0,
         "solve worlds of up to so many joint states, whatever memory that takes; 0: of up to 1 GiB (0)", "N"},
        {"budget", '\0', POPT_ARG_STRING, &options.limit[LIMIT_BUDGET], 0,
         "simulations of a search where a world is too large (100000)", "SIMULATIONS"},
        {"help", 'h', POPT_ARG_NONE, NULL, 'h', "show this help", NULL},
        POPT_TABLEEND};
    struct arguments arguments;
    struct fault why;
    bool ok = arguments_read(&arguments, argc, argv, table, true, usage, about, true, &why);
    if (ok && !arguments.help) ok = solve(&arguments, &options, &why);
    if (!ok) fprintf(stderr, "multidistral solve: %s\n", why.text);
    arguments_destroy(&arguments);
    for (int i = 0; i < LIMIT_COUNT; i++) free(options.limit[i]);
    return ok ? STATUS_DONE : STATUS_USAGE;
}
