/*
 * Extensions for `leat decode`, by rows: RFC 8446 §4.2, RFC 6066 §3, RFC 7301 §3.1; and what
 * quic_transport_parameters holds: RFC 9000 §18.2, RFC 9221 §3.
 */
#include "crypto/tls/messages.h"
#include "decode.h"

typedef struct code_name {
    uint16_t code;
    const char *name;
} code_name;

static const code_name groups[] = {
    {0x0017, "secp256r1"}, {0x0018, "secp384r1"}, {0x0019, "secp521r1"}, {0x001d, "x25519"},
    {0x001e, "x448"}, {0x0100, "ffdhe2048"}, {0x11eb, "SecP256r1MLKEM768"},
    {0x11ec, "X25519MLKEM768"}, {0x11ed, "SecP384r1MLKEM1024"},
};
static const code_name schemes[] = {
    {0x0201, "rsa_pkcs1_sha1"}, {0x0203, "ecdsa_sha1"}, {0x0401, "rsa_pkcs1_sha256"},
    {0x0403, "ecdsa_secp256r1_sha256"}, {0x0501, "rsa_pkcs1_sha384"},
    {0x0503, "ecdsa_secp384r1_sha384"}, {0x0601, "rsa_pkcs1_sha512"},
    {0x0603, "ecdsa_secp521r1_sha512"}, {0x0804, "rsa_pss_rsae_sha256"},
    {0x0805, "rsa_pss_rsae_sha384"}, {0x0806, "rsa_pss_rsae_sha512"}, {0x0807, "ed25519"},
    {0x0808, "ed448"}, {0x0809, "rsa_pss_pss_sha256"}, {0x080a, "rsa_pss_pss_sha384"},
    {0x080b, "rsa_pss_pss_sha512"},
};
static const code_name suites[] = {
    {0x1301, "TLS_AES_128_GCM_SHA256"}, {0x1302, "TLS_AES_256_GCM_SHA384"},
    {0x1303, "TLS_CHACHA20_POLY1305_SHA256"}, {0x1304, "TLS_AES_128_CCM_SHA256"},
    {0x1305, "TLS_AES_128_CCM_8_SHA256"},
};
static const code_name compressions[] = {{1, "zlib"}, {2, "brotli"}, {3, "zstd"}};
static const code_name versions[] = {{0x0303, "TLS 1.2"}, {0x0304, "TLS 1.3"}};
#define NAME_IN(table, code) find_name(table, sizeof table / sizeof table[0], code)

static const char *find_name(const code_name *table, size_t count, uint16_t code) {
    /* RFC 8701 §2: values of the pattern 0x?a?a exist to be ignored. */
    const char *name = (code & 0x0f0f) == 0x0a0a && code >> 8 == (code & 0xff) ? "GREASE" : NULL;
    for (size_t i = 0; i < count; i++) {
        name = table[i].code == code ? table[i].name : name;
    }
    return name;
}

const char *decode_cipher_suite_name(uint16_t id) { return NAME_IN(suites, id); }
const char *decode_signature_name(uint16_t scheme) { return NAME_IN(schemes, scheme); }
const char *decode_compression_name(uint16_t id) { return NAME_IN(compressions, id); }

typedef struct extension_context {
    decode_state *decoder;
    decode_connection *connection;
    decode_sender sender;
    unsigned message;
    const char *section;
} extension_context;

typedef void show_extension(const extension_context *context, leat_reader *body);

/* ---- one function for each extension ------------------------------------------------ */

static void show_codes(const extension_context *context, leat_span list, const char *name,
                       const code_name *table, size_t count) {
    leat_reader reader = leat_reader_of(list);
    while (leat_reader_left(&reader) > 0) {
        uint16_t code = leat_read_u16(&reader);
        show_code(&context->decoder->out, name, context->section, code, 4,
                  find_name(table, count, code));
    }
}
#define SHOW_CODES(list, name, table) \
    show_codes(context, list, name, table, sizeof table / sizeof table[0])

static void show_versions(const extension_context *context, leat_reader *body) {
    bool is_list = context->message == LEAT_IN_CLIENT_HELLO;
    SHOW_CODES(is_list ? leat_read_vector8(body) : leat_read_rest(body), "version", versions);
}

static void show_server_name(const extension_context *context, leat_reader *body) {
    if (leat_reader_left(body) == 0) {
        return; /* RFC 6066 §3: the server's answer is empty. */
    }
    leat_reader names = leat_reader_of(leat_read_vector16(body));
    while (leat_reader_left(&names) > 0) {
        show_number(&context->decoder->out, "name_type", context->section, leat_read_u8(&names));
        show_text(&context->decoder->out, "host_name", context->section,
                  leat_read_vector16(&names));
    }
}

static void show_groups(const extension_context *context, leat_reader *body) {
    SHOW_CODES(leat_read_vector16(body), "named_group", groups);
}

static void show_share(const extension_context *context, leat_reader *reader) {
    uint16_t group = leat_read_u16(reader);
    show_code(&context->decoder->out, "group", context->section, group, 4,
              NAME_IN(groups, group));
    if (context->message != LEAT_IN_HELLO_RETRY_REQUEST) {
        show_hex(&context->decoder->out, "key_exchange", context->section,
                 leat_read_vector16(reader));
    }
}

