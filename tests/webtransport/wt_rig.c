/* The rig: see wt_rig.h. */
#include "webtransport/wt_rig.h"

#include "h3/qpack.h"

/* ---- life ------------------------------------------------------------------------------------ */

void wt_init(wt_rig *rig, wt_role role, leat_wt_dialect dialect) {
    memset(rig, 0, sizeof *rig);
    fake_conn_init(&rig->fake.conn, role == WT_CLIENT);
    test_memory_init(&rig->memory);
    leat_h3_config_init(&rig->h3_config);
    leat_wt_config_init(&rig->config);
    leat_wt_h3_config(&rig->h3_config);
    rig->h3_config.allocator = rig->config.allocator = &rig->memory.allocator;
    rig->dialect = dialect;
}

bool wt_start(wt_rig *rig) {
    int error = 0;
    rig->h3 = leat_h3_new(&rig->fake.conn, &rig->h3_config, &error);
    rig->wt = rig->h3 != NULL ? leat_wt_new(rig->h3, &rig->config, &error) : NULL;
    ck_assert((rig->wt == NULL) == (error < 0));
    return rig->wt != NULL;
}

void wt_clear(wt_rig *rig) {
    size_t open = rig->wt != NULL ? leat_wt_session_count(rig->wt) : 0;
    leat_wt_free(rig->wt);
    leat_h3_free(rig->h3);
    fake_conn_clear(&rig->fake.conn);
    ck_assert_uint_eq(rig->memory.live, 0);
    ck_assert_int_ge(rig->fake.liveness, 0);
    ck_assert_uint_le((size_t)rig->fake.liveness, open);
}

void wt_run(int only_role, void (*body)(wt_rig *rig)) {
    static wt_rig rig;
    for (int i = 0; i < 8; i++) {
        wt_role role = i & 1 ? WT_CLIENT : WT_SERVER;
        if (only_role >= 0 && role != (wt_role)only_role) {
            continue;
        }
        wt_init(&rig, role, i & 2 ? LEAT_WT_DIALECT_DRAFT07 : LEAT_WT_DIALECT_DRAFT02);
        rig.is_bytewise = (i & 4) != 0;
        ck_assert(wt_start(&rig));
        body(&rig);
        wt_clear(&rig);
    }
}

/* ---- the transcript -------------------------------------------------------------------------- */

static bool is_closed(const wt_rig *rig, uint64_t session_id) {
    for (size_t i = 0; i < rig->closed_count; i++) {
        if (rig->closed[i] == session_id) {
            return true;
        }
    }
    return false;
}

static void check_order(wt_rig *rig, const leat_wt_event *event) {
    ck_assert_msg(!is_closed(rig, event->session_id), "%s after SessionClosed",
        leat_wt_event_name(event->type));
    if (event->type == LEAT_WT_EVENT_SESSION_CLOSED) {
        ck_assert_uint_lt(rig->closed_count, WT_SESSIONS_SEEN_MAX);
        rig->closed[rig->closed_count++] = event->session_id;
    }
}

void wt_drain(wt_rig *rig) {
    leat_wt_event event;
    while (leat_wt_next_event(rig->wt, &event)) {
        check_order(rig, &event);
        leat_wt_event_format(&event, rig->log + rig->log_length, WT_LOG_MAX - 1 - rig->log_length);
        rig->log_length += strlen(rig->log + rig->log_length);
        rig->log[rig->log_length++] = '\n';
        rig->log[rig->log_length] = '\0';
        if (rig->on_event != NULL) {
            rig->on_event(rig, &event);
        } else if (event.type == LEAT_WT_EVENT_SESSION_REQUESTED && !rig->keeps_requests) {
            leat_wt_accept(rig->wt, event.session_id, NULL, 0);
        }
    }
}

void wt_forget(wt_rig *rig) {
    rig->log[0] = '\0';
    rig->log_length = 0;
}

void wt_expect(wt_rig *rig, const char *transcript) {
    ck_assert_str_eq(rig->log, transcript);
    wt_forget(rig);
}

/* ---- delivery, in the order of the loop in leat/webtransport.h ------------------------------- */

static void drain_unless_silent(wt_rig *rig) {
    if (!rig->is_silent) {
        wt_drain(rig);
    }
}

void wt_event_in(wt_rig *rig, const leat_event *event) {
    leat_h3_event h3_event;
    leat_wt_handle_conn_event(rig->wt, event);
    drain_unless_silent(rig);
    leat_h3_handle_event(rig->h3, event);
    while (leat_h3_next_event(rig->h3, &h3_event)) {
        leat_wt_handle_event(rig->wt, &h3_event);
        drain_unless_silent(rig);
    }
}

