/* ECN of whole connections, RFC 9000 §13.4: marks, reports, and paths that mangle them. */
#include "../pair.h"

#define TRANSFER 60000

/* What the path does to the marks of a side's datagrams. */
typedef struct marker {
    uint8_t becomes[4];  /* LEAT_ECN_*, by what was sent */
    unsigned seen[2][4]; /* by who sent it and with what */
    unsigned congest;    /* so many marked datagrams of the client become CE */
    bool drops_marked;
} marker;

static bool mark(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    marker *m = user;
    (void)p;
    m->seen[from][datagram->ecn]++;
    if (m->drops_marked && datagram->ecn != LEAT_ECN_NOT_ECT) {
        return false;
    }
    if (from == PAIR_CLIENT && m->congest > 0 && datagram->ecn == LEAT_ECN_ECT0) {
        m->congest--;
        datagram->ecn = LEAT_ECN_CE;
        return true;
    }
    datagram->ecn = m->becomes[datagram->ecn];
    return true;
}

static pair *marked_pair(marker *m) {
    pair *p = pair_new();
    *m = (marker){.becomes = {LEAT_ECN_NOT_ECT, LEAT_ECN_ECT1, LEAT_ECN_ECT0, LEAT_ECN_CE}};
    p->link.filter = mark;
    p->link.filter_user = m;
    return p;
}

static const leat_recovery_path *path_of(pair *p, pair_side side) {
    return &pair_conn(p, side)->paths.active->recovery;
}

static void transfer(pair *p) {
    static uint8_t bytes[TRANSFER];
    uint64_t id = 0;
    ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id), 0);
    pair_send_all(p, PAIR_CLIENT, id, bytes, sizeof bytes, true);
    pair_settle(p);
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->length, TRANSFER);
}

static void assert_capable(pair *p, bool is_capable) {
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        leat_stats stats;
        leat_conn_get_stats(pair_conn(p, side), &stats);
        ck_assert_int_eq(stats.is_ecn_capable, is_capable);
    }
}

START_TEST(both_sides_mark_and_find_the_path_capable) {
    marker m;
    pair *p = marked_pair(&m);
    pair_handshake(p);
    transfer(p);
    assert_capable(p, true);
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        ck_assert_uint_gt(m.seen[side][LEAT_ECN_ECT0], 10);
        ck_assert_uint_eq(m.seen[side][LEAT_ECN_ECT1] + m.seen[side][LEAT_ECN_CE], 0);
    }
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §13.4.1: who does not mark reports what it receives all the same. */
START_TEST(a_side_with_ecn_off_marks_nothing_and_reports_marks) {
    marker m;
    pair *p = marked_pair(&m);
    p->ends[PAIR_SERVER].config.ecn = false;
    pair_handshake(p);
    transfer(p);
    ck_assert_uint_eq(m.seen[PAIR_SERVER][LEAT_ECN_ECT0], 0);
    ck_assert_int_eq(path_of(p, PAIR_CLIENT)->ecn.state, LEAT_ECN_CAPABLE);
    ck_assert_int_eq(path_of(p, PAIR_SERVER)->ecn.state, LEAT_ECN_FAILED);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §13.4.2.1, §13.4.2.2: cleared or changed marks fail, and marking ends. */
static void assert_fails_when_ect0_becomes(uint8_t other) {
    marker m;
    pair *p = marked_pair(&m);
    m.becomes[LEAT_ECN_ECT0] = other;
    pair_handshake(p);
    assert_capable(p, false);
    memset(m.seen, 0, sizeof m.seen);
    transfer(p);
    ck_assert_uint_eq(m.seen[PAIR_CLIENT][LEAT_ECN_ECT0], 0);
    ck_assert_uint_gt(m.seen[PAIR_CLIENT][LEAT_ECN_NOT_ECT], 10);
    ck_assert_int_eq(path_of(p, PAIR_CLIENT)->ecn.state, LEAT_ECN_FAILED);
    pair_free(p);
}

START_TEST(a_path_that_clears_marks_fails) { assert_fails_when_ect0_becomes(LEAT_ECN_NOT_ECT); }
END_TEST

START_TEST(a_path_that_changes_marks_fails) { assert_fails_when_ect0_becomes(LEAT_ECN_ECT1); }
END_TEST

/* TEST RFC 9002 §7.1, §7.3.1: CE is one congestion event in a round trip, without any loss. */
START_TEST(congestion_marks_of_one_flight_reduce_the_window_once) {
    marker m;
    pair *p = marked_pair(&m);
    p->ends[PAIR_CLIENT].config.congestion_control = "newreno";
    pair_handshake(p);
    uint64_t window = leat_congestion_window(&path_of(p, PAIR_CLIENT)->congestion), id = 0;
    static uint8_t bytes[8000];
    m.congest = 5;
    ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id), 0);
    pair_send_all(p, PAIR_CLIENT, id, bytes, sizeof bytes, true);
    pair_settle(p);
    ck_assert_uint_eq(m.congest, 0);
    leat_stats stats;
    leat_conn_get_stats(pair_conn(p, PAIR_CLIENT), &stats);
    ck_assert_uint_eq(stats.packets_marked_ce, 5);
    ck_assert_uint_eq(stats.packets_lost, 0);
    ck_assert_uint_lt(stats.congestion_window, window);
    ck_assert_uint_ge(stats.congestion_window, window / 2);
    ck_assert_int_eq(path_of(p, PAIR_CLIENT)->ecn.state, LEAT_ECN_CAPABLE);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §13.4.1: a duplicate is not counted, so nobody can feign marks by repeating. */
