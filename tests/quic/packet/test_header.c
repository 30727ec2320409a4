/* Packet headers: quic/packet/header.c. */
#include "leat_test.h"
#include "quic/packet/header.h"

#define INITIAL                                                                                    \
    "c0 00000001 04 d1d2d3d4 02 5152 03 aabbcc 4016 0102030405060708090a0b0c0d0e0f10111213141516"
#define HANDSHAKE           "e0 00000001 04 d1d2d3d4 02 5152 05 0102030405"
#define ZERO_RTT            "d0 00000001 04 d1d2d3d4 02 5152 05 0102030405"
#define RETRY               "f0 00000001 04 d1d2d3d4 02 5152 746f6b656e 000102030405060708090a0b0c0d0e0f"
#define VERSION_NEGOTIATION "80 00000000 04 d1d2d3d4 02 5152 00000001 6b3343cf"

static leat_drop parse(const char *hex, leat_packet_header *header) {
    return leat_packet_header_parse(header, test_hex(hex), 4);
}

/* Parses a copy that ends where its memory ends, so that sanitizers see any read beyond. */
static leat_drop parse_exactly(leat_span bytes, leat_packet_header *header) {
    uint8_t *copy = malloc(bytes.length + (bytes.length == 0));
    memcpy(copy, bytes.data, bytes.length);
    leat_span dcid;
    leat_packet_dcid((leat_span){copy, bytes.length}, 4, &dcid);
    leat_drop drop = leat_packet_header_parse(header, (leat_span){copy, bytes.length}, 4);
    free(copy);
    return drop;
}

static void assert_span(leat_span span, const char *hex) {
    ck_assert_bytes(span.data, span.length, hex);
}

START_TEST(an_initial_shows_its_fields) {
    leat_packet_header header;
    ck_assert_int_eq(parse(INITIAL, &header), LEAT_DROP_NONE);
    ck_assert_int_eq(header.type, LEAT_PACKET_INITIAL);
    ck_assert_uint_eq(header.version, LEAT_VERSION_1);
    assert_span(header.dcid, "d1d2d3d4");
    assert_span(header.scid, "5152");
    assert_span(header.token, "aabbcc");
    ck_assert_uint_eq(header.pn_offset, 19);
    ck_assert_uint_eq(header.length, 19 + 22);
}
END_TEST

START_TEST(handshake_and_0rtt_have_no_token) {
    leat_packet_header header;
    ck_assert_int_eq(parse(HANDSHAKE, &header), LEAT_DROP_NONE);
    ck_assert_int_eq(header.type, LEAT_PACKET_HANDSHAKE);
    ck_assert_uint_eq(header.token.length, 0);
    ck_assert_uint_eq(header.pn_offset, 14);
    ck_assert_int_eq(parse(ZERO_RTT, &header), LEAT_DROP_NONE);
    ck_assert_int_eq(header.type, LEAT_PACKET_ZERO_RTT);
}
END_TEST

START_TEST(a_short_header_takes_the_length_of_our_connection_ids) {
    leat_packet_header header;
    ck_assert_int_eq(parse("40 d1d2d3d4 01020304", &header), LEAT_DROP_NONE);
    ck_assert_int_eq(header.type, LEAT_PACKET_ONE_RTT);
    ck_assert_uint_eq(header.version, 0);
    assert_span(header.dcid, "d1d2d3d4");
    ck_assert_uint_eq(header.pn_offset, 5);
    ck_assert_uint_eq(header.length, 9);
    ck_assert_int_eq(leat_packet_header_parse(&header, test_hex("40 0102"), 0), LEAT_DROP_NONE);
    ck_assert_uint_eq(header.pn_offset, 1);
}
END_TEST

START_TEST(a_retry_gives_its_token_without_the_tag) {
    leat_packet_header header;
    ck_assert_int_eq(parse(RETRY, &header), LEAT_DROP_NONE);
    ck_assert_int_eq(header.type, LEAT_PACKET_RETRY);
    assert_span(header.token, "746f6b656e");
    ck_assert_uint_eq(header.length, test_hex(RETRY).length);
}
END_TEST

