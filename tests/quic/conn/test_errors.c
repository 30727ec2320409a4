/*
 * What a peer may not do, and the exact code with which the connection ends. One table of frames in
 * 1-RTT packets, one of frames in Handshake and Initial packets. RFC 9000 §11, §12.4, §19; the
 * server cases include those of h3spec.
 */
#include "../pair.h"

typedef struct error_case {
    const char *what;
    pair_side from;
    const char *frames;
    uint64_t error;
} error_case;

#define TOKEN "000102030405060708090a0b0c0d0e0f"
#define CID_A "a1a2a3a4a5a6a7a8"

static const error_case one_rtt_cases[] = {
    {"data above the stream's limit", PAIR_CLIENT, "0e 00 85f5e100 01 61", LEAT_FLOW_CONTROL_ERROR},
    {"a stream above the limit", PAIR_CLIENT, "0a bb9aca00 01 61", LEAT_STREAM_LIMIT_ERROR},
    {"a stream above the limit, reset", PAIR_CLIENT, "04 bb9aca00 00 00", LEAT_STREAM_LIMIT_ERROR},
    {"an unknown frame type", PAIR_CLIENT, "20", LEAT_FRAME_ENCODING_ERROR},
    {"an unknown frame type of two bytes", PAIR_CLIENT, "7fff", LEAT_FRAME_ENCODING_ERROR},
    {"a frame type not in its shortest form", PAIR_CLIENT, "4001", LEAT_PROTOCOL_VIOLATION},
    {"a truncated frame type", PAIR_CLIENT, "01 01 01 01 40", LEAT_FRAME_ENCODING_ERROR},
    {"a truncated frame", PAIR_CLIENT, "04 00", LEAT_FRAME_ENCODING_ERROR},
    {"a STREAM frame longer than its packet", PAIR_CLIENT, "0a 00 40ff 61", LEAT_FRAME_ENCODING_ERROR},
    {"a packet without frames", PAIR_CLIENT, "", LEAT_PROTOCOL_VIOLATION},
    {"RESET_STREAM on a stream only we send on", PAIR_CLIENT, "04 03 00 00", LEAT_STREAM_STATE_ERROR},
    {"RESET_STREAM on our unopened stream", PAIR_CLIENT, "04 01 00 00", LEAT_STREAM_STATE_ERROR},
    {"STOP_SENDING on our unopened stream", PAIR_CLIENT, "05 01 00", LEAT_STREAM_STATE_ERROR},
    {"STOP_SENDING on a stream only we receive on", PAIR_CLIENT, "05 02 00", LEAT_STREAM_STATE_ERROR},
    {"STREAM on our unopened stream", PAIR_CLIENT, "0a 01 01 61", LEAT_STREAM_STATE_ERROR},
    {"STREAM on a stream only we send on", PAIR_CLIENT, "0a 03 01 61", LEAT_STREAM_STATE_ERROR},
    {"MAX_STREAM_DATA on our unopened stream", PAIR_CLIENT, "11 01 10", LEAT_STREAM_STATE_ERROR},
    {"MAX_STREAM_DATA on a stream only we receive on", PAIR_CLIENT, "11 02 10", LEAT_STREAM_STATE_ERROR},
    {"STREAM_DATA_BLOCKED on a stream only we send on", PAIR_CLIENT, "15 03 10", LEAT_STREAM_STATE_ERROR},
    {"MAX_STREAMS above 2^60", PAIR_CLIENT, "12 d000000000000001", LEAT_FRAME_ENCODING_ERROR},
    {"MAX_STREAMS above 2^60, unidirectional", PAIR_CLIENT, "13 d000000000000001", LEAT_FRAME_ENCODING_ERROR},
    {"STREAMS_BLOCKED above 2^60", PAIR_CLIENT, "16 d000000000000001", LEAT_FRAME_ENCODING_ERROR},
    {"NEW_TOKEN from a client", PAIR_CLIENT, "07 01 61", LEAT_PROTOCOL_VIOLATION},
    {"an empty NEW_TOKEN", PAIR_SERVER, "07 00", LEAT_FRAME_ENCODING_ERROR},
    {"HANDSHAKE_DONE from a client", PAIR_CLIENT, "1e", LEAT_PROTOCOL_VIOLATION},
    {"NEW_CONNECTION_ID that retires itself", PAIR_CLIENT, "18 05 06 08 " CID_A TOKEN, LEAT_FRAME_ENCODING_ERROR},
    {"NEW_CONNECTION_ID without an ID", PAIR_CLIENT, "18 05 00 00" TOKEN, LEAT_FRAME_ENCODING_ERROR},
    {"NEW_CONNECTION_ID with 21 bytes", PAIR_CLIENT, "18 05 00 15 " CID_A CID_A "a1a2a3a4a5" TOKEN, LEAT_FRAME_ENCODING_ERROR},
    {"NEW_CONNECTION_ID above the limit", PAIR_CLIENT, "18 20 00 08 " CID_A TOKEN, LEAT_CONNECTION_ID_LIMIT_ERROR},
    {"NEW_CONNECTION_ID above the limit, server", PAIR_SERVER, "18 20 00 08 " CID_A TOKEN, LEAT_CONNECTION_ID_LIMIT_ERROR},
    {"a known sequence number with another ID", PAIR_CLIENT, "18 01 00 08 " CID_A TOKEN, LEAT_PROTOCOL_VIOLATION},
    {"RETIRE_CONNECTION_ID of one never issued", PAIR_CLIENT, "19 20", LEAT_PROTOCOL_VIOLATION},
    {"RETIRE_CONNECTION_ID of the one in use", PAIR_CLIENT, "19 00", LEAT_PROTOCOL_VIOLATION},
    {"data behind the final size", PAIR_CLIENT, "0b 00 01 61 0e 00 05 01 62", LEAT_FINAL_SIZE_ERROR},
    {"another final size", PAIR_CLIENT, "0f 00 02 01 61 0f 00 05 01 61", LEAT_FINAL_SIZE_ERROR},
    {"RESET_STREAM below what was received", PAIR_CLIENT, "0a 00 05 6162636465 04 00 00 03", LEAT_FINAL_SIZE_ERROR},
    {"RESET_STREAM above the stream's limit", PAIR_CLIENT, "04 00 00 85f5e100", LEAT_FLOW_CONTROL_ERROR},
    {"CRYPTO far ahead", PAIR_CLIENT, "06 80010000 01 61", LEAT_CRYPTO_BUFFER_EXCEEDED},
    {"CRYPTO at the end of numbers", PAIR_CLIENT, "06 fffffffffffffff0 01 61", LEAT_CRYPTO_BUFFER_EXCEEDED},
    {"CRYPTO past the end of numbers", PAIR_CLIENT, "06 ffffffffffffffff 01 61", LEAT_FRAME_ENCODING_ERROR},
    {"a TLS KeyUpdate", PAIR_CLIENT, "06 00 05 18 000001 00", LEAT_CRYPTO_ERROR + 10},
    {"a TLS KeyUpdate from the server", PAIR_SERVER, "06 00 05 18 000001 00", LEAT_CRYPTO_ERROR + 10},
    {"ACK of a packet not sent", PAIR_CLIENT, "02 bfffffff 00 00 00", LEAT_PROTOCOL_VIOLATION},
    {"ACK of a packet not sent, to a client", PAIR_SERVER, "02 bfffffff 00 00 00", LEAT_PROTOCOL_VIOLATION},
    {"ACK with a range below zero", PAIR_CLIENT, "02 01 00 00 05", LEAT_FRAME_ENCODING_ERROR},
    {"STREAM past the end of numbers", PAIR_CLIENT, "0e 00 ffffffffffffffff 01 61", LEAT_FRAME_ENCODING_ERROR},
    {"data on a server's stream above its limit", PAIR_SERVER, "0e 01 85f5e100 01 61", LEAT_FLOW_CONTROL_ERROR},
};

