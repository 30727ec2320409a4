/*
 * RFC 8879: certificates compressed with zlib, in both directions: a pair of ours, then messages
 * written by hand that are not what they say. Built only where zlib is.
 */
#include "tls_pair.h"

#define ZLIB 1

static void init(tls_pair *pair) {
    tls_pair_init(pair);
    tls_pair_ask(pair, LEAT_CLIENT_AUTH_REQUIRE);
    pair->client.config.certificate_compression = true;
    pair->server.config.certificate_compression = true;
}

static bool has_sent(const tls_side *side, uint8_t type) {
    return memchr(side->messages, type, side->message_count) != NULL;
}

static void check_sent(const tls_side *side, bool compressed) {
    ck_assert_int_eq(has_sent(side, LEAT_COMPRESSED_CERTIFICATE), compressed);
    ck_assert_int_eq(has_sent(side, LEAT_CERTIFICATE), !compressed);
}

static void check_peer(const tls_side *side, const leat_identity *identity) {
    leat_span seen = leat_tls_peer_certificate(side->tls, 0);
    leat_span der = leat_identity_chain_der(identity, 0);
    ck_assert_uint_eq(seen.length, der.length);
    ck_assert_mem_eq(seen.data, der.data, der.length);
}

/* TEST RFC 8879 §3, §4: the transcript has the message as it was sent, else nobody would agree. */
START_TEST(both_certificates_travel_compressed) {
    for (int retried = 0; retried < 2; retried++) {
        tls_pair pair;
        init(&pair);
        pair.server.config.force_hello_retry_request = retried;
        pair.cut = 5;
        run_to_completion(&pair);
        check_sent(&pair.client, true);
        check_sent(&pair.server, true);
        check_peer(&pair.client, pair.identities[0]);
        check_peer(&pair.server, pair.client_identities[0]);
        tls_pair_free(&pair);
    }
}
END_TEST

/* TEST RFC 8879 §3: who does not offer it gets a plain one; who does not want it sends one. */
START_TEST(one_side_alone_compresses_nothing) {
    for (int of_client = 0; of_client < 2; of_client++) {
        tls_pair pair;
        init(&pair);
        pair.client.config.certificate_compression = of_client;
        pair.server.config.certificate_compression = !of_client;
        run_to_completion(&pair);
        check_sent(&pair.client, false);
        check_sent(&pair.server, false);
        tls_pair_free(&pair);
    }
}
END_TEST

START_TEST(a_client_without_certificate_sends_an_empty_one_plain) {
    tls_pair pair;
    init(&pair);
    pair.server.config.client_auth = LEAT_CLIENT_AUTH_REQUEST;
    pair.client.config.identity_count = 0;
    run_to_completion(&pair);
    check_sent(&pair.client, false);
    check_sent(&pair.server, true);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_chain_that_does_not_shrink_is_sent_plain) {
    tls_pair pair;
    init(&pair);
    ck_assert(leat_identity_keep(pair.identities[0], ZLIB, (leat_span){(const uint8_t *)"", 0}));
    run_to_completion(&pair);
    check_sent(&pair.server, false);
    check_sent(&pair.client, true);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_chain_is_compressed_once_for_each_identity) {
    size_t allocations[3];
    tls_pair pair;
    init(&pair);
    for (int i = 0; i < 3; i++) {
        test_memory memory;
        test_memory_init(&memory);
        pair.server.config.allocator = &memory.allocator;
        run_to_completion(&pair);
        check_sent(&pair.server, true);
        allocations[i] = memory.allocations;
        tls_pair_restart(&pair);
        ck_assert_uint_eq(memory.live, 0);
    }
    ck_assert_uint_lt(allocations[1], allocations[0]);
    ck_assert_uint_eq(allocations[2], allocations[1]);
    tls_pair_free(&pair);
}
END_TEST

/* A side where the peer's certificate is what comes next. */
static tls_side *wait_for_certificate(tls_pair *pair, bool of_client, bool offered) {
    tls_side *side = of_client ? &pair->client : &pair->server;
    init(pair);
    side->config.certificate_compression = offered;
    tls_pair_start(pair);
    tls_pair_carry(pair, &pair->client, &pair->server, LEAT_LEVEL_INITIAL);
    tls_pair_carry(pair, &pair->server, &pair->client, LEAT_LEVEL_INITIAL);
    if (of_client) {
        leat_span flight = leat_tls_output(pair->server.tls, LEAT_LEVEL_HANDSHAKE);
        flight.length = 4 + ((size_t)flight.data[2] << 8 | flight.data[3]);
        leat_tls_receive(side->tls, LEAT_LEVEL_HANDSHAKE, flight);
    }
    ck_assert_int_eq(side->tls->state, of_client ? LEAT_CLIENT_HAS_EXTENSIONS : LEAT_SERVER_ASKED);
    return side;
}

