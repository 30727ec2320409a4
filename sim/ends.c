/*
 * The two endpoints and their connections, driven as a program with a socket does it: datagrams
 * and timers in, then for each connection that is ready events, work and datagrams out.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/identity.h"
#include "sim/world.h"

#define WALL_CLOCK 1800000000 /* inside the validity of the certificate */
#define ROUNDS_MAX 10000
#define TIMER_ROUNDS_MAX 16

static const char *const protocols[] = {"sim"};

static int64_t wall_clock(void *user) {
    const end *e = user;
    return WALL_CLOCK + (int64_t)(e->w->now / LEAT_SECOND) + e->wall_offset;
}

leat_time end_clock(const end *e, leat_time now) { return now + e->epoch; }

/* ---- opening and closing --------------------------------------------------------------------- */

static void configure(world *w, sim_side side) {
    end *e = &w->ends[side];
    leat_config *quic = &e->quic;
    *quic = w->config->quic[side];
    quic->allocator = &w->memory.allocator;
    quic->random = sim_random_bytes;
    quic->random_user = &e->dice;
    quic->wall_clock = wall_clock;
    quic->wall_clock_user = e;
    quic->alpn = protocols;
    quic->alpn_count = 1;
    quic->server_name = side == SIM_CLIENT ? "localhost" : NULL;
    quic->trust = side == SIM_CLIENT ? w->trust : NULL;
    quic->identities = side == SIM_SERVER ? &w->identity : NULL;
    quic->identity_count = side == SIM_SERVER ? 1 : 0;
    quic->early_data = w->config->early_data;
    quic->resumption_keys = side == SIM_SERVER ? w->resumption_keys : NULL;
    e->sink = (leat_trace_sink){watch_record, e};
    quic->trace = &e->sink;
    if (side == SIM_SERVER && w->config->has_preferred_address) {
        leat_address preferred = nat_preferred(w);
        quic->preferred_address_v4 = preferred;
        quic->preferred_address_v6 = preferred; /* its family says which one it is */
    }
}

static bool open_end(world *w, sim_side side) {
    end *e = &w->ends[side];
    int error = 0;
    e->w = w;
    e->side = side;
    e->dice = sim_mix(w->config->seed + 1 + side);
    e->epoch = sim_random_between(&e->dice, 1, 1000000) * LEAT_MILLISECOND;
    e->socket_end = &e->socket;
    configure(w, side);
    leat_endpoint_config_init(&e->config);
    e->config.server = side == SIM_SERVER ? &e->quic : NULL;
    e->config.allocator = e->quic.allocator;
    e->config.random = e->quic.random;
    e->config.random_user = e->quic.random_user;
    e->config.wall_clock = wall_clock;
    e->config.wall_clock_user = e;
    e->config.connection_id_length = e->quic.connection_id_length;
    e->config.retry = side == SIM_SERVER && w->config->retry;
    e->endpoint = leat_endpoint_new(&e->config, &error);
    if (e->endpoint == NULL) {
        world_fail(w, "no endpoint: %s", leat_err_string(error));
    }
    return e->endpoint != NULL;
}

bool ends_open(world *w) {
    char message[LEAT_MESSAGE_MAX] = "";
    w->trust = leat_trust_insecure_accept_anything();
    w->identity = sim_identity_new(w->config->chain_length, message);
    if (w->config->tickets) {
        static const uint8_t secret[32] = "the same in every run";
        /* Keys that are older than the run would have early data rejected for its first 21 s. */
        w->resumption_keys = leat_resumption_keys_new(w->config->early_data ? NULL : secret);
    }
    if (w->trust == NULL || w->identity == NULL) {
        world_fail(w, "no identity: %s", message);
        return false;
    }
    return open_end(w, SIM_CLIENT) && open_end(w, SIM_SERVER);
}

void ends_close(world *w) {
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        end *e = &w->ends[side];
        for (end_conn *c; (c = e->conns) != NULL;) {
            e->conns = c->next;
            free(c);
        }
        for (sim_datagram *datagram; (datagram = e->socket) != NULL;) {
            e->socket = datagram->next;
            free(datagram);
        }
        leat_endpoint_free(e->endpoint);
    }
    leat_identity_free(w->identity);
    leat_trust_free(w->trust);
    leat_resumption_keys_free(w->resumption_keys);
    free(w->ticket);
}

