/* Address validation: RFC 9000 §8.1 and §17.2.5. */
#include "fake_conn.h"
#include "quic/packet/protect.h"
#include "quic/packet/retry.h"

#define DCID "83 94 c8 f0 3e 51 57 08"

static fake_endpoint fake;
static const leat_span no_token;

/* A Retry as a client sees it; spans point into static storage. */
typedef struct retry_seen {
    leat_packet_header header;
    char scid_hex[64];
    uint8_t token[256];
    size_t token_length;
} retry_seen;

static size_t connections(void) { return leat_endpoint_connection_count(fake.endpoint); }

static void start(bool retry) {
    fake_endpoint_prepare(&fake);
    fake.config.retry = retry;
    fake_endpoint_start(&fake);
}

static void receive_from(leat_span datagram, uint8_t host, uint16_t port) {
    leat_path path = fake_path(host, port);
    fake_receive(fake.endpoint, datagram, &path, 0);
}

static void take_retry(retry_seen *retry) {
    leat_span reply = fake_reply(fake.endpoint, NULL);
    ck_assert_uint_gt(reply.length, 0);
    ck_assert_int_eq(leat_packet_header_parse(&retry->header, reply, 8), LEAT_DROP_NONE);
    ck_assert_int_eq(retry->header.type, LEAT_PACKET_RETRY);
    ck_assert(leat_retry_verify(&retry->header, reply, test_hex(DCID)));
    retry->token_length = retry->header.token.length;
    memcpy(retry->token, retry->header.token.data, retry->token_length);
    strcpy(retry->scid_hex, test_to_hex(retry->header.scid.data, retry->header.scid.length));
}

static leat_span token_of(const retry_seen *retry) {
    return (leat_span){retry->token, retry->token_length};
}

/* An Initial of version 2. */
static leat_span initial_2(const char *dcid_hex, leat_span token) {
    return fake_long(0xd0, LEAT_VERSION_2, test_hex(dcid_hex), test_hex("5c 1d"), token, 1200);
}

/* TEST RFC 9369 §4.1: in the version of the Initial, with the tag of that version. */
START_TEST(retry_is_sent_in_the_clients_version) {
    start(true);
    receive_from(initial_2(DCID, no_token), 1, 5000);
    retry_seen retry;
    take_retry(&retry);
    ck_assert_uint_eq(retry.header.version, LEAT_VERSION_2);
    receive_from(initial_2(retry.scid_hex, token_of(&retry)), 1, 5000);
    ck_assert_uint_eq(connections(), 1);
    ck_assert(fake_last_conn->origin.retried);
    fake_endpoint_end(&fake);
}
END_TEST

