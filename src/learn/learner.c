#include "multidistral/learn/learner.h"

#include <stdio.h>
#include <stdlib.h>

#define LEARNER(name, meaning) extern const struct learner_kind learner_##name;
#include "multidistral/learn/learners.def"
#undef LEARNER

const struct learner_kind *const learner_kinds[LEARNER_COUNT] = {
#define LEARNER(name, meaning) [LEARNER_##name] = &learner_##name,
#include "multidistral/learn/learners.def"
#undef LEARNER
};

#if defined(LEARNERS_V3)
#define LEARNER(name, meaning) extern const struct learner_kind learner_##name##_v3;
#include "multidistral/learn/learners.def"
#undef LEARNER

static const struct learner_kind *const v3_kinds[LEARNER_COUNT] = {
#define LEARNER(name, meaning) [LEARNER_##name] = &learner_##name##_v3,
#include "multidistral/learn/learners.def"
#undef LEARNER
};

/* All that the compiler may use of x86-64-v3, as far as it can be asked. */
static bool machine_is_v3(void) {
#if defined(__clang__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
#else
    return __builtin_cpu_supports("x86-64-v3");
#endif
}

/* Compiled for this machine, as far as there is such a version. The two differ in last bits: runs on machines of one type
 * are the same. */
static const struct learner_kind *kind_here(enum learner_name name) {
    return (machine_is_v3() ? v3_kinds : learner_kinds)[name];
}
#else
static const struct learner_kind *kind_here(enum learner_name name) { return learner_kinds[name]; }
#endif

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

int learner_players(enum learner_name name, int n_agents) {
    return learner_kinds[name]->deciders == DECIDE_TEAM ? 1 : n_agents;
}

int learner_actions(enum learner_name name, int n_agents, int own_actions) {
    int n = own_actions;
    if (learner_kinds[name]->deciders == DECIDE_AGENTS) return n;
    for (int j = 1; j < n_agents && n <= POLICY_MOST; j++) n *= own_actions;
    return n <= POLICY_MOST ? n : 0;
}

bool learner_create(struct learner *learner, enum learner_name name, const struct env *env,
                    const struct env_senses *senses) {
    const struct learner_kind *kind = kind_here(name);
    *learner = (struct learner){.kind = kind,
                                .n_agents = env->n_agents,
                                .n_actions = learner_actions(name, env->n_agents, env->n_actions),
                                .n_players = learner_players(name, env->n_agents),
                                .env = env,
                                .senses = senses};
    int n_wide = kind->deciders == DECIDE_AGENTS ? 0 : learner->n_actions;
    bool created = true;
    for (int p = 0; created && p < learner->n_players; p++)
        created = table_create(&learner->table[p], senses->rows.n, n_wide);
    if (!created) learner_destroy(learner);
    return created;
}

void learner_destroy(struct learner *learner) {
    for (int p = 0; p < learner->n_players; p++) table_destroy(&learner->table[p]);
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
        !experience_create(experience, games_recorded(learning), learner->env->rules.step_limit)) {
        /* The trainer has checked it before (capacity_suffices). */
        fputs("multidistral: the experience is more than the address space holds\n", stderr); /* GCOVR_EXCL_LINE */
        abort();                                                                             /* GCOVR_EXCL_LINE */
    }
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

static float *values_of(const struct table *table, struct table_row *row) {
    return table->wide ? table_wide(table, row) : row->word;
}

void learner_values(const struct learner *learner, int player, uint64_t row, float *q) {
    const struct table *table = &learner->table[player];
    struct table_row *r = (struct table_row *)table_find(table, row);
    bool known = r && (!learner->fresh || r->stamp == learner->stamp);
    if (known) memcpy(q, values_of(table, r), (size_t)learner->n_actions * sizeof *q);
    else memset(q, 0, (size_t)learner->n_actions * sizeof *q);
}

void learner_set_values(struct learner *learner, int player, uint64_t row, const float *q) {
    struct table *table = &learner->table[player];
    struct table_row *r = table_reach(table, row);
    if (r->stamp == 0) slots_know(&table->slots, row);
    r->stamp = UINT32_MAX; /* reached, and ready for no iteration */
    memcpy(values_of(table, r), q, (size_t)learner->n_actions * sizeof *q);
}

void learner_measure(const struct learner *learner, int player, const struct visits *visits, double *entropy,
                     double *divergence) {
    int n = learner->n_actions;
    const struct distilled *distilled = learner->distilled[player];
    double weight_sum = 0, entropy_sum = 0, divergence_sum = 0;
    for (uint64_t i = 0; i < visits->slots.n_known; i++) {
        uint64_t row = visits_row(visits, i);
        const int64_t *count = visits_count(visits, i);
        float pi[POLICY_MOST];
        double weight = 0;
        for (int a = 0; a < n; a++) weight += (double)count[a];
        learner->kind->policy(learner, player, row, pi);
        weight_sum += weight;
        entropy_sum += weight * policy_entropy(n, pi);
        divergence_sum += weight * policy_divergence(n, pi, distilled_row(distilled, row));
    }
    *entropy = weight_sum > 0 ? entropy_sum / weight_sum : NAN;
    *divergence = weight_sum > 0 ? divergence_sum / weight_sum : NAN;
}
