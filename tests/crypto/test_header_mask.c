/* Header protection masks, with the samples of RFC 9001 Appendix A. */
#include "crypto/header_mask.h"
#include "leat_test.h"

static void check_mask(leat_aead_id id, const char *key, const char *sample, const char *mask) {
    uint8_t out[5];
    leat_header_mask *header_mask = leat_header_mask_new(id, test_hex(key).data);
    /* Twice: nothing of a sample may stay in the context. */
    ck_assert(
        leat_header_mask_make(header_mask, test_hex("00112233445566778899aabbccddeeff").data, out));
    ck_assert(leat_header_mask_make(header_mask, test_hex(sample).data, out));
    ck_assert_bytes(out, 5, mask);
    leat_header_mask_free(header_mask);
}

START_TEST(aes_masks_are_those_of_rfc_9001_appendix_a2_and_a3) {
    /* TEST RFC 9001 §5.4.3: the first bytes of the encrypted sample. */
    check_mask(LEAT_AES_128_GCM, "9f50449e04a0e810283a1e9933adedd2",
               "d1b1c98dd7689fb8ec11d242b123dc9b", "437b9aec36");
    check_mask(LEAT_AES_128_GCM, "c206b8d9b9f0f37644430b490eeaa314",
               "2cd0991cd25b0aac406a5816b6394100", "2ec0d8356a");
}
END_TEST

START_TEST(chacha20_masks_are_those_of_rfc_9001_appendix_a5) {
    /* TEST RFC 9001 §5.4.4: counter and nonce come from the sample. */
    check_mask(LEAT_CHACHA20_POLY1305,
               "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
               "5e5cd55c41f69080575d7999c25a5bfb", "aefefe7d03");
}
END_TEST

START_TEST(aes_256_uses_all_bytes_of_its_key) {
    /* FIPS 197 C.3: the first bytes of the example's ciphertext. */
    check_mask(LEAT_AES_256_GCM, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
               "00112233445566778899aabbccddeeff", "8ea2b7ca51");
}
END_TEST

LEAT_TEST_MAIN("crypto header_mask", aes_masks_are_those_of_rfc_9001_appendix_a2_and_a3,
               chacha20_masks_are_those_of_rfc_9001_appendix_a5, aes_256_uses_all_bytes_of_its_key)
