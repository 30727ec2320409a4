/*
 * What waits for leat_conn_next_event, in order of arrival. Three sources share one counter of
 * order: the ring here, streams with event bits (streams.c), and received datagrams (datagrams.c).
 * ConnectionTerminated stands in none of them: it comes when all three are empty.
 */
#ifndef LEAT_QUIC_CONN_EVENT_QUEUE_H
#define LEAT_QUIC_CONN_EVENT_QUEUE_H

#include <leat/quic.h>

#include "base/ring.h"

/* An application that never pops: the oldest go and are counted. Nothing a peer does can hold more
 * than this. */
#define LEAT_EVENTS_MAX 1024
#define LEAT_ORDER_NONE UINT64_MAX

typedef struct leat_queued_event {
    leat_event event;
    uint64_t order;
    uint8_t *owned; /* bytes the event points at, freed after it was popped */
} leat_queued_event;

typedef struct leat_event_queue {
    leat_ring ring; /* of leat_queued_event */
    uint64_t next_order;
    uint64_t dropped;
    uint8_t *popped_bytes; /* of the event popped last: valid until the next one */
} leat_event_queue;

void leat_event_queue_init(leat_event_queue *queue, const leat_allocator *allocator);
void leat_event_queue_clear(leat_event_queue *queue);
/* Copies event. LEAT_ERR_NOMEM. An equal event of a kind that coalesces stays one. */
int leat_event_queue_push(leat_event_queue *queue, const leat_event *event);
/* The same for SessionTicket and NewToken, whose bytes are copied. */
int leat_event_queue_push_bytes(leat_event_queue *queue, leat_event_type type, leat_span bytes);
static inline uint64_t leat_event_queue_take_order(leat_event_queue *queue) {
    return queue->next_order++;
}
/* The order of the oldest event, or LEAT_ORDER_NONE. */
uint64_t leat_event_queue_first_order(const leat_event_queue *queue);
void leat_event_queue_pop(leat_event_queue *queue, leat_event *event);
/* The bytes of the event popped last are no longer needed. */
void leat_event_queue_release_popped(leat_event_queue *queue);

#endif
