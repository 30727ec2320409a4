/*
 * TLS inside QUIC: RFC 9001 §4 and §8, RFC 9000 §7.3 and §7.4. Wires a leat_tls to the connection:
 * secrets become keys, transport parameters become limits, completion and confirmation become
 * events. The bytes come and go through crypto_stream.c.
 */
#include "quic/conn/conn_internal.h"
#include "quic/conn/trace.h"

#include <string.h>

#define FRAME_TYPE_CRYPTO 0x06
#define ALPN_OFFERS_MAX 32

/* ---- transport parameters -------------------------------------------------------------------- */

static void mark_present(leat_transport_params *params, leat_tp tp) {
    params->present |= UINT32_C(1) << tp;
}

static void fill_our_params(leat_conn *conn) {
    const leat_config *config = &conn->config;
    leat_transport_params *ours = &conn->handshake.ours;
    leat_transport_params_default(ours);
    ours->max_idle_timeout = config->max_idle_timeout / LEAT_MILLISECOND;
    ours->max_udp_payload_size = config->max_udp_payload_size;
    ours->initial_max_data = config->max_data;
    ours->initial_max_stream_data_bidi_local = config->max_stream_data;
    ours->initial_max_stream_data_bidi_remote = config->max_stream_data;
    ours->initial_max_stream_data_uni = config->max_stream_data;
    ours->initial_max_streams_bidi = config->max_streams_bidi;
    ours->initial_max_streams_uni = config->max_streams_uni;
    ours->ack_delay_exponent = config->ack_delay_exponent;
    ours->max_ack_delay = config->max_ack_delay / LEAT_MILLISECOND;
    ours->min_ack_delay = config->min_ack_delay / LEAT_MICROSECOND;
    ours->active_connection_id_limit = config->active_connection_id_limit;
    ours->max_datagram_frame_size = config->max_datagram_frame_size;
    if (config->reset_stream_at) {
        ours->reset_stream_at = true;
        mark_present(ours, LEAT_TP_RESET_STREAM_AT);
        mark_present(ours, LEAT_TP_RESET_STREAM_AT_07);
    }
    ours->initial_source_connection_id = *leat_cids_first_local(conn);
    mark_present(ours, LEAT_TP_INITIAL_SOURCE_CONNECTION_ID);
    if (config->disable_active_migration) {
        mark_present(ours, LEAT_TP_DISABLE_ACTIVE_MIGRATION);
    }
    mark_present(ours, LEAT_TP_VERSION_INFORMATION);
    if (leat_grease_is_on(config)) {
        mark_present(ours, LEAT_TP_GREASE_QUIC_BIT);
    }
}

/* RFC 9000 §7.3: a server authenticates the IDs that the client's first packets used. */
static void add_server_params(leat_conn *conn) {
    leat_transport_params *ours = &conn->handshake.ours;
    ours->original_destination_connection_id = conn->cids.original_dcid;
    mark_present(ours, LEAT_TP_ORIGINAL_DESTINATION_CONNECTION_ID);
    if (conn->cids.was_retried) {
        ours->retry_source_connection_id = conn->cids.retry_scid;
        mark_present(ours, LEAT_TP_RETRY_SOURCE_CONNECTION_ID);
    }
    if (leat_cids_first_local(conn)->length > 0) {
        memcpy(ours->stateless_reset_token, conn->cids.local[0].reset_token,
               sizeof ours->stateless_reset_token);
        mark_present(ours, LEAT_TP_STATELESS_RESET_TOKEN);
    }
    if (leat_preferred_address_is_offered(conn)) {
        leat_preferred_address_fill(conn, &ours->preferred_address);
        mark_present(ours, LEAT_TP_PREFERRED_ADDRESS);
    }
}

static size_t write_transport_parameters(void *user, uint8_t *out, size_t room) {
    leat_conn *conn = user;
    leat_writer writer = leat_writer_make(out, room);
    conn->handshake.ours.version_information = leat_version_encode_information(conn);
    leat_transport_params_write(&writer, &conn->handshake.ours);
    leat_grease_write_parameter(conn, &writer);
    return writer.failed ? 0 : leat_writer_length(&writer);
}

