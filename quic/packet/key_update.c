/*
 * Key update of 1-RTT keys: RFC 9001 §6, and the limits on the use of one key, §6.6. Whether the
 * handshake is confirmed (§6.1-1) and when three PTOs have passed (§6.5) is known to the
 * connection, which asks accordingly.
 */
#include "quic/packet/key_update.h"

#include "crypto/secret.h"
#include "quic/packet/number.h"

#include <string.h>

/* RFC 9001 §6.6: packets under one key, and forgeries seen under all keys of a connection. */
static const struct {
    uint64_t confidentiality, integrity;
} limits[] = {
    [LEAT_AES_128_GCM] = {UINT64_C(1) << 23, UINT64_C(1) << 52},
    [LEAT_AES_256_GCM] = {UINT64_C(1) << 23, UINT64_C(1) << 52},
    /* More packets than packet numbers: the number space ends first. */
    [LEAT_CHACHA20_POLY1305] = {UINT64_C(1) << 62, UINT64_C(1) << 36},
};

uint64_t leat_keys_confidentiality_limit(const leat_keys *keys) {
    return limits[keys->suite->aead].confidentiality;
}

leat_open_status leat_keys_count_failed_open(leat_keys *keys) {
    /* RFC 9001 §6.6-7. */
    bool is_reached = ++keys->failed_opens >= limits[keys->suite->aead].integrity;
    return is_reached ? LEAT_OPEN_INTEGRITY_LIMIT : LEAT_OPEN_AUTHENTICATION;
}

bool leat_keys_needs_update(const leat_keys *keys) {
    uint64_t limit = leat_keys_confidentiality_limit(keys);
    /* RFC 9001 §6.6-3: with an eighth left, so that the peer has time to acknowledge the phase. */
    return keys->updatable && keys->sealed >= limit - limit / 8;
}

/* RFC 9001 §6.1: secret_<n+1> from secret_<n>. */
static bool next_secret(const leat_keys *keys, const uint8_t *secret, uint8_t *next) {
    const leat_span empty = {NULL, 0};
    return leat_hkdf_expand_label(keys->suite->hash, secret, keys->version->ku_label, empty, next,
                                  leat_hash_size(keys->suite->hash));
}

static bool make_next_key(const leat_keys *keys, leat_packet_key *key, const uint8_t *secret) {
    uint8_t next[LEAT_HASH_MAX];
    bool ok = next_secret(keys, secret, next) &&
              leat_packet_key_make(key, keys->version, keys->suite, next);
    leat_wipe(next, sizeof next);
    return ok;
}

bool leat_keys_make_updatable(leat_keys *keys) {
    if (!leat_keys_can_read(keys) || !leat_keys_can_write(keys) || keys->updatable) {
        return keys->updatable;
    }
    keys->updatable = make_next_key(keys, &keys->read_next, keys->read_secret);
    return keys->updatable;
}

/* All that the next phase needs, made before anything changes, so that a failure leaves the keys as
 * they are. */
typedef struct next_phase {
    uint8_t read_secret[LEAT_HASH_MAX], write_secret[LEAT_HASH_MAX];
    leat_packet_key write, read_after;
} next_phase;

static bool prepare_phase(const leat_keys *keys, next_phase *next) {
    *next = (next_phase){.write = {.aead = NULL}};
    return next_secret(keys, keys->read_secret, next->read_secret) &&
           next_secret(keys, keys->write_secret, next->write_secret) &&
           leat_packet_key_make(&next->write, keys->version, keys->suite, next->write_secret) &&
           make_next_key(keys, &next->read_after, next->read_secret);
}

static bool enter_next_phase(leat_keys *keys) {
    next_phase next;
    if (!prepare_phase(keys, &next)) {
        leat_packet_key_clear(&next.write);
        leat_packet_key_clear(&next.read_after);
        leat_wipe(&next, sizeof next);
        return false;
    }
    /* RFC 9001 §6.1-4: the key of the phase that ends opens what was reordered. */
    leat_packet_key_clear(&keys->read_previous);
    keys->read_previous = keys->read;
    keys->read = keys->read_next;
    keys->read_next = next.read_after;
    leat_packet_key_clear(&keys->write);
    keys->write = next.write;
    memcpy(keys->read_secret, next.read_secret, sizeof keys->read_secret);
    memcpy(keys->write_secret, next.write_secret, sizeof keys->write_secret);
    leat_wipe(&next, sizeof next);
    keys->phase = !keys->phase;
    keys->phase_first_received = keys->phase_first_sent = LEAT_PN_NONE;
    keys->phase_confirmed = false;
    keys->sealed = 0;
    return true;
}

bool leat_keys_can_update(const leat_keys *keys) {
    /*
     * RFC 9001 §6.1-2, §6.5-1: an acknowledgment of this phase, and the last update long enough ago
     * that the connection has dropped the previous key.
     */
    return keys->updatable && keys->phase_confirmed && keys->read_previous.aead == NULL;
}

bool leat_keys_update(leat_keys *keys) {
    return leat_keys_can_update(keys) && enter_next_phase(keys);
}

void leat_keys_on_acked(leat_keys *keys, uint64_t pn) {
    if (keys->phase_first_sent != LEAT_PN_NONE && pn >= keys->phase_first_sent) {
        keys->phase_confirmed = true;
    }
}

bool leat_keys_can_discard_previous(const leat_keys *keys) {
    /* RFC 9001 §6.1-3: the peer may still use the old key until a packet under the new one was
     * opened. */
    return keys->read_previous.aead != NULL && keys->phase_first_received != LEAT_PN_NONE;
}

void leat_keys_discard_previous(leat_keys *keys) {
    if (leat_keys_can_discard_previous(keys)) {
        leat_packet_key_clear(&keys->read_previous);
    }
}

leat_packet_key *leat_keys_choose_read(leat_keys *keys, bool phase, uint64_t pn) {
    if (!keys->updatable || phase == keys->phase) {
        return &keys->read;
    }
    /*
     * RFC 9001 §6.5: a number below all of this phase was sent before the update. When nothing of
     * this phase came yet the update was ours, and the peer still answers with the previous key.
     */
    bool is_older = pn < keys->phase_first_received; /* LEAT_PN_NONE is above all numbers */
    if (is_older && keys->read_previous.aead != NULL) {
        return &keys->read_previous;
    }
    /* RFC 9001 §6.3-1: also where it cannot succeed, so that time does not tell what the phase bit
     * was. */
    return &keys->read_next;
}

leat_open_status leat_keys_on_opened(leat_keys *keys, const leat_packet_key *key, uint64_t pn,
                                     bool *updated) {
    if (key == &keys->read_previous) {
        return LEAT_OPEN_OK;
    }
    if (key == &keys->read_next) {
        /*
         * RFC 9001 §6.2, §6.4-2: a peer may update again only after an acknowledgment of a packet
         * of this phase. So one of its packets came and one of ours went out; and newer keys never
         * have lower numbers.
         */
        if (keys->phase_first_sent == LEAT_PN_NONE || pn < keys->phase_first_received) {
            return LEAT_OPEN_KEY_UPDATE;
        }
        /* Without memory for the new keys it is as if the packet had been lost. */
        if (!enter_next_phase(keys)) {
            return LEAT_OPEN_NO_KEYS;
        }
        *updated = true;
    }
    if (pn < keys->phase_first_received) {
        keys->phase_first_received = pn;
    }
    return LEAT_OPEN_OK;
}
