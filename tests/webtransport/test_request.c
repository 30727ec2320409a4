/* How sessions begin: settings, request, answer; both roles, dialects 02 and 07. */
#include "webtransport/wt_rig.h"

#define REQUESTED(dialect)                                                                         \
    "SessionRequested session_id=0 authority=\"a.example\" path=\"/c\" origin=\"\" "               \
    "dialect=" dialect "\n"
#define READY(dialect) "SessionReady session_id=0 dialect=" dialect "\n"
#define FAILED(id, origin, http_code)                                                              \
    "SessionClosed session_id=" id " origin=" origin                                               \
    " cause=connect_failed code=0 reason=\"\" http_code=" http_code " quic_code=0 clean=no "       \
    "connection_usable=yes silent_for=0ms datagrams_dropped=0\n"

static const char *by_dialect(const wt_rig *rig, const char *draft02, const char *draft07) {
    return rig->dialect == LEAT_WT_DIALECT_DRAFT02 ? draft02 : draft07;
}

/* ---- the choice of a dialect ----------------------------------------------------------------- */

static const struct {
    const char *settings;                 /* the control stream of the peer */
    leat_wt_dialect of_client, of_server; /* what we choose as a server, as a client */
} choices[] = {
    {"00 04 00", LEAT_WT_DIALECT_NONE, LEAT_WT_DIALECT_NONE},
    {"00 04 02 3301", LEAT_WT_DIALECT_NONE, LEAT_WT_DIALECT_NONE},
    /* TEST draft-ietf-webtrans-http3-02 §3.1, §3.2: the setting implies extended CONNECT. */
    {"00 04 07 3301 ab60374201", LEAT_WT_DIALECT_DRAFT02, LEAT_WT_DIALECT_DRAFT02},
    {"00 04 07 3301 ab60374200", LEAT_WT_DIALECT_NONE, LEAT_WT_DIALECT_NONE},
    /* TEST draft-ietf-webtrans-http3-07 §3.1, §3.2: a server says extended CONNECT too. */
    {"00 04 0b 3301 c0000000c671706a01", LEAT_WT_DIALECT_DRAFT07, LEAT_WT_DIALECT_NONE},
    {"00 04 0d 3301 0801 c0000000c671706a01", LEAT_WT_DIALECT_DRAFT07, LEAT_WT_DIALECT_DRAFT07},
    {"00 04 0d 3301 0801 c0000000c671706a00", LEAT_WT_DIALECT_NONE, LEAT_WT_DIALECT_NONE},
    {"00 04 0e 3301 0801 c0000000c671706a7fff", LEAT_WT_DIALECT_DRAFT07, LEAT_WT_DIALECT_DRAFT07},
    /* TEST draft-ietf-webtrans-http3-07 §3.1: no datagrams, no sessions; the datagrams of draft-04
       are not those of RFC 9297. */
    {"00 04 0d 3300 0801 c0000000c671706a01", LEAT_WT_DIALECT_NONE, LEAT_WT_DIALECT_NONE},
    {"00 04 0b 0801 c0000000c671706a01", LEAT_WT_DIALECT_NONE, LEAT_WT_DIALECT_NONE},
    {"00 04 0a 80ffd27701 ab60374201", LEAT_WT_DIALECT_NONE, LEAT_WT_DIALECT_NONE},
    /* The newest of both. Chromium's and Firefox's settings as measured, without grease. */
    {"00 04 12 3301 0801 ab60374201 c0000000c671706a01", LEAT_WT_DIALECT_DRAFT07,
        LEAT_WT_DIALECT_DRAFT07},
    {"00 04 19 0180010000 0680004000 074064 3301 80ffd27701 ab60374201", LEAT_WT_DIALECT_DRAFT02,
        LEAT_WT_DIALECT_DRAFT02},
    {"00 04 15 0180010000 0714 ab60374201 80ffd27701 3301 0801", LEAT_WT_DIALECT_DRAFT02,
        LEAT_WT_DIALECT_DRAFT02},
};

static void choose(wt_role role, size_t i) {
    static wt_rig rig;
    wt_init(&rig, role, LEAT_WT_DIALECT_COUNT);
    wt_start(&rig);
    wt_feed(&rig, wt_peer_uni(&rig, 0), choices[i].settings, false);
    wt_expect_connection_lives(&rig);
    leat_wt_dialect expected = role == WT_SERVER ? choices[i].of_client : choices[i].of_server;
    ck_assert_msg(leat_wt_dialect_choose(rig.h3, role == WT_CLIENT) == expected, "row %zu", i);
    wt_clear(&rig);
}

