#include "multidistral/world/search.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"

static const float most_random = 0.5f;  /* of a simulation's actions, at most so many are random */
static const double exploration = 0.1;  /* of UCT, for values from 0 to 1 */
static const double widening = 2;       /* children of a node: 1 + widening * sqrt(visits) */
enum { OPENING = 4, /* one in so many simulations is for the first step */
       DETOUR = 4, SLACK = 64 /* a simulation is cut after DETOUR * all shortest ways + SLACK steps */ };

/* A game as far as it was played; all agents that have not finished then stay where they are. */
struct game {
    struct env_state state;
    int64_t steps;
    double discount, value; /* gamma^steps; sum of the discounted rewards so far, at the end with those of staying */
    uint8_t *action;        /* [step_limit][n_agents] */
};

struct node {
    uint32_t child, sibling; /* node numbers; 0: none */
    uint32_t n_children, visits;
    double total; /* of the visits' values */
    uint8_t action[ENV_AGENTS];
};

struct search {
    const struct env_grid *grid;
    int n_agents;
    double gamma;
    struct rng rng;
    uint32_t *distance[ENV_AGENTS]; /* by cell: steps to the agent's goal when nobody is in the way */
    int64_t longest;                /* steps of a simulation */
    struct game played, best, trial;
    struct node *node; /* one for each simulation and step, and none at 0 */
    uint32_t n_nodes, root;
    uint32_t *path;         /* [longest + 2]  nodes of the trial */
    double lowest, highest; /* values seen from the root */
    float random, waits[ENV_AGENTS]; /* how the agents of this trial behave: probabilities */
};

/* ---- Shortest ways ---- */

/* Moves on a map can be gone back. */
static uint32_t *distances_to(const struct env_grid *grid, uint16_t goal) {
    uint32_t *distance = memory_zeros(TASK_CELLS + 1, sizeof *distance);
    uint16_t *queue = memory_zeros(TASK_CELLS + 1, sizeof *queue);
    for (int c = 0; c <= TASK_CELLS; c++) distance[c] = UINT32_MAX;
    int n = 0;
    queue[n++] = goal;
    distance[goal] = 0;
    for (int i = 0; i < n; i++)
        for (int a = 0; a < ENV_ACTIONS; a++) {
            uint16_t next = grid->move[queue[i] * GRID_STRIDE + a];
            if (distance[next] != UINT32_MAX) continue;
            distance[next] = distance[queue[i]] + 1;
            queue[n++] = next;
        }
    free(queue);
    return distance;
}

/* ---- Playing ---- */

static uint32_t everyone(const struct search *search) { return (UINT32_C(1) << search->n_agents) - 1; }

static bool ended(const struct search *search, const struct game *game) {
    return game->state.finished == everyone(search) || game->steps == search->grid->env.rules.step_limit;
}

static void play(const struct search *search, struct game *game, const uint8_t *action) {
    static const uint32_t no_lot[ENV_AGENTS / 2];
    double reward[ENV_AGENTS] = {0};
    memcpy(game->action + game->steps * search->n_agents, action, (size_t)search->n_agents);
    env_grid_step(search->grid, search->n_agents, &game->state, action, no_lot, reward);
    for (int j = 0; j < search->n_agents; j++) game->value += game->discount * reward[j];
    game->discount *= search->gamma;
    game->steps++;
}

/* What the game is worth when all stay from here to the step limit. */
static double value_of_staying(const struct search *search, const struct game *game) {
    const struct rules *rules = &search->grid->env.rules;
    double steps = (double)(rules->step_limit - game->steps), gamma = search->gamma;
    double discounts = gamma < 1 ? (1 - pow(gamma, steps)) / (1 - gamma) : steps;
    int playing = search->n_agents;
    for (uint32_t bits = game->state.finished; bits; bits &= bits - 1) playing--;
    return playing * rules->reward_step * game->discount * discounts;
}

static uint8_t nearer(struct search *search, int agent, uint16_t cell) {
    uint32_t a = rng_below(rng_next(&search->rng), ENV_ACTIONS), left = ENV_ACTIONS;
    const uint16_t *next = &search->grid->move[cell * GRID_STRIDE];
    const uint32_t *distance = search->distance[agent];
    while (left-- > 1 && distance[next[a]] >= distance[cell]) a = (a + 1) % ENV_ACTIONS; /* every goal can be reached */
    return (uint8_t)a;
}

static bool happens(struct search *search, float probability) { return rng_unit(rng_next(&search->rng)) < probability; }

