/* Learners: soft Q-learning against an exact solver and a chain solved by hand, games against their replay, and what
 * counts as a visit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "multidistral/learn/learner.h"

enum { MOST_ROWS = 4096, GAMES = 20000 };

struct bench {
    struct world world;
    struct distilled distilled;
    struct learner learner;
    struct learning learning;
    struct visits visits[ENV_AGENTS];
};

static struct schedule always(double value) { return (struct schedule){SCHEDULE_CONSTANT, value, value, 1}; }

static void create(struct bench *b, enum learner_name name, const char *map, const char *rules) {
    memset(b, 0, sizeof *b);
    world_create(&b->world, map, rules);
    setting_defaults(learning_table, learning_count, &b->learning);
    b->learning.alpha = always(0);
    b->learning.beta = always(1000);
    uint64_t rows = b->world.senses.rows.n;
    int n_actions = learner_actions(name, b->world.grid.env.n_agents, ENV_ACTIONS);
    assert_true(distilled_create(&b->distilled, rows, n_actions));
    assert_true(learner_create(&b->learner, name, &b->world.grid.env, &b->world.senses));
    b->learner.games_e = 1;
    for (int j = 0; j < b->learner.n_players; j++) {
        b->learner.distilled[j] = &b->distilled;
        assert_true(visits_create(&b->visits[j], rows, n_actions));
    }
}

static void destroy(struct bench *b) {
    for (int j = 0; j < b->learner.n_players; j++) visits_destroy(&b->visits[j]);
    learner_destroy(&b->learner);
    distilled_destroy(&b->distilled);
    world_destroy(&b->world);
}

static void prepare(struct bench *b, int64_t iteration, bool fresh) {
    distilled_prepare(&b->distilled, schedule_at(&b->learning.alpha, iteration));
    learner_prepare(&b->learner, &b->learning, iteration, fresh);
}

static void set_values(struct bench *b, int agent, uint64_t row, int best, float value) {
    float q[ENV_ACTIONS] = {0};
    q[best] = value;
    learner_set_values(&b->learner, agent, row, q);
}

/* All agents do one thing wherever they are. */
static void always_do(struct bench *b, int action) {
    for (int j = 0; j < b->learner.n_agents; j++)
        for (uint64_t row = 0; row < b->world.senses.rows.n; row++) set_values(b, j, row, action, 10);
}

static float value(const struct bench *b, int agent, uint64_t row, int action) {
    float q[ENV_ACTIONS];
    learner_values(&b->learner, agent, row, q);
    return q[action];
}

static uint64_t row_at(const struct bench *b, int cell, int previous) {
    struct env_state state = {.cell = {(uint16_t)cell}, .previous = {(uint8_t)previous}};
    return env_observe(&b->world.senses, 1, &state, 0);
}

/* Discounted visits with `gamma` as discount; the episode of the last game. */
static struct episode visit(struct bench *b, double gamma, uint32_t games) {
    int64_t *discounts = visits_discounts(gamma, b->world.grid.env.rules.step_limit);
    struct rng_key key = {.seed = 6, .phase = RNG_M_STEP};
    struct episode episode = {0};
    for (; key.game < games; key.game++) b->learner.kind->visit(&b->learner, &key, discounts, b->visits, &episode);
    free(discounts);
    return episode;
}

static struct episode learn(struct bench *b, uint32_t games) {
    struct rng_key key = {.seed = 5};
    struct episode episode = {0};
    for (; key.game < games; key.game++) b->learner.kind->learn(&b->learner, &key, &episode);
    return episode;
}

/* Counts of one row, not listed if it was not visited. */
static int64_t count_of(const struct visits *visits, uint64_t row, int action) {
    for (uint64_t i = 0; i < visits->slots.n_known; i++)
        if (visits_row(visits, i) == row) return visits_count(visits, i)[action];
    return 0;
}

/* ---- The fixed point ---- */

/* pi0 by row: whatever is wanted; 0 for actions never to be taken. */
static void prior_of(struct bench *b, bool skewed, bool with_zeros) {
    for (uint64_t row = 0; (skewed || with_zeros) && row < b->world.senses.rows.n; row++) {
        float pi0[ENV_ACTIONS], sum = 0;
        for (int a = 0; a < ENV_ACTIONS; a++) sum += pi0[a] = skewed ? 1 + (float)((row * 7 + (uint64_t)a * 3) % 5) : 1;
        if (with_zeros) sum -= pi0[ACTION_STAY], pi0[ACTION_STAY] = 0;
        for (int a = 0; a < ENV_ACTIONS; a++) pi0[a] /= sum;
        distilled_set(&b->distilled, row, pi0);
    }
}

/* V(s) = (1/beta) log sum_a pi0(a|s)^alpha exp(beta Q(s,a)) */
static double soft_value(const struct bench *b, uint64_t row, const double *q) {
    double alpha = b->learning.alpha.from, beta = b->learning.beta.from, most = -HUGE_VAL, sum = 0, x[ENV_ACTIONS];
    for (int a = 0; a < ENV_ACTIONS; a++) {
        x[a] = (alpha > 0 ? alpha * log(distilled_row(&b->distilled, row)[a]) : 0) + beta * q[a];
        most = fmax(most, x[a]);
    }
    for (int a = 0; a < ENV_ACTIONS; a++) sum += exp(x[a] - most);
    return (most + log(sum)) / beta;
}

/* The target of (cell, action), Q(s,a) = R(s,a) + gamma V(s'). */
static double target_of(const struct bench *b, int cell, int action, const double (*q)[ENV_ACTIONS], uint64_t *to) {
    struct env_state state = {.cell = {(uint16_t)cell}};
    const uint8_t actions[1] = {(uint8_t)action};
    double reward[1];
    env_grid_step(&b->world.grid, 1, &state, actions, NULL, reward);
    *to = env_observe(&b->world.senses, 1, &state, 0);
    return reward[0] + (state.finished ? 0 : b->learning.gamma * soft_value(b, *to, q[*to]));
}

static void solve(const struct bench *b, double (*q)[ENV_ACTIONS]) {
    double change = 1;
    memset(q, 0, MOST_ROWS * sizeof *q);
    for (int sweep = 0; change > 1e-10 && sweep < 100000; sweep++) {
        change = 0;
        for (int cell = 0; cell < b->world.cells.n; cell++) {
            for (int a = 0; a < ENV_ACTIONS; a++) {
                uint64_t to;
                double target = target_of(b, cell, a, (const double(*)[ENV_ACTIONS])q, &to);
                change = fmax(change, fabs(target - q[row_at(b, cell, 0)][a]));
                for (int previous = 0; previous < ENV_ACTIONS; previous++) q[row_at(b, cell, previous)][a] = target;
            }
        }
    }
    assert_true(change <= 1e-10);
}

