/* Counter-based random draws: Philox 4x32-10 (Salmon et al. 2011, library Random123).
 *
 * A stream belongs to one game and is keyed by what the game is, never by who plays it or when; so the draws are the
 * same at any rank count, in any order, and a game can be replayed by its key alone. */
#ifndef MULTIDISTRAL_BASE_RNG_H
#define MULTIDISTRAL_BASE_RNG_H

#include <stdint.h>

/* What the draws are for; a new purpose is a new row, so that no two purposes share a stream. At most 16. */
enum rng_phase { RNG_E_STEP, RNG_M_STEP, RNG_TASKS, RNG_SEARCH, RNG_EVALUATE, RNG_BOOTSTRAP };

/* The identity of one game. Streams of different keys never overlap. */
struct rng_key {
    uint32_t seed;
    uint32_t replica;
    uint32_t task;
    uint32_t iteration;
    uint32_t game; /* below RNG_GAMES */
    enum rng_phase phase;
};

#define RNG_GAMES (UINT32_C(1) << 28)

enum { RNG_BLOCK = 64 }; /* draws made at a time; a multiple of 4 */

struct rng {
    uint32_t counter[4]; /* next block of four draws, game and phase, iteration, task */
    uint32_t key[2];     /* seed, replica */
    uint32_t used;       /* draws of the block already given out */
    uint32_t block[RNG_BLOCK];
};

/* Starts the stream of a game at its first draw. */
void rng_start(struct rng *rng, const struct rng_key *key);

/* Makes the next block of draws; called by rng_take. */
void rng_refill(struct rng *rng);

/* The next n draws of 32 random bits, n <= RNG_BLOCK; they stay where they are until the next call. Draws that do not
 * come n at a time out of a block are left out. */
static inline const uint32_t *rng_take(struct rng *rng, uint32_t n) {
    if (rng->used + n > RNG_BLOCK) rng_refill(rng);
    rng->used += n;
    return rng->block + rng->used - n;
}

/* The next 32 random bits. */
static inline uint32_t rng_next(struct rng *rng) { return *rng_take(rng, 1); }

/* 32 random bits as a number in [0, 1), in steps of 2^-23: u * x < x for every normal float x > 0. */
static inline float rng_unit(uint32_t bits) { return (float)(bits >> 9) * 0x1p-23f; }

/* 32 random bits as an integer in [0, n), n >= 1; the bias is below n * 2^-32. */
static inline uint32_t rng_below(uint32_t bits, uint32_t n) { return (uint32_t)(((uint64_t)bits * n) >> 32); }

#endif
