/*
 * WebTransport on the HTTP/3 layer on a connection that is not there. Byte 0 is the mode: bit 0 a
 * client of ours, bit 1 dialect -07, bit 2 the application answers late, bit 3 the rest is capsules
 * of session 0, bit 4 byte by byte. Otherwise the rest is records: what, stream number, length,
 * bytes. However it goes, each session that is known ends once, and last.
 */
#include "fuzz.h"
#include "webtransport/internal.h"
#include "webtransport/wt_fake.h"

#define SESSIONS_MAX 32
#define HELD_MAX 8
#define HELD_BYTES 512

typedef struct parked {
    uint64_t id;
    uint8_t bytes[HELD_BYTES];
    size_t length;
    bool used, end_stream;
} parked;

typedef struct scene {
    wt_fake fake;
    leat_h3 *h3;
    leat_wt *wt;
    unsigned mode;
    uint64_t known[SESSIONS_MAX], closed[SESSIONS_MAX];
    size_t known_count, closed_count;
    parked held[HELD_MAX];
} scene;

enum { MODE_CLIENT = 1, MODE_DRAFT07 = 2, MODE_LATE = 4, MODE_CAPSULES = 8, MODE_BYTEWISE = 16 };

/* ---- what came out ------------------------------------------------------------------- */

static bool is_among(const uint64_t *ids, size_t count, uint64_t id) {
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == id) {
            return true;
        }
    }
    return false;
}

static void know(scene *run, uint64_t session_id) {
    if (run->known_count < SESSIONS_MAX) {
        fuzz_require(!is_among(run->known, run->known_count, session_id));
        run->known[run->known_count++] = session_id;
    }
}

static void on_event(scene *run, const leat_wt_event *event) {
    char line[128];
    leat_wt_event_format(event, line, sizeof line);
    fuzz_require(!is_among(run->closed, run->closed_count, event->session_id));
    if (event->type == LEAT_WT_EVENT_SESSION_REQUESTED) {
        know(run, event->session_id);
        if ((run->mode & MODE_LATE) == 0) {
            leat_wt_accept(run->wt, event->session_id, NULL, 0);
        }
    } else if (event->type == LEAT_WT_EVENT_SESSION_CLOSED) {
        fuzz_require(event->session_closed.reason[event->session_closed.reason_length] == '\0');
        if (run->closed_count < SESSIONS_MAX) {
            run->closed[run->closed_count++] = event->session_id;
        }
    }
}

static void drain(scene *run) {
    leat_wt_event event;
    while (leat_wt_next_event(run->wt, &event)) {
        on_event(run, &event);
    }
}

/* ---- what goes in -------------------------------------------------------------------- */

static void handle(scene *run, const leat_event *event) {
    leat_h3_event h3_event;
    leat_wt_handle_conn_event(run->wt, event);
    drain(run);
    leat_h3_handle_event(run->h3, event);
    while (leat_h3_next_event(run->h3, &h3_event)) {
        leat_wt_handle_event(run->wt, &h3_event);
        drain(run);
    }
}

static void keep(scene *run, uint64_t id, leat_span bytes, bool end_stream) {
    parked *place = NULL;
    for (size_t i = 0; i < HELD_MAX && (place == NULL || place->id != id); i++) {
        place = !run->held[i].used || run->held[i].id == id ? &run->held[i] : place;
    }
    if (place == NULL) {
        return;
    }
    if (!place->used) {
        *place = (parked){.id = id, .used = true};
    }
    size_t room = HELD_BYTES - place->length;
    size_t taken = bytes.length < room ? bytes.length : room;
    if (taken > 0) {
        memcpy(place->bytes + place->length, bytes.data, taken);
    }
    place->length += taken;
    place->end_stream = end_stream;
}

static void deliver(scene *run, uint64_t id, leat_span bytes, bool end_stream) {
    fake_stream *stream = fake_find(&run->fake.conn, id);
    if (stream->is_held) {
        keep(run, id, bytes, end_stream);
        return;
    }
    if (stream->stopped != FAKE_NONE) {
        return;
    }
    uint8_t *copy = malloc(bytes.length + 1);
    fuzz_require(copy != NULL);
    if (bytes.length > 0) {
        memcpy(copy, bytes.data, bytes.length);
    }
    leat_event event = {.type = LEAT_EVENT_STREAM_DATA_RECEIVED};
    event.stream_data_received.stream_id = id;
    event.stream_data_received.data = (leat_span){copy, bytes.length};
    event.stream_data_received.end_stream = end_stream;
    handle(run, &event);
    stream = fake_find(&run->fake.conn, id);
    if (stream->is_held) {
        fuzz_require(stream->unread <= bytes.length);
        keep(
            run, id, (leat_span){copy + bytes.length - stream->unread, stream->unread}, end_stream);
    }
    free(copy);
}

