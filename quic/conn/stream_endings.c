/*
 * Ending a stream early: RESET_STREAM and STOP_SENDING, RFC 9000 §2.4, §3.5, §19.4, §19.5. Both may
 * come in any order with data and with each other; each is answered by the state tables of
 * quic/stream.
 */
#include "quic/conn/conn_internal.h"

/* ---- our sending part ------------------------------------------------------------------------ */

static void reset_sending(leat_conn *conn, leat_stream *stream, uint64_t error_code) {
    if (!leat_streams_on_send_input(conn, stream, LEAT_SEND_ON_RESET)) {
        return;
    }
    /* draft-ietf-quic-reliable-stream-reset-10 §5.2: all resets of a stream have one code. */
    stream->reset_code = leat_send_buffer_is_cut(&stream->send) ? stream->reset_code : error_code;
    /* RFC 9000 §4.5: what was sent is the final size, whether it arrived or not. */
    stream->reset_size = stream->flow.sent;
    stream->wants_writable = false;
    leat_send_buffer_discard(&stream->send);
    stream->controls &= ~(unsigned)LEAT_STREAM_WANTS_RESET_AT;
    leat_streams_update_ready(conn, stream);
    leat_streams_want_control(conn, stream, LEAT_STREAM_WANTS_RESET);
}

int leat_conn_reset_stream(leat_conn *conn, uint64_t stream_id, uint64_t error_code) {
    leat_stream *stream = leat_stream_map_find(&conn->streams.map, stream_id);
    int err = leat_streams_check_part(conn, stream, true);
    if (err != LEAT_OK || error_code > LEAT_VARINT_MAX) {
        return err != LEAT_OK ? err : LEAT_ERR_INVALID;
    }
    reset_sending(conn, stream, error_code);
    return LEAT_OK;
}

void leat_reset_stream_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                                const leat_frame_record *record) {
    leat_stream *stream = leat_stream_map_find(&conn->streams.map, record->a);
    (void)space, (void)packet;
    if (stream != NULL) {
        leat_streams_on_send_input(conn, stream, LEAT_SEND_ON_RESET_ACKED);
        leat_streams_try_close(conn, stream);
    }
}

void leat_reset_stream_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record) {
    leat_stream *stream = leat_stream_map_find(&conn->streams.map, record->a);
    (void)space;
    if (stream != NULL && stream->send_state == LEAT_SEND_RESET_SENT) {
        leat_streams_want_control(conn, stream, LEAT_STREAM_WANTS_RESET);
    }
}

void leat_stop_sending_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet) {
    uint64_t id = frame->stop_sending.stream_id;
    (void)packet;
    if (leat_stream_is_unidirectional(id) && !leat_stream_map_is_local(&conn->streams.map, id)) {
        leat_close_fault(conn, LEAT_STREAM_STATE_ERROR, frame->type,
                         "STOP_SENDING for a stream that we only receive on");
        return;
    }
    leat_stream *stream = leat_streams_find_for_frame(conn, id, frame->type);
    if (stream == NULL || stream->stop_received ||
        leat_send_state_is_terminal(stream->send_state)) {
        return;
    }
    stream->stop_received = true;
    stream->peer_stop_code = frame->stop_sending.error_code;
    leat_streams_tell(conn, stream, LEAT_STREAM_EVENT_STOP_SENDING);
    /* RFC 9000 §3.5: the answer is a RESET_STREAM, and it repeats the peer's code. */
    reset_sending(conn, stream, frame->stop_sending.error_code);
}

/* ---- our receiving part ---------------------------------------------------------------------- */

int leat_conn_stop_stream(leat_conn *conn, uint64_t stream_id, uint64_t error_code) {
    leat_stream *stream = leat_stream_map_find(&conn->streams.map, stream_id);
    int err = leat_streams_check_part(conn, stream, false);
    if (err != LEAT_OK || error_code > LEAT_VARINT_MAX) {
        return err != LEAT_OK ? err : LEAT_ERR_INVALID;
    }
    bool is_over = stream->stop_sent || stream->end_told ||
        stream->recv_state == LEAT_RECV_DATA_READ || stream->recv_state == LEAT_RECV_RESET_READ;
    if (is_over) {
        return LEAT_OK;
    }
    stream->stop_sent = true;
    stream->stop_code = error_code;
    /* RFC 9000 §3.5: of no use when all data is here already. */
    if (stream->recv_state == LEAT_RECV_RECV || stream->recv_state == LEAT_RECV_SIZE_KNOWN) {
        leat_streams_want_control(conn, stream, LEAT_STREAM_WANTS_STOP_SENDING);
    }
    leat_streams_drop_unread(conn, stream);
    return LEAT_OK;
}

void leat_stop_sending_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record) {
    leat_stream *stream = leat_stream_map_find(&conn->streams.map, record->a);
    (void)space;
    if (stream != NULL &&
        (stream->recv_state == LEAT_RECV_RECV || stream->recv_state == LEAT_RECV_SIZE_KNOWN)) {
        leat_streams_want_control(conn, stream, LEAT_STREAM_WANTS_STOP_SENDING);
    }
}

void leat_reset_stream_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet) {
    uint64_t id = frame->reset_stream.stream_id, final_size = frame->reset_stream.final_size;
    (void)packet;
    if (leat_stream_is_unidirectional(id) && leat_stream_map_is_local(&conn->streams.map, id)) {
        leat_close_fault(conn, LEAT_STREAM_STATE_ERROR, frame->type,
                         "RESET_STREAM for a stream that only we send on");
        return;
    }
    leat_stream *stream = leat_streams_find_for_frame(conn, id, frame->type);
    if (stream == NULL) {
        return;
    }
    if (leat_recv_buffer_check(&stream->recv, final_size, 0, true) != LEAT_INSERT_OK) {
        leat_close_fault(conn, LEAT_FINAL_SIZE_ERROR, frame->type,
                         "RESET_STREAM contradicts the final size");
        return;
    }
    if (stream->peer_reset_at &&
        !leat_reset_at_has_same_code(conn, stream, frame->type, frame->reset_stream.error_code)) {
        return;
    }
    if (stream->recv_state != LEAT_RECV_RECV && stream->recv_state != LEAT_RECV_SIZE_KNOWN) {
        return;
    }
    /* RFC 9000 §4.5: the bytes that will never come count as received, for both limits. */
    uint64_t growth = leat_recv_buffer_growth(&stream->recv, final_size, 0);
    if (!leat_streams_count_received(conn, stream, growth, frame->type)) {
        return;
    }
    leat_recv_buffer_reset(&stream->recv, final_size);
    leat_streams_on_recv_input(conn, stream, LEAT_RECV_ON_RESET);
    stream->peer_reset_code = frame->reset_stream.error_code;
    /* RFC 9000 §3.2: what came in order before the reset may still be told, and is: the end of a
     * conversation often stands right before it. */
    if ((stream->events & LEAT_STREAM_EVENT_DATA) == 0) {
        leat_streams_drop_unread(conn, stream);
    }
    leat_streams_tell(conn, stream, LEAT_STREAM_EVENT_RESET);
}
