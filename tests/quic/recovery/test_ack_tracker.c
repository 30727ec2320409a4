/* Duplicates, ACK timing and ranges: quic/recovery/ack_tracker.c, RFC 9000 §13.2. */
#include "leat_test.h"
#include "quic/recovery/ack_tracker.h"

#include <leat/quic.h>

#define MS LEAT_MILLISECOND
#define NOW (1000 * MS)
#define DELAY (25 * MS)

static leat_ack_tracker make(bool acks_at_once) {
    leat_ack_tracker tracker;
    leat_ack_tracker_init(&tracker, NULL, acks_at_once, DELAY);
    return tracker;
}

static void receive(leat_ack_tracker *tracker, uint64_t pn) {
    ck_assert(!leat_ack_tracker_is_duplicate(tracker, pn));
    ck_assert_int_eq(
        leat_ack_tracker_on_received(tracker, pn, true, LEAT_ECN_NOT_ECT, NOW), LEAT_OK);
}

static void receive_plain(leat_ack_tracker *tracker, uint64_t pn) {
    ck_assert_int_eq(
        leat_ack_tracker_on_received(tracker, pn, false, LEAT_ECN_NOT_ECT, NOW), LEAT_OK);
}

/* Receives 0 and 1 and acknowledges them. */
static void settle_first_two(leat_ack_tracker *tracker) {
    receive(tracker, 0);
    receive(tracker, 1);
    leat_ack_tracker_on_ack_sent(tracker);
}

/*
 * TEST RFC 9000 §13.2.1-2: in the handshake spaces each ack-eliciting packet is acknowledged at
 * once.
 */
START_TEST(handshake_packets_are_acknowledged_at_once) {
    leat_ack_tracker tracker = make(true);
    receive(&tracker, 0);
    ck_assert(leat_ack_tracker_is_due(&tracker, 0));
    leat_ack_tracker_clear(&tracker);
}
END_TEST

/* TEST RFC 9000 §13.2.1-1: within max_ack_delay of the first unacknowledged one. */
START_TEST(one_packet_waits_for_max_ack_delay) {
    leat_ack_tracker tracker = make(false);
    receive(&tracker, 0);
    ck_assert_uint_eq(leat_ack_tracker_get_timer(&tracker), NOW + DELAY);
    ck_assert(!leat_ack_tracker_is_due(&tracker, NOW + DELAY - 1));
    ck_assert(leat_ack_tracker_is_due(&tracker, NOW + DELAY));
    leat_ack_tracker_clear(&tracker);
}
END_TEST

/* TEST RFC 9000 §13.2.2-1 */
START_TEST(every_second_packet_is_acknowledged_at_once) {
    leat_ack_tracker tracker = make(false);
    settle_first_two(&tracker);
    receive(&tracker, 2);
    ck_assert(!leat_ack_tracker_is_due(&tracker, NOW));
    receive(&tracker, 3);
    ck_assert(leat_ack_tracker_is_due(&tracker, NOW));
    leat_ack_tracker_clear(&tracker);
}
END_TEST

/* TEST RFC 9000 §13.2.1-4: packets that do not elicit an ACK never cause one, gaps or not. */
START_TEST(packets_that_elicit_nothing_cause_no_ack) {
    leat_ack_tracker tracker = make(false);
    settle_first_two(&tracker);
    receive_plain(&tracker, 5);
    receive_plain(&tracker, 9);
    receive_plain(&tracker, 7);
    ck_assert_uint_eq(leat_ack_tracker_get_timer(&tracker), LEAT_TIME_NEVER);
    ck_assert(!leat_ack_tracker_wants_ack(&tracker));
    leat_ack_tracker_clear(&tracker);
}
END_TEST

/* TEST RFC 9000 §13.2.1-7: a gap below the packet. */
START_TEST(a_gap_is_acknowledged_at_once) {
    leat_ack_tracker tracker = make(false);
    settle_first_two(&tracker);
    receive(&tracker, 3);
    ck_assert(leat_ack_tracker_is_due(&tracker, NOW));
    leat_ack_tracker_clear(&tracker);
}
END_TEST

