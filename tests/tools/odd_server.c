/*
 * A server that does to the clients what `leat serve` never does: redirects, rejections, answers
 * that break off, sessions that the server ends. One row per path.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../examples/example_server.h"

typedef struct odd_exchange {
    leat_conn *conn;
    leat_h3 *h3;
    uint64_t stream_id;
    const leat_h3_event *event;
    const char *argument;
} odd_exchange;

static leat_span span_of(const char *text) {
    return (leat_span){(const uint8_t *)text, strlen(text)};
}

static bool is(leat_span bytes, const char *text) {
    return bytes.length == strlen(text) && memcmp(bytes.data, text, bytes.length) == 0;
}

static void answer(const odd_exchange *exchange, const char *status, const char *name,
    const char *value, leat_span body) {
    const leat_h3_header headers[] = {
        leat_h3_header_of(":status", status), leat_h3_header_of(name, value)};
    leat_h3_send_headers(exchange->h3, exchange->stream_id, headers, 2, body.length == 0);
    if (body.length > 0) {
        leat_h3_send_data(exchange->h3, exchange->stream_id, body.data, body.length, true);
    }
}

static leat_span field(const odd_exchange *exchange, const char *name) {
    return leat_h3_find_header(
        exchange->event->headers_received.headers, exchange->event->headers_received.count, name);
}

/* ---- requests ---- */

static void on_plain(const odd_exchange *exchange) {
    answer(exchange, "200", "x-path", "plain", span_of(exchange->argument));
}

static void on_method(const odd_exchange *exchange) {
    answer(exchange, "200", "x-path", "method", field(exchange, ":method"));
}

static void on_secret(const odd_exchange *exchange) {
    leat_span secret = field(exchange, "authorization");
    answer(exchange, "200", "x-path", "secret", secret.length > 0 ? secret : span_of("none"));
}

/* argument: the status, then where to */
static void on_redirect(const odd_exchange *exchange) {
    char status[4] = "";
    memcpy(status, exchange->argument, 3);
    answer(exchange, status, "location", exchange->argument + 4, span_of("not to be seen"));
}

/* To the same server under another name, which stands in the user-agent. */
static void on_away(const odd_exchange *exchange) {
    char location[256];
    leat_span there = field(exchange, "user-agent");
    snprintf(
        location, sizeof location, "//%.*s/secret", (int)there.length, (const char *)there.data);
    answer(exchange, "302", "location", location, span_of(""));
}

static void on_informational(const odd_exchange *exchange) {
    const leat_h3_header early[] = {
        LEAT_H3_HEADER(":status", "103"), LEAT_H3_HEADER("link", "<x>")};
    leat_h3_send_headers(exchange->h3, exchange->stream_id, early, 2, false);
    on_plain(exchange);
}

static void start_ten(const odd_exchange *exchange) {
    const leat_h3_header headers[] = {
        LEAT_H3_HEADER(":status", "200"), LEAT_H3_HEADER("content-length", "10")};
    leat_h3_send_headers(exchange->h3, exchange->stream_id, headers, 2, false);
    leat_h3_send_data(exchange->h3, exchange->stream_id, (const uint8_t *)"12345", 5, false);
}

/* Below HTTP/3, whose sending half refuses to do this. */
static void on_short(const odd_exchange *exchange) {
    start_ten(exchange);
    leat_conn_send_stream_data(exchange->conn, exchange->stream_id, NULL, 0, true);
}

static void on_broken(const odd_exchange *exchange) {
    start_ten(exchange);
    leat_h3_cancel(exchange->h3, exchange->stream_id, LEAT_H3_INTERNAL_ERROR);
}

static void on_close(const odd_exchange *exchange) {
    leat_conn_close(exchange->conn, LEAT_H3_EXCESSIVE_LOAD, "too much for me");
}

/* argument "once": only the first time */
static void on_reject(const odd_exchange *exchange) {
    static unsigned count;
    if (count++ == 0 || strcmp(exchange->argument, "always") == 0) {
        leat_h3_cancel(exchange->h3, exchange->stream_id, LEAT_H3_REQUEST_REJECTED);
    } else {
        on_plain(exchange);
    }
}

static void on_goaway(const odd_exchange *exchange) {
    leat_h3_goaway(exchange->h3);
    on_plain(exchange);
}

/* An answer that does not wait for the request's body, which is refused then (RFC 9114 §4.1). */
static void on_early(const odd_exchange *exchange) {
    on_plain(exchange);
    leat_conn_stop_stream(exchange->conn, exchange->stream_id, LEAT_H3_NO_ERROR);
}

