/* The server of `leat interop`: from the certificates of the runner to SIGTERM. */
#include "interop.h"

#include "../file.h"
#include "../serve/http.h"
#include "crypto/secret.h"

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define LISTEN_MAX 64

typedef struct interop_server_state {
    interop_app *app;
    serve_app http; /* only the root folder of it is used */
    leat_endpoint_config endpoint;
    leat_identity *identity;
} interop_server_state;

static leat_server *signalled_server;

static void on_signal(int number) {
    static volatile sig_atomic_t count;
    (void)number;
    if (count++ > 0) {
        _exit(1);
    }
    leat_server_request_stop(signalled_server);
}

static void watch_signals(leat_server *server) {
    signalled_server = server;
    struct sigaction stop = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
}

/* ---- events ---- */

static void on_connected(void *user, leat_conn *conn) {
    interop_server_state *state = user;
    interop_connection *made = leat_alloc(NULL, sizeof *made);
    if (made == NULL) {
        leat_conn_close(conn, LEAT_INTERNAL_ERROR, "out of memory");
        return;
    }
    made->http.serve = &state->http;
    leat_list_init(&made->http.sessions);
    leat_list_init(&made->http.requests);
    leat_list_init(&made->hq_streams);
    leat_conn_set_user(conn, made);
}

static void on_closed(void *user, leat_conn *conn) {
    (void)user;
    interop_connection *connection = leat_conn_user(conn);
    if (connection != NULL) {
        http_free_requests(&connection->http);
        hq_free_streams(connection);
        leat_free(NULL, connection);
    }
}

static void on_event(void *user, leat_conn *conn, const leat_event *event) {
    interop_server_state *state = user;
    interop_narrate(conn, event);
    bool is_hq = !state->app->testcase->is_http3 && state->app->protocol_count == 0;
    if (is_hq && leat_conn_user(conn) != NULL) {
        hq_on_event(state->app->settings.www, conn, event);
    }
}

static void on_h3_event(void *user, leat_conn *conn, leat_h3 *h3, const leat_h3_event *event) {
    interop_server_state *state = user;
    interop_connection *connection = leat_conn_user(conn);
    if (connection != NULL) {
        http_on_event(&state->http, conn, h3, event);
    }
}

static void on_wt_event(void *user, leat_conn *conn, leat_wt *wt, const leat_wt_event *event) {
    interop_server_state *state = user;
    (void)conn;
    if (event->type == LEAT_WT_EVENT_SESSION_REQUESTED) {
        interop_on_session_requested(state->app, wt, event);
    }
}

/* ---- start ---- */

static leat_identity *load_identity(const char *folder, char message[LEAT_MESSAGE_MAX]) {
    char path[PATH_MAX];
    size_t chain_length, key_length;
    leat_identity *identity = NULL;
    snprintf(path, sizeof path, "%s/cert.pem", folder);
    uint8_t *key = NULL, *chain = file_read(path, &chain_length, message);
    if (chain != NULL) {
        snprintf(path, sizeof path, "%s/priv.key", folder);
        key = file_read(path, &key_length, message);
    }
    if (key != NULL) {
        identity = leat_identity_from_pem(
            (leat_span){chain, chain_length}, (leat_span){key, key_length}, NULL, message);
        leat_wipe(key, key_length);
    }
    leat_free(NULL, chain);
    leat_free(NULL, key);
    return identity;
}

static size_t resolve_listen(
    const option_list *list, leat_address *addresses, char message[LEAT_MESSAGE_MAX]) {
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        int found = leat_address_resolve(
            list->values[i], addresses + count, LISTEN_MAX - count, message);
        if (found <= 0) {
            return 0;
        }
        count += (size_t)found;
    }
    return count;
}

/* ---- connectionmigration ---- */

/* A second socket for each address, on the next port. */
static size_t add_preferred(leat_address *addresses, size_t count) {
    for (size_t i = 0; i < count && count + i < LISTEN_MAX; i++) {
        addresses[count + i] = addresses[i];
        addresses[count + i].port = (uint16_t)(addresses[i].port == 0 ? 0 : addresses[i].port + 1);
    }
    return 2 * count < LISTEN_MAX ? 2 * count : LISTEN_MAX;
}

