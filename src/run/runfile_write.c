#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "multidistral/base/memory.h"
#include "multidistral/run/reduce.h"
#include "multidistral/run/runfile.h"
#include "multidistral/run/seal.h"
#include "multidistral/version.h"
#include "runfile_h5.h"

/* What is written, and what it is written from. */
struct writing {
    struct h5_writer h5;
    const struct trainer *trainer;
    const struct plan *plan;
    uint64_t *row; /* [n_rows]: the observations that anyone knows anything about */
    int64_t n_rows;
    uint64_t row_room;
};

static struct range all(int64_t n) { return (struct range){0, n}; }

/* The whole of something that all ranks know: rank 0 writes it. */
static struct range by_first(const struct writing *w, int64_t n) {
    return (struct range){0, w->h5.rank == 0 ? n : 0};
}

/* ---- Which rows ---- */

/* Rows whose values were learned: reached and forgotten ones are as good as never reached. */
static void add_learned(struct writing *w, const struct learner *learner, int player) {
    const struct table *table = &learner->table[player];
    for (uint64_t i = 0; i < table->slots.n_known; i++) {
        float q[POLICY_MOST];
        bool learned = false;
        learner_values(learner, player, table->slots.known[i], q);
        for (int a = 0; a < learner->n_actions; a++) learned |= q[a] != 0;
        if (learned) w->row[w->n_rows++] = table->slots.known[i];
    }
}

/* Rows where pi_0 is not uniform, now or as the prior of the last iteration: the latter make the policies of its M-step.
 * Uniform rows are as good as unknown ones, and a resumed run does not know them. */
static void add_distilled(struct writing *w, const struct distilled *distilled) {
    static const float nothing[POLICY_MOST];
    const struct slots *now = &distilled->pi0.slots, *then = &distilled->prior.slots;
    size_t bytes = (size_t)distilled->n_actions * sizeof *nothing;
    for (uint64_t i = 0; i < now->n_known; i++)
        if (!policy_is_uniform(distilled->n_actions, distilled_row(distilled, now->known[i])))
            w->row[w->n_rows++] = now->known[i];
    for (uint64_t i = 0; i < then->n_known; i++)
        if (memcmp(distilled_prior(distilled, then->known[i]), nothing, bytes) != 0) w->row[w->n_rows++] = then->known[i];
}

/* Room for every list of every table of this rank, and for their union over ranks. */
static uint64_t most_listed(const struct writing *w) {
    const struct trainer *t = w->trainer;
    uint64_t most = w->plan->senses.rows.n;
    for (int64_t u = 0; u < t->layout.replicas.n * t->layout.tasks.n; u++)
        for (int p = 0; p < plan_n_players(w->plan); p++) most += t->learner[u].table[p].slots.n_known;
    for (int64_t d = 0; d < t->layout.replicas.n * plan_n_distilled(w->plan); d++)
        most += t->distilled[d].pi0.slots.n_known + t->distilled[d].prior.slots.n_known;
    return most;
}

static bool find_rows(struct writing *w, const char *path, struct fault *why) {
    const struct trainer *t = w->trainer;
    w->row_room = most_listed(w);
    w->row = memory_sparse(w->row_room, sizeof *w->row);
    bool listed = w->row || fault_set(why, "%s: cannot be written: no memory to list its rows", path);
    if (!reduce_fault(listed, why, t->world)) return false;
    for (int64_t u = 0; u < t->layout.replicas.n * t->layout.tasks.n; u++)
        for (int p = 0; p < plan_n_players(w->plan); p++) add_learned(w, &t->learner[u], p);
    for (int64_t d = 0; d < t->layout.replicas.n * plan_n_distilled(w->plan); d++) add_distilled(w, &t->distilled[d]);
    w->n_rows = (int64_t)reduce_rows(w->row, (uint64_t)w->n_rows, w->plan->senses.rows.n, t->world);
    return true;
}

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

/* ---- Curves, policies, values: each rank its own part ---- */

