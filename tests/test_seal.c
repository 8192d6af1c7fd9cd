/* run/seal: what it sees, and what it lets through. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "multidistral/run/seal.h"

enum { LENGTH = SEAL_BYTES + 70001 }; /* more than one piece of reading, and no whole words */

static char path[] = "/tmp/multidistral_seal_XXXXXX";
static unsigned char sealed[LENGTH];
static char said[FAULT_LENGTH]; /* of the last file that was looked at */

enum { N_PARTS = 3, GAP = SEAL_BYTES + 500 };
static struct seal_part parts[N_PARTS] = {{"curves/return", SEAL_BYTES + 40001, 30000}, {"row", SEAL_BYTES + 8, 101}, {"values/q", SEAL_BYTES + 2000, 38000}};


static void put_bytes(const void *bytes, size_t n) {
    FILE *file = fopen(path, "wb");
    assert_true(file && fwrite(bytes, 1, n, file) == n && fclose(file) == 0);
}

static int make_sealed(void **unused) {
    (void)unused;
    struct fault why = {""};
    int file = mkstemp(path);
    if (file < 0 || close(file) != 0) return -1;
    for (size_t i = SEAL_BYTES; i < LENGTH; i++) sealed[i] = (unsigned char)(i * i / 7);
    put_bytes(sealed, LENGTH);
    if (!seal_put(path, parts, N_PARTS, &why)) fail_msg("%s", why.text);
    FILE *whole = fopen(path, "rb");
    bool read = whole && fread(sealed, 1, LENGTH, whole) == LENGTH;
    return !read || fclose(whole) != 0 ? -1 : 0;
}

static int remove_sealed(void **unused) {
    (void)unused;
    return unlink(path);
}

static bool holds(const void *bytes, size_t n) {
    struct fault why = {""};
    put_bytes(bytes, n);
    enum seal_state state = seal_look(path, &why);
    if (state == SEAL_BROKEN) assert_non_null(strstr(why.text, path));
    strcpy(said, why.text);
    return state == SEAL_WHOLE;
}

static void a_sealed_file_begins_with_a_line_of_text(void **unused) {
    (void)unused;
    assert_true(holds(sealed, LENGTH));
    assert_memory_equal(sealed, "MultiDistral, HDF5 behind byte 16384; bytes 0000000000015171 digest ", 68);
    assert_null(memchr(sealed, '\0', strcspn((char *)sealed, "\n")));
}

/* A bit of each byte of the seal's line, and of some behind. */
static void one_changed_bit_breaks_it(void **unused) {
    (void)unused;
    static unsigned char copy[LENGTH];
    for (size_t at = 0; at < LENGTH; at += at < 400 ? 1 : at < SEAL_BYTES ? 599 : 2999) {
        memcpy(copy, sealed, LENGTH);
        copy[at] ^= (unsigned char)(1 << at % 8);
        if (holds(copy, LENGTH)) fail_msg("a changed bit in byte %zu was not seen", at);
    }
    memcpy(copy, sealed, LENGTH);
    copy[LENGTH - 1] ^= 1;
    assert_false(holds(copy, LENGTH));
}

static void blocks_in_another_order_break_it(void **unused) {
    (void)unused;
    static unsigned char copy[LENGTH];
    memcpy(copy, sealed, LENGTH);
    memcpy(copy + SEAL_BYTES + 1024, sealed + SEAL_BYTES + 9216, 512);
    memcpy(copy + SEAL_BYTES + 9216, sealed + SEAL_BYTES + 1024, 512);
    assert_false(holds(copy, LENGTH));
}

static void another_length_breaks_it(void **unused) {
    (void)unused;
    static unsigned char longer[LENGTH + 8];
    memcpy(longer, sealed, LENGTH);
    for (size_t n = 0; n < LENGTH; n += n > SEAL_BYTES - 3 && n < SEAL_BYTES + 9 ? 1 : n < SEAL_BYTES - 150 ? 150 : n < SEAL_BYTES ? 15 : 9999)
        if (holds(sealed, n)) fail_msg("%zu of %d bytes were taken", n, LENGTH);
    for (size_t more = 1; more <= 8; more++) assert_false(holds(longer, LENGTH + more)); /* zeros, as the last word has */
}

