/* Whom to trust, as verify.c sees it: a store of roots, pinned hashes, or everybody. */
#ifndef LEAT_CRYPTO_TRUST_H
#define LEAT_CRYPTO_TRUST_H
#include "crypto/objects.h"

typedef enum leat_trust_kind {
    LEAT_TRUST_ROOTS,
    LEAT_TRUST_HASHES,
    LEAT_TRUST_ANYTHING
} leat_trust_kind;

struct leat_trust {
    atomic_size_t references;
    leat_trust_kind kind;
    X509_STORE *roots;     /* LEAT_TRUST_ROOTS */
    uint8_t (*hashes)[32]; /* LEAT_TRUST_HASHES */
    size_t hash_count;
};

#endif
