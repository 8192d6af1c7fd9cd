/* Sums over ranks against sums made by hand; every rank checks. */
#include <mpi.h>
#include <stdio.h>
#include <string.h>

#include "support.h"

#include "multidistral/run/reduce.h"

static int rank, size;

/* Rank r visits rows r, r + 1 and 50 (only even ranks), with counts that need all 64 bits. */
static int64_t count_of(int r, uint64_t row, int a) {
    bool visits = row == (uint64_t)r || row == (uint64_t)r + 1 || (row == 50 && r % 2 == 0);
    return visits ? (INT64_C(1) << 58) + r * 1000 + (int64_t)row * 10 + a : 0;
}

static void sums_are_exact(uint64_t n_rows) {
    struct visits visits[2];
    for (int i = 0; i < 2; i++) {
        assert_true(visits_create(&visits[i], n_rows, 5));
        for (uint64_t row = 0; row < 60; row++)
            for (int a = 0; i == 0 && count_of(rank, row, 0) && a < 5; a++)
                visits_at(&visits[i], row)[a] += count_of(rank, row, a);
    }
    reduce_visits(visits, 2, MPI_COMM_WORLD);
    uint64_t listed = 0;
    for (uint64_t row = 0; row < 60; row++) {
        int64_t sum[5] = {0};
        for (int r = 0; r < size; r++)
            for (int a = 0; a < 5; a++) sum[a] += count_of(r, row, a);
        if (!sum[0]) continue;
        assert_int_equal(visits_row(&visits[0], listed), row);
        assert_memory_equal(visits_count(&visits[0], listed), sum, sizeof sum);
        listed++;
    }
    assert_int_equal(visits[0].slots.n_known, listed);
    assert_int_equal(visits[1].slots.n_known, 0);
    for (int i = 0; i < 2; i++) visits_destroy(&visits[i]);
}

static void sums_of_visits(void **state) {
    (void)state;
    sums_are_exact(100);
    sums_are_exact(UINT64_C(1) << 23); /* lists instead of bits */
    reduce_visits(NULL, 0, MPI_COMM_WORLD);
}

static void the_first_fault_reaches_all(void **state) {
    (void)state;
    struct fault why;
    snprintf(why.text, sizeof why.text, "rank %d", rank);
    assert_true(reduce_fault(true, &why, MPI_COMM_WORLD));
    assert_false(reduce_fault(rank != size - 1, &why, MPI_COMM_WORLD));
    char expected[32];
    snprintf(expected, sizeof expected, "rank %d", size - 1);
    assert_string_equal(why.text, expected);
}

static void one_wish_is_all_wishes(void **state) {
    (void)state;
    struct verdict verdict = reduce_verdict((struct verdict){.stop = rank == size - 1}, MPI_COMM_WORLD);
    assert_true(verdict.stop && !verdict.save);
}

/* What rank r adds to a row: nothing, a little, or nearly all that a count can hold. */
static int64_t large_count(int r, uint64_t row, int a) {
    if ((row + (uint64_t)r) % 3 == 0) return 0;
    int64_t share = (INT64_C(1) << 62) / size;
    return row % 2 ? share - r - 7 * a : (int64_t)row * 1000003 + r + a;
}

static void assert_sums(const struct visits *visits, uint64_t n_rows, int64_t (*count)(int, uint64_t, int)) {
    uint64_t listed = 0;
    for (uint64_t row = 0; row < n_rows; row++) {
        int64_t sum[5] = {0};
        bool seen = false;
        for (int r = 0; r < size; r++) {
            for (int a = 0; a < 5; a++) sum[a] += count(r, row, a);
            for (int a = 0; a < 5; a++) seen = seen || count(r, row, a);
        }
        if (!seen) continue;
        assert_true(listed < visits->slots.n_known && visits_row(visits, listed) == row);
        assert_memory_equal(visits_count(visits, listed), sum, sizeof sum);
        listed++;
    }
    assert_int_equal(visits->slots.n_known, listed);
}

static void visit_backwards(struct visits *visits, uint64_t n_rows, int64_t (*count)(int, uint64_t, int)) {
    for (uint64_t row = n_rows; row-- > 0;)
        for (int a = 0; a < 5; a++)
            if (count(rank, row, a)) visits_at(visits, row)[a] += count(rank, row, a);
}

/* Only one rank has been anywhere, and each row is another rank's. */
static int64_t lonely_count(int r, uint64_t row, int a) { return r == size / 2 && row % 4 == 1 ? (int64_t)row + a : 0; }
/* Rows with one action or two, and others that are full. */
static int64_t patchy_count(int r, uint64_t row, int a) { return row % 5 == 4 || (row + (uint64_t)(r + a)) % 3 == 0 ? (int64_t)row - a + 7 : 0; }
static int64_t disjoint_count(int r, uint64_t row, int a) { return row % (uint64_t)size == (uint64_t)r ? 5 + a : 0; }

/* Directly addressed tables, large ones whose rows travel as bits, and those whose rows travel as lists. */
static const uint64_t table_rows[] = {300, SLOTS_DIRECT + 300, (UINT64_C(1) << 22) + 300};

static void sums_are_those_of_one_rank(void **state) {
    (void)state;
    enum { KINDS = 4 };
    int64_t (*const counts[KINDS])(int, uint64_t, int) = {large_count, lonely_count, disjoint_count, patchy_count};
    for (int size_of_table = 0; size_of_table < 3; size_of_table++) {
        struct visits visits[KINDS];
        for (int i = 0; i < KINDS; i++) {
            assert_true(visits_create(&visits[i], table_rows[size_of_table], 5));
            visit_backwards(&visits[i], 200, counts[i]);
        }
        reduce_visits(visits, KINDS, MPI_COMM_WORLD);
        for (int i = 0; i < KINDS; i++) {
            assert_sums(&visits[i], 200, counts[i]);
            visits_destroy(&visits[i]);
        }
    }
}