START_TEST(the_dialect_is_the_newest_that_the_peers_settings_allow) {
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        choose(WT_SERVER, i);
        choose(WT_CLIENT, i);
    }
}
END_TEST

WT_TEST(a_peer_without_quic_datagrams_has_no_dialect) {
    rig->fake.takes_no_datagrams = true;
    wt_settings(rig);
    ck_assert_int_eq(
        leat_wt_dialect_choose(rig->h3, rig->fake.conn.is_client), LEAT_WT_DIALECT_NONE);
}

WT_TEST(the_setting_of_draft_02_is_0_or_1) {
    /* TEST draft-ietf-webtrans-http3-02 §3.1 */
    wt_feed(rig, wt_peer_uni(rig, 0), "00 04 07 3301 ab60374202", false);
    ck_assert(rig->fake.conn.is_failed);
    ck_assert_uint_eq(rig->fake.conn.error_code, LEAT_H3_SETTINGS_ERROR);
}

WT_TEST(all_dialects_are_offered) {
    uint64_t value = 0;
    for (size_t i = 0; i < rig->h3_config.setting_count; i++) {
        value += rig->h3_config.settings[i].id == 0x2b603742 ? rig->h3_config.settings[i].value : 0;
        value += rig->h3_config.settings[i].id == 0xc671706a
                     ? 100 * rig->h3_config.settings[i].value
                     : 0;
        value += rig->h3_config.settings[i].id == 0xffd277
                     ? 10000 * rig->h3_config.settings[i].value
                     : 0;
    }
    ck_assert_uint_eq(value, 11601);
    ck_assert(rig->h3_config.enable_connect_protocol && rig->h3_config.enable_datagrams &&
              rig->h3_config.enable_webtransport);
}

/* ---- server ---------------------------------------------------------------------------------- */

WT_TEST_OF(a_request_is_accepted, WT_SERVER) {
    wt_settings(rig);
    wt_request(rig, 0);
    wt_expect(rig, by_dialect(rig, REQUESTED("draft-02") READY("draft-02"),
                       REQUESTED("draft-07") READY("draft-07")));
    wt_expect_fields_sent(rig, 0, ":status=200");
    ck_assert(!fake_find(&rig->fake.conn, 0)->end_sent);
    ck_assert_int_eq(rig->fake.liveness, 1);
    ck_assert_int_eq(leat_wt_accept(rig->wt, 0, NULL, 0), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_wt_refuse(rig->wt, 0, 404, "too late"), LEAT_ERR_STATE);
}

WT_TEST_OF(the_version_field_of_draft_02_is_answered, WT_SERVER) {
    wt_settings(rig);
    wt_headers(
        rig, 0, WT_CONNECT "\nsec-webtransport-http3-draft02=1\norigin=https://a.example", false);
    wt_expect(rig, by_dialect(rig,
                       "SessionRequested session_id=0 authority=\"a.example\" path=\"/c\" "
                       "origin=\"https://a.example\" dialect=draft-02\n" READY("draft-02"),
                       "SessionRequested session_id=0 authority=\"a.example\" path=\"/c\" "
                       "origin=\"https://a.example\" dialect=draft-07\n" READY("draft-07")));
    wt_expect_fields_sent(rig, 0,
        by_dialect(rig, ":status=200\nsec-webtransport-http3-draft=draft02", ":status=200"));
}

static void accept_with_fields(wt_rig *rig, const leat_wt_event *event) {
    if (event->type == LEAT_WT_EVENT_SESSION_REQUESTED) {
        leat_h3_header field = leat_h3_header_of("x-greeting", "hello");
        ck_assert_uint_eq(event->session_requested.header_count, 6);
        ck_assert(leat_span_is(
            leat_h3_find_header(event->session_requested.headers, 6, "x-token"), "abc"));
        ck_assert_int_eq(leat_wt_accept(rig->wt, event->session_id, &field, 1), 0);
    }
}

WT_TEST_OF(fields_of_request_and_answer_are_passed_on, WT_SERVER) {
    rig->on_event = accept_with_fields;
    wt_settings(rig);
    wt_headers(rig, 0, WT_CONNECT "\nx-token=abc", false);
    wt_expect_fields_sent(rig, 0, ":status=200\nx-greeting=hello");
}

