/*
 * Whole connections over bad networks: whatever is lost, doubled or reordered, every byte arrives
 * once and in order, and both sides come to rest. RFC 9002, RFC 9000 §13.3. Each case prints
 * nothing but its seed when it fails.
 */
#include "../pair.h"

#define TRANSFER 60000

static void fill(uint8_t *bytes, size_t length, uint64_t seed) {
    test_random(&seed, bytes, length);
}

static void check_stream(pair *p, pair_side side, uint64_t id, const uint8_t *expected,
                         size_t length, uint64_t seed) {
    pair_stream *stream = pair_stream_of(p, side, id);
    ck_assert_msg(stream->length == length && stream->ended,
                  "seed %llu: stream %llu has %zu of %zu bytes",
                  (unsigned long long)seed, (unsigned long long)id, stream->length, length);
    ck_assert_msg(memcmp(stream->bytes, expected, length) == 0, "seed %llu: other bytes",
                  (unsigned long long)seed);
}

static void transfer(uint64_t seed, unsigned loss, unsigned duplication, unsigned reorder,
                     leat_time delay) {
    static uint8_t there[TRANSFER], back[TRANSFER];
    pair *p = pair_new();
    p->seed = seed;
    p->link.loss = loss;
    p->link.duplication = duplication;
    p->link.reorder = reorder;
    p->link.delay = delay;
    p->ends[PAIR_CLIENT].config.handshake_timeout = p->ends[PAIR_SERVER].config.handshake_timeout =
        0;
    fill(there, sizeof there, seed);
    fill(back, sizeof back, seed + 1);
    pair_handshake(p);
    uint64_t bidi = 0, uni = 0;
    ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), false, &bidi), 0);
    ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, PAIR_SERVER), true, &uni), 0);
    pair_send_all(p, PAIR_CLIENT, bidi, there, sizeof there, true);
    pair_send_all(p, PAIR_SERVER, uni, back, sizeof back, true);
    for (unsigned seconds = 0; seconds < 600 &&
         !(pair_stream_of(p, PAIR_SERVER, bidi)->ended &&
           pair_stream_of(p, PAIR_CLIENT, uni)->ended); seconds++) {
        pair_run_for(p, LEAT_SECOND);
    }
    check_stream(p, PAIR_SERVER, bidi, there, sizeof there, seed);
    check_stream(p, PAIR_CLIENT, uni, back, sizeof back, seed);
    pair_free(p);
}

static void transfers(unsigned seeds, unsigned loss, unsigned duplication, unsigned reorder,
                      leat_time delay) {
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        transfer(seed, loss, duplication, reorder, delay);
    }
}

START_TEST(everything_arrives_on_a_clean_link) { transfers(3, 0, 0, 0, 10 * LEAT_MILLISECOND); }
END_TEST
START_TEST(everything_arrives_without_delay) { transfers(3, 0, 0, 0, 0); }
END_TEST
START_TEST(everything_arrives_with_loss) { transfers(40, 10, 0, 0, 10 * LEAT_MILLISECOND); }
END_TEST
START_TEST(everything_arrives_with_heavy_loss) { transfers(20, 30, 0, 0, 10 * LEAT_MILLISECOND); }
END_TEST
START_TEST(everything_arrives_with_duplicates) { transfers(20, 0, 50, 0, 10 * LEAT_MILLISECOND); }
END_TEST
START_TEST(everything_arrives_reordered) { transfers(20, 0, 0, 40, 10 * LEAT_MILLISECOND); }
END_TEST
START_TEST(everything_arrives_with_all_of_it) { transfers(60, 10, 10, 20, 30 * LEAT_MILLISECOND); }
END_TEST
START_TEST(everything_arrives_over_a_satellite) { transfers(5, 2, 0, 5, 300 * LEAT_MILLISECOND); }
END_TEST

/* ---- single losses in the handshake ---------------------------------------------------------- */

typedef struct drop_nth {
    unsigned count, nth;
} drop_nth;

static bool drop_one(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    drop_nth *drop = user;
    (void)p, (void)from, (void)datagram;
    return ++drop->count != drop->nth;
}

/* TEST RFC 9002 §6.2.2.1: neither side waits for the other for ever, whichever datagram is lost. */
START_TEST(a_handshake_survives_the_loss_of_any_one_datagram) {
    for (unsigned nth = 1; nth <= 12; nth++) {
        pair *p = pair_new();
        drop_nth drop = {0, nth};
        p->link.filter = drop_one;
        p->link.filter_user = &drop;
        pair_handshake(p);
        pair_free(p);
    }
}
END_TEST

/* Loses the client's Handshake packets until all of its window is in flight in 1-RTT packets. */
static bool drop_finished(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    unsigned *left = user;
    bool is_long = (datagram->bytes[0] & 0x80) != 0;
    (void)p;
    if (from == PAIR_CLIENT && *left > 0 && is_long && p->ends[PAIR_SERVER].conn != NULL) {
        (*left)--;
        return false;
    }
    return true;
}

/* TEST RFC 9002 §6.2.4: 1-RTT packets fill the window and cannot be acknowledged before the server
 * has the Finished that was lost. */
START_TEST(a_full_window_does_not_hold_back_the_handshake) {
    static uint8_t bytes[100000];
    for (unsigned lost = 1; lost <= 4; lost++) {
        pair *p = pair_new();
        unsigned left = lost;
        uint64_t id = 0;
        pair_start(p);
        p->link.filter = drop_finished;
        p->link.filter_user = &left;
        while (p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_HANDSHAKE_COMPLETED] == 0) {
            ck_assert(pair_step(p, p->now + 5 * LEAT_SECOND));
        }
        leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id);
        leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), id, bytes, sizeof bytes, true);
        pair_run_for(p, 20 * LEAT_SECOND);
        ck_assert_uint_eq(left, 0);
        ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
        pair_free(p);
    }
}
END_TEST

