/* The link alone: each fault does what it says and is counted. */
#include "leat_test.h"
#include "sim/codel.h"
#include "sim/link.h"

#define DATAGRAMS 2000
#define GAP LEAT_MILLISECOND

typedef struct arrivals {
    unsigned count, corrupted, marked, overtakes;
    uint64_t last_number;
    leat_time first, last;
    uint64_t counts[SIM_LINK_COUNTS];
    uint64_t digest;
} arrivals;

static void take_all(sim_link *link, leat_time now, arrivals *seen) {
    sim_datagram *datagram;
    while ((datagram = sim_link_take(link, now)) != NULL) {
        seen->first = seen->count == 0 ? now : seen->first;
        seen->last = now;
        seen->count++;
        seen->corrupted += datagram->is_corrupted;
        seen->marked += datagram->ecn == LEAT_ECN_CE;
        seen->overtakes += datagram->number < seen->last_number;
        seen->last_number = datagram->number;
        free(datagram);
    }
}

/* Many datagrams of 1000 bytes, one at every `gap`. */
static arrivals send_many(const sim_link_config *config, leat_time gap) {
    static const uint8_t bytes[1000];
    const leat_path path = {{0}, {0}};
    arrivals seen = {0};
    sim_link *link = sim_link_new(config, 1);
    for (unsigned i = 0; i < DATAGRAMS; i++) {
        leat_time now = i * gap;
        while (sim_link_next(link) <= now) {
            take_all(link, sim_link_next(link), &seen);
        }
        ck_assert(sim_link_send(link, bytes, sizeof bytes, &path, LEAT_ECN_ECT0, now));
    }
    sim_link_settings(link)->cross_rate = 0;
    for (leat_time next; (next = sim_link_next(link)) != LEAT_TIME_NEVER;) {
        take_all(link, next, &seen);
    }
    for (sim_link_count i = 0; i < SIM_LINK_COUNTS; i++) {
        seen.counts[i] = sim_link_counted(link, i);
    }
    seen.digest = sim_link_digest(link);
    sim_link_free(link);
    return seen;
}

START_TEST(a_clean_link_delays_and_nothing_else) {
    const sim_link_config config = {.delay = 30 * LEAT_MILLISECOND};
    arrivals seen = send_many(&config, GAP);
    ck_assert_uint_eq(seen.count, DATAGRAMS);
    ck_assert_uint_eq(seen.overtakes, 0);
    ck_assert_uint_eq(seen.first, 30 * LEAT_MILLISECOND);
    ck_assert_uint_eq(seen.last, (DATAGRAMS - 1) * GAP + 30 * LEAT_MILLISECOND);
}
END_TEST

/* 1028 bytes with their headers take 8.224 ms at 1 Mbps. */
START_TEST(the_rate_spaces_datagrams) {
    const sim_link_config config = {.rate = 1000000};
    arrivals seen = send_many(&config, 0);
    ck_assert_uint_eq(seen.count, DATAGRAMS);
    ck_assert_uint_eq(seen.first, 8224 * LEAT_MICROSECOND);
    ck_assert_uint_eq(seen.last, (leat_time)DATAGRAMS * 8224 * LEAT_MICROSECOND);
}
END_TEST

START_TEST(a_full_queue_drops_at_its_tail) {
    const sim_link_config config = {.rate = 1000000, .queue = 10};
    arrivals seen = send_many(&config, 0);
    ck_assert_uint_eq(seen.count, 11); /* one was on the wire at once */
    ck_assert_uint_eq(seen.counts[SIM_LINK_TAIL_DROPPED], DATAGRAMS - 11);
}
END_TEST

static void expect_about(uint64_t count, uint64_t percent) {
    uint64_t expected = DATAGRAMS * percent / 100;
    ck_assert_uint_ge(count, expected - expected / 3);
    ck_assert_uint_le(count, expected + expected / 3);
}

START_TEST(losses_come_as_often_as_asked) {
    const sim_link_config config = {.loss = 10 * SIM_PERCENT};
    arrivals seen = send_many(&config, GAP);
    expect_about(seen.counts[SIM_LINK_LOST], 10);
    ck_assert_uint_eq(seen.count + seen.counts[SIM_LINK_LOST], DATAGRAMS);
}
END_TEST

START_TEST(losses_in_a_row_have_a_limit) {
    const sim_link_config config = {.loss = SIM_ALWAYS, .loss_run_max = 3};
    arrivals seen = send_many(&config, GAP);
    ck_assert_uint_eq(seen.count, DATAGRAMS / 4);
}
END_TEST

START_TEST(bursts_take_their_length) {
    const sim_link_config config = {.burst = SIM_PERCENT, .burst_length = 10};
    arrivals seen = send_many(&config, GAP);
    ck_assert_uint_eq(seen.counts[SIM_LINK_LOST_IN_BURST] % 10, 0);
    expect_about(seen.counts[SIM_LINK_LOST_IN_BURST], 9);
}
END_TEST

START_TEST(chosen_numbers_are_dropped) {
    const sim_link_config config = {.drop_numbers = 0x15};
    arrivals seen = send_many(&config, GAP);
    ck_assert_uint_eq(seen.counts[SIM_LINK_LOST_ON_PURPOSE], 3);
    ck_assert_uint_eq(seen.count, DATAGRAMS - 3);
}
END_TEST

START_TEST(duplicates_come_twice) {
    const sim_link_config config = {.duplication = 20 * SIM_PERCENT};
    arrivals seen = send_many(&config, GAP);
    expect_about(seen.counts[SIM_LINK_DUPLICATED], 20);
    ck_assert_uint_eq(seen.count, DATAGRAMS + seen.counts[SIM_LINK_DUPLICATED]);
}
END_TEST

