/* The control law of RFC 8289 §5.3 and §5.5, one decision per datagram. */
#include "sim/codel.h"

#define TARGET (5 * LEAT_MILLISECOND)
#define INTERVAL (100 * LEAT_MILLISECOND)

static uint64_t square_root(uint64_t value) {
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit > 0; bit >>= 1) {
        if ((root + bit) * (root + bit) <= value) {
            root += bit;
        }
    }
    return root;
}

/* RFC 8289 §5.3: the distance of drops shrinks with the square root of their number. */
static leat_time control_law(leat_time from, uint32_t count) {
    return from + INTERVAL * 1024 / square_root((uint64_t)count << 20);
}

/* Has every datagram waited too long for a whole interval? */
static bool is_above(sim_codel *codel, leat_time sojourn, bool is_last, leat_time now) {
    if (sojourn < TARGET || is_last) {
        codel->first_above_time = 0;
        return false;
    }
    if (codel->first_above_time == 0) {
        codel->first_above_time = now + INTERVAL;
        return false;
    }
    return now >= codel->first_above_time;
}

bool sim_codel_drops(sim_codel *codel, leat_time sojourn, bool is_last, leat_time now) {
    bool above = is_above(codel, sojourn, is_last, now);
    if (!above) {
        codel->is_dropping = false;
        return false;
    }
    if (codel->is_dropping) {
        if (now < codel->drop_next) {
            return false;
        }
        codel->count++;
        codel->drop_next = control_law(codel->drop_next, codel->count);
        return true;
    }
    /* RFC 8289 §5.5: soon after the last episode the rate that worked is where it begins. */
    uint32_t recent = codel->count - codel->last_count;
    bool is_soon = codel->drop_next != 0 && now < codel->drop_next + 16 * INTERVAL;
    codel->is_dropping = true;
    codel->count = is_soon && recent > 1 ? recent : 1;
    codel->last_count = codel->count;
    codel->drop_next = control_law(now, codel->count);
    return true;
}
