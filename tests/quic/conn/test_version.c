/* Version negotiation of one connection, in both roles: RFC 9368, RFC 9369 §4. */
#include "../pair.h"

#include "quic/packet/retry.h"

#include <leat/version.h>

static const uint32_t one_then_two[] = {LEAT_VERSION_1, LEAT_VERSION_2};
static const uint32_t two_then_one[] = {LEAT_VERSION_2, LEAT_VERSION_1};

static void prefer(pair *p, pair_side side, const uint32_t *versions, size_t count) {
    p->ends[side].config.versions = versions;
    p->ends[side].config.version_count = count;
}

/* Versions of the long headers that went by, per side and packet type: a bit for each version. */
typedef struct seen {
    unsigned versions[2][LEAT_PACKET_TYPE_COUNT];
} seen;

static unsigned bit_of(uint32_t version) { return version == LEAT_VERSION_1 ? 1 : 2; }

static bool note_versions(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    seen *it = user;
    leat_packet_header header;
    leat_span rest = {datagram->bytes, datagram->length};
    (void)p;
    while (rest.length > 0 && leat_packet_header_parse(&header, rest, 8) == LEAT_DROP_NONE) {
        if (header.type != LEAT_PACKET_ONE_RTT) {
            it->versions[from][header.type] |= bit_of(header.version);
        }
        rest.data += header.length;
        rest.length -= header.length;
    }
    return true;
}

static void watch(pair *p, seen *it) {
    *it = (seen){{{0}}};
    p->link.filter = note_versions;
    p->link.filter_user = it;
}

static void assert_version(pair *p, uint32_t version) {
    ck_assert_uint_eq(leat_conn_version(pair_conn(p, PAIR_CLIENT)), version);
    ck_assert_uint_eq(leat_conn_version(pair_conn(p, PAIR_SERVER)), version);
}

static void assert_data_flows(pair *p) {
    uint64_t id = pair_send_text(p, PAIR_CLIENT, false, "hello", true);
    pair_settle(p);
    ck_assert_str_eq((char *)pair_stream_of(p, PAIR_SERVER, id)->bytes, "hello");
}

/* ---- compatible ------------------------------------------------------------------------------ */

START_TEST(without_a_wish_both_stay_with_version_1) {
    pair *p = pair_new();
    seen it;
    watch(p, &it);
    pair_handshake(p);
    assert_version(p, LEAT_VERSION_1);
    ck_assert_uint_eq(it.versions[PAIR_SERVER][LEAT_PACKET_INITIAL], 1);
    ck_assert_uint_eq(it.versions[PAIR_CLIENT][LEAT_PACKET_HANDSHAKE], 1);
    pair_free(p);
}
END_TEST

/* TEST RFC 9368 §2.3, RFC 9369 §4.1: the client's first flight is of version 1, all else of
 * version 2. */
START_TEST(a_server_that_prefers_version_2_switches_to_it) {
    pair *p = pair_new();
    seen it;
    static const uint16_t x25519 = 0x001d;
    /* The ClientHello fits a datagram, whatever groups libcrypto has: nothing is acknowledged
     * before the choice. */
    p->ends[PAIR_CLIENT].config.groups = &x25519;
    p->ends[PAIR_CLIENT].config.group_count = 1;
    watch(p, &it);
    prefer(p, PAIR_SERVER, two_then_one, 2);
    pair_handshake(p);
    assert_version(p, LEAT_VERSION_2);
    ck_assert_uint_eq(it.versions[PAIR_SERVER][LEAT_PACKET_INITIAL], 2);
    ck_assert_uint_eq(it.versions[PAIR_SERVER][LEAT_PACKET_HANDSHAKE], 2);
    ck_assert_uint_eq(it.versions[PAIR_CLIENT][LEAT_PACKET_INITIAL], 3);
    ck_assert_uint_eq(it.versions[PAIR_CLIENT][LEAT_PACKET_HANDSHAKE], 2);
    assert_data_flows(p);
    pair_free(p);
}
END_TEST

/* TEST RFC 9369 §4.1: the same requirements in either direction. */
START_TEST(a_server_that_prefers_version_1_switches_to_it) {
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.original_version = LEAT_VERSION_2;
    prefer(p, PAIR_SERVER, one_then_two, 2);
    pair_handshake(p);
    assert_version(p, LEAT_VERSION_1);
    assert_data_flows(p);
    pair_free(p);
}
END_TEST

