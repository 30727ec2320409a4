/* The resumable type, length, value reader. Lengths are 64-bit all the way: a frame may be longer
 * than memory. */
#include "h3/stream_reader.h"

leat_span leat_span_take(leat_span *input, uint64_t length) {
    size_t taken = length < input->length ? (size_t)length : input->length;
    leat_span piece = {input->data, taken};
    if (taken > 0) {
        input->data += taken;
        input->length -= taken;
    }
    return piece;
}

bool leat_tlv_read_varint(leat_tlv_reader *reader, leat_span *input, uint64_t *value) {
    if (reader->partial_length == 0 && input->length == 0) {
        return false;
    }
    uint8_t first = reader->partial_length > 0 ? reader->partial[0] : input->data[0];
    size_t size = (size_t)1 << (first >> 6);
    leat_span piece = leat_span_take(input, size - reader->partial_length);
    memcpy(reader->partial + reader->partial_length, piece.data, piece.length);
    reader->partial_length = (uint8_t)(reader->partial_length + piece.length);
    if (reader->partial_length < size) {
        return false;
    }
    leat_reader bytes = leat_reader_make(reader->partial, size);
    *value = leat_read_varint(&bytes);
    reader->partial_length = 0;
    return true;
}

bool leat_tlv_read_head(leat_tlv_reader *reader, leat_span *input) {
    if (reader->part == LEAT_TLV_TYPE && leat_tlv_read_varint(reader, input, &reader->type)) {
        reader->part = LEAT_TLV_LENGTH;
    }
    if (reader->part == LEAT_TLV_LENGTH && leat_tlv_read_varint(reader, input, &reader->length)) {
        reader->part = LEAT_TLV_VALUE;
        reader->left = reader->length;
    }
    return reader->part == LEAT_TLV_VALUE;
}

leat_span leat_tlv_read_value(leat_tlv_reader *reader, leat_span *input) {
    leat_span piece = leat_span_take(input, reader->left);
    reader->left -= piece.length;
    return piece;
}
