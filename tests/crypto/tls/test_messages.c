/*
 * The parsers of all messages: good ones from our own handshakes and from other stacks, then each
 * extension twice, cut short, with a byte left over, left out, and a table of bad values, each with
 * its exact alert.
 */
#include "tls_pair.h"

enum { CLIENT_HELLO, SERVER_HELLO, RETRY, ENCRYPTED, REQUEST, TICKET, SAMPLES };
#define OFFERED (LEAT_HAS_SUPPORTED_VERSIONS | LEAT_HAS_KEY_SHARE | LEAT_HAS_PRE_SHARED_KEY | LEAT_HAS_SERVER_NAME | \
                 LEAT_HAS_ALPN | LEAT_HAS_TRANSPORT_PARAMETERS | LEAT_HAS_SUPPORTED_GROUPS)

static int parse(int kind, leat_span body) {
    const char *why = "";
    leat_client_hello client_hello;
    leat_server_hello server_hello;
    leat_extensions extensions;
    leat_certificate_request request;
    leat_new_session_ticket ticket;
    switch (kind) {
    case CLIENT_HELLO: return leat_client_hello_parse(body, &client_hello, &why);
    case ENCRYPTED: return leat_encrypted_extensions_parse(body, OFFERED, &extensions, &why);
    case REQUEST: return leat_certificate_request_parse(body, &request, &why);
    case TICKET: return leat_new_session_ticket_parse(body, &ticket, &why);
    default: return leat_server_hello_parse(body, OFFERED, &server_hello, &why);
    }
}

/* A message body, split where its list of extensions begins. */
typedef struct message_sample {
    uint8_t bytes[8192];
    size_t length, list_at;
} message_sample;

static message_sample samples[SAMPLES];
static uint8_t edited[16384];

static void take_sample(message_sample *out, leat_span body, size_t list_at) {
    ck_assert_uint_lt(body.length, sizeof out->bytes);
    memcpy(out->bytes, body.data, body.length);
    out->length = body.length;
    out->list_at = list_at;
}

/* The ClientHello after a HelloRetryRequest with cookie that offers a session: it has every
 * extension we know. */
static void make_client_samples(void) {
    static const uint16_t group = LEAT_GROUP_X25519;
    tls_pair pair;
    tls_pair_init(&pair);
    pair.server.config.ticket_keys = leat_ticket_keys_new(NULL);
    pair.client.config.groups = &group;
    pair.client.config.group_count = 1;
    for (int round = 0; round < 2; round++) {
        tls_pair_start(&pair);
        if (round == 1) {
            break;
        }
        tls_pair_run(&pair);
        tls_pair_restart(&pair);
        pair.client.config.session = (leat_span){pair.client.session, pair.client.session_length};
        pair.server.config.force_hello_retry_request = true;
    }
    tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
    tls_pair_carry(&pair, &pair.server, &pair.client, LEAT_LEVEL_INITIAL);
    leat_span out = leat_tls_body(leat_tls_output(pair.client.tls, LEAT_LEVEL_INITIAL));
    take_sample(&samples[CLIENT_HELLO], out, 2 + 32 + 1 + 2 + 6 + 2);
    tls_pair_carry(&pair, &pair.client, &pair.server, LEAT_LEVEL_INITIAL);
    out = leat_tls_body(leat_tls_output(pair.server.tls, LEAT_LEVEL_INITIAL));
    take_sample(&samples[SERVER_HELLO], out, 2 + 32 + 1 + 2 + 1);
    tls_pair_free(&pair);
}

