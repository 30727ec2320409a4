/*
 * ML-KEM-768 through libcrypto, which has it from version 3.5 on. Everything is asked for by name
 * at run time, so that a build against 3.0 gains it when the library is upgraded.
 */
#include "crypto/kem.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#define ALGORITHM "ML-KEM-768"
#define SEED_PARAMETER "seed" /* OSSL_PKEY_PARAM_ML_KEM_SEED of newer headers */

/*
 * The one mutable static of the library: libcrypto 3.0 has no KEM, yet the hybrid handshake must be
 * testable with it. Only leat_key_exchange_set_test_kem writes it; nothing but tests may call that.
 */
static const leat_kem *test_kem;

static bool write_encapsulation_key(EVP_PKEY *key, uint8_t *out) {
    size_t written = 0;
    return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out,
                                           LEAT_KEM_ENCAPSULATION_KEY, &written) == 1 &&
           written == LEAT_KEM_ENCAPSULATION_KEY;
}

static EVP_PKEY *with_encapsulation_key(EVP_PKEY *key, uint8_t *out) {
    if (key != NULL && !write_encapsulation_key(key, out)) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

static void *keygen(uint8_t *encapsulation_key) {
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, ALGORITHM, NULL);
    if (context != NULL && EVP_PKEY_keygen_init(context) == 1) {
        EVP_PKEY_generate(context, &key);
    }
    EVP_PKEY_CTX_free(context);
    return with_encapsulation_key(key, encapsulation_key);
}

void *leat_kem_from_seed(const uint8_t seed[LEAT_KEM_SEED], uint8_t *encapsulation_key) {
    uint8_t copy[LEAT_KEM_SEED];
    for (size_t i = 0; i < sizeof copy; i++) {
        copy[i] = seed[i];
    }
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_octet_string(SEED_PARAMETER, copy, sizeof copy),
                               OSSL_PARAM_construct_end()};
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, ALGORITHM, NULL);
    if (context != NULL && EVP_PKEY_fromdata_init(context) == 1) {
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters);
    }
    EVP_PKEY_CTX_free(context);
    return with_encapsulation_key(key, encapsulation_key);
}

static void free_key(void *private_key) { EVP_PKEY_free(private_key); }

/*
 * FIPS 203 §7.3: a damaged ciphertext gives a pseudorandom secret, not a failure; the handshake
 * then fails by itself.
 */
static bool decapsulate(void *private_key, const uint8_t *ciphertext, uint8_t *secret) {
    size_t length = LEAT_KEM_SECRET;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, private_key, NULL);
    bool done =
        context != NULL && EVP_PKEY_decapsulate_init(context, NULL) == 1 &&
        EVP_PKEY_decapsulate(context, secret, &length, ciphertext, LEAT_KEM_CIPHERTEXT) == 1 &&
        length == LEAT_KEM_SECRET;
    EVP_PKEY_CTX_free(context);
    return done;
}

/*
 * draft-ietf-tls-ecdhe-mlkem §4.2: the check of the encapsulation key (FIPS 203 §7.2) is part of
 * libcrypto's import: a key with a coefficient out of range is not a key.
 */
static bool encapsulate(const uint8_t *encapsulation_key, uint8_t *ciphertext, uint8_t *secret) {
    size_t ciphertext_length = LEAT_KEM_CIPHERTEXT, secret_length = LEAT_KEM_SECRET;
    ERR_set_mark();
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(NULL, ALGORITHM, NULL, encapsulation_key,
                                                   LEAT_KEM_ENCAPSULATION_KEY);
    EVP_PKEY_CTX *context = key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool done = context != NULL && EVP_PKEY_encapsulate_init(context, NULL) == 1 &&
                EVP_PKEY_encapsulate(context, ciphertext, &ciphertext_length, secret,
                                     &secret_length) == 1 &&
                ciphertext_length == LEAT_KEM_CIPHERTEXT && secret_length == LEAT_KEM_SECRET;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_pop_to_mark();
    return done;
}

static const leat_kem libcrypto_kem = {
    .keygen = keygen,
    .decapsulate = decapsulate,
    .encapsulate = encapsulate,
    .free = free_key,
};

static bool libcrypto_has_it(void) {
    ERR_set_mark();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, ALGORITHM, NULL);
    EVP_PKEY_CTX_free(context);
    ERR_pop_to_mark();
    return context != NULL;
}

const leat_kem *leat_kem_find(void) {
    if (test_kem != NULL) {
        return test_kem;
    }
    return libcrypto_has_it() ? &libcrypto_kem : NULL;
}

void leat_key_exchange_set_test_kem(const leat_kem *kem) { test_kem = kem; }
