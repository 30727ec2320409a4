/*
 * RFC 8879 §4: certificates through zlib (RFC 1950), which is optional: without it the build takes
 * no_compression_zlib.c. Whole buffers in one call, and all of zlib's memory comes from the
 * connection's allocator. Nothing here is secret: certificates are shown to whoever asks.
 */
#define ZLIB_CONST
#include "base/alloc.h"
#include "crypto/tls/compression.h"

#include <zlib.h>

static void *take(void *allocator, uInt items, uInt size) {
    return leat_alloc_array(allocator, items, size);
}

static void give(void *allocator, void *pointer) { leat_free(allocator, pointer); }

static z_stream make_stream(const leat_allocator *allocator, leat_span in, uint8_t *out,
                            size_t room) {
    return (z_stream){
        .next_in = in.data,
        .avail_in = (uInt)in.length, /* both are bounded far below 2^32 by their callers */
        .next_out = out,
        .avail_out = (uInt)room,
        .zalloc = take,
        .zfree = give,
        .opaque = (void *)(uintptr_t)allocator,
    };
}

static leat_compression_result zlib_compress(const leat_allocator *allocator, leat_span in,
                                             uint8_t *out, size_t *length) {
    z_stream stream = make_stream(allocator, in, out, *length);
    if (deflateInit(&stream, Z_BEST_COMPRESSION) != Z_OK) {
        return LEAT_COMPRESSION_NO_MEMORY;
    }
    int end = deflate(&stream, Z_FINISH);
    *length -= stream.avail_out;
    deflateEnd(&stream);
    return end == Z_STREAM_END ? LEAT_COMPRESSION_DONE : LEAT_COMPRESSION_FAILED;
}

static leat_compression_result zlib_decompress(const leat_allocator *allocator, leat_span in,
                                               uint8_t *out, size_t length) {
    z_stream stream = make_stream(allocator, in, out, length);
    if (inflateInit(&stream) != Z_OK) {
        return LEAT_COMPRESSION_NO_MEMORY;
    }
    /* RFC 8879 §4: Z_STREAM_END includes the checksum, so nothing is missing when it comes. */
    int end = inflate(&stream, Z_FINISH);
    bool is_exact = end == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 0;
    inflateEnd(&stream);
    if (end == Z_MEM_ERROR) {
        return LEAT_COMPRESSION_NO_MEMORY;
    }
    return is_exact ? LEAT_COMPRESSION_DONE : LEAT_COMPRESSION_FAILED;
}

const leat_compression leat_compression_zlib = {
    .id = 1, .name = "zlib", .compress = zlib_compress, .decompress = zlib_decompress};
