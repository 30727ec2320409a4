/* Packet protection: quic/packet/protect.c. */
#include "key_pair.h"

/* Sample packets of every version. */
static const struct {
    uint32_t version;
    const char *vectors;
} samples[] = {
    {LEAT_VERSION_1, "vectors/quic/rfc9001-appendix-a.vec"},
    {LEAT_VERSION_2, "vectors/quic/rfc9369-appendix-a.vec"},
};
#define SAMPLES (sizeof samples / sizeof samples[0])

/* Seals header and payload of a section and compares with the packet of the RFC. */
static void assert_seals(leat_keys *keys, const test_vectors *vectors, const char *section) {
    uint8_t packet[2048];
    leat_span header = test_vector_bytes(vectors, section, "unprotected_header");
    leat_span payload = test_vector_bytes(vectors, section, "payload");
    leat_span expected = test_vector_bytes(vectors, section, "packet");
    size_t pn_length = test_vector_number(vectors, section, "packet_number_length");
    memcpy(packet, header.data, header.length);
    memcpy(packet + header.length, payload.data, payload.length);
    ck_assert(leat_packet_seal(keys, packet, header.length - pn_length, pn_length, payload.length,
                               test_vector_number(vectors, section, "packet_number")));
    ck_assert_str_eq(test_to_hex(packet, header.length + payload.length + 16),
                     test_to_hex(expected.data, expected.length));
}

static void assert_opens(leat_keys *keys, const test_vectors *vectors, const char *section,
                         uint64_t largest_received) {
    uint8_t packet[2048];
    leat_span sealed = test_vector_bytes(vectors, section, "packet");
    leat_span payload = test_vector_bytes(vectors, section, "payload");
    memcpy(packet, sealed.data, sealed.length);
    leat_packet_header header;
    leat_opened opened;
    ck_assert_int_eq(leat_packet_header_parse(&header, (leat_span){packet, sealed.length}, 0),
                     LEAT_DROP_NONE);
    ck_assert_int_eq(leat_packet_open(keys, &header, packet, largest_received, &opened),
                     LEAT_OPEN_OK);
    ck_assert_uint_eq(opened.pn, test_vector_number(vectors, section, "packet_number"));
    ck_assert_str_eq(test_to_hex(opened.payload, opened.payload_length),
                     test_to_hex(payload.data, payload.length));
}

static void make_initial_pair(key_pair *pair, uint32_t version, leat_span dcid) {
    memset(pair, 0, sizeof *pair);
    ck_assert(leat_keys_install_initial(&pair->client, version, dcid, true));
    ck_assert(leat_keys_install_initial(&pair->server, version, dcid, false));
}

static void check_initial_packets(uint32_t version, const char *file) {
    test_vectors *vectors = test_vectors_load(file);
    key_pair pair;
    make_initial_pair(&pair, version, test_vector_bytes(vectors, "", "client_dcid"));
    leat_span secret = test_vector_bytes(vectors, "client_initial_keys", "secret");
    ck_assert_mem_eq(pair.client.write_secret, secret.data, 32);
    ck_assert_mem_eq(pair.server.read_secret, secret.data, 32);
    leat_span iv = test_vector_bytes(vectors, "server_initial_keys", "iv");
    ck_assert_mem_eq(pair.client.read.iv, iv.data, 12);
    assert_seals(&pair.client, vectors, "client_initial");
    assert_opens(&pair.server, vectors, "client_initial", LEAT_PN_NONE);
    assert_seals(&pair.server, vectors, "server_initial");
    assert_opens(&pair.client, vectors, "server_initial", 0);
    key_pair_free(&pair);
    test_vectors_free(vectors);
}

/* TEST RFC 9001 §A.1, §A.2, §A.3: keys, both Initial packets, in both directions. */
/* TEST RFC 9369 §A.1, §A.2, §A.3. */
START_TEST(initial_packets_agree_with_the_rfc) {
    for (size_t i = 0; i < SAMPLES; i++) {
        check_initial_packets(samples[i].version, samples[i].vectors);
    }
}
END_TEST

