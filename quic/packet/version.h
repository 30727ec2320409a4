/*
 * What differs between the versions of QUIC that are spoken here: one row for each (RFC 9000 and
 * RFC 9001 for version 1, RFC 9369 for version 2). Whoever handles packets asks a row; nobody
 * compares version numbers.
 */
#ifndef LEAT_QUIC_PACKET_VERSION_H
#define LEAT_QUIC_PACKET_VERSION_H

#include "crypto/aead.h"
#include "quic/packet/header.h"

#define LEAT_VERSION_SALT 20
#define LEAT_RETRY_KEY    16
/* The Type field of a long header has two bits. */
#define LEAT_LONG_TYPES 4

typedef struct leat_version_row {
    uint32_t version;
    /* RFC 9368 §2.2: a first flight of one version can be read as one of any other version of the
     * same family. */
    unsigned family;
    leat_packet_type types[LEAT_LONG_TYPES]; /* by the bits of the Type field */
    uint8_t initial_salt[LEAT_VERSION_SALT];
    const char *key_label, *iv_label, *hp_label, *ku_label;
    uint8_t retry_key[LEAT_RETRY_KEY], retry_nonce[LEAT_AEAD_NONCE]; /* published, not secret */
} leat_version_row;

/* NULL: not spoken here. */
const leat_version_row *leat_version_find(uint32_t version);
/* Where the Type field stands in the first byte: the bits of Initial, 0-RTT, Handshake or Retry. */
uint8_t leat_version_type_bits(const leat_version_row *row, leat_packet_type type);
/* RFC 9369 §4: both known, and a server may answer a first flight of one with the other. */
bool leat_version_is_compatible(uint32_t a, uint32_t b);

/* Versions that a configuration can list. */
#define LEAT_VERSIONS_MAX 4
/* What an owner listed, in order of preference; NULL: all rows. Returns how many; 0: one of them is not spoken here,
 * or there are too many. */
size_t leat_versions_list(const uint32_t *configured, size_t count, uint32_t list[LEAT_VERSIONS_MAX]);

/* RFC 9000 §15: the pattern 0x?a?a?a?a, which no version ever has. */
bool leat_version_is_reserved(uint32_t version);
/* One of them; random: any byte. */
uint32_t leat_version_reserved(uint8_t random);

/*
 * RFC 9368 §3, the value of version_information: the Chosen Version, then the Available Versions.
 * The spans point into the value.
 */
typedef struct leat_version_information {
    uint32_t chosen;
    leat_span available; /* 4 bytes each */
} leat_version_information;
/* RFC 9368 §4: false for a value that is too short, cut inside a version, or names version 0. */
bool leat_version_information_parse(leat_version_information *information, leat_span value);
/* Whether a list of 4 bytes each, as of Version Negotiation, names the version. */
bool leat_versions_contain(leat_span versions, uint32_t version);

#endif
