/*
 * The key schedule of RFC 8446 §7.1 and what hangs on it: Finished keys (§4.4.4), PSK binders
 * (§4.2.11.2), resumption PSKs (§4.6.1), exporters (§7.5), and the transcript hash (§4.4.1) that
 * feeds it.
 *
 * The schedule holds one secret at a time: early, then handshake, then master; each step wipes the
 * one before. All functions return false only when libcrypto fails.
 */
#ifndef LEAT_CRYPTO_TLS_KEY_SCHEDULE_H
#define LEAT_CRYPTO_TLS_KEY_SCHEDULE_H

#include "base/bytes.h"
#include "crypto/hash.h"

typedef struct leat_key_schedule {
    leat_hash_id hash;
    uint8_t secret[LEAT_HASH_MAX];
} leat_key_schedule;

/* psk: hash-size bytes, or NULL for a handshake without one. */
bool leat_key_schedule_early(leat_key_schedule *schedule, leat_hash_id hash, const uint8_t *psk);
bool leat_key_schedule_handshake(leat_key_schedule *schedule, leat_span shared_secret);
bool leat_key_schedule_master(leat_key_schedule *schedule);
/* Derive-Secret(current secret, label, messages with this transcript hash). */
bool leat_key_schedule_derive(const leat_key_schedule *schedule, const char *label,
                              const uint8_t *transcript_hash, uint8_t *out);

/* verify_data of a Finished, or a binder: an HMAC under the finished key of base_secret. */
bool leat_finished_mac(leat_hash_id hash, const uint8_t *base_secret,
                       const uint8_t *transcript_hash, uint8_t *mac);
/* The binder of a resumption PSK over the hash of the truncated ClientHello. */
bool leat_psk_binder(leat_hash_id hash, const uint8_t *psk, const uint8_t *transcript_hash,
                     uint8_t *binder);
bool leat_resumption_psk(leat_hash_id hash, const uint8_t *resumption_secret, leat_span nonce,
                         uint8_t *psk);
bool leat_exporter(leat_hash_id hash, const uint8_t *exporter_secret, const char *label,
                   leat_span context, uint8_t *out, size_t length);

/* All handshake messages so far. Until the hash is chosen they are kept, afterwards only hashed. */
typedef struct leat_transcript {
    leat_buffer kept;
    leat_hash *hash;
    leat_hash_id id;
} leat_transcript;

#define LEAT_TRANSCRIPT_KEPT_MAX 65536 /* a ClientHello of our own is all that is ever kept */

void leat_transcript_init(leat_transcript *transcript, const leat_allocator *allocator);
void leat_transcript_clear(leat_transcript *transcript);
bool leat_transcript_add(leat_transcript *transcript, const void *bytes, size_t length);
/* The hash is chosen: called once, and again with the same hash without effect. */
bool leat_transcript_choose(leat_transcript *transcript, leat_hash_id id);
bool leat_transcript_hash(const leat_transcript *transcript, uint8_t *digest);
/* RFC 8446 §4.4.1: replaces the first ClientHello by message_hash, when a HelloRetryRequest
 * follows. */
bool leat_transcript_retry(leat_transcript *transcript);

#endif
