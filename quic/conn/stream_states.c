/* The one place where a stream's states change (RFC 9000 §3), so that a trace sees every change. */
#include "quic/conn/trace.h"

bool leat_streams_on_send_input(leat_conn *conn, leat_stream *stream, leat_send_input input) {
    leat_send_state before = stream->send_state;
    bool has_changed = leat_send_state_apply(&stream->send_state, input);
    if (has_changed) {
        leat_trace_stream_state(conn, stream->id, true, leat_send_state_name(before),
            leat_send_state_name(stream->send_state));
    }
    return has_changed;
}

void leat_streams_on_recv_input(leat_conn *conn, leat_stream *stream, leat_recv_input input) {
    leat_recv_state before = stream->recv_state;
    if (leat_recv_state_apply(&stream->recv_state, input)) {
        leat_trace_stream_state(conn, stream->id, false, leat_recv_state_name(before),
            leat_recv_state_name(stream->recv_state));
    }
}
