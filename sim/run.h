/*
 * A run: two endpoints, a link in each direction, some connections and what their applications do,
 * in virtual time. The same configuration gives the same run, to the last event; the digest says
 * so. While it runs everything that must always hold is checked (see world.h); the first violation
 * ends the run with a sentence in `failure`.
 */
#ifndef LEAT_SIM_RUN_H
#define LEAT_SIM_RUN_H

#include <leat/version.h>

#include "sim/occurrences.h"

#define SIM_FLOWS_MAX 64
#define SIM_FAILURE_MAX 384

/* One connection. */
typedef struct sim_flow {
    leat_time start;
    const sim_task *tasks;
    size_t task_count;
    const char *congestion_control; /* of the client; NULL: as the side's config */
    /* Ending without having done everything is no failure: the link is dead for too long, say. */
    bool may_die;
    bool resumes; /* with the last ticket that a client got, if there was one */
    bool rejects_early_data; /* the server does, from when this one begins */
} sim_flow;

/* Read off a connection now and then, for plots. */
typedef struct sim_sample {
    leat_time time;
    size_t flow;
    sim_side side;
    uint64_t congestion_window, bytes_in_flight, packets_lost;
    uint64_t delivered; /* stream bytes that arrived at the other side */
    leat_time smoothed_rtt, latest_rtt;
} sim_sample;

typedef struct sim_config {
    uint64_t seed;
    sim_link_config link[SIM_SIDES]; /* by who sends on it */
    const sim_change *changes;
    size_t change_count;
    const sim_flow *flows;
    size_t flow_count;
    leat_config quic[SIM_SIDES];     /* limits and behaviour; the run fills in the rest */
    bool retry;
    bool is_ipv6;
    bool has_preferred_address;      /* of the server: another port */
    bool tickets;                    /* the server gives session tickets */
    bool early_data;                 /* with them: sent and accepted */
    unsigned chain_length;           /* certificates that the server sends; 0 is 1 */
    leat_time deadline;              /* of virtual time; everything must be over by then */
    leat_time sample_every;          /* 0: no samples */
    void (*on_sample)(void *user, const sim_sample *sample);
    void *on_sample_user;
    const leat_trace_sink *trace[SIM_SIDES];
    /* Sees each datagram that a side hands to its link. */
    void (*on_datagram)(void *user, sim_side from, const uint8_t *bytes, size_t length,
                        const leat_path *path, leat_time now);
    void *on_datagram_user;
    /* Sees each event of a connection; `now` is the time on that side's clock, as in traces. */
    void (*on_event)(void *user, sim_side side, const leat_event *event, leat_time now);
    void *on_event_user;
} sim_config;

typedef struct sim_flow_result {
    bool is_complete;         /* every task was done */
    bool is_resumed, is_early;
    const char *cipher_suite; /* static storage; NULL: no handshake */
    uint32_t version;         /* of QUIC; 0: no handshake */
    leat_time begun, ended;   /* the first and the last stream byte that arrived; 0: none */
    leat_time handshake;      /* from start to the client's HandshakeCompleted; 0: never */
    uint64_t bytes;           /* of streams, that arrived at either side */
    leat_stats stats[SIM_SIDES];
} sim_flow_result;

typedef struct sim_result {
    char failure[SIM_FAILURE_MAX]; /* empty: all is well */
    uint64_t digest;
    leat_time finished;
    size_t memory_peak;            /* bytes live at once, both sides */
    uint64_t allocations;
    sim_flow_result flows[SIM_FLOWS_MAX];
    sim_occurrences occurrences;
} sim_result;

/* Defaults: 10 ms one way, no limits, one ALPN protocol, datagrams on; no flows yet. */
void sim_config_init(sim_config *config);
/* True: no failure. */
bool sim_run(const sim_config *config, sim_result *result);
/* Bits of stream data per second between the first and the last byte; 0: nothing arrived. */
uint64_t sim_goodput(const sim_flow_result *result);

#endif
