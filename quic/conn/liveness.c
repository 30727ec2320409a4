/*
 * Is the peer still there: PING (RFC 9000 §19.2), idle timeout (§10.1), keep-alive (§10.1.2),
 * handshake timeout, and liveness: while somebody wants to know, silence is probed on a timer of
 * its own and ends the connection at a limit that is much shorter than an idle timeout.
 */
#include "quic/conn/conn_internal.h"
#include "quic/conn/trace.h"

#define LIVENESS_PROBE_AFTER (500 * LEAT_MILLISECOND)
#define LIVENESS_PROBE_EVERY (250 * LEAT_MILLISECOND)
#define LIVENESS_WARN_AFTER LEAT_SECOND

/* Probe timeouts in a row after which an ACK asks whether ours arrived. */
#define BACKOFF_TO_ASK 2

/* In a PING's record: it is the application's, and `a` is its uid. */
#define PING_OF_APPLICATION 1

void leat_liveness_init(leat_conn *conn) {
    leat_ring_init(&conn->liveness.pings, conn->allocator, sizeof(uint64_t), LEAT_PINGS_MAX);
    conn->liveness.idle_timeout = conn->config.max_idle_timeout;
}

void leat_liveness_clear(leat_conn *conn) { leat_ring_clear(&conn->liveness.pings); }

/* ---- PING ------------------------------------------------------------------------------------ */

static int queue_ping(leat_conn *conn, uint64_t uid) {
    uint64_t *slot = leat_ring_push(&conn->liveness.pings);
    if (slot == NULL) {
        return LEAT_ERR_NOMEM;
    }
    *slot = uid;
    conn->send.is_dirty = true;
    return LEAT_OK;
}

int leat_conn_send_ping(leat_conn *conn, uint64_t uid) {
    if (!leat_conn_is_open(conn)) {
        return LEAT_ERR_STATE;
    }
    if (conn->liveness.pings_unanswered == LEAT_PINGS_MAX) {
        return LEAT_ERR_FULL;
    }
    int err = queue_ping(conn, uid);
    conn->liveness.pings_unanswered += err == LEAT_OK ? 1 : 0;
    return err;
}

bool leat_ping_wants(const leat_conn *conn, leat_space space) {
    bool is_application = space == LEAT_SPACE_APPLICATION;
    return conn->spaces[space]->probes > 0 ||
           (is_application && (conn->liveness.ping_due || conn->liveness.pings.count > 0));
}

/*
 * RFC 9000 §13.2.4: an ACK may ask for one, once in a round trip. A sender whose probes have backed
 * off (RFC 9002 §6.2.1) has just heard from the peer, so it need not wait for the next probe.
 */
static bool asks_out_of_turn(const leat_conn *conn) {
    leat_time again = leat_time_add(conn->liveness.last_eliciting_sent,
                                    leat_recovery_pto(&conn->recovery));
    return conn->recovery.pto_count >= BACKOFF_TO_ASK && conn->now >= again &&
           leat_recovery_has_eliciting(&conn->recovery, LEAT_SPACE_APPLICATION);
}

bool leat_ping_joins(const leat_conn *conn, leat_space space) {
    /* RFC 9000 §13.2.4: without it a peer that only sends would never let us forget its packet
     * numbers. */
    return conn->spaces[space]->ack_only_sent >= LEAT_ACK_ONLY_MAX ||
           (space == LEAT_SPACE_APPLICATION && asks_out_of_turn(conn));
}

static bool put_ping(leat_conn *conn, leat_packet_out *out, uint8_t flags, uint64_t uid) {
    leat_writer mark = out->builder.payload;
    const leat_frame frame = {.kind = LEAT_FRAME_PING, .type = 0x01};
    leat_frame_write(&out->builder.payload, &frame);
    if (out->builder.payload.failed) {
        out->builder.payload = mark;
        return false;
    }
    return leat_out_record(conn, out, &mark, LEAT_FRAME_PING, flags, uid, 0, 0);
}

