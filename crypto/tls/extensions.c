/*
 * RFC 8446 §4.2, RFC 6066 §3, RFC 7301 §3.1, RFC 8879 §3, RFC 9001 §8.2: the extension table and
 * the codecs of its rows. The rules for all of them are in extension_walker.c; which extensions are
 * answered and what their values mean for the handshake is decided by the files of the messages.
 */
#include "crypto/tls/extension_table.h"

/* RFC 8446 §4.2.8: more shares than any client sends; stops quadratic work on duplicates. */
#define KEY_SHARES_MAX 16

void leat_tls_write_vector(leat_writer *writer, size_t prefix, leat_span bytes) {
    size_t mark = leat_write_vector_begin(writer, prefix);
    leat_write_bytes(writer, bytes.data, bytes.length);
    leat_write_vector_end(writer, mark, prefix);
}

/* A list of uint16, not empty. */
static int check_u16_list(leat_span list, const char **why) {
    if (list.length == 0 || list.length % 2 != 0) {
        return leat_fault_decode(why, "a list of an extension is empty or has half an entry");
    }
    return LEAT_ALERT_NONE;
}

static int read_versions(unsigned message, leat_reader *body, leat_extensions *extensions,
                         const char **why) {
    if (message != LEAT_IN_CLIENT_HELLO) {
        extensions->version = leat_read_u16(body);
        return LEAT_ALERT_NONE;
    }
    extensions->versions = leat_read_vector8(body);
    int alert = check_u16_list(extensions->versions, why);
    /* Here already, so that an old client hears of its version, not of what else it lacks. */
    if (alert == LEAT_ALERT_NONE && !leat_u16_list_contains(extensions->versions, LEAT_TLS_1_3)) {
        return leat_fault(why, LEAT_ALERT_PROTOCOL_VERSION, "ClientHello does not offer TLS 1.3");
    }
    return alert;
}

static void write_versions(unsigned message, const leat_extensions *extensions,
                           leat_writer *writer) {
    if (message != LEAT_IN_CLIENT_HELLO) {
        leat_write_u16(writer, extensions->version);
        return;
    }
    leat_tls_write_vector(writer, 1, extensions->versions);
}

static int read_server_name(unsigned message, leat_reader *body, leat_extensions *extensions,
                            const char **why) {
    if (message != LEAT_IN_CLIENT_HELLO) {
        return LEAT_ALERT_NONE; /* RFC 6066 §3: empty; the walker sees trailing bytes */
    }
    leat_span list = leat_read_vector16(body);
    leat_reader names = leat_reader_of(list);
    uint8_t name_type = leat_read_u8(&names);
    extensions->server_name = leat_read_vector16(&names);
    /* RFC 6066 §3: one name of type host_name is the only list that was ever defined. */
    if (!leat_reader_at_end(&names) || name_type != 0 || extensions->server_name.length == 0) {
        return leat_fault_decode(why, "server_name is not one host name");
    }
    return LEAT_ALERT_NONE;
}

static void write_server_name(unsigned message, const leat_extensions *extensions,
                              leat_writer *writer) {
    if (message == LEAT_IN_CLIENT_HELLO) {
        size_t mark = leat_write_vector_begin(writer, 2);
        leat_write_u8(writer, 0);
        leat_tls_write_vector(writer, 2, extensions->server_name);
        leat_write_vector_end(writer, mark, 2);
    }
}

static int read_groups(unsigned message, leat_reader *body, leat_extensions *extensions,
                       const char **why) {
    (void)message;
    extensions->groups = leat_read_vector16(body);
    return check_u16_list(extensions->groups, why);
}

static void write_groups(unsigned message, const leat_extensions *extensions, leat_writer *writer) {
    (void)message;
    leat_tls_write_vector(writer, 2, extensions->groups);
}

bool leat_key_share_next(leat_reader *list, uint16_t *group, leat_span *key_exchange) {
    if (leat_reader_left(list) == 0) {
        return false;
    }
    *group = leat_read_u16(list);
    *key_exchange = leat_read_vector16(list);
    return !list->failed;
}

static int check_key_shares(leat_span list, const char **why) {
    uint16_t seen[KEY_SHARES_MAX];
    size_t count = 0;
    leat_reader reader = leat_reader_of(list);
    leat_span key_exchange;
    for (uint16_t group; leat_key_share_next(&reader, &group, &key_exchange); count++) {
        if (key_exchange.length == 0) {
            return leat_fault_decode(why, "an empty key share");
        }
        if (count == KEY_SHARES_MAX) {
            return leat_fault(why, LEAT_ALERT_ILLEGAL_PARAMETER, "too many key shares");
        }
        for (size_t i = 0; i < count; i++) {
            if (seen[i] == group) { /* RFC 8446 §4.2.8: one share per group. */
                return leat_fault(why, LEAT_ALERT_ILLEGAL_PARAMETER,
                                  "two key shares for one group");
            }
        }
        seen[count] = group;
    }
    return reader.failed ? leat_fault_decode(why, "a key share is cut short") : LEAT_ALERT_NONE;
}

