/*
 * Handshake messages for `leat decode`: CRYPTO bytes in order (RFC 9001 §4.1.3), and the fields of
 * RFC 8446 §4 and RFC 8879 §4. It reads more loosely than the handshake itself, so that broken
 * messages are shown up to where they break.
 */
#include "base/alloc.h"
#include "crypto/hash.h"
#include "crypto/tls/compression.h"
#include "crypto/tls/messages.h"
#include "decode.h"

typedef struct message_context {
    decode_state *decoder;
    decode_connection *connection;
    decode_sender sender;
} message_context;

typedef void show_message(const message_context *context, leat_reader *body);

static void show_suites(output *out, leat_span suites) {
    leat_reader reader = leat_reader_of(suites);
    while (leat_reader_left(&reader) > 0) {
        uint16_t id = leat_read_u16(&reader);
        show_code(out, "cipher_suite", "RFC 8446 §B.4", id, 4, decode_cipher_suite_name(id));
    }
}

static void show_extensions(const message_context *context, unsigned message, leat_reader *body) {
    leat_span list = leat_read_vector16(body);
    if (!body->failed) {
        decode_extensions(
            context->decoder, context->connection, context->sender, message, list);
    }
}

static void show_client_hello(const message_context *context, leat_reader *body) {
    const char *section = "RFC 8446 §4.1.2";
    output *out = &context->decoder->out;
    decode_connection *connection = context->connection;
    show_code(out, "legacy_version", section, leat_read_u16(body), 4, NULL);
    leat_span random = leat_read_bytes(body, LEAT_TLS_RANDOM);
    show_hex(out, "random", section, random);
    if (random.length == LEAT_TLS_RANDOM && context->sender == CLIENT) {
        memcpy(connection->client_random, random.data, LEAT_TLS_RANDOM);
        connection->has_random = true;
    }
    show_hex(out, "legacy_session_id", section, leat_read_vector8(body));
    show_suites(out, leat_read_vector16(body));
    show_hex(out, "legacy_compression_methods", section, leat_read_vector8(body));
    show_extensions(context, LEAT_IN_CLIENT_HELLO, body);
}

static void show_server_hello(const message_context *context, leat_reader *body) {
    const char *section = "RFC 8446 §4.1.3";
    output *out = &context->decoder->out;
    show_code(out, "legacy_version", section, leat_read_u16(body), 4, NULL);
    leat_span random = leat_read_bytes(body, LEAT_TLS_RANDOM);
    leat_span retry = {leat_hello_retry_random, LEAT_TLS_RANDOM};
    bool is_retry = leat_span_equal(random, retry);
    show_hex(out, "random", section, random);
    show_hex(out, "legacy_session_id_echo", section, leat_read_vector8(body));
    uint16_t suite = leat_read_u16(body);
    show_code(out, "cipher_suite", "RFC 8446 §B.4", suite, 4, decode_cipher_suite_name(suite));
    show_code(out, "legacy_compression_method", section, leat_read_u8(body), 2, NULL);
    if (!body->failed && context->sender == SERVER) {
        context->connection->suite = leat_cipher_suite_find(suite);
    }
    show_extensions(
        context, is_retry ? LEAT_IN_HELLO_RETRY_REQUEST : LEAT_IN_SERVER_HELLO, body);
}

static void show_encrypted_extensions(const message_context *context, leat_reader *body) {
    show_extensions(context, LEAT_IN_ENCRYPTED_EXTENSIONS, body);
}

