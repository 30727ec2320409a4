/* RFC 8446 §4.3.2, §4.4.2, §4.4.3: client certificates, by clients that tell the truth and by others. */
#include "fixture.h"
#include "tls_pair.h"

#define YEAR (INT64_C(365) * 86400)

static void init(tls_pair *pair, leat_client_auth client_auth) {
    tls_pair_init(pair);
    tls_pair_ask(pair, client_auth);
}

static void replace_client_identity(tls_pair *pair, leat_identity *identity) {
    leat_identity_free(pair->client_identities[0]);
    pair->client_identities[0] = identity;
}

static void trust_anything(tls_pair *pair) {
    leat_trust_free(pair->server.config.trust);
    pair->server.config.trust = leat_trust_insecure_accept_anything();
}

static void assert_server_knows(const tls_pair *pair, const leat_identity *identity) {
    uint8_t expected[32], hash[32];
    leat_identity_hash(identity, expected);
    ck_assert(leat_tls_peer_leaf_hash(pair->server.tls, hash));
    ck_assert_mem_eq(hash, expected, sizeof hash);
}

/* ---- those that work ------------------------------------------------------------------------- */

START_TEST(a_client_shows_its_certificate_and_signs) {
    static const uint8_t server_flight[] = {LEAT_SERVER_HELLO, LEAT_ENCRYPTED_EXTENSIONS,
                                            LEAT_CERTIFICATE_REQUEST, LEAT_CERTIFICATE,
                                            LEAT_CERTIFICATE_VERIFY, LEAT_FINISHED};
    static const uint8_t client_flight[] = {LEAT_CLIENT_HELLO, LEAT_CERTIFICATE,
                                            LEAT_CERTIFICATE_VERIFY, LEAT_FINISHED};
    for (int cut = 0; cut < 2; cut++) {
        tls_pair pair;
        init(&pair, LEAT_CLIENT_AUTH_REQUIRE);
        pair.cut = (size_t)cut;
        run_to_completion(&pair);
        ck_assert_uint_eq(pair.server.message_count, sizeof server_flight);
        ck_assert_mem_eq(pair.server.messages, server_flight, sizeof server_flight);
        ck_assert_uint_eq(pair.client.message_count, sizeof client_flight);
        ck_assert_mem_eq(pair.client.messages, client_flight, sizeof client_flight);
        leat_span shown = leat_tls_peer_certificate(pair.server.tls, 0);
        leat_span sent = leat_identity_chain_der(pair.client_identities[0], 0);
        ck_assert_uint_eq(shown.length, sent.length);
        ck_assert_mem_eq(shown.data, sent.data, sent.length);
        ck_assert_uint_eq(leat_tls_peer_certificate(pair.server.tls, 1).length, 0);
        assert_server_knows(&pair, pair.client_identities[0]);
        tls_pair_free(&pair);
    }
}
END_TEST

START_TEST(nobody_is_asked_unless_the_server_is_told_to) {
    tls_pair pair;
    uint8_t hash[32];
    init(&pair, LEAT_CLIENT_AUTH_NONE);
    run_to_completion(&pair);
    ck_assert_ptr_null(memchr(pair.server.messages, LEAT_CERTIFICATE_REQUEST,
                              pair.server.message_count));
    ck_assert_uint_eq(leat_tls_peer_certificate(pair.server.tls, 0).length, 0);
    ck_assert(!leat_tls_peer_leaf_hash(pair.server.tls, hash));
    ck_assert(leat_tls_peer_leaf_hash(pair.client.tls, hash));
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_server_that_only_requests_goes_on_without) {
    tls_pair pair;
    uint8_t hash[32];
    static const uint8_t flight[] = {LEAT_CLIENT_HELLO, LEAT_CERTIFICATE, LEAT_FINISHED};
    init(&pair, LEAT_CLIENT_AUTH_REQUEST);
    pair.client.config.identity_count = 0;
    run_to_completion(&pair);
    ck_assert_uint_eq(pair.client.message_count, sizeof flight);
    ck_assert_mem_eq(pair.client.messages, flight, sizeof flight);
    ck_assert(!leat_tls_peer_leaf_hash(pair.server.tls, hash));
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_client_with_any_kind_of_key_can_sign) {
    static const char *const names[] = {"p256", "p384", "rsa", "ed25519"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        tls_pair pair;
        init(&pair, LEAT_CLIENT_AUTH_REQUIRE);
        replace_client_identity(&pair, test_identity(names[i]));
        trust_anything(&pair);
        run_to_completion(&pair);
        assert_server_knows(&pair, pair.client_identities[0]);
        tls_pair_free(&pair);
    }
}
END_TEST

