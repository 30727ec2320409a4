/*
 * What the TLS fuzz targets share: the input is the body of one handshake message. It goes through
 * the pure parser, what parsed is written and parsed again, and the whole message is given to a
 * handshake that stands where it may come.
 */
#ifndef LEAT_FUZZ_TLS_H
#define LEAT_FUZZ_TLS_H

#include "crypto/tls/handshake.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition) \
    do { \
        if (!(condition)) { \
            abort(); \
        } \
    } while (0)
#define FUZZ_MESSAGE_MAX 70000

/* One identity for the whole run: making a key is slow. */
static inline leat_identity *fuzz_identity(void) {
    static leat_identity *identity;
    if (identity == NULL) {
        static const char *const names[] = {"leat.test"};
        char message[LEAT_MESSAGE_MAX];
        identity = leat_identity_self_signed(names, 1, 0, 4000000000, message);
        FUZZ_CHECK(identity != NULL);
    }
    return identity;
}

static inline bool fuzz_random(void *user, uint8_t *bytes, size_t length) {
    (void)user;
    memset(bytes, 0x5a, length);
    return true;
}

static inline size_t fuzz_parameters(void *user, uint8_t *out, size_t room) {
    (void)user, (void)room;
    out[0] = 0;
    return 1;
}

static inline void fuzz_session(void *user, leat_span ticket) {
    leat_session session;
    (void)user;
    FUZZ_CHECK(leat_session_parse(ticket, &session));
}

static inline leat_tls *fuzz_tls_new(bool is_client) {
    static const leat_span alpn = {(const uint8_t *)"h3", 2};
    static const uint16_t groups[] = {LEAT_GROUP_X25519, LEAT_GROUP_P256};
    leat_identity *identity = fuzz_identity();
    leat_trust *trust = leat_trust_insecure_accept_anything();
    leat_ticket_keys *keys = is_client ? NULL : leat_ticket_keys_new((const uint8_t[32]){0});
    leat_tls_config config = {
        .is_client = is_client,
        .random = {fuzz_random, NULL},
        .now = 1800000000,
        .alpn = &alpn,
        .alpn_count = 1,
        .groups = groups,
        .group_count = 2,
        .server_name = "leat.test",
        .trust = trust,
        .identities = &identity,
        .identity_count = 1,
        .client_auth = LEAT_CLIENT_AUTH_REQUEST,
        .ticket_keys = keys,
        .certificate_compression = true,
    };
    leat_tls_hooks hooks = {.write_transport_parameters = fuzz_parameters,
                            .on_session_ticket = fuzz_session};
    leat_tls *tls = leat_tls_new(&config, &hooks);
    FUZZ_CHECK(tls != NULL);
    leat_trust_free(trust);
    leat_ticket_keys_free(keys);
    return tls;
}

/* A handshake in `state` is given the message; its secrets are zeros. */
static inline void fuzz_tls_feed(leat_tls_state state, uint8_t type, const uint8_t *data,
                                 size_t size) {
    if (size > FUZZ_MESSAGE_MAX) {
        return;
    }
    leat_tls *tls = fuzz_tls_new(state < LEAT_SERVER_NEW);
    if (tls->is_client) {
        FUZZ_CHECK(leat_tls_start(tls) == LEAT_ALERT_NONE);
    }
    if (state != LEAT_CLIENT_HELLO_SENT && state != LEAT_SERVER_NEW) {
        tls->suite = leat_cipher_suite_find(0x1301);
        FUZZ_CHECK(leat_transcript_choose(&tls->handshake->transcript, LEAT_HASH_SHA256));
        tls->state = state;
    }
    if (state == LEAT_CLIENT_HAS_CERTIFICATE || state == LEAT_SERVER_HAS_CERTIFICATE) {
        leat_x509_status status;
        tls->handshake->peer_key =
            leat_x509_public_key(leat_identity_chain_der(fuzz_identity(), 0), &status);
    }
    leat_level level = state == LEAT_CLIENT_DONE ? LEAT_LEVEL_APPLICATION
                       : state == LEAT_CLIENT_HELLO_SENT || state == LEAT_SERVER_NEW
                           ? LEAT_LEVEL_INITIAL
                           : LEAT_LEVEL_HANDSHAKE;
    uint8_t header[4] = {type, (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
    int alert = leat_tls_receive(tls, level, (leat_span){header, sizeof header});
    if (alert == LEAT_ALERT_NONE && size > 0) {
        alert = leat_tls_receive(tls, level, (leat_span){data, size});
    }
    FUZZ_CHECK(alert != LEAT_ALERT_INTERNAL_ERROR); /* no input makes us fail by ourselves */
    leat_tls_free(tls);
}

#endif
