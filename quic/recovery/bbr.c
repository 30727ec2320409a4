/* The state machine of BBRv3, draft-ietf-ccwg-bbr §5.3, and its table of functions: see bbr.h. */
#include "quic/recovery/bbr.h"

#define STARTUP_FULL_LOSS_COUNT 6                    /* §5.3.1.3 */
#define DRAIN_ROUNDS_MAX 3                           /* §5.3.2 */
#define PROBE_RTT_DURATION (200 * LEAT_MILLISECOND)  /* §2.16.2 */
#define PROBE_WAIT_BASE (2 * LEAT_SECOND)            /* §5.3.3.8.3, here and below */
#define PROBE_WAIT_SPREAD LEAT_SECOND
#define RENO_ROUNDS_MAX 63
#define PROBE_UP_ROUNDS_MAX 30

static void init(void *state, size_t max_datagram_size) {
    leat_bbr *bbr = state;
    *bbr = (leat_bbr){
        .SMSS = max_datagram_size, .InitialCwnd = leat_initial_window(max_datagram_size)};
    bbr->probe_up_acked_per_inc = LEAT_BBR_INFINITE;
    leat_bbr_model_init(bbr);
    leat_bbr_control_init(bbr);
}

/* ---- ProbeBW, §5.3.3.9 ---- */

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

static void start_probe_bw_down(leat_bbr *bbr, leat_time now) {
    leat_bbr_reset_congestion_signals(bbr);
    bbr->probe_up_acked_per_inc = LEAT_BBR_INFINITE;
    pick_probe_wait(bbr, now);
    bbr->cycle_stamp = now;
    bbr->ack_phase = LEAT_BBR_ACKS_PROBE_STOPPING;
    leat_bbr_start_round(bbr);
    bbr->state = LEAT_BBR_PROBE_BW_DOWN;
}

static void start_probe_bw_refill(leat_bbr *bbr) {
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
        start_probe_bw_refill(bbr);
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
            start_probe_bw_refill(bbr);
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
            start_probe_bw_down(bbr, rs->now);
        }
        break;
    default:
        break;
    }
}

/* ---- Startup and Drain ---- */

/*
 * draft-ietf-ccwg-bbr §5.3.1.3: a whole round in recovery, with more losses than LossThresh, found
 * at six different times (which stands for six gaps). A CE mark counts as congestion (§3.7).
 */
static bool has_high_loss(const leat_bbr *bbr, const leat_rate_sample *rs) {
    bool has_losses = bbr->in_recovery && bbr->loss_events_in_round >= STARTUP_FULL_LOSS_COUNT &&
                      leat_bbr_is_inflight_too_high(rs->lost, rs->tx_in_flight);
    return bbr->loss_round_start && (has_losses || bbr->is_ce_in_round);
}

static void check_startup_done(leat_bbr *bbr, const leat_rate_sample *rs) {
    if (bbr->state != LEAT_BBR_STARTUP) {
        return;
    }
    if (!bbr->full_bw_reached && has_high_loss(bbr, rs)) {
        uint64_t bdp = leat_bbr_bdp_multiple(bbr, bbr->bw, 100);
        bbr->undo_state = LEAT_BBR_STARTUP;
        bbr->full_bw_reached = true;
        bbr->inflight_longterm = bdp > bbr->inflight_latest ? bdp : bbr->inflight_latest;
    }
    if (bbr->full_bw_reached) {
        bbr->state = LEAT_BBR_DRAIN;
        bbr->drain_start_round = bbr->round_count;
    }
}

static void check_drain_done(leat_bbr *bbr, leat_time now) {
    if (bbr->state == LEAT_BBR_DRAIN &&
        (bbr->inflight <= leat_bbr_inflight(bbr, bbr->bw, 100) ||
            bbr->round_count > bbr->drain_start_round + DRAIN_ROUNDS_MAX)) {
        start_probe_bw_down(bbr, now);
    }
}

/* ---- ProbeRTT, §5.3.4 ---- */

static void exit_probe_rtt(leat_bbr *bbr, leat_time now) {
    leat_bbr_reset_short_term_model(bbr);
    if (bbr->full_bw_reached) {
        start_probe_bw_down(bbr, now);
        bbr->state = LEAT_BBR_PROBE_BW_CRUISE;
    } else {
        bbr->state = LEAT_BBR_STARTUP;
    }
}

