/*
 * RFC 8446 §4, RFC 9001 §4.1.3: which message may come in which state at which level, as a table:
 * everything else is unexpected_message. The table here is written from the RFC, not from the code.
 */
#include "tls_pair.h"

typedef struct state_row {
    leat_tls_state state;
    bool is_client;
    leat_level level;
    uint8_t allowed[3]; /* message types; 0 ends */
    bool retry_allowed;
} state_row;

static const state_row state_rows[] = {
    {LEAT_CLIENT_NEW, true, LEAT_LEVEL_INITIAL, {0}, false},
    {LEAT_CLIENT_HELLO_SENT, true, LEAT_LEVEL_INITIAL, {LEAT_SERVER_HELLO}, true},
    {LEAT_CLIENT_RETRIED, true, LEAT_LEVEL_INITIAL, {LEAT_SERVER_HELLO}, false},
    {LEAT_CLIENT_HAS_SERVER_HELLO, true, LEAT_LEVEL_HANDSHAKE, {LEAT_ENCRYPTED_EXTENSIONS}, false},
    {LEAT_CLIENT_HAS_EXTENSIONS, true, LEAT_LEVEL_HANDSHAKE, {LEAT_CERTIFICATE_REQUEST, LEAT_CERTIFICATE}, false},
    {LEAT_CLIENT_HAS_CERTIFICATE_REQUEST, true, LEAT_LEVEL_HANDSHAKE, {LEAT_CERTIFICATE}, false},
    {LEAT_CLIENT_HAS_CERTIFICATE, true, LEAT_LEVEL_HANDSHAKE, {LEAT_CERTIFICATE_VERIFY}, false},
    {LEAT_CLIENT_TRUSTS_SERVER, true, LEAT_LEVEL_HANDSHAKE, {LEAT_FINISHED}, false},
    {LEAT_CLIENT_DONE, true, LEAT_LEVEL_APPLICATION, {LEAT_NEW_SESSION_TICKET}, false},
    {LEAT_SERVER_NEW, false, LEAT_LEVEL_INITIAL, {LEAT_CLIENT_HELLO}, false},
    {LEAT_SERVER_RETRIED, false, LEAT_LEVEL_INITIAL, {LEAT_CLIENT_HELLO}, false},
    {LEAT_SERVER_FLIGHT_SENT, false, LEAT_LEVEL_HANDSHAKE, {LEAT_FINISHED}, false},
    {LEAT_SERVER_ASKED, false, LEAT_LEVEL_HANDSHAKE, {LEAT_CERTIFICATE}, false},
    {LEAT_SERVER_HAS_CERTIFICATE, false, LEAT_LEVEL_HANDSHAKE, {LEAT_CERTIFICATE_VERIFY}, false},
    {LEAT_SERVER_DONE, false, LEAT_LEVEL_APPLICATION, {0}, false},
};

/* Moves one message of what `from` has to send. */
static void carry_message(tls_side *from, tls_side *to) {
    for (leat_level level = LEAT_LEVEL_INITIAL; level < LEAT_LEVEL_COUNT; level++) {
        leat_span out = leat_tls_output(from->tls, level);
        if (out.length > 0) {
            size_t length =
                4 + ((size_t)out.data[1] << 16 | (size_t)out.data[2] << 8 | out.data[3]);
            to->alert = leat_tls_receive(to->tls, level, (leat_span){out.data, length});
            ck_assert_msg(to->alert == LEAT_ALERT_NONE, "%s", leat_tls_error_message(to->tls));
            leat_tls_output_consume(from->tls, level, length);
            return;
        }
    }
}

static const uint8_t certificate_request[] = {13, 0, 0, 11, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3};

/* Brings one side into the state; messages flow one by one until it is there. */
static tls_side *reach(tls_pair *pair, const state_row *row) {
    tls_side *side = row->is_client ? &pair->client : &pair->server;
    tls_pair_init(pair);
    pair->server.config.ticket_keys = leat_ticket_keys_new(NULL);
    pair->server.config.force_hello_retry_request =
        row->state == LEAT_CLIENT_RETRIED || row->state == LEAT_SERVER_RETRIED;
    if (row->state == LEAT_SERVER_ASKED || row->state == LEAT_SERVER_HAS_CERTIFICATE) {
        tls_pair_ask(pair, LEAT_CLIENT_AUTH_REQUIRE);
    }
    tls_pair_start(pair);
    if (row->state == LEAT_CLIENT_NEW) { /* not started */
        tls_pair_restart(pair);
        tls_pair_start(pair);
        pair->client.tls->state = LEAT_CLIENT_NEW;
    }
    for (int i = 0; i < 20 && side->tls->state != row->state; i++) {
        if (row->state == LEAT_CLIENT_HAS_CERTIFICATE_REQUEST &&
            side->tls->state == LEAT_CLIENT_HAS_EXTENSIONS) {
            leat_tls_receive(side->tls, LEAT_LEVEL_HANDSHAKE,
                             (leat_span){certificate_request, sizeof certificate_request});
            continue;
        }
        carry_message(&pair->client, &pair->server);
        if (side->tls->state != row->state) {
            carry_message(&pair->server, &pair->client);
        }
    }
    ck_assert_int_eq(side->tls->state, row->state);
    return side;
}

