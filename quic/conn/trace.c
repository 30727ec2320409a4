/* What the trace sink hears of a connection, apart from its packets. */
#include "quic/conn/trace.h"

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

bool leat_conn_is_traced(const leat_conn *conn) { return leat_trace_is_on(conn); }

void leat_conn_trace(const leat_conn *conn, const char *category, const char *name,
    const leat_trace_field *fields, size_t count) {
    if (!leat_trace_is_on(conn)) {
        return;
    }
    const leat_trace_record record = {
        .time = conn->now,
        .connection = leat_cid_span(&conn->cids.original_dcid),
        .category = category,
        .name = name,
        .fields = fields,
        .field_count = count,
    };
    conn->trace_sink.on_record(conn->trace_sink.user, &record);
}

/* ---- addresses and paths --------------------------------------------------------------------- */

/* Both ends as fields, without those that are not known: sans I/O, an address may be missing. */
typedef struct path_fields {
    char local_ip[LEAT_ADDRESS_TEXT_MAX], remote_ip[LEAT_ADDRESS_TEXT_MAX];
    leat_trace_field fields[4 + 2];
    size_t count;
} path_fields;

/* "127.0.0.1" or "::1" of what leat_address_format writes with a port. */
static leat_span ip_text(const leat_address *address, char text[LEAT_ADDRESS_TEXT_MAX]) {
    leat_address_format(address, text);
    size_t start = text[0] == '[' ? 1 : 0;
    size_t end = (size_t)(strrchr(text, ':') - text) - start;
    return (leat_span){(const uint8_t *)text + start, end - start};
}

static void add_address(
    path_fields *out, const leat_address *address, char *text, const char *const names[2][2]) {
    if (address->family == LEAT_ADDRESS_NONE) {
        return;
    }
    const char *const *family_names = names[address->family == LEAT_ADDRESS_IPV6];
    out->fields[out->count] = leat_trace_text(family_names[0], "");
    out->fields[out->count++].bytes = ip_text(address, text);
    out->fields[out->count++] = leat_trace_integer(family_names[1], address->port);
}

static void add_path(path_fields *out, const leat_path *path) {
    static const char *const local[2][2] = {
        {"local_ip_v4", "local_port_v4"}, {"local_ip_v6", "local_port_v6"}};
    static const char *const remote[2][2] = {
        {"remote_ip_v4", "remote_port_v4"}, {"remote_ip_v6", "remote_port_v6"}};
    add_address(out, &path->local, out->local_ip, local);
    add_address(out, &path->remote, out->remote_ip, remote);
}

/* draft-ietf-quic-qlog-quic-events-13 §4.7: the empty name is the tuple of the handshake; others
 * are numbered. */
static leat_trace_field tuple_id(const leat_conn *conn, const leat_path_state *path) {
    static const char *const names[LEAT_PATHS_MAX] = {"", "1", "2", "3"};
    size_t i = 0;
    while (i + 1 < LEAT_PATHS_MAX && conn->paths.all[i] != path) {
        i++;
    }
    return leat_trace_text("tuple_id", names[i]);
}

void leat_trace_path(const leat_conn *conn, const leat_path_state *path) {
    if (leat_trace_is_on(conn)) {
        path_fields out = {.count = 0};
        out.fields[out.count++] = tuple_id(conn, path);
        add_path(&out, &path->addresses);
        leat_conn_trace(conn, "quic", "tuple_assigned", out.fields, out.count);
    }
}

void leat_trace_migration(
    const leat_conn *conn, const char *progress, const leat_path_state *path) {
    if (leat_trace_is_on(conn)) {
        path_fields out = {.count = 0};
        out.fields[out.count++] = leat_trace_text("new", progress);
        out.fields[out.count++] = tuple_id(conn, path);
        add_path(&out, &path->addresses);
        leat_conn_trace(conn, "quic", "migration_state_updated", out.fields, out.count);
    }
}

/* ---- start and end --------------------------------------------------------------------------- */

/* More of the peer's versions are not told. */
#define PEER_VERSIONS_MAX 16