static int read_key_share(unsigned message, leat_reader *body, leat_extensions *extensions,
                          const char **why) {
    if (message == LEAT_IN_CLIENT_HELLO) {
        extensions->key_shares = leat_read_vector16(body);
        return check_key_shares(extensions->key_shares, why);
    }
    extensions->group = leat_read_u16(body);
    if (message == LEAT_IN_SERVER_HELLO) {
        extensions->key_share = leat_read_vector16(body);
        if (extensions->key_share.length == 0) {
            return leat_fault_decode(why, "an empty key share");
        }
    }
    return LEAT_ALERT_NONE;
}

static void write_key_share(unsigned message, const leat_extensions *extensions,
                            leat_writer *writer) {
    if (message == LEAT_IN_CLIENT_HELLO) {
        leat_tls_write_vector(writer, 2, extensions->key_shares);
        return;
    }
    leat_write_u16(writer, extensions->group);
    if (message == LEAT_IN_SERVER_HELLO) {
        leat_tls_write_vector(writer, 2, extensions->key_share);
    }
}

static int read_signature_algorithms(unsigned message, leat_reader *body,
                                     leat_extensions *extensions, const char **why) {
    (void)message;
    extensions->signature_schemes = leat_read_vector16(body);
    return check_u16_list(extensions->signature_schemes, why);
}

static void write_signature_algorithms(unsigned message, const leat_extensions *extensions,
                                       leat_writer *writer) {
    (void)message;
    leat_tls_write_vector(writer, 2, extensions->signature_schemes);
}

static int read_signature_algorithms_cert(unsigned message, leat_reader *body,
                                          leat_extensions *extensions, const char **why) {
    (void)message;
    extensions->signature_cert_schemes = leat_read_vector16(body);
    return check_u16_list(extensions->signature_cert_schemes, why);
}

static void write_signature_algorithms_cert(unsigned message, const leat_extensions *extensions,
                                            leat_writer *writer) {
    (void)message;
    leat_tls_write_vector(writer, 2, extensions->signature_cert_schemes);
}

static int read_alpn(unsigned message, leat_reader *body, leat_extensions *extensions,
                     const char **why) {
    extensions->protocols = leat_read_vector16(body);
    leat_reader names = leat_reader_of(extensions->protocols);
    size_t count = 0;
    for (; leat_reader_left(&names) > 0; count++) {
        if (leat_read_vector8(&names).length == 0) {
            return leat_fault_decode(why, "ALPN has an empty or cut protocol name");
        }
    }
    /* RFC 7301 §3.1: the answer is exactly one name. */
    if (names.failed || count == 0 || (message == LEAT_IN_ENCRYPTED_EXTENSIONS && count != 1)) {
        return leat_fault_decode(why, "ALPN has the wrong number of protocol names");
    }
    return LEAT_ALERT_NONE;
}

static void write_alpn(unsigned message, const leat_extensions *extensions, leat_writer *writer) {
    (void)message;
    leat_tls_write_vector(writer, 2, extensions->protocols);
}

static int read_transport_parameters(unsigned message, leat_reader *body,
                                     leat_extensions *extensions, const char **why) {
    (void)message, (void)why;
    extensions->transport_parameters = leat_read_rest(body);
    return LEAT_ALERT_NONE;
}

static void write_transport_parameters(unsigned message, const leat_extensions *extensions,
                                       leat_writer *writer) {
    (void)message;
    leat_write_bytes(writer, extensions->transport_parameters.data,
                     extensions->transport_parameters.length);
}

static int read_cookie(unsigned message, leat_reader *body, leat_extensions *extensions,
                       const char **why) {
    (void)message;
    extensions->cookie = leat_read_vector16(body);
    return extensions->cookie.length == 0 ? leat_fault_decode(why, "an empty cookie")
                                          : LEAT_ALERT_NONE;
}

static void write_cookie(unsigned message, const leat_extensions *extensions, leat_writer *writer) {
    (void)message;
    leat_tls_write_vector(writer, 2, extensions->cookie);
}

