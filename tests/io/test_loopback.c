/*
 * The whole house over real sockets: a WebTransport echo server in its thread, and clients that are
 * stepped here. What is tested is io: everything below it has its own tests without sockets.
 */
#include "leat_test.h"

#include <leat/io.h>

#include <stdatomic.h>
#include <unistd.h>

#define PATIENCE (10 * LEAT_SECOND)

static char message[LEAT_MESSAGE_MAX];

/* ---- the server ---- */

static leat_server *server;
static leat_identity *identity;
static leat_config server_quic;
static leat_endpoint_config server_endpoint;
static leat_server_config server_config;
static leat_address listen_address;
static atomic_bool is_hanging; /* on_wt_event waits while this is set */
static atomic_int hung;        /* how often it did */
static atomic_int closed_sessions, closed_conns, connected_conns;
static atomic_uint last_close_code;

static void on_server_wt_event(void *user, leat_conn *conn, leat_wt *wt,
                               const leat_wt_event *event) {
    (void)user;
    (void)conn;
    while (atomic_load(&is_hanging)) {
        atomic_fetch_add(&hung, 1);
        usleep(1000);
    }
    switch (event->type) {
    case LEAT_WT_EVENT_SESSION_REQUESTED:
        leat_wt_accept(wt, event->session_id, NULL, 0);
        break;
    case LEAT_WT_EVENT_STREAM_DATA_RECEIVED:
        leat_wt_send_stream_data(wt, event->stream_id, event->stream_data_received.data.data,
                                 event->stream_data_received.data.length,
                                 event->stream_data_received.end_stream);
        break;
    case LEAT_WT_EVENT_DATAGRAM_RECEIVED:
        leat_wt_send_datagram(wt, event->session_id, event->datagram_received.data, 0);
        break;
    case LEAT_WT_EVENT_SESSION_CLOSED:
        atomic_store(&last_close_code, event->session_closed.code);
        atomic_fetch_add(&closed_sessions, 1);
        break;
    default:
        break;
    }
}

static void on_server_connected(void *user, leat_conn *conn) {
    (void)user;
    (void)conn;
    atomic_fetch_add(&connected_conns, 1);
}

static void on_server_closed(void *user, leat_conn *conn) {
    (void)user;
    (void)conn;
    atomic_fetch_add(&closed_conns, 1);
}

static void prepare_server(void) {
    static const char *const names[] = {"localhost"};
    static const uint8_t reset_key[32] = {42};
    static leat_identity *identities[1];
    if (identity == NULL) {
        identity = leat_identity_self_signed(names, 1, 0, INT64_C(4000000000), message);
        ck_assert_msg(identity != NULL, "%s", message);
    }
    identities[0] = identity;
    leat_config_init(&server_quic, false);
    server_quic.identities = identities;
    server_quic.identity_count = 1;
    leat_endpoint_config_init(&server_endpoint);
    server_endpoint.reset_key = reset_key;
    listen_address = (leat_address){.family = LEAT_ADDRESS_IPV4, .ip = {127, 0, 0, 1}};
    leat_server_config_init(&server_config);
    server_config.quic = &server_quic;
    server_config.endpoint = &server_endpoint;
    server_config.listen = &listen_address;
    server_config.listen_count = 1;
    server_config.drain = 100 * LEAT_MILLISECOND;
    server_config.handler.on_wt_event = on_server_wt_event;
    server_config.handler.on_connected = on_server_connected;
    server_config.handler.on_closed = on_server_closed;
    atomic_store(&closed_sessions, 0);
    atomic_store(&closed_conns, 0);
    atomic_store(&connected_conns, 0);
    atomic_store(&hung, 0);
}

static void start_server(void) {
    server = leat_server_new(&server_config, message);
    ck_assert_msg(server != NULL, "%s", message);
    ck_assert_int_eq(leat_server_status(server), LEAT_SERVER_WAITING);
    ck_assert_int_eq(leat_server_start(server), LEAT_OK);
    ck_assert_int_eq(leat_server_status(server), LEAT_SERVER_RUNNING);
}

