/* base/setting: schedules, and the rows of settings tables. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "multidistral/base/setting.h"
#include "multidistral/world/rules.h"

/* ---- Schedules ---- */

static struct schedule value;

static const struct setting row = {.name = "beta", .type = SETTING_SCHEDULE, .fallback = "0.5", .min = 0, .max = 100};

static bool read_schedule(const char *text) {
    struct fault why;
    return setting_read(&row, text, &value, &why);
}

static void assert_near(double a, double b) { assert_true(fabs(a - b) <= 8 * DBL_EPSILON * fabs(b)); }

static void a_constant_is_the_same_in_every_iteration(void **unused) {
    (void)unused;
    assert_true(read_schedule("0.5"));
    assert_int_equal(value.shape, SCHEDULE_CONSTANT);
    assert_true(schedule_at(&value, 0) == 0.5);
    assert_true(schedule_at(&value, 1) == 0.5);
    assert_true(schedule_at(&value, 1000000) == 0.5);
}

static void linear_goes_evenly_from_first_to_last_and_stays(void **unused) {
    (void)unused;
    assert_true(read_schedule("linear:0.5:5:20"));
    assert_true(schedule_at(&value, 0) == 0.5);
    assert_near(schedule_at(&value, 1), 0.725);
    assert_near(schedule_at(&value, 10), 2.75);
    assert_true(schedule_at(&value, 20) == 5);
    assert_true(schedule_at(&value, 21) == 5);
    assert_true(schedule_at(&value, INT64_MAX) == 5);
}

static void linear_may_fall_to_zero(void **unused) {
    (void)unused;
    assert_true(read_schedule("linear:4:0:4"));
    assert_true(schedule_at(&value, 0) == 4);
    assert_near(schedule_at(&value, 3), 1);
    assert_true(schedule_at(&value, 4) == 0);
}

static void geometric_goes_by_equal_factors_and_stays(void **unused) {
    (void)unused;
    assert_true(read_schedule("geometric:0.5:8:4"));
    const double expected[] = {0.5, 1, 2, 4, 8, 8, 8};
    for (int i = 0; i < 7; i++) assert_near(schedule_at(&value, i), expected[i]);
    assert_true(schedule_at(&value, 0) == 0.5);
    assert_true(schedule_at(&value, 4) == 8);
    assert_true(schedule_at(&value, 1000) == 8);
}

/* 100 + (0.1 - 100) is not 0.1. */
static void a_schedule_ends_exactly_at_its_last_value(void **unused) {
    (void)unused;
    assert_true(read_schedule("linear:100:0.1:7"));
    assert_true(schedule_at(&value, 7) == 0.1);
    assert_true(read_schedule("geometric:100:0.1:7"));
    assert_true(schedule_at(&value, 7) == 0.1);
}

static void a_schedule_over_one_iteration_jumps(void **unused) {
    (void)unused;
    assert_true(read_schedule("linear:1:2:1"));
    assert_true(schedule_at(&value, 0) == 1);
    assert_true(schedule_at(&value, 1) == 2);
}

static bool same_schedule(struct schedule a, struct schedule b) {
    return a.shape == b.shape && a.from == b.from && a.to == b.to && a.over == b.over;
}

