#include "multidistral/run/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "multidistral/base/log.h"
#include "multidistral/base/memory.h"
#include "multidistral/run/capacity.h"
#include "multidistral/run/peers.h"
#include "multidistral/run/reduce.h"
#include "multidistral/run/spread.h"
#include "multidistral/world/solve.h"

/* ---- Units: box coordinates, replica and task counted from the box's first ---- */

struct learner *trainer_learner(const struct trainer *t, int64_t replica, int64_t task) {
    return &t->learner[replica * t->layout.tasks.n + task];
}

static struct rng_key game_key(const struct trainer *t, int64_t replica, int64_t task, enum rng_phase phase) {
    return (struct rng_key){.seed = (uint32_t)t->plan->config.run.seed,
                            .replica = (uint32_t)(t->layout.replicas.first + replica),
                            .task = (uint32_t)(t->layout.tasks.first + task),
                            .iteration = (uint32_t)t->iteration,
                            .phase = phase};
}

/* ---- Sums over the games of one phase ---- */

struct games {
    int64_t n, steps;
    double returns[ENV_AGENTS];
    double mean[ENV_AGENTS], squares[ENV_AGENTS]; /* of the returns; of their distances from it: Welford 1962 */
    int64_t length[ENV_AGENTS], finished[ENV_AGENTS];
};

static void games_add(struct games *games, int n_agents, const struct episode *episode) {
    games->n++;
    games->steps += episode->steps;
    for (int j = 0; j < n_agents; j++) {
        double from_mean = episode->returns[j] - games->mean[j];
        games->mean[j] += from_mean / (double)games->n;
        games->squares[j] += from_mean * (episode->returns[j] - games->mean[j]);
        games->returns[j] += episode->returns[j];
        games->length[j] += episode->length[j];
        games->finished[j] += episode->finished >> j & 1;
    }
}

static double games_mean(const struct games *games, int agent) {
    return games->n > 0 ? games->returns[agent] / (double)games->n : NAN;
}

/* Standard error of the mean return; NaN for fewer than two games. */
static double games_error(const struct games *games, int agent) {
    double n = (double)games->n;
    return games->n > 1 ? sqrt(fmax(games->squares[agent], 0) / (n - 1) / n) : NAN;
}

/* ---- One iteration ---- */

/* E-step: the agents of one task learn, pi0 fixed. */
static struct games e_step(struct trainer *t, int64_t replica, int64_t task) {
    const struct config *config = &t->plan->config;
    struct learner *learner = trainer_learner(t, replica, task);
    struct rng_key key = game_key(t, replica, task, RNG_E_STEP);
    struct games games = {0};
    if (learner->behaviour) behaviour_clear(learner->behaviour);
    learner_prepare(learner, &config->learning, t->iteration, !config->run.keep_q);
    for (; key.game < config->run.games_e; key.game++) {
        struct episode episode;
        learner->kind->learn(learner, &key, &episode);
        games_add(&games, learner->n_agents, &episode);
    }
    return games;
}

static void keep_returns(struct trainer *t, int64_t replica, int64_t task, int64_t game, const struct episode *episode) {
    int64_t n_agents = t->plan->n_agents, unit = replica * t->layout.tasks.n + task;
    if (game >= t->n_games_kept) return;
    memcpy(t->game_return + (unit * t->n_games_kept + game) * n_agents, episode->returns, (size_t)n_agents * sizeof(double));
}

/* M-step: the task policies play, fixed; their discounted visits go into t->own. */
static struct games m_step(struct trainer *t, int64_t replica, int64_t task) {
    struct learner *learner = trainer_learner(t, replica, task);
    struct rng_key key = game_key(t, replica, task, RNG_M_STEP);
    struct games games = {0};
    for (int p = 0; p < learner->n_players; p++) visits_clear(&t->own[p]);
    for (; key.game < t->plan->config.run.games_m; key.game++) {
        struct episode episode;
        learner->kind->visit(learner, &key, t->discounts[t->layout.tasks.first + task], t->own, &episode);
        games_add(&games, learner->n_agents, &episode);
        keep_returns(t, replica, task, key.game, &episode);
    }
    return games;
}

static void curves_put(struct trainer *t, enum curve curve, int64_t replica, int64_t task, int64_t agent,
                       double value) {
    *curves_at(&t->curves, curve, replica, t->iteration, task, agent) = value;
}

