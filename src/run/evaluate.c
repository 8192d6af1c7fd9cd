#include "multidistral/run/evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/run/players.h"
#include "multidistral/run/reduce.h"
#include "multidistral/run/runfile.h"
#include "multidistral/run/trainer.h"

/* ---- What can be played ---- */

bool evaluate_accepts(const struct plan *plan, const struct evaluation *evaluation, struct fault *why) {
    for (int i = 0; i < evaluation->n_new_tasks; i++) {
        const struct task *task = &evaluation->new_task[i];
        if (!plan_accepts(task, &plan->task[0], why) || !cells_cover(&plan->cells, task, why)) return false;
    }
    return true;
}

/* ---- One rank's part ---- */

struct arena {
    const struct plan *plan;
    const struct evaluation *evaluation;
    struct trainer trainer;    /* the state of the run, as this rank's box of it */
    struct distilled *learned; /* [own replicas][the run's own tasks][agent]; NULL if only distilled policies play */
    struct env **env;          /* [n_tasks]: where the games are played */
    int n_tasks;
    struct layout layout; /* of the games: the trainer's replicas, and a part of these tasks */
    int64_t n_games;      /* told apart, as in struct scores */
};

static int64_t n_learned(const struct arena *arena) {
    const struct layout *own = &arena->trainer.layout;
    return own->replicas.n * own->tasks.n * arena->plan->n_agents;
}

static bool read_learned(struct arena *arena, const char *path, struct fault *why) {
    uint64_t rows = arena->plan->senses.rows.n;
    bool created = true;
    arena->learned = memory_zeros((size_t)n_learned(arena), sizeof *arena->learned);
    for (int64_t i = 0; created && i < n_learned(arena); i++)
        created = distilled_create(&arena->learned[i], rows, plan_n_actions(arena->plan));
    if (!created) fault_set(why, "the policies of %llu observations are more than the address space holds",
                            (unsigned long long)rows);
    return reduce_fault(created, why, arena->trainer.world) &&
           runfile_read_policies(path, &arena->trainer, arena->learned, why);
}

/* As in the last iteration of the run. */
static void prepare_learners(struct arena *arena) {
    struct trainer *t = &arena->trainer;
    for (int64_t u = 0; u < t->layout.replicas.n * t->layout.tasks.n; u++)
        learner_prepare(&t->learner[u], &arena->plan->config.learning, t->iteration - 1, false);
}

static bool read_run(struct arena *arena, const char *path, struct fault *why) {
    if (!runfile_read_state(path, &arena->trainer, why)) return false;
    prepare_learners(arena);
    return arena->evaluation->policy == EVALUATE_DISTILLED || read_learned(arena, path, why);
}

static void make_worlds(struct arena *arena) {
    const struct task *task = arena->evaluation->n_new_tasks ? arena->evaluation->new_task : arena->plan->task;
    arena->env = memory_zeros((size_t)arena->n_tasks, sizeof *arena->env);
    for (int i = 0; i < arena->n_tasks; i++)
        arena->env[i] = env_create(&task[i], &arena->plan->config.rules, &arena->plan->cells);
}

static bool arena_create(struct arena *arena, const struct plan *plan, const struct evaluation *evaluation,
                         MPI_Comm world, struct fault *why) {
    *arena = (struct arena){.plan = plan,
                            .evaluation = evaluation,
                            .n_tasks = evaluation->n_new_tasks ? evaluation->n_new_tasks : plan->n_tasks,
                            .n_games = plan->config.run.replicas == 1 ? evaluation->games : 1};
    return trainer_create(&arena->trainer, plan, world, why);
}

static void arena_destroy(struct arena *arena) {
    for (int64_t i = 0; arena->learned && i < n_learned(arena); i++) distilled_destroy(&arena->learned[i]);
    for (int i = 0; arena->env && i < arena->n_tasks; i++) env_destroy(arena->env[i]);
    free(arena->learned);
    free(arena->env);
    trainer_destroy(&arena->trainer);
}

/* ---- Games ---- */

