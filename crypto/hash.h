/* SHA-256 and SHA-384, HMAC, HKDF (RFC 5869) and HKDF-Expand-Label (RFC 8446 §7.1). */
#ifndef LEAT_CRYPTO_HASH_H
#define LEAT_CRYPTO_HASH_H
#include <leat/base.h>

#define LEAT_HASH_MAX 48

typedef enum leat_hash_id { LEAT_HASH_SHA256, LEAT_HASH_SHA384 } leat_hash_id;

size_t leat_hash_size(leat_hash_id id);
/* One shot over several parts. All functions return false only when libcrypto fails (memory). */
bool leat_hash_parts(leat_hash_id id, const leat_span *parts, size_t count, uint8_t *digest);
bool leat_hash_once(leat_hash_id id, const void *data, size_t length, uint8_t *digest);

/* A running hash that can be read without ending it: the TLS transcript. */
typedef struct leat_hash leat_hash;
leat_hash *leat_hash_new(leat_hash_id id);
bool leat_hash_update(leat_hash *hash, const void *data, size_t length);
bool leat_hash_peek(const leat_hash *hash, uint8_t *digest);
void leat_hash_free(leat_hash *hash);

bool leat_hmac(leat_hash_id id, const void *key, size_t key_length, const void *data, size_t length,
               uint8_t *mac);
bool leat_hkdf_extract(leat_hash_id id, leat_span salt, leat_span input, uint8_t *prk);
bool leat_hkdf_expand(leat_hash_id id, const uint8_t *prk, size_t prk_length, leat_span info,
                      uint8_t *out, size_t length);
/* label without the "tls13 " prefix, which is added here. */
bool leat_hkdf_expand_label(leat_hash_id id, const uint8_t *secret, const char *label,
                            leat_span context, uint8_t *out, size_t length);

#endif
