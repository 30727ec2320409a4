/*
 * Loss recovery and congestion control of a connection: the face of this folder, RFC 9002. Knows
 * packet numbers, sizes, times and frame records; nothing of bytes on the wire.
 *
 *  1. leat_recovery_init; leat_recovery_path_init for the first path and leat_recovery_set_path.
 *  2. Before a packet: leat_recovery_path_allowance (window and pacer). Frames note themselves
 *     with leat_recovery_record.
 *  3. When it is sealed: leat_recovery_on_packet_sent takes the records.
 *  4. On an ACK: leat_recovery_on_ack_received. It calls hooks->on_acked or on_lost once per
 *     packet; a hook walks packet->records. Hooks must not send, and must not call back into
 *     recovery.
 *  5. leat_recovery_get_timer; when due leat_recovery_on_timeout: after a PTO send `probes`
 *     ack-eliciting packets in the space it names, free of window and pacer;
 *     leat_recovery_next_unacked gives packets whose content is worth repeating.
 *  6. Keep the conditions (leat_recovery_conditions) up to date: the timer depends on them.
 */
#ifndef LEAT_QUIC_RECOVERY_RECOVERY_H
#define LEAT_QUIC_RECOVERY_RECOVERY_H

#include "base/range_set.h"
#include "quic/packet/header.h"
#include "quic/recovery/congestion.h"
#include "quic/recovery/delivery_rate.h"
#include "quic/recovery/ecn.h"
#include "quic/recovery/loss.h"
#include "quic/recovery/mtu.h"
#include "quic/recovery/pacer.h"
#include "quic/recovery/rtt.h"

#define LEAT_PTO_PROBES 2     /* RFC 9002 §6.2.4: packets sent when the PTO expires */
#define LEAT_PTO_COUNT_MAX 30 /* the backoff stops doubling here: 2^30 periods never come */

/* One per network path; owned by whoever owns the path. */
typedef struct leat_recovery_path {
    uint8_t id; /* the owner's */
    leat_rtt rtt;
    leat_congestion congestion;
    leat_pacer pacer;
    leat_ecn ecn;
    leat_mtu mtu;
    size_t max_datagram_size; /* what mtu.size was when it was applied last */
    uint64_t bytes_in_flight;
    leat_delivery_rate rate;
    leat_reordering reordering;
    leat_loss_episode episode;
    bool is_app_limited; /* the last time there was nothing more to send although window was left */
} leat_recovery_path;

/* What the connection knows and the timers need. */
typedef struct leat_recovery_conditions {
    bool is_client;
    bool handshake_confirmed;
    bool has_handshake_keys;
    bool peer_completed_address_validation; /* RFC 9002 A.8; always true for a server */
    bool is_at_amplification_limit;         /* server: nothing may be sent until the client is heard
                                               (§6.2.2.1) */
    bool crypto_waits[LEAT_SPACE_COUNT];    /* handshake bytes that window or pacer hold back */
    leat_time max_ack_delay;                /* the peer's; 25 ms until its parameters are known */
} leat_recovery_conditions;

typedef struct leat_recovery_stats {
    uint64_t packets_sent, packets_acked, packets_lost;
    uint64_t bytes_sent, bytes_acked, bytes_lost;
    uint64_t packets_marked_ce; /* arrived so, as the peer's counts say */
    uint64_t congestion_events, persistent_congestions, spurious_losses, pto_total;
} leat_recovery_stats;

typedef struct leat_recovery {
    const leat_allocator *allocator;
    leat_recovery_space spaces[LEAT_SPACE_COUNT];
    leat_slab records;
    leat_ring lost;           /* packets lost a short while ago, see spurious.h */
    leat_recovery_path *path; /* the one that timers go by */
    leat_recovery_conditions conditions;
    uint32_t pto_count;
    leat_time timer_base; /* last packet sent or acknowledged: a silent client counts from here */
    leat_recovery_stats stats;
} leat_recovery;

typedef struct leat_recovery_hooks {
    void *user;
    void (*on_acked)(void *user, leat_space space, const leat_sent_packet *packet);
    void (*on_lost)(void *user, leat_space space, const leat_sent_packet *packet);
} leat_recovery_hooks;

typedef struct leat_sent_info {
    uint64_t pn;
    leat_time time_sent;
    uint32_t sent_bytes;
    uint8_t ecn; /* LEAT_ECN_* */
    bool ack_eliciting, in_flight, is_mtu_probe;
    leat_recovery_path *path;
} leat_sent_info;

typedef struct leat_ack_info {
    const leat_range *ranges; /* descending, disjoint, half-open; at least one */
    size_t count;
    leat_time ack_delay; /* decoded with the peer's exponent, saturating */
    bool has_ecn;
    leat_ecn_counts ecn;
} leat_ack_info;

typedef enum leat_timeout_kind {
    LEAT_TIMEOUT_NONE,
    LEAT_TIMEOUT_LOSS,
    LEAT_TIMEOUT_PTO
} leat_timeout_kind;

typedef struct leat_timeout {
    leat_timeout_kind kind;
    leat_space space;
    unsigned probes; /* PTO: packets to send */
} leat_timeout;

void leat_recovery_init(leat_recovery *recovery, const leat_allocator *allocator, bool is_client);
/* Frees all records without calling hooks. Paths are cleared by their owner, before or after. */
void leat_recovery_clear(leat_recovery *recovery);
/* Gives back what lies empty; for calm times. */
void leat_recovery_trim(leat_recovery *recovery);

