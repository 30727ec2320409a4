/*
 * Authenticated encryption for packets: picks the library for a key and makes the nonces (RFC 9001
 * §5.3). The AEAD usage limits of RFC 9001 §6.6 are counted by whoever owns the key.
 */
#include "crypto/aead.h"

#include "base/alloc.h"
#include "crypto/aead_impl.h"

#include <string.h>

struct leat_aead {
    const leat_aead_impl *impl;
    void *key;
};

/* The fastest first. */
static const leat_aead_impl *const impls[] = {&leat_aead_libcrypto};

size_t leat_aead_key_size(leat_aead_id id) {
    static const size_t sizes[] = {
        [LEAT_AES_128_GCM] = 16, [LEAT_AES_256_GCM] = 32, [LEAT_CHACHA20_POLY1305] = 32};
    return sizes[id];
}

leat_aead *leat_aead_new(leat_aead_id id, const uint8_t *key) {
    leat_aead *aead = leat_alloc(NULL, sizeof *aead);
    if (aead == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof impls / sizeof impls[0] && aead->key == NULL; i++) {
        aead->impl = impls[i];
        aead->key = impls[i]->key_new(id, key);
    }
    if (aead->key == NULL) {
        leat_free(NULL, aead);
        return NULL;
    }
    return aead;
}

void leat_aead_free(leat_aead *aead) {
    if (aead != NULL) {
        aead->impl->key_free(aead->key);
        leat_free(NULL, aead);
    }
}

static void make_nonce(uint8_t nonce[LEAT_AEAD_NONCE], const uint8_t iv[LEAT_AEAD_NONCE],
                       uint64_t sequence) {
    memcpy(nonce, iv, LEAT_AEAD_NONCE);
    for (size_t i = 0; i < 8; i++) {
        nonce[LEAT_AEAD_NONCE - 1 - i] ^= (uint8_t)(sequence >> (8 * i));
    }
}

bool leat_aead_seal(leat_aead *aead, const uint8_t iv[LEAT_AEAD_NONCE], uint64_t sequence,
                    leat_span aad, uint8_t *data, size_t length) {
    uint8_t nonce[LEAT_AEAD_NONCE];
    make_nonce(nonce, iv, sequence);
    return aead->impl->seal(aead->key, nonce, aad, data, length);
}

bool leat_aead_open(leat_aead *aead, const uint8_t iv[LEAT_AEAD_NONCE], uint64_t sequence,
                    leat_span aad, uint8_t *data, size_t length) {
    uint8_t nonce[LEAT_AEAD_NONCE];
    if (length < LEAT_AEAD_TAG) {
        return false;
    }
    make_nonce(nonce, iv, sequence);
    return aead->impl->open(aead->key, nonce, aad, data, length);
}
