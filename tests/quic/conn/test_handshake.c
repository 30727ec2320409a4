/* The handshake between two connections: RFC 9000 §7, RFC 9001 §4. */
#include "../pair.h"

START_TEST(handshake_completes_and_is_confirmed_on_both_sides) {
    pair *p = pair_new();
    pair_handshake(p);
    ck_assert_str_eq(leat_conn_alpn(pair_conn(p, PAIR_CLIENT)), "test");
    ck_assert_str_eq(leat_conn_alpn(pair_conn(p, PAIR_SERVER)), "test");
    ck_assert_str_eq(leat_conn_server_name(pair_conn(p, PAIR_SERVER)), "localhost");
    ck_assert_uint_gt(leat_conn_peer_certificate(pair_conn(p, PAIR_CLIENT), 0).length, 0);
    pair_free(p);
}
END_TEST

START_TEST(a_stream_is_echoed) {
    pair *p = pair_new();
    pair_handshake(p);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, false, "hello", true);
    pair_settle(p);
    pair_stream *there = pair_stream_of(p, PAIR_SERVER, id);
    ck_assert_str_eq((char *)there->bytes, "hello");
    ck_assert(there->ended);
    pair_send_all(p, PAIR_SERVER, id, there->bytes, there->length, true);
    pair_settle(p);
    ck_assert_str_eq((char *)pair_stream_of(p, PAIR_CLIENT, id)->bytes, "hello");
    ck_assert(pair_stream_of(p, PAIR_CLIENT, id)->ended);
    pair_free(p);
}
END_TEST

START_TEST(a_datagram_arrives) {
    pair *p = pair_new();
    pair_handshake(p);
    const leat_span part = {(const uint8_t *)"quack", 5};
    ck_assert_int_eq(leat_conn_send_datagram_frame(pair_conn(p, PAIR_CLIENT), &part, 1, 7), 0);
    pair_settle(p);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_DATAGRAM_FRAME_RECEIVED], 1);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_DATAGRAM_FRAME_FATE], 1);
    pair_free(p);
}
END_TEST

/* ---- a ClientHello in pieces: attacks A27, A28 ----------------------------------------------- */

typedef struct hello {
    uint8_t bytes[4000];
    size_t length;
} hello;

/* One that fits a packet, whatever groups libcrypto has. */
static pair *client_with_hello(hello *h) {
    static const uint16_t x25519 = 0x001d;
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.groups = &x25519;
    p->ends[PAIR_CLIENT].config.group_count = 1;
    pair_start(p);
    const leat_send_buffer *crypto =
        &pair_conn(p, PAIR_CLIENT)->spaces[LEAT_SPACE_INITIAL]->crypto_send;
    h->length = (size_t)crypto->end;
    ck_assert_uint_lt(h->length, sizeof h->bytes);
    leat_send_buffer_copy(crypto, 0, h->length, h->bytes);
    return p;
}

static void put_piece(leat_writer *frames, const hello *h, size_t from, size_t to) {
    leat_write_u8(frames, 0x06);
    leat_write_varint(frames, from);
    leat_write_varint(frames, to - from);
    leat_write_bytes(frames, h->bytes + from, to - from);
    ck_assert(!frames->failed);
}

static size_t build_piece(pair *p, const hello *h, size_t from, size_t to, uint8_t *out,
                          size_t room) {
    uint8_t bytes[1300];
    leat_writer frames = leat_writer_make(bytes, sizeof bytes);
    put_piece(&frames, h, from, to);
    const leat_span written = {bytes, leat_writer_length(&frames)};
    return pair_raw_build(p, PAIR_CLIENT, LEAT_SPACE_INITIAL, written, out, room, NULL);
}

static void check_understood(pair *p) {
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_PROTOCOL_NEGOTIATED], 1);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)));
    pair_free(p);
}

START_TEST(a_hello_split_in_one_packet_is_understood) {
    hello h;
    pair *p = client_with_hello(&h);
    uint8_t bytes[1300];
    leat_writer frames = leat_writer_make(bytes, sizeof bytes);
    size_t third = h.length / 3;
    put_piece(&frames, &h, third, 2 * third);
    put_piece(&frames, &h, 0, third);
    put_piece(&frames, &h, 2 * third, h.length);
    pair_raw_bytes(p, PAIR_CLIENT, LEAT_SPACE_INITIAL,
                   (leat_span){bytes, leat_writer_length(&frames)});
    check_understood(p);
}
END_TEST

