/* The simulated link, the clock, and what tests read off the two connections. */
#include "pair.h"

#include "quic/packet/builder.h"

#define BUFFER_SIZE 65507
#define WALL_CLOCK 1700000000

/* Fails the test that is running; outside of one, in a fuzz target, it aborts. */
#ifdef PAIR_WITHOUT_TEST
#define require(holds, ...) ((holds) ? (void)0 : (fprintf(stderr, __VA_ARGS__), abort()))
#else
#define require(holds, ...) ((holds) ? (void)0 : ck_abort_msg(__VA_ARGS__))
#endif

static const char *const protocols[] = {"test"};

static int64_t fixed_wall_clock(void *user) {
    (void)user;
    return WALL_CLOCK;
}

static void default_config(pair *p, pair_side side) {
    leat_config *config = &p->ends[side].config;
    leat_config_init(config, side == PAIR_CLIENT);
    config->allocator = &p->memory.allocator;
    config->random = test_random;
    config->random_user = &p->seed;
    config->wall_clock = fixed_wall_clock;
    config->alpn = protocols;
    config->alpn_count = 1;
    config->max_datagram_frame_size = 65535;
    config->certificate_compression = false; /* what is sent does not depend on who has zlib */
    config->initial_rtt = 100 * LEAT_MILLISECOND;
    config->max_mtu = LEAT_MIN_DATAGRAM; /* no search: most tests count datagrams */
    if (side == PAIR_CLIENT) {
        config->server_name = "localhost";
        config->trust = p->trust;
    } else {
        config->identities = &p->identity;
        config->identity_count = 1;
    }
}

static leat_address make_address(uint8_t host, uint16_t port) {
    return (leat_address){.family = LEAT_ADDRESS_IPV4, .port = port, .ip = {10, 0, 0, host}};
}

pair *pair_new(void) {
    static const char *const names[] = {"localhost"};
    char message[LEAT_MESSAGE_MAX];
    pair *p = calloc(1, sizeof *p);
    p->seed = 1;
    p->now = LEAT_SECOND;
    p->link.delay = 10 * LEAT_MILLISECOND;
    p->identity = leat_identity_self_signed(names, 1, WALL_CLOCK - 86400, WALL_CLOCK + 86400,
                                            message);
    p->trust = leat_trust_insecure_accept_anything();
    require(p->identity != NULL, "no identity");
    test_memory_init(&p->memory);
    p->ends[PAIR_CLIENT].address = make_address(1, 1000);
    p->ends[PAIR_SERVER].address = make_address(2, 443);
    default_config(p, PAIR_CLIENT);
    default_config(p, PAIR_SERVER);
    return p;
}

void pair_free(pair *p) {
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        leat_conn_free(p->ends[side].conn);
        for (size_t i = 0; i < p->ends[side].stream_count; i++) {
            free(p->ends[side].streams[i].bytes);
        }
    }
    for (size_t i = 0; i < p->flying_count; i++) {
        free(p->flying[i].bytes);
    }
    free(p->flying);
    leat_identity_free(p->identity);
    leat_trust_free(p->trust);
    require(p->memory.live == 0, "memory is not given back");
    free(p);
}

/* ---- events ---------------------------------------------------------------------------------- */

pair_stream *pair_stream_of(pair *p, pair_side side, uint64_t id) {
    pair_end *end = &p->ends[side];
    for (size_t i = 0; i < end->stream_count; i++) {
        if (end->streams[i].id == id) {
            return &end->streams[i];
        }
    }
    require(end->stream_count < PAIR_STREAMS_MAX, "more streams than the pair keeps");
    end->streams[end->stream_count] = (pair_stream){.id = id};
    return &end->streams[end->stream_count++];
}

static void keep_data(pair *p, pair_side side, const leat_event *event) {
    pair_stream *stream = pair_stream_of(p, side, event->stream_data_received.stream_id);
    leat_span data = event->stream_data_received.data;
    stream->bytes = realloc(stream->bytes, stream->length + data.length + 1);
    if (data.length > 0) {
        memcpy(stream->bytes + stream->length, data.data, data.length);
    }
    stream->length += data.length;
    stream->bytes[stream->length] = 0;
    require(!stream->ended, "data after the end of stream %llu",
                  (unsigned long long)stream->id);
    stream->ended = event->stream_data_received.end_stream;
}

