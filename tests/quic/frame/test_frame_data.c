/* STREAM, CRYPTO and DATAGRAM as they are sent: quic/frame/frame_data.c. */
#include "frame_samples.h"

#include <leat/quic.h>

static uint8_t data[20000];

/* The only frame but PADDING in what was written. */
static leat_frame only_frame(const leat_writer *writer) {
    leat_reader reader = leat_reader_make(writer->start, leat_writer_length(writer));
    leat_frame frame;
    ck_assert(!writer->failed && writer->next <= writer->end);
    ck_assert_uint_eq(leat_frame_parse(&reader, &frame), LEAT_NO_ERROR);
    if (frame.kind == LEAT_FRAME_PADDING) {
        ck_assert_uint_eq(leat_frame_parse(&reader, &frame), LEAT_NO_ERROR);
    }
    ck_assert(leat_reader_at_end(&reader));
    return frame;
}

START_TEST(a_stream_frame_that_leaves_room_has_a_length) {
    uint8_t room[64];
    leat_writer writer = leat_writer_make(room, sizeof room);
    size_t length = 3;
    bool fin_written;
    uint8_t *place = leat_stream_frame_begin(&writer, 4, 0, &length, true, &fin_written);
    memcpy(place, "abc", 3);
    ck_assert_uint_eq(length, 3);
    ck_assert(fin_written);
    ck_assert_bytes(room, leat_writer_length(&writer), "0b 04 03 616263");
}
END_TEST

START_TEST(a_stream_frame_that_fills_the_room_has_none) {
    uint8_t room[8];
    leat_writer writer = leat_writer_make(room, sizeof room);
    size_t length = 100;
    bool fin_written;
    uint8_t *place = leat_stream_frame_begin(&writer, 4, 9, &length, true, &fin_written);
    memcpy(place, "abcde", 5);
    ck_assert_uint_eq(length, 5);
    ck_assert(!fin_written);
    ck_assert_bytes(room, leat_writer_length(&writer), "0c 04 09 6162636465");
}
END_TEST

START_TEST(a_pure_fin_is_a_frame) {
    uint8_t room[8];
    leat_writer writer = leat_writer_make(room, sizeof room);
    size_t length = 0;
    bool fin_written;
    ck_assert_ptr_nonnull(leat_stream_frame_begin(&writer, 4, 9, &length, true, &fin_written));
    ck_assert(fin_written);
    ck_assert_bytes(room, leat_writer_length(&writer), "0f 04 09 00");
}
END_TEST

/* Every room with every wanted length around the sizes of a varint. */
START_TEST(stream_frames_fit_in_any_room_and_waste_nothing) {
    static const size_t wanted_lengths[] = {0,  1,   2,     62,    63,    64,   65,
                                            66, 100, 16380, 16383, 16384, 16385};
    static uint8_t room[17000];
    for (size_t w = 0; w < sizeof wanted_lengths / sizeof wanted_lengths[0]; w++) {
        size_t wanted = wanted_lengths[w];
        for (size_t size = wanted > 1000 ? 16370 : 0; size < (wanted > 1000 ? 16400 : 120);
             size++) {
            leat_writer writer = leat_writer_make(room, size);
            size_t length = wanted;
            bool fin_written;
            uint8_t *place = leat_stream_frame_begin(&writer, 4, 7, &length, true, &fin_written);
            bool can_fit = size > 3 || (size == 3 && wanted == 0);
            ck_assert_int_eq(place != NULL, can_fit);
            if (place == NULL) {
                ck_assert_uint_eq(leat_writer_length(&writer), 0);
                continue;
            }
            memcpy(place, data, length);
            leat_frame frame = only_frame(&writer);
            ck_assert_uint_eq(frame.stream.data.length, length);
            ck_assert_uint_eq(frame.stream.offset, 7);
            ck_assert_uint_eq(length, wanted < size - 3 ? wanted : size - 3);
            ck_assert_int_eq(fin_written, length == wanted);
            ck_assert_int_eq(frame.stream.fin, fin_written);
        }
    }
}
END_TEST