static void malformed_schedules_are_refused(void **unused) {
    (void)unused;
    static const char *const refused[] = {
        "", ":", "linear", "linear:", "linear:1", "linear:1:2", "linear:1:2:", "linear:1:2:3:4", "linear:1:2:3:",
        "linear::2:3", "linear:1::3", ":1:2:3", "linear:1:2:0", "linear:1:2:-1", "linear:1:2:2.5", "linear:1:2:1e3",
        "linear:x:2:3", "linear:1:nan:3", "linear: 1:2:3", "linear:1:2:3 ", " linear:1:2:3", "Linear:1:2:3",
        "constant:1:2:3", "constant:1", "geometric:0:2:3", "geometric:2:0:3", "geometric:-1:2:3", "geometric:1:2:0",
        "quadratic:1:2:3", "linear:-1:2:3", "linear:1:101:3", "linear:1:2:9223372036854775808", "-1", "101", "1:2"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (read_schedule(refused[i])) fail_msg("\"%s\" was taken for a schedule", refused[i]);
}

static void a_refused_schedule_leaves_the_value(void **unused) {
    (void)unused;
    static const char *const refused[] = {"", "linear:1:2", "linear:1:2:0", "linear:1:101:3", "geometric:0:2:3", "101"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_true(read_schedule("geometric:3:4:5"));
        struct schedule before = value;
        assert_false(read_schedule(refused[i]));
        if (!same_schedule(value, before)) fail_msg("\"%s\" was refused, but changed the value", refused[i]);
    }
}

static void a_schedule_longer_than_any_value_is_refused(void **unused) {
    (void)unused;
    char text[2 * SETTING_TEXT];
    snprintf(text, sizeof text, "linear:1:2:%0*d", SETTING_TEXT, 3);
    assert_false(read_schedule(text));
}

static void schedules_round_trip_through_text(void **unused) {
    (void)unused;
    static const char *const texts[] = {"0", "0.5", "100", "linear:0:100:1", "linear:5:0.25:20",
                                        "geometric:0.1:10:9223372036854775807",
                                        "linear:0.30000000000000004:0.1234567890123456:123456789"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[SETTING_TEXT];
        assert_true(read_schedule(texts[i]));
        struct schedule before = value;
        setting_write(&row, &value, text);
        assert_string_equal(text, texts[i]);
        assert_true(read_schedule(text));
        assert_true(same_schedule(value, before));
    }
}

/* ---- Every row of every table of the world ---- */

union values {
    struct rules rules;
    struct senses senses;
};

/* Reads the text, writes the value, reads that into a second struct: both must hold the same. */
static void assert_round_trip(const struct setting *setting, const char *text) {
    union values once, twice;
    memset(&once, 0x5a, sizeof once);
    memset(&twice, 0x5a, sizeof twice);
    struct fault why = {""};
    char written[SETTING_TEXT];
    if (!setting_read(setting, text, &once, &why)) fail_msg("%s", why.text);
    setting_write(setting, &once, written);
    assert_true(setting_read(setting, written, &twice, &why));
    assert_memory_equal(&once, &twice, sizeof once);
    memset(&twice, 0x5a, sizeof twice);
    setting_copy(setting, &once, &twice);
    assert_memory_equal(&once, &twice, sizeof once);
}

static void assert_refused(const struct setting *setting, const char *text) {
    union values before, after;
    memset(&before, 0x5a, sizeof before);
    after = before;
    struct fault why = {""};
    char start[SETTING_TEXT + 64], expected[SETTING_TEXT];
    if (setting_read(setting, text, &after, &why)) fail_msg("%s took \"%s\"", setting->name, text);
    assert_memory_equal(&after, &before, sizeof after);
    setting_expected(setting, expected);
    snprintf(start, sizeof start, "%s = \"%s\": expected ", setting->name, text);
    assert_memory_equal(why.text, start, strlen(start));
    assert_string_equal(why.text + strlen(start), expected);
}

static void try_real(const struct setting *setting) {
    char text[SETTING_TEXT];
    const double inside[] = {setting->min, setting->max, (setting->min + setting->max) / 2,
                             setting->min + (setting->max - setting->min) / 3};
    for (int i = 0; i < 4; i++) {
        snprintf(text, sizeof text, "%.17g", inside[i]);
        assert_round_trip(setting, text);
    }
    snprintf(text, sizeof text, "%.17g", nextafter(setting->min, -INFINITY));
    assert_refused(setting, text);
    snprintf(text, sizeof text, "%.17g", nextafter(setting->max, INFINITY));
    assert_refused(setting, text);
    assert_refused(setting, "nan");
    assert_refused(setting, "1,5");
}

static void try_integer(const struct setting *setting) {
    char text[SETTING_TEXT];
    const double inside[] = {setting->min, setting->max, floor((setting->min + setting->max) / 2)};
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "%.0f", inside[i]);
        assert_round_trip(setting, text);
    }
    snprintf(text, sizeof text, "%.0f", setting->min - 1);
    assert_refused(setting, text);
    snprintf(text, sizeof text, "%.0f", setting->max + 1);
    assert_refused(setting, text);
    assert_refused(setting, "1.5");
}

static void try_choice(const struct setting *setting) {
    char words[SETTING_TEXT];
    snprintf(words, sizeof words, "%s", setting->words);
    assert_refused(setting, words);
    int place = 0;
    for (char *word = strtok(words, "|"); word; word = strtok(NULL, "|"), place++) {
        union values values;
        struct fault why;
        assert_round_trip(setting, word);
        assert_true(setting_read(setting, word, &values, &why));
        assert_int_equal(*(int *)((char *)&values + setting->offset), place);
        word[0] ^= 0x20; /* another case is another word */
        assert_refused(setting, word);
        word[0] ^= 0x20;
        assert_refused(setting, word + 1);
    }
    assert_true(place >= 2);
    assert_refused(setting, "0");
    assert_refused(setting, "|");
}

static void try_row(const struct setting *setting) {
    assert_round_trip(setting, setting->fallback);
    assert_refused(setting, "");
    switch (setting->type) {
    case SETTING_REAL: try_real(setting); return;
    case SETTING_INTEGER: try_integer(setting); return;
    case SETTING_CHOICE: try_choice(setting); return;
    case SETTING_SCHEDULE: return;
    }
}