/* The rows that the agent can come to from its start by actions that are ever taken. */
static void mark_reachable(const struct bench *b, const double (*q)[ENV_ACTIONS], int cell, int previous, bool *seen) {
    uint64_t row = row_at(b, cell, previous), to;
    if (seen[row] || cell == b->world.grid.goal[0]) return;
    seen[row] = true;
    for (int a = 0; a < ENV_ACTIONS; a++) {
        bool never = b->learning.alpha.from > 0 && distilled_row(&b->distilled, row)[a] == 0;
        if (never) continue;
        target_of(b, cell, a, q, &to);
        struct env_state state = {.cell = {(uint16_t)cell}};
        const uint8_t actions[1] = {(uint8_t)a};
        double reward[1];
        env_grid_step(&b->world.grid, 1, &state, actions, NULL, reward);
        mark_reachable(b, q, state.cell[0], a, seen);
    }
}

static double largest(const double (*q)[ENV_ACTIONS]) {
    double most = 0;
    for (int row = 0; row < MOST_ROWS; row++)
        for (int a = 0; a < ENV_ACTIONS; a++) most = fmax(most, q[row][a]);
    return most;
}

/* Values above all that can be had, so that every action is tried until it is known. */
static void hope(struct bench *b, float much) {
    const float q[ENV_ACTIONS] = {much, much, much, much, much};
    for (uint64_t row = 0; row < b->world.senses.rows.n; row++) learner_set_values(&b->learner, 0, row, q);
}

/* Every value of every row that can be reached; those of actions never taken are as they were. */
static void assert_solved(const struct bench *b, const double (*q)[ENV_ACTIONS], float hoped) {
    static bool seen[MOST_ROWS];
    int compared = 0;
    memset(seen, 0, sizeof seen);
    mark_reachable(b, q, b->world.grid.env.start.cell[0], ACTION_STAY, seen);
    for (uint64_t row = 0; row < b->world.senses.rows.n; row++) {
        for (int a = 0; seen[row] && a < ENV_ACTIONS; a++) {
            bool never = b->learning.alpha.from > 0 && distilled_row(&b->distilled, row)[a] == 0;
            if (never) {
                assert_true(value(b, 0, row, a) == hoped);
                continue;
            }
            double error = fabs(value(b, 0, row, a) - q[row][a]);
            if (error > 1e-4 * (1 + fabs(q[row][a])))
                fail_msg("row %d, action %d: learned %g, solved %g", (int)row, a, value(b, 0, row, a), q[row][a]);
            compared++;
        }
    }
    assert_true(compared > 40);
}

/* How a learner backs up, which makes no difference to what it comes to. */
struct backing_up {
    int64_t rollout, replay_games;
    int backup;
};
static const struct backing_up step_by_step = {1, 0, BACKUP_ONE_STEP};

static void learner_converges(enum learner_name name, struct backing_up how, double alpha, double beta, double gamma,
                              bool skewed, bool with_zeros) {
    static double q[MOST_ROWS][ENV_ACTIONS];
    struct bench b;
    create(&b, name, "A..\n.#.\n..a\n", "step_limit = 200\nreward_goal = 1\n");
    b.learning.alpha = always(alpha);
    b.learning.beta = always(beta);
    b.learning.gamma = gamma;
    b.learning.learning_rate = always(1);
    b.learning.learning_rate_down = name == LEARNER_hysteretic ? 0.5 : 1; /* soft ones see some actions once */
    b.learning.epsilon_start = b.learning.epsilon_end = 1;
    b.learning.rollout = how.rollout;
    b.learning.replay_games = how.replay_games;
    b.learning.backup = how.backup;
    const bool explores = name == LEARNER_q || name == LEARNER_hysteretic; /* all actions alike, not the better ones */
    const int games = explores ? GAMES / 20 : GAMES;
    prior_of(&b, skewed, with_zeros);
    prepare(&b, 0, false);
    solve(&b, q);
    float much = (float)largest((const double(*)[ENV_ACTIONS])q) + 1;
    hope(&b, much);
    learn(&b, (uint32_t)(games / (1 + how.replay_games)));
    assert_solved(&b, (const double(*)[ENV_ACTIONS])q, much);
    destroy(&b);
}

/* A team of one agent is that agent. */
static void converges(double alpha, double beta, double gamma, bool skewed, bool with_zeros) {
    const enum learner_name names[] = {LEARNER_soft_q, LEARNER_hysteretic_soft_q, LEARNER_team_soft_q,
                                       LEARNER_multiagent_soft_q};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        learner_converges(names[i], step_by_step, alpha, beta, gamma, skewed, with_zeros);
}

static void converges_without_prior(void **state) {
    (void)state;
    converges(0, 1, 0.5, false, false);
    converges(0, 3, 0.9, true, false);
    converges(0, 0.5, 0.99, false, true);
}

static void converges_with_a_uniform_prior(void **state) {
    (void)state;
    converges(1, 2, 0.95, false, false);
    converges(0.7, 0.5, 0.99, false, false);
    converges(0.5, 0.1, 0, false, false);
}

static void converges_with_other_priors(void **state) {
    (void)state;
    converges(1, 1, 0.9, true, false);
    converges(0.7, 2, 0.99, true, false);
    converges(1, 0.3, 0.8, true, true);
    converges(0.4, 1, 0.95, false, true);
}

/* Where beta is that large, V is the largest Q: what learners without a beta back up. */
static void greedy_learners_converge(void **state) {
    (void)state;
    const enum learner_name names[] = {LEARNER_q, LEARNER_hysteretic};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        learner_converges(names[i], step_by_step, 0, 1e7, 0.9, false, false);
        learner_converges(names[i], step_by_step, 0, 1e7, 0.99, false, false);
    }
}

static void rollouts_and_replay_come_to_the_same(void **state) {
    (void)state;
    const struct backing_up ways[] = {{10, 0, BACKUP_ONE_STEP}, {0, 0, BACKUP_ONE_STEP}, {3, 5, BACKUP_ONE_STEP}, {1, 0, BACKUP_N_STEP}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        learner_converges(LEARNER_soft_q, ways[i], 0.7, 2, 0.99, true, false);
        learner_converges(LEARNER_q, ways[i], 0, 1e7, 0.9, false, false);
    }
}

/* Every row of learners.def: in a chain of two cells, actions that are worth less than was hoped are given up, until the
 * way to the goal is left, valued as it is. Whoever learns nothing, plays at random. */
