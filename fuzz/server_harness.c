/* See server_harness.h. */
#include "server_harness.h"

#include "fuzz.h"
#include "io/stack.h"
#include "server_peer.h"

#include <string.h>

/* Connections that raw Initials of the input may open beside the first. */
#define CONNECTIONS_MAX 8
#define ANSWERS_MAX 64 /* what the application may send back in one run */

typedef struct connection {
    leat_conn *conn; /* NULL: free */
    leat_stack stack;
} connection;

typedef struct harness {
    server_harness_counts counts;
    leat_time now;
    uint64_t seed;
    leat_config server_config, client_config;
    leat_trace_sink trace;
    leat_endpoint *endpoint;
    leat_stack_config stack_config;
    connection connections[CONNECTIONS_MAX];
    unsigned answers;
    leat_path path; /* as the server sees it */
    leat_conn *client;
    bool is_client_alive; /* the server's packets go to the client: set-up */
    raw_peer peer;
    uint64_t bytes_to_server, bytes_from_server;
    bool was_validated;
} harness;

/* Made once in the life of the process: the slow part. */
static leat_identity *identity;
static leat_trust *trust;

static bool fill_random(void *user, uint8_t *bytes, size_t length) {
    uint64_t *seed = user;
    for (size_t i = 0; i < length; i++) {
        *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[i] = (uint8_t)(*seed >> 56);
    }
    return true;
}

static int64_t wall_clock(void *user) {
    (void)user;
    return 1700000000;
}

/* ---- the application ---- */

static void on_wt_event(void *user, leat_conn *conn, leat_wt *wt, const leat_wt_event *event) {
    harness *it = user;
    (void)conn;
    it->counts.wt_events++;
    it->counts.wt_kinds |= UINT64_C(1) << event->type;
    if (event->type == LEAT_WT_EVENT_SESSION_CLOSED) {
        it->counts.sessions_closed++;
    }
    if (it->answers++ > ANSWERS_MAX) {
        return;
    }
    if (event->type == LEAT_WT_EVENT_SESSION_REQUESTED) {
        (void)leat_wt_accept(wt, event->session_id, NULL, 0);
    } else if (event->type == LEAT_WT_EVENT_DATAGRAM_RECEIVED) {
        (void)leat_wt_send_datagram(wt, event->session_id, event->datagram_received.data, 1);
    } else if (event->type == LEAT_WT_EVENT_STREAM_DATA_RECEIVED) {
        leat_span data = event->stream_data_received.data;
        (void)leat_wt_send_stream_data(wt, event->stream_id, data.data, data.length,
                                       event->stream_data_received.end_stream);
    }
}

static void on_h3_event(void *user, leat_conn *conn, leat_h3 *h3, const leat_h3_event *event) {
    static const leat_h3_header answer[] = {LEAT_H3_HEADER(":status", "200")};
    harness *it = user;
    (void)conn;
    it->counts.h3_events++;
    it->counts.h3_kinds |= UINT64_C(1) << event->type;
    if (event->type == LEAT_H3_EVENT_HEADERS_RECEIVED && it->answers++ <= ANSWERS_MAX) {
        leat_span protocol = leat_h3_find_header(event->headers_received.headers,
                                                 event->headers_received.count, ":protocol");
        if (protocol.data == NULL) {
            (void)leat_h3_send_headers(h3, event->stream_id, answer, 1, false);
            (void)leat_h3_send_data(h3, event->stream_id, (const uint8_t *)"hi", 2, true);
        }
    }
}

static void on_event(void *user, leat_conn *conn, const leat_event *event) {
    harness *it = user;
    (void)conn;
    (void)event;
    it->counts.quic_events++;
}

static void on_record(void *user, const leat_trace_record *record) {
    harness *it = user;
    bool is_frame =
        strcmp(record->category, "quic") == 0 && strcmp(record->name, "frame_parsed") == 0;
    if (is_frame && record->fields[1].integer < 64) {
        it->counts.frames++;
        it->counts.frame_types |= UINT64_C(1) << record->fields[1].integer;
    }
}

/* ---- the server ---- */

static connection *find_connection(harness *it, const leat_conn *conn) {
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (it->connections[i].conn == conn) {
            return &it->connections[i];
        }
    }
    return NULL;
}

static connection *add_connection(harness *it, leat_conn *conn) {
    connection *added = find_connection(it, NULL);
    if (added != NULL) {
        added->conn = conn;
        leat_stack_init(&added->stack, &it->stack_config, conn);
    }
    return added;
}