WT_TEST_OF(a_request_waits_for_the_clients_settings, WT_SERVER) {
    /* TEST draft-ietf-webtrans-http3-07 §3.1 */
    wt_request(rig, 0);
    wt_expect(rig, "");
    ck_assert_int_eq(leat_wt_accept(rig->wt, 0, NULL, 0), LEAT_ERR_STATE);
    wt_settings(rig);
    wt_expect(rig, by_dialect(rig, REQUESTED("draft-02") READY("draft-02"),
                       REQUESTED("draft-07") READY("draft-07")));
}

WT_TEST_OF(a_client_without_a_known_version_is_refused, WT_SERVER) {
    wt_request(rig, 0);
    wt_feed(rig, wt_peer_uni(rig, 0), "00 04 02 3301", false);
    wt_expect(rig, "");
    wt_expect_fields_sent(rig, 0,
        ":status=400\ndetails=the client's SETTINGS offer no WebTransport version that is spoken "
        "here");
    ck_assert(fake_find(&rig->fake.conn, 0)->end_sent);
    ck_assert_uint_eq(leat_wt_session_count(rig->wt), 0);
    wt_expect_connection_lives(rig);
}

WT_TEST_OF(a_refusal_answers_and_ends_the_session, WT_SERVER) {
    rig->keeps_requests = true;
    wt_settings(rig);
    wt_request(rig, 0);
    wt_forget(rig);
    ck_assert_int_eq(leat_wt_refuse(rig->wt, 0, 200, "no"), LEAT_ERR_INVALID);
    ck_assert_int_eq(leat_wt_refuse(rig->wt, 0, 299, "no"), LEAT_ERR_INVALID);
    ck_assert_int_eq(leat_wt_refuse(rig->wt, 0, 600, "no"), LEAT_ERR_INVALID);
    ck_assert_int_eq(leat_wt_refuse(rig->wt, 0, 404, "not here"), 0);
    wt_drain(rig);
    wt_expect(rig, FAILED("0", "local", "404"));
    wt_expect_fields_sent(rig, 0, ":status=404\ndetails=not here");
    ck_assert(fake_find(&rig->fake.conn, 0)->end_sent);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, 0)->stopped, LEAT_H3_NO_ERROR);
    ck_assert_uint_eq(leat_h3_open_requests(rig->h3), 0);
    wt_reset(rig, 0, LEAT_H3_REQUEST_CANCELLED);
    wt_feed(rig, 0, NULL, true);
    wt_expect(rig, "");
}

WT_TEST_OF(a_refusal_needs_no_words, WT_SERVER) {
    rig->keeps_requests = true;
    wt_settings(rig);
    wt_request(rig, 0);
    ck_assert_int_eq(leat_wt_refuse(rig->wt, 0, 503, NULL), 0);
    wt_expect_fields_sent(rig, 0, ":status=503");
}

WT_TEST_OF(one_session_too_many_is_answered_with_429, WT_SERVER) {
    rig->config.max_sessions = 2;
    leat_wt_free(rig->wt);
    leat_h3_free(rig->h3);
    fake_conn_clear(&rig->fake.conn);
    fake_conn_init(&rig->fake.conn, false);
    wt_start(rig);
    wt_settings(rig);
    wt_request(rig, 0);
    wt_request(rig, 4);
    wt_forget(rig);
    wt_feed(rig, wt_peer_uni(rig, 3), "4054 08 61", false); /* overtook its request */
    wt_datagram_in(rig, "02 61");
    wt_request(rig, 8);
    wt_expect(rig, "");
    wt_expect_fields_sent(rig, 8, ":status=429\ndetails=too many sessions on this connection");
    ck_assert(fake_find(&rig->fake.conn, 8)->end_sent);
    wt_expect_aborted(rig, wt_peer_uni(rig, 3), LEAT_WT_SESSION_GONE);
    ck_assert_uint_eq(leat_h3_open_requests(rig->h3), 2);
    leat_wt_close(rig->wt, 0, 0, NULL, 0);
    wt_drain(rig);
    wt_request(rig, 12);
    ck_assert_uint_eq(leat_wt_session_count(rig->wt), 2);
    wt_expect_connection_lives(rig);
}

WT_TEST_OF(a_request_with_fin_is_no_session, WT_SERVER) {
    wt_settings(rig);
    wt_headers(rig, 0, WT_CONNECT, true);
    ck_assert_uint_eq(leat_wt_session_count(rig->wt), 0);
    wt_expect_connection_lives(rig);
    if (!rig->is_bytewise) {
        wt_expect(rig, "");
    }
}

