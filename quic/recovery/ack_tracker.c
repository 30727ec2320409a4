/* Received packet numbers and the rules for ACKs, RFC 9000 §13.2: see ack_tracker.h. */
#include "quic/recovery/ack_tracker.h"

#include "quic/recovery/rtt.h"

#include <leat/quic.h>

#define NO_NUMBER UINT64_MAX
#define AT_ONCE 0

void leat_ack_tracker_init(leat_ack_tracker *tracker, const leat_allocator *allocator,
    bool acks_at_once, leat_time max_ack_delay) {
    *tracker = (leat_ack_tracker){
        .largest_received = NO_NUMBER,
        .largest_eliciting = NO_NUMBER,
        .acks_at_once = acks_at_once,
        .max_ack_delay = max_ack_delay,
        .largest_acked = NO_NUMBER,
        .eliciting_threshold = LEAT_ACK_ELICITING_THRESHOLD,
        .reordering_threshold = 1,
        .ack_due = LEAT_TIME_NEVER,
    };
    leat_range_set_init(&tracker->received, allocator, LEAT_ACK_RANGES_MAX);
}

void leat_ack_tracker_clear(leat_ack_tracker *tracker) {
    leat_range_set_clear(&tracker->received);
    tracker->eliciting_unacked = 0;
    tracker->ack_due = LEAT_TIME_NEVER;
}

bool leat_ack_tracker_is_duplicate(const leat_ack_tracker *tracker, uint64_t pn) {
    /*
     * RFC 9000 §13.2.3-3: forgotten ranges may be dropped because nothing below the floor is
     * accepted any more.
     */
    return pn < tracker->floor || leat_range_set_contains(&tracker->received, pn);
}

/*
 * RFC 9000 §13.2.1-7: older than another ack-eliciting packet, or with something missing between it
 * and that one.
 */
static bool is_reordered(const leat_ack_tracker *tracker, uint64_t pn) {
    uint64_t before = tracker->largest_eliciting;
    if (before == NO_NUMBER || pn < before) {
        return before != NO_NUMBER;
    }
    return !leat_range_set_covers(
        &tracker->received, before > tracker->floor ? before : tracker->floor, pn);
}

/* The lowest number from `from` on that has not come. */
static uint64_t first_missing(const leat_ack_tracker *tracker, uint64_t from) {
    const leat_range_set *received = &tracker->received;
    uint64_t missing = from > tracker->floor ? from : tracker->floor;
    for (size_t i = 0; i < received->count && received->ranges[i].start <= missing; i++) {
        missing = received->ranges[i].end > missing ? received->ranges[i].end : missing;
    }
    return missing;
}

/*
 * draft-ietf-quic-ack-frequency §6.2: the gap has grown so wide that the peer will give the packet
 * up, or one came that it has given up already. Gaps that an ACK has told of are not told again.
 */
static bool is_outside_window(const leat_ack_tracker *tracker, uint64_t pn) {
    uint64_t threshold = tracker->reordering_threshold, acked = tracker->largest_acked;
    bool has_acked = acked != NO_NUMBER;
    bool is_given_up = has_acked && acked >= threshold && pn <= acked - threshold;
    uint64_t from = has_acked && acked >= threshold ? acked - threshold + 1 : 0;
    uint64_t largest = tracker->largest_eliciting;
    largest = largest == NO_NUMBER || pn > largest ? pn : largest;
    uint64_t missing = first_missing(tracker, from);
    return is_given_up || (missing < largest && largest - missing >= threshold);
}

static void count_ecn(leat_ack_tracker *tracker, uint8_t ecn) {
    static const uint8_t places[4] = {[LEAT_ECN_ECT0] = 0, [LEAT_ECN_ECT1] = 1, [LEAT_ECN_CE] = 2};
    if (ecn != LEAT_ECN_NOT_ECT) {
        tracker->ecn[places[ecn & 3]]++; /* RFC 9000 §13.4.1-1 */
    }
}

