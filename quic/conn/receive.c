/*
 * From datagrams to handled frames: RFC 9000 §5.2, §12, §13.1; RFC 9001 §5.5 and §5.7. Each packet
 * passes four stages that share one leat_packet_in: parse (header, whose is it), open (keys,
 * decryption, duplicates), frames, account (acknowledgments, path, timers). A stage answers `keep`,
 * `drop` with a reason, or finds that a fault was recorded. Nothing changes before a packet is
 * authentic.
 */
#include "quic/conn/conn_internal.h"
#include "quic/conn/trace.h"

#include <string.h>

/* RFC 9000 §10.3: a stateless reset has at least 21 bytes, the last 16 of them the token. */
#define RESET_MIN 21
#define RESET_TOKEN 16

void leat_receive_init(leat_conn *conn) {
    leat_ring_init(&conn->receive.early, conn->allocator, sizeof(leat_early_packet),
                   LEAT_EARLY_PACKETS_MAX);
}

static void clear_early(leat_conn *conn) {
    leat_early_packet *packet;
    while ((packet = leat_ring_front(&conn->receive.early)) != NULL) {
        leat_free(conn->allocator, packet->bytes);
        leat_ring_pop(&conn->receive.early);
    }
    leat_ring_clear(&conn->receive.early);
}

void leat_receive_clear(leat_conn *conn) { clear_early(conn); }

void leat_receive_drop(leat_conn *conn, leat_drop drop, leat_packet_type type, size_t length) {
    conn->receive.dropped++;
    leat_trace_packet_dropped(conn, drop, type, length);
}

/* ---- stage 1: parse -------------------------------------------------------------------------- */

/* RFC 9000 §7.2: our IDs, and until the client knows one of them the ID it chose itself. */
static bool is_addressed_to_us(const leat_conn *conn, const leat_packet_header *header) {
    if (leat_cids_is_ours(&conn->cids, header->dcid)) {
        return true;
    }
    bool chosen_by_client = header->type == LEAT_PACKET_INITIAL ||
        header->type == LEAT_PACKET_ZERO_RTT;
    return leat_conn_is_server(conn) && chosen_by_client &&
           leat_span_equal(header->dcid, leat_cid_span(&conn->cids.client_dcid));
}

/* RFC 9000 §7.2: the peer's Source Connection ID does not change after its first packet. */
static bool is_from_peer(const leat_conn *conn, const leat_packet_header *header) {
    bool is_long = header->type != LEAT_PACKET_ONE_RTT;
    return !is_long || !conn->cids.peer_cid_known || conn->handshake.is_confirmed ||
           leat_span_equal(header->scid,
                           leat_cid_span(leat_cids_of_path(conn, conn->paths.active)));
}

static leat_drop judge_initial(const leat_conn *conn, const leat_packet_in *packet) {
    /* RFC 9000 §14.1: a client that does not pad could be a spoofed source that wants
     * amplification. */
    if (leat_conn_is_server(conn) && packet->datagram_length < LEAT_MIN_DATAGRAM) {
        return LEAT_DROP_SMALL_INITIAL;
    }
    /* RFC 9000 §17.2.2: servers have no tokens to send. */
    if (!leat_conn_is_server(conn) && packet->header.token.length > 0) {
        return LEAT_DROP_TOKEN;
    }
    return LEAT_DROP_NONE;
}

static leat_drop judge_header(const leat_conn *conn, const leat_packet_in *packet) {
    const leat_packet_header *header = &packet->header;
    /* RFC 9000 §17.2-1, §17.3.1-1; RFC 9287 §3: whoever says that it can do without must. */
    if (!leat_packet_has_fixed_bit(header) && !leat_grease_is_on(&conn->config)) {
        return LEAT_DROP_FIXED_BIT;
    }
    leat_drop drop = leat_version_judge(conn, header);
    if (drop != LEAT_DROP_NONE) {
        return drop;
    }
    switch (header->type) {
    case LEAT_PACKET_VERSION_NEGOTIATION:
    case LEAT_PACKET_RETRY:
        return leat_conn_is_server(conn) ? LEAT_DROP_UNEXPECTED_TYPE : LEAT_DROP_NONE;
    case LEAT_PACKET_ZERO_RTT:
        if (!leat_conn_is_server(conn)) {
            return LEAT_DROP_UNEXPECTED_TYPE;
        }
        /* RFC 9001 §4.6.2: rejected early data is dropped unread. */
        if (!leat_early_data_may_come(conn)) {
            return LEAT_DROP_NO_KEYS;
        }
        break;
    default:
        break;
    }
    if (!is_addressed_to_us(conn, header) || !is_from_peer(conn, header)) {
        return LEAT_DROP_UNKNOWN_CID;
    }
    return header->type == LEAT_PACKET_INITIAL ? judge_initial(conn, packet) : LEAT_DROP_NONE;
}

