/* Idle timeout, keep-alive, handshake timeout and liveness: RFC 9000 §10.1; the silence of a peer
 * and when it is told. */
#include "../pair.h"

static void set_idle(pair *p, leat_time client, leat_time server) {
    p->ends[PAIR_CLIENT].config.max_idle_timeout = client;
    p->ends[PAIR_SERVER].config.max_idle_timeout = server;
}

static leat_time end_of(pair *p, pair_side side, leat_time limit) {
    leat_time from = p->now;
    while (p->ends[side].terminated.type == LEAT_EVENT_NONE && p->now - from < limit) {
        pair_run_for(p, 50 * LEAT_MILLISECOND);
    }
    ck_assert_int_eq(p->ends[side].terminated.type, LEAT_EVENT_CONNECTION_TERMINATED);
    return p->now - from;
}

/* TEST RFC 9000 §10.1: the lesser of both ends it, in silence. */
START_TEST(the_lesser_idle_timeout_ends_both_sides) {
    pair *p = pair_new();
    set_idle(p, 20 * LEAT_SECOND, 5 * LEAT_SECOND);
    pair_handshake(p);
    size_t sent = p->ends[PAIR_SERVER].datagrams_out;
    leat_time lasted = end_of(p, PAIR_CLIENT, 60 * LEAT_SECOND);
    ck_assert_uint_ge(lasted, 4 * LEAT_SECOND);
    ck_assert_uint_le(lasted, 6 * LEAT_SECOND);
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_IDLE_TIMEOUT, LEAT_NO_ERROR);
    ck_assert_uint_ge(p->ends[PAIR_CLIENT].terminated.connection_terminated.silent_for,
                      4 * LEAT_SECOND);
    ck_assert(leat_conn_is_closed(pair_conn(p, PAIR_CLIENT)));
    pair_run_for(p, LEAT_SECOND);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_IDLE_TIMEOUT, LEAT_NO_ERROR);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].datagrams_out, sent);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §10.1: 0 is no timeout at all. */
START_TEST(zero_disables_the_idle_timeout) {
    pair *p = pair_new();
    set_idle(p, 0, 0);
    pair_handshake(p);
    pair_run_for(p, 3600 * LEAT_SECOND);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_CLIENT)));
    ck_assert_uint_eq(leat_conn_get_timer(pair_conn(p, PAIR_CLIENT)), LEAT_TIME_NEVER);
    pair_free(p);
}
END_TEST

START_TEST(zero_on_one_side_takes_the_others) {
    pair *p = pair_new();
    set_idle(p, 0, 5 * LEAT_SECOND);
    pair_handshake(p);
    end_of(p, PAIR_CLIENT, 10 * LEAT_SECOND);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §10.1: not below three PTOs. */
START_TEST(the_idle_timeout_is_at_least_three_ptos) {
    pair *p = pair_new();
    p->link.delay = 200 * LEAT_MILLISECOND;
    set_idle(p, 100 * LEAT_MILLISECOND, 100 * LEAT_MILLISECOND);
    pair_handshake(p);
    leat_time lasted = end_of(p, PAIR_CLIENT, 60 * LEAT_SECOND);
    ck_assert_uint_gt(lasted, 900 * LEAT_MILLISECOND);
    pair_free(p);
}
END_TEST

START_TEST(traffic_restarts_the_idle_timeout) {
    pair *p = pair_new();
    set_idle(p, 5 * LEAT_SECOND, 5 * LEAT_SECOND);
    pair_handshake(p);
    for (unsigned i = 0; i < 10; i++) {
        pair_run_for(p, 4 * LEAT_SECOND);
        pair_send_text(p, PAIR_CLIENT, true, "x", true);
    }
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_CLIENT)));
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)));
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §10.1: what goes unanswered does not keep a connection alive. */
START_TEST(sending_into_a_void_does_not_restart_it_for_ever) {
    pair *p = pair_new();
    set_idle(p, 5 * LEAT_SECOND, 5 * LEAT_SECOND);
    pair_handshake(p);
    p->link.black_hole[PAIR_SERVER] = p->link.black_hole[PAIR_CLIENT] = true;
    leat_time from = p->now;
    while (p->ends[PAIR_CLIENT].terminated.type == LEAT_EVENT_NONE &&
           p->now - from < 60 * LEAT_SECOND) {
        leat_conn_send_ping(pair_conn(p, PAIR_CLIENT), 1);
        pair_run_for(p, LEAT_SECOND);
    }
    ck_assert_uint_le(p->now - from, 7 * LEAT_SECOND);
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_IDLE_TIMEOUT, LEAT_NO_ERROR);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §10.1.2 */
START_TEST(keep_alive_keeps_an_idle_connection) {
    pair *p = pair_new();
    set_idle(p, 5 * LEAT_SECOND, 5 * LEAT_SECOND);
    p->ends[PAIR_CLIENT].config.keep_alive = 2 * LEAT_SECOND;
    pair_handshake(p);
    size_t sent = p->ends[PAIR_CLIENT].datagrams_out;
    pair_run_for(p, 100 * LEAT_SECOND);
    sent = p->ends[PAIR_CLIENT].datagrams_out - sent;
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_CLIENT)));
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)));
    ck_assert_msg(sent >= 40 && sent <= 60, "%zu datagrams in 100 s", sent);
    pair_free(p);
}
END_TEST

