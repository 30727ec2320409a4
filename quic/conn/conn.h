/*
 * What the endpoint needs of a connection beyond the public calls: how connection IDs are made and
 * reported.
 */
#ifndef LEAT_QUIC_CONN_CONN_H
#define LEAT_QUIC_CONN_CONN_H

#include <leat/quic.h>
#include "quic/packet/header.h"

/* The endpoint's hooks: connections tell which IDs are theirs and ask for reset tokens. */
typedef struct leat_conn_owner {
    void *user;
    size_t cid_length;
    /* Makes a new connection ID that no other connection uses, registers it for conn, and gives its
     * reset token. False: failure. */
    bool (*issue_cid)(void *user, leat_conn *conn, leat_cid *cid, uint8_t reset_token[16]);
    /* The peer retired it, or the connection is being freed: called once for each one issued. */
    void (*retire_cid)(void *user, leat_conn *conn, const leat_cid *cid);
    /* A stateless reset token of the peer became or stopped being recognised (RFC 9000 §10.3.1),
     * for routing by token. */
    void (*watch_reset_token)(void *user, leat_conn *conn, const uint8_t token[16], bool watch);
} leat_conn_owner;

/* What address validation found out about a server's connection before it exists. */
typedef struct leat_conn_origin {
    leat_cid original_dcid;  /* of the client's very first Initial */
    leat_cid client_dcid;    /* of the Initial in hand (after Retry: the Retry's SCID) */
    leat_cid client_scid;
    bool retried;            /* the client answered our Retry: send retry_source_connection_id */
    bool address_validated;  /* by Retry or NEW_TOKEN token */
    uint32_t version;
} leat_conn_origin;

/* owner may be NULL (connection makes its own random IDs). origin NULL: a client. */
leat_conn *leat_conn_create(const leat_config *config, const leat_conn_owner *owner,
                            const leat_conn_origin *origin,
                            const leat_path *path, leat_time now, int *error);
/* Server: a NEW_TOKEN token to hand to the client once the handshake is complete. */
int leat_conn_send_new_token(leat_conn *conn, leat_span token);
bool leat_conn_is_handshake_complete(const leat_conn *conn);
/* Whether the peer's address on leat_conn_path is validated (RFC 9000 §8). */
bool leat_conn_is_path_validated(const leat_conn *conn);
/* The datagram's last 16 bytes matched a token of this connection's peer (RFC 9000 §10.3.1). */
void leat_conn_on_stateless_reset(leat_conn *conn, leat_time now);

#endif
