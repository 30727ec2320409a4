/* The QPACK decoder: RFC 9204 Appendix B, what it refuses, what it bounds, what it tells. */
#include "h3/qpack_decoder.h"

#include "qpack_decoding.h"

static void expect_text(leat_span actual, const char *expected) {
    ck_assert_msg(actual.length == strlen(expected) &&
            (actual.length == 0 || memcmp(actual.data, expected, actual.length) == 0),
        "'%.*s' instead of '%s'", (int)actual.length, (const char *)actual.data, expected);
}

/* The result of one decode or one piece of encoder stream on a decoder of its own. */
static int decode_alone(uint64_t capacity, const char *instructions, const char *section) {
    leat_qpack_decoder *decoder = new_decoder(capacity, 8);
    ck_assert_int_eq(feed(decoder, instructions), 0);
    int result = decode(decoder, 4, section);
    leat_qpack_decoder_free(decoder);
    return result;
}

static int feed_alone(uint64_t capacity, const char *hex) {
    leat_qpack_decoder *decoder = new_decoder(capacity, 0);
    int result = feed(decoder, hex);
    leat_qpack_decoder_free(decoder);
    return result;
}

static void expect_fields(
    const test_vectors *vectors, const char *step, const leat_qpack_section *section) {
    char name[64];
    for (size_t i = 0; i < section->count; i++) {
        snprintf(name, sizeof name, "%s.fields.%zu", step, i);
        expect_text(section->headers[i].name, test_vector_text(vectors, name, "name"));
        expect_text(section->headers[i].value, test_vector_text(vectors, name, "value"));
    }
    snprintf(name, sizeof name, "%s.fields.%zu", step, section->count);
    ck_assert(!test_vector_has(vectors, name, "name"));
}

static void expect_table(
    const test_vectors *vectors, const char *step, const leat_qpack_table *table) {
    ck_assert_uint_eq(table->size, test_vector_number(vectors, step, "size"));
    ck_assert_uint_eq(table->entries.count, test_vector_number(vectors, step, "entries"));
    for (size_t i = 0; i < table->entries.count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s.table.%zu", step, i);
        uint64_t absolute_index = test_vector_number(vectors, name, "abs");
        const leat_qpack_entry *entry = leat_qpack_table_entry(table, absolute_index);
        ck_assert_ptr_nonnull(entry);
        leat_qpack_line line = leat_qpack_table_line(table, entry);
        expect_text(line.name, test_vector_text(vectors, name, "name"));
        expect_text(line.value, test_vector_text(vectors, name, "value"));
    }
}

/* TEST RFC 9204 §2.2-1, RFC 9204 §4.1.1-1: Appendix B. */
START_TEST(the_connection_of_appendix_b_decodes_step_by_step) {
    test_vectors *vectors = test_vectors_load("vectors/qpack/rfc9204-appendix-b.vec");
    leat_qpack_decoder *decoder = new_decoder(220, 10);
    char step[32];
    for (int i = 0; i < 10; i++) {
        snprintf(step, sizeof step, "steps.%d", i);
        const char *stream = test_vector_text(vectors, step, "stream");
        leat_span bytes = test_vector_bytes(vectors, step, "hex");
        if (strcmp(stream, "encoder") == 0) {
            ck_assert_int_eq(leat_qpack_decoder_read_encoder_stream(decoder, bytes), 0);
        } else if (strcmp(stream, "request") == 0) {
            uint64_t stream_id = test_vector_number(vectors, step, "stream_id");
            leat_qpack_section section;
            ck_assert_int_eq(leat_qpack_decode(decoder, stream_id, bytes, &section), 0);
            expect_fields(vectors, step, &section);
        }
        expect_table(vectors, step, &decoder->table);
    }
    leat_qpack_decoder_free(decoder);
    test_vectors_free(vectors);
}
END_TEST

/* TEST RFC 9204 §2.2.2.1-1: the decoder stream of Appendix B. */
START_TEST(the_decoder_stream_is_that_of_appendix_b) {
    leat_qpack_decoder *decoder = new_decoder(220, 10);
    ck_assert_int_eq(feed(decoder, "3fbd01 c00f7777772e6578616d706c652e636f6d"
                                   "c10c2f73616d706c652f70617468"), 0);
    ck_assert_int_eq(decode(decoder, 4, "03 81 10 11"), 0);
    expect_output(decoder, "84");
    ck_assert_int_eq(feed(decoder, "4a637573746f6d2d6b65790c637573746f6d2d76616c7565"), 0);
    expect_output(decoder, "01");
    ck_assert_int_eq(leat_qpack_decoder_cancel_stream(decoder, 8), 0);
    expect_output(decoder, "48");
    leat_qpack_decoder_free(decoder);
}
END_TEST

