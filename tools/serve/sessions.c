/* WebTransport sessions of the server: which path has which application, who is let in, and the
 * line for every ending. */
#include "serve.h"

#include "../parse.h"

#include <inttypes.h>
#include <stdio.h>

static const wt_app *const apps[] = {&counter_app, &clicker_app, &echo_app};

static leat_span without_query(leat_span path) {
    const uint8_t *question = path.length == 0 ? NULL : memchr(path.data, '?', path.length);
    return question == NULL ? path : (leat_span){path.data, (size_t)(question - path.data)};
}

static const wt_app *find_app(leat_span path) {
    for (size_t i = 0; i < sizeof apps / sizeof apps[0]; i++) {
        if (leat_span_is(without_query(path), apps[i]->path)) {
            return apps[i];
        }
    }
    return NULL;
}

/* A word for the log line: what is not a visible ASCII character is percent-encoded; nothing is
 * "-". */
static char *word_of(leat_span bytes) {
    char *word = leat_alloc(NULL, 3 * bytes.length + 2);
    if (word == NULL) {
        return NULL;
    }
    leat_text text = leat_text_make(word, 3 * bytes.length + 2);
    for (size_t i = 0; i < bytes.length; i++) {
        bool is_visible = bytes.data[i] > 0x20 && bytes.data[i] < 0x7f;
        leat_text_printf(&text, is_visible ? "%c" : "%%%02X", bytes.data[i]);
    }
    if (bytes.length == 0) {
        leat_text_printf(&text, "-");
    }
    return word;
}

/* ?user=NAME names the user of a session before the first click. */
static void user_from_query(serve_session *session, leat_span path) {
    leat_span query = without_query(path);
    query = (leat_span){query.data + query.length, path.length - query.length};
    size_t filled = 0;
    for (size_t i = 0; i + 5 < query.length; i++) {
        bool at_start = (query.data[i] == '?' || query.data[i] == '&') &&
                        memcmp(query.data + i + 1, "user=", 5) == 0;
        for (size_t j = i + 6; at_start && j < query.length && query.data[j] != '&' &&
                               filled + 1 < sizeof session->user;
             j++) {
            int high = query.data[j] == '%' && j + 2 < query.length
                           ? parse_hex_digit(query.data[j + 1])
                           : -1;
            int low = high >= 0 ? parse_hex_digit(query.data[j + 2]) : -1;
            int byte = low >= 0 ? high << 4 | low : query.data[j];
            session->user[filled++] = (char)(query.data[j] == '+' ? ' ' : byte);
            j += low >= 0 ? 2 : 0;
        }
        if (at_start) {
            break;
        }
    }
    session->user[filled] = '\0';
}

static bool origin_is_allowed(const serve_app *serve, leat_span origin) {
    for (size_t i = 0; i < serve->settings.origin.count; i++) {
        if (leat_span_is(origin, serve->settings.origin.values[i])) {
            return true;
        }
    }
    return serve->settings.origin.count == 0;
}

/* One of the places for sessions; several workers may want the last one. */
static bool take_place(serve_app *serve) {
    bool has_one = serve->sessions_open++ < serve->settings.max_sessions;
    serve->sessions_open -= has_one ? 0 : 1;
    return has_one;
}

