/* Streams of a session, from both sides, both kinds; early, late, held, reset and stopped ones. */
#include "webtransport/wt_rig.h"

static void expect_events(wt_rig *rig, const char *format, uint64_t a, uint64_t b) {
    char text[1024];
    snprintf(text, sizeof text, format, (unsigned long long)a, (unsigned long long)b);
    wt_expect(rig, text);
}

/* Whole pieces only: byte by byte the transcript has a line for each byte. */
static bool is_whole(wt_rig *rig) {
    if (rig->is_bytewise) {
        wt_drain(rig);
        wt_forget(rig);
    }
    return !rig->is_bytewise;
}

/* ---- of the peer ----------------------------------------------------------------------------- */

WT_TEST(a_unidirectional_stream_of_the_peer_is_told) {
    uint64_t id = wt_peer_uni(rig, 3);
    wt_open(rig);
    wt_feed(rig, id, "4054 00 6869", true);
    if (is_whole(rig)) {
        expect_events(rig,
            "StreamOpened session_id=0 stream_id=%llu unidirectional=yes\n"
            "StreamDataReceived session_id=0 stream_id=%llu data=\"hi\" end_stream=yes\n",
            id, id);
    }
    ck_assert_int_eq((int)leat_wt_send_stream_data(rig->wt, id, (const uint8_t *)"x", 1, false),
        LEAT_ERR_NO_STREAM);
}

WT_TEST(a_bidirectional_stream_of_the_peer_is_told_and_answered) {
    uint64_t id = wt_peer_bidi(rig, 1);
    wt_open(rig);
    wt_feed(rig, id, "4041 00 6869", false);
    if (is_whole(rig)) {
        expect_events(rig,
            "StreamOpened session_id=0 stream_id=%llu unidirectional=no\n"
            "StreamDataReceived session_id=0 stream_id=%llu data=\"hi\" end_stream=no\n",
            id, id);
    }
    ck_assert_int_eq((int)leat_wt_send_stream_data(rig->wt, id, (const uint8_t *)"yo", 2, true), 2);
    wt_expect_sent(rig, id, "796f", true);
    ck_assert_int_eq((int)leat_wt_send_stream_data(rig->wt, id, NULL, 0, true), LEAT_ERR_NO_STREAM);
    wt_feed(rig, id, NULL, true);
    expect_events(
        rig, "StreamDataReceived session_id=0 stream_id=%llu data=\"\" end_stream=yes\n", id, 0);
    wt_writable(rig, id);
    wt_expect(rig, "");
    ck_assert_ptr_null(leat_wt_stream_user(rig->wt, id));
}

WT_TEST(a_stream_without_data_is_told) {
    uint64_t id = wt_peer_bidi(rig, 1);
    wt_open(rig);
    wt_feed(rig, id, "4041 00", false);
    expect_events(rig, "StreamOpened session_id=0 stream_id=%llu unidirectional=no\n", id, 0);
}

WT_TEST(streams_find_their_session) {
    wt_open(rig);
    wt_request(rig, 4);
    wt_answer(rig, 4);
    wt_forget(rig);
    wt_feed(rig, wt_peer_uni(rig, 3), "4054 04", false);
    expect_events(rig, "StreamOpened session_id=4 stream_id=%llu unidirectional=yes\n",
        wt_peer_uni(rig, 3), 0);
}

WT_TEST(a_session_id_that_is_no_request_ends_the_connection) {
    /* TEST draft-ietf-webtrans-http3-07 §4 */
    wt_open(rig);
    wt_feed(rig, wt_peer_uni(rig, 3), "4054 01", false);
    ck_assert_uint_eq(rig->fake.conn.error_code, LEAT_H3_ID_ERROR);
}

/* ---- of ours --------------------------------------------------------------------------------- */

