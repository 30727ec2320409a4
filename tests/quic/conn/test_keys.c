/* Keys from first to last: RFC 9001 §4.9 (discarding), §5.7 (packets ahead of keys), §6 (update).
 * */
#include "../pair.h"

START_TEST(initial_and_handshake_keys_are_gone_after_the_handshake) {
    pair *p = pair_new();
    pair_handshake(p);
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        ck_assert_ptr_null(pair_conn(p, side)->spaces[LEAT_SPACE_INITIAL]);
        ck_assert_ptr_null(pair_conn(p, side)->spaces[LEAT_SPACE_HANDSHAKE]);
        ck_assert_ptr_nonnull(pair_conn(p, side)->spaces[LEAT_SPACE_APPLICATION]);
    }
    pair_free(p);
}
END_TEST

static void send_both_ways(pair *p) {
    uint64_t there = pair_send_text(p, PAIR_CLIENT, true, "there", true);
    uint64_t back = pair_send_text(p, PAIR_SERVER, true, "back", true);
    pair_settle(p);
    ck_assert(pair_stream_of(p, PAIR_SERVER, there)->ended);
    ck_assert(pair_stream_of(p, PAIR_CLIENT, back)->ended);
}

START_TEST(keys_are_updated_and_the_peer_follows) {
    pair *p = pair_new();
    pair_handshake(p);
    send_both_ways(p);
    pair_take_events(p, PAIR_CLIENT);
    pair_take_events(p, PAIR_SERVER);
    ck_assert_int_eq(leat_conn_request_key_update(pair_conn(p, PAIR_CLIENT)), 0);
    ck_assert_str_eq(pair_take_events(p, PAIR_CLIENT), "KeyUpdated");
    send_both_ways(p);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_KEY_UPDATED], 1);
    ck_assert(pair_conn(p, PAIR_CLIENT)->spaces[LEAT_SPACE_APPLICATION]->keys.phase);
    ck_assert(pair_conn(p, PAIR_SERVER)->spaces[LEAT_SPACE_APPLICATION]->keys.phase);
    pair_free(p);
}
END_TEST

/* TEST RFC 9001 §6.1: not before the last update was acknowledged. */
START_TEST(a_second_update_waits_for_the_first) {
    pair *p = pair_new();
    pair_handshake(p);
    send_both_ways(p);
    ck_assert_int_eq(leat_conn_request_key_update(pair_conn(p, PAIR_CLIENT)), 0);
    ck_assert_int_eq(leat_conn_request_key_update(pair_conn(p, PAIR_CLIENT)), LEAT_ERR_STATE);
    send_both_ways(p);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_int_eq(leat_conn_request_key_update(pair_conn(p, PAIR_CLIENT)), 0);
    send_both_ways(p);
    pair_free(p);
}
END_TEST

/* TEST RFC 9001 §6.5: the old keys go three PTOs after the first packet under the new ones, however
 * long our own update had nobody to tell. */
START_TEST(an_update_that_nothing_follows_does_not_prevent_the_next) {
    pair *p = pair_new();
    pair_handshake(p);
    send_both_ways(p);
    ck_assert_int_eq(leat_conn_request_key_update(pair_conn(p, PAIR_CLIENT)), 0);
    pair_run_for(p, 5 * LEAT_SECOND);
    send_both_ways(p);
    pair_run_for(p, 5 * LEAT_SECOND);
    ck_assert_int_eq(leat_conn_request_key_update(pair_conn(p, PAIR_CLIENT)), 0);
    send_both_ways(p);
    pair_free(p);
}
END_TEST

START_TEST(keys_are_not_updated_before_confirmation) {
    pair *p = pair_new();
    pair_start(p);
    pair_flush(p, PAIR_CLIENT);
    while (p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_HANDSHAKE_COMPLETED] == 0) {
        ck_assert(pair_step(p, p->now + LEAT_SECOND));
    }
    ck_assert_int_eq(leat_conn_request_key_update(pair_conn(p, PAIR_CLIENT)), LEAT_ERR_STATE);
    pair_free(p);
}
END_TEST

START_TEST(many_updates_on_a_bad_link_lose_nothing) {
    pair *p = pair_new();
    pair_handshake(p);
    p->link.reorder = 30;
    p->link.loss = 10;
    p->link.duplication = 10;
    uint64_t id = 0;
    unsigned updates = 0;
    leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id);
    for (unsigned i = 0; i < 300; i++) {
        uint8_t bytes[2000];
        memset(bytes, (int)i, sizeof bytes);
        pair_send_all(p, PAIR_CLIENT, id, bytes, sizeof bytes, i == 299);
        updates += leat_conn_request_key_update(pair_conn(p, i % 2 ? PAIR_CLIENT
                : PAIR_SERVER)) == 0;
        pair_run_for(p, 30 * LEAT_MILLISECOND);
    }
    pair_run_for(p, 25 * LEAT_SECOND);
    ck_assert_msg(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)), "%s",
                  p->ends[PAIR_SERVER].reason);
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->length, 300 * 2000);
    ck_assert_uint_ge(updates, 5);
    pair_free(p);
}
END_TEST

