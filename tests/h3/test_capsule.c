/* Capsules on CONNECT streams: RFC 9297 §3. */
#include "h3/capsule.h"
#include "h3/rig.h"

static void read_capsules(h3_rig *rig, const leat_h3_event *event) {
    if (event->type == LEAT_H3_EVENT_HEADERS_RECEIVED) {
        ck_assert_int_eq(leat_h3_read_capsules(rig->h3, event->stream_id), 0);
    }
}

static void begin_session(h3_rig *rig) {
    rig->on_event = read_capsules;
    rig_headers(rig, 0, WEBTRANSPORT, false);
    rig_expect(rig, "HEADERS 0 " WEBTRANSPORT_SEEN "\n");
}

RIG_TEST(capsules_are_told_one_by_one, SERVER) {
    begin_session(rig);
    rig_feed(rig, 0, "00 0c  6843 04 00000007  800078ae 00", false);
    rig_expect(rig, "CAPSULE 0 2843 4 00000007\nCAPSULE 0 78ae 0 \n");
    rig_feed(rig, 0, NULL, true);
    rig_expect(rig, "DATA 0  end\n");
    rig_expect_error(rig, 0);
}

/* Frame borders mean nothing to capsules. */
RIG_TEST(capsules_cross_frames, SERVER) {
    begin_session(rig);
    rig_feed(rig, 0, "00 01 68  00 02 4304  21 01 ff  00 00  00 01 01  00 04 020304 05", false);
    rig_expect(rig, "CAPSULE 0 2843 4 01020304\n");
    rig_feed(rig, 0, "00 02 01 aa", true);
    rig_expect(rig, "CAPSULE 0 5 1 aa\nDATA 0  end\n");
}

/* TEST RFC 9297 §3.2-3, §5.4: types of the form 0x29 * N + 0x17 are nobody's. */
RIG_TEST(grease_capsules_are_skipped, SERVER) {
    begin_session(rig);
    rig_feed(rig, 0, "00 0c  17 02 ffff  4040 01 ff  6843 01 07", false);
    rig_expect(rig, "CAPSULE 0 2843 1 07\n");
}

RIG_TEST(a_datagram_capsule_is_a_datagram, SERVER) {
    begin_session(rig);
    rig_feed(rig, 0, "00 05  00 03 616263", false);
    rig_expect(rig, "DATAGRAM 0 616263\n");
}

/* A capsule longer than anybody wants: told when its beginning is there, then skipped. */
static void feed_long(h3_rig *rig, const char *type_and_length, size_t length, size_t follow) {
    uint8_t *stream = calloc(1, length + 64);
    leat_writer writer = leat_writer_make(stream, length + 64);
    leat_span head = test_hex(type_and_length);
    leat_write_varint(&writer, 0);
    leat_write_varint(&writer, head.length + length + follow);
    leat_write_bytes(&writer, head.data, head.length);
    leat_write_zeros(&writer, length);
    rig_feed_bytes(rig, 0, stream, leat_writer_length(&writer), false);
    free(stream);
}

RIG_TEST(long_capsules_are_cut, SERVER) {
    begin_session(rig);
    feed_long(rig, "6843 5388", 5000, 3); /* 0x1388 = 5000 */
    rig_expect(rig, "CAPSULE 0 2843 5000 (long)\n");
    rig_feed(rig, 0, "05 01 aa", false);
    rig_expect(rig, "CAPSULE 0 5 1 aa\n");
}

RIG_TEST(long_datagram_capsules_are_dropped, SERVER) {
    begin_session(rig);
    feed_long(rig, "00 5388", 5000, 0);
    rig_expect(rig, "");
}

RIG_TEST(an_endless_capsule_costs_no_memory, SERVER) {
    begin_session(rig);
    feed_long(rig, "6843 ffffffffffffffff", 5000, 0);
    rig_expect(rig, "CAPSULE 0 2843 4611686018427387903 (long)\n");
    ck_assert_uint_lt(rig->memory.bytes_live, 100000);
}

