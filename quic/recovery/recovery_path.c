/*
 * What recovery keeps per network path: estimator, controller, pacer, ECN, and what may be sent on
 * it now.
 */
#include "quic/recovery/recovery.h"

#include <assert.h>
#include <string.h>

/* The pacer follows the window and the RTT, or the rate of a controller that has one. */
void leat_recovery_path_update_pacer(leat_recovery_path *path) {
    const leat_congestion *congestion = &path->congestion;
    uint64_t rate =
        congestion->ops->pacing_rate != NULL ? congestion->ops->pacing_rate(congestion->state) : 0;
    if (rate != 0) {
        leat_pacer_set_rate(&path->pacer, rate);
    } else {
        leat_pacer_set_window(
            &path->pacer, leat_congestion_window(congestion), path->rtt.smoothed_rtt);
    }
}

int leat_recovery_path_init(leat_recovery_path *path, const leat_allocator *allocator,
    const leat_congestion_ops *ops, size_t max_datagram_size, leat_time initial_rtt,
    bool ecn_enabled) {
    *path = (leat_recovery_path){
        .max_datagram_size = max_datagram_size, .reordering = leat_reordering_initial};
    ops = ops != NULL ? ops : leat_congestion_find(NULL);
    int err = leat_congestion_init(&path->congestion, ops, allocator, max_datagram_size);
    if (err != LEAT_OK) {
        return err;
    }
    leat_rtt_init(&path->rtt, initial_rtt);
    leat_pacer_init(&path->pacer, max_datagram_size);
    leat_ecn_init(&path->ecn, ecn_enabled);
    leat_mtu_init(&path->mtu, max_datagram_size, max_datagram_size);
    leat_recovery_path_update_pacer(path);
    return LEAT_OK;
}

void leat_recovery_path_clear(leat_recovery *recovery, leat_recovery_path *path) {
    for (size_t i = 0; i < LEAT_SPACE_COUNT; i++) {
        leat_recovery_space *space = &recovery->spaces[i];
        for (size_t at = 0; at < space->sent.ring.count; at++) {
            leat_sent_packet *packet = leat_ring_at(&space->sent.ring, at);
            packet->path = packet->path == path ? NULL : packet->path;
        }
        space->run.path = space->run.path == path ? NULL : space->run.path;
    }
    leat_spurious_forget_path(recovery, path);
    recovery->path = recovery->path == path ? NULL : recovery->path;
    leat_congestion_clear(&path->congestion);
}

void leat_recovery_path_reset(leat_recovery_path *path, leat_time initial_rtt) {
    leat_rtt_init(&path->rtt, initial_rtt);
    leat_congestion_reset(&path->congestion, path->max_datagram_size);
    leat_pacer_init(&path->pacer, path->max_datagram_size);
    leat_ecn_init(&path->ecn, path->ecn.state != LEAT_ECN_FAILED);
    path->reordering = leat_reordering_initial;
    path->episode.is_real = true; /* a late ACK tells the new path nothing */
    leat_recovery_path_update_pacer(path);
}

void leat_recovery_path_inherit(leat_recovery_path *path, const leat_recovery_path *from) {
    assert(path->congestion.ops == from->congestion.ops);
    memcpy(path->congestion.state, from->congestion.state, from->congestion.ops->state_size);
    path->rtt = from->rtt;
    path->pacer = from->pacer;
    path->mtu = from->mtu;
    path->mtu.probe = 0; /* the one in flight is the other path's */
    path->max_datagram_size = from->max_datagram_size;
    path->rate = from->rate; /* the controller's rounds are counted in delivered bytes */
    path->reordering = from->reordering;
    path->episode = from->episode;
    path->episode.is_real = true; /* its losses are the other path's */
}

void leat_recovery_path_set_datagram_size(leat_recovery_path *path, size_t max_datagram_size) {
    path->max_datagram_size = max_datagram_size;
    path->congestion.ops->on_datagram_size(path->congestion.state, max_datagram_size);
    path->pacer.burst_floor = leat_initial_window(max_datagram_size);
    leat_recovery_path_update_pacer(path);
}

void leat_recovery_path_apply_mtu(leat_recovery_path *path) {
    if (path->mtu.size != path->max_datagram_size) {
        leat_recovery_path_set_datagram_size(path, path->mtu.size);
    }
}

static uint64_t window_left(const leat_recovery_path *path) {
    uint64_t window = leat_congestion_window(&path->congestion);
    return window > path->bytes_in_flight ? window - path->bytes_in_flight : 0;
}

uint64_t leat_recovery_path_allowance(const leat_recovery_path *path, leat_time now) {
    uint64_t window = window_left(path); /* RFC 9002 §7-2 */
    uint64_t paced = leat_pacer_allowance(&path->pacer, now);
    return window < paced ? window : paced;
}

bool leat_recovery_can_send(const leat_recovery_path *path, uint64_t bytes, leat_time now) {
    return bytes <= leat_recovery_path_allowance(path, now);
}

bool leat_recovery_has_window(const leat_recovery_path *path, uint64_t bytes) {
    return bytes <= window_left(path);
}

leat_time leat_recovery_pacing_time(const leat_recovery_path *path, uint64_t bytes, leat_time now) {
    return leat_recovery_has_window(path, bytes) ? leat_pacer_next_time(&path->pacer, bytes, now)
                                                 : LEAT_TIME_NEVER;
}

void leat_recovery_set_app_limited(leat_recovery_path *path, bool is_app_limited) {
    path->is_app_limited = is_app_limited;
    if (is_app_limited) {
        leat_delivery_rate_set_app_limited(&path->rate, path->bytes_in_flight);
    }
}
