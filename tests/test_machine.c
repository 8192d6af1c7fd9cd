/* base/machine: the limits of schedulers and containers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "multidistral/base/machine.h"

static char root[] = "/tmp/multidistral_XXXXXX";
static const char *const folders[] = {"job", "job/step", "memory", "memory/slurm", "memory/slurm/job"};
enum { FOLDERS = sizeof folders / sizeof *folders };

static int make_root(void **unused) {
    (void)unused;
    char path[256];
    if (!mkdtemp(root)) return -1;
    for (int i = 0; i < FOLDERS; i++) {
        snprintf(path, sizeof path, "%s/%s", root, folders[i]);
        if (mkdir(path, 0700) != 0) return -1;
    }
    return 0;
}

static void set(const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    unlink(path);
    if (!text) return;
    FILE *file = fopen(path, "w");
    assert_true(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static int remove_root(void **unused) {
    (void)unused;
    char path[256];
    for (int i = FOLDERS - 1; i >= 0; i--) {
        snprintf(path, sizeof path, "%s/%s", root, folders[i]);
        if (rmdir(path) != 0) return -1;
    }
    return rmdir(root);
}

static void a_limit_is_a_number_or_none(void **unused) {
    (void)unused;
    assert_true(machine_limit("4294967296\n") == 0x1p32);
    assert_true(machine_limit("9223372036854771712\n") > 0x1p62); /* version 1's none: more than there is of anything */
    assert_true(isinf(machine_limit("max\n")));
    assert_true(isinf(machine_limit("")));
    assert_true(isinf(machine_limit("0\n")));
}

static void version_2_counts_the_groups_around(void **unused) {
    (void)unused;
    const char *groups = "0::/job/step\n";
    assert_true(isinf(machine_group_bytes(groups, root)));
    set("job/step/memory.max", "max\n");
    assert_true(isinf(machine_group_bytes(groups, root)));
    set("job/memory.max", "4000000\n");
    assert_true(machine_group_bytes(groups, root) == 4e6);
    set("job/step/memory.max", "3000000\n");
    assert_true(machine_group_bytes(groups, root) == 3e6);
    set("memory.max", "2000000\n");
    assert_true(machine_group_bytes(groups, root) == 2e6);
    assert_true(machine_group_bytes("0::/\n", root) == 2e6);
    set("memory.max", NULL);
    assert_true(isinf(machine_group_bytes("0::/\n", root)));
    set("job/memory.max", NULL);
    set("job/step/memory.max", NULL);
}

static void version_1_has_a_folder_for_memory(void **unused) {
    (void)unused;
    set("memory/slurm/job/memory.limit_in_bytes", "5000000\n");
    assert_true(machine_group_bytes("9:cpu:/\n4:memory:/slurm/job\n0::/\n", root) == 5e6);
    assert_true(machine_group_bytes("4:cpu,memory,pids:/slurm/job", root) == 5e6);
    assert_true(isinf(machine_group_bytes("4:cpu,memory2:/slurm/job\n", root)));
    assert_true(isinf(machine_group_bytes("4:name=memory:/slurm/job\n", root)));
    set("memory/slurm/memory.limit_in_bytes", "4000000\n");
    assert_true(machine_group_bytes("4:memory:/slurm/job\n", root) == 4e6);
    set("memory/memory.limit_in_bytes", "3000000\n"); /* a container's, which has another path outside */
    assert_true(machine_group_bytes("4:memory:/docker/0123\n", root) == 3e6);
    set("memory/memory.limit_in_bytes", NULL);
    set("memory/slurm/memory.limit_in_bytes", NULL);
    set("memory/slurm/job/memory.limit_in_bytes", NULL);
}

static void what_is_no_list_of_groups_has_no_limit(void **unused) {
    (void)unused;
    static const char *const text[] = {"", "\n", ":", "::", "0", "0::", "/", "4:memory", "4:memory:\n"};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) assert_true(isinf(machine_group_bytes(text[i], root)));
}

static void there_is_no_more_than_the_machine_has(void **unused) {
    (void)unused;
    assert_true(machine_bytes() > 0 && machine_bytes() < 0x1p60);
    assert_true(machine_bytes() == machine_bytes());
}

static void the_address_space_may_be_limited(void **unused) {
    (void)unused;
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    limit = (struct rlimit){.rlim_cur = (rlim_t)1 << 40, .rlim_max = before.rlim_max};
    if (before.rlim_max < limit.rlim_cur) skip();
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    double bytes = machine_process_bytes();
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_true(bytes == 0x1p40);
    if (before.rlim_cur == RLIM_INFINITY) assert_true(isinf(machine_process_bytes()));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_is_a_number_or_none),
        cmocka_unit_test(version_2_counts_the_groups_around),
        cmocka_unit_test(version_1_has_a_folder_for_memory),
        cmocka_unit_test(what_is_no_list_of_groups_has_no_limit),
        cmocka_unit_test(there_is_no_more_than_the_machine_has),
        cmocka_unit_test(the_address_space_may_be_limited),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
