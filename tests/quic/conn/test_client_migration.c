/* A client that moves by choice: RFC 9000 §9.1, §9.2, §9.5, §18.2; attacks C3, C14 to C16. */
#include "../pair.h"

static leat_path client_path(const pair *p, uint8_t host, uint16_t port) {
    leat_path path = {p->ends[PAIR_CLIENT].address, p->ends[PAIR_SERVER].address};
    path.local.ip[3] = host;
    path.local.port = port;
    return path;
}

static pair *confirmed_pair(void) {
    pair *p = pair_new();
    p->link.is_direct = true;
    pair_handshake(p);
    pair_take_events(p, PAIR_CLIENT);
    pair_take_events(p, PAIR_SERVER);
    return p;
}

static int migrate(pair *p, uint8_t host, uint16_t port) {
    const leat_path path = client_path(p, host, port);
    return leat_conn_migrate(pair_conn(p, PAIR_CLIENT), &path, p->now);
}

static int probe(pair *p, uint8_t host, uint16_t port) {
    const leat_path path = client_path(p, host, port);
    return leat_conn_probe_path(pair_conn(p, PAIR_CLIENT), &path, p->now);
}

static unsigned count(const pair *p, pair_side side, leat_event_type type) {
    return p->ends[side].event_counts[type];
}

static uint16_t local_port(pair *p) {
    return leat_conn_path(pair_conn(p, PAIR_CLIENT))->local.port;
}

static uint16_t seen_port(pair *p) {
    return leat_conn_path(pair_conn(p, PAIR_SERVER))->remote.port;
}

START_TEST(a_client_moves_and_its_stream_goes_on) {
    pair *p = confirmed_pair();
    ck_assert_int_eq(migrate(p, 7, 2000), LEAT_OK);
    ck_assert_uint_eq(local_port(p), 1000);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "moved", true);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_eq(local_port(p), 2000);
    pair_send_text(p, PAIR_CLIENT, true, "from there", true);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_eq(seen_port(p), 2000);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    ck_assert_uint_eq(count(p, PAIR_CLIENT, LEAT_EVENT_PATH_VALIDATED), 1);
    ck_assert_uint_eq(count(p, PAIR_CLIENT, LEAT_EVENT_PATH_CHANGED), 1);
    ck_assert_uint_eq(count(p, PAIR_SERVER, LEAT_EVENT_PATH_CHANGED), 1);
    pair_free(p);
}
END_TEST

typedef struct path_watch {
    leat_cid dcids[8]; /* of the client's packets from port 2000 */
    size_t sizes[8];
    unsigned count;
} path_watch;

static bool watch_port(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    path_watch *watch = user;
    (void)p;
    if (from == PAIR_CLIENT && datagram->path.remote.port == 2000 && watch->count < 8) {
        leat_cid_from_span(&watch->dcids[watch->count], (leat_span){datagram->bytes + 1, 8});
        watch->sizes[watch->count++] = datagram->length;
    }
    return true;
}

