/* base/text: files, lines, strict numbers, the nearest word. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "multidistral/base/rng.h"
#include "multidistral/base/text.h"

/* ---- Strict numbers ---- */

static void assert_real(const char *text, double expected) {
    double value = -12345;
    assert_true(text_to_real(text, &value));
    assert_true(value == expected);
}

static void reals_are_read(void **unused) {
    (void)unused;
    assert_real("0", 0);
    assert_real("1", 1);
    assert_real("+1", 1);
    assert_real("-0.1", -0.1);
    assert_real(".5", 0.5);
    assert_real("5.", 5);
    assert_real("007", 7);
    assert_real("1e3", 1000);
    assert_real("1E-3", 0.001);
    assert_real("1.7976931348623157e308", DBL_MAX);
    assert_real("5e-324", DBL_TRUE_MIN);
}

static void whatever_is_no_real_is_refused_and_leaves_the_value(void **unused) {
    (void)unused;
    static const char *const refused[] = {
        "",     " 1",    "1 ",       "\t1",   "1\n",     "0x10", "0x1p3", "nan",   "NAN",     "nan(1)", "inf",
        "-inf", "infinity", "1e999", "-1e999", "+-1",    "--1",  "+",     "-",     ".",       "e",      "e5",
        "1e",   "1e+",   "1.2.3",    "1,5",   "1-1",     "1 2",  "1_000", "one",   "1f",      "1d0",    "\xd9\xa1"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        double value = 42;
        if (text_to_real(refused[i], &value)) fail_msg("\"%s\" was taken for %g", refused[i], value);
        assert_true(value == 42);
    }
}

static void assert_integer(const char *text, int64_t expected) {
    int64_t value = -12345;
    assert_true(text_to_integer(text, &value));
    assert_true(value == expected);
}

static void integers_are_read(void **unused) {
    (void)unused;
    assert_integer("0", 0);
    assert_integer("-0", 0);
    assert_integer("+7", 7);
    assert_integer("-7", -7);
    assert_integer("010", 10);
    assert_integer("9223372036854775807", INT64_MAX);
    assert_integer("-9223372036854775808", INT64_MIN);
}

static void whatever_is_no_integer_is_refused_and_leaves_the_value(void **unused) {
    (void)unused;
    static const char *const refused[] = {"",   " 1",  "1 ", "\t1", "1\n", "0x10", "1.0", "1e3", "nan", "inf", "1e999",
                                          "+-1", "--1", "+",  "-",   "1-",  "1-1",  "1 2", "one", "1_000",
                                          "9223372036854775808", "-9223372036854775809", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        int64_t value = 42;
        if (text_to_integer(refused[i], &value)) fail_msg("\"%s\" was taken for a number", refused[i]);
        assert_true(value == 42);
    }
}

static void assert_written(double value, const char *expected) {
    char text[64];
    text_from_real(text, sizeof text, value);
    assert_string_equal(text, expected);
}

static void reals_are_written_in_the_fewest_digits(void **unused) {
    (void)unused;
    assert_written(0, "0");
    assert_written(1, "1");
    assert_written(100, "100");
    assert_written(-1000000, "-1000000");
    assert_written(1200000, "1200000");
    assert_written(0.1, "0.1");
    assert_written(-0.1, "-0.1");
    assert_written(0.99, "0.99");
    assert_written(1e-9, "1e-09");
    assert_written(1e300, "1e+300");
    assert_written(0.1 + 0.2, "0.30000000000000004");
}

static void assert_reads_back(double value) {
    char text[64];
    double back = 0;
    text_from_real(text, sizeof text, value);
    assert_true(text_to_real(text, &back));
    assert_memory_equal(&back, &value, sizeof value);
}

static void any_written_real_reads_back_as_the_same(void **unused) {
    (void)unused;
    const double edges[] = {0.0, -0.0, DBL_MIN, DBL_TRUE_MIN, DBL_MAX, -DBL_MAX, DBL_EPSILON, 1e15, 1e15 - 1, 1e15 + 1,
                            999999999999999.9, 1.0 / 3};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) assert_reads_back(edges[i]);
    struct rng rng;
    rng_start(&rng, &(struct rng_key){.seed = 1});
    for (int i = 0; i < 20000; i++) {
        double value;
        memcpy(&value, rng_take(&rng, 2), sizeof value);
        if (isfinite(value)) assert_reads_back(value);
    }
}

/* ---- Lines ---- */

/* Lines in brackets, each with its number, as "1[a]2[]". */
static void assert_lines(const char *text, const char *expected) {
    char found[256] = "";
    struct text_line line = {0};
    while (text_next_line(text, &line)) {
        size_t used = strlen(found);
        snprintf(found + used, sizeof found - used, "%d[%.*s]", line.number, (int)line.length, line.start);
    }
    assert_string_equal(found, expected);
}

