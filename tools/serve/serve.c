/*
 * `leat serve`: options, start, signals, and the lines on stdout that other programs read.
 * Everything runs in one loop, or in one for each worker (workers.c).
 */
#include "serve.h"

#include "../commands.h"
#include "../key_log.h"
#include "../qlog_files.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"

#define AT(member) offsetof(serve_app, settings.member)
static const option_row rows[] = {
    {"--listen", OPTION_LIST, AT(listen), "HOST:PORT", "where to listen; may be repeated (127.0.0.1:4433 and [::1]:4433)"},
    {"--root", OPTION_TEXT, AT(root), "DIR", "serve the files below DIR"},
    {"--cert", OPTION_LIST, AT(cert), "FILE", "certificate chain, PEM; may be repeated (one of its own is made)"},
    {"--key", OPTION_LIST, AT(key), "FILE", "private key of the certificate before it (in the same file)"},
    {"--key-password-file", OPTION_LIST, AT(key_password_file), "FILE", "the first line is the password of the key"},
    {"--client-ca", OPTION_TEXT, AT(client_ca), "FILE", "ask clients for a certificate that a CA in FILE, PEM, has signed"},
    {"--client-auth", OPTION_TEXT, AT(client_auth), "HOW", "with --client-ca: require a certificate, or request one (require)"},
    {"--page", OPTION_TEXT, AT(page), "HOST:PORT", "serve the demo page over HTTP/1.1 there"},
    {"--store", OPTION_TEXT, AT(store), "FILE", "keep the clicker's counts in this SQLite file"},
    {"--origin", OPTION_LIST, AT(origin), "ORIGIN", "let in sessions of this origin only; may be repeated (any)"},
    {"--max-sessions", OPTION_NUMBER, AT(max_sessions), "N", "WebTransport sessions at a time (10000)"},
    {"--retry", OPTION_FLAG, AT(retry), NULL, "validate every client's address with Retry"},
    {"--early-data", OPTION_FLAG, AT(early_data), NULL, "take GET and HEAD in 0-RTT; sessions then end with this process"},
    {"--reset-key", OPTION_TEXT, AT(reset_key), "FILE", "32 secret bytes that survive restarts (in the state folder)"},
    {"--workers", OPTION_NUMBER, AT(workers), "N", "loops in threads of their own, on the same sockets' addresses (1)"},
    {"--idle-timeout", OPTION_SECONDS, AT(idle_timeout), "S", "end connections after S seconds without a packet (30)"},
    {"--request-timeout", OPTION_SECONDS, AT(request_timeout), "S", "end connections that ask for nothing within S seconds, 0: off (15)"},
    {"--liveness", OPTION_SECONDS, AT(liveness), "S", "end connections with a session after S seconds of silence, 0: off (3)"},
    {"--drain", OPTION_SECONDS, AT(drain), "S", "seconds that requests may take after SIGTERM (3)"},
    {"--keylog", OPTION_TEXT, AT(keylog), "FILE", "append TLS secrets in the NSS key log format"},
    {"--qlog", OPTION_TEXT, AT(qlog), "DIR", "write a trace of each connection to DIR, as qlog"},
    {"-v", OPTION_FLAG, AT(verbose), NULL, "say on stderr what happens"},
};
static const option_table table = {
    "leat serve [OPTION]...", "Serves files, /echo and /bytes/N over HTTP/3, and /counter, /clicker and /echo over WebTransport.",
    rows, sizeof rows / sizeof rows[0], 0, false};

/* ---- signals ---- */

static serve_app *signalled;
static int reload_pipe[2];

static void on_stop_signal(int number) {
    static volatile sig_atomic_t count;
    (void)number;
    if (count++ > 0) {
        _exit(1);
    }
    workers_request_stop(signalled);
}

static void on_reload_signal(int number) {
    int kept = errno;
    (void)number;
    ssize_t written = write(reload_pipe[1], "r", 1);
    (void)written;
    errno = kept;
}