static void check_short_header(uint32_t version, const char *file) {
    test_vectors *vectors = test_vectors_load(file);
    const char *section = "chacha20_short_header";
    const leat_cipher_suite *suite = leat_cipher_suite_find(0x1303);
    const uint8_t *secret = test_vector_bytes(vectors, section, "secret").data;
    leat_keys keys = {.suite = NULL};
    ck_assert(leat_keys_install(&keys, version, true, suite, secret));
    ck_assert(leat_keys_install(&keys, version, false, suite, secret));
    assert_seals(&keys, vectors, section);
    assert_opens(&keys, vectors, section, 654360563);
    leat_keys_discard(&keys);
    test_vectors_free(vectors);
}

/* TEST RFC 9001 §A.5: a ChaCha20-Poly1305 packet with a short header. */
/* TEST RFC 9369 §A.5. */
START_TEST(the_chacha20_short_header_agrees_with_the_rfc) {
    for (size_t i = 0; i < SAMPLES; i++) {
        check_short_header(samples[i].version, samples[i].vectors);
    }
}
END_TEST

/* A packet of every form between both ends of a pair. */
static size_t seal_form(leat_keys *keys, leat_packet_type type, uint8_t packet[256]) {
    leat_builder builder;
    leat_builder_header header = {.type = type,
                                  .version = LEAT_VERSION_1,
                                  .dcid = test_hex("c1c2c3c4"),
                                  .scid = test_hex("5152"),
                                  .token = test_hex(type == LEAT_PACKET_INITIAL ? "746f" : ""),
                                  .pn = 0x1234,
                                  .largest_acked = 0x1200};
    ck_assert(leat_builder_begin(&builder, packet, 256, &header));
    leat_write_bytes(&builder.payload, "\x01hello frames", 13);
    return leat_builder_finish(&builder, keys);
}

START_TEST(what_is_sealed_opens_at_the_other_end_for_all_suites_and_forms) {
    for (size_t i = 0; i < 3; i++) {
        key_pair pair;
        key_pair_make(&pair, key_pair_suites[i]);
        for (int type = LEAT_PACKET_INITIAL; type <= LEAT_PACKET_ONE_RTT; type++) {
            uint8_t packet[256];
            leat_opened opened;
            size_t size = seal_form(&pair.client, (leat_packet_type)type, packet);
            ck_assert_int_eq(key_pair_open(&pair.server, packet, size, 0x1230, &opened),
                             LEAT_OPEN_OK);
            ck_assert_uint_eq(opened.pn, 0x1234);
            ck_assert_bytes(opened.payload, opened.payload_length, "01 68656c6c6f206672616d6573");
            ck_assert_int_eq(key_pair_open(&pair.client, packet, size, 0x1230, &opened),
                             LEAT_OPEN_AUTHENTICATION);
        }
        key_pair_free(&pair);
    }
}
END_TEST

/* A copy with one bit flipped must be refused, by the parser or by the AEAD. */
static void assert_refused(leat_keys *keys, const uint8_t *packet, size_t size, size_t bit) {
    uint8_t damaged[256];
    leat_packet_header header;
    leat_opened opened;
    memcpy(damaged, packet, size);
    damaged[bit / 8] ^= (uint8_t)(1 << bit % 8);
    if (leat_packet_header_parse(&header, (leat_span){damaged, size}, 4) != LEAT_DROP_NONE ||
        header.type >= LEAT_PACKET_RETRY) {
        return;
    }
    leat_open_status status = leat_packet_open(keys, &header, damaged, 0x1230, &opened);
    ck_assert_msg(status == LEAT_OPEN_AUTHENTICATION || status == LEAT_OPEN_TOO_SHORT,
                  "bit %zu flipped: status %d", bit, status);
}

START_TEST(a_packet_with_any_bit_flipped_is_refused) {
    for (size_t i = 0; i < 3; i++) {
        key_pair pair;
        key_pair_make(&pair, key_pair_suites[i]);
        for (int type = LEAT_PACKET_INITIAL; type <= LEAT_PACKET_ONE_RTT; type++) {
            uint8_t packet[256];
            size_t size = seal_form(&pair.client, (leat_packet_type)type, packet);
            for (size_t bit = 0; bit < 8 * size; bit++) {
                assert_refused(&pair.server, packet, size, bit);
            }
        }
        key_pair_free(&pair);
    }
}
END_TEST

