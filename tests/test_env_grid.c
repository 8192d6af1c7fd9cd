/* world/env_grid: the rules of moving. Most tests draw the map, let the agents move, and draw what must come out. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/world/env_grid.h"

/* ---- One game on a drawn map ---- */

struct game {
    struct task task;
    struct cells cells;
    struct env_grid grid;
    struct env_state state;
    double reward[ENV_AGENTS];
};

static const uint32_t lowest = 0, highest = UINT32_MAX; /* draws for the first and the last of the contenders */

static struct rules rules_with(enum contested contested) {
    struct rules rules;
    setting_defaults(rules_table, rules_count, &rules);
    rules.contested = contested;
    return rules;
}

static void start(struct game *game, enum contested contested) {
    struct rules rules = rules_with(contested);
    struct fault why;
    if (!cells_create(&game->cells, &game->task, 1, &why)) fail_msg("%s", why.text);
    env_grid_create(&game->grid, &game->task, &rules, &game->cells);
    game->state = game->grid.env.start;
}

static void open_contested(struct game *game, enum contested contested, const char *text) {
    struct fault why;
    if (!task_parse(&game->task, "test.task", "test", text, &why)) fail_msg("%s", why.text);
    start(game, contested);
}

static void open_game(struct game *game, const char *text) { open_contested(game, CONTESTED_NONE, text); }

static void open_data(struct game *game, enum contested contested, const char *name) {
    const char *end = strstr(__FILE__, "/tests/test_env_grid.c");
    char path[512];
    struct fault why;
    snprintf(path, sizeof path, "%.*s/data/%s", end ? (int)(end - __FILE__) : 1, end ? __FILE__ : ".", name);
    if (!task_read(&game->task, path, &why)) fail_msg("%s", why.text);
    start(game, contested);
}

static void close_game(struct game *game) {
    env_grid_destroy(&game->grid);
    cells_destroy(&game->cells);
    task_destroy(&game->task);
}

/* The number of agents as a constant, as in the loops of training. */
static void step(struct game *game, const uint8_t *action, const uint32_t *contest) {
    const struct env_grid *grid = &game->grid;
    struct env_state *state = &game->state;
    switch (grid->env.n_agents) {
    case 1: env_grid_step(grid, 1, state, action, contest, game->reward); return;
    case 2: env_grid_step(grid, 2, state, action, contest, game->reward); return;
    case 3: env_grid_step(grid, 3, state, action, contest, game->reward); return;
    case 4: env_grid_step(grid, 4, state, action, contest, game->reward); return;
    case 5: env_grid_step(grid, 5, state, action, contest, game->reward); return;
    case 8: env_grid_step(grid, 8, state, action, contest, game->reward); return;
    default: fail_msg("%d agents, which no test expects", grid->env.n_agents);
    }
}

static uint8_t action_of(char letter) {
    static const char letters[] = "SDULR"; /* in the order of the actions */
    const char *found = strchr(letters, letter);
    assert_non_null(found);
    return (uint8_t)(found - letters);
}

/* One letter per agent: S stay, D down, U up, L left, R right. */
static void play_with(struct game *game, const char *moves, const uint32_t *contest) {
    uint8_t action[ENV_AGENTS] = {0};
    assert_int_equal(strlen(moves), game->grid.env.n_agents);
    for (int j = 0; moves[j]; j++) action[j] = action_of(moves[j]);
    step(game, action, contest);
}

static void play(struct game *game, const char *moves) {
    play_with(game, moves, (uint32_t[ENV_AGENTS / 2]){lowest, lowest, lowest, lowest});
}

/* Walls, free cells and agents, without the goals. */
static void assert_picture(const struct game *game, const char *expected) {
    char picture[1024], *end = picture;
    for (int row = 0; row < game->task.rows; row++) {
        for (int column = 0; column < game->task.columns; column++, end++) {
            int number = game->cells.number[row * game->cells.columns + column];
            *end = number < 0 ? '#' : '.';
            for (int j = 0; j < game->task.n_agents; j++)
                if (game->state.cell[j] == number) *end = (char)('A' + j);
        }
        *end++ = '\n';
    }
    *end = '\0';
    assert_string_equal(picture, expected);
}