static void every_learner_knows_what_a_chain_is_worth(void **state) {
    (void)state;
    for (int name = 0; name < LEARNER_COUNT; name++) {
        struct bench b;
        create(&b, (enum learner_name)name, "A.a\n", "reward_step = -1\nreward_goal = 10\n");
        b.learning.gamma = 0.5;
        prepare(&b, 0, false);
        hope(&b, 20);
        learn(&b, 2000);
        const uint64_t row[2] = {row_at(&b, 0, ACTION_STAY), row_at(&b, 1, ACTION_RIGHT)};
        const double worth[2] = {-1 + 0.5 * 10, 10};
        for (int i = 0; i < 2; i++) {
            float pi[ENV_ACTIONS];
            bool learns = name != LEARNER_random;
            b.learner.kind->policy(&b.learner, 0, row[i], pi);
            assert_float_equal(value(&b, 0, row[i], ACTION_RIGHT), learns ? worth[i] : 20, 0.01);
            for (int a = 0; learns && a < ENV_ACTIONS; a++) assert_true(a == ACTION_RIGHT || pi[a] < pi[ACTION_RIGHT]);
            assert_true(learns || policy_is_uniform(ENV_ACTIONS, pi));
        }
        destroy(&b);
    }
}

/* 1 x 3, the goal on the right. With alpha = 1, pi0 uniform and gamma = 1, x = exp(beta V) solves linear equations:
 * with w = exp(beta reward_step), g = exp(beta reward_goal),
 *     x0 = (w x1 + 4 w x0) / 5,    x1 = (g + 3 w x1 + w x0) / 5 */
static void a_chain_of_two_cells_by_hand(void **state) {
    (void)state;
    const double beta = 0.5, step = -1, goal = 4, w = exp(beta * step), g = exp(beta * goal);
    const double x0_per_x1 = w / (5 - 4 * w), x1 = g / (5 - 3 * w - w * x0_per_x1), x0 = x0_per_x1 * x1;
    const double v[2] = {log(x0) / beta, log(x1) / beta};
    struct bench b;
    create(&b, LEARNER_soft_q, "A.a\n", "step_limit = 1000\nreward_goal = 4\nreward_step = -1\n");
    b.learning.alpha = always(1);
    b.learning.beta = always(beta);
    b.learning.gamma = 1;
    b.learning.learning_rate = always(1);
    prepare(&b, 0, false);
    learn(&b, 20000);
    uint64_t first = row_at(&b, 0, ACTION_STAY), second = row_at(&b, 1, ACTION_RIGHT);
    assert_float_equal(value(&b, 0, second, ACTION_RIGHT), goal, 1e-6);
    assert_float_equal(value(&b, 0, second, ACTION_UP), step + v[1], 1e-4);
    assert_float_equal(value(&b, 0, second, ACTION_LEFT), step + v[0], 1e-4);
    assert_float_equal(value(&b, 0, first, ACTION_RIGHT), step + v[1], 1e-4);
    assert_float_equal(value(&b, 0, first, ACTION_LEFT), step + v[0], 1e-4);
    float pi[ENV_ACTIONS];
    b.learner.kind->policy(&b.learner, 0, second, pi);
    assert_float_equal(pi[ACTION_RIGHT], g / 5 / x1, 1e-4);
    assert_float_equal(pi[ACTION_LEFT], w * x0 / 5 / x1, 1e-4);
    destroy(&b);
}

/* The same from whole returns, which are drawn: their means, under the policy that they lead to. */
static void returns_come_to_the_same(void **state) {
    (void)state;
    const double beta = 0.5, step = -1, goal = 4, w = exp(beta * step), g = exp(beta * goal);
    const double x0_per_x1 = w / (5 - 4 * w), x1 = g / (5 - 3 * w - w * x0_per_x1), x0 = x0_per_x1 * x1;
    const double v[2] = {log(x0) / beta, log(x1) / beta};
    for (int64_t rollout = 0; rollout < 4; rollout += 3) {
        struct bench b;
        create(&b, LEARNER_soft_q, "A.a\n", "step_limit = 1000\nreward_goal = 4\nreward_step = -1\n");
        b.learning.alpha = always(1);
        b.learning.beta = always(beta);
        b.learning.gamma = 1;
        b.learning.backup = BACKUP_N_STEP;
        b.learning.rollout = rollout;
        for (int64_t iteration = 0; iteration < 400; iteration++) {
            b.learning.learning_rate = always(0.03 / (1 + 0.2 * (double)iteration));
            prepare(&b, iteration, false);
            struct rng_key key = {.seed = 5, .iteration = (uint32_t)iteration};
            struct episode episode;
            for (; key.game < 100; key.game++) b.learner.kind->learn(&b.learner, &key, &episode);
        }
        uint64_t first = row_at(&b, 0, ACTION_STAY), second = row_at(&b, 1, ACTION_RIGHT);
        assert_float_equal(value(&b, 0, second, ACTION_RIGHT), goal, 1e-3);
        assert_float_equal(value(&b, 0, second, ACTION_UP), step + v[1], 0.15);
        assert_float_equal(value(&b, 0, first, ACTION_RIGHT), step + v[1], 0.15);
        assert_float_equal(value(&b, 0, first, ACTION_LEFT), step + v[0], 0.15);
        destroy(&b);
    }
}

static void a_step_moves_q_by_the_learning_rate(void **state) {
    (void)state;
    struct bench b;
    create(&b, LEARNER_soft_q, "Aa\n", "reward_goal = 4\n");
    b.learning.learning_rate = always(0.25);
    always_do(&b, ACTION_RIGHT);
    prepare(&b, 0, false);
    learn(&b, 1);
    assert_float_equal(value(&b, 0, row_at(&b, 0, ACTION_STAY), ACTION_RIGHT), 10 + 0.25 * (4 - 10), 1e-6);
    destroy(&b);
}

/* The third step of three looks ahead to a row that the game never acts in. */
static void the_step_limit_cuts_a_game_that_goes_on_for_the_learner(void **state) {
    (void)state;
    struct bench b;
    create(&b, LEARNER_soft_q, "A.....a\n", "step_limit = 3\nreward_step = -1\n");
    b.learning.gamma = 0.5;
    b.learning.learning_rate = always(1);
    always_do(&b, ACTION_RIGHT);
    prepare(&b, 0, false);
    struct episode episode = learn(&b, 1);
    assert_int_equal(episode.steps, 3);
    assert_int_equal(episode.length[0], 3);
    assert_int_equal(episode.finished, 0);
    assert_float_equal(episode.returns[0], -1 - 0.5 - 0.25, 1e-9);
    assert_float_equal(value(&b, 0, row_at(&b, 0, ACTION_STAY), ACTION_RIGHT), -1 + 0.5 * 10, 1e-5);
    assert_float_equal(value(&b, 0, row_at(&b, 2, ACTION_RIGHT), ACTION_RIGHT), -1 + 0.5 * 10, 1e-5);
    assert_float_equal(value(&b, 0, row_at(&b, 3, ACTION_RIGHT), ACTION_RIGHT), 10, 1e-9);
    destroy(&b);
}

