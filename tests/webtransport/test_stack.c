/* The layer on real connections: early and held streams with flow control, bad networks, failing
 * memory. */
#include "golden/golden.h"

#define SESSIONS 3
#define STREAMS 8
#define LARGE 600000

/* What both applications saw. */
typedef struct sightings {
    bool keeps_requests, holds;
    uint64_t held_id;
    bool has_held;
    size_t bytes[2], ends[2], datagrams[2], opened[2], ready[2];
    uint64_t closed[2][16];
    size_t closed_count[2];
    leat_wt_cause causes[2][16];
    bool is_wrong; /* bytes that are not what was sent */
} sightings;

static uint8_t byte_at(size_t place) {
    return (uint8_t)(place * 7 + place / 251);
}

static void note_closed(sightings *seen, pair_side side, const leat_wt_event *event) {
    size_t count = seen->closed_count[side];
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_ne(seen->closed[side][i], event->session_id);
    }
    ck_assert_uint_lt(count, 16);
    seen->closed[side][count] = event->session_id;
    seen->causes[side][count] = event->session_closed.cause;
    seen->closed_count[side]++;
}

static void check_data(golden *g, pair_side side, const leat_wt_event *event) {
    sightings *seen = g->user;
    leat_span data = event->stream_data_received.data;
    size_t taken = seen->holds && data.length > 1000 ? 1000 : data.length;
    if (seen->holds && !seen->has_held) {
        seen->has_held =
            leat_wt_hold_stream(golden_wt(g, side), event->stream_id, data.length - taken) == 0;
        seen->held_id = event->stream_id;
    } else {
        taken = data.length;
    }
    for (size_t i = 0; i < taken; i++) {
        seen->is_wrong = seen->is_wrong || data.data[i] != byte_at(seen->bytes[side] + i);
    }
    seen->bytes[side] += taken;
    seen->ends[side] += event->stream_data_received.end_stream && taken == data.length;
}

static void watch(golden *g, pair_side side, const leat_wt_event *event) {
    sightings *seen = g->user;
    for (size_t i = 0; i < seen->closed_count[side]; i++) {
        ck_assert_uint_ne(seen->closed[side][i], event->session_id);
    }
    switch (event->type) {
    case LEAT_WT_EVENT_SESSION_REQUESTED:
        if (!seen->keeps_requests) {
            leat_wt_accept(golden_wt(g, side), event->session_id, NULL, 0);
        }
        break;
    case LEAT_WT_EVENT_SESSION_READY:
        seen->ready[side]++;
        break;
    case LEAT_WT_EVENT_STREAM_OPENED:
        seen->opened[side]++;
        break;
    case LEAT_WT_EVENT_STREAM_DATA_RECEIVED:
        check_data(g, side, event);
        break;
    case LEAT_WT_EVENT_DATAGRAM_RECEIVED:
        seen->datagrams[side]++;
        break;
    case LEAT_WT_EVENT_SESSION_CLOSED:
        note_closed(seen, side, event);
        break;
    default:
        break;
    }
}

static golden *begin(sightings *seen) {
    golden *g = golden_new();
    memset(seen, 0, sizeof *seen);
    g->on_wt_event = watch;
    g->user = seen;
    g->is_silent = true;
    return g;
}

static uint64_t ask(golden *g) {
    uint64_t id = 0;
    ck_assert_int_eq(
        leat_wt_connect(golden_wt(g, PAIR_CLIENT), "localhost", "/", NULL, NULL, 0, &id), 0);
    return id;
}

/* A whole pattern on a stream of QUIC, in pieces as there is room. */
static void send_pattern(golden *g, pair_side side, uint64_t id, size_t length) {
    uint8_t *bytes = malloc(length);
    for (size_t i = 0; i < length; i++) {
        bytes[i] = byte_at(i);
    }
    for (size_t sent = 0; sent < length;) {
        ptrdiff_t taken =
            leat_conn_send_stream_data(golden_conn(g, side), id, bytes + sent, length - sent, true);
        ck_assert_int_ge((int)taken, 0);
        sent += (size_t)taken;
        golden_run_for(g, 50 * LEAT_MILLISECOND);
        if (taken == 0 && ((sightings *)g->user)->has_held) {
            break;
        }
    }
    free(bytes);
}

