/* Names of events, causes and origins, and the fields of each event as rows. */
#include "base/fields.h"
#include "webtransport/internal.h"

static const char *const event_names[LEAT_WT_EVENT_TYPE_COUNT] = {
    [LEAT_WT_EVENT_NONE] = "None",
    [LEAT_WT_EVENT_SESSION_REQUESTED] = "SessionRequested",
    [LEAT_WT_EVENT_SESSION_READY] = "SessionReady",
    [LEAT_WT_EVENT_SESSION_REFUSED] = "SessionRefused",
    [LEAT_WT_EVENT_STREAM_OPENED] = "StreamOpened",
    [LEAT_WT_EVENT_STREAM_DATA_RECEIVED] = "StreamDataReceived",
    [LEAT_WT_EVENT_STREAM_RESET] = "StreamReset",
    [LEAT_WT_EVENT_STOP_SENDING_RECEIVED] = "StopSendingReceived",
    [LEAT_WT_EVENT_STREAM_WRITABLE] = "StreamWritable",
    [LEAT_WT_EVENT_DATAGRAM_RECEIVED] = "DatagramReceived",
    [LEAT_WT_EVENT_DATAGRAM_FATE] = "DatagramFate",
    [LEAT_WT_EVENT_SESSION_DRAINING] = "SessionDraining",
    [LEAT_WT_EVENT_SESSION_CLOSED] = "SessionClosed",
};

static const char *const cause_names[] = {
    [LEAT_WT_CAUSE_CAPSULE] = "capsule",
    [LEAT_WT_CAUSE_FIN] = "fin",
    [LEAT_WT_CAUSE_RESET] = "reset",
    [LEAT_WT_CAUSE_STOP] = "stop",
    [LEAT_WT_CAUSE_CONNECTION_CLOSE] = "connection_close",
    [LEAT_WT_CAUSE_TIMEOUT] = "timeout",
    [LEAT_WT_CAUSE_STATELESS_RESET] = "stateless_reset",
    [LEAT_WT_CAUSE_CONNECT_FAILED] = "connect_failed",
    [LEAT_WT_CAUSE_PROTOCOL_ERROR] = "protocol_error",
    [LEAT_WT_CAUSE_LOCAL] = "local",
    [LEAT_WT_CAUSE_INTERNAL_ERROR] = "internal_error",
};

static const char *const origin_names[] = {
    [LEAT_WT_ORIGIN_LOCAL] = "local",
    [LEAT_WT_ORIGIN_PEER] = "peer",
    [LEAT_WT_ORIGIN_TRANSPORT] = "transport",
    [LEAT_WT_ORIGIN_TIMER] = "timer",
};

const char *leat_wt_event_name(leat_wt_event_type type) {
    return (unsigned)type < LEAT_WT_EVENT_TYPE_COUNT ? event_names[type]
                                                     : event_names[LEAT_WT_EVENT_NONE];
}

const char *leat_wt_cause_name(leat_wt_cause cause) {
    return cause_names[cause];
}

const char *leat_wt_origin_name(leat_wt_origin origin) {
    return origin_names[origin];
}

static const char *dialect_of(int value) {
    return leat_wt_dialect_name((leat_wt_dialect)value);
}

static const char *cause_of(int value) {
    return cause_names[value];
}

static const char *origin_of(int value) {
    return origin_names[value];
}

static const char *fate_of(int value) {
    static const char *const names[] = {"acked", "lost", "expired"};
    return names[value];
}

#define AT(member) offsetof(leat_wt_event, member)

