/*
 * The seam behind crypto/aead.h: one row per library that can seal and open. aead.c walks the rows
 * in order and the first that takes a key keeps it; a faster library is one more file with a row,
 * placed before libcrypto's.
 */
#ifndef LEAT_CRYPTO_AEAD_IMPL_H
#define LEAT_CRYPTO_AEAD_IMPL_H
#include "crypto/aead.h"

typedef struct leat_aead_impl {
    const char *library;
    /* Gives a key schedule, or NULL when this library or this processor cannot do the algorithm. */
    void *(*key_new)(leat_aead_id id, const uint8_t *key);
    void (*key_free)(void *key); /* wipes */
    /* As leat_aead_seal and leat_aead_open, with the nonce made. */
    bool (*seal)(void *key, const uint8_t nonce[LEAT_AEAD_NONCE], leat_span aad, uint8_t *data,
                 size_t length);
    bool (*open)(void *key, const uint8_t nonce[LEAT_AEAD_NONCE], leat_span aad, uint8_t *data,
                 size_t length);
} leat_aead_impl;

extern const leat_aead_impl leat_aead_libcrypto; /* does all algorithms */

#endif