static void assert_rewards(const struct game *game, const double *expected) {
    for (int j = 0; j < game->grid.env.n_agents; j++) assert_true(game->reward[j] == expected[j]);
}

/* ---- Start ---- */

static void a_game_starts_as_drawn(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "map:\n#A.b\na..B\n");
    assert_picture(&game, "#A..\n...B\n");
    assert_int_equal(game.grid.env.n_agents, 2);
    assert_int_equal(game.state.finished, 0);
    for (int j = 0; j < 2; j++) assert_int_equal(game.state.previous[j], ACTION_STAY);
    close_game(&game);
}

static void rules_of_the_task_hold_over_the_runs(void **unused) {
    (void)unused;
    struct game game;
    open_contested(&game, CONTESTED_LAST, "contested = none\nreward_step = -3\nreward_goal = 7\nmap:\nA.B\na.b\n");
    play(&game, "RL");
    assert_picture(&game, "A.B\n...\n");
    assert_rewards(&game, (double[]){-3, -3});
    play(&game, "DD");
    assert_rewards(&game, (double[]){7, 7});
    close_game(&game);
}

/* ---- One agent ---- */

static void an_agent_moves_one_cell_each_way(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "map:\n...a\n.A..\n....\n");
    play(&game, "D");
    assert_picture(&game, "....\n....\n.A..\n");
    play(&game, "R");
    assert_picture(&game, "....\n....\n..A.\n");
    play(&game, "U");
    assert_picture(&game, "....\n..A.\n....\n");
    play(&game, "L");
    assert_picture(&game, "....\n.A..\n....\n");
    play(&game, "S");
    assert_picture(&game, "....\n.A..\n....\n");
    close_game(&game);
}

static void walls_refuse_a_move(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "goal_a = 2 3\nmap:\n.#..\n#A#.\n....\n");
    for (const char *move = "ULR"; *move; move++) {
        play(&game, (char[]){*move, '\0'});
        assert_picture(&game, ".#..\n#A#.\n....\n");
        assert_rewards(&game, (double[]){-0.1});
    }
    close_game(&game);
}

static void the_edge_of_the_map_refuses_a_move(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "map:\nA.\n.a\n");
    play(&game, "U");
    assert_picture(&game, "A.\n..\n");
    play(&game, "L");
    assert_picture(&game, "A.\n..\n");
    play(&game, "R");
    play(&game, "R");
    assert_picture(&game, ".A\n..\n");
    close_game(&game);
    open_game(&game, "map:\na.\nA.\n");
    play(&game, "D");
    play(&game, "L");
    assert_picture(&game, "..\nA.\n");
    close_game(&game);
}

static void a_map_keeps_its_edge_beside_a_larger_one(void **unused) {
    (void)unused;
    struct task tasks[2];
    struct cells cells;
    struct env_grid grid;
    struct rules rules = rules_with(CONTESTED_NONE);
    struct fault why;
    assert_true(task_parse(&tasks[0], "test.task", "small", "map:\naA\n", &why));
    assert_true(task_parse(&tasks[1], "test.task", "large", "map:\nA..a\n....\n", &why));
    assert_true(cells_create(&cells, tasks, 2, &why));
    env_grid_create(&grid, &tasks[0], &rules, &cells);
    assert_int_equal(grid.env.start.cell[0], 1);
    const uint16_t *move = &grid.move[1 * GRID_STRIDE];
    assert_int_equal(move[ACTION_RIGHT], 1);
    assert_int_equal(move[ACTION_DOWN], 1);
    assert_int_equal(move[ACTION_LEFT], 0);
    env_grid_destroy(&grid);
    cells_destroy(&cells);
    for (int i = 0; i < 2; i++) task_destroy(&tasks[i]);
}

static void a_wall_that_another_task_has_free_refuses_a_move(void **unused) {
    (void)unused;
    struct task tasks[2];
    struct cells cells;
    struct env_grid grid;
    struct rules rules = rules_with(CONTESTED_NONE);
    struct fault why;
    assert_true(task_parse(&tasks[0], "test.task", "walled", "map:\nA#\na#\n", &why));
    assert_true(task_parse(&tasks[1], "test.task", "open", "map:\nA.\n.a\n", &why));
    assert_true(cells_create(&cells, tasks, 2, &why));
    env_grid_create(&grid, &tasks[0], &rules, &cells);
    assert_int_equal(grid.move[0 * GRID_STRIDE + ACTION_RIGHT], 0);
    assert_int_equal(grid.move[0 * GRID_STRIDE + ACTION_DOWN], 2);
    env_grid_destroy(&grid);
    cells_destroy(&cells);
    for (int i = 0; i < 2; i++) task_destroy(&tasks[i]);
}