START_TEST(a_gap_filled_with_plain_packets_is_no_gap) {
    leat_ack_tracker tracker = make(false);
    settle_first_two(&tracker);
    receive_plain(&tracker, 2);
    receive(&tracker, 3);
    ck_assert(!leat_ack_tracker_is_due(&tracker, NOW));
    leat_ack_tracker_clear(&tracker);
}
END_TEST

START_TEST(an_old_gap_does_not_hurry_later_packets) {
    leat_ack_tracker tracker = make(false);
    settle_first_two(&tracker);
    receive(&tracker, 3);
    leat_ack_tracker_on_ack_sent(&tracker);
    receive(&tracker, 4);
    ck_assert(!leat_ack_tracker_is_due(&tracker, NOW));
    leat_ack_tracker_clear(&tracker);
}
END_TEST

/* TEST RFC 9000 §13.2.1-7: a packet older than another. */
START_TEST(a_late_packet_is_acknowledged_at_once) {
    leat_ack_tracker tracker = make(false);
    settle_first_two(&tracker);
    receive(&tracker, 3);
    leat_ack_tracker_on_ack_sent(&tracker);
    receive(&tracker, 2);
    ck_assert(leat_ack_tracker_is_due(&tracker, NOW));
    leat_ack_tracker_clear(&tracker);
}
END_TEST

/* TEST RFC 9000 §13.2.1-8 */
START_TEST(a_congestion_mark_is_acknowledged_at_once) {
    leat_ack_tracker tracker = make(false);
    settle_first_two(&tracker);
    leat_ack_tracker_on_received(&tracker, 2, true, LEAT_ECN_CE, NOW);
    ck_assert(leat_ack_tracker_is_due(&tracker, NOW));
    leat_ack_tracker_clear(&tracker);
}
END_TEST

START_TEST(the_first_packet_of_all_may_have_any_number) {
    leat_ack_tracker tracker = make(false);
    receive(&tracker, 7);
    ck_assert(!leat_ack_tracker_is_due(&tracker, NOW));
    leat_ack_tracker_clear(&tracker);
}
END_TEST

/* TEST RFC 9000 §13.2.1-3: one ACK for what came, then silence. */
START_TEST(after_an_ack_nothing_is_owed) {
    leat_ack_tracker tracker = make(false);
    settle_first_two(&tracker);
    ck_assert_uint_eq(leat_ack_tracker_get_timer(&tracker), LEAT_TIME_NEVER);
    ck_assert(!leat_ack_tracker_wants_ack(&tracker));
    leat_ack_tracker_clear(&tracker);
}
END_TEST

START_TEST(a_number_received_once_is_a_duplicate_from_then_on) {
    leat_ack_tracker tracker = make(false);
    receive(&tracker, 5);
    ck_assert(leat_ack_tracker_is_duplicate(&tracker, 5));
    ck_assert(!leat_ack_tracker_is_duplicate(&tracker, 4));
    ck_assert(!leat_ack_tracker_is_duplicate(&tracker, 6));
    leat_ack_tracker_clear(&tracker);
}
END_TEST

/* TEST RFC 9000 §13.4.1-1: marks are counted in the order of the ACK frame. */
START_TEST(marks_are_counted_by_kind) {
    leat_ack_tracker tracker = make(false);
    ck_assert(!leat_ack_tracker_has_ecn(&tracker));
    static const uint8_t marks[] = {LEAT_ECN_ECT0, LEAT_ECN_ECT0, LEAT_ECN_ECT0, LEAT_ECN_ECT1,
        LEAT_ECN_ECT1, LEAT_ECN_CE, LEAT_ECN_NOT_ECT};
    for (uint64_t pn = 0; pn < sizeof marks; pn++) {
        leat_ack_tracker_on_received(&tracker, pn, true, marks[pn], NOW);
    }
    ck_assert_uint_eq(tracker.ecn[0], 3);
    ck_assert_uint_eq(tracker.ecn[1], 2);
    ck_assert_uint_eq(tracker.ecn[2], 1);
    leat_ack_tracker_clear(&tracker);
}
END_TEST

