/* HTTP/3 events as data: names and fields, for bindings and logs; small helpers of the public header. */
#include "h3/connection.h"

typedef enum field_kind { FIELD_INTEGER, FIELD_SIZE, FIELD_BOOL, FIELD_SPAN, FIELD_TEXT } field_kind;

typedef struct field_row {
    const char *name;
    field_kind kind;
    size_t offset;
} field_row;

#define FIELDS_MAX 6
typedef struct event_row {
    const char *name;
    field_row fields[FIELDS_MAX];
} event_row;

#define AT(member) offsetof(leat_h3_event, member)
#define STREAM_ID {"stream_id", FIELD_INTEGER, AT(stream_id)}

static const event_row event_rows[LEAT_H3_EVENT_TYPE_COUNT] = {
    [LEAT_H3_EVENT_NONE] = {"None", {{0}}},
    [LEAT_H3_EVENT_HEADERS_RECEIVED] = {"HeadersReceived",
        {STREAM_ID, {"count", FIELD_SIZE, AT(headers_received.count)},
         {"stream_ended", FIELD_BOOL, AT(headers_received.stream_ended)},
         {"is_trailers", FIELD_BOOL, AT(headers_received.is_trailers)},
         {"is_informational", FIELD_BOOL, AT(headers_received.is_informational)},
         {"push_id", FIELD_INTEGER, AT(headers_received.push_id)}}},
    [LEAT_H3_EVENT_DATA_RECEIVED] = {"DataReceived",
        {STREAM_ID, {"data", FIELD_SPAN, AT(data_received.data)}, {"stream_ended", FIELD_BOOL, AT(data_received.stream_ended)},
         {"push_id", FIELD_INTEGER, AT(data_received.push_id)}}},
    [LEAT_H3_EVENT_DATAGRAM_RECEIVED] = {"DatagramReceived", {STREAM_ID, {"data", FIELD_SPAN, AT(datagram_received.data)}}},
    [LEAT_H3_EVENT_PUSH_PROMISE_RECEIVED] = {"PushPromiseReceived",
        {STREAM_ID, {"count", FIELD_SIZE, AT(push_promise_received.count)}, {"push_id", FIELD_INTEGER, AT(push_promise_received.push_id)}}},
    [LEAT_H3_EVENT_WEBTRANSPORT_STREAM_DATA_RECEIVED] = {"WebTransportStreamDataReceived",
        {STREAM_ID, {"session_id", FIELD_INTEGER, AT(webtransport_stream_data_received.session_id)},
         {"data", FIELD_SPAN, AT(webtransport_stream_data_received.data)},
         {"stream_ended", FIELD_BOOL, AT(webtransport_stream_data_received.stream_ended)},
         {"is_first", FIELD_BOOL, AT(webtransport_stream_data_received.is_first)}}},
    [LEAT_H3_EVENT_SETTINGS_RECEIVED] = {"SettingsReceived", {{"count", FIELD_SIZE, AT(settings_received.count)}}},
    [LEAT_H3_EVENT_GOAWAY_RECEIVED] = {"GoawayReceived", {{"id", FIELD_INTEGER, AT(goaway_received.id)}}},
    [LEAT_H3_EVENT_STREAM_RESET] = {"StreamReset",
        {STREAM_ID, {"error_code", FIELD_INTEGER, AT(stream_reset.error_code)}, {"session_id", FIELD_INTEGER, AT(stream_reset.session_id)}}},
    [LEAT_H3_EVENT_STOP_SENDING_RECEIVED] = {"StopSendingReceived",
        {STREAM_ID, {"error_code", FIELD_INTEGER, AT(stop_sending_received.error_code)},
         {"session_id", FIELD_INTEGER, AT(stop_sending_received.session_id)}}},
    [LEAT_H3_EVENT_CAPSULE_RECEIVED] = {"CapsuleReceived",
        {STREAM_ID, {"capsule_type", FIELD_INTEGER, AT(capsule_received.capsule_type)},
         {"value", FIELD_SPAN, AT(capsule_received.value)}, {"length", FIELD_INTEGER, AT(capsule_received.length)}}},
    [LEAT_H3_EVENT_PRIORITY_UPDATED] = {"PriorityUpdated",
        {{"element_id", FIELD_INTEGER, AT(priority_updated.element_id)}, {"is_push", FIELD_BOOL, AT(priority_updated.is_push)},
         {"value", FIELD_SPAN, AT(priority_updated.value)}}},
    [LEAT_H3_EVENT_STREAM_WRITABLE] = {"StreamWritable", {STREAM_ID}},
    [LEAT_H3_EVENT_REQUEST_REFUSED_MALFORMED] = {"RequestRefusedMalformed",
        {STREAM_ID, {"error_code", FIELD_INTEGER, AT(malformed.error_code)}, {"message", FIELD_TEXT, AT(malformed.message)}}},
};

static const event_row *row_of(leat_h3_event_type type) {
    return (unsigned)type < LEAT_H3_EVENT_TYPE_COUNT ? &event_rows[type] : &event_rows[LEAT_H3_EVENT_NONE];
}

