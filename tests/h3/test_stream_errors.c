/*
 * Every fault of a peer that closes the connection, with exactly the code the RFC names: one row
 * each, fed whole and byte by byte. Among them the HTTP/3 and QPACK cases of the h3spec suite.
 */
#include "h3/rig.h"

typedef struct fault {
    const char *name;
    rig_role role; /* ours */
    /* C, E, D: the peer's control, encoder, decoder stream after its type byte; U: a unidirectional
     * stream of the peer from its first byte; 0 and 1: bidirectional streams. */
    int stream;
    const char *hex;
    bool end_stream;
    uint64_t error;
} fault;

#define SETTINGS_FIRST "04 00 "

static const fault faults[] = {
    /* RFC 9114 §6.2.1, §7.2.4 */
    {"the first control frame is GOAWAY", SERVER, 'C', "07 01 00", false, LEAT_H3_MISSING_SETTINGS},
    {"the first control frame is unknown", SERVER, 'C', "21 00", false, LEAT_H3_MISSING_SETTINGS},
    {"the first control frame is DATA", CLIENT, 'C', "00 00", false, LEAT_H3_MISSING_SETTINGS},
    {"DATA on control", SERVER, 'C', SETTINGS_FIRST "00 01 61", false, LEAT_H3_FRAME_UNEXPECTED},
    {"HEADERS on control", SERVER, 'C', SETTINGS_FIRST "01 01 61", false, LEAT_H3_FRAME_UNEXPECTED},
    {"a second SETTINGS", SERVER, 'C', SETTINGS_FIRST "04 00", false, LEAT_H3_FRAME_UNEXPECTED},
    {"PUSH_PROMISE on control", CLIENT, 'C', SETTINGS_FIRST "05 01 00", false, LEAT_H3_FRAME_UNEXPECTED},
    {"HTTP/2 PRIORITY on control", SERVER, 'C', SETTINGS_FIRST "02 00", false, LEAT_H3_FRAME_UNEXPECTED},
    {"HTTP/2 PING on control", SERVER, 'C', SETTINGS_FIRST "06 00", false, LEAT_H3_FRAME_UNEXPECTED},
    {"HTTP/2 WINDOW_UPDATE on control", SERVER, 'C', SETTINGS_FIRST "08 00", false, LEAT_H3_FRAME_UNEXPECTED},
    {"HTTP/2 CONTINUATION on control", SERVER, 'C', SETTINGS_FIRST "09 00", false, LEAT_H3_FRAME_UNEXPECTED},
    {"WebTransport's signal on control", SERVER, 'C', SETTINGS_FIRST "4041 00", false, LEAT_H3_FRAME_ERROR},
    {"a second control stream", SERVER, 'U', "00", false, LEAT_H3_STREAM_CREATION_ERROR},
    {"a second encoder stream", SERVER, 'U', "02", false, LEAT_H3_STREAM_CREATION_ERROR},
    {"a second decoder stream", SERVER, 'U', "03", false, LEAT_H3_STREAM_CREATION_ERROR},
    {"control closed", SERVER, 'C', SETTINGS_FIRST, true, LEAT_H3_CLOSED_CRITICAL_STREAM},
    {"control closed at once", CLIENT, 'C', NULL, true, LEAT_H3_CLOSED_CRITICAL_STREAM},
    {"encoder stream closed", SERVER, 'E', NULL, true, LEAT_H3_CLOSED_CRITICAL_STREAM},
    {"decoder stream closed", CLIENT, 'D', NULL, true, LEAT_H3_CLOSED_CRITICAL_STREAM},
    /* SETTINGS */
    {"a setting twice", SERVER, 'C', "04 04 06 01 06 01", false, LEAT_H3_SETTINGS_ERROR},
    {"an unknown setting twice", SERVER, 'C', "04 06 4123 01 4123 02", false, LEAT_H3_SETTINGS_ERROR},
    {"HTTP/2 setting 0", SERVER, 'C', "04 02 00 01", false, LEAT_H3_SETTINGS_ERROR},
    {"HTTP/2 setting 2", SERVER, 'C', "04 02 02 01", false, LEAT_H3_SETTINGS_ERROR},
    {"HTTP/2 setting 3", SERVER, 'C', "04 02 03 01", false, LEAT_H3_SETTINGS_ERROR},
    {"HTTP/2 setting 4", CLIENT, 'C', "04 02 04 01", false, LEAT_H3_SETTINGS_ERROR},
    {"HTTP/2 setting 5", SERVER, 'C', "04 02 05 01", false, LEAT_H3_SETTINGS_ERROR},
    {"H3_DATAGRAM 2", SERVER, 'C', "04 02 33 02", false, LEAT_H3_SETTINGS_ERROR},
    {"ENABLE_CONNECT_PROTOCOL 2", CLIENT, 'C', "04 02 08 02", false, LEAT_H3_SETTINGS_ERROR},
    {"a setting without value", SERVER, 'C', "04 01 06", false, LEAT_H3_FRAME_ERROR},
    {"a setting cut in its value", SERVER, 'C', "04 02 06 40", false, LEAT_H3_FRAME_ERROR},
    {"SETTINGS of a megabyte", SERVER, 'C', "04 80100000", false, LEAT_H3_EXCESSIVE_LOAD},
    /* Identifiers */
    {"GOAWAY without an id", CLIENT, 'C', SETTINGS_FIRST "07 00", false, LEAT_H3_FRAME_ERROR},
    {"GOAWAY with a byte too many", CLIENT, 'C', SETTINGS_FIRST "07 02 00 00", false, LEAT_H3_FRAME_ERROR},
    {"GOAWAY of an endless length", CLIENT, 'C', SETTINGS_FIRST "07 ffffffffffffffff", false, LEAT_H3_FRAME_ERROR},
    {"GOAWAY of a server naming no request", CLIENT, 'C', SETTINGS_FIRST "07 01 01", false, LEAT_H3_ID_ERROR},
    {"GOAWAY increases", CLIENT, 'C', SETTINGS_FIRST "07 01 04 07 01 08", false, LEAT_H3_ID_ERROR},
    {"GOAWAY of a client increases", SERVER, 'C', SETTINGS_FIRST "07 01 01 07 01 02", false, LEAT_H3_ID_ERROR},
    {"MAX_PUSH_ID decreases", SERVER, 'C', SETTINGS_FIRST "0d 01 04 0d 01 03", false, LEAT_H3_ID_ERROR},
    {"MAX_PUSH_ID from a server", CLIENT, 'C', SETTINGS_FIRST "0d 01 04", false, LEAT_H3_FRAME_UNEXPECTED},
    {"MAX_PUSH_ID empty", SERVER, 'C', SETTINGS_FIRST "0d 00", false, LEAT_H3_FRAME_ERROR},
    {"CANCEL_PUSH of nothing, to a server", SERVER, 'C', SETTINGS_FIRST "03 01 00", false, LEAT_H3_ID_ERROR},
    {"CANCEL_PUSH of nothing, to a client", CLIENT, 'C', SETTINGS_FIRST "03 01 00", false, LEAT_H3_ID_ERROR},
    {"CANCEL_PUSH empty", SERVER, 'C', SETTINGS_FIRST "03 00", false, LEAT_H3_FRAME_ERROR},
    /* Request streams */
    {"CANCEL_PUSH on a request", SERVER, '0', "03 01 00", false, LEAT_H3_FRAME_UNEXPECTED},
    {"SETTINGS on a request", SERVER, '0', "04 00", false, LEAT_H3_FRAME_UNEXPECTED},
    {"GOAWAY on a request", SERVER, '0', "07 01 00", false, LEAT_H3_FRAME_UNEXPECTED},
    {"MAX_PUSH_ID on a request", SERVER, '0', "0d 01 00", false, LEAT_H3_FRAME_UNEXPECTED},
    {"PUSH_PROMISE from a client", SERVER, '0', "05 01 00", false, LEAT_H3_FRAME_UNEXPECTED},
    {"PRIORITY_UPDATE on a request", SERVER, '0', "800f0700 01 00", false, LEAT_H3_FRAME_UNEXPECTED},
    {"HTTP/2 PING on a request", SERVER, '0', "06 00", false, LEAT_H3_FRAME_UNEXPECTED},
    {"DATA first", SERVER, '0', "00 01 61", false, LEAT_H3_FRAME_UNEXPECTED},
    {"WebTransport's signal after a frame", SERVER, '0', "21 00 4041 00", false, LEAT_H3_FRAME_ERROR},
    /* Push */
    {"a push stream from a client", SERVER, 'U', "01", false, LEAT_H3_STREAM_CREATION_ERROR},
    {"a push stream without MAX_PUSH_ID", CLIENT, 'U', "01 00", false, LEAT_H3_ID_ERROR},
    {"a bidirectional stream from a server", CLIENT, '1', "01", false, LEAT_H3_STREAM_CREATION_ERROR},
    /* Priorities, RFC 9218 §7.2 */
    {"PRIORITY_UPDATE from a server", CLIENT, 'C', SETTINGS_FIRST "800f0700 01 00", false, LEAT_H3_FRAME_UNEXPECTED},
    {"PRIORITY_UPDATE of no request", SERVER, 'C', SETTINGS_FIRST "800f0700 01 02", false, LEAT_H3_ID_ERROR},
    {"PRIORITY_UPDATE of a push", SERVER, 'C', SETTINGS_FIRST "800f0701 01 00", false, LEAT_H3_ID_ERROR},
    {"PRIORITY_UPDATE empty", SERVER, 'C', SETTINGS_FIRST "800f0700 00", false, LEAT_H3_FRAME_ERROR},
    {"PRIORITY_UPDATE of a megabyte", SERVER, 'C', SETTINGS_FIRST "800f0700 80100000", false, LEAT_H3_EXCESSIVE_LOAD},
    /* QPACK, RFC 9204 */
    {"static index 99", SERVER, '0', "01 04 0000 ff24", false, LEAT_QPACK_DECOMPRESSION_FAILED},
    {"an empty field section", SERVER, '0', "01 00", false, LEAT_QPACK_DECOMPRESSION_FAILED},
    {"a dynamic entry that cannot be", SERVER, '0', "01 03 0000 80", false, LEAT_QPACK_DECOMPRESSION_FAILED},
    {"a table capacity of 10^10", SERVER, 'E', "3fe1c7afa025", false, LEAT_QPACK_ENCODER_STREAM_ERROR},
    {"an increment of 0", SERVER, 'D', "00", false, LEAT_QPACK_DECODER_STREAM_ERROR},
    {"an acknowledgment of nothing", SERVER, 'D', "80", false, LEAT_QPACK_DECODER_STREAM_ERROR},
    /* WebTransport, draft-ietf-webtrans-http3-16 §4 */
    {"a session id that is a server's stream", CLIENT, '1', "4041 01", false, LEAT_H3_ID_ERROR},
    {"a session id that is unidirectional", SERVER, 'U', "4054 02", false, LEAT_H3_ID_ERROR},
    {"a signal without session id", SERVER, '0', "4041", true, LEAT_H3_FRAME_ERROR},
};

