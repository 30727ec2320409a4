/* Events as data, error names, headers; and the resumable reader alone. */
#include "h3/rig.h"
#include "h3/stream_reader.h"
#include "base/text.h"

START_TEST(every_event_has_a_name) {
    for (int type = LEAT_H3_EVENT_NONE + 1; type < LEAT_H3_EVENT_TYPE_COUNT; type++) {
        ck_assert_str_ne(leat_h3_event_name((leat_h3_event_type)type), "None");
    }
    ck_assert_str_eq(leat_h3_event_name(LEAT_H3_EVENT_DATA_RECEIVED), "DataReceived");
    ck_assert_str_eq(leat_h3_event_name((leat_h3_event_type)999), "None");
}
END_TEST

START_TEST(fields_are_read_by_name) {
    leat_h3_event event = {.type = LEAT_H3_EVENT_DATA_RECEIVED, .stream_id = 8};
    leat_span bytes;
    uint64_t value = 0;
    event.data_received.data = test_hex("6162");
    event.data_received.stream_ended = true;
    ck_assert(leat_h3_event_get_integer(&event, "stream_id", &value) && value == 8);
    ck_assert(leat_h3_event_get_integer(&event, "stream_ended", &value) && value == 1);
    ck_assert(leat_h3_event_get_bytes(&event, "data", &bytes) && bytes.length == 2);
    ck_assert(!leat_h3_event_get_integer(&event, "data", &value));
    ck_assert(!leat_h3_event_get_bytes(&event, "stream_id", &bytes));
    ck_assert(!leat_h3_event_get_integer(&event, "error_code", &value));
}
END_TEST

START_TEST(counts_and_texts_are_read_by_name) {
    leat_h3_event event = {.type = LEAT_H3_EVENT_HEADERS_RECEIVED};
    leat_span bytes;
    uint64_t value = 0;
    event.headers_received.count = 3;
    ck_assert(leat_h3_event_get_integer(&event, "count", &value) && value == 3);
    event = (leat_h3_event){.type = LEAT_H3_EVENT_REQUEST_REFUSED_MALFORMED};
    event.malformed.message = "why";
    ck_assert(leat_h3_event_get_bytes(&event, "message", &bytes));
    ck_assert(leat_span_is(bytes, "why"));
}
END_TEST

START_TEST(errors_have_names) {
    ck_assert_str_eq(leat_h3_error_name(LEAT_H3_FRAME_UNEXPECTED), "H3_FRAME_UNEXPECTED");
    ck_assert_str_eq(leat_h3_error_name(0x202), "QPACK_DECODER_STREAM_ERROR");
    ck_assert_str_eq(leat_h3_error_name(0x33), "H3_DATAGRAM_ERROR");
    ck_assert_str_eq(leat_h3_error_name(5), "unknown");
}
END_TEST

START_TEST(headers_are_found_by_name) {
    const leat_h3_header headers[] = {
        LEAT_H3_HEADER(":status", "200"), LEAT_H3_HEADER("a", "1"), LEAT_H3_HEADER("a", "2")};
    ck_assert(leat_span_is(leat_h3_find_header(headers, 3, "a"), "1"));
    ck_assert_ptr_null(leat_h3_find_header(headers, 3, "b").data);
    leat_h3_header empty = leat_h3_header_of("x", "");
    ck_assert_ptr_nonnull(leat_h3_find_header(&empty, 1, "x").data);
}
END_TEST

/* Varints of every size, cut at every place, give the same elements. */
START_TEST(the_reader_does_not_care_where_it_is_cut) {
    leat_span stream =
        test_hex("00 02 aabb  4021 4003 010203  80000005 00  c000000000000009 8000000104");
    for (size_t cut = 0; cut <= stream.length; cut++) {
        leat_tlv_reader reader = {0};
        leat_span pieces[] = {{stream.data, cut}, {stream.data + cut, stream.length - cut}};
        char seen[256] = "";
        for (size_t i = 0; i < 2; i++) {
            while (pieces[i].length > 0 && leat_tlv_read_head(&reader, &pieces[i])) {
                leat_span value = leat_tlv_read_value(&reader, &pieces[i]);
                snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s",
                    test_to_hex(value.data, value.length));
                if (reader.left == 0) {
                    snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "(%llu,%llu) ",
                        (unsigned long long)reader.type, (unsigned long long)reader.length);
                    leat_tlv_next(&reader);
                }
            }
        }
        ck_assert_str_eq(seen, "aabb(0,2) 010203(33,3) (5,0) 04(9,1) ");
        ck_assert(leat_tlv_is_between(&reader));
    }
}
END_TEST

LEAT_TEST_MAIN("h3 events", every_event_has_a_name, fields_are_read_by_name,
    counts_and_texts_are_read_by_name, errors_have_names, headers_are_found_by_name,
    the_reader_does_not_care_where_it_is_cut)
