/* Tasks: what each side's application begins when, and whether everything is done. */
#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

#define RETRY_AFTER (10 * LEAT_MILLISECOND)
#define UID_SHIFT 32
#define CLOSE_CODE 42
#define DATAGRAM_MAX 9000 /* what random scenarios let an MTU be */
#define DELIVERED 1
#define FATE_TOLD 2

static unsigned wanted(const sim_task *task) { return task->count > 1 ? task->count : 1; }
static uint64_t uid_of(size_t task, unsigned number) {
    return ((uint64_t)task << UID_SHIFT) + number + 1;
}

/* ---- one step of each kind: true, when the next one may begin -------------------------------- */

typedef bool step_fn(end_conn *c, size_t index, progress *p);

static bool step_stream(end_conn *c, size_t index, progress *p) {
    if (stream_open(c->flow, c->side, index) == NULL) {
        p->next = LEAT_TIME_NEVER;
        p->waits = true;
        return false;
    }
    return true;
}

static uint64_t datagram_key(const end_conn *c, uint64_t uid) {
    return sim_mix(c->w->config->seed ^ uid ^ (uint64_t)c->flow->number << 56) + c->side;
}

/* The first eight bytes of a datagram say which one it is. */
static bool step_datagram(end_conn *c, size_t index, progress *p) {
    const sim_task *task = &c->flow->plan->tasks[index];
    uint8_t bytes[DATAGRAM_MAX];
    uint64_t uid = uid_of(index, p->begun);
    size_t most = leat_conn_max_datagram_payload(c->conn);
    size_t length = task->size < sizeof uid ? sizeof uid : (size_t)task->size;
    length = length < most ? length : most;
    if (most < sizeof uid || most > sizeof bytes) {
        world_fail(c->w, "datagrams of at most %zu bytes", most);
        return false;
    }
    memcpy(bytes, &uid, sizeof uid);
    pattern_fill(datagram_key(c, uid), 0, bytes + sizeof uid, length - sizeof uid);
    const leat_span part = {bytes, length};
    int err = leat_conn_send_datagram_frame(c->conn, &part, 1, uid);
    if (err == LEAT_ERR_FULL) {
        p->next = c->w->now + LEAT_MILLISECOND;
    } else if (err != LEAT_OK) {
        world_fail(c->w, "datagram: %s", leat_err_string(err));
    }
    return err == LEAT_OK;
}

static bool step_ping(end_conn *c, size_t index, progress *p) {
    int err = leat_conn_send_ping(c->conn, uid_of(index, p->begun));
    if (err != LEAT_OK) {
        p->next = c->w->now + RETRY_AFTER;
    }
    return err == LEAT_OK;
}

/* RFC 9001 §6.1: one update at a time, so a second may have to wait. */
static bool step_key_update(end_conn *c, size_t index, progress *p) {
    (void)index;
    int err = leat_conn_request_key_update(c->conn);
    leat_conn_send_ping(c->conn, 0); /* something must be acknowledged with the new keys */
    if (err != LEAT_OK) {
        p->next = c->w->now + 5 * RETRY_AFTER;
        return false;
    }
    c->w->result->occurrences.feature[SIM_FEATURE_KEY_PHASE]++;
    p->done++;
    return true;
}

static bool step_connection_id(end_conn *c, size_t index, progress *p) {
    (void)index;
    bool has_spare_path = c->flow->hosts > 0; /* it may hold the last ID that there is */
    if (leat_conn_change_connection_id(c->conn) != LEAT_OK && !has_spare_path) {
        p->next = c->w->now + RETRY_AFTER;
        return false;
    }
    p->done++;
    return true;
}

/*
 * One spare path at a time, so that connection IDs are left for moving. Whether a path works is the
 * links' business: the connection must live either way.
 */
static int go(end_conn *c, int (*how)(leat_conn *conn, const leat_path *path, leat_time now)) {
    flow *f = c->flow;
    if (f->spare_host == 0) {
        f->spare_host = ++f->hosts;
    }
    const leat_path path = {nat_client_at(c->w, f->number, f->spare_host),
                            {.family = LEAT_ADDRESS_NONE}};
    return how(c->conn, &path, end_clock(&c->w->ends[c->side], c->w->now));
}

