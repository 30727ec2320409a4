/* GOAWAY both ways: RFC 9114 §5.2. */
#include "h3/rig.h"

RIG_TEST(a_server_names_the_next_request, SERVER) {
    rig_headers(rig, 0, GET, false);
    rig_headers(rig, 8, GET, false);
    fake_forget(&rig->conn, 3);
    ck_assert_int_eq(leat_h3_goaway(rig->h3), 0);
    rig_expect_sent(rig, 3, "07 01 0c", false);
    ck_assert_int_eq(leat_h3_goaway(rig->h3), 0);
    rig_expect_sent(rig, 3, "07 01 0c", false);
}

RIG_TEST(a_server_without_requests_names_the_first, SERVER) {
    fake_forget(&rig->conn, 3);
    ck_assert_int_eq(leat_h3_goaway(rig->h3), 0);
    rig_expect_sent(rig, 3, "07 01 00", false);
}

RIG_TEST(later_requests_are_rejected_and_earlier_ones_go_on, SERVER) {
    rig_headers(rig, 4, POST, false);
    leat_h3_goaway(rig->h3);
    rig_headers(rig, 8, GET, true);
    rig_headers(rig, 0, GET, true);
    rig_feed(rig, 4, "00 01 61", true);
    rig_expect(rig, rig->is_bytewise ? "HEADERS 4 " POST_SEEN "\nHEADERS 0 " GET_SEEN
                                       "\nDATA 0  end\nDATA 4 61 end\n"
                                     : "HEADERS 4 " POST_SEEN "\nHEADERS 0 " GET_SEEN
                                       " end\nDATA 4 61 end\n");
    rig_expect_aborted(rig, 8, LEAT_H3_REQUEST_REJECTED);
    ck_assert_uint_eq(leat_h3_open_requests(rig->h3), 2);
}

RIG_TEST(sessions_keep_opening_streams_after_goaway, SERVER) {
    rig_headers(rig, 0, WEBTRANSPORT, false);
    leat_h3_goaway(rig->h3);
    rig_feed(rig, 4, "4041 00 61", false);
    rig_expect(rig, "HEADERS 0 " WEBTRANSPORT_SEEN "\nnew WT session 0 4 61\n");
}

RIG_TEST(a_client_opens_no_request_after_goaway, CLIENT) {
    uint64_t id;
    ck_assert_int_eq(leat_h3_open_request(rig->h3, &id), 0);
    rig_feed(rig, 3, "00 04 00 07 01 08 07 01 04 07 01 04", false);
    rig_expect(rig, "SETTINGS\nGOAWAY 8\nGOAWAY 4\nGOAWAY 4\n");
    ck_assert_int_eq(leat_h3_open_request(rig->h3, &id), LEAT_ERR_REFUSED);
    ck_assert_int_eq(rig_send(rig, 0, GET, true), 0);
}

/* TEST RFC 9114 §5.2-5. */
RIG_TEST(a_shutdown_processes_what_is_on_its_way_for_a_round_trip, SERVER) {
    rig_headers(rig, 0, GET, true);
    fake_forget(&rig->conn, 3);
    ck_assert_int_eq(leat_h3_shutdown(rig->h3), 0);
    rig_expect_sent(rig, 3, "07 08 ff ff ff ff ff ff ff fc", false);
    rig_headers(rig, 4, GET, true);
    ck_assert_uint_eq(leat_h3_open_requests(rig->h3), 2);
    fake_forget(&rig->conn, 3);
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_PING_ACKNOWLEDGED,
                                 .ping_acknowledged.uid = rig->conn.last_ping});
    rig_expect_sent(rig, 3, "07 01 08", false);
    rig_headers(rig, 8, GET, true);
    rig_expect_aborted(rig, 8, LEAT_H3_REQUEST_REJECTED);
}

RIG_TEST(a_shutdown_in_a_hurry_names_the_next_request_at_once, SERVER) {
    fake_forget(&rig->conn, 3);
    ck_assert_int_eq(leat_h3_shutdown(rig->h3), 0);
    ck_assert_int_eq(leat_h3_shutdown(rig->h3), 0);
    rig_expect_sent(rig, 3, "07 08 ff ff ff ff ff ff ff fc 07 01 00", false);
}

RIG_TEST(a_client_says_goaway_too, CLIENT) {
    fake_forget(&rig->conn, 2);
    ck_assert_int_eq(leat_h3_goaway(rig->h3), 0);
    rig_expect_sent(rig, 2, "07 01 00", false);
}

RIG_TEST(the_clients_goaway_is_told, SERVER) {
    rig_feed(rig, 2, "00 04 00 07 01 03", false);
    rig_expect(rig, "SETTINGS\nGOAWAY 3\n");
}

RIG_TEST(a_closed_connection_says_nothing, SERVER) {
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_CONNECTION_TERMINATED});
    ck_assert_int_eq(leat_h3_goaway(rig->h3), LEAT_ERR_STATE);
    rig_headers(rig, 0, GET, true);
    rig_expect(rig, "");
}

LEAT_TEST_MAIN("h3 goaway", a_server_names_the_next_request,
    a_server_without_requests_names_the_first, later_requests_are_rejected_and_earlier_ones_go_on,
    sessions_keep_opening_streams_after_goaway,
    a_shutdown_processes_what_is_on_its_way_for_a_round_trip,
    a_shutdown_in_a_hurry_names_the_next_request_at_once, a_client_opens_no_request_after_goaway,
    a_client_says_goaway_too, the_clients_goaway_is_told, a_closed_connection_says_nothing)
