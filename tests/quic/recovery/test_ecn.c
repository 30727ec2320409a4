/* ECN validation: quic/recovery/ecn.c, RFC 9000 §13.4.2. */
#include "leat_test.h"
#include "quic/recovery/ecn.h"

#include <leat/quic.h>

typedef struct fixture {
    leat_ecn ecn;
    leat_ecn_ledger ledger;
} fixture;

static fixture send_marked(unsigned count) {
    fixture f = {0};
    leat_ecn_init(&f.ecn, true);
    for (unsigned i = 0; i < count; i++) {
        leat_ecn_on_sent(&f.ecn, &f.ledger, leat_ecn_mark(&f.ecn));
    }
    return f;
}

static leat_ecn_verdict ack(
    fixture *f, uint64_t newly_acked, uint64_t ect0, uint64_t ect1, uint64_t ce) {
    leat_ecn_counts counts = {ect0, ect1, ce};
    return leat_ecn_on_ack(&f->ecn, &f->ledger, newly_acked, &counts);
}

START_TEST(ten_packets_are_marked_and_then_the_answer_is_awaited) {
    fixture f = send_marked(100);
    ck_assert_uint_eq(f.ledger.sent_ect0, LEAT_ECN_TEST_PACKETS);
    ck_assert_int_eq(f.ecn.state, LEAT_ECN_UNKNOWN);
    ck_assert_uint_eq(leat_ecn_mark(&f.ecn), LEAT_ECN_NOT_ECT);
}
END_TEST

START_TEST(counts_that_add_up_make_the_path_capable) {
    fixture f = send_marked(10);
    ck_assert_int_eq(ack(&f, 3, 3, 0, 0), LEAT_ECN_NOTHING_NEW);
    ck_assert_int_eq(f.ecn.state, LEAT_ECN_CAPABLE);
    ck_assert_uint_eq(leat_ecn_mark(&f.ecn), LEAT_ECN_ECT0);
}
END_TEST

/* TEST RFC 9002 §7.3.1-1: a grown CE count is congestion, once. */
START_TEST(new_congestion_marks_are_reported_once) {
    fixture f = send_marked(10);
    ck_assert_int_eq(ack(&f, 3, 2, 0, 1), LEAT_ECN_CONGESTION);
    ck_assert_int_eq(ack(&f, 1, 3, 0, 1), LEAT_ECN_NOTHING_NEW);
    ck_assert_int_eq(ack(&f, 1, 3, 0, 2), LEAT_ECN_CONGESTION);
}
END_TEST

/* TEST RFC 9000 §13.4.2.2-1: after a failure nothing is marked any more. */
static void assert_fails(fixture *f, leat_ecn_verdict verdict) {
    ck_assert_int_eq(verdict, LEAT_ECN_INVALID);
    ck_assert_int_eq(f->ecn.state, LEAT_ECN_FAILED);
    ck_assert_uint_eq(leat_ecn_mark(&f->ecn), LEAT_ECN_NOT_ECT);
    ck_assert_int_eq(ack(f, 0, 10, 0, 0), LEAT_ECN_NOTHING_NEW);
}

START_TEST(an_ack_of_marked_packets_without_counts_fails) {
    fixture f = send_marked(10);
    assert_fails(&f, leat_ecn_on_ack(&f.ecn, &f.ledger, 1, NULL));
}
END_TEST

START_TEST(an_ack_of_unmarked_packets_needs_no_counts) {
    fixture f = send_marked(10);
    ck_assert_int_eq(leat_ecn_on_ack(&f.ecn, &f.ledger, 0, NULL), LEAT_ECN_NOTHING_NEW);
    ck_assert_int_eq(f.ecn.state, LEAT_ECN_UNKNOWN);
}
END_TEST

START_TEST(counts_below_what_was_acknowledged_fail) {
    fixture f = send_marked(10);
    assert_fails(&f, ack(&f, 3, 2, 0, 0));
}
END_TEST

