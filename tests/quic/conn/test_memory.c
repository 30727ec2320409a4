/*
 * Memory: what an idle connection holds, what a hostile peer can make it hold, and every allocation
 * failing in turn: then the connection ends with internal_error or an API call is refused, and
 * nothing leaks.
 */
#include "../pair.h"

/* ---- how much -------------------------------------------------------------------------------- */

/* libcrypto's own objects are not counted: they do not go through the hook. */
START_TEST(an_idle_connection_holds_less_than_ten_kilobytes) {
    pair *p = pair_new();
    pair_handshake(p);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, false, "request", true);
    pair_settle(p);
    pair_send_all(p, PAIR_SERVER, id, (const uint8_t *)"response", 8, true);
    pair_settle(p);
    ck_assert_uint_eq(leat_stream_map_count(&pair_conn(p, PAIR_SERVER)->streams.map), 0);
    size_t both = p->memory.bytes_live;
    ck_assert_msg(both <= 2 * 10240, "%zu bytes for two connections, %zu of them the objects", both,
                  2 * sizeof(leat_conn));
    pair_free(p);
}
END_TEST

START_TEST(steady_traffic_allocates_nothing) {
    static const uint8_t bytes[32768] = {0};
    pair *p = pair_new();
    uint64_t id;
    size_t before = 0;
    pair_handshake(p);
    ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id), LEAT_OK);
    for (unsigned i = 0; i < 200; i++) {
        before = i == 100 ? p->memory.allocations : before;
        leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), id, bytes, sizeof bytes, false);
        pair_run_for(p, 100 * LEAT_MILLISECOND);
        p->ends[PAIR_SERVER].events[0] = p->ends[PAIR_CLIENT].events[0] = '\0';
    }
    ck_assert_uint_eq(p->memory.allocations, before);
    ck_assert_uint_eq(pair_conn(p, PAIR_SERVER)->streams.bytes_received, 200 * sizeof bytes);
    pair_free(p);
}
END_TEST

START_TEST(a_calm_connection_gives_back_what_lies_empty) {
    static const uint8_t bytes[200000] = {0};
    pair *p = pair_new();
    uint64_t id;
    pair_handshake(p);
    ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id), LEAT_OK);
    pair_send_all(p, PAIR_CLIENT, id, bytes, sizeof bytes, false);
    pair_settle(p);
    ck_assert_uint_gt(p->memory.bytes_live, 2 * 65536);
    pair_run_for(p, 2 * LEAT_SECOND);
    ck_assert_uint_le(p->memory.bytes_live, 2 * 10240);
    pair_send_all(p, PAIR_CLIENT, id, bytes, 1000, true);
    pair_settle(p);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    pair_free(p);
}
END_TEST

/* Streams filled one after the other, each with a gap at the end so that it holds a byte. */
START_TEST(what_drained_streams_keep_is_bounded) {
    pair *p = pair_new();
    test_memory memory;
    test_memory_init(&memory);
    p->ends[PAIR_SERVER].config.allocator = &memory.allocator;
    p->ends[PAIR_SERVER].config.max_stream_data = p->ends[PAIR_SERVER].config.max_data = 16384;
    p->ends[PAIR_SERVER].config.send_buffer_limit = 0;
    pair_handshake(p);
    size_t before = memory.bytes_live;
    for (unsigned id = 2; id < 50 * 4; id += 4) {
        static uint8_t payload[9000];
        pair_send_text(p, PAIR_CLIENT, true, "", false);
        pair_send_all(p, PAIR_CLIENT, id, payload, sizeof payload, false);
    }
    size_t grown = memory.bytes_live - before;
    ck_assert_msg(grown <= 5 * 16384 + 50 * sizeof(leat_stream), "%zu bytes", grown);
    pair_free(p);
}
END_TEST

START_TEST(many_streams_leave_nothing_behind) {
    pair *p = pair_new();
    pair_handshake(p);
    for (unsigned i = 0; i < 300; i++) {
        pair_send_text(p, PAIR_CLIENT, true, "x", true);
        pair_settle(p);
        p->ends[PAIR_SERVER].stream_count = 0;
        free(p->ends[PAIR_SERVER].streams[0].bytes);
        p->ends[PAIR_SERVER].streams[0].bytes = NULL;
        pair_take_events(p, PAIR_SERVER);
        pair_take_events(p, PAIR_CLIENT);
        p->ends[PAIR_SERVER].events[0] = p->ends[PAIR_CLIENT].events[0] = '\0';
    }
    ck_assert_uint_eq(leat_stream_map_count(&pair_conn(p, PAIR_SERVER)->streams.map), 0);
    ck_assert_uint_eq(leat_stream_map_count(&pair_conn(p, PAIR_CLIENT)->streams.map), 0);
    ck_assert_uint_le(p->memory.bytes_live, 2 * 20480);
    pair_free(p);
}
END_TEST

