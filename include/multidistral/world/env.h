/* The environment interface: what every world offers to learners.
 *
 * An environment is immutable and shared; a state is a small value, and a step a function of (state, joint action,
 * draws). So a game can be replayed from its key, and a planner sees the transitions that training draws from. */
#ifndef MULTIDISTRAL_WORLD_ENV_H
#define MULTIDISTRAL_WORLD_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include "multidistral/base/index.h"
#include "multidistral/base/vector.h"
#include "multidistral/world/cells.h"
#include "multidistral/world/rules.h"
#include "multidistral/world/task.h"

enum {
    ENV_AGENTS = TASK_AGENTS,
    ENV_ACTIONS = 5,                          /* of an agent on a map; and most actions of an agent anywhere */
    ENV_DRAWS = ENV_AGENTS + ENV_AGENTS / 2   /* most draws of one step */
};

enum { ACTION_STAY, ACTION_DOWN, ACTION_UP, ACTION_LEFT, ACTION_RIGHT };

/* Can agents finish before the step limit? In a matrix game nobody does. */
static inline bool env_has_goals(enum env_kind kind) { return kind == ENV_grid; }

/* What people call an action. */
const char *env_action_name(enum env_kind kind, int action);

/* How many draws a step uses, in every world: the first n_agents for the agents' actions, the others for its chances. */
static inline int env_draws(int n_agents) { return n_agents + n_agents / 2; }

struct env_state {
    uint16_t cell[ENV_AGENTS]; /* where each agent stands, as numbered in struct cells */
    uint8_t previous[ENV_AGENTS]; /* each agent's last action; 0 (ACTION_STAY) at the start, and from the step after its last */
    uint32_t finished; /* bit j: agent j is on its goal, for good */
};

/* What all worlds have; the first member of struct env_<kind>. */
struct env {
    enum env_kind kind;
    int n_agents, n_actions; /* actions of each agent */
    struct rules rules;
    struct env_state start;
};

/* What the parts of an observation are: one digit each of the row index. */
enum part_kind { PART_CELL, PART_ACTION, PART_FINISHED };

struct env_part {
    enum part_kind kind;
    bool relative; /* is `agent` counted as the observer does: 0 itself, then the others in order? */
    int agent;     /* whose, from 0 */
    char name[32];
};

/* Observations of a run: the same for all its tasks. A row index is the mixed-radix number of its parts. */
struct env_senses {
    int n_agents, n_cells, n_actions;
    struct senses senses;
    struct index rows; /* rows.n observations, rows.n_digits parts */
    struct env_part part[INDEX_DIGITS];
    /* Row of observer j = sum over agents k of cell[k] * by_cell[j][k] + previous[k] * by_action[j][k]
     *                     + finished[k] * by_finished[j][k]; 0 for what is not observed. */
    uint64_t by_cell[ENV_AGENTS][ENV_AGENTS];
    uint64_t by_action[ENV_AGENTS][ENV_AGENTS];
    uint64_t by_finished[ENV_AGENTS][ENV_AGENTS];
};

/* False when there are too many observations to number. */
bool env_senses_create(struct env_senses *out, const struct senses *senses, int n_agents, int n_cells, int n_actions,
                       struct fault *why);

/* The row that agent `observer` sees. n_agents is a parameter so that a caller can make it a constant. */
static inline uint64_t env_observe(const struct env_senses *s, int n_agents, const struct env_state *state,
                                   int observer) {
    uint64_t row = 0;
    UNROLLED
    for (int k = 0; k < n_agents; k++) {
        row += state->cell[k] * s->by_cell[observer][k];
        row += state->previous[k] * s->by_action[observer][k];
        if (k != observer) row += (state->finished >> k & 1) * s->by_finished[observer][k];
    }
    return row;
}

#endif
