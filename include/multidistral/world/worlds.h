/* All worlds behind one interface: what is done with a world without knowing which it is. */
#ifndef MULTIDISTRAL_WORLD_WORLDS_H
#define MULTIDISTRAL_WORLD_WORLDS_H

#include "multidistral/world/env_grid.h"
#include "multidistral/world/env_matrix.h"

/* The world of one task. The caller owns it: env_destroy. */
struct env *env_create(const struct task *task, const struct rules *run_rules, const struct cells *cells);

/* `env` may be NULL. */
void env_destroy(struct env *env);

/* One step of all agents.
 *   kind      env->kind; a parameter so that a caller can make it a constant
 *   state     in and out
 *   action    [n_agents]  that of a finished agent is not looked at
 *   chance    [n_agents / 2]  draws for what the world leaves to the lot
 *   reward    [n_agents]  out */
static inline void env_step(const struct env *env, enum env_kind kind, int n_agents, struct env_state *state,
                            const uint8_t *action, const uint32_t *chance, double *reward) {
    switch (kind) {
#define ENV(name, section, meaning) \
    case ENV_##name: env_##name##_step((const struct env_##name *)env, n_agents, state, action, chance, reward); return;
#include "multidistral/world/envs.def"
#undef ENV
    default: return;
    }
}

#endif
