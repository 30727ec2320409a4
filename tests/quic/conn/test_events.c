/* Events: golden sequences, names, the accessors for bindings, text, and the trace. */
#include "../pair.h"

/* ---- golden sequences ------------------------------------------------------------------------ */

static void open_streams_at_once(void *user, pair *p, pair_side side, const leat_event *event) {
    (void)user;
    if (side == PAIR_CLIENT && event->type == LEAT_EVENT_HANDSHAKE_COMPLETED) {
        uint64_t id = 0;
        leat_conn_open_stream(pair_conn(p, side), true, &id);
        leat_conn_send_stream_data(pair_conn(p, side), id, (const uint8_t *)"x", 1, false);
    }
}

/* As with aioquic: the protocol, the handshake, the client's streams, then the connection IDs. */
START_TEST(a_server_with_a_client_that_talks_at_once) {
    pair *p = pair_new();
    p->on_event = open_streams_at_once;
    pair_handshake(p);
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER),
                     "ProtocolNegotiated HandshakeCompleted HandshakeConfirmed StreamOpened StreamDataReceived "
                     "ConnectionIdIssued ConnectionIdIssued ConnectionIdIssued");
    pair_free(p);
}
END_TEST

START_TEST(a_client_that_says_nothing) {
    pair *p = pair_new();
    pair_handshake(p);
    ck_assert_str_eq(pair_take_events(p, PAIR_CLIENT),
                     "ProtocolNegotiated HandshakeCompleted ConnectionIdIssued ConnectionIdIssued ConnectionIdIssued "
                     "HandshakeConfirmed");
    pair_free(p);
}
END_TEST

START_TEST(a_connection_that_nobody_uses_ends_by_its_idle_timeout) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_SERVER);
    pair_run_for(p, 60 * LEAT_SECOND);
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "ConnectionTerminated");
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_IDLE_TIMEOUT, LEAT_NO_ERROR);
    pair_free(p);
}
END_TEST

START_TEST(a_bidirectional_exchange) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_CLIENT);
    pair_take_events(p, PAIR_SERVER);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, false, "question", true);
    pair_settle(p);
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamOpened StreamDataReceived");
    pair_send_all(p, PAIR_SERVER, id, (const uint8_t *)"answer", 6, true);
    pair_settle(p);
    ck_assert_str_eq(pair_take_events(p, PAIR_CLIENT), "StreamDelivered StreamDataReceived");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamDelivered");
    pair_free(p);
}
END_TEST

START_TEST(a_unidirectional_exchange) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_CLIENT);
    pair_take_events(p, PAIR_SERVER);
    pair_send_text(p, PAIR_CLIENT, true, "question", true);
    pair_settle(p);
    pair_send_text(p, PAIR_SERVER, true, "answer", true);
    pair_settle(p);
    ck_assert_str_eq(pair_take_events(p, PAIR_CLIENT),
                     "StreamDelivered StreamOpened StreamDataReceived");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER),
                     "StreamOpened StreamDataReceived StreamDelivered");
    pair_free(p);
}
END_TEST

START_TEST(a_datagram_exchange) {
    pair *p = pair_new();
    const leat_span part = {(const uint8_t *)"x", 1};
    pair_handshake(p);
    pair_take_events(p, PAIR_CLIENT);
    pair_take_events(p, PAIR_SERVER);
    leat_conn_send_datagram_frame(pair_conn(p, PAIR_CLIENT), &part, 1, 0);
    pair_settle(p);
    leat_conn_send_datagram_frame(pair_conn(p, PAIR_SERVER), &part, 1, 9);
    pair_settle(p);
    ck_assert_str_eq(pair_take_events(p, PAIR_CLIENT), "DatagramFrameReceived");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "DatagramFrameReceived DatagramFrameFate");
    pair_free(p);
}
END_TEST

/* ---- as data --------------------------------------------------------------------------------- */

static const leat_event data_event = {
    .type = LEAT_EVENT_STREAM_DATA_RECEIVED,
    .stream_data_received = {.stream_id = 4, .data = {(const uint8_t *)"hello", 5},
                             .end_stream = true},
};

START_TEST(an_event_is_text) {
    char text[200];
    ck_assert_str_eq(leat_event_format(&data_event, text, sizeof text),
                     "StreamDataReceived stream_id=4 data=\"hello\" end_stream=yes");
    ck_assert_str_eq(leat_event_format(&data_event, text, 11), "StreamData");
    ck_assert_str_eq(leat_event_format(&data_event, text, 1), "");
    const leat_event end = {.type = LEAT_EVENT_CONNECTION_TERMINATED,
                            .connection_terminated = {.error_code = 7,
                                                      .frame_type = LEAT_FRAME_TYPE_NONE,
                                                          .reason_phrase = "a\nb",
                                                      .reason_length = 3,
                                                          .source = LEAT_SOURCE_PEER_APPLICATION}};
    leat_event_format(&end, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "source=peer_application"));
    ck_assert_ptr_null(strchr(text, '\n'));
}
END_TEST

START_TEST(an_event_has_fields) {
    uint64_t value = 0;
    leat_span bytes;
    ck_assert(leat_event_get_integer(&data_event, "stream_id", &value));
    ck_assert_uint_eq(value, 4);
    ck_assert(leat_event_get_integer(&data_event, "end_stream", &value));
    ck_assert_uint_eq(value, 1);
    ck_assert(leat_event_get_bytes(&data_event, "data", &bytes));
    ck_assert_uint_eq(bytes.length, 5);
    ck_assert(!leat_event_get_integer(&data_event, "data", &value));
    ck_assert(!leat_event_get_bytes(&data_event, "stream_id", &bytes));
    ck_assert(!leat_event_get_integer(&data_event, "error_code", &value));
}
END_TEST

