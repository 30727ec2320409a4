/*
 * RFC 8448: walks every step of its traces and recomputes what our key schedule and transcript have
 * to give: secrets, Finished, the PSK binder, the resumption PSK, and the transcript after a
 * HelloRetryRequest.
 */
#include "crypto/tls/key_schedule.h"
#include "crypto/tls/messages.h"
#include "leat_test.h"

typedef struct rfc_trace {
    test_vectors *vectors;
    leat_key_schedule schedule;
    leat_transcript transcript;
    char step[64];
    int checked;
} rfc_trace;

/* The value called `name` of the step. */
static leat_span item(const rfc_trace *at, const char *name) {
    for (int i = 0; i < 12; i++) {
        char section[96];
        snprintf(section, sizeof section, "%s.items.%d", at->step, i);
        if (test_vector_has(at->vectors, section, "name") &&
            strcmp(test_vector_text(at->vectors, section, "name"), name) == 0) {
            return test_vector_bytes(at->vectors, section, "hex");
        }
    }
    ck_abort_msg("%s has no %s", at->step, name);
}

static void check(rfc_trace *at, const uint8_t *actual, const char *name) {
    leat_span expected = item(at, name);
    ck_assert_str_eq(test_to_hex(actual, expected.length),
                     test_to_hex(expected.data, expected.length));
    at->checked++;
}

static void extract_early(rfc_trace *at) {
    static const uint8_t zeros[32];
    leat_span psk = item(at, "IKM");
    bool none = memcmp(psk.data, zeros, 32) == 0;
    ck_assert(leat_key_schedule_early(&at->schedule, LEAT_HASH_SHA256, none ? NULL : psk.data));
    check(at, at->schedule.secret, "secret");
}

static void extract_handshake(rfc_trace *at) {
    ck_assert(leat_key_schedule_handshake(&at->schedule, item(at, "IKM")));
    check(at, at->schedule.secret, "secret");
}

static void extract_master(rfc_trace *at) {
    ck_assert(leat_key_schedule_master(&at->schedule));
    check(at, at->schedule.secret, "secret");
}

static void derive(rfc_trace *at, const char *label) {
    uint8_t digest[32], secret[32];
    ck_assert(leat_transcript_hash(&at->transcript, digest));
    check(at, digest, "hash");
    ck_assert(leat_key_schedule_derive(&at->schedule, label, digest, secret));
    check(at, secret, "expanded");
}

static void derive_c_hs(rfc_trace *at) { derive(at, "c hs traffic"); }
static void derive_s_hs(rfc_trace *at) { derive(at, "s hs traffic"); }
static void derive_c_ap(rfc_trace *at) { derive(at, "c ap traffic"); }
static void derive_s_ap(rfc_trace *at) { derive(at, "s ap traffic"); }
static void derive_c_e(rfc_trace *at) { derive(at, "c e traffic"); }
static void derive_exporter(rfc_trace *at) { derive(at, "exp master"); }
static void derive_resumption(rfc_trace *at) { derive(at, "res master"); }

static void finished(rfc_trace *at) {
    uint8_t digest[32], mac[32];
    ck_assert(leat_transcript_hash(&at->transcript, digest));
    ck_assert(leat_finished_mac(LEAT_HASH_SHA256, item(at, "PRK").data, digest, mac));
    check(at, mac, "finished");
}

static void binder(rfc_trace *at) {
    uint8_t digest[32], mac[32];
    leat_span prefix = item(at, "ClientHello prefix");
    leat_span psk = test_vector_bytes(at->vectors, "sections.1.steps.47.items.3", "hex");
    ck_assert(leat_hash_once(LEAT_HASH_SHA256, prefix.data, prefix.length, digest));
    check(at, digest, "binder hash");
    ck_assert(leat_psk_binder(LEAT_HASH_SHA256, psk.data, digest, mac));
    check(at, mac, "finished");
}

static void resumption(rfc_trace *at) {
    uint8_t psk[32];
    ck_assert(leat_resumption_psk(LEAT_HASH_SHA256, item(at, "PRK").data, item(at, "hash"), psk));
    check(at, psk, "expanded");
}

static void add(rfc_trace *at, const char *name) {
    leat_span message = item(at, name);
    if (message.data[0] == LEAT_SERVER_HELLO) {
        ck_assert(leat_transcript_choose(&at->transcript, LEAT_HASH_SHA256));
        if (leat_server_hello_is_retry((leat_span){message.data + 4, message.length - 4})) {
            ck_assert(leat_transcript_retry(&at->transcript));
        }
    }
    ck_assert(leat_transcript_add(&at->transcript, message.data, message.length));
}

