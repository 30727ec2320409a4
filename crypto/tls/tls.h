/*
 * The TLS 1.3 handshake of QUIC (RFC 8446, RFC 9001): no record layer, knows nothing of packets. Handshake bytes go
 * in and come out per encryption level; secrets come out through a hook. Fed by quic/conn/crypto_stream.c; testable
 * alone by wiring two of them together.
 *
 * Use: new, then client: start; both: receive handshake bytes in order, after each call send what
 * leat_tls_output gives at every level. `failed alert` ends it: send CRYPTO_ERROR 0x0100 + alert (RFC 9001 §4.8).
 */
#ifndef LEAT_CRYPTO_TLS_TLS_H
#define LEAT_CRYPTO_TLS_TLS_H

#include "base/bytes.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/x509.h"

typedef enum leat_level {
    LEAT_LEVEL_INITIAL, LEAT_LEVEL_EARLY, LEAT_LEVEL_HANDSHAKE, LEAT_LEVEL_APPLICATION,
    LEAT_LEVEL_COUNT,
} leat_level;

/* RFC 8446 §6 AlertDescription. */
typedef enum leat_alert {
    LEAT_ALERT_NONE = -1,
    LEAT_ALERT_UNEXPECTED_MESSAGE = 10,
    LEAT_ALERT_HANDSHAKE_FAILURE = 40,
    LEAT_ALERT_BAD_CERTIFICATE = 42,
    LEAT_ALERT_UNSUPPORTED_CERTIFICATE = 43,
    LEAT_ALERT_CERTIFICATE_REVOKED = 44,
    LEAT_ALERT_CERTIFICATE_EXPIRED = 45,
    LEAT_ALERT_CERTIFICATE_UNKNOWN = 46,
    LEAT_ALERT_ILLEGAL_PARAMETER = 47,
    LEAT_ALERT_UNKNOWN_CA = 48,
    LEAT_ALERT_ACCESS_DENIED = 49,
    LEAT_ALERT_DECODE_ERROR = 50,
    LEAT_ALERT_DECRYPT_ERROR = 51,
    LEAT_ALERT_PROTOCOL_VERSION = 70,
    LEAT_ALERT_INSUFFICIENT_SECURITY = 71,
    LEAT_ALERT_INTERNAL_ERROR = 80,
    LEAT_ALERT_MISSING_EXTENSION = 109,
    LEAT_ALERT_UNSUPPORTED_EXTENSION = 110,
    LEAT_ALERT_UNRECOGNIZED_NAME = 112,
    LEAT_ALERT_UNKNOWN_PSK_IDENTITY = 115,
    LEAT_ALERT_CERTIFICATE_REQUIRED = 116,
    LEAT_ALERT_NO_APPLICATION_PROTOCOL = 120,
} leat_alert;
const char *leat_alert_name(int alert);

/* RFC 8446 §B.4: the suites of TLS 1.3 that QUIC can use; one row each. */
typedef struct leat_cipher_suite {
    uint16_t id;
    const char *name;
    leat_hash_id hash;
    leat_aead_id aead;
} leat_cipher_suite;
const leat_cipher_suite *leat_cipher_suite_find(uint16_t id);

typedef struct leat_tls leat_tls;

/*
 * What the handshake tells its owner while receive or start runs. on_secret: a traffic secret of hash-size bytes is
 * ready; `write` says the direction. on_message (may be NULL): one handshake message was read or written, with its
 * type, for traces. All return nothing; the hooks must not call back into the same leat_tls.
 */
