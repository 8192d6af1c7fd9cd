#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/version.h"
#include "runfile_write.h"

/* ---- Curves, policies, values: each rank its own part ---- */

static void write_curve(struct writing *w, enum curve curve) {
    const struct trainer *t = w->trainer;
    const struct curve_about *about = &curve_about[curve];
    char path[64];
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_REPLICA, w->plan->config.run.replicas, t->layout.replicas);
    h5_box_add(&box, AXIS_ITERATION, t->iteration, all(t->iteration));
    h5_box_add(&box, AXIS_TASK, w->plan->n_tasks, t->layout.tasks);
    if (about->per_agent) h5_box_add(&box, AXIS_AGENT, w->plan->n_agents, all(w->plan->n_agents));
    double *values = curves_first(&t->curves, curve, t->iteration);
    snprintf(path, sizeof path, "curves/%s", about->name);
    h5_dataset(&w->h5, path, &box, H5T_NATIVE_DOUBLE, values, about->unit, about->meaning);
    free(values);
}

/* Values or policies of all agents; in a team, each has the team's. */
static void write_rows(struct writing *w, const char *path, bool policies, const char *meaning) {
    const struct trainer *t = w->trainer;
    int64_t n_units = t->layout.replicas.n * t->layout.tasks.n, n_agents = w->plan->n_agents;
    int n_actions = plan_n_actions(w->plan);
    float *values = memory_zeros((size_t)(n_units * n_agents * w->n_rows), (size_t)n_actions * sizeof *values), *next = values;
    for (int64_t u = 0; u < n_units; u++)
        for (int j = 0; j < n_agents; j++)
            for (int64_t i = 0; i < w->n_rows; i++, next += n_actions)
                (policies ? t->learner[u].kind->policy : learner_values)(&t->learner[u], learner_player(&t->learner[u], j),
                                                                         w->row[i], next);
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_REPLICA, w->plan->config.run.replicas, t->layout.replicas);
    h5_box_add(&box, AXIS_TASK, w->plan->n_tasks, t->layout.tasks);
    h5_box_add(&box, AXIS_AGENT, n_agents, all(n_agents));
    h5_box_add(&box, AXIS_ROW, w->n_rows, all(w->n_rows));
    h5_box_add(&box, AXIS_ACTION, n_actions, all(n_actions));
    h5_dataset(&w->h5, path, &box, H5T_NATIVE_FLOAT, values, "1", meaning);
    free(values);
}

static void write_distilled(struct writing *w) {
    const struct trainer *t = w->trainer;
    int64_t per_replica = plan_n_distilled(w->plan), n = t->layout.replicas.n * per_replica;
    int n_actions = plan_n_actions(w->plan);
    float *values = memory_zeros((size_t)(n * w->n_rows), (size_t)n_actions * sizeof *values), *next = values;
    for (int64_t d = 0; d < n; d++)
        for (int64_t i = 0; i < w->n_rows; i++, next += n_actions)
            memcpy(next, distilled_row(&t->distilled[d], w->row[i]), (size_t)n_actions * sizeof *next);
    struct h5_box box = {0};
    struct range replicas = t->layout.replicas;
    if (!t->layout.leads) replicas.n = 0;
    h5_box_add(&box, AXIS_REPLICA, w->plan->config.run.replicas, replicas);
    h5_box_add(&box, AXIS_SHARED, per_replica, all(per_replica));
    h5_box_add(&box, AXIS_ROW, w->n_rows, all(w->n_rows));
    h5_box_add(&box, AXIS_ACTION, n_actions, all(n_actions));
    h5_dataset(&w->h5, "policy/distilled", &box, H5T_NATIVE_FLOAT, values, "1",
               "probability of each action under the distilled policy pi_0, after the last M-step");
    free(values);
}