/* TEST RFC 9369 §4.1: the client must not switch on its own. */
START_TEST(a_retry_token_is_good_for_its_version) {
    start(true);
    receive_from(fake_initial(DCID, no_token), 1, 5000);
    retry_seen retry;
    take_retry(&retry);
    receive_from(initial_2(retry.scid_hex, token_of(&retry)), 1, 5000);
    ck_assert_uint_eq(connections(), 0);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(with_retry_the_first_initial_costs_no_connection) {
    start(true);
    receive_from(fake_initial(DCID, no_token), 1, 5000);
    ck_assert_uint_eq(connections(), 0);
    retry_seen retry;
    take_retry(&retry);
    ck_assert_bytes(retry.header.dcid.data, retry.header.dcid.length, "5c 1d");
    ck_assert_uint_ge(retry.header.scid.length, 8);
    /* TEST RFC 9000 §17.2.5.1-4: one for each datagram. */
    ck_assert_uint_eq(fake_reply(fake.endpoint, NULL).length, 0);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(the_retried_initial_opens_a_connection_with_a_validated_address) {
    start(true);
    receive_from(fake_initial(DCID, no_token), 1, 5000);
    retry_seen retry;
    take_retry(&retry);
    receive_from(fake_initial(retry.scid_hex, token_of(&retry)), 1, 5000);
    ck_assert_uint_eq(connections(), 1);
    const leat_conn_origin *origin = &fake_last_conn->origin;
    ck_assert(origin->retried && origin->address_validated);
    ck_assert_bytes(origin->original_dcid.bytes, origin->original_dcid.length, DCID);
    ck_assert_bytes(origin->client_dcid.bytes, origin->client_dcid.length, retry.scid_hex);
    fake_endpoint_end(&fake);
}
END_TEST

static uint8_t forced_cid[8];
static int forced_draws;
/* The first draws of 8 bytes give the client's own connection ID. */
static bool random_that_repeats(void *user, uint8_t *bytes, size_t length) {
    if (length == 8 && forced_draws > 0) {
        forced_draws--;
        memcpy(bytes, forced_cid, 8);
        return true;
    }
    return test_random(user, bytes, length);
}

/* TEST RFC 9000 §17.2.5.1-1: attack A17. */
START_TEST(the_retry_scid_is_drawn_again_when_it_equals_the_clients_dcid) {
    fake_endpoint_prepare(&fake);
    fake.config.retry = true;
    fake.config.random = random_that_repeats;
    forced_draws = 0;
    fake_endpoint_start(&fake);
    memcpy(forced_cid, test_hex(DCID).data, 8);
    forced_draws = 3;
    receive_from(fake_initial(DCID, no_token), 1, 5000);
    ck_assert_int_eq(forced_draws, 0);
    retry_seen retry;
    take_retry(&retry);
    ck_assert_str_ne(retry.scid_hex, test_to_hex(forced_cid, 8));
    /* A source that gives nothing else: no Retry rather than a wrong one. */
    forced_draws = 1000;
    receive_from(fake_initial(DCID, no_token), 1, 5000);
    ck_assert_uint_eq(fake_reply(fake.endpoint, NULL).length, 0);
    fake_endpoint_end(&fake);
}
END_TEST

/*
 * Opens the Initial with CONNECTION_CLOSE that answers a client which sent to dcid; the error code.
 */
static uint64_t refusal_code(const char *dcid_hex) {
    leat_span reply = fake_reply(fake.endpoint, NULL);
    if (reply.length == 0) {
        return UINT64_MAX;
    }
    leat_keys keys = {0};
    leat_packet_header header;
    leat_opened opened;
    ck_assert_int_eq(leat_packet_header_parse(&header, reply, 8), LEAT_DROP_NONE);
    ck_assert_int_eq(header.type, LEAT_PACKET_INITIAL);
    ck_assert_bytes(header.dcid.data, header.dcid.length, "5c 1d");
    ck_assert(leat_keys_install_initial(&keys, LEAT_VERSION_1, test_hex(dcid_hex), true));
    ck_assert_int_eq(
        leat_packet_open(&keys, &header, (uint8_t *)(uintptr_t)reply.data, UINT64_MAX, &opened),
        LEAT_OPEN_OK);
    leat_reader reader = leat_reader_make(opened.payload, opened.payload_length);
    ck_assert_uint_eq(leat_read_varint(&reader), 0x1c);
    uint64_t code = leat_read_varint(&reader);
    leat_keys_discard(&keys);
    return code;
}

/* TEST RFC 9000 §8.1.2-2: INVALID_TOKEN at once. */
START_TEST(a_retry_token_of_another_address_is_refused_with_invalid_token) {
    start(true);
    receive_from(fake_initial(DCID, no_token), 1, 5000);
    retry_seen retry;
    take_retry(&retry);
    receive_from(fake_initial(retry.scid_hex, token_of(&retry)), 2, 5000);
    ck_assert_uint_eq(refusal_code(retry.scid_hex), LEAT_INVALID_TOKEN);
    receive_from(fake_initial(retry.scid_hex, token_of(&retry)), 1, 5001);
    ck_assert_uint_eq(refusal_code(retry.scid_hex), LEAT_INVALID_TOKEN);
    ck_assert_uint_eq(connections(), 0);
    fake_endpoint_end(&fake);
}
END_TEST

/* TEST RFC 9000 §8.1.4-7: Retry tokens live for seconds. */
START_TEST(an_expired_retry_token_is_refused_with_invalid_token) {
    start(true);
    receive_from(fake_initial(DCID, no_token), 1, 5000);
    retry_seen retry;
    take_retry(&retry);
    fake.wall_clock += LEAT_TOKEN_RETRY_LIFETIME + 1;
    receive_from(fake_initial(retry.scid_hex, token_of(&retry)), 1, 5000);
    ck_assert_uint_eq(refusal_code(retry.scid_hex), LEAT_INVALID_TOKEN);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(a_retry_token_is_good_for_its_own_attempt_only) {
    start(true);
    receive_from(fake_initial(DCID, no_token), 1, 5000);
    retry_seen retry;
    take_retry(&retry);
    receive_from(fake_initial("ff 01 02 03 04 05 06 07", token_of(&retry)), 1, 5000);
    ck_assert_uint_eq(refusal_code("ff 01 02 03 04 05 06 07"), LEAT_INVALID_TOKEN);
    ck_assert_uint_eq(connections(), 0);
    fake_endpoint_end(&fake);
}
END_TEST

/* Attack C20 once more: refusals cost keys, so they are rationed. */
START_TEST(refusals_are_rate_limited) {
    start(true);
    receive_from(fake_initial(DCID, no_token), 1, 5000);
    retry_seen retry;
    take_retry(&retry);
    size_t replies = 0;
    for (int i = 0; i < 10000; i++) {
        receive_from(fake_initial(retry.scid_hex, token_of(&retry)), 2, 5000);
        replies += fake_reply(fake.endpoint, NULL).length > 0 ? 1 : 0;
    }
    ck_assert_uint_eq(replies, LEAT_REPLY_BURST);
    fake_endpoint_end(&fake);
}
END_TEST

/* TEST RFC 9000 §8.1.3-11: attacks A4, A5, A6. */
START_TEST(a_token_that_is_not_ours_proves_nothing) {
    uint8_t token[256];
    uint64_t seed = 5;
    test_random(&seed, token, sizeof token);
    for (int retry = 0; retry < 2; retry++) {
        for (size_t length = 0; length < 200; length++) {
            start(retry == 1);
            receive_from(fake_initial(DCID, (leat_span){token, length}), 1, 5000);
            if (retry == 1) {
                retry_seen seen;
                take_retry(&seen);
                ck_assert_uint_eq(connections(), 0);
            } else {
                ck_assert_uint_eq(connections(), 1);
                ck_assert(!fake_last_conn->origin.address_validated &&
                          !fake_last_conn->origin.retried);
            }
            fake_endpoint_end(&fake);
        }
    }
}
END_TEST

/* Attack A4: a good token cut at each length, altered in each byte, or made with another key. */
START_TEST(a_damaged_token_of_ours_proves_nothing) {
    start(true);
    receive_from(fake_initial(DCID, no_token), 1, 5000);
    retry_seen retry;
    take_retry(&retry);
    for (size_t length = 0; length < retry.token_length; length++) {
        retry_seen again;
        receive_from(fake_initial(retry.scid_hex, (leat_span){retry.token, length}), 1, 5000);
        ck_assert_uint_eq(connections(), 0);
        ck_assert_uint_gt(fake_reply(fake.endpoint, NULL).length, 0); /* another Retry */
        again = retry;
        again.token[length] ^= 0x10;
        receive_from(fake_initial(retry.scid_hex, token_of(&again)), 1, 5000);
        ck_assert_uint_eq(connections(), 0);
        ck_assert_uint_gt(fake_reply(fake.endpoint, NULL).length, 0);
    }
    fake_endpoint_end(&fake);
    start(true);
    fake.seed = 99;
    fake_endpoint_end(&fake);
    fake_endpoint_prepare(&fake);
    fake.config.retry = true;
    fake.seed = 4711; /* another random reset key */
    fake_endpoint_start(&fake);
    receive_from(fake_initial(retry.scid_hex, token_of(&retry)), 1, 5000);
    ck_assert_uint_eq(connections(), 0);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(tokens_outlive_a_restart_with_the_same_key) {
    static const uint8_t key[32] = {1, 2, 3};
    retry_seen retry;
    for (int run = 0; run < 2; run++) {
        fake_endpoint_prepare(&fake);
        fake.config.retry = true;
        fake.config.reset_key = key;
        fake.seed = (uint64_t)run;
        fake_endpoint_start(&fake);
        if (run == 0) {
            receive_from(fake_initial(DCID, no_token), 1, 5000);
            take_retry(&retry);
        } else {
            receive_from(fake_initial(retry.scid_hex, token_of(&retry)), 1, 5000);
            ck_assert_uint_eq(connections(), 1);
        }
        fake_endpoint_end(&fake);
    }
}
END_TEST

START_TEST(retry_begins_when_many_handshakes_are_unfinished) {
    fake_endpoint_prepare(&fake);
    fake.config.retry_above_handshakes = 2;
    fake_endpoint_start(&fake);
    receive_from(fake_initial("01 02 03 04 05 06 07 08", no_token), 1, 5000);
    leat_conn *first = fake_last_conn;
    receive_from(fake_initial("02 02 03 04 05 06 07 08", no_token), 1, 5000);
    ck_assert_uint_eq(connections(), 2);
    receive_from(fake_initial(DCID, no_token), 1, 5000);
    ck_assert_uint_eq(connections(), 2);
    retry_seen retry;
    take_retry(&retry);
    /* A validated client is let in also now. */
    receive_from(fake_initial(retry.scid_hex, token_of(&retry)), 1, 5000);
    ck_assert_uint_eq(connections(), 3);
    /* And when the load is gone, Retry is too. */
    leat_endpoint_release(fake.endpoint, first);
    leat_endpoint_release(fake.endpoint, fake_last_conn);
    receive_from(fake_initial("03 02 03 04 05 06 07 08", no_token), 1, 5000);
    ck_assert_uint_eq(connections(), 2);
    ck_assert_uint_eq(fake_reply(fake.endpoint, NULL).length, 0);
    fake_endpoint_end(&fake);
}
END_TEST

/* With the defaults: 1000 half-open handshakes are let in, then addresses are validated first. */
START_TEST(a_flood_of_initials_meets_retry_at_a_thousand) {
    start(false);
    for (unsigned i = 0; i < 1500; i++) {
        char dcid[32];
        snprintf(dcid, sizeof dcid, "%02x %02x 03 04 05 06 07 08", i / 256, i % 256);
        receive_from(fake_initial(dcid, no_token), 1, (uint16_t)(5000 + i));
        bool has_retry = fake_reply(fake.endpoint, NULL).length > 0;
        ck_assert_int_eq(has_retry, i >= 1000);
    }
    ck_assert_uint_eq(connections(), 1000);
    fake_endpoint_end(&fake);
}
END_TEST

static void complete_handshake(leat_conn *conn) {
    conn->is_complete = true;
    leat_endpoint_touch(fake.endpoint, conn);
}

/*
 * TEST RFC 9000 §8.1.3: one token for each connection, of use from the same address and any port.
 */
START_TEST(a_finished_handshake_earns_a_token_that_spares_the_retry_next_time) {
    start(true);
    receive_from(fake_initial(DCID, no_token), 1, 5000);
    retry_seen retry;
    take_retry(&retry);
    receive_from(fake_initial(retry.scid_hex, token_of(&retry)), 1, 5000);
    leat_conn *conn = fake_last_conn;
    ck_assert_uint_eq(conn->new_tokens, 0);
    complete_handshake(conn);
    complete_handshake(conn);
    ck_assert_uint_eq(conn->new_tokens, 1);
    leat_span token = {conn->new_token, conn->new_token_length};
    receive_from(fake_initial("04 02 03 04 05 06 07 08", token), 1, 6000);
    ck_assert_uint_eq(connections(), 2);
    ck_assert(fake_last_conn->origin.address_validated && !fake_last_conn->origin.retried);
    ck_assert_bytes(fake_last_conn->origin.original_dcid.bytes, 8, "04 02 03 04 05 06 07 08");
    fake_endpoint_end(&fake);
}
END_TEST

/* TEST RFC 9000 §8.1.4-4: the address is part of the token. */
/* TEST RFC 9000 §8.1.4-5: elsewhere the limit of three times holds. */
START_TEST(a_new_token_is_worth_nothing_elsewhere_or_after_its_time) {
    start(false);
    receive_from(fake_initial(DCID, no_token), 1, 5000);
    leat_conn *conn = fake_last_conn;
    complete_handshake(conn);
    leat_span token = {conn->new_token, conn->new_token_length};
    receive_from(fake_initial("05 02 03 04 05 06 07 08", token), 2, 5000);
    ck_assert(fake_last_conn != conn && !fake_last_conn->origin.address_validated);
    fake.wall_clock += LEAT_TOKEN_NEW_LIFETIME + 1;
    receive_from(fake_initial("06 02 03 04 05 06 07 08", token), 1, 5000);
    ck_assert(fake_last_conn != conn && !fake_last_conn->origin.address_validated);
    fake_endpoint_end(&fake);
}
END_TEST

/* TEST RFC 9369 §5: nor in another version; and it is not spent there. */
START_TEST(a_new_token_is_worth_nothing_in_another_version) {
    start(false);
    receive_from(fake_initial(DCID, no_token), 1, 5000);
    leat_conn *conn = fake_last_conn;
    complete_handshake(conn);
    leat_span token = {conn->new_token, conn->new_token_length};
    receive_from(initial_2("05 02 03 04 05 06 07 08", token), 1, 5000);
    ck_assert(fake_last_conn != conn && !fake_last_conn->origin.address_validated);
    receive_from(fake_initial("06 02 03 04 05 06 07 08", token), 1, 5000);
    ck_assert(fake_last_conn->origin.address_validated);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(a_failed_handshake_earns_no_token) {
    start(false);
    receive_from(fake_initial(DCID, no_token), 1, 5000);
    fake_last_conn->is_terminating = true;
    complete_handshake(fake_last_conn);
    ck_assert_uint_eq(fake_last_conn->new_tokens, 0);
    fake_endpoint_end(&fake);
}
END_TEST

/* Attack A22: what is not validated gets at most three times its bytes. */
START_TEST(stateless_replies_are_smaller_than_what_caused_them) {
    start(true);
    uint8_t cid[20] = {9};
    receive_from(
        fake_long(0xc0, LEAT_VERSION_1, (leat_span){cid, 20}, (leat_span){cid, 20}, no_token, 1200),
        1, 5000);
    leat_span reply = fake_reply(fake.endpoint, NULL);
    ck_assert_uint_gt(reply.length, 0);
    ck_assert_uint_lt(reply.length, 1200);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(the_queue_of_replies_is_bounded) {
    start(true);
    for (int i = 0; i < 10000; i++) {
        receive_from(fake_initial(DCID, no_token), 1, 5000);
    }
    ck_assert_uint_eq(fake.endpoint->replies.count, LEAT_REPLY_QUEUE);
    size_t replies = 0;
    while (fake_reply(fake.endpoint, NULL).length > 0) {
        replies++;
    }
    ck_assert_uint_eq(replies, LEAT_REPLY_QUEUE);
    fake_endpoint_end(&fake);
}
END_TEST

LEAT_TEST_MAIN("quic/endpoint retry", retry_is_sent_in_the_clients_version,
               a_retry_token_is_good_for_its_version,
               with_retry_the_first_initial_costs_no_connection,
               the_retried_initial_opens_a_connection_with_a_validated_address,
               the_retry_scid_is_drawn_again_when_it_equals_the_clients_dcid,
               a_retry_token_of_another_address_is_refused_with_invalid_token,
               an_expired_retry_token_is_refused_with_invalid_token,
               a_retry_token_is_good_for_its_own_attempt_only, refusals_are_rate_limited,
               a_token_that_is_not_ours_proves_nothing, a_damaged_token_of_ours_proves_nothing,
               tokens_outlive_a_restart_with_the_same_key,
               retry_begins_when_many_handshakes_are_unfinished,
               a_flood_of_initials_meets_retry_at_a_thousand,
               a_finished_handshake_earns_a_token_that_spares_the_retry_next_time,
               a_new_token_is_worth_nothing_elsewhere_or_after_its_time,
               a_new_token_is_worth_nothing_in_another_version, a_failed_handshake_earns_no_token,
               stateless_replies_are_smaller_than_what_caused_them,
               the_queue_of_replies_is_bounded)
