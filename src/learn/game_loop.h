/* The games of a learner that keeps one row per agent and observation: the hot loop. Included once by each such
 * learner, in its .c file, behind the kernel that makes the difference:
 *
 *   struct kernel                                    what is constant during a game
 *   struct kernel kernel_of(learner, key)
 *   void kernel_make_ready(learner, agent, number, row)   a row that was not reached in this iteration so far
 *   uint8_t kernel_draw(kernel, row, bits)           the action that 32 random bits draw
 *   float kernel_value(row)                          V(s), of a row that is ready
 *   float kernel_return(row, action, target)         V(s) as the game went on from there: with `action`, worth `target`; of a
 *                                                    row that is not backed up yet
 *   void kernel_back_up(kernel, n_agents, finished, row, action, target)
 *                                                    Q(s,a) of each agent not in the set on its way to r + gamma V(s')
 *
 * It defines learn and visit, for struct learner_kind. Environment step, draw and backup are compiled together; for one
 * and for two agents on a map with these as constants. */
#ifndef MULTIDISTRAL_LEARN_GAME_LOOP_H
#define MULTIDISTRAL_LEARN_GAME_LOOP_H

/* A game as it is played. */
struct game {
    struct kernel kernel;
    struct env_state state;
    struct table_row *row[ENV_AGENTS]; /* what each agent sees */
    uint64_t number[ENV_AGENTS];       /* of that row in its table */
    uint8_t action[ENV_AGENTS];        /* what each agent is about to do */
    uint32_t chance[ENV_AGENTS];       /* draws for what the world leaves to the lot in the step to come */
    double reward[ENV_AGENTS], discount, returns[ENV_AGENTS];
    int64_t steps, length[ENV_AGENTS];
};

/* Agent j looks around: its row, made ready. */
static inline void look(struct learner *learner, int n_agents, struct game *game, int j) {
    game->number[j] = env_observe(learner->senses, n_agents, &game->state, j);
    game->row[j] = table_reach(&learner->table[j], game->number[j]);
    if (game->row[j]->stamp != learner->stamp) kernel_make_ready(learner, j, game->number[j], game->row[j]);
}

/* All draws of the step to come. */
static inline void draw(int n_agents, struct rng *rng, struct game *game) {
    const uint32_t *bits = rng_take(rng, (uint32_t)env_draws(n_agents));
    UNROLLED
    for (int j = 0; j < n_agents; j++)
        game->action[j] = kernel_draw(&game->kernel, game->row[j], bits[j]);
    UNROLLED
    for (int c = 0; c < n_agents / 2; c++) game->chance[c] = bits[n_agents + c];
}

static inline void begin(struct learner *learner, int n_agents, const struct rng_key *key, struct rng *rng,
                         struct game *game) {
    game->kernel = kernel_of(learner, key);
    game->state = learner->env->start;
    game->discount = 1;
    game->steps = 0;
    rng_start(rng, key);
    UNROLLED
    for (int j = 0; j < n_agents; j++) {
        look(learner, n_agents, game, j);
        game->returns[j] = 0;
        game->length[j] = 0;
    }
    draw(n_agents, rng, game);
}

static inline void step(const struct learner *learner, enum env_kind world, int n_agents, struct game *game) {
    const uint32_t had_finished = game->state.finished;
    env_step(learner->env, world, n_agents, &game->state, game->action, game->chance, game->reward);
    UNROLLED
    for (int j = 0; j < n_agents; j++) {
        game->returns[j] += game->discount * game->reward[j];
        game->length[j] += !(had_finished >> j & 1);
    }
    game->steps++;
    game->discount *= learner->gamma;
}

/* The same, counted. */
static inline void step_counted(const struct learner *learner, enum env_kind world, int n_agents, struct game *game) {
    const struct env_state before = game->state;
    step(learner, world, n_agents, game);
    if (learner->behaviour) behaviour_step(learner->behaviour, &before, game->action, &game->state);
}

static inline bool goes_on(const struct learner *learner, int n_agents, const struct game *game) {
    return game->steps < learner->env->rules.step_limit && game->state.finished != (UINT32_C(1) << n_agents) - 1;
}

static inline void end(int n_agents, const struct game *game, struct episode *out) {
    *out = (struct episode){.steps = game->steps, .finished = game->state.finished};
    UNROLLED
    for (int j = 0; j < n_agents; j++) {
        out->returns[j] = game->returns[j];
        out->length[j] = game->length[j];
    }
}

