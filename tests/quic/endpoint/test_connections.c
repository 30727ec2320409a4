/*
 * Endpoints with real connections in them: RFC 9000 §5.2, §6, §8.1, §9 and §10.3 from end to end.
 */
#include "world.h"

static world it;

static void start(void) {
    world_prepare(&it);
    world_start(&it);
}

static leat_conn *establish(void) {
    leat_conn *conn = world_connect(&it);
    size_t before = it.client.echoed;
    world_settle(&it);
    world_ask(conn, &it);
    world_run(&it, LEAT_SECOND);
    ck_assert_uint_eq(it.client.echoed, before + 1);
    return conn;
}

static void close_conn(leat_conn *conn) {
    leat_conn_close(conn, 0, "done");
    leat_endpoint_touch(it.client.endpoint, conn);
}

START_TEST(a_connection_is_made_used_and_given_back) {
    start();
    leat_conn *conn = establish();
    ck_assert_uint_eq(it.server.accepted, 1);
    close_conn(conn);
    world_run(&it, 5 * LEAT_SECOND);
    ck_assert_int_eq(it.server.source, LEAT_SOURCE_PEER_APPLICATION);
    ck_assert_uint_eq(it.server.released, 1);
    ck_assert_uint_eq(it.client.released, 1);
    ck_assert_uint_eq(leat_endpoint_connection_count(it.server.endpoint), 0);
    world_end(&it);
}
END_TEST

START_TEST(a_thousand_connections_share_two_sockets) {
    enum { COUNT = 1000 };
    static leat_conn *conns[COUNT];
    start();
    for (size_t i = 0; i < COUNT; i++) {
        conns[i] = world_connect(&it);
        world_settle(&it);
    }
    world_run(&it, LEAT_SECOND);
    ck_assert_uint_eq(it.client.completed, COUNT);
    ck_assert_uint_eq(it.server.completed, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        world_ask(conns[i], &it);
    }
    world_run(&it, LEAT_SECOND);
    ck_assert_uint_eq(it.client.echoed, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        close_conn(conns[i]);
    }
    world_run(&it, 5 * LEAT_SECOND);
    ck_assert_uint_eq(leat_endpoint_connection_count(it.server.endpoint), 0);
    ck_assert_uint_eq(leat_endpoint_connection_count(it.client.endpoint), 0);
    ck_assert_uint_eq(leat_endpoint_get_timer(it.server.endpoint), LEAT_TIME_NEVER);
    world_end(&it);
}
END_TEST

/* ---- versions ---- */

static bool is_altered;
static void alter_first_version(world *wire, uint8_t *bytes, size_t length) {
    (void)wire;
    (void)length;
    if (!is_altered) {
        is_altered = true;
        memcpy(bytes + 1, "\xba\xba\xba\xba", 4);
    }
}

/* TEST RFC 9000 §6.2-3: what somebody on the way made of the version does no lasting harm. */
START_TEST(a_client_survives_version_negotiation_that_lists_its_version) {
    static const uint16_t x25519 = 0x001d; /* its ClientHello is one datagram everywhere */
    start();
    it.client_config.groups = &x25519;
    it.client_config.group_count = 1;
    is_altered = false;
    it.on_client_datagram = alter_first_version;
    world_connect(&it);
    world_settle(&it);
    ck_assert_uint_eq(it.server.datagrams, 1); /* Version Negotiation */
    ck_assert_uint_eq(it.server.accepted, 0);
    world_run(&it, 5 * LEAT_SECOND);
    ck_assert_uint_eq(it.client.completed, 1);
    world_end(&it);
}
END_TEST

/* ---- address validation ---- */

START_TEST(a_client_passes_retry) {
    world_prepare(&it);
    it.server_endpoint.retry = true;
    world_start(&it);
    world_connect(&it);
    world_settle(&it);
    ck_assert_uint_eq(it.client.completed, 1);
    ck_assert_uint_eq(it.server.accepted, 1);
    ck_assert_uint_ge(it.client.datagrams, 3);
    world_end(&it);
}
END_TEST

START_TEST(the_token_of_one_connection_spares_the_next_the_retry) {
    world_prepare(&it);
    it.server_endpoint.retry = true;
    world_start(&it);
    establish();
    ck_assert_uint_eq(it.client.new_tokens, 1);
    it.client_config.token = (leat_span){it.client.token, it.client.token_length};
    it.path.local.port = 50001; /* TEST RFC 9000 §8.1.4: another port is no obstacle */
    /*
     * Had there been a Retry, the Initial's one round trip more would show as one more datagram of
     * the server.
     */
    size_t before = it.server.datagrams;
    it.client.completed = 0;
    world_connect(&it);
    world_settle(&it);
    size_t with_token = it.server.datagrams - before;
    ck_assert_uint_eq(it.client.completed, 1);
    it.client_config.token = (leat_span){NULL, 0};
    before = it.server.datagrams;
    world_connect(&it);
    world_settle(&it);
    ck_assert_uint_eq(it.client.completed, 2);
    ck_assert_uint_gt(it.server.datagrams - before, with_token);
    world_end(&it);
}
END_TEST

