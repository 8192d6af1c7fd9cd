/* Learning curves of the units that a rank owns. A new curve is a row in curves.def and one curves_put. */
#ifndef MULTIDISTRAL_RUN_CURVES_H
#define MULTIDISTRAL_RUN_CURVES_H

#include <stdbool.h>
#include <stdint.h>

#include "multidistral/run/layout.h"

enum curve {
#define AGENT_CURVE(name, unit, meaning) CURVE_##name,
#define BEHAVIOUR_CURVE(name, unit, meaning) CURVE_##name,
#define TASK_CURVE(name, unit, meaning) CURVE_##name,
#define COST_CURVE(name, unit, meaning)
#include "multidistral/run/curves.def"
#undef AGENT_CURVE
#undef BEHAVIOUR_CURVE
#undef TASK_CURVE
#undef COST_CURVE
    CURVE_COUNT
};

enum cost {
#define AGENT_CURVE(name, unit, meaning)
#define BEHAVIOUR_CURVE(name, unit, meaning)
#define TASK_CURVE(name, unit, meaning)
#define COST_CURVE(name, unit, meaning) COST_##name,
#include "multidistral/run/curves.def"
#undef AGENT_CURVE
#undef BEHAVIOUR_CURVE
#undef TASK_CURVE
#undef COST_CURVE
    COST_COUNT
};

struct curve_about {
    const char *name, *unit, *meaning;
    bool per_agent;
    bool behaviour; /* only of runs with behaviour = yes */
};
extern const struct curve_about curve_about[CURVE_COUNT];
extern const struct curve_about cost_about[COST_COUNT];

struct curves {
    int64_t n_replicas, n_iterations, n_tasks, n_agents; /* of this rank's box */
    double *value[CURVE_COUNT]; /* [replica][iteration][task][agent], or [replica][iteration][task]; NaN: unknown */
    double *cost[COST_COUNT];   /* [iteration]: of this rank; NaN: unknown */
};

void curves_create(struct curves *curves, const struct layout *layout, int64_t n_iterations, int64_t n_agents);
void curves_destroy(struct curves *curves);

/* Values per iteration of a curve: agents, or 1. */
int64_t curves_width(const struct curves *curves, enum curve curve);

/* The place of a value; replica and task count from the box's first. agent is 0 for a curve of tasks. */
double *curves_at(const struct curves *curves, enum curve curve, int64_t replica, int64_t iteration, int64_t task,
                  int64_t agent);

/* The first n iterations of a curve, as they lie in a file; the caller owns it: free(). */
double *curves_first(const struct curves *curves, enum curve curve, int64_t n);

/* The reverse: fills the first n iterations from such an array. */
void curves_fill(struct curves *curves, enum curve curve, int64_t n, const double *values);

#endif