/* TEST RFC 9001 §5.4.2-1: no sample, no packet. */
START_TEST(a_packet_without_room_for_a_sample_is_too_short) {
    key_pair pair;
    key_pair_make(&pair, 0x1301);
    uint8_t packet[64] = {0x40, 0xc1, 0xc2, 0xc3, 0xc4};
    leat_opened opened;
    for (size_t size = 5; size < 5 + 20; size++) {
        ck_assert_int_eq(key_pair_open(&pair.server, packet, size, 0, &opened),
                         LEAT_OPEN_TOO_SHORT);
    }
    ck_assert_int_eq(key_pair_open(&pair.server, packet, 25, 0, &opened), LEAT_OPEN_AUTHENTICATION);
    ck_assert_uint_eq(pair.server.failed_opens, 1);
    key_pair_free(&pair);
}
END_TEST

START_TEST(without_keys_nothing_opens_and_nothing_seals) {
    leat_keys keys = {.suite = NULL};
    uint8_t packet[64] = {0x40};
    leat_opened opened;
    ck_assert(!leat_keys_can_read(&keys));
    ck_assert(!leat_keys_can_write(&keys));
    ck_assert_int_eq(key_pair_open(&keys, packet, 40, 0, &opened), LEAT_OPEN_NO_KEYS);
    ck_assert(!leat_packet_seal(&keys, packet, 5, 1, 10, 0));
}
END_TEST

static leat_open_status open_with_first_byte(uint8_t first_byte, const char *rest) {
    key_pair pair;
    key_pair_make(&pair, 0x1301);
    leat_span tail = test_hex(rest);
    uint8_t packet[64] = {first_byte};
    memcpy(packet + 1, tail.data, tail.length);
    size_t pn_offset = tail.length; /* the last byte of `rest` is the packet number */
    memset(packet + 1 + tail.length, 0x01, 6);
    ck_assert(leat_packet_seal(&pair.client, packet, pn_offset, 1, 6, 0));
    leat_opened opened;
    leat_open_status status =
        key_pair_open(&pair.server, packet, 1 + tail.length + 6 + 16, LEAT_PN_NONE, &opened);
    key_pair_free(&pair);
    return status;
}

/* TEST RFC 9000 §17.2-9, §17.3.1-3. */
START_TEST(reserved_bits_in_an_authentic_packet_are_told) {
    ck_assert_int_eq(open_with_first_byte(0x40, "c1c2c3c4 00"), LEAT_OPEN_OK);
    ck_assert_int_eq(open_with_first_byte(0x48, "c1c2c3c4 00"), LEAT_OPEN_RESERVED_BITS);
    ck_assert_int_eq(open_with_first_byte(0x50, "c1c2c3c4 00"), LEAT_OPEN_RESERVED_BITS);
    ck_assert_int_eq(open_with_first_byte(0xe0, "00000001 00 00 4017 00"), LEAT_OPEN_OK);
    ck_assert_int_eq(open_with_first_byte(0xe4, "00000001 00 00 4017 00"), LEAT_OPEN_RESERVED_BITS);
    ck_assert_int_eq(open_with_first_byte(0xe8, "00000001 00 00 4017 00"), LEAT_OPEN_RESERVED_BITS);
}
END_TEST

START_TEST(the_spin_bit_is_seen) {
    key_pair pair;
    key_pair_make(&pair, 0x1301);
    uint8_t packet[64];
    leat_builder builder;
    leat_builder_header header = {.type = LEAT_PACKET_ONE_RTT,
                                  .dcid = test_hex("c1c2c3c4"),
                                  .spin = true,
                                  .pn = 3,
                                  .largest_acked = LEAT_PN_NONE};
    ck_assert(leat_builder_begin(&builder, packet, sizeof packet, &header));
    leat_write_u8(&builder.payload, 0x01);
    size_t size = leat_builder_finish(&builder, &pair.client);
    leat_opened opened;
    ck_assert_int_eq(key_pair_open(&pair.server, packet, size, 2, &opened), LEAT_OPEN_OK);
    ck_assert(opened.spin);
    ck_assert(!opened.key_phase);
    key_pair_free(&pair);
}
END_TEST