static void every_rule_round_trips_and_keeps_its_range(void **unused) {
    (void)unused;
    assert_int_equal(rules_count, 4);
    for (int i = 0; i < rules_count; i++) try_row(&rules_table[i]);
}

static void every_sense_round_trips_and_keeps_its_range(void **unused) {
    (void)unused;
    assert_int_equal(senses_count, 5);
    for (int i = 0; i < senses_count; i++) try_row(&senses_table[i]);
}

static void rules_have_their_defaults(void **unused) {
    (void)unused;
    struct rules rules;
    setting_defaults(rules_table, rules_count, &rules);
    assert_true(rules.step_limit == 1000);
    assert_int_equal(rules.contested, CONTESTED_RANDOM);
    assert_true(rules.reward_step == -0.1);
    assert_true(rules.reward_goal == 100);
}

static void senses_have_their_defaults(void **unused) {
    (void)unused;
    struct senses senses;
    setting_defaults(senses_table, senses_count, &senses);
    assert_int_equal(senses.frame, FRAME_OWN_FIRST);
    assert_true(senses.observe_others && senses.observe_own_action && senses.observe_finished);
    assert_false(senses.observe_other_actions);
}

static void words_of_a_choice_stand_for_the_enum(void **unused) {
    (void)unused;
    struct rules rules;
    struct fault why;
    const struct setting *contested = setting_find(rules_table, rules_count, "contested");
    assert_true(setting_read(contested, "none", &rules, &why) && rules.contested == CONTESTED_NONE);
    assert_true(setting_read(contested, "random", &rules, &why) && rules.contested == CONTESTED_RANDOM);
    assert_true(setting_read(contested, "last", &rules, &why) && rules.contested == CONTESTED_LAST);
}

static void minus_zero_is_read_as_zero(void **unused) {
    (void)unused;
    struct rules rules;
    struct fault why;
    char text[SETTING_TEXT];
    const struct setting *reward = setting_find(rules_table, rules_count, "reward_step");
    assert_true(setting_read(reward, "-0", &rules, &why));
    setting_write(reward, &rules, text);
    assert_string_equal(text, "0");
}

static void a_row_is_found_by_its_whole_name_with_either_dash(void **unused) {
    (void)unused;
    assert_ptr_equal(setting_find(rules_table, rules_count, "step_limit"), &rules_table[0]);
    assert_ptr_equal(setting_find(rules_table, rules_count, "step-limit"), &rules_table[0]);
    assert_null(setting_find(rules_table, rules_count, "step"));
    assert_null(setting_find(rules_table, rules_count, "step_limits"));
    assert_null(setting_find(rules_table, rules_count, "Step_limit"));
    assert_null(setting_find(rules_table, rules_count, ""));
}

static void what_is_expected_is_said_in_words(void **unused) {
    (void)unused;
    char text[SETTING_TEXT];
    setting_expected(setting_find(rules_table, rules_count, "step_limit"), text);
    assert_string_equal(text, "a whole number from 1 to 1000000");
    setting_expected(setting_find(rules_table, rules_count, "contested"), text);
    assert_non_null(strstr(text, "random"));
    setting_expected(setting_find(rules_table, rules_count, "reward_goal"), text);
    assert_string_equal(text, "a number from -1000000 to 1000000");
    setting_expected(&row, text);
    assert_non_null(strstr(text, "a number from 0 to 100, or linear|geometric:FROM:TO:ITERATIONS"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_is_the_same_in_every_iteration),
        cmocka_unit_test(linear_goes_evenly_from_first_to_last_and_stays),
        cmocka_unit_test(linear_may_fall_to_zero),
        cmocka_unit_test(geometric_goes_by_equal_factors_and_stays),
        cmocka_unit_test(a_schedule_ends_exactly_at_its_last_value),
        cmocka_unit_test(a_schedule_over_one_iteration_jumps),
        cmocka_unit_test(malformed_schedules_are_refused),
        cmocka_unit_test(a_refused_schedule_leaves_the_value),
        cmocka_unit_test(a_schedule_longer_than_any_value_is_refused),
        cmocka_unit_test(schedules_round_trip_through_text),
        cmocka_unit_test(every_rule_round_trips_and_keeps_its_range),
        cmocka_unit_test(every_sense_round_trips_and_keeps_its_range),
        cmocka_unit_test(rules_have_their_defaults),
        cmocka_unit_test(senses_have_their_defaults),
        cmocka_unit_test(words_of_a_choice_stand_for_the_enum),
        cmocka_unit_test(minus_zero_is_read_as_zero),
        cmocka_unit_test(a_row_is_found_by_its_whole_name_with_either_dash),
        cmocka_unit_test(what_is_expected_is_said_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