static bool is_cid(const leat_transport_params *params, leat_tp tp, const leat_cid *value,
                   const leat_cid *expected) {
    return leat_transport_params_has(params, tp) && leat_cid_equal(value, expected);
}

/* RFC 9000 §7.3: NULL when the peer's parameters name the connection IDs that its packets used. */
static const char *check_connection_ids(const leat_conn *conn, const leat_transport_params *peers) {
    const leat_conn_cids *cids = &conn->cids;
    if (!is_cid(peers, LEAT_TP_INITIAL_SOURCE_CONNECTION_ID, &peers->initial_source_connection_id,
                leat_cids_of_path(conn, conn->paths.active))) {
        return "initial_source_connection_id";
    }
    if (leat_conn_is_server(conn)) {
        return NULL;
    }
    if (!is_cid(peers, LEAT_TP_ORIGINAL_DESTINATION_CONNECTION_ID,
                &peers->original_destination_connection_id,
                &cids->original_dcid)) {
        return "original_destination_connection_id";
    }
    bool has_retry = leat_transport_params_has(peers, LEAT_TP_RETRY_SOURCE_CONNECTION_ID);
    bool right_retry = !has_retry ||
        leat_cid_equal(&peers->retry_source_connection_id, &cids->retry_scid);
    return has_retry == cids->was_retried && right_retry ? NULL : "retry_source_connection_id";
}

static void apply_peer_params(leat_conn *conn) {
    const leat_transport_params *peers = &conn->handshake.peers;
    conn->handshake.has_peer_params = true;
    if (leat_transport_params_has(peers, LEAT_TP_STATELESS_RESET_TOKEN)) {
        leat_cids_set_peer_token(conn, peers->stateless_reset_token);
    }
    leat_mtu_set_limits(conn, conn->paths.active);
    leat_streams_on_peer_params(conn);
    leat_liveness_on_peer_params(conn);
    leat_trace_params(conn, false, peers);
}

static int on_transport_parameters(void *user, leat_span encoded) {
    leat_conn *conn = user;
    const char *wrong = leat_transport_params_parse(&conn->handshake.peers, encoded,
                                                    leat_conn_is_server(conn));
    if (wrong == NULL) {
        wrong = check_connection_ids(conn, &conn->handshake.peers);
    }
    if (wrong == NULL) {
        wrong = leat_preferred_address_on_params(conn);
    }
    if (wrong != NULL) {
        leat_close_fault(conn, LEAT_TRANSPORT_PARAMETER_ERROR, FRAME_TYPE_CRYPTO, wrong);
        return LEAT_ALERT_ILLEGAL_PARAMETER;
    }
    wrong = leat_early_data_check_params(conn, &conn->handshake.peers);
    if (wrong != NULL) {
        /* RFC 9000 §7.4.1: data may be on its way that the new limit forbids. */
        leat_close_fault(conn, LEAT_PROTOCOL_VIOLATION, FRAME_TYPE_CRYPTO, wrong);
        return LEAT_ALERT_ILLEGAL_PARAMETER;
    }
    bool is_agreed = leat_version_on_peer_params(conn, &conn->handshake.peers);
    if (is_agreed) {
        apply_peer_params(conn);
    }
    conn->handshake.peers.version_information = (leat_span){NULL, 0};
    return is_agreed ? LEAT_ALERT_NONE : LEAT_ALERT_ILLEGAL_PARAMETER;
}

/* ---- hooks of TLS ---------------------------------------------------------------------------- */

static void on_secret(void *user, leat_level level, bool write, const leat_cipher_suite *suite,
                      const uint8_t *secret) {
    leat_conn *conn = user;
    leat_space space = level == LEAT_LEVEL_HANDSHAKE ? LEAT_SPACE_HANDSHAKE
                                                     : LEAT_SPACE_APPLICATION;
    bool is_installed = level == LEAT_LEVEL_EARLY
                            ? leat_early_data_install(conn, suite, secret)
                            : leat_crypto_install_secret(conn, space, write, suite, secret);
    if (!is_installed) {
        leat_close_internal(conn, "keys could not be installed");
    }
    if (level == LEAT_LEVEL_APPLICATION && write && conn->config.is_client) {
        leat_early_data_discard(conn); /* RFC 9001 §4.9.3 */
    }
}

