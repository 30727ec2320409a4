/*
 * The inside of a connection: one small struct per file of this folder, in the order of a packet's
 * life. Each group of files has its header: packets.h, handshake.h, streams.h, paths.h, lifetime.h,
 * version.h;
 * here they are put together. Everything runs to completion inside one public call; conn->now is
 * the time of that call. Faults of the peer are recorded by leat_close_fault; every loop over
 * frames, packets or sources stops when the state is no longer LEAT_CONN_OPEN.
 */
#ifndef LEAT_QUIC_CONN_CONN_INTERNAL_H
#define LEAT_QUIC_CONN_CONN_INTERNAL_H

#include "base/alloc.h"
#include "quic/conn/early_data.h"
#include "quic/conn/event_queue.h"
#include "quic/conn/handshake.h"
#include "quic/conn/lifetime.h"
#include "quic/conn/packets.h"
#include "quic/conn/paths.h"
#include "quic/conn/streams.h"
#include "quic/conn/version.h"

typedef enum leat_conn_state {
    LEAT_CONN_NEW,      /* a client before leat_conn_connect */
    LEAT_CONN_OPEN,     /* handshake or data */
    LEAT_CONN_CLOSING,  /* we closed: RFC 9000 §10.2.1 */
    LEAT_CONN_DRAINING, /* the peer closed: §10.2.2 */
    LEAT_CONN_CLOSED,
} leat_conn_state;

/* ---- timers.c, events, trace ----------------------------------------------------------------- */

/* The time of this call; a clock that goes backwards stands still. */
void leat_timers_set_now(leat_conn *conn, leat_time now);
/* Every call that may have changed something ends here: recovery learns the conditions, the owner
 * that there is work. */
void leat_timers_finish_call(leat_conn *conn);
/* Queues a connection event; without memory the connection fails. */
void leat_events_push(leat_conn *conn, const leat_event *event);

/* ---- the connection -------------------------------------------------------------------------- */

struct leat_conn {
    /* a copy; pointers that are only borrowed while a connection is made are NULL in it */
    leat_config config;
    leat_allocator allocator_hooks;
    const leat_allocator *allocator;
    leat_random random;
    leat_trace_sink trace_sink; /* on_record NULL: off */
    const char *traced_state, *traced_congestion, *traced_ecn; /* told last */
    size_t traced_mtu;
    leat_conn_owner owner;
    bool has_owner;
    void *user;
    leat_conn_state state;
    leat_time now;
    char *server_name;

    leat_conn_space *spaces[LEAT_SPACE_COUNT]; /* NULL: no keys yet, or discarded */
    bool discarded[LEAT_SPACE_COUNT];
    leat_recovery recovery;
    leat_conn_receive receive;
    leat_conn_send send;
    leat_conn_ack_frequency ack_frequency;
    leat_conn_versions version;
    leat_conn_grease grease;
    leat_conn_handshake handshake;
    leat_conn_early *early;    /* NULL: no early data, now or at all */
    leat_buffer session_bytes; /* what the application protocol binds to sessions */
    leat_conn_streams streams;
    leat_conn_cids cids;
    leat_conn_paths paths;
    leat_conn_datagrams datagrams;
    leat_conn_tokens tokens;
    leat_conn_liveness liveness;
    leat_conn_calm calm;
    leat_conn_ending close;
    leat_event_queue events;
};

/* Assigns the state: the only place that does. */
void leat_conn_set_state(leat_conn *conn, leat_conn_state state);
static inline bool leat_conn_is_open(const leat_conn *conn) {
    return conn->state == LEAT_CONN_OPEN;
}
static inline bool leat_conn_is_server(const leat_conn *conn) { return !conn->config.is_client; }
int64_t leat_conn_wall_clock(const leat_config *config);

#endif
