/* The memory of lost packets, and what their late ACKs change: see spurious.h. */
#include "quic/recovery/spurious.h"

#include "quic/recovery/recovery.h"

/* A late ACK is worth waiting for so many PTOs; then the memory is given back. */
#define REMEMBERED_PTOS 3

typedef struct lost_packet {
    uint64_t pn;
    leat_time lost_at;
    leat_recovery_path *path; /* NULL: explained, or of a path that is gone */
    uint32_t episode;
    uint8_t space; /* leat_space */
    leat_loss_reason reason;
} lost_packet;

const leat_reordering leat_reordering_initial = {
    .packet_threshold = LEAT_PACKET_THRESHOLD,
    .time_threshold_eighths = LEAT_TIME_THRESHOLD_EIGHTHS,
};

/* RFC 9002 §7.3.2: packets sent after the last reduction open a new period. */
static leat_loss_episode *episode_of(
    leat_recovery_path *path, leat_time time_sent, leat_time now) {
    leat_loss_episode *episode = &path->episode;
    if (episode->id == 0 || time_sent > episode->start) {
        *episode = (leat_loss_episode){.id = episode->id + 1, .start = now};
    }
    return episode;
}

static lost_packet *remember(leat_ring *lost, const leat_allocator *allocator) {
    if (lost->element_size == 0) {
        leat_ring_init(lost, allocator, sizeof(lost_packet), LEAT_LOST_PACKETS_MAX);
    }
    if (lost->count == LEAT_LOST_PACKETS_MAX) {
        leat_ring_pop(lost);
    }
    return leat_ring_push(lost);
}

void leat_spurious_on_lost(leat_recovery *recovery, leat_space space,
    const leat_sent_packet *packet, leat_loss_reason reason, leat_time now) {
    leat_loss_episode *episode = episode_of(packet->path, packet->time_sent, now);
    episode->unexplained++;
    lost_packet *lost = remember(&recovery->lost, recovery->allocator);
    if (lost != NULL) {
        *lost = (lost_packet){
            .pn = packet->pn,
            .lost_at = now,
            .path = packet->path,
            .episode = episode->id,
            .space = (uint8_t)space,
            .reason = reason,
        };
    }
}

void leat_spurious_on_evidence(leat_recovery_path *path, leat_time time_sent, leat_time now) {
    episode_of(path, time_sent, now)->is_real = true;
}

static void forget_old(leat_recovery *recovery, leat_time now) {
    leat_time kept = recovery->path != NULL
                         ? leat_time_multiply(leat_recovery_pto(recovery), REMEMBERED_PTOS)
                         : 0;
    const lost_packet *oldest;
    while ((oldest = leat_ring_front(&recovery->lost)) != NULL &&
           (oldest->path == NULL || leat_time_add(oldest->lost_at, kept) < now)) {
        leat_ring_pop(&recovery->lost);
    }
    if (recovery->lost.count == 0) {
        leat_ring_clear(&recovery->lost);
    }
}

/* RFC 9002 §6.1.1, §6.1.2: the threshold that was too tight becomes one that would have held. */
static void be_more_patient(leat_reordering *reordering, leat_loss_reason reason, uint64_t behind) {
    uint64_t needed = behind + 1;
    if (reason.is_overtaken && needed > reordering->packet_threshold) {
        reordering->packet_threshold = needed < LEAT_PACKET_THRESHOLD_MAX
                                           ? (uint32_t)needed
                                           : LEAT_PACKET_THRESHOLD_MAX;
    }
    if (reason.is_late && reordering->time_threshold_eighths < LEAT_TIME_THRESHOLD_EIGHTHS_MAX) {
        reordering->time_threshold_eighths++;
    }
}

static void explain(leat_recovery *recovery, lost_packet *lost) {
    leat_recovery_path *path = lost->path;
    leat_loss_episode *episode = &path->episode;
    be_more_patient(&path->reordering, lost->reason,
        leat_time_sub(recovery->spaces[lost->space].largest_acked_packet, lost->pn));
    recovery->stats.spurious_losses++;
    lost->path = NULL;
    if (lost->episode != episode->id || --episode->unexplained > 0 || episode->is_real) {
        return;
    }
    episode->start = 0; /* the period is over: the next loss is news */
    if (path->congestion.ops->on_spurious_loss != NULL) {
        path->congestion.ops->on_spurious_loss(path->congestion.state);
        leat_recovery_path_update_pacer(path);
    }
}

static bool is_in(const leat_range *ranges, size_t count, uint64_t pn) {
    for (size_t i = 0; i < count; i++) {
        if (pn >= ranges[i].start) { /* descending */
            return pn < ranges[i].end;
        }
    }
    return false;
}

void leat_spurious_on_ack(leat_recovery *recovery, leat_space space, const leat_range *ranges,
    size_t count, leat_time now) {
    for (size_t i = 0; i < recovery->lost.count; i++) {
        lost_packet *lost = leat_ring_at(&recovery->lost, i);
        if (lost->path != NULL && lost->space == space && is_in(ranges, count, lost->pn)) {
            explain(recovery, lost);
        }
    }
    if (recovery->lost.count > 0) {
        forget_old(recovery, now);
    }
}

void leat_spurious_forget_path(leat_recovery *recovery, const leat_recovery_path *path) {
    for (size_t i = 0; i < recovery->lost.count; i++) {
        lost_packet *lost = leat_ring_at(&recovery->lost, i);
        lost->path = lost->path == path ? NULL : lost->path;
    }
}
