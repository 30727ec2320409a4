/*
 * Address validation tokens: RFC 9000 §8.1. On the wire: the epoch of the key (32), a random nonce
 * of 12 bytes, then sealed content and its tag, so that a client can neither read a token nor link
 * two of them. What is sealed:
 *
 *     kind (8), issued (64), version (32), address family (8), address (128), port (16),
 *     original DCID length (8), original DCID, Retry SCID length (8), Retry SCID
 *
 * The key rotates with the clock (crypto/key_epoch.h). Nothing here knows which tokens were spent:
 * that is quic/endpoint/spent_tokens.h.
 */
#include "quic/packet/token.h"

#include "base/alloc.h"
#include "crypto/aead.h"
#include "crypto/secret.h"

#define EPOCH       4
#define NONCE       LEAT_AEAD_NONCE
#define HEADER      (EPOCH + NONCE)
#define CONTENT_MAX (LEAT_TOKEN_MAX - HEADER - LEAT_AEAD_TAG)
#define CLOCK_SKEW  5 /* seconds that the clock of another server with the same key may be ahead */

typedef struct epoch_key {
    uint32_t epoch;
    leat_aead *aead; /* NULL: not derived yet */
} epoch_key;

struct leat_token_keys {
    const leat_allocator *allocator;
    uint8_t secret[LEAT_KEY_EPOCH_SECRET];
    epoch_key epochs[LEAT_TOKEN_EPOCHS]; /* live ones, by number modulo their count */
    epoch_key other;                     /* one that is dead: see key_of_token */
};

leat_token_keys *leat_token_keys_new(const leat_allocator *allocator, const uint8_t secret[32]) {
    leat_token_keys *keys = leat_alloc(allocator, sizeof *keys);
    if (keys != NULL) {
        keys->allocator = allocator;
        memcpy(keys->secret, secret, sizeof keys->secret);
    }
    return keys;
}

void leat_token_keys_free(leat_token_keys *keys) {
    if (keys == NULL) {
        return;
    }
    for (size_t i = 0; i < LEAT_TOKEN_EPOCHS; i++) {
        leat_aead_free(keys->epochs[i].aead);
    }
    leat_aead_free(keys->other.aead);
    leat_wipe(keys->secret, sizeof keys->secret);
    leat_free(keys->allocator, keys);
}

static epoch_key *slot_of(leat_token_keys *keys, uint32_t epoch) {
    return &keys->epochs[epoch % LEAT_TOKEN_EPOCHS];
}

static leat_aead *key_of(leat_token_keys *keys, epoch_key *slot, uint32_t epoch) {
    if (slot->aead == NULL || slot->epoch != epoch) {
        uint8_t key[LEAT_AEAD_KEY_MAX];
        leat_aead_free(slot->aead);
        *slot = (epoch_key){.epoch = epoch};
        if (leat_key_epoch_derive(keys->secret, "leat token key", epoch, (leat_span){NULL, 0}, key,
                                  leat_aead_key_size(LEAT_AES_256_GCM))) {
            slot->aead = leat_aead_new(LEAT_AES_256_GCM, key);
        }
        leat_wipe(key, sizeof key);
    }
    return slot->aead;
}

static bool read_cid(leat_reader *reader, leat_cid *cid) {
    return leat_cid_from_span(cid, leat_read_vector8(reader));
}

/* RFC 9000 §8.1.3: a client comes back from another port, but continues after Retry from the same
 * one. */
static uint16_t bound_port(leat_token_kind kind, const leat_address *client) {
    return kind == LEAT_TOKEN_RETRY ? client->port : 0;
}

size_t leat_token_seal(leat_token_keys *keys, const leat_random *random,
                       const leat_token_info *info, const leat_address *client,
                       uint8_t token[LEAT_TOKEN_MAX]) {
    uint32_t epoch = leat_key_epoch(info->issued);
    leat_aead *aead = key_of(keys, slot_of(keys, epoch), epoch);
    leat_writer header = leat_writer_make(token, EPOCH);
    leat_write_u32(&header, epoch);
    leat_writer writer = leat_writer_make(token + HEADER, CONTENT_MAX);
    leat_write_u8(&writer, (uint8_t)info->kind);
    leat_write_u64(&writer, (uint64_t)info->issued);
    leat_write_u32(&writer, info->version);
    leat_write_u8(&writer, client->family);
    leat_write_bytes(&writer, client->ip, sizeof client->ip);
    leat_write_u16(&writer, bound_port(info->kind, client));
    leat_cid_write(&writer, leat_cid_span(&info->original_dcid));
    leat_cid_write(&writer, leat_cid_span(&info->retry_scid));
    size_t length = leat_writer_length(&writer);
    if (aead == NULL || writer.failed || !leat_random_bytes(random, token + EPOCH, NONCE) ||
        !leat_aead_seal(aead, token + EPOCH, 0, (leat_span){token, EPOCH}, token + HEADER,
                        length)) {
        return 0;
    }
    return HEADER + length + LEAT_AEAD_TAG;
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
    content->info.version = leat_read_u32(&reader);
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

/*
 * A token of a dead epoch is never good, but it is opened: when the clock was set while a client
 * came back from Retry, it must learn that its token is not, instead of waiting for its timeout
 * (RFC 9000 §8.1.2). Who invents epochs costs a derivation, which is less than an Initial without
 * any token costs.
 */
static leat_aead *key_of_token(leat_token_keys *keys, leat_reader *reader, int64_t now) {
    uint32_t epoch = leat_read_u32(reader);
    bool is_live = leat_key_epoch_is_live(epoch, now, LEAT_TOKEN_NEW_LIFETIME, CLOCK_SKEW);
    return key_of(keys, is_live ? slot_of(keys, epoch) : &keys->other, epoch);
}

static bool open_content(leat_token_keys *keys, leat_span token, int64_t now,
                         token_content *content) {
    uint8_t bytes[LEAT_TOKEN_MAX];
    /* Lengths first: a peer may send anything as a token. */
    if (token.length <= HEADER + LEAT_AEAD_TAG || token.length > sizeof bytes) {
        return false;
    }
    leat_reader reader = leat_reader_of(token);
    leat_aead *aead = key_of_token(keys, &reader, now);
    leat_span nonce = leat_read_bytes(&reader, NONCE);
    leat_span sealed = leat_read_rest(&reader);
    memcpy(bytes, sealed.data, sealed.length);
    if (aead == NULL || !leat_aead_open(aead, nonce.data, 0, (leat_span){token.data, EPOCH}, bytes,
                                        sealed.length)) {
        return false;
    }
    leat_reader id = leat_reader_of(nonce);
    content->info.id = leat_read_u64(&id);
    return parse_content((leat_span){bytes, sealed.length - LEAT_AEAD_TAG}, content);
}

leat_token_status leat_token_open(leat_token_keys *keys, leat_span token,
                                  const leat_address *client, int64_t now, leat_token_info *info) {
    token_content content = {.info = {.issued = 0}};
    *info = content.info;
    if (!open_content(keys, token, now, &content)) {
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
