/*
 * Pacing, RFC 9002 §7.7: a token bucket in bytes. It fills at 1.25 times the window per
 * smoothed_rtt (or at the rate the controller names) and holds one burst: at least the initial
 * window, more on fast paths, so that whole GSO trains fit. Only packets in flight spend tokens;
 * ACKs and probes are not held back.
 */
#ifndef LEAT_QUIC_RECOVERY_PACER_H
#define LEAT_QUIC_RECOVERY_PACER_H

#include <leat/base.h>

typedef struct leat_pacer {
    uint64_t rate;  /* bytes per second; UINT64_MAX: no pacing */
    uint64_t burst; /* the bucket's size */
    uint64_t tokens;
    uint64_t remainder; /* of the last refill, in bytes * nanoseconds per second */
    leat_time last_refill;
    uint64_t burst_floor; /* the initial window */
} leat_pacer;

/* The bucket starts full. */
void leat_pacer_init(leat_pacer *pacer, size_t max_datagram_size);
/* After each change of window or RTT. */
void leat_pacer_set_window(leat_pacer *pacer, uint64_t congestion_window, leat_time smoothed_rtt);
void leat_pacer_set_rate(leat_pacer *pacer, uint64_t bytes_per_second);
/* Bytes that may go out now. */
uint64_t leat_pacer_allowance(const leat_pacer *pacer, leat_time now);
void leat_pacer_on_sent(leat_pacer *pacer, uint64_t bytes, leat_time now);
/* When `bytes` (at most one burst) may go out: now, or later. */
leat_time leat_pacer_next_time(const leat_pacer *pacer, uint64_t bytes, leat_time now);

#endif
