/* Which controller a connection gets, and whole transfers with each: leat/congestion.h. */
#include "../pair.h"

#define TRANSFER 200000

/* A controller of ten packets, come what may, that counts what it is told. */
typedef struct fixed_window {
    uint64_t bytes, acked_bytes;
} fixed_window;

static void init(void *state, size_t max_datagram_size) {
    fixed_window *fixed = state;
    fixed->bytes = 10 * max_datagram_size;
}

static void on_acked(void *state, const leat_congestion_ack *ack) {
    fixed_window *fixed = state;
    fixed->acked_bytes += ack->packet->bytes;
}

static void on_congestion_event(void *state, const leat_congestion_event *event) {
    (void)state, (void)event;
}

static void on_persistent_congestion(void *state) {
    (void)state;
}

static uint64_t window(const void *state) {
    const fixed_window *fixed = state;
    return fixed->bytes;
}

static const leat_congestion_ops fixed_ops = {
    .size = sizeof(leat_congestion_ops),
    .name = "fixed",
    .state_size = sizeof(fixed_window),
    .init = init,
    .on_acked = on_acked,
    .on_congestion_event = on_congestion_event,
    .on_persistent_congestion = on_persistent_congestion,
    .on_datagram_size = init,
    .window = window,
};

static const leat_congestion *controller_of(pair *p) {
    return &pair_conn(p, PAIR_CLIENT)->paths.active->recovery.congestion;
}

static void transfer(pair *p) {
    static uint8_t bytes[TRANSFER];
    uint64_t id = 0, seed = 1;
    test_random(&seed, bytes, sizeof bytes);
    pair_handshake(p);
    ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id), 0);
    pair_send_all(p, PAIR_CLIENT, id, bytes, sizeof bytes, true);
    for (unsigned i = 0; i < 100 && !pair_stream_of(p, PAIR_SERVER, id)->ended; i++) {
        pair_run_for(p, LEAT_SECOND / 10);
    }
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->length, TRANSFER);
    ck_assert_mem_eq(pair_stream_of(p, PAIR_SERVER, id)->bytes, bytes, TRANSFER);
}

START_TEST(cubic_is_the_default) {
    pair *p = pair_new();
    pair_handshake(p);
    ck_assert_str_eq(controller_of(p)->ops->name, "cubic");
    pair_free(p);
}
END_TEST

START_TEST(each_controller_is_found_by_name_and_transfers) {
    static const char *const names[] = {"cubic", "newreno", "bbr"};
    for (size_t i = 0; i < 3; i++) {
        for (unsigned loss = 0; loss <= 4; loss += 2) {
            pair *p = pair_new();
            p->link.loss = loss;
            p->link.delay = 10 * LEAT_MILLISECOND;
            p->ends[PAIR_CLIENT].config.congestion_control = names[i];
            transfer(p);
            ck_assert_str_eq(controller_of(p)->ops->name, names[i]);
            pair_free(p);
        }
    }
}
END_TEST

START_TEST(a_controller_from_outside_decides_the_window) {
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.congestion_controller = &fixed_ops;
    p->ends[PAIR_CLIENT].config.congestion_control = "no such controller";
    transfer(p);
    leat_stats stats = {.size = sizeof stats};
    leat_conn_get_stats(pair_conn(p, PAIR_CLIENT), &stats);
    ck_assert_uint_eq(stats.congestion_window,
        10 * pair_conn(p, PAIR_CLIENT)->paths.active->recovery.max_datagram_size);
    const fixed_window *fixed = controller_of(p)->state;
    ck_assert_uint_gt(fixed->acked_bytes, TRANSFER);
    pair_free(p);
}
END_TEST

static void check_refused(const char *name, const leat_congestion_ops *ops) {
    static const char *const alpn[] = {"test"};
    leat_config config;
    int err = 0;
    leat_config_init(&config, true);
    config.alpn = alpn;
    config.alpn_count = 1;
    config.server_name = "localhost";
    config.congestion_control = name;
    config.congestion_controller = ops;
    ck_assert_ptr_null(leat_conn_new(&config, &err));
    ck_assert_int_eq(err, LEAT_ERR_INVALID);
}

START_TEST(unknown_names_and_incomplete_tables_are_refused) {
    check_refused("no such controller", NULL);
    leat_congestion_ops lacking = fixed_ops;
    lacking.on_acked = NULL;
    check_refused(NULL, &lacking);
}
END_TEST

LEAT_TEST_MAIN("quic/conn congestion", cubic_is_the_default,
    each_controller_is_found_by_name_and_transfers, a_controller_from_outside_decides_the_window,
    unknown_names_and_incomplete_tables_are_refused)
