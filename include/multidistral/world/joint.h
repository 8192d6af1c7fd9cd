/* The joint states that games of one task can reach, and where each joint move leads: the whole of a small world.
 *
 * A joint state is the cells of all agents. Who has finished follows from them, since an agent finishes by entering its
 * goal and does not start there; previous actions change nothing about the moves. Every transition is env_grid_step's
 * own, called once for each outcome of its contested cells. With `contested = random` the outcomes of one move are
 * equally likely here; training's draws differ from that by less than 2^-29. */
#ifndef MULTIDISTRAL_WORLD_JOINT_H
#define MULTIDISTRAL_WORLD_JOINT_H

#include "multidistral/base/index.h"
#include "multidistral/world/env_grid.h"

/* The cells that one agent can reach, numbered from 0: its digit in the key of a joint state. */
struct joint_cells {
    int n;
    uint16_t *cell;       /* [n] */
    uint16_t *digit;      /* by cell */
    uint32_t *near_first; /* [n + 1] */
    uint16_t *near;       /* digits that may lead to digit d in one step: near[near_first[d]] ... near[near_first[d + 1]] */
    uint64_t moves;       /* moves of the agent that differ, over all its cells */
};

struct joint {
    const struct env_grid *grid; /* not owned */
    int n_agents;
    struct joint_cells cells[ENV_AGENTS];
    struct index keys;     /* digit j: the cell of agent j */
    uint64_t most_moves;   /* a bound on first[n_states] */
    uint32_t n_states;     /* reached; state 0 is the start */
    uint32_t *number;      /* [keys.n]  1 + the state of a key, 0: not reached */
    uint64_t *key;         /* [n_states] */
    uint8_t *finished;     /* [n_states]  bit j: agent j has finished */
    uint64_t *first;       /* [n_states + 1]  state s has the moves first[s] ... first[s + 1] - 1; none if all finished */
    uint32_t *move;        /* [first[n_states]]  a state, or JOINT_CHANCE + the place of the outcomes in `outcome` */
    uint32_t *outcome;     /* number of outcomes, then as many states, equally likely (a state may come twice) */
    uint64_t n_outcome, room;
    double *reward;        /* [2^n_agents][2^n_agents][n_agents]  by who had finished before and who has after */
};

#define JOINT_CHANCE (UINT32_C(1) << 31)

/* Bytes that a joint space and the values over it take at most, unless a third of its moves are contested; known before
 * any is taken. */
double joint_bytes(const struct joint *joint);

/* All joint states of the world. The caller owns it: joint_destroy; the grid must live as long. False, and nothing to
 * destroy, when there are more than max_states tuples of cells, or with max_states = 0 when joint_bytes are more than
 * JOINT_BYTES. */
bool joint_create(struct joint *joint, const struct env_grid *grid, uint64_t max_states, struct fault *why);
void joint_destroy(struct joint *joint);

#define JOINT_BYTES (UINT64_C(1) << 30)

/* The joint action of a state's i-th move: action [n_agents] out. Moves are in the order of their joint actions, agent
 * 1's the most significant; an action that runs into a wall is left out, being the same as to stay. */
void joint_action(const struct joint *joint, uint32_t state, uint64_t i, uint8_t *action);

/* The outcomes of a move, equally likely. Returns their number; they stay the joint space's. */
static inline uint32_t joint_outcomes(const struct joint *joint, const uint32_t *move, const uint32_t **outcome) {
    bool chance = *move & JOINT_CHANCE;
    const uint32_t *n = chance ? &joint->outcome[*move & ~JOINT_CHANCE] : NULL;
    *outcome = chance ? n + 1 : move;
    return chance ? *n : 1;
}

/* The rewards of all agents when `before` becomes `after`: [n_agents]. */
static inline const double *joint_reward(const struct joint *joint, uint32_t before, uint32_t after) {
    size_t row = ((size_t)joint->finished[before] << joint->n_agents) + joint->finished[after];
    return &joint->reward[row * (size_t)joint->n_agents];
}

static inline bool joint_is_end(const struct joint *joint, uint32_t state) {
    return joint->first[state] == joint->first[state + 1];
}

#endif
