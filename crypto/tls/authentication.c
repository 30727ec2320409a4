/*
 * RFC 8446 §4.4.2 and §4.4.3: how an endpoint proves who it is and how it judges the other's proof:
 * Certificate and CertificateVerify, the same for both roles. Whether a client is asked at all, and
 * how it answers, is in client_auth.c.
 */
#include "crypto/tls/handshake.h"

/* RFC 8446 §4.4.3: 64 spaces, the context with its NUL, the transcript hash. */
#define PADDING 64
#define CONTEXT_SIZE sizeof "TLS 1.3, server CertificateVerify"
#define SIGNED_MAX (PADDING + CONTEXT_SIZE + LEAT_HASH_MAX)

/* Spans into chain_bytes. */
static int split_chain(leat_tls *tls, size_t length) {
    leat_certificate certificate;
    int alert = leat_certificate_parse((leat_span){tls->chain_bytes, length}, &certificate,
                                       &tls->error);
    if (alert != LEAT_ALERT_NONE) {
        return alert;
    }
    /* RFC 8446 §4.4.2: within the handshake nobody gave one to repeat. */
    if (certificate.context.length != 0) {
        return leat_fault(&tls->error, LEAT_ALERT_ILLEGAL_PARAMETER, "Certificate has a context");
    }
    if (certificate.count == 0) {
        return LEAT_ALERT_NONE;
    }
    tls->chain = leat_alloc_array(tls->allocator, certificate.count, sizeof *tls->chain);
    if (tls->chain == NULL) {
        return leat_fault_memory(&tls->error);
    }
    memcpy(tls->chain, certificate.chain, certificate.count * sizeof *tls->chain);
    tls->chain_length = certificate.count;
    return LEAT_ALERT_NONE;
}

/* RFC 9001 §4.4-1: fails closed; only LEAT_X509_OK with a key in hand goes on. */
static int verify_chain(leat_tls *tls) {
    leat_tls_handshake *handshake = tls->handshake;
    const char *host = tls->is_client ? tls->server_name : NULL;
    leat_x509_status status =
        leat_trust_verify(handshake->trust, tls->chain, tls->chain_length, host, tls->is_client,
                          tls->now, handshake->message, &handshake->peer_key);
    if (status != LEAT_X509_OK) {
        return leat_fault(&tls->error, leat_alert_of_x509(status), handshake->message);
    }
    /* RFC 8446 §6.2: access_denied is for a certificate that is valid and not welcome. */
    if (tls->hooks.verify_peer != NULL &&
        !tls->hooks.verify_peer(tls->hooks.user, tls->chain, tls->chain_length)) {
        return leat_fault(&tls->error, LEAT_ALERT_ACCESS_DENIED,
                          "the application refuses the peer's certificate");
    }
    return LEAT_ALERT_NONE;
}

/* RFC 8446 §4.4.2.4: a server must have a certificate, a client only where one is required. */
static int judge_absence(leat_tls *tls) {
    if (tls->is_client) {
        return leat_fault_decode(&tls->error, "the server sent no certificate");
    }
    if (tls->handshake->client_auth == LEAT_CLIENT_AUTH_REQUIRE) {
        return leat_fault(&tls->error, LEAT_ALERT_CERTIFICATE_REQUIRED,
                          "the client sent no certificate, and one is required");
    }
    tls->handshake->turn = LEAT_TURN_SHORTER;
    return LEAT_ALERT_NONE;
}

/* The chain outlives the message: leat_tls_peer_certificate gives it to the application. */
int leat_tls_on_certificate(leat_tls *tls, leat_span message) {
    leat_span body = leat_tls_body(message);
    tls->chain_bytes = leat_alloc(tls->allocator, body.length);
    if (tls->chain_bytes == NULL) {
        return leat_fault_memory(&tls->error);
    }
    memcpy(tls->chain_bytes, body.data, body.length);
    return leat_tls_judge_certificate(tls, body.length, message);
}

int leat_tls_judge_certificate(leat_tls *tls, size_t length, leat_span message) {
    int alert = split_chain(tls, length);
    if (alert == LEAT_ALERT_NONE) {
        alert = tls->chain_length == 0 ? judge_absence(tls) : verify_chain(tls);
    }
    return alert == LEAT_ALERT_NONE ? leat_tls_hash_message(tls, message) : alert;
}