static int give(bool of_client, bool offered, leat_span body) {
    tls_pair pair;
    uint8_t header[4] = {LEAT_COMPRESSED_CERTIFICATE, 0, (uint8_t)(body.length >> 8),
                         (uint8_t)body.length};
    tls_side *side = wait_for_certificate(&pair, of_client, offered);
    int alert = leat_tls_receive(side->tls, LEAT_LEVEL_HANDSHAKE,
                                 (leat_span){header, sizeof header});
    if (alert == LEAT_ALERT_NONE) {
        alert = leat_tls_receive(side->tls, LEAT_LEVEL_HANDSHAKE, body);
    }
    ck_assert(!leat_tls_is_complete(side->tls));
    tls_pair_free(&pair);
    return alert;
}

/* An empty Certificate, 00 000000, as RFC 1950 stores it: what it means is judged later. */
#define EMPTY "78 01 01 04 00 fb ff 00 00 00 00 00 04 00 01"

/* TEST RFC 8879 §4, §5 */
START_TEST(a_malformed_compressed_certificate_gives_its_alert) {
    enum {
        ABSENT = 0, /* read, and then judged as a plain one: see below */
        DECODE = LEAT_ALERT_DECODE_ERROR,
        ILLEGAL = LEAT_ALERT_ILLEGAL_PARAMETER,
        BAD = LEAT_ALERT_BAD_CERTIFICATE,
    };
    static const struct {
        const char *body;
        int alert;
    } rows[] = {
        {"0001 000004 00000f " EMPTY, ABSENT},
        {"0001 000004 00000f " EMPTY " 00", DECODE},  /* a byte left over */
        {"0001 000004 00000e " EMPTY, DECODE},
        {"0001 000004 000010 " EMPTY, DECODE},
        {"0001 000004 000000", DECODE},
        {"0000 000004 00000f " EMPTY, ILLEGAL},
        {"0002 000004 00000f " EMPTY, ILLEGAL},       /* brotli */
        {"0003 000004 00000f " EMPTY, ILLEGAL},       /* zstd */
        {"1a1a 000004 00000f " EMPTY, ILLEGAL},
        {"0001 000003 00000f " EMPTY, BAD},           /* longer than it says */
        {"0001 000005 00000f " EMPTY, BAD},           /* shorter */
        {"0001 000000 00000f " EMPTY, BAD},
        {"0001 010001 00000f " EMPTY, BAD},           /* above the bound of a Certificate */
        {"0001 ffffff 00000f " EMPTY, BAD},
        {"0001 000004 000010 " EMPTY " 00", BAD},     /* a byte left over within */
        {"0001 000004 00000e 78 01 01 04 00 fb ff 00 00 00 00 00 04 00", BAD},    /* cut */
        {"0001 000004 00000f 78 01 01 04 00 fb ff 00 00 00 00 00 04 00 02", BAD}, /* checksum */
        {"0001 000004 00000f 78 01 07 04 00 fb ff 00 00 00 00 00 04 00 01", BAD}, /* block type */
        {"0001 000004 000009 01 04 00 fb ff 00 00 00 00", BAD},                   /* no header */
        /* a dictionary */
        {"0001 000004 000013 78 20 00 00 00 01 01 04 00 fb ff 00 00 00 00 00 04 00 01", BAD},
        {"0001 000000 00000b 78 01 01 00 00 ff ff 00 00 00 01", DECODE},          /* nothing */
        {"0001 000005 000010 78 01 01 05 00 fa ff 00 00 00 00 00 00 05 00 01", DECODE},
        {"0001 000005 000010 78 01 01 05 00 fa ff 01 aa 00 00 00 02 b2 00 ac", ILLEGAL}, /* a context */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int of_client = 0; of_client < 2; of_client++) {
            /* RFC 8446 §4.4.2.4 */
            int absent = of_client ? LEAT_ALERT_DECODE_ERROR : LEAT_ALERT_CERTIFICATE_REQUIRED;
            int expected = rows[i].alert == ABSENT ? absent : rows[i].alert;
            int alert = give(of_client, true, test_hex(rows[i].body));
            ck_assert_msg(alert == expected, "row %zu: %s", i, leat_alert_name(alert));
        }
    }
}
END_TEST

