/* RESET_STREAM_AT: draft-ietf-quic-reliable-stream-reset-10. */
#include "../pair.h"

static uint64_t open_with(pair *p, const char *text) {
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, text, false);
    return id;
}

static pair *connected(void) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_CLIENT);
    pair_take_events(p, PAIR_SERVER);
    return p;
}

static const char *received(pair *p, uint64_t id) {
    return (const char *)pair_stream_of(p, PAIR_SERVER, id)->bytes;
}

static size_t stream_count(pair *p, pair_side side) {
    return leat_stream_map_count(&pair_conn(p, side)->streams.map);
}

static void expect_error(const char *frames_hex, uint64_t error_code) {
    pair *p = connected();
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, frames_hex);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, error_code);
    pair_free(p);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* TEST draft-ietf-quic-reliable-stream-reset-10 §5 */
START_TEST(the_head_arrives_before_the_reset) {
    pair *p = connected();
    uint64_t id = open_with(p, "head and the rest");
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    ck_assert(leat_conn_can_reset_stream_at(client));
    ck_assert_int_eq(leat_conn_reset_stream_at(client, id, 7, 4), LEAT_OK);
    pair_settle(p);
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER),
                     "StreamOpened StreamDataReceived StreamReset");
    ck_assert_str_eq(received(p, id), "head");
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->reset_code, 7);
    ck_assert_str_eq(pair_take_events(p, PAIR_CLIENT), "");
    ck_assert_uint_eq(stream_count(p, PAIR_CLIENT), 0);
    ck_assert_uint_eq(stream_count(p, PAIR_SERVER), 0);
    pair_free(p);
}
END_TEST

static bool drop_first(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    unsigned *left = user;
    (void)p, (void)datagram;
    if (from == PAIR_CLIENT && *left > 0) {
        --*left;
        return false;
    }
    return true;
}

/* TEST draft-ietf-quic-reliable-stream-reset-10 §5: below the reliable size is sent again, above is
 * not. */
START_TEST(only_the_head_is_sent_again) {
    pair *p = connected();
    unsigned left = 1;
    p->link.filter = drop_first;
    p->link.filter_user = &left;
    uint64_t id = open_with(p, "head and the rest");
    pair_flush(p, PAIR_CLIENT);
    ck_assert_uint_eq(left, 0);
    ck_assert_int_eq(leat_conn_reset_stream_at(pair_conn(p, PAIR_CLIENT), id, 7, 4), LEAT_OK);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_str_eq(received(p, id), "head");
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->reset);
    ck_assert_uint_eq(stream_count(p, PAIR_CLIENT), 0);
    pair_free(p);
}
END_TEST

/* TEST draft-ietf-quic-reliable-stream-reset-10 §4: the frame itself is repeated when lost. */
START_TEST(a_lost_frame_is_repeated) {
    pair *p = connected();
    uint64_t id = open_with(p, "head");
    pair_settle(p);
    unsigned left = 1;
    p->link.filter = drop_first;
    p->link.filter_user = &left;
    ck_assert_int_eq(leat_conn_reset_stream_at(pair_conn(p, PAIR_CLIENT), id, 7, 4), LEAT_OK);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_eq(left, 0);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->reset);
    pair_free(p);
}
END_TEST

START_TEST(a_peer_without_the_extension_gets_a_plain_reset) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.reset_stream_at = false;
    pair_handshake(p);
    uint64_t id = open_with(p, "head");
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    ck_assert(!leat_conn_can_reset_stream_at(client));
    ck_assert_int_eq(leat_conn_reset_stream_at(client, id, 7, 4), LEAT_RESET_IS_PLAIN);
    pair_settle(p);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->reset);
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->length, 0);
    pair_free(p);
}
END_TEST

