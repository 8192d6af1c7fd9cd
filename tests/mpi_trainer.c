/* The same numbers at any rank count: what each rank trained against the same plan trained by one rank alone. */
#include <math.h>
#include <sys/resource.h>

#include "support_run.h"

#include "multidistral/run/capacity.h"
#include "multidistral/run/reduce.h"
#include "multidistral/run/spread.h"

static void ini_of(char *ini, size_t size, const char *settings) {
    snprintf(ini, size, "iterations = 3\ngames_e = 4\ngames_m = 3\n%s", settings);
}

static void compare(const char *ini, const char *maps) {
    struct plan plan;
    struct trainer ours, alone;
    plan_from(&plan, ini, maps);
    train(&ours, &plan, MPI_COMM_WORLD, 3);
    train(&alone, &plan, MPI_COMM_SELF, 3);
    assert_same_run(&ours, &alone);
    trainer_destroy(&ours);
    trainer_destroy(&alone);
    plan_destroy(&plan);
}

static void compare_with_one_rank(const char *settings, const char *maps) {
    char ini[512];
    ini_of(ini, sizeof ini, settings);
    compare(ini, maps);
}

static void sharing_agent(void **state) {
    (void)state;
    compare_with_one_rank("sharing = agent\n", maps_of_two);
}

static void sharing_team(void **state) {
    (void)state;
    compare_with_one_rank("sharing = team\n", maps_of_two);
}

static void sharing_none(void **state) {
    (void)state;
    compare_with_one_rank("sharing = none\n", maps_of_two);
}

static void two_replicas(void **state) {
    (void)state;
    compare_with_one_rank("replicas = 2\n", maps_of_two);
    compare_with_one_rank("replicas = 2\nsharing = team\n", maps_of_two);
}

static void more_replicas_than_ranks(void **state) {
    (void)state;
    compare_with_one_rank("replicas = 7\nsharing = team\n", "A..\n..a\n|a..\n..A\n");
}

static void tables_afresh_in_each_iteration(void **state) {
    (void)state;
    compare_with_one_rank("keep_q = no\n", maps_of_two);
    compare_with_one_rank("keep_q = no\nsharing = team\nalpha = linear:0:1:3\nbeta = geometric:1:9:3\n", maps_of_two);
}

static void three_agents(void **state) {
    (void)state;
    compare_with_one_rank("observe_others = no\n", maps_of_three);
    compare_with_one_rank("sharing = team\ncontested = last\nobserve_others = no\n", maps_of_three);
}

static void large_tables(void **state) {
    (void)state;
    struct plan plan;
    plan_from(&plan, "observe_other_actions = yes\n", maps_of_three);
    assert_true(plan.senses.rows.n > SLOTS_DIRECT);
    plan_destroy(&plan);
    compare_with_one_rank("observe_other_actions = yes\n", maps_of_three);
}

static void other_learners(void **state) {
    (void)state;
    for (int name = 0; name < LEARNER_COUNT; name++)
        for (int keep = 0; keep < 2; keep++) {
            char ini[128];
            snprintf(ini, sizeof ini, "learner = %s\nsharing = %s\nkeep_q = %s\n", learner_kinds[name]->name,
                     keep ? "none" : "team", keep ? "yes" : "no");
            compare_with_one_rank(ini, maps_of_two);
        }
}

static void no_games_in_the_m_step(void **state) {
    (void)state;
    compare("iterations = 3\ngames_m = 0\n", maps_of_two);
}

/* The frame only renumbers the rows of an agent that has a distilled policy of its own. */
static void the_frame_changes_no_curve_of_policies_per_agent(void **state) {
    (void)state;
    char ini[512];
    struct plan plan[2];
    struct trainer trainer[2];
    for (int i = 0; i < 2; i++) {
        ini_of(ini, sizeof ini, i == 0 ? "frame = fixed\n" : "frame = own_first\n");
        plan_from(&plan[i], ini, maps_of_two);
        train(&trainer[i], &plan[i], MPI_COMM_WORLD, 3);
    }
    for (int c = 0; c < CURVE_COUNT; c++) {
        enum curve curve = (enum curve)c;
        const struct curves *one = &trainer[0].curves, *other = &trainer[1].curves;
        int64_t n = one->n_replicas * one->n_iterations * one->n_tasks * curves_width(one, curve);
        if (n > 0) assert_memory_equal(one->value[c], other->value[c], (size_t)n * sizeof(double));
    }
    for (int i = 0; i < 2; i++) {
        trainer_destroy(&trainer[i]);
        plan_destroy(&plan[i]);
    }
}