/* ---- Visits ---- */

static void visits_are_counted_up_to_the_step_limit(void **state) {
    (void)state;
    for (int limit = 1; limit <= 3; limit++) {
        struct bench b;
        char rules[32];
        snprintf(rules, sizeof rules, "step_limit = %d\n", limit);
        create(&b, LEARNER_soft_q, "A.....a\n", rules);
        always_do(&b, ACTION_RIGHT);
        prepare(&b, 0, false);
        visit(&b, 0.5, 3);
        assert_int_equal(b.visits[0].slots.n_known, limit);
        for (int cell = 0; cell < limit; cell++) {
            uint64_t row = row_at(&b, cell, cell == 0 ? ACTION_STAY : ACTION_RIGHT);
            for (int a = 0; a < ENV_ACTIONS; a++)
                assert_true(count_of(&b.visits[0], row, a) == (a == ACTION_RIGHT ? INT64_C(3) << (32 - cell) : 0));
        }
        destroy(&b);
    }
}

/* Agent A arrives at once; agent B needs two steps more. */
static void a_finished_agent_neither_counts_nor_is_paid(void **state) {
    (void)state;
    struct bench b;
    create(&b, LEARNER_soft_q, "Aa..\nB..b\n", "reward_step = -1\n");
    b.learning.gamma = 0.5;
    always_do(&b, ACTION_RIGHT);
    prepare(&b, 0, false);
    struct episode episode = visit(&b, 0.5, 1);
    assert_int_equal(episode.steps, 3);
    assert_int_equal(episode.finished, 3);
    assert_true(episode.length[0] == 1 && episode.length[1] == 3);
    assert_float_equal(episode.returns[0], 100, 1e-9);
    assert_float_equal(episode.returns[1], -1 - 0.5 + 0.25 * 100, 1e-9);
    assert_int_equal(b.visits[0].slots.n_known, 1);
    assert_int_equal(b.visits[1].slots.n_known, 3);
    assert_true(visits_count(&b.visits[0], 0)[ACTION_RIGHT] == INT64_C(1) << 32);
    destroy(&b);
}

static void learns_nothing_more(int64_t rollout) {
    struct bench b;
    create(&b, LEARNER_soft_q, "Aa..\nB..b\n", "reward_step = -1\n");
    b.learning.learning_rate = always(1);
    always_do(&b, ACTION_RIGHT);
    b.learning.rollout = rollout;
    prepare(&b, 0, false);
    learn(&b, 1);
    int changed[2] = {0};
    for (int j = 0; j < 2; j++)
        for (uint64_t row = 0; row < b.world.senses.rows.n; row++)
            for (int a = 0; a < ENV_ACTIONS; a++)
                changed[j] += value(&b, j, row, a) != (a == ACTION_RIGHT ? 10 : 0);
    assert_true(changed[0] == 1 && changed[1] == 3);
    destroy(&b);
}

static void a_finished_agent_learns_nothing_more(void **state) {
    (void)state;
    for (int64_t rollout = 0; rollout < 3; rollout++) learns_nothing_more(rollout);
}

static void an_agent_cut_off_counts_all_steps(void **state) {
    (void)state;
    struct bench b;
    create(&b, LEARNER_soft_q, "Aa..\nB..b\n", "step_limit = 2\n");
    always_do(&b, ACTION_RIGHT);
    prepare(&b, 0, false);
    struct episode episode = visit(&b, 1, 1);
    assert_true(episode.steps == 2 && episode.length[1] == 2 && episode.finished == 1);
    destroy(&b);
}

/* ---- Replay: a world without chance, and Q that leaves no doubt ---- */

static int forced(uint32_t seed, int agent, uint64_t row) {
    uint64_t x = (row + 1) * UINT64_C(0x9E3779B97F4A7C15) + (uint64_t)agent * 977 + seed * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 29)) * UINT64_C(0x94D049BB133111EB);
    return (int)((x >> 33) % ENV_ACTIONS);
}

/* The game as env_grid_step plays it; counts [agent][row * ENV_ACTIONS + action], with gamma^t as visits_discounts. */
static struct episode replay(const struct bench *b, uint32_t seed, const int64_t *discounts, int64_t *const *counts) {
    const struct env_grid *grid = &b->world.grid;
    const uint32_t no_draws[ENV_AGENTS] = {0};
    struct env_state state = grid->env.start;
    struct episode out = {0};
    int n = grid->env.n_agents;
    double discount = 1;
    while (out.steps < grid->env.rules.step_limit && state.finished != (UINT32_C(1) << n) - 1) {
        uint8_t action[ENV_AGENTS] = {0};
        double reward[ENV_AGENTS];
        for (int j = 0; j < n; j++) {
            uint64_t row = env_observe(&b->world.senses, n, &state, j);
            action[j] = (uint8_t)forced(seed, j, row);
            if (state.finished >> j & 1) continue;
            counts[j][row * ENV_ACTIONS + action[j]] += discounts[out.steps];
            out.length[j]++;
        }
        env_grid_step(grid, n, &state, action, no_draws, reward);
        for (int j = 0; j < n; j++) out.returns[j] += discount * reward[j];
        out.steps++;
        discount *= b->learning.gamma;
    }
    out.finished = state.finished;
    return out;
}

static void assert_same_game(const struct episode *a, const struct episode *b, int n_agents) {
    assert_int_equal(a->steps, b->steps);
    assert_int_equal(a->finished, b->finished);
    for (int j = 0; j < n_agents; j++) {
        assert_int_equal(a->length[j], b->length[j]);
        assert_float_equal(a->returns[j], b->returns[j], 1e-9);
    }
}