const char *leat_h3_event_name(leat_h3_event_type type) { return row_of(type)->name; }

/* The field of that name, and where it lies. */
static const field_row *find_field(const leat_h3_event *event, const char *name, const void **at) {
    const event_row *row = row_of(event->type);
    for (size_t i = 0; i < FIELDS_MAX && row->fields[i].name != NULL; i++) {
        if (strcmp(row->fields[i].name, name) == 0) {
            *at = (const char *)event + row->fields[i].offset;
            return &row->fields[i];
        }
    }
    return NULL;
}

bool leat_h3_event_get_integer(const leat_h3_event *event, const char *field, uint64_t *value) {
    const void *at;
    const field_row *row = find_field(event, field, &at);
    if (row == NULL || row->kind > FIELD_BOOL) {
        return false;
    }
    if (row->kind == FIELD_INTEGER) {
        *value = *(const uint64_t *)at;
    } else {
        *value = row->kind == FIELD_SIZE ? (uint64_t) * (const size_t *)at : (uint64_t) * (const bool *)at;
    }
    return true;
}

bool leat_h3_event_get_bytes(const leat_h3_event *event, const char *field, leat_span *value) {
    const void *at;
    const field_row *row = find_field(event, field, &at);
    if (row == NULL || row->kind < FIELD_SPAN) {
        return false;
    }
    if (row->kind == FIELD_SPAN) {
        *value = *(const leat_span *)at;
    } else {
        const char *text = *(const char *const *)at;
        *value = (leat_span){(const uint8_t *)text, text != NULL ? strlen(text) : 0};
    }
    return true;
}

bool leat_h3_make_event(leat_h3_event *event, leat_h3_event_type type, uint64_t stream_id) {
    memset(event, 0, sizeof *event);
    event->type = type;
    event->stream_id = stream_id;
    return true;
}

/* ---- headers and errors -------------------------------------------------------------------------------------------------------------- */

leat_h3_header leat_h3_header_of(const char *name, const char *value) {
    leat_h3_header header = {{(const uint8_t *)name, strlen(name)}, {(const uint8_t *)value, strlen(value)}, false};
    return header;
}

leat_span leat_h3_find_header(const leat_h3_header *headers, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (leat_h3_text_is(headers[i].name, name)) {
            leat_span value = headers[i].value;
            return value.data != NULL ? value : (leat_span){(const uint8_t *)"", 0};
        }
    }
    return (leat_span){NULL, 0};
}

static const struct {
    uint64_t code;
    const char *name;
} error_rows[] = {
    {LEAT_H3_DATAGRAM_ERROR, "H3_DATAGRAM_ERROR"},
    {LEAT_H3_NO_ERROR, "H3_NO_ERROR"},
    {LEAT_H3_GENERAL_PROTOCOL_ERROR, "H3_GENERAL_PROTOCOL_ERROR"},
    {LEAT_H3_INTERNAL_ERROR, "H3_INTERNAL_ERROR"},
    {LEAT_H3_STREAM_CREATION_ERROR, "H3_STREAM_CREATION_ERROR"},
    {LEAT_H3_CLOSED_CRITICAL_STREAM, "H3_CLOSED_CRITICAL_STREAM"},
    {LEAT_H3_FRAME_UNEXPECTED, "H3_FRAME_UNEXPECTED"},
    {LEAT_H3_FRAME_ERROR, "H3_FRAME_ERROR"},
    {LEAT_H3_EXCESSIVE_LOAD, "H3_EXCESSIVE_LOAD"},
    {LEAT_H3_ID_ERROR, "H3_ID_ERROR"},
    {LEAT_H3_SETTINGS_ERROR, "H3_SETTINGS_ERROR"},
    {LEAT_H3_MISSING_SETTINGS, "H3_MISSING_SETTINGS"},
    {LEAT_H3_REQUEST_REJECTED, "H3_REQUEST_REJECTED"},
    {LEAT_H3_REQUEST_CANCELLED, "H3_REQUEST_CANCELLED"},
    {LEAT_H3_REQUEST_INCOMPLETE, "H3_REQUEST_INCOMPLETE"},
    {LEAT_H3_MESSAGE_ERROR, "H3_MESSAGE_ERROR"},
    {LEAT_H3_CONNECT_ERROR, "H3_CONNECT_ERROR"},
    {LEAT_H3_VERSION_FALLBACK, "H3_VERSION_FALLBACK"},
    {LEAT_QPACK_DECOMPRESSION_FAILED, "QPACK_DECOMPRESSION_FAILED"},
    {LEAT_QPACK_ENCODER_STREAM_ERROR, "QPACK_ENCODER_STREAM_ERROR"},
    {LEAT_QPACK_DECODER_STREAM_ERROR, "QPACK_DECODER_STREAM_ERROR"},
};

const char *leat_h3_error_name(uint64_t code) {
    for (size_t i = 0; i < sizeof error_rows / sizeof error_rows[0]; i++) {
        if (error_rows[i].code == code) {
            return error_rows[i].name;
        }
    }
    return "unknown";
}
