/*
 * Verdicts on sent packets: acknowledged or lost, by an ACK or by a timer. RFC 9002 A.7, A.9, A.10,
 * B.5 to B.9, with two walks over the ACK: one to see what it is worth (RTT, ECN), one to settle
 * packets, which then see the new RTT.
 */
#include "quic/recovery/pto.h"

#include <leat/quic.h>

/* What an ACK newly acknowledges, before anything changes. */
typedef struct survey {
    bool has_new, has_eliciting;
    bool raises_largest;       /* beyond what was acknowledged before */
    uint64_t newly_acked_ect0; /* on the path of the largest */
    const leat_sent_packet *largest; /* the largest number in the ACK, if newly acknowledged */
} survey;

static uint64_t largest_of(const leat_ack_info *ack) {
    return ack->ranges[0].end - 1;
}

static bool has_unsent(const leat_sent_packets *sent, const leat_ack_info *ack) {
    for (size_t i = 0; i < ack->count; i++) {
        if (leat_sent_packets_has_unsent(sent, ack->ranges[i].start, ack->ranges[i].end)) {
            return true;
        }
    }
    return false;
}

static leat_range clip(const leat_sent_packets *sent, leat_range range) {
    range.start = range.start > sent->first_pn ? range.start : sent->first_pn;
    range.end = range.end > range.start ? range.end : range.start;
    return range;
}

static survey survey_ack(const leat_recovery_space *space, const leat_ack_info *ack) {
    survey found = {.largest = leat_sent_packets_find(&space->sent, largest_of(ack))};
    if (found.largest != NULL && found.largest->state != LEAT_SENT_OUTSTANDING) {
        found.largest = NULL;
    }
    const leat_recovery_path *path = found.largest != NULL ? found.largest->path : NULL;
    found.raises_largest = space->largest_acked_packet == LEAT_NOT_ACKED ||
                           largest_of(ack) > space->largest_acked_packet;
    for (size_t i = 0; i < ack->count; i++) {
        leat_range range = clip(&space->sent, ack->ranges[i]);
        for (uint64_t pn = range.start; pn < range.end; pn++) {
            const leat_sent_packet *packet = leat_sent_packets_find(&space->sent, pn);
            if (packet->state != LEAT_SENT_OUTSTANDING) {
                continue;
            }
            found.has_new = true;
            found.has_eliciting |= packet->ack_eliciting;
            bool is_marked = packet->ecn == LEAT_ECN_ECT0 && packet->path == path;
            found.newly_acked_ect0 += is_marked ? 1 : 0;
        }
    }
    return found;
}

/* The sample, or 0: this ACK gives none. */
static leat_time take_rtt_sample(const leat_recovery *recovery, leat_space space,
    const leat_ack_info *ack, const survey *found, leat_time now) {
    /* RFC 9002 §5.1-1, §5.1-2 */
    if (found->largest == NULL || found->largest->path == NULL || !found->has_eliciting) {
        return 0;
    }
    /*
     * RFC 9002 §5.3: Initial packets are acknowledged at once, their delay is not worth believing.
     */
    leat_time ack_delay = space == LEAT_SPACE_INITIAL ? 0 : ack->ack_delay;
    leat_time latest_rtt = leat_time_sub(now, found->largest->time_sent);
    leat_rtt_on_sample(&found->largest->path->rtt, latest_rtt, ack_delay,
        recovery->conditions.max_ack_delay, recovery->conditions.handshake_confirmed, now);
    return latest_rtt;
}

static void leave_flight(const leat_sent_packet *packet) {
    if (packet->in_flight && packet->path != NULL) {
        packet->path->bytes_in_flight -= packet->sent_bytes;
    }
}

/* ---- acknowledged packets ---- */

/* One ACK on its way through the packets: those of one path are one rate sample. */
typedef struct ack_pass {
    leat_recovery *recovery;
    leat_space space;
    leat_time now;
    const leat_recovery_hooks *hooks;
    leat_recovery_path *path; /* of the sample in the making, or NULL */
    leat_rate_builder builder;
    uint64_t lost_before;           /* on this path */
    leat_recovery_path *rtt_path;   /* on which this ACK measured the RTT */
    leat_time latest_rtt;
} ack_pass;

static void end_sample(ack_pass *pass) {
    leat_recovery_path *path = pass->path;
    if (path == NULL) {
        return;
    }
    leat_delivery_rate_finish(
        &path->rate, &pass->builder, &path->rtt, path->bytes_in_flight, pass->now);
    leat_rate_sample *sample = &pass->builder.sample;
    sample->newly_lost = path->rate.lost - pass->lost_before;
    sample->rtt = path == pass->rtt_path ? pass->latest_rtt : 0;
    if (path->congestion.ops->on_ack_end != NULL) {
        path->congestion.ops->on_ack_end(path->congestion.state, sample);
    }
}

