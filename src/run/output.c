#define _DEFAULT_SOURCE /* realpath */
#include "multidistral/run/output.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "multidistral/base/log.h"
#include "multidistral/base/memory.h"

char *output_beside(const char *path, const char *ending) {
    size_t bytes = strlen(path) + strlen(ending) + 1;
    char *name = memory_zeros(bytes, 1);
    snprintf(name, bytes, "%s%s", path, ending);
    return name;
}

static bool place_is_free(const char *path, bool may_replace, struct fault *why) {
    struct stat about;
    if (path[0] == '\0') return fault_set(why, "the run file has no name, expected -o run.h5");
    if (lstat(path, &about) != 0) return true;
    if (S_ISLNK(about.st_mode) && stat(path, &about) != 0)
        return fault_set(why, "%s: is a link to nowhere, expected the name of a run file", path);
    if (!S_ISREG(about.st_mode)) return fault_set(why, "%s: is no regular file, expected the name of a run file", path);
    return may_replace || fault_set(why, "%s: is there already, expected another name, --resume or --overwrite", path);
}

/* Where a link leads, so that the file behind it is replaced and not the link. */
static char *resolved(const char *path) {
    char *real = realpath(path, NULL);
    return real ? real : memory_string(path);
}

static bool folder_is_writable(const char *path, struct fault *why) {
    char *copy = memory_string(path);
    bool writable = access(dirname(copy), W_OK | X_OK) == 0;
    int error = errno;
    free(copy);
    return writable || fault_set(why, "%s: cannot be written: %s", path, strerror(error));
}

/* ---- The lock: of a file beside the run file, and gone with the process that holds it ---- */

/* A lock that another run removed when it ended, between our opening and our locking it, locks nobody out. */
static bool is_still_there(int file, const char *path) {
    struct stat opened, there;
    return fstat(file, &opened) == 0 && stat(path, &there) == 0 && opened.st_ino == there.st_ino;
}

/* Each run has a file of its own, so that one whose lock was lost, and taken by another, can tell. `own`: it was made now. */
static int open_lock(const char *path, bool *own) {
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    *own = file >= 0 || errno != EEXIST;
    return *own ? file : open(path, O_RDWR | O_CLOEXEC);
}

static bool is_busy(int error) { return error == EACCES || error == EAGAIN; }

static bool take_lock(struct output *output, struct fault *why) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    for (;;) {
        bool own;
        output->lock = open_lock(output->lock_path, &own);
        if (output->lock < 0 && errno == ENOENT && !own) continue; /* removed meanwhile */
        if (output->lock < 0) return fault_set(why, "%s: cannot be written: %s", output->lock_path, strerror(errno));
        bool locked = fcntl(output->lock, F_SETLK, &whole) == 0, busy = !locked && is_busy(errno);
        bool there = locked && is_still_there(output->lock, output->lock_path);
        if (there && own) return true;
        if (there) unlink(output->lock_path); /* of a run that died, or cannot be reached */
        close(output->lock);
        output->lock = -1;
        if (busy) return fault_set(why, "%s: another run writes there now, expected another name", output->path);
        if (locked) continue;
        unlink(output->lock_path);
        log_line("%s: this file system has no locks, so a second run that writes the same file would not be noticed", output->path);
        return true;
    }
}

bool output_check(const char *path, bool may_replace, struct fault *why) {
    return place_is_free(path, may_replace, why) && folder_is_writable(path, why);
}

static bool write_zeros(int file, size_t bytes) {
    static const char zeros[4096];
    for (ssize_t n; bytes > 0; bytes -= (size_t)n) {
        n = write(file, zeros, bytes < sizeof zeros ? bytes : sizeof zeros);
        if (n <= 0) return false;
    }
    return true;
}

const char *output_reason(int error) {
    return error == ENOSPC || error == EDQUOT ? "no space is left on the device" : strerror(error);
}

bool output_has_room(const char *path, struct fault *why) {
    enum { ROOM = 64 * 1024 };
    char *name = output_beside(path, ".room");
    unlink(name);
    int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), error = errno;
    unlink(name);
    bool took = file >= 0 && write_zeros(file, ROOM);
    if (file >= 0 && !took) error = errno;
    if (file >= 0 && close(file) != 0 && took) took = false, error = errno;
    free(name);
    return took || fault_set(why, "%s: cannot be written: %s", path, output_reason(error));
}

bool output_disk_is_full(const char *path) {
    enum { NOTHING = 64 * 1024 };
    struct statvfs disk;
    return statvfs(path, &disk) == 0 && disk.f_bavail * disk.f_frsize < NOTHING;
}

