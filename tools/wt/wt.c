/*
 * `leat wt`: connects, requests a session, does what was asked or what is typed, closes. Every
 * event of the session is one line on stdout.
 */
#include "talk.h"

#include "../commands.h"
#include "../key_log.h"
#include "../protocols.h"
#include "../qlog_files.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define STEP (100 * LEAT_MILLISECOND)
/* In a session: how exactly --wait is kept. */
#define WAITING_STEP (10 * LEAT_MILLISECOND)
/* How long the server's FIN is waited for after our close. */
#define CLOSE_WAIT LEAT_SECOND
/* One event printed whole: a stream's receive window, each byte as a JSON escape at worst. */
#define PRINTED_MAX ((size_t)2 * 1024 * 1024)
/* Keeps a session open while somebody thinks about what to type. */
#define KEEP_ALIVE (10 * LEAT_SECOND)

#define AT(member) offsetof(talk, settings.member)
/* clang-format off */
static const option_row rows[] = {
    CLIENT_TRUST_ROWS(talk, settings.trust),
    CLIENT_IDENTITY_ROWS(talk, settings.identity),
    {"--datagram", OPTION_LIST, AT(datagrams), "TEXT", "send a datagram; may be repeated"},
    {"--uni", OPTION_LIST, AT(uni), "FILE", "send FILE (-: stdin) on a unidirectional stream; may be repeated"},
    {"--bidi", OPTION_LIST, AT(bidi), "FILE", "send FILE (-: stdin) on a bidirectional stream; may be repeated"},
    {"--protocol", OPTION_LIST, AT(protocols), "P", "offer this application protocol; may be repeated"},
    {"--origin", OPTION_TEXT, AT(origin), "ORIGIN", "send this Origin, as a browser would (none)"},
    {"--close", OPTION_TEXT, AT(close), "CODE:REASON", "close the session with these (0 and no reason)"},
    {"--wait", OPTION_SECONDS, AT(wait), "S", "wait this long for answers to datagrams and unidirectional streams (1)"},
    {"--connect-timeout", OPTION_SECONDS, AT(connect_timeout), "S", "give up connecting after S seconds (10)"},
    {"--keylog", OPTION_TEXT, AT(keylog), "FILE", "append TLS secrets in the NSS key log format"},
    {"--qlog", OPTION_TEXT, AT(qlog), "DIR", "write a trace of each connection to DIR, as qlog"},
    {"-v", OPTION_FLAG, AT(verbose), NULL, "print the events of the connection on stderr"},
};
/* clang-format on */
static const option_table table = {"leat wt [OPTION]... URL",
    "Opens a WebTransport session. Without --datagram, --uni and --bidi it reads lines: datagram "
    "TEXT, bidi TEXT, uni TEXT,\n"
    "close CODE REASON; Ctrl-D ends.",
    rows, sizeof rows / sizeof rows[0], AT(urls), true};

