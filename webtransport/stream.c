/*
 * Streams of sessions: draft-ietf-webtrans-http3-07 §4.1 to §4.3 and §4.5. A stream whose session
 * is not open yet waits in the transport: it is held there with its bytes and its flow control
 * credit, so buffering needs no memory here.
 */
#include "webtransport/internal.h"

static wt_stream *find_stream(const leat_wt *wt, uint64_t id) {
    return leat_map_get_u64(&wt->streams, id);
}

/* A stream that the application knows, or NULL. */
static wt_stream *find_told_stream(const leat_wt *wt, uint64_t id) {
    wt_stream *stream = find_stream(wt, id);
    return stream != NULL && stream->session != NULL ? stream : NULL;
}

static wt_stream *add_stream(leat_wt *wt, uint64_t id, uint64_t session_id, wt_session *session) {
    wt_stream *stream = leat_alloc(wt->allocator, sizeof *stream);
    if (stream == NULL || leat_map_set_u64(&wt->streams, id, stream) != 0) {
        leat_free(wt->allocator, stream);
        return NULL;
    }
    stream->id = id;
    stream->session_id = session_id;
    stream->session = session;
    bool is_ours = leat_stream_is_client_initiated(id) == wt->is_client;
    stream->send_done = leat_stream_is_unidirectional(id) && !is_ours;
    stream->receive_done = leat_stream_is_unidirectional(id) && is_ours;
    leat_list_push_back(session != NULL ? &session->streams : &wt->early_streams, &stream->node);
    wt->early_count += session == NULL ? 1 : 0;
    return stream;
}

static void remove_stream(leat_wt *wt, wt_stream *stream) {
    wt->early_count -= stream->session == NULL ? 1 : 0;
    leat_map_remove_u64(&wt->streams, stream->id);
    leat_list_remove(&stream->node);
    leat_free(wt->allocator, stream);
}

/* Both directions done: the object goes when the next event comes. */
static void finish_if_done(leat_wt *wt, wt_stream *stream) {
    if (stream->receive_done && stream->send_done && stream->session != NULL) {
        leat_list_remove(&stream->node);
        leat_list_push_back(&wt->finished_streams, &stream->node);
    }
}

void leat_wt_free_finished_streams(leat_wt *wt) {
    LEAT_LIST_FOR_EACH(node, following, &wt->finished_streams) {
        remove_stream(wt, LEAT_CONTAINER_OF(node, wt_stream, node));
    }
}

/* The types 0x41 and 0x54 take two bytes each; the session ID follows. */
#define PREAMBLE_TYPE_SIZE 2

/* draft-ietf-webtrans-http3-16 §4.4: the peer needs the head of the stream to know whose reset it
 * is. Streams of the peer have no head in our direction. */
static int reset_sending(leat_wt *wt, const wt_stream *stream, uint64_t http_code) {
    bool is_ours = leat_stream_is_client_initiated(stream->id) == wt->is_client;
    uint64_t head = is_ours ? PREAMBLE_TYPE_SIZE + leat_varint_size(stream->session_id) : 0;
    int result = leat_conn_reset_stream_at(wt->conn, stream->id, http_code, head);
    return result == LEAT_RESET_IS_PLAIN ? 0 : result;
}

/* Resets and stops what is still open of a stream of the peer. Directions that do not exist answer
 * with an error nobody needs. */
static void abort_stream(leat_wt *wt, uint64_t id, uint64_t http_code) {
    leat_h3_cancel(wt->h3, id, http_code);
}

void leat_wt_abort_streams(leat_wt *wt, wt_session *session) {
    LEAT_LIST_FOR_EACH(node, following, &session->streams) {
        wt_stream *stream = LEAT_CONTAINER_OF(node, wt_stream, node);
        /* draft-ietf-webtrans-http3-07 §5: streams do not outlive their session. */
        (void)reset_sending(wt, stream, LEAT_WT_SESSION_GONE);
        (void)leat_h3_stop_stream(wt->h3, stream->id, LEAT_WT_SESSION_GONE);
        remove_stream(wt, stream);
    }
}

