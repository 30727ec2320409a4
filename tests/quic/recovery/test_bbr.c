/*
 * BBRv3 by its formulas, and on a simulated bottleneck: bbr.c, bbr_model.c, bbr_control.c,
 * draft-ietf-ccwg-bbr. Section numbers are those of the draft.
 */
#include "quic/recovery/bbr.h"
#include "sender.h"

/* ---- formulas ---- */

static leat_bbr *begin(leat_congestion *congestion) {
    ck_assert_int_eq(leat_congestion_init(congestion, &leat_bbr_ops, NULL, 1000), LEAT_OK);
    return congestion->state;
}

/* §5.6.2: the initial window in a millisecond, times 2.77; then in the first RTT. */
START_TEST(the_first_pacing_rate_comes_from_the_initial_window) {
    leat_congestion congestion;
    leat_bbr *bbr = begin(&congestion);
    ck_assert_uint_eq(bbr->pacing_rate, UINT64_C(10000) * 1000 * 277 / 100);
    leat_rate_sample rs = {.rtt = 50 * MS, .smoothed_rtt = 50 * MS, .now = START};
    leat_bbr_control_on_ack(bbr, &rs);
    ck_assert_uint_eq(bbr->pacing_rate, 10000 * 20 * 277 / 100);
    leat_congestion_clear(&congestion);
}
END_TEST

/* §5.6.4.2: 1 MB/s for 100 ms, and never less than the quantum and four datagrams. */
START_TEST(volumes_are_multiples_of_the_bandwidth_delay_product) {
    leat_congestion congestion;
    leat_bbr *bbr = begin(&congestion);
    ck_assert_uint_eq(leat_bbr_bdp_multiple(bbr, 1000000, 200), 10000);
    bbr->min_rtt = 100 * MS;
    ck_assert_uint_eq(leat_bbr_bdp_multiple(bbr, 1000000, 100), 100000);
    ck_assert_uint_eq(leat_bbr_bdp_multiple(bbr, 1000000, 225), 225000);
    bbr->pacing_rate = 1000000;
    ck_assert_uint_eq(leat_bbr_inflight(bbr, 1000, 100), 4000);
    bbr->pacing_rate = 1000000000;
    ck_assert_uint_eq(leat_bbr_inflight(bbr, 1000, 100), 65536);
    bbr->state = LEAT_BBR_PROBE_BW_UP;
    ck_assert_uint_eq(leat_bbr_inflight(bbr, 1000000, 100), 102000);
    leat_congestion_clear(&congestion);
}
END_TEST

/* §5.3.3.9: 15 % stay free. */
START_TEST(headroom_is_left_below_the_long_term_bound) {
    leat_congestion congestion;
    leat_bbr *bbr = begin(&congestion);
    ck_assert_uint_eq(leat_bbr_inflight_with_headroom(bbr), LEAT_BBR_INFINITE);
    bbr->inflight_longterm = 100000;
    ck_assert_uint_eq(leat_bbr_inflight_with_headroom(bbr), 85000);
    bbr->inflight_longterm = 4200;
    ck_assert_uint_eq(leat_bbr_inflight_with_headroom(bbr), 4000);
    leat_congestion_clear(&congestion);
}
END_TEST

/* §5.5.10.2: (0.02 * inflight_prev - lost_prev) / 0.98 more than what was in flight before. */
START_TEST(the_volume_at_which_losses_became_too_many_is_found_inside_a_packet) {
    ck_assert(!leat_bbr_is_inflight_too_high(2000, 100000));
    ck_assert(leat_bbr_is_inflight_too_high(2001, 100000));
    ck_assert_uint_eq(leat_bbr_inflight_at_loss(110000, 11000, 10000), 100000 + 1000 * 100 / 98);
    ck_assert_uint_eq(leat_bbr_inflight_at_loss(110000, 50000, 10000), 100000);
    ck_assert_uint_eq(leat_bbr_inflight_at_loss(500, 100, 1000), 0);
}
END_TEST

/* A round of one ACK. */
static leat_rate_sample round_of(leat_bbr *bbr, uint64_t delivery_rate, leat_time now) {
    uint64_t before = bbr->delivered;
    return (leat_rate_sample){.delivery_rate = delivery_rate,
        .prior_delivered = before,
        .delivered = before + 10000,
        .newly_acked = 10000,
        .tx_in_flight = 10000,
        .rtt = 50 * MS,
        .smoothed_rtt = 50 * MS,
        .min_rtt = 50 * MS,
        .now = now};
}