/* What a rank's own tasks learned, added up over all values of one replica. */
static double sum_of_values(const struct trainer *t, int64_t replica) {
    double sum = 0, all;
    for (int64_t i = 0; i < t->layout.tasks.n; i++) {
        bool own = replica >= t->layout.replicas.first && replica < t->layout.replicas.first + t->layout.replicas.n;
        for (uint64_t row = 0; own && row < t->plan->senses.rows.n; row++) {
            float q[ENV_ACTIONS];
            int64_t r = replica - t->layout.replicas.first;
            learner_values(&t->learner[r * t->layout.tasks.n + i], 0, row, q);
            for (int a = 0; a < ENV_ACTIONS; a++) sum += q[a] * (double)(row + (uint64_t)a);
        }
    }
    MPI_Allreduce(&sum, &all, 1, MPI_DOUBLE, MPI_SUM, t->world);
    return all;
}

static void replicas_and_seeds_play_other_games(void **state) {
    (void)state;
    double sum[3] = {0};
    for (int seed = 1; seed <= 2; seed++) {
        char ini[512];
        struct plan plan;
        struct trainer trainer;
        ini_of(ini, sizeof ini, seed == 1 ? "replicas = 2\n" : "seed = 2\n");
        plan_from(&plan, ini, maps_of_two);
        train(&trainer, &plan, MPI_COMM_WORLD, 2);
        if (seed == 1) sum[0] = sum_of_values(&trainer, 0), sum[1] = sum_of_values(&trainer, 1);
        else sum[2] = sum_of_values(&trainer, 0);
        trainer_destroy(&trainer);
        plan_destroy(&plan);
    }
    assert_true(sum[0] != 0 && fabs(sum[0] - sum[1]) > 1e-3 && fabs(sum[0] - sum[2]) > 1e-3);
}

/* The first replica does not know how many others there are. */
static void a_replica_is_a_run_of_its_own(void **state) {
    (void)state;
    char ini[512];
    struct plan one, two;
    struct trainer alone, both;
    ini_of(ini, sizeof ini, "replicas = 1\n");
    plan_from(&one, ini, maps_of_two);
    ini_of(ini, sizeof ini, "replicas = 2\n");
    plan_from(&two, ini, maps_of_two);
    train(&alone, &one, MPI_COMM_WORLD, 3);
    train(&both, &two, MPI_COMM_SELF, 3);
    assert_same_run(&alone, &both);
    trainer_destroy(&alone);
    trainer_destroy(&both);
    plan_destroy(&one);
    plan_destroy(&two);
}

static void without_sharing_the_distilled_policy_stays_uniform(void **state) {
    (void)state;
    struct plan plan;
    struct trainer trainer;
    plan_from(&plan, "sharing = none\ngames_e = 3\ngames_m = 3\n", maps_of_two);
    train(&trainer, &plan, MPI_COMM_WORLD, 2);
    for (uint64_t row = 0; trainer.layout.replicas.n > 0 && row < plan.senses.rows.n; row++)
        for (int a = 0; a < ENV_ACTIONS; a++) assert_true(distilled_row(&trainer.distilled[0], row)[a] == 0.2f);
    trainer_destroy(&trainer);
    plan_destroy(&plan);
}

/* With k = 0 a row of pi0 is its visits over their sum, in all tasks and of all ranks. */
static void the_distilled_policy_follows_from_the_visits(void **state) {
    (void)state;
    struct plan plan;
    struct trainer trainer;
    plan_from(&plan, "sharing = team\npseudo_count = 0\ngames_e = 2\ngames_m = 5\n", maps_of_two);
    train(&trainer, &plan, MPI_COMM_WORLD, 1);
    double start_visits = 0;
    assert_int_equal(plan_n_distilled(&plan), 1);
    for (uint64_t i = 0; i < trainer.sum[0].slots.n_known; i++) {
        const int64_t *count = visits_count(&trainer.sum[0], i);
        const float *pi0 = distilled_row(&trainer.distilled[0], visits_row(&trainer.sum[0], i));
        double sum = 0;
        for (int a = 0; a < ENV_ACTIONS; a++) sum += (double)count[a];
        for (int a = 0; a < ENV_ACTIONS; a++) assert_float_equal(pi0[a], (double)count[a] / sum, 1e-6);
        start_visits += sum / VISITS_UNIT;
    }
    assert_true(start_visits >= 5 * 3 * 2); /* each game of each task and agent begins with a visit of weight 1 */
    trainer_destroy(&trainer);
    plan_destroy(&plan);
}

