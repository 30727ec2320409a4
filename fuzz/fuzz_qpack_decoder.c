/*
 * Field sections and encoder stream of a peer, RFC 9204, as blocks of the offline interop format:
 * 8 bytes stream ID (0: encoder stream), 4 bytes length, then so many bytes; table of 256 bytes,
 * 100 blocked streams. What was decoded is encoded again and has to come back the same.
 */
#include "fuzz.h"
#include "h3/qpack.h"

#define TABLE 256
#define BLOCKED_STREAMS 100
#define SECTION_LIMIT 4096

static void expect_same(const leat_h3_header *a, const leat_h3_header *b) {
    fuzz_require(leat_span_equal(a->name, b->name));
    fuzz_require(leat_span_equal(a->value, b->value));
    /* The encoder may set the bit for secrets, and never takes it away. */
    fuzz_require(!a->never_index || b->never_index);
}

static void encode_again(const leat_qpack_section *section) {
    leat_qpack_encoder *encoder = leat_qpack_encoder_new(NULL, TABLE);
    leat_qpack_decoder *decoder = leat_qpack_decoder_new(NULL, TABLE, 1, SECTION_LIMIT);
    leat_buffer out;
    leat_buffer_init(&out, NULL, SIZE_MAX);
    fuzz_require(leat_qpack_encoder_set_peer_limits(encoder, TABLE, 1) == 0);
    for (uint64_t stream_id = 0; stream_id < 3; stream_id++) {
        out.length = 0;
        fuzz_require(
            leat_qpack_encode(encoder, stream_id, section->headers, section->count, &out) == 0);
        leat_span output = leat_qpack_encoder_output(encoder);
        fuzz_require(leat_qpack_decoder_read_encoder_stream(decoder, output) == 0);
        leat_qpack_encoder_consume(encoder, output.length);
        leat_qpack_section again;
        leat_span bytes = {out.data, out.length};
        fuzz_require(leat_qpack_decode(decoder, stream_id, bytes, &again) == 0);
        fuzz_require(again.count == section->count && again.size == section->size);
        for (size_t i = 0; i < again.count; i++) {
            expect_same(&section->headers[i], &again.headers[i]);
        }
    }
    leat_buffer_clear(&out);
    leat_qpack_encoder_free(encoder);
    leat_qpack_decoder_free(decoder);
}

static int decode(leat_qpack_decoder *decoder, uint64_t stream_id, leat_span bytes) {
    leat_qpack_section section;
    int result = leat_qpack_decode(decoder, stream_id, bytes, &section);
    if (result == 0) {
        fuzz_require(section.size <= SECTION_LIMIT && section.count <= SECTION_LIMIT / 32);
        encode_again(&section);
    } else {
        fuzz_require(section.count == 0);
    }
    return result == LEAT_QPACK_BLOCKED || result == LEAT_QPACK_TOO_LARGE ? 0 : result;
}

static int read_block(leat_qpack_decoder *decoder, leat_reader *reader) {
    uint64_t stream_id = leat_read_u64(reader);
    uint32_t length = leat_read_u32(reader);
    if (length > leat_reader_left(reader)) {
        length = (uint32_t)leat_reader_left(reader);
    }
    leat_span bytes = leat_read_bytes(reader, length);
    if (stream_id == 0) {
        return leat_qpack_decoder_read_encoder_stream(decoder, bytes);
    }
    stream_id &= LEAT_VARINT_MAX;
    return length == 0 ? leat_qpack_decoder_cancel_stream(decoder, stream_id)
                       : decode(decoder, stream_id, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t set_capacity[] = {0x3f, 0xe1, 0x01};
    leat_qpack_decoder *decoder =
        leat_qpack_decoder_new(NULL, TABLE, BLOCKED_STREAMS, SECTION_LIMIT);
    leat_span instruction = {set_capacity, sizeof set_capacity};
    fuzz_require(leat_qpack_decoder_read_encoder_stream(decoder, instruction) == 0);
    leat_reader reader = leat_reader_make(data, size);
    int result = 0;
    while (result == 0 && leat_reader_left(&reader) >= 12) {
        result = read_block(decoder, &reader);
        leat_span output = leat_qpack_decoder_output(decoder);
        leat_qpack_decoder_consume(decoder, output.length / 2);
        uint64_t stream_id;
        while (leat_qpack_decoder_next_unblocked(decoder, &stream_id)) {
            fuzz_require(stream_id <= LEAT_VARINT_MAX);
        }
    }
    leat_qpack_decoder_free(decoder);
    return 0;
}
