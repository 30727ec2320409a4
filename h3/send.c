/*
 * Sending requests, responses and capsules: RFC 9114 §4.1, §7.2. The same message machine and the
 * same field rules that judge the peer's messages judge ours before a byte is written. A frame is
 * taken whole or not at all: what the QUIC stream has no room for waits in stream->unsent, and
 * nothing else is taken until it is gone.
 */
#include "h3/send.h"

#include "base/alloc.h"
#include "h3/critical_streams.h"
#include "h3/frames.h"
#include "h3/request.h"
#include "h3/trace.h"

/* With no more room than this, a DATA frame of so many bytes is made, which cannot fit: its rest
 * waits in stream->unsent. */
#define SMALL_DATA 64
/* An encoding buffer above this size is not kept. */
#define SCRATCH_KEPT 4096

/* ---- bytes to the stream ------------------------------------------------------------ */

int leat_h3_flush_unsent(leat_h3 *h3, leat_h3_stream *stream) {
    if (stream->unsent.length == 0) {
        return 0;
    }
    ptrdiff_t sent = leat_conn_send_stream_data(
        h3->conn, stream->id, stream->unsent.data, stream->unsent.length, stream->unsent_end);
    if (sent < 0) {
        return (int)sent;
    }
    leat_buffer_consume(&stream->unsent, (size_t)sent);
    if (stream->unsent.length > 0) {
        return LEAT_ERR_FULL;
    }
    leat_buffer_clear(&stream->unsent);
    if (stream->unsent_end) {
        leat_h3_end_sending(h3, stream);
    }
    return 0;
}

/* A frame of which only a part was taken cannot be mended. */
static int break_off(leat_h3 *h3, leat_h3_stream *stream, int error) {
    leat_h3_cancel(h3, stream->id, LEAT_H3_INTERNAL_ERROR);
    return error;
}

/* Takes the parts as one: into the QUIC stream while it has room, then into stream->unsent. */
static int send_parts(
    leat_h3 *h3, leat_h3_stream *stream, const leat_span *parts, size_t count, bool end_stream) {
    for (size_t i = 0; i < count; i++) {
        bool ends = end_stream && i + 1 == count;
        ptrdiff_t sent = 0;
        if (stream->unsent.length == 0) {
            sent = leat_conn_send_stream_data(
                h3->conn, stream->id, parts[i].data, parts[i].length, ends);
        }
        if (sent < 0) {
            return i == 0 ? (int)sent : break_off(h3, stream, (int)sent);
        }
        size_t rest = parts[i].length - (size_t)sent;
        if (rest > 0 && leat_buffer_append(&stream->unsent, parts[i].data + sent, rest) != 0) {
            return break_off(h3, stream, LEAT_ERR_NOMEM);
        }
    }
    stream->unsent_end = end_stream;
    if (end_stream && stream->unsent.length == 0) {
        leat_h3_end_sending(h3, stream);
    }
    return 0;
}

int leat_h3_send_control(leat_h3 *h3, leat_span frames) {
    int error = leat_buffer_append(&h3->control, frames.data, frames.length);
    if (error != 0) {
        return error == LEAT_ERR_TOO_LARGE ? LEAT_ERR_FULL : error;
    }
    return leat_h3_flush(h3);
}

/* ---- the stream to send on ---------------------------------------------------------- */

static int find_sendable(leat_h3 *h3, uint64_t stream_id, leat_h3_stream **stream) {
    *stream = leat_h3_find_stream(h3, stream_id);
    if (h3->has_failed) {
        return LEAT_ERR_STATE;
    }
    if (*stream == NULL || (*stream)->role != &leat_h3_request_role || (*stream)->send_done) {
        return LEAT_ERR_NO_STREAM;
    }
    return (*stream)->unsent_end ? LEAT_ERR_STATE : leat_h3_flush_unsent(h3, *stream);
}

int leat_h3_open_request(leat_h3 *h3, uint64_t *stream_id) {
    if (h3->has_failed || !h3->is_client) {
        return LEAT_ERR_STATE;
    }
    if (h3->goaway_received != LEAT_H3_NONE) {
        /* RFC 9114 §5.2-3: a new connection is for new requests. */
        return LEAT_ERR_REFUSED;
    }
    int error = leat_conn_open_stream(h3->conn, false, stream_id);
    if (error != 0) {
        return error;
    }
    leat_h3_stream *stream = leat_h3_add_stream(h3, *stream_id, &leat_h3_request_role);
    if (stream == NULL) {
        leat_conn_reset_stream(h3->conn, *stream_id, LEAT_H3_INTERNAL_ERROR);
        leat_conn_stop_stream(h3->conn, *stream_id, LEAT_H3_INTERNAL_ERROR);
        return LEAT_ERR_NOMEM;
    }
    leat_h3_trace_stream_type(h3, *stream_id, LEAT_H3_REQUEST_STREAM);
    h3->request_count++;
    return 0;
}

