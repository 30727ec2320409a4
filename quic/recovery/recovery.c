/* Life of the recovery state, packets sent, spaces discarded, and the timer: see recovery.h. */
#include "quic/recovery/recovery.h"

#include "quic/recovery/pto.h"

#include <assert.h>

#define DEFAULT_MAX_ACK_DELAY (25 * LEAT_MILLISECOND) /* RFC 9000 §18.2 */

static void init_space(leat_recovery *recovery, leat_space id) {
    leat_recovery_space *space = &recovery->spaces[id];
    *space = (leat_recovery_space){
        .largest_acked_packet = LEAT_NOT_ACKED, .loss_time = LEAT_TIME_NEVER};
    leat_sent_packets_init(&space->sent, recovery->allocator, &recovery->records);
}

void leat_recovery_init(leat_recovery *recovery, const leat_allocator *allocator, bool is_client) {
    *recovery = (leat_recovery){
        .allocator = allocator,
        .conditions = {.is_client = is_client,
            .peer_completed_address_validation = !is_client,
            .max_ack_delay = DEFAULT_MAX_ACK_DELAY},
    };
    leat_slab_init(
        &recovery->records, allocator, sizeof(leat_frame_record), LEAT_FRAME_RECORDS_KEPT);
    for (leat_space id = 0; id < LEAT_SPACE_COUNT; id++) {
        init_space(recovery, id);
    }
}

void leat_recovery_clear(leat_recovery *recovery) {
    for (size_t i = 0; i < LEAT_SPACE_COUNT; i++) {
        leat_sent_packets_clear(&recovery->spaces[i].sent);
    }
    leat_slab_clear(&recovery->records);
    leat_ring_clear(&recovery->lost);
}

void leat_recovery_trim(leat_recovery *recovery) {
    for (size_t i = 0; i < LEAT_SPACE_COUNT; i++) {
        leat_sent_packets_trim(&recovery->spaces[i].sent);
    }
    leat_slab_clear(&recovery->records);
}

void leat_recovery_set_path(leat_recovery *recovery, leat_recovery_path *path) {
    recovery->path = path;
}

static void fill_packet(
    leat_sent_packet *packet, const leat_sent_info *info, const leat_frame_records *records) {
    packet->time_sent = info->time_sent;
    packet->path = info->path;
    packet->records = records->first;
    packet->sent_bytes = info->sent_bytes;
    packet->ecn = info->ecn;
    packet->ack_eliciting = info->ack_eliciting;
    packet->in_flight = info->in_flight;
    packet->is_mtu_probe = info->is_mtu_probe;
}

/* A packet in flight takes its share of the window and of the pacer. */
static void count_in_flight(leat_recovery_path *path, leat_sent_packet *packet) {
    path->bytes_in_flight += packet->sent_bytes;
    leat_delivery_rate_on_sent(&path->rate, packet, path->bytes_in_flight);
    if (path->congestion.ops->on_sent != NULL) {
        leat_congestion_packet described = leat_delivery_rate_describe(packet);
        path->congestion.ops->on_sent(path->congestion.state, &described);
        if (path->bytes_in_flight == packet->sent_bytes) {
            leat_recovery_path_update_pacer(path); /* a flight begins: the rate may be another */
        }
    }
    leat_pacer_on_sent(&path->pacer, packet->sent_bytes, packet->time_sent);
}

int leat_recovery_on_packet_sent(leat_recovery *recovery, leat_space space,
    const leat_sent_info *info, leat_frame_records *records) {
    leat_recovery_space *within = &recovery->spaces[space];
    assert(!within->is_discarded && info->path != NULL);
    leat_sent_packet *packet = leat_sent_packets_append(&within->sent, info->pn);
    if (packet == NULL) {
        leat_frame_records_drop(records, &recovery->records);
        return within->sent.ring.count >= within->sent.ring.limit ? LEAT_ERR_FULL : LEAT_ERR_NOMEM;
    }
    fill_packet(packet, info, records);
    *records = (leat_frame_records){NULL, NULL};
    recovery->stats.packets_sent++;
    recovery->stats.bytes_sent += info->sent_bytes;
    leat_ecn_on_sent(&info->path->ecn, &within->ecn, info->ecn);
    if (info->in_flight) {
        count_in_flight(info->path, packet);
        recovery->timer_base = info->time_sent;
    }
    if (info->ack_eliciting && info->in_flight) {
        within->sent.ack_eliciting_outstanding++;
        within->time_of_last_ack_eliciting_packet = info->time_sent; /* RFC 9002 §6.2.1-4 */
    }
    return LEAT_OK;
}

void leat_recovery_discard_space(leat_recovery *recovery, leat_space space) {
    leat_recovery_space *within = &recovery->spaces[space];
    /* RFC 9002 §6.4-1: the packets leave the count of bytes in flight without a verdict. */
    for (uint64_t pn = within->sent.first_pn; pn < within->sent.next_pn; pn++) {
        const leat_sent_packet *packet = leat_sent_packets_find(&within->sent, pn);
        if (packet != NULL && packet->state == LEAT_SENT_OUTSTANDING && packet->in_flight &&
            packet->path != NULL) {
            packet->path->bytes_in_flight -= packet->sent_bytes;
        }
    }
    leat_sent_packets_clear(&within->sent);
    within->loss_time = LEAT_TIME_NEVER;
    within->is_discarded = true;
    recovery->conditions.crypto_waits[space] = false;
    recovery->pto_count = 0; /* RFC 9002 §6.2.2-3: discarding keys is progress */
}

void leat_recovery_restart_space(leat_recovery *recovery, leat_space space) {
    leat_recovery_discard_space(recovery, space);
    init_space(recovery, space);
}

leat_time leat_recovery_get_timer(const leat_recovery *recovery) {
    leat_time loss_time = leat_pto_loss_time(recovery).due;
    /* RFC 9002 §6.2.1-6: one timer, and time threshold loss detection goes first. */
    return loss_time != LEAT_TIME_NEVER ? loss_time : leat_pto_next(recovery).due;
}

const leat_sent_packet *leat_recovery_next_unacked(
    const leat_recovery *recovery, leat_space space, uint64_t *cursor) {
    const leat_sent_packets *sent = &recovery->spaces[space].sent;
    uint64_t pn = *cursor > sent->first_pn ? *cursor : sent->first_pn;
    for (const leat_sent_packet *packet; (packet = leat_sent_packets_find(sent, pn)) != NULL;
         pn++) {
        if (packet->state == LEAT_SENT_OUTSTANDING && packet->ack_eliciting) {
            *cursor = pn + 1;
            return packet;
        }
    }
    *cursor = pn;
    return NULL;
}

leat_time leat_recovery_pto(const leat_recovery *recovery) {
    return leat_time_add(
        leat_rtt_pto_base(&recovery->path->rtt), recovery->conditions.max_ack_delay);
}

bool leat_recovery_has_eliciting(const leat_recovery *recovery, leat_space space) {
    return recovery->spaces[space].sent.ack_eliciting_outstanding > 0;
}

bool leat_recovery_has_any_eliciting(const leat_recovery *recovery) {
    return leat_recovery_has_eliciting(recovery, LEAT_SPACE_INITIAL) ||
           leat_recovery_has_eliciting(recovery, LEAT_SPACE_HANDSHAKE) ||
           leat_recovery_has_eliciting(recovery, LEAT_SPACE_APPLICATION);
}
