/* Times what takes the time, once: E-step and M-step of each learner, whole iterations with their reduction, and
 * writing and reading the run file. Two fixed loops of the same world measure the machine: `world`, right before each
 * loop, plays random games and does nothing else; `traffic` also reads and writes a row of each agent's table in every
 * step, without learning. Each rank plays the loops by itself, all at once, and their speeds are added; iterations and
 * file are those of a run on all ranks. Prints a JSON list of figures.
 *
 *   mpirun -np N bench_loops SECONDS RUN.h5 TASK... [--setting value ...] */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "multidistral/base/log.h"
#include "multidistral/base/memory.h"
#include "multidistral/base/rng.h"
#include "multidistral/base/text.h"
#include "multidistral/run/output.h"
#include "multidistral/run/reduce.h"
#include "multidistral/run/runfile.h"

enum { GAMES = 20, AGENTS = 2, LOOPS = 2 + 2 * LEARNER_COUNT };
enum { WORLD, TRAFFIC };
enum { ITERATIONS = LOOPS, REDUCE_TIME, BYTES, ROWS, WRITE, READ, SIZE, FIGURES };

static const struct {
    const char *name, *unit, *reference;
} about[FIGURES - LOOPS] = {
    {"whole iterations", "million steps/s", "world"},
    {"reduction", "ms/iteration", NULL},
    {"reduced", "kB/iteration", "dense table"},
    {"reduced", "rows/iteration", "dense table"},
    {"run file, write", "ms", NULL},
    {"run file, read", "ms", NULL},
    {"run file, size", "MB", NULL},
};

struct bench {
    struct plan plan;
    struct distilled distilled[AGENTS];
    struct learner *learner; /* [n_tasks] */
    struct visits visits[AGENTS];
    float *traffic[AGENTS]; /* [n_rows][16] */
    int64_t *discounts;
    struct trainer trainer;
    struct output output;
    double seconds; /* of one stretch */
    double figure[FIGURES], reference[FIGURES];
};

/* ---- The fixed loops ---- */

static int64_t random_game(struct bench *b, int task, const struct rng_key *key, bool traffic) {
    const struct env_grid *grid = (const struct env_grid *)b->plan.env[task];
    const struct env_senses *senses = &b->plan.senses;
    struct env_state state = grid->env.start;
    struct rng rng;
    int64_t steps = 0;
    rng_start(&rng, key);
    for (; steps < grid->env.rules.step_limit && state.finished != 3; steps++) {
        uint8_t action[AGENTS];
        double reward[AGENTS];
        uint64_t row[AGENTS] = {0};
        for (int j = 0; traffic && j < AGENTS; j++) row[j] = env_observe(senses, AGENTS, &state, j);
        for (int j = 0; j < AGENTS; j++) action[j] = (uint8_t)rng_below(rng_next(&rng), ENV_ACTIONS);
        uint32_t contest = rng_next(&rng);
        env_grid_step(grid, AGENTS, &state, action, &contest, reward);
        for (int j = 0; traffic && j < AGENTS; j++) b->traffic[j][row[j] * 16 + action[j]] += (float)reward[j];
    }
    return steps;
}

/* ---- One stretch of a loop on each rank ---- */

static int64_t play(struct bench *b, int loop, int task, uint32_t iteration) {
    struct rng_key key = {.seed = 1, .task = (uint32_t)task, .iteration = iteration};
    struct learner *learner = &b->learner[task];
    int64_t steps = 0;
    for (; key.game < GAMES; key.game++) {
        struct episode episode = {0};
        if (loop < 2)
            steps += random_game(b, task, &key, loop == TRAFFIC);
        else if (loop % 2 == 0)
            learner->kind->learn(learner, &key, &episode);
        else
            learner->kind->visit(learner, &key, b->discounts, b->visits, &episode);
        steps += episode.steps;
    }
    return steps;
}

