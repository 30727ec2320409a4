/* HTTP/3 over two real connections and a simulated link: what a fake connection cannot show. */
#include "base/text.h"
#include "h3/connection.h"
#include "quic/pair.h"
#include <stdarg.h>

#define LOG_MAX 8192
#define BODY_LENGTH 300000

typedef struct talk_party {
    leat_h3 *h3;
    char log[LOG_MAX];
    size_t received;      /* bytes of DATA */
    size_t sent, to_send; /* of a body of BODY_LENGTH */
    uint64_t sending_on;
    bool echoes_slowly, is_held;
} talk_party;

typedef struct talk {
    pair *p;
    talk_party parties[2];
} talk;

static const uint8_t body[BODY_LENGTH];

static void note(talk_party *party, const char *format, ...) {
    va_list arguments;
    size_t length = strlen(party->log);
    va_start(arguments, format);
    vsnprintf(party->log + length, LOG_MAX - length, format, arguments);
    va_end(arguments);
}

static void send_on(talk_party *party) {
    while (party->sent < party->to_send) {
        ptrdiff_t taken = leat_h3_send_data(
            party->h3, party->sending_on, body + party->sent, party->to_send - party->sent, true);
        ck_assert_int_ge(taken, 0);
        if (taken == 0) {
            return;
        }
        party->sent += (size_t)taken;
    }
}

static void answer(talk_party *party, uint64_t id, size_t length) {
    leat_h3_header status = LEAT_H3_HEADER(":status", "200");
    ck_assert_int_eq(leat_h3_send_headers(party->h3, id, &status, 1, false), 0);
    party->sending_on = id;
    party->sent = 0;
    party->to_send = length;
    send_on(party);
}

static void on_headers(talk_party *party, const leat_h3_event *event, pair_side side) {
    leat_span status = leat_h3_find_header(
        event->headers_received.headers, event->headers_received.count, ":status");
    leat_span method = leat_h3_find_header(
        event->headers_received.headers, event->headers_received.count, ":method");
    note(party, "HEADERS%s%.*s ", side == PAIR_CLIENT ? " " : "", (int)status.length,
        (const char *)status.data);
    if (leat_span_is(method, "CONNECT")) {
        leat_h3_header ok = LEAT_H3_HEADER(":status", "200");
        ck_assert_int_eq(leat_h3_send_headers(party->h3, event->stream_id, &ok, 1, false), 0);
    } else if (leat_span_is(method, "GET")) {
        answer(party, event->stream_id, BODY_LENGTH);
    }
}

static void on_data(talk_party *party, const leat_h3_event *event, pair_side side) {
    size_t length = event->data_received.data.length;
    if (party->echoes_slowly && length > 1000) {
        length /= 2;
        ck_assert_int_eq(leat_h3_hold_stream(party->h3, event->stream_id,
                             event->data_received.data.length - length),
            0);
        party->is_held = true;
    }
    party->received += length;
    if (event->data_received.stream_ended && length == event->data_received.data.length) {
        note(party, "END ");
        if (side == PAIR_SERVER) {
            answer(party, event->stream_id, 10);
        }
    }
}

static void on_h3_event(talk_party *party, const leat_h3_event *event, pair_side side) {
    switch (event->type) {
    case LEAT_H3_EVENT_HEADERS_RECEIVED: on_headers(party, event, side); break;
    case LEAT_H3_EVENT_DATA_RECEIVED: on_data(party, event, side); break;
    case LEAT_H3_EVENT_STREAM_WRITABLE: send_on(party); break;
    case LEAT_H3_EVENT_STREAM_RESET:
        note(party, "RESET %s ", leat_h3_error_name(event->stream_reset.error_code));
        break;
    case LEAT_H3_EVENT_STOP_SENDING_RECEIVED:
        note(party, "STOP %s ", leat_h3_error_name(event->stop_sending_received.error_code));
        break;
    case LEAT_H3_EVENT_WEBTRANSPORT_STREAM_DATA_RECEIVED:
        note(party, "WT %.*s%s ", (int)event->webtransport_stream_data_received.data.length,
             (const char *)event->webtransport_stream_data_received.data.data,
             event->webtransport_stream_data_received.stream_ended ? "." : "");
        break;
    case LEAT_H3_EVENT_DATAGRAM_RECEIVED: note(party, "DATAGRAM "); break;
    default: note(party, "%s ", leat_h3_event_name(event->type)); break;
    }
}

