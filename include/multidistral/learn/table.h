/* Values by observation and action: one row per observation, padded to the width of a vector. */
#ifndef MULTIDISTRAL_LEARN_TABLE_H
#define MULTIDISTRAL_LEARN_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "multidistral/learn/policy.h"

enum { TABLE_STRIDE = POLICY_ACTIONS }; /* floats from one row to the next */

struct table {
    uint64_t n_rows;
    float *value; /* [n_rows][TABLE_STRIDE], 64-byte aligned */
};

void table_create(struct table *table, uint64_t n_rows); /* all zero */
void table_clear(struct table *table);
void table_destroy(struct table *table);

static inline float *table_row(const struct table *table, uint64_t row) { return table->value + row * TABLE_STRIDE; }

/* Bytes that a table of so many rows takes. */
uint64_t table_bytes(uint64_t n_rows);

#endif
