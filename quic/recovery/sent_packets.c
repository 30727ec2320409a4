/* The ring of sent packets and the records of their frames: see sent_packets.h. */
#include "quic/recovery/sent_packets.h"

#include <assert.h>

bool leat_frame_records_add(leat_frame_records *records, leat_slab *slab, uint8_t kind,
    uint8_t flags, uint64_t a, uint64_t b, uint64_t c) {
    leat_frame_record *record = leat_slab_take(slab);
    if (record == NULL) {
        return false;
    }
    *record = (leat_frame_record){.a = a, .b = b, .c = c, .kind = kind, .flags = flags};
    if (records->last == NULL) {
        records->first = record;
    } else {
        records->last->next = record;
    }
    records->last = record;
    return true;
}

static void give_chain(leat_frame_record *record, leat_slab *slab) {
    while (record != NULL) {
        leat_frame_record *next = record->next;
        leat_slab_give(slab, record);
        record = next;
    }
}

void leat_frame_records_drop(leat_frame_records *records, leat_slab *slab) {
    give_chain(records->first, slab);
    *records = (leat_frame_records){NULL, NULL};
}

void leat_sent_packets_init(
    leat_sent_packets *sent, const leat_allocator *allocator, leat_slab *records) {
    *sent = (leat_sent_packets){.records = records};
    leat_ring_init(&sent->ring, allocator, sizeof(leat_sent_packet), LEAT_SENT_PACKETS_MAX);
}

void leat_sent_packets_clear(leat_sent_packets *sent) {
    for (size_t i = 0; i < sent->ring.count; i++) {
        leat_sent_packet *packet = leat_ring_at(&sent->ring, i);
        give_chain(packet->records, sent->records);
    }
    leat_ring_clear(&sent->ring);
    sent->first_pn = sent->next_pn;
    sent->ack_eliciting_outstanding = 0;
    sent->skipped_in_ring = 0;
}

static void pop_front(leat_sent_packets *sent) {
    const leat_sent_packet *front = leat_ring_front(&sent->ring);
    if (front->state == LEAT_SENT_SKIPPED) {
        sent->skipped[sent->skipped_count++ % LEAT_SKIPPED_KEPT] = front->pn;
        sent->skipped_in_ring--;
    }
    leat_ring_pop(&sent->ring);
    sent->first_pn++;
}

/* Forgets the oldest packet if its fate does not matter: an ACK that nobody acknowledged. */
static bool forget_front(leat_sent_packets *sent) {
    leat_sent_packet *front = leat_ring_front(&sent->ring);
    if (front == NULL || (front->state == LEAT_SENT_OUTSTANDING && front->in_flight)) {
        return false;
    }
    leat_sent_packets_settle(sent, front, LEAT_SENT_FORGOTTEN);
    pop_front(sent);
    return true;
}

static bool make_room(leat_sent_packets *sent) {
    return sent->ring.count < sent->ring.limit || forget_front(sent);
}

void leat_sent_packets_trim(leat_sent_packets *sent) {
    while (forget_front(sent)) {}
    if (sent->ring.count == 0) {
        leat_ring_clear(&sent->ring);
    }
}

static leat_sent_packet *push(leat_sent_packets *sent, leat_sent_state state) {
    leat_sent_packet *packet = make_room(sent) ? leat_ring_push(&sent->ring) : NULL;
    if (packet != NULL) {
        packet->pn = sent->next_pn++;
        packet->state = (uint8_t)state;
    }
    return packet;
}

leat_sent_packet *leat_sent_packets_append(leat_sent_packets *sent, uint64_t pn) {
    assert(pn >= sent->next_pn);
    if (sent->ring.count == 0) {
        sent->first_pn = sent->next_pn;
    }
    while (sent->next_pn < pn) {
        if (push(sent, LEAT_SENT_SKIPPED) == NULL) {
            return NULL;
        }
        sent->skipped_in_ring++;
    }
    return push(sent, LEAT_SENT_OUTSTANDING);
}

leat_sent_packet *leat_sent_packets_find(const leat_sent_packets *sent, uint64_t pn) {
    if (pn < sent->first_pn || pn - sent->first_pn >= sent->ring.count) {
        return NULL;
    }
    return leat_ring_at(&sent->ring, (size_t)(pn - sent->first_pn));
}

static bool has_old_skipped(const leat_sent_packets *sent, uint64_t start, uint64_t end) {
    size_t kept = sent->skipped_count < LEAT_SKIPPED_KEPT ? sent->skipped_count : LEAT_SKIPPED_KEPT;
    for (size_t i = 0; i < kept; i++) {
        if (sent->skipped[i] >= start && sent->skipped[i] < end) {
            return true;
        }
    }
    return false;
}

bool leat_sent_packets_has_unsent(const leat_sent_packets *sent, uint64_t start, uint64_t end) {
    if (end > sent->next_pn || (start < sent->first_pn && has_old_skipped(sent, start, end))) {
        return true;
    }
    if (sent->skipped_in_ring == 0) {
        return false;
    }
    for (uint64_t pn = start > sent->first_pn ? start : sent->first_pn; pn < end; pn++) {
        if (leat_sent_packets_find(sent, pn)->state == LEAT_SENT_SKIPPED) {
            return true;
        }
    }
    return false;
}

void leat_sent_packets_settle(
    leat_sent_packets *sent, leat_sent_packet *packet, leat_sent_state state) {
    if (packet->state == LEAT_SENT_OUTSTANDING) {
        sent->ack_eliciting_outstanding -= (packet->ack_eliciting && packet->in_flight) ? 1 : 0;
        packet->state = (uint8_t)state;
    }
    give_chain(packet->records, sent->records);
    packet->records = NULL;
}

bool leat_sent_packets_pop_settled(leat_sent_packets *sent, leat_sent_packet *settled) {
    const leat_sent_packet *front = leat_ring_front(&sent->ring);
    if (front == NULL || front->state == LEAT_SENT_OUTSTANDING) {
        return false;
    }
    *settled = *front;
    pop_front(sent);
    return true;
}
