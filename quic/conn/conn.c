/*
 * A connection's life: made from a configuration (and, for a server, from what the first Initial
 * said), connected, drained of events, freed. The work is in the other files; here is what holds
 * them together.
 */
#include "quic/conn/conn_internal.h"

#include "crypto/key_exchange.h"
#include "quic/conn/trace.h"

/* The peer's IDs that fit our table. */
#define ACTIVE_CID_LIMIT_MIN 2
/* An Ethernet frame without IP and UDP headers. */
/* What UDP over IPv4 can carry. */
#define SEND_PAYLOAD_MAX 65507

/* ---- parts ----------------------------------------------------------------------------------- */

void leat_conn_set_state(leat_conn *conn, leat_conn_state state) {
    static const char *const names[] = {
        [LEAT_CONN_NEW] = "new",           [LEAT_CONN_OPEN] = "attempted", [LEAT_CONN_CLOSING] = "closing",
        [LEAT_CONN_DRAINING] = "draining", [LEAT_CONN_CLOSED] = "closed",
    };
    conn->state = state;
    leat_trace_state(conn, names[state]);
}

void leat_events_push(leat_conn *conn, const leat_event *event) {
    if (leat_event_queue_push(&conn->events, event) != LEAT_OK) {
        leat_close_internal(conn, "out of memory for events");
    }
}

static uint64_t at_most(uint64_t value, uint64_t maximum) {
    return value < maximum ? value : maximum;
}
static uint64_t at_least(uint64_t value, uint64_t minimum) {
    return value > minimum ? value : minimum;
}

/* One's own, or the one named; NULL when there is none of that name. */
static const leat_congestion_ops *congestion_ops(const leat_config *config) {
    return config->congestion_controller != NULL ? config->congestion_controller
                                                 : leat_congestion_find(config->congestion_control);
}

/* A copy without what is only borrowed, with every value inside the range that the protocol has for
 * it. */
static leat_config adopt_config(const leat_config *config) {
    leat_config copy = *config;
    copy.alpn = NULL;
    copy.server_name = NULL;
    copy.trust = NULL;
    copy.identities = NULL;
    copy.resumption_keys = NULL;
    copy.groups = NULL;
    copy.cipher_suites = NULL;
    copy.versions = NULL;
    copy.trace = NULL;
    copy.congestion_control = NULL;
    copy.session_ticket = copy.token = copy.session_application = (leat_span){NULL, 0};
    copy.max_data = at_most(copy.max_data, LEAT_VARINT_MAX);
    copy.max_stream_data = at_most(copy.max_stream_data, LEAT_VARINT_MAX);
    copy.max_stream_window = at_most(copy.max_stream_window, LEAT_VARINT_MAX);
    copy.max_connection_window = at_most(copy.max_connection_window, LEAT_VARINT_MAX);
    copy.max_streams_bidi = at_most(copy.max_streams_bidi, LEAT_STREAM_COUNT_MAX);
    copy.max_streams_uni = at_most(copy.max_streams_uni, LEAT_STREAM_COUNT_MAX);
    copy.max_datagram_frame_size = at_most(copy.max_datagram_frame_size, LEAT_VARINT_MAX);
    copy.max_udp_payload_size = at_most(at_least(copy.max_udp_payload_size, LEAT_MIN_DATAGRAM),
                                        LEAT_VARINT_MAX);
    copy.active_connection_id_limit =
        at_most(at_least(copy.active_connection_id_limit, ACTIVE_CID_LIMIT_MIN),
                LEAT_PEER_CIDS_MAX);
    /* RFC 9000 §18.2: the largest values of these two. */
    copy.max_ack_delay = at_most(copy.max_ack_delay, ((1 << 14) - 1) * LEAT_MILLISECOND);
    copy.min_ack_delay = at_most(copy.min_ack_delay, copy.max_ack_delay);
    copy.ack_delay_exponent = (uint8_t)at_most(copy.ack_delay_exponent, 20);
    uint64_t payload = at_least(copy.max_send_udp_payload, LEAT_MIN_DATAGRAM);
    copy.max_send_udp_payload = (size_t)at_most(payload, SEND_PAYLOAD_MAX);
    copy.max_mtu = (size_t)at_most(copy.max_mtu, SEND_PAYLOAD_MAX);
    copy.congestion_controller = congestion_ops(config);
    return copy;
}

