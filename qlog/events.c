/*
 * The rows of the table. Members have the names of the drafts' definitions:
 * draft-ietf-quic-qlog-quic-events-13 §4 to §8, draft-ietf-quic-qlog-h3-events-13 §3 and §4.
 */
#include "qlog/events.h"

#include <string.h>

/* ---- QUIC: connections ----------------------------------------------------------------------- */

#define ENDPOINT(field, path)                                                                                          \
    {field "_ip_v4", path ".ip_v4", QLOG_TEXT}, {field "_port_v4", path ".port_v4", QLOG_NUMBER},                      \
    {field "_ip_v6", path ".ip_v6", QLOG_TEXT}, {field "_port_v6", path ".port_v6", QLOG_NUMBER}

static const qlog_member connection_started[] = {
    ENDPOINT("local", "local"), ENDPOINT("remote", "remote")};

static const qlog_member connection_closed[] = {
    {"initiator", "initiator", QLOG_TEXT},
    {"transport_error", "connection_error", QLOG_TRANSPORT_ERROR},
    {"application_error", "application_error", QLOG_APPLICATION_ERROR},
    {"internal_code", "internal_code", QLOG_NUMBER},
    {"reason", "reason", QLOG_TEXT},
    {"trigger", "trigger", QLOG_TEXT},
};

static const qlog_member connection_id_updated[] = {
    {"initiator", "initiator", QLOG_TEXT},
    {"old", "old", QLOG_HEX},
    {"new", "new", QLOG_HEX},
};

/* connection_state_updated, congestion_state_updated and the like. */
static const qlog_member state_updated[] = {
    {"old", "old", QLOG_TEXT},
    {"new", "new", QLOG_TEXT},
    {"trigger", "trigger", QLOG_TEXT},
};

static const qlog_member tuple_assigned[] = {
    {"tuple_id", "tuple_id", QLOG_TEXT},
    ENDPOINT("remote", "tuple_remote"),
    ENDPOINT("local", "tuple_local"),
};

static const qlog_member mtu_updated[] = {
    {"old", "old", QLOG_NUMBER},
    {"new", "new", QLOG_NUMBER},
    {"done", "done", QLOG_FLAG},
};

static const qlog_member migration_state_updated[] = {
    {"new", "new", QLOG_TEXT},
    {"tuple_id", "tuple_id", QLOG_TEXT},
    ENDPOINT("remote", "tuple_remote"),
    ENDPOINT("local", "tuple_local"),
};

static const qlog_member version_information[] = {
    {"server_versions", "server_versions", QLOG_VERSIONS},
    {"client_versions", "client_versions", QLOG_VERSIONS},
    {"chosen_version", "chosen_version", QLOG_VERSION},
};

static const qlog_member alpn_information[] = {
    {"chosen_alpn", "chosen_alpn.string_value", QLOG_TEXT}};

static const qlog_member parameters_set[] = {
    {"initiator", "initiator", QLOG_TEXT},
    {"original_destination_connection_id", "original_destination_connection_id", QLOG_HEX},
    {"initial_source_connection_id", "initial_source_connection_id", QLOG_HEX},
    {"retry_source_connection_id", "retry_source_connection_id", QLOG_HEX},
    {"disable_active_migration", "disable_active_migration", QLOG_FLAG},
    {"reset_stream_at", "reset_stream_at", QLOG_FLAG},
    {"max_idle_timeout", "max_idle_timeout", QLOG_NUMBER},
    {"max_udp_payload_size", "max_udp_payload_size", QLOG_NUMBER},
    {"ack_delay_exponent", "ack_delay_exponent", QLOG_NUMBER},
    {"max_ack_delay", "max_ack_delay", QLOG_NUMBER},
    {"active_connection_id_limit", "active_connection_id_limit", QLOG_NUMBER},
    {"initial_max_data", "initial_max_data", QLOG_NUMBER},
    {"initial_max_stream_data_bidi_local", "initial_max_stream_data_bidi_local", QLOG_NUMBER},
    {"initial_max_stream_data_bidi_remote", "initial_max_stream_data_bidi_remote", QLOG_NUMBER},
    {"initial_max_stream_data_uni", "initial_max_stream_data_uni", QLOG_NUMBER},
    {"initial_max_streams_bidi", "initial_max_streams_bidi", QLOG_NUMBER},
    {"initial_max_streams_uni", "initial_max_streams_uni", QLOG_NUMBER},
    {"max_datagram_frame_size", "max_datagram_frame_size", QLOG_NUMBER},
};

