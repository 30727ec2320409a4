/*
 * What all congestion controllers share: the windows of RFC 9002 §7.2 and the list of controllers
 * by name.
 */
#include "quic/recovery/congestion.h"

#include <string.h>

#define INITIAL_DATAGRAMS 10
#define INITIAL_BYTES 14720
#define MINIMUM_DATAGRAMS 2

static const leat_congestion_ops *const controllers[] = {
    &leat_cubic, /* the default */
    &leat_newreno,
    &leat_bbr_ops,
};

uint64_t leat_minimum_window(size_t max_datagram_size) {
    return MINIMUM_DATAGRAMS * (uint64_t)max_datagram_size; /* RFC 9002 §7.2-4 */
}

uint64_t leat_initial_window(size_t max_datagram_size) {
    uint64_t minimum = leat_minimum_window(max_datagram_size);
    uint64_t wanted = INITIAL_DATAGRAMS * (uint64_t)max_datagram_size;
    uint64_t most = minimum > INITIAL_BYTES ? minimum : INITIAL_BYTES;
    return wanted < most ? wanted : most; /* RFC 9002 §7.2-1 */
}

const leat_congestion_ops *leat_congestion_find(const char *name) {
    if (name == NULL) {
        return controllers[0];
    }
    for (size_t i = 0; i < sizeof controllers / sizeof controllers[0]; i++) {
        if (strcmp(controllers[i]->name, name) == 0) {
            return controllers[i];
        }
    }
    return NULL;
}

bool leat_congestion_is_complete(const leat_congestion_ops *ops) {
    return ops->size == sizeof *ops && ops->name != NULL && ops->state_size > 0 &&
           ops->init != NULL && ops->on_acked != NULL && ops->on_congestion_event != NULL &&
           ops->on_persistent_congestion != NULL && ops->on_datagram_size != NULL &&
           ops->window != NULL;
}

int leat_congestion_init(leat_congestion *congestion, const leat_congestion_ops *ops,
    const leat_allocator *allocator, size_t max_datagram_size) {
    *congestion = (leat_congestion){
        .ops = ops, .allocator = allocator, .state = leat_alloc(allocator, ops->state_size)};
    if (congestion->state == NULL) {
        return LEAT_ERR_NOMEM;
    }
    ops->init(congestion->state, max_datagram_size);
    return LEAT_OK;
}

void leat_congestion_reset(leat_congestion *congestion, size_t max_datagram_size) {
    memset(congestion->state, 0, congestion->ops->state_size);
    congestion->ops->init(congestion->state, max_datagram_size);
}

void leat_congestion_clear(leat_congestion *congestion) {
    leat_free(congestion->allocator, congestion->state);
    congestion->state = NULL;
}

uint64_t leat_congestion_slow_start_threshold(const leat_congestion *congestion) {
    return congestion->ops->slow_start_threshold != NULL
               ? congestion->ops->slow_start_threshold(congestion->state)
               : UINT64_MAX;
}

const char *leat_congestion_state_name(const leat_congestion *congestion) {
    return congestion->ops->state_name != NULL ? congestion->ops->state_name(congestion->state)
                                               : congestion->ops->name;
}

uint64_t leat_congestion_grow(uint64_t window, uint64_t bytes) {
    uint64_t room =
        LEAT_CONGESTION_WINDOW_MAX > window ? LEAT_CONGESTION_WINDOW_MAX - window : 0;
    return window + (bytes < room ? bytes : room);
}