WT_TEST_OF(other_requests_are_left_alone, WT_SERVER) {
    wt_settings(rig);
    wt_headers(rig, 0, ":method=GET\n:scheme=https\n:authority=a\n:path=/", true);
    wt_headers(rig, 4, ":method=CONNECT\n:protocol=websocket\n:scheme=https\n:authority=a\n:path=/",
        false);
    wt_headers(rig, 8, ":method=CONNECT\n:authority=a:80", false);
    wt_expect(rig, "");
    ck_assert_uint_eq(leat_wt_session_count(rig->wt), 0);
    ck_assert_int_eq(leat_wt_accept(rig->wt, 0, NULL, 0), LEAT_ERR_STATE);
    wt_expect_connection_lives(rig);
}

WT_TEST_OF(a_session_closed_before_the_answer_is_told_once, WT_SERVER) {
    rig->keeps_requests = true;
    wt_settings(rig);
    wt_request(rig, 0);
    wt_forget(rig);
    wt_close_capsule(rig, 0, 3, "x", 1, true);
    wt_expect(rig, "SessionClosed session_id=0 origin=peer cause=capsule code=3 reason=\"x\" "
                   "http_code=0 quic_code=0 clean=yes "
                   "connection_usable=yes silent_for=0ms datagrams_dropped=0\n");
    ck_assert_int_eq(leat_wt_accept(rig->wt, 0, NULL, 0), LEAT_ERR_STATE);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, 0)->reset, LEAT_H3_REQUEST_CANCELLED);
}

WT_TEST_OF(a_server_may_close_instead_of_answering, WT_SERVER) {
    rig->keeps_requests = true;
    wt_settings(rig);
    wt_request(rig, 0);
    wt_forget(rig);
    ck_assert_int_eq(leat_wt_close(rig->wt, 0, 1, "no", 2), 0);
    wt_drain(rig);
    wt_expect(rig, "SessionClosed session_id=0 origin=local cause=local code=1 reason=\"no\" "
                   "http_code=0 quic_code=0 clean=yes "
                   "connection_usable=yes silent_for=0ms datagrams_dropped=0\n");
    wt_expect_aborted(rig, 0, LEAT_H3_REQUEST_REJECTED);
}

/* ---- client ---------------------------------------------------------------------------------- */

#define ASKED                                                                                      \
    ":method=CONNECT\n:protocol=webtransport\n:scheme=https\n:authority=a.example\n:path=/c"

WT_TEST_OF(a_session_is_asked_for, WT_CLIENT) {
    wt_settings(rig);
    wt_request(rig, 0);
    wt_expect(rig, "");
    wt_expect_fields_sent(
        rig, 0, by_dialect(rig, ASKED "\nsec-webtransport-http3-draft02=1", ASKED));
    wt_answer(rig, 0);
    wt_expect(rig, by_dialect(rig, READY("draft-02"), READY("draft-07")));
    ck_assert_int_eq(rig->fake.liveness, 1);
    ck_assert_int_eq(leat_wt_accept(rig->wt, 0, NULL, 0), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_wt_refuse(rig->wt, 0, 404, ""), LEAT_ERR_STATE);
}

WT_TEST_OF(a_request_waits_for_the_servers_settings, WT_CLIENT) {
    wt_request(rig, 0);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, 0)->sent_length, 0);
    wt_settings(rig);
    wt_expect_fields_sent(
        rig, 0, by_dialect(rig, ASKED "\nsec-webtransport-http3-draft02=1", ASKED));
}

WT_TEST_OF(origin_and_further_fields_are_sent, WT_CLIENT) {
    uint64_t id;
    leat_h3_header field = leat_h3_header_of("x-token", "abc");
    wt_settings(rig);
    ck_assert_int_eq(
        leat_wt_connect(rig->wt, "a.example", "/c", "https://b.example", &field, 1, &id), 0);
    wt_expect_fields_sent(rig, id,
        by_dialect(rig,
            ASKED "\norigin=https://b.example\nx-token=abc\nsec-webtransport-http3-draft02=1",
            ASKED "\norigin=https://b.example\nx-token=abc"));
}

WT_TEST_OF(any_2xx_opens_the_session_and_1xx_does_not, WT_CLIENT) {
    wt_settings(rig);
    wt_request(rig, 0);
    wt_headers(rig, 0, ":status=103", false);
    wt_expect(rig, "");
    wt_headers(rig, 0, ":status=204\nsec-webtransport-http3-draft=draft02", false);
    wt_expect(rig, by_dialect(rig, READY("draft-02"), READY("draft-07")));
}

