/*
 * Loss detection: packet threshold, time threshold, persistent congestion. RFC 9002 §6.1 and §7.6.
 */
#include "sender.h"

#include <leat/quic.h>

/* TEST RFC 9002 §6.1.1-1: three later packets acknowledged. */
START_TEST(a_packet_is_lost_when_one_three_higher_is_acknowledged) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_many(&s, APP, 0, 3);
    s.now += 10 * MS;
    sender_ack(&s, APP, 2, 2);
    sender_expect(&s, "acked 2:2");
    sender_ack(&s, APP, 3, 3);
    sender_expect(&s, "acked 2:3 lost 2:0");
    sender_tear_down(&s);
}
END_TEST

START_TEST(packets_above_the_largest_acknowledged_are_never_lost) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_many(&s, APP, 0, 9);
    s.now += 10 * MS;
    sender_ack(&s, APP, 0, 0);
    s.now += 10000 * MS;
    sender_ack(&s, APP, 1, 1);
    sender_expect(&s, "acked 2:0 acked 2:1");
    sender_tear_down(&s);
}
END_TEST

/*
 * TEST RFC 9002 §6.1.2-1, §6.1.2-3: 9/8 of the RTT after it was sent; a timer runs for the rest.
 * RTT 80 ms: 90 ms.
 */
START_TEST(a_packet_is_lost_nine_eighths_of_an_rtt_after_it_was_sent) {
    sender s;
    sender_set_up(&s, NULL);
    sender_measure_rtt(&s, 0, 80 * MS);
    leat_time sent = s.now;
    sender_send_many(&s, APP, 1, 2);
    s.now = sent + 80 * MS;
    sender_ack(&s, APP, 2, 2);
    sender_expect(&s, "acked 2:2");
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), sent + 90 * MS);
    s.now = sent + 90 * MS - 1;
    ck_assert_int_eq(sender_timeout(&s).kind, LEAT_TIMEOUT_NONE);
    s.now = sent + 90 * MS;
    ck_assert_int_eq(sender_timeout(&s).kind, LEAT_TIMEOUT_LOSS);
    sender_expect(&s, "lost 2:1");
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), LEAT_TIME_NEVER);
    sender_tear_down(&s);
}
END_TEST

START_TEST(loss_times_are_kept_for_each_space) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_many(&s, INITIAL, 0, 1);
    sender_send_many(&s, HANDSHAKE, 0, 1);
    s.now += 80 * MS;
    sender_ack(&s, INITIAL, 1, 1);
    ck_assert_uint_ne(s.recovery.spaces[INITIAL].loss_time, LEAT_TIME_NEVER);
    ck_assert_uint_eq(s.recovery.spaces[HANDSHAKE].loss_time, LEAT_TIME_NEVER);
    s.now = leat_recovery_get_timer(&s.recovery);
    leat_timeout timeout = sender_timeout(&s);
    ck_assert_int_eq(timeout.kind, LEAT_TIMEOUT_LOSS);
    ck_assert_int_eq(timeout.space, INITIAL);
    sender_expect(&s, "acked 0:1 lost 0:0");
    sender_tear_down(&s);
}
END_TEST

START_TEST(lost_packets_leave_the_flight) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_many(&s, APP, 0, 4);
    ck_assert_uint_eq(s.path.bytes_in_flight, 5 * MTU);
    s.now += 10 * MS;
    sender_ack(&s, APP, 4, 4);
    sender_expect(&s, "acked 2:4 lost 2:0 lost 2:1");
    ck_assert_uint_eq(s.path.bytes_in_flight, 2 * MTU);
    sender_tear_down(&s);
}
END_TEST

START_TEST(a_packet_acknowledged_after_its_loss_changes_nothing) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_many(&s, APP, 0, 4);
    s.now += 10 * MS;
    sender_ack(&s, APP, 4, 4);
    sender_expect(&s, "acked 2:4 lost 2:0 lost 2:1");
    uint64_t in_flight = s.path.bytes_in_flight;
    ck_assert_uint_eq(sender_ack(&s, APP, 0, 1), 0);
    sender_expect(&s, "");
    ck_assert_uint_eq(s.path.bytes_in_flight, in_flight);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9000 §14.4: a lost MTU probe is no sign of congestion. */
START_TEST(a_lost_mtu_probe_leaves_the_window_alone) {
    sender s;
    sender_set_up(&s, NULL);
    sender_measure_rtt(&s, 0, 50 * MS);
    uint64_t window = sender_window(&s);
    leat_frame_records records = {NULL, NULL};
    leat_sent_info probe = {.pn = 1,
        .time_sent = s.now,
        .sent_bytes = 1400,
        .ack_eliciting = true,
        .in_flight = true,
        .is_mtu_probe = true,
        .path = &s.path};
    leat_recovery_on_packet_sent(&s.recovery, APP, &probe, &records);
    leat_recovery_set_app_limited(&s.path, true);
    sender_send_many(&s, APP, 2, 4);
    s.now += 50 * MS;
    sender_ack(&s, APP, 2, 4);
    sender_expect(&s, "acked 2:2 acked 2:3 acked 2:4 lost 2:1");
    ck_assert_uint_eq(sender_window(&s), window);
    ck_assert_uint_eq(s.path.bytes_in_flight, 0);
    sender_tear_down(&s);
}
END_TEST

