/* The byte cursors: base/bytes.c. */
#include "base/bytes.h"
#include "leat_test.h"

START_TEST(integers_are_big_endian) {
    leat_reader reader = leat_reader_of(test_hex("01 0203 040506 0708090a 0b0c0d0e0f101112"));
    ck_assert_uint_eq(leat_read_u8(&reader), 0x01);
    ck_assert_uint_eq(leat_read_u16(&reader), 0x0203);
    ck_assert_uint_eq(leat_read_u24(&reader), 0x040506);
    ck_assert_uint_eq(leat_read_u32(&reader), 0x0708090a);
    ck_assert_uint_eq(leat_read_u64(&reader), UINT64_C(0x0b0c0d0e0f101112));
    ck_assert(leat_reader_at_end(&reader));
}
END_TEST

/* TEST RFC 9000 §A.1: the sample decodings. */
START_TEST(varints_decode_the_samples_of_the_rfc) {
    static const struct {
        const char *hex;
        uint64_t value;
    } samples[] = {{"c2197c5eff14e88c", UINT64_C(151288809941952652)},
                   {"9d7f3e7d", 494878333},
                   {"7bbd", 15293},
                   {"25", 37},
                   {"4025", 37}};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        leat_reader reader = leat_reader_of(test_hex(samples[i].hex));
        ck_assert_uint_eq(leat_read_varint(&reader), samples[i].value);
        ck_assert(leat_reader_at_end(&reader));
    }
}
END_TEST

START_TEST(a_failed_reader_yields_zeros_forever) {
    leat_reader reader = leat_reader_of(test_hex("ff ff"));
    ck_assert_uint_eq(leat_read_u32(&reader), 0);
    ck_assert(reader.failed);
    ck_assert_uint_eq(leat_read_u8(&reader), 0);
    ck_assert_uint_eq(leat_read_varint(&reader), 0);
    ck_assert_uint_eq(leat_read_bytes(&reader, 1).length, 0);
    ck_assert_uint_eq(leat_read_rest(&reader).length, 0);
    ck_assert_uint_eq(leat_reader_left(&reader), 0);
    ck_assert(!leat_reader_at_end(&reader));
    uint8_t out[2] = {1, 1};
    leat_read_copy(&reader, out, 2);
    ck_assert_bytes(out, 2, "00 00");
}
END_TEST

START_TEST(a_varint_cut_anywhere_fails) {
    leat_span whole = test_hex("c2197c5eff14e88c");
    for (size_t cut = 0; cut < whole.length; cut++) {
        leat_reader reader = leat_reader_make(whole.data, cut);
        ck_assert_uint_eq(leat_read_varint(&reader), 0);
        ck_assert(reader.failed);
    }
}
END_TEST

START_TEST(a_length_beyond_the_input_fails_even_when_huge) {
    static const uint64_t lengths[] = {4, SIZE_MAX, UINT64_MAX, UINT64_MAX - 2};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        leat_reader reader = leat_reader_of(test_hex("01 02 03"));
        ck_assert_ptr_null(leat_read_bytes(&reader, lengths[i]).data);
        ck_assert(reader.failed);
    }
}
END_TEST

START_TEST(vectors_yield_exactly_their_length) {
    leat_reader reader = leat_reader_of(test_hex("01 aa 0002 bbcc 000001 dd 4002 eeff 99"));
    leat_span a = leat_read_vector8(&reader), b = leat_read_vector16(&reader);
    leat_span c = leat_read_vector24(&reader), d = leat_read_vector_varint(&reader);
    ck_assert_bytes(a.data, a.length, "aa");
    ck_assert_bytes(b.data, b.length, "bbcc");
    ck_assert_bytes(c.data, c.length, "dd");
    ck_assert_bytes(d.data, d.length, "eeff");
    leat_span rest = leat_read_rest(&reader);
    ck_assert_bytes(rest.data, rest.length, "99");
}
END_TEST

START_TEST(a_vector_longer_than_the_input_fails) {
    leat_reader reader = leat_reader_of(test_hex("0003 aabb"));
    ck_assert_uint_eq(leat_read_vector16(&reader).length, 0);
    ck_assert(reader.failed);
}
END_TEST

START_TEST(an_empty_input_is_at_its_end) {
    leat_reader reader = leat_reader_make(NULL, 0);
    ck_assert(leat_reader_at_end(&reader));
    ck_assert_uint_eq(leat_read_bytes(&reader, 0).length, 0);
    ck_assert(!reader.failed);
    leat_read_u8(&reader);
    ck_assert(reader.failed);
}
END_TEST

