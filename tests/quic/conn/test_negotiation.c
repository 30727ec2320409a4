/* Version Negotiation and Retry as a client meets them: RFC 9000 §6, §8.1.2, §17.2.5; attacks A13,
 * A16, A17. */
#include "../pair.h"

#include "quic/packet/retry.h"

/* ---- Retry ----------------------------------------------------------------------------------- */

static const leat_cid retry_cid = {.length = 8, .bytes = {0xd0, 1, 2, 3, 4, 5, 6, 7}};
static const char retry_token[] = "a token";

static size_t write_retry(leat_conn *client, const leat_cid *scid, leat_span token, uint8_t *out,
                          size_t room) {
    leat_writer writer = leat_writer_make(out, room);
    leat_retry_write(&writer, LEAT_VERSION_1, leat_cid_span(leat_cids_first_local(client)),
                     leat_cid_span(scid), token,
                     leat_cid_span(&client->cids.original_dcid), 0);
    ck_assert(!writer.failed);
    return leat_writer_length(&writer);
}

static const leat_span the_token = {(const uint8_t *)retry_token, sizeof retry_token - 1};

/* A client whose first Initial was answered with Retry. */
static pair *retried_client(void) {
    pair *p = pair_new();
    uint8_t retry[300];
    pair_start(p);
    p->link.black_hole[PAIR_SERVER] = true;
    pair_flush(p, PAIR_CLIENT);
    p->link.black_hole[PAIR_SERVER] = false;
    size_t length = write_retry(pair_conn(p, PAIR_CLIENT), &retry_cid, the_token, retry,
                                sizeof retry);
    pair_deliver(p, PAIR_CLIENT, retry, length);
    return p;
}

static bool lies_about_retry;

static leat_conn *server_after_retry(pair *p, leat_span first) {
    int error = 0;
    leat_packet_header header;
    const leat_path path = {p->ends[PAIR_SERVER].address, p->ends[PAIR_CLIENT].address};
    ck_assert_int_eq(leat_packet_header_parse(&header, first, 8), LEAT_DROP_NONE);
    ck_assert(leat_span_equal(header.token, the_token));
    leat_conn_origin origin = {.original_dcid = pair_conn(p, PAIR_CLIENT)->cids.original_dcid,
                               .retried = !lies_about_retry,
                               .address_validated = true, .version = LEAT_VERSION_1};
    leat_cid_from_span(&origin.client_dcid, header.dcid);
    leat_cid_from_span(&origin.client_scid, header.scid);
    return leat_conn_create(&p->ends[PAIR_SERVER].config, NULL, &origin, &path, p->now, &error);
}

START_TEST(a_client_follows_retry) {
    pair *p = retried_client();
    p->make_server = server_after_retry;
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_HANDSHAKE_CONFIRMED], 1);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_HANDSHAKE_CONFIRMED], 1);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §17.2.5.3: packet numbers go on, and the ClientHello is the same. */
START_TEST(packet_numbers_go_on_after_retry) {
    pair *p = retried_client();
    ck_assert_uint_gt(pair_conn(p, PAIR_CLIENT)->spaces[LEAT_SPACE_INITIAL]->next_pn, 0);
    uint64_t hello = pair_conn(p, PAIR_CLIENT)->spaces[LEAT_SPACE_INITIAL]->crypto_send.end;
    pair_flush(p, PAIR_CLIENT);
    ck_assert_uint_eq(pair_conn(p, PAIR_CLIENT)->spaces[LEAT_SPACE_INITIAL]->crypto_send.end,
                      hello);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §7.3: a server that did not send the Retry cannot know its ID. */
START_TEST(a_retry_of_somebody_else_is_found_out) {
    pair *p = retried_client();
    p->make_server = server_after_retry;
    lies_about_retry = true;
    pair_run_for(p, LEAT_SECOND);
    lies_about_retry = false;
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_PROTOCOL_ERROR,
                           LEAT_TRANSPORT_PARAMETER_ERROR);
    pair_free(p);
}
END_TEST

