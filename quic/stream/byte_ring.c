/* The byte store of a stream's buffers: see byte_ring.h. */
#include "quic/stream/byte_ring.h"

#include "base/alloc.h"

#include <string.h>

#define FIRST_CAPACITY 256

static void count(const leat_byte_ring *ring, size_t before, size_t after) {
    if (ring->budget != NULL) {
        ring->budget->held += after - before;
    }
}

void leat_byte_ring_free(leat_byte_ring *ring) {
    count(ring, ring->capacity, 0);
    leat_free(ring->allocator, ring->bytes);
    ring->bytes = NULL;
    ring->capacity = 0;
}

void leat_byte_ring_on_drained(leat_byte_ring *ring, size_t small) {
    bool is_affordable = ring->budget != NULL && ring->budget->held <= ring->budget->limit;
    if (ring->capacity > small && !is_affordable) {
        leat_byte_ring_free(ring);
    }
}

size_t leat_byte_ring_spans(
    const leat_byte_ring *ring, uint64_t offset, size_t length, leat_span parts[2]) {
    if (length == 0) {
        return 0;
    }
    size_t start = (size_t)(offset & (ring->capacity - 1));
    size_t until_wrap = ring->capacity - start;
    size_t first = length < until_wrap ? length : until_wrap;
    parts[0] = (leat_span){ring->bytes + start, first};
    parts[1] = (leat_span){ring->bytes, length - first};
    return length > first ? 2 : 1;
}

void leat_byte_ring_write(
    leat_byte_ring *ring, uint64_t offset, const uint8_t *data, size_t length) {
    if (length == 0) {
        return;
    }
    size_t start = (size_t)(offset & (ring->capacity - 1));
    size_t until_wrap = ring->capacity - start;
    size_t first = length < until_wrap ? length : until_wrap;
    memcpy(ring->bytes + start, data, first);
    memcpy(ring->bytes, data + first, length - first);
}

int leat_byte_ring_reserve(leat_byte_ring *ring, uint64_t start, uint64_t held_end, uint64_t end) {
    size_t capacity = ring->capacity == 0 ? FIRST_CAPACITY : ring->capacity;
    while (capacity < end - start) {
        if (capacity > SIZE_MAX / 2) {
            return LEAT_ERR_NOMEM;
        }
        capacity *= 2;
    }
    if (capacity == ring->capacity) {
        return LEAT_OK;
    }
    /* Not zeroed: no byte is read before it is written. */
    leat_byte_ring bigger = *ring;
    bigger.bytes = leat_realloc(ring->allocator, NULL, capacity);
    bigger.capacity = capacity;
    if (bigger.bytes == NULL) {
        return LEAT_ERR_NOMEM;
    }
    count(&bigger, 0, capacity);
    leat_span parts[2];
    size_t part_count = leat_byte_ring_spans(ring, start, (size_t)(held_end - start), parts);
    for (size_t i = 0; i < part_count; i++) {
        leat_byte_ring_write(&bigger, start, parts[i].data, parts[i].length);
        start += parts[i].length;
    }
    leat_byte_ring_free(ring);
    *ring = bigger;
    return LEAT_OK;
}
