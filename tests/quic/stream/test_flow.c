/* Flow control counters: quic/stream/flow.c, RFC 9000 §4. */
#include "leat_test.h"
#include "quic/stream/flow.h"

static leat_flow make(uint64_t send_max, uint64_t window) {
    leat_flow flow;
    leat_flow_init(&flow, send_max, window, LEAT_VARINT_MAX);
    return flow;
}

START_TEST(credit_is_the_limit_less_what_was_sent) {
    leat_flow flow = make(1000, 0);
    leat_flow_on_sent(&flow, 400);
    ck_assert_uint_eq(leat_flow_send_credit(&flow), 600);
}
END_TEST

/* TEST RFC 9000 §4.1-3: a lower or equal limit is ignored. */
START_TEST(a_limit_that_does_not_rise_is_ignored) {
    leat_flow flow = make(1000, 0);
    ck_assert(!leat_flow_on_limit(&flow, 999));
    ck_assert(!leat_flow_on_limit(&flow, 1000));
    ck_assert_uint_eq(flow.send_max, 1000);
    ck_assert(leat_flow_on_limit(&flow, 1001));
    ck_assert_uint_eq(flow.send_max, 1001);
}
END_TEST

START_TEST(no_limit_passes_the_ceiling) {
    leat_flow flow = make(0, 0);
    leat_flow_on_limit(&flow, UINT64_MAX);
    ck_assert_uint_eq(flow.send_max, LEAT_VARINT_MAX);
}
END_TEST

/* TEST RFC 9000 §4.1-4: blocked is reported once for each limit. */
START_TEST(blocked_is_wanted_once_per_limit) {
    leat_flow flow = make(10, 0);
    ck_assert(!leat_flow_wants_blocked(&flow));
    leat_flow_on_sent(&flow, 10);
    ck_assert(leat_flow_wants_blocked(&flow));
    leat_flow_on_blocked_sent(&flow);
    ck_assert(!leat_flow_wants_blocked(&flow));
    leat_flow_on_limit(&flow, 20);
    leat_flow_on_sent(&flow, 10);
    ck_assert(leat_flow_wants_blocked(&flow));
}
END_TEST

START_TEST(a_lost_blocked_frame_is_wanted_again_only_for_the_same_limit) {
    leat_flow flow = make(10, 0);
    leat_flow_on_sent(&flow, 10);
    leat_flow_on_blocked_sent(&flow);
    leat_flow_on_blocked_lost(&flow, 5);
    ck_assert(!leat_flow_wants_blocked(&flow));
    leat_flow_on_blocked_lost(&flow, 10);
    ck_assert(leat_flow_wants_blocked(&flow));
}
END_TEST

START_TEST(blocked_at_zero_is_reported_too) {
    leat_flow flow = make(0, 0);
    ck_assert(leat_flow_wants_blocked(&flow));
}
END_TEST

/* TEST RFC 9000 §4.1-2: one byte above the limit cannot be received. */
START_TEST(the_peer_may_use_all_of_the_window_and_not_a_byte_more) {
    leat_flow flow = make(0, 100);
    ck_assert(leat_flow_can_receive(&flow, 100));
    ck_assert(!leat_flow_can_receive(&flow, 101));
    leat_flow_on_received(&flow, 60);
    ck_assert(leat_flow_can_receive(&flow, 40));
    ck_assert(!leat_flow_can_receive(&flow, 41));
    ck_assert(!leat_flow_can_receive(&flow, UINT64_MAX));
}
END_TEST

/*
 * TEST RFC 9000 §4.2-1: credit comes without being asked for, when half of the window is consumed.
 */
START_TEST(an_update_is_wanted_when_half_of_the_window_is_consumed) {
    leat_flow flow = make(0, 100);
    leat_flow_on_received(&flow, 100);
    leat_flow_on_consumed(&flow, 49);
    ck_assert(!leat_flow_wants_update(&flow));
    leat_flow_on_consumed(&flow, 1);
    ck_assert(leat_flow_wants_update(&flow));
    ck_assert_uint_eq(leat_flow_update(&flow), 150);
    ck_assert(!leat_flow_wants_update(&flow));
}
END_TEST

/* V4, E11: received bytes that nobody consumed earn no credit. */
START_TEST(received_but_unread_bytes_raise_no_limit) {
    leat_flow flow = make(0, 100);
    leat_flow_on_received(&flow, 100);
    ck_assert(!leat_flow_wants_update(&flow));
    ck_assert_uint_eq(leat_flow_update(&flow), 100);
}
END_TEST

START_TEST(a_window_of_zero_wants_no_update) {
    leat_flow flow = make(0, 0);
    ck_assert(!leat_flow_wants_update(&flow));
}
END_TEST

