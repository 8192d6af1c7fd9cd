/* The memory that there is to take: the machine's, or less where a scheduler or a container has set a limit. All local. */
#ifndef MULTIDISTRAL_BASE_MACHINE_H
#define MULTIDISTRAL_BASE_MACHINE_H

/* Bytes that the processes of this machine may hold together: its physical memory, or less if their control group, or one around
 * it, has a limit (Linux). Looked up once. */
double machine_bytes(void);

/* Bytes of address space that this process may have (RLIMIT_AS, `ulimit -v`); INFINITY: any number. */
double machine_process_bytes(void);

/* For tests. The least limit of a process's groups and those around them, of both versions of control groups; INFINITY: none.
 *   groups  the text of /proc/self/cgroup
 *   root    the folder where they are mounted: /sys/fs/cgroup */
double machine_group_bytes(const char *groups, const char *root);

/* For tests. What a file of a limit says; INFINITY: "max", or nothing that could be one. */
double machine_limit(const char *text);

#endif
