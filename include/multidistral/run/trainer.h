/* What a rank holds while it trains, and an iteration: E-step, M-step, reduce, distil. training.h repeats it. */
#ifndef MULTIDISTRAL_RUN_TRAINER_H
#define MULTIDISTRAL_RUN_TRAINER_H

#include <mpi.h>

#include "multidistral/learn/learner.h"
#include "multidistral/run/curves.h"
#include "multidistral/run/layout.h"
#include "multidistral/run/plan.h"

enum { TRAINER_GAMES = 1000 }; /* most games whose returns are kept singly */

/* The run whose distilled policy this one began with; path = NULL: none. */
struct trainer_prior {
    char *path, *ini; /* owned; the settings of that run */
    int64_t iterations; /* done in it */
};

struct trainer {
    const struct plan *plan;
    MPI_Comm world, group, node; /* all ranks; those that share this rank's replicas; those that share its machine */
    int ranks_here; /* that share this rank's machine, those of other runs of the job too */
    struct layout layout;
    int64_t *first_task;         /* [ranks of the group + 1]: the first task of each, and n_tasks behind the last */
    double *task_seconds;        /* [own tasks]: of the processor, in all own replicas, since spread_when_due asked */
    int64_t n_measured;          /* iterations since the trainer was created */
    bool spreads;                /* may tasks move between ranks? */
    struct learner *learner;     /* [own replicas][own tasks] */
    struct distilled *distilled; /* [own replicas][plan_n_distilled] */
    struct visits *sum;          /* [own replicas][plan_n_distilled]: visits of all agents, tasks and ranks */
    struct visits *own;          /* [plan_n_players]: visits of one unit, used in turn */
    int64_t **discounts;         /* [n_tasks]: gamma^t, visits_discounts */
    double *optimum;             /* [own tasks]: best sum of the agents' returns; NaN until trainer_solve, or too large to */
    struct curves curves;
    struct behaviour *behaviour; /* [own tasks]: counts the E-step in hand; NULL unless behaviour = yes */
    double *steps_in;            /* [own replicas][own tasks][agent][cell]: per game of the last E-step; likewise */
    struct trainer_prior prior;
    int64_t n_games_kept;        /* of the last M-step, by unit: the first games_m of it, at most TRAINER_GAMES */
    double *game_return;         /* [own replicas][own tasks][n_games_kept][agent] */
    int64_t iteration; /* done so far */
    int64_t steps;     /* environment steps taken by this rank since it was created */
    int64_t resumed;   /* iterations done before training_run */
    double run_seconds, file_seconds; /* of training_run, and of its part in which the run file is written */
    double save_seconds;              /* of that, of the last time */
};

/* All tables, at their beginning: nothing learned, uniform policies. Collective. False when the machine cannot hold them;
 * then there is nothing to destroy. */
bool trainer_create(struct trainer *trainer, const struct plan *plan, MPI_Comm world, struct fault *why);
void trainer_destroy(struct trainer *trainer);

/* Finds the optimum of the tasks that are small enough, a second or two each at most. Local; for new runs, since a resumed
 * one has them in its file. */
void trainer_solve(struct trainer *trainer);

/* For those who move units (spread). What a rank holds for its box, layout.tasks, without learners and with nothing in it;
 * one learner of it, by box coordinates, and what makes one: false when the address space does not hold it. Local. */
void trainer_create_box(struct trainer *trainer);
void trainer_destroy_box(struct trainer *trainer);
struct learner *trainer_learner(const struct trainer *trainer, int64_t replica, int64_t task);
bool trainer_create_learner(struct trainer *trainer, int64_t replica, int64_t task);

/* One iteration. Collective. Public for tests and measurements. */
void trainer_iterate(struct trainer *trainer);

/* Mean over replicas of a curve's last iteration, on rank 0 (NULL elsewhere): [n_tasks][width]; the caller owns it. */
double *trainer_last(const struct trainer *trainer, enum curve curve);

#endif
