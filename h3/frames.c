/*
 * The table of frames and the loop that reads them. A row says where a frame may stand, how long it
 * may be and who takes it; nothing else in the layer looks at frame types. Unknown frames are
 * skipped as they come (RFC 9114 §9).
 */
#include "h3/frames.h"

#include "h3/settings.h"
#include "h3/priority.h"
#include "h3/trace.h"
#include "h3/webtransport_stream.h"

#define ANY_LENGTH UINT64_MAX
/* RFC 9114 §7.2.8: frames of HTTP/2 without a meaning here are errors everywhere. */
#define HTTP2_FRAME(code, text) {.type = (code), .name = (text), .misplaced = LEAT_H3_FRAME_UNEXPECTED}
/* A frame that holds one identifier. */
#define ID_LENGTH .max_length = 8, .too_long = LEAT_H3_FRAME_ERROR

static const leat_h3_frame_row frame_rows[] = {
    {.type = LEAT_H3_FRAME_DATA, .name = "DATA", .where = LEAT_H3_ON_REQUEST, .from = LEAT_H3_FROM_BOTH,
     .misplaced = LEAT_H3_FRAME_UNEXPECTED, .max_length = ANY_LENGTH, .begin = leat_h3_begin_data, .on_piece = leat_h3_on_data},
    {.type = LEAT_H3_FRAME_HEADERS, .name = "HEADERS", .where = LEAT_H3_ON_REQUEST, .from = LEAT_H3_FROM_BOTH,
     .misplaced = LEAT_H3_FRAME_UNEXPECTED, .max_length = ANY_LENGTH, .begin = leat_h3_begin_headers, .on_payload = leat_h3_on_headers},
    {.type = LEAT_H3_FRAME_CANCEL_PUSH, .name = "CANCEL_PUSH", .where = LEAT_H3_ON_CONTROL, .from = LEAT_H3_FROM_BOTH,
     .misplaced = LEAT_H3_FRAME_UNEXPECTED, ID_LENGTH, .on_payload = leat_h3_on_cancel_push},
    {.type = LEAT_H3_FRAME_SETTINGS, .name = "SETTINGS", .where = LEAT_H3_ON_CONTROL, .from = LEAT_H3_FROM_BOTH,
     .misplaced = LEAT_H3_FRAME_UNEXPECTED, .max_length = LEAT_H3_SETTINGS_PAYLOAD_MAX, .too_long = LEAT_H3_EXCESSIVE_LOAD,
     .begin = leat_h3_begin_settings, .on_payload = leat_h3_on_settings},
    {.type = LEAT_H3_FRAME_PUSH_PROMISE, .name = "PUSH_PROMISE", .where = LEAT_H3_ON_REQUEST, .from = LEAT_H3_FROM_SERVER,
     .misplaced = LEAT_H3_FRAME_UNEXPECTED, .max_length = ANY_LENGTH, .begin = leat_h3_begin_push_promise},
    {.type = LEAT_H3_FRAME_GOAWAY, .name = "GOAWAY", .where = LEAT_H3_ON_CONTROL, .from = LEAT_H3_FROM_BOTH,
     .misplaced = LEAT_H3_FRAME_UNEXPECTED, ID_LENGTH, .on_payload = leat_h3_on_goaway},
    {.type = LEAT_H3_FRAME_MAX_PUSH_ID, .name = "MAX_PUSH_ID", .where = LEAT_H3_ON_CONTROL, .from = LEAT_H3_FROM_CLIENT,
     .misplaced = LEAT_H3_FRAME_UNEXPECTED, ID_LENGTH, .on_payload = leat_h3_on_max_push_id},
    {.type = LEAT_H3_FRAME_PRIORITY_UPDATE_REQUEST, .name = "PRIORITY_UPDATE", .where = LEAT_H3_ON_CONTROL,
     .from = LEAT_H3_FROM_CLIENT, .misplaced = LEAT_H3_FRAME_UNEXPECTED, .max_length = LEAT_H3_PRIORITY_PAYLOAD_MAX,
     .too_long = LEAT_H3_EXCESSIVE_LOAD, .on_payload = leat_h3_on_priority_update},
    {.type = LEAT_H3_FRAME_PRIORITY_UPDATE_PUSH, .name = "PRIORITY_UPDATE", .where = LEAT_H3_ON_CONTROL,
     .from = LEAT_H3_FROM_CLIENT, .misplaced = LEAT_H3_FRAME_UNEXPECTED, .max_length = LEAT_H3_PRIORITY_PAYLOAD_MAX,
     .too_long = LEAT_H3_EXCESSIVE_LOAD, .on_payload = leat_h3_on_priority_update},
    /* draft-ietf-webtrans-http3-16 §4.3-5: a signal, not a frame: it stands first on a stream or
     * nowhere. */
    {.type = LEAT_H3_FRAME_WEBTRANSPORT_STREAM, .name = "WEBTRANSPORT_STREAM", .misplaced = LEAT_H3_FRAME_ERROR,
     .needs_webtransport = true},
    HTTP2_FRAME(0x02, "PRIORITY (HTTP/2)"),
    HTTP2_FRAME(0x06, "PING (HTTP/2)"),
    HTTP2_FRAME(0x08, "WINDOW_UPDATE (HTTP/2)"),
    HTTP2_FRAME(0x09, "CONTINUATION (HTTP/2)"),
};

static const leat_h3_frame_row *find_row(uint64_t type) {
    for (size_t i = 0; i < sizeof frame_rows / sizeof frame_rows[0]; i++) {
        if (frame_rows[i].type == type) {
            return &frame_rows[i];
        }
    }
    return NULL;
}

