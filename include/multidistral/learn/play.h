/* One game under fixed policies, wherever they come from: a learner, a distilled policy, a run file.
 *
 * For evaluation, not for training: written to be read, and without the learners' tables. Given the same key and the
 * same probabilities it plays the game that a learner's `visit` plays. */
#ifndef MULTIDISTRAL_LEARN_PLAY_H
#define MULTIDISTRAL_LEARN_PLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "multidistral/base/rng.h"
#include "multidistral/learn/episode.h"
#include "multidistral/learn/learner.h"
#include "multidistral/world/worlds.h"

struct play {
    const struct env *env;
    const struct env_senses *senses;
    double gamma;
    int n_actions;          /* of a row; at most POLICY_MOST */
    enum deciders deciders; /* whose actions, or joint actions, those are */
    bool greedy;   /* take the most probable action, the lowest of several; otherwise draw */

    /* The policy of a player (struct learner) in a row: pi [n_actions] out, which need not sum to exactly 1. */
    void (*policy)(const void *of, int player, uint64_t row, float *pi);
    const void *of; /* handed to policy; not owned */

    /* Whose way of drawing an action from its policy is followed (learner_kind.draw); NULL: the first action whose
     * cumulative probability passes the draw. */
    const struct learner *learner;

    /* Sees each step; may be NULL. */
    void (*watch)(void *watcher, const uint8_t *action, const double *reward, const struct env_state *after);
    void *watcher;
};

/* Plays one game. Local; a function of its arguments. */
void play_game(const struct play *play, const struct rng_key *key, struct episode *out);

#endif