static void deliver_released(scene *run) {
    for (size_t i = 0; i < HELD_MAX; i++) {
        parked held = run->held[i];
        if (held.used && !fake_find(&run->fake.conn, held.id)->is_held) {
            run->held[i].used = false;
            deliver(run, held.id, (leat_span){held.bytes, held.length}, held.end_stream);
        }
    }
}

static void feed(scene *run, uint64_t id, leat_span bytes, bool end_stream) {
    size_t step = (run->mode & MODE_BYTEWISE) != 0 ? 1 : bytes.length;
    for (size_t i = 0; i < bytes.length; i += step) {
        deliver(run, id, (leat_span){bytes.data + i, step}, end_stream && i + step == bytes.length);
        deliver_released(run);
    }
    if (bytes.length == 0 && end_stream) {
        deliver(run, id, bytes, true);
    }
}

/* A DATA frame of one session. */
static void feed_capsules(scene *run, uint64_t id, leat_span bytes, bool end_stream) {
    uint8_t head[9];
    leat_writer writer = leat_writer_make(head, sizeof head);
    leat_write_varint(&writer, 0);
    leat_write_varint(&writer, bytes.length);
    feed(run, id, (leat_span){head, leat_writer_length(&writer)}, false);
    feed(run, id, bytes, end_stream);
}

/* The peer's doings that are no stream bytes. */
static void feed_signal(scene *run, unsigned what, uint64_t id, leat_span bytes) {
    leat_event event = {.type = LEAT_EVENT_NONE};
    switch (what) {
    case 3:
        event.type = LEAT_EVENT_STREAM_RESET;
        event.stream_reset.stream_id = id;
        event.stream_reset.error_code = UINT64_C(0x52e4a40fa8db) + bytes.length;
        break;
    case 4:
        event.type = LEAT_EVENT_STOP_SENDING_RECEIVED;
        event.stop_sending_received.stream_id = id;
        leat_conn_reset_stream(&run->fake.conn, id, 0);
        break;
    case 5:
        event.type = LEAT_EVENT_DATAGRAM_FRAME_RECEIVED;
        event.datagram_frame_received.data = bytes;
        break;
    case 6:
        event.type = LEAT_EVENT_PING_ACKNOWLEDGED;
        event.ping_acknowledged.uid = run->fake.conn.last_ping;
        break;
    case 7:
        event.type = LEAT_EVENT_STREAM_WRITABLE;
        event.stream.stream_id = id;
        run->fake.conn.room = bytes.length * 8;
        break;
    default:
        event.type = LEAT_EVENT_DATAGRAM_FRAME_FATE;
        event.datagram_frame_fate.uid = WT_UID | id;
        break;
    }
    handle(run, &event);
}

/* The application's doings. */
static void act(scene *run, unsigned what, uint64_t id, leat_span bytes) {
    uint64_t opened;
    const char *text = (const char *)bytes.data;
    switch (what) {
    case 9:
        leat_wt_accept(run->wt, id, NULL, 0);
        break;
    case 10:
        leat_wt_refuse(run->wt, id, 400 + (unsigned)bytes.length % 100, NULL);
        break;
    case 11:
        leat_wt_close(run->wt, id, 7, text, bytes.length);
        break;
    case 12:
        leat_wt_open_stream(run->wt, id, bytes.length % 2 == 0, &opened);
        break;
    case 13:
        leat_wt_send_stream_data(run->wt, id, bytes.data, bytes.length, true);
        break;
    case 14:
        leat_wt_send_datagram(run->wt, id, bytes, 1);
        break;
    case 15:
        leat_wt_reset_stream(run->wt, id, 1);
        break;
    case 16:
        leat_wt_stop_stream(run->wt, id, 1);
        break;
    case 17:
        leat_wt_hold_stream(run->wt, id, 0);
        break;
    case 18:
        leat_wt_release_stream(run->wt, id);
        break;
    case 19:
        leat_wt_drain(run->wt, id);
        break;
    default:
        if (run->fake.conn.is_client &&
            leat_wt_connect(run->wt, "a", "/", NULL, NULL, 0, &opened) == 0) {
            know(run, opened);
        }
        break;
    }
    drain(run);
    deliver_released(run);
}

