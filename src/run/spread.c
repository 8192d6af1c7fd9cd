#include "multidistral/run/spread.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"

/* Moving pays, if the longest part becomes so much shorter. */
static const double worth_moving = 0.9;

/* ---- One unit on its way: the same steps for the rank that sends and the one that receives ---- */

struct way {
    bool sends;
    int peer;
    MPI_Comm comm;
};

static void carry(void *items, uint64_t n, size_t size, const struct way *way) {
    enum { LARGEST = 1 << 30 };
    for (uint64_t at = 0, bytes = n * size; at < bytes; at += LARGEST) {
        int part = bytes - at < LARGEST ? (int)(bytes - at) : LARGEST;
        if (way->sends) MPI_Send((char *)items + at, part, MPI_BYTE, way->peer, 0, way->comm);
        else MPI_Recv((char *)items + at, part, MPI_BYTE, way->peer, 0, way->comm, MPI_STATUS_IGNORE);
    }
}

static void carry_curve(const struct trainer *t, enum curve curve, int64_t replica, int64_t task, const struct way *way) {
    int64_t width = curves_width(&t->curves, curve);
    double *values = memory_zeros((size_t)(t->iteration * width), sizeof *values);
    for (int64_t i = 0; way->sends && i < t->iteration; i++)
        memcpy(values + i * width, curves_at(&t->curves, curve, replica, i, task, 0), (size_t)width * sizeof *values);
    carry(values, (uint64_t)(t->iteration * width), sizeof *values, way);
    for (int64_t i = 0; !way->sends && i < t->iteration; i++)
        memcpy(curves_at(&t->curves, curve, replica, i, task, 0), values + i * width, (size_t)width * sizeof *values);
    free(values);
}

/* Values in the order in which their rows were reached, which is that of large tables. */
static void carry_values(struct learner *learner, int player, const struct way *way) {
    uint64_t n = learner->table[player].slots.n_known, n_actions = (uint64_t)learner->n_actions;
    carry(&n, 1, sizeof n, way);
    uint64_t *row = memory_resized(NULL, n, sizeof *row);
    float *q = memory_resized(NULL, n * n_actions, sizeof *q);
    for (uint64_t i = 0; way->sends && i < n; i++) {
        row[i] = learner->table[player].slots.known[i];
        learner_values(learner, player, row[i], q + i * n_actions);
    }
    carry(row, n, sizeof *row, way);
    carry(q, n * n_actions, sizeof *q, way);
    for (uint64_t i = 0; !way->sends && i < n; i++) learner_set_values(learner, player, row[i], q + i * n_actions);
    free(row);
    free(q);
}

/* Without keep_q the next iteration begins with nothing learned. */
static void carry_unit(struct trainer *t, int64_t replica, int64_t task, const struct way *way) {
    struct learner *learner = trainer_learner(t, replica, task);
    for (int c = 0; c < CURVE_COUNT; c++) carry_curve(t, (enum curve)c, replica, task, way);
    for (int p = 0; t->plan->config.run.keep_q && p < learner->n_players; p++) carry_values(learner, p, way);
}

/* ---- All tasks ---- */

static int owner_of(const int64_t *first, int64_t task) {
    int owner = 0;
    while (task >= first[owner + 1]) owner++;
    return owner;
}

/* `task` is a number of the plan. */
static void send_task(struct trainer *old, int64_t task, int peer) {
    const struct way way = {.sends = true, .peer = peer, .comm = old->group};
    int64_t own = task - old->layout.tasks.first;
    carry(&old->optimum[own], 1, sizeof(double), &way);
    for (int64_t r = 0; r < old->layout.replicas.n; r++) {
        carry_unit(old, r, own, &way);
        learner_destroy(trainer_learner(old, r, own));
    }
}

static void receive_task(struct trainer *t, int64_t task, int peer) {
    const struct way way = {.peer = peer, .comm = t->group};
    int64_t own = task - t->layout.tasks.first;
    carry(&t->optimum[own], 1, sizeof(double), &way);
    for (int64_t r = 0; r < t->layout.replicas.n; r++) {
        if (!trainer_create_learner(t, r, own)) {
            fputs("multidistral: a task cannot move to another rank: the address space there is full\n", stderr);
            MPI_Abort(t->world, 1);
        }
        carry_unit(t, r, own, &way);
    }
}

