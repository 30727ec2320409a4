/* A ring of equal-sized elements. Growing moves the elements to the start of a block of twice the
 * size. */
#include "base/ring.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

#define FIRST_CAPACITY 4

void leat_ring_init(leat_ring *ring, const leat_allocator *allocator, size_t element_size,
                    size_t limit) {
    *ring = (leat_ring){.allocator = allocator, .element_size = element_size, .limit = limit};
}

void leat_ring_clear(leat_ring *ring) {
    leat_free(ring->allocator, ring->elements);
    leat_ring_init(ring, ring->allocator, ring->element_size, ring->limit);
}

static bool grow(leat_ring *ring) {
    if (ring->capacity > SIZE_MAX / 2) {
        return false;
    }
    size_t capacity = ring->capacity == 0 ? FIRST_CAPACITY : ring->capacity * 2;
    uint8_t *elements = leat_alloc_array(ring->allocator, capacity, ring->element_size);
    if (elements == NULL) {
        return false;
    }
    if (ring->count > 0) {
        size_t until_wrap = ring->capacity - ring->head;
        size_t first = ring->count < until_wrap ? ring->count : until_wrap;
        memcpy(elements, ring->elements + ring->head * ring->element_size,
               first * ring->element_size);
        memcpy(elements + first * ring->element_size, ring->elements,
               (ring->count - first) * ring->element_size);
    }
    leat_free(ring->allocator, ring->elements);
    ring->elements = elements;
    ring->capacity = capacity;
    ring->head = 0;
    return true;
}

void *leat_ring_push(leat_ring *ring) {
    if (ring->count >= ring->limit || (ring->count == ring->capacity && !grow(ring))) {
        return NULL;
    }
    void *element = leat_ring_at(ring, ring->count++);
    memset(element, 0, ring->element_size);
    return element;
}

void leat_ring_pop(leat_ring *ring) {
    assert(ring->count > 0);
    ring->head = (ring->head + 1) & (ring->capacity - 1);
    ring->count--;
}
