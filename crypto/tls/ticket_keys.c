/*
 * Stateless tickets (RFC 5077 idea, RFC 8446 §4.6.1): version, key name, epoch, salt, then the
 * session under AES-256-GCM. The key rotates with the epoch of the clock (crypto/key_epoch.h), and
 * is one of its own per ticket, made from secret, epoch and salt: no nonce can repeat under one
 * key, and the shared object is never written to while sealing, so that threads can share it.
 */
#include "base/alloc.h"
#include "crypto/key_epoch.h"
#include "crypto/secret.h"
#include "crypto/tls/session.h"
#include <stdatomic.h>

#define TICKET_VERSION 2
#define NAME_SIZE 8
#define SALT_SIZE 16
#define SECRET_SIZE LEAT_KEY_EPOCH_SECRET

struct leat_ticket_keys {
    atomic_uint references;
    uint8_t secret[SECRET_SIZE];
    uint8_t name[NAME_SIZE]; /* tells at a glance that a ticket is of another key */
};

leat_ticket_keys *leat_ticket_keys_new(const uint8_t secret[32]) {
    leat_ticket_keys *keys = leat_alloc(NULL, sizeof *keys);
    if (keys == NULL) {
        return NULL;
    }
    atomic_init(&keys->references, 1);
    leat_random system = {0};
    bool ok = true;
    if (secret != NULL) {
        memcpy(keys->secret, secret, SECRET_SIZE);
    } else {
        ok = leat_random_bytes(&system, keys->secret, SECRET_SIZE);
    }
    static const char label[] = "leat ticket name";
    leat_span info = {(const uint8_t *)label, sizeof label - 1};
    if (!ok || !leat_hkdf_expand(LEAT_HASH_SHA256, keys->secret, SECRET_SIZE, info, keys->name,
                                 NAME_SIZE)) {
        leat_ticket_keys_free(keys);
        return NULL;
    }
    return keys;
}

leat_ticket_keys *leat_ticket_keys_ref(leat_ticket_keys *keys) {
    if (keys != NULL) {
        atomic_fetch_add(&keys->references, 1);
    }
    return keys;
}

void leat_ticket_keys_free(leat_ticket_keys *keys) {
    if (keys != NULL && atomic_fetch_sub(&keys->references, 1) == 1) {
        leat_wipe(keys, sizeof *keys);
        leat_free(NULL, keys);
    }
}

/* The AEAD key and nonce of one ticket. */
static leat_aead *ticket_aead(const leat_ticket_keys *keys, uint32_t epoch, const uint8_t *salt,
                              uint8_t iv[LEAT_AEAD_NONCE]) {
    uint8_t material[LEAT_AEAD_KEY_MAX + LEAT_AEAD_NONCE];
    leat_aead *aead = NULL;
    if (leat_key_epoch_derive(keys->secret, "leat ticket key", epoch, (leat_span){salt, SALT_SIZE},
                              material, sizeof material)) {
        aead = leat_aead_new(LEAT_AES_256_GCM, material);
        memcpy(iv, material + LEAT_AEAD_KEY_MAX, LEAT_AEAD_NONCE);
    }
    leat_wipe(material, sizeof material);
    return aead;
}

size_t leat_ticket_seal(const leat_ticket_keys *keys, const leat_random *random,
                        const leat_session *session, uint8_t *out, size_t room) {
    if (room < LEAT_TICKET_OVERHEAD) {
        return 0;
    }
    leat_writer writer = leat_writer_make(out, room - LEAT_AEAD_TAG);
    uint8_t salt[SALT_SIZE], iv[LEAT_AEAD_NONCE];
    uint32_t epoch = leat_key_epoch(session->created);
    if (!leat_random_bytes(random, salt, sizeof salt)) {
        return 0;
    }
    leat_write_u8(&writer, TICKET_VERSION);
    leat_write_bytes(&writer, keys->name, NAME_SIZE);
    leat_write_u32(&writer, epoch);
    leat_write_bytes(&writer, salt, sizeof salt);
    size_t header = leat_writer_length(&writer);
    leat_session_write(session, &writer);
    size_t length = leat_writer_length(&writer) - header;
    leat_aead *aead = writer.failed ? NULL : ticket_aead(keys, epoch, salt, iv);
    bool ok =
        aead != NULL && leat_aead_seal(aead, iv, 0, (leat_span){out, header}, out + header, length);
    leat_aead_free(aead);
    if (!ok) {
        leat_wipe(out, room);
        return 0;
    }
    return header + length + LEAT_AEAD_TAG;
}

bool leat_ticket_open(const leat_ticket_keys *keys, leat_span ticket, int64_t now, uint8_t *out,
                      leat_session *session) {
    leat_reader reader = leat_reader_of(ticket);
    uint8_t version = leat_read_u8(&reader);
    leat_span name = leat_read_bytes(&reader, NAME_SIZE);
    uint32_t epoch = leat_read_u32(&reader);
    leat_span salt = leat_read_bytes(&reader, SALT_SIZE);
    leat_span sealed = leat_read_rest(&reader);
    if (reader.failed || version != TICKET_VERSION ||
        memcmp(name.data, keys->name, NAME_SIZE) != 0 ||
        !leat_key_epoch_is_live(epoch, now, LEAT_TICKET_LIFETIME_MAX, 0) ||
        sealed.length < LEAT_AEAD_TAG) {
        return false;
    }
    uint8_t iv[LEAT_AEAD_NONCE];
    leat_span header = {ticket.data, ticket.length - sealed.length};
    leat_aead *aead = ticket_aead(keys, epoch, salt.data, iv);
    memcpy(out, sealed.data, sealed.length);
    bool ok = aead != NULL && leat_aead_open(aead, iv, 0, header, out, sealed.length) &&
              leat_session_parse((leat_span){out, sealed.length - LEAT_AEAD_TAG}, session);
    leat_aead_free(aead);
    return ok;
}
