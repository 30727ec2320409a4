/* ACK frames: quic/frame/frame_ack.c. */
#include "frame_samples.h"

#include <leat/quic.h>

/* The ranges of an encoded ACK must be ranges[count - 1] down to ranges[skipped]. */
static void assert_ranges(leat_span bytes, const leat_range *ranges, size_t count, size_t skipped) {
    leat_reader reader = leat_reader_of(bytes);
    leat_frame frame;
    leat_range range;
    ck_assert_uint_eq(leat_frame_parse(&reader, &frame), LEAT_NO_ERROR);
    leat_ack_walk walk = leat_ack_walk_begin(&frame);
    for (size_t i = count; i-- > skipped;) {
        ck_assert(leat_ack_walk_next(&walk, &frame, &range));
        ck_assert_uint_eq(range.start, ranges[i].start);
        ck_assert_uint_eq(range.end, ranges[i].end);
    }
    ck_assert(!leat_ack_walk_next(&walk, &frame, &range));
    ck_assert(!leat_ack_walk_next(&walk, &frame, &range));
}

START_TEST(ranges_are_walked_from_the_largest_down) {
    static const leat_range ranges[] = {{89, 90}, {91, 94}, {96, 101}};
    assert_ranges(test_hex("02 4064 00 02 04 01 02 00 00"), ranges, 3, 0);
}
END_TEST

START_TEST(one_number_zero_is_a_range) {
    static const leat_range ranges[] = {{0, 1}};
    assert_ranges(test_hex("02 00 00 00 00"), ranges, 1, 0);
}
END_TEST

START_TEST(the_largest_number_of_all_is_acknowledged) {
    static const leat_range ranges[] = {{LEAT_VARINT_MAX, LEAT_VARINT_MAX + 1}};
    assert_ranges(test_hex("02 ffffffffffffffff 00 00 00"), ranges, 1, 0);
}
END_TEST

/* TEST RFC 9000 §19.3.1-1. */
START_TEST(ranges_below_zero_are_refused) {
    frame_assert_error("02 05 00 00 06", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("02 05 00 00 05", LEAT_NO_ERROR);
    frame_assert_error("02 05 00 01 05 00 00", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("02 05 00 01 04 00 00", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("02 05 00 01 03 00 00", LEAT_NO_ERROR);
    frame_assert_error("02 05 00 01 03 01 00", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("02 05 00 01 03 00 01", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("02 0a 00 01 00 ffffffffffffffff 00", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("02 0a 00 01 00 00 ffffffffffffffff", LEAT_FRAME_ENCODING_ERROR);
}
END_TEST

/* The attack: a range count of 2^62-1 reserved memory, or was looped over. */
START_TEST(a_huge_range_count_is_refused_at_once) {
    frame_assert_error("02 4064 00 ffffffffffffffff 00", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("02 4064 00 ffffffffffffffff 00 00 00 00 00", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("02 4064 00 02 00 00 00 00", LEAT_FRAME_ENCODING_ERROR);
}
END_TEST

START_TEST(ecn_counts_come_after_the_ranges) {
    leat_frame frame;
    ck_assert_uint_eq(frame_parse_hex("03 0a 19 01 00 00 00 01 02 4003", &frame), LEAT_NO_ERROR);
    ck_assert(frame.ack.has_ecn);
    ck_assert_uint_eq(frame.ack.ect0, 1);
    ck_assert_uint_eq(frame.ack.ect1, 2);
    ck_assert_uint_eq(frame.ack.ce, 3);
    ck_assert_uint_eq(frame_parse_hex("02 0a 19 01 00 00 00", &frame), LEAT_NO_ERROR);
    ck_assert(!frame.ack.has_ecn);
}
END_TEST

START_TEST(what_is_written_is_read_again) {
    static const leat_range ranges[] = {
        {0, 1}, {2, 3}, {10, 200}, {1000, 70000}, {UINT64_C(1) << 40, UINT64_C(1) << 41}};
    static const uint64_t ecn[3] = {5, 0, 70000};
    for (int with_ecn = 0; with_ecn < 2; with_ecn++) {
        uint8_t room[128];
        leat_writer writer = leat_writer_make(room, sizeof room);
        ck_assert(leat_ack_write(&writer, ranges, 5, 25, with_ecn ? ecn : NULL));
        assert_ranges((leat_span){room, leat_writer_length(&writer)}, ranges, 5, 0);
        leat_frame frame;
        leat_reader reader = leat_reader_make(room, leat_writer_length(&writer));
        leat_frame_parse(&reader, &frame);
        ck_assert_uint_eq(frame.ack.delay, 25);
        ck_assert_uint_eq(frame.ack.ce, with_ecn ? 70000 : 0);
        ck_assert(leat_reader_at_end(&reader));
    }
}
END_TEST

/* The attack: an ACK that did not fit ended the connection. In any room it is cut to the newest
 * ranges or left out. */
START_TEST(an_ack_is_cut_to_the_room_there_is) {
    leat_range ranges[100];
    for (uint64_t i = 0; i < 100; i++) {
        ranges[i] = (leat_range){i * 200, i * 200 + 1 + i % 80};
    }
    static const uint64_t ecn[3] = {1, 2, 3};
    size_t last_count = 0;
    for (size_t room = 0; room < 400; room++) {
        uint8_t bytes[400];
        leat_writer writer = leat_writer_make(bytes, room);
        bool written = leat_ack_write(&writer, ranges, 100, 1000, ecn);
        ck_assert(!writer.failed);
        if (!written) {
            ck_assert_uint_eq(leat_writer_length(&writer), 0);
            ck_assert_uint_eq(last_count, 0);
            continue;
        }
        leat_frame frame;
        leat_reader reader = leat_reader_make(bytes, leat_writer_length(&writer));
        ck_assert_uint_eq(leat_frame_parse(&reader, &frame), LEAT_NO_ERROR);
        size_t count = 1 + (size_t)frame.ack.range_count;
        ck_assert_uint_ge(count, last_count);
        assert_ranges((leat_span){bytes, leat_writer_length(&writer)}, ranges, 100, 100 - count);
        last_count = count;
    }
    ck_assert_uint_eq(last_count, 100);
}
END_TEST

START_TEST(nothing_received_is_no_ack) {
    uint8_t room[32];
    leat_writer writer = leat_writer_make(room, sizeof room);
    ck_assert(!leat_ack_write(&writer, NULL, 0, 0, NULL));
    ck_assert_uint_eq(leat_writer_length(&writer), 0);
}
END_TEST

LEAT_TEST_MAIN("quic/frame ack", ranges_are_walked_from_the_largest_down,
               one_number_zero_is_a_range, the_largest_number_of_all_is_acknowledged,
               ranges_below_zero_are_refused, a_huge_range_count_is_refused_at_once,
               ecn_counts_come_after_the_ranges, what_is_written_is_read_again,
               an_ack_is_cut_to_the_room_there_is, nothing_received_is_no_ack)
