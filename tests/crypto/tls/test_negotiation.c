/* What a server chooses: groups with and without a retry, suites, protocols, certificates by
 * name. */
#include "stand_in_kem.h"
#include "fixture.h"
#include "tls_pair.h"

START_TEST(the_hybrid_group_and_x25519_are_offered_by_default) {
    tls_pair pair;
    leat_key_exchange_set_test_kem(&stand_in_kem);
    tls_pair_init(&pair);
    run_to_completion(&pair);
    ck_assert_uint_eq(leat_tls_group(pair.server.tls), LEAT_GROUP_X25519MLKEM768);
    ck_assert_uint_eq(pair.client.tls->handshake->key_share_count, 2);
    tls_pair_free(&pair);
    leat_key_exchange_set_test_kem(NULL);
}
END_TEST

START_TEST(a_share_that_was_sent_beats_a_better_group_without_one) {
    static const uint16_t client_groups[] = {LEAT_GROUP_P384, LEAT_GROUP_X25519};
    static const uint16_t server_groups[] = {LEAT_GROUP_X25519, LEAT_GROUP_P384};
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client.config.groups = client_groups;
    pair.server.config.groups = server_groups;
    pair.client.config.group_count = pair.server.config.group_count = 2;
    pair.client.config.key_share_count = 1;
    run_to_completion(&pair);
    ck_assert(!leat_tls_retried(pair.client.tls));
    ck_assert_uint_eq(leat_tls_group(pair.client.tls), LEAT_GROUP_P384);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_server_chooses_the_suite_by_its_own_order) {
    static const uint16_t client_suites[] = {0x1301, 0x1302, 0x1303},
                          server_suites[] = {0x1303, 0x1301};
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client.config.cipher_suites = client_suites;
    pair.client.config.cipher_suite_count = 3;
    pair.server.config.cipher_suites = server_suites;
    pair.server.config.cipher_suite_count = 2;
    run_to_completion(&pair);
    ck_assert_uint_eq(leat_tls_cipher_suite(pair.client.tls)->id, 0x1303);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_hello_retry_request_asks_for_another_group) {
    static const uint16_t client_groups[] = {LEAT_GROUP_P256, LEAT_GROUP_X25519},
                          server_group = LEAT_GROUP_X25519;
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client.config.groups = client_groups;
    pair.client.config.group_count = 2;
    pair.server.config.groups = &server_group;
    pair.server.config.group_count = 1;
    run_to_completion(&pair);
    ck_assert(leat_tls_retried(pair.client.tls) && leat_tls_retried(pair.server.tls));
    ck_assert_uint_eq(leat_tls_group(pair.client.tls), LEAT_GROUP_X25519);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_hello_retry_request_can_ask_for_the_hybrid_group) {
    static const uint16_t client_groups[] = {LEAT_GROUP_X25519, LEAT_GROUP_X25519MLKEM768};
    static const uint16_t server_group = LEAT_GROUP_X25519MLKEM768;
    tls_pair pair;
    leat_key_exchange_set_test_kem(&stand_in_kem);
    tls_pair_init(&pair);
    pair.client.config.groups = client_groups;
    pair.client.config.group_count = 2;
    pair.server.config.groups = &server_group;
    pair.server.config.group_count = 1;
    run_to_completion(&pair);
    ck_assert(leat_tls_retried(pair.server.tls));
    ck_assert_uint_eq(leat_tls_group(pair.client.tls), LEAT_GROUP_X25519MLKEM768);
    tls_pair_free(&pair);
    leat_key_exchange_set_test_kem(NULL);
}
END_TEST

