/*
 * Events as data: their names, and their fields as rows of base/fields.h, for bindings that want no
 * struct layout and for text. The queue that they wait in is event_queue.c. Nothing here knows a
 * connection.
 */
#include <leat/quic.h>

#include "base/fields.h"

static const char *const names[LEAT_EVENT_TYPE_COUNT] = {
    [LEAT_EVENT_NONE] = "None",
    [LEAT_EVENT_CONNECTION_ID_ISSUED] = "ConnectionIdIssued",
    [LEAT_EVENT_CONNECTION_ID_RETIRED] = "ConnectionIdRetired",
    [LEAT_EVENT_CONNECTION_TERMINATED] = "ConnectionTerminated",
    [LEAT_EVENT_DATAGRAM_FRAME_RECEIVED] = "DatagramFrameReceived",
    [LEAT_EVENT_HANDSHAKE_COMPLETED] = "HandshakeCompleted",
    [LEAT_EVENT_PING_ACKNOWLEDGED] = "PingAcknowledged",
    [LEAT_EVENT_PROTOCOL_NEGOTIATED] = "ProtocolNegotiated",
    [LEAT_EVENT_STOP_SENDING_RECEIVED] = "StopSendingReceived",
    [LEAT_EVENT_STREAM_DATA_RECEIVED] = "StreamDataReceived",
    [LEAT_EVENT_STREAM_RESET] = "StreamReset",
    [LEAT_EVENT_HANDSHAKE_CONFIRMED] = "HandshakeConfirmed",
    [LEAT_EVENT_STREAM_OPENED] = "StreamOpened",
    [LEAT_EVENT_STREAM_WRITABLE] = "StreamWritable",
    [LEAT_EVENT_STREAMS_AVAILABLE] = "StreamsAvailable",
    [LEAT_EVENT_STREAM_DELIVERED] = "StreamDelivered",
    [LEAT_EVENT_DATAGRAM_FRAME_FATE] = "DatagramFrameFate",
    [LEAT_EVENT_PATH_VALIDATED] = "PathValidated",
    [LEAT_EVENT_PATH_CHANGED] = "PathChanged",
    [LEAT_EVENT_PATH_FAILED] = "PathFailed",
    [LEAT_EVENT_SESSION_TICKET] = "SessionTicket",
    [LEAT_EVENT_NEW_TOKEN] = "NewToken",
    [LEAT_EVENT_KEY_UPDATED] = "KeyUpdated",
    [LEAT_EVENT_EARLY_DATA_REJECTED] = "EarlyDataRejected",
    [LEAT_EVENT_PEER_UNRESPONSIVE] = "PeerUnresponsive",
    [LEAT_EVENT_PEER_RESPONSIVE] = "PeerResponsive",
};

static const char *source_of(int value) {
    return leat_close_source_name((leat_close_source)value);
}

static const char *fate_of(int value) {
    static const char *const fates[] = {"acked", "lost", "expired"};
    return fates[value];
}

static const char *change_of(int value) {
    static const char *const changes[] = {"rebound", "migrated"};
    return changes[value];
}

#define AT(member) offsetof(leat_event, member)
/* An address prints with its port, which is a field of its own only for bindings. */
#define ADDRESS(event, name, member)                                                               \
    {event, name, LEAT_FIELD_TYPE_ADDRESS, AT(member), NULL}, {                                    \
        event, name "_port", LEAT_FIELD_TYPE_PORT, AT(member.port), NULL                           \
    }
#define PATH(event, member)                                                                        \
    ADDRESS(event, "local", member.local), ADDRESS(event, "remote", member.remote)

