/*
 * The WebTransport object of a connection and its two verbs: events of the layers below in, session
 * events out. Which handler gets which event is a table; the work is in request.c, session.c,
 * ending.c, stream.c and datagram.c.
 */
#include "webtransport/internal.h"

#include <assert.h>

void leat_wt_config_init(leat_wt_config *config) {
    *config = (leat_wt_config){
        .size = sizeof *config,
        .max_sessions = WT_SESSIONS_DEFAULT,
        .early_streams = 16,
        .early_datagrams = 16,
    };
}

leat_wt *leat_wt_new(leat_h3 *h3, const leat_wt_config *config, int *error) {
    leat_wt_config defaults;
    leat_wt_config_init(&defaults);
    if (config == NULL) {
        config = &defaults;
    }
    uint8_t hash_key[16];
    leat_conn *conn = leat_h3_conn(h3);
    leat_wt *wt = leat_alloc(config->allocator, sizeof *wt);
    if (wt == NULL || !leat_conn_random(conn, hash_key, sizeof hash_key)) {
        *error = wt == NULL ? LEAT_ERR_NOMEM : LEAT_ERR_RANDOM;
        leat_free(config->allocator, wt);
        return NULL;
    }
    wt->config = *config;
    wt->allocator = config->allocator;
    wt->h3 = h3;
    wt->conn = conn;
    wt->is_client = leat_conn_is_client(conn);
    leat_list_init(&wt->sessions);
    leat_list_init(&wt->pending);
    leat_list_init(&wt->early_streams);
    leat_list_init(&wt->finished_streams);
    leat_list_init(&wt->early_datagrams);
    leat_map_init(&wt->streams, wt->allocator, hash_key);
    leat_ring_init(&wt->fates, wt->allocator, sizeof(wt_fate), WT_FATES_MAX);
    leat_ring_init(&wt->gone, wt->allocator, sizeof(uint64_t), WT_GONE_MAX);
    *error = 0;
    return wt;
}

void leat_wt_free(leat_wt *wt) {
    if (wt == NULL) {
        return;
    }
    size_t cursor = 0;
    for (void *stream; (stream = leat_map_next(&wt->streams, &cursor)) != NULL;) {
        leat_free(wt->allocator, stream);
    }
    leat_map_clear(&wt->streams);
    LEAT_LIST_FOR_EACH(node, following, &wt->sessions) {
        wt_session *session = LEAT_CONTAINER_OF(node, wt_session, node);
        leat_wt_session_free(wt, session);
    }
    LEAT_LIST_FOR_EACH(node, following, &wt->early_datagrams) {
        leat_free(wt->allocator, LEAT_CONTAINER_OF(node, wt_datagram, node));
    }
    leat_ring_clear(&wt->fates);
    leat_ring_clear(&wt->gone);
    leat_free(wt->allocator, wt->popped_datagram);
    leat_free(wt->allocator, wt);
}

leat_h3 *leat_wt_h3(const leat_wt *wt) {
    return wt->h3;
}

leat_wt_event *leat_wt_push_event(
    leat_wt *wt, leat_wt_event_type type, uint64_t session_id, uint64_t stream_id) {
    assert(wt->event_count < sizeof wt->events / sizeof wt->events[0]);
    leat_wt_event *event = &wt->events[wt->event_count++];
    *event = (leat_wt_event){.type = type, .session_id = session_id, .stream_id = stream_id};
    return event;
}

/* Sessions that are finished and have told everything. */
static void free_finished_sessions(leat_wt *wt) {
    LEAT_LIST_FOR_EACH(node, following, &wt->sessions) {
        wt_session *session = LEAT_CONTAINER_OF(node, wt_session, node);
        if (session->state == WT_FINISHED && session->pending == 0) {
            leat_wt_session_free(wt, session);
        }
    }
}

/* The caller has drained our events: what they pointed at may go. */
static void begin_event(leat_wt *wt) {
    wt->event_count = wt->event_next = 0;
    leat_wt_free_finished_streams(wt);
}

void leat_wt_handle_conn_event(leat_wt *wt, const leat_event *event) {
    begin_event(wt);
    if (event->type == LEAT_EVENT_CONNECTION_TERMINATED) {
        leat_wt_on_terminated(wt, event);
    } else if (event->type == LEAT_EVENT_DATAGRAM_FRAME_FATE) {
        leat_wt_on_datagram_fate(wt, event);
    } else if (event->type == LEAT_EVENT_PING_ACKNOWLEDGED &&
               (event->ping_acknowledged.uid & WT_UID) != 0) {
        leat_wt_on_ping(wt, event->ping_acknowledged.uid);
    }
}

static void (*const handlers[LEAT_H3_EVENT_TYPE_COUNT])(leat_wt *wt, const leat_h3_event *event) = {
    [LEAT_H3_EVENT_HEADERS_RECEIVED] = leat_wt_on_headers,
    [LEAT_H3_EVENT_DATA_RECEIVED] = leat_wt_on_connect_data,
    [LEAT_H3_EVENT_DATAGRAM_RECEIVED] = leat_wt_on_datagram,
    [LEAT_H3_EVENT_WEBTRANSPORT_STREAM_DATA_RECEIVED] = leat_wt_on_stream_data,
    [LEAT_H3_EVENT_SETTINGS_RECEIVED] = leat_wt_on_settings,
    [LEAT_H3_EVENT_GOAWAY_RECEIVED] = leat_wt_on_goaway,
    [LEAT_H3_EVENT_STREAM_RESET] = leat_wt_on_stream_reset,
    [LEAT_H3_EVENT_STOP_SENDING_RECEIVED] = leat_wt_on_stop_sending,
    [LEAT_H3_EVENT_CAPSULE_RECEIVED] = leat_wt_on_capsule,
    [LEAT_H3_EVENT_STREAM_WRITABLE] = leat_wt_on_writable,
    [LEAT_H3_EVENT_REQUEST_REFUSED_MALFORMED] = leat_wt_on_malformed,
};