/* Attack E1: every second byte of the window. */
START_TEST(sparse_stream_data_stays_within_twice_the_window) {
    pair *p = pair_new();
    test_memory memory;
    test_memory_init(&memory);
    p->ends[PAIR_SERVER].config.allocator = &memory.allocator;
    p->ends[PAIR_SERVER].config.max_stream_data = p->ends[PAIR_SERVER].config.max_data = 4000;
    pair_handshake(p);
    size_t before = memory.bytes_live;
    for (unsigned offset = 1; offset < 3900; offset += 2) {
        char frame[32];
        snprintf(frame, sizeof frame, "0e 00 %04x 01 61", 0x4000 | offset);
        pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, frame);
    }
    size_t grown = memory.bytes_live - before;
    ck_assert_msg(grown <= 2 * 4000 + 65536, "%zu bytes", grown);
    pair_free(p);
}
END_TEST

/* Attack F9: datagrams that nobody reads. */
START_TEST(unread_datagrams_are_bounded) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.datagram_receive_queue_limit = 16;
    pair_handshake(p);
    p->ends[PAIR_SERVER].keeps_events = true;
    for (unsigned i = 0; i < 1000; i++) {
        pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "30 616263");
    }
    leat_stats stats;
    leat_conn_get_stats(pair_conn(p, PAIR_SERVER), &stats);
    ck_assert_uint_eq(pair_conn(p, PAIR_SERVER)->datagrams.received.count, 16);
    ck_assert_uint_eq(stats.datagrams_dropped, 1000 - 16);
    pair_free(p);
}
END_TEST

START_TEST(unread_events_are_bounded) {
    pair *p = pair_new();
    pair_handshake(p);
    p->ends[PAIR_CLIENT].keeps_events = true;
    for (unsigned i = 0; i < 2 * LEAT_EVENTS_MAX; i++) {
        leat_conn_send_ping(pair_conn(p, PAIR_CLIENT), i);
        pair_run_for(p, 30 * LEAT_MILLISECOND);
    }
    ck_assert_uint_eq(pair_conn(p, PAIR_CLIENT)->events.ring.count, LEAT_EVENTS_MAX);
    ck_assert_uint_gt(pair_conn(p, PAIR_CLIENT)->events.dropped, 0);
    pair_free(p);
}
END_TEST

/* ---- each allocation failing in turn --------------------------------------------------------- */

static void use_calls(leat_conn *conn, uint64_t *id) {
    static const uint8_t text[3000];
    const leat_span part = {text, 100};
    if (leat_conn_open_stream(conn, false, id) == LEAT_OK) {
        leat_conn_send_stream_data(conn, *id, text, sizeof text, true);
    }
    leat_conn_send_datagram_frame(conn, &part, 1, 5);
    leat_conn_send_ping(conn, 6);
    leat_conn_change_connection_id(conn);
    leat_conn_request_key_update(conn);
}

static void expect_no_blame(pair *p, size_t fail_at) {
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        const leat_event *end = &p->ends[side].terminated;
        if (end->type == LEAT_EVENT_CONNECTION_TERMINATED &&
            end->connection_terminated.source == LEAT_SOURCE_PROTOCOL_ERROR) {
            ck_abort_msg(
                "allocation %zu: side %d took its own failure for a fault of the peer: 0x%llx %s",
                fail_at, side, (unsigned long long)end->connection_terminated.error_code,
                p->ends[side].reason);
        }
    }
}

/* What an application does with a connection; each call may be refused. */
typedef void use_fn(pair *p);

static void use_often(pair *p) {
    uint64_t id = 0;
    use_calls(pair_conn(p, PAIR_CLIENT), &id);
    pair_run_for(p, LEAT_SECOND);
    if (pair_conn(p, PAIR_SERVER) != NULL) {
        leat_conn_reset_stream(pair_conn(p, PAIR_SERVER), id, 9);
        use_calls(pair_conn(p, PAIR_SERVER), &id);
        p->ends[PAIR_CLIENT].address.ip[3] = 77;
        leat_conn_send_ping(pair_conn(p, PAIR_CLIENT), 8);
    }
    pair_run_for(p, 2 * LEAT_SECOND);
}

