/* The cooperative optimum of a task, exactly: by backward induction over all joint states that a game can reach.
 *
 *     V_0(s) = 0        V_h(s) = max_a E[ sum_j r_j + gamma V_h-1(s') ]        h: steps left, up to rules.step_limit
 *
 * The joint policy that attains it knows the whole state and the steps left. Joint actions whose values differ by no more
 * than rounding count as equal, and the lowest is taken, agent 1's action counting most and staying lowest: this decides
 * nothing about the sum, but where agents are alike, it decides that the first waits, and so the split.
 *
 * Nothing is left to the lot: who loses a contested cell stays, as he could have chosen to. So the joint action in which
 * the losers stay is never worse and is the lower one; the best policy plays one certain game, and the optimum is the same
 * under every `contested`.
 *
 * What is exact: transitions, chances and horizon. What is not: a value that a step would change by no more than 1e-16 of
 * the largest value L = n_agents * largest reward * min(step_limit, 1 / (1 - gamma)) is left as it is, and the induction
 * ends when none changes any more. So each step adds at most that error, and the sum is within 1e-16 L min(step_limit,
 * 1 / (1 - gamma)), but for rounding: about 1e-10 for two agents, a goal worth 100 and gamma 0.99. */
#ifndef MULTIDISTRAL_WORLD_SOLVE_H
#define MULTIDISTRAL_WORLD_SOLVE_H

#include "multidistral/base/fault.h"
#include "multidistral/world/solution.h"
#include "multidistral/world/worlds.h"

/* Local. The caller owns the solution: solution_destroy. Time is some nanoseconds for each joint state, joint
 * action and step of the games' length.
 *   max_states  most tuples of the agents' cells; 0: as many as fit into JOINT_BYTES
 * False, with a reason and nothing to destroy, when there are more; never for a matrix game, whose optimum is the pair of
 * actions with the best expected sum, played to the end. */
bool solve_exact(const struct env *env, double gamma, uint64_t max_states, struct solution *out, struct fault *why);

#endif
