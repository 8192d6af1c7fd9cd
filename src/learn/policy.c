#include "multidistral/learn/policy.h"

struct policy_form policy_form(double alpha, double beta, int n_actions) {
    return (struct policy_form){.beta = (float)beta, .offset = (float)(-alpha * log(n_actions) / beta)};
}

float policy_prior(double alpha, int n_actions, float pi0) {
    double uniform = 1.0f / (float)n_actions;
    return alpha == 0 ? 0.0f : (float)(alpha * log(pi0 / uniform));
}

void policy_row(struct policy_form form, int n, const float *q, const float *prior, float *pi) {
    float cumulative[POLICY_ACTIONS];
    policy_weights(form, n, q, prior, cumulative);
    double sum = cumulative[n - 1];
    for (int a = 0; a < n; a++) pi[a] = (float)((cumulative[a] - (a > 0 ? cumulative[a - 1] : 0.0)) / sum);
}

double policy_entropy(int n, const float *pi) {
    double entropy = 0;
    for (int a = 0; a < n; a++)
        if (pi[a] > 0) entropy -= pi[a] * log(pi[a]);
    return entropy;
}

double policy_divergence(int n, const float *pi, const float *pi0) {
    double divergence = 0;
    for (int a = 0; a < n; a++)
        if (pi[a] > 0) divergence += pi[a] * log((double)pi[a] / pi0[a]);
    return divergence;
}
