/* What the fuzzers and the replay of their corpus call: each reader on any bytes, with what must hold of what it takes.
 *
 * Refused input must leave a reason. Input that is taken must make sense, and must read back from its own text as the
 * same. A broken promise ends the process. */
#ifndef MULTIDISTRAL_TESTS_FUZZ_READERS_H
#define MULTIDISTRAL_TESTS_FUZZ_READERS_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "multidistral/base/memory.h"
#include "multidistral/run/config.h"
#include "multidistral/run/seal.h"
#include "multidistral/world/cells.h"
#include "multidistral/world/movingai.h"
#include "multidistral/world/task.h"

#define MUST(what) ((what) ? (void)0 : must_fail(#what, __FILE__, __LINE__))

static inline void must_fail(const char *what, const char *file, int line) {
    fprintf(stderr, "%s:%d: must hold: %s\n", file, line, what);
    abort();
}

/* What text_read_file makes of a file: text up to its first NUL byte. The caller owns it. */
static inline char *text_of(const uint8_t *data, size_t size) {
    char *text = memory_zeros(size + 1, 1);
    if (size > 0) memcpy(text, data, size);
    return text;
}

/* The reason of a refusal begins with the place. */
static inline bool names(const struct fault *why, const char *source) {
    return strncmp(why->text, source, strlen(source)) == 0 && strlen(why->text) > strlen(source) + 2;
}

/* ---- Task files ---- */

static inline void check_places(const struct task *task) {
    int places = task->rows * task->columns;
    for (int j = 0; j < task->n_agents; j++) {
        MUST(task->start[j] >= 0 && task->start[j] < places && !task->wall[task->start[j]]);
        MUST(task->goal[j] >= 0 && task->goal[j] < places && !task->wall[task->goal[j]]);
        MUST(task->start[j] != task->goal[j]);
    }
}

static inline void check_payoffs(const struct task *task) {
    MUST(task->n_agents == 2 && task->n_actions >= 2 && task->n_actions <= TASK_ACTIONS);
    for (int pair = 0; pair < task->n_actions * task->n_actions; pair++)
        for (int i = 0; i < 4; i++) MUST(fabs(task->payoff[pair].of[i / 2][i % 2]) <= 1e6);
}

static inline void check_task(const struct task *task) {
    MUST(task_name_fits(task->name));
    MUST(task->rows >= 1 && task->rows <= TASK_SIDE && task->columns >= 1 && task->columns <= TASK_SIDE);
    MUST(task->n_agents >= 1 && task->n_agents <= TASK_AGENTS);
    if (task->world == ENV_matrix) check_payoffs(task);
    else check_places(task);
}

static inline void check_cells(const struct task *task) {
    struct cells cells;
    struct fault why = {""};
    MUST(cells_create(&cells, task, 1, &why));
    MUST(cells.n >= 1 && cells.n <= TASK_CELLS && cells_cover(&cells, task, &why));
    cells_destroy(&cells);
}

static inline void read_task(const uint8_t *data, size_t size) {
    struct task task, again;
    struct fault why = {""};
    char *text = text_of(data, size);
    if (task_parse(&task, "in.task", "in", text, &why)) {
        check_task(&task);
        check_cells(&task);
        char *first = task_write(&task);
        MUST(task_parse(&again, "again", "again", first, &why));
        char *second = task_write(&again);
        MUST(strcmp(first, second) == 0);
        MUST(memcmp(task.start, again.start, sizeof task.start) == 0 && memcmp(task.goal, again.goal, sizeof task.goal) == 0);
        free(first);
        free(second);
        task_destroy(&again);
        task_destroy(&task);
    } else {
        MUST(names(&why, "in.task:"));
    }
    free(text);
}

/* ---- Settings files ---- */


static inline void read_settings(const uint8_t *data, size_t size) {
    struct config config, again;
    struct config_tasks tasks = {0}, none = {0};
    struct fault why = {""};
    char *text = text_of(data, size);
    config_defaults(&config);
    config_defaults(&again);
    if (config_parse_ini(&config, &tasks, "in.ini", text, &why)) {
        char *first = config_write_ini(&config, NULL, 0);
        MUST(config_parse_ini(&again, &none, "again", first, &why));
        char *second = config_write_ini(&again, NULL, 0);
        MUST(strcmp(first, second) == 0);
        for (int i = 0; i < tasks.n; i++) MUST(tasks.path[i][0] != '\0');
        free(first);
        free(second);
    } else {
        MUST(names(&why, "in.ini"));
    }
    config_tasks_destroy(&tasks);
    config_tasks_destroy(&none);
    free(text);
}

/* ---- One value: the first byte says of which setting ---- */

static inline void check_number(const struct setting *setting, double value) {
    MUST(isfinite(value) && value >= setting->min && value <= setting->max && !(value == 0 && signbit(value)));
}

