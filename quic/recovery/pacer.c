/* The token bucket of RFC 9002 §7.7: see pacer.h. */
#include "quic/recovery/pacer.h"

#include "quic/recovery/congestion.h"
#include "quic/recovery/rtt.h"

/*
 * RFC 9002 §7.7: N = 1.25, so that the window stays usable when the RTT varies; here in nanoseconds
 * per second.
 */
#define GAIN_TIMES_SECOND (LEAT_SECOND + LEAT_SECOND / 4)
/*
 * A burst may be what the rate allows in one timer granularity: nothing finer can be kept anyway.
 */
#define BURSTS_PER_SECOND (LEAT_SECOND / LEAT_GRANULARITY)
#define UNLIMITED UINT64_MAX

void leat_pacer_init(leat_pacer *pacer, size_t max_datagram_size) {
    uint64_t burst = leat_initial_window(max_datagram_size); /* RFC 9002 §7.7-3 */
    *pacer = (leat_pacer){.rate = UNLIMITED, .burst = burst, .tokens = burst, .burst_floor = burst};
}

void leat_pacer_set_rate(leat_pacer *pacer, uint64_t bytes_per_second) {
    uint64_t burst = bytes_per_second / BURSTS_PER_SECOND;
    pacer->rate = bytes_per_second == 0 ? 1 : bytes_per_second;
    pacer->burst = burst > pacer->burst_floor ? burst : pacer->burst_floor;
}

void leat_pacer_set_window(leat_pacer *pacer, uint64_t congestion_window, leat_time smoothed_rtt) {
    uint64_t bytes = leat_time_multiply(congestion_window, GAIN_TIMES_SECOND);
    bool is_unlimited = smoothed_rtt == 0 || bytes == UINT64_MAX;
    leat_pacer_set_rate(pacer, is_unlimited ? UNLIMITED : bytes / smoothed_rtt);
}

uint64_t leat_pacer_allowance(const leat_pacer *pacer, leat_time now) {
    if (pacer->rate == UNLIMITED) {
        return UNLIMITED;
    }
    leat_time elapsed = leat_time_sub(now, pacer->last_refill);
    uint64_t grown =
        leat_time_add(leat_time_multiply(pacer->rate, elapsed), pacer->remainder) / LEAT_SECOND;
    uint64_t space = pacer->burst > pacer->tokens ? pacer->burst - pacer->tokens : 0;
    return grown < space ? pacer->tokens + grown : pacer->burst;
}

void leat_pacer_on_sent(leat_pacer *pacer, uint64_t bytes, leat_time now) {
    if (pacer->rate == UNLIMITED) {
        pacer->last_refill = now;
        return;
    }
    uint64_t allowance = leat_pacer_allowance(pacer, now);
    leat_time elapsed = leat_time_sub(now, pacer->last_refill);
    pacer->remainder =
        leat_time_add(leat_time_multiply(pacer->rate, elapsed), pacer->remainder) % LEAT_SECOND;
    pacer->tokens = allowance > bytes ? allowance - bytes : 0;
    pacer->last_refill = now > pacer->last_refill ? now : pacer->last_refill;
}

leat_time leat_pacer_next_time(const leat_pacer *pacer, uint64_t bytes, leat_time now) {
    uint64_t wanted = bytes < pacer->burst ? bytes : pacer->burst;
    uint64_t allowance = leat_pacer_allowance(pacer, now);
    if (allowance >= wanted) {
        return now;
    }
    leat_time missing = leat_time_multiply(wanted - allowance, LEAT_SECOND);
    return leat_time_add(now, missing / pacer->rate + 1);
}
