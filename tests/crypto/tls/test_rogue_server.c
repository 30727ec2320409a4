/*
 * A server that lies: our client against a changed ServerHello or HelloRetryRequest, and against
 * flights that are signed and finished correctly but say what they must not.
 */
#include "tls_pair.h"

static const uint16_t two_groups[] = {LEAT_GROUP_X25519, LEAT_GROUP_P256};

static void start_as(tls_pair *pair, const char *identity, bool resumed) {
    tls_pair_init(pair);
    leat_identity_free(pair->identities[0]);
    pair->identities[0] = test_identity(identity);
    pair->client.config.groups = two_groups;
    pair->client.config.group_count = 2;
    pair->server.config.ticket_keys = leat_ticket_keys_new(NULL);
    tls_pair_start(pair);
    if (resumed) {
        tls_pair_run(pair);
        assert_complete(pair);
        tls_pair_restart(pair);
        pair->client.config.session =
            (leat_span){pair->client.session, pair->client.session_length};
        tls_pair_start(pair);
    }
}

static void start(tls_pair *pair, bool resumed) { start_as(pair, "p256", resumed); }

static int give_server_hello(tls_pair *pair, const leat_server_hello *hello) {
    uint8_t bytes[4096] = {LEAT_SERVER_HELLO};
    leat_writer writer = leat_writer_make(bytes + 4, sizeof bytes - 4);
    leat_server_hello_write(hello, &writer);
    size_t length = leat_writer_length(&writer);
    bytes[2] = (uint8_t)(length >> 8);
    bytes[3] = (uint8_t)length;
    return leat_tls_receive(pair->client.tls, LEAT_LEVEL_INITIAL, (leat_span){bytes, 4 + length});
}

static void parse_server_hello(tls_pair *pair, leat_server_hello *hello) {
    const char *why;
    leat_span body = leat_tls_body(leat_tls_output(pair->server.tls, LEAT_LEVEL_INITIAL));
    ck_assert_int_eq(leat_server_hello_parse(body, UINT32_MAX, hello, &why), LEAT_ALERT_NONE);
}

static void no_change(leat_server_hello *hello) { (void)hello; }
static void suite_zero(leat_server_hello *hello) { hello->cipher_suite = 0; }
static void suite_grease(leat_server_hello *hello) { hello->cipher_suite = 0x1a1a; }
static void suite_of_tls_1_2(leat_server_hello *hello) { hello->cipher_suite = 0xc02f; }
static void suite_unknown(leat_server_hello *hello) { hello->cipher_suite = 0x1304; }
static void suite_other_hash(leat_server_hello *hello) { hello->cipher_suite = 0x1302; }
static void group_without_share(leat_server_hello *hello) {
    hello->extensions.group = LEAT_GROUP_P256;
}
static void group_unknown(leat_server_hello *hello) { hello->extensions.group = 0x2a2a; }
static void group_p384(leat_server_hello *hello) { hello->extensions.group = LEAT_GROUP_P384; }
static void share_too_short(leat_server_hello *hello) { hello->extensions.key_share.length--; }
static void share_zero(leat_server_hello *hello) {
    static const uint8_t zeros[32];
    hello->extensions.key_share = (leat_span){zeros, 32};
}
static void share_missing(leat_server_hello *hello) {
    hello->extensions.present &= ~(uint32_t)LEAT_HAS_KEY_SHARE;
}
static void psk_unasked(leat_server_hello *hello) {
    hello->extensions.present |= LEAT_HAS_PRE_SHARED_KEY;
}
static void psk_second(leat_server_hello *hello) { hello->extensions.psk_selected = 1; }
static void session_id(leat_server_hello *hello) { hello->session_id = hello->random; }
static void version_1_2(leat_server_hello *hello) { hello->extensions.version = 0x0303; }

