/* The place of a run file: checked before anything is computed, and held against other runs while this one writes. */
#ifndef MULTIDISTRAL_RUN_OUTPUT_H
#define MULTIDISTRAL_RUN_OUTPUT_H

#include <stdbool.h>

#include "multidistral/base/fault.h"

enum { OUTPUT_KEEP_MOST = 99 };

/* The name PATHENDING, of a file beside the one at path. The caller owns it. */
char *output_beside(const char *path, const char *ending);

/* The name of the n-th run file before the one at path, from 1: PATH.prev, PATH.prev2, ... The caller owns it. */
char *output_previous(const char *path, int n);

struct output {
    char *path; /* of the run file itself: links are followed */
    char *lock_path;
    int keep; /* how many of the run files before this one stay, as PATH.prev, PATH.prev2, ...; 1 unless set otherwise */
    int lock; /* descriptor of PATH.lock, which is locked while it is open; -1: a file system without locks, which was said */
};

/* Takes a place for a run file. Local; by rank 0. False when it cannot be written, has no room, is no place for a file (a folder, a
 * device), has another run at work, or holds a file and may not be replaced; then there is nothing to close, and
 * nothing is left behind. A lock left by a run that died holds nobody up. */
bool output_open(struct output *output, const char *path, bool may_replace, struct fault *why);
void output_close(struct output *output);

/* Could a file be put there? Nothing is taken or left. Local. */
bool output_check(const char *path, bool may_replace, struct fault *why);

/* Does a disk take a little more? Tried with a file PATH.room, which is gone at once. Local. */
bool output_has_room(const char *path, struct fault *why);

/* Is next to nothing free where this file is? Local. */
bool output_disk_is_full(const char *path);

/* What an errno of a file means to a user. */
const char *output_reason(int error);

/* Brings a file to the disk; and the names in the folder of a file, new or changed, where the file system can do that. Local. */
bool output_flush(const char *path, struct fault *why);
bool output_flush_folder(const char *path, struct fault *why);

/* Puts a new file, which is on the disk, into the place of the one at path, and flushes the folder; `keep` old ones stay, by the names of
 * output_previous. There is a complete file at path at every instant, if there was one. The new file may be read by whom the old one
 * might. Local. False: the new file is still there, or it is in place but its name could not be flushed. */
bool output_replace(const char *part, const char *path, int keep, struct fault *why);

/* The same of a file that is to be flushed first, and the old one does not stay. */
bool output_place(const char *part, const char *path, struct fault *why);

/* Is the place still this run's? A file server gives a lock to another run when the holder's host has been out of reach
 * for long, and the holder may come back. Local; by the rank that holds it. */
bool output_is_held(const struct output *output, struct fault *why);

/* Is this path, of a file that the run reads, another name of the run file? */
bool output_is(const struct output *output, const char *path);

#endif
