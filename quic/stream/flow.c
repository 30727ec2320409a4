/*
 * Flow control counters, RFC 9000 §4: see flow.h for the protocol of use. Nothing here can wrap or
 * fall back.
 */
#include "quic/stream/flow.h"

#include <assert.h>

#define NOT_REPORTED UINT64_MAX

static uint64_t add_up_to(uint64_t a, uint64_t b, uint64_t ceiling) {
    return a >= ceiling || b > ceiling - a ? ceiling : a + b;
}

void leat_flow_init(leat_flow *flow, uint64_t send_max, uint64_t window, uint64_t ceiling) {
    *flow = (leat_flow){
        .send_max = send_max > ceiling ? ceiling : send_max,
        .blocked_at = NOT_REPORTED,
        .receive_max = window > ceiling ? ceiling : window,
        .window = window,
        .ceiling = ceiling,
    };
}

void leat_flow_restart(leat_flow *flow) {
    flow->send_max = flow->sent = 0;
    flow->blocked_at = NOT_REPORTED;
}

void leat_flow_on_sent(leat_flow *flow, uint64_t count) {
    /* RFC 9000 §4.1-1: whoever sends asks for the credit first. */
    assert(count <= leat_flow_send_credit(flow));
    flow->sent += count;
}

bool leat_flow_on_limit(leat_flow *flow, uint64_t limit) {
    limit = limit > flow->ceiling ? flow->ceiling : limit;
    if (limit <= flow->send_max) {
        return false; /* RFC 9000 §4.1-3: frames that overtook each other */
    }
    flow->send_max = limit;
    return true;
}

bool leat_flow_wants_blocked(const leat_flow *flow) {
    /*
     * RFC 9000 §4.1-4: once per limit, so that tiny windows do not turn into a stream of
     * complaints.
     */
    return leat_flow_send_credit(flow) == 0 && flow->blocked_at != flow->send_max;
}

void leat_flow_on_blocked_sent(leat_flow *flow) {
    flow->blocked_at = flow->send_max;
}

void leat_flow_on_blocked_lost(leat_flow *flow, uint64_t limit) {
    if (flow->blocked_at == limit) {
        flow->blocked_at = NOT_REPORTED;
    }
}

void leat_flow_on_received(leat_flow *flow, uint64_t count) {
    assert(leat_flow_can_receive(flow, count));
    flow->received += count;
}

void leat_flow_on_consumed(leat_flow *flow, uint64_t count) {
    flow->consumed = add_up_to(flow->consumed, count, flow->received);
}

static uint64_t next_limit(const leat_flow *flow) {
    uint64_t limit = add_up_to(flow->consumed, flow->window, flow->ceiling);
    return limit > flow->receive_max ? limit : flow->receive_max;
}

bool leat_flow_wants_update(const leat_flow *flow) {
    /*
     * RFC 9000 §4.2-1: nobody has to complain first; half a window keeps the sender busy and the
     * frames few.
     */
    uint64_t gain = next_limit(flow) - flow->receive_max;
    return flow->update_lost || (gain > 0 && gain >= flow->window - flow->window / 2);
}

uint64_t leat_flow_update(leat_flow *flow) {
    flow->receive_max = next_limit(flow);
    flow->update_lost = false;
    return flow->receive_max;
}

void leat_flow_on_update_lost(leat_flow *flow, uint64_t limit) {
    /* RFC 9000 §13.3: a newer announcement makes the lost one needless. */
    if (limit == flow->receive_max) {
        flow->update_lost = true;
    }
}

void leat_flow_set_window(leat_flow *flow, uint64_t window) {
    flow->window = window;
}

bool leat_flow_tune(leat_flow *flow, leat_time now, leat_time period, uint64_t maximum) {
    bool is_late = now - flow->tuned_since > period;
    bool is_used = flow->consumed - flow->tuned_from >= flow->window;
    if (!is_late && !is_used) {
        return false;
    }
    flow->tuned_since = now;
    flow->tuned_from = flow->consumed;
    if (is_late || flow->window >= maximum) {
        return false;
    }
    flow->window = flow->window > maximum / 2 ? maximum : 2 * flow->window;
    return true;
}