static void end_connection(harness *it, connection *ended) {
    leat_stack_clear(&ended->stack);
    leat_endpoint_release(it->endpoint, ended->conn);
    ended->conn = NULL;
}

static void on_server_datagrams(harness *it, uint8_t *bytes, size_t length, size_t segment_size);

static void send_all(harness *it, leat_conn *conn) {
    static uint8_t buffer[65536];
    leat_transmit transmit;
    size_t length;
    while ((length = leat_endpoint_datagrams_to_send(it->endpoint, conn, buffer, sizeof buffer,
                                                     &transmit, it->now)) > 0) {
        it->bytes_from_server += length;
        on_server_datagrams(it, buffer, length, transmit.segment_size);
    }
}

static void serve(harness *it) {
    bool is_new;
    for (leat_conn *conn; (conn = leat_endpoint_next_ready(it->endpoint, &is_new)) != NULL;) {
        connection *served = find_connection(it, conn);
        served = served == NULL ? add_connection(it, conn) : served;
        if (served == NULL) {
            leat_endpoint_release(it->endpoint, conn);
            continue;
        }
        leat_stack_drain(&served->stack);
        send_all(it, conn);
        leat_stack_drain(&served->stack);
        if (leat_conn_is_closed(conn)) {
            end_connection(it, served);
        }
    }
    send_all(it, NULL);
    /*
     * RFC 9000 §8.1: what has not shown that it receives is not sent more than three times its
     * bytes.
     */
    fuzz_require(it->was_validated || it->peer.has_sent_handshake ||
                 it->bytes_from_server <= 3 * it->bytes_to_server);
}

static void give_to_server(harness *it, uint8_t *bytes, size_t length, size_t segment_size) {
    it->bytes_to_server += length;
    leat_endpoint_receive_datagram(it->endpoint, bytes, length, segment_size, &it->path,
                                   LEAT_ECN_NOT_ECT, it->now);
}

static void pass_time(harness *it, leat_time duration) {
    it->now += duration;
    for (int i = 0; i < 100 && leat_endpoint_get_timer(it->endpoint) <= it->now; i++) {
        leat_endpoint_handle_timer(it->endpoint, it->now);
        serve(it);
    }
}

/* ---- between the two ---- */

static void on_server_datagrams(harness *it, uint8_t *bytes, size_t length, size_t segment_size) {
    leat_path path = {.local = it->path.remote, .remote = it->path.local};
    if (it->is_client_alive) {
        leat_conn_receive_datagram(it->client, bytes, length, segment_size, &path, LEAT_ECN_NOT_ECT,
                                   it->now);
        return;
    }
    for (size_t offset = 0; offset < length; offset += segment_size) {
        size_t left = length - offset;
        raw_peer_check_datagram(&it->peer, bytes + offset,
                                left < segment_size ? left : segment_size);
    }
}

static void deliver(void *user, uint8_t *bytes, size_t length) {
    give_to_server(user, bytes, length, 0);
}

/* ---- operations ---- */

static void do_one_rtt(harness *it, leat_span bytes) {
    raw_peer_send_frames(&it->peer, LEAT_PACKET_ONE_RTT, bytes);
}
static void do_handshake(harness *it, leat_span bytes) {
    raw_peer_send_frames(&it->peer, LEAT_PACKET_HANDSHAKE, bytes);
}
static void do_initial(harness *it, leat_span bytes) {
    raw_peer_send_frames(&it->peer, LEAT_PACKET_INITIAL, bytes);
}

static leat_span after_first(leat_span bytes) {
    return bytes.length == 0 ? bytes : (leat_span){bytes.data + 1, bytes.length - 1};
}
static uint8_t first_of(leat_span bytes) { return bytes.length == 0 ? 0 : bytes.data[0]; }

static void do_stream(harness *it, leat_span bytes) {
    raw_peer_send_stream(&it->peer, first_of(bytes), after_first(bytes), false);
}
static void do_stream_end(harness *it, leat_span bytes) {
    raw_peer_send_stream(&it->peer, first_of(bytes), after_first(bytes), true);
}
static void do_datagram(harness *it, leat_span bytes) { raw_peer_send_datagram(&it->peer, bytes); }
static void do_time(harness *it, leat_span bytes) {
    pass_time(it, first_of(bytes) * 10 * LEAT_MILLISECOND);
}

static void do_raw(harness *it, leat_span bytes) {
    static uint8_t datagram[65536];
    memcpy(datagram, bytes.data, bytes.length);
    give_to_server(it, datagram, bytes.length, 0);
}

