/* A client that changes its socket, and one that goes to a preferred address: RFC 9000 §9. */
#include "leat_test.h"

#include <leat/io.h>

#define PATIENCE (10 * LEAT_SECOND)

static char message[LEAT_MESSAGE_MAX];

typedef struct rig {
    leat_identity *identity;
    leat_identity *identities[1];
    leat_trust *trust;
    leat_config server_quic, client_quic;
    leat_address listen[2];
    leat_server *server;
    leat_client *client;
    bool is_confirmed, is_moved;
    size_t echoed;
} rig;

static const char *const protocols[] = {"echo"};

static void on_server_event(void *user, leat_conn *conn, const leat_event *event) {
    (void)user;
    if (event->type == LEAT_EVENT_STREAM_DATA_RECEIVED) {
        leat_span data = event->stream_data_received.data;
        leat_conn_send_stream_data(conn, event->stream_data_received.stream_id, data.data,
                                   data.length, event->stream_data_received.end_stream);
    }
}

static void on_client_event(void *user, leat_conn *conn, const leat_event *event) {
    rig *r = user;
    (void)conn;
    if (event->type == LEAT_EVENT_HANDSHAKE_CONFIRMED) {
        r->is_confirmed = true;
    } else if (event->type == LEAT_EVENT_PATH_CHANGED) {
        r->is_moved = true;
    } else if (event->type == LEAT_EVENT_STREAM_DATA_RECEIVED) {
        r->echoed += event->stream_data_received.data.length;
    }
}

static void start_server(rig *r, bool has_preferred) {
    static const char *const names[] = {"localhost"};
    leat_server_config config;
    r->identity = leat_identity_self_signed(names, 1, 0, INT64_C(4000000000), message);
    ck_assert_msg(r->identity != NULL, "%s", message);
    r->identities[0] = r->identity;
    leat_config_init(&r->server_quic, false);
    r->server_quic.identities = r->identities;
    r->server_quic.identity_count = 1;
    r->server_quic.alpn = protocols;
    r->server_quic.alpn_count = 1;
    r->listen[0] = r->listen[1] =
        (leat_address){.family = LEAT_ADDRESS_IPV4, .ip = {127, 0, 0, 1}};
    leat_server_config_init(&config);
    config.quic = &r->server_quic;
    config.layers = LEAT_LAYER_QUIC;
    config.listen = r->listen;
    config.listen_count = 2;
    config.handler.on_event = on_server_event;
    r->server = leat_server_new(&config, message);
    ck_assert_msg(r->server != NULL, "%s", message);
    if (has_preferred) {
        r->server_quic.preferred_address_v4 = *leat_server_address(r->server, 1);
        leat_server_set_quic_config(r->server, &r->server_quic);
    }
    ck_assert_int_eq(leat_server_start(r->server), LEAT_OK);
}

static void start_client(rig *r) {
    leat_client_config config;
    r->trust = leat_trust_insecure_accept_anything();
    leat_config_init(&r->client_quic, true);
    r->client_quic.trust = r->trust;
    r->client_quic.alpn = protocols;
    r->client_quic.alpn_count = 1;
    leat_client_config_init(&config);
    config.quic = &r->client_quic;
    config.layers = LEAT_LAYER_QUIC;
    config.user = r;
    config.handler.on_event = on_client_event;
    r->client = leat_client_new(&config, "127.0.0.1", leat_server_address(r->server, 0)->port,
                                message);
    ck_assert_msg(r->client != NULL, "%s", message);
}

static void end(rig *r) {
    leat_client_free(r->client);
    ck_assert_int_eq(leat_server_stop(r->server, PATIENCE, message), LEAT_OK);
    leat_server_free(r->server);
    leat_trust_free(r->trust);
    leat_identity_free(r->identity);
}

static bool step_until(rig *r, const bool *flag) {
    leat_time until = leat_clock_now() + PATIENCE;
    while (!*flag && leat_clock_now() < until &&
           leat_client_step(r->client, 20 * LEAT_MILLISECOND)) {
    }
    return *flag;
}

/* All of it comes back, whatever the addresses are. */
static void exchange(rig *r) {
    uint64_t id = 0;
    size_t before = r->echoed;
    leat_conn *conn = leat_client_conn(r->client);
    ck_assert_int_eq(leat_conn_open_stream(conn, false, &id), LEAT_OK);
    leat_conn_send_stream_data(conn, id, (const uint8_t *)"hello", 5, true);
    leat_time until = leat_clock_now() + PATIENCE;
    while (r->echoed < before + 5 && leat_clock_now() < until) {
        leat_client_step(r->client, 20 * LEAT_MILLISECOND);
    }
    ck_assert_uint_eq(r->echoed, before + 5);
}

START_TEST(a_client_moves_to_another_socket) {
    rig r = {0};
    start_server(&r, false);
    start_client(&r);
    ck_assert(step_until(&r, &r.is_confirmed));
    exchange(&r);
    const leat_path before = *leat_conn_path(leat_client_conn(r.client));
    ck_assert_int_eq(leat_client_migrate(r.client, NULL, message), LEAT_OK);
    ck_assert(step_until(&r, &r.is_moved));
    const leat_path *after = leat_conn_path(leat_client_conn(r.client));
    ck_assert_uint_ne(after->local.port, before.local.port);
    ck_assert(leat_address_equal(&after->remote, &before.remote));
    exchange(&r);
    end(&r);
}
END_TEST

START_TEST(a_client_goes_to_the_preferred_address) {
    rig r = {0};
    start_server(&r, true);
    start_client(&r);
    ck_assert(step_until(&r, &r.is_moved));
    ck_assert(leat_address_equal(&leat_conn_path(leat_client_conn(r.client))->remote,
                                 leat_server_address(r.server, 1)));
    exchange(&r);
    end(&r);
}
END_TEST

START_TEST(an_address_that_cannot_be_had_is_said) {
    rig r = {0};
    const leat_address nowhere = {.family = LEAT_ADDRESS_IPV4, .ip = {192, 0, 2, 1}};
    start_server(&r, false);
    start_client(&r);
    ck_assert_int_eq(leat_client_migrate(r.client, NULL, message), LEAT_ERR_STATE);
    ck_assert(step_until(&r, &r.is_confirmed));
    ck_assert_int_eq(leat_client_migrate(r.client, &nowhere, message), LEAT_ERR_IO);
    exchange(&r);
    end(&r);
}
END_TEST

LEAT_TEST_MAIN("io migration", a_client_moves_to_another_socket,
               a_client_goes_to_the_preferred_address, an_address_that_cannot_be_had_is_said)