START_TEST(an_early_stream_waits_with_all_of_its_bytes) {
    sightings seen;
    uint64_t stream_id;
    golden *g = begin(&seen);
    seen.keeps_requests = true;
    golden_connect(g);
    uint64_t id = ask(g);
    golden_settle(g);
    /* Our own calls wait for the answer; other clients do not. */
    ck_assert_int_eq(
        leat_h3_create_webtransport_stream(g->ends[PAIR_CLIENT].h3, id, true, &stream_id), 0);
    send_pattern(g, PAIR_CLIENT, stream_id, 100000);
    ck_assert_int_eq(
        leat_h3_create_webtransport_stream(g->ends[PAIR_CLIENT].h3, id, false, &stream_id), 0);
    golden_run_for(g, LEAT_SECOND);
    ck_assert_uint_eq(seen.opened[PAIR_SERVER], 0);
    ck_assert_int_eq(leat_wt_accept(golden_wt(g, PAIR_SERVER), id, NULL, 0), 0);
    golden_settle(g);
    ck_assert_uint_eq(seen.opened[PAIR_SERVER], 2);
    ck_assert_uint_eq(seen.bytes[PAIR_SERVER], 100000);
    ck_assert_uint_eq(seen.ends[PAIR_SERVER], 1);
    ck_assert(!seen.is_wrong);
    golden_free(g);
}
END_TEST

START_TEST(a_held_stream_holds_the_sender_back) {
    sightings seen;
    uint64_t stream_id;
    golden *g = begin(&seen);
    seen.holds = true;
    golden_open(g);
    ck_assert_int_eq(leat_wt_open_stream(golden_wt(g, PAIR_CLIENT), 0, true, &stream_id), 0);
    send_pattern(g, PAIR_CLIENT, stream_id, LARGE);
    golden_run_for(g, LEAT_SECOND);
    ck_assert_uint_le(seen.bytes[PAIR_SERVER], 1000);
    leat_stats stats = {.size = sizeof stats};
    leat_conn_get_stats(golden_conn(g, PAIR_SERVER), &stats);
    ck_assert_uint_le(stats.stream_bytes_received, 300000);
    seen.holds = false;
    ck_assert_int_eq(leat_wt_release_stream(golden_wt(g, PAIR_SERVER), seen.held_id), 0);
    golden_settle(g);
    ck_assert_uint_gt(seen.bytes[PAIR_SERVER], 200000);
    ck_assert(!seen.is_wrong);
    golden_free(g);
}
END_TEST

/* ---- a bad network ------------------------------------------------------------------- */

static void talk(golden *g, pair_side side, uint64_t session_id) {
    uint64_t id;
    for (int i = 0; i < STREAMS; i++) {
        if (leat_wt_open_stream(golden_wt(g, side), session_id, i % 2 == 0, &id) == 0) {
            leat_wt_send_stream_data(golden_wt(g, side), id, NULL, 0, true);
        }
        leat_wt_send_datagram(
            golden_wt(g, side), session_id, (leat_span){(const uint8_t *)"x", 1}, 1);
    }
}

