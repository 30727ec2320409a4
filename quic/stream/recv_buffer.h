/*
 * Reassembly, RFC 9000 §2.2 and §4.5: one per receiving part of a stream, and one per CRYPTO
 * stream. A byte ring that grows by doubling as bytes arrive (never from a declared length); what
 * becomes of it when it is drained: see byte_ring.h. The first copy of a byte wins: later ones are ignored, so that
 * nothing that was delivered or hashed changes.
 *
 *  1. leat_recv_buffer_insert for each frame, in any order. Flow control is checked by the
 *     caller before.
 *  2. leat_recv_buffer_readable gives the next bytes in place, at most up to the end of the
 *     ring: ask again after
 *  3. leat_recv_buffer_consume. Spans are valid until the next insert or consume.
 *  4. leat_recv_buffer_is_at_end: all bytes up to the final size were consumed.
 */
#ifndef LEAT_QUIC_STREAM_RECV_BUFFER_H
#define LEAT_QUIC_STREAM_RECV_BUFFER_H

#include "base/range_set.h"
#include "quic/stream/byte_ring.h"

/* Ranges held ahead of a gap: stops the peer that sends every other byte (RFC 9000 §21.7). */
#define LEAT_RECV_RANGES_MAX 2048
#define LEAT_FINAL_SIZE_UNKNOWN UINT64_MAX

typedef struct leat_recv_buffer {
    leat_byte_ring ring;
    uint64_t limit;          /* bytes held ahead of `consumed` at most */
    uint64_t consumed;       /* taken by the application */
    uint64_t contiguous_end; /* [consumed, contiguous_end) is readable */
    uint64_t highest;        /* end of the highest byte seen */
    uint64_t final_size;     /* or LEAT_FINAL_SIZE_UNKNOWN */
    leat_range_set ahead;    /* received ranges above contiguous_end */
    bool is_discarded;       /* bytes are no longer kept */
} leat_recv_buffer;

typedef enum leat_insert_status {
    LEAT_INSERT_OK,
    LEAT_INSERT_FINAL_SIZE, /* contradicts the final size: FINAL_SIZE_ERROR */
    LEAT_INSERT_TOO_FAR,    /* more than `limit` bytes ahead: CRYPTO_BUFFER_EXCEEDED for CRYPTO */
    LEAT_INSERT_TOO_SPARSE, /* LEAT_RECV_RANGES_MAX reached; nothing changed */
    LEAT_INSERT_NOMEM,      /* nothing changed */
} leat_insert_status;

void leat_recv_buffer_init(
    leat_recv_buffer *buffer, const leat_allocator *allocator, uint64_t limit);
void leat_recv_buffer_clear(leat_recv_buffer *buffer); /* frees; init again before use */
/* Gives back what lies empty. */
void leat_recv_buffer_trim(leat_recv_buffer *buffer);

/*
 * Whether a frame [offset, offset + length) agrees with the final size; changes nothing. offset +
 * length < 2^62.
 */
leat_insert_status leat_recv_buffer_check(
    const leat_recv_buffer *buffer, uint64_t offset, uint64_t length, bool fin);
/* How far the frame raises `highest`: what flow control counts. */
uint64_t leat_recv_buffer_growth(const leat_recv_buffer *buffer, uint64_t offset, uint64_t length);
leat_insert_status leat_recv_buffer_insert(
    leat_recv_buffer *buffer, uint64_t offset, const uint8_t *data, size_t length, bool fin);
/*
 * RESET_STREAM: checks and records the final size. What is in order stays readable until it is
 * discarded. OK or FINAL_SIZE.
 */
leat_insert_status leat_recv_buffer_reset(leat_recv_buffer *buffer, uint64_t final_size);
/*
 * Drops all bytes, held and to come (after STOP_SENDING); offsets stay checked. As soon as the
 * final size is known the buffer is complete and at its end. Flow control is settled by the caller.
 */
void leat_recv_buffer_discard(leat_recv_buffer *buffer);

leat_span leat_recv_buffer_readable(
    const leat_recv_buffer *buffer); /* empty when nothing can be read */
void leat_recv_buffer_consume(
    leat_recv_buffer *buffer, size_t length); /* at most what is readable */

static inline uint64_t leat_recv_buffer_readable_total(const leat_recv_buffer *buffer) {
    return buffer->contiguous_end - buffer->consumed;
}
static inline bool leat_recv_buffer_is_size_known(const leat_recv_buffer *buffer) {
    return buffer->final_size != LEAT_FINAL_SIZE_UNKNOWN;
}
/* All bytes up to the final size have arrived. */
static inline bool leat_recv_buffer_is_complete(const leat_recv_buffer *buffer) {
    return buffer->contiguous_end == buffer->final_size;
}
static inline bool leat_recv_buffer_is_at_end(const leat_recv_buffer *buffer) {
    return buffer->consumed == buffer->final_size;
}

#endif