/* TEST RFC 9000 §8.1.2-2: INVALID_TOKEN at once. */
START_TEST(a_client_with_a_retry_token_that_is_too_old_learns_it) {
    world_prepare(&it);
    it.server_endpoint.retry = true;
    world_start(&it);
    world_connect(&it);
    /* By hand as far as the Retry; then the clock jumps before the client's answer arrives. */
    static uint8_t buffer[65536];
    leat_transmit transmit;
    bool is_new;
    leat_conn *conn = leat_endpoint_next_ready(it.client.endpoint, &is_new);
    size_t length = leat_endpoint_datagrams_to_send(it.client.endpoint, conn, buffer, sizeof buffer,
                                                    &transmit, it.now);
    leat_path seen = {.local = transmit.path.remote, .remote = transmit.path.local};
    leat_endpoint_receive_datagram(it.server.endpoint, buffer, length, transmit.segment_size, &seen,
                                   0, it.now);
    length = leat_endpoint_datagrams_to_send(it.server.endpoint, NULL, buffer, sizeof buffer,
                                             &transmit, it.now);
    ck_assert_uint_gt(length, 0);
    leat_endpoint_receive_datagram(it.client.endpoint, buffer, length, 0, &it.path, 0, it.now);
    it.wall_clock += 3600;
    world_settle(&it);
    ck_assert_uint_eq(it.client.terminated, 1);
    ck_assert_int_eq(it.client.source, LEAT_SOURCE_PEER_TRANSPORT);
    ck_assert_uint_eq(it.server.accepted, 0);
    world_end(&it);
}
END_TEST

/* Attack A22: before the address is validated no more than three times what came. */
START_TEST(an_unvalidated_client_gets_at_most_three_times_its_bytes) {
    start();
    it.lose_server_packets = true;
    world_connect(&it);
    for (int i = 0; i < 100; i++) {
        world_run(&it, 100 * LEAT_MILLISECOND);
        ck_assert_uint_le(it.server.bytes, 3 * it.client.bytes);
    }
    ck_assert_uint_gt(it.server.bytes, 0);
    world_end(&it);
}
END_TEST

START_TEST(retry_begins_under_load_and_real_clients_pass_it) {
    world_prepare(&it);
    it.server_endpoint.retry_above_handshakes = 2;
    world_start(&it);
    for (int i = 0; i < 20; i++) {
        world_connect(&it);
    }
    world_run(&it, 3 * LEAT_SECOND);
    ck_assert_uint_eq(it.client.completed, 20);
    world_end(&it);
}
END_TEST

/* ---- stateless reset ---- */

static void restart_server(const uint8_t *key) {
    leat_endpoint_free(it.server.endpoint);
    it.server_endpoint.reset_key = key;
    it.seed += 12345;
    world_start_server(&it);
}

START_TEST(a_client_learns_at_once_that_its_server_was_restarted) {
    static const uint8_t key[32] = {9, 9};
    world_prepare(&it);
    it.server_endpoint.reset_key = key;
    world_start(&it);
    leat_conn *conn = establish();
    restart_server(key);
    world_ask(conn, &it);
    world_settle(&it); /* no time passes */
    ck_assert_uint_eq(it.client.terminated, 1);
    ck_assert_int_eq(it.client.source, LEAT_SOURCE_STATELESS_RESET);
    world_run(&it, 5 * LEAT_SECOND);
    ck_assert_uint_eq(it.client.released, 1);
    world_end(&it);
}
END_TEST

START_TEST(a_server_with_another_key_can_reset_nothing) {
    static const uint8_t key[32] = {9, 9}, other[32] = {8};
    world_prepare(&it);
    it.server_endpoint.reset_key = key;
    world_start(&it);
    leat_conn *conn = establish();
    restart_server(other);
    world_ask(conn, &it);
    world_run(&it, 5 * LEAT_SECOND);
    ck_assert_uint_eq(it.client.terminated, 0);
    world_run(&it, 60 * LEAT_SECOND);
    ck_assert_uint_eq(it.client.terminated, 1);
    ck_assert_int_eq(it.client.source, LEAT_SOURCE_IDLE_TIMEOUT);
    world_end(&it);
}
END_TEST

