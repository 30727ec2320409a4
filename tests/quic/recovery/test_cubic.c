/*
 * CUBIC by its formulas: cubic.c, RFC 9438. The expected numbers are computed here in floating
 * point from the figures of the RFC.
 */
#include "leat_test.h"
#include "quic/recovery/congestion.h"

#define MS LEAT_MILLISECOND
#define MTU 1000
#define RTT 100 /* milliseconds */

typedef struct run {
    leat_congestion congestion;
    leat_time now;
    uint64_t delivered;
} run;

static run begin(void) {
    run r = {.now = 1000 * MS};
    ck_assert_int_eq(leat_congestion_init(&r.congestion, &leat_cubic, NULL, MTU), LEAT_OK);
    return r;
}

static uint64_t window(const run *r) {
    return leat_congestion_window(&r->congestion);
}

static void ack_sent_at(run *r, leat_time time_sent, uint64_t bytes, bool is_app_limited) {
    leat_congestion_packet packet = {.time_sent = time_sent, .bytes = bytes};
    leat_congestion_ack ack = {.packet = &packet,
        .latest_rtt = RTT * MS,
        .smoothed_rtt = RTT * MS,
        .min_rtt = RTT * MS,
        .is_app_limited = is_app_limited,
        .now = r->now};
    r->congestion.ops->on_acked(r->congestion.state, &ack);
}

static void ack(run *r, uint64_t bytes) {
    ack_sent_at(r, r->now, bytes, false);
}

static void lose(run *r) {
    leat_congestion_event event = {.time_sent = r->now, .lost_bytes = MTU, .now = r->now};
    r->congestion.ops->on_congestion_event(r->congestion.state, &event);
    r->now += MS;
}

/* Slow start up to `segments`. */
static void grow_to(run *r, uint64_t segments) {
    while (window(r) < segments * MTU) {
        ack(r, MTU);
    }
}

/* A whole window acknowledged, spread over one round trip. */
static void ack_window(run *r) {
    uint64_t count = window(r) / MTU;
    leat_time start = r->now;
    for (uint64_t i = 0; i < count; i++) {
        r->now = start + RTT * MS * i / count;
        ack(r, MTU);
    }
    r->now = start + RTT * MS;
}

static double cube_root(double value) {
    double root = 1;
    for (int i = 0; i < 200; i++) {
        root -= (root * root * root - value) / (3 * root * root);
    }
    return root;
}

/* RFC 9438 figures 1 and 2, in segments and seconds, after a reduction from W_max by beta. */
static double W_cubic(double W_max, double t) {
    double K = cube_root(W_max * (1 - 0.7) / 0.4);
    return 0.4 * (t - K) * (t - K) * (t - K) + W_max;
}

START_TEST(slow_start_grows_by_the_bytes_acknowledged) {
    run r = begin();
    ck_assert_uint_eq(window(&r), 10 * MTU);
    ck_assert_str_eq(leat_congestion_state_name(&r.congestion), "slow_start");
    ack(&r, 700);
    ck_assert_uint_eq(window(&r), 10 * MTU + 700);
    leat_congestion_clear(&r.congestion);
}
END_TEST

/* TEST RFC 9438 §4.6 */
START_TEST(a_loss_leaves_seven_tenths_of_the_window) {
    run r = begin();
    grow_to(&r, 100);
    lose(&r);
    ck_assert_uint_eq(window(&r), 70 * MTU);
    ck_assert_uint_eq(leat_congestion_slow_start_threshold(&r.congestion), 70 * MTU);
    ck_assert_str_eq(leat_congestion_state_name(&r.congestion), "recovery");
    leat_congestion_clear(&r.congestion);
}
END_TEST

/* TEST RFC 9002 §7.3.2 */
START_TEST(losses_of_the_same_round_trip_count_once) {
    run r = begin();
    grow_to(&r, 100);
    leat_time before = r.now;
    lose(&r);
    leat_congestion_event event = {.time_sent = before, .lost_bytes = MTU, .now = r.now};
    r.congestion.ops->on_congestion_event(r.congestion.state, &event);
    ck_assert_uint_eq(window(&r), 70 * MTU);
    ack_sent_at(&r, before, MTU, false);
    ck_assert_uint_eq(window(&r), 70 * MTU);
    leat_congestion_clear(&r.congestion);
}
END_TEST

