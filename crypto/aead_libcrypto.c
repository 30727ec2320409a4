/*
 * The AEAD row of libcrypto. A key is one EVP context: the key schedule of all three algorithms
 * serves both directions, so sealing and opening only set the direction and the nonce. Nothing is
 * allocated or looked up per packet.
 */
#include "crypto/aead_impl.h"

#include <limits.h>
#include <openssl/evp.h>

static void *key_new(leat_aead_id id, const uint8_t *key) {
    static const EVP_CIPHER *(*const ciphers[])(void) = {
        [LEAT_AES_128_GCM] = EVP_aes_128_gcm,
        [LEAT_AES_256_GCM] = EVP_aes_256_gcm,
        [LEAT_CHACHA20_POLY1305] = EVP_chacha20_poly1305,
    };
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context != NULL && EVP_EncryptInit_ex(context, ciphers[id](), NULL, key, NULL) != 1) {
        EVP_CIPHER_CTX_free(context);
        return NULL;
    }
    return context;
}

static void key_free(void *key) { EVP_CIPHER_CTX_free(key); }

/* Updates take an int; nothing that a datagram or a ticket carries comes near it. */
static bool fits(leat_span aad, size_t length) {
    return aad.length <= INT_MAX && length <= INT_MAX;
}

static bool seal(void *key, const uint8_t nonce[LEAT_AEAD_NONCE], leat_span aad, uint8_t *data,
                 size_t length) {
    EVP_CIPHER_CTX *context = key;
    int written;
    return fits(aad, length) && EVP_EncryptInit_ex(context, NULL, NULL, NULL, nonce) == 1 &&
           (aad.length == 0 ||
            EVP_EncryptUpdate(context, NULL, &written, aad.data, (int)aad.length) == 1) &&
           (length == 0 || EVP_EncryptUpdate(context, data, &written, data, (int)length) == 1) &&
           EVP_EncryptFinal_ex(context, data + length, &written) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, LEAT_AEAD_TAG, data + length) == 1;
}

static bool open(void *key, const uint8_t nonce[LEAT_AEAD_NONCE], leat_span aad, uint8_t *data,
                 size_t length) {
    EVP_CIPHER_CTX *context = key;
    size_t sealed = length - LEAT_AEAD_TAG;
    int written;
    return fits(aad, length) && EVP_DecryptInit_ex(context, NULL, NULL, NULL, nonce) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, LEAT_AEAD_TAG, data + sealed) == 1 &&
           (aad.length == 0 ||
            EVP_DecryptUpdate(context, NULL, &written, aad.data, (int)aad.length) == 1) &&
           (sealed == 0 || EVP_DecryptUpdate(context, data, &written, data, (int)sealed) == 1) &&
           EVP_DecryptFinal_ex(context, data + sealed, &written) == 1;
}

const leat_aead_impl leat_aead_libcrypto = {
    .library = "libcrypto",
    .key_new = key_new,
    .key_free = key_free,
    .seal = seal,
    .open = open,
};
