/*
 * Servers of one group over real sockets: several threads on one address, crowds of clients, and
 * clients whose packets come in at another worker after their address has changed.
 */
#include "leat_test.h"

#include <leat/io.h>

#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#define WORKERS 4
#define CLIENTS 50
#define REBINDINGS 8
#define PATIENCE (20 * LEAT_SECOND)

static char message[LEAT_MESSAGE_MAX];

/* ---- servers that send every byte back ---- */

static leat_server_group *group;
static leat_server *servers[WORKERS];
static size_t server_count;
static leat_identity *identity;
static leat_config quic;
static atomic_uint connected, connected_at[WORKERS];

static void on_connected(void *user, leat_conn *conn) {
    (void)conn;
    atomic_fetch_add(&connected, 1);
    atomic_fetch_add((atomic_uint *)user, 1);
}

static void on_event(void *user, leat_conn *conn, const leat_event *event) {
    (void)user;
    if (event->type == LEAT_EVENT_STREAM_DATA_RECEIVED) {
        leat_conn_send_stream_data(conn, event->stream_data_received.stream_id,
                                   event->stream_data_received.data.data,
                                   event->stream_data_received.data.length,
                                   event->stream_data_received.end_stream);
    }
}

static const char *const alpn[] = {"echo"};

static void start_servers(size_t count) {
    static const char *const names[] = {"localhost"};
    leat_address listen = {.family = LEAT_ADDRESS_IPV4, .ip = {127, 0, 0, 1}};
    identity = leat_identity_self_signed(names, 1, 0, INT64_C(4000000000), message);
    ck_assert_msg(identity != NULL, "%s", message);
    leat_config_init(&quic, false);
    quic.alpn = alpn;
    quic.alpn_count = 1;
    quic.identities = &identity;
    quic.identity_count = 1;
    quic.resumption_keys = leat_resumption_keys_new(NULL);
    group = leat_server_group_new(count, message);
    ck_assert_ptr_nonnull(group);
    atomic_store(&connected, 0);
    server_count = count;
    for (size_t i = 0; i < count; i++) {
        leat_server_config config;
        leat_server_config_init(&config);
        config.quic = &quic;
        config.listen = &listen;
        config.listen_count = 1;
        config.layers = LEAT_LAYER_QUIC;
        config.handler.on_connected = on_connected;
        config.handler.on_event = on_event;
        config.user = &connected_at[i];
        config.group = group;
        config.drain = 100 * LEAT_MILLISECOND;
        atomic_store(&connected_at[i], 0);
        servers[i] = leat_server_new(&config, message);
        ck_assert_msg(servers[i] != NULL, "%s", message);
    }
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(leat_server_start(servers[i]), LEAT_OK);
    }
}

static void end_servers(void) {
    for (size_t i = 0; i < server_count; i++) {
        leat_server_request_stop(servers[i]);
    }
    for (size_t i = 0; i < server_count; i++) {
        ck_assert_msg(leat_server_stop(servers[i], PATIENCE, message) == LEAT_OK, "%s", message);
    }
    for (size_t i = 0; i < server_count; i++) {
        leat_server_free(servers[i]);
    }
    leat_server_group_free(group);
    leat_resumption_keys_free(quic.resumption_keys);
    leat_identity_free(identity);
}

static uint16_t server_port(void) { return leat_server_address(servers[0], 0)->port; }

/* ---- clients ---- */

typedef struct echo_client {
    leat_client *client;
    size_t echoed;
    bool is_complete, has_asked, has_ended;
} echo_client;

static void on_client_event(void *user, leat_conn *conn, const leat_event *event) {
    echo_client *echo = user;
    (void)conn;
    echo->is_complete = echo->is_complete || event->type == LEAT_EVENT_HANDSHAKE_COMPLETED;
    echo->has_ended = echo->has_ended || event->type == LEAT_EVENT_CONNECTION_TERMINATED;
    if (event->type == LEAT_EVENT_STREAM_DATA_RECEIVED) {
        echo->echoed += event->stream_data_received.data.length;
    }
}

static void start_client(echo_client *echo, uint16_t port) {
    leat_config client_quic;
    leat_client_config config;
    leat_config_init(&client_quic, true);
    client_quic.alpn = alpn;
    client_quic.alpn_count = 1;
    client_quic.trust = leat_trust_insecure_accept_anything();
    leat_client_config_init(&config);
    config.quic = &client_quic;
    config.layers = LEAT_LAYER_QUIC;
    config.handler.on_event = on_client_event;
    config.user = echo;
    *echo = (echo_client){0};
    echo->client = leat_client_new(&config, "127.0.0.1", port, message);
    ck_assert_msg(echo->client != NULL, "%s", message);
    leat_trust_free(client_quic.trust);
}

static void ask(echo_client *echo, size_t length) {
    static const uint8_t bytes[4096] = {1};
    uint64_t id;
    ck_assert_int_eq(leat_conn_open_stream(leat_client_conn(echo->client), false, &id), LEAT_OK);
    ck_assert_int_eq(
        leat_conn_send_stream_data(leat_client_conn(echo->client), id, bytes, length, true),
        (ptrdiff_t)length);
}

