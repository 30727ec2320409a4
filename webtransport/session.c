/*
 * Sessions: draft-ietf-webtrans-http3-07 §2 and §5. Their life as a table, their end in one
 * function.
 */
#include "webtransport/internal.h"

#include <assert.h>

/* The life of a session. Inputs that change nothing stay where they are. */
/* clang-format off */
static const wt_state transitions[WT_STATE_COUNT][WT_INPUT_COUNT] = {
    /*                 ACCEPTED       END           PEER_FINISHED */
    [WT_REQUESTED] = {WT_OPEN,       WT_ENDED,     WT_REQUESTED},
    [WT_OPEN]      = {WT_OPEN,       WT_ENDED,     WT_OPEN},
    [WT_ENDED]     = {WT_ENDED,      WT_ENDED,     WT_FINISHED},
    [WT_FINISHED]  = {WT_FINISHED,   WT_FINISHED,  WT_FINISHED},
};
/* clang-format on */

static const char *const state_names[WT_STATE_COUNT] = {"requested", "open", "ended", "finished"};

void leat_wt_session_enter(leat_wt *wt, wt_session *session, wt_input input) {
    wt_state next = transitions[session->state][input];
    if (next == session->state) {
        return;
    }
    if (leat_conn_is_traced(wt->conn)) {
        const leat_trace_field fields[] = {
            {.name = "session_id", .kind = LEAT_TRACE_INTEGER, .integer = session->id},
            {.name = "old",
                .kind = LEAT_TRACE_TEXT,
                .bytes = leat_span_of(state_names[session->state])},
            {.name = "new", .kind = LEAT_TRACE_TEXT, .bytes = leat_span_of(state_names[next])},
        };
        leat_conn_trace(wt->conn, "webtransport", "session_state_updated", fields, 3);
    }
    /* Liveness runs exactly while a session is open; the two transitions pair up. */
    if (next == WT_OPEN) {
        leat_conn_want_liveness(wt->conn, true);
    } else if (session->state == WT_OPEN) {
        leat_conn_want_liveness(wt->conn, false);
    }
    if (next == WT_ENDED) {
        assert(wt->session_count > 0);
        wt->session_count--;
    }
    session->state = next;
}

wt_session *leat_wt_find_session(const leat_wt *wt, uint64_t id) {
    LEAT_LIST_FOR_EACH(node, following, &wt->sessions) {
        wt_session *session = LEAT_CONTAINER_OF(node, wt_session, node);
        if (session->id == id) {
            return session;
        }
    }
    return NULL;
}

wt_session *leat_wt_session_new(leat_wt *wt, uint64_t id) {
    wt_session *session = leat_alloc(wt->allocator, sizeof *session);
    if (session == NULL) {
        return NULL;
    }
    session->id = id;
    session->dialect = wt->dialect;
    leat_list_init(&session->pending_node);
    leat_list_init(&session->streams);
    leat_list_push_back(&wt->sessions, &session->node);
    wt->session_count++;
    return session;
}

void leat_wt_session_free(leat_wt *wt, wt_session *session) {
    leat_wt_fields_free(wt, &session->request);
    leat_free(wt->allocator, session->ending.reason);
    leat_list_remove(&session->node);
    leat_list_remove(&session->pending_node);
    leat_free(wt->allocator, session);
}

void leat_wt_session_pend(leat_wt *wt, wt_session *session, unsigned flag) {
    session->pending |= flag;
    if (!leat_list_is_linked(&session->pending_node)) {
        leat_list_push_back(&wt->pending, &session->pending_node);
    }
}

bool leat_wt_is_gone(const leat_wt *wt, uint64_t session_id) {
    for (size_t i = 0; i < wt->gone.count; i++) {
        if (*(uint64_t *)leat_ring_at(&wt->gone, i) == session_id) {
            return true;
        }
    }
    return false;
}

static void remember_gone(leat_wt *wt, uint64_t session_id) {
    if (wt->gone.count == WT_GONE_MAX) {
        leat_ring_pop(&wt->gone);
    }
    uint64_t *place = leat_ring_push(&wt->gone);
    if (place != NULL) {
        *place = session_id;
    }
}

void leat_wt_forget_session(leat_wt *wt, uint64_t session_id) {
    remember_gone(wt, session_id);
    leat_wt_reject_early_streams(wt, session_id);
    leat_wt_drop_early_datagrams(wt, session_id);
}

void leat_wt_session_end(leat_wt *wt, wt_session *session, wt_ending ending) {
    if (session->state >= WT_ENDED) {
        leat_free(wt->allocator, ending.reason);
        return;
    }
    ending.connection_usable = !wt->connection_gone && !leat_conn_is_terminating(wt->conn);
    session->ending = ending;
    leat_wt_session_enter(wt, session, WT_END);
    remember_gone(wt, session->id);
    leat_wt_reject_early_streams(wt, session->id);
    leat_wt_abort_streams(wt, session);
    session->datagrams_dropped += leat_wt_drop_early_datagrams(wt, session->id);
    session->pending &= WT_PENDING_REQUESTED | WT_PENDING_READY | WT_PENDING_REFUSED;
    if (session->told) {
        leat_wt_session_pend(wt, session, WT_PENDING_CLOSED);
    }
    if (wt->connection_gone) {
        leat_wt_session_enter(wt, session, WT_PEER_FINISHED);
    }
}