/* §5.3.1.2: three rounds with less than a quarter more. */
START_TEST(three_rounds_without_growth_mean_a_full_pipe) {
    leat_congestion congestion;
    leat_bbr *bbr = begin(&congestion);
    static const uint64_t rates[] = {100000, 125000, 156000, 156250, 170000};
    for (size_t i = 0; i < 5; i++) {
        leat_rate_sample rs = round_of(bbr, rates[i], START + i * 50 * MS);
        ck_assert_int_eq(bbr->state, LEAT_BBR_STARTUP);
        congestion.ops->on_ack_end(congestion.state, &rs);
    }
    ck_assert_uint_eq(bbr->full_bw, 125000 * 125 / 100);
    ck_assert_uint_eq(bbr->full_bw_count, 1);
    for (size_t i = 5; i < 7; i++) {
        ck_assert(!bbr->full_bw_reached);
        leat_rate_sample rs = round_of(bbr, 180000, START + i * 50 * MS);
        rs.bytes_in_flight = 1000000;
        congestion.ops->on_ack_end(congestion.state, &rs);
    }
    ck_assert(bbr->full_bw_reached);
    ck_assert_str_eq(leat_congestion_state_name(&congestion), "drain");
    leat_congestion_clear(&congestion);
}
END_TEST

START_TEST(rounds_limited_by_the_application_do_not_end_startup) {
    leat_congestion congestion;
    leat_bbr *bbr = begin(&congestion);
    for (size_t i = 0; i < 10; i++) {
        leat_rate_sample rs = round_of(bbr, 100000, START + i * 50 * MS);
        rs.is_app_limited = i > 0;
        congestion.ops->on_ack_end(congestion.state, &rs);
    }
    ck_assert_int_eq(bbr->state, LEAT_BBR_STARTUP);
    leat_rate_sample faster = round_of(bbr, 120000, START + 500 * MS);
    faster.is_app_limited = true;
    congestion.ops->on_ack_end(congestion.state, &faster);
    ck_assert_uint_eq(bbr->max_bw, 120000);
    leat_congestion_clear(&congestion);
}
END_TEST

/* §5.5.3: this cycle and the one before. */
START_TEST(bandwidth_is_remembered_for_two_cycles) {
    leat_congestion congestion;
    leat_bbr *bbr = begin(&congestion);
    leat_rate_sample rs = round_of(bbr, 300000, START);
    congestion.ops->on_ack_end(congestion.state, &rs);
    leat_bbr_advance_max_bw_filter(bbr);
    rs = round_of(bbr, 200000, START + 50 * MS);
    congestion.ops->on_ack_end(congestion.state, &rs);
    ck_assert_uint_eq(bbr->max_bw, 300000);
    leat_bbr_advance_max_bw_filter(bbr);
    rs = round_of(bbr, 200000, START + 100 * MS);
    congestion.ops->on_ack_end(congestion.state, &rs);
    ck_assert_uint_eq(bbr->max_bw, 200000);
    leat_congestion_clear(&congestion);
}
END_TEST

static void lose(leat_congestion *congestion, uint64_t bytes, leat_time now) {
    const leat_bbr *bbr = congestion->state;
    leat_congestion_packet packet = {
        .time_sent = now - 50 * MS, .bytes = bytes, .bytes_in_flight = 50000};
    leat_congestion_loss loss = {.packet = &packet, .lost = bytes, .now = now};
    leat_congestion_event event = {.time_sent = packet.time_sent,
        .lost_bytes = bytes,
        .now = now,
        .bytes_in_flight = bbr->inflight};
    congestion->ops->on_lost(congestion->state, &loss);
    congestion->ops->on_congestion_event(congestion->state, &event);
}

/* A flow that cruises at 1 MB/s. */
static leat_bbr *cruise(leat_congestion *congestion) {
    leat_bbr *bbr = begin(congestion);
    bbr->state = LEAT_BBR_PROBE_BW_CRUISE;
    bbr->full_bw_reached = true;
    bbr->max_bw = bbr->bw = bbr->max_bw_filter[1] = 1000000;
    bbr->cwnd = 100000;
    bbr->min_rtt = bbr->probe_rtt_min_delay = 50 * MS;
    bbr->min_rtt_stamp = bbr->probe_rtt_min_stamp = bbr->cycle_stamp = START;
    bbr->bw_probe_wait = 60 * LEAT_SECOND;
    return bbr;
}

