/* The RTT estimator with numbers worked out by hand: quic/recovery/rtt.c, RFC 9002 §5. */
#include "leat_test.h"
#include "quic/recovery/rtt.h"

#define MS LEAT_MILLISECOND
#define NOW (1000 * MS)

static leat_rtt with_first_sample(leat_time sample) {
    leat_rtt rtt;
    leat_rtt_init(&rtt, 0);
    leat_rtt_on_sample(&rtt, sample, 0, 25 * MS, true, NOW);
    return rtt;
}

/* TEST RFC 9002 §6.2.2-1: 333 ms until there is a sample. */
START_TEST(before_a_sample_the_rtt_is_333_ms_with_half_of_it_as_variation) {
    leat_rtt rtt;
    leat_rtt_init(&rtt, 0);
    ck_assert_uint_eq(rtt.smoothed_rtt, 333 * MS);
    ck_assert_uint_eq(rtt.rttvar, 333 * MS / 2);
    ck_assert(!leat_rtt_has_sample(&rtt));
    ck_assert_uint_eq(leat_rtt_pto_base(&rtt), 999 * MS);
}
END_TEST

/* TEST RFC 9002 §5.2-1: the first sample sets everything. */
START_TEST(the_first_sample_sets_min_smoothed_and_half_as_variation) {
    leat_rtt rtt = with_first_sample(100 * MS);
    ck_assert_uint_eq(rtt.min_rtt, 100 * MS);
    ck_assert_uint_eq(rtt.smoothed_rtt, 100 * MS);
    ck_assert_uint_eq(rtt.rttvar, 50 * MS);
    ck_assert_uint_eq(rtt.first_rtt_sample, NOW);
}
END_TEST

/* smoothed = 7/8 * 100 + 1/8 * 180 = 110; rttvar = 3/4 * 50 + 1/4 * 80 = 57.5 */
START_TEST(later_samples_are_weighted_by_an_eighth_and_a_quarter) {
    leat_rtt rtt = with_first_sample(100 * MS);
    leat_rtt_on_sample(&rtt, 180 * MS, 0, 25 * MS, true, NOW);
    ck_assert_uint_eq(rtt.smoothed_rtt, 110 * MS);
    ck_assert_uint_eq(rtt.rttvar, 57 * MS + MS / 2);
    ck_assert_uint_eq(rtt.latest_rtt, 180 * MS);
}
END_TEST

/* TEST RFC 9002 §5.2-2: min_rtt is the least sample, whatever delay the peer claims. */
START_TEST(min_rtt_is_the_least_sample_without_the_delay) {
    leat_rtt rtt = with_first_sample(100 * MS);
    leat_rtt_on_sample(&rtt, 90 * MS, 20 * MS, 25 * MS, true, NOW);
    leat_rtt_on_sample(&rtt, 95 * MS, 0, 25 * MS, true, NOW);
    ck_assert_uint_eq(rtt.min_rtt, 90 * MS);
}
END_TEST

/* adjusted = 200 - 20 = 180 as above */
START_TEST(the_delay_of_the_peer_is_subtracted) {
    leat_rtt rtt = with_first_sample(100 * MS);
    leat_rtt_on_sample(&rtt, 200 * MS, 20 * MS, 25 * MS, true, NOW);
    ck_assert_uint_eq(rtt.smoothed_rtt, 110 * MS);
}
END_TEST

/*
 * TEST RFC 9002 §5.3-3: after confirmation a delay counts up to max_ack_delay. adjusted = 205 - 25
 * = 180.
 */
START_TEST(a_delay_above_max_ack_delay_is_capped_after_confirmation) {
    leat_rtt rtt = with_first_sample(100 * MS);
    leat_rtt_on_sample(&rtt, 205 * MS, 60 * MS, 25 * MS, true, NOW);
    ck_assert_uint_eq(rtt.smoothed_rtt, 110 * MS);
}
END_TEST

/* TEST RFC 9002 §5.3-2: before confirmation max_ack_delay is ignored. adjusted = 240 - 60 = 180. */
START_TEST(before_confirmation_the_whole_delay_is_subtracted) {
    leat_rtt rtt = with_first_sample(100 * MS);
    leat_rtt_on_sample(&rtt, 240 * MS, 60 * MS, 25 * MS, false, NOW);
    ck_assert_uint_eq(rtt.smoothed_rtt, 110 * MS);
}
END_TEST

/* TEST RFC 9002 §5.3-4: no subtraction below min_rtt. */
START_TEST(a_delay_that_would_go_below_min_rtt_is_ignored) {
    leat_rtt rtt = with_first_sample(100 * MS);
    leat_rtt_on_sample(&rtt, 108 * MS, 20 * MS, 25 * MS, true, NOW);
    ck_assert_uint_eq(rtt.smoothed_rtt, 101 * MS);
}
END_TEST

