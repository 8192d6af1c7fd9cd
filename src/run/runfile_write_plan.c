#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "runfile_write.h"

/* ---- Texts ---- */

/* n texts as one array of items of equal size, filled up with NUL; the caller owns it. */
static char *pack_texts(int64_t n, const char *const *text, size_t *bytes) {
    *bytes = 1;
    for (int64_t i = 0; i < n; i++)
        if (strlen(text[i]) > *bytes) *bytes = strlen(text[i]); /* NOLINT(clang-analyzer-core.CallAndMessage): all n are there */
    char *items = memory_zeros((size_t)n, *bytes);
    for (int64_t i = 0; i < n; i++) memcpy(items + (size_t)i * *bytes, text[i], strlen(text[i]));
    return items;
}

static void text_scale(struct writing *w, enum h5_axis axis, int64_t n, const char *const *text, const char *meaning) {
    size_t bytes;
    char *items = pack_texts(n, text, &bytes);
    hid_t type = h5_text_type(bytes);
    h5_scale(&w->h5, axis, n, type, items, meaning);
    H5Tclose(type);
    free(items);
}

/* text [n_tasks] */
static void text_dataset(struct writing *w, const char *path, const char *const *text, const char *meaning) {
    size_t bytes;
    char *items = pack_texts(w->plan->n_tasks, text, &bytes);
    hid_t type = h5_text_type(bytes);
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_TASK, w->plan->n_tasks, by_first(w, w->plan->n_tasks));
    h5_dataset(&w->h5, path, &box, type, items, NULL, meaning);
    H5Tclose(type);
    free(items);
}

/* [n_tasks]; the caller owns the array, not the names. */
static const char **task_names(const struct plan *plan) {
    const char **name = memory_zeros((size_t)plan->n_tasks, sizeof *name);
    for (int i = 0; i < plan->n_tasks; i++) name[i] = plan->task[i].name;
    return name;
}

/* ---- Axes ---- */

static void number_scale(struct writing *w, enum h5_axis axis, int64_t n, int64_t first, const char *meaning) {
    int64_t *numbers = memory_zeros((size_t)n, sizeof *numbers);
    for (int64_t i = 0; i < n; i++) numbers[i] = first + i;
    h5_scale(&w->h5, axis, n, H5T_NATIVE_INT64, numbers, meaning);
    free(numbers);
}

static void write_shared_scale(struct writing *w) {
    static const char *const agents[ENV_AGENTS] = {"agent 1", "agent 2", "agent 3", "agent 4",
                                                   "agent 5", "agent 6", "agent 7", "agent 8"};
    static const char *const team[] = {"team"}, *const nobody[] = {"nobody"};
    int sharing = w->plan->config.run.sharing;
    text_scale(w, AXIS_SHARED, plan_n_distilled(w->plan),
               sharing == SHARING_NONE ? nobody : sharing == SHARING_TEAM || plan_n_players(w->plan) == 1 ? team : agents, "whose distilled policy");
}

static void write_part_scale(struct writing *w) {
    const struct env_senses *senses = &w->plan->senses;
    const char *name[INDEX_DIGITS] = {0};
    for (int d = 0; d < senses->rows.n_digits; d++) name[d] = senses->part[d].name;
    text_scale(w, AXIS_PART, senses->rows.n_digits, name, "part of an observation");
}

/* Of joint actions: "down+left", the observer's first. */
static void write_action_scale(struct writing *w) {
    enum { NAME = 48 };
    int n = plan_n_actions(w->plan), own = w->plan->senses.n_actions;
    enum env_kind world = w->plan->task[0].world;
    char(*name)[NAME] = memory_zeros((size_t)n, sizeof *name);
    const char **names = memory_zeros((size_t)n, sizeof *names);
    for (int a = 0; a < n; a++) {
        for (int place = n / own, at = 0; place > 0; place /= own)
            at += snprintf(name[a] + at, NAME - (size_t)at, "%s%s", at ? "+" : "", env_action_name(world, a / place % own));
        names[a] = name[a];
    }
    text_scale(w, AXIS_ACTION, n, names, "action");
    free(names);
    free(name);
}

