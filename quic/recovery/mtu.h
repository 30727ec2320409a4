/*
 * How large datagrams may be on a path: DPLPMTUD, RFC 8899, with the rules of RFC 9000 §14. One per
 * path. Probes are datagrams of their own that may be lost without harm; what the path carried is
 * believed until larger datagrams vanish in a row. ICMP is not listened to (RFC 9000 §14.2.1).
 *
 *  1. leat_mtu_init; leat_mtu_set_ceiling when the peer's limit is known.
 *  2. leat_mtu_next_probe says which size to try now, leat_mtu_on_probe_sent that it left.
 *  3. Verdicts on packets: leat_mtu_on_acked, leat_mtu_on_lost, leat_mtu_on_pto. `size` is then
 *     what datagrams may have.
 */
#ifndef LEAT_QUIC_RECOVERY_MTU_H
#define LEAT_QUIC_RECOVERY_MTU_H

#include <leat/base.h>

#define LEAT_MTU_BASE 1200       /* RFC 9000 §14.3: BASE_PLPMTU, which every path carries */
#define LEAT_MTU_MAX_PROBES 3    /* RFC 8899 §5.1.2: lost in a row, then the size does not pass */
#define LEAT_MTU_STEP 16         /* bytes: the search does not look closer */
#define LEAT_MTU_RAISE_TIME (600 * LEAT_SECOND) /* RFC 8899 §5.1.1: PMTU_RAISE_TIMER */
#define LEAT_MTU_LOSS_ROUNDS 3   /* of large packets only: a black hole, RFC 8899 §4.3 */
#define LEAT_MTU_PTOS 2          /* in a row with a large packet outstanding: the same */

/* RFC 8899 §5.2. A path begins in SEARCHING: the handshake, or its validation, was the base. */
typedef enum leat_mtu_state {
    LEAT_MTU_SEARCHING,
    LEAT_MTU_SEARCH_COMPLETE,
    LEAT_MTU_BASE_UNCONFIRMED, /* after a black hole, until the base size is acknowledged */
    LEAT_MTU_ERROR,            /* the base size does not pass either: nothing is probed */
} leat_mtu_state;

typedef struct leat_mtu {
    leat_mtu_state state;
    size_t size;         /* UDP payload that datagrams may have */
    size_t ceiling;      /* never more */
    size_t too_large;    /* the smallest size that did not pass, or ceiling + 1 */
    size_t probe;        /* size of the probe in flight, or 0 */
    unsigned probe_count; /* lost in a row at this size */
    unsigned loss_rounds; /* in which large packets were lost, and none acknowledged since */
    leat_time last_loss; /* the round that was counted last */
    leat_time raise_at;  /* SEARCH_COMPLETE below the ceiling: when to search again */
} leat_mtu;

void leat_mtu_init(leat_mtu *mtu, size_t size, size_t ceiling);
/* At least LEAT_MTU_BASE; lowers the size too. */
void leat_mtu_set_ceiling(leat_mtu *mtu, size_t ceiling);
/* The size of the probe to send now, or 0. */
size_t leat_mtu_next_probe(const leat_mtu *mtu, leat_time now);
void leat_mtu_on_probe_sent(leat_mtu *mtu, size_t size);
/* A packet that was a datagram, or part of one, of `bytes` was acknowledged or lost. */
void leat_mtu_on_acked(leat_mtu *mtu, size_t bytes, bool is_probe, leat_time now);
void leat_mtu_on_lost(leat_mtu *mtu, size_t bytes, bool is_probe, leat_time now);
/* The probe timeout expired pto_count times in a row while a packet above the base was in flight. */
void leat_mtu_on_pto(leat_mtu *mtu, uint32_t pto_count);
/* The network interface refused a datagram of this size. */
void leat_mtu_on_refused(leat_mtu *mtu, size_t bytes, leat_time now);

#endif