static void watch_signals(serve_app *serve) {
    signalled = serve;
    struct sigaction stop = {.sa_handler = on_stop_signal, .sa_flags = SA_RESTART};
    struct sigaction reload = {.sa_handler = on_reload_signal, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGHUP, &reload, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

/* ---- events ---- */

/*
 * When there are new certificates, connections from now on get them, and whoever pins hashes learns
 * the new one. The same for those whose client certificates are accepted.
 */
static void reload_certificates(serve_app *serve, bool forced) {
    pthread_mutex_lock(&serve->certificates_mutex);
    bool has_changed = certificates_reload(serve->certificates, forced);
    bool trust_has_changed = forced && client_auth_reload(serve);
    pthread_mutex_unlock(&serve->certificates_mutex);
    if (has_changed || trust_has_changed) {
        workers_take_certificates(serve);
    }
    if (has_changed) {
        printf("certificate-hash: %s\n", certificates_hash(serve->certificates));
    }
}

static void on_reload(void *user, int fd) {
    char drained[16];
    if (read(fd, drained, sizeof drained) > 0) {
        reload_certificates(user, true);
    }
}

#define RENEWAL_CHECK (3600 * LEAT_SECOND)
static void on_timer(void *user, leat_time now) {
    serve_worker *first = user;
    reload_certificates(first->serve, false);
    leat_server_set_timer(first->server, now + RENEWAL_CHECK);
}

static serve_app *serve_of(void *user) { return ((serve_worker *)user)->serve; }

static void on_connected(void *user, leat_conn *conn) {
    serve_client *made = leat_alloc(NULL, sizeof *made);
    if (made == NULL) {
        leat_conn_close(conn, LEAT_H3_INTERNAL_ERROR, "out of memory");
        return;
    }
    made->serve = serve_of(user);
    leat_list_init(&made->sessions);
    leat_list_init(&made->requests);
    leat_conn_set_user(conn, made);
}

static void on_closed(void *user, leat_conn *conn) {
    (void)user;
    serve_client *client = leat_conn_user(conn);
    if (client != NULL) {
        http_free_requests(client);
        leat_free(NULL, client);
    }
}

static void narrate(const leat_conn *conn, const leat_event *event) {
    char line[4096];
    fprintf(stderr, "%s\n", leat_event_format(event, line, sizeof line));
    if (event->type == LEAT_EVENT_HANDSHAKE_COMPLETED) {
        fprintf(stderr, "handshake: cipher=%s group=%s retried=%s\n", leat_conn_cipher_suite(conn),
            leat_conn_group_name(conn), leat_conn_was_retried(conn) ? "yes" : "no");
    }
}

static void on_event(void *user, leat_conn *conn, const leat_event *event) {
    const serve_app *serve = serve_of(user);
    char line[4096];
    if (serve->settings.verbose) {
        narrate(conn, event);
    }
    if (event->type == LEAT_EVENT_STREAMS_AVAILABLE && leat_conn_user(conn) != NULL) {
        sessions_retry_streams(leat_conn_user(conn));
    } else if (event->type == LEAT_EVENT_CONNECTION_TERMINATED) {
        leat_text text = leat_text_make(line, sizeof line);
        leat_text_printf(&text, "connection-closed source=%s code=%" PRIu64 " reason=",
            leat_close_source_name(event->connection_terminated.source),
            event->connection_terminated.error_code);
        leat_text_json(
            &text, (leat_span){(const uint8_t *)event->connection_terminated.reason_phrase,
                       event->connection_terminated.reason_length});
        puts(line);
    }
}

static void on_h3_event(void *user, leat_conn *conn, leat_h3 *h3, const leat_h3_event *event) {
    if (leat_conn_user(conn) != NULL) {
        http_on_event(serve_of(user), conn, h3, event);
    }
}

static void on_wt_event(void *user, leat_conn *conn, leat_wt *wt, const leat_wt_event *event) {
    if (leat_conn_user(conn) != NULL) {
        sessions_on_event(serve_of(user), conn, wt, event);
    }
}

/* ---- start ---- */

static int resolve_listen(
    const serve_app *serve, leat_address *addresses, size_t capacity, size_t *count) {
    char message[LEAT_MESSAGE_MAX];
    *count = 0;
    for (size_t i = 0; i < serve->settings.listen.count; i++) {
        int found = leat_address_resolve(
            serve->settings.listen.values[i], addresses + *count, capacity - *count, message);
        if (found <= 0) {
            return options_complain(
                &table, "--listen %s: %s", serve->settings.listen.values[i], message);
        }
        *count += (size_t)found;
    }
    return 0;
}

static void fill_quic_config(serve_app *serve) {
    static const char *const alpn[] = {"h3"};
    leat_config_init(&serve->quic, false);
    serve->quic.alpn = alpn;
    serve->quic.alpn_count = 1;
    serve->quic.max_idle_timeout = serve->settings.idle_timeout;
    serve->quic.request_timeout = serve->settings.request_timeout;
    serve->quic.liveness = serve->settings.liveness;
    serve->quic.max_datagram_frame_size = 65535;
}

/* RFC 8446 §8: early data wants keys that no other process has, or had lately. */
static void fill_sessions(serve_app *serve) {
    leat_h3_config h3;
    leat_h3_config_init(&h3);
    leat_wt_h3_config(&h3);
    serve->quic.early_data = serve->settings.early_data;
    serve->quic.session_application = (leat_span){
        serve->session_application,
        leat_h3_session_application(
            &h3, serve->session_application, sizeof serve->session_application)};
    serve->quic.resumption_keys =
        leat_resumption_keys_new(serve->settings.early_data ? NULL : serve->reset_key);
}

/* 0, or an exit status after a sentence on stderr. Everything that can be missing is asked for
 * here. */
static int prepare(serve_app *serve) {
    char message[LEAT_MESSAGE_MAX] = "";
    if (serve->settings.workers == 0 || serve->settings.workers > SERVE_WORKERS_MAX) {
        serve->settings.workers = 0; /* none to close */
        return options_complain(&table, "--workers takes a number from 1 to %d", SERVE_WORKERS_MAX);
    }
    if (serve->settings.key.count > serve->settings.cert.count) {
        return options_complain(&table, "every --key needs its --cert");
    }
    if (serve->settings.root != NULL && access(serve->settings.root, R_OK | X_OK) != 0) {
        options_complain(
            &table, "cannot read --root %s: %s", serve->settings.root, strerror(errno));
        return 1;
    }
    fill_quic_config(serve);
    if (!key_log_open(&table, serve->settings.keylog, &serve->keylog, &serve->quic) ||
        !qlog_files_open(&table, serve->settings.qlog, &serve->qlog, &serve->quic)) {
        return 1;
    }
    int status = client_auth_open(serve, message);
    if (status != 0) {
        return status;
    }
    serve->certificates = certificates_open(serve, message);
    serve->store = serve->certificates == NULL ? NULL : store_open(serve->settings.store, message);
    if (serve->store == NULL ||
        !reset_key_load(serve->settings.reset_key, serve->reset_key, message)) {
        options_complain(&table, "%s", message);
        return 1;
    }
    fill_sessions(serve);
    return 0;
}

static bool open_servers(serve_app *serve, const leat_address *listen, size_t listen_count,
    char message[LEAT_MESSAGE_MAX]) {
    leat_server_config config;
    leat_server_config_init(&config);
    leat_endpoint_config_init(&serve->endpoint);
    serve->endpoint.reset_key = serve->reset_key;
    serve->endpoint.retry = serve->settings.retry;
    leat_wt_config_init(&serve->webtransport);
    config.endpoint = &serve->endpoint;
    config.webtransport = &serve->webtransport;
    config.layers = LEAT_LAYER_WEBTRANSPORT;
    config.listen = listen;
    config.listen_count = listen_count;
    config.drain = serve->settings.drain;
    config.handler =
        (leat_io_handler){on_connected, on_event, on_h3_event, on_wt_event, on_closed, on_timer};
    return workers_open(serve, &config, message);
}

static void announce(serve_app *serve) {
    if (serve->settings.origin.count == 0) {
        fprintf(stderr,
            "leat serve: sessions of any origin are let in; name the allowed ones with --origin\n");
    }
    printf("certificate-hash: %s\n", certificates_hash(serve->certificates));
    if (serve->page != NULL) {
        printf("page: %s\n", page_url(serve->page));
    }
    const leat_server *first = serve_first(serve);
    for (size_t i = 0; i < leat_server_address_count(first); i++) {
        char text[LEAT_ADDRESS_TEXT_MAX];
        printf("listening: %s\n", leat_address_format(leat_server_address(first, i), text));
    }
}

static void release(serve_app *serve) {
    page_close(serve->page);
    workers_close(serve);
    store_close(serve->store);
    certificates_free(serve->certificates);
    leat_resumption_keys_free(serve->quic.resumption_keys);
    leat_trust_free(serve->quic.client_trust);
    key_log_close(serve->keylog);
    qlog_files_close(serve->qlog);
}

static int run(serve_app *serve) {
    leat_address listen[64];
    char message[LEAT_MESSAGE_MAX] = "";
    size_t listen_count;
    int status = resolve_listen(serve, listen, sizeof listen / sizeof listen[0], &listen_count);
    if (status != 0) {
        return status;
    }
    bool is_ready = open_servers(serve, listen, listen_count, message) && pipe(reload_pipe) == 0 &&
                    leat_server_watch_fd(serve_first(serve), reload_pipe[0], on_reload, serve) == 0;
    if (is_ready && serve->settings.page != NULL) {
        serve->page = page_open(serve, serve->settings.page, message);
        is_ready = serve->page != NULL && page_watch(serve->page, serve_first(serve));
    }
    if (!is_ready) {
        options_complain(&table, "%s", message);
        return 1;
    }
    watch_signals(serve);
    announce(serve);
    leat_server_set_timer(serve_first(serve), leat_clock_now() + RENEWAL_CHECK);
    return workers_run(serve);
}

/* A machine without IPv6 has no ::1 to listen on; that is no reason not to start. */
static bool has_ipv6_loopback(void) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    bool is_bound = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return is_bound;
}

int command_serve(int count, char **arguments) {
    serve_app *made = leat_alloc(NULL, sizeof *made);
    if (made == NULL) {
        return 1;
    }
    pthread_mutex_init(&made->certificates_mutex, NULL);
    made->settings.max_sessions = 10000;
    made->settings.idle_timeout = 30 * LEAT_SECOND;
    made->settings.request_timeout = 15 * LEAT_SECOND;
    made->settings.liveness = 3 * LEAT_SECOND;
    made->settings.drain = 3 * LEAT_SECOND;
    made->settings.workers = 1;
    made->table = &table;
    setvbuf(stdout, NULL, _IOLBF, 0);
    int status = options_parse(&table, count, arguments, made);
    if (status == 0) {
        if (made->settings.listen.count == 0) {
            made->settings.listen = (option_list){{"127.0.0.1:4433", "[::1]:4433"}, 2};
            made->settings.listen.count = has_ipv6_loopback() ? 2 : 1;
        }
        status = prepare(made);
        status = status == 0 ? run(made) : status;
        release(made);
    }
    leat_free(NULL, made);
    return status < 0 ? 0 : status;
}
