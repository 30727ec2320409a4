/*
 * Whom we talk to: connection_ids.c, peer_connection_ids.c, paths.c, path_validation.c,
 * migration.c, client_migration.c and preferred_address.c.
 */
#ifndef LEAT_QUIC_CONN_PATHS_H
#define LEAT_QUIC_CONN_PATHS_H

#include "base/range_set.h"
#include "quic/conn/packets.h"
#include "quic/conn/transport_params.h"

/* ---- connection_ids.c ------------------------------------------------------------------------ */

/* IDs of ours that the peer may use at a time, and of the peer's that we keep. */
#define LEAT_LOCAL_CIDS_MAX 8
#define LEAT_PEER_CIDS_MAX 8
/* Retirements not acknowledged yet: stops NEW_CONNECTION_ID floods with a rising Retire Prior To
 * (attack C1). */
#define LEAT_RETIREMENTS_MAX (2 * LEAT_PEER_CIDS_MAX)

typedef struct leat_local_cid {
    uint64_t sequence;
    leat_cid cid;
    uint8_t reset_token[16];
    bool in_use;   /* the row is taken */
    bool frame_due; /* NEW_CONNECTION_ID is to be sent */
} leat_local_cid;

typedef struct leat_peer_cid {
    uint64_t sequence;
    leat_cid cid;
    uint8_t reset_token[16];
    bool in_use;    /* the row is taken */
    bool has_token;
    bool is_watched; /* a path sends with it: its reset token counts (RFC 9000 §10.3.1) */
} leat_peer_cid;

typedef struct leat_retirement {
    uint64_t sequence;
    bool frame_due; /* else in flight */
} leat_retirement;

typedef struct leat_conn_cids {
    leat_local_cid local[LEAT_LOCAL_CIDS_MAX];
    uint64_t next_sequence;      /* of ours */
    leat_cid original_dcid;      /* of the client's first Initial: names the connection in traces */
    /* server: what the client's Initials are addressed to until it knows our ID */
    leat_cid client_dcid;
    leat_cid retry_scid;         /* both: of the Retry, if there was one */
    bool was_retried;
    leat_peer_cid peers[LEAT_PEER_CIDS_MAX];
    uint64_t retire_prior_to;    /* the highest the peer asked for */
    leat_range_set seen;         /* the peer's sequence numbers that arrived */
    leat_retirement retirements[LEAT_RETIREMENTS_MAX];
    size_t retirement_count;
    bool peer_cid_known;         /* client: the server's Source Connection ID was taken over */
} leat_conn_cids;

int leat_cids_init(leat_conn *conn, const leat_conn_origin *origin);
void leat_cids_clear(leat_conn *conn);
static inline bool leat_cids_is_ours(const leat_conn_cids *cids, leat_span dcid) {
    for (size_t i = 0; i < LEAT_LOCAL_CIDS_MAX; i++) {
        if (cids->local[i].in_use && leat_span_equal(leat_cid_span(&cids->local[i].cid), dcid)) {
            return true;
        }
    }
    return false;
}
/* Client: another unpredictable first destination, as for another connection. False: no random. */
bool leat_cids_renew_first(leat_conn *conn);
const leat_cid *leat_cids_first_local(const leat_conn *conn); /* our Source Connection ID */
/* The peer's ID in packets on this path. */
const leat_cid *leat_cids_of_path(const leat_conn *conn, const leat_path_state *path);
/* Client: the server chose its ID (first Initial or Retry). */
void leat_cids_set_peer(leat_conn *conn, leat_span cid);
void leat_cids_set_peer_token(leat_conn *conn, const uint8_t token[16]);
/* Fills up to what the peer keeps. */
void leat_cids_replenish(leat_conn *conn);
/* Gives the path an ID of the peer that no other path uses; false when there is none. */
bool leat_cids_take_for_path(leat_conn *conn, leat_path_state *path);
/* Retires the path's ID unless another path uses it. */
void leat_cids_release_path(leat_conn *conn, leat_path_state *path);
bool leat_cids_is_reset_token(const leat_conn *conn, const uint8_t token[16]);
void leat_cids_tell_owner_watch(leat_conn *conn);
/* The ID that came with the preferred address (RFC 9000 §5.1.1: number 1). */
void leat_cids_add_preferred(leat_conn *conn, const leat_preferred_address *preferred);
bool leat_cids_owes_retirement(const leat_conn *conn);
void leat_cids_write_retirements(leat_conn *conn, leat_packet_out *out);
void leat_new_connection_id_on_frame(leat_conn *conn, const leat_frame *frame,
                                     leat_packet_in *packet);