/* D5: counts that shrink, exceed what was sent, or are of a kind that was never sent. */
START_TEST(shrinking_counts_fail) {
    fixture f = send_marked(10);
    ack(&f, 5, 5, 0, 0);
    assert_fails(&f, ack(&f, 0, 4, 0, 1));
}
END_TEST

START_TEST(counts_above_what_was_sent_fail) {
    fixture f = send_marked(10);
    assert_fails(&f, ack(&f, 1, 11, 0, 0));
    f = send_marked(10);
    assert_fails(&f, ack(&f, 1, 5, 0, 6));
    f = send_marked(10);
    assert_fails(&f, ack(&f, 1, UINT64_MAX, 0, UINT64_MAX));
}
END_TEST

START_TEST(a_mark_that_was_never_sent_fails) {
    fixture f = send_marked(10);
    assert_fails(&f, ack(&f, 1, 1, 1, 0));
}
END_TEST

START_TEST(losing_all_test_packets_fails) {
    fixture f = send_marked(10);
    for (unsigned i = 0; i < 9; i++) {
        leat_ecn_on_lost(&f.ecn);
        ck_assert_int_eq(f.ecn.state, LEAT_ECN_UNKNOWN);
    }
    leat_ecn_on_lost(&f.ecn);
    ck_assert_int_eq(f.ecn.state, LEAT_ECN_FAILED);
}
END_TEST

/* TEST RFC 9000 §13.4.2: what is marked may be dropped, so marks rest while nothing is answered. */
START_TEST(marks_rest_after_two_timeouts_in_a_row) {
    fixture f = send_marked(3);
    leat_ecn_on_pto(&f.ecn, 1);
    ck_assert_uint_eq(leat_ecn_mark(&f.ecn), LEAT_ECN_ECT0);
    leat_ecn_on_pto(&f.ecn, 2);
    ck_assert_uint_eq(leat_ecn_mark(&f.ecn), LEAT_ECN_NOT_ECT);
    ck_assert_int_eq(ack(&f, 1, 1, 0, 0), LEAT_ECN_NOTHING_NEW);
    ck_assert_uint_eq(leat_ecn_mark(&f.ecn), LEAT_ECN_ECT0);
}
END_TEST

/* TEST RFC 9000 §13.4.2: validation is per path, although counts are per packet number space. */
START_TEST(a_new_path_begins_with_the_counts_that_another_one_left) {
    fixture f = send_marked(10);
    ack(&f, 1, 0, 4, 0);
    ck_assert_int_eq(f.ecn.state, LEAT_ECN_FAILED);
    leat_ecn_init(&f.ecn, true);
    leat_ecn_on_sent(&f.ecn, &f.ledger, leat_ecn_mark(&f.ecn));
    ck_assert_int_eq(ack(&f, 1, 1, 4, 0), LEAT_ECN_NOTHING_NEW);
    ck_assert_int_eq(f.ecn.state, LEAT_ECN_CAPABLE);
}
END_TEST

START_TEST(a_disabled_path_marks_nothing) {
    leat_ecn ecn;
    leat_ecn_init(&ecn, false);
    ck_assert_uint_eq(leat_ecn_mark(&ecn), LEAT_ECN_NOT_ECT);
}
END_TEST

LEAT_TEST_MAIN("quic/recovery ecn", ten_packets_are_marked_and_then_the_answer_is_awaited,
    counts_that_add_up_make_the_path_capable, new_congestion_marks_are_reported_once,
    an_ack_of_marked_packets_without_counts_fails, an_ack_of_unmarked_packets_needs_no_counts,
    counts_below_what_was_acknowledged_fail, shrinking_counts_fail, counts_above_what_was_sent_fail,
    a_mark_that_was_never_sent_fails, losing_all_test_packets_fails,
    marks_rest_after_two_timeouts_in_a_row,
    a_new_path_begins_with_the_counts_that_another_one_left, a_disabled_path_marks_nothing)
