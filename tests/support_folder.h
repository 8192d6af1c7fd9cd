/* A folder of a test's own on all ranks, gone at its end. */
#ifndef MULTIDISTRAL_TESTS_SUPPORT_FOLDER_H
#define MULTIDISTRAL_TESTS_SUPPORT_FOLDER_H

#include <dirent.h>
#include <unistd.h>

#include "support_run.h"

enum { PATH = 256 };

static char folder[PATH];

static inline bool first_rank(void) { return rank_of(MPI_COMM_WORLD) == 0; }

static inline void path_of(char path[PATH], const char *name) { snprintf(path, PATH, "%.200s/%s", folder, name); }

static inline bool there(const char *name) {
    char path[PATH];
    path_of(path, name);
    return access(path, F_OK) == 0;
}

static inline void open_folder(void) {
    char name[] = "/tmp/multidistral_XXXXXX";
    if (first_rank() && !mkdtemp(name)) MPI_Abort(MPI_COMM_WORLD, 1);
    snprintf(folder, sizeof folder, "%s", name);
    MPI_Bcast(folder, PATH, MPI_CHAR, 0, MPI_COMM_WORLD);
}

static inline void empty_folder(void) {
    MPI_Barrier(MPI_COMM_WORLD);
    DIR *all = first_rank() ? opendir(folder) : NULL;
    for (struct dirent *file; all && (file = readdir(all));) {
        char path[2 * PATH + 2];
        snprintf(path, sizeof path, "%s/%s", folder, file->d_name);
        if (file->d_name[0] != '.') unlink(path);
    }
    if (all) closedir(all);
    MPI_Barrier(MPI_COMM_WORLD);
}

static inline void close_folder(void) {
    empty_folder();
    if (first_rank()) rmdir(folder);
}

#endif
