/* world/env: what is observed, and the row of each observation. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/base/rng.h"
#include "multidistral/world/env.h"

static struct senses senses_of(enum frame frame, bool others, bool own_action, bool other_actions, bool finished) {
    return (struct senses){.frame = frame,
                           .observe_others = others,
                           .observe_own_action = own_action,
                           .observe_other_actions = other_actions,
                           .observe_finished = finished};
}

static struct env_senses create(const struct senses *senses, int n_agents, int n_cells) {
    struct env_senses out;
    struct fault why;
    if (!env_senses_create(&out, senses, n_agents, n_cells, ENV_ACTIONS, &why)) fail_msg("%s", why.text);
    return out;
}

/* All 32 ways to set the senses. */
static struct senses senses_number(int i) {
    return senses_of(i & 16 ? FRAME_OWN_FIRST : FRAME_FIXED, i & 8, i & 4, i & 2, i & 1);
}

static const struct env_state some_state = {
    .cell = {3, 17, 9}, .previous = {ACTION_UP, ACTION_RIGHT, ACTION_LEFT}, .finished = 2};

static void actions_have_their_names(void **unused) {
    (void)unused;
    assert_string_equal(env_action_name(ENV_grid, ACTION_STAY), "stay");
    assert_string_equal(env_action_name(ENV_grid, ACTION_DOWN), "down");
    assert_string_equal(env_action_name(ENV_grid, ACTION_UP), "up");
    assert_string_equal(env_action_name(ENV_grid, ACTION_LEFT), "left");
    assert_string_equal(env_action_name(ENV_grid, ACTION_RIGHT), "right");
}

static void the_two_room_tasks_have_23_23_5_2_observations(void **unused) {
    (void)unused;
    struct senses senses;
    setting_defaults(senses_table, senses_count, &senses);
    struct env_senses own_first = create(&senses, 2, 23);
    assert_int_equal(own_first.rows.n, 23 * 23 * 5 * 2);
    senses.frame = FRAME_FIXED;
    struct env_senses fixed = create(&senses, 2, 23);
    assert_int_equal(fixed.rows.n, 23 * 23 * 5 * 2);
}

static void fixed_names_agent_1_first_for_every_observer(void **unused) {
    (void)unused;
    struct senses senses = senses_of(FRAME_FIXED, true, true, false, true);
    struct env_senses s = create(&senses, 2, 23);
    assert_int_equal(env_observe(&s, 2, &some_state, 0), ((3 * 23 + 17) * 5 + ACTION_UP) * 2 + 1);
    assert_int_equal(env_observe(&s, 2, &some_state, 1), ((3 * 23 + 17) * 5 + ACTION_RIGHT) * 2 + 0);
}

static void own_first_names_the_observer_first(void **unused) {
    (void)unused;
    struct senses senses = senses_of(FRAME_OWN_FIRST, true, true, false, true);
    struct env_senses s = create(&senses, 2, 23);
    assert_int_equal(env_observe(&s, 2, &some_state, 0), ((3 * 23 + 17) * 5 + ACTION_UP) * 2 + 1);
    assert_int_equal(env_observe(&s, 2, &some_state, 1), ((17 * 23 + 3) * 5 + ACTION_RIGHT) * 2 + 0);
}

static void others_follow_in_order_with_three_agents(void **unused) {
    (void)unused;
    struct senses senses = senses_of(FRAME_OWN_FIRST, true, false, false, false);
    struct env_senses s = create(&senses, 3, 20);
    assert_int_equal(env_observe(&s, 3, &some_state, 0), (3 * 20 + 17) * 20 + 9);
    assert_int_equal(env_observe(&s, 3, &some_state, 1), (17 * 20 + 3) * 20 + 9);
    assert_int_equal(env_observe(&s, 3, &some_state, 2), (9 * 20 + 3) * 20 + 17);
}

static void fixed_keeps_the_order_of_three_agents(void **unused) {
    (void)unused;
    struct senses senses = senses_of(FRAME_FIXED, true, true, false, false);
    struct env_senses s = create(&senses, 3, 20);
    const int action[3] = {ACTION_UP, ACTION_RIGHT, ACTION_LEFT};
    for (int j = 0; j < 3; j++)
        assert_int_equal(env_observe(&s, 3, &some_state, j), ((3 * 20 + 17) * 20 + 9) * 5 + action[j]);
}