void leat_ping_write(leat_conn *conn, leat_packet_out *out) {
    leat_ring *pings = &conn->liveness.pings;
    while (out->space == LEAT_SPACE_APPLICATION && pings->count > 0) {
        if (!put_ping(conn, out, PING_OF_APPLICATION, *(const uint64_t *)leat_ring_front(pings))) {
            return;
        }
        leat_ring_pop(pings);
    }
    if (!out->builder.ack_eliciting) {
        put_ping(conn, out, 0, 0);
    }
    conn->liveness.ping_due = conn->liveness.ping_due && out->space != LEAT_SPACE_APPLICATION;
}

void leat_ping_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                        const leat_frame_record *record) {
    (void)space;
    if (record->flags == PING_OF_APPLICATION) {
        const leat_event event = {.type = LEAT_EVENT_PING_ACKNOWLEDGED,
                                  .ping_acknowledged = {record->a,
                                                        leat_time_sub(conn->now,
                                                            packet->time_sent)}};
        conn->liveness.pings_unanswered--;
        leat_events_push(conn, &event);
    }
}

void leat_ping_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record) {
    (void)space;
    if (record->flags == PING_OF_APPLICATION && leat_conn_is_open(conn) &&
        queue_ping(conn, record->a) != LEAT_OK) {
        leat_close_internal(conn, "out of memory for a PING");
    }
}

/* ---- idle timeout ---------------------------------------------------------------------------- */

void leat_liveness_on_peer_params(leat_conn *conn) {
    /* RFC 9000 §10.1: the lesser of both; 0 means that this side has none. */
    leat_time peers = leat_time_multiply(conn->handshake.peers.max_idle_timeout, LEAT_MILLISECOND);
    leat_time *timeout = &conn->liveness.idle_timeout;
    if (peers != 0 && (*timeout == 0 || peers < *timeout)) {
        *timeout = peers;
    }
}

leat_time leat_liveness_silent_for(const leat_conn *conn) {
    leat_time since = conn->receive.packets > 0 ? conn->receive.last_packet_time
                                                : conn->handshake.started;
    return leat_time_sub(conn->now, since);
}

leat_time leat_idle_due(const leat_conn *conn) {
    if (conn->liveness.idle_timeout == 0) {
        return LEAT_TIME_NEVER;
    }
    /* RFC 9000 §10.1: never below three PTOs, so that a few lost packets do not end
     * a connection. */
    leat_time floor = leat_time_multiply(leat_recovery_pto(&conn->recovery), 3);
    leat_time timeout = conn->liveness.idle_timeout > floor ? conn->liveness.idle_timeout : floor;
    return leat_time_add(conn->liveness.idle_since, timeout);
}

void leat_idle_expire(leat_conn *conn) {
    leat_close_silently(conn, LEAT_SOURCE_IDLE_TIMEOUT, LEAT_NO_ERROR, "idle timeout");
}

void leat_liveness_on_eliciting_sent(leat_conn *conn) {
    leat_conn_liveness *liveness = &conn->liveness;
    /* RFC 9000 §10.1: only the first one since something was received: our own retries prove
     * nothing. */
    if (!liveness->sent_eliciting) {
        liveness->sent_eliciting = true;
        liveness->idle_since = conn->now;
    }
    liveness->last_eliciting_sent = conn->now;
}

/* ---- handshake timeout ----------------------------------------------------------------------- */

leat_time leat_handshake_timeout_due(const leat_conn *conn) {
    bool runs = conn->config.handshake_timeout != 0 && !conn->handshake.is_complete;
    return runs ? leat_time_add(conn->handshake.started, conn->config.handshake_timeout)
                : LEAT_TIME_NEVER;
}

void leat_handshake_timeout_expire(leat_conn *conn) {
    leat_close_silently(conn, LEAT_SOURCE_HANDSHAKE_TIMEOUT, LEAT_NO_ERROR, "handshake timeout");
}

/* ---- keep-alive ------------------------------------------------------------------------------ */

