/*
 * A client and a server handshake in memory, wired together: each side's hooks are recorded, bytes
 * are carried by tls_pair_run. Everything is deterministic but the key shares.
 */
#ifndef LEAT_TESTS_TLS_PAIR_H
#define LEAT_TESTS_TLS_PAIR_H

#include "crypto/tls/handshake.h"
#include "leat_test.h"

#define SERVER_PARAMETERS "server parameters"
#define CLIENT_PARAMETERS "client parameters"
#define NOW 1800000000

typedef struct tls_side {
    leat_tls *tls;
    leat_tls_config config;
    uint64_t seed;
    uint8_t secrets[LEAT_LEVEL_COUNT][2][LEAT_HASH_MAX]; /* [level][write] */
    bool has_secret[LEAT_LEVEL_COUNT][2];
    char peer_parameters[64];
    char alpn[16];
    char key_log[8][256];
    size_t key_log_lines;
    uint8_t session[LEAT_SESSION_MAX];
    size_t session_length, sessions;
    uint8_t messages[32]; /* types written */
    size_t message_count;
    const char *remembers; /* application bytes of sessions; NULL: none */
    char remembered[64];   /* what can_use_early_data was asked about last */
    unsigned times_asked;
    uint32_t new_context, context; /* of sessions made, and of those that may be used */
    bool refuses_early_data;
    bool refuses_peer;
    size_t seen_leaf_length; /* of a peer that was refused */
    int refuse_parameters; /* alert to answer the peer's transport parameters with */
    int alert;
} tls_side;

typedef struct tls_pair {
    tls_side client, server;
    leat_span client_alpn[2], server_alpn[2];
    leat_identity *identities[2], *client_identities[2];
    size_t cut; /* bytes per receive call; 0: all at once */
} tls_pair;

leat_identity *test_identity(const char *file);
leat_trust *test_trust(void);

/* A configuration that works: names, trust, ALPN "h3", identity p256; change it, then
 * tls_pair_start. */
void tls_pair_init(tls_pair *pair);
/* The server asks for a certificate; the client has one of x509/ to show, whose CA the server trusts. */
void tls_pair_ask(tls_pair *pair, leat_client_auth client_auth);
void tls_pair_start(tls_pair *pair);
/* Carries bytes until nothing moves or a side fails. */
void tls_pair_run(tls_pair *pair);
/* Frees both handshakes so that the pair can start again; sessions are kept. */
void tls_pair_restart(tls_pair *pair);
void tls_pair_free(tls_pair *pair);
void assert_complete(const tls_pair *pair);
/* Starts and runs; then both sides are complete, or have these alerts (and everything is freed). */
void run_to_completion(tls_pair *pair);
void run_to_failure(tls_pair *pair, int client_alert, int server_alert);
/* Moves what one side has to send at a level into the other; an alert. */
int tls_pair_carry(tls_pair *pair, tls_side *from, tls_side *to, leat_level level);

#endif
