/* See world.h. */
#include "world.h"

#include <leat/tls.h>

static const char *const protocols[] = {"echo"};

static int64_t read_wall_clock(void *user) { return *(const int64_t *)user; }

static void prepare_config(world *it, leat_config *config, bool is_client) {
    leat_config_init(config, is_client);
    config->alpn = protocols;
    config->alpn_count = 1;
    config->random = test_random;
    config->random_user = &it->seed;
    config->wall_clock = read_wall_clock;
    config->wall_clock_user = &it->wall_clock;
}

static void prepare_endpoint(world *it, leat_endpoint_config *config) {
    leat_endpoint_config_init(config);
    config->random = test_random;
    config->random_user = &it->seed;
    config->wall_clock = read_wall_clock;
    config->wall_clock_user = &it->wall_clock;
}

void world_prepare(world *it) {
    static const char *const names[] = {"localhost"};
    char message[LEAT_MESSAGE_MAX];
    leat_identity *identity = it->identity;
    memset(it, 0, sizeof *it);
    it->now = LEAT_SECOND;
    it->wall_clock = 1700000000;
    it->seed = 7;
    test_memory_init(&it->memory);
    /* Made once: key generation is the slowest part of all. */
    it->identity = identity != NULL ? identity
                                    : leat_identity_self_signed(names, 1, it->wall_clock - 1000,
                                                                it->wall_clock + 100000, message);
    it->identities[0] = it->identity;
    it->trust = leat_trust_insecure_accept_anything();
    prepare_config(it, &it->server_config, false);
    it->server_config.allocator = &it->memory.allocator;
    it->server_config.identities = it->identities;
    it->server_config.identity_count = 1;
    prepare_config(it, &it->client_config, true);
    it->client_config.server_name = "localhost";
    it->client_config.trust = it->trust;
    prepare_endpoint(it, &it->server_endpoint);
    it->server_endpoint.server = &it->server_config;
    it->server_endpoint.allocator = &it->memory.allocator;
    prepare_endpoint(it, &it->client_endpoint);
    it->path = (leat_path){
        .local = {.family = LEAT_ADDRESS_IPV4, .port = 50000, .ip = {192, 0, 2, 1}},
        .remote = {.family = LEAT_ADDRESS_IPV4, .port = 443, .ip = {198, 51, 100, 1}}};
}

void world_start_server(world *it) {
    int error = LEAT_OK;
    it->server.endpoint = leat_endpoint_new(&it->server_endpoint, &error);
    ck_assert_int_eq(error, LEAT_OK);
}

void world_start_client(world *it) {
    int error = LEAT_OK;
    it->client.endpoint = leat_endpoint_new(&it->client_endpoint, &error);
    ck_assert_int_eq(error, LEAT_OK);
}

void world_start(world *it) {
    world_start_server(it);
    world_start_client(it);
}

leat_conn *world_connect(world *it) {
    int error = LEAT_OK;
    leat_conn *conn = leat_endpoint_connect(it->client.endpoint, &it->client_config, &it->path,
                                            it->now, &error);
    ck_assert_int_eq(error, LEAT_OK);
    return conn;
}

void world_ask(leat_conn *conn, world *it) {
    uint64_t stream_id;
    ck_assert_int_eq(leat_conn_open_stream(conn, false, &stream_id), LEAT_OK);
    ck_assert_int_eq(leat_conn_send_stream_data(conn, stream_id, (const uint8_t *)WORLD_PAYLOAD,
                                                strlen(WORLD_PAYLOAD), true),
                     (int)strlen(WORLD_PAYLOAD));
    leat_endpoint_touch(it->client.endpoint, conn);
}

/* ---- events ---- */

static void on_stream_data(world *it, world_side *side, leat_conn *conn, const leat_event *event) {
    leat_span data = event->stream_data_received.data;
    if (side == &it->server) {
        (void)leat_conn_send_stream_data(conn, event->stream_data_received.stream_id, data.data,
                                         data.length, event->stream_data_received.end_stream);
    } else if (event->stream_data_received.end_stream) {
        side->echoed++;
    }
}