static uint32_t games_agree(const char *map, uint32_t seed) {
    struct bench b;
    create(&b, LEARNER_soft_q, map, "step_limit = 60\ncontested = last\n");
    uint64_t rows = b.world.senses.rows.n;
    int n = b.learner.n_agents;
    int64_t *counts[ENV_AGENTS] = {0}, *discounts = visits_discounts(b.learning.gamma, 60);
    b.learning.learning_rate = always(0);
    for (int j = 0; j < n; j++) {
        counts[j] = calloc(rows * ENV_ACTIONS, sizeof *counts[j]);
        for (uint64_t row = 0; row < rows; row++) set_values(&b, j, row, forced(seed, j, row), 10);
    }
    prepare(&b, 0, false);
    struct episode expected = replay(&b, seed, discounts, counts);
    struct episode seen = visit(&b, b.learning.gamma, 1), learned = learn(&b, 1);
    assert_same_game(&seen, &expected, n);
    assert_same_game(&learned, &expected, n);
    for (int j = 0; j < n; j++) {
        int64_t sum = 0, sum_seen = 0;
        for (uint64_t i = 0; i < rows * ENV_ACTIONS; i++) sum += counts[j][i];
        for (uint64_t i = 0; i < b.visits[j].slots.n_known; i++) {
            for (int a = 0; a < ENV_ACTIONS; a++) {
                int64_t count = visits_count(&b.visits[j], i)[a];
                assert_true(count == counts[j][visits_row(&b.visits[j], i) * ENV_ACTIONS + (uint64_t)a]);
                sum_seen += count;
            }
        }
        assert_true(sum == sum_seen);
        free(counts[j]);
    }
    free(discounts);
    destroy(&b);
    return expected.finished;
}

static void games_agree_with_their_replay(void **state) {
    (void)state;
    uint32_t finished = 0;
    for (uint32_t seed = 0; seed < 30; seed++) {
        finished |= games_agree("A.a\n", seed);
        finished |= games_agree("Aa..\n.B.b\n", seed);
        finished |= games_agree("A.B\nb#.\n.aC\nc..\n", seed);
    }
    assert_true(finished != 0);
}

/* ---- Keys, iterations, measures ---- */

static void the_same_key_plays_the_same_game(void **state) {
    (void)state;
    for (int name = 0; name < LEARNER_COUNT; name++) {
        struct bench b[2];
        struct episode episode[2];
        for (int i = 0; i < 2; i++) {
            create(&b[i], (enum learner_name)name, "A.B\n...\nb.a\n", "step_limit = 50\n");
            b[i].learning.beta = always(2);
            prepare(&b[i], 0, false);
            episode[i] = learn(&b[i], 20);
        }
        assert_memory_equal(&episode[0], &episode[1], sizeof episode[0]);
        for (int j = 0; j < b[0].learner.n_players; j++) {
            for (uint64_t row = 0; row < b[0].world.senses.rows.n; row++) {
                float q[2][POLICY_MOST] = {{0}};
                for (int i = 0; i < 2; i++) learner_values(&b[i].learner, j, row, q[i]);
                assert_memory_equal(q[0], q[1], sizeof q[0]);
            }
        }
        destroy(&b[0]);
        destroy(&b[1]);
    }
}

static void any_part_of_the_key_makes_another_game(void **state) {
    (void)state;
    const struct rng_key keys[] = {{0}, {.seed = 1}, {.replica = 1},  {.task = 1},
                                   {.iteration = 1}, {.game = 1}, {.phase = RNG_M_STEP}};
    enum { KEYS = sizeof keys / sizeof *keys };
    struct bench b;
    double returns[KEYS];
    create(&b, LEARNER_random, "A........\n.........\n........a\n", "");
    prepare(&b, 0, false);
    for (int i = 0; i < KEYS; i++) {
        struct episode episode;
        b.learner.kind->learn(&b.learner, &keys[i], &episode);
        returns[i] = episode.returns[0];
        for (int k = 0; k < i; k++) assert_true(returns[i] != returns[k]);
    }
    destroy(&b);
}

/* The M-step changes no value. */
static void playing_is_not_learning(void **state) {
    (void)state;
    struct bench b;
    create(&b, LEARNER_soft_q, "A.B\n...\nb.a\n", "step_limit = 50\n");
    b.learning.beta = always(2);
    prepare(&b, 0, false);
    learn(&b, 10);
    double before = 0, after = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (uint64_t row = 0; row < b.world.senses.rows.n; row++)
            for (int a = 0; a < ENV_ACTIONS; a++)
                *(pass ? &after : &before) += value(&b, 0, row, a) * (double)(row + 1);
        visit(&b, 0.9, 10);
    }
    assert_true(before != 0 && before == after);
    destroy(&b);
}

static void assert_same_learned(const struct bench *a, const struct bench *b) {
    size_t bytes = (size_t)a->learner.n_actions * sizeof(float);
    for (int p = 0; p < a->learner.n_players; p++)
        for (uint64_t row = 0; row < a->world.senses.rows.n; row++) {
            float x[POLICY_MOST], y[POLICY_MOST];
            learner_values(&a->learner, p, row, x);
            learner_values(&b->learner, p, row, y);
            assert_memory_equal(x, y, bytes);
        }
}

/* Every kind of learner: an iteration that forgets the one before goes as if there had been none. */
static void forgetting_is_beginning_anew(void **state) {
    (void)state;
    for (int name = 0; name < LEARNER_COUNT; name++) {
        struct bench old, new;
        create(&old, (enum learner_name)name, "A.b\nB.a\n", "step_limit = 50\n");
        create(&new, (enum learner_name)name, "A.b\nB.a\n", "step_limit = 50\n");
        prepare(&old, 0, true);
        learn(&old, 20);
        prepare(&old, 1, true);
        prepare(&new, 1, true);
        assert_same_learned(&old, &new);
        learn(&old, 3);
        learn(&new, 3);
        assert_same_learned(&old, &new);
        destroy(&old);
        destroy(&new);
    }
}

static void fresh_values_are_zero_in_each_iteration(void **state) {
    (void)state;
    for (int fresh = 0; fresh < 2; fresh++) {
        struct bench b;
        create(&b, LEARNER_soft_q, "Aa\n", "reward_goal = 4\n");
        b.learning.learning_rate = always(0.5);
        b.learning.alpha = always(1);
        b.learning.beta = always(0.001);
        prepare(&b, 0, fresh);
        uint64_t row = row_at(&b, 0, ACTION_STAY);
        learn(&b, 200);
        float first = value(&b, 0, row, ACTION_RIGHT);
        assert_float_equal(first, 4, 0.1);
        prepare(&b, 1, fresh);
        assert_float_equal(value(&b, 0, row, ACTION_RIGHT), fresh ? 0 : first, 1e-9);
        visit(&b, 0.9, 1);
        assert_float_equal(value(&b, 0, row, ACTION_RIGHT), fresh ? 0 : first, 1e-9);
        destroy(&b);
    }
}

