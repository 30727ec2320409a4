/* The writer alone: values that hurt, a hook that refuses, memory that is out. */
#include "leat_test.h"

#include <leat/qlog.h>

typedef struct output {
    char text[262144];
    size_t length, writes;
    size_t refuse_from, refuse_to; /* the numbers of the writes that are refused */
} output;

static output out;

static bool take(void *user, const char *bytes, size_t length) {
    output *to = user;
    size_t place = to->writes++;
    if (place >= to->refuse_from && place < to->refuse_to) {
        return false;
    }
    ck_assert_uint_lt(to->length + length, sizeof to->text);
    memcpy(to->text + to->length, bytes, length);
    to->length += length;
    to->text[to->length] = '\0';
    return true;
}

static leat_qlog *open_log(void) {
    leat_qlog_config config;
    leat_qlog_config_init(&config);
    out = (output){.refuse_from = SIZE_MAX};
    config.write = take;
    config.user = &out;
    config.group_id = test_hex("01 02");
    leat_qlog *qlog = leat_qlog_new(&config);
    ck_assert_ptr_nonnull(qlog);
    return qlog;
}

static void tell(leat_qlog *qlog, const char *category, const char *name,
    const leat_trace_field *fields, size_t count) {
    const leat_trace_sink sink = leat_qlog_sink(qlog);
    const leat_trace_record record = {
        .time = 1500001,
        .connection = {(const uint8_t *)"\x01\x02", 2},
        .category = category,
        .name = name,
        .fields = fields,
        .field_count = count,
    };
    sink.on_record(sink.user, &record);
}

static leat_trace_field number(const char *name, uint64_t value) {
    return (leat_trace_field){.name = name, .kind = LEAT_TRACE_INTEGER, .integer = value};
}

static leat_trace_field list(const char *name, const uint64_t *numbers, size_t count) {
    return (leat_trace_field){
        .name = name, .kind = LEAT_TRACE_NUMBERS, .integer = count, .numbers = numbers};
}

static leat_trace_field text(const char *name, const char *value) {
    return (leat_trace_field){.name = name,
        .kind = LEAT_TRACE_TEXT,
        .bytes = {(const uint8_t *)value, strlen(value)}};
}

/* The last record that was written. */
static const char *last_record(void) {
    const char *last = strrchr(out.text, 0x1e);
    return last != NULL ? last : "";
}

static void tell_lost(leat_qlog *qlog, uint64_t pn) {
    const leat_trace_field fields[] = {text("packet_type", "1RTT"), number("packet_number", pn)};
    tell(qlog, "recovery", "packet_lost", fields, 2);
}

/* ---- form ----------------------------------------------------------------------------------- */

START_TEST(the_head_is_the_first_record) {
    leat_qlog *qlog = open_log();
    ck_assert_str_eq(out.text,
        "\x1e{\"file_schema\":\"urn:ietf:params:qlog:file:sequential\","
        "\"serialization_format\":\"application/qlog+json-seq\","
        "\"trace\":{\"common_fields\":{\"time_format\":\"relative_to_epoch\","
        "\"reference_time\":{\"clock_type\":\"monotonic\",\"epoch\":\"unknown\"},"
        "\"group_id\":\"0102\"},\"vantage_point\":{\"type\":\"server\"},\"event_schemas\":["
        "\"urn:ietf:params:qlog:events:quic-13\",\"urn:ietf:params:qlog:events:http3-13\","
        "\"urn:ietf:params:qlog:events:loglevel\"]}}\n");
    leat_qlog_free(qlog);
}
END_TEST

START_TEST(members_stand_in_their_objects) {
    leat_qlog *qlog = open_log();
    const leat_trace_field fields[] = {
        number("length", 1200),
        number("version", 1),
        text("packet_type", "initial"),
        number("token_length", 9),
        number("packet_number", 3),
        text("trigger", "pto_probe"),
        number("not_in_the_table", 4),
    };
    tell(qlog, "quic", "packet_sent", fields, 7);
    ck_assert_str_eq(last_record(),
        "\x1e{\"time\":1.500001,\"name\":\"quic:packet_sent\",\"data\":{"
        "\"header\":{\"packet_type\":\"initial\",\"packet_number\":3,"
        "\"token\":{\"raw\":{\"length\":9}},\"version\":\"00000001\"},"
        "\"raw\":{\"length\":1200},\"trigger\":\"pto_probe\"}}\n");
    leat_qlog_free(qlog);
}
END_TEST

