/*
 * What the trace sink hears of packets. Their frames are parsed once more for it, by the
 * descriptors of the frame table, so that the hot paths carry no trace code. Payloads are told by
 * their lengths only.
 */
#include "quic/conn/trace.h"

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

/* Name, type, what the row describes or the hand-written codecs have, and what the kind says. */
#define FRAME_FIELDS_MAX (2 + LEAT_FRAME_FIELDS_MAX + 6)

/* A record in the making; the numbers are the ranges of an ACK. */
typedef struct frame_record {
    leat_trace_field fields[FRAME_FIELDS_MAX];
    size_t count;
    uint64_t ranges[2 * LEAT_ACK_RANGES_MAX];
} frame_record;

static void add(frame_record *record, leat_trace_field field) {
    record->fields[record->count++] = field;
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* RFC 9000 §20: error codes of the transport and of the application are two kinds of numbers. */
static const char *name_of(const leat_frame *frame, const leat_frame_field *row) {
    if (strcmp(row->name, "error_code") != 0) {
        return row->name;
    }
    return frame->kind == LEAT_FRAME_CONNECTION_CLOSE ? "transport_error" : "application_error";
}

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
        return leat_trace_integer(name_of(frame, row), *(const uint64_t *)at);
    }
}

static void add_ack(frame_record *record, const leat_frame *frame, uint64_t exponent) {
    leat_ack_walk walk = leat_ack_walk_begin(frame);
    leat_range range;
    size_t count = 0;
    while (count < COUNT(record->ranges) && leat_ack_walk_next(&walk, frame, &range)) {
        record->ranges[count++] = range.start;
        record->ranges[count++] = range.end - 1;
    }
    leat_time delay = leat_time_multiply(frame->ack.delay, UINT64_C(1) << exponent);
    add(record, leat_trace_integer("ack_delay", leat_time_multiply(delay, LEAT_MICROSECOND)));
    add(record, leat_trace_numbers("acked_ranges", record->ranges, count));
    if (frame->ack.has_ecn) {
        add(record, leat_trace_integer("ect1", frame->ack.ect1));
        add(record, leat_trace_integer("ect0", frame->ack.ect0));
        add(record, leat_trace_integer("ce", frame->ack.ce));
    }
}

static void add_stream(
    frame_record *record, uint64_t stream_id, uint64_t offset, size_t length, bool fin) {
    add(record, leat_trace_integer("stream_id", stream_id));
    add(record, leat_trace_integer("offset", offset));
    add(record, leat_trace_bool("fin", fin));
    add(record, leat_trace_integer("length", length));
}

static void add_crypto(frame_record *record, uint64_t offset, size_t length) {
    add(record, leat_trace_integer("offset", offset));
    add(record, leat_trace_integer("length", length));
}

static void add_described(frame_record *record, const leat_frame *frame) {
    const leat_frame_field *fields = leat_frame_table[frame->kind].fields;
    for (size_t i = 0; fields[i].kind != LEAT_FIELD_END; i++) {
        add(record, field_of(frame, &fields[i]));
    }
}

/* What is said by the frame's kind alone. */
static void add_implied(frame_record *record, leat_frame_kind kind) {
    static const char *const stream_types[LEAT_FRAME_KIND_COUNT] = {
        [LEAT_FRAME_MAX_STREAMS_BIDI] = "bidirectional",
        [LEAT_FRAME_MAX_STREAMS_UNI] = "unidirectional",
        [LEAT_FRAME_STREAMS_BLOCKED_BIDI] = "bidirectional",
        [LEAT_FRAME_STREAMS_BLOCKED_UNI] = "unidirectional",
    };
    static const char *const error_spaces[LEAT_FRAME_KIND_COUNT] = {
        [LEAT_FRAME_CONNECTION_CLOSE] = "transport",
        [LEAT_FRAME_CONNECTION_CLOSE_APPLICATION] = "application",
    };
    if (stream_types[kind] != NULL) {
        add(record, leat_trace_text("stream_type", stream_types[kind]));
    }
    if (error_spaces[kind] != NULL) {
        add(record, leat_trace_text("error_space", error_spaces[kind]));
    }
}

static void begin_frame(frame_record *record, leat_frame_kind kind, uint64_t type) {
    record->count = 0;
    add(record, leat_trace_text("frame_type", leat_frame_table[kind].name));
    add(record, leat_trace_integer("frame_type_bytes", type));
}

