/* Unreliable datagrams: RFC 9221; their fate, their bounds, their order. */
#include "../pair.h"

static int send(pair *p, pair_side side, size_t length, uint64_t uid) {
    static uint8_t bytes[70000];
    const leat_span part = {bytes, length};
    return leat_conn_send_datagram_frame(pair_conn(p, side), &part, 1, uid);
}

static leat_datagram_fate fates[16];
static void note_fate(void *user, pair *p, pair_side side, const leat_event *event) {
    (void)user, (void)p, (void)side;
    if (event->type == LEAT_EVENT_DATAGRAM_FRAME_FATE) {
        fates[event->datagram_frame_fate.uid % 16] = event->datagram_frame_fate.fate;
    }
}

START_TEST(parts_are_joined) {
    pair *p = pair_new();
    leat_event event;
    pair_handshake(p);
    p->ends[PAIR_SERVER].keeps_events = true;
    const leat_span parts[] = {{(const uint8_t *)"ab", 2}, {NULL, 0}, {(const uint8_t *)"cde", 3}};
    ck_assert_int_eq(leat_conn_send_datagram_frame(pair_conn(p, PAIR_CLIENT), parts, 3, 0), 0);
    pair_settle(p);
    ck_assert(leat_conn_next_event(pair_conn(p, PAIR_SERVER), &event));
    ck_assert_int_eq(event.type, LEAT_EVENT_DATAGRAM_FRAME_RECEIVED);
    ck_assert_uint_eq(event.datagram_frame_received.data.length, 5);
    ck_assert_int_eq(memcmp(event.datagram_frame_received.data.data, "abcde", 5), 0);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_DATAGRAM_FRAME_FATE], 0);
    pair_free(p);
}
END_TEST

START_TEST(an_empty_datagram_arrives) {
    pair *p = pair_new();
    pair_handshake(p);
    ck_assert_int_eq(send(p, PAIR_CLIENT, 0, 0), 0);
    pair_settle(p);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_DATAGRAM_FRAME_RECEIVED], 1);
    pair_free(p);
}
END_TEST

START_TEST(the_largest_payload_fits_and_one_more_does_not) {
    pair *p = pair_new();
    pair_handshake(p);
    size_t largest = leat_conn_max_datagram_payload(pair_conn(p, PAIR_CLIENT));
    ck_assert_uint_gt(largest, 1200);
    ck_assert_int_eq(send(p, PAIR_CLIENT, largest + 1, 1), LEAT_ERR_TOO_LARGE);
    ck_assert_int_eq(send(p, PAIR_CLIENT, largest, 1), 0);
    pair_settle(p);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_DATAGRAM_FRAME_RECEIVED], 1);
    pair_free(p);
}
END_TEST

START_TEST(the_peers_frame_size_is_respected) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.max_datagram_frame_size = 100;
    pair_handshake(p);
    size_t largest = leat_conn_max_datagram_payload(pair_conn(p, PAIR_CLIENT));
    ck_assert_uint_ge(largest, 95);
    ck_assert_uint_le(largest, 98);
    for (size_t length = 0; length <= largest; length++) {
        ck_assert_int_eq(send(p, PAIR_CLIENT, length, 0), 0);
    }
    pair_settle(p);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)));
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_DATAGRAM_FRAME_RECEIVED],
                      largest + 1);
    pair_free(p);
}
END_TEST

START_TEST(a_peer_without_datagrams_gets_none) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.max_datagram_frame_size = 0;
    pair_handshake(p);
    ck_assert_uint_eq(leat_conn_max_datagram_payload(pair_conn(p, PAIR_CLIENT)), 0);
    ck_assert_uint_eq(leat_conn_peer_max_datagram_frame_size(pair_conn(p, PAIR_CLIENT)), 0);
    ck_assert_int_eq(send(p, PAIR_CLIENT, 1, 0), LEAT_ERR_NOT_SUPPORTED);
    ck_assert_int_eq(send(p, PAIR_SERVER, 1, 0), 0);
    pair_free(p);
}
END_TEST