/* ---- In each other's way ---- */

static void a_cell_that_is_occupied_refuses_a_move(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "map:\nAB.\na.b\n");
    play(&game, "RS");
    assert_picture(&game, "AB.\n...\n");
    assert_rewards(&game, (double[]){-0.1, -0.1});
    close_game(&game);
}

static void swapping_is_refused(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "map:\nAB.\na.b\n");
    play(&game, "RL");
    assert_picture(&game, "AB.\n...\n");
    close_game(&game);
}

static void following_into_a_vacated_cell_is_refused(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "map:\nAB..\na..b\n");
    play(&game, "RR");
    assert_picture(&game, "A.B.\n....\n");
    play(&game, "RR");
    assert_picture(&game, ".A.B\n....\n");
    close_game(&game);
}

static void the_higher_agent_may_not_follow_either(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "map:\nBA..\nb..a\n");
    play(&game, "RR");
    assert_picture(&game, "B.A.\n....\n");
    close_game(&game);
}

static void going_round_in_a_ring_is_refused(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "map:\nAB..\nDC..\nabcd\n");
    play(&game, "RDLU");
    assert_picture(&game, "AB..\nDC..\n....\n");
    close_game(&game);
}

static void of_three_in_a_row_only_the_foremost_moves(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "map:\nABC..\na.b.c\n");
    play(&game, "RRR");
    assert_picture(&game, "AB.C.\n.....\n");
    close_game(&game);
}

static void moves_that_meet_nobody_are_independent(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "map:\nA.a\n...\nB.b\n");
    play(&game, "DR");
    assert_picture(&game, "...\nA..\n.B.\n");
    close_game(&game);
}

/* ---- Contested cells ---- */

static const char two_want_one[] = "map:\nA.B\na.b\n";
static const char three_want_one[] = "map:\n#A#a\nB.Cb\n...c\n";
static const char four_want_one[] = "map:\n#A#ab\nB.C..\n#D#..\n...cd\n";
static const char four_want_two[] = "map:\nA.B\n#.#\nC.D\nabc\n..d\n";

static void assert_play(enum contested contested, const char *map, const char *moves, uint32_t first, uint32_t second,
                        const char *picture) {
    struct game game;
    open_contested(&game, contested, map);
    play_with(&game, moves, (uint32_t[ENV_AGENTS / 2]){first, second, lowest, lowest});
    assert_picture(&game, picture);
    for (int j = 0; j < game.grid.env.n_agents; j++) assert_true(game.reward[j] == -0.1);
    close_game(&game);
}

static void contested_none_lets_nobody_in(void **unused) {
    (void)unused;
    assert_play(CONTESTED_NONE, two_want_one, "RL", lowest, lowest, "A.B\n...\n");
    assert_play(CONTESTED_NONE, two_want_one, "RL", highest, highest, "A.B\n...\n");
    assert_play(CONTESTED_NONE, three_want_one, "DRL", highest, lowest, "#A#.\nB.C.\n....\n");
    assert_play(CONTESTED_NONE, four_want_two, "RLRL", highest, highest, "A.B\n#.#\nC.D\n...\n...\n");
}

static void contested_last_lets_the_highest_in(void **unused) {
    (void)unused;
    assert_play(CONTESTED_LAST, two_want_one, "RL", lowest, lowest, "AB.\n...\n");
}

