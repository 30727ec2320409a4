/*
 * RFC 8446 §4.1.2: the ClientHello: read, write, and how a client makes its first and its second.
 * What a server does with one is in server_handshake.c and negotiation.c.
 */
#include "crypto/tls/handshake.h"

static bool is_only_null_compression(leat_span compression) {
    return compression.length == 1 && compression.data[0] == 0;
}

/* What RFC 8446 wants of the old fields once version 1.3 is on offer. */
static int check_legacy_fields(const leat_client_hello *hello, const char **why) {
    if (!is_only_null_compression(hello->compression)) {
        return leat_fault(why, LEAT_ALERT_ILLEGAL_PARAMETER, "ClientHello offers compression");
    }
    /* RFC 9001 §8.4-2: the compatibility mode of TLS over TCP has no place in QUIC. */
    if (hello->session_id.length != 0) {
        return leat_fault(why, LEAT_ALERT_ILLEGAL_PARAMETER, "ClientHello has a legacy_session_id");
    }
    /* RFC 8446 §4.2.9: a PSK without modes cannot be used in any way. */
    uint32_t present = hello->extensions.present;
    if ((present & LEAT_HAS_PRE_SHARED_KEY) != 0 && (present & LEAT_HAS_PSK_MODES) == 0) {
        return leat_fault(why, LEAT_ALERT_MISSING_EXTENSION,
                          "pre_shared_key without psk_key_exchange_modes");
    }
    return LEAT_ALERT_NONE;
}

/* RFC 8446 §4.2.8: a share for a group that is not in supported_groups. */
static int check_shares_are_of_groups(const leat_client_hello *hello, const char **why) {
    leat_reader shares = leat_reader_of(hello->extensions.key_shares);
    leat_span key_exchange;
    for (uint16_t group; leat_key_share_next(&shares, &group, &key_exchange);) {
        if (!leat_u16_list_contains(hello->extensions.groups, group)) {
            return leat_fault(why, LEAT_ALERT_ILLEGAL_PARAMETER,
                              "a key share for a group that is not supported");
        }
    }
    return LEAT_ALERT_NONE;
}

int leat_client_hello_parse(leat_span body, leat_client_hello *hello, const char **why) {
    leat_reader reader = leat_reader_of(body);
    *hello = (leat_client_hello){0};
    /* RFC 8446 §4.2.1: legacy_version says nothing once supported_versions is there. */
    leat_read_u16(&reader);
    hello->random = leat_read_bytes(&reader, LEAT_TLS_RANDOM);
    hello->session_id = leat_read_vector8(&reader);
    hello->cipher_suites = leat_read_vector16(&reader);
    hello->compression = leat_read_vector8(&reader);
    if (leat_reader_left(&reader) > 0) { /* a hello of old versions may end here */
        hello->extension_list = leat_read_vector16(&reader);
    }
    if (!leat_reader_at_end(&reader) || hello->session_id.length > 32 ||
        hello->compression.length == 0 || hello->cipher_suites.length == 0 ||
        hello->cipher_suites.length % 2 != 0) {
        return leat_fault_decode(why, "ClientHello is malformed");
    }
    int alert = leat_extensions_parse(LEAT_IN_CLIENT_HELLO, hello->extension_list, 0,
                                      &hello->extensions, why);
    if (alert == LEAT_ALERT_NONE) {
        alert = check_legacy_fields(hello, why);
    }
    return alert == LEAT_ALERT_NONE ? check_shares_are_of_groups(hello, why) : alert;
}

void leat_client_hello_write(const leat_client_hello *hello, leat_writer *writer) {
    leat_write_u16(writer, LEAT_TLS_1_2);
    leat_write_bytes(writer, hello->random.data, LEAT_TLS_RANDOM);
    leat_tls_write_vector(writer, 1, hello->session_id);
    leat_tls_write_vector(writer, 2, hello->cipher_suites);
    leat_tls_write_vector(writer, 1, hello->compression);
    leat_extensions_write(LEAT_IN_CLIENT_HELLO, &hello->extensions, writer);
}

bool leat_client_hello_fingerprint(const leat_client_hello *hello, uint8_t fingerprint[32]) {
    leat_hash *hash = leat_hash_new(LEAT_HASH_SHA256);
    bool ok = hash != NULL && leat_hash_update(hash, hello->random.data, hello->random.length) &&
              leat_hash_update(hash, hello->cipher_suites.data, hello->cipher_suites.length) &&
              leat_extensions_hash_repeated(hello->extension_list, hash) &&
              leat_hash_peek(hash, fingerprint);
    leat_hash_free(hash);
    return ok;
}