static enum seal_state state_of(const void *bytes, size_t n) {
    struct fault why;
    put_bytes(bytes, n);
    return seal_look(path, &why);
}

static void a_file_without_a_seal_is_known_by_its_beginning(void **unused) {
    (void)unused;
    static const char begins[] = "\x89HDF\r\n\x1a\nand so on";
    assert_int_equal(state_of(begins, sizeof begins), SEAL_NONE);
    assert_int_equal(state_of(begins, 8), SEAL_NONE);
    assert_int_equal(state_of(begins, 7), SEAL_BROKEN);
    assert_int_equal(state_of(begins + 1, sizeof begins - 1), SEAL_BROKEN);
    assert_int_equal(state_of("text\n", 5), SEAL_BROKEN);
}

/* ---- Parts ---- */

/* Changes a byte, or the length, and expects these parts to be named. */
static void assert_named(size_t at, size_t length, const char *names) {
    static unsigned char copy[LENGTH + 8];
    char expected[128];
    memcpy(copy, sealed, LENGTH);
    if (at < LENGTH) copy[at] ^= 64;
    assert_false(holds(copy, length));
    snprintf(expected, sizeof expected, ", in %s", names);
    if (!strstr(said, expected) || strlen(strstr(said, expected)) != strlen(expected)) fail_msg("byte %zu, length %zu: %s", at, length, said);
}

static void damaged_parts_are_named(void **unused) {
    (void)unused;
    static const char own[] = "HDF5's own: groups, names, attributes";
    assert_named(SEAL_BYTES + 8, LENGTH, "row");
    assert_named(SEAL_BYTES + 108, LENGTH, "row");
    assert_named(SEAL_BYTES + 2000, LENGTH, "values/q");
    assert_named(SEAL_BYTES + 39999, LENGTH, "values/q");
    assert_named(SEAL_BYTES + 40001, LENGTH, "curves/return");
    assert_named(SEAL_BYTES + 70000, LENGTH, "curves/return");
    assert_named(SEAL_BYTES + 7, LENGTH, own);
    assert_named(GAP, LENGTH, own);
    assert_named(SEAL_BYTES + 40000, LENGTH, own);
    assert_named(LENGTH, LENGTH - 1, "curves/return");
    assert_named(LENGTH, LENGTH + 8, own);
    assert_named(SEAL_BYTES + 50, SEAL_BYTES + 3000, "row; values/q; curves/return; HDF5's own: groups, names, attributes");
    assert_named(90, LENGTH, "the seal");                /* a digit that is none */
    assert_named(SEAL_BYTES - 1, LENGTH, "the seal");    /* zeros that are none */
}

static int n_seen, n_whole;

static void count(const struct seal_part *part, bool whole) {
    static const char *const in_order[] = {"row", "values/q", "curves/return", "HDF5's own: groups, names, attributes"};
    assert_string_equal(part->name, in_order[n_seen++]);
    n_whole += whole;
}

static void all_parts_are_seen_in_their_order(void **unused) {
    (void)unused;
    struct fault why;
    n_seen = n_whole = 0;
    put_bytes(sealed, LENGTH);
    assert_int_equal(seal_look_at_parts(path, count, &why), SEAL_WHOLE);
    assert_int_equal(n_seen, 4);
    assert_int_equal(n_whole, 4);
    sealed[GAP] ^= 1;
    put_bytes(sealed, LENGTH);
    sealed[GAP] ^= 1;
    n_seen = n_whole = 0;
    assert_int_equal(seal_look_at_parts(path, count, &why), SEAL_BROKEN);
    assert_int_equal(n_seen, 4);
    assert_int_equal(n_whole, 3);
}

