/*
 * Which version of QUIC a connection speaks: version.c; and what is sent only so that others keep
 * ignoring it: grease.c.
 */
#ifndef LEAT_QUIC_CONN_VERSION_H
#define LEAT_QUIC_CONN_VERSION_H

#include "quic/conn/packets.h"

/* ---- version.c ------------------------------------------------------------------------------- */

typedef struct leat_conn_versions {
    uint32_t supported[LEAT_VERSIONS_MAX]; /* in order of preference */
    size_t supported_count;
    bool has_preference; /* server: the list was configured, so that its order decides */
    bool is_settled;     /* `current` is the negotiated version */
    bool has_reacted;    /* client: to a Version Negotiation packet */
    uint32_t original;   /* of the first flight; after Version Negotiation of the second one */
    uint32_t current;    /* of the long headers we send */
    leat_keys *others;   /* Initial keys of another version than `current`, or NULL */
    /* The value of version_information as we send it: all of ours, the chosen and a reserved one. */
    uint8_t information[4 * (LEAT_VERSIONS_MAX + 2)];
} leat_conn_versions;

/* LEAT_ERR_INVALID: a version that is not spoken here, too many, or an original one not listed. */
int leat_version_init(leat_conn *conn, const leat_config *config, const leat_conn_origin *origin);
void leat_version_clear(leat_conn *conn);
/* Our version_information; draws the reserved version. */
leat_span leat_version_encode_information(leat_conn *conn);

/* Whether a packet of this version may come now. */
leat_drop leat_version_judge(const leat_conn *conn, const leat_packet_header *header);
/* The keys that a packet is opened with; NULL: there are none. */
leat_keys *leat_version_keys(leat_conn *conn, const leat_packet_in *packet);
/* Client: an authentic packet may say what the server chose. */
void leat_version_on_authentic(leat_conn *conn, const leat_packet_in *packet);
/* Client: handshake data in the version in use settles it. */
void leat_version_on_crypto(leat_conn *conn);
/* Checks the peer's version_information; a server chooses. False: a fault was recorded. */
bool leat_version_on_peer_params(leat_conn *conn, const leat_transport_params *peers);
/* Client: what it takes of the versions that a server offers; 0: none. */
uint32_t leat_version_choose(const leat_conn *conn, leat_span offered);
/* Client: the connection begins anew with this version. */
void leat_version_start_over(leat_conn *conn, uint32_t version);
/* The Initial keys go, and with them those of the other version. */
void leat_version_forget_initial(leat_conn *conn);

/* ---- grease.c -------------------------------------------------------------------------------- */

typedef struct leat_conn_grease {
    uint64_t bits; /* random, one for each packet to come */
    unsigned bits_left;
} leat_conn_grease;

/* RFC 9287: packets without the fixed bit are accepted: we said so, or will. */
static inline bool leat_grease_is_on(const leat_config *config) { return config->grease; }
/* Whether the packet being written goes without the fixed bit. */
bool leat_grease_clears_fixed_bit(leat_conn *conn);
/* A reserved version, or 0. */
uint32_t leat_grease_version(leat_conn *conn);
/* A reserved transport parameter. */
void leat_grease_write_parameter(leat_conn *conn, leat_writer *writer);

#endif
