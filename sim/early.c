/*
 * Early data in a run: a client works before its handshake is complete, a server answers then, and
 * what was rejected is undone here as it is in the connection.
 */
#include <stdlib.h>

#include "sim/world.h"

/* What can be done before the handshake is complete. */
static bool can_be_early(sim_task_kind kind) {
    return kind <= SIM_TASK_HOLD || kind == SIM_TASK_DATAGRAMS || kind == SIM_TASK_PINGS;
}

static void begin_early(flow *f, sim_side side) {
    for (size_t i = 0; i < f->plan->task_count; i++) {
        const sim_task *task = &f->plan->tasks[i];
        if (task->side == side && can_be_early(task->kind)) {
            f->progress[i].next = f->ends[side]->w->now + task->at;
        }
    }
}

void early_on_protocol(end_conn *c) {
    bool is_current;
    if (c->side == SIM_CLIENT && leat_conn_is_sending_early_data(c->conn)) {
        c->is_working = true;
        begin_early(c->flow, c->side);
    }
    if (c->side == SIM_CLIENT || !leat_conn_early_data_accepted(c->conn)) {
        return;
    }
    flow *f = nat_find(c->w, &leat_conn_path(c->conn)->remote, &is_current);
    if (f == NULL || f->had[SIM_SERVER]) {
        world_fail(c->w, "early data accepted twice");
        return;
    }
    f->had[SIM_SERVER] = true;
    f->ends[SIM_SERVER] = c;
    c->flow = f;
    c->is_working = true;
}

/* PINGs were lost and go again; all else was never done. */
static void undo(const flow *f, size_t index) {
    progress *p = &f->progress[index];
    if (f->plan->tasks[index].side == SIM_CLIENT &&
        f->plan->tasks[index].kind != SIM_TASK_PINGS) {
        free(p->seen);
        *p = (progress){.next = LEAT_TIME_NEVER};
    }
}

void early_on_rejected(end_conn *c) {
    flow *f = c->flow;
    c->is_working = false;
    streams_clear(f);
    for (size_t i = 0; i < f->plan->task_count; i++) {
        undo(f, i);
    }
}
