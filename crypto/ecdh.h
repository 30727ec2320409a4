/*
 * Elliptic curve Diffie-Hellman of one curve, as key_exchange.c puts it together: RFC 8446 §4.2.8.2
 * and §7.4.2.
 */
#ifndef LEAT_CRYPTO_ECDH_H
#define LEAT_CRYPTO_ECDH_H
#include <leat/base.h>
#include <openssl/evp.h>

typedef struct leat_curve {
    const char *type, *name; /* as libcrypto calls the kind of key and the curve */
    size_t share_size;       /* of the encoded public key */
    size_t secret_size;
} leat_curve;

extern const leat_curve leat_curve_x25519, leat_curve_p256, leat_curve_p384;

/* NULL: libcrypto failed. Free with EVP_PKEY_free. */
EVP_PKEY *leat_ecdh_generate(const leat_curve *curve);
/* A given private key, big endian for the P curves. */
EVP_PKEY *leat_ecdh_from_private(const leat_curve *curve, leat_span private_key);
/* Writes share_size bytes. */
bool leat_ecdh_write_share(const leat_curve *curve, EVP_PKEY *key, uint8_t *share);
/* Writes secret_size bytes. False: the peer's share is malformed, off the curve or gives zero. */
bool leat_ecdh_derive(const leat_curve *curve, EVP_PKEY *key, leat_span peer_share,
                      uint8_t *secret);

#endif