bool leat_handshake_tell_protocol(leat_conn *conn, leat_span protocol) {
    leat_conn_handshake *handshake = &conn->handshake;
    char *alpn = leat_alloc(conn->allocator, protocol.length + 1);
    if (alpn == NULL) {
        return false;
    }
    memcpy(alpn, protocol.data, protocol.length);
    handshake->early_alpn = handshake->alpn; /* an event may still point to it */
    handshake->alpn = alpn;
    leat_trace_alpn(conn);
    const leat_event event = {.type = LEAT_EVENT_PROTOCOL_NEGOTIATED,
                              .protocol_negotiated.alpn_protocol = alpn};
    leat_events_push(conn, &event);
    return true;
}

static void on_alpn(void *user, leat_span protocol) {
    leat_conn *conn = user;
    bool was_told = conn->early != NULL; /* the client's, when early data began */
    if (was_told && leat_tls_early_data(conn->handshake.tls) == LEAT_EARLY_DATA_ACCEPTED) {
        return;
    }
    if (was_told) {
        leat_early_data_reject(conn);
    }
    if (!leat_handshake_tell_protocol(conn, protocol)) {
        leat_close_internal(conn, "out of memory for the protocol's name");
    }
}

static void on_key_log(void *user, const char *line) {
    leat_conn *conn = user;
    conn->config.key_log(conn->config.key_log_user, line);
}

static void on_session_ticket(void *user, leat_span ticket) {
    leat_conn *conn = user;
    if (conn->handshake.tickets == LEAT_TICKETS_MAX) {
        return;
    }
    conn->handshake.tickets++;
    if (leat_event_queue_push_bytes(&conn->events, LEAT_EVENT_SESSION_TICKET, ticket) != LEAT_OK) {
        leat_close_internal(conn, "out of memory for events");
    }
}

static bool verify_peer(void *user, const leat_span *chain, size_t count) {
    leat_conn *conn = user;
    return conn->config.verify_peer(conn->config.verify_peer_user, chain, count);
}

static size_t write_session_application(void *user, uint8_t *out, size_t room) {
    return leat_early_data_write_session(user, out, room);
}

static bool can_use_early_data(void *user, leat_span alpn, leat_span application) {
    return leat_early_data_can_use(user, alpn, application);
}

/* RFC 9369 §5: tickets come from the negotiated version, and are good for a connection that begins
 * with the same. */
static uint32_t session_context(void *user, bool is_new) {
    const leat_conn *conn = user;
    return is_new ? conn->version.current : conn->version.original;
}

static void on_message(void *user, bool written, leat_level level, uint8_t type, size_t length) {
    leat_trace_tls_message(user, written, level, type, length);
}

/* ---- life ------------------------------------------------------------------------------------ */

static size_t list_alpn(const leat_config *config, leat_span offers[ALPN_OFFERS_MAX]) {
    size_t count = 0;
    for (; count < config->alpn_count && count < ALPN_OFFERS_MAX; count++) {
        offers[count] = (leat_span){(const uint8_t *)config->alpn[count],
                                    strlen(config->alpn[count])};
    }
    return count;
}