typedef struct leat_tls_hooks {
    void *user;
    void (*on_secret)(void *user, leat_level level, bool write, const leat_cipher_suite *suite, const uint8_t *secret);
    /* Client and server: the peer's transport parameters, once; a server hears them before it writes anything. Return
     * an alert to refuse or LEAT_ALERT_NONE. */
    int (*on_transport_parameters)(void *user, leat_span encoded);
    /* Server, while handling ClientHello, after ALPN, before EncryptedExtensions is written:
     * encode ours. Returns the length or 0 on failure. */
    size_t (*write_transport_parameters)(void *user, uint8_t *out, size_t room);
    /* The application protocol is chosen. */
    void (*on_alpn)(void *user, leat_span protocol);
    /* One line of the NSS key log format without the newline, when key logging is on. */
    void (*on_key_log)(void *user, const char *line);
    /* Client: a ticket arrived. `ticket` is an opaque serialised session to store and to hand
     * back in config.session. */
    void (*on_session_ticket)(void *user, leat_span ticket);
    /* A ticket is being made (server) or kept (client): bytes to remember with it, at most
     * LEAT_SESSION_APPLICATION_MAX. Returns their length. NULL: none. */
    size_t (*write_session_application)(void *user, uint8_t *out, size_t room);
    /*
     * All that TLS can see allows early data: whether what the session remembers does too. Client:
     * during start, before the secret of early data is given. Server: while handling ClientHello,
     * after the client's transport parameters. NULL: no early data.
     */
    bool (*can_use_early_data)(void *user, leat_span alpn, leat_span application);
    /* A number that sessions are bound to besides: that of one made now (is_new), and the one that a session must have
     * to be used here. Asked while a ClientHello is made or handled, and for each ticket. NULL: always 0. */
    uint32_t (*session_context)(void *user, bool is_new);
    void (*on_message)(void *user, bool written, leat_level level, uint8_t type, size_t length);
    /* The peer's chain (DER, leaf first) after the trust accepted it: false refuses it with
     * access_denied. NULL: no further condition. */
    bool (*verify_peer)(void *user, const leat_span *chain, size_t count);
} leat_tls_hooks;

typedef struct leat_ticket_keys leat_ticket_keys; /* keys that seal stateless tickets; shared by connections */
/* 32 bytes of secret, e.g. derived from the reset key; NULL key: a random one. Gives a reference. */
leat_ticket_keys *leat_ticket_keys_new(const uint8_t secret[32]);
leat_ticket_keys *leat_ticket_keys_ref(leat_ticket_keys *keys);
void leat_ticket_keys_free(leat_ticket_keys *keys);

/* RFC 8446 §8.2: the early data seen lately; shared like ticket keys: replay.h. has_older_keys: tickets of
 * an earlier process still open, so that the register must wait before it vouches for anything. */
typedef struct leat_replay_register leat_replay_register;
leat_replay_register *leat_replay_register_new(bool has_older_keys);
leat_replay_register *leat_replay_register_ref(leat_replay_register *seen);
void leat_replay_register_free(leat_replay_register *seen);

/* Bytes of the layers above in a session: limits and settings to remember. */
#define LEAT_SESSION_APPLICATION_MAX 512

typedef struct leat_tls_config {
    bool is_client;
    const leat_allocator *allocator;
    leat_random random;
    int64_t now;                      /* seconds since the epoch, for certificates and tickets */
    const leat_span *alpn;            /* in order of preference; at least one (RFC 9001 §8.1) */
    size_t alpn_count;
    const uint16_t *groups;           /* preference order; NULL: X25519MLKEM768 if available, X25519, P-256, P-384 */
    size_t group_count;
    /* client: shares sent for the first N groups; 0 means the default (X25519MLKEM768 + X25519,
     * else X25519) */
    size_t key_share_count;
    const uint16_t *cipher_suites;    /* NULL: AES-128-GCM, AES-256-GCM, ChaCha20 */
    size_t cipher_suite_count;
    /* client */
    /* required: host or IP text; checked against the certificate; SNI when not an IP */
    const char *server_name;
    /* client: required (the caller decides the default); server: required when client_auth asks */
    leat_trust *trust;
    leat_span session;                /* a ticket from on_session_ticket, or empty */
    leat_span transport_parameters;   /* client: encoded ours */
    /* server: chosen by SNI, the first when none matches; client: the first that can sign for a
     * server that asks */
    leat_identity *const *identities;
    size_t identity_count;
    /* server */
    leat_client_auth client_auth;
    leat_ticket_keys *ticket_keys;    /* NULL: no resumption */
    unsigned tickets_to_send;         /* default 1 when ticket_keys is set; at most 16 */
    /* RFC 8446 §4.1.4: tests can force one: for another group, or with a cookie when the client has no other. */
    bool force_hello_retry_request;
    /* RFC 8446 §2.3: client: offer early data when the session allows it; server: tickets allow it, and it is
     * accepted where nothing speaks against it */
    bool early_data;
    leat_replay_register *replays;    /* server; NULL: early data is never accepted */
    /* RFC 8879, as far as built in: offer to read compressed certificates, and compress ours where it helps */
    bool certificate_compression;
} leat_tls_config;