/* Opens the peer's three streams and feeds the fault. */
static void feed_fault(h3_rig *rig, const fault *row) {
    uint64_t control = rig_peer_uni(rig, 0), encoder = rig_peer_uni(rig, 1),
             decoder = rig_peer_uni(rig, 2);
    rig_feed(rig, control, "00", false);
    rig_feed(rig, encoder, "02", false);
    rig_feed(rig, decoder, "03", false);
    uint64_t streams[] = {['C'] = control,
        ['E'] = encoder,
        ['D'] = decoder,
        ['U'] = rig_peer_uni(rig, 3),
        ['0'] = 0,
        ['1'] = 1};
    rig_expect_error(rig, 0);
    rig_feed(rig, streams[row->stream], row->hex, row->end_stream);
}

static void check_faults(bool is_bytewise) {
    h3_rig *rig = malloc(sizeof *rig);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        rig_init(rig, faults[i].role);
        rig->is_bytewise = is_bytewise;
        rig->config.enable_webtransport = true;
        rig_start(rig);
        feed_fault(rig, &faults[i]);
        ck_assert_msg(rig->conn.error_code == faults[i].error, "%s: %s", faults[i].name,
            leat_h3_error_name(rig->conn.error_code));
        /* After the fault nothing is read any more. */
        rig->log[rig->log_length = 0] = '\0';
        rig_feed(rig, 400, "01 04 0000 ff24", true);
        rig_expect(rig, "");
        rig_clear(rig);
    }
    free(rig);
}