int leat_h3_cancel(leat_h3 *h3, uint64_t stream_id, uint64_t error_code) {
    leat_h3_stream *stream = leat_h3_find_stream(h3, stream_id);
    /* RFC 9114 §4.1.1-2: whichever directions are still open. */
    int stopped = leat_conn_stop_stream(h3->conn, stream_id, error_code);
    int reset = leat_conn_reset_stream(h3->conn, stream_id, error_code);
    if (stream != NULL) {
        leat_h3_stop_reading(h3, stream);
        leat_h3_end_sending(h3, stream);
        leat_h3_end_receiving(h3, stream);
        return 0;
    }
    return stopped == 0 || reset == 0 ? 0 : reset;
}

int leat_h3_stop_stream(leat_h3 *h3, uint64_t stream_id, uint64_t error_code) {
    leat_h3_stream *stream = leat_h3_find_stream(h3, stream_id);
    int error = leat_conn_stop_stream(h3->conn, stream_id, error_code);
    if (error == 0 && stream != NULL) {
        leat_h3_stop_reading(h3, stream);
        leat_h3_end_receiving(h3, stream);
    }
    return error;
}

/* ---- HEADERS ------------------------------------------------------------------------ */

/* Judges the section and says what becomes of the message when it is sent. */
static int check_section(const leat_h3 *h3, const leat_h3_stream *stream,
    const leat_h3_header *headers, size_t count, bool end_stream, leat_h3_message *after,
    leat_h3_asked *asked) {
    leat_h3_section section = leat_h3_message_section(&stream->sent, h3->is_client);
    leat_h3_verdict verdict = leat_h3_validate(headers, count, section, true);
    /* draft-ietf-webtrans-http3-02 §3.2: that protocol has a setting of its own; the layer above
     * knows it. */
    bool is_extended =
        verdict.kind == LEAT_H3_KIND_EXTENDED_CONNECT ||
        (verdict.kind == LEAT_H3_KIND_WEBTRANSPORT_CONNECT && !h3->config.enable_webtransport);
    if (!leat_h3_message_accepts(&stream->sent, LEAT_H3_INPUT_HEADERS)) {
        return LEAT_ERR_STATE;
    }
    if (verdict.violation != NULL) {
        return LEAT_ERR_INVALID;
    }
    if (is_extended && !h3->peer_allows_connect_protocol) {
        return LEAT_ERR_NOT_SUPPORTED; /* RFC 9220 §3, RFC 8441 §3 */
    }
    if (leat_h3_section_size(headers, count) > h3->peer_max_field_section_size) {
        return LEAT_ERR_TOO_LARGE; /* RFC 9114 §4.2.2-1 */
    }
    if (section == LEAT_H3_SECTION_REQUEST) {
        *asked = (leat_h3_asked){verdict.is_head, leat_h3_kind_is_connect(verdict.kind)};
    }
    *after = stream->sent;
    leat_h3_message_on_headers(after, &verdict, *asked);
    return end_stream && leat_h3_message_on_end(after) != NULL ? LEAT_ERR_INVALID : 0;
}

/* The encoder stream's bytes first: they are what the section refers to. */
static int encode(
    leat_h3 *h3, const leat_h3_stream *stream, const leat_h3_header *headers, size_t count) {
    ptrdiff_t room = leat_conn_stream_room(h3->conn, h3->critical[LEAT_H3_ENCODER].local_id);
    leat_qpack_encoder_set_stream_room(h3->encoder, room > 0 ? (uint64_t)room : 0);
    h3->scratch.length = 0;
    int error = leat_qpack_encode(h3->encoder, stream->id, headers, count, &h3->scratch);
    return error != 0 ? error : leat_h3_flush(h3);
}

static int send_section(leat_h3 *h3, leat_h3_stream *stream, bool end_stream) {
    uint8_t head[LEAT_H3_FRAME_HEAD_MAX];
    size_t head_length = leat_h3_write_frame_head(head, LEAT_H3_FRAME_HEADERS, h3->scratch.length);
    leat_span parts[] = {{head, head_length}, {h3->scratch.data, h3->scratch.length}};
    int error = send_parts(h3, stream, parts, 2, end_stream);
    if (h3->scratch.capacity > SCRATCH_KEPT) {
        leat_buffer_clear(&h3->scratch);
    }
    return error;
}