static void end_server(void) {
    message[0] = '\0';
    int error = leat_server_stop(server, PATIENCE, message);
    ck_assert_msg(error == LEAT_OK, "%s", message);
    ck_assert_int_eq(leat_server_status(server), LEAT_SERVER_STOPPED);
    ck_assert_int_eq(atomic_load(&closed_conns), atomic_load(&connected_conns));
    leat_server_free(server);
}

/* ---- a client ---- */

typedef struct test_client {
    leat_client *client;
    leat_config quic;
    leat_trust *trust;
    uint64_t session_id, stream_id;
    bool is_ready, stream_ended, is_draining, is_closed, is_terminated;
    char stream[64], datagram[64], reason[64];
    size_t stream_length, attempts, ended;
    leat_wt_cause cause;
    leat_close_source source;
    uint64_t error_code;
} test_client;

static void on_client_connected(void *user, leat_conn *conn) {
    test_client *it = user;
    (void)conn;
    it->attempts++;
}

static void on_client_closed(void *user, leat_conn *conn) {
    test_client *it = user;
    (void)conn;
    it->ended++;
}

static void on_client_event(void *user, leat_conn *conn, const leat_event *event) {
    test_client *it = user;
    (void)conn;
    if (event->type == LEAT_EVENT_HANDSHAKE_COMPLETED) {
        ck_assert_int_eq(leat_wt_connect(leat_client_wt(it->client), "localhost", "/echo", NULL,
                                         NULL, 0, &it->session_id),
                         LEAT_OK);
    } else if (event->type == LEAT_EVENT_CONNECTION_TERMINATED) {
        it->is_terminated = true;
        it->source = event->connection_terminated.source;
        it->error_code = event->connection_terminated.error_code;
    }
}

static void on_client_wt_event(void *user, leat_conn *conn, leat_wt *wt,
                               const leat_wt_event *event) {
    test_client *it = user;
    (void)conn;
    (void)wt;
    if (event->type == LEAT_WT_EVENT_SESSION_READY) {
        it->is_ready = true;
    } else if (event->type == LEAT_WT_EVENT_STREAM_DATA_RECEIVED) {
        leat_span data = event->stream_data_received.data;
        ck_assert_uint_lt(it->stream_length + data.length, sizeof it->stream);
        if (data.length > 0) {
            memcpy(it->stream + it->stream_length, data.data, data.length);
        }
        it->stream_length += data.length;
        it->stream_ended = it->stream_ended || event->stream_data_received.end_stream;
    } else if (event->type == LEAT_WT_EVENT_DATAGRAM_RECEIVED) {
        memcpy(it->datagram, event->datagram_received.data.data,
               event->datagram_received.data.length);
    } else if (event->type == LEAT_WT_EVENT_SESSION_DRAINING) {
        it->is_draining = true;
    } else if (event->type == LEAT_WT_EVENT_SESSION_CLOSED) {
        ck_assert(!it->is_terminated && !it->is_closed); /* once, and before the connection's end */
        it->is_closed = true;
        it->cause = event->session_closed.cause;
        snprintf(it->reason, sizeof it->reason, "%s", event->session_closed.reason);
    }
}

static void start_client(test_client *it, const char *host) {
    leat_client_config config;
    memset(it, 0, sizeof *it);
    it->trust = leat_trust_insecure_accept_anything();
    leat_config_init(&it->quic, true);
    it->quic.trust = it->trust;
    leat_client_config_init(&config);
    config.quic = &it->quic;
    config.user = it;
    config.plain_io = server_config.plain_io;
    config.handler.on_connected = on_client_connected;
    config.handler.on_event = on_client_event;
    config.handler.on_wt_event = on_client_wt_event;
    config.handler.on_closed = on_client_closed;
    it->client = leat_client_new(&config, host, leat_server_address(server, 0)->port, message);
    ck_assert_msg(it->client != NULL, "%s", message);
}

/* Steps until the flag is set, the connection is gone, or patience is. */
static bool step_until(test_client *it, const bool *flag, leat_time patience) {
    leat_time end = leat_clock_now() + patience;
    while (!*flag && leat_clock_now() < end) {
        if (!leat_client_step(it->client, 20 * LEAT_MILLISECOND)) {
            break;
        }
    }
    return *flag;
}

