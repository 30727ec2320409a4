/* Credit on data and on streams: RFC 9000 §4; attacks E6, E10, E11, E13. */
#include "../pair.h"

static uint64_t open_stream(pair *p, pair_side side, bool uni) {
    uint64_t id = 0;
    ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, side), uni, &id), 0);
    return id;
}

static uint64_t stream_bytes_sent(pair *p, pair_side side) {
    leat_stats stats;
    leat_conn_get_stats(pair_conn(p, side), &stats);
    return stats.stream_bytes_sent;
}

START_TEST(much_data_goes_through_small_windows) {
    pair *p = pair_new();
    static uint8_t bytes[200000];
    uint64_t seed = 2;
    p->ends[PAIR_SERVER].config.max_data = 3000;
    p->ends[PAIR_SERVER].config.max_stream_data = 2000;
    pair_handshake(p);
    test_random(&seed, bytes, sizeof bytes);
    uint64_t id = open_stream(p, PAIR_CLIENT, true);
    pair_send_all(p, PAIR_CLIENT, id, bytes, sizeof bytes, true);
    pair_run_for(p, 60 * LEAT_SECOND);
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->length, sizeof bytes);
    ck_assert_int_eq(memcmp(pair_stream_of(p, PAIR_SERVER, id)->bytes, bytes, sizeof bytes), 0);
    pair_free(p);
}
END_TEST

/* Attack E13: windows of one byte do not make either side spin. */
START_TEST(windows_of_one_byte_work) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.max_data = 1;
    p->ends[PAIR_SERVER].config.max_stream_data = 1;
    pair_handshake(p);
    size_t before = p->ends[PAIR_CLIENT].datagrams_out;
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "hello world", true);
    pair_run_for(p, 10 * LEAT_SECOND);
    ck_assert_str_eq((char *)pair_stream_of(p, PAIR_SERVER, id)->bytes, "hello world");
    ck_assert_uint_le(p->ends[PAIR_CLIENT].datagrams_out - before, 60);
    pair_free(p);
}
END_TEST

static void read_until(void *user, pair *p, pair_side side, const leat_event *event) {
    const uint64_t *until = user;
    if (side == PAIR_SERVER && event->type == LEAT_EVENT_STREAM_DATA_RECEIVED &&
        pair_stream_of(p, side, event->stream_data_received.stream_id)->length >= *until) {
        leat_conn_hold_stream(pair_conn(p, side), event->stream_data_received.stream_id,
                              event->stream_data_received.data.length);
    }
}

/* Attack E11: windows grow for a reader that keeps up; one that stops holds no more than their
 * bounds. */
START_TEST(windows_grow_up_to_their_bounds_and_no_further) {
    enum { STREAM_WINDOW = 100000, WINDOW = 120000 };
    static uint8_t bytes[3000000];
    uint64_t until = 1500000;
    pair *p = pair_new();
    leat_config *config = &p->ends[PAIR_SERVER].config;
    config->max_stream_data = config->max_data = 10000;
    config->max_stream_window = STREAM_WINDOW;
    config->max_connection_window = WINDOW;
    p->ends[PAIR_CLIENT].config.send_buffer_limit = sizeof bytes;
    p->link.delay = 10 * LEAT_MILLISECOND;
    pair_handshake(p);
    p->on_event = read_until;
    p->on_event_user = &until;
    uint64_t id = open_stream(p, PAIR_CLIENT, true);
    leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), id, bytes, sizeof bytes, true);
    pair_run_for(p, 5 * LEAT_SECOND);
    const leat_conn_streams *streams = &pair_conn(p, PAIR_SERVER)->streams;
    const leat_flow *flow = &leat_stream_map_find(&streams->map, id)->flow;
    ck_assert_uint_eq(flow->window, STREAM_WINDOW);
    ck_assert_uint_eq(streams->flow.window, WINDOW);
    ck_assert_uint_gt(flow->received, until);
    ck_assert_uint_le(flow->received - flow->consumed, STREAM_WINDOW);
    pair_free(p);
}
END_TEST

