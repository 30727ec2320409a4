/*
 * RFC 8446 §4.3.2 and §4.4.2.3: client certificates: how a server asks for one, what a client
 * chooses to answer with, and the client's last flight. Only within the handshake: QUIC has no
 * authentication after it (RFC 9001 §4.4). What a Certificate proves is in authentication.c.
 */
#include "crypto/tls/handshake.h"

/* The schemes as a uint16 list take two bytes each; we have a dozen. */
#define SCHEME_LIST_MAX 64

/* RFC 8446 §4.4.2.3: the first of our identities that can sign as the server wants; or none, which
 * is no error here: the server decides what it thinks of an empty Certificate. */
static void choose_identity(leat_tls *tls, leat_span wanted) {
    leat_tls_handshake *handshake = tls->handshake;
    for (size_t i = 0; i < handshake->identity_count && handshake->scheme == 0; i++) {
        handshake->identity = handshake->identities[i];
        handshake->scheme = leat_negotiate_scheme(handshake->identity, wanted);
    }
    if (handshake->scheme == 0) {
        handshake->identity = NULL;
    }
}

/* RFC 8446 §4.2.4: NOT IMPLEMENTED: certificate_authorities is read over: an application that has
 * certificates of several CAs knows itself which one this server wants. */
int leat_tls_on_certificate_request(leat_tls *tls, leat_span message) {
    leat_certificate_request request;
    int alert = leat_certificate_request_parse(leat_tls_body(message), &request, &tls->error);
    if (alert != LEAT_ALERT_NONE) {
        return alert;
    }
    tls->handshake->certificate_requested = true;
    choose_identity(tls, request.extensions.signature_schemes);
    leat_tls_choose_compression(tls, &request.extensions);
    return leat_tls_hash_message(tls, message);
}

int leat_tls_send_certificate_request(leat_tls *tls) {
    uint8_t schemes[SCHEME_LIST_MAX], cert_schemes[SCHEME_LIST_MAX];
    uint8_t compressions[LEAT_COMPRESSION_LIST_MAX];
    size_t count, cert_count;
    const uint16_t *ours = leat_signature_schemes(&count);
    const uint16_t *certs = leat_signature_cert_schemes(&cert_count);
    leat_certificate_request request = {
        .extensions = {
            .present = LEAT_HAS_SIGNATURE_ALGORITHMS | LEAT_HAS_SIGNATURE_ALGORITHMS_CERT,
            .signature_schemes = leat_u16_list_make(ours, count, schemes, sizeof schemes),
            .signature_cert_schemes =
                leat_u16_list_make(certs, cert_count, cert_schemes, sizeof cert_schemes),
        },
    };
    leat_tls_offer_compression(tls, &request.extensions, compressions);
    leat_tls_message message;
    if (!leat_tls_message_begin(tls, &message, LEAT_LEVEL_HANDSHAKE, LEAT_CERTIFICATE_REQUEST,
                                32 + sizeof schemes + sizeof cert_schemes)) {
        return leat_fault_memory(&tls->error);
    }
    leat_certificate_request_write(&request, &message.writer);
    return leat_tls_message_end(tls, &message);
}

/* RFC 8446 §4.4.2, §4.4.3: a client that is asked always answers, if only with an empty chain, and
 * signs when the chain is not empty. */
int leat_tls_answer_certificate_request(leat_tls *tls) {
    leat_tls_handshake *handshake = tls->handshake;
    if (!handshake->certificate_requested) {
        return LEAT_ALERT_NONE;
    }
    int alert = leat_tls_send_certificate(tls);
    return alert == LEAT_ALERT_NONE && handshake->identity != NULL
               ? leat_tls_send_certificate_verify(tls)
               : alert;
}

bool leat_tls_wants_client_certificate(const leat_tls *tls) {
    /* RFC 8446 §4.3.2: a handshake with a PSK has no CertificateRequest. */
    return tls->handshake->client_auth != LEAT_CLIENT_AUTH_NONE && !tls->handshake->with_psk;
}

bool leat_tls_client_may_resume(const leat_tls *tls, const leat_session_client *client) {
    switch (tls->handshake->client_auth) {
    case LEAT_CLIENT_AUTH_NONE: /* a ticket from a configuration that asked is none of ours */
        return !client->is_known;
    case LEAT_CLIENT_AUTH_REQUEST:
        return true;
    case LEAT_CLIENT_AUTH_REQUIRE:
        return client->is_known;
    }
    return false;
}

bool leat_tls_is_session_of_ours(const leat_tls *tls, const leat_session_client *client) {
    uint8_t hash[32];
    if (!client->is_known) {
        return true;
    }
    for (size_t i = 0; i < tls->handshake->identity_count; i++) {
        leat_identity_hash(tls->handshake->identities[i], hash);
        if (memcmp(hash, client->leaf, sizeof hash) == 0) {
            return true;
        }
    }
    return false;
}

int leat_tls_keep_client(leat_tls *tls) {
    leat_tls_handshake *handshake = tls->handshake;
    leat_span leaf = {NULL, 0};
    if (!tls->is_client) {
        leaf = leat_tls_peer_certificate(tls, 0);
    } else if (handshake->certificate_requested && handshake->identity != NULL) {
        leaf = leat_identity_chain_der(handshake->identity, 0);
    }
    if (leaf.length == 0) { /* none, or the one that a resumed session had */
        return LEAT_ALERT_NONE;
    }
    tls->client.expires = leat_x509_not_after(leaf);
    tls->client.is_known =
        leat_hash_once(LEAT_HASH_SHA256, leaf.data, leaf.length, tls->client.leaf);
    return tls->client.is_known ? LEAT_ALERT_NONE : leat_fault_memory(&tls->error);
}