/* A message of this type that no parser accepts: so the one that may come gives decode_error. */
static int send_broken(tls_side *side, leat_level level, uint8_t type) {
    uint8_t message[] = {type, 0, 0, 1, 0};
    return leat_tls_receive(side->tls, level, (leat_span){message, sizeof message});
}

static int send_broken_retry(tls_side *side, leat_level level) {
    uint8_t message[4 + 2 + LEAT_TLS_RANDOM] = {LEAT_SERVER_HELLO, 0, 0, 2 + LEAT_TLS_RANDOM, 3, 3};
    memcpy(message + 6, leat_hello_retry_random, LEAT_TLS_RANDOM);
    return leat_tls_receive(side->tls, level, (leat_span){message, sizeof message});
}

static bool is_allowed(const state_row *row, leat_level level, uint8_t type) {
    return level == row->level && type != 0 &&
           memchr(row->allowed, type, sizeof row->allowed) != NULL;
}

/* TEST RFC 9001 §4.1.3-3, §8.3: every message in every state at every level. */
START_TEST(every_message_in_every_state_gives_its_alert) {
    static const uint8_t types[] = {0,  1,  2,  3,  4,  5,  6,  8,  11,  12,
                                    13, 14, 15, 16, 20, 22, 24, 25, 254, 255};
    for (size_t r = 0; r < sizeof state_rows / sizeof state_rows[0]; r++) {
        for (leat_level level = LEAT_LEVEL_INITIAL; level < LEAT_LEVEL_COUNT; level++) {
            for (size_t t = 0; t < sizeof types; t++) {
                const state_row *row = &state_rows[r];
                tls_pair pair;
                tls_side *side = reach(&pair, row);
                int alert = send_broken(side, level, types[t]);
                int expected = is_allowed(row, level, types[t]) ? LEAT_ALERT_DECODE_ERROR
                                                                : LEAT_ALERT_UNEXPECTED_MESSAGE;
                ck_assert_msg(alert == expected, "state %d level %d type %d: %s", (int)row->state,
                              (int)level, types[t], leat_alert_name(alert));
                ck_assert(!leat_tls_is_complete(side->tls));
                ck_assert_int_eq(leat_tls_receive(side->tls, level, test_hex("00")), expected);
                tls_pair_free(&pair);
            }
        }
    }
}
END_TEST

/* TEST RFC 8446 §4.1.4: a second HelloRetryRequest is unexpected_message. */
START_TEST(a_hello_retry_request_may_come_once_and_only_first) {
    for (size_t r = 0; r < sizeof state_rows / sizeof state_rows[0]; r++) {
        tls_pair pair;
        tls_side *side = reach(&pair, &state_rows[r]);
        int expected =
            state_rows[r].retry_allowed ? LEAT_ALERT_DECODE_ERROR : LEAT_ALERT_UNEXPECTED_MESSAGE;
        ck_assert_int_eq(send_broken_retry(side, state_rows[r].level), expected);
        tls_pair_free(&pair);
    }
}
END_TEST

/* TEST RFC 9001 §4.1.3-3: bytes after the message with which the level changes. */
START_TEST(bytes_left_over_when_the_level_changes_are_unexpected) {
    static const struct {
        const state_row *row;
        leat_level level;
    } boundaries[] = {
        {&state_rows[1], LEAT_LEVEL_INITIAL}, {&state_rows[7], LEAT_LEVEL_HANDSHAKE},
        {&state_rows[9], LEAT_LEVEL_INITIAL}, {&state_rows[11], LEAT_LEVEL_HANDSHAKE},
    };
    for (size_t i = 0; i < 4; i++) {
        tls_pair pair;
        tls_side *side = reach(&pair, boundaries[i].row);
        tls_side *peer = side == &pair.client ? &pair.server : &pair.client;
        leat_level level = boundaries[i].level;
        while (leat_tls_output(peer->tls, level).length == 0) {
            carry_message(side, peer);
        }
        leat_span out = leat_tls_output(peer->tls, level);
        uint8_t bytes[8192];
        ck_assert_uint_gt(out.length, 0);
        memcpy(bytes, out.data, out.length);
        bytes[out.length] = LEAT_FINISHED;
        ck_assert_int_eq(leat_tls_receive(side->tls, level, (leat_span){bytes, out.length + 1}),
                         LEAT_ALERT_UNEXPECTED_MESSAGE);
        ck_assert(!leat_tls_is_complete(side->tls));
        ck_assert(leat_tls_violates_quic(side->tls));
        tls_pair_free(&pair);
    }
}
END_TEST

