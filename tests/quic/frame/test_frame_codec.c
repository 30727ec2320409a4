/* Parsing and writing by rows: quic/frame/frame_codec.c. */
#include "frame_samples.h"

#include <leat/quic.h>

static leat_frame parse_ok(const char *hex) {
    leat_frame frame;
    ck_assert_uint_eq(frame_parse_hex(hex, &frame), LEAT_NO_ERROR);
    return frame;
}

START_TEST(every_kind_has_a_sample) {
    bool seen[LEAT_FRAME_KIND_COUNT] = {false};
    for (size_t i = 0; i < frame_sample_count; i++) {
        seen[frame_samples[i].kind] = true;
    }
    for (size_t i = 0; i < LEAT_FRAME_KIND_COUNT; i++) {
        ck_assert_msg(seen[i], "no sample of %s", leat_frame_table[i].name);
    }
}
END_TEST

START_TEST(samples_parse_to_their_kind_and_use_all_bytes) {
    for (size_t i = 0; i < frame_sample_count; i++) {
        leat_frame frame;
        ck_assert_uint_eq(frame_parse_exactly(test_hex(frame_samples[i].hex), &frame),
                          LEAT_NO_ERROR);
        ck_assert_int_eq(frame.kind, frame_samples[i].kind);
    }
}
END_TEST

/* The written form of frames that end with their packet has a length, so it is compared after a
 * second round. */
START_TEST(samples_written_again_are_the_same_bytes) {
    for (size_t i = 0; i < frame_sample_count; i++) {
        uint8_t room[128];
        leat_frame frame = parse_ok(frame_samples[i].hex);
        leat_writer writer = leat_writer_make(room, sizeof room);
        leat_frame_write(&writer, &frame);
        ck_assert(!writer.failed);
        if (!frame_samples[i].ends_with_packet) {
            ck_assert_bytes(room, leat_writer_length(&writer), frame_samples[i].hex);
        }
        leat_frame again;
        leat_reader reader = leat_reader_make(room, leat_writer_length(&writer));
        ck_assert_uint_eq(leat_frame_parse(&reader, &again), LEAT_NO_ERROR);
        ck_assert_int_eq(again.kind, frame.kind);
        ck_assert(leat_reader_at_end(&reader));
    }
}
END_TEST

START_TEST(samples_cut_at_any_byte_are_refused_without_reading_on) {
    for (size_t i = 0; i < frame_sample_count; i++) {
        leat_span whole = test_hex(frame_samples[i].hex);
        for (size_t cut = 0; cut < whole.length; cut++) {
            leat_frame frame;
            uint64_t error = frame_parse_exactly((leat_span){whole.data, cut}, &frame);
            ck_assert_msg(frame_samples[i].ends_with_packet || error == LEAT_FRAME_ENCODING_ERROR,
                          "%s cut at %zu: error %llu", frame_samples[i].text, cut,
                          (unsigned long long)error);
        }
    }
}
END_TEST

START_TEST(a_frame_without_room_fails_the_writer_and_leaves_nothing) {
    for (size_t i = 0; i < frame_sample_count; i++) {
        uint8_t room[128];
        leat_frame frame = parse_ok(frame_samples[i].hex);
        leat_writer measure = leat_writer_make(room, sizeof room);
        leat_frame_write(&measure, &frame);
        size_t size = leat_writer_length(&measure);
        for (size_t cut = 0; cut < size; cut++) {
            leat_writer writer = leat_writer_make(room, cut);
            leat_frame_write(&writer, &frame);
            bool fits = frame.kind == LEAT_FRAME_DATAGRAM && cut + 1 == size;
            ck_assert_msg(writer.failed != fits, "%s in %zu bytes", frame_samples[i].text, cut);
            ck_assert(fits || leat_writer_length(&writer) == 0);
        }
    }
}
END_TEST

