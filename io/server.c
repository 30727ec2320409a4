/*
 * The server object: what it is made of and what an application asks of it. Running: server_loop.c;
 * ending: server_stop.c.
 */
#include "io/server_group.h"

#include "base/alloc.h"
#include "crypto/random.h"

#include <errno.h>
#include <stdio.h>

#define DEFAULT_DRAIN (3 * LEAT_SECOND)
#define DEFAULT_CLOSE_REASON "server shutdown"

void leat_server_config_init(leat_server_config *config) {
    *config = (leat_server_config){
        .size = sizeof *config,
        .layers = LEAT_LAYER_WEBTRANSPORT,
        .drain = DEFAULT_DRAIN,
        .close_reason = DEFAULT_CLOSE_REASON,
    };
}

static bool check_config(const leat_server_config *config, char *message) {
    const char *problem = NULL;
    if (config->size != sizeof *config || config->quic == NULL || config->quic->is_client) {
        problem =
            "config.quic must be a server's configuration (leat_config_init with is_client false)";
    } else if (config->quic->identity_count == 0) {
        problem = "the server has no certificate: set quic.identities (leat_identity_self_signed "
                  "makes one)";
    } else if (config->listen_count == 0 || config->listen_count > LEAT_SERVER_SOCKETS) {
        problem = "listen must name 1 to 16 addresses";
    }
    if (problem != NULL) {
        snprintf(message, LEAT_MESSAGE_MAX, "%s", problem);
    }
    return problem == NULL;
}

static bool open_sockets(leat_server *server, char *message) {
    leat_server_group *group = server->config.group;
    leat_udp_mode mode = (server->config.plain_io ? LEAT_UDP_PLAIN : LEAT_UDP_BEST) |
                         (group != NULL ? LEAT_UDP_SHARED : 0u);
    size_t count = 0;
    const leat_address *listen = group == NULL ? NULL : leat_server_group_addresses(group, &count);
    if (count == 0) {
        listen = server->config.listen;
        count = server->config.listen_count;
    }
    for (size_t i = 0; i < count; i++) {
        leat_udp *udp = leat_udp_open(&listen[i], NULL, mode, message);
        if (udp == NULL) {
            return false;
        }
        server->sockets[server->socket_count++] = udp;
    }
    if (group != NULL) {
        leat_server_group_share(group, server);
    }
    return true;
}

static int make_endpoint(leat_server *server) {
    leat_endpoint_config config;
    int error = LEAT_OK;
    if (server->config.endpoint != NULL) {
        config = *server->config.endpoint;
    } else {
        leat_endpoint_config_init(&config);
        config.allocator = server->quic.allocator;
        config.random = server->quic.random;
        config.random_user = server->quic.random_user;
        config.wall_clock = server->quic.wall_clock;
        config.wall_clock_user = server->quic.wall_clock_user;
    }
    config.server = &server->quic;
    if (server->config.group != NULL &&
        !leat_server_group_join(server->config.group, server, &config)) {
        return LEAT_ERR_FULL;
    }
    server->endpoint = leat_endpoint_new(&config, &error);
    return error;
}

static bool init_threads(leat_server *server) {
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) {
        return false;
    }
    bool is_made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                   pthread_cond_init(&server->ended, &attributes) == 0 &&
                   pthread_mutex_init(&server->mutex, NULL) == 0;
    pthread_condattr_destroy(&attributes);
    return is_made;
}

static int set_up(leat_server *server) {
    uint8_t hash_key[16];
    leat_random random = {server->quic.random, server->quic.random_user};
    if (!leat_random_bytes(&random, hash_key, sizeof hash_key)) {
        return LEAT_ERR_RANDOM;
    }
    leat_map_init(&server->conns, server->quic.allocator, hash_key);
    server->loop = leat_loop_new(server->config.plain_io ? LEAT_LOOP_POLL : LEAT_LOOP_BEST);
    return server->loop == NULL ? LEAT_ERR_IO : make_endpoint(server);
}

static leat_server *make(const leat_server_config *config) {
    leat_server *server = leat_alloc(config->quic->allocator, sizeof *server);
    if (server == NULL) {
        return NULL;
    }
    server->config = *config;
    server->quic = *config->quic;
    server->app_timer = LEAT_TIME_NEVER;
    leat_heap_init(&server->idle_timers, server->quic.allocator);
    leat_list_init(&server->all);
    leat_list_init(&server->later);
    leat_stack_adapt_quic(config->layers, &server->quic);
    leat_stack_config_init(&server->stack, config->layers, config->h3, config->webtransport,
                           &config->handler, config->user);
    if (!init_threads(server)) {
        leat_free(config->quic->allocator, server);
        return NULL;
    }
    return server;
}

leat_server *leat_server_new(const leat_server_config *config, char message[LEAT_MESSAGE_MAX]) {
    if (!check_config(config, message)) {
        return NULL;
    }
    leat_server *server = make(config);
    if (server == NULL) {
        snprintf(message, LEAT_MESSAGE_MAX, "out of memory for a server");
        return NULL;
    }
    bool is_made = open_sockets(server, message);
    int error = is_made ? set_up(server) : LEAT_OK;
    if (error != LEAT_OK) {
        snprintf(message, LEAT_MESSAGE_MAX, "cannot make a server: %s", leat_err_string(error));
    }
    if (!is_made || error != LEAT_OK) {
        leat_server_free(server);
        return NULL;
    }
    return server;
}

void leat_server_set_quic_config(leat_server *server, const leat_config *quic) {
    server->quic = *quic;
    leat_stack_adapt_quic(server->config.layers, &server->quic);
}

void leat_server_set_timer(leat_server *server, leat_time when) { server->app_timer = when; }

static void on_watched(void *user, int fd, unsigned ready) {
    leat_watched_fd *watched = user;
    if ((ready & LEAT_LOOP_READABLE) != 0) {
        atomic_store(&watched->server->stack.busy, "on_readable");
        watched->on_readable(watched->user, fd);
        atomic_store(&watched->server->stack.busy, NULL);
    }
}

int leat_server_watch_fd(leat_server *server, int fd, void (*on_readable)(void *user, int fd),
                         void *user) {
    if (server->watched_count == LEAT_SERVER_WATCHED_FDS) {
        return LEAT_ERR_FULL;
    }
    leat_watched_fd *watched = &server->watched[server->watched_count];
    *watched = (leat_watched_fd){server, fd, on_readable, user};
    int error = leat_loop_watch(server->loop, fd, on_watched, watched);
    server->watched_count += error == LEAT_OK ? 1 : 0;
    return error;
}

/* ---- looking inside ---- */

size_t leat_server_address_count(const leat_server *server) { return server->socket_count; }

const leat_address *leat_server_address(const leat_server *server, size_t index) {
    return index < server->socket_count ? leat_udp_local(server->sockets[index]) : NULL;
}

leat_endpoint *leat_server_endpoint(leat_server *server) { return server->endpoint; }
void leat_server_touch(leat_server *server, leat_conn *conn) {
    leat_endpoint_touch(server->endpoint, conn);
}

leat_h3 *leat_server_h3(leat_server *server, leat_conn *conn) {
    leat_server_conn *found = leat_server_find(server, conn);
    return found == NULL ? NULL : found->stack.h3;
}

leat_wt *leat_server_wt(leat_server *server, leat_conn *conn) {
    leat_server_conn *found = leat_server_find(server, conn);
    return found == NULL ? NULL : found->stack.wt;
}
