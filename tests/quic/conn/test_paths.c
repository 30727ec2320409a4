/* Path validation and a server that follows its client: RFC 9000 §8.2, §9; attacks C4 to C7. */
#include "../pair.h"

static leat_path server_view(pair *p, uint8_t host, uint16_t port) {
    leat_path path = {p->ends[PAIR_SERVER].address, p->ends[PAIR_CLIENT].address};
    path.remote.ip[3] = host;
    path.remote.port = port;
    return path;
}

static void move_client(pair *p, uint8_t host, uint16_t port) {
    p->ends[PAIR_CLIENT].address.ip[3] = host;
    p->ends[PAIR_CLIENT].address.port = port;
}

/* Gives a raw packet of the client to the server as if it came from this address. */
static void raw_from(pair *p, uint8_t host, uint16_t port, const char *frames) {
    uint8_t packet[1500];
    const leat_path path = server_view(p, host, port);
    size_t length = pair_raw_build(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, test_hex(frames), packet,
                                   sizeof packet, NULL);
    leat_conn_receive_datagram(pair_conn(p, PAIR_SERVER), packet, length, 0, &path, 0, p->now);
}

static uint16_t active_port(pair *p) {
    return pair_conn(p, PAIR_SERVER)->paths.active->addresses.remote.port;
}

static uint16_t told_port(pair *p) {
    return leat_conn_path(pair_conn(p, PAIR_SERVER))->remote.port;
}

START_TEST(the_server_follows_a_new_port) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_SERVER);
    move_client(p, 1, 2000);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "moved", true);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_eq(active_port(p), 2000);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_PATH_CHANGED], 1);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_PATH_VALIDATED], 1);
    ck_assert(pair_conn(p, PAIR_SERVER)->paths.active->is_validated);
    pair_free(p);
}
END_TEST

static void see_change(void *user, pair *p, pair_side side, const leat_event *event) {
    leat_path_change *seen = user;
    (void)p, (void)side;
    if (event->type == LEAT_EVENT_PATH_CHANGED) {
        *seen = event->path_changed.reason;
    }
}

/* TEST RFC 9000 §9.4: window and RTT survive a new port and not a new host. */
START_TEST(estimates_survive_a_new_port_only) {
    for (unsigned same_host = 0; same_host < 2; same_host++) {
        pair *p = pair_new();
        leat_stats before, after;
        leat_path_change seen = LEAT_PATH_REBOUND;
        pair_handshake(p);
        p->on_event = see_change;
        p->on_event_user = &seen;
        pair_send_text(p, PAIR_SERVER, true, "some data for a sample of the RTT", true);
        pair_settle(p);
        leat_conn_get_stats(pair_conn(p, PAIR_SERVER), &before);
        move_client(p, same_host ? 1 : 9, 2000);
        raw_from(p, same_host ? 1 : 9, 2000, "01");
        leat_conn_get_stats(pair_conn(p, PAIR_SERVER), &after);
        ck_assert_int_eq(before.smoothed_rtt == after.smoothed_rtt, same_host);
        pair_settle(p);
        ck_assert_int_eq(seen, same_host ? LEAT_PATH_REBOUND : LEAT_PATH_MIGRATED);
        pair_free(p);
    }
}
END_TEST

