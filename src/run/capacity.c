#include "multidistral/run/capacity.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "multidistral/base/machine.h"
#include "multidistral/learn/learner.h"
#include "multidistral/run/curves.h"
#include "multidistral/run/trainer.h"

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

uint64_t capacity_bytes(const struct plan *plan, int size) { return bytes_of_busiest(plan, size, true); }

/* What so many ranks may take of this machine, if each takes as much. */
static double bytes_for(int ranks_here) { return fmin(machine_bytes(), machine_process_bytes() * ranks_here); }

bool capacity_suffices(const struct plan *plan, const struct layout *own, int size, int ranks_here, struct fault *why) {
    const struct learning *learning = &plan->config.learning;
    double need = (double)bytes_of_busiest(plan, size, false) * ranks_here, have = bytes_for(ranks_here);
    double games = (double)learning_bytes(learning, longest_game(plan)) * (double)(own->replicas.n * own->tasks.n) * ranks_here;
    if (games > most_of_memory * have)
        return fault_set(why, "replay_games = %lld of up to %lld steps need %.3g GiB on this machine, where it may take %.3g; "
                              "replay fewer, or use a smaller step_limit",
                         (long long)learning->replay_games, (long long)longest_game(plan), games / 0x1p30, have / 0x1p30);
    if (need <= most_of_memory * have || plan->senses.rows.n > SLOTS_DIRECT) return true;
    return fault_set(why, "%d tasks with %d agents, %llu observations, replicas = %lld and iterations = %lld need %.3g GiB "
                          "on this machine, where it may take %.3g; take less of them, or more machines",
                     plan->n_tasks, plan->n_agents, (unsigned long long)plan->senses.rows.n,
                     (long long)plan->config.run.replicas, (long long)plan->config.run.iterations, need / 0x1p30,
                     have / 0x1p30);
}

bool capacity_allows_spreading(const struct plan *plan, int size, int ranks_here) {
    return plan->senses.rows.n > SLOTS_DIRECT ||
           (double)capacity_bytes(plan, size) * ranks_here <= most_of_memory * bytes_for(ranks_here);
}

/* Memory that this process holds now (Linux; elsewhere 0: never full). */
static double resident_bytes(void) {
    FILE *about = fopen("/proc/self/statm", "r");
    long long all, resident = 0;
    if (about && fscanf(about, "%lld %lld", &all, &resident) != 2) resident = 0;
    if (about) fclose(about);
    return (double)resident * (double)sysconf(_SC_PAGE_SIZE);
}

bool capacity_fills(double own, MPI_Comm node, int ranks_here, double machine) {
    double all;
    int n_asked;
    MPI_Comm_size(node, &n_asked);
    MPI_Allreduce(&own, &all, 1, MPI_DOUBLE, MPI_SUM, node);
    return all * ranks_here / n_asked > most_of_memory * machine;
}

bool capacity_is_used_up(const struct plan *plan, MPI_Comm node, int ranks_here) {
    if (plan->senses.rows.n <= SLOTS_DIRECT) return false;
    double own = resident_bytes();
    bool full = capacity_fills(own, node, ranks_here, machine_bytes());
    return full || own > most_of_memory * machine_process_bytes();
}
