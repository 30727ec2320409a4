/* RFC 8446 §4.4.2, §4.4.3: a client that lies about its certificate: every message of its flight
 * malformed, left out, or signed by somebody else. */
#include "tls_pair.h"

static void init(tls_pair *pair) {
    tls_pair_init(pair);
    tls_pair_ask(pair, LEAT_CLIENT_AUTH_REQUIRE);
}

/* The client's flight as it would be sent, for the server to be given changed. */
static leat_span take_flight(tls_pair *pair) {
    tls_pair_start(pair);
    tls_pair_carry(pair, &pair->client, &pair->server, LEAT_LEVEL_INITIAL);
    tls_pair_carry(pair, &pair->server, &pair->client, LEAT_LEVEL_INITIAL);
    tls_pair_carry(pair, &pair->server, &pair->client, LEAT_LEVEL_HANDSHAKE);
    leat_span flight = leat_tls_output(pair->client.tls, LEAT_LEVEL_HANDSHAKE);
    ck_assert_int_eq(pair->server.tls->state, LEAT_SERVER_ASKED);
    ck_assert_uint_gt(flight.length, 100);
    return flight;
}

static size_t message_length(const uint8_t *message) {
    return 4 + ((size_t)message[1] << 16 | (size_t)message[2] << 8 | message[3]);
}

static int receive(tls_pair *pair, const uint8_t *bytes, size_t length) {
    return leat_tls_receive(pair->server.tls, LEAT_LEVEL_HANDSHAKE, (leat_span){bytes, length});
}

static int give_certificate(tls_pair *pair) {
    leat_span flight = take_flight(pair);
    ck_assert_int_eq(receive(pair, flight.data, message_length(flight.data)), LEAT_ALERT_NONE);
    return pair->server.tls->state;
}

