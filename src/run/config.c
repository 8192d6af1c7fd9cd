#include "multidistral/run/config.h"

#include <assert.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/base/text.h"

static const struct setting run_table[] = {
#define SETTING_TABLE "multidistral/run/settings.def"
#define SETTING_STRUCT struct run_settings
#include "multidistral/base/setting_rows.h"
};

struct section {
    const char *name;
    const struct setting *table;
    const int *count;
    size_t offset;
};

static const int run_count = sizeof run_table / sizeof *run_table;

static const struct section sections[] = {
    {"run", run_table, &run_count, offsetof(struct config, run)},
    {"learning", learning_table, &learning_count, offsetof(struct config, learning)},
    {"world", rules_table, &rules_count, offsetof(struct config, rules)},
    {"observation", senses_table, &senses_count, offsetof(struct config, senses)},
};
enum { N_SECTIONS = sizeof sections / sizeof *sections };

int config_count(void) {
    int n = 0;
    for (int s = 0; s < N_SECTIONS; s++) n += *sections[s].count;
    return n;
}

/* The section that setting i is in; i becomes its place there. */
static const struct section *section_of(int *i) {
    const struct section *section = sections;
    for (; *i >= *section->count; section++) *i -= *section->count;
    return section;
}

const struct setting *config_setting(int i) { return section_of(&i)->table + i; }

const char *config_section(int i) { return section_of(&i)->name; }

void *config_values(struct config *config, int i) { return (char *)config + section_of(&i)->offset; }

void config_write(const struct config *config, int i, char text[SETTING_TEXT]) {
    struct config copy = *config;
    setting_write(config_setting(i), config_values(&copy, i), text);
}

/* -1: there is none. */
static int number_of(const char *name) {
    for (int i = 0; i < config_count(); i++)
        if (setting_find(config_setting(i), 1, name)) return i;
    return -1;
}

int config_find(const char *name, struct fault *why) {
    struct text_nearest nearest = {.wanted = name};
    int found = number_of(name);
    if (found >= 0) return found;
    for (int i = 0; i < config_count(); i++) text_nearest_offer(&nearest, config_setting(i)->name);
    if (nearest.best) fault_set(why, "unknown setting \"%.80s\"; did you mean %s?", name, nearest.best);
    else fault_set(why, "unknown setting \"%.80s\"; `multidistral train --help` lists them", name);
    return -1;
}

void config_defaults(struct config *config) {
    for (int s = 0; s < N_SECTIONS; s++)
        setting_defaults(sections[s].table, *sections[s].count, (char *)config + sections[s].offset);
}

bool config_set(struct config *config, int i, const char *text, struct fault *why) {
    return setting_read(config_setting(i), text, config_values(config, i), why);
}

bool config_goes_on(const struct config *there, const struct config *wanted, struct fault *why) {
    for (int i = 0; i < config_count(); i++) {
        char was[SETTING_TEXT], is[SETTING_TEXT];
        config_write(there, i, was);
        config_write(wanted, i, is);
        if (strcmp(config_setting(i)->name, "iterations") != 0 && strcmp(was, is) != 0)
            return fault_set(why, "%s = %s: the run that is there has %s; only iterations may change", config_setting(i)->name, is, was);
    }
    return true;
}

void config_tasks_add(struct config_tasks *tasks, const char *folder, const char *path, int line) {
    size_t bytes = strlen(folder) + strlen(path) + 1;
    char *whole = memory_zeros(bytes, 1);
    snprintf(whole, bytes, "%s%s", path[0] == '/' ? "" : folder, path);
    tasks->path = memory_resized(tasks->path, (size_t)tasks->n + 1, sizeof *tasks->path);
    tasks->line = memory_resized(tasks->line, (size_t)tasks->n + 1, sizeof *tasks->line);
    tasks->line[tasks->n] = line;
    tasks->path[tasks->n++] = whole;
}

void config_tasks_destroy(struct config_tasks *tasks) {
    for (int i = 0; i < tasks->n; i++) free(tasks->path[i]);
    free(tasks->path);
    free(tasks->line);
    *tasks = (struct config_tasks){0};
}

/* ---- INI: inih reads it; the lines are handed to it one by one, so that messages can name them ---- */

enum { MOST_SETTINGS = 64, INI_LINE = 198 /* characters: inih's own limit */ };

struct ini {
    struct config *config;
    struct config_tasks *tasks;
    const char *source;
    char *folder; /* of the INI file, with its slash, or empty; owned */
    const char *text;
    struct text_line line;
    int given_line[MOST_SETTINGS];
    bool wrong;
    struct fault *why;
};

static int ini_wrong(struct ini *ini) {
    fault_at(ini->why, "%s:%d", ini->source, ini->line.number);
    ini->wrong = true;
    return 0;
}

