/*
 * Losses that were none: packets acknowledged after they had been declared lost. The newest lost
 * packets of a connection are remembered; a late ACK of one makes loss detection on its path more
 * patient (RFC 9002 §6.1.1, §6.1.2), and when all losses of a recovery period are explained, the
 * controller may undo its reduction (RFC 9438 §4.9). Frames are not taken back: what was lost has
 * been queued again already.
 */
#ifndef LEAT_QUIC_RECOVERY_SPURIOUS_H
#define LEAT_QUIC_RECOVERY_SPURIOUS_H

#include "base/range_set.h"
#include "base/ring.h"
#include "quic/packet/header.h"
#include "quic/recovery/sent_packets.h"

struct leat_recovery;

/* Lost packets remembered per connection: losses beyond that are final. Stops growth under loss. */
#define LEAT_LOST_PACKETS_MAX 64
/* The thresholds never grow beyond this, whatever a peer acknowledges late. */
#define LEAT_PACKET_THRESHOLD_MAX 128
#define LEAT_TIME_THRESHOLD_EIGHTHS_MAX 16

/* How patient loss detection on a path is. */
typedef struct leat_reordering {
    uint32_t packet_threshold;       /* RFC 9002 §6.1.1: kPacketThreshold */
    uint32_t time_threshold_eighths; /* RFC 9002 §6.1.2: kTimeThreshold * 8 */
} leat_reordering;

extern const leat_reordering leat_reordering_initial;

/* The losses of one recovery period (RFC 9002 §7.3.2) on a path. */
typedef struct leat_loss_episode {
    uint32_t id;           /* 0: none so far */
    uint32_t unexplained;  /* lost and not acknowledged since */
    bool is_real;          /* there was other evidence of congestion */
    leat_time start;       /* packets sent later belong to the next episode */
} leat_loss_episode;

/* Why a packet was declared lost; both may hold. */
typedef struct leat_loss_reason {
    bool is_overtaken, is_late;
} leat_loss_reason;

/* Declared lost, and a sign of congestion. Without memory the loss is final. */
void leat_spurious_on_lost(struct leat_recovery *recovery, leat_space space,
    const leat_sent_packet *packet, leat_loss_reason reason, leat_time now);
/* There is congestion for other reasons: nothing to undo in this period. */
void leat_spurious_on_evidence(struct leat_recovery_path *path, leat_time time_sent, leat_time now);
/* Before the ranges are settled and the largest number is updated: looks for late ACKs in them. */
void leat_spurious_on_ack(struct leat_recovery *recovery, leat_space space,
    const leat_range *ranges, size_t count, leat_time now);
void leat_spurious_forget_path(
    struct leat_recovery *recovery, const struct leat_recovery_path *path);

#endif
