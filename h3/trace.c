/* Records for the trace sink. Bodies and datagrams are told by their lengths only. */
#include "h3/trace.h"

#include "h3/frames.h"
#include "h3/settings.h"

#include <stdio.h>

/* RFC 9114 §7.2.8, §6.2.3, §7.2.4.1: identifiers without meaning, of the form 0x1f * N + 0x21. */
static bool is_reserved(uint64_t id) { return id >= 0x21 && (id - 0x21) % 0x1f == 0; }

static const char *const frame_events[] = {"frame_created", "frame_parsed"};

/* ---- fields ---------------------------------------------------------------------------------- */

static leat_trace_field number_field(const char *name, uint64_t value) {
    return (leat_trace_field){.name = name, .kind = LEAT_TRACE_INTEGER, .integer = value};
}

static leat_trace_field text_field(const char *name, leat_span text) {
    return (leat_trace_field){.name = name, .kind = LEAT_TRACE_TEXT, .bytes = text};
}

static leat_trace_field word_field(const char *name, const char *word) {
    return text_field(name, leat_span_of(word));
}

static leat_trace_field initiator_field(bool is_local) {
    return word_field("initiator", is_local ? "local" : "remote");
}

/* An identifier by its name; one without a name as a number beside "reserved" or "unknown". */
static size_t add_named(leat_trace_field *fields, const char *field, const char *number_name,
    const char *name, uint64_t id) {
    fields[0] = word_field(field, name != NULL ? name : is_reserved(id) ? "reserved" : "unknown");
    fields[1] = number_field(number_name, id);
    return name != NULL ? 1 : 2;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static const char *frame_name(uint64_t type) {
    static const struct {
        uint64_t type;
        const char *name;
    } rows[] = {
        {LEAT_H3_FRAME_DATA, "data"},
        {LEAT_H3_FRAME_HEADERS, "headers"},
        {LEAT_H3_FRAME_CANCEL_PUSH, "cancel_push"},
        {LEAT_H3_FRAME_SETTINGS, "settings"},
        {LEAT_H3_FRAME_GOAWAY, "goaway"},
        {LEAT_H3_FRAME_MAX_PUSH_ID, "max_push_id"},
        {LEAT_H3_FRAME_PRIORITY_UPDATE_REQUEST, "priority_update"},
        {LEAT_H3_FRAME_PRIORITY_UPDATE_PUSH, "priority_update"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].type == type) {
            return rows[i].name;
        }
    }
    return NULL;
}

void leat_h3_trace_frame(
    leat_h3 *h3, leat_h3_way way, uint64_t stream_id, uint64_t type, uint64_t length) {
    if (leat_conn_is_traced(h3->conn)) {
        leat_trace_field fields[4] = {
            number_field("stream_id", stream_id), number_field("payload_length", length)};
        size_t named =
            add_named(fields + 2, "frame_type", "frame_type_bytes", frame_name(type), type);
        leat_conn_trace(h3->conn, "http3", frame_events[way], fields, 2 + named);
    }
}

void leat_h3_trace_id(
    leat_h3 *h3, leat_h3_way way, uint64_t stream_id, uint64_t type, uint64_t id) {
    if (leat_conn_is_traced(h3->conn)) {
        const leat_trace_field fields[] = {
            number_field("stream_id", stream_id),
            word_field("frame_type", frame_name(type)),
            number_field(type == LEAT_H3_FRAME_GOAWAY ? "id" : "push_id", id),
        };
        leat_conn_trace(h3->conn, "http3", frame_events[way], fields, 3);
    }
}

/* What lets its holder act for somebody else: told by name only. */
static bool is_secret(const leat_h3_header *header) {
    static const char *const names[] = {
        "authorization", "cookie", "proxy-authorization", "set-cookie"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (leat_span_is(header->name, names[i])) {
            return true;
        }
    }
    return header->never_index;
}

void leat_h3_trace_headers(leat_h3 *h3, leat_h3_way way, uint64_t stream_id,
    const leat_h3_header *headers, size_t count, uint64_t length) {
    for (size_t i = 0; leat_conn_is_traced(h3->conn) && i < count; i++) {
        const leat_trace_field fields[] = {
            text_field("name", headers[i].name), text_field("value", headers[i].value)};
        leat_conn_trace(h3->conn, "http3", "header", fields, is_secret(&headers[i]) ? 1 : 2);
    }
    leat_h3_trace_frame(h3, way, stream_id, LEAT_H3_FRAME_HEADERS, length);
}

