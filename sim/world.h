/*
 * Inside a run. The files: run.c the clock and the order of things, ends.c endpoints and their
 * datagrams, nat.c addresses and the amplification limit, changes.c what changes on the way,
 * work.c tasks, streams.c bytes, watch.c events and traces.
 *
 * What is checked throughout:
 *  - every byte of every stream and datagram; nothing twice, nothing after an end
 *  - ConnectionTerminated exactly once, and last
 *  - never more than three times the received bytes to an address that is not validated
 *  - timers move forward, and sending comes to an end
 *  - everything that was asked for is done by the deadline; nothing stays allocated
 */
#ifndef LEAT_SIM_WORLD_H
#define LEAT_SIM_WORLD_H

#include <leat/early_data.h>
#include <leat/endpoint.h>
#include <stddef.h>

#include "sim/run.h"

typedef struct world world;
typedef struct flow flow;

/* ---- streams and what is on them ---- */

/* One direction of a stream. */
typedef struct half {
    uint64_t size, sent, received;
    uint64_t promised; /* by a reset: what arrives before it */
    uint64_t limit;  /* reset or stop after this many bytes; UINT64_MAX: never */
    bool exists;
    bool end_sent, end_received, reset_sent, reset_received, stop_sent, stop_received;
    bool is_blocked, is_held, was_held;
    leat_time release_at;
} half;

typedef struct stream {
    uint64_t id;
    size_t task;
    sim_side opener;
    bool is_opened[SIM_SIDES], is_counted;
    half halves[SIM_SIDES]; /* by sender */
} stream;

typedef struct stream_list {
    stream **streams;
    size_t count, room;
} stream_list;

/* How far a task has come. */
typedef struct progress {
    unsigned begun, done;
    leat_time next; /* when the next one is due; LEAT_TIME_NEVER: none is */
    bool waits;     /* for StreamsAvailable */
    uint8_t *seen;  /* datagrams: bit 0 delivered, bit 1 fate told */
} progress;

/* ---- connections ---- */

/* What leat_conn_user points at. A server may have connections that no client wants any more. */
typedef struct end_conn {
    struct end_conn *next;
    world *w;
    leat_conn *conn;
    uint32_t first_version; /* client: that it began with */
    flow *flow; /* NULL: one of those */
    sim_side side;
    bool is_terminated, is_working, is_completed, is_confirmed;
    leat_close_source source;
} end_conn;

struct flow {
    const sim_flow *plan;
    sim_flow_result *result;
    size_t number;
    bool is_started, is_closing, had[SIM_SIDES];
    unsigned hosts, spare_host; /* addresses the client has had; one that it keeps in reserve, or 0 */
    end_conn *ends[SIM_SIDES];
    progress *progress;
    stream_list streams[4];       /* by the two low bits of the ID */
    stream_list work[SIM_SIDES];  /* with bytes to hand over */
    stream_list held[SIM_SIDES];  /* by who holds: waiting to be released */
};

/* ---- addresses ---- */

typedef struct seen_address {
    leat_address address;
    uint64_t received, sent;
    bool is_first; /* of its flow: where the handshake began */
    bool was_retried, is_validated;
} seen_address;

typedef struct nat {
    seen_address *seen;
    size_t count, room;
    unsigned port_epoch, host_epoch;
} nat;

/* ---- the world ---- */

typedef struct end {
    leat_endpoint *endpoint;
    end_conn *conns;
    leat_config quic;
    leat_endpoint_config config;
    leat_trace_sink sink;
    uint64_t dice;
    leat_time epoch;         /* what its clock shows at the beginning */
    leat_time stalled_until;
    int64_t wall_offset;
    sim_datagram *socket, **socket_end; /* arrived while it stood still */
    size_t packets_in_datagram;
    world *w;
    sim_side side;
} end;

typedef struct active_change {
    sim_change plan;
    leat_time at;
    bool is_undoing;
} active_change;