static void fill_record(
    frame_record *record, const leat_frame *frame, uint64_t ack_delay_exponent) {
    begin_frame(record, frame->kind, frame->type);
    switch (frame->kind) {
    case LEAT_FRAME_STREAM:
        add_stream(record, frame->stream.stream_id, frame->stream.offset, frame->stream.data.length,
            frame->stream.fin);
        break;
    case LEAT_FRAME_ACK:
        add_ack(record, frame, ack_delay_exponent);
        break;
    case LEAT_FRAME_CRYPTO:
        add_crypto(record, frame->crypto.offset, frame->crypto.data.length);
        break;
    case LEAT_FRAME_DATAGRAM:
        add(record, leat_trace_integer("length", frame->datagram.data.length));
        break;
    case LEAT_FRAME_PADDING:
        add(record, leat_trace_integer("payload_length", frame->padding.length));
        break;
    default:
        add_described(record, frame);
        add_implied(record, frame->kind);
        break;
    }
}

/* RFC 9000 §19.3: the exponent is the sender's, and holds only in 1-RTT packets. */
static void trace_frames(
    const leat_conn *conn, leat_span payload, const char *name, uint64_t ack_delay_exponent) {
    leat_reader reader = leat_reader_of(payload);
    frame_record record;
    leat_frame frame;
    while (leat_reader_left(&reader) > 0 && leat_frame_parse(&reader, &frame) == 0) {
        fill_record(&record, &frame, ack_delay_exponent);
        leat_conn_trace(conn, "quic", name, record.fields, record.count);
    }
}

/* ---- packets --------------------------------------------------------------------------------- */

#define PACKET_FIELDS_MAX 11

/* The version and both IDs, which only long headers have. */
static size_t add_long_header(
    leat_trace_field *fields, uint32_t version, leat_span dcid, leat_span scid) {
    fields[0] = leat_trace_integer("version", version);
    fields[1] = leat_trace_bytes("scid", scid);
    fields[2] = leat_trace_bytes("dcid", dcid);
    return 3;
}

static bool has_number(leat_packet_type type) { return type <= LEAT_PACKET_ONE_RTT; }

/* RFC 9000 §17.2.1: the versions a server offers. */
static size_t read_versions(leat_span encoded, uint64_t versions[16]) {
    size_t count = 0;
    leat_reader reader = leat_reader_of(encoded);
    while (count < 16 && leat_reader_left(&reader) >= 4) {
        versions[count++] = leat_read_u32(&reader);
    }
    return count;
}

static void trace_received(const leat_conn *conn, const leat_packet_in *packet) {
    const leat_packet_header *header = &packet->header;
    leat_trace_field fields[PACKET_FIELDS_MAX];
    uint64_t versions[16];
    size_t count = 0;
    fields[count++] = leat_trace_text("packet_type", leat_packet_type_name(header->type));
    fields[count++] = leat_trace_integer("length", packet->length);
    if (has_number(header->type)) {
        fields[count++] = leat_trace_integer("packet_number", packet->opened.pn);
    }
    if (header->type == LEAT_PACKET_ONE_RTT) {
        fields[count++] = leat_trace_bool("spin_bit", packet->opened.spin);
        fields[count++] = leat_trace_bool("key_phase_bit", packet->opened.key_phase);
    } else {
        count += add_long_header(fields + count, header->version, header->dcid, header->scid);
    }
    if (header->token.length > 0) {
        fields[count++] = leat_trace_integer("token_length", header->token.length);
    }
    if (header->type == LEAT_PACKET_VERSION_NEGOTIATION) {
        fields[count++] = leat_trace_numbers(
            "supported_versions", versions, read_versions(header->versions, versions));
    }
    leat_conn_trace(conn, "quic", "packet_received", fields, count);
}

void leat_trace_packet_received(const leat_conn *conn, const leat_packet_in *packet) {
    if (leat_trace_is_on(conn)) {
        bool is_encoded = packet->header.type == LEAT_PACKET_ONE_RTT;
        trace_frames(conn, (leat_span){packet->opened.payload, packet->opened.payload_length},
            "frame_parsed", is_encoded ? conn->handshake.peers.ack_delay_exponent : 0);
        trace_received(conn, packet);
    }
}

