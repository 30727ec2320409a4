/* Streams by ID and the limits on them: quic/stream/stream_map.c, RFC 9000 §2.1, §3.2, §4.6. */
#include "leat_test.h"
#include "quic/stream/stream_map.h"

static const uint8_t hash_key[16] = {1, 2, 3};
static const leat_stream_params our_params = {
    .initial_max_stream_data_bidi_local = 1000,
    .initial_max_stream_data_bidi_remote = 2000,
    .initial_max_stream_data_uni = 3000,
    .initial_max_streams_bidi = 10,
    .initial_max_streams_uni = 4,
};
static const leat_stream_params peer_params = {
    .initial_max_stream_data_bidi_local = 100,
    .initial_max_stream_data_bidi_remote = 200,
    .initial_max_stream_data_uni = 300,
    .initial_max_streams_bidi = 2,
    .initial_max_streams_uni = 1,
};

static void set_up(leat_stream_map *map, const leat_allocator *allocator, bool is_client) {
    leat_stream_map_init(map, allocator, hash_key, is_client, &our_params, 65536);
    leat_stream_map_set_peer_params(map, &peer_params);
}

/* TEST RFC 9000 §2.1: the two low bits of an ID are the initiator and the direction. */
START_TEST(local_streams_are_numbered_by_role_and_direction) {
    for (int is_client = 0; is_client < 2; is_client++) {
        leat_stream_map map;
        leat_stream *stream;
        set_up(&map, NULL, is_client != 0);
        uint64_t base = is_client ? 0 : 1;
        ck_assert_int_eq(leat_stream_map_open(&map, LEAT_BIDI, &stream), LEAT_OK);
        ck_assert_uint_eq(stream->id, base);
        ck_assert_int_eq(leat_stream_map_open(&map, LEAT_BIDI, &stream), LEAT_OK);
        ck_assert_uint_eq(stream->id, base + 4);
        ck_assert_int_eq(leat_stream_map_open(&map, LEAT_UNI, &stream), LEAT_OK);
        ck_assert_uint_eq(stream->id, base + 2);
        leat_stream_map_clear(&map);
    }
}
END_TEST

/* TEST RFC 9000 §4.6-2: no more local streams than the peer allows. */
START_TEST(opening_stops_at_the_limit_of_the_peer) {
    leat_stream_map map;
    leat_stream *stream;
    set_up(&map, NULL, true);
    leat_stream_map_open(&map, LEAT_UNI, &stream);
    ck_assert_int_eq(leat_stream_map_open(&map, LEAT_UNI, &stream), LEAT_ERR_STREAM_LIMIT);
    ck_assert(leat_flow_wants_blocked(&map.counts[LEAT_UNI]));
    leat_flow_on_limit(&map.counts[LEAT_UNI], 2);
    ck_assert_int_eq(leat_stream_map_open(&map, LEAT_UNI, &stream), LEAT_OK);
    leat_stream_map_clear(&map);
}
END_TEST

/* TEST RFC 9000 §4.6-3: an ID beyond the limit that we gave is an error. */
START_TEST(a_peer_stream_beyond_our_limit_is_refused) {
    leat_stream_map map;
    leat_stream *stream;
    set_up(&map, NULL, false);
    ck_assert_int_eq(leat_stream_map_accept(&map, 4 * 9, &stream), LEAT_STREAM_OPENED);
    ck_assert_int_eq(leat_stream_map_accept(&map, 4 * 10, &stream), LEAT_STREAM_OVER_LIMIT);
    ck_assert_ptr_null(stream);
    ck_assert_int_eq(leat_stream_map_accept(&map, 4 * 4 + 2, &stream), LEAT_STREAM_OVER_LIMIT);
    ck_assert_int_eq(leat_stream_map_accept(&map, UINT64_MAX >> 2 & ~UINT64_C(3), &stream),
        LEAT_STREAM_OVER_LIMIT);
    leat_stream_map_clear(&map);
}
END_TEST

/*
 * TEST RFC 9000 §3.2-1, E9: a high ID opens the lower ones, and they cost no object until they are
 * used.
 */
START_TEST(lower_streams_are_opened_implicitly_and_made_when_used) {
    leat_stream_map map;
    leat_stream *stream;
    set_up(&map, NULL, false);
    ck_assert_int_eq(leat_stream_map_accept(&map, 4 * 9, &stream), LEAT_STREAM_OPENED);
    ck_assert_uint_eq(leat_stream_map_count(&map), 1);
    ck_assert_int_eq(leat_stream_map_accept(&map, 4 * 3, &stream), LEAT_STREAM_OPENED);
    ck_assert_int_eq(leat_stream_map_accept(&map, 4 * 3, &stream), LEAT_STREAM_FOUND);
    ck_assert_uint_eq(leat_stream_map_count(&map), 2);
    leat_stream_map_clear(&map);
}
END_TEST