static void make_samples(void) {
    make_client_samples();
    uint8_t bytes[1024];
    leat_writer writer = leat_writer_make(bytes, sizeof bytes);
    leat_server_hello retry = {.random = {leat_hello_retry_random, 32}, .cipher_suite = 0x1301};
    retry.extensions = (leat_extensions){.present = LEAT_HAS_SUPPORTED_VERSIONS |
                                                    LEAT_HAS_KEY_SHARE | LEAT_HAS_COOKIE,
                                         .version = LEAT_TLS_1_3,
                                         .group = 23,
                                         .cookie = test_hex("aa bb")};
    leat_server_hello_write(&retry, &writer);
    take_sample(&samples[RETRY], (leat_span){bytes, leat_writer_length(&writer)},
                2 + 32 + 1 + 2 + 1);
    take_sample(&samples[ENCRYPTED],
                test_hex("00 1e 00 00 00 00  00 0a 00 04 00 02 00 1d  00 10 00 05 00 03 02 68 33"
                         "00 39 00 05 01 02 03 04 05"),
                0);
    take_sample(&samples[REQUEST],
                test_hex("00 00 17 00 0d 00 04 00 02 04 03  00 32 00 04 00 02 04 03"
                         "00 1b 00 03 02 00 01"),
                1);
    take_sample(&samples[TICKET],
                test_hex("00 00 00 10 01 02 03 04 01 00 00 02 aa bb 00 08 00 2a 00 04 ff ff ff ff"),
                14);
}

/* The sample with extension number `index` replaced by `id` and `body`; index past the end:
 * appended. */
static leat_span edit(const message_sample *sample, size_t index, bool drop, int id, leat_span body,
                      uint8_t out[16384]) {
    leat_reader reader =
        leat_reader_make(sample->bytes + sample->list_at, sample->length - sample->list_at);
    leat_reader list = leat_reader_of(leat_read_vector16(&reader));
    leat_writer writer = leat_writer_make(out, 16384);
    leat_write_bytes(&writer, sample->bytes, sample->list_at);
    size_t mark = leat_write_vector_begin(&writer, 2);
    bool written = drop;
    for (size_t i = 0; leat_reader_left(&list) > 0; i++) {
        uint16_t old_id = leat_read_u16(&list);
        leat_span old_body = leat_read_vector16(&list);
        if (i == index && drop) {
            continue;
        }
        leat_write_u16(&writer, i == index ? (uint16_t)id : old_id);
        leat_tls_write_vector(&writer, 2, i == index ? body : old_body);
        written = written || i == index;
    }
    if (!written) {
        leat_write_u16(&writer, (uint16_t)id);
        leat_tls_write_vector(&writer, 2, body);
    }
    leat_write_vector_end(&writer, mark, 2);
    ck_assert(!writer.failed);
    return (leat_span){out, leat_writer_length(&writer)};
}

/* Extension number `index` of a sample; false past the end. */
static bool extension_at(const message_sample *sample, size_t index, uint16_t *id,
                         leat_span *body) {
    leat_reader reader =
        leat_reader_make(sample->bytes + sample->list_at, sample->length - sample->list_at);
    leat_reader list = leat_reader_of(leat_read_vector16(&reader));
    for (size_t i = 0; leat_reader_left(&list) > 0; i++) {
        *id = leat_read_u16(&list);
        *body = leat_read_vector16(&list);
        if (i == index) {
            return true;
        }
    }
    return false;
}

static size_t find_extension(const message_sample *sample, uint16_t wanted) {
    uint16_t id;
    leat_span body;
    size_t index = 0;
    while (extension_at(sample, index, &id, &body) && id != wanted) {
        index++;
    }
    return index;
}

#define FOR_EACH_EXTENSION(kind, index, id, body) \
    for (int kind = 0; kind < SAMPLES; kind++) \
        for (size_t index = 0; extension_at(&samples[kind], index, &id, &body); index++)

START_TEST(the_samples_parse) {
    make_samples();
    for (int kind = 0; kind < SAMPLES; kind++) {
        leat_span whole = {samples[kind].bytes, samples[kind].length};
        ck_assert_msg(parse(kind, whole) == LEAT_ALERT_NONE, "sample %d: %s", kind,
                      leat_alert_name(parse(kind, whole)));
    }
}
END_TEST