static void curves_count_games_and_steps(void **state) {
    (void)state;
    struct plan plan;
    struct trainer t;
    plan_from(&plan, "games_e = 4\ngames_m = 3\n", maps_of_two);
    train(&t, &plan, MPI_COMM_WORLD, 2);
    double steps = 0;
    for (int64_t r = 0; r < t.layout.replicas.n; r++) {
        for (int64_t i = 0; i < t.layout.tasks.n; i++) {
            for (int64_t n = 0; n < 2; n++) {
                double finished = *curves_at(&t.curves, CURVE_finished, r, n, i, 1);
                double length = *curves_at(&t.curves, CURVE_length, r, n, i, 0);
                assert_true(*curves_at(&t.curves, CURVE_games, r, n, i, 0) == 7);
                assert_true(finished >= 0 && finished <= 1 && length >= 1 && length <= 40);
                assert_true(*curves_at(&t.curves, CURVE_entropy, r, n, i, 0) <= log(5) + 1e-6);
                assert_true(*curves_at(&t.curves, CURVE_divergence, r, n, i, 0) >= 0);
                steps += *curves_at(&t.curves, CURVE_steps, r, n, i, 0);
            }
            assert_true(isnan(*curves_at(&t.curves, CURVE_return, r, 2, i, 0)));
        }
    }
    assert_true(steps == (double)t.steps);
    trainer_destroy(&t);
    plan_destroy(&plan);
}

/* Returns of two values that lie close together, compared with their size: their squares differ in the last digits. */
static void the_error_of_large_returns_is_exact(void **state) {
    (void)state;
    enum { GAMES = 100 };
    struct config config;
    struct plan plan;
    struct trainer t;
    struct fault why = {""};
    struct task *task = calloc(1, sizeof *task);
    assert_true(task && task_parse(task, "payoffs", "world", "step_limit = 1\npayoff:\n1000000 999999.9375\n999999.9375 1000000\n", &why));
    config_from(&config, "learner = random\nsharing = none\ngames_e = 100\ngames_m = 0\n");
    assert_true(plan_create(&plan, &config, task, 1, &why));
    train(&t, &plan, MPI_COMM_SELF, 1);
    double less = (1e6 - *curves_at(&t.curves, CURVE_return, 0, 0, 0, 0)) * 16; /* part of the games with the lower one */
    assert_true(less > 0.1 && less < 0.9);
    double error = sqrt(less * (1 - less) / (GAMES - 1)) / 16;
    assert_true(fabs(*curves_at(&t.curves, CURVE_return_error, 0, 0, 0, 0) / error - 1) < 1e-6);
    trainer_destroy(&t);
    plan_destroy(&plan);
}

static void the_last_value_is_the_mean_over_replicas(void **state) {
    (void)state;
    struct plan plan;
    struct trainer ours, alone;
    plan_from(&plan, "replicas = 3\ngames_e = 3\ngames_m = 2\n", maps_of_two);
    train(&ours, &plan, MPI_COMM_WORLD, 2);
    train(&alone, &plan, MPI_COMM_SELF, 2);
    double *last = trainer_last(&ours, CURVE_return);
    assert_true((last != NULL) == (rank_of(MPI_COMM_WORLD) == 0));
    for (int64_t i = 0; last && i < plan.n_tasks; i++) {
        for (int64_t j = 0; j < plan.n_agents; j++) {
            double mean = 0;
            for (int64_t r = 0; r < 3; r++) mean += *curves_at(&alone.curves, CURVE_return, r, 1, i, j) / 3;
            assert_float_equal(last[i * plan.n_agents + j], mean, 1e-9);
        }
    }
    free(last);
    trainer_destroy(&ours);
    trainer_destroy(&alone);
    plan_destroy(&plan);
}

static void more_ranks_need_no_more_memory_each(void **state) {
    (void)state;
    struct plan plan;
    plan_from(&plan, "replicas = 4\n", maps_of_two);
    for (int size = 2; size <= 16; size++) assert_true(capacity_bytes(&plan, size) <= capacity_bytes(&plan, 1));
    assert_true(capacity_bytes(&plan, 12) < capacity_bytes(&plan, 1));
    plan_destroy(&plan);
}