/* TEST RFC 9001 §6.5 */
START_TEST(old_keys_are_gone_after_three_ptos) {
    pair *p = pair_new();
    pair_handshake(p);
    send_both_ways(p);
    leat_conn_request_key_update(pair_conn(p, PAIR_CLIENT));
    send_both_ways(p);
    pair_run_for(p, 2 * LEAT_SECOND);
    ck_assert_ptr_null(
        pair_conn(p, PAIR_CLIENT)->spaces[LEAT_SPACE_APPLICATION]->keys.read_previous.aead);
    ck_assert_ptr_null(
        pair_conn(p, PAIR_SERVER)->spaces[LEAT_SPACE_APPLICATION]->keys.read_previous.aead);
    pair_free(p);
}
END_TEST

/* TEST RFC 9001 §6.6: a key that wears out is replaced without being asked. */
START_TEST(a_worn_key_is_updated) {
    pair *p = pair_new();
    pair_handshake(p);
    send_both_ways(p);
    pair_conn(p,
              PAIR_CLIENT)->spaces[LEAT_SPACE_APPLICATION]->keys.sealed = (UINT64_C(1) << 23) - 1;
    send_both_ways(p);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_KEY_UPDATED], 1);
    pair_free(p);
}
END_TEST

/* TEST RFC 9001 §6.6: too many forged packets end the connection. */
START_TEST(too_many_forgeries_end_the_connection) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_conn(p,
              PAIR_SERVER)->spaces[LEAT_SPACE_APPLICATION]->keys.failed_opens = UINT64_C(1) << 60;
    uint8_t packet[1500];
    size_t length = pair_raw_build(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, test_hex("01"), packet,
                                   sizeof packet, NULL);
    packet[length - 1] ^= 1;
    pair_deliver(p, PAIR_SERVER, packet, length);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_INTERNAL_ERROR, LEAT_AEAD_LIMIT_REACHED);
    pair_free(p);
}
END_TEST

/* TEST RFC 9001 §5.7: packets ahead of their keys are kept, a few of them. */
START_TEST(packets_ahead_of_their_keys_are_kept) {
    pair *p = pair_new();
    pair_start(p);
    pair_flush(p, PAIR_CLIENT);
    while (p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_HANDSHAKE_COMPLETED] == 0) {
        ck_assert(pair_step(p, p->now + LEAT_SECOND));
    }
    /* The client's Finished is still on its way when its first data arrives. */
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0b 00 05 68656c6c6f");
    ck_assert_uint_eq(pair_conn(p, PAIR_SERVER)->receive.early.count, 1);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_STREAM_DATA_RECEIVED], 0);
    pair_settle(p);
    ck_assert_str_eq((char *)pair_stream_of(p, PAIR_SERVER, 0)->bytes, "hello");
    ck_assert_uint_eq(pair_conn(p, PAIR_SERVER)->receive.early.capacity, 0);
    pair_free(p);
}
END_TEST

/* Attack A29 */
START_TEST(the_store_for_early_packets_is_bounded) {
    pair *p = pair_new();
    pair_start(p);
    pair_flush(p, PAIR_CLIENT);
    while (p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_HANDSHAKE_COMPLETED] == 0) {
        ck_assert(pair_step(p, p->now + LEAT_SECOND));
    }
    for (unsigned i = 0; i < 1000; i++) {
        pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "01");
    }
    ck_assert_uint_eq(pair_conn(p, PAIR_SERVER)->receive.early.count, LEAT_EARLY_PACKETS_MAX);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §12.3: a repeated packet is not processed again. */
START_TEST(a_repeated_packet_has_no_effect) {
    pair *p = pair_new();
    uint8_t packet[1500], copy[1500];
    pair_handshake(p);
    size_t length = pair_raw_build(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, test_hex("30 61"),
                                   packet, sizeof packet, NULL);
    memcpy(copy, packet, length);
    pair_deliver(p, PAIR_SERVER, packet, length);
    pair_deliver(p, PAIR_SERVER, copy, length);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_DATAGRAM_FRAME_RECEIVED], 1);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §12.2: all packets of a datagram count, whatever is wrong with one; but not those
 * for another ID. */