START_TEST(a_section_without_references_is_not_acknowledged) {
    leat_qpack_decoder *decoder = new_decoder(220, 10);
    ck_assert_int_eq(decode(decoder, 4, "00 00 d1"), 0);
    expect_output(decoder, "");
    leat_qpack_decoder_free(decoder);
}
END_TEST

START_TEST(a_cancellation_is_not_sent_without_a_table) {
    leat_qpack_decoder *decoder = new_decoder(0, 0);
    ck_assert_int_eq(leat_qpack_decoder_cancel_stream(decoder, 8), 0);
    expect_output(decoder, "");
    leat_qpack_decoder_free(decoder);
}
END_TEST

START_TEST(never_indexed_lines_are_marked) {
    leat_qpack_decoder *decoder = new_decoder(64, 0);
    ck_assert_int_eq(feed(decoder, CAPACITY_64 INSERT_A_B), 0);
    leat_qpack_section section;
    /* static name, literal name, dynamic name before the Base and after it: with N, then without */
    static const char *const rows[2] = {"02 80 70 01 78  31 61 01 78  08 01 78  c1",
        "02 80 50 01 78  21 61 01 78  00 01 78  c1"};
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(leat_qpack_decode(decoder, 0, test_hex(rows[i]), &section), 0);
        ck_assert_uint_eq(section.count, 4);
        for (size_t k = 0; k < 3; k++) {
            ck_assert(section.headers[k].never_index == (i == 0));
        }
        ck_assert(!section.headers[3].never_index);
        expect_text(section.headers[2].name, "a");
        expect_text(section.headers[2].value, "x");
    }
    ck_assert_int_eq(leat_qpack_decode(decoder, 0, test_hex("02 00 60 01 78"), &section), 0);
    ck_assert(section.headers[0].never_index);
    leat_qpack_decoder_free(decoder);
}
END_TEST

START_TEST(empty_names_and_values_are_fields) {
    leat_qpack_decoder *decoder = new_decoder(64, 0);
    ck_assert_int_eq(feed(decoder, CAPACITY_64 "40 00"), 0);
    leat_qpack_section section;
    ck_assert_int_eq(leat_qpack_decode(decoder, 0, test_hex("02 00 80 20 00 28 80"), &section), 0);
    ck_assert_uint_eq(section.count, 3);
    ck_assert_uint_eq(section.size, 96);
    ck_assert_int_eq(leat_qpack_decode(decoder, 0, test_hex("00 00"), &section), 0);
    ck_assert_uint_eq(section.count, 0);
    leat_qpack_decoder_free(decoder);
}
END_TEST

