#include "multidistral/run/reduce.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"

enum { WORD_BITS = 64, LARGEST_MESSAGE = 1 << 26 /* items: MPI counts are int */ };

/* Up to so many rows, a bit for each row says more cheaply which were visited than a list of their numbers. */
static const uint64_t most_bits = UINT64_C(1) << 20;

/* MPI_Allreduce in place, of any length. */
static void allreduce(void *items, uint64_t n, size_t size, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
    for (uint64_t first = 0; first < n; first += LARGEST_MESSAGE) {
        uint64_t part = n - first < LARGEST_MESSAGE ? n - first : LARGEST_MESSAGE;
        MPI_Allreduce(MPI_IN_PLACE, (char *)items + first * size, (int)part, type, op, comm);
    }
}

/* ---- Sorted lists of rows, and their union over ranks ---- */

static int compare_rows(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Sorts, and drops all but one of equal rows; returns how many are left. */
static uint64_t sort_rows(uint64_t *row, uint64_t n) {
    uint64_t kept = 0;
    qsort(row, n, sizeof *row, compare_rows);
    for (uint64_t i = 0; i < n; i++)
        if (i == 0 || row[i] != row[i - 1]) row[kept++] = row[i];
    return kept;
}

static uint64_t union_by_bits(uint64_t *row, uint64_t n, uint64_t n_rows, MPI_Comm comm) {
    uint64_t n_words = (n_rows + WORD_BITS - 1) / WORD_BITS, *words = memory_zeros(n_words, sizeof *words), found = 0;
    for (uint64_t i = 0; i < n; i++) words[row[i] / WORD_BITS] |= UINT64_C(1) << row[i] % WORD_BITS;
    allreduce(words, n_words, sizeof *words, MPI_UINT64_T, MPI_BOR, comm);
    for (uint64_t w = 0; w < n_words; w++)
        for (uint64_t left = words[w]; left; left &= left - 1) row[found++] = w * WORD_BITS + (uint64_t)__builtin_ctzll(left);
    free(words);
    return found;
}

/* Two sorted lists without repetitions, made one; `out` has room for their union. */
static uint64_t merge(const uint64_t *a, uint64_t n_a, const uint64_t *b, uint64_t n_b, uint64_t *out) {
    uint64_t n = 0, i = 0, j = 0;
    while (i < n_a && j < n_b) {
        uint64_t x = a[i], y = b[j];
        out[n++] = x < y ? x : y;
        i += x <= y;
        j += y <= x;
    }
    memcpy(out + n, a + i, (n_a - i) * sizeof *out);
    n += n_a - i;
    memcpy(out + n, b + j, (n_b - j) * sizeof *out);
    return n + n_b - j;
}

static int part_of(uint64_t n, uint64_t first) {
    uint64_t left = n > first ? n - first : 0;
    return (int)(left < LARGEST_MESSAGE ? left : LARGEST_MESSAGE);
}

/* Own rows for those of another rank, which calls this too. */
static void swap_rows(const uint64_t *own, uint64_t n, uint64_t *other, uint64_t n_other, int peer, MPI_Comm comm) {
    for (uint64_t first = 0; first < n || first < n_other; first += LARGEST_MESSAGE)
        MPI_Sendrecv(own + first, part_of(n, first), MPI_UINT64_T, peer, 0, other + first, part_of(n_other, first), MPI_UINT64_T,
                     peer, 0, comm, MPI_STATUS_IGNORE);
}

/* Adds the list of another rank, which adds ours; returns how many rows there are now. */
static uint64_t merge_with(int peer, uint64_t *row, uint64_t n, MPI_Comm comm) {
    uint64_t n_other;
    MPI_Sendrecv(&n, 1, MPI_UINT64_T, peer, 0, &n_other, 1, MPI_UINT64_T, peer, 0, comm, MPI_STATUS_IGNORE);
    uint64_t *own = memory_resized(NULL, n + n_other, sizeof *own), *other = own + n;
    memcpy(own, row, n * sizeof *row);
    swap_rows(own, n, other, n_other, peer, comm);
    n = merge(own, n, other, n_other, row);
    free(own);
    return n;
}

/* By doubling: after k steps a rank knows what 2^k ranks had, so that nobody ever holds more than twice the union. Ranks beyond
 * the largest power of 2 have a partner below it, before and after. */
static uint64_t union_by_lists(uint64_t *row, uint64_t n, MPI_Comm comm) {
    int rank, size, whole = 1;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    while (whole <= size / 2) whole *= 2;
    int partner = rank < whole ? rank + whole : rank - whole;
    n = sort_rows(row, n);
    if (partner < size) n = merge_with(partner, row, n, comm);
    for (int apart = 1; rank < whole && apart < whole; apart *= 2) n = merge_with(rank ^ apart, row, n, comm);
    return partner < size ? merge_with(partner, row, n, comm) : n;
}

uint64_t reduce_rows(uint64_t *row, uint64_t n, uint64_t n_rows, MPI_Comm comm) {
    return n_rows <= most_bits ? union_by_bits(row, n, n_rows, comm) : union_by_lists(row, n, comm);
}

/* ---- Visit counts ----
 *
 * First the union of the rows that somebody visited, of all policies of a call, numbered together; then of the cells,
 * (row, action), in these rows; then the sum of their counts. Where the rows of every rank are nearly full, cells are not asked for,
 * and whole rows are summed: with very many ranks it is the number of messages that costs, and the bytes of what they all send alike. */

/* Lists the rows in which anything was counted; returns how many, and the cells in them. Both are found without a branch, since rows
 * and cells may be empty in no order. */
static uint64_t list_rows(const struct visits *visits, int n, uint64_t *row, uint64_t *n_cells) {
    uint64_t n_found = 0;
    *n_cells = 0;
    for (int v = 0; v < n; v++)
        for (uint64_t i = 0; i < visits[v].slots.n_known; i++) {
            const int64_t *count = visits_count(&visits[v], i);
            uint64_t cells = 0;
            for (int a = 0; a < visits->n_actions; a++) cells += count[a] != 0;
            row[n_found] = (uint64_t)v * visits->slots.n_rows + visits_row(&visits[v], i);
            n_found += cells != 0;
            *n_cells += cells;
        }
    return n_found;
}

static int64_t *counts_of(struct visits *visits, uint64_t row) {
    uint64_t n_rows = visits->slots.n_rows, v = row / n_rows;
    return visits_at(&visits[v], row - v * n_rows);
}

static bool has_bit(const uint64_t *words, uint64_t i) { return words[i / WORD_BITS] >> i % WORD_BITS & 1; }

/* Sums over ranks those of n counts that are not 0 on all of them; returns how many bytes that took. */
static uint64_t sum_cells(int64_t *count, uint64_t n, MPI_Comm comm) {
    uint64_t n_words = n / WORD_BITS + 1, *words = memory_zeros(n_words, sizeof *words), n_cells = 0, at = 0;
    for (uint64_t i = 0; i < n; i++) words[i / WORD_BITS] |= (uint64_t)(count[i] != 0) << i % WORD_BITS;
    allreduce(words, n_words, sizeof *words, MPI_UINT64_T, MPI_BOR, comm);
    int64_t *packed = memory_resized(NULL, n + 1, sizeof *packed);
    for (uint64_t i = 0; i < n; i++) {
        packed[n_cells] = count[i];
        n_cells += has_bit(words, i);
    }
    packed[n_cells] = 0;
    allreduce(packed, n_cells, sizeof *packed, MPI_INT64_T, MPI_SUM, comm);
    for (uint64_t i = 0; i < n; i++) {
        count[i] = has_bit(words, i) ? packed[at] : 0;
        at += has_bit(words, i);
    }
    free(packed);
    free(words);
    return n / CHAR_BIT + 1 + n_cells * sizeof *packed;
}

/* Sums the counts of these rows, and leaves the visits with just them. */
static uint64_t sum_rows(struct visits *visits, int n, const uint64_t *row, uint64_t n_found, bool by_cells, MPI_Comm comm) {
    uint64_t n_actions = (uint64_t)visits->n_actions, n_counts = n_found * n_actions, bytes = n_counts * sizeof(int64_t);
    int64_t *packed = memory_resized(NULL, n_counts, sizeof *packed);
    for (uint64_t i = 0; i < n_found; i++) memcpy(packed + i * n_actions, counts_of(visits, row[i]), n_actions * sizeof *packed);
    if (by_cells) bytes = sum_cells(packed, n_counts, comm);
    else allreduce(packed, n_counts, sizeof *packed, MPI_INT64_T, MPI_SUM, comm);
    for (int v = 0; v < n; v++) visits_clear(&visits[v]);
    for (uint64_t i = 0; i < n_found; i++) memcpy(counts_of(visits, row[i]), packed + i * n_actions, n_actions * sizeof *packed);
    free(packed);
    return bytes;
}

/* Room for a list of rows. Small ones come from the heap, whose pages are there from one call to the next: new pages took
 * a tenth of a reduction. */
static uint64_t *rows_create(uint64_t room) {
    uint64_t *row = room <= most_bits ? memory_resized(NULL, room, sizeof *row) : memory_sparse(room, sizeof *row);
    if (!row) abort(); /* the visits hold more */
    return row;
}

static void rows_destroy(uint64_t *row, uint64_t room) {
    if (room <= most_bits) free(row);
    else memory_sparse_free(row, room, sizeof *row);
}

/* With that many cells empty, the rows of a rank are no longer nearly full. */
static bool many_are_empty(uint64_t n_cells, uint64_t n_counts) { return n_cells < n_counts - n_counts / 4; }

int64_t reduce_visits(struct visits *visits, int n, MPI_Comm comm) {
    int size;
    MPI_Comm_size(comm, &size);
    if (n == 0) return 0;
    uint64_t n_rows = (uint64_t)n * visits->slots.n_rows, room = n_rows + 1, n_cells, *row = rows_create(room);
    uint64_t own = list_rows(visits, n, row, &n_cells);
    if (size > 1 && many_are_empty(n_cells, own * (uint64_t)visits->n_actions)) row[own++] = n_rows; /* as if it were one more row */
    uint64_t n_found = reduce_rows(row, own, room, comm);
    bool by_cells = n_found > 0 && row[n_found - 1] == n_rows;
    uint64_t bytes = room <= most_bits ? room / CHAR_BIT + 1 : own * sizeof *row;
    bytes += sum_rows(visits, n, row, n_found - by_cells, by_cells, comm);
    rows_destroy(row, room);
    return size > 1 ? (int64_t)bytes : 0;
}

struct verdict reduce_verdict(struct verdict own, MPI_Comm comm) {
    int all[] = {own.stop, own.save, own.full, own.show};
    MPI_Allreduce(MPI_IN_PLACE, all, sizeof all / sizeof *all, MPI_INT, MPI_MAX, comm);
    return (struct verdict){.stop = all[0], .save = all[1], .full = all[2], .show = all[3]};
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
