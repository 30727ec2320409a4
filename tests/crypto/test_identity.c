/* Loading, making and writing identities, and the sentences about what is wrong. */
#include "crypto/signature.h"
#include "crypto/x509.h"
#include "fixture.h"

#define DAY INT64_C(86400)

static leat_span join(leat_span a, leat_span b) {
    static uint8_t room[32768];
    memcpy(room, a.data, a.length);
    memcpy(room + a.length, b.data, b.length);
    return (leat_span){room, a.length + b.length};
}

static leat_identity *load(leat_span certificate, leat_span key, const char *password) {
    char message[LEAT_MESSAGE_MAX];
    leat_identity *identity = leat_identity_from_pem(certificate, key, password, message);
    ck_assert_msg(identity != NULL, "%s", message);
    return identity;
}

static void check_refusal(leat_span certificate, leat_span key, const char *password,
                          const char *part_of_message) {
    char message[LEAT_MESSAGE_MAX] = "";
    ck_assert_ptr_null(leat_identity_from_pem(certificate, key, password, message));
    ck_assert_msg(strstr(message, part_of_message) != NULL, "%s", message);
}

static const leat_span empty = {NULL, 0};
static const leat_span prose = {(const uint8_t *)"not a certificate", 17};

START_TEST(a_chain_is_loaded_leaf_first) {
    leat_identity *identity = load(join(fixture_pem("server.pem"), fixture_pem("intermediate.pem")),
                                   fixture_pem("server.key"), NULL);
    leat_span leaf = fixture_der("server.pem"), issuer = fixture_der("intermediate.pem");
    ck_assert_uint_eq(leat_identity_chain_length(identity), 2);
    ck_assert_mem_eq(leat_identity_chain_der(identity, 0).data, leaf.data, leaf.length);
    ck_assert_mem_eq(leat_identity_chain_der(identity, 1).data, issuer.data, issuer.length);
    ck_assert_uint_eq(leat_identity_chain_der(identity, 2).length, 0);
    leat_identity_free(identity);
}
END_TEST

START_TEST(the_key_may_stand_in_front_of_or_behind_the_certificates) {
    leat_identity_free(
        load(join(fixture_pem("server.pem"), fixture_pem("server.key")), empty, NULL));
    leat_identity_free(
        load(join(fixture_pem("server.key"), fixture_pem("server.pem")), empty, NULL));
}
END_TEST

START_TEST(an_encrypted_key_needs_the_right_password) {
    leat_span certificate = fixture_pem("server.pem"), key = fixture_pem("server-encrypted.key");
    leat_identity_free(load(certificate, key, "secret"));
    check_refusal(certificate, key, NULL, "is encrypted: give its password");
    check_refusal(certificate, key, "wrong", "is the password right?");
}
END_TEST

START_TEST(each_mistake_has_its_own_sentence) {
    leat_span certificate = fixture_pem("server.pem"), key = fixture_pem("server.key");
    check_refusal(empty, key, NULL, "the certificate is empty");
    check_refusal(prose, key, NULL, "the certificate is not PEM");
    check_refusal(fixture_der("server.pem"), key, NULL, "-inform DER");
    check_refusal(key, key, NULL, "holds no certificate");
    check_refusal(certificate, empty, NULL, "there is no private key");
    check_refusal(certificate, prose, NULL, "the private key is not PEM");
    check_refusal(certificate, certificate, NULL, "there is no private key");
    check_refusal(certificate, fixture_pem("client.key"), NULL,
                  "does not belong to the certificate");
    check_refusal(join(fixture_pem("intermediate.pem"), certificate), key, NULL,
                  "belongs to certificate 2");
    check_refusal(fixture_pem("rsa-1024.pem"), fixture_pem("rsa-1024.key"), NULL,
                  "fewer than 2048 bits");
    check_refusal(fixture_pem("p521.pem"), fixture_pem("p521.key"), NULL,
                  "is of a kind that is not supported");
}
END_TEST