static wt_held *find_held(wt_rig *rig, uint64_t stream_id, bool make) {
    wt_held *unused = NULL;
    for (size_t i = 0; i < WT_HELD_MAX; i++) {
        if (rig->held[i].used && rig->held[i].id == stream_id) {
            return &rig->held[i];
        }
        unused = rig->held[i].used ? unused : &rig->held[i];
    }
    if (make) {
        ck_assert_ptr_nonnull(unused);
        *unused = (wt_held){.id = stream_id, .used = true};
        return unused;
    }
    return NULL;
}

static void keep(wt_rig *rig, uint64_t stream_id, leat_span bytes, bool end_stream) {
    wt_held *held = find_held(rig, stream_id, true);
    ck_assert_uint_le(bytes.length, sizeof held->bytes - held->length);
    memcpy(held->bytes + held->length, bytes.data, bytes.length);
    held->length += bytes.length;
    held->end_stream = end_stream;
}

/* One StreamDataReceived, from memory that is gone afterwards. */
static void deliver(wt_rig *rig, uint64_t stream_id, leat_span bytes, bool end_stream) {
    fake_stream *stream = fake_find(&rig->fake.conn, stream_id);
    if (stream->is_held) {
        keep(rig, stream_id, bytes, end_stream);
        return;
    }
    if (stream->stopped != FAKE_NONE) {
        return; /* QUIC drops what comes after STOP_SENDING */
    }
    uint8_t *copy = malloc(bytes.length + 1);
    memcpy(copy, bytes.data, bytes.length);
    leat_event event = {.type = LEAT_EVENT_STREAM_DATA_RECEIVED,
        .stream_data_received = {
            .stream_id = stream_id, .data = {copy, bytes.length}, .end_stream = end_stream}};
    wt_event_in(rig, &event);
    stream = fake_find(&rig->fake.conn, stream_id);
    if (stream->is_held) {
        ck_assert_uint_le(stream->unread, bytes.length);
        keep(rig, stream_id, (leat_span){copy + bytes.length - stream->unread, stream->unread},
            end_stream);
    }
    free(copy);
}

static void deliver_released(wt_rig *rig) {
    for (size_t i = 0; i < WT_HELD_MAX; i++) {
        if (rig->held[i].used && !fake_find(&rig->fake.conn, rig->held[i].id)->is_held) {
            wt_held held = rig->held[i];
            rig->held[i].used = false;
            if (held.length > 0 || held.end_stream) {
                deliver(rig, held.id, (leat_span){held.bytes, held.length}, held.end_stream);
            }
        }
    }
}

void wt_feed_bytes(wt_rig *rig, uint64_t stream_id, leat_span bytes, bool end_stream) {
    size_t step = rig->is_bytewise ? 1 : bytes.length;
    for (size_t i = 0; i < bytes.length; i += step) {
        deliver(rig, stream_id, (leat_span){bytes.data + i, step}, end_stream && !rig->is_bytewise);
        deliver_released(rig);
    }
    if (end_stream && (rig->is_bytewise || bytes.length == 0)) {
        deliver(rig, stream_id, (leat_span){(const uint8_t *)"", 0}, true);
    }
    deliver_released(rig);
}

void wt_feed(wt_rig *rig, uint64_t stream_id, const char *hex, bool end_stream) {
    leat_span bytes = hex != NULL ? test_hex(hex) : (leat_span){(const uint8_t *)"", 0};
    wt_feed_bytes(rig, stream_id, bytes, end_stream);
}

/* ---- the peer's writers ---------------------------------------------------------------------- */

static void put_varint(leat_buffer *out, uint64_t value) {
    uint8_t bytes[8];
    size_t size = value < 64 ? 1 : value < 16384 ? 2 : value < (1u << 30) ? 4 : 8;
    unsigned mark = size == 1 ? 0 : size == 2 ? 0x40 : size == 4 ? 0x80 : 0xc0;
    for (size_t i = 0; i < size; i++) {
        bytes[size - 1 - i] = (uint8_t)(value >> (8 * i));
    }
    bytes[0] |= (uint8_t)mark;
    leat_buffer_append(out, bytes, size);
}

/* RFC 9204 §4.1.1. */
static void put_prefixed(leat_buffer *out, uint8_t first, unsigned bits, size_t value) {
    size_t most = ((size_t)1 << bits) - 1;
    uint8_t byte = (uint8_t)(first | (value < most ? value : most));
    leat_buffer_append(out, &byte, 1);
    for (value = value < most ? SIZE_MAX : value - most; value != SIZE_MAX;
         value = value < 128 ? SIZE_MAX : value >> 7) {
        byte = (uint8_t)((value & 127) | (value < 128 ? 0 : 128));
        leat_buffer_append(out, &byte, 1);
    }
}

