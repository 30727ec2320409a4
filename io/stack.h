/*
 * The layers above one connection: HTTP/3 and WebTransport, made when the application protocol is
 * known, and drained in the one order that keeps their promises. Shared by server and client.
 * Inside of io/.
 */
#ifndef LEAT_IO_STACK_H
#define LEAT_IO_STACK_H

#include <leat/io.h>

#include <stdatomic.h>

typedef struct leat_stack_config {
    leat_io_layers layers;
    leat_h3_config h3;
    leat_wt_config webtransport;
    leat_io_handler handler;
    void *user;
    /*
     * May be NULL. False: the event is kept from the application (a client that tries its next
     * address).
     */
    bool (*filter)(void *filter_user, leat_conn *conn, const leat_event *event);
    void *filter_user;
    _Atomic(const char *)
        busy; /* the handler that runs right now, or NULL: what a stop that hangs can name */
} leat_stack_config;

typedef struct leat_stack {
    leat_stack_config *config;
    leat_conn *conn;
    leat_h3 *h3;
    leat_wt *wt;
    bool had_session; /* a WebTransport session was requested at some time */
} leat_stack;

/* Fills in defaults; what WebTransport needs of HTTP/3 is added. */
void leat_stack_config_init(leat_stack_config *config, leat_io_layers layers,
                            const leat_h3_config *h3, const leat_wt_config *webtransport,
                            const leat_io_handler *handler, void *user);
/* What the layers need of QUIC: the application protocol, DATAGRAM frames. */
void leat_stack_adapt_quic(leat_io_layers layers, leat_config *quic);

void leat_stack_init(leat_stack *stack, leat_stack_config *config, leat_conn *conn);
/* Frees the layers, not the connection. */
void leat_stack_clear(leat_stack *stack);
void leat_stack_on_connected(leat_stack *stack);
void leat_stack_on_closed(leat_stack *stack);
/* Hands every event there is to the application. True when there was one. */
bool leat_stack_drain(leat_stack *stack);
/* Whether a request or session is still open, or the end of one has not been answered. */
bool leat_stack_has_work(const leat_stack *stack);
/* GOAWAY, and drain to each session: the peer is to finish. */
void leat_stack_goaway(leat_stack *stack);
void leat_stack_close_sessions(leat_stack *stack, const char *reason);
bool leat_stack_is_closing_sessions(const leat_stack *stack);
void leat_stack_close(leat_stack *stack, const char *reason);

#endif
