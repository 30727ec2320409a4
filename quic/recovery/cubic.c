/*
 * CUBIC, RFC 9438, with HyStart++ (RFC 9406) for the first slow start; the default controller. In
 * integers: windows in bytes, times in milliseconds, fractions carried from ACK to ACK, so that a
 * run is the same on every machine. "Segment" of the RFC is max_datagram_size.
 */
#include "quic/recovery/congestion.h"
#include "quic/recovery/hystart.h"

/* RFC 9438 §4.6: beta is 0.7. */
#define BETA_TIMES_10 7
/* RFC 9438 §5.1: C is 0.4 segments per cubic second. */
#define C_TIMES_10 4
/* RFC 9438 §4.3: alpha is 3 * (1 - beta) / (1 + beta) = 9 / 17. */
#define ALPHA_NUMERATOR 9
#define ALPHA_DENOMINATOR 17
/* The curve is followed for this long from its plateau; further out the bounds on target rule. */
#define CURVE_MS_MAX UINT64_C(1000000)

/* What RFC 9438 §4.9.2 saves and restores. */
typedef struct curve {
    uint64_t cwnd;
    uint64_t cwnd_prior; /* when ssthresh was set last */
    uint64_t ssthresh;
    uint64_t W_max;    /* 0: not known */
    uint64_t W_est;    /* what NewReno would have now */
    uint64_t K;        /* milliseconds */
    leat_time t_epoch; /* LEAT_TIME_NEVER: congestion avoidance has not begun */
} curve;

typedef struct cubic {
    uint64_t max_datagram_size;
    curve now, undo; /* undo.cwnd 0: nothing to undo */
    uint64_t cwnd_fraction;  /* growth not yet a byte, times cwnd */
    uint64_t W_est_fraction; /* the same of W_est, times cwnd and ALPHA_DENOMINATOR */
    leat_time app_limited_since; /* LEAT_TIME_NEVER: the window is in use */
    leat_time congestion_recovery_start_time;
    bool has_recovered; /* congestion_recovery_start_time is set */
    bool in_recovery;   /* nothing sent after the start was acknowledged yet */
    leat_hystart hystart;
} cubic;

static void init(void *state, size_t max_datagram_size) {
    cubic *c = state;
    *c = (cubic){
        .max_datagram_size = max_datagram_size,
        .now = {.cwnd = leat_initial_window(max_datagram_size),
            .ssthresh = UINT64_MAX,
            .t_epoch = LEAT_TIME_NEVER},
        .app_limited_since = LEAT_TIME_NEVER,
    };
    leat_hystart_init(&c->hystart);
}

static bool is_in_slow_start(const cubic *c) {
    return c->now.cwnd < c->now.ssthresh;
}

/* RFC 9406 §4.3: later slow starts end at a threshold that was found before. */
static bool uses_hystart(const cubic *c) {
    return c->now.ssthresh == UINT64_MAX;
}

static bool is_in_recovery(const cubic *c, leat_time time_sent) {
    return c->has_recovered && time_sent <= c->congestion_recovery_start_time;
}

/* ---- the curve ---- */

/* Of a value below 2^63. */
static uint64_t cube_root(uint64_t value) {
    uint64_t root = 0;
    for (int bit = 20; bit >= 0; bit--) {
        uint64_t more = root | UINT64_C(1) << bit;
        root = more * more * more <= value ? more : root;
    }
    return root;
}

/* C * ms^3 of RFC 9438 figure 1, in bytes. */
static uint64_t rise(const cubic *c, uint64_t ms) {
    ms = ms < CURVE_MS_MAX ? ms : CURVE_MS_MAX;
    uint64_t segments_times_1000 = ms * ms * ms * C_TIMES_10 / 10000000;
    return segments_times_1000 * c->max_datagram_size / 1000;
}

/* RFC 9438 figure 2, in milliseconds. */
static uint64_t plateau_after(const cubic *c, uint64_t distance) {
    uint64_t segments_times_1000 = distance * 1000 / c->max_datagram_size;
    return cube_root(segments_times_1000 * (10000000 / C_TIMES_10));
}

/* RFC 9438 figure 1: the curve t milliseconds after the epoch began. */
static uint64_t W_cubic(const cubic *c, uint64_t t) {
    if (t >= c->now.K) {
        return leat_congestion_grow(c->now.W_max, rise(c, t - c->now.K));
    }
    uint64_t below = rise(c, c->now.K - t);
    return c->now.W_max > below ? c->now.W_max - below : 0;
}

