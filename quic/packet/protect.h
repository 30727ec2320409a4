/*
 * Packet protection: RFC 9001 §5, and key update, §6. A leat_keys holds both directions of one encryption level.
 * Everything happens in place. Loss of keys is explicit: leat_keys_discard wipes.
 *
 * Key update: keys of the current phase, the previous read key for reordered packets until it is discarded, and the
 * next read key derived in advance, so that a forged phase bit costs no key derivation and leaks no timing (§6.3).
 */
#ifndef LEAT_QUIC_PACKET_PROTECT_H
#define LEAT_QUIC_PACKET_PROTECT_H

#include "crypto/aead.h"
#include "crypto/header_mask.h"
#include "crypto/tls/tls.h"
#include "quic/packet/header.h"
#include "quic/packet/version.h"

typedef struct leat_packet_key {
    leat_aead *aead;
    uint8_t iv[LEAT_AEAD_NONCE];
} leat_packet_key;

typedef struct leat_keys {
    const leat_cipher_suite *suite;
    const leat_version_row *version; /* whose labels the keys are derived with */
    leat_packet_key read, write;
    leat_header_mask *read_mask, *write_mask;
    /* 1-RTT only, once both directions are there: */
    bool updatable;
    bool phase;                  /* the current key phase bit */
    leat_packet_key read_previous, read_next;
    uint8_t read_secret[LEAT_HASH_MAX], write_secret[LEAT_HASH_MAX];
    uint64_t phase_first_received; /* lowest pn opened in this phase, LEAT_PN_NONE */
    uint64_t phase_first_sent;     /* first pn sealed in this phase, LEAT_PN_NONE */
    bool phase_confirmed;          /* a packet of this phase was acknowledged: an update may follow (§6.1) */
    uint64_t sealed;               /* packets sealed with the current write key (§6.6) */
    uint64_t failed_opens;         /* over all keys of the level (§6.6) */
} leat_keys;

typedef enum leat_open_status {
    LEAT_OPEN_OK,
    LEAT_OPEN_NO_KEYS,
    LEAT_OPEN_TOO_SHORT,       /* no room for a sample */
    LEAT_OPEN_AUTHENTICATION,
    LEAT_OPEN_RESERVED_BITS,   /* authentic, but reserved bits set: PROTOCOL_VIOLATION (RFC 9000 §17.2, §17.3.1) */
    LEAT_OPEN_KEY_UPDATE,      /* authentic, but an impossible key phase: KEY_UPDATE_ERROR (RFC 9001 §6.2, §6.4) */
    LEAT_OPEN_INTEGRITY_LIMIT, /* AEAD_LIMIT_REACHED (RFC 9001 §6.6) */
} leat_open_status;

typedef struct leat_opened {
    uint64_t pn;
    bool spin, key_phase;
    bool key_updated; /* this packet moved us to a new key phase */
    uint8_t *payload; /* plaintext in place */
    size_t payload_length;
} leat_opened;

static inline bool leat_keys_can_read(const leat_keys *keys) { return keys->read.aead != NULL; }
static inline bool leat_keys_can_write(const leat_keys *keys) { return keys->write.aead != NULL; }

/* RFC 9001 §5.2: the Initial keys of both directions from the client's first destination CID. */
bool leat_keys_install_initial(leat_keys *keys, uint32_t version, leat_span dcid, bool is_client);
/* One direction from a traffic secret. */
bool leat_keys_install(leat_keys *keys, uint32_t version, bool write,
                       const leat_cipher_suite *suite, const uint8_t *secret);
/* After both 1-RTT directions are installed: prepares the next read key. */
bool leat_keys_make_updatable(leat_keys *keys);
void leat_keys_discard(leat_keys *keys); /* wipes and zeroes */

/* packet[header->length] is opened in place. largest_received: LEAT_PN_NONE for none. */
leat_open_status leat_packet_open(leat_keys *keys, const leat_packet_header *header, uint8_t *packet,
                                  uint64_t largest_received, leat_opened *opened);
/*
 * Seals in place: packet[0..pn_offset) is the header, the number has pn_length bytes (already written), payload_length
 * bytes follow, and 16 bytes of room after them. Returns false at the confidentiality limit or when libcrypto fails.
 */
bool leat_packet_seal(leat_keys *keys, uint8_t *packet, size_t pn_offset, size_t pn_length,
                      size_t payload_length, uint64_t pn);

/* RFC 9001 §6.1: our update. False: not yet allowed (phase not confirmed). */
bool leat_keys_update(leat_keys *keys);
bool leat_keys_can_update(const leat_keys *keys);
/* A packet we sent was acknowledged: confirms the phase when it was sealed in it. */
void leat_keys_on_acked(leat_keys *keys, uint64_t pn);
/* §6.5: drops the previous read key, 3 PTO after a packet of the new phase came. Before that it does
 * nothing (§6.1). */
bool leat_keys_can_discard_previous(const leat_keys *keys);
void leat_keys_discard_previous(leat_keys *keys);
/* §6.6: an update should be started now. */
bool leat_keys_needs_update(const leat_keys *keys);

/* RFC 9001 §5.8: the integrity tag of Retry packets. */
bool leat_retry_tag(uint32_t version, leat_span original_dcid, leat_span retry_without_tag,
                    uint8_t tag[LEAT_RETRY_TAG]);

#endif
