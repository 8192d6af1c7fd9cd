#include "multidistral/base/rng.h"

#include <Random123/philox.h>

#include "multidistral/base/vector.h"

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

VECTOR_VERSIONS
void rng_refill(struct rng *rng) {
    philox4x32_key_t key = {{rng->key[0], rng->key[1]}};
    uint32_t first = rng->counter[0], game = rng->counter[1], iteration = rng->counter[2], task = rng->counter[3];
    uint32_t *block = rng->block;
    _Pragma("omp simd")
    for (uint32_t i = 0; i < RNG_BLOCK / 4; i++) {
        philox4x32_ctr_t counter = {{first + i, game, iteration, task}}, draws = philox4x32(counter, key);
        block[4 * i] = draws.v[0];
        block[4 * i + 1] = draws.v[1];
        block[4 * i + 2] = draws.v[2];
        block[4 * i + 3] = draws.v[3];
    }
    rng->counter[0] += RNG_BLOCK / 4;
    rng->used = 0;
}