/* ---- a NAT between a client and the servers ---- */

typedef struct nat {
    int inside, outside;
    uint16_t port; /* the client's way in */
    struct sockaddr_in client;
} nat;

static int loopback_socket(void) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
    return fd;
}

static void nat_open(nat *made) {
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    *made = (nat){.inside = loopback_socket(), .outside = loopback_socket()};
    getsockname(made->inside, (struct sockaddr *)&name, &length);
    made->port = ntohs(name.sin_port);
}

/* Another port for the same client: for the system another client. */
static void nat_rebind(nat *between) {
    int before = between->outside;
    between->outside = loopback_socket(); /* before the old port is free again */
    close(before);
}

static void nat_forward(nat *between) {
    uint8_t bytes[2048];
    struct sockaddr_in from, server = {.sin_family = AF_INET, .sin_port = htons(server_port()),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof from;
    ssize_t size;
    while ((size = recvfrom(between->inside, bytes, sizeof bytes, 0, (struct sockaddr *)&from,
                            &length)) > 0) {
        between->client = from;
        (void)!sendto(between->outside, bytes, (size_t)size, 0, (struct sockaddr *)&server,
                      sizeof server);
    }
    while ((size = recv(between->outside, bytes, sizeof bytes, 0)) > 0) {
        (void)!sendto(between->inside, bytes, (size_t)size, 0,
                      (struct sockaddr *)&between->client, sizeof between->client);
    }
}

static bool step_through(echo_client *echo, nat *between, size_t echoed) {
    leat_time deadline = leat_clock_now() + PATIENCE;
    while (!echo->has_ended && leat_clock_now() < deadline &&
           (!echo->is_complete || echo->echoed < echoed)) {
        nat_forward(between);
        leat_client_step(echo->client, LEAT_MILLISECOND);
    }
    return echo->is_complete && echo->echoed >= echoed && !echo->has_ended;
}

/* ---- tests ---- */

START_TEST(many_clients_are_spread_and_served) {
    static echo_client clients[CLIENTS];
    start_servers(WORKERS);
    for (size_t i = 0; i < CLIENTS; i++) {
        start_client(&clients[i], server_port());
    }
    leat_time deadline = leat_clock_now() + PATIENCE;
    size_t done = 0;
    while (done < CLIENTS && leat_clock_now() < deadline) {
        done = 0;
        for (size_t i = 0; i < CLIENTS; i++) {
            leat_client_step(clients[i].client, 0);
            if (clients[i].is_complete && !clients[i].has_asked) {
                clients[i].has_asked = true;
                ask(&clients[i], 4096);
            }
            done += clients[i].echoed == 4096 ? 1 : 0;
        }
    }
    ck_assert_uint_eq(done, CLIENTS);
    ck_assert_uint_eq(atomic_load(&connected), CLIENTS);
    unsigned busy = 0;
    for (size_t i = 0; i < WORKERS; i++) {
        busy += atomic_load(&connected_at[i]) > 0 ? 1 : 0;
    }
    ck_assert_uint_gt(busy, 1);
    for (size_t i = 0; i < CLIENTS; i++) {
        leat_client_free(clients[i].client);
    }
    end_servers();
}
END_TEST

/* With two workers each rebinding comes to the other one in half of all cases. */
static void rebind_often(size_t workers) {
    echo_client echo;
    nat between;
    start_servers(workers);
    nat_open(&between);
    start_client(&echo, between.port);
    ck_assert(step_through(&echo, &between, 0));
    ask(&echo, 1000);
    ck_assert(step_through(&echo, &between, 1000));
    for (size_t i = 1; i <= REBINDINGS; i++) {
        nat_rebind(&between);
        ask(&echo, 1000);
        ck_assert(step_through(&echo, &between, 1000 + 1000 * i));
    }
    ck_assert_uint_eq(atomic_load(&connected), 1);
    leat_client_free(echo.client);
    close(between.inside);
    close(between.outside);
    end_servers();
}

START_TEST(a_connection_stays_with_its_worker_when_its_address_changes) { rebind_often(WORKERS); }
END_TEST

START_TEST(so_it_does_between_two_workers) { rebind_often(2); }
END_TEST

START_TEST(a_group_takes_no_more_servers_than_its_size) {
    start_servers(2);
    leat_address listen = {.family = LEAT_ADDRESS_IPV4, .ip = {127, 0, 0, 1}};
    leat_server_config config;
    leat_server_config_init(&config);
    config.quic = &quic;
    config.listen = &listen;
    config.listen_count = 1;
    config.group = group;
    ck_assert_ptr_null(leat_server_new(&config, message));
    end_servers();
}
END_TEST

START_TEST(the_size_of_a_group_has_bounds) {
    ck_assert_ptr_null(leat_server_group_new(0, message));
    ck_assert_ptr_null(leat_server_group_new(65, message));
    leat_server_group_free(NULL);
}
END_TEST

LEAT_TEST_MAIN("io server_group", many_clients_are_spread_and_served,
               a_connection_stays_with_its_worker_when_its_address_changes,
               so_it_does_between_two_workers, a_group_takes_no_more_servers_than_its_size,
               the_size_of_a_group_has_bounds)
