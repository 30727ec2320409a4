/* HTTP datagrams: RFC 9297 §2. */
#include "h3/rig.h"

static void begin_session(h3_rig *rig) {
    rig_headers(rig, 0, WEBTRANSPORT, false);
    rig_headers(rig, 4, WEBTRANSPORT, false);
    rig_expect(rig, "HEADERS 0 " WEBTRANSPORT_SEEN "\nHEADERS 4 " WEBTRANSPORT_SEEN "\n");
}

RIG_TEST(a_datagram_names_its_stream_by_a_quarter, SERVER) {
    begin_session(rig);
    rig_datagram(rig, "01 616263");
    rig_datagram(rig, "00");
    rig_expect(rig, "DATAGRAM 4 616263\nDATAGRAM 0 \n");
}

RIG_TEST(datagrams_of_a_stream_that_is_over_are_dropped, SERVER) {
    begin_session(rig);
    rig_feed(rig, 0, NULL, true);
    rig_reset(rig, 4, LEAT_H3_REQUEST_CANCELLED);
    leat_h3_cancel(rig->h3, 4, LEAT_H3_REQUEST_CANCELLED);
    rig_expect(rig, "DATA 0  end\nRESET 4 H3_REQUEST_CANCELLED session -1\n");
    rig_datagram(rig, "00 61");
    rig_datagram(rig, "01 61");
    rig_expect(rig, "");
    rig_expect_error(rig, 0);
}

/* TEST RFC 9297 §2.1-5: the layer above decides how many may wait. */
RIG_TEST(datagrams_that_overtake_their_request_are_handed_up, SERVER) {
    rig_datagram(rig, "02 61");
    rig_expect(rig, "DATAGRAM 8 61\n");
}

RIG_TEST(datagrams_of_requests_never_made_are_dropped, CLIENT) {
    rig_datagram(rig, "02 61");
    rig_expect(rig, "");
    rig_expect_error(rig, 0);
}

/* TEST RFC 9297 §2.1-1, §2.1-2. */
START_TEST(datagrams_without_a_valid_stream_close_the_connection) {
    static const char *const wrong[] = {
        "", "40", "c0000000", "d000000000000000 61", "ffffffffffffffff"};
    h3_rig *rig = malloc(sizeof *rig);
    for (size_t i = 0; i < 5; i++) {
        rig_init(rig, SERVER);
        rig_start(rig);
        rig_datagram(rig, wrong[i]);
        rig_expect_error(rig, LEAT_H3_DATAGRAM_ERROR);
        rig_clear(rig);
    }
    rig_init(rig, SERVER);
    rig_start(rig);
    rig_datagram(rig, "cfffffffffffffff 61"); /* the largest */
    rig_expect(rig, "DATAGRAM 4611686018427387900 61\n");
    rig_expect_error(rig, 0);
    rig_clear(rig);
    free(rig);
}
END_TEST

START_TEST(without_the_setting_datagrams_mean_nothing) {
    h3_rig *rig = malloc(sizeof *rig);
    rig_init(rig, SERVER);
    rig->config.enable_datagrams = false;
    rig_start(rig);
    rig_datagram(rig, "");
    rig_datagram(rig, "00 61");
    rig_expect(rig, "");
    rig_expect_error(rig, 0);
    rig_clear(rig);
    free(rig);
}
END_TEST

/* TEST RFC 9297 §2.1.1-3, §2.1-3. */
RIG_TEST(datagrams_are_sent_when_both_sides_said_so, SERVER) {
    leat_span data = test_hex("616263");
    begin_session(rig);
    ck_assert_int_eq(leat_h3_send_datagram(rig->h3, 4, data, 1), LEAT_ERR_NOT_SUPPORTED);
    ck_assert_uint_eq(leat_h3_max_datagram_payload(rig->h3, 4), 0);
    rig_feed(rig, 2, "00 04 02 33 01", false);
    rig_expect(rig, "SETTINGS 33=1\n");
    ck_assert_int_eq(leat_h3_send_datagram(rig->h3, 4, data, 1), 0);
    ck_assert_bytes(rig->conn.datagram.bytes, rig->conn.datagram.length, "01 616263");
    ck_assert_uint_eq(leat_h3_max_datagram_payload(rig->h3, 4), 1199);
    ck_assert_int_eq(leat_h3_send_datagram(rig->h3, 8, data, 1), LEAT_ERR_NO_STREAM);
    leat_h3_cancel(rig->h3, 4, LEAT_H3_NO_ERROR);
    ck_assert_int_eq(leat_h3_send_datagram(rig->h3, 4, data, 1), LEAT_ERR_NO_STREAM);
}

LEAT_TEST_MAIN("h3 datagrams", a_datagram_names_its_stream_by_a_quarter,
    datagrams_of_a_stream_that_is_over_are_dropped,
    datagrams_that_overtake_their_request_are_handed_up,
    datagrams_of_requests_never_made_are_dropped,
    datagrams_without_a_valid_stream_close_the_connection,
    without_the_setting_datagrams_mean_nothing, datagrams_are_sent_when_both_sides_said_so)
