/*
 * Inside of the server: its object and the calls between server.c, server_loop.c, server_stop.c and
 * server_thread.c.
 */
#ifndef LEAT_IO_SERVER_H
#define LEAT_IO_SERVER_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "io/loop.h"
#include "io/stack.h"
#include "io/udp.h"

#include <pthread.h>
#include <stdatomic.h>

/* Addresses one server listens on. */
#define LEAT_SERVER_SOCKETS 16

/*
 * A connection that had a session and has no work any more is closed after this long: Chromium
 * never closes it itself.
 */
#define LEAT_SERVER_IDLE_AFTER_SESSION LEAT_SECOND

/*
 * How the server comes to its end; each phase is over when nothing of its kind is left, or at its
 * deadline.
 */
typedef enum leat_stop_phase {
    LEAT_STOP_NONE,
    LEAT_STOP_DRAINING,            /* GOAWAY is sent; requests and sessions may finish */
    LEAT_STOP_CLOSING_SESSIONS,    /* sessions are closed; their peers' FIN is awaited */
    LEAT_STOP_CLOSING_CONNECTIONS, /* CONNECTION_CLOSE is on its way */
    LEAT_STOP_DONE,
    LEAT_STOP_PHASES
} leat_stop_phase;

typedef enum leat_stop_request {
    LEAT_STOP_NOT_ASKED,
    LEAT_STOP_GRACEFUL,
    LEAT_STOP_ABORT
} leat_stop_request;

typedef struct leat_server_conn {
    leat_stack stack;
    leat_heap_node idle_timer; /* of LEAT_SERVER_IDLE_AFTER_SESSION */
    leat_list link;            /* in server->all */
    leat_list later;           /* has more to do in the next turn */
} leat_server_conn;

typedef struct leat_watched_fd {
    struct leat_server *server;
    int fd;
    void (*on_readable)(void *user, int fd);
    void *user;
} leat_watched_fd;
#define LEAT_SERVER_WATCHED_FDS 32

struct leat_server {
    /* Written before the loop runs, or by it. */
    leat_server_config config;
    leat_config quic;
    leat_stack_config stack;
    leat_endpoint *endpoint;
    unsigned worker; /* in config.group */
    leat_loop *loop;
    leat_udp *sockets[LEAT_SERVER_SOCKETS];
    size_t socket_count;
    leat_map conns; /* leat_server_conn by leat_conn pointer */
    leat_list all;
    leat_list later;
    leat_heap idle_timers;
    leat_time app_timer;
    leat_watched_fd watched[LEAT_SERVER_WATCHED_FDS];
    size_t watched_count;
    leat_time now; /* of this turn */
    leat_time stop_phase_ends, stop_next_look;
    uint8_t buffer[LEAT_UDP_TRAIN_MAX];
    /* Shared between threads. */
    _Atomic(int) status;     /* leat_server_state */
    _Atomic(int) stop_asked; /* leat_stop_request */
    _Atomic(int) stop_phase; /* leat_stop_phase */
    _Atomic(size_t) conn_count;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    pthread_t thread;
    bool has_thread; /* guarded by mutex */
};

/* ---- server_loop.c ---- */
/* Runs until the stop is done. */
int leat_server_loop(leat_server *server);
leat_server_conn *leat_server_find(const leat_server *server, const leat_conn *conn);
/* Tells the application and takes conn away. */
void leat_server_drop(leat_server *server, leat_server_conn *conn);

/* ---- server_stop.c ---- */
/*
 * Moves the stop along; called once per turn. True: a phase began, so connections have something to
 * send.
 */
bool leat_server_advance_stop(leat_server *server);
/* When advance_stop wants to be called again. */
leat_time leat_server_stop_timer(const leat_server *server);
const char *leat_stop_phase_name(leat_stop_phase stop_phase);

#endif