/* RFC 9204 §4.5.6: every field a literal with a literal name. */
static void put_section(leat_buffer *out, const char *lines) {
    leat_buffer_append(out, "\0\0", 2);
    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n"), name = 1 + strcspn(lines + 1, "=");
        put_prefixed(out, 0x20, 3, name);
        leat_buffer_append(out, lines, name);
        put_prefixed(out, 0x00, 7, length - name - 1);
        leat_buffer_append(out, lines + name + 1, length - name - 1);
        lines += length + (lines[length] == '\n');
    }
}

static void feed_frame(
    wt_rig *rig, uint64_t stream_id, uint64_t type, const leat_buffer *payload, bool end_stream) {
    leat_buffer frame;
    leat_buffer_init(&frame, NULL, SIZE_MAX);
    put_varint(&frame, type);
    put_varint(&frame, payload->length);
    leat_buffer_append(&frame, payload->data, payload->length);
    wt_feed_bytes(rig, stream_id, (leat_span){frame.data, frame.length}, end_stream);
    leat_buffer_clear(&frame);
}

void wt_headers(wt_rig *rig, uint64_t stream_id, const char *lines, bool end_stream) {
    leat_buffer section;
    leat_buffer_init(&section, NULL, SIZE_MAX);
    put_section(&section, lines);
    feed_frame(rig, stream_id, 0x01, &section, end_stream);
    leat_buffer_clear(&section);
}

void wt_capsule(wt_rig *rig, uint64_t stream_id, const char *hex, bool end_stream) {
    leat_buffer payload;
    leat_span bytes = test_hex(hex);
    leat_buffer_init(&payload, NULL, SIZE_MAX);
    leat_buffer_append(&payload, bytes.data, bytes.length);
    feed_frame(rig, stream_id, 0x00, &payload, end_stream);
    leat_buffer_clear(&payload);
}

void wt_close_capsule(wt_rig *rig, uint64_t session_id, uint32_t code, const char *reason,
    size_t reason_length, bool end_stream) {
    leat_buffer payload;
    uint8_t value[4] = {
        (uint8_t)(code >> 24), (uint8_t)(code >> 16), (uint8_t)(code >> 8), (uint8_t)code};
    leat_buffer_init(&payload, NULL, SIZE_MAX);
    put_varint(&payload, 0x2843);
    put_varint(&payload, 4 + reason_length);
    leat_buffer_append(&payload, value, sizeof value);
    leat_buffer_append(&payload, reason, reason_length);
    feed_frame(rig, session_id, 0x00, &payload, end_stream);
    leat_buffer_clear(&payload);
}

uint64_t wt_peer_bidi(const wt_rig *rig, unsigned number) {
    return number * 4 + (rig->fake.conn.is_client ? 1 : 0);
}
uint64_t wt_peer_uni(const wt_rig *rig, unsigned number) {
    return number * 4 + (rig->fake.conn.is_client ? 3 : 2);
}

void wt_reset(wt_rig *rig, uint64_t stream_id, uint64_t error_code) {
    wt_event_in(rig,
        &(leat_event){.type = LEAT_EVENT_STREAM_RESET, .stream_reset = {stream_id, error_code}});
}

/* QUIC answers with RESET_STREAM by itself. */
void wt_stop(wt_rig *rig, uint64_t stream_id, uint64_t error_code) {
    leat_conn_reset_stream(&rig->fake.conn, stream_id, error_code);
    wt_event_in(rig, &(leat_event){.type = LEAT_EVENT_STOP_SENDING_RECEIVED,
                         .stop_sending_received = {stream_id, error_code}});
}

void wt_datagram_in(wt_rig *rig, const char *hex) {
    wt_event_in(rig, &(leat_event){.type = LEAT_EVENT_DATAGRAM_FRAME_RECEIVED,
                         .datagram_frame_received = {test_hex(hex)}});
}

void wt_writable(wt_rig *rig, uint64_t stream_id) {
    wt_event_in(rig, &(leat_event){.type = LEAT_EVENT_STREAM_WRITABLE, .stream = {stream_id}});
}

void wt_ping_answered(wt_rig *rig) {
    wt_event_in(rig, &(leat_event){.type = LEAT_EVENT_PING_ACKNOWLEDGED,
                         .ping_acknowledged = {rig->fake.conn.last_ping, 0}});
}

void wt_terminate(wt_rig *rig, leat_close_source source, uint64_t error_code) {
    rig->fake.is_terminating = true;
    wt_event_in(rig, &(leat_event){.type = LEAT_EVENT_CONNECTION_TERMINATED,
                         .connection_terminated = {.error_code = error_code,
                             .frame_type = LEAT_FRAME_TYPE_NONE,
                             .reason_phrase = "",
                             .source = source,
                             .silent_for = 3 * LEAT_SECOND}});
}

