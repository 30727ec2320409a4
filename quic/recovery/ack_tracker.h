/*
 * Received packet numbers of one space, RFC 9000 §13.2: which are duplicates, when to acknowledge,
 * and what the ACK says.
 *
 *  1. leat_ack_tracker_is_duplicate after a packet was opened; duplicates are dropped.
 *  2. leat_ack_tracker_on_received after all its frames were processed (§13.1).
 *  3. An ACK is due when leat_ack_tracker_get_timer is not later than now (0: at once);
 *     wants_ack says whether one may be added to a packet that is sent anyway.
 *  4. Write tracker->received (ascending; the writer takes the largest first) and tracker->ecn,
 *     with the delay of leat_ack_tracker_delay; then on_ack_sent, and remember largest_received in
 *     the frame's record.
 *  5. When that packet is acknowledged: leat_ack_tracker_on_ack_acked with the remembered
 *     number.
 */
#ifndef LEAT_QUIC_RECOVERY_ACK_TRACKER_H
#define LEAT_QUIC_RECOVERY_ACK_TRACKER_H

#include "base/range_set.h"

/*
 * Ranges kept per space, the lowest are dropped first: stops the peer that skips every other
 * number.
 */
#define LEAT_ACK_RANGES_MAX 256
#define LEAT_ACK_ELICITING_THRESHOLD                                                               \
    2 /* RFC 9000 §13.2.2: an ACK for every second ack-eliciting packet */

typedef struct leat_ack_tracker {
    leat_range_set received;
    uint64_t floor; /* numbers below count as received: late copies of them are dropped */
    uint64_t largest_received; /* or UINT64_MAX: none */
    leat_time largest_received_time;
    uint64_t largest_eliciting; /* largest ack-eliciting one, or UINT64_MAX */
    uint64_t ecn[3];   /* packets received with ECT(0), ECT(1), CE: the order of the ACK frame */
    bool acks_at_once; /* Initial and Handshake */
    leat_time max_ack_delay; /* ours, or what the peer asked for */
    uint64_t eliciting_threshold;  /* so many ack-eliciting packets are acknowledged at once */
    uint64_t reordering_threshold; /* a gap this wide is told at once; 0: never */
    uint64_t largest_acked;        /* largest number in an ACK that was sent, or UINT64_MAX */
    bool last_was_ce;
    unsigned eliciting_unacked; /* ack-eliciting packets since the last ACK was sent */
    leat_time ack_due;          /* LEAT_TIME_NEVER: no ACK owed; 0: at once */
} leat_ack_tracker;

void leat_ack_tracker_init(leat_ack_tracker *tracker, const leat_allocator *allocator,
    bool acks_at_once, leat_time max_ack_delay);
void leat_ack_tracker_clear(leat_ack_tracker *tracker);

bool leat_ack_tracker_is_duplicate(const leat_ack_tracker *tracker, uint64_t pn);
/*
 * pn must not be a duplicate; `ecn` is LEAT_ECN_*. LEAT_ERR_NOMEM: the packet cannot be
 * acknowledged; nothing changed.
 */
int leat_ack_tracker_on_received(
    leat_ack_tracker *tracker, uint64_t pn, bool ack_eliciting, uint8_t ecn, leat_time now);

/* When an ACK must be sent even if nothing else is: LEAT_TIME_NEVER when none is owed. */
static inline leat_time leat_ack_tracker_get_timer(const leat_ack_tracker *tracker) {
    return tracker->ack_due;
}
static inline bool leat_ack_tracker_is_due(const leat_ack_tracker *tracker, leat_time now) {
    return tracker->ack_due <= now && tracker->ack_due != LEAT_TIME_NEVER;
}
/*
 * Ack-eliciting packets came since the last ACK: worth adding one to a packet that goes out anyway
 * (§13.2.1).
 */
static inline bool leat_ack_tracker_wants_ack(const leat_ack_tracker *tracker) {
    return tracker->eliciting_unacked > 0;
}
static inline bool leat_ack_tracker_has_ranges(const leat_ack_tracker *tracker) {
    return tracker->received.count > 0;
}
static inline bool leat_ack_tracker_has_ecn(const leat_ack_tracker *tracker) {
    return (tracker->ecn[0] | tracker->ecn[1] | tracker->ecn[2]) != 0;
}
/*
 * draft-ietf-quic-ack-frequency §4: the peer wants an ACK after more than `eliciting` packets, after
 * max_ack_delay, or when a gap of `reordering` numbers shows (1: any gap, as without a request).
 */
void leat_ack_tracker_request(leat_ack_tracker *tracker, uint64_t eliciting,
    leat_time max_ack_delay, uint64_t reordering);
/* An ACK is due now (IMMEDIATE_ACK). */
void leat_ack_tracker_ack_at_once(leat_ack_tracker *tracker);
/* Time since the largest number arrived: the ACK Delay before encoding. */
leat_time leat_ack_tracker_delay(const leat_ack_tracker *tracker, leat_time now);
void leat_ack_tracker_on_ack_sent(leat_ack_tracker *tracker);
/*
 * The peer has seen an ACK of ours whose largest number was `largest`: lower ranges need no more
 * repeating (§13.2.4).
 */
void leat_ack_tracker_on_ack_acked(leat_ack_tracker *tracker, uint64_t largest);

#endif