/* TEST RFC 9000 §9.5: no packet on the new path has an ID that the old one used. */
START_TEST(the_new_path_has_an_id_of_its_own) {
    pair *p = confirmed_pair();
    path_watch watch = {.count = 0};
    p->link.filter = watch_port;
    p->link.filter_user = &watch;
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    const leat_cid before = *leat_cids_of_path(client, client->paths.active);
    ck_assert_int_eq(migrate(p, 1, 2000), LEAT_OK);
    pair_settle(p);
    pair_send_text(p, PAIR_CLIENT, true, "x", true);
    pair_settle(p);
    ck_assert_uint_ge(watch.count, 2);
    for (unsigned i = 0; i < watch.count; i++) {
        ck_assert(!leat_cid_equal(&watch.dcids[i], &before));
    }
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §8.2.1, §9.1: the first packet on a new path asks, at full size, and nothing else
 * goes there before the answer. */
START_TEST(only_padded_probes_go_out_before_the_answer) {
    pair *p = confirmed_pair();
    path_watch watch = {.count = 0};
    p->link.filter = watch_port;
    p->link.filter_user = &watch;
    p->link.black_hole[PAIR_SERVER] = true;
    ck_assert_int_eq(migrate(p, 1, 2000), LEAT_OK);
    pair_send_text(p, PAIR_CLIENT, true, "not there yet", true);
    pair_flush(p, PAIR_CLIENT);
    ck_assert_uint_eq(watch.count, 1);
    ck_assert_uint_eq(watch.sizes[0], 1200);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.1: a path that does not work costs nothing. */
START_TEST(a_path_that_fails_leaves_the_connection_where_it_is) {
    pair *p = confirmed_pair();
    p->link.black_hole[PAIR_SERVER] = true;
    ck_assert_int_eq(migrate(p, 1, 2000), LEAT_OK);
    pair_run_for(p, 5 * LEAT_SECOND);
    p->link.black_hole[PAIR_SERVER] = false;
    ck_assert_uint_eq(count(p, PAIR_CLIENT, LEAT_EVENT_PATH_FAILED), 1);
    ck_assert_uint_eq(count(p, PAIR_CLIENT, LEAT_EVENT_PATH_CHANGED), 0);
    ck_assert_uint_eq(local_port(p), 1000);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "still here", true);
    pair_run_for(p, 5 * LEAT_SECOND);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.2: estimates of another path mean nothing on this one. */
START_TEST(a_new_host_begins_with_a_small_window) {
    pair *p = confirmed_pair();
    static uint8_t bytes[200000];
    leat_stats before, after;
    uint64_t id = 0;
    leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id);
    pair_send_all(p, PAIR_CLIENT, id, bytes, sizeof bytes, true);
    pair_settle(p);
    leat_conn_get_stats(pair_conn(p, PAIR_CLIENT), &before);
    ck_assert_int_eq(migrate(p, 7, 2000), LEAT_OK);
    pair_settle(p);
    leat_conn_get_stats(pair_conn(p, PAIR_CLIENT), &after);
    ck_assert_uint_lt(after.congestion_window, before.congestion_window);
    pair_free(p);
}
END_TEST

START_TEST(a_spare_path_is_taken_at_once) {
    pair *p = confirmed_pair();
    ck_assert_int_eq(probe(p, 7, 2000), LEAT_OK);
    pair_settle(p);
    ck_assert_uint_eq(local_port(p), 1000);
    ck_assert_uint_eq(count(p, PAIR_CLIENT, LEAT_EVENT_PATH_VALIDATED), 1);
    pair_run_for(p, 20 * LEAT_SECOND);
    ck_assert_int_eq(migrate(p, 7, 2000), LEAT_OK);
    ck_assert_uint_eq(local_port(p), 2000);
    pair_send_text(p, PAIR_CLIENT, true, "x", true);
    pair_settle(p);
    ck_assert_uint_eq(seen_port(p), 2000);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.6.3: a server asks back when it is probed, so that it knows the address when the
 * client comes. */
START_TEST(a_probe_is_answered_with_a_question) {
    pair *p = confirmed_pair();
    ck_assert_int_eq(probe(p, 7, 2000), LEAT_OK);
    pair_settle(p);
    ck_assert_uint_eq(seen_port(p), 1000);
    ck_assert_uint_eq(count(p, PAIR_SERVER, LEAT_EVENT_PATH_VALIDATED), 1);
    pair_free(p);
}
END_TEST

START_TEST(many_moves_use_ids_that_come_back) {
    pair *p = confirmed_pair();
    for (uint16_t port = 2000; port < 2030; port++) {
        ck_assert_int_eq(migrate(p, (uint8_t)(port - 1990), port), LEAT_OK);
        uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "x", true);
        pair_run_for(p, 2 * LEAT_SECOND);
        ck_assert_uint_eq(local_port(p), port);
        ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    }
    pair_free(p);
}
END_TEST

/* ---- refusals -------------------------------------------------------------------------------- */

/* TEST RFC 9000 §9: nobody moves before the handshake is confirmed. */
START_TEST(moving_is_refused_before_the_handshake_is_confirmed) {
    pair *p = pair_new();
    pair_start(p);
    ck_assert_int_eq(migrate(p, 7, 2000), LEAT_ERR_STATE);
    ck_assert_int_eq(probe(p, 7, 2000), LEAT_ERR_STATE);
    pair_free(p);
}
END_TEST

START_TEST(servers_do_not_move) {
    pair *p = confirmed_pair();
    leat_path path = {p->ends[PAIR_SERVER].address, p->ends[PAIR_CLIENT].address};
    path.local.port++;
    ck_assert_int_eq(leat_conn_migrate(pair_conn(p, PAIR_SERVER), &path, p->now), LEAT_ERR_STATE);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §18.2: disable_active_migration. */
START_TEST(moving_is_refused_when_the_server_asked_for_none) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.disable_active_migration = true;
    pair_handshake(p);
    ck_assert_int_eq(migrate(p, 7, 2000), LEAT_ERR_STATE);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9: what looks like a migration in spite of it is most likely a NAT. */
START_TEST(a_server_that_wants_no_migration_follows_a_nat) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.disable_active_migration = true;
    pair_handshake(p);
    p->ends[PAIR_CLIENT].address.port = 2000;
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "x", true);
    pair_settle(p);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    ck_assert_uint_eq(seen_port(p), 2000);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.5: a server without connection IDs is not left. */
START_TEST(moving_is_refused_when_the_server_uses_no_ids) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.connection_id_length = 0;
    pair_handshake(p);
    ck_assert_int_eq(migrate(p, 7, 2000), LEAT_ERR_STATE);
    pair_free(p);
}
END_TEST

