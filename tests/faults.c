/* Preloaded into the ranks of a run (LD_PRELOAD), has a call fail as a broken disk or clock would. For tools/torture.
 *   FAULT=CALL:K:SUFFIX:HOW  the K-th CALL (open, lseek, write, fsync, rename, fwrite) on a path that ends in SUFFIX, from 1;
 *                            K+: and all later. HOW: EIO, ENOSPC, ENOENT, short (half is written), lies (nothing is done, and
 *                            success returned); the last two not of open, which
 *                            counts where a file is opened for reading and writing, and lseek
 *   FAULT_RANK=R             on this rank alone
 *   FAULT_LEAK=BYTES         so many are taken for good with each rename
 *   FAULT_CLOCK=HOURS        the time of day jumps so many hours forth and back from call to call; CLOCK_MONOTONIC does not
 * "faults: struck" on stderr says that it was done. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum how { NONE, EIO_, ENOSPC_, ENOENT_, SHORT, LIES };
static const char *const how_name[] = {"", "EIO", "ENOSPC", "ENOENT", "short", "lies"};

static struct {
    char call[16], more[2], suffix[64], how[16];
    int k;
} fault;
static atomic_int n_calls, n_times;
static long jump, leak;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void read_environment(void) {
    const char *rank = getenv("OMPI_COMM_WORLD_RANK"), *wanted = getenv("FAULT_RANK"), *text = getenv("FAULT");
    if (!rank) return;
    if (getenv("FAULT_LEAK")) leak = atol(getenv("FAULT_LEAK"));
    if (getenv("FAULT_CLOCK")) jump = 3600 * atol(getenv("FAULT_CLOCK"));
    if (!text || (wanted && strcmp(rank, wanted) != 0)) return;
    if (sscanf(text, "%15[^:]:%d%1[+]:%63[^:]:%15s", fault.call, &fault.k, fault.more, fault.suffix, fault.how) != 5 &&
        sscanf(text, "%15[^:]:%d:%63[^:]:%15s", fault.call, &fault.k, fault.suffix, fault.how) != 4)
        abort();
}

/* Is it this call's turn to fail, and how? */
static enum how turn(const char *call, const char *path) {
    size_t all = strlen(path), end = strlen(fault.suffix);
    if (fault.k == 0 || strcmp(call, fault.call) != 0 || all < end || strcmp(path + all - end, fault.suffix) != 0) return NONE;
    int n = ++n_calls;
    if (n < fault.k || (n > fault.k && !fault.more[0])) return NONE;
    static const char said[] = "faults: struck\n";
    if (REAL(write)(2, said, sizeof said - 1) < 0) return NONE;
    for (enum how how = EIO_; how <= LIES; how++)
        if (strcmp(fault.how, how_name[how]) == 0) return how;
    abort();
}

static enum how turn_of(const char *call, int file) {
    char link[64], path[4096];
    if (fault.k == 0) return NONE;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n < 0 ? 0 : n] = '\0';
    return turn(call, path);
}

static int failed(enum how how) {
    errno = how == EIO_ ? EIO : how == ENOENT_ ? ENOENT : ENOSPC;
    return -1;
}

#define OPENS(name)                                                                                                           \
    int name(const char *path, int flags, ...) {                                                                             \
        va_list more;                                                                                                        \
        va_start(more, flags);                                                                                               \
        int mode = (flags & O_CREAT) ? va_arg(more, int) : 0;                                                                \
        va_end(more);                                                                                                        \
        enum how how = (flags & O_RDWR) ? turn("open", path) : NONE;                                                         \
        return how == NONE ? REAL(name)(path, flags, mode) : failed(how);                                                    \
    }

OPENS(open)
OPENS(open64)

static ssize_t total(const struct iovec *piece, int n) {
    ssize_t bytes = 0;
    for (int i = 0; i < n; i++) bytes += (ssize_t)piece[i].iov_len;
    return bytes;
}

#define WRITES(name, parameters, whole, half, bytes)                                                                          \
    ssize_t name parameters {                                                                                               \
        enum how how = turn_of("write", file);                                                                              \
        return how == NONE ? REAL(name) whole : how == LIES ? (ssize_t)(bytes) : how == SHORT ? REAL(name) half : failed(how); \
    }

WRITES(write, (int file, const void *from, size_t n), (file, from, n), (file, from, n / 2), n)
WRITES(pwrite, (int file, const void *from, size_t n, off_t at), (file, from, n, at), (file, from, n / 2, at), n)
WRITES(pwrite64, (int file, const void *from, size_t n, off64_t at), (file, from, n, at), (file, from, n / 2, at), n)
WRITES(writev, (int file, const struct iovec *from, int n), (file, from, n), (file, from, (n + 1) / 2), total(from, n))
WRITES(pwritev, (int file, const struct iovec *from, int n, off_t at), (file, from, n, at), (file, from, (n + 1) / 2, at), total(from, n))
WRITES(pwritev64, (int file, const struct iovec *from, int n, off64_t at), (file, from, n, at), (file, from, (n + 1) / 2, at), total(from, n))

size_t fwrite(const void *from, size_t size, size_t n, FILE *file) {
    enum how how = turn_of("fwrite", fileno(file));
    if (how == NONE || how == LIES) return how == LIES ? n : REAL(fwrite)(from, size, n, file);
    if (how == SHORT) return REAL(fwrite)(from, size, n / 2, file);
    failed(how);
    return 0;
}

#define SEEKS(name, offset)                                                                                                   \
    offset name(int file, offset by, int from) {                                                                             \
        enum how how = turn_of("lseek", file);                                                                               \
        return how == NONE ? REAL(name)(file, by, from) : failed(how);                                                       \
    }

SEEKS(lseek, off_t)
SEEKS(lseek64, off64_t)

int fsync(int file) {
    enum how how = turn_of("fsync", file);
    return how == NONE ? REAL(fsync)(file) : how == LIES ? 0 : failed(how);
}

static void take_for_good(void) {
    static void **volatile last; // each leads to the one before it: LeakSanitizer would end the run by itself
    void **taken = leak > 0 ? malloc(sizeof *taken + (size_t)leak) : NULL;
    if (!taken) return;
    memset(taken + 1, 1, (size_t)leak);
    *taken = last;
    last = taken;
}

int rename(const char *from, const char *to) {
    take_for_good();
    enum how how = turn("rename", from);
    return how == NONE ? REAL(rename)(from, to) : how == LIES ? 0 : failed(how);
}

static long jumped(void) { return jump == 0 ? 0 : ++n_times % 2 ? jump : -jump; }

int clock_gettime(clockid_t clock, struct timespec *now) {
    int status = REAL(clock_gettime)(clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec += jumped();
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int status = REAL(gettimeofday)(now, zone);
    now->tv_sec += jumped();
    return status;
}

time_t time(time_t *out) {
    time_t now = REAL(time)(NULL) + jumped();
    if (out) *out = now;
    return now;
}
