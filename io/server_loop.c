/*
 * One turn of the server: wait; take a batch from each readable socket; run the timers that are
 * due; serve every connection that has something to do; send. The clock is read once after the wait
 * and once per batch.
 */
#include "io/server_group.h"

#include "base/alloc.h"

/*
 * How often one connection's events and datagrams go round in one turn before the others come: an
 * application that answers each event with something that raises the next must not keep the loop.
 */
#define ROUNDS_PER_TURN 4

/* ---- connections ---- */

leat_server_conn *leat_server_find(const leat_server *server, const leat_conn *conn) {
    return leat_map_get_u64(&server->conns, (uint64_t)(uintptr_t)conn);
}

static leat_server_conn *add(leat_server *server, leat_conn *conn) {
    const leat_allocator *allocator = server->quic.allocator;
    leat_server_conn *added = leat_alloc(allocator, sizeof *added);
    if (added == NULL ||
        leat_heap_reserve(&server->idle_timers, server->conns.count + 1) != LEAT_OK ||
        leat_map_set_u64(&server->conns, (uint64_t)(uintptr_t)conn, added) != LEAT_OK) {
        leat_free(allocator, added);
        return NULL;
    }
    leat_stack_init(&added->stack, &server->stack, conn);
    leat_list_push_back(&server->all, &added->link);
    leat_list_init(&added->later);
    atomic_store(&server->conn_count, server->conns.count);
    leat_stack_on_connected(&added->stack);
    return added;
}

void leat_server_drop(leat_server *server, leat_server_conn *conn) {
    leat_conn *quic = conn->stack.conn;
    leat_stack_drain(&conn->stack);
    leat_stack_on_closed(&conn->stack);
    leat_stack_clear(&conn->stack);
    leat_heap_remove(&server->idle_timers, &conn->idle_timer);
    leat_list_remove(&conn->link);
    leat_list_remove(&conn->later);
    leat_map_remove_u64(&server->conns, (uint64_t)(uintptr_t)quic);
    leat_free(server->quic.allocator, conn);
    atomic_store(&server->conn_count, server->conns.count);
    leat_endpoint_release(server->endpoint, quic);
}

/* ---- sending ---- */

static bool is_blocked(const leat_server *server) {
    for (size_t i = 0; i < server->socket_count; i++) {
        if (leat_udp_is_blocked(server->sockets[i])) {
            return true;
        }
    }
    return false;
}

/*
 * The socket a path belongs to: bound to just this address, or to any of its family at this port.
 */
static leat_udp *socket_of(const leat_server *server, const leat_address *local) {
    leat_udp *found = NULL;
    for (size_t i = 0; i < server->socket_count; i++) {
        const leat_address *bound = leat_udp_local(server->sockets[i]);
        if (leat_address_equal(bound, local)) {
            return server->sockets[i];
        }
        if (bound->family == local->family && bound->port == local->port) {
            found = server->sockets[i];
        }
    }
    return found;
}

/* Everything conn (NULL: the endpoint itself) has to send. False: a socket is full. */
static bool transmit(leat_server *server, leat_conn *conn) {
    leat_transmit where;
    while (!is_blocked(server)) {
        size_t length = leat_endpoint_datagrams_to_send(server->endpoint, conn, server->buffer,
                                                        sizeof server->buffer, &where, server->now);
        if (length == 0) {
            return true;
        }
        leat_udp *udp = socket_of(server, &where.path.local);
        if (udp != NULL) {
            leat_udp_send(udp, server->buffer, length, &where);
            if (conn != NULL && leat_udp_was_too_large(udp)) {
                leat_conn_on_datagram_too_large(conn, where.segment_size, server->now);
            }
            (void)leat_loop_want_writable(server->loop, leat_udp_fd(udp), leat_udp_is_blocked(udp));
        }
    }
    return false;
}

/* ---- serving ---- */

/*
 * Chromium keeps a connection whose last session is gone for ever; it is asked to leave, and then
 * ended.
 */
static void watch_idleness(leat_server *server, leat_server_conn *conn) {
    bool is_idle = conn->stack.had_session && !leat_stack_has_work(&conn->stack);
    if (!is_idle || leat_conn_is_terminating(conn->stack.conn)) {
        leat_heap_remove(&server->idle_timers, &conn->idle_timer);
    } else if (conn->idle_timer.place == 0) {
        leat_time due = server->now + LEAT_SERVER_IDLE_AFTER_SESSION;
        (void)leat_heap_set(&server->idle_timers, &conn->idle_timer, due);
    }
}

static void serve(leat_server *server, leat_server_conn *conn) {
    bool has_more = true;
    for (int round = 0; round < ROUNDS_PER_TURN && has_more; round++) {
        bool had_events = leat_stack_drain(&conn->stack);
        bool is_sent = transmit(server, conn->stack.conn);
        has_more = had_events || !is_sent;
    }
    if (leat_conn_is_closed(conn->stack.conn)) {
        leat_server_drop(server, conn);
        return;
    }
    watch_idleness(server, conn);
    if (has_more && !leat_list_is_linked(&conn->later)) {
        leat_list_push_back(&server->later, &conn->later);
    }
}

