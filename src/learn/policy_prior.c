/* Built with the compiler's vector maths, apart from the other formulas, which mind infinities. */
#include "multidistral/base/vector.h"
#include "multidistral/learn/policy.h"

/* Of n <= POLICY_ACTIONS actions. */
static inline void prior_of_vector(float alpha, float uniform, int n, const float *pi0, float *prior) {
    float log_part[POLICY_ACTIONS];
    for (int a = 0; a < POLICY_ACTIONS; a++) log_part[a] = a < n && pi0[a] > 0 ? pi0[a] / uniform : 1.0f;
    _Pragma("omp simd")
    for (int a = 0; a < POLICY_ACTIONS; a++) log_part[a] = alpha * logf(log_part[a]);
    for (int a = 0; a < n; a++) prior[a] = pi0[a] > 0 || alpha == 0 ? log_part[a] : POLICY_NEVER;
}

VECTOR_VERSIONS
void policy_prior(float alpha, int n, const float *pi0, float *prior) {
    for (int a = 0; a < n; a += POLICY_ACTIONS)
        prior_of_vector(alpha, 1.0f / (float)n, n - a < POLICY_ACTIONS ? n - a : POLICY_ACTIONS, pi0 + a, prior + a);
}