START_TEST(a_forced_hello_retry_request_changes_the_group) {
    tls_pair pair;
    tls_pair_init(&pair);
    pair.server.config.force_hello_retry_request = true;
    run_to_completion(&pair);
    ck_assert(leat_tls_retried(pair.client.tls) && leat_tls_retried(pair.server.tls));
    ck_assert_uint_eq(leat_tls_group(pair.client.tls), LEAT_GROUP_P256);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_forced_hello_retry_request_without_another_group_uses_a_cookie) {
    static const uint16_t group = LEAT_GROUP_X25519;
    for (int with_session = 0; with_session < 2; with_session++) {
        tls_pair pair;
        tls_pair_init(&pair);
        pair.client.config.groups = &group;
        pair.client.config.group_count = 1;
        pair.server.config.force_hello_retry_request = true;
        pair.server.config.ticket_keys = leat_ticket_keys_new(NULL);
        run_to_completion(&pair);
        ck_assert(pair.server.tls->handshake->cookie_sent);
        if (with_session) {
            tls_pair_restart(&pair);
            pair.client.config.session =
                (leat_span){pair.client.session, pair.client.session_length};
            run_to_completion(&pair);
            ck_assert(pair.server.tls->handshake->cookie_sent);
            ck_assert(leat_tls_is_resumed(pair.client.tls) && leat_tls_is_resumed(pair.server.tls));
        }
        tls_pair_free(&pair);
    }
}
END_TEST

START_TEST(no_group_in_common_is_handshake_failure) {
    static const uint16_t client_group = LEAT_GROUP_P256, server_group = LEAT_GROUP_X25519;
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client.config.groups = &client_group;
    pair.server.config.groups = &server_group;
    pair.client.config.group_count = pair.server.config.group_count = 1;
    run_to_failure(&pair, LEAT_ALERT_NONE, LEAT_ALERT_HANDSHAKE_FAILURE);
}
END_TEST

START_TEST(no_suite_in_common_is_handshake_failure) {
    static const uint16_t client_suite = 0x1301, server_suite = 0x1302;
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client.config.cipher_suites = &client_suite;
    pair.server.config.cipher_suites = &server_suite;
    pair.client.config.cipher_suite_count = pair.server.config.cipher_suite_count = 1;
    run_to_failure(&pair, LEAT_ALERT_NONE, LEAT_ALERT_HANDSHAKE_FAILURE);
}
END_TEST

/* TEST RFC 9001 §8.1-5 */
START_TEST(no_protocol_in_common_is_no_application_protocol) {
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client_alpn[0] = (leat_span){(const uint8_t *)"h2", 2};
    run_to_failure(&pair, LEAT_ALERT_NONE, LEAT_ALERT_NO_APPLICATION_PROTOCOL);
}
END_TEST

