/*
 * What a server does with a ClientHello: parse, negotiate, schedule, emit, each its own function;
 * or ask for another one (HelloRetryRequest, RFC 8446 §4.1.4), which is then held against the
 * first.
 */
#include "crypto/tls/handshake.h"

/* RFC 8446 §4.1.2: only what the HelloRetryRequest asked for may differ. */
static int check_second_hello(leat_tls *tls, const leat_client_hello *hello) {
    leat_tls_handshake *handshake = tls->handshake;
    uint8_t fingerprint[32];
    if (!leat_client_hello_fingerprint(hello, fingerprint)) {
        return leat_fault_memory(&tls->error);
    }
    /* RFC 8446 §4.2.10: 0-RTT ends with the HelloRetryRequest. */
    bool has_early_data = (hello->extensions.present & LEAT_HAS_EARLY_DATA) != 0;
    if (has_early_data ||
        memcmp(fingerprint, handshake->hello_fingerprint, sizeof fingerprint) != 0) {
        return leat_fault(&tls->error, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "the second ClientHello changes what it must repeat");
    }
    return LEAT_ALERT_NONE;
}

/* RFC 8446 §4.2.2: the cookie comes back as it was sent; without one sent there is none. */
static int check_cookie(leat_tls *tls, const leat_client_hello *hello) {
    leat_tls_handshake *handshake = tls->handshake;
    leat_span cookie = hello->extensions.cookie;
    size_t expected = handshake->cookie_sent ? sizeof handshake->cookie : 0;
    if (cookie.length != expected ||
        (expected > 0 && !leat_constant_time_equal(cookie.data, handshake->cookie, expected))) {
        return leat_fault(&tls->error, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "the cookie is not the one sent");
    }
    return LEAT_ALERT_NONE;
}

/* RFC 8446 §4.2.8: the second ClientHello has exactly one share, of the group asked for. */
static int negotiate_second_group(leat_tls *tls, const leat_client_hello *hello, leat_span *share) {
    leat_reader shares = leat_reader_of(hello->extensions.key_shares);
    if (tls->handshake->cookie_sent) { /* then no group was asked for and the shares are the same */
        tls->handshake->force_hello_retry_request = false;
        return leat_negotiate_group(tls, hello, share);
    }
    uint16_t group;
    if (!leat_key_share_next(&shares, &group, share) || group != tls->group ||
        !leat_reader_at_end(&shares)) {
        return leat_fault(&tls->error, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "not the key share that was asked for");
    }
    return LEAT_ALERT_NONE;
}

static int negotiate(leat_tls *tls, const leat_client_hello *hello, leat_span *share) {
    leat_tls_choose_compression(tls, &hello->extensions);
    int alert = leat_negotiate_cipher_suite(tls, hello);
    if (alert == LEAT_ALERT_NONE) {
        alert = tls->retried ? negotiate_second_group(tls, hello, share)
                             : leat_negotiate_group(tls, hello, share);
    }
    if (alert == LEAT_ALERT_NONE) {
        alert = leat_negotiate_name(tls, hello);
    }
    if (alert == LEAT_ALERT_NONE && tls->alpn == NULL) {
        alert = leat_negotiate_alpn(tls, hello);
    }
    if (alert == LEAT_ALERT_NONE &&
        !leat_transcript_choose(&tls->handshake->transcript, tls->suite->hash)) {
        alert = leat_fault_memory(&tls->error);
    }
    return alert;
}

static int ask_again(leat_tls *tls, const leat_client_hello *hello, leat_span message,
                     bool ask_for_group) {
    tls->handshake->turn = LEAT_TURN_AGAIN;
    if (!leat_client_hello_fingerprint(hello, tls->handshake->hello_fingerprint)) {
        return leat_fault_memory(&tls->error);
    }
    int alert = leat_tls_hash_message(tls, message);
    return alert == LEAT_ALERT_NONE ? leat_tls_send_hello_retry_request(tls, ask_for_group) : alert;
}

/* Resumption if a ticket and its binder allow it, else the certificate's scheme; the ClientHello is
 * hashed. */
static int authenticate(leat_tls *tls, const leat_client_hello *hello, leat_span message,
                        leat_session *session, int *psk) {
    *psk = leat_psk_choose(tls, hello, session);
    if (*psk >= 0) {
        tls->resumed = tls->handshake->with_psk = true;
        tls->client = session->client;
        return leat_psk_verify(tls, hello, (size_t)*psk, session, message);
    }
    int alert = leat_negotiate_identity(tls, hello);
    return alert == LEAT_ALERT_NONE ? leat_tls_hash_message(tls, message) : alert;
}