WT_TEST_OF(another_status_is_a_refusal, WT_CLIENT) {
    wt_settings(rig);
    wt_request(rig, 0);
    wt_headers(rig, 0, ":status=404\ndetails=not here", false);
    wt_expect(rig, "SessionRefused session_id=0 status=404\n" FAILED("0", "peer", "404"));
    ck_assert_uint_eq(leat_wt_session_count(rig->wt), 0);
    ck_assert_uint_eq(leat_h3_open_requests(rig->h3), 0);
    ck_assert_int_eq(rig->fake.liveness, 0);
}

WT_TEST_OF(redirections_are_not_followed, WT_CLIENT) {
    /* TEST draft-ietf-webtrans-http3-07 §3.3 */
    wt_settings(rig);
    wt_request(rig, 0);
    wt_headers(rig, 0, ":status=307\nlocation=https://b.example/", true);
    wt_expect(rig, "SessionRefused session_id=0 status=307\n" FAILED("0", "peer", "307"));
}

WT_TEST_OF(a_server_without_a_known_version_fails_the_request, WT_CLIENT) {
    wt_request(rig, 0);
    wt_feed(rig, wt_peer_uni(rig, 0), "00 04 04 3301 0801", false);
    wt_expect(rig, FAILED("0", "local", "0"));
    ck_assert_uint_eq(fake_find(&rig->fake.conn, 0)->sent_length, 0);
    uint64_t id;
    ck_assert_int_eq(leat_wt_connect(rig->wt, "a.example", "/c", NULL, NULL, 0, &id), 0);
    wt_drain(rig);
    wt_expect(rig, FAILED("4", "local", "0"));
}

WT_TEST_OF(an_answer_with_fin_opens_and_ends, WT_CLIENT) {
    wt_settings(rig);
    wt_request(rig, 0);
    fake_forget(&rig->fake.conn, 0);
    wt_headers(rig, 0, ":status=200", true);
    wt_expect(
        rig, by_dialect(rig,
                 READY("draft-02") "SessionClosed session_id=0 origin=peer cause=fin code=0 "
                                   "reason=\"\" http_code=0 quic_code=0 clean=yes "
                                   "connection_usable=yes silent_for=0ms datagrams_dropped=0\n",
                 READY("draft-07") "SessionClosed session_id=0 origin=peer cause=fin code=0 "
                                   "reason=\"\" http_code=0 quic_code=0 clean=yes "
                                   "connection_usable=yes silent_for=0ms datagrams_dropped=0\n"));
    wt_expect_sent(rig, 0, "", true);
}

WT_TEST_OF(an_answer_with_content_is_a_protocol_error, WT_CLIENT) {
    wt_settings(rig);
    wt_request(rig, 0);
    wt_headers(rig, 0, ":status=200\ncontent-length=5", false);
    wt_expect(rig, "SessionClosed session_id=0 origin=local cause=protocol_error code=0 "
                   "reason=\"\" http_code=270 quic_code=0 clean=no "
                   "connection_usable=yes silent_for=0ms datagrams_dropped=0\n");
    wt_expect_aborted(rig, 0, LEAT_H3_MESSAGE_ERROR);
}

WT_TEST_OF(a_malformed_answer_is_a_protocol_error, WT_CLIENT) {
    wt_settings(rig);
    wt_request(rig, 0);
    wt_headers(rig, 0, ":status=abc", false);
    wt_expect(rig, "SessionClosed session_id=0 origin=local cause=protocol_error code=0 "
                   "reason=\"\" http_code=270 quic_code=0 clean=no "
                   "connection_usable=yes silent_for=0ms datagrams_dropped=0\n");
}

WT_TEST_OF(a_client_opens_no_more_sessions_than_the_server_takes, WT_CLIENT) {
    /* TEST draft-ietf-webtrans-http3-07 §3.4 */
    uint64_t id;
    wt_request(rig, 0);
    wt_request(rig, 4);
    wt_feed(rig, wt_peer_uni(rig, 0), "00 04 0d 3301 0801 c0000000c671706a01", false);
    wt_expect(rig, FAILED("4", "local", "0"));
    ck_assert_int_eq(leat_wt_connect(rig->wt, "a", "/", NULL, NULL, 0, &id), LEAT_ERR_FULL);
    wt_answer(rig, 0);
    ck_assert_int_eq(leat_wt_connect(rig->wt, "a", "/", NULL, NULL, 0, &id), LEAT_ERR_FULL);
    leat_wt_close(rig->wt, 0, 0, NULL, 0);
    ck_assert_int_eq(leat_wt_connect(rig->wt, "a", "/", NULL, NULL, 0, &id), 0);
    wt_drain(rig);
}

