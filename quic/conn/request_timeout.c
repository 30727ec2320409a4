/*
 * Clients that connect and ask for nothing (attack D15): a server waits for the first bidirectional
 * stream of its client only so long. Packets of no consequence, PINGs and HTTP/3's unidirectional
 * streams do not count: a request does, and one is enough for the connection's life. The peer is
 * told with NO_ERROR: it has done nothing forbidden, and may come back.
 */
#include "quic/conn/conn_internal.h"

static bool has_asked(const leat_conn *conn) {
    return conn->streams.map.counts[LEAT_BIDI].received > 0;
}

leat_time leat_request_timeout_due(const leat_conn *conn) {
    bool runs = conn->config.request_timeout != 0 && leat_conn_is_server(conn) &&
                conn->handshake.is_complete && !has_asked(conn);
    return runs ? leat_time_add(conn->handshake.completed, conn->config.request_timeout)
                : LEAT_TIME_NEVER;
}

void leat_request_timeout_expire(leat_conn *conn) {
    static const leat_close_cause idle = {.source = LEAT_SOURCE_REQUEST_TIMEOUT,
                                          .reason = "no request"};
    leat_close_start(conn, &idle);
}
