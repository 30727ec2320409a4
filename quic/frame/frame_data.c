/*
 * Frames that carry bytes in bulk: STREAM (RFC 9000 §19.8), CRYPTO (§19.6) and DATAGRAM (RFC 9221
 * §4).
 *
 * A STREAM or DATAGRAM frame without a length ends with its packet, which saves the length. When
 * what is left over is too small for the length but not zero, PADDING goes in front, so that the
 * data still ends where the packet does.
 */
#include "quic/frame/frame_hand.h"

#include <leat/quic.h>

#define TYPE_CRYPTO   0x06
#define TYPE_STREAM   0x08
#define STREAM_OFF    0x04
#define STREAM_LEN    0x02
#define STREAM_FIN    0x01
#define TYPE_DATAGRAM 0x30
#define DATAGRAM_LEN  0x01

uint64_t leat_stream_frame_parse(leat_reader *reader, leat_frame *frame) {
    frame->stream.stream_id = leat_read_varint(reader);
    frame->stream.offset = (frame->type & STREAM_OFF) != 0 ? leat_read_varint(reader) : 0;
    frame->stream.data =
        (frame->type & STREAM_LEN) != 0 ? leat_read_vector_varint(reader) : leat_read_rest(reader);
    frame->stream.fin = (frame->type & STREAM_FIN) != 0;
    /* RFC 9000 §19.8-2: no stream is longer than its offsets can say. */
    bool fits = frame->stream.data.length <= LEAT_VARINT_MAX - frame->stream.offset;
    return fits ? LEAT_NO_ERROR : LEAT_FRAME_ENCODING_ERROR;
}

void leat_stream_frame_write(leat_writer *writer, const leat_frame *frame) {
    unsigned flags = STREAM_LEN | (frame->stream.offset != 0 ? STREAM_OFF : 0) |
                     (frame->stream.fin ? STREAM_FIN : 0);
    leat_write_u8(writer, (uint8_t)(TYPE_STREAM | flags));
    leat_write_varint(writer, frame->stream.stream_id);
    if (frame->stream.offset != 0) {
        leat_write_varint(writer, frame->stream.offset);
    }
    leat_write_varint(writer, frame->stream.data.length);
    leat_write_bytes(writer, frame->stream.data.data, frame->stream.data.length);
}

uint64_t leat_datagram_frame_parse(leat_reader *reader, leat_frame *frame) {
    frame->datagram.data = (frame->type & DATAGRAM_LEN) != 0 ? leat_read_vector_varint(reader)
                                                             : leat_read_rest(reader);
    return LEAT_NO_ERROR;
}

/* The place of `length` bytes that the caller fills in. */
static uint8_t *claim_data(leat_writer *writer, size_t length) {
    uint8_t *data = writer->next;
    writer->next += length;
    return data;
}

uint8_t *leat_stream_frame_begin(leat_writer *writer, uint64_t stream_id, uint64_t offset,
                                 size_t *length, bool fin, bool *fin_written) {
    size_t room = leat_writer_room(writer);
    size_t head = 1 + leat_varint_size(stream_id) + (offset != 0 ? leat_varint_size(offset) : 0);
    *fin_written = false;
    if (room < head || (*length > 0 && room == head) ||
        offset > LEAT_VARINT_MAX - (uint64_t)*length) {
        return NULL;
    }
    bool has_length = leat_varint_size(*length) <= room - head &&
                      *length <= room - head - leat_varint_size(*length);
    if (*length > room - head) {
        *length = room - head;
    } else {
        *fin_written = fin;
    }
    if (!has_length) {
        leat_write_zeros(writer, room - head - *length);
    }
    unsigned flags = (offset != 0 ? STREAM_OFF : 0) | (has_length ? STREAM_LEN : 0) |
                     (*fin_written ? STREAM_FIN : 0);
    leat_write_u8(writer, (uint8_t)(TYPE_STREAM | flags));
    leat_write_varint(writer, stream_id);
    if (offset != 0) {
        leat_write_varint(writer, offset);
    }
    if (has_length) {
        leat_write_varint(writer, *length);
    }
    return claim_data(writer, *length);
}

/* The most bytes, up to `wanted`, that fit in room together with their length. */
static size_t fit_with_length(size_t wanted, size_t room) {
    size_t fitting = wanted < room ? wanted : room;
    while (fitting > 0 && leat_varint_size(fitting) + fitting > room) {
        fitting--;
    }
    return fitting;
}

uint8_t *leat_crypto_frame_begin(leat_writer *writer, uint64_t offset, size_t *length) {
    size_t room = leat_writer_room(writer);
    size_t head = 1 + leat_varint_size(offset);
    size_t fitting = room > head ? fit_with_length(*length, room - head) : 0;
    if (fitting == 0 || offset > LEAT_VARINT_MAX - (uint64_t)fitting) {
        return NULL; /* an empty CRYPTO frame would say nothing */
    }
    *length = fitting;
    leat_write_u8(writer, TYPE_CRYPTO);
    leat_write_varint(writer, offset);
    leat_write_varint(writer, fitting);
    return claim_data(writer, fitting);
}

size_t leat_datagram_frame_size(size_t data_length) {
    return 1 + leat_varint_size(data_length) + data_length;
}

bool leat_datagram_frame_write(leat_writer *writer, const leat_span *parts, size_t count) {
    size_t room = leat_writer_room(writer), length = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].length > room - length) {
            return false;
        }
        length += parts[i].length;
    }
    if (room < 1 + length) {
        return false;
    }
    bool has_length = leat_datagram_frame_size(length) <= room;
    if (!has_length) {
        leat_write_zeros(writer, room - 1 - length);
    }
    leat_write_u8(writer, (uint8_t)(TYPE_DATAGRAM | (has_length ? DATAGRAM_LEN : 0)));
    if (has_length) {
        leat_write_varint(writer, length);
    }
    for (size_t i = 0; i < count; i++) {
        leat_write_bytes(writer, parts[i].data, parts[i].length);
    }
    return true;
}
