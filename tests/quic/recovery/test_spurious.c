/* Late ACKs of packets declared lost: patience grows, reductions are undone. spurious.c. */
#include "sender.h"

/* Ten packets, the RTT is known, and packets `first` to `last` are overtaken by the others. */
static void lose_some(sender *s, uint64_t first, uint64_t last) {
    sender_measure_rtt(s, 0, 100 * MS);
    sender_send_many(s, APP, 1, 10);
    s->now += 100 * MS;
    sender_ack(s, APP, last + 1, 10);
    ck_assert_uint_eq(s->recovery.stats.packets_lost, last - first + 1);
    s->verdicts[0] = '\0';
}

START_TEST(when_all_losses_were_acknowledged_late_the_reduction_is_undone) {
    static const leat_congestion_ops *const controllers[] = {&leat_newreno, &leat_cubic};
    for (size_t i = 0; i < 2; i++) {
        sender s;
        sender_set_up_with(&s, controllers[i], NULL);
        lose_some(&s, 1, 2);
        uint64_t reduced = sender_window(&s);
        s.now += 5 * MS;
        sender_ack(&s, APP, 2, 10);
        ck_assert_uint_eq(sender_window(&s), reduced);
        sender_ack(&s, APP, 1, 10);
        ck_assert_uint_gt(sender_window(&s), 11 * MTU);
        ck_assert_uint_eq(s.recovery.stats.spurious_losses, 2);
        ck_assert_uint_eq(s.path.bytes_in_flight, 0);
        sender_expect(&s, "");
        sender_tear_down(&s);
    }
}
END_TEST

START_TEST(a_repeated_late_ack_counts_once) {
    sender s;
    sender_set_up(&s, NULL);
    lose_some(&s, 1, 2);
    uint64_t reduced = sender_window(&s);
    sender_ack(&s, APP, 2, 10);
    sender_ack(&s, APP, 2, 10);
    ck_assert_uint_eq(sender_window(&s), reduced);
    ck_assert_uint_eq(s.recovery.stats.spurious_losses, 1);
    sender_tear_down(&s);
}
END_TEST

/* One loss of the period was real, though declared later. */
START_TEST(a_loss_of_the_same_period_that_stays_lost_keeps_the_reduction) {
    sender s;
    sender_set_up(&s, NULL);
    sender_measure_rtt(&s, 0, 100 * MS);
    sender_send_many(&s, APP, 1, 10);
    s.now += 100 * MS;
    sender_ack(&s, APP, 2, 6); /* loses 1 */
    uint64_t reduced = sender_window(&s);
    s.now += MS;
    leat_range ranges[] = {{9, 11}, {2, 7}};
    leat_ack_info ack = {.ranges = ranges, .count = 2};
    leat_recovery_on_ack_received(&s.recovery, APP, &ack, s.now, &s.hooks); /* loses 7 */
    sender_ack(&s, APP, 1, 1);
    ck_assert_uint_eq(sender_window(&s), reduced);
    sender_tear_down(&s);
}
END_TEST

START_TEST(other_evidence_of_congestion_keeps_the_reduction) {
    sender s;
    sender_set_up(&s, NULL);
    lose_some(&s, 1, 2);
    uint64_t reduced = sender_window(&s);
    leat_spurious_on_evidence(&s.path, s.now - 100 * MS, s.now);
    sender_ack(&s, APP, 1, 10);
    ck_assert_uint_eq(sender_window(&s), reduced);
    sender_tear_down(&s);
}
END_TEST

START_TEST(after_an_undo_the_next_loss_reduces_again) {
    sender s;
    sender_set_up(&s, NULL);
    lose_some(&s, 1, 2);
    sender_ack(&s, APP, 1, 10);
    uint64_t restored = sender_window(&s);
    sender_send_many(&s, APP, 11, 30);
    s.now += 100 * MS;
    sender_ack(&s, APP, 30, 30);
    ck_assert_uint_eq(sender_window(&s), (restored + MTU) / 2);
    sender_tear_down(&s);
}
END_TEST

START_TEST(an_old_loss_explained_does_not_undo_a_newer_reduction) {
    sender s;
    sender_set_up(&s, NULL);
    lose_some(&s, 1, 1);
    s.now += MS;
    sender_send_many(&s, APP, 11, 20);
    s.now += 100 * MS;
    sender_ack(&s, APP, 12, 20);
    uint64_t reduced = sender_window(&s);
    sender_ack(&s, APP, 1, 1);
    ck_assert_uint_eq(sender_window(&s), reduced);
    sender_tear_down(&s);
}
END_TEST