/* §5.5.10.3: once per round with losses, down to what was delivered or by Beta. */
START_TEST(losses_while_cruising_lower_the_short_term_model) {
    leat_congestion congestion;
    leat_bbr *bbr = cruise(&congestion);
    leat_rate_sample rs = round_of(bbr, 600000, START);
    lose(&congestion, 1000, START);
    congestion.ops->on_ack_end(congestion.state, &rs);
    rs = round_of(bbr, 600000, START + 50 * MS);
    congestion.ops->on_ack_end(congestion.state, &rs);
    ck_assert_uint_eq(bbr->bw_shortterm, 700000);
    ck_assert_uint_eq(bbr->bw, 700000);
    ck_assert_uint_eq(bbr->pacing_rate, 693000);
    ck_assert_uint_eq(bbr->inflight_shortterm, 70000);
    ck_assert_uint_le(bbr->cwnd, 70000);
    congestion.ops->on_spurious_loss(congestion.state);
    ck_assert_uint_eq(bbr->bw_shortterm, LEAT_BBR_INFINITE);
    ck_assert_uint_eq(bbr->inflight_shortterm, LEAT_BBR_INFINITE);
    ck_assert_uint_eq(bbr->cwnd, 100000);
    leat_congestion_clear(&congestion);
}
END_TEST

/* §5.5.10.2: more than 2 % lost while probing. */
START_TEST(a_probe_with_high_loss_sets_the_long_term_bound_and_goes_down) {
    leat_congestion congestion;
    leat_bbr *bbr = cruise(&congestion);
    bbr->state = LEAT_BBR_PROBE_BW_UP;
    bbr->is_bw_probe_sample = true;
    lose(&congestion, 1000, START);
    ck_assert_str_eq(leat_congestion_state_name(&congestion), "probe_bw_up");
    lose(&congestion, 2000, START);
    ck_assert_str_eq(leat_congestion_state_name(&congestion), "probe_bw_down");
    ck_assert_uint_eq(bbr->inflight_longterm, 48000 + 48000 * 2 / 98);
    ck_assert(bbr->prev_probe_too_high && !bbr->is_bw_probe_sample);
    congestion.ops->on_spurious_loss(congestion.state);
    ck_assert_str_eq(leat_congestion_state_name(&congestion), "probe_bw_refill");
    ck_assert_uint_eq(bbr->inflight_longterm, LEAT_BBR_INFINITE);
    leat_congestion_clear(&congestion);
}
END_TEST

/* ---- a bottleneck: 1.2 MB/s, 40 ms, and a queue ---- */

#define RATE 1200000
#define BASE_RTT (40 * MS)
#define PACKETS_MAX 40000

typedef struct bottleneck {
    sender s;
    leat_time arrival[PACKETS_MAX]; /* of the acknowledgement; NEVER: dropped; 0: told */
    leat_time busy_until;
    uint64_t next_pn, next_told, queue_limit, dropped, longest_queue;
    unsigned visits[LEAT_BBR_STATE_COUNT];
} bottleneck;

static void send_one(bottleneck *l) {
    leat_time start = l->busy_until > l->s.now ? l->busy_until : l->s.now;
    uint64_t queue = (start - l->s.now) * RATE / LEAT_SECOND;
    sender_send(&l->s, APP, l->next_pn);
    if (queue > l->queue_limit) {
        l->arrival[l->next_pn++] = LEAT_TIME_NEVER;
        l->dropped++;
        return;
    }
    l->longest_queue = queue > l->longest_queue ? queue : l->longest_queue;
    l->busy_until = start + (leat_time)MTU * LEAT_SECOND / RATE;
    l->arrival[l->next_pn++] = l->busy_until + BASE_RTT;
}

/* One ACK for each run of packets that have arrived. */
static void acknowledge(bottleneck *l) {
    while (l->next_told < l->next_pn) {
        if (l->arrival[l->next_told] == LEAT_TIME_NEVER) {
            l->next_told++;
            continue;
        }
        uint64_t end = l->next_told;
        while (end < l->next_pn && l->arrival[end] <= l->s.now) {
            end++;
        }
        if (end == l->next_told) {
            return;
        }
        ck_assert_uint_eq(sender_ack(&l->s, APP, l->next_told, end - 1), 0);
        l->next_told = end;
    }
}