/* TEST RFC 9204 §3.1-1, RFC 9204 §2.2.3-1: index past the end in every representation. */
START_TEST(representations_past_their_table_are_refused) {
    static const struct {
        const char *section;
        int result;
    } rows[] = {
        {"00 00 ff 23", 0}, /* static 98 */
        {"00 00 ff 24", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"00 00 ff 80 ff ff ff ff ff ff 7f", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"00 00 5f 53 00", 0}, /* static name 98 */
        {"00 00 5f 54 00", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"02 00 80", 0}, /* relative 0 */
        {"02 00 81", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"02 00 bf 80 ff ff ff ff ff ff 7f", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"02 00 40 00", 0}, /* relative name 0 */
        {"02 00 41 00", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"02 80 10", 0}, /* post-Base 0 */
        {"02 80 11", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"02 80 1f f0 ff ff ff ff ff ff ff 3f", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"02 80 00 00", 0}, /* post-Base name 0 */
        {"02 80 01 00", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"00 00 80", LEAT_QPACK_DECOMPRESSION_FAILED}, /* nothing was required */
        {"00 00 10", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"02 01 80", LEAT_QPACK_DECOMPRESSION_FAILED}, /* Base 2: relative 0 is entry 1 */
        {"02 01 81", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int result = decode_alone(64, CAPACITY_64 INSERT_A_B, rows[i].section);
        ck_assert_msg(result == rows[i].result, "%s: %x", rows[i].section, (unsigned)result);
    }
}
END_TEST

/* TEST RFC 9204 §2.2.1-2: entry 1 is there, but the section declared to need only entry 0. */
START_TEST(a_reference_at_the_required_insert_count_is_refused) {
    const char *two = "3f 61 " INSERT_A_B "41 61 01 63";
    ck_assert_int_eq(decode_alone(128, two, "03 00 80"), 0);
    ck_assert_int_eq(decode_alone(128, two, "02 01 80"), LEAT_QPACK_DECOMPRESSION_FAILED);
    ck_assert_int_eq(decode_alone(128, two, "02 00 10"), LEAT_QPACK_DECOMPRESSION_FAILED);
}
END_TEST

/* TEST RFC 9204 §2.2.3-1: entry 0 went when entry 1 came. */
START_TEST(a_reference_to_an_evicted_entry_is_refused) {
    const char *two = CAPACITY_64 INSERT_A_B "41 61 01 63";
    ck_assert_int_eq(decode_alone(64, two, "03 00 80"), 0);
    ck_assert_int_eq(decode_alone(64, two, "03 00 81"), LEAT_QPACK_DECOMPRESSION_FAILED);
    ck_assert_int_eq(decode_alone(64, two, "03 00 41 00"), LEAT_QPACK_DECOMPRESSION_FAILED);
}
END_TEST

/* TEST RFC 9204 §4.5.1.1-1: a table of 64 bytes has 2 entries, so counts are modulo 4. */
START_TEST(impossible_insert_counts_are_refused) {
    ck_assert_int_eq(decode_alone(0, "", "01 00"), LEAT_QPACK_DECOMPRESSION_FAILED);
    ck_assert_int_eq(decode_alone(31, "", "01 00"), LEAT_QPACK_DECOMPRESSION_FAILED);
    ck_assert_int_eq(decode_alone(64, "", "01 00"), LEAT_QPACK_DECOMPRESSION_FAILED);
    ck_assert_int_eq(decode_alone(64, "", "04 00"), LEAT_QPACK_DECOMPRESSION_FAILED);
    ck_assert_int_eq(decode_alone(64, "", "05 00"), LEAT_QPACK_DECOMPRESSION_FAILED);
    ck_assert_int_eq(
        decode_alone(64, "", "ff 80 fe ff ff ff ff ff ff 3f 00"), LEAT_QPACK_DECOMPRESSION_FAILED);
}
END_TEST

START_TEST(insert_counts_wrap_as_in_the_example_of_the_rfc) {
    /* 100 bytes: modulo 6; 10 inserts; encoded 4 is 9. RFC 9204 §4.5.1.1. */
    leat_qpack_decoder *decoder = new_decoder(100, 0);
    ck_assert_int_eq(feed(decoder, "3f 45"), 0);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(feed(decoder, "40 00"), 0);
    }
    leat_qpack_section section;
    ck_assert_int_eq(leat_qpack_decode(decoder, 0, test_hex("04 00 80"), &section), 0);
    ck_assert_uint_eq(section.required_insert_count, 9);
    leat_qpack_decoder_free(decoder);
}
END_TEST

/* TEST RFC 9204 §4.5.1.2-2. */
START_TEST(a_negative_base_is_refused) {
    const char *one = CAPACITY_64 INSERT_A_B;
    ck_assert_int_eq(decode_alone(64, one, "02 80 10"), 0);
    ck_assert_int_eq(decode_alone(64, one, "02 81 10"), LEAT_QPACK_DECOMPRESSION_FAILED);
    ck_assert_int_eq(decode_alone(64, one, "00 80"), LEAT_QPACK_DECOMPRESSION_FAILED);
}
END_TEST

START_TEST(a_section_cut_anywhere_is_refused) {
    static const uint8_t whole[10] = {2, 0, 0x5f, 0x53, 0x81, 0x1f, 0x31, 0x61, 1, 0x78};
    static const size_t ends[] = {2, 6, 10}; /* after the prefix and after each line */
    for (size_t length = 0; length <= sizeof whole; length++) {
        leat_qpack_decoder *decoder = new_decoder(64, 0);
        ck_assert_int_eq(feed(decoder, CAPACITY_64 INSERT_A_B), 0);
        leat_qpack_section section;
        leat_span cut = {whole, length};
        int result = leat_qpack_decode(decoder, 0, cut, &section);
        bool is_whole = length == ends[0] || length == ends[1] || length == ends[2];
        ck_assert_int_eq(result, is_whole ? 0 : LEAT_QPACK_DECOMPRESSION_FAILED);
        leat_qpack_decoder_free(decoder);
    }
}
END_TEST