/* What inih calls for the next line: fgets on a text in memory. */
static char *next_line(char *out, int size, void *stream) {
    struct ini *ini = stream;
    if (ini->wrong || !text_next_line(ini->text, &ini->line)) return NULL;
    if (ini->line.length > INI_LINE || (int)ini->line.length + 2 > size) {
        fault_set(ini->why, "the line is longer than %d characters", INI_LINE);
        ini_wrong(ini);
        return NULL;
    }
    snprintf(out, (size_t)size, "%.*s\n", (int)ini->line.length, ini->line.start);
    return out;
}

/* Paths with blanks between them; in "quotes" a path may have blanks itself. inih has taken away a comment behind the first
 * line, but none behind those that go on. */
static bool add_tasks(struct ini *ini, const char *value) {
    for (const char *c = value + strspn(value, " \t"); *c; c += strspn(c, " \t")) {
        if (*c == ';') return true;
        bool quoted = *c == '"';
        char path[INI_LINE + 1];
        size_t length = quoted ? strcspn(++c, "\"") : strcspn(c, " \t");
        if (quoted && !c[length]) return fault_set(ini->why, "tasks: a quotation mark is left open (a comment begins with a blank and ;)");
        if (quoted && length == 0) return fault_set(ini->why, "tasks: nothing is between the quotation marks, expected a path");
        snprintf(path, sizeof path, "%.*s", (int)length, c);
        config_tasks_add(ini->tasks, ini->folder, path, ini->line.number);
        c += length + quoted;
        if (quoted && *c && !strchr(" \t", *c))
            return fault_set(ini->why, "tasks: \"%.80s\": expected a blank behind the closing quotation mark", path);
    }
    return true;
}

/* To inih an indented line goes on with the setting above. Only lists of tasks are meant to. */
static bool is_meant(const struct ini *ini, const char *name, const char *value) {
    if (ini->line.start[0] != ' ' && ini->line.start[0] != '\t') return true;
    char first[INI_LINE + 1];
    snprintf(first, sizeof first, "%.*s", (int)strcspn(value, " \t="), value);
    bool is_task = strcmp(name, "tasks") == 0 && (number_of(first) < 0 || !strchr(value, '='));
    bool is_first = strncmp(ini->line.start + strspn(ini->line.start, " \t"), name, strlen(name)) == 0;
    return is_task || is_first ||
           fault_set(ini->why, "the line is indented, so it goes on with %s, expected a setting to begin in the first column", name);
}

static int take(void *user, const char *section, const char *name, const char *value) {
    struct ini *ini = user;
    (void)section;
    if (!is_meant(ini, name, value)) return ini_wrong(ini);
    if (strcmp(name, "tasks") == 0) return add_tasks(ini, value) || ini_wrong(ini);
    int i = config_find(name, ini->why);
    if (i < 0) return ini_wrong(ini);
    if (ini->given_line[i]) {
        fault_set(ini->why, "%s is given again, expected once; it is also in line %d", name, ini->given_line[i]);
        return ini_wrong(ini);
    }
    ini->given_line[i] = ini->line.number;
    return config_set(ini->config, i, value, ini->why) || ini_wrong(ini);
}

static char *folder_of(const char *path) {
    char *folder = memory_string(path), *slash = strrchr(folder, '/');
    folder[slash ? slash - folder + 1 : 0] = '\0';
    return folder;
}

bool config_parse_ini(struct config *config, struct config_tasks *tasks, const char *source, const char *text,
                      struct fault *why) {
    assert(config_count() <= MOST_SETTINGS);
    struct ini ini = {
        .config = config, .tasks = tasks, .source = source, .folder = folder_of(source), .text = text, .why = why};
    int line = ini_parse_stream(next_line, &ini, take, &ini);
    free(ini.folder);
    if (ini.wrong) return false;
    if (line > 0) return fault_set(why, "%s:%d: expected `setting = value`, `[section]` or `; comment`", source, line);
    return line == 0 || fault_set(why, "%s: cannot be read", source);
}

bool config_read_ini(struct config *config, struct config_tasks *tasks, const char *path, struct fault *why) {
    enum { LARGEST = 1 << 20 };
    char *text = text_read_file(path, LARGEST, why);
    bool read = text && config_parse_ini(config, tasks, path, text, why);
    free(text);
    return read;
}

char *config_write_ini(const struct config *config, const char *const *task_name, int n_tasks) {
    char *text = NULL;
    size_t length;
    const char *section = "";
    FILE *out = memory_stream(&text, &length);
    for (int i = 0; i < config_count(); i++) {
        char value[SETTING_TEXT];
        if (section != config_section(i)) {
            fprintf(out, "%s[%s]\n", i ? "\n" : "", config_section(i));
            section = config_section(i);
        }
        config_write(config, i, value);
        fprintf(out, "%s = %s\n", config_setting(i)->name, value);
    }
    fputs("\n[tasks]\n", out);
    for (int i = 0; i < n_tasks; i++) fprintf(out, "%s%s.task\n", i ? "        " : "tasks = ", task_name[i]);
    fclose(out);
    return text;
}