/* Resets behind a head, windows that grow, requests for fewer ACKs, and a move. */
static void use_rarely(pair *p) {
    static const uint8_t text[60000];
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    leat_path path = {p->ends[PAIR_CLIENT].address, p->ends[PAIR_SERVER].address};
    uint64_t id = 0;
    for (unsigned i = 0; i < 3; i++) {
        if (leat_conn_open_stream(client, true, &id) == LEAT_OK) {
            leat_conn_send_stream_data(client, id, text, sizeof text, false);
            pair_run_for(p, i * LEAT_SECOND);
            leat_conn_reset_stream_at(client, id, 7, 1000);
            leat_conn_reset_stream_at(client, id, 7, 500);
        }
        client->ack_frequency.is_due = leat_ack_frequency_can_ask(client);
    }
    p->link.is_direct = true;
    path.local.port++;
    leat_conn_migrate(client, &path, p->now);
    pair_run_for(p, 2 * LEAT_SECOND);
}

/* True when no allocation failed. */
static bool live_with_failure(size_t fail_at, bool has_certificates, use_fn *use) {
    pair *p = pair_new();
    int error = 0;
    const leat_path path = {p->ends[PAIR_CLIENT].address, p->ends[PAIR_SERVER].address};
    if (has_certificates) {
        p->ends[PAIR_CLIENT].config.identities = &p->identity;
        p->ends[PAIR_CLIENT].config.identity_count = 1;
        p->ends[PAIR_SERVER].config.client_auth = LEAT_CLIENT_AUTH_REQUIRE;
        p->ends[PAIR_SERVER].config.client_trust = p->trust;
    }
    p->memory.fail_at = fail_at;
    p->ends[PAIR_CLIENT].conn = leat_conn_new(&p->ends[PAIR_CLIENT].config, &error);
    if (p->ends[PAIR_CLIENT].conn == NULL) {
        ck_assert_int_lt(error, 0);
        pair_free(p);
        return false;
    }
    if (leat_conn_connect(pair_conn(p, PAIR_CLIENT), &path, p->now) == LEAT_OK) {
        pair_run_for(p, LEAT_SECOND);
        use(p);
        leat_conn_close(pair_conn(p, PAIR_CLIENT), 1, "done");
        pair_run_for(p, 30 * LEAT_SECOND);
    }
    bool failed = p->memory.allocations >= fail_at;
    expect_no_blame(p, fail_at);
    pair_free(p);
    return !failed;
}

static void fail_each(bool has_certificates, use_fn *use) {
    size_t fail_at = 1;
    while (!live_with_failure(fail_at, has_certificates, use)) {
        fail_at++;
        ck_assert_uint_lt(fail_at, 20000);
    }
    ck_assert_uint_gt(fail_at, 100);
}

START_TEST(every_allocation_may_fail) { fail_each(false, use_often); }
END_TEST

START_TEST(every_allocation_of_what_is_rare_may_fail) { fail_each(true, use_rarely); }
END_TEST

/* ---- the random source fails ----------------------------------------------------------------- */

typedef struct failing_random {
    uint64_t seed;
    unsigned calls, fail_at;
} failing_random;

static bool random_that_fails(void *user, uint8_t *bytes, size_t length) {
    failing_random *random = user;
    return ++random->calls != random->fail_at && test_random(&random->seed, bytes, length);
}

START_TEST(every_draw_of_random_bytes_may_fail) {
    for (unsigned fail_at = 1; fail_at < 60; fail_at++) {
        pair *p = pair_new();
        int error = 0;
        uint64_t id = 0;
        failing_random random = {1, 0, fail_at};
        const leat_path path = {p->ends[PAIR_CLIENT].address, p->ends[PAIR_SERVER].address};
        for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
            p->ends[side].config.random = random_that_fails;
            p->ends[side].config.random_user = &random;
        }
        p->ends[PAIR_CLIENT].conn = leat_conn_new(&p->ends[PAIR_CLIENT].config, &error);
        if (p->ends[PAIR_CLIENT].conn != NULL &&
            leat_conn_connect(pair_conn(p, PAIR_CLIENT), &path, p->now) == LEAT_OK) {
            pair_run_for(p, LEAT_SECOND);
            use_calls(pair_conn(p, PAIR_CLIENT), &id);
            pair_run_for(p, 20 * LEAT_SECOND);
        }
        pair_free(p);
    }
}
END_TEST

LEAT_TEST_MAIN("quic/conn/memory", an_idle_connection_holds_less_than_ten_kilobytes,
               steady_traffic_allocates_nothing, a_calm_connection_gives_back_what_lies_empty,
               what_drained_streams_keep_is_bounded, many_streams_leave_nothing_behind,
               sparse_stream_data_stays_within_twice_the_window, unread_datagrams_are_bounded,
               unread_events_are_bounded, every_allocation_may_fail,
               every_allocation_of_what_is_rare_may_fail,
               every_draw_of_random_bytes_may_fail)