static void show_key_share(const extension_context *context, leat_reader *body) {
    if (context->message != LEAT_IN_CLIENT_HELLO) {
        show_share(context, body);
        return;
    }
    leat_reader shares = leat_reader_of(leat_read_vector16(body));
    while (leat_reader_left(&shares) > 0) {
        show_share(context, &shares);
    }
}

static void show_schemes(const extension_context *context, leat_reader *body) {
    SHOW_CODES(leat_read_vector16(body), "signature_scheme", schemes);
}

static void show_compressions(const extension_context *context, leat_reader *body) {
    SHOW_CODES(leat_read_vector8(body), "algorithm", compressions);
}

static void show_alpn(const extension_context *context, leat_reader *body) {
    leat_reader names = leat_reader_of(leat_read_vector16(body));
    while (leat_reader_left(&names) > 0) {
        leat_span name = leat_read_vector8(&names);
        show_text(&context->decoder->out, "protocol_name", context->section, name);
        if (context->message == LEAT_IN_ENCRYPTED_EXTENSIONS) {
            /* "h3", and the drafts "h3-29" and the like. */
            context->connection->is_h3 = name.length >= 2 && memcmp(name.data, "h3", 2) == 0;
        }
    }
}

static void show_cookie(const extension_context *context, leat_reader *body) {
    show_hex(&context->decoder->out, "cookie", context->section, leat_read_vector16(body));
}

static void show_early_data(const extension_context *context, leat_reader *body) {
    if (context->message == LEAT_IN_NEW_SESSION_TICKET) {
        show_number(&context->decoder->out, "max_early_data_size", context->section,
                    leat_read_u32(body));
    }
}

static void show_psk_modes(const extension_context *context, leat_reader *body) {
    leat_reader modes = leat_reader_of(leat_read_vector8(body));
    while (leat_reader_left(&modes) > 0) {
        uint8_t mode = leat_read_u8(&modes);
        show_code(&context->decoder->out, "ke_mode", context->section, mode, 2,
                  mode == LEAT_PSK_DHE_KE ? "psk_dhe_ke" : mode == 0 ? "psk_ke" : NULL);
    }
}

static void show_pre_shared_key(const extension_context *context, leat_reader *body) {
    output *out = &context->decoder->out;
    if (context->message != LEAT_IN_CLIENT_HELLO) {
        show_number(out, "selected_identity", context->section, leat_read_u16(body));
        return;
    }
    leat_reader identities = leat_reader_of(leat_read_vector16(body));
    leat_reader binders = leat_reader_of(leat_read_vector16(body));
    while (leat_reader_left(&identities) > 0) {
        show_hex(out, "identity", context->section, leat_read_vector16(&identities));
        show_number(out, "obfuscated_ticket_age", context->section, leat_read_u32(&identities));
    }
    while (leat_reader_left(&binders) > 0) {
        show_hex(out, "binder", context->section, leat_read_vector8(&binders));
    }
}

/* ---- transport parameters ----------------------------------------------------------- */

typedef enum parameter_kind { NUMBER, BYTES } parameter_kind;
enum { ACK_DELAY_EXPONENT = 0x0a };

static const struct {
    uint64_t id;
    parameter_kind kind;
    const char *name, *section;
} parameters[] = {
    {0x00, BYTES, "original_destination_connection_id", "RFC 9000 §18.2"},
    {0x01, NUMBER, "max_idle_timeout", "RFC 9000 §18.2"},
    {0x02, BYTES, "stateless_reset_token", "RFC 9000 §18.2"},
    {0x03, NUMBER, "max_udp_payload_size", "RFC 9000 §18.2"},
    {0x04, NUMBER, "initial_max_data", "RFC 9000 §18.2"},
    {0x05, NUMBER, "initial_max_stream_data_bidi_local", "RFC 9000 §18.2"},
    {0x06, NUMBER, "initial_max_stream_data_bidi_remote", "RFC 9000 §18.2"},
    {0x07, NUMBER, "initial_max_stream_data_uni", "RFC 9000 §18.2"},
    {0x08, NUMBER, "initial_max_streams_bidi", "RFC 9000 §18.2"},
    {0x09, NUMBER, "initial_max_streams_uni", "RFC 9000 §18.2"},
    {ACK_DELAY_EXPONENT, NUMBER, "ack_delay_exponent", "RFC 9000 §18.2"},
    {0x0b, NUMBER, "max_ack_delay", "RFC 9000 §18.2"},
    {0x0c, BYTES, "disable_active_migration", "RFC 9000 §18.2"},
    {0x0d, BYTES, "preferred_address", "RFC 9000 §18.2"},
    {0x0e, NUMBER, "active_connection_id_limit", "RFC 9000 §18.2"},
    {0x0f, BYTES, "initial_source_connection_id", "RFC 9000 §18.2"},
    {0x10, BYTES, "retry_source_connection_id", "RFC 9000 §18.2"},
    {0x11, BYTES, "version_information", "RFC 9368 §3"},
    {0x20, NUMBER, "max_datagram_frame_size", "RFC 9221 §3"},
    {0x2ab2, BYTES, "grease_quic_bit", "RFC 9287 §3"},
};

