/* Bounded text, JSON escapes, UTF-8. */
#include "base/text.h"

#include "leat_test.h"

static leat_span span_of_hex(const char *hex) {
    return test_hex(hex);
}

/* ---- UTF-8 --------------------------------------------------------------------------- */

/* TEST RFC 3629 §4: the first and last of every row, and what lies beside them. */
static const struct {
    const char *hex;
    bool is_valid;
} sequences[] = {
    {"", true},
    {"00", true},
    {"7f", true},
    {"80", false},
    {"bf", false},
    {"c0 80", false},
    {"c1 bf", false},
    {"c2 80", true},
    {"df bf", true},
    {"c2", false},
    {"c2 7f", false},
    {"c2 c0", false},
    {"e0 9f bf", false},
    {"e0 a0 80", true},
    {"e0 a0", false},
    {"e1 80 80", true},
    {"ec bf bf", true},
    {"e1 80 7f", false},
    {"ed 9f bf", true},
    {"ed a0 80", false},
    {"ed bf bf", false},
    {"ee 80 80", true},
    {"ef bf bf", true},
    {"f0 8f bf bf", false},
    {"f0 90 80 80", true},
    {"f1 80 80 80", true},
    {"f3 bf bf bf", true},
    {"f4 8f bf bf", true},
    {"f4 90 80 80", false},
    {"f0 90 80", false},
    {"f0 90 80 c0", false},
    {"f5 80 80 80", false},
    {"f8 88 80 80 80", false},
    {"fe", false},
    {"ff", false},
    {"61 c3 a9 e2 82 ac f0 9f 98 80 62", true},
    {"61 c3 a9 e2 82 ac f0 9f 98 62", false},
};

START_TEST(utf8_is_what_rfc_3629_allows) {
    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++) {
        bool is_valid = leat_utf8_is_valid(span_of_hex(sequences[i].hex));
        ck_assert_msg(is_valid == sequences[i].is_valid, "%s", sequences[i].hex);
    }
}
END_TEST

/* The rule in other words: decode by hand, compare ranges. */
static bool decodes(const uint8_t *b, size_t length) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = b[0] < 0x80       ? 1
                  : b[0] >> 5 == 6  ? 2
                  : b[0] >> 4 == 14 ? 3
                  : b[0] >> 3 == 30 ? 4
                                    : 0;
    uint32_t value = size < 2 ? b[0] : b[0] & (0x7fu >> size);
    if (size != length) {
        return false;
    }
    for (size_t i = 1; i < size; i++) {
        if (b[i] >> 6 != 2) {
            return false;
        }
        value = value << 6 | (b[i] & 0x3f);
    }
    return value >= least[size] && value <= 0x10ffff && !(value >= 0xd800 && value <= 0xdfff);
}

START_TEST(every_sequence_of_two_and_many_of_three_bytes_are_judged_right) {
    for (uint32_t i = 0; i < 0x1000000; i += i < 0x10000 ? 1 : 37) {
        uint8_t bytes[] = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
        bool is_two = i < 0x10000;
        leat_span span = {is_two ? bytes + 1 : bytes, is_two ? 2 : 3};
        if (span.data[0] >= (is_two ? 0xc0 : 0xe0)) {
            ck_assert_msg(leat_utf8_is_valid(span) == decodes(span.data, span.length), "%06x", i);
        }
    }
}
END_TEST

/* ---- escapes ------------------------------------------------------------------------- */

static const struct {
    const char *hex, *json;
} strings[] = {
    /* TEST RFC 8259 §7 */
    {"", "\"\""},
    {"61 20 7e 2f", "\"a ~/\""},
    {"22 5c 08 0c 0a 0d 09", "\"\\\"\\\\\\b\\f\\n\\r\\t\""},
    {"00 01 1f 7f", "\"\\u0000\\u0001\\u001f\\u007f\""},
    {"c3a9 e282ac f09f9880", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
    {"61 ff 62", "\"a\\ufffdb\""},
    {"c3 28 e2 82", "\"\\ufffd(\\ufffd\\ufffd\""},
    {"ed a0 80", "\"\\ufffd\\ufffd\\ufffd\""},
};

START_TEST(strings_are_escaped_as_json) {
    char line[256];
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        leat_text text = leat_text_make(line, sizeof line);
        leat_text_json(&text, span_of_hex(strings[i].hex));
        ck_assert_str_eq(line, strings[i].json);
    }
}
END_TEST

START_TEST(bytes_are_quoted_when_they_are_text_and_hex_otherwise) {
    static const struct {
        const char *hex, *shown;
    } rows[] = {
        {"", "\"\""},
        {"6869", "\"hi\""},
        {"c3a9 22", "\"\xc3\xa9\\\"\""},
        {"68690a", "0x68690a"},
        {"00", "0x00"},
        {"7f", "0x7f"},
        {"68ff", "0x68ff"},
    };
    char line[64];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        leat_text text = leat_text_make(line, sizeof line);
        leat_text_bytes(&text, span_of_hex(rows[i].hex));
        ck_assert_str_eq(line, rows[i].shown);
    }
}
END_TEST

/* ---- room ---------------------------------------------------------------------------- */

/* Whatever the room: a NUL at the end, nothing behind it touched, and the beginning of the whole
 * line. */
START_TEST(lines_are_cut_at_their_room) {
    char whole[64], line[64];
    leat_text text = leat_text_make(whole, sizeof whole);
    leat_text_printf(&text, "n=%d ", 12345);
    leat_text_json(&text, leat_span_of("a\xc3\xa9\n\x01z"));
    leat_text_bytes(&text, span_of_hex("00ff"));
    ck_assert_str_eq(whole, "n=12345 \"a\xc3\xa9\\n\\u0001z\"0x00ff");
    for (size_t room = 1; room <= strlen(whole) + 2; room++) {
        memset(line, '#', sizeof line);
        text = leat_text_make(line, room);
        leat_text_printf(&text, "n=%d ", 12345);
        leat_text_json(&text, leat_span_of("a\xc3\xa9\n\x01z"));
        leat_text_bytes(&text, span_of_hex("00ff"));
        ck_assert_uint_lt(strlen(line), room);
        ck_assert_int_eq(line[room], '#');
        ck_assert(leat_utf8_is_valid(leat_span_of(line)));
        if (room > strlen(whole)) {
            ck_assert_str_eq(line, whole);
        }
    }
}
END_TEST

START_TEST(spans_compare_with_strings) {
    ck_assert(leat_span_is((leat_span){(const uint8_t *)"abc", 3}, "abc"));
    ck_assert(!leat_span_is((leat_span){(const uint8_t *)"abc", 2}, "abc"));
    ck_assert(!leat_span_is((leat_span){(const uint8_t *)"abd", 3}, "abc"));
    ck_assert(leat_span_is((leat_span){NULL, 0}, ""));
    ck_assert_uint_eq(leat_span_of(NULL).length, 0);
    ck_assert_uint_eq(leat_span_of("abc").length, 3);
}
END_TEST

LEAT_TEST_MAIN("base text", utf8_is_what_rfc_3629_allows,
    every_sequence_of_two_and_many_of_three_bytes_are_judged_right, strings_are_escaped_as_json,
    bytes_are_quoted_when_they_are_text_and_hex_otherwise, lines_are_cut_at_their_room,
    spans_compare_with_strings)
