/* One task: a map, where each agent starts, and where it has to go; or a matrix game.
 *
 * Own format, to be read and drawn by people:
 *
 *     ; anything behind a semicolon is a comment
 *     name = passing_bay            (default: the file's name without its ending)
 *     step_limit = 200              (any rule of rules.def, for this task alone)
 *     goal_a = 1 5                  (row and column from 0: only where the map has no room for the letter)
 *     map:
 *     #######
 *     #A...B#      # wall, . free, A-H the agents' starts, a-h their goals
 *     #b...a#
 *     #######
 *
 * A matrix game of two agents has its payoffs instead of a map, one row for each action of agent A and one column for each
 * of agent B; `x|y` is x or y, equally likely; `x/y` is x for A and y for B, otherwise both get the same:
 *
 *     step_limit = 1               (plays in a game)
 *     payoff:
 *      11  -30    0
 *     -30  14|0   6
 *       0    0    5
 *
 * [MD24]'s digit format is read as it is: 0 free, 1 wall, 2 and 3 the goals of agents 1 and 2, 4 and 5 their starts.
 * Agents are numbered from 0 in the code, A = 0; from 1 where people read. */
#ifndef MULTIDISTRAL_WORLD_TASK_H
#define MULTIDISTRAL_WORLD_TASK_H

#include <stdbool.h>

#include "multidistral/base/fault.h"
#include "multidistral/world/rules.h"

enum {
    TASK_AGENTS = 8,    /* most agents */
    TASK_NAME = 64,     /* bytes of a name, with its NUL */
    TASK_SIDE = 1024,   /* most rows, and most columns */
    TASK_CELLS = 65535, /* most free cells */
    TASK_BYTES = 1 << 22,
    TASK_ACTIONS = 5    /* most actions of a matrix game */
};

enum env_kind {
#define ENV(name, section, meaning) ENV_##name,
#include "multidistral/world/envs.def"
#undef ENV
    ENV_KINDS
};

/* What two agents get for a pair of actions: one of two outcomes, equally likely; the same twice where it is certain. */
struct payoff {
    double of[2][2]; /* [outcome][agent] */
};

/* A matrix game has one cell, in which all is: rows = columns = 1, start = goal = 0. */
struct task {
    char name[TASK_NAME];
    enum env_kind world;
    int n_actions;         /* of each agent */
    struct payoff *payoff; /* [n_actions of A][n_actions of B]; NULL on a map */
    int rows, columns;
    bool *wall; /* [rows][columns] */
    int n_agents;
    int start[TASK_AGENTS]; /* row * columns + column; all different on a map */
    int goal[TASK_AGENTS];  /* likewise; all different, and each can be reached from its start */
    struct rules rules;     /* where own_rules has the rule's bit */
    unsigned own_rules;     /* bit i: row i of rules_table is set by the task */
};

/* Reads a task file in either format. False, with `file:line: ...`, when it is malformed; then there is nothing to
 * destroy. */
bool task_read(struct task *task, const char *path, struct fault *why);

/* The same from text in memory; `source` stands for the file in messages, `name` is used if the text gives none. */
bool task_parse(struct task *task, const char *source, const char *name, const char *text, struct fault *why);

/* The task in the own format, such that task_parse makes the same task of it; the caller owns it: free(). */
char *task_write(const struct task *task);

/* May a task be called this? 1 to TASK_NAME - 1 letters, digits, '_', '-' or '.', the first neither '-' nor '.'. */
bool task_name_fits(const char *name);

/* Does an agent of the task start here, or have its goal here? */
bool task_has_start(const struct task *task, int place);
bool task_has_goal(const struct task *task, int place);

/* The rules that hold in the task: its own, else the run's. */
struct rules task_rules(const struct task *task, const struct rules *run_rules);

void task_destroy(struct task *task);

#endif
