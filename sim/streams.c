/*
 * Streams of a run: handing bytes over, and checking each that comes. Both sides' view of a stream
 * stands in one place, so that "received" can be held against "sent".
 */
#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

#define CHUNK 16384
#define RESET_CODE 0x1000 /* plus the stream's ID */
#define STOP_CODE 0x2000

/* ---- bytes ----------------------------------------------------------------------------------- */

void pattern_fill(uint64_t key, uint64_t offset, uint8_t *bytes, size_t length) {
    size_t at = 0;
    while (at < length) {
        uint64_t word = sim_mix(key + (offset + at) / 8);
        size_t skip = (offset + at) % 8, take = 8 - skip;
        take = take < length - at ? take : length - at;
        memcpy(bytes + at, (const uint8_t *)&word + skip, take);
        at += take;
    }
}

bool pattern_matches(uint64_t key, uint64_t offset, leat_span bytes) {
    uint8_t expected[CHUNK];
    for (size_t at = 0; at < bytes.length; at += CHUNK) {
        size_t length = bytes.length - at < CHUNK ? bytes.length - at : CHUNK;
        pattern_fill(key, offset + at, expected, length);
        if (memcmp(expected, bytes.data + at, length) != 0) {
            return false;
        }
    }
    return true;
}

static uint64_t key_of(const flow *f, uint64_t seed, const stream *s, sim_side sender) {
    return sim_mix(seed + ((uint64_t)f->number << 40) + (s->id << 1) + sender);
}

/* ---- lists ----------------------------------------------------------------------------------- */

static bool list_push(world *w, stream_list *list, stream *s) {
    if (list->count == list->room) {
        size_t room = list->room * 2 + 8;
        stream **more = realloc(list->streams, room * sizeof(stream *));
        if (more == NULL) {
            world_fail(w, "no memory");
            return false;
        }
        list->streams = more;
        list->room = room;
    }
    list->streams[list->count++] = s;
    return true;
}

stream *stream_find(const flow *f, uint64_t id) {
    const stream_list *list = &f->streams[id & 3];
    return id >> 2 < list->count ? list->streams[id >> 2] : NULL;
}

