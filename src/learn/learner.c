#include "multidistral/learn/learner.h"

#include <stdlib.h>

#define LEARNER(name, meaning) extern const struct learner_kind learner_##name;
#include "multidistral/learn/learners.def"
#undef LEARNER

const struct learner_kind *const learner_kinds[LEARNER_COUNT] = {
#define LEARNER(name, meaning) [LEARNER_##name] = &learner_##name,
#include "multidistral/learn/learners.def"
#undef LEARNER
};

const char learner_words[] =
#define LEARNER(name, meaning) "|" #name
#include "multidistral/learn/learners.def"
#undef LEARNER
    ;

const struct setting learning_table[] = {
#define SETTING_TABLE "multidistral/learn/learning.def"
#define SETTING_STRUCT struct learning
#include "multidistral/base/setting_rows.h"
};
const int learning_count = sizeof learning_table / sizeof *learning_table;

bool learner_create(struct learner *learner, enum learner_name name, const struct env_grid *grid,
                    const struct env_senses *senses) {
    *learner = (struct learner){.kind = learner_kinds[name],
                                .n_agents = grid->n_agents,
                                .n_actions = ENV_ACTIONS,
                                .grid = grid,
                                .senses = senses};
    bool created = true;
    for (int j = 0; created && j < grid->n_agents; j++) created = table_create(&learner->table[j], senses->rows.n);
    if (!created) learner_destroy(learner);
    return created;
}

void learner_destroy(struct learner *learner) {
    for (int j = 0; j < learner->n_agents; j++) table_destroy(&learner->table[j]);
    experience_destroy(&learner->experience);
}

static bool wants_experience(const struct learning *learning) {
    return learning->rollout != 1 || learning->replay_games > 0;
}

/* The game in hand is recorded even where none is replayed. */
static int64_t games_recorded(const struct learning *learning) {
    return learning->replay_games > 0 ? learning->replay_games : 1;
}

uint64_t learning_bytes(const struct learning *learning, int64_t step_limit) {
    return wants_experience(learning) ? experience_bytes(games_recorded(learning), step_limit) : 0;
}

static void forget_experience(struct learner *learner, const struct learning *learning) {
    if (!wants_experience(learning)) return;
    struct experience *experience = &learner->experience;
    if (!experience->step &&
        !experience_create(experience, games_recorded(learning), learner->grid->rules.step_limit)) abort();
    experience->played = 0;
}

void learner_prepare(struct learner *learner, const struct learning *learning, int64_t iteration, bool fresh) {
    double alpha = schedule_at(&learning->alpha, iteration), beta = schedule_at(&learning->beta, iteration);
    learner->form = policy_form(alpha, beta, learner->n_actions);
    learner->learning_rate = (float)schedule_at(&learning->learning_rate, iteration);
    learner->gamma = learning->gamma;
    learner->learning = learning;
    learner->stamp = (uint32_t)iteration + 1;
    learner->fresh = fresh;
    forget_experience(learner, learning);
}

void learner_values(const struct learner *learner, int agent, uint64_t row, float *q) {
    const struct table_row *r = table_find(&learner->table[agent], row);
    bool known = r && (!learner->fresh || r->stamp == learner->stamp);
    for (int a = 0; a < learner->n_actions; a++) q[a] = known ? r->word[a] : 0;
}

void learner_set_values(struct learner *learner, int agent, uint64_t row, const float *q) {
    struct table_row *r = table_reach(&learner->table[agent], row);
    if (r->stamp == 0) slots_know(&learner->table[agent].slots, row);
    r->stamp = UINT32_MAX; /* reached, and ready for no iteration */
    memcpy(r->word, q, (size_t)learner->n_actions * sizeof *q);
}

void learner_measure(const struct learner *learner, int agent, const struct visits *visits, double *entropy,
                     double *divergence) {
    int n = learner->n_actions;
    const struct distilled *distilled = learner->distilled[agent];
    double weight_sum = 0, entropy_sum = 0, divergence_sum = 0;
    for (uint64_t i = 0; i < visits->slots.n_known; i++) {
        uint64_t row = visits_row(visits, i);
        const int64_t *count = visits_count(visits, i);
        float pi[POLICY_ACTIONS];
        double weight = 0;
        for (int a = 0; a < n; a++) weight += (double)count[a];
        learner->kind->policy(learner, agent, row, pi);
        weight_sum += weight;
        entropy_sum += weight * policy_entropy(n, pi);
        divergence_sum += weight * policy_divergence(n, pi, distilled_row(distilled, row));
    }
    *entropy = weight_sum > 0 ? entropy_sum / weight_sum : NAN;
    *divergence = weight_sum > 0 ? divergence_sum / weight_sum : NAN;
}
