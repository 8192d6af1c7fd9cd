/* The field's benchmark for many-agent paths: MovingAI maps and scenarios
 * (Sturtevant, *Benchmarks for grid-based pathfinding*, 2012; movingai.com/benchmarks/formats.html).
 *
 *     type octile          version 1
 *     height 2             0 <tab> small.map <tab> 3 <tab> 2 <tab> 0 <tab> 1 <tab> 2 <tab> 0 <tab> 3
 *     width 3
 *     map                  . G S are free, @ O T W are walls (S is swamp, W water that no way on land leads into).
 *     .@.                  A scenario is one agent's way: bucket, map, width and height of the map, x and y (column and
 *     ...                  row, from 0 at the top left) of start and goal, and the length of the shortest way.
 *
 * The length counts diagonal moves, which this world has none of: it is checked to be a number, and left at that. */
#ifndef MULTIDISTRAL_WORLD_MOVINGAI_H
#define MULTIDISTRAL_WORLD_MOVINGAI_H

#include "multidistral/world/task.h"

struct movingai_scenario {
    int line;        /* of the file, from 1 */
    int start, goal; /* row * columns + column */
};

struct movingai {
    char *path;                         /* of the scenario file */
    char *map_name;                     /* as the scenarios call it; the same in all of them */
    struct task map;                    /* rows, columns and walls; without agents */
    struct movingai_scenario *scenario; /* [n] */
    int n;                              /* at least 1 */
};

/* Reads a scenario file and its map, which is looked for beside the scenario file, there without its folders too, and
 * as the path it is. False, with `file:line: ...`, when either is malformed or they do not fit together; then there is
 * nothing to destroy. The caller owns it: movingai_destroy. */
bool movingai_read(struct movingai *movingai, const char *path, struct fault *why);
void movingai_destroy(struct movingai *movingai);

/* The same from texts in memory; `source` stands for the file in messages. Scenarios alone have a map without walls to
 * look at (map.wall = NULL). */
bool movingai_parse_scenarios(struct movingai *movingai, const char *source, const char *text, struct fault *why);
bool movingai_parse_map(struct task *map, const char *source, const char *text, struct fault *why);

/* Makes scenario i (from 0) the task's next agent; the task is a copy of `map` with fewer than TASK_AGENTS agents of
 * this file. False, with the reason and the task unchanged, when it does not go with them: a start or a goal that
 * another agent has, that is in a wall or the same, or no way from one to the other. */
bool movingai_add_agent(const struct movingai *movingai, int i, struct task *task, struct fault *why);

#endif
