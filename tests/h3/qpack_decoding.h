/* A decoder under test: its streams as spaced hex. */
#ifndef LEAT_TESTS_QPACK_DECODING_H
#define LEAT_TESTS_QPACK_DECODING_H

#include "leat_test.h"

#define SECTION_LIMIT 65536

static inline leat_qpack_decoder *new_decoder(uint64_t capacity, uint64_t blocked) {
    leat_qpack_decoder *decoder = leat_qpack_decoder_new(NULL, capacity, blocked, SECTION_LIMIT);
    ck_assert_ptr_nonnull(decoder);
    return decoder;
}

static inline int feed(leat_qpack_decoder *decoder, const char *hex) {
    return leat_qpack_decoder_read_encoder_stream(decoder, test_hex(hex));
}

static inline int decode(leat_qpack_decoder *decoder, uint64_t stream_id, const char *hex) {
    leat_qpack_section section;
    return leat_qpack_decode(decoder, stream_id, test_hex(hex), &section);
}

static inline void expect_output(leat_qpack_decoder *decoder, const char *hex) {
    leat_span output = leat_qpack_decoder_output(decoder);
    ck_assert_bytes(output.data, output.length, hex);
    leat_qpack_decoder_consume(decoder, output.length);
}

/* Capacity 64, "a: b" (size 34). */
#define CAPACITY_64 "3f 21 "
#define INSERT_A_B "41 61 01 62 "

#endif