/* TEST RFC 8446 §4.1.3, §4.2.8, §4.2.11 */
START_TEST(a_changed_server_hello_gives_its_alert) {
    static const struct {
        void (*change)(leat_server_hello *hello);
        bool resumed;
        int alert;
    } rows[] = {
        {no_change, false, LEAT_ALERT_NONE},
        {no_change, true, LEAT_ALERT_NONE},
        {suite_zero, false, LEAT_ALERT_ILLEGAL_PARAMETER},
        {suite_grease, false, LEAT_ALERT_ILLEGAL_PARAMETER},
        {suite_of_tls_1_2, false, LEAT_ALERT_ILLEGAL_PARAMETER},
        {suite_unknown, false, LEAT_ALERT_ILLEGAL_PARAMETER},
        {suite_other_hash, true, LEAT_ALERT_ILLEGAL_PARAMETER},
        {group_without_share, false, LEAT_ALERT_ILLEGAL_PARAMETER},
        {group_unknown, false, LEAT_ALERT_ILLEGAL_PARAMETER},
        {group_p384, false, LEAT_ALERT_ILLEGAL_PARAMETER},
        {share_too_short, false, LEAT_ALERT_ILLEGAL_PARAMETER},
        {share_zero, false, LEAT_ALERT_ILLEGAL_PARAMETER},
        {share_missing, false, LEAT_ALERT_MISSING_EXTENSION},
        {share_missing, true, LEAT_ALERT_ILLEGAL_PARAMETER},
        {psk_unasked, false, LEAT_ALERT_UNSUPPORTED_EXTENSION},
        {psk_second, true, LEAT_ALERT_ILLEGAL_PARAMETER},
        {session_id, false, LEAT_ALERT_ILLEGAL_PARAMETER},
        {version_1_2, false, LEAT_ALERT_PROTOCOL_VERSION},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tls_pair pair;
        leat_server_hello hello;
        start(&pair, rows[i].resumed);
        tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
        parse_server_hello(&pair, &hello);
        rows[i].change(&hello);
        int alert = give_server_hello(&pair, &hello);
        ck_assert_msg(alert == rows[i].alert, "row %zu: %s", i, leat_alert_name(alert));
        ck_assert_int_eq(pair.client.has_secret[LEAT_LEVEL_HANDSHAKE][0], alert == LEAT_ALERT_NONE);
        tls_pair_free(&pair);
    }
}
END_TEST

