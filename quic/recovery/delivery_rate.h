/*
 * Delivery rate estimation of a path, draft-cheng-iccrg-delivery-rate-estimation-02 §3: each packet
 * takes a snapshot of the path along; when it is acknowledged, what was delivered since then and the
 * time it took are a rate. A sample sums up one ACK.
 */
#ifndef LEAT_QUIC_RECOVERY_DELIVERY_RATE_H
#define LEAT_QUIC_RECOVERY_DELIVERY_RATE_H

#include <leat/congestion.h>

#include "quic/recovery/rtt.h"
#include "quic/recovery/sent_packets.h"

typedef struct leat_delivery_rate {
    uint64_t delivered;        /* bytes acknowledged */
    uint64_t lost;             /* bytes declared lost */
    leat_time delivered_time;  /* when delivered grew last */
    leat_time first_sent_time; /* of the packet that opened the newest sampled flight */
    uint64_t app_limited;      /* the idle gap has passed when delivered exceeds this; 0: no gap */
} leat_delivery_rate;

/* One ACK's sample in the making. */
typedef struct leat_rate_builder {
    leat_rate_sample sample;
    leat_time newest_sent; /* the newest packet so far; meaningful when has_packet */
    leat_time interval;
    bool has_packet;
} leat_rate_builder;

/* bytes_in_flight: with this packet. Takes the packet's snapshot. */
void leat_delivery_rate_on_sent(
    leat_delivery_rate *rate, leat_sent_packet *packet, uint64_t bytes_in_flight);
void leat_delivery_rate_on_acked(leat_delivery_rate *rate, leat_rate_builder *builder,
    const leat_sent_packet *packet, leat_time now);
/* Completes the sample: nothing more is acknowledged or lost by this ACK. */
void leat_delivery_rate_finish(leat_delivery_rate *rate, leat_rate_builder *builder,
    const leat_rtt *rtt, uint64_t bytes_in_flight, leat_time now);
/* The application has nothing to send although it could: the samples of the flight say little. */
void leat_delivery_rate_set_app_limited(leat_delivery_rate *rate, uint64_t bytes_in_flight);

/* A packet as controllers see it. */
leat_congestion_packet leat_delivery_rate_describe(const leat_sent_packet *packet);

#endif