static void show_parameter(const extension_context *context, uint64_t id, leat_span value) {
    output *out = &context->decoder->out;
    leat_reader reader = leat_reader_of(value);
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (parameters[i].id != id) {
            continue;
        }
        uint64_t number = parameters[i].kind == NUMBER ? leat_read_varint(&reader) : 0;
        if (parameters[i].kind == BYTES || !leat_reader_at_end(&reader)) {
            show_hex(out, parameters[i].name, parameters[i].section, value);
            return;
        }
        show_number(out, parameters[i].name, parameters[i].section, number);
        if (id == ACK_DELAY_EXPONENT && number <= 20) {
            context->connection->sides[context->sender].ack_delay_exponent = number;
        }
        return;
    }
    char name[40];
    snprintf(name, sizeof name, "parameter 0x%llx", (unsigned long long)id);
    /* RFC 9000 §18.1: 31 * N + 27 exists to be ignored. */
    show_hex(out, id % 31 == 27 ? "reserved_parameter" : name, "RFC 9000 §18.1", value);
}

static void show_parameters(const extension_context *context, leat_reader *body) {
    while (leat_reader_left(body) > 0) {
        uint64_t id = leat_read_varint(body);
        leat_span value = leat_read_vector_varint(body);
        if (!body->failed) {
            show_parameter(context, id, value);
        }
    }
}

/* ---- the rows ----------------------------------------------------------------------- */

static void show_rest(const extension_context *context, leat_reader *body) {
    show_hex(&context->decoder->out, "data", context->section, leat_read_rest(body));
}

static const struct {
    uint16_t id;
    const char *name, *section;
    show_extension *show;
} extensions[] = {
    {0, "server_name", "RFC 6066 §3", show_server_name},
    {1, "max_fragment_length", "RFC 6066 §4", show_rest},
    {5, "status_request", "RFC 6066 §8", show_rest},
    {10, "supported_groups", "RFC 8446 §4.2.7", show_groups},
    {13, "signature_algorithms", "RFC 8446 §4.2.3", show_schemes},
    {16, "application_layer_protocol_negotiation", "RFC 7301 §3.1", show_alpn},
    {18, "signed_certificate_timestamp", "RFC 6962 §3.3", show_rest},
    {21, "padding", "RFC 7685 §3", show_rest},
    {27, "compress_certificate", "RFC 8879 §3", show_compressions},
    {28, "record_size_limit", "RFC 8449 §4", show_rest},
    {41, "pre_shared_key", "RFC 8446 §4.2.11", show_pre_shared_key},
    {42, "early_data", "RFC 8446 §4.2.10", show_early_data},
    {43, "supported_versions", "RFC 8446 §4.2.1", show_versions},
    {44, "cookie", "RFC 8446 §4.2.2", show_cookie},
    {45, "psk_key_exchange_modes", "RFC 8446 §4.2.9", show_psk_modes},
    {47, "certificate_authorities", "RFC 8446 §4.2.4", show_rest},
    {48, "oid_filters", "RFC 8446 §4.2.5", show_rest},
    {49, "post_handshake_auth", "RFC 8446 §4.2.6", show_rest},
    {50, "signature_algorithms_cert", "RFC 8446 §4.2.3", show_schemes},
    {51, "key_share", "RFC 8446 §4.2.8", show_key_share},
    {57, "quic_transport_parameters", "RFC 9001 §8.2", show_parameters},
    {65281, "renegotiation_info", "RFC 5746 §3.2", show_rest},
};

static void decode_extension(extension_context *context, uint16_t id, leat_span bytes) {
    output *out = &context->decoder->out;
    const char *name = find_name(NULL, 0, id);
    show_extension *show_body = show_rest;
    leat_reader body = leat_reader_of(bytes);
    context->section = "RFC 8446 §4.2";
    name = name == NULL ? "unknown" : name;
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
        if (extensions[i].id == id) {
            name = extensions[i].name;
            context->section = extensions[i].section;
            show_body = extensions[i].show;
        }
    }
    show(out, "extension", context->section, "%s (%u), %zu bytes", name, id, bytes.length);
    show_inner(out);
    if (bytes.length > 0) {
        show_body(context, &body);
    }
    if (!leat_reader_at_end(&body)) {
        show(out, "fault", context->section, "the extension is cut short or has bytes left over");
    }
    show_outer(out);
}

void decode_extensions(decode_state *decoder, decode_connection *connection, decode_sender sender,
                       unsigned message, leat_span list) {
    extension_context context = {decoder, connection, sender, message, NULL};
    leat_reader reader = leat_reader_of(list);
    while (leat_reader_left(&reader) > 0) {
        uint16_t id = leat_read_u16(&reader);
        leat_span body = leat_read_vector16(&reader);
        if (reader.failed) {
            show(&decoder->out, "fault", "RFC 8446 §4.2", "the list of extensions is cut short");
            return;
        }
        decode_extension(&context, id, body);
    }
}
