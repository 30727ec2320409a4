/*
 * An unvalidated client gets at most three times the bytes it sent: RFC 9000 §8.1, in whatever
 * state and by whatever way (padding, probes, closes, challenges). The oracle counts on the link,
 * for each address by itself. Attack A22.
 */
#include "../pair.h"

#define ADDRESSES 256

typedef struct oracle {
    uint64_t from_client[ADDRESSES], to_client[ADDRESSES];
    bool validated[ADDRESSES];
    unsigned checks;
} oracle;

static uint8_t key_of(const leat_address *address) {
    return (uint8_t)(address->ip[3] * 31 + address->port);
}

static bool watch(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    oracle *o = user;
    if (from == PAIR_CLIENT) {
        return true;
    }
    uint8_t key = key_of(&datagram->path.local);
    const leat_path path = {datagram->path.remote, datagram->path.local};
    const leat_path_state *state = leat_paths_find(pair_conn(p, PAIR_SERVER), &path);
    o->to_client[key] += datagram->length;
    o->validated[key] |= state != NULL && state->is_validated;
    o->checks++;
    ck_assert_msg(o->validated[key] || o->to_client[key] <= 3 * o->from_client[key],
                  "%llu bytes sent for %llu received",
                  (unsigned long long)o->to_client[key], (unsigned long long)o->from_client[key]);
    return true;
}

/* Bytes count when they arrive at the server. */
static void count_arrival(oracle *o, const leat_address *address, size_t length) {
    o->from_client[key_of(address)] += length;
}

static void run(pair *p, oracle *o, leat_time duration) {
    leat_time until = p->now + duration;
    size_t before = p->ends[PAIR_SERVER].bytes_in;
    for (;;) {
        /* The next arrival is counted before the server can answer it. */
        leat_address address = p->ends[PAIR_CLIENT].address;
        size_t in = p->ends[PAIR_SERVER].bytes_in;
        bool more = pair_step(p, until);
        count_arrival(o, &address, p->ends[PAIR_SERVER].bytes_in - in);
        if (!more) {
            break;
        }
    }
    ck_assert_uint_ge(p->ends[PAIR_SERVER].bytes_in, before);
}

static pair *watched(oracle *o) {
    pair *p = pair_new();
    *o = (oracle){0};
    p->link.filter = watch;
    p->link.filter_user = o;
    return p;
}

START_TEST(a_handshake_stays_below_the_limit) {
    for (uint64_t seed = 1; seed < 30; seed++) {
        oracle o;
        pair *p = watched(&o);
        p->seed = seed;
        p->link.loss = (unsigned)(seed % 4) * 10;
        pair_start(p);
        run(p, &o, 5 * LEAT_SECOND);
        ck_assert_uint_gt(o.checks, 0);
        pair_free(p);
    }
}
END_TEST

/* The client sends one Initial and falls silent: probes and timers run until the server gives up.
 * */
START_TEST(a_silent_client_is_not_flooded) {
    oracle o;
    pair *p = watched(&o);
    p->ends[PAIR_SERVER].config.handshake_timeout = 0;
    pair_start(p);
    pair_flush(p, PAIR_CLIENT);
    p->link.black_hole[PAIR_CLIENT] = p->link.black_hole[PAIR_SERVER] = true;
    run(p, &o, 100 * LEAT_SECOND);
    ck_assert_uint_gt(p->ends[PAIR_SERVER].bytes_out, 0);
    ck_assert_uint_le(p->ends[PAIR_SERVER].bytes_out, 3 * p->ends[PAIR_SERVER].bytes_in);
    pair_free(p);
}
END_TEST

