/* A server's preferred address: RFC 9000 §9.6, §18.2, §21.5.3, §21.5.6; attacks C11, C12. */
#include "../pair.h"

static leat_address address4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port) {
    return (leat_address){.family = LEAT_ADDRESS_IPV4, .port = port, .ip = {a, b, c, d}};
}

/* The server is at 10.0.0.2:443 and would rather be at :4443. */
static pair *new_pair(leat_address preferred) {
    pair *p = pair_new();
    p->link.is_direct = true;
    p->ends[PAIR_SERVER].config.preferred_address_v4 = preferred;
    return p;
}

static const leat_path *path_of(pair *p, pair_side side) {
    return leat_conn_path(pair_conn(p, side));
}

static unsigned count(const pair *p, pair_side side, leat_event_type type) {
    return p->ends[side].event_counts[type];
}

START_TEST(a_client_goes_to_the_preferred_address) {
    pair *p = new_pair(address4(10, 0, 0, 2, 4443));
    pair_handshake(p);
    ck_assert_uint_eq(path_of(p, PAIR_CLIENT)->remote.port, 4443);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, false, "hello", true);
    pair_settle(p);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    ck_assert_uint_eq(path_of(p, PAIR_SERVER)->local.port, 4443);
    ck_assert_uint_eq(count(p, PAIR_CLIENT, LEAT_EVENT_PATH_CHANGED), 1);
    ck_assert_uint_eq(count(p, PAIR_SERVER, LEAT_EVENT_PATH_CHANGED), 1);
    pair_send_text(p, PAIR_SERVER, true, "hello", true);
    pair_settle(p);
    ck_assert(pair_stream_of(p, PAIR_CLIENT, 3)->ended);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §5.1.1, §9.6.1: the ID that came with the address has number 1 and is used. */
START_TEST(the_id_of_the_preferred_address_is_used) {
    pair *p = new_pair(address4(10, 0, 0, 2, 4443));
    pair_handshake(p);
    const leat_conn *client = pair_conn(p, PAIR_CLIENT), *server = pair_conn(p, PAIR_SERVER);
    ck_assert_uint_eq(client->paths.active->cid_sequence, 1);
    ck_assert(leat_cid_equal(leat_cids_of_path(client, client->paths.active),
                             &server->cids.local[1].cid));
    ck_assert(leat_cids_is_reset_token(client, server->cids.local[1].reset_token));
    pair_free(p);
}
END_TEST

START_TEST(a_client_may_stay) {
    pair *p = new_pair(address4(10, 0, 0, 2, 4443));
    p->ends[PAIR_CLIENT].config.use_preferred_address = false;
    pair_handshake(p);
    pair_run_for(p, 5 * LEAT_SECOND);
    ck_assert_uint_eq(path_of(p, PAIR_CLIENT)->remote.port, 443);
    ck_assert_uint_eq(count(p, PAIR_CLIENT, LEAT_EVENT_PATH_FAILED), 0);
    pair_free(p);
}
END_TEST

static bool lose_port_4443(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    unsigned *seen = user;
    (void)p, (void)from;
    bool is_there = datagram->path.local.port == 4443 || datagram->path.remote.port == 4443;
    *seen += is_there;
    return !is_there;
}

/* TEST RFC 9000 §9.6.1: without an answer the client stays. Attack C11: four datagrams are all that
 * an address which the server only named is sent. */
START_TEST(a_preferred_address_that_does_not_answer_is_given_up) {
    pair *p = new_pair(address4(10, 0, 0, 2, 4443));
    unsigned seen = 0;
    p->link.filter = lose_port_4443;
    p->link.filter_user = &seen;
    pair_handshake(p);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "here", true);
    pair_run_for(p, 20 * LEAT_SECOND);
    ck_assert_uint_eq(path_of(p, PAIR_CLIENT)->remote.port, 443);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    ck_assert_uint_eq(count(p, PAIR_CLIENT, LEAT_EVENT_PATH_FAILED), 1);
    ck_assert_uint_ge(seen, 1);
    ck_assert_uint_le(seen, LEAT_CHALLENGES_MAX);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §21.5.6, attack C11: a server elsewhere does not aim its client at itself, at its
 * link or at everybody. */