/* 9 to 39 stay lost; 41 to 52, lost in the same period, were only late. */
START_TEST(a_period_that_follows_an_undo_covers_all_its_losses) {
    sender s;
    sender_set_up(&s, NULL);
    sender_measure_rtt(&s, 0, 100 * MS);
    sender_send_many(&s, APP, 1, 40);
    s.now += 100 * MS;
    sender_ack(&s, APP, 4, 8);
    sender_ack(&s, APP, 1, 3);
    s.now += MS;
    sender_send_many(&s, APP, 41, 60);
    s.now += 9 * MS;
    sender_ack(&s, APP, 40, 40);
    uint64_t reduced = sender_window(&s);
    s.now += MS;
    sender_ack(&s, APP, 60, 60);
    sender_ack(&s, APP, 41, 52);
    ck_assert_uint_eq(s.recovery.stats.spurious_losses, 3 + 12);
    ck_assert_uint_eq(sender_window(&s), reduced);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §6.1.1: 10 was acknowledged before 1, so that a threshold of 10 would have held. */
START_TEST(the_packet_threshold_grows_to_what_would_have_held) {
    sender s;
    sender_set_up(&s, NULL);
    lose_some(&s, 1, 2);
    ck_assert_uint_eq(s.path.reordering.packet_threshold, 3);
    sender_ack(&s, APP, 1, 10);
    ck_assert_uint_eq(s.path.reordering.packet_threshold, 10);
    sender_send_many(&s, APP, 11, 21);
    s.now += 50 * MS;
    sender_ack(&s, APP, 12, 20);
    sender_expect(&s,
        "acked 2:12 acked 2:13 acked 2:14 acked 2:15 acked 2:16 acked 2:17 acked 2:18 acked 2:19 "
        "acked 2:20");
    sender_ack(&s, APP, 21, 21);
    sender_expect(&s, "acked 2:21 lost 2:11");
    sender_tear_down(&s);
}
END_TEST

START_TEST(the_packet_threshold_has_a_bound) {
    sender s;
    sender_set_up(&s, NULL);
    sender_measure_rtt(&s, 0, 100 * MS);
    sender_send_many(&s, APP, 1, 1000);
    s.now += 100 * MS;
    sender_ack(&s, APP, 2, 1000);
    sender_ack(&s, APP, 1, 1);
    ck_assert_uint_eq(s.path.reordering.packet_threshold, LEAT_PACKET_THRESHOLD_MAX);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §6.1.2: kTimeThreshold grows by an eighth for each loss by time that was none. */
START_TEST(the_time_threshold_grows_and_has_a_bound) {
    sender s;
    sender_set_up(&s, NULL);
    sender_measure_rtt(&s, 0, 100 * MS);
    for (uint64_t pn = 1; pn < 30; pn += 2) {
        sender_send_many(&s, APP, pn, pn + 1);
        s.now += 100 * MS;
        sender_ack(&s, APP, pn + 1, pn + 1);
        leat_time due = leat_recovery_get_timer(&s.recovery);
        uint64_t eighths = s.path.reordering.time_threshold_eighths;
        ck_assert_uint_eq(due - s.now, 100 * MS * (eighths - 8) / 8);
        s.now = due;
        ck_assert_int_eq(sender_timeout(&s).kind, LEAT_TIMEOUT_LOSS);
        sender_ack(&s, APP, pn, pn);
        ck_assert_uint_eq(s.path.reordering.time_threshold_eighths,
            eighths < LEAT_TIME_THRESHOLD_EIGHTHS_MAX ? eighths + 1 : eighths);
    }
    ck_assert_uint_eq(s.path.reordering.packet_threshold, LEAT_PACKET_THRESHOLD);
    sender_tear_down(&s);
}
END_TEST

START_TEST(only_the_newest_lost_packets_are_remembered) {
    sender s;
    sender_set_up(&s, NULL);
    sender_measure_rtt(&s, 0, 100 * MS);
    sender_send_many(&s, APP, 1, 200);
    s.now += 100 * MS;
    sender_ack(&s, APP, 200, 200);
    uint64_t reduced = sender_window(&s);
    ck_assert_uint_eq(s.recovery.lost.count, LEAT_LOST_PACKETS_MAX);
    sender_ack(&s, APP, 1, 200);
    ck_assert_uint_eq(s.recovery.stats.spurious_losses, LEAT_LOST_PACKETS_MAX);
    ck_assert_uint_eq(sender_window(&s), reduced);
    ck_assert_uint_eq(s.recovery.lost.count, 0);
    sender_tear_down(&s);
}
END_TEST

START_TEST(lost_packets_are_forgotten_after_three_ptos_and_their_memory_goes_back) {
    test_memory memory;
    test_memory_init(&memory);
    sender s;
    sender_set_up(&s, &memory.allocator);
    lose_some(&s, 1, 2);
    size_t with = memory.live;
    s.now += 3 * leat_recovery_pto(&s.recovery) + 1;
    sender_ack(&s, APP, 10, 10);
    ck_assert_uint_eq(s.recovery.lost.count, 0);
    ck_assert_uint_lt(memory.live, with);
    sender_ack(&s, APP, 1, 10);
    ck_assert_uint_eq(s.recovery.stats.spurious_losses, 0);
    sender_tear_down(&s);
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

START_TEST(a_path_that_is_gone_is_not_told) {
    sender s;
    sender_set_up(&s, NULL);
    lose_some(&s, 1, 2);
    leat_recovery_path_clear(&s.recovery, &s.path);
    ck_assert_uint_eq(sender_ack(&s, APP, 1, 10), 0);
    ck_assert_uint_eq(s.recovery.stats.spurious_losses, 0);
    leat_recovery_clear(&s.recovery);
}
END_TEST

LEAT_TEST_MAIN("quic/recovery spurious losses",
    when_all_losses_were_acknowledged_late_the_reduction_is_undone,
    a_repeated_late_ack_counts_once,
    a_loss_of_the_same_period_that_stays_lost_keeps_the_reduction,
    other_evidence_of_congestion_keeps_the_reduction, after_an_undo_the_next_loss_reduces_again,
    an_old_loss_explained_does_not_undo_a_newer_reduction,
    a_period_that_follows_an_undo_covers_all_its_losses,
    the_packet_threshold_grows_to_what_would_have_held, the_packet_threshold_has_a_bound,
    the_time_threshold_grows_and_has_a_bound, only_the_newest_lost_packets_are_remembered,
    lost_packets_are_forgotten_after_three_ptos_and_their_memory_goes_back,
    a_path_that_is_gone_is_not_told)