static void begin_sample(ack_pass *pass, leat_recovery_path *path) {
    end_sample(pass);
    pass->path = path;
    pass->lost_before = path->rate.lost;
    pass->builder = (leat_rate_builder){.has_packet = false};
}

static void tell_controller_acked(ack_pass *pass, const leat_sent_packet *packet) {
    leat_recovery_path *path = packet->path;
    if (!packet->in_flight || path == NULL) {
        return;
    }
    if (path != pass->path) {
        begin_sample(pass, path);
    }
    leat_delivery_rate_on_acked(&path->rate, &pass->builder, packet, pass->now);
    leat_congestion_packet described = leat_delivery_rate_describe(packet);
    leat_congestion_ack ack = {
        .packet = &described,
        .bytes_in_flight = path->bytes_in_flight,
        .latest_rtt = path->rtt.latest_rtt,
        .smoothed_rtt = path->rtt.smoothed_rtt,
        .min_rtt = path->rtt.min_rtt,
        .is_app_limited = path->is_app_limited,
        .now = pass->now,
    };
    path->congestion.ops->on_acked(path->congestion.state, &ack);
}

static void settle_acked(ack_pass *pass, leat_sent_packet *packet) {
    leat_recovery *recovery = pass->recovery;
    if (packet->state != LEAT_SENT_OUTSTANDING) {
        return;
    }
    leave_flight(packet);
    recovery->stats.packets_acked++;
    recovery->stats.bytes_acked += packet->sent_bytes;
    tell_controller_acked(pass, packet);
    if (packet->path != NULL) {
        leat_mtu_on_acked(
            &packet->path->mtu, packet->sent_bytes, packet->is_mtu_probe, pass->now);
        leat_recovery_path_apply_mtu(packet->path);
    }
    pass->hooks->on_acked(pass->hooks->user, pass->space, packet);
    leat_sent_packets_settle(&recovery->spaces[pass->space].sent, packet, LEAT_SENT_ACKED);
}

static void settle_acked_ranges(ack_pass *pass, const leat_ack_info *ack) {
    leat_sent_packets *sent = &pass->recovery->spaces[pass->space].sent;
    for (size_t i = ack->count; i-- > 0;) { /* the lowest first: hooks see packets in order */
        leat_range range = clip(sent, ack->ranges[i]);
        for (uint64_t pn = range.start; pn < range.end; pn++) {
            settle_acked(pass, leat_sent_packets_find(sent, pn));
        }
    }
}

/* ---- congestion ---- */

static void on_congestion(leat_recovery *recovery, leat_recovery_path *path, leat_time time_sent,
    uint64_t lost_bytes, bool is_ecn, leat_time now) {
    leat_congestion_event event = {
        .time_sent = time_sent,
        .lost_bytes = lost_bytes,
        .bytes_in_flight = path->bytes_in_flight,
        .is_ecn = is_ecn,
        .now = now,
    };
    recovery->stats.congestion_events++;
    path->congestion.ops->on_congestion_event(path->congestion.state, &event);
    leat_recovery_path_update_pacer(path);
}

/*
 * RFC 9000 §13.4.2.1-1: an ACK that does not raise the largest number is not judged; its counts may
 * be old.
 */
static void judge_ecn(leat_recovery *recovery, leat_space space, const leat_ack_info *ack,
    const survey *found, leat_time now) {
    if (!found->raises_largest || found->largest == NULL || found->largest->path == NULL) {
        return;
    }
    leat_recovery_path *path = found->largest->path;
    uint64_t known_ce = recovery->spaces[space].ecn.counts.ce;
    leat_ecn_verdict verdict = leat_ecn_on_ack(&path->ecn, &recovery->spaces[space].ecn,
        found->newly_acked_ect0, ack->has_ecn ? &ack->ecn : NULL);
    if (verdict == LEAT_ECN_CONGESTION) {
        recovery->stats.packets_marked_ce += ack->ecn.ce - known_ce;
        leat_spurious_on_evidence(path, found->largest->time_sent, now);
        on_congestion(
            recovery, path, found->largest->time_sent, 0, true, now); /* RFC 9002 §7.3.1-1 */
    }
}

/* ---- lost packets ---- */

/* One pass of loss detection: losses of one path are one congestion event. */
typedef struct loss_pass {
    leat_recovery *recovery;
    leat_space space;
    leat_time now;
    const leat_recovery_hooks *hooks;
    leat_recovery_path *path;
    uint64_t lost_bytes;
    leat_time newest_sent;
} loss_pass;

