/*
 * BBRv3, draft-ietf-ccwg-bbr: instead of waiting for loss it measures what the path delivers. This
 * header is shared by its four files: bbr_model.c (what the path is like), bbr_control.c (what
 * follows for pace and window), bbr_probe_bw.c (the phases of ProbeBW), bbr.c (the other states and
 * the table of functions). Variables are named as in the draft, gains are percentages, rates are
 * bytes per second, INFINITE is "Infinity".
 */
#ifndef LEAT_QUIC_RECOVERY_BBR_H
#define LEAT_QUIC_RECOVERY_BBR_H

#include "quic/recovery/congestion.h"

#define LEAT_BBR_INFINITE UINT64_MAX
#define LEAT_BBR_BETA_PERCENT 70 /* draft-ietf-ccwg-bbr §2.8: BBR.Beta */

typedef enum leat_bbr_state {
    LEAT_BBR_STARTUP,
    LEAT_BBR_DRAIN,
    LEAT_BBR_PROBE_BW_DOWN,
    LEAT_BBR_PROBE_BW_CRUISE,
    LEAT_BBR_PROBE_BW_REFILL,
    LEAT_BBR_PROBE_BW_UP,
    LEAT_BBR_PROBE_RTT,
    LEAT_BBR_STATE_COUNT, /* as undo_state: None */
} leat_bbr_state;

/* draft-ietf-ccwg-bbr §5.6.1: the table of control behaviour. */
typedef struct leat_bbr_behaviour {
    const char *name;
    uint32_t pacing_gain, cwnd_gain;
} leat_bbr_behaviour;

extern const leat_bbr_behaviour leat_bbr_behaviours[LEAT_BBR_STATE_COUNT];

typedef enum leat_bbr_ack_phase {
    LEAT_BBR_ACKS_INIT,
    LEAT_BBR_ACKS_REFILLING,
    LEAT_BBR_ACKS_PROBE_STARTING,
    LEAT_BBR_ACKS_PROBE_FEEDBACK,
    LEAT_BBR_ACKS_PROBE_STOPPING,
} leat_bbr_ack_phase;

typedef struct leat_bbr {
    leat_bbr_state state;
    uint64_t SMSS, InitialCwnd;
    uint64_t delivered, inflight; /* of the path, as of the last call */
    /* outputs */
    uint64_t cwnd, prior_cwnd, pacing_rate;
    bool has_srtt; /* pacing_rate is based on a measured RTT */
    /* rounds, §5.5.1 */
    uint64_t next_round_delivered, round_count, drain_start_round;
    bool round_start;
    bool is_cwnd_limited, was_cwnd_limited; /* in this round and in the one before */
    /* bandwidth, §5.5.2, and aggregation, §5.5.9 */
    uint64_t max_bw_filter[2]; /* the previous cycle and this one */
    uint64_t max_bw, bw_shortterm, bw, bw_latest;
    uint64_t extra_acked_filter[2], extra_acked_delivered, extra_acked_slot_start;
    leat_time extra_acked_interval_start;
    uint64_t app_limited_until; /* delivered: samples sent before are of ProbeRTT */
    /* volume */
    uint64_t inflight_longterm, inflight_shortterm, inflight_latest;
    /* full pipe, §5.3.1.2 */
    uint64_t full_bw;
    uint32_t full_bw_count;
    bool full_bw_now, full_bw_reached;
    /* loss, §5.5.10 */
    uint64_t loss_round_delivered;
    uint32_t loss_events_in_round;
    bool loss_round_start, is_loss_in_round, is_ce_in_round;
    bool in_recovery;
    leat_time recovery_start;
    leat_bbr_state undo_state;
    uint64_t undo_bw_shortterm, undo_inflight_shortterm, undo_inflight_longterm;
    /* ProbeBW, §5.3.3 */
    leat_bbr_ack_phase ack_phase;
    bool is_bw_probe_sample, prev_probe_too_high, prev_probe_precautionary;
    uint64_t bw_probe_up_acked, probe_up_acked_per_inc;
    uint32_t bw_probe_up_rounds, rounds_since_probe_up;
    leat_time bw_probe_wait, cycle_stamp;
    /* min_rtt and ProbeRTT, §5.3.4 */
    leat_time min_rtt, min_rtt_stamp, probe_rtt_min_delay, probe_rtt_min_stamp;
    leat_time probe_rtt_done_stamp; /* 0: not begun */
    bool probe_rtt_expired, probe_rtt_round_done, idle_restart;
} leat_bbr;