/* clang-format off */
static const leat_field_row rows[] = {
    {LEAT_EVENT_CONNECTION_ID_ISSUED, "connection_id", LEAT_FIELD_TYPE_CID, AT(connection_id), NULL},
    {LEAT_EVENT_CONNECTION_ID_RETIRED, "connection_id", LEAT_FIELD_TYPE_CID, AT(connection_id), NULL},
    {LEAT_EVENT_CONNECTION_TERMINATED, "error_code", LEAT_FIELD_TYPE_U64, AT(connection_terminated.error_code), NULL},
    {LEAT_EVENT_CONNECTION_TERMINATED, "frame_type", LEAT_FIELD_TYPE_U64, AT(connection_terminated.frame_type), NULL},
    {LEAT_EVENT_CONNECTION_TERMINATED, "reason_phrase", LEAT_FIELD_TYPE_TEXT, AT(connection_terminated.reason_phrase), NULL},
    {LEAT_EVENT_CONNECTION_TERMINATED, "source", LEAT_FIELD_TYPE_ENUM, AT(connection_terminated.source), source_of},
    {LEAT_EVENT_CONNECTION_TERMINATED, "silent_for", LEAT_FIELD_TYPE_TIME, AT(connection_terminated.silent_for), NULL},
    {LEAT_EVENT_DATAGRAM_FRAME_RECEIVED, "data", LEAT_FIELD_TYPE_SPAN, AT(datagram_frame_received.data), NULL},
    {LEAT_EVENT_HANDSHAKE_COMPLETED, "alpn_protocol", LEAT_FIELD_TYPE_STRING, AT(handshake_completed.alpn_protocol), NULL},
    {LEAT_EVENT_HANDSHAKE_COMPLETED, "early_data_accepted", LEAT_FIELD_TYPE_BOOL, AT(handshake_completed.early_data_accepted), NULL},
    {LEAT_EVENT_HANDSHAKE_COMPLETED, "session_resumed", LEAT_FIELD_TYPE_BOOL, AT(handshake_completed.session_resumed), NULL},
    {LEAT_EVENT_PING_ACKNOWLEDGED, "uid", LEAT_FIELD_TYPE_U64, AT(ping_acknowledged.uid), NULL},
    {LEAT_EVENT_PING_ACKNOWLEDGED, "rtt", LEAT_FIELD_TYPE_TIME, AT(ping_acknowledged.rtt), NULL},
    {LEAT_EVENT_PROTOCOL_NEGOTIATED, "alpn_protocol", LEAT_FIELD_TYPE_STRING, AT(protocol_negotiated.alpn_protocol), NULL},
    {LEAT_EVENT_STOP_SENDING_RECEIVED, "stream_id", LEAT_FIELD_TYPE_U64, AT(stop_sending_received.stream_id), NULL},
    {LEAT_EVENT_STOP_SENDING_RECEIVED, "error_code", LEAT_FIELD_TYPE_U64, AT(stop_sending_received.error_code), NULL},
    {LEAT_EVENT_STREAM_DATA_RECEIVED, "stream_id", LEAT_FIELD_TYPE_U64, AT(stream_data_received.stream_id), NULL},
    {LEAT_EVENT_STREAM_DATA_RECEIVED, "data", LEAT_FIELD_TYPE_SPAN, AT(stream_data_received.data), NULL},
    {LEAT_EVENT_STREAM_DATA_RECEIVED, "end_stream", LEAT_FIELD_TYPE_BOOL, AT(stream_data_received.end_stream), NULL},
    {LEAT_EVENT_STREAM_DATA_RECEIVED, "early", LEAT_FIELD_TYPE_FLAG, AT(stream_data_received.early), NULL},
    {LEAT_EVENT_STREAM_RESET, "stream_id", LEAT_FIELD_TYPE_U64, AT(stream_reset.stream_id), NULL},
    {LEAT_EVENT_STREAM_RESET, "error_code", LEAT_FIELD_TYPE_U64, AT(stream_reset.error_code), NULL},
    {LEAT_EVENT_STREAM_OPENED, "stream_id", LEAT_FIELD_TYPE_U64, AT(stream.stream_id), NULL},
    {LEAT_EVENT_STREAM_WRITABLE, "stream_id", LEAT_FIELD_TYPE_U64, AT(stream.stream_id), NULL},
    {LEAT_EVENT_STREAMS_AVAILABLE, "unidirectional", LEAT_FIELD_TYPE_BOOL, AT(streams_available.unidirectional), NULL},
    {LEAT_EVENT_STREAM_DELIVERED, "stream_id", LEAT_FIELD_TYPE_U64, AT(stream.stream_id), NULL},
    {LEAT_EVENT_DATAGRAM_FRAME_FATE, "uid", LEAT_FIELD_TYPE_U64, AT(datagram_frame_fate.uid), NULL},
    {LEAT_EVENT_DATAGRAM_FRAME_FATE, "fate", LEAT_FIELD_TYPE_ENUM, AT(datagram_frame_fate.fate), fate_of},
    PATH(LEAT_EVENT_PATH_VALIDATED, path.path),
    {LEAT_EVENT_PATH_CHANGED, "reason", LEAT_FIELD_TYPE_ENUM, AT(path_changed.reason), change_of},
    ADDRESS(LEAT_EVENT_PATH_CHANGED, "old_remote", path_changed.old_path.remote),
    PATH(LEAT_EVENT_PATH_CHANGED, path_changed.new_path),
    PATH(LEAT_EVENT_PATH_FAILED, path.path),
    {LEAT_EVENT_SESSION_TICKET, "data", LEAT_FIELD_TYPE_SPAN, AT(ticket.data), NULL},
    {LEAT_EVENT_NEW_TOKEN, "data", LEAT_FIELD_TYPE_SPAN, AT(ticket.data), NULL},
    {LEAT_EVENT_KEY_UPDATED, "by_peer", LEAT_FIELD_TYPE_BOOL, AT(key_updated.by_peer), NULL},
    {LEAT_EVENT_PEER_UNRESPONSIVE, "silent_for", LEAT_FIELD_TYPE_TIME, AT(peer_liveness.silent_for), NULL},
    {LEAT_EVENT_PEER_RESPONSIVE, "silent_for", LEAT_FIELD_TYPE_TIME, AT(peer_liveness.silent_for), NULL},
};
/* clang-format on */
#define ROWS (sizeof rows / sizeof rows[0])

const char *leat_event_name(leat_event_type type) {
    return (unsigned)type < LEAT_EVENT_TYPE_COUNT ? names[type] : names[LEAT_EVENT_NONE];
}

bool leat_event_get_integer(const leat_event *event, const char *field, uint64_t *value) {
    return leat_fields_get_integer(rows, ROWS, (int)event->type, event, field, value);
}

bool leat_event_get_bytes(const leat_event *event, const char *field, leat_span *value) {
    return leat_fields_get_bytes(rows, ROWS, (int)event->type, event, field, value);
}

char *leat_event_format(const leat_event *event, char *buffer, size_t room) {
    return leat_fields_format(
        rows, ROWS, (int)event->type, leat_event_name(event->type), event, buffer, room);
}