static void check_case(const error_case *c) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_raw(p, c->from, LEAT_SPACE_APPLICATION, c->frames);
    pair_end *end = &p->ends[PAIR_OTHER(c->from)];
    ck_assert_msg(end->terminated.type == LEAT_EVENT_CONNECTION_TERMINATED, "%s: nothing happened",
                  c->what);
    ck_assert_msg(end->terminated.connection_terminated.error_code == c->error, "%s: 0x%llx (%s)",
                  c->what,
                  (unsigned long long)end->terminated.connection_terminated.error_code,
                      end->reason);
    pair_assert_terminated(p, PAIR_OTHER(c->from), LEAT_SOURCE_PROTOCOL_ERROR, c->error);
    /* The other side learns the same code from the CONNECTION_CLOSE. */
    pair_settle(p);
    pair_assert_terminated(p, c->from, LEAT_SOURCE_PEER_TRANSPORT, c->error);
    pair_free(p);
}

START_TEST(each_fault_in_a_1_rtt_packet_has_its_code) {
    for (size_t i = 0; i < sizeof one_rtt_cases / sizeof one_rtt_cases[0]; i++) {
        check_case(&one_rtt_cases[i]);
    }
}
END_TEST

/* ---- before the handshake is complete -------------------------------------------------------- */