/*
 * Borrows nothing after return: copies what it needs, refs what is counted. NULL: no memory, or a
 * configuration that cannot work: no ALPN, no suite or group that is known, more than 3 suites or 8
 * groups; a client without server_name or trust; a server without identity, or with client_auth and
 * without trust. Groups that this
 * libcrypto lacks are left out.
 */
leat_tls *leat_tls_new(const leat_tls_config *config, const leat_tls_hooks *hooks);
void leat_tls_free(leat_tls *tls); /* wipes */

/* Client: makes the ClientHello. Returns an alert or LEAT_ALERT_NONE. */
int leat_tls_start(leat_tls *tls);
/*
 * Client, after start and before anything was received: forgets the ClientHello, and the session that it offered, and
 * makes another one with these transport parameters. For RFC 9368 §2.1.
 */
int leat_tls_start_over(leat_tls *tls, leat_span transport_parameters);
/*
 * Handshake bytes that arrived in order at this level; any cut of messages. Returns LEAT_ALERT_NONE or the alert that
 * ends the connection (then leat_tls_error_message says why). RFC 9001 §4.1.3: bytes of a message may not continue
 * over a level change: that is unexpected_message.
 */
int leat_tls_receive(leat_tls *tls, leat_level level, leat_span bytes);
/* Bytes to send at this level not yet taken, valid until the next call on tls. */
leat_span leat_tls_output(const leat_tls *tls, leat_level level);
void leat_tls_output_consume(leat_tls *tls, leat_level level, size_t length);

/*
 * After a fault: true when RFC 9001 calls it a connection error of type PROTOCOL_VIOLATION and not one of TLS: bytes at
 * the wrong encryption level or left over there (§4.1.3), authentication after the handshake (§4.4), a ticket with a
 * wrong max_early_data_size (§4.6.1), a legacy_session_id (§8.4). The alert is then only the nearest one.
 */
bool leat_tls_violates_quic(const leat_tls *tls);
bool leat_tls_is_complete(const leat_tls *tls);  /* RFC 9001 §4.1.1: Finished sent and the peer's verified */
bool leat_tls_is_resumed(const leat_tls *tls);
/* RFC 8446 §4.2.10. A client hears the verdict before ALPN and transport parameters are given. */
typedef enum leat_early_data {
    LEAT_EARLY_DATA_NONE, /* not offered, or nothing heard yet (server) */
    LEAT_EARLY_DATA_OFFERED, LEAT_EARLY_DATA_ACCEPTED, LEAT_EARLY_DATA_REJECTED,
} leat_early_data;
leat_early_data leat_tls_early_data(const leat_tls *tls);
bool leat_tls_retried(const leat_tls *tls);      /* a HelloRetryRequest was part of it */
leat_span leat_tls_alpn(const leat_tls *tls);
const char *leat_tls_sni(const leat_tls *tls);   /* server: the name asked for, or NULL */
const leat_cipher_suite *leat_tls_cipher_suite(const leat_tls *tls);
uint16_t leat_tls_group(const leat_tls *tls);
const char *leat_tls_error_message(const leat_tls *tls);
/* The peer's certificate chain as DER, leaf first. NULL-length span past the end. */
leat_span leat_tls_peer_certificate(const leat_tls *tls, size_t index);
/*
 * SHA-256 of the peer's leaf. At a server also after a resumption, from the ticket; at a client not. False: the peer
 * showed none, or not yet.
 */
bool leat_tls_peer_leaf_hash(const leat_tls *tls, uint8_t hash[32]);
/* RFC 8446 §7.5; LEAT_ERR_STATE before completion. */
int leat_tls_export(const leat_tls *tls, const char *label, leat_span context, uint8_t *out, size_t length);
/* Frees what only the handshake needed (key shares, transcript, buffers). Called when the handshake is confirmed. */
void leat_tls_handshake_confirmed(leat_tls *tls);

#endif