static void serve_ready(leat_server *server) {
    bool is_new;
    for (leat_conn *conn; !is_blocked(server) &&
                          (conn = leat_endpoint_next_ready(server->endpoint, &is_new)) != NULL;) {
        leat_server_conn *found = leat_server_find(server, conn);
        found = found == NULL ? add(server, conn) : found;
        if (found == NULL) {
            leat_endpoint_release(server->endpoint, conn);
        } else {
            serve(server, found);
        }
    }
    (void)transmit(server, NULL);
}

/* ---- waiting ---- */

static void on_datagram(void *user, const leat_udp_received *received) {
    leat_server *server = user;
    leat_endpoint_receive_datagram(server->endpoint, received->data, received->length,
                                   received->segment_size, &received->path, received->ecn,
                                   server->now);
}

static void on_socket(void *user, int fd, unsigned ready) {
    leat_server *server = user;
    for (size_t i = 0; i < server->socket_count; i++) {
        leat_udp *udp = server->sockets[i];
        if (leat_udp_fd(udp) != fd) {
            continue;
        }
        if ((ready & LEAT_LOOP_WRITABLE) != 0) {
            leat_udp_flush(udp);
            (void)leat_loop_want_writable(server->loop, fd, leat_udp_is_blocked(udp));
        }
        if ((ready & LEAT_LOOP_READABLE) != 0) {
            server->now = leat_clock_now();
            leat_udp_receive(udp, on_datagram, server);
        }
    }
}

static leat_time earlier(leat_time a, leat_time b) { return a < b ? a : b; }

static leat_time next_due(const leat_server *server) {
    if (!leat_list_is_empty(&server->later) && !is_blocked(server)) {
        return 0;
    }
    const leat_heap_node *idle = leat_heap_first(&server->idle_timers);
    leat_time due = earlier(leat_endpoint_get_timer(server->endpoint), server->app_timer);
    due = earlier(due, idle == NULL ? LEAT_TIME_NEVER : idle->due);
    return earlier(due, leat_server_stop_timer(server));
}

static void run_app_timer(leat_server *server) {
    if (server->app_timer <= server->now) {
        server->app_timer = LEAT_TIME_NEVER;
        if (server->config.handler.on_timer != NULL) {
            atomic_store(&server->stack.busy, "on_timer");
            server->config.handler.on_timer(server->config.user, server->now);
            atomic_store(&server->stack.busy, NULL);
        }
    }
}

static void run_idle_timers(leat_server *server) {
    for (leat_heap_node *first;
         (first = leat_heap_first(&server->idle_timers)) != NULL && first->due <= server->now;) {
        leat_server_conn *conn = LEAT_CONTAINER_OF(first, leat_server_conn, idle_timer);
        leat_heap_remove(&server->idle_timers, first);
        leat_stack_goaway(&conn->stack);
        (void)transmit(server, conn->stack.conn);
        leat_stack_close(&conn->stack, "no session left");
        leat_endpoint_touch(server->endpoint, conn->stack.conn);
    }
}

static void take_up_later(leat_server *server) {
    LEAT_LIST_FOR_EACH (node, following, &server->later) {
        leat_server_conn *conn = LEAT_CONTAINER_OF(node, leat_server_conn, later);
        leat_list_remove(node);
        leat_endpoint_touch(server->endpoint, conn->stack.conn);
    }
}

static int turn(leat_server *server) {
    leat_time due = next_due(server), now = leat_clock_now();
    leat_time timeout = due == LEAT_TIME_NEVER ? LEAT_TIME_NEVER : due > now ? due - now : 0;
    int error = leat_loop_wait(server->loop, timeout);
    server->now = leat_clock_now();
    if (server->config.group != NULL) {
        leat_server_group_deliver(server->config.group, server);
    }
    leat_endpoint_handle_timer(server->endpoint, server->now);
    run_app_timer(server);
    run_idle_timers(server);
    take_up_later(server);
    serve_ready(server);
    if (leat_server_advance_stop(server)) {
        serve_ready(server);
    }
    return error;
}

/* Accepted while the server ended and never shown to the application: there is nobody to tell. */
static void release_unseen(leat_server *server) {
    bool is_new;
    for (leat_conn *conn; (conn = leat_endpoint_next_ready(server->endpoint, &is_new)) != NULL;) {
        leat_endpoint_release(server->endpoint, conn);
    }
}

static int watch_sockets(leat_server *server) {
    for (size_t i = 0; i < server->socket_count; i++) {
        int error = leat_loop_watch(server->loop, leat_udp_fd(server->sockets[i]), on_socket,
                                    server);
        if (error != LEAT_OK) {
            return error;
        }
    }
    return LEAT_OK;
}

int leat_server_loop(leat_server *server) {
    leat_endpoint_set_server_config(server->endpoint, &server->quic);
    server->now = leat_clock_now();
    int error = watch_sockets(server);
    while (error == LEAT_OK && atomic_load(&server->stop_phase) != LEAT_STOP_DONE) {
        error = turn(server);
    }
    LEAT_LIST_FOR_EACH (node, following, &server->all) {
        leat_server_drop(server, LEAT_CONTAINER_OF(node, leat_server_conn, link));
    }
    release_unseen(server);
    for (size_t i = 0; i < server->socket_count; i++) {
        leat_loop_unwatch(server->loop, leat_udp_fd(server->sockets[i]));
    }
    return error;
}
