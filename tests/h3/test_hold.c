/* Giving bytes back: leat_h3_hold_stream and leat_h3_release_stream. */
#include "h3/rig.h"

/* An application that takes at most `appetite` bytes of each event, once, and holds the rest. */
static size_t appetite;
static char taken[256];

static void nibble(h3_rig *rig, const leat_h3_event *event) {
    if (event->type != LEAT_H3_EVENT_DATA_RECEIVED) {
        return;
    }
    leat_span data = event->data_received.data;
    size_t eaten = data.length < appetite ? data.length : appetite;
    snprintf(taken + strlen(taken), sizeof taken - strlen(taken), "%.*s", (int)eaten,
        (const char *)data.data);
    if (eaten < data.length) {
        ck_assert_int_eq(leat_h3_hold_stream(rig->h3, event->stream_id, data.length - eaten), 0);
        appetite = 1000;
        rig->log_length = 0;
        rig->open_data = FAKE_NONE;
    } else if (event->data_received.stream_ended) {
        strcat(taken, ".");
    }
}

static void feed_body(h3_rig *rig, size_t first_appetite) {
    appetite = first_appetite;
    taken[0] = '\0';
    rig->on_event = nibble;
    rig_headers(rig, 0, POST "\ncontent-length=10", false);
    rig->is_bytewise = false;
    rig_feed(rig, 0, "00 05 6162636465 00 05 666768696a", true);
    ck_assert(fake_find(&rig->conn, 0)->is_held);
    ck_assert_int_eq(leat_h3_release_stream(rig->h3, 0), 0);
    rig_feed(rig, 4, NULL, false);
}

RIG_TEST(held_content_comes_again, SERVER) {
    feed_body(rig, 2);
    ck_assert_str_eq(taken, "abcdefghij.");
    rig_expect_error(rig, 0);
}

/* All bytes were read and the end was told: both come again. */
RIG_TEST(the_end_comes_again, SERVER) {
    rig_headers(rig, 0, POST "\ncontent-length=5", false);
    appetite = 0;
    taken[0] = '\0';
    rig->on_event = nibble;
    rig->is_bytewise = false;
    rig_feed(rig, 0, "00 05 6162636465", true);
    ck_assert_str_eq(taken, "");
    ck_assert_uint_eq(fake_find(&rig->conn, 0)->unread, 5);
    ck_assert_int_eq(leat_h3_release_stream(rig->h3, 0), 0);
    rig_feed(rig, 4, NULL, false);
    ck_assert_str_eq(taken, "abcde.");
    ck_assert_uint_eq(leat_h3_open_requests(rig->h3), 1);
    ck_assert_int_eq(rig_send(rig, 0, ":status=200", true), 0);
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(rig);
}

/* A stream that was over on both sides comes back to life until its bytes are taken. */
RIG_TEST(a_finished_stream_can_be_held, CLIENT) {
    uint64_t id;
    ck_assert_int_eq(leat_h3_open_request(rig->h3, &id), 0);
    ck_assert_int_eq(rig_send(rig, id, GET, true), 0);
    rig_headers(rig, 0, ":status=200", false);
    appetite = 1;
    taken[0] = '\0';
    rig->on_event = nibble;
    rig->is_bytewise = false;
    rig_feed(rig, 0, "00 03 616263", true);
    ck_assert_str_eq(taken, "a");
    ck_assert_int_eq(leat_h3_hold_stream(rig->h3, 0, 1), LEAT_ERR_STATE);
    ck_assert_uint_eq(leat_h3_open_requests(rig->h3), 1);
    leat_h3_release_stream(rig->h3, 0);
    rig_feed(rig, 1, NULL, false);
    ck_assert_str_eq(taken, "abc.");
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
    rig_expect_idle(rig);
}

RIG_TEST(only_the_last_event_can_be_given_back, SERVER) {
    rig_headers(rig, 0, POST, false);
    ck_assert_int_eq(leat_h3_hold_stream(rig->h3, 0, 0), LEAT_ERR_STATE);
    rig_feed(rig, 0, "00 01 61", false);
    ck_assert_int_eq(leat_h3_hold_stream(rig->h3, 0, 1), LEAT_ERR_STATE);
}

LEAT_TEST_MAIN("h3 hold", held_content_comes_again, the_end_comes_again,
    a_finished_stream_can_be_held, only_the_last_event_can_be_given_back)
