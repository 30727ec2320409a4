/*
 * A binary heap of times, intrusive: each node knows its place, so that moving one timer is O(log n).
 * Used by the endpoint for the timers of its connections.
 */
#ifndef LEAT_BASE_HEAP_H
#define LEAT_BASE_HEAP_H

#include <leat/base.h>

typedef struct leat_heap_node {
    leat_time due;
    size_t place; /* 1-based; 0 = not in a heap */
} leat_heap_node;

typedef struct leat_heap {
    const leat_allocator *allocator;
    leat_heap_node **nodes;
    size_t count, capacity;
} leat_heap;

void leat_heap_init(leat_heap *heap, const leat_allocator *allocator);
void leat_heap_clear(leat_heap *heap);
/* Makes sure that `count` nodes fit, so that leat_heap_set cannot fail later. */
int leat_heap_reserve(leat_heap *heap, size_t count);
/* Inserts or moves; LEAT_TIME_NEVER removes. */
int leat_heap_set(leat_heap *heap, leat_heap_node *node, leat_time due);
void leat_heap_remove(leat_heap *heap, leat_heap_node *node);
static inline leat_heap_node *leat_heap_first(const leat_heap *heap) {
    return heap->count == 0 ? NULL : heap->nodes[0];
}

#endif
