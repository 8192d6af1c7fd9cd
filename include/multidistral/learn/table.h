/* What an agent has learned: one cache line per observation.
 *
 * A row keeps the values beside what follows from them, so that a step of a game reads its next action's weights
 * ready-made, and computes new ones only for the row that it changes. */
#ifndef MULTIDISTRAL_LEARN_TABLE_H
#define MULTIDISTRAL_LEARN_TABLE_H

#include "multidistral/learn/slots.h"

enum { TABLE_WORDS = 15 };

/* The words are the learner's. The stamp says for which iteration they were made ready: iteration + 1, or 0 for a row
 * that was never reached; then all words are 0. */
struct table_row {
    float word[TABLE_WORDS];
    uint32_t stamp;
};

struct table {
    struct slots slots;    /* slots.known: the rows ever reached */
    struct table_row *row; /* by slot; 64-byte aligned */
    int n_wide;            /* values of a row that are more than its words hold, or 0 */
    float *wide;           /* [slot][n_wide], 0 in a row never reached; NULL for n_wide = 0 */
};

/* No row reached. False when there is not that much address space; then there is nothing to destroy. */
bool table_create(struct table *table, uint64_t n_rows, int n_wide);
void table_destroy(struct table *table);

/* A row to work on. If its stamp is 0 it was never reached: the caller must then call slots_know. */
static inline struct table_row *table_reach(struct table *table, uint64_t row) {
    return table->row + slots_reach(&table->slots, row);
}

/* The wide values of a row that was reached. */
static inline float *table_wide(const struct table *table, const struct table_row *row) {
    return table->wide + (row - table->row) * table->n_wide;
}

/* A row as it is; NULL if it was never reached. */
static inline const struct table_row *table_find(const struct table *table, uint64_t row) {
    uint64_t slot = slots_find(&table->slots, row);
    return slot == SLOTS_NONE || table->row[slot].stamp == 0 ? NULL : table->row + slot;
}

#endif