void leat_h3_trace_priority_update(
    leat_h3 *h3, leat_h3_way way, uint64_t stream_id, uint64_t prioritized_id, leat_span value) {
    if (leat_conn_is_traced(h3->conn)) {
        const leat_trace_field fields[] = {
            number_field("stream_id", stream_id),
            word_field("frame_type", "priority_update"),
            number_field("prioritized_stream_id", prioritized_id),
            text_field("priority_field_value", value),
        };
        leat_conn_trace(h3->conn, "http3", frame_events[way], fields, 4);
    }
}

/* ---- settings -------------------------------------------------------------------------------- */

static const struct setting_name {
    uint64_t id;
    const char *name, *parameter;
} setting_names[] = {
    {LEAT_H3_SETTING_QPACK_MAX_TABLE_CAPACITY, "settings_qpack_max_table_capacity", "max_table_capacity"},
    {LEAT_H3_SETTING_MAX_FIELD_SECTION_SIZE, "settings_max_field_section_size", "max_field_section_size"},
    {LEAT_H3_SETTING_QPACK_BLOCKED_STREAMS, "settings_qpack_blocked_streams", "blocked_streams_count"},
    {LEAT_H3_SETTING_ENABLE_CONNECT_PROTOCOL, "settings_enable_connect_protocol", "extended_connect"},
    {LEAT_H3_SETTING_H3_DATAGRAM, "settings_h3_datagram", "h3_datagram"},
};
#define SETTING_NAMES (sizeof setting_names / sizeof setting_names[0])

static const struct setting_name *find_setting_name(uint64_t id) {
    for (size_t i = 0; i < SETTING_NAMES; i++) {
        if (setting_names[i].id == id) {
            return &setting_names[i];
        }
    }
    return NULL;
}

void leat_h3_trace_settings(leat_h3 *h3, leat_h3_way way, uint64_t stream_id, leat_span payload) {
    leat_trace_field parameters[1 + SETTING_NAMES] = {initiator_field(way == LEAT_H3_CREATED)};
    leat_reader reader = leat_reader_of(payload);
    size_t count = 1;
    if (!leat_conn_is_traced(h3->conn)) {
        return;
    }
    while (leat_reader_left(&reader) > 0 && !reader.failed) {
        uint64_t id = leat_read_varint(&reader), value = leat_read_varint(&reader);
        const struct setting_name *row = find_setting_name(id);
        leat_trace_field fields[3] = {number_field("value", value)};
        size_t named =
            add_named(fields + 1, "name", "name_bytes", row != NULL ? row->name : NULL, id);
        leat_conn_trace(h3->conn, "http3", "setting", fields, 1 + named);
        if (row != NULL && count <= SETTING_NAMES) {
            parameters[count++] = number_field(row->parameter, value);
        }
    }
    leat_h3_trace_frame(h3, way, stream_id, LEAT_H3_FRAME_SETTINGS, payload.length);
    leat_conn_trace(h3->conn, "http3", "parameters_set", parameters, count);
}

/* ---- streams and datagrams ------------------------------------------------------------------- */

void leat_h3_trace_priority(leat_h3 *h3, uint64_t stream_id, unsigned urgency, bool incremental) {
    char value[16];
    if (leat_conn_is_traced(h3->conn)) {
        snprintf(value, sizeof value, "u=%u%s", urgency, incremental ? ",i" : "");
        const leat_trace_field fields[] = {
            number_field("stream_id", stream_id),
            word_field("new", value),
            word_field("trigger", "client_signal_received"),
        };
        leat_conn_trace(h3->conn, "http3", "priority_updated", fields, 3);
    }
}

void leat_h3_trace_stream_type(leat_h3 *h3, uint64_t stream_id, uint64_t type) {
    static const char *const names[] = {"control", "push", "qpack_encode", "qpack_decode"};
    if (leat_conn_is_traced(h3->conn)) {
        const char *name = type == LEAT_H3_REQUEST_STREAM ? "request"
                           : type < 4                     ? names[type]
                                                          : NULL;
        leat_trace_field fields[4] = {
            initiator_field(leat_stream_is_client_initiated(stream_id) == h3->is_client),
            number_field("stream_id", stream_id),
        };
        size_t named = add_named(fields + 2, "stream_type", "stream_type_bytes", name, type);
        leat_conn_trace(h3->conn, "http3", "stream_type_set", fields, 2 + named);
    }
}

void leat_h3_trace_datagram(leat_h3 *h3, leat_h3_way way, uint64_t quarter_id, size_t length) {
    if (leat_conn_is_traced(h3->conn)) {
        const leat_trace_field fields[] = {
            number_field("quarter_stream_id", quarter_id), number_field("length", length)};
        leat_conn_trace(h3->conn, "http3",
            way == LEAT_H3_CREATED ? "datagram_created" : "datagram_parsed", fields, 2);
    }
}