static void other_actions_and_flags_follow_the_others_order(void **unused) {
    (void)unused;
    struct senses senses = senses_of(FRAME_OWN_FIRST, false, true, true, true);
    struct env_senses s = create(&senses, 3, 20);
    struct env_state state = some_state;
    state.finished = 4;
    uint64_t of_agent_2 = (((17 * 5 + ACTION_RIGHT) * 5 + ACTION_UP) * 5 + ACTION_LEFT) * 4 + 1;
    assert_int_equal(env_observe(&s, 3, &state, 1), of_agent_2);
    uint64_t of_agent_3 = (((9 * 5 + ACTION_LEFT) * 5 + ACTION_UP) * 5 + ACTION_RIGHT) * 4 + 0;
    assert_int_equal(env_observe(&s, 3, &state, 2), of_agent_3);
}

static void an_agent_alone_sees_its_cell_and_action(void **unused) {
    (void)unused;
    for (int frame = FRAME_FIXED; frame <= FRAME_OWN_FIRST; frame++) {
        struct senses senses = senses_of((enum frame)frame, true, true, true, true);
        struct env_senses s = create(&senses, 1, 104);
        assert_int_equal(s.rows.n, 104 * 5);
        assert_int_equal(env_observe(&s, 1, &some_state, 0), 3 * 5 + ACTION_UP);
    }
}

static void parts_are_named(void **unused) {
    (void)unused;
    struct senses senses = senses_of(FRAME_FIXED, true, true, false, true);
    struct env_senses fixed = create(&senses, 2, 23);
    static const char *const of_fixed[] = {"agent_1_cell", "agent_2_cell", "own_action", "other_finished"};
    assert_int_equal(fixed.rows.n_digits, 4);
    for (int i = 0; i < 4; i++) assert_string_equal(fixed.part[i].name, of_fixed[i]);
    senses.frame = FRAME_OWN_FIRST;
    struct env_senses own = create(&senses, 3, 23);
    static const char *const of_own[] = {"own_cell",   "other_1_cell",     "other_2_cell",
                                         "own_action", "other_1_finished", "other_2_finished"};
    assert_int_equal(own.rows.n_digits, 6);
    for (int i = 0; i < 6; i++) assert_string_equal(own.part[i].name, of_own[i]);
}

/* ---- Switches ---- */

static uint64_t power(uint64_t base, int exponent) { return exponent == 0 ? 1 : base * power(base, exponent - 1); }

static void each_switch_adds_its_parts(void **unused) {
    (void)unused;
    for (int n_agents = 1; n_agents <= 4; n_agents++) {
        for (int i = 0; i < 32; i++) {
            struct senses senses = senses_number(i);
            struct env_senses s = create(&senses, n_agents, 23);
            uint64_t expected = power(23, senses.observe_others ? n_agents : 1) *
                                power(5, senses.observe_own_action) *
                                power(5, senses.observe_other_actions ? n_agents - 1 : 0) *
                                power(2, senses.observe_finished ? n_agents - 1 : 0);
            assert_true(s.rows.n == expected);
        }
    }
}

/* Does a change of the state show in the row? */
static bool shows(const struct env_senses *s, int observer, struct env_state changed) {
    return env_observe(s, 3, &changed, observer) != env_observe(s, 3, &some_state, observer);
}

static void assert_switches_hide(const struct env_senses *s, int observer, int agent) {
    bool own = agent == observer;
    struct env_state moved = some_state, acted = some_state, finished = some_state;
    moved.cell[agent]++;
    acted.previous[agent] = ACTION_DOWN;
    finished.finished ^= UINT32_C(1) << agent;
    assert_int_equal(shows(s, observer, moved), own || s->senses.observe_others);
    assert_int_equal(shows(s, observer, acted), own ? s->senses.observe_own_action : s->senses.observe_other_actions);
    assert_int_equal(shows(s, observer, finished), !own && s->senses.observe_finished);
}

static void what_is_switched_off_does_not_show(void **unused) {
    (void)unused;
    for (int i = 0; i < 32; i++) {
        struct senses senses = senses_number(i);
        struct env_senses s = create(&senses, 3, 23);
        for (int observer = 0; observer < 3; observer++)
            for (int agent = 0; agent < 3; agent++) assert_switches_hide(&s, observer, agent);
    }
}

/* ---- Uniqueness ---- */

enum { FEW_CELLS = 4 };

/* The state of number i among all of two agents on FEW_CELLS cells. */
static struct env_state state_number(int i) {
    struct env_state state = {0};
    for (int j = 0; j < 2; j++) {
        state.cell[j] = (uint16_t)(i % FEW_CELLS);
        i /= FEW_CELLS;
        state.previous[j] = (uint8_t)(i % ENV_ACTIONS);
        i /= ENV_ACTIONS;
        state.finished |= (uint32_t)(i % 2) << j;
        i /= 2;
    }
    return state;
}