/* TEST RFC 9000 §9.4: what is lost of the old path is nothing to the new one. */
START_TEST(losses_on_the_old_path_leave_the_new_one_alone) {
    pair *p = pair_new();
    leat_stats before, after;
    static uint8_t bytes[20000];
    uint64_t id = 0;
    pair_handshake(p);
    leat_conn *server = pair_conn(p, PAIR_SERVER);
    leat_conn_open_stream(server, true, &id);
    p->link.black_hole[PAIR_CLIENT] = true;
    leat_conn_send_stream_data(server, id, bytes, sizeof bytes, true);
    pair_flush(p, PAIR_SERVER);
    p->link.black_hole[PAIR_CLIENT] = false;
    move_client(p, 9, 2000);
    leat_conn_send_ping(pair_conn(p, PAIR_CLIENT), 1);
    pair_run_for(p, 20 * LEAT_MILLISECOND);
    ck_assert_uint_eq(active_port(p), 2000);
    leat_conn_get_stats(server, &before);
    pair_run_for(p, 5 * LEAT_SECOND);
    leat_conn_get_stats(server, &after);
    ck_assert_uint_gt(after.packets_lost, before.packets_lost + 5);
    ck_assert_uint_ge(after.congestion_window, before.congestion_window);
    ck_assert_uint_eq(pair_stream_of(p, PAIR_CLIENT, id)->length, sizeof bytes);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.3.1, attack C6: the application hears of an address when it is validated. */
START_TEST(an_address_is_told_when_it_is_validated) {
    pair *p = pair_new();
    pair_handshake(p);
    move_client(p, 1, 2000);
    raw_from(p, 1, 2000, "01");
    pair_flush(p, PAIR_SERVER);
    ck_assert_uint_eq(active_port(p), 2000);
    ck_assert_uint_eq(told_port(p), 1000);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_PATH_CHANGED], 0);
    pair_settle(p);
    ck_assert_uint_eq(told_port(p), 2000);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_PATH_CHANGED], 1);
    pair_free(p);
}
END_TEST

typedef struct size_watch {
    size_t sizes[8];
    unsigned count;
} size_watch;

static bool watch_sizes(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    size_watch *watch = user;
    (void)p;
    if (from == PAIR_SERVER && datagram->path.local.port == 2000 && watch->count < 8) {
        watch->sizes[watch->count++] = datagram->length;
    }
    return true;
}

/* TEST RFC 9000 §8.2.1: an answer to a small challenge proves the address; the size is asked for
 * then. */
START_TEST(a_challenge_that_was_not_padded_is_followed_by_one_that_is) {
    pair *p = pair_new();
    size_watch watch = {{0}, 0};
    pair_handshake(p);
    p->link.filter = watch_sizes;
    p->link.filter_user = &watch;
    move_client(p, 1, 2000);
    raw_from(p, 1, 2000, "01");
    pair_flush(p, PAIR_SERVER);
    ck_assert_uint_eq(watch.count, 1);
    ck_assert_uint_lt(watch.sizes[0], 200);
    pair_run_for(p, 25 * LEAT_MILLISECOND);
    ck_assert_uint_eq(told_port(p), 2000);
    ck_assert_ptr_nonnull(pair_conn(p, PAIR_SERVER)->paths.fallback);
    ck_assert_uint_ge(watch.count, 2);
    ck_assert_uint_eq(watch.sizes[1], 1200);
    pair_settle(p);
    ck_assert_ptr_null(pair_conn(p, PAIR_SERVER)->paths.fallback);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_PATH_VALIDATED], 1);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.3.3: the old address is asked as well, and its answer does not bring it back. */
