/* HTTP/3 events as data: names and fields, for bindings and logs; small helpers of the public
 * header. */
#include "base/fields.h"
#include "h3/connection.h"

static const char *const names[LEAT_H3_EVENT_TYPE_COUNT] = {
    [LEAT_H3_EVENT_NONE] = "None",
    [LEAT_H3_EVENT_HEADERS_RECEIVED] = "HeadersReceived",
    [LEAT_H3_EVENT_DATA_RECEIVED] = "DataReceived",
    [LEAT_H3_EVENT_DATAGRAM_RECEIVED] = "DatagramReceived",
    [LEAT_H3_EVENT_PUSH_PROMISE_RECEIVED] = "PushPromiseReceived",
    [LEAT_H3_EVENT_WEBTRANSPORT_STREAM_DATA_RECEIVED] = "WebTransportStreamDataReceived",
    [LEAT_H3_EVENT_SETTINGS_RECEIVED] = "SettingsReceived",
    [LEAT_H3_EVENT_GOAWAY_RECEIVED] = "GoawayReceived",
    [LEAT_H3_EVENT_STREAM_RESET] = "StreamReset",
    [LEAT_H3_EVENT_STOP_SENDING_RECEIVED] = "StopSendingReceived",
    [LEAT_H3_EVENT_CAPSULE_RECEIVED] = "CapsuleReceived",
    [LEAT_H3_EVENT_PRIORITY_UPDATED] = "PriorityUpdated",
    [LEAT_H3_EVENT_STREAM_WRITABLE] = "StreamWritable",
    [LEAT_H3_EVENT_REQUEST_REFUSED_MALFORMED] = "RequestRefusedMalformed",
};

#define AT(member) offsetof(leat_h3_event, member)
#define HEADERS LEAT_H3_EVENT_HEADERS_RECEIVED
#define DATA LEAT_H3_EVENT_DATA_RECEIVED
#define PUSH_PROMISE LEAT_H3_EVENT_PUSH_PROMISE_RECEIVED
#define WEBTRANSPORT LEAT_H3_EVENT_WEBTRANSPORT_STREAM_DATA_RECEIVED
#define RESET LEAT_H3_EVENT_STREAM_RESET
#define STOP LEAT_H3_EVENT_STOP_SENDING_RECEIVED
#define CAPSULE LEAT_H3_EVENT_CAPSULE_RECEIVED
#define PRIORITY LEAT_H3_EVENT_PRIORITY_UPDATED
#define MALFORMED LEAT_H3_EVENT_REQUEST_REFUSED_MALFORMED

