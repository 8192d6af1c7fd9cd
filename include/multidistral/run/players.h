/* Who plays a game of a finished run: the policies of one replica, of its agents in one task or shared ones, as a struct
 * play wants them. */
#ifndef MULTIDISTRAL_RUN_PLAYERS_H
#define MULTIDISTRAL_RUN_PLAYERS_H

#include "multidistral/learn/play.h"
#include "multidistral/run/plan.h"

struct players {
    const struct plan *plan;
    const struct learner *learner;     /* of the task policies; NULL: the distilled ones play */
    const struct distilled *learned;   /* [agent]: the task policies by rows */
    const struct distilled *distilled; /* [plan_n_distilled]: of the replica */
};

/* How these players play in a world; both must live as long. */
struct play players_play(const struct players *players, const struct env *env, bool greedy);

#endif
