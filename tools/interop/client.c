/*
 * The client of `leat interop`: downloads what REQUESTS names, as many requests at a time as the
 * server lets it, on as many connections as the test case asks for. Both protocols use client
 * bidirectional streams for requests and nothing else, in the order of REQUESTS: the number of the
 * stream is that of the request.
 */
#include "interop.h"

#include "../client_failure.h"
#include "../file.h"
#include "../url.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Requests without a complete answer; each may hold a file open. */
#define REQUESTS_OPEN_MAX 256
/* How long the ticket of a connection that is to be resumed may take after the last file. */
#define TICKET_TIMEOUT (2 * LEAT_SECOND)
#define STEP (100 * LEAT_MILLISECOND)

typedef struct download {
    const char *text; /* the URL */
    FILE *file;       /* open while bytes come */
    bool is_done;
} download;

/* One connection. */
typedef struct client_run {
    interop_app *app;
    leat_client *client;
    download *downloads;
    size_t count, started, done;
    bool has_handshake, has_failed, has_moved, has_updated;
    leat_buffer ticket;
} client_run;

/* ---- files ---- */

static void fail(client_run *run, const char *what, const char *why) {
    options_complain(run->app->table, "%s: %s", what, why);
    run->has_failed = true;
}

static bool open_file(client_run *run, download *one) {
    tool_url url;
    const char *problem;
    char name[URL_TARGET_MAX], path[PATH_MAX];
    if (!url_parse(one->text, &url, &problem)) {
        fail(run, one->text, problem);
        return false;
    }
    url_file_name(&url, name);
    int length = snprintf(path, sizeof path, "%s/%s", run->app->settings.downloads, name);
    if (name[0] == '\0' || length >= PATH_MAX) {
        fail(run, one->text, "does not end in a file name");
        return false;
    }
    one->file = fopen(path, "wb");
    if (one->file == NULL) {
        fail(run, path, strerror(errno));
    }
    return one->file != NULL;
}

/* NULL for a stream that carries no request of ours. */
static download *find_download(client_run *run, uint64_t stream_id) {
    bool is_request = (stream_id & 3) == 0 && stream_id / 4 < run->started;
    return is_request ? &run->downloads[stream_id / 4] : NULL;
}

static void on_body(client_run *run, uint64_t stream_id, leat_span data, bool has_ended) {
    download *one = find_download(run, stream_id);
    if (one == NULL || one->is_done || (one->file == NULL && !open_file(run, one))) {
        return;
    }
    bool is_written = fwrite(data.data, 1, data.length, one->file) == data.length;
    if (has_ended) {
        is_written = fclose(one->file) == 0 && is_written;
        one->file = NULL;
        one->is_done = true;
        run->done++;
    }
    if (!is_written) {
        fail(run, one->text, strerror(errno));
    }
}

static void on_broken(client_run *run, uint64_t stream_id) {
    download *one = find_download(run, stream_id);
    if (one != NULL && !one->is_done) {
        fail(run, one->text, "the server broke it off");
    }
}

/* ---- requests ---- */

/* RFC 1945's ancestor: a line, and the body until the end of the stream. */
static int request_hq(client_run *run, const tool_url *url) {
    char line[URL_TARGET_MAX + 16];
    uint64_t stream_id;
    leat_conn *conn = leat_client_conn(run->client);
    int length = snprintf(line, sizeof line, "GET %s\r\n", url->target);
    int error = leat_conn_open_stream(conn, false, &stream_id);
    if (error != LEAT_OK) {
        return error;
    }
    ptrdiff_t taken =
        leat_conn_send_stream_data(conn, stream_id, (const uint8_t *)line, (size_t)length, true);
    return taken == length ? LEAT_OK : LEAT_ERR_FULL;
}

static int request_h3(client_run *run, const tool_url *url) {
    uint64_t stream_id;
    leat_h3 *h3 = leat_client_h3(run->client);
    int error = h3 == NULL ? LEAT_ERR_STATE : leat_h3_open_request(h3, &stream_id);
    if (error != LEAT_OK) {
        return error;
    }
    const leat_h3_header headers[] = {
        LEAT_H3_HEADER(":method", "GET"),
        LEAT_H3_HEADER(":scheme", "https"),
        leat_h3_header_of(":authority", url->authority),
        leat_h3_header_of(":path", url->target),
    };
    return leat_h3_send_headers(h3, stream_id, headers, 4, true);
}

