/*
 * BBR's model of the path, draft-ietf-ccwg-bbr §5.5: rounds, bandwidth, shortest RTT, aggregation,
 * and what losses say about both. See bbr.h.
 */
#include "quic/recovery/bbr.h"
#include "quic/recovery/rtt.h"

#define LOSS_THRESH_PERCENT 2   /* §2.8 */
#define FULL_BW_GROWTH_PERCENT 125 /* §5.3.1.2 */
#define FULL_BW_ROUNDS 3
#define MIN_RTT_FILTER_LEN (10 * LEAT_SECOND)  /* §2.16.1 */
#define PROBE_RTT_INTERVAL (5 * LEAT_SECOND)   /* §2.16.2 */
/* §2.12: a window of ten rounds, kept as two halves: between five and ten rounds are remembered. */
#define EXTRA_ACKED_HALF 5

/* draft-ietf-ccwg-bbr §5.2.1 */
void leat_bbr_model_init(leat_bbr *bbr) {
    bbr->min_rtt = bbr->probe_rtt_min_delay = LEAT_TIME_NEVER;
    bbr->inflight_longterm = LEAT_BBR_INFINITE;
    bbr->undo_state = LEAT_BBR_STATE_COUNT;
    leat_bbr_reset_short_term_model(bbr);
}

/* ---- rounds and bandwidth ---- */

void leat_bbr_start_round(leat_bbr *bbr) {
    bbr->next_round_delivered = bbr->delivered;
}

static void update_round(leat_bbr *bbr, const leat_rate_sample *rs) {
    bbr->round_start = rs->prior_delivered >= bbr->next_round_delivered;
    if (bbr->round_start) {
        leat_bbr_start_round(bbr);
        bbr->round_count++;
        bbr->rounds_since_probe_up++;
        bbr->was_cwnd_limited = bbr->is_cwnd_limited;
        bbr->is_cwnd_limited = false;
    }
}

/* Sent while ProbeRTT held the window down: as good as having nothing to send (§5.3.4.3). */
bool leat_bbr_is_app_limited(const leat_bbr *bbr, const leat_rate_sample *rs) {
    return rs->is_app_limited ||
           (bbr->app_limited_until > 0 && rs->prior_delivered <= bbr->app_limited_until);
}

/* draft-ietf-ccwg-bbr §5.5.5 */
static void update_max_bw(leat_bbr *bbr, const leat_rate_sample *rs) {
    update_round(bbr, rs);
    bool says_something =
        rs->delivery_rate >= bbr->max_bw || !leat_bbr_is_app_limited(bbr, rs);
    if (rs->delivery_rate > 0 && says_something) {
        bbr->max_bw_filter[1] = leat_bbr_max(bbr->max_bw_filter[1], rs->delivery_rate);
        bbr->max_bw = leat_bbr_max(bbr->max_bw_filter[0], bbr->max_bw_filter[1]);
    }
}

void leat_bbr_advance_max_bw_filter(leat_bbr *bbr) {
    bbr->max_bw_filter[0] = bbr->max_bw_filter[1];
    bbr->max_bw_filter[1] = 0;
}

/* ---- congestion signals, §5.5.10.3 ---- */

static void update_latest_delivery_signals(leat_bbr *bbr, const leat_rate_sample *rs) {
    bbr->bw_latest = leat_bbr_max(bbr->bw_latest, rs->delivery_rate);
    bbr->inflight_latest = leat_bbr_max(bbr->inflight_latest, rs->delivered - rs->prior_delivered);
    bbr->loss_round_start = rs->prior_delivered >= bbr->loss_round_delivered;
    if (bbr->loss_round_start) {
        bbr->loss_round_delivered = bbr->delivered;
    }
}

void leat_bbr_reset_congestion_signals(leat_bbr *bbr) {
    bbr->is_loss_in_round = false;
    bbr->bw_latest = bbr->inflight_latest = 0;
}

void leat_bbr_reset_short_term_model(leat_bbr *bbr) {
    bbr->bw_shortterm = bbr->inflight_shortterm = LEAT_BBR_INFINITE;
}