static void check_retry_is_dropped(pair *p, uint8_t *retry, size_t length) {
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    leat_cid before = client->cids.retry_scid;
    uint64_t dropped = client->receive.dropped;
    pair_deliver(p, PAIR_CLIENT, retry, length);
    ck_assert_uint_eq(client->receive.dropped, dropped + 1);
    ck_assert(leat_cid_equal(&client->cids.retry_scid, &before));
    ck_assert(!leat_conn_is_terminating(client));
}

START_TEST(a_second_retry_is_dropped) {
    pair *p = retried_client();
    uint8_t retry[300];
    const leat_cid other = {.length = 4, .bytes = {9, 9, 9, 9}};
    size_t length = write_retry(pair_conn(p, PAIR_CLIENT), &other, the_token, retry, sizeof retry);
    check_retry_is_dropped(p, retry, length);
    pair_free(p);
}
END_TEST

static pair *fresh_client(void) {
    pair *p = pair_new();
    pair_start(p);
    p->link.black_hole[PAIR_SERVER] = true;
    pair_flush(p, PAIR_CLIENT);
    p->link.black_hole[PAIR_SERVER] = false;
    return p;
}

START_TEST(a_retry_with_a_wrong_tag_is_dropped) {
    pair *p = fresh_client();
    uint8_t retry[300];
    size_t length = write_retry(pair_conn(p, PAIR_CLIENT), &retry_cid, the_token, retry,
                                sizeof retry);
    retry[length - 1] ^= 1;
    check_retry_is_dropped(p, retry, length);
    pair_free(p);
}
END_TEST

START_TEST(a_retry_without_token_is_dropped) {
    pair *p = fresh_client();
    uint8_t retry[300];
    size_t length = write_retry(pair_conn(p, PAIR_CLIENT), &retry_cid, (leat_span){NULL, 0}, retry,
                                sizeof retry);
    check_retry_is_dropped(p, retry, length);
    pair_free(p);
}
END_TEST

START_TEST(a_retry_with_the_same_id_is_dropped) {
    pair *p = fresh_client();
    uint8_t retry[300];
    size_t length = write_retry(pair_conn(p, PAIR_CLIENT),
                                &pair_conn(p, PAIR_CLIENT)->cids.original_dcid, the_token, retry,
                                    sizeof retry);
    check_retry_is_dropped(p, retry, length);
    pair_free(p);
}
END_TEST

START_TEST(a_cut_retry_is_dropped_at_every_length) {
    uint8_t retry[300], cut[300];
    pair *p = fresh_client();
    size_t whole = write_retry(pair_conn(p, PAIR_CLIENT), &retry_cid, the_token, retry,
                               sizeof retry);
    for (size_t length = 1; length < whole; length++) {
        memcpy(cut, retry, length);
        check_retry_is_dropped(p, cut, length);
    }
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §17.2.5.2: after anything else was heard it is too late. */
START_TEST(a_retry_after_the_servers_initial_is_dropped) {
    pair *p = pair_new();
    uint8_t retry[300];
    pair_handshake(p);
    size_t length = write_retry(pair_conn(p, PAIR_CLIENT), &retry_cid, the_token, retry,
                                sizeof retry);
    check_retry_is_dropped(p, retry, length);
    pair_free(p);
}
END_TEST

START_TEST(a_server_drops_retry) {
    pair *p = pair_new();
    uint8_t retry[300];
    pair_handshake(p);
    size_t length = write_retry(pair_conn(p, PAIR_CLIENT), &retry_cid, the_token, retry,
                                sizeof retry);
    pair_deliver(p, PAIR_SERVER, retry, length);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)));
    pair_free(p);
}
END_TEST

/* ---- Version Negotiation --------------------------------------------------------------------- */

static size_t write_versions(leat_conn *client, const uint32_t *versions, size_t count,
                             uint8_t *out, size_t room) {
    leat_writer writer = leat_writer_make(out, room);
    leat_version_negotiation_write(&writer, leat_cid_span(leat_cids_first_local(client)),
                                   leat_cid_span(&client->cids.original_dcid), versions, count,
                                       0x55);
    return leat_writer_length(&writer);
}

static const uint32_t unknown_version[] = {0xfaceb00c};
static const uint32_t with_ours[] = {0x6b3343cf, LEAT_VERSION_1};

