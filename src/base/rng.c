#include "multidistral/base/rng.h"

#include <Random123/philox.h>

enum { PHASE_BITS = 4 };

void rng_start(struct rng *rng, const struct rng_key *key) {
    rng->key[0] = key->seed;
    rng->key[1] = key->replica;
    rng->counter[0] = 0;
    rng->counter[1] = key->game << PHASE_BITS | (uint32_t)key->phase;
    rng->counter[2] = key->iteration;
    rng->counter[3] = key->task;
    rng->used = RNG_BLOCK;
}

void rng_refill(struct rng *rng) {
    philox4x32_key_t key = {{rng->key[0], rng->key[1]}};
    for (uint32_t i = 0; i < RNG_BLOCK / 4; i++) {
        philox4x32_ctr_t counter = {{rng->counter[0] + i, rng->counter[1], rng->counter[2], rng->counter[3]}};
        philox4x32_ctr_t draws = philox4x32(counter, key);
        for (uint32_t j = 0; j < 4; j++) rng->block[4 * i + j] = draws.v[j];
    }
    rng->counter[0] += RNG_BLOCK / 4;
    rng->used = 0;
}
