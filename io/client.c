/*
 * The client: one connection, on one socket until it moves, driven by the caller's steps. A name
 * may have several addresses: while the handshake has not succeeded and another is left, a failure
 * is not told but the next one tried, on a new connection.
 */
#include "io/client_sockets.h"
#include "io/loop.h"
#include "io/sockaddr.h"
#include "io/stack.h"

#include "base/alloc.h"

#include <stdio.h>

#define ADDRESSES_MAX 8
#define WATCHED_MAX 8

/*
 * An application that answers each event with something that raises the next gets back to its
 * caller too.
 */
#define ROUNDS_PER_STEP 16

/* How long each address but the last is tried: happy eyeballs for the patient. */
#define ATTEMPT_TIMEOUT (2 * LEAT_SECOND)

typedef struct watched_fd {
    int fd; /* -1: free */
    void (*on_readable)(void *user, int fd);
    void *user;
} watched_fd;

struct leat_client {
    leat_client_config config;
    leat_config quic;
    leat_stack_config stack_config;
    char *server_name;
    leat_address addresses[ADDRESSES_MAX];
    size_t address_count, next_address;
    leat_loop *loop;
    leat_endpoint *endpoint;
    leat_client_sockets sockets;
    leat_stack stack;
    leat_conn *conn; /* NULL: over */
    bool is_established;
    bool has_more;   /* events are left for the next step */
    bool wants_next; /* this attempt failed and the next address is to be tried */
    leat_time now;
    watched_fd watched[WATCHED_MAX];
    uint8_t buffer[LEAT_UDP_TRAIN_MAX];
};

void leat_client_config_init(leat_client_config *config) {
    *config = (leat_client_config){.size = sizeof *config, .layers = LEAT_LAYER_WEBTRANSPORT};
}

static bool has_next_address(const leat_client *client) {
    return client->next_address < client->address_count;
}

/*
 * Whether another address might do better: not when the peer was there and something was wrong with
 * it.
 */
static bool is_worth_another(leat_close_source source) {
    static const bool worth[] = {
        [LEAT_SOURCE_PEER_TRANSPORT] = true,   [LEAT_SOURCE_IDLE_TIMEOUT] = true,
        [LEAT_SOURCE_LIVENESS_TIMEOUT] = true, [LEAT_SOURCE_HANDSHAKE_TIMEOUT] = true,
        [LEAT_SOURCE_STATELESS_RESET] = true,  [LEAT_SOURCE_VERSION_MISMATCH] = true,
        [LEAT_SOURCE_REFUSED] = true,          [LEAT_SOURCE_INTERNAL_ERROR] = false,
    };
    return (size_t)source < sizeof worth / sizeof worth[0] && worth[source];
}

/*
 * Events of an attempt that is not the last are kept from the application when they say that it
 * failed.
 */
static bool is_for_application(void *user, leat_conn *conn, const leat_event *event) {
    (void)conn;
    leat_client *client = user;
    if (event->type == LEAT_EVENT_HANDSHAKE_COMPLETED) {
        client->is_established = true;
    }
    if (event->type != LEAT_EVENT_CONNECTION_TERMINATED || client->is_established ||
        !has_next_address(client)) {
        return true;
    }
    client->wants_next = is_worth_another(event->connection_terminated.source);
    return !client->wants_next;
}

/* ---- attempts ---- */

static void on_socket(void *user, int fd, unsigned ready);
static void transmit(leat_client *client);

static void end_attempt(leat_client *client) {
    if (client->conn != NULL) {
        leat_stack_on_closed(&client->stack);
        leat_stack_clear(&client->stack);
        leat_endpoint_release(client->endpoint, client->conn);
        client->conn = NULL;
    }
    leat_client_sockets_close(&client->sockets);
}

static int open_connection(leat_client *client, const leat_udp *udp, const leat_address *remote) {
    int error = LEAT_OK;
    leat_config quic = client->quic;
    leat_path path = {.local = *leat_udp_local(udp), .remote = *remote};
    bool is_short = has_next_address(client) &&
                    (quic.handshake_timeout == 0 || quic.handshake_timeout > ATTEMPT_TIMEOUT);
    quic.handshake_timeout = is_short ? ATTEMPT_TIMEOUT : quic.handshake_timeout;
    client->now = leat_clock_now();
    client->conn = leat_endpoint_connect(client->endpoint, &quic, &path, client->now, &error);
    if (client->conn != NULL) {
        leat_stack_init(&client->stack, &client->stack_config, client->conn);
    }
    return error;
}

/*
 * Tries addresses from next_address on until one lets a handshake begin. False: none does, message
 * is of the last.
 */
static bool begin_attempt(leat_client *client, char *message) {
    while (has_next_address(client)) {
        const leat_address *remote = &client->addresses[client->next_address++];
        leat_address any = {.family = remote->family};
        leat_udp *udp = leat_client_sockets_open(&client->sockets, &any, remote, message);
        if (udp == NULL) {
            continue;
        }
        int error = open_connection(client, udp, remote);
        if (error == LEAT_OK) {
            leat_stack_on_connected(&client->stack);
            return true;
        }
        snprintf(message, LEAT_MESSAGE_MAX, "cannot connect: %s", leat_err_string(error));
        end_attempt(client);
    }
    return false;
}