START_TEST(version_negotiation_gives_its_list) {
    leat_packet_header header;
    ck_assert_int_eq(parse(VERSION_NEGOTIATION, &header), LEAT_DROP_NONE);
    ck_assert_int_eq(header.type, LEAT_PACKET_VERSION_NEGOTIATION);
    assert_span(header.versions, "00000001 6b3343cf");
}
END_TEST

/* TEST RFC 9000 §17.2.1-1: the unused bits, the fixed bit among them, are ignored. */
START_TEST(version_negotiation_ignores_the_unused_bits) {
    leat_packet_header header;
    ck_assert_int_eq(parse("ff 00000000 00 00 00000001", &header), LEAT_DROP_NONE);
    ck_assert_int_eq(parse("80 00000000 00 00 00000001", &header), LEAT_DROP_NONE);
}
END_TEST

/* TEST RFC 8999 §6: a list that is empty or cut is ignored. */
START_TEST(version_negotiation_needs_a_whole_list) {
    leat_packet_header header;
    ck_assert_int_eq(parse("80 00000000 00 00", &header), LEAT_DROP_LENGTH);
    ck_assert_int_eq(parse("80 00000000 00 00 000000", &header), LEAT_DROP_LENGTH);
    ck_assert_int_eq(parse("80 00000000 00 00 00000001 00", &header), LEAT_DROP_LENGTH);
}
END_TEST

/* TEST RFC 9000 §17.2-4, §17.2-7: longer connection IDs of other versions are read, to be echoed.
 */
START_TEST(an_unknown_version_shows_connection_ids_of_any_length) {
    uint8_t packet[600] = {0x80, 0xfa, 0xce, 0xb0, 0x0c, 255};
    packet[6 + 255] = 21;
    leat_packet_header header;
    leat_span bytes = {packet, 6 + 255 + 1 + 21 + 3};
    ck_assert_int_eq(leat_packet_header_parse(&header, bytes, 4), LEAT_DROP_NONE);
    ck_assert_int_eq(header.type, LEAT_PACKET_UNKNOWN_VERSION);
    ck_assert_uint_eq(header.version, 0xfaceb00c);
    ck_assert_uint_eq(header.dcid.length, 255);
    ck_assert_uint_eq(header.scid.length, 21);
    ck_assert_uint_eq(header.length, bytes.length);
}
END_TEST

/* TEST RFC 9000 §17.2-1, §17.3.1-1. */
/* TEST RFC 9287 §3: it parses, for those who agreed to it. */
START_TEST(a_zero_fixed_bit_is_seen) {
    static const char *const packets[] = {"00 d1d2d3d4 01020304", "80 00000001 00 00 00 00",
                                          "b0 00000001 00 00 01 00112233445566778899aabbccddeeff"};
    leat_packet_header header;
    for (size_t i = 0; i < sizeof packets / sizeof packets[0]; i++) {
        ck_assert_int_eq(parse(packets[i], &header), LEAT_DROP_NONE);
        ck_assert(!leat_packet_has_fixed_bit(&header));
    }
    ck_assert_int_eq(parse("40 d1d2d3d4 01020304", &header), LEAT_DROP_NONE);
    ck_assert(leat_packet_has_fixed_bit(&header));
}
END_TEST

/* TEST RFC 8999 §5.1, RFC 9000 §17.2.1: other versions and Version Negotiation have no such bit. */
START_TEST(the_fixed_bit_is_one_of_known_versions) {
    leat_packet_header header;
    ck_assert_int_eq(parse("80 faceb00c 00 00", &header), LEAT_DROP_NONE);
    ck_assert(leat_packet_has_fixed_bit(&header));
    ck_assert_int_eq(parse("80 00000000 00 00 00000001", &header), LEAT_DROP_NONE);
    ck_assert(leat_packet_has_fixed_bit(&header));
}
END_TEST