/* TEST RFC 9000 §12.2: the second Initial of a datagram counts like the first. */
START_TEST(a_hello_split_over_coalesced_packets_is_understood) {
    hello h;
    pair *p = client_with_hello(&h);
    uint8_t datagram[3000];
    size_t first = build_piece(p, &h, 0, h.length / 2, datagram, 1400);
    size_t second = build_piece(p, &h, h.length / 2, h.length, datagram + first, 1400);
    pair_deliver(p, PAIR_SERVER, datagram, first + second);
    check_understood(p);
}
END_TEST

START_TEST(a_hello_split_over_datagrams_in_any_order_is_understood) {
    hello h;
    pair *p = client_with_hello(&h);
    uint8_t there[1500], back[1500];
    size_t first = build_piece(p, &h, h.length / 2, h.length, there, 1400);
    size_t second = build_piece(p, &h, 0, h.length / 2, back, 1400);
    pair_deliver(p, PAIR_SERVER, there, first);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_PROTOCOL_NEGOTIATED], 0);
    pair_deliver(p, PAIR_SERVER, back, second);
    check_understood(p);
}
END_TEST

/* Every byte in a frame of its own, the last ones first, some twice. */
START_TEST(a_hello_in_single_bytes_backwards_is_understood) {
    hello h;
    pair *p = client_with_hello(&h);
    for (size_t end = h.length; end > 0;) {
        uint8_t bytes[1150];
        leat_writer frames = leat_writer_make(bytes, sizeof bytes);
        while (end > 0 && leat_writer_room(&frames) > 16) {
            end--;
            put_piece(&frames, &h, end, end + 1);
            if (end % 7 == 0) {
                put_piece(&frames, &h, end, end + 1);
            }
        }
        pair_raw_bytes(p, PAIR_CLIENT, LEAT_SPACE_INITIAL,
                       (leat_span){bytes, leat_writer_length(&frames)});
    }
    check_understood(p);
}
END_TEST

/* TEST RFC 9000 §13.3: HANDSHAKE_DONE is sent until it is acknowledged. */
START_TEST(handshake_done_is_repeated_when_lost) {
    pair *p = pair_new();
    pair_start(p);
    while (p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_HANDSHAKE_COMPLETED] == 0) {
        ck_assert(pair_step(p, p->now + LEAT_SECOND));
    }
    p->link.black_hole[PAIR_CLIENT] = true;
    pair_flush(p, PAIR_SERVER);
    p->link.black_hole[PAIR_CLIENT] = false;
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_HANDSHAKE_CONFIRMED], 0);
    pair_run_for(p, 2 * LEAT_SECOND);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_HANDSHAKE_CONFIRMED], 1);
    /* And a second one changes nothing. */
    pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, "1e 1e");
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_HANDSHAKE_CONFIRMED], 1);
    pair_free(p);
}
END_TEST

/* Attack B21: frames behind the CRYPTO that completes the handshake still find their space. */
/* TEST RFC 9002 §6.2.3: a client that repeats Handshake packets missed HANDSHAKE_DONE; forged ones
 * soon get nothing. */
START_TEST(late_handshake_packets_get_handshake_done_again_a_few_times) {
    pair *p = pair_new();
    pair_handshake(p);
    leat_conn *server = pair_conn(p, PAIR_SERVER);
    const leat_cid *to = leat_cids_first_local(server);
    leat_cid from = *leat_cids_first_local(pair_conn(p, PAIR_CLIENT));
    const leat_path path = {p->ends[PAIR_SERVER].address, p->ends[PAIR_CLIENT].address};
    size_t before = p->ends[PAIR_SERVER].datagrams_out;
    for (unsigned i = 0; i < 20; i++) {
        uint8_t packet[128] = {0xe0, 0, 0, 0, 1, to->length};
        size_t length = 6;
        memcpy(packet + length, to->bytes, to->length);
        length += to->length;
        packet[length++] = from.length;
        memcpy(packet + length, from.bytes, from.length);
        length += from.length;
        packet[length] = 32;
        leat_conn_receive_datagram(server, packet, length + 33, 0, &path, 0, p->now);
        pair_flush(p, PAIR_SERVER);
    }
    ck_assert_uint_eq(p->ends[PAIR_SERVER].datagrams_out - before, 4);
    pair_free(p);
}
END_TEST