static void run_until(bottleneck *l, leat_time end) {
    leat_bbr_state before = LEAT_BBR_STATE_COUNT;
    while (l->s.now < end && l->next_pn < PACKETS_MAX) {
        l->s.now += MS;
        l->s.verdicts[0] = '\0';
        acknowledge(l);
        if (leat_recovery_get_timer(&l->s.recovery) <= l->s.now) {
            sender_timeout(&l->s);
        }
        while (l->next_pn < PACKETS_MAX && leat_recovery_can_send(&l->s.path, MTU, l->s.now)) {
            send_one(l);
        }
        const leat_bbr *bbr = l->s.path.congestion.state;
        l->visits[bbr->state] += bbr->state != before ? 1 : 0;
        before = bbr->state;
    }
}

static bottleneck *make_link(uint64_t queue_limit) {
    bottleneck *l = calloc(1, sizeof *l);
    ck_assert_ptr_nonnull(l);
    sender_set_up_with(&l->s, &leat_bbr_ops, NULL);
    l->queue_limit = queue_limit;
    return l;
}

static void free_link(bottleneck *l) {
    sender_tear_down(&l->s);
    free(l);
}

START_TEST(it_finds_bandwidth_and_round_trip_of_a_bottleneck) {
    bottleneck *l = make_link(1000000);
    run_until(l, START + 4000 * MS);
    const leat_bbr *bbr = l->s.path.congestion.state;
    ck_assert_double_eq_tol((double)bbr->max_bw / RATE, 1, 0.05);
    ck_assert_uint_ge(bbr->min_rtt, BASE_RTT);
    ck_assert_uint_le(bbr->min_rtt, BASE_RTT + 5 * MS);
    ck_assert_uint_eq(l->visits[LEAT_BBR_STARTUP], 1);
    ck_assert_uint_eq(l->visits[LEAT_BBR_DRAIN], 1);
    ck_assert_uint_ge(l->visits[LEAT_BBR_PROBE_BW_UP], 1);
    ck_assert_uint_ge(l->visits[LEAT_BBR_PROBE_BW_CRUISE], 1);
    free_link(l);
}
END_TEST

START_TEST(after_startup_the_queue_stays_short_and_the_link_busy) {
    bottleneck *l = make_link(1000000);
    run_until(l, START + 1500 * MS);
    l->longest_queue = 0;
    uint64_t delivered = l->s.path.rate.delivered;
    run_until(l, START + 4500 * MS);
    ck_assert_uint_ge(l->s.path.rate.delivered - delivered, RATE * 3 * 9 / 10);
    ck_assert_uint_le(l->longest_queue, RATE * 40 / 1000 * 3 / 2); /* one and a half BDP */
    free_link(l);
}
END_TEST

/* §5.3.4: not later than five seconds after the last lowest sample. */
START_TEST(probe_rtt_comes_and_goes) {
    bottleneck *l = make_link(1000000);
    run_until(l, START + 12000 * MS);
    const leat_bbr *bbr = l->s.path.congestion.state;
    ck_assert_uint_ge(l->visits[LEAT_BBR_PROBE_RTT], 1);
    ck_assert_uint_le(l->visits[LEAT_BBR_PROBE_RTT], 3);
    ck_assert_uint_eq(l->visits[LEAT_BBR_STARTUP], 1);
    ck_assert_double_eq_tol((double)bbr->max_bw / RATE, 1, 0.05);
    free_link(l);
}
END_TEST

START_TEST(a_short_queue_bounds_what_it_keeps_in_flight) {
    bottleneck *l = make_link(20000);
    run_until(l, START + 2000 * MS);
    uint64_t dropped = l->dropped, sent = l->next_pn, delivered = l->s.path.rate.delivered;
    run_until(l, START + 8000 * MS);
    ck_assert_uint_le((l->dropped - dropped) * 100, (l->next_pn - sent) * 3);
    ck_assert_uint_ge(l->s.path.rate.delivered - delivered, RATE * 6 * 8 / 10);
    free_link(l);
}
END_TEST

LEAT_TEST_MAIN("quic/recovery bbr", the_first_pacing_rate_comes_from_the_initial_window,
    volumes_are_multiples_of_the_bandwidth_delay_product,
    headroom_is_left_below_the_long_term_bound,
    the_volume_at_which_losses_became_too_many_is_found_inside_a_packet,
    three_rounds_without_growth_mean_a_full_pipe,
    rounds_limited_by_the_application_do_not_end_startup, bandwidth_is_remembered_for_two_cycles,
    losses_while_cruising_lower_the_short_term_model,
    a_probe_with_high_loss_sets_the_long_term_bound_and_goes_down,
    it_finds_bandwidth_and_round_trip_of_a_bottleneck,
    after_startup_the_queue_stays_short_and_the_link_busy, probe_rtt_comes_and_goes,
    a_short_queue_bounds_what_it_keeps_in_flight)
