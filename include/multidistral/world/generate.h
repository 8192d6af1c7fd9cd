/* Tasks made by drawing: random starts and goals on the map of a task.
 *
 * Agent by agent: a start, each free cell alike that is no other agent's start and has a goal far enough from it; then
 * a goal, each cell alike that is at least min_steps moves away and no other agent's goal. Where nothing is left for an
 * agent the task is drawn anew. The draws depend on the seed alone, so that fewer tasks are the first of more. */
#ifndef MULTIDISTRAL_WORLD_GENERATE_H
#define MULTIDISTRAL_WORLD_GENERATE_H

#include "multidistral/base/rng.h"
#include "multidistral/world/distance.h"
#include "multidistral/world/task.h"

struct generator {
    const struct task *map; /* the caller's */
    int n_agents, min_steps;
    struct rng rng;
    struct distances distances; /* from the start drawn last */
    int *start;                 /* [n_starts] places that agents may start from, as far as is known */
    int n_starts;
    int farthest;      /* moves, from the places looked at until now */
    struct task *made; /* [n_made], of [room] */
    int n_made, room;
};

/* For tasks of n_agents (1 to TASK_AGENTS) on the map of `map`, each goal at least min_steps >= 1 moves from its start.
 * `map` has to outlive it. The caller owns it: generator_destroy. */
void generator_create(struct generator *generator, const struct task *map, int n_agents, int min_steps, uint32_t seed);
void generator_destroy(struct generator *generator);

/* The next task, unlike all before it. It has the name, rules and walls of `map`; the walls stay the map's, so it is
 * not to be destroyed. False when there is none, or none was found in as many tries as take seconds; the reason names
 * no file. */
bool generator_next(struct generator *generator, struct task *task, struct fault *why);

#endif