static bool wants_gap_told(const leat_ack_tracker *tracker, uint64_t pn, bool reordered) {
    return tracker->reordering_threshold == 1
               ? reordered
               : tracker->reordering_threshold > 1 && is_outside_window(tracker, pn);
}

/* draft-ietf-quic-ack-frequency §6.3: with fewer ACKs only the first mark of a run is urgent. */
static bool wants_mark_told(const leat_ack_tracker *tracker, uint8_t ecn) {
    bool is_told = tracker->last_was_ce && tracker->eliciting_threshold > 2;
    return ecn == LEAT_ECN_CE && !is_told;
}

/* When the ACK for an ack-eliciting packet is due. `urgent`: it says something that the peer needs
 * to know now. */
static void schedule(leat_ack_tracker *tracker, bool urgent, leat_time now) {
    tracker->eliciting_unacked++;
    if (tracker->acks_at_once || urgent ||
        tracker->eliciting_unacked >= tracker->eliciting_threshold) {
        /* RFC 9000 §13.2.1-2, §13.2.1-7, §13.2.1-8, §13.2.2-1 */
        tracker->ack_due = AT_ONCE;
    } else if (tracker->ack_due == LEAT_TIME_NEVER) {
        tracker->ack_due = leat_time_add(now, tracker->max_ack_delay);
    }
}

int leat_ack_tracker_on_received(
    leat_ack_tracker *tracker, uint64_t pn, bool ack_eliciting, uint8_t ecn, leat_time now) {
    bool reordered = is_reordered(tracker, pn);
    int err = leat_range_set_add_dropping_lowest(&tracker->received, pn, pn + 1);
    if (err != LEAT_OK) {
        return err;
    }
    if (tracker->received.count == tracker->received.limit &&
        tracker->received.ranges[0].start > tracker->floor) {
        tracker->floor = tracker->received.ranges[0].start;
    }
    if (tracker->largest_received == NO_NUMBER || pn > tracker->largest_received) {
        tracker->largest_received = pn;
        tracker->largest_received_time = now;
    }
    count_ecn(tracker, ecn);
    if (ack_eliciting) {
        schedule(tracker, wants_gap_told(tracker, pn, reordered) || wants_mark_told(tracker, ecn),
            now);
        if (tracker->largest_eliciting == NO_NUMBER || pn > tracker->largest_eliciting) {
            tracker->largest_eliciting = pn;
        }
    }
    tracker->last_was_ce = ecn == LEAT_ECN_CE;
    return LEAT_OK;
}

leat_time leat_ack_tracker_delay(const leat_ack_tracker *tracker, leat_time now) {
    return leat_time_sub(now, tracker->largest_received_time);
}

void leat_ack_tracker_on_ack_sent(leat_ack_tracker *tracker) {
    tracker->eliciting_unacked = 0;
    tracker->ack_due = LEAT_TIME_NEVER;
    tracker->largest_acked = tracker->largest_received;
}

void leat_ack_tracker_request(leat_ack_tracker *tracker, uint64_t eliciting,
    leat_time max_ack_delay, uint64_t reordering) {
    tracker->eliciting_threshold = eliciting + 1;
    tracker->max_ack_delay = max_ack_delay;
    tracker->reordering_threshold = reordering;
}

void leat_ack_tracker_ack_at_once(leat_ack_tracker *tracker) { tracker->ack_due = AT_ONCE; }

void leat_ack_tracker_on_ack_acked(leat_ack_tracker *tracker, uint64_t largest) {
    if (tracker->largest_received == NO_NUMBER || largest > tracker->largest_received) {
        return;
    }
    /*
     * RFC 9000 §13.2.3-5: the largest number stays in every ACK, and is needed to recover numbers
     * (§13.2.3-4).
     */
    uint64_t keep_from = largest < tracker->largest_received ? largest + 1 : largest;
    leat_range_set_trim_below(&tracker->received, keep_from);
    tracker->floor = keep_from > tracker->floor ? keep_from : tracker->floor;
}
