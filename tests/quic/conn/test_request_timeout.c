/* A client that connects and asks for nothing: attack D15, config.request_timeout. */
#include "../pair.h"

#define LIMIT (15 * LEAT_SECOND)
#define MARGIN LEAT_SECOND /* more than the handshake takes */

static pair *p;
static leat_time begun;

static void start(leat_time limit) {
    p = pair_new();
    p->ends[PAIR_SERVER].config.request_timeout = limit;
    pair_handshake(p);
    begun = p->now;
}

static bool has_ended(pair_side side) {
    return p->ends[side].terminated.type == LEAT_EVENT_CONNECTION_TERMINATED;
}

/* RFC 9000 §10.2: told, with NO_ERROR, and not sooner than agreed. */
START_TEST(a_client_that_asks_for_nothing_is_closed) {
    start(LIMIT);
    pair_run_for(p, LIMIT - MARGIN);
    ck_assert(!has_ended(PAIR_SERVER));
    pair_run_for(p, MARGIN);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_REQUEST_TIMEOUT, LEAT_NO_ERROR);
    pair_settle(p);
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_PEER_TRANSPORT, LEAT_NO_ERROR);
    ck_assert_str_eq(p->ends[PAIR_CLIENT].terminated.connection_terminated.reason_phrase,
                     "no request");
    pair_free(p);
}
END_TEST

START_TEST(a_request_in_the_last_moment_is_in_time) {
    start(LIMIT);
    pair_run_for(p, LIMIT - MARGIN);
    pair_send_text(p, PAIR_CLIENT, false, "here", true);
    pair_run_for(p, 10 * LEAT_SECOND);
    ck_assert(!has_ended(PAIR_SERVER) && !has_ended(PAIR_CLIENT));
    pair_free(p);
}
END_TEST

START_TEST(the_limit_is_kept_to_the_moment) {
    start(LIMIT);
    leat_time due = leat_conn_get_timer(pair_conn(p, PAIR_SERVER));
    while (due <= p->now + LIMIT / 2) { /* others that come before */
        pair_run_for(p, LEAT_SECOND);
        due = leat_conn_get_timer(pair_conn(p, PAIR_SERVER));
    }
    pair_run_for(p, due - p->now - 1);
    ck_assert(!has_ended(PAIR_SERVER));
    pair_run_for(p, 1);
    ck_assert(has_ended(PAIR_SERVER));
    ck_assert_uint_le(p->now, begun + LIMIT);
    pair_free(p);
}
END_TEST

START_TEST(keep_alive_extends_nothing) {
    p = pair_new();
    p->ends[PAIR_SERVER].config.request_timeout = LIMIT;
    p->ends[PAIR_CLIENT].config.keep_alive = LEAT_SECOND;
    pair_handshake(p);
    pair_run_for(p, LIMIT);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_REQUEST_TIMEOUT, LEAT_NO_ERROR);
    pair_free(p);
}
END_TEST

/* HTTP/3 opens three of them before it asks for anything. */
START_TEST(unidirectional_streams_are_no_request) {
    start(LIMIT);
    for (int i = 0; i < 3; i++) {
        pair_send_text(p, PAIR_CLIENT, true, "settings", false);
    }
    pair_run_for(p, LIMIT);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_REQUEST_TIMEOUT, LEAT_NO_ERROR);
    pair_free(p);
}
END_TEST

START_TEST(a_stream_of_the_server_is_no_request) {
    start(LIMIT);
    pair_send_text(p, PAIR_SERVER, false, "hello?", true);
    pair_run_for(p, LIMIT);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_REQUEST_TIMEOUT, LEAT_NO_ERROR);
    pair_free(p);
}
END_TEST

START_TEST(one_request_is_enough_for_life) {
    start(LIMIT);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, false, "once", true);
    pair_settle(p);
    leat_conn_reset_stream(pair_conn(p, PAIR_SERVER), id, 0);
    pair_run_for(p, LIMIT + MARGIN);
    ck_assert(!has_ended(PAIR_SERVER));
    pair_free(p);
}
END_TEST

START_TEST(without_a_limit_a_client_may_stay_silent) {
    start(0);
    pair_run_for(p, 2 * LIMIT - MARGIN); /* below the idle timeout */
    ck_assert(!has_ended(PAIR_SERVER));
    pair_free(p);
}
END_TEST

START_TEST(a_client_has_no_such_limit) {
    p = pair_new();
    p->ends[PAIR_CLIENT].config.request_timeout = LIMIT;
    pair_handshake(p);
    pair_run_for(p, LIMIT + MARGIN);
    ck_assert(!has_ended(PAIR_CLIENT));
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn request_timeout", a_client_that_asks_for_nothing_is_closed,
               a_request_in_the_last_moment_is_in_time, the_limit_is_kept_to_the_moment,
               keep_alive_extends_nothing, unidirectional_streams_are_no_request,
               a_stream_of_the_server_is_no_request, one_request_is_enough_for_life,
               without_a_limit_a_client_may_stay_silent, a_client_has_no_such_limit)
