/* The time limit of a sweep: one for all its combinations, looked at within them and between them. */
#include "support_folder.h"
#include "support_run.h"

#include "multidistral/base/log.h"
#include "multidistral/run/runfile.h"
#include "multidistral/run/sweep.h"

enum { COMBINATIONS = 8 };

static void say_nothing(const struct sweep_job *job, int64_t combination, double mean_return) {
    (void)job;
    (void)combination;
    (void)mean_return;
}

static int64_t iterations_of(const char *path) {
    struct config config;
    struct fault why = {""};
    struct task *tasks;
    int n_tasks;
    int64_t done;
    if (!runfile_read_plan(path, &config, &tasks, &n_tasks, &done, &why)) fail_msg("%s", why.text);
    for (int i = 0; i < n_tasks; i++) task_destroy(&tasks[i]);
    free(tasks);
    return done;
}

/* Eight seeds under a limit of which so much is left; a negative rest is over. How many run files there are then, with all
 * iterations, or with one if the limit is over; the others do not count. The same on all ranks. */
static int files_after(int iterations, double left, enum training_end expected) {
    struct sweep sweep;
    struct fault why = {""};
    struct plan plan[COMBINATIONS];
    enum sweep_state state[COMBINATIONS];
    char **setting = calloc((size_t)config_count(), sizeof *setting), seeds[] = "1,2,3,4,5,6,7,8";
    setting[config_find("seed", &why)] = seeds;
    assert_true(sweep_create(&sweep, setting, &why) && sweep.n == COMBINATIONS);
    for (int c = 0; c < COMBINATIONS; c++) {
        char ini[128];
        snprintf(ini, sizeof ini, "iterations = %d\ngames_e = 4\ngames_m = 3\nseed = %d\n", iterations, c + 1);
        plan_from(&plan[c], ini, maps_of_two);
        state[c] = SWEEP_NEW;
    }
    const struct sweep_job job = {.sweep = &sweep, .plan = plan, .state = state, .folder = folder, .command = "test",
                                  .checkpoint_seconds = 60, .began = log_seconds() - 1000, .max_seconds = 1000 + left};
    int files = 0;
    enum training_end end = sweep_train(&job, MPI_COMM_WORLD, say_nothing, &why);
    for (int c = 0; c < COMBINATIONS; c++) {
        char *path = sweep_path(&sweep, folder, c);
        if (first_rank() && access(path, F_OK) == 0) files += iterations_of(path) == (left > 0 ? iterations : 1);
        free(path);
        plan_destroy(&plan[c]);
    }
    sweep_destroy(&sweep);
    free(setting);
    empty_folder();
    MPI_Bcast(&files, 1, MPI_INT, 0, MPI_COMM_WORLD);
    assert_int_equal(end, expected);
    return files;
}

static int groups(void) { return size_of(MPI_COMM_WORLD) < COMBINATIONS ? size_of(MPI_COMM_WORLD) : COMBINATIONS; }

static void a_limit_that_is_over_leaves_one_iteration_to_each_group(void **state) {
    (void)state;
    assert_int_equal(files_after(3, -1, TRAINING_STOPPED), groups());
}

static void no_combination_is_begun_after_the_limit(void **state) {
    (void)state;
    assert_int_equal(files_after(1, -1, TRAINING_STOPPED), groups());
}

static void a_limit_far_away_changes_nothing(void **state) {
    (void)state;
    assert_int_equal(files_after(2, 1e6, TRAINING_DONE), COMBINATIONS);
}

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_that_is_over_leaves_one_iteration_to_each_group),
        cmocka_unit_test(no_combination_is_begun_after_the_limit),
        cmocka_unit_test(a_limit_far_away_changes_nothing),
    };
    open_folder();
    return run_on_all_ranks(tests, sizeof tests / sizeof *tests, close_folder);
}