typedef struct memory {
    leat_allocator allocator;
    size_t live_blocks, live_bytes, peak;
    uint64_t allocations;
} memory;

struct world {
    const sim_config *config;
    sim_result *result;
    leat_time now;
    end ends[SIM_SIDES];
    sim_link *links[SIM_SIDES];
    nat nat;
    flow *flows;
    active_change *changes;
    leat_identity *identity;
    leat_trust *trust;
    leat_resumption_keys *resumption_keys;
    uint8_t *ticket; /* the client's last one */
    size_t ticket_length;
    memory memory;
    seen_address *arriving; /* at the server: where the datagram being received is from */
    leat_time next_sample;
    uint64_t digest;
    unsigned idle_steps; /* steps in which the clock did not move */
};

/* The first failure stays. */
void world_fail(world *w, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/* With the first task that is not done. */
void world_fail_undone(world *w, const char *why);
static inline bool world_has_failed(const world *w) { return w->result->failure[0] != '\0'; }
static inline leat_time earlier(leat_time a, leat_time b) { return a < b ? a : b; }
#define OTHER(side) ((side) == SIM_CLIENT ? SIM_SERVER : SIM_CLIENT)
void world_digest(world *w, const void *bytes, size_t length);

/* memory.c */
void memory_init(memory *m);

/* nat.c: the client's address as the network sees it, and back. */
leat_address nat_client(const world *w, size_t flow_number);
/* The same client on its host number `host`: where it goes when it moves. */
leat_address nat_client_at(const world *w, size_t flow_number, unsigned host);
leat_address nat_server(const world *w);
/* Where the server would rather be. */
leat_address nat_preferred(const world *w);
leat_address nat_outside(const world *w, const leat_address *inside);
/* The flow whose outside address this is or was, or NULL. *is_current: it still is. */
flow *nat_find(world *w, const leat_address *outside, bool *is_current);
leat_address nat_inside(const world *w, const leat_address *outside);
void nat_on_server_received(world *w, const sim_datagram *datagram);
void nat_on_server_sends(world *w, const leat_address *to, const uint8_t *bytes, size_t length);
/* The server opened a Handshake packet of the datagram that has just arrived. */
void nat_on_handshake_packet(world *w);
void nat_on_validated(world *w, const leat_address *address);
void nat_clear(nat *n);

/* ends.c */
bool ends_open(world *w);
void ends_close(world *w);
leat_time end_next(const end *e, leat_time now);
leat_time end_clock(const end *e, leat_time now);
/* Timers, datagrams that waited, everything that is ready. */
void end_work(end *e);
void end_arrive(end *e, sim_datagram *datagram);
end_conn *end_connect(end *e, flow *f);
void end_touch(end_conn *c);

/* watch.c */
void watch_event(end_conn *c, const leat_event *event);
void watch_record(void *user, const leat_trace_record *record);

/* early.c */
/* The application protocol is known: perhaps there is early data. */
void early_on_protocol(end_conn *c);
void early_on_rejected(end_conn *c);

/* streams.c */
stream *stream_open(flow *f, sim_side side, size_t task);
void streams_send(end_conn *c);
void streams_on_event(end_conn *c, const leat_event *event);
leat_time streams_next(const end_conn *c);
void streams_release(end_conn *c);
void streams_clear(flow *f);
stream *stream_find(const flow *f, uint64_t id);
void pattern_fill(uint64_t key, uint64_t offset, uint8_t *bytes, size_t length);
bool pattern_matches(uint64_t key, uint64_t offset, leat_span bytes);

/* work.c */
void work_begin(flow *f, sim_side side);
void work_run(end_conn *c);
void work_on_event(end_conn *c, const leat_event *event);
leat_time work_next(const end_conn *c);
bool work_is_done(const flow *f);
void work_clear(flow *f);

/* changes.c */
leat_time changes_next(const world *w);
void changes_apply(world *w);

#endif
