/*
 * NewReno, the controller of RFC 9002 §7 and appendix B: slow start, recovery, congestion
 * avoidance. A reduction that turns out to be for nothing is undone.
 */
#include "quic/recovery/congestion.h"

#define LOSS_REDUCTION_FACTOR 2 /* RFC 9002 B.1: kLossReductionFactor is one half */

/* What a reduction changes. */
typedef struct windows {
    uint64_t congestion_window, ssthresh, bytes_acked;
} windows;

typedef struct newreno {
    uint64_t max_datagram_size;
    uint64_t congestion_window;
    uint64_t ssthresh;
    uint64_t bytes_acked; /* since the window grew last, in congestion avoidance */
    windows undo;         /* before the last reduction; a window of 0: nothing to undo */
    leat_time congestion_recovery_start_time;
    bool has_recovered; /* congestion_recovery_start_time is set */
    bool in_recovery;   /* for traces: nothing sent after the start was acknowledged yet */
} newreno;

static void init(void *state, size_t max_datagram_size) {
    newreno *reno = state;
    *reno = (newreno){
        .max_datagram_size = max_datagram_size,
        .congestion_window = leat_initial_window(max_datagram_size),
        .ssthresh = UINT64_MAX,
    };
}

static bool is_in_recovery(const newreno *reno, leat_time time_sent) {
    return reno->has_recovered && time_sent <= reno->congestion_recovery_start_time;
}

static void on_acked(void *state, const leat_congestion_ack *ack) {
    newreno *reno = state;
    /* RFC 9002 §7.3.2: no growth from packets sent before the recovery period began. */
    if (is_in_recovery(reno, ack->packet->time_sent)) {
        return;
    }
    reno->in_recovery = false;
    if (ack->is_app_limited) {
        return; /* RFC 9002 §7.8-1: an unused window has not been tested */
    }
    if (reno->congestion_window < reno->ssthresh) {
        reno->congestion_window = leat_congestion_grow(reno->congestion_window, ack->packet->bytes);
        return;
    }
    /* RFC 9002 §7.3.3-1: one datagram for each window acknowledged. */
    reno->bytes_acked += ack->packet->bytes;
    if (reno->bytes_acked >= reno->congestion_window) {
        reno->bytes_acked -= reno->congestion_window;
        reno->congestion_window =
            leat_congestion_grow(reno->congestion_window, reno->max_datagram_size);
    }
}

static void on_congestion_event(void *state, const leat_congestion_event *event) {
    newreno *reno = state;
    if (is_in_recovery(reno, event->time_sent)) {
        return; /* RFC 9002 §7.3.2: one reduction per round trip */
    }
    uint64_t minimum = leat_minimum_window(reno->max_datagram_size);
    uint64_t reduced = reno->congestion_window / LOSS_REDUCTION_FACTOR;
    reno->undo = (windows){reno->congestion_window, reno->ssthresh, reno->bytes_acked};
    /* RFC 9002 §7.3.1-1, §7.3.2-1, §7.3.2-2 */
    reno->has_recovered = reno->in_recovery = true;
    reno->congestion_recovery_start_time = event->now;
    reno->ssthresh = reno->congestion_window = reduced > minimum ? reduced : minimum;
    reno->bytes_acked = 0;
}

static void on_persistent_congestion(void *state) {
    newreno *reno = state;
    reno->congestion_window = leat_minimum_window(reno->max_datagram_size); /* RFC 9002 §7.6.2-4 */
    reno->has_recovered = reno->in_recovery = false;
    reno->bytes_acked = 0;
    reno->undo.congestion_window = 0; /* no ACK for three PTOs: that was no reordering */
}

static void on_spurious_loss(void *state) {
    newreno *reno = state;
    if (reno->undo.congestion_window > reno->congestion_window) {
        reno->congestion_window = reno->undo.congestion_window;
        reno->ssthresh = reno->undo.ssthresh;
        reno->bytes_acked = reno->undo.bytes_acked;
        reno->has_recovered = reno->in_recovery = false;
    }
    reno->undo.congestion_window = 0;
}

static void on_datagram_size(void *state, size_t max_datagram_size) {
    newreno *reno = state;
    uint64_t minimum = leat_minimum_window(max_datagram_size);
    bool is_untouched =
        reno->congestion_window == leat_initial_window((size_t)reno->max_datagram_size);
    reno->max_datagram_size = max_datagram_size;
    if (is_untouched) {
        reno->congestion_window =
            leat_initial_window(max_datagram_size); /* RFC 9002 §7.2-2, §7.2-3 */
    }
    reno->congestion_window = reno->congestion_window > minimum ? reno->congestion_window : minimum;
}

static uint64_t window(const void *state) {
    const newreno *reno = state;
    return reno->congestion_window;
}

static uint64_t slow_start_threshold(const void *state) {
    const newreno *reno = state;
    return reno->ssthresh;
}

static const char *state_name(const void *state) {
    const newreno *reno = state;
    if (reno->in_recovery) {
        return "recovery";
    }
    return reno->congestion_window < reno->ssthresh ? "slow_start" : "congestion_avoidance";
}

const leat_congestion_ops leat_newreno = {
    .size = sizeof(leat_congestion_ops),
    .name = "newreno",
    .state_size = sizeof(newreno),
    .init = init,
    .on_acked = on_acked,
    .on_congestion_event = on_congestion_event,
    .on_persistent_congestion = on_persistent_congestion,
    .on_spurious_loss = on_spurious_loss,
    .on_datagram_size = on_datagram_size,
    .window = window,
    .slow_start_threshold = slow_start_threshold,
    .state_name = state_name,
};