/* TEST RFC 8446 §4.4.2, §4.2 */
START_TEST(a_malformed_certificate_of_a_client_gives_its_alert) {
    static const struct {
        const char *message;
        int alert;
    } rows[] = {
        {"0b 00 00 00", LEAT_ALERT_DECODE_ERROR},
        {"0b 00 00 01 00", LEAT_ALERT_DECODE_ERROR},
        {"0b 00 00 03 00 00 00", LEAT_ALERT_DECODE_ERROR},
        {"0b 00 00 04 00 00 00 01", LEAT_ALERT_DECODE_ERROR},
        {"0b 00 00 05 00 00 00 00 00", LEAT_ALERT_DECODE_ERROR},             /* a byte left over */
        {"0b 00 00 05 01 aa 00 00 00", LEAT_ALERT_ILLEGAL_PARAMETER},        /* a context */
        {"0b 00 00 04 00 00 00 00", LEAT_ALERT_CERTIFICATE_REQUIRED},
        {"0b 00 00 09 00 00 00 05 00 00 00 00 00", LEAT_ALERT_DECODE_ERROR}, /* an empty one */
        {"0b 00 00 0a 00 00 00 06 00 00 01 30 00 00", LEAT_ALERT_BAD_CERTIFICATE},
        {"0b 00 00 0b 00 00 00 07 00 00 01 30 00 00 00", LEAT_ALERT_DECODE_ERROR},
        {"0b 00 00 0a 00 00 00 06 00 00 02 30 00 00", LEAT_ALERT_DECODE_ERROR},
        /* status_request, which this server never asked for */
        {"0b 00 00 0e 00 00 00 0a 00 00 01 30 00 04 00 05 00 00", LEAT_ALERT_UNSUPPORTED_EXTENSION},
        {"0b 00 00 0e 00 00 00 0a 00 00 01 30 00 04 3a 3a 00 00", LEAT_ALERT_UNSUPPORTED_EXTENSION},
        {"0b 00 00 0e 00 00 00 0a 00 00 01 30 00 04 00 10 00 00", LEAT_ALERT_ILLEGAL_PARAMETER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tls_pair pair;
        init(&pair);
        take_flight(&pair);
        leat_span message = test_hex(rows[i].message);
        ck_assert_uint_eq(message_length(message.data), message.length);
        int alert = receive(&pair, message.data, message.length);
        ck_assert_msg(alert == rows[i].alert, "row %zu: %s", i, leat_alert_name(alert));
        tls_pair_free(&pair);
    }
}
END_TEST

/* TEST RFC 8446 §4.4.3 */
START_TEST(a_malformed_signature_of_a_client_gives_its_alert) {
    static const struct {
        const char *message;
        int alert;
    } rows[] = {
        {"0f 00 00 00", LEAT_ALERT_DECODE_ERROR},
        {"0f 00 00 03 04 03 00", LEAT_ALERT_DECODE_ERROR},
        {"0f 00 00 04 04 03 00 01", LEAT_ALERT_DECODE_ERROR},
        {"0f 00 00 05 04 03 00 00 00", LEAT_ALERT_DECODE_ERROR},
        {"0f 00 00 04 04 03 00 00", LEAT_ALERT_DECRYPT_ERROR},
        {"0f 00 00 05 04 03 00 01 30", LEAT_ALERT_DECRYPT_ERROR},
        {"0f 00 00 05 05 03 00 01 30", LEAT_ALERT_ILLEGAL_PARAMETER}, /* for a P-384 key */
        {"0f 00 00 05 08 04 00 01 30", LEAT_ALERT_ILLEGAL_PARAMETER}, /* for an RSA key */
        {"0f 00 00 05 02 03 00 01 30", LEAT_ALERT_ILLEGAL_PARAMETER}, /* SHA-1 */
        {"0f 00 00 05 04 01 00 01 30", LEAT_ALERT_ILLEGAL_PARAMETER}, /* for certificates only */
        {"14 00 00 01 00", LEAT_ALERT_UNEXPECTED_MESSAGE},
        {"0b 00 00 04 00 00 00 00", LEAT_ALERT_UNEXPECTED_MESSAGE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tls_pair pair;
        init(&pair);
        ck_assert_int_eq(give_certificate(&pair), LEAT_SERVER_HAS_CERTIFICATE);
        leat_span message = test_hex(rows[i].message);
        int alert = receive(&pair, message.data, message.length);
        ck_assert_msg(alert == rows[i].alert, "row %zu: %s", i, leat_alert_name(alert));
        tls_pair_free(&pair);
    }
}
END_TEST

/* TEST RFC 8446 §4.4.3: who has the certificate and not the key; or signs for the other role. */
START_TEST(a_signature_over_something_else_is_decrypt_error) {
    for (int flip = 0; flip < 2; flip++) {
        tls_pair pair;
        uint8_t bytes[4096];
        init(&pair);
        leat_span flight = take_flight(&pair);
        memcpy(bytes, flight.data, flight.length);
        size_t first = message_length(bytes), second = message_length(bytes + first);
        bytes[first + second - 1] ^= (uint8_t)flip;
        ck_assert_int_eq(receive(&pair, bytes, first + second),
                         flip ? LEAT_ALERT_DECRYPT_ERROR : LEAT_ALERT_NONE);
        tls_pair_free(&pair);
    }
}
END_TEST

/* Signs what the transcript of the server holds, with the client's key and this context. */
static int give_signature(tls_pair *pair, const char *context) {
    uint8_t content[64 + 34 + 32], bytes[4 + 4 + LEAT_SIGNATURE_MAX];
    size_t length;
    memset(content, ' ', 64);
    memcpy(content + 64, context, 34);
    ck_assert(leat_transcript_hash(&pair->server.tls->handshake->transcript, content + 64 + 34));
    ck_assert(leat_identity_sign(pair->client_identities[0], LEAT_SIG_ECDSA_P256_SHA256,
                                 (leat_span){content, sizeof content}, bytes + 8, &length));
    leat_writer writer = leat_writer_make(bytes, sizeof bytes);
    leat_write_u8(&writer, LEAT_CERTIFICATE_VERIFY);
    leat_write_u24(&writer, (uint32_t)(length + 4));
    leat_write_u16(&writer, LEAT_SIG_ECDSA_P256_SHA256);
    leat_write_u16(&writer, (uint16_t)length);
    return receive(pair, bytes, 8 + length);
}

/* TEST RFC 8446 §4.4.3: the context keeps a server's signature from passing as a client's. */
START_TEST(a_signature_made_for_the_other_role_is_decrypt_error) {
    static const struct {
        const char *context;
        int alert;
    } rows[] = {
        {"TLS 1.3, client CertificateVerify", LEAT_ALERT_NONE},
        {"TLS 1.3, server CertificateVerify", LEAT_ALERT_DECRYPT_ERROR},
    };
    for (size_t i = 0; i < 2; i++) {
        static const uint16_t suite = 0x1301;
        tls_pair pair;
        init(&pair);
        pair.server.config.cipher_suites = &suite;
        pair.server.config.cipher_suite_count = 1;
        ck_assert_int_eq(give_certificate(&pair), LEAT_SERVER_HAS_CERTIFICATE);
        ck_assert_int_eq(give_signature(&pair, rows[i].context), rows[i].alert);
        tls_pair_free(&pair);
    }
}
END_TEST

START_TEST(a_flight_without_any_of_its_messages_is_out_of_order) {
    for (int skip = 0; skip < 2; skip++) {
        tls_pair pair;
        uint8_t bytes[4096];
        init(&pair);
        leat_span flight = take_flight(&pair);
        size_t first = message_length(flight.data);
        size_t second = message_length(flight.data + first);
        size_t skipped = skip == 0 ? 0 : first, length = skip == 0 ? first : second;
        memcpy(bytes, flight.data, skipped);
        memcpy(bytes + skipped, flight.data + skipped + length, flight.length - skipped - length);
        ck_assert_int_eq(receive(&pair, bytes, flight.length - length),
                         LEAT_ALERT_UNEXPECTED_MESSAGE);
        tls_pair_free(&pair);
    }
}
END_TEST

LEAT_TEST_MAIN("crypto/tls rogue client auth", a_malformed_certificate_of_a_client_gives_its_alert,
               a_malformed_signature_of_a_client_gives_its_alert,
               a_signature_over_something_else_is_decrypt_error,
               a_signature_made_for_the_other_role_is_decrypt_error,
               a_flight_without_any_of_its_messages_is_out_of_order)