/* TEST RFC 8446 §4.1.4 */
START_TEST(a_hello_retry_request_that_asks_nonsense_is_illegal_parameter) {
    static const struct {
        uint32_t present;
        uint16_t group, suite;
        int alert;
    } rows[] = {
        {LEAT_HAS_KEY_SHARE, LEAT_GROUP_P256, 0x1301, LEAT_ALERT_NONE},
        {LEAT_HAS_COOKIE, 0, 0x1301, LEAT_ALERT_NONE},
        {LEAT_HAS_COOKIE | LEAT_HAS_KEY_SHARE, LEAT_GROUP_P256, 0x1302, LEAT_ALERT_NONE},
        {0, 0, 0x1301, LEAT_ALERT_ILLEGAL_PARAMETER},                                        /* changes nothing */
        {LEAT_HAS_KEY_SHARE, LEAT_GROUP_X25519, 0x1301, LEAT_ALERT_ILLEGAL_PARAMETER},       /* was sent */
        {LEAT_HAS_KEY_SHARE | LEAT_HAS_COOKIE, LEAT_GROUP_X25519, 0x1301, LEAT_ALERT_ILLEGAL_PARAMETER},
        {LEAT_HAS_KEY_SHARE, LEAT_GROUP_P384, 0x1301, LEAT_ALERT_ILLEGAL_PARAMETER},         /* not offered */
        {LEAT_HAS_KEY_SHARE, 0x2a2a, 0x1301, LEAT_ALERT_ILLEGAL_PARAMETER},
        {LEAT_HAS_KEY_SHARE, LEAT_GROUP_P256, 0x1304, LEAT_ALERT_ILLEGAL_PARAMETER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tls_pair pair;
        start(&pair, false);
        leat_server_hello hello = {.random = {leat_hello_retry_random, 32},
                                   .cipher_suite = rows[i].suite};
        hello.extensions =
            (leat_extensions){.present = LEAT_HAS_SUPPORTED_VERSIONS | rows[i].present,
                              .version = LEAT_TLS_1_3,
                              .group = rows[i].group,
                              .cookie = test_hex("aa")};
        int alert = give_server_hello(&pair, &hello);
        ck_assert_msg(alert == rows[i].alert, "row %zu: %s", i, leat_alert_name(alert));
        tls_pair_free(&pair);
    }
}
END_TEST

START_TEST(a_server_hello_may_not_change_what_the_retry_said) {
    for (int i = 0; i < 3; i++) {
        tls_pair pair;
        leat_server_hello hello;
        start(&pair, false);
        pair.server.tls->handshake->force_hello_retry_request = true;
        tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
        tls_pair_carry(&pair, &pair.server, &pair.client, LEAT_LEVEL_INITIAL);
        tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
        parse_server_hello(&pair, &hello);
        ck_assert_uint_eq(hello.extensions.group, LEAT_GROUP_P256);
        hello.cipher_suite = i == 1 ? 0x1303 : hello.cipher_suite;
        hello.extensions.group = i == 2 ? LEAT_GROUP_X25519 : hello.extensions.group;
        ck_assert_int_eq(give_server_hello(&pair, &hello),
                         i == 0 ? LEAT_ALERT_NONE : LEAT_ALERT_ILLEGAL_PARAMETER);
        tls_pair_free(&pair);
    }
}
END_TEST

START_TEST(every_flipped_bit_of_a_servers_flight_is_noticed) {
    tls_pair pair;
    start(&pair, false);
    tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
    size_t length = leat_tls_output(pair.server.tls, LEAT_LEVEL_HANDSHAKE).length;
    tls_pair_free(&pair);
    for (size_t bit = 0; bit < length * 8; bit += 11) {
        uint8_t flight[8192];
        start(&pair, false);
        tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
        tls_pair_carry(&pair, &pair.server, &pair.client, LEAT_LEVEL_INITIAL);
        leat_span out = leat_tls_output(pair.server.tls, LEAT_LEVEL_HANDSHAKE);
        memcpy(flight, out.data, out.length);
        flight[bit / 8 % out.length] ^= (uint8_t)(1 << bit % 8);
        leat_tls_receive(pair.client.tls, LEAT_LEVEL_HANDSHAKE, (leat_span){flight, out.length});
        ck_assert(!leat_tls_is_complete(pair.client.tls));
        ck_assert(!pair.client.has_secret[LEAT_LEVEL_APPLICATION][1]);
        tls_pair_free(&pair);
    }
}
END_TEST

/* What a forged flight differs in. */
typedef struct forgery_plan {
    const char *server;    /* whose certificate, NULL: p256 */
    leat_identity *signer; /* NULL: the right one */
    uint16_t signed_with;  /* 0: ECDSA with P-256 */
    uint16_t scheme;       /* written, 0: the one signed with */
    bool request;          /* a CertificateRequest after EncryptedExtensions */
    bool empty_chain, context;
    size_t flip_signature, flip_finished; /* a bit, 1-based */
} forgery_plan;

/* A transcript of the test's own, and bytes for the client. */
typedef struct forged_flight {
    leat_transcript transcript;
    uint8_t bytes[8192];
    leat_writer writer;
    size_t mark, start;
} forged_flight;

static void begin(forged_flight *forge, uint8_t type) {
    forge->start = leat_writer_length(&forge->writer);
    leat_write_u8(&forge->writer, type);
    forge->mark = leat_write_vector_begin(&forge->writer, 3);
}

static void end(forged_flight *forge) {
    leat_write_vector_end(&forge->writer, forge->mark, 3);
    size_t length = leat_writer_length(&forge->writer) - forge->start;
    ck_assert(!forge->writer.failed);
    ck_assert(leat_transcript_add(&forge->transcript, forge->bytes + forge->start, length));
}

static void forge_certificate(tls_pair *pair, forged_flight *out, const forgery_plan *plan) {
    leat_certificate certificate = {.count = plan->empty_chain ? 0 : 1};
    certificate.context = plan->context ? test_hex("aa") : (leat_span){NULL, 0};
    certificate.chain[0] = leat_identity_chain_der(pair->identities[0], 0);
    begin(out, LEAT_CERTIFICATE);
    leat_certificate_write(&certificate, &out->writer);
    end(out);
}

static void forge_verify(tls_pair *pair, forged_flight *out, const forgery_plan *plan) {
    static const char context[] = "TLS 1.3, server CertificateVerify";
    uint8_t content[64 + sizeof context + 32], signature[LEAT_SIGNATURE_MAX];
    size_t length;
    memset(content, ' ', 64);
    memcpy(content + 64, context, sizeof context);
    ck_assert(leat_transcript_hash(&out->transcript, content + 64 + sizeof context));
    leat_identity *signer = plan->signer != NULL ? plan->signer : pair->identities[0];
    uint16_t scheme = plan->signed_with != 0 ? plan->signed_with : LEAT_SIG_ECDSA_P256_SHA256;
    ck_assert(leat_identity_sign(signer, scheme, (leat_span){content, sizeof content}, signature,
                                 &length));
    if (plan->flip_signature != 0) {
        signature[(plan->flip_signature - 1) / 8 % length] ^=
            (uint8_t)(1 << (plan->flip_signature - 1) % 8);
    }
    scheme = plan->scheme != 0 ? plan->scheme : scheme;
    leat_certificate_verify verify = {scheme, {signature, length}};
    begin(out, LEAT_CERTIFICATE_VERIFY);
    leat_certificate_verify_write(&verify, &out->writer);
    end(out);
}

static void forge_finished(tls_pair *pair, forged_flight *out, const forgery_plan *plan) {
    uint8_t digest[32], mac[32];
    ck_assert(leat_transcript_hash(&out->transcript, digest));
    ck_assert(leat_finished_mac(LEAT_HASH_SHA256, pair->server.secrets[LEAT_LEVEL_HANDSHAKE][1],
                                digest, mac));
    if (plan->flip_finished != 0) {
        mac[(plan->flip_finished - 1) / 8] ^= (uint8_t)(1 << (plan->flip_finished - 1) % 8);
    }
    begin(out, LEAT_FINISHED);
    leat_write_bytes(&out->writer, mac, sizeof mac);
    end(out);
}

/* A whole handshake up to what the client thinks of the forged flight. */
static int run_forgery(tls_pair *pair, forged_flight *out, const forgery_plan *plan) {
    start_as(pair, plan->server != NULL ? plan->server : "p256", false);
    leat_transcript_init(&out->transcript, NULL);
    out->writer = leat_writer_make(out->bytes, sizeof out->bytes);
    ck_assert(leat_transcript_choose(&out->transcript, LEAT_HASH_SHA256));
    leat_span hello = leat_tls_output(pair->client.tls, LEAT_LEVEL_INITIAL);
    ck_assert(leat_transcript_add(&out->transcript, hello.data, hello.length));
    tls_pair_carry(pair, &pair->client, &pair->server, LEAT_LEVEL_INITIAL);
    hello = leat_tls_output(pair->server.tls, LEAT_LEVEL_INITIAL);
    ck_assert(leat_transcript_add(&out->transcript, hello.data, hello.length));
    tls_pair_carry(pair, &pair->server, &pair->client, LEAT_LEVEL_INITIAL);
    leat_span flight = leat_tls_output(pair->server.tls, LEAT_LEVEL_HANDSHAKE);
    begin(out, LEAT_ENCRYPTED_EXTENSIONS);
    leat_write_bytes(&out->writer, flight.data + 4, (size_t)flight.data[2] << 8 | flight.data[3]);
    end(out);
    if (plan->request) {
        begin(out, LEAT_CERTIFICATE_REQUEST);
        leat_span request = test_hex("00 00 08 00 0d 00 04 00 02 04 03");
        leat_write_bytes(&out->writer, request.data, request.length);
        end(out);
    }
    forge_certificate(pair, out, plan);
    forge_verify(pair, out, plan);
    forge_finished(pair, out, plan);
    leat_span bytes = {out->bytes, leat_writer_length(&out->writer)};
    return leat_tls_receive(pair->client.tls, LEAT_LEVEL_HANDSHAKE, bytes);
}

static void expect_forgery(const forgery_plan *plan, int expected) {
    tls_pair pair;
    forged_flight out;
    int alert = run_forgery(&pair, &out, plan);
    ck_assert_str_eq(leat_alert_name(alert), leat_alert_name(expected));
    ck_assert_int_eq(leat_tls_is_complete(pair.client.tls), expected == LEAT_ALERT_NONE);
    leat_transcript_clear(&out.transcript);
    tls_pair_free(&pair);
}

START_TEST(an_honest_forgery_is_accepted) { expect_forgery(&(forgery_plan){0}, LEAT_ALERT_NONE); }
END_TEST

START_TEST(every_flipped_bit_of_a_signature_is_decrypt_error) {
    for (size_t bit = 1; bit <= 64 * 8; bit += 7) {
        expect_forgery(&(forgery_plan){.flip_signature = bit}, LEAT_ALERT_DECRYPT_ERROR);
    }
}
END_TEST

START_TEST(every_flipped_bit_of_a_finished_is_decrypt_error) {
    for (size_t bit = 1; bit <= 256; bit += 3) {
        expect_forgery(&(forgery_plan){.flip_finished = bit}, LEAT_ALERT_DECRYPT_ERROR);
    }
}
END_TEST

START_TEST(a_signature_by_another_key_is_decrypt_error) {
    leat_identity *other = test_identity("other");
    expect_forgery(&(forgery_plan){.signer = other}, LEAT_ALERT_DECRYPT_ERROR);
    leat_identity_free(other);
}
END_TEST

/* TEST RFC 8446 §4.4.3: the scheme must be offered and be one for the key. */
START_TEST(a_scheme_that_was_not_offered_or_does_not_fit_is_illegal_parameter) {
    static const uint16_t schemes[] = {LEAT_SIG_RSA_PKCS1_SHA256,
                                       0x0203,
                                       0x0201,
                                       0x1a1a,
                                       0x0603,
                                       LEAT_SIG_ED25519,
                                       LEAT_SIG_ECDSA_P384_SHA384,
                                       LEAT_SIG_RSA_PSS_RSAE_SHA256,
                                       LEAT_SIG_RSA_PSS_PSS_SHA256};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        expect_forgery(&(forgery_plan){.scheme = schemes[i]}, LEAT_ALERT_ILLEGAL_PARAMETER);
    }
}
END_TEST