/* A ClientHello is taken when it is sent, because only then the binder is in it. */
static void sent(rfc_trace *at) {
    if (item(at, "payload").data[0] == LEAT_CLIENT_HELLO) {
        add(at, "payload");
    }
    if (strncmp(at->step, "sections.2.", 11) ==
        0) { /* the early secrets are derived before ServerHello */
        ck_assert(leat_transcript_choose(&at->transcript, LEAT_HASH_SHA256));
    }
}

static void add_server_hello(rfc_trace *at) { add(at, "ServerHello"); }
static void add_encrypted_extensions(rfc_trace *at) { add(at, "EncryptedExtensions"); }
static void add_certificate_request(rfc_trace *at) { add(at, "CertificateRequest"); }
static void add_certificate(rfc_trace *at) { add(at, "Certificate"); }
static void add_certificate_verify(rfc_trace *at) { add(at, "CertificateVerify"); }
static void add_end_of_early_data(rfc_trace *at) { add(at, "EndOfEarlyData"); }
static void add_finished(rfc_trace *at) { add(at, "Finished"); }

static const struct {
    const char *action;
    void (*run)(rfc_trace *at);
} actions[] = {
    {"extract secret \"early\"", extract_early},
    {"extract secret \"handshake\"", extract_handshake},
    {"extract secret \"master\"", extract_master},
    {"derive secret \"tls13 c e traffic\"", derive_c_e},
    {"derive secret \"tls13 c hs traffic\"", derive_c_hs},
    {"derive secret \"tls13 s hs traffic\"", derive_s_hs},
    {"derive secret \"tls13 c ap traffic\"", derive_c_ap},
    {"derive secret \"tls13 s ap traffic\"", derive_s_ap},
    {"derive secret \"tls13 exp master\"", derive_exporter},
    {"derive secret \"tls13 res master\"", derive_resumption},
    {"calculate finished \"tls13 finished\"", finished},
    {"calculate PSK binder", binder},
    {"generate resumption secret \"tls13 resumption\"", resumption},
    {"send handshake record", sent},
    {"construct a ServerHello handshake message", add_server_hello},
    {"construct an EncryptedExtensions handshake message", add_encrypted_extensions},
    {"construct a CertificateRequest handshake message", add_certificate_request},
    {"construct a Certificate handshake message", add_certificate},
    {"construct a CertificateVerify handshake message", add_certificate_verify},
    {"construct an EndOfEarlyData handshake message", add_end_of_early_data},
    {"construct a Finished handshake message", add_finished},
};

static void walk(int section, int at_least) {
    rfc_trace at = {.vectors = test_vectors_load("vectors/tls/rfc8448-traces.vec")};
    leat_transcript_init(&at.transcript, NULL);
    for (int step = 0; step < 80; step++) {
        snprintf(at.step, sizeof at.step, "sections.%d.steps.%d", section, step);
        if (!test_vector_has(at.vectors, at.step, "action")) {
            break;
        }
        const char *action = test_vector_text(at.vectors, at.step, "action");
        for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
            if (strcmp(actions[i].action, action) == 0) {
                actions[i].run(&at);
            }
        }
    }
    ck_assert_int_ge(at.checked, at_least);
    leat_transcript_clear(&at.transcript);
    test_vectors_free(at.vectors);
}

/* TEST RFC 8446 §7.1 */
START_TEST(the_simple_handshake_of_rfc_8448_gives_its_secrets) { walk(1, 18); }
END_TEST
/* TEST RFC 8446 §4.2.11.2 */
START_TEST(the_resumption_of_rfc_8448_gives_its_binder_and_secrets) { walk(2, 21); }
END_TEST
/* TEST RFC 8446 §4.4.1 */
START_TEST(the_hello_retry_request_of_rfc_8448_gives_its_secrets) { walk(3, 17); }
END_TEST
START_TEST(the_client_authentication_of_rfc_8448_gives_its_secrets) { walk(4, 17); }
END_TEST
START_TEST(the_compatibility_mode_of_rfc_8448_gives_its_secrets) { walk(5, 17); }
END_TEST

START_TEST(a_transcript_changes_its_hash_never) {
    leat_transcript transcript;
    leat_transcript_init(&transcript, NULL);
    ck_assert(leat_transcript_choose(&transcript, LEAT_HASH_SHA256));
    ck_assert(leat_transcript_choose(&transcript, LEAT_HASH_SHA256));
    ck_assert(!leat_transcript_choose(&transcript, LEAT_HASH_SHA384));
    leat_transcript_clear(&transcript);
}
END_TEST

LEAT_TEST_MAIN("crypto/tls key schedule", the_simple_handshake_of_rfc_8448_gives_its_secrets,
               the_resumption_of_rfc_8448_gives_its_binder_and_secrets,
               the_hello_retry_request_of_rfc_8448_gives_its_secrets,
               the_client_authentication_of_rfc_8448_gives_its_secrets,
               the_compatibility_mode_of_rfc_8448_gives_its_secrets,
               a_transcript_changes_its_hash_never)
