/* Path MTU discovery of whole connections, RFC 9000 §14: both roles, paths that change. */
#include "../pair.h"

#define TRANSFER 100000

/* Datagrams above this many bytes vanish, by who sends them; 0: none do. */
typedef struct narrow {
    size_t limit[2];
    unsigned dropped[2];
} narrow;

static bool squeeze(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    narrow *n = user;
    (void)p;
    bool passes = n->limit[from] == 0 || datagram->length <= n->limit[from];
    n->dropped[from] += !passes;
    return passes;
}

static pair *searching_pair(narrow *n) {
    pair *p = pair_new();
    *n = (narrow){.limit = {0, 0}};
    p->link.filter = squeeze;
    p->link.filter_user = n;
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        p->ends[side].config.max_send_udp_payload = 1200;
        p->ends[side].config.max_mtu = 1472;
    }
    return p;
}

static void transfer(pair *p, pair_side from) {
    static uint8_t bytes[TRANSFER];
    uint64_t id = 0;
    ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, from), true, &id), 0);
    pair_send_all(p, from, id, bytes, sizeof bytes, true);
    for (unsigned i = 0; i < 300 && !pair_stream_of(p, PAIR_OTHER(from), id)->ended; i++) {
        pair_run_for(p, 100 * LEAT_MILLISECOND);
    }
    ck_assert_uint_eq(pair_stream_of(p, PAIR_OTHER(from), id)->length, TRANSFER);
    pair_settle(p);
}

static leat_stats stats_of(pair *p, pair_side side) {
    leat_stats stats;
    leat_conn_get_stats(pair_conn(p, side), &stats);
    return stats;
}

START_TEST(who_sends_much_finds_the_larger_mtu_in_either_role) {
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        narrow n;
        pair *p = searching_pair(&n);
        pair_handshake(p);
        size_t before = leat_conn_max_datagram_payload(pair_conn(p, side));
        ck_assert_uint_eq(stats_of(p, side).path_mtu, 1200);
        transfer(p, side);
        ck_assert_uint_eq(stats_of(p, side).path_mtu, 1472);
        ck_assert_uint_eq(p->ends[side].largest_out, 1472);
        ck_assert_uint_eq(leat_conn_max_datagram_payload(pair_conn(p, side)), before + 272);
        /* The other one had nothing large to send. */
        ck_assert_uint_eq(stats_of(p, PAIR_OTHER(side)).path_mtu, 1200);
        pair_free(p);
    }
}
END_TEST

/* TEST RFC 9000 §14.4: probes that do not pass are no sign of congestion. */
START_TEST(lost_probes_do_not_touch_the_congestion_window) {
    narrow n;
    pair *p = searching_pair(&n);
    n.limit[PAIR_CLIENT] = 1300;
    p->ends[PAIR_CLIENT].config.congestion_control = "newreno";
    pair_handshake(p);
    transfer(p, PAIR_CLIENT);
    ck_assert_uint_ge(n.dropped[PAIR_CLIENT], 3);
    ck_assert_uint_eq(pair_conn(p, PAIR_CLIENT)->recovery.stats.congestion_events, 0);
    transfer(p, PAIR_CLIENT);
    ck_assert_uint_le(stats_of(p, PAIR_CLIENT).path_mtu, 1300);
    ck_assert_uint_gt(stats_of(p, PAIR_CLIENT).path_mtu, 1300 - 17);
    pair_free(p);
}
END_TEST

START_TEST(each_direction_has_a_size_of_its_own) {
    narrow n;
    pair *p = searching_pair(&n);
    n.limit[PAIR_SERVER] = 1250;
    pair_handshake(p);
    transfer(p, PAIR_CLIENT);
    transfer(p, PAIR_SERVER);
    ck_assert_uint_eq(stats_of(p, PAIR_CLIENT).path_mtu, 1472);
    ck_assert_uint_le(stats_of(p, PAIR_SERVER).path_mtu, 1250);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §18.2: the peer's max_udp_payload_size is never exceeded, by probes neither. */
START_TEST(the_peers_limit_is_the_ceiling) {
    narrow n;
    pair *p = searching_pair(&n);
    p->ends[PAIR_SERVER].config.max_udp_payload_size = 1333;
    pair_handshake(p);
    transfer(p, PAIR_CLIENT);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].largest_out, 1333);
    ck_assert_uint_eq(stats_of(p, PAIR_CLIENT).path_mtu, 1333);
    pair_free(p);
}
END_TEST

/* TEST RFC 8899 §4.3: a path that narrows while it is used is survived, and measured again. */
START_TEST(a_transfer_survives_a_path_that_narrows) {
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        narrow n;
        pair *p = searching_pair(&n);
        pair_handshake(p);
        transfer(p, side);
        n.limit[side] = 1250;
        transfer(p, side);
        transfer(p, side);
        ck_assert_uint_le(stats_of(p, side).path_mtu, 1250);
        ck_assert_uint_ge(stats_of(p, side).path_mtu, 1200);
        pair_free(p);
    }
}
END_TEST