/* RFC 8446 §4.4.3: what the server or the client signs: the contexts are of equal length. */
static bool signed_content(const leat_tls *tls, bool by_client, uint8_t out[SIGNED_MAX],
                           leat_span *content) {
    const char *context = by_client ? "TLS 1.3, client CertificateVerify"
                                    : "TLS 1.3, server CertificateVerify";
    memset(out, ' ', PADDING);
    memcpy(out + PADDING, context, CONTEXT_SIZE);
    *content = (leat_span){out, PADDING + CONTEXT_SIZE + leat_hash_size(tls->suite->hash)};
    return leat_transcript_hash(&tls->handshake->transcript, out + PADDING + CONTEXT_SIZE);
}

static bool is_offered_scheme(uint16_t scheme) {
    size_t count;
    const uint16_t *schemes = leat_signature_schemes(&count);
    for (size_t i = 0; i < count; i++) {
        if (schemes[i] == scheme) {
            return true;
        }
    }
    return false;
}

int leat_tls_on_certificate_verify(leat_tls *tls, leat_span message) {
    leat_certificate_verify verify;
    uint8_t buffer[SIGNED_MAX];
    leat_span content;
    int alert = leat_certificate_verify_parse(leat_tls_body(message), &verify, &tls->error);
    if (alert != LEAT_ALERT_NONE) {
        return alert;
    }
    /* RFC 8446 §4.4.3: both ClientHello and CertificateRequest offer the whole of our list. */
    if (!is_offered_scheme(verify.scheme) ||
        !leat_public_key_fits(tls->handshake->peer_key, verify.scheme)) {
        return leat_fault(
            &tls->error, LEAT_ALERT_ILLEGAL_PARAMETER,
            "the peer signed with a scheme that was not offered or does not fit its key");
    }
    if (!signed_content(tls, !tls->is_client, buffer, &content)) {
        return leat_fault_memory(&tls->error);
    }
    if (!leat_public_key_verify(tls->handshake->peer_key, verify.scheme, content,
                                verify.signature)) {
        return leat_fault(&tls->error, LEAT_ALERT_DECRYPT_ERROR,
                          "the peer's signature does not verify");
    }
    return leat_tls_hash_message(tls, message);
}

static int send_compressed(leat_tls *tls, const leat_compressed_certificate *certificate) {
    leat_tls_message message;
    if (!leat_tls_message_begin(tls, &message, LEAT_LEVEL_HANDSHAKE, LEAT_COMPRESSED_CERTIFICATE,
                                certificate->uncompressed_length)) {
        return leat_fault_memory(&tls->error);
    }
    leat_compressed_certificate_write(certificate, &message.writer);
    return leat_tls_message_end(tls, &message);
}

int leat_tls_send_certificate(leat_tls *tls) {
    leat_certificate certificate = {0};
    leat_compressed_certificate compressed;
    const leat_identity *identity = tls->handshake->identity;
    size_t length = identity == NULL ? 0 : leat_identity_chain_length(identity);
    for (; certificate.count < length && certificate.count < LEAT_X509_CHAIN_MAX;
         certificate.count++) {
        certificate.chain[certificate.count] = leat_identity_chain_der(identity, certificate.count);
    }
    int alert = leat_tls_compress_certificate(tls, &certificate, &compressed);
    if (alert != LEAT_ALERT_NONE || compressed.compressed.length > 0) {
        return alert == LEAT_ALERT_NONE ? send_compressed(tls, &compressed) : alert;
    }
    leat_tls_message message;
    if (!leat_tls_message_begin(tls, &message, LEAT_LEVEL_HANDSHAKE, LEAT_CERTIFICATE,
                                compressed.uncompressed_length)) {
        return leat_fault_memory(&tls->error);
    }
    leat_certificate_write(&certificate, &message.writer);
    return leat_tls_message_end(tls, &message);
}

int leat_tls_send_certificate_verify(leat_tls *tls) {
    leat_tls_handshake *handshake = tls->handshake;
    uint8_t buffer[SIGNED_MAX], signature[LEAT_SIGNATURE_MAX];
    leat_span content;
    size_t length = 0;
    leat_tls_message message;
    if (!signed_content(tls, tls->is_client, buffer, &content) ||
        !leat_identity_sign(handshake->identity, handshake->scheme, content, signature, &length)) {
        return leat_fault(&tls->error, LEAT_ALERT_INTERNAL_ERROR, "signing with our key failed");
    }
    if (!leat_tls_message_begin(tls, &message, LEAT_LEVEL_HANDSHAKE, LEAT_CERTIFICATE_VERIFY,
                                4 + length)) {
        return leat_fault_memory(&tls->error);
    }
    leat_certificate_verify verify = {handshake->scheme, {signature, length}};
    leat_certificate_verify_write(&verify, &message.writer);
    return leat_tls_message_end(tls, &message);
}
