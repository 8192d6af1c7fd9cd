#define _DEFAULT_SOURCE /* sysconf's physical pages */
#include "multidistral/run/trainer.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "multidistral/base/log.h"
#include "multidistral/base/memory.h"
#include "multidistral/run/peers.h"
#include "multidistral/run/reduce.h"
#include "multidistral/run/runfile.h"
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
    double returns[ENV_AGENTS], squares[ENV_AGENTS];
    int64_t length[ENV_AGENTS], finished[ENV_AGENTS];
};

static void games_add(struct games *games, int n_agents, const struct episode *episode) {
    games->n++;
    games->steps += episode->steps;
    for (int j = 0; j < n_agents; j++) {
        games->returns[j] += episode->returns[j];
        games->squares[j] += episode->returns[j] * episode->returns[j];
        games->length[j] += episode->length[j];
        games->finished[j] += episode->finished >> j & 1;
    }
}

static double games_mean(const struct games *games, int agent) {
    return games->n > 0 ? games->returns[agent] / (double)games->n : NAN;
}

/* Standard error of the mean return; NaN for fewer than two games. */
static double games_error(const struct games *games, int agent) {
    double n = (double)games->n, mean = games_mean(games, agent);
    double variance = (games->squares[agent] / n - mean * mean) * n / (n - 1);
    return games->n > 1 ? sqrt(fmax(variance, 0) / n) : NAN;
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

static void sum_own_visits(struct trainer *t, int64_t replica) {
    struct visits *sum = t->sum + replica * plan_n_distilled(t->plan);
    for (int p = 0; p < plan_n_players(t->plan); p++) visits_add(&sum[plan_distilled_of(t->plan, p)], &t->own[p]);
}

/* pi0 of all own replicas from the visits of all ranks of the group. */
static void distil(struct trainer *t) {
    if (t->plan->config.run.sharing == SHARING_NONE || !t->plan->config.run.update_prior) return;
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
    sum_own_visits(t, replica);
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

/* ---- Memory ---- */

static const double most_of_memory = 0.8;

static int64_t longest_game(const struct plan *plan) {
    int64_t longest = 0;
    for (int i = 0; i < plan->n_tasks; i++)
        if (plan->env[i]->rules.step_limit > longest) longest = plan->env[i]->rules.step_limit;
    return longest;
}

/* What a program of this kind holds before it has any table: libraries, and the buffers of MPI and HDF5. */
static const uint64_t program_bytes = UINT64_C(40) << 20;

enum { PAGE = 4096 }; /* bytes that come together at the least */

/* Rows that can be known at most from the steps of so many agents: no more than there are, and no more than steps taken. */
static uint64_t most_rows(const struct plan *plan, double n_agents) {
    const struct run_settings *run = &plan->config.run;
    double steps = (double)longest_game(plan) * (double)run->iterations * (double)(run->games_e + run->games_m) * n_agents;
    return steps < (double)plan->senses.rows.n ? (uint64_t)steps + 1 : plan->senses.rows.n;
}

static uint64_t least_of(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* Memory behind a table of which so many rows are known. Rows that are addressed directly lie anywhere in it. */
static uint64_t table_bytes(const struct plan *plan, uint64_t known, uint64_t row_bytes) {
    uint64_t all = plan->senses.rows.n, list = known * sizeof(uint64_t) + PAGE;
    if (all <= SLOTS_DIRECT) return list + least_of(all * row_bytes, known * (row_bytes + PAGE)) + PAGE;
    return list + known * row_bytes + least_of(all * sizeof(uint32_t), known * PAGE) + 2 * PAGE;
}

static uint64_t unit_bytes(const struct plan *plan) {
    const struct run_settings *run = &plan->config.run;
    uint64_t n_agents = (uint64_t)plan->n_agents, n_actions = (uint64_t)plan_n_actions(plan);
    uint64_t wide = learner_kinds[run->learner]->deciders == DECIDE_AGENTS ? 0 : n_actions * sizeof(float);
    uint64_t tables = (uint64_t)plan_n_players(plan) * table_bytes(plan, most_rows(plan, 1), sizeof(struct table_row) + wide);
    double everybody = (double)n_agents * (double)plan->n_tasks * (double)run->replicas;
    uint64_t in_file = n_agents * most_rows(plan, everybody) * n_actions * sizeof(float);
    uint64_t curves = (uint64_t)run->iterations * CURVE_COUNT * n_agents * sizeof(double);
    uint64_t steps_in = run->behaviour ? (uint64_t)plan->cells.n * n_agents * sizeof(double) : 0;
    uint64_t games = (uint64_t)(run->games_m < TRAINER_GAMES ? run->games_m : TRAINER_GAMES) * n_agents * sizeof(double);
    return sizeof(struct learner) + tables + in_file + 2 * curves + 2 * steps_in + games +
           learning_bytes(&plan->config.learning, longest_game(plan));
}

/* All policies of a replica, and the visits that they come from. */
static uint64_t replica_bytes(const struct plan *plan) {
    uint64_t n_actions = (uint64_t)plan_n_actions(plan), rows = most_rows(plan, (double)plan->n_agents * plan->n_tasks);
    uint64_t visits = table_bytes(plan, rows, (n_actions / 8 + 1) * 8 * sizeof(int64_t));
    uint64_t policy = table_bytes(plan, rows, (uint64_t)policy_stride((int)n_actions) * sizeof(float));
    return (uint64_t)plan_n_distilled(plan) * (visits + 2 * policy);
}

static uint64_t bytes_of(const struct plan *plan, int64_t n_units, int64_t n_replicas) {
    uint64_t n_actions = (uint64_t)plan_n_actions(plan), visits_row = (n_actions / 8 + 1) * 8 * sizeof(int64_t);
    return program_bytes + (uint64_t)n_units * unit_bytes(plan) + (uint64_t)n_replicas * replica_bytes(plan) +
           (uint64_t)plan_n_players(plan) * table_bytes(plan, most_rows(plan, 1), visits_row);
}

/* Of the busiest rank; `spread`: if it gets as many tasks as it may. */
static uint64_t bytes_of_busiest(const struct plan *plan, int size, bool spread) {
    uint64_t most = 0;
    int64_t replicas = plan->config.run.replicas, n_groups = layout_groups(size, replicas, plan->n_tasks);
    for (int rank = 0; rank < size; rank++) {
        struct layout layout = layout_in_groups(n_groups, rank, size, replicas, plan->n_tasks);
        int64_t n_ranks = layout_part(size, n_groups, layout.group).n;
        int64_t n_tasks = spread ? layout_most_tasks(plan->n_tasks, n_ranks) : layout.tasks.n;
        uint64_t bytes = bytes_of(plan, layout.replicas.n * n_tasks, layout.replicas.n);
        if (bytes > most) most = bytes;
    }
    return most;
}

uint64_t trainer_bytes(const struct plan *plan, int size) { return bytes_of_busiest(plan, size, true); }

static double machine_bytes(void) { return (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGE_SIZE); }

/* Tables that are addressed directly may come to be used to the last row; of larger ones nobody knows how much will be
 * reached, and memory_is_full watches them. */
static bool memory_suffices(const struct trainer *t, struct fault *why) {
    int size;
    MPI_Comm_size(t->world, &size);
    double need = (double)bytes_of_busiest(t->plan, size, false) * t->ranks_here, have = machine_bytes();
    double games = (double)learning_bytes(&t->plan->config.learning, longest_game(t->plan)) *
                   (double)(t->layout.replicas.n * t->layout.tasks.n) * t->ranks_here;
    if (games > most_of_memory * have)
        return fault_set(why, "replay_games = %lld of up to %lld steps need %.3g GiB on this machine, which has %.3g; replay "
                              "fewer, or use a smaller step_limit",
                         (long long)t->plan->config.learning.replay_games, (long long)longest_game(t->plan), games / 0x1p30,
                         have / 0x1p30);
    if (need <= most_of_memory * have || t->plan->senses.rows.n > SLOTS_DIRECT) return true;
    return fault_set(why, "%d tasks with %d agents, %llu observations, replicas = %lld and iterations = %lld need %.3g GiB "
                          "on this machine, which has %.3g; take less of them, or more machines",
                     t->plan->n_tasks, t->plan->n_agents, (unsigned long long)t->plan->senses.rows.n,
                     (long long)t->plan->config.run.replicas, (long long)t->plan->config.run.iterations, need / 0x1p30,
                     have / 0x1p30);
}

/* May tasks move, which can leave a rank twice as many? */
static bool memory_allows_spreading(const struct trainer *t) {
    int size;
    MPI_Comm_size(t->world, &size);
    return t->plan->senses.rows.n > SLOTS_DIRECT ||
           (double)trainer_bytes(t->plan, size) * t->ranks_here <= most_of_memory * machine_bytes();
}

/* Memory that this process holds now (Linux; elsewhere 0: never full). */
static double resident_bytes(void) {
    FILE *about = fopen("/proc/self/statm", "r");
    long long all, resident = 0;
    if (about && fscanf(about, "%lld %lld", &all, &resident) != 2) resident = 0;
    if (about) fclose(about);
    return (double)resident * (double)sysconf(_SC_PAGE_SIZE);
}

/* Never with tables that are addressed directly, which memory_suffices has answered for: asking takes as long as a game. */
static bool memory_is_full(const struct trainer *t) {
    return t->plan->senses.rows.n > SLOTS_DIRECT &&
           resident_bytes() * t->ranks_here > most_of_memory * machine_bytes();
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
    if (!reduce_fault(memory_suffices(trainer, why), why, world)) return false;
    create_group(trainer);
    int spreads = memory_allows_spreading(trainer);
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
    *trainer = (struct trainer){0};
}

/* ---- The loop ---- */

static volatile sig_atomic_t asked_to_stop;

static void ask_to_stop(void) {
    asked_to_stop = 1;
    log_from_handler("will stop: the iteration in hand is finished and saved first; a second signal ends at once\n");
}

static void on_signal(int number) {
    int error = errno;
    if (!asked_to_stop) ask_to_stop();
    else signal(number, SIG_DFL), raise(number);
    errno = error;
}

/* What is ignored stays ignored: nohup and shells that start jobs in the background want it so. */
static void catch_signal(int number) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, before;
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(number, &action, NULL);
}

void trainer_catch_signals(void) {
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) catch_signal(numbers[i]);
}

/* Progress of the whole run: sums over ranks, for the eye alone. */
struct progress {
    double returns[ENV_AGENTS], units, steps;
};

static struct progress own_progress(const struct trainer *t) {
    struct progress p = {.steps = (double)t->steps};
    for (int64_t r = 0; r < t->layout.replicas.n; r++)
        for (int64_t i = 0; i < t->layout.tasks.n; i++, p.units++)
            for (int j = 0; j < t->plan->n_agents; j++)
                p.returns[j] += *curves_at(&t->curves, CURVE_return, r, t->iteration - 1, i, j);
    return p;
}

static void time_left(char *out, size_t size, double seconds) {
    if (seconds < 100) snprintf(out, size, "%.0f s", seconds);
    else if (seconds < 6000) snprintf(out, size, "%.0f min", seconds / 60);
    else snprintf(out, size, "%.1f h", seconds / 3600);
}

/* Collective: as rarely as it is shown, since a sum over very many ranks takes a noticeable part of a short iteration. */
static void show_progress(const struct trainer *t, double seconds, int64_t first_iteration, bool last) {
    struct progress p = own_progress(t), all;
    MPI_Reduce(&p, &all, sizeof p / sizeof(double), MPI_DOUBLE, MPI_SUM, 0, t->world);
    int rank, at = 0;
    MPI_Comm_rank(t->world, &rank);
    if (rank != 0) return;
    char returns[16 * ENV_AGENTS] = "", left[32];
    for (int j = 0; j < t->plan->n_agents; j++)
        at += snprintf(returns + at, sizeof returns - (size_t)at, " %.2f", all.returns[j] / all.units);
    int64_t total = t->plan->config.run.iterations;
    time_left(left, sizeof left, seconds / (double)(t->iteration - first_iteration) * (double)(total - t->iteration));
    log_progress(last, "iteration %lld/%lld  return%s  %s left  %.3g million steps/s", (long long)t->iteration,
                 (long long)total, returns, left, all.steps / seconds * 1e-6);
}

static void date_now(char out[32]) {
    time_t now = time(NULL);
    struct tm utc;
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
}

static bool save(const struct trainer *t, const struct training *training, struct provenance *provenance,
                 double seconds, struct fault *why) {
    double steps = (double)t->steps, all;
    MPI_Allreduce(&steps, &all, 1, MPI_DOUBLE, MPI_SUM, t->world);
    provenance->seconds = seconds;
    provenance->steps_per_second = all / seconds;
    date_now(provenance->written);
    MPI_Bcast(provenance, sizeof *provenance, MPI_BYTE, 0, t->world); /* one clock, one file */
    return runfile_write(training->path, training->place, t, provenance, why);
}

/* When things happened in this process, in seconds; nothing here changes the numbers of a run. */
struct times {
    double began, now;    /* the iteration in hand; its end */
    double saved, saving; /* when, and how long it took */
    double looked;        /* for a stop file */
};

/* A long iteration is saved at once, so that a kill costs no more than the next one; but saving takes at most this
 * part of the time. */
static const double long_iteration = 1 /* second */, most_saving = 0.05;

static bool save_is_due(const struct times *times, const struct training *training) {
    bool unknown = training->max_seconds > 0 && times->saving == 0; /* how long saving takes, which must be known in time */
    return unknown || times->now - times->saved >= training->checkpoint_seconds ||
           times->now - times->began > fmax(long_iteration, times->saving / most_saving);
}

/* Would one more iteration, and saving, end too late? Both may take half as long again as the last ones. */
static bool time_is_up(const struct times *times, const struct training *training) {
    double next = 1.5 * (times->now - times->began), saving = 1.5 * times->saving;
    return training->max_seconds > 0 && times->now - training->began + next + saving > training->max_seconds;
}

static bool remove_stop_file(const char *path) {
    char name[4096];
    return snprintf(name, sizeof name, "%s.stop", path) < (int)sizeof name && unlink(name) == 0;
}

/* Between looks for a stop file: on a file server one may take as long as an iteration. */
static const double look_seconds = 0.2;

/* On rank 0. */
static bool stop_file_is_there(const struct training *training, struct times *times, bool last) {
    if (!last && times->now - times->looked < look_seconds) return false;
    times->looked = times->now;
    return remove_stop_file(training->path) || (training->name && remove_stop_file(training->name));
}

static struct verdict verdict_after(const struct trainer *t, const struct training *training, struct times *times) {
    int rank;
    MPI_Comm_rank(t->world, &rank);
    bool last = t->iteration == t->plan->config.run.iterations;
    struct verdict own = {.stop = asked_to_stop || t->iteration == training->stop_after || time_is_up(times, training) ||
                                  (rank == 0 && stop_file_is_there(training, times, last)),
                          .save = last || save_is_due(times, training),
                          .full = memory_is_full(t),
                          .show = log_progress_is_due(last)};
    return reduce_verdict(own, t->world);
}

static enum training_end train(struct trainer *t, const struct training *training, double started, struct fault *why) {
    int64_t total = t->plan->config.run.iterations, first = t->iteration;
    struct times times = {.now = started, .saved = started, .looked = started - look_seconds};
    struct provenance provenance = {0};
    struct verdict verdict = {0};
    snprintf(provenance.command, sizeof provenance.command, "%s", training->command);
    date_now(provenance.started);
    while (t->iteration < total && !verdict.stop) {
        times.began = times.now;
        trainer_iterate(t);
        times.now = log_seconds();
        verdict = verdict_after(t, training, &times);
        bool last = t->iteration == total;
        if (verdict.show || verdict.stop) show_progress(t, times.now - started, first, last || verdict.stop);
        if (!verdict.save && !verdict.stop && !verdict.full) continue;
        if (!save(t, training, &provenance, times.now - started, why)) return TRAINING_FAILED;
        times.saved = log_seconds();
        times.saving = times.saved - times.now;
        t->file_seconds += times.saving;
        times.now = times.saved;
        if (verdict.full && !last)
            return fault_set(why, "the tables fill the memory of a machine after iteration %lld, which is saved; observe "
                                  "less, or use more machines", (long long)t->iteration), TRAINING_FAILED;
    }
    return t->iteration < total ? TRAINING_STOPPED : TRAINING_DONE;
}

enum training_end trainer_run(struct trainer *t, const struct training *training, struct fault *why) {
    double started = log_seconds();
    t->resumed = t->iteration;
    t->file_seconds = 0;
    enum training_end end = train(t, training, started, why);
    t->run_seconds = log_seconds() - started;
    return end;
}

struct trainer_times trainer_times(const struct trainer *t) {
    int size;
    int64_t n = t->iteration - t->resumed;
    const double *whole = t->curves.cost[COST_iteration_seconds] + t->resumed;
    const double *reduce = t->curves.cost[COST_reduce_seconds] + t->resumed;
    double *least = memory_zeros((size_t)n, sizeof *least), sum[3] = {0}, last = 0;
    MPI_Comm_size(t->world, &size);
    MPI_Allreduce(reduce, least, (int)n, MPI_DOUBLE, MPI_MIN, t->world);
    for (int64_t i = 0; i < n; i++) {
        sum[0] += (whole[i] - reduce[i]) / size;
        sum[1] += (reduce[i] - least[i]) / size;
        last += least[i];
    }
    sum[2] = t->file_seconds / size;
    MPI_Allreduce(MPI_IN_PLACE, sum, 3, MPI_DOUBLE, MPI_SUM, t->world);
    free(least);
    return (struct trainer_times){.games = sum[0], .waiting = sum[1], .reduce = last, .file = sum[2],
                                  .rest = t->run_seconds - sum[0] - sum[1] - last - sum[2]};
}

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