static void do_ack(harness *it, leat_span bytes) {
    (void)bytes;
    raw_peer_send_ack(&it->peer, LEAT_PACKET_INITIAL);
    raw_peer_send_ack(&it->peer, LEAT_PACKET_HANDSHAKE);
    raw_peer_send_ack(&it->peer, LEAT_PACKET_ONE_RTT);
}

static void do_move(harness *it, leat_span bytes) {
    it->path.remote.port = (uint16_t)(5000 + first_of(bytes));
    it->was_validated = true; /* counted for each path: the oracle here is for the first */
}

static void do_key_update(harness *it, leat_span bytes) {
    leat_keys *keys = raw_peer_keys(&it->peer, LEAT_SPACE_APPLICATION);
    (void)bytes;
    if (keys != NULL && keys->updatable) {
        (void)leat_keys_update(keys);
    }
}

static void do_application(harness *it, leat_span bytes) {
    connection *first = &it->connections[0];
    uint64_t id = 0, stream_id;
    size_t cursor = 0;
    if (first->conn == NULL) {
        return;
    }
    leat_wt *wt = first->stack.wt;
    bool has_session = wt != NULL && leat_wt_next_session(wt, &cursor, &id);
    switch (first_of(bytes)) {
    case 0:
        leat_stack_goaway(&first->stack);
        break;
    case 1:
        leat_stack_close_sessions(&first->stack, "bye");
        break;
    case 2:
        leat_stack_close(&first->stack, "bye");
        break;
    case 3:
    case 4:
        if (has_session &&
            leat_wt_open_stream(wt, id, first_of(bytes) == 3, &stream_id) == LEAT_OK) {
            (void)leat_wt_send_stream_data(wt, stream_id, bytes.data, bytes.length,
                                           bytes.length % 2 == 0);
        }
        break;
    case 5:
        (void)leat_conn_change_connection_id(first->conn);
        break;
    case 6:
        (void)leat_conn_request_key_update(first->conn);
        break;
    default:
        (void)leat_conn_send_ping(first->conn, 1);
        break;
    }
    leat_endpoint_touch(it->endpoint, first->conn);
}

static void (*const operations[OPERATION_COUNT])(harness *it, leat_span bytes) = {
    [OPERATION_ONE_RTT] = do_one_rtt,
    [OPERATION_HANDSHAKE] = do_handshake,
    [OPERATION_INITIAL] = do_initial,
    [OPERATION_STREAM] = do_stream,
    [OPERATION_STREAM_END] = do_stream_end,
    [OPERATION_DATAGRAM] = do_datagram,
    [OPERATION_TIME] = do_time,
    [OPERATION_RAW] = do_raw,
    [OPERATION_ACK] = do_ack,
    [OPERATION_APPLICATION] = do_application,
    [OPERATION_MOVE] = do_move,
    [OPERATION_KEY_UPDATE] = do_key_update,
};

/* ---- stages ---- */

static bool move_client_datagrams(harness *it) {
    static uint8_t buffer[65536];
    leat_transmit transmit;
    bool was_any = false;
    size_t length;
    while ((length = leat_conn_datagrams_to_send(it->client, buffer, sizeof buffer, &transmit,
                                                 it->now)) > 0) {
        give_to_server(it, buffer, length, transmit.segment_size);
        was_any = true;
    }
    return was_any;
}

static void connect_client(harness *it, bool whole_handshake) {
    static const char *const h3_only[] = {"h3"};
    int error = LEAT_OK;
    leat_path path = {.local = it->path.remote, .remote = it->path.local};
    leat_config_init(&it->client_config, true);
    it->client_config.alpn = h3_only;
    it->client_config.alpn_count = 1;
    it->client_config.server_name = "localhost";
    it->client_config.trust = trust;
    it->client_config.random = fill_random;
    it->client_config.random_user = &it->seed;
    it->client_config.max_datagram_frame_size = 65535;
    it->client = leat_conn_new(&it->client_config, &error);
    fuzz_require(it->client != NULL && leat_conn_connect(it->client, &path, it->now) == LEAT_OK);
    it->is_client_alive = true;
    while (move_client_datagrams(it)) {
        serve(it);
        if (!whole_handshake) {
            break;
        }
        it->was_validated = true;
        it->now += 30 * LEAT_MILLISECOND; /* delayed acknowledgments come too */
        leat_conn_handle_timer(it->client, it->now);
        pass_time(it, 0);
    }
    it->is_client_alive = false;
    raw_peer_take_over(&it->peer, it->client);
}

