/* Retry packets: quic/packet/retry.c. */
#include "leat_test.h"
#include "quic/packet/protect.h"
#include "quic/packet/retry.h"

static leat_span vector_of(const test_vectors *vectors, const char *name) {
    return test_vector_bytes(vectors, "retry", name);
}

static bool verify(leat_span packet, leat_span original_dcid) {
    leat_packet_header header;
    return leat_packet_header_parse(&header, packet, 0) == LEAT_DROP_NONE &&
           leat_retry_verify(&header, packet, original_dcid);
}

static void check_retry(uint32_t version, const char *file) {
    test_vectors *vectors = test_vectors_load(file);
    leat_span packet = vector_of(vectors, "packet"), dcid = vector_of(vectors, "original_dcid");
    ck_assert(verify(packet, dcid));
    uint8_t room[64];
    leat_writer writer = leat_writer_make(room, sizeof room);
    leat_retry_write(&writer, version, (leat_span){NULL, 0}, test_hex("f067a5502a4262b5"),
                     vector_of(vectors, "token"), dcid, 0xff);
    ck_assert(!writer.failed);
    ck_assert_str_eq(test_to_hex(room, leat_writer_length(&writer)),
                     test_to_hex(packet.data, packet.length));
    test_vectors_free(vectors);
}

/* TEST RFC 9001 §A.4: the packet and its tag, written and verified. */
/* TEST RFC 9369 §A.4. */
START_TEST(the_retry_packet_agrees_with_the_rfc) {
    check_retry(LEAT_VERSION_1, "vectors/quic/rfc9001-appendix-a.vec");
    check_retry(LEAT_VERSION_2, "vectors/quic/rfc9369-appendix-a.vec");
}
END_TEST

START_TEST(an_unknown_version_has_no_retry) {
    uint8_t room[64];
    leat_writer writer = leat_writer_make(room, sizeof room);
    leat_retry_write(&writer, 0xfaceb00c, test_hex("aa"), test_hex("bb"), test_hex("01"),
                     test_hex("0102030405060708"), 0);
    ck_assert(writer.failed);
}
END_TEST

/* TEST RFC 9000 §17.2.5.2-3. */
START_TEST(a_retry_with_any_bit_flipped_is_refused) {
    test_vectors *vectors = test_vectors_load("vectors/quic/rfc9001-appendix-a.vec");
    leat_span packet = vector_of(vectors, "packet"), dcid = vector_of(vectors, "original_dcid");
    uint8_t copy[64];
    for (size_t bit = 0; bit < 8 * packet.length; bit++) {
        memcpy(copy, packet.data, packet.length);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert(!verify((leat_span){copy, packet.length}, dcid));
    }
    test_vectors_free(vectors);
}
END_TEST

START_TEST(a_retry_for_another_original_dcid_is_refused) {
    test_vectors *vectors = test_vectors_load("vectors/quic/rfc9001-appendix-a.vec");
    ck_assert(!verify(vector_of(vectors, "packet"), test_hex("8394c8f03e515709")));
    ck_assert(!verify(vector_of(vectors, "packet"), test_hex("")));
    test_vectors_free(vectors);
}
END_TEST

START_TEST(a_retry_cut_anywhere_is_refused) {
    test_vectors *vectors = test_vectors_load("vectors/quic/rfc9001-appendix-a.vec");
    leat_span packet = vector_of(vectors, "packet"), dcid = vector_of(vectors, "original_dcid");
    for (size_t cut = 0; cut < packet.length; cut++) {
        uint8_t *copy = malloc(cut + (cut == 0));
        memcpy(copy, packet.data, cut);
        ck_assert(!verify((leat_span){copy, cut}, dcid));
        free(copy);
    }
    test_vectors_free(vectors);
}
END_TEST

/* TEST RFC 9000 §17.2.5.2-4. */
START_TEST(a_retry_without_a_token_is_refused_though_its_tag_is_right) {
    uint8_t room[64];
    leat_span dcid = test_hex("0102030405060708");
    leat_writer writer = leat_writer_make(room, sizeof room);
    leat_retry_write(&writer, LEAT_VERSION_1, test_hex("aa"), test_hex("bb"), (leat_span){NULL, 0},
                     dcid, 0);
    ck_assert(!writer.failed);
    ck_assert(!verify((leat_span){room, leat_writer_length(&writer)}, dcid));
    writer = leat_writer_make(room, sizeof room);
    leat_retry_write(&writer, LEAT_VERSION_1, test_hex("aa"), test_hex("bb"), test_hex("01"), dcid,
                     0);
    ck_assert(verify((leat_span){room, leat_writer_length(&writer)}, dcid));
}
END_TEST

START_TEST(a_huge_retry_is_refused_without_being_hashed) {
    static uint8_t packet[65000] = {0xf0, 0, 0, 0, 1, 0, 0};
    ck_assert(!verify((leat_span){packet, sizeof packet}, test_hex("0102030405060708")));
}
END_TEST

START_TEST(a_retry_that_does_not_fit_fails_the_writer) {
    uint8_t room[40];
    for (size_t size = 0; size < 5 + 2 + 2 + 1 + 16; size++) {
        leat_writer writer = leat_writer_make(room, size);
        leat_retry_write(&writer, LEAT_VERSION_1, test_hex("aa"), test_hex("bb"), test_hex("01"),
                         test_hex("0102030405060708"), 0);
        ck_assert(writer.failed);
    }
}
END_TEST

START_TEST(an_unknown_version_has_no_retry_tag) {
    uint8_t tag[LEAT_RETRY_TAG];
    ck_assert(!leat_retry_tag(0xfaceb00c, test_hex("01"), test_hex("f0"), tag));
}
END_TEST

LEAT_TEST_MAIN("quic/packet retry", the_retry_packet_agrees_with_the_rfc,
               a_retry_with_any_bit_flipped_is_refused,
               a_retry_for_another_original_dcid_is_refused, a_retry_cut_anywhere_is_refused,
               a_retry_without_a_token_is_refused_though_its_tag_is_right,
               a_huge_retry_is_refused_without_being_hashed,
               a_retry_that_does_not_fit_fails_the_writer, an_unknown_version_has_no_retry_tag,
               an_unknown_version_has_no_retry)
