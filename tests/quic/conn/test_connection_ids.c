/* Connection IDs: RFC 9000 §5.1, §19.15, §19.16; attacks C1, C2, C8, C9. */
#include "../pair.h"

static size_t local_count(leat_conn *conn) {
    size_t count = 0;
    for (size_t i = 0; i < LEAT_LOCAL_CIDS_MAX; i++) {
        count += conn->cids.local[i].in_use;
    }
    return count;
}

static size_t peer_count(leat_conn *conn) {
    size_t count = 0;
    for (size_t i = 0; i < LEAT_PEER_CIDS_MAX; i++) {
        count += conn->cids.peers[i].in_use;
    }
    return count;
}

START_TEST(ids_are_issued_up_to_the_peers_limit) {
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.active_connection_id_limit = 3;
    p->ends[PAIR_SERVER].config.active_connection_id_limit = 100;
    pair_handshake(p);
    ck_assert_uint_eq(local_count(pair_conn(p, PAIR_SERVER)), 3);
    ck_assert_uint_eq(local_count(pair_conn(p, PAIR_CLIENT)), LEAT_LOCAL_CIDS_MAX);
    ck_assert_uint_eq(peer_count(pair_conn(p, PAIR_CLIENT)), 3);
    ck_assert_uint_eq(peer_count(pair_conn(p, PAIR_SERVER)), LEAT_PEER_CIDS_MAX);
    /* One event for each but the first, which the packets of the handshake showed. */
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_CONNECTION_ID_ISSUED], 2);
    pair_free(p);
}
END_TEST

/* aioquic tells an ID again with each retransmission; here it is told once. */
START_TEST(an_id_is_told_once_however_often_its_frame_is_lost) {
    pair *p = pair_new();
    p->link.loss = 30;
    p->seed = 7;
    pair_handshake(p);
    pair_run_for(p, 20 * LEAT_SECOND);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_CONNECTION_ID_ISSUED], 3);
    ck_assert_uint_eq(peer_count(pair_conn(p, PAIR_CLIENT)), 4);
    pair_free(p);
}
END_TEST

START_TEST(no_ids_are_issued_when_they_have_no_bytes) {
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.connection_id_length = 0;
    p->ends[PAIR_SERVER].config.connection_id_length = 0;
    pair_handshake(p);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "no IDs", true);
    pair_settle(p);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_CONNECTION_ID_ISSUED], 0);
    ck_assert_int_eq(leat_conn_change_connection_id(pair_conn(p, PAIR_CLIENT)), LEAT_ERR_STATE);
    pair_free(p);
}
END_TEST

START_TEST(ids_of_twenty_bytes_work) {
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.connection_id_length = 20;
    p->ends[PAIR_SERVER].config.connection_id_length = 20;
    pair_handshake(p);
    pair_send_text(p, PAIR_SERVER, true, "x", true);
    pair_settle(p);
    ck_assert(pair_stream_of(p, PAIR_CLIENT, 3)->ended);
    pair_free(p);
}
END_TEST

START_TEST(a_changed_id_is_retired_and_replaced) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_SERVER);
    ck_assert_int_eq(leat_conn_change_connection_id(pair_conn(p, PAIR_CLIENT)), 0);
    pair_settle(p);
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "ConnectionIdRetired ConnectionIdIssued");
    ck_assert_uint_eq(pair_conn(p, PAIR_CLIENT)->paths.active->cid_sequence, 1);
    ck_assert_uint_eq(peer_count(pair_conn(p, PAIR_CLIENT)), 4);
    ck_assert_uint_eq(pair_conn(p, PAIR_CLIENT)->cids.retirement_count, 0);
    pair_send_text(p, PAIR_CLIENT, true, "still here", true);
    pair_settle(p);
    ck_assert(pair_stream_of(p, PAIR_SERVER, 2)->ended);
    pair_free(p);
}
END_TEST