START_TEST(lost_packets_are_counted) {
    pair *p = pair_new();
    leat_stats stats;
    pair_handshake(p);
    p->link.loss = 30;
    uint8_t bytes[20000] = {0};
    uint64_t id = 0;
    leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id);
    pair_send_all(p, PAIR_CLIENT, id, bytes, sizeof bytes, true);
    pair_run_for(p, 20 * LEAT_SECOND);
    leat_conn_get_stats(pair_conn(p, PAIR_CLIENT), &stats);
    ck_assert_uint_gt(stats.packets_lost, 0);
    ck_assert_uint_eq(stats.stream_bytes_sent, sizeof bytes);
    pair_free(p);
}
END_TEST

/* TEST RFC 9002 §6.2.4: a probe carries data that may have been lost, not just a PING. */
START_TEST(a_probe_repeats_data) {
    pair *p = pair_new();
    pair_handshake(p);
    p->link.black_hole[PAIR_SERVER] = true;
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "hello", true);
    pair_flush(p, PAIR_CLIENT);
    p->link.black_hole[PAIR_SERVER] = false;
    leat_time due = leat_conn_get_timer(pair_conn(p, PAIR_CLIENT));
    ck_assert_uint_lt(due - p->now, LEAT_SECOND);
    pair_run_for(p, due - p->now + 15 * LEAT_MILLISECOND);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    pair_free(p);
}
END_TEST

/* TEST RFC 9002 §7.5: window and pacer hold data back, and it goes on as acknowledgments come. */
START_TEST(no_more_than_the_window_is_in_flight) {
    pair *p = pair_new();
    leat_stats stats;
    static uint8_t bytes[200000];
    uint64_t id = 0;
    pair_handshake(p);
    leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id);
    leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), id, bytes, sizeof bytes, true);
    while (pair_step(p, p->now + LEAT_SECOND)) {
        leat_conn_get_stats(pair_conn(p, PAIR_CLIENT), &stats);
        ck_assert_uint_le(stats.bytes_in_flight, stats.congestion_window + 2 * 1252);
    }
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §13.2.2: one ACK for about two packets, not one for each. */
START_TEST(acks_are_fewer_than_packets) {
    pair *p = pair_new();
    static uint8_t bytes[200000];
    uint64_t id = 0;
    pair_handshake(p);
    size_t before = p->ends[PAIR_SERVER].datagrams_out, sent = p->ends[PAIR_CLIENT].datagrams_out;
    leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id);
    pair_send_all(p, PAIR_CLIENT, id, bytes, sizeof bytes, true);
    pair_settle(p);
    size_t acks = p->ends[PAIR_SERVER].datagrams_out - before,
        packets = p->ends[PAIR_CLIENT].datagrams_out - sent;
    ck_assert_msg(acks <= packets * 6 / 10, "%zu answers to %zu packets", acks, packets);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §13.2.4, attack D4: a side that only acknowledges asks for an ACK now and then, and
 * forgets. */
START_TEST(a_peer_that_only_sends_is_asked_for_acks) {
    pair *p = pair_new();
    pair_handshake(p);
    leat_conn *server = pair_conn(p, PAIR_SERVER);
    for (unsigned i = 0; i < 3000; i++) {
        leat_conn_send_ping(pair_conn(p, PAIR_CLIENT), i + 1);
        pair_run_for(p, 40 * LEAT_MILLISECOND);
    }
    ck_assert_uint_le(server->recovery.spaces[LEAT_SPACE_APPLICATION].sent.ring.count, 64);
    ck_assert_uint_le(server->spaces[LEAT_SPACE_APPLICATION]->acks.received.count, 8);
    pair_free(p);
}
END_TEST

/* A whole train of datagrams in one call: everything counts, and one ACK answers it. */
START_TEST(a_train_of_datagrams_is_received_in_one_call) {
    pair *p = pair_new();
    static uint8_t bytes[11000], buffer[65507];
    leat_transmit out;
    uint64_t id = 0;
    p->ends[PAIR_CLIENT].config.pacing = false;
    pair_handshake(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT), *server = pair_conn(p, PAIR_SERVER);
    leat_conn_open_stream(client, true, &id);
    leat_conn_send_stream_data(client, id, bytes, sizeof bytes, true);
    size_t length = leat_conn_datagrams_to_send(client, buffer, sizeof buffer, &out, p->now);
    ck_assert_uint_gt(length, 8 * out.segment_size);
    const leat_path path = {p->ends[PAIR_SERVER].address, p->ends[PAIR_CLIENT].address};
    leat_conn_receive_datagram(server, buffer, length, out.segment_size, &path, 0, p->now);
    size_t before = p->ends[PAIR_SERVER].datagrams_out;
    pair_flush(p, PAIR_SERVER);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].datagrams_out, before + 1);
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->length, sizeof bytes);
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/recovery_sim", everything_arrives_on_a_clean_link,
               everything_arrives_without_delay,
               everything_arrives_with_loss, everything_arrives_with_heavy_loss,
                   everything_arrives_with_duplicates,
               everything_arrives_reordered, everything_arrives_with_all_of_it,
                   everything_arrives_over_a_satellite,
               a_handshake_survives_the_loss_of_any_one_datagram,
               a_full_window_does_not_hold_back_the_handshake, lost_packets_are_counted,
                   a_probe_repeats_data,
               no_more_than_the_window_is_in_flight, acks_are_fewer_than_packets,
                   a_peer_that_only_sends_is_asked_for_acks,
               a_train_of_datagrams_is_received_in_one_call)
