/*
 * Acknowledgments in both directions: RFC 9000 §13.2 and §19.3, RFC 9002 §6. What was received is
 * acknowledged from the space's ack tracker; what the peer acknowledges goes to recovery, whose
 * verdict on each packet is handed on to the handlers of the frames that were in it.
 */
#include "quic/conn/conn_internal.h"
#include "quic/conn/trace.h"

/* ---- verdicts -------------------------------------------------------------------------------- */

static void on_packet_acked(void *user, leat_space space, const leat_sent_packet *packet) {
    leat_conn *conn = user;
    leat_trace_packet_acked(conn, space, packet->pn);
    if (conn->spaces[space] != NULL) {
        leat_keys_on_acked(&conn->spaces[space]->keys, packet->pn);
    }
    for (const leat_frame_record *record = packet->records; record != NULL; record = record->next) {
        if (leat_frame_handlers[record->kind].on_acked != NULL) {
            leat_frame_handlers[record->kind].on_acked(conn, space, packet, record);
        }
    }
}

static void lose_frames(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                        bool is_repetition) {
    leat_trace_retransmit(conn, packet);
    for (const leat_frame_record *record = packet->records; record != NULL; record = record->next) {
        const leat_frame_handler *handler = &leat_frame_handlers[record->kind];
        if (handler->on_lost != NULL && !(is_repetition && handler->is_never_repeated)) {
            handler->on_lost(conn, space, record);
        }
    }
}

static void on_packet_lost(void *user, leat_space space, const leat_sent_packet *packet) {
    leat_conn *conn = user;
    leat_trace_packet_lost(conn, space, packet->pn);
    lose_frames(conn, space, packet, false);
}

leat_recovery_hooks leat_acks_hooks(leat_conn *conn) {
    return (leat_recovery_hooks){.user = conn, .on_acked = on_packet_acked,
                                 .on_lost = on_packet_lost};
}

void leat_acks_repeat_oldest(leat_conn *conn, leat_space space, unsigned count) {
    uint64_t cursor = 0;
    const leat_sent_packet *packet;
    /* Sending it twice costs little; should the first copy arrive after all, the handlers settle
     * each range once. */
    while (count-- > 0 &&
           (packet = leat_recovery_next_unacked(&conn->recovery, space, &cursor)) != NULL) {
        lose_frames(conn, space, packet, true);
    }
}

/* ---- ACK frames of the peer ------------------------------------------------------------------ */

static leat_time decode_delay(const leat_conn *conn, leat_space space, uint64_t encoded) {
    /* RFC 9000 §19.3: the exponent is the sender's, and only 1-RTT packets come after it
     * is known. */
    uint64_t exponent = space == LEAT_SPACE_APPLICATION ? conn->handshake.peers.ack_delay_exponent
                                                        : 0;
    return leat_time_multiply(leat_time_multiply(encoded, UINT64_C(1) << exponent),
                              LEAT_MICROSECOND);
}

void leat_acks_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet) {
    leat_range ranges[LEAT_ACK_RANGES_MAX];
    size_t count = 0;
    leat_ack_walk walk = leat_ack_walk_begin(frame);
    /* Ranges beyond the array are the oldest; their packets count as lost, which repeats but never
     * loses data. */
    while (count < LEAT_ACK_RANGES_MAX && leat_ack_walk_next(&walk, frame, &ranges[count])) {
        count++;
    }
    const leat_ack_info info = {
        .ranges = ranges,
        .count = count,
        .ack_delay = decode_delay(conn, packet->space, frame->ack.delay),
        .has_ecn = frame->ack.has_ecn,
        .ecn = {frame->ack.ect0, frame->ack.ect1, frame->ack.ce},
    };
    const leat_recovery_hooks hooks = leat_acks_hooks(conn);
    uint64_t error = leat_recovery_on_ack_received(&conn->recovery, packet->space, &info, conn->now,
                                                   &hooks);
    if (error != 0) {
        leat_close_fault(conn, error, frame->type,
                         "acknowledgment of a packet that was never sent");
        return;
    }
    leat_ack_frequency_review(conn);
    leat_trace_metrics(conn);
}

/* ---- ACK frames of ours ---------------------------------------------------------------------- */

bool leat_acks_wants(const leat_conn *conn, leat_space space) {
    return conn->spaces[space] != NULL &&
        leat_ack_tracker_is_due(&conn->spaces[space]->acks, conn->now);
}

bool leat_acks_joins(const leat_conn *conn, leat_space space) {
    const leat_ack_tracker *acks = &conn->spaces[space]->acks;
    return leat_ack_tracker_wants_ack(acks) && leat_ack_tracker_has_ranges(acks);
}

void leat_acks_write(leat_conn *conn, leat_packet_out *out) {
    leat_ack_tracker *acks = &conn->spaces[out->space]->acks;
    leat_writer mark = out->builder.payload;
    uint64_t exponent = out->space == LEAT_SPACE_APPLICATION
            ? conn->handshake.ours.ack_delay_exponent : 0;
    uint64_t delay = leat_ack_tracker_delay(acks, conn->now) / LEAT_MICROSECOND >> exponent;
    const uint64_t *ecn = leat_ack_tracker_has_ecn(acks) ? acks->ecn : NULL;
    if (leat_ack_write(&out->builder.payload, acks->received.ranges, acks->received.count, delay,
                       ecn) &&
        leat_out_record(conn, out, &mark, LEAT_FRAME_ACK, 0, acks->largest_received, 0, 0)) {
        leat_ack_tracker_on_ack_sent(acks);
    }
}

void leat_acks_on_ack_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                            const leat_frame_record *record) {
    (void)packet;
    if (conn->spaces[space] != NULL) {
        leat_ack_tracker_on_ack_acked(&conn->spaces[space]->acks, record->a);
    }
}

leat_time leat_acks_due(const leat_conn *conn) {
    leat_time due = LEAT_TIME_NEVER;
    /* An ACK that may not be sent (RFC 9000 §8.1, §14.1) must not keep the timer in the past. */
    size_t limit = leat_path_send_limit(conn, conn->paths.active);
    for (leat_space space = 0; space < LEAT_SPACE_COUNT; space++) {
        const leat_conn_space *s = conn->spaces[space];
        size_t needed = space == LEAT_SPACE_INITIAL ? LEAT_MIN_DATAGRAM : LEAT_PACKET_ROOM;
        if (s != NULL && leat_keys_can_write(&s->keys) && limit >= needed &&
            leat_ack_tracker_get_timer(&s->acks) < due) {
            due = leat_ack_tracker_get_timer(&s->acks);
        }
    }
    return due;
}