/*
 * RFC 9114 §6.2.1: control stream with SETTINGS: datagrams, and WebTransport as browsers announce
 * it.
 */
static void begin_http3(harness *it) {
    static const uint8_t control[] = {0x00, 0x04, 0x07, 0x33, 0x01, 0xab, 0x60, 0x37, 0x42, 0x01};
    raw_peer_send_stream(&it->peer, 2, (leat_span){control, sizeof control}, false);
    serve(it);
}

/*
 * HEADERS: CONNECT, https, authority "a", path "/", protocol webtransport and the draft's own
 * field.
 */
static void begin_webtransport(harness *it) {
    static const uint8_t connect[] = "\x01\x40\x42\x00\x00\xcf\xd7\x50\x01"
                                     "a\xc1\x27\x02:protocol\x0cwebtransport\x27\x17"
                                     "sec-webtransport-http3-draft02\x01"
                                     "1";
    raw_peer_send_stream(&it->peer, 0, (leat_span){connect, sizeof connect - 1}, false);
    serve(it);
}

static void begin(harness *it, unsigned stage) {
    if (stage == STAGE_INITIAL) {
        raw_peer_begin(&it->peer); /* with what everybody can derive */
        return;
    }
    connect_client(it, stage != STAGE_HANDSHAKE);
    if (stage == STAGE_HTTP3 || stage == STAGE_WEBTRANSPORT) {
        begin_http3(it);
    }
    if (stage == STAGE_WEBTRANSPORT) {
        begin_webtransport(it);
    }
}

/* ---- one run ---- */

static void make_once(void) {
    static const char *const names[] = {"localhost"};
    char message[LEAT_MESSAGE_MAX];
    if (identity == NULL) {
        identity = leat_identity_self_signed(names, 1, 1600000000, 1800000000, message);
        trust = leat_trust_insecure_accept_anything();
    }
    fuzz_require(identity != NULL && trust != NULL);
}

static void set_up(harness *it) {
    static const leat_io_handler handler = {
        .on_event = on_event, .on_h3_event = on_h3_event, .on_wt_event = on_wt_event};
    leat_endpoint_config config;
    int error = LEAT_OK;
    it->now = LEAT_SECOND;
    it->seed = 1;
    it->path = (leat_path){
        .local = {.family = LEAT_ADDRESS_IPV4, .port = 443, .ip = {198, 51, 100, 1}},
        .remote = {.family = LEAT_ADDRESS_IPV4, .port = 5000, .ip = {192, 0, 2, 1}}};
    it->trace = (leat_trace_sink){on_record, it};
    leat_config_init(&it->server_config, false);
    it->server_config.identities = &identity;
    it->server_config.identity_count = 1;
    it->server_config.random = fill_random;
    it->server_config.random_user = &it->seed;
    it->server_config.trace = &it->trace;
    leat_stack_adapt_quic(LEAT_LAYER_WEBTRANSPORT, &it->server_config);
    leat_stack_config_init(&it->stack_config, LEAT_LAYER_WEBTRANSPORT, NULL, NULL, &handler, it);
    leat_endpoint_config_init(&config);
    config.server = &it->server_config;
    config.random = fill_random;
    config.random_user = &it->seed;
    config.wall_clock = wall_clock;
    it->endpoint = leat_endpoint_new(&config, &error);
    fuzz_require(it->endpoint != NULL);
    raw_peer_init(&it->peer, deliver, it);
}

static void tear_down(harness *it) {
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (it->connections[i].conn != NULL) {
            end_connection(it, &it->connections[i]);
        }
    }
    leat_endpoint_free(it->endpoint);
    raw_peer_clear(&it->peer);
    leat_conn_free(it->client);
}

void server_harness_run(const uint8_t *data, size_t size, server_harness_counts *counts) {
    static harness it; /* too large for the stack; set anew each time */
    leat_reader reader = leat_reader_make(data, size);
    make_once();
    memset(&it, 0, sizeof it);
    set_up(&it);
    begin(&it, leat_read_u8(&reader) % STAGE_COUNT);
    while (leat_reader_left(&reader) > 0) {
        unsigned operation = leat_read_u8(&reader) % OPERATION_COUNT;
        size_t length = leat_read_u16(&reader), left = leat_reader_left(&reader);
        if (reader.failed) {
            break;
        }
        operations[operation](&it, leat_read_bytes(&reader, length < left ? length : left));
        it.now += LEAT_MILLISECOND;
        pass_time(&it, 0);
        serve(&it);
    }
    tear_down(&it);
    if (counts != NULL) {
        *counts = it.counts;
    }
}
