/*
 * Events as data: one row per event type with its name and its fields, for bindings that want no struct layout and for
 * text. The queue that they wait in is event_queue.c. Nothing here knows a connection.
 */
#include <leat/quic.h>

#include <stdio.h>
#include <string.h>

typedef enum field_kind {
    FIELD_INTEGER, /* uint64_t, leat_time */
    FIELD_PORT,    /* uint16_t */
    FIELD_BOOL,
    FIELD_SOURCE,  /* leat_close_source */
    FIELD_FATE,    /* leat_datagram_fate */
    FIELD_CHANGE,  /* leat_path_change */
    FIELD_SPAN,
    FIELD_CID,
    FIELD_TEXT,    /* const char *, NULL: empty */
    FIELD_ADDRESS, /* leat_address: its bytes are the IP */
} field_kind;

typedef struct field_row {
    const char *name;
    field_kind kind;
    size_t offset;
} field_row;

#define FIELDS_MAX 8
typedef struct event_row {
    const char *name;
    field_row fields[FIELDS_MAX];
} event_row;

#define AT(member) offsetof(leat_event, member)
#define PATH_FIELDS(prefix, member) \
    {prefix "local", FIELD_ADDRESS, AT(member.local)}, {prefix "local_port", FIELD_PORT, AT(member.local.port)}, \
        {prefix "remote", FIELD_ADDRESS, AT(member.remote)}, {prefix "remote_port", FIELD_PORT, AT(member.remote.port)}

static const event_row event_rows[LEAT_EVENT_TYPE_COUNT] = {
    [LEAT_EVENT_NONE] = {"None", {{0}}},
    [LEAT_EVENT_CONNECTION_ID_ISSUED] = {"ConnectionIdIssued", {{"connection_id", FIELD_CID, AT(connection_id)}}},
    [LEAT_EVENT_CONNECTION_ID_RETIRED] = {"ConnectionIdRetired", {{"connection_id", FIELD_CID, AT(connection_id)}}},
    [LEAT_EVENT_CONNECTION_TERMINATED] = {"ConnectionTerminated",
        {{"error_code", FIELD_INTEGER, AT(connection_terminated.error_code)},
         {"frame_type", FIELD_INTEGER, AT(connection_terminated.frame_type)},
         {"reason_phrase", FIELD_TEXT, AT(connection_terminated.reason_phrase)},
         {"source", FIELD_SOURCE, AT(connection_terminated.source)},
         {"silent_for", FIELD_INTEGER, AT(connection_terminated.silent_for)}}},
    [LEAT_EVENT_DATAGRAM_FRAME_RECEIVED] = {"DatagramFrameReceived", {{"data", FIELD_SPAN, AT(datagram_frame_received.data)}}},
    [LEAT_EVENT_HANDSHAKE_COMPLETED] = {"HandshakeCompleted",
        {{"alpn_protocol", FIELD_TEXT, AT(handshake_completed.alpn_protocol)},
         {"early_data_accepted", FIELD_BOOL, AT(handshake_completed.early_data_accepted)},
         {"session_resumed", FIELD_BOOL, AT(handshake_completed.session_resumed)}}},
    [LEAT_EVENT_PING_ACKNOWLEDGED] = {"PingAcknowledged",
        {{"uid", FIELD_INTEGER, AT(ping_acknowledged.uid)}, {"rtt", FIELD_INTEGER, AT(ping_acknowledged.rtt)}}},
    [LEAT_EVENT_PROTOCOL_NEGOTIATED] = {"ProtocolNegotiated", {{"alpn_protocol", FIELD_TEXT, AT(protocol_negotiated.alpn_protocol)}}},
    [LEAT_EVENT_STOP_SENDING_RECEIVED] = {"StopSendingReceived",
        {{"stream_id", FIELD_INTEGER, AT(stop_sending_received.stream_id)},
         {"error_code", FIELD_INTEGER, AT(stop_sending_received.error_code)}}},
    [LEAT_EVENT_STREAM_DATA_RECEIVED] = {"StreamDataReceived",
        {{"stream_id", FIELD_INTEGER, AT(stream_data_received.stream_id)},
         {"data", FIELD_SPAN, AT(stream_data_received.data)},
         {"end_stream", FIELD_BOOL, AT(stream_data_received.end_stream)}}},
    [LEAT_EVENT_STREAM_RESET] = {"StreamReset",
        {{"stream_id", FIELD_INTEGER, AT(stream_reset.stream_id)}, {"error_code", FIELD_INTEGER, AT(stream_reset.error_code)}}},
    [LEAT_EVENT_HANDSHAKE_CONFIRMED] = {"HandshakeConfirmed", {{0}}},
    [LEAT_EVENT_STREAM_OPENED] = {"StreamOpened", {{"stream_id", FIELD_INTEGER, AT(stream.stream_id)}}},
    [LEAT_EVENT_STREAM_WRITABLE] = {"StreamWritable", {{"stream_id", FIELD_INTEGER, AT(stream.stream_id)}}},
    [LEAT_EVENT_STREAMS_AVAILABLE] = {"StreamsAvailable", {{"unidirectional", FIELD_BOOL, AT(streams_available.unidirectional)}}},
    [LEAT_EVENT_STREAM_DELIVERED] = {"StreamDelivered", {{"stream_id", FIELD_INTEGER, AT(stream.stream_id)}}},
    [LEAT_EVENT_DATAGRAM_FRAME_FATE] = {"DatagramFrameFate",
        {{"uid", FIELD_INTEGER, AT(datagram_frame_fate.uid)}, {"fate", FIELD_FATE, AT(datagram_frame_fate.fate)}}},
    [LEAT_EVENT_PATH_VALIDATED] = {"PathValidated", {PATH_FIELDS("", path.path)}},
    [LEAT_EVENT_PATH_CHANGED] = {"PathChanged",
        {{"reason", FIELD_CHANGE, AT(path_changed.reason)},
         {"old_remote", FIELD_ADDRESS, AT(path_changed.old_path.remote)},
         {"old_remote_port", FIELD_PORT, AT(path_changed.old_path.remote.port)},
         PATH_FIELDS("", path_changed.new_path)}},
    [LEAT_EVENT_PATH_FAILED] = {"PathFailed", {PATH_FIELDS("", path.path)}},
    [LEAT_EVENT_SESSION_TICKET] = {"SessionTicket", {{"data", FIELD_SPAN, AT(ticket.data)}}},
    [LEAT_EVENT_NEW_TOKEN] = {"NewToken", {{"data", FIELD_SPAN, AT(ticket.data)}}},
    [LEAT_EVENT_KEY_UPDATED] = {"KeyUpdated", {{"by_peer", FIELD_BOOL, AT(key_updated.by_peer)}}},
    [LEAT_EVENT_EARLY_DATA_REJECTED] = {"EarlyDataRejected", {{0}}},
    [LEAT_EVENT_PEER_UNRESPONSIVE] = {"PeerUnresponsive", {{"silent_for", FIELD_INTEGER, AT(peer_liveness.silent_for)}}},
    [LEAT_EVENT_PEER_RESPONSIVE] = {"PeerResponsive", {{"silent_for", FIELD_INTEGER, AT(peer_liveness.silent_for)}}},
};

