/* Request streams: the order of frames, the end of a stream, both roles; and two layers talking to
 * each other. */
#include "h3/rig.h"

RIG_TEST(a_request_without_content_is_one_event, SERVER) {
    rig_settings(rig);
    rig_headers(rig, 0, GET, true);
    rig_expect(rig, rig->is_bytewise ? "HEADERS 0 " GET_SEEN "\nDATA 0  end\n"
                                     : "HEADERS 0 " GET_SEEN " end\n");
    rig_expect_error(rig, 0);
    ck_assert_uint_eq(leat_h3_open_requests(rig->h3), 1);
    ck_assert_int_eq(rig_send(rig, 0, ":status=200", true), 0);
    leat_h3_event event;
    leat_h3_next_event(rig->h3, &event);
    rig_expect_idle(rig);
}

RIG_TEST(content_is_passed_through, SERVER) {
    rig_settings(rig);
    rig_headers(rig, 0, POST, false);
    rig_feed(rig, 0, "00 05 68656c6c6f 00 01 21", true);
    rig_expect(rig, "HEADERS 0 " POST_SEEN "\nDATA 0 68656c6c6f21 end\n");
}

RIG_TEST(trailers_follow_content, SERVER) {
    rig_headers(rig, 0, POST, false);
    rig_feed(rig, 0, "00 01 21", false);
    rig_headers(rig, 0, "x-sum=1", false);
    rig_feed(rig, 0, NULL, true);
    rig_expect(
        rig, "HEADERS 0 " POST_SEEN "\nDATA 0 21\nHEADERS 0 x-sum=1 trailers\nDATA 0  end\n");
    rig_expect_error(rig, 0);
}

RIG_TEST(unknown_frames_are_skipped_anywhere, SERVER) {
    rig_feed(rig, 0, "21 02 abcd", false);
    rig_headers(rig, 0, POST, false);
    rig_feed(rig, 0, "40 40 00  00 01 61  bf c8 92 aa aa aa 03 010203", false);
    rig_expect(rig, "HEADERS 0 " POST_SEEN "\nDATA 0 61\n");
    rig_expect_error(rig, 0);
}

/* TEST RFC 9114 §4.1: aioquic loses the end of a stream whose last frame is unknown. */
RIG_TEST(the_end_is_told_after_a_trailing_unknown_frame, SERVER) {
    rig_headers(rig, 0, GET, false);
    rig_feed(rig, 0, "21 03 000000", true);
    rig_expect(rig, "HEADERS 0 " GET_SEEN "\nDATA 0  end\n");
}

RIG_TEST(the_end_is_told_after_an_empty_data_frame, SERVER) {
    rig_headers(rig, 0, GET, false);
    rig_feed(rig, 0, "00 00", true);
    rig_expect(rig, "HEADERS 0 " GET_SEEN "\nDATA 0  end\n");
}

/* TEST RFC 9114 §4.1-3: every order of HEADERS, DATA and trailers that is not the grammar's. */
static const struct {
    const char *frames; /* H: request, D: data, T: trailers, U: unknown */
    uint64_t error;
} orders[] = {
    {"H", 0}, {"HD", 0}, {"HDT", 0}, {"HT", 0}, {"HDDT", 0}, {"UHUDUTU", 0}, {"HTU", 0},
    {"D", LEAT_H3_FRAME_UNEXPECTED}, {"UD", LEAT_H3_FRAME_UNEXPECTED}, {"HTD", LEAT_H3_FRAME_UNEXPECTED},
    {"HTT", LEAT_H3_FRAME_UNEXPECTED}, {"HDTT", LEAT_H3_FRAME_UNEXPECTED}, {"HDTD", LEAT_H3_FRAME_UNEXPECTED},
    {"HTUD", LEAT_H3_FRAME_UNEXPECTED},
};

static void feed_order(h3_rig *rig, const char *frames) {
    for (; *frames != '\0' && !rig->conn.is_failed; frames++) {
        switch (*frames) {
        case 'H': rig_headers(rig, 0, POST, false); break;
        case 'T': rig_headers(rig, 0, "x=y", false); break;
        case 'D': rig_feed(rig, 0, "00 01 61", false); break;
        default: rig_feed(rig, 0, "21 01 00", false); break;
        }
    }
}

START_TEST(frames_out_of_order_close_the_connection) {
    h3_rig *rig = malloc(sizeof *rig);
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        rig_init(rig, SERVER);
        rig_start(rig);
        feed_order(rig, orders[i].frames);
        ck_assert_msg(rig->conn.error_code == orders[i].error, "%s: %s", orders[i].frames,
            leat_h3_error_name(rig->conn.error_code));
        rig_clear(rig);
    }
    free(rig);
}
END_TEST