/* TEST draft-ietf-quic-reliable-stream-reset-10 §5.2 */
START_TEST(the_promise_only_shrinks_and_keeps_its_code) {
    pair *p = connected();
    uint64_t id = open_with(p, "0123456789");
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    ck_assert_int_eq(leat_conn_reset_stream_at(client, id, 7, 11), LEAT_ERR_INVALID);
    ck_assert_int_eq(leat_conn_reset_stream_at(client, id, UINT64_MAX, 5), LEAT_ERR_INVALID);
    ck_assert_int_eq(leat_conn_reset_stream_at(client, 400, 7, 5), LEAT_ERR_NO_STREAM);
    ck_assert_int_eq(leat_conn_reset_stream_at(client, id, 7, 8), LEAT_OK);
    ck_assert_int_eq(leat_conn_reset_stream_at(client, id, 7, 9), LEAT_ERR_INVALID);
    ck_assert_int_eq(leat_conn_reset_stream_at(client, id, 6, 5), LEAT_ERR_INVALID);
    ck_assert_int_eq(leat_conn_reset_stream_at(client, id, 7, 8), LEAT_OK);
    ck_assert_int_eq(leat_conn_reset_stream_at(client, id, 7, 5), LEAT_OK);
    ck_assert_int_eq(leat_conn_send_stream_data(client, id, (const uint8_t *)"x", 1, false),
                     LEAT_ERR_STATE);
    ck_assert_int_eq(leat_conn_stream_room(client, id), LEAT_ERR_STATE);
    pair_settle(p);
    ck_assert_str_eq(received(p, id), "01234");
    ck_assert_uint_eq(stream_count(p, PAIR_CLIENT), 0);
    pair_free(p);
}
END_TEST

/* TEST draft-ietf-quic-reliable-stream-reset-10 §5.2: the ACK of an older promise ends nothing. */
START_TEST(a_smaller_promise_is_sent_until_it_is_acknowledged) {
    pair *p = connected();
    uint64_t id = open_with(p, "0123456789");
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    p->link.delay = 50 * LEAT_MILLISECOND;
    pair_flush(p, PAIR_CLIENT);
    ck_assert_int_eq(leat_conn_reset_stream_at(client, id, 7, 8), LEAT_OK);
    pair_flush(p, PAIR_CLIENT);
    unsigned left = 1;
    p->link.filter = drop_first;
    p->link.filter_user = &left;
    ck_assert_int_eq(leat_conn_reset_stream_at(client, id, 7, 3), LEAT_OK);
    pair_flush(p, PAIR_CLIENT);
    ck_assert_uint_eq(left, 0);
    pair_run_for(p, 110 * LEAT_MILLISECOND);
    ck_assert_uint_eq(stream_count(p, PAIR_CLIENT), 1);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_eq(stream_count(p, PAIR_CLIENT), 0);
    pair_free(p);
}
END_TEST

START_TEST(a_plain_reset_gives_up_the_rest_with_the_first_code) {
    pair *p = connected();
    uint64_t id = open_with(p, "0123456789");
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    ck_assert_int_eq(leat_conn_reset_stream_at(client, id, 7, 8), LEAT_OK);
    ck_assert_int_eq(leat_conn_reset_stream(client, id, 9), LEAT_OK);
    pair_settle(p);
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->reset_code, 7);
    ck_assert_uint_eq(stream_count(p, PAIR_CLIENT), 0);
    ck_assert_uint_eq(stream_count(p, PAIR_SERVER), 0);
    pair_free(p);
}
END_TEST

/* TEST draft-ietf-quic-reliable-stream-reset-10 §5.1 */
START_TEST(a_reset_after_the_end_keeps_the_final_size) {
    pair *p = connected();
    p->link.delay = 50 * LEAT_MILLISECOND;
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "0123456789", true);
    unsigned left = 1;
    p->link.filter = drop_first;
    p->link.filter_user = &left;
    pair_flush(p, PAIR_CLIENT);
    ck_assert_int_eq(leat_conn_reset_stream_at(pair_conn(p, PAIR_CLIENT), id, 7, 5), LEAT_OK);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_str_eq(received(p, id), "01234");
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->reset);
    ck_assert(!pair_stream_of(p, PAIR_SERVER, id)->ended);
    ck_assert_uint_eq(stream_count(p, PAIR_CLIENT), 0);
    pair_free(p);
}
END_TEST

/* TEST draft-ietf-quic-reliable-stream-reset-10 §4: nothing passes the peer's limits; the frame
 * waits for credit. */
START_TEST(the_reset_waits_for_flow_control) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.max_stream_data = 10;
    p->ends[PAIR_SERVER].config.manual_credit = true;
    pair_handshake(p);
    uint64_t id = open_with(p, "0123456789abcdefghij");
    ck_assert_int_eq(leat_conn_reset_stream_at(pair_conn(p, PAIR_CLIENT), id, 7, 15), LEAT_OK);
    pair_settle(p);
    ck_assert_str_eq(received(p, id), "0123456789");
    ck_assert(!pair_stream_of(p, PAIR_SERVER, id)->reset);
    leat_conn_credit_stream(pair_conn(p, PAIR_SERVER), id, 10);
    pair_settle(p);
    ck_assert_str_eq(received(p, id), "0123456789abcde");
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->reset);
    pair_free(p);
}
END_TEST