static void contested_last_depends_on_no_draw(void **unused) {
    (void)unused;
    for (int i = 0; i < 2; i++) {
        uint32_t draw = i ? highest : lowest;
        assert_play(CONTESTED_LAST, three_want_one, "DRL", draw, draw, "#A#.\nBC..\n....\n");
        assert_play(CONTESTED_LAST, three_want_one, "DRS", draw, draw, "#A#.\n.BC.\n....\n");
        assert_play(CONTESTED_LAST, three_want_one, "DSL", draw, draw, "#A#.\nBC..\n....\n");
        assert_play(CONTESTED_LAST, four_want_one, "DRLU", draw, draw, "#A#..\nBDC..\n#.#..\n.....\n");
        assert_play(CONTESTED_LAST, four_want_two, "RLRL", draw, draw, "AB.\n#.#\nCD.\n...\n...\n");
    }
}

static void contested_random_lets_one_in_by_the_draw(void **unused) {
    (void)unused;
    const uint32_t half = UINT32_C(1) << 31, third = UINT32_MAX / 3;
    assert_play(CONTESTED_RANDOM, two_want_one, "RL", half - 1, highest, ".AB\n...\n");
    assert_play(CONTESTED_RANDOM, two_want_one, "RL", half, lowest, "AB.\n...\n");
    assert_play(CONTESTED_RANDOM, three_want_one, "DRL", lowest, highest, "#.#.\nBAC.\n....\n");
    assert_play(CONTESTED_RANDOM, three_want_one, "DRL", third + 9, highest, "#A#.\n.BC.\n....\n");
    assert_play(CONTESTED_RANDOM, three_want_one, "DRL", highest, lowest, "#A#.\nBC..\n....\n");
}

/* How often does each of n agents get the one cell in the middle? Within five standard deviations of 1/n. */
static void assert_fair(const char *map, const char *moves, int n) {
    enum { GAMES = 30000 };
    int wins[ENV_AGENTS] = {0};
    struct game game;
    struct rng rng;
    open_contested(&game, CONTESTED_RANDOM, map);
    rng_start(&rng, &(struct rng_key){.seed = 17, .task = (uint32_t)n});
    for (int i = 0; i < GAMES; i++) {
        int moved = 0;
        game.state = game.grid.env.start;
        play_with(&game, moves, (uint32_t[ENV_AGENTS / 2]){rng_next(&rng), highest, highest, highest});
        for (int j = 0; j < n; j++) {
            bool won = game.state.cell[j] != game.grid.env.start.cell[j];
            wins[j] += won;
            moved += won;
        }
        assert_int_equal(moved, 1);
    }
    double p = 1.0 / n, deviation = sqrt(GAMES * p * (1 - p));
    for (int j = 0; j < n; j++) assert_true(fabs(wins[j] - GAMES * p) < 5 * deviation);
    close_game(&game);
}

static void contested_random_is_fair_among_two_three_and_four(void **unused) {
    (void)unused;
    assert_fair(two_want_one, "RL", 2);
    assert_fair(three_want_one, "DRL", 3);
    assert_fair(four_want_one, "DRLU", 4);
}

static void two_contests_of_a_step_have_draws_of_their_own(void **unused) {
    (void)unused;
    assert_play(CONTESTED_RANDOM, four_want_two, "RLRL", lowest, lowest, ".AB\n#.#\n.CD\n...\n...\n");
    assert_play(CONTESTED_RANDOM, four_want_two, "RLRL", lowest, highest, ".AB\n#.#\nCD.\n...\n...\n");
    assert_play(CONTESTED_RANDOM, four_want_two, "RLRL", highest, lowest, "AB.\n#.#\n.CD\n...\n...\n");
    assert_play(CONTESTED_RANDOM, four_want_two, "RLRL", highest, highest, "AB.\n#.#\nCD.\n...\n...\n");
}

static void contests_take_their_draws_in_the_order_of_their_lowest_agent(void **unused) {
    (void)unused;
    static const char crossed[] = "map:\nC.B\n#.#\nD.A\nabc\n..d\n";
    assert_play(CONTESTED_RANDOM, crossed, "LLRR", lowest, highest, ".CB\n#.#\nDA.\n...\n...\n");
    assert_play(CONTESTED_RANDOM, crossed, "LLRR", highest, lowest, "CB.\n#.#\n.DA\n...\n...\n");
}

static void a_refused_move_is_no_contender(void **unused) {
    (void)unused;
    static const char map[] = "map:\nAB.C\nabc.\n";
    assert_play(CONTESTED_RANDOM, map, "RRL", lowest, lowest, "A.BC\n....\n");
    assert_play(CONTESTED_RANDOM, map, "RRL", highest, lowest, "ABC.\n....\n");
    assert_play(CONTESTED_NONE, map, "RRS", lowest, lowest, "A.BC\n....\n");
}

