/* The thresholds of RFC 9002 §6.1 and persistent congestion, §7.6: see loss.h. */
#include "quic/recovery/loss.h"

#include "quic/recovery/recovery.h"

void leat_loss_detect(leat_recovery_space *space, const leat_rtt *rtt, leat_time now,
    leat_on_lost_fn on_lost, void *user) {
    space->loss_time = LEAT_TIME_NEVER;
    if (space->largest_acked_packet == LEAT_NOT_ACKED) {
        return;
    }
    for (uint64_t pn = space->sent.first_pn; pn <= space->largest_acked_packet; pn++) {
        leat_sent_packet *unacked = leat_sent_packets_find(&space->sent, pn);
        if (unacked == NULL) {
            return;
        }
        if (unacked->state != LEAT_SENT_OUTSTANDING) {
            continue;
        }
        const leat_recovery_path *path = unacked->path;
        const leat_reordering *patience =
            path != NULL ? &path->reordering : &leat_reordering_initial;
        leat_time loss_delay =
            leat_rtt_loss_delay(path != NULL ? &path->rtt : rtt, patience->time_threshold_eighths);
        leat_time lost_at = leat_time_add(unacked->time_sent, loss_delay);
        leat_loss_reason reason = {
            /* RFC 9002 §6.1.1-1 */
            .is_overtaken = space->largest_acked_packet - pn >= patience->packet_threshold,
            .is_late = lost_at <= now, /* RFC 9002 §6.1.2-1 */
        };
        if (reason.is_late || reason.is_overtaken) {
            on_lost(user, unacked, reason);
        } else if (lost_at < space->loss_time) {
            space->loss_time = lost_at; /* RFC 9002 §6.1.2-3 */
        }
    }
}

/* RFC 9002 §7.6.1: three PTOs with max_ack_delay, whatever the backoff. */
static leat_time persistent_duration(const leat_rtt *rtt, leat_time max_ack_delay) {
    return leat_time_multiply(
        leat_time_add(leat_rtt_pto_base(rtt), max_ack_delay), LEAT_PERSISTENT_CONGESTION_THRESHOLD);
}

/*
 * RFC 9002 §7.6.2-1, §7.6.2-2: ack-eliciting, and sent after the first sample (NEVER: none yet).
 * Probes for the MTU prove nothing.
 */
static bool counts_for_run(const leat_sent_packet *packet) {
    return packet->ack_eliciting && !packet->is_mtu_probe && packet->path != NULL &&
           packet->time_sent > packet->path->rtt.first_rtt_sample;
}

bool leat_loss_run_add(
    leat_loss_run *run, const leat_sent_packet *settled, leat_time max_ack_delay) {
    /* RFC 9002 §7.6.2-3: each space has its own run, which that section allows. */
    if (settled->state == LEAT_SENT_ACKED) {
        run->path = NULL;
        return false;
    }
    if (settled->state != LEAT_SENT_LOST || !counts_for_run(settled)) {
        return false;
    }
    if (run->path != settled->path) {
        *run = (leat_loss_run){settled->path, settled->time_sent, settled->time_sent};
        return false;
    }
    run->end = settled->time_sent;
    if (leat_time_sub(run->end, run->start) <=
        persistent_duration(&run->path->rtt, max_ack_delay)) {
        return false;
    }
    run->path = NULL;
    return true;
}