START_TEST(the_window_never_falls_below_two_datagrams) {
    run r = begin();
    for (unsigned i = 0; i < 20; i++) {
        lose(&r);
    }
    ck_assert_uint_eq(window(&r), 2 * MTU);
    leat_congestion_clear(&r.congestion);
}
END_TEST

/*
 * TEST RFC 9438 §4.2, §4.4: from 1400 segments towards the plateau of 2000, at 100 ms: the window
 * follows the curve one round trip ahead. NewReno's estimate stays below it.
 */
START_TEST(the_window_follows_the_curve_to_its_plateau) {
    run r = begin();
    grow_to(&r, 2000);
    lose(&r);
    leat_time epoch = r.now;
    for (unsigned round = 0; round < 100; round++) {
        ack_window(&r);
        double t = (double)(r.now - epoch) / 1e9;
        double expected = W_cubic(2000, t) * MTU, actual = (double)window(&r);
        ck_assert_msg(actual > 0.99 * expected && actual < 1.01 * expected,
            "round %u: %f instead of %f", round, actual, expected);
    }
    leat_congestion_clear(&r.congestion);
}
END_TEST

/* TEST RFC 9438 §4.2: K of a window of 2000 is the cube root of 1500, 11.447 s. */
START_TEST(the_plateau_is_reached_after_k_seconds) {
    run r = begin();
    grow_to(&r, 2000);
    lose(&r);
    leat_time epoch = r.now;
    while (r.now < epoch + 11447 * MS) {
        ack_window(&r);
    }
    ck_assert_uint_ge(window(&r), 1999 * MTU);
    ck_assert_uint_le(window(&r), 2001 * MTU);
    leat_congestion_clear(&r.congestion);
}
END_TEST

/* TEST RFC 9438 §4.3: W_est grows by 9/17 of a segment per window, the curve from 70 is slower. */
START_TEST(small_windows_grow_as_newreno_would) {
    run r = begin();
    grow_to(&r, 20);
    lose(&r);
    double W_est = 14;
    for (unsigned round = 0; round < 8; round++) {
        uint64_t count = window(&r) / MTU;
        for (uint64_t i = 0; i < count; i++) {
            W_est += 9.0 / 17 * MTU / (double)window(&r);
            ack(&r, MTU);
        }
        r.now += MS; /* a tiny round trip: the curve stands still */
        ck_assert_uint_ge(window(&r), (uint64_t)(W_est * MTU) - 10);
        ck_assert_uint_le(window(&r), (uint64_t)(W_est * MTU) + 10);
    }
    leat_congestion_clear(&r.congestion);
}
END_TEST

/* TEST RFC 9438 §4.3: from the window of the last reduction on, alpha is 1. */
START_TEST(above_the_old_window_newreno_grows_by_a_whole_segment) {
    run r = begin();
    grow_to(&r, 20);
    lose(&r);
    while (window(&r) < 20 * MTU) {
        ack(&r, MTU);
    }
    uint64_t before = window(&r);
    for (unsigned i = 0; i < 20; i++) {
        ack(&r, MTU);
    }
    ck_assert_uint_ge(window(&r), before + MTU - 60);
    ck_assert_uint_le(window(&r), before + MTU);
    leat_congestion_clear(&r.congestion);
}
END_TEST

/* TEST RFC 9438 §4.2: far beyond the plateau a window grows by half per round trip at most. */
START_TEST(growth_is_at_most_half_a_window_per_round_trip) {
    run r = begin();
    grow_to(&r, 20);
    lose(&r);
    ack(&r, MTU);
    r.now += 600 * LEAT_SECOND;
    uint64_t before = window(&r);
    ack(&r, before);
    ck_assert_uint_le(window(&r), before + before / 2);
    ck_assert_uint_ge(window(&r), before + before / 2 - 2);
    leat_congestion_clear(&r.congestion);
}
END_TEST

