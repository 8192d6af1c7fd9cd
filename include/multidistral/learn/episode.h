/* What came out of one game (an episode). */
#ifndef MULTIDISTRAL_LEARN_EPISODE_H
#define MULTIDISTRAL_LEARN_EPISODE_H

#include <stdbool.h>
#include <stdint.h>

#include "multidistral/world/env.h"

struct episode {
    int64_t steps;              /* of the whole game */
    double returns[ENV_AGENTS]; /* sum_t gamma^t r_t of each agent */
    int64_t length[ENV_AGENTS]; /* steps until the agent finished, or until the game was cut off */
    uint32_t finished;          /* bit j: agent j reached its goal */
};

#endif
