/*
 * `leat interop` inside: an endpoint for the QUIC interop runner. A test case is a row of flags; the
 * client and the server read the same table. Files: interop.c (options, environment, the table),
 * client.c (downloads), server.c (life of the server), hq.c (its HTTP/0.9), webtransport.c (protocols
 * agreed on). HTTP/3 requests are answered by the code of `leat serve`.
 */
#ifndef LEAT_TOOLS_INTEROP_H
#define LEAT_TOOLS_INTEROP_H

#include <leat/leat.h>
#include <stdio.h>

#include "../options.h"
#include "../serve/serve.h"

typedef struct interop_case {
    const char *name;
    bool is_http3;           /* else HTTP/0.9 */
    bool has_one_request;    /* client: a connection for each request */
    bool is_resumed;         /* client: the first request alone, the others on a resumed connection */
    bool has_early_data;     /* client: the others before the server has answered; server: accepts that */
    bool has_only_chacha20;
    bool prefers_version_2;
    bool has_key_update;     /* client: as soon as the handshake is confirmed */
    bool has_migration;      /* client: to another socket, when the first bytes have come */
    bool has_retry;          /* server */
    bool has_preferred_address; /* server: on the port after its own */
} interop_case;

/* The runner lists five. */
#define PROTOCOLS_MAX 32

typedef struct interop_app {
    struct {
        option_list role, listen;
        const char *www, *downloads, *certs;
    } settings;
    const option_table *table; /* for complaints */
    const interop_case *testcase;
    /* Words of PROTOCOLS: the case is one of WebTransport when there are any. */
    const char *protocols[PROTOCOLS_MAX];
    size_t protocol_count;
    leat_config quic;
    leat_h3_config h3;
    FILE *keylog;
    struct qlog_files *qlog;
} interop_app;

/* What TESTCASE asks for is not there: the runner counts it as unsupported, not as failed. */
#define INTEROP_UNSUPPORTED 127

/* Prints what a test of a test case wants to know of a connection, one line for each. */
void interop_narrate(const leat_conn *conn, const leat_event *event);

/* Both give the exit status; app->quic is filled but for what only one role has. */
int interop_client(interop_app *app);
int interop_server(interop_app *app);

/* webtransport.c */
int interop_webtransport_client(interop_app *app, const char *request);
void interop_on_session_requested(interop_app *app, leat_wt *wt, const leat_wt_event *event);

/* A connection of the server. */
typedef struct interop_connection {
    serve_client http;    /* HTTP/3 */
    leat_list hq_streams; /* HTTP/0.9: of hq_stream.node */
} interop_connection;

/* hq.c */
void hq_on_event(const char *www, leat_conn *conn, const leat_event *event);
void hq_free_streams(interop_connection *connection);

#endif