START_TEST(duplicates_do_not_count) {
    marker m;
    pair *p = marked_pair(&m);
    p->link.duplication = 100;
    pair_handshake(p);
    transfer(p);
    assert_capable(p, true);
    const leat_conn_space *space = pair_conn(p, PAIR_SERVER)->spaces[LEAT_SPACE_APPLICATION];
    ck_assert_uint_le(space->acks.ecn[0], space->acks.largest_received + 1);
    ck_assert_uint_eq(space->acks.ecn[1] + space->acks.ecn[2], 0);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §13.4.2: a network that drops what is marked delays the handshake, no more. */
START_TEST(a_path_that_drops_marked_datagrams_still_connects) {
    marker m;
    pair *p = marked_pair(&m);
    m.drops_marked = true;
    pair_start(p);
    pair_run_for(p, 9 * LEAT_SECOND);
    ck_assert(pair_conn(p, PAIR_CLIENT)->handshake.is_confirmed);
    transfer(p);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §13.4.2: what was learned of one path says nothing of the next. */
START_TEST(a_new_path_is_validated_anew) {
    marker m;
    pair *p = marked_pair(&m);
    m.becomes[LEAT_ECN_ECT0] = LEAT_ECN_NOT_ECT;
    pair_handshake(p);
    transfer(p);
    ck_assert_int_eq(path_of(p, PAIR_SERVER)->ecn.state, LEAT_ECN_FAILED);
    m.becomes[LEAT_ECN_ECT0] = LEAT_ECN_ECT0;
    p->ends[PAIR_CLIENT].address.port++;
    pair_send_text(p, PAIR_CLIENT, false, "from elsewhere", true);
    pair_settle(p);
    ck_assert_int_eq(path_of(p, PAIR_SERVER)->ecn.state, LEAT_ECN_CAPABLE);
    ck_assert_int_eq(path_of(p, PAIR_CLIENT)->ecn.state, LEAT_ECN_FAILED);
    pair_free(p);
}
END_TEST

/*
 * TEST RFC 9000 §8.2.1: whether the path carries 1200 bytes is asked without marks. With them no
 * answer comes, the server goes back to an address that is gone, its client brings it here again,
 * and so on without end.
 */
START_TEST(a_rebinding_where_marked_datagrams_are_dropped_is_followed) {
    marker m;
    pair *p = marked_pair(&m);
    m.drops_marked = true;
    p->link.delay = 500 * LEAT_MILLISECOND; /* validation is over before two probe timeouts */
    pair_start(p);
    pair_run_for(p, 15 * LEAT_SECOND);
    p->ends[PAIR_CLIENT].address.port++;
    for (unsigned i = 0; i < 40; i++) {
        leat_conn_send_ping(pair_conn(p, PAIR_CLIENT), i + 1);
        leat_conn_send_ping(pair_conn(p, PAIR_SERVER), i + 1);
        pair_run_for(p, 500 * LEAT_MILLISECOND);
    }
    const leat_path_state *path = pair_conn(p, PAIR_SERVER)->paths.active;
    ck_assert_uint_eq(path->addresses.remote.port, p->ends[PAIR_CLIENT].address.port);
    ck_assert(path->is_validated && !path->is_challenging);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_PATH_VALIDATED], 1);
    ck_assert_uint_ge(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_PING_ACKNOWLEDGED], 30);
    pair_free(p);
}
END_TEST

/* One send call with GSO has one mark for all its datagrams. */
START_TEST(a_batch_ends_where_the_mark_changes) {
    pair *p = pair_new();
    pair_handshake(p);
    leat_conn *conn = pair_conn(p, PAIR_CLIENT);
    conn->paths.active->recovery.ecn =
        (leat_ecn){.state = LEAT_ECN_TESTING, .test_sent = LEAT_ECN_TEST_PACKETS - 4};
    static uint8_t bytes[30000], buffer[65536];
    uint64_t id = 0;
    ck_assert_int_eq(leat_conn_open_stream(conn, true, &id), 0);
    leat_conn_send_stream_data(conn, id, bytes, sizeof bytes, false);
    leat_transmit out;
    size_t length = leat_conn_datagrams_to_send(conn, buffer, sizeof buffer, &out, p->now);
    ck_assert_uint_eq(out.ecn, LEAT_ECN_ECT0);
    ck_assert_uint_eq(length / out.segment_size, 4);
    length = leat_conn_datagrams_to_send(conn, buffer, sizeof buffer, &out, p->now);
    ck_assert_uint_gt(length, 0);
    ck_assert_uint_eq(out.ecn, LEAT_ECN_NOT_ECT);
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn ecn", both_sides_mark_and_find_the_path_capable,
               a_side_with_ecn_off_marks_nothing_and_reports_marks, a_path_that_clears_marks_fails,
               a_path_that_changes_marks_fails,
               congestion_marks_of_one_flight_reduce_the_window_once, duplicates_do_not_count,
               a_path_that_drops_marked_datagrams_still_connects, a_new_path_is_validated_anew,
               a_rebinding_where_marked_datagrams_are_dropped_is_followed,
               a_batch_ends_where_the_mark_changes)
