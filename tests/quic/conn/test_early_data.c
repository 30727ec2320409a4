/* RFC 9001 §4.6, RFC 9000 §7.4.1: early data that is accepted, and its packets. */
#include "../early_pair.h"

/* ---- accepted -------------------------------------------------------------------------------- */

START_TEST(early_data_arrives_with_the_first_flight) {
    ticket_keeper keeper;
    pair *p = early_pair_second(&keeper);
    pair_start(p);
    ck_assert(leat_conn_is_sending_early_data(pair_conn(p, PAIR_CLIENT)));
    ck_assert_str_eq(leat_conn_alpn(pair_conn(p, PAIR_CLIENT)), "test");
    ck_assert_str_eq(pair_take_events(p, PAIR_CLIENT), "ProtocolNegotiated");
    uint64_t id = pair_send_text(p, PAIR_CLIENT, false, "early", true);
    pair_run_for(p, 10 * LEAT_MILLISECOND); /* one way */
    assert_text(p, PAIR_SERVER, id, "early");
    ck_assert(!leat_conn_is_handshake_complete(pair_conn(p, PAIR_SERVER)));
    ck_assert(leat_conn_stream_is_early(pair_conn(p, PAIR_SERVER), id));
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER),
                     "ProtocolNegotiated StreamOpened StreamDataReceived");
    run_until_confirmed(p);
    ck_assert_str_eq(pair_take_events(p, PAIR_CLIENT),
                     "HandshakeCompleted ConnectionIdIssued ConnectionIdIssued ConnectionIdIssued "
                     "StreamDelivered SessionTicket HandshakeConfirmed");
    ck_assert(leat_conn_early_data_accepted(pair_conn(p, PAIR_CLIENT)));
    ck_assert(leat_conn_early_data_accepted(pair_conn(p, PAIR_SERVER)));
    ck_assert(!leat_conn_stream_is_early(pair_conn(p, PAIR_SERVER), id));
    early_pair_end(&keeper, p);
}
END_TEST

/* TEST RFC 9369 §5. */
START_TEST(a_ticket_of_another_version_is_not_used) {
    ticket_keeper keeper;
    pair *p = early_pair_second(&keeper);
    p->ends[PAIR_CLIENT].config.original_version = LEAT_VERSION_2;
    pair_start(p);
    ck_assert(!leat_conn_is_sending_early_data(pair_conn(p, PAIR_CLIENT)));
    run_until_confirmed(p);
    ck_assert(!leat_tls_is_resumed(pair_conn(p, PAIR_SERVER)->handshake.tls));
    early_pair_end(&keeper, p);
}
END_TEST

/* An answer before the handshake is complete: RFC 9001 §4.1, the server's first flight. */
START_TEST(a_server_may_answer_early_data_at_once) {
    ticket_keeper keeper;
    pair *p = early_pair_second(&keeper);
    pair_start(p);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, false, "question", true);
    pair_run_for(p, 10 * LEAT_MILLISECOND);
    pair_send_all(p, PAIR_SERVER, id, (const uint8_t *)"answer", 6, true);
    pair_run_for(p, 10 * LEAT_MILLISECOND); /* one round trip in all */
    assert_text(p, PAIR_CLIENT, id, "answer");
    early_pair_end(&keeper, p);
}
END_TEST

/* TEST RFC 9001 §9.2: early data validates no address. */
START_TEST(an_answer_to_early_data_stays_below_the_limit) {
    static uint8_t bytes[50000];
    ticket_keeper keeper;
    pair *p = early_pair_second(&keeper);
    p->link.black_hole[PAIR_CLIENT] = true;
    pair_start(p);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, false, "question", true);
    pair_run_for(p, 10 * LEAT_MILLISECOND);
    leat_conn_send_stream_data(pair_conn(p, PAIR_SERVER), id, bytes, sizeof bytes, true);
    pair_run_for(p, 300 * LEAT_MILLISECOND);
    ck_assert_uint_gt(p->ends[PAIR_SERVER].bytes_out, 2 * 1200);
    ck_assert_uint_le(p->ends[PAIR_SERVER].bytes_out, 3 * p->ends[PAIR_SERVER].bytes_in);
    early_pair_end(&keeper, p);
}
END_TEST

static unsigned zero_rtt_seen;

