/* RFC 8446 §4.6.1, §4.2.11: tickets, and everything that must make a server or client fall back to
 * a full handshake. */
#include "tls_pair.h"

static void full_handshake(tls_pair *pair) {
    tls_pair_init(pair);
    pair->server.config.ticket_keys = leat_ticket_keys_new(NULL);
    tls_pair_start(pair);
    tls_pair_run(pair);
    assert_complete(pair);
    ck_assert_uint_eq(pair->client.sessions, 1);
    tls_pair_restart(pair);
    pair->client.config.session = (leat_span){pair->client.session, pair->client.session_length};
}

static void second_handshake(tls_pair *pair, bool resumed) {
    tls_pair_start(pair);
    tls_pair_run(pair);
    assert_complete(pair);
    ck_assert_int_eq(leat_tls_is_resumed(pair->client.tls), resumed);
    ck_assert_int_eq(leat_tls_is_resumed(pair->server.tls), resumed);
}

static bool client_offers_psk(const tls_pair *pair) {
    return (pair->client.tls->handshake->offered & LEAT_HAS_PRE_SHARED_KEY) != 0;
}

START_TEST(a_session_resumes_without_a_certificate) {
    tls_pair pair;
    static const uint8_t flight[] = {LEAT_SERVER_HELLO, LEAT_ENCRYPTED_EXTENSIONS, LEAT_FINISHED,
                                     LEAT_NEW_SESSION_TICKET};
    full_handshake(&pair);
    second_handshake(&pair, true);
    ck_assert_uint_eq(pair.server.message_count, sizeof flight);
    ck_assert_mem_eq(pair.server.messages, flight, sizeof flight);
    ck_assert_uint_eq(leat_tls_peer_certificate(pair.client.tls, 0).length, 0);
    ck_assert_uint_eq(pair.client.sessions, 2);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_session_of_a_resumed_handshake_resumes_again) {
    tls_pair pair;
    full_handshake(&pair);
    for (int i = 0; i < 3; i++) {
        second_handshake(&pair, true);
        tls_pair_restart(&pair);
        pair.client.config.session.length = pair.client.session_length;
    }
    tls_pair_free(&pair);
}
END_TEST

START_TEST(resumption_survives_cuts_and_a_retry) {
    tls_pair pair;
    full_handshake(&pair);
    pair.cut = 1;
    pair.server.config.force_hello_retry_request = true;
    second_handshake(&pair, true);
    ck_assert(leat_tls_retried(pair.client.tls));
    tls_pair_free(&pair);
}
END_TEST

