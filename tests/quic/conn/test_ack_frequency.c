/* ACK_FREQUENCY and IMMEDIATE_ACK: draft-ietf-quic-ack-frequency. */
#include "../pair.h"

#define MS LEAT_MILLISECOND

static pair *connected(void) {
    pair *p = pair_new();
    p->link.delay = 20 * MS;
    pair_handshake(p);
    return p;
}

static leat_ack_tracker *tracker_of(pair *p, pair_side side) {
    return &pair_conn(p, side)->spaces[LEAT_SPACE_APPLICATION]->acks;
}

static void raw(pair *p, const char *frames_hex) {
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, frames_hex);
}

static void expect_error(const char *frames_hex, uint64_t error_code) {
    pair *p = connected();
    raw(p, frames_hex);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, error_code);
    pair_free(p);
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* TEST draft-ietf-quic-ack-frequency §4: threshold 9, 5 ms, reordering 3. */
START_TEST(the_peers_request_is_followed) {
    pair *p = connected();
    raw(p, "40af 00 09 5388 03");
    const leat_ack_tracker *tracker = tracker_of(p, PAIR_SERVER);
    ck_assert_uint_eq(tracker->eliciting_threshold, 10);
    ck_assert_uint_eq(tracker->max_ack_delay, 5 * MS);
    ck_assert_uint_eq(tracker->reordering_threshold, 3);
    pair_free(p);
}
END_TEST

/* TEST draft-ietf-quic-ack-frequency §4 */
START_TEST(an_older_request_is_ignored) {
    pair *p = connected();
    raw(p, "40af 05 09 5388 03  40af 05 01 5388 03  40af 04 02 5388 03");
    ck_assert_uint_eq(tracker_of(p, PAIR_SERVER)->eliciting_threshold, 10);
    raw(p, "40af 06 02 5388 03");
    ck_assert_uint_eq(tracker_of(p, PAIR_SERVER)->eliciting_threshold, 3);
    pair_free(p);
}
END_TEST

/* TEST draft-ietf-quic-ack-frequency §3, §4: 999 us is less than we offered, 2^14 ms no delay. */
START_TEST(each_fault_has_its_error) {
    expect_error("40af 00 09 43e7 03", LEAT_PROTOCOL_VIOLATION);
    expect_error("40af 00 09 80fa0000 03", LEAT_PROTOCOL_VIOLATION);
    expect_error("40af 00 09", LEAT_FRAME_ENCODING_ERROR);
}
END_TEST

START_TEST(without_the_offer_the_frames_are_unknown) {
    static const char *const frames[] = {"40af 00 09 5388 03", "1f"};
    for (unsigned i = 0; i < 2; i++) {
        pair *p = pair_new();
        p->ends[PAIR_SERVER].config.min_ack_delay = 0;
        pair_handshake(p);
        ck_assert(!leat_ack_frequency_can_ask(pair_conn(p, PAIR_CLIENT)));
        raw(p, frames[i]);
        pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR,
                               LEAT_FRAME_ENCODING_ERROR);
        pair_free(p);
    }
}
END_TEST

/* TEST draft-ietf-quic-ack-frequency §5 */
START_TEST(an_immediate_ack_does_not_wait) {
    pair *p = connected();
    p->ends[PAIR_SERVER].datagrams_out = 0;
    raw(p, "01");
    pair_flush(p, PAIR_SERVER);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].datagrams_out, 0);
    pair_run_for(p, LEAT_SECOND);
    p->ends[PAIR_SERVER].datagrams_out = 0;
    raw(p, "01 1f");
    pair_flush(p, PAIR_SERVER);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].datagrams_out, 1);
    pair_free(p);
}
END_TEST

/* ---- sending --------------------------------------------------------------------------------- */

static size_t acks_for_a_megabyte(bool offers, uint64_t *threshold) {
    static uint8_t bytes[1 << 20];
    pair *p = pair_new();
    p->link.delay = 20 * MS;
    p->ends[PAIR_SERVER].config.min_ack_delay = offers ? MS : 0;
    pair_handshake(p);
    uint64_t id = 0;
    leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id);
    size_t before = p->ends[PAIR_SERVER].datagrams_out;
    pair_send_all(p, PAIR_CLIENT, id, bytes, sizeof bytes, true);
    pair_settle(p);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    *threshold = tracker_of(p, PAIR_SERVER)->eliciting_threshold;
    size_t acks = p->ends[PAIR_SERVER].datagrams_out - before;
    pair_free(p);
    return acks;
}

START_TEST(a_large_window_asks_for_fewer_acks) {
    uint64_t threshold;
    size_t without = acks_for_a_megabyte(false, &threshold);
    ck_assert_uint_eq(threshold, 2);
    size_t with = acks_for_a_megabyte(true, &threshold);
    ck_assert_uint_gt(threshold, 4);
    ck_assert_uint_le(threshold, 1 + 32);
    ck_assert_msg(with * 2 < without, "%zu with, %zu without", with, without);
}
END_TEST

