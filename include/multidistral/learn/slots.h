/* Where the rows of a table lie: by their number in small tables, and in the order of their first visit in large ones,
 * so that memory and caches hold the rows that were visited and not those there could be. */
#ifndef MULTIDISTRAL_LEARN_SLOTS_H
#define MULTIDISTRAL_LEARN_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tables of up to so many rows are addressed directly. */
#define SLOTS_DIRECT (UINT64_C(1) << 16)

/* Rows, and the list of those that are known; slot i of a large table is that of row known[i]. */
struct slots {
    uint64_t n_rows;
    uint32_t *of;    /* [n_rows] slot + 1, or 0: not known; NULL where rows are addressed directly */
    uint64_t *known; /* [n_known], in the order of their first visit */
    uint64_t n_known;
};

/* No row known. False when there is not that much address space; then there is nothing to destroy. */
bool slots_create(struct slots *slots, uint64_t n_rows);
void slots_destroy(struct slots *slots);

/* Forgets all rows; the cost follows those that were known. */
void slots_clear(struct slots *slots);

/* Most slots that can be in use: what the memory behind them is created for. */
static inline uint64_t slots_most(const struct slots *slots) { return slots->n_rows; }

/* The slot of a row for writing. In a large table a row not known yet gets the next slot; the caller must then call
 * slots_know before it asks for another. */
static inline uint64_t slots_reach(struct slots *slots, uint64_t row) {
    if (!slots->of) return row;
    if (!slots->of[row]) slots->of[row] = (uint32_t)slots->n_known + 1;
    return slots->of[row] - 1;
}

/* Lists a row that is reached for the first time. */
static inline void slots_know(struct slots *slots, uint64_t row) { slots->known[slots->n_known++] = row; }

/* The slot of a row for reading; SLOTS_NONE for one of a large table that is not known. */
#define SLOTS_NONE UINT64_MAX
static inline uint64_t slots_find(const struct slots *slots, uint64_t row) {
    if (!slots->of) return row;
    return slots->of[row] ? slots->of[row] - 1 : SLOTS_NONE;
}

/* The slot of the i-th known row. */
static inline uint64_t slots_of_known(const struct slots *slots, uint64_t i) {
    return slots->of ? i : slots->known[i];
}

#endif
