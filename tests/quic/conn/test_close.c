/* How connections end: RFC 9000 §10.2 and §10.3, and ConnectionTerminated: at once, exactly once,
 * last. */
#include "../pair.h"

START_TEST(a_local_close_is_told_at_once_on_both_sides) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_CLIENT);
    pair_take_events(p, PAIR_SERVER);
    leat_conn_close(pair_conn(p, PAIR_CLIENT), 42, "bye");
    ck_assert_str_eq(pair_take_events(p, PAIR_CLIENT), "ConnectionTerminated");
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_LOCAL, 42);
    ck_assert(!leat_conn_is_closed(pair_conn(p, PAIR_CLIENT)));
    pair_run_for(p, 11 * LEAT_MILLISECOND);
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "ConnectionTerminated");
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PEER_APPLICATION, 42);
    ck_assert_str_eq(p->ends[PAIR_SERVER].reason, "bye");
    ck_assert_uint_eq(p->ends[PAIR_SERVER].terminated.connection_terminated.frame_type,
                      LEAT_FRAME_TYPE_NONE);
    pair_run_for(p, 2 * LEAT_SECOND);
    ck_assert(leat_conn_is_closed(pair_conn(p, PAIR_CLIENT)));
    ck_assert(leat_conn_is_closed(pair_conn(p, PAIR_SERVER)));
    ck_assert_str_eq(pair_take_events(p, PAIR_CLIENT), "");
    ck_assert_uint_eq(leat_conn_get_timer(pair_conn(p, PAIR_CLIENT)), LEAT_TIME_NEVER);
    pair_free(p);
}
END_TEST

START_TEST(the_first_close_wins) {
    pair *p = pair_new();
    pair_handshake(p);
    leat_conn_close(pair_conn(p, PAIR_CLIENT), 1, "one");
    leat_conn_close(pair_conn(p, PAIR_CLIENT), 2, "two");
    leat_conn_fail(pair_conn(p, PAIR_CLIENT), 3, "three");
    pair_settle(p);
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_LOCAL, 1);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PEER_APPLICATION, 1);
    pair_free(p);
}
END_TEST

START_TEST(a_transport_close_carries_code_and_frame_type) {
    pair *p = pair_new();
    pair_handshake(p);
    leat_conn_close_transport(pair_conn(p, PAIR_SERVER), LEAT_STREAM_STATE_ERROR, 0x11, "no");
    pair_settle(p);
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_PEER_TRANSPORT, LEAT_STREAM_STATE_ERROR);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].terminated.connection_terminated.frame_type, 0x11);
    pair_free(p);
}
END_TEST

START_TEST(a_layer_above_that_finds_a_fault_is_not_local) {
    pair *p = pair_new();
    pair_handshake(p);
    leat_conn_fail(pair_conn(p, PAIR_SERVER), 0x102, "closed critical stream");
    pair_settle(p);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, 0x102);
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_PEER_APPLICATION, 0x102);
    pair_free(p);
}
END_TEST

START_TEST(data_before_the_close_is_delivered_first) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_SERVER);
    p->ends[PAIR_SERVER].keeps_events = true;
    pair_send_text(p, PAIR_CLIENT, false, "last words", true);
    pair_run_for(p, 50 * LEAT_MILLISECOND);
    leat_conn_close(pair_conn(p, PAIR_CLIENT), 0, "");
    pair_run_for(p, 50 * LEAT_MILLISECOND);
    p->ends[PAIR_SERVER].keeps_events = false;
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER),
                     "StreamOpened StreamDataReceived ConnectionTerminated");
    ck_assert_str_eq((char *)pair_stream_of(p, PAIR_SERVER, 0)->bytes, "last words");
    pair_free(p);
}
END_TEST

START_TEST(calls_after_the_end_are_refused) {
    pair *p = pair_new();
    uint64_t id = 0;
    const leat_span part = {(const uint8_t *)"x", 1};
    pair_handshake(p);
    leat_conn *conn = pair_conn(p, PAIR_CLIENT);
    ck_assert_int_eq(leat_conn_open_stream(conn, false, &id), 0);
    leat_conn_close(conn, 0, NULL);
    ck_assert(leat_conn_is_terminating(conn));
    ck_assert_int_eq(leat_conn_send_stream_data(conn, id, part.data, 1, false), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_conn_open_stream(conn, false, &id), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_conn_reset_stream(conn, id, 0), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_conn_stop_stream(conn, id, 0), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_conn_send_datagram_frame(conn, &part, 1, 0), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_conn_send_ping(conn, 1), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_conn_request_key_update(conn), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_conn_change_connection_id(conn), LEAT_ERR_STATE);
    pair_free(p);
}
END_TEST

START_TEST(closing_before_connecting_just_ends) {
    pair *p = pair_new();
    int error = 0;
    uint8_t buffer[1500];
    leat_transmit out;
    leat_conn *conn = leat_conn_new(&p->ends[PAIR_CLIENT].config, &error);
    p->ends[PAIR_CLIENT].conn = conn;
    leat_conn_close(conn, 1, "never mind");
    ck_assert_uint_eq(leat_conn_datagrams_to_send(conn, buffer, sizeof buffer, &out, p->now), 0);
    ck_assert(leat_conn_is_closed(conn));
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_LOCAL, 1);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §10.2.3: an application's reason is not for eyes without 1-RTT keys. */
START_TEST(an_early_application_close_becomes_application_error) {
    pair *p = pair_new();
    pair_start(p);
    pair_flush(p, PAIR_CLIENT);
    ck_assert(pair_step(p, p->now + LEAT_SECOND));
    leat_conn_close(pair_conn(p, PAIR_SERVER), 99, "secret");
    pair_settle(p);
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_PEER_TRANSPORT, LEAT_APPLICATION_ERROR);
    ck_assert_str_eq(p->ends[PAIR_CLIENT].reason, "");
    pair_free(p);
}
END_TEST

