/* The static table (RFC 9204 Appendix A) and the Huffman code (RFC 7541 Appendix B). */
#include "h3/qpack_static_table.h"

#include "h3/qpack_huffman.h"
#include "leat_test.h"

static leat_span span_of(const char *text) {
    return (leat_span){(const uint8_t *)text, strlen(text)};
}

/* Splits "index,name,value" or "index,name,"quoted"" in place. */
static void split_row(char *row, char **name, char **value) {
    *name = strchr(row, ',') + 1;
    *value = strchr(*name, ',');
    *(*value)++ = '\0';
    size_t length = strlen(*value);
    if (**value == '"') {
        (*value)[length - 1] = '\0';
        (*value)++;
    }
}

START_TEST(every_row_of_the_static_table_is_that_of_the_rfc) {
    char *text = (char *)test_read_file("vectors/qpack/static-table.csv", NULL);
    char *row = strtok(text, "\r\n");
    uint64_t index = 0;
    for (row = strtok(NULL, "\r\n"); row != NULL; row = strtok(NULL, "\r\n"), index++) {
        char *name, *value;
        split_row(row, &name, &value);
        const leat_qpack_line *line = leat_qpack_static_line(index);
        ck_assert_ptr_nonnull(line);
        ck_assert_msg(leat_span_equal(line->name, span_of(name)), "name of %s", row);
        ck_assert_msg(leat_span_equal(line->value, span_of(value)), "value of %s", row);
    }
    ck_assert_uint_eq(index, 99);
    free(text);
}
END_TEST

/* TEST RFC 9204 §3.1-1: what the caller refuses. */
START_TEST(there_is_no_row_99) {
    ck_assert_ptr_nonnull(leat_qpack_static_line(98));
    ck_assert_ptr_null(leat_qpack_static_line(99));
    ck_assert_ptr_null(leat_qpack_static_line(UINT64_MAX));
}
END_TEST

START_TEST(every_row_is_found_by_its_content) {
    for (uint64_t i = 0; i < LEAT_QPACK_STATIC_COUNT; i++) {
        const leat_qpack_line *line = leat_qpack_static_line(i);
        uint64_t index = UINT64_MAX;
        ck_assert_int_eq(
            leat_qpack_static_find(line->name, line->value, &index), LEAT_QPACK_MATCH_LINE);
        ck_assert_uint_eq(index, i);
    }
}
END_TEST

START_TEST(another_value_finds_the_first_row_of_the_name) {
    for (uint64_t i = 0; i < LEAT_QPACK_STATIC_COUNT; i++) {
        uint64_t first = 0;
        leat_span name = leat_qpack_static_line(i)->name;
        while (!leat_span_equal(leat_qpack_static_line(first)->name, name)) {
            first++;
        }
        uint64_t index = UINT64_MAX;
        ck_assert_int_eq(
            leat_qpack_static_find(name, span_of("?"), &index), LEAT_QPACK_MATCH_NAME);
        ck_assert_uint_eq(index, first);
    }
}
END_TEST

START_TEST(unknown_names_are_not_found) {
    static const char *const names[] = {"", "x", ":", ":pat", ":path2", "zzzzzzz", "Content-Length",
        "a-name-longer-than-all-names-of-the-static-table"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint64_t index;
        ck_assert_int_eq(leat_qpack_static_find(span_of(names[i]), span_of(""), &index),
            LEAT_QPACK_MATCH_NONE);
    }
}
END_TEST

START_TEST(every_huffman_code_is_that_of_the_rfc) {
    char *text = (char *)test_read_file("vectors/qpack/huffman.csv", NULL);
    char *row = strtok(text, "\r\n");
    unsigned rows = 0;
    for (row = strtok(NULL, "\r\n"); row != NULL; row = strtok(NULL, "\r\n"), rows++) {
        unsigned symbol, code, bits;
        ck_assert_int_eq(sscanf(row, "%u,%x,%u", &symbol, &code, &bits), 3);
        if (symbol < 256) {
            ck_assert_uint_eq(leat_huffman_codes[symbol].code, code);
            ck_assert_uint_eq(leat_huffman_codes[symbol].bits, bits);
        }
    }
    ck_assert_uint_eq(rows, 257);
    free(text);
}
END_TEST