leat_time leat_keep_alive_due(const leat_conn *conn) {
    const leat_conn_liveness *liveness = &conn->liveness;
    if (conn->config.keep_alive == 0 || !conn->handshake.is_complete || liveness->ping_due) {
        return LEAT_TIME_NEVER;
    }
    leat_time received = conn->receive.last_packet_time;
    leat_time since = received > liveness->last_eliciting_sent ? received
                                                               : liveness->last_eliciting_sent;
    return leat_time_add(since, conn->config.keep_alive);
}

void leat_keep_alive_expire(leat_conn *conn) { conn->liveness.ping_due = true; }

/* ---- liveness -------------------------------------------------------------------------------- */

static bool is_watching(const leat_conn *conn) {
    return conn->liveness.wanted > 0 && conn->config.liveness != 0 && conn->handshake.is_complete;
}

static leat_time silent_since(const leat_conn *conn) {
    leat_time received = conn->receive.last_packet_time;
    return received > conn->liveness.watched_since ? received : conn->liveness.watched_since;
}

void leat_conn_want_liveness(leat_conn *conn, bool wanted) {
    leat_conn_liveness *liveness = &conn->liveness;
    if (!wanted) {
        liveness->wanted -= liveness->wanted > 0 ? 1 : 0;
        liveness->told_unresponsive = liveness->told_unresponsive && liveness->wanted > 0;
    } else if (liveness->wanted++ == 0) {
        liveness->starts_watching = true;
        liveness->next_ping = 0;
    }
}

void leat_liveness_on_time(leat_conn *conn) {
    /* Silence that nobody asked about was allowed; and the call that asked may have known only an
     * old time. */
    if (conn->liveness.starts_watching) {
        conn->liveness.starts_watching = false;
        conn->liveness.watched_since = conn->now;
    }
}

leat_time leat_liveness_due(const leat_conn *conn) {
    if (!is_watching(conn) || conn->liveness.starts_watching) {
        return LEAT_TIME_NEVER;
    }
    leat_time since = silent_since(conn);
    leat_time due = leat_time_add(since, conn->config.liveness);
    leat_time probe = leat_time_add(since, LIVENESS_PROBE_AFTER);
    probe = probe > conn->liveness.next_ping ? probe : conn->liveness.next_ping;
    leat_time warn = conn->liveness.told_unresponsive ? LEAT_TIME_NEVER
                                                      : leat_time_add(since, LIVENESS_WARN_AFTER);
    due = probe < due ? probe : due;
    return warn < due ? warn : due;
}

static void warn_unresponsive(leat_conn *conn, leat_time silent_for) {
    const leat_event event = {.type = LEAT_EVENT_PEER_UNRESPONSIVE,
                              .peer_liveness.silent_for = silent_for};
    conn->liveness.told_unresponsive = true;
    leat_events_push(conn, &event);
}

void leat_liveness_expire(leat_conn *conn) {
    static const leat_close_cause gone = {.source = LEAT_SOURCE_LIVENESS_TIMEOUT,
                                          .reason = "liveness timeout"};
    leat_time silent_for = leat_time_sub(conn->now, silent_since(conn));
    if (silent_for >= conn->config.liveness) {
        /* The peer may live behind a network that eats its packets: it is told. */
        leat_close_start(conn, &gone);
        return;
    }
    if (silent_for >= LIVENESS_PROBE_AFTER && conn->now >= conn->liveness.next_ping) {
        conn->liveness.ping_due = true;
        conn->liveness.next_ping = leat_time_add(conn->now, LIVENESS_PROBE_EVERY);
    }
    if (silent_for >= LIVENESS_WARN_AFTER && !conn->liveness.told_unresponsive) {
        warn_unresponsive(conn, silent_for);
    }
}

void leat_liveness_on_received(leat_conn *conn) {
    leat_conn_liveness *liveness = &conn->liveness;
    if (liveness->told_unresponsive) {
        const leat_event event = {.type = LEAT_EVENT_PEER_RESPONSIVE,
                                  .peer_liveness.silent_for = leat_time_sub(conn->now,
                                      silent_since(conn))};
        leat_events_push(conn, &event);
    }
    liveness->told_unresponsive = false;
    liveness->next_ping = 0;
    liveness->idle_since = conn->now;
    liveness->sent_eliciting = false;
    conn->receive.last_packet_time = conn->now;
}
