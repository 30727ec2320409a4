/* What version_information says, checked in both roles, and versions as configured: RFC 9368 §4. */
#include "../pair.h"

#include <leat/version.h>

static const uint32_t one_then_two[] = {LEAT_VERSION_1, LEAT_VERSION_2};
static const uint32_t two_then_one[] = {LEAT_VERSION_2, LEAT_VERSION_1};

static void prefer(pair *p, pair_side side, const uint32_t *versions, size_t count) {
    p->ends[side].config.versions = versions;
    p->ends[side].config.version_count = count;
}

static void lose_first_flight(pair *p) {
    pair_start(p);
    p->link.black_hole[PAIR_SERVER] = true;
    pair_flush(p, PAIR_CLIENT);
    p->link.black_hole[PAIR_SERVER] = false;
}

/* ---- version_information --------------------------------------------------------------------- */

/* What the side makes of the peer's version_information, given as hex; NULL: there is none. */
static bool judge(leat_conn *conn, const char *hex) {
    leat_transport_params params;
    leat_transport_params_default(&params);
    if (hex != NULL) {
        params.present = UINT32_C(1) << LEAT_TP_VERSION_INFORMATION;
        params.version_information = test_hex(hex);
    }
    return leat_version_on_peer_params(conn, &params);
}

static void check_client(bool has_reacted, const char *hex, uint64_t error_code) {
    pair *p = pair_new();
    prefer(p, PAIR_CLIENT, two_then_one, 2);
    p->ends[PAIR_CLIENT].config.original_version = LEAT_VERSION_1;
    lose_first_flight(p);
    pair_conn(p, PAIR_CLIENT)->version.has_reacted = has_reacted;
    ck_assert_int_eq(judge(pair_conn(p, PAIR_CLIENT), hex), error_code == LEAT_NO_ERROR);
    if (error_code != LEAT_NO_ERROR) {
        pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_PROTOCOL_ERROR, error_code);
    }
    pair_free(p);
}

/* TEST RFC 9368 §4: the client's checks. The client speaks version 1 and prefers 2. */
START_TEST(a_client_checks_what_the_server_says) {
    check_client(false, NULL, LEAT_NO_ERROR);
    check_client(false, "00000001", LEAT_NO_ERROR);
    check_client(false, "00000001 6b3343cf 00000001", LEAT_NO_ERROR);
    check_client(false, "6b3343cf 6b3343cf 00000001", LEAT_VERSION_NEGOTIATION_ERROR);
    check_client(false, "1a2a3a4a 00000001", LEAT_VERSION_NEGOTIATION_ERROR);
    check_client(true, NULL, LEAT_VERSION_NEGOTIATION_ERROR);
    check_client(true, "00000001", LEAT_VERSION_NEGOTIATION_ERROR);
    check_client(true, "00000001 00000001 faceb00c", LEAT_NO_ERROR);
    check_client(true, "00000001 faceb00c", LEAT_NO_ERROR);
    check_client(true, "00000001 00000001 6b3343cf", LEAT_VERSION_NEGOTIATION_ERROR);
}
END_TEST

/* TEST RFC 9368 §4: a header that was switched on the way shows in what is authenticated. */
START_TEST(a_client_that_was_switched_needs_to_be_told_so) {
    static const char *const bad[] = {NULL, "00000001 00000001 6b3343cf"};
    for (size_t i = 0; i < 2; i++) {
        pair *p = pair_new();
        lose_first_flight(p);
        pair_conn(p, PAIR_CLIENT)->version.current = LEAT_VERSION_2;
        ck_assert(!judge(pair_conn(p, PAIR_CLIENT), bad[i]));
        pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_PROTOCOL_ERROR,
                               LEAT_VERSION_NEGOTIATION_ERROR);
        pair_free(p);
    }
}
END_TEST