static void record(struct trainer *t, int64_t replica, int64_t task, const struct games *e, const struct games *m) {
    const struct learner *learner = trainer_learner(t, replica, task);
    curves_put(t, CURVE_games, replica, task, 0, (double)(e->n + m->n));
    curves_put(t, CURVE_steps, replica, task, 0, (double)(e->steps + m->steps));
    t->steps += e->steps + m->steps;
    for (int j = 0; j < learner->n_agents; j++) {
        double entropy, divergence;
        int player = learner_player(learner, j);
        learner_measure(learner, player, &t->own[player], &entropy, &divergence);
        curves_put(t, CURVE_return, replica, task, j, games_mean(e, j));
        curves_put(t, CURVE_return_error, replica, task, j, games_error(e, j));
        curves_put(t, CURVE_return_m, replica, task, j, games_mean(m, j));
        curves_put(t, CURVE_length, replica, task, j, (double)e->length[j] / (double)e->n);
        curves_put(t, CURVE_finished, replica, task, j, (double)e->finished[j] / (double)e->n);
        curves_put(t, CURVE_entropy, replica, task, j, entropy);
        curves_put(t, CURVE_divergence, replica, task, j, divergence);
    }
}

static void record_behaviour(struct trainer *t, int64_t replica, int64_t task) {
    const struct behaviour *b = trainer_learner(t, replica, task)->behaviour;
    int n_agents = t->plan->n_agents;
    int64_t all_choke = 0, n_steps = (int64_t)n_agents * b->n_cells;
    double *steps_in = t->steps_in + (replica * t->layout.tasks.n + task) * n_steps, n = (double)b->n_games;
    for (int j = 0; j < n_agents; j++) all_choke += b->moves[j].choke;
    for (int j = 0; j < n_agents; j++) {
        const struct moves *moves = &b->moves[j];
        curves_put(t, CURVE_wall, replica, task, j, (double)moves->wall / n);
        curves_put(t, CURVE_blocked, replica, task, j, (double)moves->blocked / n);
        curves_put(t, CURVE_contested, replica, task, j, (double)moves->contested / n);
        curves_put(t, CURVE_choke, replica, task, j, (double)moves->choke / n);
        curves_put(t, CURVE_choke_share, replica, task, j, (double)moves->choke / (double)all_choke);
        curves_put(t, CURVE_waited, replica, task, j, (double)moves->waited / n);
        curves_put(t, CURVE_first, replica, task, j, (double)moves->first / n);
        curves_put(t, CURVE_first_through, replica, task, j, (double)moves->first_through / n);
        curves_put(t, CURVE_return_gap, replica, task, j, moves->gap / n);
    }
    for (int64_t i = 0; i < n_steps; i++) steps_in[i] = (double)b->steps_in[i] / n;
}

static int64_t n_distilled(const struct trainer *t) { return t->layout.replicas.n * plan_n_distilled(t->plan); }

static void prepare_priors(struct trainer *t) {
    double alpha = schedule_at(&t->plan->config.learning.alpha, t->iteration);
    for (int64_t i = 0; i < n_distilled(t); i++) {
        distilled_prepare(&t->distilled[i], alpha);
        visits_clear(&t->sum[i]);
    }
}

static bool distils(const struct trainer *t) { return t->plan->config.run.sharing != SHARING_NONE && t->plan->config.run.update_prior; }

static void sum_own_visits(struct trainer *t, int64_t replica) {
    struct visits *sum = t->sum + replica * plan_n_distilled(t->plan);
    for (int p = 0; p < plan_n_players(t->plan); p++) visits_add(&sum[plan_distilled_of(t->plan, p)], &t->own[p]);
}

/* pi0 of all own replicas from the visits of all ranks of the group. */
static void distil(struct trainer *t) {
    if (!distils(t)) return;
    int64_t bytes = reduce_visits(t->sum, (int)n_distilled(t), t->group);
    t->curves.cost[COST_reduce_bytes][t->iteration] = (double)bytes;
    for (int64_t i = 0; i < n_distilled(t); i++)
        distilled_update(&t->distilled[i], &t->sum[i], t->plan->config.run.pseudo_count);
}

/* Of this process: a task costs no more because others compute on the same cores. */
static double processor_seconds(void) { return (double)clock() / CLOCKS_PER_SEC; }

static void play(struct trainer *t, int64_t replica, int64_t task) {
    double began = processor_seconds();
    struct games e = e_step(t, replica, task), m = m_step(t, replica, task);
    record(t, replica, task, &e, &m);
    if (t->behaviour) record_behaviour(t, replica, task);
    if (distils(t)) sum_own_visits(t, replica);
    t->task_seconds[task] += processor_seconds() - began;
}

void trainer_iterate(struct trainer *t) {
    spread_when_due(t);
    double began = log_seconds();
    prepare_priors(t);
    for (int64_t replica = 0; replica < t->layout.replicas.n; replica++)
        for (int64_t task = 0; task < t->layout.tasks.n; task++) play(t, replica, task);
    double played = log_seconds();
    distil(t);
    t->curves.cost[COST_reduce_seconds][t->iteration] = log_seconds() - played;
    t->curves.cost[COST_iteration_seconds][t->iteration] = log_seconds() - began;
    t->iteration++;
    t->n_measured++;
}

