/*
 * HTTP requests of `leat serve`: /echo gives a body back, /bytes/N makes N bytes, everything else
 * is a file below --root. A response is a source of bytes that is pumped whenever its stream has
 * room.
 */
#include "http.h"

#include "../parse.h"

#include <inttypes.h>
#include <stdio.h>

#define ECHO_MAX 65536   /* bytes of an /echo body waiting to go back; the request is held above */
#define PUMP_CHUNK 16384

typedef struct http_request {
    leat_list node;
    leat_h3 *h3;
    uint64_t stream_id;
    leat_buffer echo;       /* /echo: what waits */
    bool is_echo, is_held, request_ended;
    FILE *file;             /* a file, or NULL: zero bytes are made */
    uint64_t left;          /* bytes of the body still to be sent */
    bool responded;         /* the headers are out */
} http_request;

static http_request *find_request(serve_client *client, uint64_t stream_id) {
    LEAT_LIST_FOR_EACH(node, following, &client->requests) {
        http_request *found = LEAT_CONTAINER_OF(node, http_request, node);
        if (found->stream_id == stream_id) {
            return found;
        }
    }
    return NULL;
}

static void free_request(http_request *request) {
    if (request->file != NULL) {
        fclose(request->file);
    }
    leat_buffer_clear(&request->echo);
    leat_list_remove(&request->node);
    leat_free(NULL, request);
}

void http_free_requests(serve_client *client) {
    LEAT_LIST_FOR_EACH(node, following, &client->requests) {
        free_request(LEAT_CONTAINER_OF(node, http_request, node));
    }
}

/* ---- bodies ---- */

/* Sends echoed bytes; true when the response is complete. */
static bool pump_echo(http_request *request) {
    ptrdiff_t taken = leat_h3_send_data(request->h3, request->stream_id, request->echo.data,
        request->echo.length, request->request_ended);
    if (taken < 0) {
        return true;
    }
    bool was_all = (size_t)taken == request->echo.length;
    leat_buffer_consume(&request->echo, (size_t)taken);
    if (was_all && request->is_held) {
        request->is_held = false;
        leat_h3_release_stream(request->h3, request->stream_id);
    }
    return was_all && request->request_ended;
}

static size_t fill_chunk(http_request *request, uint8_t chunk[PUMP_CHUNK]) {
    size_t length = request->left < PUMP_CHUNK ? (size_t)request->left : PUMP_CHUNK;
    if (request->file == NULL) {
        memset(chunk, 0, length);
        return length;
    }
    return fread(chunk, 1, length, request->file);
}

/* Sends a file or made bytes; true when the response is complete or broken. */
static bool pump_source(http_request *request) {
    uint8_t chunk[PUMP_CHUNK];
    for (;;) {
        size_t length = fill_chunk(request, chunk);
        if (length == 0 && request->left > 0) {
            /* The file became shorter than its content-length: RFC 9114 §4.1.2 leaves only a
             * reset. */
            leat_h3_cancel(request->h3, request->stream_id, LEAT_H3_INTERNAL_ERROR);
            return true;
        }
        ptrdiff_t taken = leat_h3_send_data(
            request->h3, request->stream_id, chunk, length, length == request->left);
        if (taken < 0) {
            return true;
        }
        request->left -= (uint64_t)taken;
        if (request->left == 0) {
            return true;
        }
        if ((size_t)taken < length) {
            if (request->file != NULL) {
                fseek(request->file, (long)taken - (long)length, SEEK_CUR);
            }
            return false;
        }
    }
}

static void pump(http_request *request) {
    if (request->is_echo ? pump_echo(request) : pump_source(request)) {
        free_request(request);
    }
}

/* ---- responses ---- */

void http_respond(leat_h3 *h3, uint64_t stream_id, const http_response *response) {
    char status[8], length[24];
    leat_h3_header headers[8];
    size_t count = 0;
    snprintf(status, sizeof status, "%u", response->status % 1000);
    snprintf(length, sizeof length, "%" PRIu64, response->length);
    headers[count++] = leat_h3_header_of(":status", status);
    headers[count++] = leat_h3_header_of("server", "leat");
    if (response->has_length) {
        headers[count++] = leat_h3_header_of("content-length", length);
    }
    if (response->type != NULL) {
        headers[count++] = leat_h3_header_of("content-type", response->type);
    }
    if (response->accepts_ranges) {
        headers[count++] = leat_h3_header_of("accept-ranges", "bytes");
    }
    if (response->range[0] != '\0') {
        headers[count++] = leat_h3_header_of("content-range", response->range);
    }
    if (response->details != NULL) {
        headers[count++] = leat_h3_header_of("details", response->details);
    }
    bool has_body =
        response->has_length ? response->length > 0 && !response->is_head : response->streams_body;
    leat_h3_send_headers(h3, stream_id, headers, count, !has_body);
}

static void refuse(leat_h3 *h3, uint64_t stream_id, unsigned status, const char *details) {
    http_response response = {.status = status, .has_length = true, .details = details};
    http_respond(h3, stream_id, &response);
}

static http_request *new_request(serve_client *client, leat_h3 *h3, uint64_t stream_id) {
    http_request *made = leat_alloc(NULL, sizeof *made);
    if (made == NULL) {
        leat_h3_cancel(h3, stream_id, LEAT_H3_REQUEST_REJECTED);
        return NULL;
    }
    made->h3 = h3;
    made->stream_id = stream_id;
    leat_buffer_init(&made->echo, NULL, ECHO_MAX);
    leat_list_push_back(&client->requests, &made->node);
    return made;
}

