/*
 * HyStart++, RFC 9406: leaves slow start when the RTT rises, before packets are lost. The first
 * slow start only; the controller that uses it grows its window by what leat_hystart_growth says.
 */
#ifndef LEAT_QUIC_RECOVERY_HYSTART_H
#define LEAT_QUIC_RECOVERY_HYSTART_H

#include <leat/congestion.h>

typedef struct leat_hystart {
    uint64_t window_end;            /* the round ends when data sent after this much was delivered
                                       is acknowledged */
    leat_time last_round_min_rtt;   /* LEAT_TIME_NEVER: not measured, here and below */
    leat_time current_round_min_rtt;
    leat_time css_baseline_min_rtt; /* NEVER: in slow start, not in conservative slow start */
    uint32_t rtt_sample_count;
    uint32_t css_rounds;
} leat_hystart;

void leat_hystart_init(leat_hystart *hystart);
static inline bool leat_hystart_is_conservative(const leat_hystart *hystart) {
    return hystart->css_baseline_min_rtt != LEAT_TIME_NEVER;
}
/* By how much the window grows for bytes acknowledged. */
uint64_t leat_hystart_growth(const leat_hystart *hystart, uint64_t bytes_acked);
/* Once for each ACK; true: slow start is over. */
bool leat_hystart_on_ack_end(leat_hystart *hystart, const leat_rate_sample *sample);

#endif
