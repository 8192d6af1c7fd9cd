/* How the agents of one task move: what refuses their moves, how they share choke points, and where they are. Counted from
 * outside, between the steps of games; nothing here changes a game.
 *
 * A refused move has one cause: the wall or edge; else another agent that stood in the cell at the start of the step; else
 * a contested cell that it did not get (env_grid.h). An agent waits when it stays in its cell, for whatever reason, next
 * to a choke point that another agent, still playing or not, occupied at the start of the step. An agent gets through when
 * it enters a part of the map (choke.h) other than the one that it was in last; on a choke point it is in neither. A dead end
 * of one cell behind a choke point is such a part too. */
#ifndef MULTIDISTRAL_WORLD_BEHAVIOUR_H
#define MULTIDISTRAL_WORLD_BEHAVIOUR_H

#include "multidistral/world/env_grid.h"

/* Of one agent, summed over games. */
struct moves {
    int64_t wall, blocked, contested; /* refused moves */
    int64_t choke, waited;            /* steps begun on a choke point; steps waited */
    int64_t first;                    /* games in which it was on a choke point before every other agent */
    int64_t first_through;            /* games in which it got through before every other agent */
    double gap;                       /* |own return - mean return of the team| */
};

struct behaviour {
    const struct env_grid *grid; /* not owned */
    int n_cells;
    bool *choke;                 /* [n_cells] */
    int *part;                   /* [n_cells] */
    int64_t n_games;
    struct moves moves[ENV_AGENTS];
    int64_t *steps_in;           /* [n_agents][n_cells]: steps begun in each cell while the agent played */
    int part_of[ENV_AGENTS];     /* that each agent was in last, in the game in hand */
    bool reached, passed;        /* has anyone been on a choke point, or got through, in the game in hand? */
};

/* Nothing counted. The caller owns it: behaviour_destroy; the grid must live as long. */
void behaviour_create(struct behaviour *behaviour, const struct env_grid *grid, const struct task *task,
                      const struct cells *cells);
void behaviour_destroy(struct behaviour *behaviour);
void behaviour_clear(struct behaviour *behaviour);

/* A game begins in a state, goes from one to the next by the joint action [n_agents], and ends with returns [n_agents]. */
void behaviour_begin(struct behaviour *behaviour, const struct env_state *start);
void behaviour_step(struct behaviour *behaviour, const struct env_state *before, const uint8_t *action,
                    const struct env_state *after);
void behaviour_end(struct behaviour *behaviour, const double *returns);

#endif