/* TEST RFC 9204 §7.4-2: longer than what is there, and much longer. */
START_TEST(string_lengths_beyond_the_section_are_refused) {
    static const char *const rows[] = {"00 00 50 02 61", "00 00 22 61", "00 00 50 82 1f",
        "00 00 50 7f 80 ff ff ff ff ff ff 3f 61", "00 00 50 ff 80 ff ff ff ff ff ff 3f 61",
        "00 00 27 f8 ff ff ff ff ff ff 3f 61", "00 00 2f f8 ff ff ff ff ff ff 3f 61"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_int_eq(decode_alone(64, "", rows[i]), LEAT_QPACK_DECOMPRESSION_FAILED);
    }
}
END_TEST

START_TEST(a_bad_huffman_string_is_refused_on_both_streams) {
    ck_assert_int_eq(decode_alone(64, "", "00 00 50 81 1e"), LEAT_QPACK_DECOMPRESSION_FAILED);
    ck_assert_int_eq(
        decode_alone(64, "", "00 00 50 84 ff ff ff ff"), LEAT_QPACK_DECOMPRESSION_FAILED);
    ck_assert_int_eq(feed_alone(64, CAPACITY_64 "41 61 81 1e"), LEAT_QPACK_ENCODER_STREAM_ERROR);
    ck_assert_int_eq(feed_alone(64, CAPACITY_64 "61 1e 00"), LEAT_QPACK_ENCODER_STREAM_ERROR);
}
END_TEST

/* TEST RFC 9204 §2.1.2-2. */
START_TEST(one_blocked_stream_more_than_promised_is_an_error) {
    leat_qpack_decoder *decoder = new_decoder(64, 2);
    ck_assert_int_eq(decode(decoder, 0, "02 00 80"), LEAT_QPACK_BLOCKED);
    ck_assert_int_eq(decode(decoder, 4, "02 00 80"), LEAT_QPACK_BLOCKED);
    ck_assert_int_eq(decode(decoder, 4, "02 00 80"), LEAT_QPACK_BLOCKED);
    ck_assert_int_eq(decode(decoder, 8, "02 00 80"), LEAT_QPACK_DECOMPRESSION_FAILED);
    leat_qpack_decoder_free(decoder);
}
END_TEST

START_TEST(a_cancelled_stream_no_longer_counts_as_blocked) {
    leat_qpack_decoder *decoder = new_decoder(64, 1);
    ck_assert_int_eq(decode(decoder, 0, "02 00 80"), LEAT_QPACK_BLOCKED);
    ck_assert_int_eq(leat_qpack_decoder_cancel_stream(decoder, 0), 0);
    ck_assert_int_eq(decode(decoder, 4, "02 00 80"), LEAT_QPACK_BLOCKED);
    ck_assert_int_eq(feed(decoder, CAPACITY_64 INSERT_A_B), 0);
    uint64_t stream_id = 99;
    ck_assert(leat_qpack_decoder_next_unblocked(decoder, &stream_id));
    ck_assert_uint_eq(stream_id, 4);
    ck_assert(!leat_qpack_decoder_next_unblocked(decoder, &stream_id));
    leat_qpack_decoder_free(decoder);
}
END_TEST

/* TEST RFC 9204 §2.2.1-1: the caller keeps the bytes, the decoder only their stream. */
START_TEST(a_blocked_stream_is_unblocked_by_its_last_entry) {
    leat_qpack_decoder *decoder = new_decoder(128, 2);
    leat_qpack_section section;
    ck_assert_int_eq(feed(decoder, "3f 61 " INSERT_A_B), 0);
    ck_assert_int_eq(
        leat_qpack_decode(decoder, 0, test_hex("03 00 80"), &section), LEAT_QPACK_BLOCKED);
    ck_assert_uint_eq(section.required_insert_count, 2);
    ck_assert(!leat_qpack_decoder_is_unblocked(decoder, 2));
    uint64_t stream_id;
    ck_assert_int_eq(feed(decoder, "00"), 0);
    ck_assert(leat_qpack_decoder_is_unblocked(decoder, 2));
    ck_assert(leat_qpack_decoder_next_unblocked(decoder, &stream_id));
    ck_assert_int_eq(leat_qpack_decode(decoder, 0, test_hex("03 00 80"), &section), 0);
    expect_text(section.headers[0].name, "a");
    expect_output(decoder, "80");
    leat_qpack_decoder_free(decoder);
}
END_TEST