/* The address under which others find this host, where a server listens everywhere. */
static leat_address find_own(const leat_address *bound) {
    static const uint8_t any[sizeof bound->ip];
    char name[HOST_NAME_MAX + 8], message[LEAT_MESSAGE_MAX];
    leat_address found[LISTEN_MAX], own = *bound;
    if (memcmp(bound->ip, any, sizeof any) != 0) {
        return own;
    }
    own.family = LEAT_ADDRESS_NONE;
    name[HOST_NAME_MAX] = '\0';
    int count = gethostname(name, HOST_NAME_MAX) == 0
                    ? leat_address_resolve(strcat(name, ":0"), found, LISTEN_MAX, message)
                    : 0;
    for (int i = 0; i < count; i++) {
        if (found[i].family == bound->family) {
            own = found[i];
            own.port = bound->port;
        }
    }
    return own;
}

static void prefer_second_sockets(leat_server *server, leat_config *quic) {
    size_t count = leat_server_address_count(server);
    for (size_t i = count / 2; i < count; i++) {
        leat_address own = find_own(leat_server_address(server, i));
        if (own.family == LEAT_ADDRESS_IPV4) {
            quic->preferred_address_v4 = own;
        } else if (own.family == LEAT_ADDRESS_IPV6) {
            quic->preferred_address_v6 = own;
        }
    }
    leat_server_set_quic_config(server, quic);
}

/* ---- the server ---- */

static leat_server *open_server(interop_server_state *state, char message[LEAT_MESSAGE_MAX]) {
    static const option_list usual = {{"[::]:443", "0.0.0.0:443"}, 2};
    const option_list *listen = &state->app->settings.listen;
    leat_address addresses[LISTEN_MAX];
    leat_server_config config;
    leat_server_config_init(&config);
    leat_endpoint_config_init(&state->endpoint);
    state->endpoint.retry = state->app->testcase->has_retry;
    config.quic = &state->app->quic;
    config.h3 = &state->app->h3;
    config.endpoint = &state->endpoint;
    config.layers = state->app->protocol_count > 0     ? LEAT_LAYER_WEBTRANSPORT
                    : state->app->testcase->is_http3 ? LEAT_LAYER_H3
                                                     : LEAT_LAYER_QUIC;
    config.listen = addresses;
    config.listen_count = resolve_listen(listen->count > 0 ? listen : &usual, addresses, message);
    if (state->app->testcase->has_preferred_address) {
        config.listen_count = add_preferred(addresses, config.listen_count);
    }
    config.handler =
        (leat_io_handler){on_connected, on_event, on_h3_event, on_wt_event, on_closed, NULL};
    config.user = state;
    leat_server *server = config.listen_count > 0 ? leat_server_new(&config, message) : NULL;
    if (server != NULL && state->app->testcase->has_preferred_address) {
        prefer_second_sockets(server, &state->app->quic);
    }
    return server;
}

static int serve(leat_server *server) {
    char text[LEAT_ADDRESS_TEXT_MAX];
    watch_signals(server);
    for (size_t i = 0; i < leat_server_address_count(server); i++) {
        printf("listening: %s\n", leat_address_format(leat_server_address(server, i), text));
    }
    return leat_server_run(server) == 0 ? 0 : 1;
}

int interop_server(interop_app *app) {
    char message[LEAT_MESSAGE_MAX] = "out of memory";
    int status = 1;
    interop_server_state state = {.app = app};
    state.http.settings.root = app->settings.www;
    state.identity = load_identity(app->settings.certs, message);
    app->quic.identities = &state.identity;
    app->quic.identity_count = 1;
    app->quic.resumption_keys = leat_resumption_keys_new(NULL);
    leat_server *server = state.identity == NULL ? NULL : open_server(&state, message);
    if (server == NULL) {
        options_complain(app->table, "%s", message);
    } else {
        status = serve(server);
        leat_server_free(server);
    }
    leat_resumption_keys_free(app->quic.resumption_keys);
    leat_identity_free(state.identity);
    return status;
}