static bool is_allowed(const leat_h3 *h3, const leat_h3_frame_row *row, unsigned where) {
    unsigned from = h3->is_client ? LEAT_H3_FROM_SERVER : LEAT_H3_FROM_CLIENT;
    return (row->where & where) != 0 && (row->from & from) != 0;
}

/* The head of a frame is complete: its row judges. */
static bool begin_frame(leat_h3 *h3, leat_h3_stream *stream, unsigned where, leat_h3_event *event) {
    const leat_h3_frame_row *row = find_row(stream->reader.type);
    if (row != NULL && row->needs_webtransport && !h3->config.enable_webtransport) {
        row = NULL;
    }
    stream->frame = row;
    if (row == NULL || row->on_payload == NULL) {
        leat_h3_trace_frame(
            h3, LEAT_H3_PARSED, stream->id, stream->reader.type, stream->reader.length);
    }
    if (where == LEAT_H3_ON_CONTROL && !h3->settings_received &&
        stream->reader.type != LEAT_H3_FRAME_SETTINGS) {
        /* RFC 9114 §6.2.1-2, §9-3: nothing can be understood before the settings, not even what is
         * unknown. */
        return leat_h3_fail(
            h3, LEAT_H3_MISSING_SETTINGS, "SETTINGS is not the first frame of the control stream");
    }
    if (row == NULL) {
        leat_h3_count_useless(h3);
        return false;
    }
    if (!is_allowed(h3, row, where)) {
        /* RFC 9114 §7.2: the table of where each frame may stand. */
        return leat_h3_fail(h3, row->misplaced, row->name);
    }
    if (stream->reader.length > row->max_length) {
        return leat_h3_fail(h3, row->too_long, row->name);
    }
    return row->begin != NULL && row->begin(h3, stream, event);
}

/* A handler left the stream as it was because the payload cannot be used yet: gives the bytes back
 * to QUIC. */
static bool hold_payload(leat_h3 *h3, leat_h3_stream *stream, size_t unread) {
    h3->input.stream = NULL;
    if (leat_conn_hold_stream(h3->conn, stream->id, unread) != 0) {
        return leat_h3_fail(h3, LEAT_H3_INTERNAL_ERROR, "a stream cannot be held");
    }
    return false;
}

/* The payload is used; an event may still point into it until the next one. */
static void spend_partial(leat_h3 *h3, leat_h3_stream *stream) {
    leat_buffer_clear(&h3->spent);
    h3->spent = stream->partial;
    leat_buffer_init(&stream->partial, h3->allocator, h3->spent.limit);
}

/* A payload that is read as a whole: in place when it lies in the input, else collected in
 * stream->partial. */
static bool read_whole_payload(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    leat_h3_input before = h3->input;
    leat_tlv_reader reader_before = stream->reader;
    size_t partial_before = stream->partial.length;
    leat_span payload = leat_tlv_read_value(&stream->reader, &h3->input.bytes);
    bool is_in_place = payload.length == stream->reader.length;
    if (!is_in_place) {
        if (leat_buffer_append(&stream->partial, payload.data, payload.length) != 0) {
            return leat_h3_fail_memory(h3);
        }
        payload = (leat_span){stream->partial.data, stream->partial.length};
    }
    if (stream->reader.left > 0) {
        return false;
    }
    leat_tlv_next(&stream->reader);
    bool made_event = stream->frame->on_payload(h3, stream, payload, event);
    if (stream->is_blocked && leat_h3_is_reading(h3, stream)) {
        /* RFC 9204 §2.1.2: the bytes keep their flow control credit, so that blocked streams stay
         * bounded. */
        stream->reader = reader_before;
        stream->partial.length = partial_before;
        return hold_payload(h3, stream, before.bytes.length);
    }
    spend_partial(h3, stream);
    return made_event;
}

static bool read_pieces(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    leat_span piece = leat_tlv_read_value(&stream->reader, &h3->input.bytes);
    if (stream->reader.left == 0) {
        leat_tlv_next(&stream->reader);
    }
    return stream->frame != NULL && stream->frame->on_piece(h3, stream, piece, event);
}

bool leat_h3_read_frames(
    leat_h3 *h3, leat_h3_stream *stream, unsigned where, leat_h3_event *event) {
    const leat_h3_stream_role *role = stream->role;
    while (leat_h3_is_reading(h3, stream) && stream->role == role && h3->input.bytes.length > 0) {
        if (stream->reader.part != LEAT_TLV_VALUE) {
            if (!leat_tlv_read_head(&stream->reader, &h3->input.bytes)) {
                return false;
            }
            if (begin_frame(h3, stream, where, event)) {
                return true;
            }
            if (!leat_h3_is_reading(h3, stream)) {
                return false;
            }
        }
        bool is_whole = stream->frame != NULL && stream->frame->on_payload != NULL;
        if (is_whole ? read_whole_payload(h3, stream, event) : read_pieces(h3, stream, event)) {
            return true;
        }
    }
    return false;
}

size_t leat_h3_write_frame_head(
    uint8_t head[LEAT_H3_FRAME_HEAD_MAX], uint64_t type, uint64_t length) {
    leat_writer writer = leat_writer_make(head, LEAT_H3_FRAME_HEAD_MAX);
    leat_write_varint(&writer, type);
    leat_write_varint(&writer, length);
    return leat_writer_length(&writer);
}

bool leat_h3_read_id(leat_h3 *h3, leat_span payload, uint64_t *id) {
    leat_reader reader = leat_reader_of(payload);
    *id = leat_read_varint(&reader);
    if (!leat_reader_at_end(&reader)) {
        /* RFC 9114 §7.1-2, §10.8: the frame's length must be that of its field. */
        return leat_h3_fail(h3, LEAT_H3_FRAME_ERROR, "a frame is not as long as its identifier");
    }
    return true;
}
