/*
 * The seam between loss recovery and congestion controllers, RFC 9002 §7: a table of functions. A
 * controller decides one number, the congestion window in bytes; bytes_in_flight is counted by
 * leat_recovery_path, sending pace by leat_pacer. Controllers are found by name; a controller of
 * one's own is handed over as a pointer to its table.
 */
#ifndef LEAT_QUIC_RECOVERY_CONGESTION_H
#define LEAT_QUIC_RECOVERY_CONGESTION_H

#include "quic/recovery/rtt.h"
#include "quic/recovery/sent_packets.h"

/*
 * RFC 9002 §7.2: ten datagrams, at most the larger of 14720 bytes and two datagrams; never below
 * two datagrams.
 */
uint64_t leat_initial_window(size_t max_datagram_size);
uint64_t leat_minimum_window(size_t max_datagram_size);

/* One newly acknowledged packet that was in flight. */
typedef struct leat_congestion_ack {
    const leat_sent_packet *packet;
    uint64_t bytes_in_flight; /* after this packet was taken out */
    uint64_t delivered;       /* bytes delivered on this path so far, this packet included */
    const leat_rtt *rtt;      /* already updated by the ACK */
    bool is_app_limited;      /* the sender does not use the window now (§7.8) */
    leat_time now;
} leat_congestion_ack;

/* Packets were lost, or the peer counted new CE marks. */
typedef struct leat_congestion_event {
    leat_time time_sent;      /* of the newest packet concerned: is this a new recovery period? */
    uint64_t lost_bytes;      /* 0 for ECN */
    uint64_t bytes_in_flight; /* after the lost ones were taken out */
    bool is_ecn;
    leat_time now;
} leat_congestion_event;

typedef struct leat_congestion_ops {
    const char *name;
    size_t state_size; /* bytes of state, zeroed before init */
    void (*init)(void *state, size_t max_datagram_size);
    /* bytes_in_flight: with this packet. */
    void (*on_sent)(
        void *state, const leat_sent_packet *packet, uint64_t bytes_in_flight, leat_time now);
    void (*on_acked)(void *state, const leat_congestion_ack *ack);
    void (*on_congestion_event)(void *state, const leat_congestion_event *event);
    void (*on_persistent_congestion)(void *state);
    /* The path takes larger or smaller datagrams from now on. */
    void (*on_datagram_size)(void *state, size_t max_datagram_size);
    uint64_t (*window)(const void *state);
    /* Bytes per second, or 0: leave it to the pacer. The function may be NULL. */
    uint64_t (*pacing_rate)(const void *state);
    uint64_t (*slow_start_threshold)(const void *state); /* UINT64_MAX: not set yet */
    /* qlog: "slow_start", "congestion_avoidance", "recovery" */
    const char *(*state_name)(const void *state);
} leat_congestion_ops;

extern const leat_congestion_ops leat_newreno;

/* The built-in controller of this name, or NULL. A NULL name is the default. */
const leat_congestion_ops *leat_congestion_find(const char *name);

typedef struct leat_congestion {
    const leat_congestion_ops *ops;
    const leat_allocator *allocator;
    void *state;
} leat_congestion;

/* LEAT_ERR_NOMEM. */
int leat_congestion_init(leat_congestion *congestion, const leat_congestion_ops *ops,
    const leat_allocator *allocator, size_t max_datagram_size);
/* As new: the path is another one now. */
void leat_congestion_reset(leat_congestion *congestion, size_t max_datagram_size);
void leat_congestion_clear(leat_congestion *congestion);
static inline uint64_t leat_congestion_window(const leat_congestion *congestion) {
    return congestion->ops->window(congestion->state);
}
static inline const char *leat_congestion_state_name(const leat_congestion *congestion) {
    return congestion->ops->state_name(congestion->state);
}

#endif
