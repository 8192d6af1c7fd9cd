#include "multidistral/run/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/base/text.h"

static bool name_taken(const struct task *tasks, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (strcmp(tasks[i].name, name) == 0) return true;
    return false;
}

void plan_name_apart(struct task *tasks, int n_tasks) {
    for (int i = 0; i < n_tasks; i++) {
        char name[TASK_NAME];
        memcpy(name, tasks[i].name, sizeof name);
        for (int copy = 2; name_taken(tasks, i, name); copy++)
            snprintf(name, sizeof name, "%.*s-%d", TASK_NAME - 12, tasks[i].name, copy);
        memcpy(tasks[i].name, name, sizeof name);
    }
}

bool plan_accepts(const struct task *task, const struct task *other, struct fault *why) {
    if (task->world != other->world)
        return fault_set(why, "task %s is a matrix game and task %s a map, expected the same in all tasks of a run",
                         task->world == ENV_matrix ? task->name : other->name,
                         task->world == ENV_matrix ? other->name : task->name);
    if (task->n_agents != other->n_agents)
        return fault_set(why, "task %s has %d agents and task %s has %d, expected the same number in all tasks of a run",
                         task->name, task->n_agents, other->name, other->n_agents);
    return task->n_actions == other->n_actions ||
           fault_set(why, "task %s has %d actions and task %s has %d, expected the same number in all tasks of a run",
                     task->name, task->n_actions, other->name, other->n_actions);
}

static bool tasks_agree(const struct task *tasks, int n_tasks, struct fault *why) {
    for (int i = 1; i < n_tasks; i++)
        if (!plan_accepts(&tasks[0], &tasks[i], why)) return false;
    return true;
}

/* Visit counts are 63-bit integers in units of 2^-32: all visits of an M-step must fit into one. */
static bool counts_fit(const struct plan *plan, struct fault *why) {
    const struct config *c = &plan->config;
    double most = 0, largest = 0x1p30;
    for (int i = 0; i < plan->n_tasks; i++) {
        double steps = (double)plan->env[i]->rules.step_limit, gamma = c->learning.gamma;
        double per_game = gamma < 1 ? (1 - pow(gamma, steps)) / (1 - gamma) : steps;
        most += per_game * (double)c->run.games_m * plan->n_agents;
    }
    return most < largest || fault_set(why, "games_m = %lld makes up to %.3g discounted visits in an M-step, expected "
                                            "fewer than %.3g; use fewer games, or a smaller gamma or step_limit",
                                       (long long)c->run.games_m, most, largest);
}

static bool learner_fits(const struct plan *plan, struct fault *why) {
    enum learner_name name = (enum learner_name)plan->config.run.learner;
    const struct learning *learning = &plan->config.learning;
    if (learner_actions(name, plan->n_agents, plan->task[0].n_actions) == 0)
        return fault_set(why, "learner = %s: %d agents have too many joint actions, expected at most %d",
                         learner_kinds[name]->name, plan->n_agents, POLICY_MOST);
    if (learner_kinds[name]->deciders == DECIDE_TEAM && plan->n_agents > 1 && plan->task[0].world == ENV_grid &&
        !plan->config.senses.observe_others)
        return fault_set(why, "learner = %s decides for all agents, expected observe_others = yes", learner_kinds[name]->name);
    bool steps = learning->rollout == 1 && learning->replay_games == 0;
    return steps || learner_kinds[name]->deciders == DECIDE_AGENTS ||
           fault_set(why, "learner = %s backs up step by step, expected rollout = 1 and replay_games = 0",
                     learner_kinds[name]->name);
}

static bool plan_make(struct plan *plan, struct fault *why) {
    if (plan->n_tasks == 0) return fault_set(why, "no task is given, expected at least one task file");
    if (!tasks_agree(plan->task, plan->n_tasks, why)) return false;
    plan->n_agents = plan->task[0].n_agents;
    plan_name_apart(plan->task, plan->n_tasks);
    if (!cells_create(&plan->cells, plan->task, plan->n_tasks, why)) return false;
    if (!env_senses_create(&plan->senses, &plan->config.senses, plan->n_agents, plan->cells.n,
                           plan->task[0].n_actions, why))
        return false;
    plan->env = memory_zeros((size_t)plan->n_tasks, sizeof *plan->env);
    for (int i = 0; i < plan->n_tasks; i++)
        plan->env[i] = env_create(&plan->task[i], &plan->config.rules, &plan->cells);
    if (plan->config.run.behaviour && plan->task[0].world != ENV_grid)
        return fault_set(why, "behaviour = yes: is measured on maps, expected no in a matrix game");
    return counts_fit(plan, why) && learner_fits(plan, why);
}