/* ---- QUIC: packets --------------------------------------------------------------------------- */

/* Sent, received, dropped, buffered and lost ones. */
static const qlog_member packet[] = {
    {"packet_type", "header.packet_type", QLOG_TEXT},
    {"spin_bit", "header.spin_bit", QLOG_FLAG},
    {"key_phase_bit", "header.key_phase_bit", QLOG_FLAG},
    {"packet_number", "header.packet_number", QLOG_NUMBER},
    {"token_length", "header.token.raw.length", QLOG_NUMBER},
    {"version", "header.version", QLOG_VERSION},
    {"scid", "header.scid", QLOG_HEX},
    {"dcid", "header.dcid", QLOG_HEX},
    {"frames", "frames", QLOG_LIST},
    {"supported_versions", "supported_versions", QLOG_VERSIONS},
    {"length", "raw.length", QLOG_NUMBER},
    {"reason", "details.reason", QLOG_TEXT},
    {"trigger", "trigger", QLOG_TEXT},
};

static const qlog_member packets_acked[] = {
    {"packet_number_space", "packet_number_space", QLOG_TEXT},
    {"packet_number", "packet_numbers", QLOG_NUMBER_LIST},
};

static const qlog_member marked_for_retransmit[] = {{"frames", "frames", QLOG_LIST}};

/* §8.13: the members of all frames; each has only some. Reset tokens and payloads are not for a
 * log's readers. */
static const qlog_member frame[] = {
    {"frame_type", "frame_type", QLOG_TEXT},
    {"ack_delay", "ack_delay", QLOG_MILLISECONDS},
    {"acked_ranges", "acked_ranges", QLOG_RANGES},
    {"ect1", "ect1", QLOG_NUMBER},
    {"ect0", "ect0", QLOG_NUMBER},
    {"ce", "ce", QLOG_NUMBER},
    {"stream_id", "stream_id", QLOG_NUMBER},
    {"stream_type", "stream_type", QLOG_TEXT},
    {"offset", "offset", QLOG_NUMBER},
    {"fin", "fin", QLOG_FLAG},
    {"maximum", "maximum", QLOG_NUMBER},
    {"limit", "limit", QLOG_NUMBER},
    {"sequence_number", "sequence_number", QLOG_NUMBER},
    {"retire_prior_to", "retire_prior_to", QLOG_NUMBER},
    {"connection_id", "connection_id", QLOG_HEX},
    {"token", "token.raw.length", QLOG_LENGTH},
    {"path_data", "data", QLOG_HEX},
    {"error_space", "error_space", QLOG_TEXT},
    {"transport_error", "error", QLOG_TRANSPORT_ERROR},
    {"application_error", "error", QLOG_APPLICATION_ERROR},
    {"reason", "reason", QLOG_TEXT},
    {"trigger_frame_type", "trigger_frame_type", QLOG_NUMBER},
    {"final_size", "final_size", QLOG_NUMBER},
    {"reliable_size", "reliable_size", QLOG_NUMBER},
    {"ack_eliciting_threshold", "ack_eliciting_threshold", QLOG_NUMBER},
    {"requested_max_ack_delay", "requested_max_ack_delay", QLOG_NUMBER},
    {"reordering_threshold", "reordering_threshold", QLOG_NUMBER},
    {"length", "raw.length", QLOG_NUMBER},
    {"payload_length", "raw.payload_length", QLOG_NUMBER},
};

/* ---- QUIC: streams, timers, keys, recovery --------------------------------------------------- */

static const qlog_member stream_state_updated[] = {
    {"stream_id", "stream_id", QLOG_NUMBER},
    {"stream_type", "stream_type", QLOG_TEXT},
    {"old", "old", QLOG_TEXT},
    {"new", "new", QLOG_TEXT},
    {"stream_side", "stream_side", QLOG_TEXT},
};