START_TEST(frames_go_into_the_next_packet_and_only_there) {
    leat_qlog *qlog = open_log();
    const leat_trace_field ping[] = {text("frame_type", "ping")};
    const leat_trace_field packet[] = {text("packet_type", "1RTT")};
    tell(qlog, "quic", "frame_created", ping, 1);
    tell(qlog, "quic", "frame_created", ping, 1);
    tell(qlog, "quic", "packet_sent", packet, 1);
    const char *both = "\"frames\":[{\"frame_type\":\"ping\"},{\"frame_type\":\"ping\"}]";
    ck_assert_ptr_nonnull(strstr(last_record(), both));
    tell(qlog, "quic", "packet_sent", packet, 1);
    ck_assert_ptr_null(strstr(last_record(), "frames"));
    leat_qlog_free(qlog);
}
END_TEST

START_TEST(what_has_no_row_is_not_logged) {
    leat_qlog *qlog = open_log();
    size_t before = out.length;
    tell(qlog, "tls", "message_sent", NULL, 0);
    tell(qlog, "quic", "", NULL, 0);
    ck_assert_uint_eq(out.length, before);
    ck_assert_uint_eq(leat_qlog_dropped(qlog), 0);
    leat_qlog_free(qlog);
}
END_TEST

/* TEST draft-ietf-quic-qlog-main-schema-14 §11.3: numbers that a double cannot hold are strings. */
START_TEST(large_numbers_are_strings) {
    leat_qlog *qlog = open_log();
    tell_lost(qlog, (UINT64_C(1) << 53) - 1);
    ck_assert_ptr_nonnull(strstr(last_record(), "\"packet_number\":9007199254740991}"));
    tell_lost(qlog, UINT64_C(1) << 53);
    ck_assert_ptr_nonnull(strstr(last_record(), "\"packet_number\":\"9007199254740992\"}"));
    tell_lost(qlog, UINT64_MAX);
    ck_assert_ptr_nonnull(strstr(last_record(), "\"packet_number\":\"18446744073709551615\"}"));
    leat_qlog_free(qlog);
}
END_TEST

/* The error of a connection_closed with this code. */
static void expect_error(leat_qlog *qlog, const char *kind, uint64_t code, const char *expected) {
    const leat_trace_field fields[] = {number(kind, code)};
    tell(qlog, "quic", "connection_closed", fields, 1);
    ck_assert_str_eq(strstr(last_record(), "_error\":") + 8, expected);
}

START_TEST(errors_have_their_names) {
    leat_qlog *qlog = open_log();
    expect_error(qlog, "transport_error", 3, "\"flow_control_error\"}}\n");
    expect_error(qlog, "transport_error", 0x178, "\"crypto_error_0x178\"}}\n");
    expect_error(qlog, "transport_error", 0x200, "\"unknown\",\"error_code\":512}}\n");
    /* Before HTTP/3 is heard of, nobody knows what the application means. */
    expect_error(qlog, "application_error", 0x100, "\"unknown\",\"error_code\":256}}\n");
    tell(qlog, "http3", "parameters_set", NULL, 0);
    expect_error(qlog, "application_error", 0x100, "\"http_no_error\"}}\n");
    expect_error(qlog, "application_error", 0x10e, "\"unknown\",\"error_code\":270}}\n");
    expect_error(qlog, "application_error", 0x110, "\"http_version_fallback\"}}\n");
    expect_error(qlog, "application_error", 0x111, "\"unknown\",\"error_code\":273}}\n");
    leat_qlog_free(qlog);
}
END_TEST

START_TEST(mixed_connections_name_their_events) {
    leat_qlog_config config;
    leat_qlog_config_init(&config);
    out = (output){.refuse_from = SIZE_MAX};
    config.write = take;
    config.user = &out;
    leat_qlog *qlog = leat_qlog_new(&config);
    ck_assert_ptr_null(strstr(out.text, "group_id"));
    tell_lost(qlog, 1);
    ck_assert_ptr_nonnull(strstr(last_record(), ",\"group_id\":\"0102\",\"data\""));
    leat_qlog_free(qlog);
}
END_TEST

