/* Settings of a run: defaults, INI files, and the INI text that repeats a run. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

#include "multidistral/run/config.h"

struct parsed {
    struct config config;
    struct config_tasks tasks;
    struct fault why;
    bool read;
};

static void parse(struct parsed *p, const char *source, const char *text) {
    *p = (struct parsed){.why = {""}};
    config_defaults(&p->config);
    p->read = config_parse_ini(&p->config, &p->tasks, source, text, &p->why);
}

static void assert_refused(const char *text, const char *const *says) {
    struct parsed p;
    parse(&p, "jobs/x.ini", text);
    assert_false(p.read);
    for (; *says; says++)
        if (!strstr(p.why.text, *says)) fail_msg("expected \"%s\" in: %s", *says, p.why.text);
    config_tasks_destroy(&p.tasks);
}

#define SAYS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A struct compared setting by setting, as text: schedules may have padding. */
static void assert_same_settings(const struct config *a, const struct config *b) {
    for (int i = 0; i < config_count(); i++) {
        char first[SETTING_TEXT], second[SETTING_TEXT];
        config_write(a, i, first);
        config_write(b, i, second);
        assert_string_equal(first, second);
    }
}

/* ---- Tables ---- */

static void every_default_is_in_range_and_what_its_row_says(void **state) {
    (void)state;
    struct config config, again;
    struct fault why = {""};
    memset(&config, 0xFF, sizeof config);
    config_defaults(&config);
    config_defaults(&again);
    for (int i = 0; i < config_count(); i++) {
        char text[SETTING_TEXT];
        config_write(&config, i, text);
        assert_string_equal(text, config_setting(i)->fallback);
        if (!config_set(&again, i, text, &why)) fail_msg("%s", why.text);
    }
    assert_same_settings(&config, &again);
}

static void defaults_by_name(void **state) {
    (void)state;
    struct config config;
    config_defaults(&config);
    assert_true(config.learning.gamma == 0.99 && config.learning.alpha.from == 0.9 && config.run.seed == 1);
    assert_true(config.run.sharing == SHARING_AGENT && config.run.learner == LEARNER_soft_q && config.run.keep_q);
    assert_true(config.rules.contested == CONTESTED_RANDOM && config.senses.frame == FRAME_OWN_FIRST);
}

static void every_setting_is_found_by_its_name_and_by_no_other(void **state) {
    (void)state;
    struct fault why;
    for (int i = 0; i < config_count(); i++) {
        assert_int_equal(config_find(config_setting(i)->name, &why), i);
        assert_true(config_section(i)[0] && config_setting(i)->help[0]);
    }
    assert_int_equal(config_find("learning-rate", &why), config_find("learning_rate", &why));
    assert_int_equal(config_find("", &why), -1);
    assert_int_equal(config_find("alph", &why), -1);
    assert_non_null(strstr(why.text, "alpha"));
}

static void the_values_of_a_setting_are_in_its_own_section(void **state) {
    (void)state;
    struct config config;
    struct fault why;
    config_defaults(&config);
    assert_ptr_equal(config_values(&config, config_find("seed", &why)), &config.run);
    assert_ptr_equal(config_values(&config, config_find("alpha", &why)), &config.learning);
    assert_ptr_equal(config_values(&config, config_find("step_limit", &why)), &config.rules);
    assert_ptr_equal(config_values(&config, config_find("frame", &why)), &config.senses);
}

static void the_ends_of_a_range_are_in_it(void **state) {
    (void)state;
    struct config config;
    struct fault why;
    config_defaults(&config);
    int alpha = config_find("alpha", &why), seed = config_find("seed", &why);
    assert_true(config_set(&config, alpha, "0", &why) && config_set(&config, alpha, "1", &why));
    assert_true(config_set(&config, seed, "0", &why) && config_set(&config, seed, "4294967295", &why));
    assert_false(config_set(&config, alpha, "1.0001", &why));
    assert_false(config_set(&config, seed, "4294967296", &why));
    assert_non_null(strstr(why.text, "seed"));
    assert_true(config.run.seed == 4294967295);
}

/* ---- What an INI file may look like ---- */

static void sections_comments_and_blank_lines(void **state) {
    (void)state;
    struct parsed p;
    parse(&p, "x.ini", "; a comment\n# another\n\n[run]\niterations = 7\n\n[whatever]\nalpha=0.25 ; behind a value\n"
                       "beta   =   linear:0.5:5:20   \nsharing = team\nlearning-rate = 0.125");
    assert_true(p.read);
    assert_int_equal(p.config.run.iterations, 7);
    assert_true(p.config.learning.alpha.from == 0.25 && p.config.learning.learning_rate.from == 0.125);
    assert_true(p.config.learning.beta.shape == SCHEDULE_LINEAR && p.config.learning.beta.over == 20);
    assert_int_equal(p.config.run.sharing, SHARING_TEAM);
    config_tasks_destroy(&p.tasks);
}

