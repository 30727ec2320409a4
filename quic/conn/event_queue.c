/* The bounded ring of connection events. What happens at the bound is a property of the kind of
 * event. */
#include "quic/conn/event_queue.h"

#include "base/alloc.h"

#include <string.h>

/* Kinds that say "look again": one in the queue says it for all. Others are told one by one. */
static const bool coalesces[LEAT_EVENT_TYPE_COUNT] = {
    [LEAT_EVENT_STREAMS_AVAILABLE] = true,
    [LEAT_EVENT_KEY_UPDATED] = true,
    [LEAT_EVENT_PEER_UNRESPONSIVE] = true,
};

void leat_event_queue_init(leat_event_queue *queue, const leat_allocator *allocator) {
    *queue = (leat_event_queue){.next_order = 0};
    leat_ring_init(&queue->ring, allocator, sizeof(leat_queued_event), LEAT_EVENTS_MAX);
}

static void drop_oldest(leat_event_queue *queue) {
    leat_queued_event *oldest = leat_ring_front(&queue->ring);
    leat_free(queue->ring.allocator, oldest->owned);
    leat_ring_pop(&queue->ring);
}

void leat_event_queue_clear(leat_event_queue *queue) {
    while (queue->ring.count > 0) {
        drop_oldest(queue);
    }
    leat_ring_clear(&queue->ring);
    leat_event_queue_release_popped(queue);
}

static bool is_same(const leat_event *a, const leat_event *b) {
    if (a->type != b->type) {
        return false;
    }
    return a->type != LEAT_EVENT_STREAMS_AVAILABLE ||
           a->streams_available.unidirectional == b->streams_available.unidirectional;
}

static bool is_queued(const leat_event_queue *queue, const leat_event *event) {
    for (size_t i = 0; i < queue->ring.count; i++) {
        const leat_queued_event *queued = leat_ring_at(&queue->ring, i);
        if (is_same(&queued->event, event)) {
            return true;
        }
    }
    return false;
}

static leat_queued_event *push(leat_event_queue *queue) {
    if (queue->ring.count == LEAT_EVENTS_MAX) {
        drop_oldest(queue);
        queue->dropped++;
    }
    leat_queued_event *queued = leat_ring_push(&queue->ring);
    if (queued != NULL) {
        queued->order = leat_event_queue_take_order(queue);
    }
    return queued;
}

int leat_event_queue_push(leat_event_queue *queue, const leat_event *event) {
    if (coalesces[event->type] && is_queued(queue, event)) {
        return LEAT_OK;
    }
    leat_queued_event *queued = push(queue);
    if (queued == NULL) {
        return LEAT_ERR_NOMEM;
    }
    queued->event = *event;
    return LEAT_OK;
}

int leat_event_queue_push_bytes(leat_event_queue *queue, leat_event_type type, leat_span bytes) {
    uint8_t *owned = leat_alloc(queue->ring.allocator, bytes.length);
    leat_queued_event *queued = owned != NULL ? push(queue) : NULL;
    if (queued == NULL) {
        leat_free(queue->ring.allocator, owned);
        return LEAT_ERR_NOMEM;
    }
    memcpy(owned, bytes.data, bytes.length);
    queued->event = (leat_event){.type = type, .ticket.data = {owned, bytes.length}};
    queued->owned = owned;
    return LEAT_OK;
}

uint64_t leat_event_queue_first_order(const leat_event_queue *queue) {
    const leat_queued_event *first = leat_ring_front(&queue->ring);
    return first != NULL ? first->order : LEAT_ORDER_NONE;
}

void leat_event_queue_pop(leat_event_queue *queue, leat_event *event) {
    leat_queued_event *first = leat_ring_front(&queue->ring);
    *event = first->event;
    queue->popped_bytes = first->owned;
    leat_ring_pop(&queue->ring);
    /* An idle connection keeps no ring. */
    if (queue->ring.count == 0) {
        leat_ring_clear(&queue->ring);
    }
}

void leat_event_queue_release_popped(leat_event_queue *queue) {
    leat_free(queue->ring.allocator, queue->popped_bytes);
    queue->popped_bytes = NULL;
}