static void lines_are_counted_from_1(void **unused) {
    (void)unused;
    assert_lines("a\nbc\nd\n", "1[a]2[bc]3[d]");
}

static void the_last_newline_may_be_missing(void **unused) {
    (void)unused;
    assert_lines("a\nb", "1[a]2[b]");
    assert_lines("a", "1[a]");
}

static void an_empty_text_has_no_line(void **unused) {
    (void)unused;
    assert_lines("", "");
}

static void empty_lines_count(void **unused) {
    (void)unused;
    assert_lines("\n", "1[]");
    assert_lines("\n\na\n\n", "1[]2[]3[a]4[]");
}

static void crlf_ends_a_line_as_well(void **unused) {
    (void)unused;
    assert_lines("a\r\n\r\nb\r\n", "1[a]2[]3[b]");
    assert_lines("a\r\nb", "1[a]2[b]");
    assert_lines("a\nb\r\nc\n", "1[a]2[b]3[c]");
}

static void a_carriage_return_inside_a_line_is_kept(void **unused) {
    (void)unused;
    assert_lines("a\rb\nc\n", "1[a\rb]2[c]");
    assert_lines("a\r\r\nc\n", "1[a\r]2[c]");
}

/* ---- Files ---- */

struct file {
    char path[256];
};

static void write_file(struct file *file, const char *bytes, size_t length) {
    const char *folder = getenv("TMPDIR");
    snprintf(file->path, sizeof file->path, "%s/test_text.XXXXXX", folder ? folder : "/tmp");
    int descriptor = mkstemp(file->path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, bytes, length), (int)length);
    close(descriptor);
}