/* TEST RFC 9369 §3.2: all four types have other bits. */
START_TEST(version_2_has_types_of_its_own) {
    static const leat_packet_type types[] = {LEAT_PACKET_RETRY, LEAT_PACKET_INITIAL,
                                             LEAT_PACKET_ZERO_RTT, LEAT_PACKET_HANDSHAKE};
    uint8_t packet[40] = {0xc0, 0x6b, 0x33, 0x43, 0xcf};
    leat_packet_header header;
    for (uint8_t bits = 0; bits < 4; bits++) {
        packet[0] = (uint8_t)(0xc0 | bits << 4);
        leat_span bytes = {packet, sizeof packet};
        ck_assert_int_eq(leat_packet_header_parse(&header, bytes, 4), LEAT_DROP_NONE);
        ck_assert_int_eq(header.type, types[bits]);
        ck_assert_uint_eq(header.version, LEAT_VERSION_2);
    }
}
END_TEST

/* TEST RFC 9000 §17.2-3, §17.2-6. */
START_TEST(connection_ids_above_20_bytes_are_dropped_in_version_1) {
    leat_packet_header header;
    char twenty_one[64], twenty[64];
    memset(twenty_one, 'a', 42);
    twenty_one[42] = '\0';
    memset(twenty, 'a', 40);
    twenty[40] = '\0';
    char hex[256];
    snprintf(hex, sizeof hex, "c0 00000001 15 %s 00 00 00", twenty_one);
    ck_assert_int_eq(parse(hex, &header), LEAT_DROP_CID_LENGTH);
    snprintf(hex, sizeof hex, "c0 00000001 00 15 %s 00 00", twenty_one);
    ck_assert_int_eq(parse(hex, &header), LEAT_DROP_CID_LENGTH);
    snprintf(hex, sizeof hex, "c0 00000001 14 %s 14 %s 00 00", twenty, twenty);
    ck_assert_int_eq(parse(hex, &header), LEAT_DROP_NONE);
}
END_TEST

START_TEST(a_length_beyond_the_datagram_is_dropped) {
    leat_packet_header header;
    ck_assert_int_eq(parse("e0 00000001 00 00 06 0102030405", &header), LEAT_DROP_LENGTH);
    ck_assert_int_eq(parse("e0 00000001 00 00 ffffffffffffffff 01", &header), LEAT_DROP_LENGTH);
}
END_TEST

START_TEST(a_token_beyond_the_datagram_is_dropped) {
    leat_packet_header header;
    ck_assert_int_eq(parse("c0 00000001 00 00 05 01020304", &header), LEAT_DROP_TOO_SHORT);
    ck_assert_int_eq(parse("c0 00000001 00 00 ffffffffffffffff 00", &header), LEAT_DROP_TOO_SHORT);
}
END_TEST

/* TEST RFC 9000 §12.2-1: the rest of the datagram begins where this packet ends. */
START_TEST(coalesced_packets_follow_one_another) {
    leat_span datagram = test_hex(INITIAL HANDSHAKE "40 d1d2d3d4 0102");
    static const leat_packet_type expected[] = {LEAT_PACKET_INITIAL, LEAT_PACKET_HANDSHAKE,
                                                LEAT_PACKET_ONE_RTT};
    size_t count = 0;
    while (datagram.length > 0) {
        leat_packet_header header;
        ck_assert_int_eq(leat_packet_header_parse(&header, datagram, 4), LEAT_DROP_NONE);
        ck_assert_int_eq(header.type, expected[count++]);
        datagram.data += header.length;
        datagram.length -= header.length;
    }
    ck_assert_uint_eq(count, 3);
}
END_TEST