/* ---- stage 2: open --------------------------------------------------------------------------- */

/* RFC 9001 §5.7: a packet ahead of its keys is likely one that was reordered, so a few are kept. */
static leat_drop keep_for_later(leat_conn *conn, const leat_packet_in *packet) {
    if (conn->handshake.is_complete || packet->length > LEAT_EARLY_PACKET_SIZE_MAX) {
        return LEAT_DROP_NO_KEYS;
    }
    uint8_t *bytes = leat_alloc(conn->allocator, packet->length);
    leat_early_packet *early = bytes != NULL ? leat_ring_push(&conn->receive.early) : NULL;
    if (early == NULL) {
        leat_free(conn->allocator, bytes);
        return LEAT_DROP_NO_KEYS;
    }
    memcpy(bytes, packet->bytes, packet->length);
    *early = (leat_early_packet){bytes, packet->length, packet->datagram_length, *packet->addresses,
                                 packet->ecn};
    leat_trace_packet_buffered(conn, packet->header.type, packet->length);
    return LEAT_DROP_NONE;
}

static bool can_open(leat_conn *conn, const leat_packet_in *packet) {
    /* RFC 9001 §5.7: a server reads no 1-RTT packet before it has verified the
     * client's Finished. */
    bool waits = packet->header.type == LEAT_PACKET_ONE_RTT && leat_conn_is_server(conn) &&
                 !conn->handshake.is_complete;
    return leat_version_keys(conn, packet) != NULL && !waits;
}

static leat_drop judge_open_status(leat_conn *conn, leat_open_status status) {
    static const leat_close_cause at_limit = {.source = LEAT_SOURCE_INTERNAL_ERROR,
                                              .error_code = LEAT_AEAD_LIMIT_REACHED};
    switch (status) {
    case LEAT_OPEN_OK:
        return LEAT_DROP_NONE;
    case LEAT_OPEN_TOO_SHORT:
        return LEAT_DROP_TOO_SHORT;
    case LEAT_OPEN_NO_KEYS:
        return LEAT_DROP_NO_KEYS;
    case LEAT_OPEN_RESERVED_BITS:
        leat_close_fault(conn, LEAT_PROTOCOL_VIOLATION, 0, "reserved header bits are set");
        break;
    case LEAT_OPEN_KEY_UPDATE:
        leat_close_fault(conn, LEAT_KEY_UPDATE_ERROR, 0, "key update out of turn");
        break;
    case LEAT_OPEN_INTEGRITY_LIMIT:
        leat_close_start(conn, &at_limit);
        break;
    case LEAT_OPEN_AUTHENTICATION:
        break;
    }
    return LEAT_DROP_AUTHENTICATION;
}

/* RFC 9000 §10.3.1: looked for only after decryption failed, and only at the end of what could be a
 * 1-RTT packet. */
static bool is_stateless_reset(const leat_conn *conn, const leat_packet_in *packet,
                               const uint8_t token[RESET_TOKEN]) {
    return packet->header.type == LEAT_PACKET_ONE_RTT && packet->length >= RESET_MIN &&
        leat_cids_is_reset_token(conn, token);
}

static leat_drop open_packet(leat_conn *conn, leat_packet_in *packet) {
    uint8_t tail[RESET_TOKEN] = {0};
    if (packet->length >= RESET_MIN) {
        memcpy(tail, packet->bytes + packet->length - RESET_TOKEN, RESET_TOKEN);
    }
    leat_conn_space *space = conn->spaces[packet->space];
    leat_open_status status = leat_packet_open(leat_version_keys(conn, packet), &packet->header,
                                               packet->bytes, space->acks.largest_received,
                                               &packet->opened);
    if (status == LEAT_OPEN_AUTHENTICATION && is_stateless_reset(conn, packet, tail)) {
        leat_conn_on_stateless_reset(conn, conn->now);
        return LEAT_DROP_CLOSED;
    }
    leat_drop drop = judge_open_status(conn, status);
    if (drop == LEAT_DROP_NONE && leat_ack_tracker_is_duplicate(&space->acks, packet->opened.pn)) {
        /* RFC 9000 §12.3: a repeated datagram must not be processed again. */
        drop = LEAT_DROP_DUPLICATE;
    }
    return drop;
}