START_TEST(the_old_address_is_asked_too) {
    pair *p = pair_new();
    pair_handshake(p);
    raw_from(p, 9, 666, "01");
    const leat_path_state *old = pair_conn(p, PAIR_SERVER)->paths.fallback;
    ck_assert(old != NULL && old->is_challenging);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.3.2: a path that was left is forgotten, and its connection ID comes back. */
START_TEST(a_path_that_was_left_is_forgotten) {
    pair *p = pair_new();
    pair_handshake(p);
    move_client(p, 9, 2000);
    leat_conn_send_ping(pair_conn(p, PAIR_CLIENT), 1);
    pair_run_for(p, 12 * LEAT_SECOND);
    const leat_conn *server = pair_conn(p, PAIR_SERVER);
    unsigned count = 0;
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        count += server->paths.all[i] != NULL;
    }
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_CONNECTION_ID_RETIRED], 1);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.5: another host is not spoken to with the same ID. */
START_TEST(a_new_host_gets_another_id) {
    pair *p = pair_new();
    pair_handshake(p);
    uint64_t before = pair_conn(p, PAIR_SERVER)->paths.active->cid_sequence;
    raw_from(p, 9, 2000, "01");
    ck_assert_uint_ne(pair_conn(p, PAIR_SERVER)->paths.active->cid_sequence, before);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.1: probing frames alone move nothing. */
START_TEST(probing_packets_do_not_move_the_connection) {
    pair *p = pair_new();
    pair_handshake(p);
    raw_from(p, 1, 2000, "1a 0102030405060708");
    ck_assert_uint_eq(active_port(p), 1000);
    raw_from(p, 1, 2000, "1a 0102030405060708 01");
    ck_assert_uint_eq(active_port(p), 2000);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.3: an old packet that arrives late by another way moves nothing. */
START_TEST(a_reordered_packet_does_not_move_the_connection) {
    pair *p = pair_new();
    uint8_t old[1500];
    pair_handshake(p);
    size_t length = pair_raw_build(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, test_hex("01 01 01"),
                                   old, sizeof old, NULL);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "01");
    const leat_path path = server_view(p, 1, 2000);
    leat_conn_receive_datagram(pair_conn(p, PAIR_SERVER), old, length, 0, &path, 0, p->now);
    ck_assert_uint_eq(active_port(p), 1000);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.3.3, attack C14: the next packet from the true address brings the connection
 * back. */
START_TEST(the_connection_returns_with_the_next_packet_from_the_old_path) {
    pair *p = pair_new();
    pair_handshake(p);
    raw_from(p, 9, 666, "01");
    ck_assert_uint_eq(active_port(p), 666);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "01");
    ck_assert_uint_eq(active_port(p), 1000);
    pair_send_text(p, PAIR_SERVER, true, "back", true);
    pair_settle(p);
    ck_assert(pair_stream_of(p, PAIR_CLIENT, 3)->ended);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.3.2: an address that does not answer is given up for the one that was validated.
 * */
START_TEST(an_unanswered_validation_returns_to_the_old_path) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_SERVER);
    raw_from(p, 9, 666, "01");
    p->link.black_hole[PAIR_SERVER] = true;
    pair_run_for(p, 10 * LEAT_SECOND);
    ck_assert_uint_eq(active_port(p), 1000);
    ck_assert_uint_ge(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_PATH_FAILED], 1);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_PATH_CHANGED], 0);
    ck_assert_uint_eq(told_port(p), 1000);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)));
    pair_free(p);
}
END_TEST

typedef struct challenge_watch {
    unsigned count;
    size_t smallest;
} challenge_watch;

static bool watch_port_2000(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    challenge_watch *watch = user;
    (void)p;
    if (from == PAIR_SERVER && datagram->path.local.port == 2000) {
        watch->count++;
        watch->smallest = datagram->length < watch->smallest ? datagram->length : watch->smallest;
        return false;
    }
    return true;
}

/* TEST RFC 9000 §8.2.1: challenges are repeated, and full-sized where the address may be sent as
 * much. */
START_TEST(challenges_are_repeated_and_padded) {
    pair *p = pair_new();
    challenge_watch watch = {0, SIZE_MAX};
    pair_handshake(p);
    p->link.filter = watch_port_2000;
    p->link.filter_user = &watch;
    for (unsigned i = 0; i < 4; i++) {
        uint8_t frames[1100] = {1};
        uint8_t packet[1500];
        const leat_path path = server_view(p, 1, 2000);
        size_t length = pair_raw_build(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION,
                                       (leat_span){frames, sizeof frames}, packet, sizeof packet,
                                           NULL);
        leat_conn_receive_datagram(pair_conn(p, PAIR_SERVER), packet, length, 0, &path, 0, p->now);
    }
    pair_flush(p, PAIR_SERVER);
    ck_assert_uint_ge(watch.count, 1);
    ck_assert_uint_eq(watch.smallest, 1200);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_ge(watch.count, 3);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §8.2.2: the answer goes where the challenge came from, at once. */
START_TEST(a_challenge_is_answered_on_its_own_path) {
    pair *p = pair_new();
    challenge_watch watch = {0, SIZE_MAX};
    pair_handshake(p);
    p->link.filter = watch_port_2000;
    p->link.filter_user = &watch;
    raw_from(p, 1, 2000, "1a 0102030405060708");
    pair_flush(p, PAIR_SERVER);
    ck_assert_uint_eq(watch.count, 1);
    pair_free(p);
}
END_TEST

/* Attack C5: challenges are not queued; the newest wins. */
START_TEST(a_flood_of_challenges_gets_one_answer) {
    pair *p = pair_new();
    pair_handshake(p);
    size_t before = p->ends[PAIR_SERVER].datagrams_out;
    for (unsigned i = 0; i < 500; i++) {
        pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "1a 0102030405060708");
    }
    pair_flush(p, PAIR_SERVER);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].datagrams_out - before, 1);
    pair_free(p);
}
END_TEST