void leat_wt_reject_early_streams(leat_wt *wt, uint64_t session_id) {
    LEAT_LIST_FOR_EACH(node, following, &wt->early_streams) {
        wt_stream *stream = LEAT_CONTAINER_OF(node, wt_stream, node);
        if (stream->session_id == session_id) {
            abort_stream(wt, stream->id, LEAT_WT_SESSION_GONE);
            leat_h3_release_stream(wt->h3, stream->id);
            remove_stream(wt, stream);
        }
    }
}

void leat_wt_release_early_streams(leat_wt *wt, wt_session *session) {
    LEAT_LIST_FOR_EACH(node, following, &wt->early_streams) {
        wt_stream *stream = LEAT_CONTAINER_OF(node, wt_stream, node);
        if (stream->session_id == session->id) {
            leat_list_remove(&stream->node);
            leat_list_push_back(&session->streams, &stream->node);
            stream->session = session;
            stream->has_waited = true;
            wt->early_count--;
            leat_h3_release_stream(wt->h3, stream->id);
        }
    }
}

bool leat_wt_tell_waited_stream(wt_session *session, leat_wt_event *event) {
    LEAT_LIST_FOR_EACH(node, following, &session->streams) {
        wt_stream *stream = LEAT_CONTAINER_OF(node, wt_stream, node);
        if (stream->has_waited && !stream->opened_told) {
            stream->opened_told = true;
            *event = (leat_wt_event){.type = LEAT_WT_EVENT_STREAM_OPENED,
                .session_id = session->id,
                .stream_id = stream->id};
            event->stream_opened.unidirectional = leat_stream_is_unidirectional(stream->id);
            return true;
        }
    }
    return false;
}

/* It waits in the transport, its bytes and its end too. */
static void hold_early_stream(leat_wt *wt, const leat_h3_event *event) {
    wt_stream *stream = find_stream(wt, event->stream_id);
    if (leat_h3_hold_stream(
            wt->h3, stream->id, event->webtransport_stream_data_received.data.length) != 0) {
        abort_stream(wt, stream->id, LEAT_WT_BUFFERED_STREAM_REJECTED);
        remove_stream(wt, stream);
    }
}

/* Whether the session may still be opened: see leat_wt_on_datagram. */
static uint64_t refusal_of_early_stream(
    const leat_wt *wt, const wt_session *session, uint64_t session_id) {
    bool is_known = session != NULL ? session->state < WT_ENDED
                                    : !wt->is_client && !leat_wt_is_gone(wt, session_id);
    if (!is_known) {
        return LEAT_WT_SESSION_GONE;
    }
    bool is_spoken = wt->dialect != LEAT_WT_DIALECT_NONE || !leat_h3_settings_received(wt->h3);
    if (!is_spoken) {
        /* RFC 9114 §6.2: WebTransport was not negotiated, so this kind of stream is unknown. */
        return LEAT_H3_STREAM_CREATION_ERROR;
    }
    /* draft-ietf-webtrans-http3-07 §4.5: early streams are buffered within a bound. */
    return wt->early_count >= wt->config.early_streams ? LEAT_WT_BUFFERED_STREAM_REJECTED : 0;
}

/* The first bytes of a stream of the peer. NULL: it was refused or has to wait. */
static wt_stream *begin_stream(leat_wt *wt, const leat_h3_event *event) {
    uint64_t session_id = event->webtransport_stream_data_received.session_id;
    wt_session *session = leat_wt_find_session(wt, session_id);
    bool is_open = session != NULL && session->state == WT_OPEN;
    uint64_t refusal = is_open ? 0 : refusal_of_early_stream(wt, session, session_id);
    wt_stream *stream = refusal == 0
                            ? add_stream(wt, event->stream_id, session_id, is_open ? session : NULL)
                            : NULL;
    if (stream == NULL) {
        abort_stream(
            wt, event->stream_id, refusal != 0 ? refusal : LEAT_WT_BUFFERED_STREAM_REJECTED);
    } else if (!is_open) {
        hold_early_stream(wt, event);
        return NULL;
    }
    return stream;
}