static void open_session(test_client *it, const char *host) {
    start_client(it, host);
    ck_assert_msg(step_until(it, &it->is_ready, PATIENCE),
                  "no session; terminated %d source %s code %llx", it->is_terminated,
                  leat_close_source_name(it->source), (unsigned long long)it->error_code);
}

static void end_client(test_client *it) {
    leat_client_free(it->client);
    leat_trust_free(it->trust);
    ck_assert_uint_eq(it->ended, it->attempts);
}

/* ---- exchanges ---- */

static void exchange(void) {
    test_client it;
    open_session(&it, "127.0.0.1");
    leat_wt *wt = leat_client_wt(it.client);
    ck_assert_int_eq(leat_wt_open_stream(wt, it.session_id, false, &it.stream_id), LEAT_OK);
    ck_assert_int_eq(
        leat_wt_send_stream_data(wt, it.stream_id, (const uint8_t *)"hello stream", 12, true), 12);
    leat_span datagram = {(const uint8_t *)"hello datagram", 14};
    ck_assert_int_eq(leat_wt_send_datagram(wt, it.session_id, datagram, 0), LEAT_OK);
    ck_assert(step_until(&it, &it.stream_ended, PATIENCE));
    for (int i = 0; i < 100 && it.datagram[0] == '\0'; i++) {
        leat_client_step(it.client, 10 * LEAT_MILLISECOND);
    }
    ck_assert_str_eq(it.stream, "hello stream");
    ck_assert_str_eq(it.datagram, "hello datagram");
    ck_assert_int_eq(leat_wt_close(wt, it.session_id, 7, "bye", 3), LEAT_OK);
    ck_assert(step_until(&it, &it.is_closed, PATIENCE));
    for (int i = 0; i < 500 && atomic_load(&closed_sessions) == 0; i++) {
        leat_client_step(it.client, 10 * LEAT_MILLISECOND);
    }
    ck_assert_int_eq(atomic_load(&closed_sessions), 1);
    ck_assert_uint_eq(atomic_load(&last_close_code), 7);
    end_client(&it);
}

START_TEST(a_stream_and_a_datagram_come_back) {
    prepare_server();
    start_server();
    exchange();
    end_server();
}
END_TEST

START_TEST(plain_posix_calls_do_the_same) {
    prepare_server();
    server_config.plain_io = true;
    start_server();
    exchange();
    end_server();
}
END_TEST

START_TEST(several_clients_at_once) {
    enum { CLIENTS = 20 };
    static test_client them[CLIENTS];
    prepare_server();
    start_server();
    for (size_t i = 0; i < CLIENTS; i++) {
        start_client(&them[i], "127.0.0.1");
    }
    for (size_t round = 0; round < 400; round++) {
        for (size_t i = 0; i < CLIENTS; i++) {
            leat_client_step(them[i].client, LEAT_MILLISECOND);
        }
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        ck_assert(them[i].is_ready);
        end_client(&them[i]);
    }
    end_server();
    ck_assert_int_eq(atomic_load(&closed_sessions), CLIENTS);
}
END_TEST

START_TEST(the_next_address_is_tried_when_nobody_listens_at_the_first) {
    leat_address found[4];
    prepare_server();
    start_server();
    test_client it;
    open_session(&it, "localhost");
    /* As many attempts as there are addresses up to the IPv4 one. */
    int count = leat_address_resolve("localhost:1", found, 4, message);
    ck_assert_int_ge(count, 1);
    ck_assert_uint_eq(it.attempts, found[0].family == LEAT_ADDRESS_IPV6 ? 2 : 1);
    ck_assert(!it.is_terminated);
    end_client(&it);
    end_server();
}
END_TEST

/* ---- the end ---- */

START_TEST(a_stop_closes_sessions_with_the_reason_and_then_connections) {
    prepare_server();
    start_server();
    test_client it;
    open_session(&it, "127.0.0.1");
    leat_server_request_stop(server);
    ck_assert(step_until(&it, &it.is_closed, PATIENCE));
    ck_assert(it.is_draining);
    ck_assert_int_eq(it.cause, LEAT_WT_CAUSE_CAPSULE);
    ck_assert_str_eq(it.reason, "server shutdown");
    ck_assert(step_until(&it, &it.is_terminated, PATIENCE));
    ck_assert_int_eq(it.source, LEAT_SOURCE_PEER_APPLICATION);
    ck_assert_uint_eq(it.error_code, LEAT_H3_NO_ERROR);
    end_client(&it);
    end_server();
    ck_assert_int_eq(atomic_load(&closed_sessions), 1);
}
END_TEST

