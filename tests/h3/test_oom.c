/* Every allocation failing in turn: the layer says so or closes the connection, and leaks nothing.
 */
#include "h3/rig.h"

#include "h3/connection.h"

static void on_event(h3_rig *rig, const leat_h3_event *event) {
    leat_h3_header status = LEAT_H3_HEADER(":status", "200");
    if (event->type == LEAT_H3_EVENT_HEADERS_RECEIVED && !rig->conn.is_client &&
        !event->headers_received.is_trailers) {
        leat_h3_read_capsules(rig->h3, event->stream_id);
        leat_h3_send_headers(rig->h3, event->stream_id, &status, 1, false);
        leat_h3_send_data(rig->h3, event->stream_id, (const uint8_t *)"abc", 3, false);
        leat_h3_send_capsule(
            rig->h3, event->stream_id, 5, (leat_span){(const uint8_t *)"xyz", 3}, true);
    }
}

/* One life of a server, with everything that allocates. Feeds may come after the connection was
 * closed. */
static void live_as_server(h3_rig *rig) {
    uint64_t id;
    rig_feed(rig, 2, "00 04 06 01 5000 06 5000", false);
    rig_feed(rig, 2, "800f0700 04 08 753d35", false);
    rig_feed(rig, 6, "02 3fe11f", false);
    rig_feed(rig, 0, "01 09 0200 d4 d7 50 01 61 c1 80", false);
    rig_feed(rig, 6, "41 78 01 79", false);
    rig_headers(rig, 4, WEBTRANSPORT, false);
    rig_feed(rig, 4, "00 07 6843 04 00000007", false);
    rig->conn.room = 20;
    rig_headers(rig, 8, WEBTRANSPORT, false);
    rig_feed(rig, 12, "4041 04 61", true);
    rig_feed(rig, 14, "4054 04 61", true);
    leat_h3_create_webtransport_stream(rig->h3, 4, false, &id);
    rig_headers(rig, 16, GET "\nconnection=close", true);
    leat_h3_goaway(rig->h3);
    rig_reset(rig, 0, LEAT_H3_REQUEST_CANCELLED);
}

static void live_as_client(h3_rig *rig) {
    leat_h3_header get[] = {LEAT_H3_HEADER(":method", "GET"), LEAT_H3_HEADER(":scheme", "https"),
        LEAT_H3_HEADER(":authority", "a"), LEAT_H3_HEADER(":path", "/a/path/of/some/length")};
    uint64_t id;
    rig_feed(rig, 3, "00 04 05 01 5000 07 10 21 00", false);
    for (int i = 0; i < 4; i++) {
        if (leat_h3_open_request(rig->h3, &id) == 0 &&
            leat_h3_send_headers(rig->h3, id, get, 4, false) == 0) {
            leat_h3_send_priority(rig->h3, id, "u=1");
            leat_h3_send_data(rig->h3, id, (const uint8_t *)"abc", 3, true);
            rig_headers(rig, id, ":status=200", false);
            rig_feed(rig, id, "00 02 6f6b", true);
        }
    }
}

/* Returns the number of allocations of a life in which number fail_at failed. */
static size_t live(rig_role role, size_t fail_at, bool is_bytewise) {
    h3_rig *rig = malloc(sizeof *rig);
    int error;
    rig_init(rig, role);
    rig->config.enable_webtransport = true;
    rig->config.qpack_encoder_capacity = 4096;
    rig->is_bytewise = is_bytewise;
    rig->on_event = on_event;
    rig->encoder = leat_qpack_encoder_new(NULL, 0);
    rig->memory.fail_at = fail_at;
    rig->h3 = leat_h3_new(&rig->conn, &rig->config, &error);
    if (rig->h3 != NULL) {
        (role == SERVER ? live_as_server : live_as_client)(rig);
    } else {
        ck_assert_int_eq(error, LEAT_ERR_NOMEM);
    }
    if (rig->conn.is_failed) {
        ck_assert_msg(fail_at != 0 && rig->conn.error_code == LEAT_H3_INTERNAL_ERROR, "%zu: %s",
            fail_at, rig->conn.reason);
    }
    size_t allocations = rig->memory.allocations;
    rig_clear(rig);
    free(rig);
    return allocations;
}

static void fail_in_turn(rig_role role) {
    for (int is_bytewise = 0; is_bytewise < 2; is_bytewise++) {
        size_t allocations = live(role, 0, is_bytewise);
        ck_assert_uint_gt(allocations, 10);
        for (size_t i = 1; i <= allocations; i++) {
            live(role, i, is_bytewise);
        }
    }
}

START_TEST(a_server_survives_every_failing_allocation) { fail_in_turn(SERVER); }
END_TEST
START_TEST(a_client_survives_every_failing_allocation) { fail_in_turn(CLIENT); }
END_TEST

/* A thousand requests in each order of endings leave nothing behind. */
static void end_request(h3_rig *rig, uint64_t id, int order) {
    switch (order) {
    case 0: rig_feed(rig, id, NULL, true); rig_send(rig, id, ":status=200", true); break;
    case 1: rig_send(rig, id, ":status=200", true); rig_feed(rig, id, NULL, true); break;
    case 2: rig_reset(rig, id, 0x10c); rig_send(rig, id, ":status=200", true); break;
    case 3: rig_send(rig, id, ":status=200", true); rig_reset(rig, id, 0x10c); break;
    case 4: rig_feed(rig, id, NULL, true); leat_h3_cancel(rig->h3, id, 0x10c); break;
    case 5: leat_h3_cancel(rig->h3, id, 0x10c); rig_reset(rig, id, 0x10c); break;
    case 6: rig_stop(rig, id, 0x10c); rig_feed(rig, id, NULL, true); break;
    default: rig_feed(rig, id, NULL, true); rig_stop(rig, id, 0x10c); break;
    }
}

START_TEST(requests_leave_nothing_behind) {
    for (int order = 0; order < 8; order++) {
        h3_rig *rig = malloc(sizeof *rig);
        rig_init(rig, SERVER);
        rig_start(rig);
        size_t live_after_first = 0;
        for (uint64_t id = 0; id < 4000; id += 4) {
            rig_headers(rig, id, POST, false);
            end_request(rig, id, order);
            rig_event(rig, &(leat_event){.type = LEAT_EVENT_NONE});
            rig_expect_idle(rig);
            rig->log_length = 0;
            fake_conn_clear(&rig->conn);
            rig->conn.streams[0].used = rig->conn.streams[3].used = false;
            live_after_first = id == 0 ? rig->memory.live : live_after_first;
            ck_assert_uint_le(rig->memory.live, live_after_first + 2);
        }
        rig_clear(rig);
        free(rig);
    }
}
END_TEST

LEAT_TEST_MAIN("h3 memory", a_server_survives_every_failing_allocation,
    a_client_survives_every_failing_allocation, requests_leave_nothing_behind)
