/*
 * The face of the folder: ACKs judged, flights counted, paths and spaces that come and go.
 * quic/recovery/recovery.h.
 */
#include "sender.h"

#include <leat/quic.h>

/*
 * D1, TEST RFC 9000 §13.1-2: in each space, one above the largest and the largest number there is.
 */
START_TEST(an_ack_of_a_number_never_sent_is_a_protocol_violation) {
    for (unsigned space = 0; space < LEAT_SPACE_COUNT; space++) {
        sender s;
        sender_set_up(&s, NULL);
        sender_send_many(&s, (leat_space)space, 0, 4);
        ck_assert_uint_eq(sender_ack(&s, (leat_space)space, 5, 5), LEAT_PROTOCOL_VIOLATION);
        ck_assert_uint_eq(sender_ack(&s, (leat_space)space, 0, 5), LEAT_PROTOCOL_VIOLATION);
        ck_assert_uint_eq(
            sender_ack(&s, (leat_space)space, 0, (UINT64_C(1) << 62) - 1), LEAT_PROTOCOL_VIOLATION);
        sender_expect(&s, "");
        ck_assert_uint_eq(s.path.bytes_in_flight, 5 * MTU);
        ck_assert_uint_eq(sender_window(&s), 10 * MTU);
        sender_tear_down(&s);
    }
}
END_TEST

/* D1, RFC 9000 §21.4: who acknowledges a number that was left out has not waited for packets. */
START_TEST(an_ack_of_a_skipped_number_is_a_protocol_violation) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_many(&s, APP, 0, 2);
    sender_send_many(&s, APP, 4, 6);
    ck_assert_uint_eq(sender_ack(&s, APP, 0, 6), LEAT_PROTOCOL_VIOLATION);
    sender_expect(&s, "");
    s.now += 10 * MS;
    ck_assert_uint_eq(sender_ack(&s, APP, 0, 2), 0);
    ck_assert_uint_eq(sender_ack(&s, APP, 4, 6), 0);
    sender_expect(&s, "acked 2:0 acked 2:1 acked 2:2 acked 2:4 acked 2:5 acked 2:6");
    ck_assert_uint_eq(sender_ack(&s, APP, 3, 3), LEAT_PROTOCOL_VIOLATION);
    sender_tear_down(&s);
}
END_TEST

START_TEST(several_ranges_are_settled_from_the_lowest_number_up) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_many(&s, APP, 0, 9);
    s.now += 10 * MS;
    leat_range ranges[] = {{8, 10}, {5, 7}, {0, 2}};
    leat_ack_info ack = {.ranges = ranges, .count = 3};
    ck_assert_uint_eq(leat_recovery_on_ack_received(&s.recovery, APP, &ack, s.now, &s.hooks), 0);
    sender_expect(&s,
        "acked 2:0 acked 2:1 acked 2:5 acked 2:6 acked 2:8 acked 2:9 lost 2:2 lost 2:3 lost 2:4");
    sender_tear_down(&s);
}
END_TEST

START_TEST(an_ack_repeated_does_nothing) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_many(&s, APP, 0, 2);
    s.now += 10 * MS;
    sender_ack(&s, APP, 0, 1);
    sender_expect(&s, "acked 2:0 acked 2:1");
    uint64_t window = sender_window(&s);
    s.now += 500 * MS;
    ck_assert_uint_eq(sender_ack(&s, APP, 0, 1), 0);
    sender_expect(&s, "");
    ck_assert_uint_eq(sender_window(&s), window);
    ck_assert_uint_eq(s.path.rtt.latest_rtt, 10 * MS);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §5.1-1: only the largest number, newly acknowledged, is a sample. */
START_TEST(an_ack_that_does_not_newly_acknowledge_its_largest_gives_no_sample) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_many(&s, APP, 0, 1);
    s.now += 10 * MS;
    sender_ack(&s, APP, 1, 1);
    s.now += 5 * MS;
    sender_ack(&s, APP, 0, 1);
    ck_assert_uint_eq(s.path.rtt.latest_rtt, 10 * MS);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §5.1-2 */
START_TEST(an_ack_of_packets_that_elicit_nothing_gives_no_sample) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_plain(&s, APP, 0);
    s.now += 10 * MS;
    sender_ack(&s, APP, 0, 0);
    ck_assert(!leat_rtt_has_sample(&s.path.rtt));
    sender_tear_down(&s);
}
END_TEST

