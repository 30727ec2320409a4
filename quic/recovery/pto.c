/* The probe timeout of RFC 9002 §6.2 and A.8: see pto.h. */
#include "quic/recovery/pto.h"

static leat_time back_off(const leat_recovery *recovery, leat_time period) {
    return leat_time_multiply(period, UINT64_C(1) << recovery->pto_count); /* RFC 9002 §6.2.1-5 */
}

static void take_earlier(leat_pto *pto, leat_time due, leat_space space) {
    if (due < pto->due) {
        *pto = (leat_pto){due, space};
    }
}

leat_pto leat_pto_loss_time(const leat_recovery *recovery) {
    leat_pto pto = {LEAT_TIME_NEVER, LEAT_SPACE_INITIAL};
    for (unsigned i = 0; i < LEAT_SPACE_COUNT; i++) {
        take_earlier(&pto, recovery->spaces[i].loss_time, (leat_space)i);
    }
    return pto;
}

/*
 * RFC 9002 §6.2.2.1-2, §6.2.2.1-3: the server may have spent its three times what it received; only
 * the client can go on, even with nothing in flight. Data in flight in 0-RTT packets does not help,
 * since its PTO waits for confirmation.
 */
static void arm_against_deadlock(const leat_recovery *recovery, leat_time period, leat_pto *pto) {
    bool is_silent = !leat_recovery_has_eliciting(recovery, LEAT_SPACE_INITIAL) &&
                     !leat_recovery_has_eliciting(recovery, LEAT_SPACE_HANDSHAKE);
    if (recovery->conditions.peer_completed_address_validation || !is_silent) {
        return;
    }
    leat_space space =
        recovery->conditions.has_handshake_keys ? LEAT_SPACE_HANDSHAKE : LEAT_SPACE_INITIAL;
    take_earlier(pto, leat_time_add(recovery->timer_base, back_off(recovery, period)), space);
}

/*
 * RFC 9002 §6.2.4, §7: lost handshake bytes may find the window full of packets that the peer
 * cannot acknowledge before it has those bytes. A probe gets out of that: the window does not hold
 * it.
 */
static bool needs_probe(const leat_recovery *recovery, leat_space space) {
    return leat_recovery_has_eliciting(recovery, space) || recovery->conditions.crypto_waits[space];
}

leat_pto leat_pto_next(const leat_recovery *recovery) {
    leat_pto pto = {LEAT_TIME_NEVER, LEAT_SPACE_INITIAL};
    /* RFC 9002 §6.2.2.1-1: a server that may not send has no use for a timer. */
    if (recovery->path == NULL || recovery->conditions.is_at_amplification_limit) {
        return pto;
    }
    leat_time period = leat_rtt_pto_base(&recovery->path->rtt);
    arm_against_deadlock(recovery, period, &pto);
    for (unsigned i = 0; i < LEAT_SPACE_COUNT; i++) {
        if (!needs_probe(recovery, (leat_space)i)) {
            continue;
        }
        leat_time own = period;
        if (i == LEAT_SPACE_APPLICATION) {
            if (!recovery->conditions.handshake_confirmed) {
                continue; /* RFC 9002 §6.2.1-3 */
            }
            own = leat_time_add(own, recovery->conditions.max_ack_delay);
        }
        leat_time sent = recovery->spaces[i].time_of_last_ack_eliciting_packet;
        sent = sent != 0 ? sent : recovery->timer_base;
        take_earlier(&pto, leat_time_add(sent, back_off(recovery, own)), (leat_space)i);
    }
    return pto;
}
