/*
 * From what waits to a datagram: RFC 9000 §12.2, §13, §14.1. What may stand in a packet is a
 * table of sources, and the order of its rows is their priority. Two loops: packets of several
 * spaces in a datagram, sources of a packet.
 */
#include "quic/conn/packing.h"
#include "quic/conn/trace.h"

typedef struct send_source {
    const char *name;
    unsigned spaces;    /* IN_* */
    bool waits_for_window; /* window and pacer hold it back */
    bool off_path;      /* also on paths other than the active one */
    bool (*wants)(const leat_conn *conn, leat_space space); /* a packet is made for it */
    /* goes along with others; NULL: only when it wants */
    bool (*joins)(const leat_conn *conn, leat_space space);
    void (*write)(leat_conn *conn, leat_packet_out *out);
} send_source;

#define IN_INITIAL (1u << LEAT_SPACE_INITIAL)
#define IN_HANDSHAKE (1u << LEAT_SPACE_HANDSHAKE)
#define IN_APPLICATION (1u << LEAT_SPACE_APPLICATION)
#define IN_ALL (IN_INITIAL | IN_HANDSHAKE | IN_APPLICATION)
/* The application's space while it writes 0-RTT packets. RFC 9000 §12.5: what answers the server
 * has no place there, and what serves the connection can wait. */
#define IN_ZERO_RTT (1u << LEAT_SPACE_COUNT)
#define IN_DATA (IN_APPLICATION | IN_ZERO_RTT)
#define AT_ONCE false
#define PACED true

static bool path_wants(const leat_conn *conn, leat_space space) {
    (void)space;
    return leat_paths_has_probe(conn, leat_paths_next_to_send(conn));
}

static const send_source sources[] = {
    {"ack", IN_ALL, AT_ONCE, false, leat_acks_wants, leat_acks_joins, leat_acks_write},
    {"crypto", IN_ALL, PACED, false, leat_crypto_wants, NULL, leat_crypto_write},
    {"handshake_done", IN_APPLICATION, PACED, false, leat_handshake_done_wants, NULL, leat_handshake_done_write},
    {"path", IN_APPLICATION, AT_ONCE, true, path_wants, NULL, leat_paths_write},
    {"connection_ids", IN_APPLICATION, PACED, false, leat_cids_wants, NULL, leat_cids_write},
    {"flow_control", IN_DATA, PACED, false, leat_flow_control_wants, NULL, leat_flow_control_write},
    {"stream_control", IN_DATA, PACED, false, leat_stream_control_wants, NULL, leat_stream_control_write},
    {"ack_frequency", IN_APPLICATION, PACED, false, leat_ack_frequency_wants, NULL, leat_ack_frequency_write},
    {"new_token", IN_APPLICATION, PACED, false, leat_new_token_wants, NULL, leat_new_token_write},
    {"datagrams", IN_DATA, PACED, false, leat_datagrams_wants, NULL, leat_datagrams_write},
    {"streams", IN_DATA, PACED, false, leat_streams_wants, NULL, leat_streams_write},
    {"immediate_ack", IN_APPLICATION, AT_ONCE, false, leat_immediate_ack_wants, NULL, leat_immediate_ack_write},
    {"ping", IN_ALL | IN_ZERO_RTT, AT_ONCE, false, leat_ping_wants, leat_ping_joins, leat_ping_write},
};
/* While closing nothing else is sent: RFC 9000 §10.2.1. */
static const send_source closing_source = {"close", IN_ALL, AT_ONCE, false, leat_close_wants_packet,
                                           NULL, leat_close_write};

/* ---- frames into a packet -------------------------------------------------------------------- */