WT_TEST(our_streams_begin_with_type_or_signal_and_session) {
    uint64_t uni, bidi;
    wt_open(rig);
    wt_request(rig, 4);
    wt_answer(rig, 4);
    wt_forget(rig);
    ck_assert_int_eq(leat_wt_open_stream(rig->wt, 4, true, &uni), 0);
    ck_assert_int_eq(leat_wt_open_stream(rig->wt, 4, false, &bidi), 0);
    ck_assert_int_eq(
        (int)leat_wt_send_stream_data(rig->wt, uni, (const uint8_t *)"hi", 2, true), 2);
    wt_expect_sent(rig, uni, "4054 04 6869", true);
    wt_expect_sent(rig, bidi, "4041 04", false);
    wt_feed(rig, bidi, "6f", true);
    expect_events(rig,
        rig->is_bytewise
            ? "StreamDataReceived session_id=4 stream_id=%llu data=\"o\" end_stream=no\n"
              "StreamDataReceived session_id=4 stream_id=%llu data=\"\" end_stream=yes\n"
            : "StreamDataReceived session_id=4 stream_id=%llu data=\"o\" end_stream=yes\n",
        bidi, bidi);
    ck_assert_int_eq(leat_wt_open_stream(rig->wt, 8, true, &uni), LEAT_ERR_STATE);
    rig->fake.conn.streams_allowed = 0;
    ck_assert_int_eq(leat_wt_open_stream(rig->wt, 4, true, &uni), LEAT_ERR_STREAM_LIMIT);
}

WT_TEST(streams_open_only_on_open_sessions) {
    uint64_t id;
    rig->keeps_requests = true;
    wt_settings(rig);
    wt_request(rig, 0);
    ck_assert_int_eq(leat_wt_open_stream(rig->wt, 0, true, &id), LEAT_ERR_STATE);
}

WT_TEST(a_full_stream_takes_what_fits_and_tells_when_there_is_room) {
    uint64_t id;
    wt_open(rig);
    ck_assert_int_eq(leat_wt_open_stream(rig->wt, 0, true, &id), 0);
    rig->fake.conn.room = 5;
    ck_assert_int_eq(
        (int)leat_wt_send_stream_data(rig->wt, id, (const uint8_t *)"hello", 5, true), 2);
    ck_assert(!fake_find(&rig->fake.conn, id)->end_sent);
    rig->fake.conn.room = 50;
    wt_writable(rig, id);
    expect_events(rig, "StreamWritable session_id=0 stream_id=%llu\n", id, 0);
    ck_assert_int_eq(
        (int)leat_wt_send_stream_data(rig->wt, id, (const uint8_t *)"llo", 3, true), 3);
    wt_expect_sent(rig, id, "4054 00 68656c6c6f", true);
    wt_writable(rig, id);
    wt_expect(rig, "");
}

/* ---- resets and stops ------------------------------------------------------------------------ */

WT_TEST(codes_of_resets_and_stops_are_mapped_both_ways) {
    uint64_t theirs = wt_peer_bidi(rig, 1), ours;
    wt_open(rig);
    wt_feed(rig, theirs, "4041 00", false);
    wt_forget(rig);
    wt_reset(rig, theirs, 0x52e4a40fa8fa);
    expect_events(rig,
        "StreamReset session_id=0 stream_id=%llu code=30 has_code=yes http_code=91141958510842\n",
        theirs, 0);
    wt_stop(rig, theirs, 0x10f);
    expect_events(rig,
        "StopSendingReceived session_id=0 stream_id=%llu code=0 has_code=no http_code=271\n",
        theirs, 0);
    ck_assert_int_eq(leat_wt_open_stream(rig->wt, 0, false, &ours), 0);
    ck_assert_int_eq(leat_wt_reset_stream(rig->wt, ours, 0), 0);
    ck_assert_int_eq(leat_wt_stop_stream(rig->wt, ours, 0xffffffff), 0);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, ours)->reset, 0x52e4a40fa8db);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, ours)->stopped, 0x52e5ac983162);
}