/* TEST RFC 8446 §4.2.3: PKCS #1 v1.5 fits the key and is offered, but for certificates only. */
START_TEST(a_pkcs1_signature_in_the_handshake_is_illegal_parameter) {
    expect_forgery(&(forgery_plan){.server = "rsa", .signed_with = LEAT_SIG_RSA_PSS_RSAE_SHA256},
                   LEAT_ALERT_NONE);
    expect_forgery(&(forgery_plan){.server = "rsa",
                                   .signed_with = LEAT_SIG_RSA_PSS_RSAE_SHA256,
                                   .scheme = LEAT_SIG_RSA_PKCS1_SHA256},
                   LEAT_ALERT_ILLEGAL_PARAMETER);
}
END_TEST

/* TEST RFC 8446 §4.1.3: a suite that we know and that has the same hash, but that was not
 * offered. */
START_TEST(a_known_suite_that_was_not_offered_is_illegal_parameter) {
    static const uint16_t suite = 0x1301;
    tls_pair pair;
    leat_server_hello hello;
    tls_pair_init(&pair);
    pair.client.config.cipher_suites = &suite;
    pair.client.config.cipher_suite_count = 1;
    tls_pair_start(&pair);
    tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
    parse_server_hello(&pair, &hello);
    hello.cipher_suite = 0x1303;
    ck_assert_int_eq(give_server_hello(&pair, &hello), LEAT_ALERT_ILLEGAL_PARAMETER);
    tls_pair_free(&pair);
}
END_TEST

