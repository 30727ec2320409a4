/* Transport parameters as bytes: RFC 9000 §7.4, §18; RFC 9221 §3. */
#include "leat_test.h"
#include "quic/conn/transport_params.h"

static const char *parse(leat_transport_params *params, const char *hex, bool from_client) {
    return leat_transport_params_parse(params, test_hex(hex), from_client);
}

START_TEST(nothing_means_the_defaults) {
    leat_transport_params params;
    ck_assert_ptr_null(parse(&params, "", true));
    ck_assert_uint_eq(params.max_udp_payload_size, 65527);
    ck_assert_uint_eq(params.ack_delay_exponent, 3);
    ck_assert_uint_eq(params.max_ack_delay, 25);
    ck_assert_uint_eq(params.active_connection_id_limit, 2);
    ck_assert_uint_eq(params.initial_max_data, 0);
    ck_assert_uint_eq(params.present, 0);
}
END_TEST

START_TEST(what_is_written_is_read) {
    leat_transport_params ours, read;
    uint8_t bytes[LEAT_TRANSPORT_PARAMS_MAX];
    leat_transport_params_default(&ours);
    ours.max_idle_timeout = 30000;
    ours.initial_max_data = 1 << 20;
    ours.initial_max_streams_uni = 3;
    ours.max_datagram_frame_size = 65535;
    ours.initial_source_connection_id = (leat_cid){.length = 3, .bytes = {1, 2, 3}};
    ours.original_destination_connection_id = (leat_cid){.length = 20, .bytes = {9}};
    memset(ours.stateless_reset_token, 7, 16);
    ours.present = 1u << LEAT_TP_INITIAL_SOURCE_CONNECTION_ID |
                   1u << LEAT_TP_ORIGINAL_DESTINATION_CONNECTION_ID |
                   1u << LEAT_TP_STATELESS_RESET_TOKEN;
    leat_writer writer = leat_writer_make(bytes, sizeof bytes);
    leat_transport_params_write(&writer, &ours);
    ck_assert(!writer.failed);
    ck_assert_ptr_null(leat_transport_params_parse(&read,
                                                   (leat_span){bytes, leat_writer_length(&writer)},
                                                       false));
    ck_assert_uint_eq(read.max_idle_timeout, 30000);
    ck_assert_uint_eq(read.initial_max_data, 1 << 20);
    ck_assert_uint_eq(read.initial_max_streams_uni, 3);
    ck_assert_uint_eq(read.max_datagram_frame_size, 65535);
    ck_assert(leat_cid_equal(&read.initial_source_connection_id,
                             &ours.initial_source_connection_id));
    ck_assert(leat_cid_equal(&read.original_destination_connection_id,
                             &ours.original_destination_connection_id));
    ck_assert_int_eq(memcmp(read.stateless_reset_token, ours.stateless_reset_token, 16), 0);
}
END_TEST

START_TEST(an_empty_id_is_written_when_it_is_present) {
    leat_transport_params ours;
    uint8_t bytes[64];
    leat_transport_params_default(&ours);
    ours.present = 1u << LEAT_TP_INITIAL_SOURCE_CONNECTION_ID;
    leat_writer writer = leat_writer_make(bytes, sizeof bytes);
    leat_transport_params_write(&writer, &ours);
    ck_assert_bytes(bytes, leat_writer_length(&writer), "0f 00");
}
END_TEST

typedef struct bad_case {
    const char *what, *bytes;
    bool from_client;
} bad_case;

