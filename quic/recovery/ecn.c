/* ECN validation, RFC 9000 §13.4.2 and A.4: see ecn.h. */
#include "quic/recovery/ecn.h"

#include <leat/quic.h>

void leat_ecn_init(leat_ecn *ecn, bool enabled) {
    *ecn = (leat_ecn){.state = enabled ? LEAT_ECN_TESTING : LEAT_ECN_FAILED};
}

uint8_t leat_ecn_mark(const leat_ecn *ecn) {
    bool marks = ecn->state == LEAT_ECN_TESTING || ecn->state == LEAT_ECN_CAPABLE;
    return marks ? LEAT_ECN_ECT0 : LEAT_ECN_NOT_ECT;
}

void leat_ecn_on_sent(leat_ecn *ecn, leat_ecn_ledger *ledger, uint8_t mark) {
    if (mark != LEAT_ECN_ECT0) {
        return;
    }
    ledger->sent_ect0++;
    if (ecn->state == LEAT_ECN_TESTING && ++ecn->test_sent == LEAT_ECN_TEST_PACKETS) {
        ecn->state = LEAT_ECN_UNKNOWN;
    }
}

/*
 * RFC 9000 §13.4.2.1: counts only grow, cover what was acknowledged, and never exceed what was
 * marked. ECT(1) is never sent; on another path of the same space it may have been counted before.
 */
static bool is_plausible(
    const leat_ecn_ledger *ledger, uint64_t newly_acked_ect0, const leat_ecn_counts *counts) {
    const leat_ecn_counts *last = &ledger->counts;
    if (counts->ect0 < last->ect0 || counts->ce < last->ce || counts->ect1 != last->ect1) {
        return false;
    }
    if (counts->ect0 > ledger->sent_ect0 || counts->ce > ledger->sent_ect0 - counts->ect0) {
        return false;
    }
    return (counts->ect0 - last->ect0) + (counts->ce - last->ce) >= newly_acked_ect0;
}

static leat_ecn_verdict judge(leat_ecn *ecn, const leat_ecn_ledger *ledger,
    uint64_t newly_acked_ect0, const leat_ecn_counts *counts) {
    if (ecn->state == LEAT_ECN_FAILED || (counts == NULL && newly_acked_ect0 == 0)) {
        return LEAT_ECN_NOTHING_NEW;
    }
    if (counts == NULL || !is_plausible(ledger, newly_acked_ect0, counts)) {
        ecn->state = LEAT_ECN_FAILED; /* RFC 9000 §13.4.2.2-1 */
        return LEAT_ECN_INVALID;
    }
    if (newly_acked_ect0 > 0) {
        ecn->state = LEAT_ECN_CAPABLE;
    }
    return counts->ce > ledger->counts.ce ? LEAT_ECN_CONGESTION : LEAT_ECN_NOTHING_NEW;
}

leat_ecn_verdict leat_ecn_on_ack(leat_ecn *ecn, leat_ecn_ledger *ledger, uint64_t newly_acked_ect0,
    const leat_ecn_counts *counts) {
    leat_ecn_verdict verdict = judge(ecn, ledger, newly_acked_ect0, counts);
    if (counts != NULL) {
        ledger->counts = *counts; /* also false ones: another path begins where this one failed */
    }
    return verdict;
}

void leat_ecn_on_lost(leat_ecn *ecn) {
    bool is_open = ecn->state == LEAT_ECN_TESTING || ecn->state == LEAT_ECN_UNKNOWN;
    if (is_open && ++ecn->test_lost >= LEAT_ECN_TEST_PACKETS) {
        ecn->state = LEAT_ECN_FAILED;
    }
}

void leat_ecn_on_pto(leat_ecn *ecn, uint32_t pto_count) {
    bool marks = ecn->state == LEAT_ECN_TESTING || ecn->state == LEAT_ECN_CAPABLE;
    if (marks && pto_count >= LEAT_ECN_TEST_PTOS) {
        /* RFC 9000 §13.4.2: a box that drops what is marked must not end the connection. */
        ecn->state = LEAT_ECN_UNKNOWN;
        ecn->test_lost = 0;
    }
}

const char *leat_ecn_state_name(const leat_ecn *ecn) {
    static const char *const names[] = {
        [LEAT_ECN_TESTING] = "testing",
        [LEAT_ECN_UNKNOWN] = "unknown",
        [LEAT_ECN_CAPABLE] = "capable",
        [LEAT_ECN_FAILED] = "failed",
    };
    return names[ecn->state];
}
