#include "multidistral/world/task.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/base/text.h"
#include "multidistral/world/distance.h"
#include "multidistral/world/payoff.h"

/* A task while it is being read. */
struct reader {
    struct task *task;
    const char *source;
    int line;                       /* that messages are about */
    int map_line;                   /* where the map begins */
    int start_line[TASK_AGENTS];    /* 0: none yet */
    int goal_line[TASK_AGENTS];     /* 0: none yet */
    int start_given[TASK_AGENTS][2], goal_given[TASK_AGENTS][2]; /* row, column of start_x and goal_x lines */
    bool named;
    struct fault *why;
};

/* Where the message goes: `file:line: ` in front, and false behind. */
#define WRONG(reader, ...) (fault_set((reader)->why, __VA_ARGS__), wrong_at(reader))

static bool wrong_at(const struct reader *r) { return fault_at(r->why, "%s:%d", r->source, r->line); }

static char letter(int agent) { return (char)('A' + agent); }
static char goal_letter(int agent) { return (char)('a' + agent); }

/* ---- Header lines: key = value ---- */

static char *trimmed(char *text) {
    while (isspace((unsigned char)*text)) text++;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1])) text[--length] = '\0';
    return text;
}

bool task_name_fits(const char *name) {
    size_t length = strlen(name);
    if (length == 0 || length >= TASK_NAME || name[0] == '.' || name[0] == '-') return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("_-.", *name)) return false;
    return true;
}

static bool read_name(struct reader *r, const char *value) {
    if (r->named) return WRONG(r, "name is given a second time, expected once");
    if (!task_name_fits(value))
        return WRONG(r, "name = \"%.80s\": expected 1 to %d letters, digits, '_', '-' or '.'", value, TASK_NAME - 1);
    snprintf(r->task->name, sizeof r->task->name, "%s", value);
    r->named = true;
    return true;
}

static bool read_rule(struct reader *r, const struct setting *rule, const char *value) {
    unsigned bit = 1u << (rule - rules_table);
    if (r->task->own_rules & bit) return WRONG(r, "%s is given a second time, expected once", rule->name);
    r->task->own_rules |= bit;
    return setting_read(rule, value, &r->task->rules, r->why) || wrong_at(r);
}

/* Two numbers from 0 on with space between them, and nothing else. */
static bool read_pair(const char *text, int pair[2]) {
    char first[16];
    int64_t row, column;
    size_t length = strcspn(text, " \t");
    if (length >= sizeof first) return false;
    snprintf(first, sizeof first, "%.*s", (int)length, text);
    const char *second = text + length + strspn(text + length, " \t");
    if (!text_to_integer(first, &row) || !text_to_integer(second, &column)) return false;
    if (row < 0 || column < 0 || row > INT_MAX || column > INT_MAX) return false;
    pair[0] = (int)row, pair[1] = (int)column;
    return true;
}

/* start_a = row column, goal_a = row column */
static bool read_place(struct reader *r, const char *key, const char *value) {
    bool start = key[0] == 's';
    int agent = key[strlen(key) - 1] - 'a';
    int *line = start ? &r->start_line[agent] : &r->goal_line[agent];
    int *given = start ? r->start_given[agent] : r->goal_given[agent];
    if (*line) return WRONG(r, "%s is given a second time, expected once", key);
    if (!read_pair(value, given))
        return WRONG(r, "%s = \"%.80s\": expected a row and a column, counted from 0, as in %s = 1 5", key, value, key);
    *line = r->line;
    return true;
}

static bool is_place_key(const char *key) {
    size_t length = strlen(key);
    char agent = length ? key[length - 1] : '\0';
    bool known = (length == 7 && memcmp(key, "start_", 6) == 0) || (length == 6 && memcmp(key, "goal_", 5) == 0);
    return known && agent >= 'a' && agent < 'a' + TASK_AGENTS;
}

static bool unknown_key(struct reader *r, const char *key) {
    struct text_nearest nearest = {.wanted = key};
    text_nearest_offer(&nearest, "name");
    text_nearest_offer(&nearest, "map:");
    text_nearest_offer(&nearest, "payoff:");
    for (int i = 0; i < rules_count; i++) text_nearest_offer(&nearest, rules_table[i].name);
    if (nearest.best) return WRONG(r, "unknown setting \"%.80s\"; did you mean %s?", key, nearest.best);
    return WRONG(r, "unknown setting \"%.80s\", expected name, a rule such as step_limit, start_a, goal_a, map: or payoff:", key);
}