/* A client that has all keys and whose last flight never left. */
static pair *half_open(void) {
    pair *p = pair_new();
    pair_start(p);
    pair_flush(p, PAIR_CLIENT);
    while (p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_HANDSHAKE_COMPLETED] == 0) {
        ck_assert(pair_step(p, p->now + LEAT_SECOND));
    }
    return p;
}

typedef struct early_case {
    const char *what;
    const char *frames;
    uint64_t error;
} early_case;

/* RFC 9000 §12.4 table 3: frames that only 1-RTT packets carry, and faults of CRYPTO streams. */
static const early_case early_cases[] = {
    {"a packet without frames", "", LEAT_PROTOCOL_VIOLATION},
    {"RESET_STREAM", "04 00 00 00", LEAT_PROTOCOL_VIOLATION},
    {"STOP_SENDING", "05 00 00", LEAT_PROTOCOL_VIOLATION},
    {"NEW_TOKEN", "07 01 61", LEAT_PROTOCOL_VIOLATION},
    {"STREAM", "0a 00 01 61", LEAT_PROTOCOL_VIOLATION},
    {"MAX_DATA", "10 01", LEAT_PROTOCOL_VIOLATION},
    {"MAX_STREAM_DATA", "11 00 01", LEAT_PROTOCOL_VIOLATION},
    {"MAX_STREAMS", "12 01", LEAT_PROTOCOL_VIOLATION},
    {"DATA_BLOCKED", "14 01", LEAT_PROTOCOL_VIOLATION},
    {"STREAM_DATA_BLOCKED", "15 00 01", LEAT_PROTOCOL_VIOLATION},
    {"STREAMS_BLOCKED", "16 01", LEAT_PROTOCOL_VIOLATION},
    {"NEW_CONNECTION_ID", "18 01 00 08 " CID_A TOKEN, LEAT_PROTOCOL_VIOLATION},
    {"RETIRE_CONNECTION_ID", "19 00", LEAT_PROTOCOL_VIOLATION},
    {"PATH_CHALLENGE", "1a 0001020304050607", LEAT_PROTOCOL_VIOLATION},
    {"PATH_RESPONSE", "1b 0001020304050607", LEAT_PROTOCOL_VIOLATION},
    {"an application's CONNECTION_CLOSE", "1d 00 00", LEAT_PROTOCOL_VIOLATION},
    {"HANDSHAKE_DONE", "1e", LEAT_PROTOCOL_VIOLATION},
    {"DATAGRAM", "30 61", LEAT_PROTOCOL_VIOLATION},
    {"an unknown frame", "21", LEAT_FRAME_ENCODING_ERROR},
    {"CRYPTO far ahead", "06 80020000 01 61", LEAT_CRYPTO_BUFFER_EXCEEDED},
    {"ACK of a packet not sent", "02 bfffffff 00 00 00", LEAT_PROTOCOL_VIOLATION},
};