static void start_requests(client_run *run) {
    tool_url url;
    const char *problem;
    while (run->started < run->count && run->started - run->done < REQUESTS_OPEN_MAX &&
           !run->has_failed) {
        const download *one = &run->downloads[run->started];
        if (!url_parse(one->text, &url, &problem)) {
            fail(run, one->text, problem);
            return;
        }
        int error = run->app->testcase->is_http3 ? request_h3(run, &url) : request_hq(run, &url);
        if (error == LEAT_ERR_STREAM_LIMIT) {
            return;
        }
        if (error != LEAT_OK) {
            fail(run, one->text, leat_err_string(error));
        }
        run->started++;
    }
}

/* ---- events ---- */

static void on_terminated(client_run *run, const leat_event *event) {
    char text[CLIENT_FAILURE_MAX];
    if (event->connection_terminated.source != LEAT_SOURCE_LOCAL) {
        client_failure_describe(event, run->has_handshake, "the server", text);
        fail(run, run->downloads[0].text, text);
    } else if (run->app->testcase->has_key_update && !run->has_updated && !run->has_failed) {
        fail(run, run->downloads[0].text, "all was over before the keys could be updated");
    }
}

/* Without a connection ID to spare it is tried again with the next bytes. */
static void move_once(client_run *run) {
    char message[LEAT_MESSAGE_MAX];
    if (run->app->testcase->has_migration && !run->has_moved) {
        run->has_moved = leat_client_migrate(run->client, NULL, message) == LEAT_OK;
    }
}

/* RFC 9001 §6.1: not before the handshake is confirmed and a packet under these keys acknowledged,
 * which may come later: then it is tried again with the next bytes. */
static void update_once(client_run *run, leat_conn *conn) {
    if (run->app->testcase->has_key_update && !run->has_updated) {
        run->has_updated = leat_conn_request_key_update(conn) == LEAT_OK;
    }
}

static void on_stream_data(client_run *run, leat_conn *conn, const leat_event *event) {
    move_once(run);
    update_once(run, conn);
    if (!run->app->testcase->is_http3) {
        on_body(run, event->stream_data_received.stream_id, event->stream_data_received.data,
            event->stream_data_received.end_stream);
    }
}

static void on_event(void *user, leat_conn *conn, const leat_event *event) {
    client_run *run = user;
    interop_narrate(conn, event);
    switch (event->type) {
    case LEAT_EVENT_HANDSHAKE_COMPLETED: run->has_handshake = true; break;
    case LEAT_EVENT_EARLY_DATA_REJECTED: run->started = 0; break; /* none was answered */
    case LEAT_EVENT_HANDSHAKE_CONFIRMED: update_once(run, conn); break;
    case LEAT_EVENT_STREAM_DATA_RECEIVED: on_stream_data(run, conn, event); break;
    case LEAT_EVENT_STREAM_RESET: on_broken(run, event->stream_reset.stream_id); break;
    case LEAT_EVENT_SESSION_TICKET:
        leat_buffer_clear(&run->ticket);
        (void)leat_buffer_append(&run->ticket, event->ticket.data.data, event->ticket.data.length);
        break;
    case LEAT_EVENT_CONNECTION_TERMINATED: on_terminated(run, event); break;
    default: break;
    }
    if (run->has_handshake || leat_conn_is_sending_early_data(conn)) {
        start_requests(run);
    }
}

static void on_h3_event(void *user, leat_conn *conn, leat_h3 *h3, const leat_h3_event *event) {
    client_run *run = user;
    (void)conn;
    (void)h3;
    if (event->type == LEAT_H3_EVENT_DATA_RECEIVED) {
        on_body(
            run, event->stream_id, event->data_received.data, event->data_received.stream_ended);
    } else if (event->type == LEAT_H3_EVENT_REQUEST_REFUSED_MALFORMED) {
        on_broken(run, event->stream_id);
    } else if (event->type == LEAT_H3_EVENT_HEADERS_RECEIVED) {
        leat_span status = leat_h3_find_header(
            event->headers_received.headers, event->headers_received.count, ":status");
        bool is_final = !event->headers_received.is_informational &&
                        !event->headers_received.is_trailers;
        if (is_final && !leat_span_is(status, "200")) {
            on_broken(run, event->stream_id);
        } else if (event->headers_received.stream_ended) {
            on_body(run, event->stream_id, (leat_span){NULL, 0}, true);
        }
    }
}

/* ---- connections ---- */

