#include "multidistral/learn/play.h"

#include <assert.h>

#include "multidistral/learn/policy.h"

static int most_probable(int n, const float *pi) {
    int best = 0;
    for (int a = 1; a < n; a++)
        if (pi[a] > pi[best]) best = a;
    return best;
}

/* The action that u in [0, 1) draws; none of probability 0, however the sum is rounded. */
static int drawn(int n, const float *pi, double u) {
    double sum = 0, passed = 0;
    int action = 0;
    for (int a = 0; a < n; a++) sum += pi[a];
    for (int a = 0; a < n; a++) {
        if (pi[a] <= 0) continue;
        action = a;
        passed += pi[a];
        if (u * sum < passed) break;
    }
    return action;
}

static int choose(const struct play *play, const struct env_state *state, int player, uint32_t bits) {
    float pi[POLICY_MOST];
    play->policy(play->of, player, env_observe(play->senses, play->env->n_agents, state, player), pi);
    if (play->greedy) return most_probable(play->n_actions, pi);
    bool own_way = play->learner && play->learner->kind->draw;
    return own_way ? play->learner->kind->draw(play->learner, pi, bits) : drawn(play->n_actions, pi, rng_unit(bits));
}

/* The part of a joint action that its k-th digit is; of an agent's own action, itself. */
static uint8_t part(const struct play *play, int joint, int k) {
    const int own = play->env->n_actions;
    int place = play->n_actions / own;
    for (; k > 0; k--) place /= own;
    return (uint8_t)(place > 0 ? joint / place % own : joint);
}

/* What agent j does; the whole team's action is chosen once, and comes as `joint`. */
static uint8_t act(const struct play *play, const struct env_state *state, int j, int joint, uint32_t bits) {
    if (play->deciders == DECIDE_TEAM) return part(play, joint, j);
    int own = choose(play, state, j, bits);
    return play->deciders == DECIDE_JOINTLY ? part(play, own, 0) : (uint8_t)own;
}

static bool plays(const struct env_state *state, int agent) { return !(state->finished >> agent & 1); }

/* One step of all agents; what it adds goes into the episode. */
static void step(const struct play *play, struct rng *rng, struct env_state *state, double discount,
                 struct episode *episode) {
    int n = play->env->n_agents;
    const uint32_t *bits = rng_take(rng, (uint32_t)env_draws(n));
    int joint = play->deciders == DECIDE_TEAM ? choose(play, state, 0, bits[0]) : 0;
    uint8_t action[ENV_AGENTS] = {0};
    double reward[ENV_AGENTS] = {0};
    for (int j = 0; j < n; j++) {
        if (!plays(state, j)) continue;
        action[j] = act(play, state, j, joint, bits[j]);
        episode->length[j]++;
    }
    env_step(play->env, play->env->kind, n, state, action, bits + n, reward);
    for (int j = 0; j < n; j++) episode->returns[j] += discount * reward[j];
    episode->steps++;
    if (play->watch) play->watch(play->watcher, action, reward, state);
}

void play_game(const struct play *play, const struct rng_key *key, struct episode *out) {
    const struct env *env = play->env;
    const uint32_t everyone = (UINT32_C(1) << env->n_agents) - 1;
    struct env_state state = env->start;
    struct rng rng;
    double discount = 1;
    assert(play->n_actions <= POLICY_MOST);
    rng_start(&rng, key);
    *out = (struct episode){0};
    for (; out->steps < env->rules.step_limit && state.finished != everyone; discount *= play->gamma)
        step(play, &rng, &state, discount, out);
    out->finished = state.finished;
}