START_TEST(ack_delay_is_ignored_in_the_initial_space) {
    sender s;
    sender_set_up(&s, NULL);
    sender_measure_rtt(&s, 0, 100 * MS);
    s.recovery.conditions.handshake_confirmed = false;
    sender_send(&s, INITIAL, 0);
    s.now += 180 * MS;
    sender_ack_delayed(&s, INITIAL, 0, 0, 80 * MS);
    ck_assert_uint_eq(s.path.rtt.smoothed_rtt, 110 * MS);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §7-2 */
START_TEST(the_window_stops_the_sender) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_many(&s, APP, 0, 8);
    ck_assert(leat_recovery_can_send(&s.path, MTU, s.now));
    ck_assert(!leat_recovery_can_send(&s.path, MTU + 1, s.now));
    sender_send(&s, APP, 9);
    ck_assert(!leat_recovery_has_window(&s.path, 1));
    ck_assert_uint_eq(leat_recovery_pacing_time(&s.path, 1, s.now), LEAT_TIME_NEVER);
    s.now += 10 * MS;
    sender_ack(&s, APP, 0, 0);
    ck_assert(leat_recovery_has_window(&s.path, 2 * MTU));
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §7.5-2: a probe beyond the window counts in flight. */
START_TEST(packets_beyond_the_window_are_counted) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_many(&s, APP, 0, 14);
    ck_assert_uint_eq(s.path.bytes_in_flight, 15 * MTU);
    ck_assert_uint_eq(leat_recovery_path_allowance(&s.path, s.now), 0);
    sender_tear_down(&s);
}
END_TEST

START_TEST(packets_out_of_flight_count_nowhere) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_plain(&s, APP, 0);
    ck_assert_uint_eq(s.path.bytes_in_flight, 0);
    ck_assert(!leat_recovery_has_any_eliciting(&s.recovery));
    s.now += 10 * MS;
    sender_ack(&s, APP, 0, 0);
    sender_expect(&s, "acked 2:0");
    ck_assert_uint_eq(sender_window(&s), 10 * MTU);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §6.4-1: discarded packets leave the flight without a verdict. */
START_TEST(discarding_a_space_empties_its_flight_without_verdicts) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_many(&s, INITIAL, 0, 2);
    sender_send(&s, HANDSHAKE, 0);
    leat_recovery_discard_space(&s.recovery, INITIAL);
    sender_expect(&s, "");
    ck_assert_uint_eq(s.path.bytes_in_flight, MTU);
    ck_assert_uint_eq(sender_ack(&s, INITIAL, 0, 100), 0);
    sender_tear_down(&s);
}
END_TEST

/* Retry, or 0-RTT rejected. */
START_TEST(losing_all_tells_every_packet_and_leaves_the_window_alone) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_many(&s, APP, 0, 2);
    leat_recovery_lose_all(&s.recovery, APP, &s.hooks);
    sender_expect(&s, "lost 2:0 lost 2:1 lost 2:2");
    ck_assert_uint_eq(s.path.bytes_in_flight, 0);
    ck_assert_uint_eq(sender_window(&s), 10 * MTU);
    sender_send(&s, APP, 3);
    s.now += 10 * MS;
    ck_assert_uint_eq(sender_ack(&s, APP, 0, 3), 0);
    sender_expect(&s, "acked 2:3");
    sender_tear_down(&s);
}
END_TEST

/* Each path has its own flight, window and RTT. */
static void send_on(sender *s, leat_recovery_path *path, uint64_t pn) {
    leat_frame_records records = {NULL, NULL};
    leat_sent_info info = {.pn = pn,
        .time_sent = s->now,
        .sent_bytes = MTU,
        .ack_eliciting = true,
        .in_flight = true,
        .path = path};
    ck_assert_int_eq(leat_recovery_on_packet_sent(&s->recovery, APP, &info, &records), LEAT_OK);
}

START_TEST(packets_count_for_the_path_they_were_sent_on) {
    sender s;
    leat_recovery_path other;
    sender_set_up(&s, NULL);
    leat_recovery_path_init(&other, NULL, NULL, MTU, 0, false);
    sender_send(&s, APP, 0);
    send_on(&s, &other, 1);
    ck_assert_uint_eq(s.path.bytes_in_flight, MTU);
    ck_assert_uint_eq(other.bytes_in_flight, MTU);
    s.now += 70 * MS;
    sender_ack(&s, APP, 1, 1);
    ck_assert_uint_eq(other.bytes_in_flight, 0);
    ck_assert_uint_eq(other.rtt.latest_rtt, 70 * MS);
    ck_assert(!leat_rtt_has_sample(&s.path.rtt));
    leat_recovery_path_clear(&s.recovery, &other);
    sender_tear_down(&s);
}
END_TEST

