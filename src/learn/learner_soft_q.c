/* Soft Q-learning with the distilled policy as prior.
 *
 *   Q(s,a) += learning_rate (r + gamma V(s') - Q(s,a)),   V(terminal) = 0        [T17] equations 3 to 5
 *
 * A game that is cut off at the step limit has not ended for the learner: its last step backs up V(s') too.
 *
 * A row holds Q, the prior, and what follows from them: V and the cumulative probabilities of the actions. So a step
 * reads its action and V(s') ready-made, and the exponentials of the row that it changes are off its critical path. */
#include <string.h>

#include "multidistral/base/vector.h"
#include "multidistral/learn/learner.h"
#include "soft_row.h"

/* A row that was not reached in this iteration so far. */
static inline void make_ready(struct learner *learner, int agent, struct table_row *row) {
    struct table *table = &learner->table[agent];
    uint64_t number = (uint64_t)(row - table->row);
    if (row->stamp == 0) table_know(table, row);
    else if (learner->fresh) memset(row->word + SOFT_Q, 0, ENV_ACTIONS * sizeof *row->word);
    memcpy(row->word + SOFT_PRIOR, distilled_prior(learner->distilled[agent], number), ENV_ACTIONS * sizeof *row->word);
    row->stamp = learner->stamp;
    soft_row_refresh(learner->form, row);
}

/* The row that agent j sees. */
static inline struct table_row *look(struct learner *learner, int n_agents, const struct env_state *state, int j) {
    struct table_row *row = learner->table[j].row + env_observe(learner->senses, n_agents, state, j);
    if (row->stamp != learner->stamp) make_ready(learner, j, row);
    return row;
}

/* A game as it is played. */
struct game {
    struct env_state state;
    struct rng rng;
    struct table_row *row[ENV_AGENTS]; /* what each agent sees */
    uint8_t action[ENV_AGENTS];        /* what each agent is about to do */
    uint32_t contest[ENV_AGENTS];      /* draws for contested cells in the step to come */
    double reward[ENV_AGENTS], discount, returns[ENV_AGENTS];
    int64_t steps, length[ENV_AGENTS];
};

/* All draws of the step to come. */
static inline void draw(int n_agents, struct game *game) {
    const uint32_t *bits = rng_take(&game->rng, (uint32_t)env_grid_draws(n_agents));
    UNROLLED
    for (int j = 0; j < n_agents; j++)
        game->action[j] = (uint8_t)policy_draw(ENV_ACTIONS, game->row[j]->word + SOFT_CUMULATIVE, rng_unit(bits[j]));
    UNROLLED
    for (int c = 0; c < n_agents / 2; c++) game->contest[c] = bits[n_agents + c];
}

static inline void begin(struct learner *learner, int n_agents, const struct rng_key *key, struct game *game) {
    game->state = learner->grid->start;
    game->discount = 1;
    game->steps = 0;
    rng_start(&game->rng, key);
    UNROLLED
    for (int j = 0; j < n_agents; j++) {
        game->row[j] = look(learner, n_agents, &game->state, j);
        game->returns[j] = 0;
        game->length[j] = 0;
    }
    draw(n_agents, game);
}

static inline void step(const struct learner *learner, int n_agents, struct game *game) {
    uint32_t had_finished = game->state.finished;
    env_grid_step(learner->grid, n_agents, &game->state, game->action, game->contest, game->reward);
    UNROLLED
    for (int j = 0; j < n_agents; j++) {
        game->returns[j] += game->discount * game->reward[j];
        game->length[j] += !(had_finished >> j & 1);
    }
    game->steps++;
    game->discount *= learner->gamma;
}

static inline bool goes_on(const struct learner *learner, int n_agents, const struct game *game) {
    return game->steps < learner->grid->rules.step_limit && game->state.finished != (UINT32_C(1) << n_agents) - 1;
}

static inline void end(int n_agents, const struct game *game, struct episode *out) {
    *out = (struct episode){.steps = game->steps, .finished = game->state.finished};
    UNROLLED
    for (int j = 0; j < n_agents; j++) {
        out->returns[j] = game->returns[j];
        out->length[j] = game->length[j];
    }
}

/* The next actions are drawn before the values of the last ones are backed up: so the machine can play on while it
 * computes, and an agent that stays in its row acts on what it knew on arrival. */