START_TEST(stop_sending_is_answered_with_a_plain_reset) {
    pair *p = connected();
    p->link.black_hole[PAIR_SERVER] = true;
    uint64_t id = open_with(p, "0123456789");
    ck_assert_int_eq(leat_conn_reset_stream_at(pair_conn(p, PAIR_CLIENT), id, 7, 8), LEAT_OK);
    pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, "05 02 09");
    ck_assert_str_eq(pair_take_events(p, PAIR_CLIENT), "StopSendingReceived");
    p->link.black_hole[PAIR_SERVER] = false;
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->reset_code, 7);
    ck_assert_uint_eq(stream_count(p, PAIR_CLIENT), 0);
    pair_free(p);
}
END_TEST

/* Both directions, a lossy link: what was promised arrives, then the reset, and nothing stays. */
START_TEST(promises_are_kept_on_a_bad_link) {
    enum { STREAMS = 40, SIZE = 3000 };
    static uint8_t bytes[SIZE];
    pair *p = connected();
    p->link.loss = 20;
    p->link.reorder = 20;
    p->link.duplication = 10;
    uint64_t ids[2][STREAMS];
    memset(bytes, 'x', sizeof bytes);
    for (unsigned i = 0; i < STREAMS; i++) {
        for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
            leat_conn *conn = pair_conn(p, side);
            ck_assert_int_eq(leat_conn_open_stream(conn, true, &ids[side][i]), LEAT_OK);
            leat_conn_send_stream_data(conn, ids[side][i], bytes, SIZE, i % 4 == 3);
            if (i % 3 == 0) {
                pair_flush(p, side);
            }
            ck_assert_int_eq(leat_conn_reset_stream_at(conn, ids[side][i], i, 1 + i * 70), LEAT_OK);
            if (i % 5 == 0) {
                ck_assert_int_eq(leat_conn_reset_stream_at(conn, ids[side][i], i, 1 + i), LEAT_OK);
            }
        }
    }
    pair_run_for(p, 20 * LEAT_SECOND);
    for (unsigned i = 0; i < STREAMS; i++) {
        for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
            const pair_stream *stream = pair_stream_of(p, PAIR_OTHER(side), ids[side][i]);
            ck_assert(stream->reset != stream->ended);
            ck_assert_uint_ge(stream->length, 1 + (i % 5 == 0 ? i : i * 70));
            ck_assert(stream->ended || stream->reset_code == i);
        }
    }
    ck_assert_uint_eq(stream_count(p, PAIR_CLIENT), 0);
    ck_assert_uint_eq(stream_count(p, PAIR_SERVER), 0);
    pair_free(p);
}
END_TEST

/* ---- receiving ------------------------------------------------------------------------------- */

/* TEST draft-ietf-quic-reliable-stream-reset-10 §5.3 */
START_TEST(the_reset_waits_for_what_was_promised) {
    pair *p = connected();
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "24 02 07 0a 05");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamOpened");
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0e 02 03 02 6465");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "");
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0a 02 03 616263");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamDataReceived StreamReset");
    ck_assert_str_eq(received(p, 2), "abcde");
    ck_assert_uint_eq(stream_count(p, PAIR_SERVER), 0);
    pair_free(p);
}
END_TEST

/* TEST draft-ietf-quic-reliable-stream-reset-10 §5.2 */
START_TEST(a_smaller_promise_counts_and_a_larger_one_is_late) {
    pair *p = connected();
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "24 02 07 0a 05  24 02 07 0a 08");
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0a 02 03 616263  24 02 07 0a 06");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamOpened StreamDataReceived");
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "24 02 07 0a 03");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamReset");
    pair_free(p);
}
END_TEST

START_TEST(a_plain_reset_ends_the_waiting) {
    pair *p = connected();
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "24 02 07 0a 05");
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "04 02 07 0a");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamOpened StreamReset");
    ck_assert_uint_eq(stream_count(p, PAIR_SERVER), 0);
    pair_free(p);
}
END_TEST

/* All data, and then the reset: the end is not told as a clean one. */
START_TEST(a_reset_is_no_clean_end) {
    pair *p = connected();
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "24 02 07 03 03  0b 02 03 616263");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER),
                     "StreamOpened StreamDataReceived StreamReset");
    ck_assert(!pair_stream_of(p, PAIR_SERVER, 2)->ended);
    pair_free(p);
}
END_TEST

