/* What a connection tells its trace sink. Frames become records by the descriptors of the frame
 * table. */
#include "quic/conn/trace.h"

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

bool leat_conn_is_traced(const leat_conn *conn) { return leat_trace_is_on(conn); }

void leat_conn_trace(const leat_conn *conn, const char *category, const char *name,
                     const leat_trace_field *fields,
                     size_t count) {
    if (!leat_trace_is_on(conn)) {
        return;
    }
    const leat_trace_record record = {
        .time = conn->now,
        .connection = leat_cid_span(&conn->cids.original_dcid),
        .category = category,
        .name = name,
        .fields = fields,
        .field_count = count,
    };
    conn->trace_sink.on_record(conn->trace_sink.user, &record);
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* name, frame type, the row's fields, and what the hand-written codecs add. */
#define FRAME_FIELDS_MAX (2 + LEAT_FRAME_FIELDS_MAX + 4)

static leat_trace_field field_of(const leat_frame *frame, const leat_frame_field *row) {
    const void *at = (const char *)frame + row->offset;
    switch (row->kind) {
    case LEAT_FIELD_BYTES:
    case LEAT_FIELD_TOKEN:
    case LEAT_FIELD_CID:
        return leat_trace_bytes(row->name, *(const leat_span *)at);
    case LEAT_FIELD_8_BYTES:
        return leat_trace_bytes(row->name, (leat_span){*(const uint8_t *const *)at, 8});
    case LEAT_FIELD_16_BYTES:
        return leat_trace_bytes(row->name, (leat_span){*(const uint8_t *const *)at, 16});
    default:
        return leat_trace_integer(row->name, *(const uint64_t *)at);
    }
}

/* STREAM, ACK, DATAGRAM, CRYPTO and PADDING: what matters of them, without their payload. */
static size_t add_hot_fields(const leat_frame *frame, leat_trace_field *fields) {
    switch (frame->kind) {
    case LEAT_FRAME_STREAM:
        fields[0] = leat_trace_integer("stream_id", frame->stream.stream_id);
        fields[1] = leat_trace_integer("offset", frame->stream.offset);
        fields[2] = leat_trace_integer("length", frame->stream.data.length);
        fields[3] = leat_trace_bool("fin", frame->stream.fin);
        return 4;
    case LEAT_FRAME_ACK:
        fields[0] = leat_trace_integer("largest_acknowledged", frame->ack.largest);
        fields[1] = leat_trace_integer("ack_delay", frame->ack.delay);
        fields[2] = leat_trace_integer("first_ack_range", frame->ack.first_range);
        fields[3] = leat_trace_integer("ack_range_count", frame->ack.range_count);
        return 4;
    case LEAT_FRAME_CRYPTO:
        fields[0] = leat_trace_integer("offset", frame->crypto.offset);
        fields[1] = leat_trace_integer("length", frame->crypto.data.length);
        return 2;
    case LEAT_FRAME_DATAGRAM:
        fields[0] = leat_trace_integer("length", frame->datagram.data.length);
        return 1;
    case LEAT_FRAME_PADDING:
        fields[0] = leat_trace_integer("payload_length", frame->padding.length);
        return 1;
    default:
        return 0;
    }
}

static void trace_frame(const leat_conn *conn, const leat_frame *frame, const char *name) {
    const leat_frame_row *row = &leat_frame_table[frame->kind];
    leat_trace_field fields[FRAME_FIELDS_MAX];
    size_t count = 0;
    fields[count++] = leat_trace_text("frame_type", row->name);
    fields[count++] = leat_trace_integer("frame_type_bytes", frame->type);
    size_t hot = add_hot_fields(frame, fields + count);
    count += hot;
    for (size_t i = 0; hot == 0 && row->fields[i].kind != LEAT_FIELD_END; i++) {
        fields[count++] = field_of(frame, &row->fields[i]);
    }
    leat_conn_trace(conn, "quic", name, fields, count);
}

static void trace_frames(const leat_conn *conn, leat_span payload, const char *name) {
    leat_reader reader = leat_reader_of(payload);
    leat_frame frame;
    while (leat_reader_left(&reader) > 0 && leat_frame_parse(&reader, &frame) == 0) {
        trace_frame(conn, &frame, name);
    }
}

/* ---- packets --------------------------------------------------------------------------------- */

static void trace_packet(const leat_conn *conn, const char *name, leat_packet_type type,
                         uint64_t pn, size_t length) {
    const leat_trace_field fields[] = {
        leat_trace_text("packet_type", leat_packet_type_name(type)),
        leat_trace_integer("packet_number", pn),
        leat_trace_integer("length", length),
    };
    leat_conn_trace(conn, "quic", name, fields, COUNT(fields));
}

void leat_trace_packet_received(const leat_conn *conn, const leat_packet_in *packet) {
    if (leat_trace_is_on(conn)) {
        trace_frames(conn, (leat_span){packet->opened.payload, packet->opened.payload_length},
                     "frame_parsed");
        trace_packet(conn, "packet_received", packet->header.type, packet->opened.pn,
                     packet->length);
    }
}

void leat_trace_packet_sent(const leat_conn *conn, const leat_packet_out *out, leat_span frames,
                            size_t size) {
    if (leat_trace_is_on(conn)) {
        trace_frames(conn, frames, "frame_created");
        trace_packet(conn, "packet_sent", out->builder.type, out->builder.pn, size);
    }
}

void leat_trace_packet_dropped(const leat_conn *conn, leat_drop drop, leat_packet_type type,
                               size_t length) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {
            leat_trace_text("packet_type", type < LEAT_PACKET_TYPE_COUNT
                    ? leat_packet_type_name(type) : "unknown"),
            leat_trace_text("trigger", leat_drop_name(drop)),
            leat_trace_integer("length", length),
        };
        leat_conn_trace(conn, "quic", "packet_dropped", fields, COUNT(fields));
    }
}

