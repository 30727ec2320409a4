/*
 * The inside of leat_tls, shared by the files of crypto/tls only: what lives as long as the
 * connection (leat_tls), what only the handshake needs (leat_tls_handshake, freed when confirmed),
 * and the handlers of the state table.
 */
#ifndef LEAT_CRYPTO_TLS_HANDSHAKE_H
#define LEAT_CRYPTO_TLS_HANDSHAKE_H

#include "base/alloc.h"
#include "crypto/key_exchange.h"
#include "crypto/secret.h"
#include "crypto/tls/compression.h"
#include "crypto/tls/key_schedule.h"
#include "crypto/tls/messages.h"
#include "crypto/tls/replay.h"
#include "crypto/tls/session.h"

/* The longest body of a handshake message that is read, whatever its kind; tls.c has smaller bounds
 * for most. */
#define LEAT_TLS_MESSAGE_MAX 65536
#define LEAT_TLS_INPUT_MAX (4 + LEAT_TLS_MESSAGE_MAX)
/* Configuration lists are copied up to these lengths; longer ones are refused by leat_tls_new. */
#define LEAT_TLS_GROUPS_MAX 8
#define LEAT_TLS_SUITES_MAX 3
#define LEAT_TLS_SHARES_MAX 2
#define LEAT_TLS_ALPN_MAX 2048
#define LEAT_TLS_NAME_MAX 255
/* Our own flight with a long certificate chain fits; no input makes it grow further. */
#define LEAT_TLS_OUTPUT_MAX (256 * 1024)
/* RFC 8446 §4.6.1: tickets of one connection that a client hands up; the rest is ignored, a flood
 * ends it (below). */
#define LEAT_TLS_TICKETS_KEPT_MAX 8
/* A server that sends more than this keeps us deriving keys for nothing: unexpected_message. */
#define LEAT_TLS_TICKETS_MAX 64
/* Our own tickets (a session with two names of 255 bytes and application bytes, sealed) are shorter;
 * longer identities are not ours. */
#define LEAT_TLS_OUR_TICKET_MAX 1280
/* RFC 8446 §4.2.11: identities that a server tries; each costs a decryption for anyone. */
#define LEAT_TLS_IDENTITIES_TRIED_MAX 4

/* Named after what has happened. */
typedef enum leat_tls_state {
    LEAT_CLIENT_NEW,
    LEAT_CLIENT_HELLO_SENT,
    LEAT_CLIENT_RETRIED,               /* HelloRetryRequest answered */
    LEAT_CLIENT_HAS_SERVER_HELLO,
    LEAT_CLIENT_HAS_EXTENSIONS,        /* EncryptedExtensions read */
    LEAT_CLIENT_HAS_CERTIFICATE_REQUEST,
    LEAT_CLIENT_HAS_CERTIFICATE,
    LEAT_CLIENT_TRUSTS_SERVER,     /* the server's CertificateVerify, or its PSK */
    LEAT_CLIENT_DONE,
    LEAT_SERVER_NEW,
    LEAT_SERVER_RETRIED,               /* HelloRetryRequest sent */
    LEAT_SERVER_ASKED,                 /* ServerHello to Finished with a CertificateRequest */
    LEAT_SERVER_HAS_CERTIFICATE,
    LEAT_SERVER_FLIGHT_SENT,           /* ServerHello to Finished; the client is trusted or anybody */
    LEAT_SERVER_DONE,
    LEAT_TLS_STATE_COUNT
} leat_tls_state;

/* Which of the next states in its row a message leads to; its handler says so. */
typedef enum leat_tls_turn {
    LEAT_TURN_STRAIGHT,
    LEAT_TURN_SHORTER, /* no certificates follow: a PSK, or a client without any */
    LEAT_TURN_AGAIN,   /* HelloRetryRequest */
    LEAT_TURN_LONGER,  /* a certificate was asked for */
    LEAT_TURN_COUNT
} leat_tls_turn;

typedef struct leat_tls_share {
    uint16_t group;
    leat_key_exchange *exchange;
} leat_tls_share;

