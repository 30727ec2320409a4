/*
 * RFC 8446 §4.3.2, §4.4.2, §4.4.3: the codecs of CertificateRequest, Certificate and
 * CertificateVerify. What they mean is in authentication.c and client_auth.c.
 */
#include "crypto/tls/handshake.h"

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

size_t leat_certificate_length(const leat_certificate *certificate) {
    size_t length = 1 + certificate->context.length + 3;
    for (size_t i = 0; i < certificate->count; i++) {
        length += 3 + certificate->chain[i].length + 2;
    }
    return length;
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