static inline uint64_t leat_bbr_max(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}
static inline uint64_t leat_bbr_min(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* ---- bbr_model.c ---- */

void leat_bbr_model_init(leat_bbr *bbr);
void leat_bbr_start_round(leat_bbr *bbr);
/* The steps of an ACK in the order of §5.2.3, up to and including those that need no state change. */
void leat_bbr_model_on_ack(leat_bbr *bbr, const leat_rate_sample *rs);
void leat_bbr_update_min_rtt(leat_bbr *bbr, const leat_rate_sample *rs);
/* The last model steps of an ACK. */
void leat_bbr_model_end_ack(leat_bbr *bbr, const leat_rate_sample *rs);
void leat_bbr_reset_full_bw(leat_bbr *bbr);
void leat_bbr_reset_congestion_signals(leat_bbr *bbr);
void leat_bbr_reset_short_term_model(leat_bbr *bbr);
void leat_bbr_advance_max_bw_filter(leat_bbr *bbr);
/* The first loss of a round, or another one. */
void leat_bbr_note_loss(leat_bbr *bbr);
void leat_bbr_restore_model(leat_bbr *bbr);
bool leat_bbr_is_app_limited(const leat_bbr *bbr, const leat_rate_sample *rs);
/* The loss rate while tx_in_flight was on its way exceeds LossThresh. */
bool leat_bbr_is_inflight_too_high(uint64_t lost, uint64_t tx_in_flight);
uint64_t leat_bbr_inflight_at_loss(uint64_t tx_in_flight, uint64_t lost, uint64_t size);

static inline bool leat_bbr_is_in_probe_bw(const leat_bbr *bbr) {
    return bbr->state >= LEAT_BBR_PROBE_BW_DOWN && bbr->state <= LEAT_BBR_PROBE_BW_UP;
}
static inline bool leat_bbr_is_probing_bw(const leat_bbr *bbr) {
    return bbr->state == LEAT_BBR_STARTUP || bbr->state == LEAT_BBR_PROBE_BW_REFILL ||
           bbr->state == LEAT_BBR_PROBE_BW_UP;
}

/* ---- bbr_probe_bw.c ---- */

void leat_bbr_start_probe_bw_down(leat_bbr *bbr, leat_time now);
void leat_bbr_start_probe_bw_refill(leat_bbr *bbr);
/* UpdateProbeBWCyclePhase of §5.3.3.9. */
void leat_bbr_update_probe_bw(leat_bbr *bbr, const leat_rate_sample *rs);

/* ---- bbr_control.c ---- */

void leat_bbr_control_init(leat_bbr *bbr);
void leat_bbr_control_on_ack(leat_bbr *bbr, const leat_rate_sample *rs);
void leat_bbr_set_pacing_rate(leat_bbr *bbr, uint32_t gain);
/* bw * min_rtt * gain, in bytes. */
uint64_t leat_bbr_bdp_multiple(const leat_bbr *bbr, uint64_t bw, uint32_t gain);
/* The same with the least that a pipe needs. */
uint64_t leat_bbr_inflight(const leat_bbr *bbr, uint64_t bw, uint32_t gain);
uint64_t leat_bbr_inflight_with_headroom(const leat_bbr *bbr);
uint64_t leat_bbr_target_inflight(const leat_bbr *bbr);
uint64_t leat_bbr_probe_rtt_cwnd(const leat_bbr *bbr);
void leat_bbr_save_cwnd(leat_bbr *bbr);
void leat_bbr_restore_cwnd(leat_bbr *bbr);

#endif
