/*
 * GOAWAY, RFC 9114 §5.2: the end of a connection announced in both directions. The identifier of a
 * server's GOAWAY is that of the first request it does not process; a client's is a push ID, which
 * never is but 0 here. A shutdown without loss says it twice: first the largest identifier there
 * is, and when a PING behind it came back, the one that counts.
 */
#include "h3/frames.h"
#include "h3/send.h"
#include "h3/trace.h"

bool leat_h3_on_goaway(
    leat_h3 *h3, leat_h3_stream *stream, leat_span payload, leat_h3_event *event) {
    uint64_t id;
    if (!leat_h3_read_id(h3, payload, &id)) {
        return false;
    }
    leat_h3_trace_id(h3, LEAT_H3_PARSED, stream->id, LEAT_H3_FRAME_GOAWAY, id);
    /* RFC 9114 §7.2.6-1: a server names a request stream. */
    bool is_request = !leat_stream_is_unidirectional(id) && leat_stream_is_client_initiated(id);
    if (h3->is_client && !is_request) {
        return leat_h3_fail(h3, LEAT_H3_ID_ERROR, "GOAWAY does not name a request");
    }
    /* RFC 9114 §5.2-6: what was given up must not come back. */
    if (h3->goaway_received != LEAT_H3_NONE && id > h3->goaway_received) {
        return leat_h3_fail(h3, LEAT_H3_ID_ERROR, "GOAWAY with a larger identifier");
    }
    if (id == h3->goaway_received && !leat_h3_count_useless(h3)) {
        return false;
    }
    h3->goaway_received = id;
    leat_h3_make_event(event, LEAT_H3_EVENT_GOAWAY_RECEIVED, 0);
    event->goaway_received.id = id;
    return true;
}

static int send_goaway(leat_h3 *h3, uint64_t id) {
    uint8_t frame[LEAT_H3_FRAME_HEAD_MAX + 8];
    size_t head_length =
        leat_h3_write_frame_head(frame, LEAT_H3_FRAME_GOAWAY, leat_varint_size(id));
    leat_writer writer = leat_writer_make(frame + head_length, 8);
    leat_write_varint(&writer, id);
    int error =
        leat_h3_send_control(h3, (leat_span){frame, head_length + leat_writer_length(&writer)});
    if (error == 0) {
        h3->goaway_sent = id;
        leat_h3_trace_id(h3, LEAT_H3_CREATED, h3->critical[LEAT_H3_CONTROL].local_id,
            LEAT_H3_FRAME_GOAWAY, id);
    }
    return error;
}

int leat_h3_goaway(leat_h3 *h3) {
    uint64_t id = h3->is_client ? 0 : h3->next_request_id;
    if (h3->has_failed) {
        return LEAT_ERR_STATE;
    }
    bool is_final = h3->goaway_sent != LEAT_H3_NONE && h3->goaway_sent != LEAT_H3_LAST_REQUEST_ID;
    return is_final ? 0 : send_goaway(h3, id);
}

int leat_h3_shutdown(leat_h3 *h3) {
    if (h3->has_failed) {
        return LEAT_ERR_STATE;
    }
    if (h3->is_client || h3->goaway_sent != LEAT_H3_NONE) {
        return leat_h3_goaway(h3);
    }
    /* RFC 9114 §5.2-5: requests that are on their way now will still be processed. */
    int error = send_goaway(h3, LEAT_H3_LAST_REQUEST_ID);
    bool is_timed = error == 0 && leat_conn_send_ping(h3->conn, LEAT_H3_PING_SHUTDOWN) == 0;
    return is_timed || error != 0 ? error : leat_h3_goaway(h3);
}