void leat_wt_handle_event(leat_wt *wt, const leat_h3_event *event) {
    begin_event(wt);
    if (handlers[event->type] != NULL) {
        handlers[event->type](wt, event);
    }
}

/* ---- popping ------------------------------------------------------------------------- */

static void fill_requested(wt_session *session, leat_wt_event *event) {
    const leat_h3_header *headers = session->request.headers;
    size_t count = session->request.count;
    event->session_requested.headers = headers;
    event->session_requested.header_count = count;
    event->session_requested.authority = leat_h3_find_header(headers, count, ":authority");
    event->session_requested.path = leat_h3_find_header(headers, count, ":path");
    event->session_requested.origin = leat_h3_find_header(headers, count, "origin");
    event->session_requested.dialect = session->dialect;
}

static void fill_ready(wt_session *session, leat_wt_event *event) {
    event->session_ready.dialect = session->dialect;
    event->session_ready.headers = session->response;
    event->session_ready.header_count = session->response_count;
}

static void fill_refused(wt_session *session, leat_wt_event *event) {
    event->session_refused.status = session->status;
    event->session_refused.headers = session->response;
    event->session_refused.header_count = session->response_count;
}

static void fill_draining(wt_session *session, leat_wt_event *event) {
    event->session_draining.by_goaway = session->draining_by_goaway;
}

static void fill_closed(wt_session *session, leat_wt_event *event) {
    const wt_ending *ending = &session->ending;
    event->session_closed.origin = ending->origin;
    event->session_closed.cause = ending->cause;
    event->session_closed.code = ending->code;
    event->session_closed.reason = ending->reason == NULL ? "" : ending->reason;
    event->session_closed.reason_length = ending->reason_length;
    event->session_closed.http_code = ending->http_code;
    event->session_closed.quic_code = ending->quic_code;
    event->session_closed.clean = ending->cause == LEAT_WT_CAUSE_CAPSULE ||
                                  ending->cause == LEAT_WT_CAUSE_FIN ||
                                  ending->cause == LEAT_WT_CAUSE_LOCAL;
    event->session_closed.connection_usable = ending->connection_usable;
    event->session_closed.silent_for = ending->silent_for;
    event->session_closed.datagrams_dropped = session->datagrams_dropped;
    event->session_closed.user = session->user;
}

/* In the order in which they are told. */
static const struct {
    unsigned flag;
    leat_wt_event_type type;
    void (*fill)(wt_session *session, leat_wt_event *event);
} told[] = {
    {WT_PENDING_REQUESTED, LEAT_WT_EVENT_SESSION_REQUESTED, fill_requested},
    {WT_PENDING_READY, LEAT_WT_EVENT_SESSION_READY, fill_ready},
    {WT_PENDING_REFUSED, LEAT_WT_EVENT_SESSION_REFUSED, fill_refused},
    {WT_PENDING_DRAINING, LEAT_WT_EVENT_SESSION_DRAINING, fill_draining},
    {WT_PENDING_CLOSED, LEAT_WT_EVENT_SESSION_CLOSED, fill_closed},
};

/* Streams and datagrams that came before the session was open follow SessionReady. */
static bool pop_early(leat_wt *wt, wt_session *session, leat_wt_event *event) {
    if ((session->pending & WT_PENDING_FIRST) != WT_PENDING_EARLY) {
        return false;
    }
    if (leat_wt_tell_waited_stream(session, event)) {
        return true;
    }
    wt->popped_datagram = leat_wt_take_early_datagram(wt, session->id);
    if (wt->popped_datagram == NULL) {
        session->pending &= ~(unsigned)WT_PENDING_EARLY;
        return false;
    }
    *event = (leat_wt_event){.type = LEAT_WT_EVENT_DATAGRAM_RECEIVED, .session_id = session->id};
    event->datagram_received.data =
        (leat_span){wt->popped_datagram->bytes, wt->popped_datagram->length};
    return true;
}

static bool pop_session_event(
    leat_wt *wt, wt_session *session, unsigned mask, leat_wt_event *event) {
    if (pop_early(wt, session, event)) {
        return true;
    }
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        if ((session->pending & mask & told[i].flag) != 0) {
            session->pending &= ~told[i].flag;
            *event = (leat_wt_event){.type = told[i].type, .session_id = session->id};
            told[i].fill(session, event);
            return true;
        }
    }
    return false;
}

static bool pop_pending(leat_wt *wt, unsigned mask, leat_wt_event *event) {
    LEAT_LIST_FOR_EACH(node, following, &wt->pending) {
        wt_session *session = LEAT_CONTAINER_OF(node, wt_session, pending_node);
        if (pop_session_event(wt, session, mask, event)) {
            return true;
        }
        if (session->pending == 0) {
            leat_list_remove(&session->pending_node);
        }
    }
    return false;
}

bool leat_wt_next_event(leat_wt *wt, leat_wt_event *event) {
    leat_free(wt->allocator, wt->popped_datagram);
    wt->popped_datagram = NULL;
    if (pop_pending(wt, WT_PENDING_FIRST, event)) {
        return true;
    }
    if (wt->event_next < wt->event_count) {
        *event = wt->events[wt->event_next++];
        return true;
    }
    free_finished_sessions(wt);
    if (pop_pending(wt, ~0u, event)) {
        return true;
    }
    event->type = LEAT_WT_EVENT_NONE;
    return false;
}
