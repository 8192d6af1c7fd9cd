/* What a run computes: its settings, its tasks, and the worlds made of them. The same on every rank, and all that a
 * run depends on: two runs of the same plan give the same numbers. */
#ifndef MULTIDISTRAL_RUN_PLAN_H
#define MULTIDISTRAL_RUN_PLAN_H

#include <mpi.h>

#include "multidistral/run/config.h"
#include "multidistral/world/cells.h"
#include "multidistral/world/worlds.h"
#include "multidistral/world/task.h"

struct plan {
    struct config config;
    struct task *task; /* [n_tasks]; names are all different */
    int n_tasks, n_agents;
    struct cells cells;
    struct env_senses senses;
    struct env **env; /* [n_tasks] */
};

/* Makes the plan; takes over the tasks (an array that free() frees), also when it fails. A task given twice gets a
 * name of its own: NAME-2. Local. */
bool plan_create(struct plan *plan, const struct config *config, struct task *tasks, int n_tasks, struct fault *why);
void plan_destroy(struct plan *plan);

/* Can two tasks be in one run: same kind of world, agents and actions? False, with a reason that names both. Local. */
bool plan_accepts(const struct task *task, const struct task *other, struct fault *why);

/* Gives rank 0's plan to all ranks; on the others `plan` is made here. Collective. `ok` says on rank 0 whether there
 * is one: all ranks return it, and rank 0 keeps its reason. */
bool plan_broadcast(struct plan *plan, bool ok, MPI_Comm comm, struct fault *why);

/* Gives rank 0's tasks to all ranks; on the others the array is made here, and free() frees it. Collective. */
void plan_broadcast_tasks(struct task **tasks, int *n_tasks, MPI_Comm comm);

/* Gives a name of its own to each task of a name that was there before: NAME-2, NAME-3 ... Local. */
void plan_name_apart(struct task *tasks, int n_tasks);

/* Tables and task policies in a task, one per agent, or one for the team; and the actions of a row: an agent's, or
 * joint ones. */
int plan_n_players(const struct plan *plan);
int plan_n_actions(const struct plan *plan);

/* How many distilled policies a replica has: one per player, or one. */
int plan_n_distilled(const struct plan *plan);

/* Which of them a player works under. */
int plan_distilled_of(const struct plan *plan, int player);

/* The INI text that repeats the run; the caller owns it: free(). */
char *plan_ini(const struct plan *plan);

#endif