/* The unit's place in the boxes, counted from their first replica and task. */
static struct players players_of(const struct arena *arena, int64_t replica, int64_t task) {
    const struct trainer *t = &arena->trainer;
    struct players players = {.plan = arena->plan,
                              .distilled = &t->distilled[replica * plan_n_distilled(arena->plan)]};
    if (!arena->learned) return players;
    int64_t unit = replica * t->layout.tasks.n + task;
    players.learner = &t->learner[unit];
    players.learned = &arena->learned[unit * arena->plan->n_agents];
    return players;
}

/* Adds an episode's scores, [agent][SCORE_COUNT]. */
static void add_scores(double *value, const struct episode *episode, int n_agents) {
    for (int j = 0; j < n_agents; j++, value += SCORE_COUNT) {
        value[SCORE_RETURN] += episode->returns[j];
        value[SCORE_FINISHED] += episode->finished >> j & 1;
        value[SCORE_LENGTH] += (double)episode->length[j];
    }
}

/* Plays a unit's games; value [n_games][agent][SCORE_COUNT] out, zero before. */
static void play_unit(const struct arena *arena, int64_t replica, int64_t task, double *value) {
    const struct evaluation *evaluation = arena->evaluation;
    struct players players = players_of(arena, replica, task);
    struct play play = players_play(&players, arena->env[arena->layout.tasks.first + task],
                                    evaluation->policy == EVALUATE_GREEDY);
    struct rng_key key = {.seed = evaluation->seed,
                          .replica = (uint32_t)(arena->layout.replicas.first + replica),
                          .task = (uint32_t)(arena->layout.tasks.first + task),
                          .phase = RNG_EVALUATE};
    int64_t width = arena->plan->n_agents * SCORE_COUNT;
    for (; key.game < evaluation->games; key.game++) {
        struct episode episode;
        play_game(&play, &key, &episode);
        add_scores(value + key.game % arena->n_games * width, &episode, arena->plan->n_agents);
    }
    int64_t games_each = evaluation->games / arena->n_games; /* one, or all */
    for (int64_t i = 0; i < arena->n_games * width; i++) value[i] /= (double)games_each;
}

static int64_t unit_values(const struct arena *arena) {
    return arena->n_games * arena->plan->n_agents * SCORE_COUNT;
}

/* Plays all units of this rank, [own replica][own task][...]; the caller owns the values. */
static double *play_all(const struct arena *arena) {
    const struct layout *own = &arena->layout;
    int64_t n_units = own->replicas.n * own->tasks.n;
    double *value = memory_zeros((size_t)(n_units * unit_values(arena)), sizeof *value);
    for (int64_t r = 0; r < own->replicas.n; r++)
        for (int64_t i = 0; i < own->tasks.n; i++)
            play_unit(arena, r, i, value + (r * own->tasks.n + i) * unit_values(arena));
    return value;
}

/* ---- Gathering ---- */

static struct layout layout_of_games(const struct arena *arena, int rank) {
    int size;
    MPI_Comm_size(arena->trainer.world, &size);
    return layout_in_groups(arena->trainer.layout.n_groups, rank, size, arena->plan->config.run.replicas, arena->n_tasks);
}

/* Puts the values of a rank's box where they belong. */
static void unpack(const struct arena *arena, const struct layout *box, const double *value, struct scores *scores) {
    int64_t n = box->tasks.n * unit_values(arena);
    for (int64_t r = 0; r < box->replicas.n; r++) {
        int64_t first = (box->replicas.first + r) * arena->n_tasks + box->tasks.first;
        if (n > 0) memcpy(scores->value + first * unit_values(arena), value + r * n, (size_t)n * sizeof *value);
    }
}

