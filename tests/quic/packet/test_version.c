/* Rows of versions and lists of versions: quic/packet/version.c. */
#include "leat_test.h"
#include "quic/packet/version.h"

static bool parse(const char *hex, leat_version_information *information) {
    return leat_version_information_parse(information, test_hex(hex));
}

START_TEST(type_bits_lead_back_to_the_type) {
    static const uint32_t versions[] = {LEAT_VERSION_1, LEAT_VERSION_2};
    static const leat_packet_type types[] = {LEAT_PACKET_INITIAL, LEAT_PACKET_ZERO_RTT,
                                             LEAT_PACKET_HANDSHAKE, LEAT_PACKET_RETRY};
    for (size_t i = 0; i < 2; i++) {
        const leat_version_row *row = leat_version_find(versions[i]);
        for (size_t j = 0; j < 4; j++) {
            ck_assert_int_eq(row->types[leat_version_type_bits(row, types[j]) >> 4], types[j]);
        }
    }
}
END_TEST

/* TEST RFC 9369 §4 */
START_TEST(versions_1_and_2_are_compatible_in_both_directions) {
    ck_assert(leat_version_is_compatible(LEAT_VERSION_1, LEAT_VERSION_2));
    ck_assert(leat_version_is_compatible(LEAT_VERSION_2, LEAT_VERSION_1));
    ck_assert(!leat_version_is_compatible(LEAT_VERSION_1, 0xfaceb00c));
    ck_assert(!leat_version_is_compatible(0xfaceb00c, 0xfaceb00c));
}
END_TEST

/* TEST RFC 9000 §15 */
START_TEST(reserved_versions_have_their_pattern_and_are_never_spoken) {
    for (unsigned random = 0; random < 256; random++) {
        uint32_t version = leat_version_reserved((uint8_t)random);
        ck_assert(leat_version_is_reserved(version));
        ck_assert_ptr_null(leat_version_find(version));
    }
    ck_assert(leat_version_is_reserved(0x1a2a3a4a));
    ck_assert(!leat_version_is_reserved(LEAT_VERSION_1));
    ck_assert(!leat_version_is_reserved(LEAT_VERSION_2));
}
END_TEST

/* TEST RFC 9368 §3 */
START_TEST(version_information_has_a_chosen_and_available_versions) {
    leat_version_information information;
    ck_assert(parse("00000001 6b3343cf 00000001", &information));
    ck_assert_uint_eq(information.chosen, LEAT_VERSION_1);
    ck_assert(leat_versions_contain(information.available, LEAT_VERSION_1));
    ck_assert(leat_versions_contain(information.available, LEAT_VERSION_2));
    ck_assert(!leat_versions_contain(information.available, 0x1a2a3a4a));
    ck_assert(parse("6b3343cf", &information));
    ck_assert_uint_eq(information.available.length, 0);
}
END_TEST

/* TEST RFC 9368 §4 */
START_TEST(version_information_that_is_cut_or_names_version_0_is_refused) {
    static const char *const bad[] = {"", "000001", "00000001 6b3343", "00000001 6b3343cf 00",
                                      "00000000 00000001", "00000001 00000001 00000000"};
    leat_version_information information;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(!parse(bad[i], &information), "%s", bad[i]);
    }
}
END_TEST

LEAT_TEST_MAIN("quic/packet version", type_bits_lead_back_to_the_type,
               versions_1_and_2_are_compatible_in_both_directions,
               reserved_versions_have_their_pattern_and_are_never_spoken,
               version_information_has_a_chosen_and_available_versions,
               version_information_that_is_cut_or_names_version_0_is_refused)
