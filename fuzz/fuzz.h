/* What fuzz targets share: the entry point of the engine, and an invariant that stops it. */
#ifndef LEAT_FUZZ_H
#define LEAT_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_require(bool holds) {
    if (!holds) {
        abort();
    }
}

#endif
