/*
 * RFC 8446 §4.3.2, §4.4.2, §4.4.3: CertificateRequest, Certificate and CertificateVerify. The
 * server always sends a chain; a client that is asked answers with an empty one. Servers here do
 * not ask: client certificates are not supported.
 */
#include "crypto/tls/handshake.h"

#define SERVER_CONTEXT "TLS 1.3, server CertificateVerify"
/* RFC 8446 §4.4.3: 64 spaces, the context with its NUL, the transcript hash. */
#define SIGNED_MAX (64 + sizeof SERVER_CONTEXT + LEAT_HASH_MAX)

int leat_certificate_parse(leat_span body, leat_certificate *certificate, const char **why) {
    leat_reader reader = leat_reader_of(body);
    certificate->context = leat_read_vector8(&reader);
    leat_reader entries = leat_reader_of(leat_read_vector24(&reader));
    if (!leat_reader_at_end(&reader)) {
        return leat_fault_decode(why, "Certificate is malformed");
    }
    for (certificate->count = 0; leat_reader_left(&entries) > 0; certificate->count++) {
        leat_span der = leat_read_vector24(&entries);
        leat_span list = leat_read_vector16(&entries);
        leat_extensions extensions;
        if (entries.failed || der.length == 0) {
            return leat_fault_decode(why, "a certificate of the chain is empty or cut short");
        }
        if (certificate->count == LEAT_X509_CHAIN_MAX) {
            return leat_fault(why, LEAT_ALERT_BAD_CERTIFICATE, "the certificate chain is too long");
        }
        /* RFC 8446 §4.4.2: extensions here answer offers, and none of ours is answered here. */
        int alert = leat_extensions_parse(LEAT_IN_CERTIFICATE, list, 0, &extensions, why);
        if (alert != LEAT_ALERT_NONE) {
            return alert;
        }
        certificate->chain[certificate->count] = der;
    }
    return entries.failed ? leat_fault_decode(why, "the certificate chain is cut short")
                          : LEAT_ALERT_NONE;
}

void leat_certificate_write(const leat_certificate *certificate, leat_writer *writer) {
    leat_tls_write_vector(writer, 1, certificate->context);
    size_t list = leat_write_vector_begin(writer, 3);
    for (size_t i = 0; i < certificate->count; i++) {
        leat_tls_write_vector(writer, 3, certificate->chain[i]);
        leat_write_u16(writer, 0);
    }
    leat_write_vector_end(writer, list, 3);
}

int leat_certificate_verify_parse(leat_span body, leat_certificate_verify *verify,
                                  const char **why) {
    leat_reader reader = leat_reader_of(body);
    verify->scheme = leat_read_u16(&reader);
    verify->signature = leat_read_vector16(&reader);
    return leat_reader_at_end(&reader) ? LEAT_ALERT_NONE
                                       : leat_fault_decode(why, "CertificateVerify is malformed");
}

void leat_certificate_verify_write(const leat_certificate_verify *verify, leat_writer *writer) {
    leat_write_u16(writer, verify->scheme);
    leat_tls_write_vector(writer, 2, verify->signature);
}

int leat_certificate_request_parse(leat_span body, leat_certificate_request *request,
                                   const char **why) {
    leat_reader reader = leat_reader_of(body);
    request->context = leat_read_vector8(&reader);
    leat_span list = leat_read_vector16(&reader);
    if (!leat_reader_at_end(&reader)) {
        return leat_fault_decode(why, "CertificateRequest is malformed");
    }
    /* RFC 8446 §4.3.2: a context is for after the handshake only, which QUIC forbids. */
    if (request->context.length != 0) {
        return leat_fault(why, LEAT_ALERT_ILLEGAL_PARAMETER, "CertificateRequest has a context");
    }
    return leat_extensions_parse(LEAT_IN_CERTIFICATE_REQUEST, list, 0, &request->extensions, why);
}

void leat_certificate_request_write(const leat_certificate_request *request, leat_writer *writer) {
    leat_tls_write_vector(writer, 1, request->context);
    leat_extensions_write(LEAT_IN_CERTIFICATE_REQUEST, &request->extensions, writer);
}