void leat_trace_versions(const leat_conn *conn, leat_span peers) {
    static const char *const names[] = {"server_versions", "client_versions"};
    uint64_t ours[LEAT_VERSIONS_MAX], theirs[PEER_VERSIONS_MAX];
    const leat_conn_versions *versions = &conn->version;
    leat_trace_field fields[3];
    size_t count = 0, their_count = 0;
    for (size_t i = 0; i < versions->supported_count; i++) {
        ours[i] = versions->supported[i];
    }
    leat_reader reader = leat_reader_of(peers);
    while (their_count < PEER_VERSIONS_MAX && leat_reader_left(&reader) >= 4) {
        theirs[their_count++] = leat_read_u32(&reader);
    }
    fields[count++] = leat_trace_numbers(names[conn->config.is_client], ours,
                                         versions->supported_count);
    if (their_count > 0) {
        fields[count++] = leat_trace_numbers(names[!conn->config.is_client], theirs, their_count);
    }
    fields[count++] = leat_trace_integer("chosen_version", versions->current);
    leat_conn_trace(conn, "quic", "version_information", fields, count);
}

static void trace_recovery_parameters(const leat_conn *conn) {
    const leat_recovery_path *path = &conn->paths.active->recovery;
    const leat_trace_field fields[] = {
        leat_trace_integer("reordering_threshold", LEAT_PACKET_THRESHOLD),
        leat_trace_integer("timer_granularity", LEAT_GRANULARITY / LEAT_MILLISECOND),
        leat_trace_integer("initial_rtt", conn->config.initial_rtt),
        leat_trace_integer("max_datagram_size", path->max_datagram_size),
        leat_trace_integer("initial_congestion_window", leat_congestion_window(&path->congestion)),
        leat_trace_integer(
            "minimum_congestion_window", leat_minimum_window(path->max_datagram_size)),
        leat_trace_integer("persistent_congestion_threshold", LEAT_PERSISTENT_CONGESTION_THRESHOLD),
    };
    leat_conn_trace(conn, "recovery", "parameters_set", fields, COUNT(fields));
}

void leat_trace_started(const leat_conn *conn) {
    if (leat_trace_is_on(conn)) {
        path_fields out = {.count = 0};
        add_path(&out, &conn->paths.active->addresses);
        leat_conn_trace(conn, "quic", "connection_started", out.fields, out.count);
        leat_trace_versions(conn, (leat_span){NULL, 0});
        trace_recovery_parameters(conn);
    }
}

/* A record of what was told last and what holds now, unless it is the same. */
static void tell_change(const leat_conn *conn, const char *category, const char *name,
    const char **told, const char *now) {
    const leat_trace_field fields[] = {
        leat_trace_text("new", now), leat_trace_text("old", *told != NULL ? *told : "")};
    if (*told == NULL || strcmp(*told, now) != 0) {
        leat_conn_trace(conn, category, name, fields, *told == NULL ? 1 : 2);
    }
    *told = now;
}

void leat_trace_state(leat_conn *conn, const char *state) {
    if (leat_trace_is_on(conn)) {
        tell_change(conn, "quic", "connection_state_updated", &conn->traced_state, state);
    }
}

void leat_trace_closed(const leat_conn *conn) {
    static const struct {
        const char *initiator, *trigger;
    } rows[] = {
        [LEAT_SOURCE_LOCAL] = {"local", "application"},
        [LEAT_SOURCE_PEER_TRANSPORT] = {"remote", "error"},
        [LEAT_SOURCE_PEER_APPLICATION] = {"remote", "application"},
        [LEAT_SOURCE_IDLE_TIMEOUT] = {"local", "idle_timeout"},
        [LEAT_SOURCE_LIVENESS_TIMEOUT] = {"local", "idle_timeout"},
        [LEAT_SOURCE_HANDSHAKE_TIMEOUT] = {"local", "aborted"},
        [LEAT_SOURCE_STATELESS_RESET] = {"remote", "stateless_reset"},
        [LEAT_SOURCE_VERSION_MISMATCH] = {"local", "version_mismatch"},
        [LEAT_SOURCE_PROTOCOL_ERROR] = {"local", "error"},
        [LEAT_SOURCE_REFUSED] = {"local", "aborted"},
        [LEAT_SOURCE_INTERNAL_ERROR] = {"local", "aborted"},
        [LEAT_SOURCE_REQUEST_TIMEOUT] = {"local", "idle_timeout"},
    };
    const leat_conn_ending *close = &conn->close;
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {
            leat_trace_text("initiator", rows[close->source].initiator),
            leat_trace_integer(
                close->is_application ? "application_error" : "transport_error", close->error_code),
            leat_trace_integer("internal_code", close->source),
            leat_trace_text("reason", close->reason != NULL ? close->reason : ""),
            leat_trace_text("trigger", rows[close->source].trigger),
            leat_trace_text("source", leat_close_source_name(close->source)),
        };
        leat_conn_trace(conn, "quic", "connection_closed", fields, COUNT(fields));
    }
}

