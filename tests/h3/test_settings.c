/* SETTINGS sent and received, and the streams that a connection begins with. RFC 9114 §3.2, §6.2,
 * §7.2.4. */
#include "h3/rig.h"

/* TEST RFC 9114 §6.2.1-1, §7.2.4.1-1: settings first, one of them without meaning. */
RIG_TEST(a_server_begins_with_its_three_streams, SERVER) {
    rig_expect_sent(
        rig, 3, "00 04 13  01 5000  06 80010000  07 10  08 01  33 01  8000525a 00", false);
    rig_expect_sent(rig, 7, "02", false);
    rig_expect_sent(rig, 11, "03", false);
    ck_assert_int_eq(fake_find(&rig->conn, 3)->urgency, 0);
}

RIG_TEST(a_client_does_not_offer_extended_connect, CLIENT) {
    rig_expect_sent(rig, 2, "00 04 11  01 5000  06 80010000  07 10  33 01  8000525a 00", false);
}

START_TEST(the_configuration_is_what_is_sent) {
    static const leat_h3_setting further[] = {{0x2b603742, 1}, {0xc671706a, 16}};
    h3_rig *rig = malloc(sizeof *rig);
    rig_init(rig, SERVER);
    rig->config.max_field_section_size = 100;
    rig->config.qpack_max_table_capacity = 0;
    rig->config.qpack_blocked_streams = 0;
    rig->config.enable_connect_protocol = false;
    rig->config.enable_datagrams = false;
    rig->config.settings = further;
    rig->config.setting_count = 2;
    rig_start(rig);
    rig_expect_sent(rig, 3,
        "00 04 1a  01 00  06 4064  07 00  8000525a 00  ab603742 01  c0000000c671706a 10", false);
    rig_clear(rig);
    free(rig);
}
END_TEST

START_TEST(too_many_settings_of_our_own_are_invalid) {
    static leat_h3_setting further[64];
    h3_rig *rig = malloc(sizeof *rig);
    int error = 0;
    for (size_t i = 0; i < 64; i++) {
        further[i] =
            (leat_h3_setting){LEAT_H3_SETTINGS_MAX + (UINT64_C(1) << 40) + i, UINT64_C(1) << 40};
    }
    rig_init(rig, SERVER);
    rig->config.settings = further;
    rig->config.setting_count = 64;
    rig->h3 = leat_h3_new(&rig->conn, &rig->config, &error);
    ck_assert_ptr_null(rig->h3);
    ck_assert_int_eq(error, LEAT_ERR_INVALID);
    rig_clear(rig);
    free(rig);
}
END_TEST

RIG_TEST(the_peers_settings_are_told_and_kept, SERVER) {
    uint64_t value = 77;
    ck_assert(!leat_h3_settings_received(rig->h3));
    rig_feed(rig, 2, "00 04 0a  01 5000  ab603742 01  21 05", false);
    rig_expect(rig, "SETTINGS 1=4096 2b603742=1 21=5\n");
    ck_assert(leat_h3_settings_received(rig->h3));
    ck_assert(leat_h3_peer_setting(rig->h3, 0x2b603742, &value));
    ck_assert_uint_eq(value, 1);
    ck_assert(!leat_h3_peer_setting(rig->h3, 0x33, &value));
}

RIG_TEST(thirty_two_settings_are_enough, SERVER) {
    char hex[1024] = "00 04 4042";
    for (int i = 0; i < 33; i++) {
        snprintf(hex + strlen(hex), sizeof hex - strlen(hex), " %02x00", i + 0x10 + (i > 0x20));
    }
    rig_feed(rig, 2, hex, false);
    rig_expect_error(rig, LEAT_H3_EXCESSIVE_LOAD);
}

/* TEST RFC 9114 §6.2-1: a peer that gives no streams gets ours when it does. */
START_TEST(critical_streams_wait_for_the_peers_permission) {
    h3_rig *rig = malloc(sizeof *rig);
    rig_init(rig, SERVER);
    rig->conn.streams_allowed = 1;
    rig_start(rig);
    ck_assert_uint_gt(fake_find(&rig->conn, 3)->sent_length, 1);
    rig->conn.streams_allowed = 3;
    leat_event event = {.type = LEAT_EVENT_STREAMS_AVAILABLE};
    event.streams_available.unidirectional = true;
    rig_event(rig, &event);
    rig_expect_sent(rig, 7, "02", false);
    rig_expect_sent(rig, 11, "03", false);
    rig_clear(rig);
    free(rig);
}
END_TEST

START_TEST(settings_wait_for_room) {
    h3_rig *rig = malloc(sizeof *rig);
    rig_init(rig, CLIENT);
    rig->conn.room = 4;
    rig_start(rig);
    rig_expect_sent(rig, 2, "00 041101", false);
    rig->conn.room = 100;
    rig_event(rig, &(leat_event){.type = LEAT_EVENT_STREAM_WRITABLE, .stream = {2}});
    rig_expect_sent(rig, 2, "00 04 11  01 5000  06 80010000  07 10  33 01  8000525a 00", false);
    rig_expect(rig, "");
    rig_clear(rig);
    free(rig);
}
END_TEST

RIG_TEST(our_table_is_announced_to_the_peers_encoder_only, CLIENT) {
    rig_settings(rig);
    rig_expect_sent(rig, 6, "02", false); /* capacity 0: nothing to say on the encoder stream */
    ck_assert_ptr_eq(leat_h3_conn(rig->h3), &rig->conn);
}

LEAT_TEST_MAIN("h3 settings", a_server_begins_with_its_three_streams,
    a_client_does_not_offer_extended_connect, the_configuration_is_what_is_sent,
    too_many_settings_of_our_own_are_invalid, the_peers_settings_are_told_and_kept,
    thirty_two_settings_are_enough, critical_streams_wait_for_the_peers_permission,
    settings_wait_for_room, our_table_is_announced_to_the_peers_encoder_only)
