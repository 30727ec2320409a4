/*
 * The streams of a connection by ID, and the limits on how many there may be: RFC 9000 §2.1, §3.2,
 * §4.6. A finished stream takes no memory: an ID below the opened count that is neither in the map
 * nor in the set of implicitly opened ones is finished. Streams opened implicitly (§3.2: a higher
 * ID of the type came first) cost one range, not an object each.
 *
 *  1. leat_stream_map_init; leat_stream_map_set_peer_params when the peer's transport parameters
 *     are known (or remembered ones for 0-RTT; the real ones may then only raise limits).
 *  2. Local: leat_stream_map_open. Peer: leat_stream_map_accept for each frame that names a
 *     stream.
 *  3. leat_stream_map_close when a stream is finished: gives its credit back (MAX_STREAMS) and
 *     frees it.
 *  4. counts[...] is a leat_flow: wants_update and update for MAX_STREAMS, wants_blocked for
 *     STREAMS_BLOCKED.
 */
#ifndef LEAT_QUIC_STREAM_STREAM_MAP_H
#define LEAT_QUIC_STREAM_STREAM_MAP_H

#include "base/alloc.h"
#include "base/map.h"
#include "quic/stream/stream.h"

/* Stream objects kept for reuse per connection. */
#define LEAT_STREAMS_KEPT 8

/*
 * Runs of streams opened implicitly and not used yet: stops the peer that opens every other stream
 * of a huge limit.
 */
#define LEAT_IMPLICIT_RANGES_MAX 4096

typedef enum leat_stream_direction {
    LEAT_BIDI,
    LEAT_UNI,
    LEAT_DIRECTION_COUNT
} leat_stream_direction;

/*
 * The transport parameters that concern streams (RFC 9000 §18.2); seen from the endpoint that sent
 * them.
 */
typedef struct leat_stream_params {
    uint64_t initial_max_stream_data_bidi_local;
    uint64_t initial_max_stream_data_bidi_remote;
    uint64_t initial_max_stream_data_uni;
    uint64_t initial_max_streams_bidi;
    uint64_t initial_max_streams_uni;
} leat_stream_params;

typedef struct leat_stream_map {
    const leat_allocator *allocator;
    bool is_client;
    leat_stream_params ours, peers;
    size_t send_buffer_limit; /* per stream */
    leat_ring_budget ring_budget; /* limit 0: drained rings are given back */
    leat_map streams;
    leat_slab slab;
    /* Send half: streams that we open; receive half: streams that the peer opens. */
    leat_flow counts[LEAT_DIRECTION_COUNT];
    /* Ordinals (id / 4) that the peer opened implicitly and never used yet. */
    leat_range_set implicit[LEAT_DIRECTION_COUNT];
} leat_stream_map;

typedef enum leat_stream_lookup {
    LEAT_STREAM_FOUND,
    LEAT_STREAM_OPENED,     /* by this call: StreamOpened follows */
    LEAT_STREAM_FINISHED,   /* was open once; the frame is late */
    LEAT_STREAM_UNOPENED,   /* ours, and not opened yet: STREAM_STATE_ERROR */
    LEAT_STREAM_OVER_LIMIT, /* STREAM_LIMIT_ERROR */
    LEAT_STREAM_NOMEM,
} leat_stream_lookup;

void leat_stream_map_init(leat_stream_map *map, const leat_allocator *allocator,
    const uint8_t hash_key[16], bool is_client, const leat_stream_params *ours,
    size_t send_buffer_limit);
void leat_stream_map_clear(leat_stream_map *map); /* frees all streams */
/* Rejected 0-RTT: frees all streams, which are local; their numbers begin anew, without a limit to
 * open any until set_peer_params. */
void leat_stream_map_restart(leat_stream_map *map);
/* Raises the limits of the connection and of all open streams; lower values are ignored. */
void leat_stream_map_set_peer_params(leat_stream_map *map, const leat_stream_params *peers);

/* LEAT_ERR_STREAM_LIMIT, LEAT_ERR_NOMEM; *stream is set only on LEAT_OK. */
int leat_stream_map_open(
    leat_stream_map *map, leat_stream_direction direction, leat_stream **stream);
/* For a frame from the peer; *stream is set with FOUND and OPENED, else NULL. */
leat_stream_lookup leat_stream_map_accept(leat_stream_map *map, uint64_t id, leat_stream **stream);
/* An open stream, or NULL. */
leat_stream *leat_stream_map_find(const leat_stream_map *map, uint64_t id);
/*
 * Takes the stream: leaves all lists, frees it, and counts it as consumed when the peer had opened
 * it.
 */
void leat_stream_map_close(leat_stream_map *map, leat_stream *stream);
/* Gives back what lies empty in all streams, and the objects kept for reuse. */
void leat_stream_map_trim(leat_stream_map *map);
/*
 * Walks all open streams in no order (closing the connection, rejected 0-RTT): *cursor = 0 first;
 * NULL at the end.
 */
leat_stream *leat_stream_map_next(const leat_stream_map *map, size_t *cursor);

/* Whether an ID of this type is one that we open. */
static inline bool leat_stream_map_is_local(const leat_stream_map *map, uint64_t id) {
    return leat_stream_is_client_initiated(id) == map->is_client;
}
static inline size_t leat_stream_map_count(const leat_stream_map *map) {
    return map->streams.count;
}

#endif
