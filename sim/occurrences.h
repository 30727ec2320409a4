/*
 * How often each fault and each feature really occurred, over one run or over thousands: a table of
 * counts with a name each. A kind that never occurred was never tested.
 */
#ifndef LEAT_SIM_OCCURRENCES_H
#define LEAT_SIM_OCCURRENCES_H

#include <stdio.h>

#include "sim/change.h"
#include "sim/link.h"
#include "sim/task.h"

#define SIM_FRAME_TYPES 0xb0 /* up to ACK_FREQUENCY */
#define SIM_CLOSE_SOURCES (LEAT_SOURCE_REQUEST_TIMEOUT + 1)

/* What is seen in traces and has no event of its own. */
typedef enum sim_feature {
    SIM_FEATURE_RETRY,
    SIM_FEATURE_COALESCED,
    SIM_FEATURE_PACKET_LOST,
    SIM_FEATURE_PACKET_DROPPED,
    SIM_FEATURE_PACKET_BUFFERED,
    SIM_FEATURE_RECOVERY_TIMER,
    SIM_FEATURE_KEY_PHASE,
    SIM_FEATURE_HOLD,
    SIM_FEATURE_MANUAL_CREDIT,
    SIM_FEATURE_STREAM_LIMIT,
    SIM_FEATURE_BLOCKED_SEND,
    SIM_FEATURE_NEWRENO,
    SIM_FEATURE_CUBIC,
    SIM_FEATURE_BBR,
    SIM_FEATURE_UNPACED,
    SIM_FEATURE_MANY_CONNECTIONS,
    SIM_FEATURE_RESUMPTION,
    SIM_FEATURE_EARLY_DATA,
    SIM_FEATURE_CLIENT_MOVED,
    SIM_FEATURE_PREFERRED_ADDRESS,
    SIM_FEATURE_MTU_RAISED,
    SIM_FEATURE_BLACK_HOLE,
    SIM_FEATURE_VERSION_2,
    SIM_FEATURE_COMPATIBLE_VERSION,
    SIM_FEATURE_OTHER_ATTEMPT,
    SIM_FEATURE_GREASE,
    SIM_FEATURES
} sim_feature;

typedef struct sim_occurrences {
    uint64_t runs;
    uint64_t link[SIM_LINK_COUNTS];
    uint64_t change[SIM_CHANGE_KINDS];
    uint64_t task[SIM_TASK_KINDS];
    uint64_t event[LEAT_EVENT_TYPE_COUNT];
    uint64_t frame[SIM_FRAME_TYPES];
    uint64_t source[SIM_CLOSE_SOURCES];
    uint64_t feature[SIM_FEATURES];
} sim_occurrences;

void sim_occurrences_add(sim_occurrences *sum, const sim_occurrences *more);
/* One line for each kind, with the text before it. */
void sim_occurrences_print(const sim_occurrences *occurrences, const char *prefix, FILE *out);
/*
 * The name of the first kind from *cursor on that never occurred, or NULL. What cannot occur (an
 * event of something that does not exist yet, say) is not looked for. *cursor begins at 0.
 */
const char *sim_occurrences_missing(const sim_occurrences *occurrences, size_t *cursor);

#endif