static void write_curve(struct writing *w, enum curve curve) {
    const struct trainer *t = w->trainer;
    const struct curve_about *about = &curve_about[curve];
    char path[64];
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_REPLICA, w->plan->config.run.replicas, t->layout.replicas);
    h5_box_add(&box, AXIS_ITERATION, t->iteration, all(t->iteration));
    h5_box_add(&box, AXIS_TASK, w->plan->n_tasks, t->layout.tasks);
    if (about->per_agent) h5_box_add(&box, AXIS_AGENT, w->plan->n_agents, all(w->plan->n_agents));
    double *values = curves_first(&t->curves, curve, t->iteration);
    snprintf(path, sizeof path, "curves/%s", about->name);
    h5_dataset(&w->h5, path, &box, H5T_NATIVE_DOUBLE, values, about->unit, about->meaning);
    free(values);
}

/* Values or policies of all agents; in a team, each has the team's. */
static void write_rows(struct writing *w, const char *path, bool policies, const char *meaning) {
    const struct trainer *t = w->trainer;
    int64_t n_units = t->layout.replicas.n * t->layout.tasks.n, n_agents = w->plan->n_agents;
    int n_actions = plan_n_actions(w->plan);
    float *values = memory_zeros((size_t)(n_units * n_agents * w->n_rows), (size_t)n_actions * sizeof *values), *next = values;
    for (int64_t u = 0; u < n_units; u++)
        for (int j = 0; j < n_agents; j++)
            for (int64_t i = 0; i < w->n_rows; i++, next += n_actions)
                (policies ? t->learner[u].kind->policy : learner_values)(&t->learner[u], learner_player(&t->learner[u], j),
                                                                         w->row[i], next);
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_REPLICA, w->plan->config.run.replicas, t->layout.replicas);
    h5_box_add(&box, AXIS_TASK, w->plan->n_tasks, t->layout.tasks);
    h5_box_add(&box, AXIS_AGENT, n_agents, all(n_agents));
    h5_box_add(&box, AXIS_ROW, w->n_rows, all(w->n_rows));
    h5_box_add(&box, AXIS_ACTION, n_actions, all(n_actions));
    h5_dataset(&w->h5, path, &box, H5T_NATIVE_FLOAT, values, "1", meaning);
    free(values);
}

static void write_distilled(struct writing *w) {
    const struct trainer *t = w->trainer;
    int64_t per_replica = plan_n_distilled(w->plan), n = t->layout.replicas.n * per_replica;
    int n_actions = plan_n_actions(w->plan);
    float *values = memory_zeros((size_t)(n * w->n_rows), (size_t)n_actions * sizeof *values), *next = values;
    for (int64_t d = 0; d < n; d++)
        for (int64_t i = 0; i < w->n_rows; i++, next += n_actions)
            memcpy(next, distilled_row(&t->distilled[d], w->row[i]), (size_t)n_actions * sizeof *next);
    struct h5_box box = {0};
    struct range replicas = t->layout.replicas;
    if (!t->layout.leads) replicas.n = 0;
    h5_box_add(&box, AXIS_REPLICA, w->plan->config.run.replicas, replicas);
    h5_box_add(&box, AXIS_SHARED, per_replica, all(per_replica));
    h5_box_add(&box, AXIS_ROW, w->n_rows, all(w->n_rows));
    h5_box_add(&box, AXIS_ACTION, n_actions, all(n_actions));
    h5_dataset(&w->h5, "policy/distilled", &box, H5T_NATIVE_FLOAT, values, "1",
               "probability of each action under the distilled policy pi_0, after the last M-step");
    free(values);
}

static void write_choke(struct writing *w) {
    const struct trainer *t = w->trainer;
    int64_t n_cells = w->plan->cells.n;
    uint8_t *choke = memory_zeros((size_t)(t->layout.tasks.n * n_cells), sizeof *choke);
    for (int64_t i = 0; i < t->layout.tasks.n; i++)
        for (int64_t c = 0; c < n_cells; c++) choke[i * n_cells + c] = t->behaviour[i].choke[c];
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_TASK, w->plan->n_tasks, t->layout.group == 0 ? t->layout.tasks : (struct range){0, 0});
    h5_box_add(&box, AXIS_CELL, n_cells, all(n_cells));
    h5_dataset(&w->h5, "behaviour/choke", &box, H5T_NATIVE_UINT8, choke, NULL, "1: a choke point of the task's map");
    free(choke);
}

