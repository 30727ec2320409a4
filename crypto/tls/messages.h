/*
 * The handshake messages of RFC 8446 §4 as structs, each with a pure parse and a write. Bodies are
 * without the 4-byte header. Spans point into the bytes parsed. What a message means for a
 * handshake is in handshake.h.
 */
#ifndef LEAT_CRYPTO_TLS_MESSAGES_H
#define LEAT_CRYPTO_TLS_MESSAGES_H

#include "crypto/tls/extensions.h"

/* RFC 8446 §4 HandshakeType. */
typedef enum leat_handshake_type {
    LEAT_CLIENT_HELLO = 1,
    LEAT_SERVER_HELLO = 2,
    LEAT_NEW_SESSION_TICKET = 4,
    LEAT_END_OF_EARLY_DATA = 5,
    LEAT_ENCRYPTED_EXTENSIONS = 8,
    LEAT_CERTIFICATE = 11,
    LEAT_CERTIFICATE_REQUEST = 13,
    LEAT_CERTIFICATE_VERIFY = 15,
    LEAT_FINISHED = 20,
    LEAT_KEY_UPDATE = 24,
    LEAT_COMPRESSED_CERTIFICATE = 25, /* RFC 8879 §4 */
    LEAT_MESSAGE_HASH = 254,
    /* RFC 8446 §4.1.3: a ServerHello with a special random; a message of its own for the state
       table. */
    LEAT_HELLO_RETRY_REQUEST = 0x100 | LEAT_SERVER_HELLO,
} leat_handshake_type;

#define LEAT_TLS_1_2 0x0303 /* what legacy_version always says */
#define LEAT_TLS_RANDOM 32
#define LEAT_PSK_DHE_KE 1

typedef struct leat_client_hello {
    leat_span random, session_id;
    leat_span cipher_suites; /* uint16 list */
    leat_span compression;
    leat_span extension_list; /* as it came, for leat_client_hello_fingerprint */
    leat_extensions extensions;
} leat_client_hello;

int leat_client_hello_parse(leat_span body, leat_client_hello *hello, const char **why);
void leat_client_hello_write(const leat_client_hello *hello, leat_writer *writer);
/* A hash over all that a second ClientHello must repeat; false when libcrypto fails. */
bool leat_client_hello_fingerprint(const leat_client_hello *hello, uint8_t fingerprint[32]);

typedef struct leat_server_hello { /* and HelloRetryRequest */
    leat_span random, session_id;
    uint16_t cipher_suite;
    leat_extensions extensions;
} leat_server_hello;

extern const uint8_t leat_hello_retry_random[LEAT_TLS_RANDOM];
bool leat_server_hello_is_retry(leat_span body);
int leat_server_hello_parse(leat_span body, uint32_t offered, leat_server_hello *hello,
                            const char **why);
/* Which of the two it is follows from random. */
void leat_server_hello_write(const leat_server_hello *hello, leat_writer *writer);

int leat_encrypted_extensions_parse(leat_span body, uint32_t offered, leat_extensions *extensions,
                                    const char **why);
void leat_encrypted_extensions_write(const leat_extensions *extensions, leat_writer *writer);

typedef struct leat_certificate {
    leat_span context;
    leat_span chain[LEAT_X509_CHAIN_MAX]; /* DER, leaf first */
    size_t count;
} leat_certificate;

int leat_certificate_parse(leat_span body, leat_certificate *certificate, const char **why);
void leat_certificate_write(const leat_certificate *certificate, leat_writer *writer);
size_t leat_certificate_length(const leat_certificate *certificate); /* of what write writes */

typedef struct leat_compressed_certificate {
    uint16_t algorithm;
    uint32_t uncompressed_length;
    leat_span compressed;
} leat_compressed_certificate;

int leat_compressed_certificate_parse(leat_span body, leat_compressed_certificate *certificate,
                                      const char **why);
void leat_compressed_certificate_write(const leat_compressed_certificate *certificate,
                                       leat_writer *writer);

typedef struct leat_certificate_verify {
    uint16_t scheme;
    leat_span signature;
} leat_certificate_verify;

int leat_certificate_verify_parse(leat_span body, leat_certificate_verify *verify,
                                  const char **why);
void leat_certificate_verify_write(const leat_certificate_verify *verify, leat_writer *writer);

typedef struct leat_certificate_request {
    leat_span context;
    leat_extensions extensions;
} leat_certificate_request;

int leat_certificate_request_parse(leat_span body, leat_certificate_request *request,
                                   const char **why);
void leat_certificate_request_write(const leat_certificate_request *request, leat_writer *writer);

int leat_finished_parse(leat_span body, size_t hash_size, leat_span *verify_data, const char **why);

typedef struct leat_new_session_ticket {
    uint32_t lifetime; /* seconds */
    uint32_t age_add;
    leat_span nonce, ticket;
    leat_extensions extensions;
} leat_new_session_ticket;

int leat_new_session_ticket_parse(leat_span body, leat_new_session_ticket *ticket,
                                  const char **why);
void leat_new_session_ticket_write(const leat_new_session_ticket *ticket, leat_writer *writer);

#endif