typedef struct leat_tls_handshake {
    /* configuration */
    leat_random random;
    uint16_t groups[LEAT_TLS_GROUPS_MAX];
    size_t group_count, key_share_count;
    uint16_t cipher_suites[LEAT_TLS_SUITES_MAX];
    size_t cipher_suite_count;
    leat_buffer alpn; /* ProtocolNameList */
    leat_buffer transport_parameters;
    leat_trust *trust;
    leat_client_auth client_auth;
    leat_identity **identities;
    size_t identity_count;
    leat_ticket_keys *ticket_keys;
    unsigned tickets_to_send;
    bool force_hello_retry_request;
    bool early_data; /* wanted */
    bool certificate_compression; /* wanted */
    leat_replay_register *replays;

    /* progress */
    leat_transcript transcript;
    leat_key_schedule schedule;
    uint8_t client_random[LEAT_TLS_RANDOM];
    uint8_t client_handshake_secret[LEAT_HASH_MAX], server_handshake_secret[LEAT_HASH_MAX];
    uint8_t client_application_secret[LEAT_HASH_MAX], server_application_secret[LEAT_HASH_MAX];
    bool with_psk; /* no Certificate follows */
    leat_tls_turn turn;
    leat_public_key *peer_key; /* of the leaf that was verified */
    leat_identity *identity;   /* one of identities, that of this handshake; NULL: none */
    uint16_t scheme;           /* that identity signs with */
    bool offers_compression;   /* the peer's certificate may come compressed */
    const leat_compression *compression; /* for ours: the peer offered it; NULL: plain */

    /* client */
    uint32_t offered; /* extensions of the ClientHello, LEAT_HAS_* */
    leat_tls_share shares[LEAT_TLS_SHARES_MAX];
    leat_buffer share_list; /* KeyShareEntry list as sent */
    leat_buffer session_bytes;
    leat_session session;
    uint16_t retry_group; /* the group a HelloRetryRequest asked for, 0: none */
    bool offers_psk, certificate_requested;

    /* server */
    uint8_t hello_fingerprint[32];
    uint8_t cookie[16];
    bool cookie_sent, name_matched;
    uint8_t opened_ticket[LEAT_TLS_OUR_TICKET_MAX];

    char message[LEAT_MESSAGE_MAX]; /* what certificate verification says */
} leat_tls_handshake;

struct leat_tls {
    const leat_allocator *allocator;
    leat_tls_hooks hooks;
    leat_tls_handshake *handshake; /* NULL once confirmed */
    leat_tls_state state;
    bool is_client, resumed, retried;
    bool violates_quic; /* the fault is one of RFC 9001: leat_tls_violates_quic */
    int alert; /* what ended it */
    const char *error;
    leat_early_data early_data;
    int64_t now;
    leat_buffer input; /* a message that is not complete */
    leat_buffer output[LEAT_LEVEL_COUNT];
    const leat_cipher_suite *suite;
    uint16_t group;
    unsigned ticket_count;
    char *server_name; /* client: whom we asked for; server: SNI */
    uint8_t *alpn;
    size_t alpn_length;
    uint8_t exporter_secret[LEAT_HASH_MAX];
    uint8_t resumption_secret[LEAT_HASH_MAX];
    uint8_t *chain_bytes; /* the peer's Certificate message, which chain points into */
    leat_span *chain;
    size_t chain_length;
    leat_session_client client; /* who the client has proved to be, now or in the resumed session */
};

/* Writing a message: begin gives a writer for the body, end hashes it into the transcript and
 * reports it. */
typedef struct leat_tls_message {
    leat_writer writer;
    leat_level level;
    size_t mark;
} leat_tls_message;
bool leat_tls_message_begin(leat_tls *tls, leat_tls_message *message, leat_level level,
                            uint8_t type, size_t room);
/* Ends it without adding it to the transcript (a ClientHello adds itself piecewise). */
int leat_tls_message_close(leat_tls *tls, leat_tls_message *message, leat_span *bytes);
int leat_tls_message_end(leat_tls *tls, leat_tls_message *message);

/* Secrets and what the hooks see of them. All return an alert. */
int leat_tls_derive_handshake_secrets(leat_tls *tls, leat_span shared_secret);
int leat_tls_derive_application_secrets(leat_tls *tls);
int leat_tls_derive_resumption_secret(leat_tls *tls);
/* Derives client_early_traffic_secret from the schedule's early secret and the hash of the first
 * ClientHello, and gives it. */
int leat_tls_give_early_secret(leat_tls *tls, const leat_cipher_suite *suite,
                               const leat_key_schedule *schedule, const uint8_t *hello_hash);
void leat_tls_give_secret(leat_tls *tls, leat_level level, bool write, const uint8_t *secret);
int leat_tls_set_alpn(leat_tls *tls, leat_span protocol);
int leat_tls_give_transport_parameters(leat_tls *tls, leat_span encoded);

/* Handlers of the state table: the whole message with its header, which they add to the transcript;
 * an alert. */
typedef int leat_tls_handler(leat_tls *tls, leat_span message);
static inline leat_span leat_tls_body(leat_span message) {
    return (leat_span){message.data + 4, message.length - 4};
}
static inline int leat_tls_hash_message(leat_tls *tls, leat_span message) {
    bool ok = leat_transcript_add(&tls->handshake->transcript, message.data, message.length);
    return ok ? LEAT_ALERT_NONE : leat_fault_memory(&tls->error);
}
leat_tls_handler leat_tls_on_client_hello, leat_tls_on_hello_retry_request,
    leat_tls_on_server_hello;
leat_tls_handler leat_tls_on_encrypted_extensions, leat_tls_on_certificate_request,
    leat_tls_on_certificate, leat_tls_on_compressed_certificate;
leat_tls_handler leat_tls_on_certificate_verify, leat_tls_on_server_finished,
    leat_tls_on_client_finished;
