/* Messages that cost their stream and not the connection: RFC 9114 §4.1.2, §4.2.2, and what is
 * answered before. */
#include "h3/rig.h"

#include "h3/connection.h"

/* The last HEADERS frame sent on a stream, as "name=value ..." lines of its own. */
static void expect_response(h3_rig *rig, uint64_t id, const char *status, bool ended) {
    fake_stream *stream = fake_find(&rig->conn, id);
    leat_qpack_decoder *decoder = leat_qpack_decoder_new(NULL, 0, 0, 4096);
    leat_qpack_section section;
    leat_reader reader = leat_reader_make(stream->sent, stream->sent_length);
    ck_assert_uint_eq(leat_read_varint(&reader), 1);
    leat_span payload = leat_read_vector_varint(&reader);
    ck_assert(leat_reader_at_end(&reader));
    ck_assert_int_eq(leat_qpack_decode(decoder, id, payload, &section), 0);
    leat_span value = leat_h3_find_header(section.headers, section.count, ":status");
    ck_assert(leat_span_is(value, status));
    ck_assert_ptr_nonnull(leat_h3_find_header(section.headers, section.count, "details").data);
    ck_assert_int_eq(stream->end_sent, ended);
    leat_qpack_decoder_free(decoder);
}

RIG_TEST(a_malformed_request_costs_its_stream, SERVER) {
    rig_headers(rig, 0, GET "\nconnection=close", false);
    rig_headers(rig, 4, GET, false);
    rig_feed(rig, 0, "00 01 61", true);
    rig_expect(rig, "REFUSED 0 H3_MESSAGE_ERROR\nHEADERS 4 " GET_SEEN "\n");
    rig_expect_aborted(rig, 0, LEAT_H3_MESSAGE_ERROR);
    rig_expect_error(rig, 0);
    ck_assert_uint_eq(leat_h3_open_requests(rig->h3), 1);
}

RIG_TEST(malformed_trailers_cost_their_stream, SERVER) {
    rig_headers(rig, 0, POST, false);
    rig_headers(rig, 0, ":path=/", false);
    rig_expect(rig, "HEADERS 0 " POST_SEEN "\nREFUSED 0 H3_MESSAGE_ERROR\n");
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(rig);
}

/* A session request without target: 400, and the reset only when the answer is through. */
RIG_TEST(a_session_without_path_is_answered_then_reset, SERVER) {
    rig_headers(
        rig, 0, ":method=CONNECT\n:protocol=webtransport\n:scheme=https\n:authority=a", false);
    rig_expect(rig, "REFUSED 0 H3_MESSAGE_ERROR\n");
    expect_response(rig, 0, "400", false);
    fake_stream *stream = fake_find(&rig->conn, 0);
    ck_assert_uint_eq(stream->stopped, LEAT_H3_MESSAGE_ERROR);
    ck_assert_uint_eq(stream->reset, FAKE_NONE);
    leat_event event = {.type = LEAT_EVENT_PING_ACKNOWLEDGED};
    event.ping_acknowledged.uid = 0; /* the application's own */
    rig_event(rig, &event);
    ck_assert_uint_eq(stream->reset, FAKE_NONE);
    event.ping_acknowledged.uid = rig->conn.last_ping;
    ck_assert_uint_ge(rig->conn.last_ping, UINT64_C(1) << 63);
    rig_event(rig, &event);
    ck_assert_uint_eq(stream->reset, LEAT_H3_MESSAGE_ERROR);
    rig_expect(rig, "");
    rig_event(rig, &event);
    rig_expect_idle(rig);
}

START_TEST(extended_connect_that_was_not_offered_is_malformed) {
    h3_rig *rig = malloc(sizeof *rig);
    rig_init(rig, SERVER);
    rig->config.enable_connect_protocol = false;
    rig_start(rig);
    rig_headers(rig, 0, WEBTRANSPORT, false);
    rig_expect(rig, "REFUSED 0 H3_MESSAGE_ERROR\n");
    rig_clear(rig);
    free(rig);
}
END_TEST

/* ---- size --------------------------------------------------------------------------- */

static void with_limit(h3_rig *rig, rig_role role, bool is_bytewise) {
    rig_init(rig, role);
    rig->config.max_field_section_size = 250;
    rig->is_bytewise = is_bytewise;
    rig_start(rig);
}

static const char *large(char *lines, size_t room, const char *first, size_t bytes) {
    snprintf(lines, room, "%s\nx-large=", first);
    size_t length = strlen(lines);
    memset(lines + length, '~', bytes);
    lines[length + bytes] = '\0';
    return lines;
}

/* TEST RFC 9114 §4.2.2: by the size of the lines, and by the length of the frame alone. */
START_TEST(a_request_that_is_too_large_is_answered_with_431) {
    char lines[2048];
    for (int i = 0; i < 4; i++) {
        h3_rig *rig = malloc(sizeof *rig);
        with_limit(rig, SERVER, i % 2);
        rig_headers(rig, 0, large(lines, sizeof lines, GET, i < 2 ? 80 : 1000), false);
        rig_expect(rig, "REFUSED 0 H3_EXCESSIVE_LOAD\n");
        expect_response(rig, 0, "431", true);
        ck_assert_uint_eq(fake_find(&rig->conn, 0)->stopped, LEAT_H3_NO_ERROR);
        rig_expect_error(rig, 0);
        rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
        rig_expect_idle(rig);
        rig_clear(rig);
        free(rig);
    }
}
END_TEST

START_TEST(trailers_and_responses_that_are_too_large_end_their_stream) {
    char lines[2048];
    uint64_t id;
    h3_rig *rig = malloc(sizeof *rig);
    with_limit(rig, SERVER, false);
    rig_headers(rig, 0, POST, false);
    rig_headers(rig, 0, large(lines, sizeof lines, "a=b", 300), false);
    rig_expect(rig, "HEADERS 0 " POST_SEEN "\nREFUSED 0 H3_EXCESSIVE_LOAD\n");
    rig_expect_aborted(rig, 0, LEAT_H3_EXCESSIVE_LOAD);
    rig_clear(rig);
    with_limit(rig, CLIENT, false);
    ck_assert_int_eq(leat_h3_open_request(rig->h3, &id), 0);
    ck_assert_int_eq(rig_send(rig, id, GET, false), 0);
    rig_headers(rig, 0, large(lines, sizeof lines, ":status=200", 300), false);
    rig_expect(rig, "REFUSED 0 H3_EXCESSIVE_LOAD\n");
    rig_expect_aborted(rig, 0, LEAT_H3_EXCESSIVE_LOAD);
    rig_clear(rig);
    free(rig);
}
END_TEST

START_TEST(a_frame_of_an_endless_length_is_refused_at_once) {
    h3_rig *rig = malloc(sizeof *rig);
    with_limit(rig, SERVER, true);
    rig_feed(rig, 0, "01 ffffffffffffffff", false);
    rig_expect(rig, "REFUSED 0 H3_EXCESSIVE_LOAD\n");
    rig_clear(rig);
    free(rig);
}
END_TEST

LEAT_TEST_MAIN("h3 malformed", a_malformed_request_costs_its_stream,
    malformed_trailers_cost_their_stream, a_session_without_path_is_answered_then_reset,
    extended_connect_that_was_not_offered_is_malformed,
    a_request_that_is_too_large_is_answered_with_431,
    trailers_and_responses_that_are_too_large_end_their_stream,
    a_frame_of_an_endless_length_is_refused_at_once)