static void check_probe_rtt_done(leat_bbr *bbr, leat_time now) {
    if (bbr->probe_rtt_done_stamp != 0 && now > bbr->probe_rtt_done_stamp) {
        bbr->probe_rtt_min_stamp = now;
        leat_bbr_restore_cwnd(bbr);
        exit_probe_rtt(bbr, now);
    }
}

static void handle_probe_rtt(leat_bbr *bbr, leat_time now) {
    bbr->app_limited_until = bbr->delivered + bbr->inflight;
    if (bbr->probe_rtt_done_stamp == 0) {
        if (bbr->inflight <= leat_bbr_probe_rtt_cwnd(bbr)) {
            bbr->probe_rtt_done_stamp = now + PROBE_RTT_DURATION;
            bbr->probe_rtt_round_done = false;
            leat_bbr_start_round(bbr);
        }
        return;
    }
    bbr->probe_rtt_round_done |= bbr->round_start;
    if (bbr->probe_rtt_round_done) {
        check_probe_rtt_done(bbr, now);
    }
}

static void check_probe_rtt(leat_bbr *bbr, leat_time now) {
    if (bbr->state != LEAT_BBR_PROBE_RTT && bbr->probe_rtt_expired && !bbr->idle_restart) {
        leat_bbr_save_cwnd(bbr);
        bbr->state = LEAT_BBR_PROBE_RTT;
        bbr->probe_rtt_done_stamp = 0;
        bbr->ack_phase = LEAT_BBR_ACKS_PROBE_STOPPING;
        leat_bbr_start_round(bbr);
    }
    if (bbr->state == LEAT_BBR_PROBE_RTT) {
        handle_probe_rtt(bbr, now);
    }
    bbr->idle_restart = false;
}

/* ---- what recovery tells ---- */

static void on_sent(void *state, const leat_congestion_packet *packet) {
    leat_bbr *bbr = state;
    bbr->inflight = packet->bytes_in_flight;
    bbr->is_cwnd_limited |= packet->bytes_in_flight + bbr->SMSS > bbr->cwnd;
    /* draft-ietf-ccwg-bbr §5.4.1 */
    if (packet->bytes_in_flight > packet->bytes || !packet->is_app_limited) {
        return;
    }
    bbr->idle_restart = true;
    bbr->extra_acked_interval_start = packet->time_sent;
    if (leat_bbr_is_in_probe_bw(bbr)) {
        leat_bbr_set_pacing_rate(bbr, 100);
    } else if (bbr->state == LEAT_BBR_PROBE_RTT) {
        check_probe_rtt_done(bbr, packet->time_sent);
    }
}

static void on_acked(void *state, const leat_congestion_ack *ack) {
    leat_bbr *bbr = state;
    bbr->delivered += ack->packet->bytes;
    bbr->inflight = ack->bytes_in_flight;
    if (bbr->in_recovery && ack->packet->time_sent > bbr->recovery_start) {
        bbr->in_recovery = false;
        leat_bbr_restore_cwnd(bbr);
    }
}

static void on_ack_end(void *state, const leat_rate_sample *rs) {
    leat_bbr *bbr = state;
    leat_bbr_model_on_ack(bbr, rs);
    check_startup_done(bbr, rs);
    check_drain_done(bbr, rs->now);
    if (bbr->full_bw_reached && !adapt_long_term_model(bbr, rs)) {
        move_on_in_probe_bw(bbr, rs);
    }
    leat_bbr_update_min_rtt(bbr, rs);
    check_probe_rtt(bbr, rs->now);
    leat_bbr_model_end_ack(bbr, rs);
    leat_bbr_control_on_ack(bbr, rs);
}

/* draft-ietf-ccwg-bbr §5.5.10.2: this much in flight was too much; once per probe. */
static void handle_inflight_too_high(
    leat_bbr *bbr, uint64_t tx_in_flight, bool is_app_limited, leat_time now) {
    bbr->prev_probe_too_high = true;
    bbr->is_bw_probe_sample = false;
    if (!is_app_limited) {
        uint64_t least = leat_bbr_target_inflight(bbr) * LEAT_BBR_BETA_PERCENT / 100;
        bbr->inflight_longterm = tx_in_flight > least ? tx_in_flight : least;
    }
    if (bbr->state == LEAT_BBR_PROBE_BW_UP) {
        bbr->undo_state = LEAT_BBR_PROBE_BW_UP;
        start_probe_bw_down(bbr, now);
    }
}