static bool read_setting(struct reader *r, char *text) {
    char *equals = strchr(text, '=');
    if (!equals) return WRONG(r, "\"%.80s\": expected `setting = value`, `map:` and the map below it, or `payoff:`", text);
    *equals = '\0';
    const char *key = trimmed(text), *value = trimmed(equals + 1);
    if (strcmp(key, "name") == 0) return read_name(r, value);
    const struct setting *rule = setting_find(rules_table, rules_count, key);
    if (rule) return read_rule(r, rule, value);
    if (is_place_key(key)) return read_place(r, key, value);
    return unknown_key(r, key);
}

/* ---- Maps ---- */

/* A letter or digit of the map: agent j starts here, or has its goal here. */
static bool put_agent(struct reader *r, int agent, bool start, int place) {
    int *line = start ? &r->start_line[agent] : &r->goal_line[agent];
    if (*line)
        return WRONG(r, "the %s of agent %c is here and in line %d, expected once", start ? "start" : "goal",
                     letter(agent), *line);
    *line = r->line;
    *(start ? &r->task->start[agent] : &r->task->goal[agent]) = place;
    return true;
}

static bool read_letter(struct reader *r, char c, int place) {
    r->task->wall[place] = c == '#';
    if (c == '#' || c == '.') return true;
    if (c >= 'A' && c < 'A' + TASK_AGENTS) return put_agent(r, c - 'A', true, place);
    if (c >= 'a' && c < 'a' + TASK_AGENTS) return put_agent(r, c - 'a', false, place);
    return WRONG(r, isprint((unsigned char)c) ? "'%c' in column %d of the map, expected one of # . A-H a-h"
                                              : "character \\x%02x in column %d of the map, expected one of # . A-H a-h",
                 (unsigned char)c, place % r->task->columns + 1);
}

/* [MD24]: 0 free, 1 wall, 2 3 the goals, 4 5 the starts of agents 1 and 2. */
static bool read_digit(struct reader *r, char c, int place) {
    r->task->wall[place] = c == '1';
    if (c == '0' || c == '1') return true;
    if (c == '2' || c == '3') return put_agent(r, c - '2', false, place);
    if (c == '4' || c == '5') return put_agent(r, c - '4', true, place);
    return WRONG(r, isprint((unsigned char)c) ? "'%c' in column %d, expected a digit from 0 to 5"
                                              : "character \\x%02x in column %d, expected a digit from 0 to 5",
                 (unsigned char)c, place % r->task->columns + 1);
}

/* Without the blanks at its end, which nobody sees. */
static size_t row_length(const struct text_line *line) {
    size_t n = line->length;
    while (n > 0 && strchr(" \t\r", line->start[n - 1])) n--;
    return n;
}

static bool fits(struct reader *r, const struct text_line *line) {
    size_t n = row_length(line);
    if (n == (size_t)r->task->columns) return true;
    for (size_t i = 0; i < n; i++) /* a letter of several bytes is no cells */
        if ((unsigned char)line->start[i] >= 0x80)
            return WRONG(r, "character \\x%02x in column %zu of the map is no ASCII", (unsigned char)line->start[i], i + 1);
    return WRONG(r, "this row of the map has %zu cells, expected %d as in its first row", n, r->task->columns);
}

static bool blank(const struct text_line *line) { return row_length(line) == 0; }

static bool measure_map(struct reader *r, const char *text) {
    struct task *task = r->task;
    struct text_line line = {0};
    int blank_line = 0;
    for (int number = r->map_line; text_next_line(text, &line); number++) {
        r->line = number;
        if (blank(&line)) {
            if (task->rows > 0) blank_line = number;
            continue;
        }
        if (blank_line) return WRONG(r, "the map goes on behind the empty line %d, expected no gap", blank_line);
        if (task->rows == 0) task->columns = (int)(row_length(&line) > TASK_SIDE ? TASK_SIDE + 1 : row_length(&line));
        if (task->columns > TASK_SIDE) return WRONG(r, "the map is wider than %d cells", TASK_SIDE);
        if (!fits(r, &line)) return false;
        if (++task->rows > TASK_SIDE) return WRONG(r, "the map is higher than %d cells", TASK_SIDE);
    }
    r->line = r->map_line;
    return task->rows > 0 || WRONG(r, "there is no map, expected rows of # . A-H a-h below `map:`");
}

