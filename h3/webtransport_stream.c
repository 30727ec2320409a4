/*
 * WebTransport streams. draft-ietf-webtrans-http3-16 §4.2: unidirectional, type 0x54; §4.3:
 * bidirectional, signal 0x41. Both are followed by the session id, and from there on the bytes are
 * the application's. Whether the session exists, and what to do with streams that come before it,
 * is the business of the layer above.
 */
#include "h3/webtransport_stream.h"

#include "h3/frames.h"
#include "h3/trace.h"

static bool tell_data(leat_h3 *h3, leat_h3_stream *stream, bool is_first, leat_h3_event *event) {
    leat_h3_make_event(event, LEAT_H3_EVENT_WEBTRANSPORT_STREAM_DATA_RECEIVED, stream->id);
    event->webtransport_stream_data_received.session_id = stream->session_id;
    event->webtransport_stream_data_received.is_first = is_first;
    event->webtransport_stream_data_received.data = leat_span_take(&h3->input.bytes, UINT64_MAX);
    bool stream_ended = event->webtransport_stream_data_received.stream_ended =
        leat_h3_take_end(h3, stream);
    leat_h3_tell_bytes(
        h3, stream, event->webtransport_stream_data_received.data.length, 0, stream_ended);
    return true;
}

static bool read_data(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    return tell_data(h3, stream, false, event);
}

static bool end_data(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    return tell_data(h3, stream, false, event);
}

static const leat_h3_stream_role raw_role = {
    .name = "webtransport", .read = read_data, .end = end_data};

static bool read_session_id(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    uint64_t session_id;
    if (!leat_tlv_read_varint(&stream->reader, &h3->input.bytes, &session_id)) {
        return false;
    }
    /* draft-ietf-webtrans-http3-16 §4-2: a session is a request stream. */
    if (leat_stream_is_unidirectional(session_id) || !leat_stream_is_client_initiated(session_id)) {
        return leat_h3_fail(h3, LEAT_H3_ID_ERROR, "the session id is not a request stream");
    }
    stream->session_id = session_id;
    stream->role = &raw_role;
    return tell_data(h3, stream, true, event);
}

static bool end_opening(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    (void)event;
    if (!leat_stream_is_unidirectional(stream->id)) {
        return leat_h3_fail(
            h3, LEAT_H3_FRAME_ERROR, "a WebTransport stream ended inside its session id");
    }
    /* RFC 9114 §6.2-9: a unidirectional stream may end before its header does. */
    leat_h3_end_receiving(h3, stream);
    return false;
}

const leat_h3_stream_role leat_h3_webtransport_opening = {
    .name = "webtransport",
    .read = read_session_id,
    .end = end_opening,
};

/* Type or signal, and the session id. */
static bool send_preamble(leat_h3 *h3, uint64_t stream_id, uint64_t session_id) {
    uint8_t preamble[LEAT_H3_FRAME_HEAD_MAX];
    bool is_unidirectional = leat_stream_is_unidirectional(stream_id);
    uint64_t type =
        is_unidirectional ? LEAT_H3_STREAM_TYPE_WEBTRANSPORT : LEAT_H3_FRAME_WEBTRANSPORT_STREAM;
    size_t length = leat_h3_write_frame_head(preamble, type, session_id);
    return leat_conn_send_stream_data(h3->conn, stream_id, preamble, length, false) ==
           (ptrdiff_t)length;
}

int leat_h3_create_webtransport_stream(
    leat_h3 *h3, uint64_t session_id, bool unidirectional, uint64_t *stream_id) {
    if (h3->has_failed || !h3->config.enable_webtransport) {
        return LEAT_ERR_STATE;
    }
    if (leat_stream_is_unidirectional(session_id) || !leat_stream_is_client_initiated(session_id)) {
        return LEAT_ERR_INVALID;
    }
    int error = leat_conn_open_stream(h3->conn, unidirectional, stream_id);
    if (error != 0) {
        return error;
    }
    leat_h3_stream *stream = unidirectional ? NULL : leat_h3_add_stream(h3, *stream_id, &raw_role);
    if ((!unidirectional && stream == NULL) || !send_preamble(h3, *stream_id, session_id)) {
        leat_h3_cancel(h3, *stream_id, LEAT_H3_INTERNAL_ERROR);
        return LEAT_ERR_NOMEM;
    }
    if (stream != NULL) {
        stream->session_id = session_id;
        leat_h3_end_sending(
            h3, stream); /* the application writes to QUIC itself: only the replies are read here */
    }
    leat_h3_trace_stream_type(h3, *stream_id,
        unidirectional ? LEAT_H3_STREAM_TYPE_WEBTRANSPORT : LEAT_H3_FRAME_WEBTRANSPORT_STREAM);
    return 0;
}