/* Attack E11: credit comes with consumption, not with arrival. */
START_TEST(an_application_that_does_not_read_stops_the_peer) {
    pair *p = pair_new();
    static uint8_t bytes[100000];
    p->ends[PAIR_SERVER].config.max_data = 20000;
    p->ends[PAIR_SERVER].config.max_stream_data = 30000;
    pair_handshake(p);
    p->ends[PAIR_SERVER].keeps_events = true;
    uint64_t id = open_stream(p, PAIR_CLIENT, true);
    leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), id, bytes, sizeof bytes, true);
    pair_run_for(p, 10 * LEAT_SECOND);
    ck_assert_uint_eq(stream_bytes_sent(p, PAIR_CLIENT), 20000);
    p->ends[PAIR_SERVER].keeps_events = false;
    pair_run_for(p, 10 * LEAT_SECOND);
    ck_assert_uint_eq(stream_bytes_sent(p, PAIR_CLIENT), sizeof bytes);
    pair_free(p);
}
END_TEST

START_TEST(manual_credit_waits_for_the_application) {
    pair *p = pair_new();
    static uint8_t bytes[50000];
    p->ends[PAIR_SERVER].config.manual_credit = true;
    p->ends[PAIR_SERVER].config.max_stream_data = 10000;
    pair_handshake(p);
    uint64_t id = open_stream(p, PAIR_CLIENT, true);
    leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), id, bytes, sizeof bytes, true);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->length, 10000);
    ck_assert_int_eq(leat_conn_credit_stream(pair_conn(p, PAIR_SERVER), id, 6000), 0);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->length, 16000);
    for (unsigned i = 0; i < 20; i++) {
        leat_conn_credit_stream(pair_conn(p, PAIR_SERVER), id, 5000);
        pair_run_for(p, LEAT_SECOND);
    }
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    ck_assert_int_eq(leat_conn_credit_stream(pair_conn(p, PAIR_SERVER), 400, 1),
                     LEAT_ERR_NO_STREAM);
    pair_free(p);
}
END_TEST

START_TEST(a_manual_stream_gives_all_credit_back_at_its_end) {
    pair *p = pair_new();
    static uint8_t bytes[9000];
    p->ends[PAIR_SERVER].config.manual_credit = true;
    p->ends[PAIR_SERVER].config.max_data = 10000;
    pair_handshake(p);
    for (unsigned i = 0; i < 10; i++) {
        uint64_t id = open_stream(p, PAIR_CLIENT, true);
        leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), id, bytes, sizeof bytes, true);
        pair_run_for(p, LEAT_SECOND);
        ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->length, sizeof bytes);
    }
    pair_free(p);
}
END_TEST

/* The credit of a stream that is reset comes back to the connection's window when the application
 * has heard of it, and with it the bytes that never came. */
START_TEST(reset_streams_give_their_credit_back) {
    pair *p = pair_new();
    static uint8_t bytes[9000];
    p->ends[PAIR_SERVER].config.max_data = 10000;
    pair_handshake(p);
    for (unsigned i = 0; i < 10; i++) {
        p->ends[PAIR_SERVER].keeps_events = true;
        uint64_t id = open_stream(p, PAIR_CLIENT, true);
        leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), id, bytes, sizeof bytes, false);
        pair_settle(p);
        leat_conn_reset_stream(pair_conn(p, PAIR_CLIENT), id, 1);
        pair_settle(p);
        p->ends[PAIR_SERVER].keeps_events = false;
        pair_settle(p);
    }
    ck_assert_uint_eq(stream_bytes_sent(p, PAIR_CLIENT), 10 * sizeof bytes);
    pair_free(p);
}
END_TEST

/* One stream uses up the connection's credit, another waits for it in vain: what a third lost is
 * still sent again. */
