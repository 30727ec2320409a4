/* The rig: see rig.h. */
#include "h3/rig.h"

#include "h3/connection.h"
#include <stdarg.h>

/* ---- the transcript ----------------------------------------------------------------- */

static void print(h3_rig *rig, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length =
        vsnprintf(rig->log + rig->log_length, RIG_LOG_MAX - rig->log_length, format, arguments);
    va_end(arguments);
    rig->log_length += (size_t)length < RIG_LOG_MAX - rig->log_length ? (size_t)length : 0;
}

static void print_headers(h3_rig *rig, const leat_h3_event *event) {
    print(rig, "HEADERS %llu", (unsigned long long)event->stream_id);
    for (size_t i = 0; i < event->headers_received.count; i++) {
        const leat_h3_header *header = &event->headers_received.headers[i];
        print(rig, " %.*s=%.*s", (int)header->name.length, (const char *)header->name.data,
            (int)header->value.length, (const char *)header->value.data);
    }
    print(rig, "%s%s%s\n", event->headers_received.is_informational ? " interim" : "",
        event->headers_received.is_trailers ? " trailers" : "",
        event->headers_received.stream_ended ? " end" : "");
}

/* Pieces of one stream's data become one line. */
static void print_data(
    h3_rig *rig, const char *what, uint64_t id, leat_span data, bool end_stream) {
    if (rig->open_data == id) {
        rig->log_length--;
    } else {
        print(rig, "%s %llu ", what, (unsigned long long)id);
    }
    print(rig, "%s%s\n", test_to_hex(data.data, data.length), end_stream ? " end" : "");
    rig->open_data = end_stream ? FAKE_NONE : id;
}

static void print_event(h3_rig *rig, const leat_h3_event *event) {
    unsigned long long id = event->stream_id;
    if (event->type == LEAT_H3_EVENT_DATA_RECEIVED) {
        print_data(rig, "DATA", id, event->data_received.data, event->data_received.stream_ended);
        return;
    }
    if (event->type == LEAT_H3_EVENT_WEBTRANSPORT_STREAM_DATA_RECEIVED) {
        char what[64];
        snprintf(what, sizeof what, "%sWT session %llu",
            event->webtransport_stream_data_received.is_first ? "new " : "",
            (unsigned long long)event->webtransport_stream_data_received.session_id);
        print_data(rig, what, id, event->webtransport_stream_data_received.data,
                   event->webtransport_stream_data_received.stream_ended);
        return;
    }
    rig->open_data = FAKE_NONE;
    switch (event->type) {
    case LEAT_H3_EVENT_HEADERS_RECEIVED:
        print_headers(rig, event);
        break;
    case LEAT_H3_EVENT_SETTINGS_RECEIVED:
        print(rig, "SETTINGS");
        for (size_t i = 0; i < event->settings_received.count; i++) {
            print(rig, " %llx=%llu", (unsigned long long)event->settings_received.settings[i].id,
                  (unsigned long long)event->settings_received.settings[i].value);
        }
        print(rig, "\n");
        break;
    case LEAT_H3_EVENT_GOAWAY_RECEIVED:
        print(rig, "GOAWAY %llu\n", (unsigned long long)event->goaway_received.id);
        break;
    case LEAT_H3_EVENT_STREAM_RESET:
        print(rig, "RESET %llu %s session %lld\n", id,
            leat_h3_error_name(event->stream_reset.error_code),
            (long long)event->stream_reset.session_id);
        break;
    case LEAT_H3_EVENT_STOP_SENDING_RECEIVED:
        print(rig, "STOP %llu %s session %lld\n", id,
            leat_h3_error_name(event->stop_sending_received.error_code),
            (long long)event->stop_sending_received.session_id);
        break;
    case LEAT_H3_EVENT_CAPSULE_RECEIVED:
        print(rig, "CAPSULE %llu %llx %llu %s\n", id,
            (unsigned long long)event->capsule_received.capsule_type,
            (unsigned long long)event->capsule_received.length,
            event->capsule_received.value.length > 64
                ? "(long)"
                : test_to_hex(
                      event->capsule_received.value.data, event->capsule_received.value.length));
        break;
    case LEAT_H3_EVENT_DATAGRAM_RECEIVED:
        print(rig, "DATAGRAM %llu %s\n", id,
            test_to_hex(event->datagram_received.data.data, event->datagram_received.data.length));
        break;
    case LEAT_H3_EVENT_PRIORITY_UPDATED:
        print(rig, "PRIORITY %llu %.*s\n", (unsigned long long)event->priority_updated.element_id,
            (int)event->priority_updated.value.length,
            (const char *)event->priority_updated.value.data);
        break;
    case LEAT_H3_EVENT_REQUEST_REFUSED_MALFORMED:
        print(rig, "REFUSED %llu %s\n", id, leat_h3_error_name(event->malformed.error_code));
        break;
    default:
        print(rig, "%s %llu\n", leat_h3_event_name(event->type), id);
    }
}