START_TEST(every_event_has_a_name_and_can_be_printed) {
    char text[600];
    for (leat_event_type type = 0; type < LEAT_EVENT_TYPE_COUNT; type++) {
        const leat_event event = {.type = type};
        ck_assert_ptr_nonnull(leat_event_name(type));
        ck_assert_uint_ge(strlen(leat_event_format(&event, text, sizeof text)),
                          strlen(leat_event_name(type)));
    }
    ck_assert_str_eq(leat_event_name(LEAT_EVENT_TYPE_COUNT), "None");
}
END_TEST

START_TEST(errors_have_names) {
    ck_assert_str_eq(leat_transport_error_name(LEAT_FLOW_CONTROL_ERROR), "FLOW_CONTROL_ERROR");
    ck_assert_str_eq(leat_transport_error_name(0x178), "CRYPTO_ERROR no_application_protocol");
    ck_assert_str_eq(leat_transport_error_name(0x1ff), "CRYPTO_ERROR");
    ck_assert_str_eq(leat_transport_error_name(0x200), "unknown");
    ck_assert_str_eq(leat_close_source_name(LEAT_SOURCE_PEER_APPLICATION), "peer_application");
    ck_assert_str_eq(leat_close_source_name((leat_close_source)99), "unknown");
}
END_TEST

/* ---- the trace ------------------------------------------------------------------------------- */

typedef struct trace_log {
    char names[65536];
    unsigned packets_sent, packets_received, frames, drops, other;
    bool has_connection;
} trace_log;

static void on_record(void *user, const leat_trace_record *record) {
    trace_log *log = user;
    log->has_connection |= record->connection.length > 0;
    log->packets_sent += strcmp(record->name, "packet_sent") == 0;
    log->packets_received += strcmp(record->name, "packet_received") == 0;
    log->frames += strncmp(record->name, "frame_", 6) == 0;
    log->drops += strcmp(record->name, "packet_dropped") == 0;
    size_t used = strlen(log->names);
    snprintf(log->names + used, sizeof log->names - used, "%s:%s ", record->category, record->name);
    for (size_t i = 0; i < record->field_count; i++) {
        ck_assert_ptr_nonnull(record->fields[i].name);
    }
}

START_TEST(the_trace_tells_packets_frames_drops_and_states) {
    pair *p = pair_new();
    trace_log log = {.packets_sent = 0};
    const leat_trace_sink sink = {on_record, &log};
    leat_stats stats;
    p->ends[PAIR_CLIENT].config.trace = &sink;
    pair_handshake(p);
    uint8_t junk[40] = {0x41};
    pair_deliver(p, PAIR_CLIENT, junk, sizeof junk);
    pair_send_text(p, PAIR_CLIENT, true, "x", true);
    pair_settle(p);
    leat_conn_get_stats(pair_conn(p, PAIR_CLIENT), &stats);
    ck_assert(leat_conn_is_traced(pair_conn(p, PAIR_CLIENT)));
    ck_assert(!leat_conn_is_traced(pair_conn(p, PAIR_SERVER)));
    ck_assert(log.has_connection);
    ck_assert_uint_eq(log.packets_sent, stats.packets_sent);
    ck_assert_uint_eq(log.packets_received, stats.packets_received);
    ck_assert_uint_gt(log.frames, log.packets_sent);
    ck_assert_uint_ge(log.drops, 1);
    ck_assert_ptr_nonnull(strstr(log.names, "quic:parameters_set"));
    ck_assert_ptr_nonnull(strstr(log.names, "quic:connection_state_updated"));
    ck_assert_ptr_nonnull(strstr(log.names, "recovery:metrics_updated"));
    ck_assert_ptr_nonnull(strstr(log.names, "tls:key_updated"));
    /* Frames stand right before their packet. */
    ck_assert_ptr_nonnull(strstr(log.names, "quic:frame_created quic:packet_sent"));
    ck_assert_ptr_nonnull(strstr(log.names, "quic:frame_parsed quic:packet_received"));
    leat_conn_close(pair_conn(p, PAIR_CLIENT), 0, "done");
    ck_assert_ptr_nonnull(strstr(log.names, "quic:connection_closed"));
    pair_free(p);
}
END_TEST

static char key_log[8192];
static void on_key_log(void *user, const char *line) {
    (void)user;
    strncat(key_log, line, sizeof key_log - strlen(key_log) - 1);
    strncat(key_log, "\n", sizeof key_log - strlen(key_log) - 1);
}

START_TEST(secrets_can_be_logged) {
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.key_log = on_key_log;
    pair_handshake(p);
    ck_assert_ptr_nonnull(strstr(key_log, "CLIENT_HANDSHAKE_TRAFFIC_SECRET "));
    ck_assert_ptr_nonnull(strstr(key_log, "SERVER_TRAFFIC_SECRET_0 "));
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/events", a_server_with_a_client_that_talks_at_once,
               a_client_that_says_nothing,
               a_connection_that_nobody_uses_ends_by_its_idle_timeout, a_bidirectional_exchange,
                   a_unidirectional_exchange,
               a_datagram_exchange, an_event_is_text, an_event_has_fields,
                   every_event_has_a_name_and_can_be_printed,
               errors_have_names, the_trace_tells_packets_frames_drops_and_states,
                   secrets_can_be_logged)