START_TEST(every_cut_of_a_message_is_refused) {
    make_samples();
    for (int kind = 0; kind < SAMPLES; kind++) {
        for (size_t length = 0; length < samples[kind].length; length++) {
            uint8_t *exact = malloc(length + 1); /* so that a sanitizer sees a read past the end */
            memcpy(exact, samples[kind].bytes, length);
            ck_assert_int_ne(parse(kind, (leat_span){exact, length}), LEAT_ALERT_NONE);
            free(exact);
        }
        samples[kind].bytes[samples[kind].length] = 0;
        ck_assert_int_eq(parse(kind, (leat_span){samples[kind].bytes, samples[kind].length + 1}),
                         LEAT_ALERT_DECODE_ERROR);
    }
}
END_TEST

/* TEST RFC 8446 §4.2 */
START_TEST(every_extension_twice_is_illegal_parameter) {
    uint16_t id;
    leat_span body;
    make_samples();
    FOR_EACH_EXTENSION(kind, index, id, body) {
        leat_span message = edit(&samples[kind], SIZE_MAX, false, id, body, edited);
        ck_assert_msg(parse(kind, message) == LEAT_ALERT_ILLEGAL_PARAMETER, "kind %d id %d", kind,
                      id);
    }
}
END_TEST

static bool is_opaque(uint16_t id) { return id == 57; }

START_TEST(every_extension_cut_short_or_with_a_byte_left_over_is_decode_error) {
    uint16_t id;
    leat_span body;
    make_samples();
    FOR_EACH_EXTENSION(kind, index, id, body) {
        for (size_t length = 0; length < body.length && !is_opaque(id); length++) {
            leat_span message =
                edit(&samples[kind], index, false, id, (leat_span){body.data, length}, edited);
            ck_assert_msg(parse(kind, message) == LEAT_ALERT_DECODE_ERROR,
                          "kind %d id %d cut to %zu", kind, id, length);
        }
        uint8_t longer[4096] = {0};
        memcpy(longer, body.data, body.length);
        leat_span message =
            edit(&samples[kind], index, false, id, (leat_span){longer, body.length + 1}, edited);
        int expected = is_opaque(id) ? LEAT_ALERT_NONE : LEAT_ALERT_DECODE_ERROR;
        ck_assert_msg(parse(kind, message) == expected, "kind %d id %d and a byte", kind, id);
    }
}
END_TEST

/* TEST RFC 9001 §8.1-2, §8.2-1 and RFC 8446 §9.2 */
START_TEST(every_missing_extension_gives_its_alert) {
    static const struct {
        int kind;
        uint16_t id;
        int alert;
    } required[] = {
        {CLIENT_HELLO, 43, LEAT_ALERT_PROTOCOL_VERSION},    {CLIENT_HELLO, 10, LEAT_ALERT_MISSING_EXTENSION},
        {CLIENT_HELLO, 51, LEAT_ALERT_MISSING_EXTENSION},   {CLIENT_HELLO, 16, LEAT_ALERT_NO_APPLICATION_PROTOCOL},
        {CLIENT_HELLO, 57, LEAT_ALERT_MISSING_EXTENSION},   {CLIENT_HELLO, 45, LEAT_ALERT_MISSING_EXTENSION},
        {SERVER_HELLO, 43, LEAT_ALERT_PROTOCOL_VERSION},    {RETRY, 43, LEAT_ALERT_PROTOCOL_VERSION},
        {ENCRYPTED, 16, LEAT_ALERT_NO_APPLICATION_PROTOCOL}, {ENCRYPTED, 57, LEAT_ALERT_MISSING_EXTENSION},
        {REQUEST, 13, LEAT_ALERT_MISSING_EXTENSION},
    };
    uint16_t id;
    leat_span body;
    make_samples();
    FOR_EACH_EXTENSION(kind, index, id, body) {
        int expected = LEAT_ALERT_NONE;
        for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
            expected =
                required[i].kind == kind && required[i].id == id ? required[i].alert : expected;
        }
        leat_span message = edit(&samples[kind], index, true, 0, (leat_span){NULL, 0}, edited);
        ck_assert_msg(parse(kind, message) == expected, "kind %d without %d: %s", kind, id,
                      leat_alert_name(parse(kind, message)));
    }
}
END_TEST