static void on_requested(
    serve_app *serve, leat_conn *conn, leat_wt *wt, const leat_wt_event *event) {
    serve_session *made = leat_alloc(NULL, sizeof *made);
    if (made == NULL) {
        leat_wt_refuse(wt, event->session_id, 503, "out of memory");
        return;
    }
    *made = (serve_session){.client = leat_conn_user(conn), .conn = conn, .wt = wt,
        .id = event->session_id, .number = ++serve->sessions_seen,
        .path = word_of(without_query(event->session_requested.path)),
        .origin = word_of(event->session_requested.origin)};
    leat_list_init(&made->channels);
    leat_list_push_back(&made->client->sessions, &made->node);
    leat_wt_set_session_user(wt, made->id, made);
    user_from_query(made, event->session_requested.path);
    const wt_app *app = find_app(event->session_requested.path);
    if (leat_conn_stream_is_early(conn, made->id)) { /* RFC 8470 §5.2 */
        leat_wt_refuse(wt, made->id, 425, "not in 0-RTT");
    } else if (app == NULL) {
        leat_wt_refuse(
            wt, made->id, 404, "no WebTransport here; there is /counter, /clicker and /echo");
    } else if (!origin_is_allowed(serve, event->session_requested.origin)) {
        leat_wt_refuse(wt, made->id, 403, "this origin is not allowed");
    } else if (!take_place(serve)) {
        leat_wt_refuse(wt, made->id, 429, "too many sessions on this server");
    } else if (leat_wt_accept(wt, made->id, NULL, 0) == 0) {
        made->app = app;
    } else {
        serve->sessions_open--;
        leat_wt_refuse(wt, made->id, 500, "the session could not be accepted");
    }
}

static void print_ending(const serve_session *session, const leat_wt_event *event) {
    char line[8192];
    leat_text text = leat_text_make(line, sizeof line);
    leat_text_printf(
        &text, "session-closed id=%" PRIu64 " path=%s user=", session->number, session->path);
    leat_text_json(&text, leat_span_of(session->user));
    leat_text_printf(&text, " origin=%s cause=%s code=%" PRIu32 " reason=", session->origin,
        leat_wt_cause_name(event->session_closed.cause), event->session_closed.code);
    leat_text_json(&text, (leat_span){(const uint8_t *)event->session_closed.reason,
                              event->session_closed.reason_length});
    leat_text_printf(&text, " clean=%s", event->session_closed.clean ? "yes" : "no");
    puts(line);
}

static void on_closed(serve_app *serve, const leat_wt_event *event) {
    serve_session *session = event->session_closed.user;
    if (session == NULL) {
        return;
    }
    print_ending(session, event);
    LEAT_LIST_FOR_EACH(node, following, &session->channels) {
        channel_free(LEAT_CONTAINER_OF(node, serve_channel, node));
    }
    serve->sessions_open -= session->app != NULL ? 1 : 0;
    leat_list_remove(&session->node);
    leat_free(NULL, session->path);
    leat_free(NULL, session->origin);
    leat_free(NULL, session);
}

void sessions_on_event(serve_app *serve, leat_conn *conn, leat_wt *wt, const leat_wt_event *event) {
    serve_session *session = leat_wt_session_user(wt, event->session_id);
    if (serve->settings.verbose) {
        char line[1024];
        fprintf(stderr, "%s\n", leat_wt_event_format(event, line, sizeof line));
    }
    switch (event->type) {
    case LEAT_WT_EVENT_SESSION_REQUESTED: on_requested(serve, conn, wt, event); break;
    case LEAT_WT_EVENT_SESSION_CLOSED: on_closed(serve, event); break;
    case LEAT_WT_EVENT_DATAGRAM_RECEIVED:
        session->app->on_datagram(session, event->datagram_received.data);
        break;
    case LEAT_WT_EVENT_STREAM_DATA_RECEIVED: channel_on_data(session, event); break;
    case LEAT_WT_EVENT_STREAM_WRITABLE: channel_on_writable(session, event->stream_id); break;
    case LEAT_WT_EVENT_STREAM_RESET: channel_on_reset(session, event); break;
    case LEAT_WT_EVENT_STOP_SENDING_RECEIVED: channel_on_stop(session, event); break;
    default: break;
    }
}

/* The peer allows more streams: answers that waited for one go out. */
void sessions_retry_streams(serve_client *client) {
    LEAT_LIST_FOR_EACH(node, following, &client->sessions) {
        serve_session *session = LEAT_CONTAINER_OF(node, struct serve_session, node);
        LEAT_LIST_FOR_EACH(channel_node, next_channel, &session->channels) {
            channel_flush(LEAT_CONTAINER_OF(channel_node, serve_channel, node));
        }
    }
}