int leat_tls_on_certificate_request(leat_tls *tls, leat_span message) {
    leat_certificate_request request;
    int alert = leat_certificate_request_parse(leat_tls_body(message), &request, &tls->error);
    if (alert != LEAT_ALERT_NONE) {
        return alert;
    }
    tls->handshake->certificate_requested = true;
    return leat_tls_hash_message(tls, message);
}

/* The chain outlives the message: leat_tls_peer_certificate gives it to the application. */
static int keep_chain(leat_tls *tls, leat_span body) {
    leat_certificate certificate;
    tls->chain_bytes = leat_alloc(tls->allocator, body.length);
    if (tls->chain_bytes == NULL) {
        return leat_fault_memory(&tls->error);
    }
    memcpy(tls->chain_bytes, body.data, body.length);
    int alert = leat_certificate_parse((leat_span){tls->chain_bytes, body.length}, &certificate,
                                       &tls->error);
    if (alert != LEAT_ALERT_NONE) {
        return alert;
    }
    if (certificate.context.length != 0) {
        return leat_fault(&tls->error, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "the server's Certificate has a context");
    }
    if (certificate.count == 0) { /* RFC 8446 §4.4.2.4 */
        return leat_fault_decode(&tls->error, "the server sent no certificate");
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
    leat_x509_status status = LEAT_X509_INTERNAL;
    handshake->server_key = leat_x509_public_key(tls->chain[0], &status);
    if (handshake->server_key == NULL) {
        int alert = status == LEAT_X509_OK ? LEAT_ALERT_INTERNAL_ERROR : leat_alert_of_x509(status);
        return leat_fault(&tls->error, alert, "the server's certificate has no usable key");
    }
    status = leat_trust_verify(handshake->trust, tls->chain, tls->chain_length, tls->server_name,
                               true, tls->now, handshake->message);
    if (status != LEAT_X509_OK) {
        return leat_fault(&tls->error, leat_alert_of_x509(status), handshake->message);
    }
    return LEAT_ALERT_NONE;
}

int leat_tls_on_certificate(leat_tls *tls, leat_span message) {
    int alert = keep_chain(tls, leat_tls_body(message));
    if (alert == LEAT_ALERT_NONE) {
        alert = verify_chain(tls);
    }
    return alert == LEAT_ALERT_NONE ? leat_tls_hash_message(tls, message) : alert;
}

/* RFC 8446 §4.4.3: what the server signs. */
static bool signed_content(const leat_tls *tls, uint8_t out[SIGNED_MAX], leat_span *content) {
    memset(out, ' ', 64);
    memcpy(out + 64, SERVER_CONTEXT, sizeof SERVER_CONTEXT);
    *content = (leat_span){out, 64 + sizeof SERVER_CONTEXT + leat_hash_size(tls->suite->hash)};
    return leat_transcript_hash(&tls->handshake->transcript, out + 64 + sizeof SERVER_CONTEXT);
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
    /* RFC 8446 §4.4.3 */
    if (!is_offered_scheme(verify.scheme) ||
        !leat_public_key_fits(tls->handshake->server_key, verify.scheme)) {
        return leat_fault(
            &tls->error, LEAT_ALERT_ILLEGAL_PARAMETER,
            "the server signed with a scheme that was not offered or does not fit its key");
    }
    if (!signed_content(tls, buffer, &content)) {
        return leat_fault_memory(&tls->error);
    }
    if (!leat_public_key_verify(tls->handshake->server_key, verify.scheme, content,
                                verify.signature)) {
        return leat_fault(&tls->error, LEAT_ALERT_DECRYPT_ERROR,
                          "the server's signature does not verify");
    }
    return leat_tls_hash_message(tls, message);
}

int leat_tls_send_certificate(leat_tls *tls) {
    leat_certificate certificate = {0};
    size_t room = 8;
    const leat_identity *identity = tls->handshake->identity;
    size_t length = identity == NULL ? 0 : leat_identity_chain_length(identity);
    for (; certificate.count < length && certificate.count < LEAT_X509_CHAIN_MAX;
         certificate.count++) {
        certificate.chain[certificate.count] = leat_identity_chain_der(identity, certificate.count);
        room += certificate.chain[certificate.count].length + 5;
    }
    leat_tls_message message;
    if (!leat_tls_message_begin(tls, &message, LEAT_LEVEL_HANDSHAKE, LEAT_CERTIFICATE, room)) {
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
    if (!signed_content(tls, buffer, &content) ||
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
