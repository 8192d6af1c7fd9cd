/* base/index: mixed radix, tuples <-> one number. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "multidistral/base/index.h"

static struct index index_with(int n_digits, const uint32_t *size) {
    struct index index = {.n = 1};
    for (int d = 0; d < n_digits; d++) assert_true(index_append(&index, size[d]));
    return index;
}

static void the_first_digit_is_the_most_significant(void **unused) {
    (void)unused;
    struct index index = index_with(3, (uint32_t[]){3, 4, 5});
    assert_int_equal(index.n, 60);
    assert_int_equal(index.n_digits, 3);
    assert_int_equal(index_of(&index, (uint32_t[]){0, 0, 1}), 1);
    assert_int_equal(index_of(&index, (uint32_t[]){0, 1, 0}), 5);
    assert_int_equal(index_of(&index, (uint32_t[]){1, 0, 0}), 20);
    assert_int_equal(index_of(&index, (uint32_t[]){2, 3, 4}), 59);
}

static void every_index_goes_to_digits_and_back(void **unused) {
    (void)unused;
    struct index index = index_with(4, (uint32_t[]){2, 1, 7, 3});
    uint32_t digit[4];
    for (uint64_t i = 0; i < index.n; i++) {
        index_digits(&index, i, digit);
        for (int d = 0; d < 4; d++) assert_true(digit[d] < index.size[d]);
        assert_int_equal(index_of(&index, digit), i);
    }
}

static void no_digits_make_one_index(void **unused) {
    (void)unused;
    struct index index = {.n = 1};
    assert_int_equal(index_of(&index, NULL), 0);
}

static void indices_near_the_most_tuples_round_trip(void **unused) {
    (void)unused;
    struct index index = index_with(2, (uint32_t[]){UINT32_C(1) << 31, UINT32_C(1) << 31});
    assert_true(index.n == UINT64_C(1) << 62);
    uint32_t digit[2];
    index_digits(&index, index.n - 1, digit);
    assert_int_equal(digit[0], (UINT32_C(1) << 31) - 1);
    assert_int_equal(digit[1], (UINT32_C(1) << 31) - 1);
    assert_true(index_of(&index, digit) == index.n - 1);
}

static void assert_refused_unchanged(struct index *index, uint32_t size) {
    struct index before = *index;
    assert_false(index_append(index, size));
    assert_memory_equal(index, &before, sizeof before);
}

static void more_than_2_to_the_62_tuples_are_refused_and_change_nothing(void **unused) {
    (void)unused;
    struct index full = index_with(2, (uint32_t[]){UINT32_C(1) << 31, UINT32_C(1) << 31});
    assert_refused_unchanged(&full, 2);
    assert_true(index_append(&full, 1));
    struct index odd = index_with(2, (uint32_t[]){UINT32_MAX, 1000000007});
    assert_refused_unchanged(&odd, 2);
    assert_refused_unchanged(&odd, UINT32_MAX);
}

static void more_digits_than_there_is_room_for_are_refused(void **unused) {
    (void)unused;
    struct index index = {.n = 1};
    for (int d = 0; d < INDEX_DIGITS; d++) assert_true(index_append(&index, 1));
    assert_refused_unchanged(&index, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_digit_is_the_most_significant),
        cmocka_unit_test(every_index_goes_to_digits_and_back),
        cmocka_unit_test(no_digits_make_one_index),
        cmocka_unit_test(indices_near_the_most_tuples_round_trip),
        cmocka_unit_test(more_than_2_to_the_62_tuples_are_refused_and_change_nothing),
        cmocka_unit_test(more_digits_than_there_is_room_for_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
