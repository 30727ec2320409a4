/*
 * A ring of equal-sized elements that grows by doubling up to a bound. Elements are addressed from the front
 * (0 is the oldest). Pointers are valid until the next push.
 */
#ifndef LEAT_BASE_RING_H
#define LEAT_BASE_RING_H

#include <leat/base.h>

typedef struct leat_ring {
    const leat_allocator *allocator;
    uint8_t *elements;
    size_t element_size;
    size_t capacity; /* a power of two, or 0 */
    size_t head;     /* index of the oldest */
    size_t count;
    size_t limit;    /* at most this many elements */
} leat_ring;

void leat_ring_init(leat_ring *ring, const leat_allocator *allocator, size_t element_size, size_t limit);
void leat_ring_clear(leat_ring *ring);
/* A zeroed new element at the back, or NULL when at the limit or out of memory. */
void *leat_ring_push(leat_ring *ring);
void leat_ring_pop(leat_ring *ring); /* drops the oldest; the ring must not be empty */

static inline void *leat_ring_at(const leat_ring *ring, size_t index) {
    return ring->elements + ((ring->head + index) & (ring->capacity - 1)) * ring->element_size;
}
static inline void *leat_ring_front(const leat_ring *ring) { return ring->count == 0 ? NULL : leat_ring_at(ring, 0); }
static inline void *leat_ring_back(const leat_ring *ring) {
    return ring->count == 0 ? NULL : leat_ring_at(ring, ring->count - 1);
}

#endif