/* A server that has seen the header of a first flight of version 1. */
static leat_conn *fresh_server(pair *p) {
    int error = 0;
    const leat_path path = {p->ends[PAIR_SERVER].address, p->ends[PAIR_CLIENT].address};
    leat_span initial = test_hex("c3 00000001 08 0102030405060708 00 00 00");
    leat_conn *server =
        leat_conn_new_server(&p->ends[PAIR_SERVER].config, initial, &path, p->now, &error);
    ck_assert_int_eq(error, LEAT_OK);
    return p->ends[PAIR_SERVER].conn = server;
}

static void check_server(const char *hex, uint64_t error_code, uint32_t version) {
    pair *p = pair_new();
    prefer(p, PAIR_SERVER, two_then_one, 2);
    leat_conn *server = fresh_server(p);
    ck_assert_int_eq(judge(server, hex), error_code == LEAT_NO_ERROR);
    if (error_code != LEAT_NO_ERROR) {
        pair_assert_terminated(p, PAIR_SERVER, LEAT_SOURCE_PROTOCOL_ERROR, error_code);
    } else {
        ck_assert_uint_eq(leat_conn_version(server), version);
    }
    pair_free(p);
}

/* TEST RFC 9368 §4: the server's checks. The first flight is of version 1, and it prefers 2. */
START_TEST(a_server_checks_what_the_client_says) {
    check_server(NULL, LEAT_NO_ERROR, LEAT_VERSION_1);
    check_server("00000001 00000001", LEAT_NO_ERROR, LEAT_VERSION_1);
    check_server("00000001 00000001 6b3343cf", LEAT_NO_ERROR, LEAT_VERSION_2);
    check_server("00000001 1a2a3a4a 00000001 faceb00c", LEAT_NO_ERROR, LEAT_VERSION_1);
    check_server("00000001 6b3343cf", LEAT_TRANSPORT_PARAMETER_ERROR, 0);
    check_server("6b3343cf 6b3343cf 00000001", LEAT_VERSION_NEGOTIATION_ERROR, 0);
    check_server("6b3343cf 00000001", LEAT_TRANSPORT_PARAMETER_ERROR, 0);
}
END_TEST

/* ---- configuration --------------------------------------------------------------------------- */

START_TEST(versions_that_cannot_be_spoken_are_refused) {
    static const uint32_t unknown[] = {LEAT_VERSION_1, 0xfaceb00c}, too_many[5] = {1, 1, 1, 1, 1};
    pair *p = pair_new();
    leat_config *config = &p->ends[PAIR_CLIENT].config;
    int error = LEAT_OK;
    prefer(p, PAIR_CLIENT, unknown, 2);
    ck_assert_ptr_null(leat_conn_new(config, &error));
    ck_assert_int_eq(error, LEAT_ERR_INVALID);
    prefer(p, PAIR_CLIENT, too_many, 5);
    ck_assert_ptr_null(leat_conn_new(config, &error));
    prefer(p, PAIR_CLIENT, one_then_two, 0);
    ck_assert_ptr_null(leat_conn_new(config, &error));
    prefer(p, PAIR_CLIENT, one_then_two, 1);
    config->original_version = LEAT_VERSION_2;
    ck_assert_ptr_null(leat_conn_new(config, &error));
    pair_free(p);
}
END_TEST

START_TEST(a_client_without_version_1_begins_with_what_it_has) {
    pair *p = pair_new();
    int error = LEAT_OK;
    prefer(p, PAIR_CLIENT, two_then_one, 1);
    leat_conn *conn = leat_conn_new(&p->ends[PAIR_CLIENT].config, &error);
    ck_assert_uint_eq(leat_conn_version(conn), LEAT_VERSION_2);
    leat_conn_free(conn);
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/version_information", a_client_checks_what_the_server_says,
               a_client_that_was_switched_needs_to_be_told_so,
               a_server_checks_what_the_client_says, versions_that_cannot_be_spoken_are_refused,
               a_client_without_version_1_begins_with_what_it_has)
