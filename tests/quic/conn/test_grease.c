/* Grease: RFC 9287; reserved transport parameters, RFC 9000 §18.1, and versions, RFC 9368 §3. */
#include "../pair.h"

/* What the fixed bits of a side's packets were: [0] of cleared ones, [1] of set ones, per type. */
typedef struct bits {
    unsigned counts[2][LEAT_PACKET_TYPE_COUNT][2];
} bits;

static bool note_bits(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    bits *it = user;
    leat_packet_header header;
    leat_span rest = {datagram->bytes, datagram->length};
    (void)p;
    while (rest.length > 0 && leat_packet_header_parse(&header, rest, 8) == LEAT_DROP_NONE) {
        it->counts[from][header.type][leat_packet_has_fixed_bit(&header)]++;
        rest.data += header.length;
        rest.length -= header.length;
    }
    return true;
}

static pair *talk(bits *it, bool client_greases, bool server_greases) {
    uint8_t data[20000] = {0};
    pair *p = pair_new();
    *it = (bits){{{{0}}}};
    p->ends[PAIR_CLIENT].config.grease = client_greases;
    p->ends[PAIR_SERVER].config.grease = server_greases;
    p->link.filter = note_bits;
    p->link.filter_user = it;
    pair_handshake(p);
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        uint64_t id;
        ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, side), false, &id), 0);
        pair_send_all(p, side, id, data, sizeof data, true);
    }
    pair_settle(p);
    return p;
}

/* TEST RFC 9287 §3.1 */
START_TEST(the_fixed_bit_is_random_where_both_agree) {
    bits it;
    pair *p = talk(&it, true, true);
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        ck_assert_uint_gt(it.counts[side][LEAT_PACKET_ONE_RTT][0], 0);
        ck_assert_uint_gt(it.counts[side][LEAT_PACKET_ONE_RTT][1], 0);
        ck_assert_uint_eq(pair_conn(p, side)->receive.dropped, 0);
    }
    pair_free(p);
}
END_TEST

/* TEST RFC 9287 §3.1: before the server's transport parameters are known a client must not. */
START_TEST(a_clients_first_flight_has_the_fixed_bit) {
    for (uint64_t seed = 1; seed < 20; seed++) {
        bits it = {{{{0}}}};
        pair *p = pair_new();
        p->seed = seed;
        p->link.filter = note_bits;
        p->link.filter_user = &it;
        pair_start(p);
        p->link.black_hole[PAIR_CLIENT] = true;
        pair_run_for(p, LEAT_SECOND);
        ck_assert_uint_gt(it.counts[PAIR_CLIENT][LEAT_PACKET_INITIAL][1], 0);
        ck_assert_uint_eq(it.counts[PAIR_CLIENT][LEAT_PACKET_INITIAL][0], 0);
        pair_free(p);
    }
}
END_TEST

/* TEST RFC 9287 §3.1: one that said nothing gets the bit, and has it. */
START_TEST(the_fixed_bit_stays_for_a_peer_that_did_not_agree) {
    for (int greases = 0; greases < 2; greases++) {
        bits it;
        pair *p = talk(&it, greases == 0, greases == 1);
        for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
            for (int type = 0; type < LEAT_PACKET_TYPE_COUNT; type++) {
                ck_assert_uint_eq(it.counts[side][type][0], 0);
            }
        }
        pair_free(p);
    }
}
END_TEST

static void clear_fixed_bit(uint8_t *packet) { packet[0] &= (uint8_t)~0x40; }

