/*
 * Which connections have something to do: an intrusive list, first in, first out, each connection
 * at most once.
 */
#include "quic/endpoint/endpoint.h"

void leat_endpoint_mark_ready(leat_endpoint_entry *entry) {
    leat_endpoint_settle_handshake(entry);
    if (!leat_list_is_linked(&entry->ready)) {
        leat_list_push_back(&entry->endpoint->ready, &entry->ready);
    }
}

leat_conn *leat_endpoint_next_ready(leat_endpoint *endpoint, bool *is_new) {
    leat_endpoint_entry *entry = LEAT_LIST_FIRST(&endpoint->ready, leat_endpoint_entry, ready);
    *is_new = false;
    if (entry == NULL) {
        return NULL;
    }
    leat_list_remove(&entry->ready);
    *is_new = entry->is_new;
    entry->is_new = false;
    return entry->conn;
}

void leat_endpoint_touch(leat_endpoint *endpoint, leat_conn *conn) {
    leat_endpoint_entry *entry = leat_endpoint_find(endpoint, conn);
    if (entry != NULL) {
        leat_endpoint_mark_ready(entry);
    }
}