START_TEST(frames_behind_the_finished_message_are_survived) {
    pair *p = pair_new();
    uint8_t bytes[1200], message[1000];
    pair_start(p);
    while (p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_HANDSHAKE_COMPLETED] == 0) {
        ck_assert(pair_step(p, p->now + LEAT_SECOND));
    }
    const leat_send_buffer *crypto =
        &pair_conn(p, PAIR_CLIENT)->spaces[LEAT_SPACE_HANDSHAKE]->crypto_send;
    size_t length = (size_t)crypto->end;
    ck_assert_uint_lt(length, sizeof message);
    leat_send_buffer_copy(crypto, 0, length, message);
    leat_writer frames = leat_writer_make(bytes, sizeof bytes);
    leat_write_u8(&frames, 0x06);
    leat_write_varint(&frames, 0);
    leat_write_varint(&frames, length);
    leat_write_bytes(&frames, message, length);
    leat_span behind = test_hex("02 00 00 00 00 06 00 00 01 00");
    leat_write_bytes(&frames, behind.data, behind.length);
    pair_raw_bytes(p, PAIR_CLIENT, LEAT_SPACE_HANDSHAKE,
                   (leat_span){bytes, leat_writer_length(&frames)});
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_HANDSHAKE_CONFIRMED], 1);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)));
    ck_assert_ptr_null(pair_conn(p, PAIR_SERVER)->spaces[LEAT_SPACE_HANDSHAKE]);
    pair_free(p);
}
END_TEST

/* RFC 9000 §7.2: the server's ID does not change once it is known; later Initials with another are
 * dropped. */
START_TEST(the_servers_id_does_not_change_in_the_handshake) {
    pair *p = pair_new();
    uint8_t packet[1500];
    pair_start(p);
    pair_flush(p, PAIR_CLIENT);
    while (p->ends[PAIR_CLIENT].datagrams_in == 0) {
        ck_assert(pair_step(p, p->now + LEAT_SECOND));
    }
    leat_conn *server = pair_conn(p, PAIR_SERVER);
    ck_assert_ptr_nonnull(server->spaces[LEAT_SPACE_HANDSHAKE]);
    leat_cid before = server->cids.local[0].cid;
    server->cids.local[0].cid.bytes[0] ^= 1;
    uint64_t packets = pair_conn(p, PAIR_CLIENT)->receive.packets;
    size_t length = pair_raw_build(p, PAIR_SERVER, LEAT_SPACE_HANDSHAKE, test_hex("01 01 01 01"),
                                   packet, sizeof packet, NULL);
    pair_deliver(p, PAIR_CLIENT, packet, length);
    ck_assert_uint_eq(pair_conn(p, PAIR_CLIENT)->receive.packets, packets);
    server->cids.local[0].cid = before;
    pair_free(p);
}
END_TEST

static bool lose_first_two_of_client(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    (void)user;
    (void)datagram;
    return from == PAIR_SERVER || p->ends[PAIR_CLIENT].datagrams_out > 2;
}

/* TEST RFC 9002 §6.2.4: the ClientHello and its first repetition are lost. */
START_TEST(the_second_probe_carries_the_hello_too) {
    hello h;
    pair *p = client_with_hello(&h);
    p->link.filter = lose_first_two_of_client;
    while (p->ends[PAIR_CLIENT].datagrams_in == 0) {
        ck_assert(pair_step(p, p->now + 2 * LEAT_SECOND));
    }
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].datagrams_out, 3);
    check_understood(p);
}
END_TEST

START_TEST(a_client_may_offer_only_one_cipher_suite) {
    static const uint16_t chacha20 = 0x1303;
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.cipher_suites = &chacha20;
    p->ends[PAIR_CLIENT].config.cipher_suite_count = 1;
    pair_handshake(p);
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        const char *suite = leat_conn_cipher_suite(pair_conn(p, side));
        ck_assert_str_eq(suite, "TLS_CHACHA20_POLY1305_SHA256");
    }
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/handshake", handshake_completes_and_is_confirmed_on_both_sides,
               a_stream_is_echoed, a_datagram_arrives, a_hello_split_in_one_packet_is_understood,
               a_hello_split_over_coalesced_packets_is_understood,
               a_hello_split_over_datagrams_in_any_order_is_understood,
               a_hello_in_single_bytes_backwards_is_understood,
                   handshake_done_is_repeated_when_lost,
               late_handshake_packets_get_handshake_done_again_a_few_times,
               frames_behind_the_finished_message_are_survived,
               the_second_probe_carries_the_hello_too, a_client_may_offer_only_one_cipher_suite,
               the_servers_id_does_not_change_in_the_handshake)