/* A prior of zeros is kept to the last bit: the action is never taken. */
static void actions_of_prior_0_are_never_taken(void **state) {
    (void)state;
    for (int never = 0; never < ENV_ACTIONS; never++) {
        struct bench b;
        float pi0[ENV_ACTIONS];
        create(&b, LEARNER_soft_q, "A....\n.....\n....a\n", "step_limit = 200\n");
        b.learning.alpha = always(0.5);
        b.learning.beta = always(0.01);
        for (int a = 0; a < ENV_ACTIONS; a++) pi0[a] = a == never ? 0 : 0.25f;
        for (uint64_t row = 0; row < b.world.senses.rows.n; row++) distilled_set(&b.distilled, row, pi0);
        prepare(&b, 0, false);
        learn(&b, 100);
        visit(&b, 1, 200);
        for (uint64_t i = 0; i < b.visits[0].slots.n_known; i++) assert_true(visits_count(&b.visits[0], i)[never] == 0);
        destroy(&b);
    }
}

/* The choices of one row over many games: each within five standard errors of its probability. */
static void actions_are_as_frequent_as_they_are_probable(void **state) {
    (void)state;
    const float q[ENV_ACTIONS] = {0, 0.5f, 1, -1, 0.25f}, pi0[ENV_ACTIONS] = {0.1f, 0.2f, 0.3f, 0.35f, 0.05f};
    struct bench b;
    float pi[ENV_ACTIONS];
    create(&b, LEARNER_soft_q, "A.a\n", "step_limit = 1\n");
    b.learning.alpha = always(0.5);
    b.learning.beta = always(2);
    uint64_t row = row_at(&b, 0, ACTION_STAY);
    distilled_set(&b.distilled, row, pi0);
    learner_set_values(&b.learner, 0, row, q);
    prepare(&b, 0, false);
    visit(&b, 1, GAMES);
    b.learner.kind->policy(&b.learner, 0, row, pi);
    for (int a = 0; a < ENV_ACTIONS; a++) {
        double expected = sqrt(pi0[a]) * exp(2 * q[a]), sum = 0;
        for (int k = 0; k < ENV_ACTIONS; k++) sum += sqrt(pi0[k]) * exp(2 * q[k]);
        expected /= sum;
        double seen = (double)count_of(&b.visits[0], row, a) / VISITS_UNIT / GAMES;
        assert_float_equal(pi[a], expected, 1e-6);
        assert_float_equal(seen, expected, 5 * sqrt(expected * (1 - expected) / GAMES));
    }
    destroy(&b);
}

/* Two rows with weights 3 and 1: one uniform of five, one of e : 1 : 1 : 1 : 1. */
static void measures_by_hand(void **state) {
    (void)state;
    struct bench b;
    double entropy, divergence;
    create(&b, LEARNER_soft_q, "A.a\n", "");
    b.learning.beta = always(1);
    const float pi0[ENV_ACTIONS] = {0.5f, 0.125f, 0.125f, 0.125f, 0.125f};
    distilled_set(&b.distilled, 1, pi0);
    set_values(&b, 0, 2, ACTION_UP, 1);
    prepare(&b, 0, false);
    learner_measure(&b.learner, 0, &b.visits[0], &entropy, &divergence);
    assert_true(isnan(entropy) && isnan(divergence));
    visits_at(&b.visits[0], 1)[4] += INT64_C(1) << 32;
    visits_at(&b.visits[0], 1)[0] += INT64_C(2) << 32;
    visits_at(&b.visits[0], 2)[3] += INT64_C(1) << 32;
    learner_measure(&b.learner, 0, &b.visits[0], &entropy, &divergence);
    double e = exp(1), p = e / (e + 4), r = 1 / (e + 4), second = -p * log(p) - 4 * r * log(r);
    double first_divergence = 0.2 * log(0.2 / 0.5) + 0.8 * log(0.2 / 0.125), second_divergence = log(5) - second;
    assert_float_equal(entropy, (3 * log(5) + second) / 4, 1e-6);
    assert_float_equal(divergence, (3 * first_divergence + second_divergence) / 4, 1e-6);
    destroy(&b);
}

static void the_policy_falls_with_its_row_unreached(void **state) {
    (void)state;
    struct bench b;
    float pi[ENV_ACTIONS], q[ENV_ACTIONS];
    create(&b, LEARNER_soft_q, "A.a\n", "");
    b.learning.alpha = always(1);
    const float pi0[ENV_ACTIONS] = {0.5f, 0.125f, 0.125f, 0.125f, 0.125f};
    distilled_set(&b.distilled, 3, pi0);
    prepare(&b, 0, false);
    b.learner.kind->policy(&b.learner, 0, 3, pi);
    learner_values(&b.learner, 0, 3, q);
    for (int a = 0; a < ENV_ACTIONS; a++) {
        assert_float_equal(pi[a], pi0[a], 1e-6);
        assert_true(q[a] == 0);
    }
    b.learner.kind->policy(&b.learner, 0, 4, pi);
    for (int a = 0; a < ENV_ACTIONS; a++) assert_float_equal(pi[a], 0.2, 1e-6);
    destroy(&b);
}

/* ---- Q-learning, the baseline ---- */

static void q_learning_finds_the_optimum(void **state) {
    (void)state;
    struct bench b;
    create(&b, LEARNER_q, "A.a\n", "reward_step = -1\nreward_goal = 10\n");
    b.learning.gamma = 0.5;
    b.learning.learning_rate = always(1);
    b.learning.epsilon_start = b.learning.epsilon_end = 1;
    prepare(&b, 0, false);
    learn(&b, 500);
    assert_float_equal(value(&b, 0, row_at(&b, 1, ACTION_RIGHT), ACTION_RIGHT), 10, 1e-6);
    assert_float_equal(value(&b, 0, row_at(&b, 0, ACTION_STAY), ACTION_RIGHT), -1 + 0.5 * 10, 1e-6);
    assert_float_equal(value(&b, 0, row_at(&b, 0, ACTION_STAY), ACTION_UP), -1 + 0.5 * 4, 1e-6);
    destroy(&b);
}

/* The greedy action is the first, ACTION_STAY; the others come by exploration alone. */
static void exploration_is_spread_evenly(void **state) {
    (void)state;
    const double epsilons[] = {1, 0.84, 0.76, 0.5, 0.26, 0.1, 0.01, 0};
    for (size_t i = 0; i < sizeof epsilons / sizeof *epsilons; i++) {
        struct bench b;
        create(&b, LEARNER_q, "A.a\n", "step_limit = 1\n");
        b.learning.epsilon_end = epsilons[i];
        prepare(&b, 0, false);
        visit(&b, 1, GAMES);
        for (int a = 0; a < ENV_ACTIONS; a++) {
            double expected = epsilons[i] / ENV_ACTIONS + (a == ACTION_STAY ? 1 - epsilons[i] : 0);
            double seen = (double)count_of(&b.visits[0], row_at(&b, 0, ACTION_STAY), a) / VISITS_UNIT / GAMES;
            assert_float_equal(seen, expected, 5 * sqrt(expected * (1 - expected) / GAMES) + 1e-9);
        }
        destroy(&b);
    }
}

