/* RFC 8446 §2.3, §4.2.10, §8: early data: when it is offered, when it is accepted, and everything
 * that must make a server reject it while the handshake goes on. */
#include "tls_pair.h"

/* A first handshake that leaves the client a session that allows early data. */
static void first_handshake(tls_pair *pair) {
    tls_pair_init(pair);
    pair->server.config.ticket_keys = leat_ticket_keys_new(NULL);
    pair->server.config.replays = leat_replay_register_new(false);
    pair->server.config.early_data = pair->client.config.early_data = true;
    pair->server.remembers = "server remembers";
    pair->client.remembers = "client remembers";
    run_to_completion(pair);
    ck_assert_int_eq(leat_tls_early_data(pair->client.tls), LEAT_EARLY_DATA_NONE);
    ck_assert_int_eq(leat_tls_early_data(pair->server.tls), LEAT_EARLY_DATA_NONE);
    tls_pair_restart(pair);
    pair->client.config.session = (leat_span){pair->client.session, pair->client.session_length};
}

static void assert_verdict(const tls_pair *pair, leat_early_data verdict) {
    ck_assert_int_eq(leat_tls_early_data(pair->client.tls), verdict);
    ck_assert_int_eq(leat_tls_early_data(pair->server.tls), verdict);
    bool is_accepted = verdict == LEAT_EARLY_DATA_ACCEPTED;
    ck_assert_int_eq(pair->server.has_secret[LEAT_LEVEL_EARLY][false], is_accepted);
    ck_assert(!pair->server.has_secret[LEAT_LEVEL_EARLY][true]);
    ck_assert(!pair->client.has_secret[LEAT_LEVEL_EARLY][false]);
    if (is_accepted) {
        ck_assert_mem_eq(pair->client.secrets[LEAT_LEVEL_EARLY][true],
                         pair->server.secrets[LEAT_LEVEL_EARLY][false], LEAT_HASH_MAX);
    }
}

static void end_with(tls_pair *pair, leat_early_data verdict) {
    run_to_completion(pair);
    assert_verdict(pair, verdict);
    tls_pair_free(pair);
}

START_TEST(a_resumed_handshake_carries_early_data) {
    tls_pair pair;
    first_handshake(&pair);
    end_with(&pair, LEAT_EARLY_DATA_ACCEPTED);
}
END_TEST

