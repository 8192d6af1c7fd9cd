#include "multidistral/world/movingai.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "multidistral/base/memory.h"
#include "multidistral/base/text.h"
#include "multidistral/world/distance.h"

enum { LINE_BYTES = 8192 }; /* a path and eight numbers */

/* A file while it is being read. */
struct reader {
    const char *source, *text;
    struct text_line line; /* that messages are about */
    struct fault *why;
};

/* Where the message goes: `file:line: ` in front, and false behind. */
#define WRONG(reader, ...) (fault_set((reader)->why, __VA_ARGS__), wrong_at(reader))

static bool wrong_at(const struct reader *r) {
    fault_at(r->why, "%s:%d", r->source, r->line.number > 0 ? r->line.number : 1);
    return false;
}

static bool blank(const struct text_line *line) { return strspn(line->start, " \t\r") >= line->length; }

static bool next_line(struct reader *r, const char *expected) {
    return text_next_line(r->text, &r->line) || WRONG(r, "the file ends here, expected %s", expected);
}

/* The line without blanks behind. */
static bool copy_line(struct reader *r, char copy[LINE_BYTES]) {
    size_t length = r->line.length;
    while (length > 0 && strchr(" \t\r", r->line.start[length - 1])) length--;
    if (length >= LINE_BYTES) return WRONG(r, "the line is longer than %d characters", LINE_BYTES - 1);
    snprintf(copy, LINE_BYTES, "%.*s", (int)length, r->line.start);
    return true;
}

static bool read_number(struct reader *r, const char *name, const char *text, int min, int max, int *out) {
    int64_t value;
    if (!text_to_integer(text, &value) || value < min || value > max)
        return WRONG(r, "%s \"%.80s\": expected a whole number from %d to %d", name, text, min, max);
    *out = (int)value;
    return true;
}

/* ---- Maps ---- */

static bool read_word(struct reader *r, const char *word) {
    char line[LINE_BYTES], expected[32];
    snprintf(expected, sizeof expected, "`%s`", word);
    if (!next_line(r, expected) || !copy_line(r, line)) return false;
    return strcmp(line, word) == 0 ||
           WRONG(r, "\"%.80s\": expected `%s`, as a map of the benchmark has it", line, word);
}

/* `height 32` */
static bool read_side(struct reader *r, const char *name, int *side) {
    char line[LINE_BYTES], expected[32];
    size_t length = strlen(name);
    snprintf(expected, sizeof expected, "`%s` and a number", name);
    if (!next_line(r, expected) || !copy_line(r, line)) return false;
    if (strncmp(line, name, length) != 0 || line[length] != ' ')
        return WRONG(r, "\"%.80s\": expected %s", line, expected);
    return read_number(r, name, line + length + 1, 1, TASK_SIDE, side);
}

static bool read_cell(struct reader *r, char c, int column, bool *wall) {
    *wall = c != '\0' && strchr("@OTW", c);
    if (*wall || (c != '\0' && strchr(".GS", c))) return true;
    return WRONG(r,
                 isprint((unsigned char)c) ? "'%c' in column %d of the map, expected one of . G S @ O T W"
                                           : "character \\x%02x in column %d of the map, expected one of . G S @ O T W",
                 (unsigned char)c, column + 1);
}

static bool read_row(struct reader *r, struct task *map, int row) {
    char expected[64];
    snprintf(expected, sizeof expected, "row %d of the map's %d", row + 1, map->rows);
    if (!next_line(r, expected)) return false;
    if (r->line.length != (size_t)map->columns)
        return WRONG(r, "this row of the map has %zu cells, expected %d", r->line.length, map->columns);
    for (int column = 0; column < map->columns; column++)
        if (!read_cell(r, r->line.start[column], column, &map->wall[row * map->columns + column])) return false;
    return true;
}

static bool read_rows(struct reader *r, struct task *map) {
    map->wall = memory_zeros((size_t)map->rows * (size_t)map->columns, sizeof *map->wall);
    for (int row = 0; row < map->rows; row++)
        if (!read_row(r, map, row)) return false;
    while (text_next_line(r->text, &r->line))
        if (!blank(&r->line)) return WRONG(r, "the map goes on behind its %d rows", map->rows);
    return true;
}

static bool cells_fit(struct reader *r, const struct task *map) {
    int n_free = 0;
    for (int place = 0; place < map->rows * map->columns; place++) n_free += !map->wall[place];
    return n_free <= TASK_CELLS || WRONG(r, "the map has %d free cells, expected at most %d", n_free, TASK_CELLS);
}