/* ---- Create and destroy ---- */

bool trainer_create_learner(struct trainer *t, int64_t replica, int64_t task) {
    const struct plan *plan = t->plan;
    struct learner *learner = trainer_learner(t, replica, task);
    struct distilled *distilled = t->distilled + replica * plan_n_distilled(plan);
    bool created = learner_create(learner, (enum learner_name)plan->config.run.learner,
                                  plan->env[t->layout.tasks.first + task], &plan->senses);
    learner->games_e = plan->config.run.games_e;
    learner->behaviour = t->behaviour ? &t->behaviour[task] : NULL;
    for (int p = 0; p < plan_n_players(plan); p++) learner->distilled[p] = &distilled[plan_distilled_of(plan, p)];
    return created;
}

static bool create_tables(struct trainer *t) {
    const struct plan *plan = t->plan;
    uint64_t rows = plan->senses.rows.n;
    int n_actions = plan_n_actions(plan);
    bool created = true;
    t->distilled = memory_zeros((size_t)n_distilled(t), sizeof *t->distilled);
    t->sum = memory_zeros((size_t)n_distilled(t), sizeof *t->sum);
    for (int64_t i = 0; created && i < n_distilled(t); i++)
        created = distilled_create(&t->distilled[i], rows, n_actions) && visits_create(&t->sum[i], rows, n_actions);
    for (int64_t r = 0; r < t->layout.replicas.n; r++)
        for (int64_t i = 0; created && i < t->layout.tasks.n; i++) created = trainer_create_learner(t, r, i);
    for (int p = 0; created && p < plan_n_players(plan); p++) created = visits_create(&t->own[p], rows, n_actions);
    return created;
}

/* Worlds with more tuples of the agents' cells, or more work (tuples, joint actions and steps of a game), are not solved by
 * the way: it would take more than a second or two. */
static const uint64_t most_solved = 20000;
static const double most_work = 2e9;

static double optimum_of(const struct plan *plan, int64_t task) {
    struct solution best;
    struct fault too_large;
    double moves = pow(plan->senses.n_actions * (double)plan->cells.n, plan->n_agents);
    if (plan->env[task]->kind == ENV_grid && moves * (double)plan->env[task]->rules.step_limit > most_work) return NAN;
    if (!solve_exact(plan->env[task], plan->config.learning.gamma, most_solved, &best, &too_large)) return NAN;
    double sum = best.sum;
    solution_destroy(&best);
    return sum;
}

void trainer_solve(struct trainer *t) {
    for (int64_t i = 0; t->layout.group == 0 && i < t->layout.tasks.n; i++)
        t->optimum[i] = optimum_of(t->plan, t->layout.tasks.first + i);
}

static void create_optima(struct trainer *t) {
    t->optimum = memory_zeros((size_t)t->layout.tasks.n, sizeof *t->optimum);
    for (int64_t i = 0; i < t->layout.tasks.n; i++) t->optimum[i] = NAN;
}

/* A rank plays the units of a task one after the other: one counter serves them all. */
static void create_behaviour(struct trainer *t) {
    const struct plan *plan = t->plan;
    const struct layout *own = &t->layout;
    if (!plan->config.run.behaviour) return;
    t->behaviour = memory_zeros((size_t)own->tasks.n, sizeof *t->behaviour);
    t->steps_in = memory_zeros((size_t)(own->replicas.n * own->tasks.n * plan->n_agents * plan->cells.n), sizeof *t->steps_in);
    for (int64_t i = 0; i < own->tasks.n; i++) {
        int64_t task = own->tasks.first + i;
        behaviour_create(&t->behaviour[i], (const struct env_grid *)plan->env[task], &plan->task[task], &plan->cells);
    }
}

static void create_game_returns(struct trainer *t) {
    int64_t games_m = t->plan->config.run.games_m, n_units = t->layout.replicas.n * t->layout.tasks.n;
    t->n_games_kept = games_m < TRAINER_GAMES ? games_m : TRAINER_GAMES;
    t->game_return = memory_zeros((size_t)(n_units * t->n_games_kept * t->plan->n_agents), sizeof *t->game_return);
}

static void create_discounts(struct trainer *t) {
    for (int64_t i = 0; i < t->layout.tasks.n; i++) {
        int64_t task = t->layout.tasks.first + i;
        if (!t->discounts[task])
            t->discounts[task] = visits_discounts(t->plan->config.learning.gamma, t->plan->env[task]->rules.step_limit);
    }
}

