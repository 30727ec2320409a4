/*
 * Two connections in one process: a client and a server joined by a simulated link with a virtual
 * clock. Deterministic: the same seed gives the same run. Events are drained as they come, into a
 * list of names and into bytes per stream; a hook sees each one. A "raw" side can put any frame
 * into a packet that the other side believes.
 */
#ifndef LEAT_TESTS_QUIC_PAIR_H
#define LEAT_TESTS_QUIC_PAIR_H

#include "leat_test.h"
#include "quic/conn/conn_internal.h"

typedef enum pair_side { PAIR_CLIENT, PAIR_SERVER } pair_side;
#define PAIR_OTHER(side) ((side) == PAIR_CLIENT ? PAIR_SERVER : PAIR_CLIENT)

typedef struct pair pair;

typedef struct pair_datagram {
    leat_time due;
    uint64_t sequence;
    pair_side to;
    leat_path path; /* as the receiver sees it */
    size_t length;
    uint8_t *bytes;
    uint8_t ecn;
} pair_datagram;

typedef struct pair_link {
    leat_time delay;                     /* one way */
    unsigned loss, duplication, reorder; /* percent */
    bool black_hole[2];                  /* nothing arrives at this side */
    bool is_direct;                      /* addresses arrive as they were sent: there is no NAT */
    /* Sees each datagram before it travels; may change it, false drops it. */
    bool (*filter)(void *user, pair *p, pair_side from, pair_datagram *datagram);
    void *filter_user;
} pair_link;

#define PAIR_STREAMS_MAX 2048
typedef struct pair_stream {
    uint64_t id;
    uint8_t *bytes;
    size_t length;
    bool ended, reset;
    uint64_t reset_code;
} pair_stream;

typedef struct pair_end {
    leat_config config;
    leat_conn *conn;
    leat_address address;
    char events[16384]; /* names of the events so far, a space between them */
    leat_event terminated; /* the ConnectionTerminated event, type NONE before it came */
    char reason[LEAT_REASON_MAX + 1];
    pair_stream streams[PAIR_STREAMS_MAX];
    size_t stream_count;
    size_t datagrams_in, datagrams_out; /* UDP datagrams */
    size_t bytes_in, bytes_out;
    size_t largest_out;
    unsigned event_counts[LEAT_EVENT_TYPE_COUNT];
    bool keeps_events; /* leave them in the connection */
} pair_end;

struct pair {
    pair_end ends[2];
    pair_link link;
    leat_time now;
    uint64_t seed, sequence;
    pair_datagram *flying;
    size_t flying_count, flying_room;
    leat_identity *identity;
    leat_trust *trust;
    test_memory memory; /* what both connections allocate from */
    /* Sees each event as it is popped; may call the connection. */
    void (*on_event)(void *user, pair *p, pair_side side, const leat_event *event);
    void *on_event_user;
    leat_conn *(*make_server)(pair *p, leat_span first_datagram); /* NULL: leat_conn_new_server */
};

/* Configurations with ALPN "test", a self-signed identity and DATAGRAMs on: change
 * p->ends[x].config, then start. */
pair *pair_new(void);
void pair_free(pair *p);
static inline leat_conn *pair_conn(pair *p, pair_side side) { return p->ends[side].conn; }

/* Makes the client and connects it; the server is made when the first datagram arrives. */
void pair_start(pair *p);
/* pair_start, and runs until both sides confirmed the handshake and are quiet. Fails the test
 * otherwise. */
void pair_handshake(pair *p);
/* The next arrival or timer, not later than `until`; false when there is none. */
bool pair_step(pair *p, leat_time until);
/* Runs the clock forward. */
void pair_run_for(pair *p, leat_time duration);
/* Runs until nothing flies and nobody has anything to send; timers beyond the next 200 ms stay. */
void pair_settle(pair *p);
/* What the side has to send goes on the link; its events are drained. */
void pair_flush(pair *p, pair_side side);

/* Names of events since the last call, e.g. "StreamOpened StreamDataReceived". */
const char *pair_take_events(pair *p, pair_side side);
pair_stream *pair_stream_of(pair *p, pair_side side, uint64_t id);
/* Sends all of it, as much as fits at a time, running the pair in between. */
void pair_send_all(pair *p, pair_side side, uint64_t id, const uint8_t *data, size_t length,
                   bool end);
/* Opens a stream and sends text with the end on it; returns its ID. */
uint64_t pair_send_text(pair *p, pair_side side, bool unidirectional, const char *text, bool end);
/* Gives the side's datagram to the other one now, past the link. */
void pair_deliver(pair *p, pair_side to, uint8_t *bytes, size_t length);

/* A packet of `from` in this space with these frames, as hex: delivered at once. Returns its packet
 * number. */
uint64_t pair_raw(pair *p, pair_side from, leat_space space, const char *frames_hex);
uint64_t pair_raw_bytes(pair *p, pair_side from, leat_space space, leat_span frames);
/* Builds the packet without delivering it; returns its length. `damage` may change the header
 * before it is sealed. */
size_t pair_raw_build(pair *p, pair_side from, leat_space space, leat_span frames, uint8_t *out,
                      size_t room,
                      void (*damage)(uint8_t *packet));
/* The side ended with this source and transport or application error code. */
void pair_assert_terminated(pair *p, pair_side side, leat_close_source source, uint64_t error_code);

#endif
