/* Streams as an application sees them: RFC 9000 §2, §3; attacks E3, E5, E9, E14; holding, stopping,
 * resetting, priorities. */
#include "../pair.h"

static uint64_t open_stream(pair *p, pair_side side, bool uni) {
    uint64_t id = 0;
    ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, side), uni, &id), 0);
    return id;
}

static ptrdiff_t send_text(pair *p, pair_side side, uint64_t id, const char *text, bool end) {
    return leat_conn_send_stream_data(pair_conn(p, side), id, (const uint8_t *)text, strlen(text),
                                      end);
}

START_TEST(ids_follow_the_role_and_the_kind) {
    pair *p = pair_new();
    pair_handshake(p);
    ck_assert_uint_eq(open_stream(p, PAIR_CLIENT, false), 0);
    ck_assert_uint_eq(open_stream(p, PAIR_CLIENT, false), 4);
    ck_assert_uint_eq(open_stream(p, PAIR_CLIENT, true), 2);
    ck_assert_uint_eq(open_stream(p, PAIR_SERVER, false), 1);
    ck_assert_uint_eq(open_stream(p, PAIR_SERVER, true), 3);
    pair_free(p);
}
END_TEST

START_TEST(misuse_is_told_to_the_caller) {
    pair *p = pair_new();
    pair_handshake(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT), *server = pair_conn(p, PAIR_SERVER);
    uint64_t uni = pair_send_text(p, PAIR_CLIENT, true, "x", false);
    pair_settle(p);
    ck_assert_int_eq(send_text(p, PAIR_CLIENT, 400, "x", false), LEAT_ERR_NO_STREAM);
    ck_assert_int_eq(send_text(p, PAIR_SERVER, uni, "x", false), LEAT_ERR_DIRECTION);
    ck_assert_int_eq(leat_conn_reset_stream(server, uni, 0), LEAT_ERR_DIRECTION);
    ck_assert_int_eq(leat_conn_stop_stream(client, uni, 0), LEAT_ERR_DIRECTION);
    ck_assert_int_eq(leat_conn_set_stream_priority(client, uni, 8, false), LEAT_ERR_INVALID);
    ck_assert_int_eq(leat_conn_set_stream_priority(client, 400, 1, false), LEAT_ERR_NO_STREAM);
    ck_assert_int_eq(leat_conn_reset_stream(client, uni, UINT64_MAX), LEAT_ERR_INVALID);
    ck_assert_int_eq(leat_conn_stop_stream(server, uni, UINT64_MAX), LEAT_ERR_INVALID);
    ck_assert_int_eq(send_text(p, PAIR_CLIENT, uni, "", true), 0);
    ck_assert_int_eq(send_text(p, PAIR_CLIENT, uni, "more", false), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_conn_hold_stream(server, 400, 0), LEAT_ERR_NO_STREAM);
    ck_assert_int_eq(leat_conn_hold_stream(server, uni, 5), LEAT_ERR_INVALID);
    ck_assert_ptr_null(leat_conn_stream_user(client, 400));
    ck_assert_int_eq(leat_conn_set_stream_user(client, uni, p), 0);
    ck_assert_ptr_eq(leat_conn_stream_user(client, uni), p);
    pair_free(p);
}
END_TEST

START_TEST(an_empty_stream_ends_with_an_empty_event) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_SERVER);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "", true);
    pair_settle(p);
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamOpened StreamDataReceived");
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    pair_free(p);
}
END_TEST

START_TEST(delivery_is_told_when_all_is_acknowledged) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_CLIENT);
    ck_assert(!leat_conn_is_delivering(pair_conn(p, PAIR_CLIENT)));
    pair_send_text(p, PAIR_CLIENT, true, "hello", true);
    ck_assert(leat_conn_is_delivering(pair_conn(p, PAIR_CLIENT)));
    pair_settle(p);
    ck_assert(!leat_conn_is_delivering(pair_conn(p, PAIR_CLIENT)));
    ck_assert_str_eq(pair_take_events(p, PAIR_CLIENT), "StreamDelivered");
    pair_free(p);
}
END_TEST