START_TEST(a_small_window_asks_for_nothing) {
    pair *p = connected();
    pair_send_text(p, PAIR_CLIENT, true, "hello", true);
    pair_settle(p);
    ck_assert_uint_eq(pair_conn(p, PAIR_CLIENT)->ack_frequency.next_sequence, 0);
    ck_assert_uint_eq(leat_ack_frequency_peer_delay(pair_conn(p, PAIR_CLIENT)), 25 * MS);
    pair_free(p);
}
END_TEST

/* TEST draft-ietf-quic-ack-frequency §7: the longer delay counts until the request is
 * acknowledged. */
START_TEST(the_pto_uses_the_longest_delay_on_its_way) {
    pair *p = connected();
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    client->ack_frequency.is_due = true;
    pair_flush(p, PAIR_CLIENT);
    ck_assert_uint_eq(client->ack_frequency.next_sequence, 1);
    ck_assert_uint_eq(leat_ack_frequency_peer_delay(client), 25 * MS);
    pair_settle(p);
    /* A quarter of the round trip of 40 ms. */
    ck_assert_uint_eq(leat_ack_frequency_peer_delay(client) / MS, 10);
    ck_assert_uint_eq(client->recovery.conditions.max_ack_delay,
                      leat_ack_frequency_peer_delay(client));
    pair_free(p);
}
END_TEST

static bool drop_one(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    bool *drops = user;
    (void)p, (void)datagram;
    bool drop = *drops && from == PAIR_CLIENT;
    *drops = *drops && !drop;
    return !drop;
}

START_TEST(a_lost_request_is_made_anew) {
    pair *p = connected();
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    bool drops = true;
    p->link.filter = drop_one;
    p->link.filter_user = &drops;
    client->ack_frequency.is_due = true;
    pair_flush(p, PAIR_CLIENT);
    ck_assert(!drops);
    for (unsigned i = 0; i < 5; i++) {
        pair_send_text(p, PAIR_CLIENT, true, "x", true);
        pair_run_for(p, 10 * MS);
    }
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_eq(client->ack_frequency.next_sequence, 2);
    ck_assert_uint_eq(tracker_of(p, PAIR_SERVER)->max_ack_delay / MS, 10);
    pair_free(p);
}
END_TEST

/* TEST draft-ietf-quic-ack-frequency §7: the answer to a probe is not delayed. */
START_TEST(a_probe_asks_for_an_immediate_ack) {
    pair *p = connected();
    p->link.black_hole[PAIR_SERVER] = true;
    pair_send_text(p, PAIR_CLIENT, true, "x", true);
    pair_flush(p, PAIR_CLIENT);
    pair_run_for(p, 80 * MS);
    p->link.black_hole[PAIR_SERVER] = false;
    tracker_of(p, PAIR_SERVER)->max_ack_delay = LEAT_SECOND;
    tracker_of(p, PAIR_SERVER)->eliciting_threshold = 100;
    tracker_of(p, PAIR_SERVER)->reordering_threshold = 0;
    pair_run_for(p, 400 * MS);
    ck_assert_uint_eq(leat_stream_map_count(&pair_conn(p, PAIR_CLIENT)->streams.map), 0);
    pair_free(p);
}
END_TEST

/* ---- what is asked for, and when ------------------------------------------------------------- */

static leat_time asked_delay(pair *p) {
    pair_conn(p, PAIR_CLIENT)->ack_frequency.is_due = true;
    pair_flush(p, PAIR_CLIENT);
    pair_settle(p);
    return tracker_of(p, PAIR_SERVER)->max_ack_delay;
}

/* TEST draft-ietf-quic-ack-frequency §4: a quarter of 40 ms, but what the peer said binds it. */
START_TEST(the_delay_keeps_within_what_the_peer_offered) {
    pair *p = connected();
    leat_transport_params *peers = &pair_conn(p, PAIR_CLIENT)->handshake.peers;
    ck_assert_uint_eq(asked_delay(p) / MS, 10);
    peers->max_ack_delay = 5;
    ck_assert_uint_eq(asked_delay(p), 5 * MS);
    peers->max_ack_delay = 25;
    peers->min_ack_delay = 15000;
    ck_assert_uint_eq(asked_delay(p), 15 * MS);
    pair_free(p);
}
END_TEST

START_TEST(the_shortest_delay_that_was_offered_is_taken) {
    pair *p = connected();
    raw(p, "40af 00 09 43e8 03");
    ck_assert_uint_eq(tracker_of(p, PAIR_SERVER)->max_ack_delay, MS);
    pair_free(p);
}
END_TEST

