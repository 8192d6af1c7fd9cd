#include "multidistral/world/behaviour.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/world/choke.h"

void behaviour_create(struct behaviour *b, const struct env_grid *grid, const struct task *task,
                      const struct cells *cells) {
    int places = task->rows * task->columns;
    bool *on_map = memory_zeros((size_t)places, sizeof *on_map);
    *b = (struct behaviour){.grid = grid, .n_cells = cells->n};
    b->choke = memory_zeros((size_t)cells->n, sizeof *b->choke);
    b->steps_in = memory_zeros((size_t)(grid->env.n_agents * cells->n), sizeof *b->steps_in);
    choke_find(task, on_map);
    for (int place = 0; place < places; place++)
        if (on_map[place]) b->choke[cells_number(cells, task, place)] = true;
    free(on_map);
}

void behaviour_destroy(struct behaviour *b) {
    free(b->choke);
    free(b->steps_in);
    *b = (struct behaviour){0};
}

void behaviour_clear(struct behaviour *b) {
    b->n_games = 0;
    memset(b->moves, 0, sizeof b->moves);
    memset(b->steps_in, 0, (size_t)(b->grid->env.n_agents * b->n_cells) * sizeof *b->steps_in);
}

/* The first game in which somebody is on a choke point is decided: for the one who is there alone, if there is one. */
static void decide_first(struct behaviour *b, const struct env_state *state) {
    int there = 0, who = 0;
    for (int j = 0; j < b->grid->env.n_agents; j++)
        if (b->choke[state->cell[j]]) there++, who = j;
    if (b->decided || there == 0) return;
    b->decided = true;
    if (there == 1) b->moves[who].first++;
}

void behaviour_begin(struct behaviour *b, const struct env_state *start) {
    b->decided = false;
    decide_first(b, start);
}

static bool other_stands_on(const struct behaviour *b, const struct env_state *state, int agent, uint16_t cell) {
    for (int k = 0; k < b->grid->env.n_agents; k++)
        if (k != agent && state->cell[k] == cell) return true;
    return false;
}

static bool beside_taken_choke(const struct behaviour *b, const struct env_state *state, int agent) {
    const uint16_t *neighbour = &b->grid->move[state->cell[agent] * GRID_STRIDE];
    for (int a = 0; a < ENV_ACTIONS; a++)
        if (b->choke[neighbour[a]] && other_stands_on(b, state, agent, neighbour[a])) return true;
    return false;
}

static void count_refusal(struct behaviour *b, const struct env_state *before, int agent, uint8_t action) {
    uint16_t wanted = b->grid->move[before->cell[agent] * GRID_STRIDE + action];
    if (wanted == before->cell[agent]) b->moves[agent].wall++;
    else if (other_stands_on(b, before, agent, wanted)) b->moves[agent].blocked++;
    else b->moves[agent].contested++;
}

void behaviour_step(struct behaviour *b, const struct env_state *before, const uint8_t *action,
                    const struct env_state *after) {
    for (int j = 0; j < b->grid->env.n_agents; j++) {
        if (before->finished >> j & 1) continue;
        bool stayed = after->cell[j] == before->cell[j];
        b->steps_in[j * b->n_cells + before->cell[j]]++;
        b->moves[j].choke += b->choke[before->cell[j]];
        b->moves[j].waited += stayed && beside_taken_choke(b, before, j);
        if (stayed && action[j] != ACTION_STAY) count_refusal(b, before, j, action[j]);
    }
    decide_first(b, after);
}

void behaviour_end(struct behaviour *b, const double *returns) {
    int n = b->grid->env.n_agents;
    double mean = 0;
    for (int j = 0; j < n; j++) mean += returns[j] / n;
    for (int j = 0; j < n; j++) b->moves[j].gap += fabs(returns[j] - mean);
    b->n_games++;
}