static void trace_sent(const leat_conn *conn, const leat_packet_out *out, size_t size) {
    const leat_conn_space *space = conn->spaces[out->space];
    leat_trace_field fields[PACKET_FIELDS_MAX];
    size_t count = 0;
    fields[count++] = leat_trace_text("packet_type", leat_packet_type_name(out->builder.type));
    fields[count++] = leat_trace_integer("packet_number", out->builder.pn);
    fields[count++] = leat_trace_integer("length", size);
    if (out->builder.type == LEAT_PACKET_ONE_RTT) {
        fields[count++] = leat_trace_bool("spin_bit", out->path->spin.value);
        fields[count++] = leat_trace_bool("key_phase_bit", space->keys.phase);
    } else {
        count += add_long_header(fields + count, conn->version.current,
            leat_cid_span(leat_cids_of_path(conn, out->path)),
            leat_cid_span(leat_cids_first_local(conn)));
    }
    if (out->builder.type == LEAT_PACKET_INITIAL && conn->tokens.initial.length > 0) {
        fields[count++] = leat_trace_integer("token_length", conn->tokens.initial.length);
    }
    if (space->probes > 0) {
        fields[count++] = leat_trace_text("trigger", "pto_probe");
    }
    leat_conn_trace(conn, "quic", "packet_sent", fields, count);
}

void leat_trace_packet_sent(
    const leat_conn *conn, const leat_packet_out *out, leat_span frames, size_t size) {
    if (leat_trace_is_on(conn)) {
        bool is_encoded = out->space == LEAT_SPACE_APPLICATION;
        trace_frames(conn, frames, "frame_created",
            is_encoded ? conn->handshake.ours.ack_delay_exponent : 0);
        trace_sent(conn, out, size);
    }
}

void leat_trace_packet_dropped(
    const leat_conn *conn, leat_drop drop, leat_packet_type type, size_t length) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {
            leat_trace_text("packet_type", leat_packet_type_name(type)),
            leat_trace_integer("length", length),
            leat_trace_text("reason", leat_drop_name(drop)),
            leat_trace_text("trigger", leat_drop_trigger(drop)),
        };
        leat_conn_trace(conn, "quic", "packet_dropped", fields, COUNT(fields));
    }
}

void leat_trace_packet_buffered(const leat_conn *conn, leat_packet_type type, size_t length) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {
            leat_trace_text("packet_type", leat_packet_type_name(type)),
            leat_trace_integer("length", length),
            leat_trace_text("trigger", "keys_unavailable"),
        };
        leat_conn_trace(conn, "quic", "packet_buffered", fields, COUNT(fields));
    }
}

/* ---- verdicts -------------------------------------------------------------------------------- */

void leat_trace_packet_acked(const leat_conn *conn, leat_space space, uint64_t pn) {
    static const char *const spaces[LEAT_SPACE_COUNT] = {
        "initial", "handshake", "application_data"};
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {
            leat_trace_text("packet_number_space", spaces[space]),
            leat_trace_integer("packet_number", pn),
        };
        leat_conn_trace(conn, "quic", "packets_acked", fields, COUNT(fields));
    }
}

void leat_trace_packet_lost(const leat_conn *conn, leat_space space, uint64_t pn) {
    static const char *const types[LEAT_SPACE_COUNT] = {"initial", "handshake", "1RTT"};
    if (leat_trace_is_on(conn)) {
        uint64_t largest_acked = leat_recovery_largest_acked(&conn->recovery, space);
        bool is_overtaken =
            largest_acked != LEAT_PN_NONE && largest_acked >= pn + LEAT_PACKET_THRESHOLD;
        const leat_trace_field fields[] = {
            leat_trace_text("packet_type", types[space]),
            leat_trace_integer("packet_number", pn),
            leat_trace_text("trigger", is_overtaken ? "reordering_threshold" : "time_threshold"),
        };
        /* After a Retry packets are given up without either reason. */
        leat_conn_trace(conn, "recovery", "packet_lost", fields,
            COUNT(fields) - (largest_acked == LEAT_PN_NONE));
    }
}

void leat_trace_retransmit(const leat_conn *conn, const leat_sent_packet *packet) {
    frame_record record;
    bool has_frames = false;
    for (const leat_frame_record *sent = packet->records; leat_trace_is_on(conn) && sent != NULL;
         sent = sent->next) {
        leat_frame_kind kind = (leat_frame_kind)sent->kind;
        if (kind != LEAT_FRAME_STREAM && kind != LEAT_FRAME_CRYPTO) {
            continue;
        }
        begin_frame(&record, kind, leat_frame_table[kind].first);
        if (kind == LEAT_FRAME_STREAM) {
            add_stream(&record, sent->a, sent->b, (size_t)sent->c, sent->flags != 0);
        } else {
            add_crypto(&record, sent->a, (size_t)sent->b);
        }
        leat_conn_trace(conn, "recovery", "frame_lost", record.fields, record.count);
        has_frames = true;
    }
    if (has_frames) {
        leat_conn_trace(conn, "recovery", "marked_for_retransmit", NULL, 0);
    }
}