/* TEST RFC 9438 §4.7: after a loss at 1400, below 2000, the plateau is 1400 * 0.85. */
START_TEST(a_loss_below_the_plateau_makes_room) {
    run r = begin();
    grow_to(&r, 2000);
    lose(&r);
    lose(&r);
    leat_time epoch = r.now;
    ck_assert_uint_eq(window(&r), 1400 * MTU * 7 / 10);
    double W_max = 1400 * 0.85;
    while (r.now < epoch + 8000 * MS) {
        ack_window(&r);
    }
    /* K is the cube root of (1190 - 980) / 0.4: 8.067 s */
    ck_assert_uint_ge(window(&r), (uint64_t)((W_max - 2) * MTU));
    ck_assert_uint_le(window(&r), (uint64_t)((W_max + 2) * MTU));
    leat_congestion_clear(&r.congestion);
}
END_TEST

/* TEST RFC 9438 §4.2, §5.8 */
START_TEST(time_in_which_the_window_is_not_used_does_not_count) {
    run r = begin();
    grow_to(&r, 2000);
    lose(&r);
    ack(&r, MTU);
    leat_time epoch = r.now;
    for (unsigned i = 0; i < 10; i++) {
        ack_sent_at(&r, r.now, MTU, true);
        r.now += 1000 * MS;
    }
    uint64_t before = window(&r);
    ck_assert_uint_le(before, 1401 * MTU);
    ack(&r, MTU);
    ck_assert_uint_le(window(&r), before + MTU);
    epoch += 10000 * MS;
    for (unsigned round = 0; round < 20; round++) {
        ack_window(&r);
    }
    double expected = W_cubic(2000, (double)(r.now - epoch) / 1e9) * MTU;
    ck_assert_double_eq_tol((double)window(&r) / expected, 1, 0.01);
    leat_congestion_clear(&r.congestion);
}
END_TEST

/* TEST RFC 9438 §4.8: slow start up to the threshold, then a plateau right there. */
START_TEST(after_persistent_congestion_the_plateau_is_where_slow_start_ends) {
    run r = begin();
    grow_to(&r, 1000);
    lose(&r);
    r.congestion.ops->on_persistent_congestion(r.congestion.state);
    ck_assert_uint_eq(window(&r), 2 * MTU);
    ck_assert_str_eq(leat_congestion_state_name(&r.congestion), "slow_start");
    grow_to(&r, 700);
    ck_assert_str_eq(leat_congestion_state_name(&r.congestion), "congestion_avoidance");
    for (unsigned round = 0; round < 10; round++) {
        ack_window(&r); /* towards an old plateau at 1000 it would be near 790 after a second */
    }
    ck_assert_uint_le(window(&r), 710 * MTU);
    leat_congestion_clear(&r.congestion);
}
END_TEST

/* TEST RFC 9438 §4.9.2 */
START_TEST(a_spurious_loss_restores_window_threshold_and_curve) {
    run r = begin();
    grow_to(&r, 100);
    lose(&r);
    ack(&r, MTU);
    r.congestion.ops->on_spurious_loss(r.congestion.state);
    ck_assert_uint_eq(window(&r), 100 * MTU);
    ck_assert_uint_eq(leat_congestion_slow_start_threshold(&r.congestion), UINT64_MAX);
    ck_assert_str_eq(leat_congestion_state_name(&r.congestion), "slow_start");
    r.congestion.ops->on_spurious_loss(r.congestion.state);
    ck_assert_uint_eq(window(&r), 100 * MTU);
    leat_congestion_clear(&r.congestion);
}
END_TEST

/* TEST RFC 9438 §4.9.2: the window is larger than before already. */
START_TEST(a_late_insight_does_not_shrink_the_window) {
    run r = begin();
    grow_to(&r, 20);
    lose(&r);
    while (window(&r) < 25 * MTU) {
        ack_window(&r);
    }
    uint64_t before = window(&r);
    r.congestion.ops->on_spurious_loss(r.congestion.state);
    ck_assert_uint_eq(window(&r), before);
    leat_congestion_clear(&r.congestion);
}
END_TEST