/* ---- Backups of several steps: one game along a corridor of four steps ---- */

static void one_game_leaves(int64_t rollout, int backup, int64_t replay_games, double rate, const double q[4]) {
    struct bench b;
    create(&b, LEARNER_q, "A...a\n", "reward_step = -1\n");
    b.learning.gamma = 0.5;
    b.learning.epsilon_start = b.learning.epsilon_end = 0;
    b.learning.learning_rate = always(rate);
    b.learning.rollout = rollout;
    b.learning.backup = backup;
    b.learning.replay_games = replay_games;
    always_do(&b, ACTION_RIGHT);
    prepare(&b, 0, false);
    assert_int_equal(learn(&b, 1).steps, 4);
    for (int cell = 0; cell < 4; cell++)
        assert_float_equal(value(&b, 0, row_at(&b, cell, cell == 0 ? ACTION_STAY : ACTION_RIGHT), ACTION_RIGHT), q[cell], 1e-5);
    destroy(&b);
}

static void a_rollout_is_backed_up_from_its_end(void **state) {
    (void)state;
    one_game_leaves(1, BACKUP_ONE_STEP, 0, 1, (const double[]){4, 4, 4, 100});
    one_game_leaves(2, BACKUP_ONE_STEP, 0, 1, (const double[]){1, 4, 49, 100});
    one_game_leaves(3, BACKUP_ONE_STEP, 0, 1, (const double[]){-0.5, 1, 4, 100});
    one_game_leaves(0, BACKUP_ONE_STEP, 0, 1, (const double[]){10.75, 23.5, 49, 100});
    one_game_leaves(2, BACKUP_ONE_STEP, 0, 0.5, (const double[]){6.25, 7, 18.25, 55});
}

static void n_step_returns_pass_the_values_between(void **state) {
    (void)state;
    one_game_leaves(2, BACKUP_N_STEP, 0, 0.5, (const double[]){5.5, 7, 29.5, 55});
    one_game_leaves(0, BACKUP_N_STEP, 0, 0.5, (const double[]){10.375, 16.75, 29.5, 55});
    one_game_leaves(1, BACKUP_N_STEP, 0, 1, (const double[]){4, 4, 4, 100});
}

static struct episode random_game(int64_t rollout, int backup, int64_t replay_games) {
    struct bench b;
    create(&b, LEARNER_random, "A.b\n.#.\na.B\n", "reward_step = -1\n");
    b.learning.rollout = rollout;
    b.learning.backup = backup;
    b.learning.replay_games = replay_games;
    prepare(&b, 0, false);
    struct episode episode = learn(&b, 3);
    destroy(&b);
    return episode;
}

static void random_games_are_the_same_however_they_are_recorded(void **state) {
    (void)state;
    struct episode plain = random_game(1, BACKUP_ONE_STEP, 0), recorded = random_game(3, BACKUP_N_STEP, 2);
    assert_int_equal(recorded.steps, plain.steps);
    for (int j = 0; j < 2; j++) assert_true(recorded.returns[j] == plain.returns[j]);
}

/* A return of soft learners holds what entropy is worth at each step behind the first, V(s) - Q(s,a), from before the row is
 * backed up: with Q = 10 for the way right and 0 for all else, 1/beta log(1 + 4 exp(-10 beta)). */
static void soft_returns_pass_entropy_and_rewards(void **state) {
    (void)state;
    const double beta = 0.5, rate = 0.5, entropy = log(1 + 4 * exp(-10 * beta)) / beta;
    struct bench b;
    create(&b, LEARNER_soft_q, "A...a\n", "reward_step = -1\n");
    b.learning.alpha = always(0);
    b.learning.beta = always(beta);
    b.learning.gamma = 0.5;
    b.learning.learning_rate = always(rate);
    b.learning.rollout = 0;
    b.learning.backup = BACKUP_N_STEP;
    always_do(&b, ACTION_RIGHT);
    prepare(&b, 0, false);
    assert_int_equal(learn(&b, 1).steps, 4);
    double target = 100;
    for (int cell = 3; cell >= 0; cell--) {
        uint64_t row = row_at(&b, cell, cell == 0 ? ACTION_STAY : ACTION_RIGHT);
        assert_float_equal(value(&b, 0, row, ACTION_RIGHT), 10 + rate * (target - 10), 1e-4);
        target = -1 + 0.5 * (target + entropy);
    }
    destroy(&b);
}

static void games_are_replayed_backwards(void **state) {
    (void)state;
    one_game_leaves(1, BACKUP_ONE_STEP, 1, 1, (const double[]){10.75, 23.5, 49, 100});
    one_game_leaves(1, BACKUP_ONE_STEP, 7, 1, (const double[]){10.75, 23.5, 49, 100});
}

/* Games of one step: each backup halves the way of Q to the goal's reward. */
static void as_many_games_are_replayed_as_wanted(void **state) {
    (void)state;
    for (int64_t sweeps = 1; sweeps < 4; sweeps++) {
        for (int64_t games = 1; games < 4; games++) {
            struct bench b;
            double expected = 10;
            create(&b, LEARNER_q, "Aa\n", "reward_goal = 4\n");
            b.learning.epsilon_start = b.learning.epsilon_end = 0;
            b.learning.learning_rate = always(0.5);
            b.learning.replay_games = games;
            b.learning.replay_sweeps = sweeps;
            always_do(&b, ACTION_RIGHT);
            prepare(&b, 0, false);
            learn(&b, 2);
            int64_t backups = 1 + sweeps + 1 + sweeps * (games > 1 ? 2 : 1);
            for (int64_t i = 0; i < backups; i++) expected += 0.5 * (4 - expected);
            assert_float_equal(value(&b, 0, row_at(&b, 0, ACTION_STAY), ACTION_RIGHT), expected, 1e-5);
            prepare(&b, 1, false); /* another E-step: its games alone */
            learn(&b, 1);
            for (int64_t i = 0; i < 1 + sweeps; i++) expected += 0.5 * (4 - expected);
            assert_float_equal(value(&b, 0, row_at(&b, 0, ACTION_STAY), ACTION_RIGHT), expected, 1e-5);
            destroy(&b);
        }
    }
}

