/*
 * `leat serve` inside: the application that sits on leat_server. One `serve` per process, shared by
 * its workers; a `client` per connection, with its requests and sessions. Files: serve.c (options
 * and life), workers.c, sessions.c and channel.c (WebTransport), counter.c, clicker.c, echo.c (what
 * the paths do), http.c and files.c (requests), certificate.c, client_auth.c, page.c, store.c.
 */
#ifndef LEAT_TOOLS_SERVE_H
#define LEAT_TOOLS_SERVE_H

#include <leat/leat.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "../options.h"
#include "base/alloc.h"
#include "base/bytes.h"
#include "base/list.h"
#include "base/text.h"

typedef struct serve_store serve_store;
typedef struct serve_page serve_page;
typedef struct serve_certificates serve_certificates;

struct serve_app;

/*
 * One loop in a thread of its own: the user of its handlers. The first one runs in the main thread
 * and has the page, the signals and the certificates' renewal; the others take its certificates
 * over.
 */
#define SERVE_WORKERS_MAX 64
typedef struct serve_worker {
    struct serve_app *serve;
    leat_server *server;
    leat_config quic;
    leat_identity *identities[OPTION_LIST_MAX]; /* references of its own, like quic.client_trust */
    int wake_read, wake_write;                  /* a byte: there are new certificates */
} serve_worker;

typedef struct serve_app {
    struct {
        option_list listen, cert, key, key_password_file, origin;
        const char *root, *page, *store, *reset_key, *keylog, *qlog;
        const char *client_ca, *client_auth;
        uint64_t max_sessions, workers;
        leat_time idle_timeout, request_timeout, liveness, drain;
        bool retry, early_data, verbose;
    } settings;
    const option_table *table; /* for complaints */
    serve_worker workers[SERVE_WORKERS_MAX];
    leat_server_group *group; /* of more workers than one */
    leat_config quic;
    leat_endpoint_config endpoint;
    leat_wt_config webtransport;
    uint8_t reset_key[32];
    uint8_t session_application[256];
    serve_certificates *certificates;
    pthread_mutex_t certificates_mutex;
    serve_store *store;
    serve_page *page;
    FILE *keylog;
    struct qlog_files *qlog;
    _Atomic(uint64_t) sessions_seen;
    _Atomic(size_t) sessions_open;
} serve_app;

static inline leat_server *serve_first(const serve_app *serve) { return serve->workers[0].server; }

typedef struct serve_client {
    serve_app *serve;
    leat_list sessions; /* of session.node */
    leat_list requests; /* of request.node */
} serve_client;

/* sessions.c */
void sessions_on_event(serve_app *serve, leat_conn *conn, leat_wt *wt, const leat_wt_event *event);
void sessions_retry_streams(serve_client *client);
/* http.c */
void http_on_event(serve_app *serve, leat_conn *conn, leat_h3 *h3, const leat_h3_event *event);
void http_free_requests(serve_client *client);

/* What a WebTransport path does. */
struct serve_channel;
struct serve_session;
typedef struct wt_app {
    const char *path;
    void (*on_datagram)(struct serve_session *session, leat_span data);
    /* Takes bytes of a stream, appends answers to channel->out and returns how many were taken (fewer: out is full). */
    size_t (*on_data)(struct serve_channel *channel, leat_span data);
    /* The stream ended: the last answers. */
    void (*on_end)(struct serve_channel *channel);
    void (*free_state)(void *state); /* channel->state; may be NULL */
} wt_app;
extern const wt_app counter_app, clicker_app, echo_app;

typedef struct serve_session {
    leat_list node;
    serve_client *client;
    leat_conn *conn;
    leat_wt *wt;
    uint64_t id, number;    /* on its connection, on this server */
    const wt_app *app;      /* NULL: refused */
    char *path, *origin;
    char user[65];
    leat_list channels;
} serve_session;

/* A stream that is answered: on itself when it is bidirectional, else on a new unidirectional one. */
#define CHANNEL_OUT_MAX 65536
typedef struct serve_channel {
    leat_list node; /* in session.channels */
    serve_session *session;
    uint64_t in, out_stream;
    bool has_out_stream, is_held, has_ended;
    leat_buffer out;
    uint64_t received; /* bytes, for whoever counts */
    void *state;
} serve_channel;

/* channel.c */
void channel_on_data(serve_session *session, const leat_wt_event *event);
void channel_on_writable(serve_session *session, uint64_t stream_id);
void channel_on_reset(serve_session *session, const leat_wt_event *event);
void channel_on_stop(serve_session *session, const leat_wt_event *event);
void channel_flush(serve_channel *channel);
void channel_free(serve_channel *channel);
void channel_answer(serve_channel *channel, const char *text);

/* workers.c */
/* False: message. */
bool workers_open(serve_app *serve, const leat_server_config *config, char message[LEAT_MESSAGE_MAX]);
/* Runs all of them until they are asked to stop. */
int workers_run(serve_app *serve);
/* There are new certificates or a new client_trust: connections from now on get them. Called by the first worker. */
void workers_take_certificates(serve_app *serve);
/* Async-signal-safe. */
void workers_request_stop(serve_app *serve);
void workers_close(serve_app *serve);

/* store.c: counts by user; SQLite when a file is given. */
serve_store *store_open(const char *file, char message[LEAT_MESSAGE_MAX]); /* file NULL: in memory */
/* The count after one more click, or 0 on failure (written to stderr). */
uint64_t store_increment(serve_store *store, leat_span user);
void store_close(serve_store *store);

/* certificate.c: identities given by files, or one of our own that is renewed. */
serve_certificates *certificates_open(serve_app *serve, char message[LEAT_MESSAGE_MAX]);
/* Loads again (SIGHUP) or renews when due; on failure the old ones stay, with the reason on
 * stderr. True: something changed. */
bool certificates_reload(serve_certificates *certificates, bool forced);
leat_identity *const *certificates_identities(serve_certificates *certificates, size_t *count);
/* base64 of the first identity's hash, with a NUL. */
const char *certificates_hash(serve_certificates *certificates);
bool certificates_are_own(const serve_certificates *certificates);
void certificates_free(serve_certificates *certificates);
/* 32 bytes from a file, made on first use with mode 0600. file NULL: reset.key in the state folder. */
bool reset_key_load(const char *file, uint8_t key[32], char message[LEAT_MESSAGE_MAX]);

/* client_auth.c: fills quic.client_trust and client_auth. 0, or an exit status after a line on stderr. */
int client_auth_open(serve_app *serve, char message[LEAT_MESSAGE_MAX]);
/* Loads --client-ca again (SIGHUP), while certificates_mutex is held; on failure the old one stays,
 * with the reason on stderr. True: there is a new one. */
bool client_auth_reload(serve_app *serve);

/* page.c: the demo page over HTTP/1.1 on a loopback address, in the same loop. */
serve_page *page_open(serve_app *serve, const char *host_port, char message[LEAT_MESSAGE_MAX]);
bool page_watch(serve_page *page, leat_server *server);
const char *page_url(const serve_page *page);
void page_close(serve_page *page);

#endif
