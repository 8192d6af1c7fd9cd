/* One fuzzer: libFuzzer's entry to the reader named by READER. */
#include "readers.h"
#ifdef RUNFILE
#include "readers_runfile.h"
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    READER(data, size);
    return 0;
}
