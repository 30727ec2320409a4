/* Prefixed integers and string literals: RFC 7541 Appendix C and the limits of RFC 9204 §4.1. */
#include "h3/qpack_literal.h"

#include "h3/qpack_huffman.h"
#include "leat_test.h"

static leat_qpack_reader reader_of(leat_span bytes) {
    return (leat_qpack_reader){leat_reader_of(bytes), false};
}

static uint64_t read_integer(const char *hex, unsigned prefix, leat_qpack_reader *reader) {
    *reader = reader_of(test_hex(hex));
    return leat_qpack_read_integer(reader, prefix);
}

START_TEST(integers_of_the_rfc_are_read_and_written) {
    test_vectors *vectors = test_vectors_load("vectors/qpack/rfc7541-strings.vec");
    unsigned count = 0;
    const char *section;
    for (size_t i = 0; (section = test_vector_section(vectors, i)) != NULL; i++) {
        if (strncmp(section, "integers.", 9) != 0) {
            continue;
        }
        unsigned prefix = (unsigned)test_vector_number(vectors, section, "prefix");
        uint64_t value = test_vector_number(vectors, section, "value");
        leat_span encoded = test_vector_bytes(vectors, section, "encoded");
        leat_qpack_reader reader = reader_of(encoded);
        ck_assert_uint_eq(leat_qpack_read_integer(&reader, prefix), value);
        ck_assert(leat_qpack_reader_is_ok(&reader));
        uint8_t out[16];
        leat_writer writer = leat_writer_make(out, sizeof out);
        leat_qpack_write_integer(&writer, 0, prefix, value);
        ck_assert_uint_eq(leat_writer_length(&writer), encoded.length);
        ck_assert_mem_eq(out, encoded.data, encoded.length);
        count++;
    }
    ck_assert_uint_eq(count, 3);
    test_vectors_free(vectors);
}
END_TEST

START_TEST(huffman_strings_of_the_rfc_are_read_and_written) {
    test_vectors *vectors = test_vectors_load("vectors/qpack/rfc7541-strings.vec");
    unsigned count = 0;
    const char *section;
    for (size_t i = 0; (section = test_vector_section(vectors, i)) != NULL; i++) {
        if (strncmp(section, "huffman.", 8) != 0) {
            continue;
        }
        leat_span encoded = test_vector_bytes(vectors, section, "encoded");
        leat_span decoded = test_vector_bytes(vectors, section, "decoded");
        uint8_t out[128] = {(uint8_t)(0x80 | encoded.length)};
        ck_assert_uint_eq(leat_huffman_size(decoded), encoded.length);
        leat_huffman_write(decoded, out + 1);
        ck_assert_mem_eq(out + 1, encoded.data, encoded.length);
        leat_qpack_reader reader = reader_of((leat_span){out, encoded.length + 1});
        leat_qpack_string string = leat_qpack_read_string(&reader, 8, 100);
        uint8_t text[128];
        size_t length;
        ck_assert_int_eq(
            leat_qpack_copy_text(string, text, sizeof text, &length), LEAT_QPACK_TEXT_OK);
        ck_assert_uint_eq(length, decoded.length);
        ck_assert_mem_eq(text, decoded.data, length);
        count++;
    }
    ck_assert_uint_ge(count, 12);
    test_vectors_free(vectors);
}
END_TEST

/* TEST RFC 9204 §4.1.1-1: 62 bits have to be read, in every prefix. */
START_TEST(integers_up_to_62_bits_survive_every_prefix) {
    static const uint64_t values[] = {0, 1, 6, 7, 8, 126, 127, 128, 254, 255, 256, 16383, 65535,
        UINT64_C(1) << 32, LEAT_VARINT_MAX - 1, LEAT_VARINT_MAX};
    for (unsigned prefix = 1; prefix <= 8; prefix++) {
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            uint8_t out[LEAT_QPACK_INTEGER_MAX];
            leat_writer writer = leat_writer_make(out, sizeof out);
            leat_qpack_write_integer(&writer, 0, prefix, values[i]);
            ck_assert(!writer.failed);
            leat_qpack_reader reader =
                reader_of((leat_span){out, leat_writer_length(&writer)});
            ck_assert_uint_eq(leat_qpack_read_integer(&reader, prefix), values[i]);
            ck_assert(leat_reader_at_end(&reader.bytes) && !reader.malformed);
        }
    }
}
END_TEST