START_TEST(what_is_written_is_read_again) {
    uint8_t room[64];
    leat_writer writer = leat_writer_make(room, sizeof room);
    leat_write_u8(&writer, 1);
    leat_write_u16(&writer, 0x0203);
    leat_write_u24(&writer, 0x040506);
    leat_write_u32(&writer, 0x0708090a);
    leat_write_u64(&writer, UINT64_C(0x0b0c0d0e0f101112));
    leat_write_bytes(&writer, "xy", 2);
    leat_write_zeros(&writer, 2);
    ck_assert(!writer.failed);
    ck_assert_bytes(room, leat_writer_length(&writer),
                    "0102030405060708090a0b0c0d0e0f101112 7879 0000");
}
END_TEST

START_TEST(varints_take_the_fewest_bytes) {
    static const struct {
        uint64_t value;
        const char *hex;
    } samples[] = {{0, "00"},
                   {63, "3f"},
                   {64, "4040"},
                   {16383, "7fff"},
                   {16384, "80004000"},
                   {1073741823, "bfffffff"},
                   {1073741824, "c000000040000000"},
                   {LEAT_VARINT_MAX, "ffffffffffffffff"}};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        uint8_t room[8];
        leat_writer writer = leat_writer_make(room, sizeof room);
        leat_write_varint(&writer, samples[i].value);
        ck_assert_bytes(room, leat_writer_length(&writer), samples[i].hex);
        ck_assert_uint_eq(leat_varint_size(samples[i].value), leat_writer_length(&writer));
        leat_reader reader = leat_reader_make(room, leat_writer_length(&writer));
        ck_assert_uint_eq(leat_read_varint(&reader), samples[i].value);
    }
}
END_TEST

START_TEST(a_varint_above_the_maximum_cannot_be_written) {
    uint8_t room[8];
    leat_writer writer = leat_writer_make(room, sizeof room);
    leat_write_varint(&writer, LEAT_VARINT_MAX + 1);
    ck_assert(writer.failed);
    ck_assert_uint_eq(leat_varint_size(LEAT_VARINT_MAX + 1), 0);
}
END_TEST

START_TEST(a_sized_varint_has_that_size_or_fails) {
    uint8_t room[16];
    leat_writer writer = leat_writer_make(room, sizeof room);
    leat_write_varint_sized(&writer, 37, 2);
    leat_write_varint_sized(&writer, 37, 8);
    ck_assert_bytes(room, leat_writer_length(&writer), "4025 c000000000000025");
    leat_write_varint_sized(&writer, 64, 1);
    ck_assert(writer.failed);
}
END_TEST

START_TEST(a_writer_without_room_fails_and_writes_nothing_more) {
    uint8_t room[4] = {9, 9, 9, 9};
    leat_writer writer = leat_writer_make(room, 3);
    leat_write_u16(&writer, 0x0102);
    leat_write_u16(&writer, 0x0304);
    ck_assert(writer.failed);
    leat_write_u8(&writer, 5);
    ck_assert_bytes(room, 4, "01 02 09 09");
    ck_assert_uint_eq(leat_writer_room(&writer), 0);
}
END_TEST

START_TEST(a_vector_gets_its_length_when_it_ends) {
    uint8_t room[32];
    leat_writer writer = leat_writer_make(room, sizeof room);
    size_t outer = leat_write_vector_begin(&writer, 2);
    size_t inner = leat_write_vector_begin(&writer, 1);
    leat_write_u8(&writer, 0xaa);
    leat_write_vector_end(&writer, inner, 1);
    size_t empty = leat_write_vector_begin(&writer, 3);
    leat_write_vector_end(&writer, empty, 3);
    leat_write_vector_end(&writer, outer, 2);
    ck_assert_bytes(room, leat_writer_length(&writer), "0005 01aa 000000");
}
END_TEST

START_TEST(a_vector_too_long_for_its_prefix_fails) {
    uint8_t room[300];
    leat_writer writer = leat_writer_make(room, sizeof room);
    size_t mark = leat_write_vector_begin(&writer, 1);
    leat_write_zeros(&writer, 256);
    leat_write_vector_end(&writer, mark, 1);
    ck_assert(writer.failed);
}
END_TEST

LEAT_TEST_MAIN("base/bytes", integers_are_big_endian, varints_decode_the_samples_of_the_rfc,
               a_failed_reader_yields_zeros_forever, a_varint_cut_anywhere_fails,
               a_length_beyond_the_input_fails_even_when_huge, vectors_yield_exactly_their_length,
               a_vector_longer_than_the_input_fails, an_empty_input_is_at_its_end,
               what_is_written_is_read_again, varints_take_the_fewest_bytes,
               a_varint_above_the_maximum_cannot_be_written, a_sized_varint_has_that_size_or_fails,
               a_writer_without_room_fails_and_writes_nothing_more,
               a_vector_gets_its_length_when_it_ends, a_vector_too_long_for_its_prefix_fails)
