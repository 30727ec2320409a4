/*
 * Flow control, RFC 9000 §4: a limit that the peer sets for us and a window that we set for the
 * peer. The same struct counts bytes of a stream, bytes of the connection, and streams of one kind
 * (MAX_STREAMS works like MAX_DATA).
 *
 * Sending:
 *  1. leat_flow_send_credit says how much may go out; leat_flow_on_sent counts what went out for
 *     the first time.
 *  2. leat_flow_on_limit raises the limit (MAX_DATA and its kin).
 *  3. With data left and no credit, leat_flow_wants_blocked says whether the peer has to be
 *     told; then on_blocked_sent. Receiving:
 *  1. leat_flow_can_receive before anything changes; when false the peer broke the limit.
 *  2. leat_flow_on_received; when the application has taken (or we dropped) what came:
 *     leat_flow_on_consumed.
 *  3. leat_flow_wants_update: send MAX_* with the value of leat_flow_update, which also commits
 *     to it.
 */
#ifndef LEAT_QUIC_STREAM_FLOW_H
#define LEAT_QUIC_STREAM_FLOW_H

#include "base/bytes.h"

/* RFC 9000 §4.6: the largest number of streams of a kind. */
#define LEAT_STREAM_COUNT_MAX (UINT64_C(1) << 60)

typedef struct leat_flow {
    /* Sending. */
    uint64_t send_max;   /* the peer's limit */
    uint64_t sent;       /* used of it; the highest offset, or the number of streams */
    uint64_t blocked_at; /* the limit already reported as blocking; UINT64_MAX: none */
    /* Receiving. */
    uint64_t receive_max; /* the limit that the peer knows */
    uint64_t received;    /* used of it by the peer */
    uint64_t consumed;    /* given back by the application */
    uint64_t window;      /* how far receive_max runs ahead of consumed */
    uint64_t ceiling;     /* no limit passes this: LEAT_VARINT_MAX or LEAT_STREAM_COUNT_MAX */
    bool update_lost;     /* the last MAX_* was lost: announce again at once */
    leat_time tuned_since; /* leat_flow_tune measures from here, */
    uint64_t tuned_from;   /* and from this value of `consumed` */
} leat_flow;

void leat_flow_init(leat_flow *flow, uint64_t send_max, uint64_t window, uint64_t ceiling);

static inline uint64_t leat_flow_send_credit(const leat_flow *flow) {
    return flow->send_max > flow->sent ? flow->send_max - flow->sent : 0;
}
/* Sending: nothing was ever sent, and no limit is known (0-RTT was rejected). */
void leat_flow_restart(leat_flow *flow);
void leat_flow_on_sent(leat_flow *flow, uint64_t count);
/* True when `limit` is higher than before. Lower values are old news and ignored. */
bool leat_flow_on_limit(leat_flow *flow, uint64_t limit);
/*
 * Whether *_BLOCKED should be sent: no credit, and not yet told for this limit. The frame carries
 * send_max.
 */
bool leat_flow_wants_blocked(const leat_flow *flow);
void leat_flow_on_blocked_sent(leat_flow *flow);
void leat_flow_on_blocked_lost(leat_flow *flow, uint64_t limit);

static inline bool leat_flow_can_receive(const leat_flow *flow, uint64_t count) {
    return count <= flow->receive_max - flow->received;
}
void leat_flow_on_received(leat_flow *flow, uint64_t count);
/* At most what was received counts. */
void leat_flow_on_consumed(leat_flow *flow, uint64_t count);
/* True when at least half of the window is consumed, or the last announcement was lost. */
bool leat_flow_wants_update(const leat_flow *flow);
/* The new receive_max, now promised; never below the old one. */
uint64_t leat_flow_update(leat_flow *flow);
/* A MAX_* frame carrying `limit` was lost; matters only when it is still the newest. */
void leat_flow_on_update_lost(leat_flow *flow, uint64_t limit);
/*
 * After on_consumed: doubles the window, up to `maximum`, when a whole window was consumed within
 * `period`. True when it grew. A peer that the window holds back uses one in each round trip, so it
 * grows until it is between two and four times what comes in a round trip; it never grows for an
 * application that is slower than the peer.
 */
bool leat_flow_tune(leat_flow *flow, leat_time now, leat_time period, uint64_t maximum);
/* A larger or smaller window from the next update on; the promised limit stays. */
void leat_flow_set_window(leat_flow *flow, uint64_t window);

#endif
