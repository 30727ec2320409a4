/* Project Wycheproof through our own interface: signatures of peers. */
#include "crypto/signature.h"
#include "wycheproof.h"

/* Fields: msg sig; the group is the key as SubjectPublicKeyInfo. */
static void check_signature(const wycheproof_test *test, void *user) {
    uint16_t scheme = *(const uint16_t *)user;
    leat_public_key *key = leat_public_key_from_spki(test->group);
    ck_assert_ptr_nonnull(key);
    bool good = leat_public_key_verify(key, scheme, test->fields[0], test->fields[1]);
    /* "Acceptable" is one PKCS #1 signature that lacks a NULL; either answer will do. */
    bool fits = test->result == WYCHEPROOF_ACCEPTABLE || good == (test->result == WYCHEPROOF_VALID);
    ck_assert_msg(fits, "test %u", test->id);
    leat_public_key_free(key);
}

static void check_file(const char *name, size_t tests, uint16_t scheme) {
    wycheproof_each(name, tests, check_signature, &scheme);
}

START_TEST(ecdsa_p256_agrees_with_wycheproof) {
    check_file("ecdsa_secp256r1_sha256_test", 484, LEAT_SIG_ECDSA_P256_SHA256);
}
END_TEST

START_TEST(ecdsa_p384_agrees_with_wycheproof) {
    check_file("ecdsa_secp384r1_sha384_test", 504, LEAT_SIG_ECDSA_P384_SHA384);
}
END_TEST

START_TEST(ed25519_agrees_with_wycheproof) { check_file("ed25519_test", 151, LEAT_SIG_ED25519); }
END_TEST

START_TEST(rsa_pss_agrees_with_wycheproof) {
    check_file("rsa_pss_2048_sha256_mgf1_32_test", 108, LEAT_SIG_RSA_PSS_RSAE_SHA256);
    check_file("rsa_pss_2048_sha384_mgf1_48_test", 141, LEAT_SIG_RSA_PSS_RSAE_SHA384);
    check_file("rsa_pss_3072_sha256_mgf1_32_test", 108, LEAT_SIG_RSA_PSS_RSAE_SHA256);
    check_file("rsa_pss_4096_sha512_mgf1_64_test", 179, LEAT_SIG_RSA_PSS_RSAE_SHA512);
}
END_TEST

START_TEST(rsa_pkcs1_agrees_with_wycheproof) {
    check_file("rsa_signature_2048_sha256_test", 259, LEAT_SIG_RSA_PKCS1_SHA256);
    check_file("rsa_signature_3072_sha384_test", 259, LEAT_SIG_RSA_PKCS1_SHA384);
}
END_TEST

LEAT_TEST_MAIN("crypto wycheproof signature", ecdsa_p256_agrees_with_wycheproof,
               ecdsa_p384_agrees_with_wycheproof, ed25519_agrees_with_wycheproof,
               rsa_pss_agrees_with_wycheproof, rsa_pkcs1_agrees_with_wycheproof)