bool leat_out_record(leat_conn *conn, leat_packet_out *out, const leat_writer *mark,
                     leat_frame_kind kind, uint8_t flags,
                     uint64_t a, uint64_t b, uint64_t c) {
    const leat_frame_row *row = &leat_frame_table[kind];
    if (!leat_recovery_record(&conn->recovery, &out->records, (uint8_t)kind, flags, a, b, c)) {
        out->builder.payload = *mark;
        leat_close_internal(conn, "out of memory for sent frames");
        return false;
    }
    out->builder.ack_eliciting |= row->ack_eliciting;
    out->builder.in_flight |= row->in_flight;
    return true;
}

bool leat_out_frame(leat_conn *conn, leat_packet_out *out, const leat_frame *frame, uint64_t a,
                    uint64_t b, uint64_t c) {
    leat_writer mark = out->builder.payload;
    leat_frame_write(&out->builder.payload, frame);
    if (out->builder.payload.failed) {
        out->builder.payload = mark;
        return false;
    }
    return leat_out_record(conn, out, &mark, frame->kind, 0, a, b, c);
}

/* ---- sources --------------------------------------------------------------------------------- */

static bool writes_zero_rtt(const leat_conn *conn, leat_space space) {
    return space == LEAT_SPACE_APPLICATION && leat_early_data_is_writing(conn);
}

static bool is_at_home(const leat_conn *conn, const send_source *source, leat_space space) {
    unsigned place = writes_zero_rtt(conn, space) ? IN_ZERO_RTT : 1u << space;
    return (source->spaces & place) != 0;
}

static bool may_use(const leat_conn *conn, const leat_packing *datagram, const send_source *source,
                    leat_space space) {
    bool on_path = source->off_path || datagram->path == conn->paths.active;
    /* RFC 9002 §6.2.4: probes after a PTO are not held back by the congestion window. */
    bool held_back = source->waits_for_window && datagram->is_held_back &&
        conn->spaces[space]->probes == 0;
    return is_at_home(conn, source, space) && on_path && !held_back;
}

bool leat_packing_can_write(const leat_conn *conn, leat_space space) {
    return conn->spaces[space] != NULL &&
           (leat_keys_can_write(&conn->spaces[space]->keys) || writes_zero_rtt(conn, space));
}

static bool space_wants(const leat_conn *conn, const leat_packing *datagram, leat_space space) {
    if (!leat_packing_can_write(conn, space)) {
        return false;
    }
    if (conn->state == LEAT_CONN_CLOSING) {
        return closing_source.wants(conn, space);
    }
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        if (may_use(conn, datagram, &sources[i], space) && sources[i].wants(conn, space)) {
            return true;
        }
    }
    return false;
}

static void write_sources(leat_conn *conn, const leat_packing *datagram, leat_packet_out *out) {
    if (conn->state == LEAT_CONN_CLOSING) {
        closing_source.write(conn, out);
        return;
    }
    for (size_t i = 0; i < sizeof sources / sizeof sources[0] && leat_conn_is_open(conn); i++) {
        const send_source *source = &sources[i];
        bool joins = source->joins != NULL && source->joins(conn, out->space);
        if (may_use(conn, datagram, source, out->space) &&
            (joins || source->wants(conn, out->space))) {
            source->write(conn, out);
        }
    }
}

