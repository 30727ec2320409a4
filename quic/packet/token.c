/*
 * Address validation tokens: RFC 9000 §8.1. On the wire: a random nonce of 12 bytes, then sealed
 * content and its tag, so that a client can neither read a token nor link two of them. What is
 * sealed:
 *
 *     kind (8), issued (64), address family (8), address (128), port (16),
 *     original DCID length (8), original DCID, Retry SCID length (8), Retry SCID
 *
 * Tokens are stateless: that one is used once only (RFC 9000 §8.1.4) cannot be seen here.
 */
#include "quic/packet/token.h"

#include "base/alloc.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

#define NONCE       LEAT_AEAD_NONCE
#define CONTENT_MAX (LEAT_TOKEN_MAX - NONCE - LEAT_AEAD_TAG)
#define CLOCK_SKEW  5 /* seconds that the clock of another server with the same key may be ahead */

struct leat_token_keys {
    const leat_allocator *allocator;
    leat_aead *aead;
};

leat_token_keys *leat_token_keys_new(const leat_allocator *allocator, const uint8_t secret[32]) {
    uint8_t key[LEAT_AEAD_KEY_MAX];
    leat_token_keys *keys = leat_alloc(allocator, sizeof *keys);
    if (keys == NULL) {
        return NULL;
    }
    keys->allocator = allocator;
    /* A key of its own, so that the same secret may serve other purposes. */
    if (leat_hkdf_expand_label(LEAT_HASH_SHA256, secret, "leat token", (leat_span){NULL, 0}, key,
                               leat_aead_key_size(LEAT_AES_256_GCM))) {
        keys->aead = leat_aead_new(LEAT_AES_256_GCM, key);
    }
    leat_wipe(key, sizeof key);
    if (keys->aead == NULL) {
        leat_free(allocator, keys);
        return NULL;
    }
    return keys;
}

void leat_token_keys_free(leat_token_keys *keys) {
    if (keys != NULL) {
        leat_aead_free(keys->aead);
        leat_free(keys->allocator, keys);
    }
}

static bool read_cid(leat_reader *reader, leat_cid *cid) {
    return leat_cid_from_span(cid, leat_read_vector8(reader));
}

/* RFC 9000 §8.1.3: a client comes back from another port, but continues after Retry from the same
 * one. */
static uint16_t bound_port(leat_token_kind kind, const leat_address *client) {
    return kind == LEAT_TOKEN_RETRY ? client->port : 0;
}

size_t leat_token_seal(const leat_token_keys *keys, const leat_random *random,
                       const leat_token_info *info, const leat_address *client,
                       uint8_t token[LEAT_TOKEN_MAX]) {
    leat_writer writer = leat_writer_make(token + NONCE, CONTENT_MAX);
    leat_write_u8(&writer, (uint8_t)info->kind);
    leat_write_u64(&writer, (uint64_t)info->issued);
    leat_write_u8(&writer, client->family);
    leat_write_bytes(&writer, client->ip, sizeof client->ip);
    leat_write_u16(&writer, bound_port(info->kind, client));
    leat_cid_write(&writer, leat_cid_span(&info->original_dcid));
    leat_cid_write(&writer, leat_cid_span(&info->retry_scid));
    size_t length = leat_writer_length(&writer);
    if (writer.failed || !leat_random_bytes(random, token, NONCE) ||
        !leat_aead_seal(keys->aead, token, 0, (leat_span){NULL, 0}, token + NONCE, length)) {
        return 0;
    }
    return NONCE + length + LEAT_AEAD_TAG;
}

typedef struct token_content {
    leat_token_info info;
    leat_address client;
} token_content;

static bool parse_content(leat_span bytes, token_content *content) {
    leat_reader reader = leat_reader_of(bytes);
    uint8_t kind = leat_read_u8(&reader);
    content->info.kind = (leat_token_kind)kind;
    content->info.issued = (int64_t)leat_read_u64(&reader);
    content->client.family = leat_read_u8(&reader);
    leat_read_copy(&reader, content->client.ip, sizeof content->client.ip);
    content->client.port = leat_read_u16(&reader);
    return read_cid(&reader, &content->info.original_dcid) &&
           read_cid(&reader, &content->info.retry_scid) && leat_reader_at_end(&reader) &&
           (kind == LEAT_TOKEN_RETRY || kind == LEAT_TOKEN_NEW);
}

static bool is_fresh(const leat_token_info *info, int64_t now) {
    int64_t lifetime =
        info->kind == LEAT_TOKEN_RETRY ? LEAT_TOKEN_RETRY_LIFETIME : LEAT_TOKEN_NEW_LIFETIME;
    return info->issued >= now - lifetime && info->issued <= now + CLOCK_SKEW;
}

static bool is_same_client(const token_content *content, const leat_address *client) {
    return content->client.family == client->family &&
           content->client.port == bound_port(content->info.kind, client) &&
           memcmp(content->client.ip, client->ip, sizeof client->ip) == 0;
}

leat_token_status leat_token_open(const leat_token_keys *keys, leat_span token,
                                  const leat_address *client, int64_t now, leat_token_info *info) {
    uint8_t bytes[LEAT_TOKEN_MAX];
    token_content content = {.info = {.issued = 0}};
    *info = content.info;
    /* Lengths first: a peer may send anything as a token. */
    if (token.length <= NONCE + LEAT_AEAD_TAG || token.length > sizeof bytes) {
        return LEAT_TOKEN_UNKNOWN;
    }
    memcpy(bytes, token.data, token.length);
    leat_span sealed = {bytes + NONCE, token.length - NONCE};
    if (!leat_aead_open(keys->aead, bytes, 0, (leat_span){NULL, 0}, bytes + NONCE, sealed.length)) {
        return LEAT_TOKEN_UNKNOWN;
    }
    sealed.length -= LEAT_AEAD_TAG;
    if (!parse_content(sealed, &content)) {
        return LEAT_TOKEN_UNKNOWN;
    }
    if (!is_fresh(&content.info, now) || !is_same_client(&content, client)) {
        /* RFC 9000 §8.1.3: only a Retry token of ours that fails can get INVALID_TOKEN. */
        bool is_retry = content.info.kind == LEAT_TOKEN_RETRY;
        return is_retry ? LEAT_TOKEN_INVALID_RETRY : LEAT_TOKEN_UNKNOWN;
    }
    *info = content.info;
    return LEAT_TOKEN_VALID;
}
