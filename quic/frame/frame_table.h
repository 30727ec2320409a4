/*
 * THE frame table: RFC 9000 §12.4 table 3 and §19, RFC 9221. One row per frame; parser, writer, printer and the
 * receive path all read it. STREAM, ACK and DATAGRAM have hand-written codecs because they are hot or have a loop.
 */
#ifndef LEAT_QUIC_FRAME_FRAME_TABLE_H
#define LEAT_QUIC_FRAME_FRAME_TABLE_H

#include "quic/packet/header.h"

typedef enum leat_frame_kind {
    LEAT_FRAME_PADDING,
    LEAT_FRAME_PING,
    LEAT_FRAME_ACK,
    LEAT_FRAME_RESET_STREAM,
    LEAT_FRAME_STOP_SENDING,
    LEAT_FRAME_CRYPTO,
    LEAT_FRAME_NEW_TOKEN,
    LEAT_FRAME_STREAM,
    LEAT_FRAME_MAX_DATA,
    LEAT_FRAME_MAX_STREAM_DATA,
    LEAT_FRAME_MAX_STREAMS_BIDI,
    LEAT_FRAME_MAX_STREAMS_UNI,
    LEAT_FRAME_DATA_BLOCKED,
    LEAT_FRAME_STREAM_DATA_BLOCKED,
    LEAT_FRAME_STREAMS_BLOCKED_BIDI,
    LEAT_FRAME_STREAMS_BLOCKED_UNI,
    LEAT_FRAME_NEW_CONNECTION_ID,
    LEAT_FRAME_RETIRE_CONNECTION_ID,
    LEAT_FRAME_PATH_CHALLENGE,
    LEAT_FRAME_PATH_RESPONSE,
    LEAT_FRAME_CONNECTION_CLOSE,             /* 0x1c, transport */
    LEAT_FRAME_CONNECTION_CLOSE_APPLICATION, /* 0x1d */
    LEAT_FRAME_HANDSHAKE_DONE,
    LEAT_FRAME_IMMEDIATE_ACK,
    LEAT_FRAME_RESET_STREAM_AT,
    LEAT_FRAME_DATAGRAM,
    LEAT_FRAME_ACK_FREQUENCY,
    LEAT_FRAME_KIND_COUNT
} leat_frame_kind;

/* Field kinds of the descriptor. */
typedef enum leat_field_kind {
    LEAT_FIELD_END,
    LEAT_FIELD_VARINT,
    LEAT_FIELD_STREAM_COUNT, /* a varint of at most 2^60 (§19.11, §19.14) */
    LEAT_FIELD_BYTES,        /* varint length, bytes */
    LEAT_FIELD_TOKEN,        /* the same, not empty (§19.7) */
    LEAT_FIELD_CID,          /* one length byte of 1 to 20, bytes (§19.15) */
    LEAT_FIELD_8_BYTES,
    LEAT_FIELD_16_BYTES,
} leat_field_kind;

typedef struct leat_frame_field {
    leat_field_kind kind;
    const char *name; /* qlog's name */
    uint16_t offset;  /* in leat_frame */
} leat_frame_field;

#define LEAT_FRAME_FIELDS_MAX 4
#define LEAT_IN_INITIAL (1u << LEAT_PACKET_INITIAL)
#define LEAT_IN_ZERO_RTT (1u << LEAT_PACKET_ZERO_RTT)
#define LEAT_IN_HANDSHAKE (1u << LEAT_PACKET_HANDSHAKE)
#define LEAT_IN_ONE_RTT (1u << LEAT_PACKET_ONE_RTT)

typedef struct leat_frame_row {
    const char *name;          /* qlog's name: "reset_stream" */
    uint64_t first, last;      /* frame types */
    unsigned allowed;          /* LEAT_IN_*: bit mask of packet types (§12.4 table 3) */
    bool ack_eliciting;        /* §13.2: all but ACK, PADDING, CONNECTION_CLOSE */
    bool probing;              /* §9.1 */
    bool in_flight;            /* RFC 9002 §2: counts for congestion control */
    const char *section;       /* "RFC 9000 §19.4" */
    leat_frame_field fields[LEAT_FRAME_FIELDS_MAX + 1];
} leat_frame_row;

extern const leat_frame_row leat_frame_table[LEAT_FRAME_KIND_COUNT];
/* The kind of a frame type, or LEAT_FRAME_KIND_COUNT when unknown. */
leat_frame_kind leat_frame_kind_of(uint64_t type);

#endif
