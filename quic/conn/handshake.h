/*
 * TLS inside QUIC, keys, and what may stand before a handshake: handshake.c, keys.c,
 * crypto_stream.c, negotiation.c, tokens.c.
 */
#ifndef LEAT_QUIC_CONN_HANDSHAKE_H
#define LEAT_QUIC_CONN_HANDSHAKE_H

#include "quic/conn/packets.h"
#include "quic/conn/transport_params.h"

/* ---- handshake.c, keys.c and crypto_stream.c ------------------------------------------------- */
/* CRYPTO bytes held ahead of the read point, per level: stops endless handshake data (RFC 9000
 * §7.5). */
#define LEAT_CRYPTO_RECEIVE_MAX (64 * 1024)
/* CRYPTO bytes of ours in flight per level: a certificate chain fits. */
#define LEAT_CRYPTO_SEND_MAX (256 * 1024)
/* Session tickets taken from a server: stops a flood of them (attack B3). */
#define LEAT_TICKETS_MAX 16

typedef struct leat_conn_handshake {
    leat_tls *tls;
    leat_transport_params ours, peers;
    bool has_peer_params, is_complete, is_confirmed;
    bool done_due;            /* HANDSHAKE_DONE is to be sent */
    unsigned done_repeats;    /* because Handshake packets still came */
    char *alpn;
    char *early_alpn; /* client: what early data was rejected for, when it was another one */
    leat_time started, completed;
    leat_time previous_keys_deadline; /* RFC 9001 §6.5: the previous read key goes then */
    unsigned tickets;
    uint64_t key_updates;
} leat_conn_handshake;

/* handshake.c */
int leat_handshake_init(leat_conn *conn, const leat_config *config);
void leat_handshake_clear(leat_conn *conn);
/* Client: the ClientHello. */
void leat_handshake_start(leat_conn *conn);
/* The application protocol is known: ProtocolNegotiated. False: no memory. */
bool leat_handshake_tell_protocol(leat_conn *conn, leat_span protocol);
/* Client: another ClientHello in place of the one that no server has read. */
void leat_handshake_start_over(leat_conn *conn);
/* Bytes of a CRYPTO stream in order. */
void leat_handshake_receive(leat_conn *conn, leat_level level, leat_span bytes);
leat_ticket_keys *leat_resumption_ticket_keys(const leat_resumption_keys *keys); /* NULL for NULL */
leat_replay_register *leat_resumption_replays(const leat_resumption_keys *keys); /* NULL for NULL */

/* keys.c */
/* LEAT_ERR_NOMEM, LEAT_ERR_RANDOM. */
int leat_crypto_open_space(leat_conn *conn, leat_space space);
void leat_crypto_discard_space(leat_conn *conn, leat_space space);
void leat_crypto_free_spaces(leat_conn *conn);
bool leat_crypto_install_initial(leat_conn *conn, leat_span dcid);
/* Client: another connection attempt, with packet numbers and handshake data from 0 on. */
bool leat_crypto_restart_initial(leat_conn *conn, leat_span dcid);
bool leat_crypto_install_secret(leat_conn *conn, leat_space space, bool write,
                                const leat_cipher_suite *suite,
                                const uint8_t *secret);
/* What the last packet completed: discards that waited for its end. */
void leat_crypto_after_packet(leat_conn *conn, const leat_packet_in *packet);
void leat_crypto_on_handshake_packet_sent(leat_conn *conn);
void leat_crypto_on_key_update(leat_conn *conn, bool by_peer);
/* RFC 9001 §6.6: updates before a key wears out. */
void leat_crypto_keep_keys_fresh(leat_conn *conn);

/* crypto_stream.c */
void leat_crypto_collect_output(leat_conn *conn);
void leat_crypto_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_crypto_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                          const leat_frame_record *record);
void leat_crypto_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record);
bool leat_crypto_wants(const leat_conn *conn, leat_space space);
void leat_crypto_write(leat_conn *conn, leat_packet_out *out);
void leat_handshake_done_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_handshake_done_on_lost(leat_conn *conn, leat_space space,
                                 const leat_frame_record *record);
/* A Handshake packet came that nobody can read any more. */
void leat_handshake_done_repeat(leat_conn *conn);
bool leat_handshake_done_wants(const leat_conn *conn, leat_space space);
void leat_handshake_done_write(leat_conn *conn, leat_packet_out *out);
leat_time leat_crypto_previous_keys_due(const leat_conn *conn);
void leat_crypto_discard_previous_keys(leat_conn *conn);

/* ---- negotiation.c: Version Negotiation and Retry, as a client meets them -------------------- */

leat_drop leat_negotiation_on_version_negotiation(leat_conn *conn, const leat_packet_in *packet);
leat_drop leat_negotiation_on_retry(leat_conn *conn, const leat_packet_in *packet);

/* ---- tokens.c -------------------------------------------------------------------------------- */

#define LEAT_TOKEN_SIZE_MAX 1024
/* NEW_TOKEN frames told to the application: stops a flood of them (attack F1). */
#define LEAT_NEW_TOKENS_MAX 8

typedef struct leat_conn_tokens {
    leat_buffer initial;  /* client: goes into every Initial */
    leat_buffer to_send;  /* server: NEW_TOKEN */
    bool frame_due;
    unsigned received;
} leat_conn_tokens;

void leat_tokens_init(leat_conn *conn);
void leat_tokens_clear(leat_conn *conn);
void leat_new_token_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_new_token_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                             const leat_frame_record *record);
void leat_new_token_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record);
bool leat_new_token_wants(const leat_conn *conn, leat_space space);
void leat_new_token_write(leat_conn *conn, leat_packet_out *out);

#endif
