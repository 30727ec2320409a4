/*
 * An HTTP/3 peer's stream bytes, RFC 9114. Byte 0 is the mode: bit 0 a client of ours, bit 1 the
 * control stream, bit 2 many streams. Then come the bytes of request stream 0 or of the control
 * stream, whole; or records of stream number, what (data, data and end, reset, stop, datagram),
 * length and bytes. Everything is done twice, whole and byte by byte: both must come to the same
 * end.
 */
#include "fuzz.h"
#include "h3/connection.h"
#include "h3/fake_conn.h"

#define PENDING_MAX 4096

typedef struct fuzz_run {
    leat_conn conn;
    leat_h3 *h3;
    bool is_bytewise, has_refused, has_held;
    uint64_t digest;
    uint64_t pending_id;
    uint8_t pending[PENDING_MAX];
    size_t pending_length;
    bool pending_end;
} fuzz_run;

/* ---- what came out, independent of cuts ------------------------------------------------------ */

static void mix(fuzz_run *run, uint64_t value) {
    run->digest = (run->digest ^ value) * UINT64_C(0x100000001b3);
}

static void mix_bytes(fuzz_run *run, uint64_t id, leat_span bytes) {
    for (size_t i = 0; i < bytes.length; i++) {
        mix(run, id << 8 | bytes.data[i]);
    }
}

static void on_headers(fuzz_run *run, const leat_h3_event *event) {
    static const leat_h3_header status = LEAT_H3_HEADER(":status", "200");
    for (size_t i = 0; i < event->headers_received.count; i++) {
        mix_bytes(run, 1, event->headers_received.headers[i].name);
        mix_bytes(run, 2, event->headers_received.headers[i].value);
    }
    if (!run->conn.is_client) {
        leat_h3_read_capsules(run->h3, event->stream_id);
        leat_h3_send_headers(run->h3, event->stream_id, &status, 1, false);
        leat_h3_send_data(run->h3, event->stream_id, (const uint8_t *)"ok", 2, true);
    }
}

static void on_event(fuzz_run *run, const leat_h3_event *event) {
    leat_span bytes;
    uint64_t ended = 0;
    fuzz_require(event->type != LEAT_H3_EVENT_NONE && event->type < LEAT_H3_EVENT_TYPE_COUNT);
    if (event->type == LEAT_H3_EVENT_HEADERS_RECEIVED) {
        on_headers(run, event);
    }
    run->has_refused = run->has_refused || event->type == LEAT_H3_EVENT_REQUEST_REFUSED_MALFORMED;
    if (leat_h3_event_get_bytes(event, "data", &bytes) ||
        leat_h3_event_get_bytes(event, "value", &bytes)) {
        mix_bytes(run, event->stream_id, bytes);
    }
    if (leat_h3_event_get_integer(event, "stream_ended", &ended) && ended == 1) {
        mix(run, ~event->stream_id);
    }
}

/* ---- what goes in ---------------------------------------------------------------------------- */

static void handle(fuzz_run *run, const leat_event *event) {
    leat_h3_event popped;
    leat_h3_handle_event(run->h3, event);
    while (leat_h3_next_event(run->h3, &popped)) {
        on_event(run, &popped);
    }
}

static void keep(fuzz_run *run, uint64_t id, const uint8_t *bytes, size_t length, bool end_stream) {
    run->has_held = true;
    if (run->pending_id == FAKE_NONE || run->pending_id == id) {
        size_t room = PENDING_MAX - run->pending_length;
        run->pending_id = id;
        if (length > 0) {
            memcpy(run->pending + run->pending_length, bytes, length < room ? length : room);
        }
        run->pending_length += length < room ? length : room;
        run->pending_end = end_stream;
    }
}

/* StreamOpened comes before anything else of a stream. */
static void open_stream(fuzz_run *run, uint64_t id) {
    fake_stream *stream = fake_find(&run->conn, id);
    if (leat_stream_is_client_initiated(id) != run->conn.is_client && !stream->is_open) {
        stream->is_open = true;
        handle(run, &(leat_event){.type = LEAT_EVENT_STREAM_OPENED, .stream = {id}});
    }
}

/* From memory of its own, so that nothing may be touched afterwards. */
static void deliver(
    fuzz_run *run, uint64_t id, const uint8_t *bytes, size_t length, bool end_stream) {
    leat_event event = {.type = LEAT_EVENT_STREAM_DATA_RECEIVED};
    open_stream(run, id);
    if (fake_find(&run->conn, id)->is_held) {
        keep(run, id, bytes, length, end_stream);
        return;
    }
    if (fake_find(&run->conn, id)->stopped != FAKE_NONE) {
        return;
    }
    uint8_t *copy = malloc(length + 1);
    fuzz_require(copy != NULL);
    if (length > 0) {
        memcpy(copy, bytes, length);
    }
    event.stream_data_received.stream_id = id;
    event.stream_data_received.data = (leat_span){copy, length};
    event.stream_data_received.end_stream = end_stream;
    handle(run, &event);
    fake_stream *stream = fake_find(&run->conn, id);
    if (stream->is_held) {
        fuzz_require(stream->unread <= length);
        keep(run, id, copy + length - stream->unread, stream->unread, end_stream);
    }
    free(copy);
}