START_TEST(damaged_text_is_refused_wherever_it_is_cut) {
    leat_span certificate = fixture_pem("server.pem"), key = fixture_pem("server.key");
    for (size_t length = 0; length + 2 < certificate.length; length++) {
        char message[LEAT_MESSAGE_MAX] = "";
        ck_assert_ptr_null(
            leat_identity_from_pem((leat_span){certificate.data, length}, key, NULL, message));
        ck_assert_str_ne(message, "");
    }
    for (size_t length = 0; length + 2 < key.length; length++) {
        char message[LEAT_MESSAGE_MAX] = "";
        ck_assert_ptr_null(
            leat_identity_from_pem(certificate, (leat_span){key.data, length}, NULL, message));
        ck_assert_str_ne(message, "");
    }
}
END_TEST

START_TEST(a_chain_that_is_too_long_is_refused) {
    leat_span text = fixture_pem("server.pem"), more = fixture_pem("intermediate.pem");
    for (size_t i = 0; i < LEAT_X509_CHAIN_MAX - 1; i++) {
        text = join(text, more);
    }
    leat_identity_free(load(text, fixture_pem("server.key"), NULL));
    check_refusal(join(text, more), fixture_pem("server.key"), NULL, "chain is too long");
}
END_TEST

START_TEST(what_is_written_as_pem_loads_as_the_same_identity) {
    char text[8192], again[8192];
    leat_identity *identity = load(join(fixture_pem("server.pem"), fixture_pem("intermediate.pem")),
                                   fixture_pem("server.key"), NULL);
    size_t length = leat_identity_to_pem(identity, text, sizeof text);
    ck_assert_uint_eq(length, strlen(text));
    leat_identity *copy = load((leat_span){(uint8_t *)text, length}, empty, NULL);
    ck_assert_uint_eq(leat_identity_to_pem(copy, again, sizeof again), length);
    ck_assert_str_eq(text, again);
    leat_identity_free(copy);
    leat_identity_free(identity);
}
END_TEST

START_TEST(pem_is_cut_to_the_room_and_its_whole_length_returned) {
    char text[11] = "xxxxxxxxxx";
    leat_identity *identity = fixture_identity("server");
    size_t length = leat_identity_to_pem(identity, NULL, 0);
    ck_assert_uint_gt(length, 800);
    ck_assert_uint_eq(leat_identity_to_pem(identity, text, 6), length);
    ck_assert_str_eq(text, "-----");
    ck_assert_int_eq(text[6], 'x');
    leat_identity_free(identity);
}
END_TEST

static leat_identity *make(const char *const *names, size_t count, int64_t not_before,
                           int64_t not_after) {
    char message[LEAT_MESSAGE_MAX];
    leat_identity *identity =
        leat_identity_self_signed(names, count, not_before, not_after, message);
    ck_assert_msg(identity != NULL, "%s", message);
    return identity;
}

static const char *const local_names[] = {"localhost", "*.dev.test", "127.0.0.1", "::1"};

START_TEST(a_self_signed_identity_has_the_names_and_times_it_was_given) {
    leat_identity *identity = make(local_names, 4, FIXTURE_NOW, FIXTURE_NOW + 10 * DAY);
    ck_assert_int_eq(leat_identity_not_before(identity), FIXTURE_NOW);
    ck_assert_int_eq(leat_identity_not_after(identity), FIXTURE_NOW + 10 * DAY);
    ck_assert(leat_identity_matches(identity, "localhost"));
    ck_assert(leat_identity_matches(identity, "LOCALHOST"));
    ck_assert(leat_identity_matches(identity, "a.dev.test"));
    ck_assert(leat_identity_matches(identity, "127.0.0.1"));
    ck_assert(leat_identity_matches(identity, "0:0:0:0:0:0:0:1"));
    ck_assert(!leat_identity_matches(identity, "127.0.0.2"));
    ck_assert(!leat_identity_matches(identity, "a.b.dev.test"));
    leat_identity_free(identity);
}
END_TEST

START_TEST(a_self_signed_identity_is_what_a_client_that_is_given_it_accepts) {
    char pem[8192], message[LEAT_MESSAGE_MAX];
    leat_identity *identity = make(local_names, 4, FIXTURE_NOW, FIXTURE_NOW + 10 * DAY);
    size_t length = leat_identity_to_pem(identity, pem, sizeof pem);
    leat_trust *trust = leat_trust_from_pem((leat_span){(uint8_t *)pem, length}, message);
    leat_span chain = leat_identity_chain_der(identity, 0);
    ck_assert_int_eq(
        leat_trust_verify(trust, &chain, 1, "127.0.0.1", true, FIXTURE_NOW + DAY, message, NULL),
        LEAT_X509_OK);
    ck_assert_int_eq(
        leat_trust_verify(trust, &chain, 1, "127.0.0.1", true, FIXTURE_NOW - 1, message, NULL),
        LEAT_X509_EXPIRED);
    leat_trust_free(trust);
    leat_identity_free(identity);
}
END_TEST