static void end_event(loss_pass *pass) {
    if (pass->path != NULL && pass->lost_bytes > 0) {
        /* RFC 9000 §13.3-7 */
        on_congestion(
            pass->recovery, pass->path, pass->newest_sent, pass->lost_bytes, false, pass->now);
    }
    pass->lost_bytes = 0;
}

static void settle_lost(leat_recovery *recovery, leat_space space, leat_sent_packet *packet,
    const leat_recovery_hooks *hooks) {
    leave_flight(packet);
    recovery->stats.packets_lost++;
    recovery->stats.bytes_lost += packet->sent_bytes;
    hooks->on_lost(hooks->user, space, packet);
    leat_sent_packets_settle(&recovery->spaces[space].sent, packet, LEAT_SENT_LOST);
}

/* RFC 9000 §14.4: a lost MTU probe says only that the path is narrower. */
static bool is_sign_of_congestion(const leat_sent_packet *packet) {
    return packet->in_flight && !packet->is_mtu_probe;
}

static void tell_controller_lost(
    const loss_pass *pass, const leat_sent_packet *packet, leat_loss_reason reason) {
    leat_recovery_path *path = packet->path;
    path->rate.lost += packet->sent_bytes;
    leat_spurious_on_lost(pass->recovery, pass->space, packet, reason, pass->now);
    if (path->congestion.ops->on_lost != NULL) {
        leat_congestion_packet described = leat_delivery_rate_describe(packet);
        leat_congestion_loss loss = {
            .packet = &described,
            .bytes_in_flight = path->bytes_in_flight - packet->sent_bytes,
            .lost = path->rate.lost,
            .now = pass->now,
        };
        path->congestion.ops->on_lost(path->congestion.state, &loss);
    }
}

static void on_packet_lost(void *user, leat_sent_packet *packet, leat_loss_reason reason) {
    loss_pass *pass = user;
    if (packet->path != pass->path) {
        end_event(pass);
        pass->path = packet->path;
    }
    if (packet->path != NULL && is_sign_of_congestion(packet)) {
        pass->lost_bytes += packet->sent_bytes;
        pass->newest_sent = packet->time_sent;
        tell_controller_lost(pass, packet, reason);
    }
    if (packet->ecn == LEAT_ECN_ECT0 && packet->path != NULL) {
        leat_ecn_on_lost(&packet->path->ecn);
    }
    if (packet->path != NULL) {
        leat_mtu_on_lost(&packet->path->mtu, packet->sent_bytes, packet->is_mtu_probe, pass->now);
        leat_recovery_path_apply_mtu(packet->path);
    }
    settle_lost(pass->recovery, pass->space, packet, pass->hooks);
}

/*
 * Settled packets leave the ring in order of numbers; on the way out they tell of persistent
 * congestion.
 */
static void drop_settled(leat_recovery *recovery, leat_space space) {
    leat_recovery_space *within = &recovery->spaces[space];
    leat_sent_packet settled;
    while (leat_sent_packets_pop_settled(&within->sent, &settled)) {
        if (leat_loss_run_add(&within->run, &settled, recovery->conditions.max_ack_delay)) {
            leat_recovery_path *path = settled.path;
            recovery->stats.persistent_congestions++;
            path->episode.is_real = true;
            path->congestion.ops->on_persistent_congestion(path->congestion.state);
            leat_rtt_on_persistent_congestion(&path->rtt);
            leat_recovery_path_update_pacer(path);
        }
    }
}

static void detect_lost(
    leat_recovery *recovery, leat_space space, leat_time now, const leat_recovery_hooks *hooks) {
    static const leat_rtt unknown_rtt = {.smoothed_rtt = LEAT_INITIAL_RTT};
    loss_pass pass = {.recovery = recovery, .space = space, .now = now, .hooks = hooks};
    const leat_rtt *rtt = recovery->path != NULL ? &recovery->path->rtt : &unknown_rtt;
    leat_loss_detect(&recovery->spaces[space], rtt, now, on_packet_lost, &pass);
    end_event(&pass);
    drop_settled(recovery, space);
}