START_TEST(a_close_stays_below_the_limit) {
    oracle o;
    pair *p = watched(&o);
    pair_start(p);
    pair_flush(p, PAIR_CLIENT);
    ck_assert(pair_step(p, p->now + LEAT_SECOND));
    count_arrival(&o, &p->ends[PAIR_CLIENT].address, p->ends[PAIR_SERVER].bytes_in);
    p->link.black_hole[PAIR_CLIENT] = true;
    pair_flush(p, PAIR_SERVER);
    leat_conn_close(pair_conn(p, PAIR_SERVER), 1,
                    "a long reason that takes some room in the packet");
    for (unsigned i = 0; i < 50; i++) {
        uint8_t junk[20] = {0x40};
        pair_deliver(p, PAIR_SERVER, junk, sizeof junk);
        count_arrival(&o, &p->ends[PAIR_CLIENT].address, sizeof junk);
        pair_flush(p, PAIR_SERVER);
    }
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §9.3.1: a new address of a known client is no more trusted than a stranger. */
START_TEST(a_moved_client_stays_below_the_limit) {
    oracle o;
    pair *p = watched(&o);
    static uint8_t bytes[200000];
    uint64_t id = 0;
    pair_start(p);
    run(p, &o, LEAT_SECOND);
    leat_conn_open_stream(pair_conn(p, PAIR_SERVER), true, &id);
    leat_conn_send_stream_data(pair_conn(p, PAIR_SERVER), id, bytes, sizeof bytes, true);
    run(p, &o, 15 * LEAT_MILLISECOND);
    for (uint8_t host = 50; host < 60; host++) {
        p->ends[PAIR_CLIENT].address.ip[3] = host;
        leat_conn_send_ping(pair_conn(p, PAIR_CLIENT), 1);
        p->link.black_hole[PAIR_CLIENT] = host % 2 == 0;
        run(p, &o, 300 * LEAT_MILLISECOND);
    }
    p->link.black_hole[PAIR_CLIENT] = false;
    run(p, &o, 5 * LEAT_SECOND);
    ck_assert_uint_gt(o.checks, 20);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §14.1: Initials come and go in datagrams of 1200 bytes. */
START_TEST(small_client_initials_are_dropped) {
    pair *p = pair_new();
    uint8_t packet[1500];
    pair_start(p);
    pair_flush(p, PAIR_CLIENT);
    ck_assert(pair_step(p, p->now + LEAT_SECOND));
    leat_conn *server = pair_conn(p, PAIR_SERVER);
    uint64_t before = server->receive.packets;
    for (size_t size = 1199; size <= 1200; size++) {
        size_t length = pair_raw_build(p, PAIR_CLIENT, LEAT_SPACE_INITIAL, test_hex("01"), packet,
                                       size, NULL);
        ck_assert_uint_eq(length, size);
        pair_deliver(p, PAIR_SERVER, packet, length);
        ck_assert_uint_eq(server->receive.packets, before + (size == 1200));
    }
    pair_free(p);
}
END_TEST

typedef struct sizes {
    size_t smallest_client, smallest_server;
} sizes;

static bool watch_initials(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    sizes *s = user;
    (void)p;
    bool is_initial = (datagram->bytes[0] & 0xb0) == 0x80;
    size_t *smallest = from == PAIR_CLIENT ? &s->smallest_client : &s->smallest_server;
    if (is_initial && datagram->length < *smallest) {
        *smallest = datagram->length;
    }
    return true;
}

START_TEST(initials_are_padded) {
    pair *p = pair_new();
    sizes s = {SIZE_MAX, SIZE_MAX};
    p->link.filter = watch_initials;
    p->link.filter_user = &s;
    p->link.loss = 20;
    pair_handshake(p);
    ck_assert_uint_ge(s.smallest_client, 1200);
    ck_assert_uint_ge(s.smallest_server, 30);
    pair_free(p);
}
END_TEST

START_TEST(no_datagram_is_larger_than_configured) {
    pair *p = pair_new();
    static uint8_t bytes[100000];
    p->ends[PAIR_CLIENT].config.max_send_udp_payload = 1400;
    p->ends[PAIR_SERVER].config.max_udp_payload_size = 1300;
    pair_handshake(p);
    uint64_t id = 0;
    leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id);
    p->ends[PAIR_CLIENT].largest_out = 0;
    pair_send_all(p, PAIR_CLIENT, id, bytes, sizeof bytes, true);
    pair_settle(p);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].largest_out, 1300);
    ck_assert_uint_le(p->ends[PAIR_SERVER].largest_out, 1252);
    pair_free(p);
}
END_TEST