static bool read_map(struct reader *r, const char *text, bool (*read_cell)(struct reader *, char, int)) {
    if (!measure_map(r, text)) return false;
    struct task *task = r->task;
    task->n_actions = TASK_ACTIONS;
    task->wall = memory_zeros((size_t)task->rows * (size_t)task->columns, sizeof *task->wall);
    struct text_line line = {0};
    for (int row = 0; row < task->rows && text_next_line(text, &line);) {
        if (blank(&line)) continue;
        r->line = r->map_line + line.number - 1;
        for (int column = 0; column < task->columns; column++)
            if (!read_cell(r, line.start[column], row * task->columns + column)) return false;
        row++;
    }
    return true;
}

/* ---- Matrix games ---- */

static const char *const payoff_expected = "a number, x|y (either, equally likely) or x/y (for A and for B), from -1e6 to 1e6";

/* One row of the matrix into its place; tells its number of entries. False also when there are more than TASK_ACTIONS. */
static bool read_payoff_row(struct reader *r, char *text, struct payoff *row, int *n) {
    char *rest = NULL;
    *n = 0;
    for (char *entry = strtok_r(text, " \t\r", &rest); entry; entry = strtok_r(NULL, " \t\r", &rest)) {
        if (*n == TASK_ACTIONS) return WRONG(r, "this row has more than %d payoffs", TASK_ACTIONS);
        if (!payoff_read(entry, &row[(*n)++])) return WRONG(r, "payoff \"%.60s\": expected %s", entry, payoff_expected);
    }
    return true;
}

static bool read_payoff(struct reader *r, const char *text) {
    struct payoff read[TASK_ACTIONS][TASK_ACTIONS];
    struct text_line line = {0};
    int rows = 0, n = 0;
    while (text_next_line(text, &line)) {
        char copy[512];
        r->line = r->map_line + line.number - 1;
        if (line.length >= sizeof copy) return WRONG(r, "the line is longer than %zu characters", sizeof copy - 1);
        snprintf(copy, sizeof copy, "%.*s", (int)line.length, line.start);
        copy[strcspn(copy, ";")] = '\0';
        char *content = trimmed(copy);
        if (*content == '\0') continue;
        if (rows == TASK_ACTIONS) return WRONG(r, "there are more than %d rows of payoffs", TASK_ACTIONS);
        if (!read_payoff_row(r, content, read[rows], &n)) return false;
        if (rows++ == 0) r->task->n_actions = n;
        if (n != r->task->n_actions)
            return WRONG(r, "this row has %d payoff%s, expected %d as in the first", n, n == 1 ? "" : "s", r->task->n_actions);
    }
    n = r->task->n_actions;
    r->line = r->map_line;
    if (rows < 2 || rows != n)
        return WRONG(r, "there are %d row%s of %d payoffs, expected 2 to %d of as many", rows, rows == 1 ? "" : "s", n, TASK_ACTIONS);
    r->task->payoff = memory_zeros((size_t)(n * n), sizeof *r->task->payoff);
    for (int row = 0; row < n; row++) memcpy(r->task->payoff + row * n, read[row], (size_t)n * sizeof *read[row]);
    return true;
}

/* One cell for both agents. */
static bool read_matrix(struct reader *r, const char *text) {
    for (int j = 0; j < TASK_AGENTS; j++) {
        r->line = r->start_line[j] ? r->start_line[j] : r->goal_line[j];
        if (r->line) return WRONG(r, "a matrix game has no places, expected neither start nor goal");
    }
    struct task *task = r->task;
    task->world = ENV_matrix;
    task->n_agents = 2;
    task->rows = task->columns = 1;
    task->wall = memory_zeros(1, sizeof *task->wall);
    return read_payoff(r, text);
}

/* ---- What only the whole tells ---- */

static bool put_given(struct reader *r, int line, const int given[2], int *place, const char *what, int agent) {
    if (!line || line >= r->map_line) return true;
    const struct task *task = r->task;
    r->line = line;
    if (given[0] >= task->rows || given[1] >= task->columns)
        return WRONG(r, "the %s of agent %c is at row %d, column %d, outside the map of %d x %d", what, letter(agent),
                     given[0], given[1], task->rows, task->columns);
    *place = given[0] * task->columns + given[1];
    return !task->wall[*place] || WRONG(r, "the %s of agent %c is inside a wall", what, letter(agent));
}

