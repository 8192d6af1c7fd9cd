#define _DEFAULT_SOURCE /* sysconf's physical pages */
#include "multidistral/base/machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "multidistral/base/text.h"

enum { PATH = 4096, MOST_TEXT = 1 << 16 };

double machine_limit(const char *text) {
    char *end;
    unsigned long long bytes = strtoull(text, &end, 10);
    return end > text && bytes > 0 ? (double)bytes : INFINITY;
}

static double limit_in(const char *path) {
    struct fault why;
    char *text = text_read_file(path, MOST_TEXT, &why);
    double limit = text ? machine_limit(text) : INFINITY;
    free(text);
    return limit;
}

/* Is a line of /proc/self/cgroup, "4:cpu,memory:/path", about this controller? That of version 2 has none: "0::/path". */
static bool is_about(const char *line, const char *controller) {
    const char *name = strchr(line, ':');
    size_t length = strlen(controller);
    if (!name || length == 0) return name && name[1] == ':';
    do
        if (strncmp(++name, controller, length) == 0 && strchr(",:", name[length])) return true;
    while (*(name += strcspn(name, ",:\n")) == ',');
    return false;
}

static bool group_path(const char *groups, const char *controller, char path[PATH]) {
    for (struct text_line line = {0}; text_next_line(groups, &line);) {
        const char *start = memchr(line.start, '/', line.length);
        if (!start || !is_about(line.start, controller)) continue;
        return snprintf(path, PATH, "%.*s", (int)(line.start + line.length - start), start) < PATH;
    }
    return false;
}

/* A container may see the path that its group has outside, and its own group at the root. */
static double least_limit(const char *groups, const char *controller, const char *root, const char *name) {
    char group[PATH], file[PATH];
    double least = INFINITY;
    if (!group_path(groups, controller, group)) return least;
    for (char *end = group + strlen(group); end; end = strrchr(group, '/')) {
        *end = '\0';
        if (snprintf(file, sizeof file, "%s%s/%s", root, group, name) < PATH) least = fmin(least, limit_in(file));
    }
    return least;
}

double machine_group_bytes(const char *groups, const char *root) {
    char memory[PATH];
    snprintf(memory, sizeof memory, "%s/memory", root);
    return fmin(least_limit(groups, "", root, "memory.max"), least_limit(groups, "memory", memory, "memory.limit_in_bytes"));
}

static double look_up(void) {
    struct fault why;
    char *groups = text_read_file("/proc/self/cgroup", MOST_TEXT, &why);
    double limit = groups ? machine_group_bytes(groups, "/sys/fs/cgroup") : INFINITY;
    free(groups);
    return fmin(limit, (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGE_SIZE));
}

double machine_bytes(void) {
    static double bytes; /* 0: not looked up yet */
    if (bytes == 0) bytes = look_up();
    return bytes;
}

double machine_process_bytes(void) {
    struct rlimit limit;
    bool limited = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return limited ? (double)limit.rlim_cur : INFINITY;
}