static void an_empty_file_leaves_the_defaults(void **state) {
    (void)state;
    struct parsed p;
    struct config defaults;
    config_defaults(&defaults);
    parse(&p, "x.ini", "");
    assert_true(p.read && p.tasks.n == 0);
    assert_same_settings(&p.config, &defaults);
}

static void lines_may_end_as_on_windows(void **state) {
    (void)state;
    struct parsed p;
    parse(&p, "x.ini", "[run]\r\nseed = 12\r\n\r\ntasks = a.task\r\n        b.task\r\nsharing = none\r\n");
    assert_true(p.read && p.config.run.seed == 12 && p.config.run.sharing == SHARING_NONE);
    assert_int_equal(p.tasks.n, 2);
    assert_string_equal(p.tasks.path[1], "b.task");
    config_tasks_destroy(&p.tasks);
}

static void tasks_over_several_lines_count_from_the_folder_of_the_file(void **state) {
    (void)state;
    struct parsed p;
    parse(&p, "jobs/deep/x.ini", "tasks = one.task  ../two.txt\n        /three.task\n\tfour.task\nseed = 3\n");
    assert_true(p.read && p.config.run.seed == 3);
    const char *const expected[] = {"jobs/deep/one.task", "jobs/deep/../two.txt", "/three.task", "jobs/deep/four.task"};
    assert_int_equal(p.tasks.n, 4);
    for (int i = 0; i < 4; i++) assert_string_equal(p.tasks.path[i], expected[i]);
    config_tasks_destroy(&p.tasks);
    parse(&p, "x.ini", "tasks = one.task\n");
    assert_true(p.read && p.tasks.n == 1);
    assert_string_equal(p.tasks.path[0], "one.task");
    config_tasks_destroy(&p.tasks);
}

static void a_folder_may_have_a_long_name(void **state) {
    (void)state;
    enum { LONG = 300 };
    struct parsed p;
    char source[LONG + 16], expected[LONG + 16];
    memset(source, 'd', LONG);
    source[LONG / 2] = '/';
    memcpy(expected, source, LONG);
    memcpy(source + LONG, "/x.ini", sizeof "/x.ini");
    memcpy(expected + LONG, "/a.task", sizeof "/a.task");
    parse(&p, source, "tasks = a.task\n");
    assert_true(p.read && p.tasks.n == 1);
    assert_string_equal(p.tasks.path[0], expected);
    config_tasks_destroy(&p.tasks);
}

static void the_longest_line_is_read_whole(void **state) {
    (void)state;
    enum { LONGEST = 198 };
    struct parsed p;
    char text[LONGEST + 2];
    memset(text, 't', LONGEST);
    memcpy(text, "tasks = ", 8);
    text[LONGEST] = '\n';
    text[LONGEST + 1] = '\0';
    parse(&p, "x.ini", text);
    if (!p.read) fail_msg("%s", p.why.text);
    assert_int_equal(p.tasks.n, 1);
    assert_int_equal(strlen(p.tasks.path[0]), LONGEST - 8);
    config_tasks_destroy(&p.tasks);
}

/* ---- What is refused, and where ---- */

static void an_unknown_setting_is_refused_with_the_nearest(void **state) {
    (void)state;
    assert_refused("[run]\n\nalpah = 0.5\n", SAYS("jobs/x.ini:3: ", "alpah", "alpha"));
    assert_refused("zzzzzzzzzzzz = 1\n", SAYS("jobs/x.ini:1: ", "zzzzzzzzzzzz"));
}

static void a_value_out_of_range_is_refused(void **state) {
    (void)state;
    assert_refused("seed = 1\nalpha = 1.5\n", SAYS("jobs/x.ini:2: ", "alpha", "1.5", "from 0 to 1"));
    assert_refused("iterations = 0\n", SAYS("jobs/x.ini:1: ", "iterations"));
    assert_refused("iterations = 2.5\n", SAYS("jobs/x.ini:1: ", "iterations"));
    assert_refused("gamma = nan\n", SAYS("jobs/x.ini:1: ", "gamma"));
    assert_refused("gamma =\n", SAYS("jobs/x.ini:1: ", "gamma"));
    assert_refused("sharing = all\n", SAYS("jobs/x.ini:1: ", "agent|team|none"));
    assert_refused("beta = linear:1:2\n", SAYS("jobs/x.ini:1: ", "beta"));
    assert_refused("beta = linear:0:2:5\n", SAYS("jobs/x.ini:1: ", "beta"));
    assert_refused("beta = geometric:1:2:0\n", SAYS("jobs/x.ini:1: ", "beta"));
}

