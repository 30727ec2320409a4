/*
 * What BBR's model means for pace and window, draft-ietf-ccwg-bbr §5.6: see bbr.h. The send quantum
 * only enters the budget of the window: bursts are the pacer's.
 */
#include "quic/recovery/bbr.h"
#include "quic/recovery/rtt.h"

#define PACING_MARGIN_PERCENT 1 /* §2.5 */
#define HEADROOM_PERCENT 15     /* §2.8 */
#define MIN_PIPE_DATAGRAMS 4    /* §2.8 */
#define SEND_QUANTUM_MAX 65536  /* §5.6.3 */
#define PERCENT_OF(value, percent) ((value) * (percent) / 100)

const leat_bbr_behaviour leat_bbr_behaviours[LEAT_BBR_STATE_COUNT] = {
    [LEAT_BBR_STARTUP] = {"startup", 277, 200},
    [LEAT_BBR_DRAIN] = {"drain", 50, 200},
    [LEAT_BBR_PROBE_BW_DOWN] = {"probe_bw_down", 90, 200},
    [LEAT_BBR_PROBE_BW_CRUISE] = {"probe_bw_cruise", 100, 200},
    [LEAT_BBR_PROBE_BW_REFILL] = {"probe_bw_refill", 100, 200},
    [LEAT_BBR_PROBE_BW_UP] = {"probe_bw_up", 125, 225},
    [LEAT_BBR_PROBE_RTT] = {"probe_rtt", 100, 50},
};

static uint64_t min_pipe_cwnd(const leat_bbr *bbr) {
    return MIN_PIPE_DATAGRAMS * bbr->SMSS;
}

/* ---- pace ---- */

/* draft-ietf-ccwg-bbr §5.6.2: before there is a bandwidth. */
static void init_pacing_rate(leat_bbr *bbr, leat_time srtt) {
    uint64_t nominal_bandwidth = bbr->InitialCwnd * LEAT_SECOND / (srtt > 0 ? srtt : 1);
    bbr->pacing_rate =
        PERCENT_OF(nominal_bandwidth, leat_bbr_behaviours[LEAT_BBR_STARTUP].pacing_gain);
}

void leat_bbr_control_init(leat_bbr *bbr) {
    bbr->cwnd = bbr->InitialCwnd;
    init_pacing_rate(bbr, LEAT_MILLISECOND);
}

void leat_bbr_set_pacing_rate(leat_bbr *bbr, uint32_t gain) {
    uint64_t rate = bbr->bw / 100 * gain / 100 * (100 - PACING_MARGIN_PERCENT);
    if (rate > 0 && (bbr->full_bw_reached || rate > bbr->pacing_rate)) {
        bbr->pacing_rate = rate;
    }
}

/* ---- volumes, §5.6.4.2 ---- */

uint64_t leat_bbr_bdp_multiple(const leat_bbr *bbr, uint64_t bw, uint32_t gain) {
    if (bbr->min_rtt == LEAT_TIME_NEVER) {
        return bbr->InitialCwnd;
    }
    uint64_t bdp =
        leat_time_multiply(bw, bbr->min_rtt / LEAT_MICROSECOND) / (LEAT_SECOND / LEAT_MICROSECOND);
    return PERCENT_OF(leat_bbr_min(bdp, LEAT_CONGESTION_WINDOW_MAX), gain);
}

static uint64_t send_quantum(const leat_bbr *bbr) {
    uint64_t quantum = bbr->pacing_rate / (LEAT_SECOND / LEAT_MILLISECOND);
    return leat_bbr_max(leat_bbr_min(quantum, SEND_QUANTUM_MAX), 2 * bbr->SMSS);
}

static uint64_t with_quantization_budget(const leat_bbr *bbr, uint64_t inflight_cap) {
    inflight_cap = leat_bbr_max(inflight_cap, send_quantum(bbr));
    inflight_cap = leat_bbr_max(inflight_cap, min_pipe_cwnd(bbr));
    return bbr->state == LEAT_BBR_PROBE_BW_UP ? inflight_cap + 2 * bbr->SMSS : inflight_cap;
}

uint64_t leat_bbr_inflight(const leat_bbr *bbr, uint64_t bw, uint32_t gain) {
    return with_quantization_budget(bbr, leat_bbr_bdp_multiple(bbr, bw, gain));
}

