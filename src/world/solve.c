#include "multidistral/world/solve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/world/joint.h"

/* Of the largest value that the rewards allow. */
static const double unchanged = 1e-16; /* what a step may fail to add */
static const double equal = 1e-13;     /* what rounding may make of joint actions that are alike */

/* From `left` steps left on, until a later decision, a state's best move is `move`. */
struct decision {
    uint32_t earlier; /* 1 + the decision before this one; 0: none, and the state's first move before this one */
    uint32_t move;
    int64_t left;
};

struct solver {
    struct joint joint;
    double gamma, unchanged, equal;
    double *gain; /* [2^n_agents][2^n_agents]  sum of the agents' rewards, by who had finished before and after */
    double *value, *next;
    uint32_t *decided; /* [n_states]  1 + the latest decision; 0: none */
    struct decision *decision;
    uint64_t n_decisions, room;
    uint32_t *active; /* states that may change in the step at hand */
    uint32_t *later;  /* those in the next */
    uint32_t n_active, n_later;
    bool *listed; /* [n_states]  is the state in `later`? */
};

/* ---- Decisions ---- */

static uint32_t move_with(const struct solver *solver, uint32_t state, int64_t left) {
    uint32_t d = solver->decided[state];
    while (d > 0 && solver->decision[d - 1].left > left) d = solver->decision[d - 1].earlier;
    return d > 0 ? solver->decision[d - 1].move : 0;
}

static void decide(struct solver *solver, uint32_t state, uint32_t move, int64_t left) {
    if (move_with(solver, state, left) == move) return;
    if (solver->n_decisions == solver->room) {
        uint64_t room = 2 * solver->room;
        struct decision *more = memory_zeros(room, sizeof *more);
        memcpy(more, solver->decision, solver->room * sizeof *more);
        free(solver->decision);
        solver->decision = more;
        solver->room = room;
    }
    solver->decision[solver->n_decisions++] = (struct decision){solver->decided[state], move, left};
    solver->decided[state] = (uint32_t)solver->n_decisions;
}

/* ---- Backward: values ---- */

static double worth(const struct solver *solver, const double *gain, uint32_t state) {
    return gain[solver->joint.finished[state]] + solver->gamma * solver->value[state];
}

static double worth_of_chance(const struct solver *solver, const double *gain, const uint32_t *move) {
    const uint32_t *outcome;
    uint32_t n = joint_outcomes(&solver->joint, move, &outcome);
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) sum += worth(solver, gain, outcome[i]);
    return sum / n;
}

/* V_h(s) from V_h-1, and the decision. */
static double back_up(struct solver *solver, uint32_t state, int64_t left) {
    const struct joint *joint = &solver->joint;
    const double *gain = &solver->gain[(size_t)joint->finished[state] << joint->n_agents];
    const uint32_t *move = &joint->move[joint->first[state]];
    uint32_t n = (uint32_t)(joint->first[state + 1] - joint->first[state]), best = 0;
    double chosen = -INFINITY, highest = -INFINITY;
    for (uint32_t i = 0; i < n; i++) {
        double q = move[i] & JOINT_CHANCE ? worth_of_chance(solver, gain, &move[i]) : worth(solver, gain, move[i]);
        if (q > highest) highest = q;
        if (q > chosen + solver->equal) chosen = q, best = i;
    }
    decide(solver, state, best, left);
    return highest;
}

static void list(struct solver *solver, uint32_t state) {
    if (solver->listed[state] || joint_is_end(&solver->joint, state)) return;
    solver->listed[state] = true;
    solver->later[solver->n_later++] = state;
}

/* Lists every state from which one step may lead to the given cells of agents from `agent` on, and to a change. */
static void list_before(struct solver *solver, const uint32_t *digit, int agent, uint64_t key) {
    const struct joint *joint = &solver->joint;
    if (agent == joint->n_agents) {
        if (joint->number[key] > 0) list(solver, joint->number[key] - 1);
        return;
    }
    const struct joint_cells *cells = &joint->cells[agent];
    for (uint32_t i = cells->near_first[digit[agent]]; i < cells->near_first[digit[agent] + 1]; i++)
        list_before(solver, digit, agent + 1, key + cells->near[i] * joint->keys.place[agent]);
}

static void list_all(struct solver *solver) {
    for (uint32_t s = 0; s < solver->joint.n_states; s++) list(solver, s);
}

/* Takes over the values that changed. Who is to be looked at next follows from them; where they are many, everyone. */
static void commit(struct solver *solver) {
    enum { MANY = 8 }; /* one in so many */
    uint32_t n_changed = 0;
    for (uint32_t i = 0; i < solver->n_active; i++) {
        uint32_t s = solver->active[i];
        if (fabs(solver->next[s] - solver->value[s]) <= solver->unchanged) continue;
        solver->value[s] = solver->next[s];
        solver->active[n_changed++] = s;
    }
    if (n_changed > solver->joint.n_states / MANY) {
        list_all(solver);
        return;
    }
    for (uint32_t i = 0; i < n_changed; i++) {
        uint32_t digit[INDEX_DIGITS];
        index_digits(&solver->joint.keys, solver->joint.key[solver->active[i]], digit);
        list_before(solver, digit, 0, 0);
    }
}