bool movingai_parse_map(struct task *map, const char *source, const char *text, struct fault *why) {
    *map = (struct task){0};
    struct reader r = {.source = source, .text = text, .why = why};
    if (read_word(&r, "type octile") && read_side(&r, "height", &map->rows) && read_side(&r, "width", &map->columns) &&
        read_word(&r, "map") && read_rows(&r, map) && cells_fit(&r, map))
        return true;
    task_destroy(map);
    return false;
}

/* ---- Scenarios ---- */

enum field { BUCKET, MAP, WIDTH, HEIGHT, START_X, START_Y, GOAL_X, GOAL_Y, LENGTH, FIELDS };

static bool read_version(struct reader *r) {
    static const char word[] = "version ";
    char line[LINE_BYTES];
    double version;
    if (!next_line(r, "`version 1`") || !copy_line(r, line)) return false;
    if (strncmp(line, "type ", strlen("type ")) == 0)
        return WRONG(r, "this is a map, expected a file of scenarios (.scen), which names its map");
    bool known = strncmp(line, word, strlen(word)) == 0 && text_to_real(line + strlen(word), &version) && version == 1;
    return known || WRONG(r, "\"%.80s\": expected `version 1`", line);
}

static bool split(struct reader *r, char *line, char *field[FIELDS]) {
    int n = 0;
    for (char *rest = line; rest; n++) {
        char *tab = strchr(rest, '\t');
        if (tab) *tab = '\0';
        if (n < FIELDS) field[n] = rest;
        rest = tab ? tab + 1 : NULL;
    }
    return n == FIELDS || WRONG(r,
                                "the line has %d fields, expected %d with tabs between: bucket, map, its width and "
                                "height, x and y of start and goal, optimal length",
                                n, FIELDS);
}

/* Bucket and length are of no use here, but where they are no numbers the line is no scenario. */
static bool check_unused(struct reader *r, char *const field[FIELDS]) {
    int64_t bucket;
    double length;
    if (!text_to_integer(field[BUCKET], &bucket) || bucket < 0)
        return WRONG(r, "bucket \"%.80s\": expected a whole number from 0 on", field[BUCKET]);
    if (!text_to_real(field[LENGTH], &length) || length < 0)
        return WRONG(r, "optimal length \"%.80s\": expected a number from 0 on", field[LENGTH]);
    return true;
}

/* All scenarios of a file are on one map: that of the first. */
static bool same_map(struct reader *r, struct movingai *m, char *const field[FIELDS]) {
    int width, height;
    if (!read_number(r, "map width", field[WIDTH], 1, TASK_SIDE, &width)) return false;
    if (!read_number(r, "map height", field[HEIGHT], 1, TASK_SIDE, &height)) return false;
    if (!m->map_name) {
        if (field[MAP][0] == '\0') return WRONG(r, "the map has no name, expected that of a file");
        m->map_name = memory_string(field[MAP]);
        m->map.rows = height, m->map.columns = width;
    }
    if (strcmp(field[MAP], m->map_name) != 0)
        return WRONG(r, "the map is \"%.80s\" here, expected \"%.80s\" as before", field[MAP], m->map_name);
    return (width == m->map.columns && height == m->map.rows) ||
           WRONG(r, "the map is %d wide and %d high here, expected %d and %d as before", width, height, m->map.columns,
                 m->map.rows);
}

static bool read_places(struct reader *r, const struct task *map, char *const field[FIELDS],
                        struct movingai_scenario *scenario) {
    int start_x, start_y, goal_x, goal_y, last_x = map->columns - 1, last_y = map->rows - 1;
    if (!read_number(r, "start x", field[START_X], 0, last_x, &start_x) ||
        !read_number(r, "start y", field[START_Y], 0, last_y, &start_y) ||
        !read_number(r, "goal x", field[GOAL_X], 0, last_x, &goal_x) ||
        !read_number(r, "goal y", field[GOAL_Y], 0, last_y, &goal_y))
        return false;
    scenario->line = r->line.number;
    scenario->start = start_y * map->columns + start_x;
    scenario->goal = goal_y * map->columns + goal_x;
    return true;
}

static bool read_scenario(struct reader *r, struct movingai *m) {
    char line[LINE_BYTES], *field[FIELDS];
    return copy_line(r, line) && split(r, line, field) && check_unused(r, field) && same_map(r, m, field) &&
           read_places(r, &m->map, field, &m->scenario[m->n++]);
}

static size_t count_lines(const char *text) {
    size_t n = 0;
    for (struct text_line line = {0}; text_next_line(text, &line);) n++;
    return n;
}