static bool is_usable(const leat_config *config) {
    const leat_congestion_ops *ops = congestion_ops(config);
    bool has_name = !config->is_client || config->server_name != NULL;
    bool has_identity = config->is_client || config->identity_count > 0;
    bool can_ask = config->client_auth == LEAT_CLIENT_AUTH_NONE || config->client_trust != NULL;
    return config->size == sizeof *config && config->alpn_count > 0 && has_name && has_identity &&
           can_ask &&
           config->connection_id_length <= LEAT_CID_MAX && ops != NULL &&
           config->session_application.length <= LEAT_SESSION_BYTES_MAX &&
           leat_congestion_is_complete(ops);
}

static void set_basics(leat_conn *conn, const leat_config *config, const leat_conn_owner *owner,
                       leat_time now) {
    conn->config = adopt_config(config);
    if (config->allocator != NULL) {
        conn->allocator_hooks = *config->allocator;
        conn->allocator = &conn->allocator_hooks;
    }
    if (config->trace != NULL) {
        conn->trace_sink = *config->trace;
    }
    if (owner != NULL) {
        conn->owner = *owner;
        conn->has_owner = true;
        conn->config.connection_id_length = owner->cid_length;
    }
    conn->random = (leat_random){config->random, config->random_user};
    conn->now = conn->handshake.started = now;
    conn->send.pacing_due = LEAT_TIME_NEVER;
    leat_recovery_init(&conn->recovery, conn->allocator, config->is_client);
    leat_event_queue_init(&conn->events, conn->allocator);
    leat_receive_init(conn);
    leat_tokens_init(conn);
    leat_buffer_init(&conn->session_bytes, conn->allocator, LEAT_SESSION_BYTES_MAX);
    leat_datagrams_init(conn);
    leat_liveness_init(conn);
    conn->liveness.idle_since = now;
}

/* What a client needs before it is connected. */
static int prepare_client(leat_conn *conn, const leat_config *config) {
    conn->server_name = leat_strdup(conn->allocator, config->server_name);
    if (conn->server_name == NULL) {
        return LEAT_ERR_NOMEM;
    }
    int err = leat_buffer_append(&conn->tokens.initial, config->token.data, config->token.length);
    return err == LEAT_OK ? leat_handshake_init(conn, config) : err;
}

static int prepare_server(leat_conn *conn, const leat_config *config,
                          const leat_conn_origin *origin, const leat_path *path) {
    int err = leat_paths_init(conn, path, origin->address_validated);
    if (err != LEAT_OK) {
        return err;
    }
    leat_trace_started(conn);
    if (!leat_crypto_install_initial(conn, leat_cid_span(&origin->client_dcid))) {
        return LEAT_ERR_NOMEM;
    }
    err = leat_handshake_init(conn, config);
    leat_conn_set_state(conn, LEAT_CONN_OPEN);
    leat_timers_finish_call(conn);
    return err;
}

static int prepare(leat_conn *conn, const leat_config *config, const leat_conn_origin *origin,
                   const leat_path *path) {
    int err = leat_version_init(conn, config, origin);
    if (err == LEAT_OK) {
        err = leat_streams_init(conn);
    }
    if (err == LEAT_OK) {
        err = leat_conn_set_session_application(conn, config->session_application);
    }
    if (err == LEAT_OK) {
        err = leat_cids_init(conn, origin);
    }
    if (err != LEAT_OK) {
        return err;
    }
    return origin != NULL ? prepare_server(conn, config, origin, path)
                          : prepare_client(conn, config);
}

/* ---- making and freeing ---------------------------------------------------------------------- */

leat_conn *leat_conn_create(const leat_config *config, const leat_conn_owner *owner,
                            const leat_conn_origin *origin,
                            const leat_path *path, leat_time now, int *error) {
    int ignored;
    error = error != NULL ? error : &ignored;
    *error = LEAT_ERR_INVALID;
    if (!is_usable(config) || config->is_client != (origin == NULL)) {
        return NULL;
    }
    leat_conn *conn = leat_alloc(config->allocator, sizeof *conn);
    if (conn == NULL) {
        *error = LEAT_ERR_NOMEM;
        return NULL;
    }
    set_basics(conn, config, owner, now);
    *error = prepare(conn, config, origin, path);
    if (*error != LEAT_OK) {
        leat_conn_free(conn);
        return NULL;
    }
    return conn;
}

