/* One row of the endings at a time: the event, what is answered on the wire, and that nothing
 * follows. */
#include "webtransport/endings.h"

static void expect_closed(wt_rig *rig, uint64_t id, const wt_ending_row *row) {
    char line[512];
    snprintf(
        line, sizeof line, "SessionClosed session_id=%llu %s", (unsigned long long)id, row->closed);
    ck_assert_msg(strcmp(rig->log, line) == 0, "%s:\n%s\nexpected\n%s", row->name, rig->log, line);
    wt_forget(rig);
}

/* Runs a body for each ending, both roles, both dialects, whole and byte by byte. */
static void each_ending(void (*body)(wt_rig *rig, const wt_ending_row *row)) {
    static wt_rig rig;
    for (size_t i = 0; i < wt_endings_count * 8; i++) {
        const wt_ending_row *row = &wt_endings[i / 8];
        wt_init(&rig, i & 1 ? WT_CLIENT : WT_SERVER,
            i & 2 ? LEAT_WT_DIALECT_DRAFT07 : LEAT_WT_DIALECT_DRAFT02);
        rig.is_bytewise = (i & 4) != 0;
        ck_assert(wt_start(&rig));
        wt_open(&rig);
        body(&rig, row);
        wt_clear(&rig);
    }
}

static void end_and_finish(wt_rig *rig, const wt_ending_row *row) {
    row->happen(rig, 0);
    if (strcmp(row->name, "stop") == 0) {
        wt_expect(rig, "");
        wt_ping_answered(rig);
    }
    expect_closed(rig, 0, row);
    ck_assert_int_eq(rig->fake.liveness, 0);
    ck_assert_uint_eq(leat_wt_session_count(rig->wt), 0);
}

static void ends_once(wt_rig *rig, const wt_ending_row *row) {
    end_and_finish(rig, row);
    bool is_waiting = row->leaves_the_stream && strcmp(row->name, "stop") != 0;
    ck_assert_int_eq(leat_wt_is_closing(rig->wt), is_waiting);
    ck_assert_int_eq(leat_wt_close(rig->wt, 0, 0, NULL, 0), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_wt_send_datagram(rig->wt, 0, (leat_span){NULL, 0}, 0), LEAT_ERR_STATE);
    uint64_t id;
    ck_assert_int_eq(leat_wt_open_stream(rig->wt, 0, true, &id), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_wt_drain(rig->wt, 0), LEAT_ERR_STATE);
    if (is_waiting) {
        wt_feed(rig, 0, NULL, true);
        ck_assert(!leat_wt_is_closing(rig->wt));
    }
    if (!row->ends_connection) {
        wt_terminate(rig, LEAT_SOURCE_IDLE_TIMEOUT, 0);
    }
    wt_drain(rig);
    wt_expect(rig, "");
}

START_TEST(every_ending_is_told_once_with_its_cause) {
    each_ending(ends_once);
}
END_TEST

static void opened_streams_go(wt_rig *rig, const wt_ending_row *row) {
    uint64_t bidi, uni, theirs = wt_peer_bidi(rig, 1), their_uni = wt_peer_uni(rig, 3);
    ck_assert_int_eq(leat_wt_open_stream(rig->wt, 0, false, &bidi), 0);
    ck_assert_int_eq(leat_wt_open_stream(rig->wt, 0, true, &uni), 0);
    wt_feed(rig, theirs, "4041 00 61", false);
    wt_feed(rig, their_uni, "4054 00 61", false);
    wt_forget(rig);
    end_and_finish(rig, row);
    /* TEST draft-ietf-webtrans-http3-07 §5 */
    wt_expect_aborted(rig, bidi, LEAT_WT_SESSION_GONE);
    wt_expect_aborted(rig, uni, LEAT_WT_SESSION_GONE);
    wt_expect_aborted(rig, theirs, LEAT_WT_SESSION_GONE);
    wt_expect_aborted(rig, their_uni, LEAT_WT_SESSION_GONE);
    wt_feed(rig, theirs, "62", true);
    wt_reset(rig, their_uni, 0);
    wt_stop(rig, bidi, 0);
    wt_writable(rig, uni);
    wt_datagram_in(rig, "00 61");
    wt_expect(rig, "");
    ck_assert_int_eq(
        (int)leat_wt_send_stream_data(rig->wt, bidi, NULL, 0, true), LEAT_ERR_NO_STREAM);
    ck_assert_int_eq(leat_wt_reset_stream(rig->wt, theirs, 0), LEAT_ERR_NO_STREAM);
}

START_TEST(every_ending_ends_the_streams_and_nothing_of_them_follows) {
    each_ending(opened_streams_go);
}
END_TEST

static void late_streams_are_refused(wt_rig *rig, const wt_ending_row *row) {
    end_and_finish(rig, row);
    if (!row->ends_connection) {
        wt_feed(rig, wt_peer_bidi(rig, 2), "4041 00 61", true);
        wt_feed(rig, wt_peer_uni(rig, 4), "4054 00 61", false);
        wt_expect_aborted(rig, wt_peer_bidi(rig, 2), LEAT_WT_SESSION_GONE);
        wt_expect_aborted(rig, wt_peer_uni(rig, 4), LEAT_WT_SESSION_GONE);
    }
    wt_expect(rig, "");
}