START_TEST(lost_data_needs_no_new_credit) {
    pair *p = pair_new();
    static uint8_t bytes[5000];
    p->ends[PAIR_SERVER].config.max_data = 6000;
    pair_handshake(p);
    p->ends[PAIR_SERVER].keeps_events = true;
    uint64_t first = open_stream(p, PAIR_CLIENT, true), second = open_stream(p, PAIR_CLIENT, true);
    uint64_t waiting = open_stream(p, PAIR_CLIENT, true);
    leat_conn_set_stream_priority(pair_conn(p, PAIR_CLIENT), first, 0, false);
    leat_conn_set_stream_priority(pair_conn(p, PAIR_CLIENT), waiting, 1, false);
    p->link.black_hole[PAIR_SERVER] = true;
    leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), second, bytes, 1500, true);
    pair_flush(p, PAIR_CLIENT);
    leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), first, bytes, sizeof bytes, true);
    leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), waiting, bytes, 100, true);
    pair_flush(p, PAIR_CLIENT);
    p->link.black_hole[PAIR_SERVER] = false;
    pair_run_for(p, 5 * LEAT_SECOND);
    ck_assert_uint_eq(pair_conn(p, PAIR_SERVER)->streams.flow.received, 6000);
    ck_assert(leat_recv_buffer_is_complete(&leat_stream_map_find(&pair_conn(p,
        PAIR_SERVER)->streams.map, second)->recv));
    p->ends[PAIR_SERVER].keeps_events = false;
    pair_run_for(p, 5 * LEAT_SECOND);
    ck_assert(pair_stream_of(p, PAIR_SERVER, first)->ended);
    ck_assert(pair_stream_of(p, PAIR_SERVER, waiting)->ended);
    pair_free(p);
}
END_TEST

typedef struct frame_count {
    const char *name;
    unsigned count;
} frame_count;

static void count_frames(void *user, const leat_trace_record *record) {
    frame_count *wanted = user;
    bool is_frame = strcmp(record->name, "frame_created") == 0;
    if (is_frame && strlen(wanted->name) == record->fields[0].bytes.length &&
        memcmp(record->fields[0].bytes.data, wanted->name, strlen(wanted->name)) == 0) {
        wanted->count++;
    }
}

/* TEST RFC 9000 §4.1: once per limit, for streams, the connection and numbers of streams. */
START_TEST(what_blocks_is_told_once) {
    static const char *const names[] = {"data_blocked", "stream_data_blocked", "streams_blocked"};
    for (unsigned i = 0; i < 3; i++) {
        pair *p = pair_new();
        static uint8_t bytes[5000];
        uint64_t id = 0;
        frame_count wanted = {names[i], 0};
        const leat_trace_sink sink = {count_frames, &wanted};
        p->ends[PAIR_CLIENT].config.trace = &sink;
        p->ends[PAIR_SERVER].config.max_data = i == 0 ? 1000 : 100000;
        p->ends[PAIR_SERVER].config.max_stream_data = i == 1 ? 1000 : 100000;
        p->ends[PAIR_SERVER].config.max_streams_uni = 1;
        pair_handshake(p);
        p->ends[PAIR_SERVER].keeps_events = true;
        id = open_stream(p, PAIR_CLIENT, true);
        leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &(uint64_t){0});
        leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), id, bytes, sizeof bytes, false);
        pair_run_for(p, 10 * LEAT_SECOND);
        ck_assert_msg(wanted.count == 1, "%u times %s", wanted.count, names[i]);
        p->ends[PAIR_SERVER].keeps_events = false;
        pair_free(p);
    }
}
END_TEST

/* ---- limits on streams ----------------------------------------------------------------------- */

START_TEST(a_stream_above_the_limit_waits_for_streams_available) {
    pair *p = pair_new();
    uint64_t id = 0;
    p->ends[PAIR_SERVER].config.max_streams_uni = 2;
    pair_handshake(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    ck_assert_uint_eq(leat_conn_streams_available(client, true), 2);
    uint64_t first = open_stream(p, PAIR_CLIENT, true);
    open_stream(p, PAIR_CLIENT, true);
    ck_assert_int_eq(leat_conn_open_stream(client, true, &id), LEAT_ERR_STREAM_LIMIT);
    ck_assert_uint_eq(leat_conn_streams_available(client, true), 0);
    pair_settle(p);
    pair_take_events(p, PAIR_CLIENT);
    leat_conn_send_stream_data(client, first, (const uint8_t *)"x", 1, true);
    pair_settle(p);
    ck_assert_ptr_nonnull(strstr(pair_take_events(p, PAIR_CLIENT), "StreamsAvailable"));
    ck_assert_int_eq(leat_conn_open_stream(client, true, &id), 0);
    pair_free(p);
}
END_TEST

START_TEST(before_the_handshake_no_stream_can_be_opened) {
    pair *p = pair_new();
    uint64_t id = 0;
    pair_start(p);
    ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), false, &id),
                     LEAT_ERR_STREAM_LIMIT);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_STREAMS_AVAILABLE], 1);
    ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), false, &id), 0);
    pair_free(p);
}
END_TEST

