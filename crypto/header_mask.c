/*
 * Header protection masks (RFC 9001 §5.4.3 and §5.4.4): one kept EVP context per key, nothing
 * allocated per packet.
 */
#include "crypto/header_mask.h"

#include "base/alloc.h"

#include <openssl/evp.h>
#include <string.h>

#define SAMPLE 16
#define MASK 5

typedef bool make_fn(EVP_CIPHER_CTX *context, const uint8_t sample[SAMPLE], uint8_t out[MASK]);

typedef struct mask_row {
    const EVP_CIPHER *(*cipher)(void);
    make_fn *make;
} mask_row;

struct leat_header_mask {
    EVP_CIPHER_CTX *context;
    make_fn *make;
};

/* RFC 9001 §5.4.3: the sample is one block of AES-ECB. */
static bool make_aes(EVP_CIPHER_CTX *context, const uint8_t sample[SAMPLE], uint8_t out[MASK]) {
    uint8_t block[SAMPLE];
    int written;
    if (EVP_EncryptUpdate(context, block, &written, sample, SAMPLE) != 1) {
        return false;
    }
    memcpy(out, block, MASK);
    return true;
}

/* RFC 9001 §5.4.4: the sample is a counter and a nonce, which is what libcrypto calls the IV. */
static bool make_chacha20(EVP_CIPHER_CTX *context, const uint8_t sample[SAMPLE],
                          uint8_t out[MASK]) {
    static const uint8_t zeros[MASK] = {0};
    int written;
    return EVP_EncryptInit_ex(context, NULL, NULL, NULL, sample) == 1 &&
           EVP_EncryptUpdate(context, out, &written, zeros, MASK) == 1;
}

static const mask_row mask_rows[] = {
    [LEAT_AES_128_GCM] = {.cipher = EVP_aes_128_ecb, .make = make_aes},
    [LEAT_AES_256_GCM] = {.cipher = EVP_aes_256_ecb, .make = make_aes},
    [LEAT_CHACHA20_POLY1305] = {.cipher = EVP_chacha20, .make = make_chacha20},
};

leat_header_mask *leat_header_mask_new(leat_aead_id id, const uint8_t *key) {
    leat_header_mask *mask = leat_alloc(NULL, sizeof *mask);
    if (mask == NULL) {
        return NULL;
    }
    mask->make = mask_rows[id].make;
    mask->context = EVP_CIPHER_CTX_new();
    if (mask->context == NULL ||
        EVP_EncryptInit_ex(mask->context, mask_rows[id].cipher(), NULL, key, NULL) != 1) {
        leat_header_mask_free(mask);
        return NULL;
    }
    return mask;
}

void leat_header_mask_free(leat_header_mask *mask) {
    if (mask != NULL) {
        EVP_CIPHER_CTX_free(mask->context);
        leat_free(NULL, mask);
    }
}

bool leat_header_mask_make(leat_header_mask *mask, const uint8_t sample[16], uint8_t out[5]) {
    return mask->make(mask->context, sample, out);
}