/* Attack E14: frames without bytes open a stream and say nothing else. */
START_TEST(empty_frames_tell_nothing) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_SERVER);
    for (unsigned i = 0; i < 100; i++) {
        pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0a 00 00 0a 00 00 0a 00 00");
    }
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamOpened");
    pair_free(p);
}
END_TEST

START_TEST(data_out_of_order_waits_for_the_gap) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_SERVER);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0f 00 03 02 6465");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamOpened");
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0a 00 03 616263");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamDataReceived");
    ck_assert_str_eq((char *)pair_stream_of(p, PAIR_SERVER, 0)->bytes, "abcde");
    pair_free(p);
}
END_TEST

/* Attack E3: the first copy of a byte wins. */
START_TEST(overlapping_data_does_not_change_what_came_first) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0e 00 02 02 6364");
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0b 00 06 787878787878");
    ck_assert_str_eq((char *)pair_stream_of(p, PAIR_SERVER, 0)->bytes, "xxcdxx");
    pair_free(p);
}
END_TEST

/* Attack E9: the highest ID first costs nothing for those below. */
START_TEST(a_high_id_opens_those_below_without_memory) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.max_streams_bidi = 1000000;
    pair_handshake(p);
    size_t before = p->memory.live;
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0a 803d08fc 01 61");
    ck_assert_uint_le(p->memory.live, before + 10);
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, "0a 00 01 61");
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_STREAM_OPENED], 2);
    pair_free(p);
}
END_TEST

/* ---- reset and stop -------------------------------------------------------------------------- */

START_TEST(a_reset_is_told_once_and_unread_data_goes) {
    pair *p = pair_new();
    pair_handshake(p);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "half", false);
    pair_settle(p);
    pair_take_events(p, PAIR_SERVER);
    ck_assert_int_eq(leat_conn_reset_stream(pair_conn(p, PAIR_CLIENT), id, 77), 0);
    ck_assert_int_eq(leat_conn_reset_stream(pair_conn(p, PAIR_CLIENT), id, 78), 0);
    pair_settle(p);
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamReset");
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->reset_code, 77);
    ck_assert_uint_eq(leat_stream_map_count(&pair_conn(p, PAIR_CLIENT)->streams.map), 0);
    ck_assert_uint_eq(leat_stream_map_count(&pair_conn(p, PAIR_SERVER)->streams.map), 0);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §3.2: bytes in order before a reset are told before it. */
START_TEST(what_came_before_a_reset_is_told_before_it) {
    pair *p = pair_new();
    pair_handshake(p);
    pair_take_events(p, PAIR_SERVER);
    /* STREAM 2 at 0 "half", STREAM 2 at 8 "x", RESET_STREAM 2 with code 7 and size 10. */
    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION,
             "0a 02 04 68616c66  0e 02 08 01 78  04 02 07 0a");
    pair_settle(p);
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER),
                     "StreamOpened StreamDataReceived StreamReset");
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, 2)->reset_code, 7);
    ck_assert_uint_eq(leat_stream_map_count(&pair_conn(p, PAIR_SERVER)->streams.map), 0);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §3.5: STOP_SENDING is answered with RESET_STREAM and the peer's code. */
START_TEST(stop_sending_is_answered_with_a_reset) {
    pair *p = pair_new();
    pair_handshake(p);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "half", false);
    pair_settle(p);
    pair_take_events(p, PAIR_CLIENT);
    pair_take_events(p, PAIR_SERVER);
    ck_assert_int_eq(leat_conn_stop_stream(pair_conn(p, PAIR_SERVER), id, 55), 0);
    pair_settle(p);
    ck_assert_str_eq(pair_take_events(p, PAIR_CLIENT), "StopSendingReceived");
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamReset");
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->reset_code, 55);
    ck_assert_int_eq(send_text(p, PAIR_CLIENT, id, "x", false), LEAT_ERR_NO_STREAM);
    pair_free(p);
}
END_TEST

