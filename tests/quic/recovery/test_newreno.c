/*
 * NewReno and what all controllers share: newreno.c and congestion.c, RFC 9002 §7
 * and appendix B.
 */
#include "leat_test.h"
#include "quic/recovery/congestion.h"

#define MS LEAT_MILLISECOND
#define MTU 1200

static leat_congestion make(void) {
    leat_congestion congestion;
    ck_assert_int_eq(leat_congestion_init(&congestion, &leat_newreno, NULL, MTU), LEAT_OK);
    return congestion;
}

static void acked(
    leat_congestion *congestion, leat_time time_sent, uint32_t bytes, bool is_app_limited) {
    leat_congestion_packet packet = {.time_sent = time_sent, .bytes = bytes};
    leat_congestion_ack ack = {
        .packet = &packet, .is_app_limited = is_app_limited, .now = time_sent + 10 * MS};
    congestion->ops->on_acked(congestion->state, &ack);
}

static void lost(leat_congestion *congestion, leat_time time_sent, leat_time now) {
    leat_congestion_event event = {.time_sent = time_sent, .lost_bytes = MTU, .now = now};
    congestion->ops->on_congestion_event(congestion->state, &event);
}

/* TEST RFC 9002 §7.2-1: ten datagrams, at most the larger of 14720 bytes and two datagrams. */
START_TEST(the_initial_window_is_ten_datagrams_up_to_14720_bytes) {
    ck_assert_uint_eq(leat_initial_window(1200), 12000);
    ck_assert_uint_eq(leat_initial_window(1472), 14720);
    ck_assert_uint_eq(leat_initial_window(1500), 14720);
    ck_assert_uint_eq(leat_initial_window(9000), 18000);
    leat_congestion congestion = make();
    ck_assert_uint_eq(leat_congestion_window(&congestion), 12000);
    leat_congestion_clear(&congestion);
}
END_TEST

/* TEST RFC 9002 §7.2-4 */
START_TEST(the_minimum_window_is_two_datagrams) {
    ck_assert_uint_eq(leat_minimum_window(1200), 2400);
}
END_TEST

START_TEST(slow_start_grows_by_the_bytes_acknowledged) {
    leat_congestion congestion = make();
    ck_assert_str_eq(leat_congestion_state_name(&congestion), "slow_start");
    acked(&congestion, 0, 1000, false);
    ck_assert_uint_eq(leat_congestion_window(&congestion), 13000);
    leat_congestion_clear(&congestion);
}
END_TEST

/* TEST RFC 9002 §7.3.2-1, §7.3.2-2: half the window, which is the threshold too. */
START_TEST(a_loss_halves_the_window) {
    leat_congestion congestion = make();
    lost(&congestion, 5 * MS, 10 * MS);
    ck_assert_uint_eq(leat_congestion_window(&congestion), 6000);
    ck_assert_uint_eq(congestion.ops->slow_start_threshold(congestion.state), 6000);
    ck_assert_str_eq(leat_congestion_state_name(&congestion), "recovery");
    leat_congestion_clear(&congestion);
}
END_TEST

/* TEST RFC 9002 §7.3.2: one reduction for all packets sent before the recovery period began. */
START_TEST(losses_of_the_same_round_trip_count_once) {
    leat_congestion congestion = make();
    lost(&congestion, 5 * MS, 10 * MS);
    lost(&congestion, 10 * MS, 12 * MS);
    ck_assert_uint_eq(leat_congestion_window(&congestion), 6000);
    lost(&congestion, 11 * MS, 20 * MS);
    ck_assert_uint_eq(leat_congestion_window(&congestion), 3000);
    leat_congestion_clear(&congestion);
}
END_TEST

START_TEST(the_window_never_falls_below_the_minimum) {
    leat_congestion congestion = make();
    for (leat_time i = 1; i < 20; i++) {
        lost(&congestion, i * 10 * MS, i * 10 * MS);
    }
    ck_assert_uint_eq(leat_congestion_window(&congestion), 2400);
    leat_congestion_clear(&congestion);
}
END_TEST

START_TEST(packets_sent_before_recovery_do_not_grow_the_window) {
    leat_congestion congestion = make();
    lost(&congestion, 5 * MS, 10 * MS);
    acked(&congestion, 10 * MS, MTU, false);
    ck_assert_uint_eq(leat_congestion_window(&congestion), 6000);
    ck_assert_str_eq(leat_congestion_state_name(&congestion), "recovery");
    acked(&congestion, 11 * MS, MTU, false);
    ck_assert_str_eq(leat_congestion_state_name(&congestion), "congestion_avoidance");
    leat_congestion_clear(&congestion);
}
END_TEST