static void check_cleared_bit(bool greases, unsigned dropped) {
    uint8_t packet[200];
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.grease = greases;
    pair_handshake(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    uint64_t before = client->receive.dropped;
    size_t length = pair_raw_build(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, test_hex("01 00 00 00"),
                                   packet, sizeof packet, clear_fixed_bit);
    pair_deliver(p, PAIR_CLIENT, packet, length);
    ck_assert_uint_eq(client->receive.dropped, before + dropped);
    pair_free(p);
}

/* TEST RFC 9287 §3 */
START_TEST(a_packet_without_the_fixed_bit_is_taken_by_who_said_so) { check_cleared_bit(true, 0); }
END_TEST

/* TEST RFC 9000 §17.2-1, §17.3.1-1 */
START_TEST(a_packet_without_the_fixed_bit_is_dropped_otherwise) { check_cleared_bit(false, 1); }
END_TEST

/* TEST RFC 9287 §3: it has no value. */
START_TEST(a_grease_quic_bit_with_a_value_is_an_error) {
    leat_transport_params params;
    ck_assert_ptr_null(leat_transport_params_parse(&params, test_hex("6ab2 00"), true));
    ck_assert(leat_transport_params_has(&params, LEAT_TP_GREASE_QUIC_BIT));
    ck_assert_str_eq(leat_transport_params_parse(&params, test_hex("6ab2 01 00"), true),
                     "grease_quic_bit");
}
END_TEST

/* The reserved parameters of what a fresh client would write. */
static size_t write_parameter(uint64_t seed, bool greases, uint8_t out[64]) {
    pair *p = pair_new();
    p->seed = seed;
    p->ends[PAIR_CLIENT].config.grease = greases;
    pair_start(p);
    leat_writer writer = leat_writer_make(out, 64);
    leat_grease_write_parameter(pair_conn(p, PAIR_CLIENT), &writer);
    pair_free(p);
    return leat_writer_length(&writer);
}

/* TEST RFC 9000 §18.1 */
START_TEST(a_reserved_transport_parameter_is_sent) {
    size_t lengths = 0;
    for (uint64_t seed = 1; seed < 30; seed++) {
        uint8_t bytes[64];
        leat_reader reader = leat_reader_make(bytes, write_parameter(seed, true, bytes));
        ck_assert_uint_eq(leat_read_varint(&reader) % 31, 27);
        lengths |= (size_t)1 << leat_read_vector_varint(&reader).length;
        ck_assert(leat_reader_at_end(&reader));
    }
    ck_assert_uint_ne(lengths & (lengths - 1), 0);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_grease) {
    uint8_t a[64], b[64];
    size_t length = write_parameter(7, true, a);
    ck_assert_uint_eq(write_parameter(7, true, b), length);
    ck_assert_mem_eq(a, b, length);
}
END_TEST

START_TEST(without_grease_nothing_is_reserved) {
    uint8_t bytes[64];
    ck_assert_uint_eq(write_parameter(1, false, bytes), 0);
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.grease = false;
    pair_start(p);
    ck_assert_uint_eq(leat_version_encode_information(pair_conn(p, PAIR_CLIENT)).length, 12);
    pair_free(p);
}
END_TEST

/* TEST RFC 9368 §3 */
START_TEST(a_reserved_version_is_among_the_available_ones) {
    pair *p = pair_new();
    unsigned places = 0;
    pair_start(p);
    for (unsigned i = 0; i < 100; i++) {
        leat_span value = leat_version_encode_information(pair_conn(p, PAIR_CLIENT));
        leat_reader reader = leat_reader_of(value);
        ck_assert_uint_eq(value.length, 16);
        ck_assert_uint_eq(leat_read_u32(&reader), LEAT_VERSION_1);
        for (unsigned place = 0; leat_reader_left(&reader) > 0; place++) {
            places |= leat_version_is_reserved(leat_read_u32(&reader)) ? 1u << place : 0;
        }
    }
    ck_assert_uint_eq(places, 7);
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/grease", the_fixed_bit_is_random_where_both_agree,
               a_clients_first_flight_has_the_fixed_bit,
               the_fixed_bit_stays_for_a_peer_that_did_not_agree,
               a_packet_without_the_fixed_bit_is_taken_by_who_said_so,
               a_packet_without_the_fixed_bit_is_dropped_otherwise,
               a_grease_quic_bit_with_a_value_is_an_error, a_reserved_transport_parameter_is_sent,
               the_same_seed_gives_the_same_grease, without_grease_nothing_is_reserved,
               a_reserved_version_is_among_the_available_ones)
