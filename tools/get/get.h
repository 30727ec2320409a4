/*
 * `leat get` inside. A transfer per URL; an origin per host and port, which is one connection that
 * its transfers share. Files: get.c (options and the loop), origin.c (connections and their
 * events), transfer.c (life of a transfer), request.c and response.c (its two halves), output.c
 * (where bodies go, in order), write_out.c (-w), session_file.c (tickets), progress.c.
 */
#ifndef LEAT_TOOLS_GET_H
#define LEAT_TOOLS_GET_H

#include <leat/leat.h>
#include <stdio.h>

#include "../client_failure.h"
#include "../client_identity.h"
#include "../client_trust.h"
#include "../options.h"
#include "../url.h"
#include "base/alloc.h"
#include "base/bytes.h"
#include "base/list.h"
#include "base/text.h"

#define GET_REDIRECTS_MAX 10 /* stops servers that redirect in a circle */

typedef struct get_app get_app;
typedef struct get_origin get_origin;
typedef struct get_transfer get_transfer;
typedef struct get_sessions get_sessions;
typedef enum session_kind { SESSION_TICKET, SESSION_TOKEN, SESSION_PARTS } session_kind;

/* ---- output.c: where a body goes ---- */

/* Bodies for stdout that are not its turn yet wait in memory up to here, then in a temporary file.
 */
#define GET_OUTPUT_MEMORY_MAX ((size_t)1024 * 1024)

typedef struct get_output {
    char *path;         /* NULL: stdout */
    FILE *file;         /* of path; opened when the response begins */
    bool has_turn;      /* stdout: everything goes out at once */
    leat_buffer memory; /* stdout: what waits for its turn ... */
    FILE *spool;        /* ... and what came after memory was full */
} get_output;

void output_init(get_output *output, const char *path); /* path NULL or "-": stdout */
/* False: errno says why. */
bool output_open(get_output *output);
bool output_write(get_output *output, leat_span data);
/* What waited goes to stdout, and what comes later goes there at once. */
bool output_take_turn(get_output *output);
/* False: the last bytes could not be written. */
bool output_close(get_output *output);

/* ---- transfer.c ---- */

typedef enum get_state {
    GET_UNASSIGNED, /* needs a connection: at the start, after a redirect, for the second try */
    GET_WAITING,    /* has a connection and waits until it takes requests */
    GET_SENT,
    GET_DONE,
    GET_FAILED,
} get_state;

struct get_transfer {
    leat_list node; /* in origin.transfers while WAITING or SENT */
    get_app *app;
    get_origin *origin;
    const char *text; /* the URL as it was given */
    tool_url url;     /* the one asked for now */
    get_state state;
    uint64_t stream_id;

    const char *method;
    FILE *upload;           /* NULL: no body */
    uint64_t upload_length; /* UINT64_MAX: unknown */
    uint8_t chunk[16384];   /* of the upload: what the stream did not take yet */
    size_t chunk_used, chunk_length;
    bool upload_ended;

    get_output output;
    unsigned status;
    bool has_response, has_length, is_discarded, is_redirect, was_retried;
    unsigned redirects;
    uint64_t length, received, sent, header_bytes; /* length: the response's content-length */
    char content_type[256];
    char location[URL_TARGET_MAX];

    leat_time started, connected, first_byte, ended; /* LEAT_TIME_NEVER: did not happen */
    char failure[CLIENT_FAILURE_MAX + 256];
};

/* 0, or an exit status after a line on stderr. */
int transfer_init(get_transfer *transfer, get_app *app, size_t index);
void transfer_clear(get_transfer *transfer);
static inline bool transfer_has_ended(const get_transfer *transfer) {
    return transfer->state >= GET_DONE;
}
void transfer_succeed(get_transfer *transfer);
void transfer_fail(get_transfer *transfer, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/* Not processed by the server: once more on a new connection; `reason` is told when that has been
 * tried. */
void transfer_retry(get_transfer *transfer, const char *reason);
void transfer_follow(get_transfer *transfer);
/* Takes it out of its origin. */
void transfer_leave(get_transfer *transfer);

/* ---- request.c ---- */

/* Whether -H has a usable form; message says what is wrong. */
bool request_field_is_valid(const char *field);
/* Opens the stream and sends the headers and what fits of the body. False: the peer allows no more
 * streams now. */
bool request_start(get_transfer *transfer);
/* Sends what there is room for. */
void request_pump(get_transfer *transfer);
/* Back to the start of the body. False: it cannot be read twice. */
bool request_rewind(get_transfer *transfer);
/* RFC 8470 §2: may go early, as it does no harm when it is made twice. */
bool request_is_safe(const get_transfer *transfer);

/* ---- response.c ---- */

void response_on_event(get_transfer *transfer, const leat_h3_event *event);

/* ---- origin.c ---- */

struct get_origin {
    leat_list node; /* in app.origins */
    get_app *app;
    leat_client *client;
    char authority[sizeof((tool_url *)0)->authority];
    leat_list transfers;
    leat_time connected; /* LEAT_TIME_NEVER: not yet */
    uint8_t *kept[SESSION_PARTS]; /* copies: the connection may be begun again at another address */
    bool is_leaving;     /* takes no new requests: GOAWAY, or it has ended */
    bool has_ended, had_ticket;
};

/* The connection for a URL, made when there is none. NULL: the transfer has failed. */
get_origin *origin_for(get_transfer *transfer);
void origin_join(get_origin *origin, get_transfer *transfer);
/* Sends the requests that wait. */
void origin_start_waiting(get_origin *origin);
void origin_free(get_origin *origin);

/* ---- session_file.c: tickets and tokens by host and port, in a file of mode 0600 ---- */

get_sessions *sessions_file_open(const char *path, char message[LEAT_MESSAGE_MAX]);
leat_span sessions_file_find(
    const get_sessions *sessions, const char *authority, session_kind kind);
void sessions_file_put(
    get_sessions *sessions, const char *authority, session_kind kind, leat_span bytes);
void sessions_file_forget(get_sessions *sessions, const char *authority, session_kind kind);
/* False: errno says why. */
bool sessions_file_save(const get_sessions *sessions);
void sessions_file_close(get_sessions *sessions);

/* ---- write_out.c ---- */

/* The first name in the format that is unknown, or NULL. */
const char *write_out_find_unknown(const char *format, size_t *length);
void write_out_print(const get_transfer *transfer, const char *format, FILE *out);

/* ---- progress.c ---- */

void progress_show(const get_app *app, leat_time now);
void progress_end(const get_app *app);

/* ---- get.c ---- */

struct get_app {
    struct {
        option_list urls, output, headers, resolve;
        bool remote_name, follow, include, head, fail, early_data, verbose, progress;
        const char *method, *data, *write_out, *keylog, *session, *qlog;
        client_trust_options trust;
        client_identity_options identity;
        leat_time max_time, connect_timeout;
    } settings;
    const option_table *table;
    leat_config quic;
    leat_trust *trust;
    leat_identity *identity;
    get_sessions *sessions;
    FILE *keylog;
    struct qlog_files *qlog;
    get_transfer *transfers;
    size_t count;
    size_t turn; /* the transfer whose output may go to stdout */
    leat_list origins;
    bool shows_progress;
    leat_time shown; /* progress: when last */
};

/* With -v: one line on stderr. */
void get_say(const get_app *app, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

#endif
