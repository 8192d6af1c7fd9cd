/* base/fault: one sentence about what went wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "multidistral/base/fault.h"

static void set_writes_the_sentence_and_returns_false(void **unused) {
    (void)unused;
    struct fault why = {"old"};
    assert_false(fault_set(&why, "row %d has %s", 3, "a gap"));
    assert_string_equal(why.text, "row 3 has a gap");
}

static void at_puts_the_place_in_front(void **unused) {
    (void)unused;
    struct fault why;
    fault_set(&why, "no map");
    assert_false(fault_at(&why, "%s:%d", "a.task", 7));
    assert_string_equal(why.text, "a.task:7: no map");
    assert_false(fault_at(&why, "run %d", 2));
    assert_string_equal(why.text, "run 2: a.task:7: no map");
}

static void percent_signs_of_the_sentence_are_kept(void **unused) {
    (void)unused;
    struct fault why;
    fault_set(&why, "%s", "100 %d %s");
    fault_at(&why, "here");
    assert_string_equal(why.text, "here: 100 %d %s");
}

static void a_long_sentence_is_cut_at_the_length(void **unused) {
    (void)unused;
    char text[2 * FAULT_LENGTH];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct fault why;
    assert_false(fault_set(&why, "%s", text));
    assert_int_equal(strlen(why.text), FAULT_LENGTH - 1);
}

static void a_long_place_leaves_room_for_the_sentence(void **unused) {
    (void)unused;
    char text[2 * FAULT_LENGTH];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct fault why;
    fault_set(&why, "no map");
    assert_false(fault_at(&why, "%s", text));
    assert_true(strlen(why.text) < FAULT_LENGTH);
    assert_non_null(strstr(why.text, ": no map"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_writes_the_sentence_and_returns_false),
        cmocka_unit_test(at_puts_the_place_in_front),
        cmocka_unit_test(percent_signs_of_the_sentence_are_kept),
        cmocka_unit_test(a_long_sentence_is_cut_at_the_length),
        cmocka_unit_test(a_long_place_leaves_room_for_the_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
