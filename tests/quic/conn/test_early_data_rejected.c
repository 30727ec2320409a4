/* RFC 9001 §4.6.2, RFC 8446 §8: early data that is rejected, for every reason there is; and
 * allocations that fail. */
#include "../early_pair.h"

/* ---- rejected -------------------------------------------------------------------------------- */

/* Sends early data to a server that will not have it; then everything begins anew. */
static void run_rejected(pair *p) {
    pair_start(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    ck_assert(leat_conn_is_sending_early_data(client));
    uint64_t first = pair_send_text(p, PAIR_CLIENT, false, "rejected", true);
    pair_send_text(p, PAIR_CLIENT, false, "rejected too", false);
    const leat_span part = {(const uint8_t *)"datagram", 8};
    ck_assert_int_eq(leat_conn_send_datagram_frame(client, &part, 1, 7), LEAT_OK);
    pair_take_events(p, PAIR_CLIENT);
    while (p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_EARLY_DATA_REJECTED] == 0) {
        ck_assert(pair_step(p, p->now + 5 * LEAT_SECOND));
    }
    static const char expected[] =
        "DatagramFrameFate EarlyDataRejected ProtocolNegotiated HandshakeCompleted ";
    const char *events = pair_take_events(p, PAIR_CLIENT);
    ck_assert_msg(strncmp(events, expected, sizeof expected - 1) == 0, "%s", events);
    ck_assert_uint_eq(leat_stream_map_count(&client->streams.map), 0);
    ck_assert_uint_eq(client->streams.flow.sent, 0);
    ck_assert(!leat_conn_is_sending_early_data(client));
    ck_assert_ptr_null(client->early);
    uint64_t again = pair_send_text(p, PAIR_CLIENT, false, "again", true);
    ck_assert_uint_eq(again, first);
    run_until_confirmed(p);
    ck_assert(!leat_conn_early_data_accepted(client));
    assert_text(p, PAIR_SERVER, again, "again");
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_STREAM_OPENED], 1);
    ck_assert_uint_eq(
        p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_DATAGRAM_FRAME_RECEIVED], 0);
    /* TEST RFC 9001 §4.6.2: the losses say nothing about the path. */
    ck_assert_uint_eq(client->recovery.stats.congestion_events, 0);
    ck_assert_uint_eq(client->recovery.stats.persistent_congestions, 0);
    ck_assert_uint_eq(client->paths.active->recovery.bytes_in_flight, 0);
}

START_TEST(a_server_without_early_data_rejects_it_and_all_begins_anew) {
    ticket_keeper keeper;
    pair *p = early_pair_second(&keeper);
    p->ends[PAIR_SERVER].config.early_data = false;
    run_rejected(p);
    early_pair_end(&keeper, p);
}
END_TEST

START_TEST(a_server_that_lost_its_keys_rejects_it) {
    ticket_keeper keeper;
    pair *p = early_pair_second(&keeper);
    leat_resumption_keys_free(keeper.keys);
    keeper.keys = leat_resumption_keys_new(NULL);
    p->ends[PAIR_SERVER].config.resumption_keys = keeper.keys;
    run_rejected(p);
    early_pair_end(&keeper, p);
}
END_TEST

START_TEST(a_retry_of_the_hello_rejects_it) {
    static const uint16_t groups[] = {0x0018}; /* P-384: no share of the client's */
    ticket_keeper keeper;
    pair *p = early_pair_second(&keeper);
    p->ends[PAIR_SERVER].config.groups = groups;
    p->ends[PAIR_SERVER].config.group_count = 1;
    run_rejected(p);
    early_pair_end(&keeper, p);
}
END_TEST

/* TEST RFC 9000 §7.4.1: each of the limits that a client remembers. */
START_TEST(a_server_with_lower_limits_than_it_gave_rejects_it) {
    for (int i = 0; i < 6; i++) {
        ticket_keeper keeper;
        pair *p = early_pair_second(&keeper);
        leat_config *config = &p->ends[PAIR_SERVER].config;
        config->max_data -= i == 0;
        config->max_stream_data -= i == 1;
        config->max_streams_bidi -= i == 2;
        config->max_streams_uni -= i == 3;
        config->active_connection_id_limit -= i == 4;
        config->max_datagram_frame_size -= i == 5;
        run_rejected(p);
        early_pair_end(&keeper, p);
    }
}
END_TEST

START_TEST(a_server_with_other_application_bytes_rejects_it) {
    ticket_keeper keeper;
    pair *p = early_pair_second(&keeper);
    p->ends[PAIR_SERVER].config.session_application = test_hex("01");
    run_rejected(p);
    early_pair_end(&keeper, p);
}
END_TEST

START_TEST(a_server_with_higher_limits_accepts_it) {
    ticket_keeper keeper;
    pair *p = early_pair_second(&keeper);
    p->ends[PAIR_SERVER].config.max_stream_data++;
    p->ends[PAIR_SERVER].config.max_streams_bidi++;
    pair_handshake(p);
    ck_assert(leat_conn_early_data_accepted(pair_conn(p, PAIR_CLIENT)));
    early_pair_end(&keeper, p);
}
END_TEST

