/*
 * RESET_STREAM_AT, draft-ietf-quic-reliable-stream-reset-10: a reset behind which the first bytes
 * of a stream are still delivered. It works like a FIN with an error code: the sending part goes
 * through "data sent" to "data received", the receiving part through "size known" to "data read".
 * The plain RESET_STREAM is stream_endings.c.
 */
#include "quic/conn/conn_internal.h"

/* ---- our sending part ------------------------------------------------------------------------ */

bool leat_conn_can_reset_stream_at(const leat_conn *conn) {
    return conn->handshake.has_peer_params && conn->handshake.peers.reset_stream_at;
}

/*
 * §4: the final size may not pass the peer's limits; once the promised bytes have been sent, it
 * cannot. §5.3: the size of the data is known from here on, as after a FIN.
 */
void leat_reset_at_on_sent(leat_conn *conn, leat_stream *stream) {
    if (stream->reset_at || !leat_send_buffer_is_reliable_sent(&stream->send)) {
        return;
    }
    stream->reset_at = true;
    stream->reset_size = stream->flow.sent;
    leat_streams_on_send_input(conn, stream, LEAT_SEND_ON_FIN);
    leat_streams_want_control(conn, stream, LEAT_STREAM_WANTS_RESET_AT);
}

/* §5.3: finished when the newest frame and all that it promises are acknowledged. */
void leat_reset_at_on_acked(leat_conn *conn, leat_stream *stream) {
    if (!leat_send_buffer_is_reliable_acked(&stream->send)) {
        return;
    }
    leat_send_buffer_discard(&stream->send);
    if (stream->reset_at_acked) {
        leat_streams_on_send_input(conn, stream, LEAT_SEND_ON_ALL_ACKED);
    }
}

/* §5.2: the promise may only shrink, the code stays. */
static int check_promise(const leat_stream *stream, uint64_t error_code, uint64_t reliable_size) {
    const leat_send_buffer *send = &stream->send;
    bool is_too_large = reliable_size > (leat_send_buffer_is_cut(send) ? send->reliable_end
                                                                       : send->end);
    bool is_other = leat_send_buffer_is_cut(send) && error_code != stream->reset_code;
    return is_too_large || is_other || error_code > LEAT_VARINT_MAX ? LEAT_ERR_INVALID : LEAT_OK;
}

static void reset_at(leat_conn *conn, leat_stream *stream, uint64_t error_code,
                     uint64_t reliable_size) {
    bool is_smaller = reliable_size < stream->send.reliable_end;
    stream->reset_code = error_code;
    stream->wants_writable = false;
    if (stream->send.is_discarded || !is_smaller) {
        return; /* nothing is left to give up */
    }
    leat_send_buffer_cut(&stream->send, reliable_size);
    if (stream->reset_at) {
        stream->reset_at_acked = false;
        leat_streams_want_control(conn, stream, LEAT_STREAM_WANTS_RESET_AT);
    }
    leat_reset_at_on_sent(conn, stream);
    leat_reset_at_on_acked(conn, stream);
    leat_streams_update_ready(conn, stream);
}

int leat_conn_reset_stream_at(leat_conn *conn, uint64_t stream_id, uint64_t error_code,
                              uint64_t reliable_size) {
    if (reliable_size == 0 || !leat_conn_can_reset_stream_at(conn)) {
        int err = leat_conn_reset_stream(conn, stream_id, error_code);
        return err == LEAT_OK && reliable_size > 0 ? LEAT_RESET_IS_PLAIN : err;
    }
    leat_stream *stream = leat_stream_map_find(&conn->streams.map, stream_id);
    int err = leat_streams_check_part(conn, stream, true);
    if (err != LEAT_OK || !leat_send_state_can_send(stream->send_state)) {
        return err;
    }
    err = check_promise(stream, error_code, reliable_size);
    if (err == LEAT_OK) {
        reset_at(conn, stream, error_code, reliable_size);
    }
    return err;
}

/* §5.2: an acknowledgment of an older, larger promise is not what is waited for. */
void leat_reset_stream_at_on_acked(leat_conn *conn, leat_space space,
                                   const leat_sent_packet *packet,
                                   const leat_frame_record *record) {
    leat_stream *stream = leat_stream_map_find(&conn->streams.map, record->a);
    (void)space, (void)packet;
    if (stream != NULL && record->b == stream->send.reliable_end) {
        stream->reset_at_acked = true;
        leat_reset_at_on_acked(conn, stream);
        leat_streams_try_close(conn, stream);
    }
}