/* Calls steps(..., finished, ...) until the game has ended. The set of agents that have finished is a constant to the
 * compiler where it can be, since nothing is looked up or backed up for them, and the world does not mind what is drawn. */
#define PLAY_ON(steps, learner, n_agents, game, ...) \
    while (goes_on(learner, n_agents, game)) { \
        if ((n_agents) <= 2 && (game)->state.finished == 0) steps(learner, n_agents, 0u, game, __VA_ARGS__); \
        else if ((n_agents) == 2 && (game)->state.finished == 1) steps(learner, n_agents, 1u, game, __VA_ARGS__); \
        else if ((n_agents) == 2) steps(learner, n_agents, 2u, game, __VA_ARGS__); \
        else steps(learner, n_agents, (game)->state.finished, game, __VA_ARGS__); \
    }

/* Steps that the same agents have finished before. The next actions are drawn before the values of the last ones are
 * backed up: so the machine can play on while it computes, and an agent that stays in its row acts on what it knew on
 * arrival. */
static inline void learn_steps(struct learner *learner, int n_agents, uint32_t finished, struct game *game,
                               struct rng *rng, enum env_kind world, bool counted) {
    const float gamma = (float)learner->gamma;
    do {
        struct table_row *row[ENV_AGENTS] = {0};
        uint8_t action[ENV_AGENTS] = {0};
        float target[ENV_AGENTS] = {0};
        game->state.finished = finished;
        UNROLLED
        for (int j = 0; j < n_agents; j++) {
            row[j] = game->row[j];
            action[j] = game->action[j];
        }
        (counted ? step_counted : step)(learner, world, n_agents, game);
        UNROLLED
        for (int j = 0; j < n_agents; j++) {
            if (finished >> j & 1) continue;
            target[j] = (float)game->reward[j];
            if (game->state.finished >> j & 1) continue;
            look(learner, n_agents, game, j);
            target[j] += gamma * kernel_value(game->row[j]);
        }
        draw(n_agents, rng, game);
        kernel_back_up(&game->kernel, n_agents, finished, row, action, target);
    } while (game->state.finished == finished && game->steps < learner->env->rules.step_limit);
}

static inline void learn_game(struct learner *learner, enum env_kind world, int n_agents, bool counted,
                              const struct rng_key *key, struct episode *out) {
    struct game game;
    struct rng rng;
    begin(learner, n_agents, key, &rng, &game);
    PLAY_ON(learn_steps, learner, n_agents, &game, &rng, world, counted)
    end(n_agents, &game, out);
}

/* ---- Games that are recorded, and backed up several steps at a time, the last first ---- */

/* What the agents see; NULL for those who have finished. */
static inline void see(int n_agents, const struct game *game, struct table_row **row) {
    UNROLLED
    for (int j = 0; j < n_agents; j++) row[j] = game->state.finished >> j & 1 ? NULL : game->row[j];
}

/* Backs up n transitions from the last to the first.
 *   one step:  target = r + gamma V(s')
 *   n steps:   target = r + gamma (the return from the step behind it), and V(s') behind the last */
static inline void sweep(const struct learner *learner, int n_agents, const struct kernel *kernel,
                         const struct transition *step, int64_t n) {
    struct table_row nobody[ENV_AGENTS] = {{{0}, 0}};
    float target[ENV_AGENTS] = {0}, onward[ENV_AGENTS] = {0}; /* onward: the return from the step behind */
    const float gamma = (float)learner->gamma;
    const bool returns = learner->learning->backup == BACKUP_N_STEP;
    for (int64_t t = n - 1; t >= 0; t--) {
        struct table_row *row[ENV_AGENTS] = {0};
        UNROLLED
        for (int j = 0; j < n_agents; j++) {
            const struct table_row *next = step[t].next[j];
            float ahead = !next ? 0 : returns && t < n - 1 ? onward[j] : kernel_value(next);
            row[j] = step[t].row[j] ? step[t].row[j] : &nobody[j];
            target[j] = step[t].reward[j] + gamma * ahead;
            if (returns) onward[j] = kernel_return(row[j], step[t].action[j], target[j]);
        }
        kernel_back_up(kernel, n_agents, 0, row, step[t].action, target);
    }
}

static inline void replay(const struct learner *learner, int n_agents, const struct kernel *kernel) {
    const struct experience *e = &learner->experience;
    for (int64_t s = 0; learner->learning->replay_games > 0 && s < learner->learning->replay_sweeps; s++) {
        for (int64_t back = 0; back < experience_held(e); back++) {
            int64_t place = experience_place(e, back);
            sweep(learner, n_agents, kernel, e->step + place * e->step_limit, e->length[place]);
        }
    }
}