START_TEST(a_client_without_ids_moves) {
    pair *p = pair_new();
    p->link.is_direct = true;
    p->ends[PAIR_CLIENT].config.connection_id_length = 0;
    pair_handshake(p);
    ck_assert_int_eq(migrate(p, 7, 2000), LEAT_OK);
    pair_settle(p);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, false, "x", true);
    pair_settle(p);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    ck_assert_uint_eq(seen_port(p), 2000);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.5: without an ID that no other path uses there is no other path. */
START_TEST(moving_is_refused_without_an_id_to_spare) {
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.active_connection_id_limit = 2;
    p->link.is_direct = true;
    pair_handshake(p);
    ck_assert_int_eq(probe(p, 7, 2000), LEAT_OK);
    ck_assert_int_eq(probe(p, 8, 2001), LEAT_ERR_STATE);
    pair_free(p);
}
END_TEST

START_TEST(only_paths_to_the_server_are_taken) {
    pair *p = confirmed_pair();
    leat_path path = client_path(p, 7, 2000);
    path.remote.port++;
    ck_assert_int_eq(leat_conn_migrate(pair_conn(p, PAIR_CLIENT), &path, p->now),
                     LEAT_ERR_INVALID);
    ck_assert_int_eq(migrate(p, 1, 1000), LEAT_ERR_INVALID);
    path.remote = (leat_address){.family = LEAT_ADDRESS_NONE};
    ck_assert_int_eq(leat_conn_migrate(pair_conn(p, PAIR_CLIENT), &path, p->now), LEAT_OK);
    pair_free(p);
}
END_TEST

/* ---- attacks --------------------------------------------------------------------------------- */

/* Gives the server a packet of the client as if it came from there, with a destination ID that no
 * other path has. */
static void raw_with_spare_id(pair *p, uint16_t port, const char *frames) {
    uint8_t packet[1500];
    leat_conn *client = pair_conn(p, PAIR_CLIENT), *server = pair_conn(p, PAIR_SERVER);
    leat_path path = {p->ends[PAIR_SERVER].address, p->ends[PAIR_CLIENT].address};
    path.remote.port = port;
    uint64_t before = client->paths.active->cid_sequence;
    client->paths.active->cid_sequence = 1;
    size_t length = pair_raw_build(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, test_hex(frames), packet,
                                   sizeof packet, NULL);
    client->paths.active->cid_sequence = before;
    leat_conn_receive_datagram(server, packet, length, 0, &path, 0, p->now);
}

static void leave_no_spare_id(leat_conn *conn) {
    for (size_t i = 0; i < LEAT_PEER_CIDS_MAX; i++) {
        leat_peer_cid *row = &conn->cids.peers[i];
        row->in_use = row->in_use && row->sequence == conn->paths.active->cid_sequence;
    }
}

/* TEST RFC 9000 §9.3, §9.5: a client that asks elsewhere and left no ID gets no answer there until
 * it gives one. */
START_TEST(a_server_without_an_id_to_spare_answers_no_probe) {
    pair *p = confirmed_pair();
    leat_conn *server = pair_conn(p, PAIR_SERVER);
    leat_path path = {p->ends[PAIR_SERVER].address, p->ends[PAIR_CLIENT].address};
    path.remote.port = 2000;
    leave_no_spare_id(server);
    raw_with_spare_id(p, 2000, "1a 0102030405060708");
    ck_assert_uint_eq(leat_paths_find(server, &path)->cid_sequence, LEAT_CID_SEQUENCE_NONE);
    pair_flush(p, PAIR_SERVER);
    ck_assert(leat_paths_find(server, &path)->response_due);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION,
             "18 0f 00 08 a1a2a3a4a5a6a7a8 000102030405060708090a0b0c0d0e0f");
    ck_assert_uint_eq(leat_paths_find(server, &path)->cid_sequence, 0x0f);
    pair_flush(p, PAIR_SERVER);
    ck_assert(!leat_paths_find(server, &path)->response_due);
    pair_free(p);
}
END_TEST

