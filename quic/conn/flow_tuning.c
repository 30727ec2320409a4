/*
 * Windows that grow with the path: RFC 9000 §4.2 leaves their size to us. A receive window follows
 * what the application takes, see leat_flow_tune; a send buffer follows the congestion window of
 * those who want to send more than it holds. Both stop at the bounds of the configuration.
 */
#include "quic/conn/conn_internal.h"

/* A window that is used up within so many round trips was too small. */
#define TUNING_ROUND_TRIPS 2

static leat_time tuning_period(const leat_conn *conn) {
    return leat_time_multiply(conn->paths.active->recovery.rtt.smoothed_rtt, TUNING_ROUND_TRIPS);
}

/* The connection's window has room for one and a half of its largest stream. */
static void make_room_for(leat_conn *conn, const leat_stream *stream) {
    leat_flow *flow = &conn->streams.flow;
    uint64_t wanted = stream->flow.window + stream->flow.window / 2;
    uint64_t maximum = conn->config.max_connection_window;
    wanted = wanted < maximum ? wanted : maximum;
    if (wanted > flow->window) {
        leat_flow_set_window(flow, wanted);
    }
}

void leat_flow_tuning_on_consumed(leat_conn *conn, leat_stream *stream) {
    leat_time period = tuning_period(conn);
    leat_flow_tune(&conn->streams.flow, conn->now, period, conn->config.max_connection_window);
    if (leat_flow_tune(&stream->flow, conn->now, period, conn->config.max_stream_window)) {
        make_room_for(conn, stream);
    }
}

void leat_flow_tuning_on_acked(leat_conn *conn, leat_stream *stream) {
    if (!stream->wants_writable) {
        return;
    }
    /* Twice, so that the application can fill one window while the other is in flight. */
    uint64_t wanted = 2 * leat_congestion_window(&conn->paths.active->recovery.congestion);
    size_t maximum = conn->config.max_send_buffer;
    wanted = wanted < maximum ? wanted : maximum;
    if (wanted > stream->send.limit) {
        stream->send.limit = (size_t)wanted;
    }
}
