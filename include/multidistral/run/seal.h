/* The seal of a run file: lines of text in front of the HDF5 data, in the bytes that HDF5 leaves to its users (the user block).
 *
 *     MultiDistral, HDF5 behind byte 16384; bytes LENGTH digest DIGEST
 *     FIRST BYTES DIGEST NAME
 *     ...
 *
 * The first line has the file's length and a digest of all that is behind this line; the others name the parts of the file: a
 * line for each dataset, with its place, its length and the digest of its bytes, and one for all that is between them, HDF5's
 * own names, groups and attributes. Numbers have 16 hexadecimal digits; zeros fill the block.
 *
 * HDF5 trusts what it reads: damaged bytes can make it loop for ever, crash, or hand out other numbers. A seal is looked at
 * with plain reads, before HDF5 sees the file. Every HDF5 tool opens a sealed file as it is.
 *
 * The digest of n words is the sum, modulo 2^64, of mix(word_i + (i + 1) * 0x9e3779b97f4a7c15) over 64-bit words (of the
 * machine's byte order, the last of a stretch filled up with zeros), i from 0, where mix is the output function of SplitMix64
 * (Steele, Lea, Flood 2014). One changed word always changes it, other damage goes unseen once in 2^64. */
#ifndef MULTIDISTRAL_RUN_SEAL_H
#define MULTIDISTRAL_RUN_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "multidistral/base/fault.h"

enum { SEAL_BYTES = 16384, SEAL_NAME = 64 };

/* A part of a sealed file: [first, first + bytes). */
struct seal_part {
    char name[SEAL_NAME];
    uint64_t first, bytes;
};

/* Seals a closed HDF5 file whose user block has SEAL_BYTES; it need not be on disk yet. The parts do not overlap and come in any
 * order; those that the block has no room for count as HDF5's own. Sorts them. Local. */
bool seal_put(const char *path, struct seal_part *part, int n_parts, struct fault *why);

enum seal_state {
    SEAL_WHOLE,  /* the file is as it was sealed */
    SEAL_BROKEN, /* it is not, or cannot be read: the fault names the parts that differ, or says what it is instead */
    SEAL_NONE,   /* it begins as HDF5 does: a file of an older version, of others, or what h5unjam makes of a run file */
};

/* Local; reads the whole file. */
enum seal_state seal_look(const char *path, struct fault *why);

/* The same, with `see` called for each part, in the order of their places. */
enum seal_state seal_look_at_parts(const char *path, void (*see)(const struct seal_part *part, bool whole), struct fault *why);

#endif
