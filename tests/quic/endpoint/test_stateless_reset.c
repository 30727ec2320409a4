/* Stateless reset, sent and recognised: RFC 9000 §10.3. */
#include "fake_conn.h"

static fake_endpoint fake;
static const leat_span no_token;
static const uint8_t reset_key[32] = {7, 7, 7};

static void start(uint64_t seed) {
    fake_endpoint_prepare(&fake);
    fake.config.reset_key = reset_key;
    fake.seed = seed;
    fake_endpoint_start(&fake);
}

static void receive(leat_span datagram, leat_time now) {
    leat_path path = fake_path(1, 5000);
    fake_receive(fake.endpoint, datagram, &path, now);
}

/* TEST RFC 9000 §10.3.2: the token a connection announced is the token a restarted server sends. */
START_TEST(a_restarted_server_resets_connections_of_its_former_life) {
    start(1);
    receive(fake_initial("01 02 03 04 05 06 07 08", no_token), 0);
    leat_cid cid = fake_last_conn->cid;
    uint8_t token[16];
    memcpy(token, fake_last_conn->reset_token, 16);
    fake_endpoint_end(&fake);
    start(2);
    receive(fake_short(leat_cid_span(&cid), 100), 0);
    leat_span reset = fake_reply(fake.endpoint, NULL);
    ck_assert_uint_ge(reset.length, 21);
    ck_assert_str_eq(test_to_hex(reset.data + reset.length - 16, 16), test_to_hex(token, 16));
    /* TEST RFC 9000 §10.3-7: the form of a short header. */
    ck_assert_uint_eq(reset.data[0] & 0xc0, 0x40);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(another_key_gives_other_tokens) {
    uint8_t a[16], b[16], c[16];
    leat_cid cid = {.length = 8, .bytes = {1, 2, 3, 4, 5, 6, 7, 8}},
             other = {.length = 8, .bytes = {2}};
    start(1);
    ck_assert(leat_endpoint_reset_token(fake.endpoint, leat_cid_span(&cid), a));
    ck_assert(leat_endpoint_reset_token(fake.endpoint, leat_cid_span(&other), b));
    ck_assert_mem_ne(a, b, 16);
    fake_endpoint_end(&fake);
    fake_endpoint_prepare(&fake);
    fake_endpoint_start(&fake);
    ck_assert(leat_endpoint_reset_token(fake.endpoint, leat_cid_span(&cid), c));
    ck_assert_mem_ne(a, c, 16);
    fake_endpoint_end(&fake);
}
END_TEST

/* TEST RFC 9000 §10.3.3-1: attack C19. */
/* TEST RFC 9000 §10.3-4: up to 43 bytes, one byte shorter. */
/* TEST RFC 9000 §10.3-5: never larger than three times its cause. */
START_TEST(a_reset_is_shorter_than_what_caused_it_and_never_below_21_bytes) {
    start(1);
    leat_cid cid = {.length = 8, .bytes = {9}};
    for (size_t size = 1; size <= 1500; size++) {
        receive(fake_short(leat_cid_span(&cid), size), size * LEAT_SECOND);
        leat_span reset = fake_reply(fake.endpoint, NULL);
        if (size < 22) {
            ck_assert_uint_eq(reset.length, 0);
        } else if (size <= 43) {
            ck_assert_uint_eq(reset.length, size - 1);
        } else {
            ck_assert_uint_eq(reset.length, 42);
        }
    }
    fake_endpoint_end(&fake);
}
END_TEST

/* Attack C19: both sides have lost their state. */
START_TEST(two_endpoints_without_state_fall_silent) {
    static fake_endpoint other;
    start(1);
    fake_endpoint_prepare(&other);
    fake_endpoint_start(&other);
    leat_path path = fake_path(1, 5000);
    uint8_t packet[1500];
    leat_cid cid = {.length = 8, .bytes = {9}};
    leat_span next = fake_short(leat_cid_span(&cid), 1200);
    int exchanges = 0;
    for (; next.length > 0; exchanges++) {
        ck_assert_int_lt(exchanges, 100);
        size_t length = next.length;
        memcpy(packet, next.data, length);
        leat_endpoint *to = exchanges % 2 == 0 ? fake.endpoint : other.endpoint;
        fake_receive(to, (leat_span){packet, length}, &path, 0);
        next = fake_reply(to, NULL);
    }
    ck_assert_int_gt(exchanges, 2);
    leat_endpoint_free(other.endpoint);
    fake_endpoint_end(&fake);
}
END_TEST

/* Attack C20. */
START_TEST(resets_are_rate_limited_and_the_rate_comes_back) {
    start(1);
    leat_cid cid = {.length = 8, .bytes = {9}};
    size_t resets = 0;
    for (uint32_t i = 0; i < 1000000; i++) {
        memcpy(cid.bytes, &i, 4);
        receive(fake_short(leat_cid_span(&cid), 50), 0);
        resets += fake_reply(fake.endpoint, NULL).length > 0 ? 1 : 0;
    }
    ck_assert_uint_eq(resets, LEAT_REPLY_BURST);
    for (uint32_t i = 0; i < 10000; i++) {
        receive(fake_short(leat_cid_span(&cid), 50), 100 * LEAT_MILLISECOND);
        resets += fake_reply(fake.endpoint, NULL).length > 0 ? 1 : 0;
    }
    ck_assert_uint_eq(resets, LEAT_REPLY_BURST + LEAT_REPLY_RATE / 10);
    for (uint32_t i = 0; i < 10000; i++) {
        receive(fake_short(leat_cid_span(&cid), 50), 3600 * LEAT_SECOND);
        resets += fake_reply(fake.endpoint, NULL).length > 0 ? 1 : 0;
    }
    ck_assert_uint_eq(resets, 2 * LEAT_REPLY_BURST + LEAT_REPLY_RATE / 10);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(long_headers_are_never_answered_with_a_reset) {
    start(1);
    for (unsigned first = 0x80; first <= 0xff; first++) {
        receive(fake_long((uint8_t)first, LEAT_VERSION_1, test_hex("0102030405060708"),
                          test_hex("5c"), no_token, 600),
                0);
        ck_assert_uint_eq(fake_reply(fake.endpoint, NULL).length, 0);
    }
    fake_endpoint_end(&fake);
}
END_TEST

/* Attack C18: as long as a connection lives, its token stays secret. */
START_TEST(a_packet_for_a_living_connection_is_never_answered_with_a_reset) {
    start(1);
    receive(fake_initial("01 02 03 04 05 06 07 08", no_token), 0);
    leat_cid cid = fake_last_conn->cid;
    for (size_t size = 9; size < 100; size++) {
        receive(fake_short(leat_cid_span(&cid), size), 0);
    }
    ck_assert_uint_eq(fake_reply(fake.endpoint, NULL).length, 0);
    ck_assert_uint_eq(fake_last_conn->received, 92);
    fake_endpoint_end(&fake);
}
END_TEST

/* ---- recognising ---- */

static leat_conn *connect_client(uint8_t host) {
    int error = LEAT_OK;
    leat_config client = {
        .size = sizeof client, .is_client = true, .allocator = &fake.memory.allocator};
    leat_path path = fake_path(host, 443);
    leat_conn *conn = leat_endpoint_connect(fake.endpoint, &client, &path, 0, &error);
    ck_assert_ptr_nonnull(conn);
    return conn;
}

static void watch(leat_conn *conn, const uint8_t token[16], bool watched) {
    conn->owner.watch_reset_token(conn->owner.user, conn, token, watched);
}

static leat_span reset_with(const uint8_t token[16], size_t size) {
    leat_cid nobody = {.length = 8, .bytes = {0xfe, 0xfe}};
    leat_span datagram = fake_short(leat_cid_span(&nobody), size);
    memcpy((uint8_t *)(uintptr_t)datagram.data + size - 16, token, 16);
    return datagram;
}

static const uint8_t token_a[16] = {0xa, 1}, token_b[16] = {0xb, 2}, token_zero[16];

/* TEST RFC 9000 §10.3.1-1: the packet of nobody is looked at for a token. */
START_TEST(a_reset_with_a_token_in_use_reaches_its_connection) {
    start(1);
    leat_conn *a = connect_client(1), *b = connect_client(2);
    watch(a, token_a, true);
    watch(b, token_b, true);
    for (bool is_new; leat_endpoint_next_ready(fake.endpoint, &is_new) != NULL;) {}
    receive(reset_with(token_b, 21), 0);
    ck_assert_uint_eq(a->resets_seen, 0);
    ck_assert_uint_eq(b->resets_seen, 1);
    bool is_new;
    ck_assert_ptr_eq(leat_endpoint_next_ready(fake.endpoint, &is_new), b);
    receive(reset_with(token_a, 1200), 0);
    ck_assert_uint_eq(a->resets_seen, 1);
    /* No answer to a reset. */
    ck_assert_uint_eq(fake_reply(fake.endpoint, NULL).length, 0);
    fake_endpoint_end(&fake);
}
END_TEST

/* TEST RFC 9000 §10.3.1-2: attack C17. */
START_TEST(tokens_that_are_retired_unknown_or_zero_end_nothing) {
    start(1);
    leat_conn *a = connect_client(1);
    watch(a, token_a, true);
    watch(a, token_a, false);
    receive(reset_with(token_a, 100), 0);
    receive(reset_with(token_b, 100), 0);
    receive(reset_with(token_zero, 100), 0);
    ck_assert_uint_eq(a->resets_seen, 0);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(a_datagram_too_short_for_a_reset_ends_nothing) {
    start(1);
    leat_conn *a = connect_client(1);
    watch(a, token_a, true);
    receive(reset_with(token_a, 20), 0);
    ck_assert_uint_eq(a->resets_seen, 0);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(a_peer_that_copies_anothers_token_takes_nothing_from_it) {
    start(1);
    leat_conn *a = connect_client(1), *b = connect_client(2);
    watch(a, token_a, true);
    watch(b, token_a, true);
    watch(b, token_a, false);
    leat_endpoint_release(fake.endpoint, b);
    receive(reset_with(token_a, 100), 0);
    ck_assert_uint_eq(a->resets_seen, 1);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(tokens_of_one_connection_are_bounded) {
    start(1);
    leat_conn *a = connect_client(1);
    for (uint8_t i = 0; i < 200; i++) {
        uint8_t token[16] = {i, 1};
        watch(a, token, true);
    }
    ck_assert_uint_lt(fake.endpoint->reset_tokens.count, LEAT_KEYS_PER_CONNECTION);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(the_token_goes_with_its_connection) {
    start(1);
    leat_conn *a = connect_client(1);
    watch(a, token_a, true);
    leat_endpoint_release(fake.endpoint, a);
    ck_assert_uint_eq(fake.endpoint->reset_tokens.count, 0);
    receive(reset_with(token_a, 100), 0);
    fake_endpoint_end(&fake);
}
END_TEST

LEAT_TEST_MAIN("quic/endpoint stateless_reset",
               a_restarted_server_resets_connections_of_its_former_life,
               another_key_gives_other_tokens,
               a_reset_is_shorter_than_what_caused_it_and_never_below_21_bytes,
               two_endpoints_without_state_fall_silent,
               resets_are_rate_limited_and_the_rate_comes_back,
               long_headers_are_never_answered_with_a_reset,
               a_packet_for_a_living_connection_is_never_answered_with_a_reset,
               a_reset_with_a_token_in_use_reaches_its_connection,
               tokens_that_are_retired_unknown_or_zero_end_nothing,
               a_datagram_too_short_for_a_reset_ends_nothing,
               a_peer_that_copies_anothers_token_takes_nothing_from_it,
               tokens_of_one_connection_are_bounded, the_token_goes_with_its_connection)
