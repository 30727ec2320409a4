/* What opens a connection and what does not: RFC 9000 §5.2.2, §6, §7.2, §14.1. */
#include "fake_conn.h"

#define DCID "83 94 c8 f0 3e 51 57 08"

static fake_endpoint fake;
static const leat_span no_token;

static size_t connections(void) { return leat_endpoint_connection_count(fake.endpoint); }

static void start(void) {
    fake_endpoint_prepare(&fake);
    fake_endpoint_start(&fake);
}

static void receive(leat_span datagram) {
    leat_path path = fake_path(1, 5000);
    fake_receive(fake.endpoint, datagram, &path, 0);
}

START_TEST(an_initial_opens_a_connection_that_knows_where_it_came_from) {
    start();
    receive(fake_initial(DCID, no_token));
    ck_assert_uint_eq(connections(), 1);
    const leat_conn_origin *origin = &fake_last_conn->origin;
    ck_assert_bytes(origin->original_dcid.bytes, origin->original_dcid.length, DCID);
    ck_assert_bytes(origin->client_dcid.bytes, origin->client_dcid.length, DCID);
    ck_assert_bytes(origin->client_scid.bytes, origin->client_scid.length, "5c 1d");
    ck_assert(!origin->retried && !origin->address_validated);
    ck_assert_uint_eq(origin->version, LEAT_VERSION_1);
    ck_assert_uint_eq(fake_last_conn->received, 1);
    bool is_new;
    ck_assert_ptr_eq(leat_endpoint_next_ready(fake.endpoint, &is_new), fake_last_conn);
    ck_assert(is_new);
    fake_endpoint_end(&fake);
}
END_TEST