/* Agents stay, one after another, until nothing is left to be decided by lot. */
static void give_way(struct search *search, const struct env_state *state, uint8_t *action) {
    if (search->grid->env.rules.contested != CONTESTED_RANDOM) return;
    uint32_t contenders[ENV_AGENTS / 2];
    int n = search->n_agents, first = (int)rng_below(rng_next(&search->rng), (uint32_t)n);
    for (int i = 0; env_grid_contests(search->grid, state, action, contenders) > 0; i++)
        action[(first + i) % n] = ACTION_STAY;
}

static void propose(struct search *search, const struct env_state *state, uint8_t *action) {
    for (int j = 0; j < search->n_agents; j++) {
        if (state->finished >> j & 1) action[j] = ACTION_STAY;
        else if (happens(search, search->random)) action[j] = (uint8_t)rng_below(rng_next(&search->rng), ENV_ACTIONS);
        else if (happens(search, search->waits[j])) action[j] = ACTION_STAY;
        else action[j] = nearer(search, j, state->cell[j]);
    }
    give_way(search, state, action);
}

/* ---- The tree ---- */

static uint32_t child_with(const struct search *search, uint32_t parent, const uint8_t *action) {
    uint32_t child = search->node[parent].child;
    while (child && memcmp(search->node[child].action, action, (size_t)search->n_agents) != 0)
        child = search->node[child].sibling;
    return child;
}

static uint32_t add_node(struct search *search, uint32_t parent, const uint8_t *action) {
    uint32_t number = ++search->n_nodes;
    struct node *node = &search->node[number];
    memcpy(node->action, action, (size_t)search->n_agents);
    node->sibling = search->node[parent].child;
    search->node[parent].child = number;
    search->node[parent].n_children++;
    return number;
}

/* The child with the highest upper confidence bound. */
static uint32_t best_child(const struct search *search, uint32_t parent) {
    double span = search->highest > search->lowest ? search->highest - search->lowest : 1;
    double highest = -INFINITY, visits = log(search->node[parent].visits + 1.0);
    uint32_t best = 0;
    for (uint32_t c = search->node[parent].child; c; c = search->node[c].sibling) {
        const struct node *node = &search->node[c];
        double mean = (node->total / node->visits - search->lowest) / span;
        double bound = mean + exploration * sqrt(visits / node->visits);
        if (bound > highest) highest = bound, best = c;
    }
    assert(best != 0);
    return best;
}

/* The next node of a trial, a new one if it may be; *leaf says so. */
static uint32_t descend(struct search *search, uint32_t parent, bool *leaf) {
    const struct node *node = &search->node[parent];
    if (node->n_children > 1 + widening * sqrt(node->visits)) return best_child(search, parent);
    uint8_t action[ENV_AGENTS] = {0};
    propose(search, &search->trial.state, action);
    uint32_t child = child_with(search, parent, action);
    *leaf = child == 0;
    return child ? child : add_node(search, parent, action);
}

/* Down the tree to a new leaf or the end of the game. Returns the number of nodes on the path, without the root. */
static int64_t walk_tree(struct search *search, int64_t end) {
    int64_t n = 0;
    bool leaf = false;
    search->path[0] = search->root;
    while (!leaf && search->trial.steps < end && !ended(search, &search->trial)) {
        search->path[n + 1] = descend(search, search->path[n], &leaf);
        play(search, &search->trial, search->node[search->path[++n]].action);
    }
    return n;
}

static void behave(struct search *search) {
    search->random = most_random * rng_unit(rng_next(&search->rng));
    for (int j = 0; j < search->n_agents; j++) {
        float waits = rng_unit(rng_next(&search->rng));
        search->waits[j] = waits < 0.5f ? 0 : 2 * waits - 1; /* every other agent never waits */
    }
}

static void copy_game(const struct search *search, const struct game *from, struct game *to, int64_t first) {
    size_t row = (size_t)search->n_agents;
    uint8_t *action = to->action;
    memcpy(action + (size_t)first * row, from->action + (size_t)first * row, (size_t)(from->steps - first) * row);
    *to = *from;
    to->action = action;
}

static void learn(struct search *search, int64_t n, double value) {
    search->lowest = fmin(search->lowest, value);
    search->highest = fmax(search->highest, value);
    for (int64_t i = 0; i <= n; i++) {
        search->node[search->path[i]].visits++;
        search->node[search->path[i]].total += value;
    }
}

