/*
 * Backpressure: giving bytes of the last data event back. The reader of the stream is set back by
 * as much as the application did not want, and QUIC keeps the bytes and their flow control credit.
 */
#include "h3/connection.h"

#include "h3/request.h"

/* The event said that the stream is over, and it was forgotten: not yet, after all. */
static int revive(leat_h3 *h3, leat_h3_stream *stream) {
    leat_h3_stream **link = &h3->retired;
    if (!stream->is_retired) {
        return 0;
    }
    int error = leat_map_set_u64(&h3->streams, stream->id, stream);
    if (error != 0) {
        return error;
    }
    while (*link != stream) {
        link = &(*link)->next_retired;
    }
    *link = stream->next_retired;
    stream->is_retired = false;
    h3->request_count += stream->role == &leat_h3_request_role;
    return 0;
}

/* As if the last `unread` bytes had not been read. */
static void set_back(leat_h3 *h3, leat_h3_stream *stream, size_t unread) {
    if (h3->told.stream_ended) {
        stream->receive_done = false;
        stream->received.state = h3->told.state;
    }
    if (stream->role == &leat_h3_request_role && unread > 0) {
        stream->reader.left += unread;
        stream->reader.part = LEAT_TLV_VALUE;
        stream->received.content_seen -=
            stream->received.state == LEAT_H3_MESSAGE_TUNNELED ? 0 : unread;
    }
}

int leat_h3_hold_stream(leat_h3 *h3, uint64_t stream_id, size_t unread) {
    leat_h3_stream *stream = h3->told.stream;
    if (stream == NULL || stream->id != stream_id || unread > h3->told.length) {
        return LEAT_ERR_STATE;
    }
    size_t behind = leat_h3_is_reading(h3, stream) ? h3->input.bytes.length : 0;
    int error = revive(h3, stream);
    if (error == 0) {
        error = leat_conn_hold_stream(h3->conn, stream_id, unread + behind);
    }
    if (error == 0) {
        set_back(h3, stream, unread);
        h3->told.stream = NULL;
        h3->input.stream = NULL;
    }
    return error;
}

int leat_h3_release_stream(leat_h3 *h3, uint64_t stream_id) {
    return leat_conn_release_stream(h3->conn, stream_id);
}

void leat_h3_tell_bytes(
    leat_h3 *h3, leat_h3_stream *stream, size_t length, uint8_t state, bool stream_ended) {
    h3->told = (leat_h3_told){stream, length, state, stream_ended};
}