static void live_on_a_bad_network(uint64_t seed) {
    sightings seen;
    golden *g = begin(&seen);
    g->pair->seed = seed;
    golden_connect(g);
    g->pair->link.loss = 10;
    g->pair->link.reorder = 20;
    g->pair->link.duplication = 10;
    for (int i = 0; i < SESSIONS; i++) {
        ask(g);
    }
    golden_run_for(g, 5 * LEAT_SECOND);
    ck_assert_uint_eq(seen.ready[PAIR_CLIENT], SESSIONS);
    for (uint64_t i = 0; i < SESSIONS; i++) {
        talk(g, PAIR_CLIENT, 4 * i);
        talk(g, PAIR_SERVER, 4 * i);
    }
    golden_run_for(g, 5 * LEAT_SECOND);
    ck_assert_uint_eq(seen.ends[PAIR_CLIENT], SESSIONS * STREAMS);
    ck_assert_uint_eq(seen.ends[PAIR_SERVER], SESSIONS * STREAMS);
    ck_assert_uint_le(seen.datagrams[PAIR_SERVER], SESSIONS * STREAMS);
    for (uint64_t i = 0; i < SESSIONS; i++) {
        ck_assert_int_eq(
            leat_wt_close(golden_wt(g, i % 2 == 0 ? PAIR_CLIENT : PAIR_SERVER), 4 * i, 7, "bye", 3),
            0);
    }
    golden_run_for(g, 5 * LEAT_SECOND);
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        ck_assert_uint_eq(seen.closed_count[side], SESSIONS);
        for (size_t i = 0; i < SESSIONS; i++) {
            bool is_ours = (seen.closed[side][i] / 4 % 2 == 0) == (side == PAIR_CLIENT);
            ck_assert_int_eq(
                seen.causes[side][i], is_ours ? LEAT_WT_CAUSE_LOCAL : LEAT_WT_CAUSE_CAPSULE);
        }
        ck_assert(!leat_wt_is_closing(golden_wt(g, side)));
        ck_assert_uint_eq(leat_h3_open_requests(g->ends[side].h3), 0);
    }
    golden_free(g);
}

START_TEST(sessions_live_and_end_on_a_bad_network) {
    for (uint64_t seed = 1; seed <= 12; seed++) {
        live_on_a_bad_network(seed);
    }
}
END_TEST

/* ---- memory ------------------------------------------------------------------------------------
 */

/* Allocation number `fail_at` after the handshake fails. False: there were not so many. */
static bool live_without(size_t fail_at) {
    sightings seen;
    uint64_t id;
    golden *g = begin(&seen);
    golden_connect(g);
    size_t before = g->pair->memory.allocations;
    g->pair->memory.fail_at = before + fail_at;
    size_t asked = 0;
    for (int i = 0; i < 2; i++) {
        asked +=
            leat_wt_connect(golden_wt(g, PAIR_CLIENT), "localhost", "/", NULL, NULL, 0, &id) == 0;
    }
    golden_run_for(g, LEAT_SECOND);
    talk(g, PAIR_CLIENT, 0);
    talk(g, PAIR_SERVER, 0);
    golden_run_for(g, LEAT_SECOND);
    leat_wt_close(golden_wt(g, PAIR_SERVER), 0, 7, "bye", 3);
    golden_run_for(g, LEAT_SECOND);
    bool has_failed = g->pair->memory.allocations >= g->pair->memory.fail_at;
    leat_conn_close(golden_conn(g, PAIR_CLIENT), 0, "");
    leat_conn_close(golden_conn(g, PAIR_SERVER), 0, "");
    golden_run_for(g, LEAT_SECOND);
    ck_assert_uint_eq(seen.closed_count[PAIR_CLIENT], asked);
    ck_assert_uint_le(seen.ready[PAIR_SERVER], seen.closed_count[PAIR_SERVER]);
    golden_free(g);
    return has_failed;
}

START_TEST(each_allocation_on_real_connections_may_fail) {
    size_t i = 1;
    while (live_without(i)) {
        i++;
    }
    ck_assert_uint_gt(i, 50);
}
END_TEST

LEAT_TEST_MAIN("webtransport stack", an_early_stream_waits_with_all_of_its_bytes,
    a_held_stream_holds_the_sender_back, sessions_live_and_end_on_a_bad_network,
    each_allocation_on_real_connections_may_fail)