static int make_tls(leat_conn *conn, const leat_config *config, leat_trust *trust,
                    leat_span params) {
    leat_span offers[ALPN_OFFERS_MAX];
    const leat_tls_config tls_config = {
        .is_client = config->is_client,
        .allocator = conn->allocator,
        .random = conn->random,
        .now = leat_conn_wall_clock(config),
        .alpn = offers,
        .alpn_count = list_alpn(config, offers),
        .groups = config->groups,
        .group_count = config->group_count,
        .cipher_suites = config->cipher_suites,
        .cipher_suite_count = config->cipher_suite_count,
        .server_name = config->server_name,
        .trust = trust,
        .session = config->session_ticket,
        .transport_parameters = params,
        .identities = config->identities,
        .identity_count = config->identity_count,
        .client_auth = config->client_auth,
        .ticket_keys = leat_resumption_ticket_keys(config->resumption_keys),
        .early_data = config->early_data,
        .replays = leat_resumption_replays(config->resumption_keys),
        .certificate_compression = config->certificate_compression,
    };
    const leat_tls_hooks hooks = {
        .user = conn,
        .on_secret = on_secret,
        .on_transport_parameters = on_transport_parameters,
        .write_transport_parameters = write_transport_parameters,
        .on_alpn = on_alpn,
        .on_key_log = config->key_log != NULL ? on_key_log : NULL,
        .on_session_ticket = on_session_ticket,
        .write_session_application = write_session_application,
        .can_use_early_data = can_use_early_data,
        .session_context = session_context,
        .on_message = leat_trace_is_on(conn) ? on_message : NULL,
        .verify_peer = config->verify_peer != NULL ? verify_peer : NULL,
    };
    conn->handshake.tls = leat_tls_new(&tls_config, &hooks);
    return conn->handshake.tls != NULL ? LEAT_OK : LEAT_ERR_NOMEM;
}

int leat_handshake_init(leat_conn *conn, const leat_config *config) {
    uint8_t params[LEAT_TRANSPORT_PARAMS_MAX];
    char message[LEAT_MESSAGE_MAX];
    leat_transport_params_default(&conn->handshake.peers);
    conn->handshake.previous_keys_deadline = LEAT_TIME_NEVER;
    fill_our_params(conn);
    if (leat_conn_is_server(conn)) {
        add_server_params(conn);
        leat_trace_params(conn, true, &conn->handshake.ours);
        return make_tls(conn, config, config->client_trust, (leat_span){NULL, 0});
    }
    leat_trust *trust = config->trust != NULL ? leat_trust_ref(config->trust)
                                              : leat_trust_system(message);
    if (trust == NULL) {
        return LEAT_ERR_CERTIFICATE;
    }
    size_t length = write_transport_parameters(conn, params, sizeof params);
    int err = make_tls(conn, config, trust, (leat_span){params, length});
    leat_trust_free(trust);
    return err;
}

void leat_handshake_clear(leat_conn *conn) {
    leat_tls_free(conn->handshake.tls);
    leat_free(conn->allocator, conn->handshake.alpn);
    leat_free(conn->allocator, conn->handshake.early_alpn);
    leat_early_data_discard(conn);
    leat_buffer_clear(&conn->session_bytes);
}

static void fail_with_alert(leat_conn *conn, int alert) {
    const char *why = leat_tls_error_message(conn->handshake.tls);
    const leat_close_cause cause = {
        .source = alert == LEAT_ALERT_INTERNAL_ERROR ? LEAT_SOURCE_INTERNAL_ERROR
                                                     : LEAT_SOURCE_PROTOCOL_ERROR,
        .error_code = leat_tls_violates_quic(conn->handshake.tls)
                          ? LEAT_PROTOCOL_VIOLATION
                          : LEAT_CRYPTO_ERROR + (uint64_t)alert,
        .frame_type = FRAME_TYPE_CRYPTO,
        .reason = why,
    };
    leat_close_start(conn, &cause);
}

void leat_handshake_start(leat_conn *conn) {
    int alert = leat_tls_start(conn->handshake.tls);
    if (alert != LEAT_ALERT_NONE) {
        fail_with_alert(conn, alert);
        return;
    }
    leat_crypto_collect_output(conn);
}

void leat_handshake_start_over(leat_conn *conn) {
    uint8_t params[LEAT_TRANSPORT_PARAMS_MAX];
    size_t length = write_transport_parameters(conn, params, sizeof params);
    int alert = leat_tls_start_over(conn->handshake.tls, (leat_span){params, length});
    if (alert != LEAT_ALERT_NONE) {
        fail_with_alert(conn, alert);
        return;
    }
    leat_crypto_collect_output(conn);
}