START_TEST(a_server_of_other_versions_ends_the_connection) {
    pair *p = fresh_client();
    uint8_t packet[200];
    size_t length = write_versions(pair_conn(p, PAIR_CLIENT), unknown_version, 1, packet,
                                   sizeof packet);
    pair_deliver(p, PAIR_CLIENT, packet, length);
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_VERSION_MISMATCH, LEAT_NO_ERROR);
    ck_assert(leat_conn_is_closed(pair_conn(p, PAIR_CLIENT)));
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §6.2 */
START_TEST(version_negotiation_that_lists_ours_is_ignored) {
    pair *p = fresh_client();
    uint8_t packet[200];
    size_t length = write_versions(pair_conn(p, PAIR_CLIENT), with_ours, 2, packet, sizeof packet);
    pair_deliver(p, PAIR_CLIENT, packet, length);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_CLIENT)));
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §6.2: too late once a packet of the server was processed. */
START_TEST(late_version_negotiation_is_ignored) {
    pair *p = pair_new();
    uint8_t packet[200];
    pair_handshake(p);
    size_t length = write_versions(pair_conn(p, PAIR_CLIENT), unknown_version, 1, packet,
                                   sizeof packet);
    pair_deliver(p, PAIR_CLIENT, packet, length);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_CLIENT)));
    pair_free(p);
}
END_TEST

START_TEST(version_negotiation_that_echoes_other_ids_is_ignored) {
    pair *p = fresh_client();
    uint8_t packet[200];
    size_t length = write_versions(pair_conn(p, PAIR_CLIENT), unknown_version, 1, packet,
                                   sizeof packet);
    packet[6 + 8 + 1] ^= 1;
    pair_deliver(p, PAIR_CLIENT, packet, length);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_CLIENT)));
    pair_free(p);
}
END_TEST

/* Attack A13 */
START_TEST(a_server_drops_version_negotiation) {
    pair *p = pair_new();
    uint8_t packet[200];
    pair_handshake(p);
    size_t length = write_versions(pair_conn(p, PAIR_CLIENT), unknown_version, 1, packet,
                                   sizeof packet);
    pair_deliver(p, PAIR_SERVER, packet, length);
    ck_assert(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)));
    pair_free(p);
}
END_TEST

/* ---- tokens for later ------------------------------------------------------------------------ */

START_TEST(a_new_token_reaches_the_application) {
    pair *p = pair_new();
    pair_handshake(p);
    p->ends[PAIR_CLIENT].keeps_events = true;
    const leat_span token = {(const uint8_t *)"for later", 9};
    ck_assert_int_eq(leat_conn_send_new_token(pair_conn(p, PAIR_SERVER), token), 0);
    ck_assert_int_eq(leat_conn_send_new_token(pair_conn(p, PAIR_CLIENT), token), LEAT_ERR_STATE);
    pair_settle(p);
    leat_event event;
    ck_assert(leat_conn_next_event(pair_conn(p, PAIR_CLIENT), &event));
    ck_assert_int_eq(event.type, LEAT_EVENT_NEW_TOKEN);
    ck_assert(leat_span_equal(event.ticket.data, token));
    pair_free(p);
}
END_TEST

/* Attack F1 */
START_TEST(a_flood_of_tokens_is_bounded) {
    pair *p = pair_new();
    pair_handshake(p);
    for (unsigned i = 0; i < 100; i++) {
        pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, "07 03 616263");
    }
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_NEW_TOKEN], LEAT_NEW_TOKENS_MAX);
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/negotiation", a_client_follows_retry, packet_numbers_go_on_after_retry,
               a_retry_of_somebody_else_is_found_out, a_second_retry_is_dropped,
                   a_retry_with_a_wrong_tag_is_dropped,
               a_retry_without_token_is_dropped, a_retry_with_the_same_id_is_dropped,
                   a_cut_retry_is_dropped_at_every_length,
               a_retry_after_the_servers_initial_is_dropped, a_server_drops_retry,
                   a_server_of_other_versions_ends_the_connection,
               version_negotiation_that_lists_ours_is_ignored, late_version_negotiation_is_ignored,
               version_negotiation_that_echoes_other_ids_is_ignored,
                   a_server_drops_version_negotiation,
               a_new_token_reaches_the_application, a_flood_of_tokens_is_bounded)