/* TEST RFC 9001 §4.4-3, §4.6.1-2 */
START_TEST(faults_that_quic_calls_protocol_violations_are_marked) {
    static const struct {
        const char *bytes;
        int alert;
        bool violates_quic;
    } rows[] = {
        {"0d 00 00 01 00", LEAT_ALERT_UNEXPECTED_MESSAGE, true},
        {"18 00 00 01 00", LEAT_ALERT_UNEXPECTED_MESSAGE, false}, /* KeyUpdate: RFC 9001 §6-2 */
        {"04 00 00 18 00 00 00 0a 00 00 00 00 01 07 00 02 01 02 00 08 00 2a 00 04 00 00 00 00", LEAT_ALERT_ILLEGAL_PARAMETER, true},
        {"04 00 00 01 00", LEAT_ALERT_DECODE_ERROR, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tls_pair pair;
        tls_side *side = reach(&pair, &state_rows[8]);
        ck_assert(!leat_tls_violates_quic(side->tls));
        ck_assert_int_eq(
            leat_tls_receive(side->tls, LEAT_LEVEL_APPLICATION, test_hex(rows[i].bytes)),
            rows[i].alert);
        ck_assert_int_eq(leat_tls_violates_quic(side->tls), rows[i].violates_quic);
        tls_pair_free(&pair);
    }
}
END_TEST

START_TEST(a_message_is_not_continued_at_another_level) {
    tls_pair pair;
    tls_side *side = reach(&pair, &state_rows[3]);
    ck_assert_int_eq(leat_tls_receive(side->tls, LEAT_LEVEL_HANDSHAKE, test_hex("08 00 00")),
                     LEAT_ALERT_NONE);
    ck_assert_int_eq(leat_tls_receive(side->tls, LEAT_LEVEL_APPLICATION, test_hex("10")),
                     LEAT_ALERT_UNEXPECTED_MESSAGE);
    tls_pair_free(&pair);
}
END_TEST

START_TEST(an_empty_receive_changes_nothing) {
    tls_pair pair;
    tls_side *side = reach(&pair, &state_rows[3]);
    ck_assert_int_eq(leat_tls_receive(side->tls, LEAT_LEVEL_INITIAL, (leat_span){NULL, 0}),
                     LEAT_ALERT_NONE);
    tls_pair_free(&pair);
}
END_TEST

/* The bound of each message: one byte less is collected, one byte more is refused by its header
 * alone. */
START_TEST(messages_over_their_bound_are_refused_by_their_header) {
    static const struct {
        const state_row *row;
        uint8_t type;
        size_t limit;
    } bounds[] = {
        {&state_rows[1], LEAT_SERVER_HELLO, 16384},       {&state_rows[3], LEAT_ENCRYPTED_EXTENSIONS, 16384},
        {&state_rows[4], LEAT_CERTIFICATE, 65536},        {&state_rows[4], LEAT_CERTIFICATE_REQUEST, 16384},
        {&state_rows[6], LEAT_CERTIFICATE_VERIFY, 2048},  {&state_rows[7], LEAT_FINISHED, 48},
        {&state_rows[8], LEAT_NEW_SESSION_TICKET, 65536}, {&state_rows[9], LEAT_CLIENT_HELLO, 16384},
        {&state_rows[11], LEAT_FINISHED, 48},             {&state_rows[12], LEAT_CERTIFICATE, 65536},
        {&state_rows[13], LEAT_CERTIFICATE_VERIFY, 2048},
    };
    static uint8_t message[4 + 65536];
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        for (int over = 0; over < 3; over++) {
            tls_pair pair;
            tls_side *side = reach(&pair, bounds[i].row);
            size_t length = over == 2 ? 0xffffff : bounds[i].limit + (size_t)over;
            leat_writer writer = leat_writer_make(message, 4);
            leat_write_u8(&writer, bounds[i].type);
            leat_write_u24(&writer, (uint32_t)length);
            ck_assert_int_eq(
                leat_tls_receive(side->tls, bounds[i].row->level, (leat_span){message, 4}),
                over ? LEAT_ALERT_DECODE_ERROR : LEAT_ALERT_NONE);
            if (!over) {
                ck_assert_int_eq(leat_tls_receive(side->tls, bounds[i].row->level,
                                                  (leat_span){message + 4, length - 1}),
                                 LEAT_ALERT_NONE);
                ck_assert_int_ne(
                    leat_tls_receive(side->tls, bounds[i].row->level, (leat_span){message + 4, 1}),
                    LEAT_ALERT_NONE);
            }
            tls_pair_free(&pair);
        }
    }
}
END_TEST