START_TEST(unknown_extensions_are_ignored_in_offers_and_refused_in_answers) {
    make_samples();
    for (int kind = 0; kind < SAMPLES; kind++) {
        bool offer = kind == CLIENT_HELLO || kind == REQUEST || kind == TICKET;
        int expected = offer ? LEAT_ALERT_NONE : LEAT_ALERT_UNSUPPORTED_EXTENSION;
        /* GREASE takes the place of the first extension that may be absent, so that the last stays
         * last. */
        size_t index = kind == CLIENT_HELLO ? find_extension(&samples[kind], 0) : SIZE_MAX;
        leat_span message = edit(&samples[kind], index, false, 0x1a1a, test_hex("00"), edited);
        ck_assert_msg(parse(kind, message) == expected, "kind %d: %s", kind,
                      leat_alert_name(parse(kind, message)));
    }
}
END_TEST

/* TEST RFC 8446 §4.2: known extensions in messages that they do not belong into. */
START_TEST(misplaced_extensions_are_illegal_parameter) {
    static const struct {
        int kind;
        uint16_t id;
    } misplaced[] = {
        {CLIENT_HELLO, 48}, {SERVER_HELLO, 0},  {SERVER_HELLO, 16}, {SERVER_HELLO, 44}, {SERVER_HELLO, 57}, {SERVER_HELLO, 5},
        {RETRY, 41},        {RETRY, 0},         {ENCRYPTED, 43},    {ENCRYPTED, 51},    {ENCRYPTED, 13},    {ENCRYPTED, 41},
        {REQUEST, 51},      {REQUEST, 43},      {TICKET, 43},       {TICKET, 57},       {TICKET, 16},
        {SERVER_HELLO, 27}, {RETRY, 27},        {ENCRYPTED, 27},    {TICKET, 27},
    };
    make_samples();
    for (size_t i = 0; i < sizeof misplaced / sizeof misplaced[0]; i++) {
        int kind = misplaced[i].kind;
        size_t index = kind == CLIENT_HELLO ? find_extension(&samples[kind], 0) : SIZE_MAX;
        leat_span message =
            edit(&samples[kind], index, false, misplaced[i].id, test_hex("00 00"), edited);
        ck_assert_msg(parse(kind, message) == LEAT_ALERT_ILLEGAL_PARAMETER, "row %zu", i);
    }
}
END_TEST

START_TEST(answers_to_extensions_not_offered_are_unsupported_extension) {
    const char *why;
    leat_server_hello hello;
    leat_extensions extensions;
    make_samples();
    leat_span server_hello = {samples[SERVER_HELLO].bytes, samples[SERVER_HELLO].length};
    leat_span encrypted = {samples[ENCRYPTED].bytes, samples[ENCRYPTED].length};
    ck_assert_int_eq(leat_server_hello_parse(
                         server_hello, OFFERED & ~(uint32_t)LEAT_HAS_PRE_SHARED_KEY, &hello, &why),
                     LEAT_ALERT_UNSUPPORTED_EXTENSION);
    ck_assert_int_eq(leat_encrypted_extensions_parse(
                         encrypted, OFFERED & ~(uint32_t)LEAT_HAS_SERVER_NAME, &extensions, &why),
                     LEAT_ALERT_UNSUPPORTED_EXTENSION);
    leat_span message = edit(&samples[ENCRYPTED], SIZE_MAX, false, 1, test_hex("01"), edited);
    ck_assert_int_eq(parse(ENCRYPTED, message), LEAT_ALERT_UNSUPPORTED_EXTENSION);
    message = edit(&samples[ENCRYPTED], SIZE_MAX, false, 42, (leat_span){NULL, 0}, edited);
    ck_assert_int_eq(parse(ENCRYPTED, message), LEAT_ALERT_UNSUPPORTED_EXTENSION);
}
END_TEST

START_TEST(pre_shared_key_must_be_the_last_extension) {
    make_samples();
    leat_span message =
        edit(&samples[CLIENT_HELLO], SIZE_MAX, false, 0x1a1a, test_hex("00"), edited);
    ck_assert_int_eq(parse(CLIENT_HELLO, message), LEAT_ALERT_ILLEGAL_PARAMETER);
}
END_TEST