static void on_event(world *it, world_side *side, leat_conn *conn, const leat_event *event) {
    switch (event->type) {
    case LEAT_EVENT_HANDSHAKE_COMPLETED:
        side->completed++;
        break;
    case LEAT_EVENT_CONNECTION_TERMINATED:
        side->terminated++;
        side->source = event->connection_terminated.source;
        break;
    case LEAT_EVENT_STREAM_DATA_RECEIVED:
        on_stream_data(it, side, conn, event);
        break;
    case LEAT_EVENT_PATH_CHANGED:
        side->path_changes++;
        break;
    case LEAT_EVENT_NEW_TOKEN:
        side->new_tokens++;
        side->token_length = event->ticket.data.length;
        memcpy(side->token, event->ticket.data.data, side->token_length);
        break;
    default:
        break;
    }
}

/* ---- the wire ---- */

/* The path as the other side sees it, through the NAT if there is one. */
static leat_path seen_from(const world *it, const world_side *to, const leat_path *path) {
    leat_path seen = {.local = path->remote, .remote = path->local};
    if (to == &it->server && it->nat_port != 0) {
        seen.remote.port = it->nat_port;
    } else if (to == &it->client && it->nat_port != 0) {
        seen.local.port = it->path.local.port;
    }
    return seen;
}

static void deliver(world *it, world_side *from, uint8_t *bytes, size_t length,
                    const leat_transmit *transmit) {
    world_side *to = from == &it->server ? &it->client : &it->server;
    leat_path path = seen_from(it, to, &transmit->path);
    from->datagrams += (length + transmit->segment_size - 1) / transmit->segment_size;
    from->bytes += length;
    if (from == &it->client && it->on_client_datagram != NULL) {
        it->on_client_datagram(it, bytes, length);
    }
    bool is_lost = from == &it->server && it->lose_server_packets;
    if (to->endpoint != NULL && !is_lost) {
        leat_endpoint_receive_datagram(to->endpoint, bytes, length, transmit->segment_size, &path,
                                       transmit->ecn, it->now);
    }
}

static bool send_all(world *it, world_side *side, leat_conn *conn) {
    static uint8_t buffer[65536];
    leat_transmit transmit;
    bool was_any = false;
    size_t length;
    while ((length = leat_endpoint_datagrams_to_send(side->endpoint, conn, buffer, sizeof buffer,
                                                     &transmit, it->now)) > 0) {
        deliver(it, side, buffer, length, &transmit);
        was_any = true;
    }
    return was_any;
}

static bool serve(world *it, world_side *side) {
    bool is_new, was_any = false;
    for (leat_conn *conn; side->endpoint != NULL &&
                          (conn = leat_endpoint_next_ready(side->endpoint, &is_new)) != NULL;) {
        leat_event event;
        side->accepted += is_new ? 1 : 0;
        side->last = conn;
        while (leat_conn_next_event(conn, &event)) {
            on_event(it, side, conn, &event);
        }
        send_all(it, side, conn);
        while (leat_conn_next_event(conn, &event)) {
            on_event(it, side, conn, &event);
        }
        if (leat_conn_is_closed(conn)) {
            leat_endpoint_release(side->endpoint, conn);
            side->released++;
        }
        was_any = true;
    }
    return (side->endpoint != NULL && send_all(it, side, NULL)) || was_any;
}

void world_settle(world *it) {
    int rounds = 0;
    for (bool was_any = true; was_any; rounds++) {
        ck_assert_int_lt(rounds, 10000);
        was_any = serve(it, &it->client);
        was_any = serve(it, &it->server) || was_any;
    }
}

static leat_time timer_of(const world_side *side) {
    return side->endpoint == NULL ? LEAT_TIME_NEVER : leat_endpoint_get_timer(side->endpoint);
}

void world_run(world *it, leat_time duration) {
    leat_time end = it->now + duration;
    world_settle(it);
    for (;;) {
        leat_time a = timer_of(&it->client), b = timer_of(&it->server), due = a < b ? a : b;
        if (due > end) {
            break;
        }
        it->now = due > it->now ? due : it->now + LEAT_MICROSECOND;
        if (it->client.endpoint != NULL) {
            leat_endpoint_handle_timer(it->client.endpoint, it->now);
        }
        if (it->server.endpoint != NULL) {
            leat_endpoint_handle_timer(it->server.endpoint, it->now);
        }
        world_settle(it);
    }
    it->now = end > it->now ? end : it->now;
}

void world_end(world *it) {
    leat_endpoint_free(it->client.endpoint);
    leat_endpoint_free(it->server.endpoint);
    leat_trust_free(it->trust);
    ck_assert_uint_eq(it->memory.live, 0);
}
