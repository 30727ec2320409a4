/* What is sent, how it is refused, and what happens when a stream has no room. RFC 9114 §4.1, §4.2.
 */
#include "h3/rig.h"

#include "h3/connection.h"

static uint64_t open_request(h3_rig *rig) {
    uint64_t id;
    ck_assert_int_eq(leat_h3_open_request(rig->h3, &id), 0);
    return id;
}

static ptrdiff_t send_text(h3_rig *rig, uint64_t id, const char *text, bool end_stream) {
    return leat_h3_send_data(rig->h3, id, (const uint8_t *)text, strlen(text), end_stream);
}

RIG_TEST(a_request_is_a_headers_frame, CLIENT) {
    uint64_t id = open_request(rig);
    ck_assert_int_eq(
        rig_send(rig, id, ":method=GET\n:scheme=https\n:authority=a\n:path=/", true), 0);
    rig_expect_sent(rig, 0, "01 08 0000 d1 d7 50 01 61 c1", true);
    ck_assert_uint_eq(leat_h3_open_requests(rig->h3), 1);
}

RIG_TEST(data_frames_carry_content, CLIENT) {
    uint64_t id = open_request(rig);
    ck_assert_int_eq(rig_send(rig, id, POST, false), 0);
    fake_forget(&rig->conn, id);
    ck_assert_int_eq(send_text(rig, id, "hello", false), 5);
    ck_assert_int_eq(send_text(rig, id, "", false), 0);
    ck_assert_int_eq(send_text(rig, id, "", true), 0);
    rig_expect_sent(rig, id, "00 05 68656c6c6f", true);
    ck_assert_int_eq(send_text(rig, id, "x", false), LEAT_ERR_NO_STREAM);
}

RIG_TEST(what_the_rfc_forbids_is_not_sent, CLIENT) {
    uint64_t id = open_request(rig);
    ck_assert_int_eq(rig_send(rig, id, GET "\nconnection=close", true), LEAT_ERR_INVALID);
    ck_assert_int_eq(rig_send(rig, id, GET "\nX=y", true), LEAT_ERR_INVALID);
    ck_assert_int_eq(rig_send(rig, id, ":status=200", true), LEAT_ERR_INVALID);
    ck_assert_int_eq(rig_send(rig, id, POST "\ncontent-length=1", true), LEAT_ERR_INVALID);
    ck_assert_int_eq(send_text(rig, id, "x", false), LEAT_ERR_STATE);
    ck_assert_int_eq(send_text(rig, id, "", true), LEAT_ERR_STATE);
    rig_expect_sent(rig, id, "", false);
    ck_assert_int_eq(rig_send(rig, id + 4, GET, true), LEAT_ERR_NO_STREAM);
    ck_assert_int_eq(rig_send(rig, id, GET, true), 0);
}

RIG_TEST(content_is_held_to_its_length, CLIENT) {
    uint64_t id = open_request(rig);
    ck_assert_int_eq(rig_send(rig, id, POST "\ncontent-length=2", false), 0);
    ck_assert_int_eq(send_text(rig, id, "abc", false), LEAT_ERR_INVALID);
    ck_assert_int_eq(send_text(rig, id, "a", true), LEAT_ERR_INVALID);
    ck_assert_int_eq(send_text(rig, id, "a", false), 1);
    ck_assert_int_eq(send_text(rig, id, "b", true), 1);
}

RIG_TEST(trailers_end_the_content, SERVER) {
    rig_headers(rig, 0, GET, true);
    ck_assert_int_eq(rig_send(rig, 0, ":status=103\nlink=x", false), 0);
    ck_assert_int_eq(rig_send(rig, 0, ":status=200", false), 0);
    ck_assert_int_eq(send_text(rig, 0, "a", false), 1);
    ck_assert_int_eq(rig_send(rig, 0, "x=y", false), 0);
    ck_assert_int_eq(send_text(rig, 0, "b", false), LEAT_ERR_STATE);
    ck_assert_int_eq(rig_send(rig, 0, "x=y", false), LEAT_ERR_STATE);
    ck_assert_int_eq(send_text(rig, 0, "", true), 0);
}