leat_conn *leat_conn_new(const leat_config *config, int *error) {
    return leat_conn_create(config, NULL, NULL, NULL, 0, error);
}

leat_conn *leat_conn_new_server(const leat_config *config, leat_span first_datagram,
                                const leat_path *path, leat_time now,
                                int *error) {
    leat_packet_header header;
    leat_drop drop = leat_packet_header_parse(&header, first_datagram,
                                              config->connection_id_length);
    /* RFC 9000 §7.2: shorter IDs would make the first keys predictable. */
    if (drop != LEAT_DROP_NONE || header.type != LEAT_PACKET_INITIAL || header.dcid.length < 8) {
        if (error != NULL) {
            *error = LEAT_ERR_REFUSED;
        }
        return NULL;
    }
    leat_conn_origin origin = {.version = header.version};
    leat_cid_from_span(&origin.original_dcid, header.dcid);
    leat_cid_from_span(&origin.client_dcid, header.dcid);
    leat_cid_from_span(&origin.client_scid, header.scid);
    return leat_conn_create(config, NULL, &origin, path, now, error);
}

void leat_conn_free(leat_conn *conn) {
    if (conn == NULL) {
        return;
    }
    leat_streams_clear(conn);
    leat_datagrams_clear(conn);
    leat_tokens_clear(conn);
    leat_liveness_clear(conn);
    leat_receive_clear(conn);
    leat_event_queue_clear(&conn->events);
    leat_crypto_free_spaces(conn);
    leat_version_clear(conn);
    leat_handshake_clear(conn);
    leat_cids_clear(conn);
    leat_paths_clear(conn);
    leat_recovery_clear(&conn->recovery);
    leat_close_clear(conn);
    leat_free(conn->allocator, conn->server_name);
    /* The hooks live inside the object that they free. */
    const leat_allocator hooks = conn->allocator_hooks;
    leat_free(conn->allocator != NULL ? &hooks : NULL, conn);
}

int leat_conn_connect(leat_conn *conn, const leat_path *path, leat_time now) {
    if (conn->state != LEAT_CONN_NEW || !conn->config.is_client) {
        return LEAT_ERR_STATE;
    }
    leat_timers_set_now(conn, now);
    int err = leat_paths_init(conn, path, true);
    if (err != LEAT_OK) {
        return err;
    }
    leat_trace_started(conn);
    leat_trace_params(conn, true, &conn->handshake.ours);
    if (!leat_crypto_install_initial(conn, leat_cid_span(&conn->cids.original_dcid))) {
        return LEAT_ERR_NOMEM;
    }
    conn->handshake.started = conn->liveness.idle_since = conn->now;
    leat_conn_set_state(conn, LEAT_CONN_OPEN);
    leat_handshake_start(conn);
    leat_timers_finish_call(conn);
    return LEAT_OK;
}

/* ---- events ---------------------------------------------------------------------------------- */

bool leat_conn_next_event(leat_conn *conn, leat_event *event) {
    leat_streams_settle_popped(conn);
    leat_datagrams_release_popped(conn);
    leat_event_queue_release_popped(&conn->events);
    uint64_t queued = leat_event_queue_first_order(&conn->events);
    uint64_t stream = leat_streams_first_order(conn);
    uint64_t datagram = leat_datagrams_first_order(conn);
    if (queued == LEAT_ORDER_NONE && stream == LEAT_ORDER_NONE && datagram == LEAT_ORDER_NONE) {
        return leat_close_pop_event(conn, event);
    }
    if (queued < stream && queued < datagram) {
        leat_event_queue_pop(&conn->events, event);
    } else if (stream < datagram) {
        leat_streams_pop_event(conn, event);
    } else {
        leat_datagrams_pop_event(conn, event);
    }
    return true;
}