/* ---- connections ----------------------------------------------------------------------------- */

static end_conn *add_conn(end *e, leat_conn *conn) {
    end_conn *c = calloc(1, sizeof *c);
    if (c == NULL) {
        world_fail(e->w, "no memory");
        return NULL;
    }
    *c = (end_conn){.next = e->conns, .w = e->w, .conn = conn, .side = e->side,
                     .first_version = leat_conn_version(conn)};
    e->conns = c;
    leat_conn_set_user(conn, c);
    return c;
}

end_conn *end_connect(end *e, flow *f) {
    world *w = e->w;
    leat_config config = e->quic;
    const leat_path path = {nat_client(w, f->number), nat_server(w)};
    int error = 0;
    if (f->plan->congestion_control != NULL) {
        config.congestion_control = f->plan->congestion_control;
    }
    if (f->plan->resumes) {
        config.session_ticket = (leat_span){w->ticket, w->ticket_length};
    }
    w->ends[SIM_SERVER].quic.early_data = w->config->early_data && !f->plan->rejects_early_data;
    leat_conn *conn = leat_endpoint_connect(e->endpoint, &config, &path, end_clock(e, w->now),
                                            &error);
    end_conn *c = conn != NULL ? add_conn(e, conn) : NULL;
    if (c == NULL) {
        world_fail(w, "no connection: %s", leat_err_string(error));
        return NULL;
    }
    c->flow = f;
    f->ends[SIM_CLIENT] = c;
    f->had[SIM_CLIENT] = true;
    return c;
}

void end_touch(end_conn *c) { leat_endpoint_touch(c->w->ends[c->side].endpoint, c->conn); }

static void forget(end *e, end_conn *c) {
    if (!c->is_terminated) {
        world_fail(e->w, "closed without ConnectionTerminated");
    }
    if (c->flow != NULL) {
        leat_stats *stats = &c->flow->result->stats[c->side];
        stats->size = sizeof *stats;
        leat_conn_get_stats(c->conn, stats);
        c->flow->ends[c->side] = NULL;
    }
    end_conn **at = &e->conns;
    while (*at != c) {
        at = &(*at)->next;
    }
    *at = c->next;
    leat_endpoint_release(e->endpoint, c->conn);
    free(c);
}

/* ---- datagrams ------------------------------------------------------------------------------- */

static void send_datagram(end *e, const uint8_t *bytes, size_t length, const leat_path *path,
                          uint8_t ecn) {
    world *w = e->w;
    leat_path wire = *path;
    if (e->side == SIM_CLIENT) {
        wire.local = nat_outside(w, &path->local);
    } else {
        nat_on_server_sends(w, &path->remote, bytes, length);
    }
    /* RFC 9287 §3.1: a fixed bit that is not set. */
    w->result->occurrences.feature[SIM_FEATURE_GREASE] += (bytes[0] & 0x40) == 0;
    if (w->config->on_datagram != NULL) {
        w->config->on_datagram(w->config->on_datagram_user, e->side, bytes, length, &wire, w->now);
    }
    if (!sim_link_send(w->links[e->side], bytes, length, &wire, ecn, w->now)) {
        world_fail(w, "no memory");
    }
}

/* conn NULL: the endpoint's own. True: there was something. */
static bool transmit(end *e, leat_conn *conn) {
    uint8_t buffer[16 * 1500];
    leat_transmit out;
    size_t length;
    unsigned rounds = 0;
    while ((length = leat_endpoint_datagrams_to_send(e->endpoint, conn, buffer, sizeof buffer, &out,
                                                     end_clock(e, e->w->now))) > 0) {
        for (size_t at = 0; at < length; at += out.segment_size) {
            size_t size = length - at < out.segment_size ? length - at : out.segment_size;
            send_datagram(e, buffer + at, size, &out.path, out.ecn);
        }
        if (++rounds > ROUNDS_MAX) {
            world_fail(e->w, "sending does not come to an end");
            break;
        }
    }
    return rounds > 0;
}

