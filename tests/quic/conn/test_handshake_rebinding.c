/*
 * A NAT that gives the client another address in the middle of the handshake: RFC 9000 §9. The
 * client did not move, and the server answers where the packets come from, under the limit of
 * three times their bytes, until 1-RTT packets can ask that address.
 */
#include "../pair.h"

#define NEW_PORT 2000

static pair *p;

/* The ClientHello fits a datagram, whatever groups libcrypto has: moments are counted in them. */
static pair *new_pair(void) {
    static const uint16_t x25519 = 0x001d;
    pair *made = pair_new();
    made->ends[PAIR_CLIENT].config.groups = &x25519;
    made->ends[PAIR_CLIENT].config.group_count = 1;
    return made;
}

static void rebind(uint8_t host) {
    p->ends[PAIR_CLIENT].address.ip[3] = host;
    p->ends[PAIR_CLIENT].address.port = NEW_PORT;
}

static leat_path_state *active(void) { return pair_conn(p, PAIR_SERVER)->paths.active; }

/* Whatever the moment was: the handshake is done, on the new address, which has answered. */
static void expect_handshake(void) {
    pair_run_for(p, 5 * LEAT_SECOND);
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        ck_assert(pair_conn(p, side)->handshake.is_confirmed);
        ck_assert_int_eq(p->ends[side].terminated.type, LEAT_EVENT_NONE);
    }
    uint64_t id = pair_send_text(p, PAIR_CLIENT, false, "still here", true);
    pair_run_for(p, 2 * LEAT_SECOND);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    ck_assert_uint_eq(active()->addresses.remote.port, NEW_PORT);
    ck_assert(active()->is_validated);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_PATH_CHANGED], 1);
}

/* The address changes when so many datagrams have arrived, at either side. */
static void rebind_after(unsigned datagrams, uint8_t host) {
    p = new_pair();
    pair_start(p);
    while (p->ends[PAIR_CLIENT].datagrams_in + p->ends[PAIR_SERVER].datagrams_in < datagrams) {
        ck_assert(pair_step(p, 5 * LEAT_SECOND));
    }
    rebind(host);
    expect_handshake();
    pair_free(p);
}

/* The server's flight goes to an address that nobody has any more; the client asks again. */
START_TEST(between_the_client_hello_and_the_answer) {
    rebind_after(1, 1);
    rebind_after(1, 9);
}
END_TEST

START_TEST(between_the_flight_and_finished) {
    rebind_after(2, 1);
    rebind_after(2, 9);
}
END_TEST

/* The keys of the handshake are gone when the server is done: a 1-RTT packet shows the way. */
START_TEST(between_finished_and_its_confirmation) {
    p = new_pair();
    pair_start(p);
    while (p->ends[PAIR_CLIENT].datagrams_in + p->ends[PAIR_SERVER].datagrams_in < 3) {
        ck_assert(pair_step(p, 5 * LEAT_SECOND));
    }
    ck_assert(pair_conn(p, PAIR_SERVER)->handshake.is_complete);
    ck_assert(!pair_conn(p, PAIR_CLIENT)->handshake.is_confirmed);
    rebind(1);
    pair_send_text(p, PAIR_CLIENT, true, "a request", true);
    expect_handshake();
    pair_free(p);
}
END_TEST

static bool is_complete(pair_side side) { return pair_conn(p, side)->handshake.is_complete; }

START_TEST(when_the_client_is_done_and_the_server_is_not) {
    p = new_pair();
    pair_start(p);
    while (pair_conn(p, PAIR_SERVER) == NULL || !is_complete(PAIR_CLIENT)) {
        ck_assert(pair_step(p, 5 * LEAT_SECOND));
    }
    ck_assert(!is_complete(PAIR_SERVER));
    /* What is on its way has not passed the NAT yet. */
    for (size_t i = 0; i < p->flying_count; i++) {
        p->flying[i].path.remote.port = NEW_PORT;
    }
    rebind(1);
    expect_handshake();
    pair_free(p);
}
END_TEST

/* ---- the limit ---- */

static leat_path spoofed_path(void) {
    leat_path path = {p->ends[PAIR_SERVER].address, p->ends[PAIR_CLIENT].address};
    path.remote.ip[3] = 66;
    return path;
}

/* The client's Handshake packet, forwarded from an address that did not ask for it. */
static size_t forward_handshake_packet(void) {
    uint8_t packet[1500];
    const leat_path path = spoofed_path();
    size_t length = pair_raw_build(p, PAIR_CLIENT, LEAT_SPACE_HANDSHAKE, test_hex("01"), packet,
                                   sizeof packet, NULL);
    leat_conn_receive_datagram(pair_conn(p, PAIR_SERVER), packet, length, 0, &path, 0, p->now);
    return length;
}

static void until_client_has_handshake_keys(void) {
    p = new_pair();
    pair_start(p);
    while (pair_conn(p, PAIR_CLIENT)->spaces[LEAT_SPACE_HANDSHAKE] == NULL ||
           !leat_keys_can_write(&pair_conn(p, PAIR_CLIENT)->spaces[LEAT_SPACE_HANDSHAKE]->keys)) {
        ck_assert(pair_step(p, 5 * LEAT_SECOND));
    }
}

/* TEST RFC 9000 §8.1: attack A22: three times its bytes, for as long as it does not answer. */
START_TEST(a_handshake_packet_from_elsewhere_does_not_lift_the_limit) {
    until_client_has_handshake_keys();
    leat_conn *server = pair_conn(p, PAIR_SERVER);
    size_t received = forward_handshake_packet();
    const leat_path path = spoofed_path();
    leat_path_state *made = leat_paths_find(server, &path);
    ck_assert_ptr_nonnull(made);
    ck_assert(!made->is_validated);
    pair_run_for(p, 3 * LEAT_SECOND);
    made = leat_paths_find(server, &path);
    ck_assert(made == NULL || !made->is_validated);
    ck_assert(made == NULL || made->bytes_sent <= 3 * received);
    pair_free(p);
}
END_TEST

/* The real client goes on from where it is: its next packets are newer. */
START_TEST(a_forwarded_packet_does_not_end_the_handshake) {
    until_client_has_handshake_keys();
    forward_handshake_packet();
    pair_run_for(p, 8 * LEAT_SECOND);
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        ck_assert(pair_conn(p, side)->handshake.is_confirmed);
        ck_assert_int_eq(p->ends[side].terminated.type, LEAT_EVENT_NONE);
    }
    ck_assert_uint_eq(active()->addresses.remote.port, p->ends[PAIR_CLIENT].address.port);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9: servers do not move. */
START_TEST(a_client_hears_its_server_from_one_address_only) {
    p = new_pair();
    pair_start(p);
    ck_assert(pair_step(p, 5 * LEAT_SECOND));
    leat_path path = *leat_conn_path(pair_conn(p, PAIR_CLIENT));
    path.remote.port++;
    ck_assert(!leat_paths_accepts(pair_conn(p, PAIR_CLIENT), &path));
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn handshake_rebinding", between_the_client_hello_and_the_answer,
               between_the_flight_and_finished, between_finished_and_its_confirmation,
               when_the_client_is_done_and_the_server_is_not,
               a_handshake_packet_from_elsewhere_does_not_lift_the_limit,
               a_forwarded_packet_does_not_end_the_handshake,
               a_client_hears_its_server_from_one_address_only)