bool plan_create(struct plan *plan, const struct config *config, struct task *tasks, int n_tasks, struct fault *why) {
    *plan = (struct plan){.config = *config, .task = tasks, .n_tasks = n_tasks};
    if (plan_make(plan, why)) return true;
    plan_destroy(plan);
    return false;
}

void plan_destroy(struct plan *plan) {
    for (int i = 0; i < plan->n_tasks; i++) {
        task_destroy(&plan->task[i]);
        if (plan->env) env_destroy(plan->env[i]);
    }
    free(plan->task);
    free(plan->env);
    cells_destroy(&plan->cells);
    *plan = (struct plan){0};
}

char *plan_ini(const struct plan *plan) {
    const char **name = memory_zeros((size_t)plan->n_tasks, sizeof *name);
    for (int i = 0; i < plan->n_tasks; i++) name[i] = plan->task[i].name;
    char *text = config_write_ini(&plan->config, name, plan->n_tasks);
    free(name);
    return text;
}

/* ---- Broadcast: the plan travels as the texts that it can be made of again ---- */

static char *broadcast_text(char *text, MPI_Comm comm) {
    unsigned long long bytes = text ? strlen(text) + 1 : 0;
    MPI_Bcast(&bytes, 1, MPI_UNSIGNED_LONG_LONG, 0, comm);
    if (!text) text = memory_zeros(bytes, 1);
    MPI_Bcast(text, (int)bytes, MPI_CHAR, 0, comm);
    return text;
}

static void receive_tasks(struct task *tasks, int n_tasks, MPI_Comm comm) {
    for (int i = 0; i < n_tasks; i++) {
        struct fault why;
        char *text = broadcast_text(NULL, comm);
        if (!task_parse(&tasks[i], "task of rank 0", "task", text, &why)) MPI_Abort(comm, 1); /* rank 0 wrote it */
        free(text);
    }
}

void plan_broadcast_tasks(struct task **tasks, int *n_tasks, MPI_Comm comm) {
    int rank;
    MPI_Comm_rank(comm, &rank);
    MPI_Bcast(n_tasks, 1, MPI_INT, 0, comm);
    if (rank != 0) {
        *tasks = memory_zeros((size_t)*n_tasks + 1, sizeof **tasks);
        receive_tasks(*tasks, *n_tasks, comm);
        return;
    }
    for (int i = 0; i < *n_tasks; i++) free(broadcast_text(task_write(&(*tasks)[i]), comm));
}

static void send_plan(struct plan *plan, MPI_Comm comm) {
    free(broadcast_text(plan_ini(plan), comm));
    plan_broadcast_tasks(&plan->task, &plan->n_tasks, comm);
}

static bool receive_plan(struct plan *plan, MPI_Comm comm, struct fault *why) {
    struct config config;
    struct config_tasks names = {0};
    struct task *tasks = NULL;
    int n_tasks = 0;
    config_defaults(&config);
    char *ini = broadcast_text(NULL, comm);
    bool ok = config_parse_ini(&config, &names, "settings of rank 0", ini, why);
    config_tasks_destroy(&names);
    free(ini);
    plan_broadcast_tasks(&tasks, &n_tasks, comm);
    return plan_create(plan, &config, tasks, n_tasks, why) && ok;
}

bool plan_broadcast(struct plan *plan, bool ok, MPI_Comm comm, struct fault *why) {
    int rank, there = ok;
    MPI_Comm_rank(comm, &rank);
    MPI_Bcast(&there, 1, MPI_INT, 0, comm);
    if (!there) return rank == 0 ? false : fault_set(why, "rank 0 has no plan");
    if (rank == 0) send_plan(plan, comm);
    else if (!receive_plan(plan, comm, why)) MPI_Abort(comm, 1); /* what rank 0 wrote, all can read */
    return true;
}

int plan_n_players(const struct plan *plan) {
    return learner_players((enum learner_name)plan->config.run.learner, plan->n_agents);
}

int plan_n_actions(const struct plan *plan) {
    return learner_actions((enum learner_name)plan->config.run.learner, plan->n_agents, plan->senses.n_actions);
}

int plan_n_distilled(const struct plan *plan) {
    return plan->config.run.sharing == SHARING_AGENT ? plan_n_players(plan) : 1;
}

int plan_distilled_of(const struct plan *plan, int player) {
    return plan->config.run.sharing == SHARING_AGENT ? player : 0;
}
