/*
 * HTTP datagrams, RFC 9297 §2.1: a quarter stream id, then the payload. One for a request that has
 * not come yet is handed up, where a bounded number of them may wait; nothing is kept here.
 *
 * RFC 9297 §2.1-6: NOT IMPLEMENTED: an id beyond the stream limit is not noticed: the limit is not
 * visible in this layer.
 */
#include "h3/datagram.h"

#include "h3/request.h"
#include "h3/trace.h"

/* RFC 9297 §2.1-1. */
#define QUARTER_ID_MAX ((UINT64_C(1) << 60) - 1)

/* RFC 9297 §2.1-4, §2.1-5: what belongs to a stream that is over is dropped, what overtook its
 * request is not. */
static bool is_wanted(const leat_h3 *h3, uint64_t stream_id) {
    const leat_h3_stream *stream = leat_h3_find_stream(h3, stream_id);
    if (stream != NULL) {
        return !stream->receive_done;
    }
    return !h3->is_client && stream_id >= h3->next_request_id;
}

bool leat_h3_read_datagram(leat_h3 *h3, leat_span payload, leat_h3_event *event) {
    leat_reader reader = leat_reader_of(payload);
    uint64_t quarter_id = leat_read_varint(&reader);
    leat_span data = leat_read_rest(&reader);
    if (!h3->config.enable_datagrams) {
        return false;
    }
    if (reader.failed || quarter_id > QUARTER_ID_MAX) {
        /* RFC 9297 §2.1-1, §2.1-2. */
        return leat_h3_fail(h3, LEAT_H3_DATAGRAM_ERROR, "a datagram without a valid stream");
    }
    if (!is_wanted(h3, quarter_id * 4)) {
        return false;
    }
    leat_h3_make_event(event, LEAT_H3_EVENT_DATAGRAM_RECEIVED, quarter_id * 4);
    event->datagram_received.data = data;
    leat_h3_trace_datagram(h3, LEAT_H3_PARSED, quarter_id, payload.length);
    return true;
}

/* RFC 9297 §2.1-3, §2.1.1-3. */
static int check_sendable(const leat_h3 *h3, uint64_t stream_id) {
    const leat_h3_stream *stream = leat_h3_find_stream(h3, stream_id);
    if (h3->has_failed) {
        return LEAT_ERR_STATE;
    }
    if (stream == NULL || stream->role != &leat_h3_request_role || stream->send_done) {
        return LEAT_ERR_NO_STREAM;
    }
    return h3->config.enable_datagrams && h3->peer_takes_datagrams ? 0 : LEAT_ERR_NOT_SUPPORTED;
}

int leat_h3_send_datagram(leat_h3 *h3, uint64_t stream_id, leat_span data, uint64_t uid) {
    uint8_t quarter_id[8];
    leat_writer writer = leat_writer_make(quarter_id, sizeof quarter_id);
    int error = check_sendable(h3, stream_id);
    if (error != 0) {
        return error;
    }
    leat_write_varint(&writer, stream_id / 4);
    leat_span parts[] = {{quarter_id, leat_writer_length(&writer)}, data};
    error = leat_conn_send_datagram_frame(h3->conn, parts, 2, uid);
    if (error == 0) {
        leat_h3_trace_datagram(h3, LEAT_H3_CREATED, stream_id / 4, parts[0].length + data.length);
    }
    return error;
}

size_t leat_h3_max_datagram_payload(const leat_h3 *h3, uint64_t stream_id) {
    size_t room = leat_conn_max_datagram_payload(h3->conn), head = leat_varint_size(stream_id / 4);
    return check_sendable(h3, stream_id) == 0 && room > head ? room - head : 0;
}