static void keep_event(pair *p, pair_side side, const leat_event *event) {
    pair_end *end = &p->ends[side];
    size_t used = strlen(end->events);
    require(end->terminated.type == LEAT_EVENT_NONE, "%s after ConnectionTerminated",
                  leat_event_name(event->type));
    end->event_counts[event->type]++;
    snprintf(end->events + used, sizeof end->events - used, "%s%s", used > 0 ? " " : "",
             leat_event_name(event->type));
    switch (event->type) {
    case LEAT_EVENT_STREAM_DATA_RECEIVED:
        keep_data(p, side, event);
        break;
    case LEAT_EVENT_STREAM_RESET: {
        pair_stream *stream = pair_stream_of(p, side, event->stream_reset.stream_id);
        stream->reset = true;
        stream->reset_code = event->stream_reset.error_code;
        break;
    }
    case LEAT_EVENT_CONNECTION_TERMINATED:
        end->terminated = *event;
        memcpy(end->reason, event->connection_terminated.reason_phrase,
               event->connection_terminated.reason_length);
        break;
    default:
        break;
    }
}

/* What the hook held back comes again, with the end. */
static void take_back(pair *p, pair_side side, const leat_event *event) {
    const leat_conn_streams *streams = &p->ends[side].conn->streams;
    if (event->type == LEAT_EVENT_STREAM_DATA_RECEIVED && streams->popped != NULL &&
        streams->popped->held) {
        pair_stream *stream = pair_stream_of(p, side, event->stream_data_received.stream_id);
        stream->length -= streams->popped_unread;
        stream->ended = false;
    }
}

static void drain_events(pair *p, pair_side side) {
    leat_event event;
    char text[256];
    while (p->ends[side].conn != NULL && !p->ends[side].keeps_events &&
           leat_conn_next_event(p->ends[side].conn, &event)) {
        leat_event_format(&event, text, sizeof text);
        keep_event(p, side, &event);
        if (p->on_event != NULL) {
            p->on_event(p->on_event_user, p, side, &event);
            take_back(p, side, &event);
        }
    }
}

const char *pair_take_events(pair *p, pair_side side) {
    static char taken[2][16384];
    drain_events(p, side);
    memcpy(taken[side], p->ends[side].events, sizeof taken[side]);
    p->ends[side].events[0] = '\0';
    return taken[side];
}

/* ---- the link -------------------------------------------------------------------------------- */

static unsigned draw_percent(pair *p) {
    uint8_t bytes[4];
    test_random(&p->seed, bytes, sizeof bytes);
    return (bytes[0] | (unsigned)bytes[1] << 8 | (unsigned)bytes[2] << 16) % 100;
}

static void launch(pair *p, const pair_datagram *datagram, leat_time delay) {
    if (p->flying_count == p->flying_room) {
        p->flying_room = p->flying_room * 2 + 64;
        p->flying = realloc(p->flying, p->flying_room * sizeof *p->flying);
    }
    pair_datagram *copy = &p->flying[p->flying_count++];
    *copy = *datagram;
    copy->bytes = malloc(datagram->length);
    memcpy(copy->bytes, datagram->bytes, datagram->length);
    copy->due = p->now + delay;
    copy->sequence = p->sequence++;
}

