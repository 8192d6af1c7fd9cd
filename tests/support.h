/* What tests share. */
#ifndef MULTIDISTRAL_TESTS_SUPPORT_H
#define MULTIDISTRAL_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "multidistral/world/env_grid.h"

/* A world made of a map, and what is observed of it. */
struct world {
    struct task task;
    struct cells cells;
    struct env_grid grid;
    struct env_senses senses;
};

static inline void world_create(struct world *world, const char *map, const char *rules) {
    struct rules run_rules;
    struct senses senses;
    struct fault why = {""};
    char text[8192];
    setting_defaults(rules_table, rules_count, &run_rules);
    setting_defaults(senses_table, senses_count, &senses);
    snprintf(text, sizeof text, "%smap:\n%s", rules, map);
    if (!task_parse(&world->task, "map", "world", text, &why)) fail_msg("%s", why.text);
    assert_true(cells_create(&world->cells, &world->task, 1, &why));
    env_grid_create(&world->grid, &world->task, &run_rules, &world->cells);
    assert_true(env_senses_create(&world->senses, &senses, world->task.n_agents, world->cells.n, ENV_ACTIONS, &why));
}

static inline void world_destroy(struct world *world) {
    env_grid_destroy(&world->grid);
    cells_destroy(&world->cells);
    task_destroy(&world->task);
}

#endif
