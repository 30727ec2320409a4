/* RFC 9218: the Priority field, PRIORITY_UPDATE, and structured dictionaries (RFC 9651) beneath. */
#include "h3/priority.h"
#include "h3/rig.h"
#include "h3/structured_field.h"

static const struct {
    const char *value;
    uint8_t urgency;
    bool incremental;
} values[] = {
    {"", 3, false}, {"u=0", 0, false}, {"u=7, i", 7, true}, {"i", 3, true}, {"i=?1", 3, true}, {"i=?0, u=2", 2, false},
    {"u=5;x=1;y, i;z=\"a\"", 5, true}, {"u=1,u=2", 2, false}, {"a, b=(1 2 \"x\";p tok), u=4", 4, false}, {"  u=1  ", 1, false},
    {"u=1,\ti", 1, true}, {"x=1.5, y=:YWJj:, z=@17, d=%\"f%c3\", u=6", 6, false}, {"x=\"a\\\"b\\\\\", u=6", 6, false}, {"*a=tok/en:x, u=1", 1, false},
    /* out of range or of another type: as if absent */
    {"u=8", 3, false}, {"u=-1, i", 3, true}, {"u=1.0", 3, false}, {"u=\"1\"", 3, false}, {"u", 3, false}, {"i=1", 3, false}, {"u=(1)", 3, false},
    /* not a dictionary: all defaults */
    {"u=1,", 3, false}, {"u=1 i", 3, false}, {"u=", 3, false}, {"U=1", 3, false}, {"u=1, =2", 3, false}, {"u=1, i=?2", 3, false},
    {"u=1, x=\"a", 3, false}, {"u=1, x=(1", 3, false}, {"u=1, x=(1;", 3, false}, {"u=1, x=:a", 3, false}, {"u=1;", 3, false}, {",", 3, false},
    {"u=1, x=1234567890123456", 3, false}, {"u=1, x=1.", 3, false}, {"u=1, x=\"\\a\"", 3, false}, {"u=1, x=@1.5", 3, false},
    {"u=1, x=(1 (2))", 3, false}, {"u=1\r", 3, false}, {"u=1, x=%a", 3, false}, {"u=1, x=(1\"a\")", 3, false},
};

START_TEST(priority_values_are_dictionaries) {
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        leat_span value = {(const uint8_t *)values[i].value, strlen(values[i].value)};
        leat_h3_priority priority = leat_h3_priority_parse(value);
        ck_assert_msg(
            priority.urgency == values[i].urgency && priority.incremental == values[i].incremental,
            "%s: u=%u i=%d", values[i].value, priority.urgency, priority.incremental);
    }
}
END_TEST

START_TEST(dictionary_members_keep_their_values) {
    leat_span value = test_hex("613d746f6b2c20623d227822"); /* a=tok, b="x" */
    leat_sf_parser parser = leat_sf_parser_make(value);
    leat_sf_member member;
    ck_assert(leat_sf_next_member(&parser, &member));
    ck_assert_int_eq(member.type, LEAT_SF_TOKEN);
    ck_assert(leat_span_is(member.text, "tok"));
    ck_assert(leat_sf_next_member(&parser, &member));
    ck_assert_int_eq(member.type, LEAT_SF_STRING);
    ck_assert(leat_span_is(member.text, "x"));
    ck_assert(leat_span_is(member.key, "b"));
    ck_assert(!leat_sf_next_member(&parser, &member));
    ck_assert(!parser.failed);
}
END_TEST

static void expect_priority(h3_rig *rig, uint64_t id, int urgency, int incremental) {
    ck_assert_int_eq(fake_find(&rig->conn, id)->urgency, urgency);
    ck_assert_int_eq(fake_find(&rig->conn, id)->incremental, incremental);
}

RIG_TEST(the_priority_field_is_applied, SERVER) {
    rig_headers(rig, 0, GET "\npriority=u=1, i", true);
    expect_priority(rig, 0, 1, true);
    rig_headers(rig, 4, GET, true);
    expect_priority(rig, 4, -1, -1);
}

#define UPDATE_0_U5 "800f0700 04 00 753d35"

RIG_TEST(an_update_changes_an_open_request, SERVER) {
    rig_settings(rig);
    rig_headers(rig, 0, GET "\npriority=u=1", false);
    rig_expect(rig, "HEADERS 0 " GET_SEEN " priority=u=1\n");
    rig_feed(rig, 2, UPDATE_0_U5, false);
    rig_expect(rig, "PRIORITY 0 u=5\n");
    expect_priority(rig, 0, 5, false);
}

/* TEST RFC 9218 §7-1: and it wins over the field of the request. */
RIG_TEST(an_update_may_come_before_its_request, SERVER) {
    rig_settings(rig);
    rig_feed(rig, 2, UPDATE_0_U5, false);
    expect_priority(rig, 0, -1, -1);
    rig_headers(rig, 0, GET "\npriority=u=1", false);
    expect_priority(rig, 0, 5, false);
}

RIG_TEST(an_update_may_come_in_the_middle_of_its_request, SERVER) {
    uint8_t frame[256];
    size_t length = rig_encode(rig, 0, GET "\npriority=u=1", frame, sizeof frame);
    rig_settings(rig);
    rig_feed_bytes(rig, 0, frame, 5, false);
    rig_feed(rig, 2, UPDATE_0_U5, false);
    rig_feed_bytes(rig, 0, frame + 5, length - 5, false);
    expect_priority(rig, 0, 5, false);
}

RIG_TEST(an_update_of_a_request_that_is_over_is_told_and_forgotten, SERVER) {
    rig_settings(rig);
    rig_headers(rig, 0, GET, true);
    rig_send(rig, 0, ":status=200", true);
    rig_feed(rig, 2, UPDATE_0_U5, false);
    expect_priority(rig, 0, -1, -1);
    rig_expect_error(rig, 0);
}

RIG_TEST(early_updates_are_bounded, SERVER) {
    rig_settings(rig);
    for (unsigned i = 0; i < 40; i++) {
        char hex[64];
        snprintf(hex, sizeof hex, "800f0700 05 %04x 753d%02x", 0x4000 + 4 * i, 0x30 + i % 8);
        rig_feed(rig, 2, hex, false);
    }
    ck_assert_uint_lt(rig->memory.bytes_live, 60000);
    rig_headers(rig, 4 * 39, GET, false);
    expect_priority(rig, 4 * 39, 39 % 8, false);
    rig_headers(rig, 0, GET, false);
    expect_priority(rig, 0, -1, -1);
}

RIG_TEST(a_client_sends_updates, CLIENT) {
    uint64_t id;
    ck_assert_int_eq(leat_h3_open_request(rig->h3, &id), 0);
    fake_forget(&rig->conn, 2);
    ck_assert_int_eq(leat_h3_send_priority(rig->h3, id, "u=5"), 0);
    rig_expect_sent(rig, 2, UPDATE_0_U5, false);
    ck_assert_int_eq(leat_h3_send_priority(rig->h3, 4, "u=5"), LEAT_ERR_NO_STREAM);
}

LEAT_TEST_MAIN("h3 priority", priority_values_are_dictionaries,
    dictionary_members_keep_their_values, the_priority_field_is_applied,
    an_update_changes_an_open_request, an_update_may_come_before_its_request,
               an_update_may_come_in_the_middle_of_its_request,
    an_update_of_a_request_that_is_over_is_told_and_forgotten, early_updates_are_bounded,
    a_client_sends_updates)