static void transmit(pair *p, pair_side from, uint8_t *bytes, size_t length,
                     const leat_transmit *out) {
    pair_side to = PAIR_OTHER(from);
    pair_datagram datagram = {.to = to, .path = {out->path.remote, out->path.local},
                              .bytes = bytes, .length = length, .ecn = out->ecn};
    p->ends[from].datagrams_out++;
    p->ends[from].bytes_out += length;
    p->ends[from].largest_out = length > p->ends[from].largest_out ? length
            : p->ends[from].largest_out;
    if (from == PAIR_CLIENT && !p->link.is_direct) {
        /* What a NAT does: the client's address is the one that it has now. */
        datagram.path.remote = p->ends[PAIR_CLIENT].address;
    }
    if (p->link.filter != NULL && !p->link.filter(p->link.filter_user, p, from, &datagram)) {
        return;
    }
    bool reaches = to == PAIR_SERVER || p->link.is_direct ||
        leat_address_equal(&datagram.path.local, &p->ends[PAIR_CLIENT].address);
    if (p->link.black_hole[to] || !reaches || draw_percent(p) < p->link.loss) {
        return;
    }
    leat_time late = draw_percent(p) < p->link.reorder ? 2 * p->link.delay + LEAT_MILLISECOND : 0;
    launch(p, &datagram, p->link.delay + late);
    if (draw_percent(p) < p->link.duplication) {
        launch(p, &datagram, p->link.delay + LEAT_MILLISECOND);
    }
}

void pair_flush(pair *p, pair_side side) {
    static uint8_t buffer[BUFFER_SIZE];
    leat_transmit out;
    size_t length;
    leat_conn *conn = p->ends[side].conn;
    if (conn == NULL) {
        return;
    }
    drain_events(p, side);
    unsigned rounds = 0;
    while ((length = leat_conn_datagrams_to_send(conn, buffer, sizeof buffer, &out, p->now)) > 0) {
        require(++rounds < 100000, "datagrams_to_send does not end");
        for (size_t offset = 0; offset < length; offset += out.segment_size) {
            size_t size = length - offset < out.segment_size ? length - offset : out.segment_size;
            transmit(p, side, buffer + offset, size, &out);
        }
    }
    drain_events(p, side);
}

static void make_server(pair *p, leat_span first, const leat_path *path) {
    int error = 0;
    leat_conn *conn = p->make_server != NULL ? p->make_server(p, first)
                                             : leat_conn_new_server(&p->ends[PAIR_SERVER].config,
                                                 first, path, p->now, &error);
    p->ends[PAIR_SERVER].conn = conn;
}

static void receive(pair *p, pair_side to, uint8_t *bytes, size_t length, const leat_path *path,
                    uint8_t ecn) {
    if (to == PAIR_SERVER && p->ends[PAIR_SERVER].conn == NULL) {
        make_server(p, (leat_span){bytes, length}, path);
    }
    p->ends[to].datagrams_in++;
    p->ends[to].bytes_in += length;
    if (p->ends[to].conn != NULL) {
        leat_conn_receive_datagram(p->ends[to].conn, bytes, length, 0, path, ecn, p->now);
    }
    drain_events(p, to);
}

void pair_deliver(pair *p, pair_side to, uint8_t *bytes, size_t length) {
    const leat_path path = {p->ends[to].address, p->ends[PAIR_OTHER(to)].address};
    receive(p, to, bytes, length, &path, 0);
}

/* ---- the clock ------------------------------------------------------------------------------- */

static size_t first_flying(const pair *p) {
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < p->flying_count; i++) {
        const pair_datagram *d = &p->flying[i];
        if (first == SIZE_MAX || d->due < p->flying[first].due ||
            (d->due == p->flying[first].due && d->sequence < p->flying[first].sequence)) {
            first = i;
        }
    }
    return first;
}

static leat_time timer_of(const pair *p, pair_side side) {
    return p->ends[side].conn != NULL ? leat_conn_get_timer(p->ends[side].conn) : LEAT_TIME_NEVER;
}

static void advance(pair *p, leat_time to) { p->now = to > p->now ? to : p->now; }

static void arrive(pair *p, size_t index) {
    pair_datagram datagram = p->flying[index];
    p->flying[index] = p->flying[--p->flying_count];
    advance(p, datagram.due);
    receive(p, datagram.to, datagram.bytes, datagram.length, &datagram.path, datagram.ecn);
    free(datagram.bytes);
}