START_TEST(keep_alive_does_not_save_a_dead_connection) {
    pair *p = pair_new();
    set_idle(p, 5 * LEAT_SECOND, 5 * LEAT_SECOND);
    p->ends[PAIR_CLIENT].config.keep_alive = LEAT_SECOND;
    pair_handshake(p);
    p->link.black_hole[PAIR_SERVER] = true;
    end_of(p, PAIR_CLIENT, 20 * LEAT_SECOND);
    pair_free(p);
}
END_TEST

START_TEST(a_handshake_that_nobody_answers_times_out) {
    pair *p = pair_new();
    set_idle(p, 60 * LEAT_SECOND, 60 * LEAT_SECOND);
    p->link.black_hole[PAIR_SERVER] = true;
    pair_start(p);
    leat_time lasted = end_of(p, PAIR_CLIENT, 30 * LEAT_SECOND);
    ck_assert_uint_ge(lasted, 10 * LEAT_SECOND);
    ck_assert_uint_le(lasted, 10100 * LEAT_MILLISECOND);
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_HANDSHAKE_TIMEOUT, LEAT_NO_ERROR);
    pair_free(p);
}
END_TEST

START_TEST(a_server_gives_up_an_unfinished_handshake) {
    pair *p = pair_new();
    pair_start(p);
    pair_flush(p, PAIR_CLIENT);
    ck_assert(pair_step(p, p->now + LEAT_SECOND));
    p->link.black_hole[PAIR_SERVER] = true;
    end_of(p, PAIR_SERVER, 30 * LEAT_SECOND);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_HANDSHAKE_TIMEOUT, LEAT_NO_ERROR);
    pair_free(p);
}
END_TEST

/* ---- liveness -------------------------------------------------------------------------------- */

static pair *watched_pair(leat_time limit) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.liveness = limit;
    p->link.delay = 50 * LEAT_MILLISECOND;
    pair_handshake(p);
    pair_run_for(p, 5 * LEAT_SECOND);
    leat_conn_want_liveness(pair_conn(p, PAIR_SERVER), true);
    return p;
}

static void cut(pair *p) {
    p->link.black_hole[PAIR_CLIENT] = p->link.black_hole[PAIR_SERVER] = true;
}
static void mend(pair *p) {
    p->link.black_hole[PAIR_CLIENT] = p->link.black_hole[PAIR_SERVER] = false;
}