static int add_share(leat_tls *tls, uint16_t group) {
    leat_tls_handshake *handshake = tls->handshake;
    uint8_t entry[4 + LEAT_KEY_SHARE_MAX];
    size_t size = leat_group_client_share_size(group);
    leat_writer writer = leat_writer_make(entry, sizeof entry);
    leat_write_u16(&writer, group);
    leat_write_u16(&writer, (uint16_t)size);
    leat_tls_share *share = &handshake->shares[0];
    while (share->exchange != NULL) {
        share++;
    }
    share->group = group;
    share->exchange = size > LEAT_KEY_SHARE_MAX ? NULL : leat_key_exchange_new(group, entry + 4);
    if (share->exchange == NULL ||
        leat_buffer_append(&handshake->share_list, entry, 4 + size) != LEAT_OK) {
        return leat_fault_memory(&tls->error);
    }
    return LEAT_ALERT_NONE;
}

static void drop_shares(leat_tls_handshake *handshake) {
    for (size_t i = 0; i < LEAT_TLS_SHARES_MAX; i++) {
        leat_key_exchange_free(handshake->shares[i].exchange);
        handshake->shares[i] = (leat_tls_share){0};
    }
    leat_buffer_consume(&handshake->share_list, handshake->share_list.length);
}

/* RFC 8446 §4.1.2: the second ClientHello has one share, of the group asked for; without one the
 * shares stay. */
static int make_shares(leat_tls *tls) {
    leat_tls_handshake *handshake = tls->handshake;
    if (tls->retried && handshake->retry_group == 0) {
        return LEAT_ALERT_NONE;
    }
    if (tls->retried) {
        drop_shares(handshake);
        return add_share(tls, handshake->retry_group);
    }
    int alert = LEAT_ALERT_NONE;
    for (size_t i = 0; i < handshake->key_share_count && alert == LEAT_ALERT_NONE; i++) {
        alert = add_share(tls, handshake->groups[i]);
    }
    return alert;
}

/* RFC 8446 §4.2.11.1: the age in milliseconds, hidden by adding age_add. */
static uint32_t obfuscated_ticket_age(const leat_session *session, int64_t now) {
    return (uint32_t)((uint64_t)(now - session->created) * 1000 + session->age_add);
}

/* The identity and as many zeros as its binder will have; leat_psk_bind fills them in. */
static bool offer_psk(leat_tls *tls, leat_extensions *extensions, leat_buffer *identities,
                      uint8_t *binders) {
    leat_session *session = &tls->handshake->session;
    leat_span ticket = session->ticket;
    if (leat_buffer_reserve(identities, ticket.length + 6) != LEAT_OK) {
        return false;
    }
    leat_writer writer = leat_writer_make(identities->data, identities->capacity);
    leat_write_u16(&writer, (uint16_t)ticket.length);
    leat_write_bytes(&writer, ticket.data, ticket.length);
    leat_write_u32(&writer, obfuscated_ticket_age(session, tls->now));
    size_t hash_size = leat_hash_size(session->suite->hash);
    memset(binders, 0, 1 + hash_size);
    binders[0] = (uint8_t)hash_size;
    extensions->psk_identities = (leat_span){identities->data, leat_writer_length(&writer)};
    extensions->psk_binders = (leat_span){binders, 1 + hash_size};
    extensions->present |= LEAT_HAS_PRE_SHARED_KEY;
    return !writer.failed;
}

/* The lists that a ClientHello points into while it is written. */
typedef struct hello_lists {
    uint8_t suites[2 * LEAT_TLS_SUITES_MAX], groups[2 * LEAT_TLS_GROUPS_MAX];
    uint8_t schemes[64], cert_schemes[64];
    uint8_t compressions[LEAT_COMPRESSION_LIST_MAX];
    uint8_t binders[1 + LEAT_HASH_MAX];
    leat_buffer identities;
} hello_lists;

