/*
 * What a run sees of its connections: events, each checked and made part of the digest, and traces,
 * which are counted.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

/* ---- events ---------------------------------------------------------------------------------- */

/*
 * Everything of an event that chance cannot touch: tickets and tokens are encrypted, so only their
 * length counts. Stream bytes are checked elsewhere.
 */
static void digest_event(end_conn *c, const leat_event *event) {
    char text[512] = "";
    const uint64_t head[] = {c->w->now, c->side, event->type};
    world_digest(c->w, head, sizeof head);
    if (event->type == LEAT_EVENT_SESSION_TICKET || event->type == LEAT_EVENT_NEW_TOKEN) {
        world_digest(c->w, &event->ticket.data.length, sizeof event->ticket.data.length);
        return;
    }
    if (event->type == LEAT_EVENT_STREAM_DATA_RECEIVED) {
        const uint64_t data[] = {event->stream_data_received.stream_id,
                                 event->stream_data_received.data.length,
                                 event->stream_data_received.end_stream};
        world_digest(c->w, data, sizeof data);
        return;
    }
    leat_event_format(event, text, sizeof text);
    world_digest(c->w, text, strlen(text));
}

static void keep_ticket(world *w, leat_span ticket) {
    uint8_t *copy = realloc(w->ticket, ticket.length + 1);
    if (copy == NULL) {
        world_fail(w, "no memory");
        return;
    }
    memcpy(copy, ticket.data, ticket.length);
    w->ticket = copy;
    w->ticket_length = ticket.length;
}

static bool server_speaks(const world *w, uint32_t version) {
    const leat_config *server = &w->config->quic[SIM_SERVER];
    bool is_listed = server->versions == NULL;
    for (size_t i = 0; server->versions != NULL && i < server->version_count; i++) {
        is_listed = is_listed || server->versions[i] == version;
    }
    return is_listed;
}

static void note_version(end_conn *c) {
    uint64_t *feature = c->w->result->occurrences.feature;
    uint32_t version = leat_conn_version(c->conn);
    c->flow->result->version = version;
    feature[SIM_FEATURE_VERSION_2] += version == LEAT_QUIC_VERSION_2;
    feature[SIM_FEATURE_COMPATIBLE_VERSION] +=
        version != c->first_version && server_speaks(c->w, c->first_version);
}

static void on_completed(end_conn *c, bool is_resumed) {
    world *w = c->w;
    if (c->is_completed) {
        world_fail(w, "HandshakeCompleted twice");
    }
    c->is_completed = c->is_working = true;
    if (c->side == SIM_SERVER && c->flow == NULL) {
        bool is_current;
        flow *f = nat_find(w, &leat_conn_path(c->conn)->remote, &is_current);
        if (f == NULL || f->had[SIM_SERVER]) {
            world_fail(w, "two connections of one client completed");
            return;
        }
        f->had[SIM_SERVER] = true;
        f->ends[SIM_SERVER] = c;
        c->flow = f;
    } else if (c->side == SIM_CLIENT) {
        c->flow->result->is_early = leat_conn_early_data_accepted(c->conn);
        w->result->occurrences.feature[SIM_FEATURE_EARLY_DATA] += c->flow->result->is_early;
        c->flow->result->is_resumed = is_resumed;
        c->flow->result->cipher_suite = leat_conn_cipher_suite(c->conn);
        w->result->occurrences.feature[SIM_FEATURE_RESUMPTION] += is_resumed;
        note_version(c);
        c->flow->result->handshake = w->now - c->flow->plan->start;
    }
    if (w->config->quic[c->side].liveness != 0) {
        leat_conn_want_liveness(c->conn, true);
    }
    work_begin(c->flow, c->side);
}

/* Ends a connection that did nothing wrong, and says so. */
static bool may_give_up(const leat_config *quic) {
    return quic->liveness != 0 || quic->request_timeout != 0;
}

/*
 * RFC 9000 §10.2.3: an application that closes early is an APPLICATION_ERROR to the peer. RFC 9000
 * §8.1.4: a Retry token is good for a short time only, which bad links outlast.
 */
static bool is_possible(const end_conn *c, const leat_event *event) {
    uint64_t code = event->connection_terminated.error_code;
    switch (c->source) {
    case LEAT_SOURCE_PROTOCOL_ERROR:
    case LEAT_SOURCE_INTERNAL_ERROR:
        return false;
    case LEAT_SOURCE_PEER_TRANSPORT:
        return code == LEAT_APPLICATION_ERROR ||
               (code == LEAT_NO_ERROR && may_give_up(&c->w->config->quic[OTHER(c->side)])) ||
               (code == LEAT_INVALID_TOKEN && c->w->config->retry);
    default:
        return true;
    }
}

static bool is_wanted(const end_conn *c) {
    return c->flow == NULL || c->flow->is_closing || c->flow->plan->may_die ||
           c->source == LEAT_SOURCE_PEER_TRANSPORT;
}

static void on_terminated(end_conn *c, const leat_event *event) {
    world *w = c->w;
    c->is_terminated = true;
    c->source = event->connection_terminated.source;
    w->result->occurrences.source[c->source]++;
    if (!is_possible(c, event)) {
        world_fail(w, "ended by %s, error 0x%llx: %.*s", leat_close_source_name(c->source),
                   (unsigned long long)event->connection_terminated.error_code,
                   (int)event->connection_terminated.reason_length,
                   event->connection_terminated.reason_phrase);
    } else if (!is_wanted(c)) {
        world_fail_undone(w, leat_close_source_name(c->source));
    }
    if (c->flow != NULL) {
        c->flow->is_closing = true;
    }
}

