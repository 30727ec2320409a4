/*
 * leat/io.h: sockets, clocks and loops, for those who do not bring their own. The only part of leat
 * that does I/O.
 *
 * leat_server and leat_client each own a loop (epoll where there is one, poll elsewhere) and call
 * the application back with the events of all layers they were asked to run. A program is then
 * about 30 lines: see examples/.
 */
#ifndef LEAT_IO_H
#define LEAT_IO_H

#include <leat/endpoint.h>
#include <leat/h3.h>
#include <leat/quic.h>
#include <leat/webtransport.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The monotonic clock all loops use. */
LEAT_API leat_time leat_clock_now(void);

/* "127.0.0.1:4433", "[::1]:0", "localhost:4433": resolves (blocking) to at most `capacity`
 * addresses; returns the count or LEAT_ERR_IO with message. */
LEAT_API int leat_address_resolve(const char *host_port, leat_address *addresses, size_t capacity,
                                  char message[LEAT_MESSAGE_MAX]);

/*
 * What the application is told. Every pointer may be NULL. `user` is the config's; `conn`
 * identifies the connection, which can carry a pointer by leat_conn_set_user. h3 is NULL unless
 * layers say so, wt as well. All sending calls may be used inside; the loop transmits afterwards.
 */
typedef struct leat_io_handler {
    void (*on_connected)(void *user, leat_conn *conn);              /* server: accepted; client: made */
    void (*on_event)(void *user, leat_conn *conn, const leat_event *event);
    void (*on_h3_event)(void *user, leat_conn *conn, leat_h3 *h3, const leat_h3_event *event);
    void (*on_wt_event)(void *user, leat_conn *conn, leat_wt *wt, const leat_wt_event *event);
    void (*on_closed)(void *user, leat_conn *conn);                 /* after its last event; conn is freed next */
    void (*on_timer)(void *user, leat_time now);                    /* see leat_server_set_timer */
} leat_io_handler;

typedef enum leat_io_layers { LEAT_LAYER_QUIC, LEAT_LAYER_H3, LEAT_LAYER_WEBTRANSPORT } leat_io_layers;

/* ---- server ---- */

typedef struct leat_server leat_server;

/*
 * Several servers on the same addresses, each with its own loop and thread, so that one machine's
 * cores share the work: make a group, make `size` servers with it (1 to 64; all before the first
 * one runs), start and stop each. All after the first listen where the first one does; the system
 * spreads clients over them, and connections stay with their server wherever their packets come
 * in. Session tickets are shared by quic->resumption_keys. Handlers of different servers are called
 * from different threads at the same time.
 */
typedef struct leat_server_group leat_server_group;
LEAT_API leat_server_group *leat_server_group_new(size_t size, char message[LEAT_MESSAGE_MAX]);
/* After its servers. */
LEAT_API void leat_server_group_free(leat_server_group *group);

typedef enum leat_server_state {
    LEAT_SERVER_WAITING, LEAT_SERVER_RUNNING, LEAT_SERVER_STOPPED, LEAT_SERVER_FAILED,
} leat_server_state;

typedef struct leat_server_config {
    size_t size;
    const leat_config *quic;               /* borrowed for life; alpn may be NULL: "h3" */
    const leat_endpoint_config *endpoint;  /* NULL: defaults */
    const leat_h3_config *h3;              /* NULL: defaults */
    const leat_wt_config *webtransport;    /* NULL: defaults */
    leat_io_layers layers;                 /* which layers run above QUIC */
    const leat_address *listen;            /* port 0: one is chosen, see leat_server_address */
    size_t listen_count;
    leat_io_handler handler;
    void *user;
    leat_time drain;                       /* stop: requests may finish for this long; default 3 s */
    const char *close_reason;              /* default "server shutdown" */
    /* POSIX alone: poll and one datagram per system call; to compare and to test */
    bool plain_io;
    leat_server_group *group;              /* NULL: alone on its addresses */
} leat_server_config;

LEAT_API void leat_server_config_init(leat_server_config *config);
/* Binds the sockets. NULL: message says what failed and what to do (port in use: which). */
LEAT_API leat_server *leat_server_new(const leat_server_config *config, char message[LEAT_MESSAGE_MAX]);
LEAT_API size_t leat_server_address_count(const leat_server *server);
LEAT_API const leat_address *leat_server_address(const leat_server *server, size_t index);
/* Runs in the calling thread until stopped. 0, or LEAT_ERR_IO. May be called again after it returned. */
LEAT_API int leat_server_run(leat_server *server);
/* The same in a thread of its own. */
LEAT_API int leat_server_start(leat_server *server);
LEAT_API leat_server_state leat_server_status(const leat_server *server);
/*
 * Asks it to stop: GOAWAY and drain at once, requests may finish for config.drain, then sessions
 * and connections are closed with the reason, up to 1 s for the peers' answers. From any thread or
 * signal handler, idempotent, returns at once.
 */