static void the_cell_of_one_who_loses_stays_closed(void **unused) {
    (void)unused;
    struct game game;
    open_contested(&game, CONTESTED_LAST, "map:\nCA.B\nabc.\n");
    play(&game, "RLR");
    assert_picture(&game, "CAB.\n....\n");
    close_game(&game);
}

static void the_winner_of_a_contested_goal_finishes_alone(void **unused) {
    (void)unused;
    struct game game;
    open_contested(&game, CONTESTED_RANDOM, "goal_a = 0 1\nmap:\nA.B\n..b\n");
    play_with(&game, "RL", &lowest);
    assert_picture(&game, ".AB\n...\n");
    assert_int_equal(game.state.finished, 1);
    assert_rewards(&game, (double[]){100, -0.1});
    game.state = game.grid.env.start;
    play_with(&game, "RL", &highest);
    assert_picture(&game, "AB.\n...\n");
    assert_int_equal(game.state.finished, 0);
    assert_rewards(&game, (double[]){-0.1, -0.1});
    close_game(&game);
}

/* ---- Rewards, goals and finished agents ---- */

static void reaching_the_goal_earns_its_reward_instead_of_the_steps(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "map:\nA.a\nB.b\n");
    play(&game, "RR");
    assert_rewards(&game, (double[]){-0.1, -0.1});
    assert_int_equal(game.state.finished, 0);
    play(&game, "SR");
    assert_rewards(&game, (double[]){-0.1, 100});
    assert_int_equal(game.state.finished, 2);
    play(&game, "RS");
    assert_rewards(&game, (double[]){100, 0});
    assert_int_equal(game.state.finished, 3);
    play(&game, "LL");
    assert_rewards(&game, (double[]){0, 0});
    assert_int_equal(game.state.finished, 3);
    close_game(&game);
}

static void the_goal_of_another_costs_a_step(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "map:\nAb.a\nB...\n");
    play(&game, "RS");
    assert_picture(&game, ".A..\nB...\n");
    assert_rewards(&game, (double[]){-0.1, -0.1});
    assert_int_equal(game.state.finished, 0);
    close_game(&game);
}

static void a_finished_agent_stays_whatever_its_action(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "map:\n...B\n.aA.\nb...\n");
    play(&game, "LS");
    assert_int_equal(game.state.finished, 1);
    for (const char *move = "SDULR"; *move; move++) {
        play(&game, (char[]){*move, 'S', '\0'});
        assert_picture(&game, "...B\n.A..\n....\n");
        assert_rewards(&game, (double[]){0, -0.1});
        assert_int_equal(game.state.previous[0], ACTION_STAY);
        assert_int_equal(game.state.finished, 1);
    }
    close_game(&game);
}

static void a_finished_agent_blocks_its_cell(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "map:\nAa.B\nb...\n");
    play(&game, "RL");
    assert_picture(&game, ".AB.\n....\n");
    play(&game, "RL");
    assert_picture(&game, ".AB.\n....\n");
    assert_rewards(&game, (double[]){0, -0.1});
    close_game(&game);
}

static void a_finished_agent_contends_for_nothing(void **unused) {
    (void)unused;
    for (int contested = CONTESTED_NONE; contested <= CONTESTED_LAST; contested++) {
        struct game game;
        open_contested(&game, (enum contested)contested, "map:\nBb..A\na....\n");
        play(&game, "LR");
        assert_picture(&game, ".B.A.\n.....\n");
        play_with(&game, "LR", &highest);
        assert_picture(&game, ".BA..\n.....\n");
        close_game(&game);
    }
}

static void an_agent_that_starts_on_the_goal_of_another_has_not_finished(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "goal_b = 0 0\nmap:\nA.B\na..\n");
    play(&game, "SS");
    assert_int_equal(game.state.finished, 0);
    assert_rewards(&game, (double[]){-0.1, -0.1});
    close_game(&game);
}