START_TEST(every_pair_of_symbols_survives_the_huffman_code) {
    for (unsigned pair = 0; pair < 65536; pair++) {
        uint8_t text[2] = {(uint8_t)(pair >> 8), (uint8_t)pair};
        uint8_t encoded[8], back[2];
        leat_span in = {text, 2};
        size_t length = leat_huffman_size(in);
        ck_assert_uint_le(length, sizeof encoded);
        leat_huffman_write(in, encoded);
        leat_span bytes = {encoded, length};
        ck_assert_uint_ge(leat_huffman_text_bound(length), 2);
        size_t back_length;
        ck_assert_int_eq(leat_huffman_read(bytes, back, 2, &back_length), LEAT_HUFFMAN_OK);
        ck_assert_uint_eq(back_length, 2);
        ck_assert_mem_eq(back, text, 2);
    }
}
END_TEST

static leat_huffman_result read_huffman(const char *hex, size_t room) {
    uint8_t text[64];
    size_t length;
    return leat_huffman_read(test_hex(hex), text, room, &length);
}

/* TEST RFC 7541 §5.2: 'a' is 00011; each shorter padding of ones is right, others are not. */
START_TEST(huffman_padding_is_less_than_a_byte_of_ones) {
    ck_assert_int_eq(read_huffman("1f", 64), LEAT_HUFFMAN_OK);
    ck_assert_int_eq(read_huffman("1e", 64), LEAT_HUFFMAN_BAD);
    ck_assert_int_eq(read_huffman("18", 64), LEAT_HUFFMAN_BAD);
    ck_assert_int_eq(read_huffman("1f ff", 64), LEAT_HUFFMAN_BAD);
    ck_assert_int_eq(read_huffman("ff", 64), LEAT_HUFFMAN_BAD);
    ck_assert_int_eq(read_huffman("", 64), LEAT_HUFFMAN_OK);
}
END_TEST

/* TEST RFC 7541 §5.2: every number of padding bits, right and with one zero in it. */
START_TEST(huffman_padding_of_each_length_is_checked) {
    /* symbols of 5 bits ('0', 00000) until the padding has `pad` bits: 8n = 5k + pad */
    for (unsigned pad = 0; pad < 8; pad++) {
        unsigned k = 0;
        while ((5 * k + pad) % 8 != 0) {
            k++;
        }
        uint8_t bytes[8] = {0};
        unsigned bits = 5 * k + pad;
        for (unsigned i = 5 * k; i < bits; i++) {
            bytes[i / 8] |= (uint8_t)(0x80u >> i % 8);
        }
        leat_span encoded = {bytes, bits / 8};
        uint8_t text[16];
        size_t length;
        ck_assert_int_eq(leat_huffman_read(encoded, text, 16, &length), LEAT_HUFFMAN_OK);
        ck_assert_uint_eq(length, k);
        for (unsigned i = 5 * k; i < bits && pad < 5; i++) {
            bytes[i / 8] ^= (uint8_t)(0x80u >> i % 8);
            ck_assert_int_eq(leat_huffman_read(encoded, text, 16, &length), LEAT_HUFFMAN_BAD);
            bytes[i / 8] ^= (uint8_t)(0x80u >> i % 8);
        }
    }
}
END_TEST

START_TEST(eos_in_a_huffman_string_is_an_error) {
    ck_assert_int_eq(read_huffman("ff ff ff ff", 64), LEAT_HUFFMAN_BAD);
    ck_assert_int_eq(read_huffman("1f ff ff ff ff", 64), LEAT_HUFFMAN_BAD);
}
END_TEST

START_TEST(huffman_text_stops_at_the_room_it_has) {
    /* "www" */
    ck_assert_int_eq(read_huffman("f1 e3 c7", 3), LEAT_HUFFMAN_OK);
    ck_assert_int_eq(read_huffman("f1 e3 c7", 2), LEAT_HUFFMAN_TOO_LARGE);
    ck_assert_int_eq(read_huffman("f1 e3 c7", 0), LEAT_HUFFMAN_TOO_LARGE);
}
END_TEST

LEAT_TEST_MAIN("h3/qpack static table", every_row_of_the_static_table_is_that_of_the_rfc,
    there_is_no_row_99, every_row_is_found_by_its_content,
    another_value_finds_the_first_row_of_the_name, unknown_names_are_not_found,
    every_huffman_code_is_that_of_the_rfc, every_pair_of_symbols_survives_the_huffman_code,
    huffman_padding_is_less_than_a_byte_of_ones, huffman_padding_of_each_length_is_checked,
    eos_in_a_huffman_string_is_an_error, huffman_text_stops_at_the_room_it_has)