/* A size that was configured, not measured, may be too large from the first flight on. */
START_TEST(a_first_size_that_does_not_pass_still_connects) {
    narrow n;
    pair *p = searching_pair(&n);
    p->ends[PAIR_SERVER].config.max_send_udp_payload = 1400;
    n.limit[PAIR_SERVER] = 1232;
    pair_start(p);
    pair_run_for(p, 9 * LEAT_SECOND);
    ck_assert(pair_conn(p, PAIR_CLIENT)->handshake.is_confirmed);
    transfer(p, PAIR_SERVER);
    pair_free(p);
}
END_TEST

START_TEST(a_connection_that_sends_little_probes_nothing) {
    narrow n;
    pair *p = searching_pair(&n);
    pair_handshake(p);
    pair_send_text(p, PAIR_CLIENT, false, "hello", true);
    pair_settle(p);
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].largest_out, 1200);
    pair_free(p);
}
END_TEST

/* Who uses DATAGRAM frames cannot split what is too large. */
START_TEST(a_datagram_frame_starts_the_search) {
    narrow n;
    pair *p = searching_pair(&n);
    pair_handshake(p);
    const leat_span part = {(const uint8_t *)"tick", 4};
    ck_assert_int_eq(leat_conn_send_datagram_frame(pair_conn(p, PAIR_CLIENT), &part, 1, 0), 0);
    pair_settle(p);
    ck_assert_uint_eq(stats_of(p, PAIR_CLIENT).path_mtu, 1472);
    pair_free(p);
}
END_TEST

START_TEST(queued_datagrams_that_no_longer_fit_are_lost) {
    static const uint8_t bytes[1400];
    narrow n;
    pair *p = searching_pair(&n);
    pair_handshake(p);
    transfer(p, PAIR_CLIENT);
    leat_conn *conn = pair_conn(p, PAIR_CLIENT);
    const leat_span part = {bytes, sizeof bytes};
    ck_assert_int_eq(leat_conn_send_datagram_frame(conn, &part, 1, 7), 0);
    leat_conn_on_datagram_too_large(conn, 1472, p->now);
    ck_assert_uint_eq(stats_of(p, PAIR_CLIENT).path_mtu, 1200);
    pair_take_events(p, PAIR_CLIENT);
    pair_settle(p);
    ck_assert_str_eq(pair_take_events(p, PAIR_CLIENT), "DatagramFrameFate");
    ck_assert_uint_eq(stats_of(p, PAIR_CLIENT).datagrams_lost, 1);
    ck_assert_int_eq(leat_conn_send_datagram_frame(conn, &part, 1, 8), 0);
    pair_free(p);
}
END_TEST

/* A batch for one GSO call has one size; a probe goes alone. */
START_TEST(a_probe_is_a_batch_of_its_own) {
    static uint8_t bytes[20000], buffer[65536];
    narrow n;
    pair *p = searching_pair(&n);
    pair_handshake(p);
    leat_conn *conn = pair_conn(p, PAIR_CLIENT);
    uint64_t id = 0;
    ck_assert_int_eq(leat_conn_open_stream(conn, true, &id), 0);
    leat_conn_send_stream_data(conn, id, bytes, 5000, false);
    leat_transmit out;
    size_t first = leat_conn_datagrams_to_send(conn, buffer, sizeof buffer, &out, p->now);
    ck_assert_uint_gt(first, 4 * 1200);
    ck_assert_uint_eq(out.segment_size, 1200);
    size_t probe = leat_conn_datagrams_to_send(conn, buffer, sizeof buffer, &out, p->now);
    ck_assert_uint_eq(probe, 1472);
    ck_assert_uint_eq(out.segment_size, 1472);
    ck_assert_uint_eq(leat_conn_datagrams_to_send(conn, buffer, sizeof buffer, &out, p->now), 0);
    pair_free(p);
}
END_TEST

/* TEST RFC 9000 §14.3: another host is another path; a new port most likely is not. */
START_TEST(a_new_host_begins_at_the_first_size) {
    narrow n;
    pair *p = searching_pair(&n);
    pair_handshake(p);
    transfer(p, PAIR_SERVER);
    p->ends[PAIR_CLIENT].address.port++;
    pair_send_text(p, PAIR_CLIENT, false, "another port", true);
    pair_settle(p);
    ck_assert_uint_eq(stats_of(p, PAIR_SERVER).path_mtu, 1472);
    p->ends[PAIR_CLIENT].address.ip[3] = 77;
    pair_send_text(p, PAIR_CLIENT, false, "another host", true);
    pair_settle(p);
    ck_assert_uint_eq(stats_of(p, PAIR_SERVER).path_mtu, 1200);
    transfer(p, PAIR_SERVER);
    ck_assert_uint_eq(stats_of(p, PAIR_SERVER).path_mtu, 1472);
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn mtu", who_sends_much_finds_the_larger_mtu_in_either_role,
               lost_probes_do_not_touch_the_congestion_window, each_direction_has_a_size_of_its_own,
               the_peers_limit_is_the_ceiling, a_transfer_survives_a_path_that_narrows,
               a_first_size_that_does_not_pass_still_connects,
               a_connection_that_sends_little_probes_nothing, a_datagram_frame_starts_the_search,
               queued_datagrams_that_no_longer_fit_are_lost, a_probe_is_a_batch_of_its_own,
               a_new_host_begins_at_the_first_size)