static void check_early(const early_case *c, leat_space space) {
    pair *p = half_open();
    if (space == LEAT_SPACE_INITIAL) {
        /* The client's Initial keys are gone by now; a fresh client still has them. */
        pair_free(p);
        p = pair_new();
        pair_start(p);
        pair_flush(p, PAIR_CLIENT);
        ck_assert(pair_step(p, p->now + LEAT_SECOND));
    }
    p->link.black_hole[PAIR_SERVER] = true;
    pair_raw(p, PAIR_CLIENT, space, c->frames);
    ck_assert_msg(p->ends[PAIR_SERVER].terminated.type != LEAT_EVENT_NONE, "%s: nothing happened",
                  c->what);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, c->error);
    pair_free(p);
}

START_TEST(each_fault_in_a_handshake_packet_has_its_code) {
    for (size_t i = 0; i < sizeof early_cases / sizeof early_cases[0]; i++) {
        check_early(&early_cases[i], LEAT_SPACE_HANDSHAKE);
    }
}
END_TEST

START_TEST(each_fault_in_an_initial_packet_has_its_code) {
    for (size_t i = 1; i < sizeof early_cases / sizeof early_cases[0]; i++) {
        check_early(&early_cases[i], LEAT_SPACE_INITIAL);
    }
}
END_TEST

START_TEST(a_key_update_message_in_the_handshake_is_unexpected) {
    pair *p = half_open();
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_HANDSHAKE, "06 00 05 18 000001 00");
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_CRYPTO_ERROR + 10);
    pair_free(p);
}
END_TEST

START_TEST(end_of_early_data_is_unexpected) {
    pair *p = half_open();
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_HANDSHAKE, "06 00 04 05 000000");
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_CRYPTO_ERROR + 10);
    pair_free(p);
}
END_TEST

/* ---- headers --------------------------------------------------------------------------------- */

static void set_reserved_long(uint8_t *packet) { packet[0] |= 0x0c; }
static void set_reserved_short(uint8_t *packet) { packet[0] |= 0x18; }

/* TEST RFC 9000 §17.2: reserved bits count after the packet is authentic. */
START_TEST(reserved_bits_in_a_long_header_are_a_violation) {
    pair *p = half_open();
    uint8_t packet[1500];
    size_t length = pair_raw_build(p, PAIR_CLIENT, LEAT_SPACE_HANDSHAKE, test_hex("01"), packet,
                                   sizeof packet, set_reserved_long);
    pair_deliver(p, PAIR_SERVER, packet, length);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_PROTOCOL_VIOLATION);
    pair_free(p);
}
END_TEST

START_TEST(reserved_bits_in_a_short_header_are_a_violation) {
    pair *p = pair_new();
    uint8_t packet[1500];
    pair_handshake(p);
    size_t length = pair_raw_build(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, test_hex("01"), packet,
                                   sizeof packet, set_reserved_short);
    pair_deliver(p, PAIR_SERVER, packet, length);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_PROTOCOL_VIOLATION);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §17.2: and not before (invariant V10). */
START_TEST(reserved_bits_in_a_forged_packet_mean_nothing) {
    pair *p = pair_new();
    uint8_t packet[1500];
    pair_handshake(p);
    size_t length = pair_raw_build(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, test_hex("01"), packet,
                                   sizeof packet, set_reserved_short);
    packet[length - 1] ^= 1;
    pair_deliver(p, PAIR_SERVER, packet, length);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)));
    pair_free(p);
}
END_TEST

/* ---- transport parameters -------------------------------------------------------------------- */

typedef struct params_case {
    const char *what;
    void (*change)(leat_conn *server);
} params_case;

static leat_transport_params *ours(leat_conn *server) { return &server->handshake.ours; }
static void unmark(leat_conn *server, leat_tp tp) { ours(server)->present &= ~(UINT32_C(1) << tp); }
static void mark(leat_conn *server, leat_tp tp) { ours(server)->present |= UINT32_C(1) << tp; }