static const leat_field_row fields[] = {
    {-1, "stream_id", LEAT_FIELD_TYPE_U64, AT(stream_id), NULL},
    {HEADERS, "count", LEAT_FIELD_TYPE_SIZE, AT(headers_received.count), NULL},
    {HEADERS, "stream_ended", LEAT_FIELD_TYPE_BOOL, AT(headers_received.stream_ended), NULL},
    {HEADERS, "is_trailers", LEAT_FIELD_TYPE_BOOL, AT(headers_received.is_trailers), NULL},
    {HEADERS, "is_informational", LEAT_FIELD_TYPE_BOOL, AT(headers_received.is_informational), NULL},
    {HEADERS, "push_id", LEAT_FIELD_TYPE_U64, AT(headers_received.push_id), NULL},
    {DATA, "data", LEAT_FIELD_TYPE_SPAN, AT(data_received.data), NULL},
    {DATA, "stream_ended", LEAT_FIELD_TYPE_BOOL, AT(data_received.stream_ended), NULL},
    {DATA, "push_id", LEAT_FIELD_TYPE_U64, AT(data_received.push_id), NULL},
    {LEAT_H3_EVENT_DATAGRAM_RECEIVED, "data", LEAT_FIELD_TYPE_SPAN, AT(datagram_received.data), NULL},
    {PUSH_PROMISE, "count", LEAT_FIELD_TYPE_SIZE, AT(push_promise_received.count), NULL},
    {PUSH_PROMISE, "push_id", LEAT_FIELD_TYPE_U64, AT(push_promise_received.push_id), NULL},
    {WEBTRANSPORT, "session_id", LEAT_FIELD_TYPE_U64, AT(webtransport_stream_data_received.session_id), NULL},
    {WEBTRANSPORT, "data", LEAT_FIELD_TYPE_SPAN, AT(webtransport_stream_data_received.data), NULL},
    {WEBTRANSPORT, "stream_ended", LEAT_FIELD_TYPE_BOOL, AT(webtransport_stream_data_received.stream_ended), NULL},
    {WEBTRANSPORT, "is_first", LEAT_FIELD_TYPE_BOOL, AT(webtransport_stream_data_received.is_first), NULL},
    {LEAT_H3_EVENT_SETTINGS_RECEIVED, "count", LEAT_FIELD_TYPE_SIZE, AT(settings_received.count), NULL},
    {LEAT_H3_EVENT_GOAWAY_RECEIVED, "id", LEAT_FIELD_TYPE_U64, AT(goaway_received.id), NULL},
    {RESET, "error_code", LEAT_FIELD_TYPE_U64, AT(stream_reset.error_code), NULL},
    {RESET, "session_id", LEAT_FIELD_TYPE_U64, AT(stream_reset.session_id), NULL},
    {STOP, "error_code", LEAT_FIELD_TYPE_U64, AT(stop_sending_received.error_code), NULL},
    {STOP, "session_id", LEAT_FIELD_TYPE_U64, AT(stop_sending_received.session_id), NULL},
    {CAPSULE, "capsule_type", LEAT_FIELD_TYPE_U64, AT(capsule_received.capsule_type), NULL},
    {CAPSULE, "value", LEAT_FIELD_TYPE_SPAN, AT(capsule_received.value), NULL},
    {CAPSULE, "length", LEAT_FIELD_TYPE_U64, AT(capsule_received.length), NULL},
    {PRIORITY, "element_id", LEAT_FIELD_TYPE_U64, AT(priority_updated.element_id), NULL},
    {PRIORITY, "is_push", LEAT_FIELD_TYPE_BOOL, AT(priority_updated.is_push), NULL},
    {PRIORITY, "value", LEAT_FIELD_TYPE_SPAN, AT(priority_updated.value), NULL},
    {MALFORMED, "error_code", LEAT_FIELD_TYPE_U64, AT(malformed.error_code), NULL},
    {MALFORMED, "message", LEAT_FIELD_TYPE_STRING, AT(malformed.message), NULL},
};
#define FIELD_COUNT (sizeof fields / sizeof fields[0])

const char *leat_h3_event_name(leat_h3_event_type type) {
    return (unsigned)type < LEAT_H3_EVENT_TYPE_COUNT ? names[type] : names[LEAT_H3_EVENT_NONE];
}

bool leat_h3_event_get_integer(const leat_h3_event *event, const char *field, uint64_t *value) {
    return leat_fields_get_integer(fields, FIELD_COUNT, (int)event->type, event, field, value);
}

bool leat_h3_event_get_bytes(const leat_h3_event *event, const char *field, leat_span *value) {
    return leat_fields_get_bytes(fields, FIELD_COUNT, (int)event->type, event, field, value);
}

char *leat_h3_event_format(const leat_h3_event *event, char *buffer, size_t room) {
    return leat_fields_format(fields, FIELD_COUNT, (int)event->type,
        leat_h3_event_name(event->type), event, buffer, room);
}

bool leat_h3_make_event(leat_h3_event *event, leat_h3_event_type type, uint64_t stream_id) {
    memset(event, 0, sizeof *event);
    event->type = type;
    event->stream_id = stream_id;
    return true;
}

/* ---- headers and errors ---------------------------------------------------------------------- */

leat_h3_header leat_h3_header_of(const char *name, const char *value) {
    return (leat_h3_header){leat_span_of(name), leat_span_of(value), false};
}

leat_span leat_h3_find_header(const leat_h3_header *headers, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (leat_span_is(headers[i].name, name)) {
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