static int read_early_data(unsigned message, leat_reader *body, leat_extensions *extensions,
                           const char **why) {
    (void)why;
    if (message == LEAT_IN_NEW_SESSION_TICKET) {
        extensions->max_early_data_size = leat_read_u32(body);
    }
    return LEAT_ALERT_NONE;
}

static void write_early_data(unsigned message, const leat_extensions *extensions,
                             leat_writer *writer) {
    if (message == LEAT_IN_NEW_SESSION_TICKET) {
        leat_write_u32(writer, extensions->max_early_data_size);
    }
}

static int read_compressions(unsigned message, leat_reader *body, leat_extensions *extensions,
                             const char **why) {
    (void)message;
    extensions->compressions = leat_read_vector8(body);
    return check_u16_list(extensions->compressions, why);
}

static void write_compressions(unsigned message, const leat_extensions *extensions,
                               leat_writer *writer) {
    (void)message;
    leat_tls_write_vector(writer, 1, extensions->compressions);
}

static int read_psk_modes(unsigned message, leat_reader *body, leat_extensions *extensions,
                          const char **why) {
    (void)message;
    extensions->psk_modes = leat_read_vector8(body);
    return extensions->psk_modes.length == 0 ? leat_fault_decode(why, "no PSK mode")
                                             : LEAT_ALERT_NONE;
}

static void write_psk_modes(unsigned message, const leat_extensions *extensions,
                            leat_writer *writer) {
    (void)message;
    leat_tls_write_vector(writer, 1, extensions->psk_modes);
}

/* RFC 8446 §4.2.11: as many binders as identities. */
static int check_psk_lists(const leat_extensions *extensions, const char **why) {
    leat_reader identities = leat_reader_of(extensions->psk_identities);
    leat_reader binders = leat_reader_of(extensions->psk_binders);
    size_t identity_count = 0, binder_count = 0;
    for (; leat_reader_left(&identities) > 0; identity_count++) {
        if (leat_read_vector16(&identities).length == 0) {
            return leat_fault_decode(why, "an empty or cut PSK identity");
        }
        leat_read_u32(&identities);
    }
    for (; leat_reader_left(&binders) > 0; binder_count++) {
        if (leat_read_vector8(&binders).length < 32) {
            return leat_fault_decode(why, "a PSK binder is too short");
        }
    }
    if (identities.failed || binders.failed || identity_count == 0) {
        return leat_fault_decode(why, "a PSK identity or binder is cut short");
    }
    if (identity_count != binder_count) {
        return leat_fault(why, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "not as many PSK binders as identities");
    }
    return LEAT_ALERT_NONE;
}

static int read_pre_shared_key(unsigned message, leat_reader *body, leat_extensions *extensions,
                               const char **why) {
    if (message == LEAT_IN_SERVER_HELLO) {
        extensions->psk_selected = leat_read_u16(body);
        return LEAT_ALERT_NONE;
    }
    extensions->psk_identities = leat_read_vector16(body);
    extensions->psk_binders = leat_read_vector16(body);
    return check_psk_lists(extensions, why);
}

static void write_pre_shared_key(unsigned message, const leat_extensions *extensions,
                                 leat_writer *writer) {
    if (message == LEAT_IN_SERVER_HELLO) {
        leat_write_u16(writer, extensions->psk_selected);
        return;
    }
    leat_tls_write_vector(writer, 2, extensions->psk_identities);
    leat_tls_write_vector(writer, 2, extensions->psk_binders);
}

enum {
    BOTH_HELLOS = LEAT_IN_CLIENT_HELLO | LEAT_IN_SERVER_HELLO | LEAT_IN_HELLO_RETRY_REQUEST,
    CLIENT_AND_ENCRYPTED = LEAT_IN_CLIENT_HELLO | LEAT_IN_ENCRYPTED_EXTENSIONS,
    CLIENT_AND_REQUEST = LEAT_IN_CLIENT_HELLO | LEAT_IN_CERTIFICATE_REQUEST,
};

/*
 * RFC 8446 §4.2, table; §9.2 and RFC 9001 §8.1-2, §8.2-1 say what must be there. The alerts for
 * what is missing are given in row order, so that the version comes first. pre_shared_key is the
 * last row: it must be the last extension (§4.2.11).
 */