static void show_certificate(const message_context *context, leat_reader *body) {
    const char *section = "RFC 8446 §4.4.2";
    output *out = &context->decoder->out;
    show_hex(out, "certificate_request_context", section, leat_read_vector8(body));
    leat_reader list = leat_reader_of(leat_read_vector24(body));
    while (leat_reader_left(&list) > 0) {
        uint8_t hash[LEAT_HASH_MAX];
        leat_span der = leat_read_vector24(&list);
        show(out, "certificate", section, "%zu bytes of DER", der.length);
        show_inner(out);
        if (leat_hash_once(LEAT_HASH_SHA256, der.data, der.length, hash)) {
            show_hex(out, "sha256", NULL, (leat_span){hash, 32});
        }
        show_data(out, "cert_data", section, der);
        show_extensions(context, LEAT_IN_CERTIFICATE, &list);
        show_outer(out);
    }
    body->failed = body->failed || list.failed;
}

/* RFC 8879 §4: what is inside, as far as this build can unpack it. */
static void show_compressed_certificate(const message_context *context, leat_reader *body) {
    const char *section = "RFC 8879 §4";
    output *out = &context->decoder->out;
    uint16_t algorithm = leat_read_u16(body);
    size_t length = leat_read_u24(body);
    leat_span compressed = leat_read_vector24(body);
    show_code(out, "algorithm", section, algorithm, 4, decode_compression_name(algorithm));
    show_number(out, "uncompressed_length", section, length);
    show_data(out, "compressed_certificate_message", section, compressed);
    const leat_compression *compression = leat_compression_find(algorithm);
    uint8_t *plain = body->failed || compression == NULL || length > DECODE_MESSAGE_MAX
                         ? NULL
                         : leat_alloc(NULL, length);
    if (plain != NULL && compression->decompress(NULL, compressed, plain, length) ==
                             LEAT_COMPRESSION_DONE) {
        leat_reader certificate = leat_reader_make(plain, length);
        show_certificate(context, &certificate);
    } else if (plain != NULL) {
        show(out, "fault", section, "it cannot be unpacked into %zu bytes", length);
    }
    leat_free(NULL, plain);
}

static void show_certificate_request(const message_context *context, leat_reader *body) {
    show_hex(&context->decoder->out, "certificate_request_context", "RFC 8446 §4.3.2",
             leat_read_vector8(body));
    show_extensions(context, LEAT_IN_CERTIFICATE_REQUEST, body);
}

static void show_certificate_verify(const message_context *context, leat_reader *body) {
    output *out = &context->decoder->out;
    uint16_t scheme = leat_read_u16(body);
    show_code(out, "algorithm", "RFC 8446 §4.4.3", scheme, 4, decode_signature_name(scheme));
    show_hex(out, "signature", "RFC 8446 §4.4.3", leat_read_vector16(body));
}

static void show_finished(const message_context *context, leat_reader *body) {
    show_hex(&context->decoder->out, "verify_data", "RFC 8446 §4.4.4", leat_read_rest(body));
}

static void show_ticket(const message_context *context, leat_reader *body) {
    const char *section = "RFC 8446 §4.6.1";
    output *out = &context->decoder->out;
    show(out, "ticket_lifetime", section, "%lu s", (unsigned long)leat_read_u32(body));
    show_number(out, "ticket_age_add", section, leat_read_u32(body));
    show_hex(out, "ticket_nonce", section, leat_read_vector8(body));
    show_hex(out, "ticket", section, leat_read_vector16(body));
    show_extensions(context, LEAT_IN_NEW_SESSION_TICKET, body);
}

static void show_rest(const message_context *context, leat_reader *body) {
    show_hex(&context->decoder->out, "body", NULL, leat_read_rest(body));
}