static void all_eight_agents_can_finish_at_once(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "map:\nABCDEFGH\nabcdefgh\n");
    play(&game, "DDDDDDDD");
    assert_picture(&game, "........\nABCDEFGH\n");
    assert_int_equal(game.state.finished, 0xff);
    assert_rewards(&game, (double[]){100, 100, 100, 100, 100, 100, 100, 100});
    close_game(&game);
}

static void actions_are_recorded_even_when_refused(void **unused) {
    (void)unused;
    struct game game;
    open_game(&game, "map:\nAB.\na.b\n");
    play(&game, "RL");
    assert_picture(&game, "AB.\n...\n");
    assert_int_equal(game.state.previous[0], ACTION_RIGHT);
    assert_int_equal(game.state.previous[1], ACTION_LEFT);
    play(&game, "US");
    assert_int_equal(game.state.previous[0], ACTION_UP);
    assert_int_equal(game.state.previous[1], ACTION_STAY);
    close_game(&game);
}

static void draws_of_a_step_suffice_for_all_contests(void **unused) {
    (void)unused;
    for (int n = 1; n <= ENV_AGENTS; n++) {
        assert_int_equal(env_draws(n), n + n / 2);
        assert_true(env_draws(n) <= ENV_DRAWS);
    }
}

/* ---- A slow step, written down from the rules, on rows and columns ---- */

struct body {
    int row, column, previous;
    bool finished;
};

static bool stands_on(const struct body *b, int row, int column) { return b->row == row && b->column == column; }

static bool is_wall(const struct task *task, int row, int column) {
    if (row < 0 || column < 0 || row >= task->rows || column >= task->columns) return true;
    return task->wall[row * task->columns + column];
}

/* Where the agent would go if no one else wanted the cell. */
static struct body wish(const struct task *task, const struct body *all, int agent, int action) {
    struct body b = all[agent];
    if (b.finished) {
        b.previous = ACTION_STAY;
        return b;
    }
    int row = b.row + (action == ACTION_DOWN) - (action == ACTION_UP);
    int column = b.column + (action == ACTION_RIGHT) - (action == ACTION_LEFT);
    b.previous = action;
    bool refused = is_wall(task, row, column);
    for (int k = 0; k < task->n_agents; k++) refused = refused || (k != agent && stands_on(&all[k], row, column));
    if (!refused) b.row = row, b.column = column;
    return b;
}

/* Who gets the cell that these n agents want; -1: none. */
static int winner_of(const int *contender, int n, int contested, uint32_t draw) {
    if (contested == CONTESTED_NONE) return -1;
    if (contested == CONTESTED_LAST) return contender[n - 1];
    return contender[(int)floor((double)draw / 4294967296.0 * n)];
}

/* The number of contests. */
static int settle(const struct task *task, int contested, const struct body *before, struct body *after,
                  const uint32_t *draw) {
    int n_contests = 0;
    struct body wanted[ENV_AGENTS];
    memcpy(wanted, after, sizeof wanted);
    for (int j = 0; j < task->n_agents; j++) {
        int contender[ENV_AGENTS], n = 0;
        for (int k = 0; k < task->n_agents; k++)
            if (stands_on(&wanted[k], wanted[j].row, wanted[j].column)) contender[n++] = k;
        if (n < 2 || contender[0] != j) continue;
        int winner = winner_of(contender, n, contested, draw[n_contests++]);
        for (int i = 0; i < n; i++) {
            if (contender[i] == winner) continue;
            after[contender[i]].row = before[contender[i]].row;
            after[contender[i]].column = before[contender[i]].column;
        }
    }
    return n_contests;
}

static int slow_step(const struct game *game, struct body *all, const uint8_t *action, const uint32_t *draw,
                     double *reward) {
    const struct task *task = &game->task;
    struct body next[ENV_AGENTS] = {0};
    for (int j = 0; j < task->n_agents; j++) next[j] = wish(task, all, j, action[j]);
    int n_contests = settle(task, game->grid.env.rules.contested, all, next, draw);
    for (int j = 0; j < task->n_agents; j++) {
        bool at_goal = next[j].row * task->columns + next[j].column == task->goal[j];
        reward[j] = all[j].finished ? 0 : at_goal ? game->grid.env.rules.reward_goal : game->grid.env.rules.reward_step;
        next[j].finished = at_goal;
    }
    memcpy(all, next, sizeof next);
    return n_contests;
}