static void feed_record(scene *run, leat_reader *input) {
    unsigned what = leat_read_u8(input) % 21;
    uint64_t id = leat_read_u8(input) & 0x3f;
    leat_span bytes = leat_read_vector8(input);
    bool is_own = leat_stream_is_client_initiated(id) == run->fake.conn.is_client;
    bool is_for_stream = what < 5;
    if (input->failed ||
        (is_for_stream && is_own && leat_stream_is_unidirectional(id) && what != 4)) {
        return;
    }
    if (what < 2) {
        feed(run, id, bytes, what == 1);
    } else if (what == 2) {
        feed_capsules(run, id, bytes, false);
    } else if (what < 9) {
        feed_signal(run, what, id, bytes);
    } else {
        act(run, what, id, bytes);
    }
}

/* ---- a run --------------------------------------------------------------------------- */

static const uint8_t settings02[] = {0x00, 0x04, 0x09, 0x33, 1, 0x08, 1, 0xab, 0x60, 0x37, 0x42, 1};
static const uint8_t settings07[] = {
    0x00, 0x04, 0x0d, 0x33, 1, 0x08, 1, 0xc0, 0, 0, 0, 0xc6, 0x71, 0x70, 0x6a, 9};
/* :method CONNECT, :protocol webtransport, :scheme https, :authority a, :path / with the static
 * table of RFC 9204. */
static const uint8_t request[] = {0x01, 0x20, 0, 0, 0xcf, 0x27, 0x02, ':', 'p', 'r', 'o', 't', 'o',
    'c', 'o', 'l', 0x0c, 'w', 'e', 'b', 't', 'r', 'a', 'n', 's', 'p', 'o', 'r', 't', 0xd7, 0x50,
    0x01, 'a', 0xc1};
static const uint8_t response[] = {0x01, 0x03, 0, 0, 0xd9};

#define SPAN(bytes) ((leat_span){bytes, sizeof bytes})

static void begin(scene *run) {
    leat_h3_config h3_config;
    uint64_t id;
    bool is_client = (run->mode & MODE_CLIENT) != 0;
    fake_conn_init(&run->fake.conn, is_client);
    leat_h3_config_init(&h3_config);
    leat_wt_h3_config(&h3_config);
    int error;
    run->h3 = leat_h3_new(&run->fake.conn, &h3_config, &error);
    run->wt = leat_wt_new(run->h3, NULL, &error);
    fuzz_require(run->wt != NULL);
    feed(run, is_client ? 3 : 2,
        (run->mode & MODE_DRAFT07) != 0 ? SPAN(settings07) : SPAN(settings02), false);
    if (is_client) {
        fuzz_require(leat_wt_connect(run->wt, "a", "/", NULL, NULL, 0, &id) == 0);
        know(run, id);
    }
    if (!is_client || (run->mode & MODE_LATE) == 0) {
        feed(run, 0, is_client ? SPAN(response) : SPAN(request), false);
    }
    fuzz_require(run->fake.conn.error_code == 0 && run->known_count == 1);
}

static void end(scene *run) {
    leat_event terminated = {.type = LEAT_EVENT_CONNECTION_TERMINATED};
    terminated.connection_terminated.source = LEAT_SOURCE_IDLE_TIMEOUT;
    run->fake.is_terminating = true;
    handle(run, &terminated);
    fuzz_require(run->closed_count >= run->known_count);
    fuzz_require(run->fake.liveness == 0 && leat_wt_session_count(run->wt) == 0);
    leat_wt_free(run->wt);
    leat_h3_free(run->h3);
    fake_conn_clear(&run->fake.conn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static scene run;
    if (size == 0) {
        return 0;
    }
    memset(&run, 0, sizeof run);
    run.mode = data[0];
    begin(&run);
    leat_reader input = leat_reader_make(data + 1, size - 1);
    if ((run.mode & MODE_CAPSULES) != 0) {
        feed_capsules(&run, 0, leat_read_rest(&input), true);
    }
    while (leat_reader_left(&input) > 0) {
        feed_record(&run, &input);
    }
    end(&run);
    return 0;
}
