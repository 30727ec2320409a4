/*
 * What a server chooses from a ClientHello (RFC 8446 §4.1.1): suite, group, protocol, certificate
 * and signature scheme, each by the server's order of preference. Nothing is written here.
 */
#include "crypto/tls/handshake.h"

int leat_negotiate_cipher_suite(leat_tls *tls, const leat_client_hello *hello) {
    leat_tls_handshake *handshake = tls->handshake;
    for (size_t i = 0; i < handshake->cipher_suite_count; i++) {
        if (leat_u16_list_contains(hello->cipher_suites, handshake->cipher_suites[i])) {
            tls->suite = leat_cipher_suite_find(handshake->cipher_suites[i]);
            return LEAT_ALERT_NONE;
        }
    }
    return leat_fault(&tls->error, LEAT_ALERT_HANDSHAKE_FAILURE, "no cipher suite in common");
}

static leat_span share_of(const leat_client_hello *hello, uint16_t wanted) {
    leat_reader shares = leat_reader_of(hello->extensions.key_shares);
    leat_span key_exchange;
    for (uint16_t group; leat_key_share_next(&shares, &group, &key_exchange);) {
        if (group == wanted) {
            return key_exchange;
        }
    }
    return (leat_span){NULL, 0};
}

/* The first group of ours that the client supports and that has a share, or has none, as asked. 0:
 * none. */
static uint16_t first_group(const leat_tls_handshake *handshake, const leat_client_hello *hello,
                            bool with_share) {
    for (size_t i = 0; i < handshake->group_count; i++) {
        uint16_t group = handshake->groups[i];
        if (leat_u16_list_contains(hello->extensions.groups, group) &&
            (share_of(hello, group).length > 0) == with_share) {
            return group;
        }
    }
    return 0;
}

int leat_negotiate_group(leat_tls *tls, const leat_client_hello *hello, leat_span *share) {
    leat_tls_handshake *handshake = tls->handshake;
    uint16_t with_share = first_group(handshake, hello, true);
    uint16_t without_share = first_group(handshake, hello, false);
    /* A round trip saved is worth more than a better place in our order, unless a test wants the
     * round trip. */
    bool retry = with_share == 0 || (handshake->force_hello_retry_request && without_share != 0);
    tls->group = retry ? without_share : with_share;
    *share = retry ? (leat_span){NULL, 0} : share_of(hello, tls->group);
    if (tls->group == 0) {
        return leat_fault(&tls->error, LEAT_ALERT_HANDSHAKE_FAILURE,
                          "no key exchange group in common");
    }
    return LEAT_ALERT_NONE;
}

int leat_negotiate_alpn(leat_tls *tls, const leat_client_hello *hello) {
    leat_reader ours = leat_reader_make(tls->handshake->alpn.data, tls->handshake->alpn.length);
    while (leat_reader_left(&ours) > 0) {
        leat_span protocol = leat_read_vector8(&ours);
        if (leat_protocol_list_contains(hello->extensions.protocols, protocol)) {
            return leat_tls_set_alpn(tls, protocol);
        }
    }
    /* RFC 9001 §8.1-5 */
    return leat_fault(&tls->error, LEAT_ALERT_NO_APPLICATION_PROTOCOL,
                      "no application protocol in common");
}

/* RFC 6066 §3: letters, digits, hyphens, dots; underscores are seen in practice. Keeps control
 * bytes out of logs. */
static bool is_host_name(leat_span name) {
    for (size_t i = 0; i < name.length; i++) {
        uint8_t c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '_') {
            return false;
        }
    }
    return name.length > 0 && name.length <= LEAT_TLS_NAME_MAX;
}

int leat_negotiate_name(leat_tls *tls, const leat_client_hello *hello) {
    if ((hello->extensions.present & LEAT_HAS_SERVER_NAME) == 0) {
        return LEAT_ALERT_NONE;
    }
    leat_span name = hello->extensions.server_name;
    if (!is_host_name(name)) {
        return leat_fault(&tls->error, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "server_name is not a host name");
    }
    if (tls->server_name == NULL) {
        tls->server_name = leat_alloc(tls->allocator, name.length + 1);
    }
    if (tls->server_name == NULL) {
        return leat_fault_memory(&tls->error);
    }
    memcpy(tls->server_name, name.data,
           name.length); /* a second ClientHello repeats the same name */
    return LEAT_ALERT_NONE;
}

/* More schemes than this are not looked at: the registry has fewer. */
#define SCHEMES_MAX 64

uint16_t leat_negotiate_scheme(const leat_identity *identity, leat_span list) {
    uint16_t schemes[SCHEMES_MAX];
    size_t count = 0;
    leat_reader reader = leat_reader_of(list);
    while (leat_reader_left(&reader) >= 2 && count < SCHEMES_MAX) {
        schemes[count++] = leat_read_u16(&reader);
    }
    return leat_identity_choose_scheme(identity, schemes, count);
}

/*
 * RFC 8446 §4.4.2.2: an identity for the name whose key the client can verify; so a server may have
 * one with an ECDSA and one with an RSA key. When no identity has the name, the first serves.
 */
int leat_negotiate_identity(leat_tls *tls, const leat_client_hello *hello) {
    leat_tls_handshake *handshake = tls->handshake;
    leat_span schemes = hello->extensions.signature_schemes;
    if ((hello->extensions.present & LEAT_HAS_SIGNATURE_ALGORITHMS) == 0) { /* RFC 8446 §4.2.3 */
        return leat_fault(&tls->error, LEAT_ALERT_MISSING_EXTENSION,
                          "ClientHello has no signature_algorithms");
    }
    handshake->identity = handshake->identities[0];
    for (size_t i = 0; i < handshake->identity_count && handshake->scheme == 0; i++) {
        if (tls->server_name != NULL &&
            leat_identity_matches(handshake->identities[i], tls->server_name)) {
            handshake->name_matched = true;
            handshake->identity = handshake->identities[i];
            handshake->scheme = leat_negotiate_scheme(handshake->identity, schemes);
        }
    }
    if (!handshake->name_matched) {
        handshake->scheme = leat_negotiate_scheme(handshake->identity, schemes);
    }
    if (handshake->scheme == 0) {
        return leat_fault(&tls->error, LEAT_ALERT_HANDSHAKE_FAILURE,
                          "our key fits no signature scheme of the client");
    }
    return LEAT_ALERT_NONE;
}
