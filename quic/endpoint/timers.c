/* Timers of all connections in one heap: the next one is known without a walk. */
#include "quic/endpoint/endpoint.h"

/* Room was reserved with the entry, so this cannot fail. */
void leat_endpoint_arm_timer(leat_endpoint_entry *entry) {
    leat_time due = leat_conn_get_timer(entry->conn);
    if (entry->timer.place == 0 || entry->timer.due != due) {
        (void)leat_heap_set(&entry->endpoint->timers, &entry->timer, due);
    }
}

leat_time leat_endpoint_get_timer(const leat_endpoint *endpoint) {
    const leat_heap_node *first = leat_heap_first(&endpoint->timers);
    return first == NULL ? LEAT_TIME_NEVER : first->due;
}

void leat_endpoint_handle_timer(leat_endpoint *endpoint, leat_time now) {
    /*
     * Each is taken out and comes back when its owner has drained it, so that this ends whatever
     * the timers say.
     */
    for (leat_heap_node *first;
         (first = leat_heap_first(&endpoint->timers)) != NULL && first->due <= now;) {
        leat_endpoint_entry *entry = LEAT_CONTAINER_OF(first, leat_endpoint_entry, timer);
        leat_heap_remove(&endpoint->timers, first);
        leat_conn_handle_timer(entry->conn, now);
        leat_endpoint_mark_ready(entry);
    }
}