START_TEST(data_after_stop_is_dropped_and_its_credit_returns) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.max_data = 5000;
    p->ends[PAIR_SERVER].config.max_stream_data = 4000;
    pair_handshake(p);
    static uint8_t bytes[3000];
    for (unsigned i = 0; i < 10; i++) {
        uint64_t id = open_stream(p, PAIR_CLIENT, true);
        leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), id, bytes, 10, false);
        pair_settle(p);
        ck_assert_int_eq(leat_conn_stop_stream(pair_conn(p, PAIR_SERVER), id, 1), 0);
        leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), id, bytes, sizeof bytes, true);
        pair_settle(p);
        ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->length, 10);
    }
    uint64_t last = pair_send_text(p, PAIR_CLIENT, true, "still credit", true);
    pair_settle(p);
    ck_assert(pair_stream_of(p, PAIR_SERVER, last)->ended);
    ck_assert_uint_eq(leat_stream_map_count(&pair_conn(p, PAIR_SERVER)->streams.map), 0);
    pair_free(p);
}
END_TEST

START_TEST(resetting_what_was_delivered_has_no_effect) {
    pair *p = pair_new();
    pair_handshake(p);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, false, "all", true);
    pair_settle(p);
    ck_assert_int_eq(leat_conn_reset_stream(pair_conn(p, PAIR_CLIENT), id, 1), 0);
    pair_settle(p);
    ck_assert_uint_eq(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_STREAM_RESET], 0);
    pair_free(p);
}
END_TEST

/* Attack E5: STREAM, RESET_STREAM and STOP_SENDING for one stream, in all orders, in one packet. */
START_TEST(all_orders_of_data_reset_and_stop_are_survived) {
    static const char *const parts[] = {"0a 00 01 61", "04 00 07 01", "05 00 09"};
    for (unsigned order = 0; order < 27; order++) {
        for (unsigned apart = 0; apart < 2; apart++) {
            pair *p = pair_new();
            char frames[100] = "";
            pair_handshake(p);
            for (unsigned i = 0, rest = order; i < 3; i++, rest /= 3) {
                if (apart != 0) {
                    pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, parts[rest % 3]);
                } else {
                    strcat(frames, parts[rest % 3]);
                }
            }
            if (apart == 0) {
                pair_raw(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, frames);
            }
            ck_assert_msg(!leat_conn_is_terminating(pair_conn(p, PAIR_SERVER)), "order %u: %s",
                          order, p->ends[PAIR_SERVER].reason);
            ck_assert_uint_le(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_STREAM_RESET], 1);
            ck_assert_uint_le(p->ends[PAIR_SERVER].event_counts[LEAT_EVENT_STOP_SENDING_RECEIVED],
                              1);
            pair_free(p);
        }
    }
}
END_TEST

static void stop_on_data(void *user, pair *p, pair_side side, const leat_event *event) {
    (void)user;
    if (event->type == LEAT_EVENT_STREAM_DATA_RECEIVED && side == PAIR_SERVER) {
        uint8_t first = event->stream_data_received.data.data[0];
        leat_conn_stop_stream(pair_conn(p, side), event->stream_data_received.stream_id, 5);
        /* The bytes of the event live until the next one. */
        ck_assert_uint_eq(event->stream_data_received.data.data[0], first);
    }
}

START_TEST(a_stream_may_be_stopped_from_within_its_event) {
    pair *p = pair_new();
    pair_handshake(p);
    p->on_event = stop_on_data;
    pair_send_text(p, PAIR_CLIENT, true, "something", false);
    pair_settle(p);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_STOP_SENDING_RECEIVED], 1);
    ck_assert_uint_eq(leat_stream_map_count(&pair_conn(p, PAIR_SERVER)->streams.map), 0);
    pair_free(p);
}
END_TEST

/* ---- hold and release ------------------------------------------------------------------------ */