/* RFC 9438 §4.2: growth is never negative and stays below that of slow start. */
static uint64_t target_of(const cubic *c, uint64_t t) {
    uint64_t cwnd = c->now.cwnd, highest = cwnd + cwnd / 2, target = W_cubic(c, t);
    if (target < cwnd) {
        return cwnd;
    }
    return target < highest ? target : highest;
}

/* ---- congestion avoidance ---- */

static void begin_epoch(cubic *c, leat_time now) {
    c->now.t_epoch = now;
    c->now.W_est = c->now.cwnd;
    c->cwnd_fraction = c->W_est_fraction = 0;
    /* RFC 9438 §4.8, §4.10: after a timeout, or without a loss so far, the plateau is here. */
    c->now.W_max = c->now.W_max > c->now.cwnd ? c->now.W_max : c->now.cwnd;
    c->now.K = plateau_after(c, c->now.W_max - c->now.cwnd);
}

/* RFC 9438 figure 4; alpha is 1 once the window of the last reduction is reached again. */
static void grow_W_est(cubic *c, uint64_t bytes_acked) {
    bool is_level = c->now.W_est >= c->now.cwnd_prior;
    uint64_t alpha = is_level ? ALPHA_DENOMINATOR : ALPHA_NUMERATOR;
    uint64_t whole = ALPHA_DENOMINATOR * c->now.cwnd;
    c->W_est_fraction += alpha * c->max_datagram_size * bytes_acked;
    c->now.W_est = leat_congestion_grow(c->now.W_est, c->W_est_fraction / whole);
    c->W_est_fraction %= whole;
}

/* RFC 9438 §4.4, §4.5 */
static void grow_to_target(cubic *c, uint64_t target, uint64_t bytes_acked) {
    c->cwnd_fraction += (target - c->now.cwnd) * bytes_acked;
    uint64_t growth = c->cwnd_fraction / c->now.cwnd;
    c->cwnd_fraction %= c->now.cwnd;
    c->now.cwnd = leat_congestion_grow(c->now.cwnd, growth);
}

static void avoid_congestion(cubic *c, const leat_congestion_ack *ack) {
    if (c->now.t_epoch == LEAT_TIME_NEVER) {
        begin_epoch(c, ack->now);
    }
    uint64_t t = (ack->now - c->now.t_epoch) / LEAT_MILLISECOND;
    grow_W_est(c, ack->packet->bytes);
    if (W_cubic(c, t) < c->now.W_est) { /* RFC 9438 §4.3 */
        c->now.cwnd = c->now.W_est > c->now.cwnd ? c->now.W_est : c->now.cwnd;
        return;
    }
    uint64_t rtt = ack->smoothed_rtt / LEAT_MILLISECOND;
    grow_to_target(c, target_of(c, t + rtt), ack->packet->bytes);
}

/* RFC 9438 §4.2, §5.8: the curve's time stands still while the window is not used. */
static bool is_idle(cubic *c, const leat_congestion_ack *ack) {
    if (ack->is_app_limited) {
        bool is_first = c->app_limited_since == LEAT_TIME_NEVER;
        c->app_limited_since = is_first ? ack->now : c->app_limited_since;
        return true;
    }
    if (c->app_limited_since != LEAT_TIME_NEVER && c->now.t_epoch != LEAT_TIME_NEVER) {
        leat_time start = c->app_limited_since > c->now.t_epoch ? c->app_limited_since
                                                                : c->now.t_epoch;
        c->now.t_epoch += ack->now - start;
    }
    c->app_limited_since = LEAT_TIME_NEVER;
    return false;
}

static void on_acked(void *state, const leat_congestion_ack *ack) {
    cubic *c = state;
    /* RFC 9002 §7.3.2: no growth from packets sent before the recovery period began. */
    if (is_in_recovery(c, ack->packet->time_sent)) {
        return;
    }
    c->in_recovery = false;
    if (is_idle(c, ack)) {
        return; /* RFC 9002 §7.8-1 */
    }
    if (!is_in_slow_start(c)) {
        avoid_congestion(c, ack);
        return;
    }
    uint64_t bytes = ack->packet->bytes;
    c->now.cwnd = leat_congestion_grow(
        c->now.cwnd, uses_hystart(c) ? leat_hystart_growth(&c->hystart, bytes) : bytes);
}

