/*
 * How a session ends: draft-ietf-webtrans-http3-07 §5, and everything else that ends it. Each way
 * in is one function; all lead to leat_wt_session_end, where the first one wins. Events come in the
 * order data, end, reset of the CONNECT stream, so a capsule beats a FIN and a FIN beats a reset of
 * the same datagram. A lone STOP_SENDING waits for one PING round trip, so that each of these beats
 * it; the end of the connection does not.
 */
#include "webtransport/internal.h"

/* The peer ended the session: answer on our side of the CONNECT stream. */
static void end_by_peer(
    leat_wt *wt, wt_session *session, wt_ending ending, bool answer_with_fin, uint64_t http_code) {
    bool was_open = session->state == WT_OPEN;
    leat_wt_session_end(wt, session, ending);
    if (answer_with_fin && was_open) {
        leat_wt_session_send_end(wt, session);
    } else {
        leat_h3_cancel(wt->h3, session->id, http_code);
        leat_wt_session_enter(wt, session, WT_PEER_FINISHED);
    }
}

static void end_by_protocol_error(leat_wt *wt, wt_session *session, uint64_t http_code) {
    wt_ending ending = {.cause = LEAT_WT_CAUSE_PROTOCOL_ERROR,
        .origin = LEAT_WT_ORIGIN_LOCAL,
        .http_code = http_code};
    end_by_peer(wt, session, ending, false, http_code);
}

static void on_close_capsule(leat_wt *wt, wt_session *session, const leat_h3_event *event) {
    leat_reader reader = leat_reader_of(event->capsule_received.value);
    uint32_t code = leat_read_u32(&reader);
    leat_span reason = leat_read_rest(&reader);
    /* draft-ietf-webtrans-http3-07 §5: reasons end at 1024 bytes and are UTF-8. */
    if (reader.failed || event->capsule_received.length > 4 + LEAT_WT_REASON_MAX ||
        !leat_utf8_is_valid(reason)) {
        end_by_protocol_error(wt, session, LEAT_H3_MESSAGE_ERROR);
        return;
    }
    wt_ending ending = {
        .cause = LEAT_WT_CAUSE_CAPSULE, .origin = LEAT_WT_ORIGIN_PEER, .code = code};
    ending.reason = leat_alloc(wt->allocator, reason.length + 1);
    if (ending.reason != NULL) {
        if (reason.length > 0) {
            memcpy(ending.reason, reason.data, reason.length);
        }
        ending.reason_length = reason.length;
    }
    leat_h3_end_capsules(wt->h3, session->id);
    end_by_peer(wt, session, ending, true, LEAT_H3_REQUEST_CANCELLED);
}

void leat_wt_on_capsule(leat_wt *wt, const leat_h3_event *event) {
    wt_session *session = leat_wt_find_session(wt, event->stream_id);
    if (session == NULL || session->state >= WT_ENDED) {
        return;
    }
    if (event->capsule_received.capsule_type == WT_CAPSULE_CLOSE) {
        on_close_capsule(wt, session, event);
    } else if (event->capsule_received.capsule_type == WT_CAPSULE_DRAIN && !session->is_draining) {
        session->is_draining = true;
        leat_wt_session_pend(wt, session, WT_PENDING_DRAINING);
    }
}

void leat_wt_on_connect_end(leat_wt *wt, wt_session *session) {
    if (session->state < WT_ENDED) {
        wt_ending ending = {.cause = LEAT_WT_CAUSE_FIN, .origin = LEAT_WT_ORIGIN_PEER};
        end_by_peer(wt, session, ending, true, LEAT_H3_REQUEST_CANCELLED);
    }
    leat_wt_session_enter(wt, session, WT_PEER_FINISHED);
}

/* While capsules are read there is no data here: the end of the CONNECT stream, or what follows a
 * close capsule. */