/* One round trip of ACKs, each with a sample. */
static void sampled_round(run *r, leat_time rtt) {
    uint64_t at_start = r->delivered, count = window(r) / MTU;
    for (uint64_t i = 0; i < count; i++) {
        r->delivered += MTU;
        ack(r, MTU);
        leat_rate_sample sample = {.prior_delivered = i == 0 ? at_start : 0,
            .delivered = r->delivered,
            .rtt = rtt,
            .now = r->now};
        r->congestion.ops->on_ack_end(r->congestion.state, &sample);
    }
}

/* TEST RFC 9438 §4.10, RFC 9406 §4.2: the window where the delay stayed is the threshold. */
START_TEST(a_growing_delay_ends_slow_start_without_a_loss) {
    run r = begin();
    sampled_round(&r, 50 * MS);
    ck_assert_uint_eq(window(&r), 20 * MTU);
    sampled_round(&r, 80 * MS);
    ck_assert_str_eq(leat_congestion_state_name(&r.congestion), "conservative_slow_start");
    ck_assert_uint_eq(window(&r), 20 * MTU + 8 * MTU + 12 * MTU / 4);
    for (unsigned i = 0; i < 5; i++) {
        sampled_round(&r, 80 * MS);
    }
    ck_assert_str_eq(leat_congestion_state_name(&r.congestion), "congestion_avoidance");
    uint64_t threshold = leat_congestion_slow_start_threshold(&r.congestion);
    ck_assert_uint_ge(window(&r), threshold);
    ck_assert_uint_le(window(&r), threshold + 2 * MTU);
    leat_congestion_clear(&r.congestion);
}
END_TEST

START_TEST(another_datagram_size_recalculates_only_an_initial_window) {
    run r = begin();
    r.congestion.ops->on_datagram_size(r.congestion.state, 1400);
    ck_assert_uint_eq(window(&r), 14000);
    ack(&r, MTU);
    r.congestion.ops->on_datagram_size(r.congestion.state, 1200);
    ck_assert_uint_eq(window(&r), 15000);
    leat_congestion_clear(&r.congestion);
}
END_TEST

/* Whatever times and sizes come: nothing wraps. */
START_TEST(absurd_windows_and_times_stay_in_bounds) {
    run r = begin();
    for (unsigned i = 0; i < 64; i++) {
        ack(&r, UINT64_C(1) << (i < 40 ? i : 40));
    }
    ck_assert_uint_eq(window(&r), LEAT_CONGESTION_WINDOW_MAX);
    lose(&r);
    for (unsigned i = 0; i < 40; i++) {
        r.now += LEAT_SECOND << (i < 30 ? i : 30);
        ack(&r, 65535);
        ck_assert_uint_ge(window(&r), LEAT_CONGESTION_WINDOW_MAX * 7 / 10);
        ck_assert_uint_le(window(&r), LEAT_CONGESTION_WINDOW_MAX);
    }
    leat_congestion_clear(&r.congestion);
}
END_TEST

LEAT_TEST_MAIN("quic/recovery cubic", slow_start_grows_by_the_bytes_acknowledged,
    a_loss_leaves_seven_tenths_of_the_window, losses_of_the_same_round_trip_count_once,
    the_window_never_falls_below_two_datagrams, the_window_follows_the_curve_to_its_plateau,
    the_plateau_is_reached_after_k_seconds, small_windows_grow_as_newreno_would,
    above_the_old_window_newreno_grows_by_a_whole_segment,
    growth_is_at_most_half_a_window_per_round_trip, a_loss_below_the_plateau_makes_room,
    time_in_which_the_window_is_not_used_does_not_count,
    after_persistent_congestion_the_plateau_is_where_slow_start_ends,
    a_spurious_loss_restores_window_threshold_and_curve,
    a_late_insight_does_not_shrink_the_window, a_growing_delay_ends_slow_start_without_a_loss,
    another_datagram_size_recalculates_only_an_initial_window,
    absurd_windows_and_times_stay_in_bounds)
