/*
 * Loss detection in one packet number space, RFC 9002 §6.1 and A.10: packet threshold, time
 * threshold, and persistent congestion (§7.6). Used by recovery.c only.
 */
#ifndef LEAT_QUIC_RECOVERY_LOSS_H
#define LEAT_QUIC_RECOVERY_LOSS_H

#include "quic/recovery/ecn.h"
#include "quic/recovery/rtt.h"
#include "quic/recovery/sent_packets.h"
#include "quic/recovery/spurious.h"

#define LEAT_PACKET_THRESHOLD 3                /* RFC 9002 §6.1.1: kPacketThreshold */
#define LEAT_PERSISTENT_CONGESTION_THRESHOLD 3 /* RFC 9002 §7.6.1: kPersistentCongestionThreshold \
                                                */
#define LEAT_NOT_ACKED UINT64_MAX

/*
 * Ack-eliciting packets lost one after the other with none acknowledged between: persistent
 * congestion grows here.
 */
typedef struct leat_loss_run {
    struct leat_recovery_path *path; /* NULL: no run */
    leat_time start, end;            /* send times of its first and last packet */
} leat_loss_run;

typedef struct leat_recovery_space {
    leat_sent_packets sent;
    uint64_t largest_acked_packet; /* or LEAT_NOT_ACKED */
    leat_time time_of_last_ack_eliciting_packet;
    leat_time loss_time; /* when the time threshold loses the next packet, or LEAT_TIME_NEVER */
    leat_loss_run run;
    leat_ecn_ledger ecn;
    bool is_discarded;
} leat_recovery_space;

/*
 * Marks no packet itself: calls on_lost(user, packet) for each outstanding packet to be declared
 * lost, oldest first, and sets loss_time. on_lost must leave the packet settled. `rtt` is for
 * packets whose path is gone.
 */
typedef void (*leat_on_lost_fn)(void *user, leat_sent_packet *packet, leat_loss_reason reason);
void leat_loss_detect(leat_recovery_space *space, const leat_rtt *rtt, leat_time now,
    leat_on_lost_fn on_lost, void *user);
/*
 * Takes in the verdict on the next packet in order of numbers; true when the run has become
 * persistent congestion.
 */
bool leat_loss_run_add(
    leat_loss_run *run, const leat_sent_packet *settled, leat_time max_ack_delay);

#endif
