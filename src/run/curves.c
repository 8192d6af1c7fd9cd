#include "multidistral/run/curves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"

const struct curve_about curve_about[CURVE_COUNT] = {
#define AGENT_CURVE(name, unit, meaning) {#name, unit, meaning, true, false},
#define BEHAVIOUR_CURVE(name, unit, meaning) {#name, unit, meaning, true, true},
#define TASK_CURVE(name, unit, meaning) {#name, unit, meaning, false, false},
#define COST_CURVE(name, unit, meaning)
#include "multidistral/run/curves.def"
#undef AGENT_CURVE
#undef BEHAVIOUR_CURVE
#undef TASK_CURVE
#undef COST_CURVE
};

const struct curve_about cost_about[COST_COUNT] = {
#define AGENT_CURVE(name, unit, meaning)
#define BEHAVIOUR_CURVE(name, unit, meaning)
#define TASK_CURVE(name, unit, meaning)
#define COST_CURVE(name, unit, meaning) {#name, unit, meaning, false, false},
#include "multidistral/run/curves.def"
#undef AGENT_CURVE
#undef BEHAVIOUR_CURVE
#undef TASK_CURVE
#undef COST_CURVE
};

int64_t curves_width(const struct curves *curves, enum curve curve) {
    return curve_about[curve].per_agent ? curves->n_agents : 1;
}

static int64_t replica_values(const struct curves *curves, enum curve curve, int64_t n_iterations) {
    return n_iterations * curves->n_tasks * curves_width(curves, curve);
}

static double *unknown(int64_t n) {
    double *values = memory_zeros((size_t)n, sizeof *values);
    for (int64_t i = 0; i < n; i++) values[i] = NAN;
    return values;
}

void curves_create(struct curves *curves, const struct layout *layout, int64_t n_iterations, int64_t n_agents) {
    *curves = (struct curves){.n_replicas = layout->replicas.n,
                              .n_iterations = n_iterations,
                              .n_tasks = layout->tasks.n,
                              .n_agents = n_agents};
    for (int c = 0; c < CURVE_COUNT; c++)
        curves->value[c] = unknown(curves->n_replicas * replica_values(curves, (enum curve)c, n_iterations));
    for (int c = 0; c < COST_COUNT; c++) curves->cost[c] = unknown(n_iterations);
}

void curves_destroy(struct curves *curves) {
    for (int c = 0; c < CURVE_COUNT; c++) free(curves->value[c]);
    for (int c = 0; c < COST_COUNT; c++) free(curves->cost[c]);
    *curves = (struct curves){0};
}

double *curves_at(const struct curves *curves, enum curve curve, int64_t replica, int64_t iteration, int64_t task,
                  int64_t agent) {
    int64_t unit = (replica * curves->n_iterations + iteration) * curves->n_tasks + task;
    return curves->value[curve] + unit * curves_width(curves, curve) + agent;
}

double *curves_first(const struct curves *curves, enum curve curve, int64_t n) {
    int64_t part = replica_values(curves, curve, n), whole = replica_values(curves, curve, curves->n_iterations);
    double *values = memory_zeros((size_t)(curves->n_replicas * part), sizeof *values);
    for (int64_t r = 0; r < curves->n_replicas; r++)
        memcpy(values + r * part, curves->value[curve] + r * whole, (size_t)part * sizeof *values);
    return values;
}

void curves_fill(struct curves *curves, enum curve curve, int64_t n, const double *values) {
    int64_t part = replica_values(curves, curve, n), whole = replica_values(curves, curve, curves->n_iterations);
    for (int64_t r = 0; r < curves->n_replicas; r++)
        memcpy(curves->value[curve] + r * whole, values + r * part, (size_t)part * sizeof *values);
}
