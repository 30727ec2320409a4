/*
 * A controller at work on a path: the table of <leat/congestion.h> and its state. bytes_in_flight is
 * counted by leat_recovery_path, sending pace by leat_pacer, delivery by leat_delivery_rate.
 */
#ifndef LEAT_QUIC_RECOVERY_CONGESTION_H
#define LEAT_QUIC_RECOVERY_CONGESTION_H

#include <leat/congestion.h>

#include "base/alloc.h"

/* No window grows beyond this, so that products of two windows' parts never wrap. */
#define LEAT_CONGESTION_WINDOW_MAX (UINT64_C(1) << 40)

extern const leat_congestion_ops leat_bbr_ops;
extern const leat_congestion_ops leat_cubic;
extern const leat_congestion_ops leat_newreno;

typedef struct leat_congestion {
    const leat_congestion_ops *ops;
    const leat_allocator *allocator;
    void *state;
} leat_congestion;

/* All functions that must be there are there, and the table is of this version. */
bool leat_congestion_is_complete(const leat_congestion_ops *ops);
/* LEAT_ERR_NOMEM. */
int leat_congestion_init(leat_congestion *congestion, const leat_congestion_ops *ops,
    const leat_allocator *allocator, size_t max_datagram_size);
/* As new: the path is another one now. */
void leat_congestion_reset(leat_congestion *congestion, size_t max_datagram_size);
void leat_congestion_clear(leat_congestion *congestion);
static inline uint64_t leat_congestion_window(const leat_congestion *congestion) {
    return congestion->ops->window(congestion->state);
}
/* UINT64_MAX: none. */
uint64_t leat_congestion_slow_start_threshold(const leat_congestion *congestion);
const char *leat_congestion_state_name(const leat_congestion *congestion);

/* window + bytes, up to LEAT_CONGESTION_WINDOW_MAX. */
uint64_t leat_congestion_grow(uint64_t window, uint64_t bytes);

#endif
