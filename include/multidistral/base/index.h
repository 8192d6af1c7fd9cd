/* Mixed radix: tuples of small numbers <-> one index, the first digit the most significant. */
#ifndef MULTIDISTRAL_BASE_INDEX_H
#define MULTIDISTRAL_BASE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

enum { INDEX_DIGITS = 32 }; /* most digits of an index */

struct index {
    int n_digits;
    uint32_t size[INDEX_DIGITS];  /* digit d is in [0, size[d]) */
    uint64_t place[INDEX_DIGITS]; /* what digit d counts: the product of the sizes behind it */
    uint64_t n;                   /* number of tuples: indices are in [0, n) */
};

/* Appends a digit in front of which all earlier ones become more significant. False, and nothing changed, when the
 * number of tuples would pass 2^62. Start from a zeroed struct with n = 1. */
bool index_append(struct index *index, uint32_t size);

/* Tuple [n_digits] to index, and back. */
uint64_t index_of(const struct index *index, const uint32_t *digit);
void index_digits(const struct index *index, uint64_t i, uint32_t *digit);

#endif
