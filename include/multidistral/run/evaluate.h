/* Fresh games with the policies of a run file: on the run's own tasks, or on tasks that it never saw.
 *
 * Units of work are (replica, task), as in training; a unit's games are played by one rank, and rank 0 gathers them,
 * so that every number is the same at any rank count. */
#ifndef MULTIDISTRAL_RUN_EVALUATE_H
#define MULTIDISTRAL_RUN_EVALUATE_H

#include <mpi.h>

#include "multidistral/base/statistics.h"
#include "multidistral/run/plan.h"

enum evaluate_policy {
    EVALUATE_TASK,     /* the task policies of the last M-step, drawn from */
    EVALUATE_GREEDY,   /* their most probable actions */
    EVALUATE_DISTILLED /* pi_0 alone, drawn from */
};

/* What to play. Draws are keyed by seed, replica, task and game: the same for all policies. */
struct evaluation {
    enum evaluate_policy policy;
    int64_t games; /* per replica and task */
    uint32_t seed;
    const struct task *new_task; /* [n_new_tasks], never trained: only with EVALUATE_DISTILLED */
    int n_new_tasks;             /* 0: the run's own tasks */
};

enum score { SCORE_RETURN, SCORE_FINISHED, SCORE_LENGTH, SCORE_COUNT };

/* What came out. A sample is what intervals are taken over: a replica, or, if there is but one, a game. */
struct scores {
    int64_t n_replicas, n_games; /* games: those told apart, all if there is one replica; otherwise 1, their mean */
    int n_tasks, n_agents;
    double *value; /* [replica][task][game][agent][SCORE_COUNT]: discounted return; 1 if finished; steps */
};

/* In place of a task or an agent: the mean over all. */
enum { SCORES_ALL = -1 };

/* Can these tasks be played by the run's distilled policies? Rules are the run's, and the task's own on top. Local.
 * False, with a reason that names the task: another number of agents, or a free cell that the run does not have. */
bool evaluate_accepts(const struct plan *plan, const struct evaluation *evaluation, struct fault *why);

/* Plays all games of an evaluation that evaluate_accepts. Collective. `scores` on rank 0 alone; the caller owns them:
 * scores_destroy. False on all ranks when the run's state cannot be read or held. */
bool evaluate_run(const char *path, const struct plan *plan, const struct evaluation *evaluation, MPI_Comm world,
                  struct scores *scores, struct fault *why);
void scores_destroy(struct scores *scores);

/* Mean of one replica. Local, as all that follows. */
double scores_of_replica(const struct scores *scores, enum score score, int64_t replica, int task, int agent);

/* Mean and interquartile mean over samples, with their intervals. */
struct estimates scores_estimate(const struct scores *scores, enum score score, int task, int agent, uint32_t seed);

#endif
