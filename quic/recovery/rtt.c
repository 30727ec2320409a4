/* The estimator of RFC 9002 §5.3 and A.7: see rtt.h. */
#include "quic/recovery/rtt.h"

leat_time leat_time_add(leat_time a, leat_time b) {
    return b > LEAT_TIME_NEVER - a ? LEAT_TIME_NEVER : a + b;
}

leat_time leat_time_sub(leat_time a, leat_time b) {
    return a > b ? a - b : 0;
}

leat_time leat_time_multiply(leat_time time, uint64_t multiplier) {
    return multiplier != 0 && time > LEAT_TIME_NEVER / multiplier ? LEAT_TIME_NEVER
                                                                  : time * multiplier;
}

static leat_time larger(leat_time a, leat_time b) {
    return a > b ? a : b;
}

static leat_time smaller(leat_time a, leat_time b) {
    return a < b ? a : b;
}

void leat_rtt_init(leat_rtt *rtt, leat_time initial_rtt) {
    leat_time initial = initial_rtt == 0 ? LEAT_INITIAL_RTT : smaller(initial_rtt, LEAT_RTT_MAX);
    /* RFC 9002 §6.2.2-1 and A.4: before the first sample. */
    *rtt = (leat_rtt){
        .smoothed_rtt = initial, .rttvar = initial / 2, .first_rtt_sample = LEAT_TIME_NEVER};
}

static void take_first_sample(leat_rtt *rtt, leat_time now) {
    rtt->min_rtt = rtt->latest_rtt; /* RFC 9002 §5.2-1 */
    rtt->smoothed_rtt = rtt->latest_rtt;
    rtt->rttvar = rtt->latest_rtt / 2;
    rtt->first_rtt_sample = now;
}

void leat_rtt_on_sample(leat_rtt *rtt, leat_time latest_rtt, leat_time ack_delay,
    leat_time max_ack_delay, bool handshake_confirmed, leat_time now) {
    rtt->latest_rtt = smaller(latest_rtt, LEAT_RTT_MAX);
    if (!leat_rtt_has_sample(rtt)) {
        take_first_sample(rtt, now);
        return;
    }
    /* RFC 9002 §5.2-2: min_rtt ignores what the peer says about its delay. */
    rtt->min_rtt = smaller(rtt->min_rtt, rtt->latest_rtt);
    if (handshake_confirmed) {
        ack_delay = smaller(ack_delay, max_ack_delay); /* RFC 9002 §5.3-3 */
    }
    leat_time adjusted_rtt = rtt->latest_rtt;
    /* RFC 9002 §5.3-4: a delay that would push the sample below min_rtt is not believed. */
    if (rtt->latest_rtt >= leat_time_add(rtt->min_rtt, ack_delay)) {
        adjusted_rtt = rtt->latest_rtt - ack_delay;
    }
    leat_time rttvar_sample =
        larger(rtt->smoothed_rtt, adjusted_rtt) - smaller(rtt->smoothed_rtt, adjusted_rtt);
    rtt->rttvar = (3 * rtt->rttvar + rttvar_sample) / 4;
    rtt->smoothed_rtt = (7 * rtt->smoothed_rtt + adjusted_rtt) / 8;
}

void leat_rtt_on_persistent_congestion(leat_rtt *rtt) {
    rtt->min_rtt = rtt->latest_rtt; /* RFC 9002 §5.2-3: the path may have become longer for good */
}

leat_time leat_rtt_pto_base(const leat_rtt *rtt) {
    return rtt->smoothed_rtt + larger(4 * rtt->rttvar, LEAT_GRANULARITY);
}

leat_time leat_rtt_loss_delay(const leat_rtt *rtt, uint32_t time_threshold_eighths) {
    leat_time longest = larger(rtt->latest_rtt, rtt->smoothed_rtt);
    /* RFC 9002 §6.1.2-4 and §6.1.2-2: never below kGranularity. */
    return larger(longest + longest * (time_threshold_eighths - 8) / 8, LEAT_GRANULARITY);
}
