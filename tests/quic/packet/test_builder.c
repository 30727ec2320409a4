/* The packet builder: quic/packet/builder.c. */
#include "key_pair.h"

static leat_builder_header header_of(leat_packet_type type) {
    return (leat_builder_header){.type = type,
                                 .version = LEAT_VERSION_1,
                                 .dcid = test_hex("c1c2c3c4"),
                                 .scid = test_hex("5152"),
                                 .pn = 1,
                                 .largest_acked = LEAT_PN_NONE};
}

/* TEST RFC 9000 §17.2.2, §17.2.4, §17.3.1: the header before protection. */
START_TEST(headers_have_the_form_of_their_type) {
    static const struct {
        leat_packet_type type;
        const char *hex;
    } forms[] = {
        {LEAT_PACKET_INITIAL, "c0 00000001 04 c1c2c3c4 02 5152 02 746f 4000 01"},
        {LEAT_PACKET_ZERO_RTT, "d0 00000001 04 c1c2c3c4 02 5152 4000 01"},
        {LEAT_PACKET_HANDSHAKE, "e0 00000001 04 c1c2c3c4 02 5152 4000 01"},
        {LEAT_PACKET_ONE_RTT, "64 c1c2c3c4 01"},
    };
    for (size_t i = 0; i < 4; i++) {
        uint8_t packet[128];
        leat_builder builder;
        leat_builder_header header = header_of(forms[i].type);
        header.token = test_hex("746f");
        header.spin = header.key_phase = true;
        ck_assert(leat_builder_begin(&builder, packet, sizeof packet, &header));
        ck_assert_bytes(packet, (size_t)(builder.payload.start - packet), forms[i].hex);
    }
}
END_TEST

START_TEST(the_number_is_truncated_to_what_the_acknowledgment_allows) {
    uint8_t packet[128];
    leat_builder builder;
    leat_builder_header header = header_of(LEAT_PACKET_ONE_RTT);
    header.pn = 0xac5c02;
    header.largest_acked = 0xabe8b3;
    ck_assert(leat_builder_begin(&builder, packet, sizeof packet, &header));
    ck_assert_bytes(packet, (size_t)(builder.payload.start - packet), "41 c1c2c3c4 5c02");
}
END_TEST

START_TEST(a_long_packet_says_its_length_and_another_may_follow) {
    key_pair pair;
    key_pair_make(&pair, 0x1301);
    uint8_t datagram[1200];
    size_t used = 0;
    for (int type = LEAT_PACKET_INITIAL; type <= LEAT_PACKET_ONE_RTT; type++) {
        leat_builder builder;
        leat_builder_header header = header_of((leat_packet_type)type);
        ck_assert(leat_builder_begin(&builder, datagram + used, sizeof datagram - used, &header));
        leat_write_u8(&builder.payload, 0x01);
        size_t size = leat_builder_size(&builder);
        ck_assert_uint_eq(leat_builder_finish(&builder, &pair.client), size);
        used += size;
    }
    size_t at = 0;
    for (int type = LEAT_PACKET_INITIAL; type <= LEAT_PACKET_ONE_RTT; type++) {
        leat_packet_header header;
        leat_opened opened;
        ck_assert_int_eq(
            leat_packet_header_parse(&header, (leat_span){datagram + at, used - at}, 4),
            LEAT_DROP_NONE);
        ck_assert_int_eq(header.type, type);
        ck_assert_int_eq(leat_packet_open(&pair.server, &header, datagram + at, 0, &opened),
                         LEAT_OPEN_OK);
        at += header.length;
    }
    ck_assert_uint_eq(at, used);
    key_pair_free(&pair);
}
END_TEST

/* TEST RFC 9001 §5.4.2: one frame of one byte is padded so that the sample exists. */
START_TEST(a_tiny_packet_is_padded_for_the_sample) {
    key_pair pair;
    key_pair_make(&pair, 0x1301);
    uint8_t packet[64];
    size_t size = key_pair_seal(&pair.client, 0, packet);
    ck_assert_uint_eq(size, 1 + 4 + 4 + 16);
    leat_opened opened;
    ck_assert_int_eq(key_pair_open(&pair.server, packet, size, LEAT_PN_NONE, &opened),
                     LEAT_OPEN_OK);
    ck_assert_bytes(opened.payload, opened.payload_length, "01 0000");
    key_pair_free(&pair);
}
END_TEST

START_TEST(padding_reaches_exactly_the_size) {
    key_pair pair;
    key_pair_make(&pair, 0x1301);
    for (size_t size = 60; size <= 1200; size += 95) {
        uint8_t packet[1200];
        leat_builder builder;
        leat_builder_header header = header_of(LEAT_PACKET_INITIAL);
        ck_assert(leat_builder_begin(&builder, packet, sizeof packet, &header));
        leat_write_u8(&builder.payload, 0x01);
        leat_builder_pad_to(&builder, size);
        ck_assert_uint_eq(leat_builder_size(&builder), size);
        ck_assert_uint_eq(leat_builder_finish(&builder, &pair.client), size);
    }
    key_pair_free(&pair);
}
END_TEST

