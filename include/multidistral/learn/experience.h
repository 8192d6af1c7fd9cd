/* The transitions of the last games of a task, for learners that back up more than the step in hand. */
#ifndef MULTIDISTRAL_LEARN_EXPERIENCE_H
#define MULTIDISTRAL_LEARN_EXPERIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "multidistral/learn/table.h"
#include "multidistral/world/env.h"

/* One step of all agents. */
struct transition {
    struct table_row *row[ENV_AGENTS];  /* what each agent saw; NULL: it had finished */
    struct table_row *next[ENV_AGENTS]; /* what it saw then; NULL: it finished */
    float reward[ENV_AGENTS];
    uint8_t action[ENV_AGENTS];
};

struct experience {
    int64_t n_games, step_limit; /* that there is room for */
    int64_t played;              /* games since it was last forgotten */
    int64_t *length;             /* [n_games]: steps */
    struct transition *step;     /* [n_games][step_limit] */
};

/* No games. Memory follows what is recorded. False when there is not that much address space; then there is nothing to
 * destroy. */
bool experience_create(struct experience *experience, int64_t n_games, int64_t step_limit);
void experience_destroy(struct experience *experience);

/* Bytes that it takes at most. */
uint64_t experience_bytes(int64_t n_games, int64_t step_limit);

/* The transitions [step_limit] of the game in hand, over those of the oldest. */
static inline struct transition *experience_now(const struct experience *e) {
    return e->step + e->played % e->n_games * e->step_limit;
}

/* Ends the game in hand. */
static inline void experience_end(struct experience *e, int64_t length) { e->length[e->played++ % e->n_games] = length; }

/* Games held, and the place of the i-th, counted back from the last. */
static inline int64_t experience_held(const struct experience *e) { return e->played < e->n_games ? e->played : e->n_games; }
static inline int64_t experience_place(const struct experience *e, int64_t back) { return (e->played - 1 - back) % e->n_games; }

#endif