/* ---- bounds --------------------------------------------------------------------------------- */

START_TEST(what_the_hook_refuses_is_counted_and_told) {
    leat_qlog *qlog = open_log();
    out.refuse_from = 1;
    out.refuse_to = 4;
    size_t before = out.length;
    tell_lost(qlog, 1);
    tell_lost(qlog, 2); /* refused with its notice */
    ck_assert_uint_eq(leat_qlog_dropped(qlog), 2);
    tell_lost(qlog, 3);
    ck_assert_uint_eq(leat_qlog_dropped(qlog), 3);
    ck_assert_uint_eq(out.length, before);
    tell_lost(qlog, 4);
    ck_assert_uint_eq(leat_qlog_dropped(qlog), 3);
    ck_assert_str_eq(out.text + before,
        "\x1e{\"time\":1.500001,\"name\":\"loglevel:warning\",\"data\":{"
        "\"message\":\"3 records were dropped before this one\"}}\n"
        "\x1e{\"time\":1.500001,\"name\":\"quic:packet_lost\",\"data\":{\"header\":{"
        "\"packet_type\":\"1RTT\",\"packet_number\":4}}}\n");
    before = out.length;
    tell_lost(qlog, 5);
    ck_assert_ptr_null(strstr(out.text + before, "warning"));
    leat_qlog_free(qlog);
}
END_TEST

START_TEST(a_head_that_was_refused_comes_later_and_first) {
    leat_qlog_config config;
    leat_qlog_config_init(&config);
    out = (output){.refuse_from = 0, .refuse_to = 2};
    config.write = take;
    config.user = &out;
    leat_qlog *qlog = leat_qlog_new(&config);
    tell_lost(qlog, 1);
    ck_assert_uint_eq(out.length, 0);
    ck_assert_uint_eq(leat_qlog_dropped(qlog), 1);
    tell_lost(qlog, 2);
    ck_assert_ptr_eq(strstr(out.text, "\x1e{\"file_schema\""), out.text);
    ck_assert_ptr_nonnull(strstr(out.text, "\"1 records were dropped"));
    leat_qlog_free(qlog);
}
END_TEST

/* TEST attack J5: a packet full of the smallest frames and a text of nothing but escapes fill
 * no more than the buffers. */
START_TEST(items_beyond_their_bound_are_dropped_and_counted) {
    leat_qlog *qlog = open_log();
    const leat_trace_field ping[] = {text("frame_type", "ping")};
    for (int i = 0; i < 100000; i++) {
        tell(qlog, "quic", "frame_parsed", ping, 1);
    }
    ck_assert_uint_gt(leat_qlog_dropped(qlog), 90000);
    const leat_trace_field packet[] = {text("packet_type", "1RTT")};
    tell(qlog, "quic", "packet_received", packet, 1);
    const char *record = last_record();
    ck_assert_uint_lt(strlen(record), 20000);
    ck_assert_str_eq(record + strlen(record) - 11, "\"ping\"}]}}\n");
    leat_qlog_free(qlog);
}
END_TEST

START_TEST(a_record_that_is_too_long_is_dropped_whole) {
    static char escapes[30000];
    leat_qlog *qlog = open_log();
    size_t before = out.length;
    memset(escapes, 1, sizeof escapes - 1);
    const leat_trace_field fields[] = {text("reason", escapes)};
    tell(qlog, "quic", "connection_closed", fields, 1);
    ck_assert_uint_eq(out.length, before);
    ck_assert_uint_eq(leat_qlog_dropped(qlog), 1);
    leat_qlog_free(qlog);
}
END_TEST