/* An unblocked stream that was not decoded again yet is no reason to refuse another one. */
START_TEST(unblocked_streams_do_not_count_against_the_promise) {
    leat_qpack_decoder *decoder = new_decoder(128, 1);
    ck_assert_int_eq(decode(decoder, 0, "02 00 80"), LEAT_QPACK_BLOCKED);
    ck_assert_int_eq(feed(decoder, "3f 61 " INSERT_A_B), 0);
    ck_assert_int_eq(decode(decoder, 4, "03 00 80"), LEAT_QPACK_BLOCKED);
    ck_assert_int_eq(decode(decoder, 0, "02 00 80"), 0);
    leat_qpack_decoder_free(decoder);
}
END_TEST

/* TEST RFC 9204 §4.3.1-2. */
START_TEST(a_capacity_above_the_setting_is_refused) {
    ck_assert_int_eq(feed_alone(64, CAPACITY_64), 0);
    ck_assert_int_eq(feed_alone(64, "3f 22"), LEAT_QPACK_ENCODER_STREAM_ERROR);
    /* 10^10 */
    ck_assert_int_eq(feed_alone(4096, "3f e1 c7 af a0 25"), LEAT_QPACK_ENCODER_STREAM_ERROR);
    ck_assert_int_eq(feed_alone(0, "20"), 0);
    ck_assert_int_eq(feed_alone(0, "21"), LEAT_QPACK_ENCODER_STREAM_ERROR);
}
END_TEST

/* TEST RFC 9204 §3.2.2-2: 64 bytes fit, 65 do not; nothing fits before a capacity is set. */
START_TEST(an_entry_larger_than_the_table_is_refused) {
    const char *exact = CAPACITY_64 "50 61616161 61616161 61616161 61616161"
                                    "10 61616161 61616161 61616161 61616161";
    const char *over = CAPACITY_64 "50 61616161 61616161 61616161 61616161"
                                   "11 61616161 61616161 61616161 61616161 61";
    ck_assert_int_eq(feed_alone(64, exact), 0);
    ck_assert_int_eq(feed_alone(64, over), LEAT_QPACK_ENCODER_STREAM_ERROR);
    ck_assert_int_eq(feed_alone(64, "40 00"), LEAT_QPACK_ENCODER_STREAM_ERROR);
    ck_assert_int_eq(feed_alone(64, "c1 00"), LEAT_QPACK_ENCODER_STREAM_ERROR);
    ck_assert_int_eq(feed_alone(64, "3f 00 40 00"), LEAT_QPACK_ENCODER_STREAM_ERROR);
    ck_assert_int_eq(feed_alone(64, "3f 01 40 00"), 0);
}
END_TEST

/* TEST RFC 9204 §2.2.3-2, RFC 9204 §3.1-2: index past the end in every instruction. */
START_TEST(instructions_past_their_table_are_refused) {
    static const struct {
        const char *bytes;
        int result;
    } rows[] = {
        {"00", 0}, {"01", LEAT_QPACK_ENCODER_STREAM_ERROR}, /* duplicate */
        {"1f 80 ff ff ff ff ff ff 7f", LEAT_QPACK_ENCODER_STREAM_ERROR},
        {"80 00", 0}, {"81 00", LEAT_QPACK_ENCODER_STREAM_ERROR}, /* dynamic name */
        {"bf 80 ff ff ff ff ff ff 7f 00", LEAT_QPACK_ENCODER_STREAM_ERROR},
        {"ff 23 00", 0}, {"ff 24", LEAT_QPACK_ENCODER_STREAM_ERROR}, /* static name */
        {"ff 80 ff ff ff ff ff ff 7f", LEAT_QPACK_ENCODER_STREAM_ERROR},
        {"41 61 41", LEAT_QPACK_ENCODER_STREAM_ERROR}, /* 65 bytes of value to come */
        {"5f 22", LEAT_QPACK_ENCODER_STREAM_ERROR},    /* 65 bytes of name to come */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        leat_qpack_decoder *decoder = new_decoder(64, 0);
        ck_assert_int_eq(feed(decoder, CAPACITY_64 INSERT_A_B), 0);
        ck_assert_msg(feed(decoder, rows[i].bytes) == rows[i].result, "%s", rows[i].bytes);
        leat_qpack_decoder_free(decoder);
    }
}
END_TEST

