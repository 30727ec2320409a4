/*
 * Frames by the rows of the table: RFC 9000 §19. A row's fields are read and written in order; what
 * relates two fields of one frame is checked behind them. What relates a frame to the connection is
 * checked in quic/conn.
 */
#include "quic/frame/frame_codec.h"

#include "quic/frame/frame_hand.h"

#include <leat/quic.h>

/* RFC 9000 §4.6: 2^60 streams of one kind use up all stream IDs. */
#define STREAM_COUNT_MAX (UINT64_C(1) << 60)

/* Copies, because a field is found by its offset. */
static void set_field(leat_frame *frame, const leat_frame_field *field, const void *value,
                      size_t size) {
    memcpy((char *)frame + field->offset, value, size);
}

static void get_field(const leat_frame *frame, const leat_frame_field *field, void *value,
                      size_t size) {
    memcpy(value, (const char *)frame + field->offset, size);
}

/* False when the value is out of range; a cut field is seen at the reader. */
static bool parse_field(leat_reader *reader, leat_frame *frame, const leat_frame_field *field) {
    uint64_t number;
    leat_span span;
    switch (field->kind) {
    case LEAT_FIELD_VARINT:
    case LEAT_FIELD_STREAM_COUNT:
        number = leat_read_varint(reader);
        set_field(frame, field, &number, sizeof number);
        /* RFC 9000 §19.11-1, §19.14-2. */
        return field->kind == LEAT_FIELD_VARINT || number <= STREAM_COUNT_MAX;
    case LEAT_FIELD_BYTES:
    case LEAT_FIELD_TOKEN:
        span = leat_read_vector_varint(reader);
        set_field(frame, field, &span, sizeof span);
        /* RFC 9000 §19.7-2. */
        return field->kind == LEAT_FIELD_BYTES || span.length > 0;
    case LEAT_FIELD_CID:
        span = leat_read_vector8(reader);
        set_field(frame, field, &span, sizeof span);
        /* RFC 9000 §19.15-1. */
        return span.length >= 1 && span.length <= LEAT_CID_MAX;
    case LEAT_FIELD_8_BYTES:
    case LEAT_FIELD_16_BYTES:
        span = leat_read_bytes(reader, field->kind == LEAT_FIELD_8_BYTES ? 8 : 16);
        set_field(frame, field, &span.data, sizeof span.data);
        return true;
    case LEAT_FIELD_END:
        break;
    }
    return false;
}

/* What a row cannot say: how two fields of one frame must relate. */
static bool is_consistent(const leat_frame *frame) {
    switch (frame->kind) {
    case LEAT_FRAME_CRYPTO:
        /* RFC 9000 §19.6-1. */
        return frame->crypto.data.length <= LEAT_VARINT_MAX - frame->crypto.offset;
    case LEAT_FRAME_NEW_CONNECTION_ID:
        /* RFC 9000 §19.15-6. */
        return frame->new_connection_id.retire_prior_to <= frame->new_connection_id.sequence;
    case LEAT_FRAME_RESET_STREAM_AT:
        /* draft-ietf-quic-reliable-stream-reset-10 §4. */
        return frame->reset_stream_at.reliable_size <= frame->reset_stream_at.final_size;
    default:
        return true;
    }
}

static uint64_t parse_by_row(leat_reader *reader, leat_frame *frame) {
    const leat_frame_field *field = leat_frame_table[frame->kind].fields;
    for (; field->kind != LEAT_FIELD_END; field++) {
        if (!parse_field(reader, frame, field)) {
            return LEAT_FRAME_ENCODING_ERROR;
        }
    }
    return is_consistent(frame) ? LEAT_NO_ERROR : LEAT_FRAME_ENCODING_ERROR;
}

static uint64_t parse_padding(leat_reader *reader, leat_frame *frame) {
    const uint8_t *start = reader->next;
    while (reader->next < reader->end && *reader->next == 0) {
        reader->next++;
    }
    frame->padding.length = 1 + (size_t)(reader->next - start);
    return LEAT_NO_ERROR;
}