static void drain(h3_rig *rig) {
    leat_h3_event event;
    while (leat_h3_next_event(rig->h3, &event)) {
        print_event(rig, &event);
        if (rig->on_event != NULL) {
            rig->on_event(rig, &event);
        }
    }
}

void rig_expect(h3_rig *rig, const char *transcript) {
    ck_assert_str_eq(rig->log, transcript);
    rig->log[0] = '\0';
    rig->log_length = 0;
    rig->open_data = FAKE_NONE;
}

/* ---- delivery ----------------------------------------------------------------------- */

void rig_event(h3_rig *rig, const leat_event *event) {
    leat_h3_handle_event(rig->h3, event);
    drain(rig);
}

static rig_pending *find_pending(h3_rig *rig, uint64_t stream_id) {
    for (size_t i = 0; i < RIG_PENDING_MAX; i++) {
        if (rig->pending[i].used && rig->pending[i].id == stream_id) {
            return &rig->pending[i];
        }
    }
    return NULL;
}

static void keep(
    h3_rig *rig, uint64_t stream_id, const uint8_t *bytes, size_t length, bool end_stream) {
    rig_pending *pending = find_pending(rig, stream_id);
    for (size_t i = 0; pending == NULL && i < RIG_PENDING_MAX; i++) {
        if (!rig->pending[i].used) {
            pending = &rig->pending[i];
            *pending = (rig_pending){.id = stream_id, .used = true};
        }
    }
    ck_assert_ptr_nonnull(pending);
    ck_assert_uint_le(pending->length + length, sizeof pending->bytes);
    memcpy(pending->bytes + pending->length, bytes, length);
    pending->length += length;
    pending->end_stream = end_stream;
}

/* StreamOpened comes before anything else of a stream. */
static void open_stream(h3_rig *rig, uint64_t stream_id) {
    fake_stream *stream = fake_find(&rig->conn, stream_id);
    if (leat_stream_is_client_initiated(stream_id) != rig->conn.is_client && !stream->is_open) {
        stream->is_open = true;
        rig_event(rig, &(leat_event){.type = LEAT_EVENT_STREAM_OPENED, .stream = {stream_id}});
    }
}

/* One StreamDataReceived, from memory that is gone afterwards. */
static void deliver(
    h3_rig *rig, uint64_t stream_id, const uint8_t *bytes, size_t length, bool end_stream) {
    open_stream(rig, stream_id);
    fake_stream *stream = fake_find(&rig->conn, stream_id);
    if (stream->is_held) {
        keep(rig, stream_id, bytes, length, end_stream);
        return;
    }
    if (stream->stopped != FAKE_NONE) {
        return; /* QUIC drops what comes after STOP_SENDING */
    }
    uint8_t *copy = malloc(length + 1);
    memcpy(copy, bytes, length);
    leat_event event = {.type = LEAT_EVENT_STREAM_DATA_RECEIVED};
    event.stream_data_received.stream_id = stream_id;
    event.stream_data_received.data = (leat_span){copy, length};
    event.stream_data_received.end_stream = end_stream;
    rig_event(rig, &event);
    stream = fake_find(&rig->conn, stream_id);
    if (stream->is_held) {
        ck_assert_uint_le(stream->unread, length);
        keep(rig, stream_id, copy + length - stream->unread, stream->unread, end_stream);
    }
    free(copy);
}

static void deliver_released(h3_rig *rig) {
    for (size_t i = 0; i < RIG_PENDING_MAX; i++) {
        if (rig->pending[i].used && !fake_find(&rig->conn, rig->pending[i].id)->is_held) {
            rig_pending pending = rig->pending[i];
            rig->pending[i].used = false;
            deliver(rig, pending.id, pending.bytes, pending.length, pending.end_stream);
        }
    }
}