static void on_event(void *user, pair *p, pair_side side, const leat_event *event) {
    talk *t = user;
    talk_party *party = &t->parties[side];
    leat_h3_event h3_event;
    if (event->type == LEAT_EVENT_PROTOCOL_NEGOTIATED) {
        leat_h3_config config;
        leat_h3_config_init(&config);
        config.allocator = &p->memory.allocator;
        config.enable_webtransport = true;
        config.qpack_encoder_capacity = 4096;
        party->h3 = leat_h3_new(pair_conn(p, side), &config, NULL);
        ck_assert_ptr_nonnull(party->h3);
    }
    if (party->h3 != NULL) {
        leat_h3_handle_event(party->h3, event);
        while (leat_h3_next_event(party->h3, &h3_event)) {
            on_h3_event(party, &h3_event, side);
        }
    }
}

static talk *begin(unsigned loss) {
    static const char *const alpn[] = {"h3"};
    talk *t = calloc(1, sizeof *t);
    t->p = pair_new();
    for (int side = 0; side < 2; side++) {
        t->p->ends[side].config.alpn = alpn;
        t->p->ends[side].config.alpn_count = 1;
    }
    t->p->link.loss = loss;
    t->p->on_event = on_event;
    t->p->on_event_user = t;
    pair_handshake(t->p);
    pair_settle(t->p);
    ck_assert_str_eq(t->parties[PAIR_CLIENT].log, "SettingsReceived ");
    ck_assert_str_eq(t->parties[PAIR_SERVER].log, "SettingsReceived ");
    t->parties[0].log[0] = t->parties[1].log[0] = '\0';
    return t;
}

static void end(talk *t) {
    leat_h3_free(t->parties[0].h3);
    leat_h3_free(t->parties[1].h3);
    pair_free(t->p);
    free(t);
}

static uint64_t ask(talk *t, const char *method, const char *extra, bool end_stream) {
    leat_h3_header request[] = {leat_h3_header_of(":method", method),
        LEAT_H3_HEADER(":scheme", "https"), LEAT_H3_HEADER(":authority", "localhost"),
        LEAT_H3_HEADER(":path", "/"), leat_h3_header_of("x-extra", extra)};
    uint64_t id;
    ck_assert_int_eq(leat_h3_open_request(t->parties[PAIR_CLIENT].h3, &id), 0);
    ck_assert_int_eq(
        leat_h3_send_headers(t->parties[PAIR_CLIENT].h3, id, request, 5, end_stream), 0);
    return id;
}

START_TEST(a_large_response_arrives) {
    talk *t = begin(0);
    ask(t, "GET", "a", true);
    pair_settle(t->p);
    ck_assert_uint_eq(t->parties[PAIR_CLIENT].received, BODY_LENGTH);
    ck_assert_str_eq(t->parties[PAIR_CLIENT].log, "HEADERS 200 END ");
    ck_assert_uint_eq(leat_h3_open_requests(t->parties[PAIR_CLIENT].h3), 0);
    ck_assert_uint_eq(leat_h3_open_requests(t->parties[PAIR_SERVER].h3), 0);
    end(t);
}
END_TEST

static void drain(talk *t, pair_side side) {
    leat_event event;
    while (leat_conn_next_event(pair_conn(t->p, side), &event)) {
        on_event(t, t->p, side, &event);
    }
}

START_TEST(a_slow_reader_gets_every_byte_once) {
    talk *t = begin(0);
    talk_party *server = &t->parties[PAIR_SERVER], *client = &t->parties[PAIR_CLIENT];
    server->echoes_slowly = true;
    t->p->ends[PAIR_SERVER].keeps_events =
        true; /* the pair counts stream bytes and would see them twice */
    client->sending_on = ask(t, "POST", "a", false);
    client->to_send = BODY_LENGTH;
    send_on(client);
    for (int i = 0; i < 2000 && strstr(client->log, "END") == NULL; i++) {
        pair_settle(t->p);
        drain(t, PAIR_SERVER);
        if (server->is_held) {
            server->is_held = false;
            ck_assert_int_eq(leat_h3_release_stream(server->h3, client->sending_on), 0);
            drain(t, PAIR_SERVER);
        }
        pair_flush(t->p, PAIR_SERVER);
    }
    ck_assert_uint_eq(server->received, BODY_LENGTH);
    ck_assert_str_eq(server->log, "HEADERS END ");
    ck_assert_str_eq(client->log, "HEADERS 200 END ");
    end(t);
}
END_TEST

/* Dynamic table entries get lost and come late: sections block and go on. */
START_TEST(requests_survive_loss_with_a_dynamic_table) {
    talk *t = begin(15);
    for (int i = 0; i < 30; i++) {
        char extra[32];
        snprintf(extra, sizeof extra, "value %d of 3", i % 3);
        ask(t, "DELETE", extra, true);
        pair_run_for(t->p, 20 * LEAT_MILLISECOND);
    }
    pair_run_for(t->p, 20 * LEAT_SECOND);
    const char *log = t->parties[PAIR_SERVER].log;
    size_t count = 0;
    for (const char *at = log; (at = strstr(at, "HEADERS")) != NULL; at++) {
        count++;
    }
    ck_assert_uint_eq(count, 30);
    end(t);
}
END_TEST

