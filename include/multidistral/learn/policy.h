/* Rows of policies: the formulas of soft Q-learning with a prior, for one observation.
 *
 *   V(s)    = (1/beta) log sum_a pi0(a|s)^alpha exp(beta Q(s,a))                  [T17] equation 3
 *   pi(a|s) = pi0(a|s)^alpha exp(beta Q(s,a) - beta V(s))                         [T17] equation 5
 *
 * The prior comes as prior[a] = alpha log(n pi0(a)), which is 0 wherever pi0 is uniform, -infinity where pi0(a) = 0
 * and alpha > 0; the constant -alpha log n is left to the caller: `offset`. All functions are local and free of
 * overflow: exponents are taken relative to the largest. */
#ifndef MULTIDISTRAL_LEARN_POLICY_H
#define MULTIDISTRAL_LEARN_POLICY_H

#include <math.h>

enum { POLICY_ACTIONS = 8 }; /* most actions of a row; rows are padded to it */

/* How a row is turned into a policy; constant within an iteration. */
struct policy_form {
    float beta;
    float offset; /* -alpha log(n_actions) / beta: what a uniform prior adds to V */
};

struct policy_form policy_form(double alpha, double beta, int n_actions);

/* alpha log(n pi0) of one action; pi0^0 = 1 also for pi0 = 0. */
float policy_prior(double alpha, int n_actions, float pi0);

/* One log-sum-exp that serves both the backup and the next draw.
 *   q, prior    [n]
 *   cumulative  [n]  out: sum over b <= a of pi(b|s), up to a factor
 * Returns V(s). */
static inline float policy_weights(struct policy_form form, int n, const float *q, const float *prior,
                                   float *cumulative) {
    float x[POLICY_ACTIONS], most = -INFINITY, sum = 0;
    for (int a = 0; a < n; a++) {
        x[a] = prior[a] + form.beta * q[a];
        most = x[a] > most ? x[a] : most;
    }
    for (int a = 0; a < n; a++) {
        sum += expf(x[a] - most);
        cumulative[a] = sum;
    }
    return (most + logf(sum)) / form.beta + form.offset;
}

/* The action that u in [0, 1) draws: the first whose cumulative weight passes u times the whole. An action of weight
 * 0 is never drawn. */
static inline int policy_draw(int n, const float *cumulative, float u) {
    float x = u * cumulative[n - 1];
    int action = 0;
    for (int a = 0; a < n - 1; a++) action += cumulative[a] <= x;
    return action;
}

/* pi [n] out: the probabilities; they sum to 1. */
void policy_row(struct policy_form form, int n, const float *q, const float *prior, float *pi);

/* -sum_a pi log pi, in nats. */
double policy_entropy(int n, const float *pi);

/* KL(pi || pi0) in nats; infinite where pi0 = 0 < pi. */
double policy_divergence(int n, const float *pi, const float *pi0);

#endif