START_TEST(sha384_sessions_resume) {
    static const uint16_t suite = 0x1302;
    tls_pair pair;
    tls_pair_init(&pair);
    pair.server.config.ticket_keys = leat_ticket_keys_new(NULL);
    pair.client.config.cipher_suites = &suite;
    pair.client.config.cipher_suite_count = 1;
    tls_pair_start(&pair);
    tls_pair_run(&pair);
    tls_pair_restart(&pair);
    pair.client.config.session = (leat_span){pair.client.session, pair.client.session_length};
    second_handshake(&pair, true);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(another_suite_of_the_same_hash_may_resume) {
    static const uint16_t suite = 0x1303;
    tls_pair pair;
    full_handshake(&pair);
    pair.server.config.cipher_suites = &suite;
    pair.server.config.cipher_suite_count = 1;
    second_handshake(&pair, true);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(another_hash_means_a_full_handshake) {
    static const uint16_t suite = 0x1302;
    for (int forced = 0; forced < 2;
         forced++) { /* after a HelloRetryRequest the client itself drops the PSK */
        tls_pair pair;
        full_handshake(&pair);
        pair.server.config.cipher_suites = &suite;
        pair.server.config.cipher_suite_count = 1;
        pair.server.config.force_hello_retry_request = forced != 0;
        second_handshake(&pair, false);
        ck_assert_int_eq(client_offers_psk(&pair), !forced);
        tls_pair_free(&pair);
    }
}
END_TEST

START_TEST(a_client_offers_a_session_only_to_the_server_that_gave_it) {
    tls_pair pair;
    full_handshake(&pair);
    pair.client.config.server_name = "192.0.2.1";
    second_handshake(&pair, false);
    ck_assert(!client_offers_psk(&pair));
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_client_offers_no_session_of_a_protocol_it_does_not_want) {
    tls_pair pair;
    full_handshake(&pair);
    pair.client_alpn[0] = pair.server_alpn[0] = pair.client_alpn[1];
    second_handshake(&pair, false);
    ck_assert(!client_offers_psk(&pair));
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_client_offers_no_session_that_is_too_old) {
    tls_pair pair;
    full_handshake(&pair);
    pair.client.config.now = NOW + LEAT_TICKET_LIFETIME_MAX;
    second_handshake(&pair, false);
    ck_assert(!client_offers_psk(&pair));
    tls_pair_free(&pair);
}
END_TEST

/* Rewrites a field of the client's stored session, so that a ticket reaches a server that must
 * refuse it. */
static void change_session(tls_pair *pair, const char *server_name, const char *alpn,
                           int64_t created) {
    leat_session session;
    uint8_t copy[LEAT_SESSION_MAX];
    memcpy(copy, pair->client.session, pair->client.session_length);
    ck_assert(leat_session_parse((leat_span){copy, pair->client.session_length}, &session));
    session.server_name = (leat_span){(const uint8_t *)server_name, strlen(server_name)};
    session.alpn = (leat_span){(const uint8_t *)alpn, strlen(alpn)};
    session.created = created;
    leat_writer writer = leat_writer_make(pair->client.session, sizeof pair->client.session);
    leat_session_write(&session, &writer);
    pair->client.config.session = (leat_span){pair->client.session, leat_writer_length(&writer)};
}

START_TEST(a_server_refuses_a_ticket_of_another_name) {
    tls_pair pair;
    full_handshake(&pair);
    pair.identities[1] = test_identity("other");
    pair.server.config.identity_count = 2;
    pair.client.config.server_name = "other.test";
    change_session(&pair, "other.test", "h3", NOW);
    second_handshake(&pair, false);
    ck_assert(client_offers_psk(&pair));
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_server_refuses_a_ticket_without_the_name) {
    tls_pair pair;
    full_handshake(&pair);
    pair.client.config.server_name = "192.0.2.1";
    change_session(&pair, "192.0.2.1", "h3", NOW);
    second_handshake(&pair, false);
    ck_assert(client_offers_psk(&pair));
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_server_refuses_a_ticket_of_another_protocol) {
    tls_pair pair;
    full_handshake(&pair);
    pair.client_alpn[0] = pair.server_alpn[0] = (leat_span){(const uint8_t *)"h9", 2};
    change_session(&pair, "leat.test", "h9", NOW);
    second_handshake(&pair, false);
    ck_assert(client_offers_psk(&pair));
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_server_refuses_a_ticket_that_is_too_old) {
    tls_pair pair;
    full_handshake(&pair);
    pair.client.config.now = pair.server.config.now = NOW + LEAT_TICKET_LIFETIME_MAX;
    change_session(&pair, "leat.test", "h3", NOW + 1);
    second_handshake(&pair, false);
    ck_assert(client_offers_psk(&pair));
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_ticket_from_the_future_is_refused) {
    tls_pair pair;
    full_handshake(&pair);
    pair.server.config.now = NOW - 1;
    second_handshake(&pair, false);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_ticket_works_until_its_last_second) {
    tls_pair pair;
    full_handshake(&pair);
    pair.client.config.now = pair.server.config.now = NOW + LEAT_TICKET_LIFETIME_MAX - 1;
    second_handshake(&pair, true);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(tickets_of_other_keys_are_refused) {
    static const uint8_t zero_key[32];
    tls_pair pair;
    full_handshake(&pair);
    leat_ticket_keys_free(pair.server.config.ticket_keys);
    pair.server.config.ticket_keys = leat_ticket_keys_new(zero_key);
    second_handshake(&pair, false);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(the_same_secret_opens_tickets_in_another_process) {
    static const uint8_t secret[32] = {1, 2, 3};
    tls_pair pair;
    tls_pair_init(&pair);
    for (int i = 0; i < 2; i++) {
        pair.server.config.ticket_keys = leat_ticket_keys_new(secret);
        second_handshake(&pair, i == 1);
        tls_pair_restart(&pair);
        pair.client.config.session = (leat_span){pair.client.session, pair.client.session_length};
        leat_ticket_keys_free(pair.server.config.ticket_keys);
    }
    pair.server.config.ticket_keys = NULL;
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_server_without_ticket_keys_sends_none_and_resumes_none) {
    tls_pair pair;
    full_handshake(&pair);
    leat_ticket_keys_free(pair.server.config.ticket_keys);
    pair.server.config.ticket_keys = NULL;
    second_handshake(&pair, false);
    ck_assert_uint_eq(pair.client.sessions, 1);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(damaged_sessions_are_ignored_by_the_client) {
    tls_pair pair;
    full_handshake(&pair);
    for (size_t length = 0; length < pair.client.session_length; length++) {
        leat_session session;
        ck_assert(!leat_session_parse((leat_span){pair.client.session, length}, &session));
    }
    pair.client.config.session.length--;
    second_handshake(&pair, false);
    ck_assert(!client_offers_psk(&pair));
    tls_pair_free(&pair);
}
END_TEST

START_TEST(every_flipped_bit_of_a_ticket_is_noticed) {
    tls_pair pair;
    leat_session session, opened;
    uint8_t ticket[LEAT_TLS_OUR_TICKET_MAX], out[LEAT_TLS_OUR_TICKET_MAX];
    full_handshake(&pair);
    ck_assert(leat_session_parse(pair.client.config.session, &session));
    size_t length = session.ticket.length;
    memcpy(ticket, session.ticket.data, length);
    const leat_ticket_keys *keys = pair.server.config.ticket_keys;
    ck_assert(leat_ticket_open(keys, (leat_span){ticket, length}, NOW, out, &opened));
    ck_assert_mem_eq(opened.psk, session.psk, 32);
    for (size_t bit = 0; bit < length * 8; bit++) {
        ticket[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert(!leat_ticket_open(keys, (leat_span){ticket, length}, NOW, out, &opened));
        ticket[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < length; cut++) {
        ck_assert(!leat_ticket_open(keys, (leat_span){ticket, cut}, NOW, out, &opened));
    }
    tls_pair_free(&pair);
}
END_TEST

/* TEST RFC 8446 §4.6.1: the age is hidden by a value that differs from ticket to ticket. */
START_TEST(no_two_tickets_are_alike) {
    tls_pair pair;
    leat_session first, second;
    uint8_t copy[LEAT_SESSION_MAX];
    full_handshake(&pair);
    memcpy(copy, pair.client.session, pair.client.session_length);
    ck_assert(leat_session_parse((leat_span){copy, pair.client.session_length}, &first));
    pair.client.config.session.length = 0;
    second_handshake(&pair, false);
    ck_assert(
        leat_session_parse((leat_span){pair.client.session, pair.client.session_length}, &second));
    ck_assert_uint_ne(first.age_add, second.age_add);
    ck_assert_mem_ne(first.psk, second.psk, 32);
    ck_assert_mem_ne(first.ticket.data + 9, second.ticket.data + 9, 16);
    tls_pair_free(&pair);
}
END_TEST

/* A ClientHello whose last bytes are the binder: changes one and gives it to the server. */
START_TEST(every_flipped_bit_of_a_binder_is_decrypt_error) {
    tls_pair pair;
    full_handshake(&pair);
    for (size_t bit = 0; bit < 256; bit += 5) {
        uint8_t hello[4096];
        tls_pair_start(&pair);
        leat_span out = leat_tls_output(pair.client.tls, LEAT_LEVEL_INITIAL);
        memcpy(hello, out.data, out.length);
        hello[out.length - 32 + bit / 8] ^= (uint8_t)(1 << bit % 8);
        int alert =
            leat_tls_receive(pair.server.tls, LEAT_LEVEL_INITIAL, (leat_span){hello, out.length});
        ck_assert_int_eq(alert, LEAT_ALERT_DECRYPT_ERROR);
        ck_assert(!pair.server.has_secret[LEAT_LEVEL_HANDSHAKE][true]);
        tls_pair_restart(&pair);
    }
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_client_hello_changed_before_the_binder_is_decrypt_error) {
    tls_pair pair;
    uint8_t hello[4096];
    full_handshake(&pair);
    tls_pair_start(&pair);
    leat_span out = leat_tls_output(pair.client.tls, LEAT_LEVEL_INITIAL);
    memcpy(hello, out.data, out.length);
    hello[4 + 2] ^= 1; /* the random */
    int alert =
        leat_tls_receive(pair.server.tls, LEAT_LEVEL_INITIAL, (leat_span){hello, out.length});
    ck_assert_int_eq(alert, LEAT_ALERT_DECRYPT_ERROR);
    tls_pair_free(&pair);
}
END_TEST

/* TEST RFC 9369 §5: QUIC versions, in connections that begin with one and go on with another. */
START_TEST(a_session_resumes_only_in_the_context_that_it_was_made_in) {
    static const struct {
        uint32_t made_in, client, server;
        bool offered, resumed;
    } rows[] = {
        {1, 1, 1, true, true}, {2, 1, 1, false, false}, {2, 2, 2, true, true}, {1, 1, 2, true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tls_pair pair;
        tls_pair_init(&pair);
        pair.client.new_context = pair.server.new_context = rows[i].made_in;
        pair.server.config.ticket_keys = leat_ticket_keys_new(NULL);
        tls_pair_start(&pair);
        tls_pair_run(&pair);
        tls_pair_restart(&pair);
        pair.client.config.session =
            (leat_span){pair.client.session, pair.client.session_length};
        pair.client.context = rows[i].client;
        pair.server.context = rows[i].server;
        tls_pair_start(&pair);
        ck_assert_int_eq(client_offers_psk(&pair), rows[i].offered);
        tls_pair_run(&pair);
        assert_complete(&pair);
        ck_assert_int_eq(leat_tls_is_resumed(pair.server.tls), rows[i].resumed);
        tls_pair_free(&pair);
    }
}
END_TEST

LEAT_TEST_MAIN("crypto/tls resumption", a_session_resumes_without_a_certificate,
               a_session_of_a_resumed_handshake_resumes_again, resumption_survives_cuts_and_a_retry,
               sha384_sessions_resume, another_suite_of_the_same_hash_may_resume,
               another_hash_means_a_full_handshake,
               a_client_offers_a_session_only_to_the_server_that_gave_it,
               a_client_offers_no_session_of_a_protocol_it_does_not_want,
               a_client_offers_no_session_that_is_too_old,
               a_server_refuses_a_ticket_of_another_name,
               a_server_refuses_a_ticket_without_the_name,
               a_server_refuses_a_ticket_of_another_protocol,
               a_server_refuses_a_ticket_that_is_too_old, a_ticket_from_the_future_is_refused,
               a_ticket_works_until_its_last_second, tickets_of_other_keys_are_refused,
               the_same_secret_opens_tickets_in_another_process,
               a_server_without_ticket_keys_sends_none_and_resumes_none,
               damaged_sessions_are_ignored_by_the_client, every_flipped_bit_of_a_ticket_is_noticed,
               no_two_tickets_are_alike, every_flipped_bit_of_a_binder_is_decrypt_error,
               a_client_hello_changed_before_the_binder_is_decrypt_error,
               a_session_resumes_only_in_the_context_that_it_was_made_in)