static void start_bodies(const struct task *task, struct body *all) {
    for (int j = 0; j < task->n_agents; j++)
        all[j] = (struct body){.row = task->start[j] / task->columns, .column = task->start[j] % task->columns};
}

static void assert_same(const struct game *game, const struct body *all, const double *reward) {
    uint32_t finished = 0;
    for (int j = 0; j < game->task.n_agents; j++) {
        assert_int_equal(game->cells.row[game->state.cell[j]], all[j].row);
        assert_int_equal(game->cells.column[game->state.cell[j]], all[j].column);
        assert_int_equal(game->state.previous[j], all[j].previous);
        assert_true(game->reward[j] == reward[j]);
        finished |= (uint32_t)all[j].finished << j;
    }
    assert_int_equal(game->state.finished, finished);
}

static void assert_nobody_shares_a_cell_or_stands_in_a_wall(const struct game *game) {
    for (int j = 0; j < game->task.n_agents; j++) {
        int cell = game->state.cell[j];
        assert_in_range(cell, 0, game->cells.n - 1);
        assert_false(is_wall(&game->task, game->cells.row[cell], game->cells.column[cell]));
        for (int k = 0; k < j; k++) assert_int_not_equal(cell, game->state.cell[k]);
    }
}

static void draw_step(struct rng *rng, int n_agents, uint8_t *action, uint32_t *contest) {
    for (int j = 0; j < n_agents; j++) action[j] = (uint8_t)rng_below(rng_next(rng), ENV_ACTIONS);
    for (int j = 0; j < n_agents / 2; j++) contest[j] = rng_next(rng);
}

struct tally {
    int contests, several, finished;
};

/* Random play beside the slow step, over many games; counts what happened, so that a test can ask for enough of it. */
static struct tally compare(struct game *game, uint32_t seed, int n_games, int n_steps) {
    struct tally tally = {0};
    struct rng rng;
    for (int i = 0; i < n_games; i++) {
        struct body all[ENV_AGENTS] = {0};
        rng_start(&rng, &(struct rng_key){.seed = seed, .game = (uint32_t)i});
        start_bodies(&game->task, all);
        game->state = game->grid.env.start;
        for (int t = 0; t < n_steps; t++) {
            uint8_t action[ENV_AGENTS] = {0};
            uint32_t contest[ENV_AGENTS / 2 + 1] = {0};
            double reward[ENV_AGENTS];
            draw_step(&rng, game->task.n_agents, action, contest);
            step(game, action, contest);
            int n = slow_step(game, all, action, contest, reward);
            assert_same(game, all, reward);
            assert_nobody_shares_a_cell_or_stands_in_a_wall(game);
            tally.contests += n > 0;
            tally.several += n > 1;
        }
        for (int j = 0; j < game->task.n_agents; j++) tally.finished += all[j].finished;
    }
    return tally;
}

static void data_maps_step_as_the_rules_say(void **unused) {
    (void)unused;
    static const char *const names[] = {"two_rooms_1.task",    "two_rooms_3.task",  "two_rooms_4.task",
                                        "two_rooms_5.task",    "crossing.task",     "crossing_three.task",
                                        "doorway_three.task",  "passing_bay.task",  "swap_open.task",
                                        "four_rooms.task",     "maze_alone.task",   "four_rooms_alone.task"};
    struct tally all = {0};
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (int contested = CONTESTED_NONE; contested <= CONTESTED_LAST; contested++) {
            struct game game;
            open_data(&game, (enum contested)contested, names[i]);
            struct tally tally = compare(&game, i, 20, 400);
            all.contests += tally.contests;
            all.finished += tally.finished;
            close_game(&game);
        }
    }
    assert_true(all.contests > 500);
    assert_true(all.finished > 500);
}

