/* The handshake between two connections: RFC 9000 §7, RFC 9001 §4. */
#include "../pair.h"

START_TEST(handshake_completes_and_is_confirmed_on_both_sides) {
    pair *p = pair_new();
    pair_handshake(p);
    ck_assert_str_eq(leat_conn_alpn(pair_conn(p, PAIR_CLIENT)), "test");
    ck_assert_str_eq(leat_conn_alpn(pair_conn(p, PAIR_SERVER)), "test");
    ck_assert_str_eq(leat_conn_server_name(pair_conn(p, PAIR_SERVER)), "localhost");
    ck_assert_uint_gt(leat_conn_peer_certificate(pair_conn(p, PAIR_CLIENT), 0).length, 0);
    pair_free(p);
}
END_TEST

START_TEST(a_stream_is_echoed) {
    pair *p = pair_new();
    pair_handshake(p);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, false, "hello", true);
    pair_settle(p);
    pair_stream *there = pair_stream_of(p, PAIR_SERVER, id);
    ck_assert_str_eq((char *)there->bytes, "hello");
    ck_assert(there->ended);
    pair_send_all(p, PAIR_SERVER, id, there->bytes, there->length, true);
    pair_settle(p);
    ck_assert_str_eq((char *)pair_stream_of(p, PAIR_CLIENT, id)->bytes, "hello");
    ck_assert(pair_stream_of(p, PAIR_CLIENT, id)->ended);
    pair_free(p);
}
END_TEST

START_TEST(a_datagram_arrives) {
    pair *p = pair_new();
    pair_handshake(p);
    const leat_span part = {(const uint8_t *)"quack", 5};
    ck_assert_int_eq(leat_conn_send_datagram_frame(pair_conn(p, PAIR_CLIENT), &part, 1, 7), 0);
    pair_settle(p);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_DATAGRAM_FRAME_RECEIVED], 1);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_DATAGRAM_FRAME_FATE], 1);
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/handshake", handshake_completes_and_is_confirmed_on_both_sides,
               a_stream_is_echoed, a_datagram_arrives)