/* ServerHello to the handshake secrets. */
static int agree(leat_tls *tls, leat_span client_share, int psk) {
    uint8_t share[LEAT_KEY_SHARE_MAX], secret[LEAT_SHARED_SECRET_MAX];
    size_t length;
    uint16_t selected = (uint16_t)psk;
    if (!leat_key_exchange_respond(tls->group, client_share, share, secret, &length)) {
        return leat_fault(&tls->error, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "the client's key share is not valid");
    }
    leat_span server_share = {share, leat_group_server_share_size(tls->group)};
    int alert = leat_tls_send_server_hello(tls, server_share, psk >= 0 ? &selected : NULL);
    if (alert == LEAT_ALERT_NONE) {
        alert = leat_tls_derive_handshake_secrets(tls, (leat_span){secret, length});
    }
    leat_wipe(secret, sizeof secret);
    return alert;
}

/* EncryptedExtensions to Finished. The read secret for 1-RTT waits for the client's Finished. */
static int emit(leat_tls *tls) {
    leat_tls_handshake *handshake = tls->handshake;
    leat_tls_give_secret(tls, LEAT_LEVEL_HANDSHAKE, true, handshake->server_handshake_secret);
    leat_tls_give_secret(tls, LEAT_LEVEL_HANDSHAKE, false, handshake->client_handshake_secret);
    int alert = leat_tls_send_encrypted_extensions(tls);
    if (alert == LEAT_ALERT_NONE && leat_tls_wants_client_certificate(tls)) {
        handshake->turn = LEAT_TURN_LONGER;
        alert = leat_tls_send_certificate_request(tls);
    }
    if (alert == LEAT_ALERT_NONE && !handshake->with_psk) {
        alert = leat_tls_send_certificate(tls);
    }
    if (alert == LEAT_ALERT_NONE && !handshake->with_psk) {
        alert = leat_tls_send_certificate_verify(tls);
    }
    if (alert == LEAT_ALERT_NONE) {
        alert =
            leat_tls_send_finished(tls, LEAT_LEVEL_HANDSHAKE, handshake->server_handshake_secret);
    }
    if (alert == LEAT_ALERT_NONE) {
        alert = leat_tls_derive_application_secrets(tls);
    }
    if (alert == LEAT_ALERT_NONE) {
        leat_tls_give_secret(tls, LEAT_LEVEL_APPLICATION, true,
                             handshake->server_application_secret);
    }
    return alert;
}

static int begin_schedule(leat_tls *tls, const uint8_t *psk) {
    return leat_key_schedule_early(&tls->handshake->schedule, tls->suite->hash, psk)
               ? LEAT_ALERT_NONE
               : leat_fault_memory(&tls->error);
}

static int answer(leat_tls *tls, const leat_client_hello *hello, leat_span message,
                  leat_span share) {
    leat_session session = {0};
    int psk = -1;
    int alert = authenticate(tls, hello, message, &session, &psk);
    if (alert == LEAT_ALERT_NONE) {
        alert = begin_schedule(tls, psk >= 0 ? session.psk : NULL);
    }
    if (alert == LEAT_ALERT_NONE) {
        alert = leat_early_data_decide(tls, hello, psk, &session);
    }
    if (alert == LEAT_ALERT_NONE) {
        alert = agree(tls, share, psk);
    }
    leat_wipe(&session, sizeof session);
    leat_wipe(tls->handshake->opened_ticket, sizeof tls->handshake->opened_ticket);
    return alert == LEAT_ALERT_NONE ? emit(tls) : alert;
}

int leat_tls_on_client_hello(leat_tls *tls, leat_span message) {
    leat_tls_handshake *handshake = tls->handshake;
    leat_client_hello hello;
    leat_span share = {NULL, 0};
    int alert = leat_client_hello_parse(leat_tls_body(message), &hello, &tls->error);
    tls->violates_quic = hello.session_id.length != 0; /* RFC 9001 §8.4-2 */
    if (alert == LEAT_ALERT_NONE) {
        alert = check_cookie(tls, &hello);
    }
    if (alert == LEAT_ALERT_NONE && tls->retried) {
        alert = check_second_hello(tls, &hello);
    }
    if (alert == LEAT_ALERT_NONE) {
        memcpy(handshake->client_random, hello.random.data, LEAT_TLS_RANDOM);
        alert = negotiate(tls, &hello, &share);
    }
    if (alert == LEAT_ALERT_NONE && !tls->retried) {
        /* RFC 9369 §4.1: they say in which version of QUIC the answer goes, a HelloRetryRequest
         * like any other; the second ClientHello must repeat them. */
        alert = leat_tls_give_transport_parameters(tls, hello.extensions.transport_parameters);
    }
    if (alert != LEAT_ALERT_NONE) {
        return alert;
    }
    bool may_ask = !tls->retried; /* RFC 8446 §4.1.4: once */
    if (may_ask && (share.length == 0 || handshake->force_hello_retry_request)) {
        return ask_again(tls, &hello, message, share.length == 0);
    }
    return answer(tls, &hello, message, share);
}
