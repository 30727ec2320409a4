/*
 * Packet headers: RFC 9000 §17, and the part that holds for every version, RFC 8999. Parsing needs no keys: it stops
 * before the protected packet number. Nothing is copied: spans point into the datagram.
 */
#ifndef LEAT_QUIC_PACKET_HEADER_H
#define LEAT_QUIC_PACKET_HEADER_H

#include "base/bytes.h"

#define LEAT_VERSION_1 UINT32_C(0x00000001)
#define LEAT_VERSION_2 UINT32_C(0x6b3343cf) /* RFC 9369 §3.1 */
#define LEAT_RETRY_TAG 16 /* RFC 9001 §5.8: bytes at the end of a Retry */

typedef enum leat_packet_type {
    LEAT_PACKET_INITIAL,
    LEAT_PACKET_ZERO_RTT,
    LEAT_PACKET_HANDSHAKE,
    LEAT_PACKET_ONE_RTT,
    LEAT_PACKET_RETRY,
    LEAT_PACKET_VERSION_NEGOTIATION,
    LEAT_PACKET_UNKNOWN_VERSION, /* long header of a version we do not speak: only version, dcid and scid are set */
    LEAT_PACKET_TYPE_COUNT
} leat_packet_type;
const char *leat_packet_type_name(leat_packet_type type); /* qlog's names: "initial", "1RTT", ... */

/* RFC 9000 §12.3: packet number spaces. Initial and Handshake have their own; 0-RTT and 1-RTT share one. */
typedef enum leat_space {
    LEAT_SPACE_INITIAL, LEAT_SPACE_HANDSHAKE, LEAT_SPACE_APPLICATION, LEAT_SPACE_COUNT,
} leat_space;
leat_space leat_packet_space(leat_packet_type type);

/* Why a packet was dropped without effect: goes to traces and counters, never to the peer. */
typedef enum leat_drop {
    LEAT_DROP_NONE,
    LEAT_DROP_TOO_SHORT,
    LEAT_DROP_FIXED_BIT,          /* RFC 9000 §17.2: fixed bit is zero, and RFC 9287 was not agreed on */
    LEAT_DROP_CID_LENGTH,         /* a CID longer than 20 bytes */
    LEAT_DROP_LENGTH,             /* the Length field exceeds the datagram */
    LEAT_DROP_SMALL_INITIAL,      /* RFC 9000 §14.1: client Initial in a datagram below 1200 bytes */
    LEAT_DROP_UNKNOWN_VERSION,
    LEAT_DROP_UNEXPECTED_VERSION, /* not the version of this connection */
    LEAT_DROP_UNEXPECTED_TYPE,    /* this role never receives it, or not now */
    LEAT_DROP_UNKNOWN_CID,
    LEAT_DROP_COALESCED_CID,      /* RFC 9000 §12.2: another DCID than the first packet of the datagram */
    LEAT_DROP_NO_KEYS,
    LEAT_DROP_KEYS_DISCARDED,
    LEAT_DROP_AUTHENTICATION,
    LEAT_DROP_DUPLICATE,
    LEAT_DROP_RETRY_TAG,
    LEAT_DROP_TOKEN,
    LEAT_DROP_CLOSED,
    LEAT_DROP_PATH,               /* from an address this connection does not accept */
    LEAT_DROP_LIMIT,              /* a named bound is reached */
    LEAT_DROP_COUNT
} leat_drop;
const char *leat_drop_name(leat_drop drop);
const char *leat_drop_trigger(leat_drop drop); /* qlog's coarser reasons: "invalid", "key_unavailable", ... */

typedef struct leat_packet_header {
    leat_packet_type type;
    uint8_t first_byte; /* as received: its low bits are still protected */
    uint32_t version;   /* 0 in a short header and in Version Negotiation */
    leat_span dcid, scid;
    leat_span token;    /* Initial: the token; Retry: the retry token */
    leat_span versions; /* Version Negotiation: 4 bytes each */
    size_t pn_offset;   /* where the packet number begins, from the first byte of the packet */
    size_t length;      /* of the whole packet: where a coalesced next one begins */
} leat_packet_header;

/*
 * Parses the packet at the start of bytes (the rest of a datagram). short_cid_length: the length of the CIDs we issue.
 * LEAT_DROP_NONE on success. A failure ends the datagram, since the next packet cannot be found. The fixed bit is not
 * judged here: whoever has not agreed to RFC 9287 drops a packet without it.
 */
leat_drop leat_packet_header_parse(leat_packet_header *header, leat_span bytes, size_t short_cid_length);

/*
 * RFC 9000 §17.2, §17.3.1: the bit that tells QUIC from other protocols on the same port. Version Negotiation has
 * none, and of an unknown version nothing is known.
 */
#define LEAT_FIXED_BIT 0x40
static inline bool leat_packet_has_fixed_bit(const leat_packet_header *header) {
    return (header->first_byte & LEAT_FIXED_BIT) != 0 || header->type == LEAT_PACKET_VERSION_NEGOTIATION ||
           header->type == LEAT_PACKET_UNKNOWN_VERSION;
}

/* Only what RFC 8999 fixes, for routing: the destination CID (in place) of any packet. False: not a QUIC packet. */
bool leat_packet_dcid(leat_span bytes, size_t short_cid_length, leat_span *dcid);

static inline leat_span leat_cid_span(const leat_cid *cid) { return (leat_span){cid->bytes, cid->length}; }
/* False when longer than LEAT_CID_MAX. */
bool leat_cid_from_span(leat_cid *cid, leat_span span);
bool leat_cid_equal(const leat_cid *a, const leat_cid *b);
/* One byte with the length, then the bytes; fails the writer above 255 (other versions may have that many). */
void leat_cid_write(leat_writer *writer, leat_span cid);

/*
 * RFC 9000 §17.2.1. dcid and scid as written: those of the client's packet, exchanged. Greases one
 * version and the unused bits with `random`. versions in host order.
 */
void leat_version_negotiation_write(leat_writer *writer, leat_span dcid, leat_span scid, const uint32_t *versions,
                                    size_t count, uint8_t random);

#endif
