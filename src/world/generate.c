#include "multidistral/world/generate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"

enum { MOST_TRIES = 1000000, MOST_CELLS = 1 << 30 }; /* looked at for one task, which is seconds at most */

void generator_create(struct generator *generator, const struct task *map, int n_agents, int min_steps, uint32_t seed) {
    assert(n_agents >= 1 && n_agents <= TASK_AGENTS && min_steps >= 1);
    int places = map->rows * map->columns;
    *generator = (struct generator){.map = map, .n_agents = n_agents, .min_steps = min_steps};
    rng_start(&generator->rng, &(struct rng_key){.seed = seed, .phase = RNG_TASKS});
    distances_create(&generator->distances, map);
    generator->start = memory_zeros((size_t)places, sizeof *generator->start);
    for (int place = 0; place < places; place++)
        if (!map->wall[place]) generator->start[generator->n_starts++] = place;
}

void generator_destroy(struct generator *generator) {
    distances_destroy(&generator->distances);
    free(generator->start);
    free(generator->made);
    *generator = (struct generator){0};
}

static uint32_t draw_below(struct generator *g, int n) { return rng_below(rng_next(&g->rng), (uint32_t)n); }

/* Puts the goals that an agent from here may have in front of distances.order, and says how many they are. */
static int collect_goals(struct generator *g, const struct task *task, int first_far) {
    int *order = g->distances.order, n = 0;
    for (int i = first_far; i < g->distances.n; i++)
        if (!task_has_goal(task, order[i])) order[n++] = order[i];
    return n;
}

/* Of the places in distances.order, the first that is min_steps away. */
static int find_far(struct generator *g) {
    const struct distances *d = &g->distances;
    int i = d->n, farthest = d->to[d->order[d->n - 1]];
    if (farthest > g->farthest) g->farthest = farthest;
    while (i > 0 && d->to[d->order[i - 1]] >= g->min_steps) i--;
    return i;
}

/* The task's next agent. A start without any goal far enough is not drawn again. */
static bool draw_agent(struct generator *g, struct task *task) {
    while (g->n_starts > task->n_agents) {
        int i = draw_below(g, g->n_starts), start = g->start[i];
        if (task_has_start(task, start)) continue;
        distances_from(&g->distances, g->map, start);
        int first_far = find_far(g);
        if (first_far == g->distances.n) {
            g->start[i] = g->start[--g->n_starts];
            continue;
        }
        int n_goals = collect_goals(g, task, first_far);
        if (n_goals == 0) return false;
        task->start[task->n_agents] = start;
        task->goal[task->n_agents++] = g->distances.order[draw_below(g, n_goals)];
        return true;
    }
    return false;
}

static bool draw_task(struct generator *g, struct task *task) {
    *task = *g->map;
    task->n_agents = 0;
    while (task->n_agents < g->n_agents)
        if (!draw_agent(g, task)) return false;
    return true;
}

static bool is_new(const struct generator *g, const struct task *task) {
    size_t bytes = (size_t)g->n_agents * sizeof *task->start;
    for (int i = 0; i < g->n_made; i++)
        if (memcmp(g->made[i].start, task->start, bytes) == 0 && memcmp(g->made[i].goal, task->goal, bytes) == 0)
            return false;
    return true;
}

static void remember(struct generator *g, const struct task *task) {
    if (g->n_made == g->room) {
        g->room = 2 * g->room + 1;
        struct task *larger = memory_zeros((size_t)g->room, sizeof *larger);
        if (g->made) memcpy(larger, g->made, (size_t)g->n_made * sizeof *larger);
        free(g->made);
        g->made = larger;
    }
    g->made[g->n_made++] = *task;
}

static int tries(const struct generator *g) {
    int allowed = MOST_CELLS / (g->n_agents * g->map->rows * g->map->columns);
    return allowed < MOST_TRIES ? allowed : MOST_TRIES;
}

static bool none_found(const struct generator *g, struct fault *why) {
    if (g->n_starts == 0)
        return fault_set(why, "no two cells are %d steps apart, expected at most %d", g->min_steps, g->farthest);
    if (g->n_starts < g->n_agents)
        return fault_set(why, "only %d cells are %d steps or more from another, expected one for each of %d agents",
                         g->n_starts, g->min_steps, g->n_agents);
    if (g->n_made == 0)
        return fault_set(why, "no such task was found in %d tries, expected fewer agents or nearer goals", tries(g));
    return fault_set(why,
                     "no task unlike the first %d was found in %d tries, expected at most that many to be asked for",
                     g->n_made, tries(g));
}

bool generator_next(struct generator *generator, struct task *task, struct fault *why) {
    for (int left = tries(generator); left > 0 && generator->n_starts >= generator->n_agents; left--) {
        if (!draw_task(generator, task) || !is_new(generator, task)) continue;
        remember(generator, task);
        return true;
    }
    return none_found(generator, why);
}