/* TEST RFC 9002 §7.3.3-1: one datagram per window acknowledged. */
START_TEST(congestion_avoidance_adds_one_datagram_per_window) {
    leat_congestion congestion = make();
    lost(&congestion, 5 * MS, 10 * MS);
    for (unsigned i = 0; i < 4; i++) {
        acked(&congestion, 20 * MS, MTU, false);
        ck_assert_uint_eq(leat_congestion_window(&congestion), 6000);
    }
    acked(&congestion, 20 * MS, MTU, false);
    ck_assert_uint_eq(leat_congestion_window(&congestion), 6000 + MTU);
    leat_congestion_clear(&congestion);
}
END_TEST

/* TEST RFC 9002 §7.8-1 */
START_TEST(an_unused_window_does_not_grow) {
    leat_congestion congestion = make();
    acked(&congestion, 0, MTU, true);
    ck_assert_uint_eq(leat_congestion_window(&congestion), 12000);
    leat_congestion_clear(&congestion);
}
END_TEST

/* TEST RFC 9002 §7.6.2-4 */
START_TEST(persistent_congestion_leaves_two_datagrams_and_starts_slowly) {
    leat_congestion congestion = make();
    lost(&congestion, 5 * MS, 10 * MS);
    congestion.ops->on_persistent_congestion(congestion.state);
    ck_assert_uint_eq(leat_congestion_window(&congestion), 2400);
    ck_assert_str_eq(leat_congestion_state_name(&congestion), "slow_start");
    acked(&congestion, 6 * MS, MTU, false);
    ck_assert_uint_eq(leat_congestion_window(&congestion), 3600);
    leat_congestion_clear(&congestion);
}
END_TEST

/*
 * TEST RFC 9002 §7.2-2: the initial window follows the datagram size as long as it is the initial
 * one.
 */
START_TEST(another_datagram_size_recalculates_only_an_initial_window) {
    leat_congestion congestion = make();
    congestion.ops->on_datagram_size(congestion.state, 1400);
    ck_assert_uint_eq(leat_congestion_window(&congestion), 14000);
    acked(&congestion, 0, 1000, false);
    congestion.ops->on_datagram_size(congestion.state, 1200);
    ck_assert_uint_eq(leat_congestion_window(&congestion), 15000);
    congestion.ops->on_datagram_size(congestion.state, 9000);
    ck_assert_uint_eq(leat_congestion_window(&congestion), 18000);
    leat_congestion_clear(&congestion);
}
END_TEST

START_TEST(controllers_are_found_by_name_and_none_is_the_default) {
    ck_assert_ptr_eq(leat_congestion_find("newreno"), &leat_newreno);
    ck_assert_ptr_eq(leat_congestion_find(NULL), &leat_cubic);
    ck_assert_ptr_eq(leat_congestion_find("cubic"), &leat_cubic);
    ck_assert_ptr_null(leat_congestion_find("no such controller"));
}
END_TEST

START_TEST(without_memory_there_is_no_controller) {
    test_memory memory;
    test_memory_init(&memory);
    memory.fail_at = 1;
    leat_congestion congestion;
    ck_assert_int_eq(
        leat_congestion_init(&congestion, &leat_newreno, &memory.allocator, MTU), LEAT_ERR_NOMEM);
    leat_congestion_clear(&congestion);
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

LEAT_TEST_MAIN("quic/recovery newreno", the_initial_window_is_ten_datagrams_up_to_14720_bytes,
    the_minimum_window_is_two_datagrams, slow_start_grows_by_the_bytes_acknowledged,
    a_loss_halves_the_window, losses_of_the_same_round_trip_count_once,
    the_window_never_falls_below_the_minimum, packets_sent_before_recovery_do_not_grow_the_window,
    congestion_avoidance_adds_one_datagram_per_window, an_unused_window_does_not_grow,
    persistent_congestion_leaves_two_datagrams_and_starts_slowly,
    another_datagram_size_recalculates_only_an_initial_window,
    controllers_are_found_by_name_and_none_is_the_default, without_memory_there_is_no_controller)