WT_TEST_OF(a_client_has_its_own_limit_of_sessions, WT_CLIENT) {
    uint64_t id;
    for (unsigned i = 0; i < 16; i++) {
        wt_request(rig, 4 * i);
    }
    ck_assert_int_eq(leat_wt_connect(rig->wt, "a", "/", NULL, NULL, 0, &id), LEAT_ERR_FULL);
}

WT_TEST_OF(goaway_fails_the_requests_that_it_excludes, WT_CLIENT) {
    /* TEST RFC 9114 §5.2 */
    uint64_t id;
    wt_open(rig);
    wt_request(rig, 4);
    wt_request(rig, 8);
    wt_feed(rig, wt_peer_uni(rig, 0), "07 01 08", false);
    wt_expect(rig, "SessionDraining session_id=0 by_goaway=yes\nSessionDraining session_id=4 "
                   "by_goaway=yes\n" FAILED("8", "peer", "267"));
    wt_expect_aborted(rig, 8, LEAT_H3_REQUEST_CANCELLED);
    ck_assert_int_eq(leat_wt_connect(rig->wt, "a", "/", NULL, NULL, 0, &id), LEAT_ERR_STATE);
}

WT_TEST_OF(a_server_cannot_connect, WT_SERVER) {
    uint64_t id;
    ck_assert_int_eq(leat_wt_connect(rig->wt, "a", "/", NULL, NULL, 0, &id), LEAT_ERR_STATE);
}

WT_TEST(sessions_are_walked_and_have_a_user_pointer) {
    size_t cursor = 0;
    uint64_t id = 99;
    wt_open(rig);
    wt_request(rig, 4);
    ck_assert(leat_wt_next_session(rig->wt, &cursor, &id) && id == 0);
    ck_assert(leat_wt_next_session(rig->wt, &cursor, &id) && id == 4);
    ck_assert(!leat_wt_next_session(rig->wt, &cursor, &id));
    leat_wt_set_session_user(rig->wt, 4, rig);
    leat_wt_set_session_user(rig->wt, 8, rig);
    ck_assert_ptr_eq(leat_wt_session_user(rig->wt, 4), rig);
    ck_assert_ptr_null(leat_wt_session_user(rig->wt, 0));
    ck_assert_ptr_null(leat_wt_session_user(rig->wt, 8));
    ck_assert_ptr_eq(leat_wt_h3(rig->wt), rig->h3);
}

START_TEST(without_randomness_there_is_no_layer) {
    static wt_rig rig;
    wt_init(&rig, WT_SERVER, LEAT_WT_DIALECT_DRAFT02);
    rig.fake.conn.random_fails = true;
    ck_assert(!wt_start(&rig));
    wt_clear(&rig);
}
END_TEST

LEAT_TEST_MAIN("webtransport request", the_dialect_is_the_newest_that_the_peers_settings_allow,
    a_peer_without_quic_datagrams_has_no_dialect, the_setting_of_draft_02_is_0_or_1,
    all_dialects_are_offered, a_request_is_accepted, the_version_field_of_draft_02_is_answered,
    fields_of_request_and_answer_are_passed_on, a_request_waits_for_the_clients_settings,
    a_client_without_a_known_version_is_refused, a_refusal_answers_and_ends_the_session,
    a_refusal_needs_no_words, one_session_too_many_is_answered_with_429,
    a_request_with_fin_is_no_session, other_requests_are_left_alone,
    a_session_closed_before_the_answer_is_told_once, a_server_may_close_instead_of_answering,
    a_session_is_asked_for, a_request_waits_for_the_servers_settings,
    origin_and_further_fields_are_sent, any_2xx_opens_the_session_and_1xx_does_not,
    another_status_is_a_refusal, redirections_are_not_followed,
    a_server_without_a_known_version_fails_the_request, an_answer_with_fin_opens_and_ends,
    an_answer_with_content_is_a_protocol_error, a_malformed_answer_is_a_protocol_error,
    a_client_opens_no_more_sessions_than_the_server_takes, a_client_has_its_own_limit_of_sessions,
    goaway_fails_the_requests_that_it_excludes, a_server_cannot_connect,
    sessions_are_walked_and_have_a_user_pointer, without_randomness_there_is_no_layer)