START_TEST(an_open_session_may_finish_within_the_drain_time) {
    prepare_server();
    server_config.drain = 60 * LEAT_SECOND;
    start_server();
    test_client it;
    open_session(&it, "127.0.0.1");
    leat_server_request_stop(server);
    ck_assert(step_until(&it, &it.is_draining, PATIENCE));
    ck_assert_int_eq(leat_server_stop(server, 50 * LEAT_MILLISECOND, message), LEAT_ERR_TIMEOUT);
    ck_assert_str_eq(message, "1 connections are still open (requests may finish)");
    leat_wt_close(leat_client_wt(it.client), it.session_id, 1, "done", 4);
    ck_assert(step_until(&it, &it.is_terminated, PATIENCE));
    end_client(&it);
    end_server();
    ck_assert_uint_eq(atomic_load(&last_close_code), 1);
}
END_TEST

START_TEST(an_abort_does_not_wait) {
    prepare_server();
    server_config.drain = 60 * LEAT_SECOND;
    start_server();
    test_client it;
    open_session(&it, "127.0.0.1");
    leat_server_request_stop(server);
    leat_server_request_abort(server);
    leat_time before = leat_clock_now();
    ck_assert_int_eq(leat_server_stop(server, PATIENCE, message), LEAT_OK);
    ck_assert_uint_lt(leat_clock_now() - before, 2 * LEAT_SECOND);
    ck_assert(step_until(&it, &it.is_terminated, PATIENCE));
    ck_assert_int_eq(it.source, LEAT_SOURCE_PEER_APPLICATION);
    end_client(&it);
    end_server();
}
END_TEST

START_TEST(a_handler_that_hangs_is_named) {
    prepare_server();
    start_server();
    test_client it;
    atomic_store(&is_hanging, true);
    start_client(&it, "127.0.0.1");
    for (int i = 0; i < 1000 && atomic_load(&hung) == 0; i++) {
        leat_client_step(it.client, 10 * LEAT_MILLISECOND);
    }
    ck_assert_int_gt(atomic_load(&hung), 0);
    ck_assert_int_eq(leat_server_stop(server, 50 * LEAT_MILLISECOND, message), LEAT_ERR_TIMEOUT);
    ck_assert_str_eq(message, "the handler on_wt_event does not return");
    ck_assert_int_eq(leat_server_status(server), LEAT_SERVER_RUNNING);
    atomic_store(&is_hanging, false);
    ck_assert(step_until(&it, &it.is_terminated, PATIENCE));
    end_client(&it);
    end_server();
}
END_TEST

START_TEST(a_stopped_server_can_be_started_again) {
    prepare_server();
    start_server();
    for (int run = 0; run < 3; run++) {
        test_client it;
        open_session(&it, "127.0.0.1");
        end_client(&it);
        ck_assert_int_eq(leat_server_start(server), LEAT_ERR_STATE);
        ck_assert_int_eq(leat_server_stop(server, PATIENCE, message), LEAT_OK);
        ck_assert_int_eq(leat_server_stop(server, PATIENCE, message), LEAT_OK);
        leat_server_request_stop(server); /* means nothing to a stopped one */
        ck_assert_int_eq(leat_server_start(server), LEAT_OK);
    }
    end_server();
}
END_TEST

START_TEST(a_stop_asked_for_before_the_run_ends_it_at_once) {
    prepare_server();
    server = leat_server_new(&server_config, message);
    ck_assert_ptr_nonnull(server);
    ck_assert_int_eq(leat_server_stop(server, 0, message), LEAT_OK);
    leat_server_request_stop(server);
    ck_assert_int_eq(leat_server_run(server), LEAT_OK);
    leat_server_free(server);
}
END_TEST

START_TEST(a_server_that_runs_is_ended_when_freed) {
    prepare_server();
    server_config.drain = 60 * LEAT_SECOND;
    start_server();
    test_client it;
    open_session(&it, "127.0.0.1");
    leat_server_free(server);
    ck_assert(step_until(&it, &it.is_terminated, PATIENCE));
    end_client(&it);
}
END_TEST

