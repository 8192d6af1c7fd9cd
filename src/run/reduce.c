#include "multidistral/run/reduce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"

enum { WORD_BITS = 64, LARGEST_MESSAGE = 1 << 26 /* items: MPI counts are int */ };

/* MPI_Allreduce in place, of any length. */
static void allreduce(void *items, uint64_t n, size_t size, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
    for (uint64_t first = 0; first < n; first += LARGEST_MESSAGE) {
        uint64_t part = n - first < LARGEST_MESSAGE ? n - first : LARGEST_MESSAGE;
        MPI_Allreduce(MPI_IN_PLACE, (char *)items + first * size, (int)part, type, op, comm);
    }
}

static bool bit(const uint64_t *words, uint64_t i) { return words[i / WORD_BITS] >> i % WORD_BITS & 1; }

static void set_bit(uint64_t *words, uint64_t i) { words[i / WORD_BITS] |= UINT64_C(1) << i % WORD_BITS; }

static uint64_t words_for(uint64_t bits) { return (bits + WORD_BITS - 1) / WORD_BITS; }

/* Which rows of which visits anyone visited: bit i * n_rows + row. The caller owns it. */
static uint64_t *visited_anywhere(const struct visits *visits, int n, uint64_t *n_words, MPI_Comm comm) {
    uint64_t n_rows = visits->n_rows;
    *n_words = words_for(n_rows * (uint64_t)n);
    uint64_t *words = memory_zeros(*n_words, sizeof *words);
    for (int i = 0; i < n; i++)
        for (uint64_t v = 0; v < visits[i].n_visited; v++) set_bit(words, (uint64_t)i * n_rows + visits[i].row[v]);
    allreduce(words, *n_words, sizeof *words, MPI_UINT64_T, MPI_BOR, comm);
    return words;
}

/* Makes the marked rows the list of each visits, in ascending order; returns how many there are together. */
static uint64_t take_rows(struct visits *visits, int n, const uint64_t *words) {
    uint64_t n_rows = visits->n_rows, together = 0;
    for (int i = 0; i < n; i++) {
        visits[i].n_visited = 0;
        for (uint64_t row = 0; row < n_rows; row++) {
            if (!bit(words, (uint64_t)i * n_rows + row)) continue;
            visits[i].seen[row] = true;
            visits[i].row[visits[i].n_visited++] = row;
        }
        together += visits[i].n_visited;
    }
    return together;
}

/* Copies the counts of all listed rows into `packed`, or back. */
static void move_counts(struct visits *visits, int n, int64_t *packed, bool back) {
    size_t bytes = (size_t)visits->n_actions * sizeof *packed;
    for (int i = 0; i < n; i++) {
        for (uint64_t v = 0; v < visits[i].n_visited; v++, packed += visits->n_actions) {
            int64_t *count = visits[i].count + visits[i].row[v] * (uint64_t)visits->n_actions;
            memcpy(back ? count : packed, back ? packed : count, bytes);
        }
    }
}

int64_t reduce_visits(struct visits *visits, int n, MPI_Comm comm) {
    int size;
    MPI_Comm_size(comm, &size);
    if (n == 0) return 0;
    if (size == 1) {
        for (int i = 0; i < n; i++) visits_sort(&visits[i]);
        return 0;
    }
    uint64_t n_words, n_counts;
    uint64_t *words = visited_anywhere(visits, n, &n_words, comm);
    n_counts = take_rows(visits, n, words) * (uint64_t)visits->n_actions;
    int64_t *packed = memory_zeros(n_counts, sizeof *packed);
    move_counts(visits, n, packed, false);
    allreduce(packed, n_counts, sizeof *packed, MPI_INT64_T, MPI_SUM, comm);
    move_counts(visits, n, packed, true);
    free(packed);
    free(words);
    return (int64_t)(n_words * sizeof *words + n_counts * sizeof *packed);
}

void reduce_marks(bool *mark, uint64_t n_rows, MPI_Comm comm) {
    uint64_t n_words = words_for(n_rows), *words = memory_zeros(n_words, sizeof *words);
    for (uint64_t row = 0; row < n_rows; row++)
        if (mark[row]) set_bit(words, row);
    allreduce(words, n_words, sizeof *words, MPI_UINT64_T, MPI_BOR, comm);
    for (uint64_t row = 0; row < n_rows; row++) mark[row] = bit(words, row);
    free(words);
}

struct verdict reduce_verdict(struct verdict own, MPI_Comm comm) {
    int all[2] = {own.stop, own.save};
    MPI_Allreduce(MPI_IN_PLACE, all, 2, MPI_INT, MPI_MAX, comm);
    return (struct verdict){.stop = all[0], .save = all[1]};
}

bool reduce_fault(bool ok, struct fault *why, MPI_Comm comm) {
    int rank, size, first;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    first = ok ? size : rank;
    MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, comm);
    if (first == size) return true;
    MPI_Bcast(why->text, FAULT_LENGTH, MPI_CHAR, first, comm);
    return false;
}