START_TEST(a_server_without_a_wish_stays_with_version_2) {
    pair *p = pair_new();
    seen it;
    watch(p, &it);
    p->ends[PAIR_CLIENT].config.original_version = LEAT_VERSION_2;
    pair_handshake(p);
    assert_version(p, LEAT_VERSION_2);
    ck_assert_uint_eq(it.versions[PAIR_CLIENT][LEAT_PACKET_INITIAL], 2);
    pair_free(p);
}
END_TEST

/* TEST RFC 9368 §2.3: a client that lists one version is left alone. */
START_TEST(a_client_of_version_1_only_is_not_switched) {
    pair *p = pair_new();
    prefer(p, PAIR_CLIENT, one_then_two, 1);
    prefer(p, PAIR_SERVER, two_then_one, 2);
    pair_handshake(p);
    assert_version(p, LEAT_VERSION_1);
    pair_free(p);
}
END_TEST

/* TEST RFC 9369 §4.1: a HelloRetryRequest is handshake data too. */
START_TEST(a_hello_retry_request_is_in_the_negotiated_version) {
    static const uint16_t client_groups[] = {0x001d, 0x0017}, server_groups[] = {0x0017};
    pair *p = pair_new();
    seen it;
    watch(p, &it);
    prefer(p, PAIR_SERVER, two_then_one, 2);
    p->ends[PAIR_CLIENT].config.groups = client_groups;
    p->ends[PAIR_CLIENT].config.group_count = 2;
    p->ends[PAIR_SERVER].config.groups = server_groups;
    p->ends[PAIR_SERVER].config.group_count = 1;
    pair_handshake(p);
    ck_assert(leat_conn_was_retried(pair_conn(p, PAIR_CLIENT)));
    assert_version(p, LEAT_VERSION_2);
    ck_assert_uint_eq(it.versions[PAIR_SERVER][LEAT_PACKET_INITIAL], 2);
    pair_free(p);
}
END_TEST

START_TEST(the_switch_survives_loss_and_reordering) {
    for (uint64_t seed = 1; seed <= 40; seed++) {
        pair *p = pair_new();
        p->seed = seed;
        p->link.loss = 20;
        p->link.reorder = 30;
        p->link.duplication = 10;
        prefer(p, PAIR_SERVER, two_then_one, 2);
        p->ends[PAIR_CLIENT].config.handshake_timeout = 60 * LEAT_SECOND;
        p->ends[PAIR_SERVER].config.handshake_timeout = 60 * LEAT_SECOND;
        p->ends[PAIR_CLIENT].config.max_idle_timeout = 0;
        p->ends[PAIR_SERVER].config.max_idle_timeout = 0;
        pair_start(p);
        pair_run_for(p, 30 * LEAT_SECOND);
        ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_HANDSHAKE_CONFIRMED], 1);
        assert_version(p, LEAT_VERSION_2);
        pair_free(p);
    }
}
END_TEST

/* TEST RFC 9369 §4.1: the server keeps keys of the original version until a Handshake packet. */
START_TEST(a_server_reads_initials_of_both_versions_while_it_has_switched) {
    pair *p = pair_new();
    prefer(p, PAIR_SERVER, two_then_one, 2);
    pair_start(p);
    p->link.black_hole[PAIR_CLIENT] = true;
    pair_run_for(p, 50 * LEAT_MILLISECOND);
    leat_conn *server = pair_conn(p, PAIR_SERVER);
    ck_assert_uint_eq(leat_conn_version(server), LEAT_VERSION_2);
    ck_assert_ptr_nonnull(server->version.others);
    uint64_t before = server->receive.packets;
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_INITIAL, "01");
    ck_assert_uint_eq(server->receive.packets, before + 1);
    p->link.black_hole[PAIR_CLIENT] = false;
    pair_run_for(p, LEAT_SECOND);
    assert_version(p, LEAT_VERSION_2);
    ck_assert_ptr_null(server->version.others);
    pair_free(p);
}
END_TEST

/* A packet of this side in another version than it is sent in. */
static void deliver_forged(pair *p, pair_side from, leat_space space, uint32_t version) {
    uint8_t packet[2000];
    leat_conn *conn = pair_conn(p, from);
    uint32_t current = conn->version.current;
    conn->version.current = version;
    size_t length = pair_raw_build(p, from, space, test_hex("01"), packet, sizeof packet, NULL);
    conn->version.current = current;
    pair_deliver(p, PAIR_OTHER(from), packet, length);
}