void leat_new_connection_id_on_lost(leat_conn *conn, leat_space space,
                                    const leat_frame_record *record);
void leat_retire_connection_id_on_frame(leat_conn *conn, const leat_frame *frame,
                                        leat_packet_in *packet);
void leat_retire_connection_id_on_acked(leat_conn *conn, leat_space space,
                                        const leat_sent_packet *packet,
                                        const leat_frame_record *record);
void leat_retire_connection_id_on_lost(leat_conn *conn, leat_space space,
                                       const leat_frame_record *record);
bool leat_cids_wants(const leat_conn *conn, leat_space space);
void leat_cids_write(leat_conn *conn, leat_packet_out *out);

/* ---- paths.c --------------------------------------------------------------------------------- */

/* Address pairs remembered: stops packets from a thousand source ports (attacks C6, C7). */
#define LEAT_PATHS_MAX 4
/* RFC 9000 §8.2.1: challenges per validation, each with data of its own. */
#define LEAT_CHALLENGES_MAX 4
/* A path without an ID of the peer's: nothing can be sent on it (RFC 9000 §9.3). */
#define LEAT_CID_SEQUENCE_NONE UINT64_MAX

/* spin.c: the spin bit of a path, RFC 9000 §17.4. */
typedef struct leat_spin {
    bool takes_part; /* else the value stays what it is */
    bool value;      /* in the next packet */
    bool has_received;
    uint64_t largest_received; /* 1-RTT packet number on this path */
    uint64_t cid_sequence;     /* of the ID the value was for */
} leat_spin;

struct leat_path_state {
    leat_path addresses;
    leat_recovery_path recovery;
    uint64_t cid_sequence;   /* of the peer's ID in use here, or LEAT_CID_SEQUENCE_NONE */
    leat_cid arrives_at;     /* our ID in the peer's packets */
    uint64_t bytes_received, bytes_sent; /* RFC 9000 §8.1: counted until the address is validated */
    bool is_validated;
    bool was_active;
    bool moves_when_validated; /* the connection comes here as soon as it is validated */
    bool is_dead; /* did not answer while it was the fallback: goes as soon as that is not needed */
    bool response_due;       /* PATH_RESPONSE; one per path, the newest wins (attack C5) */
    uint8_t response[8];
    bool is_challenging;
    bool is_size_asked;      /* the address is proved, the challenges now ask for full size */
    bool challenge_frame_due;
    uint8_t challenges[LEAT_CHALLENGES_MAX][8];
    unsigned challenges_sent;
    unsigned full_challenges; /* a bit for each that went out in a datagram of full size */
    leat_time validation_deadline; /* not given up before */
    leat_time challenge_due; /* when the next PATH_CHALLENGE is due, or the validation has failed */
    leat_time leave_due;     /* when a path that the connection has left is forgotten */
    uint64_t last_used;      /* for replacing the path used longest ago */
    leat_spin spin;
    bool sends_full;         /* 1-RTT datagrams as large as they may be: a larger MTU would help */
};

typedef struct leat_conn_paths {
    leat_path_state *all[LEAT_PATHS_MAX]; /* NULL: free */
    leat_path_state *active;
    /* the last validated one, while the active one is not (RFC 9000 §9.3.2) */
    leat_path_state *fallback;
    uint64_t use_counter;
    leat_path told;              /* what the application knows: validated, once one was */
    leat_address first_remote;   /* of the handshake */
    leat_address left_local;     /* server: what it left for its preferred address */
    leat_address preferred;      /* client: that it may move to; family NONE: there is none */
    bool is_followed;            /* client: the server speaks from its preferred address, too */
} leat_conn_paths;

int leat_paths_init(leat_conn *conn, const leat_path *addresses, bool is_validated);
void leat_paths_clear(leat_conn *conn);
leat_path_state *leat_paths_find(const leat_conn *conn, const leat_path *addresses);
/* Whether packets from these addresses are looked at at all. */
bool leat_paths_accepts(const leat_conn *conn, const leat_path *addresses);
/* After the packet was opened: finds or makes its path, counts its bytes. False: no room for
 * another path. */