static int send_headers(leat_h3 *h3, leat_h3_stream *stream, const leat_h3_header *headers,
    size_t count, bool end_stream) {
    leat_h3_message after;
    leat_h3_asked asked = stream->asked;
    int error = check_section(h3, stream, headers, count, end_stream, &after, &asked);
    if (error == 0) {
        error = encode(h3, stream, headers, count);
    }
    if (error == 0) {
        leat_h3_trace_headers(
            h3, LEAT_H3_CREATED, stream->id, headers, count, h3->scratch.length);
        error = send_section(h3, stream, end_stream);
        if (error != 0) {
            leat_qpack_encoder_unsend(h3->encoder);
        }
    }
    if (error == 0) {
        stream->sent = after;
        stream->asked = asked;
    }
    return error;
}

int leat_h3_send_headers(
    leat_h3 *h3, uint64_t stream_id, const leat_h3_header *headers, size_t count, bool end_stream) {
    leat_h3_stream *stream;
    int error = find_sendable(h3, stream_id, &stream);
    return error != 0 ? error : send_headers(h3, stream, headers, count, end_stream);
}

int leat_h3_answer(
    leat_h3 *h3, leat_h3_stream *stream, const char *status, const char *details, bool end_stream) {
    const leat_h3_header headers[] = {
        leat_h3_header_of(":status", status), leat_h3_header_of("details", details)};
    int error = stream->send_done ? LEAT_ERR_STATE : leat_h3_flush_unsent(h3, stream);
    return error != 0 ? error : send_headers(h3, stream, headers, 2, end_stream);
}

/* ---- DATA --------------------------------------------------------------------------- */

/* One DATA frame on its way: how much of what is offered it takes, and in how many bytes it says
 * so. */
typedef struct data_plan {
    size_t taken, length_size;
    bool is_small; /* the stream is nearly full: a frame of which a part may wait */
} data_plan;

static data_plan plan_data(size_t length, size_t room) {
    size_t head_length = 1 + leat_varint_size(length);
    if (length + head_length <= room) {
        return (data_plan){length, leat_varint_size(length), false};
    }
    if (room <= SMALL_DATA) {
        size_t taken = length < SMALL_DATA ? length : SMALL_DATA;
        return (data_plan){taken, leat_varint_size(taken), true};
    }
    /* As much as makes the stream exactly full. */
    return (data_plan){room - 1 - leat_varint_size(room), leat_varint_size(room), false};
}

static int send_fitting(
    leat_h3 *h3, leat_h3_stream *stream, leat_span data, data_plan plan, bool end_stream) {
    uint8_t head[LEAT_H3_FRAME_HEAD_MAX];
    leat_writer writer = leat_writer_make(head, sizeof head);
    leat_write_varint(&writer, LEAT_H3_FRAME_DATA);
    leat_write_varint_sized(&writer, plan.taken, plan.length_size);
    size_t head_length = leat_writer_length(&writer);
    ptrdiff_t sent = leat_conn_send_stream_data(h3->conn, stream->id, head, head_length, false);
    if (sent < 0) {
        return (int)sent;
    }
    if (sent != (ptrdiff_t)head_length) {
        return break_off(h3, stream, LEAT_ERR_STATE);
    }
    /* All of it is offered: when less is taken, QUIC knows that StreamWritable is wanted. */
    sent = leat_conn_send_stream_data(h3->conn, stream->id, data.data, data.length, end_stream);
    if (sent != (ptrdiff_t)plan.taken) {
        return break_off(h3, stream, sent < 0 ? (int)sent : LEAT_ERR_STATE);
    }
    if (end_stream && plan.taken == data.length) {
        leat_h3_end_sending(h3, stream);
    }
    return 0;
}

static int send_small(
    leat_h3 *h3, leat_h3_stream *stream, const uint8_t *data, size_t taken, bool end_stream) {
    uint8_t head[LEAT_H3_FRAME_HEAD_MAX];
    size_t head_length = leat_h3_write_frame_head(head, LEAT_H3_FRAME_DATA, taken);
    leat_span parts[] = {{head, head_length}, {data, taken}};
    return send_parts(h3, stream, parts, 2, end_stream);
}

/* Accounts for what will be taken; LEAT_ERR_INVALID: more or less than content-length. */
static int check_data(
    const leat_h3_stream *stream, size_t taken, bool ends, leat_h3_message *after) {
    *after = stream->sent;
    if (!leat_h3_message_accepts(after, LEAT_H3_INPUT_DATA) &&
        (taken > 0 || !leat_h3_message_accepts(after, LEAT_H3_INPUT_END))) {
        return LEAT_ERR_STATE;
    }
    bool is_wrong = leat_h3_message_on_data(after, taken) != NULL ||
                    (ends && leat_h3_message_on_end(after) != NULL);
    return is_wrong ? LEAT_ERR_INVALID : 0;
}