/* ---- handshake ------------------------------------------------------------------------------- */

#define CID_PARAMS_MAX 3

static size_t add_cids(leat_trace_field *fields, const leat_transport_params *params) {
    static const leat_tp ids[CID_PARAMS_MAX] = {
        LEAT_TP_ORIGINAL_DESTINATION_CONNECTION_ID,
        LEAT_TP_INITIAL_SOURCE_CONNECTION_ID,
        LEAT_TP_RETRY_SOURCE_CONNECTION_ID,
    };
    const leat_cid *values[CID_PARAMS_MAX] = {
        &params->original_destination_connection_id,
        &params->initial_source_connection_id,
        &params->retry_source_connection_id,
    };
    size_t count = 0;
    for (size_t i = 0; i < CID_PARAMS_MAX; i++) {
        if (leat_transport_params_has(params, ids[i])) {
            fields[count++] =
                leat_trace_bytes(leat_transport_params_name(ids[i]), leat_cid_span(values[i]));
        }
    }
    return count;
}

void leat_trace_params(const leat_conn *conn, bool ours, const leat_transport_params *params) {
    if (leat_trace_is_on(conn)) {
        leat_trace_field fields[15 + CID_PARAMS_MAX] = {
            leat_trace_text("initiator", ours ? "local" : "remote"),
            leat_trace_bool("disable_active_migration", params->disable_active_migration),
            leat_trace_bool("reset_stream_at", params->reset_stream_at),
            leat_trace_integer("max_idle_timeout", params->max_idle_timeout),
            leat_trace_integer("max_udp_payload_size", params->max_udp_payload_size),
            leat_trace_integer("ack_delay_exponent", params->ack_delay_exponent),
            leat_trace_integer("max_ack_delay", params->max_ack_delay),
            leat_trace_integer("active_connection_id_limit", params->active_connection_id_limit),
            leat_trace_integer("initial_max_data", params->initial_max_data),
            leat_trace_integer(
                "initial_max_stream_data_bidi_local", params->initial_max_stream_data_bidi_local),
            leat_trace_integer(
                "initial_max_stream_data_bidi_remote", params->initial_max_stream_data_bidi_remote),
            leat_trace_integer("initial_max_stream_data_uni", params->initial_max_stream_data_uni),
            leat_trace_integer("initial_max_streams_bidi", params->initial_max_streams_bidi),
            leat_trace_integer("initial_max_streams_uni", params->initial_max_streams_uni),
            leat_trace_integer("max_datagram_frame_size", params->max_datagram_frame_size),
        };
        size_t count = 15 + add_cids(fields + 15, params);
        leat_conn_trace(conn, "quic", "parameters_set", fields, count);
    }
}

void leat_trace_alpn(const leat_conn *conn) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {leat_trace_text("chosen_alpn", conn->handshake.alpn)};
        leat_conn_trace(conn, "quic", "alpn_information", fields, COUNT(fields));
    }
}

void leat_trace_key(const leat_conn *conn, const char *event, leat_space space, bool write,
    uint64_t phase, const char *trigger) {
    static const char *const types[LEAT_SPACE_COUNT][2] = {
        {"server_initial_secret", "client_initial_secret"},
        {"server_handshake_secret", "client_handshake_secret"},
        {"server_1rtt_secret", "client_1rtt_secret"},
    };
    leat_trace_field fields[3];
    size_t count = 0;
    fields[count++] = leat_trace_text("key_type", types[space][write == conn->config.is_client]);
    if (space == LEAT_SPACE_APPLICATION) {
        fields[count++] = leat_trace_integer("key_phase", phase);
    }
    if (trigger != NULL) {
        fields[count++] = leat_trace_text("trigger", trigger);
    }
    leat_conn_trace(conn, "tls", event, fields, count);
}

void leat_trace_early_key(const leat_conn *conn, const char *event) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {leat_trace_text("key_type", "client_0rtt_secret")};
        leat_conn_trace(conn, "tls", event, fields, COUNT(fields));
    }
}