static void crowded_maps_step_as_the_rules_say(void **unused) {
    (void)unused;
    static const char *const maps[] = {"map:\nA...\n.B..\n..C.\nabcD\n...d\n",
                                       "map:\nA..d\n.B#C\n..D.\nE.ba\n#.ec\n",
                                       "map:\nABCD.\n.....\nEFGH.\n.....\nabcde\n..fgh\n",
                                       "map:\nA.B\n.C.\nabc\n"};
    struct tally all = {0};
    for (uint32_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        for (int contested = CONTESTED_NONE; contested <= CONTESTED_LAST; contested++) {
            struct game game;
            open_contested(&game, (enum contested)contested, maps[i]);
            struct tally tally = compare(&game, 100 + i, 400, 40);
            all.contests += tally.contests;
            all.several += tally.several;
            all.finished += tally.finished;
            close_game(&game);
        }
    }
    assert_true(all.contests > 5000);
    assert_true(all.several > 500);
    assert_true(all.finished > 5000);
}

static void a_variable_number_of_agents_steps_as_a_constant_one(void **unused) {
    (void)unused;
    struct game game;
    struct rng rng;
    open_contested(&game, CONTESTED_RANDOM, four_want_one);
    rng_start(&rng, &(struct rng_key){.seed = 9});
    struct env_state other = game.state;
    volatile int n_agents = 4;
    for (int t = 0; t < 2000; t++) {
        uint8_t action[4];
        uint32_t contest[2];
        double reward[4];
        draw_step(&rng, 4, action, contest);
        step(&game, action, contest);
        env_grid_step(&game.grid, n_agents, &other, action, contest, reward);
        assert_memory_equal(other.cell, game.state.cell, sizeof other.cell);
        assert_memory_equal(other.previous, game.state.previous, sizeof other.previous);
        assert_int_equal(other.finished, game.state.finished);
        assert_rewards(&game, reward);
    }
    close_game(&game);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_game_starts_as_drawn),
        cmocka_unit_test(rules_of_the_task_hold_over_the_runs),
        cmocka_unit_test(an_agent_moves_one_cell_each_way),
        cmocka_unit_test(walls_refuse_a_move),
        cmocka_unit_test(the_edge_of_the_map_refuses_a_move),
        cmocka_unit_test(a_map_keeps_its_edge_beside_a_larger_one),
        cmocka_unit_test(a_wall_that_another_task_has_free_refuses_a_move),
        cmocka_unit_test(a_cell_that_is_occupied_refuses_a_move),
        cmocka_unit_test(swapping_is_refused),
        cmocka_unit_test(following_into_a_vacated_cell_is_refused),
        cmocka_unit_test(the_higher_agent_may_not_follow_either),
        cmocka_unit_test(going_round_in_a_ring_is_refused),
        cmocka_unit_test(of_three_in_a_row_only_the_foremost_moves),
        cmocka_unit_test(moves_that_meet_nobody_are_independent),
        cmocka_unit_test(contested_none_lets_nobody_in),
        cmocka_unit_test(contested_last_lets_the_highest_in),
        cmocka_unit_test(contested_last_depends_on_no_draw),
        cmocka_unit_test(contested_random_lets_one_in_by_the_draw),
        cmocka_unit_test(contested_random_is_fair_among_two_three_and_four),
        cmocka_unit_test(two_contests_of_a_step_have_draws_of_their_own),
        cmocka_unit_test(contests_take_their_draws_in_the_order_of_their_lowest_agent),
        cmocka_unit_test(a_refused_move_is_no_contender),
        cmocka_unit_test(the_cell_of_one_who_loses_stays_closed),
        cmocka_unit_test(the_winner_of_a_contested_goal_finishes_alone),
        cmocka_unit_test(reaching_the_goal_earns_its_reward_instead_of_the_steps),
        cmocka_unit_test(the_goal_of_another_costs_a_step),
        cmocka_unit_test(a_finished_agent_stays_whatever_its_action),
        cmocka_unit_test(a_finished_agent_blocks_its_cell),
        cmocka_unit_test(a_finished_agent_contends_for_nothing),
        cmocka_unit_test(an_agent_that_starts_on_the_goal_of_another_has_not_finished),
        cmocka_unit_test(all_eight_agents_can_finish_at_once),
        cmocka_unit_test(actions_are_recorded_even_when_refused),
        cmocka_unit_test(draws_of_a_step_suffice_for_all_contests),
        cmocka_unit_test(data_maps_step_as_the_rules_say),
        cmocka_unit_test(crowded_maps_step_as_the_rules_say),
        cmocka_unit_test(a_variable_number_of_agents_steps_as_a_constant_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
