/* Every action with the same probability, and nothing learned. */
#include "multidistral/learn/learner.h"

struct kernel {
    uint32_t n_actions;
};

static inline struct kernel kernel_of(const struct learner *learner, const struct rng_key *key) {
    (void)key;
    return (struct kernel){(uint32_t)learner->n_actions};
}

static inline void kernel_make_ready(struct learner *learner, int agent, uint64_t number, struct table_row *row) {
    learner_reach(learner, agent, number, row);
}

static inline uint8_t kernel_draw(const struct kernel *kernel, const struct table_row *row, uint32_t bits) {
    (void)row;
    return (uint8_t)rng_below(bits, kernel->n_actions);
}

static inline float kernel_value(const struct table_row *row) { return (void)row, 0.0f; }

static inline float kernel_return(const struct table_row *row, int action, float target) {
    return (void)row, (void)action, target;
}

static inline void kernel_back_up(const struct kernel *kernel, int n_agents, uint32_t finished,
                                  struct table_row *const *row, const uint8_t *action, const float *target) {
    (void)kernel, (void)n_agents, (void)finished, (void)row, (void)action, (void)target;
}

#include "game_loop.h"

static void policy(const struct learner *learner, int agent, uint64_t row, float *pi) {
    (void)agent, (void)row;
    for (int a = 0; a < learner->n_actions; a++) pi[a] = 1.0f / (float)learner->n_actions;
}

static int draw_any(const struct learner *learner, const float *pi, uint32_t bits) {
    (void)pi;
    return (int)rng_below(bits, (uint32_t)learner->n_actions);
}

LEARNER_KIND(random) = {.name = "random", .learn = learn, .visit = visit, .policy = policy,
                                            .draw = draw_any};
