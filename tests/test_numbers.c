/* Numbers as nobody means them, in every row of every table of settings. */
#include "support.h"

#include <math.h>
#include <string.h>

#include "fuzz/readers.h"
#include "multidistral/run/config.h"
#include "multidistral/world/payoff.h"

/* No number, or none that is meant in decimal. */
static const char *const never[] = {
    "", " ", " 1", "1 ", "\t1", "nan", "NaN", "-nan", "nan(1)", "inf", "-inf", "INF", "infinity", "0x10", "0X1p3", "1_000", "1,5",
    "1.000,5", "1'000", "1e", "e1", "1e+", "--1", "+-1", "-", "+", ".", "1.2.3", "1e1e1", "1e999", "-1e999", "1d3", "1f", "10%",
    "1/2", "1;", "yes1", "\xc2\xb5", "\xd9\xa1", "0b1", "1e400", "1..2", "1-2", "linear:nan:1:2", "linear:1:inf:2",
    "linear:0x1:1:2", "linear:0:1:1e9999", "linear:0:1:99999999999999999999", "geometric:nan:1:2", "geometric:1:-inf:2"};

/* May be a value of some settings: then it must be one in range, which reads back as the same. */
static const char *const perhaps[] = {
    "-0", "+0", "0", "-0.0", "+1", "01", "007", "1e308", "-1e308", "1e-320", "-1e-320", "4.9e-324", "1e-400", "2147483647",
    "2147483648", "-2147483649", "4294967295", "4294967296", "9007199254740993", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "-9223372036854775809", "99999999999999999999", "1e9", "1.0", "1.", ".5", "1000000", "1000001",
    "0.99999999999999999999999999999999999999999999999999999999999999999999999999", "linear:0:1:9223372036854775807",
    "linear:-0:1:3", "linear:1e-320:1:3", "geometric:1e-320:1e-6:7", "geometric:1e-6:1e6:9223372036854775807",
    "geometric:1e-6:1e6:3", "geometric:1e6:1e-6:999", "geometric:0.1:0.9:1000"};

enum { N_NEVER = sizeof never / sizeof *never, N_PERHAPS = sizeof perhaps / sizeof *perhaps };

static void no_setting_takes_what_is_no_number(void **unused) {
    (void)unused;
    for (int i = 0; i < config_count(); i++) {
        for (int k = 0; k < N_NEVER; k++) {
            struct config config;
            struct fault why = {""};
            config_defaults(&config);
            if (config_set(&config, i, never[k], &why)) fail_msg("%s takes \"%s\"", config_setting(i)->name, never[k]);
            check_setting(i, never[k]);
        }
    }
}

static void every_setting_refuses_numbers_at_the_edge_or_takes_them_in_range(void **unused) {
    (void)unused;
    for (int i = 0; i < config_count(); i++)
        for (int k = 0; k < N_PERHAPS; k++) check_setting(i, perhaps[k]);
}

/* One step beyond either end. */
static void every_range_ends_where_it_says(void **unused) {
    (void)unused;
    for (int i = 0; i < config_count(); i++) {
        const struct setting *setting = config_setting(i);
        struct config config;
        struct fault why = {""};
        char text[64];
        if (setting->type == SETTING_CHOICE) continue;
        bool whole = setting->type == SETTING_INTEGER;
        double beyond[] = {whole ? setting->min - 1 : nextafter(setting->min, -HUGE_VAL),
                           whole ? setting->max + 1 : nextafter(setting->max, HUGE_VAL)};
        config_defaults(&config);
        for (int k = 0; k < 2; k++) {
            snprintf(text, sizeof text, whole ? "%.0f" : "%.17g", k ? setting->max : setting->min);
            if (!config_set(&config, i, text, &why)) fail_msg("%s", why.text);
            snprintf(text, sizeof text, whole ? "%.0f" : "%.17g", beyond[k]);
            if (config_set(&config, i, text, &why)) fail_msg("%s takes %s", setting->name, text);
        }
    }
}

/* ---- Fields of files ---- */

static void refused_task(const char *format, const char *number) {
    char text[512];
    struct task task;
    struct fault why = {""};
    snprintf(text, sizeof text, format, number);
    if (task_parse(&task, "x.task", "x", text, &why)) fail_msg("taken: %s", text);
    read_task((const uint8_t *)text, strlen(text));
}

/* Space around a value is the line's own in a task, ';' begins a comment. */
static bool is_trimmed(const char *text) {
    return text[0] && !strpbrk(text, " \t;");
}