/* TEST RFC 9297 §3.3-5. */
RIG_TEST(an_end_inside_a_capsule_is_malformed, SERVER) {
    begin_session(rig);
    rig_feed(rig, 0, "00 03 6843 04", true);
    rig_expect(rig, "REFUSED 0 H3_MESSAGE_ERROR\n");
    rig_expect_aborted(rig, 0, LEAT_H3_MESSAGE_ERROR);
    rig_expect_error(rig, 0);
}

/* TEST RFC 9297 §3.2-4, §3.2-6. */
RIG_TEST(capsules_and_content_fields_exclude_each_other, SERVER) {
    rig_headers(rig, 0, WEBTRANSPORT "\ncontent-length=5", false);
    ck_assert_int_eq(leat_h3_read_capsules(rig->h3, 0), LEAT_ERR_REFUSED);
    rig_expect_aborted(rig, 0, LEAT_H3_MESSAGE_ERROR);
}

RIG_TEST(only_tunnels_have_capsules, SERVER) {
    rig_headers(rig, 0, POST, false);
    ck_assert_int_eq(leat_h3_read_capsules(rig->h3, 0), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_h3_read_capsules(rig->h3, 4), LEAT_ERR_NO_STREAM);
    ck_assert_int_eq(
        leat_h3_send_capsule(rig->h3, 0, 5, (leat_span){NULL, 0}, false), LEAT_ERR_STATE);
}

RIG_TEST(a_capsule_is_sent_in_one_frame, SERVER) {
    begin_session(rig);
    ck_assert_int_eq(
        leat_h3_send_capsule(rig->h3, 0, 0x78ae, (leat_span){NULL, 0}, false), LEAT_ERR_STATE);
    ck_assert_int_eq(rig_send(rig, 0, ":status=200", false), 0);
    fake_forget(&rig->conn, 0);
    ck_assert_int_eq(
        leat_h3_send_capsule(rig->h3, 0, 0x2843, test_hex("00000007 627965"), true), 0);
    rig_expect_sent(rig, 0, "00 0a 6843 07 00000007 627965", true);
}

/* Every cut of a stream of capsules gives the same capsules. */
START_TEST(any_cut_gives_the_same_capsules) {
    leat_span stream = test_hex("6843 04 00000007 17 02 ffff 05 00 4040 00 06 03 aabbcc");
    for (size_t cut = 0; cut <= stream.length; cut++) {
        leat_h3_capsule_reader *reader = leat_h3_capsule_reader_new(NULL);
        leat_span pieces[] = {{stream.data, cut}, {stream.data + cut, stream.length - cut}};
        leat_h3_capsule capsule;
        char seen[256] = "";
        for (size_t i = 0; i < 2; i++) {
            while (leat_h3_capsule_read(reader, &pieces[i], &capsule) == 1) {
                snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%llx:%s ",
                    (unsigned long long)capsule.type,
                    test_to_hex(capsule.value.data, capsule.value.length));
            }
        }
        ck_assert_str_eq(seen, "2843:00000007 5: 6:aabbcc ");
        ck_assert(leat_h3_capsule_reader_is_between(reader));
        leat_h3_capsule_reader_free(reader, NULL);
    }
}
END_TEST

LEAT_TEST_MAIN("h3 capsules", capsules_are_told_one_by_one, capsules_cross_frames,
    grease_capsules_are_skipped, a_datagram_capsule_is_a_datagram, long_capsules_are_cut,
    long_datagram_capsules_are_dropped, an_endless_capsule_costs_no_memory,
    an_end_inside_a_capsule_is_malformed, capsules_and_content_fields_exclude_each_other,
    only_tunnels_have_capsules, a_capsule_is_sent_in_one_frame, any_cut_gives_the_same_capsules)
