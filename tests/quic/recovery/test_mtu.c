/* The search for the largest datagram: quic/recovery/mtu.c, RFC 8899 §5. */
#include "leat_test.h"
#include "quic/recovery/mtu.h"

#define CEILING 1472

static leat_mtu fresh(void) {
    leat_mtu mtu;
    leat_mtu_init(&mtu, LEAT_MTU_BASE, CEILING);
    return mtu;
}

/* Probes until the search ends; the path carries `limit` bytes. Returns how many probes it took. */
static unsigned search_path(leat_mtu *mtu, size_t limit, leat_time now) {
    unsigned count = 0;
    for (size_t size; (size = leat_mtu_next_probe(mtu, now)) != 0; count++) {
        ck_assert_uint_le(size, mtu->ceiling);
        leat_mtu_on_probe_sent(mtu, size);
        if (size <= limit) {
            leat_mtu_on_acked(mtu, size, true, now);
        } else {
            leat_mtu_on_lost(mtu, size, true, now);
        }
        ck_assert_uint_lt(count, 50);
    }
    return count;
}

START_TEST(a_path_that_carries_the_ceiling_takes_one_probe) {
    leat_mtu mtu = fresh();
    ck_assert_uint_eq(leat_mtu_next_probe(&mtu, 0), CEILING);
    ck_assert_uint_eq(search_path(&mtu, 9000, 0), 1);
    ck_assert_uint_eq(mtu.size, CEILING);
    ck_assert_int_eq(mtu.state, LEAT_MTU_SEARCH_COMPLETE);
}
END_TEST

START_TEST(every_limit_is_found_to_a_step_and_never_exceeded) {
    for (size_t limit = LEAT_MTU_BASE; limit <= CEILING; limit++) {
        leat_mtu mtu = fresh();
        search_path(&mtu, limit, 0);
        ck_assert_uint_le(mtu.size, limit);
        ck_assert_uint_le(limit - mtu.size, LEAT_MTU_STEP);
    }
}
END_TEST

START_TEST(one_probe_is_in_flight_at_a_time) {
    leat_mtu mtu = fresh();
    leat_mtu_on_probe_sent(&mtu, leat_mtu_next_probe(&mtu, 0));
    ck_assert_uint_eq(leat_mtu_next_probe(&mtu, 0), 0);
    ck_assert_uint_eq(mtu.size, LEAT_MTU_BASE);
}
END_TEST

/* TEST RFC 8899 §5.1.2: MAX_PROBES: a single loss may be an accident. */
START_TEST(a_size_is_given_up_after_three_losses) {
    leat_mtu mtu = fresh();
    for (unsigned i = 0; i < LEAT_MTU_MAX_PROBES; i++) {
        ck_assert_uint_eq(leat_mtu_next_probe(&mtu, 0), CEILING);
        leat_mtu_on_probe_sent(&mtu, CEILING);
        leat_mtu_on_lost(&mtu, CEILING, true, 0);
    }
    ck_assert_uint_lt(leat_mtu_next_probe(&mtu, 0), CEILING);
}
END_TEST

/* TEST RFC 8899 §5.1.1: PMTU_RAISE_TIMER. */
START_TEST(the_search_begins_again_after_ten_minutes) {
    leat_mtu mtu = fresh();
    search_path(&mtu, 1300, 5);
    ck_assert_uint_eq(leat_mtu_next_probe(&mtu, 5 + LEAT_MTU_RAISE_TIME - 1), 0);
    ck_assert_uint_eq(leat_mtu_next_probe(&mtu, 5 + LEAT_MTU_RAISE_TIME), CEILING);
    search_path(&mtu, 9000, 5 + LEAT_MTU_RAISE_TIME);
    ck_assert_uint_eq(mtu.size, CEILING);
    ck_assert_uint_eq(leat_mtu_next_probe(&mtu, 3 * LEAT_MTU_RAISE_TIME), 0);
}
END_TEST

START_TEST(a_lower_ceiling_lowers_the_size) {
    leat_mtu mtu = fresh();
    search_path(&mtu, 9000, 0);
    leat_mtu_set_ceiling(&mtu, 1250);
    ck_assert_uint_eq(mtu.size, 1250);
    leat_mtu_set_ceiling(&mtu, 100);
    ck_assert_uint_eq(mtu.size, LEAT_MTU_BASE);
}
END_TEST

