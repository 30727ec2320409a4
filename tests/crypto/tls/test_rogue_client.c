/* A client that lies: our server against changed ClientHellos, first and second, and a wrong
 * Finished. */
#include "tls_pair.h"

static const uint16_t two_groups[] = {LEAT_GROUP_X25519, LEAT_GROUP_P256};
static const uint16_t p256_group = LEAT_GROUP_P256;

static void start(tls_pair *pair) {
    tls_pair_init(pair);
    pair->client.config.groups = two_groups;
    pair->client.config.group_count = 2;
    tls_pair_start(pair);
}

/* The client's ClientHello as a struct; it points into the client's output. */
static void parse_client_hello(tls_pair *pair, leat_client_hello *hello) {
    const char *why;
    leat_span body = leat_tls_body(leat_tls_output(pair->client.tls, LEAT_LEVEL_INITIAL));
    ck_assert_int_eq(leat_client_hello_parse(body, hello, &why), LEAT_ALERT_NONE);
}

static size_t write_client_hello(const leat_client_hello *hello, uint8_t *bytes, size_t room) {
    leat_writer writer = leat_writer_make(bytes, room);
    leat_write_u8(&writer, LEAT_CLIENT_HELLO);
    size_t mark = leat_write_vector_begin(&writer, 3);
    leat_client_hello_write(hello, &writer);
    leat_write_vector_end(&writer, mark, 3);
    ck_assert(!writer.failed);
    return leat_writer_length(&writer);
}

static int give_client_hello(tls_pair *pair, const leat_client_hello *hello) {
    uint8_t bytes[8192];
    size_t length = write_client_hello(hello, bytes, sizeof bytes);
    return leat_tls_receive(pair->server.tls, LEAT_LEVEL_INITIAL, (leat_span){bytes, length});
}

