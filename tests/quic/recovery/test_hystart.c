/* The phases of HyStart++ and what moves between them: hystart.c, RFC 9406. */
#include "leat_test.h"
#include "quic/recovery/hystart.h"

#define MS LEAT_MILLISECOND
#define MTU 1200

typedef struct slow_start {
    leat_hystart hystart;
    uint64_t delivered;
    bool is_over;
} slow_start;

static slow_start begin(void) {
    slow_start s = {.delivered = 0};
    leat_hystart_init(&s.hystart);
    return s;
}

/* `count` ACKs that all measure `rtt`: the first one is of data sent after the last round. */
static void run_round(slow_start *s, unsigned count, leat_time rtt) {
    uint64_t at_start = s->delivered;
    for (unsigned i = 0; i < count; i++) {
        s->delivered += MTU;
        leat_rate_sample sample = {
            .prior_delivered = i == 0 ? at_start : 0, .delivered = s->delivered, .rtt = rtt};
        s->is_over |= leat_hystart_on_ack_end(&s->hystart, &sample);
    }
}

static bool is_conservative(const slow_start *s) {
    return leat_hystart_is_conservative(&s->hystart);
}

START_TEST(it_begins_in_slow_start_and_grows_by_what_is_acknowledged) {
    slow_start s = begin();
    ck_assert(!is_conservative(&s));
    ck_assert_uint_eq(leat_hystart_growth(&s.hystart, 4000), 4000);
}
END_TEST

START_TEST(a_steady_rtt_never_ends_slow_start) {
    slow_start s = begin();
    for (unsigned round = 0; round < 30; round++) {
        run_round(&s, 20, 50 * MS);
    }
    ck_assert(!is_conservative(&s) && !s.is_over);
}
END_TEST

/* TEST RFC 9406 §4.2: 100 / 8 is 12.5 ms, within 4 to 16. */
START_TEST(an_rtt_an_eighth_longer_makes_it_conservative) {
    slow_start s = begin();
    run_round(&s, 8, 100 * MS);
    run_round(&s, 8, 112 * MS);
    ck_assert(!is_conservative(&s));
    run_round(&s, 8, 126 * MS); /* 112 + 14 */
    ck_assert(is_conservative(&s));
    ck_assert_uint_eq(leat_hystart_growth(&s.hystart, 4000), 1000);
}
END_TEST

START_TEST(on_short_paths_less_than_four_milliseconds_are_no_sign) {
    slow_start s = begin();
    run_round(&s, 8, 2 * MS);
    run_round(&s, 8, 2 * MS + 4 * MS - 1);
    ck_assert(!is_conservative(&s));
    s = begin();
    run_round(&s, 8, 2 * MS);
    run_round(&s, 8, 6 * MS);
    ck_assert(is_conservative(&s));
}
END_TEST

START_TEST(on_long_paths_sixteen_milliseconds_are_enough) {
    slow_start s = begin();
    run_round(&s, 8, 400 * MS);
    run_round(&s, 8, 416 * MS - 1);
    ck_assert(!is_conservative(&s));
    s = begin();
    run_round(&s, 8, 400 * MS);
    run_round(&s, 8, 416 * MS);
    ck_assert(is_conservative(&s));
}
END_TEST

START_TEST(fewer_than_eight_samples_decide_nothing) {
    slow_start s = begin();
    run_round(&s, 8, 100 * MS);
    run_round(&s, 7, 200 * MS);
    ck_assert(!is_conservative(&s));
    run_round(&s, 7, 100 * MS);
    ck_assert(!is_conservative(&s));
}
END_TEST

START_TEST(the_shortest_rtt_of_a_round_is_what_counts) {
    slow_start s = begin();
    run_round(&s, 8, 100 * MS);
    uint64_t at_start = s.delivered;
    for (unsigned i = 0; i < 12; i++) {
        leat_rate_sample sample = {.prior_delivered = i == 0 ? at_start : 0,
            .delivered = s.delivered + i * MTU,
            .rtt = i == 3 ? 100 * MS : 200 * MS};
        ck_assert(!leat_hystart_on_ack_end(&s.hystart, &sample));
    }
    ck_assert(!is_conservative(&s));
}
END_TEST

START_TEST(acks_without_a_sample_count_for_rounds_only) {
    slow_start s = begin();
    run_round(&s, 8, 100 * MS);
    run_round(&s, 20, 0);
    ck_assert_uint_eq(s.hystart.rtt_sample_count, 0);
    ck_assert(!is_conservative(&s));
}
END_TEST

/* TEST RFC 9406 §4.2: the increase was no queue. */
START_TEST(a_shorter_rtt_brings_it_back_to_slow_start) {
    slow_start s = begin();
    run_round(&s, 8, 100 * MS);
    run_round(&s, 8, 130 * MS);
    ck_assert(is_conservative(&s));
    run_round(&s, 8, 129 * MS);
    ck_assert(!is_conservative(&s) && !s.is_over);
}
END_TEST

/* TEST RFC 9406 §4.2: five rounds, the part of the first one included. */
START_TEST(five_conservative_rounds_end_slow_start) {
    slow_start s = begin();
    run_round(&s, 8, 100 * MS);
    for (unsigned round = 0; round < 5; round++) {
        run_round(&s, 8, 130 * MS);
        ck_assert(is_conservative(&s) && !s.is_over);
    }
    run_round(&s, 1, 130 * MS);
    ck_assert(s.is_over);
}
END_TEST

START_TEST(conservative_rounds_are_counted_anew_after_slow_start_resumed) {
    slow_start s = begin();
    run_round(&s, 8, 100 * MS);
    for (unsigned round = 0; round < 4; round++) {
        run_round(&s, 8, 130 * MS);
    }
    run_round(&s, 8, 100 * MS);
    ck_assert(!is_conservative(&s));
    for (unsigned round = 0; round < 5; round++) {
        run_round(&s, 8, 130 * MS);
        ck_assert(is_conservative(&s) && !s.is_over);
    }
}
END_TEST

LEAT_TEST_MAIN("quic/recovery hystart", it_begins_in_slow_start_and_grows_by_what_is_acknowledged,
    a_steady_rtt_never_ends_slow_start, an_rtt_an_eighth_longer_makes_it_conservative,
    on_short_paths_less_than_four_milliseconds_are_no_sign,
    on_long_paths_sixteen_milliseconds_are_enough, fewer_than_eight_samples_decide_nothing,
    the_shortest_rtt_of_a_round_is_what_counts, acks_without_a_sample_count_for_rounds_only,
    a_shorter_rtt_brings_it_back_to_slow_start, five_conservative_rounds_end_slow_start,
    conservative_rounds_are_counted_anew_after_slow_start_resumed)