/* Is there any difference between a and b that the observer is to see? */
static bool same_observation(const struct senses *on, const struct env_state *a, const struct env_state *b, int me) {
    int other = 1 - me;
    if (a->cell[me] != b->cell[me]) return false;
    if (on->observe_others && a->cell[other] != b->cell[other]) return false;
    if (on->observe_own_action && a->previous[me] != b->previous[me]) return false;
    if (on->observe_other_actions && a->previous[other] != b->previous[other]) return false;
    return !on->observe_finished || (a->finished >> other & 1) == (b->finished >> other & 1);
}

/* The first state seen with a row stands for all: each later one with that row must look the same. That as many rows
 * are seen as there are observations then shows that no two share one. */
static void assert_unique(const struct env_senses *s, int observer) {
    enum { STATES = FEW_CELLS * ENV_ACTIONS * 2 * FEW_CELLS * ENV_ACTIONS * 2 };
    int *first = memory_zeros(s->rows.n, sizeof *first);
    uint64_t seen = 0;
    for (int i = 0; i < STATES; i++) {
        struct env_state state = state_number(i);
        uint64_t row = env_observe(s, 2, &state, observer);
        assert_true(row < s->rows.n);
        if (first[row] == 0) {
            seen++;
            first[row] = i + 1;
        }
        struct env_state before = state_number(first[row] - 1);
        assert_true(same_observation(&s->senses, &before, &state, observer));
    }
    assert_int_equal(seen, s->rows.n);
    free(first);
}

static void different_observations_have_different_rows(void **unused) {
    (void)unused;
    for (int i = 0; i < 32; i++) {
        struct senses senses = senses_number(i);
        struct env_senses s = create(&senses, 2, FEW_CELLS);
        for (int observer = 0; observer < 2; observer++) assert_unique(&s, observer);
    }
}

/* ---- Digits ---- */

static struct env_state random_state(struct rng *rng, int n_cells) {
    struct env_state state = {.finished = rng_next(rng) & 0xff};
    for (int j = 0; j < ENV_AGENTS; j++) {
        state.cell[j] = (uint16_t)rng_below(rng_next(rng), (uint32_t)n_cells);
        state.previous[j] = (uint8_t)rng_below(rng_next(rng), ENV_ACTIONS);
    }
    return state;
}

/* The observer's others in order are all agents but itself. */
static int agent_of(const struct env_part *part, int observer) {
    if (!part->relative) return part->agent;
    if (part->agent == 0) return observer;
    return part->agent - 1 < observer ? part->agent - 1 : part->agent;
}

static uint32_t meaning(const struct env_part *part, const struct env_state *state, int observer) {
    int agent = agent_of(part, observer);
    switch (part->kind) {
    case PART_CELL: return state->cell[agent];
    case PART_ACTION: return state->previous[agent];
    case PART_FINISHED: return state->finished >> agent & 1;
    }
    return UINT32_MAX;
}

static void assert_digits_decode(const struct env_senses *s, const struct env_state *state, int observer) {
    uint32_t digit[INDEX_DIGITS];
    index_digits(&s->rows, env_observe(s, s->n_agents, state, observer), digit);
    for (int d = 0; d < s->rows.n_digits; d++) assert_int_equal(digit[d], meaning(&s->part[d], state, observer));
}

static void digits_decode_to_cells_actions_and_flags(void **unused) {
    (void)unused;
    struct rng rng;
    rng_start(&rng, &(struct rng_key){.seed = 5});
    for (int n_agents = 1; n_agents <= 5; n_agents++) {
        for (int i = 0; i < 32; i++) {
            struct senses senses = senses_number(i);
            struct env_senses s = create(&senses, n_agents, 23);
            for (int t = 0; t < 20; t++) {
                struct env_state state = random_state(&rng, 23);
                for (int observer = 0; observer < n_agents; observer++) assert_digits_decode(&s, &state, observer);
            }
        }
    }
}

/* ---- Mirrored situations ---- */

static struct env_state exchanged(struct env_state state, int a, int b) {
    struct env_state out = state;
    out.cell[a] = state.cell[b], out.cell[b] = state.cell[a];
    out.previous[a] = state.previous[b], out.previous[b] = state.previous[a];
    out.finished &= ~(UINT32_C(1) << a | UINT32_C(1) << b);
    out.finished |= (state.finished >> a & 1) << b | (state.finished >> b & 1) << a;
    return out;
}

