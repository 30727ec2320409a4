/*
 * RFC 8446 §4.2.11: pre_shared_key: which session may be resumed, and the binders that prove
 * possession. Only resumption with psk_dhe_ke; no external PSKs. 0-RTT is early_data.c's.
 */
#include "crypto/tls/handshake.h"

static bool equals_text(leat_span bytes, const char *text) {
    size_t length = text == NULL ? 0 : strlen(text);
    return bytes.length == length && (length == 0 || memcmp(bytes.data, text, length) == 0);
}

static bool offers_hash(const leat_tls_handshake *handshake, leat_hash_id hash) {
    for (size_t i = 0; i < handshake->cipher_suite_count; i++) {
        const leat_cipher_suite *suite = leat_cipher_suite_find(handshake->cipher_suites[i]);
        if (suite != NULL && suite->hash == hash) {
            return true;
        }
    }
    return false;
}

uint32_t leat_tls_session_context(const leat_tls *tls, bool is_new) {
    return tls->hooks.session_context != NULL
               ? tls->hooks.session_context(tls->hooks.user, is_new)
               : 0;
}

bool leat_psk_can_offer(const leat_tls *tls) {
    const leat_session *session = &tls->handshake->session;
    leat_span alpn = {tls->handshake->alpn.data, tls->handshake->alpn.length};
    return session->suite != NULL && session->ticket.length > 0 &&
           session->ticket.length <= LEAT_TICKET_MAX && leat_session_is_fresh(session, tls->now) &&
           /* RFC 8446 §4.6.1: never to another server than the one that gave it. */
           equals_text(session->server_name, tls->server_name) &&
           leat_protocol_list_contains(alpn, session->alpn) &&
           session->context == leat_tls_session_context(tls, false) &&
           leat_tls_is_session_of_ours(tls, &session->client) &&
           /* RFC 8446 §4.1.4: after a retry only with the hash that the server chose. */
           (tls->suite != NULL ? tls->suite->hash == session->suite->hash
                               : offers_hash(tls->handshake, session->suite->hash));
}

/* The hash of all messages so far and this truncated ClientHello, which is counted in where the
 * hash is chosen. */
static bool hash_truncated(leat_transcript *transcript, leat_hash_id hash, const uint8_t *bytes,
                           size_t length, uint8_t *digest) {
    if (transcript->hash == NULL) {
        return leat_hash_once(hash, bytes, length, digest) &&
               leat_transcript_add(transcript, bytes, length);
    }
    return leat_transcript_add(transcript, bytes, length) &&
           leat_transcript_hash(transcript, digest);
}

int leat_psk_bind(leat_tls *tls, uint8_t *client_hello, size_t length) {
    leat_tls_handshake *handshake = tls->handshake;
    leat_transcript *transcript = &handshake->transcript;
    size_t tail = 0;
    bool ok = true;
    if (handshake->offers_psk) {
        leat_hash_id hash = handshake->session.suite->hash;
        uint8_t digest[LEAT_HASH_MAX];
        size_t binder_size = leat_hash_size(hash);
        tail = 2 + 1 + binder_size; /* the list's length, the binder's length, the binder */
        ok = hash_truncated(transcript, hash, client_hello, length - tail, digest) &&
             leat_psk_binder(hash, handshake->session.psk, digest,
                             client_hello + length - binder_size);
    }
    ok = ok && leat_transcript_add(transcript, client_hello + (tail == 0 ? 0 : length - tail),
                                   tail == 0 ? length : tail);
    return ok ? LEAT_ALERT_NONE : leat_fault_memory(&tls->error);
}

/* RFC 8446 §4.6.1 and §4.2.11: everything that the ticket was bound to must be what this handshake
 * has. */
static bool may_resume(const leat_tls *tls, const leat_session *session) {
    leat_span alpn = leat_tls_alpn(tls);
    return session->suite->hash == tls->suite->hash && leat_session_is_fresh(session, tls->now) &&
           session->lifetime <= LEAT_TICKET_LIFETIME_MAX &&
           session->context == leat_tls_session_context(tls, false) &&
           leat_tls_client_may_resume(tls, &session->client) &&
           equals_text(session->server_name, tls->server_name) &&
           session->alpn.length == alpn.length &&
           memcmp(session->alpn.data, alpn.data, alpn.length) == 0;
}

static bool allows_psk_dhe(const leat_client_hello *hello) {
    leat_span modes = hello->extensions.psk_modes;
    return modes.length > 0 && memchr(modes.data, LEAT_PSK_DHE_KE, modes.length) != NULL;
}

int leat_psk_choose(leat_tls *tls, const leat_client_hello *hello, leat_session *session) {
    leat_tls_handshake *handshake = tls->handshake;
    if (!allows_psk_dhe(hello)) {
        handshake->tickets_to_send =
            0; /* RFC 8446 §4.2.9: tickets that this client could not use */
        return -1;
    }
    if (handshake->ticket_keys == NULL) {
        return -1;
    }
    leat_reader identities = leat_reader_of(hello->extensions.psk_identities);
    for (int i = 0; i < LEAT_TLS_IDENTITIES_TRIED_MAX && leat_reader_left(&identities) > 0; i++) {
        leat_span ticket = leat_read_vector16(&identities);
        leat_read_u32(&identities); /* the age: early_data.c; the ticket says when it was made */
        uint8_t *opened = &handshake->opened_ticket[0];
        if (ticket.length <= sizeof handshake->opened_ticket &&
            leat_ticket_open(handshake->ticket_keys, ticket, tls->now, opened, session) &&
            may_resume(tls, session)) {
            return i;
        }
    }
    leat_wipe(session, sizeof *session);
    return -1;
}

static leat_span binder_at(leat_span binders, size_t index) {
    leat_reader reader = leat_reader_of(binders);
    for (size_t i = 0; i < index; i++) {
        leat_read_vector8(&reader);
    }
    return leat_read_vector8(&reader);
}

int leat_psk_verify(leat_tls *tls, const leat_client_hello *hello, size_t index,
                    const leat_session *session, leat_span client_hello) {
    leat_transcript *transcript = &tls->handshake->transcript;
    uint8_t digest[LEAT_HASH_MAX], expected[LEAT_HASH_MAX];
    leat_hash_id hash = session->suite->hash;
    size_t tail = 2 + hello->extensions.psk_binders.length;
    leat_span binder = binder_at(hello->extensions.psk_binders, index);
    if (!hash_truncated(transcript, hash, client_hello.data, client_hello.length - tail, digest) ||
        !leat_psk_binder(hash, session->psk, digest, expected) ||
        !leat_transcript_add(transcript, client_hello.data + client_hello.length - tail, tail)) {
        return leat_fault_memory(&tls->error);
    }
    bool equal = binder.length == leat_hash_size(hash) &&
                 leat_constant_time_equal(binder.data, expected, binder.length);
    leat_wipe(expected, sizeof expected);
    if (!equal) {
        return leat_fault(&tls->error, LEAT_ALERT_DECRYPT_ERROR, "the PSK binder does not verify");
    }
    return LEAT_ALERT_NONE;
}