/* TEST RFC 9000 §2.1-1: an ID is never used again. */
START_TEST(a_closed_stream_is_finished_for_good_and_takes_no_memory) {
    leat_stream_map map;
    leat_stream *stream;
    set_up(&map, NULL, false);
    leat_stream_map_accept(&map, 0, &stream);
    leat_stream_map_accept(&map, 8, &stream);
    leat_stream_map_close(&map, stream);
    ck_assert_int_eq(leat_stream_map_accept(&map, 8, &stream), LEAT_STREAM_FINISHED);
    ck_assert_ptr_null(stream);
    ck_assert_ptr_null(leat_stream_map_find(&map, 8));
    ck_assert_int_eq(leat_stream_map_accept(&map, 4, &stream), LEAT_STREAM_OPENED);
    leat_stream_map_close(&map, stream);
    ck_assert_int_eq(leat_stream_map_accept(&map, 4, &stream), LEAT_STREAM_FINISHED);
    ck_assert_uint_eq(leat_stream_map_count(&map), 1);
    leat_stream_map_clear(&map);
}
END_TEST

START_TEST(a_local_stream_that_was_not_opened_is_told_from_a_finished_one) {
    leat_stream_map map;
    leat_stream *stream;
    set_up(&map, NULL, true);
    ck_assert_int_eq(leat_stream_map_accept(&map, 0, &stream), LEAT_STREAM_UNOPENED);
    leat_stream_map_open(&map, LEAT_BIDI, &stream);
    ck_assert_int_eq(leat_stream_map_accept(&map, 0, &stream), LEAT_STREAM_FOUND);
    leat_stream_map_close(&map, stream);
    ck_assert_int_eq(leat_stream_map_accept(&map, 0, &stream), LEAT_STREAM_FINISHED);
    leat_stream_map_clear(&map);
}
END_TEST

/* TEST RFC 9000 §4.6-6, V4: closing gives stream credit back, and only closing does. */
START_TEST(credit_for_streams_comes_back_when_they_are_closed) {
    leat_stream_map map;
    leat_stream *stream;
    set_up(&map, NULL, false);
    for (uint64_t id = 0; id < 5 * 4; id += 4) {
        leat_stream_map_accept(&map, id, &stream);
    }
    ck_assert(!leat_flow_wants_update(&map.counts[LEAT_BIDI]));
    for (uint64_t id = 0; id < 5 * 4; id += 4) {
        leat_stream_map_close(&map, leat_stream_map_find(&map, id));
    }
    ck_assert(leat_flow_wants_update(&map.counts[LEAT_BIDI]));
    ck_assert_uint_eq(leat_flow_update(&map.counts[LEAT_BIDI]), 15);
    leat_stream_map_clear(&map);
}
END_TEST

START_TEST(closing_a_local_stream_gives_the_peer_no_credit) {
    leat_stream_map map;
    leat_stream *stream;
    set_up(&map, NULL, true);
    leat_stream_map_accept(&map, 1, &stream);
    leat_stream_map_open(&map, LEAT_BIDI, &stream);
    leat_stream_map_close(&map, stream);
    ck_assert_uint_eq(map.counts[LEAT_BIDI].consumed, 0);
    leat_stream_map_clear(&map);
}
END_TEST

/* TEST RFC 9000 §18.2: which parameter limits which stream depends on who opened it. */
START_TEST(each_kind_of_stream_starts_with_its_own_limits) {
    leat_stream_map map;
    leat_stream *stream;
    set_up(&map, NULL, true);
    leat_stream_map_open(&map, LEAT_BIDI, &stream);
    ck_assert_uint_eq(stream->flow.send_max, 200);
    ck_assert_uint_eq(stream->flow.receive_max, 1000);
    leat_stream_map_open(&map, LEAT_UNI, &stream);
    ck_assert_uint_eq(stream->flow.send_max, 300);
    ck_assert_int_eq(stream->recv_state, LEAT_RECV_NONE);
    leat_stream_map_accept(&map, 1, &stream);
    ck_assert_uint_eq(stream->flow.send_max, 100);
    ck_assert_uint_eq(stream->flow.receive_max, 2000);
    leat_stream_map_accept(&map, 3, &stream);
    ck_assert_uint_eq(stream->flow.receive_max, 3000);
    ck_assert_int_eq(stream->send_state, LEAT_SEND_NONE);
    leat_stream_map_clear(&map);
}
END_TEST

START_TEST(real_parameters_raise_the_limits_of_streams_opened_with_remembered_ones) {
    leat_stream_map map;
    leat_stream *stream;
    set_up(&map, NULL, true);
    leat_stream_map_open(&map, LEAT_BIDI, &stream);
    leat_stream_params real = peer_params;
    real.initial_max_stream_data_bidi_remote = 5000;
    real.initial_max_streams_bidi = 3;
    leat_stream_map_set_peer_params(&map, &real);
    ck_assert_uint_eq(stream->flow.send_max, 5000);
    ck_assert_uint_eq(map.counts[LEAT_BIDI].send_max, 3);
    leat_stream_map_clear(&map);
}
END_TEST

