#include "multidistral/world/joint.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"

enum {
    STATE_BYTES = 128, /* of a joint state: its key and number here, its values and decisions in solve */
    MOVE_BYTES = 8     /* of a move: where it leads, and as much again for contested cells */
};

/* ---- One agent's cells ---- */

static bool is_new(struct joint_cells *cells, bool *seen, uint16_t cell) {
    if (seen[cell]) return false;
    seen[cell] = true;
    cells->digit[cell] = (uint16_t)cells->n;
    cells->cell[cells->n++] = cell;
    return true;
}

static void find_cells(struct joint_cells *cells, const struct env_grid *grid, int agent) {
    bool *seen = memory_zeros(TASK_CELLS + 1, sizeof *seen);
    cells->cell = memory_zeros(TASK_CELLS + 1, sizeof *cells->cell);
    cells->digit = memory_zeros(TASK_CELLS + 1, sizeof *cells->digit);
    is_new(cells, seen, grid->env.start.cell[agent]);
    for (int d = 0; d < cells->n; d++)
        for (int a = 0; a < ENV_ACTIONS; a++) is_new(cells, seen, grid->move[cells->cell[d] * GRID_STRIDE + a]);
    free(seen);
}

/* Digits that a step may lead to from digit d, each once: d itself in front. A finished agent stays. */
static int next_digits(const struct joint_cells *cells, const struct env_grid *grid, int agent, int d, uint16_t *next) {
    int n = 0;
    next[n++] = (uint16_t)d;
    for (int a = 0; a < ENV_ACTIONS && cells->cell[d] != grid->goal[agent]; a++) {
        uint16_t to = cells->digit[grid->move[cells->cell[d] * GRID_STRIDE + a]];
        bool known = false;
        for (int i = 0; i < n; i++) known |= next[i] == to;
        if (!known) next[n++] = to;
    }
    return n;
}

/* Turns next_digits round: who may lead to a digit. */
static void find_near(struct joint_cells *cells, const struct env_grid *grid, int agent) {
    uint16_t next[ENV_ACTIONS + 1];
    cells->near_first = memory_zeros((size_t)cells->n + 2, sizeof *cells->near_first);
    uint32_t *end = cells->near_first + 1; /* while filling: end[d] is where digit d's list ends so far */
    for (int d = 0; d < cells->n; d++) {
        int n = next_digits(cells, grid, agent, d, next);
        for (int i = 0; i < n; i++) end[next[i] + 1]++;
        cells->moves += (uint64_t)n;
    }
    for (int d = 0; d < cells->n; d++) end[d + 1] += end[d];
    cells->near = memory_zeros(cells->moves, sizeof *cells->near);
    for (int d = 0; d < cells->n; d++) {
        int n = next_digits(cells, grid, agent, d, next);
        for (int i = 0; i < n; i++) cells->near[end[next[i]]++] = (uint16_t)d;
    }
}

static void destroy_cells(struct joint_cells *cells) {
    free(cells->cell);
    free(cells->digit);
    free(cells->near_first);
    free(cells->near);
}

/* ---- How large it is ---- */

/* Most ways in which the contested cells of one step can be decided: the largest product of numbers that add up to n. */
static uint64_t most_outcomes(int n) { return n <= 4 ? (uint64_t)n : 3 * most_outcomes(n - 3); }

static bool measure(struct joint *joint) {
    joint->keys = (struct index){.n = 1};
    joint->most_moves = 1;
    bool countable = true;
    for (int j = 0; j < joint->n_agents; j++) {
        struct joint_cells *cells = &joint->cells[j];
        find_cells(cells, joint->grid, j);
        find_near(cells, joint->grid, j);
        countable = countable && index_append(&joint->keys, (uint32_t)cells->n) &&
                    joint->most_moves <= JOINT_CHANCE / (most_outcomes(joint->n_agents) + 1) / cells->moves;
        joint->most_moves *= countable ? cells->moves : 1;
    }
    return countable && joint->keys.n < JOINT_CHANCE;
}

double joint_bytes(const struct joint *joint) {
    return (double)joint->keys.n * STATE_BYTES + (double)joint->most_moves * MOVE_BYTES;
}