static bool open_client(client_run *run, leat_span ticket) {
    char message[LEAT_MESSAGE_MAX];
    const char *problem;
    tool_url url;
    leat_config quic = run->app->quic;
    leat_client_config config;
    if (!url_parse(run->downloads[0].text, &url, &problem)) {
        fail(run, run->downloads[0].text, problem);
        return false;
    }
    quic.session_ticket = ticket;
    leat_client_config_init(&config);
    config.quic = &quic;
    config.h3 = &run->app->h3;
    config.layers = run->app->testcase->is_http3 ? LEAT_LAYER_H3 : LEAT_LAYER_QUIC;
    config.handler = (leat_io_handler){.on_event = on_event, .on_h3_event = on_h3_event};
    config.user = run;
    run->client = leat_client_new(&config, url.host, url.port, message);
    if (run->client == NULL) {
        fail(run, run->downloads[0].text, message);
    }
    return run->client != NULL;
}

static bool wants_ticket(const client_run *run, leat_time until) {
    return run->app->testcase->is_resumed && run->ticket.length == 0 && leat_clock_now() < until;
}

/* All downloads on one connection. ticket: of an earlier connection, or empty; replaced by a new
 * one. */
static bool run_connection(
    interop_app *app, download *downloads, size_t count, leat_buffer *ticket) {
    client_run run = {.app = app, .downloads = downloads, .count = count};
    leat_buffer_init(&run.ticket, NULL, FILE_SIZE_MAX);
    leat_span used = {ticket->data, app->testcase->is_resumed ? ticket->length : 0};
    if (open_client(&run, used)) {
        leat_time until = LEAT_TIME_NEVER;
        while (!run.has_failed && (run.done < count || wants_ticket(&run, until)) &&
               leat_client_step(run.client, STEP)) {
            until = run.done == count && until == LEAT_TIME_NEVER
                        ? leat_clock_now() + TICKET_TIMEOUT
                        : until;
        }
        leat_client_free(run.client);
    }
    for (size_t i = 0; i < count; i++) {
        if (downloads[i].file != NULL) {
            fclose(downloads[i].file);
        }
    }
    leat_buffer_clear(ticket);
    *ticket = run.ticket;
    return !run.has_failed && run.done == count;
}

static bool run_case(interop_app *app, download *downloads, size_t count) {
    if (app->protocol_count > 0) {
        return interop_webtransport_client(app, downloads[0].text) == 0;
    }
    leat_buffer ticket;
    leat_buffer_init(&ticket, NULL, FILE_SIZE_MAX);
    bool is_good = true;
    for (size_t i = 0; i < count && is_good;) {
        bool is_alone = app->testcase->has_one_request || (app->testcase->is_resumed && i == 0);
        size_t length = is_alone ? 1 : count - i;
        is_good = run_connection(app, downloads + i, length, &ticket);
        i += length;
    }
    leat_buffer_clear(&ticket);
    return is_good;
}

/* ---- start ---- */

/* The words of REQUESTS, cut in place. */
static size_t split_requests(char *text, download *downloads) {
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        downloads[count++].text = word;
    }
    return count;
}

/* The runner makes an authority of its own for each run. */
static leat_trust *open_trust(const interop_app *app, char message[LEAT_MESSAGE_MAX]) {
    char path[PATH_MAX];
    size_t length;
    snprintf(path, sizeof path, "%s/ca.pem", app->settings.certs);
    uint8_t *pem = file_read(path, &length, message);
    if (pem == NULL) {
        options_complain(app->table, "%s; every certificate is accepted", message);
        return leat_trust_insecure_accept_anything();
    }
    leat_trust *trust = leat_trust_from_pem((leat_span){pem, length}, message);
    leat_free(NULL, pem);
    return trust;
}

int interop_client(interop_app *app) {
    char message[LEAT_MESSAGE_MAX] = "out of memory";
    const char *requests = getenv("REQUESTS");
    if (requests == NULL || strspn(requests, " ") == strlen(requests)) {
        return options_complain(app->table, "REQUESTS names no file");
    }
    char *text = leat_strdup(NULL, requests);
    /* Every word has a character and a space: never more words than half the characters. */
    download *downloads = leat_alloc(NULL, (strlen(requests) / 2 + 1) * sizeof *downloads);
    app->quic.trust = open_trust(app, message);
    bool is_good = false;
    if (text == NULL || downloads == NULL || app->quic.trust == NULL) {
        options_complain(app->table, "%s", message);
    } else {
        is_good = run_case(app, downloads, split_requests(text, downloads));
    }
    leat_trust_free(app->quic.trust);
    leat_free(NULL, downloads);
    leat_free(NULL, text);
    return is_good ? 0 : 1;
}