/* TEST RFC 9114 §7.1-4. */
START_TEST(an_end_inside_a_frame_closes_the_connection) {
    uint8_t stream[1024];
    h3_rig *rig = malloc(sizeof *rig);
    rig_init(rig, SERVER);
    rig_start(rig);
    size_t headers_length = rig_encode(rig, 0, POST, stream, sizeof stream);
    memcpy(stream + headers_length, "\x00\x03"
                                    "abc\x21\x02zz", 9);
    rig_clear(rig);
    for (size_t cut = 1; cut <= headers_length + 9; cut++) {
        bool is_whole =
            cut == headers_length || cut == headers_length + 5 || cut == headers_length + 9;
        rig_init(rig, SERVER);
        rig_start(rig);
        rig_feed_bytes(rig, 0, stream, cut, true);
        ck_assert_msg(
            rig->conn.error_code == (is_whole ? 0u : LEAT_H3_FRAME_ERROR), "cut at %zu", cut);
        rig_clear(rig);
    }
    free(rig);
}
END_TEST

/* TEST RFC 9114 §4.1-10. */
RIG_TEST(a_stream_that_ends_without_a_request_is_incomplete, SERVER) {
    rig_feed(rig, 0, NULL, true);
    rig_feed(rig, 4, "21 00", true);
    rig_expect(rig, "REFUSED 0 H3_REQUEST_INCOMPLETE\nREFUSED 4 H3_REQUEST_INCOMPLETE\n");
    rig_expect_aborted(rig, 4, LEAT_H3_REQUEST_INCOMPLETE);
    rig_expect_error(rig, 0);
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(rig);
}

RIG_TEST(a_stream_reset_before_its_request_is_reset_back, SERVER) {
    rig_feed(rig, 0, "01", false);
    rig_reset(rig, 0, LEAT_H3_REQUEST_CANCELLED);
    rig_reset(rig, 4, LEAT_H3_REQUEST_CANCELLED);
    rig_expect(rig, "");
    ck_assert_uint_eq(fake_find(&rig->conn, 0)->reset, LEAT_H3_REQUEST_INCOMPLETE);
    ck_assert_uint_eq(fake_find(&rig->conn, 4)->reset, LEAT_H3_REQUEST_INCOMPLETE);
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(rig);
}

RIG_TEST(a_reset_after_the_request_is_told, SERVER) {
    rig_headers(rig, 0, POST, false);
    rig_reset(rig, 0, LEAT_H3_REQUEST_CANCELLED);
    rig_expect(rig, "HEADERS 0 " POST_SEEN "\nRESET 0 H3_REQUEST_CANCELLED session -1\n");
    ck_assert_uint_eq(leat_h3_open_requests(rig->h3), 1);
    ck_assert_int_eq(leat_h3_cancel(rig->h3, 0, LEAT_H3_REQUEST_CANCELLED), 0);
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(rig);
}

RIG_TEST(a_stop_is_told_and_ends_our_side, SERVER) {
    rig_headers(rig, 0, GET, true);
    rig_expect(rig, rig->is_bytewise ? "HEADERS 0 " GET_SEEN "\nDATA 0  end\n"
                                     : "HEADERS 0 " GET_SEEN " end\n");
    rig_stop(rig, 0, LEAT_H3_REQUEST_CANCELLED);
    rig_expect(rig, "STOP 0 H3_REQUEST_CANCELLED session -1\n");
    ck_assert_int_eq(rig_send(rig, 0, ":status=200", true), LEAT_ERR_NO_STREAM);
    rig_expect_idle(rig);
}

/* ---- the client --------------------------------------------------------------------- */

static uint64_t ask(h3_rig *rig, const char *lines) {
    uint64_t id;
    ck_assert_int_eq(leat_h3_open_request(rig->h3, &id), 0);
    ck_assert_int_eq(rig_send(rig, id, lines, true), 0);
    return id;
}

RIG_TEST(interim_responses_come_before_the_final_one, CLIENT) {
    ask(rig, GET);
    rig_headers(rig, 0, ":status=103\nlink=a", false);
    rig_headers(rig, 0, ":status=100", false);
    rig_headers(rig, 0, ":status=200", false);
    rig_feed(rig, 0, "00 02 6f6b", true);
    rig_expect(rig, "HEADERS 0 :status=103 link=a interim\nHEADERS 0 :status=100 interim\nHEADERS "
                    "0 :status=200\nDATA 0 6f6b end\n");
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(rig);
}

RIG_TEST(a_second_final_response_is_malformed, CLIENT) {
    ask(rig, GET);
    rig_headers(rig, 0, ":status=200", false);
    rig_headers(rig, 0, ":status=200", false);
    rig_expect(rig, "HEADERS 0 :status=200\nREFUSED 0 H3_MESSAGE_ERROR\n");
    ck_assert_uint_eq(fake_find(&rig->conn, 0)->stopped, LEAT_H3_MESSAGE_ERROR);
    rig_expect_error(rig, 0);
}

