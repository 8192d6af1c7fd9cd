#define _DEFAULT_SOURCE /* syscall */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "multidistral/run/output.h"

enum { PATH = 256 };
static char folder[PATH];

/* File systems that cannot do everything: in place of the C library's calls. */
static int no_locks, fsync_error, fsync_calls_left;

int fcntl(int file, int command, ...) {
    va_list more;
    va_start(more, command);
    void *about = va_arg(more, void *);
    va_end(more);
    if (command == F_SETLK && no_locks) return errno = ENOLCK, -1;
    return (int)syscall(SYS_fcntl, file, command, about);
}

int fsync(int file) {
    if (fsync_error && fsync_calls_left-- == 0) return errno = fsync_error, -1;
    return (int)syscall(SYS_fsync, file);
}

static char *path_of(char out[PATH], const char *name) {
    snprintf(out, PATH, "%.200s/%s", folder, name);
    return out;
}

static bool there(const char *name) {
    char path[PATH];
    struct stat about;
    return lstat(path_of(path, name), &about) == 0;
}

static void write_file(const char *path) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/test_output_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char path[PATH];
    const char *const names[] = {"run.h5", "run.h5.lock", "run.h5.part", "link.h5", "fifo"};
    no_locks = fsync_error = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(path_of(path, names[i]));
    return rmdir(folder);
}

static void refused(const char *name, bool may_replace, const char *says) {
    char path[PATH];
    struct output output;
    struct fault why = {""};
    assert_false(output_open(&output, path_of(path, name), may_replace, &why));
    assert_non_null(strstr(why.text, says));
    assert_non_null(strstr(why.text, path));
}

static void a_free_place_is_taken_and_left_clean(void **state) {
    (void)state;
    char path[PATH];
    struct output output;
    struct fault why;
    assert_true(output_open(&output, path_of(path, "run.h5"), false, &why));
    assert_string_equal(output.path, path);
    assert_false(there("run.h5"));
    output_close(&output);
    assert_false(there("run.h5.lock"));
}

static void what_is_there_is_not_replaced_unasked(void **state) {
    (void)state;
    char path[PATH];
    struct output output;
    struct fault why;
    write_file(path_of(path, "run.h5"));
    refused("run.h5", false, "is there already");
    assert_true(output_open(&output, path, true, &why));
    assert_true(output_is(&output, path));
    assert_false(output_is(&output, folder));
    output_close(&output);
    assert_true(there("run.h5"));
}

static void only_regular_files_are_places(void **state) {
    (void)state;
    char path[PATH];
    assert_int_equal(mkfifo(path_of(path, "fifo"), 0600), 0);
    refused("fifo", true, "no regular file");
    refused(".", true, "no regular file");
    refused("none/run.h5", true, "cannot be written");
    assert_int_equal(symlink("nowhere", path_of(path, "link.h5")), 0);
    refused("link.h5", true, "link to nowhere");
    assert_true(there("fifo") && there("link.h5"));
}

static void links_are_followed(void **state) {
    (void)state;
    char link[PATH], path[PATH];
    struct output output;
    struct fault why;
    write_file(path_of(path, "run.h5"));
    assert_int_equal(symlink("run.h5", path_of(link, "link.h5")), 0);
    assert_true(output_open(&output, link, true, &why));
    assert_string_equal(output.path, path);
    output_close(&output);
}

/* Locks belong to processes: the other run is one. */
static void another_run_is_locked_out_while_this_one_lives(void **state) {
    (void)state;
    char path[PATH];
    struct output output;
    struct fault why;
    assert_true(output_open(&output, path_of(path, "run.h5"), false, &why));
    for (int alive = 1; alive >= 0; alive--) {
        pid_t child = fork();
        if (child == 0) {
            struct output other;
            _exit(output_open(&other, path, false, &why));
        }
        int status;
        waitpid(child, &status, 0);
        assert_int_equal(WEXITSTATUS(status), alive ? 0 : 1);
        if (alive) output_close(&output);
    }
    /* the child ended without closing: its lock file stays, and holds nobody up */
    assert_true(there("run.h5.lock"));
    assert_true(output_open(&output, path, false, &why));
    output_close(&output);
}

