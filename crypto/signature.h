/* Signature schemes of TLS 1.3's CertificateVerify (RFC 8446 §4.2.3), a table by scheme number. */
#ifndef LEAT_CRYPTO_SIGNATURE_H
#define LEAT_CRYPTO_SIGNATURE_H
#include <leat/tls.h>

enum {
    LEAT_SIG_ECDSA_P256_SHA256 = 0x0403,
    LEAT_SIG_ECDSA_P384_SHA384 = 0x0503,
    LEAT_SIG_RSA_PSS_RSAE_SHA256 = 0x0804,
    LEAT_SIG_RSA_PSS_RSAE_SHA384 = 0x0805,
    LEAT_SIG_RSA_PSS_RSAE_SHA512 = 0x0806,
    LEAT_SIG_ED25519 = 0x0807,
    LEAT_SIG_RSA_PSS_PSS_SHA256 = 0x0809,
    LEAT_SIG_RSA_PSS_PSS_SHA384 = 0x080a,
    LEAT_SIG_RSA_PSS_PSS_SHA512 = 0x080b,
    /* In certificates only: */
    LEAT_SIG_RSA_PKCS1_SHA256 = 0x0401,
    LEAT_SIG_RSA_PKCS1_SHA384 = 0x0501,
    LEAT_SIG_RSA_PKCS1_SHA512 = 0x0601,
};
#define LEAT_SIGNATURE_MAX 1024

/* The schemes we offer for CertificateVerify, in our order of preference; *count gets their number. */
const uint16_t *leat_signature_schemes(size_t *count);
/* The schemes we can check inside certificates (signature_algorithms_cert), a superset. */
const uint16_t *leat_signature_cert_schemes(size_t *count);
/* The first of the peer's schemes this identity's key can sign with, or 0. */
uint16_t leat_identity_choose_scheme(const leat_identity *identity, const uint16_t *peer_schemes,
                                     size_t count);
/* Signs message; signature has room for LEAT_SIGNATURE_MAX bytes. */
bool leat_identity_sign(const leat_identity *identity, uint16_t scheme, leat_span message,
                        uint8_t *signature, size_t *signature_length);

/* A public key of a peer's leaf certificate, or given as SubjectPublicKeyInfo DER (tests). */
typedef struct leat_public_key leat_public_key;
leat_public_key *leat_public_key_from_spki(leat_span der);
void leat_public_key_free(leat_public_key *key);
/* Whether the scheme is one for this kind of key (RFC 8446 §4.4.3): another alert than a wrong signature. */
bool leat_public_key_fits(const leat_public_key *key, uint16_t scheme);
/* False also when the scheme does not fit the type of the key (RFC 8446 §4.4.3). */
bool leat_public_key_verify(const leat_public_key *key, uint16_t scheme, leat_span message,
                            leat_span signature);

#endif