static void write_axes(struct writing *w) {
    static const char *const coordinates[] = {"row", "column"};
    const struct plan *plan = w->plan;
    const char **name = task_names(plan);
    number_scale(w, AXIS_REPLICA, plan->config.run.replicas, 0, "replica, from 0");
    number_scale(w, AXIS_ITERATION, w->trainer->iteration, 1, "iteration, from 1");
    text_scale(w, AXIS_TASK, plan->n_tasks, name, "task");
    number_scale(w, AXIS_AGENT, plan->n_agents, 1, "agent, from 1");
    write_shared_scale(w);
    h5_scale(&w->h5, AXIS_ROW, w->n_rows, H5T_NATIVE_UINT64, w->row,
             "row index of an observation; /observation says what it means. Rows of which nothing is known are left out: "
             "their values are 0, pi_0 is uniform, and task policies are what the learner makes of that");
    write_action_scale(w);
    write_part_scale(w);
    number_scale(w, AXIS_CELL, plan->cells.n, 0, "free cell, numbered over all maps of the run");
    if (w->trainer->n_games_kept > 0)
        number_scale(w, AXIS_GAME, w->trainer->n_games_kept, 0, "game of an M-step, from 0; the first thousand");
    text_scale(w, AXIS_COORDINATE, 2, coordinates, "place on a map, from 0 at its top left");
    free(name);
}

/* ---- Settings and tasks ---- */

static void write_setting(struct writing *w, int i) {
    const struct setting *setting = config_setting(i);
    struct config config = w->plan->config;
    const char *place = (const char *)config_values(&config, i) + setting->offset;
    char text[SETTING_TEXT];
    config_write(&config, i, text);
    if (setting->type == SETTING_REAL) h5_attribute_real(&w->h5, "settings", setting->name, *(const double *)place);
    else if (setting->type == SETTING_INTEGER)
        h5_attribute_integer(&w->h5, "settings", setting->name, *(const int64_t *)place);
    else if (setting->type == SETTING_SCHEDULE && ((const struct schedule *)place)->shape == SCHEDULE_CONSTANT)
        h5_attribute_real(&w->h5, "settings", setting->name, ((const struct schedule *)place)->from);
    else h5_attribute_text(&w->h5, "settings", setting->name, text);
}

static void write_settings(struct writing *w) {
    h5_group(&w->h5, "settings");
    for (int i = 0; i < config_count(); i++) write_setting(w, i);
    char *ini = plan_ini(w->plan);
    h5_attribute_text(&w->h5, "settings", "ini", ini);
    free(ini);
}

static void write_task_texts(struct writing *w) {
    int n = w->plan->n_tasks;
    char **text = memory_zeros((size_t)n, sizeof *text);
    for (int i = 0; i < n; i++) text[i] = task_write(&w->plan->task[i]);
    text_dataset(w, "tasks/text", (const char *const *)text, "the task file, in the format of task files");
    for (int i = 0; i < n; i++) free(text[i]);
    free(text);
}

static void write_places(struct writing *w, const char *path, const char *meaning, bool goals) {
    int64_t n_tasks = w->plan->n_tasks, n_agents = w->plan->n_agents;
    int32_t(*places)[2] = memory_zeros((size_t)(n_tasks * n_agents), sizeof *places);
    for (int64_t i = 0; i < n_tasks; i++) {
        const struct task *task = &w->plan->task[i];
        for (int64_t j = 0; j < n_agents; j++) {
            int place = goals ? task->goal[j] : task->start[j];
            places[i * n_agents + j][0] = place / task->columns;
            places[i * n_agents + j][1] = place % task->columns;
        }
    }
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_TASK, n_tasks, by_first(w, n_tasks));
    h5_box_add(&box, AXIS_AGENT, n_agents, all(n_agents));
    h5_box_add(&box, AXIS_COORDINATE, 2, all(2));
    h5_dataset(&w->h5, path, &box, H5T_NATIVE_INT32, places, NULL, meaning);
    free(places);
}

/* One rule as it holds in each task. */
static void write_rule_texts(struct writing *w, const char *path, const struct setting *rule) {
    int n = w->plan->n_tasks;
    char(*value)[SETTING_TEXT] = memory_zeros((size_t)n, sizeof *value);
    const char **text = memory_zeros((size_t)n, sizeof *text);
    for (int i = 0; i < n; i++) {
        setting_write(rule, &w->plan->env[i]->rules, value[i]);
        text[i] = value[i];
    }
    text_dataset(w, path, text, rule->help);
    free(text);
    free(value);
}