/* ---- stage 3: frames ------------------------------------------------------------------------- */

static void receive_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet) {
    const leat_frame_row *row = &leat_frame_table[frame->kind];
    if (!leat_frame_is_allowed(frame->kind, packet->header.type)) {
        /* RFC 9000 §12.4: table 3 says in which packet a frame may stand. */
        leat_close_fault(conn, LEAT_PROTOCOL_VIOLATION, frame->type,
                         "frame in a packet that may not carry it");
        return;
    }
    packet->ack_eliciting |= row->ack_eliciting;
    packet->non_probing |= !row->probing;
    if (leat_frame_handlers[frame->kind].on_frame != NULL) {
        leat_frame_handlers[frame->kind].on_frame(conn, frame, packet);
    }
}

static void receive_frames(leat_conn *conn, leat_packet_in *packet) {
    leat_reader reader = leat_reader_make(packet->opened.payload, packet->opened.payload_length);
    if (packet->opened.payload_length == 0) {
        leat_close_fault(conn, LEAT_PROTOCOL_VIOLATION, 0, "packet without frames");
    }
    /* RFC 9000 §10.2: what follows a CONNECTION_CLOSE, or a fault, has no effect any more. */
    while (leat_conn_is_open(conn) && leat_reader_left(&reader) > 0) {
        leat_frame frame = {.kind = LEAT_FRAME_KIND_COUNT};
        uint64_t error = leat_frame_parse(&reader, &frame);
        if (error != 0) {
            leat_close_fault(conn, error, frame.type, "malformed frame");
            return;
        }
        receive_frame(conn, &frame, packet);
    }
}

/* ---- stage 4: account ------------------------------------------------------------------------ */

static void account_packet(leat_conn *conn, const leat_packet_in *packet) {
    leat_conn_space *space = conn->spaces[packet->space];
    if (leat_ack_tracker_on_received(&space->acks, packet->opened.pn, packet->ack_eliciting,
                                     packet->ecn, conn->now) != 0) {
        leat_close_internal(conn, "out of memory for packet numbers");
        return;
    }
    leat_liveness_on_received(conn);
    leat_spin_on_received(conn, packet);
    leat_paths_after_packet(conn, packet);
    leat_crypto_after_packet(conn, packet);
}

static leat_drop receive_authentic(leat_conn *conn, leat_packet_in *packet) {
    const leat_conn_space *space = conn->spaces[packet->space];
    packet->is_newest = space->acks.largest_received == LEAT_PN_NONE ||
        packet->opened.pn > space->acks.largest_received;
    if (!leat_paths_on_authentic(conn, packet)) {
        return LEAT_DROP_LIMIT;
    }
    conn->receive.packets++;
    leat_trace_packet_received(conn, packet);
    leat_version_on_authentic(conn, packet);
    if (packet->opened.key_updated) {
        leat_crypto_on_key_update(conn, true);
    }
    if (!conn->cids.peer_cid_known && packet->header.type == LEAT_PACKET_INITIAL) {
        leat_cids_set_peer(conn, packet->header.scid);
        conn->cids.peer_cid_known = true;
    }
    receive_frames(conn, packet);
    if (leat_conn_is_open(conn)) {
        account_packet(conn, packet);
    }
    return LEAT_DROP_NONE;
}

/* ---- datagrams ------------------------------------------------------------------------------- */

static leat_drop receive_packet(leat_conn *conn, leat_packet_in *packet) {
    leat_drop drop = judge_header(conn, packet);
    if (drop != LEAT_DROP_NONE) {
        return drop;
    }
    if (packet->header.type == LEAT_PACKET_VERSION_NEGOTIATION) {
        return leat_negotiation_on_version_negotiation(conn, packet);
    }
    if (packet->header.type == LEAT_PACKET_RETRY) {
        return leat_negotiation_on_retry(conn, packet);
    }
    packet->space = leat_packet_space(packet->header.type);
    if (conn->discarded[packet->space]) {
        if (packet->space == LEAT_SPACE_HANDSHAKE) {
            leat_handshake_done_repeat(conn);
        }
        return LEAT_DROP_KEYS_DISCARDED;
    }
    if (!can_open(conn, packet)) {
        return keep_for_later(conn, packet);
    }
    drop = open_packet(conn, packet);
    return drop != LEAT_DROP_NONE ? drop : receive_authentic(conn, packet);
}