static uint64_t parse_content(leat_reader *reader, leat_frame *frame) {
    switch (frame->kind) {
    case LEAT_FRAME_PADDING:
        return parse_padding(reader, frame);
    case LEAT_FRAME_ACK:
        return leat_ack_frame_parse(reader, frame);
    case LEAT_FRAME_STREAM:
        return leat_stream_frame_parse(reader, frame);
    case LEAT_FRAME_DATAGRAM:
        return leat_datagram_frame_parse(reader, frame);
    default:
        return parse_by_row(reader, frame);
    }
}

uint64_t leat_frame_parse(leat_reader *reader, leat_frame *frame) {
    size_t left = leat_reader_left(reader);
    *frame = (leat_frame){.kind = LEAT_FRAME_KIND_COUNT, .type = leat_read_varint(reader)};
    if (reader->failed) {
        return LEAT_FRAME_ENCODING_ERROR;
    }
    /* RFC 9000 §12.4-5: one type, one encoding. */
    if (left - leat_reader_left(reader) != leat_varint_size(frame->type)) {
        return LEAT_PROTOCOL_VIOLATION;
    }
    frame->kind = leat_frame_kind_of(frame->type);
    /* RFC 9000 §12.4-4: the length of an unknown frame is unknown too. */
    if (frame->kind == LEAT_FRAME_KIND_COUNT) {
        return LEAT_FRAME_ENCODING_ERROR;
    }
    uint64_t error = parse_content(reader, frame);
    return error == LEAT_NO_ERROR && reader->failed ? LEAT_FRAME_ENCODING_ERROR : error;
}

static void write_field(leat_writer *writer, const leat_frame *frame,
                        const leat_frame_field *field) {
    uint64_t number;
    leat_span span;
    switch (field->kind) {
    case LEAT_FIELD_VARINT:
    case LEAT_FIELD_STREAM_COUNT:
        get_field(frame, field, &number, sizeof number);
        leat_write_varint(writer, number);
        break;
    case LEAT_FIELD_BYTES:
    case LEAT_FIELD_TOKEN:
        get_field(frame, field, &span, sizeof span);
        leat_write_varint(writer, span.length);
        leat_write_bytes(writer, span.data, span.length);
        break;
    case LEAT_FIELD_CID:
        get_field(frame, field, &span, sizeof span);
        leat_write_u8(writer, (uint8_t)span.length);
        leat_write_bytes(writer, span.data, span.length);
        break;
    case LEAT_FIELD_8_BYTES:
    case LEAT_FIELD_16_BYTES:
        get_field(frame, field, &span.data, sizeof span.data);
        leat_write_bytes(writer, span.data, field->kind == LEAT_FIELD_8_BYTES ? 8 : 16);
        break;
    case LEAT_FIELD_END:
        break;
    }
}

static void write_by_row(leat_writer *writer, const leat_frame *frame) {
    const leat_frame_row *row = &leat_frame_table[frame->kind];
    leat_write_varint(writer, row->first);
    for (const leat_frame_field *field = row->fields; field->kind != LEAT_FIELD_END; field++) {
        write_field(writer, frame, field);
    }
}

void leat_frame_write(leat_writer *writer, const leat_frame *frame) {
    uint8_t *start = writer->next;
    switch (frame->kind) {
    case LEAT_FRAME_PADDING:
        leat_write_zeros(writer, frame->padding.length);
        break;
    case LEAT_FRAME_ACK:
        leat_ack_frame_write(writer, frame);
        break;
    case LEAT_FRAME_STREAM:
        leat_stream_frame_write(writer, frame);
        break;
    case LEAT_FRAME_DATAGRAM:
        if (!leat_datagram_frame_write(writer, &frame->datagram.data, 1)) {
            writer->failed = true;
        }
        break;
    default:
        write_by_row(writer, frame);
    }
    if (writer->failed) {
        writer->next = start; /* never half a frame */
    }
}