START_TEST(ids_can_be_changed_over_and_over) {
    pair *p = pair_new();
    pair_handshake(p);
    for (unsigned i = 0; i < 30; i++) {
        ck_assert_int_eq(leat_conn_change_connection_id(pair_conn(p, i % 2 ? PAIR_CLIENT
                : PAIR_SERVER)), 0);
        pair_settle(p);
    }
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_CLIENT)));
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §5.1.2: IDs below Retire Prior To are given up, and the frame's own ID may be the
 * one to go on with. */
START_TEST(retire_prior_to_moves_the_path_to_another_id) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION,
             "18 04 04 08 a1a2a3a4a5a6a7a8 000102030405060708090a0b0c0d0e0f");
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    ck_assert(!leat_conn_is_terminating(client));
    ck_assert_uint_eq(client->paths.active->cid_sequence, 4);
    ck_assert_uint_eq(peer_count(client), 1);
    ck_assert_uint_eq(client->cids.retirement_count, 4);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §19.15: an ID that was retired before it came is retired at once. */
START_TEST(an_id_below_the_mark_is_retired_at_once) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION,
             "18 06 06 08 a1a2a3a4a5a6a7a8 000102030405060708090a0b0c0d0e0f");
    size_t before = pair_conn(p, PAIR_CLIENT)->cids.retirement_count;
    pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION,
             "18 05 00 08 b1b2b3b4b5b6b7b8 000102030405060708090a0b0c0d0e0f");
    ck_assert_uint_eq(pair_conn(p, PAIR_CLIENT)->cids.retirement_count, before + 1);
    /* The same frame again changes nothing. */
    pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION,
             "18 05 00 08 b1b2b3b4b5b6b7b8 000102030405060708090a0b0c0d0e0f");
    ck_assert_uint_eq(pair_conn(p, PAIR_CLIENT)->cids.retirement_count, before + 1);
    pair_free(p);
}
END_TEST

START_TEST(a_repeated_new_connection_id_changes_nothing) {
    pair *p = pair_new();
    pair_handshake(p);
    const char *frame = "18 04 01 08 a1a2a3a4a5a6a7a8 000102030405060708090a0b0c0d0e0f";
    pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, frame);
    size_t count = peer_count(pair_conn(p, PAIR_CLIENT));
    pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, frame);
    ck_assert_uint_eq(peer_count(pair_conn(p, PAIR_CLIENT)), count);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_CLIENT)));
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §19.15: the same ID with another reset token is a lie too. */
START_TEST(a_known_id_with_another_token_is_a_violation) {
    pair *p = pair_new();
    pair_handshake(p);
    const leat_local_cid *known = &pair_conn(p, PAIR_SERVER)->cids.local[1];
    char frame[120];
    snprintf(frame, sizeof frame, "18 01 00 08 %s 000102030405060708090a0b0c0d0e0f",
             test_to_hex(known->cid.bytes, 8));
    pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, frame);
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_PROTOCOL_VIOLATION);
    pair_free(p);
}
END_TEST

/* Attack C1: a rising Retire Prior To while our retirements are never acknowledged. */
START_TEST(a_flood_of_retirements_ends_the_connection) {
    pair *p = pair_new();
    pair_handshake(p);
    p->link.black_hole[PAIR_SERVER] = true;
    for (unsigned sequence = 4; sequence < 63 &&
         !leat_conn_is_terminating(pair_conn(p, PAIR_CLIENT)); sequence++) {
        char frame[120];
        snprintf(frame, sizeof frame,
                 "18 %02x %02x 08 a1a2a3a4a5a6a7%02x 000102030405060708090a0b0c0d0e0f", sequence,
                     sequence, sequence);
        pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, frame);
        pair_flush(p, PAIR_CLIENT);
    }
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_PROTOCOL_ERROR,
                           LEAT_CONNECTION_ID_LIMIT_ERROR);
    pair_free(p);
}
END_TEST