START_TEST(a_stream_frame_beyond_the_largest_offset_is_not_made) {
    uint8_t room[64];
    leat_writer writer = leat_writer_make(room, sizeof room);
    size_t length = 2;
    bool fin_written;
    ck_assert_ptr_null(
        leat_stream_frame_begin(&writer, 0, LEAT_VARINT_MAX - 1, &length, false, &fin_written));
    ck_assert_uint_eq(leat_writer_length(&writer), 0);
}
END_TEST

START_TEST(crypto_frames_fit_in_any_room) {
    static const size_t wanted_lengths[] = {1, 63, 64, 65, 200};
    for (size_t w = 0; w < sizeof wanted_lengths / sizeof wanted_lengths[0]; w++) {
        size_t wanted = wanted_lengths[w], last = 0;
        for (size_t size = 0; size < 250; size++) {
            uint8_t room[250];
            leat_writer writer = leat_writer_make(room, size);
            size_t length = wanted;
            uint8_t *place = leat_crypto_frame_begin(&writer, 100, &length);
            ck_assert_int_eq(place != NULL, size >= 5);
            if (place == NULL) {
                ck_assert_uint_eq(leat_writer_length(&writer), 0);
                continue;
            }
            memcpy(place, data, length);
            leat_frame frame = only_frame(&writer);
            ck_assert_uint_eq(frame.crypto.offset, 100);
            ck_assert_uint_eq(frame.crypto.data.length, length);
            ck_assert_uint_ge(length, last);
            last = length;
        }
        ck_assert_uint_eq(last, wanted);
    }
}
END_TEST

START_TEST(an_empty_crypto_frame_is_not_made) {
    uint8_t room[64];
    leat_writer writer = leat_writer_make(room, sizeof room);
    size_t length = 0;
    ck_assert_ptr_null(leat_crypto_frame_begin(&writer, 0, &length));
}
END_TEST

START_TEST(a_datagram_goes_whole_or_not_at_all) {
    for (size_t size = 0; size < 100; size++) {
        uint8_t room[100];
        leat_span parts[3] = {{data, 30}, {NULL, 0}, {data, 35}};
        leat_writer writer = leat_writer_make(room, size);
        ck_assert_int_eq(leat_datagram_frame_write(&writer, parts, 3), size >= 66);
        ck_assert(!writer.failed);
        if (size < 66) {
            ck_assert_uint_eq(leat_writer_length(&writer), 0);
        } else {
            ck_assert_uint_eq(only_frame(&writer).datagram.data.length, 65);
        }
    }
    ck_assert_uint_eq(leat_datagram_frame_size(65), 68);
    ck_assert_uint_eq(leat_datagram_frame_size(0), 2);
}
END_TEST

START_TEST(the_parts_of_a_datagram_are_joined) {
    uint8_t room[16];
    leat_span parts[2] = {test_hex("0102"), test_hex("03")};
    leat_writer writer = leat_writer_make(room, sizeof room);
    ck_assert(leat_datagram_frame_write(&writer, parts, 2));
    ck_assert_bytes(room, leat_writer_length(&writer), "31 03 010203");
    writer = leat_writer_make(room, 4);
    ck_assert(leat_datagram_frame_write(&writer, parts, 2));
    ck_assert_bytes(room, leat_writer_length(&writer), "30 010203");
}
END_TEST

START_TEST(an_empty_datagram_is_a_datagram) {
    uint8_t room[16];
    leat_writer writer = leat_writer_make(room, sizeof room);
    ck_assert(leat_datagram_frame_write(&writer, NULL, 0));
    ck_assert_bytes(room, leat_writer_length(&writer), "31 00");
}
END_TEST

LEAT_TEST_MAIN("quic/frame data", a_stream_frame_that_leaves_room_has_a_length,
               a_stream_frame_that_fills_the_room_has_none, a_pure_fin_is_a_frame,
               stream_frames_fit_in_any_room_and_waste_nothing,
               a_stream_frame_beyond_the_largest_offset_is_not_made, crypto_frames_fit_in_any_room,
               an_empty_crypto_frame_is_not_made, a_datagram_goes_whole_or_not_at_all,
               the_parts_of_a_datagram_are_joined, an_empty_datagram_is_a_datagram)