START_TEST(each_fate_is_told) {
    pair *p = pair_new();
    pair_handshake(p);
    p->on_event = note_fate;
    memset(fates, 0xff, sizeof fates);
    send(p, PAIR_CLIENT, 10, 1);
    pair_settle(p);
    p->link.black_hole[PAIR_SERVER] = true;
    send(p, PAIR_CLIENT, 10, 2);
    pair_flush(p, PAIR_CLIENT);
    p->link.black_hole[PAIR_SERVER] = false;
    pair_run_for(p, 2 * LEAT_SECOND);
    send(p, PAIR_CLIENT, 10, 3);
    leat_conn_close(pair_conn(p, PAIR_CLIENT), 0, "");
    pair_settle(p);
    ck_assert_int_eq(fates[1], LEAT_DATAGRAM_ACKED);
    ck_assert_int_eq(fates[2], LEAT_DATAGRAM_LOST);
    ck_assert_int_eq(fates[3], LEAT_DATAGRAM_EXPIRED);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_DATAGRAM_FRAME_FATE], 3);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_DATAGRAM_FRAME_RECEIVED], 1);
    pair_free(p);
}
END_TEST

START_TEST(the_send_queue_is_bounded) {
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.datagram_queue_limit = 8;
    pair_handshake(p);
    for (unsigned i = 0; i < 8; i++) {
        ck_assert_int_eq(send(p, PAIR_CLIENT, 100, i + 1), 0);
    }
    ck_assert_int_eq(send(p, PAIR_CLIENT, 100, 9), LEAT_ERR_FULL);
    pair_settle(p);
    ck_assert_int_eq(send(p, PAIR_CLIENT, 100, 9), 0);
    pair_free(p);
}
END_TEST

START_TEST(the_oldest_unread_datagrams_go_first) {
    pair *p = pair_new();
    leat_event event;
    p->ends[PAIR_SERVER].config.datagram_receive_queue_limit = 2;
    pair_handshake(p);
    p->ends[PAIR_SERVER].keeps_events = true;
    for (unsigned i = 0; i < 5; i++) {
        char frame[8];
        snprintf(frame, sizeof frame, "30 %02x", i);
        pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, frame);
    }
    for (uint8_t i = 3; i < 5; i++) {
        ck_assert(leat_conn_next_event(pair_conn(p, PAIR_SERVER), &event));
        ck_assert_uint_eq(event.datagram_frame_received.data.data[0], i);
    }
    ck_assert(!leat_conn_next_event(pair_conn(p, PAIR_SERVER), &event));
    pair_free(p);
}
END_TEST

START_TEST(datagrams_before_the_handshake_are_refused) {
    pair *p = pair_new();
    pair_start(p);
    ck_assert_int_eq(send(p, PAIR_CLIENT, 1, 0), LEAT_ERR_STATE);
    pair_free(p);
}
END_TEST

START_TEST(a_duplicated_packet_delivers_once) {
    pair *p = pair_new();
    pair_handshake(p);
    p->link.duplication = 100;
    for (unsigned i = 0; i < 20; i++) {
        send(p, PAIR_CLIENT, 10, i + 1);
        pair_settle(p);
    }
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_DATAGRAM_FRAME_RECEIVED], 20);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_DATAGRAM_FRAME_FATE], 20);
    pair_free(p);
}
END_TEST

/* What arrived first is told first, streams and datagrams alike. */
START_TEST(events_keep_the_order_of_arrival) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_SERVER);
    p->ends[PAIR_SERVER].keeps_events = true;
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "30 61");
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0a 00 01 61");
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "30 62");
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0e 00 01 01 62");
    p->ends[PAIR_SERVER].keeps_events = false;
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER),
                     "DatagramFrameReceived StreamOpened StreamDataReceived DatagramFrameReceived");
    ck_assert_str_eq((char *)pair_stream_of(p, PAIR_SERVER, 0)->bytes, "ab");
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/datagrams", parts_are_joined, an_empty_datagram_arrives,
               the_largest_payload_fits_and_one_more_does_not,
               the_peers_frame_size_is_respected, a_peer_without_datagrams_gets_none,
                   each_fate_is_told, the_send_queue_is_bounded,
               the_oldest_unread_datagrams_go_first, datagrams_before_the_handshake_are_refused,
               a_duplicated_packet_delivers_once, events_keep_the_order_of_arrival)
