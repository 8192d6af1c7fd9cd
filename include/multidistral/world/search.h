/* A lower bound of the cooperative optimum, for worlds too large for solve: Monte Carlo tree search for one game.
 *
 * Before each step of the game, simulations start from its state: down a tree of joint actions by UCT (Kocsis and
 * Szepesvari 2006; values scaled to the range seen), whose nodes get more children as they are visited more often
 * (progressive widening, Coulom 2007), and on from its leaf by agents that mostly go the shortest way to their goals,
 * sometimes wait and sometimes move at random. The step played is that of the best game seen so far (as Schadd et al.
 * 2008 for games of one player), which is never lost.
 *
 * With `contested = random` the search plays no move that would be decided by lot. So its game is certain under every
 * rule and its return can be reached: the optimum is at least that, and leaves nothing to the lot either (solve.h). */
#ifndef MULTIDISTRAL_WORLD_SEARCH_H
#define MULTIDISTRAL_WORLD_SEARCH_H

#include "multidistral/world/solution.h"

/* Local. The caller owns the solution: solution_destroy. The same numbers for the same budget and seed.
 * Takes some 64 bytes for each simulation.
 *   budget  simulations for the whole game, at least 1: a quarter before the first step, the others spread evenly over
 *           the steps of the best game seen */
void search_game(const struct env_grid *grid, double gamma, uint32_t budget, uint32_t seed, struct solution *out);

#endif
