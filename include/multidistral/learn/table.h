/* What an agent has learned: one cache line per observation.
 *
 * A row keeps the values beside what follows from them, so that a step of a game reads its next action's weights
 * ready-made, and computes new ones only for the row that it changes. Rows are addressed directly; the memory of those
 * that no game has reached is never taken. */
#ifndef MULTIDISTRAL_LEARN_TABLE_H
#define MULTIDISTRAL_LEARN_TABLE_H

#include <stdbool.h>
#include <stdint.h>

enum { TABLE_WORDS = 15 };

/* The words are the learner's. The stamp says for which iteration they were made ready: iteration + 1, or 0 for a row
 * that was never reached; then all words are 0. */
struct table_row {
    float word[TABLE_WORDS];
    uint32_t stamp;
};

struct table {
    uint64_t n_rows;
    struct table_row *row; /* [n_rows], 64-byte aligned */
    uint64_t *known;       /* [n_known] the rows ever reached, in the order of their first visit */
    uint64_t n_known;
};

/* No row reached. False when there is not that much address space; then there is nothing to destroy. */
bool table_create(struct table *table, uint64_t n_rows);
void table_destroy(struct table *table);

/* Notes that a row, whose stamp is still 0, is reached. */
static inline void table_know(struct table *table, const struct table_row *row) {
    table->known[table->n_known++] = (uint64_t)(row - table->row);
}

#endif