/* RFC 9000 §12.2: packets may share a datagram when they go to the same connection ID. */
static void receive_coalesced(leat_conn *conn, const leat_packet_in *datagram) {
    leat_packet_in packet = *datagram;
    leat_cid first_dcid = {0};
    size_t cid_length = leat_cids_first_local(conn)->length;
    for (size_t offset = 0; offset < datagram->length &&
         leat_conn_is_open(conn); offset += packet.length) {
        leat_span rest = {datagram->bytes + offset, datagram->length - offset};
        packet = *datagram;
        leat_drop drop = leat_packet_header_parse(&packet.header, rest, cid_length);
        if (drop != LEAT_DROP_NONE) {
            leat_receive_drop(conn, drop, LEAT_PACKET_TYPE_COUNT, rest.length);
            return;
        }
        packet.bytes += offset;
        packet.length = packet.header.length;
        if (offset == 0) {
            leat_cid_from_span(&first_dcid, packet.header.dcid);
        }
        if (leat_span_equal(leat_cid_span(&first_dcid), packet.header.dcid)) {
            drop = receive_packet(conn, &packet);
        } else {
            drop = LEAT_DROP_COALESCED_CID;
        }
        if (drop != LEAT_DROP_NONE) {
            leat_receive_drop(conn, drop, packet.header.type, packet.length);
        }
    }
}

/* Packets that came before their keys; those that are still too early go back to the end of the
 * ring. */
static void receive_early(leat_conn *conn) {
    size_t count = conn->receive.early.count;
    conn->receive.keys_arrived = false;
    while (count-- > 0 && leat_conn_is_open(conn)) {
        leat_early_packet early = *(leat_early_packet *)leat_ring_front(&conn->receive.early);
        leat_ring_pop(&conn->receive.early);
        leat_packet_in datagram = {.bytes = early.bytes, .length = early.length,
                                   .addresses = &early.addresses,
                                   .path = leat_paths_find(conn, &early.addresses),
                                   .datagram_length = early.datagram_length, .ecn = early.ecn};
        receive_coalesced(conn, &datagram);
        leat_free(conn->allocator, early.bytes);
    }
}

static void receive_one(leat_conn *conn, uint8_t *bytes, size_t length, const leat_path *addresses,
                        uint8_t ecn) {
    if (!leat_paths_accepts(conn, addresses)) {
        leat_receive_drop(conn, LEAT_DROP_PATH, LEAT_PACKET_TYPE_COUNT, length);
        return;
    }
    leat_packet_in datagram = {.bytes = bytes, .length = length, .addresses = addresses,
                               .path = leat_paths_find(conn, addresses), .datagram_length = length,
                                   .ecn = ecn};
    if (datagram.path != NULL) {
        datagram.path->bytes_received += length;
    }
    if (conn->state == LEAT_CONN_CLOSING) {
        leat_close_on_packet_while_closing(conn);
        leat_receive_drop(conn, LEAT_DROP_CLOSED, LEAT_PACKET_TYPE_COUNT, length);
        return;
    }
    receive_coalesced(conn, &datagram);
    while (conn->receive.keys_arrived && leat_conn_is_open(conn)) {
        receive_early(conn);
    }
}

int leat_conn_receive_datagram(leat_conn *conn, uint8_t *data, size_t length, size_t segment_size,
                               const leat_path *path,
                               uint8_t ecn, leat_time now) {
    leat_timers_set_now(conn, now);
    if (conn->state == LEAT_CONN_NEW || conn->state >= LEAT_CONN_DRAINING) {
        return LEAT_OK;
    }
    leat_streams_settle_popped(conn);
    conn->receive.bytes += length;
    size_t step = segment_size == 0 || segment_size > length ? length : segment_size;
    for (size_t offset = 0; offset < length; offset += step) {
        receive_one(conn, data + offset, length - offset < step ? length - offset : step, path,
                    ecn);
    }
    if (conn->handshake.is_complete && conn->receive.early.capacity > 0 &&
        conn->receive.early.count == 0) {
        clear_early(conn);
    }
    leat_cids_replenish(conn);
    leat_timers_finish_call(conn);
    return LEAT_OK;
}