/* Attack C9: retiring all the time mints new IDs, but never more than the limit at once. */
START_TEST(retiring_over_and_over_stays_bounded) {
    pair *p = pair_new();
    pair_handshake(p);
    for (unsigned sequence = 1; sequence < 60; sequence++) {
        char frame[16];
        snprintf(frame, sizeof frame, "19 %02x", sequence);
        pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, frame);
        ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)));
        ck_assert_uint_le(local_count(pair_conn(p, PAIR_SERVER)), LEAT_LOCAL_CIDS_MAX);
    }
    ck_assert_uint_le(leat_recovery_has_any_eliciting(&pair_conn(p, PAIR_SERVER)->recovery), 1);
    pair_free(p);
}
END_TEST

/* A retired ID must not come back to life with a late copy of its frame. */
START_TEST(a_late_copy_does_not_revive_a_retired_id) {
    pair *p = pair_new();
    pair_handshake(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    leat_local_cid first = pair_conn(p, PAIR_SERVER)->cids.local[1];
    ck_assert_int_eq(leat_conn_change_connection_id(client), 0);
    ck_assert_int_eq(leat_conn_change_connection_id(client), 0);
    pair_settle(p);
    size_t count = peer_count(client);
    char frame[120];
    snprintf(frame, sizeof frame, "18 01 00 08 %s %s", test_to_hex(first.cid.bytes, 8),
             test_to_hex(first.reset_token, 16));
    pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, frame);
    ck_assert_uint_eq(peer_count(client), count);
    pair_free(p);
}
END_TEST

/* ---- an owner -------------------------------------------------------------------------------- */

typedef struct fake_owner {
    unsigned issued, retired, watched, unwatched;
} fake_owner;

static bool owner_issue(void *user, leat_conn *conn, leat_cid *cid, uint8_t token[16]) {
    fake_owner *owner = user;
    (void)conn;
    *cid = (leat_cid){.length = 6, .bytes = {1, 2, 3, 4, 5, (uint8_t)++owner->issued}};
    memset(token, (int)owner->issued, 16);
    return true;
}
static void owner_retire(void *user, leat_conn *conn, const leat_cid *cid) {
    (void)conn, (void)cid;
    ((fake_owner *)user)->retired++;
}
static void owner_watch(void *user, leat_conn *conn, const uint8_t token[16], bool watch) {
    fake_owner *owner = user;
    (void)conn, (void)token;
    owner->watched += watch;
    owner->unwatched += !watch;
}

START_TEST(an_owner_makes_the_ids_and_hears_of_each_end) {
    pair *p = pair_new();
    fake_owner owner = {0};
    const leat_conn_owner hooks = {&owner, 6, owner_issue, owner_retire, owner_watch};
    int error = 0;
    const leat_path path = {p->ends[PAIR_CLIENT].address, p->ends[PAIR_SERVER].address};
    leat_conn *client = leat_conn_create(&p->ends[PAIR_CLIENT].config, &hooks, NULL, NULL, p->now,
                                         &error);
    p->ends[PAIR_CLIENT].conn = client;
    ck_assert_uint_eq(owner.issued, 1);
    leat_conn_connect(client, &path, p->now);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_eq(owner.issued, 4);
    ck_assert_uint_eq(owner.watched, 1);
    leat_conn_change_connection_id(client);
    pair_settle(p);
    ck_assert_uint_eq(owner.watched, 2);
    ck_assert_uint_eq(owner.unwatched, 1);
    pair_free(p);
    ck_assert_uint_eq(owner.retired, owner.issued);
    ck_assert_uint_eq(owner.unwatched, owner.watched);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/connection_ids", ids_are_issued_up_to_the_peers_limit,
               an_id_is_told_once_however_often_its_frame_is_lost,
               no_ids_are_issued_when_they_have_no_bytes, ids_of_twenty_bytes_work,
                   a_changed_id_is_retired_and_replaced,
               ids_can_be_changed_over_and_over, retire_prior_to_moves_the_path_to_another_id,
               an_id_below_the_mark_is_retired_at_once,
                   a_repeated_new_connection_id_changes_nothing,
               a_known_id_with_another_token_is_a_violation,
               a_flood_of_retirements_ends_the_connection, retiring_over_and_over_stays_bounded,
               a_late_copy_does_not_revive_a_retired_id,
                   an_owner_makes_the_ids_and_hears_of_each_end)