RIG_TEST(a_response_to_head_has_no_content, SERVER) {
    rig_headers(rig, 0, ":method=HEAD\n:scheme=https\n:authority=a\n:path=/", true);
    ck_assert_int_eq(rig_send(rig, 0, ":status=200\ncontent-length=5", false), 0);
    ck_assert_int_eq(send_text(rig, 0, "hello", false), LEAT_ERR_INVALID);
    ck_assert_int_eq(send_text(rig, 0, "", true), 0);
}

/* TEST RFC 9114 §4.2.2-1. */
RIG_TEST(the_peers_field_section_limit_is_kept, CLIENT) {
    uint64_t id = open_request(rig);
    rig_feed(rig, 3, "00 04 03 06 4090", false); /* 144 */
    ck_assert_int_eq(rig_send(rig, id, ":method=GET\n:scheme=https\n:authority=a\n:path=/", true),
        LEAT_ERR_TOO_LARGE);
}

/* TEST RFC 9220 §3. */
RIG_TEST(extended_connect_waits_for_the_setting, CLIENT) {
    const char *websocket =
        ":method=CONNECT\n:protocol=websocket\n:scheme=https\n:authority=a\n:path=/";
    uint64_t id = open_request(rig);
    ck_assert_int_eq(rig_send(rig, id, websocket, false), LEAT_ERR_NOT_SUPPORTED);
    rig_feed(rig, 3, "00 04 02 08 01", false);
    ck_assert_int_eq(rig_send(rig, id, websocket, false), 0);
}

/* draft-ietf-webtrans-http3-02 has a setting of its own, which the layer above looks at. */
RIG_TEST(a_session_request_does_not_wait_here, CLIENT) {
    ck_assert_int_eq(rig_send(rig, open_request(rig), WEBTRANSPORT, false), 0);
}

RIG_TEST(stopping_ends_the_receiving_side_only, SERVER) {
    rig_headers(rig, 0, POST, false);
    ck_assert_int_eq(leat_h3_stop_stream(rig->h3, 0, LEAT_H3_NO_ERROR), 0);
    rig_feed(rig, 0, "00 01 61", true);
    rig_reset(rig, 0, LEAT_H3_NO_ERROR); /* the peer's answer to STOP_SENDING */
    rig_expect(rig, "HEADERS 0 " POST_SEEN "\n");
    ck_assert_int_eq(rig_send(rig, 0, ":status=200", true), 0);
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(rig);
}

RIG_TEST(only_clients_ask, SERVER) {
    uint64_t id;
    ck_assert_int_eq(leat_h3_open_request(rig->h3, &id), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_h3_send_priority(rig->h3, 0, "u=1"), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_h3_cancel(rig->h3, 3, LEAT_H3_NO_ERROR), 0);
}

/* ---- no room ------------------------------------------------------------------------ */

/* Gives the stream a little room again and again, and tells so when it was asked for. */
static void give_room(h3_rig *rig, uint64_t id, size_t step) {
    rig->conn.room += step;
    if (fake_find(&rig->conn, id)->wants_writable) {
        fake_find(&rig->conn, id)->wants_writable = false;
        rig_event(rig, &(leat_event){.type = LEAT_EVENT_STREAM_WRITABLE, .stream = {id}});
    }
}

/* Reads back the DATA frames in what was sent. */
static size_t read_content(h3_rig *rig, uint64_t id, uint8_t *content) {
    fake_stream *stream = fake_find(&rig->conn, id);
    leat_reader reader = leat_reader_make(stream->sent, stream->sent_length);
    size_t length = 0;
    while (!leat_reader_at_end(&reader)) {
        uint64_t type = leat_read_varint(&reader);
        leat_span payload = leat_read_vector_varint(&reader);
        ck_assert(!reader.failed);
        if (type == 0) {
            memcpy(content + length, payload.data, payload.length);
            length += payload.length;
        }
    }
    return length;
}