static void on_ack_end(void *state, const leat_rate_sample *sample) {
    cubic *c = state;
    if (uses_hystart(c) && leat_hystart_on_ack_end(&c->hystart, sample)) {
        c->now.ssthresh = c->now.cwnd_prior = c->now.cwnd; /* RFC 9438 §4.10 */
    }
}

/* ---- reduction ---- */

static void on_congestion_event(void *state, const leat_congestion_event *event) {
    cubic *c = state;
    if (is_in_recovery(c, event->time_sent)) {
        return; /* RFC 9002 §7.3.2: one reduction per round trip */
    }
    uint64_t cwnd = c->now.cwnd;
    c->undo = c->now;
    c->has_recovered = c->in_recovery = true;
    c->congestion_recovery_start_time = event->now;
    /* RFC 9438 §4.7: who loses below the old plateau makes room for a newcomer. */
    bool has_newcomer = cwnd < c->now.W_max;
    c->now.W_max = has_newcomer ? cwnd * (10 + BETA_TIMES_10) / 20 : cwnd;
    c->now.cwnd_prior = cwnd;
    /*
     * RFC 9438 §4.6: the window stands for the flight, since it does not grow while it is not used.
     * RFC 9002 §7.2-4: two datagrams at least, after an ECN mark too.
     */
    uint64_t reduced = cwnd * BETA_TIMES_10 / 10;
    uint64_t minimum = leat_minimum_window((size_t)c->max_datagram_size);
    c->now.ssthresh = c->now.cwnd = reduced > minimum ? reduced : minimum;
    c->now.t_epoch = LEAT_TIME_NEVER;
}

/* RFC 9438 §4.8: the threshold was lowered by the loss that led here; no plateau is known. */
static void on_persistent_congestion(void *state) {
    cubic *c = state;
    c->now.cwnd = leat_minimum_window((size_t)c->max_datagram_size); /* RFC 9002 §7.6.2-4 */
    c->now.W_max = 0;
    c->now.t_epoch = LEAT_TIME_NEVER;
    c->has_recovered = c->in_recovery = false;
    c->undo.cwnd = 0;
}

/* RFC 9438 §4.9.2 */
static void on_spurious_loss(void *state) {
    cubic *c = state;
    if (c->undo.cwnd > 0 && c->now.cwnd < c->now.cwnd_prior) {
        c->now = c->undo;
        c->cwnd_fraction = c->W_est_fraction = 0;
        c->has_recovered = c->in_recovery = false;
    }
    c->undo.cwnd = 0;
}

static void on_datagram_size(void *state, size_t max_datagram_size) {
    cubic *c = state;
    uint64_t minimum = leat_minimum_window(max_datagram_size);
    bool is_untouched = c->now.cwnd == leat_initial_window((size_t)c->max_datagram_size);
    c->max_datagram_size = max_datagram_size;
    /* RFC 9002 §7.2-2, §7.2-3 */
    c->now.cwnd = is_untouched ? leat_initial_window(max_datagram_size) : c->now.cwnd;
    c->now.cwnd = c->now.cwnd > minimum ? c->now.cwnd : minimum;
}

/* ---- what others may know ---- */

static uint64_t window(const void *state) {
    const cubic *c = state;
    return c->now.cwnd;
}

static uint64_t slow_start_threshold(const void *state) {
    const cubic *c = state;
    return c->now.ssthresh;
}

static const char *state_name(const void *state) {
    const cubic *c = state;
    if (c->in_recovery) {
        return "recovery";
    }
    if (!is_in_slow_start(c)) {
        return "congestion_avoidance";
    }
    bool is_conservative = uses_hystart(c) && leat_hystart_is_conservative(&c->hystart);
    return is_conservative ? "conservative_slow_start" : "slow_start";
}

const leat_congestion_ops leat_cubic = {
    .size = sizeof(leat_congestion_ops),
    .name = "cubic",
    .state_size = sizeof(cubic),
    .init = init,
    .on_acked = on_acked,
    .on_ack_end = on_ack_end,
    .on_congestion_event = on_congestion_event,
    .on_persistent_congestion = on_persistent_congestion,
    .on_spurious_loss = on_spurious_loss,
    .on_datagram_size = on_datagram_size,
    .window = window,
    .slow_start_threshold = slow_start_threshold,
    .state_name = state_name,
};