START_TEST(nobody_is_told_of_streams_that_nobody_wanted) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, "13 4400");
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_STREAMS_AVAILABLE], 0);
    ck_assert_uint_eq(leat_conn_streams_available(pair_conn(p, PAIR_CLIENT), true), 0x400);
    pair_free(p);
}
END_TEST

START_TEST(many_streams_go_through_a_small_limit) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.max_streams_uni = 4;
    pair_handshake(p);
    unsigned opened = 0;
    for (unsigned i = 0; i < 400 && opened < 60; i++) {
        uint64_t id = 0;
        if (leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id) == 0) {
            opened++;
            leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), id, (const uint8_t *)"x", 1,
                                       true);
        }
        pair_run_for(p, 10 * LEAT_MILLISECOND);
    }
    ck_assert_uint_eq(opened, 60);
    pair_settle(p);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_STREAM_OPENED], 60);
    pair_free(p);
}
END_TEST

/* Attack E6: open and reset as fast as one can: one window of streams per round trip at most. */
START_TEST(rapid_resets_are_bounded_by_the_round_trip) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.max_streams_bidi = 10;
    pair_handshake(p);
    unsigned opened = 0;
    leat_time until = p->now + LEAT_SECOND;
    while (p->now < until) {
        uint64_t id = 0;
        while (leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), false, &id) == 0) {
            leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), id, (const uint8_t *)"x", 1,
                                       false);
            leat_conn_reset_stream(pair_conn(p, PAIR_CLIENT), id, 0);
            leat_conn_stop_stream(pair_conn(p, PAIR_CLIENT), id, 0);
            opened++;
        }
        pair_run_for(p, LEAT_MILLISECOND);
    }
    ck_assert_msg(opened <= 10 * 51, "%u streams in 50 round trips", opened);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §4.1: old news lowers no limit. */
START_TEST(limits_never_fall) {
    pair *p = pair_new();
    pair_handshake(p);
    uint64_t before = leat_flow_send_credit(&pair_conn(p, PAIR_CLIENT)->streams.flow);
    pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, "10 05 12 01 13 01");
    ck_assert_uint_eq(leat_flow_send_credit(&pair_conn(p, PAIR_CLIENT)->streams.flow), before);
    ck_assert_uint_eq(leat_conn_streams_available(pair_conn(p, PAIR_CLIENT), false), 100);
    pair_free(p);
}
END_TEST

/* Attack E10: the largest numbers there are. */
START_TEST(the_largest_limits_are_fine) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.max_data = UINT64_MAX;
    p->ends[PAIR_SERVER].config.max_stream_data = UINT64_MAX;
    p->ends[PAIR_SERVER].config.max_streams_uni = UINT64_MAX;
    pair_handshake(p);
    static uint8_t bytes[100000];
    uint64_t id = open_stream(p, PAIR_CLIENT, true);
    pair_send_all(p, PAIR_CLIENT, id, bytes, sizeof bytes, true);
    pair_settle(p);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, "10 ffffffffffffffff 13 d000000000000000");
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_CLIENT)));
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/flow_control", windows_grow_up_to_their_bounds_and_no_further,
               much_data_goes_through_small_windows,
               windows_of_one_byte_work,
               an_application_that_does_not_read_stops_the_peer,
                   manual_credit_waits_for_the_application,
               a_manual_stream_gives_all_credit_back_at_its_end,
                   reset_streams_give_their_credit_back,
               lost_data_needs_no_new_credit, what_blocks_is_told_once,
               a_stream_above_the_limit_waits_for_streams_available,
                   before_the_handshake_no_stream_can_be_opened,
               nobody_is_told_of_streams_that_nobody_wanted, many_streams_go_through_a_small_limit,
               rapid_resets_are_bounded_by_the_round_trip, limits_never_fall,
                   the_largest_limits_are_fine)
