/*
 * How a session begins: draft-ietf-webtrans-http3-07 §3, -02 §3. The client's CONNECT waits for the
 * server's SETTINGS; a server's decision waits for the client's, since they choose the dialect.
 */
#include "webtransport/internal.h"

#include <stdio.h>

void leat_wt_fields_free(leat_wt *wt, wt_fields *fields) {
    leat_free(wt->allocator, fields->headers);
    *fields = (wt_fields){NULL, 0};
}

/* One allocation: the array, then all bytes. */
static bool copy_fields(
    leat_wt *wt, wt_fields *fields, const leat_h3_header *headers, size_t count) {
    size_t bytes = count * sizeof *headers;
    for (size_t i = 0; i < count; i++) {
        bytes += headers[i].name.length + headers[i].value.length;
    }
    *fields = (wt_fields){leat_alloc(wt->allocator, bytes + 1), count};
    if (fields->headers == NULL) {
        return false;
    }
    leat_writer writer =
        leat_writer_make((uint8_t *)(fields->headers + count), bytes - count * sizeof *headers);
    for (size_t i = 0; i < count; i++) {
        fields->headers[i] = (leat_h3_header){{writer.next, headers[i].name.length},
            {writer.next + headers[i].name.length, headers[i].value.length},
            headers[i].never_index};
        leat_write_bytes(&writer, headers[i].name.data, headers[i].name.length);
        leat_write_bytes(&writer, headers[i].value.data, headers[i].value.length);
    }
    return true;
}

static void fail_session(leat_wt *wt, wt_session *session, leat_wt_cause cause,
    leat_wt_origin origin, uint64_t http_code) {
    wt_ending ending = {.cause = cause, .origin = origin, .http_code = http_code};
    leat_wt_session_end(wt, session, ending);
    leat_wt_session_enter(wt, session, WT_PEER_FINISHED);
}

/* The session is open; what waited for that follows SessionReady. */
static void tell_ready(leat_wt *wt, wt_session *session) {
    leat_wt_session_enter(wt, session, WT_ACCEPTED);
    leat_wt_session_pend(wt, session, WT_PENDING_READY | WT_PENDING_EARLY);
    leat_wt_release_early_streams(wt, session);
}

/* ---- server -------------------------------------------------------------------------- */

/* Answers a request that gets no session: the last thing on its stream. */
static void answer_refusal(leat_wt *wt, uint64_t stream_id, unsigned status, const char *details) {
    char text[8];
    snprintf(text, sizeof text, "%u", status % 1000);
    const leat_h3_header headers[] = {leat_h3_header_of(":status", text),
        leat_h3_header_of("details", details == NULL ? "" : details)};
    if (leat_h3_send_headers(wt->h3, stream_id, headers, details == NULL ? 1 : 2, true) != 0) {
        leat_h3_cancel(wt->h3, stream_id, LEAT_H3_REQUEST_REJECTED);
        return;
    }
    /* RFC 9114 §4.1: what the client still sends on this stream is not wanted. */
    leat_h3_stop_stream(wt->h3, stream_id, LEAT_H3_NO_ERROR);
}

static void offer_to_application(leat_wt *wt, wt_session *session) {
    session->dialect = wt->dialect;
    if (wt->dialect == LEAT_WT_DIALECT_NONE) {
        answer_refusal(wt, session->id, 400,
            "the client's SETTINGS offer no WebTransport version that is spoken here");
        fail_session(wt, session, LEAT_WT_CAUSE_CONNECT_FAILED, LEAT_WT_ORIGIN_LOCAL, 400);
        return;
    }
    session->told = true;
    leat_wt_session_pend(wt, session, WT_PENDING_REQUESTED);
}

/* NULL: no memory, or a request that cannot become a session: over already, or with content (RFC
 * 9297 §3.2). */
static wt_session *new_session(leat_wt *wt, const leat_h3_event *event) {
    const leat_h3_header *headers = event->headers_received.headers;
    size_t count = event->headers_received.count;
    if (event->headers_received.stream_ended ||
        leat_h3_read_capsules(wt->h3, event->stream_id) != 0) {
        return NULL;
    }
    wt_fields copy;
    wt_session *session =
        copy_fields(wt, &copy, headers, count) ? leat_wt_session_new(wt, event->stream_id) : NULL;
    if (session == NULL) {
        leat_wt_fields_free(wt, &copy);
        return NULL;
    }
    session->request = copy;
    session->draft02_header =
        leat_h3_find_header(headers, count, "sec-webtransport-http3-draft02").data != NULL;
    return session;
}