void leat_recovery_lose_all(
    leat_recovery *recovery, leat_space space, const leat_recovery_hooks *hooks) {
    leat_sent_packets *sent = &recovery->spaces[space].sent;
    for (size_t i = 0; i < sent->ring.count; i++) {
        leat_sent_packet *packet = leat_ring_at(&sent->ring, i);
        if (packet->state == LEAT_SENT_OUTSTANDING) {
            settle_lost(recovery, space, packet, hooks);
        }
    }
    recovery->spaces[space].loss_time = LEAT_TIME_NEVER;
    /* RFC 9002 §7.6: no run of these losses is persistent congestion: the path is not to blame. */
    leat_sent_packet settled;
    while (leat_sent_packets_pop_settled(sent, &settled)) {}
    recovery->spaces[space].run = (leat_loss_run){.path = NULL};
}

/* ---- inputs ---- */

/* The ACK acknowledges something new. */
static void take_ack(leat_recovery *recovery, leat_space space, const leat_ack_info *ack,
    const survey *found, leat_time now, const leat_recovery_hooks *hooks) {
    leat_recovery_path *path = found->largest != NULL ? found->largest->path : recovery->path;
    ack_pass pass = {
        .recovery = recovery, .space = space, .now = now, .hooks = hooks, .rtt_path = path};
    pass.latest_rtt = take_rtt_sample(recovery, space, ack, found, now);
    judge_ecn(recovery, space, ack, found, now);
    settle_acked_ranges(&pass, ack);
    detect_lost(recovery, space, now, hooks);
    end_sample(&pass);
    /*
     * RFC 9002 §6.2.1: a client goes on backing off while the server may still be held by its
     * amplification limit.
     */
    if (recovery->conditions.peer_completed_address_validation) {
        recovery->pto_count = 0;
    }
    recovery->timer_base = now;
    if (path != NULL) {
        leat_recovery_path_update_pacer(path);
    }
}

uint64_t leat_recovery_on_ack_received(leat_recovery *recovery, leat_space space,
    const leat_ack_info *ack, leat_time now, const leat_recovery_hooks *hooks) {
    leat_recovery_space *within = &recovery->spaces[space];
    if (within->is_discarded || ack->count == 0) {
        return 0;
    }
    if (has_unsent(&within->sent, ack)) {
        return LEAT_PROTOCOL_VIOLATION; /* RFC 9000 §13.1-2: also numbers skipped on purpose, §21.4
                                         */
    }
    survey found = survey_ack(within, ack);
    leat_spurious_on_ack(recovery, space, ack->ranges, ack->count, now);
    if (within->largest_acked_packet == LEAT_NOT_ACKED ||
        largest_of(ack) > within->largest_acked_packet) {
        within->largest_acked_packet = largest_of(ack);
    }
    if (found.has_new) {
        take_ack(recovery, space, ack, &found, now, hooks);
    }
    return 0;
}

/* Nothing is answered: what is special about our packets on this path may be the reason. */
static void suspect_path(leat_recovery *recovery, leat_space space) {
    leat_recovery_path *path = recovery->path;
    uint64_t cursor = 0;
    const leat_sent_packet *packet;
    while ((packet = leat_recovery_next_unacked(recovery, space, &cursor)) != NULL) {
        if (packet->path == path && packet->sent_bytes > LEAT_MTU_BASE) {
            leat_mtu_on_pto(&path->mtu, recovery->pto_count);
            leat_recovery_path_apply_mtu(path);
            break;
        }
    }
    leat_ecn_on_pto(&path->ecn, recovery->pto_count);
}

leat_timeout leat_recovery_on_timeout(
    leat_recovery *recovery, leat_time now, const leat_recovery_hooks *hooks) {
    leat_pto loss = leat_pto_loss_time(recovery);
    if (loss.due != LEAT_TIME_NEVER) {
        if (loss.due > now) {
            return (leat_timeout){LEAT_TIMEOUT_NONE, loss.space, 0};
        }
        detect_lost(recovery, loss.space, now, hooks);
        return (leat_timeout){LEAT_TIMEOUT_LOSS, loss.space, 0};
    }
    leat_pto pto = leat_pto_next(recovery);
    if (pto.due == LEAT_TIME_NEVER || pto.due > now) {
        return (leat_timeout){LEAT_TIMEOUT_NONE, pto.space, 0};
    }
    /*
     * RFC 9002 §6.2-1: nothing is lost by this; probes will tell. A client that only keeps the
     * server going sends one.
     */
    unsigned probes = leat_recovery_has_eliciting(recovery, pto.space) ? LEAT_PTO_PROBES : 1;
    recovery->pto_count += recovery->pto_count < LEAT_PTO_COUNT_MAX ? 1 : 0;
    recovery->timer_base = now;
    recovery->stats.pto_total++;
    if (recovery->path != NULL) {
        suspect_path(recovery, pto.space);
    }
    return (leat_timeout){LEAT_TIMEOUT_PTO, pto.space, probes};
}
