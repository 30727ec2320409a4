/* The token bucket: quic/recovery/pacer.c, RFC 9002 §7.7. */
#include "leat_test.h"
#include "quic/recovery/pacer.h"

#define MS LEAT_MILLISECOND
#define START (1000 * MS)

/* 1.25 * 80,000 bytes per 100 ms: a million bytes per second, 1000 per millisecond. */
static leat_pacer make_megabyte_per_second(void) {
    leat_pacer pacer;
    leat_pacer_init(&pacer, 1200);
    leat_pacer_set_window(&pacer, 80000, 100 * MS);
    ck_assert_uint_eq(pacer.rate, 1000000);
    return pacer;
}

/* TEST RFC 9002 §7.7-3: the first burst is the initial window. */
START_TEST(the_bucket_starts_with_one_burst) {
    leat_pacer pacer = make_megabyte_per_second();
    ck_assert_uint_eq(leat_pacer_allowance(&pacer, START), 12000);
}
END_TEST

/* TEST RFC 9002 §7.7-1 */
START_TEST(tokens_come_back_at_five_quarters_of_the_window_per_rtt) {
    leat_pacer pacer = make_megabyte_per_second();
    leat_pacer_on_sent(&pacer, 12000, START);
    ck_assert_uint_eq(leat_pacer_allowance(&pacer, START), 0);
    ck_assert_uint_eq(leat_pacer_allowance(&pacer, START + MS), 1000);
    ck_assert_uint_eq(leat_pacer_allowance(&pacer, START + 5 * MS), 5000);
}
END_TEST

START_TEST(the_bucket_holds_no_more_than_one_burst) {
    leat_pacer pacer = make_megabyte_per_second();
    leat_pacer_on_sent(&pacer, 12000, START);
    ck_assert_uint_eq(leat_pacer_allowance(&pacer, START + 1000 * MS), 12000);
}
END_TEST

START_TEST(the_next_time_is_when_the_tokens_are_there) {
    leat_pacer pacer = make_megabyte_per_second();
    ck_assert_uint_eq(leat_pacer_next_time(&pacer, 1200, START), START);
    leat_pacer_on_sent(&pacer, 12000, START);
    leat_time next = leat_pacer_next_time(&pacer, 1200, START);
    ck_assert_uint_ge(leat_pacer_allowance(&pacer, next), 1200);
    ck_assert_uint_lt(leat_pacer_allowance(&pacer, next - 2), 1200);
}
END_TEST

START_TEST(more_than_a_burst_is_waited_for_as_one_burst) {
    leat_pacer pacer = make_megabyte_per_second();
    leat_pacer_on_sent(&pacer, 12000, START);
    leat_time next = leat_pacer_next_time(&pacer, 1000000, START);
    ck_assert_uint_le(next, START + 12 * MS + 1);
}
END_TEST

/* Many small steps earn what one large step earns. */
START_TEST(fractions_of_bytes_are_not_lost_between_steps) {
    leat_pacer pacer = make_megabyte_per_second();
    leat_pacer_set_rate(&pacer, 999983);
    leat_pacer_on_sent(&pacer, 12000, START);
    uint64_t sent = 0;
    for (leat_time i = 1; i <= 1000000; i++) {
        leat_time now = START + i * LEAT_MICROSECOND;
        uint64_t allowance = leat_pacer_allowance(&pacer, now);
        leat_pacer_on_sent(&pacer, allowance, now);
        sent += allowance;
    }
    ck_assert_uint_ge(sent, 999982);
    ck_assert_uint_le(sent, 999983);
}
END_TEST

/* A gigabyte per second: a burst is a millisecond's worth, room for whole GSO trains. */
START_TEST(fast_paths_have_bursts_of_a_millisecond) {
    leat_pacer pacer = make_megabyte_per_second();
    leat_pacer_set_rate(&pacer, 1000000000);
    leat_pacer_on_sent(&pacer, 12000, START);
    ck_assert_uint_eq(leat_pacer_allowance(&pacer, START + 10 * MS), 1000000);
}
END_TEST

START_TEST(an_unknown_rtt_does_not_pace) {
    leat_pacer pacer;
    leat_pacer_init(&pacer, 1200);
    leat_pacer_set_window(&pacer, 12000, 0);
    leat_pacer_on_sent(&pacer, 1000000, START);
    ck_assert_uint_eq(leat_pacer_allowance(&pacer, START), UINT64_MAX);
    ck_assert_uint_eq(leat_pacer_next_time(&pacer, 1000000, START), START);
}
END_TEST

/* D6: a rate of nothing, windows and times at their ends. */
START_TEST(extreme_rates_and_times_neither_divide_by_zero_nor_wrap) {
    static const uint64_t extremes[] = {0, 1, 1000, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < 6; i++) {
        for (size_t k = 0; k < 6; k++) {
            leat_pacer pacer;
            leat_pacer_init(&pacer, 1200);
            leat_pacer_set_window(&pacer, extremes[i], extremes[k]);
            leat_pacer_on_sent(&pacer, extremes[k], extremes[i]);
            ck_assert_uint_ge(leat_pacer_next_time(&pacer, extremes[i], extremes[k]), extremes[k]);
            leat_pacer_set_rate(&pacer, extremes[k]);
            leat_pacer_on_sent(&pacer, extremes[i], extremes[k]);
            ck_assert_uint_ge(leat_pacer_next_time(&pacer, extremes[k], extremes[i]), extremes[i]);
        }
    }
}
END_TEST

START_TEST(a_clock_that_steps_back_earns_nothing) {
    leat_pacer pacer = make_megabyte_per_second();
    leat_pacer_on_sent(&pacer, 12000, START);
    ck_assert_uint_eq(leat_pacer_allowance(&pacer, START - 500 * MS), 0);
    leat_pacer_on_sent(&pacer, 0, START - 500 * MS);
    ck_assert_uint_eq(leat_pacer_allowance(&pacer, START + MS), 1000);
}
END_TEST

LEAT_TEST_MAIN("quic/recovery pacer", the_bucket_starts_with_one_burst,
    tokens_come_back_at_five_quarters_of_the_window_per_rtt,
    the_bucket_holds_no_more_than_one_burst, the_next_time_is_when_the_tokens_are_there,
    more_than_a_burst_is_waited_for_as_one_burst, fractions_of_bytes_are_not_lost_between_steps,
    fast_paths_have_bursts_of_a_millisecond, an_unknown_rtt_does_not_pace,
    extreme_rates_and_times_neither_divide_by_zero_nor_wrap, a_clock_that_steps_back_earns_nothing)
