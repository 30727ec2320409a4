/* RFC 8446 §4.3.2, §4.4.2, §4.4.3: client certificates: shown, judged, and kept by sessions. */
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
               the_application_may_refuse_a_valid_client, the_application_may_refuse_a_valid_server,
               a_peer_that_the_trust_refuses_is_not_shown_to_the_application,
               a_client_whose_key_does_not_fit_the_request_shows_nothing,
               a_client_with_several_certificates_uses_the_one_that_fits,
               a_resumed_client_is_still_the_one_it_was,
               a_client_with_another_certificate_does_not_offer_the_session,
               a_session_without_a_certificate_does_not_pass_where_one_is_required,
               a_server_that_does_not_ask_resumes_nobody_by_certificate,
               a_session_does_not_outlive_the_clients_certificate)