static const bad_case bad_cases[] = {
    {"a truncated id", "40", true},
    {"a truncated length", "01", true},
    {"a value beyond the end", "01 05 01", true},
    {"an integer with a byte left over", "01 02 01 00", true},
    {"an empty integer", "01 00", true},
    {"an integer cut short", "01 01 40", true},
    {"max_udp_payload_size 1090", "03 02 4442", true},
    {"ack_delay_exponent 21", "0a 01 15", true},
    {"max_ack_delay 2^14", "0b 04 80004000", true},
    {"active_connection_id_limit 1", "0e 01 01", true},
    {"initial_max_streams_bidi above 2^60", "08 08 d000000000000001", true},
    {"initial_max_streams_uni above 2^60", "09 08 d000000000000001", true},
    {"disable_active_migration with a value", "0c 01 00", true},
    {"a connection ID of 21 bytes", "0f 15 000102030405060708090a0b0c0d0e0f1011121314", true},
    {"min_ack_delay above max_ack_delay", "0b 01 05 c0000000ff04de1b 02 5389", true},
    {"reset_stream_at with a value", "1d 01 00", true},
    {"the older reset_stream_at with a value", "c017f7586d2cb571 01 00", true},
    {"a duplicate", "01 01 05 01 01 05", true},
    {"a duplicate flag", "0c 00 0c 00", true},
    {"original_destination_connection_id of a client", "00 04 01020304", true},
    {"stateless_reset_token of a client", "02 10 000102030405060708090a0b0c0d0e0f", true},
    {"preferred_address of a client", "0d 00", true},
    {"retry_source_connection_id of a client", "10 04 01020304", true},
    {"a reset token of 15 bytes", "02 0f 000102030405060708090a0b0c0d0e", false},
    {"a reset token of 17 bytes", "02 11 000102030405060708090a0b0c0d0e0f10", false},
    {"an empty preferred address", "0d 00", false},
    {"a preferred address with an empty ID", "0d 29 000000000000 00000000000000000000000000000000 0000 00 000102030405060708090a0b0c0d0e0f", false},
};

START_TEST(each_fault_is_found) {
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        leat_transport_params params;
        ck_assert_msg(parse(&params, bad_cases[i].bytes, bad_cases[i].from_client) != NULL,
                      "%s was accepted", bad_cases[i].what);
    }
}
END_TEST

/* TEST draft-ietf-quic-reliable-stream-reset-10 §3; versions 05 to 07 had another number. */
START_TEST(reset_stream_at_has_two_numbers) {
    leat_transport_params params;
    ck_assert_ptr_null(parse(&params, "01 01 05", true));
    ck_assert(!params.reset_stream_at);
    ck_assert_ptr_null(parse(&params, "1d 00", true));
    ck_assert(params.reset_stream_at);
    ck_assert_ptr_null(parse(&params, "c017f7586d2cb571 00", false));
    ck_assert(params.reset_stream_at);
    ck_assert_ptr_null(parse(&params, "1d 00 c017f7586d2cb571 00", false));
}
END_TEST

START_TEST(a_preferred_address_is_read_past) {
    leat_transport_params params;
    ck_assert_ptr_null(parse(&params,
                             "0d 2d 000000000000 00000000000000000000000000000000 0000 04 01020304 000102030405060708090a0b0c0d0e0f", false));
    ck_assert(leat_transport_params_has(&params, LEAT_TP_PREFERRED_ADDRESS));
}
END_TEST

/* TEST RFC 9000 §7.4.2 */
START_TEST(unknown_parameters_are_ignored) {
    leat_transport_params params;
    ck_assert_ptr_null(parse(&params, "1b 03 010203 5aa9 00 01 01 05", true));
    ck_assert_uint_eq(params.max_idle_timeout, 5);
}
END_TEST

START_TEST(every_cut_of_a_good_message_is_survived) {
    leat_span whole =
        test_hex("01 04 80007530 03 02 45ac 04 04 80100000 0f 04 01020304 20 02 7fff");
    for (size_t length = 0; length < whole.length; length++) {
        leat_transport_params params;
        uint8_t *copy = malloc(length + 1);
        memcpy(copy, whole.data, length);
        leat_transport_params_parse(&params, (leat_span){copy, length}, true);
        free(copy);
    }
}
END_TEST

START_TEST(every_row_has_a_name) {
    for (leat_tp tp = 0; tp < LEAT_TP_COUNT; tp++) {
        ck_assert_ptr_nonnull(leat_transport_params_name(tp));
    }
    ck_assert_str_eq(leat_transport_params_name(LEAT_TP_MAX_DATAGRAM_FRAME_SIZE),
                     "max_datagram_frame_size");
}
END_TEST

LEAT_TEST_MAIN("quic/conn/transport_params", nothing_means_the_defaults, what_is_written_is_read,
               an_empty_id_is_written_when_it_is_present, each_fault_is_found,
                   a_preferred_address_is_read_past, reset_stream_at_has_two_numbers,
               unknown_parameters_are_ignored, every_cut_of_a_good_message_is_survived,
                   every_row_has_a_name)
