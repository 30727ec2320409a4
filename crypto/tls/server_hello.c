/*
 * RFC 8446 §4.1.3 and §4.1.4: ServerHello and HelloRetryRequest, one format told apart by the
 * random: read, write, what a client does with them and how a server makes them.
 */
#include "crypto/tls/handshake.h"

/* SHA-256 of "HelloRetryRequest". */
const uint8_t leat_hello_retry_random[LEAT_TLS_RANDOM] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

static bool is_retry_random(leat_span random) {
    return random.length == LEAT_TLS_RANDOM &&
           memcmp(random.data, leat_hello_retry_random, LEAT_TLS_RANDOM) == 0;
}

bool leat_server_hello_is_retry(leat_span body) {
    leat_reader reader = leat_reader_of(body);
    leat_read_u16(&reader);
    return is_retry_random(leat_read_bytes(&reader, LEAT_TLS_RANDOM));
}

int leat_server_hello_parse(leat_span body, uint32_t offered, leat_server_hello *hello,
                            const char **why) {
    leat_reader reader = leat_reader_of(body);
    *hello = (leat_server_hello){0};
    uint16_t legacy_version = leat_read_u16(&reader);
    hello->random = leat_read_bytes(&reader, LEAT_TLS_RANDOM);
    hello->session_id = leat_read_vector8(&reader);
    hello->cipher_suite = leat_read_u16(&reader);
    uint8_t compression = leat_read_u8(&reader);
    leat_span list = {NULL, 0};
    if (leat_reader_left(&reader) > 0) { /* a server of an old version may end here */
        list = leat_read_vector16(&reader);
    }
    if (!leat_reader_at_end(&reader) || hello->session_id.length > 32) {
        return leat_fault_decode(why, "ServerHello is malformed");
    }
    unsigned message =
        is_retry_random(hello->random) ? LEAT_IN_HELLO_RETRY_REQUEST : LEAT_IN_SERVER_HELLO;
    int alert = leat_extensions_parse(message, list, offered, &hello->extensions, why);
    if (alert != LEAT_ALERT_NONE) {
        return alert;
    }
    if (hello->extensions.version < LEAT_TLS_1_3) { /* RFC 9001 §4.2-2 */
        return leat_fault(why, LEAT_ALERT_PROTOCOL_VERSION,
                          "the server chose an old version of TLS");
    }
    /* RFC 8446 §4.1.3: session_id is an echo, and ours is empty. */
    if (hello->extensions.version != LEAT_TLS_1_3 || legacy_version != LEAT_TLS_1_2 ||
        compression != 0 || hello->session_id.length > 0) {
        return leat_fault(why, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "ServerHello has a version or legacy field not offered");
    }
    return LEAT_ALERT_NONE;
}

void leat_server_hello_write(const leat_server_hello *hello, leat_writer *writer) {
    leat_write_u16(writer, LEAT_TLS_1_2);
    leat_write_bytes(writer, hello->random.data, LEAT_TLS_RANDOM);
    leat_tls_write_vector(writer, 1, hello->session_id);
    leat_write_u16(writer, hello->cipher_suite);
    leat_write_u8(writer, 0);
    unsigned message =
        is_retry_random(hello->random) ? LEAT_IN_HELLO_RETRY_REQUEST : LEAT_IN_SERVER_HELLO;
    leat_extensions_write(message, &hello->extensions, writer);
}

bool leat_tls_offers_suite(const leat_tls_handshake *handshake, uint16_t id) {
    for (size_t i = 0; i < handshake->cipher_suite_count; i++) {
        if (handshake->cipher_suites[i] == id) {
            return true;
        }
    }
    return false;
}

/* RFC 8446 §4.1.3, §4.1.4: one we offered, and after a HelloRetryRequest the same again. */
static int choose_suite(leat_tls *tls, uint16_t id) {
    const leat_cipher_suite *suite =
        leat_tls_offers_suite(tls->handshake, id) ? leat_cipher_suite_find(id) : NULL;
    if (suite == NULL || (tls->suite != NULL && tls->suite != suite)) {
        return leat_fault(&tls->error, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "the server chose a cipher suite not offered");
    }
    tls->suite = suite;
    return leat_transcript_choose(&tls->handshake->transcript, suite->hash)
               ? LEAT_ALERT_NONE
               : leat_fault_memory(&tls->error);
}

