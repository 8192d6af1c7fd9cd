/* Soft Q-learning over joint actions, with the summed reward of the team.
 *
 *   Q(s,a) += learning_rate (sum_j r_j + gamma V(s') - Q(s,a)),   V = 0 when all have finished     [T17] equations 3 to 5
 *
 * team_soft_q is one player that decides for all: the centralised case that [MD24] leaves open. In multiagent_soft_q
 * [W18] each agent has a table over joint actions, draws one, and takes its own part of it. Players learn until the
 * whole team has finished. What a finished agent would do makes no difference, so all joint actions that differ in
 * nothing else are backed up together. Its idle choice still counts as entropy: where alpha < 1, V of such rows is higher by
 * (1 - alpha)/beta log n_actions for each agent that has finished. */
#include <string.h>

#include "multidistral/learn/learner.h"

/* What a player sees, and what follows from it. */
struct view {
    uint64_t number;
    float *q;              /* [n_actions] */
    float pi[POLICY_MOST]; /* [n_actions] */
    double value;
};

/* A game as it is played. */
struct game {
    struct learner *learner;
    struct env_state state;
    struct rng rng;
    struct view view[ENV_AGENTS]; /* by player */
    uint8_t action[ENV_AGENTS];   /* by agent */
    uint32_t chance[ENV_AGENTS];
    double discount;
    struct behaviour *behaviour; /* NULL: not counted */
};

/* ---- Joint actions ---- */

/* Whom a player calls number k: itself first, then the others in order. */
static int agent_called(int player, int k) { return k == 0 ? player : k <= player ? k - 1 : k; }

static void split(const struct env *env, int joint, uint8_t *part) {
    for (int k = env->n_agents - 1; k >= 0; k--, joint /= env->n_actions) part[k] = (uint8_t)(joint % env->n_actions);
}

static int joint_of(const struct game *game, int player) {
    int joint = 0;
    for (int k = 0; k < game->learner->n_agents; k++)
        joint = joint * game->learner->env->n_actions + game->action[agent_called(player, k)];
    return joint;
}

/* Do two joint actions of a player differ only in what finished agents would do? */
static bool same_moves(const struct env *env, int a, int b, int player, uint32_t finished) {
    const int n = env->n_actions;
    for (int k = env->n_agents - 1; k >= 0; k--, a /= n, b /= n)
        if (!(finished >> agent_called(player, k) & 1) && a % n != b % n) return false;
    return true;
}

/* ---- Rows ---- */

static float *reach(struct learner *learner, int player, uint64_t number) {
    struct table *table = &learner->table[player];
    struct table_row *row = table_reach(table, number);
    float *q = table_wide(table, row);
    if (row->stamp == 0) slots_know(&table->slots, number);
    else if (learner->fresh && row->stamp != learner->stamp) memset(q, 0, (size_t)learner->n_actions * sizeof *q);
    row->stamp = learner->stamp;
    return q;
}

/* V(s) = (1/beta) log sum_a pi0(a|s)^alpha exp(beta Q(s,a)) */
static double soft_value(struct policy_form form, int n, const float *q, const float *prior) {
    double most = -HUGE_VAL, sum = 0;
    for (int a = 0; a < n; a++) most = fmax(most, prior[a] + (double)form.beta * q[a]);
    for (int a = 0; a < n; a++) sum += exp(prior[a] + (double)form.beta * q[a] - most);
    return (most + log(sum)) / form.beta + form.offset;
}

static void look(struct game *game, int player) {
    struct learner *learner = game->learner;
    struct view *view = &game->view[player];
    int n = learner->n_actions;
    view->number = env_observe(learner->senses, learner->n_agents, &game->state, player);
    view->q = reach(learner, player, view->number);
    const float *prior = distilled_prior(learner->distilled[player], view->number);
    policy_row(learner->form, n, view->q, prior, view->pi);
    view->value = soft_value(learner->form, n, view->q, prior);
}

static int drawn(int n, const float *pi, double u) {
    double passed = 0;
    int action = 0;
    for (int a = 0; a < n && passed <= u; a++) {
        if (pi[a] > 0) action = a;
        passed += pi[a];
    }
    return action;
}

/* ---- Games ---- */

