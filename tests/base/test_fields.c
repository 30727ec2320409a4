/* Rows of fields: one of each kind, read by name and printed. */
#include "base/fields.h"

#include "leat_test.h"

typedef struct sample {
    uint64_t u64, none;
    leat_time time;
    leat_span span;
    leat_address address;
    leat_cid cid;
    const char *string, *absent;
    const char *text;
    size_t text_length;
    size_t size;
    int number;
    uint32_t u32;
    bool flag;
} sample;

static const char *word_of(int value) {
    return value == 2 ? "two" : "other";
}

#define AT(member) offsetof(sample, member)
static const leat_field_row rows[] = {
    {-1, "u64", LEAT_FIELD_TYPE_U64, AT(u64), NULL},
    {1, "none", LEAT_FIELD_TYPE_U64, AT(none), NULL},
    {1, "u32", LEAT_FIELD_TYPE_U32, AT(u32), NULL},
    {1, "size", LEAT_FIELD_TYPE_SIZE, AT(size), NULL},
    {1, "flag", LEAT_FIELD_TYPE_BOOL, AT(flag), NULL},
    {1, "number", LEAT_FIELD_TYPE_ENUM, AT(number), word_of},
    {1, "time", LEAT_FIELD_TYPE_TIME, AT(time), NULL},
    {1, "span", LEAT_FIELD_TYPE_SPAN, AT(span), NULL},
    {1, "string", LEAT_FIELD_TYPE_STRING, AT(string), NULL},
    {1, "absent", LEAT_FIELD_TYPE_STRING, AT(absent), NULL},
    {1, "text", LEAT_FIELD_TYPE_TEXT, AT(text), NULL},
    {1, "cid", LEAT_FIELD_TYPE_CID, AT(cid), NULL},
    {1, "address", LEAT_FIELD_TYPE_ADDRESS, AT(address), NULL},
    {1, "port", LEAT_FIELD_TYPE_PORT, AT(address.port), NULL},
    {2, "flag", LEAT_FIELD_TYPE_BOOL, AT(flag), NULL},
};
#define ROWS (sizeof rows / sizeof rows[0])

static const sample full = {
    .u64 = 7,
    .none = UINT64_MAX,
    .time = 1500 * LEAT_MILLISECOND + 999999,
    .span = {(const uint8_t *)"hi", 2},
    .address = {.family = LEAT_ADDRESS_IPV4, .port = 4433, .ip = {127, 0, 0, 1}},
    .cid = {2, {0xab, 0xcd}},
    .string = "h3",
    .text = "a\0b",
    .text_length = 3,
    .size = 12,
    .number = 2,
    .u32 = 4000000000u,
    .flag = true,
};

START_TEST(every_kind_is_printed) {
    char line[256];
    ck_assert_str_eq(leat_fields_format(rows, ROWS, 1, "Sample", &full, line, sizeof line),
        "Sample u64=7 none=none u32=4000000000 size=12 flag=yes number=two time=1500ms span=\"hi\" "
        "string=\"h3\" absent=\"\" "
        "text=\"a\\u0000b\" cid=0xabcd address=127.0.0.1:4433");
    ck_assert_str_eq(leat_fields_format(rows, ROWS, 2, "Other", &full, line, sizeof line),
        "Other u64=7 flag=yes");
    ck_assert_str_eq(
        leat_fields_format(rows, ROWS, 3, "None", &full, line, sizeof line), "None u64=7");
}
END_TEST

START_TEST(a_line_is_cut_at_its_room) {
    char line[8] = "#######";
    leat_fields_format(rows, ROWS, 1, "Sample", &full, line, 0);
    ck_assert_str_eq(line, "#######");
    ck_assert_str_eq(leat_fields_format(rows, ROWS, 1, "Sample", &full, line, 1), "");
    ck_assert_str_eq(leat_fields_format(rows, ROWS, 1, "Sample", &full, line, 4), "Sam");
    ck_assert_str_eq(leat_fields_format(rows, ROWS, 1, "Sample", &full, line, 8), "Sample ");
}
END_TEST

static void expect_integer(const char *name, uint64_t expected) {
    uint64_t value = 99;
    leat_span bytes;
    ck_assert_msg(leat_fields_get_integer(rows, ROWS, 1, &full, name, &value), "%s", name);
    ck_assert_uint_eq(value, expected);
    ck_assert(!leat_fields_get_bytes(rows, ROWS, 1, &full, name, &bytes));
}

START_TEST(integers_are_read_by_name) {
    expect_integer("u64", 7);
    expect_integer("none", UINT64_MAX);
    expect_integer("u32", 4000000000u);
    expect_integer("size", 12);
    expect_integer("flag", 1);
    expect_integer("number", 2);
    expect_integer("time", full.time);
    expect_integer("port", 4433);
}
END_TEST

static void expect_bytes(const char *name, const char *hex) {
    uint64_t value;
    leat_span bytes;
    ck_assert_msg(leat_fields_get_bytes(rows, ROWS, 1, &full, name, &bytes), "%s", name);
    ck_assert_bytes(bytes.data, bytes.length, hex);
    ck_assert(!leat_fields_get_integer(rows, ROWS, 1, &full, name, &value));
}

START_TEST(bytes_are_read_by_name) {
    expect_bytes("span", "6869");
    expect_bytes("string", "6833");
    expect_bytes("absent", "");
    expect_bytes("text", "610062");
    expect_bytes("cid", "abcd");
    expect_bytes("address", "7f000001");
}
END_TEST

START_TEST(a_field_of_another_event_is_not_there) {
    uint64_t value;
    leat_span bytes;
    ck_assert(leat_fields_get_integer(rows, ROWS, 2, &full, "u64", &value));
    ck_assert(leat_fields_get_integer(rows, ROWS, 2, &full, "flag", &value));
    ck_assert(!leat_fields_get_integer(rows, ROWS, 2, &full, "u32", &value));
    ck_assert(!leat_fields_get_bytes(rows, ROWS, 2, &full, "span", &bytes));
    ck_assert(!leat_fields_get_integer(rows, ROWS, 1, &full, "nothing", &value));
}
END_TEST

LEAT_TEST_MAIN("base fields", every_kind_is_printed, a_line_is_cut_at_its_room,
    integers_are_read_by_name, bytes_are_read_by_name, a_field_of_another_event_is_not_there)
