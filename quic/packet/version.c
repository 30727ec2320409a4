/*
 * The rows of versions and the lists of versions that travel (RFC 9000 §15, §17.2.1; RFC 9368 §3).
 * Which version a connection ends up with is decided in quic/conn/version.c.
 */
#include "quic/packet/version.h"

/* RFC 9369 §4: versions 1 and 2 are compatible with each other. */
#define FAMILY_OF_VERSION_1 1

static const leat_version_row rows[] = {
    /* RFC 9000 §17.2; RFC 9001 §5.1, §5.2, §5.8, §6.1. */
    {.version = LEAT_VERSION_1,
     .family = FAMILY_OF_VERSION_1,
     .types = {LEAT_PACKET_INITIAL, LEAT_PACKET_ZERO_RTT, LEAT_PACKET_HANDSHAKE, LEAT_PACKET_RETRY},
     .initial_salt = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                      0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
     .key_label = "quic key",
     .iv_label = "quic iv",
     .hp_label = "quic hp",
     .ku_label = "quic ku",
     .retry_key = {0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a,
                   0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e},
     .retry_nonce = {0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb}},
    /* RFC 9369 §3. */
    {.version = LEAT_VERSION_2,
     .family = FAMILY_OF_VERSION_1,
     .types = {LEAT_PACKET_RETRY, LEAT_PACKET_INITIAL, LEAT_PACKET_ZERO_RTT, LEAT_PACKET_HANDSHAKE},
     .initial_salt = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                      0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
     .key_label = "quicv2 key",
     .iv_label = "quicv2 iv",
     .hp_label = "quicv2 hp",
     .ku_label = "quicv2 ku",
     .retry_key = {0x8f, 0xb4, 0xb0, 0x1b, 0x56, 0xac, 0x48, 0xe2,
                   0x60, 0xfb, 0xcb, 0xce, 0xad, 0x7c, 0xcc, 0x92},
     .retry_nonce = {0xd8, 0x69, 0x69, 0xbc, 0x2d, 0x7c, 0x6d, 0x99, 0x90, 0xef, 0xb0, 0x4a}},
};

const leat_version_row *leat_version_find(uint32_t version) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].version == version) {
            return &rows[i];
        }
    }
    return NULL;
}

uint8_t leat_version_type_bits(const leat_version_row *row, leat_packet_type type) {
    uint8_t bits = 0;
    while (bits < LEAT_LONG_TYPES - 1 && row->types[bits] != type) {
        bits++;
    }
    return (uint8_t)(bits << 4);
}

bool leat_version_is_compatible(uint32_t a, uint32_t b) {
    const leat_version_row *row_a = leat_version_find(a), *row_b = leat_version_find(b);
    return row_a != NULL && row_b != NULL && row_a->family == row_b->family;
}

size_t leat_versions_list(const uint32_t *configured, size_t count,
                          uint32_t list[LEAT_VERSIONS_MAX]) {
    count = configured != NULL ? count : sizeof rows / sizeof rows[0];
    for (size_t i = 0; i < count && i < LEAT_VERSIONS_MAX; i++) {
        list[i] = configured != NULL ? configured[i] : rows[i].version;
        if (leat_version_find(list[i]) == NULL) {
            return 0;
        }
    }
    return count <= LEAT_VERSIONS_MAX ? count : 0;
}

bool leat_version_is_reserved(uint32_t version) {
    return (version & UINT32_C(0x0f0f0f0f)) == UINT32_C(0x0a0a0a0a);
}

uint32_t leat_version_reserved(uint8_t random) {
    return (random & UINT32_C(0xf0)) * UINT32_C(0x01010101) | UINT32_C(0x0a0a0a0a);
}

bool leat_version_information_parse(leat_version_information *information, leat_span value) {
    leat_reader reader = leat_reader_of(value);
    information->chosen = leat_read_u32(&reader);
    information->available = leat_read_rest(&reader);
    return !reader.failed && information->available.length % 4 == 0 && information->chosen != 0 &&
           !leat_versions_contain(information->available, 0);
}

bool leat_versions_contain(leat_span versions, uint32_t version) {
    leat_reader reader = leat_reader_of(versions);
    while (leat_reader_left(&reader) >= 4) {
        if (leat_read_u32(&reader) == version) {
            return true;
        }
    }
    return false;
}