#define BINDER "20 00112233445566778899aabbccddeeff 00112233445566778899aabbccddeeff"

START_TEST(bad_values_of_extensions_give_their_alert) {
    enum {
        OK = LEAT_ALERT_NONE,
        DECODE = LEAT_ALERT_DECODE_ERROR,
        ILLEGAL = LEAT_ALERT_ILLEGAL_PARAMETER
    };
    static const struct {
        int kind;
        uint16_t id;
        const char *body;
        int alert;
    } values[] = {
        {CLIENT_HELLO, 43, "02 03 03", LEAT_ALERT_PROTOCOL_VERSION},
        {CLIENT_HELLO, 43, "02 03 05", LEAT_ALERT_PROTOCOL_VERSION},
        {CLIENT_HELLO, 43, "00", DECODE},
        {CLIENT_HELLO, 43, "03 03 04 00", DECODE},
        {CLIENT_HELLO, 43, "06 3a 3a 03 04 03 03", OK},
        {CLIENT_HELLO, 0, "00 00", DECODE},
        {CLIENT_HELLO, 0, "00 03 00 00 00", DECODE},
        {CLIENT_HELLO, 0, "00 05 01 00 02 61 62", DECODE},
        {CLIENT_HELLO, 0, "00 08 00 00 01 61 00 00 01 62", DECODE},
        {CLIENT_HELLO, 10, "00 00", DECODE},
        {CLIENT_HELLO, 10, "00 01 1d", DECODE},
        {CLIENT_HELLO, 10, "00 02 00 17", ILLEGAL}, /* then the share for x25519 is for no group of the list */
        {CLIENT_HELLO, 10, "00 04 4a 4a 00 1d", OK},
        {CLIENT_HELLO, 51, "00 00", OK}, /* RFC 8446 §4.2.8: asks for a HelloRetryRequest */
        {CLIENT_HELLO, 51, "00 04 00 1d 00 00", DECODE},
        {CLIENT_HELLO, 51, "00 0a 00 1d 00 01 aa 00 1d 00 01 bb", ILLEGAL},
        {CLIENT_HELLO, 51, "00 05 2a 2a 00 01 00", ILLEGAL},
        {CLIENT_HELLO, 13, "00 00", DECODE},
        {CLIENT_HELLO, 13, "00 03 04 03 08", DECODE},
        {CLIENT_HELLO, 50, "00 00", DECODE},
        {CLIENT_HELLO, 16, "00 00", DECODE},
        {CLIENT_HELLO, 16, "00 01 00", DECODE},
        {CLIENT_HELLO, 16, "00 04 02 68 33 00", DECODE},
        {CLIENT_HELLO, 16, "00 03 05 68 33", DECODE},
        {CLIENT_HELLO, 16, "00 04 03 00 ff 0a", OK}, /* any bytes are a name */
        {CLIENT_HELLO, 44, "00 00", DECODE},
        {CLIENT_HELLO, 45, "00", DECODE},
        {CLIENT_HELLO, 45, "01 00", OK},
        {CLIENT_HELLO, 41, "00 00 00 21 " BINDER, DECODE},
        {CLIENT_HELLO, 41, "00 07 00 01 aa 00 00 00 00 00 00", ILLEGAL},
        {CLIENT_HELLO, 41, "00 06 00 00 00 00 00 00 00 21 " BINDER, DECODE},
        {CLIENT_HELLO, 41, "00 07 00 01 aa 00 00 00 00 00 21 " BINDER, OK},
        {CLIENT_HELLO, 41, "00 07 00 01 aa 00 00 00 00 00 42 " BINDER BINDER, ILLEGAL},
        {CLIENT_HELLO, 41, "00 0e 00 01 aa 00 00 00 00 00 01 bb 00 00 00 00 00 21 " BINDER, ILLEGAL},
        {CLIENT_HELLO, 41, "00 07 00 01 aa 00 00 00 00 00 02 01 aa", DECODE},
        {CLIENT_HELLO, 41, "00 08 00 01 aa 00 00 00 00 00 00 21 " BINDER, DECODE},
        {SERVER_HELLO, 43, "03 03", LEAT_ALERT_PROTOCOL_VERSION}, /* TEST RFC 9001 §4.2-2 */
        {SERVER_HELLO, 43, "03 05", ILLEGAL},
        {SERVER_HELLO, 51, "00 1d 00 00", DECODE},
        {RETRY, 44, "00 00", DECODE},
        {ENCRYPTED, 16, "00 06 02 68 33 02 68 32", DECODE},
        {ENCRYPTED, 16, "00 00", DECODE},
        {ENCRYPTED, 0, "00", DECODE},
        {REQUEST, 13, "00 00", DECODE},
        {REQUEST, 13, "00 03 04 03 08", DECODE},
        {REQUEST, 27, "00", DECODE}, /* TEST RFC 8879 §3 */
        {REQUEST, 27, "01 00", DECODE},
        {REQUEST, 27, "03 00 01 00", DECODE},
        {REQUEST, 27, "04 3a 3a 00 02", OK},
        {TICKET, 42, "00 00 00 00", ILLEGAL}, /* TEST RFC 9001 §4.6.1-2 */
        {TICKET, 42, "00 00 40 00", ILLEGAL},
        {TICKET, 42, "ff ff ff ff", OK},
    };
    make_samples();
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const message_sample *sample = &samples[values[i].kind];
        size_t index = find_extension(sample, values[i].id);
        leat_span message =
            edit(sample, index, false, values[i].id, test_hex(values[i].body), edited);
        int alert = parse(values[i].kind, message);
        ck_assert_msg(alert == values[i].alert, "row %zu: %s", i, leat_alert_name(alert));
    }
}
END_TEST