static bool step_probe(end_conn *c, size_t index, progress *p) {
    (void)index;
    if (go(c, leat_conn_probe_path) != LEAT_OK) {
        p->next = c->w->now + RETRY_AFTER;
        return false;
    }
    p->done++;
    return true;
}

static bool step_migration(end_conn *c, size_t index, progress *p) {
    (void)index;
    if (go(c, leat_conn_migrate) != LEAT_OK) {
        p->next = c->w->now + RETRY_AFTER;
        return false;
    }
    c->flow->spare_host = 0;
    p->done++;
    return true;
}

static bool step_close(end_conn *c, size_t index, progress *p) {
    (void)index;
    p->done++;
    c->flow->is_closing = true;
    leat_conn_close(c->conn, CLOSE_CODE, "enough");
    return true;
}

static const struct {
    const char *name;
    step_fn *step;
} kinds[SIM_TASK_KINDS] = {
    [SIM_TASK_STREAM] = {"streams", step_stream},
    [SIM_TASK_RESET] = {"streams that are reset", step_stream},
    [SIM_TASK_RESET_AT] = {"streams reset behind a head", step_stream},
    [SIM_TASK_STOP] = {"streams that are stopped", step_stream},
    [SIM_TASK_HOLD] = {"streams that are held", step_stream},
    [SIM_TASK_DATAGRAMS] = {"datagrams", step_datagram},
    [SIM_TASK_PINGS] = {"pings", step_ping},
    [SIM_TASK_KEY_UPDATES] = {"key updates", step_key_update},
    [SIM_TASK_CONNECTION_IDS] = {"other connection IDs", step_connection_id},
    [SIM_TASK_PROBES] = {"probes of a path", step_probe},
    [SIM_TASK_MIGRATIONS] = {"migrations", step_migration},
    [SIM_TASK_CLOSE] = {"close", step_close},
};

const char *sim_task_name(sim_task_kind kind) { return kinds[kind].name; }

/* ---- the course of things -------------------------------------------------------------------- */

void work_begin(flow *f, sim_side side) {
    for (size_t i = 0; i < f->plan->task_count; i++) {
        progress *p = &f->progress[i];
        if (f->plan->tasks[i].side == side && p->begun == 0 && p->next == LEAT_TIME_NEVER) {
            p->next = f->ends[side]->w->now + f->plan->tasks[i].at;
        }
    }
}

leat_time work_next(const end_conn *c) {
    leat_time next = LEAT_TIME_NEVER;
    for (size_t i = 0; c->flow != NULL && i < c->flow->plan->task_count; i++) {
        if (c->flow->plan->tasks[i].side == c->side) {
            next = earlier(next, c->flow->progress[i].next);
        }
    }
    return c->is_terminated || !c->is_working ? LEAT_TIME_NEVER : next;
}

static void run_task(end_conn *c, size_t index) {
    const sim_task *task = &c->flow->plan->tasks[index];
    progress *p = &c->flow->progress[index];
    while (task->side == c->side && p->next <= c->w->now && !world_has_failed(c->w) &&
           !leat_conn_is_terminating(c->conn)) {
        if (!kinds[task->kind].step(c, index, p)) {
            return;
        }
        c->w->result->occurrences.task[task->kind]++;
        p->begun++;
        p->next = p->begun == wanted(task) ? LEAT_TIME_NEVER : c->w->now + task->interval;
    }
}

static void close_when_done(end_conn *c) {
    flow *f = c->flow;
    if (!f->is_closing && work_is_done(f) && f->ends[SIM_CLIENT]->is_completed) {
        f->result->is_complete = true;
        f->is_closing = true;
        end_conn *client = f->ends[SIM_CLIENT];
        leat_conn_close(client->conn, 0, "done");
        end_touch(client);
    }
}

void work_run(end_conn *c) {
    if (c->flow == NULL || !c->is_working || c->is_terminated) {
        return;
    }
    for (size_t i = 0; i < c->flow->plan->task_count; i++) {
        run_task(c, i);
    }
    if (!leat_conn_is_terminating(c->conn)) {
        streams_send(c);
    }
    close_when_done(c);
}

bool work_is_done(const flow *f) {
    for (size_t i = 0; i < f->plan->task_count; i++) {
        if (f->progress[i].done < wanted(&f->plan->tasks[i])) {
            return false;
        }
    }
    return true;
}

