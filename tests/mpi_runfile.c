/* The run file as a checkpoint: written, read back and gone on with, a run is the run that was never stopped; and what
 * is no run file is refused on all ranks. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support_folder.h"
#include "support_run.h"

#include "multidistral/run/prior.h"
#include "multidistral/run/runfile.h"
#include "multidistral/run/seal.h"

/* In the place of the C library's: file systems without hard links, and a look at what a rename leaves. */
static bool no_links;
static const char *never_missing; /* a path that must be there after every rename; NULL: none */
static int times_missing;

int link(const char *from, const char *to) {
    if (!no_links) return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
    errno = EPERM;
    return -1;
}

int rename(const char *from, const char *to) {
    int done = renameat(AT_FDCWD, from, AT_FDCWD, to);
    times_missing += never_missing && access(never_missing, F_OK) != 0;
    return done;
}

/* In the place of the C library's: a host that for so many openings still sees, where a part is, the file before it. */
static int stale_openings;
static const char *file_before;

int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    int mode = flags & O_CREAT ? va_arg(more, int) : 0;
    va_end(more);
    size_t length = strlen(path);
    bool stale = stale_openings > 0 && (flags & O_RDWR) && length > 5 && strcmp(path + length - 5, ".part") == 0;
    if (stale) stale_openings--;
    return openat(AT_FDCWD, stale ? file_before : path, flags, mode);
}

static const struct provenance made_by_test = {.command = "test", .started = "1970-01-01T00:00:00Z",
                                               .written = "1970-01-01T00:00:00Z", .seconds = 1, .steps_per_second = 2};

