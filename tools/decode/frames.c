/* The fields of QUIC frames for `leat decode`, by the rows of the frame table: RFC 9000 §19. */
#include "decode.h"

#include <leat/h3.h>
#include <leat/quic.h>

static uint64_t number_at(const leat_frame *frame, size_t offset) {
    uint64_t number;
    memcpy(&number, (const char *)frame + offset, sizeof number);
    return number;
}

static leat_span span_at(const leat_frame *frame, const leat_frame_field *field) {
    leat_span span = {NULL, field->kind == LEAT_FIELD_8_BYTES ? 8 : 16};
    if (field->kind == LEAT_FIELD_8_BYTES || field->kind == LEAT_FIELD_16_BYTES) {
        memcpy(&span.data, (const char *)frame + field->offset, sizeof span.data);
    } else {
        memcpy(&span, (const char *)frame + field->offset, sizeof span);
    }
    return span;
}

static const char *error_name(const leat_frame *frame) {
    uint64_t code = frame->kind == LEAT_FRAME_CONNECTION_CLOSE_APPLICATION
                        ? frame->connection_close.error_code
                        : 0;
    switch (frame->kind) {
    case LEAT_FRAME_CONNECTION_CLOSE:
        return leat_transport_error_name(frame->connection_close.error_code);
    case LEAT_FRAME_RESET_STREAM:
        return leat_h3_error_name(frame->reset_stream.error_code);
    case LEAT_FRAME_RESET_STREAM_AT:
        return leat_h3_error_name(frame->reset_stream_at.error_code);
    case LEAT_FRAME_STOP_SENDING:
        return leat_h3_error_name(frame->stop_sending.error_code);
    default:
        return leat_h3_error_name(code);
    }
}

static void show_field(output *out, const leat_frame *frame, const leat_frame_field *field,
                       const char *section) {
    switch (field->kind) {
    case LEAT_FIELD_VARINT:
    case LEAT_FIELD_STREAM_COUNT:
        if (strcmp(field->name, "error_code") == 0) {
            show_code(out, field->name, section, number_at(frame, field->offset), 1,
                      error_name(frame));
        } else {
            show_number(out, field->name, section, number_at(frame, field->offset));
        }
        break;
    case LEAT_FIELD_BYTES:
        show_text(out, field->name, section, span_at(frame, field));
        break;
    default:
        show_hex(out, field->name, section, span_at(frame, field));
    }
}

static void show_ack(output *out, const leat_frame *frame, uint64_t exponent) {
    const char *section = "RFC 9000 §19.3";
    uint64_t delay = frame->ack.delay;
    leat_ack_walk walk = leat_ack_walk_begin(frame);
    leat_range range;
    show_number(out, "largest_acknowledged", section, frame->ack.largest);
    show(out, "ack_delay", section, "%llu (%llu us)", (unsigned long long)delay,
         (unsigned long long)(delay << exponent));
    show_number(out, "ack_range_count", section, frame->ack.range_count);
    show_number(out, "first_ack_range", section, frame->ack.first_range);
    while (leat_ack_walk_next(&walk, frame, &range)) {
        show(out, "acknowledged", "RFC 9000 §19.3.1", "%llu to %llu",
             (unsigned long long)range.start, (unsigned long long)(range.end - 1));
    }
    if (frame->ack.has_ecn) {
        show_number(out, "ect0_count", "RFC 9000 §19.3.2", frame->ack.ect0);
        show_number(out, "ect1_count", "RFC 9000 §19.3.2", frame->ack.ect1);
        show_number(out, "ecn_ce_count", "RFC 9000 §19.3.2", frame->ack.ce);
    }
}

static void show_stream(output *out, const leat_frame *frame) {
    const char *section = "RFC 9000 §19.8";
    uint64_t id = frame->stream.stream_id;
    show(out, "stream_id", section, "%llu (%s, %s)", (unsigned long long)id,
         (id & 2) != 0 ? "unidirectional" : "bidirectional",
         (id & 1) != 0 ? "of the server" : "of the client");
    show_number(out, "offset", section, frame->stream.offset);
    show_number(out, "length", section, frame->stream.data.length);
    show(out, "fin", section, frame->stream.fin ? "1" : "0");
    show_data(out, "stream_data", section, frame->stream.data);
}

void decode_frame_fields(decode_state *decoder, const decode_side *sender,
                         const leat_frame *frame) {
    output *out = &decoder->out;
    const leat_frame_row *row = &leat_frame_table[frame->kind];
    show_code(out, "type", row->section, frame->type, 2, NULL);
    switch (frame->kind) {
    case LEAT_FRAME_PADDING:
        show(out, "count", row->section, "%zu frames of one byte", frame->padding.length);
        break;
    case LEAT_FRAME_ACK:
        show_ack(out, frame, sender->ack_delay_exponent);
        break;
    case LEAT_FRAME_CRYPTO:
        show_number(out, "offset", row->section, frame->crypto.offset);
        show_number(out, "length", row->section, frame->crypto.data.length);
        show_data(out, "crypto_data", row->section, frame->crypto.data);
        break;
    case LEAT_FRAME_STREAM:
        show_stream(out, frame);
        break;
    case LEAT_FRAME_DATAGRAM:
        show_number(out, "length", row->section, frame->datagram.data.length);
        show_data(out, "datagram_data", row->section, frame->datagram.data);
        break;
    default:
        for (const leat_frame_field *field = row->fields; field->kind != LEAT_FIELD_END; field++) {
            show_field(out, frame, field, row->section);
        }
    }
}