/* TEST RFC 9002 §6.2.1-1: the variation counts as a millisecond at least. */
START_TEST(the_pto_has_at_least_the_granularity) {
    leat_rtt rtt = with_first_sample(MS / 10);
    ck_assert_uint_eq(leat_rtt_pto_base(&rtt), MS / 10 + MS);
    rtt = with_first_sample(100 * MS);
    ck_assert_uint_eq(leat_rtt_pto_base(&rtt), 300 * MS);
}
END_TEST

/* TEST RFC 9002 §6.1.2-4, §6.1.2-2: 9/8 of the larger RTT, a millisecond at least. */
START_TEST(the_loss_delay_is_nine_eighths_of_the_larger_rtt) {
    leat_rtt rtt = with_first_sample(80 * MS);
    ck_assert_uint_eq(leat_rtt_loss_delay(&rtt, LEAT_TIME_THRESHOLD_EIGHTHS), 90 * MS);
    leat_rtt_on_sample(&rtt, 160 * MS, 0, 0, true, NOW);
    ck_assert_uint_eq(leat_rtt_loss_delay(&rtt, LEAT_TIME_THRESHOLD_EIGHTHS), 180 * MS);
    rtt = with_first_sample(1);
    ck_assert_uint_eq(leat_rtt_loss_delay(&rtt, LEAT_TIME_THRESHOLD_EIGHTHS), MS);
}
END_TEST

/* TEST RFC 9002 §5.2-3 */
START_TEST(after_persistent_congestion_min_rtt_is_the_newest_sample) {
    leat_rtt rtt = with_first_sample(50 * MS);
    leat_rtt_on_sample(&rtt, 200 * MS, 0, 0, true, NOW);
    leat_rtt_on_persistent_congestion(&rtt);
    ck_assert_uint_eq(rtt.min_rtt, 200 * MS);
}
END_TEST

/* D6: no value of sample and delay overflows anything. */
START_TEST(extreme_samples_and_delays_saturate) {
    static const leat_time extremes[] = {
        0, 1, LEAT_TIME_NEVER / 2, LEAT_TIME_NEVER - 1, LEAT_TIME_NEVER};
    for (size_t i = 0; i < 5; i++) {
        for (size_t k = 0; k < 5; k++) {
            leat_rtt rtt;
            leat_rtt_init(&rtt, extremes[i]);
            for (size_t times = 0; times < 10; times++) {
                leat_rtt_on_sample(
                    &rtt, extremes[i], extremes[k], extremes[k], times % 2 == 0, NOW);
                leat_rtt_on_sample(
                    &rtt, extremes[k], extremes[i], extremes[i], times % 2 == 0, NOW);
            }
            ck_assert_uint_le(rtt.smoothed_rtt, LEAT_RTT_MAX);
            ck_assert_uint_le(rtt.rttvar, LEAT_RTT_MAX);
            ck_assert_uint_ge(leat_rtt_loss_delay(&rtt, LEAT_TIME_THRESHOLD_EIGHTHS), MS);
            ck_assert_uint_ge(leat_rtt_pto_base(&rtt), MS);
        }
    }
}
END_TEST

START_TEST(time_arithmetic_stops_at_its_ends) {
    ck_assert_uint_eq(leat_time_add(LEAT_TIME_NEVER, 1), LEAT_TIME_NEVER);
    ck_assert_uint_eq(leat_time_add(5, 6), 11);
    ck_assert_uint_eq(leat_time_sub(5, 6), 0);
    ck_assert_uint_eq(leat_time_multiply(LEAT_TIME_NEVER / 2, 3), LEAT_TIME_NEVER);
    ck_assert_uint_eq(leat_time_multiply(7, 0), 0);
    ck_assert_uint_eq(leat_time_multiply(7, 6), 42);
}
END_TEST

LEAT_TEST_MAIN("quic/recovery rtt", before_a_sample_the_rtt_is_333_ms_with_half_of_it_as_variation,
    the_first_sample_sets_min_smoothed_and_half_as_variation,
    later_samples_are_weighted_by_an_eighth_and_a_quarter,
    min_rtt_is_the_least_sample_without_the_delay, the_delay_of_the_peer_is_subtracted,
    a_delay_above_max_ack_delay_is_capped_after_confirmation,
    before_confirmation_the_whole_delay_is_subtracted,
    a_delay_that_would_go_below_min_rtt_is_ignored, the_pto_has_at_least_the_granularity,
    the_loss_delay_is_nine_eighths_of_the_larger_rtt,
    after_persistent_congestion_min_rtt_is_the_newest_sample, extreme_samples_and_delays_saturate,
    time_arithmetic_stops_at_its_ends)