/* Counts 0-RTT packets and cuts them off. */
static bool lose_zero_rtt(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    leat_packet_header header;
    (void)user, (void)p;
    for (size_t offset = 0; from == PAIR_CLIENT && offset < datagram->length;
         offset += header.length) {
        leat_span rest = {datagram->bytes + offset, datagram->length - offset};
        if (leat_packet_header_parse(&header, rest, 8) != LEAT_DROP_NONE) {
            break;
        }
        if (header.type == LEAT_PACKET_ZERO_RTT) {
            zero_rtt_seen++;
            datagram->length = offset;
        }
    }
    return datagram->length > 0;
}

START_TEST(early_data_that_is_lost_goes_again_after_the_handshake) {
    static uint8_t bytes[20000];
    ticket_keeper keeper;
    pair *p = early_pair_second(&keeper);
    zero_rtt_seen = 0;
    p->link.filter = lose_zero_rtt;
    pair_start(p);
    uint64_t id;
    ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), false, &id), LEAT_OK);
    pair_send_all(p, PAIR_CLIENT, id, bytes, sizeof bytes, true);
    run_until_confirmed(p);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_gt(zero_rtt_seen, 5);
    ck_assert(leat_conn_early_data_accepted(pair_conn(p, PAIR_CLIENT)));
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->length, sizeof bytes);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    early_pair_end(&keeper, p);
}
END_TEST

START_TEST(early_data_survives_loss_reordering_and_duplication) {
    static uint8_t bytes[60000];
    ticket_keeper keeper;
    pair_free(early_pair_second(&keeper));
    for (unsigned seed = 0; seed < 30; seed++) {
        pair *p = early_pair_new(&keeper);
        p->seed = 100 + seed;
        p->link.loss = 10;
        p->link.reorder = 20;
        p->link.duplication = 10;
        pair_start(p);
        uint64_t id;
        ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id), LEAT_OK);
        pair_send_all(p, PAIR_CLIENT, id, bytes, sizeof bytes, true);
        pair_run_for(p, 20 * LEAT_SECOND);
        ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->length, sizeof bytes);
        pair_free(p);
    }
    leat_resumption_keys_free(keeper.keys);
}
END_TEST

START_TEST(datagrams_go_early_too) {
    ticket_keeper keeper;
    pair *p = early_pair_second(&keeper);
    pair_start(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    uint8_t bytes[1500] = {0};
    size_t most = leat_conn_max_datagram_payload(client);
    ck_assert_uint_gt(most, 1000);
    const leat_span part = {bytes, most};
    ck_assert_int_eq(leat_conn_send_datagram_frame(client, &part, 1, 1), LEAT_OK);
    pair_run_for(p, 10 * LEAT_MILLISECOND);
    ck_assert_uint_eq(
        p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_DATAGRAM_FRAME_RECEIVED], 1);
    early_pair_end(&keeper, p);
}
END_TEST

/* TEST RFC 9000 §7.4.1: the remembered limits hold until the server's own are known. */
START_TEST(early_data_stays_within_remembered_limits) {
    static uint8_t bytes[5000];
    ticket_keeper keeper;
    pair *first = early_pair_begin_first(&keeper);
    first->ends[PAIR_SERVER].config.max_stream_data = 1000;
    first->ends[PAIR_SERVER].config.max_streams_bidi = 2;
    early_pair_end_first(&keeper, first);
    pair *p = early_pair_new(&keeper);
    pair_start(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    uint64_t id = 0;
    ck_assert_uint_eq(leat_conn_streams_available(client, false), 2);
    ck_assert_int_eq(leat_conn_open_stream(client, false, &id), LEAT_OK);
    ck_assert_int_eq(leat_conn_open_stream(client, false, &id), LEAT_OK);
    ck_assert_int_eq(leat_conn_open_stream(client, false, &id), LEAT_ERR_STREAM_LIMIT);
    ck_assert_int_eq(leat_conn_send_stream_data(client, id, bytes, sizeof bytes, true), 5000);
    pair_run_for(p, 10 * LEAT_MILLISECOND);
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->length, 1000);
    run_until_confirmed(p);
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->length, sizeof bytes);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_STREAMS_AVAILABLE], 1);
    early_pair_end(&keeper, p);
}
END_TEST