/* The limit is in force for the question alone, which takes no memory: it leaves no room for anything. */
static void a_run_larger_than_its_address_space_is_refused(void **state) {
    (void)state;
    struct plan plan;
    struct rlimit before, limit;
    struct fault why = {""};
    plan_from(&plan, "", maps_of_two);
    struct layout own = layout_of(0, 1, 1, plan.n_tasks);
    assert_true(capacity_suffices(&plan, &own, 1, 1, &why));
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    limit = (struct rlimit){.rlim_cur = (rlim_t)capacity_bytes(&plan, 1), .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    bool one = capacity_suffices(&plan, &own, 1, 1, &why), two = capacity_suffices(&plan, &own, 2, 2, &why), spread = capacity_allows_spreading(&plan, 1, 1);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_false(one || two || spread);
    assert_non_null(strstr(why.text, "on this machine"));
    plan_destroy(&plan);
}

/* One rank that holds much is no reason to end a run, as long as the others leave room for it; and all together can be one. */
static void a_machine_is_full_when_its_ranks_together_fill_it(void **state) {
    (void)state;
    int size = size_of(MPI_COMM_WORLD);
    double much = rank_of(MPI_COMM_WORLD) == size - 1 ? 41 : 1, all = 41 + (size - 1);
    assert_false(capacity_fills(much, MPI_COMM_WORLD, size, 100));
    assert_false(capacity_fills(much, MPI_COMM_WORLD, size, all / 0.79));
    assert_true(capacity_fills(much, MPI_COMM_WORLD, size, all / 0.81));
    assert_true(capacity_fills(81. / size, MPI_COMM_WORLD, size, 100));
    assert_true(capacity_fills(41. / size, MPI_COMM_WORLD, 2 * size, 100)); /* as many ranks of another run */
    assert_false(capacity_fills(39. / size, MPI_COMM_WORLD, 2 * size, 100));
}

/* Each iteration takes 10 s; the last rank comes last, and its reduction takes 1; the others come a second apart before it. */
static void times_tell_waiting_from_reducing(void **state) {
    (void)state;
    struct plan plan;
    struct trainer t;
    int size = size_of(MPI_COMM_WORLD), before = size - 1 - rank_of(MPI_COMM_WORLD);
    plan_from(&plan, "iterations = 3\ngames_e = 1\ngames_m = 1\n", maps_of_two);
    train(&t, &plan, MPI_COMM_WORLD, 3);
    for (int i = 0; i < 3; i++) t.curves.cost[COST_iteration_seconds][i] = 10, t.curves.cost[COST_reduce_seconds][i] = 1 + before;
    t.curves.cost[COST_iteration_seconds][0] = 1000; /* of the run before: this one was resumed */
    t.resumed = 1;
    t.run_seconds = 30;
    t.file_seconds = 2;
    struct training_times times = training_times(&t);
    assert_true(fabs(times.games - (18 - (size - 1))) < 1e-9);
    assert_true(fabs(times.waiting - (size - 1)) < 1e-9);
    assert_true(fabs(times.reduce - 2) < 1e-9);
    assert_true(fabs(times.file - 2) < 1e-9);
    assert_true(fabs(times.rest - 8) < 1e-9);
    trainer_destroy(&t);
    plan_destroy(&plan);
}

/* ---- Tasks that move between ranks ---- */

static const char maps_of_seven[] = "A..\n..a\n|a..\n..A\n|.A.\n..a\n|.a.\n..A\n|A.a\n...\n|..A\na..\n|..a\nA..\n";

/* All on one rank, as far as a rank takes them; on the last; one task as long as all others; nothing known; in no order. */
static void strange_costs(int way, int64_t n_tasks, double *cost) {
    for (int64_t i = 0; i < n_tasks; i++) {
        const double ways[] = {i == n_tasks - 1, i == 0, i == n_tasks / 2 ? 1e300 : 1e-300, 0, (double)(i * i * 7919 % 13)};
        cost[i] = ways[way % 5];
    }
}

static void compare_spread(const char *settings) {
    enum { ITERATIONS = 6 };
    char ini[512];
    struct plan plan;
    struct trainer ours, alone;
    snprintf(ini, sizeof ini, "iterations = %d\ngames_e = 4\ngames_m = 3\n%s", ITERATIONS, settings);
    plan_from(&plan, ini, maps_of_seven);
    train(&ours, &plan, MPI_COMM_WORLD, 0);
    ours.spreads = false;
    int64_t moved = 0;
    for (int i = 0; i < ITERATIONS; i++) {
        double cost[7];
        struct range before = ours.layout.tasks;
        strange_costs(i, plan.n_tasks, cost);
        spread_by_cost(&ours, cost);
        moved += before.first != ours.layout.tasks.first || before.n != ours.layout.tasks.n;
        trainer_iterate(&ours);
    }
    int group;
    MPI_Comm_size(ours.group, &group);
    MPI_Allreduce(MPI_IN_PLACE, &moved, 1, MPI_INT64_T, MPI_MAX, MPI_COMM_WORLD);
    assert_true(group == 1 || moved >= 3);
    train(&alone, &plan, MPI_COMM_SELF, ITERATIONS);
    assert_same_run(&ours, &alone);
    trainer_destroy(&ours);
    trainer_destroy(&alone);
    plan_destroy(&plan);
}

static void tasks_that_move_change_nothing(void **state) {
    (void)state;
    compare_spread("");
    compare_spread("sharing = team\nkeep_q = no\n");
    compare_spread("sharing = none\nreplicas = 2\n");
    compare_spread("behaviour = yes\nrollout = 3\nreplay_games = 2\n");
    compare_spread("observe_other_actions = yes\n");
}

static void all_learners_move(void **state) {
    (void)state;
    for (int name = 0; name < LEARNER_COUNT; name++) {
        char ini[128];
        snprintf(ini, sizeof ini, "learner = %s\nsharing = team\n", learner_kinds[name]->name);
        compare_spread(ini);
    }
}

/* The seconds are made up: the first task takes as long as all others. */
static void costly_tasks_get_ranks_of_their_own(void **state) {
    (void)state;
    struct plan plan;
    struct trainer t;
    int size = size_of(MPI_COMM_WORLD);
    plan_from(&plan, "games_e = 1\ngames_m = 1\n", maps_of_seven);
    train(&t, &plan, MPI_COMM_WORLD, 1);
    for (int64_t i = 0; i < t.layout.tasks.n; i++) t.task_seconds[i] = t.layout.tasks.first + i == 0 ? 6 : 1;
    spread_when_due(&t);
    if (rank_of(MPI_COMM_WORLD) == 0) assert_int_equal(t.layout.tasks.n, size == 1 ? 7 : 1);
    trainer_destroy(&t);
    plan_destroy(&plan);
}

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sharing_agent),
        cmocka_unit_test(sharing_team),
        cmocka_unit_test(sharing_none),
        cmocka_unit_test(two_replicas),
        cmocka_unit_test(more_replicas_than_ranks),
        cmocka_unit_test(tables_afresh_in_each_iteration),
        cmocka_unit_test(three_agents),
        cmocka_unit_test(large_tables),
        cmocka_unit_test(other_learners),
        cmocka_unit_test(no_games_in_the_m_step),
        cmocka_unit_test(the_frame_changes_no_curve_of_policies_per_agent),
        cmocka_unit_test(replicas_and_seeds_play_other_games),
        cmocka_unit_test(a_replica_is_a_run_of_its_own),
        cmocka_unit_test(without_sharing_the_distilled_policy_stays_uniform),
        cmocka_unit_test(the_distilled_policy_follows_from_the_visits),
        cmocka_unit_test(curves_count_games_and_steps),
        cmocka_unit_test(the_error_of_large_returns_is_exact),
        cmocka_unit_test(the_last_value_is_the_mean_over_replicas),
        cmocka_unit_test(more_ranks_need_no_more_memory_each),
        cmocka_unit_test(a_run_larger_than_its_address_space_is_refused),
        cmocka_unit_test(a_machine_is_full_when_its_ranks_together_fill_it),
        cmocka_unit_test(times_tell_waiting_from_reducing),
        cmocka_unit_test(tasks_that_move_change_nothing),
        cmocka_unit_test(all_learners_move),
        cmocka_unit_test(costly_tasks_get_ranks_of_their_own),
    };
    return run_on_all_ranks(tests, sizeof tests / sizeof *tests, NULL);
}