START_TEST(a_reset_behind_all_data_is_late) {
    pair *p = connected();
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0b 02 03 616263  24 02 07 03 01");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamOpened StreamDataReceived");
    ck_assert(pair_stream_of(p, PAIR_SERVER, 2)->ended);
    pair_free(p);
}
END_TEST

static void hold_data(void *user, pair *p, pair_side side, const leat_event *event) {
    unsigned *holds = user;
    if (event->type == LEAT_EVENT_STREAM_DATA_RECEIVED && *holds > 0) {
        --*holds;
        leat_conn_hold_stream(pair_conn(p, side), event->stream_data_received.stream_id,
                              event->stream_data_received.data.length);
    }
}

/* Backpressure does not lose what was promised. */
START_TEST(a_held_stream_gets_its_head_before_the_reset) {
    pair *p = connected();
    unsigned holds = 1;
    p->on_event = hold_data;
    p->on_event_user = &holds;
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0a 02 03 616263  24 02 07 0a 03");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamOpened StreamDataReceived");
    ck_assert_int_eq(leat_conn_release_stream(pair_conn(p, PAIR_SERVER), 2), LEAT_OK);
    pair_settle(p);
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamDataReceived StreamReset");
    ck_assert_uint_eq(stream_count(p, PAIR_SERVER), 0);
    pair_free(p);
}
END_TEST

START_TEST(a_stopped_stream_is_told_the_reset_at_once) {
    pair *p = connected();
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0a 02 03 616263");
    ck_assert_int_eq(leat_conn_stop_stream(pair_conn(p, PAIR_SERVER), 2, 1), LEAT_OK);
    pair_take_events(p, PAIR_SERVER);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "24 02 07 0a 08");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamReset");
    ck_assert_uint_eq(stream_count(p, PAIR_SERVER), 0);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §4.5: the bytes that never come count, and their credit comes back. */
START_TEST(the_final_size_counts_for_the_connection) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.max_data = 1000;
    pair_handshake(p);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "24 02 07 4384 02");
    ck_assert_uint_eq(pair_conn(p, PAIR_SERVER)->streams.flow.received, 900);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0a 02 02 6162");
    pair_settle(p);
    ck_assert_uint_eq(pair_conn(p, PAIR_SERVER)->streams.flow.consumed, 900);
    pair_free(p);
}
END_TEST

/* TEST draft-ietf-quic-reliable-stream-reset-10 §4, §5.2 */
START_TEST(each_fault_has_its_error) {
    expect_error("24 02 07 03 04", LEAT_FRAME_ENCODING_ERROR);
    expect_error("24 02 07 0a", LEAT_FRAME_ENCODING_ERROR);
    expect_error("24 02 07 bfffffff 00", LEAT_FLOW_CONTROL_ERROR);
    expect_error("24 03 07 0a 04", LEAT_STREAM_STATE_ERROR); /* only the server sends on it */
    expect_error("24 01 07 0a 04", LEAT_STREAM_STATE_ERROR); /* never opened */
    expect_error("24 02 07 0a 04  24 02 08 0a 02", LEAT_STREAM_STATE_ERROR);
    expect_error("24 02 07 0a 04  04 02 08 0a", LEAT_STREAM_STATE_ERROR);
    expect_error("24 02 07 0a 04  24 02 07 09 02", LEAT_FINAL_SIZE_ERROR);
    expect_error("24 02 07 0a 04  04 02 07 0b", LEAT_FINAL_SIZE_ERROR);
    expect_error("24 02 07 0a 04  0f 02 00 01 61", LEAT_FINAL_SIZE_ERROR);
    expect_error("24 02 07 0a 04  0e 02 0a 01 61", LEAT_FINAL_SIZE_ERROR);
    expect_error("0a 02 03 616263  24 02 07 02 01", LEAT_FINAL_SIZE_ERROR);
}
END_TEST

START_TEST(without_the_offer_the_frame_is_unknown) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.reset_stream_at = false;
    pair_handshake(p);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "24 02 07 0a 04");
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_FRAME_ENCODING_ERROR);
    pair_free(p);
}
END_TEST