void rig_feed_bytes(
    h3_rig *rig, uint64_t stream_id, const uint8_t *bytes, size_t length, bool end_stream) {
    size_t step = rig->is_bytewise ? 1 : length;
    for (size_t i = 0; i < length; i += step) {
        deliver(rig, stream_id, bytes + i, step, end_stream && !rig->is_bytewise);
        deliver_released(rig);
    }
    if (end_stream && (rig->is_bytewise || length == 0)) {
        deliver(rig, stream_id, (const uint8_t *)"", 0, true);
    }
    deliver_released(rig);
}

void rig_feed(h3_rig *rig, uint64_t stream_id, const char *hex, bool end_stream) {
    leat_span bytes = hex != NULL ? test_hex(hex) : (leat_span){(const uint8_t *)"", 0};
    uint8_t *copy = malloc(bytes.length + 1);
    memcpy(copy, bytes.data, bytes.length);
    rig_feed_bytes(rig, stream_id, copy, bytes.length, end_stream);
    free(copy);
}

size_t rig_parse_lines(const char *lines, leat_h3_header *headers, size_t room) {
    size_t count = 0;
    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n");
        size_t name_length = strcspn(lines, "=");
        ck_assert_uint_lt(count, room);
        ck_assert_uint_lt(name_length, length);
        headers[count++] = (leat_h3_header){{(const uint8_t *)lines, name_length},
            {(const uint8_t *)lines + name_length + 1, length - name_length - 1}, false};
        lines += length + (lines[length] == '\n');
    }
    return count;
}

size_t rig_encode(h3_rig *rig, uint64_t stream_id, const char *lines, uint8_t *out, size_t room) {
    leat_h3_header headers[64];
    leat_buffer section;
    size_t count = rig_parse_lines(lines, headers, 64);
    leat_buffer_init(&section, NULL, room);
    ck_assert_int_eq(leat_qpack_encode(rig->encoder, stream_id, headers, count, &section), 0);
    leat_writer writer = leat_writer_make(out, room);
    leat_write_varint(&writer, 1);
    leat_write_varint(&writer, section.length);
    leat_write_bytes(&writer, section.data, section.length);
    ck_assert(!writer.failed);
    leat_buffer_clear(&section);
    return leat_writer_length(&writer);
}

void rig_headers(h3_rig *rig, uint64_t stream_id, const char *lines, bool end_stream) {
    uint8_t frame[8192];
    size_t length = rig_encode(rig, stream_id, lines, frame, sizeof frame);
    rig_feed_bytes(rig, stream_id, frame, length, end_stream);
}

uint64_t rig_peer_uni(const h3_rig *rig, unsigned number) {
    return number * 4u + 2u + rig->conn.is_client;
}

void rig_settings(h3_rig *rig) {
    rig_feed(rig, rig_peer_uni(rig, 0), "00 04 00", false);
    rig_expect(rig, "SETTINGS\n");
}

void rig_reset(h3_rig *rig, uint64_t stream_id, uint64_t error_code) {
    leat_event event = {.type = LEAT_EVENT_STREAM_RESET};
    event.stream_reset.stream_id = stream_id;
    event.stream_reset.error_code = error_code;
    open_stream(rig, stream_id);
    rig_event(rig, &event);
}

void rig_stop(h3_rig *rig, uint64_t stream_id, uint64_t error_code) {
    leat_event event = {.type = LEAT_EVENT_STOP_SENDING_RECEIVED};
    event.stop_sending_received.stream_id = stream_id;
    event.stop_sending_received.error_code = error_code;
    rig_event(rig, &event);
}

void rig_datagram(h3_rig *rig, const char *hex) {
    leat_event event = {.type = LEAT_EVENT_DATAGRAM_FRAME_RECEIVED};
    event.datagram_frame_received.data = test_hex(hex);
    rig_event(rig, &event);
}

/* ---- expectations ------------------------------------------------------------------- */

void rig_expect_error(h3_rig *rig, uint64_t error_code) {
    ck_assert_msg(rig->conn.error_code == error_code, "%s instead of %s (%s)",
        leat_h3_error_name(rig->conn.error_code), leat_h3_error_name(error_code), rig->conn.reason);
}

