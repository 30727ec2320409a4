/*
 * Hashes, running hashes and HKDF-Expand-Label; HMAC and HKDF themselves are tested with
 * Wycheproof.
 */
#include "crypto/hash.h"
#include "leat_test.h"

START_TEST(sha256_and_sha384_of_abc_are_those_of_fips_180) {
    uint8_t digest[LEAT_HASH_MAX];
    ck_assert(leat_hash_once(LEAT_HASH_SHA256, "abc", 3, digest));
    ck_assert_bytes(digest, 32,
                    "ba7816bf 8f01cfea 414140de 5dae2223 b00361a3 96177a9c b410ff61 f20015ad");
    ck_assert(leat_hash_once(LEAT_HASH_SHA384, "abc", 3, digest));
    ck_assert_bytes(digest, 48,
                    "cb00753f45a35e8b b5a03d699ac65007 272c32ab0eded163 1a8b605a43ff5bed "
                    "8086072ba1e7cc23 58baeca134c825a7");
}
END_TEST

START_TEST(parts_hash_like_their_concatenation) {
    leat_span parts[] = {{(const uint8_t *)"a", 1}, {NULL, 0}, {(const uint8_t *)"bc", 2}};
    uint8_t one[32], other[32];
    ck_assert(leat_hash_parts(LEAT_HASH_SHA256, parts, 3, one));
    ck_assert(leat_hash_once(LEAT_HASH_SHA256, "abc", 3, other));
    ck_assert_mem_eq(one, other, 32);
}
END_TEST

START_TEST(a_running_hash_goes_on_after_it_was_read) {
    uint8_t digest[32], expected[32];
    leat_hash *hash = leat_hash_new(LEAT_HASH_SHA256);
    ck_assert(leat_hash_update(hash, "a", 1));
    ck_assert(leat_hash_peek(hash, digest));
    ck_assert(leat_hash_once(LEAT_HASH_SHA256, "a", 1, expected));
    ck_assert_mem_eq(digest, expected, 32);
    ck_assert(leat_hash_update(hash, "bc", 2));
    ck_assert(leat_hash_peek(hash, digest) && leat_hash_peek(hash, digest));
    ck_assert(leat_hash_once(LEAT_HASH_SHA256, "abc", 3, expected));
    ck_assert_mem_eq(digest, expected, 32);
    leat_hash_free(hash);
}
END_TEST

START_TEST(expand_label_gives_the_initial_secrets_and_keys_of_rfc_9001) {
    /* TEST RFC 9001 §A.1: labels without and with the length of a key, an IV and a secret. */
    leat_span salt = test_hex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
              cid = test_hex("8394c8f03e515708"), none = {NULL, 0};
    uint8_t initial[32], client[32], key[16], iv[12];
    ck_assert(leat_hkdf_extract(LEAT_HASH_SHA256, salt, cid, initial));
    ck_assert(leat_hkdf_expand_label(LEAT_HASH_SHA256, initial, "client in", none, client, 32));
    ck_assert_bytes(client, 32, "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea");
    ck_assert(leat_hkdf_expand_label(LEAT_HASH_SHA256, client, "quic key", none, key, 16));
    ck_assert_bytes(key, 16, "1f369613dd76d5467730efcbe3b1a22d");
    ck_assert(leat_hkdf_expand_label(LEAT_HASH_SHA256, client, "quic iv", none, iv, 12));
    ck_assert_bytes(iv, 12, "fa044b2f42a3fd3b46fb255c");
}
END_TEST

START_TEST(expand_label_refuses_a_label_or_context_that_does_not_fit_its_length_byte) {
    char label[256];
    uint8_t secret[32] = {0}, context[256] = {0}, out[32];
    memset(label, 'x', sizeof label);
    label[250] = '\0';
    ck_assert(
        !leat_hkdf_expand_label(LEAT_HASH_SHA256, secret, label, (leat_span){NULL, 0}, out, 32));
    label[249] = '\0';
    ck_assert(
        leat_hkdf_expand_label(LEAT_HASH_SHA256, secret, label, (leat_span){NULL, 0}, out, 32));
    ck_assert(
        !leat_hkdf_expand_label(LEAT_HASH_SHA256, secret, "a", (leat_span){context, 256}, out, 32));
    ck_assert(
        leat_hkdf_expand_label(LEAT_HASH_SHA256, secret, "a", (leat_span){context, 255}, out, 32));
}
END_TEST

START_TEST(a_secret_can_be_expanded_into_itself) {
    /* A key update replaces the secret it was made from. */
    uint8_t one[32] = {1}, other[32];
    leat_span none = {NULL, 0};
    ck_assert(leat_hkdf_expand_label(LEAT_HASH_SHA256, one, "quic ku", none, other, 32));
    ck_assert(leat_hkdf_expand_label(LEAT_HASH_SHA256, one, "quic ku", none, one, 32));
    ck_assert_mem_eq(one, other, 32);
}
END_TEST

LEAT_TEST_MAIN("crypto hash", sha256_and_sha384_of_abc_are_those_of_fips_180,
               parts_hash_like_their_concatenation, a_running_hash_goes_on_after_it_was_read,
               expand_label_gives_the_initial_secrets_and_keys_of_rfc_9001,
               expand_label_refuses_a_label_or_context_that_does_not_fit_its_length_byte,
               a_secret_can_be_expanded_into_itself)