void trainer_create_box(struct trainer *t) {
    t->learner = memory_zeros((size_t)(t->layout.replicas.n * t->layout.tasks.n), sizeof *t->learner);
    t->task_seconds = memory_zeros((size_t)t->layout.tasks.n, sizeof *t->task_seconds);
    curves_create(&t->curves, &t->layout, t->plan->config.run.iterations, t->plan->n_agents);
    create_discounts(t);
    create_behaviour(t);
    create_game_returns(t);
    create_optima(t);
}

void trainer_destroy_box(struct trainer *t) {
    for (int64_t i = 0; t->behaviour && i < t->layout.tasks.n; i++) behaviour_destroy(&t->behaviour[i]);
    free(t->behaviour);
    free(t->steps_in);
    free(t->game_return);
    free(t->learner);
    free(t->task_seconds);
    free(t->optimum);
    curves_destroy(&t->curves);
}

static void create_group(struct trainer *t) {
    int rank, size;
    MPI_Comm_rank(t->world, &rank);
    MPI_Comm_split(t->world, (int)t->layout.group, rank, &t->group);
    MPI_Comm_size(t->group, &size);
    t->first_task = memory_zeros((size_t)size + 1, sizeof *t->first_task);
    for (int i = 0; i < size; i++) t->first_task[i] = layout_part(t->plan->n_tasks, size, i).first;
    t->first_task[size] = t->plan->n_tasks;
}

bool trainer_create(struct trainer *trainer, const struct plan *plan, MPI_Comm world, struct fault *why) {
    int rank, size;
    MPI_Comm_rank(world, &rank);
    MPI_Comm_size(world, &size);
    *trainer = (struct trainer){
        .plan = plan, .world = world, .ranks_here = peers_here(world), .layout = layout_of(rank, size, plan->config.run.replicas, plan->n_tasks)};
    if (!reduce_fault(capacity_suffices(plan, &trainer->layout, size, trainer->ranks_here, why), why, world)) return false;
    create_group(trainer);
    trainer->node = peers_node(world);
    int spreads = capacity_allows_spreading(plan, size, trainer->ranks_here);
    MPI_Allreduce(MPI_IN_PLACE, &spreads, 1, MPI_INT, MPI_MIN, world);
    trainer->spreads = spreads;
    trainer->own = memory_zeros((size_t)plan_n_players(plan), sizeof *trainer->own);
    trainer->discounts = memory_zeros((size_t)plan->n_tasks, sizeof *trainer->discounts);
    trainer_create_box(trainer);
    bool created = create_tables(trainer) ||
                   fault_set(why, "%llu observations are more than the address space holds; observe less, as with "
                                  "observe_others = no",
                             (unsigned long long)plan->senses.rows.n);
    if (reduce_fault(created, why, world)) return true;
    trainer_destroy(trainer);
    return false;
}

void trainer_destroy(struct trainer *trainer) {
    for (int64_t i = 0; i < n_distilled(trainer); i++) {
        distilled_destroy(&trainer->distilled[i]);
        visits_destroy(&trainer->sum[i]);
    }
    for (int64_t i = 0; i < trainer->layout.replicas.n * trainer->layout.tasks.n; i++)
        learner_destroy(&trainer->learner[i]);
    for (int p = 0; p < plan_n_players(trainer->plan); p++) visits_destroy(&trainer->own[p]);
    for (int i = 0; i < trainer->plan->n_tasks; i++) free(trainer->discounts[i]);
    trainer_destroy_box(trainer);
    free(trainer->first_task);
    free(trainer->prior.path);
    free(trainer->prior.ini);
    free(trainer->distilled);
    free(trainer->sum);
    free(trainer->own);
    free(trainer->discounts);
    MPI_Comm_free(&trainer->group);
    MPI_Comm_free(&trainer->node);
    *trainer = (struct trainer){0};
}

/* ---- What it has come to ---- */

double *trainer_last(const struct trainer *t, enum curve curve) {
    int64_t width = curves_width(&t->curves, curve), n = t->plan->n_tasks * width;
    double *sum = memory_zeros((size_t)n, sizeof *sum);
    for (int64_t r = 0; r < t->layout.replicas.n; r++)
        for (int64_t i = 0; i < t->layout.tasks.n; i++)
            for (int64_t j = 0; j < width; j++)
                sum[(t->layout.tasks.first + i) * width + j] += *curves_at(&t->curves, curve, r, t->iteration - 1, i, j);
    int rank;
    MPI_Comm_rank(t->world, &rank);
    MPI_Reduce(rank == 0 ? MPI_IN_PLACE : sum, sum, (int)n, MPI_DOUBLE, MPI_SUM, 0, t->world);
    for (int64_t i = 0; i < n; i++) sum[i] /= (double)t->plan->config.run.replicas;
    if (rank == 0) return sum;
    free(sum);
    return NULL;
}