void work_clear(flow *f) {
    for (size_t i = 0; f->progress != NULL && i < f->plan->task_count; i++) {
        free(f->progress[i].seen);
    }
    free(f->progress);
}

/* ---- what comes back ------------------------------------------------------------------------- */

/* The task and the place of a uid of this kind that `side` sent; NULL: nobody did. */
static progress *find_uid(end_conn *c, sim_side side, sim_task_kind kind, uint64_t uid,
                          unsigned *number) {
    uint64_t index = uid >> UID_SHIFT;
    *number = (unsigned)(uid - (index << UID_SHIFT)) - 1;
    if (index >= c->flow->plan->task_count || c->flow->plan->tasks[index].kind != kind ||
        c->flow->plan->tasks[index].side != side ||
        *number >= wanted(&c->flow->plan->tasks[index])) {
        world_fail(c->w, "%s with a uid nobody sent", sim_task_name(kind));
        return NULL;
    }
    progress *p = &c->flow->progress[index];
    if (p->seen == NULL) {
        p->seen = calloc(wanted(&c->flow->plan->tasks[index]), 1);
    }
    return p->seen != NULL ? p : NULL;
}

static void on_datagram(end_conn *c, leat_span data) {
    uint64_t uid = 0;
    unsigned number;
    if (data.length < sizeof uid) {
        world_fail(c->w, "a datagram of %zu bytes", data.length);
        return;
    }
    memcpy(&uid, data.data, sizeof uid);
    progress *p = find_uid(c, OTHER(c->side), SIM_TASK_DATAGRAMS, uid, &number);
    const leat_span rest = {data.data + sizeof uid, data.length - sizeof uid};
    const end_conn sender = {.w = c->w, .flow = c->flow, .side = OTHER(c->side)};
    if (p == NULL) {
        return;
    }
    if ((p->seen[number] & DELIVERED) != 0) {
        world_fail(c->w, "a datagram was delivered twice");
    }
    if (!pattern_matches(datagram_key(&sender, uid), 0, rest)) {
        world_fail(c->w, "other bytes in a datagram");
    }
    p->seen[number] |= DELIVERED;
}

static void on_fate(end_conn *c, uint64_t uid, leat_datagram_fate fate) {
    unsigned number;
    progress *p = find_uid(c, c->side, SIM_TASK_DATAGRAMS, uid, &number);
    if (p == NULL) {
        return;
    }
    if ((p->seen[number] & FATE_TOLD) != 0) {
        world_fail(c->w, "the fate of a datagram was told twice");
    }
    if (fate == LEAT_DATAGRAM_ACKED && (p->seen[number] & DELIVERED) == 0) {
        world_fail(c->w, "a datagram was acknowledged and not delivered");
    }
    p->seen[number] |= FATE_TOLD;
    p->done++;
}

static void on_pong(end_conn *c, uint64_t uid) {
    unsigned number;
    progress *p = uid != 0 ? find_uid(c, c->side, SIM_TASK_PINGS, uid, &number) : NULL;
    if (p == NULL) {
        return;
    }
    if (p->seen[number] != 0) {
        world_fail(c->w, "PingAcknowledged twice");
    }
    p->seen[number] = FATE_TOLD;
    p->done++;
}

/* Tasks whose streams were refused may go on. */
static void on_streams_available(end_conn *c) {
    for (size_t i = 0; i < c->flow->plan->task_count; i++) {
        progress *p = &c->flow->progress[i];
        if (p->waits && c->flow->plan->tasks[i].side == c->side) {
            p->waits = false;
            p->next = c->w->now;
        }
    }
}

void work_on_event(end_conn *c, const leat_event *event) {
    switch (event->type) {
    case LEAT_EVENT_DATAGRAM_FRAME_RECEIVED:
        on_datagram(c, event->datagram_frame_received.data);
        break;
    case LEAT_EVENT_DATAGRAM_FRAME_FATE:
        on_fate(c, event->datagram_frame_fate.uid, event->datagram_frame_fate.fate);
        break;
    case LEAT_EVENT_PING_ACKNOWLEDGED: on_pong(c, event->ping_acknowledged.uid); break;
    case LEAT_EVENT_STREAMS_AVAILABLE: on_streams_available(c); break;
    default: break;
    }
}