/* TEST draft-ietf-webtrans-http3-16 §4.4: two bytes of type and one of session ID. */
WT_TEST(a_reset_keeps_the_head_of_the_stream) {
    uint64_t theirs = wt_peer_bidi(rig, 1), ours[3];
    wt_open(rig);
    wt_feed(rig, theirs, "4041 00", false);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(leat_wt_open_stream(rig->wt, 0, i == 0, &ours[i]), 0);
    }
    ck_assert_int_eq(leat_wt_reset_stream(rig->wt, ours[0], 0), 0);
    ck_assert_int_eq(leat_wt_reset_stream(rig->wt, ours[1], 0), 0);
    ck_assert_int_eq(leat_wt_reset_stream(rig->wt, theirs, 0), 0);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, ours[0])->reliable_size, 3);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, ours[1])->reliable_size, 3);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, theirs)->reliable_size, 0);
    leat_wt_close(rig->wt, 0, 0, NULL, 0);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, ours[2])->reliable_size, 3);
    ck_assert_uint_ne(fake_find(&rig->fake.conn, ours[2])->reset, FAKE_NONE);
    ck_assert_uint_ne(fake_find(&rig->fake.conn, ours[2])->stopped, FAKE_NONE);
}

WT_TEST(a_direction_that_is_over_tells_no_more) {
    uint64_t id = wt_peer_bidi(rig, 1);
    wt_open(rig);
    wt_feed(rig, id, "4041 00", false);
    wt_reset(rig, id, 0);
    wt_stop(rig, id, 0);
    wt_forget(rig);
    wt_reset(rig, id, 0);
    wt_stop(rig, id, 0);
    wt_writable(rig, id);
    wt_expect(rig, "");
    ck_assert_int_eq(leat_wt_reset_stream(rig->wt, id, 0), LEAT_ERR_NO_STREAM);
}