/* clang-format off */
static const leat_field_row rows[] = {
    {-1, "session_id", LEAT_FIELD_TYPE_U64, AT(session_id), NULL},
    {LEAT_WT_EVENT_SESSION_REQUESTED, "authority", LEAT_FIELD_TYPE_SPAN, AT(session_requested.authority), NULL},
    {LEAT_WT_EVENT_SESSION_REQUESTED, "path", LEAT_FIELD_TYPE_SPAN, AT(session_requested.path), NULL},
    {LEAT_WT_EVENT_SESSION_REQUESTED, "origin", LEAT_FIELD_TYPE_SPAN, AT(session_requested.origin), NULL},
    {LEAT_WT_EVENT_SESSION_REQUESTED, "dialect", LEAT_FIELD_TYPE_ENUM, AT(session_requested.dialect), dialect_of},
    {LEAT_WT_EVENT_SESSION_READY, "dialect", LEAT_FIELD_TYPE_ENUM, AT(session_ready.dialect), dialect_of},
    {LEAT_WT_EVENT_SESSION_REFUSED, "status", LEAT_FIELD_TYPE_U32, AT(session_refused.status), NULL},
    {LEAT_WT_EVENT_STREAM_OPENED, "stream_id", LEAT_FIELD_TYPE_U64, AT(stream_id), NULL},
    {LEAT_WT_EVENT_STREAM_OPENED, "unidirectional", LEAT_FIELD_TYPE_BOOL, AT(stream_opened.unidirectional), NULL},
    {LEAT_WT_EVENT_STREAM_DATA_RECEIVED, "stream_id", LEAT_FIELD_TYPE_U64, AT(stream_id), NULL},
    {LEAT_WT_EVENT_STREAM_DATA_RECEIVED, "data", LEAT_FIELD_TYPE_SPAN, AT(stream_data_received.data), NULL},
    {LEAT_WT_EVENT_STREAM_DATA_RECEIVED, "end_stream", LEAT_FIELD_TYPE_BOOL, AT(stream_data_received.end_stream), NULL},
    {LEAT_WT_EVENT_STREAM_RESET, "stream_id", LEAT_FIELD_TYPE_U64, AT(stream_id), NULL},
    {LEAT_WT_EVENT_STREAM_RESET, "code", LEAT_FIELD_TYPE_U32, AT(stream_error.code), NULL},
    {LEAT_WT_EVENT_STREAM_RESET, "has_code", LEAT_FIELD_TYPE_BOOL, AT(stream_error.has_code), NULL},
    {LEAT_WT_EVENT_STREAM_RESET, "http_code", LEAT_FIELD_TYPE_U64, AT(stream_error.http_code), NULL},
    {LEAT_WT_EVENT_STOP_SENDING_RECEIVED, "stream_id", LEAT_FIELD_TYPE_U64, AT(stream_id), NULL},
    {LEAT_WT_EVENT_STOP_SENDING_RECEIVED, "code", LEAT_FIELD_TYPE_U32, AT(stream_error.code), NULL},
    {LEAT_WT_EVENT_STOP_SENDING_RECEIVED, "has_code", LEAT_FIELD_TYPE_BOOL, AT(stream_error.has_code), NULL},
    {LEAT_WT_EVENT_STOP_SENDING_RECEIVED, "http_code", LEAT_FIELD_TYPE_U64, AT(stream_error.http_code), NULL},
    {LEAT_WT_EVENT_STREAM_WRITABLE, "stream_id", LEAT_FIELD_TYPE_U64, AT(stream_id), NULL},
    {LEAT_WT_EVENT_DATAGRAM_RECEIVED, "data", LEAT_FIELD_TYPE_SPAN, AT(datagram_received.data), NULL},
    {LEAT_WT_EVENT_DATAGRAM_FATE, "uid", LEAT_FIELD_TYPE_U64, AT(datagram_fate.uid), NULL},
    {LEAT_WT_EVENT_DATAGRAM_FATE, "fate", LEAT_FIELD_TYPE_ENUM, AT(datagram_fate.fate), fate_of},
    {LEAT_WT_EVENT_SESSION_DRAINING, "by_goaway", LEAT_FIELD_TYPE_BOOL, AT(session_draining.by_goaway), NULL},
    {LEAT_WT_EVENT_SESSION_CLOSED, "origin", LEAT_FIELD_TYPE_ENUM, AT(session_closed.origin), origin_of},
    {LEAT_WT_EVENT_SESSION_CLOSED, "cause", LEAT_FIELD_TYPE_ENUM, AT(session_closed.cause), cause_of},
    {LEAT_WT_EVENT_SESSION_CLOSED, "code", LEAT_FIELD_TYPE_U32, AT(session_closed.code), NULL},
    {LEAT_WT_EVENT_SESSION_CLOSED, "reason", LEAT_FIELD_TYPE_TEXT, AT(session_closed.reason), NULL},
    {LEAT_WT_EVENT_SESSION_CLOSED, "http_code", LEAT_FIELD_TYPE_U64, AT(session_closed.http_code), NULL},
    {LEAT_WT_EVENT_SESSION_CLOSED, "quic_code", LEAT_FIELD_TYPE_U64, AT(session_closed.quic_code), NULL},
    {LEAT_WT_EVENT_SESSION_CLOSED, "clean", LEAT_FIELD_TYPE_BOOL, AT(session_closed.clean), NULL},
    {LEAT_WT_EVENT_SESSION_CLOSED, "connection_usable", LEAT_FIELD_TYPE_BOOL, AT(session_closed.connection_usable), NULL},
    {LEAT_WT_EVENT_SESSION_CLOSED, "silent_for", LEAT_FIELD_TYPE_TIME, AT(session_closed.silent_for), NULL},
    {LEAT_WT_EVENT_SESSION_CLOSED, "datagrams_dropped", LEAT_FIELD_TYPE_U64, AT(session_closed.datagrams_dropped), NULL},
};
/* clang-format on */
#define ROWS (sizeof rows / sizeof rows[0])

bool leat_wt_event_get_integer(const leat_wt_event *event, const char *field, uint64_t *value) {
    return leat_fields_get_integer(rows, ROWS, (int)event->type, event, field, value);
}

bool leat_wt_event_get_bytes(const leat_wt_event *event, const char *field, leat_span *value) {
    return leat_fields_get_bytes(rows, ROWS, (int)event->type, event, field, value);
}

char *leat_wt_event_format(const leat_wt_event *event, char *buffer, size_t room) {
    return leat_fields_format(
        rows, ROWS, (int)event->type, leat_wt_event_name(event->type), event, buffer, room);
}
