#include "multidistral/run/players.h"

#include <string.h>

/* Of a row that the file does not have nothing was known: the policy is what the learner makes of that. */
static void task_policy(const void *of, int agent, uint64_t row, float *pi) {
    const struct players *players = of;
    const struct distilled *learned = &players->learned[agent];
    const float *known = distilled_row(learned, row);
    if (known == learned->uniform) players->learner->kind->policy(players->learner, agent, row, pi);
    else memcpy(pi, known, (size_t)learned->n_actions * sizeof *pi);
}

static void distilled_policy(const void *of, int agent, uint64_t row, float *pi) {
    const struct players *players = of;
    const struct distilled *distilled = &players->distilled[plan_distilled_of(players->plan, agent)];
    memcpy(pi, distilled_row(distilled, row), (size_t)distilled->n_actions * sizeof *pi);
}

struct play players_play(const struct players *players, const struct env *env, bool greedy) {
    const struct plan *plan = players->plan;
    return (struct play){.env = env,
                         .senses = &plan->senses,
                         .gamma = plan->config.learning.gamma,
                         .n_actions = plan_n_actions(plan),
                         .deciders = learner_kinds[plan->config.run.learner]->deciders,
                         .greedy = greedy,
                         .policy = players->learner ? task_policy : distilled_policy,
                         .of = players,
                         .learner = players->learner};
}
