#include "multidistral/world/env.h"

#include <stdio.h>

const char *env_action_name(enum env_kind kind, int action) {
    static const char *const moves[ENV_ACTIONS] = {"stay", "down", "up", "left", "right"};
    static const char *const numbers[ENV_ACTIONS] = {"1", "2", "3", "4", "5"};
    return kind == ENV_matrix ? numbers[action] : moves[action];
}

static const char *const part_names[] = {"cell", "action", "finished"};

/* Whom the observer calls number k: itself first, then the others in order. */
static int relative_agent(int observer, int k) { return k == 0 ? observer : k <= observer ? k - 1 : k; }

static bool append_part(struct env_senses *s, struct env_part part, uint32_t size, const char *name) {
    struct env_part *place = &s->part[s->rows.n_digits];
    if (!index_append(&s->rows, size)) return false;
    *place = part;
    snprintf(place->name, sizeof place->name, "%s_%s", name, part_names[part.kind]);
    return true;
}

static bool append_own(struct env_senses *s, enum part_kind kind, uint32_t size) {
    return append_part(s, (struct env_part){.kind = kind, .relative = true}, size, "own");
}

static bool append_others(struct env_senses *s, enum part_kind kind, uint32_t size) {
    for (int k = 1; k < s->n_agents; k++) {
        char name[24] = "other";
        if (s->n_agents > 2) snprintf(name, sizeof name, "other_%d", k);
        if (!append_part(s, (struct env_part){.kind = kind, .relative = true, .agent = k}, size, name)) return false;
    }
    return true;
}

static bool append_cells(struct env_senses *s) {
    uint32_t size = (uint32_t)s->n_cells;
    if (!s->senses.observe_others) return append_own(s, PART_CELL, size);
    if (s->senses.frame == FRAME_OWN_FIRST) return append_own(s, PART_CELL, size) && append_others(s, PART_CELL, size);
    for (int k = 0; k < s->n_agents; k++) {
        char name[24];
        snprintf(name, sizeof name, "agent_%d", k + 1);
        if (!append_part(s, (struct env_part){.kind = PART_CELL, .agent = k}, size, name)) return false;
    }
    return true;
}

static bool append_parts(struct env_senses *s) {
    const struct senses *on = &s->senses;
    return append_cells(s) && (!on->observe_own_action || append_own(s, PART_ACTION, (uint32_t)s->n_actions)) &&
           (!on->observe_other_actions || append_others(s, PART_ACTION, (uint32_t)s->n_actions)) &&
           (!on->observe_finished || append_others(s, PART_FINISHED, 2));
}

static void place_part(struct env_senses *s, int digit, int observer) {
    const struct env_part *part = &s->part[digit];
    int agent = part->relative ? relative_agent(observer, part->agent) : part->agent;
    uint64_t *by[] = {s->by_cell[observer], s->by_action[observer], s->by_finished[observer]};
    by[part->kind][agent] = s->rows.place[digit];
}

bool env_senses_create(struct env_senses *out, const struct senses *senses, int n_agents, int n_cells, int n_actions,
                       struct fault *why) {
    *out = (struct env_senses){
        .n_agents = n_agents, .n_cells = n_cells, .n_actions = n_actions, .senses = *senses, .rows = {.n = 1}};
    if (!append_parts(out))
        return fault_set(why,
                         "%d agents on %d cells make too many observations to number; observe less: "
                         "observe_others = no, observe_other_actions = no",
                         n_agents, n_cells);
    for (int observer = 0; observer < n_agents; observer++)
        for (int digit = 0; digit < out->rows.n_digits; digit++) place_part(out, digit, observer);
    return true;
}