WT_TEST(a_stopped_stream_of_the_peer_leaves_nothing) {
    wt_open(rig);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t id = wt_peer_uni(rig, 3 + i);
        wt_feed(rig, id, "4054 00 61", false);
        ck_assert_int_eq(leat_wt_stop_stream(rig->wt, id, 7), 0);
        wt_forget(rig);
    }
    wt_event_in(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    size_t live = rig->memory.live;
    wt_feed(rig, wt_peer_uni(rig, 12), "4054 00 61", false);
    ck_assert_int_eq(leat_wt_stop_stream(rig->wt, wt_peer_uni(rig, 12), 7), 0);
    wt_event_in(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    ck_assert_uint_eq(rig->memory.live, live);
    ck_assert_int_eq(leat_wt_stop_stream(rig->wt, wt_peer_uni(rig, 12), 7), LEAT_ERR_NO_STREAM);
}

WT_TEST(unknown_streams_are_no_streams) {
    wt_open(rig);
    ck_assert_int_eq(leat_wt_reset_stream(rig->wt, 40, 0), LEAT_ERR_NO_STREAM);
    ck_assert_int_eq(leat_wt_stop_stream(rig->wt, 40, 0), LEAT_ERR_NO_STREAM);
    ck_assert_int_eq(leat_wt_hold_stream(rig->wt, 40, 0), LEAT_ERR_NO_STREAM);
    ck_assert_int_eq(leat_wt_release_stream(rig->wt, 40), LEAT_ERR_NO_STREAM);
    ck_assert_int_eq(leat_wt_set_stream_user(rig->wt, 40, rig), LEAT_ERR_NO_STREAM);
    ck_assert_ptr_null(leat_wt_stream_user(rig->wt, 40));
    wt_reset(rig, 40, 0);
    wt_stop(rig, 41, 0);
    wt_writable(rig, 42);
    wt_expect(rig, "");
}

/* ---- early and late -------------------------------------------------------------------------- */

static void open_late(wt_rig *rig) {
    if (rig->fake.conn.is_client) {
        wt_answer(rig, 0);
    } else {
        ck_assert_int_eq(leat_wt_accept(rig->wt, 0, NULL, 0), 0);
        wt_drain(rig);
    }
    wt_feed(rig, 0, NULL, false); /* lets the released ones through */
}

WT_TEST(early_streams_wait_in_the_transport) {
    /* TEST draft-ietf-webtrans-http3-07 §4.5 */
    uint64_t uni = wt_peer_uni(rig, 3), bidi = wt_peer_bidi(rig, 1);
    rig->keeps_requests = true;
    wt_settings(rig);
    wt_request(rig, 0);
    wt_forget(rig);
    wt_feed(rig, uni, "4054 00 6869", true);
    wt_feed(rig, bidi, "4041 00", false);
    wt_expect(rig, "");
    ck_assert(
        fake_find(&rig->fake.conn, uni)->is_held && fake_find(&rig->fake.conn, bidi)->is_held);
    ck_assert_int_eq(leat_wt_reset_stream(rig->wt, bidi, 0), LEAT_ERR_NO_STREAM);
    open_late(rig);
    ck_assert(
        !fake_find(&rig->fake.conn, uni)->is_held && !fake_find(&rig->fake.conn, bidi)->is_held);
    if (is_whole(rig)) {
        char text[1024];
        snprintf(text, sizeof text,
            "SessionReady session_id=0 dialect=%s\nStreamOpened session_id=0 stream_id=%llu "
            "unidirectional=yes\n"
            "StreamOpened session_id=0 stream_id=%llu unidirectional=no\n"
            "StreamDataReceived session_id=0 stream_id=%llu data=\"hi\" end_stream=yes\n",
            leat_wt_dialect_name(rig->dialect), (unsigned long long)uni, (unsigned long long)bidi,
            (unsigned long long)uni);
        wt_expect(rig, text);
    }
    ck_assert_int_eq(
        (int)leat_wt_send_stream_data(rig->wt, bidi, (const uint8_t *)"x", 1, true), 1);
}

WT_TEST_OF(a_stream_may_overtake_its_request, WT_SERVER) {
    wt_settings(rig);
    wt_feed(rig, 14, "4054 00 6869", true);
    wt_expect(rig, "");
    wt_request(rig, 0);
    if (is_whole(rig)) {
        return;
    }
    ck_assert(!fake_find(&rig->fake.conn, 14)->is_held);
}

WT_TEST_OF(early_streams_are_bounded, WT_SERVER) {
    /* Whatever a peer sends early, what is kept is bounded. */
    wt_settings(rig);
    for (unsigned i = 0; i < 40; i++) {
        wt_feed(rig, 14 + 4 * i, i % 2 == 0 ? "4054 00 61" : "4054 08 61", false);
        bool is_kept = i < 16;
        ck_assert_int_eq(fake_find(&rig->fake.conn, 14 + 4 * i)->is_held, is_kept);
        if (!is_kept) {
            wt_expect_aborted(rig, 14 + 4 * i, LEAT_WT_BUFFERED_STREAM_REJECTED);
        }
    }
    size_t live = rig->memory.live;
    for (unsigned i = 0; i < 1000; i++) {
        wt_feed(rig, 1000 + 4 * i + 2, "4054 0c", false);
    }
    wt_event_in(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    ck_assert_uint_le(rig->memory.live, live);
    wt_expect_connection_lives(rig);
}

WT_TEST_OF(streams_of_a_request_that_is_no_session_are_refused, WT_SERVER) {
    wt_settings(rig);
    wt_feed(rig, 14, "4054 00 61", false);
    wt_headers(rig, 0, ":method=GET\n:scheme=https\n:authority=a\n:path=/", false);
    wt_expect_aborted(rig, 14, LEAT_WT_SESSION_GONE);
}

WT_TEST_OF(streams_of_a_refused_session_are_refused, WT_SERVER) {
    rig->keeps_requests = true;
    wt_settings(rig);
    wt_request(rig, 0);
    wt_feed(rig, 14, "4054 00 61", true);
    leat_wt_refuse(rig->wt, 0, 404, NULL);
    wt_expect_aborted(rig, 14, LEAT_WT_SESSION_GONE);
    wt_feed(rig, 18, "4054 00 61", true);
    wt_expect_aborted(rig, 18, LEAT_WT_SESSION_GONE);
    wt_drain(rig);
}

WT_TEST_OF(a_client_knows_all_of_its_sessions, WT_CLIENT) {
    wt_open(rig);
    wt_feed(rig, 15, "4054 04 61", true);
    wt_feed(rig, 1, "4041 04 61", true);
    wt_expect_aborted(rig, 15, LEAT_WT_SESSION_GONE);
    wt_expect_aborted(rig, 1, LEAT_WT_SESSION_GONE);
    wt_expect(rig, "");
}

WT_TEST_OF(streams_without_webtransport_in_the_settings_are_unknown_streams, WT_SERVER) {
    /* Not negotiated: an unknown kind of stream. */
    wt_feed(rig, 2, "00 04 02 3301", false);
    wt_feed(rig, 14, "4054 00 61", false);
    wt_feed(rig, 4, "4041 00 61", false);
    wt_expect_aborted(rig, 14, LEAT_H3_STREAM_CREATION_ERROR);
    wt_expect_aborted(rig, 4, LEAT_H3_STREAM_CREATION_ERROR);
    wt_expect_connection_lives(rig);
}

WT_TEST(an_early_stream_that_is_reset_is_forgotten) {
    uint64_t id = wt_peer_bidi(rig, 1);
    rig->keeps_requests = true;
    wt_settings(rig);
    wt_request(rig, 0);
    wt_forget(rig);
    wt_feed(rig, id, "4041 00 61", false);
    wt_reset(rig, id, 0x52e4a40fa8db);
    wt_expect(rig, "");
    ck_assert_uint_eq(fake_find(&rig->fake.conn, id)->reset, LEAT_WT_BUFFERED_STREAM_REJECTED);
    open_late(rig);
    ck_assert_ptr_null(strstr(rig->log, "data="));
}

WT_TEST(an_early_stream_that_is_stopped_only_receives) {
    uint64_t id = wt_peer_bidi(rig, 1);
    rig->keeps_requests = true;
    wt_settings(rig);
    wt_request(rig, 0);
    wt_feed(rig, id, "4041 00 61", false);
    wt_stop(rig, id, 0);
    open_late(rig);
    ck_assert_ptr_nonnull(strstr(rig->log, "data=\"a\""));
    ck_assert_int_eq((int)leat_wt_send_stream_data(rig->wt, id, NULL, 0, true), LEAT_ERR_NO_STREAM);
}

/* ---- holding --------------------------------------------------------------------------------- */

static void take_one_byte(wt_rig *rig, const leat_wt_event *event) {
    if (event->type == LEAT_WT_EVENT_STREAM_DATA_RECEIVED &&
        event->stream_data_received.data.length > 1) {
        ck_assert_int_eq(leat_wt_hold_stream(rig->wt, event->stream_id,
                             event->stream_data_received.data.length - 1),
            0);
    }
}

WT_TEST(bytes_and_end_that_were_given_back_come_again) {
    uint64_t id = wt_peer_uni(rig, 3), other = wt_peer_uni(rig, 4);
    wt_open(rig);
    rig->is_bytewise = false;
    rig->on_event = take_one_byte;
    wt_feed(rig, id, "4054 00 686579", true);
    expect_events(rig,
        "StreamOpened session_id=0 stream_id=%llu unidirectional=yes\n"
        "StreamDataReceived session_id=0 stream_id=%llu data=\"hey\" end_stream=yes\n",
        id, id);
    wt_feed(rig, other, "4054 00", false);
    wt_forget(rig);
    ck_assert_int_eq(leat_wt_release_stream(rig->wt, id), 0);
    wt_feed(rig, other, NULL, false);
    expect_events(
        rig, "StreamDataReceived session_id=0 stream_id=%llu data=\"ey\" end_stream=yes\n", id, 0);
    rig->on_event = NULL;
    ck_assert_int_eq(leat_wt_release_stream(rig->wt, id), 0);
    wt_feed(rig, other, NULL, false);
    expect_events(
        rig, "StreamDataReceived session_id=0 stream_id=%llu data=\"y\" end_stream=yes\n", id, 0);
    wt_event_in(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    ck_assert_int_eq(leat_wt_release_stream(rig->wt, id), LEAT_ERR_NO_STREAM);
}

WT_TEST(a_held_stream_goes_with_its_session) {
    uint64_t id = wt_peer_bidi(rig, 1);
    wt_open(rig);
    rig->is_bytewise = false;
    rig->on_event = take_one_byte;
    wt_feed(rig, id, "4041 00 686579", true);
    wt_feed(rig, 0, NULL, true);
    wt_expect_aborted(rig, id, LEAT_WT_SESSION_GONE);
    ck_assert_int_eq(leat_wt_release_stream(rig->wt, id), LEAT_ERR_NO_STREAM);
}

/* ---- the user's pointer and the walk --------------------------------------------------------- */

WT_TEST(streams_are_walked_and_have_a_user_pointer) {
    uint64_t ids[3], id;
    size_t cursor = 0;
    wt_open(rig);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(leat_wt_open_stream(rig->wt, 0, i == 1, &ids[i]), 0);
        ck_assert_int_eq(leat_wt_set_stream_user(rig->wt, ids[i], &ids[i]), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        ck_assert(leat_wt_next_stream(rig->wt, 0, &cursor, &id));
        ck_assert_uint_eq(id, ids[i]);
        ck_assert_ptr_eq(leat_wt_stream_user(rig->wt, id), &ids[i]);
    }
    ck_assert(!leat_wt_next_stream(rig->wt, 0, &cursor, &id));
    cursor = 0;
    ck_assert(!leat_wt_next_stream(rig->wt, 4, &cursor, &id));
}

static void expect_user(wt_rig *rig, const leat_wt_event *event) {
    if (event->type == LEAT_WT_EVENT_STREAM_DATA_RECEIVED) {
        ck_assert_ptr_eq(leat_wt_stream_user(rig->wt, event->stream_id), rig);
    }
}

WT_TEST(the_last_event_of_a_stream_still_finds_its_pointer) {
    uint64_t id;
    wt_open(rig);
    ck_assert_int_eq(leat_wt_open_stream(rig->wt, 0, false, &id), 0);
    leat_wt_set_stream_user(rig->wt, id, rig);
    leat_wt_send_stream_data(rig->wt, id, NULL, 0, true);
    rig->on_event = expect_user;
    wt_feed(rig, id, "61", true);
    wt_event_in(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    ck_assert_ptr_null(leat_wt_stream_user(rig->wt, id));
}

WT_TEST(events_that_open_a_session_go_before_those_of_its_streams) {
    rig->is_silent = true;
    wt_settings(rig);
    wt_request(rig, 0);
    if (rig->fake.conn.is_client) {
        return;
    }
    leat_wt_accept(rig->wt, 0, NULL, 0); /* not yet drained, as from outside the loop */
    rig->is_bytewise = false;
    wt_feed(rig, 14, "4054 00", false);
    rig->keeps_requests = true;
    wt_drain(rig);
    const char *requested = strstr(rig->log, "SessionRequested"),
               *ready = strstr(rig->log, "SessionReady"),
               *opened = strstr(rig->log, "StreamOpened");
    ck_assert(requested != NULL && ready != NULL && opened != NULL && requested < ready &&
              ready < opened);
}

LEAT_TEST_MAIN("webtransport streams", a_unidirectional_stream_of_the_peer_is_told,
    a_bidirectional_stream_of_the_peer_is_told_and_answered, a_stream_without_data_is_told,
    streams_find_their_session, a_session_id_that_is_no_request_ends_the_connection,
    our_streams_begin_with_type_or_signal_and_session, streams_open_only_on_open_sessions,
    a_full_stream_takes_what_fits_and_tells_when_there_is_room,
    codes_of_resets_and_stops_are_mapped_both_ways, a_reset_keeps_the_head_of_the_stream,
    a_direction_that_is_over_tells_no_more,
    a_stopped_stream_of_the_peer_leaves_nothing, unknown_streams_are_no_streams,
    early_streams_wait_in_the_transport, a_stream_may_overtake_its_request,
    early_streams_are_bounded, streams_of_a_request_that_is_no_session_are_refused,
    streams_of_a_refused_session_are_refused, a_client_knows_all_of_its_sessions,
    streams_without_webtransport_in_the_settings_are_unknown_streams,
    an_early_stream_that_is_reset_is_forgotten, an_early_stream_that_is_stopped_only_receives,
    bytes_and_end_that_were_given_back_come_again, a_held_stream_goes_with_its_session,
    streams_are_walked_and_have_a_user_pointer, the_last_event_of_a_stream_still_finds_its_pointer,
    events_that_open_a_session_go_before_those_of_its_streams)