bool leat_paths_on_authentic(leat_conn *conn, leat_packet_in *packet);
/* RFC 9000 §5.1.2: the connection ID of a path that is gone is retired, so that another comes. */
void leat_paths_forget(leat_conn *conn, leat_path_state *path);
/* Only ports differ. */
bool leat_path_is_same_host(const leat_path *a, const leat_path *b);
/*
 * A path of our own choice, with an ID of the peer's that no other path uses. LEAT_ERR_STATE: there
 * is none left.
 */
int leat_paths_open(leat_conn *conn, const leat_path *addresses, leat_path_state **path);
/* A packet with less room than this is not begun. */
#define LEAT_PACKET_ROOM 64
/*
 * Bytes that may be sent to this address now: SIZE_MAX when it is validated, 0 when too few are left
 * for any packet: no timer may wait for what cannot be sent.
 */
size_t leat_path_send_limit(const leat_conn *conn, const leat_path_state *path);
void leat_path_on_sent(leat_conn *conn, leat_path_state *path, size_t bytes);
/* The path that the next datagram goes to: one with a challenge or response to send, else the
 * active one. */
leat_path_state *leat_paths_next_to_send(const leat_conn *conn);

/* ---- path_validation.c ----------------------------------------------------------------------- */

/* Asks whether the peer is there, unless it is being asked already. */
void leat_path_start_challenge(leat_conn *conn, leat_path_state *path);
void leat_path_stop_challenge(leat_path_state *path);
bool leat_paths_has_probe(const leat_conn *conn, const leat_path_state *path);
void leat_paths_write(leat_conn *conn, leat_packet_out *out);
void leat_path_challenge_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_path_response_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
leat_time leat_paths_due(const leat_conn *conn);
void leat_paths_on_timer(leat_conn *conn);

/* ---- migration.c ----------------------------------------------------------------------------- */

/* After its frames: follows the peer to a new address (RFC 9000 §9.3). */
void leat_paths_after_packet(leat_conn *conn, const leat_packet_in *packet);
/* Server: a Handshake packet came on path. */
void leat_migration_on_handshake_packet(leat_conn *conn, leat_path_state *path);
/* The address is known to be the peer's: by an answer, or by the handshake. */
void leat_paths_set_validated(leat_conn *conn, leat_path_state *path);
/* A challenge was answered; is_full: one in a datagram of full size. */
void leat_migration_on_response(leat_conn *conn, leat_path_state *path, bool is_full);
/* No challenge was answered in time. */
void leat_migration_on_failed(leat_conn *conn, leat_path_state *path);
void leat_migration_move(leat_conn *conn, leat_path_state *path);

/* ---- client_migration.c ---------------------------------------------------------------------- */

/* Asks on a path of our own choice, and moves there when it is answered, if so wanted. */
int leat_migration_start(leat_conn *conn, const leat_path *addresses, bool moves);

/* ---- preferred_address.c --------------------------------------------------------------------- */

bool leat_preferred_address_parse(leat_reader *reader, leat_preferred_address *preferred);
void leat_preferred_address_write(leat_writer *writer, const leat_preferred_address *preferred);
/* Server: whether the configuration has one that can be offered. */
bool leat_preferred_address_is_offered(const leat_conn *conn);
/* Server: what the transport parameter says. */
void leat_preferred_address_fill(const leat_conn *conn, leat_preferred_address *preferred);
/* Client: the parameter came. NULL, or what is wrong with it. */
const char *leat_preferred_address_on_params(leat_conn *conn);
/* Client: the handshake is confirmed. */
void leat_preferred_address_on_confirmed(leat_conn *conn);
/* Client: whether the connection is still to go there. */
bool leat_preferred_address_is_awaited(const leat_conn *conn);

/* ---- mtu.c: the size of datagrams ------------------------------------------------------------ */

/* The path is new, or the peer's limit has become known. */
void leat_mtu_set_limits(leat_conn *conn, leat_path_state *path);
/* The size of the MTU probe to send on the path now, or 0. */
size_t leat_mtu_probe_size(const leat_conn *conn, const leat_path_state *path);

/* ---- spin.c: the latency spin bit ------------------------------------------------------------ */

/* Draws whether the path takes part. */
void leat_spin_begin(leat_conn *conn, leat_path_state *path);
/* The bit of the next 1-RTT packet on the path. */
bool leat_spin_value(leat_path_state *path);
void leat_spin_on_received(leat_conn *conn, const leat_packet_in *packet);

#endif
