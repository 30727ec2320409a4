/* Project Wycheproof through our own interface: AEADs, HMAC and HKDF. */
#include "base/bytes.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "wycheproof.h"

#define ROOM 1024

/* Fields: key iv aad msg ct tag. Sequence number 0 leaves the IV as it is. */
static void check_aead(const wycheproof_test *test, void *user) {
    bool is_chacha20 = *(const bool *)user, valid = test->result == WYCHEPROOF_VALID;
    leat_span key = test->fields[0], aad = test->fields[2], message = test->fields[3];
    const uint8_t *iv = test->fields[1].data;
    leat_span sealed = test->fields[4], tag = test->fields[5];
    uint8_t data[ROOM + LEAT_AEAD_TAG];
    leat_aead_id id = is_chacha20        ? LEAT_CHACHA20_POLY1305
                      : key.length == 16 ? LEAT_AES_128_GCM
                                         : LEAT_AES_256_GCM;

    leat_aead *aead = leat_aead_new(id, key.data);
    ck_assert_ptr_nonnull(aead);
    ck_assert_uint_eq(key.length, leat_aead_key_size(id));
    ck_assert_uint_eq(tag.length, LEAT_AEAD_TAG);
    ck_assert_uint_le(sealed.length, ROOM);
    memcpy(data, sealed.data, sealed.length);
    memcpy(data + sealed.length, tag.data, tag.length);
    bool opened = leat_aead_open(aead, iv, 0, aad, data, sealed.length + LEAT_AEAD_TAG);
    ck_assert_msg(opened == valid, "test %u", test->id);
    ck_assert_msg(!valid || memcmp(data, message.data, message.length) == 0, "test %u", test->id);

    memcpy(data, message.data, message.length);
    ck_assert(leat_aead_seal(aead, iv, 0, aad, data, message.length));
    bool same = memcmp(data, sealed.data, sealed.length) == 0 &&
                memcmp(data + sealed.length, tag.data, tag.length) == 0;
    ck_assert_msg(!valid || same, "test %u", test->id);
    leat_aead_free(aead);
}

START_TEST(aes_gcm_agrees_with_wycheproof) {
    bool is_chacha20 = false;
    wycheproof_each("aes_gcm_test", 133, check_aead, &is_chacha20);
}
END_TEST

START_TEST(chacha20_poly1305_agrees_with_wycheproof) {
    bool is_chacha20 = true;
    wycheproof_each("chacha20_poly1305_test", 316, check_aead, &is_chacha20);
}
END_TEST

/* Fields: key msg tag; the tag may be a truncated one. */
static void check_hmac(const wycheproof_test *test, void *user) {
    leat_hash_id id = *(const leat_hash_id *)user;
    leat_span key = test->fields[0], message = test->fields[1], tag = test->fields[2];
    uint8_t mac[LEAT_HASH_MAX];
    ck_assert(leat_hmac(id, key.data, key.length, message.data, message.length, mac));
    ck_assert_uint_le(tag.length, leat_hash_size(id));
    bool valid = leat_constant_time_equal(mac, tag.data, tag.length);
    ck_assert_msg(valid == (test->result == WYCHEPROOF_VALID), "test %u", test->id);
}

START_TEST(hmac_sha256_agrees_with_wycheproof) {
    leat_hash_id id = LEAT_HASH_SHA256;
    wycheproof_each("hmac_sha256_test", 174, check_hmac, &id);
}
END_TEST

START_TEST(hmac_sha384_agrees_with_wycheproof) {
    leat_hash_id id = LEAT_HASH_SHA384;
    wycheproof_each("hmac_sha384_test", 174, check_hmac, &id);
}
END_TEST

#define HKDF_ROOM 16384

/* Fields: ikm salt info size okm. */
static void check_hkdf(const wycheproof_test *test, void *user) {
    static uint8_t out[HKDF_ROOM];
    leat_hash_id id = *(const leat_hash_id *)user;
    leat_span ikm = test->fields[0], salt = test->fields[1], info = test->fields[2],
              okm = test->fields[4];
    uint8_t prk[LEAT_HASH_MAX];
    size_t size = 0;
    for (size_t i = 0; i < test->fields[3].length; i++) {
        size = size << 8 | test->fields[3].data[i];
    }
    ck_assert_uint_le(size, sizeof out);
    ck_assert(leat_hkdf_extract(id, salt, ikm, prk));
    bool done = leat_hkdf_expand(id, prk, leat_hash_size(id), info, out, size);
    ck_assert_msg(done == (test->result == WYCHEPROOF_VALID), "test %u", test->id);
    ck_assert_msg(!done || (okm.length == size && memcmp(out, okm.data, size) == 0), "test %u",
                  test->id);
}

START_TEST(hkdf_sha256_agrees_with_wycheproof) {
    leat_hash_id id = LEAT_HASH_SHA256;
    wycheproof_each("hkdf_sha256_test", 86, check_hkdf, &id);
}
END_TEST

START_TEST(hkdf_sha384_agrees_with_wycheproof) {
    leat_hash_id id = LEAT_HASH_SHA384;
    wycheproof_each("hkdf_sha384_test", 83, check_hkdf, &id);
}
END_TEST

LEAT_TEST_MAIN("crypto wycheproof symmetric", aes_gcm_agrees_with_wycheproof,
               chacha20_poly1305_agrees_with_wycheproof, hmac_sha256_agrees_with_wycheproof,
               hmac_sha384_agrees_with_wycheproof, hkdf_sha256_agrees_with_wycheproof,
               hkdf_sha384_agrees_with_wycheproof)