static inline void learn_game(struct learner *learner, int n_agents, const struct rng_key *key, struct episode *out) {
    struct game game;
    struct table_row nobody[ENV_AGENTS] = {{{0}, 0}}; /* stands in for those who have finished */
    struct soft_batch batch;
    const struct policy_form form = learner->form;
    const float gamma = (float)learner->gamma, learning_rate = learner->learning_rate;
    begin(learner, n_agents, key, &game);
    while (goes_on(learner, n_agents, &game)) {
        struct table_row *row[ENV_AGENTS] = {0};
        uint8_t action[ENV_AGENTS] = {0};
        float next_value[ENV_AGENTS] = {0};
        UNROLLED
        for (int j = 0; j < n_agents; j++) {
            row[j] = game.row[j];
            action[j] = game.action[j];
        }
        step(learner, n_agents, &game);
        UNROLLED
        for (int j = 0; j < n_agents; j++) {
            bool plays_on = !(game.state.finished >> j & 1);
            game.row[j] = plays_on ? look(learner, n_agents, &game.state, j) : &nobody[j];
            next_value[j] = plays_on ? game.row[j]->word[SOFT_V] : 0;
        }
        draw(n_agents, &game);
        UNROLLED
        for (int j = 0; j < n_agents; j++)
            soft_batch_back_up(&batch, j, form, learning_rate, row[j], action[j],
                               (float)game.reward[j] + gamma * next_value[j]);
        soft_batch_weigh(&batch, n_agents, form);
        soft_batch_mend(&batch, n_agents, form);
    }
    end(n_agents, &game, out);
}

static inline void visit_game(struct learner *learner, int n_agents, const struct rng_key *key,
                              const int64_t *discounts, struct visits *visits, struct episode *out) {
    struct game game;
    begin(learner, n_agents, key, &game);
    while (goes_on(learner, n_agents, &game)) {
        uint32_t had_finished = game.state.finished;
        UNROLLED
        for (int j = 0; j < n_agents; j++) {
            uint64_t row = (uint64_t)(game.row[j] - learner->table[j].row);
            if (!(had_finished >> j & 1)) visits_at(&visits[j], row)[game.action[j]] += discounts[game.steps];
        }
        step(learner, n_agents, &game);
        UNROLLED
        for (int j = 0; j < n_agents; j++)
            if (!(game.state.finished >> j & 1)) game.row[j] = look(learner, n_agents, &game.state, j);
        draw(n_agents, &game);
    }
    end(n_agents, &game, out);
}

/* Tells the compiler what is known: no world has more agents. */
static int bounded(int n_agents) { return n_agents < ENV_AGENTS ? n_agents : ENV_AGENTS; }

/* The number of agents as a constant lets the compiler unroll the loops over agents. */
VECTOR_VERSIONS
static void learn(struct learner *learner, const struct rng_key *key, struct episode *out) {
    switch (learner->n_agents) {
    case 1: learn_game(learner, 1, key, out); return;
    case 2: learn_game(learner, 2, key, out); return;
    default: learn_game(learner, bounded(learner->n_agents), key, out); return;
    }
}

VECTOR_VERSIONS
static void visit(struct learner *learner, const struct rng_key *key, const int64_t *discounts, struct visits *visits,
                  struct episode *out) {
    switch (learner->n_agents) {
    case 1: visit_game(learner, 1, key, discounts, visits, out); return;
    case 2: visit_game(learner, 2, key, discounts, visits, out); return;
    default: visit_game(learner, bounded(learner->n_agents), key, discounts, visits, out); return;
    }
}

static void values(const struct learner *learner, int agent, uint64_t row, float *q) {
    const struct table_row *r = &learner->table[agent].row[row];
    bool forgotten = learner->fresh && r->stamp != learner->stamp;
    for (int a = 0; a < ENV_ACTIONS; a++) q[a] = forgotten ? 0 : r->word[SOFT_Q + a];
}

static void policy(const struct learner *learner, int agent, uint64_t row, float *pi) {
    float q[ENV_ACTIONS];
    values(learner, agent, row, q);
    policy_row(learner->form, learner->n_actions, q, distilled_prior(learner->distilled[agent], row), pi);
}

static void set_values(struct learner *learner, int agent, uint64_t row, const float *q) {
    struct table_row *r = &learner->table[agent].row[row];
    if (r->stamp == 0) table_know(&learner->table[agent], r);
    r->stamp = UINT32_MAX; /* reached, and ready for no iteration */
    memcpy(r->word + SOFT_Q, q, ENV_ACTIONS * sizeof *q);
}

extern const struct learner_kind learner_soft_q;
const struct learner_kind learner_soft_q = {.name = "soft_q",
                                            .learn = learn,
                                            .visit = visit,
                                            .policy = policy,
                                            .values = values,
                                            .set_values = set_values};
