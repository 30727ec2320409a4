/*
 * Signing and verifying with our own identities: which key goes with which scheme. Foreign
 * signatures: Wycheproof.
 */
#include "crypto/signature.h"

#include "crypto/x509.h"
#include "fixture.h"

static const leat_span message = {(const uint8_t *)"the transcript", 14};

typedef struct key_and_scheme {
    const char *name;
    uint16_t scheme;
} key_and_scheme;

static const key_and_scheme fitting[] = {
    {"server", LEAT_SIG_ECDSA_P256_SHA256},
    {"p384", LEAT_SIG_ECDSA_P384_SHA384},
    {"ed25519", LEAT_SIG_ED25519},
    {"rsa", LEAT_SIG_RSA_PSS_RSAE_SHA256},
    {"rsa", LEAT_SIG_RSA_PSS_RSAE_SHA384},
    {"rsa", LEAT_SIG_RSA_PSS_RSAE_SHA512},
    {"rsa-pss", LEAT_SIG_RSA_PSS_PSS_SHA256},
    {"rsa-pss", LEAT_SIG_RSA_PSS_PSS_SHA384},
    {"rsa-pss", LEAT_SIG_RSA_PSS_PSS_SHA512},
};
#define FITTING (sizeof fitting / sizeof fitting[0])

static bool fits(const char *name, uint16_t scheme) {
    for (size_t i = 0; i < FITTING; i++) {
        if (strcmp(fitting[i].name, name) == 0 && fitting[i].scheme == scheme) {
            return true;
        }
    }
    return false;
}

static leat_public_key *public_key_of(const leat_identity *identity) {
    leat_x509_status status;
    leat_public_key *key = leat_x509_public_key(leat_identity_chain_der(identity, 0), &status);
    ck_assert_int_eq(status, LEAT_X509_OK);
    return key;
}

START_TEST(every_kind_of_key_signs_with_its_schemes_and_verifies) {
    for (size_t i = 0; i < FITTING; i++) {
        uint8_t signature[LEAT_SIGNATURE_MAX];
        size_t length;
        leat_identity *identity = fixture_identity(fitting[i].name);
        leat_public_key *key = public_key_of(identity);
        ck_assert(leat_identity_sign(identity, fitting[i].scheme, message, signature, &length));
        ck_assert(leat_public_key_verify(key, fitting[i].scheme, message,
                                         (leat_span){signature, length}));
        signature[length - 1] ^= 1;
        ck_assert(!leat_public_key_verify(key, fitting[i].scheme, message,
                                          (leat_span){signature, length}));
        leat_public_key_free(key);
        leat_identity_free(identity);
    }
}
END_TEST

START_TEST(a_key_never_signs_with_a_scheme_of_another_kind) {
    /* TEST RFC 8446 §4.2.3: the curve, and RSA or RSASSA-PSS keys, are part of the scheme. */
    size_t count;
    const uint16_t *schemes = leat_signature_schemes(&count);
    for (size_t i = 0; i < FITTING; i++) {
        leat_identity *identity = fixture_identity(fitting[i].name);
        for (size_t j = 0; j < count; j++) {
            uint8_t signature[LEAT_SIGNATURE_MAX];
            size_t length;
            bool done = leat_identity_sign(identity, schemes[j], message, signature, &length);
            ck_assert_msg(done == fits(fitting[i].name, schemes[j]), "%s %04x", fitting[i].name,
                          schemes[j]);
        }
        leat_identity_free(identity);
    }
}
END_TEST

START_TEST(a_good_signature_is_refused_under_the_scheme_of_another_hash) {
    uint8_t signature[LEAT_SIGNATURE_MAX];
    size_t length;
    leat_identity *identity = fixture_identity("rsa");
    leat_public_key *key = public_key_of(identity);
    ck_assert(
        leat_identity_sign(identity, LEAT_SIG_RSA_PSS_RSAE_SHA256, message, signature, &length));
    leat_span span = {signature, length};
    ck_assert(leat_public_key_verify(key, LEAT_SIG_RSA_PSS_RSAE_SHA256, message, span));
    ck_assert(!leat_public_key_verify(key, LEAT_SIG_RSA_PSS_RSAE_SHA384, message, span));
    ck_assert(!leat_public_key_verify(key, LEAT_SIG_RSA_PSS_PSS_SHA256, message, span));
    ck_assert(!leat_public_key_verify(key, LEAT_SIG_RSA_PKCS1_SHA256, message, span));
    leat_public_key_free(key);
    leat_identity_free(identity);
}
END_TEST

START_TEST(the_first_scheme_of_the_peer_that_fits_is_chosen) {
    static const uint16_t peer[] = {0x0201, LEAT_SIG_RSA_PKCS1_SHA256, LEAT_SIG_RSA_PSS_RSAE_SHA512,
                                    LEAT_SIG_RSA_PSS_RSAE_SHA256, LEAT_SIG_ECDSA_P256_SHA256};
    leat_identity *rsa = fixture_identity("rsa"), *p256 = fixture_identity("server"),
                  *p384 = fixture_identity("p384");
    ck_assert_uint_eq(leat_identity_choose_scheme(rsa, peer, 5), LEAT_SIG_RSA_PSS_RSAE_SHA512);
    ck_assert_uint_eq(leat_identity_choose_scheme(p256, peer, 5), LEAT_SIG_ECDSA_P256_SHA256);
    ck_assert_uint_eq(leat_identity_choose_scheme(p384, peer, 5), 0);
    leat_identity_free(rsa);
    leat_identity_free(p256);
    leat_identity_free(p384);
}
END_TEST

START_TEST(pkcs1_is_offered_for_certificates_only) {
    /* TEST RFC 8446 §4.2.3: not in CertificateVerify. */
    size_t count, cert_count;
    const uint16_t *schemes = leat_signature_schemes(&count),
                   *cert = leat_signature_cert_schemes(&cert_count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_ne(schemes[i] & 0xff, 1);
        ck_assert_uint_eq(schemes[i], cert[i]);
    }
    ck_assert_uint_eq(cert_count, count + 3);
}
END_TEST

START_TEST(keys_that_are_too_small_or_on_another_curve_are_not_supported) {
    leat_x509_status status = LEAT_X509_OK;
    ck_assert_ptr_null(leat_x509_public_key(fixture_der("rsa-1024.pem"), &status));
    ck_assert_int_eq(status, LEAT_X509_UNSUPPORTED);
    ck_assert_ptr_null(leat_x509_public_key(fixture_der("p521.pem"), &status));
    ck_assert_int_eq(status, LEAT_X509_UNSUPPORTED);
}
END_TEST

LEAT_TEST_MAIN("crypto signature", every_kind_of_key_signs_with_its_schemes_and_verifies,
               a_key_never_signs_with_a_scheme_of_another_kind,
               a_good_signature_is_refused_under_the_scheme_of_another_hash,
               the_first_scheme_of_the_peer_that_fits_is_chosen,
               pkcs1_is_offered_for_certificates_only,
               keys_that_are_too_small_or_on_another_curve_are_not_supported)