/* Whatever the room, all content arrives in whole frames, and the sender is always woken. */
START_TEST(content_passes_through_any_room) {
    uint8_t content[1000], back[1000];
    for (size_t i = 0; i < sizeof content; i++) {
        content[i] = (uint8_t)(i * 7);
    }
    for (size_t step = 1; step < 300; step += 13) {
        h3_rig *rig = malloc(sizeof *rig);
        rig_init(rig, CLIENT);
        rig_start(rig);
        uint64_t id = open_request(rig);
        ck_assert_int_eq(rig_send(rig, id, POST "\ncontent-length=1000", false), 0);
        rig->conn.room = fake_find(&rig->conn, id)->sent_length + step / 2;
        size_t sent = 0;
        for (int turn = 0; turn < 3000 && sent < sizeof content; turn++) {
            ptrdiff_t taken =
                leat_h3_send_data(rig->h3, id, content + sent, sizeof content - sent, true);
            ck_assert_int_ge(taken, 0);
            sent += (size_t)taken;
            ck_assert(sent == sizeof content || fake_find(&rig->conn, id)->wants_writable);
            give_room(rig, id, step);
        }
        for (int turn = 0; turn < 100; turn++) {
            give_room(rig, id, step);
        }
        ck_assert_uint_eq(sent, sizeof content);
        ck_assert(fake_find(&rig->conn, id)->end_sent);
        ck_assert_uint_eq(read_content(rig, id, back), sizeof content);
        ck_assert_mem_eq(back, content, sizeof content);
        rig_clear(rig);
        free(rig);
    }
}
END_TEST

/* HEADERS and capsules are taken whole; the next ones wait until they are gone. */
RIG_TEST(frames_wait_for_room_whole, SERVER) {
    rig_headers(rig, 0, WEBTRANSPORT, false);
    rig_expect(rig, "HEADERS 0 " WEBTRANSPORT_SEEN "\n");
    rig->conn.room = 3;
    ck_assert_int_eq(rig_send(rig, 0, ":status=200\nx=y", false), 0);
    ck_assert_int_eq(
        leat_h3_send_capsule(rig->h3, 0, 0x78ae, (leat_span){NULL, 0}, false), LEAT_ERR_FULL);
    ck_assert_int_eq(send_text(rig, 0, "a", false), 0);
    rig->conn.room = 5;
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_STREAM_WRITABLE, .stream = {0}});
    rig_expect(rig, "");
    rig->conn.room = 100;
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_STREAM_WRITABLE, .stream = {0}});
    rig_expect(rig, "StreamWritable 0\n");
    rig->conn.room = fake_find(&rig->conn, 0)->sent_length + 2;
    ck_assert_int_eq(leat_h3_send_capsule(rig->h3, 0, 0x78ae, (leat_span){NULL, 0}, true), 0);
    ck_assert_int_eq(
        leat_h3_send_capsule(rig->h3, 0, 0x78ae, (leat_span){NULL, 0}, true), LEAT_ERR_STATE);
    ck_assert(!fake_find(&rig->conn, 0)->end_sent);
    rig->conn.room = 200;
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_STREAM_WRITABLE, .stream = {0}});
    ck_assert(fake_find(&rig->conn, 0)->end_sent);
    fake_stream *stream = fake_find(&rig->conn, 0);
    ck_assert_bytes(stream->sent + stream->sent_length - 7, 7, "00 05 800078ae 00");
}

START_TEST(the_control_stream_has_a_bound) {
    char value[300];
    memset(value, 'a', sizeof value);
    value[sizeof value - 1] = '\0';
    h3_rig *rig = malloc(sizeof *rig);
    rig_init(rig, CLIENT);
    rig_start(rig);
    uint64_t id = open_request(rig);
    rig->conn.room = 0;
    int error = 0;
    for (int i = 0; i < 100 && error == 0; i++) {
        error = leat_h3_send_priority(rig->h3, id, value);
    }
    ck_assert_int_eq(error, LEAT_ERR_FULL);
    rig_clear(rig);
    free(rig);
}
END_TEST

LEAT_TEST_MAIN("h3 send", a_request_is_a_headers_frame, data_frames_carry_content,
    what_the_rfc_forbids_is_not_sent, content_is_held_to_its_length, trailers_end_the_content,
    a_response_to_head_has_no_content, the_peers_field_section_limit_is_kept,
    extended_connect_waits_for_the_setting, a_session_request_does_not_wait_here,
    stopping_ends_the_receiving_side_only, only_clients_ask, content_passes_through_any_room,
    frames_wait_for_room_whole, the_control_stream_has_a_bound)