static void small_payload(leat_conn *server) { ours(server)->max_udp_payload_size = 1199; }
static void large_exponent(leat_conn *server) { ours(server)->ack_delay_exponent = 21; }
static void large_delay(leat_conn *server) { ours(server)->max_ack_delay = 1 << 14; }
static void small_cid_limit(leat_conn *server) { ours(server)->active_connection_id_limit = 1; }
static void many_streams(leat_conn *server) {
    ours(server)->initial_max_streams_bidi = (UINT64_C(1) << 60) + 1;
}
static void many_uni_streams(leat_conn *server) {
    ours(server)->initial_max_streams_uni = (UINT64_C(1) << 60) + 1;
}
static void no_original(leat_conn *server) {
    unmark(server, LEAT_TP_ORIGINAL_DESTINATION_CONNECTION_ID);
}
static void other_original(leat_conn *server) {
    ours(server)->original_destination_connection_id.bytes[0] ^= 1;
}
static void no_initial_source(leat_conn *server) {
    unmark(server, LEAT_TP_INITIAL_SOURCE_CONNECTION_ID);
}
static void other_initial_source(leat_conn *server) {
    ours(server)->initial_source_connection_id.bytes[0] ^= 1;
}
static void retry_without_retry(leat_conn *server) {
    mark(server, LEAT_TP_RETRY_SOURCE_CONNECTION_ID);
}

static const params_case params_cases[] = {
    {"max_udp_payload_size below 1200", small_payload},
    {"ack_delay_exponent above 20", large_exponent},
    {"max_ack_delay of 2^14", large_delay},
    {"active_connection_id_limit below 2", small_cid_limit},
    {"more than 2^60 streams", many_streams},
    {"more than 2^60 unidirectional streams", many_uni_streams},
    {"no original_destination_connection_id", no_original},
    {"another original_destination_connection_id", other_original},
    {"no initial_source_connection_id", no_initial_source},
    {"another initial_source_connection_id", other_initial_source},
    {"retry_source_connection_id without Retry", retry_without_retry},
};

static void (*change_params)(leat_conn *server);

static leat_conn *changed_server(pair *p, leat_span first) {
    int error = 0;
    const leat_path path = {p->ends[PAIR_SERVER].address, p->ends[PAIR_CLIENT].address};
    leat_conn *server = leat_conn_new_server(&p->ends[PAIR_SERVER].config, first, &path, p->now,
                                             &error);
    change_params(server);
    return server;
}

/* TEST RFC 9000 §7.3, §7.4, §18.2 */
START_TEST(each_wrong_parameter_of_a_server_ends_the_handshake) {
    for (size_t i = 0; i < sizeof params_cases / sizeof params_cases[0]; i++) {
        pair *p = pair_new();
        change_params = params_cases[i].change;
        p->make_server = changed_server;
        pair_start(p);
        pair_settle(p);
        ck_assert_msg(p->ends[PAIR_CLIENT].terminated.type != LEAT_EVENT_NONE, "%s was accepted",
                      params_cases[i].what);
        pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_PROTOCOL_ERROR,
                               LEAT_TRANSPORT_PARAMETER_ERROR);
        pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PEER_TRANSPORT,
                               LEAT_TRANSPORT_PARAMETER_ERROR);
        pair_free(p);
    }
}
END_TEST

/* TEST RFC 9000 §7.3: what the client's parameters say must be the ID in its headers. */
START_TEST(a_client_with_another_source_id_is_refused) {
    pair *p = pair_new();
    int error = 0;
    const leat_path path = {p->ends[PAIR_CLIENT].address, p->ends[PAIR_SERVER].address};
    p->ends[PAIR_CLIENT].conn = leat_conn_new(&p->ends[PAIR_CLIENT].config, &error);
    pair_conn(p, PAIR_CLIENT)->cids.local[0].cid.bytes[0] ^= 1;
    leat_conn_connect(pair_conn(p, PAIR_CLIENT), &path, p->now);
    pair_settle(p);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR,
                           LEAT_TRANSPORT_PARAMETER_ERROR);
    pair_free(p);
}
END_TEST