static void put_file(const char *name, const void *bytes, size_t n) {
    char path[PATH];
    path_of(path, name);
    MPI_Barrier(MPI_COMM_WORLD);
    if (first_rank()) {
        FILE *file = fopen(path, "wb");
        assert_true(file && fwrite(bytes, 1, n, file) == n && fclose(file) == 0);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

static void write_run(const char *name, const struct trainer *trainer) {
    char path[PATH];
    struct fault why = {""};
    path_of(path, name);
    if (!runfile_write(path, NULL, trainer, &made_by_test, &why)) fail_msg("%s", why.text);
}

/* A trainer as the file left it, on ranks of its own. */
static void read_run(const char *name, struct plan *plan, struct trainer *trainer, MPI_Comm comm) {
    char path[PATH];
    struct config config;
    struct task *tasks;
    int n_tasks;
    int64_t done = -1;
    struct fault why = {""};
    bool ok = true;
    path_of(path, name);
    if (rank_of(comm) == 0)
        ok = runfile_read_plan(path, &config, &tasks, &n_tasks, &done, &why) &&
             plan_create(plan, &config, tasks, n_tasks, &why);
    if (!plan_broadcast(plan, ok, comm, &why)) fail_msg("%s", why.text);
    train(trainer, plan, comm, 0);
    if (!runfile_read_state(path, trainer, &why)) fail_msg("%s", why.text);
    if (rank_of(comm) == 0) assert_int_equal(trainer->iteration, done);
}

/* Four iterations, stopped after two and gone on with on `comm`, against four on one rank in one go. */
static void stop_and_go_on(const char *settings, const char *maps, MPI_Comm comm) {
    char ini[512];
    struct plan plan, again;
    struct trainer alone, stopped, resumed;
    snprintf(ini, sizeof ini, "iterations = 4\ngames_e = 3\ngames_m = 3\n%s", settings);
    plan_from(&plan, ini, maps);
    train(&alone, &plan, MPI_COMM_SELF, 4);
    train(&stopped, &plan, MPI_COMM_WORLD, 2);
    write_run("run.h5", &stopped);
    read_run("run.h5", &again, &resumed, comm);
    assert_int_equal(resumed.iteration, 2);
    for (int i = 0; i < 2; i++) trainer_iterate(&resumed);
    assert_same_run(&resumed, &alone);
    char *before = plan_ini(&plan), *after = plan_ini(&again);
    assert_string_equal(before, after);
    free(before);
    free(after);
    trainer_destroy(&alone);
    trainer_destroy(&stopped);
    trainer_destroy(&resumed);
    plan_destroy(&plan);
    plan_destroy(&again);
    empty_folder();
}

static void gone_on_with_is_never_stopped(void **state) {
    (void)state;
    stop_and_go_on("", maps_of_two, MPI_COMM_WORLD);
    stop_and_go_on("sharing = team\nreplicas = 2\n", maps_of_two, MPI_COMM_WORLD);
    stop_and_go_on("sharing = none\n", maps_of_two, MPI_COMM_WORLD);
}

static void the_same_with_tables_afresh_and_schedules(void **state) {
    (void)state;
    stop_and_go_on("keep_q = no\nbeta = geometric:0.5:8:4\nalpha = linear:0.2:1:3\n", maps_of_two, MPI_COMM_WORLD);
}

static void the_same_with_large_tables(void **state) {
    (void)state;
    stop_and_go_on("observe_other_actions = yes\nreplicas = 2\n", maps_of_three, MPI_COMM_WORLD);
}

static void the_same_with_other_learners(void **state) {
    (void)state;
    stop_and_go_on("learner = q\nlearning_rate = 0.2\n", maps_of_two, MPI_COMM_WORLD);
    stop_and_go_on("learner = random\nsharing = none\n", maps_of_two, MPI_COMM_WORLD);
}

static void the_same_on_one_rank_afterwards(void **state) {
    (void)state;
    stop_and_go_on("replicas = 3\n", maps_of_two, MPI_COMM_SELF);
    stop_and_go_on("sharing = team\npseudo_count = 0\n", maps_of_two, MPI_COMM_SELF);
}

static void a_run_not_begun_can_be_written_too(void **state) {
    (void)state;
    struct plan plan, again;
    struct trainer fresh, resumed, alone;
    plan_from(&plan, "games_e = 2\n", maps_of_two);
    train(&fresh, &plan, MPI_COMM_WORLD, 0);
    train(&alone, &plan, MPI_COMM_SELF, 1);
    write_run("run.h5", &fresh);
    read_run("run.h5", &again, &resumed, MPI_COMM_WORLD);
    assert_int_equal(resumed.iteration, 0);
    trainer_iterate(&resumed);
    assert_same_run(&resumed, &alone);
    trainer_destroy(&fresh);
    trainer_destroy(&resumed);
    trainer_destroy(&alone);
    plan_destroy(&plan);
    plan_destroy(&again);
    empty_folder();
}

/* On a file system with or without hard links. */
static void keep_the_file_before(bool links) {
    char path[PATH];
    struct plan plan, before;
    struct trainer trainer, old;
    plan_from(&plan, "games_e = 2\ngames_m = 2\n", maps_of_two);
    train(&trainer, &plan, MPI_COMM_WORLD, 1);
    write_run("run.h5", &trainer);
    assert_true(there("run.h5") && !there("run.h5.prev") && !there("run.h5.part"));
    MPI_Barrier(MPI_COMM_WORLD);
    path_of(path, "run.h5");
    no_links = !links, never_missing = path, times_missing = 0;
    for (int i = 0; i < 2; i++) {
        trainer_iterate(&trainer);
        write_run("run.h5", &trainer);
    }
    no_links = false, never_missing = NULL;
    assert_int_equal(times_missing, 0);
    assert_true(there("run.h5") && !there("run.h5.part") && !there("run.h5.prev.part"));
    read_run("run.h5.prev", &before, &old, MPI_COMM_WORLD);
    assert_int_equal(old.iteration, 2);
    trainer_destroy(&trainer);
    trainer_destroy(&old);
    plan_destroy(&plan);
    plan_destroy(&before);
    empty_folder();
}

static void the_file_before_stays_and_no_part_does(void **state) {
    (void)state;
    keep_the_file_before(true);
}

static void without_links_the_file_before_is_a_copy(void **state) {
    (void)state;
    keep_the_file_before(false);
}

/* Iterations done of a run file; -1: there is none. */
static int64_t iterations_of(const char *name) {
    struct plan plan;
    struct trainer trainer;
    if (!there(name)) return -1;
    read_run(name, &plan, &trainer, MPI_COMM_WORLD);
    int64_t done = trainer.iteration;
    trainer_destroy(&trainer);
    plan_destroy(&plan);
    return done;
}

static void as_many_files_stay_as_wanted(void **state) {
    (void)state;
    static const char *const name[] = {"run.h5", "run.h5.prev", "run.h5.prev2", "run.h5.prev3"};
    static const int keep[] = {0, 1, 3};
    for (size_t k = 0; k < sizeof keep / sizeof *keep; k++) {
        char path[PATH];
        struct plan plan;
        struct trainer trainer;
        struct output output;
        struct fault why = {""};
        plan_from(&plan, "games_e = 2\ngames_m = 2\n", maps_of_two);
        train(&trainer, &plan, MPI_COMM_WORLD, 0);
        path_of(path, "run.h5");
        const struct output *place = first_rank() ? &output : NULL;
        if (place) assert_true(output_open(&output, path, false, &why));
        if (place) output.keep = keep[k];
        for (int i = 0; i < 5; i++) {
            trainer_iterate(&trainer);
            assert_true(runfile_write(path, place, &trainer, &made_by_test, &why));
        }
        for (int n = 0; n < 4; n++) assert_int_equal(iterations_of(name[n]), n <= keep[k] ? 5 - n : -1);
        MPI_Barrier(MPI_COMM_WORLD);
        if (place) output_close(&output);
        trainer_destroy(&trainer);
        plan_destroy(&plan);
        empty_folder();
    }
}

/* A rank out of reach may hold the part of the run before, and write into it when it comes back. */
static void what_writes_into_an_old_part_writes_into_no_run_file(void **state) {
    (void)state;
    char part[PATH];
    struct plan plan, again;
    struct trainer trainer, resumed;
    plan_from(&plan, "games_e = 2\ngames_m = 2\n", maps_of_two);
    train(&trainer, &plan, MPI_COMM_WORLD, 1);
    path_of(part, "run.h5.part");
    FILE *orphan = first_rank() ? fopen(part, "w") : NULL;
    MPI_Barrier(MPI_COMM_WORLD);
    write_run("run.h5", &trainer);
    for (int i = 0; orphan && i < 1 << 20; i++) fputc('x', orphan);
    if (orphan) fclose(orphan);
    MPI_Barrier(MPI_COMM_WORLD);
    read_run("run.h5", &again, &resumed, MPI_COMM_WORLD);
    assert_int_equal(resumed.iteration, 1);
    trainer_destroy(&trainer);
    trainer_destroy(&resumed);
    plan_destroy(&plan);
    plan_destroy(&again);
    empty_folder();
}

/* The limit to a process's files that lets this one open n more. */
static struct rlimit limit_for(int n) {
    struct rlimit limit;
    int next = dup(STDERR_FILENO);
    assert_true(next >= 0 && close(next) == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = (rlim_t)(next + n);
    return limit;
}

/* The last rank has no descriptor for its own opening, or none for MPI's. */
static void what_one_rank_cannot_open_all_refuse(void **state) {
    (void)state;
    char path[PATH];
    struct plan plan;
    struct trainer trainer;
    struct rlimit before;
    bool last = rank_of(MPI_COMM_WORLD) == size_of(MPI_COMM_WORLD) - 1;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    plan_from(&plan, "games_e = 2\ngames_m = 2\n", maps_of_two);
    train(&trainer, &plan, MPI_COMM_WORLD, 1);
    write_run("run.h5", &trainer); /* MPI has opened then what it opens once */
    path_of(path, "run.h5");
    for (int left = 0; left < 2; left++) {
        struct fault why = {""};
        struct rlimit few = limit_for(left);
        if (last) assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        bool written = runfile_write(path, NULL, &trainer, &made_by_test, &why);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_false(written);
        assert_non_null(strstr(why.text, strerror(EMFILE)));
        assert_true(there("run.h5") && !there("run.h5.part") && !there("run.h5.prev"));
        MPI_Barrier(MPI_COMM_WORLD);
    }
    write_run("run.h5", &trainer);
    trainer_destroy(&trainer);
    plan_destroy(&plan);
    empty_folder();
}

static void a_host_that_sees_the_file_before_waits(void **state) {
    (void)state;
    char path[PATH];
    struct plan plan;
    struct trainer trainer;
    struct fault why = {""};
    plan_from(&plan, "games_e = 2\ngames_m = 2\n", maps_of_two);
    train(&trainer, &plan, MPI_COMM_WORLD, 1);
    write_run("run.h5", &trainer);
    path_of(path, "run.h5");
    file_before = path;
    stale_openings = first_rank() ? 0 : 2;
    write_run("run.h5", &trainer);
    assert_int_equal(stale_openings, 0);
    if (first_rank()) assert_true(runfile_check(path, NULL, &why));
    trainer_destroy(&trainer);
    plan_destroy(&plan);
    empty_folder();
}

/* Open MPI 4.1 has 256 bytes for the names of files that it opens for shared file pointers. */
static void a_long_path_is_one(void **state) {
    (void)state;
    char inner[2 * PATH], path[3 * PATH];
    struct plan plan;
    struct trainer trainer;
    struct fault why = {""};
    snprintf(inner, sizeof inner, "%s/%0240d", folder, 0);
    snprintf(path, sizeof path, "%s/run.h5", inner);
    plan_from(&plan, "games_e = 2\ngames_m = 2\n", maps_of_two);
    train(&trainer, &plan, MPI_COMM_WORLD, 1);
    if (first_rank()) assert_int_equal(mkdir(inner, 0777), 0);
    if (!runfile_write(path, NULL, &trainer, &made_by_test, &why)) fail_msg("%s", why.text);
    if (first_rank()) assert_true(unlink(path) == 0 && rmdir(inner) == 0);
    trainer_destroy(&trainer);
    plan_destroy(&plan);
    empty_folder();
}

/* The place is taken over by another run: its lock file is another one. */
static void a_place_lost_is_written_to_no_more(void **state) {
    (void)state;
    char path[PATH], lock[PATH];
    struct plan plan;
    struct trainer trainer;
    struct output output;
    struct fault why = {""};
    plan_from(&plan, "games_e = 2\ngames_m = 2\n", maps_of_two);
    train(&trainer, &plan, MPI_COMM_WORLD, 1);
    path_of(path, "run.h5");
    path_of(lock, "run.h5.lock");
    const struct output *place = first_rank() ? &output : NULL;
    if (place) assert_true(output_open(&output, path, false, &why));
    assert_true(runfile_write(path, place, &trainer, &made_by_test, &why));
    if (place) unlink(lock);
    assert_false(runfile_write(path, place, &trainer, &made_by_test, &why));
    assert_non_null(strstr(why.text, "another run may write there"));
    assert_true(there("run.h5") && !there("run.h5.prev"));
    if (place) output_close(&output);
    trainer_destroy(&trainer);
    plan_destroy(&plan);
    empty_folder();
}

#if defined __GLIBC__ && !defined __SANITIZE_ADDRESS__
static size_t bytes_in_use(void) { return mallinfo2().uordblks; }
#else
static size_t bytes_in_use(void) { return 0; }
#endif

/* What HDF5 keeps must follow neither the number of files written nor the length of their curves. */
static void saving_takes_no_memory_for_good(void **state) {
    (void)state;
    enum { WARM = 40, SAVES = 160, LEAST_LEAK = 1 << 16, BETWEEN = 20 };
    struct plan plan;
    struct trainer trainer;
    size_t before = 0, most = 0;
    if (size_of(MPI_COMM_WORLD) > 1) return; /* the same, and slow where ranks share a core */
    plan_from(&plan, "iterations = 4000\ngames_e = 1\ngames_m = 1\nobserve_others = no\n", maps_of_two);
    train(&trainer, &plan, MPI_COMM_WORLD, 1);
    for (int n = 0; n < SAVES; n++) {
        for (int i = 0; i < BETWEEN; i++) trainer_iterate(&trainer);
        write_run("run.h5", &trainer);
        if (n == WARM) before = bytes_in_use();
        if (n > WARM && bytes_in_use() > most) most = bytes_in_use();
    }
    if (most > before + LEAST_LEAK) fail_msg("%zu bytes in use after %d saves, and up to %zu in the next", before, WARM, most);
    trainer_destroy(&trainer);
    plan_destroy(&plan);
    empty_folder();
}

static void the_loop_stops_early_and_saves(void **state) {
    (void)state;
    char path[PATH];
    struct plan plan, again;
    struct trainer trainer, resumed, alone;
    struct fault why = {""};
    plan_from(&plan, "iterations = 3\ngames_e = 2\ngames_m = 2\n", maps_of_two);
    train(&trainer, &plan, MPI_COMM_WORLD, 0);
    train(&alone, &plan, MPI_COMM_SELF, 3);
    path_of(path, "run.h5");
    struct training training = {.path = path, .command = "test", .checkpoint_seconds = 1e9, .stop_after = 2};
    assert_int_equal(training_run(&trainer, &training, &why), TRAINING_STOPPED);
    read_run("run.h5", &again, &resumed, MPI_COMM_WORLD);
    assert_int_equal(resumed.iteration, 2);
    training.stop_after = 0;
    assert_int_equal(training_run(&resumed, &training, &why), TRAINING_DONE);
    assert_same_run(&resumed, &alone);
    trainer_destroy(&trainer);
    trainer_destroy(&resumed);
    trainer_destroy(&alone);
    plan_destroy(&plan);
    plan_destroy(&again);
    empty_folder();
}

static void a_curve_of_the_whole_run(void **state) {
    (void)state;
    char path[PATH];
    struct plan plan;
    struct trainer ours, alone;
    struct runfile_curve curve;
    struct fault why = {""};
    plan_from(&plan, "iterations = 5\ngames_e = 2\ngames_m = 2\nreplicas = 2\nbehaviour = yes\n", maps_of_two);
    train(&ours, &plan, MPI_COMM_WORLD, 3);
    train(&alone, &plan, MPI_COMM_SELF, 3);
    write_run("run.h5", &ours);
    path_of(path, "run.h5");
    for (int c = 0; c < CURVE_COUNT; c++) {
        assert_true(runfile_read_curve(path, (enum curve)c, &curve, &why));
        assert_int_equal(curve.n_replicas, 2);
        assert_int_equal(curve.n_iterations, 3);
        assert_int_equal(curve.n_tasks, 3);
        assert_int_equal(curve.width, curve_about[c].per_agent ? 2 : 1);
        double *expected = curves_first(&alone.curves, (enum curve)c, 3);
        assert_memory_equal(curve.values, expected, (size_t)(2 * 3 * 3 * curve.width) * sizeof *expected);
        free(expected);
        free(curve.values);
    }
    trainer_destroy(&ours);
    trainer_destroy(&alone);
    plan_destroy(&plan);
    empty_folder();
}

/* ---- What is no run file ---- */

/* In place of MPI's: ranks are dealt out to two hosts in turn. */
int MPI_Get_processor_name(char *name, int *length) {
    *length = snprintf(name, MPI_MAX_PROCESSOR_NAME, "%s", rank_of(MPI_COMM_WORLD) % 2 == 0 ? "even" : "odd");
    return MPI_SUCCESS;
}

static void see_some(const char *name, const char *value) {
    if (strcmp(name, "command") == 0) assert_string_equal(value, "test");
    if (strcmp(name, "hosts") == 0) assert_string_equal(value, size_of(MPI_COMM_WORLD) == 1 ? "even" : "even odd");
}

/* Each of the functions that read says no, names the file, and returns on all ranks. */
static void assert_refused(const char *name, const char *says) {
    char path[PATH];
    struct fault why;
    struct config config;
    struct task *tasks;
    struct runfile_curve curve;
    struct plan plan;
    struct trainer trainer;
    int n_tasks;
    int64_t done;
    path_of(path, name);
    MPI_Barrier(MPI_COMM_WORLD);
    plan_from(&plan, "games_e = 2\ngames_m = 2\n", maps_of_two);
    train(&trainer, &plan, MPI_COMM_WORLD, 0);
    for (int i = 0; i < 4; i++) {
        why.text[0] = '\0';
        bool read = i == 0   ? runfile_read_plan(path, &config, &tasks, &n_tasks, &done, &why)
                    : i == 1 ? runfile_read_state(path, &trainer, &why)
                    : i == 2 ? runfile_read_curve(path, CURVE_return, &curve, &why)
                             : runfile_read_provenance(path, see_some, &why);
        assert_false(read);
        if (!strstr(why.text, path) || !strstr(why.text, says)) fail_msg("%s says: %s", name, why.text);
    }
    trainer_destroy(&trainer);
    plan_destroy(&plan);
    MPI_Barrier(MPI_COMM_WORLD);
}

/* A changed run file, sealed again. */
static void put_sealed(const char *name, const void *bytes, size_t n) {
    char path[PATH];
    struct fault why = {""};
    path_of(path, name);
    put_file(name, bytes, n);
    if (first_rank() && n > SEAL_BYTES) assert_true(seal_put(path, NULL, 0, &why));
    MPI_Barrier(MPI_COMM_WORLD);
}

/* A run file's bytes; the caller owns them. */
static unsigned char *some_run(size_t *n) {
    char path[PATH];
    struct plan plan;
    struct trainer trainer;
    struct stat about;
    plan_from(&plan, "games_e = 2\ngames_m = 2\n", maps_of_two);
    train(&trainer, &plan, MPI_COMM_WORLD, 1);
    write_run("whole.h5", &trainer);
    trainer_destroy(&trainer);
    plan_destroy(&plan);
    path_of(path, "whole.h5");
    assert_int_equal(stat(path, &about), 0);
    *n = (size_t)about.st_size;
    unsigned char *bytes = malloc(*n);
    FILE *file = fopen(path, "rb");
    assert_true(bytes && file && fread(bytes, 1, *n, file) == *n);
    fclose(file);
    return bytes;
}

/* The place behind a text in a file. */
static unsigned char *behind(unsigned char *bytes, size_t n, const char *text) {
    size_t length = strlen(text);
    for (size_t i = 0; i + length <= n; i++)
        if (memcmp(bytes + i, text, length) == 0) return bytes + i + length;
    fail_msg("%s is not in the file", text);
    return NULL;
}

static void a_missing_file_is_refused(void **state) {
    (void)state;
    assert_refused("none.h5", "cannot be read");
}

static void what_is_not_hdf5_is_refused(void **state) {
    (void)state;
    put_file("text.h5", "iterations = 3\n", 15);
    assert_refused("text.h5", "HDF5");
    put_file("empty.h5", "", 0);
    assert_refused("empty.h5", "HDF5");
    empty_folder();
}

static void a_folder_is_refused(void **state) {
    (void)state;
    assert_refused(".", "");
}

static void other_hdf5_is_refused(void **state) {
    (void)state;
    size_t n;
    unsigned char *bytes = some_run(&n);
    behind(bytes, n, "multidistral run")[-1] = 'm';
    put_sealed("other.h5", bytes, n);
    assert_refused("other.h5", "no run file");
    free(bytes);
    empty_folder();
}

static void hdf5_without_the_mark_is_refused(void **state) {
    (void)state;
    size_t n;
    unsigned char *bytes = some_run(&n);
    behind(bytes, n, "format_version")[-1] = 'm';
    put_sealed("other.h5", bytes, n);
    assert_refused("other.h5", "format_version");
    free(bytes);
    empty_folder();
}

/* Behind the attribute's name come its type and shape, then its value. */
static void another_format_version_is_refused(void **state) {
    (void)state;
    size_t n;
    enum { NEAR = 40 };
    const int64_t ours = RUNFILE_VERSION, other = RUNFILE_VERSION + 1;
    unsigned char *bytes = some_run(&n), *name = behind(bytes, n, "format_version"), *value = NULL;
    for (unsigned char *at = name; at + sizeof ours <= name + NEAR; at++)
        if (memcmp(at, &ours, sizeof ours) == 0) value = at;
    assert_non_null(value);
    memcpy(value, &other, sizeof other);
    put_sealed("other.h5", bytes, n);
    assert_refused("other.h5", "version 3");
    free(bytes);
    empty_folder();
}

static void a_file_without_its_seal_is_refused(void **state) {
    (void)state;
    size_t n;
    unsigned char *bytes = some_run(&n);
    char path[PATH];
    struct fault why = {""};
    put_file("bare.h5", bytes + SEAL_BYTES, n - SEAL_BYTES);
    path_of(path, "bare.h5");
    assert_false(runfile_check(path, NULL, &why));
    assert_non_null(strstr(why.text, "bare.h5: has lost its seal"));
    free(bytes);
    empty_folder();
}

/* The youngest one that is whole. */
static void of_a_damaged_file_the_one_before_is_offered(void **state) {
    (void)state;
    size_t n;
    unsigned char *bytes = some_run(&n);
    char path[PATH];
    struct fault why = {""};
    path_of(path, "run.h5");
    put_file("run.h5.prev2", bytes, n);
    put_file("run.h5.prev3", bytes, n);
    bytes[n - 100] ^= 1;
    put_file("run.h5", bytes, n);
    put_file("run.h5.prev", bytes, n);
    assert_false(runfile_check(path, NULL, &why));
    assert_non_null(strstr(why.text, "run.h5: is damaged"));
    assert_non_null(strstr(why.text, "run.h5.prev2, is whole"));
    free(bytes);
    empty_folder();
}

static void a_file_cut_short_is_refused(void **state) {
    (void)state;
    size_t n;
    unsigned char *bytes = some_run(&n);
    const size_t left[] = {1, 100, n / 4, n / 2, n - 1};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        put_sealed("cut.h5", bytes, left[i]);
        assert_refused("cut.h5", "");
    }
    free(bytes);
    empty_folder();
}

static void assert_state_refused(const char *name, const char *settings, const char *says) {
    char path[PATH];
    struct plan plan;
    struct trainer trainer;
    struct fault why = {""};
    path_of(path, name);
    plan_from(&plan, settings, maps_of_two);
    train(&trainer, &plan, MPI_COMM_WORLD, 0);
    assert_false(runfile_read_state(path, &trainer, &why));
    assert_non_null(strstr(why.text, path));
    assert_non_null(strstr(why.text, says));
    trainer_destroy(&trainer);
    plan_destroy(&plan);
    empty_folder();
}

/* The state of other tasks does not fit, and is no crash. */
static void the_state_of_another_plan_is_refused(void **state) {
    (void)state;
    size_t n;
    free(some_run(&n));
    assert_state_refused("whole.h5", "replicas = 2\n", "");
}

/* As when a run that was told to go on for longer puts its file there, after the plan was read. */
static void more_iterations_than_the_plan_has_are_refused(void **state) {
    (void)state;
    struct plan plan;
    struct trainer trainer;
    plan_from(&plan, "iterations = 400\ngames_e = 1\ngames_m = 1\nstep_limit = 5\n", maps_of_two);
    train(&trainer, &plan, MPI_COMM_WORLD, 200);
    write_run("run.h5", &trainer);
    trainer_destroy(&trainer);
    plan_destroy(&plan);
    assert_state_refused("run.h5", "iterations = 3\ngames_e = 1\ngames_m = 1\nstep_limit = 5\n", "was replaced while it was read");
}

static void provenance_is_kept(void **state) {
    (void)state;
    size_t n;
    char path[PATH];
    struct fault why = {""};
    free(some_run(&n));
    path_of(path, "whole.h5");
    assert_true(runfile_read_provenance(path, see_some, &why));
    empty_folder();
}

/* Bytes that this process has read from files so far; -1 where Linux does not tell. */
static long long bytes_read(void) {
    long long bytes = -1;
    FILE *about = fopen("/proc/self/io", "r");
    if (about && fscanf(about, "rchar: %lld", &bytes) != 1) bytes = -1;
    if (about) fclose(about);
    return bytes;
}

static void a_prior_is_read_whole_by_one_rank_alone(void **state) {
    (void)state;
    size_t n;
    char path[PATH];
    struct plan plan;
    struct trainer trainer;
    struct fault why = {""};
    free(some_run(&n));
    path_of(path, "whole.h5");
    plan_from(&plan, "games_e = 2\ngames_m = 2\n", maps_of_two);
    train(&trainer, &plan, MPI_COMM_WORLD, 0);
    long long before = bytes_read();
    if (!prior_read(path, &trainer, &why)) fail_msg("%s", why.text);
    if (before >= 0 && first_rank()) assert_true(bytes_read() - before >= (long long)n);
    if (before >= 0 && !first_rank()) assert_true(bytes_read() - before < (long long)n / 2);
    assert_string_equal(trainer.prior.path, path);
    assert_int_equal(trainer.prior.iterations, 1);
    trainer_destroy(&trainer);
    plan_destroy(&plan);
    empty_folder();
}

static void a_prior_that_rank_0_refuses_all_refuse(void **state) {
    (void)state;
    char path[PATH];
    struct plan plan;
    struct trainer trainer;
    struct fault why = {""};
    path_of(path, "none.h5");
    plan_from(&plan, "games_e = 2\ngames_m = 2\n", maps_of_two);
    train(&trainer, &plan, MPI_COMM_WORLD, 0);
    assert_false(prior_read(path, &trainer, &why));
    assert_non_null(strstr(why.text, "none.h5"));
    trainer_destroy(&trainer);
    plan_destroy(&plan);
}

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gone_on_with_is_never_stopped),
        cmocka_unit_test(the_same_with_tables_afresh_and_schedules),
        cmocka_unit_test(the_same_with_large_tables),
        cmocka_unit_test(the_same_with_other_learners),
        cmocka_unit_test(the_same_on_one_rank_afterwards),
        cmocka_unit_test(a_run_not_begun_can_be_written_too),
        cmocka_unit_test(the_file_before_stays_and_no_part_does),
        cmocka_unit_test(without_links_the_file_before_is_a_copy),
        cmocka_unit_test(as_many_files_stay_as_wanted),
        cmocka_unit_test(what_writes_into_an_old_part_writes_into_no_run_file),
        cmocka_unit_test(what_one_rank_cannot_open_all_refuse),
        cmocka_unit_test(a_host_that_sees_the_file_before_waits),
        cmocka_unit_test(a_long_path_is_one),
        cmocka_unit_test(a_place_lost_is_written_to_no_more),
        cmocka_unit_test(saving_takes_no_memory_for_good),
        cmocka_unit_test(the_loop_stops_early_and_saves),
        cmocka_unit_test(a_curve_of_the_whole_run),
        cmocka_unit_test(a_missing_file_is_refused),
        cmocka_unit_test(what_is_not_hdf5_is_refused),
        cmocka_unit_test(a_folder_is_refused),
        cmocka_unit_test(other_hdf5_is_refused),
        cmocka_unit_test(hdf5_without_the_mark_is_refused),
        cmocka_unit_test(another_format_version_is_refused),
        cmocka_unit_test(a_file_without_its_seal_is_refused),
        cmocka_unit_test(of_a_damaged_file_the_one_before_is_offered),
        cmocka_unit_test(a_file_cut_short_is_refused),
        cmocka_unit_test(the_state_of_another_plan_is_refused),
        cmocka_unit_test(more_iterations_than_the_plan_has_are_refused),
        cmocka_unit_test(provenance_is_kept),
        cmocka_unit_test(a_prior_is_read_whole_by_one_rank_alone),
        cmocka_unit_test(a_prior_that_rank_0_refuses_all_refuse),
    };
    open_folder();
    return run_on_all_ranks(tests, sizeof tests / sizeof *tests, close_folder);
}