const leat_extension_row leat_extension_rows[LEAT_EXTENSION_ROW_COUNT] = {
    {43, LEAT_HAS_SUPPORTED_VERSIONS, "supported_versions", BOTH_HELLOS, BOTH_HELLOS, LEAT_ALERT_PROTOCOL_VERSION, read_versions, write_versions},
    {0, LEAT_HAS_SERVER_NAME, "server_name", CLIENT_AND_ENCRYPTED, 0, 0, read_server_name, write_server_name},
    {10, LEAT_HAS_SUPPORTED_GROUPS, "supported_groups", CLIENT_AND_ENCRYPTED, LEAT_IN_CLIENT_HELLO, LEAT_ALERT_MISSING_EXTENSION, read_groups, write_groups},
    {51, LEAT_HAS_KEY_SHARE, "key_share", BOTH_HELLOS, LEAT_IN_CLIENT_HELLO, LEAT_ALERT_MISSING_EXTENSION, read_key_share, write_key_share},
    {13, LEAT_HAS_SIGNATURE_ALGORITHMS, "signature_algorithms", CLIENT_AND_REQUEST, LEAT_IN_CERTIFICATE_REQUEST, LEAT_ALERT_MISSING_EXTENSION, read_signature_algorithms, write_signature_algorithms},
    {50, LEAT_HAS_SIGNATURE_ALGORITHMS_CERT, "signature_algorithms_cert", CLIENT_AND_REQUEST, 0, 0, read_signature_algorithms_cert, write_signature_algorithms_cert},
    {16, LEAT_HAS_ALPN, "application_layer_protocol_negotiation", CLIENT_AND_ENCRYPTED, CLIENT_AND_ENCRYPTED, LEAT_ALERT_NO_APPLICATION_PROTOCOL, read_alpn, write_alpn},
    {57, LEAT_HAS_TRANSPORT_PARAMETERS, "quic_transport_parameters", CLIENT_AND_ENCRYPTED, CLIENT_AND_ENCRYPTED, LEAT_ALERT_MISSING_EXTENSION, read_transport_parameters, write_transport_parameters},
    {44, LEAT_HAS_COOKIE, "cookie", LEAT_IN_CLIENT_HELLO | LEAT_IN_HELLO_RETRY_REQUEST, 0, 0, read_cookie, write_cookie},
    {42, LEAT_HAS_EARLY_DATA, "early_data", CLIENT_AND_ENCRYPTED | LEAT_IN_NEW_SESSION_TICKET, 0, 0, read_early_data, write_early_data},
    {27, LEAT_HAS_COMPRESS_CERTIFICATE, "compress_certificate", CLIENT_AND_REQUEST, 0, 0, read_compressions, write_compressions},
    {1, 0, "max_fragment_length", CLIENT_AND_ENCRYPTED, 0, 0, NULL, NULL},
    {5, 0, "status_request", CLIENT_AND_REQUEST | LEAT_IN_CERTIFICATE, 0, 0, NULL, NULL},
    {18, 0, "signed_certificate_timestamp", CLIENT_AND_REQUEST | LEAT_IN_CERTIFICATE, 0, 0, NULL, NULL},
    {21, 0, "padding", LEAT_IN_CLIENT_HELLO, 0, 0, NULL, NULL},
    {47, 0, "certificate_authorities", CLIENT_AND_REQUEST, 0, 0, NULL, NULL},
    {48, 0, "oid_filters", LEAT_IN_CERTIFICATE_REQUEST, 0, 0, NULL, NULL},
    {49, 0, "post_handshake_auth", LEAT_IN_CLIENT_HELLO, 0, 0, NULL, NULL},
    {45, LEAT_HAS_PSK_MODES, "psk_key_exchange_modes", LEAT_IN_CLIENT_HELLO, 0, 0, read_psk_modes, write_psk_modes},
    {41, LEAT_HAS_PRE_SHARED_KEY, "pre_shared_key", LEAT_IN_CLIENT_HELLO | LEAT_IN_SERVER_HELLO, 0, 0, read_pre_shared_key, write_pre_shared_key},
};
bool leat_u16_list_contains(leat_span list, uint16_t value) {
    for (leat_reader reader = leat_reader_of(list); leat_reader_left(&reader) >= 2;) {
        if (leat_read_u16(&reader) == value) {
            return true;
        }
    }
    return false;
}

leat_span leat_u16_list_make(const uint16_t *values, size_t count, uint8_t *out, size_t room) {
    leat_writer writer = leat_writer_make(out, room);
    for (size_t i = 0; i < count; i++) {
        leat_write_u16(&writer, values[i]);
    }
    return (leat_span){out, writer.failed ? 0 : leat_writer_length(&writer)};
}

bool leat_protocol_list_contains(leat_span list, leat_span protocol) {
    for (leat_reader reader = leat_reader_of(list); leat_reader_left(&reader) > 0;) {
        leat_span name = leat_read_vector8(&reader);
        if (name.length == protocol.length && name.length > 0 &&
            memcmp(name.data, protocol.data, name.length) == 0) {
            return true;
        }
    }
    return false;
}
