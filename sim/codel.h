/*
 * Controlled delay, RFC 8289 §5: a queue drops when its datagrams have waited longer than a target
 * for a whole interval, more often the longer that lasts.
 */
#ifndef LEAT_SIM_CODEL_H
#define LEAT_SIM_CODEL_H

#include <leat/base.h>

typedef struct sim_codel {
    leat_time first_above_time, drop_next;
    uint32_t count, last_count;
    bool is_dropping;
} sim_codel;

/*
 * The datagram at the head waited `sojourn`; is_last: nothing but it stands in the queue. True: it
 * is to be dropped or marked.
 */
bool sim_codel_drops(sim_codel *codel, leat_time sojourn, bool is_last, leat_time now);

#endif
