/*
 * How BBR probes for bandwidth once it knows the path: the phases DOWN, CRUISE, REFILL and UP,
 * draft-ietf-ccwg-bbr §5.3.3. See bbr.h.
 */
#include "quic/recovery/bbr.h"

#define PROBE_WAIT_BASE (2 * LEAT_SECOND)            /* §5.3.3.8.3, here and below */
#define PROBE_WAIT_SPREAD LEAT_SECOND
#define RENO_ROUNDS_MAX 63
#define PROBE_UP_ROUNDS_MAX 30

/*
 * Flows should not probe in step. No secret hangs on it, and a run has to be repeatable: so the
 * bits come from what this flow has measured.
 */
static uint64_t spread(const leat_bbr *bbr, leat_time now) {
    uint64_t mixed = (now ^ bbr->delivered << 20 ^ bbr->min_rtt) * UINT64_C(0x9e3779b97f4a7c15);
    return mixed >> 32;
}

static void pick_probe_wait(leat_bbr *bbr, leat_time now) {
    uint64_t bits = spread(bbr, now);
    bbr->rounds_since_probe_up = (uint32_t)(bits & 1);
    bbr->bw_probe_wait = PROBE_WAIT_BASE + (bits >> 1) % PROBE_WAIT_SPREAD;
}

void leat_bbr_start_probe_bw_down(leat_bbr *bbr, leat_time now) {
    leat_bbr_reset_congestion_signals(bbr);
    bbr->probe_up_acked_per_inc = LEAT_BBR_INFINITE;
    pick_probe_wait(bbr, now);
    bbr->cycle_stamp = now;
    bbr->ack_phase = LEAT_BBR_ACKS_PROBE_STOPPING;
    leat_bbr_start_round(bbr);
    bbr->state = LEAT_BBR_PROBE_BW_DOWN;
}

void leat_bbr_start_probe_bw_refill(leat_bbr *bbr) {
    leat_bbr_reset_short_term_model(bbr);
    bbr->bw_probe_up_rounds = 0;
    bbr->bw_probe_up_acked = 0;
    bbr->prev_probe_precautionary = false;
    bbr->ack_phase = LEAT_BBR_ACKS_REFILLING;
    leat_bbr_start_round(bbr);
    bbr->state = LEAT_BBR_PROBE_BW_REFILL;
}

static void raise_inflight_longterm_slope(leat_bbr *bbr) {
    uint64_t per_inc = bbr->cwnd >> bbr->bw_probe_up_rounds;
    bbr->bw_probe_up_rounds += bbr->bw_probe_up_rounds < PROBE_UP_ROUNDS_MAX ? 1 : 0;
    bbr->probe_up_acked_per_inc = per_inc > bbr->SMSS ? per_inc : bbr->SMSS;
}

static void start_probe_bw_up(leat_bbr *bbr, const leat_rate_sample *rs) {
    bbr->ack_phase = LEAT_BBR_ACKS_PROBE_STARTING;
    leat_bbr_start_round(bbr);
    leat_bbr_reset_full_bw(bbr);
    bbr->full_bw = rs->delivery_rate;
    bbr->state = LEAT_BBR_PROBE_BW_UP;
    raise_inflight_longterm_slope(bbr);
}

static bool is_cwnd_limited(const leat_bbr *bbr) {
    return bbr->is_cwnd_limited || bbr->was_cwnd_limited;
}

static void probe_inflight_longterm_upward(leat_bbr *bbr, const leat_rate_sample *rs) {
    if (!is_cwnd_limited(bbr) || bbr->cwnd < bbr->inflight_longterm) {
        return;
    }
    bbr->bw_probe_up_acked += rs->newly_acked;
    uint64_t delta = bbr->bw_probe_up_acked / bbr->probe_up_acked_per_inc;
    bbr->bw_probe_up_acked %= bbr->probe_up_acked_per_inc;
    bbr->inflight_longterm = leat_congestion_grow(bbr->inflight_longterm, delta * bbr->SMSS);
    if (bbr->round_start) {
        raise_inflight_longterm_slope(bbr);
    }
}