/* TEST RFC 9000 §13.2.5: the delay runs from the arrival of the largest number. */
START_TEST(the_delay_counts_from_the_largest_number) {
    leat_ack_tracker tracker = make(false);
    leat_ack_tracker_on_received(&tracker, 5, true, 0, NOW);
    leat_ack_tracker_on_received(&tracker, 3, true, 0, NOW + 7 * MS);
    ck_assert_uint_eq(leat_ack_tracker_delay(&tracker, NOW + 10 * MS), 10 * MS);
    ck_assert_uint_eq(leat_ack_tracker_delay(&tracker, 0), 0);
    leat_ack_tracker_clear(&tracker);
}
END_TEST

/*
 * TEST RFC 9000 §13.2.3-2, §13.2.3-3: ranges that the peer knows are acknowledged are dropped, and
 * never accepted again.
 */
START_TEST(an_acknowledged_ack_drops_ranges_which_stay_duplicates) {
    leat_ack_tracker tracker = make(false);
    receive(&tracker, 0);
    receive(&tracker, 2);
    receive(&tracker, 9);
    leat_ack_tracker_on_ack_acked(&tracker, 2);
    ck_assert_uint_eq(tracker.received.count, 1);
    ck_assert(leat_ack_tracker_is_duplicate(&tracker, 0));
    ck_assert(leat_ack_tracker_is_duplicate(&tracker, 1));
    ck_assert(leat_ack_tracker_is_duplicate(&tracker, 2));
    ck_assert(!leat_ack_tracker_is_duplicate(&tracker, 3));
    leat_ack_tracker_clear(&tracker);
}
END_TEST

/* TEST RFC 9000 §13.2.3-5: the largest number stays in every ACK. */
START_TEST(the_largest_number_is_never_dropped) {
    leat_ack_tracker tracker = make(false);
    for (uint64_t pn = 0; pn < 10; pn++) {
        receive(&tracker, pn);
    }
    leat_ack_tracker_on_ack_acked(&tracker, 9);
    ck_assert_uint_eq(tracker.received.count, 1);
    ck_assert_uint_eq(tracker.received.ranges[0].start, 9);
    ck_assert_uint_eq(tracker.received.ranges[0].end, 10);
    receive(&tracker, 10);
    ck_assert_uint_eq(tracker.received.count, 1);
    leat_ack_tracker_clear(&tracker);
}
END_TEST

/*
 * D3, V1: every second packet lost, a million of them: bounded ranges, the newest kept, duplicates
 * still found.
 */
