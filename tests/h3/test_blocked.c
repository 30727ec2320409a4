/*
 * Requests that wait for the QPACK encoder stream: RFC 9204 §2.1.2. The stream is held, so that its
 * bytes keep their flow control credit, and read on when the table entries are there.
 */
#include "h3/rig.h"

/* Insert x=y; then sections that refer to it: required insert count 1, base 1, entry 0. */
#define CAPACITY "3fe11f" /* 4096 */
#define INSERT_X_Y "41 78 01 79"
#define PSEUDO "d4 d7 50 01 61 c1"     /* POST https a / */
#define REQUEST_BLOCKED "01 09 0200 " PSEUDO " 80"
#define REQUEST_SEEN "HEADERS 0 :method=POST :scheme=https :authority=a :path=/ x=y"

static void open_encoder_stream(h3_rig *rig) {
    rig_settings(rig);
    rig_feed(rig, 6, "02" CAPACITY, false);
}

RIG_TEST(a_blocked_request_is_held_and_read_on, SERVER) {
    open_encoder_stream(rig);
    rig_feed(rig, 0, REQUEST_BLOCKED " 00 02 6162", true);
    rig_expect(rig, "");
    ck_assert(fake_find(&rig->conn, 0)->is_held);
    rig_feed(rig, 6, INSERT_X_Y, false);
    ck_assert(!fake_find(&rig->conn, 0)->is_held);
    rig_expect(rig, REQUEST_SEEN "\nDATA 0 6162 end\n");
    rig_expect_error(rig, 0);
    /* Section Acknowledgment of stream 0 goes out. */
    fake_stream *decoder = fake_find(&rig->conn, 11);
    ck_assert_uint_eq(decoder->sent[decoder->sent_length - 1], 0x80);
}

RIG_TEST(the_whole_input_of_a_blocked_stream_is_given_back, SERVER) {
    open_encoder_stream(rig);
    rig->is_bytewise = false;
    rig_feed(rig, 0, REQUEST_BLOCKED " 00 02 6162", false);
    ck_assert_uint_eq(fake_find(&rig->conn, 0)->unread, 9 + 4);
}

RIG_TEST(other_requests_go_on, SERVER) {
    open_encoder_stream(rig);
    rig_feed(rig, 0, REQUEST_BLOCKED, false);
    rig_headers(rig, 4, GET, false);
    rig_expect(rig, "HEADERS 4 " GET_SEEN "\n");
}

RIG_TEST(blocked_trailers_are_trailers, SERVER) {
    open_encoder_stream(rig);
    rig_headers(rig, 0, POST, false);
    rig_feed(rig, 0, "01 03 0200 80", true);
    rig_expect(rig, "HEADERS 0 " POST_SEEN "\n");
    rig_feed(rig, 6, INSERT_X_Y, false);
    rig_expect(rig, "HEADERS 0 x=y trailers end\n");
}

/* TEST RFC 9204 §2.2.2.2. */
RIG_TEST(a_reset_while_blocked_cancels, SERVER) {
    open_encoder_stream(rig);
    rig_feed(rig, 0, REQUEST_BLOCKED, false);
    rig_reset(rig, 0, LEAT_H3_REQUEST_CANCELLED);
    rig_expect(rig, "");
    fake_stream *decoder = fake_find(&rig->conn, 11);
    ck_assert_uint_eq(decoder->sent[decoder->sent_length - 1], 0x40);
    rig_feed(rig, 6, INSERT_X_Y, false);
    rig_expect_error(rig, 0);
    rig_expect_idle(rig);
}

START_TEST(more_blocked_streams_than_promised_are_an_error) {
    h3_rig *rig = malloc(sizeof *rig);
    rig_init(rig, SERVER);
    rig->config.qpack_blocked_streams = 2;
    rig_start(rig);
    open_encoder_stream(rig);
    rig_feed(rig, 0, REQUEST_BLOCKED, false);
    rig_feed(rig, 4, REQUEST_BLOCKED, false);
    rig_expect_error(rig, 0);
    rig_feed(rig, 8, REQUEST_BLOCKED, false);
    rig_expect_error(rig, LEAT_QPACK_DECOMPRESSION_FAILED);
    rig_clear(rig);
    free(rig);
}
END_TEST

LEAT_TEST_MAIN("h3 blocked", a_blocked_request_is_held_and_read_on,
    the_whole_input_of_a_blocked_stream_is_given_back, other_requests_go_on,
    blocked_trailers_are_trailers, a_reset_while_blocked_cancels,
    more_blocked_streams_than_promised_are_an_error)