static void write_behaviour(struct writing *w) {
    const struct trainer *t = w->trainer;
    struct h5_box box = {0};
    h5_group(&w->h5, "behaviour");
    write_choke(w);
    h5_box_add(&box, AXIS_REPLICA, w->plan->config.run.replicas, t->layout.replicas);
    h5_box_add(&box, AXIS_TASK, w->plan->n_tasks, t->layout.tasks);
    h5_box_add(&box, AXIS_AGENT, w->plan->n_agents, all(w->plan->n_agents));
    h5_box_add(&box, AXIS_CELL, w->plan->cells.n, all(w->plan->cells.n));
    h5_dataset(&w->h5, "behaviour/steps_in_cell", &box, H5T_NATIVE_DOUBLE, t->steps_in, "steps",
               "steps begun in each cell while the agent played, per game of the last E-step");
}

static void write_game_returns(struct writing *w) {
    const struct trainer *t = w->trainer;
    struct h5_box box = {0};
    h5_group(&w->h5, "games");
    h5_box_add(&box, AXIS_REPLICA, w->plan->config.run.replicas, t->layout.replicas);
    h5_box_add(&box, AXIS_TASK, w->plan->n_tasks, t->layout.tasks);
    h5_box_add(&box, AXIS_GAME, t->n_games_kept, all(t->n_games_kept));
    h5_box_add(&box, AXIS_AGENT, w->plan->n_agents, all(w->plan->n_agents));
    h5_dataset(&w->h5, "games/return_m", &box, H5T_NATIVE_DOUBLE, t->game_return, "1",
               "discounted return of each game of the last M-step, which `multidistral replay` plays again");
}

static void write_prior(struct writing *w, const struct trainer_prior *prior) {
    h5_group(&w->h5, "prior");
    h5_attribute_text(&w->h5, "prior", "path", prior->path);
    h5_attribute_text(&w->h5, "prior", "ini", prior->ini);
    h5_attribute_integer(&w->h5, "prior", "iterations_done", prior->iterations);
}

static void write_state(struct writing *w) {
    const struct trainer *t = w->trainer;
    h5_group(&w->h5, "curves");
    for (int c = 0; c < CURVE_COUNT; c++)
        if (!curve_about[c].behaviour || w->plan->config.run.behaviour) write_curve(w, (enum curve)c);
    if (w->plan->config.run.behaviour) write_behaviour(w);
    if (t->n_games_kept > 0) write_game_returns(w);
    if (t->prior.path) write_prior(w, &t->prior);
    h5_group(&w->h5, "policy");
    write_distilled(w);
    write_rows(w, "policy/learned", true, "probability of each action under the task policies of the last M-step");
    h5_group(&w->h5, "values");
    write_rows(w, "values/q", false, "Q values of the task policies, in units of return");
}

/* ---- Provenance ---- */

struct host {
    char name[MPI_MAX_PROCESSOR_NAME];
};

/* Keeps each host once, where it comes first: ranks that are dealt out in turn come round again. Returns how many there are. */
static int hosts_once(struct host *host, int n) {
    int kept = 0;
    for (int i = 0; i < n; i++) {
        int same = 0;
        while (same < kept && strcmp(host[same].name, host[i].name) != 0) same++;
        if (same == kept) host[kept++] = host[i];
    }
    return kept;
}

