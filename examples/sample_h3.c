/* Sessions by hand on HTTP/3 events: see sample_h3.h. */
#include "sample_h3.h"

#include <stdlib.h>
#include <string.h>

#include "example_server.h"

static bool is(leat_span value, const char *text) {
    return value.length == strlen(text) && memcmp(value.data, text, value.length) == 0;
}

static void send_response(
    sample_client *client, uint64_t stream_id, const char *status, bool end_stream) {
    const leat_h3_header headers[] = {
        leat_h3_header_of(":status", status),
        LEAT_H3_HEADER("sec-webtransport-http3-draft", "draft02"),
    };
    leat_h3_send_headers(
        client->h3, stream_id, headers, strcmp(status, "200") == 0 ? 2 : 1, end_stream);
}

static void on_headers(
    sample_client *client, const sample_handler *handler, const leat_h3_event *event) {
    const leat_h3_header *headers = event->headers_received.headers;
    size_t count = event->headers_received.count;
    bool is_session = is(leat_h3_find_header(headers, count, ":method"), "CONNECT") &&
                      is(leat_h3_find_header(headers, count, ":protocol"), "webtransport");
    if (!is_session || client->has_session) {
        send_response(client, event->stream_id, "400", true);
    } else if (!is(leat_h3_find_header(headers, count, ":path"), handler->path)) {
        send_response(client, event->stream_id, "404", true);
    } else {
        client->has_session = true;
        client->session_id = event->stream_id;
        send_response(client, event->stream_id, "200", false);
    }
}

static void on_h3_event(
    sample_client *client, const sample_handler *handler, const leat_h3_event *event) {
    if (event->type == LEAT_H3_EVENT_HEADERS_RECEIVED) {
        on_headers(client, handler, event);
    } else if (event->type == LEAT_H3_EVENT_DATA_RECEIVED && event->data_received.stream_ended) {
        /* The session's own stream ended: the client is gone. Its last bytes were the close
         * capsule, if it sent one. */
        leat_h3_send_data(client->h3, event->stream_id, NULL, 0, true);
    } else if (client->has_session) {
        handler->on_h3_event(client, event);
    }
}

static void begin_h3(sample_client *client) {
    static const leat_h3_setting settings[] = {{UINT64_C(0x2b603742), 1}};
    leat_h3_config config;
    int error;
    leat_h3_config_init(&config);
    config.enable_webtransport = true;
    config.settings = settings;
    config.setting_count = 1;
    client->h3 = leat_h3_new(client->conn, &config, &error);
}

static void on_connected(void *user, leat_conn *conn) {
    (void)user;
    sample_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        leat_conn_close(conn, LEAT_H3_INTERNAL_ERROR, "out of memory");
        return;
    }
    client->conn = conn;
    leat_conn_set_user(conn, client);
}

static void on_event(void *user, leat_conn *conn, const leat_event *event) {
    sample_client *client = leat_conn_user(conn);
    const sample_handler *handler = user;
    leat_h3_event h3_event;
    if (client == NULL) {
        return;
    }
    if (event->type == LEAT_EVENT_PROTOCOL_NEGOTIATED) {
        begin_h3(client);
    } else if (event->type == LEAT_EVENT_STREAM_RESET && client->has_session) {
        handler->on_stream_closed(client, event->stream_reset.stream_id);
    }
    if (client->h3 != NULL) {
        leat_h3_handle_event(client->h3, event);
        while (leat_h3_next_event(client->h3, &h3_event)) {
            on_h3_event(client, handler, &h3_event);
        }
    }
}

static void on_closed(void *user, leat_conn *conn) {
    const sample_handler *handler = user;
    sample_client *client = leat_conn_user(conn);
    if (client != NULL) {
        handler->on_closed(client);
        leat_h3_free(client->h3);
        free(client);
    }
}

void sample_answer(sample_client *client, uint64_t stream_id, const char *text) {
    uint64_t response_id = stream_id;
    if (leat_stream_is_unidirectional(stream_id) &&
        leat_h3_create_webtransport_stream(client->h3, client->session_id, true, &response_id) !=
            0) {
        return;
    }
    leat_conn_send_stream_data(
        client->conn, response_id, (const uint8_t *)text, strlen(text), true);
}

int sample_run(int count, char **arguments, const sample_handler *handler) {
    const leat_io_handler io = {
        .on_connected = on_connected, .on_event = on_event, .on_closed = on_closed};
    return example_server_run(count, arguments, LEAT_LAYER_QUIC, &io, (void *)(uintptr_t)handler);
}
