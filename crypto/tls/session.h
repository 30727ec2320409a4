/*
 * What makes a resumption (RFC 8446 §4.6.1): one record, one codec. A client stores it with the
 * server's ticket (that is what on_session_ticket gives); a server seals it, without a ticket
 * field, into the ticket itself. The format has a version byte; `application` belongs to the layers
 * above, which remember there what early data is bound to.
 */
#ifndef LEAT_CRYPTO_TLS_SESSION_H
#define LEAT_CRYPTO_TLS_SESSION_H

#include "crypto/tls/tls.h"

/* RFC 8446 §4.6.1 allows seven days; a day bounds what a stolen ticket key is worth. */
#define LEAT_TICKET_LIFETIME_MAX 86400
/* A ticket longer than this is not kept by a client: bounds the ClientHello that offers it. */
#define LEAT_TICKET_MAX 8192
#define LEAT_SESSION_MAX (LEAT_TICKET_MAX + 1024)

/*
 * The certificate that the client of a session showed, as SHA-256 of its leaf, and its notAfter in
 * seconds since the epoch: whoever resumes is still that client, and only for as long.
 */
typedef struct leat_session_client {
    bool is_known;
    uint8_t leaf[32];
    int64_t expires;
} leat_session_client;

typedef struct leat_session {
    const leat_cipher_suite *suite;
    int64_t created; /* seconds since the epoch: issued (server) or received (client) */
    uint32_t lifetime, age_add;
    uint8_t psk[LEAT_HASH_MAX];
    bool early_data; /* RFC 8446 §4.6.1: the ticket allows early data */
    uint32_t context; /* of leat_tls_hooks.session_context */
    leat_session_client client;
    leat_span server_name, alpn, ticket, application; /* point into the parsed bytes */
} leat_session;

void leat_session_write(const leat_session *session, leat_writer *writer);
/* False: not a session of this version, or damaged. */
bool leat_session_parse(leat_span bytes, leat_session *session);
/* Whether a session made at `created` may be used at `now`. */
bool leat_session_is_fresh(const leat_session *session, int64_t now);

/* Room that a sealed ticket needs beyond the session inside. */
#define LEAT_TICKET_OVERHEAD (1 + 8 + 4 + 16 + LEAT_AEAD_TAG)

/* Seals session into out[room] with the key of the time it was created; returns the ticket's length
 * or 0. */
size_t leat_ticket_seal(const leat_ticket_keys *keys, const leat_random *random,
                        const leat_session *session, uint8_t *out, size_t room);
/* Opens into out (room for ticket.length bytes), which session then points into. False: not ours,
 * not authentic, or of an epoch whose tickets have all expired or are not made yet. */
bool leat_ticket_open(const leat_ticket_keys *keys, leat_span ticket, int64_t now, uint8_t *out,
                      leat_session *session);

#endif