static leat_tls_share *find_share(leat_tls_handshake *handshake, uint16_t group) {
    for (size_t i = 0; i < LEAT_TLS_SHARES_MAX; i++) {
        if (handshake->shares[i].exchange != NULL && handshake->shares[i].group == group) {
            return &handshake->shares[i];
        }
    }
    return NULL;
}

static bool offered_group(const leat_tls_handshake *handshake, uint16_t group) {
    for (size_t i = 0; i < handshake->group_count; i++) {
        if (handshake->groups[i] == group) {
            return true;
        }
    }
    return false;
}

static int read_hello(leat_tls *tls, leat_span message, leat_server_hello *hello) {
    int alert = leat_server_hello_parse(leat_tls_body(message), tls->handshake->offered, hello,
                                        &tls->error);
    return alert == LEAT_ALERT_NONE ? choose_suite(tls, hello->cipher_suite) : alert;
}

int leat_tls_on_hello_retry_request(leat_tls *tls, leat_span message) {
    leat_tls_handshake *handshake = tls->handshake;
    leat_server_hello hello;
    int alert = read_hello(tls, message, &hello);
    if (alert != LEAT_ALERT_NONE) {
        return alert;
    }
    const leat_extensions *extensions = &hello.extensions;
    bool asks_for_group = (extensions->present & LEAT_HAS_KEY_SHARE) != 0;
    bool group_is_fine = offered_group(handshake, extensions->group) &&
                         find_share(handshake, extensions->group) == NULL;
    /* RFC 8446 §4.1.4, §4.2.8: a request that would change nothing, or asks for what we cannot or
     * already did send. */
    if (asks_for_group ? !group_is_fine : (extensions->present & LEAT_HAS_COOKIE) == 0) {
        return leat_fault(&tls->error, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "HelloRetryRequest asks for nothing we can change");
    }
    handshake->retry_group = asks_for_group ? extensions->group : 0;
    tls->retried = true;
    /* RFC 8446 §4.2.10: the second ClientHello has no early data. */
    if (tls->early_data == LEAT_EARLY_DATA_OFFERED) {
        tls->early_data = LEAT_EARLY_DATA_REJECTED;
    }
    if (!leat_transcript_retry(&handshake->transcript)) {
        return leat_fault_memory(&tls->error);
    }
    alert = leat_tls_hash_message(tls, message);
    return alert == LEAT_ALERT_NONE ? leat_tls_send_client_hello(tls, extensions->cookie) : alert;
}

/* RFC 8446 §4.2.11: what has to hold when the server took our PSK. */
static int accept_psk(leat_tls *tls, const leat_extensions *extensions) {
    leat_tls_handshake *handshake = tls->handshake;
    handshake->with_psk = (extensions->present & LEAT_HAS_PRE_SHARED_KEY) != 0;
    tls->resumed = handshake->with_psk;
    bool has_share = (extensions->present & LEAT_HAS_KEY_SHARE) != 0;
    if (handshake->with_psk && (extensions->psk_selected != 0 || !has_share ||
                                handshake->session.suite->hash != tls->suite->hash)) {
        return leat_fault(&tls->error, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "the server's use of the PSK is inconsistent");
    }
    if (handshake->with_psk) {
        tls->client = handshake->session.client;
    }
    if (!has_share) {
        return leat_fault(&tls->error, LEAT_ALERT_MISSING_EXTENSION,
                          "ServerHello has no key_share");
    }
    return LEAT_ALERT_NONE;
}