/* A file server that gave our lock away is played by a lock file that somebody else made. */
static void a_lock_lost_is_noticed_and_the_other_s_stays(void **state) {
    (void)state;
    char path[PATH], lock[PATH];
    struct output output;
    struct fault why = {""};
    assert_true(output_open(&output, path_of(path, "run.h5"), false, &why));
    assert_true(output_is_held(&output, &why));
    unlink(path_of(lock, "run.h5.lock"));
    assert_false(output_is_held(&output, &why));
    assert_non_null(strstr(why.text, "another run may write there"));
    write_file(lock);
    assert_false(output_is_held(&output, &why));
    output_close(&output);
    assert_true(there("run.h5.lock"));
}

/* So that the holder of an old lock, should it still live, sees that it is no longer its. */
static void a_lock_left_over_is_not_used_again(void **state) {
    (void)state;
    char path[PATH], lock[PATH];
    struct output output;
    struct fault why;
    struct stat before, after;
    write_file(path_of(lock, "run.h5.lock"));
    int left_over = open(lock, O_RDONLY); /* or its number may be used again */
    assert_int_equal(fstat(left_over, &before), 0);
    assert_true(output_open(&output, path_of(path, "run.h5"), false, &why));
    assert_int_equal(stat(lock, &after), 0);
    assert_int_not_equal(before.st_ino, after.st_ino);
    output_close(&output);
    close(left_over);
}

/* As on some parallel file systems, mounted without them. */
static void without_locks_a_place_is_taken_all_the_same(void **state) {
    (void)state;
    char path[PATH];
    struct output output;
    struct fault why;
    no_locks = 1;
    assert_true(output_open(&output, path_of(path, "run.h5"), false, &why));
    assert_int_equal(output.lock, -1);
    assert_false(there("run.h5.lock"));
    assert_true(output_is_held(&output, &why));
    output_close(&output);
}

/* The first flush is the file's, the second its folder's. */
static bool placed_with(int failing_call, int error, struct fault *why) {
    char part[PATH], path[PATH];
    write_file(path_of(part, "run.h5.part"));
    fsync_error = error;
    fsync_calls_left = failing_call;
    return output_place(part, path_of(path, "run.h5"), why);
}

static void a_file_is_placed_once_it_is_on_the_disk(void **state) {
    (void)state;
    struct fault why = {""};
    assert_false(placed_with(0, EIO, &why));
    assert_non_null(strstr(why.text, "run.h5.part: cannot be flushed to disk"));
    assert_true(there("run.h5.part") && !there("run.h5"));
    assert_true(placed_with(0, 0, &why));
    assert_true(!there("run.h5.part") && there("run.h5"));
}

static void folders_that_cannot_be_flushed_are_no_fault_but_failing_disks_are(void **state) {
    (void)state;
    struct fault why = {""};
    assert_true(placed_with(1, EINVAL, &why));
    assert_false(placed_with(1, EIO, &why));
    assert_non_null(strstr(why.text, "its name cannot be flushed to disk"));
    assert_true(!there("run.h5.part") && there("run.h5"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_free_place_is_taken_and_left_clean, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_is_there_is_not_replaced_unasked, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(only_regular_files_are_places, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(links_are_followed, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(another_run_is_locked_out_while_this_one_lives, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_lock_lost_is_noticed_and_the_other_s_stays, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_lock_left_over_is_not_used_again, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(without_locks_a_place_is_taken_all_the_same, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_file_is_placed_once_it_is_on_the_disk, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(folders_that_cannot_be_flushed_are_no_fault_but_failing_disks_are, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