void leat_wt_on_stream_data(leat_wt *wt, const leat_h3_event *event) {
    wt_stream *stream = find_stream(wt, event->stream_id);
    if (stream == NULL && event->webtransport_stream_data_received.is_first) {
        stream = begin_stream(wt, event);
    }
    if (stream == NULL || stream->session == NULL || stream->receive_done) {
        return;
    }
    bool is_ours = leat_stream_is_client_initiated(stream->id) == wt->is_client;
    if (!stream->opened_told && !is_ours) {
        stream->opened_told = true;
        leat_wt_event *opened =
            leat_wt_push_event(wt, LEAT_WT_EVENT_STREAM_OPENED, stream->session_id, stream->id);
        opened->stream_opened.unidirectional = leat_stream_is_unidirectional(stream->id);
    }
    bool end_stream = event->webtransport_stream_data_received.stream_ended;
    if (event->webtransport_stream_data_received.data.length > 0 || end_stream) {
        leat_wt_event *data = leat_wt_push_event(
            wt, LEAT_WT_EVENT_STREAM_DATA_RECEIVED, stream->session_id, stream->id);
        data->stream_data_received.data = event->webtransport_stream_data_received.data;
        data->stream_data_received.end_stream = end_stream;
        stream->receive_done = end_stream;
        finish_if_done(wt, stream);
    }
}

static void push_stream_error(
    leat_wt *wt, leat_wt_event_type type, const wt_stream *stream, uint64_t http_code) {
    leat_wt_event *event = leat_wt_push_event(wt, type, stream->session_id, stream->id);
    event->stream_error.http_code = http_code;
    event->stream_error.has_code = leat_wt_code_from_http(http_code, &event->stream_error.code);
}

void leat_wt_on_stream_reset(leat_wt *wt, const leat_h3_event *event) {
    wt_session *session = leat_wt_find_session(wt, event->stream_id);
    wt_stream *stream = find_stream(wt, event->stream_id);
    if (session != NULL) {
        leat_wt_on_connect_reset(wt, session, event->stream_reset.error_code);
    } else if (stream != NULL && stream->session == NULL) {
        abort_stream(wt, stream->id, LEAT_WT_BUFFERED_STREAM_REJECTED);
        remove_stream(wt, stream);
    } else if (stream != NULL && !stream->receive_done) {
        push_stream_error(wt, LEAT_WT_EVENT_STREAM_RESET, stream, event->stream_reset.error_code);
        stream->receive_done = true;
        finish_if_done(wt, stream);
    }
}

void leat_wt_on_stop_sending(leat_wt *wt, const leat_h3_event *event) {
    wt_session *session = leat_wt_find_session(wt, event->stream_id);
    wt_stream *stream = find_stream(wt, event->stream_id);
    if (session != NULL) {
        leat_wt_on_connect_stop(wt, session, event->stop_sending_received.error_code);
    } else if (stream != NULL && !stream->send_done) {
        if (stream->session != NULL) {
            push_stream_error(wt, LEAT_WT_EVENT_STOP_SENDING_RECEIVED, stream,
                event->stop_sending_received.error_code);
        }
        stream->send_done = true;
        finish_if_done(wt, stream);
    }
}

void leat_wt_on_writable(leat_wt *wt, const leat_h3_event *event) {
    wt_session *session = leat_wt_find_session(wt, event->stream_id);
    wt_stream *stream = find_stream(wt, event->stream_id);
    if (session != NULL && session->must_send_end) {
        leat_wt_session_send_end(wt, session);
    } else if (stream != NULL && stream->session != NULL && !stream->send_done) {
        leat_wt_push_event(wt, LEAT_WT_EVENT_STREAM_WRITABLE, stream->session_id, stream->id);
    }
}

/* ---- calls --------------------------------------------------------------------------- */

