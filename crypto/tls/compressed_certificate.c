/*
 * RFC 8879: CompressedCertificate in the place of Certificate, in both directions: offering it,
 * reading one, and making ours, once for each identity. What the certificate inside means is in
 * authentication.c, and is the same as if it had come plain.
 */
#include "crypto/tls/handshake.h"

/* What a CompressedCertificate has besides the compressed bytes. */
#define OVERHEAD (2 + 3 + 3)

int leat_compressed_certificate_parse(leat_span body, leat_compressed_certificate *certificate,
                                      const char **why) {
    leat_reader reader = leat_reader_of(body);
    certificate->algorithm = leat_read_u16(&reader);
    certificate->uncompressed_length = leat_read_u24(&reader);
    certificate->compressed = leat_read_vector24(&reader);
    return leat_reader_at_end(&reader) && certificate->compressed.length > 0
               ? LEAT_ALERT_NONE
               : leat_fault_decode(why, "CompressedCertificate is malformed");
}

void leat_compressed_certificate_write(const leat_compressed_certificate *certificate,
                                       leat_writer *writer) {
    leat_write_u16(writer, certificate->algorithm);
    leat_write_u24(writer, certificate->uncompressed_length);
    leat_tls_write_vector(writer, 3, certificate->compressed);
}

void leat_tls_offer_compression(leat_tls *tls, leat_extensions *extensions,
                                uint8_t list[LEAT_COMPRESSION_LIST_MAX]) {
    extensions->compressions = leat_compression_list(list);
    if (tls->handshake->certificate_compression && extensions->compressions.length > 0) {
        extensions->present |= LEAT_HAS_COMPRESS_CERTIFICATE;
        tls->handshake->offers_compression = true;
    }
}

void leat_tls_choose_compression(leat_tls *tls, const leat_extensions *extensions) {
    if (tls->handshake->certificate_compression) {
        tls->handshake->compression = leat_compression_choose(extensions->compressions);
    }
}

static int parse(leat_tls *tls, leat_span body, leat_compressed_certificate *certificate) {
    if (!tls->handshake->offers_compression) {
        return leat_fault(&tls->error, LEAT_ALERT_UNEXPECTED_MESSAGE,
                          "CompressedCertificate was not offered");
    }
    int alert = leat_compressed_certificate_parse(body, certificate, &tls->error);
    if (alert != LEAT_ALERT_NONE) {
        return alert;
    }
    if (leat_compression_find(certificate->algorithm) == NULL) { /* RFC 8879 §4 */
        return leat_fault(&tls->error, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "a certificate compressed in a way that was not offered");
    }
    /* RFC 8879 §5: the bound of a Certificate, before there is any memory: attack B32. */
    if (certificate->uncompressed_length > LEAT_TLS_MESSAGE_MAX) {
        return leat_fault(&tls->error, LEAT_ALERT_BAD_CERTIFICATE,
                          "a compressed certificate is too long");
    }
    return LEAT_ALERT_NONE;
}

int leat_tls_on_compressed_certificate(leat_tls *tls, leat_span message) {
    leat_compressed_certificate certificate = {0};
    int alert = parse(tls, leat_tls_body(message), &certificate);
    if (alert != LEAT_ALERT_NONE) {
        return alert;
    }
    tls->chain_bytes = leat_alloc(tls->allocator, certificate.uncompressed_length);
    if (tls->chain_bytes == NULL) {
        return leat_fault_memory(&tls->error);
    }
    leat_compression_result result = leat_compression_find(certificate.algorithm)
                                         ->decompress(tls->allocator, certificate.compressed,
                                                      tls->chain_bytes,
                                                      certificate.uncompressed_length);
    if (result != LEAT_COMPRESSION_DONE) { /* RFC 8879 §4: too short and too long alike. */
        return result == LEAT_COMPRESSION_NO_MEMORY
                   ? leat_fault_memory(&tls->error)
                   : leat_fault(&tls->error, LEAT_ALERT_BAD_CERTIFICATE,
                                "a compressed certificate is not what it says");
    }
    return leat_tls_judge_certificate(tls, certificate.uncompressed_length, message);
}

/* Makes the bytes to keep: empty when they would not make the message smaller. */
static leat_compression_result compress(const leat_tls *tls, const leat_certificate *certificate,
                                        size_t length, leat_span *compressed) {
    const leat_compression *compression = tls->handshake->compression;
    uint8_t *plain = leat_alloc(tls->allocator, 2 * length);
    if (plain == NULL) {
        return LEAT_COMPRESSION_NO_MEMORY;
    }
    leat_writer writer = leat_writer_make(plain, length);
    leat_certificate_write(certificate, &writer);
    *compressed = (leat_span){plain + length, length - OVERHEAD - 1};
    leat_compression_result result = compression->compress(
        tls->allocator, (leat_span){plain, length}, plain + length, &compressed->length);
    if (result == LEAT_COMPRESSION_FAILED) {
        compressed->length = 0;
    }
    bool is_kept = result != LEAT_COMPRESSION_NO_MEMORY &&
                   leat_identity_keep(tls->handshake->identity, compression->id, *compressed);
    leat_free(tls->allocator, plain);
    return is_kept ? LEAT_COMPRESSION_DONE : LEAT_COMPRESSION_NO_MEMORY;
}

int leat_tls_compress_certificate(leat_tls *tls, const leat_certificate *certificate,
                                  leat_compressed_certificate *out) {
    leat_tls_handshake *handshake = tls->handshake;
    size_t length = leat_certificate_length(certificate);
    *out = (leat_compressed_certificate){.uncompressed_length = (uint32_t)length};
    if (handshake->compression == NULL || certificate->count == 0) {
        return LEAT_ALERT_NONE;
    }
    out->algorithm = handshake->compression->id;
    if (!leat_identity_kept(handshake->identity, out->algorithm, &out->compressed) &&
        (compress(tls, certificate, length, &out->compressed) != LEAT_COMPRESSION_DONE ||
         !leat_identity_kept(handshake->identity, out->algorithm, &out->compressed))) {
        return leat_fault_memory(&tls->error);
    }
    return LEAT_ALERT_NONE;
}
