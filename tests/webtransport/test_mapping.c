/* Error codes of streams between application and HTTP/3, and the names of things. */
#include "leat_test.h"
#include "webtransport/internal.h"

static const struct {
    uint32_t code;
    uint64_t http_code;
} edges[] = {
    /* TEST draft-ietf-webtrans-http3-07 §4.3: both ends, and the codes around skipped ones. */
    {0, 0x52e4a40fa8db},
    {1, 0x52e4a40fa8dc},
    {0x1d, 0x52e4a40fa8f8},
    {0x1e, 0x52e4a40fa8fa},
    {0x3b, 0x52e4a40fa917},
    {0x3c, 0x52e4a40fa919},
    {0xff, 0x52e4a40fa9e2}, /* the last 8-bit code of draft-02 */
    {0x7fffffff, UINT64_C(0x52e4a40fa8db) + 0x7fffffff + 0x04444444},
    {0xffffffff, 0x52e5ac983162},
};

START_TEST(codes_map_to_the_drafts_range_and_back) {
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        uint32_t code = 0;
        ck_assert_uint_eq(leat_wt_code_to_http(edges[i].code), edges[i].http_code);
        ck_assert(leat_wt_code_from_http(edges[i].http_code, &code));
        ck_assert_uint_eq(code, edges[i].code);
    }
}
END_TEST

START_TEST(no_code_maps_to_a_reserved_one) {
    uint64_t before = 0;
    for (uint64_t code = 0; code < UINT64_C(0x100000000); code += code < 100000 ? 1 : 65521) {
        uint64_t http_code = leat_wt_code_to_http((uint32_t)code);
        uint32_t back = 0;
        ck_assert_uint_ne((http_code - 0x21) % 0x1f, 0);
        ck_assert_uint_gt(http_code, before);
        ck_assert(leat_wt_code_from_http(http_code, &back) && back == code);
        before = http_code;
    }
}
END_TEST

START_TEST(reserved_codes_and_codes_outside_the_range_are_no_application_codes) {
    uint32_t code = 77;
    ck_assert(!leat_wt_code_from_http(0x52e4a40fa8da, &code));
    ck_assert(!leat_wt_code_from_http(0x52e5ac983163, &code));
    ck_assert(!leat_wt_code_from_http(0x52e4a40fa8f9, &code));
    ck_assert(!leat_wt_code_from_http(0x52e4a40fa918, &code));
    ck_assert(!leat_wt_code_from_http(0, &code));
    ck_assert(!leat_wt_code_from_http(UINT64_MAX, &code));
    ck_assert(!leat_wt_code_from_http(LEAT_WT_SESSION_GONE, &code));
    ck_assert_uint_eq(code, 77);
}
END_TEST

START_TEST(every_event_cause_and_origin_has_a_name) {
    for (int i = 0; i < LEAT_WT_EVENT_TYPE_COUNT; i++) {
        ck_assert_ptr_nonnull(leat_wt_event_name((leat_wt_event_type)i));
    }
    for (int i = 0; i <= LEAT_WT_CAUSE_INTERNAL_ERROR; i++) {
        ck_assert_ptr_nonnull(leat_wt_cause_name((leat_wt_cause)i));
    }
    for (int i = 0; i <= LEAT_WT_ORIGIN_TIMER; i++) {
        ck_assert_ptr_nonnull(leat_wt_origin_name((leat_wt_origin)i));
    }
    ck_assert_str_eq(leat_wt_dialect_name(LEAT_WT_DIALECT_NONE), "none");
    ck_assert_str_eq(leat_wt_dialect_name(LEAT_WT_DIALECT_DRAFT02), "draft-02");
    ck_assert_str_eq(leat_wt_dialect_name(LEAT_WT_DIALECT_DRAFT07), "draft-07");
}
END_TEST

START_TEST(fields_of_events_are_read_by_name) {
    char line[256];
    leat_span bytes;
    uint64_t value = 0;
    leat_wt_event event = {.type = LEAT_WT_EVENT_SESSION_CLOSED, .session_id = 4};
    event.session_closed.cause = LEAT_WT_CAUSE_CAPSULE;
    event.session_closed.origin = LEAT_WT_ORIGIN_PEER;
    event.session_closed.code = 7;
    event.session_closed.reason = "a \"b\"\n\0c";
    event.session_closed.reason_length = 8;
    event.session_closed.clean = true;
    ck_assert(leat_wt_event_get_integer(&event, "code", &value) && value == 7);
    ck_assert(leat_wt_event_get_integer(&event, "session_id", &value) && value == 4);
    ck_assert(leat_wt_event_get_integer(&event, "cause", &value) && value == LEAT_WT_CAUSE_CAPSULE);
    ck_assert(!leat_wt_event_get_integer(&event, "reason", &value));
    ck_assert(leat_wt_event_get_bytes(&event, "reason", &bytes) && bytes.length == 8);
    ck_assert(!leat_wt_event_get_bytes(&event, "code", &bytes));
    ck_assert(!leat_wt_event_get_integer(&event, "stream_id", &value));
    ck_assert_str_eq(leat_wt_event_format(&event, line, sizeof line),
        "SessionClosed session_id=4 origin=peer cause=capsule code=7 reason=\"a "
        "\\\"b\\\"\\n\\u0000c\" http_code=0 quic_code=0 "
        "clean=yes connection_usable=no silent_for=0ms datagrams_dropped=0");
    ck_assert_str_eq(leat_wt_event_format(&event, line, 14), "SessionClosed");
}
END_TEST

LEAT_TEST_MAIN("webtransport mapping", codes_map_to_the_drafts_range_and_back,
    no_code_maps_to_a_reserved_one,
    reserved_codes_and_codes_outside_the_range_are_no_application_codes,
    every_event_cause_and_origin_has_a_name, fields_of_events_are_read_by_name)
