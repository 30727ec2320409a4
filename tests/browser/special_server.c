/*
 * What `leat serve` does not do, for the browser tests: streams that the server opens, and a
 * session that the server closes.
 *
 *   /server-stream  opens a bidirectional stream, says "from the server"; the answer comes back as
 *                   "heard: ..."
 *   /server-echo    opens one, sends 1 MiB and expects it back; prints "echoed N bytes, all right"
 *   /close          closes with code 7 and reason "bye"
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../examples/example_server.h"

#define BIG (1024 * 1024)

typedef struct special_exchange {
    bool is_big, is_right;
    size_t sent, received;
    char heard[256];
} special_exchange;

static uint8_t pattern(size_t index) {
    return (uint8_t)(index * 31 + (index >> 8));
}

static bool is(leat_span value, const char *text) {
    return value.length == strlen(text) && memcmp(value.data, text, value.length) == 0;
}

static void send_more(leat_wt *wt, uint64_t stream_id, special_exchange *exchange) {
    uint8_t chunk[8192];
    while (exchange->is_big && exchange->sent < BIG) {
        size_t length = BIG - exchange->sent < sizeof chunk ? BIG - exchange->sent : sizeof chunk;
        for (size_t i = 0; i < length; i++) {
            chunk[i] = pattern(exchange->sent + i);
        }
        ptrdiff_t taken =
            leat_wt_send_stream_data(wt, stream_id, chunk, length, exchange->sent + length == BIG);
        if (taken <= 0) {
            return;
        }
        exchange->sent += (size_t)taken;
    }
}

static void begin(leat_wt *wt, const leat_wt_event *event, bool is_big) {
    uint64_t stream_id;
    special_exchange *made = calloc(1, sizeof *made);
    if (leat_wt_open_stream(wt, event->session_id, false, &stream_id) != 0 || made == NULL) {
        free(made);
        return;
    }
    made->is_big = is_big;
    made->is_right = true;
    leat_wt_set_stream_user(wt, stream_id, made);
    if (is_big) {
        send_more(wt, stream_id, made);
    } else {
        leat_wt_send_stream_data(wt, stream_id, (const uint8_t *)"from the server", 15, false);
    }
}

static void on_data(leat_wt *wt, const leat_wt_event *event) {
    special_exchange *exchange = leat_wt_stream_user(wt, event->stream_id);
    leat_span data = event->stream_data_received.data;
    if (exchange == NULL) {
        return;
    }
    for (size_t i = 0; i < data.length; i++) {
        exchange->is_right = exchange->is_right &&
                             (!exchange->is_big || data.data[i] == pattern(exchange->received + i));
        if (!exchange->is_big && exchange->received + i < sizeof exchange->heard - 1) {
            exchange->heard[exchange->received + i] = (char)data.data[i];
        }
    }
    exchange->received += data.length;
    if (!event->stream_data_received.end_stream) {
        return;
    }
    if (exchange->is_big) {
        printf("echoed %zu bytes, %s\n", exchange->received,
            exchange->is_right ? "all right" : "some wrong");
        leat_wt_close(wt, event->session_id, 0, "", 0);
    } else {
        char answer[300];
        int length = snprintf(answer, sizeof answer, "heard: %s", exchange->heard);
        leat_wt_send_stream_data(
            wt, event->stream_id, (const uint8_t *)answer, (size_t)length, true);
    }
    leat_wt_set_stream_user(wt, event->stream_id, NULL);
    free(exchange);
}

static void on_wt_event(void *user, leat_conn *conn, leat_wt *wt, const leat_wt_event *event) {
    (void)user, (void)conn;
    if (event->type == LEAT_WT_EVENT_SESSION_REQUESTED) {
        leat_span path = event->session_requested.path;
        uint64_t session_id = event->session_id;
        if (is(path, "/close")) {
            leat_wt_accept(wt, session_id, NULL, 0);
            leat_wt_close(wt, session_id, 7, "bye", 3);
        } else if (is(path, "/server-stream") || is(path, "/server-echo")) {
            leat_wt_accept(wt, session_id, NULL, 0);
            begin(wt, event, is(path, "/server-echo"));
        } else {
            leat_wt_refuse(wt, session_id, 404, "not here");
        }
    } else if (event->type == LEAT_WT_EVENT_STREAM_WRITABLE &&
               leat_wt_stream_user(wt, event->stream_id) != NULL) {
        send_more(wt, event->stream_id, leat_wt_stream_user(wt, event->stream_id));
    } else if (event->type == LEAT_WT_EVENT_STREAM_DATA_RECEIVED) {
        on_data(wt, event);
    }
}

int main(int count, char **arguments) {
    const leat_io_handler handler = {.on_wt_event = on_wt_event};
    return example_server_run(count, arguments, LEAT_LAYER_WEBTRANSPORT, &handler, NULL);
}
