#ifdef __linux__
#define _DEFAULT_SOURCE /* statfs */
#include <sys/vfs.h>
#endif
#include "runfile_shared.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "multidistral/base/memory.h"
#include "multidistral/run/output.h"
#include "multidistral/run/reduce.h"

/* The file being written; empty: none. For last words. */
static char in_hand[4096];

void shared_end_job(const char *reason) {
    fprintf(stderr, "multidistral: %s: cannot be written: %s%s\n"
                    "multidistral: ending the job; a complete run file that was there before is untouched\n",
            in_hand, output_disk_is_full(in_hand) ? "no space is left on the device; " : "", reason);
    fflush(stderr);
    unlink(in_hand);
    MPI_Abort(MPI_COMM_WORLD, 1);
}

/* ---- Opening ---- */

/* For shared file pointers, which HDF5 does not use, Open MPI opens a second file or a semaphore with each file. Where one rank fails in
 * that (a full disk), the others wait for ever; and the semaphore that a killed run leaves locks out all that write a file of that
 * name on this host. Below priority 0 none is opened, whatever the user has set; the other two kinds do not obey, or try out locks. */
static void avoid_shared_pointers(void) {
    setenv("OMPI_MCA_sharedfp", "^lockedfile,individual", 1);
    setenv("OMPI_MCA_sharedfp_sm_priority", "-1", 1);
}

enum { SEEN_AFTER = 30 /* seconds, at the latest, by every host */ };

/* A host that reaches the folder over a network may remember what was in it; opening it has it ask anew. */
static bool ask_for_folder(const char *path) {
    char *copy = memory_string(path);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = errno;
    if (folder >= 0) close(folder);
    free(copy);
    errno = error;
    return folder >= 0 || error != ENOENT;
}

static bool is_empty(int file) {
    struct stat about;
    return file >= 0 && fstat(file, &about) == 0 && about.st_size == 0;
}

/* A descriptor of the file that rank 0 made; -1: errno says why. Another host may see it a little later, and before that none, or the
 * one that had this name and was put in place: that is not empty. */
static int open_when_seen(const char *path) {
    enum { PAUSE = 100 /* ms */, TRIES = SEEN_AFTER * 1000 / PAUSE };
    for (int i = 0; i < TRIES; i++) {
        if (i > 0) nanosleep(&(struct timespec){.tv_nsec = PAUSE * 1000000L}, NULL);
        if (!ask_for_folder(path)) break;
        int file = open(path, O_RDWR | O_CLOEXEC), error = errno;
        if (is_empty(file)) return file;
        if (file >= 0) close(file);
        errno = file >= 0 ? ESTALE : error;
        if (errno != ENOENT && errno != ESTALE) break;
    }
    return -1;
}

/* Open MPI closes for all what one rank alone cannot open, and waits for ever for the others, who could. So it is told to open what is
 * open already, where the system has names for that: whatever becomes of the file's own name, or its folder, meanwhile. Not on Lustre,
 * where it looks at the folder in the name; MPIs with ROMIO agree by themselves whether a file is open. */
static void name_own(struct shared_file *file, const char *path) {
    snprintf(file->name, sizeof file->name, "%s", path);
#if defined OPEN_MPI && defined __linux__
    enum { LUSTRE = 0x0BD00BD0 };
    struct statfs about;
    if (fstatfs(file->own, &about) != 0 || about.f_type == LUSTRE || access("/proc/self/fd", X_OK) != 0) return;
    snprintf(file->name, sizeof file->name, "/proc/self/fd/%d", file->own);
#endif
}

/* As MPI will. */
static bool opens_again(const char *name) {
    int again = open(name, O_RDWR | O_CLOEXEC);
    if (again >= 0) close(again);
    return again >= 0;
}

static bool say_why(const char *path, int rank, struct fault *why) {
    int error = errno, length;
    char host[MPI_MAX_PROCESSOR_NAME];
    MPI_Get_processor_name(host, &length);
    if (rank > 0 && (error == ENOENT || error == ESTALE))
        return fault_set(why, "%s: cannot be written: made by rank 0, and not seen by rank %d on %s, expected a folder that all hosts share",
                         path, rank, host);
    return fault_set(why, "%s: cannot be written: %s (rank %d on %s)", path, output_reason(error), rank, host);
}

