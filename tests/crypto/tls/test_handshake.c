/* Whole handshakes between two of our own: every suite, group and key, names, protocols, cuts,
 * exporters. */
#include "stand_in_kem.h"
#include "tls_pair.h"

static void run_to_completion(tls_pair *pair) {
    tls_pair_start(pair);
    tls_pair_run(pair);
    assert_complete(pair);
}

static void run_to_failure(tls_pair *pair, int client_alert, int server_alert) {
    tls_pair_start(pair);
    tls_pair_run(pair);
    ck_assert_str_eq(leat_alert_name(pair->client.alert), leat_alert_name(client_alert));
    ck_assert_str_eq(leat_alert_name(pair->server.alert), leat_alert_name(server_alert));
    ck_assert(!leat_tls_is_complete(pair->client.tls));
    ck_assert(!leat_tls_is_complete(pair->server.tls));
    tls_pair_free(pair);
}

static void use_identity(tls_pair *pair, const char *file) {
    leat_identity_free(pair->identities[0]);
    pair->identities[0] = test_identity(file);
}

START_TEST(client_and_server_agree_on_all_secrets) {
    tls_pair pair;
    tls_pair_init(&pair);
    run_to_completion(&pair);
    ck_assert_str_eq(pair.client.alpn, "h3");
    ck_assert_str_eq(leat_tls_sni(pair.server.tls), "leat.test");
    ck_assert_ptr_null(leat_tls_sni(pair.client.tls));
    ck_assert(!leat_tls_is_resumed(pair.client.tls) && !leat_tls_is_resumed(pair.server.tls));
    ck_assert(!leat_tls_retried(pair.client.tls) && !leat_tls_retried(pair.server.tls));
    leat_span leaf = leat_tls_peer_certificate(pair.client.tls, 0);
    leat_span sent = leat_identity_chain_der(pair.identities[0], 0);
    ck_assert_uint_eq(leaf.length, sent.length);
    ck_assert_mem_eq(leaf.data, sent.data, sent.length);
    ck_assert_uint_eq(leat_tls_peer_certificate(pair.client.tls, 1).length, 0);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(every_suite_group_and_key_works) {
    static const uint16_t suites[] = {0x1301, 0x1302, 0x1303};
    static const uint16_t groups[] = {LEAT_GROUP_X25519MLKEM768, LEAT_GROUP_X25519, LEAT_GROUP_P256,
                                      LEAT_GROUP_P384};
    static const char *const keys[] = {"p256", "p384", "rsa", "ed25519"};
    leat_key_exchange_set_test_kem(&stand_in_kem);
    for (int i = 0; i < 3 * 4 * 4; i++) {
        tls_pair pair;
        tls_pair_init(&pair);
        use_identity(&pair, keys[i / 12]);
        pair.server.config.cipher_suites = &suites[i % 3];
        pair.server.config.cipher_suite_count = 1;
        pair.client.config.groups = &groups[i / 3 % 4];
        pair.client.config.group_count = 1;
        run_to_completion(&pair);
        ck_assert_uint_eq(leat_tls_cipher_suite(pair.client.tls)->id, suites[i % 3]);
        ck_assert_uint_eq(leat_tls_group(pair.client.tls), groups[i / 3 % 4]);
        ck_assert(!leat_tls_retried(pair.client.tls));
        tls_pair_free(&pair);
    }
    leat_key_exchange_set_test_kem(NULL);
}
END_TEST

START_TEST(messages_may_be_cut_anywhere) {
    for (size_t cut = 1; cut < 40; cut += cut < 8 ? 1 : 13) {
        tls_pair pair;
        tls_pair_init(&pair);
        pair.cut = cut;
        pair.server.config.ticket_keys = leat_ticket_keys_new(NULL);
        run_to_completion(&pair);
        ck_assert_uint_eq(pair.client.sessions, 1);
        tls_pair_free(&pair);
    }
}
END_TEST

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

START_TEST(the_wrong_name_in_the_certificate_is_bad_certificate) {
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client.config.server_name = "evil.test";
    run_to_failure(&pair, LEAT_ALERT_BAD_CERTIFICATE, LEAT_ALERT_NONE);
}
END_TEST

START_TEST(the_wrong_address_in_the_certificate_is_bad_certificate) {
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client.config.server_name = "192.0.2.2";
    run_to_failure(&pair, LEAT_ALERT_BAD_CERTIFICATE, LEAT_ALERT_NONE);
}
END_TEST

START_TEST(a_certificate_of_nobody_is_unknown_ca) {
    static const char *const names[] = {"leat.test"};
    char message[LEAT_MESSAGE_MAX];
    tls_pair pair;
    tls_pair_init(&pair);
    leat_identity_free(pair.identities[0]);
    pair.identities[0] = leat_identity_self_signed(names, 1, NOW - 10, NOW + 1000, message);
    run_to_failure(&pair, LEAT_ALERT_UNKNOWN_CA, LEAT_ALERT_NONE);
}
END_TEST

START_TEST(a_certificate_out_of_its_time_is_certificate_expired) {
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client.config.now = 1000;
    run_to_failure(&pair, LEAT_ALERT_CERTIFICATE_EXPIRED, LEAT_ALERT_NONE);
}
END_TEST

START_TEST(transport_parameters_can_be_refused_by_either_side) {
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client.refuse_parameters = LEAT_ALERT_ILLEGAL_PARAMETER;
    run_to_failure(&pair, LEAT_ALERT_ILLEGAL_PARAMETER, LEAT_ALERT_NONE);
    tls_pair_init(&pair);
    pair.server.refuse_parameters = LEAT_ALERT_ILLEGAL_PARAMETER;
    run_to_failure(&pair, LEAT_ALERT_NONE, LEAT_ALERT_ILLEGAL_PARAMETER);
}
END_TEST

START_TEST(exporters_of_both_sides_are_equal_and_depend_on_label_and_context) {
    tls_pair pair;
    uint8_t ours[40], theirs[40];
    leat_span context = {(const uint8_t *)"context", 7};
    tls_pair_init(&pair);
    tls_pair_start(&pair);
    ck_assert_int_eq(leat_tls_export(pair.client.tls, "label", context, ours, 40), LEAT_ERR_STATE);
    tls_pair_run(&pair);
    ck_assert_int_eq(leat_tls_export(pair.client.tls, "label", context, ours, 40), LEAT_OK);
    ck_assert_int_eq(leat_tls_export(pair.server.tls, "label", context, theirs, 40), LEAT_OK);
    ck_assert_mem_eq(ours, theirs, 40);
    ck_assert_int_eq(leat_tls_export(pair.server.tls, "other", context, theirs, 40), LEAT_OK);
    ck_assert_mem_ne(ours, theirs, 40);
    ck_assert_int_eq(leat_tls_export(pair.server.tls, "label", (leat_span){NULL, 0}, theirs, 40),
                     LEAT_OK);
    ck_assert_mem_ne(ours, theirs, 40);
    leat_tls_handshake_confirmed(pair.client.tls);
    ck_assert_int_eq(leat_tls_export(pair.client.tls, "label", (leat_span){NULL, 0}, ours, 40),
                     LEAT_OK);
    ck_assert_mem_eq(ours, theirs, 40);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(the_key_log_has_the_five_lines_of_both_sides) {
    static const char *const labels[] = {
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "SERVER_HANDSHAKE_TRAFFIC_SECRET ",
        "CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 ", "EXPORTER_SECRET "};
    tls_pair pair;
    tls_pair_init(&pair);
    run_to_completion(&pair);
    ck_assert_uint_eq(pair.client.key_log_lines, 5);
    ck_assert_uint_eq(pair.server.key_log_lines, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_str_eq(pair.client.key_log[i], pair.server.key_log[i]);
        ck_assert(strncmp(pair.client.key_log[i], labels[i], strlen(labels[i])) == 0);
        ck_assert_uint_eq(strlen(pair.client.key_log[i]), strlen(labels[i]) + 64 + 1 + 64);
    }
    ck_assert(strstr(pair.client.key_log[2],
                     test_to_hex(pair.client.secrets[LEAT_LEVEL_APPLICATION][1], 32)) != NULL);
    tls_pair_free(&pair);
}
END_TEST

/* TEST RFC 9001 §5.7: the server gets its read secret for 1-RTT only with the client's Finished. */
START_TEST(the_server_cannot_read_application_data_before_the_clients_finished) {
    tls_pair pair;
    tls_pair_init(&pair);
    tls_pair_start(&pair);
    tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
    ck_assert(pair.server.has_secret[LEAT_LEVEL_APPLICATION][true]);
    ck_assert(!pair.server.has_secret[LEAT_LEVEL_APPLICATION][false]);
    ck_assert(!leat_tls_is_complete(pair.server.tls));
    tls_pair_run(&pair);
    ck_assert(pair.server.has_secret[LEAT_LEVEL_APPLICATION][false]);
    assert_complete(&pair);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_confirmed_handshake_keeps_less_than_a_kilobyte) {
    tls_pair pair;
    test_memory memory;
    test_memory_init(&memory);
    tls_pair_init(&pair);
    pair.server.config.allocator = &memory.allocator;
    pair.server.config.ticket_keys = leat_ticket_keys_new(NULL);
    run_to_completion(&pair);
    leat_tls_handshake_confirmed(pair.server.tls);
    leat_tls_handshake_confirmed(pair.client.tls);
    ck_assert_uint_lt(memory.bytes_live, 1024);
    ck_assert(leat_tls_is_complete(pair.server.tls));
    ck_assert_str_eq(leat_tls_sni(pair.server.tls), "leat.test");
    tls_pair_free(&pair);
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

START_TEST(a_ticket_after_confirmation_is_still_read) {
    tls_pair pair;
    tls_pair_init(&pair);
    pair.server.config.ticket_keys = leat_ticket_keys_new(NULL);
    pair.server.config.tickets_to_send = 3;
    tls_pair_start(&pair);
    tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
    tls_pair_carry(&pair, &pair.server, &pair.client, LEAT_LEVEL_INITIAL);
    tls_pair_carry(&pair, &pair.server, &pair.client, LEAT_LEVEL_HANDSHAKE);
    tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_HANDSHAKE);
    leat_tls_handshake_confirmed(pair.client.tls);
    leat_tls_handshake_confirmed(pair.server.tls);
    tls_pair_carry(&pair, &pair.server, &pair.client, LEAT_LEVEL_APPLICATION);
    ck_assert_int_eq(pair.client.alert, LEAT_ALERT_NONE);
    ck_assert_uint_eq(pair.client.sessions, 3);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(confirming_before_completion_does_nothing) {
    tls_pair pair;
    tls_pair_init(&pair);
    tls_pair_start(&pair);
    leat_tls_handshake_confirmed(pair.client.tls);
    leat_tls_handshake_confirmed(pair.server.tls);
    tls_pair_run(&pair);
    assert_complete(&pair);
    tls_pair_free(&pair);
}
END_TEST

static bool no_random(void *user, uint8_t *bytes, size_t length) {
    (void)user, (void)bytes, (void)length;
    return false;
}

START_TEST(a_random_source_that_fails_ends_the_handshake) {
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client.config.random.fill = no_random;
    run_to_failure(&pair, LEAT_ALERT_INTERNAL_ERROR, LEAT_ALERT_NONE);
    tls_pair_init(&pair);
    pair.server.config.random.fill = no_random;
    run_to_failure(&pair, LEAT_ALERT_NONE, LEAT_ALERT_INTERNAL_ERROR);
}
END_TEST

START_TEST(configurations_that_cannot_work_are_refused) {
    tls_pair pair;
    tls_pair_init(&pair);
    leat_tls_config client = pair.client.config, server = pair.server.config;
    client.server_name = NULL;
    ck_assert_ptr_null(leat_tls_new(&client, NULL));
    client = pair.client.config;
    client.trust = NULL;
    ck_assert_ptr_null(leat_tls_new(&client, NULL));
    client = pair.client.config;
    client.alpn_count = 0;
    ck_assert_ptr_null(leat_tls_new(&client, NULL));
    server.identity_count = 0;
    ck_assert_ptr_null(leat_tls_new(&server, NULL));
    static const uint16_t no_suite = 0x1305;
    server = pair.server.config;
    server.cipher_suites = &no_suite;
    server.cipher_suite_count = 1;
    ck_assert_ptr_null(leat_tls_new(&server, NULL));
    tls_pair_free(&pair);
}
END_TEST

/* The messages of RFC 8448 section 6 before CertificateVerify, by step of the vector file. */
static const int rfc_8448_steps[] = {1, 5, 14, 15, 16};
#define RFC_8448_VERIFY 17

/* TEST RFC 8446 §4.4.3: a signature that somebody else made over what the RFC says is signed. */
START_TEST(the_certificate_verify_of_rfc_8448_verifies) {
    test_vectors *vectors = test_vectors_load("vectors/tls/rfc8448-traces.vec");
    for (int flip = 0; flip < 2; flip++) {
        tls_pair pair;
        char section[64];
        leat_span message = {NULL, 0};
        leat_certificate certificate;
        leat_x509_status status;
        const char *why;
        tls_pair_init(&pair);
        tls_pair_start(&pair);
        leat_tls *client = pair.client.tls;
        leat_transcript *transcript = &client->handshake->transcript;
        leat_transcript_clear(transcript);
        for (size_t i = 0; i < 5; i++) {
            snprintf(section, sizeof section, "sections.4.steps.%d.items.0", rfc_8448_steps[i]);
            message = test_vector_bytes(vectors, section, "hex");
            ck_assert(leat_transcript_add(transcript, message.data, message.length));
        }
        ck_assert(leat_transcript_choose(transcript, LEAT_HASH_SHA256));
        ck_assert_int_eq(leat_certificate_parse(leat_tls_body(message), &certificate, &why),
                         LEAT_ALERT_NONE);
        client->handshake->server_key = leat_x509_public_key(certificate.chain[0], &status);
        ck_assert_ptr_nonnull(client->handshake->server_key);
        client->suite = leat_cipher_suite_find(0x1301);
        client->state = LEAT_CLIENT_HAS_CERTIFICATE;
        snprintf(section, sizeof section, "sections.4.steps.%d.items.0", RFC_8448_VERIFY);
        leat_span verify = test_vector_bytes(vectors, section, "hex");
        uint8_t bytes[256];
        memcpy(bytes, verify.data, verify.length);
        bytes[verify.length - 1] ^= (uint8_t)flip;
        int alert = leat_tls_receive(client, LEAT_LEVEL_HANDSHAKE, (leat_span){bytes, verify.length});
        ck_assert_int_eq(alert, flip ? LEAT_ALERT_DECRYPT_ERROR : LEAT_ALERT_NONE);
        tls_pair_free(&pair);
    }
    test_vectors_free(vectors);
}
END_TEST

START_TEST(a_server_cannot_be_started) {
    tls_pair pair;
    tls_pair_init(&pair);
    tls_pair_start(&pair);
    ck_assert_int_eq(leat_tls_start(pair.server.tls), LEAT_ALERT_INTERNAL_ERROR);
    tls_pair_free(&pair);
}
END_TEST

LEAT_TEST_MAIN(
    "crypto/tls handshake", client_and_server_agree_on_all_secrets, every_suite_group_and_key_works,
    messages_may_be_cut_anywhere, the_hybrid_group_and_x25519_are_offered_by_default,
    a_share_that_was_sent_beats_a_better_group_without_one,
    a_server_chooses_the_suite_by_its_own_order, a_hello_retry_request_asks_for_another_group,
    a_hello_retry_request_can_ask_for_the_hybrid_group,
    a_forced_hello_retry_request_changes_the_group,
    a_forced_hello_retry_request_without_another_group_uses_a_cookie,
    no_group_in_common_is_handshake_failure, no_suite_in_common_is_handshake_failure,
    no_protocol_in_common_is_no_application_protocol, the_servers_order_of_protocols_wins,
    the_name_chooses_the_certificate,
    a_server_with_two_keys_for_a_name_uses_the_one_the_client_can_verify,
    a_trailing_dot_is_not_sent, an_address_is_verified_but_not_sent_as_name,
    the_wrong_name_in_the_certificate_is_bad_certificate,
    the_wrong_address_in_the_certificate_is_bad_certificate, a_certificate_of_nobody_is_unknown_ca,
    a_certificate_out_of_its_time_is_certificate_expired,
    transport_parameters_can_be_refused_by_either_side,
    exporters_of_both_sides_are_equal_and_depend_on_label_and_context,
    the_key_log_has_the_five_lines_of_both_sides,
    the_server_cannot_read_application_data_before_the_clients_finished,
    a_confirmed_handshake_keeps_less_than_a_kilobyte, a_ticket_after_confirmation_is_still_read,
    confirming_before_completion_does_nothing, a_random_source_that_fails_ends_the_handshake,
    configurations_that_cannot_work_are_refused, a_server_cannot_be_started,
               the_certificate_verify_of_rfc_8448_verifies)
