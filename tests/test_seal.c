/* run/seal: what it sees, and what it lets through. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "multidistral/run/seal.h"

enum { LENGTH = SEAL_BYTES + 70001 }; /* more than one piece of reading, and no whole words */

static char path[] = "/tmp/multidistral_seal_XXXXXX";
static unsigned char sealed[LENGTH];

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
    if (!seal_put(path, &why)) fail_msg("%s", why.text);
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
    bool seal = seal_holds(path, &why);
    if (!seal) assert_non_null(strstr(why.text, path));
    return seal;
}

static void a_sealed_file_begins_with_a_line_of_text(void **unused) {
    (void)unused;
    assert_true(holds(sealed, LENGTH));
    assert_memory_equal(sealed, "MultiDistral, HDF5 behind byte 512; bytes 0000000000011371 digest ", 66);
    assert_null(memchr(sealed, '\0', strcspn((char *)sealed, "\n")));
}

/* A bit of each byte of the seal's line, and of some behind. */
static void one_changed_bit_breaks_it(void **unused) {
    (void)unused;
    unsigned char copy[LENGTH];
    for (size_t at = 0; at < LENGTH; at += at < 100 ? 1 : at < SEAL_BYTES ? 59 : 2999) {
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
    unsigned char copy[LENGTH];
    memcpy(copy, sealed, LENGTH);
    memcpy(copy + 1024, sealed + 9216, 512);
    memcpy(copy + 9216, sealed + 1024, 512);
    assert_false(holds(copy, LENGTH));
}

static void another_length_breaks_it(void **unused) {
    (void)unused;
    static unsigned char longer[LENGTH + 8];
    memcpy(longer, sealed, LENGTH);
    for (size_t n = 0; n < LENGTH; n += n > SEAL_BYTES - 3 && n < SEAL_BYTES + 9 ? 1 : n < SEAL_BYTES ? 15 : 9999)
        if (holds(sealed, n)) fail_msg("%zu of %d bytes were taken", n, LENGTH);
    for (size_t more = 1; more <= 8; more++) assert_false(holds(longer, LENGTH + more)); /* zeros, as the last word has */
}

static void a_file_without_a_seal_is_let_through_if_it_begins_as_hdf5(void **unused) {
    (void)unused;
    static const char begins[] = "\x89HDF\r\n\x1a\nand so on";
    assert_true(holds(begins, sizeof begins));
    assert_true(holds(begins, 8));
    assert_false(holds(begins, 7));
    assert_false(holds(begins + 1, sizeof begins - 1));
    assert_false(holds("text\n", 5));
}

static void what_cannot_be_opened_is_refused(void **unused) {
    (void)unused;
    struct fault why = {""};
    assert_false(seal_holds("/nowhere/x.h5", &why));
    assert_non_null(strstr(why.text, "/nowhere/x.h5: cannot be read: No such file"));
    assert_false(seal_put("/nowhere/x.h5", &why));
    assert_non_null(strstr(why.text, "/nowhere/x.h5: cannot be sealed: No such file"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_file_begins_with_a_line_of_text),
        cmocka_unit_test(one_changed_bit_breaks_it),
        cmocka_unit_test(blocks_in_another_order_break_it),
        cmocka_unit_test(another_length_breaks_it),
        cmocka_unit_test(a_file_without_a_seal_is_let_through_if_it_begins_as_hdf5),
        cmocka_unit_test(what_cannot_be_opened_is_refused),
    };
    return cmocka_run_group_tests(tests, make_sealed, remove_sealed);
}
