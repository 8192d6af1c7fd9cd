#include "multidistral/base/index.h"

#include <assert.h>

static const uint64_t most_tuples = UINT64_C(1) << 62;

bool index_append(struct index *index, uint32_t size) {
    assert(size >= 1 && index->n >= 1);
    if (index->n_digits == INDEX_DIGITS || index->n > most_tuples / size) return false;
    for (int d = 0; d < index->n_digits; d++) index->place[d] *= size;
    index->size[index->n_digits] = size;
    index->place[index->n_digits] = 1;
    index->n_digits++;
    index->n *= size;
    return true;
}

uint64_t index_of(const struct index *index, const uint32_t *digit) {
    uint64_t i = 0;
    for (int d = 0; d < index->n_digits; d++) {
        assert(digit[d] < index->size[d]);
        i += index->place[d] * digit[d];
    }
    return i;
}

void index_digits(const struct index *index, uint64_t i, uint32_t *digit) {
    assert(i < index->n);
    for (int d = 0; d < index->n_digits; d++) digit[d] = (uint32_t)(i / index->place[d] % index->size[d]);
}
