#include "multidistral/world/behaviour.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/world/choke.h"

void behaviour_create(struct behaviour *b, const struct env_grid *grid, const struct task *task,
                      const struct cells *cells) {
    int places = task->rows * task->columns;
    bool *choke = memory_zeros((size_t)places, sizeof *choke);
    int *part = memory_zeros((size_t)places, sizeof *part);
    *b = (struct behaviour){.grid = grid, .n_cells = cells->n};
    b->choke = memory_zeros((size_t)cells->n, sizeof *b->choke);
    b->part = memory_zeros((size_t)cells->n, sizeof *b->part);
    b->steps_in = memory_zeros((size_t)(grid->env.n_agents * cells->n), sizeof *b->steps_in);
    choke_find(task, choke);
    choke_parts(task, choke, part);
    for (int place = 0; place < places; place++) {
        if (task->wall[place]) continue;
        b->choke[cells_number(cells, task, place)] = choke[place];
        b->part[cells_number(cells, task, place)] = part[place];
    }
    free(choke);
    free(part);
}

void behaviour_destroy(struct behaviour *b) {
    free(b->choke);
    free(b->part);
    free(b->steps_in);
    *b = (struct behaviour){0};
}

void behaviour_clear(struct behaviour *b) {
    b->n_games = 0;
    memset(b->moves, 0, sizeof b->moves);
    memset(b->steps_in, 0, (size_t)(b->grid->env.n_agents * b->n_cells) * sizeof *b->steps_in);
}

/* Who is first to be on a choke point is decided when somebody is: for the one who is there alone, if there is one. */
static void decide_first(struct behaviour *b, const struct env_state *state) {
    int there = 0, who = 0;
    for (int j = 0; j < b->grid->env.n_agents; j++)
        if (b->choke[state->cell[j]]) there++, who = j;
    if (b->reached || there == 0) return;
    b->reached = true;
    if (there == 1) b->moves[who].first++;
}

/* Likewise who gets through first. */
static void decide_first_through(struct behaviour *b, const struct env_state *state) {
    int through = 0, who = 0;
    for (int j = 0; j < b->grid->env.n_agents; j++) {
        int part = b->choke[state->cell[j]] ? b->part_of[j] : b->part[state->cell[j]];
        if (part != b->part_of[j]) through++, who = j;
        b->part_of[j] = part;
    }
    if (b->passed || through == 0) return;
    b->passed = true;
    if (through == 1) b->moves[who].first_through++;
}

void behaviour_begin(struct behaviour *b, const struct env_state *start) {
    b->reached = b->passed = false;
    for (int j = 0; j < b->grid->env.n_agents; j++) b->part_of[j] = b->part[start->cell[j]];
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
    decide_first_through(b, after);
}

void behaviour_end(struct behaviour *b, const double *returns) {
    int n = b->grid->env.n_agents;
    double mean = 0;
    for (int j = 0; j < n; j++) mean += returns[j] / n;
    for (int j = 0; j < n; j++) b->moves[j].gap += fabs(returns[j] - mean);
    b->n_games++;
}