RIG_TEST(a_response_that_never_comes_is_malformed, CLIENT) {
    ask(rig, GET);
    rig_headers(rig, 0, ":status=103", true);
    rig_expect(rig, rig->is_bytewise ? "HEADERS 0 :status=103 interim\nREFUSED 0 H3_MESSAGE_ERROR\n"
                                     : "REFUSED 0 H3_MESSAGE_ERROR\n");
}

RIG_TEST(the_answer_to_head_names_a_length_without_content, CLIENT) {
    ask(rig, ":method=HEAD\n:scheme=https\n:authority=a\n:path=/");
    rig_headers(rig, 0, ":status=200\ncontent-length=1000", false);
    rig_feed(rig, 0, NULL, true);
    uint64_t second = ask(rig, GET);
    rig_headers(rig, second, ":status=304\ncontent-length=1000", false);
    rig_feed(rig, second, NULL, true);
    rig_expect(rig, "HEADERS 0 :status=200 content-length=1000\nDATA 0  end\n"
                    "HEADERS 4 :status=304 content-length=1000\nDATA 4  end\n");
}

RIG_TEST(the_answer_to_head_has_no_content, CLIENT) {
    ask(rig, ":method=HEAD\n:scheme=https\n:authority=a\n:path=/");
    rig_headers(rig, 0, ":status=200\ncontent-length=1", false);
    rig_feed(rig, 0, "00 01 61", true);
    rig_expect(rig, "HEADERS 0 :status=200 content-length=1\nREFUSED 0 H3_MESSAGE_ERROR\n");
}

/* TEST RFC 9114 §4.1.2: content against content-length, with every way to end. */
static const struct {
    const char *length, *data;
    int ending; /* 0: end with the last DATA, 1: end alone, 2: trailers */
    bool is_malformed;
} contents[] = {
    {"content-length=2", "00 02 6161", 0, false}, {"content-length=2", "00 02 6161", 1, false}, {"content-length=2", "00 02 6161", 2, false},
    {"content-length=2", "00 01 61", 0, true},    {"content-length=2", "00 01 61", 1, true},    {"content-length=2", "00 01 61", 2, true},
    {"content-length=2", "00 03 616161", 0, true}, {"content-length=2", "00 03 616161", 1, true}, {"content-length=2", NULL, 1, true},
    {"content-length=2", NULL, 2, true},           {"content-length=0", NULL, 1, false},          {"content-length=0", "00 01 61", 0, true},
    {"content-length=2", "00 01 61 00 01 61", 0, false}, {"x=y", "00 01 61", 0, false},
};

START_TEST(content_must_be_as_long_as_content_length) {
    h3_rig *rig = malloc(sizeof *rig);
    for (size_t i = 0; i < 2 * sizeof contents / sizeof contents[0]; i++) {
        char lines[256];
        size_t row = i / 2;
        rig_init(rig, SERVER);
        rig->is_bytewise = i % 2;
        rig_start(rig);
        snprintf(lines, sizeof lines, "%s\n%s", POST, contents[row].length);
        rig_headers(rig, 0, lines, false);
        rig_feed(rig, 0, contents[row].data, contents[row].ending == 0);
        if (contents[row].ending == 1) {
            rig_feed(rig, 0, NULL, true);
        } else if (contents[row].ending == 2) {
            rig_headers(rig, 0, "x=y", true);
        }
        bool is_refused = strstr(rig->log, "REFUSED 0 H3_MESSAGE_ERROR") != NULL;
        ck_assert_msg(is_refused == contents[row].is_malformed, "row %zu: %s", row, rig->log);
        ck_assert(!rig->conn.is_failed);
        ck_assert_int_ne(is_refused, strstr(rig->log, " end\n") != NULL);
        rig_clear(rig);
    }
    free(rig);
}
END_TEST

/* ---- tunnels ------------------------------------------------------------------------ */

#define CONNECT ":method=CONNECT\n:authority=a.example:443"

RIG_TEST(a_tunnel_carries_data_only, SERVER) {
    rig_headers(rig, 0, CONNECT, false);
    rig_feed(rig, 0, "00 01 61", false);
    rig_expect(rig, "HEADERS 0 :method=CONNECT :authority=a.example:443\nDATA 0 61\n");
    rig_headers(rig, 0, "x=y", false);
    rig_expect_error(rig, LEAT_H3_FRAME_UNEXPECTED);
}