START_TEST(a_stream_is_finished_when_both_parts_are) {
    leat_stream_map map;
    leat_stream *stream;
    set_up(&map, NULL, false);
    leat_stream_map_accept(&map, 0, &stream);
    ck_assert(!leat_stream_is_finished(stream));
    stream->recv_state = LEAT_RECV_DATA_READ;
    ck_assert(!leat_stream_is_finished(stream));
    stream->send_state = LEAT_SEND_RESET_RECVD;
    ck_assert(leat_stream_is_finished(stream));
    leat_stream_map_clear(&map);
}
END_TEST

START_TEST(closing_leaves_all_lists) {
    leat_stream_map map;
    leat_stream *stream;
    leat_list ready, events;
    leat_list_init(&ready);
    leat_list_init(&events);
    set_up(&map, NULL, false);
    leat_stream_map_accept(&map, 0, &stream);
    leat_list_push_back(&ready, &stream->ready_node);
    leat_list_push_back(&events, &stream->event_node);
    leat_stream_map_close(&map, stream);
    ck_assert(leat_list_is_empty(&ready));
    ck_assert(leat_list_is_empty(&events));
    leat_stream_map_clear(&map);
}
END_TEST

/* E6: a long churn of streams leaves no memory behind. */
START_TEST(many_short_streams_cost_no_memory) {
    test_memory memory;
    test_memory_init(&memory);
    leat_stream_map map;
    leat_stream *stream;
    set_up(&map, &memory.allocator, false);
    size_t live = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        ck_assert_int_eq(leat_stream_map_accept(&map, 4 * i, &stream), LEAT_STREAM_OPENED);
        leat_stream_map_close(&map, stream);
        if (leat_flow_wants_update(&map.counts[LEAT_BIDI])) {
            leat_flow_update(&map.counts[LEAT_BIDI]);
        }
        live = i == 100 ? memory.bytes_live : live;
    }
    ck_assert_uint_le(memory.bytes_live, live);
    leat_stream_map_clear(&map);
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

START_TEST(a_stream_that_could_not_be_made_leaves_no_trace_of_the_lower_ones) {
    test_memory memory;
    test_memory_init(&memory);
    leat_stream_map map;
    leat_stream *stream;
    set_up(&map, &memory.allocator, false);
    memory.fail_at = 2; /* the stream object; the set of implicit ones comes first */
    ck_assert_int_eq(leat_stream_map_accept(&map, 4 * 5, &stream), LEAT_STREAM_NOMEM);
    ck_assert_int_eq(leat_stream_map_accept(&map, 4 * 3, &stream), LEAT_STREAM_OPENED);
    leat_stream_map_close(&map, stream);
    ck_assert_int_eq(leat_stream_map_accept(&map, 4 * 3, &stream), LEAT_STREAM_FINISHED);
    leat_stream_map_clear(&map);
}
END_TEST

START_TEST(without_memory_nothing_is_opened_and_a_second_try_works) {
    for (size_t fail_at = 1; fail_at <= 8; fail_at++) {
        test_memory memory;
        test_memory_init(&memory);
        leat_stream_map map;
        leat_stream *stream;
        set_up(&map, &memory.allocator, false);
        memory.fail_at = fail_at;
        static const uint64_t ids[] = {4 * 2, 4 * 5, 4 * 1, 4 * 8, 4 * 4};
        for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
            leat_stream_lookup lookup = leat_stream_map_accept(&map, ids[i], &stream);
            if (lookup == LEAT_STREAM_NOMEM) {
                ck_assert_ptr_null(stream);
                lookup = leat_stream_map_accept(&map, ids[i], &stream);
            }
            ck_assert_int_eq(lookup, LEAT_STREAM_OPENED);
        }
        int err = leat_stream_map_open(&map, LEAT_BIDI, &stream);
        err = err == LEAT_ERR_NOMEM ? leat_stream_map_open(&map, LEAT_BIDI, &stream) : err;
        ck_assert_int_eq(err, LEAT_OK);
        ck_assert_uint_eq(stream->id, 1);
        ck_assert_uint_eq(leat_stream_map_count(&map), 6);
        leat_stream_map_clear(&map);
        ck_assert_uint_eq(memory.live, 0);
    }
}
END_TEST

LEAT_TEST_MAIN("quic/stream stream_map", local_streams_are_numbered_by_role_and_direction,
    opening_stops_at_the_limit_of_the_peer, a_peer_stream_beyond_our_limit_is_refused,
    lower_streams_are_opened_implicitly_and_made_when_used,
    a_closed_stream_is_finished_for_good_and_takes_no_memory,
    a_local_stream_that_was_not_opened_is_told_from_a_finished_one,
    credit_for_streams_comes_back_when_they_are_closed,
    closing_a_local_stream_gives_the_peer_no_credit, each_kind_of_stream_starts_with_its_own_limits,
    real_parameters_raise_the_limits_of_streams_opened_with_remembered_ones,
    a_stream_is_finished_when_both_parts_are, closing_leaves_all_lists,
    many_short_streams_cost_no_memory,
    a_stream_that_could_not_be_made_leaves_no_trace_of_the_lower_ones,
    without_memory_nothing_is_opened_and_a_second_try_works)