START_TEST(a_window_of_one_is_updated_after_each_byte) {
    leat_flow flow = make(0, 1);
    ck_assert(!leat_flow_wants_update(&flow));
    leat_flow_on_received(&flow, 1);
    leat_flow_on_consumed(&flow, 1);
    ck_assert(leat_flow_wants_update(&flow));
    ck_assert_uint_eq(leat_flow_update(&flow), 2);
}
END_TEST

START_TEST(a_lost_update_is_sent_again_if_it_is_the_newest) {
    leat_flow flow = make(0, 100);
    leat_flow_on_update_lost(&flow, 50);
    ck_assert(!leat_flow_wants_update(&flow));
    leat_flow_on_update_lost(&flow, 100);
    ck_assert(leat_flow_wants_update(&flow));
    ck_assert_uint_eq(leat_flow_update(&flow), 100);
    ck_assert(!leat_flow_wants_update(&flow));
}
END_TEST

/* E10: the promised limit neither wraps near 2^62 nor falls when the window shrinks. */
START_TEST(the_promised_limit_never_regresses_and_never_wraps) {
    leat_flow flow = make(0, 100);
    leat_flow_on_received(&flow, 100);
    leat_flow_on_consumed(&flow, 100);
    leat_flow_set_window(&flow, 10);
    ck_assert_uint_eq(leat_flow_update(&flow), 110);
    leat_flow_set_window(&flow, 1);
    ck_assert_uint_eq(leat_flow_update(&flow), 110);
    leat_flow_set_window(&flow, UINT64_MAX);
    ck_assert_uint_eq(leat_flow_update(&flow), LEAT_VARINT_MAX);
    ck_assert(!leat_flow_wants_update(&flow));
}
END_TEST

START_TEST(no_more_is_consumed_than_received) {
    leat_flow flow = make(0, 100);
    leat_flow_on_received(&flow, 10);
    leat_flow_on_consumed(&flow, UINT64_MAX);
    ck_assert_uint_eq(flow.consumed, 10);
}
END_TEST

/* ---- windows that grow ----------------------------------------------------------------------- */

static void use(leat_flow *flow, uint64_t count) {
    leat_flow_on_received(flow, count);
    leat_flow_on_consumed(flow, count);
}

START_TEST(a_window_used_up_in_time_doubles_up_to_its_bound) {
    leat_flow flow = make(0, 1000);
    leat_time now = LEAT_SECOND;
    leat_flow_tune(&flow, now, 100, 3500); /* begins to measure */
    use(&flow, 999);
    ck_assert(!leat_flow_tune(&flow, now + 99, 100, 3500));
    use(&flow, 1);
    ck_assert(leat_flow_tune(&flow, now + 100, 100, 3500));
    ck_assert_uint_eq(flow.window, 2000);
    leat_flow_update(&flow);
    use(&flow, 2000);
    ck_assert(leat_flow_tune(&flow, now + 150, 100, 3500));
    ck_assert_uint_eq(flow.window, 3500);
    leat_flow_update(&flow);
    use(&flow, 3500);
    ck_assert(!leat_flow_tune(&flow, now + 160, 100, 3500));
    ck_assert_uint_eq(flow.window, 3500);
}
END_TEST

START_TEST(a_slow_application_keeps_its_window) {
    leat_flow flow = make(0, 1000);
    for (leat_time now = LEAT_SECOND; now < LEAT_SECOND + 5000; now += 30) {
        use(&flow, 200); /* 800 in the period */
        ck_assert(!leat_flow_tune(&flow, now, 120, 9000));
        leat_flow_update(&flow);
    }
    ck_assert_uint_eq(flow.window, 1000);
}
END_TEST

LEAT_TEST_MAIN("quic/stream flow", credit_is_the_limit_less_what_was_sent,
    a_limit_that_does_not_rise_is_ignored, no_limit_passes_the_ceiling,
    blocked_is_wanted_once_per_limit, a_lost_blocked_frame_is_wanted_again_only_for_the_same_limit,
    blocked_at_zero_is_reported_too, the_peer_may_use_all_of_the_window_and_not_a_byte_more,
    an_update_is_wanted_when_half_of_the_window_is_consumed,
    received_but_unread_bytes_raise_no_limit, a_window_of_zero_wants_no_update,
    a_window_of_one_is_updated_after_each_byte, a_lost_update_is_sent_again_if_it_is_the_newest,
    the_promised_limit_never_regresses_and_never_wraps, no_more_is_consumed_than_received,
    a_window_used_up_in_time_doubles_up_to_its_bound, a_slow_application_keeps_its_window)