START_TEST(another_application_protocol_is_refused) {
    static const char *const other[] = {"other"};
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.alpn = other;
    pair_start(p);
    pair_settle(p);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_CRYPTO_ERROR + 120);
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_PEER_TRANSPORT, LEAT_CRYPTO_ERROR + 120);
    pair_free(p);
}
END_TEST

START_TEST(an_untrusted_certificate_is_refused) {
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.trust = NULL;
    pair_start(p);
    pair_settle(p);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].terminated.connection_terminated.error_code & ~0xffull,
                      LEAT_CRYPTO_ERROR);
    ck_assert_int_eq(p->ends[PAIR_CLIENT].terminated.connection_terminated.source,
                     LEAT_SOURCE_PROTOCOL_ERROR);
    pair_free(p);
}
END_TEST

/* TEST RFC 9221 §3 */
START_TEST(a_datagram_that_was_not_agreed_on_is_a_violation) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.max_datagram_frame_size = 0;
    pair_handshake(p);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "30 61");
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_PROTOCOL_VIOLATION);
    pair_free(p);
}
END_TEST

START_TEST(a_datagram_above_the_agreed_size_is_a_violation) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.max_datagram_frame_size = 4;
    pair_handshake(p);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "30 616263");
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)));
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "30 61626364");
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_PROTOCOL_VIOLATION);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §5.1.1: an endpoint that asked for zero-length IDs gets no others. */
START_TEST(new_connection_id_from_a_peer_without_ids_is_a_violation) {
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.connection_id_length = 0;
    pair_handshake(p);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "18 01 00 08 " CID_A TOKEN);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_PROTOCOL_VIOLATION);
    pair_free(p);
}
END_TEST

START_TEST(retirement_of_an_id_without_bytes_is_a_violation) {
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.connection_id_length = 0;
    pair_handshake(p);
    pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, "19 00");
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_PROTOCOL_VIOLATION);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §4.1: the connection's limit holds over all streams together. */
START_TEST(data_above_the_connection_limit_is_a_flow_control_error) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.max_data = 10;
    pair_handshake(p);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0a 00 06 616161616161");
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0a 04 04 61616161");
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)));
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0a 08 0b 6161616161616161616161");
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_FLOW_CONTROL_ERROR);
    pair_free(p);
}
END_TEST

/* Invariant V8: after CONNECTION_CLOSE the rest of the packet has no effect. */
START_TEST(frames_behind_a_close_have_no_effect) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_SERVER);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION,
             "0a 00 01 61 1d 07 00 0a 04 01 61 1a 0001020304050607");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER),
                     "StreamOpened StreamDataReceived ConnectionTerminated");
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PEER_APPLICATION, 7);
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/errors", each_fault_in_a_1_rtt_packet_has_its_code,
               each_fault_in_a_handshake_packet_has_its_code,
               each_fault_in_an_initial_packet_has_its_code,
                   a_key_update_message_in_the_handshake_is_unexpected,
               end_of_early_data_is_unexpected, reserved_bits_in_a_long_header_are_a_violation,
               reserved_bits_in_a_short_header_are_a_violation,
                   reserved_bits_in_a_forged_packet_mean_nothing,
               each_wrong_parameter_of_a_server_ends_the_handshake,
                   a_client_with_another_source_id_is_refused,
               another_application_protocol_is_refused, an_untrusted_certificate_is_refused,
               a_datagram_that_was_not_agreed_on_is_a_violation,
                   a_datagram_above_the_agreed_size_is_a_violation,
               new_connection_id_from_a_peer_without_ids_is_a_violation,
                   retirement_of_an_id_without_bytes_is_a_violation,
               data_above_the_connection_limit_is_a_flow_control_error,
                   frames_behind_a_close_have_no_effect)