bool pair_step(pair *p, leat_time until) {
    pair_flush(p, PAIR_CLIENT);
    pair_flush(p, PAIR_SERVER);
    size_t first = first_flying(p);
    leat_time arrival = first != SIZE_MAX ? p->flying[first].due : LEAT_TIME_NEVER;
    leat_time timers[] = {timer_of(p, PAIR_CLIENT), timer_of(p, PAIR_SERVER)};
    pair_side side = timers[PAIR_CLIENT] <= timers[PAIR_SERVER] ? PAIR_CLIENT : PAIR_SERVER;
    if (arrival <= timers[side]) {
        if (arrival > until || arrival == LEAT_TIME_NEVER) {
            return false;
        }
        arrive(p, first);
        return true;
    }
    if (timers[side] > until) {
        return false;
    }
    advance(p, timers[side]);
    leat_conn_handle_timer(p->ends[side].conn, p->now);
    drain_events(p, side);
    return true;
}

void pair_run_for(pair *p, leat_time duration) {
    leat_time until = p->now + duration;
    unsigned long steps = 0;
    while (pair_step(p, until)) {
        require(++steps < 5000000, "the pair does not come to rest");
    }
    advance(p, until);
}

void pair_settle(pair *p) {
    unsigned long steps = 0;
    while (pair_step(p, p->now + 200 * LEAT_MILLISECOND) &&
           !leat_conn_is_closed(p->ends[PAIR_CLIENT].conn)) {
        require(++steps < 5000000, "the pair does not come to rest");
    }
}

void pair_start(pair *p) {
    int error = 0;
    const leat_path path = {p->ends[PAIR_CLIENT].address, p->ends[PAIR_SERVER].address};
    p->ends[PAIR_CLIENT].conn = leat_conn_new(&p->ends[PAIR_CLIENT].config, &error);
    require(p->ends[PAIR_CLIENT].conn != NULL, "%s", leat_err_string(error));
    require(leat_conn_connect(p->ends[PAIR_CLIENT].conn, &path, p->now) == 0, "connect failed");
}

static bool is_confirmed(const pair *p, pair_side side) {
    return p->ends[side].event_counts[LEAT_EVENT_HANDSHAKE_CONFIRMED] > 0;
}

void pair_handshake(pair *p) {
    pair_start(p);
    leat_time deadline = p->now + 60 * LEAT_SECOND;
    while (!(is_confirmed(p, PAIR_CLIENT) && is_confirmed(p, PAIR_SERVER)) &&
           pair_step(p, deadline)) {
    }
    require(is_confirmed(p, PAIR_CLIENT) && is_confirmed(p, PAIR_SERVER),
                  "handshake failed: client [%s %s] server [%s %s]",
                  p->ends[PAIR_CLIENT].events, p->ends[PAIR_CLIENT].reason,
                      p->ends[PAIR_SERVER].events,
                  p->ends[PAIR_SERVER].reason);
    pair_settle(p);
}

/* ---- sending --------------------------------------------------------------------------------- */

void pair_send_all(pair *p, pair_side side, uint64_t id, const uint8_t *data, size_t length,
                   bool end) {
    size_t sent = 0;
    leat_time deadline = p->now + 600 * LEAT_SECOND;
    for (;;) {
        ptrdiff_t taken = leat_conn_send_stream_data(pair_conn(p, side), id, data + sent,
                                                     length - sent, end);
        require(taken >= 0, "%s", leat_err_string((int)taken));
        sent += (size_t)taken;
        if (sent == length) {
            return;
        }
        require(pair_step(p, deadline), "stuck after %zu bytes", sent);
    }
}

uint64_t pair_send_text(pair *p, pair_side side, bool unidirectional, const char *text, bool end) {
    uint64_t id = 0;
    require(leat_conn_open_stream(pair_conn(p, side), unidirectional, &id) == 0, "no stream");
    pair_send_all(p, side, id, (const uint8_t *)text, strlen(text), end);
    return id;
}

/* ---- raw packets ----------------------------------------------------------------------------- */

static const leat_packet_type packet_types[LEAT_SPACE_COUNT] = {LEAT_PACKET_INITIAL,
    LEAT_PACKET_HANDSHAKE, LEAT_PACKET_ONE_RTT};

