/* Project Wycheproof through our own interface: key exchange; ML-KEM where libcrypto has it. */
#include "crypto/kem.h"
#include "crypto/key_exchange.h"
#include "crypto/secret.h"
#include "wycheproof.h"

static bool is_zero(leat_span bytes) {
    for (size_t i = 0; i < bytes.length; i++) {
        if (bytes.data[i] != 0) {
            return false;
        }
    }
    return true;
}

/*
 * Fields: private public shared. "Acceptable" are X25519 keys of small order (RFC 8446 §7.4.2
 * refuses those whose secret is zero and takes the rest) and compressed points (RFC 8446 §4.2.8.2
 * refuses them; the share is then too short).
 */
static void check_ecdh(const wycheproof_test *test, void *user) {
    uint16_t group = *(const uint16_t *)user;
    leat_span shared = test->fields[2];
    uint8_t secret[LEAT_SHARED_SECRET_MAX];
    size_t length = 0;
    bool whole = test->fields[1].length == leat_group_client_share_size(group);
    bool expected = test->result != WYCHEPROOF_INVALID && whole && !is_zero(shared);
    bool agreed =
        leat_key_exchange_vector(group, test->fields[0], test->fields[1], secret, &length);
    ck_assert_msg(agreed == expected, "test %u", test->id);
    ck_assert_msg(!agreed || (length == shared.length && memcmp(secret, shared.data, length) == 0),
                  "test %u", test->id);
}

START_TEST(x25519_agrees_with_wycheproof) {
    uint16_t group = LEAT_GROUP_X25519;
    wycheproof_each("x25519_test", 518, check_ecdh, &group);
}
END_TEST

START_TEST(p256_agrees_with_wycheproof) {
    uint16_t group = LEAT_GROUP_P256;
    wycheproof_each("ecdh_secp256r1_ecpoint_test", 355, check_ecdh, &group);
}
END_TEST

START_TEST(p384_agrees_with_wycheproof) {
    uint16_t group = LEAT_GROUP_P384;
    wycheproof_each("ecdh_secp384r1_ecpoint_test", 790, check_ecdh, &group);
}
END_TEST

static bool skip_without_kem(void) {
    if (leat_kem_find() == NULL) {
        printf("# SKIP this libcrypto has no ML-KEM\n");
        return true;
    }
    return false;
}

/* Appends an X25519 share to a KEM part, whatever its length. */
static leat_span hybrid_share(leat_span kem_part, const uint8_t x25519[32], uint8_t *room) {
    memcpy(room, kem_part.data, kem_part.length);
    memcpy(room + kem_part.length, x25519, 32);
    return (leat_span){room, kem_part.length + 32};
}

/* Fields: ek. Our interface draws its own randomness, so that only acceptance can be compared. */
static void check_encapsulation(const wycheproof_test *test, void *user) {
    uint8_t room[4096], answer[LEAT_KEY_SHARE_MAX], secret[LEAT_SHARED_SECRET_MAX];
    size_t length;
    leat_span share = hybrid_share(test->fields[0], user, room);
    bool done =
        leat_key_exchange_respond(LEAT_GROUP_X25519MLKEM768, share, answer, secret, &length);
    ck_assert_msg(done == (test->result == WYCHEPROOF_VALID), "test %u", test->id);
}

START_TEST(the_hybrid_takes_and_refuses_encapsulation_keys_as_wycheproof_does) {
    /* TEST draft-ietf-tls-ecdhe-mlkem §4.2: the encapsulation key check of FIPS 203 §7.2. */
    uint8_t x25519[32];
    leat_key_exchange *client = leat_key_exchange_new(LEAT_GROUP_X25519, x25519);
    if (!skip_without_kem()) {
        wycheproof_each("mlkem_768_encaps_test", 265, check_encapsulation, x25519);
    }
    leat_key_exchange_free(client);
}
END_TEST

/* Fields: seed c K. A ciphertext of a wrong length makes a server's share of a wrong length. */
static void check_decapsulation(const wycheproof_test *test, void *user) {
    uint8_t encapsulation_key[LEAT_KEM_ENCAPSULATION_KEY], secret[LEAT_SHARED_SECRET_MAX],
        room[4096];
    leat_span ciphertext = test->fields[1], expected = test->fields[2];
    size_t length;
    if (ciphertext.length != LEAT_KEM_CIPHERTEXT) {
        leat_span share = hybrid_share(ciphertext, test->fields[0].data, room);
        ck_assert_msg(!leat_key_exchange_finish(user, share, secret, &length), "test %u", test->id);
        ck_assert_msg(test->result == WYCHEPROOF_INVALID, "test %u", test->id);
        return;
    }
    void *key = leat_kem_from_seed(test->fields[0].data, encapsulation_key);
    ck_assert_ptr_nonnull(key);
    ck_assert_msg(leat_kem_find()->decapsulate(key, ciphertext.data, secret), "test %u", test->id);
    ck_assert_msg(memcmp(secret, expected.data, LEAT_KEM_SECRET) == 0, "test %u", test->id);
    leat_kem_find()->free(key);
}

START_TEST(ml_kem_768_decapsulates_as_wycheproof_does) {
    uint8_t share[LEAT_KEY_SHARE_MAX];
    if (!skip_without_kem()) {
        leat_key_exchange *client = leat_key_exchange_new(LEAT_GROUP_X25519MLKEM768, share);
        wycheproof_each("mlkem_768_test", 173, check_decapsulation, client);
        leat_key_exchange_free(client);
    }
}
END_TEST

LEAT_TEST_MAIN("crypto wycheproof exchange", x25519_agrees_with_wycheproof,
               p256_agrees_with_wycheproof, p384_agrees_with_wycheproof,
               the_hybrid_takes_and_refuses_encapsulation_keys_as_wycheproof_does,
               ml_kem_768_decapsulates_as_wycheproof_does)
