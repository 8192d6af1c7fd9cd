/* The learner interface: the task policies of all agents of one task in one replica.
 *
 * A learner kind is one file, learner_<name>.c, and one row of learners.def. It plays whole games, so that the
 * compiler sees environment step, action draw and backup together; everything else here is common to all kinds. */
#ifndef MULTIDISTRAL_LEARN_LEARNER_H
#define MULTIDISTRAL_LEARN_LEARNER_H

#include <string.h>

#include "multidistral/base/rng.h"
#include "multidistral/learn/distill.h"
#include "multidistral/learn/episode.h"
#include "multidistral/learn/experience.h"
#include "multidistral/learn/policy.h"
#include "multidistral/learn/table.h"
#include "multidistral/world/behaviour.h"
#include "multidistral/world/worlds.h"

/* Fields: learning.def. */
struct learning {
#define SETTING_TABLE "multidistral/learn/learning.def"
#include "multidistral/base/setting_fields.h"
};
extern const struct setting learning_table[];
extern const int learning_count;

/* Who decides: each agent by itself, the team as one (joint actions, one table), or each agent over joint actions. */
enum deciders { DECIDE_AGENTS, DECIDE_TEAM, DECIDE_JOINTLY };

/* The first n_actions words of a row are Q, or its wide values for joint actions; the other words are the kind's own.
 * A joint action is the number whose digits, base env->n_actions, are the actions of the observer and then of the others in
 * order, the first the most significant. A team observes what agent 0 does. */
struct learner {
    const struct learner_kind *kind;
    int n_agents, n_actions; /* actions of a row */
    int n_players;           /* tables: n_agents, or 1 for a team */
    const struct env *env;
    const struct env_senses *senses;
    struct table table[ENV_AGENTS];                /* by player */
    const struct distilled *distilled[ENV_AGENTS]; /* by player; not owned, may be shared by agents and tasks */
    uint32_t stamp;                                /* iteration in hand + 1: of the rows made ready for it */
    bool fresh;                                    /* are values of earlier iterations forgotten? */
    struct policy_form form;                       /* of the iteration in hand */
    double gamma;
    float learning_rate;
    const struct learning *learning; /* what the iteration was prepared with; not owned */
    struct experience experience;    /* of this E-step; only where learning says that it is wanted */
    struct behaviour *behaviour; /* counts the E-step's games; NULL: not counted; not owned */
    int64_t games_e; /* per iteration; the caller sets it, for what changes from game to game */
};

struct learner_kind {
    const char *name;
    enum deciders deciders;

    /* Plays one game in which the agents learn (E-step). */
    void (*learn)(struct learner *learner, const struct rng_key *key, struct episode *out);

    /* Plays one game with fixed policies and adds its discounted visits (M-step).
     *   discounts  [step_limit]  visits_discounts
     *   visits     [n_players]   one for each player, of the senses' n_rows */
    void (*visit)(struct learner *learner, const struct rng_key *key, const int64_t *discounts, struct visits *visits,
                  struct episode *out);

    /* The policy of a player in a row, reached or not: pi [n_actions] out. */
    void (*policy)(const struct learner *learner, int player, uint64_t row, float *pi);

    /* The action that `visit` draws from a policy pi [n_actions] with 32 random bits, for kinds with a way of their own;
     * NULL: the first whose cumulative probability passes them. */
    int (*draw)(const struct learner *learner, const float *pi, uint32_t bits);
};

/* How targets are made of several steps: learning.def. */
enum backup { BACKUP_ONE_STEP, BACKUP_N_STEP };

enum learner_name {
#define LEARNER(name, meaning) LEARNER_##name,
#include "multidistral/learn/learners.def"
#undef LEARNER
    LEARNER_COUNT
};
extern const struct learner_kind *const learner_kinds[LEARNER_COUNT];

/* In learner_<name>.c: LEARNER_KIND(name) = {...}; the file is compiled again, with LEARNER_V3, for x86-64 with AVX2,
 * and learner_create takes that kind where the machine can. */
#if defined(LEARNER_V3)
#define LEARNER_KIND(name)                                \
    extern const struct learner_kind learner_##name##_v3; \
    const struct learner_kind learner_##name##_v3
#else
#define LEARNER_KIND(name)                           \
    extern const struct learner_kind learner_##name; \
    const struct learner_kind learner_##name
#endif

/* How many tables and policies n agents have under a learner, and actions in a row, where each agent has own_actions of
 * its own; 0 if they are more than POLICY_MOST. */
int learner_players(enum learner_name name, int n_agents);
int learner_actions(enum learner_name name, int n_agents, int own_actions);

/* Whose table, policy and visits are those of an agent. */
static inline int learner_player(const struct learner *learner, int agent) {
    return learner->n_players == 1 ? 0 : agent;
}

/* The names, separated by '|', behind a leading '|'. */
extern const char learner_words[];

/* A learner whose values are all zero. The caller owns it: learner_destroy; env, senses and distilled stay the
 * caller's and must live as long. False when there is not that much address space; then there is nothing to destroy. */
bool learner_create(struct learner *learner, enum learner_name name, const struct env *env,
                    const struct env_senses *senses);
void learner_destroy(struct learner *learner);

/* Sets what holds in an iteration, counted from 0, after the priors of its distilled policies were made
 * (distilled_prepare). `fresh` forgets all values of earlier iterations. `learning` must live until the next call. */
void learner_prepare(struct learner *learner, const struct learning *learning, int64_t iteration, bool fresh);

/* Bytes that the experience of a task with that step limit takes at most. */
uint64_t learning_bytes(const struct learning *learning, int64_t step_limit);

/* The values of a player in a row, reached or not: q [n_actions] out. */
void learner_values(const struct learner *learner, int player, uint64_t row, float *q);

/* Sets the values of a row that was not reached yet, as read from a run file: q [n_actions]. */
void learner_set_values(struct learner *learner, int player, uint64_t row, const float *q);

/* For the learners: a row that was not reached in this iteration so far is listed and stamped, and forgets its values if
 * those of earlier iterations do not count. `number` is that of the row in the table. */
static inline void learner_reach(struct learner *learner, int agent, uint64_t number, struct table_row *row) {
    if (row->stamp == 0) slots_know(&learner->table[agent].slots, number);
    else if (learner->fresh) memset(row->word, 0, ENV_ACTIONS * sizeof *row->word);
    row->stamp = learner->stamp;
}

/* Mean entropy and mean KL(pi || pi0) of a player's policy over its visits, in nats; NaN without visits.
 * pi0 is the distilled policy that the learner works under. */
void learner_measure(const struct learner *learner, int player, const struct visits *visits, double *entropy,
                     double *divergence);

#endif