static void no_field_of_a_task_takes_what_is_no_number(void **unused) {
    (void)unused;
    for (int k = 0; k < N_NEVER; k++) {
        if (!is_trimmed(never[k])) continue;
        refused_task("step_limit = %s\nmap:\nA.a\n", never[k]);
        refused_task("reward_step = %s\nmap:\nA.a\n", never[k]);
        refused_task("goal_a = 0 %s\nmap:\nA..\n", never[k]);
        refused_task("start_a = %s 0\nmap:\n..a\n", never[k]);
        if (strcmp(never[k], "1/2") != 0) refused_task("payoff:\n1 2\n3 %s\n", never[k]);
        refused_task("payoff:\n1 2\n3 1|%s|\n", never[k]);
    }
    static const char *const outside[] = {"-1", "3", "2147483648", "4294967296", "9223372036854775808", "99999999999999999999", "1e0", "1.0"};
    for (size_t k = 0; k < sizeof outside / sizeof *outside; k++) refused_task("goal_a = 0 %s\nmap:\nA..\n", outside[k]);
    static const char *const payoffs[] = {"1e7", "-1e308", "1e308", "1000000.1", "99999999999999999999"};
    for (size_t k = 0; k < sizeof payoffs / sizeof *payoffs; k++) refused_task("payoff:\n1 2\n3 %s\n", payoffs[k]);
}

static void refused_scen(const char *format, const char *number) {
    char text[512];
    struct movingai m;
    struct fault why = {""};
    snprintf(text, sizeof text, format, number);
    if (movingai_parse_scenarios(&m, "x.scen", text, &why)) fail_msg("taken: %s", text);
    read_scen((const uint8_t *)text, strlen(text));
}

static void no_field_of_a_scenario_takes_what_is_no_number(void **unused) {
    (void)unused;
    static const char *const line[] = {"%s\tx.map\t4\t2\t0\t0\t3\t0\t3\n", "0\tx.map\t%s\t2\t0\t0\t3\t0\t3\n", "0\tx.map\t4\t%s\t0\t0\t3\t0\t3\n",
                                       "0\tx.map\t4\t2\t%s\t0\t3\t0\t3\n", "0\tx.map\t4\t2\t0\t%s\t3\t0\t3\n", "0\tx.map\t4\t2\t0\t0\t%s\t0\t3\n",
                                       "0\tx.map\t4\t2\t0\t0\t3\t%s\t3\n"};
    static const char *const outside[] = {"-1", "4294967296", "9223372036854775808", "99999999999999999999", "1e0", "1.0", "1e308"};
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
        char format[128];
        snprintf(format, sizeof format, "version 1\n%s", line[i]);
        for (int k = 0; k < N_NEVER; k++) refused_scen(format, never[k]);
        for (size_t k = 0; k < sizeof outside / sizeof *outside; k++)
            if (i > 0 || outside[k][0] != '4') refused_scen(format, outside[k]);
    }
    for (int k = 0; k < N_NEVER; k++)
        if (is_trimmed(never[k])) refused_scen("version 1\n0\tx.map\t4\t2\t0\t0\t3\t0\t%s\n", never[k]);
    refused_scen("version 1\n0\tx.map\t4\t2\t0\t0\t3\t0\t%s\n", "-1");
    for (int k = 0; k < N_NEVER; k++)
        if (is_trimmed(never[k])) refused_scen("version %s\n0\tx.map\t4\t2\t0\t0\t3\t0\t3\n", never[k]);
}

static void refused_map(const char *format, const char *number) {
    char text[512];
    struct task map;
    struct fault why = {""};
    snprintf(text, sizeof text, format, number);
    if (movingai_parse_map(&map, "x.map", text, &why)) fail_msg("taken: %s", text);
}

static void no_side_of_a_map_takes_what_is_no_number(void **unused) {
    (void)unused;
    static const char *const outside[] = {"0", "-1", "1025", "4294967298", "99999999999999999999", "2.0", "2e0"};
    for (int k = 0; k < N_NEVER; k++) {
        if (strcmp(never[k], "1 ") == 0) continue; /* space at the end of a line is nothing */
        refused_map("type octile\nheight %s\nwidth 2\nmap\n..\n..\n", never[k]);
        refused_map("type octile\nheight 2\nwidth %s\nmap\n..\n..\n", never[k]);
    }
    for (size_t k = 0; k < sizeof outside / sizeof *outside; k++) {
        refused_map("type octile\nheight %s\nwidth 2\nmap\n..\n..\n", outside[k]);
        refused_map("type octile\nheight 2\nwidth %s\nmap\n..\n..\n", outside[k]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_setting_takes_what_is_no_number),
        cmocka_unit_test(every_setting_refuses_numbers_at_the_edge_or_takes_them_in_range),
        cmocka_unit_test(every_range_ends_where_it_says),
        cmocka_unit_test(no_field_of_a_task_takes_what_is_no_number),
        cmocka_unit_test(no_field_of_a_scenario_takes_what_is_no_number),
        cmocka_unit_test(no_side_of_a_map_takes_what_is_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