START_TEST(a_self_signed_identity_signs_with_p256) {
    static const uint16_t schemes[] = {LEAT_SIG_ECDSA_P256_SHA256};
    leat_identity *identity = make(local_names, 4, FIXTURE_NOW, FIXTURE_NOW + DAY);
    ck_assert_uint_eq(leat_identity_choose_scheme(identity, schemes, 1),
                      LEAT_SIG_ECDSA_P256_SHA256);
    leat_identity_free(identity);
}
END_TEST

START_TEST(two_self_signed_identities_differ_in_key_and_hash) {
    uint8_t one[32], other[32];
    leat_identity *a = make(local_names, 1, FIXTURE_NOW, FIXTURE_NOW + DAY);
    leat_identity *b = make(local_names, 1, FIXTURE_NOW, FIXTURE_NOW + DAY);
    leat_identity_hash(a, one);
    leat_identity_hash(b, other);
    ck_assert_mem_ne(one, other, 32);
    leat_identity_free(a);
    leat_identity_free(b);
}
END_TEST

static void check_cannot_make(const char *name, size_t count, int64_t seconds,
                              const char *part_of_message) {
    char message[LEAT_MESSAGE_MAX] = "";
    ck_assert_ptr_null(
        leat_identity_self_signed(&name, count, FIXTURE_NOW, FIXTURE_NOW + seconds, message));
    ck_assert_msg(strstr(message, part_of_message) != NULL, "%s", message);
}

START_TEST(a_self_signed_identity_refuses_names_that_are_none) {
    check_cannot_make("two words", 1, DAY, "neither a DNS name nor an IP address");
    check_cannot_make("", 1, DAY, "neither a DNS name nor an IP address");
    check_cannot_make("a*b.dev.test", 1, DAY, "neither a DNS name nor an IP address");
    check_cannot_make("*.test", 1, DAY, "neither a DNS name nor an IP address");
    check_cannot_make("localhost", 0, DAY, "names");
    check_cannot_make("localhost", 1, 0, "end before it begins");
}
END_TEST

START_TEST(the_hash_is_the_sha256_of_the_leaf) {
    uint8_t hash[32];
    leat_identity *identity = fixture_identity("server");
    leat_identity_hash(identity, hash);
    /* openssl x509 -in server.pem -noout -fingerprint -sha256 */
    ck_assert_bytes(hash, 32, "3ed2f430ac21c91c48efd566c357c0b8bc9122f1a006084973a14e61f7b83fd9");
    leat_identity_free(identity);
}
END_TEST

START_TEST(an_identity_lives_as_long_as_its_last_reference) {
    leat_identity *identity = fixture_identity("server");
    ck_assert_ptr_eq(leat_identity_ref(identity), identity);
    leat_identity_free(identity);
    ck_assert(leat_identity_matches(identity, "example.com"));
    leat_identity_free(identity);
    leat_identity_free(NULL);
}
END_TEST

LEAT_TEST_MAIN("crypto identity", a_chain_is_loaded_leaf_first,
               the_key_may_stand_in_front_of_or_behind_the_certificates,
               an_encrypted_key_needs_the_right_password, each_mistake_has_its_own_sentence,
               damaged_text_is_refused_wherever_it_is_cut, a_chain_that_is_too_long_is_refused,
               what_is_written_as_pem_loads_as_the_same_identity,
               pem_is_cut_to_the_room_and_its_whole_length_returned,
               a_self_signed_identity_has_the_names_and_times_it_was_given,
               a_self_signed_identity_is_what_a_client_that_is_given_it_accepts,
               a_self_signed_identity_signs_with_p256,
               two_self_signed_identities_differ_in_key_and_hash,
               a_self_signed_identity_refuses_names_that_are_none,
               the_hash_is_the_sha256_of_the_leaf, an_identity_lives_as_long_as_its_last_reference)
