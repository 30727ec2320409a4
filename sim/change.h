/*
 * What changes while a run goes on: a time, a kind, and the values it needs. Durations end by
 * themselves.
 */
#ifndef LEAT_SIM_CHANGE_H
#define LEAT_SIM_CHANGE_H

#include <leat/base.h>

/* The client's side of everything is 0, the server's 1; a link is named by who sends on it. */
typedef enum sim_side { SIM_CLIENT, SIM_SERVER, SIM_SIDES } sim_side;

typedef enum sim_change_kind {
    SIM_CHANGE_RATE,           /* value: bits per second */
    SIM_CHANGE_DELAY,          /* value: one way, nanoseconds */
    SIM_CHANGE_MTU,            /* value: bytes; duration */
    SIM_CHANGE_DEATH,          /* nothing leaves; duration */
    SIM_CHANGE_REBIND_PORT,    /* the NAT gives all clients new ports */
    SIM_CHANGE_REBIND_ADDRESS, /* and another address */
    SIM_CHANGE_STALL,          /* the side's process stands still: its clock jumps; duration */
    SIM_CHANGE_WALL_CLOCK,     /* value: seconds that the side's calendar jumps */
    SIM_CHANGE_KINDS
} sim_change_kind;
const char *sim_change_name(sim_change_kind kind);

typedef struct sim_change {
    leat_time at;
    sim_change_kind kind;
    sim_side side;
    int64_t value;
    leat_time duration; /* 0: for good */
    leat_time every;    /* again after this much; 0: once */
} sim_change;

#endif
