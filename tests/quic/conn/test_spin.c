/* The latency spin bit, RFC 9000 §17.4, as somebody on the path sees it. */
#include "../pair.h"

#define SPIN_BIT 0x20

/* Watches one direction: when the bit of short headers changes. */
typedef struct watcher {
    pair_side from;
    bool has_seen, last;
    leat_time changed;
    unsigned edges, packets, ones;
    leat_time shortest, longest; /* between two edges, the first ones left out */
} watcher;

static bool watch(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    watcher *w = user;
    bool is_short = (datagram->bytes[0] & 0x80) == 0;
    if (from != w->from || !is_short) {
        return true;
    }
    bool spin = (datagram->bytes[0] & SPIN_BIT) != 0;
    w->packets++;
    w->ones += spin;
    if (w->has_seen && spin != w->last) {
        leat_time period = p->now - w->changed;
        w->edges++;
        w->changed = p->now;
        if (w->edges > 2) {
            w->shortest = period < w->shortest ? period : w->shortest;
            w->longest = period > w->longest ? period : w->longest;
        }
    }
    w->has_seen = true;
    w->last = spin;
    return true;
}

static pair *watched_pair(watcher *w, pair_side from) {
    pair *p = pair_new();
    *w = (watcher){.from = from, .shortest = LEAT_TIME_NEVER};
    p->link.filter = watch;
    p->link.filter_user = w;
    return p;
}

static void transfer(pair *p) {
    static uint8_t bytes[400000];
    uint64_t id = 0;
    ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id), 0);
    pair_send_all(p, PAIR_CLIENT, id, bytes, sizeof bytes, true);
    pair_settle(p);
}

static leat_spin *spin_of(pair *p, pair_side side) {
    return &pair_conn(p, side)->paths.active->spin;
}

static void force(pair *p, bool takes_part) {
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        *spin_of(p, side) = (leat_spin){.takes_part = takes_part};
        spin_of(p, side)->cid_sequence = pair_conn(p, side)->paths.active->cid_sequence;
    }
}

/* TEST RFC 9000 §17.4: both directions show the round trip, a bit more where ACKs wait. */
START_TEST(an_observer_measures_the_round_trip) {
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        watcher w;
        pair *p = watched_pair(&w, side);
        p->link.delay = 40 * LEAT_MILLISECOND;
        pair_handshake(p);
        force(p, true);
        transfer(p);
        ck_assert_uint_gt(w.edges, 4);
        ck_assert_uint_ge(w.shortest, 80 * LEAT_MILLISECOND);
        ck_assert_uint_le(w.shortest, 100 * LEAT_MILLISECOND);
        pair_free(p);
    }
}
END_TEST

START_TEST(who_does_not_take_part_shows_nothing) {
    watcher w;
    pair *p = watched_pair(&w, PAIR_CLIENT);
    p->ends[PAIR_CLIENT].config.spin_bit = false;
    pair_handshake(p);
    transfer(p);
    ck_assert_uint_eq(w.edges, 0);
    ck_assert(w.ones == 0 || w.ones == w.packets);
    pair_free(p);
}
END_TEST

START_TEST(an_older_packet_does_not_turn_the_bit_back) {
    pair *p = pair_new();
    pair_handshake(p);
    force(p, true);
    leat_conn *server = pair_conn(p, PAIR_SERVER);
    leat_packet_in packet = {.path = server->paths.active,
                             .header.type = LEAT_PACKET_ONE_RTT,
                             .opened = {.pn = 1000, .spin = true}};
    leat_spin_on_received(server, &packet);
    ck_assert(leat_spin_value(server->paths.active));
    packet.opened.pn = 999;
    packet.opened.spin = false;
    leat_spin_on_received(server, &packet);
    ck_assert(leat_spin_value(server->paths.active));
    packet.opened.pn = 1001;
    leat_spin_on_received(server, &packet);
    ck_assert(!leat_spin_value(server->paths.active));
    pair_free(p);
}
END_TEST

START_TEST(the_client_inverts) {
    pair *p = pair_new();
    pair_handshake(p);
    force(p, true);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    leat_packet_in packet = {.path = client->paths.active,
                             .header.type = LEAT_PACKET_ONE_RTT,
                             .opened = {.pn = 1000, .spin = false}};
    leat_spin_on_received(client, &packet);
    ck_assert(leat_spin_value(client->paths.active));
    packet.opened.pn++;
    packet.opened.spin = true;
    leat_spin_on_received(client, &packet);
    ck_assert(!leat_spin_value(client->paths.active));
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §17.4: reset to 0 with another connection ID, and with another path. */
START_TEST(another_connection_id_begins_at_zero) {
    pair *p = pair_new();
    pair_handshake(p);
    force(p, true);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    spin_of(p, PAIR_CLIENT)->value = true;
    ck_assert_int_eq(leat_conn_change_connection_id(client), 0);
    ck_assert(!leat_spin_value(client->paths.active));
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §17.4: at least one path in sixteen does not take part, with either value. */
START_TEST(one_path_in_sixteen_does_not_take_part) {
    pair *p = pair_new();
    pair_handshake(p);
    leat_path_state *path = pair_conn(p, PAIR_CLIENT)->paths.active;
    unsigned silent = 0, ones = 0;
    for (unsigned i = 0; i < 16000; i++) {
        leat_spin_begin(pair_conn(p, PAIR_CLIENT), path);
        silent += !path->spin.takes_part;
        ones += !path->spin.takes_part && path->spin.value;
    }
    ck_assert_uint_gt(silent, 850);
    ck_assert_uint_lt(silent, 1150);
    ck_assert_uint_gt(ones, silent / 3);
    ck_assert_uint_lt(ones, silent * 2 / 3);
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn spin", an_observer_measures_the_round_trip,
               who_does_not_take_part_shows_nothing, an_older_packet_does_not_turn_the_bit_back,
               the_client_inverts, another_connection_id_begins_at_zero,
               one_path_in_sixteen_does_not_take_part)
