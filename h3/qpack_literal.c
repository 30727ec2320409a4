/* Prefixed integers (RFC 7541 §5.1) and string literals (RFC 7541 §5.2, RFC 9204 §4.1.2). */
#include "h3/qpack_literal.h"

#include "h3/qpack_huffman.h"

static uint8_t low_bits(unsigned prefix) { return (uint8_t)((1u << prefix) - 1); }

uint8_t leat_qpack_peek(const leat_qpack_reader *reader) {
    return leat_reader_left(&reader->bytes) > 0 ? *reader->bytes.next : 0;
}

uint64_t leat_qpack_read_integer(leat_qpack_reader *reader, unsigned prefix) {
    uint64_t value = leat_read_u8(&reader->bytes) & low_bits(prefix);
    if (value < low_bits(prefix)) {
        return leat_qpack_reader_is_ok(reader) ? value : 0;
    }
    uint8_t byte = 0x80;
    for (unsigned shift = 0; (byte & 0x80) != 0 && leat_qpack_reader_is_ok(reader); shift += 7) {
        byte = leat_read_u8(&reader->bytes);
        uint64_t part = byte & 0x7f;
        /* RFC 9204 §4.1.1-1, RFC 9204 §7.4-2: 62 bits, and no endless run of zero bytes. */
        if (shift > 7 * (LEAT_QPACK_INTEGER_MAX - 2) || part > (LEAT_VARINT_MAX - value) >> shift) {
            reader->malformed = true;
            break;
        }
        value += part << shift;
    }
    return leat_qpack_reader_is_ok(reader) ? value : 0;
}

leat_qpack_string leat_qpack_read_string(
    leat_qpack_reader *reader, unsigned prefix, uint64_t limit) {
    leat_qpack_string string = {{NULL, 0}, false};
    string.huffman = (leat_qpack_peek(reader) >> (prefix - 1) & 1) != 0;
    uint64_t length = leat_qpack_read_integer(reader, prefix - 1);
    if (length > limit) {
        reader->malformed = true;
    }
    if (leat_qpack_reader_is_ok(reader)) {
        string.bytes = leat_read_bytes(&reader->bytes, length);
    }
    return string;
}

size_t leat_qpack_text_bound(leat_qpack_string string) {
    return string.huffman ? leat_huffman_text_bound(string.bytes.length) : string.bytes.length;
}

leat_qpack_text_result leat_qpack_copy_text(
    leat_qpack_string string, uint8_t *text, size_t room, size_t *length) {
    if (string.huffman) {
        switch (leat_huffman_read(string.bytes, text, room, length)) {
        case LEAT_HUFFMAN_OK:
            return LEAT_QPACK_TEXT_OK;
        case LEAT_HUFFMAN_TOO_LARGE:
            return LEAT_QPACK_TEXT_TOO_LARGE;
        case LEAT_HUFFMAN_BAD:
            return LEAT_QPACK_TEXT_MALFORMED;
        }
    }
    *length = string.bytes.length;
    if (*length > room) {
        return LEAT_QPACK_TEXT_TOO_LARGE;
    }
    if (*length > 0) {
        memcpy(text, string.bytes.data, *length);
    }
    return LEAT_QPACK_TEXT_OK;
}

void leat_qpack_write_integer(
    leat_writer *writer, uint8_t pattern, unsigned prefix, uint64_t value) {
    if (value < low_bits(prefix)) {
        leat_write_u8(writer, (uint8_t)(pattern | value));
        return;
    }
    leat_write_u8(writer, pattern | low_bits(prefix));
    value -= low_bits(prefix);
    for (; value >= 0x80; value >>= 7) {
        leat_write_u8(writer, (uint8_t)(0x80 | (value & 0x7f)));
    }
    leat_write_u8(writer, (uint8_t)value);
}

void leat_qpack_write_string(
    leat_writer *writer, uint8_t pattern, unsigned prefix, leat_span text) {
    size_t encoded = leat_huffman_size(text);
    if (encoded >= text.length) {
        leat_qpack_write_integer(writer, pattern, prefix - 1, text.length);
        leat_write_bytes(writer, text.data, text.length);
        return;
    }
    leat_qpack_write_integer(
        writer, (uint8_t)(pattern | 1u << (prefix - 1)), prefix - 1, encoded);
    if (leat_writer_room(writer) < encoded) {
        writer->failed = true;
        return;
    }
    leat_huffman_write(text, writer->next);
    writer->next += encoded;
}