static void deliver_pending(fuzz_run *run) {
    if (run->pending_id != FAKE_NONE && !fake_find(&run->conn, run->pending_id)->is_held) {
        uint8_t bytes[PENDING_MAX];
        uint64_t id = run->pending_id;
        size_t length = run->pending_length;
        memcpy(bytes, run->pending, length);
        run->pending_id = FAKE_NONE;
        run->pending_length = 0;
        deliver(run, id, bytes, length, run->pending_end);
    }
}

static void feed(fuzz_run *run, uint64_t id, const uint8_t *bytes, size_t length, bool end_stream) {
    size_t step = run->is_bytewise ? 1 : length;
    for (size_t i = 0; i < length; i += step) {
        deliver(run, id, bytes + i, step, end_stream && i + step == length);
        deliver_pending(run);
    }
    if (length == 0 && end_stream) {
        deliver(run, id, bytes, 0, true);
    }
}

static void feed_error(fuzz_run *run, leat_event_type type, uint64_t id) {
    leat_event event = {.type = type};
    event.stream_reset.stream_id = id; /* the same layout for both */
    event.stream_reset.error_code = LEAT_H3_REQUEST_CANCELLED;
    open_stream(run, id);
    handle(run, &event);
}

static void feed_record(fuzz_run *run, leat_reader *input) {
    uint64_t id = leat_read_u8(input) & 0x3f;
    unsigned what = leat_read_u8(input) % 6;
    leat_span bytes = leat_read_vector8(input);
    bool is_own = leat_stream_is_client_initiated(id) == run->conn.is_client;
    if (input->failed || (is_own && leat_stream_is_unidirectional(id) && what != 4)) {
        return;
    }
    leat_event datagram = {.type = LEAT_EVENT_DATAGRAM_FRAME_RECEIVED};
    datagram.datagram_frame_received.data = bytes;
    switch (what) {
    case 3: feed_error(run, LEAT_EVENT_STREAM_RESET, id); break;
    case 4: feed_error(run, LEAT_EVENT_STOP_SENDING_RECEIVED, id); break;
    case 5: handle(run, &datagram); break;
    default: feed(run, id, bytes.data, bytes.length, what == 2); break;
    }
}

/* ---- a run ----------------------------------------------------------------------------------- */

static void begin(fuzz_run *run, unsigned mode, bool is_bytewise) {
    static const leat_h3_header get[] = {LEAT_H3_HEADER(":method", "GET"),
        LEAT_H3_HEADER(":scheme", "https"), LEAT_H3_HEADER(":authority", "a"),
        LEAT_H3_HEADER(":path", "/")};
    leat_h3_config config;
    uint64_t id;
    memset(run, 0, sizeof *run);
    fake_conn_init(&run->conn, mode & 1);
    leat_h3_config_init(&config);
    config.enable_webtransport = true;
    config.max_field_section_size = 2048;
    run->is_bytewise = is_bytewise;
    run->pending_id = FAKE_NONE;
    run->h3 = leat_h3_new(&run->conn, &config, NULL);
    fuzz_require(run->h3 != NULL);
    for (int i = 0; i < 3 && run->conn.is_client; i++) {
        fuzz_require(leat_h3_open_request(run->h3, &id) == 0);
        leat_h3_send_headers(run->h3, id, get, 4, true);
    }
}

static void end(fuzz_run *run) {
    leat_h3_free(run->h3);
    fake_conn_clear(&run->conn);
}

static void live(fuzz_run *run, unsigned mode, const uint8_t *data, size_t size) {
    leat_reader input = leat_reader_make(data, size);
    if ((mode & 4) != 0) {
        while (leat_reader_left(&input) > 0) {
            feed_record(run, &input);
        }
    } else if ((mode & 2) != 0) {
        uint64_t control = run->conn.is_client ? 3 : 2;
        static const uint8_t type = 0;
        feed(run, control, &type, 1, false);
        feed(run, control, data, size, false);
    } else {
        feed(run, 0, data, size, true);
    }
}

static void compare(const fuzz_run *whole, const fuzz_run *bytewise) {
    /* Half an encoder stream may unblock what the whole of it, being wrong or at its end, does not.
     */
    if (!whole->has_held && !bytewise->has_held) {
        fuzz_require(whole->conn.error_code == bytewise->conn.error_code);
        fuzz_require(whole->has_refused == bytewise->has_refused);
        /* What is malformed only at its end is told up to there, byte by byte. */
        fuzz_require(whole->has_refused || whole->digest == bytewise->digest);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static fuzz_run runs[2];
    if (size == 0) {
        return 0;
    }
    for (int i = 0; i < 2; i++) {
        begin(&runs[i], data[0], i == 1);
        live(&runs[i], data[0], data + 1, size - 1);
    }
    compare(&runs[0], &runs[1]);
    end(&runs[0]);
    end(&runs[1]);
    return 0;
}
