/*
 * See stand_in_kem.h. The secret is a hash of the public values, so that both ends agree and any
 * change shows.
 */
#include "stand_in_kem.h"

#include "crypto/hash.h"
#include "crypto/kem.h"

#include <stdlib.h>
#include <string.h>

static bool derive(const uint8_t *encapsulation_key, const uint8_t *ciphertext, uint8_t *secret) {
    leat_span parts[] = {{encapsulation_key, LEAT_KEM_ENCAPSULATION_KEY},
                         {ciphertext, LEAT_KEM_CIPHERTEXT}};
    return leat_hash_parts(LEAT_HASH_SHA256, parts, 2, secret);
}

static void *keygen(uint8_t *encapsulation_key) {
    uint8_t *copy = malloc(LEAT_KEM_ENCAPSULATION_KEY);
    if (copy == NULL || !leat_random_bytes(NULL, encapsulation_key, LEAT_KEM_ENCAPSULATION_KEY)) {
        free(copy);
        return NULL;
    }
    memcpy(copy, encapsulation_key, LEAT_KEM_ENCAPSULATION_KEY);
    return copy;
}

static bool decapsulate(void *private_key, const uint8_t *ciphertext, uint8_t *secret) {
    return derive(private_key, ciphertext, secret);
}

static bool encapsulate(const uint8_t *encapsulation_key, uint8_t *ciphertext, uint8_t *secret) {
    return leat_random_bytes(NULL, ciphertext, LEAT_KEM_CIPHERTEXT) &&
           derive(encapsulation_key, ciphertext, secret);
}

const leat_kem stand_in_kem = {
    .keygen = keygen,
    .decapsulate = decapsulate,
    .encapsulate = encapsulate,
    .free = free,
};