/* A NAT changes what the server sees; the client sees what it chose itself. */
static void count_move(end_conn *c, const leat_event *event) {
    uint64_t *feature = c->w->result->occurrences.feature;
    const leat_path *from = &event->path_changed.old_path, *to = &event->path_changed.new_path;
    if (c->side == SIM_CLIENT && !leat_address_equal(&from->local, &to->local)) {
        feature[SIM_FEATURE_CLIENT_MOVED]++;
    }
    if (c->side == SIM_CLIENT && !leat_address_equal(&from->remote, &to->remote)) {
        feature[SIM_FEATURE_PREFERRED_ADDRESS]++;
    }
}

void watch_event(end_conn *c, const leat_event *event) {
    world *w = c->w;
    w->result->occurrences.event[event->type]++;
    digest_event(c, event);
    if (w->config->on_event != NULL) {
        w->config->on_event(w->config->on_event_user, c->side, event,
                            end_clock(&w->ends[c->side], w->now));
    }
    if (c->is_terminated) {
        world_fail(w, "%s after ConnectionTerminated", leat_event_name(event->type));
        return;
    }
    switch (event->type) {
    case LEAT_EVENT_HANDSHAKE_COMPLETED:
        on_completed(c, event->handshake_completed.session_resumed);
        break;
    case LEAT_EVENT_PROTOCOL_NEGOTIATED:
        early_on_protocol(c);
        break;
    case LEAT_EVENT_EARLY_DATA_REJECTED:
        early_on_rejected(c);
        break;
    case LEAT_EVENT_SESSION_TICKET:
        keep_ticket(w, event->ticket.data);
        break;
    case LEAT_EVENT_HANDSHAKE_CONFIRMED:
        c->is_confirmed = true;
        break;
    case LEAT_EVENT_CONNECTION_TERMINATED:
        on_terminated(c, event);
        break;
    case LEAT_EVENT_PATH_CHANGED:
        count_move(c, event);
        break;
    case LEAT_EVENT_PATH_VALIDATED:
        if (c->side == SIM_SERVER) {
            nat_on_validated(w, &event->path.path.remote);
        }
        break;
    default:
        if (c->flow != NULL) {
            streams_on_event(c, event);
            work_on_event(c, event);
        }
        break;
    }
}

/* ---- traces ---------------------------------------------------------------------------------- */

static const leat_trace_field *field_of(const leat_trace_record *record, const char *name) {
    for (size_t i = 0; i < record->field_count; i++) {
        if (strcmp(record->fields[i].name, name) == 0) {
            return &record->fields[i];
        }
    }
    return NULL;
}

static bool is_text(const leat_trace_field *field, const char *text) {
    return field != NULL && field->bytes.length == strlen(text) &&
           memcmp(field->bytes.data, text, field->bytes.length) == 0;
}

static void on_frame(end *e, const leat_trace_record *record) {
    const leat_trace_field *type = field_of(record, "frame_type_bytes");
    if (type != NULL && type->integer < SIM_FRAME_TYPES) {
        e->w->result->occurrences.frame[type->integer]++;
    }
}

static void on_packet(end *e, const leat_trace_record *record) {
    uint64_t *feature = e->w->result->occurrences.feature;
    feature[SIM_FEATURE_OTHER_ATTEMPT] +=
        is_text(field_of(record, "packet_type"), "version_negotiation");
    feature[SIM_FEATURE_COALESCED] += ++e->packets_in_datagram == 2 ? 1 : 0;
    if (e->side == SIM_SERVER && is_text(field_of(record, "packet_type"), "handshake")) {
        nat_on_handshake_packet(e->w);
    }
}

static void count_timer(end *e, const leat_trace_record *record) {
    if (is_text(field_of(record, "timer_type"), "loss_timeout")) {
        e->w->result->occurrences.feature[SIM_FEATURE_RECOVERY_TIMER]++;
    }
}

static void count_lost(end *e, const leat_trace_record *record) {
    (void)record;
    e->w->result->occurrences.feature[SIM_FEATURE_PACKET_LOST]++;
}

static void count_dropped(end *e, const leat_trace_record *record) {
    (void)record;
    e->w->result->occurrences.feature[SIM_FEATURE_PACKET_DROPPED]++;
}

static void count_buffered(end *e, const leat_trace_record *record) {
    (void)record;
    e->w->result->occurrences.feature[SIM_FEATURE_PACKET_BUFFERED]++;
}

static void count_mtu(end *e, const leat_trace_record *record) {
    const leat_trace_field *old = field_of(record, "old"), *new = field_of(record, "new");
    if (old != NULL) {
        bool is_raised = new->integer > old->integer;
        e->w->result->occurrences.feature[is_raised ? SIM_FEATURE_MTU_RAISED
                                                    : SIM_FEATURE_BLACK_HOLE]++;
    }
}

static const struct {
    const char *name;
    void (*on_record)(end *e, const leat_trace_record *record);
} records[] = {
    {"frame_parsed", on_frame},          {"packet_received", on_packet},
    {"packet_lost", count_lost},         {"packet_dropped", count_dropped},
    {"packet_buffered", count_buffered}, {"timer_updated", count_timer},
    {"mtu_updated", count_mtu},
};

void watch_record(void *user, const leat_trace_record *record) {
    end *e = user;
    const leat_trace_sink *also = e->w->config->trace[e->side];
    if (also != NULL) {
        also->on_record(also->user, record);
    }
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        if (strcmp(records[i].name, record->name) == 0) {
            records[i].on_record(e, record);
            return;
        }
    }
}
