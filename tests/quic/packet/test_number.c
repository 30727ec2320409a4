/* Packet numbers: quic/packet/number.c. */
#include "leat_test.h"
#include "quic/packet/number.h"

/* TEST RFC 9000 §A.2: the sample encodings. */
START_TEST(sizes_agree_with_the_samples_of_the_rfc) {
    test_vectors *vectors = test_vectors_load("vectors/quic/rfc9000-appendix-a.vec");
    for (int i = 0; i < 2; i++) {
        char section[32];
        snprintf(section, sizeof section, "packet_number_encode.%d", i);
        uint64_t acked = test_vector_number(vectors, section, "largest_acked");
        uint64_t pn = test_vector_number(vectors, section, "packet_number");
        ck_assert_uint_eq(leat_pn_size(pn, acked), test_vector_number(vectors, section, "length"));
    }
    test_vectors_free(vectors);
}
END_TEST

/* TEST RFC 9000 §A.3: the sample decoding. */
START_TEST(recovery_agrees_with_the_sample_of_the_rfc) {
    test_vectors *vectors = test_vectors_load("vectors/quic/rfc9000-appendix-a.vec");
    const char *section = "packet_number_decode.0";
    ck_assert_uint_eq(leat_pn_recover(test_vector_number(vectors, section, "truncated"),
                                      test_vector_number(vectors, section, "length"),
                                      test_vector_number(vectors, section, "largest_received")),
                      test_vector_number(vectors, section, "packet_number"));
    test_vectors_free(vectors);
}
END_TEST

/* TEST RFC 9000 §17.1-1: nothing acknowledged, so the whole number is sent. */
START_TEST(without_an_acknowledgment_the_whole_number_is_sent) {
    ck_assert_uint_eq(leat_pn_size(0, LEAT_PN_NONE), 1);
    ck_assert_uint_eq(leat_pn_size(126, LEAT_PN_NONE), 1);
    ck_assert_uint_eq(leat_pn_size(127, LEAT_PN_NONE), 2);
    ck_assert_uint_eq(leat_pn_size(32766, LEAT_PN_NONE), 2);
    ck_assert_uint_eq(leat_pn_size(32767, LEAT_PN_NONE), 3);
}
END_TEST

/* TEST RFC 9000 §17.1-2: more than twice the unacknowledged distance. */
START_TEST(the_size_spans_more_than_twice_the_distance) {
    for (uint64_t distance = 1; distance < UINT64_C(1) << 31; distance = distance * 3 / 2 + 1) {
        uint64_t acked = UINT64_C(1) << 40;
        size_t size = leat_pn_size(acked + distance, acked);
        ck_assert_uint_gt(UINT64_C(1) << (8 * size), 2 * distance);
        ck_assert(size == 1 || UINT64_C(1) << (8 * (size - 1)) <= 2 * distance);
    }
    ck_assert_uint_eq(leat_pn_size(UINT64_C(1) << 60, 0), 4);
}
END_TEST

START_TEST(a_sent_number_is_recovered_whatever_arrived_since_the_acknowledgment) {
    uint64_t seed = 11;
    for (int i = 0; i < 200000; i++) {
        uint64_t random[3];
        test_random(&seed, (uint8_t *)random, sizeof random);
        uint64_t acked = random[0] >> (2 + random[0] % 62);
        uint64_t pn = acked + 1 + (random[1] >> (33 + random[1] % 31));
        if (pn >= UINT64_C(1) << 62) {
            continue;
        }
        size_t size = leat_pn_size(pn, acked);
        uint64_t truncated = pn & ((UINT64_C(1) << (8 * size)) - 1);
        /* The receiver has at least what it acknowledged and has seen nothing much newer than this
         * packet. */
        uint64_t largest_received = acked + random[2] % (pn - acked);
        ck_assert_uint_eq(leat_pn_recover(truncated, size, largest_received), pn);
    }
}
END_TEST

START_TEST(the_first_packet_is_recovered_without_any_before) {
    ck_assert_uint_eq(leat_pn_recover(0, 1, LEAT_PN_NONE), 0);
    ck_assert_uint_eq(leat_pn_recover(5, 4, LEAT_PN_NONE), 5);
    ck_assert_uint_eq(leat_pn_recover(0xff, 1, LEAT_PN_NONE), 0xff);
}
END_TEST

START_TEST(recovery_stays_within_the_number_space) {
    const uint64_t largest = (UINT64_C(1) << 62) - 1;
    for (size_t size = 1; size <= 4; size++) {
        for (uint64_t truncated = 0; truncated < 256; truncated++) {
            ck_assert_uint_le(leat_pn_recover(truncated, size, largest), largest);
            ck_assert_uint_le(leat_pn_recover(truncated, size, 0), largest);
        }
    }
    ck_assert_uint_eq(leat_pn_recover(0xff, 1, largest - 1), largest);
}
END_TEST

START_TEST(an_old_number_wraps_down_and_a_new_one_up) {
    ck_assert_uint_eq(leat_pn_recover(0xfe, 1, 0x200), 0x1fe);
    ck_assert_uint_eq(leat_pn_recover(0x02, 1, 0x1ff), 0x202);
}
END_TEST

LEAT_TEST_MAIN("quic/packet number", sizes_agree_with_the_samples_of_the_rfc,
               recovery_agrees_with_the_sample_of_the_rfc,
               without_an_acknowledgment_the_whole_number_is_sent,
               the_size_spans_more_than_twice_the_distance,
               a_sent_number_is_recovered_whatever_arrived_since_the_acknowledgment,
               the_first_packet_is_recovered_without_any_before,
               recovery_stays_within_the_number_space, an_old_number_wraps_down_and_a_new_one_up)