START_TEST(packets_of_a_path_that_is_gone_still_get_their_verdict) {
    sender s;
    leat_recovery_path other;
    sender_set_up(&s, NULL);
    leat_recovery_path_init(&other, NULL, NULL, MTU, 0, false);
    for (uint64_t pn = 0; pn < 4; pn++) {
        send_on(&s, &other, pn);
    }
    sender_send_many(&s, APP, 4, 6);
    leat_recovery_path_clear(&s.recovery, &other);
    s.now += 70 * MS;
    sender_ack(&s, APP, 3, 6);
    sender_expect(&s, "acked 2:3 acked 2:4 acked 2:5 acked 2:6 lost 2:0 lost 2:1 lost 2:2");
    ck_assert_uint_eq(s.path.bytes_in_flight, 0);
    sender_tear_down(&s);
}
END_TEST

/* RFC 9000 §9.4 */
START_TEST(a_reset_path_starts_anew_but_keeps_its_flight) {
    sender s;
    sender_set_up(&s, NULL);
    sender_measure_rtt(&s, 0, 50 * MS);
    sender_send_many(&s, APP, 1, 2);
    leat_recovery_path_reset(&s.path, 0);
    ck_assert(!leat_rtt_has_sample(&s.path.rtt));
    ck_assert_uint_eq(sender_window(&s), 10 * MTU);
    ck_assert_uint_eq(s.path.bytes_in_flight, 2 * MTU);
    s.now += 60 * MS;
    sender_ack(&s, APP, 1, 2);
    ck_assert_uint_eq(s.path.bytes_in_flight, 0);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §7.3.1-1: a CE mark halves the window as a loss does. */
START_TEST(a_congestion_mark_halves_the_window) {
    sender s;
    sender_set_up(&s, NULL);
    leat_ecn_init(&s.path.ecn, true);
    leat_frame_records records = {NULL, NULL};
    leat_sent_info info = {.time_sent = s.now,
        .sent_bytes = MTU,
        .ecn = leat_ecn_mark(&s.path.ecn),
        .ack_eliciting = true,
        .in_flight = true,
        .path = &s.path};
    leat_recovery_on_packet_sent(&s.recovery, APP, &info, &records);
    s.now += 10 * MS;
    leat_range range = {0, 1};
    leat_ack_info ack = {.ranges = &range, .count = 1, .has_ecn = true, .ecn = {.ce = 1}};
    leat_recovery_on_ack_received(&s.recovery, APP, &ack, s.now, &s.hooks);
    ck_assert_uint_eq(sender_window(&s), 5 * MTU);
    ck_assert_int_eq(s.path.ecn.state, LEAT_ECN_CAPABLE);
    sender_tear_down(&s);
}
END_TEST

START_TEST(statistics_add_up) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_many(&s, APP, 0, 9);
    s.now += 10 * MS;
    sender_ack(&s, APP, 4, 9);
    ck_assert_uint_eq(s.recovery.stats.packets_sent, 10);
    ck_assert_uint_eq(s.recovery.stats.packets_acked, 6);
    ck_assert_uint_eq(s.recovery.stats.packets_lost, 4);
    ck_assert_uint_eq(s.recovery.stats.bytes_lost, 4 * MTU);
    ck_assert_uint_eq(s.recovery.stats.congestion_events, 1);
    sender_tear_down(&s);
}
END_TEST

/* D6: whatever delay the peer claims, the timer stays sane. */
START_TEST(absurd_ack_delays_do_no_harm) {
    sender s;
    sender_set_up(&s, NULL);
    sender_measure_rtt(&s, 0, 100 * MS);
    s.recovery.conditions.max_ack_delay = LEAT_TIME_NEVER;
    sender_send(&s, APP, 1);
    s.now += 180 * MS;
    sender_ack_delayed(&s, APP, 1, 1, LEAT_TIME_NEVER);
    ck_assert_uint_eq(s.path.rtt.smoothed_rtt, 110 * MS);
    sender_send(&s, APP, 2);
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), LEAT_TIME_NEVER);
    sender_tear_down(&s);
}
END_TEST

START_TEST(without_memory_a_packet_is_not_tracked_and_its_records_go_back) {
    for (size_t fail_at = 2; fail_at <= 3; fail_at++) {
        test_memory memory;
        test_memory_init(&memory);
        sender s;
        sender_set_up(&s, &memory.allocator);
        memory.fail_at = fail_at; /* 1 is the controller's state */
        leat_frame_records records = {NULL, NULL};
        leat_sent_info info = {
            .pn = 0, .sent_bytes = MTU, .ack_eliciting = true, .in_flight = true, .path = &s.path};
        if (leat_recovery_record(&s.recovery, &records, 1, 0, 0, 0, 0)) {
            ck_assert_int_eq(
                leat_recovery_on_packet_sent(&s.recovery, APP, &info, &records), LEAT_ERR_NOMEM);
            ck_assert_uint_eq(s.recovery.records.kept, 1);
        }
        ck_assert_ptr_null(records.first);
        ck_assert_uint_eq(s.path.bytes_in_flight, 0);
        sender_send(&s, APP, 1);
        ck_assert_uint_eq(sender_ack(&s, APP, 0, 1), LEAT_PROTOCOL_VIOLATION);
        sender_tear_down(&s);
        ck_assert_uint_eq(memory.live, 0);
    }
}
END_TEST