START_TEST(endless_gaps_keep_the_newest_ranges_and_forget_no_duplicate) {
    test_memory memory;
    test_memory_init(&memory);
    leat_ack_tracker tracker;
    leat_ack_tracker_init(&tracker, &memory.allocator, false, DELAY);
    size_t failed = 0;
    for (uint64_t pn = 0; pn < 1000000; pn += 2) {
        failed += leat_ack_tracker_is_duplicate(&tracker, pn);
        failed +=
            leat_ack_tracker_on_received(&tracker, pn, true, LEAT_ECN_NOT_ECT, NOW) != LEAT_OK;
        leat_ack_tracker_on_ack_sent(&tracker);
    }
    ck_assert_uint_eq(failed, 0);
    ck_assert_uint_eq(tracker.received.count, LEAT_ACK_RANGES_MAX);
    ck_assert_uint_eq(tracker.received.ranges[LEAT_ACK_RANGES_MAX - 1].start, 999998);
    ck_assert_uint_le(memory.bytes_live, 8192);
    size_t known = 0;
    for (uint64_t pn = 0; pn < 1000000; pn += 2) {
        known += leat_ack_tracker_is_duplicate(&tracker, pn);
    }
    ck_assert_uint_eq(known, 500000);
    leat_ack_tracker_clear(&tracker);
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

START_TEST(without_memory_a_packet_is_not_noted) {
    test_memory memory;
    test_memory_init(&memory);
    memory.fail_at = 1;
    leat_ack_tracker tracker;
    leat_ack_tracker_init(&tracker, &memory.allocator, false, DELAY);
    ck_assert_int_eq(leat_ack_tracker_on_received(&tracker, 0, true, 0, NOW), LEAT_ERR_NOMEM);
    ck_assert(!leat_ack_tracker_is_duplicate(&tracker, 0));
    ck_assert_uint_eq(leat_ack_tracker_get_timer(&tracker), LEAT_TIME_NEVER);
    receive(&tracker, 0);
    leat_ack_tracker_clear(&tracker);
}
END_TEST

/* ---- the model: one flag per number, and the largest number whose ACK was acknowledged ---- */

#define MODEL_NUMBERS 2000

START_TEST(it_agrees_with_a_model_of_one_flag_per_number) {
    for (uint64_t seed = 1; seed <= 100; seed++) {
        uint64_t state = seed, next = 0;
        bool seen[MODEL_NUMBERS] = {false};
        uint64_t acked_below = 0;
        leat_ack_tracker tracker = make(false);
        for (size_t step = 0; step < 800 && next + 4 < MODEL_NUMBERS; step++) {
            uint8_t dice[2];
            test_random(&state, dice, sizeof dice);
            next += dice[0] % 4 == 0 ? dice[1] % 4 : 1;
            uint64_t pn = dice[0] % 8 == 1 && next > dice[1] ? next - dice[1] : next;
            bool is_known = seen[pn] || pn < acked_below;
            ck_assert_msg(
                leat_ack_tracker_is_duplicate(&tracker, pn) == is_known, "seed %d", (int)seed);
            if (!is_known) {
                receive(&tracker, pn);
                seen[pn] = true;
            }
            if (dice[0] == 7 && next > 40 && seen[next - 40]) {
                leat_ack_tracker_on_ack_acked(&tracker, next - 40);
                acked_below = next - 40 + 1 > acked_below ? next - 40 + 1 : acked_below;
            }
        }
        for (uint64_t pn = acked_below; pn < MODEL_NUMBERS; pn++) {
            ck_assert_int_eq(leat_range_set_contains(&tracker.received, pn), seen[pn]);
        }
        leat_ack_tracker_clear(&tracker);
    }
}
END_TEST

/* ---- requests of the peer -------------------------------------------------------------------- */

/* Receives the numbers; true in `acks` where one has to be told at once. */
static void expect_acks(
    uint64_t threshold, const uint64_t *numbers, const bool *acks, size_t count) {
    leat_ack_tracker tracker = make(false);
    leat_ack_tracker_request(&tracker, 1000, DELAY, threshold);
    for (size_t i = 0; i < count; i++) {
        receive(&tracker, numbers[i]);
        bool is_due = leat_ack_tracker_is_due(&tracker, NOW);
        ck_assert_msg(is_due == acks[i], "number %llu", (unsigned long long)numbers[i]);
        if (is_due) {
            leat_ack_tracker_on_ack_sent(&tracker);
        }
    }
    leat_ack_tracker_clear(&tracker);
}

/* TEST draft-ietf-quic-ack-frequency §6.2.1: both tables. */
START_TEST(a_gap_is_told_when_it_is_wide_enough) {
    expect_acks(3, (const uint64_t[]){0, 1, 3, 4, 5, 8, 9, 10},
        (const bool[]){false, false, false, false, true, false, true, true}, 8);
    expect_acks(5, (const uint64_t[]){0, 1, 3, 5, 6, 7, 8, 9},
        (const bool[]){false, false, false, false, false, true, false, true}, 8);
}
END_TEST

/* TEST draft-ietf-quic-ack-frequency §6.2: what was given up and comes after all. */
START_TEST(a_packet_that_was_given_up_is_told) {
    expect_acks(3, (const uint64_t[]){0, 2, 3, 4, 1},
        (const bool[]){false, false, false, true, true}, 5);
}
END_TEST

/* TEST draft-ietf-quic-ack-frequency §6.2 */
START_TEST(with_threshold_0_gaps_are_not_told) {
    expect_acks(0, (const uint64_t[]){0, 9, 99, 1}, (const bool[]){false, false, false, false}, 4);
}
END_TEST

/* TEST draft-ietf-quic-ack-frequency §6 */
START_TEST(so_many_packets_as_asked_for_are_acknowledged_together) {
    leat_ack_tracker tracker = make(false);
    leat_ack_tracker_request(&tracker, 3, 5 * MS, 1);
    for (uint64_t pn = 0; pn < 3; pn++) {
        receive(&tracker, pn);
        ck_assert_uint_eq(leat_ack_tracker_get_timer(&tracker), NOW + 5 * MS);
    }
    receive(&tracker, 3);
    ck_assert(leat_ack_tracker_is_due(&tracker, NOW));
    leat_ack_tracker_on_ack_sent(&tracker);
    leat_ack_tracker_request(&tracker, 0, 5 * MS, 1);
    receive(&tracker, 4);
    ck_assert(leat_ack_tracker_is_due(&tracker, NOW));
    leat_ack_tracker_clear(&tracker);
}
END_TEST

/* TEST draft-ietf-quic-ack-frequency §6.3 */
START_TEST(only_the_first_mark_of_a_run_is_urgent) {
    leat_ack_tracker tracker = make(false);
    leat_ack_tracker_request(&tracker, 100, DELAY, 1);
    leat_ack_tracker_on_received(&tracker, 0, true, LEAT_ECN_CE, NOW);
    ck_assert(leat_ack_tracker_is_due(&tracker, NOW));
    leat_ack_tracker_on_ack_sent(&tracker);
    leat_ack_tracker_on_received(&tracker, 1, true, LEAT_ECN_CE, NOW);
    ck_assert(!leat_ack_tracker_is_due(&tracker, NOW));
    receive(&tracker, 2);
    leat_ack_tracker_on_received(&tracker, 3, true, LEAT_ECN_CE, NOW);
    ck_assert(leat_ack_tracker_is_due(&tracker, NOW));
    leat_ack_tracker_clear(&tracker);
}
END_TEST

LEAT_TEST_MAIN("quic/recovery ack_tracker", handshake_packets_are_acknowledged_at_once,
    one_packet_waits_for_max_ack_delay, every_second_packet_is_acknowledged_at_once,
    packets_that_elicit_nothing_cause_no_ack, a_gap_is_acknowledged_at_once,
    a_gap_filled_with_plain_packets_is_no_gap, an_old_gap_does_not_hurry_later_packets,
    a_late_packet_is_acknowledged_at_once, a_congestion_mark_is_acknowledged_at_once,
    the_first_packet_of_all_may_have_any_number, after_an_ack_nothing_is_owed,
    a_number_received_once_is_a_duplicate_from_then_on, marks_are_counted_by_kind,
    the_delay_counts_from_the_largest_number,
    an_acknowledged_ack_drops_ranges_which_stay_duplicates, the_largest_number_is_never_dropped,
    endless_gaps_keep_the_newest_ranges_and_forget_no_duplicate,
    without_memory_a_packet_is_not_noted, it_agrees_with_a_model_of_one_flag_per_number,
    a_gap_is_told_when_it_is_wide_enough, a_packet_that_was_given_up_is_told,
    with_threshold_0_gaps_are_not_told, so_many_packets_as_asked_for_are_acknowledged_together,
    only_the_first_mark_of_a_run_is_urgent)