/* The address as the receiver sees it. False: the NAT has forgotten it. */
static bool receivers_path(end *e, const sim_datagram *datagram, leat_path *path) {
    *path = (leat_path){datagram->path.remote, datagram->path.local};
    if (e->side == SIM_SERVER) {
        return true;
    }
    bool is_current = false;
    const flow *f = nat_find(e->w, &datagram->path.remote, &is_current);
    if (f != NULL) {
        path->local = nat_inside(e->w, &datagram->path.remote);
    }
    return f != NULL && is_current;
}

static void receive(end *e, sim_datagram *datagram) {
    leat_path path;
    if (receivers_path(e, datagram, &path)) {
        if (e->side == SIM_SERVER) {
            nat_on_server_received(e->w, datagram);
        }
        e->packets_in_datagram = 0;
        leat_endpoint_receive_datagram(e->endpoint, datagram->bytes, datagram->length, 0, &path,
                                       datagram->ecn, end_clock(e, e->w->now));
    }
    free(datagram);
}

void end_arrive(end *e, sim_datagram *datagram) {
    if (e->w->now >= e->stalled_until) {
        receive(e, datagram);
        return;
    }
    datagram->next = NULL;
    *e->socket_end = datagram;
    e->socket_end = &datagram->next;
}

static void empty_socket(end *e) {
    while (e->socket != NULL) {
        sim_datagram *datagram = e->socket;
        e->socket = datagram->next;
        receive(e, datagram);
    }
    e->socket_end = &e->socket;
}

/* ---- a turn ---------------------------------------------------------------------------------- */

static bool drain_events(end_conn *c) {
    leat_event event;
    bool any = false;
    while (!world_has_failed(c->w) && leat_conn_next_event(c->conn, &event)) {
        watch_event(c, &event);
        any = true;
    }
    return any;
}

static void serve(end *e, end_conn *c) {
    bool more = true;
    for (unsigned round = 0; more && !world_has_failed(e->w); round++) {
        bool had_events = drain_events(c);
        work_run(c);
        bool had_datagrams = transmit(e, c->conn);
        more = had_events || had_datagrams;
        if (round > ROUNDS_MAX) {
            world_fail(e->w, "a connection does not come to rest");
        }
    }
    if (leat_conn_is_closed(c->conn) && !world_has_failed(e->w)) {
        forget(e, c);
    }
}

static void serve_ready(end *e) {
    bool is_new;
    for (leat_conn *conn; !world_has_failed(e->w) &&
                          (conn = leat_endpoint_next_ready(e->endpoint, &is_new)) != NULL;) {
        end_conn *c = leat_conn_user(conn);
        c = c == NULL ? add_conn(e, conn) : c;
        if (c != NULL) {
            serve(e, c);
        }
    }
    transmit(e, NULL);
}

static void touch_due(end *e) {
    for (end_conn *c = e->conns; c != NULL; c = c->next) {
        if (work_next(c) <= e->w->now || streams_next(c) <= e->w->now) {
            streams_release(c);
            end_touch(c);
        }
    }
}

leat_time end_next(const end *e, leat_time now) {
    leat_time timer = leat_endpoint_get_timer(e->endpoint);
    leat_time next = timer == LEAT_TIME_NEVER ? timer : timer <= e->epoch ? 0 : timer - e->epoch;
    for (const end_conn *c = e->conns; c != NULL; c = c->next) {
        next = earlier(next, earlier(work_next(c), streams_next(c)));
    }
    return now < e->stalled_until ? e->stalled_until : next;
}

/* What arrived may make a timer due at once (a shorter RTT, say), but it must have an end. */
static void run_timers(end *e) {
    leat_time clock = end_clock(e, e->w->now);
    unsigned rounds = 0;
    while (leat_endpoint_get_timer(e->endpoint) <= clock && !world_has_failed(e->w)) {
        leat_endpoint_handle_timer(e->endpoint, clock);
        serve_ready(e);
        if (++rounds > TIMER_ROUNDS_MAX) {
            world_fail(e->w, "a timer of the %s does not move",
                       e->side == SIM_CLIENT ? "client" : "server");
        }
    }
}

void end_work(end *e) {
    if (e->w->now < e->stalled_until) {
        return;
    }
    empty_socket(e);
    touch_due(e);
    serve_ready(e);
    run_timers(e);
}