static uint64_t connect_session(talk *t, const char *path) {
    leat_h3_header request[] = {LEAT_H3_HEADER(":method", "CONNECT"),
        LEAT_H3_HEADER(":protocol", "webtransport"), LEAT_H3_HEADER(":scheme", "https"),
        LEAT_H3_HEADER(":authority", "localhost"), leat_h3_header_of(":path", path)};
    uint64_t id;
    ck_assert_int_eq(leat_h3_open_request(t->parties[PAIR_CLIENT].h3, &id), 0);
    ck_assert_int_eq(leat_h3_send_headers(t->parties[PAIR_CLIENT].h3, id, request, 5, false), 0);
    pair_settle(t->p);
    return id;
}

START_TEST(streams_and_datagrams_of_a_session) {
    talk *t = begin(0);
    uint64_t session = connect_session(t, "/"), stream;
    leat_h3_create_webtransport_stream(t->parties[PAIR_CLIENT].h3, session, false, &stream);
    leat_conn_send_stream_data(
        pair_conn(t->p, PAIR_CLIENT), stream, (const uint8_t *)"ping", 4, true);
    ck_assert_int_eq(
        leat_h3_send_datagram(t->parties[PAIR_CLIENT].h3, session, (leat_span){body, 5}, 1), 0);
    pair_settle(t->p);
    leat_conn_send_stream_data(
        pair_conn(t->p, PAIR_SERVER), stream, (const uint8_t *)"pong", 4, true);
    leat_h3_create_webtransport_stream(t->parties[PAIR_SERVER].h3, session, true, &stream);
    leat_conn_send_stream_data(
        pair_conn(t->p, PAIR_SERVER), stream, (const uint8_t *)"uni", 3, true);
    pair_settle(t->p);
    ck_assert_ptr_nonnull(strstr(t->parties[PAIR_SERVER].log, "WT ping. "));
    ck_assert_ptr_nonnull(strstr(t->parties[PAIR_SERVER].log, "DATAGRAM "));
    ck_assert_ptr_nonnull(strstr(t->parties[PAIR_CLIENT].log, "WT pong. "));
    ck_assert_ptr_nonnull(strstr(t->parties[PAIR_CLIENT].log, "WT uni. "));
    end(t);
}
END_TEST

/* The validation of our own client is no obstacle to a peer's: the bytes are written by hand. */
START_TEST(the_400_arrives_before_the_reset) {
    talk *t = begin(0);
    uint64_t stream;
    talk_party *client = &t->parties[PAIR_CLIENT];
    ck_assert_int_eq(leat_h3_open_request(client->h3, &stream), 0);
    static const uint8_t section[] = {0x01, 0x1c, 0x00, 0x00, 0xcf, 0x27, 0x02, ':', 'p', 'r', 'o',
        't', 'o', 'c', 'o', 'l', 0x0c, 'w', 'e', 'b', 't', 'r', 'a', 'n', 's', 'p', 'o', 'r', 't',
        0xd7};
    leat_conn_send_stream_data(
        pair_conn(t->p, PAIR_CLIENT), stream, section, sizeof section, false);
    pair_settle(t->p);
    ck_assert_str_eq(t->parties[PAIR_SERVER].log, "RequestRefusedMalformed ");
    ck_assert_str_eq(client->log, "STOP H3_MESSAGE_ERROR HEADERS 400 RESET H3_MESSAGE_ERROR ");
    ck_assert_uint_eq(leat_h3_open_requests(t->parties[PAIR_SERVER].h3), 0);
    end(t);
}
END_TEST

START_TEST(a_fault_is_a_protocol_error_with_its_code) {
    talk *t = begin(0);
    uint64_t stream;
    ck_assert_int_eq(leat_h3_open_request(t->parties[PAIR_CLIENT].h3, &stream), 0);
    leat_conn_send_stream_data(
        pair_conn(t->p, PAIR_CLIENT), stream, (const uint8_t *)"\x00\x00", 2, false);
    pair_run_for(t->p, LEAT_SECOND);
    pair_assert_terminated(t->p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_H3_FRAME_UNEXPECTED);
    pair_assert_terminated(
        t->p, PAIR_CLIENT, LEAT_SOURCE_PEER_APPLICATION, LEAT_H3_FRAME_UNEXPECTED);
    end(t);
}
END_TEST

LEAT_TEST_MAIN("h3 over quic", a_large_response_arrives, a_slow_reader_gets_every_byte_once,
    requests_survive_loss_with_a_dynamic_table, streams_and_datagrams_of_a_session,
    the_400_arrives_before_the_reset, a_fault_is_a_protocol_error_with_its_code)