/* ---- a random network: every packet gets one verdict, and the counts agree at every step ---- */

#define RUN_PACKETS 400

typedef struct run {
    sender s;
    uint64_t seed, next_pn;
    uint8_t verdicts[RUN_PACKETS];
} run;

static void on_verdict(void *user, leat_space space, const leat_sent_packet *packet) {
    run *r = user;
    ck_assert_int_eq(space, APP);
    ck_assert_uint_eq(packet->records->a, packet->pn);
    r->verdicts[packet->pn]++;
}

static size_t below(run *r, size_t bound) {
    uint32_t value;
    test_random(&r->seed, (uint8_t *)&value, sizeof value);
    return value % bound;
}

static void ack_something(run *r) {
    leat_range ranges[3];
    size_t count = 0;
    uint64_t end = r->next_pn;
    while (count < 3 && end > 0) {
        uint64_t top = end - below(r, end < 4 ? end : 4);
        uint64_t length = 1 + below(r, top < 8 ? top : 8);
        ranges[count++] = (leat_range){top - length, top};
        end = top - length > 0 ? top - length - 1 : 0;
    }
    if (count > 0) {
        leat_ack_info ack = {.ranges = ranges, .count = count, .ack_delay = below(r, 40) * MS};
        ck_assert_uint_eq(
            leat_recovery_on_ack_received(&r->s.recovery, APP, &ack, r->s.now, &r->s.hooks), 0);
    }
}

static uint64_t flight_of(const run *r) {
    uint64_t bytes = 0;
    for (uint64_t pn = 0; pn < r->next_pn; pn++) {
        bytes += r->verdicts[pn] == 0 ? MTU : 0;
    }
    return bytes;
}

static void run_with(const leat_congestion_ops *ops) {
    for (uint64_t seed = 1; seed <= 60; seed++) {
        run r = {.seed = seed};
        sender_set_up_with(&r.s, ops, NULL);
        r.s.hooks = (leat_recovery_hooks){&r, on_verdict, on_verdict};
        while (r.next_pn < RUN_PACKETS) {
            r.s.now += below(&r, 20) * MS;
            if (below(&r, 3) > 0) {
                sender_send(&r.s, APP, r.next_pn++);
            } else {
                ack_something(&r);
            }
            if (leat_recovery_get_timer(&r.s.recovery) <= r.s.now) {
                ck_assert_int_ne(sender_timeout(&r.s).kind, LEAT_TIMEOUT_NONE);
            }
            ck_assert_uint_eq(r.s.path.bytes_in_flight, flight_of(&r));
            ck_assert_uint_ge(sender_window(&r.s), 2 * MTU);
        }
        r.s.now += 1000 * MS;
        sender_ack(&r.s, APP, 0, RUN_PACKETS - 1);
        for (uint64_t pn = 0; pn < RUN_PACKETS; pn++) {
            ck_assert_msg(r.verdicts[pn] == 1, "seed %d packet %d", (int)seed, (int)pn);
        }
        ck_assert_uint_eq(r.s.path.bytes_in_flight, 0);
        sender_tear_down(&r.s);
    }
}

START_TEST(in_a_random_network_each_packet_gets_one_verdict) {
    run_with(&leat_newreno);
    run_with(&leat_cubic);
    run_with(&leat_bbr_ops);
}
END_TEST

LEAT_TEST_MAIN("quic/recovery recovery", an_ack_of_a_number_never_sent_is_a_protocol_violation,
    an_ack_of_a_skipped_number_is_a_protocol_violation,
    several_ranges_are_settled_from_the_lowest_number_up, an_ack_repeated_does_nothing,
    an_ack_that_does_not_newly_acknowledge_its_largest_gives_no_sample,
    an_ack_of_packets_that_elicit_nothing_gives_no_sample,
    ack_delay_is_ignored_in_the_initial_space, the_window_stops_the_sender,
    packets_beyond_the_window_are_counted, packets_out_of_flight_count_nowhere,
    discarding_a_space_empties_its_flight_without_verdicts,
    losing_all_tells_every_packet_and_leaves_the_window_alone,
    packets_count_for_the_path_they_were_sent_on,
    packets_of_a_path_that_is_gone_still_get_their_verdict,
    a_reset_path_starts_anew_but_keeps_its_flight, a_congestion_mark_halves_the_window,
    statistics_add_up, absurd_ack_delays_do_no_harm,
    without_memory_a_packet_is_not_tracked_and_its_records_go_back,
    in_a_random_network_each_packet_gets_one_verdict)