START_TEST(client_certificates_work_after_a_hello_retry_request) {
    tls_pair pair;
    init(&pair, LEAT_CLIENT_AUTH_REQUIRE);
    pair.server.config.force_hello_retry_request = true;
    run_to_completion(&pair);
    ck_assert(leat_tls_retried(pair.server.tls));
    assert_server_knows(&pair, pair.client_identities[0]);
    tls_pair_free(&pair);
}
END_TEST

/* TEST RFC 8446 §7.5 */
START_TEST(both_roles_export_the_same_after_client_authentication) {
    tls_pair pair;
    uint8_t of_client[32], of_server[32];
    init(&pair, LEAT_CLIENT_AUTH_REQUIRE);
    run_to_completion(&pair);
    leat_span context = test_hex("01 02");
    ck_assert_int_eq(leat_tls_export(pair.client.tls, "EXPORTER-a", context, of_client, 32), 0);
    ck_assert_int_eq(leat_tls_export(pair.server.tls, "EXPORTER-a", context, of_server, 32), 0);
    ck_assert_mem_eq(of_client, of_server, 32);
    ck_assert_int_eq(leat_tls_export(pair.server.tls, "EXPORTER-b", context, of_server, 32), 0);
    ck_assert_mem_ne(of_client, of_server, 32);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_server_without_trust_cannot_ask) {
    tls_pair pair;
    init(&pair, LEAT_CLIENT_AUTH_REQUEST);
    leat_tls_config config = pair.server.config;
    config.trust = NULL;
    ck_assert_ptr_null(leat_tls_new(&config, NULL));
    tls_pair_free(&pair);
}
END_TEST

/* ---- those that are refused ------------------------------------------------------------------ */

/* RFC 8446 §4.4: the client is complete once its Finished is sent: only the server knows better. */
static void run_to_refusal(tls_pair *pair, int alert) {
    tls_pair_start(pair);
    tls_pair_run(pair);
    ck_assert_int_eq(pair->client.alert, LEAT_ALERT_NONE);
    ck_assert_str_eq(leat_alert_name(pair->server.alert), leat_alert_name(alert));
    ck_assert(!leat_tls_is_complete(pair->server.tls));
    ck_assert(!pair->server.has_secret[LEAT_LEVEL_APPLICATION][false]);
    tls_pair_free(pair);
}

/* TEST RFC 8446 §4.4.2.4 */
START_TEST(a_client_without_a_certificate_is_refused_where_one_is_required) {
    tls_pair pair;
    init(&pair, LEAT_CLIENT_AUTH_REQUIRE);
    pair.client.config.identity_count = 0;
    run_to_refusal(&pair, LEAT_ALERT_CERTIFICATE_REQUIRED);
}
END_TEST

START_TEST(a_certificate_that_is_shown_must_be_good_even_if_none_is_required) {
    tls_pair pair;
    init(&pair, LEAT_CLIENT_AUTH_REQUEST);
    leat_trust_free(pair.server.config.trust);
    pair.server.config.trust = fixture_trust("other-root");
    run_to_refusal(&pair, LEAT_ALERT_UNKNOWN_CA);
}
END_TEST

START_TEST(a_certificate_for_servers_is_not_one_for_clients) {
    tls_pair pair;
    init(&pair, LEAT_CLIENT_AUTH_REQUIRE);
    replace_client_identity(&pair, fixture_identity("server"));
    run_to_refusal(&pair, LEAT_ALERT_UNSUPPORTED_CERTIFICATE);
}
END_TEST