static void simulate(struct search *search) {
    int64_t end = search->played.steps + search->longest;
    uint8_t action[ENV_AGENTS] = {0};
    copy_game(search, &search->played, &search->trial, search->played.steps);
    behave(search);
    int64_t n = walk_tree(search, end);
    while (search->trial.steps < end && !ended(search, &search->trial)) {
        propose(search, &search->trial.state, action);
        play(search, &search->trial, action);
    }
    search->trial.value += value_of_staying(search, &search->trial);
    learn(search, n, search->trial.value);
    if (search->trial.value > search->best.value)
        copy_game(search, &search->trial, &search->best, search->played.steps);
}

/* ---- The game ---- */

static void advance(struct search *search) {
    int64_t at = search->played.steps * search->n_agents;
    uint8_t action[ENV_AGENTS] = {0};
    memcpy(action, search->best.action + at, (size_t)search->n_agents);
    memcpy(search->trial.action + at, action, (size_t)search->n_agents);
    play(search, &search->played, action);
    uint32_t child = child_with(search, search->root, action);
    search->root = child ? child : ++search->n_nodes;
    search->lowest = search->highest = search->best.value; /* seen from here, too: bounds are finite from the start */
}

/* Every simulation adds one node at most, and so does every step that gets any. */
static void run(struct search *search, uint32_t budget) {
    uint32_t share = budget / OPENING + 1;
    while (budget > 0 && !ended(search, &search->played)) {
        for (uint32_t i = 0; i < share && budget > 0; i++, budget--) simulate(search);
        if (search->best.steps > search->played.steps) advance(search);
        int64_t ahead = search->best.steps - search->played.steps;
        share = ahead > 0 ? (uint32_t)(budget / ahead) + 1 : budget;
    }
}

static void show(const struct search *search, struct solution *out) {
    const struct game *best = &search->best;
    struct env_state state = search->grid->env.start;
    const uint8_t stay[ENV_AGENTS] = {0};
    const uint32_t no_lot[ENV_AGENTS / 2] = {0};
    double discount = 1;
    while (out->steps < search->grid->env.rules.step_limit && state.finished != everyone(search)) {
        const uint8_t *action = out->steps < best->steps ? best->action + out->steps * search->n_agents : stay;
        double reward[ENV_AGENTS];
        solution_add_step(out, action, state.finished);
        env_grid_step(search->grid, search->n_agents, &state, action, no_lot, reward);
        for (int j = 0; j < search->n_agents; j++) out->split[j] += discount * reward[j];
        discount *= search->gamma;
    }
    for (int j = 0; j < search->n_agents; j++) out->sum += out->split[j];
}

static void start(struct search *search, uint32_t budget, uint32_t seed) {
    const struct env_grid *grid = search->grid;
    const struct game game = {.state = grid->env.start, .discount = 1};
    size_t steps = (size_t)grid->env.rules.step_limit;
    rng_start(&search->rng, &(struct rng_key){.seed = seed, .phase = RNG_SEARCH});
    search->longest = SLACK;
    for (int j = 0; j < search->n_agents; j++) {
        search->distance[j] = distances_to(grid, grid->goal[j]);
        search->longest += DETOUR * (int64_t)search->distance[j][grid->env.start.cell[j]];
    }
    search->played = search->best = search->trial = game;
    search->best.value = -INFINITY;
    search->played.action = memory_zeros(steps, (size_t)search->n_agents);
    search->best.action = memory_zeros(steps, (size_t)search->n_agents);
    search->trial.action = memory_zeros(steps, (size_t)search->n_agents);
    search->node = memory_zeros(2 * (size_t)budget + 2, sizeof *search->node);
    search->path = memory_zeros((size_t)search->longest + 2, sizeof *search->path);
    search->root = search->n_nodes = 1;
    search->lowest = INFINITY;
    search->highest = -INFINITY;
}

static void destroy(struct search *search) {
    for (int j = 0; j < search->n_agents; j++) free(search->distance[j]);
    free(search->played.action);
    free(search->best.action);
    free(search->trial.action);
    free(search->node);
    free(search->path);
}

void search_game(const struct env_grid *grid, double gamma, uint32_t budget, uint32_t seed, struct solution *out) {
    struct search search = {.grid = grid, .n_agents = grid->env.n_agents, .gamma = gamma};
    *out = (struct solution){.work = budget, .n_agents = grid->env.n_agents};
    start(&search, budget, seed);
    run(&search, budget);
    show(&search, out);
    destroy(&search);
}