static int agree(leat_tls *tls, const leat_extensions *extensions) {
    leat_tls_handshake *handshake = tls->handshake;
    leat_tls_share *share = find_share(handshake, extensions->group);
    uint8_t secret[LEAT_SHARED_SECRET_MAX];
    size_t length;
    /* RFC 8446 §4.1.4: after a HelloRetryRequest only the share that it asked for is left. */
    if (share == NULL) {
        return leat_fault(&tls->error, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "the server chose a group without a share of ours");
    }
    if (!leat_key_exchange_finish(share->exchange, extensions->key_share, secret, &length)) {
        return leat_fault(&tls->error, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "the server's key share is not valid");
    }
    tls->group = extensions->group;
    const uint8_t *psk = handshake->with_psk ? handshake->session.psk : NULL;
    int alert = leat_key_schedule_early(&handshake->schedule, tls->suite->hash, psk)
                    ? leat_tls_derive_handshake_secrets(tls, (leat_span){secret, length})
                    : leat_fault_memory(&tls->error);
    leat_wipe(secret, sizeof secret);
    return alert;
}

int leat_tls_on_server_hello(leat_tls *tls, leat_span message) {
    leat_tls_handshake *handshake = tls->handshake;
    leat_server_hello hello;
    int alert = read_hello(tls, message, &hello);
    if (alert == LEAT_ALERT_NONE) {
        alert = accept_psk(tls, &hello.extensions);
    }
    if (alert == LEAT_ALERT_NONE) {
        alert = leat_tls_hash_message(tls, message);
    }
    if (alert == LEAT_ALERT_NONE) {
        alert = agree(tls, &hello.extensions);
    }
    if (alert == LEAT_ALERT_NONE) {
        leat_tls_give_secret(tls, LEAT_LEVEL_HANDSHAKE, false, handshake->server_handshake_secret);
        leat_tls_give_secret(tls, LEAT_LEVEL_HANDSHAKE, true, handshake->client_handshake_secret);
    }
    return alert;
}

static int send_hello(leat_tls *tls, const leat_server_hello *hello) {
    leat_tls_message message;
    if (!leat_tls_message_begin(tls, &message, LEAT_LEVEL_INITIAL, LEAT_SERVER_HELLO,
                                256 + LEAT_KEY_SHARE_MAX)) {
        return leat_fault_memory(&tls->error);
    }
    leat_server_hello_write(hello, &message.writer);
    return leat_tls_message_end(tls, &message);
}

int leat_tls_send_server_hello(leat_tls *tls, leat_span key_share, const uint16_t *psk_selected) {
    uint8_t random[LEAT_TLS_RANDOM];
    if (!leat_random_bytes(&tls->handshake->random, random, sizeof random)) {
        return leat_fault(&tls->error, LEAT_ALERT_INTERNAL_ERROR, "the random source failed");
    }
    leat_server_hello hello = {
        .random = {random, sizeof random},
        .cipher_suite = tls->suite->id,
        .extensions = {.present = LEAT_HAS_SUPPORTED_VERSIONS | LEAT_HAS_KEY_SHARE,
                       .version = LEAT_TLS_1_3,
                       .group = tls->group,
                       .key_share = key_share},
    };
    if (psk_selected != NULL) {
        hello.extensions.present |= LEAT_HAS_PRE_SHARED_KEY;
        hello.extensions.psk_selected = *psk_selected;
    }
    return send_hello(tls, &hello);
}

int leat_tls_send_hello_retry_request(leat_tls *tls, bool ask_for_group) {
    leat_tls_handshake *handshake = tls->handshake;
    leat_server_hello hello = {
        .random = {leat_hello_retry_random, LEAT_TLS_RANDOM},
        .cipher_suite = tls->suite->id,
        .extensions = {.present = LEAT_HAS_SUPPORTED_VERSIONS,
                       .version = LEAT_TLS_1_3,
                       .group = tls->group},
    };
    hello.extensions.present |= ask_for_group ? LEAT_HAS_KEY_SHARE : LEAT_HAS_COOKIE;
    if (!ask_for_group) {
        hello.extensions.cookie = (leat_span){handshake->cookie, sizeof handshake->cookie};
        handshake->cookie_sent = true;
        if (!leat_random_bytes(&handshake->random, handshake->cookie, sizeof handshake->cookie)) {
            return leat_fault(&tls->error, LEAT_ALERT_INTERNAL_ERROR, "the random source failed");
        }
    }
    tls->retried = true;
    return leat_transcript_retry(&handshake->transcript) ? send_hello(tls, &hello)
                                                         : leat_fault_memory(&tls->error);
}