START_TEST(held_data_comes_again_after_release) {
    pair *p = pair_new();
    leat_event event;
    pair_handshake(p);
    p->ends[PAIR_SERVER].keeps_events = true;
    leat_conn *server = pair_conn(p, PAIR_SERVER);
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "abcdef", true);
    pair_settle(p);
    while (leat_conn_next_event(server, &event) && event.type != LEAT_EVENT_STREAM_DATA_RECEIVED) {
    }
    ck_assert_uint_eq(event.stream_data_received.data.length, 6);
    ck_assert(event.stream_data_received.end_stream);
    ck_assert_int_eq(leat_conn_hold_stream(server, id, 4), 0);
    ck_assert(!leat_conn_next_event(server, &event));
    ck_assert_int_eq(leat_conn_release_stream(server, id), 0);
    ck_assert(leat_conn_next_event(server, &event));
    ck_assert_uint_eq(event.stream_data_received.data.length, 4);
    ck_assert_int_eq(memcmp(event.stream_data_received.data.data, "cdef", 4), 0);
    ck_assert(event.stream_data_received.end_stream);
    ck_assert(!leat_conn_next_event(server, &event));
    ck_assert_int_eq(leat_conn_release_stream(server, id), LEAT_ERR_NO_STREAM);
    p->ends[PAIR_SERVER].keeps_events = false;
    pair_free(p);
}
END_TEST

static unsigned held_events;
static void hold_all(void *user, pair *p, pair_side side, const leat_event *event) {
    (void)user;
    if (event->type == LEAT_EVENT_STREAM_DATA_RECEIVED && side == PAIR_SERVER) {
        held_events++;
        leat_conn_hold_stream(pair_conn(p, side), event->stream_data_received.stream_id,
                              event->stream_data_received.data.length);
    }
}

/* Held bytes keep their credit: the peer comes to a stop. */
START_TEST(backpressure_reaches_the_peer) {
    pair *p = pair_new();
    static uint8_t bytes[100000];
    p->ends[PAIR_SERVER].config.max_stream_data = 10000;
    pair_handshake(p);
    p->on_event = hold_all;
    held_events = 0;
    uint64_t id = open_stream(p, PAIR_CLIENT, true);
    leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), id, bytes, sizeof bytes, true);
    pair_run_for(p, 5 * LEAT_SECOND);
    leat_stats stats;
    leat_conn_get_stats(pair_conn(p, PAIR_CLIENT), &stats);
    ck_assert_uint_eq(stats.stream_bytes_sent, 10000);
    ck_assert_uint_eq(held_events, 1);
    p->on_event = NULL;
    p->ends[PAIR_SERVER].streams[0].length = 0;
    leat_conn_release_stream(pair_conn(p, PAIR_SERVER), id);
    pair_run_for(p, 5 * LEAT_SECOND);
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->length, sizeof bytes);
    pair_free(p);
}
END_TEST

START_TEST(a_reset_reaches_a_held_stream) {
    pair *p = pair_new();
    pair_handshake(p);
    p->on_event = hold_all;
    uint64_t id = pair_send_text(p, PAIR_CLIENT, true, "held", false);
    pair_settle(p);
    pair_take_events(p, PAIR_SERVER);
    leat_conn_reset_stream(pair_conn(p, PAIR_CLIENT), id, 3);
    pair_settle(p);
    ck_assert_str_eq(pair_take_events(p, PAIR_SERVER), "StreamReset");
    pair_free(p);
}
END_TEST

/* ---- send buffer and priorities -------------------------------------------------------------- */