/*
 * Persistent congestion. After one sample of 100 ms: smoothed 100, rttvar 50; (100 + 200 + 25) * 3
 * = 975 ms. The RTT does not change in between because nothing else is acknowledged until the end.
 */
static void lose_over(sender *s, leat_time span, bool acknowledge_one_between) {
    sender_set_up(s, NULL);
    sender_measure_rtt(s, 0, 100 * MS);
    s->now += MS; /* after the first sample */
    leat_time first = s->now;
    sender_send(s, APP, 1);
    s->now = first + span / 2;
    sender_send(s, APP, 2);
    s->now = first + span;
    sender_send(s, APP, 3);
    sender_send_many(s, APP, 4, 6);
    s->now += 100 * MS;
    if (acknowledge_one_between) {
        leat_range ranges[] = {{6, 7}, {2, 3}};
        leat_ack_info ack = {.ranges = ranges, .count = 2};
        leat_recovery_on_ack_received(&s->recovery, APP, &ack, s->now, &s->hooks);
    } else {
        sender_ack(s, APP, 6, 6);
    }
}

/*
 * The sample of the final ACK is 100 ms again: smoothed stays 100, rttvar becomes 37.5: (100 + 150
 * + 25) * 3 = 825.
 */
#define PERSISTENT (825 * MS)

/* TEST RFC 9002 §7.6.2-4: the window falls to two datagrams. */
START_TEST(losses_over_more_than_three_ptos_are_persistent_congestion) {
    sender s;
    lose_over(&s, PERSISTENT + 1, false);
    sender_expect(&s, "acked 2:6 lost 2:1 lost 2:2 lost 2:3");
    ck_assert_uint_eq(sender_window(&s), 2 * MTU);
    ck_assert_uint_eq(s.recovery.stats.persistent_congestions, 1);
    sender_tear_down(&s);
}
END_TEST

START_TEST(losses_over_exactly_three_ptos_are_not) {
    sender s;
    lose_over(&s, PERSISTENT, false);
    ck_assert_uint_gt(sender_window(&s), 2 * MTU);
    ck_assert_uint_eq(s.recovery.stats.persistent_congestions, 0);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §7.6.2: no packet between them was acknowledged. */
START_TEST(an_acknowledged_packet_between_ends_the_run_of_losses) {
    sender s;
    lose_over(&s, PERSISTENT + 1, true);
    ck_assert_uint_eq(s.recovery.stats.persistent_congestions, 0);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §7.6.2-2: not before the RTT is known. */
START_TEST(losses_before_the_first_sample_are_not_persistent_congestion) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send(&s, APP, 0);
    s.now += 5000 * MS;
    sender_send_many(&s, APP, 1, 4);
    s.now += 10 * MS;
    sender_ack(&s, APP, 4, 4);
    sender_expect(&s, "acked 2:4 lost 2:0 lost 2:1");
    ck_assert_uint_eq(s.recovery.stats.persistent_congestions, 0);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §7.6.2-1: packets that ask for no ACK do not stretch the run. */
START_TEST(packets_that_elicit_nothing_do_not_make_congestion_persistent) {
    sender s;
    sender_set_up(&s, NULL);
    sender_measure_rtt(&s, 0, 100 * MS);
    s.now += MS;
    sender_send(&s, APP, 1);
    s.now += 2 * PERSISTENT;
    sender_send_plain(&s, APP, 2);
    sender_send_many(&s, APP, 3, 5);
    s.now += 100 * MS;
    sender_ack(&s, APP, 3, 5);
    sender_expect(&s, "acked 2:3 acked 2:4 acked 2:5 lost 2:1 lost 2:2");
    ck_assert_uint_eq(s.recovery.stats.persistent_congestions, 0);
    sender_tear_down(&s);
}
END_TEST

LEAT_TEST_MAIN("quic/recovery loss", a_packet_is_lost_when_one_three_higher_is_acknowledged,
    packets_above_the_largest_acknowledged_are_never_lost,
    a_packet_is_lost_nine_eighths_of_an_rtt_after_it_was_sent, loss_times_are_kept_for_each_space,
    lost_packets_leave_the_flight, a_packet_acknowledged_after_its_loss_changes_nothing,
    a_lost_mtu_probe_leaves_the_window_alone,
    losses_over_more_than_three_ptos_are_persistent_congestion,
    losses_over_exactly_three_ptos_are_not, an_acknowledged_packet_between_ends_the_run_of_losses,
    losses_before_the_first_sample_are_not_persistent_congestion,
    packets_that_elicit_nothing_do_not_make_congestion_persistent)
