/*
 * Every timer of a connection, one row each. A row tells from the state when it is due; nothing is
 * armed or cancelled, so no timer can be forgotten. leat_conn_get_timer is the earliest of them.
 */
#include "quic/conn/conn_internal.h"
#include "quic/conn/trace.h"

typedef struct timer_row {
    const char *name;
    leat_conn_state from, to; /* states in which it runs */
    leat_time (*due)(const leat_conn *conn);
    void (*expire)(leat_conn *conn);
} timer_row;

static leat_time recovery_due(const leat_conn *conn) {
    return leat_recovery_get_timer(&conn->recovery);
}

static void recovery_expire(leat_conn *conn) {
    const leat_recovery_hooks hooks = leat_acks_hooks(conn);
    leat_timeout timeout = leat_recovery_on_timeout(&conn->recovery, conn->now, &hooks);
    if (timeout.kind == LEAT_TIMEOUT_PTO) {
        leat_acks_repeat_oldest(conn, timeout.space, timeout.probes);
        leat_send_probe(conn, timeout.space, timeout.probes);
    }
    leat_trace_metrics(conn);
}

static leat_time pacing_due(const leat_conn *conn) { return conn->send.pacing_due; }
static void pacing_expire(leat_conn *conn) { conn->send.pacing_due = LEAT_TIME_NEVER; }

/* The ACK itself goes with the next datagrams. */
static void ack_expire(leat_conn *conn) { (void)conn; }

static const timer_row timers[] = {
    {"close", LEAT_CONN_CLOSING, LEAT_CONN_DRAINING, leat_close_due, leat_close_expire},
    {"idle_timeout", LEAT_CONN_OPEN, LEAT_CONN_OPEN, leat_idle_due, leat_idle_expire},
    {"handshake_timeout", LEAT_CONN_OPEN, LEAT_CONN_OPEN, leat_handshake_timeout_due, leat_handshake_timeout_expire},
    {"request_timeout", LEAT_CONN_OPEN, LEAT_CONN_OPEN, leat_request_timeout_due, leat_request_timeout_expire},
    {"liveness", LEAT_CONN_OPEN, LEAT_CONN_OPEN, leat_liveness_due, leat_liveness_expire},
    {"loss_timeout", LEAT_CONN_OPEN, LEAT_CONN_OPEN, recovery_due, recovery_expire},
    {"ack_delay", LEAT_CONN_OPEN, LEAT_CONN_OPEN, leat_acks_due, ack_expire},
    {"pacing", LEAT_CONN_OPEN, LEAT_CONN_OPEN, pacing_due, pacing_expire},
    {"path_validation", LEAT_CONN_OPEN, LEAT_CONN_OPEN, leat_paths_due, leat_paths_on_timer},
    {"previous_keys", LEAT_CONN_OPEN, LEAT_CONN_OPEN, leat_crypto_previous_keys_due, leat_crypto_discard_previous_keys},
    {"early_keys", LEAT_CONN_OPEN, LEAT_CONN_OPEN, leat_early_data_due, leat_early_data_discard},
    {"keep_alive", LEAT_CONN_OPEN, LEAT_CONN_OPEN, leat_keep_alive_due, leat_keep_alive_expire},
    {"calm", LEAT_CONN_OPEN, LEAT_CONN_OPEN, leat_calm_due, leat_calm_expire},
};

static leat_time due_of(const leat_conn *conn, const timer_row *timer) {
    return conn->state >= timer->from && conn->state <= timer->to ? timer->due(conn)
                                                                  : LEAT_TIME_NEVER;
}

leat_time leat_conn_get_timer(const leat_conn *conn) {
    leat_time earliest = LEAT_TIME_NEVER;
    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++) {
        leat_time due = due_of(conn, &timers[i]);
        earliest = due < earliest ? due : earliest;
    }
    return earliest;
}

void leat_conn_handle_timer(leat_conn *conn, leat_time now) {
    leat_timers_set_now(conn, now);
    leat_streams_settle_popped(conn);
    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++) {
        if (due_of(conn, &timers[i]) <= conn->now) {
            leat_trace_timer(conn, timers[i].name);
            timers[i].expire(conn);
        }
    }
    leat_timers_finish_call(conn);
}

void leat_timers_set_now(leat_conn *conn, leat_time now) {
    if (now > conn->now && now != LEAT_TIME_NEVER) {
        conn->now = now;
    }
    leat_liveness_on_time(conn);
    leat_close_on_time(conn);
}

void leat_timers_finish_call(leat_conn *conn) {
    leat_recovery_conditions *conditions = &conn->recovery.conditions;
    const leat_conn_space *handshake = conn->spaces[LEAT_SPACE_HANDSHAKE];
    conditions->is_client = conn->config.is_client;
    conditions->handshake_confirmed = conn->handshake.is_confirmed;
    conditions->has_handshake_keys = handshake != NULL && leat_keys_can_write(&handshake->keys);
    /* RFC 9002 A.8: a Handshake packet that was acknowledged, or a confirmed handshake, shows that
     * the server believes us. Not while we wait for more of its flight: a NAT may have given us
     * another address, at which it must not send without being asked. */
    conditions->peer_completed_address_validation =
        leat_conn_is_server(conn) || conn->handshake.is_confirmed ||
        (conn->handshake.is_complete &&
         leat_recovery_largest_acked(&conn->recovery, LEAT_SPACE_HANDSHAKE) != LEAT_PN_NONE);
    /* RFC 9000 §14.1: what is left may be too little for an Initial. */
    size_t needed = conn->spaces[LEAT_SPACE_INITIAL] != NULL ? LEAT_MIN_DATAGRAM : LEAT_PACKET_ROOM;
    conditions->is_at_amplification_limit =
        conn->paths.active != NULL && leat_path_send_limit(conn, conn->paths.active) < needed;
    conditions->max_ack_delay = leat_ack_frequency_peer_delay(conn);
    conn->send.is_dirty = true;
}