/* All draws of the step to come. */
static void draw(struct game *game) {
    const struct learner *learner = game->learner;
    int n = learner->n_agents;
    uint8_t part[ENV_AGENTS] = {0};
    const uint32_t *bits = rng_take(&game->rng, (uint32_t)env_draws(n));
    for (int p = 0; p < learner->n_players; p++) {
        split(learner->env, drawn(learner->n_actions, game->view[p].pi, rng_unit(bits[p])), part);
        if (learner->n_players == 1) memcpy(game->action, part, (size_t)n);
        else game->action[p] = part[0];
    }
    memcpy(game->chance, bits + n, (size_t)(n / 2) * sizeof *bits);
}

static void begin(struct game *game, struct learner *learner, const struct rng_key *key, struct episode *out) {
    *game = (struct game){.learner = learner, .state = learner->env->start, .discount = 1};
    *out = (struct episode){0};
    rng_start(&game->rng, key);
    for (int p = 0; p < learner->n_players; p++) look(game, p);
    draw(game);
}

static bool all_finished(const struct game *game) {
    return game->state.finished == (UINT32_C(1) << game->learner->n_agents) - 1;
}

/* One step of the world; returns the team's reward. */
static double step(struct game *game, struct episode *out) {
    const struct learner *learner = game->learner;
    double reward[ENV_AGENTS] = {0}, sum = 0;
    const struct env_state before = game->state;
    env_step(learner->env, learner->env->kind, learner->n_agents, &game->state, game->action, game->chance, reward);
    for (int j = 0; j < learner->n_agents; j++) {
        out->returns[j] += game->discount * reward[j];
        out->length[j] += !(before.finished >> j & 1);
        sum += reward[j];
    }
    if (game->behaviour) behaviour_step(game->behaviour, &before, game->action, &game->state);
    out->steps++;
    out->finished = game->state.finished;
    game->discount *= learner->gamma;
    return sum;
}

static bool goes_on(const struct game *game, const struct episode *out) {
    return out->steps < game->learner->env->rules.step_limit && !all_finished(game);
}

static void back_up(const struct learner *learner, int player, float *q, int joint, uint32_t finished, double target) {
    for (int a = 0; a < learner->n_actions; a++)
        if (same_moves(learner->env, a, joint, player, finished))
            q[a] += learner->learning_rate * ((float)target - q[a]);
}

static void learn(struct learner *learner, const struct rng_key *key, struct episode *out) {
    struct game game;
    begin(&game, learner, key, out);
    game.behaviour = learner->behaviour;
    if (game.behaviour) behaviour_begin(game.behaviour, &game.state);
    for (; goes_on(&game, out); draw(&game)) {
        float *q[ENV_AGENTS];
        int joint[ENV_AGENTS];
        uint32_t had_finished = game.state.finished;
        for (int p = 0; p < learner->n_players; p++) {
            q[p] = game.view[p].q;
            joint[p] = joint_of(&game, p);
        }
        double reward = step(&game, out);
        for (int p = 0; p < learner->n_players; p++) {
            look(&game, p);
            double ahead = all_finished(&game) ? 0 : game.view[p].value;
            back_up(learner, p, q[p], joint[p], had_finished, reward + learner->gamma * ahead);
        }
    }
    if (game.behaviour) behaviour_end(game.behaviour, out->returns);
}

static void visit(struct learner *learner, const struct rng_key *key, const int64_t *discounts, struct visits *visits,
                  struct episode *out) {
    struct game game;
    for (begin(&game, learner, key, out); goes_on(&game, out); draw(&game)) {
        for (int p = 0; p < learner->n_players; p++)
            visits_at(&visits[p], game.view[p].number)[joint_of(&game, p)] += discounts[out->steps];
        step(&game, out);
        for (int p = 0; p < learner->n_players; p++) look(&game, p);
    }
}

static void policy(const struct learner *learner, int player, uint64_t row, float *pi) {
    float q[POLICY_MOST];
    learner_values(learner, player, row, q);
    policy_row(learner->form, learner->n_actions, q, distilled_prior(learner->distilled[player], row), pi);
}

LEARNER_KIND(team_soft_q) = {
    .name = "team_soft_q", .deciders = DECIDE_TEAM, .learn = learn, .visit = visit, .policy = policy};
LEARNER_KIND(multiagent_soft_q) = {
    .name = "multiagent_soft_q", .deciders = DECIDE_JOINTLY, .learn = learn, .visit = visit, .policy = policy};
