/*
 * SETTINGS, RFC 9114 §7.2.4, RFC 9204 §5, RFC 9220 §5, RFC 9297 §2.1.1. The rows say what we send
 * and what a value may be; all settings of the peer are kept, also those that only a layer above
 * understands.
 *
 * What a session remembers of them (§7.2.4.2) is a list of pairs as in the frame: on both sides the
 * ones with a row here.
 */
#include "h3/settings.h"

#include <leat/early_data.h>

#include "base/alloc.h"
#include "h3/frames.h"
#include "h3/trace.h"

/* RFC 9114 §7.2.4.1-1: 0x1f * N + 0x21: without meaning, so that peers keep ignoring what they do
 * not know. */
#define GREASE_SETTING (0x1f * UINT64_C(0x2a7) + 0x21)

typedef struct setting_row {
    uint64_t id;
    const char *name;
    bool is_reserved;   /* RFC 9114 §7.2.4.1-3: of HTTP/2: an error */
    uint64_t max_value; /* above: H3_SETTINGS_ERROR */
    bool (*get)(const leat_h3 *h3, uint64_t *value); /* ours; false: not sent */
    void (*set)(leat_h3 *h3, uint64_t value);        /* the peer's */
} setting_row;

static bool get_table_capacity(const leat_h3 *h3, uint64_t *value) {
    *value = h3->config.qpack_max_table_capacity;
    return true;
}

static bool get_section_size(const leat_h3 *h3, uint64_t *value) {
    *value = h3->config.max_field_section_size;
    return true;
}

static bool get_blocked_streams(const leat_h3 *h3, uint64_t *value) {
    *value = h3->config.qpack_blocked_streams;
    return true;
}

static bool get_connect_protocol(const leat_h3 *h3, uint64_t *value) {
    *value = 1;
    return !h3->is_client && h3->config.enable_connect_protocol;
}

static bool get_datagram(const leat_h3 *h3, uint64_t *value) {
    *value = 1;
    return h3->config.enable_datagrams;
}

static bool get_grease(const leat_h3 *h3, uint64_t *value) {
    (void)h3;
    *value = 0;
    return true;
}

static void set_section_size(leat_h3 *h3, uint64_t value) {
    h3->peer_max_field_section_size = value;
}
static void set_connect_protocol(leat_h3 *h3, uint64_t value) {
    h3->peer_allows_connect_protocol = value == 1;
}
static void set_datagram(leat_h3 *h3, uint64_t value) { h3->peer_takes_datagrams = value == 1; }

#define HTTP2_SETTING(code, text) {.id = (code), .name = (text), .is_reserved = true}

static const setting_row setting_rows[] = {
    {LEAT_H3_SETTING_QPACK_MAX_TABLE_CAPACITY, "QPACK_MAX_TABLE_CAPACITY", false, LEAT_VARINT_MAX, get_table_capacity, NULL},
    {LEAT_H3_SETTING_MAX_FIELD_SECTION_SIZE, "MAX_FIELD_SECTION_SIZE", false, LEAT_VARINT_MAX, get_section_size, set_section_size},
    {LEAT_H3_SETTING_QPACK_BLOCKED_STREAMS, "QPACK_BLOCKED_STREAMS", false, LEAT_VARINT_MAX, get_blocked_streams, NULL},
    {LEAT_H3_SETTING_ENABLE_CONNECT_PROTOCOL, "ENABLE_CONNECT_PROTOCOL", false, 1, get_connect_protocol, set_connect_protocol},
    {LEAT_H3_SETTING_H3_DATAGRAM, "H3_DATAGRAM", false, 1, get_datagram, set_datagram},
    {GREASE_SETTING, "GREASE", false, LEAT_VARINT_MAX, get_grease, NULL},
    HTTP2_SETTING(0x00, "reserved"),
    HTTP2_SETTING(0x02, "ENABLE_PUSH (HTTP/2)"),
    HTTP2_SETTING(0x03, "MAX_CONCURRENT_STREAMS (HTTP/2)"),
    HTTP2_SETTING(0x04, "INITIAL_WINDOW_SIZE (HTTP/2)"),
    HTTP2_SETTING(0x05, "MAX_FRAME_SIZE (HTTP/2)"),
};
#define ROW_COUNT (sizeof setting_rows / sizeof setting_rows[0])

/* ---- ours --------------------------------------------------------------------------- */

