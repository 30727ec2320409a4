/*
 * What applications do over a connection: tasks. Every byte of a stream or datagram follows from
 * the seed and its place, so the receiver knows what must arrive.
 */
#ifndef LEAT_SIM_TASK_H
#define LEAT_SIM_TASK_H

#include "sim/change.h"

typedef enum sim_task_kind {
    SIM_TASK_STREAM,    /* opens streams and sends */
    SIM_TASK_RESET,     /* as STREAM, and resets after `limit` bytes were handed over */
    SIM_TASK_RESET_AT,  /* as RESET, and the first half of `limit` arrives all the same */
    SIM_TASK_STOP,      /* as STREAM; the receiver stops reading after `limit` bytes */
    SIM_TASK_HOLD,      /* as STREAM; the receiver pauses once for `interval` after `limit` bytes */
    SIM_TASK_DATAGRAMS,
    SIM_TASK_PINGS,
    SIM_TASK_KEY_UPDATES,
    SIM_TASK_CONNECTION_IDS, /* goes to another connection ID of the peer */
    SIM_TASK_PROBES,         /* the client asks on another path and keeps it in reserve */
    SIM_TASK_MIGRATIONS,     /* the client moves: to that path, or to a new one */
    SIM_TASK_CLOSE,          /* in the middle of things */
    SIM_TASK_KINDS
} sim_task_kind;
const char *sim_task_name(sim_task_kind kind);

typedef struct sim_task {
    sim_task_kind kind;
    sim_side side;       /* who does it */
    leat_time at;        /* after the handshake completed there */
    bool unidirectional;
    unsigned count;      /* streams, datagrams, pings ...; 0 is 1 */
    leat_time interval;  /* between two of them, where they are not streams */
    uint64_t size;       /* bytes of each stream or datagram */
    uint64_t answer;     /* bytes that come back on a bidirectional stream, when it has ended */
    uint64_t limit;
} sim_task;

#endif