/* TEST RFC 9369 §4.1: keys of the negotiated version, but another version in the header. */
START_TEST(handshake_packets_of_another_version_are_dropped) {
    pair *p = pair_new();
    pair_start(p);
    while (pair_conn(p, PAIR_CLIENT)->spaces[LEAT_SPACE_HANDSHAKE] == NULL) {
        ck_assert(pair_step(p, p->now + LEAT_SECOND));
    }
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    uint64_t packets = client->receive.packets, dropped = client->receive.dropped;
    deliver_forged(p, PAIR_SERVER, LEAT_SPACE_HANDSHAKE, LEAT_VERSION_2);
    ck_assert_uint_eq(client->receive.packets, packets);
    ck_assert_uint_eq(client->receive.dropped, dropped + 1);
    pair_free(p);
}
END_TEST

/* TEST RFC 9369 §4.1: the client's answer to handshake data of the original version is final. */
START_TEST(a_client_that_has_settled_takes_no_other_version) {
    pair *p = pair_new();
    pair_handshake(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    leat_packet_header header = {.type = LEAT_PACKET_INITIAL, .version = LEAT_VERSION_2};
    ck_assert_int_eq(leat_version_judge(client, &header), LEAT_DROP_UNEXPECTED_VERSION);
    header.version = 0x1a2a3a4a;
    ck_assert_int_eq(leat_version_judge(client, &header), LEAT_DROP_UNKNOWN_VERSION);
    pair_free(p);
}
END_TEST

/* ---- Retry ----------------------------------------------------------------------------------- */

static void lose_first_flight(pair *p) {
    pair_start(p);
    p->link.black_hole[PAIR_SERVER] = true;
    pair_flush(p, PAIR_CLIENT);
    p->link.black_hole[PAIR_SERVER] = false;
}

static size_t write_retry(const leat_conn *client, uint32_t version, uint8_t *out, size_t room) {
    leat_writer writer = leat_writer_make(out, room);
    leat_retry_write(&writer, version, leat_cid_span(leat_cids_first_local(client)),
                     test_hex("d001020304050607"), test_hex("746f6b656e"),
                     leat_cid_span(&client->cids.original_dcid), 0);
    ck_assert(!writer.failed);
    return leat_writer_length(&writer);
}

static leat_conn *server_after_retry(pair *p, leat_span first) {
    int error = 0;
    leat_packet_header header;
    const leat_path path = {p->ends[PAIR_SERVER].address, p->ends[PAIR_CLIENT].address};
    ck_assert_int_eq(leat_packet_header_parse(&header, first, 8), LEAT_DROP_NONE);
    leat_conn_origin origin = {.original_dcid = pair_conn(p, PAIR_CLIENT)->cids.original_dcid,
                               .retried = true, .address_validated = true,
                               .version = header.version};
    leat_cid_from_span(&origin.client_dcid, header.dcid);
    leat_cid_from_span(&origin.client_scid, header.scid);
    return leat_conn_create(&p->ends[PAIR_SERVER].config, NULL, &origin, &path, p->now, &error);
}

/* TEST RFC 9369 §4.1: Retry first, in the original version, then the switch. */
START_TEST(a_switch_follows_a_retry) {
    pair *p = pair_new();
    uint8_t retry[300];
    prefer(p, PAIR_SERVER, two_then_one, 2);
    lose_first_flight(p);
    size_t length =
        write_retry(pair_conn(p, PAIR_CLIENT), LEAT_VERSION_1, retry, sizeof retry);
    pair_deliver(p, PAIR_CLIENT, retry, length);
    p->make_server = server_after_retry;
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_HANDSHAKE_CONFIRMED], 1);
    assert_version(p, LEAT_VERSION_2);
    pair_free(p);
}
END_TEST

/* TEST RFC 9369 §4.1 */
START_TEST(a_retry_in_another_version_is_dropped) {
    pair *p = pair_new();
    uint8_t retry[300];
    lose_first_flight(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    size_t length = write_retry(client, LEAT_VERSION_2, retry, sizeof retry);
    pair_deliver(p, PAIR_CLIENT, retry, length);
    ck_assert(!client->cids.was_retried);
    ck_assert_uint_eq(client->receive.dropped, 1);
    pair_free(p);
}
END_TEST

/* ---- Version Negotiation --------------------------------------------------------------------- */

static void offer(pair *p, const uint32_t *versions, size_t count) {
    uint8_t packet[200];
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    leat_writer writer = leat_writer_make(packet, sizeof packet);
    leat_version_negotiation_write(&writer, leat_cid_span(leat_cids_first_local(client)),
                                   leat_cid_span(&client->cids.original_dcid), versions, count,
                                   0x55);
    pair_deliver(p, PAIR_CLIENT, packet, leat_writer_length(&writer));
}

/* TEST RFC 9368 §2.1: a new first flight, with a new destination, from packet number 0 on. */
START_TEST(a_client_begins_anew_with_a_version_of_the_server) {
    pair *p = pair_new();
    prefer(p, PAIR_SERVER, two_then_one, 1);
    lose_first_flight(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    leat_cid before = client->cids.original_dcid;
    offer(p, two_then_one, 1);
    ck_assert(!leat_cid_equal(&client->cids.original_dcid, &before));
    ck_assert_uint_eq(leat_conn_version(client), LEAT_VERSION_2);
    ck_assert_uint_eq(client->spaces[LEAT_SPACE_INITIAL]->next_pn, 0);
    seen it;
    watch(p, &it);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_HANDSHAKE_CONFIRMED], 1);
    ck_assert_uint_eq(it.versions[PAIR_CLIENT][LEAT_PACKET_INITIAL], 2);
    assert_version(p, LEAT_VERSION_2);
    assert_data_flows(p);
    pair_free(p);
}
END_TEST