static void a_setting_given_twice_is_refused(void **state) {
    (void)state;
    assert_refused("alpha = 0.5\n[world]\nseed = 2\nalpha = 0.5\n", SAYS("jobs/x.ini:4: ", "alpha", "line 1"));
    assert_refused("learning_rate = 0.5\nlearning-rate = 0.5\n", SAYS("jobs/x.ini:2: ", "learning"));
}

static void a_line_too_long_is_refused(void **state) {
    (void)state;
    char text[512] = "seed = 1\n; ";
    memset(text + strlen(text), 'x', 199);
    strcat(text, "\nseed = 2\n");
    assert_refused(text, SAYS("jobs/x.ini:2: ", "longer"));
}

static void a_line_without_equals_is_refused(void **state) {
    (void)state;
    assert_refused("seed = 1\nalpha\n", SAYS("jobs/x.ini:2: ", "="));
    assert_refused("[run\n", SAYS("jobs/x.ini:1: "));
}

/* An indented line goes on with the setting before it, as the list of tasks does. */
static void an_indented_setting_is_refused(void **state) {
    (void)state;
    assert_refused("alpha = 0.5\n  beta = 2\n", SAYS("jobs/x.ini:2: ", "goes on with alpha", "first column"));
    assert_refused("alpha = 0.5\n\t0.7\n", SAYS("jobs/x.ini:2: ", "goes on with alpha"));
    assert_refused("tasks = a.task\n  games_e = 5\n", SAYS("jobs/x.ini:2: ", "goes on with tasks"));
    struct parsed p;
    parse(&p, "x.ini", "[run]\n  seed = 4\n[tasks]\n  tasks = a.task\n    n=1.task\n");
    assert_true(p.read && p.config.run.seed == 4 && p.tasks.n == 2);
    assert_string_equal(p.tasks.path[1], "n=1.task");
    config_tasks_destroy(&p.tasks);
}

static void paths_with_blanks_are_quoted(void **state) {
    (void)state;
    struct parsed p;
    parse(&p, "jobs/x.ini", "tasks = \"my first.task\" b.task\n        \"/my other.task\" \"c d.task\"\n");
    const char *const expected[] = {"jobs/my first.task", "jobs/b.task", "/my other.task", "jobs/c d.task"};
    const int line[] = {1, 1, 2, 2};
    assert_true(p.read && p.tasks.n == 4);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(p.tasks.path[i], expected[i]);
        assert_int_equal(p.tasks.line[i], line[i]);
    }
    config_tasks_destroy(&p.tasks);
    parse(&p, "x.ini", "tasks = a.task ; one\n  b.task ; two\n  ; three \"\n\tc.task\n");
    assert_true(p.read && p.tasks.n == 3);
    assert_string_equal(p.tasks.path[2], "c.task");
    config_tasks_destroy(&p.tasks);
    assert_refused("tasks = \"a b.task\n", SAYS("jobs/x.ini:1: ", "left open"));
    assert_refused("tasks = \"a ; b.task\"\n", SAYS("jobs/x.ini:1: ", "left open (a comment begins"));
    assert_refused("tasks = one.task \"\"\n", SAYS("jobs/x.ini:1: ", "nothing is between"));
    assert_refused("tasks = one.task\n  \"two\".task\n", SAYS("jobs/x.ini:2: ", "\"two\": expected a blank behind"));
}

static void a_file_that_is_not_there_is_refused(void **state) {
    (void)state;
    struct parsed p = {.why = {""}};
    config_defaults(&p.config);
    assert_false(config_read_ini(&p.config, &p.tasks, "/nonexistent/x.ini", &p.why));
    assert_non_null(strstr(p.why.text, "/nonexistent/x.ini"));
}

static void a_file_is_read_like_its_text(void **state) {
    (void)state;
    struct parsed p = {.why = {""}};
    char path[] = "/tmp/multidistral_config_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    FILE *out = fdopen(file, "w");
    fputs("seed = 77\ntasks = here.task\n", out);
    fclose(out);
    config_defaults(&p.config);
    bool read = config_read_ini(&p.config, &p.tasks, path, &p.why);
    unlink(path);
    assert_true(read && p.config.run.seed == 77 && p.tasks.n == 1);
    assert_string_equal(p.tasks.path[0], "/tmp/here.task");
    config_tasks_destroy(&p.tasks);
}

/* ---- There and back ---- */