static void own_first_gives_mirrored_observers_the_same_row(void **unused) {
    (void)unused;
    struct rng rng;
    rng_start(&rng, &(struct rng_key){.seed = 6});
    for (int i = 16; i < 32; i++) {
        struct senses senses = senses_number(i);
        struct env_senses s = create(&senses, 2, 23);
        for (int t = 0; t < 100; t++) {
            struct env_state state = random_state(&rng, 23), mirrored = exchanged(state, 0, 1);
            assert_true(env_observe(&s, 2, &state, 0) == env_observe(&s, 2, &mirrored, 1));
            assert_true(env_observe(&s, 2, &state, 1) == env_observe(&s, 2, &mirrored, 0));
        }
    }
}

static void own_first_gives_exchanged_neighbours_of_three_the_same_row(void **unused) {
    (void)unused;
    struct senses senses = senses_of(FRAME_OWN_FIRST, true, true, true, true);
    struct env_senses s = create(&senses, 3, 23);
    struct env_state first = exchanged(some_state, 0, 1), last = exchanged(some_state, 1, 2);
    assert_true(env_observe(&s, 3, &some_state, 0) == env_observe(&s, 3, &first, 1));
    assert_true(env_observe(&s, 3, &some_state, 2) == env_observe(&s, 3, &last, 1));
}

static void fixed_gives_mirrored_observers_different_rows(void **unused) {
    (void)unused;
    struct senses senses = senses_of(FRAME_FIXED, true, true, false, true);
    struct env_senses s = create(&senses, 2, 23);
    struct env_state mirrored = exchanged(some_state, 0, 1);
    assert_false(env_observe(&s, 2, &some_state, 0) == env_observe(&s, 2, &mirrored, 1));
}

/* ---- Too many ---- */

static void too_many_observations_are_refused_with_advice(void **unused) {
    (void)unused;
    struct senses senses = senses_of(FRAME_OWN_FIRST, true, true, true, true);
    struct env_senses s;
    struct fault why = {""};
    assert_false(env_senses_create(&s, &senses, 8, TASK_CELLS, ENV_ACTIONS, &why));
    assert_non_null(strstr(why.text, "8 agents"));
    assert_non_null(strstr(why.text, "65535 cells"));
    assert_non_null(strstr(why.text, "observe_others = no"));
}

static void observing_less_makes_them_few_enough(void **unused) {
    (void)unused;
    struct senses senses = senses_of(FRAME_OWN_FIRST, false, true, true, true);
    struct env_senses s = create(&senses, 8, TASK_CELLS);
    assert_true(s.rows.n == TASK_CELLS * power(5, 8) * power(2, 7));
}

static void the_bound_is_2_to_the_62(void **unused) {
    (void)unused;
    struct senses senses = senses_of(FRAME_OWN_FIRST, true, false, false, false);
    struct env_senses s;
    struct fault why;
    assert_true(env_senses_create(&s, &senses, 2, 1 << 30, ENV_ACTIONS, &why));
    assert_true(env_senses_create(&s, &senses, 3, 1 << 20, ENV_ACTIONS, &why));
    assert_false(env_senses_create(&s, &senses, 3, 1 << 21, ENV_ACTIONS, &why));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(actions_have_their_names),
        cmocka_unit_test(the_two_room_tasks_have_23_23_5_2_observations),
        cmocka_unit_test(fixed_names_agent_1_first_for_every_observer),
        cmocka_unit_test(own_first_names_the_observer_first),
        cmocka_unit_test(others_follow_in_order_with_three_agents),
        cmocka_unit_test(fixed_keeps_the_order_of_three_agents),
        cmocka_unit_test(other_actions_and_flags_follow_the_others_order),
        cmocka_unit_test(an_agent_alone_sees_its_cell_and_action),
        cmocka_unit_test(parts_are_named),
        cmocka_unit_test(each_switch_adds_its_parts),
        cmocka_unit_test(what_is_switched_off_does_not_show),
        cmocka_unit_test(different_observations_have_different_rows),
        cmocka_unit_test(digits_decode_to_cells_actions_and_flags),
        cmocka_unit_test(own_first_gives_mirrored_observers_the_same_row),
        cmocka_unit_test(own_first_gives_exchanged_neighbours_of_three_the_same_row),
        cmocka_unit_test(fixed_gives_mirrored_observers_different_rows),
        cmocka_unit_test(too_many_observations_are_refused_with_advice),
        cmocka_unit_test(observing_less_makes_them_few_enough),
        cmocka_unit_test(the_bound_is_2_to_the_62),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
