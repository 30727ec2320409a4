/*
 * Key exchange groups of TLS 1.3: a table of rows, reached by their TLS NamedGroup. X25519MLKEM768
 * (draft-ietf-tls-ecdhe-mlkem) is offered only when libcrypto has ML-KEM at run time.
 * The group table is the seam: tests put a stand-in KEM row behind it where libcrypto has none
 * (leat_key_exchange_set_test_kem).
 */
#ifndef LEAT_CRYPTO_KEY_EXCHANGE_H
#define LEAT_CRYPTO_KEY_EXCHANGE_H
#include "crypto/random.h"

enum {
    LEAT_GROUP_P256 = 0x0017,
    LEAT_GROUP_P384 = 0x0018,
    LEAT_GROUP_X25519 = 0x001d,
    LEAT_GROUP_X25519MLKEM768 = 0x11ec,
};
#define LEAT_KEY_SHARE_MAX 1216
#define LEAT_SHARED_SECRET_MAX 64

bool leat_group_is_available(uint16_t group);
const char *leat_group_name(uint16_t group);         /* "X25519MLKEM768"; NULL: unknown group */
size_t leat_group_client_share_size(uint16_t group); /* 0: unknown group */
size_t leat_group_server_share_size(uint16_t group);

typedef struct leat_key_exchange leat_key_exchange; /* an ephemeral private key of the client */

/* Client: makes a key pair and writes its share (leat_group_client_share_size bytes). */
leat_key_exchange *leat_key_exchange_new(uint16_t group, uint8_t *share);
/*
 * Client: the shared secret from the server's share. False: the share is malformed, off the curve
 * or gives zero.
 */
bool leat_key_exchange_finish(leat_key_exchange *exchange, leat_span server_share, uint8_t *secret,
                              size_t *secret_length);
void leat_key_exchange_free(leat_key_exchange *exchange);
/* Server: answers a client's share in one step. False as above. */
bool leat_key_exchange_respond(uint16_t group, leat_span client_share, uint8_t *server_share,
                               uint8_t *secret, size_t *secret_length);

/*
 * With a given private key, for test vectors only (X25519, P-256, P-384). private_key is big endian
 * for the curves.
 */
bool leat_key_exchange_vector(uint16_t group, leat_span private_key, leat_span peer_share,
                              uint8_t *secret, size_t *secret_length);

/* The KEM half of X25519MLKEM768: sizes 1184 (encapsulation key), 1088 (ciphertext), 32 (secret). */
typedef struct leat_kem {
    void *(*keygen)(uint8_t *encapsulation_key); /* gives a private key */
    bool (*decapsulate)(void *private_key, const uint8_t *ciphertext, uint8_t *secret);
    bool (*encapsulate)(const uint8_t *encapsulation_key, uint8_t *ciphertext, uint8_t *secret);
    void (*free)(void *private_key);
} leat_kem;
/* For tests: replaces the KEM of libcrypto. NULL restores it. */
void leat_key_exchange_set_test_kem(const leat_kem *kem);

#endif