static void on_silent(const odd_exchange *exchange) {
    (void)exchange;
}

/* clang-format off */
static const struct {
    const char *path;
    void (*run)(const odd_exchange *exchange);
    const char *argument;
} requests[] = {
    {"/plain", on_plain, "plain"}, {"/method", on_method, ""}, {"/secret", on_secret, ""},
    {"/a/relative", on_redirect, "302 ../plain"}, {"/see-other", on_redirect, "303 /method"},
    {"/moved", on_redirect, "301 /method"}, {"/keep", on_redirect, "307 /method"},
    {"/loop", on_redirect, "302 /loop"}, {"/http", on_redirect, "301 http://localhost/"}, {"/away", on_away, ""},
    {"/informational", on_informational, "after"}, {"/short", on_short, ""}, {"/broken", on_broken, ""},
    {"/close", on_close, ""}, {"/reject-once", on_reject, "once"}, {"/reject", on_reject, "always"},
    {"/goaway", on_goaway, "goaway"}, {"/early", on_early, "early"}, {"/silent", on_silent, ""},
};
/* clang-format on */

static void on_h3_event(void *user, leat_conn *conn, leat_h3 *h3, const leat_h3_event *event) {
    (void)user;
    odd_exchange exchange = {.conn = conn, .h3 = h3, .stream_id = event->stream_id, .event = event};
    if (event->type != LEAT_H3_EVENT_HEADERS_RECEIVED || event->headers_received.is_trailers) {
        return;
    }
    leat_span path = field(&exchange, ":path");
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        if (is(path, requests[i].path)) {
            exchange.argument = requests[i].argument;
            requests[i].run(&exchange);
        }
    }
}

/* ---- sessions ---- */

static void on_requested(leat_wt *wt, const leat_wt_event *event) {
    leat_span protocols = leat_h3_find_header(event->session_requested.headers,
        event->session_requested.header_count, "wt-available-protocols");
    printf("protocols: %.*s\n", (int)protocols.length, (const char *)protocols.data);
    leat_wt_accept(wt, event->session_id, NULL, 0);
}

/* A datagram is an order: how to end the session, or to open a stream. */
static void on_datagram(leat_conn *conn, leat_wt *wt, uint64_t session_id, leat_span order) {
    uint64_t stream_id;
    if (is(order, "close")) {
        leat_wt_close(wt, session_id, 7, "bye", 3);
    } else if (is(order, "reset")) {
        leat_h3_cancel(leat_wt_h3(wt), session_id, LEAT_H3_INTERNAL_ERROR);
    } else if (is(order, "end")) {
        leat_conn_close(conn, LEAT_H3_NO_ERROR, "gone");
    } else if (leat_wt_open_stream(wt, session_id, false, &stream_id) == 0) {
        leat_wt_send_stream_data(wt, stream_id, order.data, order.length, false);
        leat_conn_set_user(conn, wt);
        leat_conn_send_ping(conn, stream_id);
    }
}

static void on_wt_event(void *user, leat_conn *conn, leat_wt *wt, const leat_wt_event *event) {
    (void)user;
    switch (event->type) {
    case LEAT_WT_EVENT_SESSION_REQUESTED:
        on_requested(wt, event);
        break;
    /* What a stream brings is refused at once, with a code. */
    case LEAT_WT_EVENT_STREAM_OPENED:
        leat_wt_stop_stream(wt, event->stream_id, 5);
        break;
    case LEAT_WT_EVENT_DATAGRAM_RECEIVED:
        on_datagram(conn, wt, event->session_id, event->datagram_received.data);
        break;
    default:
        break;
    }
}

/* Its first bytes have arrived by now: the client knows whose stream it is, and the reset has a
 * session. */
static void on_event(void *user, leat_conn *conn, const leat_event *event) {
    (void)user;
    if (event->type == LEAT_EVENT_PING_ACKNOWLEDGED && leat_conn_user(conn) != NULL) {
        leat_wt_reset_stream(leat_conn_user(conn), event->ping_acknowledged.uid, 6);
    }
}

int main(int count, char **arguments) {
    const leat_io_handler handler = {
        .on_event = on_event, .on_h3_event = on_h3_event, .on_wt_event = on_wt_event};
    return example_server_run(count, arguments, LEAT_LAYER_WEBTRANSPORT, &handler, NULL);
}