/* The attack: lengths read beyond the end of a packet cut at any byte. */
START_TEST(headers_cut_at_any_byte_are_dropped_without_reading_on) {
    static const char *const samples[] = {INITIAL, HANDSHAKE, ZERO_RTT};
    leat_packet_header header;
    for (size_t i = 0; i < 3; i++) {
        leat_span whole = test_hex(samples[i]);
        for (size_t cut = 0; cut < whole.length; cut++) {
            ck_assert_int_ne(parse_exactly((leat_span){whole.data, cut}, &header), LEAT_DROP_NONE);
        }
        ck_assert_int_eq(parse_exactly(whole, &header), LEAT_DROP_NONE);
    }
}
END_TEST

/* The attack: a Retry shorter than its tag made a length wrap below zero. */
START_TEST(a_retry_shorter_than_its_tag_is_dropped) {
    leat_span whole = test_hex("f0 00000001 04 d1d2d3d4 02 5152 000102030405060708090a0b0c0d0e0f");
    leat_packet_header header;
    for (size_t cut = 0; cut < whole.length; cut++) {
        ck_assert_int_eq(parse_exactly((leat_span){whole.data, cut}, &header), LEAT_DROP_TOO_SHORT);
    }
    ck_assert_int_eq(parse_exactly(whole, &header), LEAT_DROP_NONE);
    ck_assert_uint_eq(header.token.length, 0);
}
END_TEST

START_TEST(an_empty_datagram_is_too_short) {
    leat_packet_header header;
    ck_assert_int_eq(leat_packet_header_parse(&header, (leat_span){NULL, 0}, 4),
                     LEAT_DROP_TOO_SHORT);
}
END_TEST

START_TEST(routing_needs_only_the_destination_connection_id) {
    leat_span dcid;
    ck_assert(leat_packet_dcid(test_hex("40 d1d2d3d4"), 4, &dcid));
    assert_span(dcid, "d1d2d3d4");
    ck_assert(leat_packet_dcid(test_hex("80 facefeed 03 010203"), 4, &dcid));
    assert_span(dcid, "010203");
    ck_assert(!leat_packet_dcid(test_hex("40 d1d2d3"), 4, &dcid));
    ck_assert(!leat_packet_dcid(test_hex("80 facefeed 04 010203"), 4, &dcid));
    ck_assert(!leat_packet_dcid(test_hex("80 facefe"), 4, &dcid));
    ck_assert(!leat_packet_dcid((leat_span){NULL, 0}, 0, &dcid));
}
END_TEST

START_TEST(spaces_follow_from_types) {
    ck_assert_int_eq(leat_packet_space(LEAT_PACKET_INITIAL), LEAT_SPACE_INITIAL);
    ck_assert_int_eq(leat_packet_space(LEAT_PACKET_HANDSHAKE), LEAT_SPACE_HANDSHAKE);
    ck_assert_int_eq(leat_packet_space(LEAT_PACKET_ZERO_RTT), LEAT_SPACE_APPLICATION);
    ck_assert_int_eq(leat_packet_space(LEAT_PACKET_ONE_RTT), LEAT_SPACE_APPLICATION);
}
END_TEST

START_TEST(connection_ids_compare_by_length_and_bytes) {
    leat_cid a, b, c, d;
    ck_assert(leat_cid_from_span(&a, test_hex("010203")));
    ck_assert(leat_cid_from_span(&b, test_hex("010203")));
    ck_assert(leat_cid_from_span(&c, test_hex("01020300")));
    ck_assert(leat_cid_from_span(&d, test_hex("010204")));
    ck_assert(leat_cid_equal(&a, &b));
    ck_assert(!leat_cid_equal(&a, &c));
    ck_assert(!leat_cid_equal(&a, &d));
    uint8_t long_bytes[21] = {0};
    ck_assert(!leat_cid_from_span(&a, (leat_span){long_bytes, 21}));
    ck_assert(leat_cid_from_span(&a, (leat_span){NULL, 0}));
    ck_assert_uint_eq(a.length, 0);
}
END_TEST