START_TEST(a_peer_that_vanished_is_reported_at_the_limit) {
    pair *p = watched_pair(3 * LEAT_SECOND);
    pair_run_for(p, 10 * LEAT_SECOND);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)));
    pair_take_events(p, PAIR_SERVER);
    cut(p);
    leat_time lasted = end_of(p, PAIR_SERVER, 10 * LEAT_SECOND);
    ck_assert_uint_le(lasted, 3050 * LEAT_MILLISECOND);
    ck_assert_uint_ge(lasted, 2400 * LEAT_MILLISECOND);
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "PeerUnresponsive ConnectionTerminated");
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_LIVENESS_TIMEOUT, LEAT_NO_ERROR);
    ck_assert_uint_ge(p->ends[PAIR_SERVER].terminated.connection_terminated.silent_for,
                      3 * LEAT_SECOND);
    pair_free(p);
}
END_TEST

START_TEST(a_peer_that_comes_back_in_time_is_reported_and_lives) {
    pair *p = watched_pair(3 * LEAT_SECOND);
    pair_run_for(p, 2 * LEAT_SECOND);
    pair_take_events(p, PAIR_SERVER);
    cut(p);
    pair_run_for(p, 2 * LEAT_SECOND);
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "PeerUnresponsive");
    mend(p);
    pair_run_for(p, 600 * LEAT_MILLISECOND);
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "PeerResponsive");
    pair_run_for(p, 30 * LEAT_SECOND);
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "");
    pair_free(p);
}
END_TEST

START_TEST(silence_is_probed_every_quarter_of_a_second) {
    pair *p = watched_pair(3 * LEAT_SECOND);
    p->link.black_hole[PAIR_CLIENT] = true;
    size_t before = p->ends[PAIR_SERVER].datagrams_out;
    pair_run_for(p, 480 * LEAT_MILLISECOND);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].datagrams_out, before);
    p->link.black_hole[PAIR_SERVER] = true;
    pair_run_for(p, 1100 * LEAT_MILLISECOND);
    size_t probes = p->ends[PAIR_SERVER].datagrams_out - before;
    ck_assert_msg(probes >= 4 && probes <= 12, "%zu probes", probes);
    pair_free(p);
}
END_TEST

START_TEST(nobody_is_watched_unless_it_is_wanted) {
    pair *p = watched_pair(3 * LEAT_SECOND);
    leat_conn_want_liveness(pair_conn(p, PAIR_SERVER), false);
    cut(p);
    pair_run_for(p, 10 * LEAT_SECOND);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)));
    pair_free(p);
}
END_TEST

START_TEST(liveness_is_counted) {
    pair *p = watched_pair(3 * LEAT_SECOND);
    leat_conn_want_liveness(pair_conn(p, PAIR_SERVER), true);
    leat_conn_want_liveness(pair_conn(p, PAIR_SERVER), false);
    cut(p);
    end_of(p, PAIR_SERVER, 4 * LEAT_SECOND);
    pair_free(p);
}
END_TEST

/* The peer's own idle timeout must not be fed by the probing of a side that gave up asking. */
START_TEST(silence_before_it_was_wanted_does_not_count) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.liveness = 2 * LEAT_SECOND;
    pair_handshake(p);
    pair_run_for(p, 20 * LEAT_SECOND);
    leat_conn_want_liveness(pair_conn(p, PAIR_SERVER), true);
    pair_take_events(p, PAIR_SERVER);
    pair_run_for(p, 5 * LEAT_SECOND);
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "");
    pair_free(p);
}
END_TEST

/* ---- PING ------------------------------------------------------------------------------------ */

static uint64_t seen_uid;
static leat_time seen_rtt;

static void see_ping(void *user, pair *p, pair_side side, const leat_event *event) {
    (void)user, (void)p, (void)side;
    if (event->type == LEAT_EVENT_PING_ACKNOWLEDGED) {
        seen_uid = event->ping_acknowledged.uid;
        seen_rtt = event->ping_acknowledged.rtt;
    }
}

START_TEST(a_ping_is_acknowledged_with_its_uid_and_rtt) {
    pair *p = pair_new();
    pair_handshake(p);
    p->on_event = see_ping;
    leat_conn_send_ping(pair_conn(p, PAIR_CLIENT), 4711);
    pair_settle(p);
    ck_assert_uint_eq(seen_uid, 4711);
    ck_assert_uint_ge(seen_rtt, 20 * LEAT_MILLISECOND);
    ck_assert_uint_le(seen_rtt, 50 * LEAT_MILLISECOND);
    pair_free(p);
}
END_TEST