/* The sender's recovery must know the number, or it takes the answer for an optimistic ACK. */
static void track(leat_conn *conn, leat_space space, uint64_t pn, size_t size) {
    leat_frame_records none = {NULL, NULL};
    const leat_sent_info info = {.pn = pn, .time_sent = conn->now, .sent_bytes = (uint32_t)size,
                                 .path = &conn->paths.active->recovery};
    leat_recovery_on_packet_sent(&conn->recovery, space, &info, &none);
}

/* A packet without frames, which the builder refuses: four bytes of packet number leave room for
 * the sample. */
static size_t finish_empty(leat_builder *builder, leat_keys *keys) {
    uint8_t *pn = builder->packet + builder->pn_offset;
    leat_writer writer = leat_writer_make(pn, 4);
    leat_write_u32(&writer, (uint32_t)builder->pn);
    builder->packet[0] |= 3;
    if (builder->length_offset != 0) {
        leat_writer length = leat_writer_make(builder->packet + builder->length_offset, 2);
        leat_write_varint_sized(&length, 4 + LEAT_AEAD_TAG, 2);
    }
    return leat_packet_seal(keys, builder->packet, builder->pn_offset, 4, 0, builder->pn)
            ? builder->pn_offset + 4 + LEAT_AEAD_TAG : 0;
}

size_t pair_raw_build(pair *p, pair_side from, leat_space space, leat_span frames, uint8_t *out,
                      size_t room,
                      void (*damage)(uint8_t *packet)) {
    leat_conn *conn = pair_conn(p, from);
    leat_conn_space *s = conn->spaces[space];
    require(s != NULL, "no keys for a raw packet");
    leat_builder builder;
    const leat_builder_header header = {
        .type = packet_types[space],
        .version = conn->version.current,
        .dcid = leat_cid_span(leat_cids_of_path(conn, conn->paths.active)),
        .scid = leat_cid_span(leat_cids_first_local(conn)),
        .key_phase = s->keys.phase,
        .pn = s->next_pn,
        .largest_acked = leat_recovery_largest_acked(&conn->recovery, space),
    };
    require(leat_builder_begin(&builder, out, room, &header), "no room for a raw packet");
    leat_write_bytes(&builder.payload, frames.data, frames.length);
    if (space == LEAT_SPACE_INITIAL && frames.length > 0) {
        leat_builder_pad_to(&builder, LEAT_MIN_DATAGRAM);
    }
    require(!builder.payload.failed, "no room for raw frames");
    if (damage != NULL) {
        damage(out);
    }
    size_t size = frames.length > 0 ? leat_builder_finish(&builder, &s->keys)
                                    : finish_empty(&builder, &s->keys);
    require(size > 0, "a raw packet could not be sealed");
    track(conn, space, s->next_pn, size);
    s->next_pn++;
    return size;
}

uint64_t pair_raw_bytes(pair *p, pair_side from, leat_space space, leat_span frames) {
    uint8_t packet[2000];
    uint64_t pn = pair_conn(p, from)->spaces[space]->next_pn;
    size_t length = pair_raw_build(p, from, space, frames, packet, sizeof packet, NULL);
    pair_deliver(p, PAIR_OTHER(from), packet, length);
    return pn;
}

uint64_t pair_raw(pair *p, pair_side from, leat_space space, const char *frames_hex) {
    return pair_raw_bytes(p, from, space, test_hex(frames_hex));
}

void pair_assert_terminated(pair *p, pair_side side, leat_close_source source,
                            uint64_t error_code) {
    drain_events(p, side);
    const leat_event *event = &p->ends[side].terminated;
    require(event->type == LEAT_EVENT_CONNECTION_TERMINATED, "still alive; events: %s",
                  p->ends[side].events);
    require(event->connection_terminated.source == source, "ended by %s, not by %s",
        leat_close_source_name(event->connection_terminated.source),
        leat_close_source_name(source));
    require(event->connection_terminated.error_code == error_code,
                  "ended with 0x%llx (%s), not 0x%llx",
                  (unsigned long long)event->connection_terminated.error_code, p->ends[side].reason,
                  (unsigned long long)error_code);
}
