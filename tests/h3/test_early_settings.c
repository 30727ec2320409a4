/* RFC 9114 §7.2.4.2: settings of the server that a client remembers for early requests. */
#include "h3/rig.h"

static h3_rig *early_client(const char *remembered_hex) {
    h3_rig *rig = malloc(sizeof *rig);
    rig_init(rig, CLIENT);
    rig->conn.is_early = true;
    rig->conn.remembered = test_hex(remembered_hex);
    rig_start(rig);
    return rig;
}

static void end(h3_rig *rig) {
    rig_clear(rig);
    free(rig);
}

RIG_TEST(a_client_keeps_settings_it_understands_with_its_tickets, CLIENT) {
    ck_assert_uint_eq(rig->conn.session_length, 0);
    rig_feed(rig, 3, "00 04 0e  01 5000  21 05  ab603742 01  07 10  33 01", false);
    ck_assert_bytes(rig->conn.session, rig->conn.session_length, "01 5000  07 10  33 01");
}

RIG_TEST(a_server_keeps_nothing, SERVER) {
    rig_feed(rig, 2, "00 04 03  01 5000", false);
    ck_assert_uint_eq(rig->conn.session_length, 0);
}

START_TEST(early_requests_obey_remembered_settings) {
    h3_rig *rig = early_client("06 10  33 01");
    uint64_t id;
    ck_assert_int_eq(leat_h3_open_request(rig->h3, &id), LEAT_OK);
    ck_assert_int_eq(rig_send(rig, id, GET, true), LEAT_ERR_TOO_LARGE);
    end(rig);
    rig = early_client("");
    ck_assert_int_eq(leat_h3_open_request(rig->h3, &id), LEAT_OK);
    ck_assert_int_eq(rig_send(rig, id, GET, true), LEAT_OK);
    end(rig);
}
END_TEST

START_TEST(settings_that_keep_what_was_remembered_are_fine) {
    static const char *const frames[] = {"00 04 05  06 4064  33 01",
                                         "00 04 08  33 01  06 4065  01 4064"};
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        h3_rig *rig = early_client("06 4064  33 01");
        rig_feed(rig, 3, frames[i], false);
        rig_expect_error(rig, 0);
        ck_assert(leat_h3_settings_received(rig->h3));
        end(rig);
    }
}
END_TEST

/* TEST RFC 9114 §7.2.4.2, RFC 9297 §2.1.1, RFC 9204 §3.2.3. */
START_TEST(settings_that_take_back_what_was_remembered_are_an_error) {
    static const struct {
        const char *remembered, *frame;
    } cases[] = {
        {"06 4064", "00 04 03  06 4063"},      /* smaller */
        {"06 4064", "00 04 02  07 10"},        /* left out */
        {"33 01", "00 04 02  33 00"},
        {"08 01", "00 04 00"},
        {"01 5000", "00 04 03  01 5001"},      /* the table may not even grow */
        {"01 5000  07 10", "00 04 05  01 5000  07 0f"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        h3_rig *rig = early_client(cases[i].remembered);
        rig_feed(rig, 3, cases[i].frame, false);
        rig_expect_error(rig, LEAT_H3_SETTINGS_ERROR);
        end(rig);
    }
}
END_TEST

START_TEST(a_server_binds_all_of_its_settings) {
    static const leat_h3_setting further[] = {{0x2b603742, 1}};
    uint8_t first[256], second[256];
    leat_h3_config config;
    leat_h3_config_init(&config);
    size_t length = leat_h3_session_application(&config, first, sizeof first);
    ck_assert_uint_gt(length, 0);
    ck_assert_uint_eq(leat_h3_session_application(&config, first, length - 1), 0);
    config.settings = further;
    config.setting_count = 1;
    ck_assert_uint_gt(leat_h3_session_application(&config, second, sizeof second), length);
    config.setting_count = 0;
    config.max_field_section_size--;
    ck_assert_uint_eq(leat_h3_session_application(&config, second, sizeof second), length);
    ck_assert_mem_ne(first, second, length);
}
END_TEST

LEAT_TEST_MAIN("h3 early settings", a_client_keeps_settings_it_understands_with_its_tickets,
    a_server_keeps_nothing, early_requests_obey_remembered_settings,
    settings_that_keep_what_was_remembered_are_fine,
    settings_that_take_back_what_was_remembered_are_an_error, a_server_binds_all_of_its_settings)
