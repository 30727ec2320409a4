/*
 * How often the peer acknowledges: draft-ietf-quic-ack-frequency, ACK_FREQUENCY and IMMEDIATE_ACK.
 * As receiver we do what the peer asks for, within min_ack_delay. As sender we ask for fewer ACKs
 * when the window is large:
 *
 *  - Ack-Eliciting Threshold: an eighth of the packets in the congestion window, rounded down to a
 *    power of two, 1 to 32; so at least eight ACKs come in a round trip.
 *  - Requested Max Ack Delay: a quarter of the smoothed RTT, between the peer's min_ack_delay and
 *    its max_ack_delay.
 *  - Reordering Threshold: the packet threshold of loss detection (§9).
 *
 * Only a changed threshold is worth a frame, once in a round trip, and never before the handshake
 * is confirmed. Long idle periods (§6.1) are not treated apart: the requested delay is short.
 */
#include "quic/conn/conn_internal.h"

#define WINDOW_SHARE 8
#define THRESHOLD_MAX 32
#define DELAY_SHARE 4

bool leat_ack_frequency_can_ask(const leat_conn *conn) {
    return conn->handshake.is_confirmed &&
           leat_transport_params_has(&conn->handshake.peers, LEAT_TP_MIN_ACK_DELAY);
}

/* ---- what we ask for ------------------------------------------------------------------------- */

static uint64_t wanted_threshold(const leat_recovery_path *path) {
    uint64_t packets = leat_congestion_window(&path->congestion) / path->max_datagram_size;
    uint64_t threshold = 1;
    while (threshold < THRESHOLD_MAX && 2 * threshold * WINDOW_SHARE <= packets) {
        threshold *= 2;
    }
    return threshold;
}

static leat_time wanted_delay(const leat_conn *conn) {
    const leat_transport_params *peers = &conn->handshake.peers;
    leat_time least = peers->min_ack_delay * LEAT_MICROSECOND;
    leat_time most = peers->max_ack_delay * LEAT_MILLISECOND;
    leat_time delay = conn->paths.active->recovery.rtt.smoothed_rtt / DELAY_SHARE;
    delay = delay < most ? delay : most;
    return delay > least ? delay : least;
}

void leat_ack_frequency_review(leat_conn *conn) {
    leat_conn_ack_frequency *asked = &conn->ack_frequency;
    const leat_recovery_path *path = &conn->paths.active->recovery;
    leat_time again = leat_time_add(asked->sent_at, path->rtt.smoothed_rtt);
    uint64_t current = asked->threshold != 0 ? asked->threshold : 1;
    if (leat_ack_frequency_can_ask(conn) && (asked->next_sequence == 0 || conn->now >= again) &&
        wanted_threshold(path) != current) {
        asked->is_due = true;
        conn->send.is_dirty = true;
    }
}

bool leat_ack_frequency_wants(const leat_conn *conn, leat_space space) {
    (void)space;
    return conn->ack_frequency.is_due;
}

void leat_ack_frequency_write(leat_conn *conn, leat_packet_out *out) {
    leat_conn_ack_frequency *asked = &conn->ack_frequency;
    const leat_recovery_path *path = &conn->paths.active->recovery;
    leat_time delay = wanted_delay(conn);
    leat_frame frame = {.kind = LEAT_FRAME_ACK_FREQUENCY, .type = 0xaf};
    frame.ack_frequency.sequence = asked->next_sequence;
    frame.ack_frequency.eliciting_threshold = wanted_threshold(path);
    frame.ack_frequency.max_ack_delay = delay / LEAT_MICROSECOND;
    frame.ack_frequency.reordering_threshold = path->reordering.packet_threshold;
    if (leat_out_frame(conn, out, &frame, asked->next_sequence, delay, 0)) {
        asked->threshold = frame.ack_frequency.eliciting_threshold;
        asked->next_sequence++;
        asked->sent_at = conn->now;
        asked->longest_delay = delay > asked->longest_delay ? delay : asked->longest_delay;
        asked->is_due = false;
    }
}

/* §7: until the newest request is acknowledged the longest delay on its way counts. */
void leat_ack_frequency_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                                 const leat_frame_record *record) {
    leat_conn_ack_frequency *asked = &conn->ack_frequency;
    (void)space, (void)packet;
    if (record->a + 1 == asked->next_sequence) {
        asked->is_agreed = true;
        asked->longest_delay = record->b;
    }
}

/* §4: a newer request makes the lost one needless; the new one says what is right now. */
void leat_ack_frequency_on_lost(leat_conn *conn, leat_space space,
                                const leat_frame_record *record) {
    (void)space;
    if (record->a + 1 == conn->ack_frequency.next_sequence) {
        conn->ack_frequency.is_due = true;
    }
}

leat_time leat_ack_frequency_peer_delay(const leat_conn *conn) {
    const leat_conn_ack_frequency *asked = &conn->ack_frequency;
    leat_time told = conn->handshake.peers.max_ack_delay * LEAT_MILLISECOND;
    return asked->is_agreed || asked->longest_delay > told ? asked->longest_delay : told;
}

/* ---- IMMEDIATE_ACK --------------------------------------------------------------------------- */

/* §7: the answer to a probe after a PTO is not worth delaying. */
bool leat_immediate_ack_wants(const leat_conn *conn, leat_space space) {
    return conn->spaces[space]->probes > 0 && leat_ack_frequency_can_ask(conn);
}

void leat_immediate_ack_write(leat_conn *conn, leat_packet_out *out) {
    const leat_frame frame = {.kind = LEAT_FRAME_IMMEDIATE_ACK, .type = 0x1f};
    if (leat_out_room(out) > 0) {
        (void)leat_out_frame(conn, out, &frame, 0, 0, 0);
    }
}

/* ---- what the peer asks for ------------------------------------------------------------------ */

/* RFC 9000 §19.21: a frame of an extension that was not offered is an unknown one. */
static bool is_offered(leat_conn *conn, const leat_frame *frame) {
    if (conn->handshake.ours.min_ack_delay == 0) {
        leat_close_fault(conn, LEAT_FRAME_ENCODING_ERROR, frame->type,
                         "acknowledgment frequency was not offered");
        return false;
    }
    return true;
}

void leat_immediate_ack_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet) {
    if (is_offered(conn, frame)) {
        leat_ack_tracker_ack_at_once(&conn->spaces[packet->space]->acks);
    }
}

void leat_ack_frequency_on_frame(leat_conn *conn, const leat_frame *frame,
                                 leat_packet_in *packet) {
    leat_conn_ack_frequency *asked = &conn->ack_frequency;
    uint64_t delay = frame->ack_frequency.max_ack_delay;
    if (!is_offered(conn, frame)) {
        return;
    }
    /* §4: as max_ack_delay itself, below 2^14 milliseconds; and we said what is too short. */
    if (delay >= (UINT64_C(1) << 14) * 1000 || delay < conn->handshake.ours.min_ack_delay) {
        leat_close_fault(conn, LEAT_PROTOCOL_VIOLATION, frame->type,
                         "requested max ack delay out of range");
        return;
    }
    if (frame->ack_frequency.sequence < asked->next_received) {
        return; /* §4: overtaken by a newer one */
    }
    asked->next_received = frame->ack_frequency.sequence + 1;
    leat_ack_tracker_request(&conn->spaces[packet->space]->acks,
                             frame->ack_frequency.eliciting_threshold, delay * LEAT_MICROSECOND,
                             frame->ack_frequency.reordering_threshold);
}