/* TEST RFC 9368 §4: an attacker forges a list without the version that both prefer. */
START_TEST(a_downgrade_by_version_negotiation_is_found_out) {
    pair *p = pair_new();
    prefer(p, PAIR_CLIENT, two_then_one, 2);
    p->ends[PAIR_CLIENT].config.original_version = LEAT_VERSION_2;
    lose_first_flight(p);
    offer(p, one_then_two, 1);
    ck_assert_uint_eq(leat_conn_version(pair_conn(p, PAIR_CLIENT)), LEAT_VERSION_1);
    pair_run_for(p, LEAT_SECOND);
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_PROTOCOL_ERROR,
                           LEAT_VERSION_NEGOTIATION_ERROR);
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PEER_TRANSPORT,
                           LEAT_VERSION_NEGOTIATION_ERROR);
    pair_free(p);
}
END_TEST

/* TEST RFC 9368 §4 */
START_TEST(a_second_version_negotiation_is_ignored) {
    pair *p = pair_new();
    lose_first_flight(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    offer(p, two_then_one, 1);
    uint64_t dropped = client->receive.dropped;
    offer(p, one_then_two, 1);
    ck_assert_uint_eq(client->receive.dropped, dropped + 1);
    ck_assert_uint_eq(leat_conn_version(client), LEAT_VERSION_2);
    pair_free(p);
}
END_TEST

/* TEST RFC 9368 §2.1 */
START_TEST(a_server_without_a_common_version_ends_the_connection) {
    static const uint32_t others[] = {0xfaceb00c, 0x1a2a3a4a};
    pair *p = pair_new();
    lose_first_flight(p);
    offer(p, others, 2);
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_VERSION_MISMATCH, LEAT_NO_ERROR);
    pair_free(p);
}
END_TEST

/* TEST RFC 9369 §5: neither token nor ticket of the first version goes along. */
START_TEST(a_token_does_not_follow_into_another_version) {
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.token = test_hex("746f6b656e");
    lose_first_flight(p);
    ck_assert_uint_eq(pair_conn(p, PAIR_CLIENT)->tokens.initial.length, 5);
    offer(p, two_then_one, 1);
    ck_assert_uint_eq(pair_conn(p, PAIR_CLIENT)->tokens.initial.length, 0);
    pair_free(p);
}
END_TEST

START_TEST(without_memory_a_new_beginning_fails_cleanly) {
    for (size_t left = 0; left < 12; left++) {
        pair *p = pair_new();
        lose_first_flight(p);
        p->memory.fail_at = p->memory.allocations + 1 + left;
        offer(p, two_then_one, 1);
        p->memory.fail_at = 0;
        pair_free(p);
    }
}
END_TEST

LEAT_TEST_MAIN("quic/conn/version", without_a_wish_both_stay_with_version_1,
               a_server_that_prefers_version_2_switches_to_it,
               a_server_that_prefers_version_1_switches_to_it,
               a_server_without_a_wish_stays_with_version_2,
               a_client_of_version_1_only_is_not_switched,
               a_hello_retry_request_is_in_the_negotiated_version,
               the_switch_survives_loss_and_reordering,
               a_server_reads_initials_of_both_versions_while_it_has_switched,
               handshake_packets_of_another_version_are_dropped,
               a_client_that_has_settled_takes_no_other_version, a_switch_follows_a_retry,
               a_retry_in_another_version_is_dropped,
               a_client_begins_anew_with_a_version_of_the_server,
               a_downgrade_by_version_negotiation_is_found_out,
               a_second_version_negotiation_is_ignored,
               a_server_without_a_common_version_ends_the_connection,
               a_token_does_not_follow_into_another_version,
               without_memory_a_new_beginning_fails_cleanly)
