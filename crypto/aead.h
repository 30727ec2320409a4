/*
 * Authenticated encryption for packets, tokens and tickets: one context per key, in place, 16-byte
 * tag. The seam for faster implementations is aead_impl.h: one row per library; libcrypto's is
 * always there. A key serves both directions, one call at a time.
 */
#ifndef LEAT_CRYPTO_AEAD_H
#define LEAT_CRYPTO_AEAD_H
#include <leat/base.h>

#define LEAT_AEAD_TAG 16
#define LEAT_AEAD_NONCE 12
#define LEAT_AEAD_KEY_MAX 32

typedef enum leat_aead_id {
    LEAT_AES_128_GCM,
    LEAT_AES_256_GCM,
    LEAT_CHACHA20_POLY1305
} leat_aead_id;

typedef struct leat_aead leat_aead; /* a key, ready for use */

size_t leat_aead_key_size(leat_aead_id id);
leat_aead *leat_aead_new(leat_aead_id id, const uint8_t *key); /* NULL: libcrypto failed */
void leat_aead_free(leat_aead *aead);                          /* wipes; NULL is fine */
/*
 * nonce = iv XOR the 64-bit sequence number in its last 8 bytes (RFC 9001 §5.3).
 * seal: data[length] is replaced by ciphertext and 16 bytes of tag follow it, so there is room.
 * open: data[length] ends with the tag; plaintext of length - 16 stays in place. False: not
 * authentic (data is undefined).
 */
bool leat_aead_seal(leat_aead *aead, const uint8_t iv[LEAT_AEAD_NONCE], uint64_t sequence,
                    leat_span aad, uint8_t *data, size_t length);
bool leat_aead_open(leat_aead *aead, const uint8_t iv[LEAT_AEAD_NONCE], uint64_t sequence,
                    leat_span aad, uint8_t *data, size_t length);

#endif
