/* Times the loops that take the time: E-step and M-step of each learner on one core, against two fixed loops of the
 * same world: `world` plays random games and does nothing else; `traffic` also reads and writes a row of each agent's
 * table in every step, without learning. Several rounds in turn; prints one JSON object.
 *   bench_loops ROUNDS SECONDS TASK... [--setting value ...] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/log.h"
#include "multidistral/base/memory.h"
#include "multidistral/base/rng.h"
#include "multidistral/learn/learner.h"
#include "multidistral/run/plan.h"

enum { MOST_ROUNDS = 101, GAMES = 20, LOOPS = 2 + 2 * LEARNER_COUNT };

struct bench {
    struct plan plan;
    struct distilled distilled[ENV_AGENTS];
    struct learner *learner; /* [n_tasks] */
    struct visits visits[ENV_AGENTS];
    float *traffic[ENV_AGENTS]; /* [n_rows][16] */
    int64_t *discounts;
    uint32_t iteration;
};

/* ---- The fixed loops ---- */

static int64_t random_game(struct bench *b, int task, const struct rng_key *key, bool traffic) {
    const struct env_grid *grid = &b->plan.grid[task];
    const struct env_senses *senses = &b->plan.senses;
    struct env_state state = grid->start;
    struct rng rng;
    int64_t steps = 0;
    rng_start(&rng, key);
    for (; steps < grid->rules.step_limit && state.finished != 3; steps++) {
        uint8_t action[2];
        double reward[2];
        uint64_t row[2] = {0, 0};
        for (int j = 0; traffic && j < 2; j++) row[j] = env_observe(senses, 2, &state, j);
        for (int j = 0; j < 2; j++) action[j] = (uint8_t)rng_below(rng_next(&rng), ENV_ACTIONS);
        uint32_t contest = rng_next(&rng);
        env_grid_step(grid, 2, &state, action, &contest, reward);
        for (int j = 0; traffic && j < 2; j++) b->traffic[j][row[j] * 16 + action[j]] += (float)reward[j];
    }
    return steps;
}

/* ---- One stretch of a loop: steps taken in about `seconds` ---- */

static int64_t play(struct bench *b, int loop, int task) {
    struct rng_key key = {.seed = 1, .task = (uint32_t)task, .iteration = b->iteration};
    struct learner *learner = &b->learner[task];
    int64_t steps = 0;
    for (; key.game < GAMES; key.game++) {
        struct episode episode = {0};
        if (loop < 2) steps += random_game(b, task, &key, loop == 1);
        else if (loop % 2 == 0) learner->kind->learn(learner, &key, &episode);
        else learner->kind->visit(learner, &key, b->discounts, b->visits, &episode);
        steps += episode.steps;
    }
    return steps;
}

static double rate(struct bench *b, int loop, double seconds) {
    double started = log_seconds(), now = started;
    int64_t steps = 0;
    for (int task = 0; now - started < seconds; task = (task + 1) % b->plan.n_tasks, now = log_seconds()) {
        steps += play(b, loop, task);
        if (task == 0) b->iteration++;
    }
    return (double)steps / (now - started);
}

/* ---- Setting up ---- */

static void create(struct bench *b) {
    uint64_t rows = b->plan.senses.rows.n;
    b->learner = memory_zeros((size_t)b->plan.n_tasks, sizeof *b->learner);
    b->discounts = visits_discounts(b->plan.config.learning.gamma, b->plan.config.rules.step_limit);
    for (int j = 0; j < b->plan.n_agents; j++) {
        distilled_create(&b->distilled[j], rows, ENV_ACTIONS);
        visits_create(&b->visits[j], rows, ENV_ACTIONS);
        b->traffic[j] = memory_zeros(rows, 16 * sizeof(float));
    }
    for (int i = 0; i < b->plan.n_tasks; i++) {
        learner_create(&b->learner[i], (enum learner_name)0, &b->plan.grid[i], &b->plan.senses);
        for (int j = 0; j < b->plan.n_agents; j++) b->learner[i].distilled[j] = &b->distilled[j];
    }
}

static void use_learner(struct bench *b, int name) {
    static int64_t prepared;
    prepared++;
    for (int i = 0; i < b->plan.n_tasks; i++) {
        b->learner[i].kind = learner_kinds[name];
        learner_prepare(&b->learner[i], &b->plan.config.learning, prepared, true);
    }
}

static bool read_arguments(struct bench *b, int argc, char **argv, struct fault *why) {
    struct config config;
    struct task *tasks = memory_zeros((size_t)argc, sizeof *tasks);
    int n_tasks = 0, i = 3;
    config_defaults(&config);
    for (; i < argc && strncmp(argv[i], "--", 2) != 0; i++)
        if (!task_read(&tasks[n_tasks++], argv[i], why)) return false;
    for (; i + 1 < argc; i += 2) {
        int setting = config_find(argv[i] + 2, why);
        if (setting < 0 || !config_set(&config, setting, argv[i + 1], why)) return false;
    }
    return plan_create(&b->plan, &config, tasks, n_tasks, why);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_loop(int loop, double *rates, int rounds, bool last) {
    static const char *const fixed[] = {"world", "traffic"}, *const phase[] = {"e_step", "m_step"};
    qsort(rates, (size_t)rounds, sizeof *rates, compare);
    if (loop < 2) printf("\"%s\": ", fixed[loop]);
    else printf("\"%s %s\": ", learner_kinds[(loop - 2) / 2]->name, phase[loop % 2]);
    printf("{\"min\": %.4g, \"median\": %.4g, \"max\": %.4g}%s", rates[0], rates[rounds / 2], rates[rounds - 1],
           last ? "}\n" : ", ");
}

int main(int argc, char **argv) {
    static double rates[LOOPS][MOST_ROUNDS];
    struct bench b = {0};
    struct fault why = {"usage: bench_loops ROUNDS SECONDS TASK... [--setting value ...]"};
    int rounds = argc > 3 ? atoi(argv[1]) : 0;
    if (rounds < 1 || rounds > MOST_ROUNDS || !read_arguments(&b, argc, argv, &why)) {
        fprintf(stderr, "%s\n", why.text);
        return 2;
    }
    create(&b);
    for (int round = 0; round < rounds; round++) {
        for (int loop = 0; loop < LOOPS; loop++) {
            if (loop >= 2 && loop % 2 == 0) use_learner(&b, (loop - 2) / 2);
            rates[loop][round] = rate(&b, loop, atof(argv[2]));
        }
    }
    putchar('{');
    for (int loop = 0; loop < LOOPS; loop++) print_loop(loop, rates[loop], rounds, loop == LOOPS - 1);
    return 0;
}
