/*
 * The secrets of a handshake: derives them from the schedule and the transcript as RFC 8446 §7.1
 * says when, hands them to the owner and to the key log, and exports from them (§7.5). Also the
 * cipher suite rows (§B.4).
 */
#include "crypto/tls/handshake.h"

static const leat_cipher_suite cipher_suites[] = {
    {0x1301, "TLS_AES_128_GCM_SHA256", LEAT_HASH_SHA256, LEAT_AES_128_GCM},
    {0x1302, "TLS_AES_256_GCM_SHA384", LEAT_HASH_SHA384, LEAT_AES_256_GCM},
    {0x1303, "TLS_CHACHA20_POLY1305_SHA256", LEAT_HASH_SHA256, LEAT_CHACHA20_POLY1305},
};

const leat_cipher_suite *leat_cipher_suite_find(uint16_t id) {
    for (size_t i = 0; i < sizeof cipher_suites / sizeof cipher_suites[0]; i++) {
        if (cipher_suites[i].id == id) {
            return &cipher_suites[i];
        }
    }
    return NULL;
}

/* The longest label, two numbers in hex, two spaces and a NUL. */
#define KEY_LOG_LINE_MAX (32 + 2 * LEAT_TLS_RANDOM + 2 * LEAT_HASH_MAX + 3)

static char *append_hex(char *text, const uint8_t *bytes, size_t length) {
    static const char digits[] = "0123456789abcdef";
    *text++ = ' ';
    for (size_t i = 0; i < length; i++) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 15];
    }
    *text = '\0';
    return text;
}

static void log_secret(leat_tls *tls, const char *label, leat_hash_id hash,
                       const uint8_t *secret) {
    char line[KEY_LOG_LINE_MAX];
    if (tls->hooks.on_key_log == NULL) {
        return;
    }
    size_t length = strlen(label);
    memcpy(line, label, length);
    char *end = append_hex(line + length, tls->handshake->client_random, LEAT_TLS_RANDOM);
    append_hex(end, secret, leat_hash_size(hash));
    tls->hooks.on_key_log(tls->hooks.user, line);
    leat_wipe(line, sizeof line);
}

/* One Derive-Secret over the transcript so far, and its line in the key log when it has one. */
typedef struct secret_row {
    const char *label, *key_log;
    uint8_t *out;
} secret_row;

static int derive_all(leat_tls *tls, const secret_row *rows, size_t count) {
    leat_tls_handshake *handshake = tls->handshake;
    uint8_t digest[LEAT_HASH_MAX];
    if (!leat_transcript_hash(&handshake->transcript, digest)) {
        return leat_fault_memory(&tls->error);
    }
    for (size_t i = 0; i < count; i++) {
        if (!leat_key_schedule_derive(&handshake->schedule, rows[i].label, digest, rows[i].out)) {
            return leat_fault_memory(&tls->error);
        }
        if (rows[i].key_log != NULL) {
            log_secret(tls, rows[i].key_log, tls->suite->hash, rows[i].out);
        }
    }
    return LEAT_ALERT_NONE;
}

int leat_tls_give_early_secret(leat_tls *tls, const leat_cipher_suite *suite,
                               const leat_key_schedule *schedule, const uint8_t *hello_hash) {
    uint8_t secret[LEAT_HASH_MAX];
    if (!leat_key_schedule_derive(schedule, "c e traffic", hello_hash, secret)) {
        return leat_fault_memory(&tls->error);
    }
    log_secret(tls, "CLIENT_EARLY_TRAFFIC_SECRET", suite->hash, secret);
    if (tls->hooks.on_secret != NULL) {
        tls->hooks.on_secret(tls->hooks.user, LEAT_LEVEL_EARLY, tls->is_client, suite, secret);
    }
    leat_wipe(secret, sizeof secret);
    return LEAT_ALERT_NONE;
}

int leat_tls_derive_handshake_secrets(leat_tls *tls, leat_span shared_secret) {
    leat_tls_handshake *handshake = tls->handshake;
    const secret_row rows[] = {
        {"c hs traffic", "CLIENT_HANDSHAKE_TRAFFIC_SECRET", handshake->client_handshake_secret},
        {"s hs traffic", "SERVER_HANDSHAKE_TRAFFIC_SECRET", handshake->server_handshake_secret},
    };
    if (!leat_key_schedule_handshake(&handshake->schedule, shared_secret)) {
        return leat_fault_memory(&tls->error);
    }
    return derive_all(tls, rows, sizeof rows / sizeof rows[0]);
}

int leat_tls_derive_application_secrets(leat_tls *tls) {
    leat_tls_handshake *handshake = tls->handshake;
    const secret_row rows[] = {
        {"c ap traffic", "CLIENT_TRAFFIC_SECRET_0", handshake->client_application_secret},
        {"s ap traffic", "SERVER_TRAFFIC_SECRET_0", handshake->server_application_secret},
        {"exp master", "EXPORTER_SECRET", tls->exporter_secret},
    };
    if (!leat_key_schedule_master(&handshake->schedule)) {
        return leat_fault_memory(&tls->error);
    }
    return derive_all(tls, rows, sizeof rows / sizeof rows[0]);
}

int leat_tls_derive_resumption_secret(leat_tls *tls) {
    const secret_row row = {"res master", NULL, tls->resumption_secret};
    return derive_all(tls, &row, 1);
}

void leat_tls_give_secret(leat_tls *tls, leat_level level, bool write, const uint8_t *secret) {
    if (tls->hooks.on_secret != NULL) {
        tls->hooks.on_secret(tls->hooks.user, level, write, tls->suite, secret);
    }
}

int leat_tls_set_alpn(leat_tls *tls, leat_span protocol) {
    tls->alpn = leat_alloc(tls->allocator, protocol.length);
    if (tls->alpn == NULL) {
        return leat_fault_memory(&tls->error);
    }
    memcpy(tls->alpn, protocol.data, protocol.length);
    tls->alpn_length = protocol.length;
    if (tls->hooks.on_alpn != NULL) {
        tls->hooks.on_alpn(tls->hooks.user, leat_tls_alpn(tls));
    }
    return LEAT_ALERT_NONE;
}

int leat_tls_give_transport_parameters(leat_tls *tls, leat_span encoded) {
    int alert = tls->hooks.on_transport_parameters == NULL
                    ? LEAT_ALERT_NONE
                    : tls->hooks.on_transport_parameters(tls->hooks.user, encoded);
    return alert == LEAT_ALERT_NONE
               ? alert
               : leat_fault(&tls->error, alert, "transport parameters were refused");
}

/* RFC 8446 §7.1: what an HKDF label can hold, and what HKDF-Expand can give. */
#define EXPORT_LABEL_MAX (255 - 6)

int leat_tls_export(const leat_tls *tls, const char *label, leat_span context, uint8_t *out,
                    size_t length) {
    if (!leat_tls_is_complete(tls)) {
        return LEAT_ERR_STATE;
    }
    if (strlen(label) > EXPORT_LABEL_MAX || length > 255 * leat_hash_size(tls->suite->hash)) {
        return LEAT_ERR_INVALID;
    }
    return leat_exporter(tls->suite->hash, tls->exporter_secret, label, context, out, length)
               ? LEAT_OK
               : LEAT_ERR_CRYPTO;
}
