/*
 * Inside of the endpoint: RFC 9000 §5.2 (matching packets to connections), §6 (versions), §8.1
 * (address validation), §10.3 (stateless reset). One leat_endpoint_entry stands for each
 * connection; everything that finds it again (connection IDs, reset tokens, timer, ready list)
 * hangs on the entry, so that one call takes all of it away.
 */
#ifndef LEAT_QUIC_ENDPOINT_ENDPOINT_H
#define LEAT_QUIC_ENDPOINT_ENDPOINT_H

#include <leat/endpoint.h>
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/ring.h"
#include "quic/conn/conn.h"
#include "quic/endpoint/spent_tokens.h"
#include "quic/packet/token.h"
#include "quic/packet/version.h"

#define LEAT_RESET_TOKEN 16

/* RFC 9000 §14.1-3: the smallest datagram that may open a connection. */
#define LEAT_INITIAL_DATAGRAM_MIN 1200

/* RFC 9000 §7.2-1: the shortest destination CID a client may invent. */
#define LEAT_CLIENT_DCID_MIN 8

/* Stateless replies that wait to be sent: a flood of Initials fills this and no more (V1, V13). */
#define LEAT_REPLY_QUEUE 256

/* The longest stateless reply: Version Negotiation with two CIDs of 255 bytes (RFC 8999 §6). */
#define LEAT_REPLY_MAX 576

/*
 * Stateless replies that cost a cryptographic operation each: stateless resets and refusals of
 * tokens. A flood of packets with unknown CIDs costs a comparison each beyond this rate (attacks C19, C20).
 */
#define LEAT_REPLY_RATE 1000 /* per second */
#define LEAT_REPLY_BURST 256

/*
 * How often a random connection ID that is in use already is drawn again before the caller is told
 * of a failure.
 */
#define LEAT_CID_DRAWS 8

/*
 * Connection IDs and tokens of one connection that route: a bound on a leak, far above
 * active_connection_id_limit (V1).
 */
#define LEAT_KEYS_PER_CONNECTION 64

/*
 * Tokens that one connection gets: for its first host and those it moves to. A client that moves
 * for ever gets no more (attack A32).
 */
#define LEAT_TOKENS_PER_CONNECTION 8

/* Workers behind one address: few enough that most connection IDs that clients invent name none. */
#define LEAT_WORKERS_MAX 64

typedef struct leat_reply {
    leat_path path;
    size_t length;
    uint8_t bytes[LEAT_REPLY_MAX];
} leat_reply;

/* Allows so many events per second on average, after a burst. */
typedef struct leat_rate {
    leat_time refilled;
    uint64_t tokens;
} leat_rate;

struct leat_endpoint {
    leat_endpoint_config config;
    leat_random random;
    uint8_t reset_secret[32];
    uint8_t worker_key[16]; /* of the mask over worker numbers */
    leat_token_keys *token_keys;
    leat_spent_tokens spent_tokens;
    leat_map entries; /* by leat_conn pointer */
    leat_map
        routes; /* by connection ID, or by remote address where ours are empty: leat_endpoint_key */
    leat_map reset_tokens; /* of peers: leat_endpoint_key */
    leat_list all;
    leat_list ready;
    leat_heap timers;
    leat_ring replies; /* leat_reply */
    leat_rate reply_rate;
    size_t handshakes; /* unfinished ones of servers */
    uint64_t drops[LEAT_DROP_COUNT];
};

typedef struct leat_endpoint_entry {
    leat_endpoint *endpoint;
    leat_conn *conn;
    leat_conn_owner owner;
    leat_address remote; /* at the beginning: the route of empty connection IDs */
    leat_heap_node timer;
    leat_list link; /* in endpoint->all */
    leat_list ready;
    leat_list keys; /* leat_endpoint_key */
    size_t key_count;
    leat_address token_address; /* what the last token given was made for */
    uint8_t tokens_given;
    bool is_new;         /* accepted and not yet shown to the owner */
    bool is_handshaking; /* counted in endpoint->handshakes */
} leat_endpoint_entry;

/* One key of one entry in the map it is stored in. */
typedef struct leat_endpoint_key {
    leat_list link; /* in entry->keys */
    leat_map *map;
    leat_endpoint_entry *entry;
    uint8_t length;
    uint8_t bytes[LEAT_MAP_KEY_MAX];
} leat_endpoint_key;

/* What one datagram is, on its way through the stateless part. */
typedef struct leat_endpoint_datagram {
    leat_span bytes;
    const leat_path *path;
    leat_time now;
} leat_endpoint_datagram;