START_TEST(every_cut_of_a_compressed_certificate_is_decode_error) {
    leat_span whole = test_hex("0001 000004 00000f " EMPTY);
    for (size_t length = 0; length < whole.length; length++) {
        ck_assert_int_eq(give(length % 2, true, (leat_span){whole.data, length}),
                         LEAT_ALERT_DECODE_ERROR);
    }
}
END_TEST

/* TEST RFC 8446 §4: a message of an extension that this side did not offer. */
START_TEST(a_compressed_certificate_that_was_not_offered_is_unexpected) {
    for (int of_client = 0; of_client < 2; of_client++) {
        ck_assert_int_eq(give(of_client, false, test_hex("0001 000004 00000f " EMPTY)),
                         LEAT_ALERT_UNEXPECTED_MESSAGE);
    }
}
END_TEST

/* A message with `length` zeros in it that says it has `announced`. */
static int give_zeros(size_t length, size_t announced) {
    uint8_t body[8 + 4096];
    uint8_t *zeros = calloc(1, length);
    size_t written = sizeof body - 8;
    ck_assert_int_eq(leat_compression_zlib.compress(NULL, (leat_span){zeros, length}, body + 8,
                                                    &written),
                     LEAT_COMPRESSION_DONE);
    leat_writer writer = leat_writer_make(body, 8);
    leat_write_u16(&writer, ZLIB);
    leat_write_u24(&writer, (uint32_t)announced);
    leat_write_u24(&writer, (uint32_t)written);
    free(zeros);
    return give(true, true, (leat_span){body, 8 + written});
}

/* TEST RFC 8879 §5 */
START_TEST(a_certificate_that_grows_beyond_its_bound_is_bad_certificate) {
    ck_assert_int_eq(give_zeros(LEAT_TLS_MESSAGE_MAX, LEAT_TLS_MESSAGE_MAX),
                     LEAT_ALERT_DECODE_ERROR); /* allowed, and then nonsense */
    ck_assert_int_eq(give_zeros(LEAT_TLS_MESSAGE_MAX + 1, LEAT_TLS_MESSAGE_MAX + 1),
                     LEAT_ALERT_BAD_CERTIFICATE);
    ck_assert_int_eq(give_zeros(1000000, 100), LEAT_ALERT_BAD_CERTIFICATE);
    ck_assert_int_eq(give_zeros(1000000, LEAT_TLS_MESSAGE_MAX), LEAT_ALERT_BAD_CERTIFICATE);
}
END_TEST

START_TEST(decompression_never_writes_past_the_end) {
    leat_span stored = test_hex(EMPTY);
    for (size_t room = 0; room < 6; room++) {
        uint8_t out[8];
        memset(out, 0xee, sizeof out);
        ck_assert_int_eq(leat_compression_zlib.decompress(NULL, stored, out, room),
                         room == 4 ? LEAT_COMPRESSION_DONE : LEAT_COMPRESSION_FAILED);
        for (size_t i = room; i < sizeof out; i++) {
            ck_assert_uint_eq(out[i], 0xee);
        }
    }
}
END_TEST

START_TEST(compression_that_does_not_fit_fails) {
    uint8_t noise[64], out[64];
    uint64_t seed = 7;
    size_t length = sizeof out;
    ck_assert(test_random(&seed, noise, sizeof noise));
    ck_assert_int_eq(leat_compression_zlib.compress(NULL, (leat_span){noise, sizeof noise}, out,
                                                    &length),
                     LEAT_COMPRESSION_FAILED);
}
END_TEST

/* TEST RFC 8879 §3: the first of ours in the peer's list, whatever else stands there. */
START_TEST(an_algorithm_is_chosen_from_the_list) {
    ck_assert_ptr_eq(leat_compression_choose(test_hex("1a1a 0002 0001")), &leat_compression_zlib);
    ck_assert_ptr_null(leat_compression_choose(test_hex("0002 0003")));
    ck_assert_ptr_null(leat_compression_choose((leat_span){NULL, 0}));
}
END_TEST

LEAT_TEST_MAIN("crypto/tls compression", both_certificates_travel_compressed,
               one_side_alone_compresses_nothing,
               a_client_without_certificate_sends_an_empty_one_plain,
               a_chain_that_does_not_shrink_is_sent_plain,
               a_chain_is_compressed_once_for_each_identity,
               a_malformed_compressed_certificate_gives_its_alert,
               every_cut_of_a_compressed_certificate_is_decode_error,
               a_compressed_certificate_that_was_not_offered_is_unexpected,
               a_certificate_that_grows_beyond_its_bound_is_bad_certificate,
               decompression_never_writes_past_the_end, compression_that_does_not_fit_fails,
               an_algorithm_is_chosen_from_the_list)
