/* Verifying the chain of a peer: roots, names, purpose, time, bounds and pinned hashes. */
#include "crypto/x509.h"
#include "fixture.h"

#define DAY INT64_C(86400)

typedef struct verify_case {
    const char *leaf, *intermediate; /* files; intermediate may be NULL */
    const char *root;
    const char *host;
    bool peer_is_client;
    int64_t now; /* 0: FIXTURE_NOW */
} verify_case;

static leat_x509_status verify(verify_case c) {
    char message[LEAT_MESSAGE_MAX] = "untouched";
    leat_span chain[2] = {fixture_der(c.leaf)};
    leat_trust *trust = fixture_trust(c.root == NULL ? "root" : c.root);
    size_t count = c.intermediate == NULL ? 1 : 2;
    if (c.intermediate != NULL) {
        chain[1] = fixture_der(c.intermediate);
    }
    leat_x509_status status = leat_trust_verify(trust, chain, count, c.host, !c.peer_is_client,
                                                c.now == 0 ? FIXTURE_NOW : c.now, message, NULL);
    ck_assert_msg((status == LEAT_X509_OK) == (message[0] == '\0'), "%s", message);
    leat_trust_free(trust);
    return status;
}

#define SERVER .leaf = "server.pem", .intermediate = "intermediate.pem"
#define CLIENT .leaf = "client.pem", .intermediate = "intermediate.pem", .peer_is_client = true
#define ck_assert_verify(expected, ...)                                                            \
    ck_assert_int_eq(verify((verify_case){__VA_ARGS__}), expected)

START_TEST(a_chain_with_an_intermediate_is_accepted) {
    ck_assert_verify(LEAT_X509_OK, SERVER, .host = "example.com");
}
END_TEST

START_TEST(an_intermediate_that_is_trusted_itself_is_enough) {
    ck_assert_verify(LEAT_X509_OK, .leaf = "server.pem", .root = "intermediate",
                     .host = "example.com");
}
END_TEST

START_TEST(a_missing_intermediate_is_an_unknown_ca) {
    ck_assert_verify(LEAT_X509_UNKNOWN_CA, .leaf = "server.pem", .host = "example.com");
}
END_TEST

START_TEST(another_root_is_an_unknown_ca) {
    ck_assert_verify(LEAT_X509_UNKNOWN_CA, SERVER, .root = "other-root", .host = "example.com");
}
END_TEST

START_TEST(a_chain_is_valid_only_between_its_times) {
    ck_assert_verify(LEAT_X509_EXPIRED, SERVER, .host = "example.com", .now = FIXTURE_AFTER);
    ck_assert_verify(LEAT_X509_EXPIRED, SERVER, .host = "example.com", .now = FIXTURE_BEFORE);
}
END_TEST

START_TEST(names_are_matched_without_regard_to_case) {
    ck_assert_verify(LEAT_X509_OK, SERVER, .host = "EXAMPLE.com");
    ck_assert_verify(LEAT_X509_NAME, SERVER, .host = "other.com");
    ck_assert_verify(LEAT_X509_NAME, SERVER, .host = "sub.example.com");
    ck_assert_verify(LEAT_X509_NAME, SERVER, .host = "");
    ck_assert_verify(LEAT_X509_NAME, SERVER, .host = NULL);
}
END_TEST

START_TEST(a_wildcard_stands_for_exactly_one_whole_label) {
    /* TEST RFC 9525 §6.3: only the complete left-most label. */
    ck_assert_verify(LEAT_X509_OK, SERVER, .host = "a.wild.example.com");
    ck_assert_verify(LEAT_X509_NAME, SERVER, .host = "a.b.wild.example.com");
    ck_assert_verify(LEAT_X509_NAME, SERVER, .host = "wild.example.com");
    ck_assert_verify(LEAT_X509_NAME, SERVER, .host = "foo.part.example.com");
}
END_TEST

START_TEST(the_common_name_is_never_looked_at) {
    /* TEST RFC 9525 §2: the subjects are server and client.example.com; the latter has no SAN. */
    ck_assert_verify(LEAT_X509_NAME, SERVER, .host = "server.example.com");
    ck_assert_verify(LEAT_X509_NAME, CLIENT, .host = "client.example.com");
}
END_TEST

START_TEST(an_ip_address_matches_an_ip_name_only) {
    ck_assert_verify(LEAT_X509_OK, SERVER, .host = "192.0.2.1");
    ck_assert_verify(LEAT_X509_OK, SERVER, .host = "2001:db8::1");
    ck_assert_verify(LEAT_X509_NAME, SERVER, .host = "192.0.2.2");
    /* This one stands in the certificate as a DNS name. */
    ck_assert_verify(LEAT_X509_NAME, SERVER, .host = "192.0.2.9");
}
END_TEST