void streams_clear(flow *f) {
    for (size_t kind = 0; kind < 4; kind++) {
        for (size_t i = 0; i < f->streams[kind].count; i++) {
            free(f->streams[kind].streams[i]);
        }
        free(f->streams[kind].streams);
        f->streams[kind] = (stream_list){NULL, 0, 0};
    }
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        free(f->work[side].streams);
        free(f->held[side].streams);
        f->work[side] = f->held[side] = (stream_list){NULL, 0, 0};
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

static stream *make_stream(const flow *f, sim_side side, size_t index, uint64_t id) {
    const sim_task *task = &f->plan->tasks[index];
    stream *s = calloc(1, sizeof *s);
    if (s != NULL) {
        *s = (stream){.id = id, .task = index, .opener = side};
        s->halves[side] = (half){.exists = true, .size = task->size, .limit = UINT64_MAX};
        s->halves[OTHER(side)] = (half){.exists = !task->unidirectional, .size = task->answer,
                                        .limit = UINT64_MAX};
        if (task->kind != SIM_TASK_STREAM) {
            s->halves[side].limit = task->limit;
        }
    }
    return s;
}

stream *stream_open(flow *f, sim_side side, size_t task) {
    end_conn *c = f->ends[side];
    world *w = c->w;
    uint64_t id = 0;
    int err = leat_conn_open_stream(c->conn, f->plan->tasks[task].unidirectional, &id);
    if (err == LEAT_ERR_STREAM_LIMIT) {
        w->result->occurrences.feature[SIM_FEATURE_STREAM_LIMIT]++;
    }
    if (err != LEAT_OK) {
        return NULL;
    }
    stream_list *list = &f->streams[id & 3];
    stream *s = make_stream(f, side, task, id);
    if (id >> 2 != list->count || s == NULL || !list_push(w, list, s)) {
        world_fail(w, "stream %llu opened out of order", (unsigned long long)id);
        free(s);
        return NULL;
    }
    list_push(w, &f->work[side], s);
    return s;
}

/* ---- sending --------------------------------------------------------------------------------- */

static sim_task_kind kind_of(const flow *f, const stream *s) {
    return f->plan->tasks[s->task].kind;
}

static void reset(end_conn *c, stream *s, half *own) {
    bool is_at = kind_of(c->flow, s) == SIM_TASK_RESET_AT;
    uint64_t reliable = is_at ? own->sent / 2 : 0;
    int err = leat_conn_reset_stream_at(c->conn, s->id, RESET_CODE + s->id, reliable);
    own->promised = err == LEAT_OK && !own->stop_received ? reliable : 0;
    if (err < LEAT_OK && !own->stop_received) {
        world_fail(c->w, "reset of stream %llu: %s", (unsigned long long)s->id,
                   leat_err_string(err));
    }
    own->reset_sent = true;
}

/* True: there is no more to do on this half. */
static bool send_some(end_conn *c, stream *s) {
    half *own = &s->halves[c->side];
    uint8_t bytes[CHUNK];
    bool is_reset = s->opener == c->side && (kind_of(c->flow, s) == SIM_TASK_RESET ||
                                             kind_of(c->flow, s) == SIM_TASK_RESET_AT);
    uint64_t goal = is_reset && own->limit < own->size ? own->limit : own->size;
    while (!own->stop_received) {
        uint64_t left = goal - own->sent;
        size_t length = left < sizeof bytes ? (size_t)left : sizeof bytes;
        bool is_end = !is_reset && length == left;
        pattern_fill(key_of(c->flow, c->w->config->seed, s, c->side), own->sent, bytes, length);
        ptrdiff_t taken = leat_conn_send_stream_data(c->conn, s->id, bytes, length, is_end);
        if (taken < 0) {
            world_fail(c->w, "sending on stream %llu: %s", (unsigned long long)s->id,
                       leat_err_string((int)taken));
            return true;
        }
        own->sent += (uint64_t)taken;
        if ((size_t)taken < length) {
            own->is_blocked = true;
            c->w->result->occurrences.feature[SIM_FEATURE_BLOCKED_SEND]++;
            return false;
        }
        if (own->sent == goal) {
            own->end_sent = is_end;
            if (is_reset) {
                reset(c, s, own);
            }
            return true;
        }
    }
    return true;
}

void streams_send(end_conn *c) {
    stream_list *list = &c->flow->work[c->side];
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        stream *s = list->streams[i];
        if (world_has_failed(c->w) || s->halves[c->side].is_blocked || !send_some(c, s)) {
            list->streams[kept++] = s;
        }
    }
    list->count = kept;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void begin_answer(end_conn *c, stream *s) {
    if (s->opener != c->side && s->halves[c->side].exists) {
        list_push(c->w, &c->flow->work[c->side], s);
    }
}

static bool holds(end_conn *c, stream *s, half *theirs, size_t length) {
    if (kind_of(c->flow, s) != SIM_TASK_HOLD || s->opener == c->side || theirs->was_held ||
        theirs->received < theirs->limit) {
        return false;
    }
    theirs->was_held = theirs->is_held = true;
    theirs->release_at = c->w->now + c->flow->plan->tasks[s->task].interval;
    list_push(c->w, &c->flow->held[c->side], s);
    c->w->result->occurrences.feature[SIM_FEATURE_HOLD]++;
    int err = leat_conn_hold_stream(c->conn, s->id, length);
    if (err != LEAT_OK) {
        world_fail(c->w, "hold: %s", leat_err_string(err));
    }
    return true;
}

static void stop_if_wanted(end_conn *c, stream *s, half *theirs) {
    if (kind_of(c->flow, s) == SIM_TASK_STOP && s->opener != c->side && !theirs->end_received &&
        theirs->received >= theirs->limit) {
        theirs->stop_sent = true;
        leat_conn_stop_stream(c->conn, s->id, STOP_CODE + s->id);
        begin_answer(c, s);
    }
}

static void credit(end_conn *c, const stream *s, size_t length) {
    if (c->w->config->quic[c->side].manual_credit && length > 0) {
        c->w->result->occurrences.feature[SIM_FEATURE_MANUAL_CREDIT]++;
        leat_conn_credit_stream(c->conn, s->id, length);
    }
}

static void note_progress(end_conn *c, size_t length) {
    sim_flow_result *result = c->flow->result;
    if (length > 0) {
        result->begun = result->bytes == 0 ? c->w->now : result->begun;
        result->ended = c->w->now;
        result->bytes += length;
    }
}

static void on_data(end_conn *c, stream *s, half *theirs, const leat_event *event) {
    leat_span data = event->stream_data_received.data;
    unsigned long long id = s->id;
    if (theirs->end_received || theirs->reset_received || theirs->stop_sent || theirs->is_held) {
        world_fail(c->w, "data on stream %llu after its end", id);
    } else if (data.length > theirs->sent - theirs->received) {
        world_fail(c->w, "more bytes on stream %llu than were sent", id);
    } else if (!pattern_matches(key_of(c->flow, c->w->config->seed, s, OTHER(c->side)),
                                theirs->received, data)) {
        world_fail(c->w, "other bytes on stream %llu at %llu", id,
                   (unsigned long long)theirs->received);
    } else if (!holds(c, s, theirs, data.length)) {
        theirs->received += data.length;
        note_progress(c, data.length);
        credit(c, s, data.length);
        if (event->stream_data_received.end_stream) {
            theirs->end_received = true;
            begin_answer(c, s);
            if (!theirs->end_sent || theirs->received != theirs->size) {
                world_fail(c->w, "stream %llu ended after %llu of %llu bytes", id,
                           (unsigned long long)theirs->received, (unsigned long long)theirs->size);
            }
        }
        stop_if_wanted(c, s, theirs);
    }
}

static void on_reset(end_conn *c, stream *s, half *theirs, const leat_event *event) {
    uint64_t code = theirs->reset_sent ? RESET_CODE + s->id : STOP_CODE + s->id;
    bool is_expected = theirs->reset_sent || theirs->stop_sent;
    if (!is_expected || theirs->reset_received || theirs->end_received ||
        (event->stream_reset.error_code != code && !theirs->stop_sent)) {
        world_fail(c->w, "StreamReset of stream %llu, code 0x%llx", (unsigned long long)s->id,
                   (unsigned long long)event->stream_reset.error_code);
    }
    if (theirs->received < theirs->promised && !theirs->stop_sent) {
        world_fail(c->w, "StreamReset of stream %llu after %llu of %llu promised bytes",
                   (unsigned long long)s->id, (unsigned long long)theirs->received,
                   (unsigned long long)theirs->promised);
    }
    theirs->reset_received = true;
    if (!theirs->stop_sent) {
        begin_answer(c, s);
    }
}

static void on_stop(end_conn *c, stream *s, half *own, const leat_event *event) {
    if (!own->stop_sent || own->stop_received ||
        event->stop_sending_received.error_code != STOP_CODE + s->id) {
        world_fail(c->w, "StopSendingReceived on stream %llu", (unsigned long long)s->id);
    }
    own->stop_received = true;
    own->is_blocked = false;
}

static void on_delivered(end_conn *c, const stream *s, const half *own) {
    if (!own->end_sent || (own->received != own->size && !own->stop_sent && !own->is_held)) {
        world_fail(c->w, "StreamDelivered of stream %llu with %llu of %llu bytes",
                   (unsigned long long)s->id, (unsigned long long)own->received,
                   (unsigned long long)own->size);
    }
}

static void on_opened(end_conn *c, stream *s) {
    if (s->is_opened[c->side] || s->opener == c->side) {
        world_fail(c->w, "StreamOpened of stream %llu", (unsigned long long)s->id);
    }
    s->is_opened[c->side] = true;
}

static bool is_settled(const half *h) {
    return !h->exists || h->end_received || h->reset_received ||
           (h->stop_sent && (h->stop_received || h->end_sent));
}

static void count_settled(flow *f, stream *s) {
    if (!s->is_counted && is_settled(&s->halves[0]) && is_settled(&s->halves[1])) {
        s->is_counted = true;
        f->progress[s->task].done++;
    }
}

/* The stream of an event, or NULL for events of other things. */
static stream *stream_of(end_conn *c, const leat_event *event) {
    uint64_t id = 0;
    if (!leat_event_get_integer(event, "stream_id", &id)) {
        return NULL;
    }
    stream *s = stream_find(c->flow, id);
    if (s == NULL) {
        world_fail(c->w, "%s of stream %llu, which nobody opened", leat_event_name(event->type),
                   (unsigned long long)id);
    }
    return s;
}

void streams_on_event(end_conn *c, const leat_event *event) {
    stream *s = stream_of(c, event);
    if (s == NULL) {
        return;
    }
    half *own = &s->halves[c->side], *theirs = &s->halves[OTHER(c->side)];
    switch (event->type) {
    case LEAT_EVENT_STREAM_OPENED: on_opened(c, s); break;
    case LEAT_EVENT_STREAM_DATA_RECEIVED: on_data(c, s, theirs, event); break;
    case LEAT_EVENT_STREAM_RESET: on_reset(c, s, theirs, event); break;
    case LEAT_EVENT_STOP_SENDING_RECEIVED: on_stop(c, s, own, event); break;
    case LEAT_EVENT_STREAM_WRITABLE: own->is_blocked = false; break;
    case LEAT_EVENT_STREAM_DELIVERED: on_delivered(c, s, own); break;
    default: break;
    }
    count_settled(c->flow, s);
}

/* ---- held streams ---------------------------------------------------------------------------- */

leat_time streams_next(const end_conn *c) {
    leat_time next = LEAT_TIME_NEVER;
    for (size_t i = 0; c->flow != NULL && i < c->flow->held[c->side].count; i++) {
        const stream *s = c->flow->held[c->side].streams[i];
        next = earlier(next, s->halves[OTHER(c->side)].release_at);
    }
    return c->is_terminated ? LEAT_TIME_NEVER : next;
}

void streams_release(end_conn *c) {
    if (c->flow == NULL) {
        return;
    }
    stream_list *list = &c->flow->held[c->side];
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        stream *s = list->streams[i];
        half *theirs = &s->halves[OTHER(c->side)];
        if (theirs->release_at > c->w->now) {
            list->streams[kept++] = s;
            continue;
        }
        theirs->is_held = false;
        if (!theirs->reset_received) {
            leat_conn_release_stream(c->conn, s->id);
        }
    }
    list->count = kept;
}
