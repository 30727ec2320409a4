/*
 * The random source hook with the system's CSPRNG as default. Fails closed: on false nothing usable
 * was written.
 */
#ifndef LEAT_CRYPTO_RANDOM_H
#define LEAT_CRYPTO_RANDOM_H
#include <leat/base.h>

typedef struct leat_random {
    leat_random_fn fill; /* NULL: the system's */
    void *user;
} leat_random;

bool leat_random_bytes(const leat_random *random, void *out, size_t length);

#endif