/*
 * The other way round: tokens of clients come with NEW_CONNECTION_ID, so the server must have moved
 * on to one of those.
 */
START_TEST(a_server_learns_at_once_that_its_client_was_restarted) {
    static const uint8_t key[32] = {3, 3};
    world_prepare(&it);
    it.client_endpoint.reset_key = key;
    world_start(&it);
    establish();
    leat_conn *conn = it.server.last;
    ck_assert_int_eq(leat_conn_change_connection_id(conn), LEAT_OK);
    leat_endpoint_touch(it.server.endpoint, conn);
    world_run(&it, LEAT_SECOND);
    leat_endpoint_free(it.client.endpoint);
    it.seed += 999;
    world_start_client(&it);
    ck_assert_int_eq(leat_conn_send_ping(conn, 1), LEAT_OK);
    leat_endpoint_touch(it.server.endpoint, conn);
    world_settle(&it);
    ck_assert_uint_eq(it.server.terminated, 1);
    ck_assert_int_eq(it.server.source, LEAT_SOURCE_STATELESS_RESET);
    world_end(&it);
}
END_TEST

/* ---- paths ---- */

START_TEST(a_client_behind_a_nat_keeps_its_connection_when_its_port_changes) {
    start();
    leat_conn *conn = establish();
    it.nat_port = 61000;
    world_ask(conn, &it);
    world_run(&it, LEAT_SECOND);
    ck_assert_uint_eq(it.client.echoed, 2);
    ck_assert_uint_eq(it.server.accepted, 1);
    ck_assert_uint_ge(it.server.path_changes, 1);
    ck_assert_uint_eq(leat_conn_path(it.server.last)->remote.port, 61000);
    world_end(&it);
}
END_TEST

/* ---- limits ---- */

START_TEST(silent_clients_are_forgotten_after_the_handshake_timeout) {
    start();
    it.lose_server_packets = true;
    world_connect(&it);
    world_run(&it, LEAT_SECOND);
    ck_assert_uint_eq(leat_endpoint_connection_count(it.server.endpoint), 1);
    leat_endpoint_free(it.client.endpoint);
    it.client.endpoint = NULL;
    world_run(&it, 60 * LEAT_SECOND);
    ck_assert_uint_eq(leat_endpoint_connection_count(it.server.endpoint), 0);
    ck_assert_int_eq(it.server.source, LEAT_SOURCE_HANDSHAKE_TIMEOUT);
    world_end(&it);
}
END_TEST

/*
 * Every allocation of the server's side fails in turn: connections may fail, nothing leaks, and the
 * next one succeeds.
 */
START_TEST(an_allocation_that_fails_costs_one_connection_at_most) {
    size_t fail_at = 1;
    for (bool was_reached = true; was_reached; fail_at++) {
        start();
        it.memory.fail_at = it.memory.allocations + fail_at;
        leat_conn *conn = world_connect(&it);
        world_settle(&it);
        if (it.client.completed == 1 && !leat_conn_is_terminating(conn)) {
            world_ask(conn, &it);
            world_settle(&it);
        }
        was_reached = it.memory.allocations >= it.memory.fail_at;
        it.memory.fail_at = 0;
        world_run(&it, LEAT_SECOND);
        size_t before = it.client.echoed;
        conn = world_connect(&it);
        world_run(&it, LEAT_SECOND);
        world_ask(conn, &it);
        world_run(&it, LEAT_SECOND);
        ck_assert_msg(it.client.echoed > before, "allocation %zu", fail_at);
        world_end(&it);
    }
    ck_assert_uint_gt(fail_at, 50);
}
END_TEST

LEAT_TEST_MAIN("quic/endpoint connections", a_connection_is_made_used_and_given_back,
               a_thousand_connections_share_two_sockets,
               a_client_survives_version_negotiation_that_lists_its_version, a_client_passes_retry,
               the_token_of_one_connection_spares_the_next_the_retry,
               a_client_with_a_retry_token_that_is_too_old_learns_it,
               an_unvalidated_client_gets_at_most_three_times_its_bytes,
               retry_begins_under_load_and_real_clients_pass_it,
               a_client_learns_at_once_that_its_server_was_restarted,
               a_server_with_another_key_can_reset_nothing,
               a_server_learns_at_once_that_its_client_was_restarted,
               a_client_behind_a_nat_keeps_its_connection_when_its_port_changes,
               silent_clients_are_forgotten_after_the_handshake_timeout,
               an_allocation_that_fails_costs_one_connection_at_most)