static void use_learner(struct bench *b, int name) {
    uint64_t rows = b->plan.senses.rows.n;
    int n_actions = learner_actions((enum learner_name)name, AGENTS, ENV_ACTIONS);
    for (int j = 0; j < AGENTS; j++) {
        if (b->visits[j].count) distilled_destroy(&b->distilled[j]), visits_destroy(&b->visits[j]);
        distilled_create(&b->distilled[j], rows, n_actions);
        visits_create(&b->visits[j], rows, n_actions);
    }
    for (int i = 0; i < b->plan.n_tasks; i++) {
        struct learner *learner = &b->learner[i];
        if (learner->kind) learner_destroy(learner);
        learner_create(learner, (enum learner_name)name, b->plan.env[i], &b->plan.senses);
        learner->games_e = GAMES;
        for (int p = 0; p < learner->n_players; p++) learner->distilled[p] = &b->distilled[p];
        learner_prepare(learner, &b->plan.config.learning, 0, true);
    }
}

static double over_ranks(double own, MPI_Op op) {
    double all;
    MPI_Allreduce(&own, &all, 1, MPI_DOUBLE, op, MPI_COMM_WORLD);
    return all;
}

static double rate(struct bench *b, int loop) {
    MPI_Barrier(MPI_COMM_WORLD);
    double started = log_seconds(), now = started;
    int64_t steps = 0;
    uint32_t iteration = 0;
    for (int task = 0; now - started < b->seconds; now = log_seconds()) {
        steps += play(b, loop, task, iteration);
        task = (task + 1) % b->plan.n_tasks;
        iteration += task == 0;
    }
    return over_ranks((double)steps / (now - started), MPI_SUM);
}

/* ---- Whole runs on all ranks, and their file ---- */

struct totals {
    double iterations, steps, seconds, reduce_seconds, bytes, rows;
};

static void train_once(struct trainer *t, struct totals *totals) {
    for (int64_t i = 0; i < t->plan->config.run.iterations; i++, totals->iterations++) {
        trainer_iterate(t);
        totals->seconds += t->curves.cost[COST_iteration_seconds][i];
        totals->reduce_seconds += t->curves.cost[COST_reduce_seconds][i];
        totals->bytes += t->curves.cost[COST_reduce_bytes][i];
        for (int k = 0; k < plan_n_distilled(t->plan); k++) totals->rows += (double)t->sum[k].slots.n_known;
    }
    totals->steps += (double)t->steps;
}

static bool restart(struct bench *b, struct fault *why) {
    if (b->trainer.plan) trainer_destroy(&b->trainer);
    return trainer_create(&b->trainer, &b->plan, MPI_COMM_WORLD, why);
}

static bool measure_iterations(struct bench *b, struct fault *why) {
    struct totals totals = {0};
    do {
        if (!restart(b, why)) return false;
        train_once(&b->trainer, &totals);
    } while (over_ranks(totals.seconds, MPI_MIN) < b->seconds);
    double rows = (double)plan_n_distilled(&b->plan) * (double)b->plan.senses.rows.n;
    b->figure[ITERATIONS] = 1e-6 * over_ranks(totals.steps, MPI_SUM) / over_ranks(totals.seconds, MPI_MAX);
    b->figure[REDUCE_TIME] = 1e3 * over_ranks(totals.reduce_seconds, MPI_MAX) / totals.iterations;
    b->figure[BYTES] = 1e-3 * over_ranks(totals.bytes, MPI_MAX) / totals.iterations;
    b->figure[ROWS] = over_ranks(totals.rows, MPI_MAX) / totals.iterations;
    b->reference[BYTES] = 1e-3 * rows * ENV_ACTIONS * sizeof(int64_t);
    b->reference[ROWS] = rows;
    return true;
}

/* Of the trainer that the iterations left. Writing includes reading back and flushing, as in every run. */
static bool measure_file(struct bench *b, const char *path, struct fault *why) {
    struct provenance provenance = {.command = "bench_loops"};
    struct stat file;
    MPI_Barrier(MPI_COMM_WORLD);
    double started = log_seconds();
    if (!runfile_write(path, NULL, &b->trainer, &provenance, why)) return false;
    b->figure[WRITE] = 1e3 * (log_seconds() - started);
    b->figure[SIZE] = stat(path, &file) == 0 ? 1e-6 * (double)file.st_size : 0;
    if (!restart(b, why)) return false;
    started = log_seconds();
    if (!runfile_read_state(path, &b->trainer, why)) return false;
    b->figure[READ] = 1e3 * (log_seconds() - started);
    return true;
}