START_TEST(a_lost_ping_is_sent_again) {
    pair *p = pair_new();
    pair_handshake(p);
    p->link.black_hole[PAIR_SERVER] = true;
    leat_conn_send_ping(pair_conn(p, PAIR_CLIENT), 5);
    pair_flush(p, PAIR_CLIENT);
    p->link.black_hole[PAIR_SERVER] = false;
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_PING_ACKNOWLEDGED], 1);
    pair_free(p);
}
END_TEST

START_TEST(pings_are_bounded) {
    pair *p = pair_new();
    pair_handshake(p);
    for (unsigned i = 0; i < LEAT_PINGS_MAX; i++) {
        ck_assert_int_eq(leat_conn_send_ping(pair_conn(p, PAIR_CLIENT), i + 1), 0);
    }
    ck_assert_int_eq(leat_conn_send_ping(pair_conn(p, PAIR_CLIENT), 1), LEAT_ERR_FULL);
    pair_settle(p);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_PING_ACKNOWLEDGED],
                      LEAT_PINGS_MAX);
    pair_free(p);
}
END_TEST

/* A clock that goes backwards stands still. */
START_TEST(time_does_not_run_backwards) {
    pair *p = pair_new();
    uint8_t buffer[1500];
    leat_transmit out;
    pair_handshake(p);
    leat_time before = pair_conn(p, PAIR_CLIENT)->now;
    leat_conn_datagrams_to_send(pair_conn(p, PAIR_CLIENT), buffer, sizeof buffer, &out, 5);
    ck_assert_uint_eq(pair_conn(p, PAIR_CLIENT)->now, before);
    leat_conn_handle_timer(pair_conn(p, PAIR_CLIENT), 0);
    ck_assert_uint_eq(pair_conn(p, PAIR_CLIENT)->now, before);
    pair_free(p);
}
END_TEST

/* Attack of one's own: pings by the hundred into an outage. None that was taken is forgotten. */
START_TEST(every_ping_that_was_taken_is_answered) {
    pair *p = pair_new();
    unsigned taken = 0;
    pair_handshake(p);
    p->link.black_hole[PAIR_SERVER] = true;
    for (unsigned i = 0; i < 200; i++) {
        taken += leat_conn_send_ping(pair_conn(p, PAIR_CLIENT), i + 1) == LEAT_OK;
        pair_run_for(p, LEAT_MILLISECOND);
    }
    p->link.black_hole[PAIR_SERVER] = false;
    pair_run_for(p, 5 * LEAT_SECOND);
    ck_assert_uint_eq(taken, LEAT_PINGS_MAX);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_PING_ACKNOWLEDGED], taken);
    ck_assert_int_eq(leat_conn_send_ping(pair_conn(p, PAIR_CLIENT), 1000), 0);
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/timers", the_lesser_idle_timeout_ends_both_sides,
               zero_disables_the_idle_timeout,
               zero_on_one_side_takes_the_others, the_idle_timeout_is_at_least_three_ptos,
                   traffic_restarts_the_idle_timeout,
               sending_into_a_void_does_not_restart_it_for_ever,
                   keep_alive_keeps_an_idle_connection,
               keep_alive_does_not_save_a_dead_connection,
                   a_handshake_that_nobody_answers_times_out,
               a_server_gives_up_an_unfinished_handshake,
                   a_peer_that_vanished_is_reported_at_the_limit,
               a_peer_that_comes_back_in_time_is_reported_and_lives,
                   silence_is_probed_every_quarter_of_a_second,
               nobody_is_watched_unless_it_is_wanted, liveness_is_counted,
                   silence_before_it_was_wanted_does_not_count,
               a_ping_is_acknowledged_with_its_uid_and_rtt, a_lost_ping_is_sent_again,
                   pings_are_bounded,
               time_does_not_run_backwards,
               every_ping_that_was_taken_is_answered)
