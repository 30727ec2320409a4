/*
 * A binary heap of times. A node stores its own place, 1-based, so that a timer can be moved or
 * removed in O(log n) without a search. Ties are in no particular order.
 */
#include "base/heap.h"

#include "base/alloc.h"

#include <assert.h>

#define FIRST_CAPACITY 16

void leat_heap_init(leat_heap *heap, const leat_allocator *allocator) {
    *heap = (leat_heap){.allocator = allocator};
}

void leat_heap_clear(leat_heap *heap) {
    for (size_t i = 0; i < heap->count; i++) {
        heap->nodes[i]->place = 0;
    }
    leat_free(heap->allocator, heap->nodes);
    leat_heap_init(heap, heap->allocator);
}

int leat_heap_reserve(leat_heap *heap, size_t count) {
    if (count <= heap->capacity) {
        return LEAT_OK;
    }
    size_t capacity = heap->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : heap->capacity * 2;
    capacity = capacity < count ? count : capacity;
    if (capacity > SIZE_MAX / sizeof(leat_heap_node *)) {
        return LEAT_ERR_NOMEM;
    }
    leat_heap_node **nodes =
        leat_realloc(heap->allocator, heap->nodes, capacity * sizeof(leat_heap_node *));
    if (nodes == NULL) {
        return LEAT_ERR_NOMEM;
    }
    heap->nodes = nodes;
    heap->capacity = capacity;
    return LEAT_OK;
}

static void put_at(leat_heap *heap, leat_heap_node *node, size_t place) {
    heap->nodes[place - 1] = node;
    node->place = place;
}

static void move_up(leat_heap *heap, leat_heap_node *node) {
    size_t place = node->place;
    while (place > 1 && heap->nodes[place / 2 - 1]->due > node->due) {
        put_at(heap, heap->nodes[place / 2 - 1], place);
        place /= 2;
    }
    put_at(heap, node, place);
}

static void move_down(leat_heap *heap, leat_heap_node *node) {
    size_t place = node->place;
    while (2 * place <= heap->count) {
        size_t child = 2 * place;
        if (child < heap->count && heap->nodes[child]->due < heap->nodes[child - 1]->due) {
            child++;
        }
        if (heap->nodes[child - 1]->due >= node->due) {
            break;
        }
        put_at(heap, heap->nodes[child - 1], place);
        place = child;
    }
    put_at(heap, node, place);
}

int leat_heap_set(leat_heap *heap, leat_heap_node *node, leat_time due) {
    if (due == LEAT_TIME_NEVER) {
        leat_heap_remove(heap, node);
        node->due = due;
        return LEAT_OK;
    }
    if (node->place == 0) {
        int err = leat_heap_reserve(heap, heap->count + 1);
        if (err != LEAT_OK) {
            return err;
        }
        put_at(heap, node, ++heap->count);
    }
    node->due = due;
    move_up(heap, node);
    move_down(heap, node);
    return LEAT_OK;
}

void leat_heap_remove(leat_heap *heap, leat_heap_node *node) {
    if (node->place == 0) {
        return;
    }
    assert(heap->nodes[node->place - 1] == node);
    leat_heap_node *last = heap->nodes[--heap->count];
    if (last != node) {
        put_at(heap, last, node->place);
        move_up(heap, last);
        move_down(heap, last);
    }
    node->place = 0;
}