static const qlog_member timer_updated[] = {
    {"timer_type", "timer_type", QLOG_TEXT},
    {"event_type", "event_type", QLOG_TEXT},
};

static const qlog_member key[] = {
    {"key_type", "key_type", QLOG_TEXT},
    {"key_phase", "key_phase", QLOG_NUMBER},
    {"trigger", "trigger", QLOG_TEXT},
};

static const qlog_member recovery_parameters_set[] = {
    {"reordering_threshold", "reordering_threshold", QLOG_NUMBER},
    {"timer_granularity", "timer_granularity", QLOG_NUMBER},
    {"initial_rtt", "initial_rtt", QLOG_MILLISECONDS},
    {"max_datagram_size", "max_datagram_size", QLOG_NUMBER},
    {"initial_congestion_window", "initial_congestion_window", QLOG_NUMBER},
    {"minimum_congestion_window", "minimum_congestion_window", QLOG_NUMBER},
    {"persistent_congestion_threshold", "persistent_congestion_threshold", QLOG_NUMBER},
};

static const qlog_member metrics_updated[] = {
    {"min_rtt", "min_rtt", QLOG_MILLISECONDS},
    {"smoothed_rtt", "smoothed_rtt", QLOG_MILLISECONDS},
    {"latest_rtt", "latest_rtt", QLOG_MILLISECONDS},
    {"rtt_variance", "rtt_variance", QLOG_MILLISECONDS},
    {"pto_count", "pto_count", QLOG_NUMBER},
    {"congestion_window", "congestion_window", QLOG_NUMBER},
    {"bytes_in_flight", "bytes_in_flight", QLOG_NUMBER},
    {"ssthresh", "ssthresh", QLOG_NUMBER},
};

/* ---- HTTP/3 and WebTransport ----------------------------------------------------------------- */

static const qlog_member http3_parameters_set[] = {
    {"initiator", "initiator", QLOG_TEXT},
    {"max_field_section_size", "max_field_section_size", QLOG_NUMBER},
    {"max_table_capacity", "max_table_capacity", QLOG_NUMBER},
    {"blocked_streams_count", "blocked_streams_count", QLOG_NUMBER},
    {"extended_connect", "extended_connect", QLOG_NUMBER},
    {"h3_datagram", "h3_datagram", QLOG_NUMBER},
};

static const qlog_member stream_type_set[] = {
    {"initiator", "initiator", QLOG_TEXT},
    {"stream_id", "stream_id", QLOG_NUMBER},
    {"stream_type", "stream_type", QLOG_TEXT},
    {"stream_type_bytes", "stream_type_bytes", QLOG_NUMBER},
};

static const qlog_member priority_updated[] = {
    {"stream_id", "stream_id", QLOG_NUMBER},
    {"new", "new", QLOG_TEXT},
    {"trigger", "trigger", QLOG_TEXT},
};

/* The members of all HTTP/3 frames; each has only some. */
static const qlog_member http3_frame[] = {
    {"stream_id", "stream_id", QLOG_NUMBER},
    {"frame_type", "frame.frame_type", QLOG_TEXT},
    {"frame_type_bytes", "frame.frame_type_bytes", QLOG_NUMBER},
    {"headers", "frame.headers", QLOG_LIST},
    {"settings", "frame.settings", QLOG_LIST},
    {"id", "frame.id", QLOG_NUMBER},
    {"push_id", "frame.push_id", QLOG_NUMBER},
    {"prioritized_stream_id", "frame.stream_id", QLOG_NUMBER},
    {"priority_field_value", "frame.priority_field_value", QLOG_TEXT},
    {"payload_length", "frame.raw.payload_length", QLOG_NUMBER},
};

static const qlog_member header[] = {{"name", "name", QLOG_TEXT}, {"value", "value", QLOG_TEXT}};

static const qlog_member setting[] = {
    {"name", "name", QLOG_TEXT},
    {"name_bytes", "name_bytes", QLOG_NUMBER},
    {"value", "value", QLOG_NUMBER},
};

static const qlog_member http3_datagram[] = {
    {"quarter_stream_id", "quarter_stream_id", QLOG_NUMBER},
    {"length", "raw.length", QLOG_NUMBER},
};