START_TEST(bad_fields_of_hellos_give_their_alert) {
    make_samples();
    message_sample *hello = &samples[CLIENT_HELLO];
    leat_span whole = {hello->bytes, hello->length};
    hello->bytes[0] = 0xff; /* RFC 8446 §4.2.1: legacy_version is not looked at */
    ck_assert_int_eq(parse(CLIENT_HELLO, whole), LEAT_ALERT_NONE);
    hello->bytes[2 + 32 + 1 + 2 + 6 + 1] = 1; /* compression method 1 */
    ck_assert_int_eq(parse(CLIENT_HELLO, whole), LEAT_ALERT_ILLEGAL_PARAMETER);
    hello->bytes[2 + 32 + 1 + 2 + 6 + 1] = 0;
    hello->bytes[2 + 32 + 1 + 1] = 5; /* half a cipher suite */
    ck_assert_int_eq(parse(CLIENT_HELLO, whole), LEAT_ALERT_DECODE_ERROR);
    hello = &samples[SERVER_HELLO];
    whole = (leat_span){hello->bytes, hello->length};
    hello->bytes[1] = 4; /* legacy_version */
    ck_assert_int_eq(parse(SERVER_HELLO, whole), LEAT_ALERT_ILLEGAL_PARAMETER);
    hello->bytes[1] = 3;
    hello->bytes[2 + 32 + 1 + 2] = 1; /* compression */
    ck_assert_int_eq(parse(SERVER_HELLO, whole), LEAT_ALERT_ILLEGAL_PARAMETER);
}
END_TEST

/* TEST RFC 9001 §8.4-2 */
START_TEST(a_legacy_session_id_is_refused) {
    make_samples();
    message_sample *hello = &samples[CLIENT_HELLO];
    memmove(hello->bytes + 2 + 32 + 2, hello->bytes + 2 + 32 + 1, hello->length - 35);
    hello->bytes[2 + 32] = 1;
    ck_assert_int_eq(parse(CLIENT_HELLO, (leat_span){hello->bytes, hello->length + 1}),
                     LEAT_ALERT_ILLEGAL_PARAMETER);
}
END_TEST

START_TEST(an_old_client_hello_without_extensions_is_protocol_version) {
    make_samples();
    ck_assert_int_eq(parse(CLIENT_HELLO,
                           (leat_span){samples[CLIENT_HELLO].bytes, samples[CLIENT_HELLO].list_at}),
                     LEAT_ALERT_PROTOCOL_VERSION);
    ck_assert_int_eq(parse(SERVER_HELLO,
                           (leat_span){samples[SERVER_HELLO].bytes, samples[SERVER_HELLO].list_at}),
                     LEAT_ALERT_PROTOCOL_VERSION);
}
END_TEST