/* Once per round with losses: down towards what was delivered, by Beta at most. */
static void adapt_lower_bounds(leat_bbr *bbr) {
    if (leat_bbr_is_probing_bw(bbr) || !bbr->is_loss_in_round) {
        return;
    }
    if (bbr->bw_shortterm == LEAT_BBR_INFINITE) {
        bbr->bw_shortterm = bbr->max_bw;
    }
    if (bbr->inflight_shortterm == LEAT_BBR_INFINITE) {
        bbr->inflight_shortterm = bbr->cwnd;
    }
    bbr->bw_shortterm =
        leat_bbr_max(bbr->bw_latest, bbr->bw_shortterm / 100 * LEAT_BBR_BETA_PERCENT);
    bbr->inflight_shortterm =
        leat_bbr_max(bbr->inflight_latest, bbr->inflight_shortterm * LEAT_BBR_BETA_PERCENT / 100);
}

static void update_congestion_signals(leat_bbr *bbr, const leat_rate_sample *rs) {
    update_max_bw(bbr, rs);
    if (bbr->loss_round_start) {
        adapt_lower_bounds(bbr);
        bbr->is_loss_in_round = false;
    }
}

/* ---- aggregation, §5.5.9 ---- */

static void update_ack_aggregation(leat_bbr *bbr, const leat_rate_sample *rs) {
    leat_time interval = leat_time_sub(rs->now, bbr->extra_acked_interval_start);
    uint64_t expected =
        leat_time_multiply(bbr->bw, interval / LEAT_MICROSECOND) / (LEAT_SECOND / LEAT_MICROSECOND);
    if (bbr->extra_acked_delivered <= expected) {
        bbr->extra_acked_delivered = expected = 0;
        bbr->extra_acked_interval_start = rs->now;
    }
    bbr->extra_acked_delivered += rs->newly_acked;
    uint64_t extra = leat_bbr_min(bbr->extra_acked_delivered - expected, bbr->cwnd);
    uint64_t half = bbr->full_bw_reached ? EXTRA_ACKED_HALF : 1;
    if (bbr->round_count >= bbr->extra_acked_slot_start + half) {
        bbr->extra_acked_slot_start = bbr->round_count;
        bbr->extra_acked_filter[0] = bbr->full_bw_reached ? bbr->extra_acked_filter[1] : 0;
        bbr->extra_acked_filter[1] = 0;
    }
    bbr->extra_acked_filter[1] = leat_bbr_max(bbr->extra_acked_filter[1], extra);
}

/* ---- full pipe, §5.3.1.2 ---- */

void leat_bbr_reset_full_bw(leat_bbr *bbr) {
    bbr->full_bw = 0;
    bbr->full_bw_count = 0;
    bbr->full_bw_now = false;
}

static void check_full_bw_reached(leat_bbr *bbr, const leat_rate_sample *rs) {
    if (bbr->full_bw_now || !bbr->round_start || leat_bbr_is_app_limited(bbr, rs)) {
        return;
    }
    if (rs->delivery_rate >= bbr->full_bw / 100 * FULL_BW_GROWTH_PERCENT) {
        leat_bbr_reset_full_bw(bbr);
        bbr->full_bw = rs->delivery_rate;
        return;
    }
    bbr->full_bw_count++;
    bbr->full_bw_now = bbr->full_bw_count >= FULL_BW_ROUNDS;
    bbr->full_bw_reached |= bbr->full_bw_now;
}

/* ---- the order of an ACK, §5.2.3 ---- */

void leat_bbr_model_on_ack(leat_bbr *bbr, const leat_rate_sample *rs) {
    bbr->delivered = rs->delivered;
    bbr->inflight = rs->bytes_in_flight;
    update_latest_delivery_signals(bbr, rs);
    update_congestion_signals(bbr, rs);
    update_ack_aggregation(bbr, rs);
    check_full_bw_reached(bbr, rs);
}