/* TEST draft-ietf-quic-reliable-stream-reset-10 §3: a promise of nothing is a RESET_STREAM. */
START_TEST(a_promise_of_nothing_is_a_plain_reset) {
    for (unsigned offers = 0; offers < 2; offers++) {
        pair *p = pair_new();
        p->ends[PAIR_SERVER].config.reset_stream_at = offers == 1;
        pair_handshake(p);
        uint64_t id = open_with(p, "0123456789");
        leat_conn *client = pair_conn(p, PAIR_CLIENT);
        ck_assert_int_eq(leat_conn_reset_stream_at(client, id, 7, 0), LEAT_OK);
        const leat_stream *stream = leat_stream_map_find(&client->streams.map, id);
        ck_assert_int_eq(stream->send_state, LEAT_SEND_RESET_SENT);
        ck_assert_int_eq(leat_conn_reset_stream_at(client, id, 7, offers * 5), LEAT_OK);
        ck_assert_int_eq(stream->send_state, LEAT_SEND_RESET_SENT);
        ck_assert(!stream->reset_at);
        pair_free(p);
    }
}
END_TEST

/* TEST draft-ietf-quic-reliable-stream-reset-10 §5.2 */
START_TEST(a_larger_promise_that_comes_late_is_not_waited_for) {
    pair *p = connected();
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "24 02 07 0a 05  24 02 07 0a 08");
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0a 02 05 6162636465");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER),
                     "StreamOpened StreamDataReceived StreamReset");
    pair_free(p);
}
END_TEST

/* The server still sends on it, so that it knows the stream and its code. */
START_TEST(a_plain_reset_fixes_the_code) {
    static const char *const resets[] = {"04 00 07 0a  24 00 08 0a 04", "24 00 08 0a 04"};
    for (unsigned i = 0; i < 2; i++) {
        pair *p = connected();
        if (i == 1) {
            pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "04 00 07 0a");
            ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamOpened StreamReset");
        }
        pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, resets[i]);
        pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR,
                               LEAT_STREAM_STATE_ERROR);
        pair_free(p);
    }
}
END_TEST

/* TEST RFC 9000 §19.4 */
START_TEST(a_stream_that_only_we_send_on_cannot_be_reset) {
    pair *p = connected();
    ck_assert_uint_eq(pair_send_text(p, PAIR_SERVER, true, "ours", false), 3);
    pair_settle(p);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "24 03 07 0a 04");
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_STREAM_STATE_ERROR);
    pair_free(p);
}
END_TEST

/* What was acknowledged was the larger promise; the smaller one gets lost and is repeated. */
START_TEST(a_smaller_promise_after_an_acknowledged_one_is_repeated) {
    pair *p = connected();
    unsigned left = 1;
    p->link.filter = drop_first;
    p->link.filter_user = &left;
    uint64_t id = open_with(p, "0123456789");
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    ck_assert_int_eq(leat_conn_reset_stream_at(client, id, 7, 8), LEAT_OK);
    while (!leat_stream_map_find(&client->streams.map, id)->reset_at_acked) {
        ck_assert(pair_step(p, p->now + LEAT_SECOND));
    }
    left = 1;
    ck_assert_int_eq(leat_conn_reset_stream_at(client, id, 7, 3), LEAT_OK);
    pair_run_for(p, 3 * LEAT_SECOND);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->reset);
    ck_assert_uint_eq(stream_count(p, PAIR_CLIENT) + stream_count(p, PAIR_SERVER), 0);
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/reset_at", the_head_arrives_before_the_reset, only_the_head_is_sent_again,
               a_lost_frame_is_repeated, a_peer_without_the_extension_gets_a_plain_reset,
               the_promise_only_shrinks_and_keeps_its_code,
               a_smaller_promise_is_sent_until_it_is_acknowledged,
               a_plain_reset_gives_up_the_rest_with_the_first_code,
               a_reset_after_the_end_keeps_the_final_size, the_reset_waits_for_flow_control,
               stop_sending_is_answered_with_a_plain_reset, promises_are_kept_on_a_bad_link,
               the_reset_waits_for_what_was_promised,
               a_smaller_promise_counts_and_a_larger_one_is_late, a_plain_reset_ends_the_waiting,
               a_reset_is_no_clean_end, a_reset_behind_all_data_is_late,
               a_held_stream_gets_its_head_before_the_reset,
               a_stopped_stream_is_told_the_reset_at_once, the_final_size_counts_for_the_connection,
               each_fault_has_its_error, without_the_offer_the_frame_is_unknown,
               a_promise_of_nothing_is_a_plain_reset,
               a_larger_promise_that_comes_late_is_not_waited_for, a_plain_reset_fixes_the_code,
               a_stream_that_only_we_send_on_cannot_be_reset,
               a_smaller_promise_after_an_acknowledged_one_is_repeated)