/* A client that moved for good is answered all the same, or nobody would hear of anybody again. */
START_TEST(a_move_without_an_id_to_spare_is_followed) {
    pair *p = confirmed_pair();
    leat_conn *server = pair_conn(p, PAIR_SERVER);
    uint64_t before = server->paths.active->cid_sequence;
    leave_no_spare_id(server);
    raw_with_spare_id(p, 2000, "01");
    ck_assert_uint_eq(server->paths.active->addresses.remote.port, 2000);
    ck_assert_uint_eq(server->paths.active->cid_sequence, before);
    pair_free(p);
}
END_TEST

/* Attack C5: challenges on a client's path are answered once. */
START_TEST(a_flood_of_challenges_to_a_client_gets_one_answer) {
    pair *p = confirmed_pair();
    size_t before = p->ends[PAIR_CLIENT].datagrams_out;
    for (unsigned i = 0; i < 500; i++) {
        pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, "1a 0102030405060708");
    }
    pair_flush(p, PAIR_CLIENT);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].datagrams_out - before, 1);
    pair_free(p);
}
END_TEST

/* Attacks C3, C4: every ID that the client had is retired while it moves. */
START_TEST(ids_may_be_retired_in_the_middle_of_a_move) {
    pair *p = confirmed_pair();
    ck_assert_int_eq(migrate(p, 7, 2000), LEAT_OK);
    pair_flush(p, PAIR_CLIENT);
    pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION,
             "18 1f 1f 08 b1b2b3b4b5b6b7b8 000102030405060708090a0b0c0d0e0f");
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    ck_assert(!leat_conn_is_terminating(client));
    ck_assert_uint_eq(client->paths.active->cid_sequence, 0x1f);
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        leat_path_state *path = client->paths.all[i];
        if (path != NULL && path != client->paths.active) {
            ck_assert_uint_eq(path->cid_sequence, LEAT_CID_SEQUENCE_NONE);
        }
    }
    pair_free(p);
}
END_TEST

static bool lose_nth(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    unsigned *countdown = user;
    (void)p, (void)from, (void)datagram;
    return *countdown == 0 || --*countdown != 0;
}

/* Attack C15: each datagram of a move is lost once. */
START_TEST(a_move_survives_the_loss_of_any_datagram) {
    for (unsigned lost = 1; lost < 16; lost++) {
        pair *p = confirmed_pair();
        unsigned countdown = lost;
        p->link.filter = lose_nth;
        p->link.filter_user = &countdown;
        ck_assert_int_eq(migrate(p, 7, 2000), LEAT_OK);
        uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "before", true);
        pair_run_for(p, 3 * LEAT_SECOND);
        uint64_t after = pair_send_text(p, PAIR_CLIENT, true, "after", true);
        pair_run_for(p, 3 * LEAT_SECOND);
        ck_assert_uint_eq(local_port(p), 2000);
        ck_assert_uint_eq(seen_port(p), 2000);
        ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
        ck_assert(pair_stream_of(p, PAIR_SERVER, after)->ended);
        pair_free(p);
    }
}
END_TEST

LEAT_TEST_MAIN("quic/conn/client_migration", a_client_moves_and_its_stream_goes_on,
               the_new_path_has_an_id_of_its_own, only_padded_probes_go_out_before_the_answer,
               a_path_that_fails_leaves_the_connection_where_it_is,
               a_new_host_begins_with_a_small_window, a_spare_path_is_taken_at_once,
               a_probe_is_answered_with_a_question, many_moves_use_ids_that_come_back,
               moving_is_refused_before_the_handshake_is_confirmed, servers_do_not_move,
               moving_is_refused_when_the_server_asked_for_none,
               a_server_that_wants_no_migration_follows_a_nat,
               moving_is_refused_when_the_server_uses_no_ids, a_client_without_ids_moves,
               moving_is_refused_without_an_id_to_spare, only_paths_to_the_server_are_taken,
               a_server_without_an_id_to_spare_answers_no_probe,
               a_move_without_an_id_to_spare_is_followed,
               a_flood_of_challenges_to_a_client_gets_one_answer,
               ids_may_be_retired_in_the_middle_of_a_move,
               a_move_survives_the_loss_of_any_datagram)