static void visits_go_on_after_a_reduction(void **state) {
    (void)state;
    struct visits visits;
    assert_true(visits_create(&visits, 300, 5));
    for (int time = 0; time < 2; time++) {
        visits_clear(&visits);
        visit_backwards(&visits, 200, disjoint_count);
        reduce_visits(&visits, 1, MPI_COMM_WORLD);
        assert_sums(&visits, 200, disjoint_count);
    }
    visits_destroy(&visits);
}

static void rows_of_which_one_rank_has_few_cells_are_summed_by_cells(void **state) {
    (void)state;
    struct visits visits;
    assert_true(visits_create(&visits, 300, 5));
    for (int patchy = -1; patchy < size; patchy++) {
        visits_clear(&visits);
        visit_backwards(&visits, 200, rank == patchy ? patchy_count : disjoint_count);
        reduce_visits(&visits, 1, MPI_COMM_WORLD);
        for (uint64_t i = 0; i < visits.slots.n_known; i++) {
            uint64_t row = visits_row(&visits, i);
            for (int a = 0; a < 5; a++) {
                int64_t sum = 0;
                for (int r = 0; r < size; r++) sum += r == patchy ? patchy_count(r, row, a) : disjoint_count(r, row, a);
                assert_int_equal(visits_count(&visits, i)[a], sum);
            }
        }
    }
    visits_destroy(&visits);
}

static void the_bytes_follow_the_rows_visited(void **state) {
    (void)state;
    struct visits visits;
    assert_true(visits_create(&visits, 300, 5));
    const int rows = 301 / 8 + 1, cells = size * 5 / 8 + 1; /* bits for each row and one more; then for each cell of those visited */
    assert_int_equal(reduce_visits(&visits, 1, MPI_COMM_WORLD), size > 1 ? rows : 0);
    for (int n = 1; n <= 5; n++) {
        visits_clear(&visits);
        for (int a = 0; a < n; a++) visits_at(&visits, (uint64_t)rank)[a] = 1;
        int64_t bytes = reduce_visits(&visits, 1, MPI_COMM_WORLD);
        int expected = n < 4 ? rows + cells + size * n * 8 : rows + size * 5 * 8; /* nearly full: the whole row */
        assert_int_equal(bytes, size > 1 ? expected : 0);
    }
    visits_destroy(&visits);
}

/* Rows 3 r and 100, each given twice, the larger first; the last rank has none. */
static void a_union_of_lists_names_each_row_once(void **state) {
    (void)state;
    for (int size_of_table = 0; size_of_table < 3; size_of_table++) {
        uint64_t row[512] = {100, 3 * (uint64_t)rank, 100, 3 * (uint64_t)rank};
        bool none = size > 1 && rank == size - 1;
        uint64_t n = reduce_rows(row, none ? 0 : 4, table_rows[size_of_table], MPI_COMM_WORLD);
        uint64_t from = size > 1 ? (uint64_t)size - 1 : 1;
        assert_int_equal(n, from + 1);
        for (uint64_t i = 0; i < from; i++) assert_int_equal(row[i], 3 * i);
        assert_int_equal(row[from], 100);
        assert_int_equal(reduce_rows(row, 0, table_rows[size_of_table], MPI_COMM_WORLD), 0);
    }
}

static void of_several_faults_the_lowest_rank_has_the_word(void **state) {
    (void)state;
    struct fault why;
    char expected[32];
    snprintf(why.text, sizeof why.text, "rank %d", rank);
    snprintf(expected, sizeof expected, "rank %d", size > 1 ? 1 : 0);
    assert_false(reduce_fault(rank == 0 && size > 1, &why, MPI_COMM_WORLD));
    assert_string_equal(why.text, expected);
}

static void no_fault_leaves_the_text(void **state) {
    (void)state;
    struct fault why = {"mine"};
    assert_true(reduce_fault(true, &why, MPI_COMM_WORLD));
    assert_string_equal(why.text, "mine");
}

static void each_wish_stands_for_itself(void **state) {
    (void)state;
    struct verdict own = {.save = rank == 0, .full = rank == size / 2}, none = {0};
    struct verdict verdict = reduce_verdict(own, MPI_COMM_WORLD);
    assert_true(!verdict.stop && verdict.save && verdict.full);
    verdict = reduce_verdict(none, MPI_COMM_WORLD);
    assert_true(!verdict.stop && !verdict.save && !verdict.full);
}

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (rank > 0 && !freopen("/dev/null", "w", stdout)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_visits),
        cmocka_unit_test(the_first_fault_reaches_all),
        cmocka_unit_test(one_wish_is_all_wishes),
        cmocka_unit_test(sums_are_those_of_one_rank),
        cmocka_unit_test(visits_go_on_after_a_reduction),
        cmocka_unit_test(rows_of_which_one_rank_has_few_cells_are_summed_by_cells),
        cmocka_unit_test(the_bytes_follow_the_rows_visited),
        cmocka_unit_test(a_union_of_lists_names_each_row_once),
        cmocka_unit_test(of_several_faults_the_lowest_rank_has_the_word),
        cmocka_unit_test(no_fault_leaves_the_text),
        cmocka_unit_test(each_wish_stands_for_itself),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL), any;
    MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    MPI_Finalize();
    return any != 0;
}