static void write_choke(struct writing *w) {
    const struct trainer *t = w->trainer;
    int64_t n_cells = w->plan->cells.n;
    uint8_t *choke = memory_zeros((size_t)(t->layout.tasks.n * n_cells), sizeof *choke);
    for (int64_t i = 0; i < t->layout.tasks.n; i++)
        for (int64_t c = 0; c < n_cells; c++) choke[i * n_cells + c] = t->behaviour[i].choke[c];
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_TASK, w->plan->n_tasks, t->layout.group == 0 ? t->layout.tasks : (struct range){0, 0});
    h5_box_add(&box, AXIS_CELL, n_cells, all(n_cells));
    h5_dataset(&w->h5, "behaviour/choke", &box, H5T_NATIVE_UINT8, choke, NULL, "1: a choke point of the task's map");
    free(choke);
}

static void write_behaviour(struct writing *w) {
    const struct trainer *t = w->trainer;
    struct h5_box box = {0};
    h5_group(&w->h5, "behaviour");
    write_choke(w);
    h5_box_add(&box, AXIS_REPLICA, w->plan->config.run.replicas, t->layout.replicas);
    h5_box_add(&box, AXIS_TASK, w->plan->n_tasks, t->layout.tasks);
    h5_box_add(&box, AXIS_AGENT, w->plan->n_agents, all(w->plan->n_agents));
    h5_box_add(&box, AXIS_CELL, w->plan->cells.n, all(w->plan->cells.n));
    h5_dataset(&w->h5, "behaviour/steps_in_cell", &box, H5T_NATIVE_DOUBLE, t->steps_in, "steps",
               "steps begun in each cell while the agent played, per game of the last E-step");
}

static void write_game_returns(struct writing *w) {
    const struct trainer *t = w->trainer;
    struct h5_box box = {0};
    h5_group(&w->h5, "games");
    h5_box_add(&box, AXIS_REPLICA, w->plan->config.run.replicas, t->layout.replicas);
    h5_box_add(&box, AXIS_TASK, w->plan->n_tasks, t->layout.tasks);
    h5_box_add(&box, AXIS_GAME, t->n_games_kept, all(t->n_games_kept));
    h5_box_add(&box, AXIS_AGENT, w->plan->n_agents, all(w->plan->n_agents));
    h5_dataset(&w->h5, "games/return_m", &box, H5T_NATIVE_DOUBLE, t->game_return, "1",
               "discounted return of each game of the last M-step, which `multidistral replay` plays again");
}

static void write_prior(struct writing *w, const struct trainer_prior *prior) {
    h5_group(&w->h5, "prior");
    h5_attribute_text(&w->h5, "prior", "path", prior->path);
    h5_attribute_text(&w->h5, "prior", "ini", prior->ini);
    h5_attribute_integer(&w->h5, "prior", "iterations_done", prior->iterations);
}

void write_state(struct writing *w) {
    const struct trainer *t = w->trainer;
    h5_group(&w->h5, "curves");
    for (int c = 0; c < CURVE_COUNT; c++)
        if (!curve_about[c].behaviour || w->plan->config.run.behaviour) write_curve(w, (enum curve)c);
    if (w->plan->config.run.behaviour) write_behaviour(w);
    if (t->n_games_kept > 0) write_game_returns(w);
    if (t->prior.path) write_prior(w, &t->prior);
    h5_group(&w->h5, "policy");
    write_distilled(w);
    write_rows(w, "policy/learned", true, "probability of each action under the task policies of the last M-step");
    h5_group(&w->h5, "values");
    write_rows(w, "values/q", false, "Q values of the task policies, in units of return");
}

/* ---- Provenance ---- */

struct host {
    char name[MPI_MAX_PROCESSOR_NAME];
};

/* Keeps each host once, where it comes first: ranks that are dealt out in turn come round again. Returns how many there are. */
static int hosts_once(struct host *host, int n) {
    int kept = 0;
    for (int i = 0; i < n; i++) {
        int same = 0;
        while (same < kept && strcmp(host[same].name, host[i].name) != 0) same++;
        if (same == kept) host[kept++] = host[i];
    }
    return kept;
}