/* TEST RFC 9204 §3.2-1, RFC 9204 §3.2.2: name and value come from the entry that has to go. */
START_TEST(an_insert_may_refer_to_the_entry_that_it_evicts) {
    leat_qpack_decoder *decoder = new_decoder(64, 0);
    ck_assert_int_eq(feed(decoder, CAPACITY_64 INSERT_A_B), 0);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(feed(decoder, "00"), 0);
        ck_assert_int_eq(feed(decoder, "80 01 62"), 0);
    }
    ck_assert_uint_eq(decoder->table.entries.count, 1);
    ck_assert_uint_eq(leat_qpack_decoder_insert_count(decoder), 2001);
    leat_qpack_line line =
        leat_qpack_table_line(&decoder->table, leat_qpack_table_entry(&decoder->table, 2000));
    expect_text(line.name, "a");
    expect_text(line.value, "b");
    leat_qpack_decoder_free(decoder);
}
END_TEST

START_TEST(lowering_the_capacity_evicts_and_raising_it_brings_nothing_back) {
    leat_qpack_decoder *decoder = new_decoder(128, 0);
    ck_assert_int_eq(feed(decoder, "3f 61 " INSERT_A_B "00 00"), 0);
    ck_assert_uint_eq(decoder->table.entries.count, 3);
    ck_assert_int_eq(feed(decoder, "3f 25"), 0); /* 68: two entries exactly */
    ck_assert_uint_eq(decoder->table.entries.count, 2);
    ck_assert_int_eq(feed(decoder, "20"), 0);
    ck_assert_uint_eq(decoder->table.entries.count, 0);
    ck_assert_uint_eq(decoder->table.size, 0);
    ck_assert_int_eq(feed(decoder, "3f 61 " INSERT_A_B), 0);
    ck_assert_uint_eq(decoder->table.entries.count, 1);
    leat_qpack_decoder_free(decoder);
}
END_TEST

START_TEST(the_insert_count_increment_leaves_out_what_sections_acknowledged) {
    leat_qpack_decoder *decoder = new_decoder(256, 0);
    ck_assert_int_eq(feed(decoder, "3f e1 01" INSERT_A_B "00 00"), 0);
    ck_assert_int_eq(decode(decoder, 4, "03 00 80"), 0);
    expect_output(decoder, "84 01");
    expect_output(decoder, "");
    leat_qpack_decoder_free(decoder);
}
END_TEST

LEAT_TEST_MAIN("h3/qpack decoder", the_connection_of_appendix_b_decodes_step_by_step,
    the_decoder_stream_is_that_of_appendix_b, a_section_without_references_is_not_acknowledged,
    a_cancellation_is_not_sent_without_a_table, never_indexed_lines_are_marked,
    empty_names_and_values_are_fields, representations_past_their_table_are_refused,
    a_reference_at_the_required_insert_count_is_refused, a_reference_to_an_evicted_entry_is_refused,
    impossible_insert_counts_are_refused, insert_counts_wrap_as_in_the_example_of_the_rfc,
    a_negative_base_is_refused, a_section_cut_anywhere_is_refused,
    string_lengths_beyond_the_section_are_refused, a_bad_huffman_string_is_refused_on_both_streams,
    one_blocked_stream_more_than_promised_is_an_error,
    a_cancelled_stream_no_longer_counts_as_blocked, a_blocked_stream_is_unblocked_by_its_last_entry,
    unblocked_streams_do_not_count_against_the_promise, a_capacity_above_the_setting_is_refused,
    an_entry_larger_than_the_table_is_refused, instructions_past_their_table_are_refused,
    an_insert_may_refer_to_the_entry_that_it_evicts,
    lowering_the_capacity_evicts_and_raising_it_brings_nothing_back,
    the_insert_count_increment_leaves_out_what_sections_acknowledged)
