/*
 * Changes: one function for each kind. What ends by itself goes back to what the run began with, so
 * that changes which overlap do not undo each other's middle.
 */
#include "sim/world.h"

typedef void change_fn(world *w, const sim_change *change, bool is_undoing);

static sim_link_config *link_of(world *w, const sim_change *change) {
    return sim_link_settings(w->links[change->side]);
}

static const sim_link_config *original(const world *w, const sim_change *change) {
    return &w->config->link[change->side];
}

static void set_rate(world *w, const sim_change *change, bool is_undoing) {
    uint64_t rate = is_undoing ? original(w, change)->rate : (uint64_t)change->value;
    link_of(w, change)->rate = rate;
    /* Other traffic must leave something, or an endless queue only grows. */
    uint64_t cross = original(w, change)->cross_rate;
    link_of(w, change)->cross_rate = cross > rate / 3 ? rate / 3 : cross;
}

static void set_delay(world *w, const sim_change *change, bool is_undoing) {
    leat_time delay = is_undoing ? original(w, change)->delay : (leat_time)change->value;
    link_of(w, change)->delay = delay;
}

static void set_mtu(world *w, const sim_change *change, bool is_undoing) {
    size_t mtu = is_undoing ? original(w, change)->mtu : (size_t)change->value;
    link_of(w, change)->mtu = mtu;
}

static void set_death(world *w, const sim_change *change, bool is_undoing) {
    link_of(w, change)->is_dead = !is_undoing;
}

static void rebind_port(world *w, const sim_change *change, bool is_undoing) {
    (void)change, (void)is_undoing;
    w->nat.port_epoch++;
}

static void rebind_address(world *w, const sim_change *change, bool is_undoing) {
    w->nat.host_epoch++;
    rebind_port(w, change, is_undoing);
}

static void stall(world *w, const sim_change *change, bool is_undoing) {
    (void)is_undoing;
    w->ends[change->side].stalled_until = w->now + change->duration;
}

static void jump_wall_clock(world *w, const sim_change *change, bool is_undoing) {
    w->ends[change->side].wall_offset = is_undoing ? 0 : change->value;
}

static const struct {
    const char *name;
    change_fn *apply;
    bool ends; /* has an end of its own that must be undone */
} kinds[SIM_CHANGE_KINDS] = {
    [SIM_CHANGE_RATE] = {"other rate", set_rate, true},
    [SIM_CHANGE_DELAY] = {"other delay", set_delay, true},
    [SIM_CHANGE_MTU] = {"other MTU", set_mtu, true},
    [SIM_CHANGE_DEATH] = {"dead link", set_death, true},
    [SIM_CHANGE_REBIND_PORT] = {"NAT changes the port", rebind_port, false},
    [SIM_CHANGE_REBIND_ADDRESS] = {"NAT changes the address", rebind_address, false},
    [SIM_CHANGE_STALL] = {"process stands still", stall, false},
    [SIM_CHANGE_WALL_CLOCK] = {"wall clock jumps", jump_wall_clock, true},
};

const char *sim_change_name(sim_change_kind kind) { return kinds[kind].name; }

leat_time changes_next(const world *w) {
    leat_time next = LEAT_TIME_NEVER;
    for (size_t i = 0; i < w->config->change_count; i++) {
        next = earlier(next, w->changes[i].at);
    }
    return next;
}

/* RFC 9000 §9: addresses must not change before the handshake is confirmed. */
static bool has_handshakes(const world *w) {
    for (size_t i = 0; i < w->config->flow_count; i++) {
        const flow *f = &w->flows[i];
        bool is_confirmed = f->had[SIM_SERVER];
        for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
            is_confirmed = is_confirmed && (f->ends[side] == NULL || f->ends[side]->is_confirmed);
        }
        if (f->is_started && !f->is_closing && !is_confirmed) {
            return true;
        }
    }
    return false;
}

static bool must_wait(const world *w, const sim_change *change) {
    bool is_rebinding =
        change->kind == SIM_CHANGE_REBIND_PORT || change->kind == SIM_CHANGE_REBIND_ADDRESS;
    return is_rebinding && has_handshakes(w);
}

static leat_time repetition(const sim_change *change, leat_time now) {
    return change->every != 0 ? now + change->every : LEAT_TIME_NEVER;
}

static void apply(world *w, active_change *active) {
    const sim_change *change = &active->plan;
    kinds[change->kind].apply(w, change, active->is_undoing);
    if (active->is_undoing) {
        active->is_undoing = false;
        active->at = repetition(change, w->now);
        return;
    }
    w->result->occurrences.change[change->kind]++;
    active->is_undoing = kinds[change->kind].ends && change->duration != 0;
    active->at = active->is_undoing ? w->now + change->duration : repetition(change, w->now);
}

void changes_apply(world *w) {
    for (size_t i = 0; i < w->config->change_count; i++) {
        if (w->changes[i].at <= w->now && must_wait(w, &w->changes[i].plan)) {
            w->changes[i].at = w->now + 50 * LEAT_MILLISECOND;
        } else if (w->changes[i].at <= w->now) {
            apply(w, &w->changes[i]);
        }
    }
}