/* TEST RFC 8446 §4.4.2.4 */
START_TEST(a_server_without_certificate_is_decode_error) {
    expect_forgery(&(forgery_plan){.empty_chain = true}, LEAT_ALERT_DECODE_ERROR);
}
END_TEST

START_TEST(a_context_in_the_servers_certificate_is_illegal_parameter) {
    expect_forgery(&(forgery_plan){.context = true}, LEAT_ALERT_ILLEGAL_PARAMETER);
}
END_TEST

/* TEST RFC 8446 §4.4.2: a client that is asked and has none sends an empty Certificate, no
 * CertificateVerify, and Finished. */
START_TEST(a_certificate_request_is_answered_with_an_empty_certificate) {
    static const uint8_t empty_certificate[] = {11, 0, 0, 4, 0, 0, 0, 0};
    tls_pair pair;
    forged_flight out;
    uint8_t digest[32], mac[32];
    ck_assert_int_eq(run_forgery(&pair, &out, &(forgery_plan){.request = true}), LEAT_ALERT_NONE);
    ck_assert(leat_tls_is_complete(pair.client.tls));
    leat_span answer = leat_tls_output(pair.client.tls, LEAT_LEVEL_HANDSHAKE);
    ck_assert_uint_eq(answer.length, sizeof empty_certificate + 4 + 32);
    ck_assert_mem_eq(answer.data, empty_certificate, sizeof empty_certificate);
    ck_assert(leat_transcript_add(&out.transcript, empty_certificate, sizeof empty_certificate));
    ck_assert(leat_transcript_hash(&out.transcript, digest));
    ck_assert(leat_finished_mac(LEAT_HASH_SHA256, pair.client.secrets[LEAT_LEVEL_HANDSHAKE][1],
                                digest, mac));
    ck_assert_mem_eq(answer.data + sizeof empty_certificate + 4, mac, 32);
    leat_transcript_clear(&out.transcript);
    tls_pair_free(&pair);
}
END_TEST

