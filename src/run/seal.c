#include "multidistral/run/seal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"

static const char signature[8] = "\x89HDF\r\n\x1a\n";
static const char line_format[] = "MultiDistral, HDF5 behind byte 512; bytes %016" PRIx64 " digest %016" PRIx64 "\n";

static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* The digest of n words that follow `before` others. */
static uint64_t digest_of(const uint64_t *word, size_t n, uint64_t before) {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += mix(word[i] + (before + i + 1) * UINT64_C(0x9e3779b97f4a7c15));
    return sum;
}

/* From where the file stands to its end: the digest, and the number of bytes. */
static bool digest_rest(FILE *file, uint64_t *digest, uint64_t *bytes) {
    enum { WORDS = 1 << 13 };
    uint64_t *words = memory_zeros(WORDS, sizeof *words);
    size_t n;
    *digest = *bytes = 0;
    while ((n = fread(words, 1, WORDS * sizeof *words, file)) > 0) {
        if (n % sizeof *words) memset((char *)words + n, 0, sizeof *words - n % sizeof *words);
        *digest += digest_of(words, (n + sizeof *words - 1) / sizeof *words, *bytes / sizeof *words);
        *bytes += n;
    }
    free(words);
    return !ferror(file);
}

/* The seal that the file should have, as its SEAL_BYTES bytes; the file stands behind them. */
static bool seal_of(FILE *file, char seal[SEAL_BYTES]) {
    uint64_t digest, bytes;
    if (!digest_rest(file, &digest, &bytes)) return false;
    memset(seal, 0, SEAL_BYTES);
    snprintf(seal, SEAL_BYTES, line_format, bytes + SEAL_BYTES, digest);
    return true;
}

bool seal_put(const char *path, struct fault *why) {
    char seal[SEAL_BYTES];
    FILE *file = fopen(path, "r+b");
    bool put = file && fseek(file, SEAL_BYTES, SEEK_SET) == 0 && seal_of(file, seal) && fseek(file, 0, SEEK_SET) == 0 &&
               fwrite(seal, 1, sizeof seal, file) == sizeof seal;
    int error = errno;
    if (file && fclose(file) != 0) put = false, error = errno;
    return put || fault_set(why, "%s: cannot be sealed: %s", path, strerror(error));
}

static bool same_seal(FILE *file, const char *path, const char given[SEAL_BYTES], struct fault *why) {
    char seal[SEAL_BYTES];
    if (!seal_of(file, seal)) return fault_set(why, "%s: cannot be read: %s", path, strerror(errno));
    return memcmp(seal, given, sizeof seal) == 0 ||
           fault_set(why, "%s: is damaged: its bytes are not those that were written", path);
}

bool seal_holds(const char *path, struct fault *why) {
    char given[SEAL_BYTES] = "";
    FILE *file = fopen(path, "rb");
    if (!file) return fault_set(why, "%s: cannot be read: %s", path, strerror(errno));
    size_t n = fread(given, 1, sizeof given, file);
    bool unsealed = n >= sizeof signature && memcmp(given, signature, sizeof signature) == 0,
         sealed = n == sizeof given && strncmp(given, line_format, strcspn(line_format, "%")) == 0;
    bool holds = unsealed || (sealed && same_seal(file, path, given, why));
    if (!unsealed && !sealed) fault_set(why, "%s: is no complete HDF5 file, expected a run file of multidistral", path);
    fclose(file);
    return holds;
}
