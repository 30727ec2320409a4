/* Whole handshakes of two of our own: suites, groups, keys, cuts, certificates, exporters. */
#include "stand_in_kem.h"
#include "tls_pair.h"

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

/* TEST RFC 9001 §4.2-1, §8.1-1, §8.2-1, §8.4-1 */
START_TEST(a_client_hello_offers_only_what_quic_allows) {
    tls_pair pair;
    leat_client_hello hello;
    const char *why;
    tls_pair_init(&pair);
    tls_pair_start(&pair);
    leat_span body = leat_tls_body(leat_tls_output(pair.client.tls, LEAT_LEVEL_INITIAL));
    ck_assert_int_eq(leat_client_hello_parse(body, &hello, &why), LEAT_ALERT_NONE);
    const leat_extensions *extensions = &hello.extensions;
    ck_assert_bytes(extensions->versions.data, extensions->versions.length, "03 04");
    ck_assert_bytes(extensions->psk_modes.data, extensions->psk_modes.length, "01");
    ck_assert_bytes(extensions->protocols.data, extensions->protocols.length, "02 68 33");
    ck_assert_uint_eq(hello.session_id.length, 0);
    ck_assert_mem_eq(extensions->transport_parameters.data, CLIENT_PARAMETERS,
                     sizeof CLIENT_PARAMETERS - 1);
    ck_assert_uint_eq(extensions->present & LEAT_HAS_EARLY_DATA, 0);
    tls_pair_free(&pair);
}
END_TEST

/* TEST RFC 9001 §4.6.1-1 */
START_TEST(a_ticket_of_ours_offers_no_early_data) {
    tls_pair pair;
    leat_new_session_ticket ticket;
    const char *why;
    tls_pair_init(&pair);
    pair.server.config.ticket_keys = leat_ticket_keys_new(NULL);
    tls_pair_start(&pair);
    tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
    tls_pair_carry(&pair, &pair.server, &pair.client, LEAT_LEVEL_INITIAL);
    tls_pair_carry(&pair, &pair.server, &pair.client, LEAT_LEVEL_HANDSHAKE);
    tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_HANDSHAKE);
    leat_span body = leat_tls_body(leat_tls_output(pair.server.tls, LEAT_LEVEL_APPLICATION));
    ck_assert_int_eq(leat_new_session_ticket_parse(body, &ticket, &why), LEAT_ALERT_NONE);
    ck_assert_uint_eq(ticket.extensions.present, 0);
    ck_assert_uint_eq(ticket.lifetime, LEAT_TICKET_LIFETIME_MAX);
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

/* TEST RFC 9001 §5.7-2: the server gets its read secret for 1-RTT only with the client's
 * Finished. */
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

/* The messages of RFC 8448 §6 before CertificateVerify, by step of the vector file. */
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
        client->handshake->peer_key = leat_x509_public_key(certificate.chain[0], &status);
        ck_assert_ptr_nonnull(client->handshake->peer_key);
        client->suite = leat_cipher_suite_find(0x1301);
        client->state = LEAT_CLIENT_HAS_CERTIFICATE;
        snprintf(section, sizeof section, "sections.4.steps.%d.items.0", RFC_8448_VERIFY);
        leat_span verify = test_vector_bytes(vectors, section, "hex");
        uint8_t bytes[256];
        memcpy(bytes, verify.data, verify.length);
        bytes[verify.length - 1] ^= (uint8_t)flip;
        int alert =
            leat_tls_receive(client, LEAT_LEVEL_HANDSHAKE, (leat_span){bytes, verify.length});
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

LEAT_TEST_MAIN("crypto/tls handshake", client_and_server_agree_on_all_secrets,
               every_suite_group_and_key_works, a_client_hello_offers_only_what_quic_allows,
               a_ticket_of_ours_offers_no_early_data, messages_may_be_cut_anywhere,
               the_wrong_name_in_the_certificate_is_bad_certificate,
               the_wrong_address_in_the_certificate_is_bad_certificate,
               a_certificate_of_nobody_is_unknown_ca,
               a_certificate_out_of_its_time_is_certificate_expired,
               transport_parameters_can_be_refused_by_either_side,
               exporters_of_both_sides_are_equal_and_depend_on_label_and_context,
               the_key_log_has_the_five_lines_of_both_sides,
               the_server_cannot_read_application_data_before_the_clients_finished,
               a_confirmed_handshake_keeps_less_than_a_kilobyte,
               a_ticket_after_confirmation_is_still_read, confirming_before_completion_does_nothing,
               a_random_source_that_fails_ends_the_handshake,
               configurations_that_cannot_work_are_refused, a_server_cannot_be_started,
               the_certificate_verify_of_rfc_8448_verifies)