START_TEST(the_extended_key_usage_must_allow_the_role_of_the_peer) {
    ck_assert_verify(LEAT_X509_OK, CLIENT);
    ck_assert_verify(LEAT_X509_PURPOSE, .leaf = "client.pem", .intermediate = "intermediate.pem");
    ck_assert_verify(LEAT_X509_PURPOSE, SERVER, .peer_is_client = true);
}
END_TEST

START_TEST(a_key_usage_without_signatures_is_refused) {
    /* TEST RFC 8446 §4.4.2.2: the key has to sign. */
    ck_assert_verify(LEAT_X509_PURPOSE, .leaf = "no-signature.pem", .host = "example.com");
}
END_TEST

START_TEST(a_server_certificate_cannot_issue_another) {
    ck_assert_verify(LEAT_X509_UNKNOWN_CA, .leaf = "below-server.pem", .intermediate = "server.pem",
                     .root = "intermediate", .host = "example.com");
}
END_TEST

START_TEST(weak_keys_and_weak_hashes_are_refused) {
    ck_assert_verify(LEAT_X509_UNSUPPORTED, .leaf = "rsa-1024.pem", .host = "example.com");
    ck_assert_verify(LEAT_X509_UNSUPPORTED, .leaf = "sha1.pem", .host = "example.com");
    ck_assert_verify(LEAT_X509_OK, .leaf = "rsa.pem", .host = "example.com");
    ck_assert_verify(LEAT_X509_OK, .leaf = "ed25519.pem", .host = "example.com");
}
END_TEST

START_TEST(a_damaged_signature_is_refused) {
    char message[LEAT_MESSAGE_MAX];
    uint8_t der[2048];
    leat_span leaf = fixture_der("p384.pem");
    leat_trust *trust = fixture_trust("root");
    memcpy(der, leaf.data, leaf.length);
    leaf.data = der;
    ck_assert_int_eq(leat_trust_verify(trust, &leaf, 1, "example.com", true, FIXTURE_NOW,
                                       message, NULL),
                     LEAT_X509_OK);
    der[leaf.length - 1] ^= 1;
    ck_assert_int_eq(leat_trust_verify(trust, &leaf, 1, "example.com", true, FIXTURE_NOW,
                                       message, NULL),
                     LEAT_X509_MALFORMED);
    ck_assert_ptr_nonnull(strstr(message, "damaged"));
    leat_trust_free(trust);
}
END_TEST

START_TEST(a_certificate_cut_anywhere_is_malformed) {
    char message[LEAT_MESSAGE_MAX];
    leat_span whole = fixture_der("server.pem");
    leat_trust *trust = leat_trust_insecure_accept_anything();
    for (size_t length = 0; length < whole.length; length++) {
        uint8_t *exact = malloc(length + 1); /* so that sanitizers see a read past the end */
        leat_x509_status status = LEAT_X509_OK;
        leat_span cut = {memcpy(exact, whole.data, length), length};
        ck_assert_int_eq(leat_trust_verify(trust, &cut, 1, NULL, true, FIXTURE_NOW, message, NULL),
                         LEAT_X509_MALFORMED);
        ck_assert_ptr_null(leat_x509_public_key(cut, &status));
        ck_assert_int_eq(status, LEAT_X509_MALFORMED);
        free(exact);
    }
    leat_trust_free(trust);
}
END_TEST

START_TEST(bytes_behind_a_certificate_are_malformed) {
    char message[LEAT_MESSAGE_MAX];
    leat_span leaf = fixture_der("server.pem");
    leat_trust *trust = leat_trust_insecure_accept_anything();
    ck_assert_int_eq(leat_trust_verify(trust, &leaf, 1, NULL, true, FIXTURE_NOW, message, NULL),
                     LEAT_X509_OK);
    leaf.length++;
    ck_assert_int_eq(leat_trust_verify(trust, &leaf, 1, NULL, true, FIXTURE_NOW, message, NULL),
                     LEAT_X509_MALFORMED);
    leat_trust_free(trust);
}
END_TEST

