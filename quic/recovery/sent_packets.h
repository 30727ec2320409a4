/*
 * What was sent in one packet number space and is not settled yet, RFC 9002 A.1: a ring indexed by
 * packet number, because numbers are dense; acknowledging a range is a linear walk. Each packet
 * holds a chain of records, one per frame that matters when the packet is acknowledged or lost.
 * Records come from a slab: steady traffic allocates nothing.
 *
 *  1. While a packet is built, leat_frame_records_add notes each frame.
 *  2. leat_sent_packets_append when it is sealed; numbers left out since the last one become
 *     "skipped".
 *  3. When a packet is settled (acknowledged, lost, discarded): leat_sent_packets_settle frees
 *     its records.
 *  4. leat_sent_packets_pop_settled drops settled packets at the front.
 */
#ifndef LEAT_QUIC_RECOVERY_SENT_PACKETS_H
#define LEAT_QUIC_RECOVERY_SENT_PACKETS_H

#include "base/alloc.h"
#include "base/ring.h"

/* Packets tracked per space: stops the black hole and the peer that never acknowledges. */
#define LEAT_SENT_PACKETS_MAX 65536
/*
 * Free records kept for reuse per connection: what a wide path has in flight. Calm times give them
 * back.
 */
#define LEAT_FRAME_RECORDS_KEPT 8192
/* Skipped numbers remembered after they left the ring (RFC 9000 §21.4). */
#define LEAT_SKIPPED_KEPT 16

struct leat_recovery_path;

/*
 * What a frame's on_acked and on_lost need; the meaning of a, b, c, flags is the frame handler's.
 */
typedef struct leat_frame_record {
    struct leat_frame_record *next;
    uint64_t a, b, c;
    uint8_t kind; /* leat_frame_kind */
    uint8_t flags;
} leat_frame_record;

typedef struct leat_frame_records {
    leat_frame_record *first, *last;
} leat_frame_records;

typedef enum leat_sent_state {
    LEAT_SENT_SKIPPED, /* the number was never used */
    LEAT_SENT_OUTSTANDING,
    LEAT_SENT_ACKED,
    LEAT_SENT_LOST,
    LEAT_SENT_FORGOTTEN, /* discarded without a verdict */
} leat_sent_state;

/* The path when a packet was sent: for rate estimation, see delivery_rate.h. */
typedef struct leat_sent_snapshot {
    uint64_t bytes_in_flight; /* with this packet */
    uint64_t delivered, lost; /* bytes until then */
    leat_time delivered_time, first_sent_time;
    bool is_app_limited;
} leat_sent_snapshot;

typedef struct leat_sent_packet {
    uint64_t pn;
    leat_time time_sent;
    struct leat_recovery_path *path; /* NULL when the path is gone */
    leat_frame_record *records;
    leat_sent_snapshot path_then;
    uint32_t sent_bytes;
    uint8_t state; /* leat_sent_state */
    uint8_t ecn;   /* LEAT_ECN_* it was sent with */
    bool ack_eliciting, in_flight;
    bool is_mtu_probe; /* its loss is no sign of congestion (RFC 9000 §14.4) */
} leat_sent_packet;

typedef struct leat_sent_packets {
    leat_ring ring;
    leat_slab *records;                  /* shared by the spaces of a connection */
    uint64_t first_pn;                   /* number of the ring's front */
    uint64_t next_pn;                    /* one past the largest number sent */
    uint64_t skipped[LEAT_SKIPPED_KEPT]; /* skipped numbers below first_pn, the newest ones */
    size_t skipped_count;                /* ever; the array is written round and round */
    size_t skipped_in_ring;
    size_t ack_eliciting_outstanding; /* packets in flight that ask for an ACK */
} leat_sent_packets;

/* False when memory is out; the packet being built must then be given up. */
bool leat_frame_records_add(leat_frame_records *records, leat_slab *slab, uint8_t kind,
    uint8_t flags, uint64_t a, uint64_t b, uint64_t c);
/* Gives all records back: the packet was not sent. */
void leat_frame_records_drop(leat_frame_records *records, leat_slab *slab);

void leat_sent_packets_init(
    leat_sent_packets *sent, const leat_allocator *allocator, leat_slab *records);
void leat_sent_packets_clear(leat_sent_packets *sent);
/* Forgets the oldest packets that are not in flight, and gives the ring back when it is empty. */
void leat_sent_packets_trim(leat_sent_packets *sent);
/*
 * A new outstanding entry for `pn` (>= next_pn), all else zero; takes nothing. NULL when memory is
 * out or the bound is reached and the oldest packet is still in flight. Pointers to packets are
 * valid until the next append.
 */
leat_sent_packet *leat_sent_packets_append(leat_sent_packets *sent, uint64_t pn);
/* The entry of a number, in whatever state, or NULL when it left the ring or was not sent yet. */
leat_sent_packet *leat_sent_packets_find(const leat_sent_packets *sent, uint64_t pn);
/* Whether [start, end) holds a number that was never sent: too high, or skipped. */
bool leat_sent_packets_has_unsent(const leat_sent_packets *sent, uint64_t start, uint64_t end);
/* Gives the packet's records back and leaves it in `state`. */
void leat_sent_packets_settle(
    leat_sent_packets *sent, leat_sent_packet *packet, leat_sent_state state);
/*
 * Drops the front packet if it is settled; false when there is none. *settled: a copy of what was
 * dropped.
 */
bool leat_sent_packets_pop_settled(leat_sent_packets *sent, leat_sent_packet *settled);

#endif