static void on_request(leat_wt *wt, const leat_h3_event *event) {
    const leat_h3_header *headers = event->headers_received.headers;
    size_t count = event->headers_received.count;
    if (!leat_span_is(leat_h3_find_header(headers, count, ":method"), "CONNECT") ||
        !leat_span_is(leat_h3_find_header(headers, count, ":protocol"), "webtransport")) {
        leat_wt_reject_early_streams(wt, event->stream_id);
        leat_wt_drop_early_datagrams(wt, event->stream_id);
        return;
    }
    /* draft-ietf-webtrans-http3-07 §3.4: a server may limit the sessions of a connection. */
    if (wt->session_count >= wt->config.max_sessions) {
        answer_refusal(wt, event->stream_id, 429, "too many sessions on this connection");
        leat_wt_forget_session(wt, event->stream_id);
        return;
    }
    wt_session *session = new_session(wt, event);
    if (session == NULL) {
        leat_h3_cancel(wt->h3, event->stream_id, LEAT_H3_REQUEST_REJECTED);
        leat_wt_forget_session(wt, event->stream_id);
    } else if (leat_h3_settings_received(wt->h3)) {
        offer_to_application(wt, session);
    }
}

int leat_wt_accept(leat_wt *wt, uint64_t session_id, const leat_h3_header *headers, size_t count) {
    wt_session *session = leat_wt_find_session(wt, session_id);
    if (wt->is_client || session == NULL || session->state != WT_REQUESTED ||
        session->dialect == LEAT_WT_DIALECT_NONE) {
        return LEAT_ERR_STATE;
    }
    const wt_dialect_row *row = leat_wt_dialect_row(session->dialect);
    leat_h3_header *response = leat_alloc_array(wt->allocator, count + 2, sizeof *response);
    if (response == NULL) {
        return LEAT_ERR_NOMEM;
    }
    size_t filled = 0;
    response[filled++] = leat_h3_header_of(":status", "200");
    if (row->response_header != NULL && session->draft02_header) {
        response[filled++] = leat_h3_header_of(row->response_header, row->response_value);
    }
    for (size_t i = 0; i < count; i++) {
        response[filled++] = headers[i];
    }
    int result = leat_h3_send_headers(wt->h3, session_id, response, filled, false);
    leat_free(wt->allocator, response);
    if (result != 0) {
        return result;
    }
    tell_ready(wt, session);
    return 0;
}

int leat_wt_refuse(leat_wt *wt, uint64_t session_id, unsigned status, const char *details) {
    wt_session *session = leat_wt_find_session(wt, session_id);
    if (wt->is_client || session == NULL || session->state != WT_REQUESTED) {
        return LEAT_ERR_STATE;
    }
    if (status < 300 || status > 599) {
        return LEAT_ERR_INVALID;
    }
    answer_refusal(wt, session_id, status, details);
    fail_session(wt, session, LEAT_WT_CAUSE_CONNECT_FAILED, LEAT_WT_ORIGIN_LOCAL, status);
    return 0;
}

/* ---- client -------------------------------------------------------------------------- */

static int send_request(leat_wt *wt, wt_session *session) {
    const wt_dialect_row *row = leat_wt_dialect_row(wt->dialect);
    session->dialect = wt->dialect;
    size_t count = session->request.count - (row->request_header == NULL ? 1 : 0);
    if (row->request_header != NULL) {
        session->request.headers[count - 1] = leat_h3_header_of(row->request_header, "1");
    }
    int result = leat_h3_send_headers(wt->h3, session->id, session->request.headers, count, false);
    leat_wt_fields_free(wt, &session->request);
    return result;
}

/* Sessions that are open or asked for, without those that still wait for SETTINGS. */
static bool is_server_full(const leat_wt *wt) {
    uint64_t underway = 0;
    LEAT_LIST_FOR_EACH(node, following, &wt->sessions) {
        const wt_session *session = LEAT_CONTAINER_OF(node, wt_session, node);
        underway += session->state < WT_ENDED && session->request.headers == NULL;
    }
    return underway >= leat_wt_dialect_session_limit(wt->h3, wt->dialect);
}

static void start_request(leat_wt *wt, wt_session *session) {
    if (wt->dialect == LEAT_WT_DIALECT_NONE || is_server_full(wt) ||
        send_request(wt, session) != 0) {
        leat_h3_cancel(wt->h3, session->id, LEAT_H3_REQUEST_CANCELLED);
        fail_session(wt, session, LEAT_WT_CAUSE_CONNECT_FAILED, LEAT_WT_ORIGIN_LOCAL, 0);
    }
}

static int check_connect(const leat_wt *wt) {
    if (!wt->is_client || wt->connection_gone || wt->goaway_seen) {
        return LEAT_ERR_STATE;
    }
    bool is_full = wt->session_count >= wt->config.max_sessions ||
                   (leat_h3_settings_received(wt->h3) && is_server_full(wt));
    return is_full ? LEAT_ERR_FULL : 0;
}

/* The copied fields of a request. The last place is kept free for the version field of the dialect.
 */
