/*
 * How long a connection lives and how it ends: liveness.c, request_timeout.c, calm.c, close.c.
 */
#ifndef LEAT_QUIC_CONN_LIFETIME_H
#define LEAT_QUIC_CONN_LIFETIME_H

#include "base/ring.h"
#include "quic/conn/packets.h"

/* ---- liveness.c: PING, keep-alive, silence, idle timeout ------------------------------------- */

/* PINGs of the application waiting or in flight at a time. */
#define LEAT_PINGS_MAX 64

typedef struct leat_conn_liveness {
    leat_ring pings;            /* uint64_t uids waiting to be sent */
    size_t pings_unanswered;    /* waiting or in flight: what is lost has its place to return to */
    bool ping_due;              /* a PING of our own: keep-alive, liveness */
    unsigned wanted;            /* liveness: how many layers want it */
    bool starts_watching;       /* liveness: at the next time that the connection is told */
    leat_time watched_since;    /* liveness: silence before does not count */
    leat_time next_ping;        /* liveness */
    bool told_unresponsive;
    leat_time idle_since;       /* RFC 9000 §10.1: the idle timer runs from here */
    bool sent_eliciting;        /* since the last packet received */
    leat_time last_eliciting_sent;
    leat_time idle_timeout;     /* the lesser of both; 0: none */
} leat_conn_liveness;

void leat_liveness_init(leat_conn *conn);
void leat_liveness_clear(leat_conn *conn);
void leat_liveness_on_peer_params(leat_conn *conn);
void leat_liveness_on_received(leat_conn *conn);
void leat_liveness_on_eliciting_sent(leat_conn *conn);
void leat_ping_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                        const leat_frame_record *record);
void leat_ping_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record);
bool leat_ping_wants(const leat_conn *conn, leat_space space);
bool leat_ping_joins(const leat_conn *conn, leat_space space);
void leat_ping_write(leat_conn *conn, leat_packet_out *out);
leat_time leat_liveness_silent_for(const leat_conn *conn);
leat_time leat_idle_due(const leat_conn *conn);
void leat_idle_expire(leat_conn *conn);
leat_time leat_keep_alive_due(const leat_conn *conn);
void leat_keep_alive_expire(leat_conn *conn);
void leat_liveness_on_time(leat_conn *conn);
leat_time leat_liveness_due(const leat_conn *conn);
void leat_liveness_expire(leat_conn *conn);
leat_time leat_handshake_timeout_due(const leat_conn *conn);
void leat_handshake_timeout_expire(leat_conn *conn);

/* ---- request_timeout.c ----------------------------------------------------------------------- */

leat_time leat_request_timeout_due(const leat_conn *conn);
void leat_request_timeout_expire(leat_conn *conn);

/* ---- calm.c: what lies empty goes back when no packets come ---------------------------------- */

typedef struct leat_conn_calm {
    leat_time trimmed_for; /* the last packet's time when it was done; 0: never */
} leat_conn_calm;

void leat_calm_init(leat_conn *conn);
leat_time leat_calm_due(const leat_conn *conn);
void leat_calm_expire(leat_conn *conn);

/* ---- close.c --------------------------------------------------------------------------------- */

#define LEAT_REASON_MAX 1023

typedef struct leat_conn_ending {
    bool is_recorded;     /* the first cause wins */
    bool is_told;         /* ConnectionTerminated was popped */
    leat_close_source source;
    uint64_t error_code, frame_type;
    bool is_application;  /* 0x1d */
    char *reason;         /* NUL-terminated, or NULL */
    size_t reason_length;
    leat_time silent_for;
    bool period_begins;   /* at the next time that the connection is told */
    leat_time deadline;   /* of the closing or draining period */
    bool packet_due;      /* CONNECTION_CLOSE is to be sent */
    uint32_t packets_while_closing, answer_at; /* answers come at doubling distances */
} leat_conn_ending;

typedef struct leat_close_cause {
    leat_close_source source;
    uint64_t error_code, frame_type;
    bool is_application;
    const char *reason;
    size_t reason_length;
} leat_close_cause;

void leat_close_clear(leat_conn *conn);
/* A fault of the peer: closes with a transport error. frame_type 0 when no frame is to blame. */
void leat_close_fault(leat_conn *conn, uint64_t error_code, uint64_t frame_type,
                      const char *reason);
/* Ours: memory, random source, libcrypto. */
void leat_close_internal(leat_conn *conn, const char *reason);
/* Closes with a CONNECTION_CLOSE. */
void leat_close_start(leat_conn *conn, const leat_close_cause *cause);
/* Ends at once and in silence: timeouts, version mismatch. */
void leat_close_silently(leat_conn *conn, leat_close_source source, uint64_t error_code,
                         const char *reason);
void leat_close_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_close_on_packet_while_closing(leat_conn *conn);
bool leat_close_wants_packet(const leat_conn *conn, leat_space space);
void leat_close_write(leat_conn *conn, leat_packet_out *out);
void leat_close_on_time(leat_conn *conn);
leat_time leat_close_due(const leat_conn *conn);
void leat_close_expire(leat_conn *conn);
bool leat_close_pop_event(leat_conn *conn, leat_event *event);

#endif
