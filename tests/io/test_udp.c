/* UDP sockets over loopback, the batched way and the plain one. */
#include "leat_test.h"

#include "io/loop.h"
#include "io/udp.h"
#include "io/udp_impl.h"

#include <leat/io.h>

static const leat_udp_mode modes[] = {LEAT_UDP_BEST, LEAT_UDP_PLAIN};
static char message[LEAT_MESSAGE_MAX];

typedef struct inbox {
    size_t count, datagrams, bytes;
    leat_udp_received last;
    uint8_t data[LEAT_UDP_BUFFER];
} inbox;
static inbox received;

static void on_datagram(void *user, const leat_udp_received *datagram) {
    inbox *box = user;
    size_t segment = datagram->segment_size == 0 ? datagram->length : datagram->segment_size;
    box->count++;
    box->datagrams += (datagram->length + segment - 1) / segment;
    box->bytes += datagram->length;
    box->last = *datagram;
    memcpy(box->data, datagram->data, datagram->length);
}

static leat_address loopback(uint8_t family) {
    leat_address address = {.family = family};
    if (family == LEAT_ADDRESS_IPV4) {
        memcpy(address.ip, "\x7f\0\0\1", 4);
    } else {
        address.ip[15] = 1;
    }
    return address;
}

static leat_udp *open_at(const leat_address *local, const leat_address *remote,
                         leat_udp_mode mode) {
    leat_udp *udp = leat_udp_open(local, remote, mode, message);
    ck_assert_msg(udp != NULL, "%s", message);
    return udp;
}

/* Waits until `bytes` have come, or a second has passed. */
static void receive_bytes(leat_udp *udp, size_t bytes) {
    leat_time end = leat_clock_now() + LEAT_SECOND;
    memset(&received, 0, sizeof received);
    while (received.bytes < bytes && leat_clock_now() < end) {
        leat_udp_receive(udp, on_datagram, &received);
    }
}

static void exchange(uint8_t family, leat_udp_mode mode) {
    leat_address any = {.family = family}, local = loopback(family);
    leat_udp *server = open_at(&any, NULL, mode);
    leat_address target = local;
    target.port = leat_udp_local(server)->port;
    leat_udp *client = open_at(&any, &target, mode);
    leat_transmit transmit = {.path = {.local = *leat_udp_local(client), .remote = target},
                              .segment_size = 5,
                              .ecn = LEAT_ECN_ECT0};
    leat_udp_send(client, (const uint8_t *)"hello", 5, &transmit);
    receive_bytes(server, 5);
    ck_assert_uint_eq(received.bytes, 5);
    ck_assert_mem_eq(received.data, "hello", 5);
    ck_assert_uint_eq(received.last.segment_size, 0);
    ck_assert_uint_eq(received.last.ecn, LEAT_ECN_ECT0);
    /* The address it was sent to, though the socket is bound to all. */
    ck_assert(leat_address_equal(&received.last.path.local, &target));
    ck_assert(leat_address_equal(&received.last.path.remote, leat_udp_local(client)));
    /* And back along the same path. */
    transmit = (leat_transmit){.path = received.last.path, .segment_size = 2};
    leat_udp_send(server, (const uint8_t *)"ok", 2, &transmit);
    receive_bytes(client, 2);
    ck_assert_mem_eq(received.data, "ok", 2);
    ck_assert_uint_eq(received.last.ecn, LEAT_ECN_NOT_ECT);
    ck_assert(leat_address_equal(&received.last.path.remote, &target));
    ck_assert(leat_address_equal(&received.last.path.local, leat_udp_local(client)));
    leat_udp_close(client);
    leat_udp_close(server);
}

START_TEST(datagrams_go_there_and_back_with_addresses_and_marks) {
    for (size_t i = 0; i < 2; i++) {
        exchange(LEAT_ADDRESS_IPV4, modes[i]);
    }
}
END_TEST

START_TEST(ipv6_does_the_same) {
    leat_address address = loopback(LEAT_ADDRESS_IPV6);
    leat_udp *probe = leat_udp_open(&address, NULL, LEAT_UDP_PLAIN, message);
    if (probe == NULL) {
        return; /* a system without IPv6 */
    }
    leat_udp_close(probe);
    for (size_t i = 0; i < 2; i++) {
        exchange(LEAT_ADDRESS_IPV6, modes[i]);
    }
}
END_TEST

/*
 * A train of equal datagrams and a shorter last one arrives whole, however the two sides move it.
 */
START_TEST(a_train_arrives_whole_in_each_combination) {
    static uint8_t train[60 * 1000 + 7];
    for (size_t i = 0; i < sizeof train; i++) {
        train[i] = (uint8_t)(i / 1000);
    }
    for (size_t from = 0; from < 2; from++) {
        for (size_t to = 0; to < 2; to++) {
            leat_address local = loopback(LEAT_ADDRESS_IPV4);
            leat_udp *server = open_at(&local, NULL, modes[to]),
                     *client = open_at(&local, NULL, modes[from]);
            leat_transmit transmit = {.path = {*leat_udp_local(client), *leat_udp_local(server)},
                                      .segment_size = 1000, .ecn = LEAT_ECN_ECT0};
            leat_udp_send(client, train, sizeof train, &transmit);
            ck_assert(!leat_udp_is_blocked(client));
            receive_bytes(server, sizeof train);
            ck_assert_uint_eq(received.bytes, sizeof train);
            ck_assert_uint_eq(received.datagrams, 61);
            ck_assert_uint_eq(received.last.ecn, LEAT_ECN_ECT0);
            leat_udp_close(client);
            leat_udp_close(server);
        }
    }
}
END_TEST

