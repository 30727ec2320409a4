/*
 * Handling of secret bytes: thin names over the two calls of libcrypto that compilers cannot
 * optimise away.
 */
#include "crypto/secret.h"

#include <openssl/crypto.h>

bool leat_constant_time_equal(const void *a, const void *b, size_t length) {
    return CRYPTO_memcmp(a, b, length) == 0;
}

void leat_wipe(void *bytes, size_t length) { OPENSSL_cleanse(bytes, length); }