bool leat_packing_has_paced_work(const leat_conn *conn) {
    for (leat_space space = 0; space < LEAT_SPACE_COUNT; space++) {
        bool can_write = leat_packing_can_write(conn, space);
        for (size_t i = 0; i < sizeof sources / sizeof sources[0] && can_write; i++) {
            if (sources[i].waits_for_window && is_at_home(conn, &sources[i], space) &&
                sources[i].wants(conn, space)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- one packet ------------------------------------------------------------------------------ */

static const leat_packet_type type_of_space[LEAT_SPACE_COUNT] = {
    [LEAT_SPACE_INITIAL] = LEAT_PACKET_INITIAL,
    [LEAT_SPACE_HANDSHAKE] = LEAT_PACKET_HANDSHAKE,
    [LEAT_SPACE_APPLICATION] = LEAT_PACKET_ONE_RTT,
};

/* RFC 9000 §21.4: numbers left out at random expose a peer that acknowledges what it has
 * not seen. */
static uint64_t next_packet_number(leat_conn *conn, leat_conn_space *space) {
    if (space->next_pn == space->skip_pn) {
        uint8_t random = 0;
        if (!leat_random_bytes(&conn->random, &random, 1)) {
            leat_close_internal(conn, "random source failed");
        }
        space->next_pn++;
        space->skip_pn = space->next_pn + space->next_pn / 4 + 64 + random;
    }
    return space->next_pn;
}

bool leat_packing_begin(leat_conn *conn, leat_packing *datagram, leat_space space_id,
                         leat_packet_out *out) {
    leat_conn_space *space = conn->spaces[space_id];
    bool is_early = writes_zero_rtt(conn, space_id);
    size_t used = datagram->length + (datagram->has_pending
            ? leat_builder_size(&datagram->pending.builder) : 0);
    *out = (leat_packet_out){.space = space_id, .path = datagram->path};
    if (datagram->room < used + LEAT_PACKET_ROOM) {
        return false;
    }
    const leat_builder_header header = {
        .type = is_early ? LEAT_PACKET_ZERO_RTT : type_of_space[space_id],
        /* RFC 9369 §4.1: 0-RTT never goes in the negotiated version. */
        .version = is_early ? conn->version.original : conn->version.current,
        .dcid = leat_cid_span(leat_cids_of_path(conn, datagram->path)),
        .scid = leat_cid_span(leat_cids_first_local(conn)),
        .token = space_id == LEAT_SPACE_INITIAL
                ? (leat_span){conn->tokens.initial.data, conn->tokens.initial.length}
                : (leat_span){NULL, 0},
        .spin = space_id == LEAT_SPACE_APPLICATION && leat_spin_value(datagram->path),
        .key_phase = space->keys.phase,
        .clears_fixed_bit = leat_grease_clears_fixed_bit(conn),
        .pn = next_packet_number(conn, space),
        .largest_acked = leat_recovery_largest_acked(&conn->recovery, space_id),
    };
    return leat_builder_begin(&out->builder, datagram->bytes + used, datagram->room - used,
                              &header);
}

/* Recovery must know the packet before it leaves: an untracked packet would look like a lost one to
 * nobody. */
static bool track_packet(leat_conn *conn, const leat_packing *datagram, leat_packet_out *out,
                         size_t size) {
    const leat_sent_info info = {
        .pn = out->builder.pn,
        .time_sent = conn->now,
        .sent_bytes = (uint32_t)size,
        .ecn = datagram->ecn,
        .is_mtu_probe = datagram->is_mtu_probe,
        .ack_eliciting = out->builder.ack_eliciting,
        .in_flight = out->builder.in_flight,
        .path = &out->path->recovery,
    };
    int err = leat_recovery_on_packet_sent(&conn->recovery, out->space, &info, &out->records);
    out->records = (leat_frame_records){NULL, NULL};
    if (err == LEAT_ERR_NOMEM) {
        leat_close_internal(conn, "out of memory for sent packets");
    }
    return err == LEAT_OK;
}

/* RFC 9002 §6.2.4: a second probe had better carry data too than only a PING. Some servers refuse a
 * connection whose first Initial to arrive has no CRYPTO frame. */
static void count_probe(leat_conn *conn, leat_space space) {
    unsigned *probes = &conn->spaces[space]->probes;
    *probes -= *probes > 0 ? 1 : 0;
    if (*probes > 0 && space != LEAT_SPACE_APPLICATION && !leat_crypto_wants(conn, space)) {
        leat_acks_repeat_oldest(conn, space, 1);
    }
}

static void count_packet(leat_conn *conn, const leat_packet_out *out) {
    leat_conn_space *space = conn->spaces[out->space];
    conn->send.packets++;
    if (out->builder.ack_eliciting) {
        space->ack_only_sent = 0;
        count_probe(conn, out->space);
        leat_liveness_on_eliciting_sent(conn);
    } else {
        space->ack_only_sent++;
    }
    if (out->space == LEAT_SPACE_HANDSHAKE) {
        leat_crypto_on_handshake_packet_sent(conn);
    }
}

void leat_packing_finish(leat_conn *conn, leat_packing *datagram, leat_packet_out *out) {
    leat_conn_space *space = conn->spaces[out->space];
    const leat_span frames = {out->builder.payload.start,
                              leat_builder_payload_length(&out->builder)};
    size_t size = leat_builder_size(&out->builder);
    space->next_pn++;
    leat_trace_packet_sent(conn, out, frames, size);
    if (conn->state == LEAT_CONN_CLOSING) {
        leat_recovery_drop_records(&conn->recovery, &out->records);
    } else if (!track_packet(conn, datagram, out, size)) {
        return;
    }
    bool is_early = out->builder.type == LEAT_PACKET_ZERO_RTT;
    if (leat_builder_finish(&out->builder, is_early ? &conn->early->keys : &space->keys) != size) {
        leat_close_internal(conn, "packet protection failed");
        return;
    }
    datagram->length += size;
    count_packet(conn, out);
}

/* ---- one datagram ---------------------------------------------------------------------------- */

/* RFC 9000 §14.1: every Initial of a client, and a server's when it asks for an ACK. */
static bool needs_full_datagram(const leat_conn *conn, const leat_packet_out *out) {
    bool is_initial = out->space == LEAT_SPACE_INITIAL;
    return out->needs_full_datagram ||
        (is_initial && (conn->config.is_client || out->builder.ack_eliciting));
}

static void hold_packet(leat_conn *conn, leat_packing *datagram, const leat_packet_out *out) {
    if (datagram->has_pending) {
        leat_packing_finish(conn, datagram, &datagram->pending);
    }
    datagram->pending = *out;
    datagram->has_pending = true;
    datagram->needs_full |= needs_full_datagram(conn, out);
}

static void pad_datagram(leat_packing *datagram) {
    size_t size = datagram->length + leat_builder_size(&datagram->pending.builder);
    /* RFC 9000 §8.2.1: where an address may not get that much, padding would only use up what is
     * needed for another try. */
    bool has_room = datagram->room >= LEAT_MIN_DATAGRAM;
    if (datagram->needs_full && has_room && size < LEAT_MIN_DATAGRAM) {
        leat_builder_pad_to(&datagram->pending.builder, LEAT_MIN_DATAGRAM - datagram->length);
        /* RFC 9002 §2: PADDING makes a packet count as in flight. */
        datagram->pending.builder.in_flight = true;
    }
}

size_t leat_packing_fill(leat_conn *conn, leat_packing *datagram) {
    for (leat_space space = 0; space < LEAT_SPACE_COUNT; space++) {
        leat_packet_out out;
        if (!space_wants(conn, datagram, space) ||
            !leat_packing_begin(conn, datagram, space, &out)) {
            continue;
        }
        /* RFC 9000 §8.1, §14.1: an Initial that cannot be padded waits until the client is heard
         * again. */
        bool was_closing = conn->state == LEAT_CONN_CLOSING;
        if (space == LEAT_SPACE_INITIAL && datagram->room < LEAT_MIN_DATAGRAM && !was_closing) {
            return 0;
        }
        write_sources(conn, datagram, &out);
        bool is_dropped = leat_builder_payload_length(&out.builder) == 0 ||
            (conn->state == LEAT_CONN_CLOSING && !was_closing);
        if (is_dropped) {
            leat_recovery_drop_records(&conn->recovery, &out.records);
        } else {
            hold_packet(conn, datagram, &out);
        }
    }
    if (datagram->has_pending) {
        pad_datagram(datagram);
        leat_packing_finish(conn, datagram, &datagram->pending);
    }
    return datagram->length;
}
