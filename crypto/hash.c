/*
 * Hashes, HMAC (RFC 2104) and HKDF (RFC 5869) over libcrypto's digests. HMAC and HKDF are written
 * out here because libcrypto 3.0 looks its own up by name on every call, which costs more than the
 * hashing of a key schedule.
 */
#include "crypto/hash.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "crypto/secret.h"

#include <openssl/evp.h>

#define BLOCK_MAX 128 /* SHA-384's */

/* RFC 8446 §7.1: HkdfLabel = uint16 length, label<7..255>, context<0..255>. */
#define HKDF_LABEL_MAX (2 + 256 + 256)
#define LABEL_PREFIX "tls13 "

typedef struct hash_row {
    size_t size, block;
    const EVP_MD *(*digest)(void);
} hash_row;

static const hash_row hash_rows[] = {
    [LEAT_HASH_SHA256] = {.size = 32, .block = 64, .digest = EVP_sha256},
    [LEAT_HASH_SHA384] = {.size = 48, .block = 128, .digest = EVP_sha384},
};

size_t leat_hash_size(leat_hash_id id) { return hash_rows[id].size; }

static EVP_MD_CTX *context_new(leat_hash_id id) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context != NULL && EVP_DigestInit_ex(context, hash_rows[id].digest(), NULL) != 1) {
        EVP_MD_CTX_free(context);
        return NULL;
    }
    return context;
}

/* Hashes the parts with a context that was just begun, and begins it again for the next use. */
static bool digest_parts(EVP_MD_CTX *context, const leat_span *parts, size_t count,
                         uint8_t *digest) {
    for (size_t i = 0; i < count; i++) {
        if (EVP_DigestUpdate(context, parts[i].data, parts[i].length) != 1) {
            return false;
        }
    }
    return EVP_DigestFinal_ex(context, digest, NULL) == 1 &&
           EVP_DigestInit_ex(context, NULL, NULL) == 1;
}

bool leat_hash_parts(leat_hash_id id, const leat_span *parts, size_t count, uint8_t *digest) {
    EVP_MD_CTX *context = context_new(id);
    bool done = context != NULL && digest_parts(context, parts, count, digest);
    EVP_MD_CTX_free(context);
    return done;
}

bool leat_hash_once(leat_hash_id id, const void *data, size_t length, uint8_t *digest) {
    leat_span part = {data, length};
    return leat_hash_parts(id, &part, 1, digest);
}

struct leat_hash {
    EVP_MD_CTX *running;
    EVP_MD_CTX *copy; /* where peek ends a copy of the running hash */
};

leat_hash *leat_hash_new(leat_hash_id id) {
    leat_hash *hash = leat_alloc(NULL, sizeof *hash);
    if (hash == NULL) {
        return NULL;
    }
    hash->running = context_new(id);
    hash->copy = EVP_MD_CTX_new();
    if (hash->running == NULL || hash->copy == NULL) {
        leat_hash_free(hash);
        return NULL;
    }
    return hash;
}

bool leat_hash_update(leat_hash *hash, const void *data, size_t length) {
    return EVP_DigestUpdate(hash->running, data, length) == 1;
}

bool leat_hash_peek(const leat_hash *hash, uint8_t *digest) {
    return EVP_MD_CTX_copy_ex(hash->copy, hash->running) == 1 &&
           EVP_DigestFinal_ex(hash->copy, digest, NULL) == 1;
}

void leat_hash_free(leat_hash *hash) {
    if (hash != NULL) {
        EVP_MD_CTX_free(hash->running);
        EVP_MD_CTX_free(hash->copy);
        leat_free(NULL, hash);
    }
}

/* A key ready for many HMACs: HKDF-Expand computes a chain of them. */
typedef struct hmac {
    const hash_row *row;
    EVP_MD_CTX *context;
    uint8_t key[BLOCK_MAX]; /* one block, padded with zeros */
} hmac;