int leat_h3_write_settings(leat_h3 *h3) {
    uint8_t payload[LEAT_H3_SETTINGS_PAYLOAD_MAX], head[LEAT_H3_FRAME_HEAD_MAX];
    leat_writer writer = leat_writer_make(payload, sizeof payload);
    uint64_t value;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (setting_rows[i].get != NULL && setting_rows[i].get(h3, &value)) {
            leat_write_varint(&writer, setting_rows[i].id);
            leat_write_varint(&writer, value);
        }
    }
    for (size_t i = 0; i < h3->config.setting_count; i++) {
        leat_write_varint(&writer, h3->config.settings[i].id);
        leat_write_varint(&writer, h3->config.settings[i].value);
    }
    if (writer.failed) {
        return LEAT_ERR_INVALID;
    }
    size_t length = leat_writer_length(&writer);
    size_t head_length = leat_h3_write_frame_head(head, LEAT_H3_FRAME_SETTINGS, length);
    int error = leat_buffer_append(&h3->control, head, head_length);
    return error != 0 ? error : leat_buffer_append(&h3->control, payload, length);
}

/* ---- the peer's --------------------------------------------------------------------- */

static bool is_there(const leat_h3 *h3, uint64_t id) {
    uint64_t value;
    return leat_h3_peer_setting(h3, id, &value);
}

static const setting_row *find_setting(uint64_t id) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (setting_rows[i].id == id) {
            return &setting_rows[i];
        }
    }
    return NULL;
}

static bool on_setting(leat_h3 *h3, leat_h3_setting setting) {
    const setting_row *row = find_setting(setting.id);
    if (h3->peer_setting_count == LEAT_H3_SETTINGS_MAX) {
        return leat_h3_fail(h3, LEAT_H3_EXCESSIVE_LOAD, "too many settings");
    }
    if (is_there(h3, setting.id)) {
        /* RFC 9114 §7.2.4-5: which of the two would be meant? */
        return leat_h3_fail(h3, LEAT_H3_SETTINGS_ERROR, "a setting came twice");
    }
    if (row != NULL && (row->is_reserved || setting.value > row->max_value)) {
        /* RFC 9114 §7.2.4.1-3, RFC 9297 §2.1.1-2, RFC 8441 §3. */
        return leat_h3_fail(h3, LEAT_H3_SETTINGS_ERROR, row->name);
    }
    h3->peer_settings[h3->peer_setting_count++] = setting;
    if (row != NULL && row->set != NULL) {
        row->set(h3, setting.value);
    }
    return true;
}

/* The encoder wants its two settings together, and their defaults when they are absent. */
static bool tell_encoder(leat_h3 *h3) {
    uint64_t capacity = 0, blocked_streams = 0;
    leat_h3_peer_setting(h3, LEAT_H3_SETTING_QPACK_MAX_TABLE_CAPACITY, &capacity);
    leat_h3_peer_setting(h3, LEAT_H3_SETTING_QPACK_BLOCKED_STREAMS, &blocked_streams);
    return leat_qpack_encoder_set_peer_limits(h3->encoder, capacity, blocked_streams) == 0;
}

/* ---- remembered for 0-RTT ----------------------------------------------------------- */

size_t leat_h3_session_application(const leat_h3_config *config, uint8_t *out, size_t room) {
    /* Settings as they would be sent; the connection has no part in them but for DATAGRAM, which
     * the same configuration of QUIC decides. */
    const leat_h3 like = {.config = *config};
    leat_writer writer = leat_writer_make(out, room);
    uint64_t value;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (setting_rows[i].get != NULL && setting_rows[i].get(&like, &value)) {
            leat_write_varint(&writer, setting_rows[i].id);
            leat_write_varint(&writer, value);
        }
    }
    for (size_t i = 0; i < config->setting_count; i++) {
        leat_write_varint(&writer, config->settings[i].id);
        leat_write_varint(&writer, config->settings[i].value);
    }
    return writer.failed ? 0 : leat_writer_length(&writer);
}

/* Tickets that come from now on remember the server's settings. */
static bool remember(leat_h3 *h3) {
    uint8_t bytes[16 * ROW_COUNT];
    leat_writer writer = leat_writer_make(bytes, sizeof bytes);
    for (size_t i = 0; i < h3->peer_setting_count; i++) {
        const setting_row *row = find_setting(h3->peer_settings[i].id);
        if (row != NULL && row->id != GREASE_SETTING) {
            leat_write_varint(&writer, h3->peer_settings[i].id);
            leat_write_varint(&writer, h3->peer_settings[i].value);
        }
    }
    const leat_span list = {bytes, leat_writer_length(&writer)};
    return leat_conn_set_session_application(h3->conn, list) == LEAT_OK;
}