void leat_trace_tls_message(
    const leat_conn *conn, bool written, leat_level level, uint8_t type, size_t length) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {
            leat_trace_integer("level", level),
            leat_trace_integer("type", type),
            leat_trace_integer("length", length),
        };
        leat_conn_trace(
            conn, "tls", written ? "message_sent" : "message_received", fields, COUNT(fields));
    }
}

/* ---- connection IDs and streams -------------------------------------------------------------- */

void leat_trace_peer_cid(
    const leat_conn *conn, bool ours, const leat_cid *before, const leat_cid *after) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {
            leat_trace_text("initiator", ours ? "local" : "remote"),
            leat_trace_bytes("new", leat_cid_span(after)),
            leat_trace_bytes("old", before != NULL ? leat_cid_span(before) : (leat_span){NULL, 0}),
        };
        leat_conn_trace(conn, "quic", "connection_id_updated", fields, before != NULL ? 3 : 2);
    }
}

void leat_trace_stream_state(
    const leat_conn *conn, uint64_t id, bool is_sending, const char *before, const char *after) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {
            leat_trace_integer("stream_id", id),
            leat_trace_text("stream_type",
                (id & LEAT_STREAM_UNI_BIT) != 0 ? "unidirectional" : "bidirectional"),
            leat_trace_text("old", before),
            leat_trace_text("new", after),
            leat_trace_text("stream_side", is_sending ? "sending" : "receiving"),
        };
        leat_conn_trace(conn, "quic", "stream_state_updated", fields, COUNT(fields));
    }
}

/* ---- recovery -------------------------------------------------------------------------------- */

static size_t add_rtt(leat_trace_field *fields, const leat_rtt *rtt) {
    fields[0] = leat_trace_integer("min_rtt", rtt->min_rtt);
    fields[1] = leat_trace_integer("smoothed_rtt", rtt->smoothed_rtt);
    fields[2] = leat_trace_integer("latest_rtt", rtt->latest_rtt);
    fields[3] = leat_trace_integer("rtt_variance", rtt->rttvar);
    return 4;
}

static void trace_mtu(leat_conn *conn, const leat_recovery_path *path) {
    bool is_done = path->mtu.state == LEAT_MTU_SEARCH_COMPLETE;
    const leat_trace_field fields[] = {
        leat_trace_integer("new", path->max_datagram_size),
        leat_trace_bool("done", is_done),
        leat_trace_integer("old", conn->traced_mtu),
    };
    if (conn->traced_mtu != path->max_datagram_size) {
        leat_conn_trace(conn, "quic", "mtu_updated", fields, conn->traced_mtu == 0 ? 2 : 3);
        conn->traced_mtu = path->max_datagram_size;
    }
}

void leat_trace_metrics(leat_conn *conn) {
    if (!leat_trace_is_on(conn)) {
        return;
    }
    const leat_recovery_path *path = &conn->paths.active->recovery;
    const leat_congestion *congestion = &path->congestion;
    uint64_t ssthresh = leat_congestion_slow_start_threshold(congestion);
    leat_trace_field fields[8];
    size_t count = leat_rtt_has_sample(&path->rtt) ? add_rtt(fields, &path->rtt) : 0;
    fields[count++] = leat_trace_integer("pto_count", conn->recovery.pto_count);
    fields[count++] = leat_trace_integer("congestion_window", leat_congestion_window(congestion));
    fields[count++] = leat_trace_integer("bytes_in_flight", path->bytes_in_flight);
    if (ssthresh != UINT64_MAX) {
        fields[count++] = leat_trace_integer("ssthresh", ssthresh);
    }
    leat_conn_trace(conn, "recovery", "metrics_updated", fields, count);
    tell_change(conn, "recovery", "congestion_state_updated", &conn->traced_congestion,
                leat_congestion_state_name(congestion));
    tell_change(conn, "recovery", "ecn_state_updated", &conn->traced_ecn,
                leat_ecn_state_name(&path->ecn));
    trace_mtu(conn, path);
}

void leat_trace_timer(const leat_conn *conn, const char *timer) {
    if (leat_trace_is_on(conn)) {
        const leat_trace_field fields[] = {
            leat_trace_text("timer_type", timer), leat_trace_text("event_type", "expired")};
        leat_conn_trace(conn, "recovery", "timer_updated", fields, COUNT(fields));
    }
}