static const state_row *row_of(leat_tls_state state) {
    size_t i = 0;
    while (state_rows[i].state != state) {
        i++;
    }
    return &state_rows[i];
}

#define ZEROS16 "00000000000000000000000000000000"

/* TEST RFC 8446 §4, §4.2, §4.3.2, §4.4, §4.6.1: cut, with bytes left over, with an extension twice,
 * misplaced or never asked for. Hellos and the client's certificates have tables of their own. */
enum {
    DECODE = LEAT_ALERT_DECODE_ERROR,
    ILLEGAL = LEAT_ALERT_ILLEGAL_PARAMETER,
    UNSOLICITED = LEAT_ALERT_UNSUPPORTED_EXTENSION,
};
static const struct {
    leat_tls_state state;
    const char *message;
    int alert;
} malformed[] = {
    {LEAT_CLIENT_HAS_SERVER_HELLO, "08 000000", DECODE},
    {LEAT_CLIENT_HAS_SERVER_HELLO, "08 000002 0001", DECODE},
    {LEAT_CLIENT_HAS_SERVER_HELLO, "08 000003 0000 00", DECODE},
    {LEAT_CLIENT_HAS_SERVER_HELLO, "08 000002 0000", LEAT_ALERT_NO_APPLICATION_PROTOCOL},
    {LEAT_CLIENT_HAS_SERVER_HELLO, "08 00000a 0008 0000 0000 0000 0000", ILLEGAL},            /* twice */
    {LEAT_CLIENT_HAS_SERVER_HELLO, "08 000009 0007 001b 0003 020001", ILLEGAL},               /* misplaced */
    {LEAT_CLIENT_HAS_SERVER_HELLO, "08 000006 0004 002a 0000", UNSOLICITED},                  /* early_data */
    {LEAT_CLIENT_HAS_EXTENSIONS, "0d 000000", DECODE},
    {LEAT_CLIENT_HAS_EXTENSIONS, "0d 000003 00 0001", DECODE},
    {LEAT_CLIENT_HAS_EXTENSIONS, "0d 000003 00 0000", LEAT_ALERT_MISSING_EXTENSION},
    {LEAT_CLIENT_HAS_EXTENSIONS, "0d 00000c 00 0008 000d 0004 00020403 00", DECODE},
    {LEAT_CLIENT_HAS_EXTENSIONS, "0d 00000c 01aa 0008 000d 0004 00020403", ILLEGAL},          /* a context */
    {LEAT_CLIENT_HAS_EXTENSIONS, "0d 000013 00 0010 000d 0004 00020403 000d 0004 00020403", ILLEGAL},
    {LEAT_CLIENT_HAS_EXTENSIONS, "0d 00000f 00 000c 000d 0004 00020403 0033 0000", ILLEGAL},  /* key_share */
    {LEAT_CLIENT_HAS_CERTIFICATE_REQUEST, "0d 00000b 00 0008 000d 0004 00020403", LEAT_ALERT_UNEXPECTED_MESSAGE},
    {LEAT_CLIENT_HAS_EXTENSIONS, "0b 000000", DECODE},
    {LEAT_CLIENT_HAS_EXTENSIONS, "0b 000004 00 000001", DECODE},
    {LEAT_CLIENT_HAS_EXTENSIONS, "0b 000005 00 000000 00", DECODE},
    {LEAT_CLIENT_HAS_EXTENSIONS, "0b 00000a 00 000006 000001 30 0000", LEAT_ALERT_BAD_CERTIFICATE},
    {LEAT_CLIENT_HAS_EXTENSIONS, "0b 00000e 00 00000a 000001 30 0004 0005 0000", UNSOLICITED},
    {LEAT_CLIENT_HAS_EXTENSIONS, "0b 000012 00 00000e 000001 30 0008 0005 0000 0005 0000", UNSOLICITED},
    {LEAT_CLIENT_HAS_EXTENSIONS, "0b 000011 00 00000d 000001 30 0007 001b 0003 020001", ILLEGAL},
    {LEAT_CLIENT_HAS_CERTIFICATE, "0f 000000", DECODE},
    {LEAT_CLIENT_HAS_CERTIFICATE, "0f 000003 0403 00", DECODE},
    {LEAT_CLIENT_HAS_CERTIFICATE, "0f 000005 0403 0000 00", DECODE},
    {LEAT_CLIENT_HAS_CERTIFICATE, "0f 000004 0403 0000", LEAT_ALERT_DECRYPT_ERROR},
    {LEAT_CLIENT_TRUSTS_SERVER, "14 000000", DECODE},
    {LEAT_CLIENT_TRUSTS_SERVER, "14 000010 " ZEROS16, DECODE},
    {LEAT_CLIENT_TRUSTS_SERVER, "14 000021 00" ZEROS16 ZEROS16, DECODE},
    {LEAT_CLIENT_TRUSTS_SERVER, "14 000030 " ZEROS16 ZEROS16 ZEROS16, DECODE},                /* of another hash */
    {LEAT_CLIENT_TRUSTS_SERVER, "14 000020 " ZEROS16 ZEROS16, LEAT_ALERT_DECRYPT_ERROR},
    {LEAT_SERVER_FLIGHT_SENT, "14 000000", DECODE},
    {LEAT_SERVER_FLIGHT_SENT, "14 00001f" "000000000000000000000000000000" ZEROS16, DECODE},
    {LEAT_SERVER_FLIGHT_SENT, "14 000021 00" ZEROS16 ZEROS16, DECODE},
    {LEAT_SERVER_FLIGHT_SENT, "14 000020 " ZEROS16 ZEROS16, LEAT_ALERT_DECRYPT_ERROR},
    {LEAT_CLIENT_DONE, "04 000000", DECODE},
    {LEAT_CLIENT_DONE, "04 00000d 0000000a 00000000 00 0000 0000", DECODE},                   /* an empty ticket */
    {LEAT_CLIENT_DONE, "04 00000f 0000000a 00000000 00 0001 02 0000 00", DECODE},
    {LEAT_CLIENT_DONE, "04 00001e 0000000a 00000000 00 0001 02 0010 002a 0004 ffffffff 002a 0004 ffffffff", ILLEGAL},
    {LEAT_CLIENT_DONE, "04 000015 0000000a 00000000 00 0001 02 0007 001b 0003 020001", ILLEGAL},
    {LEAT_CLIENT_DONE, "04 000012 0000000a 00000000 00 0001 02 0004 3a3a 0000", LEAT_ALERT_NONE},
};

