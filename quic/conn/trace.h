/*
 * Records for the trace sink, with the fields that qlog's events have (draft-ietf-quic-qlog-quic-events-13). Without a
 * sink each call is one branch. trace_packets.c tells packets and their frames, trace.c everything else.
 */
#ifndef LEAT_QUIC_CONN_TRACE_H
#define LEAT_QUIC_CONN_TRACE_H

#include "quic/conn/conn_internal.h"

#include <string.h>

static inline bool leat_trace_is_on(const leat_conn *conn) { return conn->trace_sink.on_record != NULL; }

static inline leat_trace_field leat_trace_integer(const char *name, uint64_t value) {
    return (leat_trace_field){.name = name, .kind = LEAT_TRACE_INTEGER, .integer = value};
}
static inline leat_trace_field leat_trace_text(const char *name, const char *text) {
    return (leat_trace_field){.name = name, .kind = LEAT_TRACE_TEXT, .bytes = {(const uint8_t *)text, strlen(text)}};
}
static inline leat_trace_field leat_trace_bytes(const char *name, leat_span bytes) {
    return (leat_trace_field){.name = name, .kind = LEAT_TRACE_BYTES, .bytes = bytes};
}
static inline leat_trace_field leat_trace_bool(const char *name, bool value) {
    return (leat_trace_field){.name = name, .kind = LEAT_TRACE_BOOL, .integer = value};
}
static inline leat_trace_field leat_trace_numbers(const char *name, const uint64_t *numbers, size_t count) {
    return (leat_trace_field){.name = name, .kind = LEAT_TRACE_NUMBERS, .integer = count, .numbers = numbers};
}

/* ---- packets --------------------------------------------------------------------------------- */

void leat_trace_packet_received(const leat_conn *conn, const leat_packet_in *packet);
void leat_trace_packet_sent(const leat_conn *conn, const leat_packet_out *out, leat_span frames, size_t size);
void leat_trace_packet_dropped(const leat_conn *conn, leat_drop drop, leat_packet_type type, size_t length);
void leat_trace_packet_buffered(const leat_conn *conn, leat_packet_type type, size_t length);
void leat_trace_packet_acked(const leat_conn *conn, leat_space space, uint64_t pn);
void leat_trace_packet_lost(const leat_conn *conn, leat_space space, uint64_t pn);
/* Stream and handshake bytes of a packet that will go out again. */
void leat_trace_retransmit(const leat_conn *conn, const leat_sent_packet *packet);

/* ---- the connection -------------------------------------------------------------------------- */

/* The addresses are known and packets may follow: the first record of a connection. */
void leat_trace_started(const leat_conn *conn);
/* peers: the list that the peer sent, or empty. */
void leat_trace_versions(const leat_conn *conn, leat_span peers);
/* State: qlog's name. Told once when it is the same as before. */
void leat_trace_state(leat_conn *conn, const char *state);
void leat_trace_closed(const leat_conn *conn);
void leat_trace_params(const leat_conn *conn, bool ours, const leat_transport_params *params);
void leat_trace_alpn(const leat_conn *conn);
void leat_trace_peer_cid(const leat_conn *conn, bool ours, const leat_cid *before, const leat_cid *after);
void leat_trace_path(const leat_conn *conn, const leat_path_state *path);
/* Progress: "migration_started" and so on. */
void leat_trace_migration(const leat_conn *conn, const char *progress, const leat_path_state *path);
void leat_trace_stream_state(const leat_conn *conn, uint64_t id, bool is_sending,
                             const char *before, const char *after);

/* Event "key_updated" or "key_discarded"; trigger may be NULL. */
void leat_trace_key(const leat_conn *conn, const char *event, leat_space space, bool write, uint64_t phase,
                    const char *trigger);
static inline void leat_trace_keys(const leat_conn *conn, const char *event, leat_space space, uint64_t phase,
                                   const char *trigger) {
    leat_trace_key(conn, event, space, true, phase, trigger);
    leat_trace_key(conn, event, space, false, phase, trigger);
}
/* The same for the one key of early data. */
void leat_trace_early_key(const leat_conn *conn, const char *event);
void leat_trace_tls_message(const leat_conn *conn, bool written, leat_level level, uint8_t type, size_t length);

/* The estimates of the active path, and the state of its controller when it changed. */
void leat_trace_metrics(leat_conn *conn);
void leat_trace_timer(const leat_conn *conn, const char *timer);

#endif
