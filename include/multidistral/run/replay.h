/* Games of a run played again: the last M-step's, drawn as they were drawn then, or more of the same kind. */
#ifndef MULTIDISTRAL_RUN_REPLAY_H
#define MULTIDISTRAL_RUN_REPLAY_H

#include "multidistral/run/players.h"

/* One replica and task of a run file. */
struct replay {
    struct plan plan;
    int64_t replica, task, iteration; /* all from 0; the iteration is the last one done */
    struct distilled distilled[ENV_AGENTS], learned[ENV_AGENTS];
    int n_distilled, n_learned;       /* of them made */
    struct learner learner;
    bool has_learner;
};

/* Local. The caller owns it: replay_close. False, and nothing to close, when the file is no run file, or has no such
 * replica or task. */
bool replay_open(struct replay *replay, const char *path, const char *task, int64_t replica, struct fault *why);
void replay_close(struct replay *replay);

/* A game, step by step. */
struct replay_game {
    struct episode episode;
    struct env_state *state;        /* [steps + 1] */
    uint8_t (*action)[ENV_AGENTS];  /* [steps] */
    double (*reward)[ENV_AGENTS];   /* [steps] */
    int64_t steps, room;
};

/* Plays the game of that number: with the task policies, sampled, and a number below games_m it is that game of the last
 * M-step, and has the return that the file holds under /games/return_m. The caller owns it: replay_game_destroy. */
void replay_play(const struct replay *replay, uint32_t game, bool distilled, bool greedy, struct replay_game *out);
void replay_game_destroy(struct replay_game *game);

#endif