bool output_open(struct output *output, const char *path, bool may_replace, struct fault *why) {
    *output = (struct output){.keep = 1, .lock = -1};
    if (!output_check(path, may_replace, why)) return false;
    output->path = resolved(path);
    output->lock_path = output_beside(output->path, ".lock");
    if (take_lock(output, why) && place_is_free(path, may_replace, why) && output_has_room(output->path, why)) return true;
    output_close(output);
    return false;
}

/* ---- To the disk ---- */

static bool flush(const char *path, int *error) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool flushed = file >= 0 && fsync(file) == 0;
    *error = errno;
    if (file >= 0) close(file);
    return flushed;
}

bool output_flush(const char *path, struct fault *why) {
    int error;
    return flush(path, &error) || fault_set(why, "%s: cannot be flushed to disk: %s", path, strerror(error));
}

/* Of a folder that may be written and not read, or on a file system that flushes no folders, nobody can know more. */
bool output_flush_folder(const char *path, struct fault *why) {
    char *copy = memory_string(path);
    int error;
    bool flushed = flush(dirname(copy), &error) || (error != EIO && error != ENOSPC && error != EDQUOT);
    free(copy);
    return flushed || fault_set(why, "%s: is written, but its name cannot be flushed to disk: %s", path, strerror(error));
}

static bool copy_bytes(int in, int out) {
    enum { PIECE = 1 << 20 };
    char *bytes = memory_zeros(PIECE, 1);
    ssize_t n = 1, done = 0;
    while (n > 0 && done >= 0) {
        n = read(in, bytes, PIECE);
        for (ssize_t at = 0; at < n && done >= 0; at += done) done = write(out, bytes + at, (size_t)(n - at));
    }
    free(bytes);
    return n == 0 && done >= 0;
}

/* A copy, on the disk when it is there by its name: made as TO.part. False: errno says why, and there is none. */
static bool copy_file(const char *from, const char *to) {
    struct stat about;
    char *part = output_beside(to, ".part");
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in >= 0 && fstat(in, &about) == 0 ? open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, about.st_mode & 0777) : -1;
    bool copied = out >= 0 && copy_bytes(in, out) && fsync(out) == 0;
    int error = errno;
    if (in >= 0) close(in);
    if (out >= 0) close(out);
    if (copied && rename(part, to) != 0) copied = false, error = errno;
    if (!copied) unlink(part), errno = error;
    free(part);
    return copied;
}

/* Makes room for the file that is going to be the first of `keep` previous ones. */
static void move_previous(const char *path, int keep) {
    for (int n = keep - 1; n >= 1; n--) {
        char *from = output_previous(path, n), *to = output_previous(path, n + 1);
        rename(from, to);
        free(from);
        free(to);
    }
}

/* Who may read the old file may read the new one, and nobody else. */
static void keep_permissions(const char *part, const char *path) {
    struct stat old;
    if (stat(path, &old) == 0) chmod(part, old.st_mode & 0777);
}

/* The file is then there by both names; on a file system without links as a copy. */
static bool keep_old(const char *path, int keep) {
    if (keep == 0 || access(path, F_OK) != 0) return true;
    move_previous(path, keep);
    char *previous = output_previous(path, 1);
    bool kept = (unlink(previous) == 0 || errno == ENOENT) && (link(path, previous) == 0 || copy_file(path, previous));
    int error = errno;
    free(previous);
    errno = error;
    return kept;
}

bool output_replace(const char *part, const char *path, int keep, struct fault *why) {
    keep_permissions(part, path);
    if (!keep_old(path, keep) || rename(part, path) != 0)
        return fault_set(why, "%s: cannot be put in place: %s", path, strerror(errno));
    return output_flush_folder(path, why);
}

bool output_place(const char *part, const char *path, struct fault *why) {
    return output_flush(part, why) && output_replace(part, path, 0, why);
}

bool output_is_held(const struct output *output, struct fault *why) {
    return output->lock < 0 || is_still_there(output->lock, output->lock_path) ||
           fault_set(why, "%s: its lock %s is gone: another run may write there now, so this one must not", output->path,
                     output->lock_path);
}

void output_close(struct output *output) {
    if (output->lock >= 0 && is_still_there(output->lock, output->lock_path)) unlink(output->lock_path);
    if (output->lock >= 0) close(output->lock);
    free(output->path);
    free(output->lock_path);
    *output = (struct output){.lock = -1};
}

char *output_previous(const char *path, int n) {
    size_t bytes = strlen(path) + sizeof ".prev99";
    char *name = memory_zeros(bytes, 1);
    snprintf(name, bytes, n == 1 ? "%s.prev" : "%s.prev%d", path, n);
    return name;
}

bool output_is(const struct output *output, const char *path) {
    struct stat own, other;
    return stat(output->path, &own) == 0 && stat(path, &other) == 0 && own.st_dev == other.st_dev &&
           own.st_ino == other.st_ino;
}
