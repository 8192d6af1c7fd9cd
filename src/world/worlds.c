#include "multidistral/world/worlds.h"

#include <stdlib.h>

#include "multidistral/base/memory.h"

struct env *env_create(const struct task *task, const struct rules *run_rules, const struct cells *cells) {
    switch (task->world) {
#define ENV(name, section, meaning)                                 \
    case ENV_##name: {                                              \
        struct env_##name *made = memory_zeros(1, sizeof *made);    \
        env_##name##_create(made, task, run_rules, cells);          \
        return &made->env;                                          \
    }
#include "multidistral/world/envs.def"
#undef ENV
    case ENV_KINDS: break; /* GCOVR_EXCL_LINE */
    }
    return NULL; /* GCOVR_EXCL_LINE: a task is of one of these worlds */
}

void env_destroy(struct env *env) {
    if (!env) return;
    switch (env->kind) {
#define ENV(name, section, meaning) \
    case ENV_##name: env_##name##_destroy((struct env_##name *)env); break;
#include "multidistral/world/envs.def"
#undef ENV
    case ENV_KINDS: break; /* GCOVR_EXCL_LINE */
    }
    free(env);
}
