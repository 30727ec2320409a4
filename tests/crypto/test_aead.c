/* Packet AEADs: nonces, both directions of one key, and refusal of everything that was touched. */
#include "crypto/aead.h"
#include "leat_test.h"

static const uint8_t key[LEAT_AEAD_KEY_MAX] = {1, 2, 3, 4};
static const uint8_t iv[LEAT_AEAD_NONCE] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2};
static const leat_span aad = {(const uint8_t *)"header", 6};
static const leat_span nothing = {NULL, 0};

static const leat_aead_id every_id[] = {LEAT_AES_128_GCM, LEAT_AES_256_GCM, LEAT_CHACHA20_POLY1305};
#define FOR_EVERY_ID(id)                                                                           \
    for (size_t id##_ = 0, id = every_id[0]; id##_ < 3; id##_++, id = every_id[id##_ % 3])

START_TEST(what_is_sealed_opens_again_with_the_same_key) {
    FOR_EVERY_ID(id) {
        leat_aead *aead = leat_aead_new((leat_aead_id)id, key);
        for (uint64_t sequence = 0; sequence < 3; sequence++) {
            uint8_t data[5 + LEAT_AEAD_TAG] = "hello";
            ck_assert(leat_aead_seal(aead, iv, sequence, aad, data, 5));
            ck_assert(memcmp(data, "hello", 5) != 0);
            ck_assert(leat_aead_open(aead, iv, sequence, aad, data, sizeof data));
            ck_assert(memcmp(data, "hello", 5) == 0);
        }
        leat_aead_free(aead);
    }
}
END_TEST

START_TEST(the_sequence_number_is_xored_into_the_end_of_the_iv) {
    /* TEST RFC 9001 §5.3: nonce = IV XOR the packet number, padded on the left. */
    uint8_t shifted[LEAT_AEAD_NONCE];
    uint64_t sequence = UINT64_C(0x0102030405060708);
    memcpy(shifted, iv, sizeof shifted);
    for (size_t i = 0; i < 8; i++) {
        shifted[4 + i] ^= (uint8_t)(i + 1);
    }
    leat_aead *aead = leat_aead_new(LEAT_AES_128_GCM, key);
    uint8_t one[3 + LEAT_AEAD_TAG] = "abc", other[3 + LEAT_AEAD_TAG] = "abc";
    ck_assert(leat_aead_seal(aead, iv, sequence, nothing, one, 3));
    ck_assert(leat_aead_seal(aead, shifted, 0, nothing, other, 3));
    ck_assert_mem_eq(one, other, sizeof one);
    leat_aead_free(aead);
}
END_TEST

START_TEST(every_flipped_bit_is_refused) {
    FOR_EVERY_ID(id) {
        leat_aead *aead = leat_aead_new((leat_aead_id)id, key);
        uint8_t sealed[4 + LEAT_AEAD_TAG] = "data";
        ck_assert(leat_aead_seal(aead, iv, 7, aad, sealed, 4));
        for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
            uint8_t copy[sizeof sealed];
            memcpy(copy, sealed, sizeof copy);
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
            ck_assert(!leat_aead_open(aead, iv, 7, aad, copy, sizeof copy));
        }
        ck_assert(leat_aead_open(aead, iv, 7, aad, sealed, sizeof sealed));
        leat_aead_free(aead);
    }
}
END_TEST

START_TEST(another_header_or_another_sequence_number_is_refused) {
    leat_aead *aead = leat_aead_new(LEAT_AES_128_GCM, key);
    uint8_t sealed[4 + LEAT_AEAD_TAG] = "data", copy[sizeof sealed];
    ck_assert(leat_aead_seal(aead, iv, 7, aad, sealed, 4));
    memcpy(copy, sealed, sizeof copy);
    ck_assert(!leat_aead_open(aead, iv, 8, aad, copy, sizeof copy));
    memcpy(copy, sealed, sizeof copy);
    ck_assert(!leat_aead_open(aead, iv, 7, nothing, copy, sizeof copy));
    leat_aead_free(aead);
}
END_TEST

START_TEST(an_empty_plaintext_is_a_tag_over_the_header) {
    FOR_EVERY_ID(id) {
        leat_aead *aead = leat_aead_new((leat_aead_id)id, key);
        uint8_t tag[LEAT_AEAD_TAG];
        ck_assert(leat_aead_seal(aead, iv, 1, aad, tag, 0));
        ck_assert(leat_aead_open(aead, iv, 1, aad, tag, sizeof tag));
        tag[0] ^= 1;
        ck_assert(!leat_aead_open(aead, iv, 1, aad, tag, sizeof tag));
        leat_aead_free(aead);
    }
}
END_TEST

START_TEST(fewer_bytes_than_a_tag_are_refused) {
    leat_aead *aead = leat_aead_new(LEAT_AES_128_GCM, key);
    uint8_t data[LEAT_AEAD_TAG] = {0};
    for (size_t length = 0; length < sizeof data; length++) {
        ck_assert(!leat_aead_open(aead, iv, 0, nothing, data, length));
    }
    leat_aead_free(aead);
}
END_TEST

LEAT_TEST_MAIN("crypto aead", what_is_sealed_opens_again_with_the_same_key,
               the_sequence_number_is_xored_into_the_end_of_the_iv, every_flipped_bit_is_refused,
               another_header_or_another_sequence_number_is_refused,
               an_empty_plaintext_is_a_tag_over_the_header, fewer_bytes_than_a_tag_are_refused)