static bool count_agents(struct reader *r) {
    struct task *task = r->task;
    for (int j = 0; j < TASK_AGENTS; j++)
        if (r->start_line[j] || r->goal_line[j]) task->n_agents = j + 1;
    r->line = r->map_line;
    if (task->n_agents == 0) return WRONG(r, "there is no agent on the map, expected at least A and its goal a");
    for (int j = 0; j < task->n_agents; j++) {
        r->line = r->start_line[j] ? r->start_line[j] : r->goal_line[j] ? r->goal_line[j] : r->map_line;
        if (!r->start_line[j] && !r->goal_line[j])
            return WRONG(r, "there is an agent %c but no agent %c, expected no gap", letter(task->n_agents - 1),
                         letter(j));
        if (!r->goal_line[j]) return WRONG(r, "agent %c has no goal, expected %c", letter(j), goal_letter(j));
        if (!r->start_line[j]) return WRONG(r, "goal %c has no agent, expected %c", goal_letter(j), letter(j));
    }
    return true;
}

static bool places_differ(struct reader *r) {
    const struct task *task = r->task;
    for (int j = 0; j < task->n_agents; j++) {
        r->line = r->goal_line[j];
        if (task->start[j] == task->goal[j]) return WRONG(r, "agent %c starts on its own goal", letter(j));
        for (int k = 0; k < j; k++) {
            r->line = r->start_line[j];
            if (task->start[j] == task->start[k])
                return WRONG(r, "agents %c and %c start in the same cell", letter(k), letter(j));
            r->line = r->goal_line[j];
            if (task->goal[j] == task->goal[k])
                return WRONG(r, "agents %c and %c have the same goal, which only one can reach", letter(k), letter(j));
        }
    }
    return true;
}

static bool goals_reached(struct reader *r) {
    const struct task *task = r->task;
    struct distances distances;
    distances_create(&distances, task);
    int j = 0;
    for (; j < task->n_agents; j++) {
        distances_from(&distances, task, task->start[j]);
        if (distances.to[task->goal[j]] == DISTANCE_NONE) break;
    }
    distances_destroy(&distances);
    if (j == task->n_agents) return true;
    r->line = r->goal_line[j];
    return WRONG(r, "goal %c cannot be reached from %c: walls are between", goal_letter(j), letter(j));
}

static bool check_whole(struct reader *r) {
    struct task *task = r->task;
    for (int j = 0; j < TASK_AGENTS; j++)
        if (!put_given(r, r->start_line[j], r->start_given[j], &task->start[j], "start", j) ||
            !put_given(r, r->goal_line[j], r->goal_given[j], &task->goal[j], "goal", j))
            return false;
    if (!count_agents(r) || !places_differ(r)) return false;
    int n_free = 0;
    for (int place = 0; place < task->rows * task->columns; place++) n_free += !task->wall[place];
    r->line = r->map_line;
    if (n_free > TASK_CELLS) return WRONG(r, "the map has %d free cells, expected at most %d", n_free, TASK_CELLS);
    return goals_reached(r);
}

/* ---- The two formats ---- */

/* The map or the payoffs, which begin on the line behind. */
static bool read_section(struct reader *r, const char *section, const struct text_line *line) {
    const char *text = line->start + strcspn(line->start, "\n");
    text += *text != '\0';
    r->map_line = line->number + 1;
    return strcmp(section, "map:") == 0 ? read_map(r, text, read_letter) : read_matrix(r, text);
}

static bool read_own_format(struct reader *r, const char *text) {
    struct text_line line = {0};
    while (text_next_line(text, &line)) {
        r->line = line.number;
        char copy[256];
        if (line.length >= sizeof copy) return WRONG(r, "the line is longer than %zu characters", sizeof copy - 1);
        snprintf(copy, sizeof copy, "%.*s", (int)line.length, line.start);
        copy[strcspn(copy, ";")] = '\0';
        char *content = trimmed(copy);
        if (*content == '\0') continue;
        if (strcmp(content, "map:") == 0 || strcmp(content, "payoff:") == 0) return read_section(r, content, &line);
        if (!read_setting(r, content)) return false;
    }
    r->line = line.number > 0 ? line.number : 1;
    return WRONG(r, "there is no map, expected `map:` and the map below it");
}