START_TEST(every_type_and_drop_reason_has_a_name_of_its_own) {
    for (int a = 0; a < LEAT_DROP_COUNT; a++) {
        for (int b = 0; b < a; b++) {
            ck_assert_str_ne(leat_drop_name((leat_drop)a), leat_drop_name((leat_drop)b));
        }
    }
    for (int a = 0; a < LEAT_PACKET_TYPE_COUNT; a++) {
        for (int b = 0; b < a; b++) {
            ck_assert_str_ne(leat_packet_type_name((leat_packet_type)a),
                             leat_packet_type_name((leat_packet_type)b));
        }
    }
}
END_TEST

/* TEST RFC 9000 §17.2.1-2, §17.2.1-3, §6.3: the fixed bit, version 0, and one reserved version in
 * the list. */
START_TEST(written_version_negotiation_is_greased_and_reads_back) {
    const uint32_t versions[] = {LEAT_VERSION_1, 0x12345678};
    for (unsigned random = 0; random < 256; random++) {
        uint8_t room[64];
        leat_writer writer = leat_writer_make(room, sizeof room);
        leat_version_negotiation_write(&writer, test_hex("0102"), test_hex("030405"), versions, 2,
                                       (uint8_t)random);
        ck_assert(!writer.failed);
        ck_assert_uint_eq(room[0] & 0xc0, 0xc0);
        leat_packet_header header;
        leat_span bytes = {room, leat_writer_length(&writer)};
        ck_assert_int_eq(leat_packet_header_parse(&header, bytes, 4), LEAT_DROP_NONE);
        ck_assert_int_eq(header.type, LEAT_PACKET_VERSION_NEGOTIATION);
        assert_span(header.dcid, "0102");
        assert_span(header.scid, "030405");
        ck_assert_uint_eq(header.versions.length, 12);
        leat_reader reader = leat_reader_of(header.versions);
        size_t ours = 0, reserved = 0;
        for (int i = 0; i < 3; i++) {
            uint32_t version = leat_read_u32(&reader);
            ours += version == versions[0] || version == versions[1];
            reserved += (version & 0x0f0f0f0f) == 0x0a0a0a0a;
        }
        ck_assert_uint_eq(ours, 2);
        ck_assert_uint_eq(reserved, 1);
    }
}
END_TEST

START_TEST(version_negotiation_echoes_connection_ids_of_255_bytes) {
    uint8_t cid[255], room[600];
    memset(cid, 0x5a, sizeof cid);
    leat_writer writer = leat_writer_make(room, sizeof room);
    const uint32_t version = LEAT_VERSION_1;
    leat_span span = {cid, sizeof cid};
    leat_version_negotiation_write(&writer, span, span, &version, 1, 7);
    ck_assert(!writer.failed);
    ck_assert_uint_eq(leat_writer_length(&writer), 5 + 256 + 256 + 8);
}
END_TEST

LEAT_TEST_MAIN("quic/packet header", an_initial_shows_its_fields, handshake_and_0rtt_have_no_token,
               a_short_header_takes_the_length_of_our_connection_ids,
               a_retry_gives_its_token_without_the_tag, version_negotiation_gives_its_list,
               version_negotiation_ignores_the_unused_bits, version_negotiation_needs_a_whole_list,
               an_unknown_version_shows_connection_ids_of_any_length, a_zero_fixed_bit_is_seen,
               the_fixed_bit_is_one_of_known_versions, version_2_has_types_of_its_own,
               connection_ids_above_20_bytes_are_dropped_in_version_1,
               a_length_beyond_the_datagram_is_dropped, a_token_beyond_the_datagram_is_dropped,
               coalesced_packets_follow_one_another,
               headers_cut_at_any_byte_are_dropped_without_reading_on,
               a_retry_shorter_than_its_tag_is_dropped, an_empty_datagram_is_too_short,
               routing_needs_only_the_destination_connection_id, spaces_follow_from_types,
               connection_ids_compare_by_length_and_bytes,
               every_type_and_drop_reason_has_a_name_of_its_own,
               written_version_negotiation_is_greased_and_reads_back,
               version_negotiation_echoes_connection_ids_of_255_bytes)