START_TEST(the_longest_reason_fits) {
    char reason[1024];
    leat_qlog *qlog = open_log();
    memset(reason, 1, 1023);
    reason[1023] = '\0';
    const leat_trace_field fields[] = {
        text("frame_type", "connection_close"), text("reason", reason)};
    const leat_trace_field packet[] = {text("packet_type", "1RTT")};
    tell(qlog, "quic", "frame_created", fields, 2);
    tell(qlog, "quic", "packet_sent", packet, 1);
    ck_assert_uint_eq(leat_qlog_dropped(qlog), 0);
    ck_assert_ptr_nonnull(strstr(last_record(), "\\u0001\"}]}}\n"));
    leat_qlog_free(qlog);
}
END_TEST

START_TEST(every_range_and_version_list_is_bounded) {
    static uint64_t numbers[20000];
    leat_qlog *qlog = open_log();
    for (size_t i = 0; i < 20000; i++) {
        numbers[i] = UINT64_MAX;
    }
    const leat_trace_field ranges = list("acked_ranges", numbers, 20000);
    const leat_trace_field versions = list("supported_versions", numbers, 20000);
    tell(qlog, "quic", "frame_parsed", &ranges, 1);
    tell(qlog, "quic", "packet_received", &versions, 1);
    ck_assert_uint_eq(leat_qlog_dropped(qlog), 2);
    const leat_trace_field few = list("acked_ranges", (const uint64_t[]){7, 9, 3, 3}, 4);
    tell(qlog, "quic", "frame_parsed", &few, 1);
    tell(qlog, "quic", "packet_received", NULL, 0);
    ck_assert_ptr_nonnull(strstr(last_record(), "{\"acked_ranges\":[[7,9],[3]]}"));
    leat_qlog_free(qlog);
}
END_TEST

START_TEST(texts_of_the_head_are_bounded) {
    char title[LEAT_QLOG_TEXT_MAX + 2];
    leat_qlog_config config;
    leat_qlog_config_init(&config);
    out = (output){.refuse_from = SIZE_MAX};
    config.write = take;
    config.user = &out;
    memset(title, 1, sizeof title - 1);
    title[sizeof title - 1] = '\0';
    config.title = title;
    ck_assert_ptr_null(leat_qlog_new(&config));
    title[LEAT_QLOG_TEXT_MAX] = '\0';
    config.name = config.wall_clock_time = title;
    leat_qlog *qlog = leat_qlog_new(&config);
    ck_assert_ptr_nonnull(qlog);
    ck_assert_str_eq(out.text + out.length - 4, "]}}\n");
    leat_qlog_free(qlog);
}
END_TEST

START_TEST(a_log_without_a_hook_is_refused) {
    leat_qlog_config config;
    leat_qlog_config_init(&config);
    ck_assert_ptr_null(leat_qlog_new(&config));
    config.write = take;
    config.size = 1;
    ck_assert_ptr_null(leat_qlog_new(&config));
    leat_qlog_free(NULL);
}
END_TEST

START_TEST(failing_memory_leaves_nothing_behind) {
    for (size_t fail_at = 1; fail_at <= 4; fail_at++) {
        test_memory memory;
        leat_qlog_config config;
        test_memory_init(&memory);
        memory.fail_at = fail_at;
        out = (output){.refuse_from = 0, .refuse_to = 1}; /* the head is kept */
        leat_qlog_config_init(&config);
        config.allocator = &memory.allocator;
        config.write = take;
        config.user = &out;
        leat_qlog *qlog = leat_qlog_new(&config);
        ck_assert_int_eq(qlog != NULL, fail_at > 2);
        leat_qlog_free(qlog);
        ck_assert_uint_eq(memory.live, 0);
    }
}
END_TEST

LEAT_TEST_MAIN("qlog/qlog", the_head_is_the_first_record,
    members_stand_in_their_objects,
    frames_go_into_the_next_packet_and_only_there,
    what_has_no_row_is_not_logged,
    large_numbers_are_strings,
    errors_have_their_names,
    mixed_connections_name_their_events,
    what_the_hook_refuses_is_counted_and_told,
    a_head_that_was_refused_comes_later_and_first,
    items_beyond_their_bound_are_dropped_and_counted,
    a_record_that_is_too_long_is_dropped_whole,
    the_longest_reason_fits,
    every_range_and_version_list_is_bounded,
    texts_of_the_head_are_bounded,
    a_log_without_a_hook_is_refused,
    failing_memory_leaves_nothing_behind)
