/* RFC 8879 §7.3: the algorithms for certificates and which are built in: see compression.h. */
#include "crypto/tls/compression.h"

#include "crypto/tls/extensions.h"

/* In order of preference. */
static const leat_compression *const rows[] = {&leat_compression_zlib};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

leat_span leat_compression_list(uint8_t out[LEAT_COMPRESSION_LIST_MAX]) {
    leat_writer writer = leat_writer_make(out, LEAT_COMPRESSION_LIST_MAX);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i]->decompress != NULL) {
            leat_write_u16(&writer, rows[i]->id);
        }
    }
    return (leat_span){out, leat_writer_length(&writer)};
}

const leat_compression *leat_compression_find(uint16_t id) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i]->id == id && rows[i]->decompress != NULL) {
            return rows[i];
        }
    }
    return NULL;
}

const leat_compression *leat_compression_choose(leat_span offered) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i]->compress != NULL && leat_u16_list_contains(offered, rows[i]->id)) {
            return rows[i];
        }
    }
    return NULL;
}