void leat_trace_packet_buffered(const leat_conn *conn, leat_packet_type type, size_t length) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {
            leat_trace_text("packet_type", leat_packet_type_name(type)),
            leat_trace_text("trigger", "keys_unavailable"),
            leat_trace_integer("length", length),
        };
        leat_conn_trace(conn, "quic", "packet_buffered", fields, COUNT(fields));
    }
}

static const char *space_name(leat_space space) {
    static const char *const names[LEAT_SPACE_COUNT] = {"initial", "handshake", "application_data"};
    return names[space];
}

void leat_trace_packet_lost(const leat_conn *conn, leat_space space, uint64_t pn) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {
            leat_trace_text("packet_number_space", space_name(space)),
            leat_trace_integer("packet_number", pn),
        };
        leat_conn_trace(conn, "recovery", "packet_lost", fields, COUNT(fields));
    }
}

/* ---- states and values ----------------------------------------------------------------------- */

static const char *state_name(leat_conn_state state) {
    static const char *const names[] = {
        [LEAT_CONN_NEW] = "attempted",
        [LEAT_CONN_OPEN] = "open",
        [LEAT_CONN_CLOSING] = "closing",
        [LEAT_CONN_DRAINING] = "draining",
        [LEAT_CONN_CLOSED] = "closed",
    };
    return names[state];
}

void leat_trace_state(const leat_conn *conn, leat_conn_state before, leat_conn_state after) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {leat_trace_text("old", state_name(before)),
                                           leat_trace_text("new", state_name(after))};
        leat_conn_trace(conn, "quic", "connection_state_updated", fields, COUNT(fields));
    }
}

void leat_trace_closed(const leat_conn *conn) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {
            leat_trace_text("trigger", leat_close_source_name(conn->close.source)),
            leat_trace_bool("application", conn->close.is_application),
            leat_trace_integer("error_code", conn->close.error_code),
            leat_trace_integer("frame_type", conn->close.frame_type),
            leat_trace_text("reason", conn->close.reason != NULL ? conn->close.reason : ""),
        };
        leat_conn_trace(conn, "quic", "connection_closed", fields, COUNT(fields));
    }
}