START_TEST(faults_close_the_connection_with_the_exact_error) { check_faults(false); }
END_TEST
START_TEST(faults_close_the_connection_byte_by_byte) { check_faults(true); }
END_TEST

/* TEST RFC 9114 §6.2.1-5, §6.2.1-4, RFC 9204 §4.2. */
RIG_TEST(resetting_a_critical_stream_closes_the_connection, SERVER) {
    rig_feed(rig, 2, "00 04 00", false);
    rig_reset(rig, 2, LEAT_H3_NO_ERROR);
    rig_expect_error(rig, LEAT_H3_CLOSED_CRITICAL_STREAM);
}

RIG_TEST(stopping_a_critical_stream_closes_the_connection, CLIENT) {
    rig_stop(rig, 6, LEAT_H3_NO_ERROR);
    rig_expect_error(rig, LEAT_H3_CLOSED_CRITICAL_STREAM);
}

RIG_TEST(a_push_promise_closes_the_connection, CLIENT) {
    uint64_t id;
    ck_assert_int_eq(leat_h3_open_request(rig->h3, &id), 0);
    ck_assert_int_eq(rig_send(rig, id, GET, true), 0);
    rig_feed(rig, id, "05 03 00 0000", false);
    rig_expect_error(rig, LEAT_H3_ID_ERROR);
}