/* Rank 0 makes it, the others open it. */
static bool open_own(struct shared_file *file, const char *path, MPI_Comm comm, struct fault *why) {
    int rank;
    MPI_Comm_rank(comm, &rank);
    if (rank == 0) file->own = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (!reduce_fault(rank > 0 || file->own >= 0 || say_why(path, rank, why), why, comm)) return false;
    if (rank > 0) file->own = open_when_seen(path);
    if (file->own >= 0) name_own(file, path);
    return reduce_fault((file->own >= 0 && opens_again(file->name)) || say_why(path, rank, why), why, comm);
}

bool shared_create(struct shared_file *file, const char *path, MPI_Comm comm, struct fault *why) {
    int rank;
    MPI_Comm_rank(comm, &rank);
    avoid_shared_pointers();
    *file = (struct shared_file){.own = -1};
    snprintf(in_hand, sizeof in_hand, "%s", path);
    if (open_own(file, path, comm, why)) return true;
    if (rank == 0 && file->own >= 0) unlink(path);
    shared_close(file);
    MPI_Barrier(comm);
    return false;
}

void shared_close(struct shared_file *file) {
    if (file->own >= 0) close(file->own);
    file->own = -1;
    in_hand[0] = '\0';
}

/* ---- What fails later: looked at here, in front of HDF5, by MPI's profiling interface ---- */

/* HDF5 closes the file after a failure, in that rank alone, and waits there for the others. */
static int check(int code, const char *what) {
    char text[MPI_MAX_ERROR_STRING], reason[MPI_MAX_ERROR_STRING + 64];
    int length;
    if (code == MPI_SUCCESS) return code;
    MPI_Error_string(code, text, &length);
    snprintf(reason, sizeof reason, "%s: %s", what, text);
    shared_end_job(reason);
    return code;
}

/* Open MPI says success of a write that failed. HDF5 sees it from the count, but in H5Fclose it goes on, in that rank alone, until all
 * wait for each other for ever. */
static int check_written(int code, int count, MPI_Datatype type, const MPI_Status *status) {
    MPI_Count size, written;
    check(code, "writing");
    PMPI_Type_size_x(type, &size);
    PMPI_Get_elements_x(status, MPI_BYTE, &written);
    if (written == count * size) return code;
    char reason[128];
    snprintf(reason, sizeof reason, "%lld of %lld bytes of a write arrived", (long long)written, (long long)(count * size));
    shared_end_job(reason);
    return code;
}

int MPI_File_write_at(MPI_File file, MPI_Offset at, const void *bytes, int count, MPI_Datatype type, MPI_Status *status) {
    MPI_Status own;
    int code = PMPI_File_write_at(file, at, bytes, count, type, &own);
    if (status != MPI_STATUS_IGNORE) *status = own;
    return check_written(code, count, type, &own);
}

int MPI_File_write_at_all(MPI_File file, MPI_Offset at, const void *bytes, int count, MPI_Datatype type, MPI_Status *status) {
    MPI_Status own;
    int code = PMPI_File_write_at_all(file, at, bytes, count, type, &own);
    if (status != MPI_STATUS_IGNORE) *status = own;
    return check_written(code, count, type, &own);
}

int MPI_File_read_at(MPI_File file, MPI_Offset at, void *bytes, int count, MPI_Datatype type, MPI_Status *status) {
    return check(PMPI_File_read_at(file, at, bytes, count, type, status), "reading");
}

int MPI_File_read_at_all(MPI_File file, MPI_Offset at, void *bytes, int count, MPI_Datatype type, MPI_Status *status) {
    return check(PMPI_File_read_at_all(file, at, bytes, count, type, status), "reading");
}

int MPI_File_get_size(MPI_File file, MPI_Offset *size) { return check(PMPI_File_get_size(file, size), "asking for its size"); }

int MPI_File_set_size(MPI_File file, MPI_Offset size) { return check(PMPI_File_set_size(file, size), "setting its size"); }

int MPI_File_set_view(MPI_File file, MPI_Offset at, MPI_Datatype unit, MPI_Datatype type, const char *kind, MPI_Info info) {
    return check(PMPI_File_set_view(file, at, unit, type, kind, info), "choosing parts of it");
}

int MPI_File_sync(MPI_File file) { return check(PMPI_File_sync(file), "flushing it"); }