/* TEST RFC 8899 §4.3: packets of the size that once passed vanish. */
START_TEST(three_rounds_of_large_losses_are_a_black_hole) {
    leat_mtu mtu = fresh();
    search_path(&mtu, 9000, 0);
    for (leat_time round = 1; round < LEAT_MTU_LOSS_ROUNDS; round++) {
        leat_mtu_on_lost(&mtu, CEILING, false, round);
        leat_mtu_on_lost(&mtu, CEILING, false, round);
    }
    ck_assert_uint_eq(mtu.size, CEILING);
    leat_mtu_on_lost(&mtu, CEILING, false, 10);
    ck_assert_uint_eq(mtu.size, LEAT_MTU_BASE);
    ck_assert_uint_eq(leat_mtu_next_probe(&mtu, 10), LEAT_MTU_BASE);
    search_path(&mtu, 1300, 10);
    ck_assert_uint_gt(mtu.size, 1300 - LEAT_MTU_STEP - 1);
    ck_assert_uint_le(mtu.size, 1300);
}
END_TEST

START_TEST(a_large_packet_that_arrives_between_losses_is_no_black_hole) {
    leat_mtu mtu = fresh();
    search_path(&mtu, 9000, 0);
    for (leat_time round = 1; round < 20; round++) {
        leat_mtu_on_lost(&mtu, CEILING, false, round);
        leat_mtu_on_acked(&mtu, CEILING, false, round);
    }
    ck_assert_uint_eq(mtu.size, CEILING);
}
END_TEST

START_TEST(losses_of_small_packets_say_nothing) {
    leat_mtu mtu = fresh();
    search_path(&mtu, 9000, 0);
    for (leat_time round = 1; round < 20; round++) {
        leat_mtu_on_lost(&mtu, LEAT_MTU_BASE, false, round);
    }
    ck_assert_uint_eq(mtu.size, CEILING);
}
END_TEST

START_TEST(two_timeouts_in_a_row_are_a_black_hole) {
    leat_mtu mtu = fresh();
    search_path(&mtu, 9000, 0);
    leat_mtu_on_pto(&mtu, 1);
    ck_assert_uint_eq(mtu.size, CEILING);
    leat_mtu_on_pto(&mtu, 2);
    ck_assert_uint_eq(mtu.size, LEAT_MTU_BASE);
}
END_TEST

START_TEST(a_base_that_is_never_answered_ends_the_search_until_one_is) {
    leat_mtu mtu = fresh();
    search_path(&mtu, 9000, 0);
    leat_mtu_on_pto(&mtu, 2);
    search_path(&mtu, 0, 0);
    ck_assert_int_eq(mtu.state, LEAT_MTU_ERROR);
    leat_mtu_on_acked(&mtu, LEAT_MTU_BASE, false, 0);
    ck_assert_uint_eq(leat_mtu_next_probe(&mtu, 0), CEILING);
}
END_TEST

START_TEST(a_refused_probe_is_given_up_at_once) {
    leat_mtu mtu = fresh();
    leat_mtu_on_probe_sent(&mtu, leat_mtu_next_probe(&mtu, 0));
    leat_mtu_on_refused(&mtu, CEILING, 0);
    ck_assert_uint_lt(leat_mtu_next_probe(&mtu, 0), CEILING);
    ck_assert_uint_gt(leat_mtu_next_probe(&mtu, 0), LEAT_MTU_BASE);
}
END_TEST

LEAT_TEST_MAIN("quic/recovery mtu", a_path_that_carries_the_ceiling_takes_one_probe,
    every_limit_is_found_to_a_step_and_never_exceeded, one_probe_is_in_flight_at_a_time,
    a_size_is_given_up_after_three_losses, the_search_begins_again_after_ten_minutes,
    a_lower_ceiling_lowers_the_size, three_rounds_of_large_losses_are_a_black_hole,
    a_large_packet_that_arrives_between_losses_is_no_black_hole,
    losses_of_small_packets_say_nothing, two_timeouts_in_a_row_are_a_black_hole,
    a_base_that_is_never_answered_ends_the_search_until_one_is,
    a_refused_probe_is_given_up_at_once)