/* The hosts of all ranks, each once, in the order of ranks; on rank 0. The caller owns it. */
static char *host_names(MPI_Comm comm, int rank, int size) {
    struct host own = {""}, *all_hosts = NULL;
    char *text = NULL;
    int length;
    size_t bytes;
    MPI_Get_processor_name(own.name, &length);
    if (rank == 0) all_hosts = memory_zeros((size_t)size, sizeof own);
    MPI_Gather(&own, sizeof own, MPI_CHAR, all_hosts, sizeof own, MPI_CHAR, 0, comm);
    if (rank != 0) return memory_string("");
    FILE *out = memory_stream(&text, &bytes);
    int n_hosts = hosts_once(all_hosts, size);
    for (int i = 0; i < n_hosts; i++) fprintf(out, "%s%s", i ? " " : "", all_hosts[i].name);
    fclose(out);
    free(all_hosts);
    return text;
}

static void write_hosts(struct writing *w, int size) {
    enum { LONGEST = 4096 };
    char shown[LONGEST] = "", *hosts = host_names(w->trainer->world, w->h5.rank, size);
    snprintf(shown, sizeof shown, "%s", hosts);
    MPI_Bcast(shown, sizeof shown, MPI_CHAR, 0, w->trainer->world);
    h5_attribute_text(&w->h5, "provenance", "hosts", shown);
    free(hosts);
}

/* The most of all ranks. */
static void write_cost(struct writing *w, enum cost cost) {
    const struct trainer *t = w->trainer;
    const struct curve_about *about = &cost_about[cost];
    char path[64];
    double *most = memory_zeros((size_t)t->iteration, sizeof *most);
    MPI_Allreduce(t->curves.cost[cost], most, (int)t->iteration, MPI_DOUBLE, MPI_MAX, t->world);
    snprintf(path, sizeof path, "provenance/%s", about->name);
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_ITERATION, t->iteration, by_first(w, t->iteration));
    h5_dataset_apart(&w->h5, path, &box, H5T_NATIVE_DOUBLE, most, about->unit, about->meaning);
    free(most);
}

static void write_costs(struct writing *w) {
    for (int c = 0; c < COST_COUNT; c++) write_cost(w, (enum cost)c);
}

void write_provenance(struct writing *w, const struct provenance *p) {
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = "", hdf5[32];
    int length, size;
    unsigned major, minor, patch;
    MPI_Comm_size(w->trainer->world, &size);
    MPI_Get_library_version(mpi, &length);
    mpi[strcspn(mpi, "\n,")] = '\0';
    H5get_libversion(&major, &minor, &patch);
    snprintf(hdf5, sizeof hdf5, "%u.%u.%u", major, minor, patch);
    h5_group(&w->h5, "provenance");
    write_costs(w);
    h5_attribute_text(&w->h5, "provenance", "version", MULTIDISTRAL_VERSION);
    h5_attribute_text(&w->h5, "provenance", "commit", multidistral_commit());
    h5_attribute_text(&w->h5, "provenance", "compiler", MULTIDISTRAL_COMPILER);
    h5_attribute_text(&w->h5, "provenance", "mpi", mpi);
    h5_attribute_text(&w->h5, "provenance", "hdf5", hdf5);
    h5_attribute_text(&w->h5, "provenance", "command", p->command);
    h5_attribute_text(&w->h5, "provenance", "started", p->started);
    h5_attribute_text(&w->h5, "provenance", "written", p->written);
    h5_attribute_integer(&w->h5, "provenance", "ranks", size);
    h5_attribute_real(&w->h5, "provenance", "seconds", p->seconds);
    h5_attribute_real(&w->h5, "provenance", "steps_per_second", p->steps_per_second);
    write_hosts(w, size);
}