static void write_rule_numbers(struct writing *w, const char *path, const struct setting *rule) {
    double *values = memory_zeros((size_t)w->plan->n_tasks, sizeof *values);
    for (int i = 0; i < w->plan->n_tasks; i++) {
        const void *place = (const char *)&w->plan->env[i]->rules + rule->offset;
        values[i] = rule->type == SETTING_INTEGER ? (double)*(const int64_t *)place : *(const double *)place;
    }
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_TASK, w->plan->n_tasks, by_first(w, w->plan->n_tasks));
    h5_dataset(&w->h5, path, &box, H5T_NATIVE_DOUBLE, values, NULL, rule->help);
    free(values);
}

static void write_optimum(struct writing *w) {
    const struct trainer *t = w->trainer;
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_TASK, w->plan->n_tasks, t->layout.group == 0 ? t->layout.tasks : (struct range){0, 0});
    h5_dataset(&w->h5, "tasks/optimum", &box, H5T_NATIVE_DOUBLE, t->optimum, "1",
               "best sum over agents of their discounted returns; NaN where the world is too large to solve by the way");
}

static void write_tasks(struct writing *w) {
    const char **name = task_names(w->plan);
    h5_group(&w->h5, "tasks");
    text_dataset(w, "tasks/name", name, "name");
    free(name);
    write_task_texts(w);
    write_places(w, "tasks/start", "where each agent starts", false);
    write_places(w, "tasks/goal", "where each agent has to go", true);
    for (int i = 0; i < rules_count; i++) {
        char path[64];
        snprintf(path, sizeof path, "tasks/%s", rules_table[i].name);
        if (rules_table[i].type == SETTING_CHOICE) write_rule_texts(w, path, &rules_table[i]);
        else write_rule_numbers(w, path, &rules_table[i]);
    }
    write_optimum(w);
}

/* ---- How a row index maps to an observation ---- */

static void write_parts(struct writing *w) {
    const struct index *rows = &w->plan->senses.rows;
    int32_t *digits = memory_zeros((size_t)(w->n_rows * rows->n_digits), sizeof *digits);
    for (int64_t i = 0; i < w->n_rows; i++) {
        uint32_t digit[INDEX_DIGITS];
        index_digits(rows, w->row[i], digit);
        for (int d = 0; d < rows->n_digits; d++) digits[i * rows->n_digits + d] = (int32_t)digit[d];
    }
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_ROW, w->n_rows, by_first(w, w->n_rows));
    h5_box_add(&box, AXIS_PART, rows->n_digits, all(rows->n_digits));
    h5_dataset(&w->h5, "observation/parts", &box, H5T_NATIVE_INT32, digits, NULL,
               "what is observed in a row: a cell's number, an action, or 1 for finished");
    free(digits);
}

static void write_sizes(struct writing *w) {
    const struct index *rows = &w->plan->senses.rows;
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_PART, rows->n_digits, by_first(w, rows->n_digits));
    h5_dataset(&w->h5, "observation/size", &box, H5T_NATIVE_UINT32, rows->size, NULL,
               "number of values of each part; the row index is the mixed-radix number of the parts, the first part "
               "the most significant");
}

static void write_cells(struct writing *w) {
    const struct cells *cells = &w->plan->cells;
    int32_t(*places)[2] = memory_zeros((size_t)cells->n, sizeof *places);
    for (int i = 0; i < cells->n; i++) {
        places[i][0] = cells->row[i];
        places[i][1] = cells->column[i];
    }
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_CELL, cells->n, by_first(w, cells->n));
    h5_box_add(&box, AXIS_COORDINATE, 2, all(2));
    h5_dataset(&w->h5, "observation/place", &box, H5T_NATIVE_INT32, places, NULL, "where each free cell is");
    free(places);
}

static void write_observation(struct writing *w) {
    h5_group(&w->h5, "observation");
    h5_attribute_integer(&w->h5, "observation", "n_rows", (int64_t)w->plan->senses.rows.n);
    write_parts(w);
    write_sizes(w);
    write_cells(w);
}

void write_plan(struct writing *w) {
    write_axes(w);
    write_settings(w);
    write_tasks(w);
    write_observation(w);
}