START_TEST(padding_never_exceeds_the_room_and_never_shrinks) {
    uint8_t packet[100];
    leat_builder builder;
    leat_builder_header header = header_of(LEAT_PACKET_ONE_RTT);
    ck_assert(leat_builder_begin(&builder, packet, sizeof packet, &header));
    leat_write_zeros(&builder.payload, 30);
    leat_builder_pad_to(&builder, 20);
    ck_assert_uint_eq(leat_builder_payload_length(&builder), 30);
    leat_builder_pad_to(&builder, 5000);
    ck_assert_uint_eq(leat_builder_size(&builder), 100);
    ck_assert(!builder.payload.failed);
}
END_TEST

START_TEST(a_full_packet_fills_its_room_exactly) {
    key_pair pair;
    key_pair_make(&pair, 0x1303);
    uint8_t packet[100];
    leat_builder builder;
    leat_builder_header header = header_of(LEAT_PACKET_HANDSHAKE);
    ck_assert(leat_builder_begin(&builder, packet, sizeof packet, &header));
    memset(builder.payload.next, 0x01, leat_writer_room(&builder.payload));
    builder.payload.next = builder.payload.end;
    ck_assert_uint_eq(leat_builder_finish(&builder, &pair.client), sizeof packet);
    leat_opened opened;
    ck_assert_int_eq(key_pair_open(&pair.server, packet, 100, 0, &opened), LEAT_OPEN_OK);
    key_pair_free(&pair);
}
END_TEST

START_TEST(too_little_room_is_refused) {
    uint8_t packet[128];
    leat_builder_header header = header_of(LEAT_PACKET_HANDSHAKE);
    size_t least = 0;
    for (size_t room = 0; room <= sizeof packet; room++) {
        leat_builder builder;
        bool begun = leat_builder_begin(&builder, packet, room, &header);
        ck_assert(begun || least == 0);
        least = begun && least == 0 ? room : least;
    }
    ck_assert_uint_eq(least, 1 + 4 + 5 + 3 + 2 + 1 + 8 + 16);
}
END_TEST

/* TEST RFC 9000 §12.4-1: no packet without a frame. */
START_TEST(a_packet_without_frames_is_not_sealed) {
    key_pair pair;
    key_pair_make(&pair, 0x1301);
    uint8_t packet[64];
    leat_builder builder;
    leat_builder_header header = header_of(LEAT_PACKET_ONE_RTT);
    ck_assert(leat_builder_begin(&builder, packet, sizeof packet, &header));
    ck_assert_uint_eq(leat_builder_finish(&builder, &pair.client), 0);
    ck_assert_uint_eq(pair.client.sealed, 0);
    key_pair_free(&pair);
}
END_TEST

START_TEST(a_packet_with_a_torn_frame_is_not_sealed) {
    key_pair pair;
    key_pair_make(&pair, 0x1301);
    uint8_t packet[64];
    leat_builder builder;
    leat_builder_header header = header_of(LEAT_PACKET_ONE_RTT);
    ck_assert(leat_builder_begin(&builder, packet, sizeof packet, &header));
    leat_write_u8(&builder.payload, 0x01);
    leat_write_zeros(&builder.payload, 100);
    ck_assert_uint_eq(leat_builder_finish(&builder, &pair.client), 0);
    key_pair_free(&pair);
}
END_TEST

START_TEST(a_long_packet_stays_within_its_two_byte_length) {
    key_pair pair;
    key_pair_make(&pair, 0x1301);
    static uint8_t packet[40000];
    leat_builder builder;
    leat_builder_header header = header_of(LEAT_PACKET_HANDSHAKE);
    ck_assert(leat_builder_begin(&builder, packet, sizeof packet, &header));
    leat_write_zeros(&builder.payload, leat_writer_room(&builder.payload));
    size_t size = leat_builder_finish(&builder, &pair.client);
    leat_packet_header parsed;
    ck_assert_int_eq(leat_packet_header_parse(&parsed, (leat_span){packet, sizeof packet}, 4),
                     LEAT_DROP_NONE);
    ck_assert_uint_eq(parsed.length, size);
    ck_assert_uint_eq(parsed.length - parsed.pn_offset, 0x3fff);
    key_pair_free(&pair);
}
END_TEST

LEAT_TEST_MAIN("quic/packet builder", headers_have_the_form_of_their_type,
               the_number_is_truncated_to_what_the_acknowledgment_allows,
               a_long_packet_says_its_length_and_another_may_follow,
               a_tiny_packet_is_padded_for_the_sample, padding_reaches_exactly_the_size,
               padding_never_exceeds_the_room_and_never_shrinks,
               a_full_packet_fills_its_room_exactly, too_little_room_is_refused,
               a_packet_without_frames_is_not_sealed, a_packet_with_a_torn_frame_is_not_sealed,
               a_long_packet_stays_within_its_two_byte_length)
