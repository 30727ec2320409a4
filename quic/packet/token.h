/*
 * Address validation tokens: RFC 9000 §8.1. Sealed with AES-256-GCM under a key of the server that rotates with the
 * clock; bound to the client's address (Retry: with port; NEW_TOKEN: without), the kind, an expiry time and, for Retry,
 * both connection IDs.
 */
#ifndef LEAT_QUIC_PACKET_TOKEN_H
#define LEAT_QUIC_PACKET_TOKEN_H

#include "crypto/key_epoch.h"
#include "crypto/random.h"
#include "quic/packet/header.h"

#define LEAT_TOKEN_MAX 128
#define LEAT_TOKEN_RETRY_LIFETIME 10        /* seconds */
#define LEAT_TOKEN_NEW_LIFETIME (24 * 3600) /* seconds */
/* Epochs that can be live at a time: those of the longest lifetime, the current one, and one that the clock of another
 * server has reached before ours. Live ones differ modulo this. */
#define LEAT_TOKEN_EPOCHS (LEAT_TOKEN_NEW_LIFETIME / LEAT_KEY_EPOCH + 2)

typedef enum leat_token_kind { LEAT_TOKEN_RETRY = 1, LEAT_TOKEN_NEW = 2 } leat_token_kind;

typedef enum leat_token_status {
    LEAT_TOKEN_VALID,
    LEAT_TOKEN_UNKNOWN,       /* not one of ours, or unreadable: an unvalidated client, as if there were none */
    LEAT_TOKEN_INVALID_RETRY, /* a Retry token of ours that is expired or of another address: INVALID_TOKEN (§8.1.3) */
} leat_token_status;

typedef struct leat_token_info {
    leat_token_kind kind;
    int64_t issued;          /* seconds since the epoch */
    uint32_t version;        /* of QUIC: RFC 9369 §5: another version takes no token of this one */
    leat_cid original_dcid;  /* Retry only */
    leat_cid retry_scid;     /* Retry only */
    uint64_t id;             /* of an opened one: random, so that it can be told from all others */
} leat_token_info;

typedef struct leat_token_keys leat_token_keys;
/* A set belongs to one thread: keys are derived when they are first needed. */
leat_token_keys *leat_token_keys_new(const leat_allocator *allocator, const uint8_t secret[32]);
void leat_token_keys_free(leat_token_keys *keys);
/* With the key of the time it is issued at. Returns the token's length, 0 on failure (random source, libcrypto). */
size_t leat_token_seal(leat_token_keys *keys, const leat_random *random, const leat_token_info *info,
                       const leat_address *client, uint8_t token[LEAT_TOKEN_MAX]);
leat_token_status leat_token_open(leat_token_keys *keys, leat_span token, const leat_address *client, int64_t now,
                                  leat_token_info *info);

#endif