leat_tls_handler leat_tls_on_new_session_ticket;

/* The body of a Certificate stands in chain_bytes; message is what goes into the transcript. */
int leat_tls_judge_certificate(leat_tls *tls, size_t length, leat_span message);

/* Compressed certificates (compressed_certificate.c). */
/* Adds the offer to a ClientHello or CertificateRequest; the list is pointed into. */
void leat_tls_offer_compression(leat_tls *tls, leat_extensions *extensions,
                                uint8_t list[LEAT_COMPRESSION_LIST_MAX]);
/* What the peer offers decides how our certificate goes out. */
void leat_tls_choose_compression(leat_tls *tls, const leat_extensions *extensions);
/* An alert; out->compressed is empty when the Certificate goes out plain. */
int leat_tls_compress_certificate(leat_tls *tls, const leat_certificate *certificate,
                                  leat_compressed_certificate *out);

/* Client certificates (client_auth.c). */
bool leat_tls_wants_client_certificate(const leat_tls *tls);
int leat_tls_send_certificate_request(leat_tls *tls);
/* Client: Certificate and CertificateVerify, if asked for. */
int leat_tls_answer_certificate_request(leat_tls *tls);
/* Sets tls->client from the certificate shown in this handshake, if any. */
int leat_tls_keep_client(leat_tls *tls);
/* Server: whether client_auth allows to resume a session of this client. */
bool leat_tls_client_may_resume(const leat_tls *tls, const leat_session_client *client);
/* Client: whether we are still the client of this session. */
bool leat_tls_is_session_of_ours(const leat_tls *tls, const leat_session_client *client);

/* Senders. */
int leat_tls_send_client_hello(leat_tls *tls, leat_span cookie);
/* As if it had not been made: another one may follow, of a full handshake. */
void leat_tls_forget_hello(leat_tls *tls);
int leat_tls_send_server_hello(leat_tls *tls, leat_span key_share, const uint16_t *psk_selected);
int leat_tls_send_hello_retry_request(leat_tls *tls, bool ask_for_group);
int leat_tls_send_encrypted_extensions(leat_tls *tls);
int leat_tls_send_certificate(leat_tls *tls);
int leat_tls_send_certificate_verify(leat_tls *tls);
int leat_tls_send_finished(leat_tls *tls, leat_level level, const uint8_t *base_secret);
int leat_tls_send_new_session_tickets(leat_tls *tls);

/* Pre-shared keys (psk.c). */
/* What a session made now is bound to (is_new), and what one must be bound to that is used here. */
uint32_t leat_tls_session_context(const leat_tls *tls, bool is_new);
/* Client: whether config.session can be offered in this ClientHello; fills identities and room for
 * the binders. */
bool leat_psk_can_offer(const leat_tls *tls);
/* Client: writes the binder into the ClientHello's last bytes; adds the ClientHello to the
 * transcript. */
int leat_psk_bind(leat_tls *tls, uint8_t *client_hello, size_t length);
/* Server: the session of the first identity that may be resumed; -1: none, a full handshake. */
int leat_psk_choose(leat_tls *tls, const leat_client_hello *hello, leat_session *session);
/* Server: checks the binder of identity number `index`; adds the ClientHello to the transcript. */
int leat_psk_verify(leat_tls *tls, const leat_client_hello *hello, size_t index,
                    const leat_session *session, leat_span client_hello);

/* Client: the suite is one of those offered. */
bool leat_tls_offers_suite(const leat_tls_handshake *handshake, uint16_t id);

/* 0-RTT (early_data.c). */
/* Client: whether this ClientHello offers early data. */
bool leat_early_data_can_offer(leat_tls *tls);
/* Client: the ClientHello that offers it is in the transcript: its secret is due. */
int leat_early_data_start(leat_tls *tls);
/* Client: EncryptedExtensions bring the verdict. */
int leat_early_data_on_answer(leat_tls *tls, const leat_extensions *extensions, leat_span alpn);
/* Server: accepts or rejects; the binder of identity `psk` was verified, the ClientHello is in the
 * transcript, and the schedule has the early secret. */
int leat_early_data_decide(leat_tls *tls, const leat_client_hello *hello, int psk,
                           const leat_session *session);

/* Server choices (negotiation.c). All return an alert. */
int leat_negotiate_cipher_suite(leat_tls *tls, const leat_client_hello *hello);
/* Sets tls->group; *share is empty when a HelloRetryRequest is needed. */
int leat_negotiate_group(leat_tls *tls, const leat_client_hello *hello, leat_span *share);
int leat_negotiate_alpn(leat_tls *tls, const leat_client_hello *hello);
int leat_negotiate_name(leat_tls *tls, const leat_client_hello *hello);
/* The first scheme of a peer's list that identity can sign with; 0: none. */
uint16_t leat_negotiate_scheme(const leat_identity *identity, leat_span schemes);
/* The identity for the name and its signature scheme. */
int leat_negotiate_identity(leat_tls *tls, const leat_client_hello *hello);

#endif