bool leat_conn_is_closed(const leat_conn *conn) { return conn->state == LEAT_CONN_CLOSED; }
bool leat_conn_is_terminating(const leat_conn *conn) { return conn->close.is_recorded; }

bool leat_conn_random(leat_conn *conn, uint8_t *bytes, size_t length) {
    return leat_random_bytes(&conn->random, bytes, length);
}

/* ---- looking inside -------------------------------------------------------------------------- */

void leat_conn_set_user(leat_conn *conn, void *user) { conn->user = user; }
void *leat_conn_user(const leat_conn *conn) { return conn->user; }
bool leat_conn_is_client(const leat_conn *conn) { return conn->config.is_client; }
const char *leat_conn_alpn(const leat_conn *conn) { return conn->handshake.alpn; }
const char *leat_conn_server_name(const leat_conn *conn) {
    return conn->config.is_client ? conn->server_name : leat_tls_sni(conn->handshake.tls);
}
const char *leat_conn_cipher_suite(const leat_conn *conn) {
    const leat_cipher_suite *suite = leat_tls_cipher_suite(conn->handshake.tls);
    return suite != NULL ? suite->name : NULL;
}
uint16_t leat_conn_group(const leat_conn *conn) { return leat_tls_group(conn->handshake.tls); }
const char *leat_conn_group_name(const leat_conn *conn) {
    return leat_group_name(leat_conn_group(conn));
}
bool leat_conn_was_retried(const leat_conn *conn) { return leat_tls_retried(conn->handshake.tls); }
leat_span leat_conn_peer_certificate(const leat_conn *conn, size_t index) {
    return leat_tls_peer_certificate(conn->handshake.tls, index);
}
bool leat_conn_peer_certificate_hash(const leat_conn *conn, uint8_t hash[32]) {
    return conn->handshake.is_complete && leat_tls_peer_leaf_hash(conn->handshake.tls, hash);
}
bool leat_conn_accepts_datagrams(const leat_conn *conn) {
    return conn->config.max_datagram_frame_size > 0;
}
uint64_t leat_conn_peer_max_datagram_frame_size(const leat_conn *conn) {
    return conn->handshake.has_peer_params ? conn->handshake.peers.max_datagram_frame_size : 0;
}
int leat_conn_export_keying_material(const leat_conn *conn, const char *label, leat_span context,
                                     uint8_t *out, size_t length) {
    return leat_tls_export(conn->handshake.tls, label, context, out, length);
}
const leat_path *leat_conn_path(const leat_conn *conn) {
    return conn->paths.active != NULL ? &conn->paths.told : NULL;
}

void leat_conn_get_stats(const leat_conn *conn, leat_stats *stats) {
    *stats = (leat_stats){
        .size = sizeof *stats,
        .packets_sent = conn->send.packets,
        .packets_received = conn->receive.packets,
        .packets_lost = conn->recovery.stats.packets_lost,
        .packets_dropped = conn->receive.dropped,
        .bytes_sent = conn->send.bytes,
        .bytes_received = conn->receive.bytes,
        .stream_bytes_sent = conn->streams.bytes_sent,
        .stream_bytes_received = conn->streams.bytes_received,
        .datagrams_sent = conn->datagrams.sent_count,
        .datagrams_received = conn->datagrams.received_count,
        .datagrams_lost = conn->datagrams.lost_count,
        .datagrams_expired = conn->datagrams.expired_count,
        .datagrams_dropped = conn->datagrams.dropped_count,
        .pto_count = conn->recovery.pto_count,
        .key_updates = conn->handshake.key_updates,
        .packets_marked_ce = conn->recovery.stats.packets_marked_ce,
    };
    if (conn->paths.active != NULL) {
        const leat_recovery_path *path = &conn->paths.active->recovery;
        stats->path_mtu = path->max_datagram_size;
        stats->is_ecn_capable = path->ecn.state == LEAT_ECN_CAPABLE;
        stats->smoothed_rtt = path->rtt.smoothed_rtt;
        stats->rttvar = path->rtt.rttvar;
        stats->min_rtt = path->rtt.min_rtt;
        stats->latest_rtt = path->rtt.latest_rtt;
        stats->congestion_window = leat_congestion_window(&path->congestion);
        stats->bytes_in_flight = path->bytes_in_flight;
    }
}