static bool fits(const struct joint *joint, uint64_t max_states, struct fault *why) {
    double states = (double)joint->keys.n;
    if (max_states > 0 && joint->keys.n > max_states)
        return fault_set(why, "%.3g joint states, expected at most %.3g", states, (double)max_states);
    if (max_states == 0 && joint_bytes(joint) > (double)JOINT_BYTES)
        return fault_set(why, "%.3g joint states with %.3g moves need %.3g GiB, expected at most %.3g GiB", states,
                         (double)joint->most_moves, joint_bytes(joint) / 0x1p30, (double)JOINT_BYTES / 0x1p30);
    return true;
}

/* ---- States ---- */

static uint64_t key_of(const struct joint *joint, const struct env_state *state) {
    uint32_t digit[ENV_AGENTS];
    for (int j = 0; j < joint->n_agents; j++) digit[j] = joint->cells[j].digit[state->cell[j]];
    return index_of(&joint->keys, digit);
}

static struct env_state state_of(const struct joint *joint, uint32_t number) {
    struct env_state state = {.finished = joint->finished[number]};
    uint32_t digit[INDEX_DIGITS];
    index_digits(&joint->keys, joint->key[number], digit);
    for (int j = 0; j < joint->n_agents; j++) state.cell[j] = joint->cells[j].cell[digit[j]];
    return state;
}

static uint32_t reach(struct joint *joint, const struct env_state *state) {
    uint64_t key = key_of(joint, state);
    if (joint->number[key] == 0) {
        joint->key[joint->n_states] = key;
        joint->finished[joint->n_states] = (uint8_t)state->finished;
        joint->number[key] = ++joint->n_states;
    }
    uint32_t number = joint->number[key] - 1;
    assert(joint->finished[number] == state->finished);
    return number;
}

/* ---- Moves ---- */

/* The actions of each agent that differ. */
struct choices {
    int n[ENV_AGENTS];
    uint8_t action[ENV_AGENTS][ENV_ACTIONS];
    uint64_t all; /* joint actions */
};

static void choices_of(const struct joint *joint, const struct env_state *state, struct choices *out) {
    *out = (struct choices){.all = 1};
    for (int j = 0; j < joint->n_agents; j++) {
        const uint16_t *move = &joint->grid->move[state->cell[j] * GRID_STRIDE];
        bool playing = !(state->finished >> j & 1);
        for (int a = 0; a < ENV_ACTIONS; a++)
            if (a == ACTION_STAY || (playing && move[a] != state->cell[j])) out->action[j][out->n[j]++] = (uint8_t)a;
        out->all *= (uint64_t)out->n[j];
    }
}

static void choose(const struct choices *choices, int n_agents, uint64_t i, uint8_t *action) {
    for (int j = n_agents - 1; j >= 0; j--) {
        uint64_t n = (uint64_t)choices->n[j];
        action[j] = choices->action[j][i % n]; /* NOLINT(clang-analyzer-core.DivideZero): one can always stay */
        i /= n;
    }
}

/* The least draw for which rng_below(draw, n) is i. */
static uint32_t draw_for(uint32_t i, uint32_t n) { return (uint32_t)((((uint64_t)i << 32) + n - 1) / n); }

static uint32_t step_to(struct joint *joint, const struct env_state *from, const uint8_t *action, const uint32_t *draw) {
    struct env_state state = *from;
    double reward[ENV_AGENTS];
    env_grid_step(joint->grid, joint->n_agents, &state, action, draw, reward);
    size_t row = ((size_t)from->finished << joint->n_agents) + state.finished;
    memcpy(&joint->reward[row * (size_t)joint->n_agents], reward, (size_t)joint->n_agents * sizeof *reward);
    return reach(joint, &state);
}

static void add_outcome(struct joint *joint, uint32_t value) {
    if (joint->n_outcome == joint->room) {
        enum { FIRST_ROOM = 1024 };
        uint64_t room = joint->room ? 2 * joint->room : FIRST_ROOM;
        uint32_t *more = memory_zeros(room, sizeof *more);
        if (joint->n_outcome > 0) memcpy(more, joint->outcome, joint->n_outcome * sizeof *more);
        free(joint->outcome);
        joint->outcome = more;
        joint->room = room;
    }
    joint->outcome[joint->n_outcome++] = value;
}

