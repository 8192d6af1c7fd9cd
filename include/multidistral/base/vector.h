/* What the compiler is told of functions whose speed matters.
 *
 * VECTOR_VERSIONS: functions that are worth wide vectors: the compiler makes several versions, and the loader picks the widest that the
 * machine has. Elsewhere than on x86-64 with GCC and glibc there is one version, for the target of the build.
 * All that such a function calls is inlined into it, since only then it is compiled for the same machine. */
#ifndef MULTIDISTRAL_BASE_VECTOR_H
#define MULTIDISTRAL_BASE_VECTOR_H

#include <limits.h> /* defines __GLIBC__ where there is one */

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define VECTOR_VERSIONS __attribute__((flatten, target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VECTOR_VERSIONS
#endif

/* Of a hot loop: all that it calls is inlined into it. Its file is compiled once for each machine that is worth it
 * (CMakeLists.txt, learner.c), since vectors that it works with itself are best laid out for the machine from the start. */
#if defined(__GNUC__)
#define HOT_FUNCTION __attribute__((flatten))
#else
#define HOT_FUNCTION
#endif

/* What a hot loop does seldom, and must not make room for: kept out of the function that is compiled around it. */
#if defined(__GNUC__)
#define SELDOM __attribute__((noinline, cold))
#else
#define SELDOM
#endif

/* In front of a short loop over the agents of a world: unrolled where the build says that their number is mostly a
 * constant (HOT_LOOP), a plain loop elsewhere. */
#if defined(HOT_LOOP) && defined(__GNUC__) && defined(__OPTIMIZE__)
#define UNROLLED _Pragma("GCC unroll 8")
#else
#define UNROLLED
#endif

#endif
