/*
 * Header protection masks: RFC 9001 §5.4.3 (AES) and §5.4.4 (ChaCha20). A context per key; 5 mask
 * bytes of a 16-byte sample.
 */
#ifndef LEAT_CRYPTO_HEADER_MASK_H
#define LEAT_CRYPTO_HEADER_MASK_H
#include "crypto/aead.h"

typedef struct leat_header_mask leat_header_mask;
leat_header_mask *leat_header_mask_new(leat_aead_id id, const uint8_t *key);
void leat_header_mask_free(leat_header_mask *mask);
bool leat_header_mask_make(leat_header_mask *mask, const uint8_t sample[16], uint8_t out[5]);

#endif