START_TEST(the_secret_of_early_data_is_there_before_anything_is_sent) {
    tls_pair pair;
    first_handshake(&pair);
    tls_pair_start(&pair);
    ck_assert_int_eq(leat_tls_early_data(pair.client.tls), LEAT_EARLY_DATA_OFFERED);
    ck_assert(pair.client.has_secret[LEAT_LEVEL_EARLY][true]);
    ck_assert_uint_eq(pair.client.key_log_lines, 1);
    static const char label[] = "CLIENT_EARLY_TRAFFIC_SECRET ";
    ck_assert_int_eq(strncmp(pair.client.key_log[0], label, sizeof label - 1), 0);
    tls_pair_run(&pair);
    assert_complete(&pair);
    ck_assert_str_eq(pair.server.key_log[0], pair.client.key_log[0]);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(each_side_is_asked_about_what_it_remembered) {
    tls_pair pair;
    first_handshake(&pair);
    run_to_completion(&pair);
    ck_assert_str_eq(pair.client.remembered, "client remembers");
    ck_assert_str_eq(pair.server.remembered, "server remembers");
    ck_assert_uint_eq(pair.client.times_asked, 1);
    ck_assert_uint_eq(pair.server.times_asked, 1);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(early_data_of_sha384_suites_works_too) {
    static const uint16_t suite = 0x1302;
    tls_pair pair;
    tls_pair_init(&pair);
    pair.client.config.cipher_suites = &suite;
    pair.client.config.cipher_suite_count = 1;
    pair.server.config.ticket_keys = leat_ticket_keys_new(NULL);
    pair.server.config.replays = leat_replay_register_new(false);
    pair.server.config.early_data = pair.client.config.early_data = true;
    run_to_completion(&pair);
    tls_pair_restart(&pair);
    pair.client.config.session = (leat_span){pair.client.session, pair.client.session_length};
    end_with(&pair, LEAT_EARLY_DATA_ACCEPTED);
}
END_TEST

/* ---- what a client does not offer ------------------------------------------------------------ */

static void run_without_offer(tls_pair *pair) {
    run_to_completion(pair);
    ck_assert_int_eq(pair->client.tls->handshake->offered & LEAT_HAS_EARLY_DATA, 0);
    assert_verdict(pair, LEAT_EARLY_DATA_NONE);
    ck_assert(!pair->client.has_secret[LEAT_LEVEL_EARLY][true]);
    tls_pair_free(pair);
}

START_TEST(a_client_offers_none_unless_it_was_told_to) {
    tls_pair pair;
    first_handshake(&pair);
    pair.client.config.early_data = false;
    run_without_offer(&pair);
}
END_TEST

/* TEST RFC 8446 §4.6.1: the ticket says whether early data may be sent. */
START_TEST(a_client_offers_none_with_a_ticket_that_does_not_allow_it) {
    tls_pair pair;
    first_handshake(&pair);
    pair.server.config.early_data = false;
    pair.client.config.session.length = 0;
    run_to_completion(&pair);
    tls_pair_restart(&pair);
    pair.server.config.early_data = true;
    pair.client.config.session = (leat_span){pair.client.session, pair.client.session_length};
    run_without_offer(&pair);
}
END_TEST

START_TEST(a_client_offers_none_without_the_suite_of_the_ticket) {
    static const uint16_t suites[] = {0x1303, 0x1302};
    tls_pair pair;
    first_handshake(&pair);
    pair.client.config.cipher_suites = suites;
    pair.client.config.cipher_suite_count = 2;
    run_without_offer(&pair);
}
END_TEST

START_TEST(a_client_offers_none_when_its_owner_cannot_use_it) {
    tls_pair pair;
    first_handshake(&pair);
    pair.client.refuses_early_data = true;
    run_without_offer(&pair);
}
END_TEST

START_TEST(a_client_offers_none_with_a_session_that_cannot_be_resumed) {
    tls_pair pair;
    first_handshake(&pair);
    pair.client.config.now = NOW + LEAT_TICKET_LIFETIME_MAX;
    run_without_offer(&pair);
}
END_TEST

/* ---- what a server rejects ------------------------------------------------------------------- */

START_TEST(a_server_that_was_not_told_to_rejects_it) {
    tls_pair pair;
    first_handshake(&pair);
    pair.server.config.early_data = false;
    end_with(&pair, LEAT_EARLY_DATA_REJECTED);
}
END_TEST

START_TEST(a_server_without_a_register_rejects_it) {
    tls_pair pair;
    first_handshake(&pair);
    leat_replay_register_free(pair.server.config.replays);
    pair.server.config.replays = NULL;
    end_with(&pair, LEAT_EARLY_DATA_REJECTED);
}
END_TEST

START_TEST(a_server_whose_owner_refuses_rejects_it) {
    tls_pair pair;
    first_handshake(&pair);
    pair.server.refuses_early_data = true;
    end_with(&pair, LEAT_EARLY_DATA_REJECTED);
}
END_TEST

START_TEST(a_server_that_chooses_another_suite_rejects_it) {
    static const uint16_t suite = 0x1303;
    tls_pair pair;
    first_handshake(&pair);
    pair.server.config.cipher_suites = &suite;
    pair.server.config.cipher_suite_count = 1;
    end_with(&pair, LEAT_EARLY_DATA_REJECTED);
}
END_TEST

START_TEST(a_server_that_does_not_resume_rejects_it) {
    tls_pair pair;
    first_handshake(&pair);
    leat_ticket_keys_free(pair.server.config.ticket_keys);
    pair.server.config.ticket_keys = leat_ticket_keys_new(NULL);
    run_to_completion(&pair);
    ck_assert(!leat_tls_is_resumed(pair.client.tls));
    assert_verdict(&pair, LEAT_EARLY_DATA_REJECTED);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_retry_rejects_it_and_resumes_all_the_same) {
    tls_pair pair;
    first_handshake(&pair);
    pair.server.config.force_hello_retry_request = true;
    run_to_completion(&pair);
    ck_assert(leat_tls_is_resumed(pair.client.tls));
    ck_assert_int_eq(pair.client.tls->handshake->offered & LEAT_HAS_EARLY_DATA, 0);
    ck_assert_int_eq(leat_tls_early_data(pair.client.tls), LEAT_EARLY_DATA_REJECTED);
    ck_assert(!pair.server.has_secret[LEAT_LEVEL_EARLY][false]);
    tls_pair_free(&pair);
}
END_TEST

/* TEST RFC 8446 §8.3: the age that the client states must fit the ticket's, within the window. */
START_TEST(a_hello_from_outside_the_window_is_rejected) {
    static const int64_t delays[] = {LEAT_REPLAY_WINDOW, LEAT_REPLAY_WINDOW + 1,
                                     -LEAT_REPLAY_WINDOW, -LEAT_REPLAY_WINDOW - 1};
    for (size_t i = 0; i < 4; i++) {
        tls_pair pair;
        first_handshake(&pair);
        pair.client.config.now = NOW + 1000;
        pair.server.config.now = NOW + 1000 + delays[i];
        end_with(&pair, i % 2 == 0 ? LEAT_EARLY_DATA_ACCEPTED : LEAT_EARLY_DATA_REJECTED);
    }
}
END_TEST

/* Gives the same first flight to a new server, as an attacker would who recorded it. */
START_TEST(a_replayed_hello_is_rejected) {
    tls_pair pair;
    uint8_t hello[4096];
    first_handshake(&pair);
    tls_pair_start(&pair);
    leat_span out = leat_tls_output(pair.client.tls, LEAT_LEVEL_INITIAL);
    ck_assert_uint_le(out.length, sizeof hello);
    size_t length = out.length;
    memcpy(hello, out.data, length);
    tls_pair_run(&pair);
    assert_verdict(&pair, LEAT_EARLY_DATA_ACCEPTED);
    for (int64_t later = 0; later < 3 * LEAT_REPLAY_PERIOD; later += 3) {
        tls_pair_restart(&pair);
        pair.server.config.now = NOW + later;
        tls_pair_start(&pair);
        ck_assert_int_eq(
            leat_tls_receive(pair.server.tls, LEAT_LEVEL_INITIAL, (leat_span){hello, length}),
            LEAT_ALERT_NONE);
        ck_assert_int_eq(leat_tls_early_data(pair.server.tls), LEAT_EARLY_DATA_REJECTED);
        ck_assert(leat_tls_is_resumed(pair.server.tls));
    }
    tls_pair_free(&pair);
}
END_TEST

START_TEST(a_hello_with_a_wrong_binder_takes_no_place_in_the_register) {
    tls_pair pair;
    uint8_t hello[4096];
    first_handshake(&pair);
    tls_pair_start(&pair);
    leat_span out = leat_tls_output(pair.client.tls, LEAT_LEVEL_INITIAL);
    memcpy(hello, out.data, out.length);
    hello[out.length - 1] ^= 1;
    ck_assert_int_eq(
        leat_tls_receive(pair.server.tls, LEAT_LEVEL_INITIAL, (leat_span){hello, out.length}),
        LEAT_ALERT_DECRYPT_ERROR);
    ck_assert(!pair.server.has_secret[LEAT_LEVEL_EARLY][false]);
    ck_assert_uint_eq(pair.server.times_asked, 0);
    tls_pair_free(&pair);
}
END_TEST

/* ---- what a server must not do --------------------------------------------------------------- */

/* Makes the client believe that its session has this suite or that none of its PSK was taken, and
 * the server accept all the same. */
static void lie_and_accept(tls_pair *pair, leat_tls_state state) {
    tls_pair_start(pair);
    tls_pair_carry(pair, &pair->client, &pair->server, LEAT_LEVEL_INITIAL);
    tls_pair_carry(pair, &pair->server, &pair->client, LEAT_LEVEL_INITIAL);
    ck_assert_int_eq(pair->client.tls->state, state);
}

START_TEST(early_data_accepted_for_another_suite_is_illegal) {
    tls_pair pair;
    first_handshake(&pair);
    lie_and_accept(&pair, LEAT_CLIENT_HAS_SERVER_HELLO);
    pair.client.tls->handshake->session.suite = leat_cipher_suite_find(0x1303);
    ck_assert_int_eq(tls_pair_carry(&pair, &pair.server, &pair.client, LEAT_LEVEL_HANDSHAKE),
                     LEAT_ALERT_ILLEGAL_PARAMETER);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(early_data_accepted_without_the_psk_is_illegal) {
    tls_pair pair;
    first_handshake(&pair);
    lie_and_accept(&pair, LEAT_CLIENT_HAS_SERVER_HELLO);
    pair.client.tls->handshake->with_psk = false;
    ck_assert_int_eq(tls_pair_carry(&pair, &pair.server, &pair.client, LEAT_LEVEL_HANDSHAKE),
                     LEAT_ALERT_ILLEGAL_PARAMETER);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(early_data_accepted_that_was_not_offered_is_unsupported) {
    tls_pair pair;
    first_handshake(&pair);
    lie_and_accept(&pair, LEAT_CLIENT_HAS_SERVER_HELLO);
    pair.client.tls->handshake->offered &= ~(uint32_t)LEAT_HAS_EARLY_DATA;
    ck_assert_int_eq(tls_pair_carry(&pair, &pair.server, &pair.client, LEAT_LEVEL_HANDSHAKE),
                     LEAT_ALERT_UNSUPPORTED_EXTENSION);
    tls_pair_free(&pair);
}
END_TEST

LEAT_TEST_MAIN("crypto/tls early data", a_resumed_handshake_carries_early_data,
               the_secret_of_early_data_is_there_before_anything_is_sent,
               each_side_is_asked_about_what_it_remembered, early_data_of_sha384_suites_works_too,
               a_client_offers_none_unless_it_was_told_to,
               a_client_offers_none_with_a_ticket_that_does_not_allow_it,
               a_client_offers_none_without_the_suite_of_the_ticket,
               a_client_offers_none_when_its_owner_cannot_use_it,
               a_client_offers_none_with_a_session_that_cannot_be_resumed,
               a_server_that_was_not_told_to_rejects_it, a_server_without_a_register_rejects_it,
               a_server_whose_owner_refuses_rejects_it,
               a_server_that_chooses_another_suite_rejects_it,
               a_server_that_does_not_resume_rejects_it,
               a_retry_rejects_it_and_resumes_all_the_same,
               a_hello_from_outside_the_window_is_rejected, a_replayed_hello_is_rejected,
               a_hello_with_a_wrong_binder_takes_no_place_in_the_register,
               early_data_accepted_for_another_suite_is_illegal,
               early_data_accepted_without_the_psk_is_illegal,
               early_data_accepted_that_was_not_offered_is_unsupported)
