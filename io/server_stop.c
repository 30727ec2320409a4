/*
 * The end of a server, in phases, so that nobody is cut off who could have been told: RFC 9114 §5.2
 * and the close of WebTransport sessions. The phases are rows; a phase ends when nothing keeps it
 * busy any more, or at its deadline.
 */
#include "io/server.h"

#define SESSION_CLOSE_LIMIT LEAT_SECOND
#define CONNECTION_CLOSE_LIMIT (200 * LEAT_MILLISECOND)

/* How often it is looked whether a phase is over: that is a walk over all connections. */
#define LOOK_INTERVAL (5 * LEAT_MILLISECOND)

typedef void (*act_fn)(leat_server *server, leat_server_conn *conn);
typedef bool (*is_busy_fn)(const leat_server_conn *conn);

static void say_goaway(leat_server *server, leat_server_conn *conn) {
    leat_stack_goaway(&conn->stack);
    leat_endpoint_touch(server->endpoint, conn->stack.conn);
}

static void close_sessions(leat_server *server, leat_server_conn *conn) {
    leat_stack_close_sessions(&conn->stack, server->config.close_reason);
    leat_endpoint_touch(server->endpoint, conn->stack.conn);
}

static void close_connection(leat_server *server, leat_server_conn *conn) {
    leat_stack_close(&conn->stack, server->config.close_reason);
    leat_endpoint_touch(server->endpoint, conn->stack.conn);
}

static bool has_work(const leat_server_conn *conn) {
    return !leat_conn_is_terminating(conn->stack.conn) && leat_stack_has_work(&conn->stack);
}
static bool awaits_fin(const leat_server_conn *conn) {
    return leat_stack_is_closing_sessions(&conn->stack);
}
static bool has_unsent(const leat_server_conn *conn) {
    return leat_conn_wants_to_send(conn->stack.conn);
}

typedef struct phase {
    const char *name;
    act_fn enter;       /* for each connection */
    is_busy_fn is_busy; /* any connection: the phase goes on */
    leat_time limit;    /* 0: config.drain */
} phase;

static const phase phases[LEAT_STOP_PHASES] = {
    [LEAT_STOP_NONE] = {.name = "running"},
    [LEAT_STOP_DRAINING] = {"requests may finish", say_goaway, has_work, 0},
    [LEAT_STOP_CLOSING_SESSIONS] = {"closing sessions", close_sessions, awaits_fin,
                                    SESSION_CLOSE_LIMIT},
    [LEAT_STOP_CLOSING_CONNECTIONS] = {"closing connections", close_connection, has_unsent,
                                       CONNECTION_CLOSE_LIMIT},
    [LEAT_STOP_DONE] = {.name = "done"},
};

const char *leat_stop_phase_name(leat_stop_phase stop_phase) { return phases[stop_phase].name; }

static void enter_phase(leat_server *server, leat_stop_phase next) {
    leat_time limit = phases[next].limit == 0 ? server->config.drain : phases[next].limit;
    atomic_store(&server->stop_phase, (int)next);
    /*
     * No new connections from here on: without a server configuration Initials are dropped in
     * silence.
     */
    leat_endpoint_set_server_config(server->endpoint, NULL);
    server->stop_phase_ends = server->now + limit;
    server->stop_next_look = server->now + LOOK_INTERVAL;
    if (phases[next].enter == NULL) {
        return;
    }
    LEAT_LIST_FOR_EACH (node, following, &server->all) {
        phases[next].enter(server, LEAT_CONTAINER_OF(node, leat_server_conn, link));
    }
}

static bool is_busy(const leat_server *server, leat_stop_phase current) {
    const leat_list *all = &server->all;
    for (const leat_list *node = all->next; node != all; node = node->next) {
        if (phases[current].is_busy(LEAT_CONTAINER_OF(node, leat_server_conn, link))) {
            return true;
        }
    }
    return false;
}

bool leat_server_advance_stop(leat_server *server) {
    int asked = atomic_load(&server->stop_asked);
    leat_stop_phase current = (leat_stop_phase)atomic_load(&server->stop_phase);
    if (asked == LEAT_STOP_NOT_ASKED || current == LEAT_STOP_DONE) {
        return false;
    }
    if (asked == LEAT_STOP_ABORT && current < LEAT_STOP_CLOSING_CONNECTIONS) {
        enter_phase(server, LEAT_STOP_CLOSING_CONNECTIONS);
    } else if (current == LEAT_STOP_NONE) {
        enter_phase(server, LEAT_STOP_DRAINING);
    } else if (server->now >= server->stop_phase_ends) {
        enter_phase(server, current + 1);
    } else if (server->now >= server->stop_next_look) {
        server->stop_next_look = server->now + LOOK_INTERVAL;
        if (is_busy(server, current)) {
            return false;
        }
        enter_phase(server, current + 1);
    } else {
        return false;
    }
    return true;
}

leat_time leat_server_stop_timer(const leat_server *server) {
    return atomic_load(&server->stop_phase) == LEAT_STOP_NONE ? LEAT_TIME_NEVER
                                                              : server->stop_next_look;
}