static const struct {
    uint8_t type;
    const char *name, *section;
    show_message *show;
} messages[] = {
    {LEAT_CLIENT_HELLO, "client_hello", "RFC 8446 §4.1.2", show_client_hello},
    {LEAT_SERVER_HELLO, "server_hello", "RFC 8446 §4.1.3", show_server_hello},
    {LEAT_NEW_SESSION_TICKET, "new_session_ticket", "RFC 8446 §4.6.1", show_ticket},
    {LEAT_END_OF_EARLY_DATA, "end_of_early_data", "RFC 8446 §4.5", show_rest},
    {LEAT_ENCRYPTED_EXTENSIONS, "encrypted_extensions", "RFC 8446 §4.3.1", show_encrypted_extensions},
    {LEAT_CERTIFICATE, "certificate", "RFC 8446 §4.4.2", show_certificate},
    {LEAT_CERTIFICATE_REQUEST, "certificate_request", "RFC 8446 §4.3.2", show_certificate_request},
    {LEAT_CERTIFICATE_VERIFY, "certificate_verify", "RFC 8446 §4.4.3", show_certificate_verify},
    {LEAT_FINISHED, "finished", "RFC 8446 §4.4.4", show_finished},
    {LEAT_KEY_UPDATE, "key_update", "RFC 8446 §4.6.3", show_rest},
    {LEAT_COMPRESSED_CERTIFICATE, "compressed_certificate", "RFC 8879 §4", show_compressed_certificate},
};
#define UNKNOWN_SECTION "RFC 8446 §4"

static void decode_message(const message_context *context, uint8_t type, leat_span bytes) {
    output *out = &context->decoder->out;
    leat_reader body = leat_reader_of(bytes);
    const char *name = "unknown", *section = UNKNOWN_SECTION;
    show_message *show_body = show_rest;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        if (messages[i].type == type) {
            name = messages[i].name;
            section = messages[i].section;
            show_body = messages[i].show;
        }
    }
    if (type == LEAT_SERVER_HELLO && leat_server_hello_is_retry(bytes)) {
        name = "hello_retry_request";
        section = "RFC 8446 §4.1.4";
    }
    show(out, "message", section, "%s", name);
    show_inner(out);
    show_code(out, "msg_type", "RFC 8446 §4", type, 2, NULL);
    show_number(out, "length", "RFC 8446 §4", bytes.length);
    show_body(context, &body);
    if (body.failed) {
        show(out, "fault", section, "the message is cut short");
    } else if (!leat_reader_at_end(&body)) {
        show(out, "fault", section, "%zu bytes are left over", leat_reader_left(&body));
    }
    show_outer(out);
}

static void decode_messages(const message_context *context, leat_buffer *buffer) {
    while (buffer->length >= 4) {
        leat_reader reader = leat_reader_make(buffer->data, buffer->length);
        uint8_t type = leat_read_u8(&reader);
        leat_span body = leat_read_vector24(&reader);
        if (reader.failed) {
            return;
        }
        decode_message(context, type, body);
        leat_buffer_consume(buffer, 4 + body.length);
    }
}

void decode_crypto(decode_state *decoder, decode_connection *connection, decode_sender sender,
                   leat_space space, uint64_t offset, leat_span bytes) {
    message_context context = {decoder, connection, sender};
    leat_recv_buffer *crypto = &connection->sides[sender].crypto[space];
    leat_buffer *message = &connection->sides[sender].message[space];
    if (leat_recv_buffer_insert(crypto, offset, bytes.data, bytes.length, false) !=
        LEAT_INSERT_OK) {
        show(&decoder->out, "not_followed", NULL, "these bytes are too far ahead of what was seen");
        return;
    }
    if (offset > crypto->contiguous_end) {
        show(&decoder->out, "waits", "RFC 9000 §19.6", "for the bytes from offset %llu",
             (unsigned long long)crypto->contiguous_end);
    }
    leat_span ready;
    while ((ready = leat_recv_buffer_readable(crypto)).length > 0) {
        size_t room = DECODE_MESSAGE_MAX - message->length;
        size_t length = ready.length < room ? ready.length : room;
        if (length == 0 || leat_buffer_append(message, ready.data, length) != 0) {
            show(&decoder->out, "not_followed", NULL, "a message longer than %d bytes",
                 DECODE_MESSAGE_MAX);
            leat_recv_buffer_discard(crypto);
            return;
        }
        leat_recv_buffer_consume(crypto, length);
        decode_messages(&context, message);
    }
}