static inline void record(int n_agents, const struct game *game, struct transition *step) {
    UNROLLED
    for (int j = 0; j < n_agents; j++) {
        step->action[j] = game->action[j];
        step->reward[j] = (float)game->reward[j];
    }
    see(n_agents, game, step->next);
}

/* The next actions are drawn after a rollout was backed up. */
static inline void learn_recorded_game(struct learner *learner, enum env_kind world, int n_agents,
                                       const struct rng_key *key, struct episode *out) {
    struct game game;
    struct rng rng;
    struct transition *first = experience_now(&learner->experience);
    int64_t rollout = learner->learning->rollout, backed_up = 0;
    begin(learner, n_agents, key, &rng, &game);
    while (goes_on(learner, n_agents, &game)) {
        struct transition *now = first + game.steps;
        see(n_agents, &game, now->row);
        step_counted(learner, world, n_agents, &game);
        UNROLLED
        for (int j = 0; j < n_agents; j++)
            if (!(game.state.finished >> j & 1)) look(learner, n_agents, &game, j);
        record(n_agents, &game, now);
        if (game.steps - backed_up == rollout || !goes_on(learner, n_agents, &game)) {
            sweep(learner, n_agents, &game.kernel, first + backed_up, game.steps - backed_up);
            backed_up = game.steps;
        }
        draw(n_agents, &rng, &game);
    }
    experience_end(&learner->experience, game.steps);
    replay(learner, n_agents, &game.kernel);
    end(n_agents, &game, out);
}

static inline void visit_steps(struct learner *learner, int n_agents, uint32_t finished, struct game *game,
                               struct rng *rng, enum env_kind world, const int64_t *discounts, struct visits *visits) {
    do {
        game->state.finished = finished;
        UNROLLED
        for (int j = 0; j < n_agents; j++)
            if (!(finished >> j & 1)) visits_at(&visits[j], game->number[j])[game->action[j]] += discounts[game->steps];
        step(learner, world, n_agents, game);
        UNROLLED
        for (int j = 0; j < n_agents; j++)
            if (!(game->state.finished >> j & 1)) look(learner, n_agents, game, j);
        draw(n_agents, rng, game);
    } while (game->state.finished == finished && game->steps < learner->env->rules.step_limit);
}

static inline void visit_game(struct learner *learner, enum env_kind world, int n_agents, const struct rng_key *key,
                              const int64_t *discounts, struct visits *visits, struct episode *out) {
    struct game game;
    struct rng rng;
    begin(learner, n_agents, key, &rng, &game);
    PLAY_ON(visit_steps, learner, n_agents, &game, &rng, world, discounts, visits)
    end(n_agents, &game, out);
}

/* Tells the compiler what is known: no world has more agents. */
static int bounded(int n_agents) { return n_agents < ENV_AGENTS ? n_agents : ENV_AGENTS; }

/* One or two agents on a map: constants, so that the compiler unrolls the loops over agents and sees the world's step. */
HOT_FUNCTION
static void learn(struct learner *learner, const struct rng_key *key, struct episode *out) {
    const enum env_kind world = learner->env->kind;
    const int n_agents = bounded(learner->n_agents);
    const bool plain = world == ENV_grid && !learner->behaviour;
    if (learner->behaviour) behaviour_begin(learner->behaviour, &learner->env->start);
    if (learner->experience.step) learn_recorded_game(learner, world, n_agents, key, out);
    else if (plain && n_agents == 2) learn_game(learner, ENV_grid, 2, false, key, out);
    else if (plain && n_agents == 1) learn_game(learner, ENV_grid, 1, false, key, out);
    else learn_game(learner, world, n_agents, true, key, out);
    if (learner->behaviour) behaviour_end(learner->behaviour, out->returns);
}

HOT_FUNCTION
static void visit(struct learner *learner, const struct rng_key *key, const int64_t *discounts, struct visits *visits,
                  struct episode *out) {
    const enum env_kind world = learner->env->kind;
    const int n_agents = bounded(learner->n_agents);
    if (world == ENV_grid && n_agents == 2) visit_game(learner, ENV_grid, 2, key, discounts, visits, out);
    else if (world == ENV_grid && n_agents == 1) visit_game(learner, ENV_grid, 1, key, discounts, visits, out);
    else visit_game(learner, world, n_agents, key, discounts, visits, out);
}

#endif