static void on_lost(void *state, const leat_congestion_loss *loss) {
    leat_bbr *bbr = state;
    const leat_congestion_packet *packet = loss->packet;
    uint64_t lost = loss->lost - packet->lost;
    leat_bbr_note_loss(bbr);
    bbr->inflight = loss->bytes_in_flight;
    if (bbr->is_bw_probe_sample && leat_bbr_is_inflight_too_high(lost, packet->bytes_in_flight)) {
        handle_inflight_too_high(bbr,
            leat_bbr_inflight_at_loss(packet->bytes_in_flight, lost, packet->bytes),
            packet->is_app_limited, loss->now);
    }
}

static void on_congestion_event(void *state, const leat_congestion_event *event) {
    leat_bbr *bbr = state;
    bbr->inflight = event->bytes_in_flight;
    bbr->loss_events_in_round++;
    if (event->is_ecn) {
        leat_bbr_note_loss(bbr);
        bbr->is_ce_in_round = true;
        if (bbr->is_bw_probe_sample) {
            handle_inflight_too_high(bbr, event->bytes_in_flight, false, event->now);
        }
    }
    if (!bbr->in_recovery) {
        leat_bbr_save_cwnd(bbr);
        bbr->in_recovery = true;
        bbr->recovery_start = event->now;
    }
}

/* RFC 9002 §7.6.2-4, and draft-ietf-ccwg-bbr §5.6.4.4: what it does after a timeout of TCP. */
static void on_persistent_congestion(void *state) {
    leat_bbr *bbr = state;
    leat_bbr_save_cwnd(bbr);
    bbr->cwnd = leat_minimum_window((size_t)bbr->SMSS);
}

/* draft-ietf-ccwg-bbr §5.5.11.2 */
static void on_spurious_loss(void *state) {
    leat_bbr *bbr = state;
    leat_bbr_state undo_state = bbr->undo_state;
    leat_bbr_restore_model(bbr);
    bbr->in_recovery = false;
    bbr->undo_state = LEAT_BBR_STATE_COUNT;
    if (undo_state == LEAT_BBR_STARTUP && bbr->state != LEAT_BBR_STARTUP) {
        bbr->full_bw_reached = false;
        bbr->state = bbr->state != LEAT_BBR_PROBE_RTT ? LEAT_BBR_STARTUP : bbr->state;
    } else if (undo_state == LEAT_BBR_PROBE_BW_UP && bbr->state != LEAT_BBR_PROBE_BW_UP &&
               bbr->state != LEAT_BBR_PROBE_RTT) {
        start_probe_bw_refill(bbr);
    }
}

static void on_datagram_size(void *state, size_t max_datagram_size) {
    leat_bbr *bbr = state;
    uint64_t minimum = leat_minimum_window(max_datagram_size);
    bool is_untouched = bbr->cwnd == bbr->InitialCwnd;
    bbr->SMSS = max_datagram_size;
    bbr->InitialCwnd = leat_initial_window(max_datagram_size);
    bbr->cwnd = is_untouched ? bbr->InitialCwnd : bbr->cwnd;
    bbr->cwnd = bbr->cwnd > minimum ? bbr->cwnd : minimum;
}

static uint64_t window(const void *state) {
    const leat_bbr *bbr = state;
    return bbr->cwnd;
}

static uint64_t pacing_rate(const void *state) {
    const leat_bbr *bbr = state;
    return bbr->pacing_rate;
}

static const char *state_name(const void *state) {
    const leat_bbr *bbr = state;
    return leat_bbr_behaviours[bbr->state].name;
}

const leat_congestion_ops leat_bbr_ops = {
    .size = sizeof(leat_congestion_ops),
    .name = "bbr",
    .state_size = sizeof(leat_bbr),
    .init = init,
    .on_sent = on_sent,
    .on_acked = on_acked,
    .on_lost = on_lost,
    .on_ack_end = on_ack_end,
    .on_congestion_event = on_congestion_event,
    .on_persistent_congestion = on_persistent_congestion,
    .on_spurious_loss = on_spurious_loss,
    .on_datagram_size = on_datagram_size,
    .window = window,
    .pacing_rate = pacing_rate,
    .state_name = state_name,
};
