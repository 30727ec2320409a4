/*
 * Installing packet protection keys, opening and sealing: RFC 9001 §5. The keys of an Initial are
 * no secret to whoever sees the packet, so that opening one proves nothing about the peer. Key
 * update is in key_update.c, the Retry tag in retry.c.
 */
#include "quic/packet/protect.h"

#include "crypto/secret.h"
#include "quic/packet/key_update.h"
#include "quic/packet/number.h"

#include <assert.h>

#define SAMPLE_LENGTH 16
#define SAMPLE_OFFSET 4 /* RFC 9001 §5.4.2: as if the packet number had four bytes */
#define LONG_HEADER   0x80

/* RFC 9001 §5.2: not negotiated but fixed by the version. */
static const leat_cipher_suite initial_suite = {
    .id = 0x1301,
    .name = "TLS_AES_128_GCM_SHA256",
    .hash = LEAT_HASH_SHA256,
    .aead = LEAT_AES_128_GCM,
};

void leat_packet_key_clear(leat_packet_key *key) {
    leat_aead_free(key->aead);
    leat_wipe(key, sizeof *key);
}

bool leat_packet_key_make(leat_packet_key *key, const leat_version_row *version,
                          const leat_cipher_suite *suite, const uint8_t *secret) {
    const leat_span empty = {NULL, 0};
    uint8_t bytes[LEAT_AEAD_KEY_MAX];
    size_t key_size = leat_aead_key_size(suite->aead);
    *key = (leat_packet_key){.aead = NULL};
    if (leat_hkdf_expand_label(suite->hash, secret, version->key_label, empty, bytes, key_size) &&
        leat_hkdf_expand_label(suite->hash, secret, version->iv_label, empty, key->iv,
                               sizeof key->iv)) {
        key->aead = leat_aead_new(suite->aead, bytes);
    }
    leat_wipe(bytes, sizeof bytes);
    return key->aead != NULL;
}

static leat_header_mask *make_header_mask(const leat_version_row *version,
                                          const leat_cipher_suite *suite,
                                          const uint8_t *secret) {
    const leat_span empty = {NULL, 0};
    uint8_t bytes[LEAT_AEAD_KEY_MAX];
    size_t key_size = leat_aead_key_size(suite->aead);
    leat_header_mask *mask = NULL;
    if (leat_hkdf_expand_label(suite->hash, secret, version->hp_label, empty, bytes, key_size)) {
        mask = leat_header_mask_new(suite->aead, bytes);
    }
    leat_wipe(bytes, sizeof bytes);
    return mask;
}

bool leat_keys_install(leat_keys *keys, uint32_t version, bool write,
                       const leat_cipher_suite *suite, const uint8_t *secret) {
    const leat_version_row *row = leat_version_find(version);
    leat_packet_key key;
    if (row == NULL || !leat_packet_key_make(&key, row, suite, secret)) {
        return false;
    }
    leat_header_mask *mask = make_header_mask(row, suite, secret);
    if (mask == NULL) {
        leat_packet_key_clear(&key);
        return false;
    }
    leat_packet_key *place = write ? &keys->write : &keys->read;
    leat_header_mask **mask_place = write ? &keys->write_mask : &keys->read_mask;
    leat_packet_key_clear(place);
    leat_header_mask_free(*mask_place);
    *place = key;
    *mask_place = mask;
    memcpy(write ? keys->write_secret : keys->read_secret, secret, leat_hash_size(suite->hash));
    *(write ? &keys->phase_first_sent : &keys->phase_first_received) = LEAT_PN_NONE;
    keys->suite = suite;
    keys->version = row;
    return true;
}

static bool install_from_initial(leat_keys *keys, uint32_t version, bool write, bool of_client,
                                 const uint8_t *initial_secret) {
    const leat_span empty = {NULL, 0};
    uint8_t secret[LEAT_HASH_MAX];
    const char *label = of_client ? "client in" : "server in";
    bool ok = leat_hkdf_expand_label(initial_suite.hash, initial_secret, label, empty, secret,
                                     leat_hash_size(initial_suite.hash)) &&
              leat_keys_install(keys, version, write, &initial_suite, secret);
    leat_wipe(secret, sizeof secret);
    return ok;
}

bool leat_keys_install_initial(leat_keys *keys, uint32_t version, leat_span dcid, bool is_client) {
    const leat_version_row *row = leat_version_find(version);
    uint8_t initial_secret[LEAT_HASH_MAX];
    if (row == NULL) {
        return false;
    }
    const leat_span salt = {row->initial_salt, sizeof row->initial_salt};
    bool ok = leat_hkdf_extract(initial_suite.hash, salt, dcid, initial_secret) &&
              install_from_initial(keys, version, true, is_client, initial_secret) &&
              install_from_initial(keys, version, false, !is_client, initial_secret);
    leat_wipe(initial_secret, sizeof initial_secret);
    return ok;
}