static void no_change(leat_client_hello *hello) { (void)hello; }
static void no_schemes(leat_client_hello *hello) {
    hello->extensions.present &= ~(uint32_t)LEAT_HAS_SIGNATURE_ALGORITHMS;
}
static void only_rsa_schemes(leat_client_hello *hello) {
    hello->extensions.signature_schemes = test_hex("08 04 08 05");
}
static void grease_everywhere(leat_client_hello *hello) {
    hello->cipher_suites = test_hex("3a3a 1301");
    hello->extensions.groups = test_hex("4a4a 001d");
    hello->extensions.signature_schemes = test_hex("5a5a 0403");
    hello->extensions.versions = test_hex("6a6a 0304");
    hello->extensions.psk_modes = test_hex("0b 01");
    hello->extensions.protocols = test_hex("02 7a7a 02 6833");
}
static void cookie_unasked(leat_client_hello *hello) {
    hello->extensions.present |= LEAT_HAS_COOKIE;
    hello->extensions.cookie = test_hex("aa");
}
static void early_data(leat_client_hello *hello) {
    hello->extensions.present |= LEAT_HAS_EARLY_DATA;
}
static void no_name(leat_client_hello *hello) {
    hello->extensions.present &= ~(uint32_t)LEAT_HAS_SERVER_NAME;
}
static void name_with_nul(leat_client_hello *hello) {
    hello->extensions.server_name = test_hex("61 00 62");
}
static void name_with_newline(leat_client_hello *hello) {
    hello->extensions.server_name = test_hex("61 0a 62");
}
static void name_too_long(leat_client_hello *hello) {
    static uint8_t name[256];
    memset(name, 'a', sizeof name);
    hello->extensions.server_name = (leat_span){name, sizeof name};
}
static void share_of(leat_client_hello *hello, const char *hex) {
    hello->extensions.key_shares = test_hex(hex);
}
static void share_empty_list(leat_client_hello *hello) { share_of(hello, ""); }
static void share_short(leat_client_hello *hello) { share_of(hello, "001d 0004 01020304"); }
static void share_zero(leat_client_hello *hello) {
    share_of(hello, "001d 0020 0000000000000000000000000000000000000000000000000000000000000000");
}
/* Another point of small order: u = 1. */
static void share_of_small_order(leat_client_hello *hello) {
    share_of(hello, "001d 0020 0100000000000000000000000000000000000000000000000000000000000000");
}
static void share_off_the_curve(leat_client_hello *hello) {
    share_of(hello, "0017 0041 04"
                    "0101010101010101010101010101010101010101010101010101010101010101"
                    "0101010101010101010101010101010101010101010101010101010101010101");
}
static void share_compressed(leat_client_hello *hello) {
    share_of(hello,
             "0017 0021 02 6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
}

/* TEST RFC 8446 §4.1.2, §4.2.3, §4.2.8, §7.4.2 and RFC 8701 §3.1 */
START_TEST(a_changed_client_hello_gives_its_alert) {
    static const struct {
        void (*change)(leat_client_hello *hello);
        int alert;
    } rows[] = {
        {no_change, LEAT_ALERT_NONE},
        {no_schemes, LEAT_ALERT_MISSING_EXTENSION},
        {only_rsa_schemes, LEAT_ALERT_HANDSHAKE_FAILURE},
        {grease_everywhere, LEAT_ALERT_NONE},
        {cookie_unasked, LEAT_ALERT_ILLEGAL_PARAMETER},
        {early_data, LEAT_ALERT_NONE},
        {no_name, LEAT_ALERT_NONE},
        {name_with_nul, LEAT_ALERT_ILLEGAL_PARAMETER},
        {name_with_newline, LEAT_ALERT_ILLEGAL_PARAMETER},
        {name_too_long, LEAT_ALERT_ILLEGAL_PARAMETER},
        {share_empty_list, LEAT_ALERT_NONE}, /* HelloRetryRequest */
        {share_short, LEAT_ALERT_ILLEGAL_PARAMETER},
        {share_zero, LEAT_ALERT_ILLEGAL_PARAMETER},
        {share_of_small_order, LEAT_ALERT_ILLEGAL_PARAMETER},
        {share_off_the_curve, LEAT_ALERT_ILLEGAL_PARAMETER},
        {share_compressed, LEAT_ALERT_ILLEGAL_PARAMETER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tls_pair pair;
        leat_client_hello hello;
        start(&pair);
        parse_client_hello(&pair, &hello);
        rows[i].change(&hello);
        int alert = give_client_hello(&pair, &hello);
        ck_assert_msg(alert == rows[i].alert, "row %zu: %s", i, leat_alert_name(alert));
        ck_assert(alert == LEAT_ALERT_NONE || !pair.server.has_secret[LEAT_LEVEL_HANDSHAKE][0]);
        tls_pair_free(&pair);
    }
}
END_TEST

START_TEST(an_empty_list_of_shares_asks_for_a_retry) {
    tls_pair pair;
    leat_client_hello hello;
    start(&pair);
    parse_client_hello(&pair, &hello);
    share_empty_list(&hello);
    ck_assert_int_eq(give_client_hello(&pair, &hello), LEAT_ALERT_NONE);
    ck_assert(leat_tls_retried(pair.server.tls));
    tls_pair_free(&pair);
}
END_TEST

static void other_random(leat_client_hello *hello) {
    static uint8_t random[32];
    hello->random = (leat_span){random, 32};
}
static void other_suites(leat_client_hello *hello) { hello->cipher_suites = test_hex("1301"); }
static void other_groups(leat_client_hello *hello) { hello->extensions.groups = test_hex("0017"); }
static void other_protocols(leat_client_hello *hello) {
    hello->extensions.protocols = test_hex("02 6833 02 6832");
}
static void other_name(leat_client_hello *hello) {
    hello->extensions.server_name = test_hex("61 62");
}
static void other_parameters(leat_client_hello *hello) {
    hello->extensions.transport_parameters = test_hex("01");
}
static void other_extension(leat_client_hello *hello) {
    hello->extensions.present |= LEAT_HAS_COMPRESS_CERTIFICATE;
    hello->extensions.compressions = test_hex("0001");
}
static void no_shares(leat_client_hello *hello) { share_of(hello, ""); }
static void wrong_share(leat_client_hello *hello) {
    share_of(hello, "001d 0020 0900000000000000000000000000000000000000000000000000000000000000");
}
/* The right share under the name of the other group. */
static void wrong_label(leat_client_hello *hello) {
    static uint8_t list[256];
    memcpy(list, hello->extensions.key_shares.data, hello->extensions.key_shares.length);
    list[1] = LEAT_GROUP_X25519;
    hello->extensions.key_shares.data = list;
}
static void two_shares(leat_client_hello *hello) {
    static uint8_t list[256];
    leat_span first = hello->extensions.key_shares, second = test_hex("001d 0001 09");
    memcpy(list, first.data, first.length);
    memcpy(list + first.length, second.data, second.length);
    hello->extensions.key_shares = (leat_span){list, first.length + second.length};
}

/* TEST RFC 8446 §4.1.2: only key_share, cookie, early_data (gone), pre_shared_key and padding may
 * differ. */
START_TEST(a_second_client_hello_must_repeat_the_first) {
    static const struct {
        void (*change)(leat_client_hello *hello);
        int alert;
    } rows[] = {
        {no_change, LEAT_ALERT_NONE},
        {other_random, LEAT_ALERT_ILLEGAL_PARAMETER},
        {other_suites, LEAT_ALERT_ILLEGAL_PARAMETER},
        {other_groups, LEAT_ALERT_ILLEGAL_PARAMETER},
        {other_protocols, LEAT_ALERT_ILLEGAL_PARAMETER},
        {other_name, LEAT_ALERT_ILLEGAL_PARAMETER},
        {other_parameters, LEAT_ALERT_ILLEGAL_PARAMETER},
        {other_extension, LEAT_ALERT_ILLEGAL_PARAMETER},
        {no_name, LEAT_ALERT_ILLEGAL_PARAMETER},
        {cookie_unasked, LEAT_ALERT_ILLEGAL_PARAMETER},
        {early_data, LEAT_ALERT_ILLEGAL_PARAMETER},
        {no_shares, LEAT_ALERT_ILLEGAL_PARAMETER},
        {wrong_share, LEAT_ALERT_ILLEGAL_PARAMETER},
        {wrong_label, LEAT_ALERT_ILLEGAL_PARAMETER},
        {two_shares, LEAT_ALERT_ILLEGAL_PARAMETER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tls_pair pair;
        leat_client_hello hello;
        tls_pair_init(&pair);
        pair.client.config.groups = two_groups;
        pair.client.config.group_count = 2;
        pair.server.config.groups = &p256_group;
        pair.server.config.group_count = 1;
        tls_pair_start(&pair);
        tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
        tls_pair_carry(&pair, &pair.server, &pair.client, LEAT_LEVEL_INITIAL);
        parse_client_hello(&pair, &hello);
        rows[i].change(&hello);
        int alert = give_client_hello(&pair, &hello);
        ck_assert_msg(alert == rows[i].alert, "row %zu: %s", i, leat_alert_name(alert));
        tls_pair_free(&pair);
    }
}
END_TEST

static void no_cookie(leat_client_hello *hello) {
    hello->extensions.present &= ~(uint32_t)LEAT_HAS_COOKIE;
}
static void short_cookie(leat_client_hello *hello) { hello->extensions.cookie.length--; }
static void wrong_cookie(leat_client_hello *hello) {
    hello->extensions.cookie = test_hex("00112233445566778899aabbccddeeff");
}

START_TEST(a_cookie_must_come_back_as_it_was) {
    static const uint16_t group = LEAT_GROUP_X25519;
    static void (*const changes[])(leat_client_hello * hello) = {no_change, no_cookie, short_cookie,
                                                                 wrong_cookie};
    for (int i = 0; i < 4; i++) {
        tls_pair pair;
        leat_client_hello hello;
        tls_pair_init(&pair);
        pair.client.config.groups = &group;
        pair.client.config.group_count = 1;
        pair.server.config.force_hello_retry_request = true;
        tls_pair_start(&pair);
        tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
        tls_pair_carry(&pair, &pair.server, &pair.client, LEAT_LEVEL_INITIAL);
        parse_client_hello(&pair, &hello);
        changes[i](&hello);
        ck_assert_int_eq(give_client_hello(&pair, &hello),
                         i == 0 ? LEAT_ALERT_NONE : LEAT_ALERT_ILLEGAL_PARAMETER);
        tls_pair_free(&pair);
    }
}
END_TEST

START_TEST(every_flipped_bit_of_the_clients_finished_is_decrypt_error) {
    for (size_t bit = 0; bit < 256; bit += 3) {
        uint8_t finished[64];
        tls_pair pair;
        start(&pair);
        tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
        tls_pair_carry(&pair, &pair.server, &pair.client, LEAT_LEVEL_INITIAL);
        tls_pair_carry(&pair, &pair.server, &pair.client, LEAT_LEVEL_HANDSHAKE);
        leat_span out = leat_tls_output(pair.client.tls, LEAT_LEVEL_HANDSHAKE);
        ck_assert_uint_eq(out.length, 36);
        memcpy(finished, out.data, out.length);
        finished[4 + bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_eq(
            leat_tls_receive(pair.server.tls, LEAT_LEVEL_HANDSHAKE, (leat_span){finished, 36}),
            LEAT_ALERT_DECRYPT_ERROR);
        ck_assert(!leat_tls_is_complete(pair.server.tls));
        ck_assert(!pair.server.has_secret[LEAT_LEVEL_APPLICATION][0]);
        tls_pair_free(&pair);
    }
}
END_TEST

/* Starts again with the session of a first handshake, and gives the ClientHello as a struct. */
static void start_resumption(tls_pair *pair, leat_client_hello *hello) {
    tls_pair_init(pair);
    pair->server.config.ticket_keys = leat_ticket_keys_new(NULL);
    tls_pair_start(pair);
    tls_pair_run(pair);
    tls_pair_restart(pair);
    pair->client.config.session = (leat_span){pair->client.session, pair->client.session_length};
    tls_pair_start(pair);
    parse_client_hello(pair, hello);
}

/* Gives a changed ClientHello with a binder that is right for it, as its last bytes. */
static int give_bound_hello(tls_pair *pair, const leat_client_hello *hello) {
    uint8_t bytes[8192], digest[32];
    size_t length = write_client_hello(hello, bytes, sizeof bytes);
    ck_assert(leat_hash_once(LEAT_HASH_SHA256, bytes,
                             length - 2 - hello->extensions.psk_binders.length, digest));
    ck_assert(leat_psk_binder(LEAT_HASH_SHA256, pair->client.tls->handshake->session.psk, digest,
                              bytes + length - 32));
    return leat_tls_receive(pair->server.tls, LEAT_LEVEL_INITIAL, (leat_span){bytes, length});
}

/* RFC 8446 §4.2.10: 0-RTT that is offered is not accepted: nothing says it was. */
START_TEST(an_offer_of_early_data_is_ignored) {
    tls_pair pair;
    leat_client_hello hello;
    const char *why;
    leat_extensions extensions;
    start_resumption(&pair, &hello);
    early_data(&hello);
    ck_assert_int_eq(give_bound_hello(&pair, &hello), LEAT_ALERT_NONE);
    ck_assert(leat_tls_is_resumed(pair.server.tls));
    leat_span out = leat_tls_output(pair.server.tls, LEAT_LEVEL_HANDSHAKE);
    leat_span body = {out.data + 4, (size_t)out.data[2] << 8 | out.data[3]};
    ck_assert_int_eq(leat_encrypted_extensions_parse(body, UINT32_MAX, &extensions, &why),
                     LEAT_ALERT_NONE);
    ck_assert_uint_eq(extensions.present, LEAT_HAS_ALPN | LEAT_HAS_TRANSPORT_PARAMETERS);
    ck_assert(!pair.server.has_secret[LEAT_LEVEL_EARLY][0]);
    tls_pair_free(&pair);
}
END_TEST

/* TEST RFC 8446 §4.2.9: psk_ke alone gives neither resumption nor a ticket. */
START_TEST(without_psk_dhe_ke_there_is_a_full_handshake_and_no_ticket) {
    tls_pair pair;
    leat_client_hello hello;
    start_resumption(&pair, &hello);
    hello.extensions.psk_modes = test_hex("00");
    ck_assert_int_eq(give_bound_hello(&pair, &hello), LEAT_ALERT_NONE);
    ck_assert(!leat_tls_is_resumed(pair.server.tls));
    ck_assert_uint_eq(pair.server.tls->handshake->tickets_to_send, 0);
    tls_pair_free(&pair);
}
END_TEST

/* The real ticket at place `place` behind made-up ones. */
static bool resumes_at(size_t place) {
    tls_pair pair;
    leat_client_hello hello;
    uint8_t identities[4096], binders[4096];
    start_resumption(&pair, &hello);
    leat_writer identity_writer = leat_writer_make(identities, sizeof identities);
    leat_writer binder_writer = leat_writer_make(binders, sizeof binders);
    for (size_t i = 0; i < place; i++) {
        leat_span fake_identity = test_hex("0003 aabbcc 00000000");
        leat_write_bytes(&identity_writer, fake_identity.data, fake_identity.length);
        leat_write_u8(&binder_writer, 32);
        leat_write_zeros(&binder_writer, 32);
    }
    leat_write_bytes(&identity_writer, hello.extensions.psk_identities.data,
                     hello.extensions.psk_identities.length);
    leat_write_bytes(&binder_writer, hello.extensions.psk_binders.data,
                     hello.extensions.psk_binders.length);
    hello.extensions.psk_identities = (leat_span){identities, leat_writer_length(&identity_writer)};
    hello.extensions.psk_binders = (leat_span){binders, leat_writer_length(&binder_writer)};
    ck_assert_int_eq(give_bound_hello(&pair, &hello), LEAT_ALERT_NONE);
    bool resumed = leat_tls_is_resumed(pair.server.tls);
    tls_pair_free(&pair);
    return resumed;
}

START_TEST(only_the_first_few_identities_are_tried) {
    ck_assert(resumes_at(0));
    ck_assert(resumes_at(LEAT_TLS_IDENTITIES_TRIED_MAX - 1));
    ck_assert(!resumes_at(LEAT_TLS_IDENTITIES_TRIED_MAX));
}
END_TEST

LEAT_TEST_MAIN("crypto/tls rogue client", a_changed_client_hello_gives_its_alert,
               an_empty_list_of_shares_asks_for_a_retry,
               a_second_client_hello_must_repeat_the_first, a_cookie_must_come_back_as_it_was,
               every_flipped_bit_of_the_clients_finished_is_decrypt_error,
               an_offer_of_early_data_is_ignored,
               without_psk_dhe_ke_there_is_a_full_handshake_and_no_ticket,
               only_the_first_few_identities_are_tried)