/* Every way in which the contested cells of a move can be decided. */
static uint32_t add_chance(struct joint *joint, const struct env_state *from, const uint8_t *action,
                           const uint32_t *contenders, int n_contests) {
    uint32_t place = (uint32_t)joint->n_outcome, all = 1;
    for (int c = 0; c < n_contests; c++) all *= contenders[c];
    add_outcome(joint, all);
    for (uint32_t i = 0; i < all; i++) {
        uint32_t draw[ENV_AGENTS / 2] = {0}, rest = i;
        for (int c = n_contests - 1; c >= 0; rest /= contenders[c], c--)
            draw[c] = draw_for(rest % contenders[c], contenders[c]);
        add_outcome(joint, step_to(joint, from, action, draw));
    }
    return JOINT_CHANCE | place;
}

static uint32_t add_move(struct joint *joint, const struct env_state *from, const uint8_t *action) {
    static const uint32_t any_draw[ENV_AGENTS / 2];
    uint32_t contenders[ENV_AGENTS / 2];
    int n = 0;
    if (joint->grid->env.rules.contested == CONTESTED_RANDOM)
        n = env_grid_contests(joint->grid, from, action, contenders);
    return n > 0 ? add_chance(joint, from, action, contenders, n) : step_to(joint, from, action, any_draw);
}

static void add_moves(struct joint *joint, uint32_t number) {
    const struct env_state state = state_of(joint, number);
    const uint32_t everyone = (UINT32_C(1) << joint->n_agents) - 1;
    struct choices choices;
    uint8_t action[ENV_AGENTS] = {0};
    choices_of(joint, &state, &choices);
    uint64_t first = joint->first[number], n = state.finished == everyone ? 0 : choices.all;
    for (uint64_t i = 0; i < n; i++) {
        choose(&choices, joint->n_agents, i, action);
        joint->move[first + i] = add_move(joint, &state, action);
    }
    joint->first[number + 1] = first + n;
}

void joint_action(const struct joint *joint, uint32_t state, uint64_t i, uint8_t *action) {
    const struct env_state from = state_of(joint, state);
    struct choices choices;
    choices_of(joint, &from, &choices);
    choose(&choices, joint->n_agents, i, action);
}

/* ---- The whole ---- */

static bool take_memory(struct joint *joint, struct fault *why) {
    uint64_t n = joint->keys.n, masks = UINT64_C(1) << joint->n_agents;
    joint->number = memory_sparse(n, sizeof *joint->number);
    joint->key = memory_sparse(n, sizeof *joint->key);
    joint->finished = memory_sparse(n, sizeof *joint->finished);
    joint->first = memory_sparse(n + 1, sizeof *joint->first);
    joint->move = memory_sparse(joint->most_moves, sizeof *joint->move);
    joint->reward = memory_zeros(masks * masks * (uint64_t)joint->n_agents, sizeof *joint->reward);
    if (joint->number && joint->key && joint->finished && joint->first && joint->move) return true;
    return fault_set(why, "%.3g joint states with %.3g moves do not fit into the address space", /* GCOVR_EXCL_LINE */
                     (double)n, (double)joint->most_moves);                                     /* GCOVR_EXCL_LINE */
}

bool joint_create(struct joint *joint, const struct env_grid *grid, uint64_t max_states, struct fault *why) {
    *joint = (struct joint){.grid = grid, .n_agents = grid->env.n_agents};
    bool ok = measure(joint) || fault_set(why, "more joint states and moves than can be numbered");
    if (!ok || !fits(joint, max_states, why) || !take_memory(joint, why)) {
        joint_destroy(joint);
        return false;
    }
    reach(joint, &grid->env.start);
    for (uint32_t s = 0; s < joint->n_states; s++) add_moves(joint, s);
    assert(joint->first[joint->n_states] <= joint->most_moves);
    return true;
}

void joint_destroy(struct joint *joint) {
    uint64_t n = joint->keys.n;
    for (int j = 0; j < joint->n_agents; j++) destroy_cells(&joint->cells[j]);
    memory_sparse_free(joint->number, n, sizeof *joint->number);
    memory_sparse_free(joint->key, n, sizeof *joint->key);
    memory_sparse_free(joint->finished, n, sizeof *joint->finished);
    memory_sparse_free(joint->first, n + 1, sizeof *joint->first);
    memory_sparse_free(joint->move, joint->most_moves, sizeof *joint->move);
    free(joint->outcome);
    free(joint->reward);
    *joint = (struct joint){0};
}