/* ---- Setting up ---- */

static void create(struct bench *b) {
    uint64_t rows = b->plan.senses.rows.n;
    b->learner = memory_zeros((size_t)b->plan.n_tasks, sizeof *b->learner);
    int64_t longest = 0;
    for (int i = 0; i < b->plan.n_tasks; i++)
        if (b->plan.env[i]->rules.step_limit > longest) longest = b->plan.env[i]->rules.step_limit;
    b->discounts = visits_discounts(b->plan.config.learning.gamma, longest);
    for (int j = 0; j < AGENTS; j++) b->traffic[j] = memory_zeros(rows, 16 * sizeof(float));
}

static bool read_arguments(struct bench *b, int argc, char **argv, struct fault *why) {
    struct config config;
    int n_tasks = 0, i = 3;
    if (argc < 4 || !text_ends_with(argv[2], ".h5"))
        return fault_set(why, "usage: bench_loops SECONDS RUN.h5 TASK... [--setting value ...]");
    struct task *tasks = memory_zeros((size_t)argc, sizeof *tasks);
    b->seconds = atof(argv[1]);
    config_defaults(&config);
    for (; i < argc && strncmp(argv[i], "--", 2) != 0; i++)
        if (!task_read(&tasks[n_tasks++], argv[i], why)) return false;
    for (; i + 1 < argc; i += 2) {
        int setting = config_find(argv[i] + 2, why);
        if (setting < 0 || !config_set(&config, setting, argv[i + 1], why)) return false;
    }
    if (!plan_create(&b->plan, &config, tasks, n_tasks, why)) return false;
    return b->plan.n_agents == AGENTS || fault_set(why, "the fixed loops are for tasks of two agents");
}

static bool measure(struct bench *b, const char *path, struct fault *why) {
    for (int loop = 0; loop < LOOPS; loop++) {
        if (loop >= 2 && loop % 2 == 0) use_learner(b, (loop - 2) / 2);
        b->reference[loop] = 1e-6 * rate(b, WORLD);
        b->figure[loop] = 1e-6 * rate(b, loop);
    }
    b->reference[ITERATIONS] = 1e-6 * rate(b, WORLD);
    return measure_iterations(b, why) && measure_file(b, path, why);
}

static void print_name(int figure) {
    static const char *const fixed[] = {"world", "traffic"}, *const phase[] = {"E-step", "M-step"};
    if (figure >= LOOPS)
        printf("%s", about[figure - LOOPS].name);
    else if (figure < 2)
        printf("%s", fixed[figure]);
    else
        printf("%s, %s", learner_kinds[(figure - 2) / 2]->name, phase[figure % 2]);
}

static void print(const struct bench *b) {
    for (int figure = 0; figure < FIGURES; figure++) {
        const char *unit = figure < LOOPS ? "million steps/s" : about[figure - LOOPS].unit;
        const char *reference = figure < LOOPS ? "world" : about[figure - LOOPS].reference;
        printf(figure == 0 ? "[{\"name\": \"" : ",\n{\"name\": \"");
        print_name(figure);
        printf("\", \"unit\": \"%s\", \"value\": %.6g", unit, b->figure[figure]);
        if (reference) printf(", \"reference\": \"%s\", \"reference_value\": %.6g", reference, b->reference[figure]);
        putchar('}');
    }
    printf("]\n");
}

int main(int argc, char **argv) {
    static struct bench b;
    struct fault why;
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    bool ok = reduce_fault(read_arguments(&b, argc, argv, &why), &why, MPI_COMM_WORLD);
    ok = ok && reduce_fault(rank != 0 || output_open(&b.output, argv[2], true, &why), &why, MPI_COMM_WORLD);
    if (ok) {
        create(&b);
        ok = measure(&b, argv[2], &why);
        if (rank == 0) output_close(&b.output);
    }
    if (rank == 0 && ok) print(&b);
    if (rank == 0 && !ok) fprintf(stderr, "bench_loops: %s\n", why.text);
    MPI_Finalize();
    return ok ? 0 : 2;
}