void leat_reset_stream_at_on_lost(leat_conn *conn, leat_space space,
                                  const leat_frame_record *record) {
    leat_stream *stream = leat_stream_map_find(&conn->streams.map, record->a);
    (void)space;
    if (stream != NULL && stream->send_state == LEAT_SEND_DATA_SENT && !stream->reset_at_acked) {
        leat_streams_want_control(conn, stream, LEAT_STREAM_WANTS_RESET_AT);
    }
}

/* ---- our receiving part ---------------------------------------------------------------------- */

/* What was promised has arrived; the application gets it first, also when it is holding. */
void leat_reset_at_on_received(leat_conn *conn, leat_stream *stream) {
    const leat_recv_buffer *recv = &stream->recv;
    if (!stream->peer_reset_at || stream->end_told ||
        recv->contiguous_end < stream->peer_reliable_size) {
        return;
    }
    leat_streams_on_recv_input(conn, stream, LEAT_RECV_ON_ALL_DATA);
    if (!stream->held || recv->consumed >= stream->peer_reliable_size) {
        leat_streams_tell(conn, stream, LEAT_STREAM_EVENT_RESET);
    }
}

/* The frame fits what is known of the stream; false: a fault, which is recorded. */
static bool agrees(leat_conn *conn, const leat_stream *stream, const leat_frame *frame) {
    uint64_t final_size = frame->reset_stream_at.final_size;
    if (leat_recv_buffer_check(&stream->recv, final_size, 0, true) != LEAT_INSERT_OK) {
        leat_close_fault(conn, LEAT_FINAL_SIZE_ERROR, frame->type,
                         "RESET_STREAM_AT contradicts the final size");
        return false;
    }
    return leat_reset_at_has_same_code(conn, stream, frame->type,
                                       frame->reset_stream_at.error_code);
}

bool leat_reset_at_has_same_code(leat_conn *conn, const leat_stream *stream, uint64_t frame_type,
                                 uint64_t error_code) {
    bool is_known = stream->peer_reset_at || stream->recv_state == LEAT_RECV_RESET_RECVD ||
                    stream->recv_state == LEAT_RECV_RESET_READ;
    if (is_known && stream->peer_reset_code != error_code) {
        leat_close_fault(conn, LEAT_STREAM_STATE_ERROR, frame_type,
                         "resets of one stream with different codes");
        return false;
    }
    return true;
}

static void take_promise(leat_conn *conn, leat_stream *stream, const leat_frame *frame) {
    uint64_t reliable_size = frame->reset_stream_at.reliable_size;
    if (stream->peer_reset_at && reliable_size >= stream->peer_reliable_size) {
        return; /* §5.2: an older frame that was overtaken */
    }
    leat_recv_buffer_reset(&stream->recv, frame->reset_stream_at.final_size);
    stream->peer_reset_at = true;
    stream->peer_reliable_size = reliable_size;
    stream->peer_reset_code = frame->reset_stream_at.error_code;
    leat_streams_on_recv_input(conn, stream, LEAT_RECV_ON_FIN);
    leat_reset_at_on_received(conn, stream);
    if (stream->stop_sent) {
        leat_streams_drop_unread(conn, stream);
    }
}

void leat_reset_stream_at_on_frame(leat_conn *conn, const leat_frame *frame,
                                   leat_packet_in *packet) {
    uint64_t id = frame->reset_stream_at.stream_id, size = frame->reset_stream_at.final_size;
    (void)packet;
    /* RFC 9000 §19.21: a frame of an extension that was not offered is an unknown one. */
    if (!conn->config.reset_stream_at) {
        leat_close_fault(conn, LEAT_FRAME_ENCODING_ERROR, frame->type,
                         "RESET_STREAM_AT was not offered");
        return;
    }
    if (leat_stream_is_unidirectional(id) && leat_stream_map_is_local(&conn->streams.map, id)) {
        leat_close_fault(conn, LEAT_STREAM_STATE_ERROR, frame->type,
                         "RESET_STREAM_AT for a stream that only we send on");
        return;
    }
    leat_stream *stream = leat_streams_find_for_frame(conn, id, frame->type);
    if (stream == NULL || !agrees(conn, stream, frame) ||
        (stream->recv_state != LEAT_RECV_RECV && stream->recv_state != LEAT_RECV_SIZE_KNOWN)) {
        return;
    }
    uint64_t growth = leat_recv_buffer_growth(&stream->recv, size, 0);
    if (leat_streams_count_received(conn, stream, growth, frame->type)) {
        take_promise(conn, stream, frame);
    }
}
