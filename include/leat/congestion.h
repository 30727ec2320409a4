/*
 * leat/congestion.h: the seam between loss recovery and congestion controllers, RFC 9002 §7: a table
 * of functions. A controller decides a window in bytes and may decide a sending rate; what is in
 * flight, lost and delivered is counted for it. Built in: "cubic" (the default), "newreno", "bbr".
 *
 * One's own: fill a leat_congestion_ops in one file and set leat_config.congestion_controller to it.
 * Functions may not call back into the connection. The state is plain data: zeroed before init, and
 * copied when a connection moves to a new port of the same host.
 */
#ifndef LEAT_CONGESTION_H
#define LEAT_CONGESTION_H

#include <leat/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A packet that counts in flight, and the path as it was when it was sent. */
typedef struct leat_congestion_packet {
    leat_time time_sent;
    uint64_t bytes;
    uint64_t bytes_in_flight; /* with this packet */
    uint64_t delivered;       /* bytes of the path acknowledged until then */
    uint64_t lost;            /* bytes of the path declared lost until then */
    bool is_app_limited;      /* the application did not fill the path then */
} leat_congestion_packet;

/* One newly acknowledged packet. The RTT already knows this ACK. */
typedef struct leat_congestion_ack {
    const leat_congestion_packet *packet;
    uint64_t bytes_in_flight; /* after this packet was taken out */
    leat_time latest_rtt, smoothed_rtt, min_rtt;
    bool is_app_limited; /* the sender does not use the window now (RFC 9002 §7.8) */
    leat_time now;
} leat_congestion_ack;

/* One packet declared lost. */
typedef struct leat_congestion_loss {
    const leat_congestion_packet *packet;
    uint64_t bytes_in_flight; /* after this packet was taken out */
    uint64_t lost;            /* bytes of the path lost so far, with this packet */
    leat_time now;
} leat_congestion_loss;

/* What a whole ACK says: draft-cheng-iccrg-delivery-rate-estimation §3. */
typedef struct leat_rate_sample {
    uint64_t delivery_rate;    /* bytes per second; 0: this ACK gives no rate */
    bool is_app_limited;       /* the rate is only what the application had to send */
    uint64_t delivered;        /* bytes acknowledged on the path so far */
    uint64_t prior_delivered;  /* the same when the newest acknowledged packet was sent */
    uint64_t lost;             /* bytes lost between the sending of that packet and now */
    uint64_t tx_in_flight;     /* in flight when that packet was sent, with it */
    uint64_t newly_acked;      /* bytes acknowledged by this ACK */
    uint64_t newly_lost;       /* bytes declared lost because of it */
    uint64_t bytes_in_flight;  /* now */
    leat_time rtt;             /* measured by this ACK; 0: not measured */
    leat_time smoothed_rtt, min_rtt;
    leat_time now;
} leat_rate_sample;

/* Packets were lost, or the peer counted new CE marks. */
typedef struct leat_congestion_event {
    leat_time time_sent;      /* of the newest packet concerned: is this a new recovery period? */
    uint64_t lost_bytes;      /* 0 for ECN */
    uint64_t bytes_in_flight; /* after the lost ones were taken out */
    bool is_ecn;
    leat_time now;
} leat_congestion_event;

/* Functions marked "optional" may be NULL. */
typedef struct leat_congestion_ops {
    size_t size; /* sizeof(leat_congestion_ops) */
    const char *name;
    size_t state_size; /* bytes of state */
    void (*init)(void *state, size_t max_datagram_size);
    /* Optional. */
    void (*on_sent)(void *state, const leat_congestion_packet *packet);
    void (*on_acked)(void *state, const leat_congestion_ack *ack);
    /* Optional: each lost packet by itself, before the event they make up together. */
    void (*on_lost)(void *state, const leat_congestion_loss *loss);
    /* Optional: after all packets of an ACK were acknowledged or declared lost. */
    void (*on_ack_end)(void *state, const leat_rate_sample *sample);
    void (*on_congestion_event)(void *state, const leat_congestion_event *event);
    /* RFC 9002 §7.6 */
    void (*on_persistent_congestion)(void *state);
    /* Optional: all losses since the last reduction have been acknowledged after all. */
    void (*on_spurious_loss)(void *state);
    /* The path takes larger or smaller datagrams from now on. */
    void (*on_datagram_size)(void *state, size_t max_datagram_size);
    uint64_t (*window)(const void *state); /* bytes */
    /* Optional. Bytes per second; 0: 1.25 windows per round trip (RFC 9002 §7.7). */
    uint64_t (*pacing_rate)(const void *state);
    /* Optional, for traces. UINT64_MAX: not set yet. */
    uint64_t (*slow_start_threshold)(const void *state);
    /* Optional, for traces: "slow_start", "congestion_avoidance", "recovery". Static storage. */
    const char *(*state_name)(const void *state);
} leat_congestion_ops;

/* The built-in controller of this name, or NULL. A NULL name is the default. */
LEAT_API const leat_congestion_ops *leat_congestion_find(const char *name);

/*
 * RFC 9002 §7.2, in bytes: ten datagrams, at most the larger of 14720 bytes and two datagrams; never
 * below two datagrams.
 */
LEAT_API uint64_t leat_initial_window(size_t max_datagram_size);
LEAT_API uint64_t leat_minimum_window(size_t max_datagram_size);

#ifdef __cplusplus
}
#endif

#endif