/* Is the first line that is not blank made of digits? */
static bool is_digit_format(const char *text) {
    struct text_line line = {0};
    while (text_next_line(text, &line))
        if (!blank(&line)) return strspn(line.start, "0123456789") >= line.length;
    return false;
}

bool task_parse(struct task *task, const char *source, const char *name, const char *text, struct fault *why) {
    *task = (struct task){0};
    struct reader r = {.task = task, .source = source, .line = 1, .map_line = 1, .why = why};
    bool read = is_digit_format(text) ? read_map(&r, text, read_digit) : read_own_format(&r, text);
    if (read && !r.named) {
        r.line = 1;
        read = task_name_fits(name) ? read_name(&r, name) : WRONG(&r, "\"%.80s\" is no name for a task; give one: name = ...", name);
    }
    if (read && (task->world == ENV_matrix || check_whole(&r))) return true;
    task_destroy(task);
    return false;
}

/* The file's name without folders and ending. */
static void stem(const char *path, char *out, size_t size) {
    const char *slash = strrchr(path, '/');
    snprintf(out, size, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(out, '.');
    if (dot && dot != out) *dot = '\0';
}

bool task_read(struct task *task, const char *path, struct fault *why) {
    char *text = text_read_file(path, TASK_BYTES, why);
    if (!text) return false;
    char name[256];
    stem(path, name, sizeof name);
    bool read = task_parse(task, path, name, text, why);
    free(text);
    return read;
}

/* ---- Writing ---- */

static void write_rules(FILE *out, const struct task *task) {
    for (int i = 0; i < rules_count; i++) {
        char value[SETTING_TEXT];
        if (!(task->own_rules >> i & 1)) continue;
        setting_write(&rules_table[i], &task->rules, value);
        fprintf(out, "%s = %s\n", rules_table[i].name, value);
    }
}

static void draw_agents(FILE *out, const struct task *task, char *map) {
    for (int j = 0; j < task->n_agents; j++) map[task->start[j]] = letter(j);
    for (int j = 0; j < task->n_agents; j++) {
        if (map[task->goal[j]] == '.') map[task->goal[j]] = goal_letter(j);
        else fprintf(out, "goal_%c = %d %d\n", goal_letter(j), task->goal[j] / task->columns, task->goal[j] % task->columns);
    }
}

static void write_payoff(FILE *out, const struct task *task) {
    fputs("payoff:\n", out);
    for (int pair = 0; pair < task->n_actions * task->n_actions; pair++) {
        payoff_write(out, &task->payoff[pair]);
        fputc(pair % task->n_actions == task->n_actions - 1 ? '\n' : ' ', out);
    }
}

static void write_map(FILE *out, const struct task *task) {
    size_t places = (size_t)task->rows * (size_t)task->columns;
    char *map = memory_zeros(places, 1);
    for (size_t place = 0; place < places; place++) map[place] = task->wall[place] ? '#' : '.';
    draw_agents(out, task, map);
    fputs("map:\n", out);
    for (int row = 0; row < task->rows; row++) fprintf(out, "%.*s\n", task->columns, map + row * task->columns);
    free(map);
}

char *task_write(const struct task *task) {
    size_t length;
    char *text = NULL;
    FILE *out = memory_stream(&text, &length);
    fprintf(out, "name = %s\n", task->name);
    write_rules(out, task);
    if (task->world == ENV_matrix) write_payoff(out, task);
    else write_map(out, task);
    fclose(out);
    return text;
}

static bool is_one_of(int place, const int *places, int n) {
    for (int i = 0; i < n; i++)
        if (places[i] == place) return true;
    return false;
}

bool task_has_start(const struct task *task, int place) { return is_one_of(place, task->start, task->n_agents); }
bool task_has_goal(const struct task *task, int place) { return is_one_of(place, task->goal, task->n_agents); }

struct rules task_rules(const struct task *task, const struct rules *run_rules) {
    struct rules rules = *run_rules;
    for (int i = 0; i < rules_count; i++)
        if (task->own_rules >> i & 1) setting_copy(&rules_table[i], &task->rules, &rules);
    return rules;
}

void task_destroy(struct task *task) {
    free(task->wall);
    free(task->payoff);
    *task = (struct task){0};
}