START_TEST(streams_after_any_ending_are_refused_with_session_gone) {
    each_ending(late_streams_are_refused);
}
END_TEST

static void every_session_is_told(wt_rig *rig, const wt_ending_row *row) {
    wt_request(rig, 4);
    wt_answer(rig, 4);
    wt_request(rig, 8);
    wt_answer(rig, 8);
    wt_forget(rig);
    row->happen(rig, 4);
    if (strcmp(row->name, "stop") == 0) {
        wt_ping_answered(rig);
    }
    if (!row->ends_connection) {
        expect_closed(rig, 4, row);
        ck_assert_uint_eq(leat_wt_session_count(rig->wt), 2);
        ck_assert_int_eq(rig->fake.liveness, 2);
        return;
    }
    char lines[1024];
    snprintf(lines, sizeof lines,
        "SessionClosed session_id=0 %sSessionClosed session_id=4 %sSessionClosed session_id=8 %s",
        row->closed, row->closed, row->closed);
    wt_expect(rig, lines);
}

START_TEST(a_connection_that_ends_closes_each_session_and_a_session_only_itself) {
    each_ending(every_session_is_told);
}
END_TEST

/* ---- the wire -------------------------------------------------------------------------------- */

WT_TEST(a_local_close_is_a_capsule_and_fin_in_one_frame) {
    wt_open(rig);
    ck_assert_int_eq(leat_wt_close(rig->wt, 0, 0x01020304, "bye", 3), 0);
    wt_expect_sent(rig, 0, "00 0a 6843 07 01020304 627965", true);
    /* No STOP_SENDING: Chromium would lose code and reason. */
    ck_assert_uint_eq(fake_find(&rig->fake.conn, 0)->stopped, FAKE_NONE);
    wt_drain(rig);
    ck_assert(leat_wt_is_closing(rig->wt));
}

WT_TEST(a_close_by_capsule_is_answered_with_fin) {
    wt_open(rig);
    wt_close_capsule(rig, 0, 0, "", 0, false);
    wt_expect_sent(rig, 0, "", true);
}

WT_TEST(a_fin_is_answered_with_fin) {
    wt_open(rig);
    wt_feed(rig, 0, NULL, true);
    wt_expect_sent(rig, 0, "", true);
}

WT_TEST(a_reset_is_answered_with_a_reset) {
    wt_open(rig);
    wt_reset(rig, 0, 1);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, 0)->reset, LEAT_H3_REQUEST_CANCELLED);
    ck_assert_uint_eq(leat_h3_open_requests(rig->h3), 0);
}

WT_TEST(a_stop_gives_up_reading_after_the_round_trip) {
    wt_open(rig);
    wt_stop(rig, 0, 5);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, 0)->stopped, FAKE_NONE);
    wt_stop(rig, 0, 6);
    wt_ping_answered(rig);
    wt_expect(rig, "SessionClosed session_id=0 origin=peer cause=stop code=0 reason=\"\" "
                   "http_code=5 quic_code=0" BROKEN_TAIL);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, 0)->stopped, LEAT_H3_REQUEST_CANCELLED);
    wt_ping_answered(rig);
    wt_expect(rig, "");
}

WT_TEST(somebody_elses_ping_ends_nothing) {
    wt_open(rig);
    wt_stop(rig, 0, 5);
    rig->fake.conn.last_ping = 1;
    wt_ping_answered(rig);
    rig->fake.conn.last_ping = WT_UID | WT_UID >> 1 | 77;
    wt_ping_answered(rig);
    wt_expect(rig, "");
}

/* ---- closing --------------------------------------------------------------------------------- */

WT_TEST(reasons_are_bounded_utf8) {
    char reason[LEAT_WT_REASON_MAX + 1];
    memset(reason, 'a', sizeof reason);
    wt_open(rig);
    ck_assert_int_eq(leat_wt_close(rig->wt, 0, 0, reason, sizeof reason), LEAT_ERR_INVALID);
    ck_assert_int_eq(leat_wt_close(rig->wt, 0, 0, "\xc3", 1), LEAT_ERR_INVALID);
    ck_assert_int_eq(leat_wt_close(rig->wt, 0, 0, "\xed\xa0\x80", 3), LEAT_ERR_INVALID);
    ck_assert_int_eq(leat_wt_close(rig->wt, 4, 0, "", 0), LEAT_ERR_STATE);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, 0)->sent_length, 0);
    ck_assert_int_eq(leat_wt_close(rig->wt, 0, 0, reason, LEAT_WT_REASON_MAX), 0);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, 0)->sent_length, 3 + 4 + 4 + LEAT_WT_REASON_MAX);
    wt_drain(rig);
}