/* The samples of the last probe are in; true: the next probe begins at once. */
static bool end_of_probe_feedback(leat_bbr *bbr, const leat_rate_sample *rs) {
    bbr->is_bw_probe_sample = false;
    bbr->ack_phase = LEAT_BBR_ACKS_INIT;
    if (!leat_bbr_is_in_probe_bw(bbr)) {
        return false;
    }
    if (!leat_bbr_is_app_limited(bbr, rs)) {
        leat_bbr_advance_max_bw_filter(bbr);
    }
    /* draft-ietf-ccwg-bbr §5.3.3.6: the cautious probe went well. */
    bool wants_more = bbr->prev_probe_precautionary && !bbr->prev_probe_too_high;
    if (wants_more) {
        leat_bbr_start_probe_bw_refill(bbr);
    }
    return wants_more;
}

/* True: this decided the state. */
static bool adapt_long_term_model(leat_bbr *bbr, const leat_rate_sample *rs) {
    if (bbr->ack_phase == LEAT_BBR_ACKS_PROBE_STARTING && bbr->round_start) {
        bbr->ack_phase = LEAT_BBR_ACKS_PROBE_FEEDBACK;
    }
    if (bbr->ack_phase == LEAT_BBR_ACKS_PROBE_STOPPING && bbr->round_start &&
        end_of_probe_feedback(bbr, rs)) {
        return true;
    }
    if (leat_bbr_is_inflight_too_high(rs->lost, rs->tx_in_flight) ||
        bbr->inflight_longterm == LEAT_BBR_INFINITE) {
        return false;
    }
    if (rs->tx_in_flight > bbr->inflight_longterm) {
        bbr->inflight_longterm = rs->tx_in_flight;
    }
    if (bbr->state == LEAT_BBR_PROBE_BW_UP) {
        probe_inflight_longterm_upward(bbr, rs);
    }
    return false;
}

static bool is_time_to_cruise(const leat_bbr *bbr) {
    return bbr->inflight <= leat_bbr_inflight_with_headroom(bbr) &&
           bbr->inflight <= leat_bbr_inflight(bbr, bbr->max_bw, 100);
}

/* draft-ietf-ccwg-bbr §5.3.3.8.3: as often as Reno would, and every two to three seconds. */
static bool is_time_to_probe_bw(const leat_bbr *bbr, leat_time now) {
    uint64_t reno_rounds = leat_bbr_target_inflight(bbr) / bbr->SMSS;
    uint64_t rounds = reno_rounds < RENO_ROUNDS_MAX ? reno_rounds : RENO_ROUNDS_MAX;
    return now > bbr->cycle_stamp + bbr->bw_probe_wait || bbr->rounds_since_probe_up >= rounds;
}

static bool is_time_to_go_down(leat_bbr *bbr, const leat_rate_sample *rs) {
    if (bbr->prev_probe_too_high && bbr->inflight >= bbr->inflight_longterm) {
        bbr->prev_probe_precautionary = true;
        return true;
    }
    if (is_cwnd_limited(bbr) && bbr->cwnd >= bbr->inflight_longterm) {
        leat_bbr_reset_full_bw(bbr); /* the bound holds the flow back, not the path */
        bbr->full_bw = rs->delivery_rate;
        return false;
    }
    return bbr->full_bw_now;
}

static void move_on_in_probe_bw(leat_bbr *bbr, const leat_rate_sample *rs) {
    switch (bbr->state) {
    case LEAT_BBR_PROBE_BW_DOWN:
    case LEAT_BBR_PROBE_BW_CRUISE:
        if (is_time_to_probe_bw(bbr, rs->now)) {
            leat_bbr_start_probe_bw_refill(bbr);
        } else if (is_time_to_cruise(bbr)) {
            bbr->state = LEAT_BBR_PROBE_BW_CRUISE;
        }
        break;
    case LEAT_BBR_PROBE_BW_REFILL:
        if (bbr->round_start) {
            bbr->is_bw_probe_sample = true;
            start_probe_bw_up(bbr, rs);
        }
        break;
    case LEAT_BBR_PROBE_BW_UP:
        if (is_time_to_go_down(bbr, rs)) {
            bbr->prev_probe_too_high = false;
            leat_bbr_start_probe_bw_down(bbr, rs->now);
        }
        break;
    default:
        break;
    }
}

void leat_bbr_update_probe_bw(leat_bbr *bbr, const leat_rate_sample *rs) {
    if (bbr->full_bw_reached && !adapt_long_term_model(bbr, rs)) {
        move_on_in_probe_bw(bbr, rs);
    }
}