/* Attacks C6, C7: a thousand ports, and the connection still works. */
START_TEST(a_thousand_rebindings_stay_bounded) {
    pair *p = pair_new();
    pair_handshake(p);
    size_t live = p->memory.live;
    for (uint16_t port = 2000; port < 3000; port++) {
        raw_from(p, 1, port, "01");
        pair_take_events(p, PAIR_SERVER);
        p->ends[PAIR_SERVER].events[0] = '\0';
    }
    ck_assert_uint_le(p->memory.live, live + 40);
    move_client(p, 1, 5000);
    pair_send_text(p, PAIR_CLIENT, true, "hello", true);
    pair_run_for(p, 2 * LEAT_SECOND);
    ck_assert_uint_eq(active_port(p), 5000);
    ck_assert(pair_stream_of(p, PAIR_SERVER, 2)->ended);
    pair_free(p);
}
END_TEST

START_TEST(new_hosts_use_up_the_ids_and_it_goes_on) {
    pair *p = pair_new();
    pair_handshake(p);
    for (uint8_t host = 10; host < 30; host++) {
        move_client(p, host, 1000);
        uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "x", true);
        pair_run_for(p, LEAT_SECOND);
        ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    }
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)));
    ck_assert_uint_eq(leat_conn_path(pair_conn(p, PAIR_SERVER))->remote.ip[3], 29);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9: a client hears no server at another address. */
START_TEST(a_client_drops_packets_of_other_addresses) {
    pair *p = pair_new();
    uint8_t packet[1500];
    leat_stats stats;
    pair_handshake(p);
    leat_path path = {p->ends[PAIR_CLIENT].address, p->ends[PAIR_SERVER].address};
    path.remote.port++;
    size_t length = pair_raw_build(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, test_hex("1d 07 00"),
                                   packet, sizeof packet, NULL);
    leat_conn_receive_datagram(pair_conn(p, PAIR_CLIENT), packet, length, 0, &path, 0, p->now);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_CLIENT)));
    leat_conn_get_stats(pair_conn(p, PAIR_CLIENT), &stats);
    ck_assert_uint_ge(stats.packets_dropped, 1);
    pair_free(p);
}
END_TEST

START_TEST(an_answer_to_nothing_is_ignored) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "1b 0102030405060708");
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)));
    pair_free(p);
}
END_TEST