static bool read_scenarios(struct reader *r, struct movingai *m) {
    if (!read_version(r)) return false;
    m->scenario = memory_zeros(count_lines(r->text), sizeof *m->scenario);
    while (text_next_line(r->text, &r->line))
        if (!blank(&r->line) && !read_scenario(r, m)) return false;
    return m->n > 0 || WRONG(r, "there is no scenario, expected at least one below `version 1`");
}

bool movingai_parse_scenarios(struct movingai *movingai, const char *source, const char *text, struct fault *why) {
    *movingai = (struct movingai){.path = memory_string(source)};
    struct reader r = {.source = source, .text = text, .why = why};
    if (read_scenarios(&r, movingai)) return true;
    movingai_destroy(movingai);
    return false;
}

/* ---- Both together ---- */

/* `name` in the folder of `path`; the caller owns it. */
static char *beside(const char *path, const char *name) {
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash + 1 - path) : 0;
    size_t size = (size_t)folder + strlen(name) + 1;
    char *joined = memory_zeros(size, 1);
    snprintf(joined, size, "%.*s%s", folder, path, name);
    return joined;
}

/* Where the map is: NULL if nowhere. The caller owns it. */
static char *find_map(const struct movingai *m) {
    const char *slash = strrchr(m->map_name, '/');
    char *places[] = {beside(m->path, m->map_name), beside(m->path, slash ? slash + 1 : m->map_name),
                      memory_string(m->map_name)};
    char *found = NULL;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!found && access(places[i], F_OK) == 0)
            found = places[i];
        else
            free(places[i]);
    }
    return found;
}

static bool sizes_agree(const struct movingai *m, const struct task *map, const char *map_path, struct fault *why) {
    if (map->rows == m->map.rows && map->columns == m->map.columns) return true;
    return fault_set(why, "%s:%d: the map is %d wide and %d high here, but %d and %d in %s", m->path,
                     m->scenario[0].line, m->map.columns, m->map.rows, map->columns, map->rows, map_path);
}

static bool read_map_file(struct movingai *m, const char *map_path, struct fault *why) {
    struct task map;
    char *text = text_read_file(map_path, TASK_BYTES, why);
    bool parsed = text && movingai_parse_map(&map, map_path, text, why),
         agree = parsed && sizes_agree(m, &map, map_path, why);
    free(text);
    if (agree)
        m->map = map;
    else if (parsed)
        task_destroy(&map);
    return agree;
}

static bool read_map_of(struct movingai *m, struct fault *why) {
    char *map_path = find_map(m);
    if (!map_path)
        return fault_set(why, "%s:%d: there is no map \"%.200s\", expected beside this file, or where that path leads",
                         m->path, m->scenario[0].line, m->map_name);
    bool read = read_map_file(m, map_path, why);
    free(map_path);
    return read;
}

bool movingai_read(struct movingai *movingai, const char *path, struct fault *why) {
    char *text = text_read_file(path, TASK_BYTES, why);
    bool parsed = text && movingai_parse_scenarios(movingai, path, text, why);
    free(text);
    if (!parsed) return false;
    if (read_map_of(movingai, why)) return true;
    movingai_destroy(movingai);
    return false;
}

void movingai_destroy(struct movingai *movingai) {
    free(movingai->path);
    free(movingai->map_name);
    free(movingai->scenario);
    task_destroy(&movingai->map);
    *movingai = (struct movingai){0};
}

/* ---- Agents ---- */

static bool is_reached(const struct task *map, int start, int goal) {
    struct distances distances;
    distances_create(&distances, map);
    distances_from(&distances, map, start);
    bool reached = distances.to[goal] != DISTANCE_NONE;
    distances_destroy(&distances);
    return reached;
}

/* NULL if it fits. */
static const char *misfit(const struct task *task, const struct movingai_scenario *scenario) {
    if (task->wall[scenario->start]) return "it starts in a wall";
    if (task->wall[scenario->goal]) return "its goal is in a wall";
    if (scenario->start == scenario->goal) return "it starts on its goal";
    if (task_has_start(task, scenario->start)) return "another agent of the task starts there";
    if (task_has_goal(task, scenario->goal)) return "another agent of the task has the same goal";
    return is_reached(task, scenario->start, scenario->goal) ? NULL : "no way leads to its goal without diagonal moves";
}

bool movingai_add_agent(const struct movingai *movingai, int i, struct task *task, struct fault *why) {
    assert(i >= 0 && i < movingai->n && task->n_agents < TASK_AGENTS);
    const struct movingai_scenario *scenario = &movingai->scenario[i];
    const char *reason = misfit(task, scenario);
    if (reason) return fault_set(why, "%s:%d: %s", movingai->path, scenario->line, reason);
    task->start[task->n_agents] = scenario->start;
    task->goal[task->n_agents++] = scenario->goal;
    return true;
}
