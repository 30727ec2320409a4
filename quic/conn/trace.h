/*
 * Records for the trace sink, named after qlog's events where it has them. Without a sink each call
 * is one branch; the frames of a packet are parsed again for their records, so that the hot paths
 * carry no trace code.
 */
#ifndef LEAT_QUIC_CONN_TRACE_H
#define LEAT_QUIC_CONN_TRACE_H

#include "quic/conn/conn_internal.h"

#include <string.h>

static inline bool leat_trace_is_on(const leat_conn *conn) {
    return conn->trace_sink.on_record != NULL;
}

static inline leat_trace_field leat_trace_integer(const char *name, uint64_t value) {
    return (leat_trace_field){.name = name, .kind = LEAT_TRACE_INTEGER, .integer = value};
}
static inline leat_trace_field leat_trace_text(const char *name, const char *text) {
    return (leat_trace_field){.name = name, .kind = LEAT_TRACE_TEXT,
                              .bytes = {(const uint8_t *)text, strlen(text)}};
}
static inline leat_trace_field leat_trace_bytes(const char *name, leat_span bytes) {
    return (leat_trace_field){.name = name, .kind = LEAT_TRACE_BYTES, .bytes = bytes};
}
static inline leat_trace_field leat_trace_bool(const char *name, bool value) {
    return (leat_trace_field){.name = name, .kind = LEAT_TRACE_BOOL, .integer = value};
}

void leat_trace_packet_received(const leat_conn *conn, const leat_packet_in *packet);
void leat_trace_packet_sent(const leat_conn *conn, const leat_packet_out *out, leat_span frames,
                            size_t size);
void leat_trace_packet_dropped(const leat_conn *conn, leat_drop drop, leat_packet_type type,
                               size_t length);
void leat_trace_packet_buffered(const leat_conn *conn, leat_packet_type type, size_t length);
void leat_trace_packet_lost(const leat_conn *conn, leat_space space, uint64_t pn);
void leat_trace_state(const leat_conn *conn, leat_conn_state before, leat_conn_state after);
void leat_trace_closed(const leat_conn *conn);
void leat_trace_params(const leat_conn *conn, bool ours, const leat_transport_params *params);
void leat_trace_keys(const leat_conn *conn, const char *name, leat_space space,
                     const char *trigger);
void leat_trace_tls_message(const leat_conn *conn, bool written, leat_level level, uint8_t type,
                            size_t length);
void leat_trace_metrics(const leat_conn *conn);
void leat_trace_path(const leat_conn *conn, const char *name, const leat_path_state *path);
void leat_trace_timer(const leat_conn *conn, const char *timer);

#endif