/* More than the first window takes: some were sent and are lost, the others have expired. */
START_TEST(each_early_datagram_has_a_fate_when_it_is_rejected) {
    static const uint8_t bytes[1000];
    ticket_keeper keeper;
    pair *p = early_pair_second(&keeper);
    p->ends[PAIR_SERVER].config.early_data = false;
    pair_start(p);
    for (uint64_t uid = 1; uid <= 30; uid++) {
        const leat_span part = {bytes, sizeof bytes};
        ck_assert_int_eq(leat_conn_send_datagram_frame(pair_conn(p, PAIR_CLIENT), &part, 1, uid),
                         LEAT_OK);
    }
    run_until_confirmed(p);
    const pair_end *client = &p->ends[PAIR_CLIENT], *server = &p->ends[PAIR_SERVER];
    ck_assert_uint_eq(client->event_counts[LEAT_EVENT_DATAGRAM_FRAME_FATE], 30);
    ck_assert_uint_eq(server->event_counts[LEAT_EVENT_DATAGRAM_FRAME_RECEIVED], 0);
    ck_assert_uint_gt(client->conn->datagrams.expired_count, 0);
    ck_assert_uint_gt(client->conn->datagrams.lost_count, 0);
    early_pair_end(&keeper, p);
}
END_TEST

/* A client that has not looked at its events has not seen the end of the first protocol either. */
START_TEST(events_that_wait_through_a_rejection_stay_valid) {
    ticket_keeper keeper;
    pair *p = early_pair_second(&keeper);
    p->ends[PAIR_SERVER].config.early_data = false;
    p->ends[PAIR_CLIENT].keeps_events = true;
    pair_start(p);
    pair_run_for(p, LEAT_SECOND);
    p->ends[PAIR_CLIENT].keeps_events = false;
    const char *events = pair_take_events(p, PAIR_CLIENT);
    static const char expected[] =
        "ProtocolNegotiated EarlyDataRejected ProtocolNegotiated HandshakeCompleted ";
    ck_assert_int_eq(strncmp(events, expected, sizeof expected - 1), 0);
    early_pair_end(&keeper, p);
}
END_TEST

/* ---- replays --------------------------------------------------------------------------------- */

typedef struct recording {
    uint8_t bytes[8][1500];
    size_t lengths[8], count;
} recording;

static bool record_client(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    recording *recorded = user;
    (void)p;
    if (from == PAIR_CLIENT && recorded->count < 8) {
        memcpy(recorded->bytes[recorded->count], datagram->bytes, datagram->length);
        recorded->lengths[recorded->count++] = datagram->length;
    }
    return true;
}

START_TEST(a_recorded_flight_does_not_act_twice) {
    ticket_keeper keeper;
    recording recorded = {.count = 0};
    pair *p = early_pair_second(&keeper);
    p->link.filter = record_client;
    p->link.filter_user = &recorded;
    pair_start(p);
    pair_send_text(p, PAIR_CLIENT, false, "pay", true);
    pair_flush(p, PAIR_CLIENT);
    p->link.filter = NULL;
    run_until_confirmed(p);
    ck_assert(leat_conn_early_data_accepted(pair_conn(p, PAIR_SERVER)));
    pair_free(p);
    p = early_pair_new(&keeper);
    for (size_t i = 0; i < recorded.count; i++) {
        pair_deliver(p, PAIR_SERVER, recorded.bytes[i], recorded.lengths[i]);
    }
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_PROTOCOL_NEGOTIATED], 1);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_STREAM_DATA_RECEIVED], 0);
    early_pair_end(&keeper, p);
}
END_TEST

/* ---- memory ---------------------------------------------------------------------------------- */

/* False: there are more allocations than that. */
static bool run_without_memory(ticket_keeper *keeper, pair_side side, size_t fail_at,
                               bool is_rejected) {
    int error = LEAT_OK;
    test_memory memory;
    test_memory_init(&memory);
    memory.fail_at = fail_at;
    pair *p = early_pair_new(keeper);
    p->ends[PAIR_SERVER].config.early_data = !is_rejected;
    p->ends[side].config.allocator = &memory.allocator;
    leat_conn *client = leat_conn_new(&p->ends[PAIR_CLIENT].config, &error);
    const leat_path path = {p->ends[PAIR_CLIENT].address, p->ends[PAIR_SERVER].address};
    p->ends[PAIR_CLIENT].conn = client;
    uint64_t id;
    if (client != NULL && leat_conn_connect(client, &path, p->now) == LEAT_OK) {
        if (leat_conn_open_stream(client, false, &id) == LEAT_OK) {
            leat_conn_send_stream_data(client, id, (const uint8_t *)"early", 5, true);
        }
        pair_run_for(p, 3 * LEAT_SECOND);
    }
    bool is_over = memory.allocations < fail_at;
    pair_free(p);
    ck_assert_uint_eq(memory.live, 0);
    return is_over;
}

static void fail_each_allocation(pair_side side) {
    for (int is_rejected = 0; is_rejected < 2; is_rejected++) {
        ticket_keeper keeper;
        pair_free(early_pair_second(&keeper));
        size_t fail_at = 1;
        while (!run_without_memory(&keeper, side, fail_at, is_rejected != 0)) {
            fail_at++;
        }
        ck_assert_uint_gt(fail_at, 20);
        leat_resumption_keys_free(keeper.keys);
    }
}

START_TEST(each_allocation_of_a_client_with_early_data_may_fail) {
    fail_each_allocation(PAIR_CLIENT);
}
END_TEST

START_TEST(each_allocation_of_a_server_with_early_data_may_fail) {
    fail_each_allocation(PAIR_SERVER);
}
END_TEST

LEAT_TEST_MAIN("quic/conn early data rejected",
               a_server_without_early_data_rejects_it_and_all_begins_anew,
               a_server_that_lost_its_keys_rejects_it, a_retry_of_the_hello_rejects_it,
               a_server_with_lower_limits_than_it_gave_rejects_it,
               a_server_with_other_application_bytes_rejects_it,
               a_server_with_higher_limits_accepts_it,
               each_early_datagram_has_a_fate_when_it_is_rejected,
               events_that_wait_through_a_rejection_stay_valid,
               a_recorded_flight_does_not_act_twice,
               each_allocation_of_a_client_with_early_data_may_fail,
               each_allocation_of_a_server_with_early_data_may_fail)
