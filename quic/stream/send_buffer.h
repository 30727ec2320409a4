/*
 * Bytes that the application handed over, kept until the peer has acknowledged them: one per
 * sending part of a stream, and one per CRYPTO stream. A byte ring that grows by doubling up to a
 * limit; what becomes of it when all is acknowledged: see byte_ring.h.
 *
 *  1. leat_send_buffer_append takes what fits; leat_send_buffer_finish marks the end.
 *  2. leat_send_buffer_next names the next range to send: lost ranges first, then new bytes
 *     within the credit.
 *  3. leat_send_buffer_copy fetches the bytes into the packet; leat_send_buffer_on_sent with
 *     what was really sent.
 *  4. on_acked or on_lost for each range sent, in any order, also twice. None of them can fail:
 *     without memory for the bookkeeping more is resent than needed.
 *  5. leat_send_buffer_is_all_acked ends it; leat_send_buffer_discard frees everything
 *     (RESET_STREAM).
 */
#ifndef LEAT_QUIC_STREAM_SEND_BUFFER_H
#define LEAT_QUIC_STREAM_SEND_BUFFER_H

#include "base/range_set.h"
#include "quic/stream/byte_ring.h"

/*
 * Ranges remembered as lost or as acknowledged out of order: a peer that acknowledges every other
 * packet stops here.
 */
#define LEAT_SEND_RANGES_MAX 1024
#define LEAT_NOT_CUT UINT64_MAX

typedef struct leat_send_buffer {
    leat_byte_ring ring;
    size_t limit;         /* bytes held at most */
    uint64_t base;        /* lowest offset not acknowledged: [base, end) is held */
    uint64_t end;         /* end of what the application handed over */
    uint64_t sent_end;    /* [base, sent_end) was sent at least once */
    leat_range_set acked; /* acknowledged ranges above base */
    leat_range_set lost;  /* ranges to send again */
    leat_range lost_hull; /* around all lost ranges for which `lost` had no room */
    uint64_t reliable_end; /* nothing from here on is sent again; LEAT_NOT_CUT: not cut */
    bool fin_queued, fin_sent, fin_lost, fin_acked;
    bool is_discarded; /* nothing more is taken or sent */
} leat_send_buffer;

typedef struct leat_send_range {
    uint64_t offset;
    size_t length;
    bool fin;
    bool is_new; /* sent for the first time: counts against flow control */
} leat_send_range;

void leat_send_buffer_init(leat_send_buffer *buffer, const leat_allocator *allocator, size_t limit);
void leat_send_buffer_clear(leat_send_buffer *buffer); /* frees; init again before use */
/* Gives back what lies empty. */
void leat_send_buffer_trim(leat_send_buffer *buffer);

size_t leat_send_buffer_room(const leat_send_buffer *buffer);
/* A quarter of the limit is free: an application that waits is not woken for every packet. */
static inline bool leat_send_buffer_is_worth_filling(const leat_send_buffer *buffer) {
    size_t room = leat_send_buffer_room(buffer);
    return room > 0 && room >= buffer->limit / 4;
}
/*
 * *taken: 0 up to length, less when the limit is near. LEAT_ERR_NOMEM (nothing taken),
 * LEAT_ERR_STATE after finish or discard.
 */
int leat_send_buffer_append(
    leat_send_buffer *buffer, const uint8_t *data, size_t length, size_t *taken);
int leat_send_buffer_finish(leat_send_buffer *buffer);

/*
 * Something to send with new bytes allowed below `credit_end` (an offset); lost bytes need no
 * credit.
 */
bool leat_send_buffer_has_to_send(const leat_send_buffer *buffer, uint64_t credit_end);
/* New bytes wait for credit and nothing else keeps them. */
bool leat_send_buffer_is_blocked(const leat_send_buffer *buffer, uint64_t credit_end);
/*
 * False when there is nothing to send. A range is wholly new or wholly resent; length 0 only with
 * fin.
 */
bool leat_send_buffer_next(
    const leat_send_buffer *buffer, size_t max_length, uint64_t credit_end, leat_send_range *range);
/*
 * The bytes [offset, offset + length), which must lie within [base, end): as copy or as one or two
 * spans in place.
 */
void leat_send_buffer_copy(
    const leat_send_buffer *buffer, uint64_t offset, size_t length, uint8_t *out);
size_t leat_send_buffer_spans(
    const leat_send_buffer *buffer, uint64_t offset, size_t length, leat_span parts[2]);

void leat_send_buffer_on_sent(leat_send_buffer *buffer, uint64_t offset, size_t length, bool fin);
void leat_send_buffer_on_acked(leat_send_buffer *buffer, uint64_t offset, size_t length, bool fin);
void leat_send_buffer_on_lost(leat_send_buffer *buffer, uint64_t offset, size_t length, bool fin);

/* All bytes and the end are acknowledged. */
bool leat_send_buffer_is_all_acked(const leat_send_buffer *buffer);
/* All bytes and the end were sent at least once. */
bool leat_send_buffer_is_all_sent(const leat_send_buffer *buffer);
/*
 * RESET_STREAM_AT: only the bytes below reliable_end are still delivered; of the others what was not
 * sent goes, and nothing more is taken. Again only with less; reliable_end is at most `end`.
 */
void leat_send_buffer_cut(leat_send_buffer *buffer, uint64_t reliable_end);
static inline bool leat_send_buffer_is_cut(const leat_send_buffer *buffer) {
    return buffer->reliable_end != LEAT_NOT_CUT;
}
/* Nothing more can be appended: finished, cut or discarded. */
static inline bool leat_send_buffer_is_ended(const leat_send_buffer *buffer) {
    return buffer->fin_queued || leat_send_buffer_is_cut(buffer) || buffer->is_discarded;
}
/* Cut, and all of what counts has been sent once, or acknowledged. */
bool leat_send_buffer_is_reliable_sent(const leat_send_buffer *buffer);
bool leat_send_buffer_is_reliable_acked(const leat_send_buffer *buffer);
/* Drops bytes and ranges; offsets stay, so that the final size can still be told. */
void leat_send_buffer_discard(leat_send_buffer *buffer);

#endif