/* ---- set-up ---------------------------------------------------------------------------------- */

/* SETTINGS with 0x33=1 and, from a server, 0x08=1: draft-02's 0x2b603742=1, draft-07's
 * 0xc671706a=16. */
void wt_settings(wt_rig *rig) {
    bool has02 = rig->dialect != LEAT_WT_DIALECT_DRAFT07,
         has07 = rig->dialect != LEAT_WT_DIALECT_DRAFT02;
    leat_buffer payload, stream;
    leat_buffer_init(&payload, NULL, SIZE_MAX);
    leat_buffer_init(&stream, NULL, SIZE_MAX);
    leat_buffer_append(&payload, "\x33\x01\x08\x01", rig->fake.conn.is_client ? 4 : 2);
    leat_buffer_append(&payload, "\xab\x60\x37\x42\x01", has02 ? 5 : 0);
    leat_buffer_append(&payload, "\xc0\x00\x00\x00\xc6\x71\x70\x6a\x10", has07 ? 9 : 0);
    leat_buffer_append(&stream, "\x00\x04", 2);
    put_varint(&stream, payload.length);
    leat_buffer_append(&stream, payload.data, payload.length);
    wt_feed_bytes(rig, wt_peer_uni(rig, 0), (leat_span){stream.data, stream.length}, false);
    leat_buffer_clear(&payload);
    leat_buffer_clear(&stream);
}

void wt_request(wt_rig *rig, uint64_t session_id) {
    uint64_t id = session_id;
    if (rig->fake.conn.is_client) {
        ck_assert_int_eq(leat_wt_connect(rig->wt, "a.example", "/c", NULL, NULL, 0, &id), 0);
        ck_assert_uint_eq(id, session_id);
    } else {
        wt_headers(rig, session_id, WT_CONNECT, false);
    }
}

void wt_answer(wt_rig *rig, uint64_t session_id) {
    if (rig->fake.conn.is_client) {
        wt_headers(rig, session_id, ":status=200", false);
    }
}

void wt_open(wt_rig *rig) {
    wt_settings(rig);
    wt_request(rig, 0);
    wt_answer(rig, 0);
    fake_forget(&rig->fake.conn, 0);
    wt_forget(rig);
}

/* ---- what was sent --------------------------------------------------------------------------- */

void wt_expect_sent(wt_rig *rig, uint64_t stream_id, const char *hex, bool ended) {
    const fake_stream *stream = fake_find(&rig->fake.conn, stream_id);
    ck_assert_bytes(stream->sent, stream->sent_length, hex);
    ck_assert_int_eq(stream->end_sent, ended);
}

void wt_expect_aborted(wt_rig *rig, uint64_t stream_id, uint64_t error_code) {
    const fake_stream *stream = fake_find(&rig->fake.conn, stream_id);
    bool is_uni = leat_stream_is_unidirectional(stream_id),
         is_ours = leat_stream_is_client_initiated(stream_id) == rig->fake.conn.is_client;
    ck_assert_uint_eq(stream->reset, is_uni && !is_ours ? FAKE_NONE : error_code);
    if (!is_uni || !is_ours) {
        ck_assert_uint_eq(stream->stopped, error_code);
    }
}

void wt_expect_fields_sent(wt_rig *rig, uint64_t stream_id, const char *lines) {
    const fake_stream *stream = fake_find(&rig->fake.conn, stream_id);
    leat_reader reader = leat_reader_make(stream->sent, stream->sent_length);
    ck_assert_uint_eq(leat_read_varint(&reader), 0x01);
    leat_span section = leat_read_vector_varint(&reader);
    leat_qpack_decoder *decoder = leat_qpack_decoder_new(NULL, 0, 0, 65536);
    leat_qpack_section decoded;
    ck_assert_int_eq(leat_qpack_decode(decoder, stream_id, section, &decoded), 0);
    char text[4096];
    size_t length = 0;
    for (size_t i = 0; i < decoded.count; i++) {
        const leat_h3_header *header = &decoded.headers[i];
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%.*s=%.*s",
            i > 0 ? "\n" : "", (int)header->name.length, (const char *)header->name.data,
            (int)header->value.length, (const char *)header->value.data);
    }
    ck_assert_str_eq(text, lines);
    leat_qpack_decoder_free(decoder);
}

void wt_expect_connection_lives(wt_rig *rig) {
    ck_assert_msg(!rig->fake.conn.is_failed, "closed: %s", rig->fake.conn.reason);
}
