/* world/joint: the transitions are those of env_grid_step, with the chances of its draws. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include "multidistral/base/memory.h"
#include "multidistral/world/joint.h"

enum { STRATA = 12 }; /* equally likely draws that decide evenly between 2, 3 or 4 contenders */

static void open_joint(struct world *world, struct joint *joint, const char *map, const char *rules) {
    struct fault why = {""};
    world_create(world, map, rules);
    if (!joint_create(joint, &world->grid, 0, &why)) fail_msg("%s", why.text);
}

static void close_joint(struct world *world, struct joint *joint) {
    joint_destroy(joint);
    world_destroy(world);
}

static struct env_state state_of(const struct joint *joint, uint32_t number) {
    struct env_state state = {.finished = joint->finished[number]};
    uint32_t digit[INDEX_DIGITS];
    index_digits(&joint->keys, joint->key[number], digit);
    for (int j = 0; j < joint->n_agents; j++) state.cell[j] = joint->cells[j].cell[digit[j]];
    return state;
}

static uint32_t number_of(const struct joint *joint, const struct env_state *state) {
    uint32_t digit[ENV_AGENTS];
    for (int j = 0; j < joint->n_agents; j++) digit[j] = joint->cells[j].digit[state->cell[j]];
    uint32_t number = joint->number[index_of(&joint->keys, digit)];
    assert_true(number > 0);
    assert_int_equal(joint->finished[number - 1], state->finished);
    return number - 1;
}

static uint32_t stratum(int i) { return (uint32_t)(((2 * (uint64_t)i + 1) << 31) / STRATA); }

static uint32_t step(const struct joint *joint, uint32_t from, const uint8_t *action, const uint32_t *draw) {
    struct env_state state = state_of(joint, from);
    double reward[ENV_AGENTS];
    env_grid_step(joint->grid, joint->n_agents, &state, action, draw, reward);
    uint32_t to = number_of(joint, &state);
    for (int j = 0; j < joint->n_agents; j++) assert_true(joint_reward(joint, from, to)[j] == reward[j]);
    return to;
}

/* Plays a move with every stratum of the draws, and compares how often each state follows with its probability. */
static void assert_move(const struct joint *joint, uint32_t s, uint64_t i, int *hits) {
    int slots = joint->n_agents / 2, all = slots > 1 ? STRATA * STRATA : slots > 0 ? STRATA : 1;
    uint8_t action[ENV_AGENTS];
    const uint32_t *outcome;
    uint32_t n = joint_outcomes(joint, &joint->move[joint->first[s] + i], &outcome);
    joint_action(joint, s, i, action);
    for (int k = 0; k < all; k++) {
        const uint32_t draw[ENV_AGENTS / 2] = {stratum(k % STRATA), stratum(k / STRATA)};
        hits[step(joint, s, action, draw)]++;
    }
    for (uint32_t k = 0; k < n; k++) hits[outcome[k]] -= all / (int)n;
    for (uint32_t k = 0; k < n; k++) assert_int_equal(hits[outcome[k]], 0); /* and so all the others are */
}

static void assert_all_moves(const char *map, const char *rules, int every) {
    struct world world;
    struct joint joint;
    open_joint(&world, &joint, map, rules);
    int *hits = memory_zeros(joint.n_states, sizeof *hits);
    for (uint32_t s = 0; s < joint.n_states; s += (uint32_t)every)
        for (uint64_t i = 0; i < joint.first[s + 1] - joint.first[s]; i++) assert_move(&joint, s, i, hits);
    for (uint32_t s = 0; s < joint.n_states; s++) assert_int_equal(hits[s], 0);
    free(hits);
    close_joint(&world, &joint);
}

static const char of_one[] = "A..\n.#a\n", of_two[] = "A.B.\n.#..\nb..a\n", of_three[] = "#A#a\nB.Cb\n...c\n";
static const char of_four[] = "#A##\nB.C.\n#D#.\nabcd\n";
static const char *const contested[] = {"contested = none\n", "contested = random\n", "contested = last\n"};

static void every_move_leads_where_a_step_does(void **unused) {
    (void)unused;
    for (int c = 0; c < 3; c++) {
        assert_all_moves(of_one, contested[c], 1);
        assert_all_moves(of_two, contested[c], 1);
        assert_all_moves(of_three, contested[c], 1);
        assert_all_moves(of_four, contested[c], 50);
    }
}

static void contested_cells_are_decided_by_lot(void **unused) {
    (void)unused;
    struct world world;
    struct joint joint;
    open_joint(&world, &joint, of_four, contested[1]);
    uint32_t most = 0;
    for (uint64_t i = 0; i < joint.first[1]; i++) {
        const uint32_t *outcome;
        uint32_t n = joint_outcomes(&joint, &joint.move[i], &outcome);
        if (n > most) most = n;
    }
    assert_int_equal(most, 4); /* all four want the middle */
    close_joint(&world, &joint);
}