RIG_TEST(a_refused_tunnel_is_an_ordinary_response, CLIENT) {
    uint64_t id;
    ck_assert_int_eq(leat_h3_open_request(rig->h3, &id), 0);
    ck_assert_int_eq(rig_send(rig, id, CONNECT, false), 0);
    rig_headers(rig, 0, ":status=403\ncontent-length=1", false);
    rig_feed(rig, 0, "00 01 61", false);
    rig_headers(rig, 0, "x=y", false);
    rig_expect(rig, "HEADERS 0 :status=403 content-length=1\nDATA 0 61\nHEADERS 0 x=y trailers\n");
    rig_expect_error(rig, 0);
}

/* TEST RFC 9110 §8.6: content-length means nothing in a successful answer to CONNECT. */
RIG_TEST(an_accepted_tunnel_ignores_content_length, CLIENT) {
    uint64_t id;
    ck_assert_int_eq(leat_h3_open_request(rig->h3, &id), 0);
    ck_assert_int_eq(rig_send(rig, id, CONNECT, false), 0);
    rig_headers(rig, 0, ":status=200\ncontent-length=1", false);
    rig_feed(rig, 0, "00 02 6161", true);
    rig_expect(rig, "HEADERS 0 :status=200 content-length=1\nDATA 0 6161 end\n");
    rig_expect_error(rig, 0);
}

/* ---- pairs -------------------------------------------------------------------------- */

static void answer(h3_rig *rig, const leat_h3_event *event) {
    bool ends =
        (event->type == LEAT_H3_EVENT_DATA_RECEIVED && event->data_received.stream_ended) ||
        (event->type == LEAT_H3_EVENT_HEADERS_RECEIVED && event->headers_received.stream_ended);
    if (ends) {
        ck_assert_int_eq(
            rig_send(rig, event->stream_id, ":status=200\ncontent-length=2", false), 0);
        ck_assert_int_eq(
            leat_h3_send_data(rig->h3, event->stream_id, (const uint8_t *)"ok", 2, true), 2);
    }
}

static void talk(bool is_bytewise) {
    h3_rig *client = malloc(sizeof *client), *server = malloc(sizeof *server);
    rig_init(client, CLIENT);
    rig_init(server, SERVER);
    client->is_bytewise = server->is_bytewise = is_bytewise;
    client->config.qpack_encoder_capacity = server->config.qpack_encoder_capacity = 4096;
    server->on_event = answer;
    rig_start(client);
    rig_start(server);
    rig_pump(client, server);
    client->log_length = server->log_length = 0;
    for (int i = 0; i < 10; i++) {
        uint64_t id;
        ck_assert_int_eq(leat_h3_open_request(client->h3, &id), 0);
        ck_assert_int_eq(rig_send(client, id, POST "\nx-custom=some value", false), 0);
        ck_assert_int_eq(leat_h3_send_data(client->h3, id, (const uint8_t *)"hello", 5, true), 5);
        client->log_length = server->log_length = 0;
        rig_pump(client, server);
        char expected[256];
        snprintf(expected, sizeof expected,
            "HEADERS %d " POST_SEEN " x-custom=some value\nDATA %d 68656c6c6f end\n", 4 * i, 4 * i);
        rig_expect(server, expected);
        snprintf(expected, sizeof expected,
            "HEADERS %d :status=200 content-length=2\nDATA %d 6f6b end\n", 4 * i, 4 * i);
        rig_expect(client, expected);
    }
    rig_expect_error(client, 0);
    rig_expect_error(server, 0);
    rig_event(client, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_event(server, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(client);
    rig_expect_idle(server);
    rig_clear(client);
    rig_clear(server);
    free(client);
    free(server);
}

START_TEST(two_layers_understand_each_other) { talk(false); }
END_TEST
START_TEST(two_layers_understand_each_other_byte_by_byte) { talk(true); }
END_TEST

LEAT_TEST_MAIN("h3 request", a_request_without_content_is_one_event, content_is_passed_through,
    trailers_follow_content, unknown_frames_are_skipped_anywhere,
    the_end_is_told_after_a_trailing_unknown_frame, the_end_is_told_after_an_empty_data_frame,
    frames_out_of_order_close_the_connection, an_end_inside_a_frame_closes_the_connection,
    a_stream_that_ends_without_a_request_is_incomplete,
    a_stream_reset_before_its_request_is_reset_back, a_reset_after_the_request_is_told,
    a_stop_is_told_and_ends_our_side, interim_responses_come_before_the_final_one,
    a_second_final_response_is_malformed, a_response_that_never_comes_is_malformed,
    the_answer_to_head_names_a_length_without_content, the_answer_to_head_has_no_content,
    content_must_be_as_long_as_content_length, a_tunnel_carries_data_only,
    a_refused_tunnel_is_an_ordinary_response, an_accepted_tunnel_ignores_content_length,
    two_layers_understand_each_other, two_layers_understand_each_other_byte_by_byte)
