/*
 * The probe timeout, RFC 9002 §6.2 and A.8: when it expires and for which space. Pure functions of
 * leat_recovery.
 */
#ifndef LEAT_QUIC_RECOVERY_PTO_H
#define LEAT_QUIC_RECOVERY_PTO_H

#include "quic/recovery/recovery.h"

typedef struct leat_pto {
    leat_time due; /* LEAT_TIME_NEVER: not armed */
    leat_space space;
} leat_pto;

/*
 * GetPtoTimeAndSpace, with the rules for servers at the amplification limit and clients that must
 * not go silent.
 */
leat_pto leat_pto_next(const leat_recovery *recovery);
/* The earliest loss_time of all spaces. */
leat_pto leat_pto_loss_time(const leat_recovery *recovery);

#endif
