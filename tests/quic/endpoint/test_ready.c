/* The ready list and the timers. */
#include "fake_conn.h"

static fake_endpoint fake;
static const leat_span no_token;
static leat_conn *conns[3];
static uint8_t buffer[2000];
static leat_transmit transmit;

/* Three accepted connections whose timers are not set. */
static void start(void) {
    fake_endpoint_prepare(&fake);
    fake_endpoint_start(&fake);
    for (uint8_t i = 0; i < 3; i++) {
        uint8_t dcid[8] = {i, 0xd};
        leat_path path = fake_path(1, 5000);
        fake_receive(
            fake.endpoint,
            fake_long(0xc0, LEAT_VERSION_1, (leat_span){dcid, 8}, test_hex("5c"), no_token, 1200),
            &path, 0);
        conns[i] = fake_last_conn;
    }
}

static leat_conn *next(void) {
    bool is_new;
    return leat_endpoint_next_ready(fake.endpoint, &is_new);
}

static void drain_ready(void) {
    for (leat_conn *conn; (conn = next()) != NULL;) {
        while (leat_endpoint_datagrams_to_send(fake.endpoint, conn, buffer, sizeof buffer,
                                               &transmit, 0) > 0) {}
    }
}

START_TEST(connections_become_ready_first_in_first_out_and_only_once) {
    start();
    leat_endpoint_touch(fake.endpoint, conns[0]);
    leat_endpoint_touch(fake.endpoint, conns[2]);
    ck_assert_ptr_eq(next(), conns[0]);
    ck_assert_ptr_eq(next(), conns[1]);
    leat_endpoint_touch(fake.endpoint, conns[0]);
    ck_assert_ptr_eq(next(), conns[2]);
    ck_assert_ptr_eq(next(), conns[0]);
    ck_assert_ptr_null(next());
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(a_connection_is_new_once) {
    start();
    bool is_new = false;
    leat_endpoint_next_ready(fake.endpoint, &is_new);
    ck_assert(is_new);
    drain_ready();
    leat_endpoint_touch(fake.endpoint, conns[0]);
    leat_endpoint_next_ready(fake.endpoint, &is_new);
    ck_assert(!is_new);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(a_client_connection_is_ready_and_not_new) {
    start();
    drain_ready();
    leat_config client = {
        .size = sizeof client, .is_client = true, .allocator = &fake.memory.allocator};
    leat_path path = fake_path(5, 443);
    leat_conn *conn = leat_endpoint_connect(fake.endpoint, &client, &path, 0, NULL);
    bool is_new = true;
    ck_assert_ptr_eq(leat_endpoint_next_ready(fake.endpoint, &is_new), conn);
    ck_assert(!is_new);
    ck_assert_uint_eq(
        leat_endpoint_datagrams_to_send(fake.endpoint, conn, buffer, sizeof buffer, &transmit, 0),
        100);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(received_packets_make_ready) {
    start();
    drain_ready();
    leat_path path = fake_path(1, 5000);
    fake_receive(fake.endpoint, fake_short(leat_cid_span(&conns[1]->cid), 100), &path, 0);
    ck_assert_ptr_eq(next(), conns[1]);
    ck_assert_ptr_null(next());
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(the_earliest_timer_is_known_and_only_due_ones_run) {
    start();
    conns[0]->timer = 300;
    conns[1]->timer = 100;
    conns[2]->timer = 200;
    ck_assert_uint_eq(leat_endpoint_get_timer(fake.endpoint), LEAT_TIME_NEVER);
    drain_ready();
    ck_assert_uint_eq(leat_endpoint_get_timer(fake.endpoint), 100);
    leat_endpoint_handle_timer(fake.endpoint, 99);
    ck_assert_ptr_null(next());
    leat_endpoint_handle_timer(fake.endpoint, 200);
    ck_assert_uint_eq(conns[0]->timers_handled, 0);
    ck_assert_uint_eq(conns[1]->timers_handled, 1);
    ck_assert_uint_eq(conns[2]->timers_handled, 1);
    ck_assert_ptr_eq(next(), conns[1]);
    ck_assert_ptr_eq(next(), conns[2]);
    ck_assert_ptr_null(next());
    ck_assert_uint_eq(leat_endpoint_get_timer(fake.endpoint), 300);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(a_timer_that_stays_due_does_not_keep_the_endpoint) {
    start();
    conns[0]->timer = 1;
    drain_ready();
    leat_endpoint_handle_timer(fake.endpoint, 1000);
    ck_assert_uint_eq(conns[0]->timers_handled, 1);
    drain_ready(); /* armed again, still in the past */
    leat_endpoint_handle_timer(fake.endpoint, 1000);
    ck_assert_uint_eq(conns[0]->timers_handled, 2);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(a_timer_moves_when_the_connection_has_nothing_more_to_send) {
    start();
    conns[0]->timer = 500;
    drain_ready();
    conns[0]->timer = 50;
    conns[0]->to_send = 2;
    leat_endpoint_touch(fake.endpoint, conns[0]);
    ck_assert_uint_eq(leat_endpoint_datagrams_to_send(fake.endpoint, conns[0], buffer,
                                                      sizeof buffer, &transmit, 0),
                      100);
    drain_ready();
    ck_assert_uint_eq(leat_endpoint_get_timer(fake.endpoint), 50);
    conns[0]->timer = LEAT_TIME_NEVER;
    leat_endpoint_touch(fake.endpoint, conns[0]);
    drain_ready();
    ck_assert_uint_eq(leat_endpoint_get_timer(fake.endpoint), LEAT_TIME_NEVER);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(what_is_released_is_neither_ready_nor_timed) {
    start();
    conns[0]->timer = 500;
    drain_ready();
    leat_endpoint_touch(fake.endpoint, conns[0]);
    leat_endpoint_release(fake.endpoint, conns[0]);
    ck_assert_ptr_null(next());
    ck_assert_uint_eq(leat_endpoint_get_timer(fake.endpoint), LEAT_TIME_NEVER);
    leat_endpoint_touch(fake.endpoint, conns[0]); /* unknown by now: nothing happens */
    ck_assert_ptr_null(next());
    fake_endpoint_end(&fake);
}
END_TEST

LEAT_TEST_MAIN("quic/endpoint ready", connections_become_ready_first_in_first_out_and_only_once,
               a_connection_is_new_once, a_client_connection_is_ready_and_not_new,
               received_packets_make_ready, the_earliest_timer_is_known_and_only_due_ones_run,
               a_timer_that_stays_due_does_not_keep_the_endpoint,
               a_timer_moves_when_the_connection_has_nothing_more_to_send,
               what_is_released_is_neither_ready_nor_timed)