/* ---- making ---- */

static int set_up(leat_client *client, const char *host) {
    int error = LEAT_OK;
    leat_endpoint_config endpoint;
    leat_endpoint_config_init(&endpoint);
    endpoint.allocator = client->quic.allocator;
    endpoint.random = client->quic.random;
    endpoint.random_user = client->quic.random_user;
    if (client->quic.server_name == NULL) {
        client->server_name = leat_strdup(client->quic.allocator, host);
        client->quic.server_name = client->server_name;
        error = client->server_name == NULL ? LEAT_ERR_NOMEM : LEAT_OK;
    }
    client->loop = leat_loop_new(client->config.plain_io ? LEAT_LOOP_POLL : LEAT_LOOP_BEST);
    if (error == LEAT_OK && client->loop == NULL) {
        error = LEAT_ERR_IO;
    }
    client->sockets = (leat_client_sockets){
        .loop = client->loop, .on_ready = on_socket, .user = client,
        .mode = client->config.plain_io ? LEAT_UDP_PLAIN : LEAT_UDP_BEST};
    if (error == LEAT_OK) {
        client->endpoint = leat_endpoint_new(&endpoint, &error);
    }
    return error;
}

static leat_client *make(const leat_client_config *config) {
    leat_client *client = leat_alloc(config->quic->allocator, sizeof *client);
    if (client != NULL) {
        client->config = *config;
        client->quic = *config->quic;
        leat_stack_adapt_quic(config->layers, &client->quic);
        leat_stack_config_init(&client->stack_config, config->layers, config->h3,
                               config->webtransport, &config->handler, config->user);
        client->stack_config.filter = is_for_application;
        client->stack_config.filter_user = client;
        for (size_t i = 0; i < WATCHED_MAX; i++) {
            client->watched[i].fd = -1;
        }
    }
    return client;
}

leat_client *leat_client_new(const leat_client_config *config, const char *host, uint16_t port,
                             char message[LEAT_MESSAGE_MAX]) {
    if (config->size != sizeof *config || config->quic == NULL || !config->quic->is_client) {
        snprintf(
            message, LEAT_MESSAGE_MAX,
            "config.quic must be a client's configuration (leat_config_init with is_client true)");
        return NULL;
    }
    leat_client *client = make(config);
    if (client == NULL) {
        snprintf(message, LEAT_MESSAGE_MAX, "out of memory for a client");
        return NULL;
    }
    int count = leat_address_lookup(host, port, client->addresses, ADDRESSES_MAX, message);
    client->address_count = count > 0 ? (size_t)count : 0;
    int error = count > 0 ? set_up(client, host) : LEAT_OK;
    if (error != LEAT_OK) {
        snprintf(message, LEAT_MESSAGE_MAX, "cannot make a client: %s", leat_err_string(error));
    }
    if (count <= 0 || error != LEAT_OK || !begin_attempt(client, message)) {
        leat_client_free(client);
        return NULL;
    }
    return client;
}

void leat_client_free(leat_client *client) {
    if (client == NULL) {
        return;
    }
    if (client->conn != NULL && !leat_conn_is_terminating(client->conn)) {
        leat_stack_close(&client->stack, "");
        client->now = leat_clock_now();
        transmit(client);
    }
    end_attempt(client);
    leat_endpoint_free(client->endpoint);
    leat_loop_free(client->loop);
    leat_free(client->quic.allocator, client->server_name);
    leat_free(client->quic.allocator, client);
}

/* ---- running ---- */

static void on_datagram(void *user, const leat_udp_received *received) {
    leat_client *client = user;
    leat_endpoint_receive_datagram(client->endpoint, received->data, received->length,
                                   received->segment_size, &received->path, received->ecn,
                                   client->now);
}

static void on_socket(void *user, int fd, unsigned ready) {
    leat_client *client = user;
    leat_udp *udp = leat_client_sockets_by_fd(&client->sockets, fd);
    if (udp != NULL && (ready & LEAT_LOOP_WRITABLE) != 0) {
        leat_udp_flush(udp);
        (void)leat_loop_want_writable(client->loop, fd, leat_udp_is_blocked(udp));
    }
    if (udp != NULL && (ready & LEAT_LOOP_READABLE) != 0) {
        client->now = leat_clock_now();
        leat_udp_receive(udp, on_datagram, client);
    }
}

static void transmit(leat_client *client) {
    leat_transmit where;
    while (!leat_client_sockets_are_blocked(&client->sockets)) {
        size_t length = leat_endpoint_datagrams_to_send(client->endpoint, client->conn,
                                                        client->buffer, sizeof client->buffer,
                                                        &where, client->now);
        if (length == 0) {
            return;
        }
        leat_udp *udp = leat_client_sockets_for(&client->sockets, &where.path);
        if (udp == NULL) {
            continue; /* lost, as on a way that leads nowhere */
        }
        leat_udp_send(udp, client->buffer, length, &where);
        if (leat_udp_was_too_large(udp)) {
            leat_conn_on_datagram_too_large(client->conn, where.segment_size, client->now);
        }
        (void)leat_loop_want_writable(client->loop, leat_udp_fd(udp), leat_udp_is_blocked(udp));
    }
}

