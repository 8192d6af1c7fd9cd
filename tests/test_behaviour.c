/* Choke points, and how agents move around them. */
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "multidistral/base/rng.h"
#include "multidistral/world/behaviour.h"
#include "multidistral/world/choke.h"

/* ---- Choke points ---- */

static void map_create(struct task *task, int rows, int columns, const char *map) {
    *task = (struct task){.rows = rows, .columns = columns, .wall = calloc((size_t)(rows * columns), sizeof(bool))};
    for (int place = 0; place < rows * columns; place++) task->wall[place] = map[place] == '#';
}

static void the_choke_points_of_maps(void **state) {
    (void)state;
    static const struct {
        int rows, columns;
        const char *map; /* x: a choke point */
    } cases[] = {
        {1, 1, "."},
        {1, 2, ".."},
        {1, 5, ".xxx."},
        {2, 2, "...."},
        {3, 3, "....#...."},                     /* a ring */
        {3, 3, "#.#.x.#.#"},                     /* a star */
        {3, 5, "..#.." ".xxx." "..#.#"},         /* the door and its sides */
        {3, 7, "..###.." "..###.." "..###.."},   /* two parts */
        {7, 9, "#########" "#..###..#" "#..###..#" "#.xxxxx.#" "#..###..#" "#..###..#" "#########"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct task task;
        bool choke[63];
        map_create(&task, cases[i].rows, cases[i].columns, cases[i].map);
        choke_find(&task, choke);
        for (int place = 0; place < task.rows * task.columns; place++)
            if (choke[place] != (cases[i].map[place] == 'x')) fail_msg("map %zu, place %d: %d", i, place, choke[place]);
        free(task.wall);
    }
}

/* How many parts the free cells fall into. */
static int parts(const struct task *task, const bool *wall) {
    enum { MOST = 64 };
    int part[MOST], n = 0, places = task->rows * task->columns;
    for (int p = 0; p < places; p++) part[p] = wall[p] ? 0 : p + 1;
    for (int round = 0; round < places; round++)
        for (int p = 0; p < places; p++) {
            if (wall[p]) continue;
            bool right = (p + 1) % task->columns && !wall[p + 1], down = p + task->columns < places && !wall[p + task->columns];
            if (right && part[p + 1] > part[p]) part[p + 1] = part[p];
            if (right && part[p + 1] < part[p]) part[p] = part[p + 1];
            if (down && part[p + task->columns] > part[p]) part[p + task->columns] = part[p];
            if (down && part[p + task->columns] < part[p]) part[p] = part[p + task->columns];
        }
    for (int p = 0; p < places; p++) n += !wall[p] && part[p] == p + 1;
    return n;
}

static void a_choke_point_is_what_parts_a_map(void **state) {
    (void)state;
    struct rng rng;
    const struct rng_key key = {.seed = 7};
    rng_start(&rng, &key);
    for (int round = 0; round < 300; round++) {
        struct task task;
        bool choke[48];
        char map[49] = "";
        for (int p = 0; p < 48; p++) map[p] = rng_below(rng_next(&rng), 10) < (uint32_t)(2 + round % 4) ? '#' : '.';
        map_create(&task, 6, 8, map);
        choke_find(&task, choke);
        int whole = parts(&task, task.wall);
        for (int p = 0; p < 48; p++) {
            if (task.wall[p]) {
                assert_false(choke[p]);
                continue;
            }
            task.wall[p] = true;
            assert_int_equal(choke[p], parts(&task, task.wall) > whole);
            task.wall[p] = false;
        }
        free(task.wall);
    }
}

/* A path that fills a large map: the search must not need the stack. */
static void a_large_map(void **state) {
    (void)state;
    enum { SIDE = TASK_SIDE };
    struct task task = {.rows = SIDE, .columns = SIDE, .wall = calloc((size_t)SIDE * SIDE, sizeof(bool))};
    bool *choke = calloc((size_t)SIDE * SIDE, sizeof *choke);
    for (int row = 1; row < SIDE; row += 2)
        for (int column = 0; column < SIDE; column++) task.wall[row * SIDE + column] = column != (row % 4 == 1 ? SIDE - 1 : 0);
    choke_find(&task, choke);
    int n = 0, n_free = 0;
    for (int p = 0; p < SIDE * SIDE; p++) n += choke[p], n_free += !task.wall[p];
    assert_int_equal(n, n_free - 2); /* all but the ends */
    free(choke);
    free(task.wall);
}

static void the_parts_between_choke_points(void **state) {
    (void)state;
    static const struct {
        int rows, columns;
        const char *map, *part; /* #: a wall */
    } cases[] = {
        {1, 5, ".....", "00011"},                /* the middle is as near to both ends: the first */
        {1, 6, "......", "000111"},
        {2, 2, "....", "0000"},
        {3, 3, "#.#...#.#", "#0#102#3#"},        /* a star has four parts; its middle is of the first */
        {3, 7, "..###.." "..###.." "..###..", "00###11" "00###11" "00###11"},
        {7, 9, "#########" "#..###..#" "#..###..#" "#.......#" "#..###..#" "#..###..#" "#########",
         "#########" "#00###11#" "#00###11#" "#0000111#" "#00###11#" "#00###11#" "#########"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct task task;
        bool choke[63];
        int part[63];
        map_create(&task, cases[i].rows, cases[i].columns, cases[i].map);
        choke_find(&task, choke);
        choke_parts(&task, choke, part);
        for (int place = 0; place < task.rows * task.columns; place++) {
            int expected = cases[i].part[place] == '#' ? -1 : cases[i].part[place] - '0';
            if (part[place] != expected) fail_msg("map %zu, place %d: %d", i, place, part[place]);
        }
        free(task.wall);
    }
}

/* ---- What is counted ---- */

struct bench {
    struct world world;
    struct behaviour behaviour;
    struct env_state now;
};

static void begin(struct bench *b, const char *map, const char *rules) {
    world_create(&b->world, map, rules);
    behaviour_create(&b->behaviour, &b->world.grid, &b->world.task, &b->world.cells);
    b->now = b->world.grid.env.start;
    behaviour_begin(&b->behaviour, &b->now);
}

static void go(struct bench *b, uint8_t first, uint8_t second) {
    const struct env_state before = b->now;
    const uint8_t action[] = {first, second};
    const uint32_t draw[] = {0};
    double reward[2];
    env_grid_step(&b->world.grid, 2, &b->now, action, draw, reward);
    behaviour_step(&b->behaviour, &before, action, &b->now);
}

static void end(struct bench *b) {
    behaviour_destroy(&b->behaviour);
    world_destroy(&b->world);
}

static void refused_moves_have_one_cause(void **state) {
    (void)state;
    struct bench b;
    begin(&b, "A.B.\nb..a\n", "contested = last\n");
    const struct moves *moves = b.behaviour.moves;
    go(&b, ACTION_UP, ACTION_STAY); /* the edge */
    assert_int_equal(moves[0].wall, 1);
    go(&b, ACTION_RIGHT, ACTION_LEFT); /* both want the same cell; B gets it */
    assert_int_equal(moves[0].contested, 1);
    assert_int_equal(moves[1].contested, 0);
    go(&b, ACTION_RIGHT, ACTION_STAY); /* B is there */
    assert_int_equal(moves[0].blocked, 1);
    go(&b, ACTION_RIGHT, ACTION_LEFT); /* changing places */
    assert_int_equal(moves[0].blocked, 2);
    assert_int_equal(moves[1].blocked, 1);
    go(&b, ACTION_STAY, ACTION_STAY);
    assert_int_equal(moves[0].wall + moves[0].blocked + moves[0].contested, 4);
    assert_int_equal(moves[1].wall + moves[1].blocked + moves[1].contested, 1);
    assert_int_equal(b.behaviour.steps_in[0], 5); /* A has not moved; B began 2 steps in its start, 3 beside it */
    assert_int_equal(b.behaviour.steps_in[b.behaviour.n_cells + 2], 2);
    assert_int_equal(b.behaviour.steps_in[b.behaviour.n_cells + 1], 3);
    end(&b);
}

static void a_contested_cell_that_nobody_gets(void **state) {
    (void)state;
    struct bench b;
    begin(&b, "A.B.\nb..a\n", "contested = none\n");
    go(&b, ACTION_RIGHT, ACTION_LEFT);
    assert_int_equal(b.behaviour.moves[0].contested, 1);
    assert_int_equal(b.behaviour.moves[1].contested, 1);
    end(&b);
}

static void choke_points_are_counted(void **state) {
    (void)state;
    struct bench b;
    begin(&b, "A.#..\n.....\nb.#Ba\n", ""); /* the doorway (1,2) and the cells at its sides are choke points */
    const struct moves *moves = b.behaviour.moves;
    assert_int_equal(moves[0].first + moves[1].first, 0);
    go(&b, ACTION_DOWN, ACTION_UP); /* B is on (1,3), A on (1,0) */
    assert_int_equal(moves[1].first, 1);
    go(&b, ACTION_RIGHT, ACTION_LEFT); /* A on (1,1), B on (1,2) */
    assert_int_equal(moves[1].choke, 1);
    assert_int_equal(moves[0].waited, 0);
    go(&b, ACTION_RIGHT, ACTION_STAY); /* refused: A waits beside B, and B beside A */
    assert_int_equal(moves[0].waited, 1);
    assert_int_equal(moves[0].blocked, 1);
    assert_int_equal(moves[1].waited, 1);
    go(&b, ACTION_UP, ACTION_STAY); /* A leaves: no waiting; B stays beside it, which was there when the step began */
    assert_int_equal(moves[0].waited, 1);
    assert_int_equal(moves[1].waited, 2);
    assert_int_equal(moves[0].choke, 2);
    assert_int_equal(moves[1].choke, 3);
    assert_int_equal(moves[0].first, 0);
    end(&b);
}

static void nobody_is_first_when_both_are(void **state) {
    (void)state;
    struct bench b;
    begin(&b, "A.b..a.B\n", ""); /* all but the ends are choke points */
    go(&b, ACTION_RIGHT, ACTION_LEFT);
    assert_true(b.behaviour.choke[b.now.cell[0]] && b.behaviour.choke[b.now.cell[1]]);
    assert_int_equal(b.behaviour.moves[0].first + b.behaviour.moves[1].first, 0);
    behaviour_end(&b.behaviour, (const double[]){10, 4});
    assert_true(b.behaviour.moves[0].gap == 3 && b.behaviour.moves[1].gap == 3);
    b.now = b.world.grid.env.start;
    behaviour_begin(&b.behaviour, &b.now); /* the next game is decided anew */
    go(&b, ACTION_RIGHT, ACTION_STAY);
    go(&b, ACTION_RIGHT, ACTION_LEFT);
    assert_int_equal(b.behaviour.moves[0].first, 1);
    assert_int_equal(b.behaviour.moves[1].first, 0);
    behaviour_clear(&b.behaviour);
    assert_int_equal(b.behaviour.moves[0].first + b.behaviour.n_games + b.behaviour.steps_in[0], 0);
    end(&b);
}

static void the_first_who_gets_through(void **state) {
    (void)state;
    struct bench b;
    begin(&b, ".A#...\n.....a\nb.#B..\n", ""); /* (1,1) to (1,3) are choke points */
    const struct moves *moves = b.behaviour.moves;
    go(&b, ACTION_DOWN, ACTION_STAY);
    go(&b, ACTION_UP, ACTION_STAY); /* back again: no way through */
    assert_int_equal(moves[0].first, 1);
    assert_int_equal(moves[0].first_through + moves[1].first_through, 0);
    go(&b, ACTION_STAY, ACTION_UP);
    go(&b, ACTION_STAY, ACTION_LEFT);
    go(&b, ACTION_STAY, ACTION_LEFT);
    assert_int_equal(moves[1].first_through, 0);
    go(&b, ACTION_STAY, ACTION_LEFT);
    assert_int_equal(moves[1].first_through, 1);
    go(&b, ACTION_DOWN, ACTION_STAY);
    for (int i = 0; i < 4; i++) go(&b, ACTION_RIGHT, ACTION_STAY);
    assert_int_equal(b.now.cell[0], b.world.grid.goal[0]);
    assert_int_equal(moves[0].first_through, 0); /* the second */
    behaviour_clear(&b.behaviour);
    assert_int_equal(moves[1].first_through, 0);
    end(&b);
}

static void through_from_a_choke_point(void **state) {
    (void)state;
    struct bench b;
    begin(&b, "..#..\n.A..a\n.b#.B\n", ""); /* A starts in the left doorway, which is of the left part */
    const struct moves *moves = b.behaviour.moves;
    go(&b, ACTION_LEFT, ACTION_STAY);
    assert_int_equal(moves[0].first_through, 0);
    b.now = b.world.grid.env.start;
    behaviour_begin(&b.behaviour, &b.now); /* the next game is decided anew */
    for (int i = 0; i < 2; i++) go(&b, ACTION_RIGHT, ACTION_STAY);
    assert_int_equal(moves[0].first_through, 0);
    go(&b, ACTION_RIGHT, ACTION_STAY);
    assert_int_equal(moves[0].first_through, 1);
    assert_int_equal(moves[1].first_through, 0);
    end(&b);
}

static void nobody_is_through_first_when_both_are(void **state) {
    (void)state;
    struct bench b;
    begin(&b, "A...a\n#####\nB...b\n", "");
    for (int i = 0; i < 4; i++) go(&b, ACTION_RIGHT, ACTION_RIGHT);
    assert_int_equal(b.behaviour.moves[0].first_through + b.behaviour.moves[1].first_through, 0);
    behaviour_begin(&b.behaviour, &b.world.grid.env.start);
    b.now = b.world.grid.env.start;
    go(&b, ACTION_STAY, ACTION_RIGHT);
    for (int i = 0; i < 4; i++) go(&b, ACTION_RIGHT, ACTION_RIGHT);
    assert_int_equal(b.behaviour.moves[0].first_through, 0);
    assert_int_equal(b.behaviour.moves[1].first_through, 1);
    end(&b);
}

static void finished_agents_are_not_counted(void **state) {
    (void)state;
    struct bench b;
    begin(&b, "Aa\nBb\n", "");
    go(&b, ACTION_RIGHT, ACTION_STAY);
    go(&b, ACTION_RIGHT, ACTION_LEFT);
    assert_int_equal(b.behaviour.moves[0].wall, 0);
    assert_int_equal(b.behaviour.moves[1].wall, 1);
    assert_int_equal(b.behaviour.steps_in[0], 1);
    assert_int_equal(b.behaviour.steps_in[1], 0);
    end(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_choke_points_of_maps),
        cmocka_unit_test(a_choke_point_is_what_parts_a_map),
        cmocka_unit_test(a_large_map),
        cmocka_unit_test(the_parts_between_choke_points),
        cmocka_unit_test(refused_moves_have_one_cause),
        cmocka_unit_test(a_contested_cell_that_nobody_gets),
        cmocka_unit_test(choke_points_are_counted),
        cmocka_unit_test(nobody_is_first_when_both_are),
        cmocka_unit_test(the_first_who_gets_through),
        cmocka_unit_test(through_from_a_choke_point),
        cmocka_unit_test(nobody_is_through_first_when_both_are),
        cmocka_unit_test(finished_agents_are_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
