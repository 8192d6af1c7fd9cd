/* Rows of policies: the formulas of soft Q-learning with a prior, for one observation.
 *
 *   V(s)    = (1/beta) log sum_a pi0(a|s)^alpha exp(beta Q(s,a))                  [T17] equation 3
 *   pi(a|s) = pi0(a|s)^alpha exp(beta Q(s,a) - beta V(s))                         [T17] equation 5
 *
 * The prior comes as prior[a] = alpha log(n pi0(a)), which is 0 wherever pi0 is uniform, and POLICY_NEVER where
 * pi0(a) = 0 and alpha > 0; the constant -alpha log n is in `offset`. No function overflows: exponents are taken
 * relative to the largest, and POLICY_NEVER is finite. */
#ifndef MULTIDISTRAL_LEARN_POLICY_H
#define MULTIDISTRAL_LEARN_POLICY_H

#include <math.h>
#include <stdbool.h>

enum {
    POLICY_ACTIONS = 8, /* most actions of an agent: the width of a vector of floats */
    POLICY_MOST = 128   /* most actions of a row: joint actions of a team */
};

/* Words from a row of n actions to the next: whole vectors. */
static inline int policy_stride(int n) { return (n + POLICY_ACTIONS - 1) / POLICY_ACTIONS * POLICY_ACTIONS; }

/* The logarithm of an action's weight that is never taken: far below any beta Q, and its exponential is 0. */
#define POLICY_NEVER (-1e30f)

/* How a row is turned into a policy; constant within an iteration. */
struct policy_form {
    float beta, per_beta; /* beta, 1 / beta */
    float offset;         /* -alpha log(n_actions) / beta: what a uniform prior adds to V */
};

struct policy_form policy_form(double alpha, double beta, int n_actions);

/* alpha log(n pi0) of each action; pi0^0 = 1 also for pi0 = 0.
 *   pi0    [n]
 *   prior  [n]  out */
void policy_prior(float alpha, int n, const float *pi0, float *prior);

/* The action that u in [0, 1) draws: the first whose cumulative probability passes u.
 *   cumulative  [n - 1]  sum over b <= a of pi(b|s); that of the last action is 1 */
static inline int policy_draw(int n, const float *cumulative, float u) {
    int action = 0;
    for (int a = 0; a < n - 1; a++) action += cumulative[a] <= u;
    return action;
}

/* Is each of the n probabilities 1 / n, exactly? */
bool policy_is_uniform(int n, const float *pi);

/* pi [n] out: the probabilities; they sum to 1. */
void policy_row(struct policy_form form, int n, const float *q, const float *prior, float *pi);

/* -sum_a pi log pi, in nats. */
double policy_entropy(int n, const float *pi);

/* KL(pi || pi0) in nats; infinite where pi0 = 0 < pi. */
double policy_divergence(int n, const float *pi, const float *pi0);

#endif