int leat_wt_open_stream(
    leat_wt *wt, uint64_t session_id, bool unidirectional, uint64_t *stream_id) {
    wt_session *session = leat_wt_find_session(wt, session_id);
    if (session == NULL || session->state != WT_OPEN) {
        return LEAT_ERR_STATE;
    }
    int result = leat_h3_create_webtransport_stream(wt->h3, session_id, unidirectional, stream_id);
    if (result == 0 && add_stream(wt, *stream_id, session_id, session) == NULL) {
        leat_h3_cancel(wt->h3, *stream_id, LEAT_H3_INTERNAL_ERROR);
        return LEAT_ERR_NOMEM;
    }
    return result;
}

ptrdiff_t leat_wt_send_stream_data(
    leat_wt *wt, uint64_t stream_id, const uint8_t *data, size_t length, bool end_stream) {
    wt_stream *stream = find_told_stream(wt, stream_id);
    if (stream == NULL || stream->send_done) {
        return LEAT_ERR_NO_STREAM;
    }
    ptrdiff_t taken = leat_conn_send_stream_data(wt->conn, stream_id, data, length, end_stream);
    if (end_stream && taken == (ptrdiff_t)length) {
        stream->send_done = true;
        finish_if_done(wt, stream);
    }
    return taken;
}

int leat_wt_reset_stream(leat_wt *wt, uint64_t stream_id, uint32_t code) {
    wt_stream *stream = find_told_stream(wt, stream_id);
    if (stream == NULL) {
        return LEAT_ERR_NO_STREAM;
    }
    int result = reset_sending(wt, stream, leat_wt_code_to_http(code));
    stream->send_done = stream->send_done || result == 0;
    finish_if_done(wt, stream);
    return result;
}

int leat_wt_stop_stream(leat_wt *wt, uint64_t stream_id, uint32_t code) {
    wt_stream *stream = find_told_stream(wt, stream_id);
    if (stream == NULL) {
        return LEAT_ERR_NO_STREAM;
    }
    int result = leat_h3_stop_stream(wt->h3, stream_id, leat_wt_code_to_http(code));
    stream->receive_done = stream->receive_done || result == 0;
    finish_if_done(wt, stream);
    return result;
}

int leat_wt_hold_stream(leat_wt *wt, uint64_t stream_id, size_t unread) {
    wt_stream *stream = find_told_stream(wt, stream_id);
    wt_session *session = stream == NULL ? NULL : leat_wt_find_session(wt, stream->session_id);
    if (session == NULL || session->state != WT_OPEN) {
        return LEAT_ERR_NO_STREAM;
    }
    int result = leat_h3_hold_stream(wt->h3, stream_id, unread);
    if (result == 0 && stream->receive_done) {
        /* The end was given back with the bytes: it comes again. */
        stream->receive_done = false;
        leat_list_remove(&stream->node);
        leat_list_push_back(&session->streams, &stream->node);
    }
    return result;
}

int leat_wt_release_stream(leat_wt *wt, uint64_t stream_id) {
    return find_told_stream(wt, stream_id) == NULL ? LEAT_ERR_NO_STREAM
                                                   : leat_h3_release_stream(wt->h3, stream_id);
}

int leat_wt_set_stream_user(leat_wt *wt, uint64_t stream_id, void *user) {
    wt_stream *stream = find_told_stream(wt, stream_id);
    if (stream == NULL) {
        return LEAT_ERR_NO_STREAM;
    }
    stream->user = user;
    return 0;
}

void *leat_wt_stream_user(const leat_wt *wt, uint64_t stream_id) {
    const wt_stream *stream = find_told_stream(wt, stream_id);
    return stream == NULL ? NULL : stream->user;
}

bool leat_wt_next_stream(
    const leat_wt *wt, uint64_t session_id, size_t *cursor, uint64_t *stream_id) {
    const wt_session *session = leat_wt_find_session(wt, session_id);
    size_t index = 0;
    if (session == NULL) {
        return false;
    }
    LEAT_LIST_FOR_EACH(node, following, &session->streams) {
        if (index++ == *cursor) {
            *stream_id = LEAT_CONTAINER_OF(node, wt_stream, node)->id;
            ++*cursor;
            return true;
        }
    }
    return false;
}