static void bad_news_has_a_learning_rate_of_its_own(void **state) {
    (void)state;
    const enum learner_name names[] = {LEARNER_hysteretic, LEARNER_hysteretic_soft_q};
    const struct {
        const char *goal;
        double q;
    } cases[] = {{"reward_goal = 4\n", 10 + 0.1 * (4 - 10)}, {"reward_goal = 20\n", 10 + 0.5 * (20 - 10)}};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        struct bench b;
        create(&b, names[i % 2], "Aa\n", cases[i / 2].goal);
        b.learning.epsilon_start = b.learning.epsilon_end = 0;
        b.learning.learning_rate = always(0.5);
        b.learning.learning_rate_down = 0.1;
        always_do(&b, ACTION_RIGHT);
        prepare(&b, 0, false);
        learn(&b, 1);
        assert_float_equal(value(&b, 0, row_at(&b, 0, ACTION_STAY), ACTION_RIGHT), cases[i / 2].q, 1e-5);
        destroy(&b);
    }
}

/* ---- Joint actions: A arrives at once, B needs two steps more ---- */

enum { JOINT = ENV_ACTIONS * ENV_ACTIONS, BOTH_RIGHT = ACTION_RIGHT * ENV_ACTIONS + ACTION_RIGHT };

static void play_right(struct bench *b, enum learner_name name) {
    create(b, name, "Aa..\nB..b\n", "reward_step = -1\n");
    b->learning.gamma = 0.5;
    b->learning.learning_rate = always(1);
    float q[JOINT] = {[BOTH_RIGHT] = 10};
    for (int p = 0; p < b->learner.n_players; p++)
        for (uint64_t row = 0; row < b->world.senses.rows.n; row++) learner_set_values(&b->learner, p, row, q);
    prepare(b, 0, false);
}

static uint64_t seen_by(const struct bench *b, int agent, int cell_a, int cell_b, int previous, uint32_t finished) {
    struct env_state state = {.cell = {(uint16_t)cell_a, (uint16_t)cell_b}, .finished = finished};
    state.previous[agent] = (uint8_t)previous;
    return env_observe(&b->world.senses, 2, &state, agent);
}

/* With gamma = 1/2: 100 - 1 + 10/2, then -1 + 10/2, then 100; behind A's end its part of a joint action is no matter. */
static void a_team_is_paid_together(void **state) {
    (void)state;
    for (int each = 0; each < 2; each++) {
        struct bench b;
        play_right(&b, each ? LEARNER_multiagent_soft_q : LEARNER_team_soft_q);
        struct episode episode = learn(&b, 1);
        assert_int_equal(b.learner.n_players, each ? 2 : 1);
        assert_true(episode.steps == 3 && episode.length[0] == 1 && episode.length[1] == 3);
        for (int p = 0; p < b.learner.n_players; p++) {
            float first[JOINT], second[JOINT], third[JOINT];
            learner_values(&b.learner, p, seen_by(&b, p, 0, 4, ACTION_STAY, 0), first);
            learner_values(&b.learner, p, seen_by(&b, p, 1, 5, ACTION_RIGHT, 1), second);
            learner_values(&b.learner, p, seen_by(&b, p, 1, 6, p == 0 ? ACTION_STAY : ACTION_RIGHT, 1), third);
            for (int a = 0; a < JOINT; a++) {
                int part_of_b = p == 0 ? a % ENV_ACTIONS : a / ENV_ACTIONS;
                assert_float_equal(first[a], a == BOTH_RIGHT ? 104 : 0, 1e-4);
                assert_float_equal(second[a], part_of_b == ACTION_RIGHT ? 4 : 0, 1e-4);
                assert_float_equal(third[a], part_of_b == ACTION_RIGHT ? 100 : 0, 1e-4);
            }
        }
        destroy(&b);
    }
}

static void a_team_counts_until_all_have_finished(void **state) {
    (void)state;
    for (int each = 0; each < 2; each++) {
        struct bench b;
        play_right(&b, each ? LEARNER_multiagent_soft_q : LEARNER_team_soft_q);
        visit(&b, 0.5, 1);
        for (int p = 0; p < b.learner.n_players; p++) {
            assert_int_equal(b.visits[p].slots.n_known, 3);
            uint64_t third = seen_by(&b, p, 1, 6, p == 0 ? ACTION_STAY : ACTION_RIGHT, 1);
            assert_true(count_of(&b.visits[p], third, BOTH_RIGHT) == INT64_C(1) << 30);
        }
        destroy(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(converges_without_prior),
        cmocka_unit_test(converges_with_a_uniform_prior),
        cmocka_unit_test(converges_with_other_priors),
        cmocka_unit_test(greedy_learners_converge),
        cmocka_unit_test(rollouts_and_replay_come_to_the_same),
        cmocka_unit_test(every_learner_knows_what_a_chain_is_worth),
        cmocka_unit_test(a_chain_of_two_cells_by_hand),
        cmocka_unit_test(a_step_moves_q_by_the_learning_rate),
        cmocka_unit_test(the_step_limit_cuts_a_game_that_goes_on_for_the_learner),
        cmocka_unit_test(visits_are_counted_up_to_the_step_limit),
        cmocka_unit_test(a_finished_agent_neither_counts_nor_is_paid),
        cmocka_unit_test(a_finished_agent_learns_nothing_more),
        cmocka_unit_test(an_agent_cut_off_counts_all_steps),
        cmocka_unit_test(games_agree_with_their_replay),
        cmocka_unit_test(the_same_key_plays_the_same_game),
        cmocka_unit_test(any_part_of_the_key_makes_another_game),
        cmocka_unit_test(playing_is_not_learning),
        cmocka_unit_test(forgetting_is_beginning_anew),
        cmocka_unit_test(fresh_values_are_zero_in_each_iteration),
        cmocka_unit_test(actions_of_prior_0_are_never_taken),
        cmocka_unit_test(actions_are_as_frequent_as_they_are_probable),
        cmocka_unit_test(measures_by_hand),
        cmocka_unit_test(the_policy_falls_with_its_row_unreached),
        cmocka_unit_test(q_learning_finds_the_optimum),
        cmocka_unit_test(exploration_is_spread_evenly),
        cmocka_unit_test(a_rollout_is_backed_up_from_its_end),
        cmocka_unit_test(n_step_returns_pass_the_values_between),
        cmocka_unit_test(random_games_are_the_same_however_they_are_recorded),
        cmocka_unit_test(soft_returns_pass_entropy_and_rewards),
        cmocka_unit_test(returns_come_to_the_same),
        cmocka_unit_test(games_are_replayed_backwards),
        cmocka_unit_test(as_many_games_are_replayed_as_wanted),
        cmocka_unit_test(bad_news_has_a_learning_rate_of_its_own),
        cmocka_unit_test(a_team_is_paid_together),
        cmocka_unit_test(a_team_counts_until_all_have_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