/* More than the block has room for: those that are left out count as HDF5's own. */
static void parts_without_number(void **unused) {
    (void)unused;
    enum { MANY = 1000, EACH = 70 };
    static struct seal_part many[MANY];
    static unsigned char copy[LENGTH];
    struct fault why;
    for (int i = 0; i < MANY; i++) {
        many[i] = (struct seal_part){.first = SEAL_BYTES + (uint64_t)(MANY - 1 - i) * EACH, .bytes = EACH};
        snprintf(many[i].name, sizeof many[i].name, "%063d", i);
    }
    put_bytes(sealed, LENGTH);
    assert_true(seal_put(path, many, MANY, &why));
    FILE *file = fopen(path, "rb");
    assert_true(file && fread(copy, 1, LENGTH, file) == LENGTH && fclose(file) == 0);
    assert_true(holds(copy, LENGTH));
    copy[SEAL_BYTES + EACH] ^= 1;
    assert_false(holds(copy, LENGTH));
    assert_non_null(strstr(said, "000998")); /* the second in the file */
    copy[SEAL_BYTES + EACH] ^= 1;
    copy[LENGTH - 2] ^= 1;
    assert_false(holds(copy, LENGTH));
    assert_non_null(strstr(said, "HDF5's own"));
}

/* Names come from the file, and go to a terminal. */
static void a_name_that_is_no_text_is_not_printed(void **unused) {
    (void)unused;
    static unsigned char copy[LENGTH];
    memcpy(copy, sealed, LENGTH);
    unsigned char *name = (unsigned char *)strstr((char *)copy, "row\n");
    assert_non_null(name);
    name[0] = '\033';
    assert_false(holds(copy, LENGTH));
    assert_non_null(strstr(said, ", in the seal"));
    assert_null(strchr(said, '\033'));
}

/* As many lines as a seal holds at most, if each were as short as numbers can be read, and parts of which each is read again. */
static void lines_that_nobody_wrote_are_no_parts(void **unused) {
    (void)unused;
    static const char *const line[] = {"0 0 0 a\n", "0000000000004000 0000000000000001 0000000000000000 a\n"};
    static char copy[LENGTH];
    for (int i = 0; i < 2; i++) {
        size_t length = strlen(line[i]);
        memcpy(copy, sealed, LENGTH);
        copy[81] ^= 1;
        memset(copy + 85, 0, SEAL_BYTES - 85);
        for (size_t at = 85; at + length < SEAL_BYTES; at += length) memcpy(copy + at, line[i], length);
        assert_false(holds(copy, LENGTH));
        assert_non_null(strstr(said, ", in the seal"));
    }
}

static void what_cannot_be_read_is_refused(void **unused) {
    (void)unused;
    struct fault why = {""};
    assert_int_equal(seal_look("/", &why), SEAL_BROKEN);
    assert_non_null(strstr(why.text, "/: cannot be read: Is a directory"));
}

static void what_cannot_be_opened_is_refused(void **unused) {
    (void)unused;
    struct fault why = {""};
    assert_int_equal(seal_look("/nowhere/x.h5", &why), SEAL_BROKEN);
    assert_non_null(strstr(why.text, "/nowhere/x.h5: cannot be read: No such file"));
    assert_false(seal_put("/nowhere/x.h5", NULL, 0, &why));
    assert_non_null(strstr(why.text, "/nowhere/x.h5: cannot be sealed: No such file"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_file_begins_with_a_line_of_text),
        cmocka_unit_test(one_changed_bit_breaks_it),
        cmocka_unit_test(blocks_in_another_order_break_it),
        cmocka_unit_test(another_length_breaks_it),
        cmocka_unit_test(a_file_without_a_seal_is_known_by_its_beginning),
        cmocka_unit_test(damaged_parts_are_named),
        cmocka_unit_test(all_parts_are_seen_in_their_order),
        cmocka_unit_test(parts_without_number),
        cmocka_unit_test(a_name_that_is_no_text_is_not_printed),
        cmocka_unit_test(lines_that_nobody_wrote_are_no_parts),
        cmocka_unit_test(what_cannot_be_read_is_refused),
        cmocka_unit_test(what_cannot_be_opened_is_refused),
    };
    return cmocka_run_group_tests(tests, make_sealed, remove_sealed);
}