/* TEST RFC 9000 §14.1-3: attack A21. */
START_TEST(an_initial_in_a_datagram_below_1200_bytes_opens_nothing) {
    start();
    for (size_t size = 40; size < 1200; size++) {
        receive(fake_long(0xc0, LEAT_VERSION_1, test_hex(DCID), test_hex("5c"), no_token, size));
    }
    ck_assert_uint_eq(connections(), 0);
    ck_assert_uint_eq(fake_reply(fake.endpoint, NULL).length, 0);
    ck_assert_uint_eq(fake.endpoint->drops[LEAT_DROP_SMALL_INITIAL], 1160);
    receive(fake_long(0xc0, LEAT_VERSION_1, test_hex(DCID), test_hex("5c"), no_token, 1200));
    ck_assert_uint_eq(connections(), 1);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(datagrams_cut_anywhere_open_nothing) {
    start();
    for (size_t size = 0; size < 1200; size++) {
        leat_span whole = fake_initial(DCID, no_token);
        receive((leat_span){whole.data, size});
    }
    ck_assert_uint_eq(connections(), 0);
    fake_endpoint_end(&fake);
}
END_TEST

/* TEST RFC 9000 §7.2-1: attack A3. */
START_TEST(a_client_dcid_of_a_wrong_length_is_dropped) {
    start();
    uint8_t cid[255] = {1, 2, 3};
    for (size_t length = 0; length <= 255; length++) {
        bool is_right = length >= 8 && length <= 20;
        cid[0] = (uint8_t)length;
        size_t before = connections();
        receive(fake_long(0xc0, LEAT_VERSION_1, (leat_span){cid, length}, test_hex("5c"), no_token,
                          1200));
        ck_assert_uint_eq(connections() - before, is_right ? 1 : 0);
        ck_assert_uint_eq(fake_reply(fake.endpoint, NULL).length, 0);
    }
    fake_endpoint_end(&fake);
}
END_TEST

/* TEST RFC 9000 §5.2.2-1: the connection IDs come back swapped. */
START_TEST(an_unknown_version_is_answered_with_version_negotiation) {
    start();
    receive(fake_long(0xc0, 0xbabababa, test_hex("0102030405060708"), test_hex("a1a2a3"), no_token,
                      1200));
    leat_path to;
    leat_span reply = fake_reply(fake.endpoint, &to);
    leat_packet_header header;
    ck_assert_int_eq(leat_packet_header_parse(&header, reply, 8), LEAT_DROP_NONE);
    ck_assert_int_eq(header.type, LEAT_PACKET_VERSION_NEGOTIATION);
    ck_assert_bytes(header.dcid.data, header.dcid.length, "a1a2a3");
    ck_assert_bytes(header.scid.data, header.scid.length, "0102030405060708");
    bool has_version_1 = false;
    for (size_t i = 0; i + 4 <= header.versions.length; i += 4) {
        has_version_1 = has_version_1 || memcmp(header.versions.data + i, "\0\0\0\1", 4) == 0;
    }
    ck_assert(has_version_1);
    leat_path from = fake_path(1, 5000);
    ck_assert(leat_path_equal(&to, &from));
    ck_assert_uint_eq(connections(), 0);
    fake_endpoint_end(&fake);
}
END_TEST

static const uint32_t two[] = {LEAT_VERSION_2};

static void start_with(const uint32_t *versions, size_t count) {
    fake_endpoint_prepare(&fake);
    fake.server.versions = versions;
    fake.server.version_count = count;
    fake_endpoint_start(&fake);
}

/* TEST RFC 9369 §3.2: the type bits of an Initial are others. */
START_TEST(an_initial_of_version_2_opens_a_connection) {
    start();
    receive(fake_long(0xd0, LEAT_VERSION_2, test_hex(DCID), test_hex("5c"), no_token, 1200));
    ck_assert_uint_eq(connections(), 1);
    ck_assert_uint_eq(fake_last_conn->origin.version, LEAT_VERSION_2);
    fake_endpoint_end(&fake);
}
END_TEST

/* TEST RFC 9368 §2.1: whatever its type bits say there. */
START_TEST(a_known_version_that_is_not_offered_is_answered_with_version_negotiation) {
    leat_packet_header header;
    start_with(two, 1);
    for (unsigned type = 0; type < 4; type++) {
        receive(fake_long((uint8_t)(0xc0 | type << 4), LEAT_VERSION_1, test_hex(DCID),
                          test_hex("5c"), no_token, 1200));
        leat_span reply = fake_reply(fake.endpoint, NULL);
        ck_assert_int_eq(leat_packet_header_parse(&header, reply, 8), LEAT_DROP_NONE);
        ck_assert_int_eq(header.type, LEAT_PACKET_VERSION_NEGOTIATION);
        ck_assert_uint_eq(header.versions.length, 8);
        ck_assert(leat_versions_contain(header.versions, LEAT_VERSION_2));
    }
    ck_assert_uint_eq(connections(), 0);
    fake_endpoint_end(&fake);
}
END_TEST

/* TEST RFC 9000 §6.3: what is offered, and a version that does not exist. */
START_TEST(version_negotiation_lists_all_versions_and_a_reserved_one) {
    leat_packet_header header;
    unsigned reserved = 0;
    start();
    receive(fake_long(0xc0, 0xbabababa, test_hex(DCID), test_hex("5c"), no_token, 1200));
    leat_span reply = fake_reply(fake.endpoint, NULL);
    ck_assert_int_eq(leat_packet_header_parse(&header, reply, 8), LEAT_DROP_NONE);
    ck_assert_uint_eq(header.versions.length, 12);
    ck_assert(leat_versions_contain(header.versions, LEAT_VERSION_1));
    ck_assert(leat_versions_contain(header.versions, LEAT_VERSION_2));
    for (leat_reader reader = leat_reader_of(header.versions); leat_reader_left(&reader) > 0;) {
        reserved += leat_version_is_reserved(leat_read_u32(&reader));
    }
    ck_assert_uint_eq(reserved, 1);
    fake_endpoint_end(&fake);
}
END_TEST

/* TEST RFC 9287 §3.1: a client may remember that we do without the fixed bit. */
START_TEST(an_initial_without_the_fixed_bit_is_taken_when_we_grease) {
    for (int greases = 0; greases < 2; greases++) {
        fake_endpoint_prepare(&fake);
        fake.server.grease = greases != 0;
        fake_endpoint_start(&fake);
        receive(fake_long(0x80, LEAT_VERSION_1, test_hex(DCID), test_hex("5c"), no_token, 1200));
        ck_assert_uint_eq(connections(), (size_t)greases);
        ck_assert_uint_eq(fake.endpoint->drops[LEAT_DROP_FIXED_BIT], 1 - (unsigned)greases);
        fake_endpoint_end(&fake);
    }
}
END_TEST

START_TEST(version_negotiation_copes_with_the_longest_connection_ids) {
    start();
    uint8_t cid[255] = {7};
    receive(
        fake_long(0xc0, 0xff000099, (leat_span){cid, 255}, (leat_span){cid, 255}, no_token, 1200));
    leat_packet_header header;
    leat_span reply = fake_reply(fake.endpoint, NULL);
    ck_assert_int_eq(leat_packet_header_parse(&header, reply, 8), LEAT_DROP_NONE);
    ck_assert_uint_eq(header.dcid.length, 255);
    ck_assert_uint_eq(header.scid.length, 255);
    fake_endpoint_end(&fake);
}
END_TEST

/* TEST RFC 9000 §5.2.2-2: below 1200 bytes no version is negotiated. */
START_TEST(a_small_packet_of_an_unknown_version_gets_no_answer) {
    start();
    receive(fake_long(0xc0, 0xbabababa, test_hex(DCID), test_hex("a1"), no_token, 1199));
    ck_assert_uint_eq(fake_reply(fake.endpoint, NULL).length, 0);
    fake_endpoint_end(&fake);
}
END_TEST

/* TEST RFC 9000 §6.1-1: attack A13. */
START_TEST(version_negotiation_sent_to_a_server_is_dropped) {
    start();
    receive(fake_long(0xc0, 0, test_hex(DCID), test_hex("a1"), no_token, 1200));
    ck_assert_uint_eq(fake_reply(fake.endpoint, NULL).length, 0);
    ck_assert_uint_eq(connections(), 0);
    ck_assert_uint_eq(fake.endpoint->drops[LEAT_DROP_UNEXPECTED_TYPE], 1);
    fake_endpoint_end(&fake);
}
END_TEST

/* TEST RFC 9000 §5.2.2-5: Handshake of nobody. */
/* TEST RFC 9000 §5.2.2-6: 0-RTT and Retry of nobody. */
START_TEST(only_initials_open_connections) {
    start();
    for (unsigned type = 1; type <= 3; type++) {
        receive(fake_long((uint8_t)(0xc0 | type << 4), LEAT_VERSION_1, test_hex(DCID),
                          test_hex("a1"), no_token, 1200));
    }
    ck_assert_uint_eq(connections(), 0);
    ck_assert_uint_eq(fake_reply(fake.endpoint, NULL).length, 0);
    fake_endpoint_end(&fake);
}
END_TEST

/* Attack A23. */
START_TEST(an_initial_to_a_multicast_or_broadcast_address_is_met_with_silence) {
    start();
    leat_path path = fake_path(1, 5000);
    path.local.ip[0] = 224;
    fake_receive(fake.endpoint, fake_initial(DCID, no_token), &path, 0);
    memset(path.local.ip, 255, 4);
    fake_receive(fake.endpoint, fake_initial(DCID, no_token), &path, 0);
    path.local = (leat_address){.family = LEAT_ADDRESS_IPV6, .port = 4433, .ip = {0xff, 2}};
    fake_receive(fake.endpoint, fake_initial(DCID, no_token), &path, 0);
    fake_receive(fake.endpoint,
                 fake_long(0xc0, 0xbabababa, test_hex(DCID), test_hex("a1"), no_token, 1200), &path,
                 0);
    ck_assert_uint_eq(connections(), 0);
    ck_assert_uint_eq(fake_reply(fake.endpoint, NULL).length, 0);
    ck_assert_uint_eq(fake.endpoint->drops[LEAT_DROP_PATH], 4);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(an_endpoint_without_server_configuration_accepts_nothing) {
    start();
    leat_endpoint_set_server_config(fake.endpoint, NULL);
    receive(fake_initial(DCID, no_token));
    receive(fake_long(0xc0, 0xbabababa, test_hex(DCID), test_hex("a1"), no_token, 1200));
    ck_assert_uint_eq(connections(), 0);
    ck_assert_uint_eq(fake_reply(fake.endpoint, NULL).length, 0);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(an_initial_that_is_not_authentic_leaves_nothing_behind) {
    start();
    leat_span datagram = fake_initial(DCID, no_token);
    memcpy((uint8_t *)(uintptr_t)datagram.data + 1197, "bad", 3);
    size_t before = fake.memory.live;
    receive(datagram);
    ck_assert_uint_eq(connections(), 0);
    ck_assert_uint_eq(fake.endpoint->handshakes, 0);
    ck_assert_uint_eq(fake.endpoint->routes.count, 0);
    ck_assert_uint_le(fake.memory.live, before + 4); /* tables that grew */
    bool is_new;
    ck_assert_ptr_null(leat_endpoint_next_ready(fake.endpoint, &is_new));
    fake_endpoint_end(&fake);
}
END_TEST

static void receive_numbered(uint32_t number) {
    uint8_t cid[8] = {0xaa, 0xbb, 0xcc, 0xdd};
    memcpy(cid + 4, &number, 4);
    receive(fake_long(0xc0, LEAT_VERSION_1, (leat_span){cid, 8}, test_hex("5c"), no_token, 1200));
}

/* Attack A2, and A20: silence. */
START_TEST(unfinished_handshakes_are_bounded_and_further_initials_dropped_silently) {
    fake_endpoint_prepare(&fake);
    fake.config.max_handshakes = 100;
    fake.config.retry_above_handshakes = 0;
    fake_endpoint_start(&fake);
    for (uint32_t i = 0; i < 20000; i++) {
        receive_numbered(i);
    }
    size_t live = fake.memory.live;
    for (uint32_t i = 20000; i < 100000; i++) {
        receive_numbered(i);
    }
    ck_assert_uint_eq(connections(), 100);
    ck_assert_uint_eq(fake.memory.live, live);
    ck_assert_uint_eq(fake_reply(fake.endpoint, NULL).length, 0);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(finished_handshakes_make_room_for_others) {
    fake_endpoint_prepare(&fake);
    fake.config.max_handshakes = 1;
    fake_endpoint_start(&fake);
    receive_numbered(1);
    receive_numbered(2);
    ck_assert_uint_eq(connections(), 1);
    fake_last_conn->is_complete = true;
    leat_endpoint_touch(fake.endpoint, fake_last_conn);
    receive_numbered(2);
    ck_assert_uint_eq(connections(), 2);
    fake_last_conn->is_terminating = true;
    leat_endpoint_touch(fake.endpoint, fake_last_conn);
    receive_numbered(3);
    ck_assert_uint_eq(connections(), 3);
    leat_endpoint_release(fake.endpoint, fake_last_conn);
    receive_numbered(4);
    ck_assert_uint_eq(connections(), 3);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(connections_are_bounded) {
    fake_endpoint_prepare(&fake);
    fake.config.max_connections = 3;
    fake_endpoint_start(&fake);
    for (uint32_t i = 0; i < 10; i++) {
        receive_numbered(i);
    }
    ck_assert_uint_eq(connections(), 3);
    ck_assert_uint_eq(fake.endpoint->drops[LEAT_DROP_LIMIT], 7);
    int error = LEAT_OK;
    leat_path path = fake_path(9, 443);
    leat_config client = {
        .size = sizeof client, .is_client = true, .allocator = &fake.memory.allocator};
    ck_assert_ptr_null(leat_endpoint_connect(fake.endpoint, &client, &path, 0, &error));
    ck_assert_int_eq(error, LEAT_ERR_FULL);
    fake_endpoint_end(&fake);
}
END_TEST

/* Attack A3: every allocation fails in turn, and then all after it. */
START_TEST(an_allocation_that_fails_anywhere_costs_the_one_connection_only) {
    for (size_t fail_at = 1; fail_at < 40; fail_at++) {
        fake_endpoint_prepare(&fake);
        fake.memory.fail_at = fail_at;
        int error = LEAT_OK;
        fake.endpoint = leat_endpoint_new(&fake.config, &error);
        if (fake.endpoint == NULL) {
            ck_assert_int_eq(error, LEAT_ERR_NOMEM);
            ck_assert_uint_eq(fake.memory.live, 0);
            continue;
        }
        receive_numbered(1);
        receive(fake_long(0xc0, 0xbabababa, test_hex(DCID), test_hex("a1"), no_token, 1200));
        receive_numbered(2);
        ck_assert_uint_ge(connections(), 1);
        fake_endpoint_end(&fake);
    }
}
END_TEST

static bool no_random(void *user, uint8_t *bytes, size_t length) {
    (void)user;
    (void)bytes;
    (void)length;
    return false;
}

START_TEST(without_random_bytes_there_is_no_endpoint) {
    fake_endpoint_prepare(&fake);
    fake.config.random = no_random;
    int error = LEAT_OK;
    ck_assert_ptr_null(leat_endpoint_new(&fake.config, &error));
    ck_assert_int_eq(error, LEAT_ERR_RANDOM);
    ck_assert_uint_eq(fake.memory.live, 0);
}
END_TEST

START_TEST(impossible_configurations_are_refused) {
    int error = LEAT_OK;
    fake_endpoint_prepare(&fake);
    fake.config.connection_id_length = 0;
    ck_assert_ptr_null(leat_endpoint_new(&fake.config, &error));
    ck_assert_int_eq(error, LEAT_ERR_INVALID);
    fake.config.connection_id_length = 21;
    ck_assert_ptr_null(leat_endpoint_new(&fake.config, &error));
    ck_assert_int_eq(error, LEAT_ERR_INVALID);
}
END_TEST

static size_t records;
static void count_record(void *user, const leat_trace_record *record) {
    (void)user;
    ck_assert_str_eq(record->name, "packet_dropped");
    ck_assert_uint_eq(record->connection.length, 8);
    records++;
}

START_TEST(a_dropped_datagram_is_traced) {
    leat_trace_sink sink = {.on_record = count_record};
    fake_endpoint_prepare(&fake);
    fake.server.trace = &sink;
    fake_endpoint_start(&fake);
    records = 0;
    receive(fake_long(0xc0, LEAT_VERSION_1, test_hex(DCID), test_hex("5c"), no_token, 600));
    ck_assert_uint_eq(records, 1);
    fake_endpoint_end(&fake);
}
END_TEST

LEAT_TEST_MAIN("quic/endpoint accept", an_initial_opens_a_connection_that_knows_where_it_came_from,
               an_initial_in_a_datagram_below_1200_bytes_opens_nothing,
               datagrams_cut_anywhere_open_nothing, a_client_dcid_of_a_wrong_length_is_dropped,
               an_unknown_version_is_answered_with_version_negotiation,
               an_initial_of_version_2_opens_a_connection,
               a_known_version_that_is_not_offered_is_answered_with_version_negotiation,
               version_negotiation_lists_all_versions_and_a_reserved_one,
               an_initial_without_the_fixed_bit_is_taken_when_we_grease,
               version_negotiation_copes_with_the_longest_connection_ids,
               a_small_packet_of_an_unknown_version_gets_no_answer,
               version_negotiation_sent_to_a_server_is_dropped, only_initials_open_connections,
               an_initial_to_a_multicast_or_broadcast_address_is_met_with_silence,
               an_endpoint_without_server_configuration_accepts_nothing,
               an_initial_that_is_not_authentic_leaves_nothing_behind,
               unfinished_handshakes_are_bounded_and_further_initials_dropped_silently,
               finished_handshakes_make_room_for_others, connections_are_bounded,
               an_allocation_that_fails_anywhere_costs_the_one_connection_only,
               without_random_bytes_there_is_no_endpoint, impossible_configurations_are_refused,
               a_dropped_datagram_is_traced)