WT_TEST(a_close_does_not_wait_for_the_peer_to_read) {
    /* The peer gives no credit. */
    wt_open(rig);
    rig->fake.conn.room = 0;
    ck_assert_int_eq(leat_wt_close(rig->wt, 0, 7, "bye", 3), 0);
    wt_drain(rig);
    wt_expect(rig, "SessionClosed session_id=0 origin=local cause=local code=7 reason=\"bye\" "
                   "http_code=0 quic_code=0" CLEAN_TAIL);
    wt_expect_sent(rig, 0, "", false);
    rig->fake.conn.room = 5;
    wt_writable(rig, 0);
    rig->fake.conn.room = 5000;
    wt_writable(rig, 0);
    wt_expect_sent(rig, 0, "00 0a 6843 07 00000007 627965", true);
    wt_expect(rig, "");
}

WT_TEST(an_end_waits_behind_a_capsule_that_has_no_room) {
    wt_open(rig);
    if (rig->dialect != LEAT_WT_DIALECT_DRAFT07) {
        return;
    }
    rig->fake.conn.room = 3;
    ck_assert_int_eq(leat_wt_drain(rig->wt, 0), 0);
    ck_assert_int_eq(leat_wt_close(rig->wt, 0, 0, NULL, 0), 0);
    wt_drain(rig);
    rig->fake.conn.room = 100;
    wt_writable(rig, 0);
    wt_expect_sent(rig, 0, "00 05 800078ae 00 00 07 6843 04 00000000", true);
}

WT_TEST(an_answering_fin_waits_behind_a_capsule_that_has_no_room) {
    wt_open(rig);
    if (rig->dialect != LEAT_WT_DIALECT_DRAFT07) {
        return;
    }
    rig->fake.conn.room = 3;
    ck_assert_int_eq(leat_wt_drain(rig->wt, 0), 0);
    wt_close_capsule(rig, 0, 0, "", 0, false);
    wt_expect_sent(rig, 0, "00 05 80", false);
    rig->fake.conn.room = 100;
    wt_writable(rig, 0);
    wt_expect_sent(rig, 0, "00 05 800078ae 00", true);
    wt_writable(rig, 0);
    wt_writable(rig, 0);
    wt_expect_sent(rig, 0, "00 05 800078ae 00", true);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, 0)->reset, FAKE_NONE);
}

WT_TEST(a_close_after_the_peer_stopped_reading_gives_up_the_stream) {
    wt_open(rig);
    wt_stop(rig, 0, 5);
    ck_assert_int_eq(leat_wt_close(rig->wt, 0, 7, "bye", 3), 0);
    wt_drain(rig);
    wt_expect(rig, "SessionClosed session_id=0 origin=local cause=local code=7 reason=\"bye\" "
                   "http_code=0 quic_code=0" CLEAN_TAIL);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, 0)->stopped, LEAT_H3_REQUEST_CANCELLED);
    ck_assert(!leat_wt_is_closing(rig->wt));
}

static void close_in_handler(wt_rig *rig, const leat_wt_event *event) {
    if (event->type == LEAT_WT_EVENT_STREAM_OPENED) {
        ck_assert_int_eq(leat_wt_close(rig->wt, event->session_id, 1, NULL, 0), 0);
    }
}

WT_TEST(a_close_in_the_middle_of_an_event_stays_last) {
    wt_open(rig);
    rig->on_event = close_in_handler;
    wt_feed(rig, wt_peer_uni(rig, 3), "4054 00 6162", true);
    ck_assert_uint_eq(rig->closed_count, 1);
}

WT_TEST(the_users_pointer_comes_with_the_end) {
    leat_wt_event event;
    wt_open(rig);
    leat_wt_set_session_user(rig->wt, 0, rig);
    rig->is_silent = true;
    wt_feed(rig, 0, NULL, true);
    ck_assert(leat_wt_next_event(rig->wt, &event));
    ck_assert_ptr_eq(event.session_closed.user, rig);
    ck_assert(!leat_wt_next_event(rig->wt, &event));
}

LEAT_TEST_MAIN("webtransport endings", every_ending_is_told_once_with_its_cause,
    every_ending_ends_the_streams_and_nothing_of_them_follows,
    streams_after_any_ending_are_refused_with_session_gone,
    a_connection_that_ends_closes_each_session_and_a_session_only_itself,
    a_local_close_is_a_capsule_and_fin_in_one_frame, a_close_by_capsule_is_answered_with_fin,
    a_fin_is_answered_with_fin, a_reset_is_answered_with_a_reset,
    a_stop_gives_up_reading_after_the_round_trip, somebody_elses_ping_ends_nothing,
    reasons_are_bounded_utf8, a_close_does_not_wait_for_the_peer_to_read,
    an_end_waits_behind_a_capsule_that_has_no_room,
    an_answering_fin_waits_behind_a_capsule_that_has_no_room,
    a_close_after_the_peer_stopped_reading_gives_up_the_stream,
    a_close_in_the_middle_of_an_event_stays_last, the_users_pointer_comes_with_the_end)