/* Without GSO the batched way sends the same datagrams by sendmmsg. */
START_TEST(a_train_arrives_without_gso_too) {
    static uint8_t train[150 * 400];
    leat_address local = loopback(LEAT_ADDRESS_IPV4);
    leat_udp *server = open_at(&local, NULL, LEAT_UDP_BEST),
             *client = open_at(&local, NULL, LEAT_UDP_BEST);
    client->has_gso = false;
    leat_transmit transmit = {.path = {*leat_udp_local(client), *leat_udp_local(server)},
                              .segment_size = 400, .ecn = LEAT_ECN_ECT0};
    leat_udp_send(client, train, sizeof train, &transmit);
    receive_bytes(server, sizeof train);
    ck_assert_uint_eq(received.bytes, sizeof train);
    ck_assert_uint_eq(received.datagrams, 150);
    ck_assert_uint_eq(received.last.ecn, LEAT_ECN_ECT0);
    leat_udp_close(client);
    leat_udp_close(server);
}
END_TEST

static size_t times_full;
/* Takes one datagram, then is full as often as times_full says. */
static size_t send_slowly(leat_udp *udp, const uint8_t *bytes, size_t length,
                          const leat_transmit *transmit) {
    if (times_full > 0) {
        times_full--;
        return 0;
    }
    size_t size = length < transmit->segment_size ? length : transmit->segment_size;
    return leat_udp_send_plain(udp, bytes, size, transmit);
}

START_TEST(what_the_socket_does_not_take_is_kept_and_flushed) {
    leat_address local = loopback(LEAT_ADDRESS_IPV4);
    leat_udp *server = open_at(&local, NULL, LEAT_UDP_PLAIN),
             *client = open_at(&local, NULL, LEAT_UDP_PLAIN);
    leat_transmit transmit = {.path = {*leat_udp_local(client), *leat_udp_local(server)},
                              .segment_size = 4};
    uint8_t bytes[] = "aaaabbbbccc";
    client->send = send_slowly;
    times_full = 0;
    leat_udp_send(client, bytes, 11, &transmit);
    ck_assert(leat_udp_is_blocked(client));
    memset(bytes, 0, sizeof bytes); /* the caller's buffer is free again */
    times_full = 1;
    leat_udp_flush(client);
    leat_udp_flush(client);
    ck_assert(leat_udp_is_blocked(client));
    leat_udp_flush(client);
    ck_assert(!leat_udp_is_blocked(client));
    receive_bytes(server, 11);
    ck_assert_uint_eq(received.datagrams, 3);
    ck_assert_mem_eq(received.data, "ccc", 3);
    leat_udp_close(client);
    leat_udp_close(server);
}
END_TEST

/* Attacks A30 and A31. */
START_TEST(errors_of_the_network_lose_datagrams_and_nothing_else) {
    for (size_t i = 0; i < 2; i++) {
        leat_address local = loopback(LEAT_ADDRESS_IPV4);
        leat_udp *gone = open_at(&local, NULL, LEAT_UDP_PLAIN);
        leat_address nobody = *leat_udp_local(gone);
        leat_udp_close(gone);
        leat_udp *client = open_at(&local, &nobody, modes[i]);
        leat_transmit transmit = {.path = {*leat_udp_local(client), nobody}, .segment_size = 1};
        for (int j = 0; j < 10; j++) {
            leat_udp_send(client, (const uint8_t *)"x", 1, &transmit);
            ck_assert(!leat_udp_is_blocked(client));
        }
        leat_udp_receive(client, on_datagram, &received);
        ck_assert(leat_udp_was_refused(client));
        ck_assert(!leat_udp_was_refused(client));
        /* Too large for any interface: lost. */
        static uint8_t large[LEAT_UDP_TRAIN_MAX + 1];
        transmit.segment_size = sizeof large;
        leat_udp *other = open_at(&local, NULL, modes[i]);
        transmit.path.remote.port = nobody.port;
        ck_assert(!leat_udp_was_too_large(other));
        leat_udp_send(other, large, sizeof large, &transmit);
        ck_assert(!leat_udp_is_blocked(other));
        ck_assert(leat_udp_was_too_large(other));
        transmit.segment_size = 1;
        leat_udp_send(other, large, 1, &transmit);
        ck_assert(!leat_udp_was_too_large(other));
        leat_udp_close(other);
        leat_udp_close(client);
    }
}
END_TEST

START_TEST(a_port_in_use_is_named) {
    leat_address local = loopback(LEAT_ADDRESS_IPV4);
    leat_udp *first = open_at(&local, NULL, LEAT_UDP_BEST);
    local.port = leat_udp_local(first)->port;
    ck_assert_ptr_null(leat_udp_open(&local, NULL, LEAT_UDP_BEST, message));
    char port[32];
    snprintf(port, sizeof port, "port %u is in use", (unsigned)local.port);
    ck_assert_msg(strstr(message, port) != NULL, "%s", message);
    leat_udp_close(first);
}
END_TEST

LEAT_TEST_MAIN("io udp", datagrams_go_there_and_back_with_addresses_and_marks, ipv6_does_the_same,
               a_train_arrives_whole_in_each_combination, a_train_arrives_without_gso_too,
               what_the_socket_does_not_take_is_kept_and_flushed,
               errors_of_the_network_lose_datagrams_and_nothing_else, a_port_in_use_is_named)
