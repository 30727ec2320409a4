/*
 * ML-KEM-768 (FIPS 203), the KEM half of X25519MLKEM768. The operations are struct leat_kem of
 * key_exchange.h.
 */
#ifndef LEAT_CRYPTO_KEM_H
#define LEAT_CRYPTO_KEM_H
#include "crypto/key_exchange.h"

#define LEAT_KEM_ENCAPSULATION_KEY 1184
#define LEAT_KEM_CIPHERTEXT 1088
#define LEAT_KEM_SECRET 32
#define LEAT_KEM_SEED 64

/* The KEM in use: libcrypto's, a test's, or NULL when there is none. */
const leat_kem *leat_kem_find(void);
/* For test vectors: libcrypto's private key of the seed d | z of FIPS 203, and its public half. */
void *leat_kem_from_seed(const uint8_t seed[LEAT_KEM_SEED], uint8_t *encapsulation_key);

#endif
