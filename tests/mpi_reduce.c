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
            for (int a = 0; i == 0 && count_of(rank, row, 0) && a < 5; a++) visits_at(&visits[i], row)[a] += count_of(rank, row, a);
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

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (rank > 0 && !freopen("/dev/null", "w", stdout)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_visits),
        cmocka_unit_test(the_first_fault_reaches_all),
        cmocka_unit_test(one_wish_is_all_wishes),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL), any;
    MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    MPI_Finalize();
    return any != 0;
}
