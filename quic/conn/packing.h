/*
 * What goes into one datagram: packing.c. Which datagrams are sent, and when, is send.c.
 */
#ifndef LEAT_QUIC_CONN_PACKING_H
#define LEAT_QUIC_CONN_PACKING_H

#include "quic/conn/conn_internal.h"

/* A datagram being built. A packet is finished only when the next one has begun, so that the last
 * one can be padded. */
typedef struct leat_packing {
    leat_path_state *path;
    uint8_t *bytes;
    size_t room, length; /* length: of the finished packets */
    uint8_t ecn;         /* LEAT_ECN_*, of all packets in it */
    bool is_mtu_probe;
    bool is_held_back;   /* by window or pacer */
    bool needs_full;     /* RFC 9000 §14.1, §8.2.1: LEAT_MIN_DATAGRAM bytes */
    bool has_pending;
    leat_packet_out pending;
} leat_packing;

/* Fills datagram->room with what the connection has to say on this path; the length. */
size_t leat_packing_fill(leat_conn *conn, leat_packing *datagram);
/* A packet of its own: begin, frames, finish. False: no room for one. */
bool leat_packing_begin(leat_conn *conn, leat_packing *datagram, leat_space space_id,
                        leat_packet_out *out);
/* Seals the packet; recovery knows it from here on. */
void leat_packing_finish(leat_conn *conn, leat_packing *datagram, leat_packet_out *out);
/* The space has keys. */
bool leat_packing_can_write(const leat_conn *conn, leat_space space);
/* Data waits and only window or pacer hold it back: the pacing timer has to run. */
bool leat_packing_has_paced_work(const leat_conn *conn);

#endif
