/*
 * Keys that change with the wall clock: each epoch of 12 hours has keys of its own, derived from
 * one secret. Whoever has the secret and a clock has the same keys, so that processes of one server
 * share tickets and tokens without talking to each other. What is sealed carries its epoch's number
 * in clear, as the name of the key. Rotation bounds what one derived key seals; it is no forward
 * secrecy: who steals the secret has every key.
 */
#ifndef LEAT_CRYPTO_KEY_EPOCH_H
#define LEAT_CRYPTO_KEY_EPOCH_H

#include "base/bytes.h"

#include <leat/base.h>

#define LEAT_KEY_EPOCH (12 * 3600) /* seconds */
#define LEAT_KEY_EPOCH_SECRET 32

/* The epoch of a time in seconds since 1970. */
uint32_t leat_key_epoch(int64_t time);
/*
 * Whether something sealed in this epoch may still be (or already be) good at `now`: what is older
 * than lifetime or further ahead than skew never is.
 */
bool leat_key_epoch_is_live(uint32_t epoch, int64_t now, int64_t lifetime, int64_t skew);
/* Key material for one purpose in one epoch; salt (at most 32 bytes) makes keys of one use. False:
 * libcrypto failed. */
bool leat_key_epoch_derive(const uint8_t secret[LEAT_KEY_EPOCH_SECRET], const char *purpose,
                           uint32_t epoch, leat_span salt, uint8_t *out, size_t length);

#endif
