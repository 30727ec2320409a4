/* Each allocation fails in turn: nothing leaks, and a session that is known ends once. */
#include "webtransport/wt_rig.h"

/* A life with everything in it. */
static void live(wt_rig *rig) {
    uint64_t id;
    wt_feed(rig, wt_peer_uni(rig, 3), "4054 00 61",
        true); /* for a client: of a session it does not know */
    wt_datagram_in(rig, "00 61");
    wt_settings(rig);
    if (rig->fake.conn.is_client) {
        leat_wt_connect(rig->wt, "a.example", "/c", "https://a.example", NULL, 0, &id);
    } else {
        wt_request(rig, 0);
    }
    wt_datagram_in(rig, "00 62");
    wt_feed(rig, wt_peer_uni(rig, 4), "4054 00 61", false);
    wt_answer(rig, 0);
    wt_feed(rig, wt_peer_bidi(rig, 1), "4041 00 61", false);
    if (leat_wt_open_stream(rig->wt, 0, false, &id) == 0) {
        leat_wt_send_stream_data(rig->wt, id, (const uint8_t *)"hi", 2, true);
    }
    leat_wt_send_datagram(rig->wt, 0, (leat_span){NULL, 0}, 5);
    wt_close_capsule(rig, 0, 7, "bye", 3, true);
    if (rig->fake.conn.is_client) {
        if (leat_wt_connect(rig->wt, "a.example", "/d", NULL, NULL, 0, &id) == 0) {
            wt_headers(rig, id, ":status=404", true);
        }
    } else {
        wt_request(rig, 8);
    }
    leat_wt_close(rig->wt, 8, 1, "here", 4);
    wt_drain(rig);
    wt_terminate(rig,
        rig->fake.conn.is_failed ? LEAT_SOURCE_PROTOCOL_ERROR : LEAT_SOURCE_IDLE_TIMEOUT,
        rig->fake.conn.error_code);
}

/* Sessions that were announced are those that ended. */
static size_t count(const char *log, const char *what) {
    size_t found = 0;
    for (; (log = strstr(log, what)) != NULL; log++) {
        found++;
    }
    return found;
}

static size_t live_with_failure(wt_role role, bool is_bytewise, size_t fail_at) {
    static wt_rig rig;
    wt_init(&rig, role, LEAT_WT_DIALECT_DRAFT02);
    rig.is_bytewise = is_bytewise;
    rig.memory.fail_at = fail_at;
    if (wt_start(&rig)) {
        live(&rig);
        ck_assert_uint_le(count(rig.log, "SessionRequested"), rig.closed_count);
        ck_assert_uint_eq(leat_wt_session_count(rig.wt), 0);
        ck_assert_int_eq(rig.fake.liveness, 0);
    }
    size_t allocations = rig.memory.allocations;
    wt_clear(&rig);
    return allocations;
}

static void each_allocation(wt_role role, bool is_bytewise) {
    size_t allocations = live_with_failure(role, is_bytewise, 0);
    ck_assert_uint_gt(allocations, 20);
    for (size_t i = 1; i <= allocations; i++) {
        live_with_failure(role, is_bytewise, i);
    }
}

START_TEST(every_failing_allocation_of_a_server_is_survived) {
    each_allocation(WT_SERVER, false);
    each_allocation(WT_SERVER, true);
}
END_TEST

START_TEST(every_failing_allocation_of_a_client_is_survived) {
    each_allocation(WT_CLIENT, false);
    each_allocation(WT_CLIENT, true);
}
END_TEST

LEAT_TEST_MAIN("webtransport memory", every_failing_allocation_of_a_server_is_survived,
    every_failing_allocation_of_a_client_is_survived)