void leat_trace_params(const leat_conn *conn, bool ours, const leat_transport_params *params) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {
            leat_trace_text("initiator", ours ? "local" : "remote"),
            leat_trace_integer("max_idle_timeout", params->max_idle_timeout),
            leat_trace_integer("max_udp_payload_size", params->max_udp_payload_size),
            leat_trace_integer("ack_delay_exponent", params->ack_delay_exponent),
            leat_trace_integer("max_ack_delay", params->max_ack_delay),
            leat_trace_integer("active_connection_id_limit", params->active_connection_id_limit),
            leat_trace_integer("initial_max_data", params->initial_max_data),
            leat_trace_integer("initial_max_stream_data_bidi_local",
                               params->initial_max_stream_data_bidi_local),
            leat_trace_integer("initial_max_stream_data_bidi_remote",
                               params->initial_max_stream_data_bidi_remote),
            leat_trace_integer("initial_max_stream_data_uni", params->initial_max_stream_data_uni),
            leat_trace_integer("initial_max_streams_bidi", params->initial_max_streams_bidi),
            leat_trace_integer("initial_max_streams_uni", params->initial_max_streams_uni),
            leat_trace_integer("max_datagram_frame_size", params->max_datagram_frame_size),
        };
        leat_conn_trace(conn, "quic", "parameters_set", fields, COUNT(fields));
    }
}

void leat_trace_keys(const leat_conn *conn, const char *name, leat_space space,
                     const char *trigger) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {
            leat_trace_text("packet_number_space", space_name(space)),
            leat_trace_text("trigger", trigger),
        };
        leat_conn_trace(conn, "tls", name, fields, COUNT(fields));
    }
}

void leat_trace_tls_message(const leat_conn *conn, bool written, leat_level level, uint8_t type,
                            size_t length) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {
            leat_trace_integer("level", level),
            leat_trace_integer("type", type),
            leat_trace_integer("length", length),
        };
        leat_conn_trace(conn, "tls", written ? "message_sent" : "message_received", fields,
                        COUNT(fields));
    }
}

void leat_trace_metrics(const leat_conn *conn) {
    if (leat_trace_is_on(conn)) {
        const leat_recovery_path *path = &conn->paths.active->recovery;
        const leat_trace_field fields[] = {
            leat_trace_integer("smoothed_rtt", path->rtt.smoothed_rtt),
            leat_trace_integer("min_rtt", path->rtt.min_rtt),
            leat_trace_integer("latest_rtt", path->rtt.latest_rtt),
            leat_trace_integer("rtt_variance", path->rtt.rttvar),
            leat_trace_integer("congestion_window", leat_congestion_window(&path->congestion)),
            leat_trace_integer("bytes_in_flight", path->bytes_in_flight),
            leat_trace_integer("pto_count", conn->recovery.pto_count),
            leat_trace_text("congestion_state", leat_congestion_state_name(&path->congestion)),
        };
        leat_conn_trace(conn, "recovery", "metrics_updated", fields, COUNT(fields));
    }
}

void leat_trace_path(const leat_conn *conn, const char *name, const leat_path_state *path) {
    if (leat_trace_is_on(conn)) {
        char local[LEAT_ADDRESS_TEXT_MAX], remote[LEAT_ADDRESS_TEXT_MAX];
        const leat_trace_field fields[] = {
            leat_trace_text("local", leat_address_format(&path->addresses.local, local)),
            leat_trace_text("remote", leat_address_format(&path->addresses.remote, remote)),
            leat_trace_bool("validated", path->is_validated),
        };
        leat_conn_trace(conn, "quic", name, fields, COUNT(fields));
    }
}

void leat_trace_timer(const leat_conn *conn, const char *timer) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {leat_trace_text("timer_type", timer),
                                           leat_trace_text("event_type", "expired")};
        leat_conn_trace(conn, "recovery", "timer_updated", fields, COUNT(fields));
    }
}
