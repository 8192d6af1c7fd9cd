#include "multidistral/run/replay.h"

#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/base/text.h"
#include "multidistral/run/runfile.h"

/* ---- Open ---- */

static bool find_task(struct replay *replay, const char *name, struct fault *why) {
    const struct plan *plan = &replay->plan;
    struct text_nearest nearest = {.wanted = name ? name : ""};
    for (replay->task = 0; name && replay->task < plan->n_tasks; replay->task++) {
        if (strcmp(plan->task[replay->task].name, name) == 0) return true;
        text_nearest_offer(&nearest, plan->task[replay->task].name);
    }
    replay->task = 0;
    if (!name) return true;
    return nearest.best ? fault_set(why, "the run has no task %s; did you mean %s?", name, nearest.best)
                        : fault_set(why, "the run has no task %s, expected one of its %d, as %s", name, plan->n_tasks,
                                    plan->task[0].name);
}

/* Policies of a file, one after the other, into policies made here. */
static bool fill(struct distilled *policy, int *n_made, int n, const struct plan *plan, const struct runfile_distilled *from,
                 struct fault *why) {
    const float *next = from->pi0;
    for (; *n_made < n; (*n_made)++) {
        if (!distilled_create(&policy[*n_made], plan->senses.rows.n, (int)from->n_actions))
            return fault_set(why, "the policies of %llu observations are more than the address space holds",
                             (unsigned long long)plan->senses.rows.n);
        for (int64_t i = 0; i < from->n_rows; i++, next += from->n_actions)
            distilled_set(&policy[*n_made], from->row[i], next);
    }
    return true;
}

static bool read_policies(struct replay *replay, const char *path, struct fault *why) {
    const struct plan *plan = &replay->plan;
    struct runfile_distilled of;
    if (!runfile_read_distilled(path, plan, replay->replica, &of, why)) return false;
    bool ok = fill(replay->distilled, &replay->n_distilled, plan_n_distilled(plan), plan, &of, why);
    free(of.row);
    free(of.pi0);
    ok = ok && runfile_is_same(path, of.iterations, replay->iteration + 1, why);
    if (!ok || !runfile_read_learned(path, plan, replay->replica, replay->task, &of, why)) return false;
    ok = runfile_is_same(path, of.iterations, replay->iteration + 1, why) && fill(replay->learned, &replay->n_learned, plan->n_agents, plan, &of, why);
    free(of.row);
    free(of.pi0);
    return ok;
}

/* For rows that the file does not have, and for its way of drawing. */
static bool make_learner(struct replay *replay, struct fault *why) {
    const struct plan *plan = &replay->plan;
    replay->has_learner = learner_create(&replay->learner, (enum learner_name)plan->config.run.learner,
                                         plan->env[replay->task], &plan->senses);
    if (!replay->has_learner) return fault_set(why, "the tables are more than the address space holds");
    replay->learner.games_e = plan->config.run.games_e;
    for (int p = 0; p < plan_n_players(plan); p++)
        replay->learner.distilled[p] = &replay->distilled[plan_distilled_of(plan, p)];
    learner_prepare(&replay->learner, &plan->config.learning, replay->iteration, false);
    return true;
}

static bool open_in_plan(struct replay *replay, const char *path, const char *task, struct fault *why) {
    int64_t replicas = replay->plan.config.run.replicas;
    if (replay->iteration < 0) return fault_set(why, "no iteration is done, expected at least one");
    if (replay->replica >= replicas)
        return fault_set(why, "the run has no replica %lld, expected 0 to %lld", (long long)replay->replica, (long long)replicas - 1);
    return find_task(replay, task, why) && read_policies(replay, path, why) && make_learner(replay, why);
}

bool replay_open(struct replay *replay, const char *path, const char *task, int64_t replica, struct fault *why) {
    struct config config;
    struct task *tasks;
    int n_tasks;
    int64_t done;
    *replay = (struct replay){.replica = replica};
    if (!runfile_read_plan(path, &config, &tasks, &n_tasks, &done, why)) return false;
    if (!plan_create(&replay->plan, &config, tasks, n_tasks, why)) return fault_at(why, "%s", path);
    replay->iteration = done - 1;
    if (open_in_plan(replay, path, task, why)) return true;
    replay_close(replay);
    return fault_at(why, "%s", path);
}

void replay_close(struct replay *replay) {
    if (replay->has_learner) learner_destroy(&replay->learner);
    for (int i = 0; i < replay->n_distilled; i++) distilled_destroy(&replay->distilled[i]);
    for (int i = 0; i < replay->n_learned; i++) distilled_destroy(&replay->learned[i]);
    plan_destroy(&replay->plan);
    *replay = (struct replay){0};
}

/* ---- Play ---- */

static void make_room(struct replay_game *game) {
    if (game->steps < game->room) return;
    game->room = game->room ? 2 * game->room : 64;
    game->state = memory_resized(game->state, (size_t)game->room + 1, sizeof *game->state);
    game->action = memory_resized(game->action, (size_t)game->room, sizeof *game->action);
    game->reward = memory_resized(game->reward, (size_t)game->room, sizeof *game->reward);
}

static void write_down(void *of, const uint8_t *action, const double *reward, const struct env_state *after) {
    struct replay_game *game = of;
    make_room(game);
    memcpy(game->action[game->steps], action, sizeof *game->action);
    memcpy(game->reward[game->steps], reward, sizeof *game->reward);
    game->state[++game->steps] = *after;
}

void replay_play(const struct replay *replay, uint32_t number, bool distilled, bool greedy, struct replay_game *out) {
    const struct plan *plan = &replay->plan;
    const struct players players = {.plan = plan,
                                    .learner = distilled ? NULL : &replay->learner,
                                    .learned = replay->learned,
                                    .distilled = replay->distilled};
    const struct rng_key key = {.seed = (uint32_t)plan->config.run.seed,
                                .replica = (uint32_t)replay->replica,
                                .task = (uint32_t)replay->task,
                                .iteration = (uint32_t)replay->iteration,
                                .phase = RNG_M_STEP,
                                .game = number};
    *out = (struct replay_game){0};
    make_room(out);
    out->state[0] = plan->env[replay->task]->start;
    struct play play = players_play(&players, plan->env[replay->task], greedy);
    play.watch = write_down;
    play.watcher = out;
    play_game(&play, &key, &out->episode);
}

void replay_game_destroy(struct replay_game *game) {
    free(game->state);
    free(game->action);
    free(game->reward);
    *game = (struct replay_game){0};
}
