/*
 * One direction of a link in virtual time: a queue (tail drop or CoDel, RFC 8289) in front of a
 * wire with a rate and a delay, and everything that real ones do to datagrams. What happened is
 * counted, not what was meant to happen. Other traffic can share the queue.
 *
 *     sim_link_send(link, datagram, now);
 *     now = sim_link_next(link);
 *     while ((datagram = sim_link_take(link, now)) != NULL) { it arrives }
 */
#ifndef LEAT_SIM_LINK_H
#define LEAT_SIM_LINK_H

#include <leat/quic.h>

#include "sim/random.h"

/* All zero: everything arrives at once. Times, rates and chances may change while it runs. */
typedef struct sim_link_config {
    uint64_t rate;           /* bits per second; 0: no limit */
    leat_time delay;         /* one way */
    leat_time jitter;        /* up to this much more, without reordering */
    size_t queue;            /* datagrams that may wait; 0: no limit */
    bool codel;              /* drops (or marks) by waiting time; `queue` still holds */
    bool marks;              /* CoDel marks CE what is ECN-capable */
    sim_ppm loss;
    unsigned loss_run_max;   /* single losses in a row at most; 0: no limit */
    sim_ppm burst;           /* chance that a burst of losses begins */
    unsigned burst_length;   /* datagrams it takes */
    sim_ppm corruption;      /* some bits arrive flipped */
    unsigned corruption_run_max;
    sim_ppm duplication;
    sim_ppm reordering;      /* chance of being overtaken */
    leat_time reorder_delay; /* how much later it comes then */
    sim_ppm marking;         /* chance that an ECN-capable datagram is marked CE */
    sim_ppm bleaching;       /* chance that the ECN field is cleared */
    sim_ppm remarking;       /* chance that ECT(0) becomes ECT(1) */
    bool drops_marked;       /* a box that lets nothing through whose ECN field is not empty */
    size_t mtu;              /* larger datagrams vanish; 0: none */
    bool is_dead;            /* nothing leaves */
    uint64_t cross_rate;     /* bits per second of other traffic, at random times */
    uint64_t drop_numbers;   /* bit n: datagram number n (from 0, below 64) is dropped */
} sim_link_config;

typedef struct sim_datagram {
    struct sim_datagram *next;
    leat_time due, queued;
    uint64_t number; /* in order of sending on this link */
    leat_path path;  /* as the sender writes it: local is the sender */
    uint8_t ecn;
    bool is_cross, is_corrupted;
    size_t length;
    uint8_t bytes[];
} sim_datagram;

/* What can happen to a datagram. */
typedef enum sim_link_count {
    SIM_LINK_SENT,
    SIM_LINK_DELIVERED,
    SIM_LINK_LOST,
    SIM_LINK_LOST_IN_BURST,
    SIM_LINK_LOST_ON_PURPOSE,
    SIM_LINK_DEAD,
    SIM_LINK_TOO_LARGE,
    SIM_LINK_TAIL_DROPPED,
    SIM_LINK_CODEL_DROPPED,
    SIM_LINK_CODEL_MARKED,
    SIM_LINK_MARKED,
    SIM_LINK_BLEACHED,
    SIM_LINK_REMARKED,
    SIM_LINK_MARKED_DROPPED,
    SIM_LINK_CORRUPTED,
    SIM_LINK_DUPLICATED,
    SIM_LINK_REORDERED,
    SIM_LINK_JITTERED,
    SIM_LINK_QUEUED,
    SIM_LINK_CROSS,
    SIM_LINK_COUNTS
} sim_link_count;
const char *sim_link_count_name(sim_link_count count); /* "tail dropped" */

typedef struct sim_link sim_link;

/* NULL: no memory. */
sim_link *sim_link_new(const sim_link_config *config, uint64_t seed);
void sim_link_free(sim_link *link);
/* For changes while it runs. */
sim_link_config *sim_link_settings(sim_link *link);
/* Copies the datagram. False: no memory. */
bool sim_link_send(sim_link *link, const uint8_t *bytes, size_t length, const leat_path *path,
                   uint8_t ecn, leat_time now);
/* When something happens here next, or LEAT_TIME_NEVER. */
leat_time sim_link_next(const sim_link *link);
/* Gives the next datagram that has arrived by now, or NULL; the caller frees it with free(). */
sim_datagram *sim_link_take(sim_link *link, leat_time now);
uint64_t sim_link_counted(const sim_link *link, sim_link_count count);
/* A digest of everything that happened: times, lengths and fates, without contents. */
uint64_t sim_link_digest(const sim_link *link);

#endif