/* TEST RFC 9001 §6.6-7. */
START_TEST(forgeries_up_to_the_integrity_limit_end_the_connection) {
    static const uint64_t limits[] = {UINT64_C(1) << 52, UINT64_C(1) << 52, UINT64_C(1) << 36};
    for (size_t i = 0; i < 3; i++) {
        key_pair pair;
        key_pair_make(&pair, key_pair_suites[i]);
        uint8_t packet[64] = {0x40};
        leat_opened opened;
        pair.server.failed_opens = limits[i] - 2;
        ck_assert_int_eq(key_pair_open(&pair.server, packet, 40, 0, &opened),
                         LEAT_OPEN_AUTHENTICATION);
        ck_assert_int_eq(key_pair_open(&pair.server, packet, 40, 0, &opened),
                         LEAT_OPEN_INTEGRITY_LIMIT);
        key_pair_free(&pair);
    }
}
END_TEST

/* TEST RFC 9001 §6.6-2. */
START_TEST(nothing_is_sealed_beyond_the_confidentiality_limit) {
    static const uint64_t limits[] = {UINT64_C(1) << 23, UINT64_C(1) << 23, UINT64_C(1) << 62};
    for (size_t i = 0; i < 3; i++) {
        key_pair pair;
        key_pair_make(&pair, key_pair_suites[i]);
        uint8_t packet[64];
        ck_assert(!leat_keys_needs_update(&pair.client));
        pair.client.sealed = limits[i] - 1;
        ck_assert(leat_keys_needs_update(&pair.client));
        ck_assert_uint_gt(key_pair_seal(&pair.client, 0, packet), 0);
        ck_assert_uint_eq(key_pair_seal(&pair.client, 1, packet), 0);
        key_pair_free(&pair);
    }
}
END_TEST

START_TEST(an_unknown_version_has_no_keys) {
    leat_keys keys = {.suite = NULL};
    ck_assert(!leat_keys_install_initial(&keys, 0xfaceb00c, test_hex("0102030405060708"), true));
    ck_assert(!leat_keys_can_read(&keys));
    ck_assert(!leat_keys_can_write(&keys));
}
END_TEST

START_TEST(discarding_wipes_everything) {
    key_pair pair;
    key_pair_make(&pair, 0x1302);
    key_pair_free(&pair);
    const uint8_t *bytes = (const uint8_t *)&pair;
    for (size_t i = 0; i < sizeof pair; i++) {
        ck_assert_uint_eq(bytes[i], 0);
    }
}
END_TEST

START_TEST(initial_keys_can_be_replaced_after_retry) {
    key_pair pair;
    make_initial_pair(&pair, LEAT_VERSION_1, test_hex("0102030405060708"));
    ck_assert(
        leat_keys_install_initial(&pair.client, LEAT_VERSION_1, test_hex("0908070605"), true));
    leat_opened opened;
    ck_assert_int_eq(key_pair_send(&pair.client, &pair.server, 0, &opened),
                     LEAT_OPEN_AUTHENTICATION);
    ck_assert(
        leat_keys_install_initial(&pair.server, LEAT_VERSION_1, test_hex("0908070605"), false));
    ck_assert_int_eq(key_pair_send(&pair.client, &pair.server, 0, &opened), LEAT_OPEN_OK);
    key_pair_free(&pair);
}
END_TEST

LEAT_TEST_MAIN("quic/packet protect", initial_packets_agree_with_the_rfc,
               the_chacha20_short_header_agrees_with_the_rfc,
               what_is_sealed_opens_at_the_other_end_for_all_suites_and_forms,
               a_packet_with_any_bit_flipped_is_refused,
               a_packet_without_room_for_a_sample_is_too_short,
               without_keys_nothing_opens_and_nothing_seals,
               reserved_bits_in_an_authentic_packet_are_told, the_spin_bit_is_seen,
               forgeries_up_to_the_integrity_limit_end_the_connection,
               nothing_is_sealed_beyond_the_confidentiality_limit, an_unknown_version_has_no_keys,
               discarding_wipes_everything, initial_keys_can_be_replaced_after_retry)
