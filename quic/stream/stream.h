/*
 * One stream: its two parts, their states and flow control, and its places in the lists that let
 * the connection touch only streams that have work. The policy (which event when, what to write
 * when) is quic/conn/streams.c's.
 *
 * A stream belongs to its leat_stream_map, which makes and frees it. Every list node is initialised
 * and may be removed without looking; leat_stream_map_close removes all of them.
 */
#ifndef LEAT_QUIC_STREAM_STREAM_H
#define LEAT_QUIC_STREAM_STREAM_H

#include "base/list.h"
#include "quic/stream/flow.h"
#include "quic/stream/recv_buffer.h"
#include "quic/stream/send_buffer.h"
#include "quic/stream/stream_state.h"

#include <leat/quic.h>

/* RFC 9000 §2.1: the two lowest bits of a stream ID. */
#define LEAT_STREAM_SERVER_BIT 1u
#define LEAT_STREAM_UNI_BIT 2u

/* Events waiting to be told, one bit each: at most one of a kind is ever queued. */
typedef enum leat_stream_event {
    LEAT_STREAM_EVENT_OPENED = 1u << 0,
    LEAT_STREAM_EVENT_DATA = 1u << 1,
    LEAT_STREAM_EVENT_RESET = 1u << 2,
    LEAT_STREAM_EVENT_STOP_SENDING = 1u << 3,
    LEAT_STREAM_EVENT_WRITABLE = 1u << 4,
    LEAT_STREAM_EVENT_DELIVERED = 1u << 5,
} leat_stream_event;

/* Control frames waiting to be sent, one bit each. */
typedef enum leat_stream_control {
    LEAT_STREAM_WANTS_RESET = 1u << 0,
    LEAT_STREAM_WANTS_STOP_SENDING = 1u << 1,
    LEAT_STREAM_WANTS_MAX_DATA = 1u << 2,
    LEAT_STREAM_WANTS_BLOCKED = 1u << 3,
    LEAT_STREAM_WANTS_RESET_AT = 1u << 4,
} leat_stream_control;

#define LEAT_URGENCY_DEFAULT 3
#define LEAT_URGENCY_COUNT 8

typedef struct leat_stream {
    uint64_t id;
    bool is_local; /* we opened it */
    bool is_early; /* bytes of it came in 0-RTT packets */
    leat_send_state send_state;
    leat_recv_state recv_state;
    leat_send_buffer send;
    leat_recv_buffer recv;
    leat_flow flow;

    leat_list ready_node;   /* has data to send and credit of its own */
    leat_list blocked_node; /* has data to send, waits for credit of the connection */
    leat_list control_node; /* has control frames to send */
    leat_list event_node;   /* has events to tell */
    uint64_t event_order;   /* place of event_node among all events of the connection */
    unsigned events;        /* leat_stream_event bits */
    unsigned controls;      /* leat_stream_control bits */

    bool held;             /* the application paused delivery */
    bool manual_credit;    /* credit comes back by leat_conn_credit_stream, not by taking bytes */
    uint64_t uncredited;   /* manual credit: bytes taken and not yet credited */
    bool end_told;         /* the application knows the end or the reset */
    bool wants_writable;   /* an append took less than offered */
    bool stop_sent;        /* we asked the peer to stop; what still comes is dropped */
    bool stop_received;

    bool reset_at;         /* we reset it with RESET_STREAM_AT; the size is send.reliable_end */
    bool reset_at_acked;   /* the newest one */
    bool peer_reset_at;    /* the peer reset it with RESET_STREAM_AT */

    uint64_t reset_code;      /* of our RESET_STREAM or RESET_STREAM_AT */
    uint64_t reset_size;      /* its final size: fixed once sent */
    uint64_t peer_reliable_size; /* with peer_reset_at: what has to be delivered before the reset */
    uint64_t stop_code;       /* of our STOP_SENDING */
    uint64_t peer_reset_code;
    uint64_t peer_stop_code;

    uint8_t urgency; /* RFC 9218 §4.1: 0 is the most urgent */
    bool incremental;
    void *user;
} leat_stream;

typedef struct leat_stream_setup {
    const leat_allocator *allocator;
    uint64_t id;
    bool is_local;
    uint64_t send_max;       /* the peer's initial limit for this stream */
    uint64_t receive_window; /* ours */
    size_t send_buffer_limit;
    leat_ring_budget *ring_budget;
} leat_stream_setup;

void leat_stream_init(leat_stream *stream, const leat_stream_setup *setup);
/* Frees the buffers and leaves all lists. */
void leat_stream_clear(leat_stream *stream);

/* Both parts are in a terminal state: the stream can be closed (leat_stream_map_close) once its events are told. */
bool leat_stream_is_finished(const leat_stream *stream);
static inline bool leat_stream_has_send_part(const leat_stream *stream) { return stream->send_state != LEAT_SEND_NONE; }
static inline bool leat_stream_has_recv_part(const leat_stream *stream) { return stream->recv_state != LEAT_RECV_NONE; }

#endif