static void keep_task(struct trainer *t, struct trainer *old, int64_t task) {
    int64_t now = task - t->layout.tasks.first, then = task - old->layout.tasks.first;
    t->optimum[now] = old->optimum[then];
    for (int64_t r = 0; r < t->layout.replicas.n; r++) {
        *trainer_learner(t, r, now) = *trainer_learner(old, r, then);
        trainer_learner(t, r, now)->behaviour = t->behaviour ? &t->behaviour[now] : NULL;
        for (int c = 0; c < CURVE_COUNT; c++)
            for (int64_t i = 0; i < t->iteration; i++)
                memcpy(curves_at(&t->curves, (enum curve)c, r, i, now, 0), curves_at(&old->curves, (enum curve)c, r, i, then, 0),
                       (size_t)curves_width(&t->curves, (enum curve)c) * sizeof(double));
    }
}

/* All ranks go through the tasks in one order, so each waits only for one that is before it or at the same task. */
static void move_tasks(struct trainer *t, int64_t *first) {
    int rank;
    struct trainer old = *t;
    MPI_Comm_rank(t->group, &rank);
    t->first_task = first;
    t->layout.tasks = (struct range){first[rank], first[rank + 1] - first[rank]};
    trainer_create_box(t);
    for (int c = 0; c < COST_COUNT; c++)
        memcpy(t->curves.cost[c], old.curves.cost[c], (size_t)t->curves.n_iterations * sizeof(double));
    for (int64_t task = 0; task < t->plan->n_tasks; task++) {
        int from = owner_of(old.first_task, task), to = owner_of(first, task);
        if (from == rank && to == rank) keep_task(t, &old, task);
        else if (from == rank) send_task(&old, task, to);
        else if (to == rank) receive_task(t, task, from);
    }
    trainer_destroy_box(&old);
    free(old.first_task);
}

/* The first task of each rank of the group, and the end; the caller owns it. */
static int64_t *cut_by(const struct trainer *t, const double *cost) {
    int size;
    MPI_Comm_size(t->group, &size);
    int64_t *first = memory_zeros((size_t)size + 1, sizeof *first);
    layout_cut(t->plan->n_tasks, size, cost, first);
    return first;
}

void spread_by_cost(struct trainer *t, const double *cost) { move_tasks(t, cut_by(t, cost)); }

static double longest_part(const struct trainer *t, const double *cost, const int64_t *first) {
    double longest = 0;
    for (int64_t rank = 0; first[rank] < t->plan->n_tasks; rank++) {
        double sum = 0;
        for (int64_t i = first[rank]; i < first[rank + 1]; i++) sum += cost[i];
        longest = fmax(longest, sum);
    }
    return longest;
}

/* Seconds of all tasks of the group; the caller owns them. */
static double *seconds_of_tasks(struct trainer *t) {
    double *cost = memory_zeros((size_t)t->plan->n_tasks, sizeof *cost);
    for (int64_t i = 0; i < t->layout.tasks.n; i++) {
        cost[t->layout.tasks.first + i] = t->task_seconds[i];
        t->task_seconds[i] = 0;
    }
    MPI_Allreduce(MPI_IN_PLACE, cost, t->plan->n_tasks, MPI_DOUBLE, MPI_SUM, t->group);
    return cost;
}

void spread_when_due(struct trainer *t) {
    int size;
    MPI_Comm_size(t->group, &size);
    int64_t n = t->n_measured;
    if (!t->spreads || size == 1 || n == 0 || (n & (n - 1)) != 0) return;
    double *cost = seconds_of_tasks(t);
    int64_t *first = cut_by(t, cost);
    if (longest_part(t, cost, first) < worth_moving * longest_part(t, cost, t->first_task)) move_tasks(t, first);
    else free(first);
    free(cost);
}
