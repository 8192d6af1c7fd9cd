/* Which program this is. */
#ifndef MULTIDISTRAL_VERSION_H
#define MULTIDISTRAL_VERSION_H

/* MULTIDISTRAL_VERSION and MULTIDISTRAL_COMPILER come from CMakeLists.txt. */

/* The git commit that it was built from, with `-dirty` behind it if files were changed; "unknown" outside git. */
const char *multidistral_commit(void);

#endif