START_TEST(coalesced_packets_are_all_processed) {
    pair *p = pair_new();
    uint8_t datagram[3000];
    pair_start(p);
    pair_flush(p, PAIR_CLIENT);
    while (p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_HANDSHAKE_COMPLETED] == 0) {
        ck_assert(pair_step(p, p->now + LEAT_SECOND));
    }
    leat_stats before, after;
    leat_conn_get_stats(pair_conn(p, PAIR_SERVER), &before);
    size_t first = pair_raw_build(p, PAIR_CLIENT, LEAT_SPACE_HANDSHAKE, test_hex("01 01"), datagram,
                                  1500, NULL);
    datagram[first - 1] ^= 1;
    size_t second = pair_raw_build(p, PAIR_CLIENT, LEAT_SPACE_HANDSHAKE, test_hex("01 01"),
                                   datagram + first, 1500, NULL);
    pair_deliver(p, PAIR_SERVER, datagram, first + second);
    leat_conn_get_stats(pair_conn(p, PAIR_SERVER), &after);
    ck_assert_uint_eq(after.packets_received, before.packets_received + 1);
    ck_assert_uint_eq(after.packets_dropped, before.packets_dropped + 1);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §21.4: numbers are left out now and then. */
START_TEST(packet_numbers_are_skipped) {
    pair *p = pair_new();
    uint64_t id = 0;
    static uint8_t bytes[250000];
    pair_handshake(p);
    leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id);
    for (unsigned i = 0; i < 4; i++) {
        pair_send_all(p, PAIR_CLIENT, id, bytes, sizeof bytes, false);
    }
    pair_settle(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    ck_assert_uint_gt(client->recovery.spaces[LEAT_SPACE_APPLICATION].sent.skipped_count, 0);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §13.1, §21.4: acknowledging one of them shows a liar. */
START_TEST(an_ack_of_a_skipped_number_is_a_violation) {
    pair *p = pair_new();
    pair_handshake(p);
    leat_conn_space *space = pair_conn(p, PAIR_SERVER)->spaces[LEAT_SPACE_APPLICATION];
    uint64_t skipped = space->skip_pn = space->next_pn;
    pair_send_text(p, PAIR_SERVER, true, "x", true);
    pair_flush(p, PAIR_SERVER);
    ck_assert_uint_lt(skipped, 64);
    char frame[32];
    snprintf(frame, sizeof frame, "02 %02x 00 00 00", (unsigned)skipped);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, frame);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_PROTOCOL_VIOLATION);
    pair_free(p);
}
END_TEST

START_TEST(a_session_ticket_resumes_the_next_connection) {
    pair *p = pair_new();
    static uint8_t ticket[4096];
    size_t ticket_length = 0;
    leat_resumption_keys *keys = leat_resumption_keys_new(NULL);
    p->ends[PAIR_SERVER].config.resumption_keys = keys;
    p->ends[PAIR_CLIENT].keeps_events = false;
    pair_start(p);
    p->ends[PAIR_CLIENT].keeps_events = true;
    pair_run_for(p, LEAT_SECOND);
    leat_event event;
    while (leat_conn_next_event(pair_conn(p, PAIR_CLIENT), &event)) {
        if (event.type == LEAT_EVENT_SESSION_TICKET) {
            ticket_length = event.ticket.data.length;
            memcpy(ticket, event.ticket.data.data, ticket_length);
        }
    }
    pair_free(p);
    ck_assert_uint_gt(ticket_length, 0);
    p = pair_new();
    p->ends[PAIR_SERVER].config.resumption_keys = keys;
    p->ends[PAIR_CLIENT].config.session_ticket = (leat_span){ticket, ticket_length};
    p->ends[PAIR_CLIENT].keeps_events = true;
    pair_start(p);
    pair_run_for(p, LEAT_SECOND);
    bool resumed = false;
    while (leat_conn_next_event(pair_conn(p, PAIR_CLIENT), &event)) {
        resumed |= event.type == LEAT_EVENT_HANDSHAKE_COMPLETED &&
            event.handshake_completed.session_resumed;
    }
    ck_assert(resumed);
    leat_resumption_keys_free(keys);
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/keys", initial_and_handshake_keys_are_gone_after_the_handshake,
               keys_are_updated_and_the_peer_follows,
               a_second_update_waits_for_the_first,
               an_update_that_nothing_follows_does_not_prevent_the_next,
               keys_are_not_updated_before_confirmation,
               many_updates_on_a_bad_link_lose_nothing, old_keys_are_gone_after_three_ptos,
                   a_worn_key_is_updated,
               too_many_forgeries_end_the_connection, packets_ahead_of_their_keys_are_kept,
               the_store_for_early_packets_is_bounded, a_repeated_packet_has_no_effect,
                   coalesced_packets_are_all_processed,
               packet_numbers_are_skipped, an_ack_of_a_skipped_number_is_a_violation,
               a_session_ticket_resumes_the_next_connection)
