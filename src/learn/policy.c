#include "multidistral/learn/policy.h"

struct policy_form policy_form(double alpha, double beta, int n_actions) {
    return (struct policy_form){
        .beta = (float)beta, .per_beta = (float)(1 / beta), .offset = (float)(-alpha * log(n_actions) / beta)};
}

void policy_row(struct policy_form form, int n, const float *q, const float *prior, float *pi) {
    double weight[POLICY_MOST], most = -HUGE_VAL, sum = 0;
    for (int a = 0; a < n; a++) {
        weight[a] = prior[a] + (double)form.beta * q[a];
        most = weight[a] > most ? weight[a] : most;
    }
    for (int a = 0; a < n; a++) sum += weight[a] = exp(weight[a] - most);
    for (int a = 0; a < n; a++) pi[a] = (float)(weight[a] / sum);
}

double policy_entropy(int n, const float *pi) {
    double entropy = 0;
    for (int a = 0; a < n; a++)
        if (pi[a] > 0) entropy -= pi[a] * log((double)pi[a]);
    return entropy;
}

double policy_divergence(int n, const float *pi, const float *pi0) {
    double divergence = 0;
    for (int a = 0; a < n; a++)
        if (pi[a] > 0) divergence += pi[a] * log((double)pi[a] / pi0[a]);
    return fmax(divergence, 0); /* rounding */
}

bool policy_is_uniform(int n, const float *pi) {
    for (int a = 0; a < n; a++)
        if (pi[a] != 1.0f / (float)n) return false;
    return true;
}