/* ops NULL: the default controller; initial_rtt 0: 333 ms. LEAT_ERR_NOMEM. */
int leat_recovery_path_init(leat_recovery_path *path, const leat_allocator *allocator,
    const leat_congestion_ops *ops, size_t max_datagram_size, leat_time initial_rtt,
    bool ecn_enabled);
/* The path goes away: its packets stay tracked but count for no path. Frees the controller. */
void leat_recovery_path_clear(leat_recovery *recovery, leat_recovery_path *path);
/*
 * Starts estimates anew after a change of address (RFC 9000 §9.4); packets in flight stay counted.
 */
void leat_recovery_path_reset(leat_recovery_path *path, leat_time initial_rtt);
/*
 * The path begins with the estimates of another one: a new port on the same host is most likely a
 * NAT on the same way (RFC 9000 §9.4). Both have the same controller.
 */
void leat_recovery_path_inherit(leat_recovery_path *path, const leat_recovery_path *from);
void leat_recovery_path_set_datagram_size(leat_recovery_path *path, size_t max_datagram_size);
/* What MTU discovery has learned holds from now on. */
void leat_recovery_path_apply_mtu(leat_recovery_path *path);
void leat_recovery_set_path(leat_recovery *recovery, leat_recovery_path *path);

/*
 * Bytes in flight that may be added now: the lesser of window and pacer. Probes and pure ACKs need
 * not ask.
 */
uint64_t leat_recovery_path_allowance(const leat_recovery_path *path, leat_time now);
bool leat_recovery_can_send(const leat_recovery_path *path, uint64_t bytes, leat_time now);
/* The window has room for `bytes` whatever the pacer says. */
bool leat_recovery_has_window(const leat_recovery_path *path, uint64_t bytes);
/* When the pacer lets `bytes` out: now, later, or LEAT_TIME_NEVER when the window is the limit. */
leat_time leat_recovery_pacing_time(const leat_recovery_path *path, uint64_t bytes, leat_time now);
/* After each change of window or RTT; recovery does it itself. */
void leat_recovery_path_update_pacer(leat_recovery_path *path);
/* Tell after each round of sending whether data ran out before the window did (§7.8). */
void leat_recovery_set_app_limited(leat_recovery_path *path, bool is_app_limited);

static inline bool leat_recovery_record(leat_recovery *recovery, leat_frame_records *records,
    uint8_t kind, uint8_t flags, uint64_t a, uint64_t b, uint64_t c) {
    return leat_frame_records_add(records, &recovery->records, kind, flags, a, b, c);
}
/* The packet with these records was not sent. */
static inline void leat_recovery_drop_records(
    leat_recovery *recovery, leat_frame_records *records) {
    leat_frame_records_drop(records, &recovery->records);
}
/*
 * Takes the records (on error too). LEAT_ERR_NOMEM or LEAT_ERR_FULL: not tracked; the packet must
 * not leave. Its number is then spent: go on with the next. FULL means that the peer acknowledges
 * nothing: close.
 */
int leat_recovery_on_packet_sent(leat_recovery *recovery, leat_space space,
    const leat_sent_info *info, leat_frame_records *records);
/*
 * 0, or PROTOCOL_VIOLATION when a number was never sent (RFC 9000 §13.1); then nothing has changed.
 */
uint64_t leat_recovery_on_ack_received(leat_recovery *recovery, leat_space space,
    const leat_ack_info *ack, leat_time now, const leat_recovery_hooks *hooks);
/* The timer of RFC 9002 A.8, or LEAT_TIME_NEVER. */
leat_time leat_recovery_get_timer(const leat_recovery *recovery);
/*
 * Does what is due at `now`; NONE when it came too early. After LOSS there may be data to resend,
 * nothing to probe.
 */
leat_timeout leat_recovery_on_timeout(
    leat_recovery *recovery, leat_time now, const leat_recovery_hooks *hooks);
/*
 * Outstanding ack-eliciting packets of a space, oldest first: *cursor = 0 first; NULL at the end.
 */
const leat_sent_packet *leat_recovery_next_unacked(
    const leat_recovery *recovery, leat_space space, uint64_t *cursor);
/*
 * Declares all outstanding packets of a space lost without a sign of congestion: Retry, 0-RTT
 * rejected.
 */
void leat_recovery_lose_all(
    leat_recovery *recovery, leat_space space, const leat_recovery_hooks *hooks);
/* Keys are gone (RFC 9002 §6.4): forgets the space's packets, no hooks; resets the PTO backoff. */
void leat_recovery_discard_space(leat_recovery *recovery, leat_space space);
/* Discards what was sent in a space that goes on, from packet number 0 again. */
void leat_recovery_restart_space(leat_recovery *recovery, leat_space space);

/*
 * The PTO period of the active path with max_ack_delay and without backoff: idle timeout, closing,
 * key update.
 */
leat_time leat_recovery_pto(const leat_recovery *recovery);
static inline uint64_t leat_recovery_largest_acked(
    const leat_recovery *recovery, leat_space space) {
    return recovery->spaces[space]
        .largest_acked_packet; /* LEAT_NOT_ACKED, the same value as LEAT_PN_NONE */
}
/* Ack-eliciting packets are in flight in this space. */
bool leat_recovery_has_eliciting(const leat_recovery *recovery, leat_space space);
bool leat_recovery_has_any_eliciting(const leat_recovery *recovery);

#endif