static const qlog_member session_state_updated[] = {
    {"session_id", "session_id", QLOG_NUMBER},
    {"old", "old", QLOG_TEXT},
    {"new", "new", QLOG_TEXT},
};

/* ---- the rows -------------------------------------------------------------------------------- */

#define MEMBERS(table) .members = (table), .member_count = sizeof(table) / sizeof((table)[0])

static const qlog_row rows[] = {
    {"quic", "frame_created", .list = "frames", MEMBERS(frame)},
    {"quic", "frame_parsed", .list = "frames", MEMBERS(frame)},
    {"quic", "packet_sent", "quic:packet_sent", MEMBERS(packet)},
    {"quic", "packet_received", "quic:packet_received", MEMBERS(packet)},
    {"quic", "packet_dropped", "quic:packet_dropped", MEMBERS(packet)},
    {"quic", "packet_buffered", "quic:packet_buffered", MEMBERS(packet)},
    {"quic", "packets_acked", "quic:packets_acked", MEMBERS(packets_acked)},
    {"quic", "connection_started", "quic:connection_started", MEMBERS(connection_started)},
    {"quic", "connection_closed", "quic:connection_closed", MEMBERS(connection_closed)},
    {"quic", "connection_id_updated", "quic:connection_id_updated", MEMBERS(connection_id_updated)},
    {"quic", "connection_state_updated", "quic:connection_state_updated", MEMBERS(state_updated)},
    {"quic", "tuple_assigned", "quic:tuple_assigned", MEMBERS(tuple_assigned)},
    {"quic", "mtu_updated", "quic:mtu_updated", MEMBERS(mtu_updated)},
    {"quic", "migration_state_updated", "quic:migration_state_updated", MEMBERS(migration_state_updated)},
    {"quic", "version_information", "quic:version_information", MEMBERS(version_information)},
    {"quic", "alpn_information", "quic:alpn_information", MEMBERS(alpn_information)},
    {"quic", "parameters_set", "quic:parameters_set", MEMBERS(parameters_set)},
    {"quic", "stream_state_updated", "quic:stream_state_updated", MEMBERS(stream_state_updated)},
    {"tls", "key_updated", "quic:key_updated", MEMBERS(key)},
    {"tls", "key_discarded", "quic:key_discarded", MEMBERS(key)},
    {"recovery", "timer_updated", "quic:timer_updated", MEMBERS(timer_updated)},
    {"recovery", "parameters_set", "quic:recovery_parameters_set", MEMBERS(recovery_parameters_set)},
    {"recovery", "metrics_updated", "quic:recovery_metrics_updated", MEMBERS(metrics_updated)},
    {"recovery", "congestion_state_updated", "quic:congestion_state_updated", MEMBERS(state_updated)},
    {"recovery", "ecn_state_updated", "quic:ecn_state_updated", MEMBERS(state_updated)},
    {"recovery", "packet_lost", "quic:packet_lost", MEMBERS(packet)},
    {"recovery", "frame_lost", .list = "frames", MEMBERS(frame)},
    {"recovery", "marked_for_retransmit", "quic:marked_for_retransmit", MEMBERS(marked_for_retransmit)},
    {"http3", "parameters_set", "http3:parameters_set", MEMBERS(http3_parameters_set)},
    {"http3", "stream_type_set", "http3:stream_type_set", MEMBERS(stream_type_set)},
    {"http3", "priority_updated", "http3:priority_updated", MEMBERS(priority_updated)},
    {"http3", "header", .list = "headers", MEMBERS(header)},
    {"http3", "setting", .list = "settings", MEMBERS(setting)},
    {"http3", "frame_created", "http3:frame_created", MEMBERS(http3_frame)},
    {"http3", "frame_parsed", "http3:frame_parsed", MEMBERS(http3_frame)},
    {"http3", "datagram_created", "http3:datagram_created", MEMBERS(http3_datagram)},
    {"http3", "datagram_parsed", "http3:datagram_parsed", MEMBERS(http3_datagram)},
    /* No draft has a schema for WebTransport yet. */
    {"webtransport", "session_state_updated", "webtransport:session_state_updated", MEMBERS(session_state_updated)},
};

const qlog_row *leat_qlog_find_row(const char *category, const char *name) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) == 0 && strcmp(rows[i].category, category) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}