uint64_t leat_bbr_inflight_with_headroom(const leat_bbr *bbr) {
    uint64_t longterm = bbr->inflight_longterm;
    if (longterm == LEAT_BBR_INFINITE) {
        return LEAT_BBR_INFINITE;
    }
    uint64_t headroom = leat_bbr_max(bbr->SMSS, PERCENT_OF(longterm, HEADROOM_PERCENT));
    return leat_bbr_max(longterm > headroom ? longterm - headroom : 0, min_pipe_cwnd(bbr));
}

uint64_t leat_bbr_target_inflight(const leat_bbr *bbr) {
    return leat_bbr_min(leat_bbr_bdp_multiple(bbr, bbr->bw, 100), bbr->cwnd);
}

uint64_t leat_bbr_probe_rtt_cwnd(const leat_bbr *bbr) {
    uint32_t gain = leat_bbr_behaviours[LEAT_BBR_PROBE_RTT].cwnd_gain;
    return leat_bbr_max(leat_bbr_bdp_multiple(bbr, bbr->bw, gain), min_pipe_cwnd(bbr));
}

/* ---- window ---- */

void leat_bbr_save_cwnd(leat_bbr *bbr) {
    bool is_unmodulated = !bbr->in_recovery && bbr->state != LEAT_BBR_PROBE_RTT;
    bbr->prior_cwnd = is_unmodulated ? bbr->cwnd : leat_bbr_max(bbr->prior_cwnd, bbr->cwnd);
}

void leat_bbr_restore_cwnd(leat_bbr *bbr) {
    bbr->cwnd = leat_bbr_max(bbr->cwnd, bbr->prior_cwnd);
}

static uint64_t max_inflight(const leat_bbr *bbr) {
    uint32_t gain = leat_bbr_behaviours[bbr->state].cwnd_gain;
    uint64_t extra_acked = leat_bbr_max(bbr->extra_acked_filter[0], bbr->extra_acked_filter[1]);
    return with_quantization_budget(
        bbr, leat_bbr_bdp_multiple(bbr, bbr->bw, gain) + extra_acked);
}

/* draft-ietf-ccwg-bbr §5.6.4.7 */
static uint64_t cap_of_model(const leat_bbr *bbr) {
    uint64_t cap = LEAT_BBR_INFINITE;
    if (bbr->state == LEAT_BBR_PROBE_RTT || bbr->state == LEAT_BBR_PROBE_BW_CRUISE) {
        cap = leat_bbr_inflight_with_headroom(bbr);
    } else if (leat_bbr_is_in_probe_bw(bbr)) {
        cap = bbr->inflight_longterm;
    }
    return leat_bbr_max(leat_bbr_min(cap, bbr->inflight_shortterm), min_pipe_cwnd(bbr));
}

/* draft-ietf-ccwg-bbr §5.6.4.6 */
static void set_cwnd(leat_bbr *bbr, const leat_rate_sample *rs) {
    uint64_t most = max_inflight(bbr);
    if (bbr->full_bw_reached) {
        bbr->cwnd = leat_bbr_min(bbr->cwnd + rs->newly_acked, most);
    } else if (bbr->cwnd < most || rs->delivered < bbr->InitialCwnd) {
        bbr->cwnd = leat_congestion_grow(bbr->cwnd, rs->newly_acked);
    }
    bbr->cwnd = leat_bbr_max(bbr->cwnd, min_pipe_cwnd(bbr));
    if (bbr->state == LEAT_BBR_PROBE_RTT) {
        bbr->cwnd = leat_bbr_min(bbr->cwnd, leat_bbr_probe_rtt_cwnd(bbr));
    }
    bbr->cwnd = leat_bbr_min(bbr->cwnd, cap_of_model(bbr));
}

void leat_bbr_control_on_ack(leat_bbr *bbr, const leat_rate_sample *rs) {
    if (!bbr->has_srtt && rs->rtt != 0) {
        bbr->has_srtt = true;
        init_pacing_rate(bbr, rs->smoothed_rtt);
    }
    leat_bbr_set_pacing_rate(bbr, leat_bbr_behaviours[bbr->state].pacing_gain);
    set_cwnd(bbr, rs);
}