static int make_request(leat_wt *wt, const char *authority, const char *path, const char *origin,
    const leat_h3_header *headers, size_t count, wt_fields *fields) {
    leat_h3_header *request = leat_alloc_array(wt->allocator, count + 7, sizeof *request);
    if (request == NULL) {
        return LEAT_ERR_NOMEM;
    }
    size_t filled = 0;
    request[filled++] = leat_h3_header_of(":method", "CONNECT");
    request[filled++] = leat_h3_header_of(":protocol", "webtransport");
    request[filled++] = leat_h3_header_of(":scheme", "https");
    request[filled++] = leat_h3_header_of(":authority", authority);
    request[filled++] = leat_h3_header_of(":path", path);
    if (origin != NULL) {
        request[filled++] = leat_h3_header_of("origin", origin);
    }
    for (size_t i = 0; i < count; i++) {
        request[filled++] = headers[i];
    }
    bool is_copied = copy_fields(wt, fields, request, filled + 1);
    leat_free(wt->allocator, request);
    return is_copied ? 0 : LEAT_ERR_NOMEM;
}

int leat_wt_connect(leat_wt *wt, const char *authority, const char *path, const char *origin,
    const leat_h3_header *headers, size_t count, uint64_t *session_id) {
    wt_fields request = {NULL, 0};
    int result = check_connect(wt);
    result =
        result != 0 ? result : make_request(wt, authority, path, origin, headers, count, &request);
    result = result != 0 ? result : leat_h3_open_request(wt->h3, session_id);
    if (result != 0) {
        leat_wt_fields_free(wt, &request);
        return result;
    }
    wt_session *session = leat_wt_session_new(wt, *session_id);
    if (session == NULL) {
        leat_h3_cancel(wt->h3, *session_id, LEAT_H3_INTERNAL_ERROR);
        leat_wt_fields_free(wt, &request);
        return LEAT_ERR_NOMEM;
    }
    session->request = request;
    session->told = true;
    if (leat_h3_settings_received(wt->h3)) {
        start_request(wt, session);
    }
    return 0;
}

static void on_response(leat_wt *wt, wt_session *session, const leat_h3_event *event) {
    if (session->state != WT_REQUESTED || event->headers_received.is_informational) {
        return;
    }
    leat_span status = leat_h3_find_header(
        event->headers_received.headers, event->headers_received.count, ":status");
    session->status = 0;
    for (size_t i = 0; i < status.length; i++) {
        session->status = session->status * 10 + (status.data[i] - '0');
    }
    session->response = event->headers_received.headers;
    session->response_count = event->headers_received.count;
    if (session->status / 100 != 2) {
        leat_wt_session_pend(wt, session, WT_PENDING_REFUSED);
        leat_h3_cancel(wt->h3, session->id, LEAT_H3_REQUEST_CANCELLED);
        fail_session(
            wt, session, LEAT_WT_CAUSE_CONNECT_FAILED, LEAT_WT_ORIGIN_PEER, session->status);
        return;
    }
    int result = leat_h3_read_capsules(wt->h3, session->id);
    if (result != 0) {
        /* RFC 9297 §3.2: a response with content, or no memory. */
        leat_h3_cancel(wt->h3, session->id, LEAT_H3_MESSAGE_ERROR);
        fail_session(wt, session,
            result == LEAT_ERR_NOMEM ? LEAT_WT_CAUSE_INTERNAL_ERROR : LEAT_WT_CAUSE_PROTOCOL_ERROR,
            LEAT_WT_ORIGIN_LOCAL, result == LEAT_ERR_NOMEM ? 0 : LEAT_H3_MESSAGE_ERROR);
        return;
    }
    tell_ready(wt, session);
}

/* ---- both ---------------------------------------------------------------------------- */

void leat_wt_on_headers(leat_wt *wt, const leat_h3_event *event) {
    wt_session *session = leat_wt_find_session(wt, event->stream_id);
    if (session != NULL && wt->is_client) {
        on_response(wt, session, event);
        if (event->headers_received.stream_ended) {
            leat_wt_on_connect_end(wt, session);
        }
    } else if (session == NULL && !wt->is_client && !event->headers_received.is_trailers) {
        on_request(wt, event);
    }
}

void leat_wt_on_settings(leat_wt *wt, const leat_h3_event *event) {
    (void)event;
    if (!leat_wt_dialect_settings_are_valid(wt->h3)) {
        leat_conn_fail(wt->conn, LEAT_H3_SETTINGS_ERROR,
            "a WebTransport setting with a value that its draft forbids");
        return;
    }
    wt->dialect = leat_wt_dialect_choose(wt->h3, wt->is_client);
    LEAT_LIST_FOR_EACH(node, following, &wt->sessions) {
        wt_session *session = LEAT_CONTAINER_OF(node, wt_session, node);
        if (session->state == WT_REQUESTED) {
            if (wt->is_client) {
                start_request(wt, session);
            } else {
                offer_to_application(wt, session);
            }
        }
    }
}
