/*
 * Bytes of a stream addressed by their offset: offset o lives at o & (capacity - 1), so nothing
 * moves when the front is dropped. Who uses it knows which offsets are held; the ring only stores.
 * Shared by send_buffer and recv_buffer.
 *
 * A ring that is drained keeps its block for the next bytes as long as all rings together stay
 * within their budget, so that steady traffic allocates nothing. Whoever set the budget gives the
 * blocks back in calm times.
 */
#ifndef LEAT_QUIC_STREAM_BYTE_RING_H
#define LEAT_QUIC_STREAM_BYTE_RING_H

#include <leat/base.h>

/* What many rings hold together, and how much of it may lie empty. */
typedef struct leat_ring_budget {
    size_t held, limit;
} leat_ring_budget;

typedef struct leat_byte_ring {
    const leat_allocator *allocator;
    uint8_t *bytes;
    size_t capacity; /* a power of two, or 0 */
    leat_ring_budget *budget; /* NULL: only small blocks are kept */
} leat_byte_ring;

/*
 * Room for [start, end), keeping what is held of [start, held_end). Grows by doubling.
 * LEAT_ERR_NOMEM.
 */
int leat_byte_ring_reserve(leat_byte_ring *ring, uint64_t start, uint64_t held_end, uint64_t end);
void leat_byte_ring_write(
    leat_byte_ring *ring, uint64_t offset, const uint8_t *data, size_t length);
/* The bytes [offset, offset + length) in place: 0, 1 or 2 parts. */
size_t leat_byte_ring_spans(
    const leat_byte_ring *ring, uint64_t offset, size_t length, leat_span parts[2]);
/* Nothing is held any more: gives the block back unless it is small or the budget allows it. */
void leat_byte_ring_on_drained(leat_byte_ring *ring, size_t small);
void leat_byte_ring_free(leat_byte_ring *ring);

#endif
