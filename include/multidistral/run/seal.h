/* The seal of a run file: in front of the HDF5 data, in the 512 bytes that HDF5 leaves to its users (the user block), a
 * line of text with the file's length and a digest of all that is behind.
 *
 * HDF5 trusts what it reads: damaged bytes can make it loop for ever, crash, or hand out other numbers. A seal is looked at
 * with plain reads, before HDF5 sees the file. Every HDF5 tool opens a sealed file as it is.
 *
 * The digest is the sum, modulo 2^64, of mix(word_i + (i + 1) * 0x9e3779b97f4a7c15) over the 64-bit words (of the machine's
 * byte order, the last filled up with zeros) behind the seal, i from 0, where mix is the output function of SplitMix64
 * (Steele, Lea, Flood 2014). One changed word always changes it, other damage goes unseen once in 2^64. */
#ifndef MULTIDISTRAL_RUN_SEAL_H
#define MULTIDISTRAL_RUN_SEAL_H

#include <stdbool.h>

#include "multidistral/base/fault.h"

enum { SEAL_BYTES = 512 };

/* Seals a closed HDF5 file whose user block has SEAL_BYTES; it need not be on disk yet. Local. */
bool seal_put(const char *path, struct fault *why);

/* Is the file as it was sealed? A file that begins with HDF5's own signature has no seal, and is let through: files of
 * older versions, and what h5unjam makes of a run file. Everything else is refused. Local; reads the whole file. */
bool seal_holds(const char *path, struct fault *why);

#endif