void leat_wt_on_connect_data(leat_wt *wt, const leat_h3_event *event) {
    wt_session *session = leat_wt_find_session(wt, event->stream_id);
    if (session == NULL) {
        return;
    }
    if (event->data_received.data.length > 0 && session->state == WT_ENDED) {
        /* draft-ietf-webtrans-http3-07 §5: nothing may follow it; and no second event. */
        leat_h3_cancel(wt->h3, session->id, LEAT_H3_MESSAGE_ERROR);
        leat_wt_session_enter(wt, session, WT_PEER_FINISHED);
    } else if (event->data_received.stream_ended) {
        leat_wt_on_connect_end(wt, session);
    }
}

void leat_wt_on_connect_reset(leat_wt *wt, wt_session *session, uint64_t http_code) {
    if (session->state < WT_ENDED) {
        wt_ending ending = {
            .cause = LEAT_WT_CAUSE_RESET, .origin = LEAT_WT_ORIGIN_PEER, .http_code = http_code};
        end_by_peer(wt, session, ending, false, LEAT_H3_REQUEST_CANCELLED);
    }
    leat_wt_session_enter(wt, session, WT_PEER_FINISHED);
}

static wt_ending stopped(const wt_session *session) {
    return (wt_ending){.cause = LEAT_WT_CAUSE_STOP,
        .origin = LEAT_WT_ORIGIN_PEER,
        .http_code = session->stop_code};
}

static void end_by_stop(leat_wt *wt, wt_session *session) {
    end_by_peer(wt, session, stopped(session), false, LEAT_H3_REQUEST_CANCELLED);
}

void leat_wt_on_connect_stop(leat_wt *wt, wt_session *session, uint64_t http_code) {
    if (session->state >= WT_ENDED || session->stop_ping != 0) {
        return;
    }
    session->stop_code = http_code;
    session->stop_ping = WT_UID | WT_UID >> 1 | ++wt->pings;
    /* A peer that sends STOP_SENDING with its close capsule has both in flight: one round trip
     * later both are here. */
    if (leat_conn_send_ping(wt->conn, session->stop_ping) != 0) {
        end_by_stop(wt, session);
    }
}

void leat_wt_on_ping(leat_wt *wt, uint64_t uid) {
    LEAT_LIST_FOR_EACH(node, following, &wt->sessions) {
        wt_session *session = LEAT_CONTAINER_OF(node, wt_session, node);
        if (session->stop_ping == uid && session->state < WT_ENDED) {
            end_by_stop(wt, session);
        }
    }
}

void leat_wt_on_malformed(leat_wt *wt, const leat_h3_event *event) {
    wt_session *session = leat_wt_find_session(wt, event->stream_id);
    if (session != NULL) {
        if (session->state < WT_ENDED) {
            end_by_protocol_error(wt, session, event->malformed.error_code);
        }
        leat_wt_session_enter(wt, session, WT_PEER_FINISHED);
    }
}

/* RFC 9114 §5.2: the server will not answer this request. */
static void end_unprocessed(leat_wt *wt, wt_session *session) {
    wt_ending ending = {.cause = LEAT_WT_CAUSE_CONNECT_FAILED,
        .origin = LEAT_WT_ORIGIN_PEER,
        .http_code = LEAT_H3_REQUEST_REJECTED};
    end_by_peer(wt, session, ending, false, LEAT_H3_REQUEST_CANCELLED);
}

void leat_wt_on_goaway(leat_wt *wt, const leat_h3_event *event) {
    /* draft-ietf-webtrans-http3-07 §4.6: GOAWAY asks all sessions of the connection to drain. */
    wt->goaway_seen = true;
    LEAT_LIST_FOR_EACH(node, following, &wt->sessions) {
        wt_session *session = LEAT_CONTAINER_OF(node, wt_session, node);
        if (wt->is_client && session->state == WT_REQUESTED &&
            session->id >= event->goaway_received.id) {
            end_unprocessed(wt, session);
        } else if (session->state < WT_ENDED && !session->is_draining) {
            session->is_draining = session->draining_by_goaway = true;
            leat_wt_session_pend(wt, session, WT_PENDING_DRAINING);
        }
    }
}