static void receive(const struct arena *arena, const double *own, MPI_Datatype unit, struct scores *scores) {
    int size;
    MPI_Comm_size(arena->trainer.world, &size);
    *scores = (struct scores){.n_replicas = arena->plan->config.run.replicas,
                              .n_games = arena->n_games,
                              .n_tasks = arena->n_tasks,
                              .n_agents = arena->plan->n_agents};
    int64_t n_units = scores->n_replicas * scores->n_tasks;
    scores->value = memory_zeros((size_t)(n_units * unit_values(arena)), sizeof *scores->value);
    unpack(arena, &arena->layout, own, scores);
    for (int rank = 1; rank < size; rank++) {
        struct layout box = layout_of_games(arena, rank);
        int64_t n = box.replicas.n * box.tasks.n;
        double *value = memory_zeros((size_t)(n * unit_values(arena)), sizeof *value);
        MPI_Recv(value, (int)n, unit, rank, 0, arena->trainer.world, MPI_STATUS_IGNORE);
        unpack(arena, &box, value, scores);
        free(value);
    }
}

/* Means and intervals are taken on rank 0 from all values in their order: no sum depends on the rank count. */
static void gather(const struct arena *arena, const double *own, struct scores *scores) {
    int rank;
    MPI_Datatype unit;
    MPI_Comm_rank(arena->trainer.world, &rank);
    MPI_Type_contiguous((int)unit_values(arena), MPI_DOUBLE, &unit);
    MPI_Type_commit(&unit);
    if (rank == 0) receive(arena, own, unit, scores);
    else MPI_Send(own, (int)(arena->layout.replicas.n * arena->layout.tasks.n), unit, 0, 0, arena->trainer.world);
    MPI_Type_free(&unit);
}

bool evaluate_run(const char *path, const struct plan *plan, const struct evaluation *evaluation, MPI_Comm world,
                  struct scores *scores, struct fault *why) {
    struct arena arena;
    int rank;
    MPI_Comm_rank(world, &rank);
    *scores = (struct scores){0};
    if (!arena_create(&arena, plan, evaluation, world, why)) return false;
    bool ready = read_run(&arena, path, why);
    if (ready) {
        make_worlds(&arena);
        arena.layout = layout_of_games(&arena, rank);
        double *own = play_all(&arena);
        gather(&arena, own, scores);
        free(own);
    }
    arena_destroy(&arena);
    return ready;
}

void scores_destroy(struct scores *scores) {
    free(scores->value);
    *scores = (struct scores){0};
}

/* ---- Means ---- */

static double value_at(const struct scores *s, enum score score, int64_t replica, int task, int64_t game, int agent) {
    int64_t unit = replica * s->n_tasks + task;
    return s->value[((unit * s->n_games + game) * s->n_agents + agent) * SCORE_COUNT + score];
}

/* The one number i, or all n: [*from, *to). */
static void span(int i, int n, int *from, int *to) {
    *from = i == SCORES_ALL ? 0 : i;
    *to = i == SCORES_ALL ? n : i + 1;
}

/* A sample's mean over the tasks and agents asked for. */
static double sample(const struct scores *s, enum score score, int64_t replica, int64_t game, int task, int agent) {
    int first_task, end_task, first_agent, end_agent;
    double sum = 0;
    span(task, s->n_tasks, &first_task, &end_task);
    span(agent, s->n_agents, &first_agent, &end_agent);
    for (int i = first_task; i < end_task; i++)
        for (int j = first_agent; j < end_agent; j++) sum += value_at(s, score, replica, i, game, j);
    return sum / ((end_task - first_task) * (end_agent - first_agent));
}

double scores_of_replica(const struct scores *s, enum score score, int64_t replica, int task, int agent) {
    double sum = 0;
    for (int64_t game = 0; game < s->n_games; game++) sum += sample(s, score, replica, game, task, agent);
    return sum / (double)s->n_games;
}

struct estimates scores_estimate(const struct scores *s, enum score score, int task, int agent, uint32_t seed) {
    int64_t n = s->n_replicas * s->n_games; /* one of them is 1 */
    double *x = memory_zeros((size_t)n, sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = sample(s, score, i / s->n_games, i % s->n_games, task, agent);
    struct estimates found = statistics_bootstrap(x, n, seed);
    free(x);
    return found;
}
