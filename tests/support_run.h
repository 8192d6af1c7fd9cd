/* What tests of runs share: plans made from text, trainers compared bit by bit, and a verdict for all ranks. */
#ifndef MULTIDISTRAL_TESTS_SUPPORT_RUN_H
#define MULTIDISTRAL_TESTS_SUPPORT_RUN_H

#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "multidistral/run/training.h"

static const char maps_of_two[] = "A.B.\n.#..\nb..a\n|A...\n.##.\nab.B\n|B..b\n.#..\na..A\n";
static const char maps_of_three[] = "A.Bc\n....\nbC.a\n|A...\n.#.a\nCbBc\n";

static inline int rank_of(MPI_Comm comm) {
    int rank;
    MPI_Comm_rank(comm, &rank);
    return rank;
}

static inline int size_of(MPI_Comm comm) {
    int size;
    MPI_Comm_size(comm, &size);
    return size;
}

/* Runs the tests with the words of rank 0 alone; the exit status is the same on every rank. `last` may be NULL. */
static inline int run_on_all_ranks(const struct CMUnitTest *tests, size_t n_tests, void (*last)(void)) {
    bool heard = rank_of(MPI_COMM_WORLD) == 0 || freopen("/dev/null", "w", stdout);
    int failed = !heard || _cmocka_run_group_tests("tests", tests, n_tests, NULL, NULL), any;
    MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    if (last) last();
    MPI_Finalize();
    return any;
}

/* Tasks from maps separated by '|'; the caller hands the array to plan_create. */
static inline struct task *tasks_from(const char *maps, int *n_tasks) {
    enum { MOST = 8 };
    struct task *tasks = calloc(MOST, sizeof *tasks);
    *n_tasks = 0;
    for (const char *map = maps; *map; map += strcspn(map, "|"), map += *map == '|') {
        char text[512];
        struct fault why = {""};
        snprintf(text, sizeof text, "step_limit = 40\nmap:\n%.*s", (int)strcspn(map, "|"), map);
        if (!task_parse(&tasks[(*n_tasks)++], "maps", "world", text, &why)) fail_msg("%s", why.text);
    }
    return tasks;
}

static inline void config_from(struct config *config, const char *ini) {
    struct config_tasks none = {0};
    struct fault why = {""};
    config_defaults(config);
    if (!config_parse_ini(config, &none, "test", ini, &why)) fail_msg("%s", why.text);
    config_tasks_destroy(&none);
}

static inline void plan_from(struct plan *plan, const char *ini, const char *maps) {
    struct config config;
    struct fault why = {""};
    int n_tasks;
    struct task *tasks = tasks_from(maps, &n_tasks);
    config_from(&config, ini);
    if (!plan_create(plan, &config, tasks, n_tasks, &why)) fail_msg("%s", why.text);
}

static inline void train(struct trainer *trainer, const struct plan *plan, MPI_Comm comm, int iterations) {
    struct fault why = {""};
    if (!trainer_create(trainer, plan, comm, &why)) fail_msg("%s", why.text);
    for (int i = 0; i < iterations; i++) trainer_iterate(trainer);
}

/* ---- A rank's part of one run against the whole of another, trained by one rank ---- */

static inline void assert_same_values(const struct learner *part, const struct learner *whole) {
    assert_int_equal(part->n_players, whole->n_players);
    for (int j = 0; j < part->n_players; j++) {
        for (uint64_t row = 0; row < part->senses->rows.n; row++) {
            float p[POLICY_MOST], w[POLICY_MOST];
            learner_values(part, j, row, p);
            learner_values(whole, j, row, w);
            assert_memory_equal(p, w, (size_t)part->n_actions * sizeof *p);
        }
    }
}

static inline void assert_same_distilled(const struct distilled *part, const struct distilled *whole) {
    assert_true(part->n_rows == whole->n_rows);
    for (uint64_t row = 0; row < part->n_rows; row++)
        assert_memory_equal(distilled_row(part, row), distilled_row(whole, row),
                            (size_t)part->n_actions * sizeof(float));
}

static inline void assert_same_curves(const struct trainer *part, const struct trainer *whole) {
    const struct layout *own = &part->layout;
    for (int c = 0; c < CURVE_COUNT; c++) {
        enum curve curve = (enum curve)c;
        size_t bytes = (size_t)(own->tasks.n * curves_width(&part->curves, curve)) * sizeof(double);
        if (bytes == 0) continue;
        for (int64_t r = 0; r < own->replicas.n; r++)
            for (int64_t t = 0; t < part->iteration; t++)
                assert_memory_equal(curves_at(&part->curves, curve, r, t, 0, 0),
                                    curves_at(&whole->curves, curve, own->replicas.first + r, t, own->tasks.first, 0),
                                    bytes);
    }
}

static inline void assert_same_run(const struct trainer *part, const struct trainer *whole) {
    const struct layout *own = &part->layout;
    int per_replica = plan_n_distilled(part->plan);
    assert_int_equal(part->iteration, whole->iteration);
    for (int64_t r = 0; r < own->replicas.n; r++) {
        int64_t replica = own->replicas.first + r;
        for (int64_t i = 0; i < own->tasks.n; i++)
            assert_same_values(&part->learner[r * own->tasks.n + i],
                               &whole->learner[replica * whole->plan->n_tasks + own->tasks.first + i]);
        for (int d = 0; d < per_replica; d++)
            assert_same_distilled(&part->distilled[r * per_replica + d], &whole->distilled[replica * per_replica + d]);
    }
    assert_same_curves(part, whole);
}

#endif
