/*
 * Compression of certificates (RFC 8879) as rows of one table: an identifier and two functions over
 * whole buffers. An algorithm whose library was not there when leat was built has a row without
 * functions: it is neither offered nor used. The message is in compressed_certificate.c.
 */
#ifndef LEAT_CRYPTO_TLS_COMPRESSION_H
#define LEAT_CRYPTO_TLS_COMPRESSION_H

#include "crypto/tls/alert.h"

/* All rows as a uint16 list. */
#define LEAT_COMPRESSION_LIST_MAX 8

typedef enum leat_compression_result {
    LEAT_COMPRESSION_DONE,
    LEAT_COMPRESSION_FAILED, /* does not fit into out, or is not what was announced */
    LEAT_COMPRESSION_NO_MEMORY,
} leat_compression_result;

typedef struct leat_compression {
    uint16_t id; /* RFC 8879 §7.3 */
    const char *name;
    /* *length: the room in out, then the bytes written. NULL: not built in. */
    leat_compression_result (*compress)(const leat_allocator *allocator, leat_span in, uint8_t *out,
                                        size_t *length);
    /* To exactly `length` bytes and nothing left over in `in`, else FAILED. Never writes more. */
    leat_compression_result (*decompress)(const leat_allocator *allocator, leat_span in,
                                          uint8_t *out, size_t length);
} leat_compression;

extern const leat_compression leat_compression_zlib; /* compression_zlib.c or no_compression_zlib.c */

/* What is built in, in order of preference, in wire form; empty: nothing. */
leat_span leat_compression_list(uint8_t out[LEAT_COMPRESSION_LIST_MAX]);
/* NULL: unknown or not built in. */
const leat_compression *leat_compression_find(uint16_t id);
/* The first of ours in a peer's list; NULL: none. */
const leat_compression *leat_compression_choose(leat_span offered);

#endif
