/*
 * Which datagrams are sent, and when: RFC 9002 §7, RFC 9000 §8.1, §14.4. Datagrams of equal size
 * and mark for one path go out together, so that one GSO call sends them, as far as window and
 * pacer allow. What is in them is packing.c.
 */
#include "quic/conn/packing.h"

/* Datagrams per call: what one GSO send takes. */
#define SEGMENTS_MAX 64

/* RFC 9000 §8.1: after one small packet from a new address little may go there. Were it data, a
 * lost PATH_CHALLENGE could not be repeated, and a peer that only listens would never be found. */
static bool is_saved_for_challenges(const leat_conn *conn, const leat_path_state *path) {
    return path->is_challenging && leat_path_send_limit(conn, path) < LEAT_MIN_DATAGRAM;
}

static bool is_held_back(const leat_conn *conn, const leat_path_state *path, size_t bytes) {
    if (is_saved_for_challenges(conn, path)) {
        return true;
    }
    return conn->config.pacing ? !leat_recovery_can_send(&path->recovery, bytes, conn->now)
                               : !leat_recovery_has_window(&path->recovery, bytes);
}

/*
 * RFC 9000 §13.4.2: what is marked must be counted, which is over when the connection closes. The
 * few datagrams that a new address may get until it is validated, and those that ask for its size,
 * must not be lost to a mark.
 */
static uint8_t mark_of(const leat_conn *conn, const leat_path_state *path) {
    bool is_new = path->is_challenging && (!path->is_validated || path->is_size_asked);
    return leat_conn_is_open(conn) && !is_new ? leat_ecn_mark(&path->recovery.ecn)
                                              : LEAT_ECN_NOT_ECT;
}

static size_t send_datagram(leat_conn *conn, leat_path_state *path, uint8_t *bytes, size_t room) {
    size_t limit = leat_path_send_limit(conn, path);
    bool was_closing = conn->state == LEAT_CONN_CLOSING;
    leat_packing datagram = {.path = path, .bytes = bytes, .room = room < limit ? room : limit,
                             .ecn = mark_of(conn, path)};
    datagram.is_held_back = is_held_back(conn, path, path->recovery.max_datagram_size);
    size_t length = leat_packing_fill(conn, &datagram);
    path->sends_full |= conn->handshake.is_confirmed && !datagram.needs_full &&
                        length == path->recovery.max_datagram_size;
    leat_path_on_sent(conn, path, length);
    conn->send.bytes += length;
    if (was_closing && length > 0) {
        conn->close.packet_due = false;
    }
    return length;
}

/*
 * RFC 9000 §14.4: a datagram larger than the others, with nothing in it that would be missed. It is
 * no part of a batch, whose datagrams have one size.
 */
static size_t send_mtu_probe(leat_conn *conn, leat_path_state *path, uint8_t *buffer,
                             size_t capacity, leat_transmit *transmit) {
    size_t size = leat_mtu_probe_size(conn, path);
    leat_packing datagram = {.path = path, .bytes = buffer, .room = size,
                             .ecn = mark_of(conn, path), .is_mtu_probe = true};
    leat_packet_out out;
    if (size == 0 || capacity < size || leat_paths_has_probe(conn, path) ||
        !leat_packing_begin(conn, &datagram, LEAT_SPACE_APPLICATION, &out)) {
        return 0;
    }
    const leat_frame ping = {.kind = LEAT_FRAME_PING, .type = 0x01};
    if (!leat_out_frame(conn, &out, &ping, 0, 0, 0)) {
        return 0;
    }
    leat_builder_pad_to(&out.builder, size);
    leat_packing_finish(conn, &datagram, &out);
    leat_mtu_on_probe_sent(&path->recovery.mtu, size);
    leat_path_on_sent(conn, path, datagram.length);
    conn->send.bytes += datagram.length;
    *transmit = (leat_transmit){path->addresses, datagram.length, datagram.ecn};
    return datagram.length;
}

static void note_waiting_crypto(leat_conn *conn) {
    for (leat_space space = LEAT_SPACE_INITIAL; space <= LEAT_SPACE_HANDSHAKE; space++) {
        conn->recovery.conditions.crypto_waits[space] = leat_conn_is_open(conn) &&
            leat_packing_can_write(conn, space) && leat_crypto_wants(conn, space);
    }
}

/* Nothing more goes out now: find out why, for the pacing timer and for congestion control (RFC
 * 9002 §7.8). */
static void end_of_round(leat_conn *conn) {
    leat_path_state *path = conn->paths.active;
    size_t size = path->recovery.max_datagram_size;
    bool has_window = leat_recovery_has_window(&path->recovery, size);
    bool has_work = leat_conn_is_open(conn) && leat_packing_has_paced_work(conn);
    conn->send.is_dirty = false;
    conn->send.pacing_due = LEAT_TIME_NEVER;
    note_waiting_crypto(conn);
    if (has_work && has_window && conn->config.pacing && leat_path_send_limit(conn, path) > 0) {
        leat_time due = leat_recovery_pacing_time(&path->recovery, size, conn->now);
        conn->send.pacing_due = due > conn->now ? due : LEAT_TIME_NEVER;
    }
    leat_recovery_set_app_limited(&path->recovery, has_window && !has_work);
}

/* Datagrams of one size and one mark, back to back; a shorter one ends the batch. */
static size_t fill_batch(leat_conn *conn, leat_path_state *path, uint8_t *buffer, size_t capacity,
                         leat_transmit *transmit) {
    size_t total = 0, segment = path->recovery.max_datagram_size;
    *transmit = (leat_transmit){.path = path->addresses, .ecn = mark_of(conn, path)};
    for (size_t count = 0; count < SEGMENTS_MAX; count++) {
        size_t room = capacity - total < segment ? capacity - total : segment;
        if (room < segment && count > 0) {
            break;
        }
        size_t length = send_datagram(conn, path, buffer + total, room);
        total += length;
        if (count == 0) {
            transmit->segment_size = length;
        }
        if (length < segment || path != leat_paths_next_to_send(conn) ||
            transmit->ecn != mark_of(conn, path)) {
            break;
        }
    }
    return total;
}

size_t leat_conn_datagrams_to_send(leat_conn *conn, uint8_t *buffer, size_t capacity,
                                   leat_transmit *transmit,
                                   leat_time now) {
    leat_timers_set_now(conn, now);
    if ((conn->state != LEAT_CONN_OPEN && conn->state != LEAT_CONN_CLOSING) ||
        capacity < LEAT_MIN_DATAGRAM) {
        conn->send.is_dirty = false;
        return 0;
    }
    leat_crypto_keep_keys_fresh(conn);
    leat_path_state *path = leat_paths_next_to_send(conn);
    bool was_open = leat_conn_is_open(conn);
    size_t total = send_mtu_probe(conn, path, buffer, capacity, transmit);
    if (total == 0) {
        total = fill_batch(conn, path, buffer, capacity, transmit);
    }
    if (total == 0 && was_open && conn->state == LEAT_CONN_CLOSING) {
        /* A fault found while building: its CONNECTION_CLOSE goes out instead. */
        total = fill_batch(conn, path, buffer, capacity, transmit);
    }
    leat_timers_finish_call(conn);
    if (total == 0) {
        end_of_round(conn);
    }
    return total;
}

void leat_send_probe(leat_conn *conn, leat_space space, unsigned count) {
    if (conn->spaces[space] != NULL) {
        conn->spaces[space]->probes = count;
        conn->send.is_dirty = true;
    }
}

bool leat_conn_wants_to_send(const leat_conn *conn) { return conn->send.is_dirty; }