/* What the end of the connection means for its sessions. */
static const struct {
    leat_wt_cause cause;
    leat_wt_origin origin;
} by_source[] = {
    [LEAT_SOURCE_LOCAL] = {LEAT_WT_CAUSE_LOCAL, LEAT_WT_ORIGIN_LOCAL},
    [LEAT_SOURCE_PEER_TRANSPORT] = {LEAT_WT_CAUSE_CONNECTION_CLOSE, LEAT_WT_ORIGIN_PEER},
    [LEAT_SOURCE_PEER_APPLICATION] = {LEAT_WT_CAUSE_CONNECTION_CLOSE, LEAT_WT_ORIGIN_PEER},
    [LEAT_SOURCE_IDLE_TIMEOUT] = {LEAT_WT_CAUSE_TIMEOUT, LEAT_WT_ORIGIN_TIMER},
    [LEAT_SOURCE_LIVENESS_TIMEOUT] = {LEAT_WT_CAUSE_TIMEOUT, LEAT_WT_ORIGIN_TIMER},
    [LEAT_SOURCE_HANDSHAKE_TIMEOUT] = {LEAT_WT_CAUSE_CONNECT_FAILED, LEAT_WT_ORIGIN_TIMER},
    [LEAT_SOURCE_STATELESS_RESET] = {LEAT_WT_CAUSE_STATELESS_RESET, LEAT_WT_ORIGIN_TRANSPORT},
    [LEAT_SOURCE_VERSION_MISMATCH] = {LEAT_WT_CAUSE_CONNECT_FAILED, LEAT_WT_ORIGIN_TRANSPORT},
    [LEAT_SOURCE_PROTOCOL_ERROR] = {LEAT_WT_CAUSE_PROTOCOL_ERROR, LEAT_WT_ORIGIN_LOCAL},
    [LEAT_SOURCE_REFUSED] = {LEAT_WT_CAUSE_CONNECT_FAILED, LEAT_WT_ORIGIN_TRANSPORT},
    [LEAT_SOURCE_INTERNAL_ERROR] = {LEAT_WT_CAUSE_INTERNAL_ERROR, LEAT_WT_ORIGIN_LOCAL},
    [LEAT_SOURCE_REQUEST_TIMEOUT] = {LEAT_WT_CAUSE_TIMEOUT, LEAT_WT_ORIGIN_TIMER},
};

static wt_ending ending_with_connection(
    const leat_wt *wt, const wt_session *session, const leat_event *event) {
    leat_close_source source = event->connection_terminated.source;
    if (session->stop_ping != 0 && source != LEAT_SOURCE_LOCAL) {
        return stopped(session);
    }
    wt_ending ending = {
        .cause = by_source[source].cause,
        .origin = by_source[source].origin,
        .quic_code = event->connection_terminated.error_code,
        .silent_for = event->connection_terminated.silent_for,
    };
    if (source == LEAT_SOURCE_PROTOCOL_ERROR && ending.quic_code == LEAT_H3_INTERNAL_ERROR) {
        ending.cause = LEAT_WT_CAUSE_INTERNAL_ERROR; /* of the HTTP/3 layer, which has one way to
                                                        fail a connection */
    } else if (wt->is_client && session->state == WT_REQUESTED && source != LEAT_SOURCE_LOCAL) {
        ending.cause = LEAT_WT_CAUSE_CONNECT_FAILED;
    }
    return ending;
}

void leat_wt_on_terminated(leat_wt *wt, const leat_event *event) {
    wt->connection_gone = true;
    LEAT_LIST_FOR_EACH(node, following, &wt->sessions) {
        wt_session *session = LEAT_CONTAINER_OF(node, wt_session, node);
        leat_wt_session_end(wt, session, ending_with_connection(wt, session, event));
        leat_wt_session_enter(wt, session, WT_PEER_FINISHED);
    }
}