START_TEST(a_changed_window_is_told_once_in_a_round_trip) {
    pair *p = connected();
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    leat_conn_ack_frequency *asked = &client->ack_frequency;
    *asked = (leat_conn_ack_frequency){.threshold = 16, .sent_at = client->now};
    leat_ack_frequency_review(client);
    ck_assert(asked->is_due);
    pair_flush(p, PAIR_CLIENT);
    ck_assert_uint_eq(asked->next_sequence, 1);
    ck_assert_uint_eq(asked->sent_at, client->now);
    pair_run_for(p, LEAT_SECOND);
    asked_delay(p);
    ck_assert_uint_gt(asked->sent_at + LEAT_SECOND, client->now);
    asked->sent_at = client->now;
    asked->threshold = 16;
    leat_ack_frequency_review(client);
    ck_assert(!asked->is_due);
    asked->sent_at = client->now - client->paths.active->recovery.rtt.smoothed_rtt;
    leat_ack_frequency_review(client);
    ck_assert(asked->is_due);
    pair_free(p);
}
END_TEST

/* TEST draft-ietf-quic-ack-frequency §7 */
START_TEST(a_longer_delay_counts_until_the_shorter_one_is_acknowledged) {
    pair *p = connected();
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    asked_delay(p);
    client->handshake.peers.max_ack_delay = 5;
    client->ack_frequency.is_due = true;
    pair_flush(p, PAIR_CLIENT);
    ck_assert_uint_eq(leat_ack_frequency_peer_delay(client) / MS, 10);
    pair_settle(p);
    ck_assert_uint_eq(leat_ack_frequency_peer_delay(client), 5 * MS);
    pair_free(p);
}
END_TEST

/* TEST draft-ietf-quic-ack-frequency §7: a request on its way may be in force already. */
START_TEST(a_delay_on_its_way_counts_when_it_is_longer) {
    pair *p = connected();
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    client->handshake.peers.max_ack_delay = 5;
    client->ack_frequency.longest_delay = 7 * MS;
    ck_assert_uint_eq(leat_ack_frequency_peer_delay(client), 7 * MS);
    client->ack_frequency.longest_delay = 3 * MS;
    ck_assert_uint_eq(leat_ack_frequency_peer_delay(client), 5 * MS);
    pair_free(p);
}
END_TEST

START_TEST(what_became_of_an_older_request_does_not_matter) {
    pair *p = connected();
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    const leat_frame_record older = {.a = 0, .b = 9 * MS};
    const leat_sent_packet packet = {0};
    client->ack_frequency.next_sequence = 2;
    leat_ack_frequency_on_acked(client, LEAT_SPACE_APPLICATION, &packet, &older);
    ck_assert(!client->ack_frequency.is_agreed);
    leat_ack_frequency_on_lost(client, LEAT_SPACE_APPLICATION, &older);
    ck_assert(!client->ack_frequency.is_due);
    pair_free(p);
}
END_TEST

START_TEST(nothing_is_asked_of_a_peer_that_did_not_offer_it) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.min_ack_delay = 0;
    pair_handshake(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    client->spaces[LEAT_SPACE_APPLICATION]->probes = 2;
    ck_assert(!leat_immediate_ack_wants(client, LEAT_SPACE_APPLICATION));
    pair_free(p);
}
END_TEST

START_TEST(nothing_is_asked_before_the_handshake_is_confirmed) {
    pair *p = connected();
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    ck_assert(leat_ack_frequency_can_ask(client));
    client->handshake.is_confirmed = false;
    ck_assert(!leat_ack_frequency_can_ask(client));
    client->handshake.is_confirmed = true;
    pair_free(p);
}
END_TEST

/* An eighth of the window: exactly two of sixteen packets, and never more than 32. */
START_TEST(the_threshold_is_an_eighth_of_the_window) {
    pair *p = connected();
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    leat_recovery_path *path = &client->paths.active->recovery;
    size_t window = leat_congestion_window(&path->congestion), size = path->max_datagram_size;
    path->max_datagram_size = window / 16;
    client->ack_frequency.threshold = 2;
    leat_ack_frequency_review(client);
    ck_assert(!client->ack_frequency.is_due);
    path->max_datagram_size = window / 1000;
    client->ack_frequency.threshold = 32;
    leat_ack_frequency_review(client);
    ck_assert(!client->ack_frequency.is_due);
    path->max_datagram_size = size;
    leat_ack_frequency_review(client);
    ck_assert(client->ack_frequency.is_due);
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/ack_frequency", the_peers_request_is_followed,
               an_older_request_is_ignored, each_fault_has_its_error,
               without_the_offer_the_frames_are_unknown, an_immediate_ack_does_not_wait,
               a_large_window_asks_for_fewer_acks, a_small_window_asks_for_nothing,
               the_pto_uses_the_longest_delay_on_its_way, a_lost_request_is_made_anew,
               a_probe_asks_for_an_immediate_ack, the_delay_keeps_within_what_the_peer_offered,
               the_shortest_delay_that_was_offered_is_taken,
               a_changed_window_is_told_once_in_a_round_trip,
               a_longer_delay_counts_until_the_shorter_one_is_acknowledged,
               a_delay_on_its_way_counts_when_it_is_longer,
               what_became_of_an_older_request_does_not_matter,
               nothing_is_asked_of_a_peer_that_did_not_offer_it,
               nothing_is_asked_before_the_handshake_is_confirmed,
               the_threshold_is_an_eighth_of_the_window)