START_TEST(a_client_certificate_out_of_its_time_is_certificate_expired) {
    static const int64_t times[] = {NOW - 10 * YEAR, NOW + 150 * YEAR};
    for (size_t i = 0; i < 2; i++) {
        tls_pair pair;
        init(&pair, LEAT_CLIENT_AUTH_REQUIRE);
        pair.server.config.now = times[i];
        run_to_refusal(&pair, LEAT_ALERT_CERTIFICATE_EXPIRED);
    }
}
END_TEST

START_TEST(the_application_may_refuse_a_valid_client) {
    tls_pair pair;
    init(&pair, LEAT_CLIENT_AUTH_REQUIRE);
    pair.server.refuses_peer = true;
    tls_pair_start(&pair);
    tls_pair_run(&pair);
    ck_assert_int_eq(pair.server.alert, LEAT_ALERT_ACCESS_DENIED);
    ck_assert_uint_eq(pair.server.seen_leaf_length,
                      leat_identity_chain_der(pair.client_identities[0], 0).length);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(the_application_may_refuse_a_valid_server) {
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client.refuses_peer = true;
    run_to_failure(&pair, LEAT_ALERT_ACCESS_DENIED, LEAT_ALERT_NONE);
}
END_TEST

START_TEST(a_peer_that_the_trust_refuses_is_not_shown_to_the_application) {
    tls_pair pair;
    init(&pair, LEAT_CLIENT_AUTH_REQUIRE);
    pair.server.refuses_peer = true;
    replace_client_identity(&pair, fixture_identity("server"));
    tls_pair_start(&pair);
    tls_pair_run(&pair);
    ck_assert_int_eq(pair.server.alert, LEAT_ALERT_UNSUPPORTED_CERTIFICATE);
    ck_assert_uint_eq(pair.server.seen_leaf_length, 0);
    tls_pair_free(&pair);
}
END_TEST

/* TEST RFC 8446 §4.4.2.3: a request that our key cannot satisfy is answered with an empty chain. */
START_TEST(a_client_whose_key_does_not_fit_the_request_shows_nothing) {
    static const struct {
        const char *request;
        size_t answers; /* messages of the client's second flight */
    } rows[] = {
        {"0d 00 00 0b 00 00 08 00 0d 00 04 00 02 04 03", 3},
        {"0d 00 00 0b 00 00 08 00 0d 00 04 00 02 08 04", 2},
        {"0d 00 00 0b 00 00 08 00 0d 00 04 00 02 3a 3a", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tls_pair pair;
        init(&pair, LEAT_CLIENT_AUTH_NONE);
        tls_pair_start(&pair);
        pair.client.tls->state = LEAT_CLIENT_HAS_EXTENSIONS;
        leat_transcript_choose(&pair.client.tls->handshake->transcript, LEAT_HASH_SHA256);
        ck_assert_int_eq(leat_tls_receive(pair.client.tls, LEAT_LEVEL_HANDSHAKE,
                                          test_hex(rows[i].request)),
                         LEAT_ALERT_NONE);
        ck_assert_int_eq(pair.client.tls->handshake->identity != NULL, rows[i].answers == 3);
        tls_pair_free(&pair);
    }
}
END_TEST

START_TEST(a_client_with_several_certificates_uses_the_one_that_fits) {
    tls_pair pair;
    init(&pair, LEAT_CLIENT_AUTH_NONE);
    pair.client_identities[1] = test_identity("rsa");
    pair.client.config.identity_count = 2;
    tls_pair_start(&pair);
    pair.client.tls->state = LEAT_CLIENT_HAS_EXTENSIONS;
    ck_assert(leat_transcript_choose(&pair.client.tls->handshake->transcript, LEAT_HASH_SHA256));
    ck_assert_int_eq(
        leat_tls_receive(pair.client.tls, LEAT_LEVEL_HANDSHAKE,
                         test_hex("0d 00 00 0d 00 00 0a 00 0d 00 06 00 04 3a 3a 08 05")),
        LEAT_ALERT_NONE);
    ck_assert_ptr_eq(pair.client.tls->handshake->identity, pair.client_identities[1]);
    ck_assert_uint_eq(pair.client.tls->handshake->scheme, LEAT_SIG_RSA_PSS_RSAE_SHA384);
    tls_pair_free(&pair);
}
END_TEST

/* ---- clients that lie ------------------------------------------------------------------------ */

/* The client's flight as it would be sent, for the server to be given changed. */
static leat_span take_flight(tls_pair *pair) {
    tls_pair_start(pair);
    tls_pair_carry(pair, &pair->client, &pair->server, LEAT_LEVEL_INITIAL);
    tls_pair_carry(pair, &pair->server, &pair->client, LEAT_LEVEL_INITIAL);
    tls_pair_carry(pair, &pair->server, &pair->client, LEAT_LEVEL_HANDSHAKE);
    leat_span flight = leat_tls_output(pair->client.tls, LEAT_LEVEL_HANDSHAKE);
    ck_assert_int_eq(pair->server.tls->state, LEAT_SERVER_ASKED);
    ck_assert_uint_gt(flight.length, 100);
    return flight;
}

static size_t message_length(const uint8_t *message) {
    return 4 + ((size_t)message[1] << 16 | (size_t)message[2] << 8 | message[3]);
}

static int receive(tls_pair *pair, const uint8_t *bytes, size_t length) {
    return leat_tls_receive(pair->server.tls, LEAT_LEVEL_HANDSHAKE, (leat_span){bytes, length});
}

static int give_certificate(tls_pair *pair) {
    leat_span flight = take_flight(pair);
    ck_assert_int_eq(receive(pair, flight.data, message_length(flight.data)), LEAT_ALERT_NONE);
    return pair->server.tls->state;
}

/* TEST RFC 8446 §4.4.2, §4.2 */
START_TEST(a_malformed_certificate_of_a_client_gives_its_alert) {
    static const struct {
        const char *message;
        int alert;
    } rows[] = {
        {"0b 00 00 00", LEAT_ALERT_DECODE_ERROR},
        {"0b 00 00 01 00", LEAT_ALERT_DECODE_ERROR},
        {"0b 00 00 03 00 00 00", LEAT_ALERT_DECODE_ERROR},
        {"0b 00 00 04 00 00 00 01", LEAT_ALERT_DECODE_ERROR},
        {"0b 00 00 05 00 00 00 00 00", LEAT_ALERT_DECODE_ERROR},             /* a byte left over */
        {"0b 00 00 05 01 aa 00 00 00", LEAT_ALERT_ILLEGAL_PARAMETER},        /* a context */
        {"0b 00 00 04 00 00 00 00", LEAT_ALERT_CERTIFICATE_REQUIRED},
        {"0b 00 00 09 00 00 00 05 00 00 00 00 00", LEAT_ALERT_DECODE_ERROR}, /* an empty certificate */
        {"0b 00 00 0a 00 00 00 06 00 00 01 30 00 00", LEAT_ALERT_BAD_CERTIFICATE},
        {"0b 00 00 0b 00 00 00 07 00 00 01 30 00 00 00", LEAT_ALERT_DECODE_ERROR},
        {"0b 00 00 0a 00 00 00 06 00 00 02 30 00 00", LEAT_ALERT_DECODE_ERROR},
        /* status_request, which this server never asked for */
        {"0b 00 00 0e 00 00 00 0a 00 00 01 30 00 04 00 05 00 00", LEAT_ALERT_UNSUPPORTED_EXTENSION},
        {"0b 00 00 0e 00 00 00 0a 00 00 01 30 00 04 3a 3a 00 00", LEAT_ALERT_UNSUPPORTED_EXTENSION},
        {"0b 00 00 0e 00 00 00 0a 00 00 01 30 00 04 00 10 00 00", LEAT_ALERT_ILLEGAL_PARAMETER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tls_pair pair;
        init(&pair, LEAT_CLIENT_AUTH_REQUIRE);
        take_flight(&pair);
        leat_span message = test_hex(rows[i].message);
        ck_assert_uint_eq(message_length(message.data), message.length);
        int alert = receive(&pair, message.data, message.length);
        ck_assert_msg(alert == rows[i].alert, "row %zu: %s", i, leat_alert_name(alert));
        tls_pair_free(&pair);
    }
}
END_TEST

/* TEST RFC 8446 §4.4.3 */
START_TEST(a_malformed_signature_of_a_client_gives_its_alert) {
    static const struct {
        const char *message;
        int alert;
    } rows[] = {
        {"0f 00 00 00", LEAT_ALERT_DECODE_ERROR},
        {"0f 00 00 03 04 03 00", LEAT_ALERT_DECODE_ERROR},
        {"0f 00 00 04 04 03 00 01", LEAT_ALERT_DECODE_ERROR},
        {"0f 00 00 05 04 03 00 00 00", LEAT_ALERT_DECODE_ERROR},
        {"0f 00 00 04 04 03 00 00", LEAT_ALERT_DECRYPT_ERROR},
        {"0f 00 00 05 04 03 00 01 30", LEAT_ALERT_DECRYPT_ERROR},
        {"0f 00 00 05 05 03 00 01 30", LEAT_ALERT_ILLEGAL_PARAMETER}, /* for a P-384 key */
        {"0f 00 00 05 08 04 00 01 30", LEAT_ALERT_ILLEGAL_PARAMETER}, /* for an RSA key */
        {"0f 00 00 05 02 03 00 01 30", LEAT_ALERT_ILLEGAL_PARAMETER}, /* SHA-1 */
        {"0f 00 00 05 04 01 00 01 30", LEAT_ALERT_ILLEGAL_PARAMETER}, /* for certificates only */
        {"14 00 00 01 00", LEAT_ALERT_UNEXPECTED_MESSAGE},
        {"0b 00 00 04 00 00 00 00", LEAT_ALERT_UNEXPECTED_MESSAGE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tls_pair pair;
        init(&pair, LEAT_CLIENT_AUTH_REQUIRE);
        ck_assert_int_eq(give_certificate(&pair), LEAT_SERVER_HAS_CERTIFICATE);
        leat_span message = test_hex(rows[i].message);
        int alert = receive(&pair, message.data, message.length);
        ck_assert_msg(alert == rows[i].alert, "row %zu: %s", i, leat_alert_name(alert));
        tls_pair_free(&pair);
    }
}
END_TEST

/* TEST RFC 8446 §4.4.3: who has the certificate and not the key; or signs for the other role. */
START_TEST(a_signature_over_something_else_is_decrypt_error) {
    for (int flip = 0; flip < 2; flip++) {
        tls_pair pair;
        uint8_t bytes[4096];
        init(&pair, LEAT_CLIENT_AUTH_REQUIRE);
        leat_span flight = take_flight(&pair);
        memcpy(bytes, flight.data, flight.length);
        size_t first = message_length(bytes), second = message_length(bytes + first);
        bytes[first + second - 1] ^= (uint8_t)flip;
        ck_assert_int_eq(receive(&pair, bytes, first + second),
                         flip ? LEAT_ALERT_DECRYPT_ERROR : LEAT_ALERT_NONE);
        tls_pair_free(&pair);
    }
}
END_TEST

/* Signs what the transcript of the server holds, with the client's key and this context. */
static int give_signature(tls_pair *pair, const char *context) {
    uint8_t content[64 + 34 + 32], bytes[4 + 4 + LEAT_SIGNATURE_MAX];
    size_t length;
    memset(content, ' ', 64);
    memcpy(content + 64, context, 34);
    ck_assert(leat_transcript_hash(&pair->server.tls->handshake->transcript, content + 64 + 34));
    ck_assert(leat_identity_sign(pair->client_identities[0], LEAT_SIG_ECDSA_P256_SHA256,
                                 (leat_span){content, sizeof content}, bytes + 8, &length));
    leat_writer writer = leat_writer_make(bytes, sizeof bytes);
    leat_write_u8(&writer, LEAT_CERTIFICATE_VERIFY);
    leat_write_u24(&writer, (uint32_t)(length + 4));
    leat_write_u16(&writer, LEAT_SIG_ECDSA_P256_SHA256);
    leat_write_u16(&writer, (uint16_t)length);
    return receive(pair, bytes, 8 + length);
}

/* TEST RFC 8446 §4.4.3: the context keeps a server's signature from passing as a client's. */
START_TEST(a_signature_made_for_the_other_role_is_decrypt_error) {
    static const struct {
        const char *context;
        int alert;
    } rows[] = {
        {"TLS 1.3, client CertificateVerify", LEAT_ALERT_NONE},
        {"TLS 1.3, server CertificateVerify", LEAT_ALERT_DECRYPT_ERROR},
    };
    for (size_t i = 0; i < 2; i++) {
        static const uint16_t suite = 0x1301;
        tls_pair pair;
        init(&pair, LEAT_CLIENT_AUTH_REQUIRE);
        pair.server.config.cipher_suites = &suite;
        pair.server.config.cipher_suite_count = 1;
        ck_assert_int_eq(give_certificate(&pair), LEAT_SERVER_HAS_CERTIFICATE);
        ck_assert_int_eq(give_signature(&pair, rows[i].context), rows[i].alert);
        tls_pair_free(&pair);
    }
}
END_TEST

START_TEST(a_flight_without_any_of_its_messages_is_out_of_order) {
    for (int skip = 0; skip < 2; skip++) {
        tls_pair pair;
        uint8_t bytes[4096];
        init(&pair, LEAT_CLIENT_AUTH_REQUIRE);
        leat_span flight = take_flight(&pair);
        size_t first = message_length(flight.data);
        size_t second = message_length(flight.data + first);
        size_t skipped = skip == 0 ? 0 : first, length = skip == 0 ? first : second;
        memcpy(bytes, flight.data, skipped);
        memcpy(bytes + skipped, flight.data + skipped + length, flight.length - skipped - length);
        ck_assert_int_eq(receive(&pair, bytes, flight.length - length),
                         LEAT_ALERT_UNEXPECTED_MESSAGE);
        tls_pair_free(&pair);
    }
}
END_TEST

/* ---- resumption ------------------------------------------------------------------------------ */

static void first_of_two(tls_pair *pair, leat_client_auth client_auth) {
    init(pair, client_auth);
    pair->server.config.ticket_keys = leat_ticket_keys_new(NULL);
    run_to_completion(pair);
    ck_assert_uint_eq(pair->client.sessions, 1);
    tls_pair_restart(pair);
    pair->client.config.session = (leat_span){pair->client.session, pair->client.session_length};
}

static void second_of_two(tls_pair *pair, bool resumed) {
    run_to_completion(pair);
    ck_assert_int_eq(leat_tls_is_resumed(pair->server.tls), resumed);
}

START_TEST(a_resumed_client_is_still_the_one_it_was) {
    tls_pair pair;
    first_of_two(&pair, LEAT_CLIENT_AUTH_REQUIRE);
    for (int i = 0; i < 3; i++) {
        second_of_two(&pair, true);
        ck_assert_uint_eq(leat_tls_peer_certificate(pair.server.tls, 0).length, 0);
        assert_server_knows(&pair, pair.client_identities[0]);
        tls_pair_restart(&pair);
        pair.client.config.session.length = pair.client.session_length;
    }
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_client_with_another_certificate_does_not_offer_the_session) {
    tls_pair pair;
    first_of_two(&pair, LEAT_CLIENT_AUTH_REQUIRE);
    replace_client_identity(&pair, test_identity("p256"));
    trust_anything(&pair);
    second_of_two(&pair, false);
    assert_server_knows(&pair, pair.client_identities[0]);
    tls_pair_restart(&pair);
    pair.client.config.identity_count = 0;
    run_to_refusal(&pair, LEAT_ALERT_CERTIFICATE_REQUIRED);
}
END_TEST

START_TEST(a_session_without_a_certificate_does_not_pass_where_one_is_required) {
    static const leat_client_auth before[] = {LEAT_CLIENT_AUTH_NONE, LEAT_CLIENT_AUTH_REQUEST};
    for (size_t i = 0; i < 2; i++) {
        tls_pair pair;
        init(&pair, before[i]);
        pair.client.config.identity_count = 0;
        pair.server.config.ticket_keys = leat_ticket_keys_new(NULL);
        run_to_completion(&pair);
        tls_pair_restart(&pair);
        pair.client.config.session = (leat_span){pair.client.session, pair.client.session_length};
        pair.client.config.identity_count = 1;
        pair.server.config.client_auth = LEAT_CLIENT_AUTH_REQUIRE;
        second_of_two(&pair, false);
        assert_server_knows(&pair, pair.client_identities[0]);
        tls_pair_free(&pair);
    }
}
END_TEST

START_TEST(a_server_that_does_not_ask_resumes_nobody_by_certificate) {
    tls_pair pair;
    first_of_two(&pair, LEAT_CLIENT_AUTH_REQUIRE);
    pair.server.config.client_auth = LEAT_CLIENT_AUTH_NONE;
    second_of_two(&pair, false);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_session_does_not_outlive_the_clients_certificate) {
    tls_pair pair;
    char message[LEAT_MESSAGE_MAX];
    static const char *const names[] = {"client"};
    leat_session session;
    init(&pair, LEAT_CLIENT_AUTH_REQUIRE);
    replace_client_identity(
        &pair, leat_identity_self_signed(names, 1, NOW - 3600, NOW + 600, message));
    trust_anything(&pair);
    pair.server.config.ticket_keys = leat_ticket_keys_new(NULL);
    run_to_completion(&pair);
    ck_assert(leat_session_parse((leat_span){pair.client.session, pair.client.session_length},
                                 &session));
    ck_assert_uint_eq(session.lifetime, 600);
    ck_assert_int_eq(session.client.expires, NOW + 600);
    tls_pair_free(&pair);
}
END_TEST

LEAT_TEST_MAIN("crypto/tls client auth", a_client_shows_its_certificate_and_signs,
               nobody_is_asked_unless_the_server_is_told_to,
               a_server_that_only_requests_goes_on_without, a_client_with_any_kind_of_key_can_sign,
               client_certificates_work_after_a_hello_retry_request,
               both_roles_export_the_same_after_client_authentication,
               a_server_without_trust_cannot_ask,
               a_client_without_a_certificate_is_refused_where_one_is_required,
               a_certificate_that_is_shown_must_be_good_even_if_none_is_required,
               a_certificate_for_servers_is_not_one_for_clients,
               a_client_certificate_out_of_its_time_is_certificate_expired,
               the_application_may_refuse_a_valid_client,
               the_application_may_refuse_a_valid_server,
               a_peer_that_the_trust_refuses_is_not_shown_to_the_application,
               a_client_whose_key_does_not_fit_the_request_shows_nothing,
               a_client_with_several_certificates_uses_the_one_that_fits,
               a_malformed_certificate_of_a_client_gives_its_alert,
               a_malformed_signature_of_a_client_gives_its_alert,
               a_signature_over_something_else_is_decrypt_error,
               a_signature_made_for_the_other_role_is_decrypt_error,
               a_flight_without_any_of_its_messages_is_out_of_order,
               a_resumed_client_is_still_the_one_it_was,
               a_client_with_another_certificate_does_not_offer_the_session,
               a_session_without_a_certificate_does_not_pass_where_one_is_required,
               a_server_that_does_not_ask_resumes_nobody_by_certificate,
               a_session_does_not_outlive_the_clients_certificate)
