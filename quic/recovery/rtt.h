/*
 * Round-trip time estimation, RFC 9002 §5 and A.7: one per network path. Variables are named as in
 * the RFC; all of them are durations in nanoseconds. Arithmetic saturates: whatever delay a peer
 * claims, nothing wraps.
 */
#ifndef LEAT_QUIC_RECOVERY_RTT_H
#define LEAT_QUIC_RECOVERY_RTT_H

#include <leat/base.h>

#define LEAT_INITIAL_RTT (333 * LEAT_MILLISECOND) /* RFC 9002 §6.2.2: kInitialRtt */
#define LEAT_GRANULARITY LEAT_MILLISECOND         /* RFC 9002 §6.1.2: kGranularity */
#define LEAT_TIME_THRESHOLD_EIGHTHS 9             /* RFC 9002 §6.1.2: kTimeThreshold is 9/8 */
/*
 * No duration in the estimator passes one day, so that sums and the PTO backoff stay far from
 * overflow.
 */
#define LEAT_RTT_MAX (86400 * LEAT_SECOND)

typedef struct leat_rtt {
    leat_time latest_rtt;
    leat_time smoothed_rtt;
    leat_time rttvar;
    leat_time min_rtt;
    leat_time first_rtt_sample; /* when the first sample was taken, or LEAT_TIME_NEVER */
} leat_rtt;

/* a + b and a - b, stopping at LEAT_TIME_NEVER and at 0. */
leat_time leat_time_add(leat_time a, leat_time b);
leat_time leat_time_sub(leat_time a, leat_time b);
/* time * multiplier, saturating. */
leat_time leat_time_multiply(leat_time time, uint64_t multiplier);

/* initial_rtt 0 means LEAT_INITIAL_RTT. */
void leat_rtt_init(leat_rtt *rtt, leat_time initial_rtt);
static inline bool leat_rtt_has_sample(const leat_rtt *rtt) {
    return rtt->first_rtt_sample != LEAT_TIME_NEVER;
}
/*
 * A sample: now - the send time of the largest newly acknowledged packet. ack_delay as the peer
 * reported it (0 in the Initial space); it is capped by the peer's max_ack_delay once the handshake
 * is confirmed.
 */
void leat_rtt_on_sample(leat_rtt *rtt, leat_time latest_rtt, leat_time ack_delay,
    leat_time max_ack_delay, bool handshake_confirmed, leat_time now);
/* RFC 9002 §5.2: after persistent congestion min_rtt starts again from the newest sample. */
void leat_rtt_on_persistent_congestion(leat_rtt *rtt);
/* smoothed_rtt + max(4 * rttvar, kGranularity): the PTO without max_ack_delay and backoff. */
leat_time leat_rtt_pto_base(const leat_rtt *rtt);
/* RFC 9002 §6.1.2: max(kTimeThreshold * max(smoothed_rtt, latest_rtt), kGranularity). */
leat_time leat_rtt_loss_delay(const leat_rtt *rtt, uint32_t time_threshold_eighths);

#endif