static void start_echo(serve_client *client, leat_h3 *h3, const leat_h3_event *event) {
    http_request *made = new_request(client, h3, event->stream_id);
    if (made != NULL) {
        http_response response = {
            .status = 200, .streams_body = true, .type = "application/octet-stream"};
        made->is_echo = true;
        made->request_ended = event->headers_received.stream_ended;
        http_respond(h3, event->stream_id, &response);
        pump(made);
    }
}

static void start_source(serve_client *client, leat_h3 *h3, uint64_t stream_id,
    const http_response *response, FILE *file) {
    http_respond(h3, stream_id, response);
    if (response->is_head || response->length == 0) {
        if (file != NULL) {
            fclose(file);
        }
        return;
    }
    http_request *made = new_request(client, h3, stream_id);
    if (made == NULL) {
        if (file != NULL) {
            fclose(file);
        }
        return;
    }
    made->file = file;
    made->left = response->length;
    pump(made);
}

static void start_bytes(
    serve_client *client, leat_h3 *h3, uint64_t stream_id, leat_span count, bool is_head) {
    http_response response = {
        .status = 200, .has_length = true, .is_head = is_head, .type = "application/octet-stream"};
    if (!parse_decimal(count, &response.length)) {
        refuse(h3, stream_id, 404, "/bytes/ wants a number of bytes");
        return;
    }
    start_source(client, h3, stream_id, &response, NULL);
}

static void start_file(serve_app *serve, serve_client *client, leat_h3 *h3,
    const leat_h3_event *event, leat_span path, bool is_head) {
    http_response response = {.is_head = is_head};
    leat_span range = leat_h3_find_header(
        event->headers_received.headers, event->headers_received.count, "range");
    FILE *file = files_open(serve->settings.root, path, range, &response);
    start_source(client, h3, event->stream_id, &response, file);
}

static void on_request(
    serve_app *serve, serve_client *client, leat_h3 *h3, const leat_h3_event *event) {
    const leat_h3_header *headers = event->headers_received.headers;
    size_t count = event->headers_received.count;
    leat_span method = leat_h3_find_header(headers, count, ":method");
    leat_span path = leat_h3_find_header(headers, count, ":path");
    leat_span protocol = leat_h3_find_header(headers, count, ":protocol");
    bool is_head = leat_span_is(method, "HEAD");
    bool is_safe = is_head || leat_span_is(method, "GET");
    bool is_session = leat_span_is(method, "CONNECT") && leat_span_is(protocol, "webtransport");
    bool is_early = leat_conn_stream_is_early(leat_h3_conn(h3), event->stream_id);
    if (is_early && !is_safe && !is_session) {
        /* RFC 8470 §5.2: it may be a replay; the client sends it again after the handshake. */
        refuse(h3, event->stream_id, 425, "only GET and HEAD in 0-RTT");
    } else if (leat_span_is(method, "CONNECT")) {
        /* WebTransport's sessions are answered elsewhere. */
        if (!is_session) {
            refuse(h3, event->stream_id, protocol.data == NULL ? 405 : 404,
                "only WebTransport connects here");
        }
    } else if (leat_span_is(path, "/echo")) {
        if (leat_span_is(method, "POST")) {
            start_echo(client, h3, event);
        } else {
            refuse(h3, event->stream_id, 405, "/echo wants POST");
        }
    } else if (!is_safe) {
        refuse(h3, event->stream_id, 405, "only GET, HEAD, and POST on /echo");
    } else if (path.length > 7 && memcmp(path.data, "/bytes/", 7) == 0) {
        start_bytes(
            client, h3, event->stream_id, (leat_span){path.data + 7, path.length - 7}, is_head);
    } else {
        start_file(serve, client, h3, event, path, is_head);
    }
}

/* ---- events ---- */

static void on_data(serve_client *client, const leat_h3_event *event) {
    http_request *request = find_request(client, event->stream_id);
    if (request == NULL || !request->is_echo) {
        return;
    }
    leat_span data = event->data_received.data;
    size_t room = ECHO_MAX - request->echo.length;
    size_t taken = data.length < room ? data.length : room;
    if (leat_buffer_append(&request->echo, data.data, taken) != 0) {
        taken = 0;
    }
    if (taken < data.length) {
        request->is_held =
            leat_h3_hold_stream(request->h3, request->stream_id, data.length - taken) == 0;
    } else {
        request->request_ended = event->data_received.stream_ended;
    }
    pump(request);
}

void http_on_event(serve_app *serve, leat_conn *conn, leat_h3 *h3, const leat_h3_event *event) {
    serve_client *client = leat_conn_user(conn);
    http_request *request = find_request(client, event->stream_id);
    switch (event->type) {
    case LEAT_H3_EVENT_HEADERS_RECEIVED:
        if (!event->headers_received.is_trailers) {
            on_request(serve, client, h3, event);
        } else if (request != NULL && request->is_echo && event->headers_received.stream_ended) {
            request->request_ended = true;
            pump(request);
        }
        break;
    case LEAT_H3_EVENT_DATA_RECEIVED: on_data(client, event); break;
    case LEAT_H3_EVENT_STREAM_WRITABLE:
        if (request != NULL) {
            pump(request);
        }
        break;
    case LEAT_H3_EVENT_STREAM_RESET:
    case LEAT_H3_EVENT_STOP_SENDING_RECEIVED:
    case LEAT_H3_EVENT_REQUEST_REFUSED_MALFORMED:
        if (request != NULL) {
            leat_h3_cancel(h3, event->stream_id, LEAT_H3_REQUEST_CANCELLED);
            free_request(request);
        }
        break;
    default: break;
    }
}