START_TEST(empty_and_over_long_chains_are_refused_before_they_are_parsed) {
    char message[LEAT_MESSAGE_MAX];
    leat_span chain[LEAT_X509_CHAIN_MAX + 1] = {fixture_der("server.pem")};
    leat_trust *trust = fixture_trust("root");
    chain[1] = fixture_der("intermediate.pem");
    for (size_t i = 2; i <= LEAT_X509_CHAIN_MAX; i++) {
        chain[i] = chain[1];
    }
    ck_assert_int_eq(leat_trust_verify(trust, chain, 0, "example.com", true, FIXTURE_NOW,
                                       message, NULL),
                     LEAT_X509_MALFORMED);
    ck_assert_int_eq(leat_trust_verify(trust, chain, LEAT_X509_CHAIN_MAX, "example.com", true,
                                       FIXTURE_NOW, message, NULL),
                     LEAT_X509_OK);
    ck_assert_int_eq(leat_trust_verify(trust, chain, LEAT_X509_CHAIN_MAX + 1, "example.com", true,
                                       FIXTURE_NOW, message, NULL),
                     LEAT_X509_MALFORMED);
    leat_trust_free(trust);
}
END_TEST

/* The certificate with a signature of so many bytes that the whole has `size`. */
static leat_span inflate(leat_span der, uint8_t *room, size_t size) {
    size_t tbs = 4 + (size_t)(der.data[6] << 8 | der.data[7]),
           algorithm = 2 + (size_t)der.data[4 + tbs + 1];
    size_t head = 4 + tbs + algorithm, signature = size - head - 4;
    memset(room, 0, size);
    memcpy(room, der.data, head);
    room[2] = (uint8_t)((size - 4) >> 8);
    room[3] = (uint8_t)(size - 4);
    memcpy(room + head, (uint8_t[]){3, 0x82, (uint8_t)(signature >> 8), (uint8_t)signature}, 4);
    return (leat_span){room, size};
}

START_TEST(a_certificate_that_is_too_large_is_refused) {
    static uint8_t room[LEAT_X509_CERTIFICATE_MAX + 1];
    char message[LEAT_MESSAGE_MAX];
    leat_trust *trust = leat_trust_insecure_accept_anything();
    leat_span leaf = inflate(fixture_der("server.pem"), room, LEAT_X509_CERTIFICATE_MAX);
    ck_assert_int_eq(leat_trust_verify(trust, &leaf, 1, NULL, true, FIXTURE_NOW, message, NULL),
                     LEAT_X509_OK);
    leaf = inflate(fixture_der("server.pem"), room, LEAT_X509_CERTIFICATE_MAX + 1);
    ck_assert_int_eq(leat_trust_verify(trust, &leaf, 1, NULL, true, FIXTURE_NOW, message, NULL),
                     LEAT_X509_MALFORMED);
    leat_trust_free(trust);
}
END_TEST

static leat_identity *make_pinned(int64_t seconds) {
    static const char *const name = "pinned.example";
    char message[LEAT_MESSAGE_MAX];
    leat_identity *identity =
        leat_identity_self_signed(&name, 1, FIXTURE_NOW, FIXTURE_NOW + seconds, message);
    ck_assert_msg(identity != NULL, "%s", message);
    return identity;
}

static leat_x509_status verify_pinned(const leat_identity *identity, uint8_t change, int64_t now) {
    char message[LEAT_MESSAGE_MAX];
    uint8_t hashes[2][32] = {{1}};
    leat_span leaf = leat_identity_chain_der(identity, 0);
    leat_identity_hash(identity, hashes[1]);
    hashes[1][31] ^= change;
    leat_trust *trust = leat_trust_from_hashes(hashes[0], 2);
    leat_x509_status status = leat_trust_verify(trust, &leaf, 1, "any.name", true, now,
                                                message, NULL);
    leat_trust_free(trust);
    return status;
}

START_TEST(a_pinned_hash_replaces_chain_and_name) {
    leat_identity *identity = make_pinned(14 * DAY);
    ck_assert_int_eq(verify_pinned(identity, 0, FIXTURE_NOW), LEAT_X509_OK);
    ck_assert_int_eq(verify_pinned(identity, 0, FIXTURE_NOW + 14 * DAY), LEAT_X509_OK);
    ck_assert_int_eq(verify_pinned(identity, 1, FIXTURE_NOW), LEAT_X509_UNKNOWN_CA);
    leat_identity_free(identity);
}
END_TEST

START_TEST(a_pinned_certificate_must_be_valid_now) {
    leat_identity *identity = make_pinned(14 * DAY);
    ck_assert_int_eq(verify_pinned(identity, 0, FIXTURE_NOW - 1), LEAT_X509_EXPIRED);
    ck_assert_int_eq(verify_pinned(identity, 0, FIXTURE_NOW + 14 * DAY + 1), LEAT_X509_EXPIRED);
    leat_identity_free(identity);
}
END_TEST