static bool fill_hello(leat_tls *tls, leat_client_hello *hello, hello_lists *lists,
                       leat_span cookie) {
    static const uint8_t null_compression[] = {0}, version[] = {0x03, 0x04},
                         mode[] = {LEAT_PSK_DHE_KE};
    leat_tls_handshake *handshake = tls->handshake;
    size_t count, cert_count;
    const uint16_t *schemes = leat_signature_schemes(&count);
    const uint16_t *cert_schemes = leat_signature_cert_schemes(&cert_count);
    leat_span shares = {handshake->share_list.data, handshake->share_list.length};
    leat_span alpn = {handshake->alpn.data, handshake->alpn.length};
    leat_span parameters = {handshake->transport_parameters.data,
                            handshake->transport_parameters.length};
    /* RFC 9001 §4.2-1, §8.4-1: one version, and no legacy_session_id. */
    *hello = (leat_client_hello){
        .random = {handshake->client_random, LEAT_TLS_RANDOM},
        .cipher_suites = leat_u16_list_make(handshake->cipher_suites, handshake->cipher_suite_count,
                                        lists->suites, sizeof lists->suites),
        .compression = {null_compression, 1},
        .extensions =
            {
                .present = LEAT_HAS_SUPPORTED_VERSIONS | LEAT_HAS_SUPPORTED_GROUPS |
                           LEAT_HAS_KEY_SHARE | LEAT_HAS_SIGNATURE_ALGORITHMS |
                           LEAT_HAS_SIGNATURE_ALGORITHMS_CERT | LEAT_HAS_ALPN |
                           LEAT_HAS_TRANSPORT_PARAMETERS | LEAT_HAS_PSK_MODES,
                .versions = {version, sizeof version},
                .groups = leat_u16_list_make(handshake->groups, handshake->group_count, lists->groups,
                                         sizeof lists->groups),
                .key_shares = shares,
                .signature_schemes =
                    leat_u16_list_make(schemes, count, lists->schemes, sizeof lists->schemes),
                .signature_cert_schemes = leat_u16_list_make(
                    cert_schemes, cert_count, lists->cert_schemes, sizeof lists->cert_schemes),
                .protocols = alpn,
                .transport_parameters = parameters,
                .cookie = cookie,
                .psk_modes = {mode, sizeof mode},
            },
    };
    hello->extensions.present |= cookie.length > 0 ? LEAT_HAS_COOKIE : 0;
    if (!leat_host_is_ip(tls->server_name)) { /* RFC 6066 §3: names only, no addresses. */
        size_t length = strlen(tls->server_name);
        length -=
            length > 1 && tls->server_name[length - 1] == '.'; /* RFC 6066 §3: no trailing dot */
        hello->extensions.server_name = (leat_span){(const uint8_t *)tls->server_name, length};
        hello->extensions.present |= LEAT_HAS_SERVER_NAME;
    }
    leat_tls_offer_compression(tls, &hello->extensions, lists->compressions);
    handshake->offers_psk = leat_psk_can_offer(tls);
    if (leat_early_data_can_offer(tls)) {
        hello->extensions.present |= LEAT_HAS_EARLY_DATA;
        tls->early_data = LEAT_EARLY_DATA_OFFERED;
    }
    return !handshake->offers_psk ||
           offer_psk(tls, &hello->extensions, &lists->identities, lists->binders);
}

static size_t hello_room(const leat_client_hello *hello) {
    const leat_extensions *extensions = &hello->extensions;
    return 1024 + extensions->key_shares.length + extensions->protocols.length +
           extensions->transport_parameters.length + extensions->cookie.length +
           extensions->psk_identities.length;
}

int leat_tls_send_client_hello(leat_tls *tls, leat_span cookie) {
    leat_tls_handshake *handshake = tls->handshake;
    leat_client_hello hello;
    hello_lists lists;
    leat_tls_message message;
    leat_span bytes;
    int alert = make_shares(tls);
    if (alert != LEAT_ALERT_NONE) {
        return alert;
    }
    leat_buffer_init(&lists.identities, tls->allocator, LEAT_TICKET_MAX + 64);
    bool ok = fill_hello(tls, &hello, &lists, cookie) &&
              leat_tls_message_begin(tls, &message, LEAT_LEVEL_INITIAL, LEAT_CLIENT_HELLO,
                                     hello_room(&hello));
    if (ok) {
        leat_client_hello_write(&hello, &message.writer);
    }
    leat_buffer_clear(&lists.identities);
    if (!ok) {
        return leat_fault_memory(&tls->error);
    }
    handshake->offered = hello.extensions.present;
    alert = leat_tls_message_close(tls, &message, &bytes);
    if (alert == LEAT_ALERT_NONE) {
        alert = leat_psk_bind(tls, tls->output[LEAT_LEVEL_INITIAL].data + message.mark,
                              bytes.length);
    }
    bool is_early = tls->early_data == LEAT_EARLY_DATA_OFFERED;
    return alert == LEAT_ALERT_NONE && is_early ? leat_early_data_start(tls) : alert;
}

void leat_tls_forget_hello(leat_tls *tls) {
    leat_tls_handshake *handshake = tls->handshake;
    leat_buffer *output = &tls->output[LEAT_LEVEL_INITIAL];
    drop_shares(handshake);
    leat_transcript_clear(&handshake->transcript);
    leat_transcript_init(&handshake->transcript, tls->allocator);
    leat_buffer_consume(output, output->length);
    /* RFC 9369 §5: a ticket is good for the version of QUIC that it came with. */
    handshake->session.suite = NULL;
    if (tls->early_data == LEAT_EARLY_DATA_OFFERED) {
        tls->early_data = LEAT_EARLY_DATA_REJECTED;
    }
    tls->state = LEAT_CLIENT_NEW;
}
