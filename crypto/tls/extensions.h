/*
 * The extensions of RFC 8446 §4.2 as rows of one table, and the walker that reads or writes a list
 * of them. The walker alone knows the rules for all: no duplicates, only where allowed, responses
 * only to what was offered, no trailing bytes, and what is missing. Rows turn bytes into the fields
 * of leat_extensions and back; they make no decisions.
 */
#ifndef LEAT_CRYPTO_TLS_EXTENSIONS_H
#define LEAT_CRYPTO_TLS_EXTENSIONS_H

#include "crypto/tls/alert.h"

#define LEAT_TLS_1_3 0x0304 /* the one version there is in QUIC */

/* More extensions in one list are refused: bounds the search for duplicates (hundreds of tiny
 * extensions). */
#define LEAT_EXTENSIONS_MAX 96

/* The messages that carry extensions, as bits. */
enum {
    LEAT_IN_CLIENT_HELLO = 1 << 0,
    LEAT_IN_SERVER_HELLO = 1 << 1,
    LEAT_IN_HELLO_RETRY_REQUEST = 1 << 2,
    LEAT_IN_ENCRYPTED_EXTENSIONS = 1 << 3,
    LEAT_IN_CERTIFICATE = 1 << 4,
    LEAT_IN_CERTIFICATE_REQUEST = 1 << 5,
    LEAT_IN_NEW_SESSION_TICKET = 1 << 6,
};

/* The extensions as bits of `present`. */
enum {
    LEAT_HAS_SUPPORTED_VERSIONS = 1 << 0,
    LEAT_HAS_SERVER_NAME = 1 << 1,
    LEAT_HAS_SUPPORTED_GROUPS = 1 << 2,
    LEAT_HAS_KEY_SHARE = 1 << 3,
    LEAT_HAS_SIGNATURE_ALGORITHMS = 1 << 4,
    LEAT_HAS_SIGNATURE_ALGORITHMS_CERT = 1 << 5,
    LEAT_HAS_ALPN = 1 << 6,
    LEAT_HAS_TRANSPORT_PARAMETERS = 1 << 7,
    LEAT_HAS_COOKIE = 1 << 8,
    LEAT_HAS_EARLY_DATA = 1 << 9,
    LEAT_HAS_PSK_MODES = 1 << 10,
    LEAT_HAS_PRE_SHARED_KEY = 1 << 11,
    LEAT_HAS_COMPRESS_CERTIFICATE = 1 << 12,
};

/* The values, as spans into the message. Lists are kept in wire form, without the length in front,
 * but checked. */
typedef struct leat_extensions {
    uint32_t present;
    leat_span versions;           /* ClientHello: uint16 list */
    uint16_t version;             /* ServerHello, HelloRetryRequest */
    leat_span server_name;        /* ClientHello: the host_name; empty in EncryptedExtensions */
    leat_span groups;             /* uint16 list */
    leat_span key_shares;         /* ClientHello: KeyShareEntry list */
    uint16_t group;               /* ServerHello, HelloRetryRequest */
    leat_span key_share;          /* ServerHello: key_exchange */
    leat_span signature_schemes;  /* uint16 list */
    leat_span signature_cert_schemes;
    leat_span protocols;          /* ProtocolNameList; exactly one in EncryptedExtensions */
    leat_span transport_parameters;
    leat_span cookie;
    uint32_t max_early_data_size; /* NewSessionTicket */
    leat_span compressions;       /* uint16 list of RFC 8879 algorithms */
    leat_span psk_modes;          /* uint8 list */
    leat_span psk_identities;     /* ClientHello: PskIdentity list */
    leat_span psk_binders;        /* ClientHello: PskBinderEntry list */
    uint16_t psk_selected;        /* ServerHello */
} leat_extensions;

/*
 * Reads the list (without its length). `offered`: LEAT_HAS_* of what a response may answer; ignored
 * for requests. Returns an alert or LEAT_ALERT_NONE.
 */
int leat_extensions_parse(unsigned message, leat_span list, uint32_t offered,
                          leat_extensions *extensions, const char **why);
/* Writes the list with its length: what is present and allowed in this message, in the order of the
 * rows. */
void leat_extensions_write(unsigned message, const leat_extensions *extensions,
                           leat_writer *writer);
/* Feeds type and body of each extension that a second ClientHello must repeat (RFC 8446 §4.1.2) to
 * the hash. */
bool leat_extensions_hash_repeated(leat_span list, leat_hash *hash);

/* Bytes behind a length of `prefix` bytes. */
void leat_tls_write_vector(leat_writer *writer, size_t prefix, leat_span bytes);

/* Helpers for lists in wire form. */
/* A uint16 list in wire form, in out; empty when it does not fit. */
leat_span leat_u16_list_make(const uint16_t *values, size_t count, uint8_t *out, size_t room);
bool leat_u16_list_contains(leat_span list, uint16_t value);
bool leat_protocol_list_contains(leat_span list, leat_span protocol);
/* The next entry of a KeyShareEntry list that was checked; false at the end. */
bool leat_key_share_next(leat_reader *list, uint16_t *group, leat_span *key_exchange);

#endif