/* One GSO send: equal sizes, only the last may be shorter. */
START_TEST(a_batch_has_equal_datagrams) {
    pair *p = pair_new();
    static uint8_t bytes[100000], buffer[65507];
    leat_transmit out;
    uint64_t id = 0;
    p->ends[PAIR_CLIENT].config.pacing = false;
    pair_handshake(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    leat_conn_open_stream(client, true, &id);
    leat_conn_send_stream_data(client, id, bytes, sizeof bytes, true);
    size_t length = leat_conn_datagrams_to_send(client, buffer, sizeof buffer, &out, p->now);
    ck_assert_uint_eq(out.segment_size, 1252);
    ck_assert_uint_ge(length, 10 * 1252);
    ck_assert(leat_path_equal(&out.path, leat_conn_path(client)));
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §8.1: an ACK that does not fit below the limit keeps no timer in the past. */
START_TEST(no_timer_waits_for_what_the_limit_forbids) {
    pair *p = pair_new();
    pair_handshake(p);
    leat_conn *server = pair_conn(p, PAIR_SERVER);
    leat_path_state *path = server->paths.active;
    path->is_validated = false;
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "01");
    path->bytes_received = 1000;
    path->bytes_sent = 3000 - 20;
    p->now += LEAT_SECOND;
    leat_conn_handle_timer(server, p->now);
    pair_flush(p, PAIR_SERVER);
    ck_assert_uint_gt(leat_conn_get_timer(server), p->now);
    ck_assert_uint_eq(path->bytes_sent, 3000 - 20);
    path->is_validated = true;
    pair_free(p);
}
END_TEST

/* At its new address the client is not heard again, and gets nothing. */
static bool count_and_drop_at_new_port(void *user, pair *p, pair_side from,
                                       pair_datagram *datagram) {
    unsigned *count = user;
    (void)p;
    bool is_new = from == PAIR_SERVER && datagram->path.local.port == 2000;
    *count += is_new;
    return !is_new;
}

/* TEST RFC 9000 §8.1: one small packet from a new address pays for a second challenge, though data
 * waits. */
START_TEST(data_does_not_take_the_place_of_another_challenge) {
    pair *p = pair_new();
    uint8_t packet[100];
    char text[1000] = {0};
    unsigned count = 0;
    memset(text, 'x', sizeof text - 1);
    pair_handshake(p);
    p->link.filter = count_and_drop_at_new_port;
    p->link.filter_user = &count;
    leat_path path = {p->ends[PAIR_SERVER].address, p->ends[PAIR_CLIENT].address};
    path.remote.port = 2000;
    size_t length = pair_raw_build(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION,
                                   test_hex("01 00 00 00 00 00 00 00 00 00 00 00"), packet,
                                   sizeof packet, NULL);
    leat_conn_receive_datagram(pair_conn(p, PAIR_SERVER), packet, length, 0, &path, 0, p->now);
    pair_send_text(p, PAIR_SERVER, true, text, false);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_ge(count, 2);
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/amplification", a_handshake_stays_below_the_limit,
               a_silent_client_is_not_flooded,
               a_close_stays_below_the_limit, a_moved_client_stays_below_the_limit,
                   small_client_initials_are_dropped,
               initials_are_padded, no_datagram_is_larger_than_configured,
                   a_batch_has_equal_datagrams, no_timer_waits_for_what_the_limit_forbids,
               data_does_not_take_the_place_of_another_challenge)