static void take_later(struct solver *solver) {
    uint32_t *done = solver->active;
    solver->active = solver->later;
    solver->n_active = solver->n_later;
    solver->later = done;
    solver->n_later = 0;
    for (uint32_t i = 0; i < solver->n_active; i++) solver->listed[solver->active[i]] = false;
}

static void induce(struct solver *solver) {
    int64_t step_limit = solver->joint.grid->env.rules.step_limit;
    list_all(solver);
    take_later(solver);
    for (int64_t left = 1; left <= step_limit && solver->n_active > 0; left++) {
        for (uint32_t i = 0; i < solver->n_active; i++)
            solver->next[solver->active[i]] = back_up(solver, solver->active[i], left);
        commit(solver);
        take_later(solver);
    }
}

/* ---- Forward: the game, and its split ---- */

static void follow(const struct solver *solver, struct solution *out) {
    const struct joint *joint = &solver->joint;
    uint32_t s = 0;
    double discount = 1;
    for (int64_t left = joint->grid->env.rules.step_limit; left > 0 && !joint_is_end(joint, s); left--) {
        uint8_t action[ENV_AGENTS] = {0};
        uint32_t move = move_with(solver, s, left);
        const uint32_t *next;
        joint_outcomes(joint, &joint->move[joint->first[s] + move], &next); /* one, as solve.h says */
        joint_action(joint, s, move, action);
        solution_add_step(out, action, joint->finished[s]);
        for (int j = 0; j < joint->n_agents; j++) out->split[j] += discount * joint_reward(joint, s, *next)[j];
        discount *= solver->gamma;
        s = *next;
    }
}

/* ---- The whole ---- */

static double *gains_of(const struct joint *joint) {
    size_t pairs = (size_t)1 << 2 * joint->n_agents;
    double *gain = memory_zeros(pairs, sizeof *gain);
    for (size_t i = 0; i < pairs; i++)
        for (int j = 0; j < joint->n_agents; j++) gain[i] += joint->reward[i * (size_t)joint->n_agents + (size_t)j];
    return gain;
}

static void take_memory(struct solver *solver) {
    enum { FIRST_ROOM = 1024 };
    size_t n = solver->joint.n_states;
    solver->gain = gains_of(&solver->joint);
    solver->value = memory_zeros(n, sizeof *solver->value);
    solver->next = memory_zeros(n, sizeof *solver->next);
    solver->decided = memory_zeros(n, sizeof *solver->decided);
    solver->room = FIRST_ROOM;
    solver->decision = memory_zeros(solver->room, sizeof *solver->decision);
    solver->active = memory_zeros(n, sizeof *solver->active);
    solver->later = memory_zeros(n, sizeof *solver->later);
    solver->listed = memory_zeros(n, sizeof *solver->listed);
}

static void destroy(struct solver *solver) {
    free(solver->gain);
    free(solver->value);
    free(solver->next);
    free(solver->decided);
    free(solver->decision);
    free(solver->active);
    free(solver->later);
    free(solver->listed);
    joint_destroy(&solver->joint);
}

static double largest_value(const struct env_grid *grid, double gamma) {
    const struct rules *rules = &grid->env.rules;
    double steps = (double)rules->step_limit, discounts = gamma < 1 ? fmin(steps, 1 / (1 - gamma)) : steps;
    return grid->env.n_agents * fmax(fabs(rules->reward_step), fabs(rules->reward_goal)) * discounts;
}

static bool solve_grid(const struct env_grid *grid, double gamma, uint64_t max_states, struct solution *out,
                       struct fault *why) {
    double largest = largest_value(grid, gamma);
    struct solver solver = {.gamma = gamma, .unchanged = unchanged * largest, .equal = equal * largest};
    if (!joint_create(&solver.joint, grid, max_states, why)) return false;
    take_memory(&solver);
    induce(&solver);
    *out = (struct solution){
        .exact = true, .sum = solver.value[0], .work = solver.joint.n_states, .n_agents = grid->env.n_agents};
    follow(&solver, out);
    destroy(&solver);
    return true;
}

/* ---- Matrix games ---- */

static double expected(const struct payoff *payoff, int agent) { return (payoff->of[0][agent] + payoff->of[1][agent]) / 2; }

static void solve_matrix(const struct env_matrix *matrix, double gamma, struct solution *out) {
    int n = matrix->env.n_actions, best = 0;
    double most = -HUGE_VAL, discount = 1;
    for (int pair = 0; pair < n * n; pair++) {
        double sum = expected(&matrix->payoff[pair], 0) + expected(&matrix->payoff[pair], 1);
        if (sum > most) most = sum, best = pair;
    }
    *out = (struct solution){.exact = true, .work = 1, .n_agents = matrix->env.n_agents};
    for (int64_t t = 0; t < matrix->env.rules.step_limit; t++, discount *= gamma) {
        solution_add_step(out, (const uint8_t[]){(uint8_t)(best / n), (uint8_t)(best % n)}, 0);
        for (int j = 0; j < 2; j++) out->split[j] += discount * expected(&matrix->payoff[best], j);
    }
    out->sum = out->split[0] + out->split[1];
}

bool solve_exact(const struct env *env, double gamma, uint64_t max_states, struct solution *out, struct fault *why) {
    if (env->kind == ENV_grid) return solve_grid((const struct env_grid *)env, gamma, max_states, out, why);
    solve_matrix((const struct env_matrix *)env, gamma, out);
    return true;
}