bool leat_h3_use_remembered_settings(leat_h3 *h3) {
    uint64_t capacity = 0, blocked_streams = 0;
    leat_reader reader = leat_reader_of(leat_conn_session_application(h3->conn));
    while (leat_reader_left(&reader) > 0 && h3->remembered_count < LEAT_H3_REMEMBERED_MAX) {
        leat_h3_setting setting = {.id = leat_read_varint(&reader)};
        setting.value = leat_read_varint(&reader);
        const setting_row *row = reader.failed ? NULL : find_setting(setting.id);
        if (row == NULL || row->is_reserved) {
            continue;
        }
        h3->remembered[h3->remembered_count++] = setting;
        capacity = setting.id == LEAT_H3_SETTING_QPACK_MAX_TABLE_CAPACITY ? setting.value
                                                                          : capacity;
        blocked_streams = setting.id == LEAT_H3_SETTING_QPACK_BLOCKED_STREAMS ? setting.value
                                                                              : blocked_streams;
        if (row->set != NULL) {
            row->set(h3, setting.value);
        }
    }
    return leat_qpack_encoder_set_peer_limits(h3->encoder, capacity, blocked_streams) == 0;
}

/* RFC 9114 §7.2.4.2-7, -8: a server that accepted early data keeps what it had promised. RFC 9297
 * §2.1.1-4 says so of H3_DATAGRAM. */
static bool keeps_remembered(const leat_h3 *h3) {
    for (size_t i = 0; i < h3->remembered_count; i++) {
        uint64_t value = 0;
        if (!leat_h3_peer_setting(h3, h3->remembered[i].id, &value) ||
            value < h3->remembered[i].value) {
            return false;
        }
    }
    return true;
}

/* ---- the frame ----------------------------------------------------------------------- */

bool leat_h3_begin_settings(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    (void)stream;
    (void)event;
    if (h3->settings_received) {
        /* RFC 9114 §7.2.4-2: settings hold for the life of the connection. */
        return leat_h3_fail(h3, LEAT_H3_FRAME_UNEXPECTED, "a second SETTINGS frame");
    }
    return false;
}

bool leat_h3_on_settings(
    leat_h3 *h3, leat_h3_stream *stream, leat_span payload, leat_h3_event *event) {
    leat_reader reader = leat_reader_of(payload);
    size_t most =
        payload.length / 2 < LEAT_H3_SETTINGS_MAX ? payload.length / 2 : LEAT_H3_SETTINGS_MAX;
    h3->peer_settings = leat_alloc_array(h3->allocator, most + 1, sizeof *h3->peer_settings);
    if (h3->peer_settings == NULL) {
        return leat_h3_fail_memory(h3);
    }
    while (!reader.failed && leat_reader_left(&reader) > 0) {
        leat_h3_setting setting;
        setting.id = leat_read_varint(&reader);
        setting.value = leat_read_varint(&reader);
        if (!reader.failed && !on_setting(h3, setting)) {
            return false;
        }
    }
    if (reader.failed) {
        return leat_h3_fail(h3, LEAT_H3_FRAME_ERROR, "SETTINGS ends inside a setting");
    }
    if (!keeps_remembered(h3)) {
        return leat_h3_fail(h3, LEAT_H3_SETTINGS_ERROR, "less than 0-RTT was sent under");
    }
    if (!tell_encoder(h3)) {
        return leat_h3_fail(h3, LEAT_H3_SETTINGS_ERROR, "QPACK settings");
    }
    if (h3->is_client && !remember(h3)) {
        return leat_h3_fail_memory(h3);
    }
    h3->settings_received = true;
    leat_h3_trace_settings(h3, LEAT_H3_PARSED, stream->id, payload);
    leat_h3_make_event(event, LEAT_H3_EVENT_SETTINGS_RECEIVED, 0);
    event->settings_received.settings = h3->peer_settings;
    event->settings_received.count = h3->peer_setting_count;
    return true;
}

bool leat_h3_peer_setting(const leat_h3 *h3, uint64_t id, uint64_t *value) {
    for (size_t i = 0; i < h3->peer_setting_count; i++) {
        if (h3->peer_settings[i].id == id) {
            *value = h3->peer_settings[i].value;
            return true;
        }
    }
    return false;
}

bool leat_h3_settings_received(const leat_h3 *h3) { return h3->settings_received; }