static bool hmac_init(hmac *mac, leat_hash_id id, leat_span key) {
    *mac = (hmac){.row = &hash_rows[id], .context = context_new(id)};
    if (mac->context == NULL) {
        return false;
    }
    if (key.length > mac->row->block) {
        return digest_parts(mac->context, &key, 1, mac->key);
    }
    if (key.length > 0) {
        memcpy(mac->key, key.data, key.length);
    }
    return true;
}

static void hmac_end(hmac *mac) {
    EVP_MD_CTX_free(mac->context);
    leat_wipe(mac, sizeof *mac);
}

#define HMAC_PARTS_MAX 3

static bool hmac_compute(hmac *mac, const leat_span *parts, size_t count, uint8_t *out) {
    uint8_t pad[BLOCK_MAX], inner[LEAT_HASH_MAX];
    leat_span inner_parts[1 + HMAC_PARTS_MAX] = {{pad, mac->row->block}};
    leat_span outer_parts[] = {{pad, mac->row->block}, {inner, mac->row->size}};
    for (size_t i = 0; i < count; i++) {
        inner_parts[1 + i] = parts[i];
    }
    for (size_t i = 0; i < mac->row->block; i++) {
        pad[i] = mac->key[i] ^ 0x36;
    }
    bool done = digest_parts(mac->context, inner_parts, 1 + count, inner);
    for (size_t i = 0; i < mac->row->block; i++) {
        pad[i] = mac->key[i] ^ 0x5c;
    }
    done = done && digest_parts(mac->context, outer_parts, 2, out);
    leat_wipe(pad, sizeof pad);
    leat_wipe(inner, sizeof inner);
    return done;
}

bool leat_hmac(leat_hash_id id, const void *key, size_t key_length, const void *data, size_t length,
               uint8_t *mac) {
    hmac state;
    leat_span part = {data, length};
    bool done =
        hmac_init(&state, id, (leat_span){key, key_length}) && hmac_compute(&state, &part, 1, mac);
    hmac_end(&state);
    return done;
}

/* RFC 5869 §2.2: an absent salt is a string of zeros: HMAC pads an empty key to that. */
bool leat_hkdf_extract(leat_hash_id id, leat_span salt, leat_span input, uint8_t *prk) {
    return leat_hmac(id, salt.data, salt.length, input.data, input.length, prk);
}

/* RFC 5869 §2.3: T(i) = HMAC(PRK, T(i-1) | info | i), at most 255 blocks. */
bool leat_hkdf_expand(leat_hash_id id, const uint8_t *prk, size_t prk_length, leat_span info,
                      uint8_t *out, size_t length) {
    size_t size = hash_rows[id].size, done = 0;
    uint8_t block[LEAT_HASH_MAX], counter = 0;
    hmac mac;
    bool good = hmac_init(&mac, id, (leat_span){prk, prk_length}) && length <= 255 * size;
    while (good && done < length) {
        leat_span parts[] = {{block, counter == 0 ? 0 : size}, info, {&counter, 1}};
        size_t take = length - done < size ? length - done : size;
        counter++;
        good = hmac_compute(&mac, parts, 3, block);
        if (good) {
            memcpy(out + done, block, take);
            done += take;
        }
    }
    hmac_end(&mac);
    leat_wipe(block, sizeof block);
    return good;
}

bool leat_hkdf_expand_label(leat_hash_id id, const uint8_t *secret, const char *label,
                            leat_span context, uint8_t *out, size_t length) {
    uint8_t info[HKDF_LABEL_MAX];
    leat_writer writer = leat_writer_make(info, sizeof info);
    leat_write_u16(&writer, (uint16_t)length);
    size_t mark = leat_write_vector_begin(&writer, 1);
    leat_write_bytes(&writer, LABEL_PREFIX, strlen(LABEL_PREFIX));
    leat_write_bytes(&writer, label, strlen(label));
    leat_write_vector_end(&writer, mark, 1);
    mark = leat_write_vector_begin(&writer, 1);
    leat_write_bytes(&writer, context.data, context.length);
    leat_write_vector_end(&writer, mark, 1);
    return !writer.failed &&
           leat_hkdf_expand(id, secret, hash_rows[id].size,
                            (leat_span){info, leat_writer_length(&writer)}, out, length);
}
