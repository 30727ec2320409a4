/* The sequences: set-up, exchanges, and every ending that can be brought about between two of our
 * own. */
#include "golden/golden.h"

#define GOLDEN_TEST(name)                                                                          \
    static void name##_body(golden *g);                                                            \
    START_TEST(name) {                                                                             \
        golden *g = golden_new();                                                                  \
        name##_body(g);                                                                            \
        golden_expect(g, "golden/" #name ".txt");                                                  \
    }                                                                                              \
    END_TEST                                                                                       \
    static void name##_body(golden *g)

static leat_span text_of(const char *text) {
    return (leat_span){(const uint8_t *)text, strlen(text)};
}

/* ---- set-up -------------------------------------------------------------------------- */

GOLDEN_TEST(setup_http3) {
    g->ends[PAIR_CLIENT].makes_no_wt = g->ends[PAIR_SERVER].makes_no_wt = true;
    golden_connect(g);
}

GOLDEN_TEST(setup_without_http3) {
    g->ends[PAIR_SERVER].makes_no_h3 = true;
    g->ends[PAIR_CLIENT].makes_no_wt = true;
    golden_connect(g);
    golden_run_for(g, 40 * LEAT_SECOND);
}

GOLDEN_TEST(setup_session) {
    golden_connect(g);
    g->length = 0;
    ck_assert_int_eq(leat_wt_connect(golden_wt(g, PAIR_CLIENT), "localhost", "/counter",
                         "https://localhost", NULL, 0, &g->session_id),
        0);
    golden_settle(g);
}

GOLDEN_TEST(setup_refused) {
    g->ends[PAIR_SERVER].refuses = 404;
    golden_connect(g);
    g->length = 0;
    ck_assert_int_eq(leat_wt_connect(golden_wt(g, PAIR_CLIENT), "localhost", "/nowhere", NULL, NULL,
                         0, &g->session_id),
        0);
    golden_settle(g);
}

GOLDEN_TEST(setup_without_webtransport) {
    g->ends[PAIR_SERVER].makes_no_wt = true;
    golden_connect(g);
    g->length = 0;
    ck_assert_int_eq(
        leat_wt_connect(golden_wt(g, PAIR_CLIENT), "localhost", "/", NULL, NULL, 0, &g->session_id),
        0);
    golden_settle(g);
}

/* ---- exchanges --------------------------------------------------------------------------------
 */

GOLDEN_TEST(exchange_datagram) {
    golden_open(g);
    ck_assert_int_eq(
        leat_wt_send_datagram(golden_wt(g, PAIR_CLIENT), g->session_id, text_of("hello"), 1), 0);
    golden_settle(g);
}

static void send_on_new_stream(golden *g, bool unidirectional) {
    uint64_t id;
    golden_open(g);
    ck_assert_int_eq(
        leat_wt_open_stream(golden_wt(g, PAIR_CLIENT), g->session_id, unidirectional, &id), 0);
    ck_assert_int_eq((int)leat_wt_send_stream_data(
                         golden_wt(g, PAIR_CLIENT), id, (const uint8_t *)"hello", 5, true),
        5);
    golden_settle(g);
}

GOLDEN_TEST(exchange_unidirectional) {
    send_on_new_stream(g, true);
}
GOLDEN_TEST(exchange_bidirectional) {
    send_on_new_stream(g, false);
}

GOLDEN_TEST(exchange_reset_and_stop) {
    uint64_t id;
    golden_open(g);
    ck_assert_int_eq(leat_wt_open_stream(golden_wt(g, PAIR_CLIENT), g->session_id, false, &id), 0);
    ck_assert_int_eq((int)leat_wt_send_stream_data(
                         golden_wt(g, PAIR_CLIENT), id, (const uint8_t *)"hello", 5, false),
        5);
    golden_settle(g);
    ck_assert_int_eq(leat_wt_reset_stream(golden_wt(g, PAIR_CLIENT), id, 30), 0);
    ck_assert_int_eq(leat_wt_stop_stream(golden_wt(g, PAIR_CLIENT), id, 31), 0);
    golden_settle(g);
}

/* ---- endings ------------------------------------------------------------------------- */

static void close_session(golden *g, pair_side side) {
    golden_open(g);
    ck_assert_int_eq(leat_wt_close(golden_wt(g, side), g->session_id, 7, "bye", 3), 0);
    golden_settle(g);
}

GOLDEN_TEST(ending_client_closes) {
    close_session(g, PAIR_CLIENT);
}
GOLDEN_TEST(ending_server_closes) {
    close_session(g, PAIR_SERVER);
}

GOLDEN_TEST(ending_both_close) {
    golden_open(g);
    ck_assert_int_eq(leat_wt_close(golden_wt(g, PAIR_CLIENT), g->session_id, 7, "bye", 3), 0);
    ck_assert_int_eq(leat_wt_close(golden_wt(g, PAIR_SERVER), g->session_id, 8, "bye too", 7), 0);
    golden_settle(g);
}

GOLDEN_TEST(ending_fin) {
    golden_open(g);
    ck_assert_int_eq(
        (int)leat_h3_send_data(g->ends[PAIR_CLIENT].h3, g->session_id, NULL, 0, true), 0);
    golden_settle(g);
}

GOLDEN_TEST(ending_reset) {
    golden_open(g);
    ck_assert_int_eq(leat_conn_reset_stream(
                         golden_conn(g, PAIR_CLIENT), g->session_id, LEAT_H3_REQUEST_CANCELLED),
        0);
    golden_settle(g);
}

GOLDEN_TEST(ending_stop) {
    golden_open(g);
    ck_assert_int_eq(
        leat_h3_stop_stream(g->ends[PAIR_CLIENT].h3, g->session_id, LEAT_H3_NO_ERROR), 0);
    golden_settle(g);
}

/* As Chromium's peers do: the capsule wins over the STOP_SENDING beside it. */
GOLDEN_TEST(ending_capsule_and_stop) {
    golden_open(g);
    ck_assert_int_eq(
        leat_h3_stop_stream(g->ends[PAIR_CLIENT].h3, g->session_id, LEAT_H3_NO_ERROR), 0);
    ck_assert_int_eq(leat_wt_close(golden_wt(g, PAIR_CLIENT), g->session_id, 7, "bye", 3), 0);
    golden_settle(g);
}

/* One packet of the client: STREAM with an offset, a length and perhaps FIN, then more frames. */
static void send_one_packet(golden *g, const char *data_hex, bool fin, const char *frames_hex) {
    char hex[256];
    snprintf(hex, sizeof hex, "%s 00 %04x %02zx %s %s", fin ? "0f" : "0e",
        0x4000 | (unsigned)g->received, test_hex(data_hex).length, data_hex, frames_hex);
    pair_raw(g->pair, PAIR_CLIENT, LEAT_SPACE_APPLICATION, hex);
    golden_settle(g);
}

/* The capsule wins over the end of the connection in the same datagram. */
GOLDEN_TEST(ending_capsule_and_connection_close) {
    golden_open(g);
    send_one_packet(g, "00 0a 6843 07 00000007 627965", true, "1d 4100 00");
}

GOLDEN_TEST(ending_fin_and_connection_close) {
    golden_open(g);
    send_one_packet(g, "", true, "1d 4100 00");
}

GOLDEN_TEST(ending_stop_and_connection_close) {
    golden_open(g);
    send_one_packet(g, "", false, "05 00 4100 1d 4100 00");
}

GOLDEN_TEST(ending_stateless_reset) {
    uint8_t bytes[43] = {0x41};
    golden_open(g);
    const leat_cid *cid = &golden_conn(g, PAIR_CLIENT)->cids.local[0].cid;
    memcpy(bytes + 1, cid->bytes, cid->length);
    memcpy(bytes + sizeof bytes - 16, golden_conn(g, PAIR_SERVER)->cids.local[0].reset_token, 16);
    pair_deliver(g->pair, PAIR_CLIENT, bytes, sizeof bytes);
}

GOLDEN_TEST(ending_protocol_error) {
    golden_open(g);
    ck_assert_int_eq(leat_h3_send_capsule(g->ends[PAIR_CLIENT].h3, g->session_id, 0x2843,
                         (leat_span){(const uint8_t *)"\0\0\0\1\xff", 5}, true),
        0);
    golden_settle(g);
}

GOLDEN_TEST(ending_connection_close) {
    golden_open(g);
    leat_conn_close(golden_conn(g, PAIR_CLIENT), LEAT_H3_NO_ERROR, "done");
    golden_settle(g);
}

GOLDEN_TEST(ending_transport_close) {
    golden_open(g);
    leat_conn_close_transport(golden_conn(g, PAIR_CLIENT), LEAT_NO_ERROR, 0, "done");
    golden_settle(g);
}

GOLDEN_TEST(ending_idle_timeout) {
    golden_open(g);
    g->pair->link.black_hole[PAIR_CLIENT] = g->pair->link.black_hole[PAIR_SERVER] = true;
    golden_run_for(g, 120 * LEAT_SECOND);
}

GOLDEN_TEST(ending_liveness_timeout) {
    g->pair->ends[PAIR_SERVER].config.liveness = 3 * LEAT_SECOND;
    golden_open(g);
    g->pair->link.black_hole[PAIR_CLIENT] = g->pair->link.black_hole[PAIR_SERVER] = true;
    golden_run_for(g, 3500 * LEAT_MILLISECOND);
}

/* Liveness: away for two seconds and back. */
GOLDEN_TEST(liveness_comes_back) {
    g->pair->ends[PAIR_SERVER].config.liveness = 3 * LEAT_SECOND;
    golden_open(g);
    g->pair->link.black_hole[PAIR_CLIENT] = g->pair->link.black_hole[PAIR_SERVER] = true;
    golden_run_for(g, 2 * LEAT_SECOND);
    g->pair->link.black_hole[PAIR_CLIENT] = g->pair->link.black_hole[PAIR_SERVER] = false;
    golden_run_for(g, LEAT_SECOND);
}

GOLDEN_TEST(ending_two_sessions) {
    uint64_t second;
    golden_open(g);
    ck_assert_int_eq(
        leat_wt_connect(golden_wt(g, PAIR_CLIENT), "localhost", "/second", NULL, NULL, 0, &second),
        0);
    golden_settle(g);
    g->length = 0;
    leat_conn_close(golden_conn(g, PAIR_SERVER), LEAT_H3_NO_ERROR, "shutdown");
    golden_settle(g);
}

GOLDEN_TEST(draining) {
    golden_open(g);
    ck_assert_int_eq(leat_wt_drain(golden_wt(g, PAIR_SERVER), g->session_id), 0);
    golden_settle(g);
    ck_assert_int_eq(leat_h3_goaway(g->ends[PAIR_SERVER].h3), 0);
    golden_settle(g);
}

LEAT_TEST_MAIN("golden sequences", setup_http3, setup_without_http3, setup_session, setup_refused,
    setup_without_webtransport, exchange_datagram, exchange_unidirectional, exchange_bidirectional,
    exchange_reset_and_stop, ending_client_closes, ending_server_closes, ending_both_close,
    ending_fin, ending_reset, ending_stop, ending_capsule_and_stop,
    ending_capsule_and_connection_close, ending_fin_and_connection_close,
    ending_stop_and_connection_close, ending_stateless_reset, ending_protocol_error,
    ending_connection_close, ending_transport_close, ending_idle_timeout, ending_liveness_timeout,
    liveness_comes_back, ending_two_sessions, draining)