/* ---- what is no fault ------------------------------------------------------------------------ */

RIG_TEST(unknown_stream_types_are_not_read, SERVER) {
    rig_feed(rig, 2, "21", false);
    rig_feed(rig, 6, "bfc8 92aa 01020304", false);
    ck_assert_uint_eq(fake_find(&rig->conn, 2)->stopped, LEAT_H3_STREAM_CREATION_ERROR);
    ck_assert_uint_eq(fake_find(&rig->conn, 6)->stopped, LEAT_H3_STREAM_CREATION_ERROR);
    rig_reset(rig, 6, LEAT_H3_NO_ERROR);
    rig_expect(rig, "");
    rig_expect_error(rig, 0);
    rig_expect_idle(rig);
}

/* TEST RFC 9114 §6.2-9. */
RIG_TEST(a_stream_may_end_before_its_type, SERVER) {
    rig_feed(rig, 2, NULL, true);
    rig_feed(rig, 6, "40", true);
    rig_feed(rig, 10, "40", false);
    rig_reset(rig, 10, LEAT_H3_NO_ERROR);
    rig_expect(rig, "");
    rig_expect_error(rig, 0);
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(rig);
}

RIG_TEST(unknown_control_frames_are_skipped, SERVER) {
    rig_feed(rig, 2, "00 04 00 21 03 010203 4123 00 0d 01 04 0d 01 04", false);
    rig_expect(rig, "SETTINGS\n");
    rig_expect_error(rig, 0);
}

START_TEST(a_flood_of_frames_that_mean_nothing_is_excessive) {
    static const char *const floods[] = {"21 00", "0d 01 04", "800f0700 01 04"};
    for (size_t i = 0; i < 3; i++) {
        h3_rig *rig = malloc(sizeof *rig);
        rig_init(rig, SERVER);
        rig_start(rig);
        rig_settings(rig);
        for (int n = 0; n < 20000 && !rig->conn.is_failed; n++) {
            rig_feed(rig, 2, floods[i], false);
            rig->log_length = 0;
        }
        rig_expect_error(rig, LEAT_H3_EXCESSIVE_LOAD);
        rig_clear(rig);
        free(rig);
    }
}
END_TEST

START_TEST(without_webtransport_its_signals_are_unknown) {
    h3_rig *rig = malloc(sizeof *rig);
    rig_init(rig, SERVER);
    rig_start(rig);
    rig_feed(rig, 2, "4054 00 616263", false);
    ck_assert_uint_eq(fake_find(&rig->conn, 2)->stopped, LEAT_H3_STREAM_CREATION_ERROR);
    rig_feed(rig, 0, "4041 01 00", false); /* an unknown frame of one byte */
    rig_headers(rig, 0, GET, false);
    rig_expect(rig, "HEADERS 0 " GET_SEEN "\n");
    rig_clear(rig);
    rig_init(rig, CLIENT);
    rig_start(rig);
    rig_feed(rig, 1, "4041 00", false);
    rig_expect_error(rig, LEAT_H3_STREAM_CREATION_ERROR);
    rig_clear(rig);
    free(rig);
}
END_TEST

LEAT_TEST_MAIN("h3 stream errors", faults_close_the_connection_with_the_exact_error,
    faults_close_the_connection_byte_by_byte, resetting_a_critical_stream_closes_the_connection,
    stopping_a_critical_stream_closes_the_connection, a_push_promise_closes_the_connection,
    unknown_stream_types_are_not_read, a_stream_may_end_before_its_type,
    unknown_control_frames_are_skipped, a_flood_of_frames_that_mean_nothing_is_excessive,
    without_webtransport_its_signals_are_unknown)