START_TEST(a_malformed_message_gives_its_alert) {
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        tls_pair pair;
        const state_row *row = row_of(malformed[i].state);
        tls_side *side = reach(&pair, row);
        leat_span message = test_hex(malformed[i].message);
        ck_assert_msg(message.length == 4 + (size_t)message.data[3], "row %zu", i);
        int alert = leat_tls_receive(side->tls, row->level, message);
        ck_assert_msg(alert == malformed[i].alert, "row %zu: %s", i, leat_alert_name(alert));
        tls_pair_free(&pair);
    }
}
END_TEST

START_TEST(a_flood_of_tickets_ends_the_connection) {
    static const uint8_t ticket[] = {4, 0, 0, 16, 0, 0, 0, 10, 0, 0, 0, 0, 1, 7, 0, 2, 1, 2, 0, 0};
    tls_pair pair;
    tls_side *side = reach(&pair, &state_rows[8]);
    size_t before = side->sessions;
    int alert = LEAT_ALERT_NONE, accepted = 0;
    for (; accepted < 1000 && alert == LEAT_ALERT_NONE; accepted++) {
        alert =
            leat_tls_receive(side->tls, LEAT_LEVEL_APPLICATION, (leat_span){ticket, sizeof ticket});
    }
    ck_assert_int_eq(alert, LEAT_ALERT_UNEXPECTED_MESSAGE);
    ck_assert_int_le(accepted, LEAT_TLS_TICKETS_MAX + 1);
    ck_assert_uint_le(side->sessions - before, LEAT_TLS_TICKETS_KEPT_MAX);
    tls_pair_free(&pair);
}
END_TEST

LEAT_TEST_MAIN("crypto/tls states", every_message_in_every_state_gives_its_alert,
               a_hello_retry_request_may_come_once_and_only_first,
               bytes_left_over_when_the_level_changes_are_unexpected,
               faults_that_quic_calls_protocol_violations_are_marked,
               a_message_is_not_continued_at_another_level, an_empty_receive_changes_nothing,
               messages_over_their_bound_are_refused_by_their_header,
               a_malformed_message_gives_its_alert, a_flood_of_tickets_ends_the_connection)