static void assert_file_reads_as(const char *bytes, const char *expected, size_t max_bytes) {
    struct file file;
    struct fault why = {""};
    write_file(&file, bytes, strlen(bytes));
    char *text = text_read_file(file.path, max_bytes, &why);
    unlink(file.path);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void assert_reads_as(const char *bytes, size_t max_bytes) { assert_file_reads_as(bytes, bytes, max_bytes); }

static void a_file_is_read_whole(void **unused) {
    (void)unused;
    assert_reads_as("one\r\ntwo", 100);
    assert_reads_as("", 100);
}

static void a_byte_order_mark_is_left_out(void **unused) {
    (void)unused;
    assert_file_reads_as("\xEF\xBB\xBFmap:", "map:", 100);
    assert_reads_as("m\xEF\xBB\xBF", 100);
}

static void a_file_of_exactly_the_most_bytes_is_read(void **unused) {
    (void)unused;
    assert_reads_as("12345", 5);
}

static void assert_not_read(const char *path, size_t max_bytes, const char *reason) {
    struct fault why = {""};
    assert_null(text_read_file(path, max_bytes, &why));
    assert_memory_equal(why.text, path, strlen(path));
    assert_non_null(strstr(why.text, reason));
}

static void a_file_longer_than_allowed_is_refused(void **unused) {
    (void)unused;
    struct file file;
    write_file(&file, "123456", 6);
    assert_not_read(file.path, 5, "longer than 5 bytes");
    unlink(file.path);
}

static void a_file_with_a_nul_byte_is_refused(void **unused) {
    (void)unused;
    struct file file;
    write_file(&file, "a\0b", 3);
    assert_not_read(file.path, 100, "NUL byte");
    unlink(file.path);
    write_file(&file, "a\0", 2);
    assert_not_read(file.path, 100, "NUL byte");
    unlink(file.path);
}

static void a_missing_file_is_refused_by_its_path(void **unused) {
    (void)unused;
    assert_not_read("no/such/file.task", 100, "No such file");
    assert_not_read("", 100, "");
}

static void a_folder_is_refused(void **unused) {
    (void)unused;
    assert_not_read(".", 100, "folder");
}

/* ---- Words ---- */

static void assert_distance(const char *a, const char *b, int expected) {
    assert_int_equal(text_distance(a, b), expected);
    assert_int_equal(text_distance(b, a), expected);
}

static void distance_counts_insertions_deletions_changes_and_swaps(void **unused) {
    (void)unused;
    assert_distance("", "", 0);
    assert_distance("beta", "beta", 0);
    assert_distance("", "abc", 3);
    assert_distance("beta", "bet", 1);
    assert_distance("beta", "beata", 1);
    assert_distance("beta", "bela", 1);
    assert_distance("beta", "beat", 1);
    assert_distance("kitten", "sitting", 3);
    assert_distance("abcd", "badc", 2);
    assert_distance("abc", "cba", 2);
    assert_distance("abc", "xyz", 3);
}

static void offer(struct text_nearest *nearest) {
    static const char *const words[] = {"step_limit", "contested", "reward_step", "reward_goal"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) text_nearest_offer(nearest, words[i]);
}

static void the_nearest_word_is_suggested(void **unused) {
    (void)unused;
    struct text_nearest nearest = {.wanted = "reward_gaol"};
    offer(&nearest);
    assert_string_equal(nearest.best, "reward_goal");
    nearest = (struct text_nearest){.wanted = "steplimit"};
    offer(&nearest);
    assert_string_equal(nearest.best, "step_limit");
}

static void nothing_is_suggested_for_a_word_unlike_all(void **unused) {
    (void)unused;
    struct text_nearest nearest = {.wanted = "colour"};
    offer(&nearest);
    assert_null(nearest.best);
}

static void of_equally_near_words_the_first_is_suggested(void **unused) {
    (void)unused;
    struct text_nearest nearest = {.wanted = "bat"};
    text_nearest_offer(&nearest, "cat");
    text_nearest_offer(&nearest, "hat");
    assert_string_equal(nearest.best, "cat");
    text_nearest_offer(&nearest, "bat");
    assert_string_equal(nearest.best, "bat");
}

static void endings_are_compared(void **unused) {
    (void)unused;
    assert_true(text_ends_with("a/b.ini", ".ini"));
    assert_true(text_ends_with(".ini", ".ini"));
    assert_true(text_ends_with("x", ""));
    assert_false(text_ends_with("a.ini.bak", ".ini"));
    assert_false(text_ends_with("ini", ".ini"));
    assert_false(text_ends_with("", ".ini"));
}

static void times_are_read_as_schedulers_write_them(void **unused) {
    (void)unused;
    static const struct {
        const char *text;
        double seconds;
    } known[] = {{"90", 90},          {"0.5", 0.5},         {"50:00", 3000},    {"0:02", 2},         {"23:50:00", 85800},
                 {"2-12", 216000},    {"2-12:30", 217800},  {"1-0:0:1", 86401}, {"0-0:0.5", 30},     {"100:00:00", 360000},
                 {"0-0.25", 900},     {".5:0", 30},         {"999999999", 999999999}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        double seconds = 42;
        assert_true(text_to_seconds(known[i].text, &seconds));
        assert_true(seconds == known[i].seconds);
    }
}

static void whatever_is_no_time_is_refused_and_leaves_the_value(void **unused) {
    (void)unused;
    static const char *const refused[] = {"",      "0",    "0:00",  "0-0",     "-5",    "-1:00", "1:-2", ":",         "5:",   ":5",
                                          "1::2",  "-",    "1-",    "1:2:3:4", "1-2-3", "x",     "1:x",  "x-1:00",    "inf",  "nan",
                                          "1e400", "1e9",  " 5",    "1 00",    "1,5",   "12000-0",
                                          "1--0",  "0-1:-0", "+5",  "1e3",     "5e-1",  "2-1e-3", ".",   "1:.",
                                          "0000000000000000000000000000000001"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        double seconds = 42;
        if (text_to_seconds(refused[i], &seconds)) fail_msg("\"%s\" was taken for %g s", refused[i], seconds);
        assert_true(seconds == 42);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reals_are_read),
        cmocka_unit_test(whatever_is_no_real_is_refused_and_leaves_the_value),
        cmocka_unit_test(integers_are_read),
        cmocka_unit_test(whatever_is_no_integer_is_refused_and_leaves_the_value),
        cmocka_unit_test(times_are_read_as_schedulers_write_them),
        cmocka_unit_test(whatever_is_no_time_is_refused_and_leaves_the_value),
        cmocka_unit_test(reals_are_written_in_the_fewest_digits),
        cmocka_unit_test(any_written_real_reads_back_as_the_same),
        cmocka_unit_test(lines_are_counted_from_1),
        cmocka_unit_test(the_last_newline_may_be_missing),
        cmocka_unit_test(an_empty_text_has_no_line),
        cmocka_unit_test(empty_lines_count),
        cmocka_unit_test(crlf_ends_a_line_as_well),
        cmocka_unit_test(a_carriage_return_inside_a_line_is_kept),
        cmocka_unit_test(a_file_is_read_whole),
        cmocka_unit_test(a_byte_order_mark_is_left_out),
        cmocka_unit_test(a_file_of_exactly_the_most_bytes_is_read),
        cmocka_unit_test(a_file_longer_than_allowed_is_refused),
        cmocka_unit_test(a_file_with_a_nul_byte_is_refused),
        cmocka_unit_test(a_missing_file_is_refused_by_its_path),
        cmocka_unit_test(a_folder_is_refused),
        cmocka_unit_test(distance_counts_insertions_deletions_changes_and_swaps),
        cmocka_unit_test(the_nearest_word_is_suggested),
        cmocka_unit_test(nothing_is_suggested_for_a_word_unlike_all),
        cmocka_unit_test(of_equally_near_words_the_first_is_suggested),
        cmocka_unit_test(endings_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
