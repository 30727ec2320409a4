/* Datagrams of a session: in, out, early, and what became of them. */
#include "webtransport/endings.h"

static void tell_fate(wt_rig *rig, uint64_t number, leat_datagram_fate fate) {
    wt_event_in(rig, &(leat_event){.type = LEAT_EVENT_DATAGRAM_FRAME_FATE,
                         .datagram_frame_fate = {WT_UID | number, fate}});
}

static int send_text(wt_rig *rig, uint64_t session_id, const char *text, uint64_t uid) {
    return leat_wt_send_datagram(
        rig->wt, session_id, (leat_span){(const uint8_t *)text, strlen(text)}, uid);
}

WT_TEST(a_datagram_finds_its_session) {
    wt_open(rig);
    wt_request(rig, 4);
    wt_answer(rig, 4);
    wt_forget(rig);
    wt_datagram_in(rig, "01 6869");
    wt_datagram_in(rig, "00");
    wt_expect(rig,
        "DatagramReceived session_id=4 data=\"hi\"\nDatagramReceived session_id=0 data=\"\"\n");
    ck_assert_int_eq(send_text(rig, 4, "yo", 0), 0);
    ck_assert_bytes(rig->fake.conn.datagram.bytes, rig->fake.conn.datagram.length, "01 796f");
    ck_assert_int_eq(send_text(rig, 8, "yo", 0), LEAT_ERR_STATE);
    ck_assert_uint_eq(leat_wt_max_datagram_payload(rig->wt, 0), 1199);
    ck_assert_uint_eq(leat_wt_max_datagram_payload(rig->wt, 8), 0);
}

WT_TEST(a_datagram_capsule_is_a_datagram_too) {
    /* TEST RFC 9297 §3.5 */
    wt_open(rig);
    wt_capsule(rig, 0, "00 02 6869", false);
    wt_expect(rig, "DatagramReceived session_id=0 data=\"hi\"\n");
}

static void open_late(wt_rig *rig) {
    if (rig->fake.conn.is_client) {
        wt_answer(rig, 0);
    } else {
        ck_assert_int_eq(leat_wt_accept(rig->wt, 0, NULL, 0), 0);
        wt_drain(rig);
    }
}

WT_TEST(early_datagrams_follow_session_ready) {
    /* TEST draft-ietf-webtrans-http3-07 §4.5 */
    rig->keeps_requests = true;
    wt_settings(rig);
    wt_request(rig, 0);
    wt_forget(rig);
    wt_datagram_in(rig, "00 61");
    wt_datagram_in(rig, "00 62");
    wt_datagram_in(rig, "00");
    wt_expect(rig, "");
    open_late(rig);
    ck_assert_ptr_nonnull(strstr(rig->log,
        "\nDatagramReceived session_id=0 data=\"a\"\nDatagramReceived session_id=0 data=\"b\"\n"
        "DatagramReceived session_id=0 data=\"\"\n"));
    ck_assert_int_eq(strncmp(rig->log, "SessionReady", 12), 0);
}

WT_TEST_OF(a_datagram_may_overtake_its_request, WT_SERVER) {
    wt_settings(rig);
    wt_datagram_in(rig, "00 61");
    wt_datagram_in(rig, "01 62");
    wt_request(rig, 0);
    ck_assert_ptr_nonnull(strstr(rig->log, "SessionReady session_id=0 dialect="));
    ck_assert_ptr_nonnull(strstr(rig->log, "\nDatagramReceived session_id=0 data=\"a\"\n"));
    ck_assert_ptr_null(strstr(rig->log, "data=\"b\""));
}

WT_TEST(early_datagrams_are_bounded_and_the_oldest_go) {
    rig->keeps_requests = true;
    wt_settings(rig);
    wt_request(rig, 0);
    wt_forget(rig);
    for (int i = 0; i < 1000; i++) {
        char hex[16];
        snprintf(hex, sizeof hex, "00 %04x", 0x4141 + i % 16);
        wt_datagram_in(rig, hex);
    }
    ck_assert_uint_le(rig->memory.live, 60);
    open_late(rig);
    size_t count = 0;
    for (const char *at = rig->log; (at = strstr(at, "DatagramReceived")) != NULL; at++) {
        count++;
    }
    ck_assert_uint_eq(count, 16);
    wt_forget(rig);
    wt_feed(rig, 0, NULL, true);
    ck_assert_ptr_nonnull(strstr(rig->log, "datagrams_dropped=984\n"));
}

WT_TEST_OF(datagrams_of_a_flood_of_unknown_sessions_are_bounded, WT_SERVER) {
    wt_settings(rig);
    size_t live = rig->memory.live;
    for (unsigned i = 0; i < 10000; i++) {
        char hex[32];
        snprintf(hex, sizeof hex, "80%06x 61", i);
        wt_datagram_in(rig, hex);
        ck_assert_uint_le(rig->memory.live, live + 16);
    }
    wt_expect(rig, "");
}

WT_TEST(early_datagrams_of_a_session_that_never_opens_are_counted) {
    rig->keeps_requests = true;
    wt_settings(rig);
    wt_request(rig, 0);
    wt_datagram_in(rig, "00 61");
    wt_forget(rig);
    wt_feed(rig, 0, NULL, !rig->fake.conn.is_client);
    if (rig->fake.conn.is_client) {
        wt_headers(rig, 0, ":status=403", true);
    }
    ck_assert_ptr_nonnull(strstr(rig->log, "datagrams_dropped=1\n"));
}