void talk_complain(talk *app, const char *format, ...) {
    va_list arguments;
    app->has_failed = true;
    fputs("leat wt: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

leat_wt *talk_wt(const talk *app) {
    return app->client == NULL ? NULL : leat_client_wt(app->client);
}

void talk_close(talk *app, uint32_t code, const char *reason, size_t length) {
    leat_wt *wt = talk_wt(app);
    int error = wt == NULL || app->is_closed
                    ? LEAT_OK
                    : leat_wt_close(wt, app->session_id, code, reason, length);
    if (error != LEAT_OK) {
        talk_complain(app, "the session cannot be closed like this: %s", leat_err_string(error));
    }
}

/* ---- signals ---- */

static volatile sig_atomic_t was_interrupted;

/* The first one closes in order; the next one ends at once. */
static void on_signal(int number) {
    was_interrupted = 1;
    signal(number, SIG_DFL);
}

/* ---- events ---- */

static void request_session(talk *app) {
    leat_wt *wt = talk_wt(app);
    const option_list *wanted = &app->settings.protocols;
    char *protocols = protocols_format(wanted->values, wanted->count);
    leat_h3_header header =
        leat_h3_header_of("wt-available-protocols", protocols == NULL ? "" : protocols);
    int error = wt == NULL || protocols == NULL
                    ? LEAT_ERR_NOMEM
                    : leat_wt_connect(wt, app->url.authority, app->url.target, app->settings.origin,
                          &header, app->settings.protocols.count > 0 ? 1 : 0, &app->session_id);
    leat_free(NULL, protocols);
    if (error != LEAT_OK) {
        talk_complain(app, "the session cannot be requested: %s", leat_err_string(error));
        leat_conn_close(leat_client_conn(app->client), LEAT_H3_NO_ERROR, "");
    }
}

static void on_refused(talk *app, const leat_wt_event *event) {
    leat_span details = leat_h3_find_header(
        event->session_refused.headers, event->session_refused.header_count, "details");
    snprintf(app->failure, sizeof app->failure,
        "the server refused the session with status %u%s%.*s", event->session_refused.status,
        details.length > 0 ? ": " : "", (int)(details.length < 500 ? details.length : 500),
        (const char *)details.data);
}

static void on_wt_event(void *user, leat_conn *conn, leat_wt *wt, const leat_wt_event *event) {
    talk *app = user;
    (void)conn, (void)wt;
    puts(leat_wt_event_format(event, app->line, PRINTED_MAX));
    switch (event->type) {
    case LEAT_WT_EVENT_SESSION_READY:
        app->is_ready = true;
        actions_start(app);
        if (app->is_interactive) {
            prompt_start(app);
        }
        break;
    case LEAT_WT_EVENT_SESSION_REFUSED:
        on_refused(app, event);
        break;
    case LEAT_WT_EVENT_SESSION_CLOSED:
        app->is_closed = true;
        app->was_clean = event->session_closed.clean;
        break;
    default:
        actions_on_wt_event(app, event);
        break;
    }
}

/* The end is printed in any case, elsewhere; a ticket is a secret. */
static void say_event(const talk *app, const leat_event *event) {
    if (app->settings.verbose && event->type == LEAT_EVENT_SESSION_TICKET) {
        fprintf(stderr, "%s\n", leat_event_name(event->type));
    } else if (app->settings.verbose && event->type != LEAT_EVENT_CONNECTION_TERMINATED) {
        fprintf(stderr, "%s\n", leat_event_format(event, app->line, PRINTED_MAX));
    }
}

static void on_event(void *user, leat_conn *conn, const leat_event *event) {
    talk *app = user;
    (void)conn;
    say_event(app, event);
    switch (event->type) {
    case LEAT_EVENT_HANDSHAKE_COMPLETED:
        app->had_handshake = true;
        request_session(app);
        break;
    case LEAT_EVENT_STREAM_DELIVERED:
        actions_on_delivered(app, event->stream.stream_id);
        break;
    case LEAT_EVENT_STREAMS_AVAILABLE:
        actions_continue(app);
        break;
    case LEAT_EVENT_CONNECTION_TERMINATED:
        puts(leat_event_format(event, app->line, PRINTED_MAX));
        app->is_terminated = true;
        if (app->failure[0] == '\0') {
            client_failure_describe(event, app->had_handshake, app->url.authority, app->failure);
        }
        break;
    default:
        break;
    }
}

/* ---- start ---- */

/* "CODE:REASON" or "CODE". */
static int parse_close(talk *app) {
    char *end = NULL;
    const char *text = app->settings.close == NULL ? "0:" : app->settings.close;
    unsigned long long code = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || code > UINT32_MAX || (*end != ':' && *end != '\0')) {
        return options_complain(
            &table, "--close wants a number below 2^32 and a reason, as 7:bye, not '%s'", text);
    }
    app->close_code = (uint32_t)code;
    app->close_reason = *end == ':' ? end + 1 : end;
    if (strlen(app->close_reason) > LEAT_WT_REASON_MAX ||
        !leat_utf8_is_valid(leat_span_of(app->close_reason))) {
        return options_complain(
            &table, "the reason of --close must be UTF-8 of at most %d bytes", LEAT_WT_REASON_MAX);
    }
    return 0;
}

static int check_options(talk *app) {
    const char *problem;
    if (app->settings.urls.count != 1) {
        return options_complain(
            &table, "one URL is wanted, not %zu; see leat wt --help", app->settings.urls.count);
    }
    if (!url_parse(app->settings.urls.values[0], &app->url, &problem)) {
        return options_complain(
            &table, "'%s' cannot be opened: %s", app->settings.urls.values[0], problem);
    }
    for (size_t i = 0; i < app->settings.protocols.count; i++) {
        for (const char *c = app->settings.protocols.values[i]; *c != '\0'; c++) {
            if (*c < 0x20 || *c > 0x7e) {
                return options_complain(&table, "--protocol must be printable ASCII");
            }
        }
    }
    return parse_close(app);
}

static int prepare(talk *app) {
    int status = check_options(app);
    status = status == 0 ? actions_prepare(app) : status;
    if (status != 0) {
        return status;
    }
    leat_config_init(&app->quic, true);
    if (!key_log_open(&table, app->settings.keylog, &app->keylog, &app->quic) ||
        !qlog_files_open(&table, app->settings.qlog, &app->qlog, &app->quic)) {
        return 1;
    }
    app->is_interactive = leat_list_is_empty(&app->streams) && app->datagrams.length == 0;
    app->line = leat_alloc(NULL, PRINTED_MAX);
    app->trust = client_trust_open(&app->settings.trust, &table, &status);
    status = status != 0 ? status
                         : client_identity_open(
                               &app->settings.identity, &table, &app->identity, &app->quic);
    return app->line == NULL ? 1 : status;
}

static bool connect_client(talk *app) {
    char message[LEAT_MESSAGE_MAX];
    leat_client_config config;
    app->quic.trust = app->trust;
    app->quic.server_name = app->url.host;
    app->quic.handshake_timeout = app->settings.connect_timeout;
    app->quic.keep_alive = app->is_interactive ? KEEP_ALIVE : 0;
    leat_client_config_init(&config);
    config.quic = &app->quic;
    config.layers = LEAT_LAYER_WEBTRANSPORT;
    config.handler = (leat_io_handler){.on_event = on_event, .on_wt_event = on_wt_event};
    config.user = app;
    app->client = leat_client_new(&config, app->url.host, app->url.port, message);
    if (app->client == NULL) {
        talk_complain(app, "%s", message);
    }
    return app->client != NULL;
}

/* ---- life ---- */

/* One turn of the loop. False: there is no connection any more. */
static bool turn(talk *app, leat_time timeout) {
    return !app->is_terminated && leat_client_step(app->client, timeout) && !app->is_terminated;
}

static bool is_done(const talk *app) {
    bool is_asked = app->is_ready && (!app->is_interactive || app->input_ended);
    return app->is_closed || was_interrupted ||
           (is_asked && actions_are_done(app, leat_clock_now()));
}

static void run(talk *app) {
    while (!is_done(app) && turn(app, app->is_ready ? WAITING_STEP : STEP)) {
        actions_continue(app);
    }
}

static bool is_waiting_for_peers_end(const talk *app) {
    leat_wt *wt = talk_wt(app);
    return wt != NULL && leat_wt_is_closing(wt);
}

static void finish(talk *app) {
    leat_time deadline = leat_clock_now() + CLOSE_WAIT;
    prompt_stop(app);
    if (app->is_ready) {
        talk_close(app, app->close_code, app->close_reason, strlen(app->close_reason));
    }
    bool is_open = turn(app, 0); /* what stands in the queues goes out */
    /* draft-ietf-webtrans-http3-07 §5: who closes waits for the end of the other's CONNECT stream.
     */
    while (is_open && is_waiting_for_peers_end(app) && leat_clock_now() < deadline) {
        is_open = turn(app, STEP);
    }
    if (is_open) {
        leat_conn_close(leat_client_conn(app->client), LEAT_H3_NO_ERROR, "");
        turn(app, 0);
    }
}

static int status_of(talk *app) {
    if (!app->is_ready && !app->has_failed && !was_interrupted) {
        talk_complain(app, "no session: %s",
            app->failure[0] != '\0'
                ? app->failure
                : "the server's settings offer no WebTransport version that is spoken here");
    } else if (app->is_ready && !app->was_clean) {
        talk_complain(app, "the session was broken off: %s",
            app->failure[0] != '\0' ? app->failure : "see SessionClosed");
    }
    return app->is_ready && app->is_closed && app->was_clean && !app->has_failed ? 0 : 1;
}

static void release(talk *app) {
    actions_free(app);
    leat_client_free(app->client);
    leat_trust_free(app->trust);
    leat_identity_free(app->identity);
    leat_free(NULL, app->line);
    key_log_close(app->keylog);
    qlog_files_close(app->qlog);
}

static int talk_run(talk *app) {
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (!connect_client(app)) {
        return 1;
    }
    run(app);
    finish(app);
    return status_of(app);
}

int command_wt(int count, char **arguments) {
    talk *made = leat_alloc(NULL, sizeof *made);
    if (made == NULL) {
        return 1;
    }
    made->table = &table;
    made->settings.wait = LEAT_SECOND;
    made->settings.connect_timeout = 10 * LEAT_SECOND;
    leat_list_init(&made->streams);
    setvbuf(stdout, NULL, _IOLBF, 0);
    int status = options_parse(&table, count, arguments, made);
    if (status == 0) {
        status = prepare(made);
        status = status == 0 ? talk_run(made) : status;
        release(made);
    }
    leat_free(NULL, made);
    return status < 0 ? 0 : status;
}