static void confirm(leat_conn *conn) {
    const leat_event event = {.type = LEAT_EVENT_HANDSHAKE_CONFIRMED};
    if (!conn->handshake.is_confirmed) {
        conn->handshake.is_confirmed = true;
        leat_trace_state(conn, "handshake_confirmed");
        leat_tls_handshake_confirmed(conn->handshake.tls);
        if (leat_conn_is_server(conn)) {
            leat_buffer_clear(&conn->session_bytes); /* the tickets are made */
        }
        leat_events_push(conn, &event);
        leat_preferred_address_on_confirmed(conn);
    }
}

static void complete(leat_conn *conn) {
    const leat_event event = {
        .type = LEAT_EVENT_HANDSHAKE_COMPLETED,
        .handshake_completed = {.alpn_protocol = conn->handshake.alpn,
                                .early_data_accepted = leat_conn_early_data_accepted(conn),
                                .session_resumed = leat_tls_is_resumed(conn->handshake.tls)},
    };
    conn->handshake.is_complete = true;
    conn->handshake.completed = conn->now;
    leat_trace_state(conn, "handshake_complete");
    conn->receive.keys_arrived = true;
    leat_events_push(conn, &event);
    if (leat_conn_is_server(conn)) {
        /* RFC 9001 §4.1.2: for a server the complete handshake is confirmed; the client learns it
         * by HANDSHAKE_DONE. */
        conn->handshake.done_due = true;
        confirm(conn);
    }
}

void leat_handshake_receive(leat_conn *conn, leat_level level, leat_span bytes) {
    int alert = leat_tls_receive(conn->handshake.tls, level, bytes);
    if (alert != LEAT_ALERT_NONE) {
        fail_with_alert(conn, alert);
        return;
    }
    leat_crypto_collect_output(conn);
    if (leat_conn_is_open(conn) && !conn->handshake.is_complete &&
        leat_tls_is_complete(conn->handshake.tls)) {
        complete(conn);
    }
}

bool leat_conn_is_handshake_complete(const leat_conn *conn) { return conn->handshake.is_complete; }

/* ---- HANDSHAKE_DONE -------------------------------------------------------------------------- */

void leat_handshake_done_on_frame(leat_conn *conn, const leat_frame *frame,
                                  leat_packet_in *packet) {
    (void)packet;
    if (leat_conn_is_server(conn) || !conn->handshake.is_complete) {
        /* RFC 9000 §19.20: only servers send it, and only after the handshake. */
        leat_close_fault(conn, LEAT_PROTOCOL_VIOLATION, frame->type, "HANDSHAKE_DONE out of place");
        return;
    }
    confirm(conn);
}

/* Stops forged packets from making the server send for ever. */
#define DONE_REPEATS_MAX 4

/* RFC 9002 §6.2.3: the client repeats itself because HANDSHAKE_DONE was lost. After a handshake
 * with losses the server's own timer may be seconds away. */
void leat_handshake_done_repeat(leat_conn *conn) {
    if (leat_conn_is_server(conn) && conn->handshake.done_repeats < DONE_REPEATS_MAX) {
        conn->handshake.done_repeats++;
        conn->handshake.done_due = true;
        conn->send.is_dirty = true;
    }
}

bool leat_handshake_done_wants(const leat_conn *conn, leat_space space) {
    (void)space;
    return conn->handshake.done_due;
}

void leat_handshake_done_write(leat_conn *conn, leat_packet_out *out) {
    const leat_frame frame = {.kind = LEAT_FRAME_HANDSHAKE_DONE, .type = 0x1e};
    if (leat_out_frame(conn, out, &frame, 0, 0, 0)) {
        conn->handshake.done_due = false;
    }
}

void leat_handshake_done_on_lost(leat_conn *conn, leat_space space,
                                 const leat_frame_record *record) {
    (void)space, (void)record;
    conn->handshake.done_due = true;
}