START_TEST(application_bytes_come_back_with_the_session) {
    ticket_keeper keeper;
    pair *first = early_pair_begin_first(&keeper);
    first->ends[PAIR_SERVER].config.session_application = test_hex("01 02 03");
    pair_start(first);
    ck_assert_int_eq(leat_conn_set_session_application(pair_conn(first, PAIR_CLIENT),
                                                       test_hex("0a 0b")), LEAT_OK);
    run_until_confirmed(first);
    pair_free(first);
    pair *p = early_pair_new(&keeper);
    p->ends[PAIR_SERVER].config.session_application = test_hex("01 02 03");
    pair_start(p);
    leat_span bytes = leat_conn_session_application(pair_conn(p, PAIR_CLIENT));
    ck_assert_bytes(bytes.data, bytes.length, "0a 0b");
    run_until_confirmed(p);
    ck_assert(leat_conn_early_data_accepted(pair_conn(p, PAIR_SERVER)));
    early_pair_end(&keeper, p);
}
END_TEST

START_TEST(too_many_application_bytes_are_refused) {
    static uint8_t bytes[LEAT_SESSION_BYTES_MAX + 1];
    int error = LEAT_OK;
    pair *p = pair_new();
    pair_handshake(p);
    leat_span most = {bytes, LEAT_SESSION_BYTES_MAX}, more = {bytes, sizeof bytes};
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    ck_assert_int_eq(leat_conn_set_session_application(client, most), LEAT_OK);
    ck_assert_int_eq(leat_conn_set_session_application(client, more), LEAT_ERR_TOO_LARGE);
    p->ends[PAIR_CLIENT].config.session_application = more;
    ck_assert_ptr_null(leat_conn_new(&p->ends[PAIR_CLIENT].config, &error));
    ck_assert_int_eq(error, LEAT_ERR_INVALID);
    pair_free(p);
}
END_TEST

/* ---- not offered ----------------------------------------------------------------------------- */

START_TEST(nothing_goes_early_unless_it_was_asked_for) {
    ticket_keeper keeper;
    pair *p = early_pair_second(&keeper);
    p->ends[PAIR_CLIENT].config.early_data = false;
    pair_start(p);
    uint64_t id;
    ck_assert(!leat_conn_is_sending_early_data(pair_conn(p, PAIR_CLIENT)));
    ck_assert_ptr_null(pair_conn(p, PAIR_CLIENT)->early);
    ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), false, &id),
                     LEAT_ERR_STREAM_LIMIT);
    run_until_confirmed(p);
    ck_assert(!leat_conn_early_data_accepted(pair_conn(p, PAIR_CLIENT)));
    early_pair_end(&keeper, p);
}
END_TEST

/* ---- packets --------------------------------------------------------------------------------- */

/* A 0-RTT packet of the client's with these frames, given to the server. */
static void send_raw_early(pair *p, leat_keys *keys, const char *frames_hex) {
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    uint8_t packet[1500];
    leat_builder builder;
    leat_span frames = test_hex(frames_hex);
    const leat_builder_header header = {
        .type = LEAT_PACKET_ZERO_RTT,
        .version = LEAT_VERSION_1,
        .dcid = leat_cid_span(leat_cids_first_local(pair_conn(p, PAIR_SERVER))),
        .scid = leat_cid_span(leat_cids_first_local(client)),
        .pn = 1000 + client->spaces[LEAT_SPACE_APPLICATION]->next_pn++,
        .largest_acked = LEAT_PN_NONE,
    };
    ck_assert(leat_builder_begin(&builder, packet, sizeof packet, &header));
    leat_write_bytes(&builder.payload, frames.data, frames.length);
    size_t length = leat_builder_finish(&builder, keys);
    ck_assert_uint_gt(length, 0);
    pair_deliver(p, PAIR_SERVER, packet, length);
}

/* The server has the first flight, the client has no answer. */
static pair *half_way(ticket_keeper *keeper) {
    pair *p = early_pair_second(keeper);
    p->link.black_hole[PAIR_CLIENT] = true;
    pair_start(p);
    pair_run_for(p, 15 * LEAT_MILLISECOND);
    return p;
}