static void assert_round_trip(const struct config *config) {
    const char *const names[] = {"two_rooms_1", "two_rooms_1-2", "x.y"};
    struct parsed p;
    char *text = config_write_ini(config, names, 3);
    parse(&p, "jobs/x.ini", text);
    if (!p.read) fail_msg("%s", p.why.text);
    assert_same_settings(config, &p.config);
    assert_int_equal(p.tasks.n, 3);
    assert_string_equal(p.tasks.path[1], "jobs/two_rooms_1-2.task");
    char *again = config_write_ini(&p.config, names, 3);
    assert_string_equal(text, again);
    free(text);
    free(again);
    config_tasks_destroy(&p.tasks);
}

static void defaults_survive_writing_and_reading(void **state) {
    (void)state;
    struct config config;
    config_defaults(&config);
    assert_round_trip(&config);
}

static void changed_values_survive_to_the_last_bit(void **state) {
    (void)state;
    struct parsed p;
    parse(&p, "x.ini", "alpha = linear:0.1:0.30000000000000004:1000000000\nbeta = geometric:1e-6:123456.78901234567:3\n"
                       "gamma = 0.3333333333333333\nreward_step = -1e-300\nseed = 4294967295\nreplicas = 1000000\n"
                       "games_e = 268435455\nlearner = q\nkeep_q = no\ncontested = last\nframe = fixed\n"
                       "observe_other_actions = yes\npseudo_count = 0\nlearning_rate = 0.1\n");
    if (!p.read) fail_msg("%s", p.why.text);
    assert_round_trip(&p.config);
    char *text = config_write_ini(&p.config, NULL, 0);
    struct parsed again;
    parse(&again, "x.ini", text);
    assert_true(again.config.learning.gamma == 0.3333333333333333 && again.config.rules.reward_step == -1e-300);
    assert_true(again.config.learning.alpha.to == 0.30000000000000004 && again.config.learning.alpha.from == 0.1);
    assert_true(again.config.learning.beta.shape == SCHEDULE_GEOMETRIC && again.config.learning.beta.over == 3);
    free(text);
    config_tasks_destroy(&again.tasks);
}

/* Every setting at the ends of its range, one at a time. */
static void every_range_survives(void **state) {
    (void)state;
    for (int i = 0; i < config_count(); i++) {
        const struct setting *setting = config_setting(i);
        struct config config;
        struct fault why = {""};
        config_defaults(&config);
        for (const char *word = setting->words; word && *word; word += strcspn(word, "|"), word += *word == '|') {
            char text[SETTING_TEXT];
            snprintf(text, sizeof text, "%.*s", (int)strcspn(word, "|"), word);
            assert_true(config_set(&config, i, text, &why));
            assert_round_trip(&config);
        }
        for (int end = 0; setting->type != SETTING_CHOICE && end < 2; end++) {
            char text[SETTING_TEXT];
            const char *format = setting->type == SETTING_INTEGER ? "%.0f" : "%.17g";
            snprintf(text, sizeof text, format, end ? setting->max : setting->min);
            if (!config_set(&config, i, text, &why)) fail_msg("%s", why.text);
            assert_round_trip(&config);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_is_in_range_and_what_its_row_says),
        cmocka_unit_test(defaults_by_name),
        cmocka_unit_test(every_setting_is_found_by_its_name_and_by_no_other),
        cmocka_unit_test(the_values_of_a_setting_are_in_its_own_section),
        cmocka_unit_test(the_ends_of_a_range_are_in_it),
        cmocka_unit_test(sections_comments_and_blank_lines),
        cmocka_unit_test(an_empty_file_leaves_the_defaults),
        cmocka_unit_test(lines_may_end_as_on_windows),
        cmocka_unit_test(tasks_over_several_lines_count_from_the_folder_of_the_file),
        cmocka_unit_test(the_longest_line_is_read_whole),
        cmocka_unit_test(an_unknown_setting_is_refused_with_the_nearest),
        cmocka_unit_test(a_value_out_of_range_is_refused),
        cmocka_unit_test(a_setting_given_twice_is_refused),
        cmocka_unit_test(a_line_too_long_is_refused),
        cmocka_unit_test(a_line_without_equals_is_refused),
        cmocka_unit_test(an_indented_setting_is_refused),
        cmocka_unit_test(paths_with_blanks_are_quoted),
        cmocka_unit_test(a_file_that_is_not_there_is_refused),
        cmocka_unit_test(a_file_is_read_like_its_text),
        cmocka_unit_test(defaults_survive_writing_and_reading),
        cmocka_unit_test(changed_values_survive_to_the_last_bit),
        cmocka_unit_test(every_range_survives),
        cmocka_unit_test(a_folder_may_have_a_long_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
