/* WebTransport streams at the HTTP/3 level: signal or type, session id, raw bytes.
 * draft-ietf-webtrans-http3-16 §4. */
#include "h3/rig.h"

RIG_TEST(a_unidirectional_stream_names_its_session, SERVER) {
    rig_feed(rig, 14, "4054 04 68656c6c6f", true);
    rig_expect(rig, "new WT session 4 14 68656c6c6f end\n");
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(rig);
}

RIG_TEST(a_bidirectional_stream_begins_with_the_signal, SERVER) {
    rig_feed(rig, 4, "4041 00 00 01 04 07", false);
    rig_expect(rig, "new WT session 0 4 00010407\n");
    rig_feed(rig, 4, "ff", true);
    rig_expect(rig, "WT session 0 4 ff end\n");
    ck_assert_uint_eq(leat_h3_open_requests(rig->h3), 0);
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(rig);
}

RIG_TEST(a_stream_without_data_is_told, SERVER) {
    rig_feed(rig, 14, "4054 4444", false);
    rig_expect(rig, "new WT session 1092 14 \n");
    rig_feed(rig, 14, NULL, true);
    rig_expect(rig, "WT session 1092 14  end\n");
}

RIG_TEST(a_server_opens_bidirectional_streams, CLIENT) {
    rig_feed(rig, 1, "4041 00 616263", true);
    rig_expect(rig, "new WT session 0 1 616263 end\n");
}

/* aioquic reads the replies on a stream opened here as HTTP/3 frames. */
RIG_TEST(replies_on_our_stream_are_raw_bytes, SERVER) {
    uint64_t id;
    ck_assert_int_eq(leat_h3_create_webtransport_stream(rig->h3, 4, false, &id), 0);
    ck_assert_uint_eq(id, 1);
    rig_expect_sent(rig, 1, "4041 04", false);
    rig_feed(rig, 1, "00 05 4041 01", true);
    rig_expect(rig, "WT session 4 1 0005404101 end\n");
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(rig);
}

RIG_TEST(our_unidirectional_stream_keeps_no_state, CLIENT) {
    uint64_t id;
    ck_assert_int_eq(leat_h3_create_webtransport_stream(rig->h3, 0, true, &id), 0);
    rig_expect_sent(rig, id, "4054 00", false);
    rig_expect_idle(rig);
}

RIG_TEST(a_session_is_a_request_stream, CLIENT) {
    uint64_t id;
    ck_assert_int_eq(leat_h3_create_webtransport_stream(rig->h3, 1, true, &id), LEAT_ERR_INVALID);
    ck_assert_int_eq(leat_h3_create_webtransport_stream(rig->h3, 2, true, &id), LEAT_ERR_INVALID);
    rig->conn.streams_allowed = 3;
    ck_assert_int_eq(
        leat_h3_create_webtransport_stream(rig->h3, 0, true, &id), LEAT_ERR_STREAM_LIMIT);
}

RIG_TEST(resets_and_stops_name_the_session, SERVER) {
    rig_feed(rig, 4, "4041 00 61", false);
    rig_stop(rig, 4, 0x52e4a40fa8db);
    rig_reset(rig, 4, 0x52e4a40fa8db);
    rig_expect(rig, "new WT session 0 4 61\nSTOP 4 unknown session 0\nRESET 4 unknown session 0\n");
    rig_stop(rig, 9, 7);
    rig_expect(rig, "STOP 9 unknown session -1\n");
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(rig);
}

/* The reset that answers our STOP_SENDING must not touch the other half. */
RIG_TEST(stopping_one_half_leaves_the_other, SERVER) {
    rig_feed(rig, 4, "4041 00 61", false);
    ck_assert_int_eq(leat_h3_stop_stream(rig->h3, 4, 7), 0);
    rig_reset(rig, 4, 7);
    rig_expect(rig, "new WT session 0 4 61\n");
    ck_assert_uint_eq(fake_find(&rig->conn, 4)->reset, FAKE_NONE);
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(rig);
}

RIG_TEST(a_stream_reset_inside_its_session_id_is_nobodys, SERVER) {
    rig_feed(rig, 14, "4054 44", false);
    rig_reset(rig, 14, 7);
    rig_feed(rig, 18, "4054 44", true);
    rig_feed(rig, 0, "4041 44", false);
    rig_reset(rig, 0, 7);
    rig_expect(rig, "");
    rig_expect_error(rig, 0);
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(rig);
}

RIG_TEST(held_bytes_come_again, SERVER) {
    rig_feed(rig, 14, "4054 04 6162", false);
    rig_expect(rig, "new WT session 4 14 6162\n");
    rig->is_bytewise = false;
    leat_event event = {.type = LEAT_EVENT_STREAM_DATA_RECEIVED};
    event.stream_data_received.stream_id = 14;
    event.stream_data_received.data = test_hex("6364");
    event.stream_data_received.end_stream = true;
    leat_h3_event popped;
    leat_h3_handle_event(rig->h3, &event);
    ck_assert(leat_h3_next_event(rig->h3, &popped));
    ck_assert(popped.webtransport_stream_data_received.stream_ended);
    ck_assert_int_eq(leat_h3_hold_stream(rig->h3, 14, 1), 0);
    ck_assert_uint_eq(fake_find(&rig->conn, 14)->unread, 1);
    ck_assert(!leat_h3_next_event(rig->h3, &popped));
    ck_assert_int_eq(leat_h3_release_stream(rig->h3, 14), 0);
    rig_feed(rig, 14, "64", true);
    rig_expect(rig, "WT session 4 14 64 end\n");
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(rig);
}

RIG_TEST(writable_streams_are_told, SERVER) {
    leat_event event = {.type = LEAT_EVENT_STREAM_WRITABLE};
    event.stream.stream_id = 4;
    rig_event(rig, &event);
    rig_expect(rig, "StreamWritable 4\n");
    event.stream.stream_id = 3; /* our control stream */
    rig_event(rig, &event);
    rig_expect(rig, "");
}

LEAT_TEST_MAIN("h3 webtransport streams", a_unidirectional_stream_names_its_session,
    a_bidirectional_stream_begins_with_the_signal, a_stream_without_data_is_told,
    a_server_opens_bidirectional_streams, replies_on_our_stream_are_raw_bytes,
    our_unidirectional_stream_keeps_no_state, a_session_is_a_request_stream,
    resets_and_stops_name_the_session, stopping_one_half_leaves_the_other,
    a_stream_reset_inside_its_session_id_is_nobodys, held_bytes_come_again,
    writable_streams_are_told)