/* TEST RFC 9000 §12.4, table 3, and §12.5: what may not stand in a 0-RTT packet. */
START_TEST(frames_that_answer_the_server_are_a_violation) {
    static const char *const frames[] = {
        "02 00 00 00 00",               /* ACK */
        "06 00 01 00",                  /* CRYPTO */
        "07 01 00",                     /* NEW_TOKEN */
        "19 00",                        /* RETIRE_CONNECTION_ID */
        "1b 0001020304050607",          /* PATH_RESPONSE */
        "1e",                           /* HANDSHAKE_DONE */
    };
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        ticket_keeper keeper;
        pair *p = half_way(&keeper);
        send_raw_early(p, &pair_conn(p, PAIR_CLIENT)->early->keys, frames[i]);
        pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR,
                               LEAT_PROTOCOL_VIOLATION);
        early_pair_end(&keeper, p);
    }
}
END_TEST

START_TEST(a_limit_broken_by_early_data_is_its_own_error) {
    ticket_keeper keeper;
    pair *p = half_way(&keeper);
    send_raw_early(p, &pair_conn(p, PAIR_CLIENT)->early->keys, "0c 00 80100000 61");
    pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_FLOW_CONTROL_ERROR);
    early_pair_end(&keeper, p);
}
END_TEST

/* TEST RFC 9001 §4.9.3: the server's keys go three PTOs after the first 1-RTT packet. */
START_TEST(the_keys_of_early_data_are_discarded) {
    ticket_keeper keeper;
    pair *p = half_way(&keeper);
    leat_keys keys = {.suite = NULL};
    leat_conn *client = pair_conn(p, PAIR_CLIENT), *server = pair_conn(p, PAIR_SERVER);
    ck_assert(leat_keys_install(&keys, LEAT_VERSION_1, true, client->early->keys.suite,
                                client->early->keys.write_secret));
    p->link.black_hole[PAIR_CLIENT] = false;
    while (!leat_conn_is_handshake_complete(client)) {
        ck_assert(pair_step(p, p->now + LEAT_SECOND));
    }
    ck_assert_ptr_null(client->early);
    while (!leat_conn_is_handshake_complete(server) ||
           server->early->discard_at == LEAT_TIME_NEVER) {
        ck_assert(pair_step(p, p->now + LEAT_SECOND));
    }
    send_raw_early(p, &keys, "0a 00 01 61");
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, 0)->length, 1);
    pair_run_for(p, 2 * LEAT_SECOND);
    ck_assert_ptr_null(server->early);
    uint64_t dropped = server->receive.dropped;
    send_raw_early(p, &keys, "0e 00 01 01 61");
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, 0)->length, 1);
    ck_assert_uint_eq(server->receive.dropped, dropped + 1);
    leat_keys_discard(&keys);
    early_pair_end(&keeper, p);
}
END_TEST

/* A server that raised what it remembers cannot take it back: the client sees a limit that fell. */
START_TEST(limits_that_fell_although_early_data_was_accepted_are_a_violation) {
    ticket_keeper keeper;
    pair *p = early_pair_second(&keeper);
    pair_start(p);
    pair_conn(p, PAIR_CLIENT)->early->remembered.initial_max_streams_uni++;
    pair_run_for(p, LEAT_SECOND);
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_PROTOCOL_VIOLATION);
    early_pair_end(&keeper, p);
}
END_TEST

START_TEST(a_close_with_early_keys_alone_is_heard) {
    ticket_keeper keeper;
    pair *p = half_way(&keeper);
    leat_conn_close(pair_conn(p, PAIR_CLIENT), 5, "enough");
    pair_run_for(p, 15 * LEAT_MILLISECOND);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_CONNECTION_TERMINATED], 1);
    early_pair_end(&keeper, p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn early data", early_data_arrives_with_the_first_flight,
               a_ticket_of_another_version_is_not_used,
               a_server_may_answer_early_data_at_once,
               an_answer_to_early_data_stays_below_the_limit,
               early_data_that_is_lost_goes_again_after_the_handshake,
               early_data_survives_loss_reordering_and_duplication, datagrams_go_early_too,
               early_data_stays_within_remembered_limits,
               application_bytes_come_back_with_the_session,
               too_many_application_bytes_are_refused, nothing_goes_early_unless_it_was_asked_for,
               frames_that_answer_the_server_are_a_violation,
               a_limit_broken_by_early_data_is_its_own_error,
               the_keys_of_early_data_are_discarded,
               limits_that_fell_although_early_data_was_accepted_are_a_violation,
               a_close_with_early_keys_alone_is_heard)
