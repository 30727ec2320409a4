/* Capsules on the CONNECT stream: close and drain, cut anywhere, unknown ones, faults. */
#include "webtransport/endings.h"

#define CLOSED(code, reason)                                                                       \
    "SessionClosed session_id=0 origin=peer cause=capsule code=" code " reason=\"" reason          \
    "\" http_code=0 quic_code=0" CLEAN_TAIL
#define PROTOCOL_ERROR                                                                             \
    "SessionClosed session_id=0 origin=local cause=protocol_error code=0 reason=\"\" "             \
    "http_code=270 quic_code=0" BROKEN_TAIL
#define DRAINING "SessionDraining session_id=0 by_goaway=no\n"

/* A close capsule with a declared and a real length of its reason. */
static void feed_reason(wt_rig *rig, size_t length, char fill) {
    char *reason = malloc(length);
    memset(reason, fill, length);
    wt_close_capsule(rig, 0, 7, reason, length, false);
    free(reason);
}

WT_TEST(code_and_reason_of_the_close_capsule_are_told) {
    wt_open(rig);
    wt_capsule(rig, 0, "6843 0c ffffffff 68c3a9e282acf09f", false);
    wt_expect(rig, PROTOCOL_ERROR);
    wt_request(rig, 4);
    wt_answer(rig, 4);
    wt_forget(rig);
    wt_capsule(rig, 4, "6843 0a ffffffff 68c3a9e282ac", false);
    wt_expect(rig, "SessionClosed session_id=4 origin=peer cause=capsule code=4294967295 "
                   "reason=\"h\xc3\xa9\xe2\x82\xac\" http_code=0 quic_code=0" CLEAN_TAIL);
}

WT_TEST(a_reason_may_hold_a_nul) {
    wt_open(rig);
    wt_capsule(rig, 0, "6843 07 00000001 610062", true);
    wt_expect(rig, CLOSED("1", "a\\u0000b"));
}

WT_TEST(a_reason_ends_at_1024_bytes) {
    /* TEST draft-ietf-webtrans-http3-07 §5. */
    wt_open(rig);
    feed_reason(rig, 1024, 'a');
    ck_assert_ptr_nonnull(strstr(rig->log, "cause=capsule code=7"));
    wt_request(rig, 4);
    wt_answer(rig, 4);
}

WT_TEST(a_reason_of_1025_bytes_is_a_protocol_error) {
    wt_open(rig);
    feed_reason(rig, 1025, 'a');
    wt_expect(rig, PROTOCOL_ERROR);
    wt_expect_aborted(rig, 0, LEAT_H3_MESSAGE_ERROR);
    wt_expect_connection_lives(rig);
}

WT_TEST(an_endless_close_capsule_costs_no_memory) {
    uint8_t zeros[1000] = {0};
    wt_open(rig);
    /* DATA of 2^30 bytes, a close capsule of 2^30 - 1. */
    wt_feed(rig, 0, "00 c000000040000000 6843 bfffffff 00000000", false);
    size_t bytes_live = rig->memory.bytes_live;
    for (int i = 0; i < 5; i++) {
        wt_feed_bytes(rig, 0, (leat_span){zeros, sizeof zeros}, false);
        ck_assert_uint_le(rig->memory.bytes_live, bytes_live + 2 * LEAT_H3_CAPSULE_MAX);
    }
    wt_expect(rig, PROTOCOL_ERROR);
    wt_expect_aborted(rig, 0, LEAT_H3_MESSAGE_ERROR);
}

WT_TEST(a_reason_that_is_not_utf8_is_a_protocol_error) {
    wt_open(rig);
    wt_capsule(rig, 0, "6843 06 00000001 c080", true);
    wt_expect(rig, PROTOCOL_ERROR);
    wt_expect_aborted(rig, 0, LEAT_H3_MESSAGE_ERROR);
    wt_feed(rig, 0, NULL, true);
    wt_expect(rig, "");
}

WT_TEST(a_close_capsule_without_a_whole_code_is_a_protocol_error) {
    wt_open(rig);
    wt_capsule(rig, 0, "6843 03 000000", false);
    wt_expect(rig, PROTOCOL_ERROR);
}

WT_TEST(an_empty_close_capsule_is_a_protocol_error) {
    wt_open(rig);
    wt_capsule(rig, 0, "6843 00", false);
    wt_expect(rig, PROTOCOL_ERROR);
}

WT_TEST(capsules_may_be_cut_at_every_byte_and_every_frame) {
    /* TEST RFC 9297 §3.2: frame borders mean nothing. Drain, an unknown one, close. */
    leat_span all = test_hex("800078ae 00 7fff 02 abcd 6843 07 00000007 627965");
    for (size_t cut = 0; cut <= all.length; cut++) {
        uint64_t id = 4 * (cut % 12);
        if (id == 0) {
            wt_role role = rig->fake.conn.is_client ? WT_CLIENT : WT_SERVER;
            leat_wt_dialect dialect = rig->dialect;
            wt_clear(rig);
            wt_init(rig, role, dialect);
            ck_assert(wt_start(rig));
            wt_settings(rig);
        }
        wt_request(rig, id);
        wt_answer(rig, id);
        wt_forget(rig);
        uint8_t frame[64] = {0x00, (uint8_t)cut};
        memcpy(frame + 2, all.data, cut);
        frame[2 + cut] = 0x00;
        frame[3 + cut] = (uint8_t)(all.length - cut);
        memcpy(frame + 4 + cut, all.data + cut, all.length - cut);
        wt_feed_bytes(rig, id, (leat_span){frame, 4 + all.length}, true);
        ck_assert_ptr_nonnull(strstr(rig->log, "SessionDraining"));
        ck_assert_ptr_nonnull(strstr(rig->log, "cause=capsule code=7 reason=\"bye\""));
        wt_forget(rig);
    }
}