/* The hosts of all ranks, each once, in the order of ranks; on rank 0. The caller owns it. */
static char *host_names(MPI_Comm comm, int rank, int size) {
    struct host own = {""}, *all_hosts = NULL;
    char *text = NULL;
    int length;
    size_t bytes;
    MPI_Get_processor_name(own.name, &length);
    if (rank == 0) all_hosts = memory_zeros((size_t)size, sizeof own);
    MPI_Gather(&own, sizeof own, MPI_CHAR, all_hosts, sizeof own, MPI_CHAR, 0, comm);
    if (rank != 0) return memory_string("");
    FILE *out = memory_stream(&text, &bytes);
    int n_hosts = hosts_once(all_hosts, size);
    for (int i = 0; i < n_hosts; i++) fprintf(out, "%s%s", i ? " " : "", all_hosts[i].name);
    fclose(out);
    free(all_hosts);
    return text;
}

static void write_hosts(struct writing *w, int size) {
    enum { LONGEST = 4096 };
    char shown[LONGEST] = "", *hosts = host_names(w->trainer->world, w->h5.rank, size);
    snprintf(shown, sizeof shown, "%s", hosts);
    MPI_Bcast(shown, sizeof shown, MPI_CHAR, 0, w->trainer->world);
    h5_attribute_text(&w->h5, "provenance", "hosts", shown);
    free(hosts);
}

/* The most of all ranks. */
static void write_cost(struct writing *w, enum cost cost) {
    const struct trainer *t = w->trainer;
    const struct curve_about *about = &cost_about[cost];
    char path[64];
    double *most = memory_zeros((size_t)t->iteration, sizeof *most);
    MPI_Allreduce(t->curves.cost[cost], most, (int)t->iteration, MPI_DOUBLE, MPI_MAX, t->world);
    snprintf(path, sizeof path, "provenance/%s", about->name);
    struct h5_box box = {0};
    h5_box_add(&box, AXIS_ITERATION, t->iteration, by_first(w, t->iteration));
    h5_dataset_apart(&w->h5, path, &box, H5T_NATIVE_DOUBLE, most, about->unit, about->meaning);
    free(most);
}

static void write_costs(struct writing *w) {
    for (int c = 0; c < COST_COUNT; c++) write_cost(w, (enum cost)c);
}

static void write_provenance(struct writing *w, const struct provenance *p) {
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = "", hdf5[32];
    int length, size;
    unsigned major, minor, patch;
    MPI_Comm_size(w->trainer->world, &size);
    MPI_Get_library_version(mpi, &length);
    mpi[strcspn(mpi, "\n,")] = '\0';
    H5get_libversion(&major, &minor, &patch);
    snprintf(hdf5, sizeof hdf5, "%u.%u.%u", major, minor, patch);
    h5_group(&w->h5, "provenance");
    write_costs(w);
    h5_attribute_text(&w->h5, "provenance", "version", MULTIDISTRAL_VERSION);
    h5_attribute_text(&w->h5, "provenance", "commit", multidistral_commit());
    h5_attribute_text(&w->h5, "provenance", "compiler", MULTIDISTRAL_COMPILER);
    h5_attribute_text(&w->h5, "provenance", "mpi", mpi);
    h5_attribute_text(&w->h5, "provenance", "hdf5", hdf5);
    h5_attribute_text(&w->h5, "provenance", "command", p->command);
    h5_attribute_text(&w->h5, "provenance", "started", p->started);
    h5_attribute_text(&w->h5, "provenance", "written", p->written);
    h5_attribute_integer(&w->h5, "provenance", "ranks", size);
    h5_attribute_real(&w->h5, "provenance", "seconds", p->seconds);
    h5_attribute_real(&w->h5, "provenance", "steps_per_second", p->steps_per_second);
    write_hosts(w, size);
}

/* ---- The file as a whole ---- */

static char *beside(const char *path, const char *ending) {
    size_t bytes = strlen(path) + strlen(ending) + 1;
    char *name = memory_zeros(bytes, 1);
    snprintf(name, bytes, "%s%s", path, ending);
    return name;
}

static bool say_untouched(struct fault *why) {
    struct fault reason = *why;
    return fault_set(why, "%s; a complete run file that was there before is untouched", reason.text);
}