static void serve(leat_client *client) {
    bool is_new;
    while (leat_endpoint_next_ready(client->endpoint, &is_new) != NULL) {}
    client->has_more = true;
    /* Events first: early data that answers them shares a datagram with the ClientHello. */
    for (int round = 0; round < ROUNDS_PER_STEP && client->has_more; round++) {
        client->has_more = leat_stack_drain(&client->stack);
        transmit(client);
    }
}

/*
 * Nobody listens there: a hint that anybody can forge, and enough to look at the next address at
 * once.
 */
static void follow_hints(leat_client *client) {
    bool was_refused = leat_client_sockets_were_refused(&client->sockets);
    if (was_refused && !client->is_established && has_next_address(client)) {
        client->wants_next = true;
    }
}

static void wait(leat_client *client, leat_time timeout) {
    leat_time due = leat_endpoint_get_timer(client->endpoint);
    client->now = leat_clock_now();
    leat_time until_due = due == LEAT_TIME_NEVER ? LEAT_TIME_NEVER
                          : due > client->now    ? due - client->now
                                                 : 0;
    (void)leat_loop_wait(client->loop, until_due < timeout ? until_due : timeout);
    client->now = leat_clock_now();
    leat_endpoint_handle_timer(client->endpoint, client->now);
}

bool leat_client_step(leat_client *client, leat_time timeout) {
    char message[LEAT_MESSAGE_MAX];
    if (client->conn == NULL) {
        return false;
    }
    serve(client); /* what the application did since the last step */
    wait(client, client->has_more ? 0 : timeout);
    serve(client);
    follow_hints(client);
    if (client->wants_next) {
        client->wants_next = false;
        end_attempt(client);
        return begin_attempt(client, message);
    }
    if (leat_conn_is_closed(client->conn)) {
        end_attempt(client);
    }
    return client->conn != NULL;
}

int leat_client_run(leat_client *client, leat_time deadline) {
    for (leat_time now = leat_clock_now(); now < deadline; now = leat_clock_now()) {
        if (!leat_client_step(client,
                              deadline == LEAT_TIME_NEVER ? LEAT_TIME_NEVER : deadline - now)) {
            return LEAT_OK;
        }
    }
    return client->conn == NULL ? LEAT_OK : LEAT_ERR_TIMEOUT;
}

/* ---- other descriptors ---- */

static void on_watched(void *user, int fd, unsigned ready) {
    watched_fd *watched = user;
    if ((ready & LEAT_LOOP_READABLE) != 0) {
        watched->on_readable(watched->user, fd);
    }
}

int leat_client_watch_fd(leat_client *client, int fd, void (*on_readable)(void *user, int fd),
                         void *user) {
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        watched_fd *watched = &client->watched[i];
        if (watched->fd < 0) {
            *watched = (watched_fd){fd, on_readable, user};
            int error = leat_loop_watch(client->loop, fd, on_watched, watched);
            watched->fd = error == LEAT_OK ? fd : -1;
            return error;
        }
    }
    return LEAT_ERR_FULL;
}

void leat_client_unwatch_fd(leat_client *client, int fd) {
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        if (client->watched[i].fd == fd) {
            leat_loop_unwatch(client->loop, fd);
            client->watched[i].fd = -1;
        }
    }
}

int leat_client_migrate(leat_client *client, const leat_address *local,
                        char message[LEAT_MESSAGE_MAX]) {
    if (client->conn == NULL) {
        snprintf(message, LEAT_MESSAGE_MAX, "the connection is over");
        return LEAT_ERR_STATE;
    }
    const leat_address remote = leat_conn_path(client->conn)->remote;
    const leat_address any = {.family = remote.family};
    leat_udp *udp = leat_client_sockets_open(&client->sockets, local != NULL ? local : &any,
                                             &remote, message);
    if (udp == NULL) {
        return LEAT_ERR_IO;
    }
    const leat_path path = {*leat_udp_local(udp), remote};
    client->now = leat_clock_now();
    int error = leat_conn_migrate(client->conn, &path, client->now);
    if (error != LEAT_OK) {
        snprintf(message, LEAT_MESSAGE_MAX, "cannot move: %s", leat_err_string(error));
        leat_client_sockets_discard(&client->sockets, udp);
    }
    leat_endpoint_touch(client->endpoint, client->conn);
    return error;
}

leat_conn *leat_client_conn(leat_client *client) { return client->conn; }
leat_h3 *leat_client_h3(leat_client *client) {
    return client->conn == NULL ? NULL : client->stack.h3;
}
leat_wt *leat_client_wt(leat_client *client) {
    return client->conn == NULL ? NULL : client->stack.wt;
}