static const event_row *row_of(leat_event_type type) {
    return (unsigned)type < LEAT_EVENT_TYPE_COUNT ? &event_rows[type] : &event_rows[LEAT_EVENT_NONE];
}

const char *leat_event_name(leat_event_type type) { return row_of(type)->name; }

static const field_row *find_field(const leat_event *event, const char *name) {
    const event_row *row = row_of(event->type);
    for (size_t i = 0; i < FIELDS_MAX && row->fields[i].name != NULL; i++) {
        if (strcmp(row->fields[i].name, name) == 0) {
            return &row->fields[i];
        }
    }
    return NULL;
}

static bool read_integer(const leat_event *event, const field_row *field, uint64_t *value) {
    const void *at = (const char *)event + field->offset;
    switch (field->kind) {
    case FIELD_INTEGER:
        *value = *(const uint64_t *)at;
        return true;
    case FIELD_PORT:
        *value = *(const uint16_t *)at;
        return true;
    case FIELD_BOOL:
        *value = *(const bool *)at;
        return true;
    case FIELD_SOURCE:
        *value = *(const leat_close_source *)at;
        return true;
    case FIELD_FATE:
        *value = *(const leat_datagram_fate *)at;
        return true;
    case FIELD_CHANGE:
        *value = *(const leat_path_change *)at;
        return true;
    default:
        return false;
    }
}

static bool read_bytes(const leat_event *event, const field_row *field, leat_span *value) {
    const void *at = (const char *)event + field->offset;
    switch (field->kind) {
    case FIELD_SPAN:
        *value = *(const leat_span *)at;
        return true;
    case FIELD_CID:
        *value = (leat_span){((const leat_cid *)at)->bytes, ((const leat_cid *)at)->length};
        return true;
    case FIELD_TEXT: {
        const char *text = *(const char *const *)at;
        *value = (leat_span){(const uint8_t *)text, text != NULL ? strlen(text) : 0};
        return true;
    }
    case FIELD_ADDRESS: {
        const leat_address *address = at;
        size_t length = address->family == LEAT_ADDRESS_IPV4 ? 4 : address->family == LEAT_ADDRESS_IPV6 ? 16 : 0;
        *value = (leat_span){address->ip, length};
        return true;
    }
    default:
        return false;
    }
}