/* draft-ietf-webtrans-http3-07 §5: the FIN goes with the capsule. */
static int send_close_capsule(leat_wt *wt, wt_session *session) {
    uint8_t value[4 + LEAT_WT_REASON_MAX];
    leat_writer writer = leat_writer_make(value, sizeof value);
    leat_write_u32(&writer, session->ending.code);
    leat_write_bytes(&writer, session->ending.reason, session->ending.reason_length);
    leat_span capsule = {value, leat_writer_length(&writer)};
    return leat_h3_send_capsule(wt->h3, session->id, WT_CAPSULE_CLOSE, capsule, true);
}

/* The close capsule and FIN, or FIN alone when the peer closed. What has no room now goes with
 * StreamWritable. */
void leat_wt_session_send_end(leat_wt *wt, wt_session *session) {
    if (session->ending.cause != LEAT_WT_CAUSE_LOCAL) {
        /* 0 may mean that an earlier frame is still in the way; a FIN that is sent already is not
         * sent twice. */
        session->must_send_end = leat_h3_send_data(wt->h3, session->id, NULL, 0, true) == 0;
        return;
    }
    int result = send_close_capsule(wt, session);
    session->must_send_end = result == LEAT_ERR_FULL;
    if (result != 0 && result != LEAT_ERR_FULL) {
        leat_h3_cancel(wt->h3, session->id, LEAT_H3_REQUEST_CANCELLED);
        leat_wt_session_enter(wt, session, WT_PEER_FINISHED);
    }
}

int leat_wt_close(
    leat_wt *wt, uint64_t session_id, uint32_t code, const char *reason, size_t reason_length) {
    wt_session *session = leat_wt_find_session(wt, session_id);
    if (session == NULL || session->state >= WT_ENDED) {
        return LEAT_ERR_STATE;
    }
    leat_span text = {(const uint8_t *)reason, reason == NULL ? 0 : reason_length};
    if (text.length > LEAT_WT_REASON_MAX || !leat_utf8_is_valid(text)) {
        return LEAT_ERR_INVALID;
    }
    wt_ending ending = {.cause = LEAT_WT_CAUSE_LOCAL, .origin = LEAT_WT_ORIGIN_LOCAL, .code = code};
    ending.reason = leat_alloc(wt->allocator, text.length + 1);
    if (ending.reason == NULL) {
        return LEAT_ERR_NOMEM;
    }
    if (text.length > 0) {
        memcpy(ending.reason, text.data, text.length);
    }
    ending.reason_length = text.length;
    bool was_open = session->state == WT_OPEN;
    leat_wt_session_end(wt, session, ending);
    if (was_open) {
        leat_wt_session_send_end(wt, session);
    } else {
        /* RFC 9114 §4.1.1: a request that was not answered is cancelled, or refused unprocessed by
         * a server. */
        leat_h3_cancel(wt->h3, session_id,
            wt->is_client ? LEAT_H3_REQUEST_CANCELLED : LEAT_H3_REQUEST_REJECTED);
        leat_wt_session_enter(wt, session, WT_PEER_FINISHED);
    }
    return 0;
}

int leat_wt_drain(leat_wt *wt, uint64_t session_id) {
    wt_session *session = leat_wt_find_session(wt, session_id);
    if (session == NULL || session->state != WT_OPEN) {
        return LEAT_ERR_STATE;
    }
    if (!leat_wt_dialect_row(session->dialect)->has_drain) {
        return LEAT_ERR_NOT_SUPPORTED;
    }
    return leat_h3_send_capsule(wt->h3, session_id, WT_CAPSULE_DRAIN, (leat_span){NULL, 0}, false);
}

void leat_wt_set_session_user(leat_wt *wt, uint64_t session_id, void *user) {
    wt_session *session = leat_wt_find_session(wt, session_id);
    if (session != NULL) {
        session->user = user;
    }
}

void *leat_wt_session_user(const leat_wt *wt, uint64_t session_id) {
    const wt_session *session = leat_wt_find_session(wt, session_id);
    return session == NULL ? NULL : session->user;
}

size_t leat_wt_session_count(const leat_wt *wt) {
    return wt->session_count;
}

bool leat_wt_next_session(const leat_wt *wt, size_t *cursor, uint64_t *session_id) {
    size_t index = 0;
    LEAT_LIST_FOR_EACH(node, following, &wt->sessions) {
        const wt_session *session = LEAT_CONTAINER_OF(node, wt_session, node);
        if (session->state < WT_ENDED && index++ == *cursor) {
            *session_id = session->id;
            ++*cursor;
            return true;
        }
    }
    return false;
}

bool leat_wt_is_closing(const leat_wt *wt) {
    LEAT_LIST_FOR_EACH(node, following, &wt->sessions) {
        if (LEAT_CONTAINER_OF(node, wt_session, node)->state == WT_ENDED) {
            return true;
        }
    }
    return false;
}