static int send_data(
    leat_h3 *h3, leat_h3_stream *stream, leat_span data, data_plan plan, bool end_stream) {
    if (data.length == 0) {
        return send_parts(h3, stream, &data, 1, end_stream); /* the end alone needs no frame */
    }
    if (plan.is_small) {
        return send_small(
            h3, stream, data.data, plan.taken, end_stream && plan.taken == data.length);
    }
    return send_fitting(h3, stream, data, plan, end_stream);
}

ptrdiff_t leat_h3_send_data(
    leat_h3 *h3, uint64_t stream_id, const uint8_t *data, size_t length, bool end_stream) {
    leat_h3_stream *stream;
    leat_h3_message after;
    int error = find_sendable(h3, stream_id, &stream);
    if (error != 0) {
        return error == LEAT_ERR_FULL ? 0 : error;
    }
    ptrdiff_t room = leat_conn_stream_room(h3->conn, stream_id);
    if (room < 0) {
        return room;
    }
    data_plan plan = plan_data(length, (size_t)room);
    error = check_data(stream, plan.taken, end_stream && plan.taken == length, &after);
    if (error == 0) {
        error = send_data(h3, stream, (leat_span){data, length}, plan, end_stream);
    }
    if (error != 0) {
        return error;
    }
    stream->sent = after;
    leat_h3_trace_frame(h3, LEAT_H3_CREATED, stream_id, LEAT_H3_FRAME_DATA, plan.taken);
    return (ptrdiff_t)plan.taken;
}

int leat_h3_send_capsule(
    leat_h3 *h3, uint64_t stream_id, uint64_t type, leat_span value, bool end_stream) {
    leat_h3_stream *stream;
    uint8_t frame_head[LEAT_H3_FRAME_HEAD_MAX], capsule_head[LEAT_H3_FRAME_HEAD_MAX];
    int error = find_sendable(h3, stream_id, &stream);
    if (error != 0) {
        return error;
    }
    if (!stream->asked.is_connect || !leat_h3_message_accepts(&stream->sent, LEAT_H3_INPUT_DATA)) {
        return LEAT_ERR_STATE;
    }
    size_t capsule_head_length = leat_h3_write_frame_head(capsule_head, type, value.length);
    size_t frame_head_length = leat_h3_write_frame_head(
        frame_head, LEAT_H3_FRAME_DATA, capsule_head_length + value.length);
    leat_span parts[] = {
        {frame_head, frame_head_length}, {capsule_head, capsule_head_length}, value};
    error = send_parts(h3, stream, parts, 3, end_stream);
    leat_h3_trace_frame(h3, LEAT_H3_CREATED, stream_id, LEAT_H3_FRAME_DATA,
        capsule_head_length + value.length);
    if (error == 0 && end_stream) {
        leat_h3_message_on_end(&stream->sent);
    }
    return error;
}

/* ---- PRIORITY_UPDATE ---------------------------------------------------------------- */

int leat_h3_send_priority(leat_h3 *h3, uint64_t stream_id, const char *value) {
    uint8_t id[8], head[LEAT_H3_FRAME_HEAD_MAX];
    leat_buffer frame;
    leat_h3_stream *stream = leat_h3_find_stream(h3, stream_id);
    if (h3->has_failed || !h3->is_client) {
        return LEAT_ERR_STATE; /* RFC 9218 §7.2-9 */
    }
    if (stream == NULL || stream->role != &leat_h3_request_role) {
        return LEAT_ERR_NO_STREAM;
    }
    leat_writer writer = leat_writer_make(id, sizeof id);
    leat_write_varint(&writer, stream_id);
    size_t id_length = leat_writer_length(&writer), value_length = strlen(value);
    size_t head_length = leat_h3_write_frame_head(
        head, LEAT_H3_FRAME_PRIORITY_UPDATE_REQUEST, id_length + value_length);
    leat_buffer_init(&frame, h3->allocator, LEAT_H3_CONTROL_BUFFER_MAX);
    int error = leat_buffer_append(&frame, head, head_length);
    error = error != 0 ? error : leat_buffer_append(&frame, id, id_length);
    error = error != 0 ? error : leat_buffer_append(&frame, value, value_length);
    error = error != 0 ? error : leat_h3_send_control(h3, (leat_span){frame.data, frame.length});
    leat_buffer_clear(&frame);
    if (error == 0) {
        leat_h3_trace_priority_update(h3, LEAT_H3_CREATED,
            h3->critical[LEAT_H3_CONTROL].local_id, stream_id, leat_span_of(value));
    }
    return error;
}
