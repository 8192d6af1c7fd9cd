/* Functions that are worth wide vectors: the compiler makes several versions, and the loader picks the widest that the
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

/* In front of a short loop over the agents of a world: unrolled where the build says that their number is mostly a
 * constant (HOT_LOOP), a plain loop elsewhere. */
#if defined(HOT_LOOP) && defined(__GNUC__) && defined(__OPTIMIZE__)
#define UNROLLED _Pragma("GCC unroll 8")
#else
#define UNROLLED
#endif

#endif