WT_TEST(unknown_capsules_are_skipped_whatever_their_length) {
    /* TEST RFC 9297 §3.2: Chromium sends such at once. */
    uint8_t bytes[1500];
    memset(bytes, 0x68, sizeof bytes);
    wt_open(rig);
    wt_capsule(rig, 0, "17 02 abcd 4040 00 7fff 01 00", false);
    /* One of 2^20 bytes, in a DATA frame that also has the close capsule. */
    wt_feed(rig, 0, "00 c000000000100010 4017 80100000", false);
    for (size_t left = 1 << 20; left > 0;) {
        size_t piece = left < sizeof bytes ? left : sizeof bytes;
        bool was_bytewise = rig->is_bytewise;
        rig->is_bytewise = false;
        wt_feed_bytes(rig, 0, (leat_span){bytes, piece}, false);
        rig->is_bytewise = was_bytewise;
        left -= piece;
    }
    wt_expect(rig, "");
    wt_feed(rig, 0, "6843 07 00000007 627965", false);
    wt_expect(rig, CLOSED("7", "bye"));
}

WT_TEST(draining_is_told_once) {
    wt_open(rig);
    wt_capsule(rig, 0, "800078ae 00 800078ae 00", false);
    wt_expect(rig, DRAINING);
    wt_feed(rig, wt_peer_uni(rig, 0), "07 01 04", false);
    wt_expect(rig, "");
    uint64_t id;
    ck_assert_int_eq(leat_wt_open_stream(rig->wt, 0, true, &id), 0);
    wt_close_capsule(rig, 0, 0, "", 0, true);
    wt_expect(rig, CLOSED("0", ""));
}

WT_TEST(goaway_drains_every_session) {
    /* TEST draft-ietf-webtrans-http3-07 §4.6 */
    wt_open(rig);
    wt_request(rig, 4);
    wt_answer(rig, 4);
    wt_forget(rig);
    wt_feed(rig, wt_peer_uni(rig, 0), "07 01 08", false);
    wt_expect(rig,
        "SessionDraining session_id=0 by_goaway=yes\nSessionDraining session_id=4 by_goaway=yes\n");
    ck_assert_uint_eq(leat_wt_session_count(rig->wt), 2);
}

WT_TEST(a_drain_of_ours_is_a_capsule_of_draft_07) {
    wt_open(rig);
    if (rig->dialect == LEAT_WT_DIALECT_DRAFT02) {
        ck_assert_int_eq(leat_wt_drain(rig->wt, 0), LEAT_ERR_NOT_SUPPORTED);
    } else {
        ck_assert_int_eq(leat_wt_drain(rig->wt, 0), 0);
        wt_expect_sent(rig, 0, "00 05 800078ae 00", false);
    }
}

WT_TEST(a_stream_that_ends_inside_a_capsule_is_a_protocol_error) {
    /* TEST RFC 9297 §3.3 */
    wt_open(rig);
    wt_feed(rig, 0, "00 05 6843 07 0000", true);
    wt_expect(rig, PROTOCOL_ERROR);
    wt_expect_connection_lives(rig);
}

WT_TEST(a_stream_that_ends_inside_a_frame_ends_the_connection) {
    wt_open(rig);
    wt_feed(rig, 0, "00 05 6843", true);
    ck_assert(rig->fake.conn.is_failed);
    ck_assert_uint_eq(rig->fake.conn.error_code, LEAT_H3_FRAME_ERROR);
    wt_terminate(rig, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_H3_FRAME_ERROR);
    wt_expect(rig, "SessionClosed session_id=0 origin=local cause=protocol_error code=0 "
                   "reason=\"\" http_code=0 quic_code=262" GONE_TAIL);
}

WT_TEST(headers_on_an_open_session_end_the_connection) {
    /* TEST RFC 9114 §4.4: only DATA follows an accepted CONNECT. */
    wt_open(rig);
    wt_headers(rig, 0, "x=y", false);
    ck_assert_uint_eq(rig->fake.conn.error_code, LEAT_H3_FRAME_UNEXPECTED);
}

LEAT_TEST_MAIN("webtransport capsules", code_and_reason_of_the_close_capsule_are_told,
    a_reason_may_hold_a_nul, a_reason_ends_at_1024_bytes,
    a_reason_of_1025_bytes_is_a_protocol_error, an_endless_close_capsule_costs_no_memory,
    a_reason_that_is_not_utf8_is_a_protocol_error,
    a_close_capsule_without_a_whole_code_is_a_protocol_error,
    an_empty_close_capsule_is_a_protocol_error, capsules_may_be_cut_at_every_byte_and_every_frame,
    unknown_capsules_are_skipped_whatever_their_length, draining_is_told_once,
    goaway_drains_every_session, a_drain_of_ours_is_a_capsule_of_draft_07,
    a_stream_that_ends_inside_a_capsule_is_a_protocol_error,
    a_stream_that_ends_inside_a_frame_ends_the_connection,
    headers_on_an_open_session_end_the_connection)
