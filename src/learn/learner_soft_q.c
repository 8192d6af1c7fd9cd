/* Soft Q-learning with the distilled policy as prior.
 *
 *   Q(s,a) += learning_rate (r + gamma V(s') - Q(s,a)),   V(terminal) = 0        [T17] equations 3 to 5
 *
 * A game that is cut off at the step limit has not ended for the learner: its last step backs up V(s') too. */
#include "multidistral/learn/learner.h"

/* What the agents know of the moment they are in. */
struct moment {
    struct env_state state;
    uint64_t row[ENV_AGENTS];
    float value[ENV_AGENTS];                      /* V of the row */
    float cumulative[ENV_AGENTS][POLICY_ACTIONS]; /* weights of the next action */
};

static inline void look(const struct learner *learner, int n_agents, struct moment *now, int j) {
    now->row[j] = env_observe(learner->senses, n_agents, &now->state, j);
    now->value[j] = policy_weights(learner->form, ENV_ACTIONS, table_row(&learner->q[j], now->row[j]),
                                   table_row(&learner->distilled[j]->prior, now->row[j]), now->cumulative[j]);
}

static inline void begin(const struct learner *learner, int n_agents, struct moment *now, struct episode *out) {
    *out = (struct episode){0};
    now->state = learner->grid->start;
    for (int j = 0; j < n_agents; j++) look(learner, n_agents, now, j);
}

/* All agents act: draws their actions from the weights and steps the world. */
static inline void act(const struct learner *learner, int n_agents, struct rng *rng, struct moment *now,
                       uint8_t *action, double *reward) {
    uint32_t contest[ENV_AGENTS / 2 + 1];
    for (int j = 0; j < n_agents; j++)
        action[j] = (uint8_t)policy_draw(ENV_ACTIONS, now->cumulative[j], rng_unit(rng_next(rng)));
    for (int c = 0; c < n_agents / 2; c++) contest[c] = rng_next(rng);
    env_grid_step(learner->grid, n_agents, &now->state, action, contest, reward);
}

static inline bool goes_on(const struct learner *learner, int n_agents, const struct moment *now, int64_t steps) {
    return steps < learner->grid->rules.step_limit && now->state.finished != (UINT32_C(1) << n_agents) - 1;
}

static inline void learn_game(struct learner *learner, int n_agents, const struct rng_key *key, struct episode *out) {
    struct rng rng;
    struct moment now;
    double discount = 1, reward[ENV_AGENTS];
    uint8_t action[ENV_AGENTS];
    rng_start(&rng, key);
    begin(learner, n_agents, &now, out);
    for (; goes_on(learner, n_agents, &now, out->steps); out->steps++, discount *= learner->gamma) {
        uint32_t had_finished = now.state.finished;
        act(learner, n_agents, &rng, &now, action, reward);
        for (int j = 0; j < n_agents; j++) {
            if (had_finished >> j & 1) continue;
            float *q = table_row(&learner->q[j], now.row[j]) + action[j], next_value = 0;
            if (!(now.state.finished >> j & 1)) {
                look(learner, n_agents, &now, j);
                next_value = now.value[j];
            }
            *q += learner->learning_rate * ((float)reward[j] + (float)learner->gamma * next_value - *q);
            out->returns[j] += discount * reward[j];
            out->length[j]++;
        }
    }
    out->finished = now.state.finished;
}

static inline void visit_game(const struct learner *learner, int n_agents, const struct rng_key *key,
                              const int64_t *discounts, struct visits *visits, struct episode *out) {
    struct rng rng;
    struct moment now;
    double discount = 1, reward[ENV_AGENTS];
    uint8_t action[ENV_AGENTS];
    rng_start(&rng, key);
    begin(learner, n_agents, &now, out);
    for (; goes_on(learner, n_agents, &now, out->steps); out->steps++, discount *= learner->gamma) {
        uint32_t had_finished = now.state.finished;
        act(learner, n_agents, &rng, &now, action, reward);
        for (int j = 0; j < n_agents; j++) {
            if (had_finished >> j & 1) continue;
            visits_at(&visits[j], now.row[j])[action[j]] += discounts[out->steps];
            if (!(now.state.finished >> j & 1)) look(learner, n_agents, &now, j);
            out->returns[j] += discount * reward[j];
            out->length[j]++;
        }
    }
    out->finished = now.state.finished;
}

/* Tells the compiler what is known: no world has more agents. */
static int bounded(int n_agents) { return n_agents < ENV_AGENTS ? n_agents : ENV_AGENTS; }

/* The number of agents as a constant lets the compiler unroll the loops over agents. */
static void learn(struct learner *learner, const struct rng_key *key, struct episode *out) {
    switch (learner->n_agents) {
    case 1: learn_game(learner, 1, key, out); return;
    case 2: learn_game(learner, 2, key, out); return;
    default: learn_game(learner, bounded(learner->n_agents), key, out); return;
    }
}

static void visit(const struct learner *learner, const struct rng_key *key, const int64_t *discounts,
                  struct visits *visits, struct episode *out) {
    switch (learner->n_agents) {
    case 1: visit_game(learner, 1, key, discounts, visits, out); return;
    case 2: visit_game(learner, 2, key, discounts, visits, out); return;
    default: visit_game(learner, bounded(learner->n_agents), key, discounts, visits, out); return;
    }
}

static void policy(const struct learner *learner, int agent, uint64_t row, float *pi) {
    policy_row(learner->form, learner->n_actions, table_row(&learner->q[agent], row),
               table_row(&learner->distilled[agent]->prior, row), pi);
}

extern const struct learner_kind learner_soft_q;
const struct learner_kind learner_soft_q = {.name = "soft_q", .learn = learn, .visit = visit, .policy = policy};