START_TEST(the_number_of_extensions_is_bounded) {
    uint8_t list[4 * 500];
    leat_extensions extensions;
    const char *why;
    for (size_t count = LEAT_EXTENSIONS_MAX; count <= 500; count += 500 - LEAT_EXTENSIONS_MAX) {
        leat_writer writer = leat_writer_make(list, sizeof list);
        for (size_t i = 0; i < count; i++) {
            leat_write_u16(&writer, (uint16_t)(0x4000 + i));
            leat_write_u16(&writer, 0);
        }
        leat_span span = {list, leat_writer_length(&writer)};
        int alert = leat_extensions_parse(LEAT_IN_NEW_SESSION_TICKET, span, 0, &extensions, &why);
        ck_assert_int_eq(alert, count == 500 ? LEAT_ALERT_ILLEGAL_PARAMETER : LEAT_ALERT_NONE);
    }
}
END_TEST

START_TEST(certificates_are_bounded_and_complete) {
    const char *why;
    leat_certificate certificate;
    static const struct {
        const char *body;
        int alert;
    } rows[] = {
        {"00 00 00 00", LEAT_ALERT_NONE},
        {"00 00 00 06 00 00 01 aa 00 00", LEAT_ALERT_NONE},
        {"00 00 00 05 00 00 00 00 00", LEAT_ALERT_DECODE_ERROR},
        {"00 00 00 05 00 00 01 aa 00", LEAT_ALERT_DECODE_ERROR},
        {"00 00 00 06 00 00 01 aa 00 00 00", LEAT_ALERT_DECODE_ERROR},
        {"00 00 00 0a 00 00 01 aa 00 04 00 05 00 00", LEAT_ALERT_UNSUPPORTED_EXTENSION},
        {"00 00 00 0a 00 00 01 aa 00 04 3a 3a 00 00", LEAT_ALERT_UNSUPPORTED_EXTENSION},
        {"00 00 00 0a 00 00 01 aa 00 04 00 2b 00 00", LEAT_ALERT_ILLEGAL_PARAMETER},
        {"00 ff ff ff", LEAT_ALERT_DECODE_ERROR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_int_eq(leat_certificate_parse(test_hex(rows[i].body), &certificate, &why),
                         rows[i].alert);
    }
    uint8_t chain[4 + 6 * (LEAT_X509_CHAIN_MAX + 1)] = {0, 0, 0, 6 * (LEAT_X509_CHAIN_MAX + 1)};
    for (size_t i = 0; i <= LEAT_X509_CHAIN_MAX; i++) {
        chain[4 + 6 * i + 2] = 1;
    }
    ck_assert_int_eq(leat_certificate_parse((leat_span){chain, sizeof chain}, &certificate, &why),
                     LEAT_ALERT_BAD_CERTIFICATE);
    chain[3] -= 6;
    ck_assert_int_eq(
        leat_certificate_parse((leat_span){chain, sizeof chain - 6}, &certificate, &why),
        LEAT_ALERT_NONE);
    ck_assert_uint_eq(certificate.count, LEAT_X509_CHAIN_MAX);
}
END_TEST

/* What another stack sent in the days of the drafts: what is missing or answered unasked by now has
 * its alert. */
START_TEST(messages_of_other_stacks_give_their_alert) {
    static const struct {
        const char *file;
        int kind, alert;
    } files[] = {
        {"client_hello", CLIENT_HELLO, LEAT_ALERT_NO_APPLICATION_PROTOCOL},
        {"client_hello_with_alpn", CLIENT_HELLO, LEAT_ALERT_MISSING_EXTENSION},
        {"client_hello_with_psk", CLIENT_HELLO, LEAT_ALERT_NO_APPLICATION_PROTOCOL},
        {"client_hello_with_sni", CLIENT_HELLO, LEAT_ALERT_NO_APPLICATION_PROTOCOL},
        {"server_hello", SERVER_HELLO, LEAT_ALERT_ILLEGAL_PARAMETER},
        {"server_hello_with_psk", SERVER_HELLO, LEAT_ALERT_ILLEGAL_PARAMETER},
        {"server_hello_with_unknown_extension", SERVER_HELLO, LEAT_ALERT_UNSUPPORTED_EXTENSION},
        {"encrypted_extensions", ENCRYPTED, LEAT_ALERT_UNSUPPORTED_EXTENSION},
        {"encrypted_extensions_with_alpn", ENCRYPTED, LEAT_ALERT_UNSUPPORTED_EXTENSION},
        {"encrypted_extensions_with_alpn_and_early_data", ENCRYPTED, LEAT_ALERT_UNSUPPORTED_EXTENSION},
        {"certificate_request", REQUEST, LEAT_ALERT_NONE},
        {"new_session_ticket", TICKET, LEAT_ALERT_NONE},
        {"new_session_ticket_with_unknown_extension", TICKET, LEAT_ALERT_NONE},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[128];
        size_t length;
        snprintf(path, sizeof path, "vectors/tls/aioquic/tls_%s.bin", files[i].file);
        uint8_t *bytes = test_read_file(path, &length);
        int alert = parse(files[i].kind, leat_tls_body((leat_span){bytes, length}));
        ck_assert_msg(alert == files[i].alert, "%s: %s", files[i].file, leat_alert_name(alert));
        free(bytes);
    }
}
END_TEST

START_TEST(certificates_and_signatures_of_other_stacks_are_read) {
    const char *why;
    size_t length;
    leat_certificate certificate;
    leat_certificate_verify verify;
    leat_span verify_data;
    uint8_t *bytes = test_read_file("vectors/tls/aioquic/tls_certificate.bin", &length);
    ck_assert_int_eq(
        leat_certificate_parse(leat_tls_body((leat_span){bytes, length}), &certificate, &why),
        LEAT_ALERT_NONE);
    ck_assert_uint_eq(certificate.count, 1);
    ck_assert_uint_eq(certificate.chain[0].length, 1525);
    free(bytes);
    bytes = test_read_file("vectors/tls/aioquic/tls_certificate_verify.bin", &length);
    ck_assert_int_eq(
        leat_certificate_verify_parse(leat_tls_body((leat_span){bytes, length}), &verify, &why),
        LEAT_ALERT_NONE);
    ck_assert_uint_eq(verify.scheme, LEAT_SIG_RSA_PSS_RSAE_SHA256);
    ck_assert_uint_eq(verify.signature.length, 384);
    free(bytes);
    bytes = test_read_file("vectors/tls/aioquic/tls_finished.bin", &length);
    ck_assert_int_eq(
        leat_finished_parse(leat_tls_body((leat_span){bytes, length}), 32, &verify_data, &why),
        LEAT_ALERT_NONE);
    ck_assert_int_eq(
        leat_finished_parse(leat_tls_body((leat_span){bytes, length}), 48, &verify_data, &why),
        LEAT_ALERT_DECODE_ERROR);
    free(bytes);
}
END_TEST

LEAT_TEST_MAIN("crypto/tls messages", the_samples_parse, every_cut_of_a_message_is_refused,
               every_extension_twice_is_illegal_parameter,
               every_extension_cut_short_or_with_a_byte_left_over_is_decode_error,
               every_missing_extension_gives_its_alert,
               unknown_extensions_are_ignored_in_offers_and_refused_in_answers,
               misplaced_extensions_are_illegal_parameter,
               answers_to_extensions_not_offered_are_unsupported_extension,
               pre_shared_key_must_be_the_last_extension, bad_values_of_extensions_give_their_alert,
               bad_fields_of_hellos_give_their_alert, a_legacy_session_id_is_refused,
               an_old_client_hello_without_extensions_is_protocol_version,
               the_number_of_extensions_is_bounded, certificates_are_bounded_and_complete,
               messages_of_other_stacks_give_their_alert,
               certificates_and_signatures_of_other_stacks_are_read)