START_TEST(a_pinned_certificate_must_not_live_longer_than_14_days) {
    leat_identity *identity = make_pinned(14 * DAY + 1);
    ck_assert_int_eq(verify_pinned(identity, 0, FIXTURE_NOW + 1), LEAT_X509_EXPIRED);
    leat_identity_free(identity);
}
END_TEST

START_TEST(a_pinned_certificate_must_not_be_rsa) {
    leat_identity *rsa = fixture_identity("rsa"), *rsa_pss = fixture_identity("rsa-pss");
    ck_assert_int_eq(verify_pinned(rsa, 0, FIXTURE_NOW), LEAT_X509_UNSUPPORTED);
    ck_assert_int_eq(verify_pinned(rsa_pss, 0, FIXTURE_NOW), LEAT_X509_UNSUPPORTED);
    leat_identity_free(rsa);
    leat_identity_free(rsa_pss);
}
END_TEST

START_TEST(a_trust_without_hashes_accepts_nobody) {
    char message[LEAT_MESSAGE_MAX];
    leat_span leaf = fixture_der("server.pem");
    leat_trust *trust = leat_trust_from_hashes(NULL, 0);
    ck_assert_ptr_nonnull(trust);
    ck_assert_int_eq(leat_trust_verify(trust, &leaf, 1, "example.com", true, FIXTURE_NOW,
                                       message, NULL),
                     LEAT_X509_UNKNOWN_CA);
    leat_trust_free(trust);
}
END_TEST

START_TEST(the_system_does_not_trust_our_root) {
    char message[LEAT_MESSAGE_MAX] = "";
    leat_span leaf = fixture_der("server.pem");
    leat_trust *trust = leat_trust_system(message);
    ck_assert_msg(trust != NULL, "%s", message);
    ck_assert_int_eq(leat_trust_verify(trust, &leaf, 1, "example.com", true, FIXTURE_NOW,
                                       message, NULL),
                     LEAT_X509_UNKNOWN_CA);
    leat_trust_free(trust);
}
END_TEST

START_TEST(a_ca_file_without_certificates_is_refused_with_a_sentence) {
    char message[LEAT_MESSAGE_MAX] = "";
    ck_assert_ptr_null(leat_trust_from_pem(fixture_pem("server.key"), message));
    ck_assert_ptr_nonnull(strstr(message, "the CA file holds no certificate"));
}
END_TEST

START_TEST(ip_addresses_are_told_from_names) {
    static const char *const addresses[] = {
        "127.0.0.1", "255.255.255.255", "::", "::1", "2001:db8::1", "::ffff:192.0.2.1"};
    static const char *const names[] = {"",          "localhost", "example.com",  "1.2.3",
                                        "1.2.3.4.5", "1.2.3.256", "1.2.3.4 ",     "+1.2.3.4",
                                        "dead.beef", "[::1]",     "fe80::1%eth0", "1::2::3",
                                        "12345::"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        ck_assert_msg(leat_host_is_ip(addresses[i]), "%s", addresses[i]);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ck_assert_msg(!leat_host_is_ip(names[i]), "%s", names[i]);
    }
}
END_TEST

LEAT_TEST_MAIN("crypto trust", a_chain_with_an_intermediate_is_accepted,
               an_intermediate_that_is_trusted_itself_is_enough,
               a_missing_intermediate_is_an_unknown_ca, another_root_is_an_unknown_ca,
               a_chain_is_valid_only_between_its_times, names_are_matched_without_regard_to_case,
               a_wildcard_stands_for_exactly_one_whole_label, the_common_name_is_never_looked_at,
               an_ip_address_matches_an_ip_name_only,
               the_extended_key_usage_must_allow_the_role_of_the_peer,
               a_key_usage_without_signatures_is_refused, a_server_certificate_cannot_issue_another,
               weak_keys_and_weak_hashes_are_refused, a_damaged_signature_is_refused,
               a_certificate_cut_anywhere_is_malformed, bytes_behind_a_certificate_are_malformed,
               empty_and_over_long_chains_are_refused_before_they_are_parsed,
               a_certificate_that_is_too_large_is_refused, a_pinned_hash_replaces_chain_and_name,
               a_pinned_certificate_must_be_valid_now,
               a_pinned_certificate_must_not_live_longer_than_14_days,
               a_pinned_certificate_must_not_be_rsa, a_trust_without_hashes_accepts_nobody,
               the_system_does_not_trust_our_root,
               a_ca_file_without_certificates_is_refused_with_a_sentence,
               ip_addresses_are_told_from_names)
