/* RFC 8446 §7.1, §4.4.1, §4.4.4, §7.5: the ladder of secrets and the transcript hash. Knows no
 * messages. */
#include "crypto/tls/key_schedule.h"
#include "crypto/secret.h"

static const uint8_t zeros[LEAT_HASH_MAX];

static bool derive_secret(leat_hash_id hash, const uint8_t *secret, const char *label,
                          const uint8_t *transcript_hash, uint8_t *out) {
    leat_span context = {transcript_hash, leat_hash_size(hash)};
    return leat_hkdf_expand_label(hash, secret, label, context, out, leat_hash_size(hash));
}

static bool derive_secret_of_nothing(leat_hash_id hash, const uint8_t *secret, const char *label,
                                     uint8_t *out) {
    uint8_t empty[LEAT_HASH_MAX];
    return leat_hash_once(hash, NULL, 0, empty) && derive_secret(hash, secret, label, empty, out);
}

static bool step(leat_key_schedule *schedule, leat_span input) {
    uint8_t derived[LEAT_HASH_MAX];
    leat_span salt = {derived, leat_hash_size(schedule->hash)};
    bool ok = derive_secret_of_nothing(schedule->hash, schedule->secret, "derived", derived) &&
              leat_hkdf_extract(schedule->hash, salt, input, schedule->secret);
    leat_wipe(derived, sizeof derived);
    return ok;
}

bool leat_key_schedule_early(leat_key_schedule *schedule, leat_hash_id hash, const uint8_t *psk) {
    schedule->hash = hash;
    leat_span salt = {zeros, leat_hash_size(hash)};
    leat_span input = {psk != NULL ? psk : zeros, leat_hash_size(hash)};
    return leat_hkdf_extract(hash, salt, input, schedule->secret);
}

bool leat_key_schedule_handshake(leat_key_schedule *schedule, leat_span shared_secret) {
    return step(schedule, shared_secret);
}

bool leat_key_schedule_master(leat_key_schedule *schedule) {
    return step(schedule, (leat_span){zeros, leat_hash_size(schedule->hash)});
}

bool leat_key_schedule_derive(const leat_key_schedule *schedule, const char *label,
                              const uint8_t *transcript_hash, uint8_t *out) {
    return derive_secret(schedule->hash, schedule->secret, label, transcript_hash, out);
}

bool leat_finished_mac(leat_hash_id hash, const uint8_t *base_secret,
                       const uint8_t *transcript_hash, uint8_t *mac) {
    uint8_t finished_key[LEAT_HASH_MAX];
    size_t size = leat_hash_size(hash);
    bool ok = leat_hkdf_expand_label(hash, base_secret, "finished", (leat_span){NULL, 0},
                                     finished_key, size) &&
              leat_hmac(hash, finished_key, size, transcript_hash, size, mac);
    leat_wipe(finished_key, sizeof finished_key);
    return ok;
}

bool leat_psk_binder(leat_hash_id hash, const uint8_t *psk, const uint8_t *transcript_hash,
                     uint8_t *binder) {
    leat_key_schedule schedule;
    uint8_t binder_key[LEAT_HASH_MAX];
    bool ok = leat_key_schedule_early(&schedule, hash, psk) &&
              derive_secret_of_nothing(hash, schedule.secret, "res binder", binder_key) &&
              leat_finished_mac(hash, binder_key, transcript_hash, binder);
    leat_wipe(&schedule, sizeof schedule);
    leat_wipe(binder_key, sizeof binder_key);
    return ok;
}

bool leat_resumption_psk(leat_hash_id hash, const uint8_t *resumption_secret, leat_span nonce,
                         uint8_t *psk) {
    return leat_hkdf_expand_label(hash, resumption_secret, "resumption", nonce, psk,
                                  leat_hash_size(hash));
}

bool leat_exporter(leat_hash_id hash, const uint8_t *exporter_secret, const char *label,
                   leat_span context, uint8_t *out, size_t length) {
    uint8_t secret[LEAT_HASH_MAX];
    uint8_t context_hash[LEAT_HASH_MAX];
    leat_span hashed = {context_hash, leat_hash_size(hash)};
    bool ok = derive_secret_of_nothing(hash, exporter_secret, label, secret) &&
              leat_hash_once(hash, context.data, context.length, context_hash) &&
              leat_hkdf_expand_label(hash, secret, "exporter", hashed, out, length);
    leat_wipe(secret, sizeof secret);
    return ok;
}

void leat_transcript_init(leat_transcript *transcript, const leat_allocator *allocator) {
    leat_buffer_init(&transcript->kept, allocator, LEAT_TRANSCRIPT_KEPT_MAX);
    transcript->hash = NULL;
}

void leat_transcript_clear(leat_transcript *transcript) {
    leat_buffer_clear(&transcript->kept);
    leat_hash_free(transcript->hash);
    transcript->hash = NULL;
}

bool leat_transcript_add(leat_transcript *transcript, const void *bytes, size_t length) {
    if (transcript->hash == NULL) {
        return leat_buffer_append(&transcript->kept, bytes, length) == LEAT_OK;
    }
    return leat_hash_update(transcript->hash, bytes, length);
}

bool leat_transcript_choose(leat_transcript *transcript, leat_hash_id id) {
    if (transcript->hash != NULL) {
        return transcript->id == id;
    }
    transcript->id = id;
    transcript->hash = leat_hash_new(id);
    bool ok = transcript->hash != NULL &&
              leat_hash_update(transcript->hash, transcript->kept.data, transcript->kept.length);
    leat_buffer_clear(&transcript->kept);
    return ok;
}

bool leat_transcript_hash(const leat_transcript *transcript, uint8_t *digest) {
    return transcript->hash != NULL && leat_hash_peek(transcript->hash, digest);
}

bool leat_transcript_retry(leat_transcript *transcript) {
    uint8_t message_hash[4 + LEAT_HASH_MAX] = {254, 0, 0, (uint8_t)leat_hash_size(transcript->id)};
    if (!leat_transcript_hash(transcript, message_hash + 4)) {
        return false;
    }
    leat_hash_free(transcript->hash);
    transcript->hash = leat_hash_new(transcript->id);
    return transcript->hash != NULL &&
           leat_hash_update(transcript->hash, message_hash, 4 + leat_hash_size(transcript->id));
}