/* TEST RFC 9000 §12.4-4. The attack: an unknown type indexed a table. */
START_TEST(unknown_types_are_refused) {
    for (uint64_t type = 0x1f; type < 0x4000; type++) {
        uint8_t bytes[16] = {0};
        leat_writer writer = leat_writer_make(bytes, sizeof bytes);
        leat_write_varint(&writer, type);
        leat_reader reader = leat_reader_make(bytes, sizeof bytes);
        leat_frame frame;
        if (!frame_is_extension(type)) {
            ck_assert_uint_eq(leat_frame_parse(&reader, &frame), LEAT_FRAME_ENCODING_ERROR);
            ck_assert_int_eq(frame.kind, LEAT_FRAME_KIND_COUNT);
        }
    }
    frame_assert_error("80004000", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("ffffffff", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("ffffffffffffffff", LEAT_FRAME_ENCODING_ERROR);
}
END_TEST

/* TEST RFC 9000 §12.4-5: known and unknown types alike. */
START_TEST(types_not_in_their_shortest_form_are_a_protocol_violation) {
    for (unsigned type = 0; type <= 0x31; type++) {
        uint8_t bytes[32] = {0x40, (uint8_t)type};
        leat_frame frame;
        leat_reader reader = leat_reader_make(bytes, sizeof bytes);
        ck_assert_uint_eq(leat_frame_parse(&reader, &frame), LEAT_PROTOCOL_VIOLATION);
    }
    frame_assert_error("80000001", LEAT_PROTOCOL_VIOLATION);
    frame_assert_error("c000000000000001", LEAT_PROTOCOL_VIOLATION);
    frame_assert_error("80003fff", LEAT_PROTOCOL_VIOLATION);
}
END_TEST

/* The attack: a type cut short was taken for PADDING, without end. */
START_TEST(a_type_cut_short_is_refused) {
    static const char *const cut[] = {"40", "80",       "8000",          "800000",
                                      "c0", "c0000000", "c0000000000000"};
    for (size_t i = 0; i < sizeof cut / sizeof cut[0]; i++) {
        frame_assert_error(cut[i], LEAT_FRAME_ENCODING_ERROR);
    }
    frame_assert_error("", LEAT_FRAME_ENCODING_ERROR);
}
END_TEST

START_TEST(a_run_of_padding_is_one_frame) {
    leat_reader reader = leat_reader_of(test_hex("00 00 00 00 01"));
    leat_frame frame;
    ck_assert_uint_eq(leat_frame_parse(&reader, &frame), LEAT_NO_ERROR);
    ck_assert_uint_eq(frame.padding.length, 4);
    ck_assert_uint_eq(leat_frame_parse(&reader, &frame), LEAT_NO_ERROR);
    ck_assert_int_eq(frame.kind, LEAT_FRAME_PING);
}
END_TEST

START_TEST(fields_get_their_values) {
    leat_frame frame = parse_ok("18 03 01 04 c1c2c3c4 f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    ck_assert_uint_eq(frame.new_connection_id.sequence, 3);
    ck_assert_uint_eq(frame.new_connection_id.retire_prior_to, 1);
    ck_assert_bytes(frame.new_connection_id.connection_id.data,
                    frame.new_connection_id.connection_id.length, "c1c2c3c4");
    ck_assert_bytes(frame.new_connection_id.reset_token, 16, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    frame = parse_ok("1c 0a 06 03 627965");
    ck_assert_uint_eq(frame.connection_close.error_code, 10);
    ck_assert_uint_eq(frame.connection_close.frame_type, 6);
    ck_assert_bytes(frame.connection_close.reason.data, frame.connection_close.reason.length,
                    "627965");
    frame = parse_ok("1d 4100 00");
    ck_assert_uint_eq(frame.connection_close.error_code, 256);
    ck_assert_uint_eq(frame.connection_close.frame_type, 0);
    ck_assert_uint_eq(frame.connection_close.reason.length, 0);
}
END_TEST

/* TEST RFC 9000 §19.11-1, §19.14-2. */
START_TEST(stream_counts_above_2_to_the_60_are_refused) {
    static const char *const types[] = {"12", "13", "16", "17"};
    for (size_t i = 0; i < 4; i++) {
        char hex[32];
        snprintf(hex, sizeof hex, "%s d000000000000001", types[i]);
        frame_assert_error(hex, LEAT_FRAME_ENCODING_ERROR);
        snprintf(hex, sizeof hex, "%s d000000000000000", types[i]);
        frame_assert_error(hex, LEAT_NO_ERROR);
    }
}
END_TEST

/* TEST RFC 9000 §19.7-2. */
START_TEST(an_empty_token_is_refused) {
    frame_assert_error("07 00", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("07 01 aa", LEAT_NO_ERROR);
}
END_TEST

/* TEST RFC 9000 §19.15-1: 1 to 20 bytes. */
START_TEST(connection_ids_of_0_or_more_than_20_bytes_are_refused) {
    for (unsigned length = 0; length <= 255; length++) {
        uint8_t bytes[4 + 255 + 16] = {0x18, 0x01, 0x00, (uint8_t)length};
        leat_frame frame;
        uint64_t error = frame_parse_exactly((leat_span){bytes, 4 + length + 16}, &frame);
        ck_assert_uint_eq(error,
                          length >= 1 && length <= 20 ? LEAT_NO_ERROR : LEAT_FRAME_ENCODING_ERROR);
    }
}
END_TEST

/* TEST RFC 9000 §19.15-6. */
START_TEST(retire_prior_to_above_the_sequence_number_is_refused) {
    frame_assert_error("18 01 02 01 aa 000102030405060708090a0b0c0d0e0f",
                       LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("18 02 02 01 aa 000102030405060708090a0b0c0d0e0f", LEAT_NO_ERROR);
}
END_TEST

/* TEST RFC 9000 §19.6-1, §19.8-2: the end of the data is at most 2^62-1. */
START_TEST(data_beyond_the_largest_offset_is_refused) {
    frame_assert_error("06 ffffffffffffffff 01 aa", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("06 ffffffffffffffff 00", LEAT_NO_ERROR);
    frame_assert_error("06 fffffffffffffffe 01 aa", LEAT_NO_ERROR);
    frame_assert_error("0e 00 ffffffffffffffff 01 aa", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("0c 00 ffffffffffffffff aa", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("0e 00 ffffffffffffffff 00", LEAT_NO_ERROR);
}
END_TEST

START_TEST(lengths_beyond_the_packet_are_refused) {
    frame_assert_error("06 00 04 aabbcc", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("06 00 ffffffffffffffff aabbcc", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("07 ffffffffffffffff aabbcc", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("0a 00 ffffffffffffffff aabbcc", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("1c 00 00 ffffffffffffffff 61", LEAT_FRAME_ENCODING_ERROR);
    frame_assert_error("31 ffffffffffffffff 61", LEAT_FRAME_ENCODING_ERROR);
}
END_TEST

START_TEST(a_value_above_the_varint_maximum_cannot_be_written) {
    uint8_t room[32];
    leat_frame frame = {.kind = LEAT_FRAME_MAX_DATA, .max_data = {.maximum = UINT64_MAX}};
    leat_writer writer = leat_writer_make(room, sizeof room);
    leat_frame_write(&writer, &frame);
    ck_assert(writer.failed);
    ck_assert_uint_eq(leat_writer_length(&writer), 0);
}
END_TEST

START_TEST(random_bytes_never_break_the_parser) {
    uint64_t seed = 4711;
    for (int round = 0; round < 100000; round++) {
        uint8_t bytes[48], head[2];
        test_random(&seed, head, 2);
        test_random(&seed, bytes, sizeof bytes);
        bytes[0] %= 0x33;
        uint8_t *copy = malloc(1 + head[0] % 48u);
        memcpy(copy, bytes, 1 + head[0] % 48u);
        leat_reader reader = leat_reader_make(copy, 1 + head[0] % 48u);
        leat_frame frame;
        while (!leat_reader_at_end(&reader) && leat_frame_parse(&reader, &frame) == LEAT_NO_ERROR) {
            ck_assert_int_lt(frame.kind, LEAT_FRAME_KIND_COUNT);
        }
        free(copy);
    }
}
END_TEST

LEAT_TEST_MAIN("quic/frame codec", every_kind_has_a_sample,
               samples_parse_to_their_kind_and_use_all_bytes,
               samples_written_again_are_the_same_bytes,
               samples_cut_at_any_byte_are_refused_without_reading_on,
               a_frame_without_room_fails_the_writer_and_leaves_nothing, unknown_types_are_refused,
               types_not_in_their_shortest_form_are_a_protocol_violation,
               a_type_cut_short_is_refused, a_run_of_padding_is_one_frame, fields_get_their_values,
               stream_counts_above_2_to_the_60_are_refused, an_empty_token_is_refused,
               connection_ids_of_0_or_more_than_20_bytes_are_refused,
               retire_prior_to_above_the_sequence_number_is_refused,
               data_beyond_the_largest_offset_is_refused, lengths_beyond_the_packet_are_refused,
               a_value_above_the_varint_maximum_cannot_be_written,
               random_bytes_never_break_the_parser)
