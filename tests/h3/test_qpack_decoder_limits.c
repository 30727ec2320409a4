/* What a peer can make the QPACK decoder keep: everything has a bound, and memory may run out. */
#include "h3/qpack_decoder.h"

#include "qpack_decoding.h"

START_TEST(millions_of_inserts_need_no_more_memory_than_hundreds) {
    test_memory memory;
    test_memory_init(&memory);
    leat_qpack_decoder *decoder = leat_qpack_decoder_new(&memory.allocator, 256, 0, SECTION_LIMIT);
    ck_assert_int_eq(feed(decoder, "3f e1 01"), 0);
    static const char *const lines = "40 00 00 43 616161 03 626262 c1 04 2f2f2f2f 80 02 3031";
    leat_span inserts = test_hex(lines);
    size_t allocations = 0, bytes = 0;
    for (int i = 0; i < 200000; i++) {
        ck_assert_int_eq(leat_qpack_decoder_read_encoder_stream(decoder, inserts), 0);
        leat_span output = leat_qpack_decoder_output(decoder);
        leat_qpack_decoder_consume(decoder, output.length);
        if (i == 200) {
            allocations = memory.allocations;
            bytes = memory.bytes_live;
        }
    }
    ck_assert_uint_eq(memory.allocations, allocations);
    ck_assert_uint_eq(memory.bytes_live, bytes);
    leat_qpack_decoder_free(decoder);
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

/* RFC 9114 §4.2.2: "a" + "b" + 32 is 34. */
START_TEST(the_size_of_a_section_is_limited_while_decoding) {
    leat_qpack_decoder *decoder = leat_qpack_decoder_new(NULL, 64, 0, 3 * 34);
    ck_assert_int_eq(feed(decoder, CAPACITY_64 INSERT_A_B), 0);
    expect_output(decoder, "01");
    leat_qpack_section section;
    leat_span exact = test_hex("02 00 80 21 61 01 62 28 00"); /* the last is too short for 102 */
    ck_assert_int_eq(leat_qpack_decode(decoder, 0, exact, &section), 0);
    ck_assert_uint_eq(section.size, 100);
    ck_assert_int_eq(decode(decoder, 4, "02 00 80 80 80"), 0);
    expect_output(decoder, "80 84");
    static const char *const over[] = {"02 00 80 80 80 80", "02 00 80 80 21 61 02 6262",
        "02 00 80 80 22 6161 01 62", "02 00 80 80 50 00", "02 00 80 80 c1",
        "02 00 80 80 21 61 82 18 c7"};
    for (size_t i = 0; i < sizeof over / sizeof over[0]; i++) {
        leat_span bytes = test_hex(over[i]);
        ck_assert_int_eq(
            leat_qpack_decode(decoder, 4, bytes, &section), LEAT_QPACK_TOO_LARGE);
        ck_assert_uint_eq(section.count, 0);
        expect_output(decoder, "84");
    }
    /* what comes after the limit is still judged */
    int result = decode(decoder, 4, "02 00 80 80 80 80 81");
    ck_assert_int_eq(result, LEAT_QPACK_DECOMPRESSION_FAILED);
    leat_qpack_decoder_free(decoder);
}
END_TEST

/* One reference of one byte stands for a whole entry of 4 kB. */
START_TEST(a_bomb_of_references_allocates_no_more_than_the_limit) {
    test_memory memory;
    test_memory_init(&memory);
    leat_qpack_decoder *decoder =
        leat_qpack_decoder_new(&memory.allocator, 4096, 0, SECTION_LIMIT);
    static uint8_t insert[4064 + 16] = {0x3f, 0xe1, 0x1f, 0x40, 0x7f, 0xe1, 0x1e};
    ck_assert_int_eq(leat_qpack_decoder_read_encoder_stream(
                         decoder, (leat_span){insert, 7 + 4064}), 0);
    ck_assert_uint_eq(decoder->table.size, 4096);
    static uint8_t bomb[60000];
    memset(bomb, 0x80, sizeof bomb);
    bomb[0] = 0x02;
    bomb[1] = 0x00;
    leat_qpack_section section;
    ck_assert_int_eq(
        leat_qpack_decode(decoder, 0, (leat_span){bomb, 17}, &section), 0);
    ck_assert_int_eq(
        leat_qpack_decode(decoder, 0, (leat_span){bomb, sizeof bomb}, &section),
        LEAT_QPACK_TOO_LARGE);
    ck_assert_uint_lt(memory.bytes_live, SECTION_LIMIT + 32768);
    leat_qpack_decoder_free(decoder);
}
END_TEST

START_TEST(headers_outlive_the_eviction_of_their_entries) {
    leat_qpack_decoder *decoder = new_decoder(64, 0);
    ck_assert_int_eq(feed(decoder, CAPACITY_64 INSERT_A_B), 0);
    leat_qpack_section section;
    ck_assert_int_eq(leat_qpack_decode(decoder, 0, test_hex("02 00 80 c1"), &section), 0);
    for (int i = 0; i < 500; i++) {
        ck_assert_int_eq(feed(decoder, "41 63 01 64"), 0);
    }
    ck_assert_bytes(section.headers[0].name.data, section.headers[0].name.length, "61");
    ck_assert_bytes(section.headers[0].value.data, section.headers[0].value.length, "62");
    leat_qpack_decoder_free(decoder);
}
END_TEST

/* RFC 9204 §7.3: a peer that gives no credit for the decoder stream. */
START_TEST(acknowledgments_that_cannot_be_sent_are_bounded) {
    leat_qpack_decoder *decoder = new_decoder(64, 0);
    ck_assert_int_eq(feed(decoder, CAPACITY_64 INSERT_A_B), 0);
    int result = 0;
    int sections = 0;
    for (; result == 0 && sections < 100000; sections++) {
        result = decode(decoder, 4, "02 00 80");
    }
    ck_assert_int_eq(result, LEAT_ERR_FULL);
    ck_assert_int_le(sections, LEAT_QPACK_DECODER_OUTPUT_MAX + 1);
    leat_qpack_decoder_free(decoder);
}
END_TEST

START_TEST(a_table_beyond_reason_is_not_promised) {
    ck_assert_ptr_null(leat_qpack_decoder_new(NULL, LEAT_QPACK_CAPACITY_MAX + 1, 0, 100));
}
END_TEST

/* Each allocation fails in turn: NOMEM or success, nothing leaks. */
START_TEST(every_allocation_of_the_decoder_may_fail) {
    for (size_t fail_at = 1;; fail_at++) {
        test_memory memory;
        test_memory_init(&memory);
        memory.fail_at = fail_at;
        leat_qpack_decoder *decoder =
            leat_qpack_decoder_new(&memory.allocator, 256, 2, SECTION_LIMIT);
        int result = decoder == NULL ? LEAT_ERR_NOMEM : decode(decoder, 0, "02 00 80");
        result = result == LEAT_QPACK_BLOCKED ? feed(decoder, "3f") : result;
        result = result == 0 ? feed(decoder, "e1 01" INSERT_A_B "00 00") : result;
        for (int i = 0; i < 20 && result == 0; i++) {
            result = decode(decoder, 0, "02 00 80808080 80808080 80808080 80808080 80808080");
        }
        ck_assert(result == 0 || result == LEAT_ERR_NOMEM);
        leat_qpack_decoder_free(decoder);
        ck_assert_uint_eq(memory.live, 0);
        if (memory.allocations < fail_at) {
            ck_assert_int_eq(result, 0);
            break;
        }
    }
}
END_TEST

LEAT_TEST_MAIN("h3/qpack decoder limits", millions_of_inserts_need_no_more_memory_than_hundreds,
    the_size_of_a_section_is_limited_while_decoding,
    a_bomb_of_references_allocates_no_more_than_the_limit,
    headers_outlive_the_eviction_of_their_entries, acknowledgments_that_cannot_be_sent_are_bounded,
    a_table_beyond_reason_is_not_promised, every_allocation_of_the_decoder_may_fail)