START_TEST(the_servers_order_of_protocols_wins) {
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client.config.alpn_count = pair.server.config.alpn_count = 2;
    pair.server_alpn[0] = pair.client_alpn[1];
    pair.server_alpn[1] = pair.client_alpn[0];
    run_to_completion(&pair);
    ck_assert_str_eq(pair.client.alpn, "other");
    ck_assert_uint_eq(leat_tls_alpn(pair.client.tls).length, 5);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(the_name_chooses_the_certificate) {
    tls_pair pair;
    tls_pair_init(&pair);
    pair.identities[1] = test_identity("other");
    pair.server.config.identity_count = 2;
    pair.client.config.server_name = "other.test";
    run_to_completion(&pair);
    leat_span leaf = leat_tls_peer_certificate(pair.client.tls, 0);
    leat_span sent = leat_identity_chain_der(pair.identities[1], 0);
    ck_assert_uint_eq(leaf.length, sent.length);
    ck_assert_mem_eq(leaf.data, sent.data, sent.length);
    tls_pair_free(&pair);
}
END_TEST

/* TEST RFC 6066 §3: which identity a server takes for a name; without a match the first serves. */
START_TEST(names_match_exactly_or_by_wildcard_and_the_first_serves_the_rest) {
    static const struct {
        const char *name;
        size_t identity;
        bool is_matched;
    } rows[] = {
        {"leat.test", 0, true},
        {"LEAT.test", 0, true},
        {"example.com", 1, true},
        {"a.wild.example.com", 1, true},
        {"a.b.wild.example.com", 0, false},
        {"wild.example.com", 0, false},
        {"nobody.test", 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tls_pair pair;
        tls_pair_init(&pair);
        pair.identities[1] = fixture_identity("server");
        pair.server.config.identity_count = 2;
        pair.client.config.server_name = rows[i].name;
        tls_pair_start(&pair);
        tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
        ck_assert_int_eq(pair.server.alert, LEAT_ALERT_NONE);
        const leat_tls_handshake *handshake = pair.server.tls->handshake;
        ck_assert_msg(handshake->identity == pair.identities[rows[i].identity], "%s",
                      rows[i].name);
        ck_assert_int_eq(handshake->name_matched, rows[i].is_matched);
        tls_pair_free(&pair);
    }
}
END_TEST

START_TEST(a_client_refuses_the_first_identity_where_its_name_is_unknown) {
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client.config.server_name = "nobody.test";
    run_to_failure(&pair, LEAT_ALERT_BAD_CERTIFICATE, LEAT_ALERT_NONE);
}
END_TEST

START_TEST(a_server_with_two_keys_for_a_name_uses_the_one_the_client_can_verify) {
    tls_pair pair;
    tls_pair_init(&pair);
    pair.identities[1] = test_identity("rsa");
    pair.server.config.identity_count = 2;
    tls_pair_start(&pair);
    /* The client's list with every ECDSA and Ed25519 scheme turned into GREASE; only the server's
     * choice is looked at. */
    leat_span out = leat_tls_output(pair.client.tls, LEAT_LEVEL_INITIAL);
    uint8_t hello[4096];
    memcpy(hello, out.data, out.length);
    static const uint8_t header[] = {0, 13, 0, 20, 0, 18};
    for (size_t i = 0; i + 24 < out.length; i++) {
        for (size_t k = 6; memcmp(hello + i, header, sizeof header) == 0 && k < 24; k += 2) {
            if (hello[i + k] != 8 || hello[i + k + 1] == 7) {
                hello[i + k] = hello[i + k + 1] = 0x1a;
            }
        }
    }
    ck_assert_int_eq(
        leat_tls_receive(pair.server.tls, LEAT_LEVEL_INITIAL, (leat_span){hello, out.length}),
        LEAT_ALERT_NONE);
    ck_assert_ptr_eq(pair.server.tls->handshake->identity, pair.identities[1]);
    ck_assert_uint_eq(pair.server.tls->handshake->scheme, LEAT_SIG_RSA_PSS_RSAE_SHA256);
    tls_pair_free(&pair);
}
END_TEST

/* TEST RFC 6066 §3 */
START_TEST(a_trailing_dot_is_not_sent) {
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client.config.server_name = "leat.test.";
    tls_pair_start(&pair);
    tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
    ck_assert_str_eq(leat_tls_sni(pair.server.tls), "leat.test");
    tls_pair_free(&pair);
}
END_TEST

START_TEST(an_address_is_verified_but_not_sent_as_name) {
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client.config.server_name = "192.0.2.1";
    run_to_completion(&pair);
    ck_assert_ptr_null(leat_tls_sni(pair.server.tls));
    tls_pair_free(&pair);
}
END_TEST

LEAT_TEST_MAIN("crypto/tls negotiation", the_hybrid_group_and_x25519_are_offered_by_default,
               a_share_that_was_sent_beats_a_better_group_without_one,
               a_server_chooses_the_suite_by_its_own_order,
               a_hello_retry_request_asks_for_another_group,
               a_hello_retry_request_can_ask_for_the_hybrid_group,
               a_forced_hello_retry_request_changes_the_group,
               a_forced_hello_retry_request_without_another_group_uses_a_cookie,
               no_group_in_common_is_handshake_failure, no_suite_in_common_is_handshake_failure,
               no_protocol_in_common_is_no_application_protocol,
               the_servers_order_of_protocols_wins, the_name_chooses_the_certificate,
               names_match_exactly_or_by_wildcard_and_the_first_serves_the_rest,
               a_client_refuses_the_first_identity_where_its_name_is_unknown,
               a_server_with_two_keys_for_a_name_uses_the_one_the_client_can_verify,
               a_trailing_dot_is_not_sent, an_address_is_verified_but_not_sent_as_name)