/* draft-ietf-ccwg-bbr §5.3.4.3 */
void leat_bbr_update_min_rtt(leat_bbr *bbr, const leat_rate_sample *rs) {
    if (bbr->probe_rtt_min_delay == LEAT_TIME_NEVER) {
        bbr->probe_rtt_min_stamp = bbr->min_rtt_stamp = rs->now; /* nothing to expire yet */
    }
    bbr->probe_rtt_expired = rs->now > bbr->probe_rtt_min_stamp + PROBE_RTT_INTERVAL;
    if (rs->rtt != 0 && (rs->rtt < bbr->probe_rtt_min_delay || bbr->probe_rtt_expired)) {
        bbr->probe_rtt_min_delay = rs->rtt;
        bbr->probe_rtt_min_stamp = rs->now;
    }
    bool min_rtt_expired = rs->now > bbr->min_rtt_stamp + MIN_RTT_FILTER_LEN;
    if (bbr->probe_rtt_min_delay < bbr->min_rtt || min_rtt_expired) {
        bbr->min_rtt = bbr->probe_rtt_min_delay;
        bbr->min_rtt_stamp = bbr->probe_rtt_min_stamp;
    }
}

void leat_bbr_model_end_ack(leat_bbr *bbr, const leat_rate_sample *rs) {
    if (bbr->loss_round_start) {
        bbr->is_ce_in_round = false;
        bbr->loss_events_in_round = 0;
        bbr->bw_latest = rs->delivery_rate;
        bbr->inflight_latest = rs->delivered - rs->prior_delivered;
    }
    bbr->bw = leat_bbr_min(bbr->max_bw, bbr->bw_shortterm);
}

/* ---- loss ---- */

bool leat_bbr_is_inflight_too_high(uint64_t lost, uint64_t tx_in_flight) {
    return lost > tx_in_flight * LOSS_THRESH_PERCENT / 100;
}

/* draft-ietf-ccwg-bbr §5.5.10.2: at which volume in flight the losses crossed LossThresh. */
uint64_t leat_bbr_inflight_at_loss(uint64_t tx_in_flight, uint64_t lost, uint64_t size) {
    uint64_t inflight_prev = tx_in_flight - leat_bbr_min(size, tx_in_flight);
    uint64_t lost_prev = lost - leat_bbr_min(size, lost);
    uint64_t allowed = inflight_prev * LOSS_THRESH_PERCENT, used = lost_prev * 100;
    uint64_t lost_prefix = allowed > used ? (allowed - used) / (100 - LOSS_THRESH_PERCENT) : 0;
    return inflight_prev + lost_prefix;
}

/* draft-ietf-ccwg-bbr §5.5.11.1 */
static void save_state_upon_loss(leat_bbr *bbr) {
    leat_bbr_save_cwnd(bbr);
    bbr->undo_state = LEAT_BBR_STATE_COUNT;
    bbr->undo_bw_shortterm = bbr->bw_shortterm;
    bbr->undo_inflight_shortterm = bbr->inflight_shortterm;
    bbr->undo_inflight_longterm = bbr->inflight_longterm;
}

void leat_bbr_note_loss(leat_bbr *bbr) {
    if (!bbr->is_loss_in_round) {
        bbr->loss_round_delivered = bbr->delivered;
        save_state_upon_loss(bbr);
    }
    bbr->is_loss_in_round = true;
}

/* draft-ietf-ccwg-bbr §5.5.11.2 */
void leat_bbr_restore_model(leat_bbr *bbr) {
    leat_bbr_restore_cwnd(bbr);
    bbr->is_loss_in_round = false;
    leat_bbr_reset_full_bw(bbr);
    bbr->bw_shortterm = leat_bbr_max(bbr->bw_shortterm, bbr->undo_bw_shortterm);
    bbr->inflight_shortterm = leat_bbr_max(bbr->inflight_shortterm, bbr->undo_inflight_shortterm);
    bbr->inflight_longterm = leat_bbr_max(bbr->inflight_longterm, bbr->undo_inflight_longterm);
}