START_TEST(an_address_that_only_the_client_can_reach_is_not_asked) {
    const leat_address targets[] = {
        address4(127, 0, 0, 1, 80), address4(169, 254, 1, 1, 80), address4(224, 0, 0, 1, 80),
        address4(255, 255, 255, 255, 80), address4(0, 0, 0, 0, 80), address4(10, 0, 0, 2, 0),
        address4(10, 0, 0, 2, 443),
    };
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        pair *p = new_pair(targets[i]);
        pair_handshake(p);
        ck_assert_uint_eq(pair_conn(p, PAIR_CLIENT)->paths.preferred.family, LEAT_ADDRESS_NONE);
        ck_assert_uint_eq(path_of(p, PAIR_CLIENT)->remote.port, 443);
        pair_free(p);
    }
}
END_TEST

START_TEST(an_address_of_the_other_family_is_not_used) {
    pair *p = pair_new();
    p->link.is_direct = true;
    p->ends[PAIR_SERVER].config.preferred_address_v6 =
        (leat_address){.family = LEAT_ADDRESS_IPV6, .port = 4443, .ip = {0x20, 1, [15] = 1}};
    pair_handshake(p);
    ck_assert_uint_eq(path_of(p, PAIR_CLIENT)->remote.port, 443);
    ck_assert_uint_eq(pair_conn(p, PAIR_CLIENT)->handshake.peers.preferred_address.v6.port, 4443);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §18.2: a server without connection IDs offers no address. */
START_TEST(a_server_without_ids_offers_none) {
    pair *p = new_pair(address4(10, 0, 0, 2, 4443));
    p->ends[PAIR_SERVER].config.connection_id_length = 0;
    pair_handshake(p);
    ck_assert(!leat_transport_params_has(&pair_conn(p, PAIR_CLIENT)->handshake.peers,
                                         LEAT_TP_PREFERRED_ADDRESS));
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §18.2, attack C12: offered by one that uses no connection IDs. */
START_TEST(an_offer_of_a_server_without_ids_is_an_error) {
    pair *p = pair_new();
    pair_handshake(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    client->handshake.peers.present |= 1u << LEAT_TP_PREFERRED_ADDRESS;
    client->cids.peers[0].cid.length = 0;
    ck_assert_str_eq(leat_preferred_address_on_params(client), "preferred_address");
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §18.2: disable_active_migration speaks of the address of the handshake. */
START_TEST(moving_is_allowed_from_the_preferred_address) {
    pair *p = new_pair(address4(10, 0, 0, 2, 4443));
    p->ends[PAIR_SERVER].config.disable_active_migration = true;
    pair_handshake(p);
    leat_path path = *path_of(p, PAIR_CLIENT);
    ck_assert_uint_eq(path.remote.port, 4443);
    path.local.port = 2000;
    ck_assert_int_eq(leat_conn_migrate(pair_conn(p, PAIR_CLIENT), &path, p->now), LEAT_OK);
    pair_settle(p);
    ck_assert_uint_eq(path_of(p, PAIR_CLIENT)->local.port, 2000);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.6.3: a client that moves meanwhile asks both addresses from its new one, and
 * ends up at the preferred one. */
START_TEST(a_client_that_moves_meanwhile_asks_from_its_new_address) {
    pair *p = new_pair(address4(10, 0, 0, 2, 4443));
    pair_start(p);
    while (count(p, PAIR_CLIENT, LEAT_EVENT_HANDSHAKE_CONFIRMED) == 0) {
        ck_assert(pair_step(p, p->now + LEAT_SECOND));
    }
    pair_step(p, p->now + LEAT_SECOND); /* NEW_CONNECTION_ID */
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    ck_assert(leat_preferred_address_is_awaited(client));
    const leat_path path = {address4(10, 0, 0, 7, 2000), {.family = LEAT_ADDRESS_NONE}};
    ck_assert_int_eq(leat_conn_migrate(client, &path, p->now), LEAT_OK);
    ck_assert(leat_preferred_address_is_awaited(client));
    pair_settle(p);
    pair_send_text(p, PAIR_CLIENT, true, "x", true);
    pair_settle(p);
    ck_assert_uint_eq(path_of(p, PAIR_CLIENT)->local.port, 2000);
    ck_assert_uint_eq(path_of(p, PAIR_CLIENT)->remote.port, 4443);
    ck_assert_uint_eq(path_of(p, PAIR_SERVER)->remote.port, 2000);
    ck_assert_uint_eq(path_of(p, PAIR_SERVER)->local.port, 4443);
    pair_free(p);
}
END_TEST

static size_t deliver_at(pair *p, uint16_t port, const char *frames) {
    uint8_t packet[1500];
    leat_path path = {p->ends[PAIR_SERVER].address, p->ends[PAIR_CLIENT].address};
    path.local.port = port;
    size_t length = pair_raw_build(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, test_hex(frames), packet,
                                   sizeof packet, NULL);
    leat_conn_receive_datagram(pair_conn(p, PAIR_SERVER), packet, length, 0, &path, 0, p->now);
    return length;
}

/* TEST RFC 9000 §9.6.2: a packet that somebody sent on to the preferred address moves no server
 * before the client has answered there. */
START_TEST(a_server_moves_when_its_own_question_is_answered) {
    pair *p = new_pair(address4(10, 0, 0, 2, 4443));
    p->ends[PAIR_CLIENT].config.use_preferred_address = false;
    pair_handshake(p);
    deliver_at(p, 4443, "01");
    const leat_conn *server = pair_conn(p, PAIR_SERVER);
    ck_assert_uint_eq(server->paths.active->addresses.local.port, 443);
    pair_run_for(p, 10 * LEAT_SECOND); /* the client does not answer what comes from there */
    ck_assert_uint_eq(server->paths.active->addresses.local.port, 443);
    ck_assert_uint_eq(count(p, PAIR_SERVER, LEAT_EVENT_PATH_FAILED), 1);
    uint64_t id = pair_send_text(p, PAIR_SERVER, true, "x", true);
    pair_settle(p);
    ck_assert(pair_stream_of(p, PAIR_CLIENT, id)->ended);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.6.2: what is new at the old address is dropped once the server has left it. */
START_TEST(the_address_that_was_left_is_not_heard_any_more) {
    pair *p = new_pair(address4(10, 0, 0, 2, 4443));
    pair_handshake(p);
    pair_send_text(p, PAIR_CLIENT, true, "x", true);
    pair_settle(p);
    leat_conn *server = pair_conn(p, PAIR_SERVER);
    ck_assert_uint_eq(server->paths.active->addresses.local.port, 4443);
    uint64_t dropped = server->receive.dropped;
    deliver_at(p, 443, "1d 07 00");
    ck_assert(!leat_conn_is_terminating(server));
    ck_assert_uint_eq(server->receive.dropped, dropped + 1);
    ck_assert_uint_eq(server->paths.active->addresses.local.port, 4443);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.6: a client hears nothing from an address that it did not ask. */
START_TEST(a_client_that_stays_drops_what_comes_from_there) {
    pair *p = new_pair(address4(10, 0, 0, 2, 4443));
    uint8_t packet[1500];
    p->ends[PAIR_CLIENT].config.use_preferred_address = false;
    pair_handshake(p);
    leat_path path = {p->ends[PAIR_CLIENT].address, address4(10, 0, 0, 2, 4443)};
    size_t length = pair_raw_build(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, test_hex("1d 07 00"),
                                   packet, sizeof packet, NULL);
    leat_conn_receive_datagram(pair_conn(p, PAIR_CLIENT), packet, length, 0, &path, 0, p->now);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_CLIENT)));
    pair_free(p);
}
END_TEST

/* ---- the parameter as bytes ------------------------------------------------------------------ */

#define ADDRESSES "0a000002 115b 20010db8000000000000000000000001 115c "
#define TOKEN " 000102030405060708090a0b0c0d0e0f"

static bool parses(const char *hex, leat_preferred_address *preferred) {
    leat_reader reader = leat_reader_of(test_hex(hex));
    return leat_preferred_address_parse(&reader, preferred);
}

START_TEST(both_addresses_the_id_and_the_token_are_read) {
    leat_preferred_address preferred;
    ck_assert(parses(ADDRESSES "04 c1c2c3c4" TOKEN, &preferred));
    ck_assert_uint_eq(preferred.v4.port, 4443);
    ck_assert_uint_eq(preferred.v6.port, 4444);
    ck_assert_uint_eq(preferred.cid.length, 4);
    ck_assert_uint_eq(preferred.reset_token[15], 15);
}
END_TEST

START_TEST(zeros_mean_that_a_family_is_not_offered) {
    leat_preferred_address preferred;
    ck_assert(parses("00000000 0000 20010db8000000000000000000000001 115c 01 c1" TOKEN,
                     &preferred));
    ck_assert_uint_eq(preferred.v4.family, LEAT_ADDRESS_NONE);
    ck_assert_uint_eq(preferred.v6.family, LEAT_ADDRESS_IPV6);
}
END_TEST

/* TEST RFC 9000 §18.2, attack C12. */
START_TEST(malformed_ones_are_errors) {
    static const char *const wrong[] = {
        "", ADDRESSES, ADDRESSES "00" TOKEN, ADDRESSES "04 c1c2c3c4 0001",
        ADDRESSES "04 c1c2c3c4" TOKEN " 00", "0a000002 115b 01 c1" TOKEN,
        ADDRESSES "15 000102030405060708090a0b0c0d0e0f1011121314" TOKEN,
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        leat_preferred_address preferred;
        ck_assert(!parses(wrong[i], &preferred));
    }
}
END_TEST

START_TEST(what_is_written_is_read_back) {
    uint8_t bytes[80];
    leat_transport_params ours, read;
    leat_transport_params_default(&ours);
    ours.preferred_address = (leat_preferred_address){
        .v4 = address4(10, 0, 0, 2, 4443), .cid = {.length = 20, .bytes = {1, 2, 3}},
        .reset_token = {7, 8, 9}};
    ours.present = 1u << LEAT_TP_PREFERRED_ADDRESS;
    leat_writer writer = leat_writer_make(bytes, sizeof bytes);
    leat_transport_params_write(&writer, &ours);
    ck_assert(!writer.failed);
    const leat_span written = {bytes, leat_writer_length(&writer)};
    ck_assert_ptr_null(leat_transport_params_parse(&read, written, false));
    ck_assert(leat_address_equal(&read.preferred_address.v4, &ours.preferred_address.v4));
    ck_assert_uint_eq(read.preferred_address.v6.family, LEAT_ADDRESS_NONE);
    ck_assert(leat_cid_equal(&read.preferred_address.cid, &ours.preferred_address.cid));
    ck_assert_ptr_nonnull(leat_transport_params_parse(&read, written, true));
}
END_TEST

LEAT_TEST_MAIN("quic/conn/preferred_address", a_client_goes_to_the_preferred_address,
               the_id_of_the_preferred_address_is_used, a_client_may_stay,
               a_preferred_address_that_does_not_answer_is_given_up,
               an_address_that_only_the_client_can_reach_is_not_asked,
               an_address_of_the_other_family_is_not_used, a_server_without_ids_offers_none,
               an_offer_of_a_server_without_ids_is_an_error,
               moving_is_allowed_from_the_preferred_address,
               a_client_that_moves_meanwhile_asks_from_its_new_address,
               a_server_moves_when_its_own_question_is_answered,
               the_address_that_was_left_is_not_heard_any_more,
               a_client_that_stays_drops_what_comes_from_there,
               both_addresses_the_id_and_the_token_are_read,
               zeros_mean_that_a_family_is_not_offered, malformed_ones_are_errors,
               what_is_written_is_read_back)