void rig_expect_sent(h3_rig *rig, uint64_t stream_id, const char *hex, bool ended) {
    fake_stream *stream = fake_find(&rig->conn, stream_id);
    ck_assert_bytes(stream->sent, stream->sent_length, hex);
    ck_assert_int_eq(stream->end_sent, ended);
}

void rig_expect_aborted(h3_rig *rig, uint64_t stream_id, uint64_t error_code) {
    fake_stream *stream = fake_find(&rig->conn, stream_id);
    ck_assert_str_eq(leat_h3_error_name(stream->reset), leat_h3_error_name(error_code));
    ck_assert_str_eq(leat_h3_error_name(stream->stopped), leat_h3_error_name(error_code));
}

void rig_expect_idle(h3_rig *rig) {
    size_t cursor = 0;
    for (leat_h3_stream *stream; (stream = leat_map_next(&rig->h3->streams, &cursor)) != NULL;) {
        ck_assert_msg(stream->role->is_critical, "stream %llu is still there",
            (unsigned long long)stream->id);
    }
    ck_assert_uint_eq(leat_h3_open_requests(rig->h3), 0);
}

/* ---- life --------------------------------------------------------------------------- */

void rig_init(h3_rig *rig, rig_role role) {
    memset(rig, 0, sizeof *rig);
    fake_conn_init(&rig->conn, role == CLIENT);
    test_memory_init(&rig->memory);
    leat_h3_config_init(&rig->config);
    rig->config.allocator = &rig->memory.allocator;
    rig->open_data = FAKE_NONE;
}

void rig_start(h3_rig *rig) {
    int error;
    rig->h3 = leat_h3_new(&rig->conn, &rig->config, &error);
    ck_assert_ptr_nonnull(rig->h3);
    ck_assert_int_eq(error, 0);
    rig->encoder = leat_qpack_encoder_new(NULL, 4096);
}

void rig_clear(h3_rig *rig) {
    leat_h3_free(rig->h3);
    leat_qpack_encoder_free(rig->encoder);
    fake_conn_clear(&rig->conn);
    ck_assert_uint_eq(rig->memory.live, 0);
}

int rig_send(h3_rig *rig, uint64_t stream_id, const char *lines, bool end_stream) {
    leat_h3_header headers[64];
    size_t count = rig_parse_lines(lines, headers, 64);
    return leat_h3_send_headers(rig->h3, stream_id, headers, count, end_stream);
}

void rig_run(rig_role role, void (*body)(h3_rig *rig)) {
    h3_rig *rig = malloc(sizeof *rig);
    for (int is_bytewise = 0; is_bytewise < 2; is_bytewise++) {
        rig_init(rig, role);
        rig->config.enable_webtransport = true;
        rig->is_bytewise = is_bytewise;
        rig_start(rig);
        body(rig);
        rig_clear(rig);
    }
    free(rig);
}

/* ---- pairs -------------------------------------------------------------------------- */

static bool forward_stream(h3_rig *from, h3_rig *to, size_t i) {
    fake_stream *stream = &from->conn.streams[i];
    size_t length = stream->sent_length - from->forwarded[i];
    bool ends = stream->end_sent && !from->end_forwarded[i], moved = length > 0 || ends;
    uint64_t id = stream->id;
    if (moved) {
        const uint8_t *bytes = stream->sent + from->forwarded[i];
        from->forwarded[i] += length;
        from->end_forwarded[i] = stream->end_sent;
        rig_feed_bytes(to, id, length > 0 ? bytes : (const uint8_t *)"", length, ends);
    }
    if (stream->reset != FAKE_NONE && !from->reset_forwarded[i]) {
        from->reset_forwarded[i] = moved = true;
        rig_reset(to, id, stream->reset);
    }
    if (stream->stopped != FAKE_NONE && !from->stop_forwarded[i]) {
        from->stop_forwarded[i] = moved = true;
        rig_stop(to, id, stream->stopped);
    }
    return moved;
}

static bool forward(h3_rig *from, h3_rig *to) {
    bool moved = false;
    for (size_t i = 0; i < FAKE_STREAMS_MAX; i++) {
        moved |= from->conn.streams[i].used && forward_stream(from, to, i);
    }
    return moved;
}

void rig_pump(h3_rig *client, h3_rig *server) {
    bool moved = true;
    while (moved) {
        moved = forward(client, server);
        moved = forward(server, client) || moved;
    }
}