WT_TEST(a_datagram_for_nobody_is_dropped) {
    wt_open(rig);
    wt_datagram_in(rig, "3f 61");
    wt_expect(rig, "");
    wt_expect_connection_lives(rig);
}

WT_TEST(a_datagram_without_a_valid_session_ends_the_connection) {
    /* TEST RFC 9297 §2.1-1. */
    wt_open(rig);
    wt_datagram_in(rig, "d000000000000000 61");
    ck_assert_uint_eq(rig->fake.conn.error_code, LEAT_H3_DATAGRAM_ERROR);
}

WT_TEST(the_fate_of_a_datagram_is_told_with_its_uid) {
    wt_open(rig);
    ck_assert_int_eq(send_text(rig, 0, "a", 100), 0);
    ck_assert_int_eq(send_text(rig, 0, "b", 0), 0);
    ck_assert_int_eq(send_text(rig, 0, "c", 102), 0);
    ck_assert_int_eq(send_text(rig, 0, "d", 100), 0);
    tell_fate(rig, 1, LEAT_DATAGRAM_LOST);
    tell_fate(rig, 0, LEAT_DATAGRAM_ACKED);
    tell_fate(rig, 2, LEAT_DATAGRAM_EXPIRED);
    wt_expect(rig, "DatagramFate session_id=0 uid=102 fate=lost\nDatagramFate session_id=0 uid=100 "
                   "fate=acked\n"
                   "DatagramFate session_id=0 uid=100 fate=expired\n");
    tell_fate(rig, 0, LEAT_DATAGRAM_ACKED);
    tell_fate(rig, 7, LEAT_DATAGRAM_ACKED);
    wt_event_in(rig, &(leat_event){.type = LEAT_EVENT_DATAGRAM_FRAME_FATE,
                         .datagram_frame_fate = {100, LEAT_DATAGRAM_ACKED}});
    wt_expect(rig, "");
}

WT_TEST(a_datagram_that_was_not_taken_has_no_fate) {
    char large[300];
    memset(large, 'a', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    wt_open(rig);
    ck_assert_int_eq(send_text(rig, 0, "a", 1), 0);
    ck_assert_int_eq(send_text(rig, 0, large, 2), LEAT_ERR_TOO_LARGE);
    ck_assert_int_eq(send_text(rig, 0, "c", 3), 0);
    tell_fate(rig, 2, LEAT_DATAGRAM_ACKED);
    tell_fate(rig, 0, LEAT_DATAGRAM_LOST);
    wt_expect(rig,
        "DatagramFate session_id=0 uid=3 fate=acked\nDatagramFate session_id=0 uid=1 fate=lost\n");
}

WT_TEST(datagrams_that_were_not_taken_use_up_no_bound) {
    wt_open(rig);
    for (int i = 0; i < WT_FATES_MAX + 1; i++) {
        ck_assert_int_eq(
            leat_wt_send_datagram(rig->wt, 0, (leat_span){(const uint8_t *)rig->log, 300}, 1),
            LEAT_ERR_TOO_LARGE);
    }
    ck_assert_int_eq(send_text(rig, 0, "a", 7), 0);
    tell_fate(rig, WT_FATES_MAX + 1, LEAT_DATAGRAM_ACKED);
    wt_expect(rig, "DatagramFate session_id=0 uid=7 fate=acked\n");
}

WT_TEST(fates_after_the_end_are_not_told) {
    wt_open(rig);
    ck_assert_int_eq(send_text(rig, 0, "a", 1), 0);
    wt_feed(rig, 0, NULL, true);
    wt_forget(rig);
    tell_fate(rig, 0, LEAT_DATAGRAM_ACKED);
    wt_expect(rig, "");
}

WT_TEST(fates_are_asked_for_within_a_bound) {
    wt_open(rig);
    for (uint64_t i = 0; i < WT_FATES_MAX + 100; i++) {
        ck_assert_int_eq(send_text(rig, 0, "a", i + 1), 0);
    }
    tell_fate(rig, WT_FATES_MAX - 1, LEAT_DATAGRAM_ACKED);
    wt_expect(rig, "DatagramFate session_id=0 uid=4096 fate=acked\n");
    tell_fate(rig, WT_FATES_MAX, LEAT_DATAGRAM_ACKED);
    wt_expect(rig, "");
}

LEAT_TEST_MAIN("webtransport datagrams", a_datagram_finds_its_session,
    a_datagram_capsule_is_a_datagram_too, early_datagrams_follow_session_ready,
    a_datagram_may_overtake_its_request, early_datagrams_are_bounded_and_the_oldest_go,
    datagrams_of_a_flood_of_unknown_sessions_are_bounded,
    early_datagrams_of_a_session_that_never_opens_are_counted, a_datagram_for_nobody_is_dropped,
    a_datagram_without_a_valid_session_ends_the_connection,
    the_fate_of_a_datagram_is_told_with_its_uid, a_datagram_that_was_not_taken_has_no_fate,
    datagrams_that_were_not_taken_use_up_no_bound, fates_after_the_end_are_not_told,
    fates_are_asked_for_within_a_bound)