START_TEST(a_full_buffer_takes_part_and_says_when_there_is_room) {
    pair *p = pair_new();
    static uint8_t bytes[5000];
    p->ends[PAIR_CLIENT].config.send_buffer_limit = 2000;
    pair_handshake(p);
    pair_take_events(p, PAIR_CLIENT);
    uint64_t id = open_stream(p, PAIR_CLIENT, true);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    ck_assert_int_eq(leat_conn_stream_room(client, id), 2000);
    ck_assert_int_eq(leat_conn_send_stream_data(client, id, bytes, sizeof bytes, true), 2000);
    ck_assert_int_eq(leat_conn_send_stream_data(client, id, bytes, 10, true), 0);
    pair_settle(p);
    ck_assert_ptr_nonnull(strstr(pair_take_events(p, PAIR_CLIENT), "StreamWritable"));
    ck_assert_int_eq(leat_conn_send_stream_data(client, id, bytes, 10, true), 10);
    pair_settle(p);
    ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    ck_assert_uint_eq(pair_stream_of(p, PAIR_SERVER, id)->length, 2010);
    pair_free(p);
}
END_TEST

/* The order in which streams ended at the receiver, as digits. */
static char finish_order[64];
static void note_finish(void *user, pair *p, pair_side side, const leat_event *event) {
    (void)user, (void)p;
    if (side == PAIR_SERVER && event->type == LEAT_EVENT_STREAM_DATA_RECEIVED &&
        event->stream_data_received.end_stream) {
        size_t used = strlen(finish_order);
        snprintf(finish_order + used, sizeof finish_order - used, "%llu ",
                 (unsigned long long)event->stream_data_received.stream_id);
    }
}

static void race(pair *p, const uint8_t urgency[3], bool incremental) {
    static uint8_t bytes[60000];
    uint64_t ids[3];
    finish_order[0] = '\0';
    pair_handshake(p);
    p->on_event = note_finish;
    for (unsigned i = 0; i < 3; i++) {
        ids[i] = open_stream(p, PAIR_CLIENT, true);
        leat_conn_set_stream_priority(pair_conn(p, PAIR_CLIENT), ids[i], urgency[i], incremental);
    }
    for (unsigned i = 3; i-- > 0;) {
        leat_conn_send_stream_data(pair_conn(p, PAIR_CLIENT), ids[i], bytes, sizeof bytes / (i + 1),
                                   true);
    }
    pair_run_for(p, 10 * LEAT_SECOND);
}

/* TEST RFC 9218 §10 */
START_TEST(urgent_streams_go_first) {
    pair *p = pair_new();
    race(p, (const uint8_t[]){7, 3, 0}, false);
    ck_assert_str_eq(finish_order, "10 6 2 ");
    pair_free(p);
}
END_TEST

START_TEST(streams_of_one_urgency_go_by_id) {
    pair *p = pair_new();
    race(p, (const uint8_t[]){3, 3, 3}, false);
    ck_assert_str_eq(finish_order, "2 6 10 ");
    pair_free(p);
}
END_TEST

START_TEST(incremental_streams_share) {
    pair *p = pair_new();
    race(p, (const uint8_t[]){3, 3, 3}, true);
    ck_assert_str_eq(finish_order, "10 6 2 ");
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/streams", ids_follow_the_role_and_the_kind, misuse_is_told_to_the_caller,
               an_empty_stream_ends_with_an_empty_event, delivery_is_told_when_all_is_acknowledged,
                   empty_frames_tell_nothing,
               data_out_of_order_waits_for_the_gap,
                   overlapping_data_does_not_change_what_came_first,
               a_high_id_opens_those_below_without_memory,
                   a_reset_is_told_once_and_unread_data_goes,
               what_came_before_a_reset_is_told_before_it, stop_sending_is_answered_with_a_reset,
                   data_after_stop_is_dropped_and_its_credit_returns,
               resetting_what_was_delivered_has_no_effect,
                   all_orders_of_data_reset_and_stop_are_survived,
               a_stream_may_be_stopped_from_within_its_event, held_data_comes_again_after_release,
                   backpressure_reaches_the_peer,
               a_reset_reaches_a_held_stream, a_full_buffer_takes_part_and_says_when_there_is_room,
                   urgent_streams_go_first,
               streams_of_one_urgency_go_by_id, incremental_streams_share)