/* Chromium never closes a connection whose sessions are gone. */
START_TEST(a_connection_without_sessions_is_closed_after_a_second) {
    prepare_server();
    start_server();
    test_client it;
    open_session(&it, "127.0.0.1");
    leat_time before = leat_clock_now();
    leat_wt_close(leat_client_wt(it.client), it.session_id, 0, "", 0);
    ck_assert(step_until(&it, &it.is_terminated, PATIENCE));
    ck_assert_int_eq(it.source, LEAT_SOURCE_PEER_APPLICATION);
    ck_assert_uint_eq(it.error_code, LEAT_H3_NO_ERROR);
    ck_assert_uint_ge(leat_clock_now() - before, 900 * LEAT_MILLISECOND);
    ck_assert_uint_lt(leat_clock_now() - before, 4 * LEAT_SECOND);
    end_client(&it);
    end_server();
}
END_TEST

static atomic_int timers;
static void on_timer(void *user, leat_time now) {
    (void)user;
    (void)now;
    if (atomic_fetch_add(&timers, 1) == 0) {
        leat_server_set_timer(server, leat_clock_now() + LEAT_MILLISECOND);
    }
}

static int pipe_ends[2];
static atomic_int pipe_reads;
static void on_pipe(void *user, int fd) {
    char byte;
    (void)user;
    ck_assert_int_eq(read(fd, &byte, 1), 1);
    atomic_fetch_add(&pipe_reads, 1);
}

START_TEST(timers_and_other_descriptors_run_in_the_same_loop) {
    prepare_server();
    server_config.handler.on_timer = on_timer;
    server = leat_server_new(&server_config, message);
    ck_assert_ptr_nonnull(server);
    atomic_store(&timers, 0);
    atomic_store(&pipe_reads, 0);
    ck_assert_int_eq(pipe(pipe_ends), 0);
    ck_assert_int_eq(leat_server_watch_fd(server, pipe_ends[0], on_pipe, NULL), LEAT_OK);
    leat_server_set_timer(server, leat_clock_now() + 5 * LEAT_MILLISECOND);
    ck_assert_int_eq(write(pipe_ends[1], "x", 1), 1);
    ck_assert_int_eq(leat_server_start(server), LEAT_OK);
    for (int i = 0; i < 1000 && (atomic_load(&timers) < 2 || atomic_load(&pipe_reads) < 1); i++) {
        usleep(1000);
    }
    ck_assert_int_eq(atomic_load(&timers), 2);
    ck_assert_int_eq(atomic_load(&pipe_reads), 1);
    end_server();
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}
END_TEST

START_TEST(what_is_wrong_with_a_configuration_is_said) {
    prepare_server();
    server_quic.identity_count = 0;
    ck_assert_ptr_null(leat_server_new(&server_config, message));
    ck_assert_ptr_nonnull(strstr(message, "certificate"));
    prepare_server();
    server_config.listen_count = 0;
    ck_assert_ptr_null(leat_server_new(&server_config, message));
    ck_assert_ptr_nonnull(strstr(message, "listen"));
    prepare_server();
    start_server();
    listen_address = *leat_server_address(server, 0);
    ck_assert_ptr_null(leat_server_new(&server_config, message));
    ck_assert_ptr_nonnull(strstr(message, "in use"));
    end_server();
}
END_TEST

LEAT_TEST_MAIN("io loopback", a_stream_and_a_datagram_come_back, plain_posix_calls_do_the_same,
               several_clients_at_once, the_next_address_is_tried_when_nobody_listens_at_the_first,
               a_stop_closes_sessions_with_the_reason_and_then_connections,
               an_open_session_may_finish_within_the_drain_time, an_abort_does_not_wait,
               a_handler_that_hangs_is_named, a_stopped_server_can_be_started_again,
               a_stop_asked_for_before_the_run_ends_it_at_once,
               a_server_that_runs_is_ended_when_freed,
               a_connection_without_sessions_is_closed_after_a_second,
               timers_and_other_descriptors_run_in_the_same_loop,
               what_is_wrong_with_a_configuration_is_said)