static inline void check_value(const struct setting *setting, const void *values) {
    const char *place = (const char *)values + setting->offset;
    struct schedule s;
    int64_t integer;
    double real;
    switch (setting->type) {
    case SETTING_REAL:
        memcpy(&real, place, sizeof real);
        check_number(setting, real);
        return;
    case SETTING_INTEGER:
        memcpy(&integer, place, sizeof integer);
        check_number(setting, (double)integer);
        return;
    case SETTING_SCHEDULE:
        memcpy(&s, place, sizeof s);
        MUST(s.over >= 1);
        static const int64_t times[] = {0, 1, 2, 1000, INT64_MAX};
        for (size_t i = 0; i < sizeof times / sizeof *times; i++) check_number(setting, schedule_at(&s, times[i]));
        return;
    case SETTING_CHOICE: return;
    }
}

static inline void check_setting(int i, const char *text) {
    struct config config, again;
    struct fault why = {""};
    char first[SETTING_TEXT], second[SETTING_TEXT];
    config_defaults(&config);
    config_defaults(&again);
    config_write(&config, i, first);
    if (config_set(&config, i, text, &why)) {
        check_value(config_setting(i), config_values(&config, i));
        config_write(&config, i, first);
        MUST(config_set(&again, i, first, &why));
    } else {
        MUST(names(&why, config_setting(i)->name));
    }
    config_write(&config, i, second);
    MUST(strcmp(first, second) == 0);
}

static inline void read_value(const uint8_t *data, size_t size) {
    if (size == 0) return;
    char *text = text_of(data + 1, size - 1);
    check_setting(data[0] % config_count(), text);
    free(text);
}

/* ---- Maps and scenarios of the benchmark ---- */

static inline void read_map(const uint8_t *data, size_t size) {
    struct task map;
    struct fault why = {""};
    char *text = text_of(data, size);
    if (movingai_parse_map(&map, "in.map", text, &why)) {
        int n_free = 0;
        MUST(map.rows >= 1 && map.rows <= TASK_SIDE && map.columns >= 1 && map.columns <= TASK_SIDE && map.n_agents == 0);
        for (int place = 0; place < map.rows * map.columns; place++) n_free += !map.wall[place];
        MUST(n_free <= TASK_CELLS);
        task_destroy(&map);
    } else {
        MUST(names(&why, "in.map:"));
    }
    free(text);
}

/* As many agents of the file as fit on a map of its size without walls. */
static inline void add_agents(const struct movingai *m) {
    enum { SMALL = 4096 }; /* places: a larger map costs time and tells no more */
    struct task task = {.rows = m->map.rows, .columns = m->map.columns};
    struct fault why = {""};
    if (task.rows * task.columns > SMALL) return;
    task.wall = memory_zeros((size_t)(task.rows * task.columns), sizeof *task.wall);
    for (int i = 0; i < m->n && task.n_agents < TASK_AGENTS; i++)
        if (!movingai_add_agent(m, i, &task, &why)) MUST(names(&why, "in.scen:"));
    check_places(&task);
    task_destroy(&task);
}

static inline void read_scen(const uint8_t *data, size_t size) {
    struct movingai m;
    struct fault why = {""};
    char *text = text_of(data, size);
    if (movingai_parse_scenarios(&m, "in.scen", text, &why)) {
        int places = m.map.rows * m.map.columns;
        MUST(m.n >= 1 && m.map_name[0] != '\0');
        for (int i = 0; i < m.n; i++)
            MUST(m.scenario[i].start >= 0 && m.scenario[i].start < places && m.scenario[i].goal >= 0 && m.scenario[i].goal < places);
        add_agents(&m);
        movingai_destroy(&m);
    } else {
        MUST(names(&why, "in.scen:"));
    }
    free(text);
}

/* ---- The seal: what it says of a file that it does not fit ---- */

static inline void see_part(const struct seal_part *part, bool whole) {
    (void)whole;
    MUST(memchr(part->name, '\0', sizeof part->name) && part->name[0] != '\0');
}

static char sealed_path[] = "/tmp/multidistral_fuzz_XXXXXX";

static inline void remove_sealed_file(void) { unlink(sealed_path); }

/* The input is the seal's text, with 300 bytes behind it. */
static inline void read_seal(const uint8_t *data, size_t size) {
    static uint8_t bytes[SEAL_BYTES + 300];
    static FILE *file;
    struct fault why = {""};
    if (!file) MUST((file = fdopen(mkstemp(sealed_path), "r+b")) && atexit(remove_sealed_file) == 0);
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, data, size < SEAL_BYTES ? size : SEAL_BYTES);
    MUST(fseek(file, 0, SEEK_SET) == 0 && fwrite(bytes, 1, sizeof bytes, file) == sizeof bytes && fflush(file) == 0);
    if (seal_look_at_parts(sealed_path, see_part, &why) == SEAL_BROKEN) MUST(names(&why, sealed_path));
}

#endif
