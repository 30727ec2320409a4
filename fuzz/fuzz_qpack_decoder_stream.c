/*
 * The decoder stream of a peer, RFC 9204 §4.4, to an encoder at work: before each piece of it
 * (first byte: the size of the pieces) a section is encoded. A decoder of our own sees every
 * section and instruction at once, so that whatever the peer acknowledges did arrive; it has to be
 * able to decode everything, or an entry was evicted too early.
 */
#include "fuzz.h"
#include "h3/qpack_encoder.h"

#define TABLE 220
#define BLOCKED_STREAMS 3

static leat_h3_header header_of(const char *const line[2]) {
    return (leat_h3_header){{(const uint8_t *)line[0], strlen(line[0])},
        {(const uint8_t *)line[1], strlen(line[1])}, false};
}

static void encode_section(
    leat_qpack_encoder *encoder, leat_qpack_decoder *decoder, leat_buffer *out, uint8_t choice) {
    static const char *const lines[8][2] = {{":path", "/one"}, {":path", "/two"}, {"name", "one"},
        {"name", "two"}, {"another-name", "a-value-of-26-characters.."}, {"cookie", "short"},
        {":method", "GET"}, {"x", ""}};
    leat_h3_header headers[2];
    for (size_t i = 0; i < 2; i++) {
        headers[i] = header_of(lines[choice >> (4 * i) & 7]);
    }
    uint64_t stream_id = 4 * (uint64_t)(choice >> 5);
    out->length = 0;
    fuzz_require(leat_qpack_encode(encoder, stream_id, headers, 2, out) == 0);
    leat_span output = leat_qpack_encoder_output(encoder);
    fuzz_require(leat_qpack_decoder_read_encoder_stream(decoder, output) == 0);
    leat_qpack_encoder_consume(encoder, output.length);
    leat_qpack_section section;
    leat_span bytes = {out->data, out->length};
    fuzz_require(leat_qpack_decode(decoder, stream_id, bytes, &section) == 0);
    fuzz_require(section.count == 2);
    for (size_t i = 0; i < 2; i++) {
        fuzz_require(leat_span_equal(section.headers[i].name, headers[i].name));
        fuzz_require(leat_span_equal(section.headers[i].value, headers[i].value));
    }
    output = leat_qpack_decoder_output(decoder);
    leat_qpack_decoder_consume(decoder, output.length);
}

/* Every outstanding section holds an entry that is there. */
static void check_references(const leat_qpack_encoder *encoder) {
    for (size_t i = 0; i < encoder->outstanding.count; i++) {
        const leat_qpack_outstanding *section = leat_ring_at(&encoder->outstanding, i);
        const leat_qpack_entry *entry = leat_qpack_table_entry(&encoder->table, section->lowest);
        fuzz_require(entry != NULL && entry->references > 0);
    }
    fuzz_require(encoder->known_received_count <= encoder->table.insert_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    leat_qpack_encoder *encoder = leat_qpack_encoder_new(NULL, TABLE);
    leat_qpack_decoder *decoder = leat_qpack_decoder_new(NULL, TABLE, BLOCKED_STREAMS, 4096);
    leat_buffer out;
    leat_buffer_init(&out, NULL, SIZE_MAX);
    fuzz_require(leat_qpack_encoder_set_peer_limits(encoder, TABLE, BLOCKED_STREAMS) == 0);
    leat_reader reader = leat_reader_make(data + 1, size - 1);
    int result = 0;
    while (result == 0 && leat_reader_left(&reader) > 0) {
        encode_section(encoder, decoder, &out, leat_read_u8(&reader));
        size_t left = leat_reader_left(&reader);
        size_t piece = data[0] % 8;
        leat_span bytes = leat_read_bytes(&reader, left < piece ? left : piece);
        result = leat_qpack_encoder_read_decoder_stream(encoder, bytes);
        fuzz_require(result == 0 || result == LEAT_QPACK_DECODER_STREAM_ERROR);
        check_references(encoder);
    }
    leat_buffer_clear(&out);
    leat_qpack_encoder_free(encoder);
    leat_qpack_decoder_free(decoder);
    return 0;
}