void leat_keys_discard(leat_keys *keys) {
    leat_packet_key_clear(&keys->read);
    leat_packet_key_clear(&keys->write);
    leat_packet_key_clear(&keys->read_previous);
    leat_packet_key_clear(&keys->read_next);
    leat_header_mask_free(keys->read_mask);
    leat_header_mask_free(keys->write_mask);
    leat_wipe(keys, sizeof *keys);
}

/* RFC 9001 §5.4.1: the bits of the first byte that are protected differ between the header forms.
 */
static uint8_t protected_bits(uint8_t first_byte) {
    return (first_byte & LONG_HEADER) != 0 ? 0x0f : 0x1f;
}

static uint8_t reserved_bits(uint8_t first_byte) {
    return (first_byte & LONG_HEADER) != 0 ? 0x0c : 0x18;
}

/* Removes header protection in place and reads the truncated packet number. */
static uint64_t unmask_header(uint8_t *packet, size_t pn_offset, const uint8_t mask[5],
                              size_t *pn_length) {
    packet[0] ^= (uint8_t)(mask[0] & protected_bits(packet[0]));
    *pn_length = (size_t)(packet[0] & 3) + 1;
    uint64_t truncated = 0;
    for (size_t i = 0; i < *pn_length; i++) {
        packet[pn_offset + i] ^= mask[1 + i];
        truncated = truncated << 8 | packet[pn_offset + i];
    }
    return truncated;
}

leat_open_status leat_packet_open(leat_keys *keys, const leat_packet_header *header,
                                  uint8_t *packet, uint64_t largest_received, leat_opened *opened) {
    uint8_t mask[5];
    size_t pn_offset = header->pn_offset, pn_length;
    *opened = (leat_opened){.pn = LEAT_PN_NONE};
    if (!leat_keys_can_read(keys)) {
        return LEAT_OPEN_NO_KEYS;
    }
    /* RFC 9001 §5.4.2-1: without a whole sample there is nothing to unprotect. */
    if (header->length - pn_offset < SAMPLE_OFFSET + SAMPLE_LENGTH) {
        return LEAT_OPEN_TOO_SHORT;
    }
    if (!leat_header_mask_make(keys->read_mask, packet + pn_offset + SAMPLE_OFFSET, mask)) {
        return LEAT_OPEN_NO_KEYS;
    }
    uint64_t truncated = unmask_header(packet, pn_offset, mask, &pn_length);
    uint64_t pn = leat_pn_recover(truncated, pn_length, largest_received);
    bool is_short = (packet[0] & LONG_HEADER) == 0;
    bool phase = is_short && (packet[0] & 0x04) != 0;

    size_t payload_offset = pn_offset + pn_length;
    uint8_t *payload = packet + payload_offset;
    leat_span aad = {packet, payload_offset};
    leat_packet_key *key = is_short ? leat_keys_choose_read(keys, phase, pn) : &keys->read;
    if (!leat_aead_open(key->aead, key->iv, pn, aad, payload, header->length - payload_offset)) {
        return leat_keys_count_failed_open(keys);
    }
    opened->pn = pn;
    opened->spin = is_short && (packet[0] & 0x20) != 0;
    opened->key_phase = phase;
    opened->payload = payload;
    opened->payload_length = header->length - payload_offset - LEAT_AEAD_TAG;
    /* RFC 9000 §17.2-9, §17.3.1-3: only an authentic packet may end the connection for this. */
    if ((packet[0] & reserved_bits(packet[0])) != 0) {
        return LEAT_OPEN_RESERVED_BITS;
    }
    return leat_keys_on_opened(keys, key, pn, &opened->key_updated);
}

bool leat_packet_seal(leat_keys *keys, uint8_t *packet, size_t pn_offset, size_t pn_length,
                      size_t payload_length, uint64_t pn) {
    uint8_t mask[5];
    assert(pn_length + payload_length >= SAMPLE_OFFSET);
    /* RFC 9001 §6.6-2: better no packet than one more under a worn out key. */
    if (!leat_keys_can_write(keys) || keys->sealed >= leat_keys_confidentiality_limit(keys)) {
        return false;
    }
    uint8_t *payload = packet + pn_offset + pn_length;
    leat_span aad = {packet, pn_offset + pn_length};
    if (!leat_aead_seal(keys->write.aead, keys->write.iv, pn, aad, payload, payload_length) ||
        !leat_header_mask_make(keys->write_mask, packet + pn_offset + SAMPLE_OFFSET, mask)) {
        return false;
    }
    packet[0] ^= (uint8_t)(mask[0] & protected_bits(packet[0]));
    for (size_t i = 0; i < pn_length; i++) {
        packet[pn_offset + i] ^= mask[1 + i];
    }
    keys->sealed++;
    if (keys->phase_first_sent == LEAT_PN_NONE) {
        keys->phase_first_sent = pn;
    }
    return true;
}
