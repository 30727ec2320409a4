/* Frames as values: parse and write by the table's rows. Nothing is copied or allocated; spans
 * point into the packet. */
#ifndef LEAT_QUIC_FRAME_FRAME_CODEC_H
#define LEAT_QUIC_FRAME_FRAME_CODEC_H

#include "base/range_set.h"
#include "quic/frame/frame_table.h"

typedef struct leat_frame {
    leat_frame_kind kind;
    uint64_t type; /* as on the wire */
    union {
        struct { size_t length; } padding; /* a run of PADDING is one frame */
        struct {
            uint64_t largest, delay, range_count, first_range;
            leat_span ranges; /* the encoded Gap, ACK Range Length pairs; checked; walk with leat_ack_walk */
            bool has_ecn;
            uint64_t ect0, ect1, ce;
        } ack;
        struct { uint64_t stream_id, error_code, final_size; } reset_stream;
        struct { uint64_t stream_id, error_code, final_size, reliable_size; } reset_stream_at;
        struct { uint64_t stream_id, error_code; } stop_sending;
        struct { uint64_t offset; leat_span data; } crypto;
        struct { leat_span token; } new_token;
        struct { uint64_t stream_id, offset; leat_span data; bool fin; } stream;
        struct { uint64_t maximum; } max_data;
        struct { uint64_t stream_id, maximum; } max_stream_data;
        struct { uint64_t maximum; } max_streams;      /* both kinds */
        struct { uint64_t limit; } data_blocked;
        struct { uint64_t stream_id, limit; } stream_data_blocked;
        struct { uint64_t limit; } streams_blocked;    /* both kinds */
        struct {
            uint64_t sequence, retire_prior_to;
            leat_span connection_id;
            const uint8_t *reset_token;
        } new_connection_id;
        struct { uint64_t sequence; } retire_connection_id;
        struct { const uint8_t *data; } path_challenge; /* 8 bytes */
        struct { const uint8_t *data; } path_response;  /* 8 bytes */
        /* both kinds; frame_type only in 0x1c */
        struct { uint64_t error_code, frame_type; leat_span reason; } connection_close;
        struct { leat_span data; } datagram;
        struct { uint64_t sequence, eliciting_threshold, max_ack_delay /* us */, reordering_threshold; } ack_frequency;
    };
} leat_frame;

/*
 * Parses the next frame. 0, or the transport error code of a malformed one: FRAME_ENCODING_ERROR, or PROTOCOL_VIOLATION
 * for a frame type that is not in its shortest encoding (RFC 9000 §12.4). Checks here all that needs no connection:
 * stream counts, CID lengths, retire_prior_to <= sequence, offset + length <= 2^62-1, ACK ranges that stay above zero.
 */
uint64_t leat_frame_parse(leat_reader *reader, leat_frame *frame);
/*
 * Writes one frame by its kind: STREAM and DATAGRAM with a length, ACK as it was parsed. When it
 * does not fit nothing of it is written and the writer has failed, for good: whoever wants to go on
 * measures first.
 */
void leat_frame_write(leat_writer *writer, const leat_frame *frame);

/* Whether `kind` may stand in this packet type. */
static inline bool leat_frame_is_allowed(leat_frame_kind kind, leat_packet_type type) {
    return (leat_frame_table[kind].allowed >> type & 1) != 0;
}

/* Walks the ranges of an ACK from the largest down: {start, end} half-open. */
typedef struct leat_ack_walk {
    leat_reader reader;
    uint64_t smallest;
    uint64_t left;
    bool started;
} leat_ack_walk;
leat_ack_walk leat_ack_walk_begin(const leat_frame *ack);
bool leat_ack_walk_next(leat_ack_walk *walk, const leat_frame *ack, leat_range *range);
/*
 * Writes an ACK (or ACK_ECN when ecn != NULL: ect0, ect1, ce) of as many of the ranges as fit, the largest first.
 * ranges ascending as in leat_range_set. Returns false and writes nothing when not even the first range fits.
 */
bool leat_ack_write(leat_writer *writer, const leat_range *ranges, size_t count,
                    uint64_t encoded_delay, const uint64_t ecn[3]);

/*
 * STREAM with the payload length chosen to fit: writes type, id, offset (if not 0) and, when the
 * frame does not fill the writer's room, a length; the data follows by the caller through the
 * returned pointer. *length: in: bytes wanted, out: bytes that fit (fin is only set when all fit).
 * NULL when no byte of what is wanted fits (or, with *length 0, no head). When the room is one
 * length field too small, PADDING comes first, so that all of the data fits. The bytes count as
 * written: fill in all of them.
 */
uint8_t *leat_stream_frame_begin(leat_writer *writer, uint64_t stream_id, uint64_t offset,
                                 size_t *length, bool fin, bool *fin_written);
/* CRYPTO, the same way. */
uint8_t *leat_crypto_frame_begin(leat_writer *writer, uint64_t offset, size_t *length);
/* DATAGRAM: all of it or nothing; with length field unless it fills the room exactly. `parts` are concatenated. */
bool leat_datagram_frame_write(leat_writer *writer, const leat_span *parts, size_t count);
/* The bytes a DATAGRAM frame with length field takes. */
size_t leat_datagram_frame_size(size_t data_length);

#endif