/* Two agents never share a cell, and nothing else keeps them from any pair. */
static void all_states_are_reached_once(void **unused) {
    (void)unused;
    struct world world;
    struct joint joint;
    open_joint(&world, &joint, "A.B\n...\na.b\n", "");
    assert_int_equal(joint.n_states, 9 * 8);
    for (uint32_t s = 0; s < joint.n_states; s++) assert_int_equal(joint.number[joint.key[s]], s + 1);
    assert_true(joint.first[joint.n_states] <= joint.most_moves);
    close_joint(&world, &joint);
}

static void a_game_that_has_ended_has_no_moves(void **unused) {
    (void)unused;
    struct world world;
    struct joint joint;
    open_joint(&world, &joint, of_two, "");
    int ends = 0;
    for (uint32_t s = 0; s < joint.n_states; s++) {
        assert_int_equal(joint_is_end(&joint, s), joint.finished[s] == 3);
        ends += joint_is_end(&joint, s);
    }
    assert_int_equal(ends, 1);
    close_joint(&world, &joint);
}

/* Rooms of their own count as many states as both have together, not every pair of cells on the map. */
static void cells_out_of_reach_do_not_count(void **unused) {
    (void)unused;
    struct world world;
    struct joint joint;
    open_joint(&world, &joint, "A.a#\n####\nB..b\n", "");
    assert_int_equal(joint.keys.n, 3 * 4);
    assert_int_equal(joint.n_states, 3 * 4);
    close_joint(&world, &joint);
}

static void who_may_come_from_where(void **unused) {
    (void)unused;
    struct world world;
    struct joint joint;
    open_joint(&world, &joint, of_two, "");
    for (uint32_t s = 0; s < joint.n_states; s++) {
        struct env_state from = state_of(&joint, s);
        for (uint64_t i = joint.first[s]; i < joint.first[s + 1]; i++) {
            const uint32_t *to;
            joint_outcomes(&joint, &joint.move[i], &to);
            struct env_state next = state_of(&joint, *to);
            for (int j = 0; j < 2; j++) {
                const struct joint_cells *cells = &joint.cells[j];
                int d = cells->digit[next.cell[j]], found = 0;
                for (uint32_t k = cells->near_first[d]; k < cells->near_first[d + 1]; k++)
                    found += cells->cell[cells->near[k]] == from.cell[j];
                assert_int_equal(found, 1);
            }
        }
    }
    close_joint(&world, &joint);
}

static void too_large_a_world_is_refused(void **unused) {
    (void)unused;
    struct world world;
    struct joint joint;
    struct fault why = {""};
    world_create(&world, of_two, "");
    assert_true(joint_create(&joint, &world.grid, 11 * 11, &why));
    joint_destroy(&joint);
    assert_false(joint_create(&joint, &world.grid, 11 * 11 - 1, &why));
    assert_non_null(strstr(why.text, "121 joint states, expected at most 120"));
    world_destroy(&world);
    world_create(&world, "AaBbCcDd\nEeFfGgHh\n........\n........\n", "");
    assert_false(joint_create(&joint, &world.grid, 0, &why));
    assert_false(joint_create(&joint, &world.grid, UINT64_MAX, &why));
    world_destroy(&world);
}

/* Two agents with 3000 cells each: 9 million tuples, which can be numbered, of 128 bytes each. */
static void more_than_its_memory_is_refused(void **unused) {
    enum { ROWS = 50, COLUMNS = 60 };
    (void)unused;
    struct world world;
    struct joint joint;
    struct fault why = {""};
    char map[ROWS * (COLUMNS + 1) + 1], *end = map;
    for (int row = 0; row < ROWS; row++) end += sprintf(end, "%-*s\n", COLUMNS, row > 0 ? "" : "A.a.B.b.");
    for (char *c = map; c < end; c++) *c = *c == ' ' ? '.' : *c;
    world_create(&world, map, "");
    assert_false(joint_create(&joint, &world.grid, 0, &why));
    assert_non_null(strstr(why.text, "9e+06 joint states with "));
    assert_non_null(strstr(why.text, "GiB, expected at most 1 GiB"));
    world_destroy(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_move_leads_where_a_step_does), cmocka_unit_test(contested_cells_are_decided_by_lot),
        cmocka_unit_test(all_states_are_reached_once),        cmocka_unit_test(a_game_that_has_ended_has_no_moves),
        cmocka_unit_test(cells_out_of_reach_do_not_count),    cmocka_unit_test(who_may_come_from_where),
        cmocka_unit_test(too_large_a_world_is_refused),       cmocka_unit_test(more_than_its_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