/* TEST RFC 9001 §8.1-6 */
START_TEST(a_protocol_that_was_not_offered_is_no_application_protocol) {
    tls_pair pair;
    start(&pair, false);
    tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
    tls_pair_carry(&pair, &pair.server, &pair.client, LEAT_LEVEL_INITIAL);
    leat_span message = test_hex("08 00 00 0f 00 0d 00 10 00 05 00 03 02 68 32 00 39 00 00");
    ck_assert_int_eq(leat_tls_receive(pair.client.tls, LEAT_LEVEL_HANDSHAKE, message),
                     LEAT_ALERT_NO_APPLICATION_PROTOCOL);
    tls_pair_free(&pair);
}
END_TEST

LEAT_TEST_MAIN("crypto/tls rogue server", a_changed_server_hello_gives_its_alert,
               a_hello_retry_request_that_asks_nonsense_is_illegal_parameter,
               a_server_hello_may_not_change_what_the_retry_said,
               every_flipped_bit_of_a_servers_flight_is_noticed, an_honest_forgery_is_accepted,
               every_flipped_bit_of_a_signature_is_decrypt_error,
               every_flipped_bit_of_a_finished_is_decrypt_error,
               a_signature_by_another_key_is_decrypt_error,
               a_scheme_that_was_not_offered_or_does_not_fit_is_illegal_parameter,
               a_pkcs1_signature_in_the_handshake_is_illegal_parameter,
               a_known_suite_that_was_not_offered_is_illegal_parameter,
               a_server_without_certificate_is_decode_error,
               a_context_in_the_servers_certificate_is_illegal_parameter,
               a_certificate_request_is_answered_with_an_empty_certificate,
               a_protocol_that_was_not_offered_is_no_application_protocol)