START_TEST(a_client_that_closes_at_once_reaches_the_server) {
    pair *p = pair_new();
    pair_start(p);
    pair_flush(p, PAIR_CLIENT);
    leat_conn_close(pair_conn(p, PAIR_CLIENT), 99, "secret");
    pair_run_for(p, 100 * LEAT_MILLISECOND);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PEER_TRANSPORT, LEAT_APPLICATION_ERROR);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §10.2.1: answers while closing become rare. */
START_TEST(a_closing_side_answers_at_doubling_distances) {
    pair *p = pair_new();
    pair_handshake(p);
    leat_conn_close(pair_conn(p, PAIR_CLIENT), 1, "");
    pair_flush(p, PAIR_CLIENT);
    size_t before = p->ends[PAIR_CLIENT].datagrams_out;
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t junk[100];
        memset(junk, 0x40, sizeof junk);
        pair_deliver(p, PAIR_CLIENT, junk, sizeof junk);
        pair_flush(p, PAIR_CLIENT);
    }
    size_t answers = p->ends[PAIR_CLIENT].datagrams_out - before;
    ck_assert_msg(answers >= 5 && answers <= 11, "%zu answers", answers);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §10.2.2: who was closed says nothing more. */
START_TEST(a_draining_side_is_silent) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "1d 07 00");
    size_t before = p->ends[PAIR_SERVER].datagrams_out;
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "01");
    pair_flush(p, PAIR_SERVER);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].datagrams_out, before);
    ck_assert(!leat_conn_is_closed(pair_conn(p, PAIR_SERVER)));
    pair_run_for(p, 5 * LEAT_SECOND);
    ck_assert(leat_conn_is_closed(pair_conn(p, PAIR_SERVER)));
    pair_free(p);
}
END_TEST

/* The closing period begins when the close is sent, however long nothing was heard of the time
 * before. */
START_TEST(the_closing_period_does_not_begin_in_the_past) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_run_for(p, 20 * LEAT_SECOND);
    leat_conn_close(pair_conn(p, PAIR_CLIENT), 1, "");
    pair_flush(p, PAIR_CLIENT);
    leat_time due = leat_conn_get_timer(pair_conn(p, PAIR_CLIENT));
    ck_assert_uint_gt(due, p->now + 60 * LEAT_MILLISECOND);
    ck_assert(!leat_conn_is_closed(pair_conn(p, PAIR_CLIENT)));
    pair_free(p);
}
END_TEST

/* ---- stateless reset ------------------------------------------------------------------------- */

static void deliver_reset(pair *p, pair_side to, const uint8_t token[16], size_t length) {
    uint8_t bytes[200];
    memset(bytes, 0x5a, sizeof bytes);
    bytes[0] = 0x41;
    const leat_cid *cid = &pair_conn(p, to)->cids.local[0].cid;
    memcpy(bytes + 1, cid->bytes, cid->length);
    memcpy(bytes + length - 16, token, 16);
    pair_deliver(p, to, bytes, length);
}

/* TEST RFC 9000 §10.3.1 */
START_TEST(a_stateless_reset_ends_the_connection) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_CLIENT);
    deliver_reset(p, PAIR_CLIENT, pair_conn(p, PAIR_SERVER)->cids.local[0].reset_token, 43);
    ck_assert_str_eq(pair_take_events(p, PAIR_CLIENT), "ConnectionTerminated");
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_STATELESS_RESET, LEAT_NO_ERROR);
    size_t before = p->ends[PAIR_CLIENT].datagrams_out;
    pair_flush(p, PAIR_CLIENT);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].datagrams_out, before);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §10.3.1: only tokens of IDs in use count (attack C17). */
START_TEST(tokens_of_ids_not_in_use_mean_nothing) {
    static const uint8_t zeros[16];
    pair *p = pair_new();
    pair_handshake(p);
    deliver_reset(p, PAIR_CLIENT, zeros, 43);
    deliver_reset(p, PAIR_CLIENT, pair_conn(p, PAIR_SERVER)->cids.local[1].reset_token, 43);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_CLIENT)));
    leat_conn_change_connection_id(pair_conn(p, PAIR_CLIENT));
    uint8_t old_token[16];
    memcpy(old_token, pair_conn(p, PAIR_SERVER)->cids.local[0].reset_token, 16);
    deliver_reset(p, PAIR_CLIENT, old_token, 43);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_CLIENT)));
    pair_free(p);
}
END_TEST

START_TEST(a_datagram_too_short_for_a_reset_is_none) {
    pair *p = pair_new();
    pair_handshake(p);
    uint8_t bytes[20];
    memset(bytes, 0x41, 4);
    memcpy(bytes + 4, pair_conn(p, PAIR_SERVER)->cids.local[0].reset_token, 16);
    pair_deliver(p, PAIR_CLIENT, bytes, sizeof bytes);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_CLIENT)));
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/close", a_local_close_is_told_at_once_on_both_sides, the_first_close_wins,
               a_transport_close_carries_code_and_frame_type,
                   a_layer_above_that_finds_a_fault_is_not_local,
               data_before_the_close_is_delivered_first, calls_after_the_end_are_refused,
                   closing_before_connecting_just_ends,
               an_early_application_close_becomes_application_error,
                   a_client_that_closes_at_once_reaches_the_server,
               a_closing_side_answers_at_doubling_distances, a_draining_side_is_silent,
               the_closing_period_does_not_begin_in_the_past, a_stateless_reset_ends_the_connection,
               tokens_of_ids_not_in_use_mean_nothing, a_datagram_too_short_for_a_reset_is_none)
