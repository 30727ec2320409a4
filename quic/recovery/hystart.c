/* Rounds and phases of HyStart++, RFC 9406 §4: see hystart.h. */
#include "quic/recovery/hystart.h"

/* RFC 9406 §4.3 */
#define MIN_RTT_THRESH (4 * LEAT_MILLISECOND)
#define MAX_RTT_THRESH (16 * LEAT_MILLISECOND)
#define MIN_RTT_DIVISOR 8
#define N_RTT_SAMPLE 8
#define CSS_GROWTH_DIVISOR 4
#define CSS_ROUNDS 5

void leat_hystart_init(leat_hystart *hystart) {
    *hystart = (leat_hystart){
        .last_round_min_rtt = LEAT_TIME_NEVER,
        .current_round_min_rtt = LEAT_TIME_NEVER,
        .css_baseline_min_rtt = LEAT_TIME_NEVER,
    };
}

/*
 * RFC 9406 §4.2: L, the limit of growth per ACK, is infinite here: it is meant for senders that do
 * not pace.
 */
uint64_t leat_hystart_growth(const leat_hystart *hystart, uint64_t bytes_acked) {
    return leat_hystart_is_conservative(hystart) ? bytes_acked / CSS_GROWTH_DIVISOR : bytes_acked;
}

static void start_round(leat_hystart *hystart, uint64_t delivered) {
    hystart->window_end = delivered;
    hystart->last_round_min_rtt = hystart->current_round_min_rtt;
    hystart->current_round_min_rtt = LEAT_TIME_NEVER;
    hystart->rtt_sample_count = 0;
    hystart->css_rounds += leat_hystart_is_conservative(hystart) ? 1 : 0;
}

static leat_time rtt_thresh(leat_time last_round_min_rtt) {
    leat_time thresh = last_round_min_rtt / MIN_RTT_DIVISOR;
    thresh = thresh > MIN_RTT_THRESH ? thresh : MIN_RTT_THRESH;
    return thresh < MAX_RTT_THRESH ? thresh : MAX_RTT_THRESH;
}

static bool has_delay_increased(const leat_hystart *hystart) {
    return hystart->last_round_min_rtt != LEAT_TIME_NEVER &&
           hystart->current_round_min_rtt >=
               hystart->last_round_min_rtt + rtt_thresh(hystart->last_round_min_rtt);
}

/* RFC 9406 §4.2: into conservative slow start when the delay grows, and back when it falls. */
static void change_phase(leat_hystart *hystart) {
    if (!leat_hystart_is_conservative(hystart)) {
        if (has_delay_increased(hystart)) {
            hystart->css_baseline_min_rtt = hystart->current_round_min_rtt;
            hystart->css_rounds = 0;
        }
    } else if (hystart->current_round_min_rtt < hystart->css_baseline_min_rtt) {
        hystart->css_baseline_min_rtt = LEAT_TIME_NEVER;
    }
}

bool leat_hystart_on_ack_end(leat_hystart *hystart, const leat_rate_sample *sample) {
    if (sample->prior_delivered >= hystart->window_end) {
        start_round(hystart, sample->delivered);
    }
    if (leat_hystart_is_conservative(hystart) && hystart->css_rounds >= CSS_ROUNDS) {
        return true;
    }
    if (sample->rtt != 0) {
        leat_time lowest = hystart->current_round_min_rtt;
        hystart->current_round_min_rtt = sample->rtt < lowest ? sample->rtt : lowest;
        hystart->rtt_sample_count++;
        if (hystart->rtt_sample_count >= N_RTT_SAMPLE) {
            change_phase(hystart);
        }
    }
    return false;
}