bool leat_event_get_integer(const leat_event *event, const char *field, uint64_t *value) {
    const field_row *row = find_field(event, field);
    return row != NULL && read_integer(event, row, value);
}

bool leat_event_get_bytes(const leat_event *event, const char *field, leat_span *value) {
    const field_row *row = find_field(event, field);
    if (row == NULL || !read_bytes(event, row, value)) {
        return false;
    }
    /* A peer's reason phrase may hold NUL bytes; its length stands beside it. */
    if (event->type == LEAT_EVENT_CONNECTION_TERMINATED && row->kind == FIELD_TEXT) {
        value->length = event->connection_terminated.reason_length;
    }
    return true;
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

typedef struct text_out {
    char *text;
    size_t used, room; /* used < room */
} text_out;

static void put_char(text_out *out, char c) {
    if (out->used + 1 < out->room) {
        out->text[out->used++] = c;
        out->text[out->used] = '\0';
    }
}

static void put_text(text_out *out, const char *text) {
    while (*text != '\0') {
        put_char(out, *text++);
    }
}

static void put_hex(text_out *out, leat_span bytes) {
    put_text(out, "0x");
    for (size_t i = 0; i < bytes.length; i++) {
        put_char(out, "0123456789abcdef"[bytes.data[i] >> 4]);
        put_char(out, "0123456789abcdef"[bytes.data[i] & 15]);
    }
}

/* Text of a peer may hold any bytes: only visible ASCII goes out as it is. */
static void put_quoted(text_out *out, leat_span bytes) {
    put_char(out, '"');
    for (size_t i = 0; i < bytes.length; i++) {
        bool visible = bytes.data[i] >= ' ' && bytes.data[i] <= '~' && bytes.data[i] != '"';
        put_char(out, visible ? (char)bytes.data[i] : '?');
    }
    put_char(out, '"');
}

static void put_address(text_out *out, const leat_event *event, const field_row *field) {
    char text[LEAT_ADDRESS_TEXT_MAX];
    leat_address address;
    memcpy(&address, (const char *)event + field->offset, sizeof address);
    put_text(out, leat_address_format(&address, text));
}

static void put_integer(text_out *out, field_kind kind, uint64_t value) {
    static const char *const fates[] = {"acked", "lost", "expired"};
    static const char *const changes[] = {"rebound", "migrated"};
    char digits[24];
    switch (kind) {
    case FIELD_SOURCE:
        put_text(out, leat_close_source_name((leat_close_source)value));
        return;
    case FIELD_FATE:
        put_text(out, fates[value <= LEAT_DATAGRAM_EXPIRED ? value : 0]);
        return;
    case FIELD_CHANGE:
        put_text(out, changes[value <= LEAT_PATH_MIGRATED ? value : 0]);
        return;
    default:
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
        put_text(out, value == LEAT_FRAME_TYPE_NONE ? "none" : digits);
    }
}

static void put_field(text_out *out, const leat_event *event, const field_row *field) {
    uint64_t integer = 0;
    leat_span bytes = {NULL, 0};
    put_char(out, ' ');
    put_text(out, field->name);
    put_char(out, '=');
    if (read_integer(event, field, &integer)) {
        put_integer(out, field->kind, integer);
    } else if (field->kind == FIELD_ADDRESS) {
        put_address(out, event, field);
    } else if (leat_event_get_bytes(event, field->name, &bytes)) {
        if (field->kind == FIELD_TEXT) {
            put_quoted(out, bytes);
        } else {
            put_hex(out, bytes);
        }
    }
}

char *leat_event_format(const leat_event *event, char *text, size_t room) {
    if (room == 0) {
        return text;
    }
    text_out out = {text, 0, room};
    text[0] = '\0';
    put_text(&out, leat_event_name(event->type));
    const event_row *row = row_of(event->type);
    for (size_t i = 0; i < FIELDS_MAX && row->fields[i].name != NULL; i++) {
        /* An address prints with its port, which has a field of its own only for bindings. */
        if (row->fields[i].kind != FIELD_PORT) {
            put_field(&out, event, &row->fields[i]);
        }
    }
    return text;
}