LEAT_API void leat_server_request_stop(leat_server *server);
/* A second, impatient stop: closes everything now. Async-signal-safe too. */
LEAT_API void leat_server_request_abort(leat_server *server);
/*
 * leat_server_request_stop and waits until the loop has ended, at most `deadline` nanoseconds.
 * LEAT_ERR_TIMEOUT: message says what still hangs (how many connections, or the handler that does
 * not return). Not from inside a handler or a signal handler.
 */
LEAT_API int leat_server_stop(leat_server *server, leat_time deadline, char message[LEAT_MESSAGE_MAX]);
/* Must be stopped. */
LEAT_API void leat_server_free(leat_server *server);
/* Replaces the QUIC configuration for new connections (a new certificate). Only from a handler
 * or before run. Borrowed. */
LEAT_API void leat_server_set_quic_config(leat_server *server, const leat_config *quic);
/* Calls handler.on_timer at `when` once (LEAT_TIME_NEVER: never). Only from a handler or before run. */
LEAT_API void leat_server_set_timer(leat_server *server, leat_time when);
/* Watches another file descriptor for reading in the same loop. Only from a handler or before run. */
LEAT_API int leat_server_watch_fd(leat_server *server, int fd, void (*on_readable)(void *user, int fd), void *user);
LEAT_API leat_endpoint *leat_server_endpoint(leat_server *server);
/* Application work was done on conn outside a handler call for it: it will be transmitted. Only
 * from the loop's thread. */
LEAT_API void leat_server_touch(leat_server *server, leat_conn *conn);
/* The layers of a connection; NULL where there are none (yet). */
LEAT_API leat_h3 *leat_server_h3(leat_server *server, leat_conn *conn);
LEAT_API leat_wt *leat_server_wt(leat_server *server, leat_conn *conn);

/* ---- client ---- */

typedef struct leat_client leat_client;

typedef struct leat_client_config {
    size_t size;
    const leat_config *quic;         /* server_name NULL: taken from host */
    const leat_h3_config *h3;
    const leat_wt_config *webtransport;
    leat_io_layers layers;
    leat_io_handler handler;
    void *user;
    bool plain_io;                   /* as the server's */
} leat_client_config;

LEAT_API void leat_client_config_init(leat_client_config *config);
/*
 * Resolves host, opens a socket and starts the handshake with the first address. NULL: message.
 * When that fails, the next address is tried on a new connection: the application sees on_closed
 * and on_connected again, and no ConnectionTerminated of an attempt that was not the last.
 */
LEAT_API leat_client *leat_client_new(const leat_client_config *config, const char *host,
                                      uint16_t port, char message[LEAT_MESSAGE_MAX]);
/* One turn of the loop: waits at most `timeout` nanoseconds, handles what came. False: the connection is closed. */
LEAT_API bool leat_client_step(leat_client *client, leat_time timeout);
/* Runs until the connection is closed or `deadline` (clock time, LEAT_TIME_NEVER: none) passed.
 * 0 or LEAT_ERR_TIMEOUT. */
LEAT_API int leat_client_run(leat_client *client, leat_time deadline);
LEAT_API int leat_client_watch_fd(leat_client *client, int fd, void (*on_readable)(void *user, int fd), void *user);
LEAT_API void leat_client_unwatch_fd(leat_client *client, int fd);
/*
 * Opens a second socket, at local (port 0: any) or, with NULL, wherever the system likes, and moves
 * the connection there with leat_conn_migrate, whose errors and events are told. LEAT_ERR_IO: no
 * socket there; message says why.
 */
LEAT_API int leat_client_migrate(leat_client *client, const leat_address *local,
                                 char message[LEAT_MESSAGE_MAX]);
LEAT_API leat_conn *leat_client_conn(leat_client *client);
LEAT_API leat_h3 *leat_client_h3(leat_client *client);
LEAT_API leat_wt *leat_client_wt(leat_client *client);
/* Says goodbye (H3_NO_ERROR) when the connection still lives; on_closed is called. Not from inside a handler. */
LEAT_API void leat_client_free(leat_client *client);

#ifdef __cplusplus
}
#endif
#endif
