/*
 * Explicit Congestion Notification, RFC 9000 §13.4 and A.4: one per path. Packets are marked ECT(0)
 * while the path is being tested and while it proves capable; counts that do not add up end it for
 * good.
 */
#ifndef LEAT_QUIC_RECOVERY_ECN_H
#define LEAT_QUIC_RECOVERY_ECN_H

#include <leat/base.h>

#define LEAT_ECN_TEST_PACKETS 10 /* RFC 9000 A.4: marked packets before the first verdict */
#define LEAT_ECN_TEST_PTOS 2     /* expired in a row: three periods in all, RFC 9000 §13.4.2 */

typedef enum leat_ecn_state {
    LEAT_ECN_TESTING,
    LEAT_ECN_UNKNOWN,
    LEAT_ECN_CAPABLE,
    LEAT_ECN_FAILED
} leat_ecn_state;

typedef struct leat_ecn_counts {
    uint64_t ect0, ect1, ce;
} leat_ecn_counts;

/* Per packet number space: counts in ACKs run over all paths. */
typedef struct leat_ecn_ledger {
    uint64_t sent_ect0;     /* packets marked */
    leat_ecn_counts counts; /* the peer's in the last ACK that counted */
} leat_ecn_ledger;

typedef struct leat_ecn {
    leat_ecn_state state;
    unsigned test_sent, test_lost; /* marked packets of the testing phase */
} leat_ecn;

/* What an ACK told about a path. */
typedef enum leat_ecn_verdict {
    LEAT_ECN_NOTHING_NEW,
    LEAT_ECN_CONGESTION,
    LEAT_ECN_INVALID
} leat_ecn_verdict;

void leat_ecn_init(leat_ecn *ecn, bool enabled);
/* The codepoint for the next packet: LEAT_ECN_ECT0 or LEAT_ECN_NOT_ECT of leat/quic.h. */
uint8_t leat_ecn_mark(const leat_ecn *ecn);
void leat_ecn_on_sent(leat_ecn *ecn, leat_ecn_ledger *ledger, uint8_t mark);
/*
 * An ACK that raised the largest acknowledged number. newly_acked_ect0: marked packets of this path
 * that it newly acknowledged; counts is NULL when it was not an ACK_ECN.
 */
leat_ecn_verdict leat_ecn_on_ack(leat_ecn *ecn, leat_ecn_ledger *ledger, uint64_t newly_acked_ect0,
    const leat_ecn_counts *counts);
/* A marked packet was lost: when all of the testing phase are, the path eats marked packets. */
void leat_ecn_on_lost(leat_ecn *ecn);
/* The probe timeout expired pto_count times in a row: perhaps it is the marks that do not pass. */
void leat_ecn_on_pto(leat_ecn *ecn, uint32_t pto_count);
const char *leat_ecn_state_name(const leat_ecn *ecn); /* "capable", as qlog has it */

#endif