/* ---- endpoint.c ---- */
/* An entry without connection, hooked up as owner. NULL when memory is out. */
leat_endpoint_entry *leat_endpoint_entry_new(leat_endpoint *endpoint, const leat_address *remote);
/* The entry takes conn. On failure the caller still has both. */
int leat_endpoint_entry_adopt(leat_endpoint_entry *entry, leat_conn *conn);
void leat_endpoint_entry_free(leat_endpoint_entry *entry);
leat_endpoint_entry *leat_endpoint_find(const leat_endpoint *endpoint, const leat_conn *conn);
/* Counts and traces a datagram that has no effect. */
void leat_endpoint_drop(leat_endpoint *endpoint, const leat_endpoint_datagram *datagram,
                        leat_drop reason);

/* ---- routes.c ---- */
void leat_endpoint_hook_owner(leat_endpoint_entry *entry);
/* Packets to this connection ID belong to entry from now on. LEAT_ERR_STATE: taken by another. */
int leat_endpoint_add_route(leat_endpoint_entry *entry, leat_span cid);
void leat_endpoint_remove_keys(leat_endpoint_entry *entry);
/* The connection a packet belongs to by its destination CID, or NULL. */
leat_endpoint_entry *leat_endpoint_route(const leat_endpoint *endpoint, leat_span packet,
                                         const leat_path *path);

/* ---- accept.c ---- */
/*
 * A long header packet of no connection. Returns the new connection that datagram is now to be
 * given to, or NULL.
 */
leat_endpoint_entry *leat_endpoint_accept(leat_endpoint *endpoint,
                                          const leat_endpoint_datagram *datagram);
/* ---- tokens.c ---- */
/* Seconds since the epoch, for tokens. */
int64_t leat_endpoint_wall_clock(const leat_endpoint *endpoint);
/*
 * Fills in what the token of an Initial proves. False: a Retry token of ours that is not good any
 * more: RFC 9000 §8.1.2.
 */
bool leat_endpoint_check_token(leat_endpoint *endpoint, const leat_endpoint_datagram *datagram,
                               const leat_packet_header *header, leat_conn_origin *origin);
/*
 * An accepted connection finished its handshake or failed: no longer counted; it gets a token for
 * its next time, and another one when it has moved to another host.
 */
void leat_endpoint_settle_handshake(leat_endpoint_entry *entry);

/* ---- replies.c ---- */
/* What servers here speak, in order of preference; returns how many. */
size_t leat_endpoint_versions(const leat_endpoint *endpoint, uint32_t versions[LEAT_VERSIONS_MAX]);
void leat_endpoint_reply_version_negotiation(leat_endpoint *endpoint,
                                             const leat_endpoint_datagram *datagram,
                                             const leat_packet_header *header);
void leat_endpoint_reply_retry(leat_endpoint *endpoint, const leat_endpoint_datagram *datagram,
                               const leat_packet_header *header);
/* An Initial with CONNECTION_CLOSE, without a connection. */
void leat_endpoint_reply_close(leat_endpoint *endpoint, const leat_endpoint_datagram *datagram,
                               const leat_packet_header *header, uint64_t error_code);
/*
 * Room for a reply to datagram, or NULL. The caller fills bytes and length; a length of 0 is taken
 * back.
 */
leat_reply *leat_endpoint_reply_begin(leat_endpoint *endpoint,
                                      const leat_endpoint_datagram *datagram);
void leat_endpoint_reply_end(leat_reply *reply, size_t length);
size_t leat_endpoint_next_reply(leat_endpoint *endpoint, uint8_t *buffer, size_t capacity,
                                leat_transmit *transmit);
/* Whether one more reply with cryptography is affordable now. */
bool leat_endpoint_take_rate(leat_endpoint *endpoint, leat_time now);

/* ---- stateless_reset.c ---- */
bool leat_endpoint_reset_token(const leat_endpoint *endpoint, leat_span cid,
                               uint8_t token[LEAT_RESET_TOKEN]);
/* A short header packet of no connection: a reset of a peer's, or a reason to send one. */
void leat_endpoint_on_unknown_packet(leat_endpoint *endpoint,
                                     const leat_endpoint_datagram *datagram);
/* RFC 9000 §10.3.1: the connection whose peer would end it with this datagram, or NULL. */
leat_endpoint_entry *leat_endpoint_find_reset(const leat_endpoint *endpoint, leat_span datagram);

/* ---- workers.c ---- */
/* Writes this worker's number into a connection ID that is random otherwise. */
void leat_endpoint_mark_worker(const leat_endpoint *endpoint, leat_cid *cid);
/*
 * Gives the datagrams at the beginning of a train to the worker they belong to, as far as that is
 * one and the same other one. Returns how many bytes went.
 */
size_t leat_endpoint_hand_over(leat_endpoint *endpoint, uint8_t *data, size_t length,
                               size_t segment, const leat_path *path, uint8_t ecn);

/* ---- timers.c, ready.c ---- */
void leat_endpoint_arm_timer(leat_endpoint_entry *entry);
void leat_endpoint_mark_ready(leat_endpoint_entry *entry);

#endif