/* A new file for each writing, since a rank that another run left behind on a host out of reach may have the old one open,
 * and write into it later. On rank 0. */
static bool clear_part(const char *part, const char *path, const struct output *place, struct fault *why) {
    if (place && !output_is_held(place, why)) return false;
    if (unlink(part) != 0 && errno != ENOENT) return fault_set(why, "%s: cannot be replaced: %s", part, strerror(errno));
    return output_has_room(path, why) || say_untouched(why);
}

/* Reads the file again, since a disk may say that it took what it did not. */
static bool seal(const struct writing *w, const char *part, struct fault *why) {
    return h5_seal(&w->h5, part, why) && (seal_look(part, why) == SEAL_WHOLE || fault_at(why, "%s: cannot be sealed", part));
}

/* Sealed and to the disk; it may take minutes, and the place be lost meanwhile. */
static bool finish_part(const struct writing *w, const char *part, const struct output *place, struct fault *why) {
    struct fault lost;
    bool finished = seal(w, part, why) && output_flush(part, why);
    bool held = !place || output_is_held(place, finished ? why : &lost);
    if (held && !finished) unlink(part); /* a disk may be full because of it */
    return held && finished;
}

/* What cannot be put in place is whole all the same. */
static bool put_in_place(const char *part, const char *path, int keep, struct fault *why) {
    if (output_replace(part, path, keep, why)) return true;
    struct fault reason = *why;
    return access(part, F_OK) == 0 && fault_set(why, "%s; the new file is %s", reason.text, part);
}

/* False: the file cannot be opened. What fails later ends the job. */
static bool write_all(struct writing *w, const char *part, const struct provenance *provenance, struct fault *why) {
    if (!h5_create(&w->h5, part, w->trainer->world, why)) return say_untouched(why);
    h5_attribute_text(&w->h5, "/", "format", "multidistral run");
    h5_attribute_integer(&w->h5, "/", "format_version", RUNFILE_VERSION);
    h5_attribute_integer(&w->h5, "/", "iterations_done", w->trainer->iteration);
    write_axes(w);
    write_settings(w);
    write_tasks(w);
    write_observation(w);
    write_state(w);
    write_provenance(w, provenance);
    h5_close(&w->h5);
    return true;
}

/* Ranks whose part cannot be read back as written, or a disk that has no room, fail it for all. Each host flushes what went through
 * it; that of rank 0 does so with the seal. */
static bool verify_part(struct writing *w, const char *part, const char *path, struct fault *why) {
    bool own = (w->h5.rank == 0 || output_flush(part, why)) && h5_verify(&w->h5, part, why);
    bool ok = reduce_fault(own, why, w->trainer->world);
    bool full = output_disk_is_full(part);
    MPI_Barrier(w->trainer->world); /* all have looked before it is removed */
    if (!ok && w->h5.rank == 0) unlink(part);
    if (ok) return true;
    if (full) fault_write(why, "%s: cannot be written: no space is left on the device", path);
    else fault_write_at(why, "%s: cannot be written", path);
    return say_untouched(why);
}

bool runfile_write(const char *path, const struct output *place, const struct trainer *trainer,
                   const struct provenance *provenance, struct fault *why) {
    struct writing w = {.trainer = trainer, .plan = trainer->plan};
    char *part = beside(path, ".part");
    int rank;
    MPI_Comm_rank(trainer->world, &rank);
    bool ok = reduce_fault(rank != 0 || clear_part(part, path, place, why), why, trainer->world);
    if (ok) {
        ok = find_rows(&w, path, why) && write_all(&w, part, provenance, why) && verify_part(&w, part, path, why);
        bool placed = ok && (rank != 0 || (finish_part(&w, part, place, why) && put_in_place(part, path, place ? place->keep : 1, why)));
        ok = ok && reduce_fault(placed, why, trainer->world);
        h5_forget(&w.h5);
        memory_sparse_free(w.row, w.row_room, sizeof *w.row);
        memory_give_back();
    }
    free(part);
    return ok;
}