START_TEST(reordered_ones_are_overtaken) {
    const sim_link_config config = {.reordering = 10 * SIM_PERCENT,
                                    .reorder_delay = 3 * LEAT_MILLISECOND};
    arrivals seen = send_many(&config, GAP);
    expect_about(seen.counts[SIM_LINK_REORDERED], 10);
    ck_assert_uint_gt(seen.overtakes, 0);
    ck_assert_uint_eq(seen.count, DATAGRAMS);
}
END_TEST

START_TEST(jitter_does_not_reorder) {
    const sim_link_config config = {.jitter = 20 * LEAT_MILLISECOND};
    arrivals seen = send_many(&config, GAP);
    ck_assert_uint_eq(seen.overtakes, 0);
    ck_assert_uint_eq(seen.count, DATAGRAMS);
}
END_TEST

START_TEST(corrupted_ones_arrive_changed) {
    const sim_link_config config = {.corruption = 10 * SIM_PERCENT};
    arrivals seen = send_many(&config, GAP);
    expect_about(seen.corrupted, 10);
    ck_assert_uint_eq(seen.count, DATAGRAMS);
}
END_TEST

START_TEST(marks_are_set_and_cleared) {
    const sim_link_config marking = {.marking = 10 * SIM_PERCENT};
    expect_about(send_many(&marking, GAP).marked, 10);
    const sim_link_config bleaching = {.marking = SIM_ALWAYS, .bleaching = SIM_ALWAYS};
    ck_assert_uint_eq(send_many(&bleaching, GAP).marked, 0);
}
END_TEST

START_TEST(what_exceeds_the_mtu_vanishes) {
    const sim_link_config small = {.mtu = 1027}, enough = {.mtu = 1028};
    ck_assert_uint_eq(send_many(&small, GAP).count, 0);
    ck_assert_uint_eq(send_many(&enough, GAP).count, DATAGRAMS);
}
END_TEST

START_TEST(a_dead_link_delivers_nothing) {
    const sim_link_config config = {.is_dead = true};
    ck_assert_uint_eq(send_many(&config, GAP).count, 0);
}
END_TEST

/* TEST RFC 8289 §4: a standing queue is drained, or marked, long before it is full. */
START_TEST(codel_keeps_waiting_short) {
    sim_link_config config = {.rate = 8000000, .codel = true};
    arrivals seen = send_many(&config, GAP);
    ck_assert_uint_gt(seen.counts[SIM_LINK_CODEL_DROPPED], 10);
    config.marks = true;
    seen = send_many(&config, GAP);
    ck_assert_uint_eq(seen.counts[SIM_LINK_CODEL_DROPPED], 0);
    ck_assert_uint_eq(seen.marked, seen.counts[SIM_LINK_CODEL_MARKED]);
    ck_assert_uint_gt(seen.marked, 10);
}
END_TEST

/* TEST RFC 8289 §5.3: nothing in the first interval, then ever more often. */
START_TEST(codel_drops_more_often_with_time) {
    sim_codel codel = {0};
    unsigned drops[3] = {0};
    for (leat_time now = 0; now < 3000 * LEAT_MILLISECOND; now += LEAT_MILLISECOND) {
        bool drop = sim_codel_drops(&codel, 20 * LEAT_MILLISECOND, false, now);
        ck_assert(!drop || now >= 100 * LEAT_MILLISECOND);
        drops[now / LEAT_SECOND] += drop;
    }
    ck_assert_uint_gt(drops[0], 5);
    ck_assert_uint_gt(drops[1], drops[0]);
    ck_assert_uint_gt(drops[2], drops[1]);
    ck_assert(!sim_codel_drops(&codel, LEAT_MILLISECOND, false, 3000 * LEAT_MILLISECOND));
}
END_TEST

START_TEST(other_traffic_takes_its_share) {
    const sim_link_config alone = {.rate = 9000000}, shared = {.rate = 9000000,
                                                               .cross_rate = 4000000};
    arrivals fast = send_many(&alone, GAP), slow = send_many(&shared, GAP);
    ck_assert_uint_gt(slow.counts[SIM_LINK_CROSS], 0);
    ck_assert_uint_eq(slow.count, DATAGRAMS);
    ck_assert_uint_gt(slow.last, fast.last + 500 * LEAT_MILLISECOND);
}
END_TEST

START_TEST(a_seed_decides_everything) {
    const sim_link_config config = {.loss = 5 * SIM_PERCENT, .jitter = LEAT_MILLISECOND,
                                    .rate = 9000000, .cross_rate = 1000000};
    ck_assert_uint_eq(send_many(&config, GAP).digest, send_many(&config, GAP).digest);
}
END_TEST

LEAT_TEST_MAIN("sim/link", a_clean_link_delays_and_nothing_else, the_rate_spaces_datagrams,
               a_full_queue_drops_at_its_tail, losses_come_as_often_as_asked,
               losses_in_a_row_have_a_limit, bursts_take_their_length, chosen_numbers_are_dropped,
               duplicates_come_twice, reordered_ones_are_overtaken, jitter_does_not_reorder,
               corrupted_ones_arrive_changed, marks_are_set_and_cleared,
               what_exceeds_the_mtu_vanishes, a_dead_link_delivers_nothing,
               codel_keeps_waiting_short, codel_drops_more_often_with_time,
               other_traffic_takes_its_share, a_seed_decides_everything)
