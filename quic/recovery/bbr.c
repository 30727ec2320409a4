/*
 * The state machine of BBRv3, draft-ietf-ccwg-bbr §5.3, but for the phases of ProbeBW, and the
 * table of functions: see bbr.h.
 */
#include "quic/recovery/bbr.h"

#define STARTUP_FULL_LOSS_COUNT 6                    /* §5.3.1.3 */
#define DRAIN_ROUNDS_MAX 3                           /* §5.3.2 */
#define PROBE_RTT_DURATION (200 * LEAT_MILLISECOND)  /* §2.16.2 */

static void init(void *state, size_t max_datagram_size) {
    leat_bbr *bbr = state;
    *bbr = (leat_bbr){
        .SMSS = max_datagram_size, .InitialCwnd = leat_initial_window(max_datagram_size)};
    bbr->probe_up_acked_per_inc = LEAT_BBR_INFINITE;
    leat_bbr_model_init(bbr);
    leat_bbr_control_init(bbr);
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
        leat_bbr_start_probe_bw_down(bbr, now);
    }
}

/* ---- ProbeRTT, §5.3.4 ---- */

static void exit_probe_rtt(leat_bbr *bbr, leat_time now) {
    leat_bbr_reset_short_term_model(bbr);
    if (bbr->full_bw_reached) {
        leat_bbr_start_probe_bw_down(bbr, now);
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
    leat_bbr_update_probe_bw(bbr, rs);
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
        leat_bbr_start_probe_bw_down(bbr, now);
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
        leat_bbr_start_probe_bw_refill(bbr);
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