/* Rebinding in the middle of a download: it goes on, and all bytes arrive. */
START_TEST(a_transfer_survives_rebinding) {
    pair *p = pair_new();
    static uint8_t bytes[300000];
    uint64_t id = 0, seed = 3;
    pair_handshake(p);
    test_random(&seed, bytes, sizeof bytes);
    leat_conn_open_stream(pair_conn(p, PAIR_SERVER), true, &id);
    for (size_t sent = 0; sent < sizeof bytes;) {
        ptrdiff_t taken = leat_conn_send_stream_data(pair_conn(p, PAIR_SERVER), id, bytes + sent,
                                                     sizeof bytes - sent, true);
        ck_assert_int_ge(taken, 0);
        sent += (size_t)taken;
        move_client(p, (uint8_t)(10 + sent / 100000), (uint16_t)(2000 + sent % 97));
        leat_conn_send_ping(pair_conn(p, PAIR_CLIENT), 1);
        pair_run_for(p, 100 * LEAT_MILLISECOND);
    }
    pair_run_for(p, 10 * LEAT_SECOND);
    ck_assert_uint_eq(pair_stream_of(p, PAIR_CLIENT, id)->length, sizeof bytes);
    ck_assert_int_eq(memcmp(pair_stream_of(p, PAIR_CLIENT, id)->bytes, bytes, sizeof bytes), 0);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §8.2.4: a NAT that changes its mind just before a short outage ends nothing. */
START_TEST(a_rebinding_before_an_outage_is_survived) {
    pair *p = pair_new();
    pair_handshake(p);
    move_client(p, 9, 2000);
    leat_conn_send_ping(pair_conn(p, PAIR_CLIENT), 1);
    pair_flush(p, PAIR_CLIENT);
    p->link.black_hole[PAIR_CLIENT] = true;
    pair_run_for(p, 2 * LEAT_SECOND);
    p->link.black_hole[PAIR_CLIENT] = false;
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "still there", true);
    pair_run_for(p, 5 * LEAT_SECOND);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    ck_assert_uint_eq(active_port(p), 2000);
    ck_assert_int_eq(p->ends[PAIR_SERVER].terminated.type, LEAT_EVENT_NONE);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §8.2.4, §9.3.2: neither address answers for long, and the connection waits. */
START_TEST(a_validated_address_that_falls_silent_is_waited_for) {
    pair *p = pair_new();
    pair_handshake(p);
    raw_from(p, 9, 2000, "01");
    p->link.black_hole[PAIR_CLIENT] = p->link.black_hole[PAIR_SERVER] = true;
    pair_run_for(p, 15 * LEAT_SECOND);
    p->link.black_hole[PAIR_CLIENT] = p->link.black_hole[PAIR_SERVER] = false;
    ck_assert_int_eq(p->ends[PAIR_SERVER].terminated.type, LEAT_EVENT_NONE);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "still there", true);
    pair_run_for(p, 5 * LEAT_SECOND);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §5.1.2: what a dead path used is retired, or nothing is left for the next one. */
START_TEST(the_connection_id_of_a_path_that_failed_is_retired) {
    pair *p = pair_new();
    pair_handshake(p);
    move_client(p, 9, 2000);
    pair_send_text(p, PAIR_CLIENT, true, "moved", true);
    uint64_t before = p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_CONNECTION_ID_RETIRED];
    pair_run_for(p, 10 * LEAT_SECOND);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_PATH_FAILED], 1);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_CONNECTION_ID_RETIRED],
                      before + 1);
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/paths", the_server_follows_a_new_port,
               estimates_survive_a_new_port_only, a_new_host_gets_another_id,
               losses_on_the_old_path_leave_the_new_one_alone,
               an_address_is_told_when_it_is_validated,
               a_challenge_that_was_not_padded_is_followed_by_one_that_is,
               the_old_address_is_asked_too, a_path_that_was_left_is_forgotten,
               probing_packets_do_not_move_the_connection,
               a_reordered_packet_does_not_move_the_connection,
               the_connection_returns_with_the_next_packet_from_the_old_path,
               an_unanswered_validation_returns_to_the_old_path,
               challenges_are_repeated_and_padded, a_challenge_is_answered_on_its_own_path,
               a_flood_of_challenges_gets_one_answer, a_thousand_rebindings_stay_bounded,
               new_hosts_use_up_the_ids_and_it_goes_on, a_client_drops_packets_of_other_addresses,
               an_answer_to_nothing_is_ignored,
               a_transfer_survives_rebinding, a_rebinding_before_an_outage_is_survived,
               a_validated_address_that_falls_silent_is_waited_for,
               the_connection_id_of_a_path_that_failed_is_retired)