/* TEST RFC 9204 §7.4-2. */
START_TEST(integers_over_62_bits_are_malformed) {
    leat_qpack_reader reader;
    /* 2^62 - 1 with an 8-bit prefix, then one more */
    read_integer("ff 80 fe ff ff ff ff ff ff 3f", 8, &reader);
    ck_assert(leat_qpack_reader_is_ok(&reader));
    read_integer("ff 81 fe ff ff ff ff ff ff 3f", 8, &reader);
    ck_assert(reader.malformed);
    read_integer("ff ff ff ff ff ff ff ff ff ff 01", 8, &reader);
    ck_assert(reader.malformed);
}
END_TEST

START_TEST(an_endless_run_of_zero_bytes_is_malformed) {
    leat_qpack_reader reader;
    ck_assert_uint_eq(read_integer("ff 80 80 80 80 80 80 80 80 00", 8, &reader), 255);
    ck_assert(leat_qpack_reader_is_ok(&reader));
    read_integer("ff 80 80 80 80 80 80 80 80 80 00", 8, &reader);
    ck_assert(reader.malformed);
}
END_TEST

START_TEST(an_integer_cut_short_is_incomplete_and_not_malformed) {
    static const char *const cuts[] = {"", "1f", "1f 9a"};
    for (size_t i = 0; i < 3; i++) {
        leat_qpack_reader reader;
        read_integer(cuts[i], 5, &reader);
        ck_assert(reader.bytes.failed && !reader.malformed);
    }
}
END_TEST

/* TEST RFC 9204 §7.4-2: the length is judged before the bytes are there. */
START_TEST(a_string_over_the_limit_is_malformed_at_its_length) {
    leat_qpack_reader reader = reader_of(test_hex("0a"));
    leat_qpack_read_string(&reader, 8, 9);
    ck_assert(reader.malformed);
    reader = reader_of(test_hex("0a"));
    leat_qpack_read_string(&reader, 8, 10);
    ck_assert(reader.bytes.failed && !reader.malformed);
}
END_TEST

START_TEST(a_string_of_62_bits_length_is_incomplete_without_wrapping) {
    leat_qpack_reader reader = reader_of(test_hex("7f 80 ff ff ff ff ff ff ff 3f 61 62"));
    leat_qpack_read_string(&reader, 8, UINT64_MAX);
    ck_assert(!leat_qpack_reader_is_ok(&reader));
}
END_TEST

START_TEST(the_empty_string_is_a_string) {
    leat_qpack_reader reader = reader_of(test_hex("00 80"));
    for (int i = 0; i < 2; i++) {
        leat_qpack_string string = leat_qpack_read_string(&reader, 8, 0);
        uint8_t text[1];
        size_t length = 1;
        ck_assert(leat_qpack_reader_is_ok(&reader));
        ck_assert_int_eq(leat_qpack_copy_text(string, text, 0, &length), LEAT_QPACK_TEXT_OK);
        ck_assert_uint_eq(length, 0);
    }
}
END_TEST

START_TEST(a_string_that_huffman_would_not_shorten_is_plain) {
    uint8_t out[16];
    leat_writer writer = leat_writer_make(out, sizeof out);
    leat_span text = test_hex("00 01 02");
    leat_qpack_write_string(&writer, 0x20, 4, text);
    ck_assert_bytes(out, leat_writer_length(&writer), "23 00 01 02");
    writer = leat_writer_make(out, sizeof out);
    leat_qpack_write_string(&writer, 0x20, 4, test_hex("61 61 61"));
    ck_assert_bytes(out, leat_writer_length(&writer), "2a 18 c7");
}
END_TEST

LEAT_TEST_MAIN("h3/qpack literals", integers_of_the_rfc_are_read_and_written,
    huffman_strings_of_the_rfc_are_read_and_written, integers_up_to_62_bits_survive_every_prefix,
    integers_over_62_bits_are_malformed, an_endless_run_of_zero_bytes_is_malformed,
    an_integer_cut_short_is_incomplete_and_not_malformed,
    a_string_over_the_limit_is_malformed_at_its_length,
    a_string_of_62_bits_length_is_incomplete_without_wrapping, the_empty_string_is_a_string,
    a_string_that_huffman_would_not_shorten_is_plain)
